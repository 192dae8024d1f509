//! Sources and targets: every record that an edit can change.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Back, Fate, Replay, Replayed, UNREAD, coverage, held};
use crate::{
    config::NameMode,
    erasure::{
        executor::{Current, ExecError, Executors, People, Ways},
        plan::{Base, Edit, Operation, Step},
    },
    holds::{Spot, names_json},
    jira::Client,
    model::{Area, Coverage, CoverageStatus, Cut, Decision, Hold, Mandate, RecordType, ReferenceKind, Strength},
    scan::collect::{Event, Reading, RemotePlace, RemoteRecord, collect, known},
    suppression::{FileVerdict, Guard, PLACEHOLDER},
};

/// Fields of an issue that no edit of it changes, or that are another record's.
const FIXED: [&str; 22] = [
    "creator",
    "project",
    "issuelinks",
    "subtasks",
    "parent",
    "watches",
    "votes",
    "status",
    "issuetype",
    "priority",
    "resolution",
    "created",
    "updated",
    "lastViewed",
    "resolutiondate",
    "progress",
    "aggregateprogress",
    "timetracking",
    "workratio",
    "components",
    "versions",
    "fixVersions",
];

/// What is to be done with a record.
struct Hit {
    record: RemoteRecord,
    operation: Operation,
    fields: Vec<String>,
    certain: usize,
    names: usize,
}

impl Replay<'_> {
    pub(super) async fn remote(
        &self,
        client: &Client,
        remote: &RemotePlace,
        out: &mut Replayed,
        progress: impl FnMut(u64),
    ) {
        let guard = self.guard(&remote.instance);
        let names = self.names(remote);
        let known = match known(self.config, self.store, remote) {
            Ok(known) => known,
            Err(e) => {
                let status = CoverageStatus::Unexamined;
                return out.coverage.push(Coverage::with_reason(remote.place(), status, 0, 0, e.to_string()));
            }
        };
        let (mut hits, mut unread) = (Vec::new(), BTreeMap::<String, u64>::new());
        let sink = |event: Event| {
            let Event::Record(_, record) = event else { return };
            if let Some(hit) = look(&guard, record, names, &mut unread) {
                hits.push(hit);
            }
        };
        let collected = collect(client, remote, Reading::all(&known), sink, progress).await;
        out.coverage.extend(collected.coverage);
        if !unread.is_empty() {
            let place = format!("{}/{}/attachments", remote.instance, remote.project);
            out.coverage.push(coverage(crate::model::Place::new(remote.area, place), 0, &unread));
        }
        for hit in hits {
            let fate = match self.why_not(remote) {
                _ if !self.acts => Fate::Seen,
                _ if hit.certain == 0 => Fate::Left("a bare name, which may be a namesake's: a person decides".into()),
                Some(why) => Fate::Left(why),
                None if let Some(hold) = self.keeps(remote, &hit) => held(hold),
                None => match self.act(client, remote, &guard, names, &hit).await {
                    Ok(fate) => fate,
                    Err(e) => Fate::Left(e.to_string()),
                },
            };
            out.back.push(Back {
                place: remote.place(),
                record: hit.record.record.record_type,
                which: hit.record.record.key.clone().unwrap_or_default(),
                certain: hit.certain,
                names: hit.names,
                fate,
            });
        }
    }

    /// The hold that keeps a record.
    fn keeps(&self, remote: &RemotePlace, hit: &Hit) -> Option<&Hold> {
        let fields: Vec<&str> = hit.fields.iter().map(String::as_str).collect();
        let place = remote.place();
        let spot = Spot {
            place: &place,
            project: Some(&remote.project),
            record: &hit.record.record,
            fields: &fields,
            whole: hit.operation == Operation::Delete,
        };
        self.holds.keeps(None, &remote.instance, &spot, &|guard| names_json(guard, &hit.record.json))
    }

    /// Why nothing may be written here.
    fn why_not(&self, remote: &RemotePlace) -> Option<String> {
        if remote.area != Area::Target {
            return Some("a replay writes to no source: open a follow-up case for it".into());
        }
        let instance = self.config.instance(&remote.instance)?;
        match instance.mandate {
            Mandate::Yes => None,
            Mandate::Consent => Some("this instance needs a consent: open a follow-up case with --consent".into()),
            Mandate::Notify => {
                let who = instance.contact.as_deref().unwrap_or("its contact");
                Some(format!("this instance is told, not touched: tell {who}"))
            }
        }
    }

    /// Cuts a record as the guard says, reads it back, and tells the sync engine, so that nothing from the source undoes it.
    async fn act(
        &self,
        client: &Client,
        remote: &RemotePlace,
        guard: &Guard,
        names: NameMode,
        hit: &Hit,
    ) -> Result<Fate, ExecError> {
        let clients = BTreeMap::from([(remote.instance.clone(), client.clone())]);
        let executors = Executors {
            config: self.config,
            store: self.store,
            clients: &clients,
            people: &People::new(),
            sources: &|_| None,
            placeholder: PLACEHOLDER,
            ways: &Ways::default(),
        };
        let step = step(remote, hit);
        let executor = executors.of(&step)?;
        let Some(current) = executor.load(&step).await? else {
            executor.confirm_gone(&step).await?;
            return Ok(Fate::Erased);
        };
        if hit.operation == Operation::Delete {
            executor.delete(&step).await?;
            if executor.load(&step).await?.is_some() {
                return Err(ExecError::NothingChanged);
            }
            executors.settle(&step, None)?;
            return Ok(Fate::Erased);
        }
        let Current::Json(now) = &current else { return Err(ExecError::Changed) };
        let mut next = now.clone();
        cut(guard, &mut next, &step, names);
        let next = executor.complete(&step, Current::Json(next)).await?;
        if next.hash(&step) == current.hash(&step) {
            return Err(ExecError::NothingChanged);
        }
        executor.replace(&step, &current, &next, None).await?;
        let Some(read) = executor.load(&step).await? else { return Err(ExecError::Vanished) };
        let Current::Json(back) = &read else { return Err(ExecError::Vanished) };
        if cut(guard, &mut back.clone(), &step, names) > 0 {
            return Err(ExecError::ReadBack);
        }
        executors.settle(&step, Some(&read))?;
        Ok(Fate::Cut)
    }
}

/// The parts of a record that an edit can change, under the names by which the sync engine knows them.
fn parts<'v>(json: &'v mut Value, record: RecordType, only: &[String]) -> Vec<(String, &'v mut Value)> {
    let wanted = |name: &str| only.is_empty() || only.iter().any(|o| o == name);
    let pick = |object: Option<&'v mut Map<String, Value>>, takes: &dyn Fn(&str) -> bool| {
        let members = object.into_iter().flat_map(Map::iter_mut);
        members.filter(|(name, _)| takes(name)).map(|(name, v)| (name.clone(), v)).collect()
    };
    match record {
        RecordType::Issue => {
            pick(json.get_mut("fields").and_then(Value::as_object_mut), &|n| !FIXED.contains(&n) && wanted(n))
        }
        RecordType::Comment => pick(json.as_object_mut(), &|n| n == "body"),
        RecordType::Worklog => pick(json.as_object_mut(), &|n| n == "comment"),
        RecordType::RemoteLink => pick(json.as_object_mut(), &|n| n == "object" || n == "relationship"),
        RecordType::Property => pick(json.as_object_mut(), &|n| n == "value"),
        _ => Vec::new(),
    }
}

/// Makes the guard's cuts in a record; says how many.
fn cut(guard: &Guard, json: &mut Value, step: &Step, names: NameMode) -> usize {
    let only: Vec<String> = step.edits.iter().map(|e| e.field.clone()).collect();
    let only = if step.record.record_type == RecordType::Issue { only } else { Vec::new() };
    let mut cuts = 0;
    for (_, value) in parts(json, step.record.record_type, &only) {
        let verdict = guard.check_json(value, names);
        cuts += verdict.cuts;
        *value = verdict.value;
    }
    cuts
}

fn look(guard: &Guard, mut record: RemoteRecord, names: NameMode, unread: &mut BTreeMap<String, u64>) -> Option<Hit> {
    // Settings are used by many, and were residuals.
    record.record.key.as_ref()?;
    let kind = record.record.record_type;
    let (mut fields, mut certain, mut bare) = (Vec::new(), 0, 0);
    let mut operation = Operation::Edit;
    match kind {
        RecordType::Attachment => {
            operation = Operation::Delete;
            let name = record.json.get("filename").and_then(Value::as_str).unwrap_or("attachment").to_owned();
            let verdict = guard.check_text(&name, NameMode::Park);
            (certain, bare) = (verdict.cuts, verdict.names);
            match record.content.take().map(|bytes| guard.check_file(&name, &bytes)) {
                Some(FileVerdict::Certain) => certain += 1,
                Some(FileVerdict::Name) => bare += 1,
                Some(FileVerdict::Unread) => *unread.entry(UNREAD.into()).or_default() += 1,
                Some(FileVerdict::Clean) | None => {}
            }
        }
        RecordType::Watcher => {
            operation = Operation::Delete;
            certain = usize::from(guard.user(&record.json));
        }
        _ => {
            for (name, value) in parts(&mut record.json, kind, &[]) {
                let verdict = guard.check_json(value, names);
                if verdict.cuts > 0 {
                    fields.push(name);
                }
                certain += verdict.cuts;
                bare += verdict.names;
            }
        }
    }
    (certain + bare > 0).then_some(Hit { record, operation, fields, certain, names: bare })
}

/// The hit as a step, for the executors; its cuts are the guard's, so the edits only name the fields.
fn step(remote: &RemotePlace, hit: &Hit) -> Step {
    let record = hit.record.record.clone();
    let edit = |field: &String| Edit {
        finding: String::new(),
        field: field.clone(),
        locator: String::new(),
        cut: Cut::Whole,
        decision: Decision::Redact,
        rule: "replay".into(),
        kind: ReferenceKind::Alias,
        strength: Strength::Certain,
        at: None,
        with: None,
    };
    let fields: Vec<&str> = hit.fields.iter().map(String::as_str).collect();
    Step {
        number: 1,
        place: remote.place(),
        instance: Some(remote.instance.clone()),
        project: Some(remote.project.clone()),
        operation: hit.operation,
        base: Base::Json(hit.record.json.clone()).hash(record.record_type, hit.operation, &fields),
        means: None,
        edits: hit.fields.iter().map(edit).collect(),
        notes: Vec::new(),
        record,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_an_edit_changes_is_looked_at() {
        let names =
            |json: &mut Value, kind| parts(json, kind, &[]).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        let mut issue =
            json!({"id": "1", "fields": {"summary": "s", "creator": {}, "customfield_1": "x", "votes": {}}});
        assert_eq!(names(&mut issue, RecordType::Issue), ["summary", "customfield_1"]);
        let only = parts(&mut issue, RecordType::Issue, &["customfield_1".to_owned()]);
        assert_eq!(only.len(), 1);
        let mut comment = json!({"id": "1", "author": {}, "body": "b"});
        assert_eq!(names(&mut comment, RecordType::Comment), ["body"]);
        assert!(names(&mut json!({"items": []}), RecordType::History).is_empty());
    }
}
