//! A world to test in: two sandbox Jiras, a home folder, a configuration, and one invented person planted in all of it.

use std::{
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Command, Output},
};

use efface::{
    jira::{Auth, Client, ClientConfig, Upload},
    model::{Flavor, Secret},
    sandbox::{Control, NewUser, Sandbox, SandboxConfig},
};
use serde_json::{Map, Value, json};

pub(crate) const NAME: &str = "Zoë van der Quandt";
pub(crate) const EMAIL: &str = "zoe.vanderquandt@corp.example";
pub(crate) const USER: &str = "zvanderquandt";
/// What no byte may hold after an erasure, in lower case.
pub(crate) const NEEDLES: [&str; 4] =
    ["van der quandt", "quandt, zo", "zoe.vanderquandt@corp.example", "zvanderquandt"];

/// How long Cloud's search is behind.
const LAG: std::time::Duration = std::time::Duration::from_millis(800);

pub(crate) struct World {
    pub(crate) rt: tokio::runtime::Runtime,
    pub(crate) source: Sandbox,
    pub(crate) target: Sandbox,
    pub(crate) dir: tempfile::TempDir,
    /// The person's id in the target: account id or user name.
    pub(crate) target_id: String,
    /// The binary: with `EFFACE_BINARY` another build of it, such as an optimised one, where many runs are wanted.
    pub(crate) program: std::ffi::OsString,
}

/// The binary that was built with these tests' library.
pub(crate) const OWN_BINARY: &str = env!("CARGO_BIN_EXE_efface");

pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Run {
    fn from(o: Output) -> Self {
        Self {
            code: o.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&o.stdout).into_owned(),
            err: String::from_utf8_lossy(&o.stderr).into_owned(),
        }
    }
}

impl Run {
    /// Insists on an exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }
}

/// The address under which everything here talks to a sandbox: its own, or, with `EFFACE_RECORDER`, that of the recorder
/// which holds each exchange against Atlassian's documents (`tests/peers/conformance.py`).
pub(crate) fn address(sandbox: &Sandbox) -> String {
    let Ok(recorder) = std::env::var("EFFACE_RECORDER") else { return sandbox.url().to_owned() };
    let flavor = if sandbox.flavor() == Flavor::Cloud { "cloud" } else { "datacenter" };
    format!("{recorder}/{flavor}/{}", sandbox.url().rsplit(':').next().unwrap())
}

pub(crate) fn client(name: &str, sandbox: &Sandbox) -> Client {
    let auth = Auth::Basic { user: sandbox.user().to_owned(), secret: Secret::new(sandbox.token().to_owned()) };
    Client::new(ClientConfig::new(name.parse().unwrap(), address(sandbox), sandbox.flavor(), auth)).unwrap()
}

/// Posts to an address; gives the status.
pub(crate) fn post_to(url: &str, body: &str) -> u16 {
    let (host, path) = url.trim_start_matches("http://").split_once('/').unwrap();
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    write!(
        stream,
        "POST /{path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

/// Posts to a sandbox what the client has no verb for.
pub(crate) fn post(sandbox: &Sandbox, path: &str, body: &Value) {
    let body = body.to_string();
    let host = sandbox.url().trim_start_matches("http://").to_owned();
    let mut stream = std::net::TcpStream::connect(&host).unwrap();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        sandbox.token(),
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 20"), "{path}: {answer}");
}

/// An archive (tar) of one text: it can be read, and no cut can be made in it.
pub(crate) fn archive(text: &str) -> Vec<u8> {
    let mut head = vec![0u8; 512];
    let mut put = |at: usize, what: &str| head[at..at + what.len()].copy_from_slice(what.as_bytes());
    put(0, "note.txt");
    put(100, "0000644");
    put(124, &format!("{:011o}", text.len()));
    put(136, "00000000000");
    put(156, "0");
    put(257, "ustar");
    put(263, "00");
    put(148, "        ");
    let sum: u32 = head.iter().map(|b| u32::from(*b)).sum();
    head[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    let mut out = [head.as_slice(), text.as_bytes()].concat();
    out.resize(out.len().next_multiple_of(512) + 1024, 0);
    out
}

/// Writes and configures the shipped default policy with more rules in front of its rules about Jira.
pub(crate) fn own_policy(w: &World, rules: &str) {
    own_policy_with(w, "# ---- Jira, source and target", rules);
}

/// The same with rules that anonymise accounts in front of those that leave them alone.
pub(crate) fn anonymising_policy(w: &World) {
    const RULES: &str = r#"
[[rule]]
id = "account"
match = { area = ["source", "target"], record = ["user-profile", "vote"] }
decision = "anonymise"
basis = "b"
reason = "r"

[[rule]]
id = "account-names"
match = { area = ["source", "target"], record = ["issue", "comment", "worklog", "history"], field = ["creator", "author", "updateAuthor", "from", "fromString", "to", "toString"], strength = "certain" }
decision = "anonymise"
basis = "b"
reason = "r"

"#;
    own_policy_with(w, "[[rule]]\nid = \"user-profile\"", RULES);
}

/// The same with a rule that has a target's issues written anew for what stands in their history.
pub(crate) fn renewing_policy(w: &World, records: &str) {
    let rule = format!(
        "[[rule]]\nid = \"anew\"\nmatch = {{ area = \"target\", record = {records} }}\ndecision = \"renew\"\nbasis = \"b\"\n\
         reason = \"r\"\n\n"
    );
    own_policy_with(w, "[[rule]]\nid = \"user-profile\"", &rule);
}

fn own_policy_with(w: &World, in_front_of: &str, rules: &str) {
    let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/gdpr-default.toml");
    let policy = std::fs::read_to_string(policy).unwrap();
    let at = policy.find(in_front_of).unwrap();
    std::fs::write(w.path().join("own.toml"), format!("{}{rules}{}", &policy[..at], &policy[at..])).unwrap();
    let config = std::fs::read_to_string(w.path().join("efface.toml")).unwrap();
    let config = config.replacen("path = \"home\"", "path = \"home\"\npolicy = \"own.toml\"", 1);
    std::fs::write(w.path().join("efface.toml"), config).unwrap();
}

impl World {
    /// Data Center source `HQ`, target `PART` of the given flavour, `issues` seeded ones in the source.
    pub(crate) fn new(target_flavor: Flavor, issues: usize) -> Self {
        let rt = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let start = |flavor, seed, issues, project: &str| {
            let mut config = SandboxConfig::new(flavor);
            (config.seed, config.issues, config.project) = (seed, issues, project.parse().unwrap());
            rt.block_on(Sandbox::start(config)).unwrap()
        };
        let source = start(Flavor::DataCenter, 7, issues, "HQ");
        let target = start(target_flavor, 8, 0, "PART");
        // As at Jira Cloud, the search does not know at once what was written.
        target.control().set_search_lag(LAG);
        target.control().set_index_lag(LAG);
        let person =
            || NewUser { name: USER.into(), display_name: NAME.into(), email: EMAIL.into(), ..NewUser::default() };
        source.control().add_user(person());
        let id = target.control().add_user(person());
        let target_id = if target_flavor == Flavor::Cloud { id } else { USER.to_owned() };
        let dir = tempfile::tempdir().unwrap();
        let program = std::env::var_os("EFFACE_BINARY").unwrap_or_else(|| OWN_BINARY.into());
        let world = Self { rt, source, target, dir, target_id, program };
        world.write_config("");
        world
    }

    /// Writes the configuration; `extra` goes to the end of the `[sync.hq-partner]` section.
    pub(crate) fn write_config(&self, extra: &str) {
        let home = self.home();
        std::fs::create_dir_all(home.join("data/other-tool/processed")).unwrap();
        std::fs::create_dir_all(home.join("log")).unwrap();
        for (name, sandbox) in [("hq", &self.source), ("partner", &self.target)] {
            std::fs::write(self.path().join(format!("{name}.token")), sandbox.token()).unwrap();
        }
        let flavor = |s: &Sandbox| if s.flavor() == Flavor::Cloud { "cloud" } else { "datacenter" };
        let config = format!(
            "[home]\npath = \"home\"\n\n[[foreign]]\nname = \"other-tool\"\npath = \"data/other-tool\"\n\n\
             [instance.hq]\nurl = \"{}\"\nflavor = \"datacenter\"\nauth = {{ token_file = \"hq.token\" }}\n\n\
             [instance.partner]\nurl = \"{}\"\nflavor = \"{}\"\nauth = {{ user = \"{}\", token_file = \"partner.token\" }}\n\
             controller = \"processor\"\n\n\
             [sync.hq-partner]\nsource = {{ instance = \"hq\", project = \"HQ\" }}\n\
             target = {{ instance = \"partner\", project = \"PART\" }}\n{extra}\n",
            address(&self.source),
            address(&self.target),
            flavor(&self.target),
            self.target.user(),
        );
        std::fs::write(self.path().join("efface.toml"), config).unwrap();
    }

    /// Waits until the target's search knows what somebody else wrote. What efface wrote itself it has to know without.
    pub(crate) fn indexed(&self) {
        if self.target.flavor() == Flavor::Cloud {
            std::thread::sleep(LAG);
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.path().join("home")
    }

    pub(crate) fn control(&self) -> (Control, Control) {
        (self.source.control(), self.target.control())
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.env_clear().env("EFFACE_ACTOR", "admin").current_dir(self.path()).args(args);
        command
    }

    pub(crate) fn efface(&self, args: &[&str]) -> Run {
        self.command(args).output().unwrap().into()
    }

    pub(crate) fn efface_as(&self, actor: &str, args: &[&str]) -> Run {
        self.command(args).env("EFFACE_ACTOR", actor).output().unwrap().into()
    }

    /// An issue in the source; gives its key.
    pub(crate) fn issue(&self, summary: &str, description: &str, extra: Value) -> String {
        let jira = client("hq", &self.source);
        let mut fields = Map::new();
        fields.insert("project".into(), json!({ "key": "HQ" }));
        fields.insert("issuetype".into(), json!({ "name": "Task" }));
        fields.insert("summary".into(), json!(summary));
        fields.insert("description".into(), json!(description));
        if let Value::Object(extra) = extra {
            fields.extend(extra);
        }
        self.rt.block_on(jira.create_issue(fields, &[])).unwrap().key
    }

    pub(crate) fn comment(&self, key: &str, body: &str) {
        self.rt.block_on(client("hq", &self.source).add_comment(key, json!(body), &[])).unwrap();
    }

    pub(crate) fn attach(&self, key: &str, name: &str, content: &str) {
        let upload = Upload::Bytes(content.as_bytes().to_vec().into());
        self.rt.block_on(client("hq", &self.source).upload(key, name, upload)).unwrap();
    }

    /// The person in every kind of place; gives the key of the issue that is full of it.
    pub(crate) fn plant(&self) -> String {
        let key = self.issue(
            "Badge of Zoë van der Quandt is refused",
            &format!("h2. Report\n\n[~{USER}] waits; write to {EMAIL} or ask *Zoë* van der Quandt."),
            json!({ "assignee": { "name": USER }, "reporter": { "name": USER } }),
        );
        self.comment(&key, &format!("Asked [~{USER}] for the number."));
        self.comment(&key, "Unrelated remark.");
        self.attach(&key, "log.txt", &format!("08:59 refused\n09:00 called {EMAIL}\n"));
        self.issue("Rota", "VAN DER QUANDT, ZOË early; Anna Bergman late.", Value::Null);
        let tool = self.home().join("data/other-tool");
        let message = json!({ "reporter": { "displayName": NAME, "emailAddress": EMAIL }, "n": 1 });
        std::fs::write(tool.join("processed/1.json"), message.to_string()).unwrap();
        std::fs::write(tool.join("users.csv"), format!("id,mail\n1,{EMAIL}\n2,anna@corp.example\n")).unwrap();
        std::fs::write(tool.join("keep.json"), "{\"text\" : \"Anna Bergman\"}").unwrap();
        std::fs::write(self.home().join("log/jira.log"), format!("login {USER}\nlogin anna\n")).unwrap();
        key
    }

    /// Registers the person and gives the handle.
    pub(crate) fn register(&self) {
        let (hq, partner) = (format!("hq={USER}"), format!("partner={}", self.target_id));
        let kind = if self.target.flavor() == Flavor::Cloud { "--account" } else { "--username" };
        self.efface(&[
            "subject",
            "add",
            "--id",
            "REQ-1",
            "--email",
            EMAIL,
            "--name",
            NAME,
            "--username",
            &hq,
            kind,
            &partner,
        ])
        .exits(0);
    }

    /// Opens a case, plans, has it approved by somebody else; gives the case id.
    pub(crate) fn approved_case(&self) -> String {
        let case = self.efface(&["case", "open", "--subject", "REQ-1", "-q"]).exits(0).out.trim().to_owned();
        self.efface(&["case", "plan", &case]).exits(0);
        self.efface_as("dpo", &["case", "approve", &case]).exits(0);
        case
    }

    pub(crate) fn scan(&self, extra: &[&str]) -> (i32, Value) {
        let mut args = vec!["scan", "--subject", "REQ-1", "--format", "json"];
        args.extend(extra);
        let run = self.efface(&args);
        let json = serde_json::from_str(&run.out).unwrap_or_else(|e| panic!("{e}: {}\n{}", run.out, run.err));
        (run.code, json)
    }

    /// Files below the working directory that name the person, by content or by name.
    pub(crate) fn files_naming_the_person(&self) -> Vec<String> {
        let mut out = Vec::new();
        let mut folders = vec![self.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path.clone());
                } else if names_the_person(&std::fs::read(&path).unwrap()) {
                    out.push(path.display().to_string());
                }
                if names_the_person(path.file_name().unwrap().as_encoded_bytes()) {
                    out.push(format!("name of {}", path.display()));
                }
            }
        }
        out
    }
}

pub(crate) fn names_the_person(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes).to_lowercase();
    NEEDLES.iter().any(|n| text.contains(n))
}
