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
