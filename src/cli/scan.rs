//! `efface scan`: find every reference to a person.

use std::{path::PathBuf, process::ExitCode};

use serde_json::json;

use super::{Context, Failure, Format, load_policy, subject, work};
use crate::{
    model::{Area, CaseId, Looked, MatrixRow, Place, Subject, SubjectKey},
    report::scan::ScanReport,
    scan::run::targets,
};

/// Find every reference to a person in staging, sources, targets, our own state, foreign folders and logs.
///
/// Exit codes: 0 nothing found, 1 references found, 3 something could not be read (what was found is printed all the same).
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A person of the register (`efface subject add`).
    #[arg(long, value_name = "KEY")]
    subject: Option<SubjectKey>,
    /// The person of a case. Files and attachments that an earlier scan of the case has read, and that did not change since, are
    /// not read again; an issue always takes one call, which says whether more of it has to be read.
    #[arg(long, value_name = "ID", conflicts_with_all = ["subject", "subject_file", "subjects"])]
    case: Option<CaseId>,
    /// Read everything, whatever earlier scans of the case have read.
    #[arg(long)]
    exhaustive: bool,
    /// Identifiers from a JSON file, or `-` for stdin.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["subject", "subjects"])]
    subject_file: Option<String>,
    /// Many persons in one pass, from a CSV file (`id,kind,value,instance`, or one row a person).
    #[arg(long, value_name = "FILE", conflicts_with = "subject")]
    subjects: Option<PathBuf>,
    #[command(flatten)]
    identifiers: subject::IdentifierArgs,
    /// Only these areas: staging, source, target, state, foreign, log.
    #[arg(long, value_name = "A,…", value_delimiter = ',', value_parser = parse_area)]
    area: Vec<Area>,
    /// Only these places, such as `target:partner/PART`.
    #[arg(long, value_name = "P,…", value_delimiter = ',')]
    place: Vec<Place>,
    /// Ask Jira's own search first and read only the issues that it finds. Quick, never complete (exit 3).
    #[arg(long)]
    quick: bool,
    /// Why this search is made; goes into the audit trail.
    #[arg(long, value_name = "TEXT")]
    purpose: Option<String>,
    /// Show paths and locators in clear (audited).
    #[arg(long)]
    reveal: bool,
}

fn parse_area(text: &str) -> Result<Area, String> {
    Area::ALL
        .into_iter()
        .find(|a| a.as_str() == text)
        .ok_or_else(|| format!("known areas: {}", Area::ALL.map(Area::as_str).join(", ")))
}

pub(crate) async fn run(args: Args, ctx: &Context) -> anyhow::Result<ExitCode> {
    let config = ctx.config()?;
    let policy = load_policy(&config.policy)?;
    let store = ctx.store(&config)?;
    let subjects = subjects(&args, &store)?;
    let cache = match (&args.case, subjects.as_slice()) {
        (Some(case), [subject]) => work::cache(ctx, &store, case, subject, args.exhaustive)?,
        _ => None,
    };
    let wanted = |area| args.area.is_empty() || args.area.contains(&area);
    let all = targets(&config);
    for place in &args.place {
        let known = |t: &Place| {
            t.area() == place.area()
                && (t.spot() == place.spot() || t.spot().starts_with(&format!("{}/", place.spot())))
        };
        if !all.iter().any(|t| known(&t.place())) {
            let places: Vec<String> = all.iter().map(|t| t.place().to_string()).collect();
            return Err(Failure::Usage(format!("there is no place {place}; known: {}", places.join(", "))).into());
        }
    }
    // A scan of named areas needs only what those areas need.
    let remote = (wanted(Area::Source) || wanted(Area::Target))
        && (args.place.is_empty() || args.place.iter().any(|p| matches!(p.area(), Area::Source | Area::Target)));
    let clients = if remote { work::clients(config.instances.values(), false) } else { work::Clients::new() };
    let looked = if args.case.is_some() { Looked::Case } else { Looked::Scan };
    let how = work::How { areas: &args.area, places: &args.place, quick: args.quick, cache, acts: false, looked };
    let decided = work::scan(ctx, &config, &store, &clients, &policy, &subjects, how).await?;
    let findings = decided.findings();
    let hide = work::masker_of(Some(std::sync::Arc::clone(&decided.matcher)));
    // Free text of a person: it is told without what names the person (law 6).
    let purpose = args.purpose.as_deref().map(&hide);
    let detail = json!({
        "subjects": subjects.iter().map(|s| s.pseudonym.as_str()).collect::<Vec<_>>(),
        "areas": args.area, "places": args.place.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "references": findings.len(), "reveal": args.reveal, "purpose": purpose,
        "complete": decided.coverage.iter().all(|c| c.status.is_complete()),
    });
    ctx.act(|act| store.audit(act, "scan", args.case.as_ref().map(CaseId::as_str), detail))?;

    let clear = |text: &str| text.to_owned();
    let mask: &dyn Fn(&str) -> String = if args.reveal { &clear } else { &hide };
    let pseudonyms: Vec<String> = subjects.iter().map(|s| s.pseudonym.clone()).collect();
    let masked = |row: &MatrixRow| MatrixRow { reason: row.reason.as_deref().map(mask), ..row.clone() };
    let matrix = decided.matrix.iter().map(masked).collect();
    let report =
        ScanReport::new(&pseudonyms, (policy.name(), policy.sha256()), &decided.coverage, &findings, ctx.now, mask)
            .with_asks(policy.asks())
            .with_matrix(matrix);
    ctx.out(&render(ctx, &report)?)?;
    let incomplete: Vec<_> = decided.coverage.iter().filter(|c| !c.status.is_complete()).collect();
    for gap in &incomplete {
        ctx.say(format!("{}: {} ({})", gap.status.as_str(), gap.place, gap.reason.as_deref().unwrap_or("no reason")));
    }
    Ok(ExitCode::from(if !incomplete.is_empty() { 3 } else { u8::from(!findings.is_empty()) }))
}

fn subjects(args: &Args, store: &crate::store::Store) -> anyhow::Result<Vec<Subject>> {
    if let Some(path) = &args.subjects {
        let subjects = subject::from_csv(store, path)?;
        if subjects.is_empty() {
            return Err(Failure::Usage(format!("{} names nobody", path.display())).into());
        }
        return Ok(subjects);
    }
    if let Some(path) = &args.subject_file {
        return Ok(vec![subject::from_file(store, path)?]);
    }
    let direct = args.identifiers.identifiers()?;
    if let Some(id) = &args.case {
        if !direct.is_empty() {
            return Err(Failure::Usage("a case has its own identifiers: give --case alone".into()).into());
        }
        let case =
            store.case(id)?.ok_or_else(|| Failure::Usage(format!("there is no case {id}; see: efface case list")))?;
        let gone = || Failure::Refused(format!("case {id} is {}: its identifiers are destroyed", case.state.as_str()));
        return Ok(vec![store.case_subject(id)?.ok_or_else(gone)?]);
    }
    let mut subject = match &args.subject {
        Some(key) => subject::registered(store, key)?,
        None if direct.is_empty() => {
            return Err(Failure::Usage(
                "say whom to look for: --subject KEY, --case ID, --subject-file FILE, --subjects FILE.csv, or --email, --name, \
                 --account, --username"
                    .into(),
            )
            .into());
        }
        None => subject::make(store, subject::ad_hoc_key()?, Vec::new()),
    };
    subject.identifiers.extend(direct);
    Ok(vec![subject])
}

fn render(ctx: &Context, report: &ScanReport) -> anyhow::Result<String> {
    Ok(match ctx.global.format {
        Format::Table => report.table(),
        Format::Json => report.json(),
        Format::Csv => report.csv(),
        Format::Html => report.html(),
        Format::Markdown => return Err(super::no_markdown()),
    })
}
