//! The coverage matrix of a scan: one row for every kind of storage place of every instance and of this host.
//!
//! Owns no judgement of its own: what a row says comes from what the collection found out (`collect`), from the lines of the
//! coverage, or from whether a folder of the home folder is there. What nothing speaks of is unexamined.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{
    collect::Facts,
    run::{Target, targets},
};
use crate::{
    config::{Config, Home, Instance},
    model::{Area, Coverage, Fact, Flavor, InstanceName, MatrixRow, MatrixStatus, Storage, StorageArea},
};

const ADMIN: &str = "the Jira administrator of the instance";
const HOST: &str = "whoever runs the host of the home folder";

/// Folders of a Jira home folder by kind, relative to it (Atlassian's page "Jira application home directory").
const FOLDERS: [(Storage, &[&str]); 8] = [
    (Storage::AttachmentFiles, &["data/attachments"]),
    (Storage::AvatarFiles, &["data/avatars", "logos"]),
    (Storage::SearchIndex, &["caches/indexesV1", "caches/indexesV2", "caches/indexes", "indexes"]),
    (Storage::Caches, &["caches"]),
    (Storage::SupportZips, &["export/support", "support"]),
    (Storage::Exports, &["export"]),
    (Storage::Imports, &["import"]),
    (Storage::Temporary, &["tmp", "temp"]),
];
const PLUGINS: &[&str] = &["plugins"];
/// Entries of a home folder that a row of their own speaks of, or that hold no content of issues.
const KNOWN: [&str; 12] =
    ["data", "logos", "caches", "indexes", "export", "import", "tmp", "temp", "support", "plugins", "log", "keys"];

/// Makes the matrix.
#[must_use]
pub fn matrix(config: &Config, facts: &BTreeMap<InstanceName, Facts>, coverage: &[Coverage]) -> Vec<MatrixRow> {
    let mut rows = Vec::new();
    for instance in config.instances.values() {
        let known = facts.get(&instance.name);
        for &place in Storage::ALL {
            let fact = match place.area() {
                StorageArea::Jira => known.and_then(|k| k.0.get(&place).cloned()).or_else(|| never_read(place)),
                StorageArea::FileSystem if OURS.contains(&place) => continue,
                StorageArea::FileSystem => Some(elsewhere(instance, config.home.is_some())),
            };
            rows.push(MatrixRow::new(Some(instance.name.clone()), place, fact));
        }
    }
    let host = Host { config, coverage, read: read_folders(config, coverage) };
    for &place in Storage::ALL.iter().filter(|p| p.area() == StorageArea::FileSystem) {
        rows.push(MatrixRow::new(None, place, host.fact(place)));
    }
    rows
}

/// Kinds that lie on the host of efface alone.
const OURS: [Storage; 3] = [Storage::Staging, Storage::OwnStore, Storage::OtherTools];

/// What no scan of efface reads in a Jira, and who can look.
fn never_read(place: Storage) -> Option<Fact> {
    let out = |why: &str, who: &str| Some(Fact::new(MatrixStatus::OutOfReach, why).asking(who));
    match place {
        Storage::OtherProjects => Some(
            Fact::new(MatrixStatus::Unexamined, "efface reads the projects that are synchronised, no others")
                .asking(ADMIN),
        ),
        Storage::ServiceDesk => out("no call of the platform shows them", "the administrator of the service desk"),
        Storage::Workflows => out("conditions, rules and subscriptions may name a person", ADMIN),
        Storage::Apps => {
            out("apps keep data outside of Jira's API", "the apps' vendors, through the Jira administrator")
        }
        Storage::ActivityStreams => out("made from issues and history, and kept by who reads them", ADMIN),
        Storage::Mail => out("what was sent lies in other people's mailboxes", "the administrator of the mail server"),
        Storage::Webhooks => out("what was delivered lies with the receivers", "whoever receives the webhooks"),
        _ => None,
    }
}

/// The file system of an instance, as seen from here.
fn elsewhere(instance: &Instance, home: bool) -> Fact {
    let who = instance.contact.clone();
    match instance.flavor {
        Flavor::Cloud => Fact::new(MatrixStatus::OutOfReach, "Atlassian runs the site")
            .asking("Atlassian, through the organisation's administrator"),
        Flavor::DataCenter => {
            let why = if home {
                "on the instance's own hosts; the rows of this host speak of the home folder that is configured"
            } else {
                "on the instance's own hosts"
            };
            Fact::new(MatrixStatus::OutOfReach, why)
                .asking(who.unwrap_or_else(|| "the system administrator of the instance".to_owned()))
        }
    }
}

/// Folders that the scan was to read, with what became of it.
fn read_folders<'c>(config: &Config, coverage: &'c [Coverage]) -> Vec<(PathBuf, &'c Coverage)> {
    let line = |place| coverage.iter().find(|c| c.place == place);
    targets(config)
        .into_iter()
        .filter_map(|t| match t {
            Target::Folder(place, path) | Target::File(place, path) => Some((path, line(place)?)),
            _ => None,
        })
        .collect()
}

struct Host<'a> {
    config: &'a Config,
    coverage: &'a [Coverage],
    read: Vec<(PathBuf, &'a Coverage)>,
}

impl Host<'_> {
    fn fact(&self, place: Storage) -> Option<Fact> {
        match place {
            Storage::Staging => self.area(Area::Staging),
            Storage::OwnStore => self.area(Area::State),
            Storage::OtherTools if self.config.foreign.is_empty() => {
                Some(Fact::new(MatrixStatus::Absent, "no other tool's folder is configured"))
            }
            Storage::OtherTools => self.area(Area::Foreign),
            Storage::Database => Some(
                Fact::new(MatrixStatus::OutOfReach, "read through Jira's API alone")
                    .asking("the database administrator"),
            ),
            Storage::Backups => Some(
                Fact::new(MatrixStatus::OutOfReach, "a backup expires with its rotation")
                    .asking("whoever keeps the backups"),
            ),
            _ => match &self.config.home {
                None => Some(Fact::new(MatrixStatus::Absent, "no home folder is configured")),
                Some(home) => self.in_home(home, place),
            },
        }
    }

    /// The worst of an area's lines; nothing where the scan has none.
    fn area(&self, area: Area) -> Option<Fact> {
        self.coverage.iter().filter(|c| c.area == area).map(Fact::of).reduce(Fact::worse)
    }

    fn in_home(&self, home: &Home, place: Storage) -> Option<Fact> {
        let bases: Vec<&Path> = std::iter::once(&home.path).chain(&home.local).map(PathBuf::as_path).collect();
        if place == Storage::Logs {
            // Jira's own log folder, and whatever else the configuration names.
            let own = bases.iter().filter_map(|b| self.folder(&b.join("log")));
            return own.chain(self.area(Area::Log)).reduce(Fact::worse).or_else(|| Some(none()));
        }
        if place == Storage::OtherFiles {
            return Some(self.others(&bases));
        }
        let names = FOLDERS.iter().find(|(p, _)| *p == place).map_or(PLUGINS, |(_, names)| names);
        let all = bases.iter().flat_map(|b| names.iter().map(move |n| b.join(n)));
        all.filter_map(|path| self.folder(&path)).reduce(Fact::worse).or_else(|| Some(none()))
    }

    /// What became of a folder: read as a part of another, in part, or not at all; nothing where it does not exist.
    fn folder(&self, path: &Path) -> Option<Fact> {
        if !path.exists() {
            return None;
        }
        if let Some((_, line)) = self.read.iter().find(|(read, _)| path.starts_with(read)) {
            return Some(Fact::of(line));
        }
        let part = self.read.iter().any(|(read, _)| read.starts_with(path));
        let status = if part { MatrixStatus::Partial } else { MatrixStatus::Unexamined };
        let why = "it is there and not among the folders that are scanned; name it under [[foreign]] to have it read";
        Some(Fact::new(status, why).asking(HOST))
    }

    /// What else lies in the home folders, counted.
    fn others(&self, bases: &[&Path]) -> Fact {
        let mut unread = 0_u64;
        for entry in bases.iter().filter_map(|b| std::fs::read_dir(b).ok()).flatten().flatten() {
            let path = entry.path();
            let known = entry.file_name().to_str().is_some_and(|n| KNOWN.contains(&n));
            let ours = self.config.state.starts_with(&path) || self.read.iter().any(|(read, _)| path.starts_with(read));
            unread += u64::from(!known && !ours);
        }
        let data = bases.iter().filter_map(|b| std::fs::read_dir(b.join("data")).ok()).flatten().flatten();
        for entry in data {
            let path = entry.path();
            let known = entry.file_name().to_str().is_some_and(|n| matches!(n, "attachments" | "avatars"));
            let staging = self.config.home.as_ref().is_some_and(|h| h.staging.starts_with(&path));
            let read = self.read.iter().any(|(read, _)| path.starts_with(read) || read.starts_with(&path));
            unread += u64::from(!known && !staging && !read);
        }
        match unread {
            0 => Fact::new(MatrixStatus::Absent, "nothing else lies there"),
            n => {
                Fact::new(MatrixStatus::Unexamined, format!("{n} other files and folders are not scanned")).asking(HOST)
            }
        }
    }
}

fn none() -> Fact {
    Fact::new(MatrixStatus::Absent, "there is no such folder")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CoverageStatus, Place};

    fn config(dir: &Path, home: bool) -> Config {
        let file = dir.join("efface.toml");
        let head = if home { "[home]\npath = \"home\"\nstate = \"state\"\n" } else { "" };
        let text = format!(
            "{head}[instance.hq]\nurl = \"https://jira.example\"\nflavor = \"datacenter\"\nauth = {{ token_env = \"X\" }}\n\
             controller = \"us\"\n[instance.cloud]\nurl = \"https://x.example\"\nflavor = \"cloud\"\n\
             auth = {{ user = \"bot\", token_env = \"X\" }}\ncontroller = \"partner\"\n"
        );
        std::fs::write(&file, text).unwrap();
        Config::load(&file).unwrap()
    }

    /// No place of the list can be missing, and nothing is called examined that no scan speaks of.
    #[test]
    fn every_kind_has_a_row_and_none_is_examined_by_itself() {
        let dir = tempfile::tempdir().unwrap();
        for home in [false, true] {
            let rows = matrix(&config(dir.path(), home), &BTreeMap::new(), &[]);
            for instance in ["hq", "cloud"] {
                for place in Storage::ALL.iter().filter(|p| !OURS.contains(p)) {
                    let is = |r: &&MatrixRow| {
                        r.place == *place && r.instance.as_ref().is_some_and(|i| i.as_str() == instance)
                    };
                    assert_eq!(rows.iter().filter(is).count(), 1, "{instance} {place:?}");
                }
            }
            for place in Storage::ALL.iter().filter(|p| p.area() == StorageArea::FileSystem) {
                let is = |r: &&MatrixRow| r.place == *place && r.instance.is_none();
                assert_eq!(rows.iter().filter(is).count(), 1, "this host: {place:?}");
            }
            assert!(rows.iter().all(|r| r.status != MatrixStatus::Examined), "{rows:?}");
            let said = |r: &MatrixRow| r.reason.is_some() && (r.status != MatrixStatus::OutOfReach || r.ask.is_some());
            assert!(rows.iter().all(said), "what is not examined says why, and what is out of reach whom to ask");
        }
    }

    #[test]
    fn a_row_follows_what_the_scan_did() {
        let dir = tempfile::tempdir().unwrap();
        let config = config(dir.path(), true);
        let home = &config.home.as_ref().unwrap().path;
        for folder in ["caches/indexesV2", "log", "data/attachments", "mystery"] {
            std::fs::create_dir_all(home.join(folder)).unwrap();
        }
        let log = Coverage::examined(Place::new(Area::Log, "log"), 3, 10);
        let status = |coverage: &[Coverage], facts: &BTreeMap<InstanceName, Facts>, instance: Option<&str>, place| {
            let rows = matrix(&config, facts, coverage);
            rows.iter()
                .find(|r| r.place == place && r.instance.as_ref().map(InstanceName::as_str) == instance)
                .unwrap()
                .status
        };
        let none = BTreeMap::new();
        assert_eq!(status(&[], &none, None, Storage::Logs), MatrixStatus::Unexamined);
        assert_eq!(status(std::slice::from_ref(&log), &none, None, Storage::Logs), MatrixStatus::Examined);
        let partial = Coverage { status: CoverageStatus::Partial, reason: Some("x".into()), ..log };
        assert_eq!(status(&[partial], &none, None, Storage::Logs), MatrixStatus::Partial);
        assert_eq!(status(&[], &none, None, Storage::SearchIndex), MatrixStatus::Unexamined);
        assert_eq!(status(&[], &none, None, Storage::Exports), MatrixStatus::Absent);
        assert_eq!(status(&[], &none, None, Storage::OtherFiles), MatrixStatus::Unexamined);
        let facts =
            BTreeMap::from([("hq".parse().unwrap(), Facts(BTreeMap::from([(Storage::Votes, Fact::examined())])))]);
        assert_eq!(status(&[], &facts, Some("hq"), Storage::Votes), MatrixStatus::Examined);
        assert_eq!(status(&[], &facts, Some("cloud"), Storage::Votes), MatrixStatus::Unexamined);
    }
}
