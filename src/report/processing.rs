//! The record of processing activities: `efface.processing/1`, after GDPR Art. 30(1) and (2).
//!
//! Plain data that the caller fills from configuration, policy and store. Nobody who is or was looked for is named in it. What the
//! record should say and nobody has stated is a gap, said aloud.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    PolicyRef,
    case::AuditHead,
    doc::{Cell, Column, Doc, Grid, Part, Section, Stacked, Verdict},
    html,
    text::csv,
};
use crate::model::{Controller, Flavor, Mandate};

/// The schema's name.
pub const SCHEMA: &str = "efface.processing/1";

/// An instance and who answers for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// Its name in the configuration.
    pub instance: String,
    /// Cloud or Data Center.
    pub flavor: Flavor,
    /// Who answers for it.
    pub controller: Controller,
    /// Whether we may erase there.
    pub erase: Mandate,
    /// Where it stands (ISO 3166-1, two letters).
    pub country: Option<String>,
    /// Whom to tell.
    pub contact: Option<String>,
}

/// Where data is taken to, as far as its country tells (Art. 30(1)(e)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transfer {
    /// It stays in the European Economic Area.
    WithinTheEea,
    /// It goes to a third country: Chapter V applies.
    ThirdCountry,
    /// The country is not stated.
    NotStated,
}

/// The Union and, by the EEA agreement, Iceland, Liechtenstein and Norway.
const EEA: [&str; 30] = [
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IS", "IT", "LI", "LT",
    "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
];

impl Transfer {
    /// By the country of the target.
    #[must_use]
    pub fn to(country: Option<&str>) -> Self {
        match country {
            None => Self::NotStated,
            Some(c) if EEA.contains(&c) => Self::WithinTheEea,
            Some(_) => Self::ThirdCountry,
        }
    }

    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::WithinTheEea => ("good", "within the EEA"),
            Self::ThirdCountry => ("stays", "to a third country"),
            Self::NotStated => ("bad", "country not stated"),
        }
    }
}

/// A field that is carried over, and what of persons it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldLine {
    /// The field.
    pub field: String,
    /// The category of personal data; none where it holds none by itself.
    pub data: Option<String>,
}

/// The category of personal data in a field of an issue.
#[must_use]
pub fn category(field: &str) -> Option<&'static str> {
    match field {
        "summary" | "description" => Some("free text, which may name anybody"),
        "comment" => Some("free text with its author and time"),
        "attachment" => Some("files of any content, with their names"),
        "assignee" | "reporter" => Some("the account or the name of the person"),
        "worklog" => Some("who worked on it when, with free text"),
        "remotelink" => Some("addresses with a title, which may name anybody"),
        "labels" => Some("free words, which may name anybody"),
        "issuelinks" | "subtask" => None,
        "priority" | "status" => None,
        _ => Some("not known to efface"),
    }
}

/// One side of a synchronization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// The instance.
    pub instance: String,
    /// The project.
    pub project: String,
}

/// A synchronization as a processing activity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// Its name in the configuration.
    pub sync: String,
    /// The other controller that it is done for; with it, Art. 30(2) applies.
    pub on_behalf_of: Option<String>,
    /// Why.
    pub purpose: Option<String>,
    /// The legal basis.
    pub basis: Option<String>,
    /// From.
    pub source: End,
    /// To.
    pub target: End,
    /// Whether a query chooses the issues. It is not quoted, since it may name a person.
    pub chosen_by_query: bool,
    /// The fields that are carried over.
    pub fields: Vec<FieldLine>,
    /// How users are carried over.
    pub users: String,
    /// Categories of persons.
    pub persons: Vec<String>,
    /// Who receives it, by instance, where that is not us.
    pub recipient: Option<String>,
    /// Where it is taken.
    pub transfer: Transfer,
    /// When it last ran to its end (RFC 3339).
    pub last_run: Option<String>,
    /// The last day on which it runs; what it wrote stays until retention takes it.
    pub ends: Option<NaiveDate>,
}

/// What went from where to where so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// The synchronization.
    pub sync: String,
    /// Whether it is still configured.
    pub configured: bool,
    /// Issues that stand in the target.
    pub issues: u64,
    /// Comments that stand in the target.
    pub comments: u64,
    /// Attachments that stand in the target.
    pub attachments: u64,
    /// Things that were erased in the target since.
    pub erased: u64,
    /// Staged messages and attachments by state.
    pub staged: BTreeMap<String, u64>,
    /// When the oldest of these was staged (RFC 3339).
    pub oldest_staged: Option<String>,
}

/// What efface itself keeps about persons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Own {
    /// What it is.
    pub what: String,
    /// Why.
    pub purpose: String,
    /// The legal basis.
    pub basis: String,
    /// Which data, of whom.
    pub data: String,
    /// How long.
    pub kept: String,
}

/// A deletion class of the policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassLine {
    /// Its id.
    pub class: String,
    /// Which records.
    pub covers: String,
    /// From when the period counts.
    pub start: String,
    /// How long.
    pub period: String,
    /// What happens then.
    pub then: String,
    /// The legal basis.
    pub basis: String,
    /// Why.
    pub reason: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
}

/// A measure (Art. 32(1)) that efface itself gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measure {
    /// What it is.
    pub measure: String,
    /// Whether it is in force here.
    pub in_force: bool,
    /// What is to be known about it.
    pub note: Option<String>,
}

/// Something that the record should say and nobody has stated.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Gap {
    /// About what: `record`, `instance hq`, `sync hq-partner`, `retention`.
    pub about: String,
    /// What is missing.
    pub missing: String,
    /// The article that asks for it.
    pub article: String,
    /// How to state it.
    pub how: String,
}

/// The record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Processing {
    /// [`SCHEMA`].
    pub schema: String,
    /// When (RFC 3339, UTC).
    pub generated_at: String,
    /// The controller's name and address.
    pub controller: Option<String>,
    /// How the controller is reached.
    pub contact: Option<String>,
    /// The representative in the Union.
    pub representative: Option<String>,
    /// The data-protection officer.
    pub dpo: Option<String>,
    /// The supervisory authority.
    pub authority: Option<String>,
    /// The policy that retention follows.
    pub policy: PolicyRef,
    /// The law that the policy follows.
    pub law: Option<String>,
    /// The instances.
    pub instances: Vec<Party>,
    /// The synchronizations.
    pub activities: Vec<Activity>,
    /// What went from where to where so far.
    pub provenance: Vec<Provenance>,
    /// What efface itself keeps.
    pub own: Vec<Own>,
    /// The deletion classes, in the order in which they are asked.
    pub retention: Vec<ClassLine>,
    /// Security measures.
    pub measures: Vec<Measure>,
    /// What is not stated.
    pub gaps: Vec<Gap>,
    /// The audit chain's head.
    pub audit_head: Option<AuditHead>,
}

/// A role in words.
#[must_use]
pub const fn role(controller: Controller) -> &'static str {
    match controller {
        Controller::Us => "we are the controller",
        Controller::Joint => "joint controllers (Art. 26)",
        Controller::Processor => "a processor for us (Art. 28)",
        Controller::Partner => "another controller: a recipient (Art. 4(9))",
    }
}

const fn mandate(erase: Mandate) -> &'static str {
    match erase {
        Mandate::Yes => "yes",
        Mandate::Consent => "with consent",
        Mandate::Notify => "no: told",
    }
}

fn said(text: Option<&String>) -> Cell {
    text.map_or_else(|| Cell::mark("bad", "not stated"), |t| Cell::from(t.clone()))
}

fn grid(label: &str, caption: &str, columns: &[Column], rows: Vec<Vec<Cell>>) -> Part {
    Part::Grid(Grid { label: label.into(), caption: caption.into(), columns: columns.to_vec(), rows, wordy: true })
}

impl Processing {
    /// The activities of Art. 30(1), or, with `for_others`, those of Art. 30(2).
    fn of(&self, for_others: bool) -> impl Iterator<Item = &Activity> {
        self.activities.iter().filter(move |a| a.on_behalf_of.is_some() == for_others)
    }

    const HEAD: [&'static str; 12] = [
        "row",
        "name",
        "source",
        "target",
        "purpose",
        "basis",
        "data",
        "users",
        "recipient",
        "transfer",
        "how_long",
        "note",
    ];

    /// Everything in rows of one form, for a spreadsheet.
    #[must_use]
    pub fn csv(&self) -> String {
        let head = Self::HEAD;
        let row = |name: &str, cells: &[(&str, String)]| {
            let mut row = vec![String::new(); head.len()];
            name.clone_into(&mut row[0]);
            for (column, text) in cells {
                if let Some(i) = head.iter().position(|h| h == column) {
                    row[i].clone_from(text);
                }
            }
            row
        };
        let text = |t: &Option<String>| t.clone().unwrap_or_default();
        let end = |e: &End| format!("{}/{}", e.instance, e.project);
        let activities = self.activities.iter().map(|a| {
            row(
                "activity",
                &[
                    ("name", a.sync.clone()),
                    ("source", end(&a.source)),
                    ("target", end(&a.target)),
                    ("purpose", text(&a.purpose)),
                    ("basis", text(&a.basis)),
                    ("data", fields(a)),
                    ("users", a.users.clone()),
                    ("recipient", text(&a.recipient)),
                    ("transfer", a.transfer.words().1.to_owned()),
                    ("note", a.on_behalf_of.as_ref().map(|b| format!("on behalf of {b}")).unwrap_or_default()),
                ],
            )
        });
        let parties = self.instances.iter().map(|p| {
            row(
                "instance",
                &[
                    ("name", p.instance.clone()),
                    ("recipient", role(p.controller).to_owned()),
                    ("transfer", text(&p.country)),
                    ("note", text(&p.contact)),
                ],
            )
        });
        let provenance = self.provenance.iter().map(|p| {
            let data = format!(
                "{} issues, {} comments, {} attachments, {} erased since",
                p.issues, p.comments, p.attachments, p.erased
            );
            row("carried-over", &[("name", p.sync.clone()), ("data", data), ("note", staged(p))])
        });
        let own = self.own.iter().map(|o| {
            row(
                "efface",
                &[
                    ("name", o.what.clone()),
                    ("purpose", o.purpose.clone()),
                    ("basis", o.basis.clone()),
                    ("data", o.data.clone()),
                    ("how_long", o.kept.clone()),
                ],
            )
        });
        let classes = self.retention.iter().map(|c| {
            row(
                "class",
                &[
                    ("name", c.class.clone()),
                    ("data", c.covers.clone()),
                    ("basis", c.basis.clone()),
                    ("how_long", how_long(c)),
                    ("note", text(&c.reason)),
                ],
            )
        });
        let measures = self.measures.iter().map(|m| {
            let name = if m.in_force { "in force" } else { "not in force" };
            row("measure", &[("name", name.to_owned()), ("data", m.measure.clone()), ("note", text(&m.note))])
        });
        let gaps = self.gaps.iter().map(|g| {
            row(
                "not-stated",
                &[
                    ("name", g.about.clone()),
                    ("data", g.missing.clone()),
                    ("basis", g.article.clone()),
                    ("note", g.how.clone()),
                ],
            )
        });
        let rows = activities.chain(parties).chain(provenance).chain(own).chain(classes).chain(measures).chain(gaps);
        csv(&head, rows.collect::<Vec<_>>())
    }

    /// As data.
    #[must_use]
    pub fn json(&self) -> String {
        let value = serde_json::to_value(self).unwrap_or(Value::Null);
        format!("{value:#}\n")
    }

    /// For a terminal.
    #[must_use]
    pub fn table(&self) -> String {
        self.doc().text()
    }

    /// As Markdown, for a wiki or an issue.
    #[must_use]
    pub fn markdown(&self) -> String {
        self.doc().markdown()
    }

    /// As a page that prints.
    #[must_use]
    pub fn html(&self) -> String {
        self.doc().html()
    }

    fn doc(&self) -> Doc {
        let or = |t: &Option<String>| t.clone().unwrap_or_else(|| "not stated".to_owned());
        let mut facts = vec![
            ("Controller", or(&self.controller)),
            ("Contact", or(&self.contact)),
            ("Data-protection officer", or(&self.dpo)),
        ];
        facts.extend(self.representative.as_ref().map(|r| ("Representative", r.clone())));
        facts.extend(self.authority.as_ref().map(|a| ("Supervisory authority", a.clone())));
        facts.push(("Policy", self.policy.name.clone()));
        facts.extend(self.law.as_ref().map(|l| ("Law", l.clone())));
        facts.push(("Made", self.generated_at.clone()));
        facts.extend(self.audit_head.as_ref().map(|h| ("Audit chain", format!("event {}, {}", h.sequence, h.hash))));
        let gaps = self.gaps.len() as u64;
        let verdict = match gaps {
            0 => Verdict {
                class: "good",
                headline: "Nothing is missing".into(),
                sentence: "What the record asks of the configuration is stated. Whether it is true is for the controller to say."
                    .into(),
            },
            n => Verdict {
                class: "open",
                headline: format!("{} not stated", html::plural(n, "thing is", "things are")),
                sentence: "The record is no record before these are stated: see the list.".into(),
            },
        };
        let third = self.activities.iter().filter(|a| a.transfer == Transfer::ThirdCountry).count();
        let recipients = self.activities.iter().filter(|a| a.recipient.is_some()).count();
        let mut sections = Vec::new();
        if gaps > 0 {
            sections.push(Section::new("What is not stated", [self.missing()]));
        }
        sections.push(Section::new("Processing activities (Art. 30(1))", self.activities(false)));
        sections.push(Section::new("On behalf of other controllers (Art. 30(2))", self.activities(true)));
        sections.push(Section::new("Instances, and who answers for them", [self.parties()]));
        sections.push(Section::new("What was carried over so far", self.carried()));
        sections.push(Section::new("What efface itself keeps about persons", [self.kept()]));
        sections.push(Section::new("How long (Art. 30(1)(f))", self.how_long()));
        sections.push(Section::new("Security measures (Art. 32(1))", [self.security()]));
        Doc {
            title: "Record of processing activities".into(),
            facts,
            verdict: Some(verdict),
            tiles: vec![
                (self.activities.len().to_string(), "synchronizations"),
                (self.instances.len().to_string(), "instances"),
                (recipients.to_string(), "synchronizations with a recipient"),
                (third.to_string(), "synchronizations to a third country"),
                (self.retention.len().to_string(), "deletion classes"),
                (gaps.to_string(), "things not stated"),
            ],
            sections,
            footer: format!(
                "{SCHEMA}; drawn from the configuration, the policy {} (SHA-256 {}) and the store",
                self.policy.name, self.policy.sha256
            ),
        }
    }

    fn missing(&self) -> Part {
        let rows = self.gaps.iter().map(|g| {
            vec![g.about.clone().into(), g.missing.clone().into(), g.article.clone().into(), g.how.clone().into()]
        });
        grid(
            "What is not stated",
            "What the law asks for, and neither configuration nor policy says.",
            &[("About", "path"), ("Missing", "why"), ("Asked for by", ""), ("How to state it", "why")],
            rows.collect(),
        )
    }

    fn activities(&self, for_others: bool) -> Vec<Part> {
        if self.of(for_others).next().is_none() {
            return vec![Part::Text(if for_others {
                "No synchronization is said to be done on behalf of another controller.".into()
            } else {
                "No synchronization is configured on our own behalf.".into()
            })];
        }
        let rows = self.of(for_others).map(|a| {
            let (class, transfer) = a.transfer.words();
            vec![
                a.sync.clone().into(),
                format!("{}/{}", a.source.instance, a.source.project).into(),
                format!("{}/{}", a.target.instance, a.target.project).into(),
                said(a.purpose.as_ref()),
                said(a.basis.as_ref()),
                a.recipient.clone().unwrap_or_else(|| "none but us".into()).into(),
                Cell::mark(class, transfer),
            ]
        });
        let columns = [
            ("Synchronization", "path"),
            ("From", "path"),
            ("To", "path"),
            ("Purpose", "why"),
            ("Basis", "why"),
            ("Recipient", "why"),
            ("Transfer", ""),
        ];
        let (label, caption) = if for_others {
            ("On behalf of others", "Where we process for another controller.")
        } else {
            ("Processing activities", "Each synchronization, from where to where, why and on which basis.")
        };
        let mut parts = vec![grid(label, caption, &columns, rows.collect())];
        for a in self.of(for_others) {
            parts.push(Part::Heading(format!("Synchronization {}", a.sync)));
            let mut facts = Vec::new();
            facts.extend(a.on_behalf_of.as_ref().map(|b| ("On behalf of".to_owned(), b.clone())));
            let which = if a.chosen_by_query {
                "those that a query of the configuration chooses"
            } else {
                "all of the project"
            };
            facts.push(("Issues".into(), which.into()));
            facts.push(("Persons".into(), a.persons.join("; ")));
            facts.push(("Data".into(), fields(a)));
            let without: Vec<&str> = a.fields.iter().filter(|f| f.data.is_none()).map(|f| f.field.as_str()).collect();
            if !without.is_empty() {
                facts.push(("Carried besides".into(), without.join(", ")));
            }
            facts.push(("Users".into(), a.users.clone()));
            facts.push(("Last run".into(), a.last_run.clone().unwrap_or_else(|| "never to its end".into())));
            facts.extend(
                a.ends.map(|day| ("Ends".to_owned(), format!("{day}; what it wrote stays until retention takes it"))),
            );
            parts.push(Part::Facts(facts));
        }
        parts
    }

    fn parties(&self) -> Part {
        let rows = self.instances.iter().map(|p| {
            vec![
                p.instance.clone().into(),
                match p.flavor {
                    Flavor::Cloud => "Jira Cloud".into(),
                    Flavor::DataCenter => "Jira Data Center".into(),
                },
                role(p.controller).into(),
                said(p.country.as_ref()),
                p.contact.clone().unwrap_or_default().into(),
                mandate(p.erase).into(),
            ]
        });
        let columns = [
            ("Instance", "path"),
            ("Kind", ""),
            ("Who answers", "why"),
            ("Country", ""),
            ("Contact", "path"),
            ("We erase there", ""),
        ];
        grid("Instances", "Whose they are, and whom to tell.", &columns, rows.collect())
    }

    fn carried(&self) -> Vec<Part> {
        if self.provenance.is_empty() {
            return vec![Part::Text("Nothing was carried over yet.".into())];
        }
        let name = |p: &Provenance| {
            if p.configured { p.sync.clone() } else { format!("{} (not configured any more)", p.sync) }
        };
        let bars = Stacked {
            label: "Carried over".into(),
            caption: "What synchronizations made in their targets, as the store knows it.".into(),
            first: "Synchronization",
            kinds: vec![("acts", "Issues"), ("stays", "Comments"), ("asks", "Attachments"), ("plain", "Erased since")],
            rows: self
                .provenance
                .iter()
                .map(|p| (name(p), vec![p.issues, p.comments, p.attachments, p.erased]))
                .collect(),
        };
        let staged_rows = self
            .provenance
            .iter()
            .filter(|p| !p.staged.is_empty())
            .map(|p| vec![name(p).into(), staged(p).into(), p.oldest_staged.clone().unwrap_or_default().into()]);
        let rows: Vec<_> = staged_rows.collect();
        let mut parts = vec![Part::Bars(bars)];
        if !rows.is_empty() {
            let columns = [("Synchronization", "path"), ("Messages and attachments", "why"), ("Oldest", "nobreak")];
            parts.push(grid("Staged", "What lies in the staging area, sealed.", &columns, rows));
        }
        parts
    }

    fn kept(&self) -> Part {
        let rows = self
            .own
            .iter()
            .map(|o| [&o.what, &o.purpose, &o.basis, &o.data, &o.kept].map(|t| Cell::from(t.clone())).to_vec());
        let columns = [("What", "path"), ("Purpose", "why"), ("Basis", "why"), ("Data", "why"), ("How long", "why")];
        grid("What efface keeps", "The privacy work is a processing of its own.", &columns, rows.collect())
    }

    fn how_long(&self) -> Vec<Part> {
        if self.retention.is_empty() {
            return vec![Part::Text("The policy has no deletion class: nothing is deleted by age.".into())];
        }
        let rows = self.retention.iter().map(|c| -> Vec<Cell> {
            let reason = c.reason.clone().unwrap_or_default();
            let owner = c.owner.clone().unwrap_or_default();
            vec![
                c.class.clone().into(),
                c.covers.clone().into(),
                how_long(c).into(),
                c.basis.clone().into(),
                reason.into(),
                owner.into(),
            ]
        });
        let columns = [
            ("Class", "path"),
            ("Records", "why"),
            ("How long", "why"),
            ("Basis", "why"),
            ("Reason", "why"),
            ("Owner", ""),
        ];
        vec![grid(
            "Deletion classes",
            "The first class that covers a record decides; sweeps carry it out.",
            &columns,
            rows.collect(),
        )]
    }

    fn security(&self) -> Part {
        let rows = self.measures.iter().map(|m| {
            let in_force =
                if m.in_force { Cell::mark("good", "in force") } else { Cell::mark("stays", "not in force") };
            vec![m.measure.clone().into(), in_force, m.note.clone().unwrap_or_default().into()]
        });
        let columns = [("Measure", "why"), ("Here", ""), ("Note", "why")];
        grid(
            "Security measures",
            "What efface itself gives; the rest is the controller's to add.",
            &columns,
            rows.collect(),
        )
    }
}

fn fields(a: &Activity) -> String {
    let of = |f: &FieldLine| f.data.as_ref().map(|data| format!("{} ({data})", f.field));
    a.fields.iter().filter_map(of).collect::<Vec<_>>().join("; ")
}

fn staged(p: &Provenance) -> String {
    p.staged.iter().map(|(state, n)| format!("{n} {state}")).collect::<Vec<_>>().join(", ")
}

fn how_long(c: &ClassLine) -> String {
    format!("{} from {}, then {}", c.period, c.start, c.then)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Processing {
        let end = |instance: &str, project: &str| End { instance: instance.into(), project: project.into() };
        let field = |name: &str| FieldLine { field: name.into(), data: category(name).map(str::to_owned) };
        Processing {
            schema: SCHEMA.into(),
            generated_at: "2026-11-27T12:00:00Z".into(),
            controller: Some("Example <Corp>\n1 Street".into()),
            contact: None,
            representative: None,
            dpo: None,
            authority: None,
            policy: PolicyRef { name: "gdpr-default".into(), sha256: "ab".into() },
            law: None,
            instances: vec![Party {
                instance: "partner".into(),
                flavor: Flavor::Cloud,
                controller: Controller::Partner,
                erase: Mandate::Notify,
                country: Some("US".into()),
                contact: Some("privacy@partner.example".into()),
            }],
            activities: vec![Activity {
                sync: "hq-partner".into(),
                on_behalf_of: None,
                purpose: Some("=support".into()),
                basis: None,
                source: end("hq", "HQ"),
                target: end("partner", "PART"),
                chosen_by_query: true,
                fields: ["summary", "priority"].map(field).into(),
                users: "as the same person's account in the target".into(),
                persons: vec!["users of Jira".into()],
                recipient: Some("partner".into()),
                transfer: Transfer::to(Some("US")),
                last_run: None,
                ends: Some("2027-12-31".parse().unwrap()),
            }],
            provenance: vec![Provenance { sync: "old".into(), issues: 3, erased: 1, ..Provenance::default() }],
            own: Vec::new(),
            retention: vec![ClassLine {
                class: "staged".into(),
                covers: "area staging".into(),
                start: "processed".into(),
                period: "1 week".into(),
                then: "delete".into(),
                basis: "GDPR Art. 5(1)(e)".into(),
                reason: None,
                owner: None,
            }],
            measures: vec![Measure { measure: "four eyes".into(), in_force: false, note: None }],
            gaps: vec![Gap {
                about: "sync hq-partner".into(),
                missing: "the legal basis".into(),
                article: "Art. 5(2)".into(),
                how: "[sync.hq-partner] basis".into(),
            }],
            audit_head: None,
        }
    }

    #[test]
    fn where_data_is_taken_follows_from_the_country() {
        let table =
            [(None, Transfer::NotStated), (Some("DE"), Transfer::WithinTheEea), (Some("NO"), Transfer::WithinTheEea)];
        for (country, expected) in
            table.into_iter().chain(["US", "GB", "CH"].map(|c| (Some(c), Transfer::ThirdCountry)))
        {
            assert_eq!(Transfer::to(country), expected, "{country:?}");
        }
        assert!(EEA.is_sorted() && EEA.windows(2).all(|w| w[0] != w[1]));
    }

    #[test]
    fn every_face_says_what_is_done_and_what_is_not_stated() {
        let r = record();
        for face in [r.table(), r.csv(), r.html()] {
            for word in [
                "hq-partner",
                "to a third country",
                "the legal basis",
                "1 week from processed, then delete",
                "not in force",
            ] {
                assert!(face.contains(word), "{word}: {face}");
            }
            assert!(face.contains("free text, which may name anybody") && face.contains("old"), "{face}");
        }
        assert!(r.table().contains("2027-12-31; what it wrote stays"));
        assert!(r.table().contains("1 thing is not stated") && r.html().contains("Example &#60;Corp&#62;"));
        assert!(r.csv().contains("'=support"));
        assert_eq!(serde_json::from_str::<Processing>(&r.json()).unwrap(), r);
        assert_eq!(
            (r.table(), r.csv(), r.json(), r.html()),
            (record().table(), record().csv(), record().json(), record().html())
        );
        let whole = Processing { gaps: Vec::new(), ..record() };
        assert!(whole.table().contains("Nothing is missing") && !whole.table().contains("What is not stated"));
    }

    #[test]
    fn what_is_done_for_another_controller_stands_apart() {
        let mut r = record();
        assert!(r.table().contains("No synchronization is said to be done on behalf of another controller."));
        r.activities[0].on_behalf_of = Some("Other Corp".into());
        assert!(r.table().contains("No synchronization is configured on our own behalf."));
        assert!(r.html().contains("Other Corp"));
    }
}
