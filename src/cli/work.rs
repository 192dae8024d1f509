//! What several verbs share: clients from the configuration, a scan with its decisions, progress.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
    time::{Duration, SystemTime},
};

use indicatif::{ProgressBar, ProgressStyle};

use super::{Context, Failure};
use crate::{
    config::{Config, Instance, NameMode},
    jira::Client,
    keys::{Keys, Purpose},
    model::{Area, CaseId, Coverage, Finding, InstanceName, Looked, MatrixRow, Place, StorageArea, Subject},
    policy::{EvalContext, Policy},
    scan::{
        Namesakes,
        cache::ScanCache,
        run::{Hit, Request, Scan, Target, targets},
    },
    store::Store,
    subject::{Matcher, Scope, TextKind},
    suppression::Guard,
    sync,
};

/// A client for each instance that is used, or why there is none.
pub(super) type Clients = BTreeMap<InstanceName, Result<Client, String>>;

/// Makes the clients of these instances; `erase` takes the second credential where there is one.
pub(super) fn clients<'a>(instances: impl Iterator<Item = &'a Instance>, erase: bool) -> Clients {
    instances.map(|i| (i.name.clone(), sync::connect(i, erase).map_err(|e| e.to_string()))).collect()
}

/// A progress line on stderr, where one is wanted.
pub(super) struct Progress {
    bar: ProgressBar,
    last: Option<Place>,
}

impl Progress {
    pub(super) fn new(ctx: &Context) -> Self {
        let bar = if ctx.progress() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Self { bar, last: None }
    }

    pub(super) fn place(&mut self, what: &str, place: &Place, done: u64) {
        if done == 0 {
            self.last = Some(place.clone());
            self.bar.set_message(format!("{what} {place}"));
        } else {
            self.bar.set_message(format!("{what} {place}: {done} issues"));
        }
    }

    pub(super) fn text(&self, text: String) {
        self.bar.set_message(text);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// A scan with the policy's decisions, in the order of reports.
pub(super) struct Decided {
    /// Findings by record, with what the record was.
    pub(super) groups: Vec<crate::erasure::plan::Group>,
    /// What was read.
    pub(super) coverage: Vec<crate::model::Coverage>,
    /// Who could remove what a rule leaves.
    pub(super) ask: BTreeMap<String, String>,
    /// How many issues each project has.
    pub(super) issues: BTreeMap<Place, u64>,
    /// What was read, by kind of storage place.
    pub(super) matrix: Vec<crate::model::MatrixRow>,
    /// What the scan looked for, for [`masker_of`].
    pub(super) matcher: Arc<Matcher>,
}

impl Decided {
    /// All findings.
    pub(super) fn findings(&self) -> Vec<Finding> {
        self.groups.iter().flat_map(|(f, _)| f.iter().cloned()).collect()
    }
}

/// How a scan goes about it.
pub(super) struct How<'a> {
    /// Only these areas; all where there are none.
    pub(super) areas: &'a [Area],
    /// Only these places; all where there are none.
    pub(super) places: &'a [Place],
    /// Asks Jira's search first.
    pub(super) quick: bool,
    /// What earlier scans of the case remember.
    pub(super) cache: Option<ScanCache>,
    /// Whether what is found will be acted on.
    pub(super) acts: bool,
    /// What the coverage is remembered as.
    pub(super) looked: Looked,
}

/// Scans and decides.
pub(super) async fn scan(
    ctx: &Context,
    config: &Config,
    store: &Store,
    clients: &Clients,
    policy: &Policy,
    subjects: &[Subject],
    How { areas, places, quick, cache, acts, looked }: How<'_>,
) -> anyhow::Result<Decided> {
    let (with_shadows, namesakes) = Namesakes::shadowed(subjects);
    let matcher = Arc::new(Matcher::new(&with_shadows).map_err(|e| Failure::Usage(e.to_string()))?);
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    // What a quick search leaves out must not be taken for read.
    let cache = cache.filter(|_| !quick);
    let request = Request {
        config,
        store,
        clients,
        matcher: &matcher,
        subjects,
        quick,
        namesakes: &namesakes,
        areas,
        places,
        threads,
        acts,
        cache: cache.as_ref(),
    };
    let mut progress = Progress::new(ctx);
    let scan = request.run(|place, done| progress.place("scanning", place, done)).await;
    drop(progress);
    if cache.is_some_and(|cache| !cache.finish()) {
        ctx.say("What this scan read could not all be remembered: the next one reads it again.");
    }
    for line in &scan.coverage {
        if let Some(earlier) = line.earlier {
            let since = earlier.since.format("%Y-%m-%d %H:%M:%S UTC");
            ctx.say(format!(
                "{}: {} of {} unchanged since {since}, not read again",
                line.place, earlier.records, line.records
            ));
        }
    }
    let decided = decide(ctx, config, store.keys(), policy, subjects, (scan, matcher));
    if !quick {
        let mask = masker_of(Some(Arc::clone(&decided.matcher)));
        let all = areas.is_empty() && places.is_empty();
        let matrix = if all { decided.matrix.as_slice() } else { &[] };
        remember(ctx, config, store, looked, (&decided.coverage, matrix), &mask)?;
    }
    Ok(decided)
}

/// Keeps how far each place was read, for the coverage report; reasons come masked.
pub(super) fn remember(
    ctx: &Context,
    config: &Config,
    store: &Store,
    looked: Looked,
    (coverage, matrix): (&[Coverage], &[MatrixRow]),
    mask: &dyn Fn(&str) -> String,
) -> anyhow::Result<()> {
    let targets: Vec<Place> = targets(config).iter().map(Target::place).collect();
    let hidden = |reason: &Option<String>| reason.as_deref().map(mask);
    let mut lines: BTreeMap<&Place, (Place, Coverage)> = BTreeMap::new();
    for line in coverage {
        let owner = owner(&targets, &line.place).unwrap_or(&line.place).clone();
        let place = &line.place;
        let line = (owner, Coverage { reason: hidden(&line.reason), ..line.clone() });
        match lines.entry(place) {
            Entry::Vacant(entry) => drop(entry.insert(line)),
            // Two folders may share a name: the worse of them counts.
            Entry::Occupied(mut known) if known.get().1.status < line.1.status => *known.get_mut() = line,
            Entry::Occupied(_) => {}
        }
    }
    let lines: Vec<(Place, Coverage)> = lines.into_values().collect();
    // What the host's own folders are is looked up when the report is made.
    let kept = |row: &&MatrixRow| row.area == StorageArea::Jira && row.reason.as_deref() != Some(MatrixRow::NO_PART);
    let matrix: Vec<MatrixRow> =
        matrix.iter().filter(kept).map(|row| MatrixRow { reason: hidden(&row.reason), ..row.clone() }).collect();
    Ok(store.put_coverage(looked, ctx.now, &lines, &matrix)?)
}

/// The configured place that `place` is, or is a part of.
pub(super) fn owner<'a>(targets: &'a [Place], place: &Place) -> Option<&'a Place> {
    let of =
        |t: &&Place| t.area() == place.area() && (**t == *place || place.spot().starts_with(&format!("{}/", t.spot())));
    targets.iter().filter(of).max_by_key(|t| t.spot().len())
}

/// What the scans of a case remember; none, with a word about it, while another scan of the case is at work.
pub(super) fn cache(
    ctx: &Context,
    store: &Store,
    case: &CaseId,
    subject: &Subject,
    exhaustive: bool,
) -> anyhow::Result<Option<ScanCache>> {
    let cache = ScanCache::open(store, case, subject, exhaustive, ctx.now, SystemTime::now)?;
    if cache.is_none() {
        ctx.say(format!("Another scan of case {case} is at work: this one reads everything."));
    }
    Ok(cache)
}

fn decide(
    ctx: &Context,
    config: &Config,
    keys: &Keys,
    policy: &Policy,
    subjects: &[Subject],
    (scan, matcher): (Scan, Arc<Matcher>),
) -> Decided {
    let mut groups = Vec::new();
    for Hit { references, base } in scan.hits {
        let mut findings = Vec::new();
        for reference in references {
            let instance = reference.instance.as_ref().and_then(|i| config.instance(i));
            let (controller, flavor) = (instance.map(|i| i.controller), instance.map(|i| i.flavor));
            let verdict = policy.evaluate(&reference, &EvalContext { now: ctx.now, controller, flavor });
            let subject = subjects.get(reference.subject).map_or("", |s| s.pseudonym.as_str());
            findings.push(Finding {
                id: finding_id(keys, subject, &reference),
                decision: verdict.decision,
                rule: verdict.rule_id.to_owned(),
                reasons: verdict.reasons,
                reference,
            });
        }
        groups.push((findings, base));
    }
    let matrix = crate::scan::matrix::matrix(config, &scan.facts, &scan.coverage);
    Decided { groups, coverage: scan.coverage, ask: policy.asks(), issues: scan.issues, matrix, matcher }
}

/// Keyed hash of place, record, field, locator and subject.
fn finding_id(keys: &Keys, subject: &str, reference: &crate::model::Reference) -> String {
    let record = serde_json::to_string(&reference.record).unwrap_or_default();
    let cut = serde_json::to_string(&reference.cut).unwrap_or_default();
    let place = reference.place.to_string();
    let parts = [subject, &place, &record, &reference.field, &reference.locator, reference.kind.as_str(), &cut];
    let hash = keys.keyed_hash(Purpose::Finding, &parts.map(str::as_bytes));
    format!("f-{}", hex::encode(&hash[..10]))
}

/// Replaces what names one of the subjects in a text (a path, a locator) by `…`.
pub(super) fn masker(subjects: &[Subject]) -> impl Fn(&str) -> String + use<> {
    masker_of(Matcher::new(subjects).ok().map(Arc::new))
}

/// Hides in a free text whoever stands in the register, and whoever was erased: the identifiers of ended cases are gone, but
/// the hashes of the suppression list still tell.
pub(super) fn without_anybody(store: &Store) -> anyhow::Result<impl Fn(&str) -> String + use<>> {
    let register = masker(&store.subjects()?);
    let list = Guard::of_everybody(store)?;
    Ok(move |text: &str| list.check_text(&register(text), NameMode::Cut).value)
}

/// As [`masker`], with a matcher that is there already: for ten thousand people it takes seconds to make.
pub(super) fn masker_of(matcher: Option<Arc<Matcher>>) -> impl Fn(&str) -> String {
    move |text: &str| {
        // Without a matcher nothing can be told apart: then all of it is hidden.
        let Some(matcher) = &matcher else { return "…".to_owned() };
        let mut out = String::new();
        let mut at = 0;
        // A path is no prose: what joins words there hides a name less well than it should.
        let mut hits = matcher.find(text, Scope::Any);
        hits.extend(matcher.find_in(text, Scope::Any, TextKind::FileName));
        hits.sort_by_key(|h| (h.from, std::cmp::Reverse(h.to)));
        for found in hits {
            if found.from >= at {
                out.push_str(&text[at..found.from]);
                out.push('…');
                at = found.to;
            }
        }
        out.push_str(&text[at..]);
        out
    }
}
