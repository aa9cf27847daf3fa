//! The events from which everything shown of a run is derived.

mod decision;
mod explanation;
mod forecast;
mod read;
mod run;
mod training_rows;
mod warning;

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use crate::metrics::threshold::OperatingCurve;
use crate::metrics::{CalibrationBin, Metric, Metrics};
use crate::task::Task;

pub use decision::Decision;
pub use explanation::{
    ColumnImportance, Dependence, DependenceCurve, Grid, Importance, PullingWord, PullingWords, Words,
};
pub use forecast::{ForecastPicture, ForecastScores, Forecaster};
pub use read::read_events;
pub use run::{Ablation, Epoch, Run, RunEnd};
pub use training_rows::TrainingRows;
pub use warning::Warning;

/// The version of the event log's format, stored in its first line.
pub const VERSION: u32 = 1;

/// A value for each split; by default its number of rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Splits<T = usize> {
    /// The split that the network is fitted on.
    pub train: T,
    /// The split for early stopping, tuning and other choices.
    pub dev: T,
    /// The split that is evaluated once, at the end.
    pub test: T,
}

impl<T> Splits<T> {
    /// Each by its name, in this order.
    pub fn named(&self) -> [(&'static str, &T); 3] {
        [("train", &self.train), ("dev", &self.dev), ("test", &self.test)]
    }
}

/// A layer's row in the summary table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerRow {
    /// Its name in θ: `layers.0`.
    pub name: String,
    /// What it is: `linear 64 → 128, relu`.
    pub description: String,
    /// Its output's shape, without the batch: `[128]`.
    pub output: Vec<usize>,
    /// Its number of trained parameters.
    pub parameters: usize,
}

/// The scale of a layer's activations, gradients and weights, sampled on one batch.
///
/// An ensemble is one layer: its activations are its members' outputs, its weights those of all members.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LayerScale {
    /// Its name in θ.
    pub name: String,
    /// Standard deviation of its activations.
    #[serde(deserialize_with = "null_as_nan")]
    pub activation: f64,
    /// Root mean square of the gradient of the cost with respect to its activations.
    #[serde(deserialize_with = "null_as_nan")]
    pub gradient: f64,
    /// Fraction of its activations that are exactly 0.
    pub zeros: f64,
    /// Root mean square of its weights (without biases) before the step; none for layers without weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
    /// Root mean square of the step's change of these weights over that of the weights: about 10⁻³ is usual.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update: Option<f64>,
    /// Share of its units (filters of a convolution) that are 0 for every example of the batch, behind a ReLU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead: Option<f64>,
    /// Share of its activations within 0.05 of an end of their range, behind a sigmoid (0 and 1) or tanh (±1): the
    /// derivative is there at most a fifth of the sigmoid's greatest, a tenth of tanh's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saturated: Option<f64>,
}

/// Seconds that an epoch spent on each part of training.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Phases {
    /// Waiting for batches: reading, decoding and augmenting.
    pub data: f64,
    /// The forward and backward passes.
    pub passes: f64,
    /// The optimiser's steps.
    pub update: f64,
    /// Evaluating dev at the end of the epoch.
    pub evaluation: f64,
}

impl Phases {
    /// All seconds.
    pub fn total(&self) -> f64 {
        self.data + self.passes + self.update + self.evaluation
    }
}

/// A dev or test example worth inspecting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mistake {
    /// The location of the example: `digits.csv, line 73`.
    pub place: String,
    /// The true target.
    pub truth: String,
    /// The prediction.
    pub prediction: String,
    /// Its loss (higher is worse).
    #[serde(deserialize_with = "null_as_nan")]
    pub loss: f64,
    /// Predicted probability of `prediction`, for classes.
    pub confidence: Option<f64>,
    /// Its input columns as read, at most the first 12.
    pub inputs: Vec<(String, String)>,
    /// The words of its texts that pull the answer most towards the prediction, each with its pull: the prediction's
    /// probability with the word less that without it, or of a number the answer's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<(String, f64)>,
    /// Where there are texts, the row as the network sees it, until its words are known.
    #[serde(skip)]
    pub encoded: Vec<f32>,
    /// For an image, or a sound's spectrogram: the example as a base64 PNG.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    /// For a sound: the example as a base64 WAV.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sound: Option<String>,
}

/// How often a model's intervals or sets hold the truth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// The target column.
    pub target: String,
    /// The share of rows that was asked for.
    pub level: f64,
    /// The share of rows whose truth they hold.
    pub covered: Metric,
    /// The mean width of the intervals in the data's units; for classes, the mean number in a set.
    pub width: f64,
}

/// The final model's predictions on one split, as the report shows them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SplitPredictions {
    /// The split: `test`, or `dev` where there is no test split.
    pub part: String,
    /// Confusion matrix: rows are true classes, columns predicted ones; empty for regression.
    pub confusion: Vec<Vec<usize>>,
    /// (true value, prediction) of up to 2,000 examples of the first target, for regression.
    pub points: Vec<(f64, f64)>,
    /// The examples with the highest loss, worst first.
    pub mistakes: Vec<Mistake>,
    /// The examples with the lowest confidence (probability of the likeliest class), for classes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unsure: Vec<Mistake>,
    /// What was predicted against what came true, by probability, for classes and labels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calibration: Vec<CalibrationBin>,
    /// What becomes of the rows at other thresholds, for two classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operating: Option<OperatingCurve>,
    /// How often intervals of each numeric target, or sets of classes, hold the truth; empty where that is not measured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub coverage: Vec<Coverage>,
}

/// A simple model that the network is compared with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// What it is: `class frequencies`, `label frequencies` or `mean`; `logistic regression` or `linear regression`.
    pub name: String,
    /// Its metrics on dev and test.
    pub metrics: Splits<Metrics>,
}

/// One event of a run, in chronological order.
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
        /// Rows in each split.
        examples: Splits,
        /// Inputs of the network after preprocessing.
        features: usize,
        /// The layers.
        layers: Vec<LayerRow>,
        /// Trained parameters.
        parameters: usize,
        /// Steps per epoch.
        steps_per_epoch: usize,
        /// The maximum number of epochs.
        epochs: usize,
        /// The epoch a run is resumed from, 0 for a new one.
        from_epoch: usize,
        /// The metric that early stopping watches on dev, and whether higher is better.
        monitor: (String, bool),
    },
    /// One of several runs begins, or is finished already (not written to any log).
    RunOfSeries {
        /// What they differ in: `fold` or `seed`.
        by: String,
        /// Its fold or its seed.
        number: u64,
        /// Its position among them, from 0.
        position: usize,
        /// How many there are.
        of: usize,
    },
    /// The provenance of the run, so that it can be repeated.
    Provenance {
        /// The command that repeats this run.
        command: String,
        /// Name and value of everything that affects the result: `seed`, `threads`, `precision`, `data hash`,
        /// `machine`.
        facts: Vec<(String, String)>,
    },
    /// A decision made for the user.
    Decision(Decision),
    /// What the training rows hold.
    TrainingRows(TrainingRows),
    /// A warning for the user.
    Warning(Warning),
    /// The layers' scales, sampled; also in the step at which training diverged, without gradients.
    Scales {
        /// Steps done.
        step: usize,
        /// The mean loss of the sampled batch before the step, without the L2 term.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cost: Option<f64>,
        /// One entry per layer.
        layers: Vec<LayerScale>,
    },
    /// Progress within an epoch (sent a few times a second at most; not written to the log).
    Progress {
        /// The current epoch, from 1.
        epoch: usize,
        /// Steps of it done.
        step: usize,
        /// Steps per epoch.
        steps: usize,
        /// Mean cost of these steps.
        cost: f64,
    },
    /// An epoch ended.
    EpochEnded {
        /// The epoch, from 1.
        epoch: usize,
        /// Mean cost J over the epoch's mini-batches as trained on (with dropout and the L2 term).
        #[serde(deserialize_with = "null_as_nan")]
        cost: f64,
        /// The mean loss on dev, if there is a dev split.
        dev_loss: Option<f64>,
        /// The metrics on dev.
        #[serde(deserialize_with = "nulls_left_out")]
        dev: BTreeMap<String, f64>,
        /// The learning rate at the end of the epoch.
        learning_rate: f64,
        /// Seconds since the run began.
        seconds: f64,
        /// Whether this is the best epoch so far.
        best: bool,
        /// What its seconds went to, of those since the run began or was resumed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        phases: Option<Phases>,
    },
    /// A checkpoint was written to disk.
    Checkpoint {
        /// Epochs done.
        epoch: usize,
        /// Steps done in the following epoch.
        step: usize,
    },
    /// The result of training once more without one augmentation.
    Ablation {
        /// The option that was disabled.
        without: String,
        /// A dev metric.
        metric: String,
        /// Its value with all augmentations.
        all: f64,
        /// Its value without this one.
        value: f64,
    },
    /// How much each column matters to the model.
    Importance(Importance),
    /// How the model's answers change with one of its most important columns.
    Dependence(Dependence),
    /// Which words of a column of texts pull the model's answers.
    Words(Words),
    /// What a simple model does on the same rows.
    Baseline(Baseline),
    /// How good forecasts from each step of test are.
    Forecast(ForecastScores),
    /// The run ended.
    Finished {
        /// The stop reason: `all epochs done`, `dev loss has not fallen for 20 epochs`, `time limit`, `interrupted`.
        reason: String,
        /// Epochs run.
        epochs: usize,
        /// The epoch whose parameters the model has.
        best_epoch: usize,
        /// Seconds of training.
        seconds: f64,
        /// Metrics of the model on each split, in evaluation mode.
        metrics: Splits<Metrics>,
        /// The model's predictions on test (or dev, where there is no test split).
        answers: SplitPredictions,
    },
}

/// JSON has no NaN or infinity: they are written as null, and the log of a diverged run must remain readable.
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
            phases: None,
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
