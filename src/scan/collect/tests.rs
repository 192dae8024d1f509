//! The collector against the sandbox: what it reads, what it asks for, and what it leaves out.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::*;
use crate::{
    jira::{Auth, ClientConfig},
    model::{Coverage, MatrixStatus, RecordType, Secret, Storage},
    sandbox::{Sandbox, SandboxConfig},
};

const BOTH: [Flavor; 2] = [Flavor::Cloud, Flavor::DataCenter];

struct World {
    sandbox: Sandbox,
    client: Client,
    place: RemotePlace,
}

/// What a collection gave.
#[derive(Default)]
struct Got {
    records: BTreeMap<RecordRef, Value>,
    done: Vec<Done>,
    coverage: Vec<Coverage>,
    facts: Facts,
}

impl Got {
    fn of_type(&self, kind: RecordType) -> usize {
        self.records.keys().filter(|r| r.record_type == kind).count()
    }
}

async fn world(flavor: Flavor, issues: usize) -> World {
    let mut config = SandboxConfig::new(flavor);
    (config.issues, config.seed) = (issues, 3);
    let sandbox = Sandbox::start(config).await.unwrap();
    let auth = Auth::Basic { user: sandbox.user().to_owned(), secret: Secret::new(sandbox.token().to_owned()) };
    let client = Client::new(ClientConfig::new("x".parse().unwrap(), sandbox.url(), flavor, auth)).unwrap();
    let project = sandbox.project().clone();
    World { client, place: RemotePlace { area: Area::Source, instance: "x".parse().unwrap(), project }, sandbox }
}

impl World {
    async fn collect(&self, seen: Option<Arc<dyn Seen>>) -> Got {
        let mut got = Got::default();
        let mut twice = Vec::new();
        let sink = |event| match event {
            Event::Record(_, record) => {
                if got.records.insert(record.record.clone(), record.json).is_some() {
                    twice.push(record.record);
                }
            }
            Event::Done(done) => got.done.push(done),
        };
        let Collected { coverage, facts, issues } =
            collect(&self.client, &self.place, Reading { known: &[], seen, quick: None }, sink, |_| {}).await;
        assert!(twice.is_empty(), "given twice: {twice:?}");
        assert_eq!(issues, got.done.len() as u64);
        Got { coverage, facts, ..got }
    }

    fn issues(&self) -> Vec<Value> {
        self.sandbox.control().dump()["issues"].as_object().unwrap().values().cloned().collect()
    }
}

fn len(issue: &Value, part: &str) -> usize {
    issue[part].as_array().map_or_else(|| issue[part].as_object().map_or(0, serde_json::Map::len), Vec::len)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_is_read_with_the_fewest_requests() {
    for flavor in BOTH {
        let world = world(flavor, 60).await;
        world.sandbox.control().reset_requests();
        let got = world.collect(None).await;
        let issues = world.issues();
        for (kind, part) in [
            (RecordType::Comment, "comments"),
            (RecordType::Worklog, "worklogs"),
            (RecordType::Attachment, "attachments"),
            (RecordType::History, "history"),
            (RecordType::Watcher, "watchers"),
            (RecordType::Vote, "voters"),
            (RecordType::RemoteLink, "remoteLinks"),
        ] {
            // A voter has no id of its own in the record, so several of one issue look alike.
            let there: usize = issues.iter().map(|i| len(i, part)).sum();
            assert!(there > 0, "{part}: nothing to read");
            assert!(kind == RecordType::Vote || got.of_type(kind) == there, "{flavor:?} {part}: {there}");
        }
        assert_eq!(got.of_type(RecordType::Issue), issues.len());
        assert!(got.coverage.iter().all(|c| c.status.is_complete()), "{:?}", got.coverage);
        assert!(got.done.len() == issues.len() && got.done.iter().all(|d| d.whole && d.known == Known::No));
        // One for the body with history and properties, one for the remote links, and what the body says there is.
        let cloud = flavor == Flavor::Cloud;
        let unavoidable: usize = issues
            .iter()
            .map(|i| {
                let cut = [usize::from(cloud && len(i, "comments") > 20), usize::from(len(i, "worklogs") > 20)];
                let social = usize::from(len(i, "watchers") > 0) + usize::from(len(i, "voters") > 0);
                let files = len(i, "attachments") * if cloud { 2 } else { 1 };
                // Data Center gives the properties of one comment at a time.
                let comments = if cloud { 0 } else { len(i, "comments") };
                2 + cut.iter().sum::<usize>() + social + files + comments
            })
            .sum();
        let asked = usize::try_from(world.sandbox.control().requests()).unwrap();
        assert!(asked >= unavoidable, "{flavor:?}: {asked} of {unavoidable}: the test counts wrongly");
        assert!(asked - unavoidable <= BESIDE, "{flavor:?}: {asked} requests, {unavoidable} are unavoidable");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn properties_of_comments_are_read() {
    for flavor in BOTH {
        let world = world(flavor, 12).await;
        let issue = world.issues().into_iter().find(|i| len(i, "comments") > 0).expect("an issue with a comment");
        let id = issue["comments"][0]["id"].as_str().map_or_else(|| issue["comments"][0]["id"].to_string(), Into::into);
        world.client.set_comment_property(&id, "app.note", serde_json::json!({ "by": "zxan" })).await.unwrap();
        let got = world.collect(None).await;
        let wanted = format!("comment/{id}/app.note");
        assert!(got.records.keys().any(|r| r.id.as_deref() == Some(wanted.as_str())), "{flavor:?}: {wanted}");
        assert_eq!(got.facts.0[&Storage::CommentProperties].status, MatrixStatus::Examined, "{flavor:?}");
        assert!(got.coverage.iter().all(|c| c.status.is_complete()), "{flavor:?}: {:?}", got.coverage);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn properties_of_worklogs_are_read() {
    for flavor in BOTH {
        let world = world(flavor, 12).await;
        let issue = world.issues().into_iter().find(|i| len(i, "worklogs") > 0).expect("an issue with a worklog");
        let key = issue["key"].as_str().unwrap();
        let id = world.client.worklogs(key).await.unwrap()[0]["id"].as_str().unwrap().to_owned();
        let set = world.client.set_worklog_property(key, &id, "app.note", serde_json::json!({ "by": "zxan" })).await;
        let got = world.collect(None).await;
        let cloud = flavor == Flavor::Cloud;
        assert_eq!(set.is_ok(), cloud, "{set:?}");
        let wanted = format!("worklog/{id}/app.note");
        assert_eq!(got.records.keys().any(|r| r.id.as_deref() == Some(wanted.as_str())), cloud, "{flavor:?}: {wanted}");
        let status = if cloud { MatrixStatus::Examined } else { MatrixStatus::Absent };
        assert_eq!(got.facts.0[&Storage::WorklogProperties].status, status, "{flavor:?}");
        assert!(got.coverage.iter().all(|c| c.status.is_complete()), "{flavor:?}: {:?}", got.coverage);
    }
}

/// Requests that do not grow with the issues: the project with its settings, a page of the search, the numbers above the
/// highest, on Cloud the properties of up to a thousand comments.
const BESIDE: usize = 25;

/// Remembers issues by id and `updated`, and every attachment.
struct Memory(BTreeSet<(String, Option<String>)>, Known);

impl Memory {
    fn of(got: &Got, known: Known) -> Option<Arc<dyn Seen>> {
        let all: BTreeSet<_> = got.done.iter().map(|d| (d.issue.id.clone(), d.issue.updated.clone())).collect();
        assert!(all.iter().all(|(id, updated)| !id.is_empty() && updated.is_some()));
        Some(Arc::new(Self(all, known)))
    }
}

impl Seen for Memory {
    fn issue(&self, issue: &Listed) -> Known {
        if self.0.contains(&(issue.id.clone(), issue.updated.clone())) { self.1 } else { Known::No }
    }

    fn attachment(&self, _: &Value) -> bool {
        true
    }
}

/// What the records of a collection are, but for contents.
fn differing(a: &Got, b: &Got) -> BTreeSet<RecordType> {
    let keys: BTreeSet<_> = a.records.keys().chain(b.records.keys()).collect();
    keys.into_iter().filter(|k| a.records.get(*k) != b.records.get(*k)).map(|k| k.record_type).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_known_issue_only_what_cannot_have_changed_is_left_out() {
    for flavor in BOTH {
        let cloud = flavor == Flavor::Cloud;
        let world = world(flavor, 30).await;
        let comment =
            world.issues().into_iter().find(|i| len(i, "comments") > 0).expect("a comment")["comments"][0].clone();
        let id = comment["id"].as_str().map_or_else(|| comment["id"].to_string(), Into::into);
        world.client.set_comment_property(&id, "app.note", serde_json::json!({ "by": "zxan" })).await.unwrap();
        world.sandbox.control().reset_requests();
        let first = world.collect(None).await;
        let full = world.sandbox.control().requests();
        // Read before: everything again but contents, and on Data Center the properties of comments.
        world.sandbox.control().reset_requests();
        let before = world.collect(Memory::of(&first, Known::Before)).await;
        let asked = world.sandbox.control().requests();
        assert!(asked < full, "{flavor:?}: {asked} of {full} requests");
        let left_out = if cloud { vec![] } else { vec![RecordType::Property] };
        assert_eq!(differing(&first, &before), left_out.into_iter().collect(), "{flavor:?}");
        let properties = &before.facts.0[&Storage::CommentProperties];
        let status = if cloud { MatrixStatus::Examined } else { MatrixStatus::Partial };
        assert_eq!(properties.status, status, "{flavor:?}: what is left out is stated");
        let log = world.sandbox.control().request_log();
        assert!(!log.iter().any(|(_, path)| path.contains("/attachment/")), "{flavor:?}: a content is read again");
        // Just read: one call an issue.
        world.sandbox.control().reset_requests();
        let just = world.collect(Memory::of(&first, Known::JustNow)).await;
        let asked = usize::try_from(world.sandbox.control().requests()).unwrap();
        let cut = world.issues().iter().filter(|i| len(i, "comments") > 20 || len(i, "worklogs") > 20).count();
        assert!(asked <= 30 + 2 * cut + BESIDE, "{flavor:?}: {asked} requests for 30 issues");
        assert!(just.done.iter().all(|d| d.known == Known::JustNow && d.whole));
        for kind in [RecordType::Issue, RecordType::Comment, RecordType::Worklog, RecordType::History] {
            assert_eq!(just.of_type(kind), first.of_type(kind), "{flavor:?} {kind:?}");
        }
        // A changed one is read whole, whatever is remembered of its past.
        world.sandbox.control().edit_issue_behind("DEMO-2", "summary", "Another one").unwrap();
        let again = world.collect(Memory::of(&first, Known::JustNow)).await;
        let fresh: Vec<_> = again.done.iter().filter(|d| d.known == Known::No).map(|d| d.issue.key.as_str()).collect();
        assert_eq!(fresh, ["DEMO-2"], "{flavor:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_stale_search_says_is_no_proof() {
    /// Knows every issue as the search lists it, and has one edited between its listing and its reading.
    struct Behind(crate::sandbox::Control);

    impl Seen for Behind {
        fn issue(&self, issue: &Listed) -> Known {
            if issue.key == "DEMO-2" {
                self.0.edit_issue_behind("DEMO-2", "summary", "Another one").unwrap();
            }
            Known::JustNow
        }

        fn attachment(&self, _: &Value) -> bool {
            true
        }
    }

    for flavor in BOTH {
        let world = world(flavor, 6).await;
        let got = world.collect(Some(Arc::new(Behind(world.sandbox.control())))).await;
        let fresh: Vec<_> = got.done.iter().filter(|d| d.known == Known::No).map(|d| d.issue.key.as_str()).collect();
        assert_eq!(fresh, ["DEMO-2"], "{flavor:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_issue_is_done_after_the_properties_of_its_comments() {
    let world = world(Flavor::DataCenter, 30).await;
    let comments: Vec<_> = world.issues().iter().flat_map(|i| i["comments"].as_array().unwrap().clone()).collect();
    assert!(comments.len() > 8);
    for comment in &comments {
        let id = comment["id"].as_str().map_or_else(|| comment["id"].to_string(), Into::into);
        world.client.set_comment_property(&id, "app.note", serde_json::json!("zxan")).await.unwrap();
    }
    let (mut done, mut late, mut properties) = (BTreeSet::new(), 0, 0);
    let sink = |event| match event {
        Event::Record(number, record) if record.record.id.as_deref().is_some_and(|id| id.starts_with("comment/")) => {
            properties += 1;
            late += usize::from(number == 0 || done.contains(&number));
        }
        Event::Record(..) => {}
        Event::Done(issue) => {
            done.insert(issue.number);
        }
    };
    collect(&world.client, &world.place, Reading::all(&[]), sink, |_| {}).await;
    assert_eq!((properties, late, done.len()), (comments.len(), 0, 30));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_in_trouble_gives_the_same_records() {
    for flavor in BOTH {
        let world = world(flavor, 20).await;
        let calm = world.collect(None).await;
        world.sandbox.control().fault_every(9);
        let troubled = world.collect(None).await;
        assert_eq!(calm.records, troubled.records, "{flavor:?}");
        assert!(troubled.coverage.iter().all(|c| c.status.is_complete()), "{:?}", troubled.coverage);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_search_lists_is_read_by_its_key_or_counted() {
    for flavor in BOTH {
        let world = world(flavor, 12).await;
        let control = world.sandbox.control();
        control.set_archived("DEMO-3", true).unwrap();
        control.set_security("DEMO-5", "Secret").unwrap();
        control.set_outside("Secret", true);
        let got = world.collect(None).await;
        let has = |key: &str| got.records.keys().any(|r| r.key.as_deref() == Some(key));
        assert!(has("DEMO-3"), "{flavor:?}: an archived issue is read by its key");
        assert!(!has("DEMO-5"), "the test hides nothing");
        let hidden = &got.facts.0[&Storage::HiddenIssues];
        assert_eq!(hidden.status, MatrixStatus::OutOfReach, "{flavor:?}");
        let why = hidden.reason.as_deref().unwrap();
        assert!(
            why.contains("1 issue numbers of DEMO were not seen") && why.contains("1 issues of DEMO that no"),
            "{why}"
        );
        // Deletions are nothing special: a missing number alone leaves no scan incomplete.
        assert!(got.coverage.iter().all(|c| c.status.is_complete()), "{:?}", got.coverage);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_see_the_watchers_is_told_so() {
    for flavor in BOTH {
        let world = world(flavor, 4).await;
        world.sandbox.control().deny("VIEW_VOTERS_AND_WATCHERS", true);
        let got = world.collect(None).await;
        let line = got.coverage.iter().find(|c| c.place.spot().ends_with("/watchers"));
        assert!(line.is_some_and(|l| !l.status.is_complete()), "{flavor:?}: {:?}", got.coverage);
        assert_ne!(got.facts.0[&Storage::Watchers].status, MatrixStatus::Examined);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_are_records_and_what_is_not_for_the_account_is_out_of_reach_not_a_failure() {
    for flavor in BOTH {
        let world = world(flavor, 3).await;
        let ids = |got: &Got, name: &str| {
            let of = |r: &&RecordRef| r.key.is_none() && r.id.as_deref().is_some_and(|id| id.starts_with(name));
            got.records.keys().filter(of).count()
        };
        let got = world.collect(None).await;
        for name in ["project", "component/", "version/", "role/", "permissionscheme", "board/", "filter/", "sprint/"] {
            assert!(ids(&got, name) > 0, "{flavor:?}: no {name}");
        }
        assert_eq!(got.facts.0[&Storage::Roles].status, MatrixStatus::Examined);
        world.sandbox.control().set_admin(false);
        let got = world.collect(None).await;
        assert_eq!(ids(&got, "permissionscheme"), 0);
        let schemes = &got.facts.0[&Storage::Schemes];
        assert!(schemes.ask.is_some() && schemes.status != MatrixStatus::Examined, "{flavor:?}: {schemes:?}");
        assert!(got.coverage.iter().all(|c| c.status.is_complete()), "{flavor:?}: {:?}", got.coverage);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_gives_the_persons_own_account_and_what_names_it() {
    for flavor in BOTH {
        let world = world(flavor, 3).await;
        let person = world.sandbox.control().people().remove(2);
        let account = match flavor {
            Flavor::Cloud => UserQuery::AccountId(person.id.clone()),
            Flavor::DataCenter => UserQuery::Username(person.name.clone()),
        };
        let place = InstancePlace { area: Area::Source, instance: "x".parse().unwrap() };
        let mut records = Vec::new();
        let got = collect_instance(&world.client, &place, &[account], |r| records.push(r)).await;
        let profile = records.iter().find(|r| r.record.record_type == RecordType::UserProfile).unwrap();
        assert_eq!(profile.json["displayName"], person.display_name.as_str());
        assert_eq!(profile.record.id, None, "an id would be the person's own");
        let has = |name: &str| records.iter().any(|r| r.record.id.as_deref().is_some_and(|id| id.starts_with(name)));
        assert!(has("dashboard/"), "{flavor:?}");
        assert_eq!(has("filter/"), flavor == Flavor::Cloud, "Data Center lists filters to nobody");
        let status = |kind| got.facts.0[&kind].status;
        assert_eq!(status(Storage::UserProfile), MatrixStatus::Examined);
        let filters = if flavor == Flavor::Cloud { MatrixStatus::Examined } else { MatrixStatus::OutOfReach };
        assert_eq!(status(Storage::Filters), filters);
        assert!(got.coverage.iter().all(|c| c.status.is_complete()));
        let nobody = collect_instance(&world.client, &place, &[], |_| {}).await;
        assert_eq!(nobody.facts.0[&Storage::UserProfile].status, MatrixStatus::Unexamined);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quick_search_reads_what_the_conditions_find_and_is_never_complete() {
    for flavor in BOTH {
        let world = world(flavor, 12).await;
        world.sandbox.control().edit_issue_behind("DEMO-4", "summary", "Xylophone of Quux").unwrap();
        let conditions = ["text ~ \"\\\"Xylophone of Quux\\\"\"".to_owned(), "nosuchfield = 1".to_owned()];
        let reading = Reading { quick: Some(&conditions), ..Reading::all(&[]) };
        let mut keys = BTreeSet::new();
        let sink = |event| {
            if let Event::Done(done) = event {
                keys.insert(done.issue.key);
            }
        };
        let got = collect(&world.client, &world.place, reading, sink, |_| {}).await;
        assert_eq!(keys.into_iter().collect::<Vec<_>>(), ["DEMO-4"], "{flavor:?}");
        let why = got.coverage[0].reason.as_deref().unwrap();
        assert!(
            !got.coverage[0].status.is_complete() && why.contains("not exhaustive") && why.contains("refused 1"),
            "{why}"
        );
        assert_eq!(got.facts.0[&Storage::Comments].status, MatrixStatus::Partial);
    }
}
