//! Putting checked values on an issue, and what the history shows of it: old and new, as id and as text.

use super::Setting;
use crate::sandbox::{
    custom, fields, rich,
    state::{Change, Custom, Issue, Named, UserIx, World, catalog},
};

impl Change {
    /// A change of a system field.
    pub(in crate::sandbox) fn system(
        field: &str,
        from: (Option<String>, Option<String>),
        to: (Option<String>, Option<String>),
    ) -> Self {
        Self {
            field: field.to_owned(),
            field_id: fields::by_id(field).map(|f| f.id.to_owned()),
            custom: false,
            from: from.0,
            from_string: from.1,
            to: to.0,
            to_string: to.1,
        }
    }

    /// The same with the field's id, where it is not called as in the history.
    pub(in crate::sandbox) fn with_id(mut self, id: &str) -> Self {
        self.field_id = Some(id.to_owned());
        self
    }
}

fn text_pair(text: &str) -> (Option<String>, Option<String>) {
    (None, (!text.is_empty()).then(|| text.to_owned()))
}

/// A user as the history names them: id and display name.
pub(in crate::sandbox) fn user_pair(world: &World, user: Option<UserIx>) -> (Option<String>, Option<String>) {
    user.map_or((None, None), |u| (Some(world.user(u).id.clone()), Some(world.user(u).display_name.clone())))
}

fn list_changes(name: &str, id: &str, all: &[Named], before: &[u64], after: &[u64]) -> Vec<Change> {
    let of = |n: u64| (Some(n.to_string()), all.iter().find(|x| x.id == n).map(|x| x.name.clone()));
    let gone = before.iter().filter(|b| !after.contains(b)).map(|&b| (of(b), (None, None)));
    let new = after.iter().filter(|a| !before.contains(a)).map(|&a| ((None, None), of(a)));
    gone.chain(new)
        .map(|(from, to)| Change { field_id: Some(id.to_owned()), ..Change::system(name, from, to) })
        .collect()
}

fn custom_pair(world: &World, value: Option<&Custom>) -> (Option<String>, Option<String>) {
    match value {
        None => (None, None),
        Some(Custom::Text(t)) => text_pair(t),
        Some(Custom::User(u)) => user_pair(world, Some(*u)),
        Some(Custom::Other(kept)) => {
            // The history of an option names its id as well.
            (kept.is_u64().then(|| kept.to_string()), Some(custom::text(kept)))
        }
        Some(Custom::Users(list)) => {
            let ids: Vec<&str> = list.iter().map(|&u| world.user(u).id.as_str()).collect();
            let names: Vec<&str> = list.iter().map(|&u| world.user(u).display_name.as_str()).collect();
            (Some(format!("[{}]", ids.join(", "))), Some(names.join(", ")))
        }
    }
}

/// The history items of putting `setting` on `issue`; empty where nothing changes.
fn changes(world: &World, i: &Issue, setting: &Setting) -> Vec<Change> {
    let project = &world.projects[i.project];
    let one = match setting {
        Setting::Summary(s) => Change::system("summary", text_pair(&i.summary), text_pair(s)),
        Setting::Description(v) => {
            Change::system("description", text_pair(&rich::text(&i.description)), text_pair(&rich::text(v)))
        }
        Setting::Environment(v) => {
            Change::system("environment", text_pair(&rich::text(&i.environment)), text_pair(&rich::text(v)))
        }
        Setting::Labels(l) => Change::system(
            "labels",
            (Some(String::new()), Some(i.labels.join(" "))),
            (Some(String::new()), Some(l.join(" "))),
        ),
        Setting::Assignee(u) => Change::system("assignee", user_pair(world, i.assignee), user_pair(world, *u)),
        Setting::Reporter(u) => Change::system("reporter", user_pair(world, i.reporter), user_pair(world, Some(*u))),
        Setting::Priority(p) => {
            let pair = |p: u64| (Some(p.to_string()), Some(catalog::priority_name(p).to_owned()));
            Change::system("priority", pair(i.priority), pair(*p))
        }
        Setting::Type(t) => {
            let pair = |t: u64| (Some(t.to_string()), Some(catalog::issue_type(t).name.to_owned()));
            Change::system("issuetype", pair(i.issue_type), pair(*t))
        }
        Setting::Due(d) => Change::system("duedate", (i.due.clone(), i.due.clone()), (d.clone(), d.clone())),
        Setting::Components(c) => {
            return list_changes("Component", "components", &project.components, &i.components, c);
        }
        Setting::Versions(v) => return list_changes("Version", "versions", &project.versions, &i.versions, v),
        Setting::FixVersions(v) => {
            return list_changes("Fix Version", "fixVersions", &project.versions, &i.fix_versions, v);
        }
        Setting::Custom(id, value) => Change {
            field: fields::by_id(id).map_or(*id, |f| f.name).to_owned(),
            field_id: Some((*id).to_owned()),
            custom: true,
            ..Change::system("", custom_pair(world, i.custom.get(*id)), custom_pair(world, value.as_ref()))
        },
    };
    // ADF documents that read alike may still differ (marks, mentions' texts): that is an edit too.
    let silent = one.from == one.to && one.from_string == one.to_string;
    let differs = match setting {
        Setting::Description(v) => i.description != *v,
        Setting::Environment(v) => i.environment != *v,
        Setting::Custom(id, value) => i.custom.get(*id) != value.as_ref(),
        _ => false,
    };
    if silent && !differs { Vec::new() } else { vec![one] }
}

/// Puts checked settings on an issue and gives the history items.
pub(in crate::sandbox) fn apply(world: &mut World, issue: u64, settings: Vec<Setting>) -> Vec<Change> {
    let mut items = Vec::new();
    for setting in settings {
        let Some(i) = world.issues.get(&issue) else { return items };
        items.extend(changes(world, i, &setting));
        let Some(i) = world.issues.get_mut(&issue) else { return items };
        match setting {
            Setting::Summary(s) => i.summary = s,
            Setting::Description(v) => i.description = v,
            Setting::Environment(v) => i.environment = v,
            Setting::Labels(mut l) => {
                l.sort();
                i.labels = l;
            }
            Setting::Assignee(u) => i.assignee = u,
            Setting::Reporter(u) => i.reporter = Some(u),
            Setting::Priority(p) => i.priority = p,
            Setting::Type(t) => i.issue_type = t,
            Setting::Due(d) => i.due = d,
            Setting::Components(c) => i.components = c,
            Setting::Versions(v) => i.versions = v,
            Setting::FixVersions(v) => i.fix_versions = v,
            Setting::Custom(id, Some(value)) => {
                i.custom.insert(id.to_owned(), value);
            }
            Setting::Custom(id, None) => {
                i.custom.remove(id);
            }
        }
    }
    items
}
