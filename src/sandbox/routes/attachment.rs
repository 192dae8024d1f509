//! Attachments: upload, metadata, content, delete.

use serde_json::{Value, json};

use crate::sandbox::{
    http::{Answer, Failure, Payload, Reply, ReplyBody, Req},
    shapes,
    state::{Attachment, Change, World},
};

/// Jira's default size limit, in bytes.
pub(in crate::sandbox) const UPLOAD_LIMIT: usize = 100 * 1024 * 1024;

pub(super) fn settings() -> Answer {
    Ok(Reply::ok(json!({ "enabled": true, "uploadLimit": UPLOAD_LIMIT })))
}

fn missing(id: &str) -> Failure {
    Failure::new(404, format!("The attachment with id '{id}' does not exist"))
}

/// The issue and the attachment, where the actor may see them.
fn find<'w>(world: &'w World, id: &str) -> Result<(u64, &'w Attachment), Failure> {
    let number: u64 = id.parse().map_err(|_| missing(id))?;
    let issue = world.attachment_issue.get(&number).and_then(|i| world.issues.get(i));
    let issue = issue.filter(|i| world.sees(i)).ok_or_else(|| missing(id))?;
    issue.attachments.iter().find(|a| a.id == number).map(|a| (issue.id, a)).ok_or_else(|| missing(id))
}

pub(super) fn upload(world: &mut World, req: &Req, key: &str) -> Answer {
    if !req.no_check {
        return Err(Failure::forbidden("XSRF check failed"));
    }
    let issue = world.find_editable(key, "You do not have permission to create attachments for this issue.")?;
    if world.denied("CREATE_ATTACHMENTS") {
        return Err(Failure::forbidden("You do not have permission to create attachments for this issue."));
    }
    let Payload::Parts(parts) = &req.payload else {
        return Err(Failure { status: 415, messages: Vec::new(), errors: Vec::new() });
    };
    let files: Vec<_> = parts.iter().filter(|p| p.name == "file" && p.file_name.is_some()).collect();
    if files.is_empty() {
        return Err(Failure::new(400, "No file was sent: the part must be named 'file'."));
    }
    if files.iter().any(|f| f.bytes.len() > UPLOAD_LIMIT) {
        return Err(Failure::new(413, "The attachment is larger than the limit."));
    }
    let mut items = Vec::new();
    let mut made = Vec::new();
    for file in files {
        let id = world.take_id();
        let name = file.file_name.clone().unwrap_or_default();
        let attachment = Attachment {
            id,
            name: name.clone(),
            author: world.ctx.actor,
            created: world.ctx.now,
            mime: file.mime.clone().unwrap_or_else(|| "application/octet-stream".to_owned()),
            bytes: file.bytes.clone(),
        };
        made.push(shapes::attachment(world, &attachment));
        world.issue_mut(issue)?.attachments.push(attachment);
        world.attachment_issue.insert(id, issue);
        items
            .push(Change::system("Attachment", (None, None), (Some(id.to_string()), Some(name))).with_id("attachment"));
    }
    world.changed(issue, "attachment_created", items);
    Ok(Reply::ok(Value::Array(made)))
}

pub(super) fn get(world: &World, id: &str) -> Answer {
    let (_, attachment) = find(world, id)?;
    let mut out = shapes::attachment(world, attachment);
    if world.is_cloud() {
        // This one resource writes the id as a number.
        out["id"] = attachment.id.into();
    }
    Ok(Reply::ok(out))
}

fn answer(attachment: &Attachment) -> Reply {
    Reply {
        status: 200,
        headers: Vec::new(),
        body: ReplyBody::Bytes {
            mime: attachment.mime.clone(),
            name: attachment.name.clone(),
            bytes: attachment.bytes.clone(),
        },
    }
}

/// Data Center gives the content itself.
pub(super) fn content(world: &World, id: &str) -> Answer {
    Ok(answer(find(world, id)?.1))
}

fn ticket(world: &World, id: u64) -> String {
    blake3::hash(format!("{}:{id}", world.token).as_bytes()).to_hex()[..24].to_owned()
}

/// Cloud redirects to a place that needs no credentials, with 303 (Atlassian's document of v3).
pub(super) fn redirect(world: &World, req: &Req, id: &str) -> Answer {
    let (_, attachment) = find(world, id)?;
    if !req.q_flag("redirect", true) {
        return Ok(answer(attachment));
    }
    let address = format!(
        "{}/media/{}/{}/{}",
        world.base,
        attachment.id,
        ticket(world, attachment.id),
        shapes::encode(&attachment.name)
    );
    Ok(Reply::empty(303).with_header("location", address))
}

pub(super) fn media(world: &mut World, req: &Req) -> Answer {
    if req.has_credentials {
        world.credentials_sent_on += 1;
    }
    let segments: Vec<&str> = req.segments.iter().map(String::as_str).collect();
    let ["media", id, given, _name] = segments.as_slice() else { return Err(Failure::no_route()) };
    let (_, attachment) = find(world, id)?;
    if *given != ticket(world, attachment.id) {
        return Err(missing(id));
    }
    Ok(answer(attachment))
}

pub(super) fn delete(world: &mut World, id: &str) -> Answer {
    let (issue, attachment) = find(world, id)?;
    if !world.may_edit(world.issue(issue)?) || !world.may("DELETE", "ATTACHMENTS", attachment.author) {
        return Err(Failure::forbidden("You do not have permission to delete this attachment."));
    }
    let (number, name) = (attachment.id, attachment.name.clone());
    world.issue_mut(issue)?.attachments.retain(|a| a.id != number);
    world.attachment_issue.remove(&number);
    // The name of a deleted attachment stays in the history.
    let item = Change::system("Attachment", (Some(number.to_string()), Some(name)), (None, None)).with_id("attachment");
    world.changed(issue, "attachment_deleted", vec![item]);
    Ok(Reply::empty(204))
}
