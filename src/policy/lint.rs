//! What is wrong across a rule or between rules: shadows, contradictions, doubles, globs that fit nothing.

use std::collections::HashMap;

use super::{
    Rule, Set, Word,
    build::{Draft, has_instance},
    glob::covers,
    read::Reader,
    rule::{AUTHORS, IN_ATTACHMENTS, fits_type},
    words::distance,
};
use crate::model::{Area, Decision, RecordType};

/// Fields of Jira's own that references are found in. Others exist (custom fields, fields of apps, keys of files), so
/// that a field that is not among them is no mistake, unless it looks like one of these misspelt.
const FIELDS: [&str; 32] = [
    "assignee",
    "reporter",
    "creator",
    "author",
    "updateAuthor",
    "summary",
    "description",
    "environment",
    "body",
    "comment",
    "content",
    "filename",
    "labels",
    "components",
    "versions",
    "fixVersions",
    "from",
    "to",
    "fromString",
    "toString",
    "name",
    "title",
    "url",
    "value",
    "displayName",
    "emailAddress",
    "attachment",
    "worklog",
    "watches",
    "votes",
    "issuelinks",
    "object",
];

pub(super) fn lint(reader: &mut Reader<'_>, drafts: &[Draft]) {
    doubles(reader, drafts);
    for draft in drafts.iter().filter(|d| d.sound) {
        impossible(reader, draft);
        whole_issues(reader, draft);
        places(reader, draft);
        fields(reader, draft);
    }
    shadows(reader, drafts);
}

fn doubles(reader: &mut Reader<'_>, drafts: &[Draft]) {
    let mut first: HashMap<&str, &Draft> = HashMap::new();
    for draft in drafts.iter().filter(|d| !d.rule.id.is_empty()) {
        if let Some(earlier) = first.get(draft.rule.id.as_str()) {
            reader
                .error(
                    "duplicate-rule-id",
                    draft.rule.span.clone(),
                    format!("two rules are called `{}`", draft.rule.id),
                )
                .note(earlier.rule.span.clone(), "the first")
                .help("a finding names its rule, so each needs an id of its own; `replaces = true` takes the place of an included rule");
        } else {
            first.insert(&draft.rule.id, draft);
        }
    }
}

/// A rule that names only records on which its decision cannot be carried out, or some of them.
fn impossible(reader: &mut Reader<'_>, draft: &Draft) {
    let Some(span) = &draft.spans.record else { return };
    let decision = draft.rule.decision;
    let refused: Vec<_> = draft
        .rule
        .condition
        .record
        .iter()
        .filter_map(|r| fits_somewhere(&draft.rule, r).err().map(|why| (r, why)))
        .collect();
    for (record, why) in refused {
        reader
            .error(
                "impossible-decision",
                draft.spans.decision.clone(),
                format!("`{}` cannot be carried out on record `{}`: {why}", decision.word(), record.word()),
            )
            .note(span.clone(), "the rule names it here")
            .help(match record {
                RecordType::Watcher => "use `remove`",
                RecordType::Attachment => "use `delete`",
                _ => "use `residual`, with `ask` for who could remove it",
            });
    }
}

/// A rule that deletes whole issues.
fn whole_issues(reader: &mut Reader<'_>, draft: &Draft) {
    let Some(span) = &draft.spans.record else { return };
    if draft.rule.decision == Decision::Delete && draft.rule.condition.record.contains(RecordType::Issue) {
        reader
            .warn(
                "deletes-issues",
                draft.spans.decision.clone(),
                "deleting a whole issue takes other people's work along",
            )
            .note(span.clone(), "the rule names issues here")
            .help("the plan puts each to review; `redact`, `clear` and `remove` act on the reference alone");
    }
}

fn places(reader: &mut Reader<'_>, draft: &Draft) {
    let c = &draft.rule.condition;
    for (glob, span) in c.place.iter().zip(&draft.spans.place) {
        let can = |areas: Set<Area>| areas.iter().any(|a| glob.can_start_with(&format!("{a}:")));
        if !can(Set::all()) {
            reader
                .error("glob-matches-nothing", span.clone(), format!("no place fits `{glob}`"))
                .help("a place is written `area:spot`, such as `staging:*/processed` or `target:partner/PART`");
        } else if !can(c.area) {
            reader
                .error(
                    "glob-matches-nothing",
                    span.clone(),
                    format!("no place of area {} fits `{glob}`", c.area.words().join(", ")),
                )
                .help("the place names its area itself: leave `area` out, or make the two agree");
        }
    }
    let spans = &draft.spans;
    let only_jira = [
        ("project", &spans.project),
        ("instance", &spans.instance),
        ("label", &spans.label),
        ("status", &spans.status),
    ];
    for (key, span) in only_jira {
        if let Some(span) = span.clone().filter(|_| !c.area.iter().any(has_instance)) {
            reader
                .error("never-matches", span, format!("places of these areas have no {key}"))
                .help("only places of the areas source and target have one");
        }
    }
    if let Some(span) = draft.spans.controller.as_ref().filter(|_| !c.area.iter().any(has_instance)) {
        reader
            .error(
                "never-matches",
                span.clone(),
                "places of these areas belong to no instance, so they have no controller",
            )
            .help("a controller has only the areas source and target");
    }
}

fn fields(reader: &mut Reader<'_>, draft: &Draft) {
    for (glob, span) in draft.rule.condition.field.iter().zip(&draft.spans.field) {
        let known = FIELDS.iter().any(|f| glob.matches(f));
        let text = glob.as_str();
        if known || text.len() < 5 || text.contains(['*', '?', '_', '.', '/']) {
            continue;
        }
        let near = FIELDS.iter().find(|f| distance(&f.to_lowercase(), &text.to_lowercase()) <= 1);
        if let Some(near) = near {
            reader
                .warn("unknown-field", span.clone(), format!("no field of Jira is called `{text}`"))
                .help(format!("did you mean `{near}`?"));
        }
    }
}

fn shadows(reader: &mut Reader<'_>, drafts: &[Draft]) {
    for (i, later) in drafts.iter().enumerate().filter(|(_, d)| d.sound) {
        let Some(earlier) = drafts[..i].iter().find(|e| e.sound && shadowed(&e.rule, &later.rule)) else { continue };
        let (a, b) = (&earlier.rule, &later.rule);
        let elsewhere = reader.sources.file_at(a.span.start) != reader.sources.file_at(b.span.start);
        if elsewhere && a.id == b.id {
            continue; // two of one name: said already
        }
        let note = if a.condition.is_any() {
            "this rule has no `match`, so it takes everything"
        } else {
            "this rule takes everything that it could match"
        };
        if a.decision == b.decision {
            reader
                .warn(
                    "redundant-rule",
                    b.span.clone(),
                    format!("rule `{}` never decides: `{}` says the same before it", b.id, a.id),
                )
                .note(a.span.clone(), note)
                .help("take it out, or put it before the other if its basis or reason matters");
        } else if elsewhere {
            reader
                .warn(
                    "overridden-rule",
                    b.span.clone(),
                    format!("rule `{}` of an included file never decides: `{}` does before it", b.id, a.id),
                )
                .note(a.span.clone(), note)
                .help(format!("if that is meant, call the rule `{}` and add `replaces = true`", b.id));
        } else if a.condition == b.condition {
            reader
                .error(
                    "contradicting-rules",
                    b.span.clone(),
                    format!(
                        "rules `{}` and `{}` are about the same, and say `{}` and `{}`",
                        a.id,
                        b.id,
                        a.decision.word(),
                        b.decision.word()
                    ),
                )
                .note(a.span.clone(), "this rule decides, since it stands first")
                .help("take one of them out, or make the first narrower");
        } else {
            reader
                .error(
                    "unreachable-rule",
                    b.span.clone(),
                    format!(
                        "rule `{}` can never decide: `{}` says `{}` before it can say `{}`",
                        b.id,
                        a.id,
                        a.decision.word(),
                        b.decision.word()
                    ),
                )
                .note(a.span.clone(), note)
                .help("the first rule that applies decides: put the narrower rule first");
        }
    }
}

/// Whether everything that `later` applies to is taken by `earlier`.
fn shadowed(earlier: &Rule, later: &Rule) -> bool {
    let (a, b) = (&earlier.condition, &later.condition);
    let records: Set<RecordType> = reachable(later);
    if records.is_empty() {
        return false; // said already: it cannot be carried out anywhere
    }
    // An empty condition covers all, and nothing else covers an empty one.
    let globs = |a: &[super::Glob], b: &[super::Glob]| a.is_empty() || (!b.is_empty() && covers(a, b));
    let controller = match (a.controller, b.controller) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(a), Some(b)) => a.covers(b),
    };
    // The undated end at the first rule with an age, whichever it is: they are no way past it.
    let older = a.age.older_than.is_none_or(|o| b.age.older_than.is_some_and(|p| p.at_least(o)));
    let younger = a.age.younger_than.is_none_or(|y| b.age.younger_than.is_some_and(|p| y.at_least(p)));
    a.area.covers(areas_of(later))
        && a.record.covers(records)
        && a.kind.covers(b.kind)
        && a.strength.covers(b.strength)
        && controller
        && globs(&a.field, &b.field)
        && globs(&a.path, &b.path)
        && globs(&a.place, &b.place)
        && globs(&a.project, &b.project)
        && globs(&a.instance, &b.instance)
        && globs(&a.label, &b.label)
        && globs(&a.status, &b.status)
        && (a.age.is_any() || (a.age.since == b.age.since && older && younger))
        && earlier.until.is_none()
        && records.iter().all(|r| takes(earlier, later, r))
}

/// Whether a decision can be carried out on *some* field of a record that the rule names.
fn fits_somewhere(rule: &Rule, record: RecordType) -> Result<(), &'static str> {
    let other = "\u{0}"; // a field that is nothing special
    let named: Vec<&str> = rule.condition.field.iter().map(super::Glob::as_str).collect();
    let open = named.is_empty() || named.iter().any(|g| g.contains(['*', '?']));
    // An account goes with the fields that name it alone.
    let named = if open { vec![other, AUTHORS[0], "creator", IN_ATTACHMENTS[0]] } else { named };
    let mut why = Ok(());
    for field in named {
        match fits_type(rule.decision, record, field) {
            Ok(()) => return Ok(()),
            Err(e) => why = Err(e),
        }
    }
    why
}

/// The record types that a rule can really reach: those that its decision can be carried out on, and that its areas have.
fn reachable(rule: &Rule) -> Set<RecordType> {
    let jira = areas_of(rule).iter().any(has_instance);
    let only_jira =
        |r| matches!(r, RecordType::History | RecordType::Vote | RecordType::Watcher | RecordType::UserProfile);
    let records = rule.condition.record.iter();
    records.filter(|r| fits_somewhere(rule, *r).is_ok() && (jira || !only_jira(*r))).collect()
}

/// The areas that a rule can really reach: its places name theirs.
fn areas_of(rule: &Rule) -> Set<Area> {
    let c = &rule.condition;
    let starts = |a: Area| c.place.is_empty() || c.place.iter().any(|g| g.can_start_with(&format!("{a}:")));
    c.area.iter().filter(|a| starts(*a)).collect()
}

/// Whether wherever `later` can be carried out on a record, `earlier` can be too.
fn takes(earlier: &Rule, later: &Rule, record: RecordType) -> bool {
    use RecordType as R;
    let (a, b) = (earlier.decision, later.decision);
    // Each can be carried out wherever those before it can.
    let reach = |d: Decision| match d {
        // On a Data Center, and in a target, and nowhere else.
        Decision::Anonymise | Decision::Renew => -1,
        Decision::Redact | Decision::Clear => 0,
        Decision::Remove => 1,
        Decision::Delete => 2,
        Decision::Keep | Decision::Review | Decision::Residual => 3,
    };
    if matches!(a, Decision::Anonymise | Decision::Renew) {
        return a == b;
    }
    if b == Decision::Renew {
        let deletes = a == Decision::Delete && matches!(record, R::Comment | R::Worklog | R::Attachment);
        return deletes || reach(a) == 3;
    }
    if b == Decision::Anonymise {
        let deletes = a == Decision::Delete && matches!(record, R::Comment | R::Worklog | R::Attachment);
        return deletes || reach(a) == 3;
    }
    if reach(a) >= reach(b) {
        return true;
    }
    if a == Decision::Delete {
        return !matches!(record, R::History | R::Vote | R::UserProfile);
    }
    // `earlier` edits: it passes over the fields that nobody can edit.
    let field = |names: &[&str]| {
        let globs = &later.condition.field;
        globs.is_empty() || globs.iter().any(|g| names.iter().any(|n| g.matches(n)))
    };
    match record {
        R::Issue => !field(&["creator"]),
        R::Comment | R::Worklog => !field(&AUTHORS),
        R::RemoteLink | R::Property => true,
        // Some positions in these cannot be cut (`Cut::Whole`, a file's name).
        R::File | R::Message | R::State => false,
        R::Watcher => a == Decision::Remove,
        R::Attachment | R::History | R::Vote | R::UserProfile => false,
    }
}
