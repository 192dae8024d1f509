//! What is odd about a policy today, and beside a configuration and what was planned: exceptions that have ended or that nothing
//! needed, places that no rule is about.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::{Diagnostic, Policy, Rule, Severity, Sources, Word, usual_record};
use crate::model::{Controller, Decision, InstanceName, Place, ProjectKey, Strength};

/// A place of the configuration.
#[derive(Debug, Clone)]
pub struct Configured {
    /// Where.
    pub place: Place,
    /// Its instance, for remote places.
    pub instance: Option<InstanceName>,
    /// Its project, for remote places.
    pub project: Option<ProjectKey>,
    /// Who answers for the instance.
    pub controller: Option<Controller>,
}

/// What plans were made by a policy, as far as that is still on record: by the rules that they name, its exceptions among them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plans(pub BTreeMap<String, Tried>);

/// The plans that a rule was there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tried {
    /// How many.
    pub count: u64,
    /// The day of the first.
    pub since: NaiveDate,
    /// Whether it decided about any of their findings.
    pub used: bool,
}

/// What a policy is looked at beside.
#[derive(Debug, Clone)]
pub struct Beside<'a> {
    /// The day.
    pub today: NaiveDate,
    /// The places of the configuration.
    pub places: &'a [Configured],
    /// What plans it made; `None` where none is known.
    pub plans: Option<Plans>,
}

impl Policy {
    /// Warnings that depend on the day, on what is configured and on what plans were made, in the order of the rules and of the
    /// places.
    #[must_use]
    pub fn advice(&self, sources: &Sources, beside: &Beside<'_>) -> Vec<Diagnostic> {
        let Beside { today, places, plans } = beside;
        let today = *today;
        let mut out = Vec::new();
        for rule in self.expired(today) {
            let (at, last) = (rule.until_at.clone(), rule.until.map(|u| u.to_string()).unwrap_or_default());
            let message = format!("the exception `{}` held until {last}, and is passed over since", rule.id);
            let mut d = Diagnostic::new(
                sources,
                Severity::Warning,
                "expired-exception",
                at.unwrap_or_else(|| rule.span.clone()),
                message,
            );
            d.note(rule.span.clone(), "this rule")
                .help("renew it where its basis still holds, and take it out otherwise");
            out.push(d);
        }
        let exceptions = self.rules().iter().filter(|r| r.decision == Decision::Keep);
        for rule in exceptions.filter(|r| r.until.is_none_or(|until| today <= until)) {
            let tried = plans.as_ref().and_then(|plans| plans.0.get(&rule.id));
            let Some(plans) = tried.filter(|tried| !tried.used) else { continue };
            let message = format!(
                "the exception `{}` kept nothing in {} since {}",
                rule.id,
                if plans.count == 1 { "the one plan".to_owned() } else { format!("{} plans", plans.count) },
                plans.since
            );
            let mut d = Diagnostic::new(sources, Severity::Warning, "unused-exception", rule.span.clone(), message);
            d.help(
                "see by `efface policy explain` whether it means what it should, and take it out where nobody needs it",
            );
            out.push(d);
        }
        let default = self.rules().iter().find(|r| r.condition.is_any());
        let at = default.or(self.rules().last()).map_or(0..0, |r| r.span.clone());
        for place in *places {
            if self.rules().iter().any(|r| is_about(r, place, today)) {
                continue;
            }
            let falls = match default {
                Some(rule) => format!("`{}` decides", rule.id),
                None => "all of it goes to review".to_owned(),
            };
            let message = format!("no rule is about the place {}: {falls}", place.place);
            let mut d = Diagnostic::new(sources, Severity::Warning, "uncovered-place", at.clone(), message);
            d.help(format!("add a rule with `match = {{ area = \"{}\" }}`", place.place.area().word()));
            out.push(d);
        }
        out.iter_mut().for_each(|d| d.settle(sources));
        out
    }
}

/// Whether a rule, other than one for everything, decides about something certain that the place mostly holds.
fn is_about(rule: &Rule, at: &Configured, today: NaiveDate) -> bool {
    let c = &rule.condition;
    let (area, place) = (at.place.area(), at.place.to_string());
    let named = !c.area.is_all() || !c.place.is_empty();
    !c.is_any()
        && c.area.contains(area)
        && (c.place.is_empty() || c.place.iter().any(|g| g.can_start_with(&place)))
        && (c.project.is_empty()
            || at.project.as_ref().is_some_and(|p| c.project.iter().any(|g| g.matches(p.as_str()))))
        && (c.instance.is_empty()
            || at.instance.as_ref().is_some_and(|i| c.instance.iter().any(|g| g.matches(i.as_str()))))
        && c.controller.is_none_or(|set| at.controller.is_some_and(|c| set.contains(c)))
        && c.strength.contains(Strength::Certain)
        && (named || c.record.contains(usual_record(area)))
        && rule.until.is_none_or(|until| today <= until)
}
