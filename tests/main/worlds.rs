//! Seeded worlds through the whole workflow, with kills, 429s, 500s, cut connections, edits by others while it runs, and
//! holds. `EFFACE_BINARY=$PWD/target/release/efface EFFACE_WORLDS=1000 cargo test --test main -- --ignored many_worlds` runs as
//! many as one likes; a world that fails says its seed.
//!
//! What has to hold in each: every finding is in exactly one place of the plan; what stays afterwards is what stayed before,
//! less what the plan took (A₁ = A₀ − B₀), besides the copies that Jira's history keeps; nothing else is found; records that
//! name nobody are byte for byte the same; and what efface wrote names nobody outside what is sealed.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Stdio,
    time::Duration,
};

use efface::model::Flavor;
use serde_json::{Value, json};

use crate::world::{EMAIL, NAME, USER, World, client, names_the_person};

/// A cheap generator: worlds only have to differ, and come again by their seed.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).unwrap()
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }
}

/// What stands somewhere: about the person, or about nobody.
const ABOUT: [&str; 9] = [
    "[~zvanderquandt] waits",
    "write to zoe.vanderquandt@corp.example today",
    "ask *Zoë* van der Quandt",
    "VAN DER QUANDT, ZOË was early",
    "zoe van der quandt called",
    "login zvanderquandt failed twice",
    "h2. Report\n\n|who|Zoë van der Quandt|\n|mail|zoe.vanderquandt@corp.example|",
    "see https://wiki.corp.example/people/zvanderquandt for it",
    "Zoe+van+der+Quandt in the query",
];

const NOBODY: [&str; 5] = [
    "The printer has no paper.",
    "Anna Bergman is late",
    "h2. Nothing\n\n* new",
    "anna@corp.example",
    "Quand même, rien",
];

fn text(dice: &mut Dice) -> String {
    let mut parts = vec![dice.of(&NOBODY)];
    if !dice.one_in(3) {
        parts.push(dice.of(&ABOUT));
    }
    if dice.one_in(2) {
        parts.push(dice.of(&NOBODY));
    }
    parts.join("\n\n")
}

struct Play {
    w: World,
    dice: Dice,
    /// Keys of the source's issues.
    keys: Vec<String>,
    /// Issues that somebody edited meanwhile, by their number: a sync carries the edit over to the target.
    edited: BTreeSet<usize>,
}

impl Play {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let flavor = if dice.one_in(2) { Flavor::Cloud } else { Flavor::DataCenter };
        let w = World::new(flavor, 1 + dice.below(3));
        let mut keys = Vec::new();
        for n in 0..2 + dice.below(4) {
            let mut extra = json!({});
            if dice.one_in(3) {
                extra["assignee"] = json!({ "name": USER });
            }
            if dice.one_in(4) {
                extra["reporter"] = json!({ "name": USER });
            }
            if dice.one_in(4) {
                extra["labels"] = json!(["zvanderquandt", "plain"]);
            }
            let summary = if dice.one_in(3) { format!("Case {n} of {NAME}") } else { format!("Case {n}") };
            let key = w.issue(&summary, &text(&mut dice), extra);
            for _ in 0..dice.below(3) {
                w.comment(&key, &text(&mut dice));
            }
            if dice.one_in(3) {
                w.attach(&key, "notes.txt", &text(&mut dice));
            }
            keys.push(key);
        }
        let tool = w.home().join("data/other-tool");
        for n in 0..dice.below(4) {
            let folder = dice.of(&["", "processed/", "pending/"]);
            std::fs::create_dir_all(tool.join(folder)).unwrap();
            let body = match dice.below(3) {
                0 => json!({ "n": n, "text": text(&mut dice) }).to_string(),
                1 => format!("id,who\n1,{}\n2,anna\n", dice.of(&[USER, EMAIL, "anna"])),
                _ => text(&mut dice),
            };
            let name = dice.of(&["a.json", "b.csv", "c.txt", "d.log"]);
            std::fs::write(tool.join(folder).join(format!("{n}-{name}")), body).unwrap();
        }
        let log: String =
            (0..dice.below(4)).map(|_| format!("{}\n", dice.of(&["login zvanderquandt", "login anna"]))).collect();
        std::fs::write(w.home().join("log/jira.log"), log).unwrap();
        Self { w, dice, keys, edited: BTreeSet::new() }
    }

    /// Everything that names nobody, by where it is.
    fn others(&self) -> BTreeMap<String, String> {
        let mut kept = BTreeMap::new();
        for (name, sandbox, project) in [("hq", &self.w.source, "HQ"), ("partner", &self.w.target, "PART")] {
            let jira = client(name, sandbox);
            self.w.rt.block_on(async {
                for issue in jira.search(&format!("project = {project}"), &["*all"]).all().await.unwrap() {
                    let json = json!(issue.0);
                    let text = json.to_string();
                    let mut names = names_the_person(text.as_bytes()) || text.contains(&self.w.target_id);
                    // What is attached may be put back without the person, under another id.
                    for attachment in json["fields"]["attachment"].as_array().into_iter().flatten() {
                        let file = jira.download(attachment).await.unwrap();
                        names |= names_the_person(&file.read_limited(1 << 20).await.unwrap());
                    }
                    let number = json["fields"]["summary"].as_str().and_then(|s| s.split(' ').nth(1)).unwrap();
                    if !names {
                        kept.insert(format!("{name} {} (case {number})", issue.key()), text);
                    }
                }
            });
        }
        let mut folders = vec![self.w.home().join("data/other-tool"), self.w.home().join("log")];
        while let Some(folder) = folders.pop() {
            for path in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let bytes = std::fs::read(&path).unwrap();
                if !names_the_person(&bytes) {
                    kept.insert(path.display().to_string(), String::from_utf8(bytes).unwrap());
                }
            }
        }
        kept
    }

    fn trouble(&mut self) {
        let (source, target) = self.w.control();
        for control in [source, target] {
            match self.dice.below(6) {
                0 => control.burst_429(1 + self.dice.below(3) as u64),
                1 => control.fail_500(1 + self.dice.below(3) as u64),
                2 => control.cut_connections(1 + self.dice.below(2) as u64),
                3 => control.cut_after_commit(1),
                4 => control.set_latency(Duration::from_millis(self.dice.below(8) as u64)),
                _ => {}
            }
        }
    }

    /// Runs a command that may be killed on its way; says whether it ended by itself, and how.
    fn killed(&mut self, args: &[&str]) -> Option<i32> {
        let mut child = self.w.command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let patience = Duration::from_millis(30 + self.dice.below(1500) as u64);
        let begun = std::time::Instant::now();
        while begun.elapsed() < patience {
            if let Some(status) = child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        None
    }

    /// Somebody edits an issue of the source while a case is worked on.
    fn somebody_edits(&mut self) {
        let number = self.dice.below(self.keys.len());
        let text = text(&mut self.dice);
        self.w.source.control().edit_issue_behind(&self.keys[number], "description", &text).unwrap();
        self.edited.insert(number);
    }

    fn plan(&self, case: &str) -> Value {
        let run = self.w.efface(&["case", "plan", case, "--format", "json"]).exits(0);
        let plan: Value = serde_json::from_str(&run.out).unwrap();
        let plan = plan["plan"].clone();
        // Where each finding ends: in one step, or standing in one way.
        let mut seen: BTreeMap<String, String> = BTreeMap::new();
        let mut ends = |finding: &Value, end: String| {
            let id = finding["finding"].as_str().unwrap().to_owned();
            let before = seen.insert(id, end.clone());
            // A user object that says its name twice (as key, say) is one finding with two references.
            assert!(before.as_ref().is_none_or(|b| *b == end), "{finding:#} ends twice: {before:?} and {end}");
        };
        for step in plan["steps"].as_array().unwrap() {
            step["edits"].as_array().unwrap().iter().for_each(|e| ends(e, format!("step {}", step["number"])));
        }
        plan["standing"].as_array().unwrap().iter().for_each(|s| ends(s, s["outcome"].to_string()));
        let (_, report) = self.w.scan(&[]);
        for finding in report["findings"].as_array().unwrap() {
            assert!(seen.contains_key(finding["id"].as_str().unwrap()), "{finding:#} is in no plan");
        }
        plan
    }

    fn found(&self) -> BTreeMap<String, Value> {
        // What is left of the trouble may fail a scan, which then says so; it passes.
        let mut scans = (0..4).map(|_| self.w.scan(&[]));
        let (code, report) = scans.find(|(code, _)| *code != 3).unwrap_or_else(|| self.w.scan(&[]));
        assert!(code == 0 || code == 1, "{report:#}");
        let findings = report["findings"].as_array().unwrap();
        findings.iter().map(|f| (f["id"].as_str().unwrap().to_owned(), f.clone())).collect()
    }

    /// Plans, approves and executes until everything is done, whatever comes in between. Gives the findings that the last
    /// plan left standing.
    fn carry_out(&mut self, case: &str, mut edits: usize) -> BTreeSet<String> {
        for round in 0.. {
            assert!(round < 9, "no end in nine rounds");
            let before = self.found();
            let plan = self.plan(case);
            let ids = |list: &Value| -> BTreeSet<String> {
                list.as_array().unwrap().iter().map(|f| f["finding"].as_str().unwrap().to_owned()).collect()
            };
            let standing = ids(&plan["standing"]);
            let mut taken = BTreeSet::new();
            plan["steps"].as_array().unwrap().iter().for_each(|s| taken.extend(ids(&s["edits"])));
            let whole: BTreeSet<String> = standing.union(&taken).cloned().collect();
            assert!(before.keys().all(|id| whole.contains(id)));
            for review in plan["standing"].as_array().unwrap().iter().filter(|s| s["outcome"] == "review") {
                let finding = review["finding"].as_str().unwrap();
                let how = if self.dice.one_in(2) { ["--keep", "needed"] } else { ["--other-person", "a namesake"] };
                self.w.efface(&[&["case", "review", case, finding], &how[..]].concat()).exits(0);
            }
            if plan["standing"].as_array().unwrap().iter().any(|s| s["outcome"] == "review") {
                continue;
            }
            self.w.efface_as("dpo", &["case", "approve", case]).exits(0);
            if edits > 0 && self.dice.one_in(2) {
                edits -= 1;
                self.somebody_edits();
            }
            let mut code = None;
            for _ in 0..self.dice.below(4) {
                self.trouble();
                code = self.killed(&["case", "execute", case, "--yes"]);
                if code.is_some() {
                    break;
                }
            }
            for _ in 0..8 {
                if matches!(code, Some(0 | 4)) {
                    break;
                }
                code = Some(self.w.efface(&["case", "execute", case, "--yes"]).code);
            }
            match code {
                Some(0) => {}
                // Somebody changed a record meanwhile, or a hold fell in: back to planning.
                Some(4) => continue,
                other => panic!("the execution ends with {other:?}"),
            }
            if self.edited.is_empty() {
                let after = self.found();
                for (id, finding) in &after {
                    let old = finding["record"]["type"] == "history";
                    assert!(!taken.contains(id), "{finding:#} was taken and is there");
                    assert!(old || before.contains_key(id), "{finding:#} is new");
                }
                for id in before.keys().filter(|id| standing.contains(*id)) {
                    assert!(after.contains_key(id), "{id} should have stayed: {:#}", before[id]);
                }
            }
            return standing;
        }
        unreachable!()
    }
}

impl Play {
    /// Verified. What somebody wrote meanwhile into a field that no step changes only the verification meets: it is planned then.
    fn verified(&mut self, case: &str) {
        if !self.edited.is_empty() && self.w.efface(&["case", "verify", case]).code == 1 {
            self.carry_out(case, 0);
        }
        self.w.efface(&["case", "verify", case]).exits(0);
    }
}

fn world(seed: u64) {
    let mut play = Play::new(seed);
    play.trouble();
    for _ in 0..8 {
        if play.w.efface(&["sync", "run"]).code == 0 {
            break;
        }
    }
    play.w.indexed();
    play.w.register();
    let others = play.others();
    let case = play.w.efface(&["case", "open", "--subject", "REQ-1", "-q"]).exits(0).out.trim().to_owned();
    let hold = play.dice.one_in(3).then(|| {
        let key = play.keys[play.dice.below(play.keys.len())].clone();
        let add = ["hold", "add", "--type", "preservation", "--basis", "claim 7", "--issue", &key, "-q"];
        play.w.efface_as("legal", &add).exits(0).out.trim().to_owned()
    });
    let edits = play.dice.below(2);
    play.carry_out(&case, edits);
    if let Some(hold) = &hold {
        let (source, target) = play.w.control();
        source.set_latency(Duration::ZERO);
        target.set_latency(Duration::ZERO);
        play.verified(&case);
        play.w.efface_as("dpo", &["hold", "release", hold, "--reason", "settled"]).exits(0);
        play.carry_out(&case, 0);
    }
    play.verified(&case);
    play.w.efface(&["case", "certificate", &case, "-o", "certificate.json"]).exits(0);
    let certificate: Value =
        serde_json::from_slice(&std::fs::read(play.w.path().join("certificate.json")).unwrap()).unwrap();
    for finding in play.found().values() {
        let listed = certificate["stays"].as_array().unwrap().iter().any(|s| {
            s["place"] == finding["place"]
                && s["record"]["type"] == finding["record"]["type"]
                && s["record"]["key"] == finding["record"]["key"]
        });
        assert!(listed, "{finding:#} is in no certificate");
    }
    // The next sync brings nobody back: a bare name may park a change (3), nothing more.
    let sync = play.w.efface(&["sync", "run"]);
    assert!(sync.code == 0 || sync.code == 3, "{}{}", sync.out, sync.err);
    // What was kept in the source, or written there since, is staged again and parked: that copy is the case's too.
    if sync.code == 3 && play.w.efface(&["case", "verify", &case]).code == 1 {
        play.carry_out(&case, 0);
    }
    play.w.efface(&["case", "verify", &case]).exits(0);
    let now = play.others();
    for (place, text) in &others {
        if !play.edited.iter().any(|number| place.ends_with(&format!("(case {number})"))) {
            assert_eq!(now.get(place), Some(text), "{place} changed");
        }
    }
    play.w.efface(&["case", "close", &case]).exits(0);
    play.w.efface(&["audit", "verify"]).exits(0);
    let state = play.w.path().to_owned();
    let home = play.w.home();
    let ours: Vec<String> = play
        .w
        .files_naming_the_person()
        .into_iter()
        .filter(|f| !f.trim_start_matches("name of ").starts_with(&*home.to_string_lossy()))
        .collect();
    assert_eq!(ours, Vec::<String>::new(), "what efface wrote in {} names the person", state.display());
}

fn worlds(first: u64, count: u64) {
    let mut failed = Vec::new();
    for seed in first..first + count {
        let run = std::panic::catch_unwind(|| world(seed));
        if run.is_err() {
            println!("world {seed} failed");
            failed.push(seed);
        }
    }
    assert_eq!(failed, Vec::<u64>::new(), "these worlds failed");
    println!("{count} worlds from {first} on, all as they should be");
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().map_or(otherwise, |n| n.parse().unwrap())
}

#[test]
#[ignore = "as many as EFFACE_WORLDS says, from EFFACE_SEED on"]
fn many_worlds() {
    worlds(number("EFFACE_SEED", 1), number("EFFACE_WORLDS", 20));
}
