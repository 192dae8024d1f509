//! What the subset finds, and what it refuses.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::Query;
use crate::{
    model::Flavor,
    sandbox::{SandboxConfig, http::Failure, seed, state::World},
};

const NOW: &str = "2026-11-22T10:00:00Z";

fn world(flavor: Flavor) -> World {
    let now: DateTime<Utc> = NOW.parse().unwrap();
    let mut config = SandboxConfig::new(flavor);
    config.clock = Arc::new(move || now);
    seed::world(&config, "http://127.0.0.1:1".to_owned()).unwrap()
}

fn keys(world: &World, jql: &str) -> Result<Vec<String>, Failure> {
    Ok(Query::new(world, jql)?.run(world).iter().map(|id| world.issues[id].key.clone()).collect())
}

#[test]
fn clauses_partition_the_project() {
    let world = world(Flavor::DataCenter);
    let count = |jql: &str| keys(&world, jql).unwrap_or_else(|e| panic!("{jql}: {e:?}")).len();
    let all = count("project = DEMO");
    assert_eq!(all, 25);
    for (a, b, c) in [
        ("assignee is EMPTY", "assignee is not EMPTY", "issue is EMPTY"),
        ("assignee = mvdveldt", "assignee != mvdveldt", "assignee = null"),
        ("labels = shared", "labels not in (shared)", "labels is EMPTY"),
        ("status = Done", "status in (\"To Do\", 'In Progress')", "issue is EMPTY"),
        ("created >= 2026-06-01", "created < \"2026/06/01 00:00\"", "issue is EMPTY"),
        ("key <= DEMO-10", "key > DEMO-10", "issue is EMPTY"),
        ("summary ~ invoice", "NOT summary ~ invoice", "issue is EMPTY"),
        ("resolution is EMPTY", "resolution = Done", "issue is EMPTY"),
        ("resolution = Unresolved", "resolution != Unresolved", "issue is EMPTY"),
        ("cf[10002] is EMPTY", "Approver is not EMPTY", "issue is EMPTY"),
    ] {
        let (a, b, c) = (count(a), count(b), count(c));
        assert_eq!(a + b + c, all);
        assert!(a > 0 && b > 0, "each side finds something");
    }
    assert_eq!(count("key in (DEMO-1, demo-2) && !(key = DEMO-2)"), 1);
}

#[test]
fn order() {
    let world = world(Flavor::DataCenter);
    let up = keys(&world, "project = DEMO ORDER BY key ASC").unwrap();
    let down = keys(&world, "project=DEMO order by key desc").unwrap();
    assert_eq!(up[..2], ["DEMO-1", "DEMO-2"], "by number, not by text");
    assert_eq!(up.iter().rev().collect::<Vec<_>>(), down.iter().collect::<Vec<_>>());
    assert_eq!(keys(&world, "").unwrap().len(), 25);
}

#[test]
fn minutes_are_in_the_bots_zone() {
    let mut world = world(Flavor::DataCenter);
    let id = world.find_issue("DEMO-1").unwrap();
    world.issue_mut(id).unwrap().updated = "2026-11-22T09:30:40Z".parse().unwrap();
    let hit = |jql: &str| keys(&world, jql).unwrap().contains(&"DEMO-1".to_owned());
    // Berlin is one hour ahead of UTC in November.
    assert!(hit("updated >= \"2026-11-22 10:30\""));
    assert!(!hit("updated >= \"2026-11-22 10:31\""));
    assert!(hit("updated > \"2026/11/22 10:30\""), "the forty seconds are after the minute");
    assert!(!hit("updated <= \"2026-11-22 10:30\""));
    assert!(hit("updated = \"2026-11-22 10:30\""));
    assert!(hit("updated >= -30m") && !hit("updated >= -29m"));
    assert!(hit("updated >= -1d") && hit("updated >= startOfDay() AND updated <= now()"));
}

#[test]
fn text_is_found_by_words() {
    let mut world = world(Flavor::Cloud);
    let id = world.find_issue("DEMO-1").unwrap();
    world.issue_mut(id).unwrap().summary = "Zoë asked about the contract-renewal".to_owned();
    let hit = |jql: &str| keys(&world, jql).unwrap().contains(&"DEMO-1".to_owned());
    assert!(hit("summary ~ ZOË") && hit("text ~ 'renewal contract'") && hit("summary ~ 'contr*'"));
    assert!(!hit("summary ~ contr"), "a part of a word is not a word");
    assert!(hit(r#"summary ~ "\"contract renewal\"""#) && !hit(r#"summary ~ "\"renewal contract\"""#));
}

#[test]
fn what_is_unknown_is_refused() {
    let world = world(Flavor::DataCenter);
    for (jql, part) in [
        ("nonsense = 1", "Field 'nonsense' does not exist"),
        ("project = NOPE", "The value 'NOPE' does not exist for the field 'project'."),
        ("key = DEMO-999", "An issue with key 'DEMO-999' does not exist for field 'key'."),
        ("assignee = nobody", "does not exist for the field 'assignee'"),
        ("assignee = membersOf(x)", "Unable to find JQL function 'membersOf()'."),
        ("status = currentUser()", "Unable to find JQL function"),
        ("labels > 1", "The operator '>' is not supported by the 'labels' field."),
        ("summary = x", "The operator '=' is not supported by the 'summary' field."),
        ("created >= yesterday", "Date value 'yesterday' for field 'created' is invalid."),
        ("created >= '2026-01-01 10:00:00'", "is invalid"),
        ("status was Done", "history"),
        ("project = DEMO AND", "before the end of the query"),
        ("project = DEMO labels = x", "Expecting either 'OR' or 'AND'"),
        ("project = 'DEMO", "has not been completed"),
        ("reporter = a@b", "The character '@' is a reserved JQL character."),
        ("(project = DEMO", "Expecting ')'"),
        ("project DEMO", "Expecting operator"),
        ("project in DEMO", "does not support the non-list value"),
        ("project = DEMO ORDER BY nonsense", "Not able to sort"),
        ("assignee is mvdveldt", "only supports 'EMPTY'"),
        (&format!("{}project = DEMO", "(".repeat(200)), "nested too deeply"),
    ] {
        let failure = keys(&world, jql).expect_err(jql);
        assert_eq!(failure.status, 400, "{jql}");
        assert!(failure.messages[0].contains(part), "{jql}: {:?}", failure.messages);
    }
}

#[test]
fn what_was_found_is_forgotten_with_the_next_change() {
    let mut world = world(Flavor::DataCenter);
    let asked = "project = DEMO AND summary ~ forgetmenot";
    assert_eq!(keys(&world, asked).unwrap(), [""; 0]);
    let id = world.keys["DEMO-3"];
    world.issue_mut(id).unwrap().summary = "A forgetmenot".to_owned();
    assert_eq!(keys(&world, asked).unwrap(), [""; 0], "nobody was told");
    world.changed(id, "issue_updated", Vec::new());
    assert_eq!(keys(&world, asked).unwrap(), ["DEMO-3"]);
    world.issue_mut(id).unwrap().summary = "Gone".to_owned();
    world.found.forget();
    assert_eq!(keys(&world, asked).unwrap(), [""; 0]);
    // What a query names one by one still has to pass.
    assert_eq!(keys(&world, "key in (DEMO-3, DEMO-4, DEMO-3) AND key != DEMO-4").unwrap(), ["DEMO-3"]);
    assert_eq!(keys(&world, "key = DEMO-3 OR key = DEMO-5 ORDER BY key").unwrap(), ["DEMO-3", "DEMO-5"]);
}
