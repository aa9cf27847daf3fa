//! What checks ask of a run.

use crate::event::Run;
use crate::event::{LayerRow, LayerScale, Splits};
use crate::metrics::{Metric, Metrics};
use crate::task::Task;

/// A run, and what its user says of the task.
pub(crate) struct Facts<'a> {
    pub(super) run: &'a Run,
    /// The error of people at the task, from 0 to 1.
    pub(super) human_level: Option<f64>,
}

/// A layer with weights, as sampled in one step.
pub(super) struct Sampled<'a> {
    pub(super) row: &'a LayerRow,
    pub(super) scale: &'a LayerScale,
    /// RMS of its weights.
    pub(super) weight: f64,
    /// Inputs of one of its units.
    pub(super) fan_in: f64,
    /// Whether it is the last of these: the one that makes the logits.
    pub(super) last: bool,
}

impl Sampled<'_> {
    /// RMS(W)·√n_in: what a layer multiplies the scale of its inputs by, before its activation. He's initialisation makes
    /// it √2, Xavier's 1, Glorot's between 0 and √2.
    pub(super) fn gain(&self) -> f64 {
        self.weight * self.fan_in.sqrt()
    }
}

/// What is asked of a split's answers: an error from 0 (perfect) on, with its interval.
#[derive(Clone, Copy)]
pub(crate) struct Mistaken {
    pub(crate) value: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Mistaken {
    /// 1 − accuracy, or 1 − R².
    pub(crate) fn of(metrics: &Metrics, regression: bool) -> Option<Mistaken> {
        let Metric { value, low, high } = *metrics.get(if regression { "r2" } else { "accuracy" })?;
        let (low, high) = (low.unwrap_or(value), high.unwrap_or(value));
        Some(Mistaken { value: 1.0 - value, low: 1.0 - high, high: 1.0 - low })
    }
}

impl<'a> Facts<'a> {
    /// Whether the target is numbers.
    pub(super) fn regression(&self) -> bool {
        self.run.task == Some(Task::Regression)
    }

    /// The layers of units with weights (linear and convolutions), sampled at a position.
    pub(super) fn weighted(&self, scales: &'a [LayerScale]) -> Vec<Sampled<'a>> {
        let run = self.run;
        let mut sampled: Vec<Sampled> = run
            .layers
            .iter()
            .filter(|row| row.description.starts_with("linear") || row.description.starts_with("conv"))
            .filter(|row| !row.description.contains("NTK"))
            .filter_map(|row| {
                let scale = scales.iter().find(|scale| scale.name == row.name)?;
                let units = *row.output.last()? as f64;
                let biases = if row.description.contains("no bias") { 0.0 } else { units };
                let fan_in = (row.parameters as f64 - biases) / units;
                Some(Sampled { row, scale, weight: scale.weight?, fan_in, last: false })
            })
            .collect();
        if let Some(last) = sampled.last_mut() {
            last.last = true;
        }
        sampled
    }

    /// The layers' scales at the first step.
    pub(super) fn first(&self) -> Vec<Sampled<'a>> {
        let first = self.run.scales.first().filter(|(step, _)| *step == 1);
        first.map_or_else(Vec::new, |(_, scales)| self.weighted(scales))
    }

    /// The layers' scales when they were last sampled in a step that went well.
    pub(super) fn last(&self) -> Vec<Sampled<'a>> {
        let finite = |scales: &&(usize, Vec<LayerScale>)| scales.1.iter().all(|scale| scale.gradient.is_finite());
        self.run.scales.iter().rev().find(finite).map_or_else(Vec::new, |(_, scales)| self.weighted(scales))
    }

    /// The typical share by which a step changes a layer's weights, in each sample: the median of the layers.
    pub(super) fn updates(&self) -> Vec<f64> {
        let of = |(_, scales): &'a (usize, Vec<LayerScale>)| {
            median(self.weighted(scales).iter().filter_map(|layer| layer.scale.update))
        };
        self.run.scales.iter().filter_map(of).collect()
    }

    /// The highest learning rate of any epoch.
    pub(super) fn learning_rate(&self) -> Option<f64> {
        self.run.epochs.iter().map(|epoch| epoch.learning_rate).filter(|rate| *rate > 0.0).max_by(f64::total_cmp)
    }

    /// Examples in a batch.
    pub(super) fn batch(&self) -> usize {
        self.run.examples.train.div_ceil(self.run.steps_per_epoch.max(1))
    }

    /// The metrics of each split.
    pub(super) fn metrics(&self) -> Option<&'a Splits<Metrics>> {
        self.run.end.as_ref().map(|end| &end.metrics)
    }

    /// The error of answers.
    pub(super) fn error(&self, metrics: &Metrics) -> Option<Mistaken> {
        Mistaken::of(metrics, self.regression())
    }

    /// The share of what is to be explained that the network leaves open on a split: its log loss over that of the classes'
    /// frequencies, or 1 − R².
    pub(super) fn left_open(&self, part: fn(&Splits<Metrics>) -> &Metrics) -> Option<f64> {
        let own = part(self.metrics()?);
        if self.regression() {
            return Some(1.0 - own.get("r2")?.value);
        }
        let constant = self.run.baselines.iter().find(|baseline| baseline.name.ends_with("frequencies"))?;
        let of = |metrics: &Metrics| metrics.get("log_loss").map(|metric| metric.value);
        let frequencies = of(&constant.metrics.dev).or_else(|| of(&constant.metrics.test))?;
        Some(of(own)? / frequencies.max(f64::MIN_POSITIVE))
    }

    /// Whether the network learned little: it leaves more than 80 % open even on the rows it was trained on.
    pub(super) fn learned_little(&self) -> bool {
        self.run.diverged().is_some() || self.left_open(|parts| &parts.train).is_some_and(|open| open > 0.8)
    }

    /// Whether there is a layer between the inputs and the logits.
    pub(super) fn has_hidden_layers(&self) -> bool {
        self.run.layers.iter().any(|row| row.description.starts_with("ensemble"))
            || self.run.layers.iter().filter(|row| row.parameters > 0).count() > 1
    }
}

/// The middle value.
pub(super) fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
