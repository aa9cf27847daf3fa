//! What a search for better options tries, and for how long.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How better options are searched for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Tune {
    /// Options that are searched, each with its values: learning_rate=log:1e-4..1e-1, layers=int:1..5, momentum=one_minus_log:0.9..0.999, activation=relu,tanh or layers=64|128,64; "if optimizer=adam|adamw" after the values makes one depend on another. Default: by the data.
    pub search: BTreeMap<String, String>,
    /// Relations between numbers searched that must hold, such as layers*units<=1024.
    pub constraints: Vec<String>,
    /// How the next trial is chosen.
    pub sampler: Sampler,
    /// Which trials are ended early. Default: asha for tpe and gp, none for the others, whose choice then does not depend on the number of workers.
    pub pruner: Option<Pruner>,
    /// Most trials.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub trials: usize,
    /// Most seconds of the whole search (a trial's own limit is time-limit).
    #[schemars(range(min = 0.0))]
    pub budget: Option<f64>,
    /// Trials without a better one after which the search ends (0: never).
    pub stall: usize,
    /// What is sought: a dev metric or loss; with several, the last ones among parameters and latency, also what is given up for it. Default: accuracy (log_loss on few dev rows) or rmse.
    pub objective: Vec<String>,
    /// Values of each range in a grid. Default: as many as the trials allow.
    #[schemars(range(min = 1, max = 10_000))]
    pub points: Option<usize>,
    /// Rounds from coarse to fine.
    #[schemars(range(min = 1, max = 20))]
    pub rounds: usize,
    /// Regions that a round from coarse to fine goes on with.
    #[schemars(range(min = 1, max = 100))]
    pub regions: usize,
    /// Folds that each trial is trained on in turn, its value their mean (1: train and dev as they are). Default: 5 below 300 dev rows, unless the network has convolutions.
    #[schemars(range(min = 1, max = 100))]
    pub folds: Option<usize>,
    /// Whether the configuration as it is goes first.
    pub baseline: bool,
    /// Trials at a time, each on one thread if they are several (0: one a core).
    #[schemars(range(max = 1024))]
    pub workers: usize,
    /// Other seeds that the best trial is trained with, to tell what is chance.
    #[schemars(range(max = 100))]
    pub seeds: usize,
    /// Whether the model is trained on train and dev together, for as many epochs as were best. Default: yes, unless dev is a file of its own.
    pub refit: Option<bool>,
    /// Most MiB that a trial may need; one that needs more ends before it begins. Default: its share of free memory.
    #[schemars(range(min = 1.0))]
    pub trial_memory: Option<f64>,
    /// The study's file: a new one, or one to go on with. Default: a new one under runs/.
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
    /// At random, but evenly (Halton's sequence).
    Halton,
    /// Every combination of a few values.
    Grid,
    /// From coarse to fine: in rounds, around the best so far.
    #[serde(alias = "zoom")]
    CoarseToFine,
}

/// Which trials are ended early.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Pruner {
    /// None.
    #[default]
    None,
    /// Those worse than the median of the others at the same epoch.
    Median,
    /// Those not among the best third at an epoch of a rising ladder (asynchronous successive halving).
    Asha,
    /// The same, with ladders that begin later for some trials.
    Hyperband,
}
