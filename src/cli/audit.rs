//! `efface audit`: the hash chain of what was done.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use chrono::{NaiveDate, NaiveTime};
use clap::Subcommand;

use super::{Context, Failure, Format, table, work};
use crate::{
    audit,
    erasure::{certificate, proof},
};

/// Shows and checks the audit trail.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Show the events, oldest first.
    Show {
        /// Only those of a case.
        #[arg(long)]
        case: Option<String>,
    },
    /// Check the whole chain; with --certificate, also that a certificate is genuine and stands on this chain.
    ///
    /// Any event that was changed, removed or reordered is found, and so is any changed bit of an export or of a
    /// certificate. With --file nothing but the files is needed: no configuration, no store, no network.
    Verify(Verify),
    /// Write the chain as JSON Lines.
    Export,
    /// Delete the details of old events at the end of their retention; the chain still verifies.
    ///
    /// What stays of such an event is when, who, what kind, which case, and a commitment to the detail. Events of cases that
    /// are still open keep theirs. An event `audit.expired` says how many went and why. It cannot be undone.
    Expire {
        /// Events before this day (UTC).
        #[arg(long, value_name = "DATE")]
        before: NaiveDate,
        /// Why, such as the rule that sets the retention.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Only count.
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Debug, clap::Args)]
struct Verify {
    /// The head that the chain must contain, from a certificate.
    #[arg(long, value_name = "HASH")]
    head: Option<String>,
    /// Check an exported file instead of the store.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Check this certificate too: its signature, and that the chain holds the event that it names.
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// The certificate's signature; FILE.sig when not given.
    #[arg(long, value_name = "FILE", requires = "certificate")]
    signature: Option<PathBuf>,
    /// Who may sign (an allowed_signers file). When not given: this store's own key; with --file, what lies beside the
    /// certificate.
    #[arg(long, value_name = "FILE", requires = "certificate")]
    signers: Option<PathBuf>,
}

fn events(ctx: &Context) -> anyhow::Result<Vec<audit::Event>> {
    let config = ctx.config()?;
    Ok(ctx.store(&config)?.audit_events()?)
}

pub(crate) fn run(args: Args, ctx: &Context) -> anyhow::Result<ExitCode> {
    match args.verb {
        Verb::Show { case } => {
            let events: Vec<_> = events(ctx)?.into_iter().filter(|e| case.is_none() || e.case == case).collect();
            if ctx.global.format == Format::Json {
                ctx.out(&format!("{}\n", serde_json::to_string_pretty(&events)?))?;
                return Ok(ExitCode::SUCCESS);
            }
            let rows: Vec<Vec<String>> = events
                .into_iter()
                .map(|e| {
                    let detail = e.detail.map_or_else(|| "(deleted)".into(), |d| d.to_string());
                    vec![e.seq.to_string(), e.at, e.actor, e.kind, e.case.unwrap_or_default(), detail]
                })
                .collect();
            let head = ["event", "at", "actor", "kind", "case", "detail"];
            ctx.out(&table::rows(ctx.global.format, &head, &rows)?)?;
        }
        Verb::Verify(args) => verify(&args, ctx)?,
        Verb::Export => {
            let mut out = String::new();
            for event in events(ctx)? {
                out.push_str(&serde_json::to_string(&event)?);
                out.push('\n');
            }
            ctx.out(&out)?;
        }
        Verb::Expire { before, reason, dry_run } => expire(ctx, before, &reason, dry_run)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn read(path: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(path);
    Ok(text.map_err(|e| Failure::Usage(format!("cannot read {}: {e}", path.display())))?)
}

/// `FILE.sig`, `FILE.allowed_signers`.
fn beside(file: &Path, extension: &str) -> PathBuf {
    let mut name = file.to_owned().into_os_string();
    name.push(extension);
    name.into()
}

fn verify(args: &Verify, ctx: &Context) -> anyhow::Result<()> {
    let events = match &args.file {
        None => events(ctx)?,
        Some(path) => {
            // Bytes that are no text any more are a changed export, not a mistake in the command line.
            let bytes =
                std::fs::read(path).map_err(|e| Failure::Usage(format!("cannot read {}: {e}", path.display())))?;
            let text = String::from_utf8(bytes).map_err(|_| Failure::Refused("the export is no text".into()))?;
            audit::parse_export(&text)
                .map_err(|(line, e)| Failure::Refused(format!("line {line} of the export is no event: {e}")))?
        }
    };
    audit::verify(&events, args.head.as_deref())
        .map_err(|e| Failure::Refused(format!("the audit chain is broken: {e}")))?;
    let last = events.last().map_or(audit::GENESIS, |e| e.hash.as_str());
    let mut out = format!("{} events, unbroken; head {last}\n", events.len());
    if let Some(file) = &args.certificate {
        out.push_str(&genuine(args, ctx, file, &events)?);
    }
    ctx.out(&out)
}

/// Checks a certificate against its signature and a chain that was verified; says what was found.
fn genuine(args: &Verify, ctx: &Context, file: &Path, events: &[audit::Event]) -> anyhow::Result<String> {
    let wrong = |e: proof::ProofError| Failure::Refused(format!("the certificate {}: {e}", file.display()));
    let bytes = std::fs::read(file).map_err(|e| Failure::Usage(format!("cannot read {}: {e}", file.display())))?;
    let signature = read(args.signature.as_deref().unwrap_or(&beside(file, ".sig")))?;
    let (signers, taken_along) = match (&args.signers, &args.file) {
        (Some(path), _) => (read(path)?, false),
        (None, None) => {
            let store = ctx.store(&ctx.config()?)?;
            (certificate::allowed_signer(store.keys())?, false)
        }
        (None, Some(_)) => (read(&beside(file, ".allowed_signers"))?, true),
    };
    let signers = proof::signers(&signers).map_err(wrong)?;
    let (certificate, key) = proof::signed(&bytes, &signature, &signers).map_err(wrong)?;
    proof::stands_in(&certificate, events).map_err(wrong)?;
    if taken_along {
        ctx.say(format!(
            "The signer's key lay beside the certificate, so it proves little by itself: ask whoever issued it for the key's \
             fingerprint and compare it with {key}."
        ));
    }
    let at = certificate.audit_head.as_ref().map_or(0, |(seq, _)| *seq);
    Ok(format!(
        "certificate of case {}: the signature fits (key {key}); it stands on event {at} of the chain\n",
        certificate.case
    ))
}

fn expire(ctx: &Context, before: NaiveDate, reason: &str, dry_run: bool) -> anyhow::Result<()> {
    if before > ctx.now.date_naive() {
        return Err(Failure::Usage(format!("--before {before} lies in the future")).into());
    }
    let config = ctx.config()?;
    let store = ctx.store(&config)?;
    let limit = before.and_time(NaiveTime::MIN).and_utc();
    let (may_go, kept) = store.count_audit_details(limit)?;
    let open = if kept == 0 { String::new() } else { format!("; {kept} of cases that are open keep theirs") };
    if dry_run {
        ctx.out(&format!("{may_go} events before {before} would lose their details{open}\n"))?;
        return Ok(());
    }
    // The reason is a person's free text and outlives every case: nobody whom register or list know is named in it (law 6).
    let reason = work::without_anybody(&store)?(reason);
    let gone = ctx.act(|act| store.expire_audit_details(act, limit, &reason))?;
    ctx.out(&format!("{gone} events before {before} lost their details{open}\n"))
}
