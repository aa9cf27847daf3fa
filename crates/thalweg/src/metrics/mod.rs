//! How good the answers are.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A metric's value with the interval it is known within.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// The value on these examples.
    pub value: f64,
    /// Lower end of the 95 % interval, where known.
    pub low: Option<f64>,
    /// Upper end of the 95 % interval, where known.
    pub high: Option<f64>,
}

/// Metrics by name: `accuracy`, `log_loss`, `roc_auc`, `pr_auc`, `f1_macro`, `brier`, `rmse`, `mae`, `r2`, `mape`.
pub type Metrics = BTreeMap<String, Metric>;
