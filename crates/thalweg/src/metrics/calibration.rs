//! Calibration: does what is predicted with probability p happen in a share p of the cases?

use serde::{Deserialize, Serialize};

use super::{Metric, SampleWeights, interval};
use crate::task::Task;

/// Bins of equal width, as in Guo et al.
const BINS: usize = 15;

/// One bin of a reliability diagram: predictions of about the same probability, and how often they came true.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CalibrationBin {
    /// Predictions in it.
    pub count: usize,
    /// Their mean probability.
    pub predicted: f64,
    /// The share that came true.
    pub observed: f64,
    /// Lower end of the share's 95 % interval (Wilson's).
    pub low: f64,
    /// Upper end of the share's 95 % interval.
    pub high: f64,
}

/// Predictions by bin, collected in any number of portions.
#[derive(Debug, Clone, Default)]
pub(crate) struct Calibration([Sums; BINS]);

/// Sums over the predictions of a bin.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    count: usize,
    weight: f64,
    squared_weights: f64,
    predicted: f64,
    observed: f64,
    /// Σw²·p(1−p): the variance of `observed`, were the probabilities right.
    variance: f64,
}

impl Sums {
    /// Σw(p − y): how much more was predicted than came true.
    fn gap(&self) -> f64 {
        self.predicted - self.observed
    }
}

/// One prediction: its row, its probability, whether it came true.
struct Predicted {
    row: usize,
    p: f64,
    is: bool,
}

/// The predictions of m rows: the likeliest of several classes, the second of two, or every label.
fn predictions<'a>(
    task: Task,
    answers: &'a [f64],
    outputs: usize,
    truths: &'a [f64],
) -> impl Iterator<Item = Predicted> + 'a {
    let per_row = if task == Task::Multiclass { 1 } else { outputs };
    (0..answers.len() / outputs * per_row).map(move |i| match task {
        Task::Multiclass => {
            let row = &answers[i * outputs..][..outputs];
            let chosen = super::classes::choice(row);
            Predicted { row: i, p: row[chosen], is: truths[i] as usize == chosen }
        }
        _ => Predicted { row: i / outputs, p: answers[i], is: truths[i] > 0.5 },
    })
}

/// The bin ((b)/15, (b + 1)/15] of a probability; the first one has 0 too.
pub(crate) fn bin_of(p: f64) -> usize {
    ((p * BINS as f64).ceil() as usize).clamp(1, BINS) - 1
}

/// The ends of a bin.
pub(crate) fn bin_ends(bin: usize) -> [f64; 2] {
    [bin, bin + 1].map(|end| end as f64 / BINS as f64)
}

impl Calibration {
    /// Adds m rows: `answers` and `truths` as for [`evaluate`](super::evaluate), of classes or labels.
    pub(crate) fn add(
        &mut self,
        task: Task,
        answers: &[f64],
        outputs: usize,
        truths: &[f64],
        weight: impl Fn(usize) -> f64,
    ) {
        for Predicted { row, p, is } in predictions(task, answers, outputs, truths) {
            let (sums, w) = (&mut self.0[bin_of(p)], weight(row));
            sums.count += 1;
            sums.weight += w;
            sums.squared_weights += w * w;
            sums.predicted += w * p;
            sums.observed += w * f64::from(is);
            sums.variance += w * w * p * (1.0 - p);
        }
    }

    /// The bins that have predictions, by probability.
    pub(crate) fn bins(&self) -> Vec<CalibrationBin> {
        let bin = |sums: &Sums| {
            let share = (sums.observed / sums.weight).min(1.0);
            let Metric { value, low, high } = interval::wilson(share, sums.weight * sums.weight / sums.squared_weights);
            CalibrationBin {
                count: sums.count,
                predicted: sums.predicted / sums.weight,
                observed: value,
                low: low.unwrap_or(0.0),
                high: high.unwrap_or(1.0),
            }
        };
        self.0.iter().filter(|sums| sums.weight > 0.0).map(bin).collect()
    }
}

/// The expected calibration error of Guo, Pleiss, Sun and Weinberger (2017): Σ over bins of (share of the predictions)
/// · |mean probability − share that came true|.
///
/// Chance adds to it, and never more than Σ_b √(2/π · Σw²p(1−p))/Σw, what right probabilities would show (a normal
/// deviation's mean is √(2/π)·s). The interval reaches from value − that − z·s to value + z·s, so that it has right
/// probabilities' 0; s is that of the mean of ±(p − y).
pub(super) fn error(task: Task, answers: &[f64], outputs: usize, truths: &[f64], weights: &SampleWeights) -> Metric {
    let mut calibration = Calibration::default();
    calibration.add(task, answers, outputs, truths, |row| weights.of(row));
    let bins = &calibration.0;
    let total: f64 = bins.iter().map(|sums| sums.weight).sum();
    let value = bins.iter().map(|sums| sums.gap().abs()).sum::<f64>() / total;
    let chance = bins.iter().map(|sums| (sums.variance * std::f64::consts::FRAC_2_PI).sqrt()).sum::<f64>() / total;
    // Labels of one row are correlated: what varies is a row's mean.
    let mut rows = vec![0.0; answers.len() / outputs];
    let per_row = total / weights.sum;
    for Predicted { row, p, is } in predictions(task, answers, outputs, truths) {
        rows[row] += bins[bin_of(p)].gap().signum() * (p - f64::from(is)) / per_row;
    }
    let metric = interval::of_mean(value, &rows, weights);
    Metric { value, low: metric.low.map(|low| (low - chance).max(0.0)), high: metric.high.map(|high| high.min(1.0)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_are_open_below_and_have_both_ends() {
        assert_eq!([0.0, 1e-9, 0.2, 0.200001, 1.0].map(bin_of), [0, 0, 2, 3, 14]);
        assert_eq!(bin_ends(14), [14.0 / 15.0, 1.0]);
    }

    #[test]
    fn worked_by_hand() {
        // 0.9 comes true once in two, 0.2 never in two: |0.9 − 0.5|/2 + 0.2/2.
        let (answers, truths) = ([0.9, 0.9, 0.2, 0.2], [1.0, 0.0, 0.0, 0.0]);
        let found = error(Task::Binary, &answers, 1, &truths, &SampleWeights::new(4, None));
        assert!((found.value - 0.3).abs() < 1e-15);
        let mut portions = Calibration::default();
        portions.add(Task::Binary, &answers[..3], 1, &truths[..3], |_| 1.0);
        portions.add(Task::Binary, &answers[3..], 1, &truths[3..], |_| 1.0);
        let bins = portions.bins();
        assert_eq!(bins.iter().map(|bin| (bin.count, bin.observed)).collect::<Vec<_>>(), [(2, 0.0), (2, 0.5)]);
        // Wilson's interval of 1 in 2.
        assert!((bins[1].low - 0.0945).abs() < 1e-4 && (bins[1].high - 0.9055).abs() < 1e-4, "{bins:?}");
    }

    #[test]
    fn of_several_classes_the_likeliest_counts() {
        let found =
            error(Task::Multiclass, &[0.2, 0.8, 0.0, 0.5, 0.3, 0.2], 3, &[1.0, 1.0], &SampleWeights::new(2, None));
        assert!((found.value - (0.2 + 0.5) / 2.0).abs() < 1e-15);
    }
}
