//! `case drift`: what the configuration has today and the cases did not cover.

use std::{collections::BTreeSet, process::ExitCode};

use super::Room;
use crate::{
    cli::{Context, table, work},
    config::Config,
    erasure::drift::{self, Drifted},
    model::{CaseId, CaseScope, Coverage, CoverageStatus, Thing},
};

/// What lies outside, and what could not be asked.
pub(crate) async fn look(
    config: &Config,
    scopes: &[CaseScope],
    clients: &work::Clients,
) -> (Vec<Drifted>, Vec<String>) {
    if scopes.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let mut now = drift::things(config, &BTreeSet::new());
    let (fields, unread) = drift::custom_fields(config, clients).await;
    now.extend(fields);
    (drift::drift(scopes, &now), unread)
}

/// What a plan covers: what is configured and was read, and the custom fields that there are.
pub(super) async fn covered(config: &Config, clients: &work::Clients, coverage: &[Coverage]) -> Vec<Thing> {
    let unread: BTreeSet<_> =
        coverage.iter().filter(|c| c.status == CoverageStatus::Unexamined).map(|c| c.place.clone()).collect();
    let mut things = drift::things(config, &unread);
    things.extend(drift::custom_fields(config, clients).await.0);
    drift::remembered(&things)
}

pub(super) async fn drift(room: &Room, ctx: &Context, id: Option<&CaseId>) -> anyhow::Result<ExitCode> {
    if let Some(id) = id {
        room.case(id)?;
    }
    let mut scopes = room.store.case_scopes(ctx.now)?;
    if let Some(id) = id {
        // What another case of the same person covered counts too.
        let subject = scopes.iter().find(|s| s.case == *id).map(|s| s.subject.clone());
        scopes.retain(|s| Some(&s.subject) == subject.as_ref());
    }
    if scopes.is_empty() {
        ctx.say("There is nothing to compare with: a case remembers what it covers from its plan on, as long as its entries hold.");
    }
    let clients = work::clients(room.config.instances.values(), false);
    let (drifted, unread) = look(&room.config, &scopes, &clients).await;
    let rows: Vec<Vec<String>> = drifted
        .iter()
        .map(|d| {
            let cases: Vec<&str> = d.cases.iter().map(CaseId::as_str).collect();
            vec![
                d.thing.kind.as_str().to_owned(),
                d.thing.name.clone(),
                cases.join(" "),
                drift::advice(d.thing.kind).to_owned(),
            ]
        })
        .collect();
    ctx.out(&table::rows(ctx.global.format, &["what", "name", "outside of", "what to do"], &rows)?)?;
    for why in &unread {
        ctx.say(why);
    }
    ctx.say(format!("{} things lie outside what {} cases covered.", drifted.len(), scopes.len()));
    Ok(ExitCode::from(if drifted.is_empty() && unread.is_empty() { 0 } else { 3 }))
}
