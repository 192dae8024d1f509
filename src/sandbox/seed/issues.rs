//! Issues with everything that a person can stand in.

use std::{collections::BTreeMap, io::Write};

use bytes::Bytes;
use chrono::{DateTime, Duration, Utc};
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

use super::texts::{LABELS, Piece, TOPICS, rich, sentence};
use crate::sandbox::{
    edit::user_pair,
    fields::{CUSTOM_TEXT, CUSTOM_USER, CUSTOM_USERS},
    rich::text,
    rng::Rng,
    state::{
        Attachment, Change, Comment, Custom, History, Issue, Link, RemoteLink, UserIx, Visibility, Worklog, World,
        catalog,
    },
};

/// The span in which the seeded issues are made: fixed, so that the seed alone decides every time stamp.
const FIRST_DAY: &str = "2026-01-12T08:00:00Z";
const SPAN_DAYS: i64 = 280;
/// The issue that has more comments and worklogs than an issue's body shows.
const LONG_ISSUE: usize = 3;

fn first_day() -> DateTime<Utc> {
    FIRST_DAY.parse().unwrap_or_default()
}

/// Makes `count` issues in the first project.
pub(super) fn fill(world: &mut World, rng: &mut Rng, count: usize) {
    let step = Duration::days(SPAN_DAYS) / i32::try_from(count.max(1)).unwrap_or(i32::MAX);
    for n in 1..=count {
        // To the second, so that texts of both flavours and of every platform agree.
        let at = first_day() + step * i32::try_from(n).unwrap_or(i32::MAX);
        let at = DateTime::from_timestamp(at.timestamp(), 0).unwrap_or(at);
        one(world, rng, n, at);
    }
}

/// A value in every custom field of the wider kinds; takes nothing from the stream of random numbers.
fn wide_fields(world: &World, issue: &mut Issue, subject: UserIx) {
    let name = &world.user(subject).display_name;
    let cells = [
        ("customfield_10004", json!("jira-administrators")),
        ("customfield_10005", json!(["jira-administrators", "jira-software-users"])),
        ("customfield_10006", rich(world, &[vec![Piece::Text(format!("{name} asked for a call back."))]])),
        ("customfield_10007", json!(format!("https://customers.example/people/{}", name.replace(' ', "-")))),
        ("customfield_10008", json!(10_200)),
        ("customfield_10009", json!([10_200, 10_202])),
        ("customfield_10010", json!(["gate", name.split(' ').next().unwrap_or_default()])),
        ("customfield_10011", json!([10_200, 10_211])),
        ("customfield_10012", json!(1250.5)),
        ("customfield_10013", json!("2026-11-30")),
        ("customfield_10014", json!("2026-03-02T09:30:00.000+0000")),
    ];
    for (id, value) in cells {
        issue.custom.insert(id.to_owned(), Custom::Other(value));
    }
}

fn someone(world: &World, rng: &mut Rng) -> UserIx {
    // Never the bot, which is the first.
    1 + rng.below(world.users.len() - 1)
}

fn active(world: &World, rng: &mut Rng) -> UserIx {
    loop {
        let u = someone(world, rng);
        if world.users[u].active {
            return u;
        }
    }
}

fn one(world: &mut World, rng: &mut Rng, n: usize, at: DateTime<Utc>) {
    let id = world.take_id();
    let reporter = someone(world, rng);
    let assignee = rng.chance(75).then(|| active(world, rng));
    let subject = someone(world, rng);
    let mut issue = bare(world, rng, id, reporter, at);
    if rng.chance(25) {
        issue.summary = format!("{} ({})", issue.summary, world.user(subject).display_name);
    }
    let paragraphs: Vec<_> = (0..1 + rng.below(3)).map(|_| sentence(world, rng, subject)).collect();
    issue.description = rich(world, &paragraphs);
    issue.assignee = assignee;
    if rng.chance(30) {
        let user = world.user(subject);
        let contact = format!("{}, {}", user.display_name, user.email.as_deref().unwrap_or("no e-mail"));
        issue.custom.insert(CUSTOM_TEXT.to_owned(), Custom::Text(contact));
    }
    if rng.chance(30) {
        issue.custom.insert(CUSTOM_USER.to_owned(), Custom::User(active(world, rng)));
    }
    if rng.chance(20) {
        let mut list = vec![active(world, rng), active(world, rng)];
        list.dedup();
        issue.custom.insert(CUSTOM_USERS.to_owned(), Custom::Users(list));
    }
    people(world, rng, &mut issue);
    let long = n == LONG_ISSUE;
    if long {
        wide_fields(world, &mut issue, subject);
    }
    let comments = if long { 24 } else { rng.below(4) };
    for c in 0..comments {
        comment(world, rng, &mut issue, c);
    }
    let worklogs = if long { 22 } else { usize::from(rng.chance(30)) };
    for w in 0..worklogs {
        worklog(world, rng, &mut issue, w);
    }
    history(world, rng, &mut issue, subject);
    if rng.chance(25) || n == 1 {
        attach(world, rng, &mut issue, subject);
    }
    if rng.chance(15) {
        remote(world, &mut issue, subject);
    }
    if rng.chance(10) {
        issue.properties.insert("crm.contact".to_owned(), json!({ "owner": world.user(subject).id, "tier": 2 }));
    }
    let newest = issue.comments.iter().map(|c| c.updated);
    let newest = newest.chain(issue.worklogs.iter().map(|w| w.updated)).chain(issue.history.iter().map(|h| h.created));
    issue.updated = newest.chain(issue.attachments.iter().map(|a| a.created)).max().unwrap_or(at).max(at);
    let previous = id_of_previous(world);
    if rng.chance(8)
        && !long
        && let Some(parent) = previous.filter(|p| world.issues.get(p).is_some_and(|i| i.parent.is_none()))
    {
        issue.issue_type = 10_003;
        issue.parent = Some(parent);
    }
    world.insert_issue(issue);
    if let (true, Some(other)) = (rng.chance(20), previous) {
        let link_type = rng.pick(catalog::LINK_TYPES).0;
        let link = Link { id: world.take_id(), link_type, inward: id, outward: other };
        world.insert_link(link);
    }
}

fn id_of_previous(world: &World) -> Option<u64> {
    world.issues.keys().next_back().copied()
}

fn bare(world: &mut World, rng: &mut Rng, id: u64, reporter: UserIx, at: DateTime<Utc>) -> Issue {
    let number = world.projects[0].next_number;
    world.projects[0].next_number += 1;
    let mut labels: Vec<String> = LABELS.iter().filter(|_| rng.chance(25)).map(|l| (*l).to_owned()).collect();
    if rng.chance(70) {
        labels.push("shared".to_owned());
    }
    labels.sort();
    let project = &world.projects[0];
    Issue {
        id,
        key: format!("{}-{number}", project.key),
        project: 0,
        number,
        issue_type: [10_002, 10_004, 10_001][rng.below(3)],
        status: catalog::FIRST_STATUS,
        priority: 1 + rng.below(5) as u64,
        resolution: None,
        resolved: None,
        summary: (*rng.pick(TOPICS)).to_owned(),
        description: Value::Null,
        environment: Value::Null,
        labels,
        assignee: None,
        reporter: Some(reporter),
        creator: reporter,
        created: at,
        updated: at,
        due: rng.chance(15).then(|| (at + Duration::days(30)).format("%Y-%m-%d").to_string()),
        parent: None,
        components: if rng.chance(40) { vec![project.components[rng.below(2)].id] } else { Vec::new() },
        versions: Vec::new(),
        fix_versions: if rng.chance(20) { vec![project.versions[rng.below(2)].id] } else { Vec::new() },
        custom: BTreeMap::new(),
        comments: Vec::new(),
        worklogs: Vec::new(),
        attachments: Vec::new(),
        history: Vec::new(),
        watchers: vec![reporter],
        voters: Vec::new(),
        remote_links: Vec::new(),
        properties: BTreeMap::new(),
        searchable_at: at,
    }
}

fn people(world: &World, rng: &mut Rng, issue: &mut Issue) {
    for _ in 0..rng.below(3) {
        let who = someone(world, rng);
        if !issue.watchers.contains(&who) {
            issue.watchers.push(who);
        }
    }
    let voter = someone(world, rng);
    if rng.chance(20) && issue.reporter != Some(voter) {
        issue.voters.push(voter);
    }
}

/// Some minutes after the issue was made; `n` keeps several of a kind in order.
fn later(issue: &Issue, rng: &mut Rng, n: usize) -> DateTime<Utc> {
    issue.created + Duration::minutes(37 * (n as i64 + 1)) + Duration::seconds(rng.below(900) as i64)
}

fn comment(world: &mut World, rng: &mut Rng, issue: &mut Issue, n: usize) {
    let (author, about) = (someone(world, rng), someone(world, rng));
    let created = later(issue, rng, n);
    let edited = rng.chance(15);
    let body = rich(world, &[sentence(world, rng, about)]);
    let restricted = rng.chance(10);
    let editor = active(world, rng);
    issue.comments.push(Comment {
        id: world.take_id(),
        author,
        update_author: if edited { editor } else { author },
        body,
        created,
        updated: if edited { created + Duration::minutes(5) } else { created },
        visibility: restricted.then(|| Visibility { kind: "role".to_owned(), value: "Administrators".to_owned() }),
        properties: BTreeMap::new(),
    });
}

fn worklog(world: &mut World, rng: &mut Rng, issue: &mut Issue, n: usize) {
    let (author, about) = (someone(world, rng), someone(world, rng));
    let created = later(issue, rng, n + 2);
    let comment = rich(world, &[sentence(world, rng, about)]);
    issue.worklogs.push(Worklog {
        id: world.take_id(),
        author,
        update_author: author,
        comment,
        created,
        updated: created,
        started: created - Duration::hours(1),
        seconds: 900 * (1 + rng.below(16) as u64),
        visibility: None,
    });
}

/// What happened before: an earlier description that named somebody, another assignee, a status.
fn history(world: &mut World, rng: &mut Rng, issue: &mut Issue, subject: UserIx) {
    if rng.chance(40) {
        let old = format!("First heard from {}.", world.user(subject).display_name);
        let new = text(&issue.description);
        let item = Change::system("description", (None, Some(old)), (None, Some(new)));
        entry(world, rng, issue, vec![item]);
    }
    if rng.chance(40) && issue.assignee.is_some() {
        let before = someone(world, rng);
        if issue.assignee != Some(before) {
            let item = Change::system("assignee", user_pair(world, Some(before)), user_pair(world, issue.assignee));
            entry(world, rng, issue, vec![item]);
        }
    }
    let status = catalog::STATUSES[rng.below(catalog::STATUSES.len())].id;
    if status != issue.status {
        let pair = |s: u64| (Some(s.to_string()), Some(catalog::status(s).name.to_owned()));
        let mut items = vec![Change::system("status", pair(issue.status), pair(status))];
        issue.status = status;
        if status == catalog::DONE_STATUS {
            let (id, name) = catalog::RESOLUTIONS[0];
            issue.resolution = Some(id);
            items.push(Change::system("resolution", (None, None), (Some(id.to_string()), Some(name.to_owned()))));
        }
        entry(world, rng, issue, items);
        if issue.resolution.is_some() {
            issue.resolved = issue.history.last().map(|h| h.created);
        }
    }
}

fn entry(world: &mut World, rng: &mut Rng, issue: &mut Issue, items: Vec<Change>) {
    let created = later(issue, rng, issue.history.len() + 1);
    let author = someone(world, rng);
    issue.history.push(History { id: world.take_id(), author, created, items });
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    // Writing into memory cannot fail; were it to, the file would come empty and still be a file.
    if encoder.write_all(text.as_bytes()).is_err() {
        return Vec::new();
    }
    encoder.finish().unwrap_or_default()
}

fn attach(world: &mut World, rng: &mut Rng, issue: &mut Issue, subject: UserIx) {
    let user = world.user(subject);
    let (name, email) = (user.display_name.clone(), user.email.clone().unwrap_or_default());
    let plain = format!("Call note\n\nSpoke to {name}, will answer to {email}.\n");
    let table = format!("customer,contact,e-mail\n4711,\"{name}\",{email}\n4712,(none),\n");
    let (file, mime, bytes) = match rng.below(4) {
        0 => ("call-note.txt".to_owned(), "text/plain", plain.into_bytes()),
        1 => ("customers.csv".to_owned(), "text/csv", table.into_bytes()),
        2 => (
            "export.json.gz".to_owned(),
            "application/gzip",
            gzip(&json!({ "contact": { "name": name, "mail": email } }).to_string()),
        ),
        _ => (format!("letter {name}.txt"), "text/plain", plain.into_bytes()),
    };
    let author = someone(world, rng);
    let created = later(issue, rng, 4);
    let id = world.take_id();
    let item =
        Change::system("Attachment", (None, None), (Some(id.to_string()), Some(file.clone()))).with_id("attachment");
    issue.attachments.push(Attachment {
        id,
        name: file,
        author,
        created,
        mime: mime.to_owned(),
        bytes: Bytes::from(bytes),
    });
    issue.history.push(History { id: world.take_id(), author, created, items: vec![item] });
}

fn remote(world: &mut World, issue: &mut Issue, subject: UserIx) {
    let id = world.take_id();
    let name = &world.user(subject).display_name;
    issue.remote_links.push(RemoteLink {
        id,
        global_id: Some(format!("crm={id}")),
        relationship: Some("customer".to_owned()),
        application: json!({ "type": "example.crm", "name": "CRM" }),
        object: json!({ "url": format!("https://crm.example/contacts/{id}"), "title": format!("Contact {name}"),
                        "summary": "Customer record" }),
    });
}
