//! What each column is and what it is for.

use serde::{Deserialize, Serialize};

/// What a column's cells hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ColumnKind {
    /// Numbers.
    Numeric,
    /// Two values such as yes/no, true/false, 0/1.
    Boolean,
    /// One of a limited set of values.
    Categorical,
    /// A date, or a date with a time.
    Datetime,
    /// Free text.
    Text,
}

/// What a column is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// An input of the network.
    Feature,
    /// What the network predicts.
    Target,
    /// Names the row: left out of the inputs, kept in predictions.
    Id,
    /// A sample weight.
    Weight,
    /// Rows of one group stay in one part of the split.
    Group,
    /// Orders the rows in time for the split.
    Time,
    /// Left out.
    Ignored,
}

/// One column of the data: its name, kind, role, and why it was so decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// The name in the header.
    pub name: String,
    /// What its cells hold.
    pub kind: ColumnKind,
    /// What it is for.
    pub role: Role,
}

/// The task that the target decides, `--task` overrides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// One or several numeric targets.
    Regression,
    /// One of two classes.
    Binary,
    /// One of several classes.
    Multiclass,
    /// Any number of labels at once.
    Multilabel,
}
