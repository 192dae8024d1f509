//! An execution through the library, for what the binary cannot be made to do at a given moment.

use std::collections::BTreeMap;

use chrono::Utc;
use efface::{
    config::Config,
    erasure::{
        execute::{CaseJournal, Execution, Run},
        executor::{Executors, Ways},
        othersearch::Needles,
        plan::Plan,
    },
    model::CaseId,
    store::Store,
};

use crate::world::{World, client};

/// A case's current plan, and what it takes to carry it out.
pub(crate) struct Engine<'w> {
    world: &'w World,
    config: Config,
    pub(crate) store: Store,
    pub(crate) case: CaseId,
    pub(crate) hash: String,
    pub(crate) plan: Plan,
}

impl<'w> Engine<'w> {
    pub(crate) fn of(world: &'w World, case: &str) -> Self {
        let case: CaseId = case.parse().unwrap();
        let config = Config::load(&world.path().join("efface.toml")).unwrap();
        let store = Store::open(&config.state).unwrap();
        let hash = store.case(&case).unwrap().unwrap().plan.unwrap();
        let plan = store.plan(&case, &hash).unwrap().unwrap();
        Self { world, config, store, case, hash, plan }
    }

    /// Carries out the plan; `progress` is called behind each step.
    pub(crate) fn run(&self, progress: impl FnMut(u32)) -> Execution {
        self.with_run(|run, journal| self.world.rt.block_on(run.execute(journal, &self.plan, progress)).unwrap())
    }

    /// Everything that an execution needs.
    pub(crate) fn with_run<T>(&self, act: impl FnOnce(&Run<'_>, &CaseJournal<'_>) -> T) -> T {
        let subject = self.store.case_subject(&self.case).unwrap().unwrap();
        let values: Vec<_> = subject.identifiers.iter().map(|i| (i.kind, i.value.reveal().clone())).collect();
        let needles = Needles::new(&values);
        let clients: BTreeMap<_, _> = [("hq", &self.world.source), ("partner", &self.world.target)]
            .map(|(name, sandbox)| (name.parse().unwrap(), client(name, sandbox)))
            .into();
        let people = self.store.case_note(&self.case, "people").unwrap().unwrap_or_default();
        let executors = Executors {
            config: &self.config,
            store: &self.store,
            clients: &clients,
            people: &people,
            sources: &|sync| clients.get(&sync.source.instance).cloned(),
            placeholder: "[erased]",
            ways: &Ways::of(&self.plan),
        };
        let now = Utc::now;
        let journal = CaseJournal { store: &self.store, case: &self.case, hash: &self.hash, actor: "admin", now: &now };
        let run = Run {
            journal: &journal,
            executors: &executors,
            subject: &subject,
            needles: &needles,
            postponed: &|_, _| false,
        };
        act(&run, &journal)
    }
}
