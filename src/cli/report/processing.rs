//! `efface report processing`: the record of processing activities, from configuration, policy and store.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::Value;

use crate::{
    config::{Config, Sync, UserMode},
    model::{Area, Controller},
    policy::Policy,
    report::{
        PolicyRef,
        case::AuditHead,
        processing::{
            self, Activity, ClassLine, End, FieldLine, Gap, Measure, Own, Party, Processing, Provenance, Transfer,
        },
    },
    store::Store,
};

/// Draws the record up. `mask` hides in free texts of the configuration whoever is or was looked for.
pub(super) fn report(
    config: &Config,
    policy: &Policy,
    store: &Store,
    now: DateTime<Utc>,
    mask: &dyn Fn(&str) -> String,
) -> anyhow::Result<Processing> {
    let activities: Vec<Activity> =
        config.syncs.values().map(|s| activity(config, store, s, mask)).collect::<anyhow::Result<_>>()?;
    let controller = config.privacy.controller.clone().or_else(|| config.letters.controller.clone());
    let retention = retention(policy);
    let mut record = Processing {
        schema: processing::SCHEMA.to_owned(),
        generated_at: now.to_rfc3339_opts(SecondsFormat::Secs, true),
        controller,
        contact: config.letters.contact.clone(),
        representative: config.privacy.representative.clone(),
        dpo: config.privacy.dpo.clone(),
        authority: config.letters.authority.clone(),
        policy: PolicyRef { name: policy.name().to_owned(), sha256: policy.sha256().to_owned() },
        law: policy.law().map(str::to_owned),
        instances: config
            .instances
            .values()
            .map(|i| Party {
                instance: i.name.to_string(),
                flavor: i.flavor,
                controller: i.controller,
                erase: i.mandate,
                country: i.country.clone(),
                contact: i.contact.clone(),
            })
            .collect(),
        activities,
        provenance: provenance(config, store)?,
        own: own(policy),
        retention,
        measures: measures(config, policy),
        gaps: Vec::new(),
        audit_head: store.audit_head()?.map(|(sequence, hash)| AuditHead { sequence, hash }),
    };
    record.gaps = gaps(config, policy, &record);
    Ok(record)
}

fn activity(config: &Config, store: &Store, sync: &Sync, mask: &dyn Fn(&str) -> String) -> anyhow::Result<Activity> {
    let free = |t: &Option<String>| t.as_deref().map(mask);
    let target = config.instance(&sync.target.instance);
    let (controller, country) = target.map_or((Controller::Us, None), |i| (i.controller, i.country.as_deref()));
    let field = |name: &String| FieldLine { field: name.clone(), data: processing::category(name).map(str::to_owned) };
    let has = |name: &str| sync.fields.iter().any(|f| f == name);
    let mut persons = vec!["everybody whom texts and files name".to_owned()];
    if has("assignee") || has("reporter") {
        persons.push("users of Jira who report issues or are assigned to them".to_owned());
    }
    if has("comment") {
        persons.push("users of Jira who comment".to_owned());
    }
    let end =
        |side: &crate::config::Side| End { instance: side.instance.to_string(), project: side.project.to_string() };
    Ok(Activity {
        sync: sync.name.to_string(),
        on_behalf_of: free(&sync.lawful.on_behalf_of),
        purpose: free(&sync.lawful.purpose.clone().or_else(|| config.privacy.purpose.clone())),
        basis: free(&sync.lawful.basis),
        source: end(&sync.source),
        target: end(&sync.target),
        chosen_by_query: sync.source.jql.is_some(),
        fields: sync.fields.iter().map(field).collect(),
        users: users(sync),
        persons,
        recipient: (controller != Controller::Us)
            .then(|| format!("{}: {}", sync.target.instance, processing::role(controller))),
        transfer: Transfer::to(country),
        last_run: store.sync_ran(&sync.name)?.map(seconds),
        ends: sync.ended,
    })
}

fn provenance(config: &Config, store: &Store) -> anyhow::Result<Vec<Provenance>> {
    let mut all: BTreeMap<String, Provenance> = BTreeMap::new();
    let configured = |name: &str| config.syncs.keys().any(|k| k.as_str() == name);
    let new = |name: &str| Provenance { sync: name.to_owned(), configured: configured(name), ..Provenance::default() };
    for row in store.carried()? {
        let line = all.entry(row.sync.clone()).or_insert_with(|| new(&row.sync));
        match (row.erased, row.kind.as_str()) {
            (true, _) => line.erased += row.count,
            (false, "issue") => line.issues += row.count,
            (false, "comment") => line.comments += row.count,
            (false, _) => line.attachments += row.count,
        }
    }
    for row in store.staged_counts()? {
        let line = all.entry(row.sync.clone()).or_insert_with(|| new(&row.sync));
        line.staged.insert(row.state, row.count);
        let older = line.oldest_staged.as_ref().is_none_or(|known| row.oldest < *known);
        if older {
            line.oldest_staged = Some(row.oldest);
        }
    }
    let whole = |p: Provenance| Provenance { oldest_staged: p.oldest_staged.map(seconds), ..p };
    Ok(all.into_values().map(whole).collect())
}

/// A time of the store (RFC 3339) to the second; what is no time stays as it is.
fn seconds(at: String) -> String {
    let time = DateTime::parse_from_rfc3339(&at).map(|t| t.to_utc().to_rfc3339_opts(SecondsFormat::Secs, true));
    time.unwrap_or(at)
}

/// What the policy's classes say, as `policy show` has them.
fn retention(policy: &Policy) -> Vec<ClassLine> {
    let resolved = policy.resolved();
    let text = |v: &Value| v.as_str().map(str::to_owned);
    let line = |c: &Value| {
        let covers: Vec<String> =
            c["match"].as_object().into_iter().flatten().map(|(key, words)| condition(key, words)).collect();
        let grace = text(&c["grace"]).map(|g| format!(", marked {g} before")).unwrap_or_default();
        ClassLine {
            class: text(&c["id"]).unwrap_or_default(),
            covers: if covers.is_empty() { "everything".into() } else { covers.join("; ") },
            start: text(&c["start"]).unwrap_or_default(),
            period: text(&c["period"]).unwrap_or_default(),
            then: format!("{}{grace}", text(&c["then"]).unwrap_or_default()),
            basis: text(&c["basis"]).unwrap_or_default(),
            reason: text(&c["reason"]),
            owner: text(&c["owner"]),
        }
    };
    resolved["classes"].as_array().into_iter().flatten().map(line).collect()
}

fn condition(key: &str, words: &Value) -> String {
    let words: Vec<&str> = match words {
        Value::Array(words) => words.iter().filter_map(Value::as_str).collect(),
        Value::String(word) => vec![word.as_str()],
        _ => Vec::new(),
    };
    format!("{key} {}", words.join(" | "))
}

/// Whether a class speaks of records of this area.
fn covers(policy: &Policy, area: Area) -> bool {
    let resolved = policy.resolved();
    resolved["classes"].as_array().into_iter().flatten().any(|c| match &c["match"]["area"] {
        Value::Array(areas) => areas.iter().any(|a| a == area.as_str()),
        Value::String(one) => one == area.as_str(),
        _ => true,
    })
}

fn own(policy: &Policy) -> Vec<Own> {
    let line = |what: &str, purpose: &str, basis: &str, data: &str, kept: String| Own {
        what: what.into(),
        purpose: purpose.into(),
        basis: basis.into(),
        data: data.into(),
        kept,
    };
    let keep =
        policy.suppression_keep().map_or_else(|| "no end is set".to_owned(), |k| format!("{k} from the erasure on"));
    vec![
        line(
            "register and cases",
            "to answer requests of persons (Art. 12 to 22)",
            "GDPR Art. 6(1)(c)",
            "identifiers of who asks, and where they stand; sealed with a key of the case",
            "until the case is closed: then the key is destroyed".into(),
        ),
        line(
            "suppression list",
            "to keep an erased person from coming back with a later synchronization",
            "GDPR Art. 6(1)(c), Art. 17(1)",
            "keyed hashes of identifiers",
            keep,
        ),
        line(
            "holds",
            "to keep what must be kept, and to restrict (Art. 17(3), Art. 18)",
            "GDPR Art. 6(1)(c)",
            "keyed hashes or record keys, and the reason",
            "until a second person releases them".into(),
        ),
        line(
            "audit chain",
            "to prove what was done (Art. 5(2))",
            "GDPR Art. 6(1)(c)",
            "who acted when, and pseudonyms of persons",
            "details until a class of the policy or `audit expire` deletes them; the chain itself has no end".into(),
        ),
    ]
}

fn measures(config: &Config, policy: &Policy) -> Vec<Measure> {
    let always = |measure: &str| Measure { measure: measure.into(), in_force: true, note: None };
    let when =
        |measure: &str, in_force: bool, note: Option<String>| Measure { measure: measure.into(), in_force, note };
    let plain: Vec<&str> =
        config.instances.values().filter(|i| !i.url.starts_with("https://")).map(|i| i.name.as_str()).collect();
    let second: Vec<&str> =
        config.instances.values().filter(|i| i.erase_auth.is_some()).map(|i| i.name.as_str()).collect();
    let caps = policy.caps();
    let capped: Vec<String> = caps
        .records
        .map(|n| format!("{n} records"))
        .into_iter()
        .chain(caps.share.map(|s| format!("{:.0} % of a project", s * 100.0)))
        .collect();
    let approval = policy.approval();
    vec![
        always(
            "staged messages and attachments are encrypted, each with a key of its own; where the key is destroyed, no copy can be read",
        ),
        always("what names a person in the store is sealed from its first write on"),
        always("logs, audit, reports and errors carry keyed pseudonyms, and no identifier"),
        always("credentials are named in the configuration, and never stand in it"),
        always("what is done stands in a hash chain, which shows a change"),
        always("an erasure is verified by a search that shares nothing with the one it was planned by"),
        always("every door of a synchronization asks the suppression list"),
        when(
            "connections to instances are encrypted (TLS)",
            plain.is_empty(),
            (!plain.is_empty()).then(|| format!("without TLS: {}", plain.join(", "))),
        ),
        when("whoever plans may not approve (four eyes)", approval.four_eyes, None),
        when("approvals are signed", approval.signatures, None),
        when("a plan is capped", !capped.is_empty(), (!capped.is_empty()).then(|| capped.join(", "))),
        when(
            "erasing takes a second credential",
            !second.is_empty() && second.len() == config.instances.len(),
            (!second.is_empty()).then(|| format!("on {}", second.join(", "))),
        ),
        when(
            "retention runs by itself",
            config.schedule.is_some(),
            config.schedule.is_none().then(|| "no [schedule]; another scheduler may call efface sweep".to_owned()),
        ),
    ]
}

/// What the record should say and nobody has stated, in the order of the configuration.
fn gaps(config: &Config, policy: &Policy, record: &Processing) -> Vec<Gap> {
    let gap = |about: String, missing: &str, article: &str, how: String| Gap {
        about,
        missing: missing.into(),
        article: article.into(),
        how,
    };
    let mut out = Vec::new();
    let of_record = [
        (&record.controller, "the controller's name and address", "[privacy] controller"),
        (&record.contact, "how the controller is reached", "[letters] contact"),
        (&record.dpo, "the data-protection officer, or that none has to be named", "[privacy] dpo"),
    ];
    for (_, missing, how) in of_record.into_iter().filter(|(value, ..)| value.is_none()) {
        out.push(gap("record".into(), missing, "Art. 30(1)(a)", how.into()));
    }
    for party in &record.instances {
        let used = |s: &&Sync| [&s.source, &s.target].iter().any(|side| side.instance.as_str() == party.instance);
        if config.syncs.values().any(|s| used(&s)) && party.country.is_none() {
            let (about, how) =
                (format!("instance {}", party.instance), format!("[instance.{}] country", party.instance));
            out.push(gap(about, "the country it stands in", "Art. 30(1)(e)", how));
        }
        if party.controller != Controller::Us && party.contact.is_none() {
            let (about, how) =
                (format!("instance {}", party.instance), format!("[instance.{}] contact", party.instance));
            out.push(gap(about, "how the recipient is reached", "Art. 30(1)(d)", how));
        }
    }
    for a in &record.activities {
        let about = || format!("sync {}", a.sync);
        let letter = if a.on_behalf_of.is_some() { "Art. 30(2)" } else { "Art. 30(1)" };
        if a.purpose.is_none() {
            out.push(gap(
                about(),
                "the purpose",
                &format!("{letter}(b)"),
                format!("[sync.{}] purpose, or [privacy] purpose", a.sync),
            ));
        }
        if a.basis.is_none() && a.on_behalf_of.is_none() {
            out.push(gap(about(), "the legal basis", "Art. 5(2), Art. 6(1)", format!("[sync.{}] basis", a.sync)));
        }
        if a.transfer == Transfer::ThirdCountry {
            let letter = if a.on_behalf_of.is_some() { "Art. 30(2)(c)" } else { "Art. 30(1)(e)" };
            out.push(gap(
                about(),
                "the safeguards of the transfer",
                letter,
                "efface has no key for it: keep them beside this record".into(),
            ));
        }
        let source = config.instances.values().find(|i| i.name.as_str() == a.source.instance);
        if source.is_some_and(|i| i.controller == Controller::Partner) && a.on_behalf_of.is_none() {
            let how = format!("[sync.{}] on_behalf_of, where it is done for them", a.sync);
            out.push(gap(about(), "whether the partner's data is processed for the partner", "Art. 30(2)", how));
        }
    }
    let mut areas = vec![];
    if !config.syncs.is_empty() {
        areas.extend([(Area::Staging, "staged messages"), (Area::Target, "what stands in targets")]);
    }
    if !config.foreign.is_empty() {
        areas.push((Area::Foreign, "other tools' folders"));
    }
    if config.home.as_ref().is_some_and(|h| !h.logs.is_empty()) {
        areas.push((Area::Log, "log files"));
    }
    for (area, what) in areas.into_iter().filter(|(area, _)| !covers(policy, *area)) {
        let how = format!("a [[class]] of the policy with area = \"{area}\"");
        out.push(gap("retention".into(), &format!("a period for {what}"), "Art. 30(1)(f)", how));
    }
    out
}
/// How users are carried over, by field where that differs.
fn users(sync: &Sync) -> String {
    let word = |mode| match mode {
        UserMode::Map => "as the same person's account in the target",
        UserMode::Pseudonym => "as a keyed alias",
        UserMode::Text => "as the display name, in text",
        UserMode::Drop => "not at all",
    };
    let own = sync.users_by_field.iter().filter(|(_, mode)| **mode != sync.users);
    let own: Vec<String> = own.map(|(field, mode)| format!("{field} {}", word(*mode))).collect();
    if own.is_empty() { word(sync.users).to_owned() } else { format!("{}; {}", word(sync.users), own.join("; ")) }
}
