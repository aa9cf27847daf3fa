//! The records of a trial.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::space::Point;

/// The purpose of a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrialKind {
    /// The unchanged configuration.
    Baseline,
    /// A trial of the search.
    Search,
    /// The best trial with another seed.
    Seed,
}

/// The state of a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrialState {
    /// No worker has it.
    Waiting,
    /// A worker has it.
    Running,
    /// It completed.
    Done,
    /// It was ended early because others are better.
    Pruned,
    /// It failed.
    Failed,
}

impl TrialState {
    /// Whether it has ended, for whatever reason.
    pub fn is_ended(self) -> bool {
        !matches!(self, TrialState::Waiting | TrialState::Running)
    }
}

/// One trial.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trial {
    /// Its number, from 0.
    pub number: usize,
    /// Its purpose.
    pub kind: TrialKind,
    /// The values it tries.
    pub point: Point,
    /// Its seed.
    pub seed: u64,
    /// Its state.
    pub state: TrialState,
    /// Its value (of a pruned trial, up to that point).
    pub value: Option<f64>,
    /// The value as a cost: lower is better.
    #[serde(skip)]
    pub cost: Option<f64>,
    /// Other measurements: metrics on dev, `parameters`, `latency`.
    pub others: BTreeMap<String, f64>,
    /// Epochs done.
    pub epochs: usize,
    /// Seconds of training.
    pub seconds: f64,
    /// Why it failed or was pruned.
    pub why: Option<String>,
    /// How often it was ended; at most once.
    pub ends: usize,
}

/// The value of one epoch of a trial, and the best up to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct EpochValue {
    pub(super) epoch: usize,
    pub(super) value: f64,
    pub(super) best: Option<f64>,
}

/// How a trial ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ending {
    pub(super) state: TrialState,
    pub(super) value: Option<f64>,
    pub(super) others: BTreeMap<String, f64>,
    pub(super) epochs: usize,
    pub(super) seconds: f64,
    pub(super) why: Option<String>,
}

impl Ending {
    /// An ending with nothing but its state set.
    pub(super) fn new(state: TrialState) -> Ending {
        Ending { state, value: None, others: BTreeMap::new(), epochs: 0, seconds: 0.0, why: None }
    }
}
