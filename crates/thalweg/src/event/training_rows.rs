//! What the training rows hold, as far as it limits a model.

use serde::{Deserialize, Serialize};

/// How often the training rows have each class, and which columns lack cells.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TrainingRows {
    /// Rows of each class, in the order of the outputs; empty for labels and numbers.
    pub classes: Vec<usize>,
    /// Rows among which missing cells were counted: all of them, or some spread over them.
    pub rows: usize,
    /// The columns with missing cells and the share of rows that lack them, the largest first.
    pub missing: Vec<(String, f64)>,
}
