//! Everything between a configuration and the matrices that a network is trained on.

use std::collections::BTreeMap;

use super::preprocess::Pipeline;
use super::schema::{Schema, Task};
use super::table::TextColumn;
use super::target::Target;
use crate::Result;
use crate::spec::Config;
use crate::train::event::{Decision, Parts};

/// Data ready for training.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// What the data is called: a path, `-` or `sample:NAME`.
    pub name: String,
    /// The columns.
    pub schema: Schema,
    /// Raw columns to inputs, fitted on the training rows.
    pub pipeline: Pipeline,
    /// Answers to numbers and back.
    pub target: Target,
    /// The task.
    pub task: Task,
    /// The examples of each part.
    pub parts: Parts<Examples>,
    /// What was decided for the user.
    pub decisions: Vec<Decision>,
    /// What the user should know.
    pub warnings: Vec<String>,
    /// BLAKE3 of each file read, by its path.
    pub hashes: BTreeMap<String, String>,
}

/// Rows as a network takes them.
#[derive(Debug, Clone, Default)]
pub struct Examples {
    /// How many rows there are, m.
    pub rows: usize,
    /// Inputs of a row, n_x.
    pub columns: usize,
    /// Inputs, row-major (rows × columns).
    pub x: Vec<f32>,
    /// Columns of y.
    pub targets: usize,
    /// Answers, row-major (rows × targets): class indices, 0/1, or scaled numbers; empty where they are not known.
    pub y: Vec<f32>,
    /// Sample weights, if the data has them.
    pub weights: Option<Vec<f32>>,
    /// What errors and reports call the source.
    pub source: String,
    /// The line (or the number, from 1) of each row in its source.
    pub places: Vec<u64>,
    /// The first input columns as read, and the answer, for reports.
    pub raw: Raw,
}

/// The cells of examples as the data has them.
#[derive(Debug, Clone, Default)]
pub struct Raw {
    names: Vec<String>,
    columns: Vec<TextColumn>,
    truths: TextColumn,
}

impl Raw {
    /// The first input columns of a row, by name.
    pub fn inputs(&self, row: usize) -> Vec<(String, String)> {
        self.names.iter().zip(&self.columns).map(|(name, column)| (name.clone(), column.get(row).into())).collect()
    }

    /// The answer as the data writes it.
    pub fn truth(&self, row: usize) -> &str {
        self.truths.get(row)
    }
}

impl Examples {
    /// Where a row is: `digits.csv, line 73`.
    pub fn place(&self, row: usize) -> String {
        format!("{}, line {}", self.source, self.places[row])
    }
}

/// Reads, splits and encodes the data that a configuration names.
pub fn load(config: &Config) -> Result<Dataset> {
    let _ = config;
    Err(crate::Error::internal("not built yet"))
}
