//! `efface init`: write a commented configuration.

use std::process::ExitCode;

use super::{Context, Failure};

/// Write a commented configuration to start from.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Overwrite an existing file.
    #[arg(long)]
    force: bool,
}

const TEMPLATE: &str = r#"# efface: which Jiras, which folders, which synchronizations. Secrets are named here, never written here.

[home]
path = "/var/atlassian/application-data/jira"   # the (shared) Jira home folder
staging = "data/efface"                         # efface's staging area inside it
# state = "/var/lib/efface"                     # database and keys; default: efface-state beside this file
# journal = "/var/backups/efface.journal"       # suppression journal, better outside the ordinary backup; default: in state
# policy = "policies/gdpr-default.toml"         # default: the policy gdpr-default that ships with efface (or strict, minimal)
# signers = "allowed_signers"                   # who may sign approvals, for a policy that asks for signatures
# logs = ["log"]                                # log folders inside the home folder

# Another sync tool's staging folder, scanned and cleaned too.
# [[foreign]]
# name = "backbone"
# path = "data/backbone-issue-sync"

[instance.hq]
url = "https://jira.example.com"
flavor = "datacenter"                           # or "cloud"
auth = { token_env = "HQ_TOKEN" }               # personal access token; or { user = "bot", password_env = "…" }; also token_file
controller = "us"                               # us | joint | processor | partner
# country = "DE"                                # where it stands (ISO 3166-1), for the record of processing activities
# new_owner = "jira-admin"                      # user key of who takes over what an anonymised account owned

[instance.partner]
url = "https://partner.example.net"
flavor = "cloud"
auth = { user = "bot@example.com", token_env = "PARTNER_TOKEN" }
controller = "partner"                          # a recipient: told, not touched, unless `erase` says otherwise
# erase = "consent"                             # yes | consent | notify
contact = "privacy@partner.example"

[sync.hq-partner]
source = { instance = "hq", project = "HQ", jql = "labels = shared" }
target = { instance = "partner", project = "PART" }
fields = ["summary", "description", "priority", "labels", "status", "assignee", "reporter", "comment", "attachment"]
users = "map"                                   # map | pseudonym | text | drop
# Carried when named in `fields`: "worklog", "issuelinks", "subtask", "remotelink".
# worklogs = "own"                              # the author of a worklog in its text: own | text | anonymous
# link_types = { "Blocks" = "Relates" }         # link types that the target calls otherwise
# ended = 2027-12-31                            # its last day: then it carries nothing over, and retention may count from it
# purpose = "to work on shared support cases"   # these three stand in the record of processing activities
# basis = "GDPR Art. 6(1)(b)"
# on_behalf_of = "Other Corporation"            # where you are the processor (Art. 30(2))

# When `efface sweep --watch` deletes what is kept too long (minute, hour, day of the month, month, day of the week).
# [schedule]
# sweep = "30 2 * * *"
# timezone = "Europe/Berlin"                      # UTC where nothing is said
# catch_up = true                                 # a run that was missed is made up for once

# Who is told of deadlines, failed sweeps, drift and residuals (efface notify, and by itself behind each run of the watch).
# [notify]
# webhook = { url = "https://hooks.example.com/efface", token_env = "HOOK_TOKEN" }   # a POST of JSON; without a token where the address is the secret
# jira = { instance = "hq", project = "OPS", issue_type = "Task" }                   # an issue for each thing, a comment when it changes
# about = ["deadline", "sweep", "drift", "residual"]                                 # all of it where nothing is said

# What stands in letters to persons and recipients (efface case reply, efface case notice).
# [letters]
# controller = "Example Corporation, 1 Example Street, Exampletown"
# contact = "privacy@example.com"
# authority = "the supervisory authority of Exampleland"
# folder = "letters"                            # templates of your own, beside this file; `--template` prints one to start from

# What the record of processing activities says (efface report processing); what is missing there is told as not stated.
# [privacy]
# controller = "Example Corporation, 1 Example Street, Exampletown"   # where nothing is said, that of [letters]
# representative = "…"                          # in the Union, where the controller is not (Art. 27)
# dpo = "privacy@example.com"                   # or: none has to be named (Art. 37(1))
# purpose = "…"                                 # of synchronizations that do not say it themselves
"#;

pub(crate) fn run(args: &Args, ctx: &Context) -> anyhow::Result<ExitCode> {
    let path = ctx.global.output.as_ref().unwrap_or(&ctx.global.config);
    if path.exists() && !args.force {
        return Err(Failure::Refused(format!("{} exists; --force overwrites it", path.display())).into());
    }
    crate::fs::write_atomic(path, TEMPLATE.as_bytes())?;
    ctx.say(format!("Wrote {}. Edit it, set the tokens, then: efface doctor", path.display()));
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn the_template_is_a_valid_configuration() {
        crate::config::Config::parse(super::TEMPLATE, Path::new("efface.toml")).unwrap();
    }

    /// What is commented out is what a user takes the sign off.
    #[test]
    fn the_commented_notices_are_valid() {
        let (head, tail) = super::TEMPLATE.split_once("# [notify]").unwrap();
        let lines: Vec<&str> = tail.lines().skip(1).take(3).map(|l| l.strip_prefix("# ").unwrap()).collect();
        let text = format!("{head}[notify]\n{}\n", lines.join("\n"));
        let notify = crate::config::Config::parse(&text, Path::new("efface.toml")).unwrap().notify.unwrap();
        assert!(notify.webhook.is_some() && notify.jira.is_some());
    }

    /// What stands there as a comment is valid too, once somebody takes the `#` away.
    #[test]
    fn so_it_is_with_its_comments_taken_off() {
        let key =
            |line: &str| line.strip_prefix("# ").filter(|l| l.starts_with('[') || l.contains(" = ")).map(str::to_owned);
        let text: Vec<String> = super::TEMPLATE.lines().map(|l| key(l).unwrap_or_else(|| l.to_owned())).collect();
        crate::config::Config::parse(&text.join("\n"), Path::new("efface.toml")).unwrap();
    }
}
