//! Metrics of predictions, each with a 95 % confidence interval: how far it would move on other examples of the same
//! kind. Weights count as in the metric; m is the effective number of rows, (Σw)² / Σw².
//!
//! | metric | interval |
//! | --- | --- |
//! | `accuracy` | Wilson's (1927) |
//! | `log_loss`, `brier`, `mae` | of a mean of one loss per row, ± 1.96·s/√m |
//! | `f1_macro`, `roc_auc`, `pr_auc` | Wilson's with n* = p(1−p)/s² for m; s² by each row's influence (of an AUC DeLong's, 1988) |
//! | `ece` | wide enough for what chance adds to it (`metrics/calibration.rs`) |
//! | `rmse`, `r2`, `mape` | ± 1.96·s, s² by each row's influence (the delta method) |
//!
//! Influence is Hampel's (1974): what a row's weight changes. Its variance over m estimates that of the metric without
//! drawing rows again (the infinitesimal jackknife, Efron 1982), so that a million rows cost one more pass.

pub(crate) mod calibration;
mod classes;
mod confident;
mod forecast;
mod gate;
mod growth;
mod interval;
mod paired;
mod ranking;
mod regression;
pub mod threshold;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::task::Task;
pub use calibration::CalibrationBin;
pub use classes::confusion;
pub use confident::{contradicting_classes, modified_z_scores, normalised_margin};
pub(crate) use forecast::ErrorSums;
pub use forecast::ForecastErrors;
pub use gate::{Gate, GateResult};
pub(crate) use growth::RowLosses;
pub use paired::{Difference, McNemar, Paired, paired};

/// A metric's value with its confidence interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// The value on these examples.
    pub value: f64,
    /// Lower end of the 95 % interval; a loss of a single row has none.
    pub low: Option<f64>,
    /// Upper end of the 95 % interval.
    pub high: Option<f64>,
}

/// Metrics by name: `accuracy`, `log_loss`, `roc_auc`, `pr_auc`, `f1_macro`, `brier`, `ece`, `rmse`, `mae`, `r2`, `mape`.
pub type Metrics = BTreeMap<String, Metric>;

const OF_CLASSES: &[&str] = &["accuracy", "log_loss", "roc_auc", "pr_auc", "f1_macro", "brier", "ece"];
const OF_NUMBERS: &[&str] = &["rmse", "mae", "r2", "mape"];

/// The names of a task's metrics.
pub fn names(task: Task) -> &'static [&'static str] {
    match task {
        Task::Regression => OF_NUMBERS,
        Task::Binary | Task::Multiclass | Task::Multilabel => OF_CLASSES,
    }
}

/// The task's headline metric.
pub fn headline(task: Task) -> &'static str {
    let wanted = if task == Task::Regression { "rmse" } else { "accuracy" };
    names(task).iter().find(|name| **name == wanted).unwrap_or(&names(task)[0])
}

/// The metric that training lowers: a mean loss over rows, or the root of one.
pub(crate) fn objective(task: Task) -> &'static str {
    if task == Task::Regression { "rmse" } else { "log_loss" }
}

/// Whether higher values of a metric are better.
pub fn higher_is_better(name: &str) -> bool {
    matches!(name, "accuracy" | "roc_auc" | "pr_auc" | "f1_macro" | "r2")
}

/// Every metric of the task that is defined on these examples.
///
/// | task | `answers` (m × outputs, row-major) | `truths` |
/// | --- | --- | --- |
/// | binary | outputs = 1: the probability of class 1 | m: 0 or 1 |
/// | multiclass | outputs = C: the probability of each class | m: the class's index |
/// | multilabel | the probability of each label | m × outputs: 0 or 1 |
/// | regression | values | m × outputs |
///
/// Metrics of several classes, labels or targets are the mean over those for which they are defined. `ece`, the expected
/// calibration error in 15 bins of equal width, is of the likeliest of several classes, of class 1 of two, and of all
/// labels together (Guo, Pleiss, Sun and Weinberger 2017). A metric that is
/// undefined (the AUC with one class only, R² of a constant, MAPE with a 0 among the truths) is left out, and so are
/// all metrics when a prediction is not finite: no value is NaN.
///
/// # Panics
/// If the lengths are inconsistent, or a class index is not below `outputs`.
pub fn evaluate(task: Task, answers: &[f64], outputs: usize, truths: &[f64], weights: Option<&[f64]>) -> Metrics {
    evaluate_at(task, answers, outputs, truths, weights, &[])
}

/// The same where a class or label is predicted from another probability on than a half: one threshold for each output
/// of a binary or multilabel task, or none.
///
/// # Panics
/// As [`evaluate`], or if there is not a threshold for each output.
pub fn evaluate_at(
    task: Task,
    answers: &[f64],
    outputs: usize,
    truths: &[f64],
    weights: Option<&[f64]>,
    thresholds: &[f64],
) -> Metrics {
    let m = answers.len() / outputs;
    assert_eq!(answers.len(), m * outputs, "answers are whole rows");
    assert_eq!(truths.len(), if task.is_classes() { m } else { m * outputs }, "truths of every row");
    assert!(weights.is_none_or(|weights| weights.len() == m), "a weight for every row");
    let weights = SampleWeights::new(m, weights);
    if weights.sum <= 0.0 || !answers.iter().all(|answer| answer.is_finite()) {
        return Metrics::new();
    }
    let mut metrics = match task {
        Task::Regression => regression::evaluate(answers, outputs, truths, &weights),
        Task::Multiclass => classes::Scores::classes(answers, outputs, truths, &weights).metrics(),
        Task::Binary | Task::Multilabel => {
            classes::Scores::labels(answers, outputs, truths, thresholds, &weights).metrics()
        }
    };
    if task != Task::Regression {
        metrics.insert("ece".into(), calibration::error(task, answers, outputs, truths, &weights));
    }
    metrics.retain(|_, metric| metric.value.is_finite());
    metrics
}

/// The mean of one number per row, with its interval: a difference of two models' losses, for one.
///
/// # Panics
/// If there are weights, but not one for every row.
pub(crate) fn mean(rows: &[f64], weights: Option<&[f64]>) -> Metric {
    assert!(weights.is_none_or(|weights| weights.len() == rows.len()), "a weight for every row");
    let weights = SampleWeights::new(rows.len(), weights);
    let value = weights.mean(rows.iter().copied());
    let moves = rows.iter().map(|x| x - value).collect();
    interval::Influenced { value, moves }.metric([f64::NEG_INFINITY, f64::INFINITY], &weights)
}

/// The pinball loss of each quantile (`pinball_0.1`), and `coverage`, the share of truths from the lowest quantile to the
/// highest; `answers` has the quantiles of each truth.
///
/// # Panics
/// If the lengths are inconsistent.
pub fn of_quantiles(quantiles: &[f64], answers: &[f64], truths: &[f64], weights: Option<&[f64]>) -> Metrics {
    assert_eq!(answers.len(), truths.len() * quantiles.len(), "every quantile of every row");
    let weights = SampleWeights::new(truths.len(), weights);
    if weights.sum <= 0.0 || !answers.iter().all(|answer| answer.is_finite()) {
        return Metrics::new();
    }
    regression::of_quantiles(quantiles, answers, truths, &weights)
}

/// The share of m examples that are hits, with Wilson's interval; none of no example.
pub fn share(hits: usize, m: usize) -> Option<Metric> {
    (m > 0).then(|| interval::wilson(hits as f64 / m as f64, m as f64))
}

/// Sample weights; without any, each is 1.
struct SampleWeights<'a> {
    weights: Option<&'a [f64]>,
    sum: f64,
    /// (Σw)² / Σw²: the effective sample size.
    effective: f64,
}

impl<'a> SampleWeights<'a> {
    fn new(m: usize, weights: Option<&'a [f64]>) -> Self {
        let (sum, squares) = match weights {
            Some(weights) => (weights.iter().sum::<f64>(), weights.iter().map(|w| w * w).sum::<f64>()),
            None => (m as f64, m as f64),
        };
        SampleWeights { weights, sum, effective: sum * sum / squares }
    }

    fn of(&self, row: usize) -> f64 {
        self.weights.map_or(1.0, |weights| weights[row])
    }

    /// The weighted mean of one value per row; rows of weight 0 may have any value, even infinity.
    fn mean(&self, values: impl Iterator<Item = f64>) -> f64 {
        let weighted = values.enumerate().map(|(row, value)| (self.of(row), value));
        weighted.filter(|(weight, _)| *weight > 0.0).map(|(weight, value)| weight * value).sum::<f64>() / self.sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_of_good_answers_is_named() {
        for (task, answers, outputs, truths) in [
            (Task::Binary, vec![0.2, 0.7, 0.4, 0.6], 1, vec![0.0, 1.0, 1.0, 0.0]),
            (Task::Multiclass, vec![0.9, 0.1, 0.3, 0.7], 2, vec![0.0, 1.0]),
            (Task::Multilabel, vec![0.9, 0.1, 0.3, 0.7], 2, vec![1.0, 0.0, 0.0, 1.0]),
            (Task::Regression, vec![1.0, 2.0, 3.5], 1, vec![1.5, 2.0, 3.0]),
        ] {
            let metrics = evaluate(task, &answers, outputs, &truths, None);
            let mut names = names(task).to_vec();
            names.sort_unstable();
            assert_eq!(metrics.keys().collect::<Vec<_>>(), names, "{task}");
            for (name, Metric { value, low, high }) in metrics {
                assert!(low.unwrap() <= value && high.unwrap() >= value, "{name}: {low:?} {value} {high:?}");
            }
        }
    }

    #[test]
    fn what_is_undefined_is_left_out() {
        let one_class = evaluate(Task::Binary, &[0.2, 0.7], 1, &[0.0, 0.0], None);
        assert_eq!(one_class.keys().collect::<Vec<_>>(), ["accuracy", "brier", "ece", "f1_macro", "log_loss"]);
        let constant = evaluate(Task::Regression, &[1.0, 2.0], 1, &[0.0, 0.0], None);
        assert_eq!(constant.keys().collect::<Vec<_>>(), ["mae", "rmse"]);
        assert!(evaluate(Task::Regression, &[f64::NAN], 1, &[0.0], None).is_empty());
        assert!(evaluate(Task::Multiclass, &[], 3, &[], None).is_empty());
    }

    #[test]
    fn a_weight_of_two_is_the_row_twice_and_of_zero_the_row_left_out() {
        let (answers, truths) = ([0.1, 0.6, 0.4, 0.9, 0.5], [0.0, 0.0, 1.0, 1.0, 1.0]);
        let weighted = evaluate(Task::Binary, &answers, 1, &truths, Some(&[1.0, 2.0, 2.0, 1.0, 0.0]));
        let (answers, truths) = ([0.1, 0.6, 0.6, 0.4, 0.4, 0.9], [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
        for (name, metric) in evaluate(Task::Binary, &answers, 1, &truths, None) {
            assert!((weighted[&name].value - metric.value).abs() < 1e-15, "{name}");
        }
    }
}
