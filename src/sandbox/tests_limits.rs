//! Permissions, visibility, screens, workflows, pages and limits, as unkind as Jira has them.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{
    tests::{Client, both},
    *,
};

/// A comment or worklog by somebody else than the bot, of the long issue.
async fn foreign(c: &Client, list: &str, of: &str) -> String {
    let all = c.get(&format!("issue/DEMO-3/{list}")).await.1;
    let id = if c.sandbox.flavor() == Flavor::Cloud { "accountId" } else { "key" };
    let mine = |r: &&Value| r["author"][id] == c.sandbox.account_id();
    let one = all[of].as_array().unwrap().iter().find(|r| !mine(r)).unwrap();
    format!("issue/DEMO-3/{list}/{}", one["id"].as_str().unwrap())
}

#[tokio::test]
async fn own_and_all_are_two_permissions() {
    for c in both().await {
        let control = c.sandbox.control();
        let cloud = c.sandbox.flavor() == Flavor::Cloud;
        for (list, of, body, refused) in [
            ("comment", "comments", json!({ "body": c.rich("new") }), 400),
            (
                "worklog",
                "worklogs",
                json!({ "comment": c.rich("new"), "timeSpent": "1h" }),
                if cloud { 400 } else { 403 },
            ),
        ] {
            let records = format!("{}S", list.to_uppercase());
            let theirs = foreign(&c, list, of).await;
            let made = c.call("POST", &format!("issue/DEMO-3/{list}"), &body).await.1;
            let ours = format!("issue/DEMO-3/{list}/{}", made["id"].as_str().unwrap());
            for verb in ["EDIT", "DELETE"] {
                control.deny(&format!("{verb}_ALL_{records}"), true);
            }
            assert_eq!(c.call("PUT", &theirs, &body).await.0, refused, "{list}");
            assert_eq!(c.delete(&theirs).await.0, refused);
            assert_eq!(c.call("PUT", &ours, &body).await.0, 200);
            control.deny(&format!("DELETE_OWN_{records}"), true);
            assert_eq!(c.delete(&ours).await.0, refused);
            control.deny(&format!("DELETE_OWN_{records}"), false);
            assert_eq!(c.delete(&ours).await.0, 204);
            control.deny(&format!("EDIT_ALL_{records}"), false);
            assert_eq!(c.call("PUT", &theirs, &body).await.0, 200);
        }
        control.deny("DELETE_ALL_ATTACHMENTS", true);
        let id = c.get("issue/DEMO-1").await.1["fields"]["attachment"][0]["id"].as_str().unwrap().to_owned();
        assert_eq!(c.delete(&format!("attachment/{id}")).await.0, 403);
        let permissions = c.get("mypermissions?permissions=DELETE_ALL_ATTACHMENTS,DELETE_OWN_ATTACHMENTS").await.1;
        let have = |p: &str| permissions["permissions"][p]["havePermission"].clone();
        assert_eq!((have("DELETE_ALL_ATTACHMENTS"), have("DELETE_OWN_ATTACHMENTS")), (json!(false), json!(true)));
        control.deny("MODIFY_REPORTER", true);
        let me = control.people().remove(0);
        let who = if cloud { json!({ "accountId": me.id }) } else { json!({ "name": me.name }) };
        let (status, body) = c.call("PUT", "issue/DEMO-1", &json!({ "fields": { "reporter": who } })).await;
        assert_eq!(status, 400);
        assert!(body["errors"]["reporter"].is_string(), "{body}");
        assert!(c.get("issue/DEMO-1/editmeta").await.1["fields"].get("reporter").is_none());
        control.deny("MANAGE_WATCHERS", true);
        assert_eq!(c.delete("issue/DEMO-1/watchers?accountId=x&username=x").await.0, if cloud { 403 } else { 401 });
    }
}

#[tokio::test]
async fn what_is_restricted_is_invisible_without_a_word() {
    for c in both().await {
        let control = c.sandbox.control();
        let inner = json!({ "body": c.rich("whispered quetzal"), "visibility": { "type": "role", "value": "Inner" } });
        let made = c.call("POST", "issue/DEMO-1/comment", &inner).await.1;
        let path = format!("issue/DEMO-1/comment/{}", made["id"].as_str().unwrap());
        let total = async || c.get("issue/DEMO-1").await.1["fields"]["comment"]["total"].as_u64().unwrap();
        let before = total().await;
        let found = async |jql: &str| c.search(jql).await.1["issues"].as_array().unwrap().len();
        assert_eq!(found("comment ~ quetzal").await, 1);
        control.set_outside("Inner", true);
        assert_eq!(c.get(&path).await.0, 404);
        assert_eq!(c.delete(&path).await.0, 404);
        assert_eq!(total().await, before - 1, "not even counted");
        assert_eq!(c.get("issue/DEMO-1/comment").await.1["total"], before - 1);
        assert_eq!(found("comment ~ quetzal").await, 0);
        control.set_outside("Inner", false);
        assert_eq!(c.get(&path).await.0, 200);

        let link = json!({ "type": { "name": "Blocks" }, "inwardIssue": { "key": "DEMO-1" },
                           "outwardIssue": { "key": "DEMO-2" } });
        assert_eq!(c.call("POST", "issueLink", &link).await.0, 201);
        control.set_security("DEMO-2", "Managers").unwrap();
        let (status, seen) = c.get("issue/DEMO-2").await;
        assert_eq!((status, &seen["fields"]["security"]["name"]), (200, &json!("Managers")));
        control.set_outside("Managers", true);
        assert_eq!(c.get("issue/DEMO-2").await.0, 404);
        assert_eq!(found("project = DEMO").await, 24);
        let links = c.get("issue/DEMO-1").await.1["fields"]["issuelinks"].to_string();
        assert!(!links.contains("\"DEMO-2\""), "{links}");
        assert!(control.dump()["issues"]["DEMO-2"].is_object(), "it is there all the same");

        control.set_archived("DEMO-3", true).unwrap();
        assert_eq!(found("project = DEMO").await, 23);
        assert_eq!(c.get("issue/DEMO-3").await.0, 200, "readable by its key");
        for (method, path, refused) in
            [("PUT", "issue/DEMO-3", 403), ("DELETE", "issue/DEMO-3", 403), ("POST", "issue/DEMO-3/comment", 400)]
        {
            let body = json!({ "fields": { "summary": "x" }, "body": c.rich("x") });
            assert_eq!(c.call(method, path, &body).await.0, refused, "{method} {path}");
        }
        if c.sandbox.flavor() == Flavor::DataCenter {
            assert_eq!(c.call("PUT", "issue/DEMO-3/restore", &Value::Null).await.0, 204);
            assert_eq!(c.call("PUT", "issue/DEMO-3/restore", &Value::Null).await.0, 403);
            assert_eq!(c.call("PUT", "issue/DEMO-3/archive", &Value::Null).await.0, 204);
        }
    }
}

#[tokio::test]
async fn required_fields_and_screens() {
    for c in both().await {
        let control = c.sandbox.control();
        let set = async |fields: Value| c.call("PUT", "issue/DEMO-1", &json!({ "fields": fields })).await;
        assert_eq!(set(json!({ "assignee": null, "labels": ["one"] })).await.0, 204);
        for field in ["assignee", "labels", "description"] {
            control.set_required(field, true);
        }
        for (fields, field) in [
            (json!({ "assignee": null }), "assignee"),
            (json!({ "labels": [] }), "labels"),
            (json!({ "description": null }), "description"),
        ] {
            let (status, body) = set(fields).await;
            assert_eq!(status, 400, "{field}");
            assert!(body["errors"][field].as_str().unwrap().ends_with("is required."), "{body}");
        }
        let update = json!({ "update": { "labels": [{ "remove": "one" }] } });
        assert_eq!(c.call("PUT", "issue/DEMO-1", &update).await.0, 400, "emptied by a verb");
        let fields = json!({ "project": { "key": "DEMO" }, "issuetype": { "name": "Task" }, "summary": "s" });
        let (status, body) = c.call("POST", "issue", &json!({ "fields": fields })).await;
        assert_eq!(status, 400);
        assert!(body["errors"]["assignee"].is_string() && body["errors"]["labels"].is_string(), "{body}");
        let meta = c.get("issue/DEMO-1/editmeta").await.1;
        assert_eq!(meta["fields"]["labels"]["required"], true);
        control.set_off_screen("environment", true);
        let (status, body) = set(json!({ "environment": null })).await;
        assert_eq!(status, 400);
        assert!(body["errors"]["environment"].as_str().unwrap().contains("not on the appropriate screen"));
        assert!(c.get("issue/DEMO-1/editmeta").await.1["fields"].get("environment").is_none());
    }
}

#[tokio::test]
async fn a_strict_workflow_has_conditions_and_a_dead_end() {
    for c in both().await {
        let control = c.sandbox.control();
        control.set_workflow(Workflow::DeadEnd);
        let key = c.create("work").await;
        let path = format!("issue/{key}/transitions");
        let open = async || {
            let all = c.get(&path).await.1;
            let names = all["transitions"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap().to_owned());
            names.collect::<Vec<_>>()
        };
        let go = async |id: &str, more: Value| {
            let mut body = json!({ "transition": { "id": id } });
            if !more.is_null() {
                body["update"] = more;
            }
            c.call("POST", &path, &body).await
        };
        assert_eq!(open().await, ["Start progress"]);
        assert_eq!(go("61", Value::Null).await.0, 400, "not from here");
        assert_eq!(go("41", Value::Null).await.0, 204);
        assert_eq!(open().await, ["Stop progress"], "only the assignee sees how to finish");
        let me = control.people().remove(0);
        let who = if c.sandbox.flavor() == Flavor::Cloud {
            json!({ "accountId": me.id })
        } else {
            json!({ "name": me.name })
        };
        assert_eq!(c.call("PUT", &format!("issue/{key}/assignee"), &who).await.0, 204);
        assert_eq!(open().await, ["Stop progress", "Finish"]);
        let (status, body) = go("61", Value::Null).await;
        assert_eq!(status, 400);
        assert!(body["errors"]["resolution"].is_string(), "{body}");
        assert_eq!(go("61", json!({ "comment": [{ "add": { "body": c.rich("done") } }] })).await.0, 204);
        assert!(open().await.is_empty(), "a dead end");
        control.set_workflow(Workflow::Strict);
        assert_eq!(open().await, ["Reopen"]);
        control.deny("TRANSITION_ISSUES", true);
        assert!(open().await.is_empty());
    }
}

#[tokio::test]
async fn pages_come_short_empty_and_cut() {
    let c = Client::start(Flavor::Cloud).await;
    c.sandbox.control().set_short_pages(true);
    let (mut token, mut seen, mut sizes) = (Value::Null, Vec::new(), Vec::new());
    for _ in 0..30 {
        let mut body = json!({ "jql": "project = DEMO ORDER BY key", "maxResults": 8, "fields": ["key"] });
        if !token.is_null() {
            body["nextPageToken"] = token;
        }
        let mut page = c.call("POST", "search/jql", &body).await.1;
        let keys: Vec<String> = page["issues"].as_array().unwrap().iter().map(|i| i["key"].to_string()).collect();
        sizes.push(keys.len());
        seen.extend(keys);
        token = page["nextPageToken"].take();
        if token.is_null() {
            break;
        }
    }
    assert_eq!(seen.len(), 25, "{sizes:?}");
    seen.dedup();
    assert_eq!(seen.len(), 25);
    assert!(sizes.contains(&0) && sizes.contains(&4) && sizes.contains(&8), "{sizes:?}");

    let c = Client::start(Flavor::DataCenter).await;
    c.sandbox.control().set_page_cap(10);
    let page = c.get("search?jql=project=DEMO&maxResults=100").await.1;
    assert_eq!((&page["maxResults"], page["issues"].as_array().unwrap().len()), (&json!(10), 10));
    assert_eq!(page["total"], 25);
    assert_eq!(c.get("issue/DEMO-3/comment").await.1["comments"].as_array().unwrap().len(), 10);
    assert_eq!(c.get("user/search?username=.&maxResults=1000").await.1.as_array().unwrap().len(), 10);
}

#[tokio::test]
async fn the_index_is_behind_and_minutes_are_all_it_takes() {
    let c = Client::start(Flavor::Cloud).await;
    let control = c.sandbox.control();
    control.set_index_lag(Duration::from_secs(3600));
    let jql = "project = DEMO AND updated >= -5m";
    assert_eq!(c.search(jql).await.1["issues"], json!([]));
    control.edit_issue_behind("DEMO-1", "summary", "edited").unwrap();
    assert_eq!(c.get("issue/DEMO-1").await.1["fields"]["summary"], "edited");
    assert_eq!(c.search(jql).await.1["issues"], json!([]), "the index still has the old date");
    control.set_clock(Arc::new(|| Utc::now() + chrono::Duration::hours(2)));
    assert_eq!(c.search("updated >= -150m").await.1["issues"].as_array().unwrap().len(), 1);
    assert_eq!(c.search("updated >= \"2026-03-01 10:00:30\"").await.0, 400, "no seconds");
    let date = c.request("GET", "myself").send().await.unwrap().headers()["date"].to_str().unwrap().to_owned();
    let ahead = chrono::DateTime::parse_from_rfc2822(&date).unwrap().to_utc() - Utc::now();
    assert!(ahead > chrono::Duration::minutes(119), "the clock is ahead in the Date header too: {date}");
}

#[tokio::test]
async fn accounts_go_wrong_in_every_way() {
    let c = Client::start(Flavor::Cloud).await;
    let control = c.sandbox.control();
    let id = control.people()[4].id.clone();
    let comment = json!({ "body": c.rich("x") });
    assert_eq!(c.call("POST", "issue/DEMO-1/comment", &comment).await.0, 201);
    assert_eq!(c.call("PUT", "issue/DEMO-1/assignee", &json!({ "accountId": id })).await.0, 204);
    control.corrupt_user(&id).unwrap();
    let issue = c.get("issue/DEMO-1").await.1;
    assert_eq!(issue["fields"]["assignee"]["accountId"], "unknown");
    assert_eq!(c.get("user?accountId=unknown").await.0, 404);
    assert_eq!(c.get(&format!("user?accountId={id}")).await.0, 404);
    assert_eq!(c.call("PUT", "issue/DEMO-1/assignee", &json!({ "accountId": "unknown" })).await.0, 400);
    assert!(Client::start(Flavor::DataCenter).await.sandbox.control().corrupt_user("mweber").is_err());
}

#[tokio::test]
async fn limits_of_both_flavours() {
    let cloud = Client::start(Flavor::Cloud).await;
    let control = cloud.sandbox.control();
    control.set_rate_limit(Some(RateLimit::Cloud { reads: 5, writes: 50, issue_2s: 3, issue_30s: 100 }));
    let start = Instant::now();
    let mut near = Vec::new();
    for _ in 0..5 {
        let response = cloud.request("GET", "myself").send().await.unwrap();
        assert_eq!(response.status(), 200);
        near.push(response.headers()["x-ratelimit-nearlimit"].to_str().unwrap().to_owned());
    }
    assert_eq!(near, ["false", "false", "false", "false", "true"]);
    let refused = cloud.request("GET", "myself").send().await.unwrap();
    if start.elapsed() < Duration::from_millis(900) {
        assert_eq!(refused.status(), 429);
        assert_eq!(refused.headers()["ratelimit-reason"], "jira-burst-based");
        assert_eq!(refused.headers()["retry-after"], "1");
        assert!(refused.headers().contains_key("x-ratelimit-reset"));
    }
    let body = json!({ "fields": { "summary": "again" } });
    let mut last = Value::Null;
    for _ in 0..4 {
        let response = cloud.request("PUT", "issue/DEMO-1").json(&body).send().await.unwrap();
        last = json!([
            response.status().as_u16(),
            response.headers().get("ratelimit-reason").map(|v| v.to_str().unwrap())
        ]);
    }
    assert_eq!(last, json!([429, "jira-per-issue-on-write"]));
    assert_eq!(cloud.call("PUT", "issue/DEMO-2", &body).await.0, 204, "another issue");
    control.set_rate_limit(None);
    control.set_429_reason(RateLimitReason::QuotaTenant);
    control.burst_429(1);
    let refused = cloud.request("GET", "myself").send().await.unwrap();
    assert_eq!(refused.headers()["ratelimit-reason"], "jira-quota-tenant-based");

    let dc = Client::start(Flavor::DataCenter).await;
    let bucket = RateLimit::TokenBucket { limit: 3, fill: 2, interval: Duration::from_millis(400) };
    dc.sandbox.control().set_rate_limit(Some(bucket));
    let mut seen = Vec::new();
    for _ in 0..4 {
        let response = dc.request("GET", "myself").send().await.unwrap();
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        seen.push((response.status().as_u16(), header("x-ratelimit-remaining"), header("retry-after")));
        assert_eq!((header("x-ratelimit-limit"), header("x-ratelimit-fillrate")), ("3".to_owned(), "2".to_owned()));
    }
    let want = |s: u16, left: &str, wait: &str| (s, left.to_owned(), wait.to_owned());
    assert_eq!(seen, [want(200, "2", "0"), want(200, "1", "0"), want(200, "0", "0"), want(429, "0", "1")]);
    tokio::time::sleep(Duration::from_millis(450)).await;
    assert_eq!(dc.get("myself").await.0, 200, "refilled");
}

#[tokio::test]
async fn bodies_come_slowly_or_in_half() {
    if std::env::var_os("EFFACE_RECORDER").is_some() {
        // The recorder hands on whole answers only: nothing to see behind it.
        return;
    }
    for c in both().await {
        let control = c.sandbox.control();
        control.slow_bodies(1, Duration::from_millis(10));
        let start = Instant::now();
        let whole = c.get("issue/DEMO-3").await.1;
        assert!(start.elapsed() >= Duration::from_millis(80));
        assert_eq!(whole["key"], "DEMO-3");
        control.half_bodies(1);
        let response = c.request("GET", "issue/DEMO-3").send().await.unwrap();
        assert_eq!(response.status(), 200);
        let promised = response.content_length().unwrap();
        assert!(promised > 1000);
        assert!(response.bytes().await.is_err(), "the rest never comes");
        control.fault_every(2);
        let mut statuses = Vec::new();
        for _ in 0..8 {
            let answer = c.request("GET", "myself").send().await;
            statuses.push(match answer {
                Ok(r) => {
                    let status = r.status().as_u16();
                    if r.bytes().await.is_ok() { status } else { 1 }
                }
                Err(_) => 0,
            });
        }
        assert_eq!(statuses, [200, 429, 200, 500, 200, 1, 200, 0], "by turns");
    }
}

#[tokio::test]
async fn a_search_that_is_kept_is_not_given_after_a_change() {
    for c in both().await {
        let control = c.sandbox.control();
        let found = async |jql: &str| {
            let (status, body) = c.search(jql).await;
            (status, body["issues"].as_array().map_or(0, Vec::len))
        };
        let jql = "project = DEMO AND summary ~ quetzal";
        assert_eq!(found(jql).await, (200, 0));
        let key = c.create("a quetzal").await;
        assert_eq!(found(jql).await, (200, 1));
        assert_eq!(c.call("PUT", &format!("issue/{key}"), &json!({ "fields": { "summary": "gone" } })).await.0, 204);
        assert_eq!(found(jql).await, (200, 0));
        control.edit_issue_behind(&key, "summary", "quetzal again").unwrap();
        assert_eq!(found(jql).await, (200, 1));
        control.set_archived(&key, true).unwrap();
        assert_eq!(found(jql).await, (200, 0), "a switch changes what is found");
        control.set_archived(&key, false).unwrap();
        assert_eq!(found(jql).await, (200, 1));
        assert_eq!(c.delete(&format!("issue/{key}")).await.0, 204);
        assert_eq!(found(jql).await, (200, 0));
    }
}
