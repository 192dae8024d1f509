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
