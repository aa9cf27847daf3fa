//! What the runs of a series came to: each one's metrics, their mean and their spread.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Variation;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{self, Event, Splits};
use crate::io::atomic;
use crate::metrics::{self, Metrics};
use crate::run::RunFolder;
use crate::task::Task;

/// The runs of a series, and what they come to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// In what the runs differ, and how many there are to be.
    #[serde(flatten)]
    pub variation: Variation,
    /// The data.
    pub data: String,
    /// The task, once a run has ended.
    pub task: Option<Task>,
    /// The target columns, once a run has ended.
    pub targets: Vec<String>,
    /// The part that the metrics are on: `test`, or `dev` where there is no test part.
    pub part: String,
    /// Whether all runs have ended, and all files are written.
    pub complete: bool,
    /// The metrics over all runs that have ended, by name.
    pub metrics: BTreeMap<String, Spread>,
    /// The runs that have ended.
    pub runs: Vec<SeriesRun>,
    /// The file of the answers to rows by the runs that were not trained on them, once all have ended.
    pub out_of_fold: Option<String>,
}

/// One run of a series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeriesRun {
    /// Its fold or its seed.
    pub number: u64,
    /// Its folder within that of the series.
    pub run: String,
    /// Rows in each split.
    pub examples: Splits,
    /// Its metrics.
    pub metrics: Metrics,
    /// Epochs run.
    pub epochs: usize,
    /// The epoch whose parameters its model has.
    pub best_epoch: usize,
    /// Seconds of training.
    pub seconds: f64,
    /// Why training ended.
    pub reason: String,
}

/// A metric over several runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The mean x̄ over the runs that it is defined for.
    pub mean: f64,
    /// The standard deviation √(Σ(x − x̄)² / (k − 1)) of these k runs; none of one run.
    pub spread: Option<f64>,
    /// Its value in each run.
    pub values: Vec<Option<f64>>,
}

impl Spread {
    /// Of the values there are; none if there are none.
    pub fn of(values: Vec<Option<f64>>) -> Option<Spread> {
        let known: Vec<f64> = values.iter().flatten().copied().collect();
        let mean = known.iter().sum::<f64>() / known.len() as f64;
        let squares: f64 = known.iter().map(|x| (x - mean).powi(2)).sum();
        let spread = (known.len() > 1).then(|| (squares / (known.len() - 1) as f64).sqrt());
        (!known.is_empty()).then_some(Spread { mean, spread, values })
    }
}

impl Summary {
    pub(super) fn new(variation: Variation, config: &Config) -> Summary {
        Summary {
            variation,
            data: config.data.path.clone(),
            task: None,
            targets: Vec::new(),
            part: "test".into(),
            complete: false,
            metrics: BTreeMap::new(),
            runs: Vec::new(),
            out_of_fold: None,
        }
    }

    /// Reads the summary in a series' folder.
    ///
    /// # Errors
    /// If there is none, or it is damaged.
    pub fn read(folder: &Path) -> Result<Summary> {
        let names = [Variation::Folds(0), Variation::Seeds(0)].map(|variation| variation.record());
        let Some(path) = names.iter().map(|name| folder.join(name)).find(|path| path.is_file()) else {
            let error = Error::config("this is no folder of several runs").at(folder.display().to_string());
            return Err(error.fix("name a folder of runs that were trained with [folds] or [seeds]"));
        };
        let text = std::fs::read(&path).map_err(|error| Error::io(ErrorKind::Config, &path, "read", &error))?;
        serde_json::from_slice(&text).map_err(|error| {
            let error = Error::config(format!("the file is damaged: {error}")).at(path.display().to_string());
            error.fix("train again into another folder")
        })
    }

    pub(super) fn save(&self, folder: &RunFolder) -> Result<()> {
        let text = serde_json::to_string_pretty(self).map_err(|error| Error::internal(error.to_string()))?;
        atomic::write(&folder.path().join(self.variation.record()), format!("{text}\n").as_bytes())
    }

    /// Adds a run that has ended, from its event log.
    pub(super) fn add(&mut self, number: u64, run: String, path: &Path) -> Result<()> {
        let (events, _) = event::read_events(path.join("events.jsonl"))?;
        self.add_events(number, run, &events);
        Ok(())
    }

    /// Adds a run that has ended, from its events.
    pub(super) fn add_events(&mut self, number: u64, run: String, events: &[Event]) {
        let (mut examples, mut ended) = (Splits::default(), None);
        for event in events {
            match event {
                Event::RunStarted { task, targets, examples: rows, .. } => {
                    (self.task, examples) = (Some(*task), *rows);
                    self.targets.clone_from(targets);
                }
                Event::Finished { reason, epochs, best_epoch, seconds, metrics, .. } => {
                    let tested = examples.test > 0;
                    self.part = if tested { "test" } else { "dev" }.into();
                    ended = Some(SeriesRun {
                        number,
                        run: run.clone(),
                        examples,
                        metrics: if tested { &metrics.test } else { &metrics.dev }.clone(),
                        epochs: *epochs,
                        best_epoch: *best_epoch,
                        seconds: *seconds,
                        reason: reason.clone(),
                    });
                }
                _ => {}
            }
        }
        self.runs.extend(ended);
        self.metrics.clear();
        let names: Vec<String> = self.runs.iter().flat_map(|run| run.metrics.keys().cloned()).collect();
        for name in names {
            let values = self.runs.iter().map(|run| run.metrics.get(&name).map(|metric| metric.value)).collect();
            self.metrics.extend(Spread::of(values).map(|spread| (name, spread)));
        }
    }

    /// The metrics, the task's headline first.
    pub fn ranked(&self) -> Vec<(&str, &Spread)> {
        let headline = self.task.map_or("", metrics::headline);
        let mut ranked: Vec<(&str, &Spread)> = self.metrics.iter().map(|(name, spread)| (&**name, spread)).collect();
        ranked.sort_by_key(|(name, _)| *name != headline);
        ranked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// NumPy's `mean` and `std(ddof=1)`.
    #[test]
    fn mean_and_spread() {
        let spread = Spread::of(vec![Some(0.9), None, Some(0.8), Some(0.95)]).unwrap();
        assert!((spread.mean - 0.883_333_333_333_333_4).abs() < 1e-15);
        assert!((spread.spread.unwrap() - 0.076_376_261_582_597_32).abs() < 1e-15);
        assert_eq!(Spread::of(vec![None, Some(2.0)]).unwrap().spread, None);
        assert_eq!(Spread::of(vec![None]), None);
    }
}
