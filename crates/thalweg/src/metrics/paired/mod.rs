//! Two models on the same rows: what each row says of one, it says of the other, so differences are far more certain than
//! the metrics themselves.

mod bootstrap;
mod mcnemar;
mod student;

use std::collections::BTreeMap;

use serde::Serialize;

use super::classes::chosen;
use super::threshold::HALF;
use super::{Metric, Metrics, RowLosses, evaluate};
use crate::task::Task;
pub use mcnemar::McNemar;

/// A metric of both models, and how much higher it is of B.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Difference {
    /// Of A.
    pub a: Metric,
    /// Of B.
    pub b: Metric,
    /// B − A, with its 95 % interval by the paired bootstrap.
    pub difference: Metric,
}

/// Two models compared on the same rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Paired {
    /// The rows.
    #[serde(rename = "examples")]
    pub rows: usize,
    /// Resamples of the rows for the intervals.
    pub resamples: usize,
    /// Each metric that is defined for both.
    pub metrics: BTreeMap<String, Difference>,
    /// The mean over rows of B's loss − A's, with its paired t interval: log loss for classes and labels, else squared
    /// errors (their mean over targets).
    pub mean_loss: Metric,
    /// McNemar's exact test of the accuracy (of two classes, at a threshold of ½), for classes; each row counts once,
    /// whatever its weight.
    pub mcnemar: Option<McNemar>,
}

/// Compares the answers of two models, A and B, to the same rows; answers, truths and weights are as
/// [`evaluate`](super::evaluate) takes them.
///
/// Intervals are of the percentile bootstrap over rows (Efron 1979), both models on each resample, and, for the mean loss,
/// of Student's t for paired differences; the same seed gives the same bits.
///
/// # Panics
/// If the lengths are inconsistent, or a class index is not below `outputs`.
///
/// # Examples
///
/// ```
/// use thalweg::{Task, metrics};
///
/// let truths: Vec<f64> = (0..40).map(|i| f64::from(i % 2)).collect();
/// let unsure = vec![0.5; 40];
/// let good: Vec<f64> = truths.iter().map(|y| 0.2 + 0.6 * y).collect();
/// let found = metrics::paired(Task::Binary, [&unsure, &good], 1, &truths, None, 0);
/// let log_loss = found.metrics["log_loss"].difference;
/// assert!((log_loss.value - (0.5_f64 / 0.8).ln()).abs() < 1e-12);
/// assert!(log_loss.high.unwrap() < 0.0);
/// ```
pub fn paired(
    task: Task,
    [a, b]: [&[f64]; 2],
    outputs: usize,
    truths: &[f64],
    weights: Option<&[f64]>,
    seed: u64,
) -> Paired {
    let rows = a.len() / outputs;
    let metrics = |answers: &[f64], weights: Option<&[f64]>| evaluate(task, answers, outputs, truths, weights);
    let resamples = bootstrap::resamples(rows, outputs);
    let intervals = bootstrap::intervals(rows, resamples, seed, |times| {
        let weights: Vec<f64> =
            times.iter().enumerate().map(|(row, times)| times * weights.map_or(1.0, |weights| weights[row])).collect();
        bootstrap::differences(&metrics(a, Some(&weights)), &metrics(b, Some(&weights)))
    });
    let losses = RowLosses::new(task, outputs, truths, weights);
    let each: Vec<f64> = losses.of_rows(b).iter().zip(losses.of_rows(a)).map(|(b, a)| b - a).collect();
    Paired {
        rows,
        resamples,
        metrics: side_by_side(&metrics(a, weights), &metrics(b, weights), &intervals),
        mean_loss: student::of_mean(&each, weights),
        mcnemar: task.is_classes().then(|| {
            let right = |answers: &[f64], row: usize| {
                chosen(&answers[row * outputs..][..outputs], HALF) == truths[row] as usize
            };
            let only = |these: &[f64], others: &[f64]| {
                (0..rows).filter(|&row| right(these, row) && !right(others, row)).count()
            };
            McNemar::of(only(a, b), only(b, a))
        }),
    }
}

fn side_by_side(a: &Metrics, b: &Metrics, intervals: &BTreeMap<String, (f64, f64)>) -> BTreeMap<String, Difference> {
    let both = bootstrap::differences(a, b).into_iter();
    both.map(|(name, value)| {
        let interval = intervals.get(&name).filter(|_| value.is_finite());
        let difference = Metric { value, low: interval.map(|(low, _)| *low), high: interval.map(|(_, high)| *high) };
        let (a, b) = (a[&name], b[&name]);
        (name, Difference { a, b, difference })
    })
    .collect()
}
