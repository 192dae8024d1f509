//! Looking for people, against our sandbox and against servers that go wrong.

use serde_json::json;

use super::{
    ErrorKind,
    sandbox_tests::{FLAVORS, client},
    test_server::{Server, json as answer},
};
use crate::{
    model::Flavor,
    sandbox::{NewUser, Sandbox, SandboxConfig},
};

async fn crowd(flavor: Flavor, people: usize) -> Sandbox {
    let sandbox = Sandbox::start(SandboxConfig { issues: 0, ..SandboxConfig::new(flavor) }).await.unwrap();
    for n in 0..people {
        sandbox.control().add_user(NewUser {
            name: format!("crowd{n}"),
            display_name: format!("Crowd Member {n}"),
            email: format!("crowd{n}@hq.example"),
            ..NewUser::default()
        });
    }
    sandbox
}

#[tokio::test]
async fn a_search_that_stops_at_a_thousand_says_so_and_the_list_has_all() {
    for flavor in FLAVORS {
        let sandbox = crowd(flavor, 1205).await;
        let c = client(&sandbox);
        let found = c.find_users("Crowd").await.unwrap();
        assert_eq!((found.users.len(), found.cut_off), (1000, true), "{flavor:?}");
        let few = c.find_users("Crowd1").await.unwrap();
        assert!(!few.cut_off);
        let everybody = c.all_users().await.unwrap();
        let named = everybody.iter().filter(|u| u.display_name.as_deref().is_some_and(|d| d.starts_with("Crowd")));
        assert_eq!(named.count(), 1205, "{flavor:?}");
        assert!(sandbox.control().requests() > 10);
    }
}

#[tokio::test]
async fn who_is_inactive_renamed_or_deleted_is_still_found_where_jira_has_them() {
    for flavor in FLAVORS {
        let sandbox = crowd(flavor, 3).await;
        let (c, control) = (client(&sandbox), sandbox.control());
        let people = control.people();
        let id = |name: &str| people.iter().find(|p| p.display_name == name).unwrap().id.clone();
        let (off, gone) = (id("Crowd Member 0"), id("Crowd Member 1"));
        control.deactivate_user(&off).unwrap();
        control.delete_user(&gone).unwrap();
        let all = c.all_users().await.unwrap();
        let is = |id: &str| all.iter().any(|u| u.account_id.as_deref() == Some(id) || u.key.as_deref() == Some(id));
        assert!(is(&off));
        assert_eq!(is(&gone), flavor == Flavor::Cloud);
        if flavor == Flavor::DataCenter {
            assert_eq!(c.find_users("crowd0").await.unwrap().users.len(), 1, "inactive users too");
            let deleted = c.user_even_deleted(&gone).await.unwrap().unwrap();
            assert_eq!(deleted.raw["deleted"], true);
            assert!(c.user_even_deleted("JIRAUSER1").await.unwrap().is_none());
        } else {
            assert_eq!(c.find_users("crowd0").await.unwrap().users.len(), 0, "active users alone");
            assert_eq!(c.user_even_deleted("x").await.unwrap_err().kind(), ErrorKind::NotSupported);
            control.corrupt_user(&id("Crowd Member 2")).unwrap();
            assert!(!c.all_users().await.unwrap().iter().any(|u| u.account_id.as_deref() == Some("unknown")));
        }
    }
}

#[tokio::test]
async fn an_older_server_without_the_list_and_one_without_end() {
    let server =
        Server::start(|_, _| answer(404, json!({"errorMessages": ["The user named 'list' does not exist"]}))).await;
    let error = server.client(Flavor::DataCenter).all_users().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotSupported);
    // The same page for ever is an end.
    let user = json!({"accountId": "5b10", "displayName": "Zoe Quill"});
    let server = Server::start(move |_, _| answer(200, json!([user]))).await;
    assert_eq!(server.client(Flavor::Cloud).all_users().await.unwrap().len(), 1);
    let found = server.client(Flavor::Cloud).find_users("zoe").await.unwrap();
    assert_eq!((found.users.len(), found.cut_off), (1, false));
}
