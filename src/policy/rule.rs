//! Rules: conditions, whether they hold for a reference, and whether a decision can be carried out on it.

use std::ops::Range;

use chrono::{DateTime, Days, NaiveDate, Utc};

use super::{EvalContext, Example, Glob, Period, Set, Word};
use crate::model::{
    Area, Controller, Cut, Decision, Flavor, RecordRef, RecordTimes, RecordType, Reference, ReferenceKind, Strength,
};

/// From when the age of a record counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Since {
    /// The last change, or the creation of what was never changed.
    #[default]
    Updated,
    /// The creation.
    Created,
}

/// Conditions on the age of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Age {
    /// The period is over.
    pub older_than: Option<Period>,
    /// The period is not over yet.
    pub younger_than: Option<Period>,
    /// From when it counts.
    pub since: Since,
}

impl Age {
    /// Whether there is no condition on age.
    #[must_use]
    pub const fn is_any(&self) -> bool {
        self.older_than.is_none() && self.younger_than.is_none()
    }

    /// Whether the age fits; `None` where the record has no trustworthy date.
    fn holds(&self, times: &RecordTimes, now: DateTime<Utc>) -> Option<bool> {
        let start = match self.since {
            Since::Updated => times.updated.or(times.created),
            Since::Created => times.created,
        }?;
        // A day's grace for clocks that differ; what lies further ahead cannot be true.
        if start > now.checked_add_days(Days::new(1))? {
            return None;
        }
        // Beyond the calendar a period is never over.
        let over = |p: Period| p.after(start).is_some_and(|end| end <= now);
        Some(self.older_than.is_none_or(over) && !self.younger_than.is_some_and(over))
    }
}

/// What a rule applies to. All conditions have to hold; an empty list of globs is no condition.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// Areas.
    pub area: Set<Area>,
    /// Globs over the place as it is written, such as `staging:*/processed`.
    pub place: Vec<Glob>,
    /// Record types.
    pub record: Set<RecordType>,
    /// Globs over the field.
    pub field: Vec<Glob>,
    /// Globs over a file's path, relative to its area's root; a record without a path fits none.
    pub path: Vec<Glob>,
    /// Kinds of reference.
    pub kind: Set<ReferenceKind>,
    /// Strengths.
    pub strength: Set<Strength>,
    /// Controllers of the place's instance; a place of no instance fits none.
    pub controller: Option<Set<Controller>>,
    /// Globs over the project's key; a place of no project fits none.
    pub project: Vec<Glob>,
    /// Globs over the instance's name; a place of no instance fits none.
    pub instance: Vec<Glob>,
    /// Globs over the issue's labels, of which one has to match; what belongs to no issue fits none.
    pub label: Vec<Glob>,
    /// Globs over the name of the issue's status; what belongs to no issue fits none.
    pub status: Vec<Glob>,
    /// Age.
    pub age: Age,
}

impl Default for Condition {
    fn default() -> Self {
        Self {
            area: Set::all(),
            place: Vec::new(),
            record: Set::all(),
            field: Vec::new(),
            path: Vec::new(),
            kind: Set::all(),
            strength: Set::all(),
            controller: None,
            project: Vec::new(),
            instance: Vec::new(),
            label: Vec::new(),
            status: Vec::new(),
            age: Age::default(),
        }
    }
}

impl Condition {
    /// Whether it holds for everything.
    #[must_use]
    pub fn is_any(&self) -> bool {
        *self == Self::default()
    }

    /// Whether label and status of the issue fit; `None` where the instance did not say them.
    fn issue_holds(&self, r: &Reference) -> Option<bool> {
        if self.label.is_empty() && self.status.is_empty() {
            return Some(true);
        }
        if !of_issue(r) {
            return Some(false);
        }
        let issue = r.issue.as_deref();
        let status = |g: &Glob| issue.and_then(|i| i.status.as_deref()).map(|s| g.matches(s));
        let label = |g: &Glob| issue.and_then(|i| i.labels.as_ref()).map(|all| all.iter().any(|l| g.matches(l)));
        match (one_of(&self.status, status), one_of(&self.label, label)) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        }
    }
}

/// One rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Its id: what a finding names.
    pub id: String,
    /// What it applies to.
    pub condition: Condition,
    /// What is done.
    pub decision: Decision,
    /// The legal basis.
    pub basis: Option<String>,
    /// Why, for a person to read.
    pub reason: Option<String>,
    /// Who answers for the rule.
    pub owner: Option<String>,
    /// For what stays: who could remove it.
    pub ask: Option<String>,
    /// The last day (UTC) on which it holds.
    pub until: Option<NaiveDate>,
    /// References that it decides, or does not.
    pub examples: Vec<Example>,
    /// The file it stands in, for diagnostics.
    pub file: String,
    /// Line in the file, from 1.
    pub line: usize,
    /// Where its last day stands.
    pub(super) until_at: Option<Range<usize>>,
    /// Where the rule's id stands, for diagnostics.
    pub(super) span: Range<usize>,
}

/// Whether a rule applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Applies {
    Yes,
    No,
    /// All but the age holds, and the age cannot be known.
    Undated,
    /// The conditions on the issue cannot be checked, and no other fails.
    Unread,
}

impl Rule {
    /// Whether the rule applies to a reference: the short way, which stops at the first condition that fails.
    pub(super) fn applies(&self, r: &Reference, ctx: &EvalContext) -> Applies {
        let (c, controller, now) = (&self.condition, ctx.controller, ctx.now);
        let holds = c.area.contains(r.place.area())
            && c.record.contains(r.record.record_type)
            && c.kind.contains(r.kind)
            && c.strength.contains(r.strength)
            && c.controller.is_none_or(|set| controller.is_some_and(|c| set.contains(c)))
            && any(&c.field, |g| g.matches(&r.field))
            && any(&c.place, |g| place_matches(g, r))
            && any(&c.path, |g| r.record.path.as_deref().is_some_and(|p| g.matches(p)))
            && any(&c.project, |g| r.project.as_ref().is_some_and(|p| g.matches(p.as_str())))
            && any(&c.instance, |g| r.instance.as_ref().is_some_and(|i| g.matches(i.as_str())))
            && self.until.is_none_or(|until| now.date_naive() <= until)
            && self.fits(r, ctx).is_ok();
        let age = if c.age.is_any() { Some(true) } else { c.age.holds(&r.times, now) };
        match (holds.then(|| c.issue_holds(r)), age) {
            (None | Some(Some(false)), _) | (_, Some(false)) => Applies::No,
            (Some(None), _) => Applies::Unread,
            (Some(Some(true)), Some(true)) => Applies::Yes,
            (Some(Some(true)), None) => Applies::Undated,
        }
    }

    /// Whether the decision can be carried out on a reference at an instance of this kind.
    fn fits(&self, r: &Reference, ctx: &EvalContext) -> Result<(), &'static str> {
        fits(self.decision, &r.record, &r.field, &r.cut)?;
        if self.decision == Decision::Renew && r.place.area() != Area::Target {
            return Err("only what a synchronization wrote, in its target, is written anew");
        }
        if self.decision != Decision::Anonymise {
            return Ok(());
        }
        match ctx.flavor {
            // What an old text says stands in the same fields of a history entry as an old user.
            Some(Flavor::DataCenter)
                if r.record.record_type == RecordType::History && r.kind == ReferenceKind::Mention =>
            {
                Err("text is not touched by it; only where the account itself is named")
            }
            // The profile is the account itself; elsewhere a name alone may be a namesake's.
            Some(Flavor::DataCenter)
                if r.strength == Strength::Possible
                    || r.strength != Strength::Certain && r.record.record_type != RecordType::UserProfile =>
            {
                Err("only what certainly names the account goes with it: not text, and no namesake's name")
            }
            Some(Flavor::DataCenter) => Ok(()),
            Some(Flavor::Cloud) => Err("accounts of Cloud are Atlassian's; only a Data Center anonymises its users"),
            None => Err("only a Data Center anonymises its users"),
        }
    }

    /// Every condition that fails, for a person to read. Empty when the rule applies; an age that cannot be known is
    /// not among them. Says nothing of the reference's own path and field, which may name a person.
    pub(super) fn misses(&self, r: &Reference, ctx: &EvalContext) -> Vec<String> {
        let (c, controller, now) = (&self.condition, ctx.controller, ctx.now);
        let mut out = Vec::new();
        word(&mut out, "area", c.area, r.place.area());
        word(&mut out, "record", c.record, r.record.record_type);
        word(&mut out, "kind", c.kind, r.kind);
        word(&mut out, "strength", c.strength, r.strength);
        if let Some(set) = c.controller {
            match controller {
                Some(one) => word(&mut out, "controller", set, one),
                None => out.push(format!("the place has no controller; the rule wants {}", set.words().join(", "))),
            }
        }
        globs(&mut out, "field", &c.field, any(&c.field, |g| g.matches(&r.field)));
        globs(&mut out, "place", &c.place, any(&c.place, |g| place_matches(g, r)));
        let path = r.record.path.as_deref();
        globs(&mut out, "path", &c.path, any(&c.path, |g| path.is_some_and(|p| g.matches(p))));
        let project = r.project.as_ref().map(|p| p.as_str());
        globs(&mut out, "project", &c.project, any(&c.project, |g| project.is_some_and(|p| g.matches(p))));
        let instance = r.instance.as_ref().map(|i| i.as_str());
        globs(&mut out, "instance", &c.instance, any(&c.instance, |g| instance.is_some_and(|i| g.matches(i))));
        if c.issue_holds(r) == Some(false) {
            let wants = [("status", &c.status), ("label", &c.label)];
            let wants: Vec<_> = wants.iter().filter(|(_, g)| !g.is_empty()).map(|(w, g)| listed(w, g)).collect();
            out.push(if of_issue(r) {
                format!("the issue has no {}", wants.join(" with a "))
            } else {
                format!("it belongs to no issue; the rule wants one with a {}", wants.join(" and a "))
            });
        }
        if let Some(until) = self.until.filter(|until| now.date_naive() > *until) {
            out.push(format!("the exception held until {until}"));
        }
        if let Err(why) = self.fits(r, ctx) {
            out.push(format!("`{}` cannot be carried out here: {why}", self.decision.word()));
        }
        if c.age.holds(&r.times, now) == Some(false) && !c.age.is_any() {
            let wants = [("older than", c.age.older_than), ("younger than", c.age.younger_than)];
            let wants: Vec<_> = wants.iter().filter_map(|(w, p)| p.map(|p| format!("{w} {p}"))).collect();
            out.push(format!("the record is not {}", wants.join(" and ")));
        }
        out
    }
}

fn any(globs: &[Glob], matches: impl Fn(&Glob) -> bool) -> bool {
    globs.is_empty() || globs.iter().any(matches)
}

fn place_matches(glob: &Glob, r: &Reference) -> bool {
    glob.matches_chars(r.place.area().as_str().chars().chain([':']).chain(r.place.spot().chars()))
}

fn word<T: Word>(out: &mut Vec<String>, what: &str, set: Set<T>, one: T) {
    if !set.contains(one) {
        out.push(format!("{what} is {}; the rule wants {}", one.word(), set.words().join(", ")));
    }
}

fn globs(out: &mut Vec<String>, what: &str, globs: &[Glob], holds: bool) {
    if !holds {
        let list: Vec<_> = globs.iter().map(|g| format!("`{g}`")).collect();
        out.push(format!("the {what} fits none of {}", list.join(", ")));
    }
}

fn listed(what: &str, globs: &[Glob]) -> String {
    let list: Vec<_> = globs.iter().map(|g| format!("`{g}`")).collect();
    format!("{what} of {}", list.join(", "))
}

/// Whether a record belongs to an issue: those of a project's or an instance's settings belong to none.
fn of_issue(r: &Reference) -> bool {
    let jira = matches!(r.place.area(), Area::Source | Area::Target);
    r.issue.is_some() || (jira && r.record.key.is_some())
}

/// Whether one of the globs holds, or there is none; `None` where that is not known.
fn one_of(globs: &[Glob], holds: impl Fn(&Glob) -> Option<bool>) -> Option<bool> {
    if globs.is_empty() {
        Some(true)
    } else {
        globs.iter().map(holds).collect::<Option<Vec<bool>>>().map(|all| all.contains(&true))
    }
}

/// Whether Jira, or the file's form, lets a decision be carried out on a record. Places that cannot be edited are listed
/// in the design's table "Where a person stands".
///
/// # Errors
/// Why it cannot.
pub fn fits(decision: Decision, record: &RecordRef, field: &str, cut: &Cut) -> Result<(), &'static str> {
    fits_type(decision, record.record_type, field)?;
    let bytes = matches!(
        record.record_type,
        RecordType::File | RecordType::Message | RecordType::State | RecordType::Attachment
    );
    if bytes && matches!(decision, Decision::Redact | Decision::Clear | Decision::Remove) {
        if *cut == Cut::Whole {
            return Err("the reference cannot be cut out of its container; use `delete`");
        }
        if record.path.as_deref().is_some_and(packed) {
            return Err("a member of an archive cannot be rewritten; use `delete`, which takes the archive");
        }
    }
    Ok(())
}

/// Whether a path leads into an archive. A gzip file holds one content, which can be rewritten: it is none.
pub(crate) fn packed(path: &str) -> bool {
    let Some((outer, inner)) = path.split_once('!') else { return false };
    let name = outer.rsplit('/').next().unwrap_or(outer);
    inner != name.strip_suffix(".gz").unwrap_or("content")
}

/// What [`fits`] says of a record's type and field alone.
pub(super) fn fits_type(decision: Decision, record: RecordType, field: &str) -> Result<(), &'static str> {
    use Decision as D;
    use RecordType as R;
    if !decision.acts() {
        return Ok(());
    }
    if decision == D::Anonymise {
        return match (record, field) {
            (R::UserProfile | R::Vote, _) | (R::Issue, "creator") => Ok(()),
            (R::Comment | R::Worklog | R::Attachment, _) if AUTHORS.contains(&field) => Ok(()),
            (R::History, _) if HISTORY_USERS.contains(&field) => Ok(()),
            _ => Err(
                "only what names the account and cannot be edited goes with it: authors, creators, votes, the history's users",
            ),
        };
    }
    if decision == D::Renew {
        return match record {
            R::Issue | R::History | R::Comment | R::Worklog | R::Attachment => Ok(()),
            _ => Err("only issues are written anew, with all that is in them"),
        };
    }
    match (record, decision) {
        (R::History, _) => Err("Jira's history cannot be edited"),
        (R::Vote, _) => Err("only the voter can take a vote back"),
        (R::UserProfile, _) => Err("an account is anonymised by its administrator, not edited"),
        (_, D::Delete) => Ok(()),
        (R::Watcher, D::Remove) => Ok(()),
        (R::Watcher, _) => Err("a watcher has no text or field"),
        (R::Attachment, D::Redact) if IN_ATTACHMENTS.contains(&field) => Ok(()),
        (R::Attachment, D::Redact) => {
            Err("only its name and its content can be redacted, by putting another in its place")
        }
        (R::Attachment, _) => Err("an attachment has no field that could be emptied"),
        (R::Property, _) if field == "key" => Err("a property's key cannot be changed; use `delete`"),
        (R::Issue, _) if field == "creator" => Err("nobody can change an issue's creator"),
        (R::Comment | R::Worklog, _) if AUTHORS.contains(&field) => {
            Err("nobody can change an author; only deleting the record takes it away")
        }
        (R::File, _) if field == FILE_NAME => Err("a file name is not text that can be cut; use `delete`"),
        _ => Ok(()),
    }
}

/// The fields of a comment or worklog that name its authors.
pub(super) const AUTHORS: [&str; 2] = ["author", "updateAuthor"];
/// The fields of a history entry that may name an account.
pub(super) const HISTORY_USERS: [&str; 5] = ["author", "from", "fromString", "to", "toString"];
/// The fields of an attachment that can be redacted, by putting another in its place.
pub(super) const IN_ATTACHMENTS: [&str; 2] = ["content", "filename"];
/// The field of a reference in a file's name.
pub(super) const FILE_NAME: &str = "name";
