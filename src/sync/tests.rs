//! Two sandboxes, a home folder and a store: the engine from end to end.

use serde_json::json;

use super::*;
use crate::{
    model::{CaseId, Flavor, Identifier, IdentifierKind, Personal, Subject},
    sandbox::{NewUser, Sandbox, SandboxConfig},
    store::PairKind,
    suppression::Suppression,
};

mod relations;

pub(super) struct World {
    pub(super) dir: tempfile::TempDir,
    pub(super) source: Sandbox,
    pub(super) target: Sandbox,
    pub(super) config: Config,
    pub(super) store: Store,
    pub(super) clients: HashMap<InstanceName, Client>,
}

async fn world(target: Flavor, issues: usize, extra: &str) -> World {
    world_of(Flavor::DataCenter, target, issues, extra).await
}

pub(super) async fn world_of(source: Flavor, target: Flavor, issues: usize, extra: &str) -> World {
    let mut config = SandboxConfig::new(source);
    config.issues = issues;
    config.project = "HQ".parse().unwrap();
    let source = Sandbox::start(config).await.unwrap();
    let mut config = SandboxConfig::new(target);
    (config.issues, config.seed) = (0, 2);
    config.project = "PART".parse().unwrap();
    let target = Sandbox::start(config).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let flavor = |s: &Sandbox| if s.flavor() == Flavor::Cloud { "cloud" } else { "datacenter" };
    std::fs::write(dir.path().join("hq.tok"), source.token()).unwrap();
    std::fs::write(dir.path().join("part.tok"), target.token()).unwrap();
    let text = format!(
        r#"
[home]
path = "home"
[instance.hq]
url = "{}"
flavor = "{}"
auth = {{ user = "{}", token_file = "hq.tok" }}
[instance.partner]
url = "{}"
flavor = "{}"
auth = {{ user = "{}", token_file = "part.tok" }}
[sync.s]
source = {{ instance = "hq", project = "HQ" }}
target = {{ instance = "partner", project = "PART" }}
{extra}
"#,
        source.url(),
        flavor(&source),
        source.user(),
        target.url(),
        flavor(&target),
        target.user(),
    );
    let config = Config::parse(&text, &dir.path().join("efface.toml")).unwrap();
    let store = Store::open(&config.state).unwrap();
    let clients =
        config.instances.values().map(|i| (i.name.clone(), connect(i, false).unwrap())).collect::<HashMap<_, _>>();
    World { dir, source, target, config, store, clients }
}

impl World {
    async fn run(&self) -> SyncReport {
        let now = Utc::now;
        let deps = Deps {
            config: &self.config,
            store: &self.store,
            clients: &self.clients,
            now: &now,
            progress: &Silent,
            full: false,
            allow_deletions: None,
        };
        run(&deps, &[]).await.unwrap().syncs.into_values().next().unwrap()
    }

    async fn retry(&self, which: &Retry) -> SyncReport {
        let now = Utc::now;
        let deps = Deps {
            config: &self.config,
            store: &self.store,
            clients: &self.clients,
            now: &now,
            progress: &Silent,
            full: false,
            allow_deletions: None,
        };
        retry(&deps, &[], which).await.unwrap().syncs.into_values().next().unwrap()
    }

    pub(super) fn hq(&self) -> &Client {
        &self.clients[&"hq".parse().unwrap()]
    }

    pub(super) fn partner(&self) -> &Client {
        &self.clients[&"partner".parse().unwrap()]
    }

    async fn create(&self, summary: &str, description: &str) -> String {
        let fields = json!({"project": {"key": "HQ"}, "issuetype": {"name": "Task"}, "summary": summary,
            "description": description});
        self.hq().create_issue(fields.as_object().unwrap().clone(), &[]).await.unwrap().key
    }

    async fn edit(&self, key: &str, fields: Value) {
        let fields = fields.as_object().unwrap().clone();
        self.hq().edit_issue(key, fields, Map::new(), crate::jira::Notify::PreferNever).await.unwrap();
    }

    /// All issues of the target, by the summary.
    async fn targets(&self) -> Vec<Value> {
        let mut search = self.partner().search("project = PART ORDER BY key", &["*all"]);
        let mut out = Vec::new();
        for issue in search.all().await.unwrap() {
            let mut value =
                self.partner().issue(issue.id(), &["*all"], false, &[]).await.unwrap().unwrap().into_value();
            value["comments"] = json!(self.partner().comments(issue.key()).await.unwrap());
            out.push(value);
        }
        out
    }

    /// What was written to the target since the last reset.
    fn writes(&self) -> Vec<(String, String)> {
        let log = self.target.control().request_log();
        log.into_iter().filter(|(m, p)| m != "GET" && !p.contains("/search")).collect()
    }

    fn suppress(&self, identifiers: &[(IdentifierKind, &str, Option<&str>)]) {
        let subject = Subject::new(
            Personal::new("zoe".parse().unwrap()),
            "p-1".into(),
            identifiers
                .iter()
                .map(|(kind, value, instance)| Identifier {
                    kind: *kind,
                    value: Personal::new((*value).to_owned()),
                    instance: instance.map(|i| i.parse().unwrap()),
                    confirmed: true,
                })
                .collect(),
        );
        let case: CaseId = "C-01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
        let act = crate::store::Act { actor: "dpo", at: Utc::now() };
        Suppression::add(&self.store, &act, &case, &subject, None).unwrap();
    }
}

use serde_json::Map;

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_carried_once_and_a_second_run_does_nothing() {
    use Flavor::{Cloud, DataCenter};
    for (from, to) in [(DataCenter, Cloud), (DataCenter, DataCenter), (Cloud, DataCenter), (Cloud, Cloud)] {
        let w = world_of(from, to, 12, "").await;
        let report = w.run().await;
        assert!(report.is_complete(), "{report:#?}");
        assert_eq!((report.created, report.exported, report.parked), (12, 12, 0), "{report:#?}");
        let made = w.targets().await;
        assert_eq!(made.len(), 12);
        // What the source has is there: text, comments, attachments.
        let sources = w.hq().search("project = HQ ORDER BY key", &["*all"]).all().await.unwrap();
        for source in &sources {
            let pair = w.store.pair(&"s".parse().unwrap(), PairKind::Issue, source.id()).unwrap().unwrap();
            let target = made.iter().find(|t| t["id"] == pair.target_id.as_str()).unwrap();
            let f = &target["fields"];
            assert_eq!(f["summary"], source.summary().unwrap());
            let comments = w.hq().comments(source.key()).await.unwrap();
            let open = comments.iter().filter(|c| c["visibility"].is_null() && c["jsdPublic"] != false).count();
            assert_eq!(target["comments"].as_array().unwrap().len(), open, "{}", source.key());
            let attachments = source.field("attachment").and_then(Value::as_array).map_or(0, Vec::len);
            assert_eq!(f["attachment"].as_array().map_or(0, Vec::len), attachments);
            assert_eq!(f["priority"]["name"], source.field("priority").unwrap()["name"], "{report:#?}");
            assert_eq!(f["status"]["name"], source.field("status").unwrap()["name"], "{report:#?}");
            assert_eq!(f["labels"], *source.field("labels").unwrap());
        }
        assert!(report.comments > 0 && report.attachments > 0, "the seed has some: {report:#?}");
        w.target.control().reset_requests();
        let again = w.run().await;
        assert_eq!((again.exported, again.created, again.updated), (0, 0, 0), "{again:#?}");
        assert_eq!(w.writes(), [], "a second run writes nothing");
        assert_eq!(w.targets().await.len(), 12);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_edit_at_the_source_is_one_write_at_the_target() {
    let w = world(Flavor::Cloud, 3, "").await;
    w.run().await;
    let key = w.create("Door", "first\n\n* one\n* *two*").await;
    w.run().await;
    w.target.control().reset_requests();
    w.edit(&key, json!({"description": "second"})).await;
    let report = w.run().await;
    assert_eq!((report.updated, report.exported), (1, 1), "{report:#?}");
    assert_eq!(w.writes().len(), 1, "{:?}", w.writes());
    let comment = w.hq().add_comment(&key, json!("hello"), &[]).await.unwrap();
    w.target.control().reset_requests();
    assert_eq!(w.run().await.comments, 1);
    assert_eq!(w.writes().len(), 1);
    w.hq()
        .edit_comment_with(
            &key,
            comment["id"].as_str().unwrap(),
            Map::from_iter([("body".into(), json!("bye"))]),
            crate::jira::Notify::PreferNever,
        )
        .await
        .unwrap();
    w.target.control().reset_requests();
    w.run().await;
    assert_eq!(w.writes().iter().map(|(m, _)| m.as_str()).collect::<Vec<_>>(), ["PUT"]);
    let door = w.targets().await.into_iter().find(|t| t["fields"]["summary"] == "Door").unwrap();
    let comments = door["comments"].as_array().unwrap();
    assert_eq!(comments.len(), 1);
    assert!(comments[0]["body"].to_string().contains("bye"));
    assert!(door["fields"]["description"].to_string().contains("second"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_cut_after_the_create_makes_no_duplicate() {
    for flavor in [Flavor::Cloud, Flavor::DataCenter] {
        let w = world(flavor, 0, "").await;
        for i in 0..3 {
            let key = w.create(&format!("Issue {i}"), "text").await;
            w.hq().add_comment(&key, json!("hello"), &[]).await.unwrap();
            w.hq().upload(&key, "a.txt", crate::jira::Upload::Bytes("abc".into())).await.unwrap();
        }
        w.target.control().cut_after_commit(5);
        let mut report = w.run().await;
        for _ in 0..6 {
            if report.is_complete() {
                break;
            }
            report = w.run().await;
        }
        assert!(report.is_complete(), "{report:#?}");
        let made = w.targets().await;
        assert_eq!(made.len(), 3, "{flavor:?}");
        for t in made {
            assert_eq!(t["comments"].as_array().unwrap().len(), 1);
            assert_eq!(t["fields"]["attachment"].as_array().unwrap().len(), 1);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_and_failures_of_the_server_are_outlived() {
    let w = world(Flavor::Cloud, 6, "").await;
    w.target.control().set_retry_after(0);
    w.source.control().set_retry_after(0);
    w.target.control().burst_429(4);
    w.source.control().burst_429(3);
    w.source.control().fail_500(2);
    let mut report = w.run().await;
    w.target.control().fail_500(2);
    for _ in 0..4 {
        report = w.run().await;
    }
    assert!(report.is_complete(), "{report:#?}");
    assert_eq!(w.targets().await.len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_dropped_anywhere_is_finished_by_the_next() {
    let w = world(Flavor::Cloud, 4, "").await;
    for i in 0..4 {
        let key = w.create(&format!("Issue {i}"), "text").await;
        w.hq().add_comment(&key, json!("one"), &[]).await.unwrap();
        w.hq().add_comment(&key, json!("two"), &[]).await.unwrap();
        w.hq().upload(&key, "a.txt", crate::jira::Upload::Bytes("abc".into())).await.unwrap();
    }
    w.target.control().set_latency(Duration::from_millis(3));
    for ms in (5..400).step_by(23) {
        // Dropping the future at an await is what a kill leaves: no clean-up code of ours runs in between.
        let _ = tokio::time::timeout(Duration::from_millis(ms), w.run()).await;
    }
    w.target.control().set_latency(Duration::ZERO);
    let report = w.run().await;
    assert!(report.is_complete(), "{report:#?}");
    let made = w.targets().await;
    assert_eq!(made.len(), 8);
    let ours: Vec<_> = made.iter().filter(|t| t["fields"]["summary"].as_str().unwrap().starts_with("Issue ")).collect();
    assert_eq!(ours.len(), 4);
    for t in ours {
        assert_eq!(t["comments"].as_array().unwrap().len(), 2, "{t:#}");
        assert_eq!(t["fields"]["attachment"].as_array().unwrap().len(), 1);
    }
    w.target.control().reset_requests();
    w.run().await;
    assert_eq!(w.writes(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_person_does_not_come_back() {
    let w = world(Flavor::Cloud, 0, "").await;
    w.source.control().add_user(NewUser {
        name: "zquill".into(),
        display_name: "Zoe Quill".into(),
        email: "zoe@corp.example".into(),
        ..NewUser::default()
    });
    let id = w.target.control().add_user(NewUser {
        id: "5b10:zoe".into(),
        display_name: "Zoe Quill".into(),
        email: "zoe@corp.example".into(),
        ..NewUser::default()
    });
    let key = w.create("Ask zoe@corp.example", "by [~zquill]").await;
    w.edit(&key, json!({"assignee": {"name": "zquill"}})).await;
    assert!(w.run().await.is_complete());
    let before = w.targets().await.pop().unwrap();
    assert_eq!(before["fields"]["assignee"]["accountId"], id.as_str(), "mapped by e-mail");
    assert!(before["fields"]["description"].to_string().contains("5b10:zoe"), "a mention is mapped as well");

    // The executor redacts the target and tells the engine; the person goes on the list.
    let target_key = before["key"].as_str().unwrap();
    let redacted = json!({"summary": "Ask [erased]", "description": null, "assignee": null});
    w.partner()
        .edit_issue(target_key, redacted.as_object().unwrap().clone(), Map::new(), crate::jira::Notify::PreferNever)
        .await
        .unwrap();
    let sync: SyncName = "s".parse().unwrap();
    for field in ["summary", "description", "assignee"] {
        let r = Redacted { kind: PairKind::Issue, target_id: before["id"].as_str().unwrap(), field };
        assert_eq!(note_redaction(&w.store, std::slice::from_ref(&sync), r, &redacted[field]).unwrap(), 1);
    }
    w.suppress(&[
        (IdentifierKind::Email, "zoe@corp.example", None),
        (IdentifierKind::FullName, "Zoe Quill", None),
        (IdentifierKind::Username, "zquill", Some("hq")),
        (IdentifierKind::AccountId, "5b10:zoe", Some("partner")),
    ]);
    w.target.control().reset_requests();
    let quiet = w.run().await;
    assert_eq!((quiet.exported, w.writes()), (0, vec![]), "an unchanged source overwrites nothing");

    // A real change: what it brings passes suppression, and only what changed is written.
    w.edit(&key, json!({"description": "[~zquill] and zoe@corp.example again", "priority": {"name": "Low"}})).await;
    w.hq().add_comment(&key, json!("zquill said so"), &[]).await.unwrap();
    let report = w.run().await;
    assert!(report.is_complete() && report.cut >= 3, "{report:#?}");
    let after = w.targets().await.pop().unwrap();
    assert_eq!(after["fields"]["summary"], "Ask [erased]", "not changed at the source, so not written");
    let all = json!([after["fields"], after["comments"]]).to_string().to_lowercase();
    assert!(!all.contains("zoe") && !all.contains("zquill"), "{all}");
    assert!(all.contains("again") && all.contains("said so"), "{all}");

    // A bare name waits for a person.
    w.hq().add_comment(&key, json!("as Zoe *Quill* knew"), &[]).await.unwrap();
    let report = w.run().await;
    assert_eq!((report.parked, report.is_complete()), (1, false));
    assert_eq!(w.run().await.parked, 1, "it stays parked, and is not exported again");
    let parked = status(&w.config, &w.store, &[])
        .unwrap()
        .remove(0)
        .entries
        .into_iter()
        .find(|e| e.state == State::Parked)
        .unwrap();
    assert_eq!(parked.error.as_ref().unwrap().0, "name");
    assert_eq!(w.retry(&Retry::all()).await.parked, 1, "suppression is asked again");
    let report = w.retry(&Retry::one(parked.id, true)).await;
    assert!(report.is_complete(), "{report:#?}");
    assert_eq!(w.targets().await.pop().unwrap()["comments"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_the_source_took_out_lets_the_issue_go_on() {
    let w = world(Flavor::DataCenter, 0, "").await;
    let key = w.create("Door", "x").await;
    w.run().await;
    w.suppress(&[(IdentifierKind::FullName, "Zoe Quill", None)]);
    for text in ["by Zoe Quill", "by Quill, Zoe"] {
        w.edit(&key, json!({"description": text})).await;
        assert!(!w.run().await.is_complete());
    }
    assert_eq!(w.run().await.parked, 2);
    w.edit(&key, json!({"description": "by somebody"})).await;
    let report = w.run().await;
    assert_eq!((report.parked, report.updated), (0, 1), "{report:#?}");
    assert_eq!(w.targets().await[0]["fields"]["description"], "by somebody");
    let entries = status(&w.config, &w.store, &[]).unwrap().remove(0).entries;
    assert_eq!(entries.len(), 2, "what held the name is erased");
    assert_eq!(w.run().await.exported, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_choice_of_fields_is_applied_to_what_did_not_change() {
    let mut w = world(Flavor::DataCenter, 0, "fields = [\"summary\"]").await;
    let old = w.create("Old", "told").await;
    w.edit(&old, json!({"labels": ["x"]})).await;
    w.run().await;
    assert!(w.targets().await[0]["fields"]["description"].is_null());
    let sync = w.config.syncs.get_mut(&"s".parse().unwrap()).unwrap();
    sync.fields = vec!["summary".into(), "description".into(), "labels".into()];
    let report = w.run().await;
    assert_eq!(report.updated, 1, "{report:#?}");
    let made = &w.targets().await[0]["fields"];
    assert_eq!((&made["description"], &made["labels"]), (&json!("told"), &json!(["x"])));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_modes_of_carrying_users() {
    for (mode, want) in
        [("pseudonym", "p-"), ("text", "Zoe Quill wrote:"), ("drop", "hello"), ("map", "Zoe Quill wrote:")]
    {
        let w = world(Flavor::DataCenter, 0, &format!("users = \"{mode}\"")).await;
        let key = w.create("Door", "ask [~zquill]").await;
        w.source.control().add_user(NewUser {
            name: "zquill".into(),
            display_name: "Zoe Quill".into(),
            ..NewUser::default()
        });
        let comment = w.hq().add_comment(&key, json!("hello"), &[]).await.unwrap();
        let author = comment["author"]["displayName"].as_str().unwrap().to_owned();
        assert!(w.run().await.is_complete());
        let made = w.targets().await.pop().unwrap();
        let body = made["comments"][0]["body"].as_str().unwrap().replace(&author, "Zoe Quill");
        let description = made["fields"]["description"].as_str().unwrap();
        match mode {
            "map" => assert!(body.contains(" wrote:"), "{body}"),
            _ => assert!(body.starts_with(want), "{mode}: {body}"),
        }
        assert!(!description.contains("zquill"), "{mode}: nobody of that name in the target: {description}");
        assert_eq!(description.contains("Zoe Quill"), matches!(mode, "text" | "map"), "{mode}: {description}");
    }
}

/// Components and versions go by name: made where that is asked for, left out where not; a due date and an environment as they are.
#[tokio::test(flavor = "multi_thread")]
async fn components_and_versions_go_by_name_or_are_made() {
    let fields =
        "fields = [\"summary\", \"components\", \"versions\", \"fixVersions\", \"duedate\", \"environment\"]\n";
    for (target, create) in
        [(Flavor::Cloud, true), (Flavor::DataCenter, true), (Flavor::Cloud, false), (Flavor::DataCenter, false)]
    {
        let made = if create { "create = [\"components\", \"versions\"]\n" } else { "" };
        let w = world(target, 0, &format!("{fields}{made}")).await;
        let project: crate::model::ProjectKey = "HQ".parse().unwrap();
        for (list, names) in [("components", ["Gate", "Roof"]), ("versions", ["1.0", "2.0"])] {
            let there: Vec<String> = w
                .hq()
                .project_list(&project, list)
                .await
                .unwrap()
                .iter()
                .map(|v| v["name"].as_str().unwrap().to_owned())
                .collect();
            for name in names.into_iter().filter(|n| !there.iter().any(|t| t == n)) {
                let body = json!({"name": name}).as_object().unwrap().clone();
                w.hq().add_to_project(&project, list, body).await.unwrap();
            }
        }
        let part: crate::model::ProjectKey = "PART".parse().unwrap();
        let has = w.partner().project_list(&part, "components").await.unwrap();
        if !has.iter().any(|c| c["name"] == "Gate") {
            w.partner()
                .add_to_project(&part, "components", json!({"name": "Gate"}).as_object().unwrap().clone())
                .await
                .unwrap();
        }
        let mut keys = Vec::new();
        for n in 0..3 {
            let key = w.create(&format!("Door {n}"), "x").await;
            w.edit(&key, json!({"components": [{"name": "Roof"}, {"name": "Gate"}], "versions": [{"name": "1.0"}], "fixVersions": [{"name": "2.0"}],
                "duedate": "2026-12-24", "environment": "outside"})).await;
            keys.push(key);
        }
        let report = w.run().await;
        assert!(report.is_complete(), "{report:#?}");
        assert_eq!(report.warnings.is_empty(), create, "{report:#?}");
        for made in w.targets().await {
            let fields = &made["fields"];
            let names = |f: &str| json!(named::names(&fields[f]));
            let of = |all: Value, few: Value| if create { all } else { few };
            assert_eq!(names("components"), of(json!(["Gate", "Roof"]), json!(["Gate"])));
            let known = w.partner().project_list(&part, "versions").await.unwrap();
            if create {
                assert_eq!((names("versions"), names("fixVersions")), (json!(["1.0"]), json!(["2.0"])));
                assert_eq!(known.iter().filter(|v| v["name"] == "2.0").count(), 1, "made once");
            }
            assert_eq!(fields["duedate"], "2026-12-24");
            assert_eq!(body::text_of(&fields["environment"]), "outside");
        }
        w.edit(&keys[0], json!({"components": [], "duedate": null})).await;
        w.run().await;
        let first = w.targets().await.into_iter().find(|t| t["fields"]["summary"] == "Door 0").unwrap();
        assert_eq!(
            (named::names(&first["fields"]["components"]).len(), &first["fields"]["duedate"]),
            (0, &Value::Null)
        );
    }
}

/// A filter leaves out what it says, and takes back nothing of what was carried before.
#[tokio::test(flavor = "multi_thread")]
async fn attachments_are_filtered_by_size_type_and_name() {
    let mut w = world(Flavor::DataCenter, 0, "").await;
    let key = w.create("Door", "x").await;
    let upload = async |w: &World, name: &str, bytes: &str| {
        w.hq().upload(&key, name, crate::jira::Upload::Bytes(bytes.to_owned().into())).await.unwrap();
    };
    upload(&w, "before.log", "1").await;
    w.run().await;
    let other = world(Flavor::DataCenter, 0, "attachments = { max_bytes = 4, not_names = [\"*.LOG\"] }").await;
    let sync = w.config.syncs.get_mut(&"s".parse().unwrap()).unwrap();
    sync.attachments = other.config.syncs.values().next().unwrap().attachments.clone();
    upload(&w, "small.txt", "123").await;
    upload(&w, "large.txt", "12345").await;
    upload(&w, "small.log", "1").await;
    let report = w.run().await;
    assert!(report.is_complete(), "{report:#?}");
    assert_eq!(report.warnings.values().sum::<u64>(), 2, "{report:#?}");
    let made = w.targets().await.pop().unwrap();
    let mut names: Vec<&str> =
        made["fields"]["attachment"].as_array().unwrap().iter().map(|a| a["filename"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["before.log", "small.txt"]);
}

/// Each field has its own mode where it is given one; an e-mail address is written into no text by any of them.
#[tokio::test(flavor = "multi_thread")]
async fn each_field_has_its_own_mode() {
    let by_field = "users_by_field = { reporter = \"drop\", description = \"pseudonym\", comment = \"text\" }";
    let w = world(Flavor::DataCenter, 0, by_field).await;
    for side in [&w.source, &w.target] {
        side.control().add_user(NewUser {
            name: "zquill".into(),
            display_name: "Zoe Quill".into(),
            email: "zoe.quill@corp.example".into(),
            ..NewUser::default()
        });
    }
    let key = w.create("Door", "ask [~zquill]").await;
    w.edit(&key, json!({"assignee": {"name": "zquill"}, "reporter": {"name": "zquill"}})).await;
    w.hq().add_comment(&key, json!("says [~zquill]"), &[]).await.unwrap();
    assert!(w.run().await.is_complete());
    let made = w.targets().await.pop().unwrap();
    let fields = &made["fields"];
    assert_eq!(fields["assignee"]["name"], "zquill", "as configured for all");
    assert_ne!(fields["reporter"]["name"], "zquill");
    let description = fields["description"].as_str().unwrap();
    assert!(description.starts_with("ask p-"), "{description}");
    let comment = made["comments"][0]["body"].as_str().unwrap();
    assert!(comment.ends_with("says Zoe Quill"), "{comment}");
    let texts = json!([fields["summary"], fields["description"], made["comments"][0]["body"]]).to_string();
    assert!(!texts.contains("corp.example"), "{texts}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_erased_in_the_target_is_not_made_again() {
    let w = world(Flavor::DataCenter, 0, "").await;
    let key = w.create("Erase me", "text").await;
    w.hq().add_comment(&key, json!("hello"), &[]).await.unwrap();
    w.run().await;
    let target = w.targets().await.pop().unwrap();
    w.partner().delete_issue(target["key"].as_str().unwrap()).await.unwrap();
    let sync: SyncName = "s".parse().unwrap();
    assert_eq!(note_erasure(&w.store, &[sync], PairKind::Issue, target["id"].as_str().unwrap()).unwrap(), 1);
    w.edit(&key, json!({"summary": "Erase me again"})).await;
    let report = w.run().await;
    assert!(report.is_complete(), "{report:#?}");
    assert_eq!(w.targets().await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_fails_parks_with_what_follows_and_stops_nothing_else() {
    let w = world(Flavor::Cloud, 0, "").await;
    let (bad, good) = (w.create("Bad", "x").await, w.create("Good", "x").await);
    w.run().await;
    let targets = w.targets().await;
    let bad_target = targets.iter().find(|t| t["fields"]["summary"] == "Bad").unwrap();
    w.partner().delete_issue(bad_target["key"].as_str().unwrap()).await.unwrap();
    w.edit(&bad, json!({"description": "y"})).await;
    w.edit(&good, json!({"description": "y"})).await;
    let report = w.run().await;
    assert_eq!((report.parked, report.updated), (1, 1), "{report:#?}");
    w.edit(&bad, json!({"description": "z"})).await;
    let report = w.run().await;
    assert_eq!(report.parked, 2, "later changes of the issue wait behind it");
    let entries = status(&w.config, &w.store, &[]).unwrap().remove(0).entries;
    let kinds: Vec<_> = entries.iter().filter_map(|e| e.error.as_ref()).map(|e| e.0.as_str()).collect();
    assert_eq!(kinds, ["target-gone", "behind"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_target_leaves_the_messages_where_they_are() {
    let w = world(Flavor::Cloud, 2, "").await;
    w.target.control().hide_project("PART", true);
    let report = w.run().await;
    assert!(!report.is_complete());
    assert_eq!((report.exported, report.parked), (2, 0), "{report:#?}");
    w.target.control().hide_project("PART", false);
    assert!(w.run().await.is_complete());
    assert_eq!(w.targets().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_person_is_in_clear_on_disk() {
    let w = world(Flavor::Cloud, 8, "").await;
    let report = w.run().await;
    assert!(report.is_complete());
    let people = w.source.control().people();
    assert!(!people.is_empty());
    let mut files = vec![w.config.state.join(Store::FILE), w.config.state.join("efface.db-wal")];
    for state in State::ALL {
        let dir = w.dir.path().join("home/data/efface/s").join(state.as_str());
        files.extend(std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()));
    }
    assert!(files.len() > 9);
    for file in files {
        let bytes = std::fs::read(&file).unwrap_or_default();
        for person in &people {
            for needle in [Some(&person.display_name), person.email.as_ref()].into_iter().flatten() {
                assert!(memchr::memmem::find(&bytes, needle.as_bytes()).is_none(), "{}", file.display());
            }
        }
    }
}

/// Two servers that somebody else wrote, by hand: `JIRA820_PORT=8083 jira820` and another; ends with exit of the test.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs two servers: EFFACE_PEERS=sourceurl,SRC,targeturl,DST"]
async fn peers() {
    let peers = std::env::var("EFFACE_PEERS").unwrap();
    let p: Vec<&str> = peers.split(',').collect();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("tok"), "admin").unwrap();
    let text = format!(
        "[home]\npath = \"home\"\n[instance.a]\nurl = \"{}\"\nflavor = \"datacenter\"\nauth = {{ user = \"admin\", \
         token_file = \"tok\" }}\n[instance.b]\nurl = \"{}\"\nflavor = \"datacenter\"\nauth = {{ user = \"admin\", \
         token_file = \"tok\" }}\n[sync.s]\nsource = {{ instance = \"a\", project = \"{}\" }}\ntarget = {{ instance = \"b\", \
         project = \"{}\" }}\n",
        p[0], p[2], p[1], p[3]
    );
    let config = Config::parse(&text, &dir.path().join("efface.toml")).unwrap();
    let store = Store::open(&config.state).unwrap();
    let clients =
        config.instances.values().map(|i| (i.name.clone(), connect(i, false).unwrap())).collect::<HashMap<_, _>>();
    let now = Utc::now;
    let deps = Deps {
        config: &config,
        store: &store,
        clients: &clients,
        now: &now,
        progress: &Silent,
        full: false,
        allow_deletions: None,
    };
    let b = &clients[&"b".parse().unwrap()];
    let count = async || b.search(&format!("project = {}", p[3]), &["summary"]).all().await.unwrap().len();
    let before = count().await;
    for ms in [40, 150, 300, 500, 900, 1500] {
        let _ = tokio::time::timeout(Duration::from_millis(ms), run(&deps, &[])).await;
    }
    let first = run(&deps, &[]).await.unwrap();
    assert!(first.is_complete(), "{first:#?}");
    let a = &clients[&"a".parse().unwrap()];
    let sources = a.search(&format!("project = {}", p[1]), &["summary"]).all().await.unwrap();
    assert_eq!(count().await - before, sources.len());
    let second = run(&deps, &[]).await.unwrap();
    let second = second.syncs.values().next().unwrap();
    assert_eq!((second.exported, second.updated, second.comments), (0, 0, 0), "{second:#?}");
    // An edit that moves no timestamp.
    let fields = serde_json::json!({"summary": "edited", "description": "new text"});
    a.edit_issue(sources[0].key(), fields.as_object().unwrap().clone(), Map::new(), crate::jira::Notify::PreferNever)
        .await
        .unwrap();
    let made = a.add_comment(sources[0].key(), serde_json::json!("hello"), &[]).await.unwrap();
    a.upload(sources[0].key(), "a.txt", crate::jira::Upload::Bytes("abc".into())).await.unwrap();
    let third = run(&deps, &[]).await.unwrap();
    let third = third.syncs.values().next().unwrap();
    assert_eq!((third.updated, third.comments, third.attachments), (1, 1, 1), "{third:#?}");
    let mut body = Map::new();
    body.insert("body".into(), serde_json::json!("bye"));
    a.edit_comment_with(
        sources[0].key(),
        made["id"].as_str().unwrap_or_default(),
        body,
        crate::jira::Notify::PreferNever,
    )
    .await
    .unwrap();
    let fourth = run(&deps, &[]).await.unwrap();
    assert!(fourth.is_complete(), "{fourth:#?}");
    assert_eq!(count().await - before, sources.len());
    for pair in store.pairs(&"s".parse().unwrap()).unwrap().into_iter().filter(|p| p.kind == PairKind::Issue) {
        let (s, t) = (pair.source_key.unwrap(), pair.target_key.unwrap());
        assert_eq!(a.comments(&s).await.unwrap().len(), b.comments(&t).await.unwrap().len(), "{s} {t}");
    }
}

/// Both sides as unkind as a client must survive: every ninth read goes wrong, pages are short, the index is
/// late, clocks are wrong, some issues and comments are invisible. What can be seen is carried, once.
#[tokio::test(flavor = "multi_thread")]
async fn two_unkind_jiras_are_synchronized_without_loss_or_double() {
    use Flavor::{Cloud, DataCenter};
    for (from, to) in [(DataCenter, Cloud), (Cloud, DataCenter)] {
        let w = world_of(from, to, 10, "").await;
        for side in [&w.source, &w.target] {
            side.control().make_unkind();
            side.control().set_retry_after(0);
            // Limits have their own test, and cost seconds.
            side.control().set_rate_limit(None);
            side.control().set_search_lag(std::time::Duration::from_millis(300));
            side.control().set_index_lag(std::time::Duration::from_millis(300));
        }
        let mut reports = Vec::new();
        for _ in 0..5 {
            reports.push(w.run().await);
            if reports.last().unwrap().is_complete() {
                break;
            }
        }
        assert!(reports.last().unwrap().is_complete(), "{reports:#?}");
        // The archived issue, and the one under a security level, are not seen.
        assert_eq!(reports.iter().map(|r| r.created).sum::<u64>(), 8, "{reports:#?}");
        assert_eq!(w.target.control().dump()["issues"].as_object().unwrap().len(), 8, "no double, no loss");
        // An edit is carried although the index is behind.
        w.edit("HQ-1", json!({"summary": "edited behind the index"})).await;
        let carried = || w.target.control().dump()["issues"].to_string().contains("edited behind the index");
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while !carried() && std::time::Instant::now() < deadline {
            assert!(w.run().await.errors.is_empty());
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        assert!(carried(), "lost for good, not only late");
        assert_eq!(w.target.control().dump()["issues"].as_object().unwrap().len(), 8);
    }
}

/// A status that no single transition leads to is reached by the shortest way that is known; where there is none, it is said and
/// the issue stays.
#[tokio::test]
async fn a_status_is_reached_over_others() {
    for flavor in [Flavor::DataCenter, Flavor::Cloud] {
        let w = world(flavor, 0, "").await;
        let bot = w.partner().myself().await.unwrap();
        let (lamp, pump) = (w.create("Lamp", "x").await, w.create("Pump", "x").await);
        let status = async |summary: &str| {
            let all = w.targets().await;
            all.iter().find(|i| i["fields"]["summary"] == summary).unwrap()["fields"]["status"]["name"].clone()
        };
        assert!(w.run().await.warnings.is_empty());
        w.target.control().set_workflow(crate::sandbox::Workflow::Strict);
        // Nothing stands at In Progress, so nobody knows what leads on from there.
        w.hq().transition(&lamp, "31").await.unwrap();
        let report = w.run().await;
        assert!(report.warnings.keys().any(|k| k.contains("no transitions of the target lead to")), "{report:#?}");
        assert_eq!(status("Lamp").await, "To Do");
        // Another issue there tells it. Done is for the assignee alone, and wants a resolution.
        let all = w.targets().await;
        let key = |summary: &str| {
            let issue = all.iter().find(|i| i["fields"]["summary"] == summary).unwrap();
            issue["key"].as_str().unwrap().to_owned()
        };
        let me = bot.account_id.as_ref().map_or_else(|| json!({ "name": bot.name }), |id| json!({ "accountId": id }));
        for summary in ["Lamp", "Pump"] {
            let fields = json!({ "assignee": me }).as_object().unwrap().clone();
            w.partner().edit_issue(&key(summary), fields, Map::new(), crate::jira::Notify::PreferNever).await.unwrap();
        }
        w.partner().transition(&key("Pump"), "41").await.unwrap();
        w.hq().transition(&lamp, "11").await.unwrap();
        w.run().await;
        w.hq().transition(&lamp, "31").await.unwrap();
        let report = w.run().await;
        let warned: Vec<&String> = report.warnings.keys().collect();
        assert!(warned.len() == 1 && warned[0].contains("wanted a resolution"), "what is made up is told: {report:#?}");
        assert_eq!(status("Lamp").await, "Done");
        // And back over the same way.
        w.hq().transition(&lamp, "11").await.unwrap();
        let report = w.run().await;
        assert!(report.warnings.is_empty(), "{report:#?}");
        assert_eq!(status("Lamp").await, "To Do");
        assert_eq!(status("Pump").await, "In Progress", "whoever tells the way is left alone");
        // A dead end is said to be one, and nothing else fails.
        w.hq().transition(&lamp, "31").await.unwrap();
        w.run().await;
        w.target.control().set_workflow(crate::sandbox::Workflow::DeadEnd);
        w.hq().transition(&lamp, "11").await.unwrap();
        w.edit(&lamp, json!({ "summary": "Lamp" , "description": "y" })).await;
        let report = w.run().await;
        assert!(report.errors.is_empty() && report.warnings.len() == 1, "{report:#?}");
        assert_eq!(status("Lamp").await, "Done");
        assert!(!pump.is_empty());
    }
}
