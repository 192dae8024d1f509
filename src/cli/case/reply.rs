//! `case reply`: the letter to the person who asked (Art. 12).

use std::{path::PathBuf, process::ExitCode};

use chrono::NaiveDate;
use regex::Regex;
use serde_json::{Value, json};

use super::{
    Room,
    decide::OTHERS,
    letters::{a_day_that_was, print_letter, print_template, recipients},
};
use crate::{
    cli::{Context, Failure, load_policy, work},
    config::Config,
    erasure::{
        certificate::{self, Stays},
        execute,
        verify::Verification,
    },
    holds::Holds,
    letter::{self, Done, Kind, Reply, Told},
    model::{CaseId, CaseKind, CaseState, HoldType, Outcome, RecordRef, RecordType},
    store::{Case, Change},
};

/// Write the letter to the person who asked: what was done, what stays and why, or why nothing was done.
///
/// Which letter it is follows from where the case stands: erased in full or in part once it is verified, refused, withdrawn.
/// It names no record and, but for --salutation, nobody. Text by default, --format html for a page that prints well,
/// --format json for the facts (`efface.reply/1`). Nothing is sent: send it yourself, then record it with --sent.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The case.
    #[arg(required_unless_present = "template")]
    id: Option<CaseId>,
    /// Tell that it takes longer, and why (Art. 12(3)); inside the first month.
    #[arg(long)]
    extension: bool,
    /// Ask for proof of identity (Art. 12(6)).
    #[arg(long, conflicts_with = "extension")]
    identity: bool,
    /// Why it takes longer, or what proof is asked for.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// The line with which the letter begins, such as "Dear Ms Example,". It is stored nowhere.
    #[arg(long, value_name = "LINE")]
    salutation: Option<String>,
    /// Templates from this folder instead of the configured one, such as those of another language.
    #[arg(long, value_name = "FOLDER")]
    templates: Option<PathBuf>,
    /// Record that the letter was sent on this day, instead of writing it.
    #[arg(long, value_name = "DATE", conflicts_with_all = ["salutation", "template"])]
    sent: Option<NaiveDate>,
    /// Print the shipped template, to start one of your own from ([letters] folder in the configuration).
    #[arg(long, conflicts_with_all = ["id", "extension", "identity", "reason", "salutation"])]
    template: bool,
}

pub(super) fn run(args: Args, room: &Room, ctx: &Context) -> anyhow::Result<ExitCode> {
    let Some(id) = &args.id else {
        print_template(ctx, "reply")?;
        return Ok(ExitCode::SUCCESS);
    };
    let case = room.case(id)?;
    if args.reason.is_some() && !args.extension && !args.identity {
        return Err(Failure::Usage(
            "--reason belongs to --extension or --identity; why a request is refused is said with: efface case reject"
                .into(),
        )
        .into());
    }
    if args.salutation.as_ref().is_some_and(|s| s.trim().is_empty() || s.chars().any(char::is_control)) {
        return Err(Failure::Usage("--salutation is one line of text".into()).into());
    }
    if let Some(sent) = args.sent {
        a_day_that_was(ctx, "--sent", sent, (case.received, "the request"))?;
        let letter = match (args.extension, args.identity) {
            (true, _) => Sent { word: Kind::Extension.as_str(), answers: false },
            (_, true) => Sent { word: Kind::Identity.as_str(), answers: false },
            // What the letter told is no longer known once the plan is destroyed: then it is just the answer.
            _ if case.state.has_ended() && erasure_ended(&case) => Sent { word: "answer", answers: true },
            _ => {
                let letter = facts(room, ctx, &case, &args)?.letter;
                Sent { word: letter.as_str(), answers: letter.answers() }
            }
        };
        mark_answered(room, ctx, &case, &letter, sent)?;
        return Ok(ExitCode::SUCCESS);
    }
    let bare = facts(room, ctx, &case, &args)?;
    let facts = Reply { salutation: args.salutation.clone(), ..bare.clone() };
    print_letter(room, ctx, id, ("reply", args.templates.as_deref()), (&facts, &bare))?;
    let flag = match bare.letter {
        Kind::Extension => " --extension",
        Kind::Identity => " --identity",
        _ => "",
    };
    ctx.say(format!("When it is sent, record it: efface case reply {id}{flag} --sent {}", ctx.now.date_naive()));
    Ok(ExitCode::SUCCESS)
}

/// A letter that went out.
struct Sent {
    /// Which one.
    word: &'static str,
    /// Whether it answers the request, as an extension does not.
    answers: bool,
}

/// Records that a letter was sent. One that answers the request moves the case on, where it still goes anywhere.
fn mark_answered(room: &Room, ctx: &Context, case: &Case, letter: &Sent, sent: NaiveDate) -> anyhow::Result<()> {
    let detail = json!({ "letter": letter.word, "answers": letter.answers, "sent": sent });
    let mut record = case.record.clone();
    if letter.answers {
        record.answered = Some(sent);
    }
    let state = (letter.answers && case.state.may(CaseState::Answered)).then_some(CaseState::Answered);
    let change = Change { event: "replied", record: &record, due: case.due, state, detail };
    ctx.act(|act| room.store.change_case(act, &case.id, change))?;
    ctx.say(format!("Recorded: the letter ({}) of case {} was sent on {sent}.", letter.word, case.id));
    if letter.answers && sent > case.due {
        ctx.say(format!("It was due on {}.", case.due));
    }
    Ok(())
}

/// Whether the case ended with an erasure, and not because it was refused or withdrawn.
fn erasure_ended(case: &Case) -> bool {
    !matches!(case.state, CaseState::Rejected | CaseState::Withdrawn)
}

/// The facts of the letter that is due now, without a salutation.
fn facts(room: &Room, ctx: &Context, case: &Case, args: &Args) -> anyhow::Result<Reply> {
    let today = ctx.now.date_naive();
    let letters = &room.config.letters;
    let from = (letters.controller.clone(), letters.contact.clone(), letters.authority.clone());
    let new = |kind: Kind| Reply::new(kind, case, today, from.clone());
    if args.extension || args.identity {
        // A suspended case is just the one that asks for proof.
        room.unended(&case.id)?;
        let mask = work::masker(&[room.subject(&case.id)?]);
        let given = args.reason.as_deref().map(mask);
        if args.identity {
            return Ok(Reply { reason: given, ..new(Kind::Identity) });
        }
        return extension(room, ctx, case, given, new(Kind::Extension));
    }
    match (case.state, case.kind) {
        (CaseState::Rejected, _) => Ok(Reply { reason: case.record.end_reason.clone(), ..new(Kind::Refused) }),
        (CaseState::Withdrawn, _) => Ok(new(Kind::Withdrawn)),
        (CaseState::Suspended, _) => Err(not_ready(case).into()),
        (_, CaseKind::Restriction) => restricted(room, case, new(Kind::Restricted)),
        (CaseState::Scanned | CaseState::Answered, CaseKind::Access) => {
            if last_scan_is_complete(room, case)? == Some(false) {
                ctx.say(format!("The last search was not complete; search again first: efface case scan {}", case.id));
            }
            Ok(new(Kind::Access))
        }
        (_, CaseKind::Access) => Err(Failure::Refused(format!(
            "case {0} is {1}: there is nothing to hand out yet; efface case scan {0}",
            case.id, case.state
        ))
        .into()),
        _ => {
            let mut reply = told(room, ctx, case, new(Kind::Erased))?;
            if !reply.is_full() {
                reply.letter = Kind::Partly;
            }
            Ok(reply)
        }
    }
}

/// A restriction is answered when it is in force.
fn restricted(room: &Room, case: &Case, reply: Reply) -> anyhow::Result<Reply> {
    let holds = Holds::load(&room.store)?;
    if holds.iter().any(|h| h.hold_type == HoldType::Restriction && h.case.as_ref() == Some(&case.id)) {
        return Ok(reply);
    }
    Err(Failure::Refused(format!(
        "nothing is restricted for case {0} yet: efface hold add --type restriction --case {0} --basis TEXT",
        case.id
    ))
    .into())
}

fn not_ready(case: &Case) -> Failure {
    Failure::Refused(format!(
        "case {} is {}: there is nothing to answer yet; verify it first, or ask (--identity) or tell of an extension \
         (--extension)",
        case.id, case.state
    ))
}

/// Whether all was read by the last search of a case, where there was one.
fn last_scan_is_complete(room: &Room, case: &Case) -> anyhow::Result<Option<bool>> {
    let events = room.store.audit_events()?;
    let last = events.iter().rfind(|e| e.case.as_deref() == Some(case.id.as_str()) && e.kind == "case.scanned");
    Ok(last.and_then(|e| e.detail.as_ref()?.get("complete")).and_then(Value::as_bool))
}

fn extension(room: &Room, ctx: &Context, case: &Case, given: Option<String>, reply: Reply) -> anyhow::Result<Reply> {
    let today = ctx.now.date_naive();
    let clock = match &case.record.clock {
        Some(clock) => clock.clone(),
        None => load_policy(&room.config.policy)?.clock().clone(),
    };
    let deadline = |extended| clock.deadline(case.received, extended, &case.record.pauses, today);
    let reason = given.or(case.record.extension_reason.clone()).ok_or_else(|| {
        Failure::Usage("an extension has to be told with its reason (Art. 12(3)): --extension --reason TEXT".into())
    })?;
    let beyond = || Failure::Usage("the clock knows no extension, or it ends beyond the calendar".into());
    let until = deadline(true).filter(|_| clock.extension.is_some()).ok_or_else(beyond)?;
    if let Some(first) = deadline(false).filter(|first| today > *first) {
        ctx.say(format!(
            "The first period ended on {first}: an extension has to be told inside it (Art. 12(3)); this letter comes too late."
        ));
    }
    Ok(Reply { reason: Some(reason), extended_until: Some(until), ..reply })
}

/// Fills in what was done, what stays and who was told; only a verified case has that.
fn told(room: &Room, ctx: &Context, case: &Case, mut reply: Reply) -> anyhow::Result<Reply> {
    let id = &case.id;
    if case.state == CaseState::Closed {
        return Err(Failure::Refused(format!(
            "case {id} is closed: what its letter would tell was destroyed with the case's key. A letter that was sent can \
             still be recorded: efface case reply {id} --sent DATE"
        ))
        .into());
    }
    if !matches!(case.state, CaseState::Verified | CaseState::Answered | CaseState::Aftercare) {
        return Err(not_ready(case).into());
    }
    let (plan, hash) = room.plan(case)?;
    let verification: Option<Verification> = room.store.case_note(id, "verification")?;
    let Some(verification) = verification.filter(|v| v.plan == hash) else { return Err(not_ready(case).into()) };
    let open = plan.open_reviews().count();
    if open > 0 {
        return Err(Failure::Refused(format!(
            "{open} findings are still to be decided; decide them first: efface case review {id}"
        ))
        .into());
    }
    let mut done: Vec<Done> = Vec::new();
    for (place, outcome, count) in execute::outcomes(&room.store, id, &plan, &hash)? {
        if !matches!(outcome, Outcome::Erased | Outcome::Redacted) {
            continue;
        }
        let place = place.parse().map_err(|e: String| anyhow::anyhow!(e))?;
        let any = RecordRef { record_type: RecordType::Issue, id: None, key: None, path: None };
        let word = letter::place(&place, &any);
        match done.iter_mut().find(|d| d.place == word) {
            Some(d) => d.count += count,
            None => done.push(Done { place: word.to_owned(), count }),
        }
    }
    let mask = work::masker(&[room.subject(id)?]);
    let stays = certificate::stays(room.store.keys(), &plan, &verification);
    let stays = for_the_person(stays, &room.config, mask)?;
    reply.tell(done, &stays, &verification.coverage);
    reply.verified_at = Some(verification.at.clone());
    let rules = super::notice::pinned(room, case)?;
    for r in recipients(room, ctx, case, rules)? {
        reply.recipients.push(Told {
            name: r.name.to_string(),
            role: r.controller.map_or("another company", letter::role).to_owned(),
            sent: r.row.as_ref().and_then(|row| row.sent),
            acknowledged: r.row.as_ref().and_then(|row| row.acknowledged),
        });
    }
    Ok(reply)
}

/// What the person is told of what stays: nothing of what was found to be another person's, and no record by its key, since
/// a reason that somebody typed may name either.
fn for_the_person(stays: Vec<Stays>, config: &Config, mask: impl Fn(&str) -> String) -> anyhow::Result<Vec<Stays>> {
    let mut projects: Vec<&str> =
        config.syncs.values().flat_map(|s| [s.source.project.as_str(), s.target.project.as_str()]).collect();
    // The longer of two that begin alike first.
    projects.sort_by_key(|p| std::cmp::Reverse(p.len()));
    let keys = Regex::new(&format!(r"\b(?:{})-[0-9]+\b", projects.join("|")))?;
    let plain = |text: &str| match projects.is_empty() {
        true => mask(text),
        false => keys.replace_all(&mask(text), "…").into_owned(),
    };
    Ok(stays
        .into_iter()
        .filter(|s| !s.why.starts_with(OTHERS))
        .map(|s| Stays { why: plain(&s.why), who: s.who.as_deref().map(&plain), ..s })
        .collect())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_person_learns_of_no_record_and_of_no_other_person() {
        let config = "[home]\npath = \"h\"\n[instance.a]\nurl = \"https://a.example\"\nflavor = \"cloud\"\nauth = { token_env = \"T\" }\n\
                      [sync.s]\nsource = { instance = \"a\", project = \"HQ\" }\ntarget = { instance = \"a\", project = \"HQ_2\" }\n";
        let config = Config::parse(config, Path::new("efface.toml")).unwrap();
        let stay = |why: &str| Stays {
            place: "source:a/HQ".parse().unwrap(),
            record: RecordRef::of_issue(RecordType::Issue, "1", "HQ-1"),
            field: "summary".into(),
            outcome: Outcome::Kept,
            why: why.into(),
            who: None,
        };
        let stays = vec![stay("kept: court file, see HQ-12 and HQ_2-3"), stay("another person's: it is Zo, see HQ-4")];
        let told = for_the_person(stays, &config, |text: &str| text.replace("court", "…")).unwrap();
        let why: Vec<&str> = told.iter().map(|s| s.why.as_str()).collect();
        assert_eq!(why, ["kept: … file, see … and …"]);
    }
}
