//! Erasing by Jira's own means, against the sandbox.

use serde_json::{Map, json};

use super::{
    AnonymizationState, Client, ErrorKind, Notify, OldUser, Redaction, RedactionPlace, RedactionState,
    sandbox_tests::{client, create, map, rich, text_of},
};
use crate::{
    model::Flavor,
    sandbox::{RedactionPlan, Sandbox, SandboxConfig},
};

async fn start(flavor: Flavor) -> (Sandbox, Client) {
    let sandbox = Sandbox::start(SandboxConfig::new(flavor)).await.unwrap();
    let client = client(&sandbox);
    (sandbox, client)
}

async fn completed(c: &Client, job: &str) -> Vec<(String, bool)> {
    for _ in 0..9 {
        if let RedactionState::Completed(results) = c.redaction(job).await.unwrap() {
            return results;
        }
    }
    panic!("the job does not end");
}

#[tokio::test]
async fn a_redaction_counts_as_jira_does_and_guards_what_changed() {
    let (sandbox, c) = start(Flavor::Cloud).await;
    let text = "for \u{1F600} Zoë Quill, please";
    let key = create(&c, &sandbox, text).await;
    let comment = c.add_comment(&key, rich(Flavor::Cloud, text), &[]).await.unwrap();
    let comment = comment["id"].as_str().unwrap().to_owned();
    let id = c.issue(&key, &["summary"], false, &[]).await.unwrap().unwrap().id().to_owned();
    let at = text.find("Zoë").unwrap();
    let range = at..at + "Zoë Quill".len();
    let pointer = Some("/content/0/content/0/text");
    let of = |place, pointer| Redaction::new(&id, place, text, range.clone(), pointer).unwrap();
    let summary = of(RedactionPlace::Field("summary".to_owned()), None);
    let in_comment = of(RedactionPlace::Comment(comment.clone()), pointer);
    let moved = Redaction::new(&id, RedactionPlace::Field("summary".to_owned()), "xZoë", 1..5, None).unwrap();
    assert!(
        Redaction::new(&id, RedactionPlace::Field("summary".to_owned()), "Zoë", 0..3, None).is_none(),
        "half a letter"
    );
    // A job whose answer was lost is asked for again: nothing is redacted twice, nothing else is.
    sandbox.control().cut_after_commit(1);
    let all = [summary.clone(), in_comment.clone(), moved.clone()];
    let job = c.redact(&all, "erasure").await.unwrap();
    let results = completed(&c, &job).await;
    assert_eq!(results, [(summary.external_id, true), (in_comment.external_id, true), (moved.external_id, false)]);
    let issue = c.issue(&key, &["summary"], false, &[]).await.unwrap().unwrap();
    assert_eq!(issue.summary(), Some("for \u{1F600} █████████, please"));
    let body = text_of(&c.comment(&key, &comment).await.unwrap().unwrap()["body"]);
    assert!(!body.contains("Quill") && body.ends_with(", please"), "{body}");
}

#[tokio::test]
async fn where_there_is_no_redaction_it_says_so() {
    let (sandbox, c) = start(Flavor::Cloud).await;
    let one = || Redaction::new("1", RedactionPlace::Field("summary".to_owned()), "x", 0..1, None).unwrap();
    sandbox.control().set_redaction_plan(RedactionPlan::Forbidden);
    assert_eq!(c.redact(&[one()], "erasure").await.unwrap_err().kind(), ErrorKind::Forbidden);
    sandbox.control().set_redaction_plan(RedactionPlan::Absent);
    assert_eq!(c.redact(&[one()], "erasure").await.unwrap_err().kind(), ErrorKind::NotSupported);
    let (_dc, c) = start(Flavor::DataCenter).await;
    assert_eq!(c.redact(&[one()], "erasure").await.unwrap_err().kind(), ErrorKind::NotSupported);
}

#[tokio::test]
async fn an_anonymisation_that_stops_halfway_is_run_again_with_the_old_names() {
    let (sandbox, c) = start(Flavor::DataCenter).await;
    let key = create(&c, &sandbox, "history").await;
    let assign = map(json!({ "assignee": { "name": "KBRANDT" } }));
    c.edit_issue(&key, assign, Map::new(), Notify::PreferNever).await.unwrap();
    assert_eq!(c.anonymization(None).await.unwrap(), None);
    assert!(c.anonymization_check("kbrandt").await.unwrap()["affectedEntities"].is_object());
    sandbox.control().fail_anonymization(1);
    let task = c.anonymize("kbrandt", None).await.unwrap();
    assert_eq!(task.state, AnonymizationState::Running);
    assert_eq!(c.anonymize("kbrandt", None).await.unwrap_err().kind(), ErrorKind::Conflict, "one at a time");
    let ended = async || loop {
        let task = c.anonymization(task.task.as_deref()).await.unwrap().unwrap();
        if task.state != AnonymizationState::Running {
            return task;
        }
    };
    let half = ended().await;
    assert!(!half.is_done(), "completed, with errors inside");
    assert_eq!(half.errors, ["USER_ANONYMIZE_PLUGIN_POINTS: Anonymization failed, see the log for details."]);
    let now = sandbox.control().people().into_iter().find(|p| p.display_name == "Katrin BRANDT").unwrap().id;
    let wrong = OldUser { key: now.clone(), name: "KBRANDT".to_owned() };
    assert_eq!(c.anonymize_again(&now, &wrong, None).await.unwrap_err().kind(), ErrorKind::Rejected);
    let old = OldUser { key: "kbrandt".to_owned(), name: "KBRANDT".to_owned() };
    assert_eq!(format!("{old:?}"), "OldUser(…)");
    let again = c.anonymize_again(&now, &old, None).await.unwrap();
    let mut last = again.clone();
    while last.state == AnonymizationState::Running {
        last = c.anonymization(again.task.as_deref()).await.unwrap().unwrap();
    }
    assert!(last.is_done(), "{last:?}");
    let log = json!(c.changelog(&key).await.unwrap()).to_string().to_lowercase();
    assert!(!log.contains("brandt"), "read back: {log}");
}

#[tokio::test]
async fn who_cannot_be_anonymised_and_why() {
    let (sandbox, c) = start(Flavor::DataCenter).await;
    let control = sandbox.control();
    let weber = control.people().into_iter().find(|p| p.name == "mweber").unwrap().id;
    control.set_directory_user("mweber", true).unwrap();
    let error = c.anonymization_check(&weber).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    assert!(error.messages.iter().any(|m| m.contains("read-only")), "Jira's own reasons are handed on: {error}");
    control.set_job_polls(0);
    control.set_node_dies(true);
    c.anonymize(&weber, None).await.unwrap();
    assert_eq!(c.anonymization(None).await.unwrap().unwrap().state, AnonymizationState::Interrupted);
    assert_eq!(c.anonymize(&weber, None).await.unwrap_err().kind(), ErrorKind::Conflict);
    control.set_admin(false);
    assert_eq!(c.anonymize(&weber, None).await.unwrap_err().kind(), ErrorKind::Forbidden);
    let (_cloud, c) = start(Flavor::Cloud).await;
    assert_eq!(c.anonymize("x", None).await.unwrap_err().kind(), ErrorKind::NotSupported);
}
