//! The coverage matrix: every kind of place in which a Jira keeps something about a person, and what a scan did about it.
//!
//! The list is drawn from Atlassian's right-of-access guide for Data Center (places in Jira and in the file system) and
//! from JIRA.md's "Where a person stands". It says nothing by itself: a place that no scan speaks of is `unexamined`.

use serde::{Deserialize, Serialize};

use super::{Coverage, CoverageStatus, InstanceName};

/// Where a kind of place lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StorageArea {
    /// In Jira, as its users and administrators see it.
    Jira,
    /// In the file system and beside it: home folder, database, backups.
    FileSystem,
}

macro_rules! storage {
    ($($variant:ident $area:ident $name:literal $title:literal)*) => {
        /// A kind of storage place.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Storage {
            $(#[doc = $title] $variant,)*
        }

        impl Storage {
            /// All of them, in the order of reports.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The spelling used in JSON.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What a person calls it.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }

            /// Where it lies.
            #[must_use]
            pub const fn area(self) -> StorageArea {
                match self { $(Self::$variant => StorageArea::$area,)* }
            }
        }
    };
}

storage! {
    Issues Jira "issues" "Issues: people, text and custom fields, labels, links"
    Comments Jira "comments" "Comments"
    CommentProperties Jira "comment-properties" "Comment properties"
    Worklogs Jira "worklogs" "Worklogs"
    WorklogProperties Jira "worklog-properties" "Worklog properties"
    Attachments Jira "attachments" "Attachments: names and content"
    History Jira "history" "Issue history"
    Watchers Jira "watchers" "Watchers"
    Votes Jira "votes" "Votes"
    RemoteLinks Jira "remote-links" "Remote links"
    IssueProperties Jira "issue-properties" "Issue properties"
    HiddenIssues Jira "hidden-issues" "Issues that the account does not see"
    HiddenComments Jira "hidden-comments" "Comments and worklogs restricted to others"
    Projects Jira "projects" "Project: lead, name, description"
    Components Jira "components" "Components: leads, names, descriptions"
    Versions Jira "versions" "Versions: names, descriptions"
    Roles Jira "roles" "Project roles and who plays them"
    ProjectProperties Jira "project-properties" "Project properties"
    Schemes Jira "schemes" "Permission and notification schemes"
    SecurityLevels Jira "security-levels" "Security levels and their members"
    Boards Jira "boards" "Boards, sprints and their filters"
    UserProfile Jira "user-profile" "The person's own account: profile, avatar, groups"
    UserProperties Jira "user-properties" "Properties of the person's account"
    Filters Jira "filters" "Filters: owners, shares, JQL"
    Dashboards Jira "dashboards" "Dashboards: owners, shares"
    AuditLog Jira "audit-log" "Audit log"
    OtherProjects Jira "other-projects" "Projects that are not synchronised"
    ServiceDesk Jira "service-desk" "Customers, organisations and queues of a service desk"
    Workflows Jira "workflows" "Workflows, automation rules and subscriptions"
    Apps Jira "apps" "What apps keep for themselves"
    ActivityStreams Jira "activity-streams" "Activity streams"
    Mail Jira "mail" "Mail that was sent"
    Webhooks Jira "webhooks" "Webhooks that were delivered"
    Staging FileSystem "staging" "efface's own staging area"
    OwnStore FileSystem "own-store" "efface's own store and configuration"
    OtherTools FileSystem "other-tools" "Other sync tools' folders"
    Logs FileSystem "logs" "Log files"
    AttachmentFiles FileSystem "attachment-files" "Attachment files"
    AvatarFiles FileSystem "avatar-files" "Avatars and logos"
    Caches FileSystem "caches" "Caches"
    SearchIndex FileSystem "search-index" "Search index"
    Exports FileSystem "exports" "Exports and XML backups"
    SupportZips FileSystem "support-zips" "Support zips"
    Imports FileSystem "imports" "Imports and the mail queue"
    PluginData FileSystem "plugin-data" "Data of plugins"
    Temporary FileSystem "temporary" "Temporary files"
    OtherFiles FileSystem "other-files" "Everything else in the home folder"
    Database FileSystem "database" "Database"
    Backups FileSystem "backups" "Backups of database and home folder"
}

/// What a scan did about a kind of place; ordered so that the worse of two is the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MatrixStatus {
    /// There is none.
    Absent,
    /// All of it was read.
    Examined,
    /// It cannot be read from here; somebody else can.
    OutOfReach,
    /// A part was read.
    Partial,
    /// It was not read.
    Unexamined,
}

impl MatrixStatus {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Absent, Self::Examined, Self::OutOfReach, Self::Partial, Self::Unexamined];

    /// As people read it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Examined => "examined",
            Self::OutOfReach => "out of reach",
            Self::Partial => "partial",
            Self::Unexamined => "unexamined",
        }
    }

    /// Whether nothing is left unread.
    #[must_use]
    pub const fn is_complete(self) -> bool {
        matches!(self, Self::Examined | Self::Absent)
    }
}

/// What a scan found out about a kind of place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What was done.
    pub status: MatrixStatus,
    /// Why it was not read in full, or what is to be known; never an identifier.
    pub reason: Option<String>,
    /// Who could look.
    pub ask: Option<String>,
}

impl Fact {
    /// A place that was read.
    #[must_use]
    pub const fn examined() -> Self {
        Self { status: MatrixStatus::Examined, reason: None, ask: None }
    }

    /// A place with a reason.
    pub fn new(status: MatrixStatus, reason: impl Into<String>) -> Self {
        Self { status, reason: Some(reason.into()), ask: None }
    }

    /// What a line of the coverage says.
    #[must_use]
    pub fn of(line: &Coverage) -> Self {
        let status = match line.status {
            CoverageStatus::Examined => MatrixStatus::Examined,
            CoverageStatus::Absent => MatrixStatus::Absent,
            CoverageStatus::Partial => MatrixStatus::Partial,
            CoverageStatus::Unexamined => MatrixStatus::Unexamined,
        };
        Self { status, reason: line.reason.clone(), ask: None }
    }

    /// The same with whom to ask.
    #[must_use]
    pub fn asking(self, who: impl Into<String>) -> Self {
        Self { ask: Some(who.into()), ..self }
    }

    /// The worse of two; of two alike, the one that says why.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        let pair = [self.status, other.status];
        let mixed = pair.contains(&MatrixStatus::Examined) && pair.contains(&MatrixStatus::OutOfReach);
        let mut worse = self.the_worse(other);
        if mixed {
            worse.status = MatrixStatus::Partial;
        }
        worse
    }

    fn the_worse(self, other: Self) -> Self {
        match (self.status, self.reason.is_some()).cmp(&(other.status, other.reason.is_some())) {
            std::cmp::Ordering::Less => other,
            _ => self,
        }
    }
}

/// One row of the matrix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatrixRow {
    /// The instance; `None` for the host on which efface runs.
    pub instance: Option<InstanceName>,
    /// In Jira, or in the file system.
    pub area: StorageArea,
    /// The kind of place.
    pub place: Storage,
    /// What was done about it.
    pub status: MatrixStatus,
    /// Why it was not read in full, or what is to be known.
    pub reason: Option<String>,
    /// Who could look.
    pub ask: Option<String>,
}

impl MatrixRow {
    /// The reason of a row that nothing speaks of.
    pub const NO_PART: &str = "no part of this scan";

    /// A row from what was found out; without it, the place is unexamined.
    #[must_use]
    pub fn new(instance: Option<InstanceName>, place: Storage, fact: Option<Fact>) -> Self {
        let fact = fact.unwrap_or_else(|| Fact::new(MatrixStatus::Unexamined, Self::NO_PART));
        Self { instance, area: place.area(), place, status: fact.status, reason: fact.reason, ask: fact.ask }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_kind_has_a_name_of_its_own_which_json_shares() {
        let names: BTreeSet<&str> = Storage::ALL.iter().map(|s| s.as_str()).collect();
        assert_eq!(names.len(), Storage::ALL.len());
        for storage in Storage::ALL {
            assert_eq!(serde_json::to_value(storage).unwrap(), storage.as_str());
        }
    }

    #[test]
    fn what_nothing_is_known_of_is_unexamined() {
        let row = MatrixRow::new(None, Storage::Caches, None);
        assert_eq!((row.status, row.area), (MatrixStatus::Unexamined, StorageArea::FileSystem));
        let worse = Fact::examined().worse(Fact::new(MatrixStatus::Partial, "x")).worse(Fact::examined());
        assert_eq!(worse.status, MatrixStatus::Partial);
    }
}
