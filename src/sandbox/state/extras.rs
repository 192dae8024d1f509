//! What a Jira holds beside issues and the bare project: roles and their actors, component leads, releases, properties of
//! users, projects and worklogs, deleted worklogs, who else took part in an edit, and the audit log.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{Named, ProjectIx, UserIx, World};

/// Groups that every sandbox has: name, and whether only administrators are in it.
pub(in crate::sandbox) const GROUPS: &[(&str, bool)] = &[("jira-administrators", true), ("jira-software-users", false)];

/// Who plays a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sandbox) enum Player {
    User(UserIx),
    /// The name of a group.
    Group(String),
}

/// One entry of a role: its id and who plays.
#[derive(Debug, Clone)]
pub(in crate::sandbox) struct Actor {
    pub(in crate::sandbox) id: u64,
    pub(in crate::sandbox) player: Player,
}

/// A project role.
#[derive(Debug, Clone)]
pub(in crate::sandbox) struct Role {
    pub(in crate::sandbox) id: u64,
    pub(in crate::sandbox) name: String,
    pub(in crate::sandbox) description: String,
    /// Who plays it in every new project.
    pub(in crate::sandbox) default: Vec<Actor>,
}

/// What a version knows beside name and description.
#[derive(Debug, Clone, Default)]
pub(in crate::sandbox) struct Release {
    pub(in crate::sandbox) archived: bool,
    pub(in crate::sandbox) released: bool,
    pub(in crate::sandbox) start: Option<String>,
    pub(in crate::sandbox) date: Option<String>,
    /// Cloud: who is answerable. (Approvers are read-only by REST, so nobody can put one here.)
    pub(in crate::sandbox) driver: Option<UserIx>,
}

/// What carries entity properties beside issues and comments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::sandbox) enum Owner {
    User(UserIx),
    Project(ProjectIx),
    Worklog(u64),
}

/// One line of the audit log. Names are copied, as Jira copies them: a later anonymisation does not reach them.
#[derive(Debug, Clone)]
pub(in crate::sandbox) struct AuditRecord {
    pub(in crate::sandbox) id: u64,
    pub(in crate::sandbox) summary: String,
    pub(in crate::sandbox) category: &'static str,
    pub(in crate::sandbox) author: UserIx,
    pub(in crate::sandbox) created: DateTime<Utc>,
    /// Kind, id and name of what was changed.
    pub(in crate::sandbox) object: (&'static str, String, String),
    /// Field, old and new value.
    pub(in crate::sandbox) changes: Vec<(String, String, String)>,
}

/// A filter: JQL that somebody keeps under a name.
#[derive(Debug, Clone)]
pub(in crate::sandbox) struct Filter {
    pub(in crate::sandbox) id: u64,
    pub(in crate::sandbox) name: String,
    pub(in crate::sandbox) description: String,
    pub(in crate::sandbox) jql: String,
    pub(in crate::sandbox) owner: UserIx,
    /// Single users whom it is shared with.
    pub(in crate::sandbox) shares: Vec<UserIx>,
    /// Whether the bot sees it.
    pub(in crate::sandbox) shared: bool,
}

/// A dashboard.
#[derive(Debug, Clone)]
pub(in crate::sandbox) struct Dashboard {
    pub(in crate::sandbox) id: u64,
    pub(in crate::sandbox) name: String,
    pub(in crate::sandbox) description: String,
    pub(in crate::sandbox) owner: UserIx,
}

/// A board with its sprints, whose description is their goal.
#[derive(Debug, Clone)]
pub(in crate::sandbox) struct Board {
    pub(in crate::sandbox) id: u64,
    pub(in crate::sandbox) name: String,
    pub(in crate::sandbox) project: ProjectIx,
    pub(in crate::sandbox) filter: u64,
    pub(in crate::sandbox) sprints: Vec<Named>,
}

#[derive(Debug, Clone)]
pub(in crate::sandbox) struct Extras {
    pub(in crate::sandbox) filters: Vec<Filter>,
    pub(in crate::sandbox) dashboards: Vec<Dashboard>,
    pub(in crate::sandbox) boards: Vec<Board>,
    /// Permissions that the scheme of every project grants to single users.
    pub(in crate::sandbox) grants: Vec<(&'static str, UserIx)>,
    pub(in crate::sandbox) roles: Vec<Role>,
    pub(in crate::sandbox) actors: BTreeMap<(ProjectIx, u64), Vec<Actor>>,
    /// By project; most have none.
    pub(in crate::sandbox) project_descriptions: BTreeMap<ProjectIx, String>,
    /// By component; without an entry the project's lead leads, `None` is nobody.
    pub(in crate::sandbox) component_leads: BTreeMap<u64, Option<UserIx>>,
    pub(in crate::sandbox) releases: BTreeMap<u64, Release>,
    pub(in crate::sandbox) properties: BTreeMap<Owner, BTreeMap<String, Value>>,
    pub(in crate::sandbox) worklogs_deleted: Vec<(u64, DateTime<Utc>)>,
    /// `historyMetadata` by history entry.
    pub(in crate::sandbox) metadata: BTreeMap<u64, Value>,
    pub(in crate::sandbox) audit: Vec<AuditRecord>,
    /// Data Center: pinned comments, with who pinned them and when.
    pub(in crate::sandbox) pinned: BTreeMap<u64, (UserIx, DateTime<Utc>)>,
}

impl Default for Extras {
    fn default() -> Self {
        let role = |id: u64, name: &str, description: &str, group: &str| Role {
            id,
            name: name.to_owned(),
            description: description.to_owned(),
            default: vec![Actor { id: id + 100, player: Player::Group(group.to_owned()) }],
        };
        Self {
            filters: Vec::new(),
            dashboards: Vec::new(),
            boards: Vec::new(),
            grants: Vec::new(),
            roles: vec![
                role(10_002, "Administrators", "Who runs the project", GROUPS[0].0),
                role(10_010, "Developers", "Who works in the project", GROUPS[1].0),
            ],
            actors: BTreeMap::new(),
            project_descriptions: BTreeMap::new(),
            component_leads: BTreeMap::new(),
            releases: BTreeMap::new(),
            properties: BTreeMap::new(),
            worklogs_deleted: Vec::new(),
            metadata: BTreeMap::new(),
            audit: Vec::new(),
            pinned: BTreeMap::new(),
        }
    }
}

impl World {
    /// Who leads a component of a project.
    pub(in crate::sandbox) fn component_lead(&self, project: ProjectIx, component: u64) -> Option<UserIx> {
        match self.extras.component_leads.get(&component) {
            Some(lead) => *lead,
            None => Some(self.projects[project].lead),
        }
    }

    /// Who plays a role in a project; without an entry, the role's default actors.
    pub(in crate::sandbox) fn actors(&self, project: ProjectIx, role: &Role) -> Vec<Actor> {
        self.extras.actors.get(&(project, role.id)).cloned().unwrap_or_else(|| role.default.clone())
    }

    /// Whether a user is in a group.
    pub(in crate::sandbox) fn in_group(&self, group: &str, user: UserIx) -> bool {
        let admins = GROUPS.iter().find(|g| g.0 == group).map(|g| g.1);
        !self.user(user).deleted && admins.is_some_and(|admins| !admins || user == self.bot)
    }

    /// Writes a line of the audit log.
    pub(in crate::sandbox) fn audit(
        &mut self,
        summary: &str,
        category: &'static str,
        object: (&'static str, String, String),
        changes: Vec<(String, String, String)>,
    ) {
        let (id, created, author) = (self.take_id(), self.ctx.now, self.ctx.actor);
        let summary = summary.to_owned();
        self.extras.audit.push(AuditRecord { id, summary, category, author, created, object, changes });
        self.touched();
    }

    /// Users and texts of the extras, for byte searches.
    pub(in crate::sandbox) fn dump_extras(&self) -> Value {
        let person = |u: &UserIx| Value::from(self.user(*u).display_name.as_str());
        let player = |a: &Actor| match &a.player {
            Player::User(u) => person(u),
            Player::Group(g) => g.as_str().into(),
        };
        let e = &self.extras;
        let list = |actors: &[Actor]| actors.iter().map(player).collect::<Vec<_>>();
        let properties: Vec<Value> = e.properties.values().map(|p| serde_json::json!(p)).collect();
        serde_json::json!({
            "roles": e.roles.iter().map(|r| serde_json::json!({ "name": r.name, "description": r.description,
                                                                "default": list(&r.default) })).collect::<Vec<_>>(),
            "actors": e.actors.values().map(|a| list(a)).collect::<Vec<_>>(),
            "componentLeads": e.component_leads.values().flatten().map(person).collect::<Vec<_>>(),
            "releases": e.releases.values().map(|r| serde_json::json!({
                "driver": r.driver.as_ref().map(person),
            })).collect::<Vec<_>>(),
            "properties": properties,
            "filters": e.filters.iter().map(|f| serde_json::json!({
                "name": f.name, "description": f.description, "jql": f.jql, "owner": person(&f.owner),
                "shares": f.shares.iter().map(person).collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
            "dashboards": e.dashboards.iter().map(|d| serde_json::json!({
                "name": d.name, "description": d.description, "owner": person(&d.owner),
            })).collect::<Vec<_>>(),
            "boards": e.boards.iter().map(|b| serde_json::json!({
                "name": b.name, "sprints": b.sprints.iter().map(|s| [&s.name, &s.description]).collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
            "grants": e.grants.iter().map(|(_, u)| person(u)).collect::<Vec<_>>(),
            "historyMetadata": e.metadata.values().collect::<Vec<_>>(),
            "audit": e.audit.iter().map(|a| serde_json::json!({
                "summary": a.summary, "object": a.object.2, "changes": a.changes })).collect::<Vec<_>>(),
        })
    }
}
