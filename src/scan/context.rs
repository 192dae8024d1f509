//! What a walker has to know about where it is.

use crate::{
    model::{InstanceName, Place, ProjectKey, RecordRef, RecordTimes},
    subject::Scope,
};

/// Where the walked data lies and whose identifiers apply there.
#[derive(Debug, Clone)]
pub struct Context {
    /// The place.
    pub place: Place,
    /// The instance, for remote places.
    pub instance: Option<InstanceName>,
    /// The project, for remote places.
    pub project: Option<ProjectKey>,
    /// Instances whose identifiers apply; `None` where every instance's do, as in a foreign folder.
    pub scope: Option<Vec<InstanceName>>,
    /// The record that is walked. Walkers of a Jira issue make their own for its parts.
    pub record: RecordRef,
    /// When the record was made and changed, as far as it is known before its content is read.
    pub times: RecordTimes,
    /// How the field of a reference is named.
    pub fields: Fields,
}

/// How a reference's field is named from its JSON pointer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fields {
    /// Always so.
    Fixed(String),
    /// The first member name: `body` of a comment.
    First,
    /// As [`Fields::First`], but below `fields` the field id: `summary` of an issue.
    Issue,
    /// The last member name: `fromString` of a history item.
    Last,
}

impl Context {
    /// A context for `record` of `place` where every instance's identifiers apply.
    #[must_use]
    pub const fn new(place: Place, record: RecordRef) -> Self {
        Self {
            place,
            instance: None,
            project: None,
            scope: None,
            record,
            times: RecordTimes { created: None, updated: None },
            fields: Fields::First,
        }
    }

    /// The same place with another record.
    #[must_use]
    pub fn with_record(&self, record: RecordRef, times: RecordTimes, fields: Fields) -> Self {
        Self { record, times, fields, ..self.clone() }
    }

    /// Whose identifiers apply.
    #[must_use]
    pub fn scope(&self) -> Scope<'_> {
        self.scope.as_deref().map_or(Scope::Any, Scope::Only)
    }

    /// The name of the field at a JSON pointer.
    pub(super) fn field(&self, pointer: &str) -> String {
        let mut parts = pointer.split('/').skip(1);
        let part = match &self.fields {
            Fields::Fixed(name) => return name.clone(),
            Fields::First => parts.next(),
            Fields::Issue => match parts.next() {
                Some("fields") => parts.next(),
                other => other,
            },
            Fields::Last => pointer.rsplit('/').find(|p| !p.bytes().all(|b| b.is_ascii_digit())),
        };
        part.unwrap_or_default().replace("~1", "/").replace("~0", "~")
    }
}

/// Appends a member name or index to a JSON pointer (RFC 6901).
pub(crate) fn child(pointer: &str, part: &str) -> String {
    if part.contains(['~', '/']) {
        format!("{pointer}/{}", part.replace('~', "~0").replace('/', "~1"))
    } else {
        format!("{pointer}/{part}")
    }
}
