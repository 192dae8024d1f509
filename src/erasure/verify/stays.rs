//! What a hit of the verification is: something that the plan said would stay, or unexpected. Pure but for the journal of the steps.
//!
//! Must not read a place, nor import `norm`, `subject::Matcher` or `scan::walk`.

use std::collections::{BTreeMap, BTreeSet};

use super::{Class, Remaining, Verification, Verify};
use crate::{
    erasure::{execute, plan::Standing},
    model::{Outcome, Place, RecordRef, RecordType},
};

/// Whether a verification met what the plan said would stay; what it could not read counts as met.
#[must_use]
pub fn still_met(standing: &Standing, v: &Verification) -> bool {
    let read = v.coverage.iter().any(|c| c.place == standing.place && c.status.is_complete());
    // Of a history entry it is told whether its author was met, or what it says.
    let same_half = |r: &Remaining| {
        standing.record.record_type != RecordType::History || (standing.field == "author") == (r.field == "author")
    };
    !read || v.remaining.iter().any(|r| covers(standing, &r.place, &r.record, &r.field) && same_half(r))
}

/// What steps left as it is, since the place lacked the means, with why.
pub(super) type Left = Vec<(Place, RecordRef, String, String)>;

/// Of history entries: which fields' old or new values hold an identifier.
pub(super) type Changed = BTreeMap<(Place, RecordRef), BTreeSet<String>>;

impl Verify<'_> {
    /// What the plan's steps left as it is. A journal that cannot be read leaves it unexpected.
    pub(super) fn left(&self, hash: &str) -> Left {
        let rows = self.store.steps(&self.plan.case, hash).unwrap_or_default();
        let mut out = Vec::new();
        for step in &self.plan.steps {
            let Some(row) = rows.iter().find(|r| r.number == step.number) else { continue };
            let left = execute::left(row);
            for edit in step.edits.iter().filter(|e| left.contains(&e.finding)) {
                let why = execute::remark(row).unwrap_or_default();
                out.push((step.place.clone(), step.record.clone(), edit.field.clone(), why));
            }
        }
        out
    }

    /// Whether the plan says of this field that it stays.
    pub(super) fn classify(
        &self,
        (place, record, field): (Place, RecordRef, String),
        count: u64,
        left: &Left,
        changed: &Changed,
    ) -> Remaining {
        let listed = self.plan.standing.iter().find(|s| covers(s, &place, &record, &field));
        // What an approved edit copied into the history is what the plan warned of.
        let copied = || {
            record.record_type == RecordType::History
                && self.plan.steps.iter().any(|s| s.place == place && s.record.key == record.key)
        };
        // What the plan leaves in a field is in the issue's history once a sync, or anybody, writes something else there.
        let moved = || {
            let fields = changed.get(&(place.clone(), record.clone())).filter(|fields| !fields.is_empty())?;
            let stays = |field: &String| {
                self.plan.standing.iter().find(|s| {
                    matches!(s.outcome, Outcome::Kept | Outcome::Residual)
                        && (s.record.record_type, &s.record.key, &s.place) == (RecordType::Issue, &record.key, &place)
                        && s.field == *field
                })
            };
            fields.iter().map(stays).collect::<Option<Vec<_>>>()?.first().copied()
        };
        let base = |class, outcome, why: &str, who: Option<String>| Remaining {
            place: place.clone(),
            record: record.clone(),
            field: field.clone(),
            class,
            outcome,
            why: why.to_owned(),
            who,
            count,
        };
        match listed {
            // An error at planning is no reason to stay.
            Some(s) if s.outcome == Outcome::Failed => base(Class::Unexpected, Some(s.outcome), &s.why, s.who.clone()),
            Some(s) => base(Class::Listed, Some(s.outcome), &s.why, s.who.clone()),
            None if let Some((.., why)) =
                left.iter().find(|(p, r, f, _)| *p == place && *r == record && *f == field) =>
            {
                let who = Some("the Jira administrator of the instance".into());
                base(Class::Listed, Some(Outcome::Residual), why, who)
            }
            None if is_audit(&record) && self.anonymises(&place) => {
                base(Class::Listed, Some(Outcome::Residual), AUDIT_LOG, Some("the Jira system administrator".into()))
            }
            None if copied() => base(
                Class::Listed,
                Some(Outcome::Residual),
                "Jira keeps the old value of every edit in the issue's history, which cannot be edited",
                Some("the Jira administrator of the instance".into()),
            ),
            None if let Some(s) = moved().filter(|_| field == "items") => {
                let why = format!("{}; written over since, so that it stands in the issue's history", s.why);
                let who = s.who.clone().or_else(|| Some("the Jira administrator of the instance".to_owned()));
                base(Class::Listed, Some(s.outcome), &why, who)
            }
            None => base(Class::Unexpected, None, "nothing in the plan says that this may stay", None),
        }
    }
}

pub(super) const NOBODYS_KEY: &str = "Jira keeps the key of an anonymised account, which names nobody any more";
pub(super) const AUDIT_LOG: &str = "Jira's audit log keeps the old name of an anonymised account";

/// What an anonymisation leaves.
pub(super) fn anonymised(place: Place, record: RecordRef, field: &str, why: &str, count: u64) -> Remaining {
    Remaining {
        place,
        record,
        field: field.to_owned(),
        class: Class::Listed,
        outcome: Some(Outcome::Residual),
        why: why.to_owned(),
        who: Some("the Jira system administrator of the instance".to_owned()),
        count,
    }
}

/// Whether a record is an entry of an instance's audit log.
pub(super) fn is_audit(record: &RecordRef) -> bool {
    record.record_type == RecordType::Property && record.id.as_deref().is_some_and(|id| id.starts_with("audit/"))
}

fn covers(standing: &Standing, place: &Place, record: &RecordRef, field: &str) -> bool {
    // The id of a watcher or voter is the person's own, so a finding has none.
    let person = matches!(record.record_type, RecordType::Vote | RecordType::Watcher);
    let same_record = standing.record == *record
        || person && standing.record.record_type == record.record_type && standing.record.key == record.key
        || standing.record.record_type == record.record_type
            && standing.record.path.is_some()
            && standing.record.path.as_deref().map(outer) == record.path.as_deref().map(outer)
        // Whatever lies in a folder whose name stays has that name in its path.
        || field == "name" && standing.field == "name" && below(record, &standing.record);
    let same_field = standing.field == field
        // Files, history entries, settings and profiles are residual as a whole.
        || matches!(
            record.record_type,
            RecordType::History | RecordType::Vote | RecordType::Watcher | RecordType::UserProfile
        )
        || record.record_type == RecordType::Property && record.key.is_none()
        || record.path.is_some() && field != "name" && standing.field != "name";
    standing.place == *place && same_record && same_field
}

fn below(record: &RecordRef, folder: &RecordRef) -> bool {
    let inside = |(path, folder): (&str, &str)| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    record.path.as_deref().zip(folder.path.as_deref()).is_some_and(inside)
}

fn outer(path: &str) -> &str {
    path.split_once('!').map_or(path, |(outer, _)| outer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Area, ReferenceKind};

    #[test]
    fn votes_files_and_folders_are_covered_by_what_stands() {
        let place = Place::new(Area::Target, "t/T");
        let vote = |id: Option<&str>| RecordRef {
            record_type: RecordType::Vote,
            id: id.map(str::to_owned),
            key: Some("T-1".into()),
            path: None,
        };
        let standing = |record: RecordRef, field: &str| Standing {
            finding: String::new(),
            place: place.clone(),
            record,
            field: field.into(),
            locator: String::new(),
            kind: ReferenceKind::Email,
            outcome: Outcome::Residual,
            rule: String::new(),
            why: String::new(),
            who: None,
        };
        assert!(covers(&standing(vote(None), "votes"), &place, &vote(Some("")), "displayName"));
        let other = RecordRef { key: Some("T-2".into()), ..vote(Some("")) };
        assert!(!covers(&standing(vote(None), "votes"), &place, &other, "displayName"));
        let folder = standing(RecordRef::file("a/b"), "name");
        assert!(covers(&folder, &place, &RecordRef::file("a/b/c.txt"), "name"));
        assert!(!covers(&folder, &place, &RecordRef::file("a/bc"), "name"));
        assert!(!covers(&folder, &place, &RecordRef::file("a/b/c.txt"), ""), "the content is another matter");
    }
}
