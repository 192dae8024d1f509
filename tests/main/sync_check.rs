//! `sync check`: the configuration against both instances.

use efface::model::Flavor;

use crate::world::World;

/// What will not fit is said before anything moves, and nothing moves for it.
#[test]
fn what_will_not_fit_is_said_before() {
    for flavor in [Flavor::DataCenter, Flavor::Cloud] {
        let w = World::new(flavor, 1);
        let fine = w.efface(&["sync", "check"]).exits(0);
        assert!(
            fine.err.contains("0 do not fit, 0 could not be read") && fine.out.contains("note"),
            "{}{}",
            fine.out,
            fine.err
        );
        let before = w.target.control().request_log().len();
        w.write_config(
            "statuses = { \"To Do\" = \"Frozen\" }\npriorities = { High = \"Urgent\" }\nissue_types = { Bug = \"Incident\" }\n\
             user_map = { x = \"nobody-here\" }",
        );
        w.target.control().deny("ADD_COMMENTS", true);
        let run = w.efface(&["sync", "check", "--format", "json"]).exits(1);
        let said: serde_json::Value = serde_json::from_str(&run.out).unwrap();
        let problems: Vec<String> = said["rows"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|r| r["row"]["fits"] == "problem")
            .map(|r| format!("{} {}", r["row"]["what"].as_str().unwrap(), r["row"]["target"].as_str().unwrap()))
            .collect();
        for want in
            ["permission partner/PART", "user nobody-here", "priority Urgent", "type Incident", "status Frozen (Task)"]
        {
            assert!(problems.iter().any(|p| p == want), "{want} in {problems:#?}");
        }
        let log = w.target.control().request_log();
        assert!(
            log.len() > before && log.iter().all(|(method, path)| method == "GET" || path.contains("/search")),
            "{log:#?}"
        );
        let table = w.efface(&["sync", "check", "hq-partner"]).exits(1);
        assert!(
            table.out.contains("ADD_COMMENTS") && table.out.contains("[sync.hq-partner.statuses]"),
            "{}",
            table.out
        );
        w.efface(&["sync", "check", "nothing"]).exits(2);
        w.target.control().hide_project("PART", true);
        w.efface(&["sync", "check"]).exits(3);
    }
}
