//! Letters to the person and to recipients, the certificate as a page, and checking it all years later.

use chrono::{Days, NaiveDate, Utc};
use efface::model::Flavor;
use serde_json::{Value, json};

use crate::world::{NAME, World, names_the_person};

fn ago(days: u64) -> String {
    (Utc::now().date_naive() - Days::new(days)).to_string()
}

/// A world with a person in it, a case opened 30 days ago; `controller` replaces that of the partner's instance.
fn opened(controller: &str) -> (World, String) {
    let w = World::new(Flavor::DataCenter, 1);
    edit_config(&w, |c| c.replace("controller = \"processor\"", controller));
    w.plant();
    w.efface(&["sync", "run"]).exits(0);
    w.register();
    let received = ago(30);
    let case = w.efface(&["case", "open", "--subject", "REQ-1", "--received", &received, "-q"]).exits(0);
    let case = case.out.trim().to_owned();
    (w, case)
}

fn edit_config(w: &World, edit: impl Fn(String) -> String) {
    let file = w.path().join("efface.toml");
    std::fs::write(&file, edit(std::fs::read_to_string(&file).unwrap())).unwrap();
}

fn executed(w: &World, case: &str) {
    w.efface(&["case", "plan", case]).exits(0);
    w.efface_as("dpo", &["case", "approve", case]).exits(0);
    w.efface(&["case", "execute", case, "--yes"]).exits(0);
    w.efface(&["case", "verify", case]).exits(0);
}

fn json_of(w: &World, args: &[&str]) -> Value {
    let mut args = args.to_vec();
    args.extend(["--format", "json"]);
    let run = w.efface(&args).exits(0);
    serde_json::from_str(&run.out).unwrap_or_else(|e| panic!("{e}: {}", run.out))
}

/// The names of audit events of a case.
fn events(w: &World, case: &str) -> Vec<String> {
    json_of(w, &["audit", "show", "--case", case])
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["kind"].as_str().unwrap().to_owned())
        .collect()
}

fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

const SENDER: &str = "\n[letters]\ncontroller = \"Example Corp\"\ncontact = \"privacy@corp.example\"\nauthority = \"Authority of Exampleland\"\n";

#[test]
fn the_person_gets_an_answer() {
    let (w, case) = opened("controller = \"processor\"");
    let reply = |more: &[&str]| w.efface(&[&["case", "reply", &case][..], more].concat());
    let run = reply(&[]).exits(4);
    assert!(run.err.contains("nothing to answer yet") && run.out.is_empty(), "{}", run.err);

    // Before anything is done: who are you, and it takes longer.
    let asked = reply(&["--identity", "--salutation", "Dear <b>Zo\u{eb}</b>,", "--format", "html"]).exits(0);
    assert!(asked.out.contains("Dear &lt;b&gt;Zo\u{eb}&lt;") && asked.out.contains("Article 12(6)"), "{}", asked.out);
    assert!(
        asked.err.contains("does not say who writes it") && asked.out.contains("is not configured]"),
        "{}",
        asked.err
    );
    assert!(reply(&["--extension"]).exits(2).err.contains("--reason TEXT"));
    reply(&["--reason", "x"]).exits(2);
    reply(&["--identity", "--salutation", "two\nlines"]).exits(2);
    reply(&["--identity", "--format", "csv"]).exits(2);
    edit_config(&w, |c| c + SENDER);
    let longer = reply(&["--extension", "--reason", &format!("{NAME} is in many places")]).exits(0);
    assert!(!names_the_person(longer.out.as_bytes()) && longer.out.contains("is in many places"), "{}", longer.out);
    reply(&["--extension", "--sent", &ago(3)]).exits(0);

    executed(&w, &case);
    let letter = reply(&["--salutation", "Dear Ms Example,"]).exits(0);
    let text = flat(&letter.out);
    for want in [
        &case,
        "Example Corp",
        "privacy@corp.example",
        "Authority of Exampleland",
        "Dear Ms Example,",
        "as far as we could",
        "in the change history of issues",
        "Who could remove it: the Jira administrator",
        "partner (a service provider that works for us): not told yet",
        "Article 77",
        "Article 79",
    ] {
        assert!(text.contains(want), "{want:?} is not in:\n{}", letter.out);
    }
    for key in ["HQ-", "PART-", "hq-partner", "undefined", "none"] {
        assert!(!letter.out.contains(key), "{key} is nobody's business:\n{}", letter.out);
    }
    let facts = json_of(&w, &["case", "reply", &case]);
    assert_eq!((facts["schema"].as_str(), facts["letter"].as_str()), (Some("efface.reply/1"), Some("partly")));
    let sum: u64 = facts["done"].as_array().unwrap().iter().map(|d| d["count"].as_u64().unwrap()).sum();
    assert!(sum > 10 && facts["gone"] == sum, "{facts:#}");
    for form in ["table", "html", "json"] {
        let out = reply(&["--format", form]).exits(0).out;
        assert!(!names_the_person(out.as_bytes()), "{form} names the person:\n{out}");
    }

    reply(&["--sent", &ago(40)]).exits(2);
    reply(&["--sent", &(Utc::now().date_naive() + Days::new(2)).to_string()]).exits(2);
    assert!(reply(&["--sent", &ago(0)]).exits(0).out.is_empty());
    w.efface(&["case", "close", &case]).exits(0);
    assert!(reply(&[]).exits(4).err.contains("destroyed"));
    reply(&["--sent", &ago(0)]).exits(0);
    let shown = json_of(&w, &["audit", "show", "--case", &case]);
    let replied: Vec<&Value> =
        shown.as_array().unwrap().iter().filter(|e| e["kind"] == "case.replied").map(|e| &e["detail"]).collect();
    let letters: Vec<&str> = replied.iter().map(|d| d["letter"].as_str().unwrap()).collect();
    assert_eq!(letters, ["extension", "partly", "answer"]);
    assert_eq!(replied[0]["answers"], false);
    assert!(!shown.to_string().contains("Ms Example"), "a salutation is stored nowhere");
}

#[test]
fn what_is_another_persons_is_not_told() {
    let w = World::new(Flavor::DataCenter, 0);
    w.register();
    w.efface(&["subject", "add", "--id", "REQ-1", "--username", "hq=zv"]).exits(0);
    let (theirs, kept) = (w.issue("Who?", "ask zv", Value::Null), w.issue("And who?", "tell zv", Value::Null));
    let case = w.efface(&["case", "open", "--subject", "REQ-1", "-q"]).exits(0).out.trim().to_owned();
    w.efface(&["case", "plan", &case]).exits(0);
    for review in json_of(&w, &["case", "review", &case]).as_array().unwrap() {
        let (finding, record) = (review["finding"].as_str().unwrap(), review["record"].as_str().unwrap());
        let decided = if record.ends_with(&theirs) {
            ["--other-person", "it is Zoltan of HQ-99"]
        } else {
            assert!(record.ends_with(&kept), "{review:#}");
            ["--keep", "court file of HQ-99"]
        };
        w.efface(&["case", "review", &case, finding, decided[0], decided[1]]).exits(0);
    }
    executed(&w, &case);
    let facts = json_of(&w, &["case", "reply", &case]);
    let told = facts["stays"].to_string();
    assert!(told.contains("court file of …") && !told.contains("Zoltan") && !told.contains("HQ-"), "{facts:#}");
}

#[test]
fn a_refusal_and_a_withdrawal_are_answered_too() {
    let (w, case) = opened("controller = \"processor\"");
    w.efface(&["case", "reject", &case, "--reason", &format!("{NAME} sent no proof of identity")]).exits(0);
    let letter = w.efface(&["case", "reply", &case]).exits(0).out;
    assert!(letter.contains("cannot comply") && letter.contains("sent no proof of identity"), "{letter}");
    assert!(letter.contains("Article 77") && letter.contains("Article 79") && !names_the_person(letter.as_bytes()));
    w.efface(&["case", "reply", &case, "--identity"]).exits(4);
    let other = w.efface(&["case", "open", "--subject", "REQ-1", "-q"]).exits(0).out.trim().to_owned();
    w.efface(&["case", "withdraw", &other, "--reason", "changed their mind"]).exits(0);
    let letter = w.efface(&["case", "reply", &other, "--format", "html"]).exits(0).out;
    assert!(flat(&letter).contains("You have withdrawn it"), "{letter}");
    w.efface(&["case", "reply", &other, "--sent", &ago(0)]).exits(0);
    assert!(events(&w, &other).contains(&"case.replied".to_owned()));
}

#[test]
fn templates_of_ones_own() {
    let (w, case) = opened("controller = \"processor\"");
    w.efface(&["case", "reject", &case, "--reason", "no"]).exits(0);
    let shipped = w.efface(&["case", "reply", "--template"]).exits(0).out;
    assert!(shipped.contains("{{ case }}"));
    assert!(w.efface(&["case", "notice", "--template", "--format", "html"]).exits(0).out.contains("<!doctype html>"));
    edit_config(&w, |c| c + "\n[letters]\nfolder = \"my letters\"\ncontroller = \"Example Corp\"\n");
    let run = w.efface(&["case", "reply", &case]).exits(2);
    assert!(run.err.contains("my letters") && run.err.contains("[letters] folder"), "{}", run.err);
    let folder = w.path().join("my letters");
    std::fs::create_dir(&folder).unwrap();
    let shown = w.efface(&["case", "reply", &case]).exits(0).out;
    assert!(shown.contains("cannot comply"), "an empty folder: the shipped ones");
    std::fs::write(folder.join("reply.txt"), "Sehr geehrte Damen und Herren,\nFall {{ case }}: {{ reason }}\n")
        .unwrap();
    let own = w.efface(&["case", "reply", &case]).exits(0).out;
    assert_eq!(own, format!("Sehr geehrte Damen und Herren,\nFall {case}: no\n"));
    assert!(w.efface(&["case", "reply", &case, "--format", "html"]).exits(0).out.contains("Article 77"));
    std::fs::write(folder.join("reply.txt"), "Fall {{ case }}\nGrund: {{ resaon }}\n").unwrap();
    let run = w.efface(&["case", "reply", &case]).exits(2);
    assert!(
        run.err.contains("my letters/reply.txt:2: there is no variable `resaon`") && run.out.is_empty(),
        "{}",
        run.err
    );
    std::fs::write(folder.join("reply.txt"), b"\xff\xfe").unwrap();
    w.efface(&["case", "reply", &case]).exits(2);
    // A template that names the person: refused while the case knows who that is.
    let other = w.efface(&["case", "open", "--subject", "REQ-1", "-q"]).exits(0).out.trim().to_owned();
    std::fs::write(folder.join("reply.txt"), format!("Case {{{{ case }}}} of {NAME}\n")).unwrap();
    let run = w.efface(&["case", "reply", &other, "--identity"]).exits(4);
    assert!(run.out.is_empty() && !names_the_person(run.err.as_bytes()), "{}", run.err);
    std::fs::write(folder.join("reply.txt"), "Case {{ case }} of Zo\u{eb} van\n    der Quandt\n").unwrap();
    w.efface(&["case", "reply", &other, "--identity"]).exits(4);
    // Those of another language, for this one letter.
    std::fs::create_dir(w.path().join("fr")).unwrap();
    std::fs::write(w.path().join("fr/reply.txt"), "Dossier {{ case }}\n").unwrap();
    let french = w.efface(&["case", "reply", &other, "--identity", "--templates", "fr"]).exits(0).out;
    assert_eq!(french, format!("Dossier {other}\n"));
    w.efface(&["case", "reply", &other, "--identity", "--templates", "nowhere"]).exits(2);
    // A doctor finds what is wrong in a letter that nobody has needed yet.
    std::fs::write(folder.join("reply.txt"), "{% if letter == \"refused\" %}{{ case.of }}{% endif %}\n").unwrap();
    let run = w.efface(&["doctor"]).exits(3);
    assert!(run.out.contains("PROBLEM") && run.out.contains("reply.txt:1"), "{}", run.out);
    std::fs::remove_file(folder.join("reply.txt")).unwrap();
    w.efface(&["doctor"]).exits(0);
    // Told after its first month, an extension extends nothing.
    let late = w.efface(&["case", "open", "--subject", "REQ-1", "--received", &ago(70), "-q"]).exits(0).out;
    let run = w.efface(&["case", "reply", late.trim(), "--extension", "--reason", "x"]).exits(0);
    assert!(run.err.contains("comes too late"), "{}", run.err);
    let run = w.efface(&["case", "reply", &other, "--extension", "--reason", "x"]).exits(0);
    assert!(!run.err.contains("comes too late"), "{}", run.err);
}

#[test]
fn recipients_are_told_what_concerns_them() {
    let (w, case) = opened("controller = \"processor\"\ncontact = \"privacy@partner.example\"");
    edit_config(&w, |c| c + SENDER);
    let notice = |more: &[&str]| w.efface(&[&["case", "notice", &case][..], more].concat());
    let state = |w: &World| json_of(w, &["case", "notice", &case])[0]["state"].as_str().unwrap_or_default().to_owned();
    assert_eq!(json_of(&w, &["case", "notice", &case]), json!([]), "without a plan nobody is known");
    w.efface(&["case", "plan", &case]).exits(0);
    assert!(notice(&["--recipient", "partner"]).exits(4).err.contains("when it is done"));
    notice(&["--recipient", "partner", "--sent", &ago(0)]).exits(4);
    w.efface_as("dpo", &["case", "approve", &case]).exits(0);
    w.efface(&["case", "execute", &case, "--yes"]).exits(0);
    let early = notice(&["--recipient", "partner"]).exits(0);
    assert!(early.err.contains("not verified yet"), "{}", early.err);
    w.efface(&["case", "verify", &case]).exits(0);
    assert_eq!(state(&w), "to send");
    let facts = json_of(&w, &["case", "notice", &case, "--recipient", "partner"]);
    assert_eq!(facts["schema"], "efface.notice/1");
    assert!(
        !facts["done"].as_array().unwrap().is_empty() && !facts["asked"].as_array().unwrap().is_empty(),
        "{facts:#}"
    );
    for form in ["table", "html", "json"] {
        let out = notice(&["--recipient", "partner", "--format", form]).exits(0).out;
        for want in ["PART-", &case, "2 weeks", "summary", "partner"] {
            assert!(out.contains(want), "{want:?} is not in:\n{out}");
        }
        // No key, place or path of anybody else, no identifier.
        for key in ["HQ-", "source:", "staging:", "foreign:", "other-tool", "log:", "hq-partner"] {
            assert!(!out.contains(key), "{key} in:\n{out}");
        }
        assert!(!names_the_person(out.as_bytes()), "{form} names the person:\n{out}");
    }
    notice(&["--recipient", "hq"]).exits(2);
    notice(&["--recipient", "nobody"]).exits(2);
    notice(&["--sent", &ago(0)]).exits(2);
    let closing = w.efface(&["case", "certificate", &case]).exits(0);
    assert!(closing.err.contains("Not told yet (Art. 19): partner"), "{}", closing.err);

    notice(&["--recipient", "partner", "--acknowledged", &ago(0)]).exits(2);
    notice(&["--recipient", "partner", "--sent", &ago(15)]).exits(0);
    assert_eq!(state(&w), "overdue", "14 days, by the policy's default");
    notice(&["--recipient", "partner", "--sent", &ago(14)]).exits(0);
    assert_eq!(state(&w), "sent", "the last day is in time");
    notice(&["--recipient", "partner", "--acknowledged", &ago(16)]).exits(2);
    let told = w.efface(&["case", "reply", &case]).exits(0).out;
    let day = (Utc::now().date_naive() - Days::new(14)).format("%-d %B %Y").to_string();
    assert!(told.contains(&format!("told on {day}")), "{told}");

    w.efface(&["case", "close", &case]).exits(0);
    assert_eq!(state(&w), "sent", "it survives closing");
    assert!(notice(&["--recipient", "partner"]).exits(4).err.contains("destroyed"));
    notice(&["--recipient", "partner", "--acknowledged", &ago(1)]).exits(0);
    assert_eq!(state(&w), "acknowledged");
    let all = json_of(&w, &["case", "notice"]);
    assert_eq!((&all[0]["case"], &all[0]["state"]), (&json!(case), &json!("acknowledged")), "of all cases: {all}");
    let kinds = events(&w, &case);
    for kind in ["case.notice-sent", "case.notice-acknowledged"] {
        assert!(kinds.contains(&kind.to_owned()), "{kinds:?}");
    }
    w.efface(&["audit", "verify"]).exits(0);
}

#[test]
fn a_partner_is_told_though_nothing_is_touched_there() {
    let (w, case) = opened("controller = \"partner\"");
    let policy = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/gdpr-default.toml");
    let policy = std::fs::read_to_string(policy).unwrap();
    let wanted = policy.replace("required = false", "required = true");
    assert_ne!(wanted, policy);
    std::fs::write(w.path().join("told.toml"), wanted).unwrap();
    edit_config(&w, |c| c.replace("path = \"home\"\n", "path = \"home\"\npolicy = \"told.toml\"\n"));
    executed(&w, &case);
    let facts = json_of(&w, &["case", "notice", &case, "--recipient", "partner"]);
    assert_eq!(facts["done"], json!([]), "the mandate is to notify");
    let asked = facts["asked"].as_array().unwrap();
    assert!(
        // Which issue is written first is not said.
        asked.iter().any(|a| {
            let text = |key: &str| a[key].as_str().unwrap();
            text("record").starts_with("issue PART-") && text("why").contains("mandate")
        }),
        "{facts:#}"
    );
    assert!(!names_the_person(facts.to_string().as_bytes()));
    // The plan is the one that asks, whatever the policy's file says by now.
    std::fs::write(w.path().join("told.toml"), policy).unwrap();
    let run = w.efface(&["case", "close", &case]).exits(4);
    assert!(run.err.contains("not told yet: partner"), "{}", run.err);
    w.efface(&["case", "notice", &case, "--recipient", "partner", "--sent", &ago(0)]).exits(0);
    w.efface(&["case", "close", &case]).exits(0);
}

/// Whether a value has the form that a JSON Schema asks for, in the words that ours uses; a word that is not known here
/// fails, and so does a key that the schema does not name.
fn fits(schema: &Value, root: &Value, value: &Value, at: &str) {
    let words = schema.as_object().unwrap();
    if let Some(target) = words.get("$ref") {
        let name = target.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
        return fits(&root["$defs"][name], root, value, at);
    }
    for (word, want) in words {
        match word.as_str() {
            "$schema" | "$defs" | "title" | "description" => {}
            "type" => {
                let is = match value {
                    Value::Null => "null",
                    Value::String(_) => "string",
                    Value::Array(_) => "array",
                    Value::Object(_) => "object",
                    Value::Number(n) if n.is_u64() || n.is_i64() => "integer",
                    _ => "other",
                };
                let wanted = want.as_array().map_or_else(|| vec![want.clone()], Clone::clone);
                assert!(wanted.contains(&json!(is)), "{at} is {is}, not {want}");
            }
            "const" => assert_eq!(value, want, "{at}"),
            "enum" => assert!(want.as_array().unwrap().contains(value), "{at}: {value} is none of {want}"),
            "pattern" => {
                let pattern = regex::Regex::new(want.as_str().unwrap()).unwrap();
                assert!(pattern.is_match(value.as_str().unwrap()), "{at}: {value} does not fit {want}");
            }
            "minimum" => assert!(value.is_null() || value.as_i64().unwrap() >= want.as_i64().unwrap(), "{at}"),
            "minItems" => assert!(value.as_array().is_none_or(|a| a.len() as u64 >= want.as_u64().unwrap()), "{at}"),
            "maxItems" => assert!(value.as_array().is_none_or(|a| a.len() as u64 <= want.as_u64().unwrap()), "{at}"),
            "required" => {
                for key in want.as_array().unwrap() {
                    assert!(value.get(key.as_str().unwrap()).is_some(), "{at} has no {key}");
                }
            }
            "properties" => {
                for (key, inner) in value.as_object().unwrap() {
                    let known = want.get(key).unwrap_or_else(|| panic!("{at}: the schema knows no {key}"));
                    fits(known, root, inner, &format!("{at}/{key}"));
                }
            }
            "items" => {
                for (i, item) in value.as_array().unwrap().iter().enumerate() {
                    fits(want, root, item, &format!("{at}/{i}"));
                }
            }
            "prefixItems" => {
                for (inner, item) in want.as_array().unwrap().iter().zip(value.as_array().into_iter().flatten()) {
                    fits(inner, root, item, at);
                }
            }
            other => panic!("{at}: this check does not know the schema's word {other}"),
        }
    }
}

#[test]
fn a_certificate_fits_its_schema_prints_and_can_be_checked_offline() {
    let (w, case) = opened("controller = \"processor\"");
    executed(&w, &case);
    w.efface(&["case", "certificate", &case, "--format", "html"]).exits(2);
    w.efface(&["case", "certificate", &case, "--format", "html", "-o", "c.html"]).exits(0);
    w.efface(&["case", "certificate", &case, "--format", "html", "-o", "c.html"]).exits(4);
    let bytes = std::fs::read(w.path().join("c.json")).unwrap();
    let certificate: Value = serde_json::from_slice(&bytes).unwrap();
    let schema: Value = serde_json::from_str(&w.efface(&["case", "certificate", "--schema"]).exits(0).out).unwrap();
    fits(&schema, &schema, &certificate, "");
    assert!(
        !certificate["stays"].as_array().unwrap().is_empty() && !certificate["matrix"].as_array().unwrap().is_empty()
    );

    let page = std::fs::read_to_string(w.path().join("c.html")).unwrap();
    let sha256 = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&bytes));
    for want in [sha256.as_str(), &case, certificate["plan"].as_str().unwrap(), "ssh-keygen -Y verify", "c.json.sig"] {
        assert!(page.contains(want), "{want} is not on the page");
    }
    for word in ["http://", "https://", "<script", "@import", "url(", "<link", "<img", " src="] {
        assert!(!page.contains(word), "{word} on the page");
    }
    assert!(!names_the_person(page.as_bytes()));
    w.efface(&["case", "certificate", "--from", "c.json", "--format", "html", "-o", "again.html"]).exits(0);
    assert_eq!(std::fs::read_to_string(w.path().join("again.html")).unwrap(), page);

    // With the store, and with nothing but files, after the case was closed and the chain went on.
    w.efface(&["case", "close", &case]).exits(0);
    let untold = json_of(&w, &["case", "notice", &case]);
    assert_eq!((&untold[0]["recipient"], &untold[0]["state"]), (&json!("partner"), &json!("to send")), "still known");
    let run = w.efface(&["audit", "verify", "--certificate", "c.json"]).exits(0);
    assert!(run.out.contains("the signature fits") && run.out.contains(&case), "{}", run.out);
    w.efface(&["audit", "export", "-o", "chain.jsonl"]).exits(0);
    let offline = ["--config", "missing.toml", "audit", "verify", "--file", "chain.jsonl", "--certificate", "c.json"];
    let run = w.efface(&offline).exits(0);
    assert!(run.err.contains("fingerprint"), "a key that lay beside it proves little: {}", run.err);
    w.efface(&[&offline[..], &["--signers", "c.json.allowed_signers"]].concat()).exits(0);
    for file in ["c.json", "chain.jsonl"] {
        let path = w.path().join(file);
        let good = std::fs::read(&path).unwrap();
        // Every byte is flipped in unit tests; here it is the command that has to say no.
        for i in (0..good.len()).step_by(good.len() / 12) {
            let mut bad = good.clone();
            bad[i] ^= 1 << (i % 8);
            std::fs::write(&path, bad).unwrap();
            w.efface(&offline).exits(4);
        }
        std::fs::write(&path, good).unwrap();
    }
    w.efface(&offline).exits(0);
    // A chain that was cut off before the certificate, and one of another house.
    let chain = std::fs::read_to_string(w.path().join("chain.jsonl")).unwrap();
    let cut: String = chain.lines().take(3).map(|l| format!("{l}\n")).collect();
    std::fs::write(w.path().join("chain.jsonl"), cut).unwrap();
    assert!(w.efface(&offline).exits(4).err.contains("were cut off"));
    let other = World::new(Flavor::DataCenter, 0);
    other.register();
    other.efface(&["audit", "export", "-o", "chain.jsonl"]).exits(0);
    std::fs::copy(other.path().join("chain.jsonl"), w.path().join("chain.jsonl")).unwrap();
    w.efface(&offline).exits(4);
}

#[test]
fn old_details_go_and_the_chain_and_certificates_still_verify() {
    let (w, case) = opened("controller = \"processor\"");
    executed(&w, &case);
    w.efface(&["case", "certificate", &case, "-o", "c.json"]).exits(0);
    let tomorrow: NaiveDate = Utc::now().date_naive() + Days::new(1);
    w.efface(&["audit", "expire", "--before", &tomorrow.to_string(), "--reason", "x"]).exits(2);
    let today = ago(0);
    let dry = w.efface(&["audit", "expire", "--before", &today, "--reason", "x", "--dry-run"]).exits(0).out;
    assert!(dry.starts_with("0 events"), "{dry}");
    w.efface(&["audit", "expire", "--before", &today, "--reason", &format!("{NAME} is gone, 3 years")]).exits(0);
    let run = w.efface(&["audit", "verify", "--certificate", "c.json"]).exits(0);
    assert!(run.out.contains("unbroken"), "{}", run.out);
    let shown = w.efface(&["audit", "show", "--format", "json"]).exits(0).out;
    assert!(shown.contains("audit.expired") && shown.contains("3 years") && !names_the_person(shown.as_bytes()));
}
