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
    jira::{AnonymizationState, Client, ErrorKind, JiraError, OldUser, User, UserQuery, is_alias, is_made_key},
    model::{IdentifierKind, InstanceName, RecordType, Subject},
};

/// How long a task is waited for. It may well take longer: the next run waits on.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

/// How often a task that stopped halfway is run again before a person has to look.
const AGAIN: u32 = 2;

/// The account as it was when the step was planned. It names the person: kept sealed in the case, and destroyed with it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    instance: InstanceName,
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
    fn of(instance: &InstanceName, user: &User) -> Option<Self> {
        Some(Self {
            instance: instance.clone(),
            key: user.key.clone()?,
            name: user.name.clone()?,
            email: user.email.clone(),
            display_name: user.display_name.clone(),
        })
    }

    /// Whether a user still bears what the person is known by. A key that Jira made may stay: `JIRAUSER10100` names nobody.
    fn shows_in(&self, user: &User) -> bool {
        let same = |a: Option<&String>, b: &Option<String>| {
            a.zip(b.as_ref()).is_some_and(|(a, b)| a.to_lowercase() == b.to_lowercase())
        };
        same(Some(&self.name), &user.name)
            || same(self.email.as_ref(), &user.email)
            || same(self.display_name.as_ref(), &user.display_name)
            || same(Some(&self.key), &user.key) && !is_made_key(&self.key)
    }

    /// A server's words without what the person is known by.
    fn scrub(&self, words: &str) -> String {
        let known = [Some(&self.name), Some(&self.key), self.email.as_ref(), self.display_name.as_ref()];
        let known = known.into_iter().flatten().filter(|k| !k.is_empty());
        let mut known: Vec<Vec<char>> = known.map(|k| k.chars().collect()).collect();
        // The longest first, since a name may be a part of an e-mail.
        known.sort_by_key(|k| std::cmp::Reverse(k.len()));
        let same = |(a, b): (&char, &char)| a.to_lowercase().eq(b.to_lowercase());
        let chars: Vec<char> = words.chars().collect();
        let (mut out, mut at) = (String::new(), 0);
        while let Some(c) = chars.get(at) {
            let rest = &chars[at..];
            let found = known.iter().find(|k| rest.len() >= k.len() && rest.iter().zip(*k).all(same));
            out.push(if found.is_some() { '…' } else { *c });
            at += found.map_or(1, Vec::len);
        }
        out
    }

    fn json(&self, new_owner: Option<&str>) -> Value {
        json!({ "instance": self.instance, "key": self.key, "name": self.name, "newOwner": new_owner })
    }

    /// How far the anonymisation is, by what became of the account. Which of key and name goes first is Jira's affair.
    fn stage(&self, user: User) -> Stage {
        let key = user.key.clone().unwrap_or_default();
        let name = user.name.clone().unwrap_or_default();
        let same_name = name.to_lowercase() == self.name.to_lowercase();
        if same_name && key == self.key {
            Stage::Before
        } else if !self.shows_in(&user) {
            Stage::Through(Some(key))
        } else if is_alias(&name) || same_name && is_made_key(&key) {
            Stage::Half(key)
        } else {
            Stage::Renamed(user)
        }
    }

    fn base(&self, new_owner: Option<&str>) -> String {
        Base::Json(self.json(new_owner)).hash(RecordType::UserProfile, Operation::Anonymise, &[])
    }
}

/// Whose account is looked for, and what else has to be known of it.
pub struct Look<'a> {
    /// A client with the right to erase.
    pub client: &'a Client,
    /// Its instance.
    pub instance: &'a InstanceName,
    /// The person.
    pub subject: &'a Subject,
    /// The user key of who takes over what the account owns, where the configuration names one.
    pub new_owner: Option<&'a str>,
    /// The user keys of the accounts that we ourselves use there.
    pub own: &'a [String],
    /// Whom earlier plans of the case meant.
    pub earlier: &'a People,
}

/// Looks for the account of a person at a Data Center, and asks whether it can be anonymised.
///
/// # Errors
/// Why it cannot, for a person to read: it may hold the server's own words.
pub async fn look(asked: &Look<'_>) -> Result<(Account, (String, Person)), String> {
    let (client, new_owner) = (asked.client, asked.new_owner);
    // An earlier run may have left it halfway: it goes on from there, with the names from before.
    for person in asked.earlier.values().filter(|p| p.instance == *asked.instance) {
        let account = AccountOf::new(client, person, None);
        if let Stage::Half(_) = account.stage().await.map_err(|e| e.to_string())? {
            let notes =
                vec!["an anonymisation of it stopped halfway: it is run again with the names from before".into()];
            let base = person.base(new_owner);
            return Ok((Account { base: person.json(new_owner), notes }, (base, person.clone())));
        }
    }
    let person = account_of(asked).await?;
    if asked.own.contains(&person.key) {
        return Err(
            "it is the account that efface itself uses there: give it another one first (auth, erase_auth)".into()
        );
    }
    if new_owner == Some(person.key.as_str()) {
        return Err("new_owner of the instance is this very account: name somebody else".to_owned());
    }
    let check = client.anonymization_check(&person.key).await.map_err(|e| why_not(&e))?;
    let mut notes: Vec<String> = Vec::new();
    for (what, list) in check.get("affectedEntities").and_then(Value::as_object).into_iter().flatten() {
        let listed = list.as_array().into_iter().flatten().filter_map(|e| {
            let n = e.get("numberOfOccurrences").and_then(Value::as_u64);
            let what = e.get("description").and_then(Value::as_str)?;
            (n != Some(0)).then(|| n.map_or_else(|| what.to_owned(), |n| format!("{what} ({n})")))
        });
        let listed = person.scrub(&listed.collect::<Vec<_>>().join(", "));
        if listed.is_empty() {
            continue;
        }
        // The kinds are those of Atlassian's document of Data Center 10.3, `affectedEntities`.
        notes.push(match what.as_str() {
            "TRANSFER_OWNERSHIP" => {
                takes_over(client, new_owner, &listed).await?;
                format!("goes over to the instance's new_owner: {listed}")
            }
            "MANUAL" => format!("Jira leaves to a person: {listed}"),
            "REMOVE" => format!("Jira removes with it: {listed}"),
            _ => format!("Jira changes with it: {listed}"),
        });
    }
    let base = person.base(new_owner);
    Ok((Account { base: person.json(new_owner), notes }, (base, person)))
}

/// The one account that the confirmed identifiers lead to.
async fn account_of(asked: &Look<'_>) -> Result<Person, String> {
    let (mut sure, mut unsure): (Vec<User>, Vec<User>) = (Vec::new(), Vec::new());
    for identifier in asked.subject.identifiers.iter().filter(|i| i.instance.as_ref() == Some(asked.instance)) {
        let value = identifier.value.reveal().clone();
        let query = match identifier.kind {
            IdentifierKind::UserKey => UserQuery::Key(value),
            IdentifierKind::Username => UserQuery::Username(value),
            _ => continue,
        };
        let found = match &query {
            // One that has left its directory is deleted, and can be anonymised all the same.
            UserQuery::Key(key) => asked.client.user_even_deleted(key).await,
            _ => asked.client.user(&query).await,
        };
        let Some(user) = found.map_err(|e| e.to_string())? else { continue };
        let found = if identifier.confirmed { &mut sure } else { &mut unsure };
        if !found.iter().any(|u| u.key == user.key) {
            found.push(user);
        }
    }
    let user = match sure.as_slice() {
        [] => return Err("the instance knows no account of the person's confirmed user names and keys".to_owned()),
        [one] => one,
        _ => return Err("the person has several accounts there: they are anonymised by hand".to_owned()),
    };
    // It is for good: nothing about whose account it is may be open.
    if unsure.iter().any(|u| u.key != user.key) {
        return Err(
            "another account there may be the person's: confirm or reject it first (efface subject resolve)".into()
        );
    }
    if user.is_anonymized() {
        return Err("the account is anonymised already: its key stays, which names nobody".to_owned());
    }
    if user.name.as_deref().is_some_and(is_alias) {
        return Err(
            "an anonymisation of it stopped halfway, and this case does not know its names from before: a system \
                    administrator retries it in Jira, whose audit log has them"
                .to_owned(),
        );
    }
    if asked.client.makes_up_users().await {
        return Err("the server answers any user name with a user, so no account of it is touched".to_owned());
    }
    Person::of(asked.instance, user).ok_or_else(|| "the server does not tell the account's key and name".to_owned())
}

/// Whether there is somebody to take over what the account owns.
async fn takes_over(client: &Client, new_owner: Option<&str>, listed: &str) -> Result<(), String> {
    let Some(key) = new_owner else {
        return Err(format!(
            "the account owns something ({listed}), and the configuration names nobody who takes it over: new_owner of the \
             instance"
        ));
    };
    match client.user(&UserQuery::Key(key.to_owned())).await {
        Ok(Some(owner)) if owner.active != Some(false) => Ok(()),
        Ok(_) => Err("new_owner of the instance is the key of no active user there".to_owned()),
        Err(e) => Err(e.to_string()),
    }
}

fn why_not(error: &JiraError) -> String {
    match error.kind() {
        ErrorKind::Forbidden => "only a system administrator of the instance may anonymise users".to_owned(),
        ErrorKind::NotFound | ErrorKind::NotSupported | ErrorKind::ProjectNotVisible => {
            format!("this server does not know how to anonymise users (Jira does from 8.7 on): {error}")
        }
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
    /// Nothing of the person is there. The account's key, where it is known.
    Through(Option<String>),
}

impl<'a> AccountOf<'a> {
    pub(super) const fn new(client: &'a Client, person: &'a Person, new_owner: Option<String>) -> Self {
        Self { client, person, new_owner }
    }

    async fn stage(&self) -> Result<Stage, ExecError> {
        if let Some(user) = self.client.user_even_deleted(&self.person.key).await? {
            return Ok(self.person.stage(user));
        }
        // A key that names the person is taken away early: then only what else the account is known by finds it.
        let named = self.client.user(&UserQuery::Username(self.person.name.clone())).await?;
        let mut found: Vec<User> = named.into_iter().collect();
        for known in [&self.person.email, &self.person.display_name].into_iter().flatten() {
            found.extend(self.client.find_users(known).await?.users);
        }
        // A namesake bears the name too, but has a name and key of its own.
        let half = found.into_iter().map(|user| self.person.stage(user)).find(|s| matches!(s, Stage::Half(_)));
        Ok(half.unwrap_or(Stage::Through(None)))
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
        self.through().await.map_err(|error| match error {
            ExecError::Account(words) => ExecError::Account(self.person.scrub(&words)),
            ExecError::Jira(e) => ExecError::Account(self.person.scrub(&e.to_string())),
            other => other,
        })
    }

    async fn through(&self) -> Result<(), ExecError> {
        let until = Instant::now() + PATIENCE;
        // A run that was cut off may have started one, and another person's comes first.
        let mut errors = self.ended(None, until).await?;
        let mut tries = 0;
        loop {
            let owner = self.new_owner.as_deref();
            let stage = self.stage().await?;
            if tries > AGAIN && !errors.is_empty() {
                return Err(ExecError::Account(format!("it ended with errors: {}", errors.join("; "))));
            }
            let again = match stage {
                // The profile is done, but something after it is not, and Jira says so.
                Stage::Through(Some(key)) if tries > 0 && !errors.is_empty() => Some(key),
                Stage::Through(_) => return Ok(()),
                Stage::Renamed(_) => return Err(ExecError::Changed),
                Stage::Before if tries > AGAIN => return Err(ExecError::NothingChanged),
                Stage::Before => None,
                Stage::Half(key) => Some(key),
            };
            let started = match again {
                None => {
                    let check = self.client.anonymization_check(&self.person.key).await;
                    check.map_err(|e| ExecError::Account(why_not(&e)))?;
                    self.client.anonymize(&self.person.key, owner).await
                }
                Some(key) => {
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
                // Neither what was planned on nor what was to come of it.
                Stage::Renamed(user) => Some(Current::Json(json!({ "key": user.key, "name": user.name }))),
                Stage::Through(_) => None,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn person(key: &str) -> Person {
        Person {
            instance: "hq".parse().unwrap(),
            key: key.into(),
            name: "ZQuill".into(),
            email: Some("zoe.quill@corp.example".into()),
            display_name: Some("Zoë Quill".into()),
        }
    }

    fn user(key: &str, name: &str, email: &str, full: &str) -> User {
        User::from_json(&json!({ "key": key, "name": name, "emailAddress": email, "displayName": full }))
    }

    #[test]
    fn how_far_it_is_is_told_by_what_became_of_the_account() {
        let (old, alias) = ("zoe.quill@corp.example", "JIRAUSER7@jira.invalid");
        let rows = [
            ("JIRAUSER7", "zquill", old, "Zoë Quill", "before"),
            ("JIRAUSER7", "zquill", "new@corp.example", "Zoë Berg", "before"),
            ("JIRAUSER7", "jirauser7", old, "Zoë Quill", "half"),
            ("JIRAUSER7", "jirauser7", alias, "Zoë Quill", "half"),
            ("JIRAUSER7", "zberg", old, "Zoë Quill", "renamed"),
            ("JIRAUSER7", "jirauser7", alias, "user-ca31a", "through"),
        ];
        let word = |stage| match stage {
            Stage::Before => "before",
            Stage::Half(_) => "half",
            Stage::Renamed(_) => "renamed",
            Stage::Through(_) => "through",
        };
        for (key, name, email, full, want) in rows {
            assert_eq!(
                word(person("JIRAUSER7").stage(user(key, name, email, full))),
                want,
                "{key} {name} {email} {full}"
            );
        }
        // An old key names the person: it has to go, and may go before the name or after it.
        let rows = [
            ("zquill", "zquill", old, "Zoë Quill", "before"),
            ("zquill", "jirauser7", old, "Zoë Quill", "half"),
            ("zquill", "jirauser7", alias, "user-ca31a", "half"),
            ("JIRAUSER7", "zquill", old, "Zoë Quill", "half"),
            ("JIRAUSER7", "jirauser7", old, "Zoë Quill", "half"),
            ("zquill", "zberg", old, "Zoë Quill", "renamed"),
            ("JIRAUSER7", "jirauser7", alias, "user-ca31a", "through"),
            // A namesake's.
            ("JIRAUSER8", "zquill2", "z@other.example", "Zoë Quill", "renamed"),
        ];
        for (key, name, email, full, want) in rows {
            assert_eq!(word(person("zquill").stage(user(key, name, email, full))), want, "{key} {name} {email} {full}");
        }
    }

    /// It is for good, so nothing about whose account it is may be open.
    #[tokio::test]
    async fn an_account_is_the_one_that_is_confirmed_and_no_other_may_be_meant() {
        use crate::{
            jira::{Auth, ClientConfig},
            model::{Flavor, Identifier, Personal, Secret},
            sandbox::{Sandbox, SandboxConfig},
        };
        let sandbox = Sandbox::start(SandboxConfig::new(Flavor::DataCenter)).await.unwrap();
        let auth = Auth::Bearer(Secret::new(sandbox.token().to_owned()));
        let instance: InstanceName = "hq".parse().unwrap();
        let client = Client::new(ClientConfig::new(instance.clone(), sandbox.url(), Flavor::DataCenter, auth)).unwrap();
        let (jira, none) = (&client, &People::new());
        let key = |name: &str| sandbox.control().people().into_iter().find(|p| p.name == name).unwrap().id;
        let weber = key("mweber");
        /// Identifiers (instance, kind, value, confirmed) and why there is no account, if so.
        type Row<'a> = (&'a [(&'a str, &'a str, &'a str, bool)], &'a str);
        let rows: [Row<'_>; 6] = [
            (&[("hq", "name", "mweber", true), ("hq", "key", &weber, true)], ""),
            (&[("hq", "name", "mweber", true), ("hq", "key", &weber, false)], ""),
            (&[("hq", "name", "mweber", true), ("hq", "name", "abdi.h", false)], "confirm or reject"),
            (&[("hq", "name", "mweber", true), ("hq", "name", "abdi.h", true)], "several accounts"),
            (&[("hq", "name", "mweber", false)], "no account"),
            (&[("lab", "name", "mweber", true)], "no account"),
        ];
        for (known, why) in rows {
            let identifiers = known.iter().map(|&(instance, kind, value, confirmed)| Identifier {
                kind: if kind == "key" { IdentifierKind::UserKey } else { IdentifierKind::Username },
                value: Personal::new(value.to_owned()),
                instance: Some(instance.parse().unwrap()),
                confirmed,
            });
            let handle = Personal::new("REQ-1".parse().unwrap());
            let subject = Subject::new(handle, "p-1".into(), identifiers.collect());
            let (instance, own) = (&instance, &["JIRAUSER1".to_owned()]);
            let asked = Look { client: jira, instance, subject: &subject, new_owner: None, own, earlier: none };
            match look(&asked).await {
                Ok((account, (base, person))) => {
                    assert!(why.is_empty(), "{known:?}");
                    assert_eq!((person.key.as_str(), base), (weber.as_str(), person.base(None)));
                    assert!(!account.notes.concat().to_lowercase().contains("weber"), "{:?}", account.notes);
                }
                Err(said) => assert!(!why.is_empty() && said.contains(why), "{known:?}: {said}"),
            }
        }
    }

    #[test]
    fn a_servers_words_come_without_the_person() {
        let person = person("JIRAUSER7");
        let words = "User 'ZOË QUILL' (zquill, zoe.quill@corp.example, JIRAUSER7) leads projects of Anna Berg";
        assert_eq!(person.scrub(words), "User '…' (…, …, …) leads projects of Anna Berg");
        assert_eq!(format!("{person:?}"), "Person(…)");
    }

    #[test]
    fn a_step_means_one_account_of_one_instance_and_one_new_owner() {
        let one = person("JIRAUSER7");
        let elsewhere = Person { instance: "lab".parse().unwrap(), ..one.clone() };
        let renamed = Person { name: "zberg".into(), ..one.clone() };
        let all = [one.base(None), one.base(Some("JIRAUSER1")), elsewhere.base(None), renamed.base(None)];
        let different: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len());
    }
}
