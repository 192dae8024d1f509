//! Attachments: what can be cut is put back without the person, what cannot leaves a note, and no sync undoes or doubles it.

use std::{
    io::Write,
    process::Stdio,
    time::{Duration, Instant},
};

use efface::{
    jira::Upload,
    model::Flavor,
    sandbox::{Control, Sandbox},
};
use serde_json::{Value, json};

use crate::world::{EMAIL, NAME, USER, World, archive, client, names_the_person};

fn gzip(text: &str) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    writer.write_all(text.as_bytes()).unwrap();
    writer.finish().unwrap()
}

fn gunzip(hexadecimal: &str) -> String {
    let mut text = String::new();
    std::io::Read::read_to_string(
        &mut flate2::read::GzDecoder::new(hex::decode(hexadecimal).unwrap().as_slice()),
        &mut text,
    )
    .unwrap();
    text
}

/// A source issue with every kind of attachment, carried over; gives its key.
fn world(flavor: Flavor) -> (World, String) {
    let w = World::new(flavor, 0);
    let key = w.issue("Lamp", "nothing", Value::Null);
    let files: [(&str, Vec<u8>); 8] = [
        ("log.txt", format!("08:59 refused\n09:00 called {EMAIL}\n").into_bytes()),
        ("users.csv", format!("id,mail\n1,{EMAIL}\n2,anna@corp.example\n").into_bytes()),
        ("say.json", json!({ "to": EMAIL, "n": 1 }).to_string().into_bytes()),
        ("old.log.gz", gzip(&format!("login {USER}\nlogin anna\n"))),
        (&format!("badge of {NAME}.txt"), b"The badge is blue.\n".to_vec()),
        ("archive.tar", archive(&format!("ask {EMAIL}"))),
        ("other.txt", b"Anna Bergman's.\n".to_vec()),
        ("twice.txt", format!("of {EMAIL}").into_bytes()),
    ];
    let jira = client("hq", &w.source);
    for (name, bytes) in files {
        w.rt.block_on(jira.upload(&key, name, Upload::Bytes(bytes.into()))).unwrap();
    }
    // The same once more, by another.
    w.attach(&key, "twice.txt", &format!("of {EMAIL}"));
    w.efface(&["sync", "run"]).exits(0);
    w.indexed();
    w.register();
    (w, key)
}

/// Name, content and id of the one issue's attachments.
fn attachments(sandbox: &Sandbox) -> Vec<(String, String, u64)> {
    let dump = sandbox.control().dump();
    let all = dump["issues"].as_object().unwrap().values().flat_map(|i| i["attachments"].as_array().unwrap().clone());
    let mut all: Vec<_> = all
        .map(|a| {
            let text = |name: &str| a[name].as_str().unwrap().to_owned();
            (text("name"), text("content"), a["id"].as_u64().unwrap())
        })
        .collect();
    all.sort();
    all
}

fn named<'a>(all: &'a [(String, String, u64)], name: &str) -> Vec<&'a str> {
    all.iter().filter(|(n, ..)| n == name).map(|(_, content, _)| content.as_str()).collect()
}

fn uploads(control: &Control) -> usize {
    control.request_log().iter().filter(|(m, p)| m == "POST" && p.ends_with("/attachments")).count()
}

/// What has to stand there at the end, whatever happened on the way.
#[track_caller]
fn redacted(all: &[(String, String, u64)], case: &str) {
    let names: Vec<&str> = all.iter().map(|(n, ..)| n.as_str()).collect();
    assert_eq!(all.len(), 9, "{names:?}");
    assert_eq!(named(all, "log.txt"), ["08:59 refused\n09:00 called [erased]\n"]);
    assert_eq!(named(all, "users.csv"), ["id,mail\n1,[erased]\n2,anna@corp.example\n"]);
    assert_eq!(named(all, "say.json"), [json!({ "to": "[erased]", "n": 1 }).to_string()]);
    assert_eq!(gunzip(named(all, "old.log.gz")[0]), "login [erased]\nlogin anna\n");
    assert_eq!(named(all, "badge of [erased].txt"), ["The badge is blue.\n"]);
    assert_eq!(named(all, "other.txt"), ["Anna Bergman's.\n"]);
    assert_eq!(named(all, "twice.txt"), ["of [erased]", "of [erased]"]);
    let note = all.iter().find(|(n, ..)| n.starts_with("attachment-removed-")).unwrap();
    for word in ["GDPR", case, "An attachment was removed here"] {
        assert!(note.1.contains(word), "{note:?}");
    }
    assert!(!names_the_person(format!("{all:?}").as_bytes()));
}

fn happy(flavor: Flavor) {
    let (w, _) = world(flavor);
    let before = [attachments(&w.source), attachments(&w.target)];
    assert_eq!((before[0].len(), before[1].len()), (9, 9));
    let case = w.efface(&["case", "open", "--subject", "REQ-1", "-q"]).exits(0).out.trim().to_owned();
    // A second plan reads no content again that it knows to be clean, be it of a name that is not.
    w.efface(&["case", "plan", &case]).exits(0);
    let planned = w.efface(&["case", "plan", &case, "--format", "json"]).exits(0).out;
    let planned: Value = serde_json::from_str(&planned).unwrap();
    let steps = planned["plan"]["steps"].as_array().unwrap();
    let of = |op: &str| -> Vec<&Value> {
        let mine =
            |s: &&Value| s["record"]["type"] == "attachment" && s["operation"] == *op && !s["instance"].is_null();
        steps.iter().filter(mine).collect()
    };
    assert_eq!((of("edit").len(), of("delete").len()), (14, 2), "{steps:#?}");
    for step in of("edit") {
        let notes = step["notes"].to_string();
        assert!(notes.contains("author, date and thumbnail") && notes.contains("keeps the old file name"), "{notes}");
    }
    assert!(of("delete").iter().all(|s| s["means"] == "note"));
    w.efface_as("dpo", &["case", "approve", &case]).exits(0);
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    for (sandbox, before) in [(&w.source, &before[0]), (&w.target, &before[1])] {
        let after = attachments(sandbox);
        redacted(&after, &case);
        let other = |all: &[(String, String, u64)]| all.iter().find(|(n, ..)| n == "other.txt").unwrap().2;
        assert_eq!(other(before), other(&after), "what names nobody is not touched");
    }
    w.efface(&["case", "verify", &case]).exits(0);
    // Neither the old ones come back nor the new ones a second time.
    let (source, target) = w.control();
    for args in [&["sync", "run"][..], &["sync", "run", "--full"]] {
        source.reset_requests();
        target.reset_requests();
        w.efface(args).exits(0);
        assert_eq!((uploads(&source), uploads(&target)), (0, 0));
    }
    redacted(&attachments(&w.target), &case);
    // A new one is carried over as ever.
    w.attach("HQ-1", "new.txt", "News.");
    w.efface(&["sync", "run"]).exits(0);
    assert_eq!(named(&attachments(&w.target), "new.txt"), ["News."]);
    w.efface(&["case", "verify", &case]).exits(0);
    w.efface(&["case", "certificate", &case, "-o", "certificate.json"]).exits(0);
    let certificate = std::fs::read(w.path().join("certificate.json")).unwrap();
    assert!(!names_the_person(&certificate));
    // The old name stays in the history, and is listed.
    let certificate: Value = serde_json::from_slice(&certificate).unwrap();
    assert!(certificate["stays"].as_array().unwrap().iter().any(|s| s["record"]["type"] == "history"));
    w.efface(&["case", "close", &case]).exits(0);
}

#[test]
fn what_can_be_cut_comes_back_without_the_person_on_cloud() {
    happy(Flavor::Cloud);
}

#[test]
fn what_can_be_cut_comes_back_without_the_person_on_data_center() {
    happy(Flavor::DataCenter);
}

#[test]
fn kills_between_upload_and_deletion_double_nothing() {
    let (w, _) = world(Flavor::Cloud);
    let (source, target) = w.control();
    source.set_latency(Duration::from_millis(3));
    target.set_latency(Duration::from_millis(3));
    let case = w.approved_case();
    let (mut kills, mut ended) = (0, false);
    for n in 0..60u64 {
        let args = ["case", "execute", &case, "--yes"];
        let mut child = w.command(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(40 + n * 7 % 60) {
            ended |= child.try_wait().unwrap().is_some();
            std::thread::sleep(Duration::from_millis(1));
        }
        if ended {
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
    }
    assert!(kills > 3, "{kills}");
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    println!("attachments: {kills} kills");
    redacted(&attachments(&w.source), &case);
    redacted(&attachments(&w.target), &case);
    w.efface(&["case", "verify", &case]).exits(0);
    target.reset_requests();
    w.efface(&["sync", "run", "--full"]).exits(0);
    assert_eq!(uploads(&target), 0);
}

#[test]
fn an_old_one_that_may_not_be_deleted_waits_with_its_copy() {
    let (w, _) = world(Flavor::Cloud);
    let case = w.approved_case();
    let (source, _) = w.control();
    for permission in ["DELETE_ALL_ATTACHMENTS", "DELETE_OWN_ATTACHMENTS"] {
        source.deny(permission, true);
    }
    w.efface(&["case", "execute", &case, "--yes"]).exits(3);
    assert_eq!(attachments(&w.source).len(), 9 + 8, "each beside its copy");
    for permission in ["DELETE_ALL_ATTACHMENTS", "DELETE_OWN_ATTACHMENTS"] {
        source.deny(permission, false);
    }
    source.reset_requests();
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    assert_eq!(uploads(&source), 0, "the copy is there");
    redacted(&attachments(&w.source), &case);
    // A copy that somebody took away meanwhile is made anew.
    w.efface(&["case", "verify", &case]).exits(0);
}

#[test]
fn a_hold_keeps_the_attachment_and_uploads_nothing() {
    let (w, _) = world(Flavor::Cloud);
    let case = w.approved_case();
    let add = ["hold", "add", "--type", "preservation", "--basis", "claim 7", "--record", "attachment"];
    w.efface_as("legal", &add).exits(0);
    let before = [attachments(&w.source), attachments(&w.target)];
    let (source, target) = w.control();
    source.reset_requests();
    target.reset_requests();
    w.efface(&["case", "execute", &case, "--yes"]).exits(4);
    assert_eq!((uploads(&source), uploads(&target)), (0, 0));
    assert_eq!([attachments(&w.source), attachments(&w.target)], before);
}

#[test]
fn one_that_somebody_deleted_is_gone_and_leaves_no_copy() {
    let (w, key) = world(Flavor::DataCenter);
    let case = w.approved_case();
    let jira = client("hq", &w.source);
    let issue = w.rt.block_on(jira.issue(&key, &["attachment"], false, &[])).unwrap().unwrap();
    let list = issue.field("attachment").unwrap().as_array().unwrap().clone();
    let log = list.iter().find(|a| a["filename"] == "log.txt").unwrap();
    w.rt.block_on(jira.delete_attachment(log["id"].as_str().unwrap())).unwrap();
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    assert!(named(&attachments(&w.source), "log.txt").is_empty());
    w.efface(&["case", "verify", &case]).exits(0);
}
