//! The client against our own sandbox, which shares no code with it: both flavours, whole lives of records, and its switches.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use serde_json::{Map, Value, json};

use super::{Client, ErrorKind, Gone, Notify, Upload, User, UserQuery, adf_paragraphs, adf_text, test_server::config};
use crate::{
    model::Flavor,
    sandbox::{Sandbox, SandboxConfig},
};

pub(super) const FLAVORS: [Flavor; 2] = [Flavor::DataCenter, Flavor::Cloud];

async fn start(flavor: Flavor) -> (Sandbox, Client) {
    let sandbox = Sandbox::start(SandboxConfig { issues: 230, ..SandboxConfig::new(flavor) }).await.unwrap();
    let client = client(&sandbox);
    (sandbox, client)
}

pub(super) fn client(sandbox: &Sandbox) -> Client {
    let mut config = config(sandbox.url(), sandbox.flavor());
    config.auth = super::Auth::Basic {
        user: sandbox.user().to_owned(),
        secret: crate::model::Secret::new(sandbox.token().to_owned()),
    };
    Client::new(config).unwrap()
}

pub(super) fn rich(flavor: Flavor, text: &str) -> Value {
    if flavor == Flavor::Cloud { adf_paragraphs(text) } else { json!(text) }
}

pub(super) fn text_of(body: &Value) -> String {
    body.as_str().map_or_else(|| adf_text(body), str::to_owned)
}

pub(super) fn map(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

pub(super) async fn create(c: &Client, sandbox: &Sandbox, summary: &str) -> String {
    let kind = &c.issue_types(sandbox.project()).await.unwrap()[0]["id"];
    let fields = json!({"project": {"key": sandbox.project().as_str()}, "issuetype": {"id": kind}, "summary": summary,
                        "description": rich(sandbox.flavor(), "as it was")});
    c.create_issue(map(fields), &[("efface".to_owned(), json!({"mark": summary}))]).await.unwrap().key
}

#[tokio::test]
async fn a_whole_life_on_both_flavours() {
    for flavor in FLAVORS {
        let (sandbox, c) = start(flavor).await;
        let me = c.myself().await.unwrap();
        let by = match flavor {
            Flavor::Cloud => UserQuery::AccountId(me.account_id.clone().unwrap()),
            Flavor::DataCenter => UserQuery::Username(me.name.clone().unwrap()),
        };
        assert_eq!(c.user(&by).await.unwrap().unwrap().display_name, me.display_name);
        assert!(!c.user_search(me.display_name.as_deref().unwrap()).await.unwrap().is_empty());
        assert!(!c.fields().await.unwrap().is_empty() && !c.statuses().await.unwrap().is_empty());
        assert!(!c.priorities().await.unwrap().is_empty());
        assert!(c.server_info().await.unwrap()["version"].is_string());

        let mut search = c.search(&format!("project = {} ORDER BY key", sandbox.project()), &["summary"]);
        assert_eq!(search.all().await.unwrap().len(), 230, "{flavor:?}");
        assert!(search.complete());

        let key = create(&c, &sandbox, "life").await;
        let key = key.as_str();
        assert!(c.edit_meta(key).await.unwrap()["fields"].is_object());
        c.edit_issue(key, map(json!({"summary": "life 2"})), Map::new(), Notify::PreferNever).await.unwrap();
        let issue = c.issue(key, &["*all"], true, &["efface"]).await.unwrap().unwrap();
        assert_eq!(
            (issue.summary(), text_of(issue.field("description").unwrap()).as_str()),
            (Some("life 2"), "as it was")
        );
        assert_eq!(issue.properties().unwrap()["efface"]["mark"], "life");
        assert!(issue.created().unwrap() <= issue.updated().unwrap());
        let log = c.changelog(key).await.unwrap();
        assert!(log.iter().any(|h| h["items"][0]["fromString"] == "life"), "{log:?}");

        for n in 0..25 {
            c.add_comment(key, rich(flavor, &format!("c{n}")), &[]).await.unwrap();
        }
        let comments = c.comments(key).await.unwrap();
        assert_eq!(comments.len(), 25);
        let id = comments[24]["id"].as_str().unwrap();
        let edited = map(json!({"body": rich(flavor, "edited")}));
        c.edit_comment_with(key, id, edited, Notify::PreferNever).await.unwrap();
        assert_eq!(text_of(&c.comment(key, id).await.unwrap().unwrap()["body"]), "edited");
        assert_eq!(c.delete_comment(key, id).await.unwrap(), Gone::Deleted);
        assert_eq!(c.delete_comment(key, id).await.unwrap(), Gone::WasAbsent);
        assert_eq!(c.comment(key, id).await.unwrap(), None);

        let data: Vec<u8> = (0..100_000_u32).map(|n| (n % 251) as u8).collect();
        let up = c.upload(key, "Zoë \"Q\".bin", Upload::Bytes(data.clone().into())).await.unwrap();
        assert_eq!(up["filename"], "Zoë \"Q\".bin");
        let id = up["id"].as_str().unwrap();
        let meta = c.attachment_meta(id).await.unwrap().unwrap();
        assert_eq!(c.download(&meta).await.unwrap().read_limited(1 << 20).await.unwrap(), data);
        assert_eq!(sandbox.control().credentials_sent_on(), 0);
        assert_eq!(c.delete_attachment(id).await.unwrap(), Gone::Deleted);
        assert_eq!(c.attachment_meta(id).await.unwrap(), None);

        c.set_property(key, "note", json!({"by": "x"})).await.unwrap();
        assert_eq!(c.property(key, "note").await.unwrap().unwrap()["by"], "x");
        assert_eq!(c.property_keys(key).await.unwrap().len(), 2);
        assert_eq!(c.delete_property(key, "note").await.unwrap(), Gone::Deleted);
        assert_eq!(c.property(key, "note").await.unwrap(), None);

        for user in c.watchers(key).await.unwrap() {
            assert_eq!(c.remove_watcher(key, &user).await.unwrap(), Gone::Deleted);
        }
        assert!(c.watchers(key).await.unwrap().is_empty());
        assert!(c.votes(key).await.unwrap()["votes"].is_number());
        assert!(c.worklogs(key).await.unwrap().is_empty());
        assert!(c.remote_links(key).await.unwrap().is_empty());

        let transitions = c.transitions(key).await.unwrap();
        c.transition(key, transitions[0]["id"].as_str().unwrap()).await.unwrap();
        assert_eq!(c.delete_issue(key).await.unwrap(), Gone::Deleted);
        assert_eq!(c.issue(key, &["*all"], false, &[]).await.unwrap(), None);
        assert_eq!(c.delete_issue(key).await.unwrap(), Gone::WasAbsent);
        assert_eq!(c.remove_watcher(key, &User::default()).await.unwrap_err().kind(), ErrorKind::Config);
    }
}

#[tokio::test]
async fn a_create_whose_answer_was_cut_is_found_and_not_doubled() {
    for flavor in FLAVORS {
        let (sandbox, c) = start(flavor).await;
        let kind = c.issue_types(sandbox.project()).await.unwrap()[0]["id"].clone();
        sandbox.control().set_search_lag(Duration::from_millis(400));
        let since = Utc::now() - TimeDelta::seconds(1);
        let fields =
            json!({"project": {"key": sandbox.project().as_str()}, "issuetype": {"id": kind}, "summary": "once"});
        sandbox.control().cut_after_commit(1);
        let error = c.create_issue(map(fields), &[("efface".to_owned(), json!("m-1"))]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Doubtful, "{flavor:?} {error}");
        let found = c.find_created(sandbox.project(), since, "efface", "m-1").await.unwrap().unwrap();
        assert_eq!(c.issue(&found.key, &["summary"], false, &[]).await.unwrap().unwrap().summary(), Some("once"));
        assert_eq!(c.find_created(sandbox.project(), since, "efface", "m-2").await.unwrap(), None);
    }
}

#[tokio::test]
async fn its_switches() {
    for flavor in FLAVORS {
        let (sandbox, c) = start(flavor).await;
        let control = sandbox.control();
        let key = create(&c, &sandbox, "switches").await;
        control.set_retry_after(0);
        control.burst_429(3);
        control.fail_500(1);
        control.cut_connections(1);
        c.myself().await.unwrap();
        control.set_admin(false);
        let set = map(json!({"summary": "x"}));
        let error = c.edit_issue(&key, set.clone(), Map::new(), Notify::Never).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotifyForbidden, "{flavor:?} {error}");
        assert!(c.edit_issue(&key, set.clone(), Map::new(), Notify::PreferNever).await.unwrap().notified);
        control.forbid_edit(sandbox.project().as_str(), true);
        let error = c.edit_issue(&key, set, Map::new(), Notify::PreferNever).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::Rejected), "{flavor:?} {error}");
        control.hide_project(sandbox.project().as_str(), true);
        assert_eq!(c.project(sandbox.project()).await.unwrap_err().kind(), ErrorKind::ProjectNotVisible);
        let jql = format!("project = {}", sandbox.project());
        let error = c.search(&jql, &["id"]).next_page().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ProjectNotVisible, "{flavor:?} {error}");
        assert_eq!(c.issue(&key, &[], false, &[]).await.unwrap(), None);
        let mut wrong = config(sandbox.url(), flavor);
        wrong.auth = super::Auth::Bearer(crate::model::Secret::new("wrong".to_owned()));
        assert_eq!(Client::new(wrong).unwrap().myself().await.unwrap_err().kind(), ErrorKind::Unauthorized);
    }
}
