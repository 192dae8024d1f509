//! The sandbox through its own front door: real HTTP on a real port.

use std::time::Duration;

use serde_json::{Value, json};

use super::*;

/// Where tests reach a sandbox: at its own address, or, with `EFFACE_RECORDER`, through the recorder that holds each
/// exchange against Atlassian's documents (`tests/peers/conformance.py`).
pub(super) fn address(flavor: Flavor, url: String) -> String {
    let Ok(recorder) = std::env::var("EFFACE_RECORDER") else { return url };
    let flavor = if flavor == Flavor::Cloud { "cloud" } else { "datacenter" };
    format!("{recorder}/{flavor}/{}", url.rsplit(':').next().unwrap_or_default())
}

pub(super) struct Client {
    pub(super) sandbox: Sandbox,
    pub(super) http: reqwest::Client,
}

impl Client {
    pub(super) async fn start(flavor: Flavor) -> Self {
        // Installing it twice is an error that says only that it is there.
        drop(rustls::crypto::ring::default_provider().install_default());
        let sandbox = Sandbox::start(SandboxConfig::new(flavor)).await.unwrap();
        let http = reqwest::Client::builder()
            .no_proxy()
            .pool_max_idle_per_host(0)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self { sandbox, http }
    }

    pub(super) fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let url = if path.starts_with('/') {
            format!("{}{path}", self.sandbox.url())
        } else {
            format!("{}/rest/api/latest/{path}", self.sandbox.url())
        };
        self.http.request(method, url).basic_auth(self.sandbox.user(), Some(self.sandbox.token()))
    }

    pub(super) async fn send(request: reqwest::RequestBuilder) -> (u16, Value) {
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.bytes().await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    pub(super) async fn get(&self, path: &str) -> (u16, Value) {
        Self::send(self.request("GET", path)).await
    }

    pub(super) async fn delete(&self, path: &str) -> (u16, Value) {
        Self::send(self.request("DELETE", path)).await
    }

    pub(super) async fn call(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        Self::send(self.request(method, path).json(body)).await
    }

    pub(super) fn rich(&self, text: &str) -> Value {
        if self.sandbox.flavor() == Flavor::Cloud {
            json!({ "type": "doc", "version": 1,
                    "content": [{ "type": "paragraph", "content": [{ "type": "text", "text": text }] }] })
        } else {
            text.into()
        }
    }

    pub(super) async fn create(&self, summary: &str) -> String {
        let body = json!({ "fields": { "project": { "key": "DEMO" }, "issuetype": { "name": "Task" },
                                       "summary": summary, "description": self.rich("first") } });
        let (status, made) = self.call("POST", "issue", &body).await;
        assert_eq!(status, 201, "{made}");
        made["key"].as_str().unwrap().to_owned()
    }

    pub(super) async fn search(&self, jql: &str) -> (u16, Value) {
        let body = json!({ "jql": jql, "maxResults": 100, "fields": ["summary"] });
        let path = if self.sandbox.flavor() == Flavor::Cloud { "search/jql" } else { "search" };
        self.call("POST", path, &body).await
    }

    /// The history, the oldest first.
    pub(super) async fn history(&self, key: &str) -> Vec<Value> {
        let cloud = self.sandbox.flavor() == Flavor::Cloud;
        let list = if cloud {
            self.get(&format!("issue/{key}/changelog")).await.1["values"].take()
        } else {
            self.get(&format!("issue/{key}?expand=changelog")).await.1["changelog"]["histories"].take()
        };
        list.as_array().unwrap().iter().flat_map(|h| h["items"].as_array().unwrap().clone()).collect()
    }
}

pub(super) async fn both() -> [Client; 2] {
    [Client::start(Flavor::DataCenter).await, Client::start(Flavor::Cloud).await]
}

#[tokio::test]
async fn the_same_seed_gives_the_same_world() {
    for flavor in [Flavor::Cloud, Flavor::DataCenter] {
        let start = |seed| Sandbox::start(SandboxConfig { seed, ..SandboxConfig::new(flavor) });
        let (a, b, c) = (start(7).await.unwrap(), start(7).await.unwrap(), start(8).await.unwrap());
        assert_eq!(a.control().dump(), b.control().dump());
        assert_ne!(a.control().dump(), c.control().dump());
        assert_eq!(a.token(), b.token());
    }
}

#[tokio::test]
async fn everybody_of_the_cast_stands_somewhere() {
    for c in both().await {
        let issues = c.sandbox.control().dump()["issues"].to_string();
        for member in seed::CAST {
            assert!(issues.contains(member.display_name), "a demo about this person would find nothing");
        }
        let names: Vec<_> = c.sandbox.control().people().into_iter().map(|p| p.display_name).collect();
        assert_eq!(names.len(), seed::CAST.len() + 1);
        assert_eq!(names.iter().filter(|n| *n == "Anna Schmitt").count(), 2, "namesakes");
    }
}

#[tokio::test]
async fn credentials() {
    for c in both().await {
        let url = format!("{}/rest/api/latest/myself", c.sandbox.url());
        for request in [
            c.http.get(&url),
            c.http.get(&url).basic_auth(c.sandbox.user(), Some("wrong")),
            c.http.get(&url).basic_auth("somebody", Some(c.sandbox.token())),
            c.http.get(&url).bearer_auth("wrong"),
        ] {
            let (status, body) = Client::send(request).await;
            assert_eq!(status, 401);
            assert!(body["errorMessages"][0].is_string());
        }
        let (status, me) = Client::send(c.http.get(&url).bearer_auth(c.sandbox.token())).await;
        assert_eq!(status, 200);
        let id = if c.sandbox.flavor() == Flavor::Cloud { "accountId" } else { "key" };
        assert_eq!(me[id], c.sandbox.account_id());
        assert!(me["timeZone"].is_string());
    }
}

#[tokio::test]
async fn edits_keep_the_old_text_in_the_history() {
    for c in both().await {
        let key = c.create("old summary").await;
        let before = c.get(&format!("issue/{key}")).await.1["fields"]["updated"].clone();
        let body = json!({ "fields": { "summary": "new summary", "description": c.rich("second") },
                           "update": { "labels": [{ "add": "one" }, { "add": "two" }, { "remove": "one" }] } });
        assert_eq!(c.call("PUT", &format!("issue/{key}"), &body).await.0, 204);
        let issue = c.get(&format!("issue/{key}")).await.1;
        assert_eq!(issue["fields"]["labels"], json!(["two"]));
        assert!(issue["fields"]["updated"].as_str() > before.as_str(), "updated moves");
        let items = c.history(&key).await;
        let find = |field: &str| items.iter().find(|i| i["field"] == field).unwrap().clone();
        assert_eq!(find("summary")["fromString"], "old summary");
        assert_eq!(find("description")["fromString"], "first");
        assert_eq!(find("description")["toString"], "second");
        assert_eq!(find("labels")["toString"], "two");
    }
}

#[tokio::test]
async fn bad_fields_change_nothing() {
    for c in both().await {
        let key = c.create("stays").await;
        let long = "x".repeat(256);
        for (fields, field) in [
            (json!({ "summary": "a\nb" }), "summary"),
            (json!({ "summary": long }), "summary"),
            (json!({ "summary": "" }), "summary"),
            (json!({ "summary": "changed", "nonsense": 1 }), "nonsense"),
            (json!({ "labels": ["two words"] }), "labels"),
            (json!({ "reporter": null }), "reporter"),
            (json!({ "description": c.rich(&"y".repeat(32_768)) }), "description"),
            (json!({ "created": "2026-01-01" }), "created"),
        ] {
            let (status, body) = c.call("PUT", &format!("issue/{key}"), &json!({ "fields": fields })).await;
            assert_eq!(status, 400, "{field}");
            assert!(body["errors"][field].is_string(), "{field}: {body}");
        }
        assert_eq!(c.get(&format!("issue/{key}")).await.1["fields"]["summary"], "stays");
        let (status, body) = c.call("POST", "issue", &json!({ "fields": { "project": { "key": "DEMO" } } })).await;
        assert_eq!(status, 400);
        assert!(body["errors"]["summary"].is_string() && body["errors"]["issuetype"].is_string(), "{body}");
    }
}

#[tokio::test]
async fn a_flavour_takes_its_own_rich_text_and_users_only() {
    for c in both().await {
        let key = c.create("dialects").await;
        let cloud = c.sandbox.flavor() == Flavor::Cloud;
        let wrong = if cloud { json!("wiki *text*") } else { json!({ "type": "doc", "version": 1, "content": [] }) };
        let path = format!("issue/{key}");
        assert_eq!(c.call("PUT", &path, &json!({ "fields": { "description": wrong } })).await.0, 400);
        assert_eq!(c.call("POST", &format!("{path}/comment"), &json!({ "body": wrong })).await.0, 400);
        let me = c.sandbox.control().people().remove(0);
        let (right, wrong) = if cloud { ("accountId", "name") } else { ("name", "accountId") };
        let who = if cloud { &me.id } else { &me.name };
        assert_eq!(c.call("PUT", &path, &json!({ "fields": { "assignee": { wrong: who } } })).await.0, 400);
        assert_eq!(c.call("PUT", &path, &json!({ "fields": { "assignee": { right: who } } })).await.0, 204);
    }
}

#[tokio::test]
async fn comments_and_what_deleting_one_leaves() {
    for c in both().await {
        let key = c.create("comments").await;
        let path = format!("issue/{key}/comment");
        let (status, made) = c.call("POST", &path, &json!({ "body": c.rich("secret words") })).await;
        assert_eq!(status, 201);
        let one = format!("{path}/{}", made["id"].as_str().unwrap());
        assert_eq!(c.call("PUT", &one, &json!({ "body": c.rich("other words") })).await.0, 200);
        assert!(!json!(c.history(&key).await).to_string().contains("words"), "an edit leaves no trace");
        assert_eq!(c.delete(&one).await.0, 204);
        assert_eq!(c.get(&one).await.0, 404);
        let trace = json!(c.history(&key).await).to_string();
        let cloud = c.sandbox.flavor() == Flavor::Cloud;
        assert_eq!(trace.contains("other words"), !cloud, "Data Center copies a deleted comment: {trace}");
        c.sandbox.control().set_deleted_comment_in_history(false);
        let restricted =
            json!({ "body": c.rich("inner"), "visibility": { "type": "role", "value": "Administrators" } });
        let made = c.call("POST", &path, &restricted).await.1;
        assert_eq!(made["visibility"]["value"], "Administrators");
        c.delete(&format!("{path}/{}", made["id"].as_str().unwrap())).await;
        assert!(!json!(c.history(&key).await).to_string().contains("inner"));
    }
}

#[tokio::test]
async fn lists_inside_an_issue_are_cut() {
    for c in both().await {
        let issue = c.get("issue/DEMO-3").await.1;
        let cloud = c.sandbox.flavor() == Flavor::Cloud;
        let inside = |list: &str, of: &str| issue["fields"][list][of].as_array().unwrap().len();
        assert_eq!(inside("comment", "comments"), if cloud { 20 } else { 24 });
        assert_eq!(inside("worklog", "worklogs"), 20);
        assert_eq!(issue["fields"]["comment"]["total"], 24);
        let all = c.get("issue/DEMO-3/comment?maxResults=100").await.1;
        assert_eq!(all["comments"].as_array().unwrap().len(), 24);
        let page = c.get("issue/DEMO-3/comment?startAt=20&maxResults=3&orderBy=-created").await.1;
        assert_eq!(page["comments"].as_array().unwrap().len(), 3);
        assert_eq!(c.get("issue/DEMO-3/worklog").await.1["worklogs"].as_array().unwrap().len(), 22);
    }
}

#[tokio::test]
async fn attachments() {
    for c in both().await {
        let key = c.create("files").await;
        let part = || {
            let part = reqwest::multipart::Part::bytes(b"content".to_vec()).file_name("list of \u{e9}.txt");
            reqwest::multipart::Form::new().part("file", part.mime_str("text/plain").unwrap())
        };
        let path = format!("issue/{key}/attachments");
        let refused = Client::send(c.request("POST", &path).multipart(part())).await;
        assert_eq!(refused.0, 403, "without the header it is taken for a forged request");
        let send = c.request("POST", &path).header("X-Atlassian-Token", "no-check").multipart(part());
        let (status, made) = Client::send(send).await;
        assert_eq!(status, 200);
        assert_eq!(made[0]["filename"], "list of \u{e9}.txt");
        let content = made[0]["content"].as_str().unwrap().replace(c.sandbox.url(), "");
        let response = c.request("GET", &content).send().await.unwrap();
        if c.sandbox.flavor() == Flavor::Cloud {
            assert_eq!(response.status(), 303);
            let address = response.headers()["location"].to_str().unwrap().to_owned();
            let plain = c.http.get(&address).send().await.unwrap();
            assert_eq!(plain.bytes().await.unwrap().as_ref(), b"content");
            assert_eq!(c.sandbox.control().credentials_sent_on(), 0);
            c.http.get(&address).bearer_auth(c.sandbox.token()).send().await.unwrap();
            assert_eq!(c.sandbox.control().credentials_sent_on(), 1);
            assert_eq!(c.http.get(address.replace("/media/", "/media/x")).send().await.unwrap().status(), 404);
        } else {
            assert_eq!(response.bytes().await.unwrap().as_ref(), b"content");
        }
        let id = made[0]["id"].as_str().unwrap();
        assert_eq!(c.delete(&format!("attachment/{id}")).await.0, 204);
        assert_eq!(c.get(&format!("attachment/{id}")).await.0, 404);
        let names: Vec<Value> = c.history(&key).await;
        assert_eq!(names[0]["toString"], "list of \u{e9}.txt");
        assert_eq!(names[1]["fromString"], "list of \u{e9}.txt", "the name of a deleted file stays in the history");
    }
}

#[tokio::test]
async fn hidden_is_missing_and_read_only_is_forbidden() {
    for c in both().await {
        let control = c.sandbox.control();
        control.forbid_edit("DEMO-1", true);
        assert_eq!(c.call("PUT", "issue/DEMO-1", &json!({ "fields": { "summary": "x" } })).await.0, 403);
        assert_eq!(c.call("PUT", "issue/DEMO-2", &json!({ "fields": { "summary": "x" } })).await.0, 204);
        assert_eq!(c.get("issue/DEMO-1").await.0, 200);
        control.forbid_edit("DEMO-1", false);
        let attachment = c.get("issue/DEMO-1").await.1["fields"]["attachment"][0]["id"].as_str().unwrap().to_owned();
        control.hide_project("DEMO", true);
        for path in ["issue/DEMO-1", "project/DEMO", &format!("attachment/{attachment}")] {
            assert_eq!(c.get(path).await.0, 404, "{path}");
        }
        assert_eq!(c.get("project").await.1, json!([]));
        assert_eq!(c.search("project = DEMO").await.0, 400);
        assert_eq!(c.search("labels = shared").await.1["issues"], json!([]));
    }
}

#[tokio::test]
async fn faults_on_the_wire() {
    for c in both().await {
        let control = c.sandbox.control();
        control.burst_429(1);
        let response = c.request("GET", "myself").send().await.unwrap();
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()["retry-after"], "1");
        let reason = response.headers().contains_key("ratelimit-reason");
        assert_eq!(reason, c.sandbox.flavor() == Flavor::Cloud);
        control.fail_500(1);
        assert_eq!(c.get("myself").await.0, 500);
        control.cut_connections(1);
        let body = json!({ "fields": { "summary": "cut" } });
        assert!(c.request("PUT", "issue/DEMO-1").json(&body).send().await.is_err());
        assert_ne!(c.get("issue/DEMO-1").await.1["fields"]["summary"], "cut", "nothing was done");
        control.cut_after_commit(1);
        assert_eq!(c.get("myself").await.0, 200, "a read commits nothing");
        assert!(c.request("PUT", "issue/DEMO-1").json(&body).send().await.is_err());
        assert_eq!(c.get("issue/DEMO-1").await.1["fields"]["summary"], "cut", "it was done, the answer was lost");
        assert_eq!(control.requests(), 7);
        assert_eq!(control.request_log()[0], ("GET".to_owned(), "/rest/api/latest/myself".to_owned()));
        control.set_latency(Duration::from_millis(60));
        let start = std::time::Instant::now();
        c.get("myself").await;
        assert!(start.elapsed() >= Duration::from_millis(60));
    }
}

#[tokio::test]
async fn mails() {
    for c in both().await {
        let control = c.sandbox.control();
        let key = "DEMO-2";
        let body = |s: &str| json!({ "fields": { "summary": s } });
        c.call("PUT", &format!("issue/{key}?notifyUsers=false"), &body("quiet")).await;
        assert_eq!(control.notifications(), []);
        c.call("PUT", &format!("issue/{key}"), &body("loud")).await;
        assert_eq!(control.notifications().len(), 1);
        assert_eq!(control.notifications()[0].kind, NotificationKind::Mail);
        control.set_admin(false);
        let (status, _) = c.call("PUT", &format!("issue/{key}?notifyUsers=false"), &body("refused")).await;
        assert_eq!(status, 403);
        control.set_admin(true);
        control.reset_notifications();
        control.set_webhook_listener(true);
        c.call("PUT", &format!("issue/{key}?notifyUsers=false"), &body("hooked")).await;
        assert_eq!(control.notifications().len(), 1, "webhooks do not ask for notifyUsers");
        assert_eq!(control.notifications()[0].kind, NotificationKind::Webhook);
    }
}

#[tokio::test]
async fn users_come_and_go() {
    for c in both().await {
        let control = c.sandbox.control();
        let cloud = c.sandbox.flavor() == Flavor::Cloud;
        let id = control.add_user(NewUser {
            name: "newcomer".into(),
            display_name: "New Comer".into(),
            email: "new.comer@hq.example".into(),
            ..NewUser::default()
        });
        let search = if cloud { "user/search?query=new.comer@hq" } else { "user/search?username=newcomer" };
        let look = if cloud { format!("user?accountId={id}") } else { format!("user?key={id}") };
        assert_eq!(c.get(search).await.1.as_array().unwrap().len(), 1);
        assert_eq!(c.get(&look).await.1["displayName"], "New Comer");
        control.rename_user(&id, "renamed").unwrap();
        assert_eq!(c.get(&look).await.1[if cloud { "displayName" } else { "name" }], "renamed");
        control.deactivate_user(&id).unwrap();
        assert_eq!(c.get(search).await.1, json!([]), "search knows active users only");
        assert_eq!(c.get(&look).await.1["active"], false);
        control.delete_user(&id).unwrap();
        assert_eq!(c.get(&look).await.0, 404);
        assert!(control.delete_user("nobody").is_err());
    }
}

#[tokio::test]
async fn search_lag_hides_new_issues_from_cloud_search_alone() {
    let c = Client::start(Flavor::Cloud).await;
    c.sandbox.control().set_search_lag(Duration::from_secs(3600));
    let key = c.create("fresh").await;
    let issue = c.get(&format!("issue/{key}")).await.1;
    let jql = "creator = currentUser() AND created >= -5m";
    assert_eq!(c.search(jql).await.1["issues"], json!([]));
    let id: u64 = issue["id"].as_str().unwrap().parse().unwrap();
    let found = c.call("POST", "search/jql", &json!({ "jql": jql, "reconcileIssues": [id] })).await.1;
    assert_eq!(found["issues"], json!([{ "id": id.to_string() }]), "reconciled, and only the id");
}

#[tokio::test]
async fn pages_of_a_search() {
    for c in both().await {
        let mut keys = Vec::new();
        if c.sandbox.flavor() == Flavor::Cloud {
            let mut token = Value::Null;
            loop {
                let mut body =
                    json!({ "jql": "project = DEMO ORDER BY updated ASC", "maxResults": 7, "fields": ["key"] });
                if !token.is_null() {
                    body["nextPageToken"] = token;
                }
                let mut page = c.call("POST", "search/jql", &body).await.1;
                assert!(page.get("total").is_none());
                keys.extend(page["issues"].as_array().unwrap().iter().map(|i| i["key"].to_string()));
                token = page["nextPageToken"].take();
                assert_eq!(page["isLast"], token.is_null());
                if token.is_null() {
                    break;
                }
            }
            assert_eq!(c.get("search?jql=project=DEMO").await.0, 410);
            assert_eq!(c.search("ORDER BY created").await.0, 400, "unbounded");
        } else {
            for start in [0, 7, 14, 21] {
                let path = format!("search?jql=project=DEMO+ORDER+BY+updated&startAt={start}&maxResults=7&fields=key");
                let page = c.get(&path).await.1;
                assert_eq!(page["total"], 25);
                keys.extend(page["issues"].as_array().unwrap().iter().map(|i| i["key"].to_string()));
            }
        }
        assert_eq!(keys.len(), 25);
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), 25, "no issue twice");
    }
}

#[tokio::test]
async fn links_properties_watchers_votes() {
    for c in both().await {
        let (a, b) = (c.create("a").await, c.create("b").await);
        let link = json!({ "type": { "name": "Blocks" }, "inwardIssue": { "key": a }, "outwardIssue": { "key": b } });
        assert_eq!(c.call("POST", "issueLink", &link).await.0, 201);
        let links = c.get(&format!("issue/{a}")).await.1["fields"]["issuelinks"].clone();
        assert_eq!(links[0]["outwardIssue"]["key"], b.as_str());
        assert_eq!(c.history(&b).await[0]["toString"], format!("This issue is blocked by {a}"));
        assert_eq!(c.delete(&format!("issueLink/{}", links[0]["id"].as_str().unwrap())).await.0, 204);
        assert_eq!(c.get(&format!("issue/{b}")).await.1["fields"]["issuelinks"], json!([]));

        let remote = json!({ "globalId": "g", "object": { "url": "https://x.example", "title": "Contact" } });
        let path = format!("issue/{a}/remotelink");
        assert_eq!(c.call("POST", &path, &remote).await.0, 201);
        assert_eq!(c.call("POST", &path, &remote).await.0, 200, "the same global id updates");
        let id = c.get(&path).await.1[0]["id"].to_string();
        assert_eq!(c.delete(&format!("{path}/{id}")).await.0, 204);
        assert_eq!(c.get(&path).await.1, json!([]));

        let path = format!("issue/{a}/properties/our.mark");
        let updated = c.get(&format!("issue/{a}")).await.1["fields"]["updated"].clone();
        assert_eq!(c.call("PUT", &path, &json!({ "x": 1 })).await.0, 201);
        assert_eq!(c.call("PUT", &path, &json!({ "x": 2 })).await.0, 200);
        assert_eq!(c.get(&path).await.1["value"]["x"], 2);
        assert_eq!(c.get(&format!("issue/{a}?properties=*all")).await.1["properties"]["our.mark"]["x"], 2);
        assert_eq!(c.delete(&path).await.0, 204);
        assert_eq!(c.get(&path).await.0, 404);
        assert_eq!(c.get(&format!("issue/{a}")).await.1["fields"]["updated"], updated);

        let cloud = c.sandbox.flavor() == Flavor::Cloud;
        let other = c.sandbox.control().people().remove(1);
        let (name, who) = if cloud { ("accountId", &other.id) } else { ("username", &other.name) };
        let path = format!("issue/{a}/watchers");
        assert_eq!(c.call("POST", &path, &json!(who)).await.0, 204);
        assert_eq!(c.get(&path).await.1["watchCount"], 2);
        assert_eq!(c.delete(&format!("{path}?{name}={who}")).await.0, 204);
        assert_eq!(c.get(&path).await.1["watchCount"], 1);
        assert_eq!(c.call("POST", &format!("issue/{a}/votes"), &Value::Null).await.0, 404, "one's own issue");
        assert_eq!(c.call("POST", "issue/DEMO-1/votes", &Value::Null).await.0, 204);
        assert_eq!(c.get("issue/DEMO-1/votes").await.1["hasVoted"], true);
    }
}

#[tokio::test]
async fn transitions_worklogs_delete() {
    for c in both().await {
        let key = c.create("work").await;
        let path = format!("issue/{key}/transitions");
        let done = json!({ "transition": { "id": "31" } });
        assert_eq!(c.call("POST", &path, &done).await.0, 204);
        let fields = c.get(&format!("issue/{key}")).await.1["fields"].clone();
        assert_eq!((&fields["status"]["name"], &fields["resolution"]["name"]), (&json!("Done"), &json!("Done")));
        assert_eq!(c.call("POST", &path, &json!({ "transition": { "id": "99" } })).await.0, 400);

        let log = json!({ "timeSpent": "1h 30m", "started": "2026-03-01T09:00:00.000+0100", "comment": c.rich("w") });
        let (status, made) = c.call("POST", &format!("issue/{key}/worklog"), &log).await;
        assert_eq!(status, 201);
        assert_eq!(made["timeSpentSeconds"], 5400);
        assert_eq!(made["started"], "2026-03-01T08:00:00.000+0000");
        let one = format!("issue/{key}/worklog/{}", made["id"].as_str().unwrap());
        assert_eq!(c.delete(&one).await.0, 204);
        assert_eq!(c.get(&one).await.0, 404);

        let sub = json!({ "fields": { "project": { "key": "DEMO" }, "issuetype": { "name": "Sub-task" },
                                      "summary": "sub", "parent": { "key": key } } });
        assert_eq!(c.call("POST", "issue", &sub).await.0, 201);
        assert_eq!(c.delete(&format!("issue/{key}")).await.0, 400);
        assert_eq!(c.delete(&format!("issue/{key}?deleteSubtasks=true")).await.0, 204);
        assert_eq!(c.get(&format!("issue/{key}")).await.0, 404);
    }
}

#[tokio::test]
async fn somebody_else_edits() {
    for c in both().await {
        let control = c.sandbox.control();
        control.edit_issue_behind("DEMO-1", "summary", "changed from behind").unwrap();
        control.edit_issue_behind("DEMO-1", "description", "said [~someone]").unwrap();
        control.edit_issue_behind("DEMO-1", "comment", "and a comment").unwrap();
        let issue = c.get("issue/DEMO-1").await.1;
        assert_eq!(issue["fields"]["summary"], "changed from behind");
        assert!(issue["fields"]["comment"].to_string().contains("and a comment"));
        assert!(control.edit_issue_behind("DEMO-1", "summary", "").is_err());
        assert!(control.edit_issue_behind("DEMO-999", "summary", "x").is_err());
    }
}

#[tokio::test]
async fn it_listens_on_loopback_alone_and_ends() {
    let config = SandboxConfig { listen: "0.0.0.0:0".parse().unwrap(), ..SandboxConfig::new(Flavor::Cloud) };
    assert!(matches!(Sandbox::start(config).await, Err(SandboxError::NotLoopback(_))));
    let c = Client::start(Flavor::Cloud).await;
    // The port is the last number, whether the sandbox is reached by its own address or through the recorder.
    let address = format!("127.0.0.1:{}", c.sandbox.url().rsplit([':', '/']).next().unwrap());
    assert!(std::net::TcpStream::connect(&address).is_ok());
    c.sandbox.stop().await;
    assert!(std::net::TcpStream::connect(&address).is_err());
}
