//! Two-way synchronizations: the way back, as a synchronization of its own.
//!
//! Owns what turns one configured synchronization into two legs, `NAME` and `NAME.back`. Each is then one like any other: it has its
//! staging folder, its cursor and its row in every report, and what finds and erases persons need not know of directions.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Sync;
use crate::model::SyncName;

/// Whose value counts where a field was changed on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Conflict {
    /// What was changed last.
    Newest,
    /// The source's.
    Source,
    /// The target's.
    Target,
    /// A person's choice: the change is parked.
    Ask,
}

/// The other leg of a two-way synchronization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Twin {
    /// Its name.
    pub name: SyncName,
    /// Whether this leg is the way back.
    pub back: bool,
    /// Who wins, as this leg sees it: its own source, its own target.
    pub conflict: Conflict,
}

/// What the way back says otherwise than the way there turned round.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawBack {
    user_map: Option<BTreeMap<String, String>>,
    issue_types: Option<BTreeMap<String, String>>,
    statuses: Option<BTreeMap<String, String>>,
    priorities: Option<BTreeMap<String, String>>,
}

/// A table turned round.
///
/// # Errors
/// When two of its keys lead to one value: which of them leads back is a person's choice.
fn reversed(table: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, String> {
    let mut out: BTreeMap<String, String> = BTreeMap::new();
    for (from, to) in table {
        if let Some(other) = out.insert(to.clone(), from.clone()) {
            return Err(format!("{other:?} and {from:?} both lead to {to:?}"));
        }
    }
    Ok(out)
}

/// Both legs of a two-way synchronization.
///
/// # Errors
/// What is wrong, in words that follow `sync NAME: `.
pub(super) fn legs(mut there: Sync, back: RawBack, conflict: Conflict) -> Result<(Sync, Sync), String> {
    let name: SyncName = format!("{}.back", there.name)
        .parse()
        .map_err(|_| "with direction = \"two-way\" the name may have 59 characters at most".to_owned())?;
    let round = |what: &str, given: Option<BTreeMap<String, String>>, table: &BTreeMap<String, String>| match given {
        Some(given) => Ok(given),
        None => reversed(table)
            .map_err(|why| format!("{what}: {why}; say which leads back under [sync.{}.back.{what}]", there.name)),
    };
    let way = Sync {
        source: there.target.clone(),
        target: there.source.clone(),
        user_map: round("user_map", back.user_map, &there.user_map)?,
        issue_types: round("issue_types", back.issue_types, &there.issue_types)?,
        statuses: round("statuses", back.statuses, &there.statuses)?,
        priorities: round("priorities", back.priorities, &there.priorities)?,
        twin: Some(Twin {
            name: there.name.clone(),
            back: true,
            conflict: match conflict {
                Conflict::Source => Conflict::Target,
                Conflict::Target => Conflict::Source,
                other => other,
            },
        }),
        name: name.clone(),
        ..there.clone()
    };
    there.twin = Some(Twin { name, back: false, conflict });
    Ok((there, way))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Config;

    const GOOD: &str = r#"
[home]
path = "h"
[instance.a]
url = "https://a.example"
flavor = "datacenter"
auth = { token_env = "A" }
[instance.b]
url = "https://b.example"
flavor = "cloud"
auth = { user = "bot@b.example", token_env = "B" }
[sync.x]
source = { instance = "a", project = "HQ", jql = "labels = out" }
target = { instance = "b", project = "PART", jql = "labels = home" }
direction = "two-way"
"#;

    fn parse(more: &str) -> Result<Config, String> {
        Config::parse(&format!("{GOOD}{more}"), Path::new("e.toml")).map_err(|e| e.to_string())
    }

    #[test]
    fn a_two_way_synchronization_has_two_legs() {
        let config =
            parse("conflict = \"source\"\nstatuses = { \"To Do\" = \"Open\" }\nuser_map = { jd = \"5b10\" }\n")
                .unwrap();
        let [there, back] = ["x", "x.back"].map(|n| &config.syncs[&n.parse().unwrap()]);
        assert_eq!(config.syncs.len(), 2);
        assert_eq!((back.source.project.as_str(), back.target.project.as_str()), ("PART", "HQ"));
        assert_eq!(back.source.jql.as_deref(), Some("labels = home"));
        assert_eq!((back.statuses["Open"].as_str(), back.user_map["5b10"].as_str()), ("To Do", "jd"));
        let (one, other) = (there.twin.clone().unwrap(), back.twin.clone().unwrap());
        assert_eq!((one.name.as_str(), one.back, one.conflict), ("x.back", false, Conflict::Source));
        assert_eq!((other.name.as_str(), other.back, other.conflict), ("x", true, Conflict::Target));
        assert_eq!(parse("").unwrap().syncs.values().next().unwrap().twin.as_ref().unwrap().conflict, Conflict::Newest);
    }

    #[test]
    fn what_cannot_be_turned_round_is_asked_for() {
        let both = "statuses = { \"To Do\" = \"Open\", \"New\" = \"Open\" }\n";
        let why = parse(both).unwrap_err();
        assert!(
            why.contains("\"New\" and \"To Do\" both lead to \"Open\"") && why.contains("[sync.x.back.statuses]"),
            "{why}"
        );
        let config = parse(&format!("{both}[sync.x.back.statuses]\nOpen = \"New\"\n")).unwrap();
        assert_eq!(config.syncs[&"x.back".parse().unwrap()].statuses["Open"], "New");
        for (more, wanted) in [
            ("conflict = \"loudest\"\n", "loudest"),
            (&format!("\n[sync.{}]\n{}", "x.back", "x"), "x"),
            (
                "[sync.\"x.back\"]\nsource = { instance = \"a\", project = \"Q\" }\ntarget = { instance = \"b\", project = \"R\" }\n",
                "the way back of sync x is named x.back",
            ),
        ] {
            let why = parse(more).unwrap_err();
            assert!(why.contains(wanted), "{why}");
        }
        // What only a way back could use is said where there is none.
        let one_way = GOOD.replace("direction = \"two-way\"\n", "conflict = \"ask\"\n");
        let why = Config::parse(&one_way, Path::new("e.toml")).unwrap_err().to_string();
        assert!(why.contains("direction = \"two-way\""), "{why}");
        let long = GOOD.replace("sync.x", &format!("sync.{}", "x".repeat(60)));
        assert!(Config::parse(&long, Path::new("e.toml")).unwrap_err().to_string().contains("59 characters"));
    }

    #[test]
    fn a_project_in_which_several_synchronizations_meet_is_read_once() {
        let chain = "[sync.y]\nsource = { instance = \"b\", project = \"PART\" }\ntarget = { instance = \"a\", project = \"FAR\" }\n";
        for (text, wanted) in [
            (GOOD.to_owned(), vec!["source:a/HQ", "target:b/PART"]),
            (format!("{GOOD}{chain}"), vec!["source:a/HQ", "target:a/FAR", "target:b/PART"]),
            (
                format!("{GOOD}{chain}").replace("direction = \"two-way\"", ""),
                vec!["source:a/HQ", "target:a/FAR", "target:b/PART"],
            ),
        ] {
            let config = Config::parse(&text, Path::new("e.toml")).unwrap();
            let places: Vec<String> = crate::scan::run::targets(&config)
                .iter()
                .filter(|t| matches!(t, crate::scan::run::Target::Remote(_)))
                .map(|t| t.place().to_string())
                .collect();
            assert_eq!(places, wanted);
        }
    }
}
