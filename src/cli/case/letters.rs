//! What `case reply` and `case notice` share: the templates, how a letter leaves, days, and who the recipients are.

use std::{collections::BTreeMap, path::Path};

use chrono::NaiveDate;
use serde::Serialize;

use super::{Room, needles};
use crate::{
    cli::{Context, Failure, Format, work},
    config::{Config, Instance},
    erasure::{
        certificate::{self, Stays, mask_record},
        plan::Plan,
        verify::Verification,
    },
    letter::{self, Asked, Did, Notice, Templates},
    model::{CaseId, Controller, InstanceName, Outcome, Subject},
    policy::Notices,
    store::{Case, NoticeRow, StepState},
};

/// Larger than any letter; what is larger is no template.
const LARGEST: u64 = 512 * 1024;

/// The user's own templates before the shipped ones: those of `folder`, else of the folder that the configuration names.
pub(in crate::cli) fn templates(config: &Config, folder: Option<&Path>) -> anyhow::Result<Templates> {
    let origin = match folder {
        Some(_) => "--templates".to_owned(),
        None => format!("[letters] folder in {}", config.file.display()),
    };
    let Some(folder) = folder.or(config.letters.folder.as_deref()) else { return Ok(Templates::default()) };
    let wrong = |path: &Path, why: String| Failure::Usage(format!("cannot read {} ({origin}): {why}", path.display()));
    let mut own = BTreeMap::new();
    for entry in std::fs::read_dir(folder).map_err(|e| wrong(folder, e.to_string()))? {
        let path = entry.map_err(|e| wrong(folder, e.to_string()))?.path();
        let known = path.extension().is_some_and(|e| ["txt", "html", "css"].iter().any(|known| e == *known));
        let (true, Some(name)) = (known, path.file_name().and_then(|n| n.to_str())) else { continue };
        let meta = std::fs::metadata(&path).map_err(|e| wrong(&path, e.to_string()))?;
        if !meta.is_file() {
            continue;
        }
        if meta.len() > LARGEST {
            return Err(
                wrong(&path, format!("it is larger than {} kB, too large for a template", LARGEST / 1024)).into()
            );
        }
        let text = std::fs::read_to_string(&path).map_err(|e| wrong(&path, e.to_string()))?;
        own.insert(name.to_owned(), text);
    }
    Ok(Templates::new(own, folder.display().to_string()))
}

/// The template of a letter in the format that was asked for; `None` for JSON, which needs none.
fn template(base: &str, format: Format) -> anyhow::Result<Option<String>> {
    match format {
        Format::Table => Ok(Some(format!("{base}.txt"))),
        Format::Html => Ok(Some(format!("{base}.html"))),
        Format::Json => Ok(None),
        Format::Csv | Format::Markdown => {
            Err(Failure::Usage("a letter comes as table (plain text), html or json".into()).into())
        }
    }
}

/// Prints a shipped template, to start one's own from.
pub(super) fn print_template(ctx: &Context, base: &str) -> anyhow::Result<()> {
    let name = template(base, ctx.global.format)?
        .ok_or_else(|| Failure::Usage("JSON needs no template; use --format table or html".into()))?;
    ctx.out(Templates::shipped(&name).unwrap_or_default())?;
    ctx.say(format!(
        "Save it as {name} in the folder that [letters] folder of the configuration names, and edit it there."
    ));
    Ok(())
}

/// Prints a letter. `bare` is the same letter without what a person put into it on the command line: that one must not name
/// the subject (law 6).
pub(super) fn print_letter<T: Serialize>(
    room: &Room,
    ctx: &Context,
    id: &CaseId,
    (base, folder): (&str, Option<&Path>),
    (facts, bare): (&T, &T),
) -> anyhow::Result<()> {
    let template = template(base, ctx.global.format)?;
    let own = templates(&room.config, folder)?;
    let render = |facts: &T| -> anyhow::Result<String> {
        Ok(match &template {
            Some(name) => own.render(name, facts).map_err(|e| Failure::Usage(e.to_string()))?,
            None => format!("{}\n", serde_json::to_string_pretty(facts)?),
        })
    };
    if let Some(subject) = room.store.case_subject(id)?
        && !needles(&subject).hits(render(bare)?.as_bytes()).is_empty()
    {
        return Err(Failure::Refused(
            "the letter would name the person, so it was not written; look at [letters] in the configuration, at your own \
             templates, and at the reasons in the policy. A name belongs into --salutation alone"
                .into(),
        )
        .into());
    }
    if room.config.letters.controller.is_none() {
        ctx.say(format!(
            "The letter does not say who writes it: set `controller` (and `contact`, `authority`) under [letters] in {}.",
            room.config.file.display()
        ));
    }
    ctx.out(&render(facts)?)
}

/// Refuses a day on which nothing can have happened yet, or before the request.
pub(super) fn a_day_that_was(
    ctx: &Context,
    option: &str,
    day: NaiveDate,
    since: (NaiveDate, &str),
) -> anyhow::Result<()> {
    if day > ctx.now.date_naive() {
        return Err(Failure::Usage(format!("{option} {day} lies in the future")).into());
    }
    if day < since.0 {
        return Err(Failure::Usage(format!("{option} {day} lies before {} ({})", since.1, since.0)).into());
    }
    Ok(())
}

/// Where a notice stands; what somebody has to do something about comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum NoticeState {
    /// Told, and not acknowledged in time.
    Overdue,
    /// Not told yet.
    ToSend,
    /// Told, but there is more to tell by now.
    ToSendAgain,
    /// Told; an acknowledgement is awaited.
    Sent,
    /// Acknowledged.
    Acknowledged,
}

impl NoticeState {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::ToSend => "to send",
            Self::ToSendAgain => "to send again",
            Self::Sent => "sent",
            Self::Overdue => "overdue",
            Self::Acknowledged => "acknowledged",
        }
    }

    /// Whether the recipient has still to be told.
    pub(super) const fn untold(self) -> bool {
        matches!(self, Self::ToSend | Self::ToSendAgain)
    }

    fn of(row: Option<&NoticeRow>, content: Option<&str>, rules: Notices, today: NaiveDate) -> Self {
        let Some((row, sent)) = row.and_then(|r| Some((r, r.sent?))) else { return Self::ToSend };
        // Without the plan nobody can say whether there is more to tell.
        if let (Some(told), Some(now)) = (&row.content, content)
            && told != now
        {
            return Self::ToSendAgain;
        }
        match (row.acknowledged, rules.acknowledge_within.after_day(sent)) {
            (Some(_), _) => Self::Acknowledged,
            (None, Some(due)) if today > due => Self::Overdue,
            (None, _) => Self::Sent,
        }
    }
}

/// A recipient of a case (Art. 19): an instance of another controller that holds, or held, something of the person.
pub(super) struct Recipient {
    pub(super) name: InstanceName,
    /// From the configuration; `None` where it names the instance no more.
    pub(super) controller: Option<Controller>,
    pub(super) contact: Option<String>,
    /// What it is told; `None` once the plan is destroyed.
    pub(super) notice: Option<Notice>,
    pub(super) row: Option<NoticeRow>,
    pub(super) state: NoticeState,
}

/// Everything that was planned and done, with what stays of it.
struct Work {
    /// Plans of which something was begun, and the current one, with which of their steps are done and how.
    plans: Vec<(Plan, BTreeMap<u32, Option<Outcome>>)>,
    stays: Vec<Stays>,
}

fn work_of(room: &Room, case: &Case) -> anyhow::Result<Option<Work>> {
    let Some(hash) = &case.plan else { return Ok(None) };
    let Some(current) = room.store.plan::<Plan>(&case.id, hash)? else { return Ok(None) };
    let mut hashes: Vec<String> = room.store.begun_plans(&case.id)?.into_iter().filter(|h| h != hash).collect();
    hashes.push(hash.clone());
    let mut plans = Vec::new();
    for hash in hashes {
        let Some(plan) = room.store.plan::<Plan>(&case.id, &hash)? else { continue };
        let rows = room.store.steps(&case.id, &hash)?;
        let done = rows.into_iter().filter(|r| r.state == StepState::Done).map(|r| (r.number, r.outcome)).collect();
        plans.push((plan, done));
    }
    let verification: Option<Verification> = room.store.case_note(&case.id, "verification")?;
    let stays = match verification.filter(|v| v.plan == *hash) {
        Some(v) => certificate::stays(room.store.keys(), &current, &v),
        None => current
            .standing
            .iter()
            .map(|s| Stays {
                place: s.place.clone(),
                record: mask_record(room.store.keys(), &s.record),
                field: s.field.clone(),
                outcome: s.outcome,
                why: s.why.clone(),
                who: s.who.clone(),
            })
            .collect(),
    };
    Ok(Some(Work { plans, stays }))
}

/// What one recipient is told: its own records, and nothing of any other.
fn notice(
    room: &Room,
    ctx: &Context,
    case: &Case,
    instance: &Instance,
    work: &Work,
    subject: &Subject,
    rules: Notices,
) -> Notice {
    let mask = work::masker(std::slice::from_ref(subject));
    let letters = &room.config.letters;
    let mut notice = Notice {
        schema: letter::NOTICE_SCHEMA.to_owned(),
        case: case.id.to_string(),
        request: case.kind.to_string(),
        date: ctx.now.date_naive(),
        controller: letters.controller.clone(),
        contact: letters.contact.clone(),
        recipient: letter::Recipient {
            name: instance.name.to_string(),
            controller: word(instance.controller).to_owned(),
            contact: instance.contact.clone(),
        },
        done: Vec::new(),
        asked: Vec::new(),
        acknowledge_within: rules.acknowledge_within.to_string(),
    };
    let last = work.plans.len().saturating_sub(1);
    for (i, (plan, done)) in work.plans.iter().enumerate() {
        for step in plan.steps.iter().filter(|s| letter::lies_in(&s.place, &instance.name)) {
            let mut fields: Vec<String> =
                step.edits.iter().filter(|e| !e.field.is_empty()).map(|e| mask(&e.field)).collect();
            fields.sort();
            fields.dedup();
            let place = step.place.to_string();
            let record = letter::record(&mask_record(room.store.keys(), &step.record));
            match done.get(&step.number) {
                Some(outcome) => {
                    let outcome = letter::outcome(outcome.unwrap_or(Outcome::Redacted)).to_owned();
                    notice.done.push(Did { place, record, fields, outcome });
                }
                // What an earlier plan did not do is in the current one, or gone.
                None if i == last => {
                    notice.asked.push(Asked { place, record, fields, why: "we have not been able to do it".into() });
                }
                None => {}
            }
        }
    }
    // What is kept on a basis, or is another person's, is none of what was erased.
    for s in work.stays.iter().filter(|s| s.outcome == Outcome::Residual && letter::lies_in(&s.place, &instance.name)) {
        notice.asked.push(Asked {
            place: s.place.to_string(),
            record: letter::record(&s.record),
            fields: Some(mask(&s.field)).filter(|f| !f.is_empty()).into_iter().collect(),
            why: mask(&s.why),
        });
    }
    notice.sort();
    notice
}

/// The recipients of a case. After closing, those that were recorded before its plan was destroyed.
pub(super) fn recipients(room: &Room, ctx: &Context, case: &Case, rules: Notices) -> anyhow::Result<Vec<Recipient>> {
    let rows = room.store.notices(&case.id)?;
    let today = ctx.now.date_naive();
    let mut out: Vec<Recipient> = Vec::new();
    if let (Some(work), Some(subject)) = (work_of(room, case)?, room.store.case_subject(&case.id)?) {
        for instance in room.config.instances.values().filter(|i| i.controller != Controller::Us) {
            let notice = notice(room, ctx, case, instance, &work, &subject, rules);
            let row = rows.iter().find(|r| r.instance == instance.name).cloned();
            if notice.done.is_empty() && notice.asked.is_empty() && row.is_none() {
                continue;
            }
            let state = NoticeState::of(row.as_ref(), Some(&notice.content()), rules, today);
            out.push(Recipient {
                name: instance.name.clone(),
                controller: Some(instance.controller),
                contact: instance.contact.clone(),
                notice: Some(notice),
                row,
                state,
            });
        }
    }
    for row in rows {
        if out.iter().any(|r| r.name == row.instance) {
            continue;
        }
        let instance = room.config.instances.get(&row.instance);
        out.push(Recipient {
            name: row.instance.clone(),
            controller: instance.map(|i| i.controller),
            contact: instance.and_then(|i| i.contact.clone()),
            notice: None,
            state: NoticeState::of(Some(&row), None, rules, today),
            row: Some(row),
        });
    }
    Ok(out)
}

/// The spelling of the configuration.
pub(super) const fn word(controller: Controller) -> &'static str {
    match controller {
        Controller::Us => "us",
        Controller::Joint => "joint",
        Controller::Processor => "processor",
        Controller::Partner => "partner",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Period;

    #[test]
    fn where_a_notice_stands() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let rules = Notices { required: false, acknowledge_within: Period::Days(14) };
        let row = |sent: Option<&str>, acknowledged: Option<&str>| NoticeRow {
            instance: "partner".parse().unwrap(),
            content: Some("h".into()),
            sent: sent.map(day),
            acknowledged: acknowledged.map(day),
        };
        let sent = row(Some("2026-11-01"), None);
        let acknowledged = row(Some("2026-11-01"), Some("2026-11-20"));
        for (row, content, today, state) in [
            (None, Some("h"), "2026-11-01", NoticeState::ToSend),
            (Some(&row(None, None)), None, "2026-11-01", NoticeState::ToSend),
            (Some(&sent), Some("h"), "2026-11-15", NoticeState::Sent),
            (Some(&sent), Some("h"), "2026-11-16", NoticeState::Overdue),
            (Some(&acknowledged), Some("h"), "2026-12-30", NoticeState::Acknowledged),
            // More was found since: what was told, and even acknowledged, is not all.
            (Some(&sent), Some("other"), "2026-11-02", NoticeState::ToSendAgain),
            (Some(&acknowledged), Some("other"), "2026-12-30", NoticeState::ToSendAgain),
            // The plan is destroyed: nobody can say whether there is more.
            (Some(&sent), None, "2026-11-02", NoticeState::Sent),
        ] {
            assert_eq!(NoticeState::of(row, content, rules, day(today)), state, "{row:?} {content:?} {today}");
        }
    }
}
