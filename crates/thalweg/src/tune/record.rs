//! What is recorded of a trial.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::space::Point;

/// What a trial is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrialKind {
    /// The configuration as it is.
    Baseline,
    /// One of the search.
    Search,
    /// The best one again, with another seed.
    Seed,
}

/// Where a trial stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrialState {
    /// Nobody works on it.
    Waiting,
    /// A worker has it.
    Running,
    /// It went to its end.
    Done,
    /// It was ended early: others are better.
    Pruned,
    /// It cannot be done.
    Failed,
}

impl TrialState {
    /// Whether it has ended, in whatever way.
    pub fn is_ended(self) -> bool {
        !matches!(self, TrialState::Waiting | TrialState::Running)
    }
}

/// One trial.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trial {
    /// Its number, from 0.
    pub number: usize,
    /// What it is for.
    pub kind: TrialKind,
    /// The values it tries.
    pub point: Point,
    /// Its seed.
    pub seed: u64,
    /// Where it stands.
    pub state: TrialState,
    /// What it reached (where it was ended early: until then).
    pub value: Option<f64>,
    /// The same as a cost: lower is better.
    #[serde(skip)]
    pub cost: Option<f64>,
    /// Other things measured: metrics of the dev part, `parameters`, `latency`.
    pub others: BTreeMap<String, f64>,
    /// Epochs done.
    pub epochs: usize,
    /// Seconds of training.
    pub seconds: f64,
    /// Why it failed or was ended early.
    pub why: Option<String>,
    /// How often it was ended; never more than once.
    pub ends: usize,
}

/// What an epoch of a trial reached, and the best up to it.
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
    /// An ending of which nothing else is known yet.
    pub(super) fn new(state: TrialState) -> Ending {
        Ending { state, value: None, others: BTreeMap::new(), epochs: 0, seconds: 0.0, why: None }
    }
}
