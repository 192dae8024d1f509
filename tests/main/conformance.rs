//! What every executor promises, held against each kind of step that a planner makes, on both flavours: a dry run says what
//! the run leaves behind, an act that changes nothing is a failure, a record that somebody changed is refused, what broke off is
//! resumed, a repeat acts no more, and nothing else is touched.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
};

use efface::{
    erasure::{
        execute::{Problem, Run},
        executor::{Current, Doing, ExecError, Executor, FallBack},
        plan::{Operation, Step},
    },
    model::{Area, Flavor, RecordType},
};
use serde_json::{Value, json};

use crate::engine::Engine;
use crate::world::{EMAIL, NAME, USER, World, anonymising_policy, archive, client, own_policy, post, renewing_policy};

/// What comes between an execution and the place it acts on.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    /// Nothing.
    Open,
    /// Every act is accepted, none is made.
    Deaf,
    /// No act arrives.
    Shut,
    /// Every act is made, and no answer comes back.
    Lost,
    /// The same, but one hears under which id something goes on: where that answer is lost each time, nobody ever does.
    LostBehind,
}

struct Between<'a> {
    inner: Box<dyn Executor + 'a>,
    way: Way,
    acts: Cell<u32>,
}

impl Between<'_> {
    fn act<'a, T: 'a>(&'a self, act: Doing<'a, T>, accepted: T) -> Doing<'a, T> {
        self.acts.set(self.acts.get() + 1);
        Box::pin(async move {
            let broken = || ExecError::Io(std::io::Error::other("the line is cut"));
            match self.way {
                Way::Open => act.await,
                Way::Deaf => Ok(accepted),
                Way::Shut => Err(broken()),
                Way::Lost | Way::LostBehind => {
                    act.await?;
                    Err(broken())
                }
            }
        })
    }
}

impl Executor for Between<'_> {
    fn load<'a>(&'a self, step: &'a Step) -> Doing<'a, Option<Current>> {
        self.inner.load(step)
    }

    fn confirm_gone<'a>(&'a self, step: &'a Step) -> Doing<'a, ()> {
        self.inner.confirm_gone(step)
    }

    fn complete<'a>(&'a self, step: &'a Step, next: Current) -> Doing<'a, Current> {
        self.inner.complete(step, next)
    }

    fn next<'a>(&'a self, step: &'a Step, current: &'a Current, placeholder: &'a str) -> Doing<'a, Current> {
        self.inner.next(step, current, placeholder)
    }

    fn parting(&self, step: &Step, current: &Current, placeholder: &str) -> Option<Current> {
        self.inner.parting(step, current, placeholder)
    }

    fn parts(&self, step: &Step) -> Vec<Step> {
        self.inner.parts(step)
    }

    fn falls_back(&self, step: &Step) -> Option<FallBack> {
        self.inner.falls_back(step)
    }

    fn begin<'a>(
        &'a self,
        step: &'a Step,
        current: &'a Current,
        next: Option<&'a Current>,
        again: bool,
    ) -> Doing<'a, Option<String>> {
        let begin = self.inner.begin(step, current, next, again);
        let acts = step.means.is_some() || step.replaces_attachment();
        if acts && self.way != Way::LostBehind { self.act(begin, None) } else { begin }
    }

    fn replace<'a>(
        &'a self,
        step: &'a Step,
        current: &'a Current,
        next: &'a Current,
        begun: Option<&'a str>,
    ) -> Doing<'a, Option<String>> {
        self.act(self.inner.replace(step, current, next, begun), None)
    }

    fn successor<'a>(&'a self, step: &'a Step, begun: &'a str) -> Doing<'a, Option<Current>> {
        self.inner.successor(step, begun)
    }

    fn ended<'a>(&'a self, step: &'a Step, begun: &'a str) -> Doing<'a, bool> {
        self.inner.ended(step, begun)
    }

    fn accepts(
        &self,
        step: &Step,
        part: &Step,
        before: Option<&Current>,
        read: &Current,
        clean: &dyn Fn(&[u8]) -> bool,
    ) -> bool {
        self.inner.accepts(step, part, before, read, clean)
    }

    fn traces<'a>(&'a self, step: &'a Step) -> Doing<'a, Option<Vec<Value>>> {
        self.inner.traces(step)
    }

    fn delete<'a>(&'a self, step: &'a Step) -> Doing<'a, ()> {
        self.act(self.inner.delete(step), ())
    }
}

/// The record as somebody else may have left it meanwhile; `None` where a record of this kind cannot be changed.
fn by_somebody(step: &Step, current: &Current) -> Option<Current> {
    // These have no part that is put in place of another; `anonymise.rs` and `renew.rs` change them otherwise.
    if matches!(step.operation, Operation::Anonymise | Operation::Renew) {
        return None;
    }
    Some(match current {
        Current::Attachment { .. } => return None,
        Current::Bytes(bytes) if bytes.is_empty() => return None,
        Current::Bytes(bytes) => Current::Bytes([bytes.as_slice(), b"\n"].concat()),
        Current::Json(value) => {
            let mut value = value.clone();
            match step.record.record_type {
                RecordType::Comment => value["body"] = changed_text(&value["body"]),
                RecordType::Worklog => value["comment"] = changed_text(&value["comment"]),
                RecordType::RemoteLink => value["object"]["title"] = json!("somebody's"),
                RecordType::Property => value["value"] = json!("somebody's"),
                RecordType::Issue => {
                    let field = step.edits.iter().map(|e| e.field.as_str()).find(|f| *f == "description")?;
                    value["fields"][field] = changed_text(&value["fields"][field]);
                }
                _ => return None,
            }
            Current::Json(value)
        }
    })
}

fn changed_text(text: &Value) -> Value {
    match text {
        Value::String(s) => json!(format!("{s} (somebody's)")),
        adf => {
            let mut adf = adf.clone();
            let more = json!({ "type": "paragraph", "content": [{ "type": "text", "text": "somebody's" }] });
            adf["content"].as_array_mut().unwrap().push(more);
            adf
        }
    }
}

/// Everything outside efface's own state: the Jiras with each issue's parts, and the home folder's files but for sealed
/// ones.
fn everything(w: &World) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for (name, sandbox) in [("hq", &w.source), ("partner", &w.target)] {
        let dump = sandbox.control().dump();
        for part in ["users", "projects"] {
            out.insert(format!("{name}/{part}"), dump[part].to_string());
        }
        for (key, issue) in dump["issues"].as_object().unwrap() {
            for (part, value) in issue.as_object().unwrap() {
                out.insert(format!("{name}/{key}/{part}"), value.to_string());
            }
        }
    }
    let mut folders = vec![w.home()];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
            let name = path.strip_prefix(w.home()).unwrap().display().to_string();
            if path.is_dir() {
                folders.push(path);
            } else if !name.starts_with("data/efface") {
                out.insert(name, String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned());
            }
        }
    }
    out
}

/// Whether a step may touch what stands there: its own record, and what a Jira writes down about an edit.
fn own(step: &Step, name: &str) -> bool {
    let Some(instance) = &step.instance else {
        return step.place.area() != Area::Staging
            && step.record.path.as_deref().is_some_and(|p| name.ends_with(p.split('!').next().unwrap()));
    };
    // An account stands in many records, and an issue goes with all that is in it.
    if step.operation == Operation::Anonymise {
        return name.starts_with(&format!("{instance}/"));
    }
    if step.operation == Operation::Renew {
        return name.starts_with(&format!("{instance}/{}/", step.record.key.as_deref().unwrap_or("?")));
    }
    let Some(part) = name.strip_prefix(&format!("{instance}/{}/", step.record.key.as_deref().unwrap_or("?"))) else {
        return false;
    };
    let written_down = matches!(part, "updated" | "history" | "changed");
    written_down
        || match step.record.record_type {
            RecordType::Issue => !matches!(
                part,
                "comments"
                    | "worklogs"
                    | "attachments"
                    | "watchers"
                    | "voters"
                    | "links"
                    | "remoteLinks"
                    | "properties"
            ),
            RecordType::Comment => part == "comments",
            RecordType::Worklog => part == "worklogs",
            RecordType::Attachment => part == "attachments",
            RecordType::Watcher => part == "watchers",
            RecordType::RemoteLink => part == "remoteLinks",
            RecordType::Property => matches!(part, "properties" | "comments" | "worklogs"),
            _ => false,
        }
}

#[track_caller]
fn only_own_changed(step: &Step, before: &BTreeMap<String, String>, after: &BTreeMap<String, String>, what: &str) {
    let names: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    for name in names {
        if before.get(name) != after.get(name) {
            assert!(own(step, name), "{what}: {name} changed:\n{:?}\n{:?}", before.get(name), after.get(name));
        }
    }
}

fn kind(w: &World, step: &Step) -> String {
    let where_ = match step.place.area() {
        Area::Source => "datacenter".to_owned(),
        Area::Target if w.target.flavor() == Flavor::Cloud => "cloud".to_owned(),
        Area::Target => "datacenter".to_owned(),
        area => area.to_string(),
    };
    format!("{where_} {} {}", step.operation.as_str(), step.record.record_type.as_str())
}

struct Suite<'a> {
    w: &'a World,
    engine: &'a Engine<'a>,
    run: &'a Run<'a>,
}

impl Suite<'_> {
    fn load(&self, executor: &dyn Executor, step: &Step) -> Option<Current> {
        self.w.rt.block_on(executor.load(step)).unwrap()
    }

    /// What stands where a step's record was: it, or what took its place.
    fn left(&self, executor: &dyn Executor, step: &Step) -> Option<Current> {
        self.load(executor, step).or_else(|| {
            let rows = self.engine.store.steps(&self.engine.case, &self.engine.hash).unwrap();
            let row = rows.into_iter().find(|r| r.number == step.number)?;
            let begun = row.note["begun"].as_str()?.to_owned();
            self.w.rt.block_on(executor.successor(step, &begun)).unwrap()
        })
    }

    /// Carries a step out behind whatever earlier runs left in the journal; gives what went wrong, and how many acts it took.
    fn carry_out(&self, step: &Step, way: Way) -> (Option<Problem>, u32) {
        let inner = self.run.executors.of(step).unwrap();
        let between = Between { inner, way, acts: Cell::new(0) };
        let rows = self.engine.store.steps(&self.engine.case, &self.engine.hash).unwrap();
        let earlier = rows.iter().find(|r| r.number == step.number);
        let problem = self.w.rt.block_on(self.run.carry_out(step, earlier, Ok(&between))).unwrap();
        (problem, between.acts.get())
    }

    fn holds(&self, step: &Step) {
        let what = format!("{} (step {})", kind(self.w, step), step.number);
        let executor = self.run.executors.of(step).unwrap();
        let executor = &*executor;
        let current = self.load(executor, step).unwrap_or_else(|| panic!("{what}: not there"));
        let is = |wanted: &str, when: &str| {
            let now = self.load(executor, step).unwrap_or_else(|| panic!("{what}: gone, {when}"));
            assert_eq!(now.hash(step), wanted, "{what}: {when}");
        };
        assert_eq!(current.hash(step), step.base, "{what}: not what was planned on");
        // A dry run touches nothing.
        let before = everything(self.w);
        let next = (step.operation == Operation::Edit).then(|| {
            let next = self.w.rt.block_on(executor.next(step, &current, self.run.executors.placeholder));
            next.unwrap_or_else(|e| panic!("{what}: {e}"))
        });
        assert!(everything(self.w) == before, "{what}: the dry run changed something");
        // An act that changes nothing is a failure.
        let (problem, acts) = self.carry_out(step, Way::Deaf);
        let problem = problem.unwrap_or_else(|| panic!("{what}: an act that changed nothing is called done"));
        assert!(acts > 0 && !problem.refused && problem.what.contains("changed nothing"), "{what}: {problem:?}");
        is(&step.base, "after an act that changed nothing");
        // A record that somebody changed is refused, and left as it is.
        if let Some(changed) = by_somebody(step, &current) {
            self.w.rt.block_on(executor.replace(step, &current, &changed, None)).unwrap();
            let theirs = self.load(executor, step).unwrap();
            assert_ne!(theirs.hash(step), step.base, "{what}: nobody changed it");
            let seen = everything(self.w);
            let (problem, acts) = self.carry_out(step, Way::Open);
            assert!(problem.is_some_and(|p| p.refused), "{what}: a changed record is not refused");
            assert_eq!(acts, 0, "{what}: a changed record is touched");
            assert!(everything(self.w) == seen, "{what}: a refused step changed something");
            self.w.rt.block_on(executor.replace(step, &theirs, &current, None)).unwrap();
            is(&step.base, "put back");
        }
        // What does not arrive is a failure, and a later run tries again.
        let (problem, _) = self.carry_out(step, Way::Shut);
        assert!(problem.is_some_and(|p| !p.refused), "{what}: a line that is cut is no failure");
        is(&step.base, "after a failure");
        // Where the answer is lost, a later run finds how far this one came.
        for n in 0.. {
            assert!(n < 4, "{what}: no end");
            let (problem, acts) = self.carry_out(step, if n == 0 { Way::Lost } else { Way::LostBehind });
            let Some(problem) = problem else {
                assert_eq!(acts, 0, "{what}: acts again");
                break;
            };
            assert!(!problem.refused, "{what}: refuses what it did itself: {problem:?}");
        }
        // What it left behind is what the dry run said.
        match (self.left(executor, step), &next) {
            (None, None) => {}
            (Some(now), Some(next)) => {
                let clean = self.run.needles.hits(&now.edited_bytes(step)).is_empty();
                assert!(now.hash(step) == next.hash(step) && clean, "{what}: the run differs from the dry run");
            }
            (now, _) => panic!("{what}: there is {now:?}"),
        }
        // Repeated, it acts no more.
        let after = everything(self.w);
        let (problem, acts) = self.carry_out(step, Way::Open);
        assert!(problem.is_none() && acts == 0, "{what}: {problem:?}, {acts} acts at a repeat");
        assert!(everything(self.w) == after, "{what}: a repeat changed something");
        only_own_changed(step, &before, &after, &what);
        // A new one for the old one, or a note, and none twice.
        if let (RecordType::Attachment, Some(instance)) = (step.record.record_type, &step.instance) {
            let count = |world: &BTreeMap<String, String>| {
                let name = format!("{instance}/{}/attachments", step.record.key.as_deref().unwrap_or_default());
                serde_json::from_str::<Value>(&world[&name]).unwrap().as_array().unwrap().len()
            };
            assert_eq!(count(&after), count(&before), "{what}");
        }
    }
}

/// The person in every kind of record that a step can change.
fn full() -> World {
    let w = World::new(Flavor::Cloud, 1);
    let key = w.plant();
    w.efface(&["sync", "run"]).exits(0);
    w.indexed();
    let partner = client("partner", &w.target);
    let arrived = w.rt.block_on(partner.search("summary ~ Rota", &["summary"]).all()).unwrap().remove(0);
    let paragraph = |text: &str| json!({ "type": "doc", "version": 1, "content": [{ "type": "paragraph", "content": [{ "type": "text", "text": text }] }] });
    let text = format!("called {EMAIL}");
    let link = json!({ "object": { "url": "https://wiki.example/x", "title": format!("notes of {NAME}") } });
    for (sandbox, api, key, words, watcher) in [
        (&w.source, 2, key.as_str(), json!(text), json!(USER)),
        (&w.target, 3, arrived.key(), paragraph(&text), json!(w.target_id)),
    ] {
        let of = |part: &str| format!("/rest/api/{api}/issue/{key}/{part}");
        post(sandbox, &of("watchers"), &watcher);
        post(sandbox, &of("worklog"), &json!({ "comment": words, "timeSpentSeconds": 60 }));
        post(sandbox, &of("comment"), &json!({ "body": words }));
        post(sandbox, &of("remotelink"), &link);
        let jira = client("any", sandbox);
        w.rt.block_on(jira.set_property(key, "note", json!({ "ask": EMAIL }))).unwrap();
        let archive = archive(&text);
        for (name, bytes) in [("list.txt", text.clone().into_bytes()), ("badge.tar", archive)] {
            w.rt.block_on(jira.upload(key, name, efface::jira::Upload::Bytes(bytes.into()))).unwrap();
        }
    }
    let tool = w.home().join("data/other-tool");
    std::fs::write(tool.join("doc.xml"), format!("<a who=\"{EMAIL}\"><b>{NAME}</b></a>")).unwrap();
    std::fs::write(tool.join("free.txt"), format!("ask {NAME}\r\nor {EMAIL}\r\n")).unwrap();
    std::fs::create_dir_all(tool.join(format!("of-{USER}"))).unwrap();
    w.register();
    w
}

/// Holds every step of the plan to what its executor promises, and then ends the case.
fn suite(w: &World) -> BTreeSet<String> {
    let case = w.approved_case();
    let engine = Engine::of(w, &case);
    let mut kinds = BTreeSet::new();
    engine.with_run(|run, _| {
        let suite = Suite { w, engine: &engine, run };
        // A staged attachment goes with its message, so it comes first here.
        let of_a_message =
            |s: &&Step| s.place.area() == Area::Staging && s.record.record_type == RecordType::Attachment;
        let (first, rest): (Vec<_>, Vec<_>) = engine.plan.steps.iter().partition(of_a_message);
        for step in first.into_iter().chain(rest) {
            suite.holds(step);
            kinds.insert(kind(w, step));
        }
    });
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    w.efface(&["case", "verify", &case]).exits(0);
    kinds
}

#[track_caller]
fn has(kinds: &BTreeSet<String>, wanted: &[&str]) {
    let missing: Vec<_> = wanted.iter().filter(|k| !kinds.contains(**k)).collect();
    assert!(missing.is_empty(), "no step does {missing:?}: {kinds:#?}");
}

#[test]
fn edits_keep_what_executors_promise() {
    let w = full();
    let kinds = suite(&w);
    has(
        &kinds,
        &[
            "cloud edit issue",
            "cloud edit comment",
            "cloud edit worklog",
            "cloud edit remotelink",
            "cloud edit property",
            "cloud edit attachment",
            "cloud delete attachment",
            "cloud delete watcher",
            "datacenter edit issue",
            "datacenter edit comment",
            "datacenter edit worklog",
            "datacenter edit remotelink",
            "datacenter edit property",
            "datacenter edit attachment",
            "datacenter delete attachment",
            "datacenter delete watcher",
            "staging edit message",
            "staging delete attachment",
            "foreign edit file",
            "foreign delete file",
            "log edit file",
        ],
    );
}

#[test]
fn deletions_keep_what_executors_promise() {
    let rule = |id: &str, what: &str| {
        format!(
            "[[rule]]\nid = \"{id}\"\nmatch = {{ {what}, at_least = \"probable\" }}\ndecision = \"delete\"\nbasis = \"b\"\nreason = \"r\"\n\n"
        )
    };
    let records = "area = [\"source\", \"target\"], record = [\"comment\", \"worklog\", \"remotelink\", \"property\"]";
    let rules = [rule("d1", records), rule("d2", "area = [\"staging\", \"foreign\", \"log\"]")].concat();
    let w = full();
    own_policy(&w, &rules);
    let kinds = suite(&w);
    has(
        &kinds,
        &[
            "cloud delete comment",
            "cloud delete worklog",
            "cloud delete remotelink",
            "cloud delete property",
            "datacenter delete comment",
            "datacenter delete worklog",
            "datacenter delete remotelink",
            "datacenter delete property",
            "staging delete message",
            "staging delete attachment",
            "foreign delete file",
            "log delete file",
        ],
    );
}

#[test]
fn accounts_keep_what_executors_promise() {
    let w = full();
    anonymising_policy(&w);
    has(&suite(&w), &["datacenter anonymise user-profile"]);
}

#[test]
fn renewals_keep_what_executors_promise() {
    let w = full();
    renewing_policy(&w, "[\"issue\", \"comment\", \"attachment\", \"history\"]");
    has(&suite(&w), &["cloud renew issue"]);
}
