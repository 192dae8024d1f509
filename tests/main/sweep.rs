//! Sweeps: marked, then gone; held, resumed, approved; nothing early and nothing else.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use efface::{
    config::Config,
    jira::Client,
    model::{Area, Flavor, Hold, HoldQuery, HoldType, InstanceName},
    policy::Policy,
    retention::{self, Report, Room, SweepError},
    staging::Staging,
    store::{Act, StepRow, StepState, Store},
};
use serde_json::{Value, json};

use crate::world::{EMAIL, NAME, USER, World, client};

const CLASSES: &str = r#"
[policy]
name = "p"

[[class]]
id = "processed"
match = { area = "staging", place = "staging:*/processed" }
start = "processed"
period = "7 days"
then = "delete"
grace = "none"
basis = "GDPR Art. 5(1)(e)"

[[class]]
id = "done"
match = { area = "foreign", path = "processed/**" }
start = "created"
period = "1 month"
then = "delete"
grace = "7 days"
basis = "GDPR Art. 5(1)(e)"

[[class]]
id = "contract"
match = { area = "target", label = "contract" }
start = "created"
period = "10 years"
then = "keep"
basis = "HGB § 257"

[[class]]
id = "resolved"
match = { area = "target", record = "issue" }
start = "updated"
period = "1 year"
then = "delete"
grace = "1 month"
basis = "GDPR Art. 5(1)(e)"

[[class]]
id = "logs"
match = { area = "log" }
start = "updated"
period = "90 days"
then = "review"
basis = "GDPR Art. 5(1)(e)"
"#;

struct Sweeper<'w> {
    w: &'w World,
    config: Config,
    store: Store,
    policy: Policy,
    clients: BTreeMap<InstanceName, Result<Client, String>>,
    start: DateTime<Utc>,
}

impl<'w> Sweeper<'w> {
    fn new(w: &'w World, policy: &str) -> Self {
        let config = Config::load(&w.path().join("efface.toml")).unwrap();
        let store = Store::open(&config.state).unwrap();
        let clients = [("hq", &w.source), ("partner", &w.target)]
            .map(|(name, sandbox)| (name.parse().unwrap(), Ok(client(name, sandbox))))
            .into();
        let policy = Policy::parse(policy, "p").unwrap();
        Self { w, config, store, policy, clients, start: Utc::now() }
    }

    fn room<T>(&self, days: i64, actor: &str, areas: Option<&[Area]>, act: impl AsyncFnOnce(&Room<'_>) -> T) -> T {
        let now = self.start + TimeDelta::days(days);
        let room = Room {
            config: &self.config,
            store: &self.store,
            policy: &self.policy,
            clients: &self.clients,
            areas,
            actor,
            now: &|| now,
        };
        self.w.rt.block_on(act(&room))
    }

    /// A run so many days from now. What it would do was said before.
    fn run(&self, days: i64) -> Report {
        let said = self.look(days);
        let done = self.try_run(days).unwrap();
        let states = |r: &Report| -> Vec<(String, String)> {
            let word = |s: &str| match s {
                "deleted" => "delete".to_owned(),
                "changed" => "change".to_owned(),
                "renewed" => "renew".to_owned(),
                other => other.to_owned(),
            };
            r.items.iter().map(|i| (format!("{} {:?}", i.place, i.record), word(&i.state))).collect()
        };
        assert_eq!(states(&said), states(&done), "the dry run differs from the run");
        done
    }

    fn try_run(&self, days: i64) -> Result<Report, SweepError> {
        self.room(days, "admin", None, async |room| retention::run(room, |_| {}, || false).await)
    }

    fn look(&self, days: i64) -> Report {
        self.room(days, "admin", None, async |room| retention::look(room, |_| {}).await.unwrap())
    }
}

fn count(report: &Report, class: &str, what: &str) -> u64 {
    json!(report)["classes"].as_array().unwrap().iter().find(|c| c["class"] == class).unwrap()[what].as_u64().unwrap()
}

fn world() -> World {
    let w = World::new(Flavor::DataCenter, 1);
    w.issue("Pump", "drips", json!({ "labels": ["contract"] }));
    let key = w.issue("Lamp", "flickers", Value::Null);
    w.comment(&key, "still");
    w.attach(&key, "notes.txt", "plain");
    let tool = w.home().join("data/other-tool");
    std::fs::write(tool.join("processed/1.json"), "{}").unwrap();
    std::fs::write(tool.join("pending.json"), "{}").unwrap();
    std::fs::write(w.home().join("log/jira.log"), "started\n").unwrap();
    w.efface(&["sync", "run"]).exits(0);
    w
}

fn staged(w: &World) -> usize {
    let dir = w.home().join("data/efface/hq-partner/processed");
    std::fs::read_dir(dir).map_or(0, Iterator::count)
}

#[test]
fn what_is_due_is_marked_then_goes() {
    let w = world();
    let s = Sweeper::new(&w, CLASSES);
    let tool = w.home().join("data/other-tool");
    let first = s.run(0);
    assert_eq!(first.items, [], "nothing is due on the first day");
    assert!(first.unclassed > 0, "pending.json is of no class");
    let before = staged(&w);
    assert!(before > 3, "messages and an attachment");
    // Six days and some: nothing. Eight: the messages, and their attachments with them.
    s.run(6);
    assert_eq!(staged(&w), before);
    let run = s.run(8);
    assert_eq!((count(&run, "processed", "deleted"), staged(&w)), (3, 0));
    assert_eq!(count(&s.run(9), "processed", "records"), 0, "nothing twice");
    // A month, then a week of grace, for the other tool's file.
    assert!(tool.join("processed/1.json").exists());
    let run = s.run(32);
    assert_eq!((count(&run, "done", "marked"), count(&run, "done", "deleted")), (1, 0));
    let run = s.run(38);
    assert_eq!((count(&run, "done", "waiting"), count(&run, "done", "deleted")), (1, 0));
    assert!(tool.join("processed/1.json").exists());
    let run = s.run(40);
    assert_eq!(count(&run, "done", "deleted"), 1);
    assert!(!tool.join("processed/1.json").exists());
    // A log that is written to stays; one that is not goes to review.
    std::fs::write(w.home().join("log/jira.log"), "started\nstopped\n").unwrap();
    s.run(80);
    assert_eq!(count(&s.run(100), "logs", "review"), 0, "it changed on the eightieth day");
    assert_eq!(count(&s.run(171), "logs", "review"), 1);
    assert!(w.home().join("log/jira.log").exists() && tool.join("pending.json").exists());
    // Issues of the target: what a contract covers stays; nobody but us touched the others.
    let run = s.run(370);
    assert_eq!((count(&run, "resolved", "marked"), count(&run, "contract", "due")), (2, 0));
    assert_eq!(count(&s.run(410), "resolved", "deleted"), 2);
    let left = w.target.control().dump()["issues"].as_object().unwrap().len();
    assert_eq!(left, 1);
    // They are not written anew.
    w.issue("Door", "squeaks", Value::Null);
    w.efface(&["sync", "run", "--full"]).exits(0);
    assert_eq!(w.target.control().dump()["issues"].as_object().unwrap().len(), 2);
    let runs = s.store.sweep_runs().unwrap();
    assert!(runs.iter().all(|r| r.ended.is_some() && r.summary.is_some()));
    w.efface(&["audit", "verify"]).exits(0);
}

/// What somebody else wrote into a target moves the date; what our own syncs wrote does not.
#[test]
fn our_own_writes_are_no_update() {
    for flavor in [Flavor::DataCenter, Flavor::Cloud] {
        let w = World::new(flavor, 0);
        let old = |days: i64| std::sync::Arc::new(move || Utc::now() - TimeDelta::days(days));
        w.target.control().set_clock(old(100));
        let ours = w.issue("Lamp", "flickers", Value::Null);
        w.issue("Pump", "drips", Value::Null);
        w.efface(&["sync", "run"]).exits(0);
        w.target.control().set_clock(old(0));
        w.indexed();
        // The sync writes to one of them again today, and somebody else to the other.
        w.source.control().edit_issue_behind(&ours, "description", "flickers still").unwrap();
        w.efface(&["sync", "run"]).exits(0);
        let dump = w.target.control().dump().to_string();
        assert!(dump.contains("flickers still"), "{dump}");
        let class = CLASSES.replace("period = \"1 year\"", "period = \"30 days\"");
        let s = Sweeper::new(&w, &class);
        assert_eq!(count(&s.look(0), "resolved", "due"), 2, "the sync's own edit is no update");
        let keys = s.look(0).items.iter().map(|i| i.record.key.clone().unwrap()).collect::<Vec<_>>();
        w.target.control().edit_issue_behind(&keys[0], "summary", "somebody was here").unwrap();
        let left: Vec<_> = s.look(0).items.into_iter().map(|i| i.record.key.unwrap()).collect();
        assert_eq!(left, keys[1..], "{keys:?}");
        assert_eq!(count(&s.look(31), "resolved", "due"), 2);
    }
}

const FIELDS: &str = r#"
[policy]
name = "fields"
placeholder = "[gone]"

[[class]]
id = "people"
match = { area = "target", record = "issue", field = ["assignee", "reporter", "labels"] }
start = "created"
period = "30 days"
then = "clear"
grace = "none"
basis = "GDPR Art. 5(1)(c)"

[[class]]
id = "texts"
match = { area = "target", record = ["issue", "comment"], field = ["summary", "description", "body"] }
start = "created"
period = "60 days"
then = "redact"
grace = "7 days"
basis = "GDPR Art. 5(1)(e)"

[[class]]
id = "issues"
match = { area = "target", record = "issue" }
start = "created"
period = "90 days"
then = "delete"
grace = "none"
basis = "GDPR Art. 5(1)(e)"
"#;

/// Fields go one after the other, each class by its own time and with its own mark, and nothing twice; the next sync writes none of
/// them back.
#[test]
fn fields_are_emptied_and_then_the_issue_goes() {
    for flavor in [Flavor::DataCenter, Flavor::Cloud] {
        let w = World::new(flavor, 0);
        let key = w.issue("Lamp", "flickers", json!({ "labels": ["hall"], "assignee": { "name": USER } }));
        w.comment(&key, "since Monday");
        w.write_config("[sync.hq-partner.user_map]");
        let map = format!("[sync.hq-partner.user_map]\n{USER} = \"{}\"\n", w.target_id);
        w.write_config(&map);
        w.efface(&["sync", "run"]).exits(0);
        w.indexed();
        let s = Sweeper::new(&w, FIELDS);
        let issue = || w.target.control().dump()["issues"].as_object().unwrap().values().next().cloned();
        let field = |name: &str| issue().unwrap()[name].clone();
        assert!(!field("assignee").is_null(), "{:#}", issue().unwrap());
        assert_eq!(s.run(29).items, []);
        let run = s.run(31);
        assert_eq!((count(&run, "people", "changed"), count(&run, "texts", "due")), (1, 0), "{:#?}", run.items);
        assert!(run.items[0].why.as_ref().unwrap().contains("history keeps"), "{:#?}", run.items);
        assert!(field("assignee").is_null() && field("labels") == json!([]), "{:#}", issue().unwrap());
        assert!(field("summary").to_string().contains("Lamp"));
        let again = s.run(32);
        assert_eq!(
            (again.items.len(), count(&again, "people", "records")),
            (0, 1),
            "nothing twice: {:#?}",
            again.items
        );
        // Marked, then redacted a week later; a comment's text, too.
        let run = s.run(61);
        assert_eq!((count(&run, "texts", "marked"), count(&run, "texts", "changed")), (2, 0));
        let run = s.run(70);
        assert_eq!((count(&run, "texts", "waiting"), count(&run, "texts", "changed")), (0, 2), "{:#?}", run.items);
        let text = issue().unwrap().to_string();
        assert_eq!(field("summary"), "[gone]");
        assert!(
            field("description").to_string().contains("[gone]") && !field("description").to_string().contains("flick"),
            "{text}"
        );
        assert_eq!(s.run(71).items, []);
        // The source says all of it still.
        w.issue("Door", "squeaks", Value::Null);
        w.source.control().edit_issue_behind(&key, "environment", "hall").unwrap();
        w.efface(&["sync", "run", "--full"]).exits(0);
        assert_eq!((field("summary"), field("assignee")), (json!("[gone]"), Value::Null), "no sync writes it back");
        let run = s.run(100);
        assert_eq!(count(&run, "issues", "deleted"), 2, "{:#?}", run.items);
        assert_eq!(run.items.len(), 2, "what goes as a whole is not edited before: {:#?}", run.items);
        assert!(issue().is_none());
        w.efface(&["audit", "verify"]).exits(0);
    }
}

/// Members of files of JSON: aliases are stable, the rest keeps its bytes, and our own write is no update.
#[test]
fn files_keep_aliases_and_their_age() {
    let w = World::new(Flavor::DataCenter, 0);
    let tool = w.home().join("data/other-tool");
    let one = format!(
        "{{ \"n\" : 1.50, \"user\": {{\"displayName\": \"{NAME}\", \"mail\": \"{EMAIL}\"}}, \"text\": \"ok\" }}"
    );
    std::fs::write(tool.join("1.json"), &one).unwrap();
    std::fs::write(tool.join("2.jsonl"), format!("{{\"displayName\":\"{NAME}\"}}\n{{\"displayName\":null}}\n"))
        .unwrap();
    std::fs::write(tool.join("3.csv"), format!("displayName\n{NAME}\n")).unwrap();
    let classes = r#"
[policy]
name = "files"

[[class]]
id = "alias"
match = { area = "foreign", field = ["displayName", "mail"] }
start = "updated"
period = "30 days"
then = "pseudonymise"
grace = "none"
basis = "GDPR Art. 25(1)"

[[class]]
id = "old"
match = { area = "foreign" }
start = "updated"
period = "60 days"
then = "delete"
grace = "none"
basis = "GDPR Art. 5(1)(e)"
"#;
    let s = Sweeper::new(&w, classes);
    s.run(0);
    assert_eq!(s.run(29).items, []);
    let run = s.run(31);
    assert_eq!((count(&run, "alias", "changed"), count(&run, "alias", "review")), (2, 1), "{:#?}", run.items);
    let review = run.items.iter().find(|i| i.state == "review").unwrap();
    assert!(
        review.record.path.as_deref() == Some("3.csv") && review.why.as_ref().unwrap().contains("JSON"),
        "{review:?}"
    );
    let now = std::fs::read_to_string(tool.join("1.json")).unwrap();
    let alias = |text: &str| text.match_indices("person-").map(|(i, _)| text[i..i + 23].to_owned()).collect::<Vec<_>>();
    let (first, second) = (alias(&now), alias(&std::fs::read_to_string(tool.join("2.jsonl")).unwrap()));
    assert_eq!((first.len(), second.len()), (2, 1), "{now}");
    assert_eq!(first[0], second[0], "the same name has the same alias");
    assert_ne!(first[0], first[1]);
    assert_eq!(now, one.replace(NAME, &first[0]).replace(EMAIL, &first[1]), "nothing else moves");
    assert_eq!(count(&s.run(32), "alias", "changed"), 0, "nothing twice");
    // Sixty days since they were first seen, whatever we wrote meanwhile.
    assert_eq!(count(&s.run(59), "old", "due"), 0);
    let run = s.run(61);
    assert_eq!(count(&run, "old", "deleted"), 3, "{:#?}", run.items);
    assert_eq!(run.items.len(), 3, "{:#?}", run.items);
    assert!(!tool.join("1.json").exists());
}

/// An old issue is written anew without its history; one that somebody worked on goes to review.
#[test]
fn issues_are_written_anew() {
    let w = World::new(Flavor::DataCenter, 0);
    let old = std::sync::Arc::new(|| Utc::now() - TimeDelta::days(100));
    w.target.control().set_clock(old);
    let ours = w.issue("Lamp", "flickers", Value::Null);
    let theirs = w.issue("Pump", "drips", Value::Null);
    w.efface(&["sync", "run"]).exits(0);
    w.source.control().edit_issue_behind(&ours, "description", "flickers still").unwrap();
    w.efface(&["sync", "run"]).exits(0);
    w.target.control().set_clock(std::sync::Arc::new(Utc::now));
    let keys = || {
        w.target.control().dump()["issues"]
            .as_object()
            .unwrap()
            .values()
            .map(|i| i["key"].to_string())
            .collect::<Vec<_>>()
    };
    let before = keys();
    let pump = w.target.control().dump()["issues"]
        .as_object()
        .unwrap()
        .values()
        .find(|i| i["summary"] == "Pump")
        .unwrap()["key"]
        .as_str()
        .unwrap()
        .to_owned();
    w.target.control().edit_issue_behind(&pump, "description", "drips, says somebody").unwrap();
    assert!(!theirs.is_empty());
    let classes = "[policy]\nname = \"anew\"\n[[class]]\nid = \"anew\"\nmatch = { area = \"target\", record = \"issue\" }\nstart = \"created\"\n\
                   period = \"30 days\"\nthen = \"renew\"\ngrace = \"none\"\nbasis = \"b\"\n";
    let s = Sweeper::new(&w, classes);
    let run = s.run(0);
    assert_eq!((count(&run, "anew", "changed"), count(&run, "anew", "review")), (1, 1), "{:#?}", run.items);
    assert!(
        run.items.iter().any(|i| i.state == "review" && i.why.as_ref().unwrap().contains("somebody else changed it"))
    );
    assert_eq!(keys().len(), 1, "deleted");
    w.efface(&["sync", "run"]).exits(0);
    let after = keys();
    assert_eq!(after.len(), 2);
    assert_eq!(after.iter().filter(|k| before.contains(k)).count(), 1, "one of them is another: {before:?} {after:?}");
    assert_eq!(count(&s.run(1), "anew", "changed"), 0, "the copy is young");
    // A hold on a person keeps what names the person, in all of the issue.
    let call = w.issue("Call", &format!("ask {NAME}, {EMAIL}"), Value::Null);
    w.efface(&["sync", "run"]).exits(0);
    w.register();
    w.efface_as("legal", &["hold", "add", "--type", "preservation", "--basis", "claim", "--subject", "REQ-1", "-q"])
        .exits(0);
    let run = s.run(40);
    assert_eq!((count(&run, "anew", "changed"), count(&run, "anew", "held")), (1, 1), "{call}: {:#?}", run.items);
}

/// What a synchronization left behind goes when it was ended; until its last day it runs.
#[test]
fn what_an_ended_synchronization_wrote() {
    let w = World::new(Flavor::DataCenter, 0);
    w.issue("Lamp", "flickers", Value::Null);
    let today = Utc::now().date_naive();
    w.write_config(&format!("ended = {today}"));
    w.efface(&["sync", "run"]).exits(0);
    let classes = "[policy]\nname = \"over\"\n[[class]]\nid = \"over\"\nmatch = { area = [\"target\", \"staging\"] }\nstart = \"sync-ended\"\n\
                   period = \"30 days\"\nthen = \"delete\"\ngrace = \"none\"\nbasis = \"b\"\n";
    let s = Sweeper::new(&w, classes);
    for day in [0, 1, 29] {
        assert_eq!(s.run(day).items, [], "{day}");
    }
    let run = s.run(32);
    assert_eq!(count(&run, "over", "deleted"), 2, "message and issue: {:#?}", run.items);
    let yesterday = today.pred_opt().unwrap();
    w.write_config(&format!("ended = {yesterday}"));
    w.issue("Door", "squeaks", Value::Null);
    let late = w.efface(&["sync", "run"]).exits(0);
    assert!(late.err.contains("was its last day), and carries nothing over"), "{}", late.err);
    assert_eq!(w.target.control().dump()["issues"].as_object().unwrap().len(), 0);
    w.write_config("ended = 2026-11-27T10:00:00Z");
    let wrong = w.efface(&["sync", "run"]).exits(2);
    assert!(wrong.err.contains("is no day"), "{}", wrong.err);
}

/// The suppression list by its own class: what has ended goes when its time is over, and what keeps somebody out stays.
#[test]
fn suppression_entries_go_behind_their_end() {
    let w = World::new(Flavor::DataCenter, 0);
    w.plant();
    w.efface(&["sync", "run"]).exits(0);
    w.register();
    crate::world::own_policy(&w, "");
    let own = w.path().join("own.toml");
    let text = std::fs::read_to_string(&own).unwrap();
    std::fs::write(&own, format!("{text}\n[suppression]\nkeep = \"10 days\"\n")).unwrap();
    let ends = w.approved_case();
    w.efface(&["case", "execute", &ends, "--yes"]).exits(0);
    w.efface(&["case", "verify", &ends]).exits(0);
    w.efface(&["case", "certificate", &ends, "-o", "c.json"]).exits(0);
    w.efface(&["case", "close", &ends]).exits(0);
    let classes = "[policy]\nname = \"list\"\n[[class]]\nid = \"list\"\nmatch = { area = \"state\", place = \"state:suppression\" }\nstart = \"processed\"\n\
                   period = \"30 days\"\nthen = \"delete\"\ngrace = \"none\"\nbasis = \"b\"\n";
    let s = Sweeper::new(&w, classes);
    // Another case's entries, without an end.
    let stays = "C-01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned();
    let others: Vec<_> = s
        .store
        .suppression_list()
        .unwrap()
        .into_iter()
        .map(|row| efface::store::SuppressionRow { case: stays.parse().unwrap(), until: None, ..row })
        .collect();
    s.store.suppression_add(&Act { actor: "admin", at: s.start }, &stays.parse().unwrap(), &others).unwrap();
    let cases = || {
        s.store
            .suppression_list()
            .unwrap()
            .into_iter()
            .map(|r| r.case.to_string())
            .collect::<std::collections::BTreeSet<_>>()
    };
    assert!(cases().contains(&ends) && cases().contains(&stays), "{:?}", cases());
    assert_eq!(s.run(39).items, [], "ten days, then thirty");
    let run = s.run(41);
    assert_eq!((count(&run, "list", "deleted"), count(&run, "list", "records")), (1, 2), "{:#?}", run.items);
    assert_eq!(cases(), [stays.clone()].into(), "what has no end keeps somebody out");
    assert_eq!(s.run(4000).items, []);
    assert!(s.store.case(&ends.parse().unwrap()).unwrap().is_some(), "the case is of another class");
    w.efface(&["audit", "verify"]).exits(0);
}

/// Accounts of people who left: by the day on which they were first seen closed, named to nobody who does not ask.
#[test]
fn accounts_of_people_who_left() {
    let classes = "[policy]\nname = \"left\"\n[[class]]\nid = \"left\"\nmatch = { area = [\"source\", \"target\"], record = \"user-profile\" }\n\
                   start = \"account-closed\"\nperiod = \"30 days\"\nthen = \"review\"\nbasis = \"b\"\nreason = \"open a case for them\"\n";
    let w = World::new(Flavor::Cloud, 0);
    let s = Sweeper::new(&w, classes);
    let first = s.run(0);
    let (open, count_of) = (count(&first, "left", "records"), |r: &Report| count(r, "left", "review"));
    w.source.control().deactivate_user(USER).unwrap();
    assert_eq!(count(&s.run(1), "left", "records"), open + 1);
    assert_eq!(count_of(&s.run(30)), open, "those that were closed on the first day alone");
    let run = s.run(32);
    assert_eq!(count_of(&run), open + 1, "{:#?}", run.items);
    // Opened again, and closed again: the time begins anew.
    w.source.control().activate_user(USER).unwrap();
    assert_eq!(count_of(&s.run(33)), open);
    w.source.control().deactivate_user(USER).unwrap();
    s.run(34);
    assert_eq!(count_of(&s.run(60)), open);
    assert_eq!(count_of(&s.run(65)), open + 1);
    let cloud = run.coverage.iter().find(|c| c.place.to_string() == "target:partner/accounts").unwrap();
    assert!(cloud.reason.as_ref().unwrap().contains("an API token does not reach"), "{cloud:?}");
    assert!(
        !run.coverage.iter().any(|c| c.place.to_string() == "source:hq/accounts" && c.reason.is_some()),
        "{:?}",
        run.coverage
    );
    // The list names nobody, unless it is asked to.
    let w = World::new(Flavor::DataCenter, 0);
    w.source.control().deactivate_user(USER).unwrap();
    Sweeper::new(&w, classes).run(-40);
    std::fs::write(w.path().join("left.toml"), classes).unwrap();
    let config = std::fs::read_to_string(w.path().join("efface.toml")).unwrap();
    std::fs::write(
        w.path().join("efface.toml"),
        config.replacen("path = \"home\"", "path = \"home\"\npolicy = \"left.toml\"", 1),
    )
    .unwrap();
    let list = w.efface(&["sweep", "--dry-run", "--list"]);
    assert!(list.out.contains("user-profile person-") && list.out.contains("open a case"), "{}{}", list.out, list.err);
    let key = w.source.control().people().into_iter().find(|p| p.name == USER).unwrap().id;
    assert!(!list.out.contains(USER) && !list.out.contains(&key), "{}", list.out);
    let clear = w.efface(&["sweep", "--dry-run", "--list", "--in-clear"]);
    assert!(clear.out.contains(&key) || clear.out.contains(USER), "{key}: {}", clear.out);
}

#[test]
fn holds_are_asked_and_asked_again() {
    let w = world();
    w.issue("Call", &format!("ask {NAME}, {EMAIL}"), Value::Null);
    w.efface(&["sync", "run"]).exits(0);
    w.register();
    let s = Sweeper::new(&w, CLASSES);
    let all = s.look(8);
    assert_eq!(count(&all, "processed", "deleted"), 4);
    w.efface_as("legal", &["hold", "add", "--type", "preservation", "--basis", "claim", "--issue", "HQ-2", "-q"])
        .exits(0);
    let one = s.look(8);
    assert_eq!((count(&one, "processed", "deleted"), count(&one, "processed", "held")), (3, 1));
    // A hold about a person is asked of what the message says.
    w.efface_as("legal", &["hold", "add", "--type", "preservation", "--basis", "claim", "--subject", "REQ-1", "-q"])
        .exits(0);
    let run = s.run(8);
    assert_eq!((count(&run, "processed", "deleted"), count(&run, "processed", "held")), (2, 2), "{:#?}", run.items);
    let run = s.run(9);
    assert_eq!((count(&run, "processed", "deleted"), count(&run, "processed", "held")), (0, 2));
}

#[test]
fn a_run_takes_the_oldest_and_no_more_than_its_cap() {
    let w = world();
    let s = Sweeper::new(&w, &CLASSES.replacen("[[class]]", "[sweep]\nrecords = 2\n\n[[class]]", 1));
    let run = s.run(8);
    assert_eq!((count(&run, "processed", "deleted"), count(&run, "processed", "backlog"), run.runs_left), (2, 1, 1));
    let run = s.run(8);
    assert_eq!((count(&run, "processed", "deleted"), run.runs_left), (1, 0));
}

#[test]
fn another_person_approves_where_the_policy_wants_it() {
    let w = world();
    let s = Sweeper::new(&w, &CLASSES.replacen("[[class]]", "[sweep]\nfour_eyes = true\n\n[[class]]", 1));
    let before = staged(&w);
    let run = s.try_run(8).unwrap();
    let hash = run.plan.clone().unwrap();
    assert_eq!((run.approvals(), count(&run, "processed", "deleted")), (3, 0));
    let again = s.try_run(8).unwrap();
    assert_eq!((again.approvals(), again.plan.as_ref()), (3, Some(&hash)), "the same plan waits");
    let act = |actor| Act { actor, at: s.start };
    assert!(retention::approve(&s.store, &act("admin"), &hash).is_err(), "the planner");
    assert!(retention::approve(&s.store, &act("dpo"), "00").is_err(), "another plan");
    assert_eq!(staged(&w), before);
    // What is due by then is of another plan; what was approved goes, and is told.
    w.issue("Door", "squeaks", Value::Null);
    w.efface(&["sync", "run"]).exits(0);
    let more = staged(&w);
    retention::approve(&s.store, &act("dpo"), &hash).unwrap();
    let run = s.try_run(9).unwrap();
    assert_eq!((count(&run, "processed", "deleted"), run.approvals()), (3, 1), "{:#?}", run.classes);
    assert_eq!(run.items.iter().filter(|i| i.state == "deleted").count(), 3);
    assert!(staged(&w) > 0 && staged(&w) < more);
    // A plan that was never approved expires.
    let first = s.try_run(10).unwrap().plan;
    let later = s.try_run(50).unwrap().plan;
    assert!(first.is_some() && first != later);
    // Nor is a plan carried out that is not the one that was made.
    let mut open = s.store.open_sweep_run().unwrap().unwrap();
    let steps: Vec<(Value, Option<StepRow>)> = s.store.sweep_steps(&open.id).unwrap();
    s.store.end_sweep(&act("admin"), &open.id, &json!([])).unwrap();
    open.id = "S-other".into();
    let steps: Vec<Value> = steps.into_iter().map(|(step, _)| step).collect();
    s.store.open_sweep(&act("admin"), &open, &steps).unwrap();
    s.store.approve_sweep(&act("dpo"), &open.id).unwrap();
    let left = staged(&w);
    assert!(matches!(s.try_run(50), Err(SweepError::Refused(_))));
    assert_eq!(staged(&w), left);
    assert!(s.try_run(50).unwrap().approvals() > 0, "planned anew");
}

/// A run that is stopped between two records, or killed between an act and its end, is finished by the next one.
#[test]
fn what_was_cut_off_is_finished() {
    let w = world();
    let s = Sweeper::new(&w, CLASSES);
    let mut asked = 0;
    let stopped = s.room(8, "admin", None, async |room| {
        let stop = || {
            asked += 1;
            asked > 1
        };
        retention::run(room, |_| {}, stop).await
    });
    assert!(matches!(stopped, Err(SweepError::Refused(_))));
    let open = s.store.open_sweep_run().unwrap().unwrap();
    let steps: Vec<(Value, Option<StepRow>)> = s.store.sweep_steps(&open.id).unwrap();
    assert_eq!(steps.iter().filter(|(_, row)| row.is_some()).count(), 1);
    // Killed after the message was erased, before that was written down.
    let (step, _) = &steps[1];
    let row =
        StepRow { number: 2, state: StepState::Begun, outcome: None, note: json!({ "after": null, "note": null }) };
    s.store.put_sweep_step(&open.id, &row).unwrap();
    let home = s.config.home.as_ref().unwrap();
    let staging = Staging::open(&home.staging, &"hq-partner".parse().unwrap(), &s.store).unwrap();
    assert!(staging.erase(step["step"]["record"]["id"].as_str().unwrap().parse().unwrap()).unwrap());
    let report = s.try_run(8).unwrap();
    assert_eq!((staged(&w), count(&report, "processed", "records")), (0, 0));
    let runs = s.store.sweep_runs().unwrap();
    assert_eq!(runs[0].summary.as_ref().unwrap()[0]["deleted"], 3, "{:#?}", runs[0]);
    assert!(s.store.open_sweep_run().unwrap().is_none());
    // What a plan says of a record is sealed, and goes with the run.
    let db = std::fs::read(w.path().join("efface-state/efface.db")).unwrap();
    assert!(memchr::memmem::find(&db, b"sweep-step").is_none());
    assert!(s.store.sweep_steps::<Value>(&open.id).is_err(), "the run's key is destroyed");
}

/// A hold that is ordered between an intent and a kill keeps what the act had not reached.
#[test]
fn a_hold_keeps_what_was_only_intended() {
    let w = world();
    let s = Sweeper::new(&w, CLASSES);
    let stopped = s.room(8, "admin", None, async |room| retention::run(room, |_| {}, || true).await);
    assert!(stopped.is_err());
    let open = s.store.open_sweep_run().unwrap().unwrap();
    for number in 1..=3 {
        let note = json!({ "after": null, "note": null });
        let row = StepRow { number, state: StepState::Begun, outcome: None, note };
        s.store.put_sweep_step(&open.id, &row).unwrap();
    }
    w.efface_as("legal", &["hold", "add", "--type", "preservation", "--basis", "claim", "--issue", "HQ-*", "-q"])
        .exits(0);
    let before = staged(&w);
    let run = s.try_run(8).unwrap();
    assert_eq!((count(&run, "processed", "held"), count(&run, "processed", "deleted"), staged(&w)), (3, 0, before));
}

/// What is not read in one run is not forgotten by it; a name that is no text is told and left.
#[test]
fn what_cannot_be_read_keeps_its_time() {
    use std::os::unix::ffi::OsStrExt;
    let w = world();
    let s = Sweeper::new(&w, CLASSES);
    let tool = w.home().join("data/other-tool");
    let odd = tool.join("processed").join(std::ffi::OsStr::from_bytes(b"odd-\xff.json"));
    std::fs::write(&odd, "{}").unwrap();
    for day in [0, 32, 40, 41] {
        let run = s.run(day);
        assert!(
            run.is_incomplete()
                && run.coverage.iter().any(|c| c.reason.as_deref().is_some_and(|r| r.contains("no UTF-8")))
        );
    }
    assert!(odd.exists() && !tool.join("processed/1.json").exists());
    std::fs::remove_file(&odd).unwrap();
    std::fs::write(tool.join("processed/2.json"), "{}").unwrap();
    s.run(42);
    // The folder is away for a day (a share that is not mounted), and the file is as old as before.
    std::fs::rename(&tool, w.home().join("away")).unwrap();
    s.run(60);
    std::fs::rename(w.home().join("away"), &tool).unwrap();
    assert_eq!(count(&s.run(74), "done", "marked"), 1);
}

/// A policy that was edited since a run was planned: what was not begun is planned anew by the new one.
#[test]
fn an_edited_policy_ends_what_was_not_begun() {
    let w = world();
    let s = Sweeper::new(&w, CLASSES);
    let stopped = s.room(8, "admin", None, async |room| retention::run(room, |_| {}, || true).await);
    assert!(matches!(stopped, Err(SweepError::Refused(_))));
    let longer = Sweeper::new(&w, &CLASSES.replace("period = \"7 days\"", "period = \"9 days\""));
    let report = longer.try_run(8).unwrap();
    assert_eq!((count(&report, "processed", "deleted"), staged(&w) > 0), (0, true));
    assert_eq!(count(&longer.try_run(10).unwrap(), "processed", "deleted"), 3);
}

/// What is left of ended cases goes by its own class, once nothing stands on it.
#[test]
fn ended_cases_go_too() {
    let w = world();
    w.register();
    let case = w.efface(&["case", "open", "--subject", "REQ-1", "-q"]).exits(0).out.trim().to_owned();
    w.efface(&["case", "reject", &case, "--reason", "manifestly unfounded"]).exits(0);
    let class = "[policy]\nname = \"p\"\n[[class]]\nid = \"cases\"\nmatch = { area = \"state\", place = \"state:cases\" }\nstart = \"processed\"\nperiod = \"3 years\"\nthen = \"delete\"\ngrace = \"none\"\nbasis = \"b\"\n";
    // Where another person has to approve, that goes for our own rows too.
    let four = Sweeper::new(&w, &class.replacen("[[class]]", "[sweep]\nfour_eyes = true\n[[class]]", 1));
    assert_eq!(four.try_run(1097).unwrap().approvals(), 1);
    assert_eq!(four.store.cases().unwrap().len(), 1);
    // A hold that was ordered with the case keeps what is left of it.
    let held = Sweeper::new(&w, class);
    let hold = Hold {
        id: "H-01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
        hold_type: HoldType::Preservation,
        query: HoldQuery { area: vec![Area::Log], ..HoldQuery::default() },
        case: Some(case.parse().unwrap()),
        subject: None,
        basis: "claim".into(),
        added_by: "legal".into(),
        added_at: held.start.to_rfc3339(),
        review: None,
        released: None,
    };
    held.store.add_hold(&Act { actor: "legal", at: held.start }, &hold, &[]).unwrap();
    assert_eq!((count(&held.run(1097), "cases", "held"), held.store.cases().unwrap().len()), (1, 1));
    let id = hold.id.to_string();
    w.efface_as("dpo", &["hold", "release", &id, "--reason", "settled"]).exits(0);
    let s = Sweeper::new(&w, class);
    assert_eq!(count(&s.run(1094), "cases", "deleted"), 0);
    assert_eq!(count(&s.run(1097), "cases", "deleted"), 1);
    assert!(s.store.cases().unwrap().is_empty());
    w.efface(&["audit", "verify"]).exits(0);
    w.efface(&["case", "list"]).exits(0);
    w.efface(&["sync", "run"]).exits(0);
}

#[test]
fn from_the_command_line() {
    let w = world();
    w.efface(&["sweep", "--dry-run"]).exits(0);
    w.efface(&["sweep"]).exits(0);
    let run = w.efface(&["sweep", "--dry-run", "--format", "json"]).exits(0);
    let report: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(
        (report["schema"].as_str(), report["classes"][0]["class"].as_str()),
        (Some("efface.sweep/1"), Some("staged-processed"))
    );
    w.efface(&["sweep", "--approve", "00"]).exits(4);
    w.efface(&["sweep", "--area", "nowhere"]).exits(2);
    w.efface(&["sweep", "--area", "backup"]).exits(2);
    std::fs::write(
        w.path().join("p.toml"),
        "[policy]\nname = \"p\"\n[[rule]]\nid = \"r\"\ndecision = \"review\"\nreason = \"x\"\n",
    )
    .unwrap();
    let config = std::fs::read_to_string(w.path().join("efface.toml")).unwrap();
    std::fs::write(
        w.path().join("efface.toml"),
        config.replace("path = \"home\"", "path = \"home\"\npolicy = \"p.toml\""),
    )
    .unwrap();
    let run = w.efface(&["sweep"]).exits(2);
    assert!(run.err.contains("no deletion classes"), "{}", run.err);
}

/// The loop runs by the schedule, says how it is, refuses a second one, and ends at a signal.
#[test]
fn a_watch_sweeps_by_itself() {
    let w = world();
    let config = std::fs::read_to_string(w.path().join("efface.toml")).unwrap();
    w.efface(&["sweep", "--watch"]).exits(2);
    let with = |schedule: &str| {
        std::fs::write(w.path().join("efface.toml"), format!("{config}\n[schedule]\n{schedule}\n")).unwrap()
    };
    for (wrong, want) in [
        ("sweep = \"at night\"", "[schedule] sweep: \"at night\" is no cron expression"),
        ("sweep = \"30 2 * * *\"\ntimezone = \"Berlin\"", "[schedule] timezone: \"Berlin\" is no time zone"),
        ("sweep = \"0 0 31 2 *\"", "never comes"),
        ("swep = \"0 0 * * *\"", "unknown field `swep`"),
    ] {
        with(wrong);
        let run = w.efface(&["sweep", "--next", "1"]).exits(2);
        assert!(run.err.contains(want), "{wrong}: {}", run.err);
    }
    with("sweep = \"30 2 * * *\"\ntimezone = \"Europe/Berlin\"");
    let next = w.efface(&["sweep", "--next", "400", "--format", "csv"]).exits(0).out;
    assert_eq!(next.lines().count(), 401);
    assert!(next.contains(" 02:30:00 CET,") && next.contains(" 02:30:00 CEST,"), "{next}");
    w.efface(&["sweep", "--health"]).exits(1);

    with("sweep = \"* * * * * *\"");
    let mut watch = w.command(&["sweep", "--watch"]).stdout(std::process::Stdio::null()).spawn().unwrap();
    let runs = || Sweeper::new(&w, CLASSES).store.sweep_runs().unwrap();
    let patience = std::time::Instant::now();
    while !w.path().join("efface-state/sweep.heartbeat").exists()
        || runs().iter().filter(|r| r.ended.is_some()).count() < 2
    {
        assert!(patience.elapsed().as_secs() < 60, "two runs take a minute");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    w.efface(&["sweep", "--health"]).exits(0);
    w.efface(&["sweep", "--watch"]).exits(4);
    terminate(watch.id());
    assert!(watch.wait().unwrap().success());
    let beat: Value =
        serde_json::from_slice(&std::fs::read(w.path().join("efface-state/sweep.heartbeat")).unwrap()).unwrap();
    assert_eq!((beat["state"].as_str(), beat["outcome"].as_u64()), (Some("ended"), Some(0)), "{beat:#}");
    w.efface(&["sweep", "--health"]).exits(1);
    // What was missed is caught up once, by the next process.
    let before = runs().len();
    with("sweep = \"0 0 1 1 *\"");
    let mut beat = beat.clone();
    beat["last"] = json!("2020-06-01T00:00:00Z");
    std::fs::write(w.path().join("efface-state/sweep.heartbeat"), beat.to_string()).unwrap();
    let mut watch = w.command(&["sweep", "--watch"]).stdout(std::process::Stdio::null()).spawn().unwrap();
    let patience = std::time::Instant::now();
    while runs().len() == before {
        assert!(patience.elapsed().as_secs() < 60, "a missed run is caught up");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    std::thread::sleep(std::time::Duration::from_millis(300));
    terminate(watch.id());
    assert!(watch.wait().unwrap().success());
    assert_eq!(runs().len(), before + 1, "once, though six were missed");
    // A clock that was wrong once is no end of sweeps.
    with("sweep = \"* * * * * *\"");
    beat["last"] = json!("2099-01-01T00:00:00Z");
    std::fs::write(w.path().join("efface-state/sweep.heartbeat"), beat.to_string()).unwrap();
    let mut watch = w.command(&["sweep", "--watch"]).stdout(std::process::Stdio::null()).spawn().unwrap();
    let patience = std::time::Instant::now();
    while runs().len() == before + 1 {
        assert!(patience.elapsed().as_secs() < 60, "the time that was remembered has not come");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    terminate(watch.id());
    assert!(watch.wait().unwrap().success());
}

/// SIGTERM, as a supervisor sends it.
fn terminate(id: u32) {
    assert!(std::process::Command::new("kill").arg(id.to_string()).status().unwrap().success());
}

/// A mark holds for one time: what was not due in between is marked anew, also where a run looks at some areas alone.
#[test]
fn a_mark_ends_with_what_it_was_for() {
    let w = World::new(Flavor::DataCenter, 0);
    let file = w.home().join("data/other-tool/1.json");
    std::fs::write(&file, "{}").unwrap();
    let classes = "[policy]\nname = \"marks\"\n[[class]]\nid = \"old\"\nmatch = { area = \"foreign\" }\nstart = \"updated\"\nperiod = \"30 days\"\n\
                   then = \"delete\"\ngrace = \"7 days\"\nbasis = \"b\"\n";
    let s = Sweeper::new(&w, classes);
    let run = |days| {
        s.room(days, "admin", Some(&[Area::Foreign]), async |room| retention::run(room, |_| {}, || false).await)
            .unwrap()
    };
    run(0);
    assert_eq!(count(&run(31), "old", "marked"), 1);
    std::fs::write(&file, "{\"somebody\": \"was here\"}").unwrap();
    assert_eq!(count(&run(35), "old", "due"), 0);
    assert_eq!((count(&run(66), "old", "marked"), file.exists()), (1, true), "a grace of its own");
    assert_eq!((count(&run(74), "old", "deleted"), file.exists()), (1, false));
}

/// What Cloud's list of accounts leaves out keeps no file in memory: one that is made again under an old name is new.
#[test]
fn a_file_that_is_made_again_is_new() {
    let w = World::new(Flavor::Cloud, 0);
    let file = w.home().join("data/other-tool/1.json");
    std::fs::write(&file, "{}").unwrap();
    let class = |id: &str, of: &str, start: &str, then: &str| {
        format!(
            "[[class]]\nid = \"{id}\"\nmatch = {{ {of} }}\nstart = \"{start}\"\nperiod = \"30 days\"\nthen = \"{then}\"\nbasis = \"b\"\n"
        )
    };
    let accounts = class("left", "area = \"target\", record = \"user-profile\"", "account-closed", "review");
    let files = class("old", "area = \"foreign\"", "created", "delete");
    let s = Sweeper::new(&w, &format!("[policy]\nname = \"p\"\n{accounts}{files}"));
    s.run(0);
    std::fs::remove_file(&file).unwrap();
    s.run(5);
    std::fs::write(&file, "{\"new\": 1}").unwrap();
    s.run(6);
    assert_eq!(count(&s.run(31), "old", "due"), 0);
    assert_eq!(count(&s.run(37), "old", "marked"), 1);
}

/// Several classes of fields that are due on one record go in one run, each on what those before it left.
#[test]
fn classes_of_one_record_go_one_after_the_other() {
    let class = |id: &str, of: &str, then: &str| {
        format!(
            "[[class]]\nid = \"{id}\"\nmatch = {{ {of} }}\nstart = \"created\"\nperiod = \"30 days\"\nthen = \"{then}\"\ngrace = \"none\"\nbasis = \"b\"\n"
        )
    };
    let w = World::new(Flavor::DataCenter, 0);
    w.issue("Lamp", "flickers", Value::Null);
    w.efface(&["sync", "run"]).exits(0);
    let file = w.home().join("data/other-tool/1.json");
    std::fs::write(&file, format!("{{\"who\": \"{NAME}\", \"list\": [{{\"mail\": \"{EMAIL}\"}}], \"n\": 1.0}}"))
        .unwrap();
    let issue = "area = \"target\", record = \"issue\", field";
    let classes = [
        class("alias", "area = \"foreign\", field = \"who\"", "pseudonymise"),
        class("mail", "area = \"foreign\", field = [\"mail\", \"who\"]", "redact"),
        class("short", &format!("{issue} = [\"summary\", \"description\"]"), "redact"),
        class("none", &format!("{issue} = \"description\""), "clear"),
    ];
    let s = Sweeper::new(&w, &format!("[policy]\nname = \"p\"\n{}", classes.concat()));
    s.run(0);
    let run = s.run(31);
    for class in ["alias", "mail", "short", "none"] {
        assert_eq!(count(&run, class, "changed"), 1, "{class}: {:#?}", run.items);
    }
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        "{\"who\": \"[erased]\", \"list\": [{\"mail\": \"[erased]\"}], \"n\": 1.0}"
    );
    let dump = w.target.control().dump();
    let issue = dump["issues"].as_object().unwrap().values().next().unwrap();
    assert!(issue["summary"] == "[erased]" && issue["description"].as_str().is_none_or(str::is_empty), "{issue:#}");
    assert_eq!(s.run(32).items, [], "and nothing twice");
}

/// Nothing would write an issue anew whose synchronization has a last day.
#[test]
fn nothing_is_renewed_behind_the_last_day() {
    let w = World::new(Flavor::DataCenter, 0);
    w.issue("Lamp", "flickers", Value::Null);
    w.efface(&["sync", "run"]).exits(0);
    w.write_config(&format!("ended = {}", Utc::now().date_naive()));
    let classes = "[policy]\nname = \"anew\"\n[[class]]\nid = \"anew\"\nmatch = { area = \"target\", record = \"issue\" }\nstart = \"created\"\n\
                   period = \"30 days\"\nthen = \"renew\"\ngrace = \"none\"\nbasis = \"b\"\n";
    let s = Sweeper::new(&w, classes);
    let run = s.run(40);
    assert_eq!((count(&run, "anew", "changed"), count(&run, "anew", "review")), (0, 1), "{:#?}", run.items);
    assert!(run.items[0].why.as_ref().unwrap().contains("last day"), "{:#?}", run.items);
    assert_eq!(w.target.control().dump()["issues"].as_object().unwrap().len(), 1);
}
