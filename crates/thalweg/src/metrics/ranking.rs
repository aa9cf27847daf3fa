//! How well scores rank positives above negatives.

use super::interval::Influenced;

/// One row's score.
pub(super) struct Scored {
    pub(super) row: usize,
    pub(super) score: f64,
    pub(super) weight: f64,
    pub(super) positive: bool,
}

/// Rows by score, highest first. Tied scores count as one threshold.
pub(super) struct Ranking {
    scores: Vec<Scored>,
    /// The thresholds, from the highest to the lowest.
    thresholds: Vec<ScoreGroup>,
    /// The total weight of the positives.
    positives: f64,
    /// The total weight of the negatives.
    negatives: f64,
}

/// The rows of one score, by weight.
struct ScoreGroup {
    rows: usize,
    positives: f64,
    negatives: f64,
    /// The positives and negatives down to here, these among them.
    positives_above: f64,
    negatives_above: f64,
}

impl ScoreGroup {
    fn precision(&self) -> f64 {
        self.positives_above / (self.positives_above + self.negatives_above)
    }
}

impl Ranking {
    pub(super) fn of(mut scores: Vec<Scored>) -> Ranking {
        scores.sort_unstable_by(|a, b| b.score.total_cmp(&a.score));
        let (mut positives_above, mut negatives_above) = (0.0, 0.0);
        // By value: −0 and 0 are tied.
        let threshold = |tied: &[Scored]| {
            let weight = |kind| tied.iter().filter(|row| row.positive == kind).map(|row| row.weight).sum::<f64>();
            let (positives, negatives) = (weight(true), weight(false));
            (positives_above, negatives_above) = (positives_above + positives, negatives_above + negatives);
            ScoreGroup { rows: tied.len(), positives, negatives, positives_above, negatives_above }
        };
        let thresholds = scores.chunk_by(|a, b| a.score == b.score).map(threshold).collect();
        Ranking { scores, thresholds, positives: positives_above, negatives: negatives_above }
    }

    /// The area under the ROC curve, the probability that a positive scores above a negative, ties counting half;
    /// undefined unless both classes occur.
    ///
    /// A row moves it by how much likelier it wins against the other kind than its own kind does on average.
    pub(super) fn roc_auc(&self) -> Option<Influenced> {
        let (p, n) = (self.positives, self.negatives);
        // The positives above each negative of a threshold, ties counting half.
        let above = |t: &ScoreGroup| t.positives_above - t.positives / 2.0;
        let auc = self.thresholds.iter().map(|t| t.negatives * above(t)).sum::<f64>() / (p * n);
        let wins = |t: &ScoreGroup, positive| match positive {
            true => (1.0 - (t.negatives_above - t.negatives / 2.0) / n - auc) / p,
            false => (above(t) / p - auc) / n,
        };
        let moves = self.moves(self.thresholds.iter().map(|t| [wins(t, false), wins(t, true)]));
        (p > 0.0 && n > 0.0).then_some(Influenced { value: auc, moves })
    }

    /// The area under the precision-recall curve, as average precision: Σ over thresholds of (increase in recall) ·
    /// precision; undefined without positives.
    ///
    /// A row adds its own precision if positive, and changes that of each threshold at or below it.
    pub(super) fn pr_auc(&self) -> Option<Influenced> {
        let total = self.positives;
        // A threshold of negatives alone adds nothing.
        let with_positives = |t: &&ScoreGroup| t.positives > 0.0;
        let area =
            self.thresholds.iter().filter(with_positives).map(|t| t.positives * t.precision()).sum::<f64>() / total;
        let (mut gained, mut lost) = (0.0, 0.0);
        let mut changes: Vec<[f64; 2]> = Vec::with_capacity(self.thresholds.len());
        for t in self.thresholds.iter().rev() {
            if t.positives > 0.0 {
                let share = t.positives / (t.positives_above + t.negatives_above);
                (gained, lost) = (gained + share, lost + share * t.precision());
            }
            // Only rows that weigh something have a precision.
            let own = if t.positives_above > 0.0 { t.precision() - area } else { 0.0 };
            changes.push([-lost / total, (own + gained - lost) / total]);
        }
        let moves = self.moves(changes.into_iter().rev());
        (total > 0.0).then_some(Influenced { value: area, moves })
    }

    /// Each row's move, from those of a negative and of a positive at each threshold.
    fn moves(&self, changes: impl Iterator<Item = [f64; 2]>) -> Vec<f64> {
        let mut moves = vec![0.0; self.scores.len()];
        let mut rows = self.scores.iter();
        for (threshold, change) in self.thresholds.iter().zip(changes) {
            for row in rows.by_ref().take(threshold.rows) {
                moves[row.row] = change[usize::from(row.positive)] * (self.positives + self.negatives);
            }
        }
        moves
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rank(scores: &[(f64, bool)]) -> Ranking {
        let scored = |(row, &(score, positive))| Scored { row, score, weight: 1.0, positive };
        Ranking::of(scores.iter().enumerate().map(scored).collect())
    }

    fn value(influenced: Option<Influenced>) -> Option<f64> {
        influenced.map(|influenced| influenced.value)
    }

    #[test]
    fn known_small_rankings() {
        // scikit-learn's own example: AUC 0.75, average precision 0.8333…
        let ranking = rank(&[(0.1, false), (0.4, false), (0.35, true), (0.8, true)]);
        assert_eq!(value(ranking.roc_auc()), Some(0.75));
        assert!((value(ranking.pr_auc()).unwrap() - 5.0 / 6.0).abs() < 1e-15);
        // The positives win against 1/2 and 1 of the negatives, 1/4 from their mean; half of the rows are of a kind.
        assert_eq!(ranking.roc_auc().unwrap().moves, [0.5, -0.5, -0.5, 0.5]);
    }

    /// What a row moves is the derivative by its weight, times the weights' sum.
    #[test]
    fn moves_are_derivatives() {
        let rows = [
            (0.9, 1.0, true),
            (0.7, 2.0, false),
            (0.7, 0.5, true),
            (0.4, 1.5, true),
            (0.4, 1.0, false),
            (0.1, 3.0, false),
        ];
        let of = |changed: usize, by: f64| {
            let scored = |(row, (score, weight, positive))| Scored {
                row,
                score,
                weight: weight + if row == changed { by } else { 0.0 },
                positive,
            };
            Ranking::of(rows.into_iter().enumerate().map(scored).collect())
        };
        let (roc, pr) = (of(0, 0.0).roc_auc().unwrap(), of(0, 0.0).pr_auc().unwrap());
        for row in 0..rows.len() {
            let slope = |area: fn(&Ranking) -> Option<Influenced>| {
                (value(area(&of(row, 1e-5))).unwrap() - value(area(&of(row, -1e-5))).unwrap()) / 2e-5 * 9.0
            };
            assert!((roc.moves[row] - slope(Ranking::roc_auc)).abs() < 1e-8, "{row}");
            assert!((pr.moves[row] - slope(Ranking::pr_auc)).abs() < 1e-8, "{row}");
        }
    }

    #[test]
    fn all_tied_is_chance() {
        let ranking = rank(&[(0.5, true), (0.5, false), (0.5, false), (0.5, false)]);
        assert_eq!((value(ranking.roc_auc()), value(ranking.pr_auc())), (Some(0.5), Some(0.25)));
        assert_eq!(value(rank(&[(0.0, true), (-0.0, false)]).roc_auc()), Some(0.5));
    }

    #[test]
    fn one_kind_alone_has_no_auc() {
        assert_eq!(value(rank(&[(0.5, true)]).roc_auc()), None);
        let none = rank(&[(0.5, false)]);
        assert_eq!((value(none.roc_auc()), value(none.pr_auc())), (None, None));
    }
}
