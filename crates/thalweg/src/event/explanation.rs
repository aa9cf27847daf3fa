//! What is told of how a model's answers depend on its columns.

use serde::{Deserialize, Serialize};

use crate::metrics::Metric;

/// How much worse a model answers where one column's values are shuffled among the rows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Importance {
    /// The split that the rows are of: `test`, or `dev` where there is no test split.
    pub part: String,
    /// Rows whose values were shuffled.
    pub rows: usize,
    /// Rows there are, of which these are spread over all.
    pub rows_in_all: usize,
    /// Shuffles of each column.
    pub repeats: usize,
    /// The metric that grows: `log_loss`, or `rmse` for numbers.
    pub metric: String,
    /// Its value on these rows as they are.
    pub value: f64,
    /// The columns, the most important first.
    pub columns: Vec<ColumnImportance>,
    /// Columns that were left out, because all would have taken too long.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub columns_left_out: usize,
}

/// The importance of one column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnImportance {
    /// The column.
    pub column: String,
    /// How much the metric grows on average over the shuffles, with its 95 % interval over rows and shuffles.
    #[serde(flatten)]
    pub growth: Metric,
}

/// How a model's answers change with one column, all else as it is in the rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dependence {
    /// The column.
    pub column: String,
    /// Rows that the answers are averaged over.
    pub rows: usize,
    /// The column's values.
    pub grid: Grid,
    /// The curve of each answer.
    pub curves: Vec<DependenceCurve>,
    /// The deciles of a column of numbers, from the first to the ninth.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deciles: Vec<f64>,
}

/// The values of a column for which answers were computed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grid {
    /// Numbers in ascending order; dates as decimal years.
    Numbers(Vec<f64>),
    /// Categories, the most frequent first.
    Categories(Vec<String>),
}

impl Grid {
    /// The number of values.
    pub fn len(&self) -> usize {
        match self {
            Grid::Numbers(values) => values.len(),
            Grid::Categories(values) => values.len(),
        }
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// One answer along a column's values: the probability of a class or label, or a target in its units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DependenceCurve {
    /// The class, label or target.
    pub output: String,
    /// The mean over the rows at each value.
    pub mean: Vec<f64>,
    /// Some rows' own answers at each value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<Vec<f32>>,
}

/// How answers change with the words of a text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Words {
    /// The column.
    pub column: String,
    /// Rows whose words were left out one by one.
    pub rows: usize,
    /// Rows there are, of which these are spread over all.
    pub rows_in_all: usize,
    /// The words that pull towards each answer.
    pub towards: Vec<PullingWords>,
}

/// The words that pull towards an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PullingWords {
    /// The class or label; of a number, `more` or `less` and its name.
    pub towards: String,
    /// The words, the strongest first.
    pub words: Vec<PullingWord>,
}

/// A word and what it changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PullingWord {
    /// The word, in lower case.
    pub word: String,
    /// How much the probability, or the number in its units, is changed that way by the word, on average.
    pub pull: f64,
    /// The rows it is in.
    pub rows: usize,
}

fn is_zero(n: &usize) -> bool {
    *n == 0
}
