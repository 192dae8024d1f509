//! The world as one JSON value: every text, every name, no address of the server.

use serde_json::{Value, json};

use super::{Custom, Issue, UserIx, World, catalog};
use crate::sandbox::shapes::time;

impl World {
    fn person(&self, ix: UserIx) -> Value {
        let u = self.user(ix);
        json!({ "id": u.id, "name": u.name, "displayName": u.display_name,
                "email": u.email.as_ref().filter(|_| !(self.is_cloud() && u.email_hidden)) })
    }

    /// Everything, for byte searches and comparisons.
    pub(in crate::sandbox) fn dump(&self) -> Value {
        let users: Vec<Value> = (0..self.users.len())
            .map(|u| {
                let mut one = self.person(u);
                one["email"] = self.user(u).email.clone().into();
                one["active"] = self.user(u).active.into();
                one["deleted"] = self.user(u).deleted.into();
                one
            })
            .collect();
        let projects: Vec<Value> = self
            .projects
            .iter()
            .map(|p| {
                let named = |list: &[super::Named]| -> Value {
                    list.iter().map(|n| json!({ "id": n.id, "name": n.name, "description": n.description })).collect()
                };
                json!({ "key": p.key, "id": p.id, "name": p.name, "lead": self.person(p.lead),
                        "components": named(&p.components), "versions": named(&p.versions) })
            })
            .collect();
        let issues: serde_json::Map<String, Value> =
            self.issues.values().map(|i| (i.key.clone(), self.dump_issue(i))).collect();
        json!({ "users": users, "projects": projects, "issues": issues, "extras": self.dump_extras() })
    }

    fn dump_issue(&self, i: &Issue) -> Value {
        let person = |u: &UserIx| self.person(*u);
        let people = |list: &[UserIx]| -> Value { list.iter().map(person).collect() };
        let visibility =
            |v: &Option<super::Visibility>| v.as_ref().map(|v| json!({ "type": v.kind, "value": v.value }));
        let key_of = |id: u64| self.issues.get(&id).map(|i| i.key.clone());
        let custom: serde_json::Map<String, Value> = i
            .custom
            .iter()
            .map(|(k, v)| {
                let v = match v {
                    Custom::Text(t) => t.as_str().into(),
                    Custom::User(u) => person(u),
                    Custom::Users(list) => people(list),
                    Custom::Other(kept) => kept.clone(),
                };
                (k.clone(), v)
            })
            .collect();
        json!({
            "id": i.id, "key": i.key, "type": catalog::issue_type(i.issue_type).name,
            "status": catalog::status(i.status).name, "priority": catalog::priority_name(i.priority),
            "resolution": i.resolution.map(catalog::resolution_name), "resolved": i.resolved.map(time),
            "summary": i.summary, "description": i.description, "environment": i.environment, "labels": i.labels,
            "assignee": i.assignee.as_ref().map(person), "reporter": i.reporter.as_ref().map(person),
            "creator": person(&i.creator), "created": time(i.created), "updated": time(i.updated), "due": i.due,
            "parent": i.parent.and_then(key_of), "components": i.components, "versions": i.versions,
            "fixVersions": i.fix_versions, "custom": custom,
            "comments": i.comments.iter().map(|c| json!({
                "id": c.id, "author": person(&c.author), "updateAuthor": person(&c.update_author), "body": c.body,
                "created": time(c.created), "updated": time(c.updated), "visibility": visibility(&c.visibility),
                "properties": c.properties,
            })).collect::<Vec<_>>(),
            "worklogs": i.worklogs.iter().map(|w| json!({
                "id": w.id, "author": person(&w.author), "updateAuthor": person(&w.update_author),
                "comment": w.comment, "created": time(w.created), "updated": time(w.updated),
                "started": time(w.started), "seconds": w.seconds, "visibility": visibility(&w.visibility),
            })).collect::<Vec<_>>(),
            "attachments": i.attachments.iter().map(|a| json!({
                "id": a.id, "name": a.name, "author": person(&a.author), "created": time(a.created), "mime": a.mime,
                // Text stays searchable; other bytes are written as hexadecimal digits.
                "content": std::str::from_utf8(&a.bytes).map_or_else(|_| hex::encode(&a.bytes), str::to_owned),
            })).collect::<Vec<_>>(),
            "history": i.history.iter().map(|h| json!({
                "id": h.id, "author": person(&h.author), "created": time(h.created),
                "items": h.items.iter().map(|c| json!({
                    "field": c.field, "from": c.from, "fromString": c.from_string, "to": c.to, "toString": c.to_string,
                })).collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
            "watchers": people(&i.watchers), "voters": people(&i.voters),
            "links": self.all_links_of(i.id).map(|l| json!({
                "id": l.id, "type": l.link_type, "inward": key_of(l.inward), "outward": key_of(l.outward),
            })).collect::<Vec<_>>(),
            "remoteLinks": i.remote_links.iter().map(|l| json!({
                "id": l.id, "globalId": l.global_id, "relationship": l.relationship, "application": l.application,
                "object": l.object,
            })).collect::<Vec<_>>(),
            "properties": i.properties,
        })
    }
}
