use super::*;

const GOOD: &str = r#"
[home]
path = "/home/jira"
[[foreign]]
name = "backbone"
path = "data/backbone"
[instance.hq]
url = "https://jira.example.com/"
flavor = "datacenter"
auth = { token_env = "HQ_TOKEN" }
[instance.partner]
url = "https://partner.example"
flavor = "cloud"
auth = { user = "bot@example.com", token_file = "tok" }
controller = "partner"
[sync.hq-partner]
source = { instance = "hq", project = "HQ", jql = "labels = shared" }
target = { instance = "partner", project = "PART" }
"#;

#[test]
fn reads_the_contract() {
    let c = Config::parse(GOOD, Path::new("/etc/efface/efface.toml")).unwrap();
    let home = c.home().unwrap();
    assert_eq!(home.staging, Path::new("/home/jira/data/efface"));
    assert_eq!(c.state, Path::new("/etc/efface/efface-state"));
    assert_eq!(c.journal, Path::new("/etc/efface/efface-state/suppression.journal"));
    let apart = GOOD.replace("[home]", "[home]\njournal = \"/safe/efface.journal\"");
    assert_eq!(Config::parse(&apart, Path::new("efface.toml")).unwrap().journal, Path::new("/safe/efface.journal"));
    assert_eq!(c.foreign[0].path, Path::new("/home/jira/data/backbone"));
    assert_eq!(c.policy, PolicySource::Shipped("gdpr-default"));
    for (name, _) in crate::policy::SHIPPED {
        let text = format!("[home]\npath = \"/h\"\npolicy = \"{name}\"\n");
        assert_eq!(Config::parse(&text, Path::new("efface.toml")).unwrap().policy, PolicySource::Shipped(name));
    }
    assert_eq!(c.letters, Letters::default());
    let own = Config::parse("[letters]\nfolder = \"my\"\ncontroller = \"Corp\"\n", Path::new("/etc/e.toml")).unwrap();
    assert_eq!(own.letters.folder.as_deref(), Some(Path::new("/etc/my")), "beside the configuration");
    let partner = &c.instances[&"partner".parse().unwrap()];
    assert_eq!(partner.mandate, Mandate::Notify, "a partner is told, not touched, unless the mandate says so");
    assert_eq!(partner.auth.secret, SecretSource::File("/etc/efface/tok".into()));
    assert_eq!(c.instances[&"hq".parse().unwrap()].url, "https://jira.example.com");
}

#[test]
fn the_record_of_processing_has_keys_of_its_own() {
    let none = Config::parse(GOOD, Path::new("e.toml")).unwrap();
    assert_eq!((none.privacy, &none.instances.values().next().unwrap().country), (Privacy::default(), &None));
    let text = format!(
        "{}purpose = \"support\"\nbasis = \"GDPR Art. 6(1)(b)\"\non_behalf_of = \"Other\"\n[privacy]\ncontroller = \"Corp\\n1 Street\"\n\
         representative = \"r\"\ndpo = \"d\"\npurpose = \"p\"\n",
        GOOD.replace("flavor = \"cloud\"", "flavor = \"cloud\"\ncountry = \"NL\"")
    );
    let c = Config::parse(&text, Path::new("e.toml")).unwrap();
    let own = |t: &str| Some(t.to_owned());
    let lawful = Lawful { purpose: own("support"), basis: own("GDPR Art. 6(1)(b)"), on_behalf_of: own("Other") };
    assert_eq!(c.syncs.values().next().unwrap().lawful, lawful);
    assert_eq!(c.instances[&"partner".parse().unwrap()].country, own("NL"));
    let privacy =
        Privacy { controller: own("Corp\n1 Street"), representative: own("r"), dpo: own("d"), purpose: own("p") };
    assert_eq!(c.privacy, privacy);
}

#[test]
fn wrong_configurations_say_what_and_where() {
    let cases = [
        ("[home]\npath = 1\n", "line 2"),
        ("[hom]\n", "unknown field `hom`"),
        (&GOOD.replace("project = \"PART\"", "project = \"P-1\""), "project key"),
        (&GOOD.replace("instance = \"partner\", project", "instance = \"other\", project"), "known: hq, partner"),
        (&GOOD.replace("{ token_env = \"HQ_TOKEN\" }", "{ user = \"x\" }"), "exactly one of"),
        (&GOOD.replace("https://partner.example", "partner.example"), "must start with"),
        (&GOOD.replace("https://partner.example", "https://u:p@partner.example"), "must not carry credentials"),
        (
            &GOOD.replace("flavor = \"cloud\"", "flavor = \"cloud\"\nnew_owner = \"x\""),
            "only a Data Center anonymises its users",
        ),
        (&format!("{GOOD}direction = \"sideways\"\n"), "unknown variant `sideways`"),
        (&format!("{GOOD}create = [\"labels\"]\n"), "components, versions"),
        (&format!("{GOOD}users_by_field = {{ watcher = \"drop\" }}\n"), "users stand in: assignee, reporter"),
        (&format!("{GOOD}fields = [\"summry\"]\n"), "unknown field \"summry\""),
        (&format!("{GOOD}[letters]\nauthorty = \"x\"\n"), "unknown field `authorty`"),
        (&format!("{GOOD}[letters]\ncontact = \"\"\n"), "[letters] contact is empty"),
        (&format!("{GOOD}[privacy]\ndpo = \"\"\n"), "[privacy] dpo is empty"),
        (&format!("{GOOD}[privacy]\nofficer = \"x\"\n"), "unknown field `officer`"),
        (&format!("{GOOD}purpose = \"a\\u0007\"\n"), "sync hq-partner: purpose is empty or holds control characters"),
        (&format!("{GOOD}on_behalf_of = \" \"\n"), "sync hq-partner: on_behalf_of is empty"),
        (
            &GOOD.replace("flavor = \"cloud\"", "flavor = \"cloud\"\ncountry = \"Germany\""),
            "instance partner: country \"Germany\" is not two capital letters",
        ),
    ];
    for (text, want) in cases {
        let err = Config::parse(text, Path::new("efface.toml")).unwrap_err().to_string();
        assert!(err.contains(want), "{want:?} not in {err:?}");
    }
}

#[test]
fn secrets_come_from_a_file_and_stay_out_of_errors() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("tok");
    std::fs::write(&file, "s3cret\n").unwrap();
    let spec = AuthSpec { user: None, secret: SecretSource::File(file) };
    let secret = spec.secret(&"hq".parse().unwrap()).unwrap();
    assert_eq!(secret.dangerously_expose(), "s3cret");
    let unset = AuthSpec { user: None, secret: SecretSource::Env("EFFACE_NO_SUCH_VARIABLE".into()) };
    assert!(unset.secret(&"hq".parse().unwrap()).unwrap_err().to_string().contains("EFFACE_NO_SUCH_VARIABLE"));
}
