//! `efface subject resolve`: who is it, and who is only called the same.

use efface::{model::Flavor, sandbox::NewUser};
use serde_json::{Value, json};

use crate::world::{EMAIL, NAME, Run, USER, World, client, names_the_person};

const FLAVORS: [Flavor; 2] = [Flavor::Cloud, Flavor::DataCenter];

fn answer(run: &Run) -> Value {
    let value: Value = serde_json::from_str(&run.out).unwrap_or_else(|e| panic!("{e}: {}\n{}", run.out, run.err));
    assert_eq!(value["schema"], "efface.resolve/1");
    value
}

/// Kind, value, how sure, former.
fn proposals(value: &Value) -> Vec<(String, String, String, bool)> {
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    let one = |p: &Value| (text(&p["kind"]), text(&p["value"]), text(&p["sure"]), p["former"].as_bool().unwrap());
    value["proposals"].as_array().unwrap().iter().map(one).collect()
}

#[track_caller]
fn has(value: &Value, kind: &str, what: &str, sure: &str, former: bool) {
    let all = proposals(value);
    assert!(
        all.contains(&(kind.into(), what.into(), sure.into(), former)),
        "no {kind} {what} {sure} {former}: {value:#}"
    );
}

#[test]
fn a_renamed_person_is_found_by_e_mail_on_both_sides() {
    for flavor in FLAVORS {
        let w = World::new(flavor, 2);
        w.plant();
        w.efface(&["sync", "run"]).exits(0);
        let key = w.source.control().people().into_iter().find(|p| p.name == USER).unwrap().id;
        w.source.control().rename_user(&key, "zmarried").unwrap();
        w.indexed();
        let run = w.efface(&["subject", "resolve", EMAIL, "--format", "json"]).exits(0);
        let found = answer(&run);
        has(&found, "user-key", &key, "certain", false);
        has(&found, "username", "zmarried", "certain", false);
        // What was staged before the renaming still says how the account was called.
        has(&found, "username", USER, "certain", flavor == Flavor::Cloud);
        has(&found, "email", EMAIL, "certain", false);
        has(&found, "full-name", NAME, "certain", false);
        if flavor == Flavor::Cloud {
            has(&found, "account-id", &w.target_id, "certain", false);
        }
        let places = found["proposals"].to_string();
        for place in ["hq: user search", "staging:hq-partner/", "source:hq/HQ", "foreign:other-tool"] {
            assert!(places.contains(place), "{place}: {places}");
        }
        // Nothing is stored without a handle, and the trail has counts alone.
        assert_eq!(w.efface(&["subject", "list", "--format", "json"]).exits(0).out.trim(), "[]");
        let trail = w.efface(&["audit", "show", "--format", "json"]).exits(0).out;
        assert!(trail.contains("subject.resolved") && !names_the_person(trail.as_bytes()), "{trail}");
        assert_eq!(w.files_naming_the_person().into_iter().filter(|f| !f.contains("/home/")).count(), 0);
        // Masked, nobody behind the operator reads it; by key it is the same person; from stdin too.
        let masked = w.efface(&["subject", "resolve", &key, "--mask"]).exits(0);
        assert!(!names_the_person(masked.out.as_bytes()) && masked.out.contains("certain"), "{}", masked.out);
        has(&answer(&w.efface(&["subject", "resolve", &key, "--format", "json"])), "email", EMAIL, "certain", false);
    }
}

#[test]
fn a_former_display_name_stands_in_the_history() {
    let w = World::new(Flavor::Cloud, 0);
    let (_, target) = w.control();
    let jane = target.add_user(NewUser {
        display_name: "Jane Miller".into(),
        email: "jane@partner.example".into(),
        ..NewUser::default()
    });
    let jira = client("partner", &w.target);
    let key = w.rt.block_on(async {
        let fields = json!({"project": {"key": "PART"}, "issuetype": {"name": "Task"}, "summary": "x"});
        let key = jira.create_issue(fields.as_object().unwrap().clone(), &[]).await.unwrap().key;
        let assignee = json!({"assignee": {"accountId": jane}});
        jira.edit_issue(
            &key,
            assignee.as_object().unwrap().clone(),
            Default::default(),
            efface::jira::Notify::PreferNever,
        )
        .await
        .unwrap();
        key
    });
    target.rename_user(&jane, "Jane Doe").unwrap();
    w.indexed();
    let found = answer(&w.efface(&["subject", "resolve", &jane, "--format", "json"]).exits(0));
    has(&found, "full-name", "Jane Doe", "certain", false);
    has(&found, "full-name", "Jane Miller", "certain", true);
    has(&found, "email", "jane@partner.example", "certain", false);
    assert!(found.to_string().contains(&format!("history of {key}")));
    // Deactivated, she is in the list of all users; deleted, nothing but the id is left of her.
    target.deactivate_user(&jane).unwrap();
    let found = answer(&w.efface(&["subject", "resolve", "jane@partner.example", "--format", "json"]).exits(0));
    has(&found, "account-id", &jane, "certain", false);
    target.delete_user(&jane).unwrap();
    let found = answer(&w.efface(&["subject", "resolve", &jane, "--format", "json"]).exits(0));
    has(&found, "account-id", &jane, "certain", false);
    assert!(!proposals(&found).iter().any(|p| p.1 == "Former user"), "{found:#}");
    target.corrupt_user(&jane).unwrap();
    let run = w.efface(&["subject", "resolve", &jane]).exits(0);
    assert!(run.err.contains("Nobody was found"), "{}", run.err);
}

#[test]
fn a_customer_without_an_account() {
    for flavor in FLAVORS {
        let w = World::new(flavor, 1);
        w.issue("Invoice", "Caller: Jane Doe <jane@customer.example>, Tel. +49 170 1234567", Value::Null);
        std::fs::write(w.home().join("data/other-tool/c.csv"), "17;jane@customer.example;Jane Doe\n").unwrap();
        w.efface(&["sync", "run"]).exits(0);
        w.indexed();
        let args = ["subject", "resolve", "jane@customer.example", "--format", "json"];
        let found = answer(&w.efface(&args).exits(0));
        has(&found, "email", "jane@customer.example", "certain", false);
        has(&found, "full-name", "Jane Doe", "possible", false);
        has(&found, "phone", "+49 170 1234567", "possible", false);
        assert_eq!(found["same_name"], json!([]));
        for place in ["source:hq/HQ", "target:partner/PART", "staging:hq-partner/", "foreign:other-tool"] {
            assert!(found.to_string().contains(place), "{place}: {found:#}");
        }
        // A person decides; the rest only points.
        let number = |value: &str| {
            let p = found["proposals"].as_array().unwrap().iter().find(|p| p["value"] == value).unwrap();
            p["n"].to_string()
        };
        let list = found["list"].as_str().unwrap();
        let decide = |list: &str| {
            let mut args = args.to_vec();
            let (yes, no) = (format!("all-certain,{}", number("Jane Doe")), number("+49 170 1234567"));
            args.extend(["--id", "REQ-7", "--confirm", &yes, "--reject", &no, "--list", list]);
            w.efface(&args)
        };
        decide("00000000").exits(4);
        decide(list).exits(0);
        let show = w.efface(&["subject", "show", "REQ-7", "--reveal", "--format", "csv"]).exits(0).out;
        for line in
            ["email,jane@customer.example,all,yes", "full-name,Jane Doe,all,yes", "phone,'+49 170 1234567,all,rejected"]
        {
            assert!(show.contains(line), "{line} not in:\n{show}");
        }
        let again = answer(&w.efface(&[&args[..], &["--id", "REQ-7"]].concat()).exits(0));
        assert!(!proposals(&again).iter().any(|p| p.0 == "phone"), "what was rejected is not proposed again");
        assert_eq!(again["excluded"], 1);
        let nobody = w.efface(&["subject", "resolve", "nobody@customer.example"]).exits(0);
        assert!(nobody.err.contains("Nobody was found") && nobody.out.is_empty(), "{}", nobody.err);
    }
}

/// Findings of a scan for `REQ-2` in one issue and its copies: field, kind, strength.
fn findings(w: &World, says: &str) -> Vec<(String, String, String)> {
    let run = w.efface(&["scan", "--subject", "REQ-2", "--format", "json", "--area", "source,target,staging,foreign"]);
    let report: Value = serde_json::from_str(&run.out).unwrap_or_else(|e| panic!("{e}: {}\n{}", run.out, run.err));
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let mut out: Vec<_> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|f| f["record"]["key"] == says || f["record"]["path"] == says)
        .map(|f| (text(&f["field"]), text(&f["kind"]), text(&f["strength"])))
        .collect();
    out.sort();
    out.dedup();
    out
}

#[test]
fn a_namesake_is_kept_apart_from_the_search_to_the_verification() {
    for flavor in FLAVORS {
        let w = World::new(flavor, 0);
        let hers = w.issue(
            "Hers",
            "Anna Schmitt <anna.schmitt@hq.example> waits.",
            json!({ "assignee": { "name": "aschmitt" } }),
        );
        let others = w.issue("Another's", "Ask Anna Schmitt about it.", json!({ "assignee": { "name": "aschmitt2" } }));
        let lines = "Anna Schmitt;anna.schmitt@hq.example\nAnna Schmitt;anna.schmitt@partner.example\n";
        let file = w.home().join("data/other-tool/people.csv");
        std::fs::write(&file, lines).unwrap();
        w.efface(&["sync", "run"]).exits(0);
        w.indexed();
        let ask = ["subject", "resolve", "anna.schmitt@hq.example", "--id", "REQ-2", "--format", "json"];
        let found = answer(&w.efface(&[&ask[..], &["--confirm", "all-certain"]].concat()).exits(0));
        has(&found, "username", "aschmitt", "certain", false);
        assert!(!proposals(&found).iter().any(|p| p.1 == "aschmitt2"), "{found:#}");
        let same: Vec<&Value> = found["same_name"].as_array().unwrap().iter().collect();
        let domains: Vec<_> = same.iter().map(|a| a["email_domain"].as_str().unwrap()).collect();
        assert_eq!(domains, ["partner.example", "partner.example"], "one account in each instance: {found:#}");

        // The name alone decides, as long as nobody knows of the other one.
        let bare = ("description".to_owned(), "full-name".to_owned(), "probable".to_owned());
        assert!(findings(&w, &others).contains(&bare), "{:?}", findings(&w, &others));
        let probable = |path: &str| findings(&w, path).iter().filter(|f| f.2 == "probable").count();
        assert!(probable("people.csv") > 0);
        let numbers: Vec<String> = same.iter().map(|a| a["n"].to_string()).collect();
        let numbers = numbers.join(",");
        w.efface(&[&ask[..], &["--namesake", &numbers]].concat()).exits(0);
        let show = w.efface(&["subject", "show", "REQ-2", "--reveal"]).exits(0).out;
        assert!(show.contains("aschmitt2") && show.contains("namesake's"), "{show}");

        // Now it only points, and what carries the other one's id is no reference at all.
        let now = findings(&w, &others);
        assert!(!now.is_empty() && now.iter().all(|f| f.2 == "possible" && f.0 != "assignee"), "{now:?}");
        assert!(findings(&w, &hers).contains(&bare), "{:?}", findings(&w, &hers));

        let before = w.rt.block_on(client("hq", &w.source).issue(&others, &["*all"], false, &[])).unwrap().unwrap();
        let case = w.efface(&["case", "open", "--subject", "REQ-2", "-q"]).exits(0).out.trim().to_owned();
        let plan = |w: &World| -> Value {
            serde_json::from_str(&w.efface(&["case", "plan", &case, "--format", "json"]).exits(0).out).unwrap()
        };
        let first = plan(&w);
        let reviews: Vec<String> = first["plan"]["standing"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|s| s["outcome"] == "review")
            .map(|s| s["finding"].as_str().unwrap().to_owned())
            .collect();
        assert!(!reviews.is_empty());
        let mut args = vec!["case", "review", &case];
        args.extend(reviews.iter().map(String::as_str));
        args.extend(["--other-person", "the account of the partner"]);
        w.efface(&args).exits(0);
        let second = plan(&w);
        for step in second["plan"]["steps"].as_array().unwrap() {
            assert_ne!(step["record"]["key"], json!(others), "{step:#}");
        }
        w.efface_as("dpo", &["case", "approve", &case]).exits(0);
        w.efface(&["case", "execute", &case, "--yes"]).exits(0);
        w.efface(&["case", "verify", &case]).exits(0);
        let after = w.rt.block_on(client("hq", &w.source).issue(&others, &["*all"], false, &[])).unwrap().unwrap();
        assert_eq!(before, after, "the namesake's record is what it was");
        let left = std::fs::read_to_string(&file).unwrap();
        assert!(left.contains("Anna Schmitt;anna.schmitt@partner.example") && !left.contains("hq.example"), "{left}");
    }
}

#[test]
fn an_instance_that_fails_does_not_stop_the_others() {
    let w = World::new(Flavor::Cloud, 0);
    w.target.control().deny("USER_PICKER", true);
    let run = w.efface(&["subject", "resolve", "anna.schmitt@hq.example", "--format", "json"]).exits(3);
    has(&answer(&run), "username", "aschmitt", "certain", false);
    for word in
        ["incomplete: partner: deactivated and deleted users are not known: forbidden", "the user search finds nobody"]
    {
        assert!(run.err.contains(word), "{word} not in:\n{}", run.err);
    }
    assert!(!run.err.contains("incomplete: hq"), "{}", run.err);
    w.target.control().deny("USER_PICKER", false);
    let config = std::fs::read_to_string(w.path().join("efface.toml")).unwrap();
    let down = config.replace(&crate::world::address(&w.target), "http://127.0.0.1:9");
    std::fs::write(w.path().join("efface.toml"), down).unwrap();
    let run = w.efface(&["subject", "resolve", "anna.schmitt@hq.example", "--format", "json"]).exits(3);
    has(&answer(&run), "username", "aschmitt", "certain", false);
    assert!(run.err.contains("incomplete: partner: user search: network"), "{}", run.err);
    for args in [
        vec!["subject", "resolve"],
        vec!["subject", "resolve", "x"],
        vec!["subject", "resolve", "anna.schmitt@hq.example", "--confirm", "1"],
        vec!["subject", "resolve", "anna.schmitt@hq.example", "--id", "R", "--confirm", "99"],
        vec!["subject", "resolve", "anna.schmitt@hq.example", "--id", "R", "--confirm", "1", "--reject", "1"],
    ] {
        assert!(!w.efface(&args).exits(2).err.is_empty(), "{args:?}");
    }
    assert_eq!(w.efface(&["subject", "list", "--format", "json"]).exits(0).out.trim(), "[]");
}

#[test]
fn a_search_that_stops_at_a_thousand_is_finished_by_the_list_or_called_incomplete() {
    for flavor in FLAVORS {
        let w = World::new(flavor, 0);
        let (_, target) = w.control();
        for n in 0..1100 {
            target.add_user(NewUser {
                name: format!("crowd{n}"),
                display_name: format!("Crowd Member {n}"),
                email: format!("crowd{n}@partner.example"),
                ..NewUser::default()
            });
        }
        target.add_user(NewUser {
            name: "thelast".into(),
            display_name: "Crowd Member".into(),
            email: "last@partner.example".into(),
            ..NewUser::default()
        });
        let run = w.efface(&["subject", "resolve", "Crowd Member", "--format", "json"]).exits(0);
        has(&answer(&run), "email", "last@partner.example", "probable", false);
        if flavor == Flavor::DataCenter {
            target.set_admin(false);
            let run = w.efface(&["subject", "resolve", "Crowd Member", "--format", "json"]).exits(3);
            assert!(run.err.contains("stops at 1,000 users"), "{}", run.err);
        }
    }
}
