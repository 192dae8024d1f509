//! The policy: what is done with a reference, by which rule, on which basis.
//!
//! Owns the policy language (TOML), its diagnostics, and the pure function from a reference to a decision. Reads no
//! file, no clock and no configuration: text and `now` are parameters, and nothing here acts on a record.
//!
//! # How a policy decides
//!
//! - Rules are tried in the order of the file; the **first that applies decides**. All conditions of a rule's `match` must
//!   hold; of a list, one value is enough. A rule without `match` applies to everything: it is the default, and stands last.
//! - What no rule takes goes to `review` (rule `built-in-default`). Nothing falls through silently.
//! - A rule applies only where its decision **can be carried out** ([`fits`]): `redact` passes over a watcher, over a history
//!   entry and over an attachment that cannot be cut (a picture, say), and the next rules are asked. A rule that names *only* records its decision cannot be
//!   carried out on is an error.
//! - An age condition (`older_than`, `younger_than`) counts from the record's last change, or from its creation where it
//!   was never changed (`since = "created"`: always from creation). A record **without a trustworthy date** (none, or one
//!   in the future) whose other conditions hold goes to `review` there and then, since it cannot be known whether the rule is meant.
//! - `until` on a `keep` is the last day (UTC) on which the exception holds; afterwards the rule is passed over.

mod advice;
mod build;
mod case;
mod class;
mod codes;
mod diagnostic;
mod evaluate;
mod example;
mod glob;
mod index;
mod lint;
mod lists;
mod means;
mod merge;
mod read;
mod resolved;
mod rule;
mod schema;
mod shipped;
mod sources;
mod words;
#[cfg(test)]
mod wrong;
#[cfg(test)]
mod wrong_more;

pub use crate::model::{Clock, Period, PeriodError};
pub use advice::{Beside, Configured, Plans, Tried};
pub use case::{Aftercare, CaseRules, Requirement};
pub(crate) use class::editable;
pub use class::{Asked, Class, Records, Start, SweepRules, Then};
pub use codes::CODES;
pub use diagnostic::{Diagnostic, Severity, render};
pub use evaluate::{BUILT_IN_DEFAULT, EvalContext, ExplainedRule, Explanation, Verdict, Walk};
pub use example::{Example, usual_record};
pub use glob::{Glob, GlobError};
pub use means::{AttachmentRules, HistoryRules, WithoutIt};
pub(crate) use rule::packed;
pub use rule::{Age, Condition, Rule, Since, fits};
pub use schema::schema;
pub use shipped::SHIPPED;
pub use sources::{Loader, Sources};
pub use words::{Set, Word};

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

/// How much one plan may do before a second person raises the cap (law 9).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Caps {
    /// Most records.
    pub records: Option<u64>,
    /// Largest share of a project's issues, above 0 and at most 1.
    pub share: Option<f64>,
}

/// What an approval has to be, and how long a plan holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Approval {
    /// Whether whoever plans may not approve.
    pub four_eyes: bool,
    /// Whether an approval has to be signed.
    pub signatures: bool,
    /// How old a plan may be when it is approved, and when its execution begins.
    pub expires: Option<Period>,
    /// How long after the approval steps that cannot be undone wait.
    pub delay: Option<Period>,
}

/// How recipients are told of an erasure (Art. 19).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notices {
    /// Whether a case may only be closed when every recipient has been told.
    pub required: bool,
    /// From the day a notice was sent to the day its acknowledgement is overdue.
    pub acknowledge_within: Period,
}

impl Default for Notices {
    fn default() -> Self {
        Self { required: false, acknowledge_within: Period::Days(14) }
    }
}

/// A checked policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    name: String,
    version: Option<String>,
    law: Option<String>,
    placeholder: String,
    approval: Approval,
    caps: Caps,
    clock: Clock,
    case: CaseRules,
    suppression_keep: Option<Period>,
    notices: Notices,
    history: HistoryRules,
    attachments: AttachmentRules,
    rules: Vec<Rule>,
    index: Arc<index::Index>,
    sweep: SweepRules,
    classes: Vec<Class>,
    origin: String,
    files: Vec<String>,
    sha256: String,
    warnings: Vec<Diagnostic>,
}

impl Policy {
    /// Reads and checks a policy of one file, which may include shipped ones by name. `origin` is the file's name, for
    /// diagnostics.
    ///
    /// # Errors
    /// All diagnostics, in the order of the text, when at least one of them is an error; the warnings are among them.
    pub fn parse(text: &str, origin: &str) -> Result<Self, Vec<Diagnostic>> {
        Self::read(text, origin, &|_| Err("this policy is read without a folder".to_owned())).1
    }

    /// The same with a loader for the files that it includes, and with all texts, to draw the diagnostics over.
    pub fn read(text: &str, origin: &str, loader: &Loader<'_>) -> (Sources, Result<Self, Vec<Diagnostic>>) {
        let (sources, problems) = Sources::load(text, origin, loader);
        let (draft, mut diagnostics) = build::build(&sources, problems);
        diagnostics.sort_by(|a, b| (a.span.start, a.span.end, a.code).cmp(&(b.span.start, b.span.end, b.code)));
        diagnostics.dedup();
        diagnostics.iter_mut().for_each(|d| d.settle(&sources));
        let policy = match draft {
            Some(mut policy) if !diagnostics.iter().any(|d| d.severity == Severity::Error) => {
                policy.warnings = diagnostics;
                Ok(policy)
            }
            _ => Err(diagnostics),
        };
        (sources, policy)
    }

    /// A policy that ships with efface: those of [`SHIPPED`]; `None` for another name.
    ///
    /// # Panics
    /// When a shipped policy does not pass its own check; a test forbids it.
    #[must_use]
    pub fn shipped(name: &str) -> Option<Self> {
        let (name, text) = SHIPPED.iter().find(|(n, _)| *n == name)?;
        Self::parse(text, &format!("{name}.toml")).ok()
    }

    /// The policy's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The policy's own version, as its author counts.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// The law it follows, for a person to read.
    #[must_use]
    pub fn law(&self) -> Option<&str> {
        self.law.as_deref()
    }

    /// What is put where something was cut.
    #[must_use]
    pub fn placeholder(&self) -> &str {
        &self.placeholder
    }

    /// What an approval has to be, and how long a plan holds.
    #[must_use]
    pub const fn approval(&self) -> Approval {
        self.approval
    }

    /// How much one plan may do.
    #[must_use]
    pub const fn caps(&self) -> Caps {
        self.caps
    }

    /// How the deadline of a request is counted.
    #[must_use]
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// What is asked of a case.
    #[must_use]
    pub const fn case(&self) -> &CaseRules {
        &self.case
    }

    /// How long a suppression entry holds from the execution on; `None` where it has no end.
    #[must_use]
    pub const fn suppression_keep(&self) -> Option<Period> {
        self.suppression_keep
    }

    /// How recipients are told.
    #[must_use]
    pub const fn notices(&self) -> Notices {
        self.notices
    }

    /// How old values in Jira's history are dealt with.
    #[must_use]
    pub const fn history(&self) -> HistoryRules {
        self.history
    }

    /// What becomes of attachments that are deleted.
    #[must_use]
    pub const fn attachments(&self) -> AttachmentRules {
        self.attachments
    }

    /// The rules, in the order in which they are tried.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// How sweeps are carried out.
    #[must_use]
    pub const fn sweep(&self) -> SweepRules {
        self.sweep
    }

    /// The deletion classes, in the order in which they are asked.
    #[must_use]
    pub fn classes(&self) -> &[Class] {
        &self.classes
    }

    /// The file it was read from, as given to [`Policy::parse`].
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The file and what it includes, in the order in which they count.
    #[must_use]
    pub fn files(&self) -> &[String] {
        &self.files
    }

    /// SHA-256 of the file's bytes, as lower-case hex; where it includes others, over the bytes of all of them.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// What is odd but not wrong.
    #[must_use]
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// Who could remove what a rule leaves, by rule id.
    #[must_use]
    pub fn asks(&self) -> BTreeMap<String, String> {
        self.rules.iter().filter_map(|r| Some((r.id.clone(), r.ask.clone()?))).collect()
    }

    /// Exceptions whose `until` has passed: they no longer hold, and should be renewed or taken out.
    pub fn expired(&self, today: chrono::NaiveDate) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(move |r| r.until.is_some_and(|until| today > until))
    }
}
