//! Reports on a run, in words and events.

use super::{counts, training_rows};
use crate::config::Config;
use crate::data::dataset::Dataset;
use crate::error::{Result, advice};
use crate::event::{self, Event, SplitPredictions, Splits, Warning};
use crate::metrics::Metrics;
use crate::recipe::Plan;
use crate::train::{Callback, State, StopReason};

/// The stop reason of a run that can be resumed.
pub(super) const INTERRUPTED: &str = "interrupted";

/// Why training ended, in words.
pub(super) fn reason(end: StopReason, plan: &Plan) -> String {
    match end {
        StopReason::Patience => {
            format!("the dev {} has not got better for {} epochs", plan.settings.monitor.0, plan.settings.patience)
        }
        StopReason::Done => "all epochs done".into(),
        StopReason::TimeLimit => "the time limit is reached".into(),
        StopReason::Interrupted => INTERRUPTED.into(),
    }
}

/// Warnings about the data and the network.
pub(super) fn warnings(data: &Dataset, plan: &Plan) -> Vec<Warning> {
    let mut warnings: Vec<Warning> = data.warnings.iter().cloned().map(Warning::from).collect();
    let hidden_zeros = plan
        .network
        .layout()
        .entries()
        .iter()
        .any(|entry| entry.decays && entry.init == crate::init::Init::Constant(0.0));
    if hidden_zeros && plan.network.layers().len() > 1 {
        warnings.push(Warning {
            message: "weights initialised to 0 never break their symmetry: all units of a layer stay equal".into(),
            remedy: "use [init=he_normal]".into(),
        });
    }
    warnings
}

/// The event that describes the training and its progress so far.
pub(super) fn started(data: &Dataset, plan: &Plan, run: String, from_epoch: usize) -> Event {
    let batch = plan.settings.batch_size.clamp(1, data.train_rows());
    Event::RunStarted {
        version: event::VERSION,
        thalweg: env!("CARGO_PKG_VERSION").into(),
        run,
        data: data.name.clone(),
        task: data.task,
        targets: data.target.columns.clone(),
        classes: data.target.classes.clone(),
        examples: counts(data),
        features: data.parts.train.columns,
        layers: plan.network.summary(),
        parameters: plan.network.layout().trained(),
        steps_per_epoch: data.train_rows().div_ceil(batch),
        epochs: plan.settings.epochs,
        from_epoch,
        monitor: plan.settings.monitor.clone(),
    }
}

/// Reports what is trained, its provenance, the decisions made for the user, and what the training rows hold.
///
/// # Errors
/// If training rows on disk cannot be read.
pub(super) fn announce(
    config: &Config,
    data: &Dataset,
    plan: &Plan,
    run: String,
    command: String,
    callback: &mut dyn Callback,
) -> Result<()> {
    callback.event(&started(data, plan, run, 0));
    let mut facts = vec![
        ("seed".to_string(), config.train.seed.to_string()),
        ("precision".into(), format!("{:?}", plan.dtype).to_lowercase()),
        ("instructions".into(), format!("{:?}", thalweg_kernels::instructions()).to_lowercase()),
    ];
    facts.extend(data.hashes.iter().map(|(name, hash)| (format!("BLAKE3 of {name}"), hash.clone())));
    callback.event(&Event::Provenance { command, facts });
    for decision in data.decisions.iter().chain(&plan.decisions) {
        callback.event(&Event::Decision(decision.clone()));
    }
    callback.event(&Event::TrainingRows(training_rows::count(data)?));
    for warning in warnings(data, plan) {
        callback.event(&Event::Warning(warning));
    }
    Ok(())
}

/// The event that ends a run.
pub(super) fn finished(reason: String, state: &State, metrics: &Splits<Metrics>, answers: SplitPredictions) -> Event {
    Event::Finished {
        reason,
        epochs: state.epoch,
        best_epoch: state.best_epoch,
        seconds: state.seconds,
        metrics: metrics.clone(),
        answers,
    }
}

/// The epoch cost above which training has blown up; none where costs have no typical scale, or once it is reported.
pub(super) struct DivergenceMonitor(Option<f64>);

impl DivergenceMonitor {
    /// Cross-entropy, and errors of scaled targets, start near 1.
    pub(super) fn new(config: &Config, data: &Dataset) -> Self {
        let scaled = data.task.is_classes() || config.preprocess.scale_target;
        DivergenceMonitor(scaled.then_some(1e3))
    }

    /// A warning, the first time an epoch's cost is too high.
    pub(super) fn see(&mut self, event: &Event) -> Option<Event> {
        let Event::EpochEnded { epoch, cost, learning_rate, .. } = event else { return None };
        self.0.take_if(|divergence| *cost > *divergence)?;
        Some(Event::Warning(Warning {
            message: format!("training has blown up: the cost of epoch {epoch} is {cost:.3e}"),
            remedy: advice!("lower [learning_rate] (now {}), or set [clip_norm=1]", learning_rate),
        }))
    }
}
