//! How long a large policy takes over many findings: `cargo bench --bench policy`. Aim: 1,000 rules and 1,000,000 findings
//! in under 2 s on one core.

use std::{io::Write, time::Instant};

use chrono::DateTime;
use efface::{
    model::{Area, Controller, Cut, Place, RecordRef, RecordTimes, RecordType, Reference, ReferenceKind, Strength},
    policy::{EvalContext, Policy, Word},
};

const RULES: usize = 1_000;
const FINDINGS: usize = 1_000_000;

/// Rules as a company with many projects would write them: by project, place, field, folder, age, and the default.
fn policy() -> Result<Policy, String> {
    let mut text = "[policy]\nname = \"large\"\n".to_owned();
    for n in 0..RULES - 1 {
        let condition = match n % 6 {
            0 => format!("area = \"target\", project = \"P{n}\", field = [\"summary\", \"description\"]"),
            1 => format!("place = \"source:hq/P{n}\", record = \"comment\""),
            2 => format!("area = [\"source\", \"target\"], field = \"customfield_{n}\", at_least = \"probable\""),
            3 => format!("area = \"foreign\", path = [\"**/tool-{n}/processed/**\", \"archive-{n}/*.json\"]"),
            4 => format!("area = \"log\", path = \"node-{n}/**.log\", kind = [\"email\", \"username\"]"),
            _ => format!("area = \"staging\", place = \"staging:sync-{n}/*\", older_than = \"6 months\""),
        };
        text += &format!(
            "[[rule]]\nid = \"r{n}\"\nmatch = {{ {condition} }}\ndecision = \"delete\"\nbasis = \"b\"\nreason = \"a reason\"\n"
        );
    }
    text += "[[rule]]\nid = \"default\"\ndecision = \"review\"\nbasis = \"b\"\nreason = \"a reason\"\n";
    Policy::parse(&text, "large.toml").map_err(|found| format!("{:?}", found.first()))
}

/// A finding with a number: all areas, kinds and strengths, a thousand projects, files that are all different.
fn finding(n: usize) -> Reference {
    let mut state = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut pick = |of: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % of
    };
    let area = Area::ALL[pick(6)];
    let m = pick(RULES);
    let (spot, record_type, path, field) = match area {
        Area::Source | Area::Target => {
            let record = [RecordType::Issue, RecordType::Comment, RecordType::History, RecordType::Worklog][pick(4)];
            let field = ["summary", "description", "assignee", "body"][pick(4)].to_owned();
            (format!("hq/P{m}"), record, None, if pick(4) == 0 { format!("customfield_{m}") } else { field })
        }
        Area::Staging => (format!("sync-{m}/processed"), RecordType::Message, None, String::new()),
        Area::Log => ("jira".to_owned(), RecordType::File, Some(format!("node-{m}/2026/{n}.log")), String::new()),
        _ => ("tool".to_owned(), RecordType::File, Some(format!("a/tool-{m}/processed/{n}.json")), String::new()),
    };
    Reference {
        subject: 0,
        identifier: 0,
        place: Place::new(area, spot),
        instance: None,
        project: path.is_none().then(|| format!("P{m}").parse().ok()).flatten(),
        record: RecordRef { record_type, id: None, key: None, path },
        field,
        locator: String::new(),
        kind: ReferenceKind::ALL[pick(ReferenceKind::ALL.len())],
        strength: Strength::ALL[pick(3)],
        cut: Cut::Node { pointer: String::new() },
        times: RecordTimes { created: DateTime::from_timestamp(1_500_000_000, 0), updated: None },
        issue: None,
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let policy = policy()?;
    let findings: Vec<Reference> = (0..FINDINGS).map(finding).collect();
    let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap_or_default();
    let ctx = EvalContext::at(now).with_controller(Controller::Us);
    let start = Instant::now();
    let decided = findings.iter().filter(|r| policy.evaluate(r, &ctx).rule_id != "default").count();
    let took = start.elapsed();
    writeln!(
        std::io::stdout(),
        "{RULES} rules, {FINDINGS} findings: {:.2} s; {decided} decided by a rule of their own",
        took.as_secs_f64()
    )?;
    Ok(())
}
