//! The life of a case through the binary: what is put on record, the clock, what comes after the verification.

use chrono::{Days, NaiveDate, Utc};
use efface::model::Flavor;
use serde_json::Value;

use crate::world::{EMAIL, NAME, USER, World, names_the_person};

fn ago(days: u64) -> String {
    Utc::now().date_naive().checked_sub_days(Days::new(days)).unwrap().to_string()
}

fn open(w: &World, args: &[&str]) -> String {
    let args = [&["case", "open", "--subject", "REQ-1", "-q"], args].concat();
    w.efface(&args).exits(0).out.trim().to_owned()
}

fn listed(w: &World) -> Vec<Value> {
    serde_json::from_str(&w.efface(&["case", "list", "--format", "json"]).exits(0).out).unwrap()
}

fn due(w: &World, case: &str) -> NaiveDate {
    let row = listed(w).into_iter().find(|c| c["case"] == case).unwrap();
    row["due"].as_str().unwrap().parse().unwrap()
}

fn with_policy(w: &World, extra: &str) {
    let shipped = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/gdpr-default.toml");
    let text = std::fs::read_to_string(shipped).unwrap();
    std::fs::write(w.path().join("policy.toml"), format!("{text}\n{extra}")).unwrap();
    let config = std::fs::read_to_string(w.path().join("efface.toml")).unwrap();
    if !config.contains("policy.toml") {
        let config = config.replace("path = \"home\"", "path = \"home\"\npolicy = \"policy.toml\"");
        std::fs::write(w.path().join("efface.toml"), config).unwrap();
    }
}

#[test]
fn the_clock_stands_still_is_extended_and_sorts_the_desk() {
    let w = World::new(Flavor::Cloud, 0);
    w.register();
    let (late, new, waits) = (open(&w, &["--received", &ago(40)]), open(&w, &[]), open(&w, &["--received", &ago(20)]));
    let order = |w: &World| listed(w).iter().map(|c| c["case"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(order(&w), [late.clone(), waits.clone(), new.clone()], "soonest due first");
    assert!(listed(&w)[0]["clock"].as_str().unwrap().starts_with("OVERDUE by"), "{:?}", listed(&w));

    // Proof of identity was asked for two days after the request, and the answer is not there: the clock stands still.
    let before = due(&w, &waits);
    let asked = ago(18);
    w.efface(&["case", "suspend", &waits, "--reason", &format!("mail from {EMAIL} is not on file"), "--asked", &asked])
        .exits(0);
    assert!((due(&w, &waits) - before).num_days() >= 16, "the wait does not count");
    assert_eq!(listed(&w).iter().find(|c| c["case"] == *waits).unwrap()["state"], "suspended");
    for refused in [
        &["case", "plan", &waits][..],
        &["case", "scan", &waits],
        &["case", "approve", &waits],
        &["case", "suspend", &waits, "--reason", "again"],
        &["case", "execute", &waits, "--yes"],
    ] {
        w.efface(refused).exits(4);
    }
    // The letter that asks for the proof is just what such a case needs.
    let letter = w.efface(&["case", "reply", &waits, "--identity", "--reason", "a copy of the badge"]).exits(0).out;
    assert!(letter.contains("a copy of the badge") && !names_the_person(letter.as_bytes()), "{letter}");
    w.efface(&["case", "resume", &waits, "--answered", &ago(19)]).exits(2);
    w.efface(&["case", "resume", &waits, "--answered", &ago(10), "--identity", "called back"]).exits(0);
    let pause = (due(&w, &waits) - before).num_days();
    assert!((6..=11).contains(&pause), "eight days, and the next working day: {pause}");
    w.efface(&["case", "resume", &waits]).exits(4);
    assert!(w.efface(&["case", "show", &waits]).exits(0).out.contains("identified"));
    // A wait inside the wait, or in the future, is none.
    w.efface(&["case", "suspend", &waits, "--reason", "x", "--asked", &ago(12)]).exits(2);
    w.efface(&["case", "suspend", &waits, "--reason", "x", "--asked", "2999-01-01"]).exits(2);
    w.efface(&["case", "suspend", &waits, "--reason", "x", "--asked", &ago(21)]).exits(2);

    // One extension, told inside the first month, from receipt.
    let before = due(&w, &new);
    w.efface(&["case", "extend", &new, "--reason", "three instances"]).exits(0);
    assert!((59..=64).contains(&(due(&w, &new) - before).num_days()));
    w.efface(&["case", "extend", &new, "--reason", "again"]).exits(4);
    w.efface(&["case", "extend", &late, "--reason", "forgotten"]).exits(4);
    w.efface(&["case", "extend", &late, "--reason", "told in time", "--told", &ago(30)]).exits(0);
    w.efface(&["case", "reject", &late, "--reason", &format!("{NAME} asks for the third time this week")]).exits(0);
    assert_eq!(listed(&w).last().unwrap()["case"], *late, "what has ended comes last");
    w.efface(&["case", "resume", &late]).exits(4);
    w.efface(&["case", "extend", &late, "--reason", "x"]).exits(4);

    // Every change with its actor, its time and its reason, and the reasons name nobody.
    let events: Vec<Value> =
        serde_json::from_str(&w.efface(&["audit", "show", "--format", "json"]).exits(0).out).unwrap();
    let kinds: Vec<&str> = events.iter().filter(|e| e["case"] == *waits).map(|e| e["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["case.opened", "case.suspended", "case.resumed", "case.identified"]);
    assert!(events.iter().all(|e| e["actor"] == "admin" && e["at"].as_str().unwrap().ends_with('Z')));
    assert!(!names_the_person(serde_json::to_string(&events).unwrap().as_bytes()), "{events:#?}");
    w.efface(&["audit", "verify"]).exits(0);
}

#[test]
fn what_the_policy_wants_on_record_and_the_aftercare() {
    let w = World::new(Flavor::Cloud, 1);
    w.plant();
    w.efface(&["sync", "run"]).exits(0);
    w.register();
    with_policy(&w, "[case]\nrequire = [\"identity\", \"ground\", \"exceptions\"]\n[aftercare]\nafter_sync = true\n");
    w.efface(&["policy", "check", "policy.toml"]).exits(0);

    let case = open(&w, &[]);
    let plan = w.efface(&["case", "plan", &case]).exits(4);
    assert!(plan.err.contains("case identify"), "{}", plan.err);
    w.efface(&["case", "identify", &case, "--how", &format!("called {NAME} back")]).exits(0);
    w.efface(&["case", "plan", &case]).exits(0);
    assert!(w.efface_as("dpo", &["case", "approve", &case]).exits(4).err.contains("--ground"));
    w.efface(&["case", "assess", &case]).exits(2);
    w.efface(&["case", "assess", &case, "--ground", "g"]).exits(2);
    w.efface(&["case", "assess", &case, "--ground", "b"]).exits(0);
    let missing = w.efface_as("dpo", &["case", "approve", &case]).exits(4).err;
    assert!(missing.contains("(a)") && missing.contains("(e)"), "{missing}");
    let none: Vec<String> = ["a", "b", "c", "d", "e"].iter().map(|l| format!("{l}=no:nothing of the kind")).collect();
    let mut assess = vec!["case", "assess", &case];
    assess.extend(none.iter().flat_map(|e| ["--exception", e]));
    w.efface(&assess).exits(0);
    // The plan is the one that asks, whatever the policy's file says by now.
    with_policy(&w, "");
    w.efface_as("dpo", &["case", "approve", &case]).exits(0);
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    assert!(w.efface(&["case", "show", &case]).exits(0).out.contains("executing"));
    w.efface(&["case", "verify", &case]).exits(0);
    let certificate = w.efface(&["case", "certificate", &case]).exits(0).out;
    let judged = serde_json::from_str::<Value>(&certificate).unwrap()["assessment"].clone();
    assert!(judged["grounds"][0].as_str().unwrap().starts_with("b: consent"), "{judged:#}");
    assert!(judged["identity"].as_str().unwrap().starts_with("called …"), "{judged:#}");
    assert_eq!(judged["exceptions"].as_array().unwrap().len(), 5);
    assert_eq!(judged["exceptions"][4]["applies"], false);

    let close = w.efface(&["case", "close", &case]).exits(3);
    assert!(close.err.contains("hq-partner has run once more"), "{}", close.err);
    assert!(w.efface(&["case", "show", &case]).exits(0).out.contains("aftercare"));
    w.efface(&["sync", "run"]).exits(0);
    w.efface(&["case", "close", &case]).exits(3);
    // What comes back meanwhile opens the case again.
    let later = w.home().join("data/other-tool/later.txt");
    std::fs::write(&later, format!("call {NAME}")).unwrap();
    w.efface(&["case", "verify", &case]).exits(1);
    assert!(w.efface(&["case", "show", &case]).exits(0).out.contains("executing"));
    w.efface(&["case", "withdraw", &case, "--reason", "x"]).exits(4);
    std::fs::remove_file(later).unwrap();
    w.efface(&["case", "verify", &case]).exits(0);
    w.efface(&["case", "close", &case]).exits(0);
    let show = w.efface(&["case", "show", &case]).exits(0).out;
    assert!(show.contains("closed") && show.contains("Art. 17(1)(b)") && show.contains("Art. 17(3)(e)"), "{show}");
    assert!(!names_the_person(show.as_bytes()));
    w.efface(&["audit", "verify"]).exits(0);
}

#[test]
fn an_access_request_is_answered_in_clear_and_changes_nothing() {
    let w = World::new(Flavor::Cloud, 1);
    w.plant();
    w.efface(&["sync", "run"]).exits(0);
    w.register();
    w.efface(&["case", "open", "--subject", "REQ-1", "--kind", "access", "--ground", "a"]).exits(2);
    let case = open(&w, &["--kind", "access"]);
    for refused in ["plan", "approve", "verify", "certificate", "close"] {
        w.efface(&["case", refused, &case]).exits(4);
    }
    let list = w.efface(&["case", "scan", &case, "--format", "json"]).exits(0).out;
    let list: Value = serde_json::from_str(&list).unwrap();
    assert_eq!(list["schema"], "efface.access/1");
    assert!(list["coverage"].as_array().unwrap().iter().any(|c| c["place"] == "target:partner/PART"), "{list:#}");
    let has = |place: &str, kind: &str, value: &str| {
        let all = list["findings"].as_array().unwrap();
        all.iter().any(|f| f["place"].as_str().unwrap().starts_with(place) && f["kind"] == kind && f["value"] == value)
    };
    for (place, kind, value) in [
        ("source:hq/HQ", "email", EMAIL),
        ("source:hq/HQ", "full-name", NAME),
        ("target:partner/PART", "email", EMAIL),
        ("staging:", "email", EMAIL),
        ("foreign:other-tool", "email", EMAIL),
        ("log:", "username", USER),
    ] {
        assert!(has(place, kind, value), "no {kind} in {place}: {list:#}");
    }
    // The list was handed out, and nothing of it stays behind but the fact.
    let audit = w.efface(&["audit", "show", "--case", &case]).exits(0).out;
    assert!(audit.contains("case.scanned") && audit.contains("\"reveal\":true"), "{audit}");
    let state = w.path().join(".efface");
    let state = if state.exists() { state } else { w.path().to_owned() };
    for file in std::fs::read_dir(state).unwrap().map(|f| f.unwrap().path()).filter(|p| p.is_file()) {
        assert!(!names_the_person(&std::fs::read(&file).unwrap()), "{}", file.display());
    }
    // A request for erasure shows the same masked.
    let erasure = open(&w, &[]);
    let masked = w.efface(&["case", "scan", &erasure]).exits(0).out;
    assert!(masked.contains("HQ-2") && !names_the_person(masked.as_bytes()), "{masked}");
    assert!(w.efface(&["case", "show", &erasure]).exits(0).out.contains("scanned"));
}

#[test]
fn what_was_done_is_never_called_withdrawn() {
    let w = World::new(Flavor::Cloud, 1);
    w.plant();
    w.register();
    let case = w.approved_case();
    // A search tells where things stand, and takes no approval back.
    w.efface(&["case", "scan", &case]).exits(0);
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    w.efface(&["case", "verify", &case]).exits(0);
    // Nor does a repeat take a verification back.
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    assert!(w.efface(&["case", "show", &case]).exits(0).out.contains("verified"));
    // Planned again, its state is `planned`; yet something was erased for it.
    w.efface(&["case", "plan", &case]).exits(0);
    assert!(w.efface(&["case", "show", &case]).exits(0).out.contains("planned"));
    for verb in ["withdraw", "reject", "suspend"] {
        let run = w.efface(&["case", verb, &case, "--reason", "x"]).exits(4);
        assert!(run.err.contains("something was changed"), "{}", run.err);
    }
}
