//! The client against each unkindness of the sandbox; `docs/UNKIND.md` says which test shows what.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{TimeDelta, Utc};
use serde_json::{Map, Value, json};

use super::{
    Client, ErrorKind, Gone, Notify, Upload, UserQuery,
    call::Call,
    sandbox_tests::{FLAVORS, client, create, map, rich, text_of},
    test_server::config,
};
use crate::{
    model::Flavor,
    sandbox::{RateLimit, RateLimitReason, RedactionPlan, Sandbox, SandboxConfig, Workflow},
};

async fn small(flavor: Flavor) -> (Sandbox, Client) {
    let sandbox = Sandbox::start(SandboxConfig::new(flavor)).await.unwrap();
    let client = client(&sandbox);
    (sandbox, client)
}

fn everything(sandbox: &Sandbox) -> String {
    format!("project = {} ORDER BY key", sandbox.project())
}

/// Every issue once, and the long issue's comments, worklogs, history.
async fn reads_all(c: &Client, sandbox: &Sandbox, issues: usize) {
    let mut search = c.search(&everything(sandbox), &["summary"]);
    let mut keys: Vec<String> = search.all().await.unwrap().iter().map(|i| i.key().to_owned()).collect();
    assert!(search.complete());
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), issues);
    let long = format!("{}-3", sandbox.project());
    assert!(c.issue(&long, &["*all"], true, &[]).await.unwrap().is_some());
    assert_eq!(c.comments(&long).await.unwrap().len(), 24);
    assert_eq!(c.worklogs(&long).await.unwrap().len(), 22);
    c.changelog(&long).await.unwrap();
}

#[tokio::test]
async fn pages_that_come_short_empty_or_cut_are_read_to_their_end() {
    for flavor in FLAVORS {
        let (sandbox, c) = small(flavor).await;
        sandbox.control().set_short_pages(true);
        reads_all(&c, &sandbox, 25).await;
        sandbox.control().set_page_cap(4);
        reads_all(&c, &sandbox, 25).await;
    }
}

#[tokio::test]
async fn user_search_goes_on_behind_a_cut_page() {
    for flavor in FLAVORS {
        let (sandbox, c) = small(flavor).await;
        sandbox.control().set_page_cap(5);
        let all = c.user_search(if flavor == Flavor::Cloud { "" } else { "." }).await.unwrap();
        assert!(all.len() > 12, "{flavor:?}: {}", all.len());
    }
}

#[tokio::test]
async fn reads_survive_every_third_one_going_wrong() {
    for flavor in FLAVORS {
        let (sandbox, c) = small(flavor).await;
        sandbox.control().set_retry_after(0);
        sandbox.control().fault_every(3);
        reads_all(&c, &sandbox, 25).await;
    }
}

#[tokio::test]
async fn a_half_answer_is_read_again_but_a_create_is_not_sent_again() {
    if std::env::var_os("EFFACE_RECORDER").is_some() {
        // The recorder hands on whole answers only: nothing to see behind it.
        return;
    }
    for flavor in FLAVORS {
        let (sandbox, c) = small(flavor).await;
        let control = sandbox.control();
        let key = create(&c, &sandbox, "half").await;
        control.half_bodies(2);
        assert!(c.issue(&key, &["*all"], false, &[]).await.unwrap().is_some());
        let before = c.comments(&key).await.unwrap().len();
        control.half_bodies(1);
        let error = c.add_comment(&key, rich(flavor, "once"), &[]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Doubtful, "{error}");
        assert_eq!(c.comments(&key).await.unwrap().len(), before + 1, "it had been added");
        control.half_bodies(1);
        let id = c.comments(&key).await.unwrap()[before]["id"].as_str().unwrap().to_owned();
        control.half_bodies(1);
        let body = map(json!({ "body": rich(flavor, "edited") }));
        c.edit_comment_with(&key, &id, body, Notify::PreferNever).await.unwrap();
        assert_eq!(text_of(&c.comment(&key, &id).await.unwrap().unwrap()["body"]), "edited");
        let up = c.upload(&key, "file.bin", Upload::Bytes(vec![7; 50_000].into())).await.unwrap();
        control.half_bodies(1);
        let error = c.download(&up).await.unwrap().read_limited(1 << 20).await.map(drop).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Network | ErrorKind::BadAnswer), "{flavor:?} {error}");
    }
}

#[tokio::test]
async fn slow_bodies_are_waited_for_up_to_the_timeout() {
    for flavor in FLAVORS {
        let (sandbox, _) = small(flavor).await;
        let mut config = config(sandbox.url(), flavor);
        config.auth = super::Auth::Bearer(crate::model::Secret::new(sandbox.token().to_owned()));
        config.timeout = Duration::from_millis(400);
        let c = Client::new(config).unwrap();
        sandbox.control().slow_bodies(1, Duration::from_millis(10));
        c.myself().await.unwrap();
        let calls = c.calls();
        sandbox.control().slow_bodies(1, Duration::from_millis(100));
        c.myself().await.unwrap();
        assert_eq!(c.calls() - calls, 2, "the first took too long, the second did not");
    }
}

#[tokio::test]
async fn limits_slow_it_down_and_stop_nothing() {
    for (flavor, limit) in [
        (Flavor::Cloud, RateLimit::Cloud { reads: 20, writes: 10, issue_2s: 9, issue_30s: 100 }),
        (Flavor::DataCenter, RateLimit::TokenBucket { limit: 5, fill: 5, interval: Duration::from_millis(300) }),
    ] {
        let (sandbox, c) = small(flavor).await;
        let key = create(&c, &sandbox, "limits").await;
        sandbox.control().set_rate_limit(Some(limit));
        let start = Instant::now();
        for n in 0..10 {
            let set = map(json!({ "summary": format!("edit {n}") }));
            c.edit_issue(&key, set, Map::new(), Notify::PreferNever).await.unwrap();
        }
        assert!(start.elapsed() > Duration::from_millis(500), "{flavor:?}: it went on as if nothing was said");
        let issue = c.issue(&key, &["summary"], false, &[]).await.unwrap().unwrap();
        assert_eq!(issue.summary(), Some("edit 9"));
    }
}

#[tokio::test]
async fn every_reason_of_a_429_is_waited_out() {
    let (sandbox, c) = small(Flavor::Cloud).await;
    sandbox.control().set_retry_after(0);
    for reason in [
        RateLimitReason::Burst,
        RateLimitReason::PerIssueOnWrite,
        RateLimitReason::QuotaGlobal,
        RateLimitReason::QuotaTenant,
    ] {
        sandbox.control().set_429_reason(reason);
        sandbox.control().burst_429(1);
        c.myself().await.unwrap();
    }
}

#[tokio::test]
async fn a_missing_permission_is_forbidden_whatever_the_status() {
    for flavor in FLAVORS {
        let (sandbox, c) = small(flavor).await;
        let control = sandbox.control();
        let key = format!("{}-3", sandbox.project());
        let me = c.myself().await.unwrap();
        let theirs = |r: &&Value| r["author"]["displayName"].as_str() != me.display_name.as_deref();
        let comments = c.comments(&key).await.unwrap();
        let comment = comments.iter().find(theirs).unwrap()["id"].as_str().unwrap();
        let worklogs = c.worklogs(&key).await.unwrap();
        let worklog = worklogs.iter().find(theirs).unwrap()["id"].as_str().unwrap();
        for verb in ["EDIT", "DELETE"] {
            for records in ["COMMENTS", "WORKLOGS", "ATTACHMENTS"] {
                control.deny(&format!("{verb}_ALL_{records}"), true);
            }
        }
        let body = map(json!({ "body": rich(flavor, "x") }));
        let kind = |e: super::JiraError| e.kind();
        assert_eq!(
            c.edit_comment_with(&key, comment, body, Notify::PreferNever).await.unwrap_err().kind(),
            ErrorKind::Forbidden
        );
        assert_eq!(c.delete_comment(&key, comment).await.map_err(kind), Err(ErrorKind::Forbidden));
        let body = map(json!({ "comment": rich(flavor, "x") }));
        assert_eq!(c.edit_worklog(&key, worklog, body).await.map_err(kind).map(drop), Err(ErrorKind::Forbidden));
        assert_eq!(c.delete_worklog(&key, worklog).await.map_err(kind), Err(ErrorKind::Forbidden));
        let first = format!("{}-1", sandbox.project());
        let issue = c.issue(&first, &["attachment"], false, &[]).await.unwrap().unwrap();
        let attachment = issue.field("attachment").unwrap()[0]["id"].as_str().unwrap().to_owned();
        assert_eq!(c.delete_attachment(&attachment).await.map_err(kind), Err(ErrorKind::Forbidden));
        control.deny("MODIFY_REPORTER", true);
        let who = match flavor {
            Flavor::Cloud => json!({ "reporter": { "accountId": me.account_id } }),
            Flavor::DataCenter => json!({ "reporter": { "name": me.name } }),
        };
        let error = c.edit_issue(&first, map(who), Map::new(), Notify::PreferNever).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Rejected);
        assert!(error.messages[0].starts_with("reporter: "), "{error}");
    }
}

#[tokio::test]
async fn what_is_invisible_is_absent_and_what_is_archived_cannot_be_edited() {
    for flavor in FLAVORS {
        let (sandbox, c) = small(flavor).await;
        let control = sandbox.control();
        let key = |n: u32| format!("{}-{n}", sandbox.project());
        let restricted =
            map(json!({ "body": rich(flavor, "inner"), "visibility": { "type": "role", "value": "Inner" } }));
        let id = c.add_comment_raw(&key(1), restricted).await.unwrap()["id"].as_str().unwrap().to_owned();
        control.set_outside("Inner", true);
        assert_eq!(c.comment(&key(1), &id).await.unwrap(), None);
        assert_eq!(
            c.delete_comment(&key(1), &id).await.unwrap(),
            Gone::WasAbsent,
            "which is not a proof: Jira says no more"
        );
        control.set_security(&key(2), "Inner").unwrap();
        assert_eq!(c.issue(&key(2), &[], false, &[]).await.unwrap(), None);
        control.set_archived(&key(3), true).unwrap();
        assert!(c.issue(&key(3), &[], false, &[]).await.unwrap().is_some());
        let set = map(json!({ "summary": "x" }));
        let error = c.edit_issue(&key(3), set, Map::new(), Notify::PreferNever).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Forbidden, "{error}");
        assert_eq!(c.search(&everything(&sandbox), &["id"]).all().await.unwrap().len(), 23);
    }
}

#[tokio::test]
async fn refused_fields_and_transitions_are_named() {
    for flavor in FLAVORS {
        let (sandbox, c) = small(flavor).await;
        let control = sandbox.control();
        let key = create(&c, &sandbox, "fields").await;
        control.set_required("description", true);
        control.set_off_screen("environment", true);
        let set = json!({ "description": null, "environment": rich(flavor, "x"), "summary": "x".repeat(256) });
        let error = c.edit_issue(&key, map(set), Map::new(), Notify::PreferNever).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Rejected);
        for field in ["description: ", "environment: ", "summary: "] {
            assert!(error.messages.iter().any(|m| m.starts_with(field)), "{field}{error}");
        }
        assert!(!c.edit_meta(&key).await.unwrap()["fields"].to_string().contains("\"environment\""));
        control.set_workflow(Workflow::DeadEnd);
        let open = async || c.transitions(&key).await.unwrap();
        assert_eq!(open().await.len(), 1);
        c.transition(&key, "41").await.unwrap();
        assert_eq!(open().await.len(), 1, "the condition hides the other");
        let error = c.transition(&key, "61").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Rejected, "{error}");
    }
}

#[tokio::test]
async fn a_create_is_found_though_the_servers_clock_is_wrong_and_its_index_late() {
    for flavor in FLAVORS {
        for minutes in [4, -4] {
            let (sandbox, c) = small(flavor).await;
            sandbox.control().set_clock(Arc::new(move || Utc::now() + TimeDelta::minutes(minutes)));
            sandbox.control().set_search_lag(Duration::from_millis(300));
            let kind = c.issue_types(sandbox.project()).await.unwrap()[0]["id"].clone();
            let since = Utc::now();
            let project = json!({ "key": sandbox.project().as_str() });
            let fields = map(json!({ "project": project, "issuetype": { "id": kind }, "summary": "once" }));
            let marked = [("efface".to_owned(), json!("m-1"))];
            sandbox.control().cut_after_commit(1);
            let error = c.create_issue(fields, &marked).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Doubtful);
            let found = c.find_created(sandbox.project(), since, "efface", "m-1").await.unwrap();
            assert!(found.is_some(), "{flavor:?}, {minutes} minutes");
        }
    }
}

#[tokio::test]
async fn accounts_that_went_wrong_are_absent_and_namesakes_are_two() {
    for flavor in FLAVORS {
        let (sandbox, c) = small(flavor).await;
        let control = sandbox.control();
        assert_eq!(c.user_search("Anna Schmitt").await.unwrap().len(), 2, "never one of them by chance");
        let weber = control.people().into_iter().find(|p| p.display_name == "Markus Weber").unwrap();
        let by = match flavor {
            Flavor::Cloud => UserQuery::AccountId(weber.id.clone()),
            Flavor::DataCenter => UserQuery::Key(weber.id.clone()),
        };
        control.rename_user(&weber.id, "renamed").unwrap();
        assert!(c.user(&by).await.unwrap().is_some(), "key and account id stay");
        control.deactivate_user(&weber.id).unwrap();
        assert_eq!(c.user(&by).await.unwrap().unwrap().active, Some(false));
        if flavor == Flavor::Cloud {
            control.corrupt_user(&weber.id).unwrap();
            assert_eq!(c.user(&UserQuery::AccountId("unknown".to_owned())).await.unwrap(), None);
        } else {
            control.delete_user(&weber.id).unwrap();
        }
        assert_eq!(c.user(&by).await.unwrap(), None);
    }
}

#[tokio::test]
async fn erasing_by_jiras_own_means_says_where_it_is_not() {
    let (sandbox, c) = small(Flavor::Cloud).await;
    let call = || Call::post("redact").json(json!({ "redactions": [] })).optional();
    sandbox.control().set_redaction_plan(RedactionPlan::Forbidden);
    assert_eq!(c.json(&call()).await.unwrap_err().kind(), ErrorKind::Forbidden);
    sandbox.control().set_redaction_plan(RedactionPlan::Absent);
    let kind = c.json(&call()).await.unwrap_err().kind();
    assert!(matches!(kind, ErrorKind::NotFound | ErrorKind::NotSupported), "{kind:?}");
    let (sandbox, c) = small(Flavor::DataCenter).await;
    let weber = sandbox.control().people().into_iter().find(|p| p.name == "mweber").unwrap();
    let call = || Call::post("user").then("anonymization").json(json!({ "userKey": weber.id })).optional();
    c.json(&call()).await.unwrap();
    assert_eq!(c.json(&call()).await.unwrap_err().kind(), ErrorKind::Conflict, "one at a time");
    sandbox.control().set_admin(false);
    assert_eq!(c.json(&call()).await.unwrap_err().kind(), ErrorKind::Forbidden);
}

#[tokio::test]
async fn a_whole_life_on_an_unkind_jira() {
    for flavor in FLAVORS {
        let sandbox = Sandbox::start(SandboxConfig::unkind(flavor)).await.unwrap();
        sandbox.control().set_retry_after(0);
        let c = client(&sandbox);
        reads_all_that_is_left(&c, &sandbox).await;
        let key = create(&c, &sandbox, "life").await;
        c.edit_issue(&key, map(json!({ "summary": "life 2" })), Map::new(), Notify::Never).await.unwrap();
        for n in 0..12 {
            c.add_comment(&key, rich(flavor, &format!("c{n}")), &[]).await.unwrap();
        }
        assert_eq!(c.comments(&key).await.unwrap().len(), 12);
        assert_eq!(c.issue(&key, &["summary"], false, &[]).await.unwrap().unwrap().summary(), Some("life 2"));
        let up = c.upload(&key, "a.txt", Upload::Bytes(b"text".to_vec().into())).await.unwrap();
        assert_eq!(c.download(&up).await.unwrap().read_limited(99).await.unwrap(), b"text");
        assert_eq!(c.delete_issue(&key).await.unwrap(), Gone::Deleted);
        assert_eq!(sandbox.control().credentials_sent_on(), 0);
    }
}

async fn reads_all_that_is_left(c: &Client, sandbox: &Sandbox) {
    let found = c.search(&everything(sandbox), &["summary"]).all().await.unwrap();
    assert_eq!(found.len(), 23, "one under a security level, one archived");
    for issue in found {
        c.issue(issue.key(), &["*all"], true, &[]).await.unwrap().unwrap();
        c.comments(issue.key()).await.unwrap();
        c.changelog(issue.key()).await.unwrap();
    }
}
