//! Roles, components, versions, properties, pickers, lists, the audit log, and the wider custom fields.

use serde_json::{Value, json};

use super::tests::{Client, both};
use crate::model::Flavor;

/// The person of these tests, as look-ups name them: query, reference in bodies, display name.
async fn someone(c: &Client) -> (String, String, String) {
    let cloud = c.sandbox.flavor() == Flavor::Cloud;
    let all = c.get(if cloud { "users/search" } else { "user/search?username=." }).await.1;
    let user = all.as_array().unwrap().iter().skip(1).find(|u| u["active"] == true).unwrap();
    let id = user[if cloud { "accountId" } else { "name" }].as_str().unwrap().to_owned();
    let query = format!("{}={}", if cloud { "accountId" } else { "username" }, id.replace(':', "%3A"));
    (query, id, user["displayName"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_role_knows_its_actors() {
    for c in both().await {
        let (_, id, name) = someone(&c).await;
        let (status, roles) = c.get("project/DEMO/role").await;
        assert_eq!(status, 200);
        let address = roles["Developers"].as_str().unwrap();
        let role = format!("project/DEMO/role/{}", address.rsplit('/').next().unwrap());
        assert!(!c.get(&role).await.1.to_string().contains(&name));
        let (status, with) = c.call("POST", &role, &json!({ "user": [id] })).await;
        assert_eq!(status, 200, "{with}");
        assert!(with["actors"].as_array().unwrap().iter().any(|a| a["displayName"] == name.as_str()));
        assert_eq!(c.call("POST", &role, &json!({ "user": [id] })).await.0, 400);
        assert_eq!(c.call("POST", &role, &json!({ "user": ["nobody-here"] })).await.0, 404);
        let query = id.replace(':', "%3A");
        assert_eq!(c.delete(&format!("{role}?user={query}")).await.0, 204);
        assert!(!c.get(&role).await.1.to_string().contains(&name));
        assert_eq!(c.delete(&format!("{role}?user={query}")).await.0, 404);
    }
}

#[tokio::test]
async fn components_have_leads_and_are_handed_on() {
    for c in both().await {
        let cloud = c.sandbox.flavor() == Flavor::Cloud;
        let (_, id, name) = someone(&c).await;
        let lead = if cloud { "leadAccountId" } else { "leadUserName" };
        let (status, made) = c.call("POST", "component", &json!({ "project": "DEMO", "name": "Gate", lead: id })).await;
        assert_eq!((status, &made["lead"]["displayName"]), (201, &json!(name)));
        let component = made["id"].as_str().unwrap().to_owned();
        assert!(c.get("project/DEMO/components").await.1.to_string().contains(&name));
        assert_eq!(c.call("POST", "component", &json!({ "project": "DEMO", "name": "gate" })).await.0, 400);

        let key = c.create("with a component").await;
        let edit = json!({ "fields": { "components": [{ "id": component }] } });
        assert_eq!(c.call("PUT", &format!("issue/{key}"), &edit).await.0, 204);
        let (_, counts) = c.get(&format!("component/{component}/relatedIssueCounts")).await;
        assert_eq!(counts["issueCount"], 1);
        let heir = c.get("project/DEMO/components").await.1[0]["id"].as_str().unwrap().to_owned();
        assert_eq!(c.delete(&format!("component/{component}?moveIssuesTo={heir}")).await.0, 204);
        assert_eq!(c.get(&format!("issue/{key}")).await.1["fields"]["components"][0]["id"], heir.as_str());
        assert_eq!(c.get(&format!("component/{component}")).await.0, 404);
    }
}

#[tokio::test]
async fn versions_come_and_go() {
    for c in both().await {
        let cloud = c.sandbox.flavor() == Flavor::Cloud;
        let new = json!({ "project": "DEMO", "name": "9.9", "releaseDate": "2026-12-01" });
        let (status, made) = c.call("POST", "version", &new).await;
        assert_eq!((status, &made["releaseDate"]), (201, &json!("2026-12-01")));
        let id = made["id"].as_str().unwrap().to_owned();
        let (status, changed) = c.call("PUT", &format!("version/{id}"), &json!({ "released": true })).await;
        assert_eq!((status, &changed["released"], &changed["name"]), (200, &json!(true), &json!("9.9")));
        assert_eq!(c.call("PUT", &format!("version/{id}"), &json!({ "releaseDate": "soon" })).await.0, 400);
        let move_it = json!({ "position": "First" });
        assert_eq!(c.call("POST", &format!("version/{id}/move"), &move_it).await.0, 200);
        assert_eq!(c.get("project/DEMO/versions").await.1[0]["id"], id.as_str());
        let gone = if cloud {
            c.delete(&format!("version/{id}")).await.0
        } else {
            c.call("POST", &format!("version/{id}/removeAndSwap"), &json!({})).await.0
        };
        assert_eq!((gone, c.get(&format!("version/{id}")).await.0), (204, 404));
    }
}

#[tokio::test]
async fn users_projects_and_worklogs_carry_properties() {
    for c in both().await {
        let (query, _, _) = someone(&c).await;
        let mut places = vec![
            (format!("user/properties/k?{query}"), format!("user/properties?{query}")),
            ("project/DEMO/properties/k".to_owned(), "project/DEMO/properties".to_owned()),
        ];
        if c.sandbox.flavor() == Flavor::Cloud {
            let key = c.create("worked on").await;
            let log = c.call("POST", &format!("issue/{key}/worklog"), &json!({ "timeSpentSeconds": 60 })).await.1;
            let at = format!("issue/{key}/worklog/{}/properties", log["id"].as_str().unwrap());
            places.push((format!("{at}/k"), at));
        }
        for (one, all) in places {
            assert_eq!(c.get(&one).await.0, 404, "{one}");
            assert_eq!(c.call("PUT", &one, &json!({ "who": "x" })).await.0, 201, "{one}");
            assert_eq!(c.call("PUT", &one, &json!({ "who": "y" })).await.0, 200, "{one}");
            assert_eq!(c.get(&one).await.1["value"], json!({ "who": "y" }));
            assert_eq!(c.get(&all).await.1["keys"][0]["key"], "k", "{all}");
            assert!(c.sandbox.control().dump().to_string().contains(r#"{"who":"y"}"#));
            assert_eq!(c.delete(&one).await.0, 204);
            assert_eq!(c.get(&all).await.1["keys"], json!([]));
        }
    }
}

#[tokio::test]
async fn records_are_found_by_id_across_issues() {
    for c in both().await {
        let key = c.create("with records").await;
        let body = json!({ "timeSpentSeconds": 120, "comment": c.rich("by id") });
        let log = c.call("POST", &format!("issue/{key}/worklog"), &body).await.1["id"].as_str().unwrap().to_owned();
        let number: u64 = log.parse().unwrap();
        let (status, list) = c.call("POST", "worklog/list", &json!({ "ids": [number, 1] })).await;
        assert_eq!((status, list.as_array().unwrap().len(), &list[0]["id"]), (200, 1, &json!(log)));
        let since = |v: &Value| v["values"].as_array().unwrap().iter().any(|w| w["worklogId"] == number);
        assert!(since(&c.get("worklog/updated?since=0").await.1));
        assert!(!since(&c.get("worklog/deleted?since=0").await.1));
        assert_eq!(c.delete(&format!("issue/{key}/worklog/{log}")).await.0, 204);
        assert!(since(&c.get("worklog/deleted?since=0").await.1));
        if c.sandbox.flavor() == Flavor::Cloud {
            let body = json!({ "body": c.rich("a remark") });
            let id = c.call("POST", &format!("issue/{key}/comment"), &body).await.1["id"].as_str().unwrap().to_owned();
            let ids = json!({ "ids": [id.parse::<u64>().unwrap()] });
            let (status, found) = c.call("POST", "comment/list", &ids).await;
            assert_eq!((status, &found["values"][0]["id"]), (200, &json!(id)));
        }
    }
}

#[tokio::test]
async fn who_took_part_stays_with_the_history() {
    for c in both().await {
        let key = c.create("edited by a robot").await;
        let edit = json!({ "fields": { "summary": "changed" },
                           "historyMetadata": { "type": "automation", "actor": { "id": "rule", "displayName": "A rule" } } });
        assert_eq!(c.call("PUT", &format!("issue/{key}"), &edit).await.0, 204);
        let issue = c.get(&format!("issue/{key}?expand=changelog")).await.1;
        assert!(issue["changelog"].to_string().contains("A rule"), "{issue}");
    }
}

#[tokio::test]
async fn the_audit_log_keeps_old_names() {
    for c in both().await {
        let (_, id, name) = someone(&c).await;
        let cloud = c.sandbox.flavor() == Flavor::Cloud;
        let lead = json!({ if cloud { "leadAccountId" } else { "lead" }: id });
        assert_eq!(c.call("PUT", "project/DEMO", &lead).await.0, 200);
        if !cloud {
            assert_eq!(c.get("auditing/record").await.0, 404);
            continue;
        }
        let (status, log) = c.get("auditing/record").await;
        assert_eq!(status, 200);
        assert_eq!(log["records"][0]["summary"], "Project updated");
        let (_, found) = c.get(&format!("auditing/record?filter={}", name.replace(' ', "%20"))).await;
        assert_eq!(found["total"].as_u64().unwrap() > 0, log.to_string().contains(&name));
    }
}

#[tokio::test]
async fn pickers_find_people_by_the_start_of_a_word() {
    for c in both().await {
        let (query, _, name) = someone(&c).await;
        let first = name.split(' ').next().unwrap();
        for path in ["user/picker", "groupuserpicker"] {
            let found = c.get(&format!("{path}?query={first}")).await.1;
            assert!(found.to_string().contains(&name), "{path}: {found}");
            assert!(!c.get(&format!("{path}?query=zzzz")).await.1.to_string().contains(&name));
        }
        let members = c.get("group/member?groupname=jira-software-users").await.1;
        assert!(members.to_string().contains(&name));
        let text = if c.sandbox.flavor() == Flavor::Cloud { "query" } else { "username" };
        let found = c.get(&format!("user/viewissue/search?projectKey=DEMO&{text}={first}")).await.1;
        assert!(found.to_string().contains(&name));
        assert_eq!(c.get(&format!("user?{query}")).await.0, 200);
    }
}

#[tokio::test]
async fn wider_custom_fields_are_set_read_and_remembered() {
    for c in both().await {
        let cloud = c.sandbox.flavor() == Flavor::Cloud;
        let key = c.create("with fields").await;
        let fields = json!({
            "customfield_10004": { "name": "jira-administrators" },
            "customfield_10005": [{ "name": "jira-software-users" }],
            "customfield_10006": c.rich("Zora Quill asked"),
            "customfield_10007": "https://x.example/zora-quill",
            "customfield_10008": { "value": "South" },
            "customfield_10009": [{ "id": "10200" }, { "value": "West" }],
            "customfield_10010": ["zora"],
            "customfield_10011": { "value": "North", "child": { "value": "Hills" } },
            "customfield_10012": 12.5,
            "customfield_10013": "2026-11-30",
            "customfield_10014": "2026-11-30T10:00:00.000+0100",
        });
        let (status, answer) = c.call("PUT", &format!("issue/{key}"), &json!({ "fields": fields })).await;
        assert_eq!(status, 204, "{answer}");
        let now = c.get(&format!("issue/{key}")).await.1["fields"].take();
        assert_eq!(now["customfield_10004"]["name"], "jira-administrators");
        assert_eq!(now["customfield_10004"]["groupId"].is_string(), cloud);
        assert!(now["customfield_10006"].to_string().contains("Zora Quill asked"));
        assert_eq!(now["customfield_10006"].is_object(), cloud);
        assert_eq!(now["customfield_10008"]["value"], "South");
        assert_eq!(now["customfield_10009"][1]["value"], "West");
        assert_eq!(now["customfield_10011"]["child"]["value"], "Hills");
        assert_eq!(now["customfield_10012"], 12.5);
        assert_eq!(now["customfield_10014"], "2026-11-30T09:00:00.000+0000");

        // What was read can be written back, and then nothing has changed.
        let before = c.history(&key).await.len();
        let again = json!({ "fields": { "customfield_10008": now["customfield_10008"],
                                        "customfield_10011": now["customfield_10011"],
                                        "customfield_10005": now["customfield_10005"] } });
        assert_eq!(c.call("PUT", &format!("issue/{key}"), &again).await.0, 204);
        assert_eq!(c.history(&key).await.len(), before);

        let verbs = json!({ "update": { "customfield_10010": [{ "add": "quill" }, { "remove": "zora" }],
                                        "customfield_10009": [{ "remove": { "id": "10200" } }] } });
        assert_eq!(c.call("PUT", &format!("issue/{key}"), &verbs).await.0, 204);
        let gone = json!({ "fields": { "customfield_10006": null, "customfield_10007": null } });
        assert_eq!(c.call("PUT", &format!("issue/{key}"), &gone).await.0, 204);
        let now = c.get(&format!("issue/{key}")).await.1["fields"].take();
        assert_eq!(now["customfield_10010"], json!(["quill"]));
        assert_eq!(now["customfield_10009"].as_array().unwrap().len(), 1);
        assert_eq!((&now["customfield_10006"], &now["customfield_10007"]), (&Value::Null, &Value::Null));
        // The history keeps the old words, as it does for any field.
        assert!(json!(c.history(&key).await).to_string().contains("Zora Quill asked"));

        for (id, bad) in [
            ("customfield_10004", json!({ "name": "no-such-group" })),
            ("customfield_10007", json!("no address")),
            ("customfield_10008", json!({ "value": "East" })),
            ("customfield_10011", json!({ "value": "West", "child": { "value": "Hills" } })),
            ("customfield_10012", json!("many")),
            ("customfield_10013", json!("tomorrow")),
        ] {
            let (status, errors) = c.call("PUT", &format!("issue/{key}"), &json!({ "fields": { id: bad } })).await;
            assert_eq!((status, errors["errors"][id].is_string()), (400, true), "{id}: {errors}");
        }
    }
}
