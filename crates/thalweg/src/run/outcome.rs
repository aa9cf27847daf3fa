//! The result of a run, actual or planned.

use std::path::PathBuf;

use crate::data::schema::Task;
use crate::event::{Baseline, Coverage, Decision, ForecastScores, LayerRow, Splits, Warning};
use crate::findings::Finding;
use crate::metrics::Metrics;
use crate::train::StopReason;

/// The result of a run.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The run's folder.
    pub run: PathBuf,
    /// The model file.
    pub model: PathBuf,
    /// The task.
    pub task: Task,
    /// Whether the examples are files, such as images.
    pub files: bool,
    /// The classes, in the order of the outputs.
    pub classes: Vec<String>,
    /// From which probability on the second of two classes, or each label, is predicted; empty for a half.
    pub thresholds: Vec<f64>,
    /// Rows in each split.
    pub examples: Splits,
    /// Trained parameters.
    pub parameters: usize,
    /// Epochs run.
    pub epochs: usize,
    /// The epoch whose parameters the model has.
    pub best_epoch: usize,
    /// Seconds of training.
    pub seconds: f64,
    /// Metrics on each split.
    pub metrics: Splits<Metrics>,
    /// Simple models on the same rows.
    pub baselines: Vec<Baseline>,
    /// How often intervals of 90 % hold the truth on test, for numbers.
    pub coverage: Vec<Coverage>,
    /// How good forecasts from each step of test are, where the model makes any.
    pub forecast: Option<ForecastScores>,
    /// All decisions made for the user.
    pub decisions: Vec<Decision>,
    /// Warnings for the user.
    pub warnings: Vec<Warning>,
    /// What the events show to be wrong, the most important first; [`crate::doctor`] looks at the data, too.
    pub findings: Vec<Finding>,
    /// Why training ended.
    pub end: StopReason,
}

/// The plan of a run.
#[derive(Debug)]
pub struct Preview {
    /// Rows in each split.
    pub examples: Splits,
    /// The task.
    pub task: Task,
    /// The layers.
    pub layers: Vec<LayerRow>,
    /// All decisions made for the user.
    pub decisions: Vec<Decision>,
    /// Warnings for the user.
    pub warnings: Vec<Warning>,
}
