//! The fields an issue has: ids, names, JQL clauses, schema. One table that reading, editing, metadata and JQL share.

use serde_json::{Map, Value, json};

use super::state::{World, catalog};

/// One field.
pub(super) struct Field {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    /// Type of the value, as in Jira's schema.
    pub(super) kind: &'static str,
    /// Type of the members, for arrays.
    pub(super) items: &'static str,
    /// The last part of the custom field's type; empty for system fields.
    pub(super) custom: &'static str,
    /// Names in JQL.
    pub(super) clauses: &'static [&'static str],
    /// Part of `*navigable`, the default of a search.
    pub(super) navigable: bool,
    /// On the create and edit screens.
    pub(super) editable: bool,
}

/// What stands before the last part of a custom field type's name.
const TYPES: &str = "com.atlassian.jira.plugin.system.customfieldtypes:";
const TEXT: &str = "textfield";
const USER: &str = "userpicker";
const USERS: &str = "multiuserpicker";

const fn field(
    id: &'static str,
    name: &'static str,
    kind: &'static str,
    items: &'static str,
    clauses: &'static [&'static str],
) -> Field {
    Field { id, name, kind, items, custom: "", clauses, navigable: true, editable: false }
}

const fn edit(mut f: Field) -> Field {
    f.editable = true;
    f
}

const fn deep(mut f: Field) -> Field {
    f.navigable = false;
    f
}

const fn custom(mut f: Field, kind: &'static str) -> Field {
    f.custom = kind;
    f.editable = true;
    f
}

/// A single-line text field.
pub(super) const CUSTOM_TEXT: &str = "customfield_10001";
/// A field for one user.
pub(super) const CUSTOM_USER: &str = "customfield_10002";
/// A field for several users.
pub(super) const CUSTOM_USERS: &str = "customfield_10003";

/// All fields, in the order in which an issue lists them.
pub(super) const FIELDS: &[Field] = &[
    edit(field("summary", "Summary", "string", "", &["summary"])),
    edit(field("issuetype", "Issue Type", "issuetype", "", &["issuetype", "type"])),
    field("project", "Project", "project", "", &["project"]),
    edit(field("description", "Description", "string", "", &["description"])),
    edit(field("environment", "Environment", "string", "", &["environment"])),
    edit(field("priority", "Priority", "priority", "", &["priority"])),
    edit(field("labels", "Labels", "array", "string", &["labels"])),
    field("status", "Status", "status", "", &["status"]),
    field("resolution", "Resolution", "resolution", "", &["resolution"]),
    field("resolutiondate", "Resolved", "datetime", "", &["resolutiondate", "resolved"]),
    edit(field("assignee", "Assignee", "user", "", &["assignee"])),
    edit(field("reporter", "Reporter", "user", "", &["reporter"])),
    field("creator", "Creator", "user", "", &["creator"]),
    field("created", "Created", "datetime", "", &["created", "createdDate"]),
    field("updated", "Updated", "datetime", "", &["updated", "updatedDate"]),
    edit(field("duedate", "Due date", "date", "", &["due", "duedate"])),
    edit(field("components", "Component/s", "array", "component", &["component"])),
    edit(field("versions", "Affects Version/s", "array", "version", &["affectedVersion"])),
    edit(field("fixVersions", "Fix Version/s", "array", "version", &["fixVersion"])),
    field("parent", "Parent", "issuelink", "", &["parent"]),
    field("subtasks", "Sub-Tasks", "array", "issuelinks", &["subtasks"]),
    field("issuelinks", "Linked Issues", "array", "issuelinks", &["issueLink"]),
    field("watches", "Watchers", "watches", "", &["watchers"]),
    field("votes", "Votes", "votes", "", &["votes"]),
    field("timetracking", "Time Tracking", "timetracking", "", &[]),
    field("timespent", "Time Spent", "number", "", &["timespent"]),
    field("timeestimate", "Remaining Estimate", "number", "", &["remainingEstimate", "timeestimate"]),
    field("timeoriginalestimate", "Original Estimate", "number", "", &["originalEstimate", "timeoriginalestimate"]),
    field("workratio", "Work Ratio", "number", "", &["workratio"]),
    field("security", "Security Level", "securitylevel", "", &["level"]),
    deep(field("comment", "Comment", "comments-page", "", &["comment"])),
    deep(field("attachment", "Attachment", "array", "attachment", &["attachments"])),
    deep(field("worklog", "Log Work", "array", "worklog", &[])),
    custom(field(CUSTOM_TEXT, "Customer contact", "string", "", &["cf[10001]", "Customer contact"]), TEXT),
    custom(field(CUSTOM_USER, "Approver", "user", "", &["cf[10002]", "Approver"]), USER),
    custom(field(CUSTOM_USERS, "Request participants", "array", "user", &["cf[10003]", "Request participants"]), USERS),
    custom(field("customfield_10004", "Review group", "group", "", &[]), "grouppicker"),
    custom(field("customfield_10005", "Informed groups", "array", "group", &[]), "multigrouppicker"),
    custom(field("customfield_10006", "Notes from the customer", "string", "", &[]), "textarea"),
    custom(field("customfield_10007", "Customer page", "string", "", &[]), "url"),
    custom(field("customfield_10008", "Region", "option", "", &[]), "select"),
    custom(field("customfield_10009", "Served regions", "array", "option", &[]), "multiselect"),
    custom(field("customfield_10010", "Topics", "array", "string", &[]), "labels"),
    custom(field("customfield_10011", "Area", "option-with-child", "", &[]), "cascadingselect"),
    custom(field("customfield_10012", "Cost", "number", "", &[]), "float"),
    custom(field("customfield_10013", "Promised for", "date", "", &[]), "datepicker"),
    custom(field("customfield_10014", "First answer", "datetime", "", &[]), "datetime"),
];

/// A field by id.
pub(super) fn by_id(id: &str) -> Option<&'static Field> {
    FIELDS.iter().find(|f| f.id == id)
}

impl Field {
    /// The number of a custom field.
    pub(super) fn custom_id(&self) -> Option<u64> {
        self.id.strip_prefix("customfield_")?.parse().ok()
    }

    /// The last part of a custom field's type: `textarea`, `select`, …
    pub(super) const fn kind_of_custom(&self) -> &'static str {
        self.custom
    }

    /// Jira's schema object.
    pub(super) fn schema(&self) -> Value {
        let mut out = Map::new();
        out.insert("type".into(), self.kind.into());
        if !self.items.is_empty() {
            out.insert("items".into(), self.items.into());
        }
        match self.custom_id() {
            None => {
                out.insert("system".into(), self.id.into());
            }
            Some(number) => {
                out.insert("custom".into(), format!("{TYPES}{}", self.custom).into());
                out.insert("customId".into(), number.into());
            }
        }
        Value::Object(out)
    }

    /// The entry of `GET field`.
    pub(super) fn describe(&self, world: &World) -> Value {
        let mut out = json!({
            "id": self.id, "name": self.name, "custom": !self.custom.is_empty(), "orderable": self.editable,
            "navigable": self.navigable, "searchable": !self.clauses.is_empty(), "clauseNames": self.clauses,
            "schema": self.schema(),
        });
        if world.is_cloud() {
            out["key"] = self.id.into();
        }
        out
    }

    /// What may be done to it on a screen.
    pub(super) fn operations(&self) -> &'static [&'static str] {
        match (self.kind, self.id) {
            ("array", _) => &["add", "set", "remove"],
            ("comments-page", _) => &["add"],
            _ => &["set"],
        }
    }

    /// The entry in createmeta and editmeta. `project` gives components and versions.
    pub(super) fn meta(&self, world: &World, project: usize, with_id: bool) -> Value {
        let mut out = json!({
            "required": matches!(self.id, "summary" | "issuetype" | "project" | "reporter")
                || world.switches.required.contains(self.id),
            "schema": self.schema(), "name": self.name, "operations": self.operations(),
        });
        let allowed = self.allowed(world, project);
        if !allowed.is_null() {
            out["allowedValues"] = allowed;
        }
        if self.kind == "user" || self.items == "user" {
            let query = if world.is_cloud() { "query=" } else { "username=" };
            out["autoCompleteUrl"] = world.rest(&format!("user/search?{query}")).into();
        }
        out["hasDefaultValue"] = matches!(self.id, "priority" | "reporter").into();
        if with_id {
            out["fieldId"] = self.id.into();
        }
        if world.is_cloud() {
            out["key"] = self.id.into();
        }
        out
    }

    fn allowed(&self, world: &World, project: usize) -> Value {
        use super::shapes;
        let p = &world.projects[project];
        match self.id {
            "issuetype" => catalog::ISSUE_TYPES.iter().map(|t| shapes::issue_type(world, t)).collect(),
            "priority" => catalog::PRIORITIES.iter().map(|t| shapes::priority(world, t.0)).collect(),
            "components" => p.components.iter().map(|c| shapes::component_ref(world, c)).collect(),
            "versions" | "fixVersions" => p.versions.iter().map(|v| shapes::version_ref(world, v)).collect(),
            _ => super::custom::allowed(world, self),
        }
    }
}
