//! The look of a sweep: every record of a class, how it stands, what keeps it, and the step that would be made of it. Changes
//! nothing, and is the same for a dry run and a run.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};

use super::{
    Room, SweepError,
    hold::{keeping, kept, may_delete},
};
use crate::{
    config::Sync,
    erasure::{
        executor::{Current, ExecError, Executors, People, Ways, name_of, renew::Renewer},
        plan::{Operation, Step, renewed},
    },
    holds::Holds,
    jira::{Client, User},
    keys::Purpose,
    model::{Area, Coverage, InstanceName, Place, RecordType},
    policy::{Class, Then},
    retention::{
        Dated, Stage, Standing,
        acts::{self, Means},
        alias,
        collect::{Clients, Collect},
        stage, verdicts,
    },
    store::{RecordKey, SeenFile, SweepMark},
};

/// A record that a class is about.
pub(super) struct Found<'c> {
    pub(super) record: Dated,
    pub(super) class: &'c Class,
    pub(super) standing: Standing,
    pub(super) stage: Option<Stage>,
    pub(super) mark: Option<SweepMark>,
    pub(super) held: Option<String>,
    /// Why a person has to decide, or what could not be read.
    pub(super) problem: Option<Problem>,
    /// What would be done.
    pub(super) step: Option<Step>,
}

/// What keeps a class from being carried out on a record.
pub(super) enum Problem {
    /// The record cannot be dealt with so.
    Review(String),
    /// It could not be read.
    Failed(String),
}

impl Found<'_> {
    /// When the period was over.
    pub(super) const fn due(&self) -> Option<DateTime<Utc>> {
        match self.standing {
            Standing::Due(at) => Some(at),
            _ => None,
        }
    }

    /// What its mark goes by: classes of fields mark a record each for itself.
    pub(super) fn key(&self, room: &Room<'_>) -> RecordKey {
        let class = (!self.class.fields.is_empty()).then_some(self.class.id.as_str());
        room.store.sweep_key_of(&self.record.place, &self.record.record, class)
    }

    /// Whether it goes now.
    pub(super) fn goes(&self) -> bool {
        self.due().is_some() && self.stage == Some(Stage::Go) && self.held.is_none() && self.problem.is_none()
    }
}

/// What a look gave.
pub(super) struct Outlook<'c> {
    pub(super) found: Vec<Found<'c>>,
    pub(super) unclassed: u64,
    /// Of those that no class is about: the keys of the marks that they may have had.
    pub(super) unclassed_keys: Vec<RecordKey>,
    pub(super) coverage: Vec<Coverage>,
    pub(super) seen: Vec<(RecordKey, SeenFile)>,
}

/// What executors need of a sweep: a sweep is about nobody, so the rest of it is empty.
pub(super) struct Kit {
    clients: BTreeMap<InstanceName, Client>,
    people: People,
    ways: Ways,
}

impl Kit {
    pub(super) fn of(room: &Room<'_>) -> Self {
        let usable = room.clients.iter().filter_map(|(n, c)| Some((n.clone(), c.as_ref().ok()?.clone())));
        Self { clients: usable.collect(), people: People::default(), ways: Ways::default() }
    }

    pub(super) const fn clients(&self) -> &BTreeMap<InstanceName, Client> {
        &self.clients
    }

    /// The client of a synchronization's source.
    pub(super) fn source(&self) -> impl Fn(&Sync) -> Option<Client> + '_ {
        |sync| self.clients.get(&sync.source.instance).cloned()
    }

    pub(super) fn executors<'a>(
        &'a self,
        room: &'a Room<'_>,
        sources: &'a dyn Fn(&Sync) -> Option<Client>,
    ) -> Executors<'a> {
        Executors {
            config: room.config,
            store: room.store,
            clients: &self.clients,
            people: &self.people,
            sources,
            placeholder: room.policy.placeholder(),
            ways: &self.ways,
        }
    }
}

pub(super) async fn outlook<'c>(
    room: &Room<'c>,
    now: DateTime<Utc>,
    progress: impl FnMut(&Place),
) -> Result<Outlook<'c>, SweepError> {
    let classes = room.policy.classes();
    let clients: &Clients = room.clients;
    let collect = Collect { config: room.config, store: room.store, clients, classes, areas: room.areas, now };
    let collected = collect.all(progress).await?;
    let holds = Holds::load(room.store)?;
    let kit = Kit::of(room);
    let sources = kit.source();
    let mut looker = Looker { room, kit: &kit, sources: &sources, me: HashMap::new() };
    let (mut found, mut unclassed, mut unclassed_keys) = (Vec::new(), 0, Vec::new());
    for record in collected.records {
        let verdicts = verdicts(&record, classes, now);
        if verdicts.is_empty() {
            // Of accounts only those are asked for that a class is about.
            unclassed += u64::from(record.record.record_type != RecordType::UserProfile);
            unclassed_keys.push(room.store.sweep_key(&record.place, &record.record));
            continue;
        }
        let from = found.len();
        for (class, standing) in verdicts {
            let mut one = Found {
                record: record.clone(),
                class,
                standing,
                stage: None,
                mark: None,
                held: None,
                problem: None,
                step: None,
            };
            if matches!(standing, Standing::Due(_)) && class.then.acts() {
                one.mark = room.store.sweep_mark(&one.key(room))?;
                one.stage = Some(stage(class, one.mark.as_ref(), now));
                // Whom it names is not asked before it is read.
                one.held = keeping(room.config, &holds, &record, &|_| false);
                if one.held.is_none() && !may_delete(room.config, &record) {
                    one.held = Some("we have no mandate to erase there".to_owned());
                }
                looker.step(&mut one).await;
            }
            found.push(one);
        }
        // What goes as a whole is not edited before.
        if found.last().is_some_and(|last: &Found<'_>| last.class.fields.is_empty() && last.goes()) {
            found.drain(from..found.len() - 1);
        }
        looker.in_turn(&mut found[from..]).await;
    }
    // A hold about a person is asked of what the records say, so that the dry run tells what the run will do.
    if !holds.is_empty() {
        let executors = kit.executors(room, &sources);
        for found in found.iter_mut().filter(|f| f.goes()) {
            if let Some(step) = &found.step {
                found.held = kept(room, &holds, &executors, kit.clients(), step).await;
            }
        }
    }
    // The oldest first.
    found.sort_by(|a, b| {
        (a.due(), &a.record.place, &a.record.record).cmp(&(b.due(), &b.record.place, &b.record.record))
    });
    Ok(Outlook { found, unclassed, unclassed_keys, coverage: collected.coverage, seen: collected.seen })
}

/// Makes steps of what is due.
struct Looker<'a, 'r> {
    room: &'a Room<'r>,
    kit: &'a Kit,
    sources: &'a dyn Fn(&Sync) -> Option<Client>,
    /// The account by which we write at each instance.
    me: HashMap<InstanceName, Result<User, String>>,
}

impl Looker<'_, '_> {
    /// What would be done to a due record. Of a class of fields it may turn out that there is nothing left to do.
    async fn step(&mut self, found: &mut Found<'_>) {
        match found.class.then {
            Then::Renew => self.renewal(found).await,
            then if then.edits() => self.edits(found).await,
            _ => found.step = Some(step(&found.record, Operation::Delete)),
        }
    }

    async fn edits(&mut self, found: &mut Found<'_>) {
        let mut step = step(&found.record, Operation::Edit);
        if let Err(why) = self.account(step.instance.as_ref()).await {
            found.problem = Some(Problem::Failed(why));
            return;
        }
        let executors = self.kit.executors(self.room, self.sources);
        let loaded = match executors.of(&step) {
            Ok(executor) => executor.load(&step).await,
            Err(e) => Err(e),
        };
        match loaded {
            // It went since it was collected.
            Ok(None) => found.standing = Standing::Settled,
            Err(e) => found.problem = Some(Problem::Failed(e.to_string())),
            Ok(Some(current)) => match self.cuts(found.class, &step, &current) {
                Ok(edits) if edits.is_empty() => found.standing = Standing::Settled,
                Ok(edits) => {
                    step.edits = edits;
                    step.base = current.hash(&step);
                    if step.instance.is_some() {
                        step.notes = vec![HISTORY.to_owned()];
                    }
                    found.step = Some(step);
                }
                Err(why) => found.problem = Some(Problem::Review(why.to_owned())),
            },
        }
    }

    /// Plans each of several edits of one record on what those before it will leave behind.
    async fn in_turn(&self, found: &mut [Found<'_>]) {
        let edits = |f: &Found<'_>| f.goes() && f.step.as_ref().is_some_and(|s| s.operation == Operation::Edit);
        let mut order: Vec<usize> = (0..found.len()).filter(|n| edits(&found[*n])).collect();
        if order.len() < 2 {
            return;
        }
        // As they will be carried out: by the time at which they were due, and then by the order of the classes.
        order.sort_by_key(|n| found[*n].due());
        let executors = self.kit.executors(self.room, self.sources);
        let mut left = None;
        for one in order {
            let found = &mut found[one];
            let Some(mut step) = found.step.take() else { continue };
            match self.behind(&executors, found.class, &mut step, left.take()).await {
                Ok(Some(next)) if step.edits.is_empty() => (found.standing, left) = (Standing::Settled, Some(next)),
                Ok(Some(next)) => (found.step, left) = (Some(step), Some(next)),
                Ok(None) => found.standing = Standing::Settled,
                Err(problem) => found.problem = Some(problem),
            }
        }
    }

    /// Puts into a step what it does to a record that is `left` by others, or as it is now; gives what it leaves itself, and nothing
    /// where the record is gone.
    async fn behind(
        &self,
        executors: &Executors<'_>,
        class: &Class,
        step: &mut Step,
        left: Option<Current>,
    ) -> Result<Option<Current>, Problem> {
        let failed = |e: ExecError| Problem::Failed(e.to_string());
        let executor = executors.of(step).map_err(failed)?;
        let now = match left {
            Some(left) => left,
            None => match executor.load(step).await.map_err(failed)? {
                Some(now) => now,
                None => return Ok(None),
            },
        };
        step.edits = self.cuts(class, step, &now).map_err(|why| Problem::Review(why.to_owned()))?;
        if step.edits.is_empty() {
            return Ok(Some(now));
        }
        step.base = now.hash(step);
        executor.next(step, &now, self.room.policy.placeholder()).await.map(Some).map_err(failed)
    }

    fn cuts(
        &self,
        class: &Class,
        step: &Step,
        current: &Current,
    ) -> Result<Vec<crate::erasure::plan::Edit>, &'static str> {
        let me = step.instance.as_ref().and_then(|name| self.me.get(name)?.as_ref().ok());
        cuts(self.room, class, step, current, me)
    }

    /// Learns the account by which we write at an instance.
    async fn account(&mut self, name: Option<&InstanceName>) -> Result<(), String> {
        let Some(name) = name else { return Ok(()) };
        if !self.me.contains_key(name) {
            let me = match self.kit.clients().get(name) {
                Some(client) => client.myself().await.map_err(|e| e.to_string()),
                None => Err("no client for this instance".to_owned()),
            };
            self.me.insert(name.clone(), me);
        }
        match self.me.get(name) {
            Some(Err(why)) => Err(why.clone()),
            _ => Ok(()),
        }
    }

    async fn renewal(&self, found: &mut Found<'_>) {
        // It takes many calls, so it is asked of what would go.
        if found.stage != Some(Stage::Go) || found.held.is_some() {
            return;
        }
        let step = step(&found.record, Operation::Renew);
        let Some((name, target)) = step.instance.as_ref().and_then(|name| Some((name, self.kit.clients().get(name)?)))
        else {
            found.problem = Some(Problem::Failed("no client for this instance".to_owned()));
            return;
        };
        let renewer = Renewer { config: self.room.config, store: self.room.store, target, source: self.sources };
        match renewer.look(name.as_str(), step.record.key.as_deref().unwrap_or_default()).await {
            Ok((renewal, _)) => found.step = Some(renewed(step, &renewal)),
            Err(why) => found.problem = Some(Problem::Review(format!("it cannot be written anew: {why}"))),
        }
    }
}

/// What a person should know of an edit in a Jira.
const HISTORY: &str = "the issue's history keeps what stood there; `renew` or `delete` takes that too";

/// The cuts that a class makes in a record as it is now.
pub(super) fn cuts(
    room: &Room<'_>,
    class: &Class,
    step: &Step,
    current: &Current,
    me: Option<&User>,
) -> Result<Vec<crate::erasure::plan::Edit>, &'static str> {
    let named = |text: &str| alias(&room.store.keys().keyed_hash(Purpose::Lookup, &[b"sweep-alias", text.as_bytes()]));
    let means = Means { placeholder: room.policy.placeholder(), alias: &named, me };
    acts::edits(class, step.record.record_type, name_of(step), current, &means)
}

/// A step on a record, before the record was looked at.
fn step(record: &Dated, operation: Operation) -> Step {
    Step {
        number: 0,
        place: record.place.clone(),
        instance: instance(&record.place),
        project: record.project.clone().filter(|_| record.place.area() == Area::Target),
        record: record.record.clone(),
        operation,
        base: String::new(),
        means: None,
        edits: Vec::new(),
        notes: Vec::new(),
    }
}

/// The instance of a place.
pub(super) fn instance(place: &Place) -> Option<InstanceName> {
    matches!(place.area(), Area::Source | Area::Target)
        .then(|| place.spot().split('/').next().unwrap_or_default().parse().ok())
        .flatten()
}
