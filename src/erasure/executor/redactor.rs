//! Cloud's redaction API: texts are cut in a job at the site, which makes no copy in the history; the rest of a step goes by
//! an edit behind it.
//!
//! Owns the ways of that job: started once, asked after until it ends, and what it means when the site lacks the API or does
//! not take a text. Must not decide what is cut, nor whether the history may keep it.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{Current, Doing, ExecError, Executor, FallBack, Ways, remote::Remote};
use crate::{
    erasure::{
        plan::{Edit, Means, Step},
        redact::RedactError,
        redaction::{self, Spans},
    },
    jira::{Client, ErrorKind, JiraError, Redaction, RedactionPlace, RedactionState},
    model::RecordType,
    policy::WithoutIt,
};

/// How long a job is waited for. It may take longer: the next run waits on.
const PATIENCE: Duration = Duration::from_secs(5 * 60);

/// How long it is waited between two questions: at first, and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(2));

/// The records of one instance of Cloud, whose texts go by the redaction API.
pub(super) struct Redactor<'a> {
    remote: Remote<'a>,
    client: &'a Client,
    ways: &'a Ways,
}

impl<'a> Redactor<'a> {
    pub(super) const fn new(remote: Remote<'a>, client: &'a Client, ways: &'a Ways) -> Self {
        Self { remote, client, ways }
    }

    async fn start(&self, step: &Step, current: &Value) -> Result<String, ExecError> {
        let spans = redaction::spans(&redaction::split(step).0);
        let issue = self.issue_id(step, current).await?;
        let misfit = ExecError::Redact(RedactError::BadSpan { cut: 0 });
        let list = redactions(step, &issue, current, &spans).ok_or(misfit)?;
        match self.client.redact(&list, &self.reason()).await {
            Ok(job) => Ok(job),
            Err(e) => match why_not(&e) {
                Some(why) => {
                    self.ways.absent(step.instance.as_ref(), &why);
                    Err(ExecError::NotHere(why))
                }
                None if e.kind() == ErrorKind::Rejected => Err(self.refused(step, "it does not take these texts")),
                None => Err(e.into()),
            },
        }
    }

    /// Atlassian keeps it: nobody is named in it.
    fn reason(&self) -> String {
        if self.ways.case.is_empty() {
            "erasure of personal data".to_owned()
        } else {
            format!("erasure of personal data, case {}", self.ways.case)
        }
    }

    fn refused(&self, step: &Step, why: &str) -> ExecError {
        self.ways.refused(step, why);
        ExecError::NotHere(why.to_owned())
    }

    /// The API wants the issue's id, not its key. A comment's address and a worklog's body have it.
    async fn issue_id(&self, step: &Step, current: &Value) -> Result<String, ExecError> {
        if step.record.record_type == RecordType::Issue {
            return Ok(current.get("id").and_then(Value::as_str).unwrap_or_default().to_owned());
        }
        let address = current.get("self").and_then(Value::as_str).and_then(|a| a.split_once("/issue/"));
        let told = current.get("issueId").and_then(Value::as_str);
        let told = told.or_else(|| address.and_then(|(_, rest)| rest.split('/').next()));
        if let Some(id) = told.filter(|id| !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit())) {
            return Ok(id.to_owned());
        }
        let key = step.record.key.as_deref().unwrap_or_default();
        let issue = self.client.issue(key, &["summary"], false, &[]).await?.ok_or(ExecError::Vanished)?;
        Ok(issue.id().to_owned())
    }

    /// Waits for a job, and says whether every text was the expected one.
    async fn wait(&self, job: &str) -> Result<bool, ExecError> {
        let begun = Instant::now();
        let mut pause = PAUSE.0;
        loop {
            sleep(pause).await;
            if let RedactionState::Completed(results) = self.client.redaction(job).await? {
                return Ok(results.iter().all(|(_, done)| *done));
            }
            if begun.elapsed() > PATIENCE {
                return Err(ExecError::UnderWay);
            }
            pause = (pause * 2).min(PAUSE.1);
        }
    }

    async fn redact(&self, step: &Step, current: &Current, job: &str) -> Result<(), ExecError> {
        let Current::Json(value) = current else { return Err(ExecError::Changed) };
        let done = match self.wait(job).await {
            // A job that the site has forgotten: a second one does nothing where the first came through.
            Err(ExecError::Jira(e)) if e.kind() == ErrorKind::NotFound => {
                let job = self.start(step, value).await?;
                self.wait(&job).await?
            }
            // Whatever came of it, the record says.
            Err(ExecError::Jira(e)) if e.kind() == ErrorKind::BadAnswer => false,
            other => other?,
        };
        if done {
            return Ok(());
        }
        // A text that was not the expected one: somebody changed it, or the site counts otherwise than we do.
        match self.remote.load(step).await? {
            Some(now) if now.hash(step) == current.hash(step) => {
                Err(self.refused(step, "it refused a text that nobody had changed"))
            }
            _ => Err(ExecError::Changed),
        }
    }
}

/// Why the API is not here, where that is what an error says.
fn why_not(error: &JiraError) -> Option<String> {
    let why = match error.kind() {
        ErrorKind::Forbidden => "the site's subscription or the account's rights do not cover it (403)",
        ErrorKind::NotSupported => "the site does not know it (404)",
        ErrorKind::Unauthorized => "it takes no other credentials than an e-mail with an API token (401)",
        ErrorKind::BadAnswer => "the site answers otherwise than Atlassian's document says",
        _ => return None,
    };
    Some(why.to_owned())
}

/// The redactions of a step. Those of one text come last to first, so that none moves another, however long a black bar is.
fn redactions(step: &Step, issue: &str, current: &Value, spans: &Spans) -> Option<Vec<Redaction>> {
    let mut out = Vec::new();
    for (pointer, list) in spans {
        let spot = redaction::spot(step.record.record_type, pointer)?;
        let id = step.record.id.clone().unwrap_or_default();
        let text = current.pointer(pointer)?.as_str()?;
        for span in list.iter().rev() {
            let place = match (spot.field, step.record.record_type) {
                (Some(field), _) => RedactionPlace::Field(field.replace("~1", "/").replace("~0", "~")),
                (None, RecordType::Worklog) => RedactionPlace::Worklog(id.clone()),
                (None, _) => RedactionPlace::Comment(id.clone()),
            };
            out.push(Redaction::new(issue, place, text, span.clone(), spot.adf)?);
        }
    }
    Some(out)
}

fn part(step: &Step, edits: Vec<Edit>, means: Option<Means>) -> Step {
    Step { edits, means, ..step.clone() }
}

impl Executor for Redactor<'_> {
    fn load<'a>(&'a self, step: &'a Step) -> Doing<'a, Option<Current>> {
        self.remote.load(step)
    }

    fn confirm_gone<'a>(&'a self, step: &'a Step) -> Doing<'a, ()> {
        self.remote.confirm_gone(step)
    }

    fn parts(&self, step: &Step) -> Vec<Step> {
        let (taken, rest) = redaction::split(step);
        let (api, edit) = match (self.ways.no_api(step), self.ways.without_api) {
            (None, _) => (taken, rest),
            (Some(_), WithoutIt::Edit) => (Vec::new(), step.edits.clone()),
            (Some(_), WithoutIt::Residual) => (Vec::new(), rest),
        };
        let parts = [part(step, api, Some(Means::RedactionApi)), part(step, edit, None)];
        parts.into_iter().filter(|p| !p.edits.is_empty()).collect()
    }

    fn falls_back(&self, step: &Step) -> Option<FallBack> {
        let why = self.ways.no_api(step)?;
        Some(match self.ways.without_api {
            WithoutIt::Edit => FallBack {
                left: Vec::new(),
                why: format!("the redaction API could not be used ({why}): edited, so the history keeps the old text"),
            },
            WithoutIt::Residual => FallBack {
                left: redaction::split(step).0.into_iter().map(|e| e.finding).collect(),
                why: format!(
                    "the redaction API could not be used ({why}): the policy leaves the texts, since an edit would copy them \
                     into the history"
                ),
            },
        })
    }

    fn next<'a>(&'a self, step: &'a Step, current: &'a Current, placeholder: &'a str) -> Doing<'a, Current> {
        Box::pin(async move {
            let Current::Json(value) = current else { return Err(ExecError::Changed) };
            if step.means.is_none() {
                return self.remote.next(step, current, placeholder).await;
            }
            let (taken, rest) = redaction::split(step);
            let next = redaction::blacked(value, &redaction::spans(&taken));
            let next = Current::Json(next.ok_or(RedactError::BadSpan { cut: 0 })?);
            if rest.is_empty() {
                return Ok(next);
            }
            self.remote.next(&part(step, rest, None), &next, placeholder).await
        })
    }

    fn begin<'a>(
        &'a self,
        step: &'a Step,
        current: &'a Current,
        _next: Option<&'a Current>,
        _again: bool,
    ) -> Doing<'a, Option<String>> {
        Box::pin(async move {
            match current {
                Current::Json(value) if step.means == Some(Means::RedactionApi) => {
                    Ok(Some(self.start(step, value).await?))
                }
                _ => Ok(None),
            }
        })
    }

    fn replace<'a>(
        &'a self,
        step: &'a Step,
        current: &'a Current,
        next: &'a Current,
        begun: Option<&'a str>,
    ) -> Doing<'a, Option<String>> {
        Box::pin(async move {
            match begun {
                Some(job) if step.means == Some(Means::RedactionApi) => {
                    self.redact(step, current, job).await?;
                    Ok(None)
                }
                _ => self.remote.replace(step, current, next, None).await,
            }
        })
    }

    fn changed_nothing(&self, part: &Step) -> ExecError {
        if part.means == Some(Means::RedactionApi) {
            self.refused(part, "it said that it was done, and changed nothing")
        } else {
            ExecError::NothingChanged
        }
    }

    fn ended<'a>(&'a self, step: &'a Step, begun: &'a str) -> Doing<'a, bool> {
        Box::pin(async move {
            match self.wait(begun).await {
                // Whether it was this job, a forgotten one does not say any more.
                Err(ExecError::Jira(e)) if e.kind() == ErrorKind::NotFound => Ok(false),
                other => Ok(other? && step.means == Some(Means::RedactionApi)),
            }
        })
    }

    fn accepts(
        &self,
        step: &Step,
        part: &Step,
        before: Option<&Current>,
        read: &Current,
        clean: &dyn Fn(&[u8]) -> bool,
    ) -> bool {
        let (Some(Means::RedactionApi), Current::Json(read_value)) = (part.means, read) else {
            return clean(&read.edited_bytes(part));
        };
        let spans = redaction::spans(&part.edits);
        let outside = match before {
            Some(Current::Json(before)) => redaction::outside_is_as_it_was(step, before, read_value, &spans),
            _ => true,
        };
        outside && clean(&redaction::texts(read_value, &spans))
    }

    fn traces<'a>(&'a self, step: &'a Step) -> Doing<'a, Option<Vec<Value>>> {
        Box::pin(async move {
            if step.record.record_type != RecordType::Issue {
                return Ok(None);
            }
            Ok(Some(self.client.changelog(step.record.key.as_deref().unwrap_or_default()).await?))
        })
    }

    fn parting(&self, step: &Step, current: &Current, placeholder: &str) -> Option<Current> {
        self.remote.parting(step, current, placeholder)
    }

    fn delete<'a>(&'a self, step: &'a Step) -> Doing<'a, ()> {
        self.remote.delete(step)
    }
}
