//! Whether a hold, or a missing mandate, keeps a record from going: asked of where it is, and of all that it says.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Room, look::instance};
use crate::{
    config::Config,
    erasure::{
        executor::{Current, ExecError, Executors},
        plan::{Operation, Step},
    },
    holds::{Holds, Spot, names_file, names_json},
    jira::Client,
    model::{Area, Hold, InstanceName, Mandate, RecordType},
    retention::Dated,
    staging::{Message, Staging},
    suppression::Guard,
};

/// Whether the mandate at a record's instance lets us erase by ourselves.
pub(super) fn may_delete(config: &Config, record: &Dated) -> bool {
    instance(&record.place).is_none_or(|name| config.instance(&name).is_some_and(|i| i.mandate == Mandate::Yes))
}

/// The hold that keeps a record, where one does. `names` is asked of a hold about one person.
pub(super) fn keeping(
    config: &Config,
    holds: &Holds,
    record: &Dated,
    names: &dyn Fn(&Guard) -> bool,
) -> Option<String> {
    if holds.is_empty() {
        return None;
    }
    let spot = Spot {
        place: &record.place,
        project: record.project.as_ref(),
        record: &record.record,
        fields: &[],
        whole: true,
    };
    // A file belongs to no instance: any may know the person by its own name.
    let instances: Vec<InstanceName> = match instance(&record.place) {
        Some(name) => vec![name],
        None => config.instances.keys().cloned().collect(),
    };
    let none = "-".parse::<InstanceName>().ok();
    let by_query = || instances.iter().chain(none.iter()).find_map(|name| holds.keeps(None, name, &spot, names));
    let hold = of_case(holds, record).or_else(by_query)?;
    Some(format!("held by {} ({})", hold.id, hold.hold_type.as_str()))
}

/// The hold that was ordered with a case, where the record is what is left of it.
fn of_case<'h>(holds: &'h Holds, record: &Dated) -> Option<&'h Hold> {
    let id = record.record.id.as_deref().filter(|_| record.place.area() == Area::State)?;
    holds.iter().find(|h| h.case.as_ref().is_some_and(|case| case.as_str() == id))
}

/// The hold that keeps what a step would delete, asked of all that it holds; where that cannot be read, a hold about a person that
/// may be in it keeps it. What is gone already is kept by nothing.
pub(super) async fn kept(
    room: &Room<'_>,
    holds: &Holds,
    executors: &Executors<'_>,
    clients: &BTreeMap<InstanceName, Client>,
    step: &Step,
) -> Option<String> {
    if holds.is_empty() {
        return None;
    }
    let record = Dated { project: step.project.clone(), ..Dated::of(step.place.clone(), step.record.clone()) };
    // What our own store has left of a case names nobody.
    if step.place.area() == Area::State {
        return keeping(room.config, holds, &record, &|_| false);
    }
    // Of what is written anew everything goes.
    let whole = Step { operation: Operation::Delete, edits: Vec::new(), ..step.clone() };
    let parts = contents(room, executors, clients, &whole).await;
    if matches!(&parts, Ok(parts) if parts.is_empty()) {
        return None;
    }
    keeping(room.config, holds, &record, &|guard| match &parts {
        Err(_) => true,
        Ok(parts) => parts.iter().any(|(name, current)| match current {
            Current::Json(value) => names_json(guard, value),
            Current::Bytes(bytes) => names_file(guard, name, bytes),
            Current::Attachment { meta, bytes } => names_json(guard, meta) || names_file(guard, name, bytes),
        }),
    })
}

/// All that goes with a record.
async fn contents(
    room: &Room<'_>,
    executors: &Executors<'_>,
    clients: &BTreeMap<InstanceName, Client>,
    step: &Step,
) -> Result<Vec<(String, Current)>, ExecError> {
    let name = step.record.path.clone().unwrap_or_else(|| "message.json".to_owned());
    let Some(current) = executors.of(step)?.load(step).await? else { return Ok(Vec::new()) };
    let mut parts = Vec::new();
    match (&current, step.record.record_type) {
        (Current::Bytes(bytes), RecordType::Message) => {
            let message = Message::parse(bytes)?;
            if let (Some(home), Ok(sync)) =
                (&room.config.home, step.place.spot().split('/').next().unwrap_or_default().parse())
            {
                let staging = Staging::open(&home.staging, &sync, room.store)?;
                for attachment in message.attachments {
                    let name = attachment.meta.get("filename").and_then(Value::as_str).unwrap_or("attachment");
                    if let Some(blob) = attachment.blob {
                        parts.push((name.to_owned(), Current::Bytes(staging.read_blob(blob)?)));
                    }
                }
            }
        }
        (Current::Json(value), RecordType::Attachment | RecordType::Issue) => {
            let client = step.instance.as_ref().and_then(|name| clients.get(name));
            let client = client.ok_or_else(|| ExecError::NoExecutor(step.place.to_string()))?;
            let all = match step.record.record_type {
                RecordType::Attachment => vec![value.clone()],
                _ => value.pointer("/fields/attachment").and_then(Value::as_array).cloned().unwrap_or_default(),
            };
            for meta in all {
                let name = meta.get("filename").and_then(Value::as_str).unwrap_or("attachment").to_owned();
                let bytes = client.download(&meta).await?.read_limited(64 << 20).await?;
                parts.push((name, Current::Attachment { meta, bytes }));
            }
            if step.record.record_type == RecordType::Issue {
                let key = step.record.id.as_deref().unwrap_or_default();
                parts.extend(client.comments(key).await?.into_iter().map(|c| ("comment".to_owned(), Current::Json(c))));
            }
        }
        _ => {}
    }
    parts.push((name, current));
    Ok(parts)
}
