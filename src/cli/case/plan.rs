//! `case plan`: scan everything and freeze a plan.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::ExitCode,
};

use serde_json::json;

use super::{
    PEOPLE, Room, approve,
    decide::{OTHERS, Reviews},
    groups::Asked,
    show::print_plan,
    stamp,
};
use crate::{
    cli::{Context, Failure, load_policy, work},
    config::{Instance, Sync},
    erasure::{
        execute,
        executor::{
            Executors, People, Ways,
            account::{self, Look, Person},
            renew::Renewer,
        },
        plan::{
            Account, Accounts, BY_A_PERSON, Group, HeldBy, Input, MandateOf, OTHER_PERSON, Plan, PolicyPin, Renewals,
            Standing,
        },
        trial::{IN_USE, Misfit, digests, misfits},
        verify::{Remaining, Verification},
    },
    holds::{Holds, Spot},
    keys::Purpose,
    model::{
        Area, CaseId, Decision, Finding, InstanceName, Looked, Outcome, RecordRef, RecordType, ReferenceKind, Subject,
    },
    policy::Requirement,
    store::{CaseState, PlanCounts, StepState},
};

const UNEXPLAINED: &str = "the last verification met the person here, and the scan does not: remove it by hand and verify again, or decide \
     that it may stay";

const WRITTEN: &str = "another program has the file open for writing: what it writes into it would be lost";

const CLOSE: &str = "whoever runs that program: let it close or rotate the file, then plan again";

pub(super) async fn plan(room: &Room, ctx: &Context, id: &CaseId, exhaustive: bool) -> anyhow::Result<ExitCode> {
    let case = room.erasure(id)?;
    if case.state == CaseState::Executing {
        let (plan, hash) = room.plan(&case)?;
        // A step that was cut off has to be finished; one that fails for good must not hold the case for ever.
        let rows = room.store.steps(id, &hash)?;
        let is = |state| rows.iter().any(|r| r.state == state);
        let over = is(StepState::Refused)
            || is(StepState::Failed)
            || is(StepState::Held)
            || execute::is_done(&room.store, id, &plan, &hash)?
            || approve::may_plan_again(room, ctx, &case)?;
        if is(StepState::Begun) || !over {
            return Err(Failure::Refused(format!(
                "the plan of case {id} is being executed; finish it first: efface case execute {id} --yes"
            ))
            .into());
        }
    }
    let subject = room.subject(id)?;
    let policy = load_policy(&room.config.policy)?;
    if policy.case().wants(Requirement::Identity) && case.record.identity.is_none() {
        return Err(Failure::Refused(format!(
            "the policy {} wants on record how it was checked who asks (Art. 12(6)): efface case identify {id} --how TEXT",
            policy.name()
        ))
        .into());
    }
    let signers_sha256 = approve::pin(room, &policy)?;
    let clients = work::clients(room.config.instances.values(), false);
    let subjects = [subject];
    let last: Option<Verification> = room.store.case_note(id, "verification")?;
    let last = last.unwrap_or_default();
    // A verification that met the person where the plan did not expect it is the better witness.
    let exhaustive = exhaustive || last.unexpected().next().is_some();
    let cache = work::cache(ctx, &room.store, id, &subjects[0], exhaustive)?;
    let how = work::How { areas: &[], places: &[], quick: false, cache, acts: true, looked: Looked::Case };
    let mut decided = work::scan(ctx, &room.config, &room.store, &clients, &policy, &subjects, how).await?;
    let scanned = json!({
        "references": decided.groups.iter().map(|(f, _)| f.len()).sum::<usize>(),
        "complete": decided.coverage.iter().all(|c| c.status.is_complete()),
    });
    ctx.act(|act| room.store.set_case_state(act, id, CaseState::Scanned, scanned))?;
    let reviews: Reviews = room.store.case_note(id, "reviews")?.unwrap_or_default();
    let nobody = BTreeMap::new();
    let ways = Ways::default();
    let executors = Executors {
        config: &room.config,
        store: &room.store,
        clients: &nobody,
        people: &People::new(),
        sources: &|_| None,
        placeholder: policy.placeholder(),
        ways: &ways,
    };
    let mask = work::masker(&subjects);
    let mut asked = Asked::new(room, id, &subjects[0], &executors, &mask)?;
    asked.look(&decided.groups, |f| f.decision == Decision::Review && !reviews.contains_key(&f.id)).await;
    for finding in decided.groups.iter_mut().flat_map(|(f, _)| f.iter_mut()) {
        // Only what a plan left for review is ever in there; that may have been decided by the planner, not the policy.
        let answer = reviews.get(&finding.id).cloned().or_else(|| asked.answered(finding));
        let Some((decision, why)) = answer else { continue };
        let r = &finding.reference;
        if let Err(hint) = crate::policy::fits(decision, &r.record, &r.field, &r.cut) {
            finding.decision = Decision::Review;
            finding.reasons = vec![format!("{why}, but that cannot be carried out: {hint}")];
            continue;
        }
        finding.decision = decision;
        finding.rule = if decision.acts() {
            BY_A_PERSON.to_owned()
        } else if why.starts_with(OTHERS) {
            OTHER_PERSON.to_owned()
        } else {
            std::mem::take(&mut finding.rule)
        };
        finding.reasons = vec![why];
    }
    let consents: BTreeMap<InstanceName, String> = room.store.case_note(id, "consent")?.unwrap_or_default();
    let mandates: BTreeMap<InstanceName, MandateOf> = room
        .config
        .instances
        .values()
        .map(|i| {
            let consent = consents.get(&i.name).cloned();
            (i.name.clone(), MandateOf { mandate: i.mandate, contact: i.contact.clone(), consent, flavor: i.flavor })
        })
        .collect();
    let accounts = accounts(room, ctx, id, &subjects[0], &decided.groups).await?;
    let renewals = renewals(room, &clients, &subjects[0], &decided.groups).await;
    let unexplained = unexplained(room, &last, &decided.groups, &reviews);
    let actor = ctx.actor();
    let holds = Holds::load(&room.store)?;
    let mask = work::masker(&subjects);
    let held = |f: &Finding, whole: bool| {
        let r = &f.reference;
        let spot = Spot {
            place: &r.place,
            project: r.project.as_ref(),
            record: &r.record,
            fields: &[r.field.as_str()],
            whole,
        };
        let hold = holds.covering(&subjects[0], &spot)?;
        let why = format!("held by {} ({}): {}", hold.id, hold.hold_type, mask(&hold.basis));
        Some(HeldBy { why, who: hold.added_by.clone() })
    };
    decided.ask.insert(IN_USE.to_owned(), CLOSE.to_owned());
    // An attachment's content is fetched once more, to see whether it can be cut.
    let usable =
        clients.iter().filter_map(|(name, client)| Some((name.clone(), client.as_ref().ok()?.clone()))).collect();
    let readers = Executors { clients: &usable, ..executors };
    digests(&mut decided.groups, &readers).await;
    let make = |groups: &[Group]| {
        Plan::make(Input {
            case: id.clone(),
            subject: &subjects[0].pseudonym,
            created_at: stamp(ctx.now),
            planned_by: &actor,
            policy: PolicyPin::of(&policy, signers_sha256.clone()),
            groups: groups.to_vec(),
            mandates: &mandates,
            ask: &decided.ask,
            accounts: &accounts,
            renewals: &renewals,
            held: &held,
            unexplained: unexplained.clone(),
            coverage: decided.coverage.clone(),
            issues: decided.issues.clone(),
        })
    };
    let mut plan = make(&decided.groups);
    let misfits = misfits(&plan, &decided.groups, &readers).await;
    if !misfits.is_empty() {
        for finding in decided.groups.iter_mut().flat_map(|(f, _)| f.iter_mut()) {
            match misfits.get(&finding.id) {
                None => {}
                Some(Misfit::Cut(why)) => {
                    finding.decision = Decision::Review;
                    finding.reasons = vec![format!("{why}; decide to delete the whole record, or to keep it")];
                }
                Some(Misfit::InUse) => {
                    finding.decision = Decision::Residual;
                    finding.rule = IN_USE.to_owned();
                    finding.reasons = vec![WRITTEN.to_owned()];
                }
            }
        }
        plan = make(&decided.groups);
    }
    let hash = plan.hash();
    let open: Vec<&str> = plan.open_reviews().map(|s| s.finding.as_str()).collect();
    asked.look(&decided.groups, |f| open.contains(&f.id.as_str())).await;
    asked.keep(id, ctx.now, &open)?;
    let covered = super::drift::covered(&room.config, &clients, &plan.coverage).await;
    ctx.act(|act| room.store.set_case_scope(act, id, &covered))?;
    let mut rules = plan.rules();
    // An exception that kept nothing counts as tried; one that is written later was not there.
    for rule in policy.rules().iter().filter(|r| r.decision == Decision::Keep) {
        rules.entry(rule.id.clone()).or_default();
    }
    let said = PlanCounts { policy: plan.policy.name.clone(), rules };
    ctx.act(|act| room.store.put_plan(act, id, &hash, &plan, plan.steps.len(), &said))?;
    print_plan(room, ctx, &plan, &hash, &mask)?;
    let reviews = plan.open_reviews().count();
    ctx.say(format!(
        "{} steps, {} findings stay ({} to review). Plan {hash}. Next: efface case approve {id}",
        plan.steps.len(),
        plan.standing.len(),
        reviews
    ));
    Ok(ExitCode::from(if plan.is_complete() { 0 } else { 3 }))
}

/// The accounts that the policy wants anonymised: asks each instance whether they can be. Whom the steps mean is kept
/// sealed in the case.
async fn accounts(
    room: &Room,
    ctx: &Context,
    id: &CaseId,
    subject: &Subject,
    groups: &[Group],
) -> anyhow::Result<Accounts> {
    let wanted = groups.iter().flat_map(|(findings, _)| findings).filter(|f| f.decision == Decision::Anonymise);
    let instances: BTreeSet<&InstanceName> = wanted.filter_map(|f| f.reference.instance.as_ref()).collect();
    let (mut out, mut people) = (Accounts::new(), room.store.case_note::<People>(id, PEOPLE)?.unwrap_or_default());
    for instance in instances.into_iter().filter_map(|name| room.config.instance(name)) {
        let looked = look_at(instance, subject, &people).await;
        let account = looked.map(|(account, (base, person))| {
            people.insert(base, person);
            account
        });
        out.insert(instance.name.clone(), account.map_err(|why| work::masker(std::slice::from_ref(subject))(&why)));
    }
    if !people.is_empty() {
        room.store.put_case_note(id, PEOPLE, ctx.now, &people)?;
    }
    Ok(out)
}

/// The issues of targets that the policy wants written anew: looks whether anything of others would be lost.
async fn renewals(room: &Room, clients: &work::Clients, subject: &Subject, groups: &[Group]) -> Renewals {
    let all = || groups.iter().flat_map(|(findings, _)| findings);
    let wanted: BTreeSet<(InstanceName, String)> = all()
        .filter(|f| f.decision == Decision::Renew)
        .filter_map(|f| f.reference.instance.clone().zip(f.reference.record.key.clone()))
        .collect();
    let client = |name: &InstanceName| clients.get(name).and_then(|c| c.as_ref().ok());
    let source = |sync: &Sync| client(&sync.source.instance).cloned();
    let mut out = Renewals::new();
    for (instance, key) in wanted {
        let looked = match client(&instance) {
            None => Err("the instance cannot be asked".to_owned()),
            Some(target) => {
                let renewer = Renewer { config: &room.config, store: &room.store, target, source: &source };
                renewer.look(instance.as_str(), &key).await
            }
        };
        // A bare name that stays in the source parks the new copy until a person looks: then there would be none.
        let parks = |source_key: &str| {
            all().any(|f| {
                let r = &f.reference;
                let bare = matches!(r.kind, ReferenceKind::FullName | ReferenceKind::Alias);
                matches!(r.place.area(), Area::Source | Area::Target)
                    && r.record.key.as_deref() == Some(source_key)
                    && r.record.record_type != RecordType::History
                    && bare
                    && !f.decision.acts()
            })
        };
        let renewal = looked.and_then(|(renewal, source_key)| {
            if parks(&source_key) {
                return Err("a bare name stays in its source, which would park the clean copy".to_owned());
            }
            Ok(renewal)
        });
        out.insert((instance, key), renewal.map_err(|why| work::masker(std::slice::from_ref(subject))(&why)));
    }
    out
}

/// Looks at the person's account of one instance.
async fn look_at(
    instance: &Instance,
    subject: &Subject,
    earlier: &People,
) -> Result<(Account, (String, Person)), String> {
    let client = |erases| {
        let client = work::clients([instance].into_iter(), erases).remove(&instance.name);
        client.unwrap_or_else(|| Err("the instance is not configured".to_owned()))
    };
    let eraser = client(true)?;
    let mut own = Vec::new();
    for client in [client(false)?, eraser.clone()] {
        own.extend(client.myself().await.map_err(|e| e.to_string())?.key);
    }
    let new_owner = instance.new_owner.as_deref();
    let asked = Look { client: &eraser, instance: &instance.name, subject, new_owner, own: &own, earlier };
    account::look(&asked).await
}

/// What the last verification met and this scan finds nowhere in the record: the two searches differ, so a person looks.
/// Without this the case could neither be planned further nor verified.
fn unexplained(room: &Room, last: &Verification, groups: &[Group], reviews: &Reviews) -> Vec<Standing> {
    let outer = |r: &RecordRef| r.path.as_deref().map(|p| p.split('!').next().unwrap_or(p).to_owned());
    let found = |hit: &Remaining| {
        groups.iter().flat_map(|(findings, _)| findings).map(|f| &f.reference).any(|r| {
            r.place == hit.place
                && r.record.record_type == hit.record.record_type
                && r.record.key == hit.record.key
                && outer(&r.record) == outer(&hit.record)
                && (r.record.id == hit.record.id || r.record.id.is_none())
        })
    };
    let hits = last.unexpected().filter(|hit| !found(hit));
    hits.map(|hit| {
        let record = serde_json::to_string(&hit.record).unwrap_or_default();
        let parts = ["verification", &hit.place.to_string(), &record, &hit.field];
        let hash = room.store.keys().keyed_hash(Purpose::Finding, &parts.map(str::as_bytes));
        let finding = format!("f-{}", hex::encode(&hash[..10]));
        let decided = reviews.get(&finding).filter(|(decision, _)| !decision.acts());
        Standing {
            place: hit.place.clone(),
            record: hit.record.clone(),
            field: hit.field.clone(),
            locator: String::new(),
            kind: ReferenceKind::Alias,
            outcome: if decided.is_some() { Outcome::Kept } else { Outcome::Review },
            rule: "verification".into(),
            why: decided.map_or_else(|| UNEXPLAINED.to_owned(), |(_, why)| why.clone()),
            who: None,
            finding,
        }
    })
    .collect()
}
