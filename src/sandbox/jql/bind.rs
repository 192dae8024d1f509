//! Tree → tests: fields are known, values exist, dates are instants. What is unknown is an error, as at Jira.

use chrono::{DateTime, Datelike, Duration, NaiveDate, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;

use super::{
    bad,
    parse::{Op, Operand, Tree},
};
use crate::sandbox::{
    fields,
    http::Failure,
    state::{Issue, World, catalog},
};

/// A field that JQL can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Project,
    Key,
    Status,
    StatusCategory,
    Type,
    Priority,
    Resolution,
    Labels,
    Assignee,
    Reporter,
    Creator,
    Watcher,
    Voter,
    WorklogAuthor,
    Approver,
    Participants,
    Contact,
    Component,
    Version,
    FixVersion,
    Parent,
    Summary,
    Description,
    Environment,
    Comment,
    Text,
    Created,
    Updated,
    Resolved,
    Due,
}

impl Field {
    fn by_name(name: &str) -> Option<Self> {
        let lower = name.to_lowercase();
        let system = match lower.as_str() {
            "project" => Self::Project,
            "key" | "issuekey" | "issue" | "id" => Self::Key,
            "status" => Self::Status,
            "statuscategory" => Self::StatusCategory,
            "issuetype" | "type" => Self::Type,
            "priority" => Self::Priority,
            "resolution" => Self::Resolution,
            "labels" => Self::Labels,
            "assignee" => Self::Assignee,
            "reporter" => Self::Reporter,
            "creator" => Self::Creator,
            "watcher" => Self::Watcher,
            "voter" => Self::Voter,
            "worklogauthor" => Self::WorklogAuthor,
            "component" => Self::Component,
            "affectedversion" => Self::Version,
            "fixversion" => Self::FixVersion,
            "parent" => Self::Parent,
            "summary" => Self::Summary,
            "description" => Self::Description,
            "environment" => Self::Environment,
            "comment" => Self::Comment,
            "text" => Self::Text,
            "created" | "createddate" => Self::Created,
            "updated" | "updateddate" => Self::Updated,
            "resolved" | "resolutiondate" => Self::Resolved,
            "due" | "duedate" => Self::Due,
            _ => {
                let custom = fields::FIELDS
                    .iter()
                    .find(|f| !f.custom.is_empty() && f.clauses.iter().any(|c| c.to_lowercase() == lower))?;
                return Some(match custom.id {
                    fields::CUSTOM_TEXT => Self::Contact,
                    fields::CUSTOM_USER => Self::Approver,
                    fields::CUSTOM_USERS => Self::Participants,
                    _ => return None,
                });
            }
        };
        Some(system)
    }

    const fn is_text(self) -> bool {
        matches!(
            self,
            Self::Summary | Self::Description | Self::Environment | Self::Comment | Self::Text | Self::Contact
        )
    }

    pub(super) const fn is_user(self) -> bool {
        matches!(
            self,
            Self::Assignee
                | Self::Reporter
                | Self::Creator
                | Self::Watcher
                | Self::Voter
                | Self::WorklogAuthor
                | Self::Approver
                | Self::Participants
        )
    }

    const fn is_date(self) -> bool {
        matches!(self, Self::Created | Self::Updated | Self::Resolved | Self::Due)
    }

    const fn takes(self, op: Op) -> bool {
        let empty = matches!(op, Op::Is | Op::IsNot);
        let equal = matches!(op, Op::Eq | Op::Ne | Op::In | Op::NotIn);
        let range = matches!(op, Op::Lt | Op::Le | Op::Gt | Op::Ge);
        if self.is_text() {
            matches!(op, Op::Like | Op::NotLike) || (empty && !matches!(self, Self::Text))
        } else if self.is_date() || matches!(self, Self::Key) {
            range || equal || empty
        } else {
            equal || empty
        }
    }
}

/// A field that issues can be ordered by.
pub(super) fn order_field(name: &str) -> Result<Field, Failure> {
    Field::by_name(name)
        .filter(|f| !matches!(f, Field::Text | Field::Comment))
        .ok_or_else(|| bad(format!("Not able to sort using field '{name}'.")))
}

/// A value of a field, comparable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Atom {
    Id(u64),
    Text(String),
}

/// A test that an issue passes or not.
#[derive(Debug, Clone)]
pub(super) enum Test {
    All(Vec<Test>),
    Any(Vec<Test>),
    Not(Box<Test>),
    /// One of the values, or (where `empty`) no value at all.
    OneOf {
        field: Field,
        values: Vec<Atom>,
        empty: bool,
    },
    /// Has values, none of them these: an empty field passes neither `=` nor `!=`, as at Jira.
    NoneOf {
        field: Field,
        values: Vec<Atom>,
    },
    /// Words of a text.
    Words {
        field: Field,
        phrase: Phrase,
        negated: bool,
    },
    TextEmpty {
        field: Field,
    },
    Date {
        field: Field,
        op: Op,
        at: DateTime<Utc>,
    },
    KeyRange {
        project: usize,
        number: u64,
        op: Op,
    },
}

/// What `~` looks for: all words, or one phrase where the value is quoted inside.
#[derive(Debug, Clone)]
pub(super) struct Phrase {
    pub(super) words: Vec<String>,
    pub(super) exact: bool,
}

/// Resolves a tree.
///
/// # Errors
/// Jira's message for unknown fields, functions, values, and operators that a field does not take.
pub(super) fn bind(world: &World, tree: &Tree) -> Result<Test, Failure> {
    Ok(match tree {
        Tree::And(all) => Test::All(all.iter().map(|t| bind(world, t)).collect::<Result<_, _>>()?),
        Tree::Or(all) => Test::Any(all.iter().map(|t| bind(world, t)).collect::<Result<_, _>>()?),
        Tree::Not(inner) => Test::Not(Box::new(bind(world, inner)?)),
        Tree::Term { field, op, operand } => term(world, field, *op, operand)?,
    })
}

fn term(world: &World, name: &str, op: Op, operand: &Operand) -> Result<Test, Failure> {
    let field = Field::by_name(name)
        .ok_or_else(|| bad(format!("Field '{name}' does not exist or you do not have permission to view it.")))?;
    if !field.takes(op) {
        return Err(bad(format!("The operator '{}' is not supported by the '{name}' field.", op.text())));
    }
    if matches!(op, Op::In | Op::NotIn) && !matches!(operand, Operand::List(_) | Operand::Function(..)) {
        return Err(bad(format!("Operator '{}' does not support the non-list value for field '{name}'.", op.text())));
    }
    if !matches!(op, Op::In | Op::NotIn) && matches!(operand, Operand::List(_)) {
        return Err(bad(format!("Operator '{}' does not support the list value for field '{name}'.", op.text())));
    }
    if matches!(op, Op::Is | Op::IsNot) && *operand != Operand::Empty {
        return Err(bad(format!("The '{}' operator only supports 'EMPTY' or 'NULL'.", op.text())));
    }
    let negated = matches!(op, Op::Ne | Op::NotIn | Op::NotLike | Op::IsNot);
    if field.is_text() {
        return Ok(match operand {
            Operand::Empty if negated => Test::Not(Box::new(Test::TextEmpty { field })),
            Operand::Empty => Test::TextEmpty { field },
            Operand::Value(text) => Test::Words { field, phrase: phrase(name, text)?, negated },
            Operand::Function(f, _) => return Err(no_function(f)),
            Operand::List(_) => return Err(bad(format!("Operator '~' does not support lists for field '{name}'."))),
        });
    }
    if let (Field::Key, Op::Lt | Op::Le | Op::Gt | Op::Ge, Operand::Value(key)) = (field, op, operand) {
        let issue = issue_of(world, name, key)?;
        return Ok(Test::KeyRange { project: issue.project, number: issue.number, op });
    }
    if field.is_date() && *operand != Operand::Empty {
        let dates: Vec<DateTime<Utc>> = match operand {
            Operand::List(list) => list.iter().map(|o| date(world, name, o)).collect::<Result<_, _>>()?,
            one => vec![date(world, name, one)?],
        };
        let exact = |at| Test::Date { field, op: Op::Eq, at };
        return Ok(match op {
            Op::In => Test::Any(dates.into_iter().map(exact).collect()),
            Op::NotIn | Op::Ne => Test::Not(Box::new(Test::Any(dates.into_iter().map(exact).collect()))),
            op => Test::All(dates.into_iter().map(|at| Test::Date { field, op, at }).collect()),
        });
    }
    let mut values = Vec::new();
    let mut empty = false;
    let operands = match operand {
        Operand::List(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    for one in operands {
        match one {
            Operand::Empty => empty = true,
            // Jira's own name for an empty resolution.
            Operand::Value(v) if field == Field::Resolution && v.eq_ignore_ascii_case("unresolved") => empty = true,
            Operand::Value(v) => values.push(atom(world, field, name, v)?),
            Operand::Function(f, _) if f.eq_ignore_ascii_case("currentUser") && field.is_user() => {
                values.push(Atom::Id(world.ctx.actor as u64));
            }
            Operand::Function(f, _) => return Err(no_function(f)),
            Operand::List(_) => return Err(bad("Error in the JQL Query: A list cannot stand inside a list.")),
        }
    }
    Ok(if negated { Test::NoneOf { field, values } } else { Test::OneOf { field, values, empty } })
}

fn no_function(name: &str) -> Failure {
    bad(format!("Unable to find JQL function '{name}()'."))
}

fn no_value(name: &str, value: &str) -> Failure {
    bad(format!("The value '{value}' does not exist for the field '{name}'."))
}

fn issue_of<'w>(world: &'w World, name: &str, key: &str) -> Result<&'w Issue, Failure> {
    world
        .find_issue(key)
        .and_then(|id| world.issue(id))
        .map_err(|_| bad(format!("An issue with key '{key}' does not exist for field '{name}'.")))
}

fn atom(world: &World, field: Field, name: &str, value: &str) -> Result<Atom, Failure> {
    let same = |n: &str| n.eq_ignore_ascii_case(value);
    let id = |found: Option<u64>| found.map(Atom::Id).ok_or_else(|| no_value(name, value));
    if field.is_user() {
        let found = world.find_user(value).or_else(|| {
            world.users.iter().position(|u| u.email.as_deref().is_some_and(|e| e.eq_ignore_ascii_case(value)))
        });
        return id(found.map(|u| u as u64));
    }
    let projects = || world.projects.iter().enumerate().filter(|(ix, _)| !world.is_hidden(*ix));
    match field {
        Field::Project => id(projects()
            .find(|(_, p)| same(&p.key) || same(&p.name) || p.id.to_string() == value)
            .map(|(ix, _)| ix as u64)),
        Field::Key | Field::Parent => Ok(Atom::Id(issue_of(world, name, value)?.id)),
        Field::Status => id(catalog::STATUSES.iter().find(|s| same(s.name) || s.id.to_string() == value).map(|s| s.id)),
        Field::StatusCategory => id(catalog::STATUSES
            .iter()
            .map(|s| s.category)
            .find(|c| same(c.3) || same(c.1) || c.0.to_string() == value)
            .map(|c| c.0)),
        Field::Type => {
            id(catalog::ISSUE_TYPES.iter().find(|t| same(t.name) || t.id.to_string() == value).map(|t| t.id))
        }
        Field::Priority => id(catalog::PRIORITIES.iter().find(|p| same(p.1) || p.0.to_string() == value).map(|p| p.0)),
        Field::Resolution => {
            id(catalog::RESOLUTIONS.iter().find(|r| same(r.1) || r.0.to_string() == value).map(|r| r.0))
        }
        Field::Component => id(projects()
            .flat_map(|(_, p)| &p.components)
            .find(|c| same(&c.name) || c.id.to_string() == value)
            .map(|c| c.id)),
        Field::Version | Field::FixVersion => id(projects()
            .flat_map(|(_, p)| &p.versions)
            .find(|v| same(&v.name) || v.id.to_string() == value)
            .map(|v| v.id)),
        _ => Ok(Atom::Text(value.to_owned())),
    }
}

/// Splits a text into the words that the index knows: runs of letters and digits, in lower case.
pub(super) fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_lowercase)
}

fn phrase(name: &str, text: &str) -> Result<Phrase, Failure> {
    let trimmed = text.trim();
    let exact = trimmed.len() > 1 && trimmed.starts_with('"') && trimmed.ends_with('"');
    if trimmed.starts_with(['*', '?']) {
        return Err(bad(format!(
            "Unable to parse the text '{text}' for field '{name}': '*' or '?' not allowed as first character."
        )));
    }
    // A trailing star is kept on its word: a prefix search.
    let words: Vec<String> = trimmed
        .split(|c: char| !c.is_alphanumeric() && c != '*')
        .filter(|w| w.chars().any(char::is_alphanumeric))
        .map(str::to_lowercase)
        .collect();
    if words.is_empty() {
        return Err(bad(format!("The text query '{text}' for field '{name}' is empty.")));
    }
    Ok(Phrase { words, exact })
}

fn date(world: &World, name: &str, operand: &Operand) -> Result<DateTime<Utc>, Failure> {
    let zone: Tz = world.user(world.ctx.actor).time_zone.parse().unwrap_or(Tz::UTC);
    let now = world.ctx.now;
    let local = |t: NaiveDateTime| {
        // A local time that a clock change skips is taken as the hour after, one that it repeats as the first.
        zone.from_local_datetime(&t)
            .earliest()
            .or_else(|| zone.from_local_datetime(&(t + Duration::hours(1))).earliest())
            .map(|t| t.with_timezone(&Utc))
    };
    let found = match operand {
        Operand::Value(text) => instant(text.trim(), now, local),
        Operand::Function(f, arguments) => {
            let today = now.with_timezone(&zone).date_naive();
            let day = match f.to_lowercase().as_str() {
                "now" => return Ok(now),
                "startofday" | "endofday" => today,
                "startofweek" => today - Duration::days(i64::from(today.weekday().num_days_from_sunday())),
                "startofmonth" => today.with_day(1).unwrap_or(today),
                "startofyear" => today.with_ordinal(1).unwrap_or(today),
                _ => return Err(no_function(f)),
            };
            let shift = match arguments.first() {
                None => Duration::zero(),
                Some(a) => period(
                    if a.chars().all(|c| c.is_ascii_digit() || c == '-') { format!("{a}d") } else { a.clone() }
                        .as_str(),
                )
                .ok_or_else(|| bad(format!("The argument '{a}' of '{f}()' is not a valid increment.")))?,
            };
            let end = if f.eq_ignore_ascii_case("endOfDay") {
                Duration::days(1) - Duration::seconds(1)
            } else {
                Duration::zero()
            };
            day.and_hms_opt(0, 0, 0).and_then(local).map(|t| t + end + shift)
        }
        Operand::Empty | Operand::List(_) => None,
    };
    found.ok_or_else(|| {
        let given = match operand {
            Operand::Value(v) => v.as_str(),
            _ => "",
        };
        bad(format!(
            "Date value '{given}' for field '{name}' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', \
             'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'."
        ))
    })
}

fn instant(
    text: &str,
    now: DateTime<Utc>,
    local: impl Fn(NaiveDateTime) -> Option<DateTime<Utc>>,
) -> Option<DateTime<Utc>> {
    let dashed = text.replace('/', "-");
    // Minutes are all that JQL has: seconds are not a valid format.
    if let Ok(t) = NaiveDateTime::parse_from_str(&format!("{dashed}:00"), "%Y-%m-%d %H:%M:%S") {
        return local(t);
    }
    if let Ok(d) = NaiveDate::parse_from_str(&dashed, "%Y-%m-%d") {
        return local(d.and_hms_opt(0, 0, 0)?);
    }
    if text.len() > 9 && text.bytes().all(|b| b.is_ascii_digit()) {
        return DateTime::from_timestamp_millis(text.parse().ok()?);
    }
    Some(now + period(text)?)
}

/// "-5m", "4w 2d": a sign, then numbers with units; a number alone is minutes.
fn period(text: &str) -> Option<Duration> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut total = Duration::zero();
    let mut any = false;
    for part in rest.split_whitespace() {
        let digits = part.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let n: i64 = digits.parse().ok()?;
        total += match &part[digits.len()..] {
            "w" => Duration::try_weeks(n)?,
            "d" => Duration::try_days(n)?,
            "h" => Duration::try_hours(n)?,
            "m" | "" => Duration::try_minutes(n)?,
            _ => return None,
        };
        any = true;
    }
    any.then_some(total * sign)
}
