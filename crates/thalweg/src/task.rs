//! The learning task.

use serde::{Deserialize, Serialize};

use crate::error::{Error, did_you_mean};

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
    /// Every task.
    pub const ALL: [Task; 4] = [Task::Regression, Task::Binary, Task::Multiclass, Task::Multilabel];

    /// Its name in configurations.
    pub const fn name(self) -> &'static str {
        match self {
            Task::Regression => "regression",
            Task::Binary => "binary",
            Task::Multiclass => "multiclass",
            Task::Multilabel => "multilabel",
        }
    }

    /// Whether the targets are classes.
    pub fn is_classes(self) -> bool {
        matches!(self, Task::Binary | Task::Multiclass)
    }
}

impl std::fmt::Display for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Task {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let known = Task::ALL.into_iter().find(|task| task.name() == name);
        known.ok_or_else(|| {
            let names = Task::ALL.map(Task::name);
            let error = Error::config(format!("no task {name:?}{}", did_you_mean(name, names)));
            error.at("--task").fix(format!("use {}", names.join(", ")))
        })
    }
}
