//! What a run has learnt of the means by which its steps are carried out.
//!
//! Owns nothing that outlives the run: what has to, stands in the journal.

use std::{cell::RefCell, collections::BTreeMap};

use chrono::{DateTime, Utc};

use super::attachment;
use crate::{
    erasure::plan::{Plan, Step},
    model::InstanceName,
    policy::WithoutIt,
};

/// By what means a plan is carried out, and what a run has learnt of them: whether a site has the redaction API is asked
/// once.
#[derive(Debug, Default)]
pub struct Ways {
    /// What happens where a site lacks the redaction API.
    pub without_api: WithoutIt,
    /// The case, for what is written down elsewhere.
    pub case: String,
    /// When the plan was made: nothing that a step made is older.
    pub since: Option<DateTime<Utc>>,
    /// The text of a note in the place of an attachment, but for the step's number.
    pub removed: String,
    absent: RefCell<BTreeMap<InstanceName, String>>,
    refused: RefCell<BTreeMap<u32, String>>,
    /// New attachments that steps made: none is taken for another step's.
    made: RefCell<BTreeMap<String, u32>>,
}

impl Ways {
    /// Those of a plan.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        Self {
            without_api: plan.policy.history.without_it,
            case: plan.case.to_string(),
            since: DateTime::parse_from_rfc3339(&plan.created_at).ok().map(|at| at.to_utc()),
            removed: attachment::removed(plan),
            ..Self::default()
        }
    }

    /// Takes note of what a step, given by its number, has begun in this run or an earlier one.
    pub fn made(&self, id: &str, step: u32) {
        self.made.borrow_mut().insert(id.to_owned(), step);
    }

    /// Whether another step than this one has made it.
    pub(super) fn is_of_another(&self, id: &str, step: u32) -> bool {
        self.made.borrow().get(id).is_some_and(|by| *by != step)
    }

    /// Why the redaction API cannot be used for a step, as far as is known.
    pub(super) fn no_api(&self, step: &Step) -> Option<String> {
        let absent = step.instance.as_ref().and_then(|i| self.absent.borrow().get(i).cloned());
        absent.or_else(|| self.refused.borrow().get(&step.number).cloned())
    }

    pub(super) fn absent(&self, instance: Option<&InstanceName>, why: &str) {
        if let Some(instance) = instance {
            self.absent.borrow_mut().insert(instance.clone(), why.to_owned());
        }
    }

    pub(super) fn refused(&self, step: &Step, why: &str) {
        self.refused.borrow_mut().insert(step.number, why.to_owned());
    }
}
