//! Once erased, stays erased: the list, what is put back from a backup, and what a later configuration brings.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use efface::{model::Flavor, store::Store};
use serde_json::{Value, json};

use crate::world::{EMAIL, NAME, USER, World, client, names_the_person};

fn state(w: &World) -> PathBuf {
    w.path().join("efface-state")
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let there = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &there);
        } else {
            std::fs::copy(&path, &there).unwrap();
        }
    }
}

/// The database as it is now, outside the world's folder.
struct Backup(tempfile::TempDir);

impl Backup {
    fn of(w: &World) -> Self {
        let dir = tempfile::tempdir().unwrap();
        copy(&state(w), &dir.path().join("state"));
        copy(&w.home().join("data/efface"), &dir.path().join("staging"));
        Self(dir)
    }

    /// The database alone: the files beside it stay as they are.
    fn put_back_database(&self, w: &World) {
        for beside in ["", "-wal", "-shm"] {
            let name = format!("{}{beside}", Store::FILE);
            drop(std::fs::remove_file(state(w).join(&name)));
            let old = self.0.path().join("state").join(&name);
            if old.exists() {
                std::fs::copy(old, state(w).join(&name)).unwrap();
            }
        }
    }

    fn put_back_staging(&self, w: &World) {
        std::fs::remove_dir_all(w.home().join("data/efface")).unwrap();
        copy(&self.0.path().join("staging"), &w.home().join("data/efface"));
    }
}

/// A world whose person was synchronised, erased and certified; with a backup from just before the execution.
fn erased() -> (World, String, Backup) {
    let w = World::new(Flavor::Cloud, 2);
    w.write_config("names = \"cut\"");
    w.plant();
    w.efface(&["sync", "run"]).exits(0);
    w.register();
    let case = w.approved_case();
    let backup = Backup::of(&w);
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    w.efface(&["case", "verify", &case]).exits(0);
    w.efface(&["case", "close", &case]).exits(0);
    (w, case, backup)
}

fn target_summaries(w: &World) -> Vec<String> {
    w.indexed();
    let found = w.rt.block_on(client("partner", &w.target).search("project = PART", &["summary"]).all()).unwrap();
    let mut all: Vec<String> = found.iter().map(|i| i.summary().unwrap_or_default().to_owned()).collect();
    all.sort();
    all
}

/// What a scan finds in staging and target that an edit could have removed.
fn still_there(w: &World) -> Vec<Value> {
    w.register();
    let (_, report) = w.scan(&["--area", "staging,target"]);
    let all = report["findings"].as_array().unwrap().clone();
    all.into_iter().filter(|f| !matches!(f["record"]["type"].as_str(), Some("history" | "user-profile"))).collect()
}

#[test]
fn a_database_that_was_put_back_does_not_forget_who_was_erased() {
    let (w, case, backup) = erased();
    backup.put_back_database(&w);
    backup.put_back_staging(&w);
    // Somebody writes of the person again, before anybody has noticed.
    w.issue("Call back", &format!("[~{USER}], {EMAIL}"), json!({ "assignee": { "name": USER } }));
    let before = target_summaries(&w);
    for args in [&["sync", "run"][..], &["sync", "retry", "--all"], &["case", "execute", &case, "--yes"]] {
        let run = w.efface(args).exits(4);
        assert!(run.err.contains("efface case replay"), "{}", run.err);
    }
    assert!(w.efface(&["doctor"]).exits(3).out.contains("efface case replay"));
    // Looking changes nothing.
    let run = w.efface(&["case", "replay"]).exits(3);
    assert!(run.out.contains("staging:hq-partner/processed") && run.out.contains("seen"), "{}", run.out);
    w.efface(&["sync", "run"]).exits(4);
    assert_eq!(target_summaries(&w), before);
    assert!(w.efface(&["case", "show", &case]).exits(0).out.contains("approved"));
    assert!(w.efface(&["suppress", "list", "--format", "csv"]).exits(0).out.lines().count() <= 1);

    // While a place cannot be read, the doors stay shut, but what can be erased again is.
    w.target.control().hide_project("PART", true);
    let run = w.efface(&["case", "replay", "--yes"]).exits(3);
    assert!(!names_the_person(format!("{}{}", run.out, run.err).as_bytes()), "{}\n{}", run.out, run.err);
    assert!(run.out.contains("cut") && run.err.contains("1 cases end again"), "{}\n{}", run.out, run.err);
    w.efface(&["sync", "run"]).exits(4);
    w.target.control().hide_project("PART", false);
    let run = w.efface(&["case", "replay", "--yes"]);
    assert!(!run.out.contains("staging:"), "what was cut is gone: {}", run.out);
    // The source was written of the person again: a replay does not touch it, so it says that something is left.
    assert_eq!(run.code, 3, "{}\n{}", run.out, run.err);
    assert!(run.out.contains("source:hq/HQ") && !run.out.contains("seen"), "{}", run.out);
    assert!(w.efface(&["case", "show", &case]).exits(0).out.contains("closed"), "its identifiers are destroyed again");
    assert!(w.efface(&["suppress", "list", "--format", "csv"]).exits(0).out.lines().count() > 3);
    w.efface(&["sync", "run"]).exits(0);
    w.efface(&["audit", "verify"]).exits(0);
    let back = still_there(&w);
    assert!(back.is_empty(), "{back:#?}");
    assert!(target_summaries(&w).iter().any(|s| s == "Call back"), "the issue itself arrives, without the person");
    let told = w.efface(&["audit", "show"]).exits(0).out;
    assert!(told.contains("case.replayed") && told.contains("suppression.replayed"), "{told}");
}

#[test]
fn staged_files_that_were_put_back_are_erased_again() {
    let (w, _, backup) = erased();
    w.efface(&["case", "replay"]).exits(0);
    backup.put_back_staging(&w);
    // They are sealed with keys that were destroyed, so nobody reads them; but they stand where other content belongs.
    let run = w.efface(&["case", "replay"]).exits(3);
    assert!(run.out.contains("message"), "{}", run.out);
    w.efface(&["case", "replay", "--yes"]).exits(0);
    w.efface(&["case", "replay"]).exits(0);
    // One that the store has forgotten altogether.
    let stray = w.home().join("data/efface/hq-partner/processed/01ARZ3NDEKTSV4RRFFQ69G5FAV.msg");
    std::fs::write(&stray, "sealed with a key that nobody has").unwrap();
    let run = w.efface(&["case", "replay"]).exits(3);
    assert!(run.out.contains("01ARZ3NDEKTSV4RRFFQ69G5FAV") && stray.exists(), "{}", run.out);
    w.efface(&["case", "replay", "--yes"]).exits(0);
    assert!(!stray.exists());
    w.efface(&["sync", "run"]).exits(0);
    assert!(still_there(&w).is_empty());
}

#[test]
fn what_came_back_into_a_target_is_erased_again_and_stays_so() {
    let (w, _, _backup) = erased();
    // The erasure in the source is carried over once.
    w.efface(&["sync", "run"]).exits(0);
    let found = w.rt.block_on(client("partner", &w.target).search("project = PART", &["summary"]).all()).unwrap();
    let keys: Vec<String> = found.iter().map(|i| i.key().to_owned()).collect();
    let control = w.target.control();
    control.edit_issue_behind(&keys[0], "summary", &format!("Ask {NAME}, {EMAIL}")).unwrap();
    w.rt.block_on(client("partner", &w.target).add_comment(
        &keys[1],
        json!({"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [
            {"type": "text", "text": format!("mail {EMAIL}")}]}]}),
        &[],
    ))
    .unwrap();
    w.rt.block_on(client("partner", &w.target).upload(
        &keys[1],
        "a.txt",
        efface::jira::Upload::Bytes(format!("call {EMAIL}").into_bytes().into()),
    ))
    .unwrap();
    let assignee = serde_json::Map::from_iter([("assignee".to_owned(), json!({ "accountId": w.target_id }))]);
    w.rt.block_on(client("partner", &w.target).edit_issue(
        &keys[2],
        assignee,
        serde_json::Map::new(),
        efface::jira::Notify::PreferNever,
    ))
    .unwrap();
    let run = w.efface(&["case", "replay", "--format", "json"]).exits(3);
    let rows: Vec<Value> = serde_json::from_str(&run.out).unwrap();
    let kinds: Vec<&str> = rows.iter().map(|r| r["record"].as_str().unwrap()).collect();
    assert_eq!(kinds.len(), 4, "{}", run.out);
    for kind in ["issue", "comment", "attachment"] {
        assert!(kinds.contains(&kind), "{kind} not in {kinds:?}");
    }
    assert!(target_summaries(&w).iter().any(|s| s.contains(EMAIL)), "looking changes nothing");
    // An instance that is told and not touched.
    let file = w.path().join("efface.toml");
    let config = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, config.replace("\"processor\"", "\"partner\"\ncontact = \"privacy@partner.example\""))
        .unwrap();
    let run = w.efface(&["case", "replay", "--yes"]).exits(3);
    assert!(run.out.contains("tell privacy@partner.example"), "{}", run.out);
    assert!(target_summaries(&w).iter().any(|s| s.contains(EMAIL)));
    std::fs::write(&file, config).unwrap();
    w.efface(&["case", "replay", "--yes"]).exits(0);
    assert!(still_there(&w).is_empty());
    assert!(target_summaries(&w).iter().any(|s| s == "Ask [erased], [erased]"), "{:?}", target_summaries(&w));
    let writes = |w: &World| {
        let log = w.target.control().request_log();
        log.into_iter()
            .filter(|(m, p)| m != "GET" && !p.contains("search") && !p.contains("bulkfetch"))
            .collect::<Vec<_>>()
    };
    control.reset_requests();
    w.efface(&["sync", "run", "--full"]).exits(0);
    assert_eq!(writes(&w), [], "nothing from the source is written over it");
    // A source is reported and left.
    w.source.control().edit_issue_behind("HQ-2", "summary", &format!("Ask {EMAIL}")).unwrap();
    let run = w.efface(&["case", "replay", "--yes"]).exits(3);
    assert!(run.out.contains("follow-up case"), "{}", run.out);
    w.efface(&["sync", "run"]).exits(0);
    assert!(!target_summaries(&w).iter().any(|s| s.contains(EMAIL)));
    // An instance that does not answer leaves it incomplete.
    w.target.control().hide_project("PART", true);
    w.efface(&["case", "replay", "--yes"]).exits(3);
}

#[test]
fn nobody_takes_a_person_off_the_list_alone() {
    let (w, case, _backup) = erased();
    let listed = |w: &World| {
        let run = w.efface(&["suppress", "check", "--email", EMAIL, "--case", &case, "--format", "csv"]);
        run.exits(0).out.contains("email,listed")
    };
    assert!(listed(&w));
    w.efface(&["suppress", "check", "--email", EMAIL]).exits(2);
    w.efface(&["suppress", "check", "--email", EMAIL, "--purpose", " "]).exits(2);
    w.efface(&["suppress", "check", "--email", EMAIL, "--case", "C-01ARZ3NDEKTSV4RRFFQ69G5FAV"]).exits(2);
    w.efface(&["suppress", "check", "--email", EMAIL, "--purpose", &format!("is {EMAIL} the {USER} of 2024?")])
        .exits(0);
    w.efface(&["suppress", "remove", "--case", &case]).exits(2);
    w.efface(&["suppress", "remove", "--case", &case, "--approve"]).exits(2);
    w.efface(&["suppress", "remove", "--case", &case, "--reason", &format!("{NAME} ({EMAIL}) is back")]).exits(0);
    w.efface(&["suppress", "remove", "--case", &case, "--approve"]).exits(4);
    assert!(listed(&w), "a request alone does nothing");
    let run = w.efface(&["suppress", "list", "--case", &case]).exits(0);
    assert!(run.out.contains("removal asked by admin"), "{}", run.out);
    assert!(!names_the_person(format!("{}{}", run.out, run.err).as_bytes()), "{}", run.err);
    w.efface_as("dpo", &["suppress", "remove", "--case", &case, "--withdraw"]).exits(0);
    w.efface_as("dpo", &["suppress", "remove", "--case", &case, "--approve"]).exits(2);
    w.efface(&["suppress", "remove", "--case", &case, "--reason", "back in the company"]).exits(0);
    w.efface_as("dpo", &["suppress", "remove", "--case", &case, "--approve"]).exits(0);
    assert!(!listed(&w));
    let told = w.efface(&["audit", "show"]).exits(0).out;
    assert!(!names_the_person(told.as_bytes()), "{told}");
    w.efface(&["audit", "verify"]).exits(0);
    // A case that has not ended needs its entries.
    w.register();
    let open = w.approved_case();
    w.efface(&["case", "execute", &open, "--yes"]).exits(0);
    w.efface(&["suppress", "remove", "--case", &open, "--reason", "too early"]).exits(4);
}

#[test]
fn a_kill_between_journal_and_commit_loses_nothing() {
    let w = World::new(Flavor::DataCenter, 0);
    w.register();
    let opened = || w.efface(&["case", "open", "--subject", "REQ-1", "-q"]).exits(0).out.trim().to_owned();
    w.efface(&["case", "withdraw", &opened(), "--reason", "the first"]).exits(0);
    let backup = tempfile::tempdir().unwrap();
    copy(&state(&w), backup.path());
    let file = state(&w).join("generation");
    let under_way = || std::fs::read_to_string(&file).is_ok_and(|text| !text.contains("\"next\":null"));
    let (mut kills, mut inside) = (0, 0);
    for _ in 0..60 {
        let case = opened();
        let args = ["case", "withdraw", &case, "--reason", "killed"];
        let mut child = w.command(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // The intent is noted before the journal is written, and its end after the commit.
        while !under_way() && child.try_wait().unwrap().is_none() {}
        // Not always at its beginning.
        std::thread::sleep(Duration::from_micros(500 * (kills % 8)));
        child.kill().unwrap();
        kills += u64::from(child.wait().unwrap().code().is_none());
        inside += u64::from(under_way());
        let store = Store::open(&state(&w)).unwrap();
        let here = store.generations().unwrap();
        assert!(here.agree(), "{here}");
        let outlook = store.replay_outlook().unwrap();
        assert!(outlook.is_whole() && outlook.journal.is_empty());
        let id = case.parse().unwrap();
        let ended = store.case(&id).unwrap().unwrap().state.has_ended();
        assert_eq!(ended, store.case_subject(&id).unwrap().is_none(), "a case has ended or it has not");
        if inside >= 6 {
            break;
        }
    }
    println!("{kills} kills, {inside} between intent and end, nothing lost");
    assert!(inside > 0, "no kill fell between the intent and its end");
    let ended = |w: &World| {
        let list = w.efface(&["case", "list", "--format", "csv"]).exits(0).out;
        list.lines().filter(|l| l.contains("withdrawn")).map(|l| l[..28].to_owned()).collect::<Vec<_>>()
    };
    let all = ended(&w);
    w.efface(&["audit", "verify"]).exits(0);
    // What was decided is in the journal: an older database hears of it.
    let store = Store::open(&state(&w)).unwrap();
    let before = store.generations().unwrap();
    drop(store);
    for beside in ["", "-wal", "-shm"] {
        let name = format!("{}{beside}", Store::FILE);
        drop(std::fs::remove_file(state(&w).join(&name)));
        if backup.path().join(&name).exists() {
            std::fs::copy(backup.path().join(&name), state(&w).join(&name)).unwrap();
        }
    }
    let store = Store::open(&state(&w)).unwrap();
    let here = store.generations().unwrap();
    assert_eq!((here.database, here.file, here.journal), (1, before.file, before.journal));
    drop(store);
    assert!(ended(&w).len() < all.len());
    w.efface(&["case", "replay", "--yes"]).exits(0);
    w.efface(&["sync", "run"]).exits(0);
}

#[test]
fn what_no_case_covered_is_told() {
    let (w, case, _backup) = erased();
    w.efface(&["case", "drift"]).exits(0);
    let told = |w: &World, code| {
        let run = w.efface(&["case", "drift", &case, "--format", "csv"]).exits(code);
        run.out.lines().skip(1).map(|l| l.split(',').take(2).collect::<Vec<_>>().join(" ")).collect::<Vec<_>>()
    };
    // A synchronization into another project, another tool's folder, and a custom field.
    let file = w.path().join("efface.toml");
    let old = std::fs::read_to_string(&file).unwrap();
    std::fs::create_dir_all(w.home().join("data/newer")).unwrap();
    w.source.control().add_project("SIDE", "Side");
    let newer = format!(
        "{old}\n[sync.side]\nsource = {{ instance = \"hq\", project = \"SIDE\" }}\n\
         target = {{ instance = \"partner\", project = \"PART\" }}\n\n[[foreign]]\nname = \"newer\"\npath = \"data/newer\"\n"
    );
    std::fs::write(&file, newer).unwrap();
    assert_eq!(told(&w, 3), ["project hq/SIDE", "synchronization side", "foreign folder newer"]);
    let doctor = w.efface(&["doctor"]).exits(3).out;
    assert!(doctor.contains("efface case drift"), "{doctor}");
    // A replay looks through what it can; the folder is left for a follow-up case of the same person.
    w.efface(&["case", "replay", "--yes"]).exits(0);
    assert_eq!(told(&w, 3), ["foreign folder newer"]);
    w.register();
    let follow = w.efface(&["case", "open", "--subject", "REQ-1", "-q"]).exits(0).out.trim().to_owned();
    w.efface(&["case", "plan", &follow]).exits(0);
    assert_eq!(told(&w, 0), Vec::<String>::new());
    w.efface(&["case", "replay", &follow]).exits(2);
}

/// What a person decided to keep in a target goes into its history when the next sync writes the source's text over it: listed with
/// the reason to keep it. What stands in the history of another field was kept by nobody.
#[test]
fn what_was_kept_is_kept_in_the_history_too() {
    for flavor in [Flavor::Cloud, Flavor::DataCenter] {
        let w = World::new(flavor, 1);
        w.issue("Wiki", "On Monday please ask zv about the new badge of the gate.", Value::Null);
        w.efface(&["sync", "run"]).exits(0);
        w.indexed();
        // Issues are made side by side: which is the first is not said.
        let all = w.rt.block_on(client("partner", &w.target).search("project = PART", &["summary"]).all()).unwrap();
        let wiki = all.iter().find(|i| i.summary() == Some("Wiki")).unwrap().key().to_owned();
        w.register();
        w.efface(&["subject", "add", "--id", "REQ-1", "--username", "hq=zv"]).exits(0);
        let case = w.efface(&["case", "open", "--subject", "REQ-1", "-q"]).exits(0).out.trim().to_owned();
        let plan = w.efface(&["case", "plan", &case, "--format", "json"]).exits(0).out;
        let plan: Value = serde_json::from_str(&plan).unwrap();
        let mut kept = 0;
        for review in plan["plan"]["standing"].as_array().unwrap().iter().filter(|s| s["outcome"] == "review") {
            let source = review["place"].as_str().unwrap().starts_with("source:");
            kept += usize::from(!source);
            let how = if source { ["--erase", "redact"] } else { ["--keep", "Art. 17(3)(e)"] };
            w.efface(&[&["case", "review", &case, review["finding"].as_str().unwrap()], &how[..]].concat()).exits(0);
        }
        assert!(kept > 0, "{plan:#}");
        w.efface(&["case", "plan", &case]).exits(0);
        w.efface_as("dpo", &["case", "approve", &case]).exits(0);
        w.efface(&["case", "execute", &case, "--yes"]).exits(0);
        let before = w.efface(&["case", "verify", &case]).exits(0);
        assert!(!before.out.contains("written over since"), "{}", before.out);
        w.efface(&["sync", "run"]).exits(0);
        let after = w.efface(&["case", "verify", &case]).exits(0);
        let line = after.out.lines().find(|l| l.contains("written over since")).expect(&after.out);
        assert!(
            line.contains(&format!("history {wiki}")) && line.contains("kept") && line.contains("17(3)(e)"),
            "{line}"
        );
        w.target.control().edit_issue_behind(&wiki, "summary", NAME).unwrap();
        w.target.control().edit_issue_behind(&wiki, "summary", "Wiki").unwrap();
        w.indexed();
        let run = w.efface(&["case", "verify", &case]).exits(1);
        assert!(run.out.contains("UNEXPECTED"), "{}", run.out);
    }
}
