//! The command line: one file a verb, each with its `Args` and `run`. The only room that prints and reads the clock.

use std::{io::IsTerminal, path::PathBuf, process::ExitCode};

use chrono::{DateTime, Utc};
use clap::{ColorChoice, CommandFactory, FromArgMatches, Parser, Subcommand};

mod audit;
mod case;
mod demo;
mod doctor;
mod exit;
mod hold;
mod init;
mod notify;
mod output;
mod policy;
mod report;
mod resolve;
mod sandbox;
mod scan;
mod subject;
mod suppress;
mod sweep;
mod sync;
mod table;
mod variants;
mod watch;
mod work;

pub use exit::{Failure, code};
pub use output::Format;

use crate::{
    config::{Config, PolicySource},
    store::{Act, Store},
};

/// Find and erase one person in everything a Jira-to-Jira sync left behind.
///
/// The usual way: `efface init`, edit efface.toml, `efface doctor`, `efface sync run`; and when a request comes in:
/// `efface subject resolve` or `add`, `efface scan`, `efface case open`, `case plan`, `case approve`, `case execute`, `case verify`,
/// `case certificate`, `case close`. Try it all without a Jira: `efface demo`.
#[derive(Debug, Parser)]
#[command(name = "efface", version, max_term_width = 110)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// The configuration file.
    #[arg(long, global = true, value_name = "FILE", env = "EFFACE_CONFIG", default_value = "efface.toml")]
    pub(crate) config: PathBuf,
    /// How data is printed.
    #[arg(long, global = true, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,
    /// Write data to a file instead of stdout.
    #[arg(short = 'o', long, global = true, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Say less: only data.
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Say more; twice for everything.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Colour: auto, always or never. `NO_COLOR` is honoured.
    #[arg(long, global = true, value_enum, default_value_t = ColorChoice::Auto)]
    pub(crate) color: ColorChoice,
    /// No progress bars, even on a terminal.
    #[arg(long, global = true)]
    pub(crate) no_progress: bool,
    /// Who acts, for the audit trail and four eyes.
    #[arg(long, global = true, value_name = "NAME", env = "EFFACE_ACTOR")]
    pub(crate) actor: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Play it all in a temporary directory: sync, scan, plan, approve, execute, verify, certificate.
    Demo(demo::Args),
    /// An in-memory Jira on a loopback port, to try things on.
    Sandbox(sandbox::Args),
    /// Write a commented configuration.
    Init(init::Args),
    /// Check instances, permissions, folders, keys and clock.
    Doctor(doctor::Args),
    /// Export, stage, import; look at and mend it.
    Sync(sync::Args),
    /// Who: the identifiers of a person, as a person confirmed them.
    Subject(subject::Args),
    /// Find every reference to a person.
    Scan(scan::Args),
    /// Check, show and explain a policy.
    Policy(policy::Args),
    /// The erasure workflow.
    Case(case::Args),
    /// Orders to keep: preservation and restriction.
    Hold(hold::Args),
    /// The suppression list: once erased, stays erased.
    Suppress(suppress::Args),
    /// Retention: delete what is kept too long, by the policy's deletion classes.
    ///
    /// A class says which records, from which event, how long, and on which basis. What is due is only marked by the run that first
    /// sees it, and deleted when its grace (7 days, where the class does not say) is over. Holds keep what they cover. `efface sweep
    /// --dry-run` prints what a run would do right now and exits 1 where something is due.
    Sweep(sweep::Args),
    /// Tell what is due: deadlines, sweeps, drift and residuals, by a webhook and by issues in Jira.
    ///
    /// Goes by `[notify]` of the configuration. Each thing is told once to each channel, and again when its state changes; what could not
    /// be sent is tried again by the next run. A notice holds case ids, days and counts, and nothing that names a person. `efface sweep
    /// --watch` does the same after each run and once a day. Exit codes: 0 all is told, or nothing is due; 3 something could not be sent.
    Notify(notify::Args),
    /// Reports to hand over.
    Report(report::Args),
    /// The hash chain of what was done.
    Audit(audit::Args),
    /// Reads documents for another efface, in a process that may die of them. For no person to call.
    #[command(hide = true, name = crate::extract::COMMAND)]
    ReadDocuments {
        /// Bytes of memory that it may take.
        #[arg(long)]
        memory: u64,
    },
}

/// What every verb is given.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) global: Global,
    /// Read once, when the command starts.
    pub(crate) now: DateTime<Utc>,
}

impl Context {
    /// The configuration.
    pub(crate) fn config(&self) -> anyhow::Result<Config> {
        Ok(Config::load(&self.global.config)?)
    }

    /// The store of a configuration.
    pub(crate) fn store(&self, config: &Config) -> anyhow::Result<Store> {
        Ok(Store::open_with(&config.state, &config.journal)?)
    }

    /// Who acts.
    pub(crate) fn actor(&self) -> String {
        self.global
            .actor
            .clone()
            .or_else(|| std::env::var("USER").ok())
            .or_else(|| std::env::var("LOGNAME").ok())
            .filter(|a| !a.is_empty())
            .unwrap_or_else(|| "unknown".to_owned())
    }

    /// Runs `f` with the act of this command.
    pub(crate) fn act<T>(&self, f: impl FnOnce(&Act<'_>) -> T) -> T {
        let actor = self.actor();
        f(&Act { actor: &actor, at: self.now })
    }

    /// Prints data to stdout or to `-o`.
    pub(crate) fn out(&self, text: &str) -> anyhow::Result<()> {
        output::write_out(text.as_bytes(), self.global.output.as_deref())?;
        Ok(())
    }

    /// Says something to the person at the terminal, on stderr; `-q` silences it.
    #[expect(clippy::print_stderr, reason = "the one place where a verb talks beside its data")]
    pub(crate) fn say(&self, text: impl AsRef<str>) {
        if !self.global.quiet {
            eprintln!("{}", text.as_ref());
        }
    }

    /// Whether progress bars are wanted.
    pub(crate) fn progress(&self) -> bool {
        !self.global.quiet && !self.global.no_progress && std::io::stderr().is_terminal()
    }
}

/// Reads and checks the policy that a configuration names.
pub(crate) fn load_policy(source: &PolicySource) -> anyhow::Result<crate::policy::Policy> {
    policy::load(source)
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

async fn dispatch(cli: Cli) -> anyhow::Result<ExitCode> {
    let ctx = Context { global: cli.global, now: Utc::now() };
    if ctx.global.format == Format::Markdown && !matches!(cli.command, Command::Report(_)) {
        return Err(no_markdown());
    }
    match cli.command {
        Command::Demo(args) => demo::run(args, &ctx).await,
        Command::Sandbox(args) => sandbox::run(args).await,
        Command::Init(args) => init::run(&args, &ctx),
        Command::Doctor(args) => doctor::run(args, &ctx).await,
        Command::Sync(args) => sync::run(args, &ctx).await,
        Command::Subject(args) => subject::run(args, &ctx).await,
        Command::Scan(args) => scan::run(args, &ctx).await,
        Command::Policy(args) => policy::run(args, &ctx),
        Command::Case(args) => case::run(args, &ctx).await,
        Command::Hold(args) => hold::run(args, &ctx),
        Command::Suppress(args) => suppress::run(args, &ctx),
        Command::Sweep(args) => sweep::run(&args, &ctx).await,
        Command::Notify(args) => notify::run(&args, &ctx).await,
        Command::Report(args) => report::run(args, &ctx),
        Command::Audit(args) => audit::run(args, &ctx),
        Command::ReadDocuments { memory } => read_documents(memory),
    }
}

/// Why a verb that draws up no report refuses its format.
fn no_markdown() -> anyhow::Error {
    Failure::Usage("Markdown is for reports (efface report …); use table, json or csv here".into()).into()
}

fn read_documents(memory: u64) -> anyhow::Result<ExitCode> {
    crate::extract::serve(&mut std::io::stdin(), &mut std::io::stdout(), memory)?;
    Ok(ExitCode::SUCCESS)
}

/// The whole program: parse, set up logging, dispatch, turn an error into its exit code.
#[expect(clippy::print_stderr, reason = "errors go to stderr")]
pub fn main() -> ExitCode {
    // A panic message may quote data; its place in the code is what a bug report needs.
    std::panic::set_hook(Box::new(|info| {
        if crate::extract::panic_is_expected() {
            return;
        }
        let at = info.location().map(ToString::to_string).unwrap_or_default();
        eprintln!("efface: internal error at {at}. This is a bug; what was committed is safe, run the command again.");
    }));
    let matches = match Cli::command().color(color_from_args()).try_get_matches() {
        Ok(m) => m,
        Err(e) => {
            let code = if e.use_stderr() { 2 } else { 0 };
            drop(e.print());
            return ExitCode::from(code);
        }
    };
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(e) => {
            drop(e.print());
            return ExitCode::from(2);
        }
    };
    if let Command::ReadDocuments { memory } = cli.command {
        // Before any thread is made: its memory is limited.
        return read_documents(memory).unwrap_or(ExitCode::from(70));
    }
    if let Ok(program) = std::env::current_exe() {
        crate::extract::isolate(program, crate::extract::Isolation::default());
    }
    set_up_logging(&cli.global);
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| runtime()?.block_on(dispatch(cli)))) {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => {
            eprintln!("{}", exit::render(&error));
            ExitCode::from(exit::code(&error))
        }
        Err(_) => ExitCode::from(70),
    }
}

fn color_from_args() -> ColorChoice {
    // clap needs the choice before it parses, for its own messages.
    let args: Vec<_> = std::env::args().collect();
    let given = args.iter().position(|a| a == "--color").and_then(|i| args.get(i + 1)).map(String::as_str);
    match given.or_else(|| args.iter().find_map(|a| a.strip_prefix("--color="))) {
        Some("always") => ColorChoice::Always,
        Some("never") => ColorChoice::Never,
        _ => ColorChoice::Auto,
    }
}

fn set_up_logging(global: &Global) {
    let level = match (global.quiet, global.verbose) {
        (true, _) => "error",
        (false, 0) => "warn",
        (false, 1) => "efface=info,warn",
        (false, _) => "efface=debug,warn",
    };
    let ansi = match global.color {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("EFFACE_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    let built =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(ansi).without_time();
    drop(built.try_init());
}
