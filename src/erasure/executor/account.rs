//! Accounts of a Data Center: whether one can be anonymised, and the task that does it.
//!
//! Owns the ways of that task: asked before it is started, waited for, run again with the old key and name when it stopped
//! halfway (Atlassian, "Retrying anonymization"), never started beside another. Must not decide whose account it is.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{Current, Doing, ExecError, Executor};
use crate::{
    erasure::plan::{Account, Base, Operation, Step},
    jira::{AnonymizationState, Client, ErrorKind, JiraError, OldUser, User, UserQuery},
    model::{IdentifierKind, InstanceName, RecordType, Subject},
};

/// How long a task is waited for. It may well take longer: the next run waits on.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

/// How often a task that stopped halfway is run again before a person has to look.
const AGAIN: u32 = 2;

/// The account as it was when the step was planned. It names the person: kept sealed in the case, and destroyed with it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    key: String,
    name: String,
    email: Option<String>,
    display_name: Option<String>,
}

/// Whom the steps of a case mean, by their base.
pub type People = BTreeMap<String, Person>;

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Person(…)")
    }
}

impl Person {
    fn of(user: &User) -> Option<Self> {
        Some(Self {
            key: user.key.clone()?,
            name: user.name.clone()?,
            email: user.email.clone(),
            display_name: user.display_name.clone(),
        })
    }

    /// Whether a user still bears what the person is known by. The key alone may stay: `JIRAUSER10100` names nobody.
    fn shows_in(&self, user: &User) -> bool {
        let same = |a: &Option<String>, b: &Option<String>| {
            a.as_ref().zip(b.as_ref()).is_some_and(|(a, b)| a.to_lowercase() == b.to_lowercase())
        };
        same(&Some(self.name.clone()), &user.name)
            || same(&self.email, &user.email)
            || same(&self.display_name, &user.display_name)
    }

    fn json(&self, new_owner: Option<&str>) -> Value {
        json!({ "key": self.key, "name": self.name, "newOwner": new_owner })
    }

    fn base(&self, new_owner: Option<&str>) -> String {
        Base::Json(self.json(new_owner)).hash(RecordType::UserProfile, Operation::Anonymise, &[])
    }
}

/// Looks for the account of a person at a Data Center, and asks whether it can be anonymised.
///
/// # Errors
/// Why it cannot, for a person to read.
pub async fn look(
    client: &Client,
    instance: &InstanceName,
    subject: &Subject,
    new_owner: Option<&str>,
) -> Result<(Account, (String, Person)), String> {
    let mut found: Vec<Person> = Vec::new();
    for identifier in &subject.identifiers {
        if identifier.instance.as_ref() != Some(instance) || !identifier.confirmed {
            continue;
        }
        let value = identifier.value.reveal().clone();
        let query = match identifier.kind {
            IdentifierKind::UserKey => UserQuery::Key(value),
            IdentifierKind::Username => UserQuery::Username(value),
            _ => continue,
        };
        let user = client.user(&query).await.map_err(|e| e.to_string())?;
        found.extend(user.as_ref().and_then(Person::of).filter(|p| !found.contains(p)));
    }
    let person = match found.as_slice() {
        [] => return Err("the instance knows no such account".to_owned()),
        [one] => one.clone(),
        _ => return Err("the person has several accounts there: they are anonymised by hand".to_owned()),
    };
    if person.name == person.key.to_lowercase() && person.key.starts_with("JIRAUSER") {
        return Err("the account is anonymised already; its key stays, and names nobody".to_owned());
    }
    if client.makes_up_users().await {
        return Err("the server answers any user name with a user, so no account of it is touched".to_owned());
    }
    let check = client.anonymization_check(&person.key).await.map_err(|e| why_not(&e))?;
    let mut notes: Vec<String> = Vec::new();
    for (what, list) in check.get("affectedEntities").and_then(Value::as_object).into_iter().flatten() {
        let listed = list.as_array().into_iter().flatten().filter_map(|e| {
            let n = e.get("numberOfOccurrences").and_then(Value::as_u64);
            let what = e.get("description").and_then(Value::as_str)?;
            (n != Some(0)).then(|| n.map_or_else(|| what.to_owned(), |n| format!("{what} ({n})")))
        });
        let listed = listed.collect::<Vec<_>>().join(", ");
        if what == "TRANSFER_OWNERSHIP" && !listed.is_empty() {
            if new_owner.is_none() {
                return Err(format!(
                    "the account owns something ({listed}), and the configuration names nobody who takes it over: new_owner \
                     of the instance"
                ));
            }
            notes.push(format!("goes over to the instance's new_owner: {listed}"));
        } else if !listed.is_empty() {
            notes.push(format!("Jira changes with it: {listed}"));
        }
    }
    let base = person.base(new_owner);
    Ok((Account { base: person.json(new_owner), notes }, (base, person)))
}

fn why_not(error: &JiraError) -> String {
    match error.kind() {
        ErrorKind::Forbidden => "only a system administrator of the instance may anonymise users".to_owned(),
        _ => error.to_string(),
    }
}

/// The account of one person.
pub(super) struct AccountOf<'a> {
    client: &'a Client,
    person: &'a Person,
    new_owner: Option<String>,
}

/// How far the anonymisation is.
enum Stage {
    /// Nothing has happened.
    Before,
    /// The account has another name, or key, but still shows the person: it has this key now.
    Half(String),
    /// Somebody renamed the account.
    Renamed(User),
    /// Nothing of the person is there.
    Through,
}

impl<'a> AccountOf<'a> {
    pub(super) const fn new(client: &'a Client, person: &'a Person, new_owner: Option<String>) -> Self {
        Self { client, person, new_owner }
    }

    async fn stage(&self) -> Result<Stage, ExecError> {
        let by_key = self.client.user_even_deleted(&self.person.key).await?;
        let stage = |user: &User| {
            let key = user.key.clone().unwrap_or_default();
            let name = user.name.as_deref().unwrap_or_default();
            if name.to_lowercase() == self.person.name.to_lowercase() && key == self.person.key {
                Stage::Before
            } else if !self.person.shows_in(user) {
                Stage::Through
            } else if name == key.to_lowercase() {
                Stage::Half(key)
            } else {
                Stage::Renamed(user.clone())
            }
        };
        if let Some(user) = &by_key {
            return Ok(stage(user));
        }
        // A key that names the person goes first: then only what else the account is known by finds it.
        for known in [&self.person.email, &self.person.display_name].into_iter().flatten() {
            let found = self.client.find_users(known).await?;
            let half = found.users.iter().filter(|u| self.person.shows_in(u)).map(&stage);
            if let Some(half) = half.into_iter().find(|s| matches!(s, Stage::Half(_))) {
                return Ok(half);
            }
        }
        Ok(Stage::Through)
    }

    /// Waits until no task runs; says how the last one ended.
    async fn ended(&self, mut task: Option<String>, until: Instant) -> Result<Vec<String>, ExecError> {
        let mut pause = Duration::from_millis(50);
        loop {
            let state = match self.client.anonymization(task.as_deref()).await {
                // Another task than the one that was started may be the last one by now.
                Ok(None) if task.take().is_some() => continue,
                Ok(None) => return Ok(Vec::new()),
                Ok(Some(state)) => state,
                Err(e) => return Err(e.into()),
            };
            match state.state {
                AnonymizationState::Ended => return Ok(state.errors),
                AnonymizationState::Interrupted => {
                    let why = "the node that ran it is gone: a system administrator unlocks it, then execute again";
                    return Err(ExecError::Account(why.to_owned()));
                }
                AnonymizationState::Running if Instant::now() > until => {
                    return Err(ExecError::Account("it is still running: execute again to wait on".to_owned()));
                }
                AnonymizationState::Running => {}
            }
            sleep(pause).await;
            pause = (pause * 3 / 2).min(Duration::from_secs(10));
        }
    }

    async fn anonymise(&self) -> Result<(), ExecError> {
        let until = Instant::now() + PATIENCE;
        // A run that was cut off may have started one, and another person's comes first.
        let mut errors = self.ended(None, until).await?;
        let mut tries = 0;
        loop {
            let owner = self.new_owner.as_deref();
            let started = match self.stage().await? {
                Stage::Through => return Ok(()),
                Stage::Renamed(_) => return Err(ExecError::Changed),
                _ if tries > AGAIN => {
                    return Err(ExecError::Account(format!("it ended with errors: {}", errors.join(", "))));
                }
                Stage::Before => {
                    self.client
                        .anonymization_check(&self.person.key)
                        .await
                        .map_err(|e| ExecError::Account(why_not(&e)))?;
                    self.client.anonymize(&self.person.key, owner).await
                }
                Stage::Half(key) => {
                    let old = OldUser { key: self.person.key.clone(), name: self.person.name.clone() };
                    self.client.anonymize_again(&key, &old, owner).await
                }
            };
            errors = match started {
                Ok(task) => {
                    tries += 1;
                    self.ended(task.task, until).await?
                }
                Err(e) if e.kind() == ErrorKind::Conflict && Instant::now() < until => self.ended(None, until).await?,
                Err(e) => return Err(e.into()),
            };
        }
    }
}

impl Executor for AccountOf<'_> {
    fn load<'a>(&'a self, _step: &'a Step) -> Doing<'a, Option<Current>> {
        Box::pin(async move {
            let current = self.person.json(self.new_owner.as_deref());
            Ok(match self.stage().await? {
                Stage::Before | Stage::Half(_) => Some(Current::Json(current)),
                Stage::Renamed(user) => Some(Current::Json(json!({ "key": user.key, "name": user.name }))),
                Stage::Through => None,
            })
        })
    }

    fn replace<'a>(
        &'a self,
        step: &'a Step,
        _current: &'a Current,
        _next: &'a Current,
        _begun: Option<&'a str>,
    ) -> Doing<'a, Option<String>> {
        Box::pin(async move { Err(ExecError::NoExecutor(step.place.to_string())) })
    }

    fn delete<'a>(&'a self, _step: &'a Step) -> Doing<'a, ()> {
        Box::pin(self.anonymise())
    }
}
