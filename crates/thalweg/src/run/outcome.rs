//! What a run came to, or would come to.

use std::path::PathBuf;

use crate::data::schema::Task;
use crate::event::{Decision, LayerRow, Splits};
use crate::metrics::Metrics;
use crate::train::StopReason;

/// What a run came to.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The run's folder.
    pub run: PathBuf,
    /// The model file.
    pub model: PathBuf,
    /// The task.
    pub task: Task,
    /// Whether the examples are files, such as pictures.
    pub files: bool,
    /// The classes, in the order of the outputs.
    pub classes: Vec<String>,
    /// Rows in each part.
    pub examples: Splits,
    /// Trained parameters.
    pub parameters: usize,
    /// Epochs run.
    pub epochs: usize,
    /// The epoch whose parameters the model has.
    pub best_epoch: usize,
    /// Seconds of training.
    pub seconds: f64,
    /// Metrics on each part.
    pub metrics: Splits<Metrics>,
    /// Everything decided for the user.
    pub decisions: Vec<Decision>,
    /// What the user should know.
    pub warnings: Vec<String>,
    /// Why training ended.
    pub end: StopReason,
}

/// What a run would do.
#[derive(Debug)]
pub struct Preview {
    /// Rows in each part.
    pub examples: Splits,
    /// The task.
    pub task: Task,
    /// The layers.
    pub layers: Vec<LayerRow>,
    /// Everything decided for the user.
    pub decisions: Vec<Decision>,
    /// What the user should know.
    pub warnings: Vec<String>,
}
