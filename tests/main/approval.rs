//! Approval by signature, expiry and the wait before what cannot be undone, from the command line.

use std::process::{Command, Stdio};

use efface::model::Flavor;
use serde_json::{Value, json};

use crate::world::{Run, World, names_the_person};

/// A world with a policy that has these lines under `[approval]`, and an open case; gives the case's id.
fn world(approval: &str, signers: bool) -> (World, String) {
    let w = World::new(Flavor::Cloud, 0);
    w.plant();
    w.efface(&["sync", "run"]).exits(0);
    w.register();
    let policies = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/gdpr-default.toml");
    let policy = std::fs::read_to_string(policies).unwrap();
    let own = policy.replace("[approval]\n", &format!("[approval]\n{approval}\n"));
    let own: String = own
        .lines()
        .filter(|l| {
            !(l.starts_with("four_eyes = false")
                || l.starts_with("signatures = false")
                || l.starts_with("expires = \"30 days\""))
        })
        .map(|l| format!("{l}\n"))
        .collect();
    std::fs::write(w.path().join("own.toml"), own).unwrap();
    let config = std::fs::read_to_string(w.path().join("efface.toml")).unwrap();
    let signers = if signers { "\nsigners = \"allowed_signers\"" } else { "" };
    let home = format!("path = \"home\"\npolicy = \"own.toml\"{signers}");
    std::fs::write(w.path().join("efface.toml"), config.replacen("path = \"home\"", &home, 1)).unwrap();
    let case = w.efface(&["case", "open", "--subject", "REQ-1", "-q"]).exits(0).out.trim().to_owned();
    (w, case)
}

fn key(w: &World, name: &str, kind: &[&str]) -> String {
    let file = w.path().join(name);
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-N", "", "-C", ""]).args(kind).arg("-f").arg(&file);
    assert!(command.status().unwrap().success());
    std::fs::read_to_string(file.with_extension("pub")).unwrap().trim().to_owned()
}

/// Signs a file in the world's folder; gives the name of the signature's file.
fn sign(w: &World, key: &str, namespace: &str, file: &str) -> String {
    let signature = format!("{file}.sig");
    drop(std::fs::remove_file(w.path().join(&signature)));
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-Y", "sign", "-n", namespace, "-f", key, file]).current_dir(w.path()).stderr(Stdio::null());
    assert!(command.status().unwrap().success());
    signature
}

/// Moves the time of everything that was approved into the past: the clock of the command line is the real one.
fn age_approvals(w: &World, days: i64) {
    let store = rusqlite::Connection::open(w.path().join("efface-state/efface.db")).unwrap();
    let at = (chrono::Utc::now() - chrono::Duration::days(days)).to_rfc3339();
    assert!(store.execute("UPDATE approvals SET at = ?1", [at]).unwrap() > 0);
}

#[track_caller]
fn says(run: Run, code: i32, what: &str) {
    assert!(run.err.contains(what), "{what:?} is not said:\n{}", run.err);
    run.exits(code);
}

#[track_caller]
fn says_out(run: Run, code: i32, what: &str) {
    assert!(run.out.contains(what), "{what:?} is not said:\n{}", run.out);
    run.exits(code);
}

#[test]
fn approval_by_signature() {
    let (w, case) = world("four_eyes = true\nsignatures = true", true);
    let (dpo, admin) = (key(&w, "dpo", &["-t", "ed25519"]), key(&w, "admin", &["-t", "ecdsa", "-b", "256"]));
    key(&w, "stranger", &["-t", "ed25519"]);
    says(w.efface(&["case", "plan", &case]), 2, "signers");
    says_out(w.efface(&["doctor"]), 3, "signers");
    std::fs::write(w.path().join("allowed_signers"), format!("dpo cert-authority {dpo}\n")).unwrap();
    says(w.efface(&["case", "plan", &case]), 2, "cert-authority");
    let file = format!("dpo@corp.example namespaces=\"approval@efface\" {dpo}\nadmin {admin}\nalias {admin}\n");
    std::fs::write(w.path().join("allowed_signers"), &file).unwrap();
    says_out(w.efface(&["doctor"]), 0, "3 keys may sign approvals");
    w.efface(&["case", "plan", &case]).exits(0);

    let approve = |more: &[&str]| w.efface(&[&["case", "approve", &case], more].concat());
    says(approve(&[]), 4, "ssh-keygen -Y sign -n approval@efface");
    says(approve(&["--actor", "dpo@corp.example"]), 4, "--statement");
    let statement = |more: &[&str]| approve(&[&["--statement", "-o", "a.json"], more].concat());
    says(statement(&[]), 0, "Nothing is approved yet");
    says(w.efface(&["case", "execute", &case, "--yes"]), 4, "not approved");
    let text = std::fs::read(w.path().join("a.json")).unwrap();
    assert!(!names_the_person(&text));
    let said: Value = serde_json::from_slice(&text).unwrap();
    assert_eq!((said["schema"].as_str(), said["case"].as_str()), (Some("efface.approval/1"), Some(case.as_str())));

    // By whom, for what, of which text: each is looked at.
    says(approve(&["--signature", &sign(&w, "stranger", "approval@efface", "a.json")]), 4, "not in the signers' file");
    says(approve(&["--signature", &sign(&w, "dpo", "file", "a.json")]), 4, "another purpose");
    says(approve(&["--signature", "a.json"]), 4, "no SSH signature");
    says(approve(&["--signature", "missing.sig"]), 2, "cannot read the signature");
    let signature = sign(&w, "admin", "approval@efface", "a.json");
    says(approve(&["--signature", &signature, "--actor", "admin2"]), 4, "not admin2's");
    says(approve(&["--signature", &signature]), 4, "several names");
    says(approve(&["--signature", &signature, "--actor", "alias"]), 4, "also the planner's");
    let signature = sign(&w, "dpo", "approval@efface", "a.json");
    says(approve(&["--signature", &signature, "--raise-cap", "5000"]), 4, "does not fit the statement");
    says(approve(&["--signature", &signature, "--actor", "boss"]), 4, "not boss's");
    // Another plan: the signature is worth nothing.
    std::fs::copy(w.path().join(&signature), w.path().join("old.sig")).unwrap();
    w.efface(&["case", "plan", &case]).exits(0);
    says(approve(&["--signature", "old.sig"]), 4, "does not fit the statement");

    statement(&[]).exits(0);
    let signature = sign(&w, "dpo", "approval@efface", "a.json");
    std::fs::write(w.path().join("allowed_signers"), format!("{file}# new\n")).unwrap();
    says(approve(&["--signature", &signature]), 4, "not the one that the plan was made with");
    std::fs::write(w.path().join("allowed_signers"), &file).unwrap();
    says(approve(&["--signature", &signature]), 0, "Approved by dpo@corp.example, with the key SHA256:");
    says_out(w.efface(&["case", "show", &case]), 0, "signed with SHA256:");
    // Before the first step all of it is looked at again.
    std::fs::write(w.path().join("allowed_signers"), format!("{file}# new\n")).unwrap();
    says(w.efface(&["case", "execute", &case, "--yes"]), 4, "not the one that the plan was made with");
    std::fs::write(w.path().join("allowed_signers"), &file).unwrap();
    let store = rusqlite::Connection::open(w.path().join("efface-state/efface.db")).unwrap();
    store.execute("UPDATE approvals SET cap = 9", []).unwrap();
    says(w.efface(&["case", "execute", &case, "--yes"]), 4, "does not fit the statement");
    store.execute("UPDATE approvals SET cap = NULL", []).unwrap();
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    w.efface(&["case", "verify", &case]).exits(0);
    w.efface(&["case", "certificate", &case, "-o", "certificate.json"]).exits(0);

    // An auditor needs the certificate and the signers' file, and OpenSSH.
    let certificate: Value =
        serde_json::from_slice(&std::fs::read(w.path().join("certificate.json")).unwrap()).unwrap();
    let approval = &certificate["approvals"][0];
    assert_eq!(approval["actor"], "dpo@corp.example");
    let signed = &approval["signed"];
    let statement = signed["statement"].as_str().unwrap();
    let says: Value = serde_json::from_str(statement).unwrap();
    assert_eq!(says["plan"], certificate["plan"]);
    assert_eq!(says["policy"], certificate["policy"][1]);
    std::fs::write(w.path().join("auditor.sig"), signed["signature"].as_str().unwrap()).unwrap();
    let openssh = |statement: &str| {
        std::fs::write(w.path().join("auditor.json"), statement).unwrap();
        let mut command = Command::new("ssh-keygen");
        command.args(["-Y", "verify", "-f", "allowed_signers", "-n", "approval@efface", "-s", "auditor.sig", "-I"]);
        command.arg("dpo@corp.example").current_dir(w.path());
        command.stdin(std::fs::File::open(w.path().join("auditor.json")).unwrap()).stdout(Stdio::null());
        command.stderr(Stdio::null()).status().unwrap().success()
    };
    assert!(openssh(statement));
    assert!(!openssh(&statement.replace("\"cap\":null", "\"cap\":9")));
    let events: Value = serde_json::from_str(&w.efface(&["audit", "show", "--format", "json"]).exits(0).out).unwrap();
    let approved =
        events.as_array().unwrap().iter().find(|e| e["kind"] == "case.approved").expect("an event of the approval");
    assert_eq!(approved["actor"], "dpo@corp.example");
    assert_eq!(approved["detail"]["brought_by"], json!("admin"));
}

#[test]
fn what_cannot_be_undone_waits() {
    let (w, case) = world("expires = \"14 days\"\ndelay = \"1 day\"", false);
    let plan = w.efface(&["case", "plan", &case, "--format", "json"]).exits(0).out;
    let plan: Value = serde_json::from_str(&plan).unwrap();
    let steps = plan["plan"]["steps"].as_array().unwrap();
    // What goes by Cloud's redaction API cannot be put back either.
    let can_be = |s: &&Value| s["operation"] == "edit" && s["record"]["type"] == "issue" && s["means"].is_null();
    let edits = steps.iter().filter(can_be).count();
    assert!(edits > 0 && edits < steps.len(), "some can be undone, some cannot");
    // The policy is edited: the plan keeps what it was made under.
    let policy = std::fs::read_to_string(w.path().join("own.toml")).unwrap();
    std::fs::write(w.path().join("own.toml"), policy.replace("delay = \"1 day\"\n", "")).unwrap();
    w.efface_as("dpo", &["case", "approve", &case]).exits(0);
    let log = std::fs::read(w.home().join("log/jira.log")).unwrap();
    let run = w.efface(&["case", "execute", &case, "--yes"]).exits(3);
    let all = steps.len();
    assert!(run.err.contains(&format!("{edits} of {all} steps done, 0 failed, 0 refused")), "{}", run.err);
    assert!(run.err.contains(&format!("{} steps cannot be undone and wait until 2", all - edits)), "{}", run.err);
    assert_eq!(std::fs::read(w.home().join("log/jira.log")).unwrap(), log);
    assert!(w.home().join("data/other-tool/processed/1.json").exists());
    // Not verified while steps wait; and nothing hurries it.
    w.efface(&["case", "verify", &case]);
    w.efface(&["case", "certificate", &case]).exits(4);
    w.efface(&["case", "execute", &case, "--yes"]).exits(3);
    age_approvals(&w, 2);
    let run = w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    assert!(run.err.contains(&format!("{all} of {all} steps done")), "{}", run.err);
    assert!(!w.home().join("data/other-tool/processed/1.json").exists());
    w.efface(&["case", "verify", &case]).exits(0);
}

#[test]
fn a_waiting_plan_can_be_made_again() {
    let (w, case) = world("delay = \"1 day\"", false);
    w.efface(&["case", "plan", &case]).exits(0);
    w.efface_as("dpo", &["case", "approve", &case]).exits(0);
    w.efface(&["case", "execute", &case, "--yes"]).exits(3);
    w.efface(&["case", "plan", &case]).exits(0);
    says(w.efface(&["case", "execute", &case, "--yes"]), 4, "not approved");
}
