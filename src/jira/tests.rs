//! The client against scripted answers: retries, limits, doubt, paging, attachments, and what errors do not show.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::{
    Auth, Client, ClientConfig, ErrorKind, Gone, Notify, User, UserQuery,
    test_server::{Reply, Server, bytes, config, empty, json as answer},
};
use crate::model::{Flavor, ProjectKey, Secret};

fn fields() -> Map<String, Value> {
    json!({"summary": "x", "assignee": {"name": "zquill"}}).as_object().unwrap().clone()
}

fn hq() -> ProjectKey {
    "HQ".parse().unwrap()
}

fn no_such_issue() -> Reply {
    answer(404, json!({"errorMessages": ["Issue Does Not Exist"], "errors": {}}))
}

// ---- retries ----

#[tokio::test]
async fn reads_survive_server_errors_and_cut_connections() {
    let server = Server::start(|n, _| match n {
        0 => empty(503),
        1 => Reply::Cut,
        2 => Reply::CutBody,
        _ => answer(200, json!({"version": "10.3"})),
    })
    .await;
    let client = server.client(Flavor::DataCenter);
    assert_eq!(client.server_info().await.unwrap()["version"], "10.3");
    assert_eq!((server.count(), client.calls()), (4, 4));
    assert_eq!(server.got()[0].path(), "/rest/api/2/serverInfo");
    assert_eq!(server.got()[0].header("authorization"), Some("Basic Ym90QGNvcnAuZXhhbXBsZTpzM2NyZXQtdG9rZW4="));
}

#[tokio::test]
async fn retries_are_bounded() {
    let server = Server::start(|_, _| empty(500)).await;
    let error = server.client(Flavor::Cloud).myself().await.unwrap_err();
    assert_eq!((error.kind(), error.tries, server.count()), (ErrorKind::Server, 4, 4));
    let server = Server::start(|_, _| Reply::Cut).await;
    let error = server.client(Flavor::Cloud).myself().await.unwrap_err();
    assert_eq!((error.kind(), server.count()), (ErrorKind::Network, 4));
}

#[tokio::test]
async fn a_create_that_may_have_happened_is_not_sent_again() {
    for reply in [
        || Reply::Cut,
        || Reply::CutBody,
        || empty(500),
        || empty(502),
        || answer(201, json!({"ok": true})),
        || bytes(201, vec![], b"<html>"),
    ] {
        let server = Server::start(move |_, _| reply()).await;
        let client = server.client(Flavor::DataCenter);
        let error = client.create_issue(fields(), &[]).await.unwrap_err();
        assert_eq!((error.kind(), server.count()), (ErrorKind::Doubtful, 1), "{error}");
        let error = client.add_comment("HQ-1", json!("x"), &[]).await;
        // A comment's answer has no required shape.
        if let Err(error) = error {
            assert_eq!(error.kind(), ErrorKind::Doubtful);
        }
        assert_eq!(server.count(), 2);
    }
}

#[tokio::test]
async fn silence_after_a_create_is_doubt_and_after_a_read_a_timeout() {
    let server = Server::start(|_, _| Reply::Silence).await;
    let mut config = server.config(Flavor::Cloud);
    config.timeout = Duration::from_millis(150);
    config.retry.attempts = 2;
    let client = Client::new(config).unwrap();
    assert_eq!(client.create_issue(fields(), &[]).await.unwrap_err().kind(), ErrorKind::Doubtful);
    assert_eq!(server.count(), 1);
    assert_eq!(client.myself().await.unwrap_err().kind(), ErrorKind::Timeout);
    assert_eq!(server.count(), 3);
}

#[tokio::test]
async fn a_create_that_cannot_have_happened_is_sent_again() {
    // 429 first.
    let server = Server::start(|n, _| match n {
        0 => bytes(429, vec![("retry-after", "0".into())], b""),
        _ => answer(201, json!({"id": "1", "key": "HQ-1"})),
    })
    .await;
    let client = server.client(Flavor::DataCenter);
    let made = client.create_issue(fields(), &[("efface".into(), json!({"mark": "m"}))]).await.unwrap();
    assert_eq!((made.key.as_str(), server.count()), ("HQ-1", 2));
    assert_eq!(server.got()[1].json()["properties"], json!([{"key": "efface", "value": {"mark": "m"}}]));
    // Nobody listens: nothing was sent, so it is tried again, and no doubt is left.
    let gone = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let client = Client::new(config(&gone, Flavor::DataCenter)).unwrap();
    let error = client.create_issue(fields(), &[]).await.unwrap_err();
    assert_eq!((error.kind(), error.tries, error.maybe_applied), (ErrorKind::Network, 4, false));
}

#[tokio::test]
async fn idempotent_writes_are_repeated() {
    let server = Server::start(|n, _| if n < 2 { Reply::Cut } else { empty(204) }).await;
    let client = server.client(Flavor::DataCenter);
    let edited = client.edit_issue("HQ-1", fields(), Map::new(), Notify::Never).await.unwrap();
    assert!(!edited.notified);
    assert_eq!(server.count(), 3);
    assert_eq!(server.got()[2].target, "/rest/api/2/issue/HQ-1?notifyUsers=false");
    // An update that adds a record is none.
    let server = Server::start(|_, _| Reply::Cut).await;
    let update = json!({"comment": [{"add": {"body": "x"}}]}).as_object().unwrap().clone();
    let error =
        server.client(Flavor::DataCenter).edit_issue("HQ-1", Map::new(), update, Notify::Never).await.unwrap_err();
    assert_eq!((error.kind(), server.count()), (ErrorKind::Doubtful, 1));
}

#[tokio::test]
async fn a_delete_knows_whether_it_was_there() {
    let server = Server::start(|_, _| no_such_issue()).await;
    assert_eq!(server.client(Flavor::Cloud).delete_issue("HQ-1").await.unwrap(), Gone::WasAbsent);
    let server = Server::start(|n, _| if n == 0 { Reply::Cut } else { no_such_issue() }).await;
    assert_eq!(server.client(Flavor::Cloud).delete_issue("HQ-1").await.unwrap(), Gone::Deleted, "the first try did it");
    // A 429 or a refused connection did nothing.
    let server = Server::start(|n, _| if n == 0 { empty(429) } else { no_such_issue() }).await;
    assert_eq!(server.client(Flavor::Cloud).delete_issue("HQ-1").await.unwrap(), Gone::WasAbsent);
    // No such endpoint is not "absent".
    let server = Server::start(|_, _| answer(404, json!({"detail": "Not Found"}))).await;
    let user = User { name: Some("zquill".into()), ..User::default() };
    let error = server.client(Flavor::DataCenter).remove_watcher("HQ-1", &user).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotSupported);
}

// ---- limits ----

#[tokio::test]
async fn a_limit_is_kept_by_all_calls_and_waited_out() {
    let server = Server::start(|n, _| match n {
        0 => bytes(429, vec![("retry-after", "1".into())], b""),
        _ => answer(200, json!({})),
    })
    .await;
    let client = server.client(Flavor::Cloud);
    let start = Instant::now();
    client.server_info().await.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1), "{:?}", start.elapsed());
    let server = Server::start(|_, _| bytes(429, vec![("retry-after", "600".into())], b"")).await;
    let start = Instant::now();
    let error = server.client(Flavor::Cloud).server_info().await.unwrap_err();
    assert_eq!((error.kind(), server.count()), (ErrorKind::RateLimited, 1), "longer than we wait");
    assert!(start.elapsed() < Duration::from_secs(1));
}

// ---- errors ----

#[tokio::test]
async fn errors_say_what_to_check_and_name_nobody() {
    let server = Server::start(|_, got| match got.path() {
        "/rest/api/2/user" => {
            answer(404, json!({"errorMessages": ["The user named 'zquill' does not exist"], "errors": {}}))
        }
        "/rest/api/2/issue" => {
            answer(400, json!({"errorMessages": [], "errors": {"assignee": "User 'zquill' does not exist."}}))
        }
        "/rest/api/2/myself" => answer(401, json!({"message": "Client must be authenticated", "status-code": 401})),
        "/rest/api/2/project/HQ" => {
            answer(404, json!({"errorMessages": ["No project could be found with key 'HQ'."], "errors": {}}))
        }
        "/rest/api/2/search" => answer(
            400,
            json!({"errorMessages": ["The value 'HQ' does not exist for the field 'project'."], "errors": {}}),
        ),
        "/rest/api/2/field" => bytes(200, vec![("x-seraph-loginreason", "AUTHENTICATED_FAILED".into())], b"[]"),
        "/rest/api/2/status" => bytes(200, vec![("content-type", "text/html".into())], b"<html>Log in</html>"),
        "/rest/api/2/priority" => bytes(302, vec![("location", "https://sso.example/?u=zquill".into())], b""),
        "/rest/api/2/serverInfo" => bytes(404, vec![], b"<html>nginx</html>"),
        _ => bytes(403, vec![("x-authentication-denied-reason", "CAPTCHA_CHALLENGE; login-url=x".into())], b""),
    })
    .await;
    let c = server.client(Flavor::DataCenter);
    let mut errors = vec![
        (c.create_issue(fields(), &[]).await.unwrap_err(), ErrorKind::Rejected),
        (c.myself().await.unwrap_err(), ErrorKind::Unauthorized),
        (c.project(&hq()).await.unwrap_err(), ErrorKind::ProjectNotVisible),
        (
            c.search("project = HQ and assignee = zquill", &["id"]).next_page().await.unwrap_err(),
            ErrorKind::ProjectNotVisible,
        ),
        (c.fields().await.unwrap_err(), ErrorKind::Unauthorized),
        (c.statuses().await.unwrap_err(), ErrorKind::BadAnswer),
        (c.priorities().await.unwrap_err(), ErrorKind::BadAnswer),
        (c.server_info().await.unwrap_err(), ErrorKind::NotSupported),
        (c.delete_property("HQ-1", "app.zquill.note").await.unwrap_err(), ErrorKind::Unauthorized),
        (c.user_search("zquill@corp.example").await.unwrap_err(), ErrorKind::Unauthorized),
    ];
    assert_eq!(c.user(&UserQuery::Username("zquill".into())).await.unwrap(), None);
    errors.push((c.user(&UserQuery::AccountId("5b10".into())).await.unwrap_err(), ErrorKind::NotSupported));
    let down = Client::new(config("http://127.0.0.1:9", Flavor::DataCenter)).unwrap();
    errors.push((down.user(&UserQuery::Username("zquill".into())).await.unwrap_err(), ErrorKind::Network));
    for (error, kind) in errors {
        let mut shown = format!("{error} {error:?}");
        let mut source = std::error::Error::source(&error);
        while let Some(s) = source {
            shown.push_str(&format!(" {s} {s:?}"));
            source = s.source();
        }
        assert_eq!(error.kind(), kind, "{shown}");
        for secret in ["zquill", "s3cret", "Ym90", "bot@corp", "?"] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
        assert!(!error.hint.is_empty() && shown.contains("hq"), "{shown}");
    }
    let error = c.create_issue(fields(), &[]).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "hq: POST /rest/api/2/issue: 400: assignee: User '…' does not exist. (Jira refused the values; its own words say which)"
    );
    let mut with_proxy = server.config(Flavor::Cloud);
    with_proxy.proxy = Some("http://u:s3cret@proxy.example:3128".into());
    assert!(!format!("{c:?} {with_proxy:?}").contains("s3cret"));
}

#[test]
fn configurations_that_cannot_work() {
    for url in [
        "jira.example.com",
        "ftp://x.example",
        "https://u:p@x.example",
        "https://x.example/?a=b",
        "https://x.example/#a",
    ] {
        let error = Client::new(ClientConfig::new("hq".parse().unwrap(), url, Flavor::Cloud, Auth::None)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{url}");
    }
    let mut c = config("https://x.example", Flavor::Cloud);
    c.ca_file = Some("/nonexistent/ca.pem".into());
    assert_eq!(Client::new(c.clone()).unwrap_err().kind(), ErrorKind::Config);
    c.ca_file = None;
    c.auth = Auth::Bearer(Secret::new("line\nbreak".into()));
    let error = Client::new(c).unwrap_err();
    assert!(error.kind() == ErrorKind::Config && !format!("{error:?}").contains("break\""), "{error:?}");
}

#[tokio::test]
async fn ids_cannot_leave_their_place_and_the_context_path_stays() {
    let server = Server::start(|_, _| answer(200, json!({"id": "1", "key": "HQ-1"}))).await;
    let mut c = server.config(Flavor::Cloud);
    c.url.push_str("/jira/");
    let client = Client::new(c).unwrap();
    client.issue("HQ-1/../../x?y", &["*all"], true, &["efface"]).await.unwrap().unwrap();
    let target = "/jira/rest/api/3/issue/HQ-1%2F..%2F..%2Fx%3Fy?fields=*all&expand=changelog&properties=efface";
    assert_eq!(server.got()[0].target, target);
    for bad in ["", ".", ".."] {
        assert_eq!(client.issue(bad, &[], false, &[]).await.unwrap_err().kind(), ErrorKind::Config);
    }
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn mail_is_switched_off_or_said_aloud() {
    let refuse = || {
        answer(
            403,
            json!({"errorMessages": ["To discard the user notification either admin or project admin permissions are required."], "errors": {}}),
        )
    };
    let server =
        Server::start(move |_, got| if got.target.contains("notifyUsers=false") { refuse() } else { empty(204) }).await;
    for flavor in [Flavor::DataCenter, Flavor::Cloud] {
        let c = server.client(flavor);
        let error = c.edit_issue("HQ-1", fields(), Map::new(), Notify::Never).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotifyForbidden);
        assert!(c.edit_issue("HQ-1", fields(), Map::new(), Notify::PreferNever).await.unwrap().notified);
    }
    let c = server.client(Flavor::Cloud);
    assert_eq!(c.edit_comment("HQ-1", "1", json!({})).await.unwrap_err().kind(), ErrorKind::NotifyForbidden);
    let server = Server::start(|_, _| {
        answer(403, json!({"errorMessages": ["You do not have the permission to edit"], "errors": {}}))
    })
    .await;
    let error =
        server.client(Flavor::Cloud).edit_issue("HQ-1", fields(), Map::new(), Notify::PreferNever).await.unwrap_err();
    assert_eq!((error.kind(), server.count()), (ErrorKind::Forbidden, 1), "no second try with mail");
}

// ---- what a server lacks ----

#[tokio::test]
async fn what_a_server_lacks_is_said() {
    let server = Server::start(|_, got| match (got.method.as_str(), got.path()) {
        ("GET", "/rest/api/2/issue/HQ-1/comment/5") => answer(405, json!({"detail": "Method Not Allowed"})),
        ("GET", "/rest/api/2/issue/HQ-1/comment") => {
            answer(200, json!({"total": 1, "comments": [{"id": "5", "body": "b"}]}))
        }
        ("PUT", _) => answer(405, json!({"detail": "Method Not Allowed"})),
        ("GET", "/rest/api/2/issue/HQ-9") => no_such_issue(),
        _ => answer(404, json!({"detail": "Not Found"})),
    })
    .await;
    let c = server.client(Flavor::DataCenter);
    assert_eq!(c.comment("HQ-1", "5").await.unwrap().unwrap()["body"], "b", "looked up among all");
    assert_eq!(c.comment("HQ-1", "6").await.unwrap(), None);
    assert_eq!(c.issue("HQ-9", &["*all"], false, &[]).await.unwrap(), None);
    let kinds = [
        c.edit_comment("HQ-1", "5", json!("x")).await.unwrap_err().kind(),
        c.watchers("HQ-1").await.unwrap_err().kind(),
        c.votes("HQ-1").await.unwrap_err().kind(),
        c.property_keys("HQ-1").await.unwrap_err().kind(),
        c.property("HQ-1", "p").await.unwrap_err().kind(),
        c.set_property("HQ-1", "p", json!(1)).await.unwrap_err().kind(),
        c.worklogs("HQ-1").await.unwrap_err().kind(),
        c.remote_links("HQ-1").await.unwrap_err().kind(),
        c.issue("HQ-1", &[], false, &[]).await.unwrap_err().kind(),
    ];
    assert_eq!(kinds, [ErrorKind::NotSupported; 9]);
}

#[tokio::test]
async fn a_server_that_knows_everybody_proves_nobody() {
    let user = || answer(200, json!({"key": "x", "name": "x", "displayName": "x"}));
    for (script, flavor, made_up) in [
        (user as fn() -> Reply, Flavor::DataCenter, true),
        (no_such_issue, Flavor::DataCenter, false),
        (user, Flavor::Cloud, false),
    ] {
        let server = Server::start(move |_, _| script()).await;
        assert_eq!(server.client(flavor).makes_up_users().await, made_up);
    }
}
