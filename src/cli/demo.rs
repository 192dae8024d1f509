//! `efface demo`: the whole job once, on two sandbox Jiras and a home folder in a temporary directory.
//!
//! It plays the very commands that a user would type, in-process, so that what it shows is what they do.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::Context as _;
use clap::{CommandFactory, FromArgMatches};
use serde_json::{Map, Value, json};

use super::{Cli, Context};
use crate::{
    config::Config,
    jira::{Auth, Client, ClientConfig, Upload},
    model::{Flavor, Secret},
    sandbox::{NewUser, Sandbox, SandboxConfig},
    store::Store,
};

/// Play it all in a temporary directory; leaves report, certificate and configuration there and says where.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where to play it; a new temporary directory when not given.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Seed of the invented world.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Issues in the source project, besides the ones about the person.
    #[arg(long, default_value_t = 12)]
    issues: usize,
    /// Keep both sandboxes running afterwards, to look around; stop with Ctrl-C.
    #[arg(long)]
    stay: bool,
}

struct Stage<'a> {
    dir: PathBuf,
    ctx: &'a Context,
}

impl Stage<'_> {
    fn config(&self) -> PathBuf {
        self.dir.join("efface.toml")
    }

    /// Runs one command as if it had been typed, and shows it.
    async fn run(&self, args: &[&str]) -> anyhow::Result<u8> {
        self.ctx.say(format!("\n$ efface {}", args.join(" ")));
        let config = self.config();
        let mut line = vec!["efface".into(), "--config".into(), config.as_os_str().to_owned(), "--no-progress".into()];
        line.extend(args.iter().map(std::ffi::OsString::from));
        let cli = Cli::from_arg_matches(&Cli::command().try_get_matches_from(line)?)?;
        let code = match Box::pin(super::dispatch(cli)).await {
            Ok(code) => code,
            Err(e) => {
                self.ctx.say(super::exit::render(&e));
                ExitCode::from(super::code(&e))
            }
        };
        // ExitCode has no getter; its Debug form is the only std way to read it back.
        let code: u8 =
            format!("{code:?}").chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap_or(70);
        self.ctx.say(format!("(exit {code})"));
        Ok(code)
    }

    async fn must(&self, want: &[u8], args: &[&str]) -> anyhow::Result<()> {
        let code = self.run(args).await?;
        anyhow::ensure!(want.contains(&code), "`efface {}` ended with {code}; expected {want:?}", args.join(" "));
        Ok(())
    }

    fn chapter(&self, text: &str) {
        self.ctx.say(format!("\n── {text}"));
    }
}

/// The invented person of the demo.
const NAME: &str = "Zoë van der Quandt";
const EMAIL: &str = "zoe.vanderquandt@corp.example";
const USERNAME: &str = "zvanderquandt";

pub(crate) async fn run(args: Args, ctx: &Context) -> anyhow::Result<ExitCode> {
    let dir = match args.dir {
        Some(dir) => {
            std::fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
            anyhow::ensure!(
                std::fs::read_dir(&dir)?.next().is_none(),
                super::Failure::Usage(format!("{} is not empty; give a new folder", dir.display()))
            );
            dir
        }
        None => tempfile::Builder::new().prefix("efface-demo-").tempdir()?.keep(),
    };
    let stage = Stage { dir: dir.clone(), ctx };
    stage.chapter("Two Jiras: a Data Center of ours (project HQ) and a Cloud site of a processor (project PART)");
    let hq = start(Flavor::DataCenter, args.seed, args.issues, "HQ").await?;
    let part = start(Flavor::Cloud, args.seed + 1, 0, "PART").await?;
    let account = set_up(&dir, &hq, &part).await?;
    ctx.say(format!("hq       {}  (user {}, token in {})", hq.url(), hq.user(), dir.join("hq.token").display()));
    ctx.say(format!(
        "partner  {}  (user {}, token in {})",
        part.url(),
        part.user(),
        dir.join("partner.token").display()
    ));

    stage.chapter("Sync: export, stage, import");
    stage.must(&[0], &["sync", "run"]).await?;

    stage.chapter("A request comes in: who is it? (a person confirmed these identifiers)");
    let (hq_user, part_user) = (format!("hq={USERNAME}"), format!("partner={account}"));
    stage
        .must(
            &[0],
            &[
                "subject",
                "add",
                "--id",
                "REQ-1",
                "--email",
                EMAIL,
                "--name",
                NAME,
                "--username",
                &hq_user,
                "--account",
                &part_user,
            ],
        )
        .await?;

    stage.chapter("What is where?");
    stage.must(&[1], &["scan", "--subject", "REQ-1", "--purpose", "request REQ-1"]).await?;

    stage.chapter("The case: plan, approve, execute, verify, certificate");
    stage.must(&[0], &["case", "open", "--subject", "REQ-1"]).await?;
    let case = {
        let config = Config::load(&stage.config())?;
        Store::open(&config.state)?.cases()?.first().map(|c| c.id.to_string()).context("the case was not opened")?
    };
    stage.must(&[0], &["--actor", "admin", "case", "plan", &case]).await?;
    stage.must(&[0], &["--actor", "dpo", "case", "approve", &case]).await?;
    stage.must(&[0], &["--actor", "admin", "case", "execute", &case, "--yes"]).await?;
    stage.must(&[0], &["case", "verify", &case]).await?;

    stage.chapter("Does the next sync bring the person back?");
    stage.must(&[0], &["sync", "run"]).await?;
    stage.must(&[0], &["case", "verify", &case]).await?;

    stage.chapter("Evidence");
    let certificate = dir.join("certificate.json").display().to_string();
    let report = dir.join("report.html").display().to_string();
    stage.must(&[0], &["case", "certificate", &case, "-o", &certificate]).await?;
    stage.must(&[0], &["report", "case", &case, "--format", "html", "-o", &report]).await?;

    stage.chapter("The letters: to the person (Art. 12), to the recipient (Art. 19); sent by you, recorded here");
    let today = ctx.now.date_naive().to_string();
    let letter = dir.join("letter.txt").display().to_string();
    let notice = dir.join("notice.txt").display().to_string();
    stage.must(&[0], &["case", "reply", &case, "-o", &letter]).await?;
    stage.must(&[0], &["case", "reply", &case, "--sent", &today]).await?;
    stage.must(&[0], &["case", "notice", &case, "--recipient", "partner", "-o", &notice]).await?;
    stage.must(&[0], &["case", "notice", &case, "--recipient", "partner", "--sent", &today]).await?;
    stage.must(&[0], &["case", "list"]).await?;
    stage.must(&[0], &["case", "close", &case]).await?;
    stage.must(&[0], &["audit", "verify"]).await?;

    let config = stage.config();
    ctx.say(format!(
        "\nLeft for you in {}:\n  report       {report}\n  certificate  {certificate} (with .sig and .allowed_signers)\n  letters      {letter}, {notice}\n  \
         configuration {}\n\nTry next:\n  efface --config {1} audit show\n  efface --config {1} suppress list\n  efface policy show",
        dir.display(),
        config.display()
    ));
    if args.stay {
        ctx.say("\nBoth Jiras go on until you press Ctrl-C; try: efface scan, sync run, doctor.");
        tokio::signal::ctrl_c().await?;
    } else {
        ctx.say("(The two sandboxes have stopped; `efface demo --stay` keeps them running.)");
    }
    Ok(ExitCode::SUCCESS)
}

async fn start(flavor: Flavor, seed: u64, issues: usize, project: &str) -> anyhow::Result<Sandbox> {
    let mut config = SandboxConfig::new(flavor);
    config.seed = seed;
    config.issues = issues;
    config.project = project.parse()?;
    Ok(Sandbox::start(config).await?)
}

fn client(name: &str, sandbox: &Sandbox) -> anyhow::Result<Client> {
    let auth = Auth::Basic { user: sandbox.user().to_owned(), secret: Secret::new(sandbox.token().to_owned()) };
    Ok(Client::new(ClientConfig::new(name.parse()?, sandbox.url(), sandbox.flavor(), auth))?)
}

/// The person in both Jiras, the person's traces in the source, a home folder, and the configuration. Answers the
/// person's account id in the target.
async fn set_up(dir: &Path, hq: &Sandbox, part: &Sandbox) -> anyhow::Result<String> {
    let person =
        || NewUser { name: USERNAME.into(), display_name: NAME.into(), email: EMAIL.into(), ..NewUser::default() };
    hq.control().add_user(person());
    let account = part.control().add_user(person());

    let jira = client("hq", hq)?;
    let issue = |summary: &str, description: &str, extra: Value| {
        let mut fields = Map::new();
        fields.insert("project".into(), json!({ "key": "HQ" }));
        fields.insert("issuetype".into(), json!({ "name": "Task" }));
        fields.insert("summary".into(), json!(summary));
        fields.insert("description".into(), json!(description));
        if let Value::Object(extra) = extra {
            fields.extend(extra);
        }
        fields
    };
    let first = jira
        .create_issue(
            issue(
                "Badge of Zoë van der Quandt does not open the gate",
                &format!("h2. What happened\n\n[~{USERNAME}] stood before the gate; reach *Zoë* van der Quandt at {EMAIL}."),
                json!({ "assignee": { "name": USERNAME }, "reporter": { "name": USERNAME }, "labels": ["gate", "shared"] }),
            ),
            &[],
        )
        .await?;
    jira.add_comment(&first.key, json!(format!("Asked [~{USERNAME}] for the badge number.")), &[]).await?;
    jira.add_comment(&first.key, json!("The gate has new firmware; nothing to do with the badge."), &[]).await?;
    jira.upload(
        &first.key,
        "badge-log.txt",
        Upload::Bytes(format!("08:59 badge 4711 refused\n09:00 called {EMAIL}\n").into_bytes().into()),
    )
    .await?;
    jira.create_issue(
        issue("Rota for the gate", "VAN DER QUANDT, ZOË has the early shift; Anna Bergman the late one.", Value::Null),
        &[],
    )
    .await?;

    let home = dir.join("jira-home");
    let foreign = home.join("data/backbone-issue-sync");
    for folder in ["processed", "pending"] {
        std::fs::create_dir_all(foreign.join(folder))?;
    }
    std::fs::create_dir_all(home.join("log"))?;
    let message =
        json!({ "issue": "HQ-3", "reporter": { "displayName": NAME, "emailAddress": EMAIL }, "text": "unrelated" });
    std::fs::write(foreign.join("processed/message-17.json"), serde_json::to_vec_pretty(&message)?)?;
    std::fs::write(
        foreign.join("pending/users.csv"),
        format!("id,name,mail\n1,{NAME},{EMAIL}\n2,Anna Bergman,anna@corp.example\n"),
    )?;
    std::fs::write(
        home.join("log/atlassian-jira.log"),
        format!("INFO login ok user={USERNAME}\nINFO login ok user=anna\n"),
    )?;

    for (name, sandbox) in [("hq", hq), ("partner", part)] {
        crate::fs::write_atomic(&dir.join(format!("{name}.token")), sandbox.token().as_bytes())?;
    }
    let config = format!(
        r#"# Made by `efface demo`.
[home]
path = "jira-home"

[[foreign]]
name = "backbone"
path = "data/backbone-issue-sync"

[instance.hq]
url = "{}"
flavor = "datacenter"
auth = {{ token_file = "hq.token" }}
controller = "us"

[instance.partner]
url = "{}"
flavor = "cloud"
auth = {{ user = "{}", token_file = "partner.token" }}
controller = "processor"
contact = "privacy@partner.example"

[sync.hq-partner]
source = {{ instance = "hq", project = "HQ" }}
target = {{ instance = "partner", project = "PART" }}
"#,
        hq.url(),
        part.url(),
        part.user()
    );
    crate::fs::write_atomic(&dir.join("efface.toml"), config.as_bytes())?;
    // The search index of a Cloud site lags behind its writes; so does the sandbox's.
    tokio::time::sleep(Duration::from_millis(50)).await;
    Ok(account)
}
