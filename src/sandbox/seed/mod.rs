//! Invented people and issues from a seed: the same seed gives the same world, whatever the port or the day.
//!
//! People have the same names and e-mails in both flavours (so that a mapping can find them) but other ids. The cast is
//! fixed; the seed decides who does what. Nothing here is a real person, and all domains end in `.example`.

mod cast;
mod issues;
mod texts;

use std::collections::{BTreeMap, HashMap};

pub use cast::{CAST, CastMember};

use super::{
    SandboxConfig, SandboxError,
    jql::Found,
    rng::Rng,
    state::{Board, Context, Dashboard, Extras, Filter, Named, Project, Switches, Unkind, User, World},
};
use crate::model::{Flavor, ProjectKey};

/// The project that is made unless another is named.
#[must_use]
pub(super) fn default_project() -> ProjectKey {
    match "DEMO".parse() {
        Ok(key) => key,
        Err(_) => unreachable!("DEMO is a project key"),
    }
}

/// The bot's login name on Data Center.
pub const BOT_NAME: &str = "efface-bot";
/// The bot's e-mail.
pub const BOT_EMAIL: &str = "efface-bot@hq.example";

/// Makes the world.
///
/// # Errors
/// None today; a seed that cannot be met would be one.
pub(super) fn world(config: &SandboxConfig, base: String) -> Result<World, SandboxError> {
    let cloud = config.flavor == Flavor::Cloud;
    // The stream of numbers does not depend on the flavour, so that both flavours tell the same story.
    let mut rng = Rng::new(config.seed);
    let users = users(cloud, config.seed);
    let token = format!("sandbox-{}", Rng::new(config.seed ^ 0x70_6B_65_6E).hex(24));
    let now = (config.clock)();
    let mut world = World {
        flavor: config.flavor,
        base,
        users,
        projects: Vec::new(),
        issues: BTreeMap::new(),
        keys: HashMap::new(),
        attachment_issue: HashMap::new(),
        links: BTreeMap::new(),
        issue_links: HashMap::new(),
        children: HashMap::new(),
        // Other ids in each flavour, so that mixing up two instances' ids cannot pass unseen.
        next_id: if cloud { 20_000 } else { 10_100 },
        revision: 0,
        bot: 0,
        token,
        clock: config.clock.clone(),
        switches: Switches::default(),
        unkind: Unkind::default(),
        extras: Extras::default(),
        ctx: Context { now, actor: 0, version: if cloud { "3" } else { "2" }, notify: false },
        notifications: Vec::new(),
        credentials_sent_on: 0,
        found: Found::default(),
    };
    let project = project(&mut world, &config.project);
    world.projects.push(project);
    issues::fill(&mut world, &mut rng, config.issues);
    if config.issues > 0 {
        shared(&mut world);
    }
    world.notifications.clear();
    Ok(world)
}

/// A board with its filter and a sprint, a dashboard, a permission for one person: each names somebody of the cast.
fn shared(world: &mut World) {
    let key = world.projects[0].key.clone();
    let (owner, about, friend) = (2, 5, 8);
    let id = |u: &User| if u.name.is_empty() { u.id.clone() } else { u.name.clone() };
    let jql = format!("project = {key} AND assignee = \"{}\" ORDER BY created", id(&world.users[about]));
    let name = |u: usize| CAST[u - 1].display_name;
    let filter = Filter {
        id: world.take_id(),
        name: format!("What {} works on", name(about)),
        description: "For the stand-up".to_owned(),
        jql,
        owner,
        shares: vec![friend],
        shared: true,
    };
    let sprint =
        Named { id: world.take_id(), name: "Sprint 1".to_owned(), description: format!("Help {}", name(friend)) };
    let board = Board {
        id: world.take_id(),
        name: format!("{key} board"),
        project: 0,
        filter: filter.id,
        sprints: vec![sprint],
    };
    let dashboard = Dashboard {
        id: world.take_id(),
        name: format!("{}'s dashboard", name(owner)),
        description: String::new(),
        owner,
    };
    let extras = &mut world.extras;
    extras.filters.push(filter);
    extras.boards.push(board);
    extras.dashboards.push(dashboard);
    extras.grants.push(("ADMINISTER_PROJECTS", friend));
}

fn project(world: &mut World, key: &ProjectKey) -> Project {
    let mut named = |name: &str, description: &str| Named {
        id: world.take_id(),
        name: name.to_owned(),
        description: description.to_owned(),
    };
    let components = vec![named("Billing", "Invoices and payments"), named("Portal", "The customers' portal")];
    let versions = vec![named("1.0", ""), named("1.1", "")];
    Project {
        id: world.take_id(),
        key: key.as_str().to_owned(),
        name: format!("{key} project"),
        lead: 1,
        components,
        versions,
        next_number: 1,
    }
}

fn users(cloud: bool, seed: u64) -> Vec<User> {
    let mut ids = Rng::new(seed.wrapping_mul(31).wrapping_add(7));
    let mut id = |n: usize, member: &CastMember| {
        let account = format!("712020:{}-{}-4{}-8{}-{}", ids.hex(8), ids.hex(4), ids.hex(3), ids.hex(3), ids.hex(12));
        match (cloud, member.old_key) {
            (true, _) => account,
            // Accounts from before Jira 8.4 have their first login name as key, in lower case.
            (false, true) => member.name.to_lowercase(),
            (false, false) => format!("JIRAUSER{}", 10_100 + n),
        }
    };
    let bot = CastMember { name: BOT_NAME, display_name: "Efface Bot", email: BOT_EMAIL, ..CAST[0] };
    std::iter::once(&bot)
        .chain(CAST)
        .enumerate()
        .map(|(n, m)| User {
            id: id(n, m),
            name: if cloud { String::new() } else { m.name.to_owned() },
            display_name: m.display_name.to_owned(),
            email: Some(m.email.to_owned()),
            email_hidden: m.email_hidden && n > 0,
            active: m.active,
            deleted: false,
            // The bot's zone is neither UTC nor the same in both flavours: JQL's minutes are in it.
            time_zone: match (n, cloud) {
                (0, true) => "America/New_York",
                (0, false) => "Europe/Berlin",
                _ => "Europe/Amsterdam",
            }
            .to_owned(),
        })
        .collect()
}
