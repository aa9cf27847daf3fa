//! Metrics for classes and labels.

use super::interval::{self, Influenced};
use super::ranking::{Ranking, Scored};
use super::threshold::HALF;
use super::{Metric, Metrics, SampleWeights};

/// Predictions and truths, one column per class or label.
pub(super) struct Scores<'a> {
    answers: &'a [f64],
    outputs: usize,
    /// m × outputs: which columns are true.
    truth: Vec<bool>,
    /// m × outputs: which columns are predicted.
    chosen: Vec<bool>,
    /// Whether exactly one column is true in each row.
    exclusive: bool,
    weights: &'a SampleWeights<'a>,
}

impl<'a> Scores<'a> {
    /// Exclusive classes: the most probable one is predicted.
    pub(super) fn classes(answers: &'a [f64], outputs: usize, truths: &[f64], weights: &'a SampleWeights<'a>) -> Self {
        let one_hot = |class: usize| {
            assert!(class < outputs, "class {class} of {outputs}");
            (0..outputs).map(move |column| column == class)
        };
        let truth = truths.iter().flat_map(|truth| one_hot(*truth as usize)).collect();
        let chosen = answers.chunks(outputs).flat_map(|row| one_hot(choice(row))).collect();
        Scores { answers, outputs, truth, chosen, exclusive: true, weights }
    }

    /// Independent labels: predicted from a threshold on, of each label or of 1/2.
    pub(super) fn labels(
        answers: &'a [f64],
        outputs: usize,
        truths: &[f64],
        thresholds: &[f64],
        weights: &'a SampleWeights<'a>,
    ) -> Self {
        assert!(thresholds.is_empty() || thresholds.len() == outputs, "a threshold for every output");
        let threshold = |i: usize| thresholds.get(i % outputs).copied().unwrap_or(HALF);
        let truth = truths.iter().map(|truth| *truth > 0.5).collect();
        let chosen = answers.iter().enumerate().map(|(i, answer)| *answer >= threshold(i)).collect();
        Scores { answers, outputs, truth, chosen, exclusive: false, weights }
    }

    pub(super) fn metrics(&self) -> Metrics {
        let mut metrics = Metrics::from([
            ("accuracy".into(), self.accuracy()),
            (
                "log_loss".into(),
                self.mean(|p, truth| match (truth, self.exclusive) {
                    (true, _) => -clipped(p).ln(),
                    (false, true) => 0.0,
                    (false, false) => -clipped(1.0 - p).ln(),
                }),
            ),
            ("brier".into(), self.mean(|p, truth| (p - f64::from(truth)).powi(2))),
        ]);
        let rankings: Vec<Ranking> = (0..self.outputs).map(|column| self.ranking(column)).collect();
        let areas = |of: fn(&Ranking) -> Option<Influenced>| Influenced::mean(rankings.iter().map(of));
        // Labels and classes are averaged: together they tell more than one of them would.
        let rows = [self.fewest(), self.weights.effective * self.outputs as f64];
        for (name, score) in
            [("f1_macro", self.f1_macro()), ("roc_auc", areas(Ranking::roc_auc)), ("pr_auc", areas(Ranking::pr_auc))]
        {
            metrics.extend(score.map(|score| (name.into(), score.score(rows, self.weights))));
        }
        metrics
    }

    fn rows(&self) -> usize {
        self.answers.len() / self.outputs
    }

    /// The share of correct rows; for labels, of correct labels.
    fn accuracy(&self) -> Metric {
        let rows = self.truth.chunks(self.outputs).zip(self.chosen.chunks(self.outputs));
        let right = rows.map(|(truth, chosen)| match self.exclusive {
            true => f64::from(truth == chosen),
            false => truth.iter().zip(chosen).filter(|(a, b)| a == b).count() as f64 / self.outputs as f64,
        });
        // Labels of one row are correlated, so the sample size is the number of rows.
        interval::wilson(self.weights.mean(right).min(1.0), self.weights.effective)
    }

    /// The mean over rows of a loss summed over classes, or averaged over labels.
    fn mean(&self, loss: impl Fn(f64, bool) -> f64) -> Metric {
        let share = if self.exclusive { 1.0 } else { 1.0 / self.outputs as f64 };
        let rows = self.answers.chunks(self.outputs).zip(self.truth.chunks(self.outputs));
        let row = |(p, truth): (&[f64], &[bool])| p.iter().zip(truth).map(|(p, t)| loss(*p, *t)).sum::<f64>() * share;
        let rows: Vec<f64> = rows.map(row).collect();
        interval::of_mean(self.weights.mean(rows.iter().copied()), &rows, self.weights)
    }

    /// The mean over classes of F1 = 2TP / (2TP + FP + FN); a label's two classes are present and absent.
    ///
    /// A row moves F1 by (2·its TP − F1·(2TP + FP + FN of it)) / (2TP + FP + FN of all).
    fn f1_macro(&self) -> Option<Influenced> {
        let f1 = |column: usize, class: bool| {
            let of = |row: usize| {
                let i = row * self.outputs + column;
                let (truth, chosen) = (self.truth[i] == class, self.chosen[i] == class);
                (2.0 * f64::from(truth && chosen), f64::from(truth) + f64::from(chosen))
            };
            let (mut shared, mut total) = (0.0, 0.0);
            for row in 0..self.rows() {
                let (both, either) = of(row);
                shared += self.weights.of(row) * both;
                total += self.weights.of(row) * either;
            }
            let value = shared / total;
            let moved = |row| {
                let (both, either) = of(row);
                (both - value * either) / total * self.weights.sum
            };
            // A class that is neither true nor predicted anywhere has no F1.
            (total > 0.0).then(|| Influenced { value, moves: (0..self.rows()).map(moved).collect() })
        };
        Influenced::mean((0..self.outputs).map(|column| match self.exclusive {
            true => f1(column, true),
            false => Influenced::mean([f1(column, false), f1(column, true)].into_iter()),
        }))
    }

    fn ranking(&self, column: usize) -> Ranking {
        let scored = |row: usize| {
            let i = row * self.outputs + column;
            Scored { row, score: self.answers[i], weight: self.weights.of(row), positive: self.truth[i] }
        };
        Ranking::of((0..self.rows()).map(scored).collect())
    }

    /// The rows there would be if every class that occurs (or a label's presence and absence) had as few as the rarest.
    fn fewest(&self) -> f64 {
        let mut fewest = f64::INFINITY;
        for column in 0..self.outputs {
            let truth = (0..self.rows()).map(|row| f64::from(self.truth[row * self.outputs + column]));
            let share = self.weights.mean(truth);
            let shares = if self.exclusive { vec![share] } else { vec![share, 1.0 - share] };
            fewest = shares.into_iter().filter(|share| *share > 0.0).fold(fewest, f64::min);
        }
        let classes = if self.exclusive { self.outputs } else { 2 };
        (fewest * classes as f64).min(1.0) * self.weights.effective
    }
}

/// The confusion matrix: rows are true classes, columns predicted ones; binary predictions (outputs = 1) have two, the
/// second predicted from `threshold` on.
///
/// # Panics
/// If a truth is not a class index, or the lengths are inconsistent.
pub fn confusion(answers: &[f64], outputs: usize, truths: &[f64], threshold: f64) -> Vec<Vec<usize>> {
    assert_eq!(answers.len(), truths.len() * outputs, "answers and truths of every row");
    let classes = outputs.max(2);
    let mut counts = vec![vec![0; classes]; classes];
    for (row, truth) in answers.chunks(outputs).zip(truths) {
        counts[*truth as usize][chosen(row, threshold)] += 1;
    }
    counts
}

/// The predicted class; a single output is the probability of class 1, which is predicted from `threshold` on.
pub(super) fn chosen(row: &[f64], threshold: f64) -> usize {
    if let [p] = row { usize::from(*p >= threshold) } else { choice(row) }
}

/// The most probable class; ties go to the first.
pub(super) fn choice(row: &[f64]) -> usize {
    (1..row.len()).fold(0, |best, class| if row[class] > row[best] { class } else { best })
}

/// A probability clipped away from 0: one confident mistake must not make the mean infinite.
pub(super) fn clipped(p: f64) -> f64 {
    p.clamp(f64::EPSILON, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confusion_counts_true_by_chosen_with_ties_to_the_first() {
        let answers = [0.5, 0.5, 0.0, 0.1, 0.2, 0.7, 0.2, 0.6, 0.2];
        assert_eq!(confusion(&answers, 3, &[1.0, 2.0, 1.0], HALF), [[0, 0, 0], [1, 1, 0], [0, 0, 1]]);
        assert_eq!(confusion(&[0.4, 0.5, 0.9], 1, &[0.0, 0.0, 1.0], HALF), [[1, 1], [0, 1]]);
        assert_eq!(confusion(&[0.4, 0.5, 0.9], 1, &[0.0, 0.0, 1.0], 0.9), [[2, 0], [0, 1]]);
    }

    #[test]
    fn a_certain_mistake_stays_finite() {
        let metrics = Scores::labels(&[0.0], 1, &[1.0], &[], &SampleWeights::new(1, None)).metrics();
        assert!((metrics["log_loss"].value - 36.04365338911715).abs() < 1e-12);
    }

    #[test]
    fn worked_by_hand() {
        let answers = [0.7, 0.2, 0.1, 0.3, 0.3, 0.4, 0.1, 0.8, 0.1];
        let metrics = Scores::classes(&answers, 3, &[0.0, 1.0, 1.0], &SampleWeights::new(3, None)).metrics();
        let near = |name: &str, value: f64| assert!((metrics[name].value - value).abs() < 1e-15, "{name}");
        near("accuracy", 2.0 / 3.0);
        near("log_loss", -(0.7_f64.ln() + 0.3_f64.ln() + 0.8_f64.ln()) / 3.0);
        near("brier", (0.14 + 0.74 + 0.06) / 3.0);
        // F1: 1, 2·1/(2+1), and 0 for the class that was only predicted wrongly.
        near("f1_macro", (1.0 + 2.0 / 3.0 + 0.0) / 3.0);
        near("roc_auc", 1.0);
    }
}
