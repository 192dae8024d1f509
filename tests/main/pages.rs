//! Every page that efface makes, written for a browser to look at (`tests/peers/browser.sh`).

use chrono::Utc;
use efface::model::Flavor;

use crate::world::World;

/// Writes the pages into the folder `EFFACE_PAGES`: of a case that was carried out, of a plan that waits, and of all reports.
#[test]
#[ignore = "needs a folder; tests/peers/browser.sh runs it"]
fn pages_for_a_browser() {
    let Some(folder) = std::env::var_os("EFFACE_PAGES").map(std::path::PathBuf::from) else {
        println!("no EFFACE_PAGES");
        return;
    };
    std::fs::create_dir_all(&folder).unwrap();
    let w = World::new(Flavor::DataCenter, 4);
    w.plant();
    w.efface(&["sync", "run"]).exits(0);
    w.register();
    let page = |name: &str, args: &[&str]| {
        let file = folder.join(name);
        let run = w.efface(&[args, &["--format", "html", "-o", file.to_str().unwrap()]].concat());
        assert!(file.metadata().is_ok_and(|m| m.len() > 500), "{name}: {}{}", run.out, run.err);
    };
    page("scan.html", &["scan", "--subject", "REQ-1"]);
    let case = w.efface(&["case", "open", "--subject", "REQ-1", "-q"]).exits(0).out.trim().to_owned();
    page("plan.html", &["case", "plan", &case]);
    w.efface_as("dpo", &["case", "approve", &case]).exits(0);
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    w.efface(&["case", "verify", &case]);
    page("certificate.html", &["case", "certificate", &case]);
    page("letter.html", &["case", "reply", &case]);
    page("case.html", &["report", "case", &case]);
    // Others that were answered or wait, some of them late, so that the charts have something to show.
    for (n, received) in [0, 3, 10, 14, 26, 33, 40, 47, 61, 70, 84, 96, 118, 140].into_iter().enumerate() {
        let day = (Utc::now().date_naive() - chrono::Days::new(received)).to_string();
        let id = w.efface(&["case", "open", "--subject", "REQ-1", "--received", &day, "-q"]).exits(0).out;
        if n % 4 != 0 {
            w.efface(&["case", "reject", id.trim(), "--reason", "it is about somebody else"]).exits(0);
        }
    }
    for n in 1..=2 {
        let issue = format!("HQ-{n}");
        let args = ["hold", "add", "--type", "preservation", "--basis", "claim 7", "--issue", &issue, "-q"];
        w.efface_as("legal", &args).exits(0);
    }
    w.efface(&["sweep"]);
    let from = (Utc::now().date_naive() - chrono::Days::new(150)).to_string();
    page("compliance.html", &["report", "compliance", "--from", &from]);
    page("coverage.html", &["report", "coverage"]);
    page("processing.html", &["report", "processing"]);
}
