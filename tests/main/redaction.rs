//! Cloud's redaction API as a way to edit: used where the policy says so, waited for, read back; what happens without it.

use std::{
    process::{Child, Stdio},
    time::Duration,
};

use efface::{
    model::{Flavor, Hold, HoldQuery, HoldType},
    sandbox::{Control, RedactionHistory, RedactionPlan},
    store::{Act, StepRow, StepState},
};
use serde_json::{Value, json};

use crate::{
    engine::Engine,
    world::{EMAIL, NAME, World, client, names_the_person, own_policy},
};

/// A world whose person stands in the target: in texts alone (`Rota`), and in texts beside mentions and user fields.
fn world() -> World {
    let w = World::new(Flavor::Cloud, 1);
    w.plant();
    let key = w.issue("Lamp", &format!("Write to {EMAIL} or {EMAIL}."), Value::Null);
    w.comment(&key, &format!("Zoë's mail is {EMAIL} \u{1F600} {EMAIL}, she says."));
    w.efface(&["sync", "run"]).exits(0);
    w.indexed();
    w.register();
    w
}

fn open(w: &World) -> String {
    w.efface(&["case", "open", "--subject", "REQ-1", "-q"]).exits(0).out.trim().to_owned()
}

fn plan(w: &World, case: &str) -> Value {
    let run = w.efface(&["case", "plan", case, "--format", "json"]).exits(0);
    assert!(!names_the_person(run.out.as_bytes()), "{}", run.out);
    serde_json::from_str(&run.out).unwrap()
}

fn approved(w: &World) -> (String, Value) {
    let case = open(w);
    let planned = plan(w, &case);
    w.efface_as("dpo", &["case", "approve", &case]).exits(0);
    (case, planned)
}

fn by_api(planned: &Value) -> Vec<&Value> {
    planned["plan"]["steps"].as_array().unwrap().iter().filter(|s| s["means"] == "redaction-api").collect()
}

/// How often a job was started since the last reset.
fn starts(control: &Control) -> usize {
    control.request_log().iter().filter(|(m, p)| m == "POST" && p.ends_with("/redact")).count()
}

/// The target's issue with this summary, from the sandbox itself.
fn issue(w: &World, summary: &str) -> Value {
    let dump = w.target.control().dump();
    let all = dump["issues"].as_object().unwrap();
    all.values().find(|i| i["summary"].as_str().unwrap().contains(summary)).unwrap().clone()
}

fn key_of(w: &World, summary: &str) -> String {
    let found = w.rt.block_on(client("partner", &w.target).search("project = PART", &["summary"]).all()).unwrap();
    found.iter().find(|i| i.summary().unwrap().contains(summary)).unwrap().key().to_owned()
}

fn certificate(w: &World, case: &str) -> Value {
    w.efface(&["case", "certificate", case, "-o", "certificate.json"]).exits(0);
    let bytes = std::fs::read(w.path().join("certificate.json")).unwrap();
    assert!(!names_the_person(&bytes));
    serde_json::from_slice(&bytes).unwrap()
}

fn counted(certificate: &Value, outcome: &str) -> u64 {
    let all = certificate["outcomes"].as_array().unwrap().iter();
    all.filter(|c| c["place"] == "target:partner/PART" && c["outcome"] == outcome)
        .map(|c| c["findings"].as_u64().unwrap())
        .sum()
}

fn executing(w: &World, case: &str) -> Child {
    w.command(&["case", "execute", case, "--yes"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Waits until a job was started.
fn started(child: &mut Child, control: &Control) {
    while starts(control) == 0 {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it started a job");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn texts_leave_no_copy_in_the_history() {
    let w = world();
    let (case, planned) = approved(&w);
    let steps = by_api(&planned);
    assert!(steps.len() >= 4, "{:#}", planned["plan"]["steps"]);
    for step in &steps {
        assert_eq!(step["instance"], "partner", "a Data Center has no such API");
        let notes = step["notes"].to_string();
        assert!(notes.contains("redaction API") && notes.contains("does not have that API"), "{notes}");
        assert!(!notes.contains("the edit copies the old values"), "{notes}");
    }
    assert!(w.efface(&["case", "execute", &case, "--dry-run"]).exits(0).out.contains("for good"), "no undo");
    let control = w.target.control();
    control.reset_requests();
    let run = w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    assert!(run.err.contains("no entry of the issue's history holds the person"), "{}", run.err);
    assert_eq!(starts(&control), steps.len());
    // Black where the person stood, in UTF-16 units; everything beside it as it was; mentions by the edit behind it.
    let lamp = issue(&w, "Lamp").to_string();
    let mail = "█".repeat(EMAIL.len());
    assert!(lamp.contains(&format!("Write to {mail} or {mail}.")), "{lamp}");
    assert!(lamp.contains(&format!("mail is {mail} \u{1F600} {mail}, she says.")), "{lamp}");
    let badge = issue(&w, "Badge of").to_string();
    assert!(badge.contains("[erased]") && badge.contains('█'), "{badge}");
    for summary in ["Lamp", "early; Anna Bergman late"] {
        let history = issue(&w, if summary == "Lamp" { summary } else { "Rota" })["history"].to_string();
        assert!(!names_the_person(history.as_bytes()), "{history}");
    }
    w.efface(&["case", "verify", &case]).exits(0);
    // The sync does not undo it.
    w.efface(&["sync", "run", "--full"]).exits(0);
    assert!(!names_the_person(issue(&w, "Lamp").to_string().as_bytes()));
    w.efface(&["case", "verify", &case]).exits(0);
    let certificate = certificate(&w, &case);
    assert!(counted(&certificate, "redacted") > 0 && counted(&certificate, "failed") == 0, "{certificate:#}");
    w.efface(&["case", "close", &case]).exits(0);
}

#[test]
fn a_site_without_it_is_asked_once_and_edited() {
    for (absent, word) in [(RedactionPlan::Forbidden, "(403)"), (RedactionPlan::Absent, "(404)")] {
        let w = world();
        let control = w.target.control();
        control.set_redaction_plan(absent);
        let (case, planned) = approved(&w);
        assert!(by_api(&planned).len() > 1);
        control.reset_requests();
        let run = w.efface(&["case", "execute", &case, "--yes"]).exits(0);
        assert_eq!(starts(&control), 1, "one try for the whole run");
        assert!(run.err.contains(word) && run.err.contains("history keeps the old text"), "{}", run.err);
        let lamp = issue(&w, "Lamp");
        assert!(lamp["description"].to_string().contains("Write to [erased] or [erased]."), "{lamp:#}");
        assert!(names_the_person(lamp["history"].to_string().as_bytes()), "the copy that the plan warned of");
        let run = w.efface(&["case", "verify", &case]).exits(0);
        assert!(run.out.contains("old value of every edit"), "{}", run.out);
    }
}

#[test]
fn where_the_policy_says_so_texts_stay_and_are_listed() {
    let w = world();
    own_policy(&w, "");
    let policy = std::fs::read_to_string(w.path().join("own.toml")).unwrap();
    let other = policy.replacen("without_it = \"edit\"", "without_it = \"residual\"", 1);
    assert_ne!(policy, other);
    std::fs::write(w.path().join("own.toml"), other).unwrap();
    let control = w.target.control();
    control.set_redaction_plan(RedactionPlan::Forbidden);
    let (case, planned) = approved(&w);
    assert!(by_api(&planned).iter().all(|s| s["notes"].to_string().contains("listed as residual")));
    let before = issue(&w, "Lamp");
    let run = w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    assert!(run.out.contains("residual") && run.err.contains("would copy them into the history"), "{}", run.err);
    let after = issue(&w, "Lamp");
    assert_eq!((&after["description"], &after["history"]), (&before["description"], &before["history"]));
    // What is no text goes all the same, and a run that is repeated does not count it twice.
    let badge = issue(&w, "Badge of");
    assert!(badge["assignee"].is_null() && badge.to_string().contains("Quandt"), "{badge:#}");
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    let run = w.efface(&["case", "verify", &case]).exits(0);
    assert!(run.out.contains("residual") && run.out.contains("the Jira administrator"), "{}", run.out);
    let certificate = certificate(&w, &case);
    let stays = certificate["stays"].as_array().unwrap();
    let lamp = key_of(&w, "Lamp");
    let mine: Vec<_> = stays.iter().filter(|s| s["record"]["key"] == json!(lamp)).collect();
    assert!(mine.iter().any(|s| s["field"] == "description" && s["outcome"] == "residual"), "{stays:#?}");
    assert!(mine.iter().any(|s| s["record"]["type"] == "comment" && s["who"].is_string()), "{stays:#?}");
    assert!(counted(&certificate, "residual") >= 4, "{certificate:#}");
}

#[test]
fn a_text_that_was_changed_while_the_job_waited_is_refused() {
    let w = world();
    let (case, planned) = approved(&w);
    let control = w.target.control();
    control.set_job_polls(1_000_000);
    control.reset_requests();
    let mut child = w.command(&["case", "execute", &case, "--yes"]).stderr(Stdio::piped()).spawn().unwrap();
    started(&mut child, &control);
    let first = by_api(&planned)[0];
    assert_eq!(first["record"]["type"], "issue");
    let (key, field) = (first["record"]["key"].as_str().unwrap(), first["edits"][0]["field"].as_str().unwrap());
    let theirs = "Somebody wrote another text meanwhile.";
    control.edit_issue_behind(key, field, theirs).unwrap();
    control.set_job_polls(2);
    let run: crate::world::Run = child.wait_with_output().unwrap().into();
    let run = run.exits(4);
    assert!(run.err.contains("0 failed, 1 refused") && run.err.contains("changed after the plan"), "{}", run.err);
    let now = |w: &World| w.target.control().dump()["issues"][key][field].to_string();
    assert!(now(&w).contains(theirs), "their text stays");
    // What is left is planned again.
    w.indexed();
    plan(&w, &case);
    w.efface_as("dpo", &["case", "approve", &case]).exits(0);
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    w.efface(&["case", "verify", &case]).exits(0);
    assert!(now(&w).contains(theirs));
}

#[test]
fn a_job_that_was_cut_off_is_asked_after_and_not_started_again() {
    let w = world();
    let (case, planned) = approved(&w);
    let control = w.target.control();
    control.set_job_polls(1_000_000);
    control.reset_requests();
    let mut child = executing(&w, &case);
    started(&mut child, &control);
    // The job's id is in the journal as soon as it is asked after.
    while !control.request_log().iter().any(|(_, p)| p.contains("/redact/status/")) {
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    control.set_job_polls(2);
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    assert_eq!(starts(&control), by_api(&planned).len(), "{:#?}", control.request_log());
    w.efface(&["case", "verify", &case]).exits(0);
    assert!(!names_the_person(issue(&w, "Lamp")["history"].to_string().as_bytes()));
}

#[test]
fn what_the_api_reaches_in_the_history_is_no_residual() {
    for (reach, held) in [(RedactionHistory::Kept, true), (RedactionHistory::Covered, false)] {
        let w = world();
        let control = w.target.control();
        control.set_redaction_history(reach);
        let lamp = key_of(&w, "Lamp");
        control.edit_issue_behind(&lamp, "summary", &format!("Lamp of {NAME}")).unwrap();
        control.edit_issue_behind(&lamp, "summary", &format!("Lamp, {NAME}")).unwrap();
        w.indexed();
        let (case, planned) = approved(&w);
        let standing = planned["plan"]["standing"].as_array().unwrap();
        let listed = |s: &&Value| s["record"]["type"] == "history" && s["record"]["key"] == json!(lamp);
        let history = standing.iter().filter(listed).count() as u64;
        assert!(history >= 3, "{standing:#?}");
        let others = standing.iter().filter(|s| s["place"] == "target:partner/PART").count() as u64 - history;
        let run = w.efface(&["case", "execute", &case, "--yes"]).exits(0);
        assert_eq!(run.err.contains("entries of the issue's history still hold"), held, "{}", run.err);
        w.efface(&["case", "verify", &case]).exits(0);
        let certificate = certificate(&w, &case);
        let stays: Vec<_> = certificate["stays"].as_array().unwrap().iter().filter(listed).collect();
        assert_eq!(!stays.is_empty(), held, "{stays:#?}");
        let residual = counted(&certificate, "residual");
        assert_eq!(residual, others + if held { history } else { 0 }, "{certificate:#}");
    }
}

#[test]
fn an_edit_that_only_adds_a_copy_to_the_history_says_so() {
    let w = World::new(Flavor::DataCenter, 0);
    let key = w.issue(&format!("Lamp of {NAME}"), "nothing", Value::Null);
    w.issue(&format!("Key of {NAME}"), "nothing", Value::Null);
    w.source.control().edit_issue_behind(&key, "summary", &format!("Lamp, {NAME}")).unwrap();
    w.register();
    let planned = plan(&w, &open(&w));
    assert!(by_api(&planned).is_empty());
    let adds: Vec<_> = planned["plan"]["steps"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|s| s["notes"].to_string().contains("adds one more copy"))
        .collect();
    assert_eq!(adds.len(), 1, "{:#}", planned["plan"]["steps"]);
    assert_eq!(adds[0]["record"]["key"], json!(key));
    assert_eq!(planned["summary"]["copies"], 1);
    let text = planned["summary"]["text"].as_str().unwrap();
    assert!(text.contains("Of 1 edited issue the history holds the same already"), "{text}");
}

#[test]
fn a_hold_that_falls_on_a_running_job_says_that_it_cannot_be_stopped() {
    let w = world();
    let (case, _) = approved(&w);
    let engine = Engine::of(&w, &case);
    let step = engine.plan.steps.iter().find(|s| s.means.is_some() && s.instance.is_some()).unwrap();
    let act = Act { actor: "admin", at: chrono::Utc::now() };
    let note = json!({ "after": "other", "begun": "4b8c0f3a-0000-4000-8000-000000000000" });
    let begun = StepRow { number: step.number, state: StepState::Begun, outcome: None, note };
    engine.store.put_step(&act, &engine.case, &engine.hash, &begun).unwrap();
    let everything = Hold {
        id: "H-01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
        hold_type: HoldType::Preservation,
        query: HoldQuery::default(),
        case: None,
        subject: None,
        basis: "seized".into(),
        added_by: "legal".into(),
        added_at: act.at.to_rfc3339(),
        review: None,
        released: None,
    };
    engine.store.add_hold(&act, &everything, &[]).unwrap();
    let done = engine.run(|_| {});
    assert_eq!((done.holds[0].in_flight, done.done), (1, 0), "{done:?}");
    let rows = engine.store.steps(&engine.case, &engine.hash).unwrap();
    let row = rows.iter().find(|r| r.number == step.number).unwrap();
    assert!(row.note["note"].as_str().unwrap().contains("cannot be stopped"), "{row:?}");
}

/// Atlassian's document says neither how positions are counted nor what a redacted text becomes.
#[test]
fn a_site_that_only_says_so_is_not_believed_and_edited() {
    let w = world();
    w.target.control().set_redaction_plan(RedactionPlan::Pretends);
    let (case, _) = approved(&w);
    let run = w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    assert!(run.err.contains("said that it was done, and changed nothing"), "{}", run.err);
    let lamp = issue(&w, "Lamp");
    assert!(lamp["description"].to_string().contains("Write to [erased] or [erased]."), "{lamp:#}");
    w.efface(&["case", "verify", &case]).exits(0);
}

#[test]
fn a_site_that_redacts_in_its_own_way_is_believed_as_far_as_it_can_be_read_back() {
    let w = world();
    let control = w.target.control();
    control.set_redaction_bar("[redacted by the site]");
    // Behind the emoji it counts otherwise than we do, so it redacts one half of the comment and refuses the other: that looks
    // as if somebody had changed it. Planned again, it is refused though nobody had: then it is edited.
    control.set_redaction_in_characters(true);
    let (case, planned) = approved(&w);
    control.reset_requests();
    w.efface(&["case", "execute", &case, "--yes"]).exits(4);
    assert_eq!(starts(&control), by_api(&planned).len(), "the others go by it all the same");
    w.indexed();
    let planned = plan(&w, &case);
    assert_eq!(by_api(&planned).len(), 1, "{:#}", planned["plan"]["steps"]);
    w.efface_as("dpo", &["case", "approve", &case]).exits(0);
    let run = w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    assert!(run.err.contains("refused a text that nobody had changed"), "{}", run.err);
    let lamp = issue(&w, "Lamp");
    let words = "Write to [redacted by the site] or [redacted by the site].";
    assert!(lamp["description"].to_string().contains(words), "{lamp:#}");
    w.efface(&["case", "verify", &case]).exits(0);
}

#[test]
fn what_a_job_left_in_its_own_form_is_recognised_by_the_next_run() {
    let w = world();
    let control = w.target.control();
    control.set_redaction_bar("[redacted by the site]");
    let (case, _) = approved(&w);
    let lamp = key_of(&w, "Lamp");
    // The first step of all is the Lamp's, by a plan of its alone.
    let engine = Engine::of(&w, &case);
    let step = engine.plan.steps.iter().find(|s| {
        s.instance.as_ref().is_some_and(|i| i.as_str() == "partner")
            && s.record.record_type == efface::model::RecordType::Issue
            && s.record.key.as_deref() == Some(&lamp)
    });
    let step = step.unwrap();
    engine.with_run(|run, _| {
        w.rt.block_on(async {
            let executor = run.executors.of(step).unwrap();
            let current = executor.load(step).await.unwrap().unwrap();
            let next = executor.next(step, &current, "[erased]").await.unwrap();
            let job = executor.begin(step, &current, Some(&next), false).await.unwrap().unwrap();
            // It was killed here; the job goes on.
            let note = json!({ "after": next.hash(step), "begun": job });
            let row = StepRow { number: step.number, state: StepState::Begun, outcome: None, note };
            let act = Act { actor: "admin", at: chrono::Utc::now() };
            engine.store.put_step(&act, &engine.case, &engine.hash, &row).unwrap();
            assert!(executor.ended(step, &job).await.unwrap());
        });
    });
    control.reset_requests();
    let run = w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    assert!(run.err.contains("done by the job of an earlier run"), "{}", run.err);
    w.efface(&["case", "verify", &case]).exits(0);
}
