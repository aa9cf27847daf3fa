//! One trial: training with its values, pruned where it is behind others.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::lock;
use super::pruner;
use super::record::{Ending, EpochValue, Trial, TrialKind, TrialState};
use super::space::Space;
use super::study::Study;
use crate::config::{Config, Pruner};
use crate::data::dataset::Dataset;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::network::Predictor;
use crate::recipe::{self, Plan};
use crate::run;
use crate::run::{Checkpoint, RunFolder, keep};
use crate::tensor::ops::MatmulPrecision;
use crate::tensor::{Dtype, Tensor};
use crate::train::{Callback, State, StopReason, TrainSettings};

/// The minimum interval between checkpoints of a trial; shorter trials have none.
const PAUSE: Duration = Duration::from_secs(1);

/// State shared by all trials of a process.
pub(super) struct TrialRunner {
    pub(super) base: Config,
    pub(super) space: Space,
    pub(super) pruner: Pruner,
    /// The fingerprint of the data.
    pub(super) fingerprint: String,
    /// The folder of running trials.
    pub(super) folder: PathBuf,
    /// The secondary objectives.
    pub(super) secondary: Vec<String>,
    /// The maximum bytes a trial may need.
    pub(super) memory: u64,
    /// Folds per trial.
    folds: usize,
    /// The datasets last read, by the options that they depend on.
    data: Mutex<VecDeque<(String, Arc<Dataset>)>>,
}

/// The result of one training of a trial.
enum Trained {
    /// It completed: the metrics on dev.
    Done(BTreeMap<String, f64>),
    /// It was pruned; its best value so far.
    Behind(Option<f64>),
    /// It was stopped, and can be resumed.
    Stopped,
    /// It failed.
    Failed(Error),
}

/// The options that the data depends on.
fn key(config: &Config) -> String {
    serde_json::json!([config.data, config.split, config.preprocess]).to_string()
}

impl TrialRunner {
    /// A runner that keeps its trials next to the study; `data` is that of the unchanged configuration.
    pub(super) fn new(
        base: Config,
        data: Dataset,
        space: Space,
        pruner: Pruner,
        study: &Study,
        memory: u64,
    ) -> Result<TrialRunner> {
        Ok(TrialRunner {
            data: Mutex::new([(key(&base), Arc::new(data))].into()),
            secondary: base.tune.objective.iter().skip(1).cloned().collect(),
            folds: base.tune.folds.unwrap_or(1),
            base,
            space,
            pruner,
            fingerprint: study.data()?,
            folder: study.path().with_extension("trials"),
            memory,
        })
    }

    /// The folder of a running trial.
    pub(super) fn folder_of(&self, trial: usize) -> PathBuf {
        self.folder.join(format!("trial-{trial}"))
    }

    /// The data of a configuration, reread only where options that it depends on differ.
    pub(super) fn data(&self, config: &Config) -> Result<Arc<Dataset>> {
        let key = key(config);
        if let Some((_, data)) = lock(&self.data).iter().find(|(of, _)| *of == key) {
            return Ok(data.clone());
        }
        let data = Arc::new(recipe::dataset(config)?);
        let mut kept = lock(&self.data);
        // Folds come from small tables and are needed repeatedly.
        if kept.len() >= 4 * self.folds - 3 {
            kept.pop_front();
        }
        kept.push_back((key, data.clone()));
        Ok(data)
    }

    /// The configuration of a trial.
    pub(super) fn configure(&self, trial: &Trial) -> Result<Config> {
        let mut config = self.space.configure(&self.base, &trial.point)?;
        config.train.seed = trial.seed;
        Ok(config)
    }

    /// Runs a trial; none where it was stopped and can be resumed.
    pub(super) fn attempt(&self, trial: &Trial, study: &mut Study, stop: &AtomicBool) -> Result<Option<Ending>> {
        let mut ending = Ending::new(TrialState::Done);
        for fold in 0..self.folds {
            match self.train(trial, fold, study, stop, &mut ending)? {
                Trained::Done(measured) => {
                    for (name, value) in measured {
                        *ending.others.entry(name).or_default() += value / self.folds as f64;
                    }
                }
                Trained::Behind(value) => {
                    let why = Some("others are better at the same epoch".into());
                    return Ok(Some(Ending { state: TrialState::Pruned, value, why, ..ending }));
                }
                Trained::Stopped => return Ok(None),
                Trained::Failed(error) => {
                    let others = BTreeMap::new();
                    return Ok(Some(Ending {
                        state: TrialState::Failed,
                        others,
                        why: Some(error.to_string()),
                        ..ending
                    }));
                }
            }
        }
        ending.value = ending.others.get(&study.objective).copied();
        if ending.value.is_none() {
            ending.state = TrialState::Failed;
            ending.why = Some("the objective is not defined on the dev part".into());
        }
        Ok(Some(ending))
    }

    /// Trains once: on the given splits, or on one of several folds.
    fn train(
        &self,
        trial: &Trial,
        fold: usize,
        study: &mut Study,
        stop: &AtomicBool,
        ending: &mut Ending,
    ) -> Result<Trained> {
        let planned = self.configure(trial).and_then(|mut config| {
            config.split.fold = (self.folds > 1).then(|| vec![fold, self.folds]).or(config.split.fold);
            let data = self.data(&config)?;
            let plan = recipe::plan(&config, &data)?;
            self.check_memory(&plan, &data)?;
            Ok((config, data, plan))
        });
        let (config, data, plan) = match planned {
            Ok(planned) => planned,
            Err(error) => return Ok(Trained::Failed(error)),
        };
        let mut state = plan.state(trial.seed, plan.settings.average, plan.dtype);
        let mut callback = TrialCallback {
            runner: self,
            trial,
            study,
            stop,
            fold,
            epochs: plan.settings.epochs,
            pending: Vec::new(),
            values: Vec::new(),
            pruned: false,
            folder: None,
            saved: Instant::now(),
            broken: None,
        };
        callback.restore(&mut state, (&plan.settings, data.train_rows()));
        let end = run::fit(&config, &data, &plan, &mut state, &mut callback);
        callback.flush()?;
        ending.epochs += state.epoch;
        ending.seconds += state.seconds;
        match end {
            Err(error) => return Ok(Trained::Failed(error)),
            Ok(StopReason::Interrupted) if callback.pruned => return Ok(Trained::Behind(callback.best())),
            Ok(StopReason::Interrupted) => return Ok(Trained::Stopped),
            Ok(_) => {}
        }
        let (metrics, _) = run::evaluate_split(&data, &data.target, &plan, &state.best_theta, &data.parts.dev)?;
        let finite = metrics.into_iter().filter(|(_, metric)| metric.value.is_finite());
        let mut measured: BTreeMap<String, f64> = finite.map(|(name, metric)| (name, metric.value)).collect();
        measured.insert("loss".into(), state.best.loss);
        measured.insert(BEST_EPOCH.into(), state.best_epoch as f64);
        measured.insert("parameters".into(), plan.network.layout().trained() as f64);
        if self.secondary.iter().any(|name| name == LATENCY) {
            measured.insert(LATENCY.into(), latency(&plan, &state)?);
        }
        Ok(Trained::Done(measured))
    }

    /// Rejects a trial that needs too much memory before it begins.
    fn check_memory(&self, plan: &Plan, data: &Dataset) -> Result<()> {
        let size = if plan.dtype == Dtype::F64 { 8 } else { 4 };
        let theta = plan.network.layout().len() as u64;
        // θ, dθ, the best θ, its average, and the optimiser's state; outputs and their gradients.
        let state = theta * 7;
        let batch = plan.settings.batch_size.max(plan.network.rows_at_once(1024)) as u64;
        let room = 2 * batch * plan.network.numbers_per_row() as u64;
        let rows = (data.parts.train.rows + data.parts.dev.rows) as u64 * data.parts.train.columns as u64;
        let needed = size * (state + room + rows);
        if needed <= self.memory {
            return Ok(());
        }
        let mib = |bytes: u64| bytes >> 20;
        Err(Error::config(format!("needs about {} MiB, and may use {}", mib(needed), mib(self.memory)))
            .fix("allow more with [trial_memory], or search with fewer [workers]"))
    }
}

/// The key under which a trial stores its best epoch.
pub(super) const BEST_EPOCH: &str = "best_epoch";

/// The name of the objective for the time of one prediction.
pub(super) const LATENCY: &str = "latency";

/// Milliseconds to predict one row, median of many.
fn latency(plan: &Plan, state: &State) -> Result<f64> {
    let x = Tensor::zeros(plan.network.input().batch(1), plan.dtype);
    let mut predictor = Predictor::new(&plan.network, &state.best_theta, 1, MatmulPrecision::F32)?;
    let mut times: Vec<f64> = (0..200)
        .map(|_| {
            let start = Instant::now();
            predictor.forward(x.view())?;
            Ok(start.elapsed().as_secs_f64() * 1e3)
        })
        .collect::<Result<_>>()?;
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

/// Stores a trial's epochs and checkpoints, and checks whether to prune it.
struct TrialCallback<'a> {
    runner: &'a TrialRunner,
    trial: &'a Trial,
    study: &'a mut Study,
    stop: &'a AtomicBool,
    fold: usize,
    epochs: usize,
    /// Values not yet stored in the study.
    pending: Vec<EpochValue>,
    values: Vec<f64>,
    pruned: bool,
    folder: Option<RunFolder>,
    saved: Instant,
    broken: Option<Error>,
}

impl TrialCallback<'_> {
    fn fingerprint(&self) -> String {
        format!("{}, trial {}", self.runner.fingerprint, self.trial.number)
    }

    /// Resumes from the trial's checkpoint, where an earlier worker left an intact one; folds are short, and begin
    /// anew.
    fn restore(&mut self, state: &mut State, by: (&TrainSettings, usize)) {
        if self.runner.folds > 1 {
            return;
        }
        let Ok(folder) = RunFolder::open(self.runner.folder_of(self.trial.number)) else { return };
        if let Ok((checkpoint, _)) = Checkpoint::load(&folder)
            && keep::restore(state, &checkpoint, &|known| known == self.fingerprint(), by).is_ok()
        {
            self.values = self.study.curve(self.trial.number).unwrap_or_default();
            self.values.truncate(state.epoch);
        }
        self.folder = Some(folder);
    }

    fn cost(&self, value: f64) -> f64 {
        if self.study.higher { -value } else { value }
    }

    /// The best value so far.
    fn best(&self) -> Option<f64> {
        let finite = self.values.iter().copied().filter(|value| value.is_finite());
        finite.min_by(|a, b| self.cost(*a).total_cmp(&self.cost(*b)))
    }

    /// Stores the values of the epochs so far.
    fn flush(&mut self) -> Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let pending = std::mem::take(&mut self.pending);
        self.study.keep_epochs(self.trial.number, &pending)
    }

    fn is_left_behind(&mut self, epoch: usize) -> Result<bool> {
        // Trials that serve as a reference are never pruned, nor those that have completed their first fold.
        if self.trial.kind != TrialKind::Search
            || self.fold > 0
            || !pruner::looks(self.runner.pruner, self.trial.number, epoch, self.epochs)
        {
            return Ok(false);
        }
        self.flush()?;
        let mut bests = self.study.bests_at(epoch)?;
        bests.iter_mut().for_each(|(_, value)| *value = self.cost(*value));
        Ok(pruner::prunes(self.runner.pruner, self.trial.number, &bests))
    }
}

impl Callback for TrialCallback<'_> {
    fn event(&mut self, event: &Event) {
        let &Event::EpochEnded { epoch, dev_loss, ref dev, .. } = event else { return };
        let value = dev.get(&self.study.objective).copied().or(dev_loss).unwrap_or(f64::NAN);
        self.values.push(value);
        if self.fold == 0 {
            self.pending.push(EpochValue { epoch, value, best: self.best() });
        }
        match self.is_left_behind(epoch) {
            Ok(behind) => self.pruned |= behind && epoch < self.epochs,
            Err(error) => self.broken = Some(error),
        }
    }

    fn checkpoint(&mut self, state: &State) -> Result<()> {
        if let Some(error) = self.broken.take() {
            return Err(error);
        }
        if self.pruned || self.runner.folds > 1 {
            return Ok(());
        }
        if self.saved.elapsed() < PAUSE && !self.stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.flush()?;
        if self.folder.is_none() {
            // Where a worker presumed dead still holds the folder, the trial continues without checkpoints.
            self.folder = RunFolder::create(self.runner.folder_of(self.trial.number).to_str(), "").ok();
        }
        if let Some(folder) = &self.folder {
            keep::keep(state, &self.fingerprint()).save(folder)?;
        }
        self.saved = Instant::now();
        Ok(())
    }

    fn stop(&self) -> bool {
        self.pruned || self.stop.load(Ordering::Relaxed)
    }
}
