//! What the README shows is what happens.

use std::process::Command;

/// Ports, ids, hashes, times and folders differ from run to run.
fn plain(text: &str) -> String {
    let text = regex::Regex::new(r"C-[0-9A-Z]{26}|[0-9a-f]{64}|p-[0-9a-f]{16}|127\.0\.0\.1:\d+|\S*efface-demo-\S*|\S*/demo/\S*|\d{4}-\d\d-\d\d\S*")
        .unwrap()
        .replace_all(text, "…")
        .into_owned();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_tour_is_what_the_demo_says() {
    let readme = include_str!("../../README.md");
    let block = readme
        .split("```text\n$ efface demo\n")
        .nth(1)
        .expect("the README shows the demo")
        .split("```")
        .next()
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let out = Command::new(env!("CARGO_BIN_EXE_efface"))
        .args(["demo", "--dir"])
        .arg(dir.path().join("demo"))
        .env_clear()
        .env("EFFACE_ACTOR", "you")
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let said = plain(&String::from_utf8_lossy(&out.stderr));
    let shown = plain(&String::from_utf8_lossy(&out.stdout));
    for line in block.lines().map(plain).filter(|l| !l.is_empty() && l != "…" && l != "[…]") {
        assert!(
            said.contains(&line) || shown.contains(&line),
            "the README shows a line that the demo does not say: {line}"
        );
    }
    for left in ["report.html", "certificate.json", "certificate.json.sig", "efface.toml"] {
        assert!(dir.path().join("demo").join(left).exists(), "{left}");
    }
}

/// The first hour, line by line in a shell, as a new user would: only the installation is done already, and nobody waits for the night.
#[test]
fn the_first_hour() {
    let readme = include_str!("../../README.md");
    let block =
        readme.split("## The first hour").nth(1).unwrap().split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_efface"));
    let path = format!("{}:{}", binary.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let shell = |line: &str, at: &std::path::Path| {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("exec {line}")]).current_dir(at).env("PATH", &path).env("EFFACE_ACTOR", "you");
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        command
    };
    let (mut at, mut running, mut ran) = (dir.path().to_owned(), Vec::new(), 0);
    for line in block.lines().map(|l| l.split('#').next().unwrap().trim()).filter(|l| !l.is_empty()) {
        ran += 1;
        if line.starts_with("cargo install") {
            continue;
        }
        if let Some(folder) = line.strip_prefix("cd ") {
            at = at.join(folder);
            continue;
        }
        if line.contains("--stay") || line.ends_with("--watch") {
            running.push(shell(line, &at).spawn().unwrap());
            let ready =
                if line.contains("--stay") { "first/report.html" } else { "first/efface-state/sweep.heartbeat" };
            for _ in 0..600 {
                if dir.path().join(ready).exists() {
                    break;
                }
                std::thread::sleep(std::time::Duration::from_millis(100));
            }
            assert!(dir.path().join(ready).exists(), "{line}");
            continue;
        }
        // What goes on has the shell's place, so that it can be ended; the rest may be more than one word.
        let out = if line.starts_with("printf") {
            Command::new("sh").args(["-c", line]).current_dir(&at).output().unwrap()
        } else {
            shell(line, &at).output().unwrap()
        };
        let said = [&out.stdout[..], &out.stderr[..]].concat();
        assert!(out.status.success(), "{line}: {}", String::from_utf8_lossy(&said));
    }
    for mut child in running {
        let gone = Command::new("kill").arg(child.id().to_string()).status().unwrap();
        assert!(gone.success());
        child.wait().unwrap();
    }
    assert_eq!(ran, 12);
    assert!(at.join("compliance.html").metadata().unwrap().len() > 5000);
}

/// Every command of the README's shell blocks is one that the binary knows, with the options that are shown.
#[test]
fn every_command_shown_is_known() {
    let readme = include_str!("../../README.md");
    let mut known = std::collections::BTreeMap::<String, String>::new();
    let mut help = |path: &[&str]| {
        let key = path.join(" ");
        known
            .entry(key)
            .or_insert_with(|| {
                let out =
                    Command::new(env!("CARGO_BIN_EXE_efface")).args(path).arg("--help").env_clear().output().unwrap();
                if out.status.success() { String::from_utf8_lossy(&out.stdout).into_owned() } else { String::new() }
            })
            .clone()
    };
    let mut seen = 0;
    for block in readme.split("```sh\n").skip(1).map(|b| b.split("```").next().unwrap()) {
        for line in block.lines().filter(|l| l.starts_with("efface ")) {
            let words: Vec<&str> = line.split(" #").next().unwrap().split_whitespace().skip(1).collect();
            let mut path: Vec<&str> = Vec::new();
            let mut rest = words.iter().peekable();
            // Options of every command may stand in front.
            while rest.peek().is_some_and(|w| w.starts_with("--")) {
                rest.next();
                rest.next();
            }
            for word in rest {
                let mut deeper = path.clone();
                deeper.push(word);
                if !word.chars().all(|c| c.is_ascii_lowercase() || c == '-')
                    || word.starts_with('-')
                    || help(&deeper).is_empty()
                {
                    break;
                }
                path = deeper;
            }
            let text = help(&path);
            assert!(!path.is_empty() && !text.is_empty(), "no such command: {line}");
            for option in words.iter().filter(|w| w.starts_with("--") && w.len() > 2) {
                let option = option.split('=').next().unwrap();
                assert!(text.contains(option), "`efface {}` has no {option}: {line}", path.join(" "));
            }
            seen += 1;
        }
    }
    assert!(seen > 30, "{seen} commands");
}

/// A row of the table beside other engines is ticked by tests that are there.
#[test]
fn what_the_table_of_engines_names_is_tested() {
    let table = include_str!("../../docs/ENGINES.md");
    let mut sources = String::new();
    let mut folders = vec![std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src")];
    folders.push(std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/main"));
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                sources.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    for row in table.lines().filter(|l| l.starts_with("| ")).skip(1) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [what, .., efface, shown] = cells.as_slice() else { panic!("{row}") };
        let tests: Vec<&str> = shown.split('`').skip(1).step_by(2).collect();
        assert_eq!(tests.is_empty(), *efface == "**no**", "{what}: ticked without a test, or a gap with one");
        for test in tests {
            assert!(sources.contains(&format!("fn {test}(")), "{what}: there is no test {test}");
        }
    }
}
