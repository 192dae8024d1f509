//! Reviews in groups: which open findings ask the same question, and what was answered for their passage before.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Room, decide::Reviews};
use crate::{
    erasure::{
        executor::{Current, Executors, name_of},
        groups::{GroupKind, Passage, groups_of},
        plan::{Base, Group, Step},
    },
    model::{CaseId, Cut, Decision, Finding, Subject},
};

/// The case's note of which group each open finding is in.
const MEMBERS: &str = "review-groups";

/// The case's note of what was decided of passages.
const DECIDED: &str = "group-decisions";

/// Most characters of an example.
const EXAMPLE: usize = 160;

/// An open finding's groups.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Member {
    /// From the narrowest to the widest.
    pub(super) groups: Vec<(GroupKind, String)>,
    /// What stands there, masked; empty where it is no text.
    pub(super) example: String,
}

/// Open findings with their groups.
pub(super) type Members = BTreeMap<String, Member>;

/// What asks a person, and what a person said of the same passage.
pub(super) struct Asked<'a> {
    room: &'a Room,
    subject: &'a Subject,
    executors: &'a Executors<'a>,
    mask: &'a dyn Fn(&str) -> String,
    members: Members,
    decided: Reviews,
}

impl<'a> Asked<'a> {
    pub(super) fn new(
        room: &'a Room,
        id: &CaseId,
        subject: &'a Subject,
        executors: &'a Executors<'a>,
        mask: &'a dyn Fn(&str) -> String,
    ) -> anyhow::Result<Self> {
        let decided = room.store.case_note(id, DECIDED)?.unwrap_or_default();
        Ok(Self { room, subject, executors, mask, members: Members::new(), decided })
    }

    /// Finds the groups of those findings that are wanted.
    pub(super) async fn look(&mut self, groups: &[Group], wanted: impl Fn(&Finding) -> bool) {
        for (findings, base) in groups {
            let mut bytes = None;
            for finding in findings.iter().filter(|f| wanted(f)) {
                if self.members.contains_key(&finding.id) {
                    continue;
                }
                let passage = match base {
                    Some(Base::Json(value)) => Passage::in_json(value, &finding.reference.cut),
                    _ if matches!(finding.reference.cut, Cut::Text { .. }) => {
                        let step = Step::reading(&finding.reference);
                        if bytes.is_none() {
                            bytes = Some(load(self.executors, &step).await);
                        }
                        let bytes = bytes.as_deref().unwrap_or_default();
                        Passage::in_file(name_of(&step), bytes, &finding.reference.cut)
                    }
                    _ => None,
                };
                let text = passage.as_ref().map(Passage::text).unwrap_or_default();
                // Masked before it is cut to length, so that no half of a name is left.
                let example: String = (self.mask)(&text).chars().take(EXAMPLE).collect();
                let groups = groups_of(self.room.store.keys(), self.subject, finding, passage.as_ref());
                self.members.insert(finding.id.clone(), Member { groups, example });
            }
        }
    }

    /// What a person said of the same passage elsewhere.
    pub(super) fn answered(&self, finding: &Finding) -> Option<(Decision, String)> {
        let member = self.members.get(&finding.id).filter(|_| finding.decision == Decision::Review)?;
        let passage = member.groups.iter().find(|(kind, _)| *kind == GroupKind::Passage)?;
        let (decision, why) = self.decided.get(&passage.1)?;
        // A deletion is never remembered; this is for a note that somebody else wrote.
        (*decision != Decision::Delete).then(|| (*decision, format!("{why} (as for the same passage elsewhere)")))
    }

    /// Keeps the groups of what is still open for `case review`.
    pub(super) fn keep(mut self, id: &CaseId, at: chrono::DateTime<chrono::Utc>, open: &[&str]) -> anyhow::Result<()> {
        self.members.retain(|finding, _| open.contains(&finding.as_str()));
        Ok(self.room.store.put_case_note(id, MEMBERS, at, &self.members)?)
    }
}

/// The bytes of a record that lies here; none where it cannot be read, which only makes its groups wider.
async fn load(executors: &Executors<'_>, step: &Step) -> Vec<u8> {
    match executors.of(step) {
        Ok(executor) => match executor.load(step).await {
            Ok(Some(Current::Bytes(bytes))) => bytes,
            _ => Vec::new(),
        },
        Err(_) => Vec::new(),
    }
}

/// The groups of the current plan's open findings.
pub(super) fn members(room: &Room, id: &CaseId) -> anyhow::Result<Members> {
    Ok(room.store.case_note(id, MEMBERS)?.unwrap_or_default())
}

/// Remembers what was decided of a whole group, for the same passages in what a later scan finds. A deletion is not: it takes
/// a whole record along, and that a person looks at each time.
pub(super) fn remember(
    room: &Room,
    id: &CaseId,
    at: chrono::DateTime<chrono::Utc>,
    members: &[&Member],
    decision: &(Decision, String),
) -> anyhow::Result<usize> {
    if decision.0 == Decision::Delete {
        return Ok(0);
    }
    let mut decided: Reviews = room.store.case_note(id, DECIDED)?.unwrap_or_default();
    let mut passages: Vec<&String> = members
        .iter()
        .flat_map(|m| &m.groups)
        .filter(|(kind, _)| *kind == GroupKind::Passage)
        .map(|(_, id)| id)
        .collect();
    passages.sort_unstable();
    passages.dedup();
    for passage in &passages {
        decided.insert((*passage).clone(), decision.clone());
    }
    room.store.put_case_note(id, DECIDED, at, &decided)?;
    Ok(passages.len())
}
