//! The options of a hyperparameter search.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The hyperparameter search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Tune {
    /// Options to search, each with its values: learning_rate=log:1e-4..1e-1, layers=int:1..5,
    /// momentum=one_minus_log:0.9..0.999, activation=relu,tanh or layers=64|128,64; "if optimizer=adam|adamw" after the
    /// values makes one depend on another. Default: by the data.
    pub search: BTreeMap<String, String>,
    /// Constraints on the searched numbers, such as layers*units<=1024.
    pub constraints: Vec<String>,
    /// How the next trial is chosen.
    pub sampler: Sampler,
    /// Which trials are pruned. Default: asha for tpe and gp; none for the others, whose choices then do not depend on
    /// the number of workers.
    pub pruner: Option<Pruner>,
    /// Maximum number of trials.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub trials: usize,
    /// Time limit of the search in seconds (a single trial's limit is time-limit). The best model so far
    /// is trained and saved (exit code 6).
    #[schemars(range(min = 0.0))]
    pub budget: Option<f64>,
    /// Trials without improvement after which the search stops (0: never).
    pub stall: usize,
    /// What is optimised for: a dev metric or loss. With several, the last ones, among parameters and latency, are
    /// traded off against it. Default: accuracy (log_loss on few dev rows) or rmse.
    pub objective: Vec<String>,
    /// Grid points per range. Default: as many as the trials allow.
    #[schemars(range(min = 1, max = 10_000))]
    pub points: Option<usize>,
    /// Rounds of the coarse_to_fine sampler.
    #[schemars(range(min = 1, max = 20))]
    pub rounds: usize,
    /// Regions that each coarse_to_fine round continues with.
    #[schemars(range(min = 1, max = 100))]
    pub regions: usize,
    /// Folds for cross-validating each trial, its value their mean (1: train and dev as they are). Default: 5 below 300
    /// dev rows, unless the network has convolutions.
    #[schemars(range(min = 1, max = 100))]
    pub folds: Option<usize>,
    /// Whether the first trial is the configuration as it is.
    pub baseline: bool,
    /// Trials at a time, each on one thread if there are several (0: one per core).
    #[schemars(range(max = 1024))]
    pub workers: usize,
    /// Further seeds that the best trial is trained with, to estimate the variation due to chance.
    #[schemars(range(max = 100))]
    pub seeds: usize,
    /// Whether the final model is trained on train and dev together, for as many epochs as were best. Default: yes,
    /// unless dev is a separate file.
    pub refit: Option<bool>,
    /// Memory limit of a trial in MiB; a trial that needs more is ended before it starts. Default: its share of free
    /// memory.
    #[schemars(range(min = 1.0))]
    pub trial_memory: Option<f64>,
    /// The study's file, new or to be resumed. Default: a new one under runs/.
    pub study: Option<String>,
}

impl Default for Tune {
    fn default() -> Self {
        Tune {
            search: BTreeMap::new(),
            constraints: Vec::new(),
            sampler: Sampler::Tpe,
            pruner: None,
            trials: 60,
            budget: None,
            stall: 0,
            objective: Vec::new(),
            points: None,
            rounds: 3,
            regions: 3,
            folds: None,
            baseline: true,
            workers: 0,
            seeds: 3,
            refit: None,
            trial_memory: None,
            study: None,
        }
    }
}

/// How the next trial is chosen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sampler {
    /// Where good trials are dense and bad ones are not (tree-structured Parzen estimators).
    #[default]
    Tpe,
    /// Where a Gaussian process expects the greatest improvement: for few, long trials.
    Gp,
    /// At random.
    Random,
    /// Quasi-random (Halton's sequence).
    Halton,
    /// Every combination of a few values.
    Grid,
    /// Random search in rounds, each narrowed to the best regions so far.
    #[serde(alias = "zoom")]
    CoarseToFine,
}

/// Which trials are pruned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Pruner {
    /// None.
    #[default]
    None,
    /// Those worse than the median of the others at the same epoch.
    Median,
    /// Those not in the best third at a rung (asynchronous successive halving).
    Asha,
    /// The same, with brackets whose first rung is later for some trials.
    Hyperband,
}
