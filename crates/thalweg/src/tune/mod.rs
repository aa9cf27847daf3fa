//! The search for better options: trials, each a training with other values, kept in a study that survives anything.
//!
//! A study is an SQLite file. Any number of processes may work on it at once, and each has workers that take a trial at
//! a time. When the search is over, the best trial is trained with other seeds, which tells what is chance, and the best
//! of these becomes a run like any other: only then is the test part looked at.

mod choice;
mod constraint;
mod defaults;
mod importance;
pub mod learning_rate;
mod pruner;
mod sampler;
mod space;
mod study;
mod trial;
mod worker;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::data::dataset::{self, Dataset};
use crate::error::{Error, Result, did_you_mean};
use crate::metrics;
use crate::recipe::{self, Plan};
use crate::run::{self, Outcome, Watch};
use crate::spec::{Config, Pruner, Sampler};
use crate::train::event::{Decision, Event};
use crate::train::{State, Watcher};

pub use choice::{Noise, best, front};
pub(crate) use importance::Surrogate;
pub use importance::{Importance, importance};
pub use space::{Dimension, Point, Scale, Space};
pub use study::{Study, Trial, TrialKind, TrialState};

use trial::{LATENCY, Laboratory};
use worker::Search;

/// Dev rows below which one part of them says too little.
const FEW: usize = 300;
/// Folds that each trial then has.
const FOLDS: usize = 5;

/// One fact about a search, in the order they happen.
#[derive(Debug, Clone)]
pub enum Fact {
    /// The search begins, or goes on.
    Started {
        /// The study's file.
        study: PathBuf,
        /// What is searched, a line each.
        space: Vec<String>,
        /// Most trials, those that have ended, and workers here.
        trials: (usize, usize, usize),
        /// What is sought, and whether higher is better.
        objective: (String, bool),
        /// What was decided for the user.
        decisions: Vec<Decision>,
        /// The most seconds that this will take, by the first epoch.
        forecast: f64,
    },
    /// A trial ended here.
    Ended {
        /// The trial.
        trial: Box<Trial>,
        /// The best one so far, with its value.
        best: Option<(usize, f64)>,
        /// Trials that have ended, in all processes.
        ended: usize,
        /// Trials a minute here.
        pace: f64,
        /// Seconds left at this pace.
        left: f64,
    },
    /// The search is over, and the best trial is trained to become a model.
    Chosen {
        /// The trial and the seed.
        trial: Box<Trial>,
        /// What other seeds say.
        noise: Option<Noise>,
    },
    /// The user should know.
    Warning(String),
}

/// Somebody who looks on a search.
pub trait Onlooker: Sync {
    /// Takes in a fact.
    fn fact(&self, fact: &Fact);

    /// Whether the search should stop now; it can be gone on with.
    fn stop(&self) -> bool {
        false
    }
}

/// Why a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchEnd {
    /// All trials are done.
    Done,
    /// No better one came for as many trials as asked.
    Stalled,
    /// The time is up.
    Budget,
    /// Somebody asked for it; it can be gone on with.
    Interrupted,
    /// Another process trains the chosen one.
    Elsewhere,
}

/// What a search came to.
#[derive(Debug)]
pub struct Found {
    /// The study's file.
    pub study: PathBuf,
    /// Every trial.
    pub trials: Vec<Trial>,
    /// What was sought, and whether higher is better.
    pub objective: (String, bool),
    /// What of the difference between trials is chance.
    pub noise: Option<Noise>,
    /// The trials that no other beats in everything that is sought.
    pub front: Vec<usize>,
    /// The best trial's run.
    pub outcome: Option<Outcome>,
    /// Why the search ended.
    pub end: SearchEnd,
}

/// Searches for better options as a configuration says, in a new study, or in the one that it names.
///
/// # Errors
/// If the data, the configuration or the space do not fit, the study cannot be used, or nothing could be trained.
pub fn tune(config: &Config, onlooker: &dyn Onlooker) -> Result<Found> {
    let (base, study, data, decisions) = open(config)?;
    let space = Space::new(&base)?;
    let plan = recipe::plan(&base, &data)?;
    let workers = workers(&base);
    thalweg_kernels::pool::set_threads(if workers > 1 { 1 } else { base.train.threads });
    let most = sampler::count(&space, &base.tune)
        .map_or(base.tune.trials, |count| (count + usize::from(base.tune.baseline)).min(base.tune.trials));
    let before = study.trials()?;
    let ended = before.iter().filter(|trial| trial.state.is_ended()).count();
    let left = most.saturating_sub(ended) + base.tune.seeds + 1;
    onlooker.fact(&Fact::Started {
        study: study.path().into(),
        space: base.tune.search.iter().map(|(name, values)| format!("{name} {values}")).collect(),
        trials: (most, ended, workers),
        objective: (study.objective.clone(), study.higher),
        decisions,
        forecast: epoch_seconds(&base, &data, &plan)?
            * (plan.settings.epochs * left * base.tune.folds.unwrap_or(1)) as f64
            / workers as f64,
    });

    let free = crate::data::free_memory().map_or(u64::MAX, |bytes| bytes / 10 * 8 / workers as u64);
    let memory = base.tune.trial_memory.map_or(free, |mib| (mib * (1 << 20) as f64) as u64);
    let laboratory = Laboratory::new(base.clone(), space, pruner(&base), &study, memory)?;
    let search = Search::new(&laboratory, onlooker, most);
    let end = search.run(&study, workers)?;
    finish(&base, &study, &laboratory, &search, end, onlooker)
}

/// A configuration with everything settled, its study, and the data.
fn open(config: &Config) -> Result<(Config, Study, Dataset, Vec<Decision>)> {
    let named = config.tune.study.as_ref().map(PathBuf::from);
    if let Some(path) = named.as_ref().filter(|_| config.data.path.is_empty()) {
        let study = Study::open(path)?;
        let base = study.config()?;
        let (data, _) = run::prepare(&base)?;
        if run::fingerprint(&base, &data) != study.data()? {
            let error = Error::data("the data is no longer what the study began with").at(base.data.path);
            return Err(error.fix("restore it, or begin a new study"));
        }
        return Ok((base, study, data, Vec::new()));
    }
    if config.data.path == "-" {
        let error = Error::config("a search reads its data more than once").at("-");
        return Err(error.fix("put standard input into a file"));
    }
    let mut base = config.clone();
    dataset::settle(&mut base);
    // Trials differ in their seeds, never in what they are judged on.
    base.split.split_seed.get_or_insert(base.train.seed);
    let (data, plan) = run::prepare(&base)?;
    if data.parts.dev.rows == 0 {
        let error = Error::config("trials are compared on a dev part, and there is none");
        return Err(error.at("--split").fix("give a dev part with --split or --dev"));
    }
    let mut decisions = Vec::new();
    let decide = |decisions: &mut Vec<Decision>, what: String, why: &str, flag: &str| {
        decisions.push(Decision { what, why: why.into(), flag: flag.into() });
    };
    if base.tune.search.is_empty() {
        let (space, why) = defaults::space(&base, &data);
        if space.is_empty() {
            let error = Error::config("every option that is usually searched has a value already");
            return Err(error.at("--search").fix("name what is searched, as in --search learning_rate=log:1e-4..1e-1"));
        }
        let names: Vec<&str> = space.iter().map(|(name, _)| name.as_str()).collect();
        decide(&mut decisions, format!("searched: {}", names.join(", ")), why, "--search learning_rate=log:1e-4..1e-1");
        base.tune.search = space.into_iter().collect();
    }
    let objective = objective(&base, &data, &plan)?;
    if base.tune.objective.is_empty() {
        let why = format!("{} dev rows", data.parts.dev.rows);
        decide(
            &mut decisions,
            format!("the best trial is the one with the best dev {objective}"),
            &why,
            "--objective loss",
        );
    }
    base.train.monitor = Some(objective.clone());
    if base.tune.pruner.is_none() {
        let what = match pruner(&base) {
            Pruner::Asha => "trials that fall behind end early (asha)",
            _ => "every trial goes to its end",
        };
        let why = format!("the sampler is {}", name_of(base.tune.sampler));
        decide(&mut decisions, what.into(), &why, "--pruner median");
    }
    if base.tune.folds.is_none() {
        let random = base.split.group.is_none() && base.split.time.is_none() && base.split.fold.is_none();
        let few = data.parts.dev.rows < FEW && data.pipeline.form().is_none() && data.on_disk.is_none();
        let folds = if few && random && base.data.dev.is_none() { FOLDS } else { 1 };
        if folds > 1 {
            let why = format!("{} dev rows are few", data.parts.dev.rows);
            decide(&mut decisions, format!("a trial's value is the mean of {folds} folds"), &why, "--folds 1");
        }
        base.tune.folds = Some(folds);
    }
    Space::new(&base)?;
    let higher = objective != "loss" && metrics::higher_is_better(&objective);
    let path = named.map_or_else(|| free_path(&run::short_name(&base.data.path)), Ok)?;
    let study = Study::create(&path, &base, &run::fingerprint(&base, &data), &objective, higher)?;
    Ok((base, study, data, decisions))
}

fn name_of(value: impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| Some(value.as_str()?.to_string())).unwrap_or_default()
}

/// The first objective: what trials are compared by.
fn objective(config: &Config, data: &Dataset, plan: &Plan) -> Result<String> {
    let wanted = &config.tune.objective;
    let names: Vec<&str> = std::iter::once("loss").chain(metrics::names(data.task).iter().copied()).collect();
    let others = ["parameters", LATENCY];
    for (i, name) in wanted.iter().enumerate() {
        if !names.contains(&name.as_str()) && (i == 0 || !others.contains(&name.as_str())) {
            let known: Vec<&str> = names.iter().chain(if i == 0 { &[][..] } else { &others }).copied().collect();
            let message = format!("unknown objective {name:?}{}", did_you_mean(name, known.iter().copied()));
            return Err(Error::config(message).at("--objective").fix(format!("use one of {}", known.join(", "))));
        }
        if i > 0 && !others.contains(&name.as_str()) {
            let error = Error::config(format!("{name:?} beside another metric")).at("--objective");
            return Err(error.fix("name one metric, and after it parameters or latency"));
        }
    }
    Ok(match wanted.first() {
        Some(name) => name.clone(),
        None => match plan.settings.monitor.0.as_str() {
            // Losses of trials with other losses cannot be compared.
            "loss" if data.task.is_classes() => "log_loss".into(),
            "loss" => "rmse".into(),
            monitor => monitor.into(),
        },
    })
}

/// The pruner asked for, or the sampler's usual one.
fn pruner(config: &Config) -> Pruner {
    let usual = if matches!(config.tune.sampler, Sampler::Tpe | Sampler::Gp) { Pruner::Asha } else { Pruner::None };
    config.tune.pruner.unwrap_or(usual)
}

fn workers(config: &Config) -> usize {
    match config.tune.workers {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        workers => workers,
    }
}

/// The first free name under `runs/`.
fn free_path(name: &str) -> Result<PathBuf> {
    let free = (1..).map(|n| Path::new("runs").join(format!("{name}-tune-{n}.sqlite"))).find(|path| !path.exists());
    free.ok_or_else(|| Error::internal("no name is free"))
}

/// Seconds of an epoch of the configuration as it is, from a look of two seconds at most.
fn epoch_seconds(config: &Config, data: &Dataset, plan: &Plan) -> Result<f64> {
    struct Look(Instant, f64);
    impl Watcher for Look {
        fn event(&mut self, event: Event) {
            match event {
                Event::Progress { step, steps, .. } => self.1 = step as f64 / steps as f64,
                Event::EpochEnded { epoch, .. } => self.1 = epoch as f64,
                _ => {}
            }
        }
        fn stop(&self) -> bool {
            self.1 >= 1.0 || self.0.elapsed() > Duration::from_secs(2)
        }
    }
    let mut state = State::new(&plan.network, &*plan.optimizer, config.train.seed, plan.settings.average, plan.dtype);
    let mut look = Look(Instant::now(), 0.0);
    match run::fit(config, data, plan, &mut state, &mut look) {
        // What diverges here fails as a trial, which tells why.
        Ok(_) | Err(Error { kind: crate::Kind::Diverged, .. }) => {}
        Err(error) => return Err(error),
    }
    Ok(look.0.elapsed().as_secs_f64() / look.1.max(1e-3))
}

/// Trains the best trial once more, as a run of its own, and only now looks at the test part.
fn finish(
    base: &Config,
    study: &Study,
    laboratory: &Laboratory,
    search: &Search,
    end: SearchEnd,
    onlooker: &dyn Onlooker,
) -> Result<Found> {
    let found = |end, outcome| -> Result<Found> {
        let trials = study.trials()?;
        Ok(Found {
            study: study.path().into(),
            noise: Noise::measure(&trials),
            front: if laboratory.besides.is_empty() {
                Vec::new()
            } else {
                front(&trials, &laboratory.besides).iter().map(|trial| trial.number).collect()
            },
            trials,
            objective: (study.objective.clone(), study.higher),
            outcome,
            end,
        })
    };
    if end == SearchEnd::Interrupted {
        return found(end, None);
    }
    let trials = study.trials()?;
    let Some(chosen) = choice::best_seed(&trials) else {
        let why = trials.iter().find_map(|trial| trial.why.clone()).unwrap_or_else(|| "none went to its end".into());
        let error = Error::new(crate::Kind::Check, format!("no trial succeeded: {why}"));
        return Err(error.at(study.path().display().to_string()).fix("search other values, or allow more time"));
    };
    if study.run()?.is_some() || !study.finish(&search.name)? {
        return found(SearchEnd::Elsewhere, None);
    }
    onlooker.fact(&Fact::Chosen { trial: Box::new(chosen.clone()), noise: Noise::measure(&trials) });
    let mut config = laboratory.configure(chosen)?;
    config.output = base.output.clone();
    thalweg_kernels::pool::set_threads(base.train.threads);
    struct Quiet<'a>(&'a dyn Onlooker);
    impl Watch for Quiet<'_> {
        fn event(&mut self, event: &Event) {
            if let Event::Warning { message } = event {
                self.0.fact(&Fact::Warning(message.clone()));
            }
        }
        fn stop(&self) -> bool {
            self.0.stop()
        }
    }
    let outcome = search.while_alive(study, || run::train(&config, &mut Quiet(onlooker)))?;
    if outcome.end == crate::train::End::Interrupted {
        return found(SearchEnd::Interrupted, Some(outcome));
    }
    study.keep_run(&outcome.run)?;
    _ = std::fs::remove_dir(&laboratory.folder);
    found(end, Some(outcome))
}
