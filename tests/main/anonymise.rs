//! Accounts of a Data Center are anonymised where the policy says so: what nobody can edit goes with the account.

use std::{
    io::{Read, Write},
    net::TcpStream,
    process::Stdio,
    time::Duration,
};

use efface::{
    jira::Notify,
    model::Flavor,
    sandbox::{Control, NewUser, Sandbox},
};
use serde_json::{Map, Value, json};

use crate::engine::Engine;
use crate::world::{EMAIL, NAME, USER, World, anonymising_policy, client, names_the_person, post};

/// A world whose person has an account at both Data Centers, and stands in the history of the source.
fn world() -> World {
    let w = World::new(Flavor::DataCenter, 1);
    let key = w.plant();
    let once = w.issue("Once hers", "nothing", json!({ "assignee": { "name": USER } }));
    let nobody = [("assignee".to_owned(), Value::Null)].into_iter().collect();
    let edit = async || client("hq", &w.source).edit_issue(&once, nobody, Map::new(), Notify::PreferNever).await;
    w.rt.block_on(edit()).unwrap();
    post(&w.source, &format!("/rest/api/2/issue/{key}/comment"), &json!({ "body": format!("by [~{USER}]") }));
    w.efface(&["sync", "run"]).exits(0);
    w.register();
    for (name, control) in [("hq", w.source.control()), ("partner", w.target.control())] {
        let key = control.people().into_iter().find(|p| p.name == USER).unwrap().id;
        w.efface(&["subject", "add", "--id", "REQ-1", "--user-key", &format!("{name}={key}")]).exits(0);
    }
    anonymising_policy(&w);
    w
}

fn open(w: &World) -> String {
    w.efface(&["case", "open", "--subject", "REQ-1", "-q"]).exits(0).out.trim().to_owned()
}

fn plan(w: &World, case: &str) -> Value {
    let run = w.efface(&["case", "plan", case, "--format", "json"]).exits(0);
    assert!(!names_the_person(run.out.as_bytes()), "{}", run.out);
    serde_json::from_str::<Value>(&run.out).unwrap()["plan"].clone()
}

fn anonymising(plan: &Value) -> Vec<&Value> {
    plan["steps"].as_array().unwrap().iter().filter(|s| s["operation"] == "anonymise").collect()
}

fn approve(w: &World, case: &str) {
    w.efface_as("dpo", &["case", "approve", case]).exits(0);
}

/// Starts of anonymisations since the last reset.
fn starts(control: &Control) -> usize {
    let log = control.request_log();
    log.iter().filter(|(method, path)| method == "POST" && path.contains("/user/anonymization")).count()
}

fn verified_and_closed(w: &World, case: &str) {
    w.efface(&["case", "verify", case]).exits(0);
    w.efface(&["case", "certificate", case, "-o", "certificate.json"]).exits(0);
    let certificate = std::fs::read_to_string(w.path().join("certificate.json")).unwrap();
    assert!(!names_the_person(certificate.as_bytes()));
    w.efface(&["case", "close", case]).exits(0);
    let state = w.files_naming_the_person();
    assert!(state.iter().all(|f| !f.contains("efface-state")), "{state:?}");
}

#[test]
fn what_nobody_can_edit_goes_with_the_account() {
    let w = world();
    let case = open(&w);
    let planned = plan(&w, &case);
    let steps = anonymising(&planned);
    assert_eq!(steps.len(), 2, "one an instance: {:#}", planned["steps"]);
    let last: Vec<_> = planned["steps"].as_array().unwrap().iter().rev().take(2).collect();
    assert!(last.iter().all(|s| s["operation"] == "anonymise"), "they come last");
    for step in &steps {
        assert!(step["notes"].as_array().unwrap().iter().any(|n| n.as_str().unwrap().contains("cannot be undone")));
        assert!(step["record"]["id"].is_null() && !step["edits"].as_array().unwrap().is_empty(), "{step:#}");
    }
    approve(&w, &case);
    // One stops halfway: it is run again, with the old names.
    w.source.control().fail_anonymization(1);
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    let (source, target) = w.control();
    for control in [source, target] {
        let people = control.people();
        assert!(people.iter().all(|p| p.name != USER && p.display_name != NAME), "{people:?}");
        let people = json!(control.dump()["users"]).to_string();
        assert!(!names_the_person(people.as_bytes()) && !people.contains(EMAIL), "{people}");
    }
    verified_and_closed(&w, &case);
    // What stays is said.
    let certificate = std::fs::read(w.path().join("certificate.json")).unwrap();
    let certificate: Value = serde_json::from_slice(&certificate).unwrap();
    assert!(certificate.to_string().contains("audit log keeps the old name"), "{certificate:#}");
    // The next sync maps nobody to what is left of the account, and makes no new one.
    let before = w.target.control().people().len();
    w.efface(&["sync", "run"]).exits(0);
    assert_eq!(w.target.control().people().len(), before);
}

#[test]
fn a_task_that_was_cut_off_is_waited_for_and_started_once() {
    let w = world();
    let case = open(&w);
    plan(&w, &case);
    approve(&w, &case);
    let source = w.source.control();
    source.set_job_polls(1_000_000);
    source.reset_requests();
    let mut child =
        w.command(&["case", "execute", &case, "--yes"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while starts(&source) == 0 {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it started one");
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(50));
    child.kill().unwrap();
    child.wait().unwrap();
    source.set_job_polls(2);
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    assert_eq!(starts(&source), 1, "{:#?}", source.request_log());
    verified_and_closed(&w, &case);
}

#[test]
fn an_account_that_cannot_go_stays_with_the_reason() {
    let w = world();
    w.source.control().set_directory_user(USER, true).unwrap();
    w.target.control().set_admin(false);
    let case = open(&w);
    let planned = plan(&w, &case);
    assert!(anonymising(&planned).is_empty());
    let why = |place: &str| {
        let standing = planned["standing"].as_array().unwrap().iter();
        let mut of = standing.filter(|s| {
            s["rule"].as_str().unwrap().starts_with("account") && s["place"].as_str().unwrap().starts_with(place)
        });
        let one = of.next().unwrap_or_else(|| panic!("{place}: {:#}", planned["standing"])).clone();
        assert_eq!(one["outcome"], "residual", "{one:#}");
        one["why"].as_str().unwrap().to_owned()
    };
    assert!(why("source:").contains("read-only"), "{}", why("source:"));
    assert!(why("target:").contains("system administrator"), "{}", why("target:"));
    approve(&w, &case);
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    verified_and_closed(&w, &case);
}

#[test]
fn a_hold_on_anything_of_the_account_holds_it() {
    let w = world();
    let case = open(&w);
    let planned = plan(&w, &case);
    let edits = anonymising(&planned)[0]["edits"].as_array().unwrap();
    assert!(edits.iter().any(|e| e["at"]["record"]["type"] == "history"), "{edits:#?}");
    approve(&w, &case);
    let add =
        ["hold", "add", "--type", "preservation", "--basis", "claim 7", "--record", "history", "--place", "source:**"];
    w.efface_as("legal", &add).exits(0);
    w.source.control().reset_requests();
    w.efface(&["case", "execute", &case, "--yes"]).exits(4);
    assert_eq!(starts(&w.source.control()), 0);
    assert!(w.source.control().people().iter().any(|p| p.name == USER), "the account is as it was");
    let planned = plan(&w, &case);
    assert!(anonymising(&planned).iter().all(|s| s["instance"] != "hq"), "{:#}", planned["steps"]);
    let held = planned["standing"].as_array().unwrap().iter().filter(|s| s["outcome"] == "held").count();
    assert!(held > 1, "{:#}", planned["standing"]);
}

#[test]
fn an_account_that_was_renamed_is_refused() {
    let w = world();
    let case = open(&w);
    plan(&w, &case);
    approve(&w, &case);
    w.target.control().rename_user(USER, "zoevdq").unwrap();
    w.target.control().reset_requests();
    w.efface(&["case", "execute", &case, "--yes"]).exits(4);
    assert_eq!(starts(&w.target.control()), 0);
}

#[test]
fn on_cloud_the_rule_is_passed_over_and_says_why() {
    let w = world();
    let explain = |flavor: &str| {
        let args = ["policy", "explain", "own.toml", "--area", "target", "--record", "user-profile", "--field", "name"];
        let more = ["--kind", "account-id", "--strength", "certain", "--flavor", flavor];
        w.efface(&[&args[..], &more].concat()).exits(0).out
    };
    assert!(explain("datacenter").starts_with("decision  anonymise"), "{}", explain("datacenter"));
    let cloud = explain("cloud");
    assert!(cloud.starts_with("decision  residual") && cloud.contains("Atlassian's"), "{cloud}");
}

/// Somebody's anonymisation is started by hand.
fn start_by_hand(w: &World, who: &str) {
    let key = w.source.control().people().into_iter().find(|p| p.name == who).unwrap().id;
    post(&w.source, "/rest/api/2/user/anonymization", &json!({ "userKey": key }));
}

#[test]
fn somebody_elses_task_comes_first() {
    let w = world();
    let case = open(&w);
    plan(&w, &case);
    approve(&w, &case);
    let source = w.source.control();
    source.set_job_polls(6);
    start_by_hand(&w, "mweber");
    source.reset_requests();
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    assert_eq!(starts(&source), 1, "one start, and no other refused: {:#?}", source.request_log());
    assert!(source.people().iter().all(|p| p.name != USER && p.name != "mweber"), "both are through");
}

#[test]
fn a_node_that_died_is_said_and_what_stopped_halfway_is_planned_on() {
    let w = world();
    let case = open(&w);
    plan(&w, &case);
    approve(&w, &case);
    let source = w.source.control();
    source.set_node_dies(true);
    let run = w.efface(&["case", "execute", &case, "--yes"]).exits(3);
    let said = run.out + &run.err;
    assert!(said.contains("unlocks it") && !names_the_person(said.as_bytes()), "{said}");
    source.set_node_dies(false);
    send(&w.source, "DELETE", "/rest/api/2/user/anonymization/unlock", "");
    // It stops halfway more often than anybody tries again.
    source.fail_anonymization(100);
    let run = w.efface(&["case", "execute", &case, "--yes"]).exits(3);
    let said = run.out + &run.err;
    assert!(said.contains("ended with errors") && said.contains("see the log for details"), "{said}");
    assert!(!names_the_person(said.as_bytes()), "{said}");
    // The account has an alias for a name now: a new plan still knows whom it means.
    let planned = plan(&w, &case);
    let [step] = anonymising(&planned)[..] else { panic!("{:#}", planned["steps"]) };
    assert!(step["notes"].to_string().contains("stopped halfway") && step["instance"] == "hq", "{step:#}");
    let open: Vec<_> = planned["standing"].as_array().unwrap().iter().filter(|s| s["outcome"] == "review").collect();
    assert!(open.is_empty(), "{open:#?}");
    approve(&w, &case);
    source.fail_anonymization(0);
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    assert!(source.people().iter().all(|p| p.display_name != NAME));
    verified_and_closed(&w, &case);
}

/// What a system administrator does by hand.
fn send(sandbox: &Sandbox, method: &str, path: &str, body: &str) {
    let host = sandbox.url().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&host).unwrap();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        sandbox.token(),
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 20"), "{path}: {answer}");
}

/// An account from before Jira 8.4: its key is its first name, so that nothing finds it by that once it stopped halfway.
#[test]
fn an_old_key_goes_too() {
    let w = World::new(Flavor::DataCenter, 0);
    w.issue("Katrin BRANDT asked", "x", json!({ "reporter": { "name": "KBRANDT" } }));
    let (who, address) = ("Katrin BRANDT", "K.Brandt@hq.example");
    let add = ["subject", "add", "--id", "REQ-1", "--name", who, "--email", address, "--username", "hq=KBRANDT"];
    w.efface(&[&add[..], &["--user-key", "hq=kbrandt"]].concat()).exits(0);
    anonymising_policy(&w);
    let case = open(&w);
    let planned = w.efface(&["case", "plan", &case, "--format", "json"]);
    let planned = serde_json::from_str::<Value>(&planned.out).unwrap()["plan"].clone();
    assert_eq!(anonymising(&planned).len(), 1, "{:#}", planned["standing"]);
    approve(&w, &case);
    let source = w.source.control();
    source.fail_anonymization(2);
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    let dump = source.dump();
    let (users, history) = (&dump["users"], &dump["issues"]["HQ-1"]["history"]);
    assert!(!users.to_string().to_lowercase().contains("brandt"), "{users:#}");
    // A user's field in the history is the alias's; what a text said stays.
    let items = history.as_array().unwrap().iter().flat_map(|h| h["items"].as_array().unwrap());
    let reporter: Vec<_> = items.filter(|i| i["field"] == "reporter").collect();
    assert_eq!(reporter.len(), 1, "{history:#}");
    assert!(reporter[0]["fromString"].as_str().unwrap().starts_with("user-"), "{history:#}");
}

#[test]
fn a_hold_that_falls_into_the_task_says_that_it_cannot_be_stopped() {
    let w = world();
    let case = open(&w);
    plan(&w, &case);
    approve(&w, &case);
    let source = w.source.control();
    source.set_job_polls(1_000_000);
    source.reset_requests();
    let mut child =
        w.command(&["case", "execute", &case, "--yes"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while starts(&source) == 0 {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it started one");
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let add = ["hold", "add", "--type", "preservation", "--basis", "claim 7", "--record", "user-profile"];
    w.efface_as("legal", &add).exits(0);
    let run = w.efface(&["case", "execute", &case, "--yes"]).exits(4);
    let said = run.out + &run.err;
    assert!(said.contains("1 under way"), "{said}");
    let engine = Engine::of(&w, &case);
    let rows = engine.store.steps(&engine.case, &engine.hash).unwrap();
    let notes: Vec<String> = rows.iter().map(|r| r.note.to_string()).collect();
    assert!(notes.iter().any(|n| n.contains("that task cannot be stopped")), "{notes:#?}");
}

#[test]
fn our_own_account_is_left_alone() {
    let w = World::new(Flavor::DataCenter, 1);
    let bot = w.source.control().people().remove(0);
    let add = ["subject", "add", "--id", "REQ-1", "--name", &bot.display_name];
    let account = ["--username", &format!("hq={}", bot.name), "--user-key", &format!("hq={}", bot.id)];
    w.efface(&[&add[..], &account].concat()).exits(0);
    anonymising_policy(&w);
    let case = open(&w);
    let planned = w.efface(&["case", "plan", &case, "--format", "json"]);
    let planned = serde_json::from_str::<Value>(&planned.out).unwrap()["plan"].clone();
    assert!(anonymising(&planned).is_empty(), "{:#}", planned["steps"]);
    let why = planned["standing"].to_string();
    assert!(why.contains("the account that efface itself uses there"), "{why}");
}

/// Who leaves the directory can be anonymised though the account is deleted.
#[test]
fn a_directorys_user_goes_once_the_directory_has_let_go() {
    let w = world();
    w.source.control().set_directory_user(USER, true).unwrap();
    let case = open(&w);
    assert!(anonymising(&plan(&w, &case)).iter().all(|s| s["instance"] != "hq"));
    w.source.control().delete_user(USER).unwrap();
    assert!(anonymising(&plan(&w, &case)).iter().any(|s| s["instance"] == "hq"));
    approve(&w, &case);
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    verified_and_closed(&w, &case);
}

#[test]
fn what_it_owns_goes_to_whom_the_configuration_names() {
    let w = world();
    let lead = w.source.control().people().into_iter().find(|p| p.name == USER).unwrap().id;
    let config = std::fs::read_to_string(w.path().join("efface.toml")).unwrap();
    let with = |owner: &str| {
        let config = config.replacen("[instance.hq]", &format!("[instance.hq]\nnew_owner = \"{owner}\""), 1);
        std::fs::write(w.path().join("efface.toml"), config).unwrap();
    };
    send(&w.source, "PUT", "/rest/api/2/project/HQ", &json!({ "lead": USER }).to_string());
    let case = open(&w);
    let why = |planned: &Value| planned["standing"].to_string();
    let planned = plan(&w, &case);
    assert!(why(&planned).contains("names nobody who takes it over"), "{}", why(&planned));
    with("nobody");
    let planned = plan(&w, &case);
    assert!(why(&planned).contains("no active user"), "{}", why(&planned));
    with(&lead);
    let planned = plan(&w, &case);
    assert!(why(&planned).contains("this very account"), "{}", why(&planned));
    let other = w.source.control().people().remove(0).id;
    with(&other);
    let planned = plan(&w, &case);
    let of_hq: Vec<_> = anonymising(&planned).into_iter().filter(|s| s["instance"] == "hq").collect();
    assert!(of_hq[0]["notes"].to_string().contains("new_owner"), "{:#}", of_hq[0]);
    approve(&w, &case);
    // Another owner than the one that was approved is another plan.
    with("JIRAUSER10102");
    w.efface(&["case", "execute", &case, "--yes"]).exits(4);
    with(&other);
    plan(&w, &case);
    approve(&w, &case);
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    verified_and_closed(&w, &case);
}

#[test]
fn a_cloud_target_keeps_its_accounts_and_the_plan_says_so() {
    let w = World::new(Flavor::Cloud, 1);
    w.plant();
    w.efface(&["sync", "run"]).exits(0);
    w.indexed();
    w.register();
    anonymising_policy(&w);
    let case = open(&w);
    let planned = plan(&w, &case);
    assert_eq!(anonymising(&planned).iter().map(|s| &s["instance"]).collect::<Vec<_>>(), ["hq"]);
    let standing = planned["standing"].as_array().unwrap();
    let profile = standing
        .iter()
        .find(|s| s["record"]["type"] == "user-profile" && s["place"].as_str().unwrap().starts_with("target"))
        .unwrap_or_else(|| panic!("{standing:#?}"));
    assert_eq!((profile["outcome"].as_str(), profile["rule"].as_str()), (Some("residual"), Some("user-profile")));
    approve(&w, &case);
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    verified_and_closed(&w, &case);
}

/// An alias is nobody's: the same one at the other instance is what is left of somebody else.
#[test]
fn nobody_is_mapped_to_what_is_left_of_an_account() {
    let w = World::new(Flavor::DataCenter, 0);
    let source = w.source.control();
    source.set_job_polls(0);
    w.issue("Hers", "x", json!({ "assignee": { "name": "KBRANDT" } }));
    start_by_hand(&w, "KBRANDT");
    w.rt.block_on(client("hq", &w.source).anonymization(None)).unwrap();
    let alias = source.people().into_iter().find(|p| p.name.starts_with("jirauser")).unwrap();
    let other = NewUser { name: alias.name.clone(), display_name: "user-0ddba".into(), ..NewUser::default() };
    w.target.control().add_user(other);
    let people = w.target.control().people().len();
    w.efface(&["sync", "run"]).exits(0);
    let issues = w.target.control().dump()["issues"].to_string();
    assert!(issues.contains("Hers"), "{issues}");
    let issue =
        w.rt.block_on(client("partner", &w.target).issue("PART-1", &["assignee"], false, &[])).unwrap().unwrap();
    assert_eq!(issue.field("assignee"), Some(&Value::Null));
    assert_eq!(w.target.control().people().len(), people, "no account is made");
}
