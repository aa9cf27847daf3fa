//! How well scores rank positives above negatives.

/// Statistics of the ranking by score. Tied scores count as one threshold.
pub(super) struct Ranking {
    /// The total weight of the positives.
    pub(super) positives: f64,
    /// The total weight of the negatives.
    pub(super) negatives: f64,
    /// The probability that a positive scores above a negative, ties counting half.
    roc_auc: f64,
    /// Average precision: Σ over thresholds of (increase in recall) · precision.
    pr_auc: f64,
}

impl Ranking {
    /// Ranks (score, weight, whether positive).
    pub(super) fn of(mut scores: Vec<(f64, f64, bool)>) -> Ranking {
        scores.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        let (mut positives, mut negatives, mut pairs, mut precisions) = (0.0, 0.0, 0.0, 0.0);
        // By value: −0 and 0 are tied.
        for tied in scores.chunk_by(|a, b| a.0 == b.0) {
            let weight = |kind| tied.iter().filter(|(.., positive)| *positive == kind).map(|(_, w, _)| w).sum::<f64>();
            let (p, n): (f64, f64) = (weight(true), weight(false));
            pairs += n * (positives + p / 2.0);
            (positives, negatives) = (positives + p, negatives + n);
            if p > 0.0 {
                precisions += p * positives / (positives + negatives);
            }
        }
        Ranking { positives, negatives, roc_auc: pairs / (positives * negatives), pr_auc: precisions / positives }
    }

    /// The area under the ROC curve; undefined unless both classes occur.
    pub(super) fn roc_auc(&self) -> Option<f64> {
        (self.positives > 0.0 && self.negatives > 0.0).then_some(self.roc_auc)
    }

    /// The area under the precision-recall curve; undefined without positives.
    pub(super) fn pr_auc(&self) -> Option<f64> {
        (self.positives > 0.0).then_some(self.pr_auc)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rank(scores: &[(f64, bool)]) -> Ranking {
        Ranking::of(scores.iter().map(|&(score, positive)| (score, 1.0, positive)).collect())
    }

    #[test]
    fn known_small_rankings() {
        // scikit-learn's own example: AUC 0.75, average precision 0.8333…
        let ranking = rank(&[(0.1, false), (0.4, false), (0.35, true), (0.8, true)]);
        assert_eq!(ranking.roc_auc(), Some(0.75));
        assert!((ranking.pr_auc().unwrap() - 5.0 / 6.0).abs() < 1e-15);
    }

    #[test]
    fn all_tied_is_chance() {
        let ranking = rank(&[(0.5, true), (0.5, false), (0.5, false), (0.5, false)]);
        assert_eq!((ranking.roc_auc(), ranking.pr_auc()), (Some(0.5), Some(0.25)));
        assert_eq!(rank(&[(0.0, true), (-0.0, false)]).roc_auc(), Some(0.5));
    }

    #[test]
    fn one_kind_alone_has_no_auc() {
        assert_eq!(rank(&[(0.5, true)]).roc_auc(), None);
        let none = rank(&[(0.5, false)]);
        assert_eq!((none.roc_auc(), none.pr_auc()), (None, None));
    }
}
