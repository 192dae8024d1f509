//! Why a message, or a whole synchronization, did not get through.

use crate::{
    jira::{ErrorKind, JiraError},
    model::{InstanceName, SyncName},
    staging::{IssueRef, StagingError},
    store::StoreError,
};

/// What can go wrong in a run. No variant carries content of a message.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// Jira.
    #[error(transparent)]
    Jira(#[from] JiraError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The staging area.
    #[error(transparent)]
    Staging(#[from] StagingError),
    /// A stream could not be written.
    #[error("cannot write to the staging area: {0}")]
    Local(std::io::Error),
    /// The configuration has no such synchronization.
    #[error("there is no [sync.{0}] in the configuration")]
    Unknown(SyncName),
    /// What was asked for makes no sense.
    #[error("{0}")]
    Asked(String),
    /// No client was given for an instance.
    #[error("no connection to instance {0}")]
    NoClient(InstanceName),
    /// The home folder is not configured.
    #[error("the configuration has no [home] section, where the staging area would be")]
    NoHome,
    /// The source's pages shifted under the search.
    #[error("the source's search changed while it was read; the next run reads it again")]
    PagesShifted,
    /// A create may have happened, and several things in the target could be it.
    #[error("a create may have happened and more than one {0} in the target could be it")]
    Ambiguous(&'static str),
    /// The target's issue is gone.
    #[error("the target's issue is gone or not visible")]
    TargetGone,
    /// A suppressed person's bare name stands in the change.
    #[error("a name on the suppression list stands in the text; it may be a namesake's")]
    Name,
    /// A hold keeps it where it is.
    #[error("a hold covers the change")]
    Held,
    /// An earlier message of the same issue is parked.
    #[error("an earlier change of the same issue is parked")]
    Behind,
    /// A field was changed on both sides, and a person is to choose.
    #[error("it was changed on both sides")]
    Conflict,
    /// The other leg of a two-way synchronization has to find out first what it made.
    #[error("the other direction may have made it and does not know yet; the next run looks again")]
    InDoubt,
    /// A subtask's parent has no copy yet.
    #[error("its parent {} is not carried over yet", .0.key)]
    Waits(IssueRef),
    /// The target has no issue type that could be used.
    #[error("the target project has no issue type that could be used")]
    NoType,
}

impl SyncError {
    /// A word for the kind, for the store and JSON.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Jira(e) => e.kind().as_str(),
            Self::Store(_) => "store",
            Self::Staging(_) | Self::Local(_) => "staging",
            Self::Unknown(_) | Self::Asked(_) | Self::NoClient(_) | Self::NoHome => "config",
            Self::PagesShifted => "pages-shifted",
            Self::Ambiguous(_) => "ambiguous",
            Self::TargetGone => "target-gone",
            Self::Name => "name",
            Self::Held => "held",
            Self::Behind => "behind",
            Self::Conflict => "conflict",
            Self::InDoubt => "in-doubt",
            Self::Waits(_) => super::relations::missing::PARENT,
            Self::NoType => "no-issue-type",
        }
    }

    /// What to do about it; a fixed text, so that it can be stored in clear.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Jira(e) => format!("{} {}: {}", e.method, e.path, e.hint).trim().to_owned(),
            Self::Ambiguous(what) => {
                format!("delete the duplicate {what} in the target, then: efface sync retry")
            }
            Self::TargetGone => {
                "the paired issue was deleted or moved in the target, or the bot lost its permission".into()
            }
            Self::Name => {
                "a bare name on the suppression list: review it in the source; then retry with --reviewed if it is a \
                 namesake's, or set names = \"cut\""
                    .into()
            }
            Self::Held => "a hold covers it; it follows when that is released: efface hold list".into(),
            Self::Behind => "it follows when the earlier change of its issue has gone through".into(),
            Self::Conflict => {
                "changed on both sides: take one with efface sync retry ID --take source (or target)".into()
            }
            Self::InDoubt => "run again".into(),
            Self::Waits(_) => "it follows when its parent has a copy".into(),
            Self::NoType => "map the source's issue types under [sync.….issue_types]".into(),
            Self::Store(_) => "see the state folder".into(),
            Self::Staging(_) | Self::Local(_) => "see the staging folder".into(),
            Self::Unknown(_) | Self::Asked(_) | Self::NoClient(_) | Self::NoHome => "see the configuration".into(),
            Self::PagesShifted => "run again".into(),
        }
    }

    /// Whether the server, the store or the disk is at fault rather than one message, so that going on makes no sense.
    #[must_use]
    pub fn stops_everything(&self) -> bool {
        match self {
            Self::Jira(e) => matches!(
                e.kind(),
                ErrorKind::Unauthorized
                    | ErrorKind::Network
                    | ErrorKind::Tls
                    | ErrorKind::Timeout
                    | ErrorKind::RateLimited
                    | ErrorKind::ProjectNotVisible
                    | ErrorKind::Config
            ),
            Self::Store(_) | Self::Unknown(_) | Self::Asked(_) | Self::NoClient(_) | Self::NoHome => true,
            Self::Local(_) => true,
            _ => false,
        }
    }

    /// Whether an error that stops everything may yet be about one message: one too large for a proxy, say, which cuts the
    /// connection each time. Whether it is, tells an instance that answers.
    #[must_use]
    pub fn may_be_about_one(&self) -> bool {
        let kinds = [ErrorKind::Network, ErrorKind::Timeout, ErrorKind::RateLimited, ErrorKind::Unauthorized];
        matches!(self, Self::Jira(e) if kinds.contains(&e.kind()))
    }

    /// Whether the same message may get through later without anybody changing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Jira(e) => e.kind().is_transient() || e.kind() == ErrorKind::Doubtful,
            // What the other direction takes settles it here as well.
            Self::Staging(StagingError::Lock(_)) | Self::Conflict | Self::InDoubt => true,
            _ => self.stops_everything(),
        }
    }
}
