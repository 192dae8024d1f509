//! What is known, from the store, the configuration and the files beside them. Reads; asks no network; changes nothing.

use std::{collections::BTreeSet, time::Duration};

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{Open, OpenState, Sight, Sweeps};
use crate::{
    config::Config,
    erasure::drift,
    fs::{Lock, LockError},
    policy::Policy,
    store::{Store, StoreError},
};

/// What the watch's heartbeat says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beat {
    /// The planned time of the last run that it served.
    pub last: DateTime<Utc>,
    /// The exit code of that run.
    pub outcome: Option<u8>,
}

/// What is known at `now`; `policy` is none where it cannot be read.
///
/// # Errors
/// What the store says.
pub fn gather(
    config: &Config,
    store: &Store,
    policy: Option<&Policy>,
    beat: Option<Beat>,
    now: DateTime<Utc>,
) -> Result<Sight, StoreError> {
    let today = now.date_naive();
    let residuals = store.certified_outcomes()?.into_iter();
    let restored = match store.generations() {
        Ok(here) => (!here.agree()).then(|| format!("the suppression list is at {here}")),
        // Its words name the file, and a path may name somebody.
        Err(StoreError::Journal { .. }) => Some("the suppression journal cannot be read".to_owned()),
        Err(e) => return Err(e),
    };
    // Custom fields are left out: only a server knows them, and `case drift` asks it.
    let drifted = drift::drift(&store.case_scopes(now)?, &drift::things(config, &BTreeSet::new()));
    Ok(Sight {
        cases: store.cases()?.into_iter().map(|c| c.on(today)).collect(),
        residuals: residuals.map(|(case, counts)| (case, counts.get("residual").copied().unwrap_or(0))).collect(),
        sweeps: sweeps(config, store, policy, beat)?,
        restored,
        drifted,
    })
}

fn sweeps(config: &Config, store: &Store, policy: Option<&Policy>, beat: Option<Beat>) -> Result<Sweeps, StoreError> {
    // Let go at once: a sweep that begins right now waits for it.
    let busy = matches!(Lock::acquire(&config.state.join("sweep.lock"), Duration::ZERO), Err(LockError::Held(_)));
    let open = match store.open_sweep_run()? {
        Some(run) if !busy => {
            let steps = store.sweep_steps::<Value>(&run.id)?;
            let begun = steps.iter().any(|(_, row)| row.is_some());
            let state = match (begun, &run.approved_by, policy) {
                (true, _, _) => OpenState::CutOff,
                (_, Some(_), _) => OpenState::NextSweep,
                (_, None, Some(policy)) if policy.sweep().four_eyes && !steps.is_empty() => OpenState::Approval,
                (_, None, Some(_)) => OpenState::CutOff,
                // Whether an approval is wanted the policy would say.
                (_, None, None) => OpenState::NextSweep,
            };
            Some(Open { run, records: steps.len(), state })
        }
        _ => None,
    };
    Ok(Sweeps {
        last: store.sweep_runs()?.into_iter().rfind(|run| run.ended.is_some()),
        open,
        busy,
        outcome: beat.and_then(|b| b.outcome),
        served: beat.map(|b| b.last),
        schedule: config.schedule.clone(),
        without_policy: policy.is_none(),
    })
}
