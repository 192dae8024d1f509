//! The client against the Python stand-in `jira820`, which is not ours. Runs where `JIRA820_URL` names a running one:
//! `JIRA820_URL=http://127.0.0.1:8083 cargo nextest run --run-ignored only jira::peer_tests`.

use serde_json::{Map, Value, json};

use super::{ErrorKind, Gone, Notify, Upload, User, UserQuery, test_server::config};
use crate::model::{Flavor, ProjectKey};

fn map(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

#[tokio::test]
#[ignore = "needs a running jira820"]
async fn jira820_from_create_to_delete() {
    let url = std::env::var("JIRA820_URL").unwrap();
    let c = super::Client::new(config(&url, Flavor::DataCenter)).unwrap();
    assert!(c.server_info().await.unwrap()["version"].is_string());
    assert!(c.myself().await.unwrap().name.is_some());
    let mut search = c.search("order by key", &["summary"]);
    let issues = search.all().await.unwrap();
    assert!(search.complete() && issues.len() > 10);
    let project: ProjectKey = issues[0].key().rsplit_once('-').unwrap().0.parse().unwrap();
    assert!(c.project(&project).await.unwrap()["key"] == project.as_str());
    assert!(!c.issue_types(&project).await.unwrap().is_empty());
    assert!(!c.fields().await.unwrap().is_empty() && !c.priorities().await.unwrap().is_empty());
    assert!(!c.statuses().await.unwrap().is_empty());
    c.user_search("zquill").await.unwrap();
    c.user(&UserQuery::Username("zquill".into())).await.unwrap();

    let fields = json!({"project": {"key": project.as_str()}, "summary": "Peer", "issuetype": {"name": "Task"}, "description": "*x*"});
    let made = c.create_issue(map(fields), &[("efface".into(), json!({"mark": "m"}))]).await.unwrap();
    let key = made.key.as_str();
    assert!(c.edit_meta(key).await.unwrap()["fields"].is_object());
    c.edit_issue(key, map(json!({"summary": "Peer 2"})), Map::new(), Notify::Never).await.unwrap();
    let issue = c.issue(key, &["*all"], true, &[]).await.unwrap().unwrap();
    assert_eq!(issue.summary(), Some("Peer 2"));
    assert!(issue.created().is_some() && issue.updated().is_some());
    c.changelog(key).await.unwrap();

    for n in 0..60 {
        c.add_comment(key, json!(format!("c{n}")), &[]).await.unwrap();
    }
    let comments = c.comments(key).await.unwrap();
    assert_eq!(comments.len(), 60);
    let id = comments[59]["id"].as_str().unwrap();
    assert_eq!(c.comment(key, id).await.unwrap().unwrap()["id"], id);
    match c.edit_comment(key, id, json!("edited")).await {
        Ok(_) => assert_eq!(c.comment(key, id).await.unwrap().unwrap()["body"], "edited"),
        Err(e) => assert_eq!(e.kind(), ErrorKind::NotSupported),
    }
    assert_eq!(c.delete_comment(key, id).await.unwrap(), Gone::Deleted);
    assert_eq!(c.comment(key, id).await.unwrap(), None);

    let data = vec![7_u8; 200_000];
    let up = c.upload(key, "Zoë \"1\".bin", Upload::Bytes(data.clone().into())).await.unwrap();
    assert_eq!(c.download(&up).await.unwrap().read_limited(1 << 20).await.unwrap(), data);
    let attachment = up["id"].as_str().unwrap();
    assert!(c.attachment_meta(attachment).await.unwrap().is_some());
    assert_eq!(c.delete_attachment(attachment).await.unwrap(), Gone::Deleted);

    let transitions = c.transitions(key).await.unwrap();
    c.transition(key, transitions[0]["id"].as_str().unwrap()).await.unwrap();
    c.worklogs(key).await.unwrap();
    c.remote_links(key).await.unwrap();
    let user = User { name: Some("zquill".into()), ..User::default() };
    let kinds = [
        c.watchers(key).await.unwrap_err().kind(),
        c.remove_watcher(key, &user).await.unwrap_err().kind(),
        c.votes(key).await.unwrap_err().kind(),
        c.property_keys(key).await.unwrap_err().kind(),
        c.property(key, "efface").await.unwrap_err().kind(),
        c.delete_property(key, "efface").await.unwrap_err().kind(),
    ];
    assert_eq!(kinds, [ErrorKind::NotSupported; 6]);
    assert_eq!(c.delete_issue(key).await.unwrap(), Gone::Deleted);
    assert_eq!(c.issue(key, &["*all"], false, &[]).await.unwrap(), None);
    assert_eq!(c.delete_issue(key).await.unwrap(), Gone::WasAbsent);
}
