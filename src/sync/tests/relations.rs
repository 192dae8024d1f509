//! What hangs on an issue: worklogs, links, subtasks, remote links.

use super::*;

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

impl World {
    async fn log(&self, key: &str, comment: Value, seconds: u64) -> String {
        let log = json!({"comment": comment, "timeSpentSeconds": seconds, "started": "2026-11-20T09:30:00.000+0200"});
        let (made, _) = self.hq().add_worklog(key, object(log)).await.unwrap();
        made["id"].as_str().unwrap().to_owned()
    }

    /// The worklogs of the target's only issue, as text and seconds, by text.
    async fn logs(&self) -> Vec<(String, u64)> {
        let issue = self.targets().await.pop().unwrap();
        let all = self.partner().worklogs(issue["key"].as_str().unwrap()).await.unwrap();
        let one = |w: &Value| (body::text_of(&w["comment"]), w["timeSpentSeconds"].as_u64().unwrap());
        let mut all: Vec<_> = all.iter().map(one).collect();
        all.sort();
        all
    }

    async fn settle(&self) {
        let mut report = self.run().await;
        for _ in 0..8 {
            if report.is_complete() {
                break;
            }
            report = self.run().await;
        }
        assert!(report.is_complete(), "{report:#?}");
    }
}

const WORKLOG: &str = "fields = [\"summary\", \"worklog\"]\n";

#[tokio::test(flavor = "multi_thread")]
async fn worklogs_are_made_changed_and_removed_with_the_source() {
    for (source, target) in [(Flavor::DataCenter, Flavor::Cloud), (Flavor::Cloud, Flavor::DataCenter)] {
        let w = world_of(source, target, 0, &format!("{WORKLOG}worklogs = \"anonymous\"\n")).await;
        let text = |t: &str| if source == Flavor::Cloud { wiki_to_adf(t) } else { json!(t) };
        let fields = json!({"project": {"key": "HQ"}, "issuetype": {"name": "Task"}, "summary": "s"});
        let key = w.hq().create_issue(object(fields), &[]).await.unwrap().key;
        let (first, second) = (w.log(&key, text("first"), 3600).await, w.log(&key, text("second"), 120).await);
        let mut secret = json!({"comment": text("inner"), "timeSpentSeconds": 60});
        secret["visibility"] = json!({"type": "role", "value": "Administrators"});
        w.hq().add_worklog(&key, object(secret)).await.unwrap();
        let report = w.run().await;
        assert!(report.is_complete() && report.warnings.keys().any(|k| k.contains("restricted")), "{report:#?}");
        assert_eq!(w.logs().await, [("first".to_owned(), 3600), ("second".to_owned(), 120)]);
        let issue = w.targets().await.pop().unwrap();
        let there = w.partner().worklogs(issue["key"].as_str().unwrap()).await.unwrap();
        let started = crate::jira::parse_time(there[0]["started"].as_str().unwrap()).unwrap();
        assert_eq!(started.to_utc().to_rfc3339(), "2026-11-20T07:30:00+00:00");
        w.target.control().reset_requests();
        assert!(w.run().await.is_complete());
        assert_eq!(w.writes(), []);

        // One edit is one write; one that goes, or is restricted, goes there too; one that somebody else made stays.
        let theirs =
            object(json!({"comment": if target == Flavor::Cloud { wiki_to_adf("theirs") } else { json!("theirs") },
            "timeSpentSeconds": 300}));
        w.partner().add_worklog(issue["key"].as_str().unwrap(), theirs).await.unwrap();
        w.target.control().reset_requests();
        w.hq().edit_worklog(&key, &first, object(json!({"timeSpentSeconds": 7200}))).await.unwrap();
        w.hq().delete_worklog(&key, &second).await.unwrap();
        assert!(w.run().await.is_complete());
        assert_eq!(w.logs().await, [("first".to_owned(), 7200), ("theirs".to_owned(), 300)]);
        let methods: Vec<_> = w.writes().into_iter().map(|(m, _)| m).collect();
        assert_eq!(methods, ["PUT", "DELETE"]);
        let restricted = json!({"visibility": {"type": "role", "value": "Administrators"}});
        w.hq().edit_worklog(&key, &first, object(restricted)).await.unwrap();
        assert!(w.run().await.is_complete());
        assert_eq!(w.logs().await, [("theirs".to_owned(), 300)]);
    }
}

fn wiki_to_adf(text: &str) -> Value {
    json!({"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": text}]}]})
}

#[tokio::test(flavor = "multi_thread")]
async fn the_author_of_a_worklog_is_named_as_configured() {
    // The bot is the only one who can log work; in the target it is known by its name.
    for (mode, named, mention) in [("own", true, true), ("text", true, false), ("anonymous", false, false)] {
        let w = world(Flavor::DataCenter, 0, &format!("{WORKLOG}worklogs = \"{mode}\"\n")).await;
        let key = w.create("s", "d").await;
        w.log(&key, json!("did it"), 60).await;
        assert!(w.run().await.is_complete());
        let issue = w.targets().await.pop().unwrap();
        let log = w.partner().worklogs(issue["key"].as_str().unwrap()).await.unwrap().pop().unwrap();
        let text = log["comment"].as_str().unwrap();
        assert_eq!(text.contains("logged this work:\n\ndid it"), named, "{mode}: {text}");
        assert_eq!(text.starts_with("[~"), mention, "{mode}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn worklogs_are_never_doubled() {
    for flavor in [Flavor::Cloud, Flavor::DataCenter] {
        let w = world(flavor, 0, WORKLOG).await;
        let key = w.create("s", "d").await;
        for i in 0..4 {
            w.log(&key, json!(format!("part {i}")), 60 * (i + 1)).await;
        }
        w.target.control().cut_after_commit(4);
        w.settle().await;
        assert_eq!(w.logs().await.len(), 4, "{flavor:?}");

        let w = world(flavor, 0, WORKLOG).await;
        let key = w.create("s", "d").await;
        for i in 0..4 {
            w.log(&key, json!(format!("part {i}")), 60).await;
        }
        w.target.control().set_latency(Duration::from_millis(3));
        for ms in (5..200).step_by(17) {
            let _ = tokio::time::timeout(Duration::from_millis(ms), w.run()).await;
        }
        w.target.control().set_latency(Duration::ZERO);
        w.settle().await;
        assert_eq!(w.logs().await.len(), 4, "{flavor:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_or_redacted_worklog_is_not_written_again() {
    let w = world(Flavor::Cloud, 0, WORKLOG).await;
    w.source.control().add_user(NewUser {
        name: "zquill".into(),
        display_name: "Zoe Quill".into(),
        email: "zoe@corp.example".into(),
        ..NewUser::default()
    });
    let key = w.create("s", "d").await;
    let (one, two) =
        (w.log(&key, json!("mail zoe@corp.example"), 60).await, w.log(&key, json!("also zoe@corp.example"), 120).await);
    assert!(w.run().await.is_complete());
    let sync: SyncName = "s".parse().unwrap();
    let target = w.targets().await.pop().unwrap();
    let there = target["key"].as_str().unwrap();
    let pair = |id: &str| w.store.pair(&sync, PairKind::Worklog, id).unwrap().unwrap();
    let (erased, redacted) = (pair(&one).target_id, pair(&two).target_id);
    w.partner().delete_worklog(there, &erased).await.unwrap();
    assert_eq!(note_erasure(&w.store, std::slice::from_ref(&sync), PairKind::Worklog, &erased).unwrap(), 1);
    let clean = json!({"comment": wiki_to_adf("also [erased]")});
    w.partner().edit_worklog(there, &redacted, object(clean.clone())).await.unwrap();
    let r = Redacted { kind: PairKind::Worklog, target_id: &redacted, field: "comment" };
    assert_eq!(note_redaction(&w.store, std::slice::from_ref(&sync), r, &clean["comment"]).unwrap(), 1);
    w.suppress(&[(IdentifierKind::Email, "zoe@corp.example", None), (IdentifierKind::Username, "zquill", Some("hq"))]);

    // Neither a change beside them nor a resync brings them back.
    w.edit(&key, json!({"summary": "t"})).await;
    assert!(w.run().await.is_complete());
    w.store.ask_again(&sync, &[w.store.pair(&sync, PairKind::Worklog, &two).unwrap().unwrap().source_issue]).unwrap();
    assert!(w.run().await.is_complete());
    let now = w.logs().await;
    assert_eq!(now, [("alsoerased".to_owned(), 120)]);
    // A change of the original goes, without the person.
    w.hq().edit_worklog(&key, &two, object(json!({"comment": "again zoe@corp.example here"}))).await.unwrap();
    w.hq().edit_worklog(&key, &one, object(json!({"comment": "again zoe@corp.example here"}))).await.unwrap();
    let report = w.run().await;
    assert!(report.is_complete() && report.cut > 0, "{report:#?}");
    let now = w.logs().await;
    assert!(now.len() == 1 && now[0].0.contains("again") && !now[0].0.contains("zoe"), "{now:?}");
}

const LINKS: &str = "fields = [\"summary\", \"issuelinks\", \"labels\"]\n";

impl World {
    async fn link(&self, kind: &str, inward: &str, outward: &str) {
        let id =
            async |key: &str| self.hq().issue(key, &["summary"], false, &[]).await.unwrap().unwrap().id().to_owned();
        self.hq().link_issues(kind, &id(inward).await, &id(outward).await).await.unwrap();
    }

    async fn source_links(&self, key: &str) -> Vec<String> {
        let issue = self.hq().issue(key, &["issuelinks"], false, &[]).await.unwrap().unwrap();
        issue.field("issuelinks").unwrap().as_array().unwrap().iter().map(content::id_of).collect()
    }

    /// The target's links, each once, as "inward type outward" by summaries.
    async fn links(&self) -> Vec<String> {
        let mut out = Vec::new();
        for issue in self.targets().await {
            let own = issue["fields"]["summary"].as_str().unwrap().to_owned();
            for link in issue["fields"]["issuelinks"].as_array().unwrap() {
                if let Some(other) = link.get("outwardIssue") {
                    let (kind, to) =
                        (link["type"]["name"].as_str().unwrap(), other["fields"]["summary"].as_str().unwrap());
                    out.push(format!("{own} {kind} {to}"));
                }
            }
        }
        out.sort();
        out
    }

    fn missing(&self) -> Vec<(String, String)> {
        let all = status(&self.config, &self.store, &["s".parse().unwrap()]).unwrap().remove(0).entries;
        let missing = all.into_iter().filter(|e| e.state == State::Missing);
        missing.map(|e| (e.issue.key, e.error.unwrap().1)).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_follow_the_source_and_those_of_others_stay() {
    for flavor in [Flavor::Cloud, Flavor::DataCenter] {
        let w = world(flavor, 0, &format!("{LINKS}link_types = {{ Cloners = \"Relates\" }}\n")).await;
        let (a, b, c) = (w.create("a", "").await, w.create("b", "").await, w.create("c", "").await);
        w.link("Blocks", &a, &b).await;
        w.link("Blocks", &c, &b).await;
        w.link("Cloners", &b, &a).await;
        let report = w.run().await;
        assert!(report.is_complete() && report.waiting == 0, "{report:#?}");
        assert_eq!(
            (report.links, w.links().await),
            (3, vec!["a Blocks b".into(), "b Relates a".into(), "c Blocks b".into()])
        );
        w.target.control().reset_requests();
        assert!(w.run().await.is_complete());
        assert_eq!(w.writes(), []);

        let id = async |summary: &str| {
            let all = w.targets().await;
            all.iter().find(|t| t["fields"]["summary"] == summary).unwrap()["id"].as_str().unwrap().to_owned()
        };
        let (ta, tc) = (id("a").await, id("c").await);
        w.partner().link_issues("Duplicate", &ta, &tc).await.unwrap();
        for id in w.source_links(&b).await {
            w.hq().issue_link_delete(&id).await.unwrap();
        }
        // Made there by somebody first: it is not ours when the source takes it back.
        w.link("Duplicate", &a, &c).await;
        assert!(w.run().await.is_complete());
        assert_eq!(w.links().await, ["a Duplicate c"]);
        for id in w.source_links(&a).await {
            w.hq().issue_link_delete(&id).await.unwrap();
        }
        assert!(w.run().await.is_complete());
        assert_eq!(w.links().await, ["a Duplicate c"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_waits_for_its_other_end_and_says_so() {
    // The partner comes by another synchronization between the same instances, which carries no links.
    let other = "jql = \"labels = two\" }";
    let mut w = world(Flavor::Cloud, 0, &format!(
        "{LINKS}[sync.t]\nsource = {{ instance = \"hq\", project = \"HQ\", {other}\ntarget = {{ instance = \"partner\", project = \"PART\" }}\nfields = [\"summary\"]\n"
    )).await;
    w.config.syncs.get_mut(&"s".parse().unwrap()).unwrap().source.jql = Some("labels = one".into());
    let (a, b, c) = (w.create("a", "").await, w.create("b", "").await, w.create("c", "").await);
    w.edit(&a, json!({"labels": ["one"]})).await;
    w.link("Blocks", &a, &b).await;
    w.link("Relates", &c, &a).await;
    let report = w.run().await;
    assert!(report.is_complete() && report.waiting == 1, "{report:#?}");
    assert_eq!(w.missing(), [(a.clone(), format!("waits until {b}, {c} is carried over"))]);
    let staged = std::fs::read_dir(w.config.home().unwrap().staging.join("s/missing")).unwrap().count();
    assert_eq!(staged, 1);
    // A change of the issue replaces what waited.
    w.edit(&a, json!({"summary": "A"})).await;
    w.run().await;
    assert_eq!((w.missing().len(), w.links().await), (1, vec![]));

    w.edit(&b, json!({"labels": ["two"]})).await;
    w.run().await;
    w.run().await;
    assert_eq!(
        (w.links().await, w.missing()),
        (vec!["A Blocks b".into()], vec![(a.clone(), format!("waits until {c} is carried over"))])
    );
    w.edit(&c, json!({"labels": ["one"]})).await;
    assert_eq!(w.run().await.waiting, 0);
    assert_eq!((w.links().await, w.missing()), (vec!["A Blocks b".into(), "c Relates A".into()], vec![]));
    // It is known as ours.
    for id in w.source_links(&a).await {
        w.hq().issue_link_delete(&id).await.unwrap();
    }
    w.run().await;
    assert_eq!(w.links().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn links_that_were_cut_off_are_known_as_ours() {
    for cut in [true, false] {
        let w = world(Flavor::DataCenter, 0, LINKS).await;
        let (a, b) = (w.create("a", "").await, w.create("b", "").await);
        assert!(w.run().await.is_complete());
        w.link("Blocks", &a, &b).await;
        w.link("Relates", &b, &a).await;
        if cut {
            w.target.control().cut_after_commit(2);
        } else {
            w.target.control().set_latency(Duration::from_millis(3));
            for ms in (5..120).step_by(7) {
                let _ = tokio::time::timeout(Duration::from_millis(ms), w.run()).await;
            }
            w.target.control().set_latency(Duration::ZERO);
        }
        w.settle().await;
        assert_eq!(w.links().await, ["a Blocks b", "b Relates a"]);
        for id in w.source_links(&a).await {
            w.hq().issue_link_delete(&id).await.unwrap();
        }
        w.settle().await;
        assert_eq!(w.links().await, Vec::<String>::new(), "{cut}");
        assert!(w.store.intents(&"s".parse().unwrap(), &a).unwrap().is_empty());
    }
}

const SUBTASKS: &str = "fields = [\"summary\", \"description\", \"labels\", \"subtask\"]\n";

impl World {
    async fn subtask(&self, parent: &str, summary: &str, description: &str) -> String {
        let fields = json!({"project": {"key": "HQ"}, "issuetype": {"name": "Sub-task"}, "parent": {"key": parent},
            "summary": summary, "description": description});
        self.hq().create_issue(object(fields), &[]).await.unwrap().key
    }

    /// The target's issues as "summary < parent's summary".
    async fn tree(&self) -> Vec<String> {
        let all = self.targets().await;
        let one = |t: &Value| match t["fields"].get("parent").filter(|p| !p.is_null()) {
            Some(p) => {
                format!("{} < {}", t["fields"]["summary"].as_str().unwrap(), p["fields"]["summary"].as_str().unwrap())
            }
            None => t["fields"]["summary"].as_str().unwrap().to_owned(),
        };
        let mut out: Vec<_> = all.iter().map(one).collect();
        out.sort();
        out
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn subtasks_are_made_below_their_parents_copy() {
    for flavor in [Flavor::Cloud, Flavor::DataCenter] {
        let w = world(flavor, 0, SUBTASKS).await;
        let parent = w.create("parent", "").await;
        for i in 0..3 {
            w.subtask(&parent, &format!("sub {i}"), "").await;
        }
        let report = w.run().await;
        assert!(report.is_complete(), "{report:#?}");
        assert_eq!((report.created, report.waiting), (4, 0), "{report:#?}");
        assert_eq!(w.tree().await, ["parent", "sub 0 < parent", "sub 1 < parent", "sub 2 < parent"], "{flavor:?}");
        w.target.control().reset_requests();
        assert!(w.run().await.is_complete());
        assert_eq!(w.writes(), []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subtask_waits_for_its_parent_and_passes_the_doors_again() {
    let mut w = world(Flavor::Cloud, 0, SUBTASKS).await;
    w.config.syncs.get_mut(&"s".parse().unwrap()).unwrap().source.jql = Some("labels = one".into());
    let parent = w.create("parent", "").await;
    let sub = w.subtask(&parent, "sub", "mail zoe@corp.example").await;
    w.edit(&sub, json!({"labels": ["one"]})).await;
    let report = w.run().await;
    assert!(report.is_complete() && report.waiting == 1, "{report:#?}");
    assert_eq!(w.missing(), [(sub.clone(), format!("waits until {parent} is carried over"))]);
    // It is not tried for nothing, and a later change takes its place.
    w.target.control().reset_requests();
    w.edit(&sub, json!({"summary": "sub 2"})).await;
    assert!(w.run().await.is_complete());
    assert_eq!((w.missing().len(), w.writes(), w.tree().await.len()), (1, vec![], 0));
    // Also where several lie there.
    let staging = Staging::open(&w.config.home().unwrap().staging, &"s".parse().unwrap(), &w.store).unwrap();
    let waits = staging.list().unwrap().into_iter().find(|e| e.state == State::Missing).unwrap();
    for later in 1..3 {
        let message = staging.message(waits.id).unwrap();
        let sequence = message.sequence + later;
        staging.put(&Message { id: MessageId::generate(), sequence, ..message }).unwrap();
    }
    let report = w.run().await;
    assert!(report.is_complete() && report.parked == 0, "{report:#?}");
    assert_eq!(w.missing().len(), 1);
    assert!(staging.list().unwrap().iter().all(|e| e.state == State::Missing));
    w.suppress(&[(IdentifierKind::Email, "zoe@corp.example", None)]);
    w.edit(&parent, json!({"labels": ["one"]})).await;
    let report = w.run().await;
    assert!(report.is_complete() && report.cut > 0, "{report:#?}");
    assert_eq!((w.tree().await, w.missing()), (vec!["parent".into(), "sub 2 < parent".into()], vec![]));
    assert!(!json!(w.targets().await).to_string().contains("zoe"));

    // One whose parent was erased on purpose stands by itself.
    let copy = w.targets().await.into_iter().find(|t| t["fields"]["summary"] == "parent").unwrap();
    note_erasure(&w.store, &["s".parse().unwrap()], PairKind::Issue, copy["id"].as_str().unwrap()).unwrap();
    let late = w.subtask(&parent, "late", "").await;
    w.edit(&late, json!({"labels": ["one"]})).await;
    let report = w.run().await;
    assert!(report.is_complete() && report.warnings.keys().any(|k| k.contains("issue of its own")), "{report:#?}");
    assert_eq!(w.tree().await, ["late", "parent", "sub 2 < parent"]);
}

const REMOTE: &str = "fields = [\"summary\", \"remotelink\"]\n";

impl World {
    async fn remote(&self, key: &str, global: Option<&str>, url: &str, title: &str) -> String {
        let mut link = json!({"object": {"url": url, "title": title}, "relationship": "see"});
        if let Some(global) = global {
            link["globalId"] = json!(global);
        }
        content::id_of(&self.hq().add_remote_link(key, object(link)).await.unwrap())
    }

    /// The remote links of the target's only issue: global id, address, title, by title.
    async fn remotes(&self) -> Vec<(String, String, String)> {
        let issue = self.targets().await.pop().unwrap();
        let all = self.partner().remote_links(issue["key"].as_str().unwrap()).await.unwrap();
        let text = |v: &Value| v.as_str().unwrap().to_owned();
        let mut all: Vec<_> = all
            .iter()
            .map(|l| (text(&l["globalId"]), text(&l["object"]["url"]), text(&l["object"]["title"])))
            .collect();
        all.sort_by(|a, b| a.2.cmp(&b.2));
        all
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn remote_links_follow_the_source_by_their_global_id() {
    for flavor in [Flavor::Cloud, Flavor::DataCenter] {
        let w = world(flavor, 0, REMOTE).await;
        let key = w.create("s", "").await;
        w.remote(&key, Some("appId=1&pageId=2"), "https://wiki.example/2", "a page").await;
        let plain = w.remote(&key, None, "https://b.example", "b").await;
        w.target.control().cut_after_commit(2);
        w.settle().await;
        let there = w.remotes().await;
        assert_eq!(there.len(), 2, "{there:?}");
        assert_eq!(there[0], ("appId=1&pageId=2".into(), "https://wiki.example/2".into(), "a page".into()));
        assert!(there[1].0.starts_with("efface-") && there[1].0.len() == 39, "{there:?}");
        w.target.control().reset_requests();
        assert!(w.run().await.is_complete());
        assert_eq!(w.writes(), []);

        // Changed, removed; one that the target has by itself is left to it.
        let issue = w.targets().await.pop().unwrap();
        let theirs = object(json!({"globalId": "theirs", "object": {"url": "https://t.example", "title": "theirs"}}));
        w.partner().add_remote_link(issue["key"].as_str().unwrap(), theirs).await.unwrap();
        w.remote(&key, Some("theirs"), "https://ours.example", "ours").await;
        let edited = object(json!({"object": {"url": "https://c.example", "title": "c"}}));
        w.hq().edit_remote_link(&key, &plain, edited).await.unwrap();
        w.edit(&key, json!({"summary": "moved on"})).await;
        assert!(w.run().await.is_complete());
        let now: Vec<_> = w.remotes().await.into_iter().map(|l| l.2).collect();
        assert_eq!(now, ["a page", "c", "theirs"]);
        for link in w.hq().remote_links(&key).await.unwrap() {
            w.hq().delete_remote_link(&key, &content::id_of(&link)).await.unwrap();
        }
        assert!(w.run().await.is_complete());
        let now: Vec<_> = w.remotes().await.into_iter().map(|l| l.2).collect();
        assert_eq!(now, ["theirs"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_remote_link_stays_erased_and_titles_pass_suppression() {
    let w = world(Flavor::Cloud, 0, REMOTE).await;
    let key = w.create("s", "").await;
    let (one, two) = (
        w.remote(&key, None, "https://a.example/?q=zoe@corp.example", "one").await,
        w.remote(&key, None, "https://b.example", "two by zoe@corp.example").await,
    );
    assert!(w.run().await.is_complete());
    let sync: SyncName = "s".parse().unwrap();
    let there = w.targets().await.pop().unwrap();
    let pair = |id: &str| w.store.pair(&sync, PairKind::RemoteLink, id).unwrap().unwrap().target_id;
    let (erased, redacted) = (pair(&one), pair(&two));
    let at = there["key"].as_str().unwrap();
    w.partner().delete_remote_link(at, &erased).await.unwrap();
    note_erasure(&w.store, std::slice::from_ref(&sync), PairKind::RemoteLink, &erased).unwrap();
    let clean = json!({"globalId": "x", "object": {"url": "https://b.example", "title": "two by [erased]"}});
    w.partner().edit_remote_link(at, &redacted, object(clean.clone())).await.unwrap();
    let r = Redacted { kind: PairKind::RemoteLink, target_id: &redacted, field: "object" };
    note_redaction(&w.store, std::slice::from_ref(&sync), r, &clean["object"]).unwrap();
    w.suppress(&[(IdentifierKind::Email, "zoe@corp.example", None)]);
    w.edit(&key, json!({"summary": "t"})).await;
    assert!(w.run().await.is_complete());
    let issue = w.store.pair(&sync, PairKind::RemoteLink, &two).unwrap().unwrap().source_issue;
    w.store.ask_again(&sync, &[issue]).unwrap();
    assert!(w.run().await.is_complete());
    let now: Vec<_> = w.remotes().await.into_iter().map(|l| l.2).collect();
    assert_eq!(now, ["two by [erased]"], "neither a change beside them nor a resync brings them back");
    let object_of = |url: &str, title: &str| object(json!({"object": {"url": url, "title": title}}));
    w.hq()
        .edit_remote_link(&key, &two, object_of("https://b.example/zoe@corp.example", "three of zoe@corp.example"))
        .await
        .unwrap();
    w.edit(&key, json!({"summary": "u"})).await;
    let report = w.run().await;
    assert!(report.is_complete() && report.cut >= 2, "{report:#?}");
    let now = w.remotes().await;
    assert!(now.len() == 1 && now[0].2.contains("three") && !format!("{now:?}").contains("zoe"), "{now:?}");
}
