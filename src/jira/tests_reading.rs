//! The client against scripted answers: paging, what became of a doubtful create, attachments.

use std::sync::Mutex;

use serde_json::{Value, json};

use super::{
    ErrorKind, Issue, Upload,
    test_server::{Reply, Server, bytes, empty, json as answer},
};
use crate::model::{Flavor, ProjectKey};

fn hq() -> ProjectKey {
    "HQ".parse().unwrap()
}

// ---- paging ----

fn issues(from: usize, to: usize) -> Vec<Value> {
    (from..to).map(|n| json!({"id": n.to_string(), "key": format!("HQ-{n}"), "fields": {}})).collect()
}

fn ids(issues: &[Issue]) -> Vec<usize> {
    issues.iter().map(|i| i.id().parse().unwrap()).collect()
}

#[tokio::test]
async fn cloud_pages_may_be_short_or_empty() {
    let server = Server::start(|n, got| {
        let token = got.json().get("nextPageToken").cloned();
        let page = |issues: Vec<Value>, next: Option<&str>| match next {
            Some(t) => answer(200, json!({"issues": issues, "nextPageToken": t, "isLast": false})),
            None => answer(200, json!({"issues": issues, "isLast": true})),
        };
        assert_eq!(token, [None, Some(json!("a")), Some(json!("b")), Some(json!("c"))][n]);
        match n {
            0 => page(issues(1, 3), Some("a")),
            1 => page(vec![], Some("b")),
            2 => page(issues(2, 5), Some("c")),
            _ => page(vec![], None),
        }
    })
    .await;
    let c = server.client(Flavor::Cloud);
    let mut search = c.search("project = HQ", &["summary"]);
    assert_eq!(ids(&search.all().await.unwrap()), [1, 2, 3, 4], "and nothing twice");
    assert!(search.complete());
    assert_eq!(server.got()[0].path(), "/rest/api/3/search/jql");
    assert_eq!(server.got()[0].json(), json!({"jql": "project = HQ", "maxResults": 100, "fields": ["summary"]}));
    // A server that never ends is an error, not an endless loop.
    let server = Server::start(|_, _| answer(200, json!({"issues": [], "nextPageToken": "a", "isLast": false}))).await;
    let error = server.client(Flavor::Cloud).search("x", &[]).all().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadAnswer);
}

/// A Data Center search over a list that changes between pages.
fn counted(list: &[Value], got: &super::test_server::Got, cap: usize) -> Reply {
    let body = got.json();
    let at = |n: &str| usize::try_from(body[n].as_u64().unwrap()).unwrap();
    let (start, max) = (at("startAt"), at("maxResults").min(cap));
    let page: Vec<Value> = list.iter().skip(start).take(max).cloned().collect();
    answer(200, json!({"startAt": start, "maxResults": max, "total": list.len(), "issues": page}))
}

#[tokio::test]
async fn data_center_pages_are_counted_and_may_be_capped() {
    let server = Server::start(|_, got| counted(&issues(0, 95), got, 20)).await;
    let mut search = server.client(Flavor::DataCenter).search("x", &["id"]).page_size(50);
    assert_eq!(ids(&search.all().await.unwrap()), (0..95).collect::<Vec<_>>());
    assert!(search.complete());
    assert_eq!(search.total(), Some(95));
    for total in [0, 1, 2, 20, 21] {
        let server = Server::start(move |_, got| counted(&issues(0, total), got, 20)).await;
        let mut search = server.client(Flavor::DataCenter).search("x", &["id"]).page_size(20);
        assert_eq!(search.all().await.unwrap().len(), total);
        assert!(search.complete());
    }
}

#[tokio::test]
async fn data_center_pages_that_shift_lose_nothing() {
    // After the first page three issues of it leave the list: what follows moves up by three.
    let list = Mutex::new(issues(0, 60));
    let server = Server::start(move |n, got| {
        let mut list = list.lock().unwrap();
        if n == 1 {
            list.drain(5..8);
        }
        if n == 3 {
            list.splice(0..0, issues(100, 102));
        }
        counted(&list, got, 20)
    })
    .await;
    let mut search = server.client(Flavor::DataCenter).search("x", &["id"]).page_size(20);
    let mut got = ids(&search.all().await.unwrap());
    got.sort_unstable();
    got.retain(|n| *n < 100);
    assert_eq!(got, (0..60).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_list_that_ends_early_is_not_complete() {
    let server = Server::start(|n, _| {
        let page = if n == 0 { issues(0, 10) } else { vec![] };
        answer(200, json!({"startAt": 0, "maxResults": 10, "total": 40, "issues": page}))
    })
    .await;
    let mut search = server.client(Flavor::DataCenter).search("x", &["id"]).page_size(10);
    assert_eq!(search.all().await.unwrap().len(), 10);
    assert!(!search.complete(), "thirty were promised");
}

#[tokio::test]
async fn search_falls_back_to_get_and_remembers() {
    let server = Server::start(|_, got| match got.method.as_str() {
        "POST" => answer(405, json!({"detail": "Method Not Allowed"})),
        _ => answer(200, json!({"startAt": 0, "maxResults": 100, "total": 1, "issues": issues(0, 1)})),
    })
    .await;
    let c = server.client(Flavor::DataCenter);
    for _ in 0..2 {
        assert_eq!(c.search("project = HQ", &["id", "key"]).all().await.unwrap().len(), 1);
    }
    let methods: Vec<String> = server.got().iter().map(|g| g.method.clone()).collect();
    assert_eq!(methods, ["POST", "GET", "GET"]);
    assert_eq!(
        server.got()[1].target,
        "/rest/api/2/search?jql=project+%3D+HQ&startAt=0&maxResults=100&fields=id%2Ckey"
    );
}

#[tokio::test]
async fn comments_come_whole_or_not_at_all() {
    let comments: Vec<Value> = (0..130).map(|n| json!({"id": n.to_string()})).collect();
    let server = Server::start(move |_, got| {
        let start: usize = got.target.split("startAt=").nth(1).unwrap().split('&').next().unwrap().parse().unwrap();
        let page: Vec<Value> = comments.iter().skip(start).take(50).cloned().collect();
        answer(200, json!({"startAt": start, "maxResults": 50, "total": 130, "comments": page}))
    })
    .await;
    assert_eq!(server.client(Flavor::DataCenter).comments("HQ-1").await.unwrap().len(), 130);
    let server = Server::start(|n, _| {
        answer(200, json!({"total": 9, "comments": if n == 0 { vec![json!({"id": "1"})] } else { vec![] }}))
    })
    .await;
    let error = server.client(Flavor::Cloud).comments("HQ-1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadAnswer, "eight are missing");
}

#[tokio::test]
async fn histories_of_both_flavours() {
    let server = Server::start(|_, got| {
        let start = got.target.contains("startAt=2");
        answer(200, json!({"total": 3, "isLast": start, "values": if start { vec![json!({"id": "3"})] } else { vec![json!({"id": "1"}), json!({"id": "2"})] }}))
    })
    .await;
    assert_eq!(server.client(Flavor::Cloud).changelog("HQ-1").await.unwrap().len(), 3);
    let server = Server::start(|n, _| match n {
        0 => answer(200, json!({"id": "1", "changelog": {"total": 2, "histories": [{"id": "1"}, {"id": "2"}]}})),
        1 => answer(200, json!({"id": "1", "changelog": {"total": 20, "histories": [{"id": "1"}]}})),
        _ => answer(200, json!({"id": "1"})),
    })
    .await;
    let c = server.client(Flavor::DataCenter);
    assert_eq!(c.changelog("HQ-1").await.unwrap().len(), 2);
    assert_eq!(c.changelog("HQ-1").await.unwrap_err().kind(), ErrorKind::BadAnswer, "cut");
    assert_eq!(c.changelog("HQ-1").await.unwrap_err().kind(), ErrorKind::NotSupported, "none");
}

// ---- after doubt ----

#[tokio::test]
async fn a_doubtful_create_is_found_by_its_mark() {
    let server = Server::start(|n, got| match got.path() {
        "/rest/api/2/myself" => answer(200, json!({"name": "bot", "timeZone": "Europe/Berlin"})),
        // The index lags: the issue shows up with the third search.
        "/rest/api/2/search" => {
            let list = if n < 4 { issues(1, 2) } else { issues(1, 3) };
            answer(200, json!({"startAt": 0, "maxResults": 100, "total": list.len(), "issues": list}))
        }
        "/rest/api/2/issue/HQ-1/properties/efface" => {
            answer(404, json!({"errorMessages": ["The property with key 'efface' does not exist."], "errors": {}}))
        }
        _ => answer(200, json!({"key": "efface", "value": {"mark": "m-1"}})),
    })
    .await;
    let c = server.client(Flavor::DataCenter);
    let since = "2026-11-22T09:10:30Z".parse().unwrap();
    let found = c.find_created(&hq(), since, "efface", "m-1").await.unwrap().unwrap();
    assert_eq!(found.key, "HQ-2");
    let jql = &server.got()[1].json()["jql"];
    assert_eq!(
        jql,
        "project = \"HQ\" AND creator = currentUser() AND created >= \"2026/11/22 10:05\" ORDER BY created DESC"
    );
    assert_eq!(c.find_created(&hq(), since, "efface", "other").await.unwrap(), None, "after the lag, and not for ever");
    // Marks that cannot be read are no "not there".
    let server = Server::start(|_, got| match got.path() {
        "/rest/api/2/myself" => answer(200, json!({})),
        "/rest/api/2/search" => answer(200, json!({"total": 1, "issues": issues(1, 2)})),
        _ => answer(404, json!({"detail": "Not Found"})),
    })
    .await;
    let error = server.client(Flavor::DataCenter).find_created(&hq(), since, "efface", "m").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotSupported);
}

// ---- attachments ----

#[tokio::test]
async fn credentials_stay_at_home() {
    let store = Server::start(|_, _| bytes(200, vec![], b"hello")).await;
    let elsewhere = format!("{}/bucket/f?sig=1", store.url);
    let jira = Server::start(move |_, _| bytes(303, vec![("location", elsewhere.clone())], b"")).await;
    let attachment =
        json!({"id": "10", "size": 5, "content": "https://internal.example/jira/secure/attachment/10/zoe%20quill.pdf"});
    for (flavor, path) in [
        (Flavor::Cloud, "/rest/api/3/attachment/content/10"),
        (Flavor::DataCenter, "/secure/attachment/10/zoe%20quill.pdf"),
    ] {
        let download = jira.client(flavor).download(&attachment).await.unwrap();
        assert_eq!(download.read_limited(100).await.unwrap(), b"hello");
        let asked = jira.got().pop().unwrap();
        assert_eq!(asked.path(), path);
        assert!(asked.header("authorization").is_some());
        let there = store.got().pop().unwrap();
        assert_eq!((there.target.as_str(), there.header("authorization")), ("/bucket/f?sig=1", None));
    }
}

#[tokio::test]
async fn downloads_are_whole_and_errors_hide_the_file_name() {
    let server = Server::start(|n, got| match n {
        0 => empty(503),
        1 => bytes(200, vec![], b"12345"),
        2 => bytes(200, vec![], b"123"),
        3 => Reply::CutBody,
        4 => bytes(200, vec![], b"1234567"),
        5 => bytes(200, vec![], b"12345"),
        _ => bytes(404, vec![], format!("<html>{}", got.target).as_bytes()),
    })
    .await;
    let c = server.client(Flavor::DataCenter);
    let attachment = json!({"id": "10", "size": 5, "content": "/secure/attachment/10/zoe-quill.pdf"});
    let mut out = Vec::new();
    assert_eq!(c.download(&attachment).await.unwrap().copy_to(&mut out).await.unwrap(), 5);
    assert_eq!(out, b"12345");
    let unsized_one = json!({"id": "10", "content": "/secure/attachment/10/zoe-quill.pdf"});
    for (what, kind) in
        [(&attachment, ErrorKind::BadAnswer), (&unsized_one, ErrorKind::Network), (&attachment, ErrorKind::BadAnswer)]
    {
        assert_eq!(c.download(what).await.unwrap().read_limited(1000).await.unwrap_err().kind(), kind);
    }
    assert_eq!(c.download(&attachment).await.unwrap().read_limited(4).await.unwrap_err().kind(), ErrorKind::TooLarge);
    let error = c.download(&attachment).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("quill"), "{error:?}");
    assert_eq!(error.path, "/secure/attachment/10/…");
}

#[tokio::test]
async fn uploads_stream_and_do_not_repeat() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("f");
    std::fs::write(&file, vec![b'z'; 300_000]).unwrap();
    let server = Server::start(|n, _| match n {
        0 => empty(429),
        1 | 2 => answer(200, json!([{"id": "7", "filename": "x"}])),
        _ => Reply::Cut,
    })
    .await;
    let c = server.client(Flavor::DataCenter);
    let made = c.upload("HQ-1", "Zoë \"Q\".txt", Upload::File(file.clone())).await.unwrap();
    assert_eq!(made["id"], "7");
    let got = &server.got()[1];
    assert_eq!((got.path(), got.header("x-atlassian-token")), ("/rest/api/2/issue/HQ-1/attachments", Some("no-check")));
    let text = String::from_utf8_lossy(&got.body);
    assert!(text.contains("name=\"file\"; filename=\"Zoë \\\"Q\\\".txt\""), "{}", &text[..200]);
    assert!(got.body.len() > 300_000 && got.header("content-length").is_some());
    c.upload("HQ-1", "a\r\nX-Evil: 1", Upload::Bytes("b".into())).await.unwrap();
    assert!(String::from_utf8_lossy(&server.got()[2].body).contains("filename=\"a__X-Evil: 1\""));
    let error = c.upload("HQ-1", "a", Upload::Bytes("b".into())).await.unwrap_err();
    assert_eq!((error.kind(), server.count()), (ErrorKind::Doubtful, 4));
    let error = c.upload("HQ-1", "a", Upload::File(dir.path().join("none"))).await.unwrap_err();
    assert_eq!((error.kind(), server.count()), (ErrorKind::Local, 4));
}
