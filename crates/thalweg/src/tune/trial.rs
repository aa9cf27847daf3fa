//! One trial: training with its values, watched for others that leave it behind.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::pruner;
use super::space::Space;
use super::study::{Ending, Study, Trial, TrialKind, TrialState};
use crate::data::dataset::{self, Dataset};
use crate::error::{Error, Result};
use crate::network::Predictor;
use crate::recipe::{self, Plan};
use crate::run;
use crate::spec::{Config, Pruner};
use crate::tensor::{Dtype, Tensor};
use crate::train::event::Event;
use crate::train::{Checkpoint, End, RunFolder, State, Watcher, keep};

/// The least time between two checkpoints of a trial; a shorter trial has none.
const PAUSE: Duration = Duration::from_secs(1);

/// What all trials of a process share.
pub(super) struct Laboratory {
    pub(super) base: Config,
    pub(super) space: Space,
    pub(super) pruner: Pruner,
    /// The fingerprint of the data.
    pub(super) fingerprint: String,
    /// The folder of trials under way.
    pub(super) folder: PathBuf,
    /// The objectives besides the value.
    pub(super) besides: Vec<String>,
    /// The most bytes that a trial may need.
    pub(super) memory: u64,
    /// The data as it was last read, with the options that it depends on.
    data: Mutex<Option<(String, Arc<Dataset>)>>,
}

impl Laboratory {
    /// A laboratory whose trials are kept beside the study.
    pub(super) fn new(base: Config, space: Space, pruner: Pruner, study: &Study, memory: u64) -> Laboratory {
        let besides = base.tune.objective.iter().skip(1).cloned().collect();
        let folder = study.path().with_extension("trials");
        Laboratory { base, space, pruner, fingerprint: String::new(), folder, besides, memory, data: Mutex::new(None) }
    }

    /// The data of a configuration, read anew only where options that it depends on differ.
    pub(super) fn data(&self, config: &Config) -> Result<Arc<Dataset>> {
        let key = serde_json::json!([config.data, config.split, config.preprocess]).to_string();
        let kept = self.data.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
        if let Some((_, data)) = kept.filter(|(of, _)| *of == key) {
            return Ok(data);
        }
        let data = Arc::new(dataset::load(config)?);
        *self.data.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some((key, data.clone()));
        Ok(data)
    }

    /// The configuration of a trial.
    pub(super) fn configure(&self, trial: &Trial) -> Result<Config> {
        let mut config = self.space.configure(&self.base, &trial.point)?;
        config.train.seed = trial.seed;
        Ok(config)
    }

    /// Does a trial; none where it was stopped and can be gone on with.
    pub(super) fn attempt(&self, trial: &Trial, study: &mut Study, stop: &AtomicBool) -> Result<Option<Ending>> {
        let failed = |error: Error| {
            let why = Some(error.to_string());
            Ok(Some(Ending {
                state: TrialState::Failed,
                value: None,
                others: Default::default(),
                epochs: 0,
                seconds: 0.0,
                why,
            }))
        };
        let planned = self.configure(trial).and_then(|config| {
            let data = self.data(&config)?;
            let plan = recipe::plan(&config, &data)?;
            self.check_memory(&plan, &data)?;
            Ok((config, data, plan))
        });
        let (config, data, plan) = match planned {
            Ok(planned) => planned,
            Err(error) => return failed(error),
        };
        let mut state = State::new(&plan.network, &*plan.optimizer, trial.seed, plan.settings.average, plan.dtype);
        let mut watcher = TrialWatcher::new(self, trial, study, stop, plan.settings.epochs);
        watcher.restore(&mut state);
        let end = run::fit(&config, &data, &plan, &mut state, &mut watcher);
        watcher.flush()?;
        let (pruned, value) = (watcher.pruned, watcher.best());
        let counts = (state.epoch, state.seconds);
        let ending = |state, value, why: Option<&str>| Ending {
            state,
            value,
            others: Default::default(),
            epochs: counts.0,
            seconds: counts.1,
            why: why.map(Into::into),
        };
        match end {
            Err(error) => {
                return failed(error).map(|end| end.map(|end| Ending { epochs: counts.0, seconds: counts.1, ..end }));
            }
            Ok(End::Interrupted) if pruned => {
                return Ok(Some(ending(TrialState::Pruned, value, Some("others are better at the same epoch"))));
            }
            Ok(End::Interrupted) => return Ok(None),
            Ok(_) => {}
        }
        let (metrics, _) = run::judge_part(&data, &plan, &state, &data.parts.dev)?;
        let mut others: std::collections::BTreeMap<String, f64> =
            metrics.iter().map(|(name, metric)| (name.clone(), metric.value)).filter(|(_, x)| x.is_finite()).collect();
        others.insert("loss".into(), state.best.loss);
        others.insert("parameters".into(), plan.network.layout().trained() as f64);
        if self.besides.iter().any(|name| name == LATENCY) {
            others.insert(LATENCY.into(), latency(&plan, &state));
        }
        let value = others.get(&study.objective).copied();
        let state = if value.is_some() { TrialState::Done } else { TrialState::Failed };
        let why = value.is_none().then_some("the objective is not defined on the dev part");
        Ok(Some(Ending { others, ..ending(state, value, why) }))
    }

    /// A trial that needs too much ends before it begins.
    fn check_memory(&self, plan: &Plan, data: &Dataset) -> Result<()> {
        let size = if plan.dtype == Dtype::F64 { 8 } else { 4 };
        let theta = plan.network.layout().len() as u64;
        // θ, dθ, the best θ, its average, and the optimiser's vectors; outputs and their gradients.
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
            .fix("allow more with --trial-memory, or search with fewer --workers"))
    }
}

/// The name of the objective that is the time of one prediction.
pub(super) const LATENCY: &str = "latency";

/// Milliseconds that one row takes to predict, the median of many.
fn latency(plan: &Plan, state: &State) -> f64 {
    let x = Tensor::zeros(plan.network.input().batch(1), plan.dtype);
    let mut predictor = Predictor::new(&plan.network, &state.best_theta, 1);
    let mut times: Vec<f64> = (0..200)
        .map(|_| {
            let start = Instant::now();
            _ = predictor.forward(x.view());
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Keeps a trial's epochs and checkpoints, and looks whether it is left behind.
struct TrialWatcher<'a> {
    laboratory: &'a Laboratory,
    trial: &'a Trial,
    study: &'a mut Study,
    stop: &'a AtomicBool,
    epochs: usize,
    /// Values not yet kept in the study.
    pending: Vec<(usize, f64)>,
    values: Vec<f64>,
    pruned: bool,
    folder: Option<RunFolder>,
    saved: Instant,
    broken: Option<Error>,
}

impl<'a> TrialWatcher<'a> {
    fn new(
        laboratory: &'a Laboratory,
        trial: &'a Trial,
        study: &'a mut Study,
        stop: &'a AtomicBool,
        epochs: usize,
    ) -> Self {
        TrialWatcher {
            laboratory,
            trial,
            study,
            stop,
            epochs,
            pending: Vec::new(),
            values: Vec::new(),
            pruned: false,
            folder: None,
            saved: Instant::now(),
            broken: None,
        }
    }

    fn path(&self) -> PathBuf {
        self.laboratory.folder.join(format!("trial-{}", self.trial.number))
    }

    fn fingerprint(&self) -> String {
        format!("{}, trial {}", self.laboratory.fingerprint, self.trial.number)
    }

    /// Goes on from the trial's checkpoint, where a worker before left a whole one.
    fn restore(&mut self, state: &mut State) {
        let Ok(folder) = RunFolder::open(self.path()) else { return };
        if let Ok((checkpoint, _)) = Checkpoint::load(&folder)
            && keep::restore(state, &checkpoint, &self.fingerprint()).is_ok()
        {
            let curves = self.study.curves().unwrap_or_default();
            let before = curves.get(&self.trial.number).into_iter().flatten();
            self.values = before.filter(|(epoch, _)| *epoch <= state.epoch).map(|(_, value)| *value).collect();
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

    /// Keeps the values of the epochs so far.
    fn flush(&mut self) -> Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let pending = std::mem::take(&mut self.pending);
        self.study.keep_epochs(self.trial.number, &pending)
    }

    fn is_left_behind(&mut self, epoch: usize) -> Result<bool> {
        // Chance must not end the trials that others are measured by.
        if self.trial.kind != TrialKind::Search
            || !pruner::looks(self.laboratory.pruner, self.trial.number, epoch, self.epochs)
        {
            return Ok(false);
        }
        self.flush()?;
        let mut curves = self.study.curves()?;
        curves.values_mut().flatten().for_each(|(_, value)| *value = self.cost(*value));
        Ok(pruner::prunes(self.laboratory.pruner, self.trial.number, epoch, self.epochs, &curves))
    }
}

impl Watcher for TrialWatcher<'_> {
    fn event(&mut self, event: Event) {
        let Event::EpochEnded { epoch, dev_loss, dev, .. } = event else { return };
        let value = dev.get(&self.study.objective).copied().or(dev_loss).unwrap_or(f64::NAN);
        self.values.push(value);
        self.pending.push((epoch, value));
        match self.is_left_behind(epoch) {
            Ok(behind) => self.pruned |= behind && epoch < self.epochs,
            Err(error) => self.broken = Some(error),
        }
    }

    fn checkpoint(&mut self, state: &State) -> Result<()> {
        if let Some(error) = self.broken.take() {
            return Err(error);
        }
        if self.pruned || (self.saved.elapsed() < PAUSE && !self.stop.load(Ordering::Relaxed)) {
            return Ok(());
        }
        self.flush()?;
        if self.folder.is_none() {
            // Where a worker that was taken for dead still holds the folder, the trial goes on without checkpoints.
            self.folder = RunFolder::create(self.path().to_str(), "").ok();
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
