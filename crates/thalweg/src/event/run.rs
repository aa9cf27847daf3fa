//! A run aggregated from its events: resumed runs joined, repeated decisions listed once.

use std::collections::BTreeMap;

use super::{
    Baseline, Decision, Dependence, Event, ForecastScores, Importance, LayerRow, LayerScale, Phases, SplitPredictions,
    Splits, TrainingRows, Words,
};
use crate::metrics::{Metric, Metrics};
use crate::task::Task;

/// The facts of a run, as far as its events report them.
#[derive(Debug, Default)]
pub struct Run {
    /// Version of Thalweg.
    pub thalweg: String,
    /// Name of the run.
    pub name: String,
    /// What was trained on.
    pub data: String,
    /// The task; none before the run's first event.
    pub task: Option<Task>,
    /// The target columns.
    pub targets: Vec<String>,
    /// The classes, in the order of the outputs.
    pub classes: Vec<String>,
    /// Rows in each split.
    pub examples: Splits,
    /// Inputs of the network after preprocessing.
    pub features: usize,
    /// The layers.
    pub layers: Vec<LayerRow>,
    /// Trained parameters.
    pub parameters: usize,
    /// Steps per epoch.
    pub steps_per_epoch: usize,
    /// The maximum number of epochs.
    pub planned: usize,
    /// The watched metric, and whether higher is better.
    pub monitor: (String, bool),
    /// The epochs after which the run was resumed.
    pub resumed: Vec<usize>,
    /// The command that repeats the run.
    pub command: String,
    /// Name and value of everything that affects the result.
    pub facts: Vec<(String, String)>,
    /// What was decided for the user.
    pub decisions: Vec<Decision>,
    /// What the training rows hold.
    pub training_rows: Option<TrainingRows>,
    /// What the user was warned of, with remedies.
    pub warnings: Vec<String>,
    /// Steps done, and the layers' scales at that step.
    pub scales: Vec<(usize, Vec<LayerScale>)>,
    /// The mean loss of the first batch, before the first step.
    pub first_cost: Option<f64>,
    /// The epochs, in order.
    pub epochs: Vec<Epoch>,
    /// Results of training without each augmentation.
    pub ablations: Vec<Ablation>,
    /// How much each column matters.
    pub importance: Option<Importance>,
    /// Of the most important columns, in their order.
    pub dependences: Vec<Dependence>,
    /// Of the columns of texts.
    pub words: Vec<Words>,
    /// Simple models on the same rows.
    pub baselines: Vec<Baseline>,
    /// How good its forecasts are, if it makes any.
    pub forecast: Option<ForecastScores>,
    /// How it ended; none while it runs, and where it was killed.
    pub end: Option<RunEnd>,
}

/// A training without one of the augmentations.
#[derive(Debug)]
pub struct Ablation {
    /// The option that was disabled.
    pub without: String,
    /// A dev metric.
    pub metric: String,
    /// Its value with all augmentations.
    pub all: f64,
    /// Its value without this one.
    pub value: f64,
}

/// One epoch.
#[derive(Debug)]
pub struct Epoch {
    /// Its number, from 1.
    pub number: usize,
    /// Mean cost over its mini-batches.
    pub cost: f64,
    /// The mean loss on dev.
    pub dev_loss: Option<f64>,
    /// The metrics on dev.
    pub dev: BTreeMap<String, f64>,
    /// The learning rate at its end.
    pub learning_rate: f64,
    /// Seconds since the run began.
    pub seconds: f64,
    /// Whether it was the best so far.
    pub best: bool,
    /// Where its time went.
    pub phases: Option<Phases>,
}

/// How the run ended.
#[derive(Debug)]
pub struct RunEnd {
    /// Why.
    pub reason: String,
    /// The epoch whose parameters the model has.
    pub best_epoch: usize,
    /// Seconds of training.
    pub seconds: f64,
    /// Metrics of the model on each split.
    pub metrics: Splits<Metrics>,
    /// The model's predictions on test, or dev where there is no test split.
    pub answers: SplitPredictions,
}

impl Run {
    /// Aggregates events in chronological order.
    pub fn new(events: &[Event]) -> Run {
        let mut run = Run::default();
        for event in events {
            run.add(event.clone());
        }
        run
    }

    /// Adds the next event.
    pub fn add(&mut self, event: Event) {
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
                    self.words.clear();
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
                self.words.clear();
            }
            Event::Dependence(dependence) => self.dependences.push(dependence),
            Event::Words(words) => self.words.push(words),
            Event::Baseline(baseline) => {
                self.baselines.retain(|known| known.name != baseline.name);
                self.baselines.push(baseline);
            }
            Event::Forecast(scores) => self.forecast = Some(scores),
            Event::Finished { reason, best_epoch, seconds, metrics, answers, .. } => {
                self.end = Some(RunEnd { reason, best_epoch, seconds, metrics, answers });
            }
            Event::RunOfSeries { .. } | Event::Decision(_) | Event::Progress { .. } | Event::Checkpoint { .. } => {}
        }
    }

    /// The epoch whose parameters the model has.
    pub fn best_epoch(&self) -> Option<usize> {
        let marked = || self.epochs.iter().rev().find(|epoch| epoch.best).map(|epoch| epoch.number);
        self.end.as_ref().map(|end| end.best_epoch).filter(|best| *best > 0).or_else(marked)
    }

    /// The epoch in which the cost became non-finite, whether or not it was still logged.
    pub fn diverged(&self) -> Option<usize> {
        let told = self.epochs.iter().find(|epoch| !epoch.cost.is_finite()).map(|epoch| epoch.number);
        let ended = self.end.as_ref().is_some_and(|end| end.reason.contains("diverged"));
        told.or_else(|| ended.then(|| self.epochs.last().map_or(1, |epoch| epoch.number.saturating_add(1))))
    }

    /// A layer's name with its kind: `layers.0 linear`.
    pub fn layer_title(&self, name: &str) -> String {
        let row = self.layers.iter().find(|layer| layer.name == name);
        let kind = row.and_then(|layer| layer.description.split_whitespace().next());
        kind.map_or_else(|| name.into(), |kind| format!("{name} {}", kind.trim_end_matches(',')))
    }

    /// Whether it neither completed nor diverged.
    pub fn interrupted(&self) -> bool {
        self.end.as_ref().is_none_or(|end| end.reason.contains("interrupted"))
    }

    /// Seconds of training.
    pub fn seconds(&self) -> f64 {
        self.end.as_ref().map_or_else(|| self.epochs.last().map_or(0.0, |epoch| epoch.seconds), |end| end.seconds)
    }

    /// The metrics of each evaluated split: its name, its rows, its metrics.
    pub fn parts(&self) -> Vec<(&'static str, usize, &Metrics)> {
        let Some(end) = &self.end else { return Vec::new() };
        let rows = self.examples.named().map(|(_, rows)| *rows);
        let parts = end.metrics.named().into_iter().zip(rows).map(|((name, metrics), rows)| (name, rows, metrics));
        parts.filter(|(_, _, metrics)| !metrics.is_empty()).collect()
    }

    /// The headline metric: accuracy for classes, RMSE for regression.
    pub fn headline<'a>(&self, metrics: &'a Metrics) -> Option<(&'a str, Metric)> {
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
