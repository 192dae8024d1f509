//! Plans: findings → steps, frozen and hashed (law 2). Pure: touches nothing, reads no clock.
//!
//! Owns the form of a plan and the rules by which findings become steps or stay. The steps of one record are one unit.

mod accounts;
mod means;
mod renewals;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    audit::canonical_sha256,
    model::{
        Area, CaseId, Coverage, Cut, Decision, Finding, Flavor, InstanceName, Mandate, Outcome, Place, ProjectKey,
        RecordRef, RecordType, Reference, ReferenceKind, Strength,
    },
    policy::{AttachmentRules, CaseRules, HistoryRules, Notices, Period, Policy},
};

/// What is done to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// Rewrite the fields that hold the references.
    Edit,
    /// Delete the record; a comment or worklog is redacted and read back first, since a deletion may copy its text.
    Delete,
    /// Anonymise the account that the record is (Data Center).
    Anonymise,
    /// Delete an issue of a target, so that the synchronization writes a clean copy of it.
    Renew,
}

/// Where a reference of a step stands that is not in the step's own record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct At {
    /// Where.
    pub place: Place,
    /// The project, for remote places.
    pub project: Option<ProjectKey>,
    /// Which record.
    pub record: RecordRef,
}

/// How one reference is cut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// Finding's id.
    pub finding: String,
    /// The field.
    pub field: String,
    /// Position for a person to find it.
    pub locator: String,
    /// Exact position.
    pub cut: Cut,
    /// Redact, clear, remove or delete.
    pub decision: Decision,
    /// The rule that decided.
    pub rule: String,
    /// Kind of the reference.
    pub kind: ReferenceKind,
    /// Its strength.
    pub strength: Strength,
    /// Where it stands, for a step that reaches further than its own record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<At>,
    /// What is put there, where it is not the placeholder: an alias.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with: Option<String>,
}

/// By what means a step is carried out, where it is not the ordinary one of its operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Means {
    /// Its texts go by Cloud's redaction API, the rest by an edit behind it.
    RedactionApi,
    /// A note takes the place of what is deleted.
    Note,
}

/// One step: everything that is done to one record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Position in the plan, from 1.
    pub number: u32,
    /// Where.
    pub place: Place,
    /// The instance, for remote places.
    pub instance: Option<InstanceName>,
    /// The project, for remote places.
    pub project: Option<ProjectKey>,
    /// Which record.
    pub record: RecordRef,
    /// What is done.
    pub operation: Operation,
    /// Hash of what the step was planned on: of the edited fields, or of the whole record for a deletion.
    pub base: String,
    /// By what means, where it is not the ordinary one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub means: Option<Means>,
    /// The references that the step removes.
    pub edits: Vec<Edit>,
    /// What a person should know before approving: mails, copies in the history, what can't be undone.
    pub notes: Vec<String>,
}

/// A finding that stays, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Finding's id; empty for what a step is expected to leave behind.
    pub finding: String,
    /// Where.
    pub place: Place,
    /// Which record.
    pub record: RecordRef,
    /// Which field.
    pub field: String,
    /// Position.
    pub locator: String,
    /// Kind of the reference.
    pub kind: ReferenceKind,
    /// Kept, held, residual or review.
    pub outcome: Outcome,
    /// The rule.
    pub rule: String,
    /// Why it stays.
    pub why: String,
    /// Who could remove it.
    pub who: Option<String>,
}

/// The policy a plan was made under.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PolicyPin {
    /// Its name.
    pub name: String,
    /// SHA-256 of its file.
    pub sha256: String,
    /// What is put where something was cut.
    pub placeholder: String,
    /// Whether planner and approver must differ.
    pub four_eyes: bool,
    /// Most records that a plan may touch without a second person raising the cap.
    pub cap_records: Option<u64>,
    /// Largest share of a project's issues that it may touch, between 0 and 1.
    pub cap_share: Option<f64>,
    /// What it asks of the case.
    #[serde(default, skip_serializing_if = "CaseRules::is_default")]
    pub case: CaseRules,
    /// How long suppression entries hold, such as `10 years`; `None` where they have no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppression_keep: Option<String>,
    /// How recipients are told; plans of before have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notices: Option<Notices>,
    /// Whether an approval has to be signed. (What is not set is not written, here and below: the hash of a plan that was
    /// made before there was such a key stays what it was.)
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub signatures: bool,
    /// SHA-256 of the signers' file, where the configuration names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signers_sha256: Option<String>,
    /// How old the plan may be when it is approved, and when its execution begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Period>,
    /// How long after the approval steps that cannot be undone wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<Period>,
    /// How old values in the history are dealt with.
    #[serde(default, skip_serializing_if = "HistoryRules::is_default")]
    pub history: HistoryRules,
    /// What becomes of attachments that are deleted.
    #[serde(default, skip_serializing_if = "AttachmentRules::is_default")]
    pub attachments: AttachmentRules,
    /// The law that a note in the place of an attachment names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub law: Option<String>,
}

impl PolicyPin {
    /// What a plan keeps of its policy and of the signers' file.
    #[must_use]
    pub fn of(policy: &Policy, signers_sha256: Option<String>) -> Self {
        let approval = policy.approval();
        Self {
            name: policy.name().to_owned(),
            sha256: policy.sha256().to_owned(),
            placeholder: policy.placeholder().to_owned(),
            four_eyes: approval.four_eyes,
            cap_records: policy.caps().records,
            cap_share: policy.caps().share,
            signatures: approval.signatures,
            signers_sha256,
            expires: approval.expires,
            delay: approval.delay,
            case: policy.case().clone(),
            suppression_keep: policy.suppression_keep().map(|keep| keep.to_string()),
            notices: Some(policy.notices()),
            history: policy.history(),
            attachments: policy.attachments(),
            law: policy.law().filter(|_| policy.attachments().note).map(str::to_owned),
        }
    }
}

impl Step {
    /// A step that does nothing but name a reference's record, to read it.
    #[must_use]
    pub fn reading(reference: &Reference) -> Self {
        Self {
            number: 0,
            place: reference.place.clone(),
            instance: reference.instance.clone(),
            project: reference.project.clone(),
            record: reference.record.clone(),
            operation: Operation::Edit,
            base: String::new(),
            means: None,
            edits: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Whether nobody can put back what the step takes: a deletion, and an edit of what keeps no history. Only Jira's
    /// issues keep the old values of their fields, and not of what the redaction API cuts.
    #[must_use]
    pub const fn cannot_be_undone(&self) -> bool {
        let kept = matches!(self.record.record_type, RecordType::Issue) && self.instance.is_some();
        !matches!(self.operation, Operation::Edit) || !kept || matches!(self.means, Some(Means::RedactionApi))
    }

    /// Whether the step puts another attachment of a Jira in the place of the old one, which is deleted.
    #[must_use]
    pub fn replaces_attachment(&self) -> bool {
        matches!(self.record.record_type, RecordType::Attachment)
            && matches!(self.operation, Operation::Edit)
            && matches!(self.place.area(), Area::Source | Area::Target)
    }

    /// The places where the step's references stand, with how many in each, without the findings that it left. A step that
    /// anonymises reaches beyond its own place.
    #[must_use]
    pub fn reach(&self, left: &[String]) -> BTreeMap<&Place, usize> {
        let mut out = BTreeMap::new();
        for edit in self.edits.iter().filter(|e| !left.contains(&e.finding)) {
            *out.entry(edit.at.as_ref().map_or(&self.place, |at| &at.place)).or_default() += 1;
        }
        out
    }

    /// The records that the step changes.
    fn records(&self) -> BTreeSet<(&Place, &RecordRef)> {
        let elsewhere = self.edits.iter().filter_map(|e| e.at.as_ref()).map(|at| (&at.place, &at.record));
        elsewhere.chain([(&self.place, &self.record)]).collect()
    }
}

/// A frozen plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// `efface.plan/1`.
    pub schema: String,
    /// The case.
    pub case: CaseId,
    /// The subject's pseudonym.
    pub subject: String,
    /// When it was made (RFC 3339, UTC).
    pub created_at: String,
    /// Who made it.
    pub planned_by: String,
    /// The policy, pinned.
    pub policy: PolicyPin,
    /// What will be done.
    pub steps: Vec<Step>,
    /// What stays.
    pub standing: Vec<Standing>,
    /// What was read to make the plan.
    pub coverage: Vec<Coverage>,
    /// How many issues each remote place has.
    pub issues: BTreeMap<Place, u64>,
}

/// Schema name of plans.
pub const SCHEMA: &str = "efface.plan/1";

pub use self::{
    accounts::{Account, Accounts},
    means::COPIES,
    renewals::{Renewal, Renewals, renewed},
};

/// What a record was when it was scanned: enough to hash the fields that a step will edit.
#[derive(Debug, Clone)]
pub enum Base {
    /// A JSON record.
    Json(Value),
    /// SHA-256 of the bytes of a file, attachment or message.
    Digest(String),
}

impl Base {
    /// The hash a step is planned on: the edited fields of a JSON record, or all of a byte record.
    #[must_use]
    pub fn hash(&self, record: RecordType, operation: Operation, fields: &[&str]) -> String {
        match self {
            Self::Digest(digest) => digest.clone(),
            Self::Json(value) => canonical_sha256(&stable_part(value, record, operation, fields)),
        }
    }
}

/// The part of a record's JSON that a step depends on, without what moves by itself (times, counts, self links).
#[must_use]
pub fn stable_part(value: &Value, record: RecordType, operation: Operation, fields: &[&str]) -> Value {
    let pick = |names: &[&str], from: &Value| -> Value {
        names.iter().map(|&n| (n.to_owned(), from.get(n).cloned().unwrap_or(Value::Null))).collect()
    };
    match (record, operation) {
        (RecordType::Issue, Operation::Renew) => value.clone(),
        (RecordType::Issue, _) => {
            let mut names = fields.to_vec();
            names.sort_unstable();
            names.dedup();
            let mut part = pick(&names, value.get("fields").unwrap_or(&Value::Null));
            part.as_object_mut().into_iter().flat_map(|o| o.values_mut()).for_each(users_by_id);
            part
        }
        (RecordType::Comment, _) => pick(&["body"], value),
        (RecordType::Worklog, _) => pick(&["comment"], value),
        // Its id is a number in one place of the API and a text in another; the record is found by it anyway.
        (RecordType::Attachment, Operation::Edit) => pick(&["filename", "sha256"], value),
        (RecordType::Attachment, _) => pick(&["filename", "size"], value),
        (RecordType::RemoteLink, _) => pick(&["object", "relationship"], value),
        (RecordType::Watcher, _) => pick(&["accountId", "key", "name"], value),
        _ => value.clone(),
    }
}

/// Reduces user objects to what identifies them: avatars, time zones and display names change without an edit.
fn users_by_id(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(users_by_id),
        Value::Object(user) => {
            let id = if user.contains_key("accountId") {
                "accountId"
            } else if user.contains_key("name") && (user.contains_key("key") || user.contains_key("displayName")) {
                "name"
            } else {
                return;
            };
            user.retain(|name, _| name == id);
        }
        _ => {}
    }
}

/// The rule of a finding that a person decided to erase.
pub const BY_A_PERSON: &str = "decided-by-a-person";

/// The rule of a finding that a person knows to be another person's.
pub const OTHER_PERSON: &str = "another-person";

/// What the planner has to know of an instance.
#[derive(Debug, Clone)]
pub struct MandateOf {
    /// Whether we may erase there.
    pub mandate: Mandate,
    /// Whom to ask.
    pub contact: Option<String>,
    /// A reference to the consent, given with the case.
    pub consent: Option<String>,
    /// Which API it speaks.
    pub flavor: Flavor,
}

/// A finding with what its record was.
pub type Group = (Vec<Finding>, Option<Base>);

/// Why a hold keeps a finding where it is: told without what names a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldBy {
    /// Which hold, of which type.
    pub why: String,
    /// Who ordered it.
    pub who: String,
}

/// Whether a hold covers what would be done to a finding; asked again with `true` where the whole record would go.
pub type Held<'a> = &'a dyn Fn(&Finding, bool) -> Option<HeldBy>;

/// Everything a plan is made of.
pub struct Input<'a> {
    /// The case.
    pub case: CaseId,
    /// The subject's pseudonym.
    pub subject: &'a str,
    /// Now, as RFC 3339.
    pub created_at: String,
    /// Who plans.
    pub planned_by: &'a str,
    /// The policy.
    pub policy: PolicyPin,
    /// Findings by record, in the order of the report; the base is missing where a record cannot be acted on.
    pub groups: Vec<Group>,
    /// Who answers for which instance.
    pub mandates: &'a BTreeMap<InstanceName, MandateOf>,
    /// Who could remove what a rule leaves, by rule id.
    pub ask: &'a BTreeMap<String, String>,
    /// The person's accounts that the policy wants anonymised.
    pub accounts: &'a Accounts,
    /// The issues that it wants written anew.
    pub renewals: &'a Renewals,
    /// What holds cover.
    pub held: Held<'a>,
    /// What the last verification met and the scan does not know.
    pub unexplained: Vec<Standing>,
    /// What was read.
    pub coverage: Vec<Coverage>,
    /// How many issues each remote place has.
    pub issues: BTreeMap<Place, u64>,
}

impl Plan {
    /// SHA-256 over the plan as RFC 8785 JSON: what an approval names.
    #[must_use]
    pub fn hash(&self) -> String {
        serde_json::to_value(self).map(|v| canonical_sha256(&v)).unwrap_or_default()
    }

    /// Findings by the rule that decided about them.
    #[must_use]
    pub fn rules(&self) -> BTreeMap<String, u64> {
        let done = self.steps.iter().flat_map(|s| &s.edits).map(|e| &e.rule);
        let stays = self.standing.iter().filter(|s| !s.finding.is_empty()).map(|s| &s.rule);
        let mut out = BTreeMap::new();
        done.chain(stays).for_each(|rule| *out.entry(rule.clone()).or_default() += 1);
        out
    }

    /// Makes a plan; the same input gives the same plan.
    #[must_use]
    pub fn make(input: Input<'_>) -> Self {
        let mut steps: Vec<Step> = Vec::new();
        let mut standing = input.unexplained;
        let mut leaving: BTreeMap<InstanceName, Vec<&Finding>> = BTreeMap::new();
        let (renewing, renewed) = renewals::renew(&input.groups, input.renewals, input.held);
        for (findings, base) in &input.groups {
            if findings.first().and_then(renewals::issue_of).is_some_and(|issue| renewed.contains(&issue)) {
                continue;
            }
            let mut acting = Vec::new();
            let mut of_account = Vec::new();
            for finding in findings {
                let told = finding.decision != Decision::Keep;
                match refuse(finding, base.is_some()) {
                    // Whatever stays where we may not act is the recipient's to judge.
                    _ if told && let Some((outcome, why, who)) = forbidden(finding, input.mandates) => {
                        standing.push(stands(finding, outcome, why, who));
                    }
                    _ if !finding.decision.acts() => standing.push(stays(finding, input.ask)),
                    Some((outcome, why, who)) => standing.push(stands(finding, outcome, why, who)),
                    None => match (input.held)(finding, takes_whole(finding)) {
                        Some(held) => standing.push(holds(finding, held)),
                        None if finding.decision == Decision::Renew => {
                            let why = renewals::issue_of(finding).and_then(|issue| input.renewals.get(&issue));
                            let why = match why {
                                Some(Err(why)) => format!("the issue cannot be written anew: {why}"),
                                _ => "the issue cannot be written anew, since something of it is kept".to_owned(),
                            };
                            standing.push(stands(finding, Outcome::Residual, why, Some(ADMIN.into())));
                        }
                        None if finding.decision == Decision::Anonymise => of_account.push(finding),
                        None => acting.push(finding),
                    },
                }
            }
            let operation = operation(&acting);
            // What is deleted takes along what names the account in it; everything else goes with the account.
            if operation != Operation::Delete {
                for finding in of_account.drain(..) {
                    let Some(instance) = &finding.reference.instance else { continue };
                    leaving.entry(instance.clone()).or_default().push(finding);
                }
            }
            let (Some(first), Some(base)) = (acting.first(), base) else { continue };
            let reference = &first.reference;
            // Who deletes a record deletes what is held of it.
            if operation == Operation::Delete
                && let Some(held) = (input.held)(first, true)
            {
                standing.extend(acting.iter().chain(&of_account).map(|f| holds(f, held.clone())));
                continue;
            }
            // What a legal basis keeps is not deleted because something beside it may go, unless a person says so.
            let kept = findings.iter().any(|f| f.decision == Decision::Keep && f.rule != OTHER_PERSON);
            if operation == Operation::Delete && kept && !acting.iter().any(|f| f.rule == BY_A_PERSON) {
                let why = "deleting the record would take along what is kept of it: a person decides";
                let all = acting.iter().chain(&of_account);
                standing.extend(all.map(|f| stands(f, Outcome::Review, why.to_owned(), None)));
                continue;
            }
            // What is put back is another record: whatever stays in it would be found there anew, and nobody has decided of that.
            let put_back = operation == Operation::Edit
                && reference.record.record_type == RecordType::Attachment
                && reference.instance.is_some();
            if put_back && acting.len() < findings.len() {
                let why = "something else in this attachment stays, and an attachment is cut as a whole or not at all: decide to \
                           delete or to keep it";
                standing.extend(acting.iter().map(|f| stands(f, Outcome::Review, why.to_owned(), None)));
                continue;
            }
            let fields: Vec<&str> = acting.iter().map(|f| f.reference.field.as_str()).collect();
            let mut step = Step {
                number: 0,
                place: reference.place.clone(),
                instance: reference.instance.clone(),
                project: reference.project.clone(),
                record: reference.record.clone(),
                operation,
                base: base.hash(reference.record.record_type, operation, &fields),
                means: None,
                edits: acting.iter().map(|f| edit(f)).collect(),
                notes: Vec::new(),
            };
            let flavor = step.instance.as_ref().and_then(|i| input.mandates.get(i)).map(|m| m.flavor);
            step.means = means::of(&step, flavor, &input.policy);
            step.notes = means::notes(&step, flavor, &input.policy);
            // A record that is deleted takes with it what would have stayed in its other fields.
            if operation == Operation::Delete {
                standing.retain(|s: &Standing| !(s.place == step.place && s.record == step.record));
                for f in findings.iter().filter(|f| !acting.iter().any(|a| a.id == f.id)) {
                    step.edits.push(edit(f));
                }
            }
            steps.push(step);
        }
        steps.extend(renewing);
        // Last: the account's name changes under every other step.
        accounts::leave(leaving, input.accounts, &mut steps, &mut standing);
        means::tell_copies(&mut steps, &standing);
        for (i, step) in steps.iter_mut().enumerate() {
            step.number = u32::try_from(i + 1).unwrap_or(u32::MAX);
        }
        Self {
            schema: SCHEMA.to_owned(),
            case: input.case,
            subject: input.subject.to_owned(),
            created_at: input.created_at,
            planned_by: input.planned_by.to_owned(),
            policy: input.policy,
            steps,
            standing,
            coverage: input.coverage,
            issues: input.issues,
        }
    }

    /// Findings that a person has still to decide.
    pub fn open_reviews(&self) -> impl Iterator<Item = &Standing> {
        self.standing.iter().filter(|s| s.outcome == Outcome::Review)
    }

    /// How many records the plan changes: the steps, and what a step that anonymises reaches beyond its own record.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.steps.iter().map(|s| s.records().len() as u64).sum()
    }

    /// The first place of whose issues the plan touches a larger share than the policy's cap allows, with that share.
    #[must_use]
    pub fn over_share(&self) -> Option<(&Place, f64)> {
        let cap = self.policy.cap_share?;
        let touched: BTreeSet<_> =
            self.steps.iter().flat_map(Step::records).map(|(place, record)| (place, &record.key)).collect();
        self.issues.iter().filter(|(_, n)| **n > 0).find_map(|(place, n)| {
            let keys: Vec<_> = touched.iter().filter(|(touched, _)| *touched == place).collect();
            let share = keys.len() as f64 / *n as f64;
            (share > cap).then_some((place, share))
        })
    }

    /// Whether all that should have been read was read.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.coverage.iter().all(|c| c.status.is_complete())
    }
}

/// Whether what is decided of a finding takes its whole record away, be it to put another in its place.
fn takes_whole(finding: &Finding) -> bool {
    let r = &finding.reference;
    finding.decision == Decision::Delete
        || r.record.record_type == RecordType::Attachment && r.place.area() != Area::Staging
}

fn operation(acting: &[&Finding]) -> Operation {
    let record = acting.first().map(|f| f.reference.record.record_type);
    let deletes = acting.iter().any(|f| f.decision == Decision::Delete)
        // These have no field that could be edited: they are taken away whole.
        || matches!(record, Some(RecordType::Watcher | RecordType::Vote))
            && acting.iter().any(|f| f.reference.place.area() != Area::Staging);
    if deletes { Operation::Delete } else { Operation::Edit }
}

fn edit(finding: &Finding) -> Edit {
    let r = &finding.reference;
    Edit {
        finding: finding.id.clone(),
        field: r.field.clone(),
        locator: r.locator.clone(),
        cut: r.cut.clone(),
        decision: finding.decision,
        rule: finding.rule.clone(),
        kind: r.kind,
        strength: r.strength,
        at: None,
        with: None,
    }
}

fn stands(finding: &Finding, outcome: Outcome, why: String, who: Option<String>) -> Standing {
    let r = &finding.reference;
    Standing {
        finding: finding.id.clone(),
        place: r.place.clone(),
        record: r.record.clone(),
        field: r.field.clone(),
        locator: r.locator.clone(),
        kind: r.kind,
        outcome,
        rule: finding.rule.clone(),
        why,
        who,
    }
}

/// The rule of a finding that a hold covers.
pub const HOLD: &str = "hold";

fn holds(finding: &Finding, held: HeldBy) -> Standing {
    Standing { rule: HOLD.to_owned(), ..stands(finding, Outcome::Held, held.why, Some(held.who)) }
}

fn stays(finding: &Finding, ask: &BTreeMap<String, String>) -> Standing {
    let outcome = match finding.decision {
        Decision::Keep => Outcome::Kept,
        Decision::Residual => Outcome::Residual,
        _ => Outcome::Review,
    };
    stands(finding, outcome, finding.reasons.join("; "), ask.get(&finding.rule).cloned())
}

const ADMIN: &str = "the Jira administrator of the instance";

/// Why nothing may be done in a finding's instance, and whom to tell.
fn forbidden(
    finding: &Finding,
    mandates: &BTreeMap<InstanceName, MandateOf>,
) -> Option<(Outcome, String, Option<String>)> {
    let m = finding.reference.instance.as_ref().and_then(|i| mandates.get(i))?;
    let why = match m.mandate {
        Mandate::Yes => return None,
        Mandate::Consent if m.consent.is_some() => return None,
        Mandate::Consent => "erasing there needs the partner's consent, and none is given",
        Mandate::Notify => "the instance's mandate is to notify, not to erase (Art. 19)",
    };
    let contact = m.contact.clone().unwrap_or_else(|| "the recipient's data-protection contact".into());
    Some((Outcome::Residual, why.to_owned(), Some(contact)))
}

/// Why an acting decision cannot be carried out, where that is known before anything is tried.
fn refuse(finding: &Finding, has_base: bool) -> Option<(Outcome, String, Option<String>)> {
    let r = &finding.reference;
    let residual = |why: &str, who: String| Some((Outcome::Residual, why.to_owned(), Some(who)));
    let deletes = finding.decision == Decision::Delete;
    if r.place.area() == Area::State {
        return residual(
            "efface's own configuration and store are changed by a person only",
            "whoever keeps efface.toml".into(),
        );
    }
    match (r.record.record_type, r.field.as_str()) {
        _ if matches!(finding.decision, Decision::Anonymise | Decision::Renew) => None,
        (RecordType::Issue, _) if deletes => Some((
            Outcome::Review,
            "deleting a whole issue would take other people's work along: decide by hand".into(),
            None,
        )),
        (RecordType::Issue, "creator") => residual("Jira lets nobody change an issue's creator", ADMIN.into()),
        (RecordType::Comment | RecordType::Worklog, "author" | "updateAuthor") if !deletes => residual(
            "Jira lets nobody change an author; deleting the record or anonymising the user would",
            ADMIN.into(),
        ),
        (RecordType::History, _) => residual("Jira's history cannot be edited", ADMIN.into()),
        (RecordType::Vote, _) => residual("only the voter can take a vote back", ADMIN.into()),
        // What belongs to no issue is a setting of the project or of the instance.
        (RecordType::Property, _) if r.record.key.is_none() && r.instance.is_some() => residual(
            "a setting of the project or the instance, which many use, is changed by a person only",
            "the project's lead or the Jira administrator of the instance".into(),
        ),
        (RecordType::UserProfile, _) => residual("the account is not ours to change here", ADMIN.into()),
        (RecordType::File, _) if !has_base => residual(
            "a folder with files in it, or a file that cannot be read, is not deleted as one record",
            "whoever keeps that folder: rename or remove it".into(),
        ),
        _ if !has_base => Some((Outcome::Failed, "the record could not be read again for planning".into(), None)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
