//! Spanned TOML → checked policy, collecting every mistake on the way.

use std::{ops::Range, sync::Arc};

use chrono::NaiveDate;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    Age, Approval, AttachmentRules, Caps, CaseRules, Clock, Condition, Diagnostic, HistoryRules, Notices, Policy,
    Requirement, Rule, Severity, Since, Sources, WithoutIt, Word, class, example,
    index::Index,
    lint,
    lists::Lists,
    merge,
    read::{At, Reader, Section},
    sources::Problem,
};
use crate::model::{Area, Decision, Strength};

const DEFAULT_PLACEHOLDER: &str = "[erased]";

/// A rule with where its parts stand, for the lints that look at several.
pub(super) struct Draft {
    pub(super) rule: Rule,
    /// The whole rule was read without an error, so that lints may build on it.
    pub(super) sound: bool,
    /// Where it says that it takes the place of an included rule.
    pub(super) replaces: Option<Range<usize>>,
    pub(super) spans: Spans,
}

/// Where the parts of a rule stand.
#[derive(Default)]
pub(super) struct Spans {
    pub(super) decision: Range<usize>,
    pub(super) record: Option<Range<usize>>,
    pub(super) controller: Option<Range<usize>>,
    pub(super) project: Option<Range<usize>>,
    pub(super) instance: Option<Range<usize>>,
    pub(super) label: Option<Range<usize>>,
    pub(super) status: Option<Range<usize>>,
    pub(super) place: Vec<Range<usize>>,
    pub(super) field: Vec<Range<usize>>,
}

/// Builds a policy; `None` only where a text is not TOML.
pub(super) fn build(sources: &Sources, problems: Vec<Problem>) -> (Option<Policy>, Vec<Diagnostic>) {
    let mut reader = Reader { sources, lists: Lists::default(), found: Vec::new() };
    for p in problems {
        let d = reader.error(p.code, p.span, p.message).help(p.help);
        if let Some(note) = p.note {
            d.note(note, "on this road");
        }
    }
    let texts = sources.padded();
    let mut syntax = Vec::new();
    let mut root = DeTable::new();
    for (n, text) in texts.iter().enumerate() {
        let (table, errors) = DeTable::parse_recoverable(text);
        syntax.extend(errors);
        if n == 0 { root = table.into_inner() } else { merge::fill(&mut root, table.into_inner()) }
    }
    let policy = document(&mut reader, &root);
    if syntax.is_empty() {
        if !reader.found.iter().any(|d| d.severity == Severity::Error) {
            example::run(&mut reader, &policy);
        }
        return (Some(policy), reader.found);
    }
    // The parser leaves out what it could not read, so only what stands there in full is worth a word, and only once.
    let mut found = Vec::new();
    for error in syntax {
        let span = error.span().unwrap_or(0..0);
        let mut d = Diagnostic::new(sources, Severity::Error, "toml-syntax", span, error.message().trim());
        if error.message().contains("duplicate key") {
            d.help("a key stands once; a rule starts with `[[rule]]`, in double brackets");
        }
        found.push(d);
    }
    let lines: Vec<(String, usize)> = found.iter().map(|d| (d.file.clone(), d.line)).collect();
    found.extend(reader.found.into_iter().filter(|d| {
        matches!(d.code, "unknown-key" | "unknown-value" | "bad-period" | "bad-glob")
            && !lines.contains(&(d.file.clone(), d.line))
    }));
    (None, found)
}

fn document(reader: &mut Reader<'_>, root: &DeTable<'_>) -> Policy {
    let mut top = Section::new("a policy", root, 0..0);
    reader.read_lists(&mut top);
    let head = top.table(reader, "policy");
    let missing_head = head.is_none() && !root.contains_key("policy");
    let (mut name, mut version, mut law, mut placeholder) = (None, None, None, None);
    if let Some((table, span)) = head {
        let mut s = Section::new("[policy]", table, span);
        name = s.string(reader, "name");
        if name.is_none() && s.key_span("name").is_none() {
            s.required(reader, "name", "add `name = \"…\"`: findings and reports name the policy");
        }
        version = s.string(reader, "version");
        placeholder = s.string(reader, "placeholder");
        law = s.string(reader, "law");
        s.get("include"); // followed already, and judged
        s.finish(reader);
    } else if missing_head {
        top.required(reader, "[policy]", "add a table `[policy]` with a `name`");
    }
    if let Some((text, span)) = &placeholder {
        check_placeholder(reader, text, span);
    }
    let mut approval = Approval::default();
    if let Some((table, span)) = top.table(reader, "approval") {
        let mut s = Section::new("[approval]", table, span);
        approval.four_eyes = s.bool(reader, "four_eyes").unwrap_or_default();
        approval.signatures = s.bool(reader, "signatures").unwrap_or_default();
        approval.expires = s.period(reader, "expires").map(|(p, _)| p);
        let delay = s.period(reader, "delay");
        if let (Some(expires), Some((delay, at))) = (approval.expires, &delay)
            && delay.at_least(expires)
        {
            reader
                .error("never-possible", at.clone(), format!("a plan that expires after {expires} cannot wait {delay}"))
                .help("let it wait less long, or expire later");
        }
        approval.delay = delay.map(|(p, _)| p);
        s.finish(reader);
    }
    let mut caps = Caps::default();
    if let Some((table, span)) = top.table(reader, "caps") {
        let mut s = Section::new("[caps]", table, span);
        caps = Caps { records: s.count(reader, "records"), share: s.share(reader, "share") };
        s.finish(reader);
    }
    let mut clock = Clock::default();
    if let Some((table, span)) = top.table(reader, "clock") {
        clock = read_clock(reader, table, span);
    }
    let mut case = CaseRules::default();
    if let Some((table, span)) = top.table(reader, "case") {
        let mut s = Section::new("[case]", table, span);
        if let Some((set, _)) = s.words::<Requirement>(reader, "require") {
            case.require = set.iter().collect();
        }
        s.finish(reader);
    }
    if let Some((table, span)) = top.table(reader, "aftercare") {
        let mut s = Section::new("[aftercare]", table, span);
        case.aftercare.verify_again = s.period(reader, "verify_again").map(|(p, _)| p);
        case.aftercare.after_sync = s.bool(reader, "after_sync").unwrap_or(false);
        case.aftercare.backups = s.period(reader, "backups").map(|(p, _)| p);
        s.finish(reader);
    }
    let mut suppression_keep = None;
    if let Some((table, span)) = top.table(reader, "suppression") {
        let mut s = Section::new("[suppression]", table, span);
        suppression_keep = s.period(reader, "keep").map(|(period, _)| period);
        s.finish(reader);
    }
    let mut notices = Notices::default();
    if let Some((table, span)) = top.table(reader, "notices") {
        let mut s = Section::new("[notices]", table, span);
        notices.required = s.bool(reader, "required").unwrap_or(notices.required);
        if let Some((period, _)) = s.period(reader, "acknowledge_within") {
            notices.acknowledge_within = period;
        }
        s.finish(reader);
    }
    let mut history = HistoryRules::default();
    if let Some((table, span)) = top.table(reader, "history") {
        let mut s = Section::new("[history]", table, span);
        history.redaction_api = s.bool(reader, "redaction_api").unwrap_or_default();
        let without = s.word::<WithoutIt>(reader, "without_it");
        if let Some((_, at)) = without.as_ref().filter(|_| !history.redaction_api) {
            reader
                .warn("means-nothing", at.clone(), "`without_it` means nothing where the redaction API is not used")
                .help("add `redaction_api = true`, or leave `without_it` out");
        }
        history.without_it = without.map(|(w, _)| w).unwrap_or_default();
        s.finish(reader);
    }
    let mut attachments = AttachmentRules::default();
    if let Some((table, span)) = top.table(reader, "attachments") {
        let mut s = Section::new("[attachments]", table, span);
        attachments.note = s.bool(reader, "note").unwrap_or_default();
        s.finish(reader);
    }
    let (sweep, classes) = class::read(reader, &mut top);
    let drafts = rules(reader, &mut top, root.contains_key("class"));
    top.finish(reader);
    let drafts = merge::replace(reader, drafts);
    lint::lint(reader, &drafts);
    reader.unused_lists();
    let rules: Vec<Rule> = drafts.into_iter().map(|d| d.rule).collect();
    Policy {
        name: name.map(|(n, _)| n).unwrap_or_default(),
        version: version.map(|(v, _)| v),
        law: law.map(|(l, _)| l),
        placeholder: placeholder.map_or_else(|| DEFAULT_PLACEHOLDER.to_owned(), |(p, _)| p),
        approval,
        caps,
        clock,
        case,
        suppression_keep,
        notices,
        history,
        attachments,
        index: Arc::new(Index::new(&rules)),
        rules,
        sweep,
        classes,
        origin: reader.sources.origins().next().unwrap_or_default().to_owned(),
        files: reader.sources.origins().map(str::to_owned).collect(),
        sha256: reader.sources.sha256(),
        warnings: Vec::new(),
    }
}

/// A placeholder goes into summaries (one line), wiki markup and mail: it must not mean anything there.
fn check_placeholder(reader: &mut Reader<'_>, text: &str, span: &Range<usize>) {
    let bad = text.chars().find(|c| c.is_control() || matches!(c, '@' | '~' | '|' | '{' | '}' | '<' | '>' | '*'));
    if let Some(c) = bad {
        reader
            .error(
                "bad-placeholder",
                span.clone(),
                format!("the placeholder holds {c:?}, which can mean something in markup"),
            )
            .help("letters, digits, spaces and square brackets are safe, such as \"[erased]\"");
    } else if text.chars().count() > 60 {
        reader
            .error("bad-placeholder", span.clone(), "the placeholder has more than 60 characters")
            .help("a summary takes 255 characters in all");
    }
}

fn read_clock(reader: &mut Reader<'_>, table: &DeTable<'_>, span: Range<usize>) -> Clock {
    let mut s = Section::new("[clock]", table, span);
    let mut clock = Clock::default();
    if let Some((period, _)) = s.period(reader, "period") {
        clock.period = period;
    }
    if let Some((extension, _)) = s.period(reader, "extension") {
        clock.extension = Some(extension);
    }
    if let Some(value) = s.get("holidays") {
        match value.get_ref() {
            DeValue::Array(days) => clock.holidays = days.iter().filter_map(|d| date(reader, "holidays", d)).collect(),
            _ => {
                reader
                    .error("wrong-type", value.span(), "`holidays` has to be a list of dates")
                    .help("such as holidays = [2026-12-25, 2026-12-26]");
            }
        }
    }
    if let Some(working_day) = s.bool(reader, "working_day") {
        clock.working_day = working_day;
    }
    if let Some((within, _)) = s.period(reader, "ask_within") {
        clock.ask_within = Some(within);
    }
    if let Some(periods) = s.periods(reader, "warn") {
        clock.warn = periods;
        clock.warn.sort_by_key(|p| std::cmp::Reverse(p.days()));
    }
    clock.holidays.sort_unstable();
    clock.holidays.dedup();
    s.finish(reader);
    clock
}

/// A TOML date, or a string that is one.
fn date(reader: &mut Reader<'_>, key: &str, value: &Spanned<DeValue<'_>>) -> Option<NaiveDate> {
    let day = match value.get_ref() {
        DeValue::Datetime(d) if d.time.is_none() => {
            d.date.and_then(|d| NaiveDate::from_ymd_opt(d.year.into(), d.month.into(), d.day.into()))
        }
        DeValue::String(s) => s.parse().ok(),
        _ => None,
    };
    if day.is_none() {
        reader
            .error("bad-date", value.span(), format!("`{key}` has to be a day"))
            .help("year, month and day, such as 2027-12-31, without a time");
    }
    day
}

fn rules(reader: &mut Reader<'_>, top: &mut Section<'_, '_>, retention: bool) -> Vec<Draft> {
    let Some(value) = top.get("rule") else {
        // A policy of deletion classes alone is for sweeps; whatever a case finds goes to review then.
        if retention {
            return Vec::new();
        }
        reader
            .error("no-rules", 0..0, "the policy has no rules, so everything would go to review")
            .help("add `[[rule]]` with `id`, `match`, `decision` and `reason`");
        return Vec::new();
    };
    let DeValue::Array(array) = value.get_ref() else {
        let span = top.key_span("rule").unwrap_or_else(|| value.span());
        reader
            .error("wrong-type", span, "`rule` has to be a list of tables")
            .help("each rule starts with `[[rule]]`, in double brackets");
        return Vec::new();
    };
    let mut drafts = Vec::new();
    for item in array.iter() {
        match item.get_ref() {
            DeValue::Table(t) => drafts.push(read_rule(reader, t, item.span())),
            _ => {
                reader
                    .error("wrong-type", item.span(), "a rule has to be a table")
                    .help("each rule starts with `[[rule]]`, in double brackets");
            }
        }
    }
    drafts
}

fn read_rule(reader: &mut Reader<'_>, table: &DeTable<'_>, header: Range<usize>) -> Draft {
    let errors = reader.found.iter().filter(|d| d.severity == Severity::Error).count();
    let mut s = Section::new("a rule", table, header.clone());
    let id = s.string(reader, "id");
    match &id {
        Some((id, span)) => check_id(reader, id, span),
        None if s.key_span("id").is_none() => {
            s.required(reader, "id", "add `id = \"…\"`: every finding names its rule");
        }
        None => {}
    }
    let mut spans = Spans::default();
    let mut condition = Condition::default();
    if let Some((table, span)) = s.table(reader, "match") {
        condition = read_match(reader, table, span, &mut spans);
    }
    let decision = s.word::<Decision>(reader, "decision");
    if decision.is_none() && s.key_span("decision").is_none() {
        let known: Vec<_> = Decision::ALL.iter().map(|d| d.word()).collect();
        s.required(reader, "decision", &format!("add `decision = \"…\"`, one of {}", known.join(", ")));
    }
    let basis = s.string(reader, "basis");
    let reason = s.string(reader, "reason");
    let owner = s.string(reader, "owner");
    let ask = s.string(reader, "ask");
    let until = s.get("until").and_then(|v| Some((date(reader, "until", v)?, v.span())));
    let replaces = s.key_span("replaces").filter(|_| s.bool(reader, "replaces") == Some(true));
    s.get("replaces");
    let examples = example::read(reader, &mut s);
    if let Some((decision, at)) = &decision {
        spans.decision = at.clone();
        check_companions(reader, &s, *decision, at, ask.as_ref(), until.as_ref());
    }
    s.finish(reader);
    let sound = errors == reader.found.iter().filter(|d| d.severity == Severity::Error).count();
    let (id, span) = id.unwrap_or((String::new(), header));
    let (file, line, ..) = reader.sources.position(span.start);
    let file = file.to_owned();
    let rule = Rule {
        id,
        condition,
        decision: decision.map_or(Decision::Review, |(d, _)| d),
        basis: basis.map(|(b, _)| b),
        reason: reason.map(|(r, _)| r),
        owner: owner.map(|(o, _)| o),
        ask: ask.map(|(a, _)| a),
        until_at: until.as_ref().map(|(_, at)| at.clone()),
        until: until.map(|(u, _)| u),
        examples,
        file,
        line,
        span,
    };
    Draft { rule, sound, replaces, spans }
}

pub(super) fn check_id(reader: &mut Reader<'_>, id: &str, span: &Range<usize>) {
    if id.starts_with("built-in") {
        reader
            .error("bad-rule-id", span.clone(), format!("`{id}`: ids that start with `built-in` are efface's own"))
            .help("choose another id");
    } else if id.len() > 64 || !id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b))
    {
        reader
            .error("bad-rule-id", span.clone(), "a rule's id is made of a-z, 0-9, `-`, `_` and `.`, at most 64")
            .help("it stands in reports and certificates: short, and nobody's name");
    }
}

/// Keys that a decision needs, or that mean nothing beside it.
fn check_companions(
    reader: &mut Reader<'_>,
    s: &Section<'_, '_>,
    decision: Decision,
    at: &Range<usize>,
    ask: Option<&At<String>>,
    until: Option<&At<NaiveDate>>,
) {
    if decision == Decision::Keep && s.key_span("basis").is_none() {
        reader
            .error("keep-without-basis", at.clone(), "what is kept needs a legal basis")
            .help("add `basis = \"…\"`, such as \"GDPR Art. 17(3)(b)\" with the law that obliges you");
    }
    if decision == Decision::Residual && s.key_span("ask").is_none() {
        reader
            .warn("residual-without-ask", at.clone(), "the report will not say who could remove what stays here")
            .help("add `ask = \"…\"`, such as \"the Jira administrator\"");
    }
    if let Some((_, span)) = ask.filter(|_| decision != Decision::Residual) {
        reader
            .error("ask-without-residual", span.clone(), format!("`ask` means nothing beside `{}`", decision.word()))
            .help("only what stays as `residual` has someone to ask; use `owner` for who answers for the rule");
    }
    if let Some((_, span)) = until.filter(|_| decision != Decision::Keep) {
        reader
            .error("until-without-keep", span.clone(), format!("`until` means nothing beside `{}`", decision.word()))
            .help("only a `keep` ends on a day");
    }
}

fn read_match(reader: &mut Reader<'_>, table: &DeTable<'_>, span: Range<usize>, spans: &mut Spans) -> Condition {
    let mut s = Section::new("`match`", table, span.clone());
    let mut c = Condition::default();
    if let Some((set, _)) = s.words(reader, "area") {
        c.area = set;
    }
    let place = s.globs(reader, "place");
    if let Some((set, at)) = s.words(reader, "record") {
        c.record = set;
        spans.record = Some(at);
    }
    let field = s.globs(reader, "field");
    let path = s.globs(reader, "path");
    if let Some((set, _)) = s.words(reader, "kind") {
        c.kind = set;
    }
    let strength = s.words::<Strength>(reader, "strength");
    let at_least = s.word::<Strength>(reader, "at_least");
    match (strength, at_least) {
        (Some(_), Some((_, at))) => {
            reader
                .error("conflicting-keys", at, "`strength` and `at_least` say the same thing twice")
                .help("keep one: `at_least = \"probable\"` is `strength = [\"probable\", \"certain\"]`");
        }
        (Some((set, _)), None) => c.strength = set,
        (None, Some((least, _))) => c.strength = Strength::ALL.iter().copied().filter(|s| *s >= least).collect(),
        (None, None) => {}
    }
    if let Some((set, at)) = s.words(reader, "controller") {
        c.controller = Some(set);
        spans.controller = Some(at);
    }
    let (project, instance) = (s.globs(reader, "project"), s.globs(reader, "instance"));
    spans.project = project.first().map(|(_, at)| at.clone());
    spans.instance = instance.first().map(|(_, at)| at.clone());
    c.project = project.into_iter().map(|(g, _)| g).collect();
    c.instance = instance.into_iter().map(|(g, _)| g).collect();
    let (label, status) = (s.globs(reader, "label"), s.globs(reader, "status"));
    spans.label = label.first().map(|(_, at)| at.clone());
    spans.status = status.first().map(|(_, at)| at.clone());
    c.label = label.into_iter().map(|(g, _)| g).collect();
    c.status = status.into_iter().map(|(g, _)| g).collect();
    let older = s.period(reader, "older_than");
    let younger = s.period(reader, "younger_than");
    let since = s.word::<Since>(reader, "since");
    if let (Some((o, _)), Some((y, at))) = (&older, &younger)
        && o.at_least(*y)
    {
        reader
            .error("never-matches", at.clone(), format!("nothing is older than {o} and younger than {y}"))
            .help("swap the two periods, or leave one out");
    }
    if let Some((_, at)) = since.as_ref().filter(|_| older.is_none() && younger.is_none()) {
        reader
            .error("since-without-age", at.clone(), "`since` means nothing without `older_than` or `younger_than`")
            .help("add one of them, or leave `since` out");
    }
    c.age = Age {
        older_than: older.map(|(p, _)| p),
        younger_than: younger.map(|(p, _)| p),
        since: since.map_or(Since::Updated, |(s, _)| s),
    };
    (c.place, spans.place) = place.into_iter().unzip();
    (c.field, spans.field) = field.into_iter().unzip();
    c.path = path.into_iter().map(|(g, _)| g).collect();
    if table.is_empty() {
        reader
            .error("empty-match", span, "`match` is empty")
            .help("leave `match` out of the last rule to make it the default");
    }
    s.finish(reader);
    c
}

/// Areas whose places belong to an instance.
pub(super) fn has_instance(area: Area) -> bool {
    matches!(area, Area::Source | Area::Target)
}
