//! `efface hold`: orders to keep.

use std::process::ExitCode;

use chrono::{NaiveDate, SecondsFormat};
use clap::Subcommand;
use serde_json::json;

use super::{Context, Failure, Format, subject, table, work};
use crate::{
    erasure::{execute::covered, plan::Plan},
    holds::Holds,
    model::{
        Area, CaseId, CaseKind, CaseState, Hold, HoldId, HoldQuery, HoldType, Outcome, ProjectKey, RecordType, Release,
        Subject, SubjectKey,
    },
    policy::{Glob, Word},
    store::{StepState, Store, SuppressionRow},
    suppression::Suppression,
};

/// Orders to keep: preservation (Art. 17(3)) and restriction (Art. 18).
///
/// A hold is a query, so it covers what arrives later. It stops erasure, closing and the destruction of keys; a restriction
/// stops the synchronisation of what it covers as well. It never ends by itself: a second person releases it.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Order a hold; prints its id. All conditions that are given have to hold; of a list one is enough.
    Add(Box<AddArgs>),
    /// List the holds, those to be looked at again first.
    List {
        /// Those that were released as well.
        #[arg(long)]
        all: bool,
    },
    /// End a hold, as a second person. What it covered goes back to planning.
    Release {
        /// The hold.
        id: HoldId,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Of a restriction: when the person was told that it would be lifted (Art. 18(3)).
        #[arg(long, value_name = "DATE")]
        informed: Option<NaiveDate>,
    },
}

#[derive(Debug, clap::Args)]
struct AddArgs {
    /// preservation: not to be erased. restriction: only to be stored, neither erased nor synchronised.
    #[arg(long = "type", value_name = "TYPE")]
    hold_type: HoldType,
    /// Why: the legal basis, the file number.
    #[arg(long, value_name = "TEXT")]
    basis: String,
    /// When to look at it again.
    #[arg(long, value_name = "DATE")]
    review: Option<NaiveDate>,
    /// Only what is about the person of this case.
    #[arg(long, value_name = "ID", conflicts_with = "subject")]
    case: Option<CaseId>,
    /// Only what is about this person of the register.
    #[arg(long, value_name = "KEY")]
    subject: Option<SubjectKey>,
    /// Areas: staging, source, target, foreign, log.
    #[arg(long, value_name = "A,…", value_delimiter = ',', value_parser = word::<Area>)]
    area: Vec<Area>,
    /// Places, such as `target:partner/**`.
    #[arg(long, value_name = "GLOB")]
    place: Vec<Glob>,
    /// Projects, by key.
    #[arg(long, value_name = "KEY")]
    project: Vec<ProjectKey>,
    /// Issues, by key or glob; their copies in other projects are covered too.
    #[arg(long, value_name = "KEY")]
    issue: Vec<Glob>,
    /// Types of record: issue, comment, attachment, message, file, …
    #[arg(long, value_name = "R,…", value_delimiter = ',', value_parser = word::<RecordType>)]
    record: Vec<RecordType>,
    /// Fields.
    #[arg(long, value_name = "GLOB")]
    field: Vec<Glob>,
    /// Files, by their path below their area's root.
    #[arg(long, value_name = "GLOB")]
    path: Vec<Glob>,
    /// No condition at all: everything.
    #[arg(long)]
    everything: bool,
}

fn word<T: Word + Send + Sync>(text: &str) -> Result<T, String> {
    T::from_word(text).ok_or_else(|| {
        let known: Vec<&str> = T::ALL.iter().map(|w| w.word()).collect();
        format!("no {}; known are: {}", T::WHAT, known.join(", "))
    })
}

pub(crate) fn run(args: Args, ctx: &Context) -> anyhow::Result<ExitCode> {
    let config = ctx.config()?;
    let store = ctx.store(&config)?;
    match args.verb {
        Verb::Add(args) => add(&store, ctx, &args),
        Verb::List { all } => list(&store, ctx, all),
        Verb::Release { id, reason, informed } => release(&store, ctx, &id, &reason, informed),
    }
}

/// The person of whom a hold is, as it is known now.
fn person(store: &Store, args: &AddArgs) -> anyhow::Result<Option<Subject>> {
    if let Some(id) = &args.case {
        let case =
            store.case(id)?.ok_or_else(|| Failure::Usage(format!("there is no case {id}; see: efface case list")))?;
        let gone = || Failure::Refused(format!("case {id} is {}: its identifiers are destroyed", case.state));
        return Ok(Some(store.case_subject(id)?.ok_or_else(gone)?));
    }
    args.subject.as_ref().map(|key| subject::registered(store, key)).transpose()
}

fn add(store: &Store, ctx: &Context, args: &AddArgs) -> anyhow::Result<ExitCode> {
    let texts = |globs: &[Glob]| globs.iter().map(ToString::to_string).collect();
    let query = HoldQuery {
        area: args.area.clone(),
        place: texts(&args.place),
        project: args.project.clone(),
        issue: texts(&args.issue),
        record: args.record.clone(),
        field: texts(&args.field),
        path: texts(&args.path),
    };
    let person = person(store, args)?;
    if query.is_everything() && person.is_none() && !args.everything {
        return Err(Failure::Usage(
            "say what is to be kept: --case ID or --subject KEY for one person's data, --issue, --project, --place, --record, \
             --field, --path; or --everything"
                .into(),
        )
        .into());
    }
    if args.everything && !(query.is_everything() && person.is_none()) {
        return Err(Failure::Usage("--everything goes with no other condition".into()).into());
    }
    let id: HoldId = format!("H-{}", ulid::Ulid::generate()).parse()?;
    let mut entries = Vec::new();
    if let Some(person) = &person {
        let like = SuppressionRow {
            hash: [0; 32],
            kind: String::new(),
            case: format!("C-{}", id.as_str().trim_start_matches("H-")).parse()?,
            scope: String::new(),
            norm: crate::norm::VERSION.to_owned(),
            words: 0,
            created: String::new(),
            until: None,
        };
        entries = Suppression::entries(store.keys(), person, &like);
        if entries.is_empty() {
            return Err(Failure::Usage(
                "the person has no confirmed identifier, so nothing could be told to be about them".into(),
            )
            .into());
        }
    }
    let basis =
        person.as_ref().map_or_else(|| args.basis.clone(), |p| work::masker(std::slice::from_ref(p))(&args.basis));
    let hold = Hold {
        id: id.clone(),
        hold_type: args.hold_type,
        query,
        case: args.case.clone(),
        subject: person.as_ref().map(|p| p.pseudonym.clone()),
        basis,
        added_by: ctx.actor(),
        added_at: ctx.now.to_rfc3339_opts(SecondsFormat::Millis, true),
        review: args.review,
        released: None,
    };
    ctx.act(|act| store.add_hold(act, &hold, &entries))?;
    for (case, steps) in touched(store, &id)? {
        ctx.say(format!("Case {case}: {steps} steps of its plan that are not done are held now."));
    }
    let what = match args.hold_type {
        HoldType::Preservation => "what it covers is not erased",
        HoldType::Restriction => "what it covers is neither erased nor synchronised",
    };
    ctx.say(format!("Held: {what}. It ends by a second person's word: efface hold release {id}"));
    ctx.out(&format!("{id}\n"))?;
    Ok(ExitCode::SUCCESS)
}

/// The cases whose plans have steps to do that a hold covers, with how many.
fn touched(store: &Store, id: &HoldId) -> anyhow::Result<Vec<(CaseId, usize)>> {
    let holds = Holds::load(store)?;
    let mut out = Vec::new();
    for case in store.cases()?.into_iter().filter(|c| !c.state.has_ended() && c.kind == CaseKind::Erasure) {
        let (Some(hash), Some(person)) = (&case.plan, store.case_subject(&case.id)?) else { continue };
        let Some(plan) = store.plan::<Plan>(&case.id, hash)? else { continue };
        let rows = store.steps(&case.id, hash)?;
        let done = |n: u32| rows.iter().any(|r| r.number == n && r.state == StepState::Done);
        let steps = plan
            .steps
            .iter()
            .filter(|s| !done(s.number) && covered(&holds, &person, s).is_some_and(|h| h.id == *id))
            .count();
        if steps > 0 {
            out.push((case.id, steps));
        }
    }
    Ok(out)
}

fn list(store: &Store, ctx: &Context, all: bool) -> anyhow::Result<ExitCode> {
    let today = ctx.now.date_naive();
    let mut holds: Vec<Hold> = store.holds()?.into_iter().map(|r| r.hold).filter(|h| all || h.is_active()).collect();
    holds.sort_by_key(|h| (h.released.is_some(), h.review.is_none(), h.review));
    // What a person wrote down may quote another one of the register.
    let mask = work::without_anybody(store)?;
    if ctx.global.format == Format::Json {
        let value: Vec<_> = holds
            .iter()
            .map(|h| {
                json!({
                    "hold": h.id, "type": h.hold_type, "query": masked(&h.query, &mask), "case": h.case,
                    "subject": h.subject, "basis": mask(&h.basis), "by": h.added_by, "at": h.added_at,
                    "review": h.review,
                    "released": h.released.as_ref().map(|r| json!({
                        "by": r.by, "at": r.at, "reason": mask(&r.reason), "informed": r.informed,
                    })),
                })
            })
            .collect();
        ctx.out(&format!("{}\n", serde_json::to_string_pretty(&value)?))?;
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<Vec<String>> = holds
        .iter()
        .map(|h| {
            let review = match (&h.released, h.review) {
                (Some(r), _) => format!("released by {} on {}", r.by, r.at.get(..10).unwrap_or(&r.at)),
                (None, Some(day)) if day <= today => format!("{day} (look at it again)"),
                (None, Some(day)) => day.to_string(),
                (None, None) => String::new(),
            };
            vec![
                h.id.to_string(),
                h.hold_type.to_string(),
                mask(&said(h)),
                mask(&h.basis),
                format!("{} {}", h.added_by, h.added_at.get(..10).unwrap_or(&h.added_at)),
                review,
            ]
        })
        .collect();
    ctx.out(&table::rows(ctx.global.format, &["hold", "type", "covers", "basis", "by", "review"], &rows)?)?;
    let late = holds.iter().filter(|h| h.is_active() && h.review.is_some_and(|d| d <= today)).count();
    if late > 0 {
        ctx.say(format!("{late} holds are to be looked at again: does their basis still stand?"));
    }
    Ok(ExitCode::SUCCESS)
}

fn masked(query: &HoldQuery, mask: &dyn Fn(&str) -> String) -> HoldQuery {
    let all = |texts: &[String]| texts.iter().map(|t| mask(t)).collect();
    HoldQuery {
        place: all(&query.place),
        issue: all(&query.issue),
        field: all(&query.field),
        path: all(&query.path),
        ..query.clone()
    }
}

/// What a hold covers, for a person to read.
fn said(hold: &Hold) -> String {
    let q = &hold.query;
    let mut parts = Vec::new();
    if let Some(case) = &hold.case {
        parts.push(format!("the person of {case}"));
    } else if let Some(subject) = &hold.subject {
        parts.push(format!("the person {subject}"));
    }
    let mut list = |what: &str, words: Vec<String>| {
        if !words.is_empty() {
            parts.push(format!("{what} {}", words.join(" | ")));
        }
    };
    list("area", q.area.iter().map(ToString::to_string).collect());
    list("place", q.place.clone());
    list("project", q.project.iter().map(ToString::to_string).collect());
    list("issue", q.issue.clone());
    list("record", q.record.iter().map(|r| r.as_str().to_owned()).collect());
    list("field", q.field.clone());
    list("path", q.path.clone());
    if parts.is_empty() { "everything".to_owned() } else { parts.join("; ") }
}

fn release(
    store: &Store,
    ctx: &Context,
    id: &HoldId,
    reason: &str,
    informed: Option<NaiveDate>,
) -> anyhow::Result<ExitCode> {
    let unknown = || Failure::Usage(format!("there is no hold {id}; see: efface hold list"));
    let hold = store.holds()?.into_iter().map(|r| r.hold).find(|h| h.id == *id).ok_or_else(unknown)?;
    if let Some(r) = &hold.released {
        return Err(Failure::Refused(format!("hold {id} was released by {} at {}", r.by, r.at)).into());
    }
    let actor = ctx.actor();
    if actor == hold.added_by {
        return Err(Failure::Refused(format!(
            "{actor} ordered the hold {id}, so another person has to release it (--actor NAME)"
        ))
        .into());
    }
    if hold.hold_type == HoldType::Restriction && informed.is_none() {
        return Err(Failure::Refused(
            "the person has to be told before a restriction is lifted (Art. 18(3)); when was that? --informed DATE"
                .into(),
        )
        .into());
    }
    if informed.is_some_and(|day| day > ctx.now.date_naive()) {
        return Err(Failure::Usage("--informed lies in the future".into()).into());
    }
    let reason = work::without_anybody(store)?(reason);
    let at = ctx.now.to_rfc3339_opts(SecondsFormat::Millis, true);
    ctx.act(|act| store.release_hold(act, id, &Release { by: actor.clone(), at, reason, informed }))?;
    for (case, records) in waiting(store, id)? {
        ctx.say(format!("Case {case}: {records} records go back to planning: efface case plan {case}"));
    }
    // The clock of no case starts again: what was due stays due.
    for (case, _) in waiting(store, id)? {
        let state = store.case(&case)?.map(|c| c.state);
        if matches!(state, Some(CaseState::Verified | CaseState::Answered | CaseState::Aftercare)) {
            let detail = json!({ "released": id });
            ctx.act(|act| store.set_case_state(act, &case, CaseState::Scanned, detail))?;
        }
    }
    ctx.say(format!("Released: {id}."));
    Ok(ExitCode::SUCCESS)
}

/// The cases in whose current plan something stands held by this hold, with how many records.
fn waiting(store: &Store, id: &HoldId) -> anyhow::Result<Vec<(CaseId, usize)>> {
    let mut out = Vec::new();
    for case in store.cases()?.into_iter().filter(|c| !c.state.has_ended()) {
        let Some(hash) = &case.plan else { continue };
        let Some(plan) = store.plan::<Plan>(&case.id, hash)? else { continue };
        let mut records: Vec<_> = plan
            .standing
            .iter()
            .filter(|s| s.outcome == Outcome::Held && s.why.contains(id.as_str()))
            .map(|s| (&s.place, &s.record))
            .collect();
        records.sort();
        records.dedup();
        let rows = store.steps(&case.id, hash)?;
        let held =
            rows.iter().filter(|r| r.state == StepState::Held && r.note.to_string().contains(id.as_str())).count();
        if records.len() + held > 0 {
            out.push((case.id, records.len() + held));
        }
    }
    Ok(out)
}
