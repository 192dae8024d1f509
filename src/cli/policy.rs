//! `efface policy`: check a policy, print it as it is understood, explain which rule decides.

use std::{
    io::{IsTerminal, Read},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{Context, Failure, Format};
use crate::{
    config::{Config, PolicySource},
    model::{
        Area, Controller, Cut, Flavor, InstanceName, IssueFacts, Piece, Place, ProjectKey, RecordRef, RecordTimes,
        RecordType, Reference, ReferenceKind, Strength,
    },
    policy::{
        Beside, Configured, Diagnostic, EvalContext, Explanation, Plans, Policy, SHIPPED, Severity, Sources, Tried,
        Walk, Word, render, schema, usual_record,
    },
    report::{csv, table},
    scan::run::{Target, targets},
    store::{PlanCounts, Store},
};

/// Check, show and explain a policy.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Look for mistakes; each is printed with its line, column and what to do. Exit code 2 when there is an error.
    Check {
        #[command(flatten)]
        which: Which,
        /// Exit code 2 for warnings too.
        #[arg(long)]
        deny_warnings: bool,
    },
    /// Print it as it is understood, with its defaults.
    Show {
        #[command(flatten)]
        which: Which,
    },
    /// Print the JSON Schema of a policy file, by which an editor completes and checks one.
    Schema,
    /// Say which rule decides about a finding, and of each rule why it does or does not.
    Explain(Box<Explain>),
}

#[derive(Debug, clap::Args)]
struct Which {
    /// A policy file, or the name of one that ships: gdpr-default, uk-gdpr, strict, minimal, retention. Without it, the configuration's.
    file: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct Explain {
    #[command(flatten)]
    which: Which,
    /// A finding as `efface scan --format json` prints it (one finding, or a whole report with --id), or `-` for stdin.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["place", "area", "record", "kind", "strength"])]
    finding: Option<PathBuf>,
    /// Which finding of a whole report.
    #[arg(long, requires = "finding")]
    id: Option<String>,
    /// The area, where no place is given.
    #[arg(long, value_parser = word::<Area>, required_unless_present_any = ["finding", "place"])]
    area: Option<Area>,
    /// The place, such as `target:partner/PART`.
    #[arg(long)]
    place: Option<Place>,
    /// The record type; by default what the area mostly holds.
    #[arg(long, value_parser = word::<RecordType>)]
    record: Option<RecordType>,
    /// The field, such as `summary`.
    #[arg(long, default_value = "")]
    field: String,
    /// For files: the path, relative to the area's root.
    #[arg(long)]
    path: Option<String>,
    /// The kind of reference.
    #[arg(long, value_parser = word::<ReferenceKind>, default_value = "email")]
    kind: ReferenceKind,
    /// How sure it is.
    #[arg(long, value_parser = word::<Strength>, default_value = "probable")]
    strength: Strength,
    /// Who answers for the place's instance.
    #[arg(long, value_parser = word::<Controller>)]
    controller: Option<Controller>,
    /// The place's instance, as the configuration calls it.
    #[arg(long)]
    instance: Option<InstanceName>,
    /// The place's project.
    #[arg(long)]
    project: Option<ProjectKey>,
    /// The name of the issue's status.
    #[arg(long)]
    status: Option<String>,
    /// A label of the issue; may be given several times. With --status alone the issue has none.
    #[arg(long)]
    label: Vec<String>,
    /// Which API the place's instance speaks: cloud or datacenter.
    #[arg(long, value_parser = flavor)]
    flavor: Option<Flavor>,
    /// The reference cannot be cut out of its container (an archive, a binary file, a file name).
    #[arg(long)]
    whole: bool,
    /// When the record was made (RFC 3339).
    #[arg(long, value_name = "TIME")]
    created: Option<DateTime<Utc>>,
    /// When it was last changed (RFC 3339).
    #[arg(long, value_name = "TIME")]
    updated: Option<DateTime<Utc>>,
}

fn flavor(text: &str) -> Result<Flavor, String> {
    match text {
        "cloud" => Ok(Flavor::Cloud),
        "datacenter" => Ok(Flavor::DataCenter),
        _ => Err("cloud or datacenter".to_owned()),
    }
}

fn word<T: Word + Send + Sync>(text: &str) -> Result<T, String> {
    T::from_word(text)
        .ok_or_else(|| format!("known: {}", T::ALL.iter().map(|w| w.word()).collect::<Vec<_>>().join(", ")))
}

pub(crate) fn run(args: Args, ctx: &Context) -> anyhow::Result<ExitCode> {
    let format = ctx.global.format;
    match args.command {
        Command::Check { which, deny_warnings } => {
            let text = text_of(&which.source(ctx)?)?;
            // A policy can be checked before there is a configuration; where there is one, its places are asked after.
            let config = match ctx.config() {
                Ok(config) => Some(config),
                Err(e) => {
                    if ctx.global.config.exists() {
                        ctx.say(format!(
                            "whether every place has a rule, and exceptions are used, was not looked at: {e:#}"
                        ));
                    }
                    None
                }
            };
            let places = config.as_ref().map(configured).unwrap_or_default();
            let color = ctx.global.output.is_none() && color(ctx, std::io::stdout().is_terminal());
            let plans = |policy: &Policy| match config.as_ref().map(|config| planned(ctx, config, policy.name())) {
                Some(Ok(plans)) => plans,
                Some(Err(e)) => {
                    ctx.say(format!("whether exceptions were ever used cannot be told: {e:#}"));
                    None
                }
                None => None,
            };
            let checked = check(&text, ctx.now, &places, &plans, format, color)?;
            ctx.out(&checked.data)?;
            ctx.say(checked.summary);
            let fails = checked.errors > 0 || deny_warnings && checked.warnings > 0;
            Ok(ExitCode::from(if fails { 2 } else { 0 }))
        }
        Command::Show { which } => {
            ctx.out(&show(&load(&which.source(ctx)?)?, format)?)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Schema => {
            ctx.out(&json_text(&schema())?)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Explain(explain) => {
            let policy = load(&explain.which.source(ctx)?)?;
            let (reference, controller) = explain.reference()?;
            let context = EvalContext { now: ctx.now, controller, flavor: explain.flavor };
            let walk = policy.explain(&reference, &context);
            ctx.out(&explained(&policy, &walk, format)?)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Reads and checks a policy.
///
/// # Errors
/// [`Failure::Usage`] with every diagnostic drawn, when it has an error or cannot be read.
pub(crate) fn load(source: &PolicySource) -> anyhow::Result<Policy> {
    let (sources, policy) = text_of(source)?.read();
    policy.map_err(|found| {
        let drawn = render(&found, &sources, color_of_stderr());
        Failure::Usage(format!("the policy cannot be used\n{drawn}")).into()
    })
}

/// A policy's own text, and where what it includes would lie.
struct Text {
    text: String,
    origin: String,
    folder: Option<PathBuf>,
}

impl Text {
    fn read(&self) -> (Sources, Result<Policy, Vec<Diagnostic>>) {
        let load = |name: &str| match &self.folder {
            Some(folder) => file_of(&folder.join(name)),
            None => Err("a policy that ships with efface has no folder".to_owned()),
        };
        Policy::read(&self.text, &self.origin, &load)
    }
}

/// The places that a configuration names.
fn configured(config: &Config) -> Vec<Configured> {
    let of = |target: Target| {
        let place = target.place();
        let remote = if let Target::Remote(remote) = target { Some(remote) } else { None };
        let instance = remote.as_ref().map(|r| r.instance.clone());
        let controller = instance.as_ref().and_then(|name| config.instance(name)).map(|i| i.controller);
        Configured { place, instance, project: remote.map(|r| r.project), controller }
    };
    targets(config).into_iter().filter(|t| !matches!(t, Target::Instance(_))).map(of).collect()
}

/// The text of a policy's file: a device or a pipe would have no end.
fn file_of(path: &Path) -> Result<String, String> {
    let what = std::fs::metadata(path).map_err(|e| e.to_string())?;
    match what.is_file() {
        true if what.len() > 1 << 20 => Err("it has more than 1 MiB".to_owned()),
        true => std::fs::read_to_string(path).map_err(|e| e.to_string()),
        false => Err("it is no file".to_owned()),
    }
}

/// What plans a policy made, as far as the audit log still says it. A check makes no store where there is none.
fn planned(ctx: &Context, config: &Config, name: &str) -> anyhow::Result<Option<Plans>> {
    if !config.state.join(Store::FILE).exists() {
        return Ok(None);
    }
    let mut out = Plans::default();
    for event in ctx.store(config)?.audit_events()?.iter().filter(|e| e.kind == "case.planned") {
        let said = event.detail.clone().and_then(|d| serde_json::from_value::<PlanCounts>(d).ok());
        let Some(said) = said.filter(|s| s.policy == name) else { continue };
        let since = DateTime::parse_from_rfc3339(&event.at)?.date_naive();
        for (rule, n) in said.rules {
            let tried = out.0.entry(rule).or_insert(Tried { count: 0, since, used: false });
            tried.count += 1;
            tried.used |= n > 0;
        }
    }
    Ok(Some(out))
}

fn text_of(source: &PolicySource) -> anyhow::Result<Text> {
    match source {
        PolicySource::Shipped(name) => {
            let found = SHIPPED.iter().find(|(n, _)| n == name);
            let (name, text) = found.ok_or_else(|| Failure::Usage(format!("no policy {name} ships with efface")))?;
            Ok(Text { text: (*text).to_owned(), origin: format!("{name}.toml"), folder: None })
        }
        PolicySource::File(path) => {
            let read = file_of(path);
            let text = read.map_err(|e| Failure::Usage(format!("cannot read the policy {}: {e}", path.display())))?;
            let folder = Some(path.parent().unwrap_or(Path::new("")).to_owned());
            Ok(Text { text, origin: path.display().to_string(), folder })
        }
    }
}

impl Which {
    fn source(&self, ctx: &Context) -> anyhow::Result<PolicySource> {
        match &self.file {
            None => Ok(ctx.config()?.policy),
            Some(file) => Ok(named(file)),
        }
    }
}

/// A file, or, where there is none of that name, the policy that ships under it.
fn named(file: &Path) -> PolicySource {
    match SHIPPED.iter().find(|(n, _)| Path::new(n) == file) {
        Some((name, _)) if !file.exists() => PolicySource::Shipped(name),
        _ => PolicySource::File(file.to_owned()),
    }
}

fn color(ctx: &Context, terminal: bool) -> bool {
    match ctx.global.color {
        clap::ColorChoice::Always => true,
        clap::ColorChoice::Never => false,
        clap::ColorChoice::Auto => terminal && no_color_unset(),
    }
}

fn color_of_stderr() -> bool {
    std::io::stderr().is_terminal() && no_color_unset()
}

fn no_color_unset() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}

struct Checked {
    data: String,
    summary: String,
    errors: usize,
    warnings: usize,
}

fn check(
    text: &Text,
    now: DateTime<Utc>,
    places: &[Configured],
    plans: &dyn Fn(&Policy) -> Option<Plans>,
    format: Format,
    color: bool,
) -> anyhow::Result<Checked> {
    let origin = text.origin.as_str();
    let (sources, policy) = text.read();
    let (policy, found) = match policy {
        Ok(policy) => {
            let mut found = policy.warnings().to_vec();
            found.extend(policy.advice(&sources, &Beside { today: now.date_naive(), places, plans: plans(&policy) }));
            (Some(policy), found)
        }
        Err(found) => (None, found),
    };
    let errors = found.iter().filter(|d| d.severity == Severity::Error).count();
    let warnings = found.len() - errors;
    let counted = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let summary = match &policy {
        Some(p) if warnings == 0 => {
            let classes = match p.classes().len() {
                0 => String::new(),
                1 => " and 1 deletion class".to_owned(),
                n => format!(" and {n} deletion classes"),
            };
            format!("{origin}: ok, policy {} with {}{classes}", p.name(), counted(p.rules().len(), "rule"))
        }
        _ => format!("{origin}: {}, {}", counted(errors, "error"), counted(warnings, "warning")),
    };
    let data = match format {
        Format::Table if found.is_empty() => String::new(),
        Format::Table => format!("{}\n", render(&found, &sources, color)),
        Format::Json => {
            let used = policy.as_ref().map(|p| json!({ "name": p.name(), "sha256": p.sha256(), "files": p.files() }));
            json_text(&json!({
                "schema": "efface.policy-check/1", "file": origin, "ok": errors == 0, "policy": used,
                "errors": errors, "warnings": warnings, "diagnostics": found,
            }))?
        }
        Format::Csv => {
            let head = ["file", "line", "column", "severity", "code", "message", "help"];
            let rows = found.iter().map(|d: &Diagnostic| {
                let severity = if d.severity == Severity::Error { "error" } else { "warning" };
                [&d.file, &d.line.to_string(), &d.column.to_string(), severity, d.code, &d.message]
                    .map(ToString::to_string)
                    .into_iter()
                    .chain([d.help.clone().unwrap_or_default()])
                    .collect()
            });
            csv(&head, rows)
        }
        Format::Html | Format::Markdown => return Err(no_html()),
    };
    Ok(Checked { data, summary, errors, warnings })
}

fn show(policy: &Policy, format: Format) -> anyhow::Result<String> {
    let resolved = policy.resolved();
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let empty = Vec::new();
    let rules = resolved["rules"].as_array().unwrap_or(&empty);
    let applies = |i: usize| policy.rules().get(i).map_or_else(|| "everything".to_owned(), |r| r.condition.to_string());
    let row = |(i, r): (usize, &Value)| -> Vec<String> {
        let decision = match r["until"].as_str() {
            Some(until) => format!("{} until {until}", text(&r["decision"])),
            None => text(&r["decision"]),
        };
        vec![
            (i + 1).to_string(),
            text(&r["id"]),
            applies(i),
            decision,
            text(&r["basis"]),
            text(&r["reason"]),
            text(&r["ask"]),
        ]
    };
    let head = ["#", "rule", "applies to", "decision", "basis", "reason", "who could remove it"];
    Ok(match format {
        Format::Json => json_text(&resolved)?,
        Format::Csv => csv(&head, rules.iter().enumerate().map(row)),
        Format::Html | Format::Markdown => return Err(no_html()),
        Format::Table => {
            let caps = policy.caps();
            let records = caps.records.map_or_else(|| "no cap on records".to_owned(), |n| format!("{n} records"));
            let share = caps.share.map_or_else(String::new, |s| format!(", {:.0} % of a project", s * 100.0));
            let clock = policy.clock();
            let extension = clock.extension.map_or_else(String::new, |e| format!(", extendable by {e}"));
            let rows: Vec<_> = rules.iter().enumerate().map(|r| row(r).into_iter().take(5).collect()).collect();
            let table = table(&head[..5], &[0], &rows, None);
            format!(
                "policy       {} {}\n{}law          {}\nsha256       {}\nplaceholder  {}\napproval     {}\ncaps         {records}{share}\n\
                 clock        {}{extension}, {} holidays\n\nThe first rule that applies decides.\n{table}{}",
                policy.name(),
                policy.version().map_or_else(String::new, |v| format!("(version {v})")),
                match policy.files() {
                    [_] => String::new(),
                    all => format!("files        {}\n", all.join(", ")),
                },
                policy.law().unwrap_or("not named"),
                policy.sha256(),
                policy.placeholder(),
                approval_in_words(policy.approval()),
                clock.period,
                clock.holidays.len(),
                classes(policy),
            )
        }
    })
}

/// The deletion classes as a table; nothing where there are none.
fn classes(policy: &Policy) -> String {
    if policy.classes().is_empty() {
        return String::new();
    }
    let row = |c: &crate::policy::Class| {
        let grace = match (c.then, c.grace) {
            (then, Some(grace)) if then.acts() => grace.to_string(),
            (then, None) if then.acts() => "none".to_owned(),
            _ => "-".to_owned(),
        };
        let after = format!("{} after {}", c.period, c.start.word());
        vec![c.id.clone(), c.records.to_string(), after, c.then.word().to_owned(), grace, c.basis.clone()]
    };
    let rows: Vec<_> = policy.classes().iter().map(row).collect();
    let head = ["class", "records", "goes", "then", "grace", "basis"];
    format!(
        "\nThe first class that applies decides how long a record stays (efface sweep).\n{}",
        table(&head, &[], &rows, None)
    )
}

fn approval_in_words(approval: crate::policy::Approval) -> String {
    let mut words = vec![
        if approval.four_eyes { "four eyes: whoever plans may not approve" } else { "one person may plan and approve" }
            .to_owned(),
    ];
    if approval.signatures {
        words.push("an approval is signed".to_owned());
    }
    if let Some(expires) = approval.expires {
        words.push(format!("a plan expires after {expires}"));
    }
    if let Some(delay) = approval.delay {
        words.push(format!("what cannot be undone waits {delay}"));
    }
    words.join("; ")
}

fn explained(policy: &Policy, walk: &Explanation<'_>, format: Format) -> anyhow::Result<String> {
    let rows = walk.rules.iter().map(|r| {
        let (mark, why) = match &r.walk {
            Walk::Applied => ("decides", "all its conditions hold".to_owned()),
            Walk::Undated => (
                "decides: review",
                "its age condition cannot be checked: the record has no trustworthy date".to_owned(),
            ),
            Walk::Unread => {
                ("decides: review", "label or status of the issue are not known (see --label and --status)".to_owned())
            }
            Walk::PassedOver { because } => ("passed over", because.join("; ")),
            Walk::NotReached => ("not reached", String::new()),
        };
        let line = if policy.files().len() > 1 { format!("{}:{}", r.file, r.line) } else { r.line.to_string() };
        vec![line, r.rule.to_owned(), r.decision.word().to_owned(), mark.to_owned(), why]
    });
    let head = ["line", "rule", "decision", "result", "because"];
    let v = &walk.verdict;
    Ok(match format {
        Format::Json => json_text(&json!({
            "schema": "efface.policy-explain/1", "policy": { "name": policy.name(), "sha256": policy.sha256() },
            "verdict": v, "rules": walk.rules,
        }))?,
        Format::Csv => csv(&head, rows),
        Format::Html | Format::Markdown => return Err(no_html()),
        Format::Table => {
            let table = table(&head, &[0], &rows.collect::<Vec<_>>(), None);
            let ask = v.ask.as_ref().map_or_else(String::new, |a| format!("ask       {a}\n"));
            let (decision, rule, reasons) = (v.decision.word(), &v.rule_id, v.reasons.join("; "));
            format!("decision  {decision}\nrule      {rule}\nbecause   {reasons}\n{ask}\n{table}")
        }
    })
}

fn json_text(value: &Value) -> anyhow::Result<String> {
    Ok(format!("{}\n", serde_json::to_string_pretty(value)?))
}

fn no_html() -> anyhow::Error {
    Failure::Usage("HTML is for `scan` and `report`; use table, json or csv here".into()).into()
}

impl Explain {
    /// The reference that the options, or the file, describe.
    fn reference(&self) -> anyhow::Result<(Reference, Option<Controller>)> {
        let (place, record, field, kind, strength) = match &self.finding {
            Some(file) => self.read_finding(file)?,
            None => {
                let area = self.area.or_else(|| self.place.as_ref().map(Place::area)).unwrap_or(Area::Target);
                let place = self.place.clone().unwrap_or_else(|| Place::new(area, ""));
                if place.area() != area {
                    return Err(Failure::Usage(format!("the place {place} is not of area {area}")).into());
                }
                let record_type = self.record.unwrap_or(usual_record(area));
                let record = RecordRef { record_type, id: None, key: None, path: self.path.clone() };
                (place, record, self.field.clone(), self.kind, self.strength)
            }
        };
        // A place of an instance is written `area:instance/PROJECT`.
        let remote = matches!(place.area(), Area::Source | Area::Target);
        let parts: Vec<String> = place.spot().split('/').map(str::to_owned).collect();
        let issue = remote
            && (record.key.is_some() || !matches!(record.record_type, RecordType::Property | RecordType::UserProfile));
        let own = |n: usize| parts.get(n).filter(|_| remote).map(String::as_str);
        let piece = Piece { pointer: String::new(), from: 0, to: 0 };
        let reference = Reference {
            subject: 0,
            identifier: 0,
            place,
            instance: self.instance.clone().or_else(|| own(0)?.parse().ok()),
            project: self.project.clone().or_else(|| own(1)?.parse().ok()),
            record,
            field,
            locator: String::new(),
            kind,
            strength,
            cut: if self.whole { Cut::Whole } else { Cut::Text { pieces: vec![piece] } },
            times: RecordTimes { created: self.created, updated: self.updated },
            issue: issue.then(|| {
                let labels = (!self.label.is_empty() || self.status.is_some()).then(|| self.label.clone());
                Arc::new(IssueFacts { status: self.status.clone(), labels })
            }),
        };
        Ok((reference, self.controller))
    }

    fn read_finding(&self, file: &Path) -> anyhow::Result<(Place, RecordRef, String, ReferenceKind, Strength)> {
        #[derive(serde::Deserialize)]
        struct Given {
            place: Place,
            record: RecordRef,
            field: String,
            kind: ReferenceKind,
            strength: Strength,
        }
        let wrong = |e: String| {
            Failure::Usage(format!("{} is not a finding of `efface scan --format json`: {e}", file.display()))
        };
        let text = if file == Path::new("-") {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text)?;
            text
        } else {
            std::fs::read_to_string(file).map_err(|e| wrong(e.to_string()))?
        };
        let mut value: Value = serde_json::from_str(&text).map_err(|e| wrong(e.to_string()))?;
        if let Some(Value::Array(findings)) = value.get_mut("findings").map(Value::take) {
            let mut chosen =
                findings.into_iter().filter(|f| self.id.is_none() || f["id"].as_str() == self.id.as_deref());
            value = match (chosen.next(), chosen.next()) {
                (Some(one), None) => one,
                (None, _) => return Err(wrong("it has no such finding".into()).into()),
                _ => return Err(wrong("it has many: choose one with --id".into()).into()),
            };
        }
        let g: Given = serde_json::from_value(value).map_err(|e| wrong(e.to_string()))?;
        Ok((g.place, g.record, g.field, g.kind, g.strength))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THREE: &str = "[policy]\nname = \"p\"\nplaceholdr = \"x\"\n[[rule]]\nid = \"a\"\nmatch = { area = \"tagret\" }\n\
                         decision = \"redact\"\n[[rule]]\nid = \"b\"\ndecision = \"delte\"\n";

    #[test]
    fn three_mistakes_are_three_diagnostics() {
        let check = |text: &str, format| {
            let text = Text { text: text.to_owned(), origin: "p.toml".to_owned(), folder: None };
            check(&text, DateTime::UNIX_EPOCH, &[], &|_| None, format, false)
        };
        let table = check(THREE, Format::Table).unwrap();
        assert_eq!((table.errors, table.warnings), (3, 0));
        for at in ["p.toml:3:1", "p.toml:6:18", "p.toml:10:12"] {
            assert!(table.data.contains(at), "{at} in\n{}", table.data);
        }
        assert_eq!(table.summary, "p.toml: 3 errors, 0 warnings");
        let json: Value = serde_json::from_str(&check(THREE, Format::Json).unwrap().data).unwrap();
        assert_eq!((&json["ok"], &json["errors"]), (&json!(false), &json!(3)));
        assert_eq!(json["diagnostics"][1]["code"], "unknown-value");
        assert_eq!((&json["diagnostics"][1]["line"], &json["diagnostics"][1]["column"]), (&json!(6), &json!(18)));
        assert_eq!(check(THREE, Format::Csv).unwrap().data.lines().count(), 4);
        assert!(check(THREE, Format::Html).is_err());
    }

    #[test]
    fn a_good_policy_prints_nothing_but_a_summary() {
        let text = text_of(&PolicySource::Shipped("gdpr-default")).unwrap();
        let checked = check(&text, DateTime::UNIX_EPOCH, &[], &|_| None, Format::Table, false).unwrap();
        assert_eq!((checked.data.as_str(), checked.errors, checked.warnings), ("", 0, 0));
        assert!(checked.summary.contains("ok, policy gdpr-default"));
    }

    #[test]
    fn loading_fails_with_every_mistake() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("p.toml");
        std::fs::write(&file, THREE).unwrap();
        let error = load(&named(&file)).unwrap_err();
        assert!(matches!(error.downcast_ref::<Failure>(), Some(Failure::Usage(_))));
        assert_eq!(error.to_string().matches("error[").count(), 3);
        assert!(load(&named(Path::new("strict"))).is_ok());
        assert!(load(&named(Path::new("no-such-policy"))).is_err());
    }

    #[test]
    fn shown_and_explained() {
        let policy = load(&PolicySource::Shipped("gdpr-default")).unwrap();
        let shown = show(&policy, Format::Table).unwrap();
        assert!(shown.contains("gdpr-default") && shown.contains("custom-user-field"));
        assert!(show(&policy, Format::Csv).unwrap().lines().count() > policy.rules().len());

        #[derive(clap::Parser)]
        struct Cli {
            #[command(flatten)]
            args: Args,
        }
        let parse = |line: &str| match <Cli as clap::Parser>::try_parse_from(line.split(' ')).map(|c| c.args.command) {
            Ok(Command::Explain(e)) => e,
            other => panic!("{:?}", other.map(|_| ())),
        };
        let e =
            parse("policy explain --area target --record comment --field author --kind account-id --strength certain");
        let (reference, controller) = e.reference().unwrap();
        let walk = policy.explain(&reference, &EvalContext { controller, ..EvalContext::at(DateTime::UNIX_EPOCH) });
        assert_eq!(walk.verdict.rule_id, "author");
        let text = explained(&policy, &walk, Format::Table).unwrap();
        assert!(text.starts_with("decision  residual\nrule      author\n"), "{text}");
        assert!(<Cli as clap::Parser>::try_parse_from(["policy", "explain", "--area", "tagret"]).is_err());
        assert!(<Cli as clap::Parser>::try_parse_from(["policy", "explain"]).is_err());

        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("f.json");
        let finding = json!({ "id": "f-1", "place": "log:jira", "record": { "type": "file", "id": null, "key": null,
            "path": "x.log" }, "field": "", "kind": "email", "strength": "probable" });
        std::fs::write(&file, json!({ "findings": [finding, finding] }).to_string()).unwrap();
        let e = parse(&format!("policy explain --finding {}", file.display()));
        assert!(e.reference().unwrap_err().to_string().contains("--id"));
        std::fs::write(&file, finding.to_string()).unwrap();
        let e = parse(&format!("policy explain --whole --finding {}", file.display()));
        let (reference, _) = e.reference().unwrap();
        assert_eq!(policy.evaluate(&reference, &EvalContext::at(DateTime::UNIX_EPOCH)).rule_id, "log-whole");
    }
}
