//! Hyperparameter search: trials, each a training with different values, kept in a study that survives crashes.
//!
//! A study is an SQLite file. Any number of processes may work on it concurrently, each with workers that take one
//! trial at a time. When the search is over, the best trial is trained with other seeds to measure noise, and the best
//! of these becomes an ordinary run: only then is the test split evaluated.

mod begin;
mod choice;
mod constraint;
mod defaults;
mod ensemble;
mod finish;
mod importance;
pub mod learning_rate;
mod page;
mod pruner;
mod rates;
mod record;
mod sampler;
mod space;
mod study;
mod trial;
mod worker;

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard};

use crate::config::Config;
use crate::error::Result;
use crate::event::{Decision, Warning};
use crate::run::{Callback, Outcome};

pub use choice::{SeedNoise, best, front};
pub(crate) use importance::Surrogate;
pub use importance::{Importance, importance};
pub use page::{study_figures, study_html, study_sections, write_study_figures};
pub use rates::rates_figure;
pub use record::{Trial, TrialKind, TrialState};
pub use space::{Dimension, Point, Scale, Space};
pub use study::Study;

use begin::Begun;
use trial::TrialRunner;
use worker::Search;

/// One event of a search, in chronological order.
#[derive(Debug, Clone)]
pub enum SearchEvent {
    /// The search begins or resumes.
    Started {
        /// The study's file.
        study: PathBuf,
        /// The search space, one line per dimension.
        space: Vec<String>,
        /// The maximum number of trials, trials ended, and workers in this process.
        trials: (usize, usize, usize),
        /// The metric optimised for, and whether higher is better.
        objective: (String, bool),
        /// What was decided for the user.
        decisions: Vec<Decision>,
        /// An upper bound in seconds, estimated from the first epoch.
        forecast: f64,
    },
    /// A trial ended in this process.
    Ended {
        /// The trial.
        trial: Box<Trial>,
        /// The best trial so far, with its value.
        best: Option<(usize, f64)>,
        /// Trials that have ended, in all processes.
        ended: usize,
        /// Trials per minute in this process.
        pace: f64,
        /// Estimated seconds left at this pace.
        left: f64,
    },
    /// The search is over, and the best trial is trained into the final model.
    Chosen {
        /// The trial, with the seed that did best.
        trial: Box<Trial>,
        /// How many networks the final model has.
        members: usize,
        /// Whether it is trained on all dev rows, too.
        refit: bool,
    },
    /// A warning for the user.
    Warning(Warning),
}

/// The caller's callback, which workers share.
struct SharedCallback<'a>(Mutex<&'a mut (dyn Callback<SearchEvent> + Send)>);

impl SharedCallback<'_> {
    fn event(&self, event: &SearchEvent) {
        lock(&self.0).event(event);
    }

    fn stop(&self) -> bool {
        lock(&self.0).stop()
    }
}

/// Why a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchEnd {
    /// All trials are done.
    Done,
    /// No improvement for the requested number of trials.
    Stalled,
    /// The time budget is used up.
    Budget,
    /// A stop was requested; the search can be resumed.
    Interrupted,
    /// Another process is training the best trial.
    Elsewhere,
}

/// The result of a search.
#[derive(Debug)]
pub struct SearchResult {
    /// The study's file.
    pub study: PathBuf,
    /// Every trial.
    pub trials: Vec<Trial>,
    /// The metric optimised for, and whether higher is better.
    pub objective: (String, bool),
    /// How much of the difference between trials is noise.
    pub noise: Option<SeedNoise>,
    /// The Pareto front of all objectives.
    pub front: Vec<usize>,
    /// The best trial's run.
    pub outcome: Option<Outcome>,
    /// Why the search ended.
    pub end: SearchEnd,
}

/// Runs the search that a configuration describes, in a new study or in the one that it names.
///
/// # Errors
/// If the data, the configuration or the space is invalid, the study cannot be used, or no trial could be trained.
pub fn tune(config: &Config, callback: &mut (dyn Callback<SearchEvent> + Send)) -> Result<SearchResult> {
    let Begun { base, study, space, data, plan, decisions } = begin::open(config, &|| callback.stop())?;
    let workers = begin::workers(&base);
    thalweg_kernels::pool::set_threads(if workers > 1 { 1 } else { base.train.threads });
    let most = sampler::count(&space, &base.tune)
        .map_or(base.tune.trials, |count| (count + usize::from(base.tune.baseline)).min(base.tune.trials));
    let before = study.trials()?;
    let ended = before.iter().filter(|trial| trial.state.is_ended()).count();
    let left = most.saturating_sub(ended) + base.tune.seeds + 1;
    let callback = &SharedCallback(Mutex::new(callback));
    callback.event(&SearchEvent::Started {
        study: study.path().into(),
        space: base.tune.search.iter().map(|(name, values)| format!("{name} {values}")).collect(),
        trials: (most, ended, workers),
        objective: (study.objective.clone(), study.higher),
        decisions,
        forecast: begin::epoch_seconds(&base, &data, &plan)?
            * (plan.settings.epochs * left * base.tune.folds.unwrap_or(1)) as f64
            / workers as f64,
    });

    let free = crate::data::memory::free().map_or(u64::MAX, |bytes| bytes / 10 * 8 / workers as u64);
    let memory = base.tune.trial_memory.map_or(free, |mib| (mib * (1 << 20) as f64) as u64);
    let runner = TrialRunner::new(base.clone(), data, space, begin::pruner(&base), &study, memory)?;
    let search = Search::new(&runner, callback, most);
    let end = search.run(&study, workers)?;
    finish::finish(&base, &study, &runner, &search, end, callback)
}

/// Locks a mutex, ignoring poison: a worker that panicked has ended its trial and left nothing half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
