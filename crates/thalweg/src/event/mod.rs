//! Everything anyone sees of a run is read from these events.

mod read;

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use crate::metrics::Metrics;
use crate::task::Task;

pub use read::read_events;

/// The version of the event log's format, in its first line.
pub const VERSION: u32 = 1;

/// A choice made for the user, and the flag that overrides it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// What was decided, as a sentence: `rows split 60/20/20 by row hash`.
    pub what: String,
    /// Why, in few words: `1,797 rows are few`.
    pub why: String,
    /// How to decide otherwise: `--split 0.8,0.1,0.1`.
    pub flag: String,
}

/// Rows in each part of the split.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Splits<T = usize> {
    /// The part that the network is fitted on.
    pub train: T,
    /// The part that choices are made on.
    pub dev: T,
    /// The part that is looked at once, at the end.
    pub test: T,
}

/// One layer as the summary table shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerRow {
    /// Its name in θ: `layers.0`.
    pub name: String,
    /// What it is: `linear 64 → 128, relu`.
    pub description: String,
    /// Its output's shape, without the batch: `[128]`.
    pub output: Vec<usize>,
    /// How many of its parameters are trained.
    pub parameters: usize,
}

/// The scale of one layer's activations and gradients, sampled on one batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerScale {
    /// Its name in θ.
    pub name: String,
    /// Standard deviation of its activations.
    #[serde(deserialize_with = "null_as_nan")]
    pub activation: f64,
    /// Root mean square of the gradient of the cost with respect to its activations.
    #[serde(deserialize_with = "null_as_nan")]
    pub gradient: f64,
    /// Share of its activations that are exactly 0.
    pub zeros: f64,
}

/// A dev or test example that is worth a look.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mistake {
    /// Where the example is: `digits.csv, line 73`.
    pub place: String,
    /// What the data says.
    pub truth: String,
    /// What the model says.
    pub prediction: String,
    /// Its loss (higher is worse).
    #[serde(deserialize_with = "null_as_nan")]
    pub loss: f64,
    /// Probability given to the prediction, for classes.
    pub confidence: Option<f64>,
    /// Its input columns as read, at most the first 12.
    pub inputs: Vec<(String, String)>,
    /// The example itself, where it is an image, or a sound's spectrogram: PNG in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    /// The example itself, where it is a sound: WAV in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sound: Option<String>,
}

/// What the final model's answers on one part look like, for the report.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Answers {
    /// Which part: `test`, or `dev` where there is no test part.
    pub part: String,
    /// Rows: true class, columns: predicted class; empty for regression.
    pub confusion: Vec<Vec<usize>>,
    /// (true value, prediction) of up to 2,000 examples of the first target, for regression.
    pub points: Vec<(f64, f64)>,
    /// The examples with the highest loss, worst first.
    pub mistakes: Vec<Mistake>,
    /// The examples whose likeliest class is least likely, for classes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unsure: Vec<Mistake>,
}

/// One fact about a run, in the order they happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The run began (or was resumed).
    RunStarted {
        /// Format version of this log.
        version: u32,
        /// Version of Thalweg.
        thalweg: String,
        /// Name of the run.
        run: String,
        /// What was trained on.
        data: String,
        /// The task.
        task: Task,
        /// The target columns.
        targets: Vec<String>,
        /// The classes, in the order of the outputs.
        classes: Vec<String>,
        /// Rows in each part.
        examples: Splits,
        /// Input columns of the network after preprocessing.
        features: usize,
        /// The layers.
        layers: Vec<LayerRow>,
        /// Trained parameters.
        parameters: usize,
        /// Steps in an epoch.
        steps_per_epoch: usize,
        /// Most epochs that will be run.
        epochs: usize,
        /// The epoch a resumed run goes on from, 0 for a new one.
        from_epoch: usize,
        /// The metric that early stopping watches on dev, and whether higher is better.
        monitor: (String, bool),
    },
    /// Where the run comes from, so that it can be repeated.
    Provenance {
        /// The command that does this run again.
        command: String,
        /// Name and value of what the result depends on: `seed`, `threads`, `precision`, `data hash`, `machine`.
        facts: Vec<(String, String)>,
    },
    /// Something was decided for the user.
    Decision(Decision),
    /// Something the user should know.
    Warning {
        /// The warning, with what to do about it.
        message: String,
    },
    /// The layers' scales were sampled.
    Scales {
        /// Steps done.
        step: usize,
        /// One entry a layer.
        layers: Vec<LayerScale>,
    },
    /// Steps of an epoch are done (sent a few times a second at most; not written to the log).
    Progress {
        /// The epoch under way, from 1.
        epoch: usize,
        /// Steps of it done.
        step: usize,
        /// Steps in an epoch.
        steps: usize,
        /// Mean cost of these steps.
        cost: f64,
    },
    /// An epoch ended.
    EpochEnded {
        /// The epoch, from 1.
        epoch: usize,
        /// Mean cost J over the epoch's mini-batches, as they were trained on (dropout on, L2 in).
        #[serde(deserialize_with = "null_as_nan")]
        cost: f64,
        /// The dev part's mean loss, if there is a dev part.
        dev_loss: Option<f64>,
        /// The dev part's metrics.
        #[serde(deserialize_with = "nulls_left_out")]
        dev: BTreeMap<String, f64>,
        /// The learning rate at the epoch's end.
        learning_rate: f64,
        /// Seconds since the run began.
        seconds: f64,
        /// Whether this is the best epoch so far.
        best: bool,
    },
    /// A checkpoint is safely on disk.
    Checkpoint {
        /// Epochs done.
        epoch: usize,
        /// Steps done in the next one.
        step: usize,
    },
    /// The network was trained once more without one of the changes of augmentation.
    Ablation {
        /// The option that was off.
        without: String,
        /// A dev metric.
        metric: String,
        /// Its value with all changes.
        all: f64,
        /// Its value without this one.
        value: f64,
    },
    /// The run ended.
    Finished {
        /// Why: `all epochs done`, `dev loss has not fallen for 20 epochs`, `time limit`, `interrupted`.
        reason: String,
        /// Epochs run.
        epochs: usize,
        /// The epoch whose parameters the model has.
        best_epoch: usize,
        /// Seconds of training.
        seconds: f64,
        /// Metrics of the model on each part, in evaluation mode.
        metrics: Splits<Metrics>,
        /// The model's answers on the test part (dev where there is none).
        answers: Answers,
    },
}

/// JSON has no NaN and no infinity: they are written as null, and a diverged run must still be readable.
fn null_as_nan<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or(f64::NAN))
}

fn nulls_left_out<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, f64>, D::Error> {
    let values = BTreeMap::<String, Option<f64>>::deserialize(from)?;
    Ok(values.into_iter().filter_map(|(name, value)| Some((name, value?))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diverged_epoch_survives_json() {
        let epoch = Event::EpochEnded {
            epoch: 3,
            cost: f64::INFINITY,
            dev_loss: None,
            dev: BTreeMap::from([("log_loss".into(), f64::NAN), ("accuracy".into(), 0.5)]),
            learning_rate: 0.1,
            seconds: 1.0,
            best: false,
        };
        let Event::EpochEnded { cost, dev, .. } =
            serde_json::from_str(&serde_json::to_string(&epoch).unwrap()).unwrap()
        else {
            panic!("another event came back")
        };
        assert!(cost.is_nan());
        assert_eq!(dev, BTreeMap::from([("accuracy".into(), 0.5)]));
    }
}
