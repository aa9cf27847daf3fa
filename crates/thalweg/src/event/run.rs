//! A run aggregated from its events: resumed runs joined, repeated decisions listed once.

use std::collections::BTreeMap;

use super::{
    Answers, Baseline, Decision, Dependence, Event, Importance, LayerRow, LayerScale, Phases, Splits, TrainingRows,
};
use crate::metrics::{Metric, Metrics};
use crate::task::Task;

/// The facts of a run, as far as its events report them.
#[derive(Debug, Default)]
pub(crate) struct Run {
    /// Version of Thalweg.
    pub(crate) thalweg: String,
    /// Name of the run.
    pub(crate) name: String,
    pub(crate) data: String,
    pub(crate) task: Option<Task>,
    pub(crate) targets: Vec<String>,
    pub(crate) classes: Vec<String>,
    pub(crate) examples: Splits,
    pub(crate) features: usize,
    pub(crate) layers: Vec<LayerRow>,
    pub(crate) parameters: usize,
    pub(crate) steps_per_epoch: usize,
    /// The maximum number of epochs.
    pub(crate) planned: usize,
    /// The watched metric, and whether higher is better.
    pub(crate) monitor: (String, bool),
    /// The epochs after which the run was resumed.
    pub(crate) resumed: Vec<usize>,
    pub(crate) command: String,
    pub(crate) facts: Vec<(String, String)>,
    pub(crate) decisions: Vec<Decision>,
    pub(crate) training_rows: Option<TrainingRows>,
    pub(crate) warnings: Vec<String>,
    /// Steps done, and the layers' scales at that step.
    pub(crate) scales: Vec<(usize, Vec<LayerScale>)>,
    /// The mean loss of the first batch, before the first step.
    pub(crate) first_cost: Option<f64>,
    pub(crate) epochs: Vec<Epoch>,
    /// Results of training without each augmentation.
    pub(crate) ablations: Vec<Ablation>,
    pub(crate) importance: Option<Importance>,
    /// Of the most important columns, in their order.
    pub(crate) dependences: Vec<Dependence>,
    /// Simple models on the same rows.
    pub(crate) baselines: Vec<Baseline>,
    pub(crate) end: Option<End>,
}

/// A training without one of the augmentations.
#[derive(Debug)]
pub(crate) struct Ablation {
    pub(crate) without: String,
    pub(crate) metric: String,
    pub(crate) all: f64,
    pub(crate) value: f64,
}

/// One epoch.
#[derive(Debug)]
pub(crate) struct Epoch {
    /// Its number, from 1.
    pub(crate) number: usize,
    pub(crate) cost: f64,
    pub(crate) dev_loss: Option<f64>,
    pub(crate) dev: BTreeMap<String, f64>,
    pub(crate) learning_rate: f64,
    pub(crate) seconds: f64,
    /// Whether it was the best so far.
    pub(crate) best: bool,
    pub(crate) phases: Option<Phases>,
}

/// How the run ended.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) reason: String,
    pub(crate) best_epoch: usize,
    pub(crate) seconds: f64,
    pub(crate) metrics: Splits<Metrics>,
    pub(crate) answers: Answers,
}

impl Run {
    /// Aggregates events in chronological order.
    pub(crate) fn new(events: &[Event]) -> Run {
        let mut run = Run::default();
        for event in events {
            run.add(event.clone());
        }
        run
    }

    fn add(&mut self, event: Event) {
        match event {
            Event::RunStarted {
                thalweg,
                run,
                data,
                task,
                targets,
                classes,
                examples,
                features,
                layers,
                parameters,
                steps_per_epoch,
                epochs,
                from_epoch,
                monitor,
                ..
            } => {
                if from_epoch == 0 {
                    *self = Run::default();
                } else {
                    // Epochs that a killed run did after its last checkpoint were repeated.
                    self.epochs.retain(|epoch| epoch.number <= from_epoch);
                    self.scales.retain(|(step, _)| *step <= from_epoch.saturating_mul(steps_per_epoch));
                    self.resumed.push(from_epoch);
                    (self.end, self.importance) = (None, None);
                    self.dependences.clear();
                }
                (self.thalweg, self.name, self.data, self.task) = (thalweg, run, data, Some(task));
                (self.targets, self.classes, self.examples, self.features) = (targets, classes, examples, features);
                (self.layers, self.parameters, self.steps_per_epoch) = (layers, parameters, steps_per_epoch);
                (self.planned, self.monitor) = (epochs, monitor);
            }
            Event::Provenance { command, facts } => (self.command, self.facts) = (command, facts),
            Event::Decision(decision) if !self.decisions.contains(&decision) => self.decisions.push(decision),
            Event::TrainingRows(rows) => self.training_rows = Some(rows),
            Event::Warning(warning) => {
                let text = warning.to_string();
                if !self.warnings.contains(&text) {
                    self.warnings.push(text);
                }
            }
            Event::Scales { step, cost, layers } => {
                self.first_cost = self.first_cost.or(cost.filter(|_| step == 1));
                self.scales.push((step, layers));
            }
            Event::EpochEnded { epoch, cost, dev_loss, dev, learning_rate, seconds, best, phases } => {
                self.epochs.push(Epoch { number: epoch, cost, dev_loss, dev, learning_rate, seconds, best, phases });
            }
            Event::Ablation { without, metric, all, value } => {
                self.ablations.push(Ablation { without, metric, all, value });
            }
            // A run that was killed between its end and its report tells it twice.
            Event::Importance(importance) => {
                self.importance = Some(importance);
                self.dependences.clear();
            }
            Event::Dependence(dependence) => self.dependences.push(dependence),
            Event::Baseline(baseline) => {
                self.baselines.retain(|known| known.name != baseline.name);
                self.baselines.push(baseline);
            }
            Event::Finished { reason, best_epoch, seconds, metrics, answers, .. } => {
                self.end = Some(End { reason, best_epoch, seconds, metrics, answers });
            }
            Event::RunOfSeries { .. } | Event::Decision(_) | Event::Progress { .. } | Event::Checkpoint { .. } => {}
        }
    }

    /// The epoch whose parameters the model has.
    pub(crate) fn best_epoch(&self) -> Option<usize> {
        let marked = || self.epochs.iter().rev().find(|epoch| epoch.best).map(|epoch| epoch.number);
        self.end.as_ref().map(|end| end.best_epoch).filter(|best| *best > 0).or_else(marked)
    }

    /// The epoch in which the cost became non-finite, whether or not it was still logged.
    pub(crate) fn diverged(&self) -> Option<usize> {
        let told = self.epochs.iter().find(|epoch| !epoch.cost.is_finite()).map(|epoch| epoch.number);
        let ended = self.end.as_ref().is_some_and(|end| end.reason.contains("diverged"));
        told.or_else(|| ended.then(|| self.epochs.last().map_or(1, |epoch| epoch.number.saturating_add(1))))
    }

    /// A layer's name with its kind: `layers.0 linear`.
    pub(crate) fn layer_title(&self, name: &str) -> String {
        let row = self.layers.iter().find(|layer| layer.name == name);
        let kind = row.and_then(|layer| layer.description.split_whitespace().next());
        kind.map_or_else(|| name.into(), |kind| format!("{name} {}", kind.trim_end_matches(',')))
    }

    /// Whether it neither completed nor diverged.
    pub(crate) fn interrupted(&self) -> bool {
        self.end.as_ref().is_none_or(|end| end.reason.contains("interrupted"))
    }

    /// Seconds of training.
    pub(crate) fn seconds(&self) -> f64 {
        self.end.as_ref().map_or_else(|| self.epochs.last().map_or(0.0, |epoch| epoch.seconds), |end| end.seconds)
    }

    /// The metrics of each evaluated split: its name, its rows, its metrics.
    pub(crate) fn parts(&self) -> Vec<(&'static str, usize, &Metrics)> {
        let Some(end) = &self.end else { return Vec::new() };
        let Splits { train, dev, test } = &end.metrics;
        [("train", self.examples.train, train), ("dev", self.examples.dev, dev), ("test", self.examples.test, test)]
            .into_iter()
            .filter(|(_, _, metrics)| !metrics.is_empty())
            .collect()
    }

    /// The headline metric: accuracy for classes, RMSE for regression.
    pub(crate) fn headline<'a>(&self, metrics: &'a Metrics) -> Option<(&'a str, Metric)> {
        let first = if self.task == Some(Task::Regression) { "rmse" } else { "accuracy" };
        [first, self.monitor.0.as_str(), "accuracy", "rmse", "log_loss"]
            .into_iter()
            .find_map(|name| metrics.get_key_value(name))
            .or_else(|| metrics.first_key_value())
            .map(|(name, metric)| (name.as_str(), *metric))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn a_resumed_run_is_one_run_without_repeated_epochs() {
        let run = Run::new(&samples::resumed());
        let numbers: Vec<usize> = run.epochs.iter().map(|epoch| epoch.number).collect();
        assert_eq!(numbers, (1..=20).collect::<Vec<_>>());
        assert_eq!(run.resumed, [8]);
        assert_eq!(run.decisions.len(), Run::new(&samples::classes(10, 20)).decisions.len());
    }

    #[test]
    fn a_diverged_run_says_where_and_keeps_the_best_epoch() {
        let run = Run::new(&samples::diverged());
        assert_eq!(run.diverged(), Some(13));
        assert_eq!(run.best_epoch(), Some(9));
        let mut told_at_the_end = samples::classes(10, 20);
        if let Some(Event::Finished { reason, .. }) = told_at_the_end.last_mut() {
            *reason = "training diverged".into();
        }
        assert_eq!(Run::new(&told_at_the_end).diverged(), Some(21));
    }

    #[test]
    fn an_unfinished_run_has_no_parts_but_a_best_epoch() {
        let run = Run::new(&samples::interrupted());
        assert!(run.interrupted() && run.parts().is_empty());
        assert!(run.best_epoch().is_some());
    }
}
