//! Whether a network can learn on its data, before any time is spent on training it (Ng's course; Karpathy's "A Recipe for
//! Training Neural Networks").

use std::collections::HashSet;
use std::time::Duration;

use super::StopAfter;
use super::subject::Subject;
#[cfg(feature = "tune")]
use crate::error::advice;
use crate::error::{ErrorKind, Result};
use crate::event::Event;
use crate::findings::{Finding, Severity, percent, short};
use crate::metrics::Metrics;
use crate::network::gradient_check;
use crate::optimizers::Adam;
use crate::random;
use crate::run::{self, Callback};
use crate::schedule::Schedule;
use crate::task::Task;
use crate::train::{State, TensorDataset, TrainSettings, Trainer};
#[cfg(feature = "tune")]
use crate::tune::learning_rate::{RangeTest, find};

/// Examples of the batch that is to be learned by heart.
const BATCH: usize = 16;
/// Steps on it.
const STEPS: usize = 300;
/// The share of its first cost that may be left.
const LEFT: f64 = 0.2;
/// The longest that such a training may take.
const LIMIT: Duration = Duration::from_secs(10);
/// Rows and epochs of the control with shuffled labels.
const CONTROL: (usize, usize) = (2_000, 10);
/// Examples of a gradient check.
const CHECKED: usize = 16;

impl Callback for StopAfter {
    fn event(&mut self, event: &Event) {
        self.events.push(event.clone());
    }

    fn step(&mut self, _learning_rate: f64, _cost: f64) {
        self.steps = self.steps.saturating_sub(1);
    }

    fn stop(&self) -> bool {
        self.steps == 0
    }
}

/// The events of the first step.
pub(super) fn first_events(subject: &Subject) -> Result<Vec<Event>> {
    let data = subject.data()?;
    let mut config = subject.config.clone();
    (config.output.baselines, config.output.importance) = (Some(false), false);
    let mut first = StopAfter { steps: 1, events: Vec::new() };
    run::train_on(&config, data, None, &mut first)?;
    let of_the_start = |event: &Event| !matches!(event, Event::EpochEnded { .. } | Event::Finished { .. });
    Ok(first.events.into_iter().filter(of_the_start).collect())
}

/// A layer whose gradient is not that of its output.
pub(super) fn gradient_wrong(subject: &Subject) -> Result<Option<Finding>> {
    let tolerance = gradient_check::CheckSettings::default().tolerance;
    let reports = run::check(&subject.config, 0, 1e-6, CHECKED)?;
    let wrong = reports.iter().find_map(|(_, report)| report.culprit(tolerance));
    Ok(wrong.map(|row| {
        Finding::new(
            Severity::Severe,
            "a gradient is wrong",
            format!(
                "{} {} differs from two-sided differences by {} of itself (up to {} passes)",
                row.name,
                row.parameter,
                short(row.relative_difference),
                short(tolerance)
            ),
            "correct the layer’s backward pass; thalweg check shows every parameter",
            "training follows the cost downwards",
        )
    }))
}

/// A network that cannot even learn a few examples by heart: a mistake in it, or in what it is given.
pub(super) fn cannot_overfit_a_batch(subject: &Subject) -> Result<Option<Finding>> {
    let (data, plan) = subject.prepared()?;
    if data.on_disk.is_some() {
        return Ok(None);
    }
    let all = run::examples(&data.parts.train, None, data, plan.dtype)?;
    // Equal examples with different answers cannot be told apart.
    let width = data.parts.train.columns.max(1);
    let mut seen = HashSet::new();
    let rows: Vec<usize> = (0..all.rows())
        .filter(|row| {
            seen.insert(data.parts.train.x[row * width..][..width].iter().map(|x| x.to_bits()).collect::<Vec<_>>())
        })
        .take(BATCH)
        .collect();
    let x = rows.iter().flat_map(|row| all.x.view().rows(*row, 1).to_f64()).collect();
    let y = rows.iter().flat_map(|row| all.y.view().rows(*row, 1).to_f64()).collect();
    let tensor = |like: &crate::tensor::Tensor, values| {
        crate::tensor::Tensor::from_f64(like.shape().with_rows(rows.len()), values).into_dtype(plan.dtype)
    };
    let batch = TensorDataset::new(tensor(&all.x, x), tensor(&all.y, y), None)?;
    let settings = TrainSettings {
        seed: subject.config.train.seed,
        batch_size: BATCH,
        epochs: STEPS,
        learning_rate: 3e-3,
        schedule: Schedule::Constant,
        time_limit: Some(LIMIT),
        ..TrainSettings::default()
    };
    let trainer = Trainer {
        network: &plan.network,
        loss: &*plan.loss,
        optimizer: &Adam::USUAL,
        settings: settings.clone(),
        train: &batch,
        dev: None,
        evaluate: &|_| Metrics::new(),
    };
    let theta = plan.network.initialize(settings.seed, plan.dtype);
    let mut costs = Vec::new();
    let mut state = State::from_theta(&plan.network, &Adam::USUAL, theta, 0.0);
    let end = trainer.fit(&mut state, &mut Costs(&mut costs));
    if end.as_ref().is_err_and(|error| error.kind != ErrorKind::Diverged) {
        return end.map(|_| None);
    }
    let Some(first) = costs.first().copied().filter(|first| *first > 1e-3) else { return Ok(None) };
    let last = costs.iter().rev().take(10).copied().fold(f64::MAX, f64::min);
    Ok((last > LEFT * first).then(|| {
        Finding::new(
            Severity::Severe,
            "the network cannot learn a single batch by heart",
            format!(
                "after {} steps of Adam on {} examples the cost is {}, from {}: {} is left",
                costs.len(),
                rows.len(),
                short(last),
                short(first),
                percent(last / first)
            ),
            "give it layers that can: [layers=64,32] [init=he_normal] [dropout=0]",
            "the cost of one batch falls to next to nothing",
        )
    }))
}

/// The cost of each step.
struct Costs<'a>(&'a mut Vec<f64>);

impl Callback for Costs<'_> {
    fn event(&mut self, _: &Event) {}

    fn step(&mut self, _learning_rate: f64, cost: f64) {
        self.0.push(cost);
    }
}

/// A learning rate that was given, and is far above where the cost falls fastest (Smith 2017).
#[cfg(feature = "tune")]
pub(super) fn rate_beyond_range_test(subject: &Subject) -> Result<Option<Finding>> {
    let (Some(rate), None) = (subject.config.train.learning_rate, &subject.config.train.start_from) else {
        return Ok(None);
    };
    let rates = find(&subject.config, RangeTest { steps: 100, seeds: 3, ..RangeTest::default() })?;
    // Ten times where it falls fastest it has stopped falling.
    Ok((rate > 10.0 * rates.band.1).then(|| {
        Finding::new(
            Severity::Warning,
            format!("a learning rate of {} is more than the range test bears", short(rate)),
            format!("the cost falls fastest at rates from {} to {}", short(rates.band.0), short(rates.band.1)),
            advice!("[learning_rate={}]", rates.suggestion),
            "the cost falls from the first epoch on",
        )
    }))
}

/// A control: labels that are shuffled cannot be learned, unless dev's rows are trained on.
pub(super) fn shuffled_labels_learned(subject: &Subject) -> Result<Option<Finding>> {
    let data = subject.data()?;
    if !matches!(data.task, Task::Binary | Task::Multiclass)
        || data.on_disk.is_some()
        || data.parts.dev.rows < 30
        || data.pipeline.media().is_some()
    {
        return Ok(None);
    }
    let mut data = data.clone();
    let train = &mut data.parts.train;
    let rows = train.rows.min(CONTROL.0);
    (train.rows, train.raw) = (rows, Default::default());
    train.x.truncate(rows * train.columns);
    train.y.truncate(rows * train.targets);
    if let Some(weights) = &mut train.weights {
        weights.truncate(rows);
    }
    train.source_lines.truncate(rows);
    let shuffled = random::resample(subject.config.train.seed, 0).permutation(rows);
    train.y = shuffled.iter().map(|row| train.y[*row as usize]).collect();
    let mut config = subject.config.clone();
    (config.train.epochs, config.train.train_on_dev, config.network.ensemble) = (Some(CONTROL.1), Some(false), Some(1));
    (config.output.baselines, config.output.importance, config.train.class_weights) = (Some(false), false, None);
    let trained = run::train_on(&config, &data, None, &mut |_: &Event| ())?;
    let Some(accuracy) = trained.model.provenance.metrics.dev.get("accuracy").copied() else { return Ok(None) };
    let mut counts = vec![0_usize; data.target.classes.len()];
    data.parts.dev.y.iter().for_each(|class| counts[*class as usize] += 1);
    let frequent = counts.iter().copied().max().unwrap_or(0) as f64 / data.parts.dev.rows as f64;
    Ok((accuracy.low.unwrap_or(0.0) > frequent + 0.02).then(|| {
        Finding::new(
            Severity::Severe,
            "shuffled labels are learned: dev’s answers are in what the network is given",
            format!(
                "trained on shuffled labels, {} of dev’s rows are right, where the most frequent class makes {}",
                percent(accuracy.value),
                percent(frequent)
            ),
            "keep dev’s rows out of train: by [group] or [time], and see that rows are not copies",
            "dev tells how good the model is on new rows",
        )
    }))
}
