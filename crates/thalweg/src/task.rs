//! The learning task.

use serde::{Deserialize, Serialize};

/// The task, inferred from the target unless `--task` overrides it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// One or several numeric targets.
    Regression,
    /// One of two classes.
    Binary,
    /// One of several classes.
    Multiclass,
    /// Any number of labels per example.
    Multilabel,
}

impl Task {
    /// Whether the targets are classes.
    pub fn is_classes(self) -> bool {
        matches!(self, Task::Binary | Task::Multiclass)
    }
}

impl std::fmt::Display for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Task::Regression => "regression",
            Task::Binary => "binary",
            Task::Multiclass => "multiclass",
            Task::Multilabel => "multilabel",
        })
    }
}
