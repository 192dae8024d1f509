//! Switches that make the world unkind. What each does to a client, and what this tool does against it: `docs/UNKIND.md`.

use std::time::Duration;

use super::{Control, toggle};
use crate::sandbox::{RateLimit, RedactionHistory, RedactionPlan, SandboxError, Workflow, state::World};

fn chrono_duration(duration: Duration) -> chrono::Duration {
    chrono::Duration::from_std(duration).unwrap_or(chrono::Duration::MAX)
}

fn issue_id(world: &World, key: &str) -> Result<u64, SandboxError> {
    // Not `find_issue`: a switch reaches what the bot cannot see.
    world.keys.get(key).copied().ok_or_else(|| SandboxError::Refused("there is no such issue".to_owned()))
}

/// How far the clock of an unkind sandbox is ahead.
const AHEAD_SECONDS: i64 = 150;

impl Control {
    /// Turns on all at once what a correct client survives without help: every ninth read goes wrong (429, 500, half a body,
    /// no answer, by turns), real rate limits, pages that come short, empty or cut, a search index two seconds behind, a
    /// clock two and a half minutes ahead, no seat in the role "Administrators" (whose comments are then invisible), the
    /// second issue under a security level and the fourth archived, a corrupted account (Cloud), a webhook that listens.
    ///
    /// Left out is what no client can mend by itself but a person must decide: permissions, required fields, screens,
    /// strict workflows, writes whose answer is lost.
    pub fn make_unkind(&self) {
        self.fault_every(9);
        let mut world = self.0.world();
        let cloud = world.is_cloud();
        let limit = if cloud {
            RateLimit::CLOUD
        } else {
            RateLimit::TokenBucket { limit: 100, fill: 50, interval: Duration::from_secs(1) }
        };
        let clock = world.clock.clone();
        world.clock = std::sync::Arc::new(move || clock() + chrono::Duration::seconds(AHEAD_SECONDS));
        let ids: Vec<u64> = world.issues.keys().copied().collect();
        let switches = &mut world.switches;
        switches.short_pages = true;
        switches.page_cap = Some(20);
        switches.search_lag = chrono::Duration::seconds(2);
        switches.index_lag = chrono::Duration::seconds(2);
        switches.webhook_listener = true;
        switches.outside.extend(["Administrators".to_owned(), "Managers".to_owned()]);
        if let Some(id) = ids.get(1) {
            world.unkind.security.insert(*id, "Managers".to_owned());
        }
        if let Some(id) = ids.get(3) {
            world.unkind.archived.insert(*id);
        }
        let last = world.users.last().map(|u| u.id.clone()).unwrap_or_default();
        drop(world);
        self.set_rate_limit(Some(limit));
        if cloud && let Err(error) = self.corrupt_user(&last) {
            tracing::debug!(%error, "nobody to corrupt");
        }
    }

    /// Whether Cloud's redaction API is there (at first it is).
    pub fn set_redaction_plan(&self, plan: RedactionPlan) {
        self.0.world().switches.redaction_plan = plan;
    }

    /// What a redaction does to the history (at first nothing).
    pub fn set_redaction_history(&self, history: RedactionHistory) {
        self.0.world().switches.redaction_history = history;
    }

    /// Whether a redaction's positions count characters (at first they count UTF-16 units).
    pub fn set_redaction_in_characters(&self, characters: bool) {
        self.0.world().switches.redaction_in_characters = characters;
    }

    /// What a redacted text becomes (at first as many `█` as it had UTF-16 units).
    pub fn set_redaction_bar(&self, bar: &str) {
        self.0.world().switches.redaction_bar = Some(bar.to_owned());
    }

    /// How many times a job (redaction, anonymisation) is asked after before it is done; 2 at first.
    pub fn set_job_polls(&self, polls: u32) {
        self.0.world().switches.job_polls = polls;
    }

    /// Says that an account comes from an external directory: Data Center does not anonymise it before it has left.
    ///
    /// # Errors
    /// Where there is no such user.
    pub fn set_directory_user(&self, reference: &str, external: bool) -> Result<(), SandboxError> {
        let mut world = self.0.world();
        let user = super::user_ix(&world, reference)?;
        if external {
            world.switches.directory.insert(user);
        } else {
            world.switches.directory.remove(&user);
        }
        Ok(())
    }

    /// The next `n` anonymisations stop halfway: name and key are changed, the account is disabled, full name and history
    /// are as before. Only a rerun that knows the old key and name goes on.
    pub fn fail_anonymization(&self, n: u32) {
        self.0.world().switches.anonymization_fails = n;
    }

    /// The cluster node that anonymises dies (or lives again): the task is `INTERRUPTED` and blocks others until unlocked.
    pub fn set_node_dies(&self, dies: bool) {
        self.0.world().switches.node_dies = dies;
    }

    /// Takes a permission from the bot, or gives it back, by Jira's key: `EDIT_ALL_COMMENTS`, `EDIT_OWN_COMMENTS`,
    /// `DELETE_ALL_…`, `DELETE_OWN_…` (also `WORKLOGS`, `ATTACHMENTS`), `MODIFY_REPORTER`, `ASSIGN_ISSUES`,
    /// `DELETE_ISSUES`, `TRANSITION_ISSUES`, `LINK_ISSUES`, `ADD_COMMENTS`, `WORK_ON_ISSUES`, `CREATE_ATTACHMENTS`,
    /// `MANAGE_WATCHERS`, `USER_PICKER` (browse users: searches for users are then empty).
    pub fn deny(&self, permission: &str, denied: bool) {
        toggle(&mut self.0.world().switches.denied, permission, denied);
    }

    /// Takes the bot out of a role, a group or a security level, or puts it back: comments, worklogs and issues that are
    /// restricted to it are invisible, without an error.
    pub fn set_outside(&self, name: &str, outside: bool) {
        toggle(&mut self.0.world().switches.outside, name, outside);
    }

    /// Puts an issue under a security level (an empty name takes it away); see [`Control::set_outside`].
    ///
    /// # Errors
    /// Where there is no such issue.
    pub fn set_security(&self, key: &str, level: &str) -> Result<(), SandboxError> {
        let mut world = self.0.world();
        let id = issue_id(&world, key)?;
        if level.is_empty() {
            world.unkind.security.remove(&id);
        } else {
            world.unkind.security.insert(id, level.to_owned());
        }
        Ok(())
    }

    /// Archives an issue, or restores it: it can be read by its key, no search finds it, no edit is taken.
    ///
    /// # Errors
    /// Where there is no such issue.
    pub fn set_archived(&self, key: &str, archived: bool) -> Result<(), SandboxError> {
        let mut world = self.0.world();
        let id = issue_id(&world, key)?;
        if archived {
            world.unkind.archived.insert(id);
        } else {
            world.unkind.archived.remove(&id);
        }
        Ok(())
    }

    /// Makes a field required, or not: it can't be emptied, and a create without it is refused.
    pub fn set_required(&self, field: &str, required: bool) {
        toggle(&mut self.0.world().switches.required, field, required);
    }

    /// Takes a field from every screen, or puts it back: it is read but can't be set.
    pub fn set_off_screen(&self, field: &str, off: bool) {
        toggle(&mut self.0.world().switches.off_screen, field, off);
    }

    /// Gives the projects another workflow.
    pub fn set_workflow(&self, workflow: Workflow) {
        self.0.world().switches.workflow = workflow;
    }

    /// Lets the pages of Cloud's search come short, and every third one empty, with a token for the next.
    pub fn set_short_pages(&self, short: bool) {
        self.0.world().switches.short_pages = short;
    }

    /// Cuts every page to `max` items, whatever `maxResults` asks (0 takes the cut away). The answer says so.
    pub fn set_page_cap(&self, max: usize) {
        self.0.world().switches.page_cap = (max > 0).then_some(max);
    }

    /// How long Cloud's search knows an edited issue by its old `updated`.
    pub fn set_index_lag(&self, lag: Duration) {
        self.0.world().switches.index_lag = chrono_duration(lag);
    }

    /// Corrupts a Cloud account as some old ones are: every reference says account id `unknown`, no look-up finds it.
    ///
    /// # Errors
    /// On Data Center, and where there is no such user.
    pub fn corrupt_user(&self, reference: &str) -> Result<(), SandboxError> {
        self.with_user(reference, |u, cloud| {
            if cloud {
                "unknown".clone_into(&mut u.id);
                "Unknown user".clone_into(&mut u.display_name);
                u.email = None;
                u.active = false;
                u.deleted = true;
            }
            cloud
        })?
        .then_some(())
        .ok_or_else(|| SandboxError::Refused("only Cloud has corrupted accounts".to_owned()))
    }
}
