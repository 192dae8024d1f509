//! Two sandboxes that both are worked in: echoes, conflicts, and chance.

use std::collections::BTreeMap;

use serde_json::{Map, json};

use super::{
    tests::{World, world_of},
    *,
};
use crate::{
    config,
    jira::{Auth, ClientConfig, Gone, Notify, Upload},
    model::Flavor,
    sandbox::Sandbox,
};

const TWO_WAY: &str = "direction = \"two-way\"\nusers = \"text\"\n";

/// Somebody who works in an instance, and is not our account.
struct Person {
    client: Client,
    project: &'static str,
    cloud: bool,
}

impl Person {
    fn of(sandbox: &Sandbox, project: &'static str) -> Self {
        let cloud = sandbox.flavor() == Flavor::Cloud;
        let people = sandbox.control().people();
        let who = people
            .iter()
            .find(|p| p.active && p.email.is_some() && p.id != sandbox.account_id())
            .expect("somebody else");
        let user = if cloud { who.email.clone().unwrap() } else { who.name.clone() };
        let auth = Auth::Basic { user, secret: crate::model::Secret::new(sandbox.token().to_owned()) };
        let config = ClientConfig::new("somebody".parse().unwrap(), sandbox.url(), sandbox.flavor(), auth);
        Self { client: Client::new(config).unwrap(), project, cloud }
    }

    fn text(&self, text: &str) -> Value {
        if !self.cloud {
            return json!(text);
        }
        json!({"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": text}]}]})
    }

    async fn create(&self, summary: &str) -> String {
        let fields = json!({"project": {"key": self.project}, "issuetype": {"name": "Task"}, "summary": summary,
            "description": self.text("as it began")});
        self.client.create_issue(fields.as_object().unwrap().clone(), &[]).await.unwrap().key
    }

    async fn edit(&self, key: &str, fields: Value) {
        let fields = fields.as_object().unwrap().clone();
        self.client.edit_issue(key, fields, Map::new(), Notify::PreferNever).await.unwrap();
    }

    async fn comment(&self, key: &str, text: &str) -> String {
        content::id_of(&self.client.add_comment(key, self.text(text), &[]).await.unwrap())
    }

    /// What the issues say, by summary: only what both sides have to agree on; texts without their spaces.
    async fn issues(&self) -> BTreeMap<String, Value> {
        let mut out = BTreeMap::new();
        let jql = format!("project = {} ORDER BY key", self.project);
        for issue in self.client.search(&jql, &["*all"]).all().await.unwrap() {
            let whole = self.client.issue(issue.id(), &["*all"], false, &[]).await.unwrap().unwrap();
            let field = |name: &str| whole.field(name).cloned().unwrap_or_default();
            let mut comments: Vec<String> = Vec::new();
            for comment in self.client.comments(issue.key()).await.unwrap() {
                comments.push(body::text_of(&gone::unattributed(&comment["body"])));
            }
            comments.sort();
            let mut files: Vec<Value> = field("attachment")
                .as_array()
                .into_iter()
                .flatten()
                .map(|a| json!([a["filename"], a["size"]]))
                .collect();
            files.sort_by_key(Value::to_string);
            let mut logged: Vec<Value> = Vec::new();
            for log in self.client.worklogs(issue.key()).await.unwrap() {
                let text = body::text_of(&log["comment"]);
                // Ours name the author in front.
                let text = text.split_once("loggedthiswork").map_or(text.as_str(), |(_, rest)| rest).to_owned();
                logged.push(json!([log["timeSpentSeconds"], text]));
            }
            logged.sort_by_key(Value::to_string);
            let mut links: Vec<Value> = Vec::new();
            for link in field("issuelinks").as_array().into_iter().flatten() {
                let (way, other) = if link["outwardIssue"].is_object() {
                    ("out", &link["outwardIssue"])
                } else {
                    ("in", &link["inwardIssue"])
                };
                let other =
                    self.client.issue(other["key"].as_str().unwrap(), &["summary"], false, &[]).await.unwrap().unwrap();
                links.push(json!([link["type"]["name"], way, other.summary()]));
            }
            links.sort_by_key(Value::to_string);
            let said = json!({
                "worklogs": logged,
                "duedate": field("duedate"),
                "environment": body::text_of(&field("environment")),
                "links": links,
                "description": body::text_of(&field("description")),
                "labels": content::canonical("labels", &field("labels")),
                "priority": field("priority")["name"],
                "status": field("status")["name"],
                "comments": comments,
                "files": files,
            });
            let summary = field("summary").as_str().unwrap().to_owned();
            assert!(out.insert(summary.clone(), said).is_none(), "{summary} stands twice in {}", self.project);
        }
        out
    }
}

struct Both {
    world: World,
    hq: Person,
    part: Person,
}

async fn both(source: Flavor, target: Flavor, extra: &str) -> Both {
    let world = world_of(source, target, 0, &format!("{TWO_WAY}{extra}")).await;
    let (hq, part) = (Person::of(&world.source, "HQ"), Person::of(&world.target, "PART"));
    Both { world, hq, part }
}

impl Both {
    async fn run(&self) -> RunReport {
        let now = Utc::now;
        let w = &self.world;
        let deps = Deps {
            config: &w.config,
            store: &w.store,
            clients: &w.clients,
            now: &now,
            progress: &Silent,
            full: false,
            allow_deletions: None,
        };
        run(&deps, &[]).await.unwrap()
    }

    async fn done(&self) {
        let report = self.run().await;
        assert!(report.is_complete(), "{report:#?}");
    }

    /// The one issue on each side, by its key.
    async fn keys(&self) -> (String, String) {
        let mut out = Vec::new();
        for person in [&self.hq, &self.part] {
            let found =
                person.client.search(&format!("project = {}", person.project), &["summary"]).all().await.unwrap();
            assert_eq!(found.len(), 1, "{}", person.project);
            out.push(found[0].key().to_owned());
        }
        (out.remove(0), out.remove(0))
    }

    fn reset(&self) {
        self.world.source.control().reset_requests();
        self.world.target.control().reset_requests();
    }

    fn writes(&self) -> Vec<(String, String)> {
        [&self.world.source, &self.world.target]
            .into_iter()
            .flat_map(|s| s.control().request_log())
            .filter(|(method, path)| method != "GET" && !path.contains("/search"))
            .collect()
    }

    async fn agree(&self) -> BTreeMap<String, Value> {
        let (hq, part) = (self.hq.issues().await, self.part.issues().await);
        assert_eq!(hq, part);
        hq
    }
}

const PAIRS: [(Flavor, Flavor); 2] = [(Flavor::DataCenter, Flavor::Cloud), (Flavor::Cloud, Flavor::DataCenter)];

#[tokio::test(flavor = "multi_thread")]
async fn what_is_made_and_changed_on_either_side_is_on_both_and_no_echo_is_written() {
    for (source, target) in PAIRS {
        let w = both(source, target, "").await;
        let (one, two) = (w.hq.create("From home").await, w.part.create("From the partner").await);
        w.hq.comment(&one, "said at home").await;
        w.part.comment(&two, "said there").await;
        let file = Upload::Bytes(b"0123".to_vec().into());
        w.part.client.upload(&two, "a.txt", file).await.unwrap();
        w.done().await;
        let said = w.agree().await;
        assert_eq!((said.len(), &said["From the partner"]["files"]), (2, &json!([["a.txt", 4]])));
        w.reset();
        w.done().await;
        assert_eq!(w.writes(), [], "no echo");
        let (hq, part) = (w.hq.issues().await, w.part.issues().await);
        assert_eq!(hq, part);
        // Each side changes what the other one made.
        let copy = |found: Vec<crate::jira::Issue>, name: &str| {
            found.iter().find(|i| i.field("summary").unwrap() == name).unwrap().key().to_owned()
        };
        let there = w.part.client.search("project = PART", &["summary"]).all().await.unwrap();
        let here = w.hq.client.search("project = HQ", &["summary"]).all().await.unwrap();
        w.part
            .edit(&copy(there, "From home"), json!({"labels": ["seen"], "description": w.part.text("told there")}))
            .await;
        w.hq.edit(&copy(here, "From the partner"), json!({"summary": "From the partner, read"})).await;
        w.done().await;
        let said = w.agree().await;
        assert_eq!(said["From home"]["labels"], json!(["seen"]));
        assert_eq!(said["From home"]["description"], json!("toldthere"));
        assert!(said.contains_key("From the partner, read"));
        w.reset();
        w.done().await;
        assert_eq!(w.writes(), []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn comments_go_both_ways_and_an_original_keeps_its_author_and_its_text() {
    for (source, target) in PAIRS {
        let w = both(source, target, "").await;
        let one = w.hq.create("Door").await;
        let first = w.hq.comment(&one, "opens left").await;
        w.done().await;
        let (one, two) = {
            let (a, b) = w.keys().await;
            assert_eq!(a, one);
            (a, b)
        };
        let copy = content::id_of(&w.part.client.comments(&two).await.unwrap()[0]);
        // Somebody corrects the copy.
        let body = w.part.client.comment(&two, &copy).await.unwrap().unwrap()["body"].clone();
        let corrected: Value = serde_json::from_str(&body.to_string().replace("left", "right")).unwrap();
        w.part.client.edit_comment(&two, &copy, corrected).await.unwrap();
        w.done().await;
        let original = w.hq.client.comment(&one, &first).await.unwrap().unwrap();
        assert_eq!(body::text_of(&original["body"]), "opensright", "no name in front of the original");
        w.reset();
        w.done().await;
        assert_eq!(w.writes(), []);
        // And the original: the copy names its author still.
        w.hq.client.edit_comment(&one, &first, w.hq.text("opens inwards")).await.unwrap();
        w.done().await;
        let copied = body::text_of(&w.part.client.comment(&two, &copy).await.unwrap().unwrap()["body"]);
        assert!(copied.contains("wrote") && copied.ends_with("opensinwards"), "{copied}");
        // The original goes, and so does its copy. A copy goes, and the original stays, for good.
        let second = w.part.comment(&two, "made there").await;
        w.done().await;
        w.hq.client.delete_comment(&one, &first).await.unwrap();
        let there = w.hq.client.comments(&one).await.unwrap();
        assert_eq!(w.hq.client.delete_comment(&one, &content::id_of(&there[0])).await.unwrap(), Gone::Deleted);
        w.done().await;
        w.done().await;
        let left: Vec<String> = w.part.client.comments(&two).await.unwrap().iter().map(content::id_of).collect();
        assert_eq!(left, [second]);
        assert_eq!(w.hq.client.comments(&one).await.unwrap().len(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_is_one_of_a_field_and_what_loses_is_kept() {
    for (conflict, first, wins) in [
        ("newest", "hq", "partner's"),
        ("newest", "partner", "home's"),
        ("source", "hq", "home's"),
        ("target", "partner", "partner's"),
    ] {
        let w = both(Flavor::DataCenter, Flavor::Cloud, &format!("conflict = \"{conflict}\"\n")).await;
        w.hq.create("Door").await;
        w.done().await;
        let (one, two) = w.keys().await;
        let order = if first == "hq" {
            [(&w.hq, &one, "home's"), (&w.part, &two, "partner's")]
        } else {
            [(&w.part, &two, "partner's"), (&w.hq, &one, "home's")]
        };
        for (person, key, text) in order {
            person.edit(key, json!({"summary": text})).await;
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        // Another field is no part of the quarrel.
        w.hq.edit(&one, json!({"labels": ["x"]})).await;
        let report = w.run().await;
        assert!(report.is_complete(), "{report:#?}");
        assert_eq!(report.syncs.values().map(|r| r.conflicts).sum::<u64>(), 1, "{conflict}: {report:#?}");
        let said = w.agree().await;
        assert_eq!(said.keys().collect::<Vec<_>>(), [wins], "{conflict}, {first} first");
        assert_eq!(said[wins]["labels"], json!(["x"]));
        // Both texts are still somewhere: in the issue, or in the staged message of the loser.
        let loser = if wins == "home's" { "partner's" } else { "home's" };
        let mut kept = false;
        for one in status(&w.world.config, &w.world.store, &[]).unwrap() {
            let home = w.world.config.home().unwrap();
            let staging = Staging::open(&home.staging, &one.sync, &w.world.store).unwrap();
            for entry in one.entries {
                let message = staging.message(entry.id).unwrap();
                kept |= message.lost.iter().any(|l| l.value == loser) || message.fields["summary"] == loser;
            }
        }
        assert!(kept, "{conflict}: {loser} is gone");
        w.reset();
        w.done().await;
        assert_eq!(w.writes(), []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_person_is_to_choose_both_wait_and_one_choice_ends_it() {
    for (take, wins) in [(Take::Source, "home's"), (Take::Target, "partner's")] {
        let w = both(Flavor::DataCenter, Flavor::Cloud, "conflict = \"ask\"\n").await;
        w.hq.create("Door").await;
        w.done().await;
        let (one, two) = w.keys().await;
        w.hq.edit(&one, json!({"summary": "home's"})).await;
        w.part.edit(&two, json!({"summary": "partner's"})).await;
        let report = w.run().await;
        assert!(!report.is_complete());
        let all = status(&w.world.config, &w.world.store, &[]).unwrap();
        let parked: Vec<_> = all.iter().flat_map(|s| &s.entries).filter(|e| e.state == State::Parked).collect();
        let causes: Vec<_> = parked.iter().map(|e| e.error.as_ref().unwrap().0.as_str()).collect();
        assert_eq!(causes, ["conflict", "conflict"]);
        let chosen = all[0].entries.iter().find(|e| e.state == State::Parked).unwrap().id;
        let now = Utc::now;
        let s = &w.world;
        let deps = Deps {
            config: &s.config,
            store: &s.store,
            clients: &s.clients,
            now: &now,
            progress: &Silent,
            full: false,
            allow_deletions: None,
        };
        let which = Retry { take: Some(take), ..Retry::one(chosen, false) };
        retry(&deps, &["s".parse().unwrap()], &which).await.unwrap();
        w.run().await;
        w.done().await;
        assert_eq!(w.agree().await.keys().collect::<Vec<_>>(), [wins]);
        // What lost was parked on the other road: it is not written before the winner comes round again.
        let history = json!(w.hq.client.changelog(&one).await.unwrap()).to_string();
        assert_eq!(history.contains("partner's"), take == Take::Target, "{history}");
    }
}

/// A run that is killed between a write and the look at what became of it: the history says that it was we, so what we wrote
/// (cut, say, or in another markup) is not carried back over the original.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_run_wrote_is_no_change() {
    for (source, target) in PAIRS {
        let w = both(source, target, "").await;
        let one = w.hq.create("Door").await;
        let said = w.hq.comment(&one, "as said").await;
        w.done().await;
        let (_, two) = w.keys().await;
        let back: SyncName = "s.back".parse().unwrap();
        let bot = w.world.partner();
        let id = bot.issue(&two, &["summary"], false, &[]).await.unwrap().unwrap().id().to_owned();
        let copy = content::id_of(&bot.comments(&two).await.unwrap()[0]);
        let store = &w.world.store;
        let doubt = |kind, id: &str| store.touched(&back, kind, id).unwrap().values().any(|t| t.writing);
        assert!(!doubt(PairKind::Issue, &id) && !doubt(PairKind::Comment, &copy), "a whole run leaves no doubt");
        store.begin_writing(&back, PairKind::Issue, &id, &["summary", "labels"]).unwrap();
        store.begin_writing(&back, PairKind::Comment, &copy, &["body"]).unwrap();
        let fields = Map::from_iter([("summary".to_owned(), json!("Do█r"))]);
        bot.edit_issue(&two, fields, Map::new(), Notify::PreferNever).await.unwrap();
        bot.edit_comment(&two, &copy, w.part.text("█")).await.unwrap();
        // What a person did to another field of which the same doubt is, is a change.
        w.part.edit(&two, json!({"labels": ["theirs"]})).await;
        w.done().await;
        let home = w.hq.client.issue(&one, &["summary", "labels"], false, &[]).await.unwrap().unwrap();
        assert_eq!(
            (home.field("summary").unwrap(), home.field("labels").unwrap()),
            (&json!("Door"), &json!(["theirs"]))
        );
        assert_eq!(body::text_of(&w.hq.client.comment(&one, &said).await.unwrap().unwrap()["body"]), "assaid");
        assert!(!doubt(PairKind::Issue, &id) && !doubt(PairKind::Comment, &copy));
    }
}

/// What one leg may have made and does not know yet is not carried back as somebody's.
#[tokio::test(flavor = "multi_thread")]
async fn what_may_be_ours_waits_until_it_is_known() {
    let w = both(Flavor::DataCenter, Flavor::DataCenter, "").await;
    let (back, there): (SyncName, SyncName) = ("s.back".parse().unwrap(), "s".parse().unwrap());
    let bot = w.world.partner();
    let fields = json!({"project": {"key": "PART"}, "issuetype": {"name": "Task"}, "summary": "Made by us"});
    bot.create_issue(fields.as_object().unwrap().clone(), &[]).await.unwrap();
    w.part.create("Made by them").await;
    let intent = |kind, source_issue: &str| crate::store::Intent {
        mark: ulid::Ulid::generate(),
        sync: there.clone(),
        kind,
        source_issue: source_issue.into(),
        source_id: source_issue.into(),
        target_issue: None,
        fingerprint: vec![1],
        started: Utc::now().to_rfc3339(),
    };
    let open = intent(PairKind::Issue, "4711");
    w.world.store.add_intent(&open).unwrap();
    let report = w.run().await;
    assert_eq!(report.syncs[&back].errors.len(), 1, "{report:#?}");
    assert_eq!(w.hq.issues().await.keys().collect::<Vec<_>>(), ["Made by them"]);
    w.world.store.clear_intent(open.mark).unwrap();
    w.done().await;
    assert_eq!(w.hq.issues().await.len(), 2);
    // The same of a comment on an issue that both know.
    let found = w.part.client.search("project = PART", &["summary"]).all().await.unwrap();
    let issue = found.iter().find(|i| i.summary() == Some("Made by them")).unwrap();
    let pair = w.world.store.pair(&back, PairKind::Issue, issue.id()).unwrap().unwrap();
    let open = intent(PairKind::Comment, &pair.target_id);
    w.world.store.add_intent(&open).unwrap();
    bot.add_comment(issue.key(), json!("ours, perhaps"), &[]).await.unwrap();
    let report = w.run().await;
    assert_eq!(report.syncs[&back].errors.len(), 1, "{report:#?}");
    let home = pair.target_key.unwrap();
    assert_eq!(w.hq.client.comments(&home).await.unwrap().len(), 0);
    w.world.store.clear_intent(open.mark).unwrap();
    w.done().await;
    assert_eq!(w.hq.client.comments(&home).await.unwrap().len(), 1);
}

/// A message that waited says nothing of comments that were made since it was read.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_made_since_a_message_was_read_is_not_gone() {
    let w = both(Flavor::DataCenter, Flavor::DataCenter, "").await;
    let one = w.hq.create("Door").await;
    w.done().await;
    let (_, two) = w.keys().await;
    w.world.target.control().hide_project("PART", true);
    w.hq.edit(&one, json!({"labels": ["x"]})).await;
    assert!(!w.run().await.is_complete(), "its message is staged, and goes nowhere");
    w.world.target.control().hide_project("PART", false);
    w.part.comment(&two, "made there").await;
    let now = Utc::now;
    let s = &w.world;
    let deps = Deps {
        config: &s.config,
        store: &s.store,
        clients: &s.clients,
        now: &now,
        progress: &Silent,
        full: false,
        allow_deletions: None,
    };
    // The way back goes first this time.
    run(&deps, &["s.back".parse().unwrap()]).await.unwrap();
    assert_eq!(w.hq.client.comments(&one).await.unwrap().len(), 1, "it came over meanwhile");
    retry(&deps, &[], &Retry::all()).await.unwrap();
    let pairs = s.store.pairs(&"s".parse().unwrap()).unwrap();
    assert_eq!(pairs.iter().filter(|p| p.kind == PairKind::Comment && !p.erased).count(), 1);
    w.done().await;
    w.agree().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redaction_does_not_travel_back() {
    let w = both(Flavor::DataCenter, Flavor::DataCenter, "").await;
    let key = w.hq.create("Door of Zoe Quill").await;
    let said = w.hq.comment(&key, "Zoe Quill asks").await;
    w.done().await;
    let (one, two) = w.keys().await;
    let copy = content::id_of(&w.part.client.comments(&two).await.unwrap()[0]);
    let bot = w.world.partner();
    let id = bot.issue(&two, &["summary"], false, &[]).await.unwrap().unwrap().id().to_owned();
    let fields = json!({"summary": "Door of [redacted]"});
    bot.edit_issue(&two, fields.as_object().unwrap().clone(), Map::new(), Notify::PreferNever).await.unwrap();
    bot.edit_comment(&two, &copy, json!("[redacted] asks")).await.unwrap();
    let syncs: Vec<SyncName> = vec!["s".parse().unwrap()];
    let summary = Redacted { kind: PairKind::Issue, target_id: &id, field: "summary" };
    assert_eq!(note_redaction(&w.world.store, &syncs, summary, &json!("Door of [redacted]")).unwrap(), 1);
    let body = Redacted { kind: PairKind::Comment, target_id: &copy, field: "body" };
    assert_eq!(note_redaction(&w.world.store, &syncs, body, &json!("[redacted] asks")).unwrap(), 1);
    for round in 0..3 {
        w.done().await;
        let home = w.hq.client.issue(&one, &["summary"], false, &[]).await.unwrap().unwrap();
        assert_eq!(home.field("summary").unwrap(), "Door of Zoe Quill", "round {round}");
        let text = w.hq.client.comment(&one, &said).await.unwrap().unwrap()["body"].clone();
        assert_eq!(text, "Zoe Quill asks", "round {round}");
        let there = bot.issue(&two, &["summary"], false, &[]).await.unwrap().unwrap();
        assert!(there.field("summary").unwrap().as_str().unwrap().contains("[redacted]"), "round {round}");
        // Not even with what somebody adds to it.
        w.part.edit(&two, json!({"summary": format!("Door of [redacted], round {round}")})).await;
        w.part.edit(&two, json!({"labels": [format!("r{round}")]})).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_original_is_no_copy_of_ours() {
    let w = both(Flavor::DataCenter, Flavor::DataCenter, "").await;
    w.hq.create("Door").await;
    w.done().await;
    for (sync, first) in [("s", false), ("s.back", true)] {
        let pairs = w.world.store.pairs(&sync.parse().unwrap()).unwrap();
        assert_eq!(pairs.iter().map(|p| p.target_first).collect::<Vec<_>>(), [first], "{sync}");
    }
    let carried = w.world.store.carried().unwrap();
    assert_eq!(carried.iter().map(|c| (c.sync.as_str(), c.count)).collect::<Vec<_>>(), [("s", 1)]);
}

/// Chance that a failed run can be played again with.
struct Rng(u64);

impl Rng {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

/// What was made by people and never touched again: it has to be there in the end.
#[derive(Default)]
struct Made {
    issues: usize,
    files: Vec<String>,
    worklogs: usize,
    /// Letters and digits of comments.
    comments: std::collections::BTreeSet<String>,
}

/// Somebody does something to some issue.
async fn act(person: &Person, rng: &mut Rng, n: u64, made: &mut Made) {
    let issues = person.client.search(&format!("project = {}", person.project), &["summary"]).all().await.unwrap();
    if issues.is_empty() || rng.below(8) == 0 {
        person.create(&format!("issue {} {n}", person.project)).await;
        made.issues += 1;
        return;
    }
    let key = issues[rng.below(issues.len() as u64) as usize].key().to_owned();
    let text = format!("said {} {n}", person.project);
    let comments = person.client.comments(&key).await.unwrap();
    let some = if comments.is_empty() { None } else { Some(&comments[rng.below(comments.len() as u64) as usize]) };
    match (rng.below(12), some) {
        (11, _) => {
            let due = format!("2027-01-{:02}", 1 + rng.below(28));
            person.edit(&key, json!({"duedate": due, "environment": person.text(&text)})).await;
        }
        (9, _) => {
            let log = json!({"timeSpentSeconds": 60 * (n + 1), "comment": person.text(&text)});
            person.client.add_worklog(&key, log.as_object().unwrap().clone()).await.unwrap();
            made.worklogs += 1;
        }
        (10, _) => {
            let other = &issues[rng.below(issues.len() as u64) as usize];
            let this = issues.iter().find(|i| i.key() == key).unwrap();
            if this.id() != other.id() {
                person.client.link_issues("Blocks", this.id(), other.id()).await.unwrap();
            }
        }
        (0, _) => person.edit(&key, json!({"summary": text})).await,
        (1, _) => person.edit(&key, json!({"description": person.text(&text)})).await,
        (2, _) => person.edit(&key, json!({"labels": [format!("l{n}")]})).await,
        (3, _) => {
            let name = ["High", "Low", "Medium"][rng.below(3) as usize];
            person.edit(&key, json!({"priority": {"name": name}})).await;
        }
        (4, _) => {
            let ways = person.client.transitions(&key).await.unwrap();
            if !ways.is_empty() {
                let way = &ways[rng.below(ways.len() as u64) as usize];
                person.client.transition(&key, way["id"].as_str().unwrap()).await.unwrap();
            }
        }
        (5, _) => {
            let bytes = Upload::Bytes(text.clone().into_bytes().into());
            let name = format!("f{}{n}.txt", person.project);
            person.client.upload(&key, &name, bytes).await.unwrap();
            made.files.push(name);
        }
        // Edits of a comment; of a copy, which names its author in front, as people do: behind the name.
        (6, Some(comment)) => {
            let copied = body::text_of(&comment["body"]) != body::text_of(&gone::unattributed(&comment["body"]));
            let new = if copied {
                body::attributed(person.text(&text), &users::Written::Text("Somebody".into()), person.client.flavor())
            } else {
                person.text(&text)
            };
            made.comments.remove(&body::text_of(&gone::unattributed(&comment["body"])));
            person.client.edit_comment(&key, &content::id_of(comment), new).await.unwrap();
        }
        // Originals alone: a deleted copy leaves its original, so that both sides need not agree.
        (7, Some(comment))
            if body::text_of(&comment["body"]) == body::text_of(&gone::unattributed(&comment["body"])) =>
        {
            made.comments.remove(&body::text_of(&gone::unattributed(&comment["body"])));
            person.client.delete_comment(&key, &content::id_of(comment)).await.unwrap();
        }
        _ => {
            person.comment(&key, &text).await;
            made.comments.insert(text.chars().filter(|c| c.is_alphanumeric()).collect());
        }
    }
}

fn calm(sides: [&Sandbox; 2]) {
    for side in sides {
        side.control().burst_429(0);
        side.control().fail_500(0);
        side.control().cut_after_commit(0);
        side.control().cut_connections(0);
    }
}

/// Both sides are worked in by chance, between runs that fail and are killed anywhere; after some quiet runs both sides agree,
/// nothing stands twice, and nothing more is written. `EFFACE_SEEDS=FROM..TO` plays more or one again.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_done_on_both_sides_both_agree_in_the_end() {
    let seeds = std::env::var("EFFACE_SEEDS").ok();
    let (from, to) = seeds
        .as_deref()
        .and_then(|s| s.split_once(".."))
        .map_or((0, 4), |(from, to)| (from.parse().unwrap(), to.parse().unwrap()));
    for seed in from..to {
        let (source, target) = PAIRS[seed as usize % 2];
        let all: Vec<&str> = config::known_fields().collect();
        let w = both(source, target, &format!("fields = {all:?}\n")).await;
        let (mut rng, mut made) = (Rng(seed), Made::default());
        let sides = [&w.world.source, &w.world.target];
        for side in sides {
            side.control().set_retry_after(0);
        }
        for round in 0..6 {
            // Faults that no run has met are not for the people.
            calm(sides);
            for n in 0..1 + rng.below(4) {
                let person = if rng.below(2) == 0 { &w.hq } else { &w.part };
                act(person, &mut rng, round * 10 + n, &mut made).await;
            }
            let side = sides[rng.below(2) as usize].control();
            match rng.below(6) {
                0 => side.burst_429(1 + rng.below(3)),
                1 => side.fail_500(1 + rng.below(3)),
                2 => side.cut_after_commit(1),
                3 => side.cut_connections(1 + rng.below(2)),
                _ => {}
            }
            // Killed somewhere, and somebody works on before the next run.
            if rng.below(3) == 0 {
                for side in sides {
                    side.control().set_latency(Duration::from_millis(2));
                }
                let _ = tokio::time::timeout(Duration::from_millis(rng.below(400)), w.run()).await;
                for side in sides {
                    side.control().set_latency(Duration::ZERO);
                }
            } else {
                w.run().await;
            }
        }
        calm(sides);
        let mut report = w.run().await;
        for _ in 0..5 {
            if report.is_complete() {
                break;
            }
            let now = Utc::now;
            let s = &w.world;
            let deps = Deps {
                config: &s.config,
                store: &s.store,
                clients: &s.clients,
                now: &now,
                progress: &Silent,
                full: true,
                allow_deletions: None,
            };
            retry(&deps, &[], &Retry::all()).await.unwrap();
            report = run(&deps, &[]).await.unwrap();
        }
        assert!(report.is_complete(), "seed {seed}: {report:#?}");
        w.run().await;
        w.reset();
        w.done().await;
        assert_eq!(w.writes(), [], "seed {seed}: quiet");
        let (hq, part) = (w.hq.issues().await, w.part.issues().await);
        assert_eq!(hq, part, "seed {seed}");
        assert_eq!(hq.len(), made.issues, "seed {seed}: issues");
        let logged = hq.values().map(|i| i["worklogs"].as_array().unwrap().len()).sum::<usize>();
        assert_eq!(logged, made.worklogs, "seed {seed}: worklogs");
        let all = json!(hq).to_string();
        for text in made.comments.iter().chain(&made.files) {
            assert_eq!(all.matches(&format!("\"{text}\"")).count(), 1, "seed {seed}: {text}");
        }
    }
}
