//! The reports on coverage and on processing activities, as the binary draws them up from what it knows.

use efface::model::Flavor;
use serde_json::Value;

use crate::world::{World, names_the_person};

fn json(w: &World, args: &[&str]) -> Value {
    let out = w.efface(&[args, &["--format", "json"]].concat()).exits(0).out;
    serde_json::from_str(&out).unwrap()
}

/// What a report prints as JSON is what its schema says, no member more and none less.
#[track_caller]
fn fits(w: &World, args: &[&str]) {
    let schema: Value = serde_json::from_str(&w.efface(&["report", "schema", args[1]]).exits(0).out).unwrap();
    let validator = jsonschema::draft202012::options().build(&schema).unwrap();
    let report = json(w, args);
    let wrong: Vec<String> = validator.iter_errors(&report).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(wrong.is_empty(), "{}\n{report:#}", wrong.join("\n"));
    assert_eq!(report["schema"], schema["title"]);
    // The schema is closed: each object of it that has members names them all.
    let mut open = vec![&schema];
    while let Some(value) = open.pop() {
        if let Some(members) = value.get("properties").and_then(Value::as_object) {
            assert_eq!(value["additionalProperties"], false, "{value:#}");
            let required = value["required"].as_array().unwrap().len();
            assert!(required + 1 >= members.len(), "{value:#}");
        }
        match value {
            Value::Object(members) => open.extend(members.values()),
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
}

fn place(report: &Value, name: &str) -> Value {
    let all = report["places"].as_array().unwrap();
    all.iter().find(|p| p["place"] == name).unwrap_or_else(|| panic!("{name}: {report:#}")).clone()
}

/// No face names the person, and the same data gives the same bytes at the same time.
fn faces(w: &World, args: &[&str], formats: &[&str]) {
    for format in formats {
        let args = [args, &["--format", format]].concat();
        let run = || w.command(&args).env("SOURCE_DATE_EPOCH", "1798761600").output().unwrap();
        let (one, two) = (run(), run());
        assert_eq!((one.status.code(), &one.stdout), (Some(0), &two.stdout), "{args:?}");
        let text = String::from_utf8_lossy(&one.stdout).into_owned();
        assert!(!names_the_person(&one.stdout) && !text.contains("REQ-1") && !text.contains("\"p-"), "{text}");
        match *format {
            "markdown" => is_markdown(&text),
            "html" => is_accessible(&text),
            _ => {}
        }
    }
}

/// As [`faces`], of the one face that these reports share with the others; a case names its pseudonym.
fn faces_of_cases(w: &World, args: &[&str]) {
    let text = w.efface(&[args, &["--format", "md"]].concat()).exits(0).out;
    assert!(!names_the_person(text.as_bytes()) && !text.contains("REQ-1"), "{text}");
    is_markdown(&text);
    is_accessible(&w.efface(&[args, &["--format", "html"]].concat()).exits(0).out);
}

/// What a reader with a screen reader or a keyboard needs of a page: a language, a title, one heading of the first level and none
/// that skips a level, landmarks, tables that say what they are and what their heads are of, regions with names of their own, charts
/// that are numbers too, and nothing that comes from elsewhere.
#[track_caller]
fn is_accessible(page: &str) {
    let all = |pattern: &str| -> Vec<String> {
        let found = regex::Regex::new(pattern).unwrap();
        found.captures_iter(page).map(|c| c.get(1).or(c.get(0)).unwrap().as_str().to_owned()).collect()
    };
    let count = |pattern: &str| all(pattern).len();
    assert_eq!(count(r#"^<!doctype html>\n<html lang="en">"#), 1);
    assert!(count(r"<title>\S[^<]+</title>") == 1 && count(r#"<meta name="viewport""#) == 1);
    for landmark in ["<header>", r#"<main id="content">"#, "</main>"] {
        assert_eq!(count(landmark), 1, "{landmark}: {page}");
    }
    assert_eq!(count(r##"<a class="skip" href="#content">"##), 1);
    let levels: Vec<u32> = all(r"<h([1-6])[ >]").iter().map(|l| l.parse().unwrap()).collect();
    assert_eq!((levels.first(), levels.iter().filter(|l| **l == 1).count()), (Some(&1), 1));
    assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{levels:?}");
    assert_eq!(count("<table>"), count(r"<table>\s*<caption>[^<]"), "a table without a caption: {page}");
    assert_eq!(count(r"<th[ >]"), count(r#"<th scope="(?:col|row)""#), "a head of nothing: {page}");
    assert_eq!(count(r"<th [^>]*></th>"), 0, "an empty head: {page}");
    assert_eq!(count("<svg"), count(r#"<svg [^>]*aria-hidden="true""#), "each bar has its number beside it");
    let mut labels = all(r#"role="region" aria-label="([^"]+)""#);
    let regions = labels.len();
    labels.sort();
    labels.dedup();
    assert_eq!((labels.len(), count("role=\"region\"")), (regions, regions), "regions with one name: {page}");
    assert_eq!(
        count(r#"<div class="wide[^>]*tabindex="0""#),
        count(r#"<div class="wide"#),
        "the keyboard scrolls what is wide"
    );
    assert!(page.contains("@media print") && page.contains("prefers-color-scheme: dark"));
    for from_elsewhere in ["<script", "<link", "<img", "<iframe", " src=", "url(", "@import"] {
        assert!(!page.contains(from_elsewhere), "{from_elsewhere}");
    }
}

/// One heading of the first level, and tables whose rows have as many cells as their heads.
fn is_markdown(text: &str) {
    assert_eq!(text.lines().filter(|l| l.starts_with("# ")).count(), 1, "{text}");
    assert!(text.lines().filter(|l| l.starts_with("## ")).count() > 2, "{text}");
    let cells = |line: &str| line.replace("\\\\", "").replace("\\|", "").matches('|').count();
    let mut width = None;
    for line in text.lines() {
        if line.starts_with('|') {
            assert_eq!(*width.get_or_insert(cells(line)), cells(line), "{line}");
        } else {
            width = None;
        }
    }
}

const COVERAGE: [&str; 2] = ["report", "coverage"];

#[test]
fn coverage_is_what_the_last_look_came_to() {
    let w = World::new(Flavor::DataCenter, 1);
    w.plant();
    w.efface(&["sync", "run"]).exits(0);
    w.register();
    let none = json(&w, &COVERAGE);
    fits(&w, &COVERAGE);
    fits(&w, &["report", "compliance"]);
    assert_eq!(none["schema"], "efface.coverage-report/1");
    let all = none["places"].as_array().unwrap();
    assert!(all.len() > 6 && all.iter().all(|p| p["status"].is_null() && p["at"].is_null()), "{none:#}");

    // A picture in another tool's folder is for no scan to read. What is not looked at stays as it was.
    std::fs::write(w.home().join("data/other-tool/badge.png"), b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR").unwrap();
    w.efface(&["scan", "--subject", "REQ-1", "--area", "foreign,log"]).exits(3);
    w.efface(&["scan", "--subject", "REQ-1", "--quick"]).exits(3);
    let some = json(&w, &COVERAGE);
    let tool = place(&some, "foreign:other-tool");
    assert_eq!((tool["status"].as_str(), tool["looked"].as_str()), (Some("partial"), Some("scan")), "{tool}");
    assert!(tool["reason"].is_string() && tool["complete_at"].is_null(), "{tool}");
    assert_eq!(place(&some, "log:log")["status"], "examined");
    assert!(place(&some, "target:partner/PART")["status"].is_null(), "a quick search is no look: {some:#}");

    // A case that is closed in spite of the gap.
    let case = w.efface(&["case", "open", "--subject", "REQ-1", "-q"]).exits(0).out.trim().to_owned();
    w.efface(&["case", "plan", &case]).exits(3);
    w.efface_as("dpo", &["case", "approve", &case]).exits(0);
    w.efface(&["case", "execute", &case, "--yes"]).exits(3);
    let planned = json(&w, &COVERAGE);
    fits(&w, &["report", "case", &case]);
    assert_eq!(place(&planned, "target:partner/PART")["looked"], "case");
    w.efface(&["case", "verify", &case]).exits(3);
    fits(&w, &["report", "case", &case]);
    faces_of_cases(&w, &["report", "case", &case]);
    w.efface(&["case", "certificate", &case, "-o", "c.json"]).exits(0);
    let hold = [
        "hold",
        "add",
        "--type",
        "preservation",
        "--basis",
        "claim 7",
        "--issue",
        "HQ-999",
        "--review",
        "2026-01-01",
        "-q",
    ];
    w.efface_as("legal", &hold).exits(0);
    w.efface(&["sweep"]).exits(0);
    w.efface_as("dpo", &["case", "close", &case, "--accept-gaps", "a picture without a face"]).exits(0);
    let closed = json(&w, &COVERAGE);
    let part = place(&closed, "target:partner/PART");
    assert_eq!((part["looked"].as_str(), part["status"].as_str()), (Some("verification"), Some("examined")), "{part}");
    assert!(part["records"].as_u64() > Some(0) && part["complete_at"] == part["at"], "{part}");
    let gap = &closed["accepted_gaps"][0];
    assert_eq!(
        (gap["place"].as_str(), gap["cases"].as_u64(), gap["by"][0].as_str(), gap["reason"].as_str()),
        (Some("foreign:other-tool"), Some(1), Some("dpo"), Some("a picture without a face")),
        "{closed:#}"
    );
    let row = |report: &Value, instance: &str, kind: &str| {
        let is = |r: &&Value| r["instance"] == instance && r["place"] == kind;
        report["matrix"].as_array().unwrap().iter().find(is).unwrap().clone()
    };
    assert_eq!(row(&none, "partner", "votes")["status"], "unexamined", "nobody ever looked");
    assert_eq!(row(&closed, "partner", "comments")["status"], "examined");
    assert!(row(&closed, "partner", "service-desk")["ask"].is_string());

    fits(&w, &COVERAGE);
    fits(&w, &["report", "case", &case]);
    fits(&w, &["report", "compliance"]);
    let ended = json(&w, &["report", "case", &case]);
    assert_eq!((&ended["statement"], &ended["plan"]), (&"ended".into(), &Value::Null));
    assert_eq!(
        (ended["accepted_gaps"][0]["class"].as_str(), ended["accepted_gaps"][0]["by"].as_str()),
        (Some("foreign:other-tool"), Some("dpo"))
    );
    faces(&w, &COVERAGE, &["table", "csv", "json", "html", "markdown"]);
    for args in [&["report", "case", &case][..], &["report", "compliance"]] {
        faces_of_cases(&w, args);
    }
    let run = w.efface(&["scan", "--subject", "REQ-1", "--format", "markdown"]).exits(2);
    assert!(run.err.contains("Markdown is for reports") && run.out.is_empty(), "{}{}", run.out, run.err);
    let page = w.efface(&["report", "coverage", "--format", "html"]).exits(0).out;
    assert!(page.contains(r#"<rect class="stays""#), "a chart with the place that was read in part: {page}");
    let aged = w.command(&["report", "coverage", "--format", "json"]).env("SOURCE_DATE_EPOCH", "4102444800").output();
    let aged: Value = serde_json::from_slice(&aged.unwrap().stdout).unwrap();
    assert!(place(&aged, "log:log")["days"].as_i64() > Some(1000));

    // What the configuration does not name any more is told, and not judged.
    let file = w.path().join("efface.toml");
    let config = std::fs::read_to_string(&file).unwrap();
    let less = config.replace("[[foreign]]\nname = \"other-tool\"\npath = \"data/other-tool\"\n", "");
    std::fs::write(&file, less).unwrap();
    let run = w.efface(&COVERAGE).exits(0);
    assert!(run.out.contains("foreign:other-tool (not configured any more)"), "{}", run.out);
    assert!(run.out.contains("Every place was read in full when it was last looked at"), "{}", run.out);
}

const PROCESSING: [&str; 2] = ["report", "processing"];

#[test]
fn a_record_says_what_goes_where_and_what_nobody_has_stated() {
    let w = World::new(Flavor::Cloud, 1);
    let bare = json(&w, &PROCESSING);
    assert_eq!(bare["schema"], "efface.processing/1");
    let missing = |record: &Value| -> Vec<String> {
        let gap = |g: &Value| format!("{}: {}", g["about"].as_str().unwrap(), g["missing"].as_str().unwrap());
        record["gaps"].as_array().unwrap().iter().map(gap).collect()
    };
    for gap in [
        "record: the controller's name and address",
        "record: the data-protection officer, or that none has to be named",
        "instance hq: the country it stands in",
        "instance partner: how the recipient is reached",
        "sync hq-partner: the purpose",
        "sync hq-partner: the legal basis",
        "retention: a period for what stands in targets",
    ] {
        assert!(missing(&bare).iter().any(|g| g == gap), "{gap}: {bare:#}");
    }
    assert!(bare["provenance"].as_array().unwrap().is_empty());
    fits(&w, &PROCESSING);

    w.plant();
    w.register();
    w.efface(&["sync", "run"]).exits(0);
    let file = w.path().join("efface.toml");
    let config = std::fs::read_to_string(&file).unwrap();
    let stated = config
        .replace("policy =", "# policy =")
        .replace("path = \"home\"", "path = \"home\"\npolicy = \"retention\"")
        .replace(
            "controller = \"processor\"",
            "controller = \"processor\"\ncontact = \"p@partner.example\"\ncountry = \"US\"",
        )
        .replace("flavor = \"datacenter\"", "flavor = \"datacenter\"\ncountry = \"DE\"")
        + "purpose = \"support for Zoë van der Quandt and others\"\nbasis = \"GDPR Art. 6(1)(b)\"\nusers = \"pseudonym\"\n\
           [letters]\ncontact = \"privacy@corp.example\"\n[privacy]\ncontroller = \"Example Corporation\"\ndpo = \"dpo@corp.example\"\n";
    std::fs::write(&file, stated).unwrap();
    let record = json(&w, &PROCESSING);
    let open = ["sync hq-partner: the safeguards of the transfer", "retention: a period for what stands in targets"];
    assert_eq!(missing(&record), open, "{record:#}");
    let activity = &record["activities"][0];
    assert_eq!(
        (activity["transfer"].as_str(), activity["users"].as_str(), activity["basis"].as_str()),
        (Some("third-country"), Some("as a keyed alias"), Some("GDPR Art. 6(1)(b)"))
    );
    assert!(activity["purpose"].as_str().unwrap().starts_with("support for …"), "nobody is named: {activity:#}");
    assert!(activity["recipient"].as_str().unwrap().contains("Art. 28") && activity["last_run"].is_string());
    let sync = &record["provenance"][0];
    assert_eq!((sync["sync"].as_str(), sync["issues"].as_u64()), (Some("hq-partner"), Some(3)), "{sync}");
    assert!(sync["comments"].as_u64() >= Some(2) && sync["attachments"].as_u64() >= Some(1), "{sync}");
    assert!(sync["staged"]["processed"].as_u64() >= Some(3), "{sync}");
    assert!(record["retention"].as_array().unwrap().len() > 2, "{record:#}");
    let tls = record["measures"].as_array().unwrap().iter().find(|m| m["measure"].as_str().unwrap().contains("TLS"));
    assert_eq!(tls.unwrap()["in_force"], false, "the sandboxes speak plain HTTP");
    fits(&w, &PROCESSING);
    faces(&w, &PROCESSING, &["table", "csv", "json", "html", "markdown"]);
    let page = w.efface(&["report", "processing", "--format", "html"]).exits(0).out;
    assert!(page.contains(r#"<rect class="acts" x="0""#), "a chart of what was carried over: {page}");
    assert!(page.contains("<h3>Synchronization hq-partner</h3>") && page.contains("to a third country"), "{page}");
}
