//! The sandbox's unkindness through its front door: erasing by Jira's own means first.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{tests::Client, *};

/// What guards a redaction, as Atlassian's document encodes it.
fn expected(text: &str) -> String {
    STANDARD.encode(hex::encode(Sha256::digest(text.as_bytes())))
}

#[test]
fn the_guard_is_encoded_as_in_the_documents_example() {
    // The example: base64 of 64 hexadecimal digits.
    let example = "ODFiNjM3ZDhmY2QyYzZkYTYzNTllNjk2MzExM2ExMTcwZGU3OTVlNGI3MjViODRkMWUwYjRjZmQ5ZWM1OGNlOQ==";
    let decoded = String::from_utf8(STANDARD.decode(example).unwrap()).unwrap();
    assert_eq!(hex::decode(&decoded).unwrap().len(), 32);
    assert_eq!(expected("x").len(), example.len());
}

async fn redact(c: &Client, items: &Value) -> (u16, Value) {
    c.call("POST", "redact", &json!({ "redactions": items })).await
}

async fn finished(c: &Client, job: &Value) -> Value {
    let path = format!("redact/status/{}", job.as_str().unwrap());
    let (mut words, mut last) = (Vec::new(), Value::Null);
    for _ in 0..3 {
        last = c.get(&path).await.1;
        words.push(last["jobStatus"].as_str().unwrap().to_owned());
    }
    assert_eq!(words, ["PENDING", "IN_PROGRESS", "COMPLETED"]);
    last["bulkRedactionResponse"]["results"].take()
}

fn item(issue: &Value, kind: &str, entity: &str, position: Value) -> Value {
    json!({ "contentItem": { "entityType": kind, "entityId": entity, "id": issue }, "reason": "erasure",
            "externalId": uuid::Uuid::new_v4().to_string(), "redactionPosition": position })
}

#[tokio::test]
async fn redaction_blacks_out_what_it_expects_and_nothing_else() {
    let c = Client::start(Flavor::Cloud).await;
    let key = c.create("ask Zoë Quill now").await;
    let id = c.get(&format!("issue/{key}")).await.1["id"].clone();
    let body = c.rich("she, Zoë Quill, called");
    let comment = c.call("POST", &format!("issue/{key}/comment"), &json!({ "body": body })).await.1["id"].clone();
    let log = json!({ "timeSpent": "1h", "comment": c.rich("with Zoë Quill") });
    let log = c.call("POST", &format!("issue/{key}/worklog"), &log).await.1["id"].clone();
    let pointer = "/content/0/content/0/text";
    let at = |from: u64, p: Option<&str>| {
        let mut position = json!({ "from": from, "to": from + 9, "expectedText": expected("Zoë Quill") });
        if let Some(p) = p {
            position["adfPointer"] = p.into();
        }
        position
    };
    let items = json!([
        item(&id, "issuefieldvalue", "summary", at(4, None)),
        item(&id, "issue-comment", comment.as_str().unwrap(), at(5, Some(pointer))),
        item(&id, "issue-worklog", log.as_str().unwrap(), at(5, Some(pointer))),
        item(&id, "issuefieldvalue", "summary", at(3, None)),
        item(&id, "issuefieldvalue", "description", at(0, Some(pointer))),
        item(&id, "issue-comment", comment.as_str().unwrap(), at(5, Some("/content/0/type"))),
        item(&json!("999999"), "issuefieldvalue", "summary", at(4, None)),
    ]);
    let (status, job) = redact(&c, &items).await;
    assert_eq!(status, 202, "{job}");
    assert!(c.get(&format!("issue/{key}")).await.1["fields"]["summary"].as_str().unwrap().contains("Quill"), "not yet");
    let results = finished(&c, &job).await;
    let done: Vec<bool> = results.as_array().unwrap().iter().map(|r| r["successful"].as_bool().unwrap()).collect();
    assert_eq!(done, [true, true, true, false, false, false, false]);
    assert_eq!(results[0]["externalId"], items[0]["externalId"]);
    let issue = c.sandbox.control().dump()["issues"][&key].clone();
    assert_eq!(issue["summary"], "ask █████████ now");
    assert!(!issue.to_string().contains("Quill"), "{issue}");
}

#[tokio::test]
async fn redaction_sees_a_text_that_changed_while_it_waited() {
    let c = Client::start(Flavor::Cloud).await;
    let key = c.create("ask Quill").await;
    let id = c.get(&format!("issue/{key}")).await.1["id"].clone();
    let position = json!({ "from": 4, "to": 9, "expectedText": expected("Quill") });
    let (_, job) = redact(&c, &json!([item(&id, "issuefieldvalue", "summary", position)])).await;
    c.sandbox.control().edit_issue_behind(&key, "summary", "now ask Quill").unwrap();
    assert_eq!(finished(&c, &job).await[0]["successful"], false);
    assert_eq!(c.get(&format!("issue/{key}")).await.1["fields"]["summary"], "now ask Quill");
}

#[tokio::test]
async fn redaction_covers_the_history_or_not() {
    for (history, left) in
        [(RedactionHistory::Kept, 2), (RedactionHistory::Covered, 0), (RedactionHistory::LastTenDays, 1)]
    {
        let start: chrono::DateTime<Utc> = "2026-11-01T08:00:00Z".parse().unwrap();
        let c = Client::start(Flavor::Cloud).await;
        let control = c.sandbox.control();
        control.set_redaction_history(history);
        control.set_clock(Arc::new(move || start));
        let key = c.create("a Quill").await;
        control.edit_issue_behind(&key, "summary", "a second").unwrap();
        control.set_clock(Arc::new(move || start + chrono::Duration::days(11)));
        control.edit_issue_behind(&key, "summary", "a Quill").unwrap();
        let id = c.get(&format!("issue/{key}")).await.1["id"].clone();
        let position = json!({ "from": 2, "to": 7, "expectedText": expected("Quill") });
        let (_, job) = redact(&c, &json!([item(&id, "issuefieldvalue", "summary", position)])).await;
        assert_eq!(finished(&c, &job).await[0]["successful"], true);
        let log = json!(c.history(&key).await).to_string();
        assert_eq!(log.matches("Quill").count(), left, "{history:?}: {log}");
    }
}

#[tokio::test]
async fn redaction_is_not_everywhere() {
    let c = Client::start(Flavor::Cloud).await;
    let control = c.sandbox.control();
    let id = c.get("issue/DEMO-1").await.1["id"].clone();
    let good = item(&id, "issuefieldvalue", "summary", json!({ "from": 0, "to": 1, "expectedText": "x" }));
    for (plan, status) in [(RedactionPlan::Forbidden, 403), (RedactionPlan::Absent, 404), (RedactionPlan::Here, 202)] {
        control.set_redaction_plan(plan);
        assert_eq!(redact(&c, &json!([good])).await.0, status);
    }
    let bearer = c.http.post(format!("{}/rest/api/3/redact", c.sandbox.url())).bearer_auth(c.sandbox.token());
    assert_eq!(Client::send(bearer.json(&json!({ "redactions": [good] }))).await.0, 401, "Basic only");
    for (field, value) in [("externalId", json!("1")), ("reason", json!("")), ("redactionPosition", json!({}))] {
        let mut bad = good.clone();
        bad[field] = value;
        assert_eq!(redact(&c, &json!([bad])).await.0, 400, "{field}");
    }
    let (status, job) = redact(&c, &json!([])).await;
    assert_eq!(status, 202, "the document allows an empty list");
    assert_eq!(finished(&c, &job).await, json!([]));
    assert_eq!(redact(&c, &json!([good, good])).await.0, 400, "an external id twice");
    assert_eq!(c.get("redact/status/none").await.0, 404);
    assert_eq!(Client::start(Flavor::DataCenter).await.call("POST", "redact", &json!({})).await.0, 404);
}

/// Asks until the task is no longer running.
async fn progress(c: &Client) -> Value {
    for _ in 0..9 {
        let (status, task) = c.get("user/anonymization/progress").await;
        assert_eq!(status, 200);
        if task["status"] != "IN_PROGRESS" {
            return task;
        }
    }
    panic!("the task does not end");
}

#[tokio::test]
async fn anonymisation_gives_an_alias_and_leaves_texts_alone() {
    let c = Client::start(Flavor::DataCenter).await;
    let key = c.create("about Katrin BRANDT").await;
    let assign = json!({ "fields": { "assignee": { "name": "KBRANDT" },
                                     "customfield_10003": [{ "name": "KBRANDT" }, { "name": "mweber" }] } });
    assert_eq!(c.call("PUT", &format!("issue/{key}"), &assign).await.0, 204);
    let again = json!({ "fields": { "assignee": null, "description": "[~KBRANDT] was here" } });
    assert_eq!(c.call("PUT", &format!("issue/{key}"), &again).await.0, 204);
    assert_eq!(c.get("user/anonymization/progress").await.0, 404, "there was none yet");

    let (status, check) = c.get("user/anonymization?userKey=kbrandt&expand=affectedEntities").await;
    assert_eq!((status, &check["success"]), (200, &json!(true)), "{check}");
    assert!(check["operations"].to_string().contains("USER_KEY_CHANGE"), "an old key is a name");
    assert!(check["affectedEntities"]["ANONYMIZE"].is_array());
    let body = json!({ "userKey": "kbrandt", "newOwnerKey": c.sandbox.account_id() });
    let (status, task) = c.call("POST", "user/anonymization", &body).await;
    assert_eq!((status, &task["status"]), (202, &json!("IN_PROGRESS")));
    assert_eq!(c.call("POST", "user/anonymization", &body).await.0, 409, "one at a time");
    let path = task["progressUrl"].as_str().unwrap().to_owned();
    assert_eq!(c.get(&path).await.1["status"], "IN_PROGRESS");
    let done = progress(&c).await;
    assert_eq!((&done["status"], &done["errors"]), (&json!("COMPLETED"), &json!({})));

    assert_eq!(c.get("user?key=kbrandt").await.0, 404);
    assert_eq!(c.get("user?username=KBRANDT").await.0, 404);
    let issue = c.sandbox.control().dump()["issues"][&key].clone();
    let log = issue["history"].to_string();
    let of = |field: &str| {
        let all = issue["history"].as_array().unwrap().iter().flat_map(|h| h["items"].as_array().unwrap());
        all.filter(|i| i["field"] == field).map(Value::to_string).collect::<String>()
    };
    for field in ["assignee", "Request participants"] {
        assert!(!of(field).to_lowercase().contains("brandt"), "{}", of(field));
        assert!(of(field).contains("JIRAUSER") && of(field).contains("user-"), "{}", of(field));
    }
    assert!(of("Request participants").contains("Markus Weber"));
    assert!(log.contains("[~KBRANDT]"), "texts stay as they were");
    assert_eq!(
        (&issue["summary"], &issue["description"]),
        (&json!("about Katrin BRANDT"), &json!("[~KBRANDT] was here"))
    );
    let people = c.sandbox.control().people();
    let alias = people.iter().find(|p| p.email.as_deref().is_some_and(|e| e.ends_with("@jira.invalid"))).unwrap();
    assert_eq!(alias.name, alias.id.to_lowercase());
    assert!(alias.display_name.starts_with("user-") && !alias.active);
    let audit = c.sandbox.control().dump()["extras"]["audit"].to_string();
    assert!(audit.contains("KBRANDT") && audit.contains("kbrandt"), "the audit log keeps the old names: {audit}");
    assert_eq!(c.get(&path.replace("taskId=", "taskId=9")).await.0, 404);
}

#[tokio::test]
async fn anonymisation_that_stops_halfway_needs_the_old_names() {
    let c = Client::start(Flavor::DataCenter).await;
    let control = c.sandbox.control();
    let key = c.create("x").await;
    c.call("PUT", &format!("issue/{key}"), &json!({ "fields": { "assignee": { "name": "KBRANDT" } } })).await;
    control.set_job_polls(0);
    control.fail_anonymization(1);
    let body = json!({ "userKey": "kbrandt" });
    assert_eq!(c.call("POST", "user/anonymization", &body).await.0, 202);
    let task = progress(&c).await;
    assert_eq!(task["status"], "COMPLETED", "completed, with errors inside");
    assert!(task["errors"]["USER_ANONYMIZE_PLUGIN_POINTS"].is_object(), "{task}");
    let half = control.people().into_iter().find(|p| p.display_name == "Katrin BRANDT").unwrap();
    assert!(half.id.starts_with("JIRAUSER") && !half.active, "name and key are gone, the full name is not");
    assert!(json!(c.history(&key).await).to_string().contains("kbrandt"));

    assert_eq!(c.call("POST", "user/anonymization/rerun", &body).await.0, 400, "no such key any more");
    let mut body = json!({ "userKey": half.id });
    assert_eq!(c.call("POST", "user/anonymization/rerun", &body).await.0, 400, "the old ones are missing");
    body["oldUserKey"] = "kbrandt".into();
    body["oldUserName"] = "KBRANDT".into();
    let query = format!("userKey={}&oldUserKey=kbrandt&oldUserName=KBRANDT", half.id);
    assert_eq!(c.get(&format!("user/anonymization/rerun?{query}")).await.0, 200);
    assert_eq!(c.call("POST", "user/anonymization/rerun", &body).await.0, 202);
    let task = progress(&c).await;
    assert_eq!((&task["errors"], &task["rerun"]), (&json!({}), &json!(true)));
    assert!(!json!(c.history(&key).await).to_string().to_lowercase().contains("brandt"));
    let audit = control.dump()["extras"]["audit"].clone();
    assert_eq!(audit.as_array().unwrap().iter().filter(|r| r["object"] == "KBRANDT").count(), 1, "{audit}");
}

#[tokio::test]
async fn anonymisation_says_no() {
    let c = Client::start(Flavor::DataCenter).await;
    let control = c.sandbox.control();
    control.set_job_polls(0);
    let me = c.sandbox.account_id().to_owned();
    let (status, said) = c.get(&format!("user/anonymization?userKey={me}")).await;
    assert_eq!(status, 400);
    assert!(said["errors"]["GENERAL"].is_object());
    control.set_directory_user("mweber", true).unwrap();
    let weber = control.people().into_iter().find(|p| p.name == "mweber").unwrap();
    assert_eq!(c.get(&format!("user/anonymization?userKey={}", weber.id)).await.0, 400);
    // A start does not validate: it is accepted, and ends with errors inside.
    assert_eq!(c.call("POST", "user/anonymization", &json!({ "userKey": weber.id })).await.0, 202);
    let task = progress(&c).await;
    assert!(task["errors"]["USER_DISABLE"].is_object(), "{task}");
    assert!(control.people().contains(&weber), "and nothing was done");
    assert_eq!(c.call("POST", "user/anonymization", &json!({})).await.0, 400);
    assert_eq!(c.delete("user/anonymization/unlock").await.0, 404, "nothing to unlock");

    control.set_directory_user("mweber", false).unwrap();
    control.set_node_dies(true);
    let body = json!({ "userKey": weber.id });
    assert_eq!(c.call("POST", "user/anonymization", &body).await.0, 202);
    assert_eq!(c.delete("user/anonymization/unlock").await.0, 409, "nobody knows yet that it is dead");
    assert_eq!(progress(&c).await["status"], "INTERRUPTED");
    assert_eq!(c.call("POST", "user/anonymization", &body).await.0, 409);
    control.set_node_dies(false);
    assert_eq!(c.delete("user/anonymization/unlock").await.0, 204);
    assert_eq!(c.call("POST", "user/anonymization", &body).await.0, 202);
    assert_eq!(progress(&c).await["errors"], json!({}));
    control.set_admin(false);
    for (method, path) in [
        ("GET", "user/anonymization?userKey=x"),
        ("GET", "user/anonymization/progress"),
        ("DELETE", "user/anonymization/unlock"),
    ] {
        assert_eq!(c.call(method, path, &Value::Null).await.0, 403, "{path}");
    }
    let cloud = Client::start(Flavor::Cloud).await;
    assert_eq!(cloud.get("user/anonymization/progress").await.0, 404, "Data Center alone has it");
}
