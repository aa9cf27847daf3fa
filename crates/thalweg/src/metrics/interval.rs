//! 95 % confidence intervals: how far a metric would move on other examples of the same kind.

use super::{Metric, SampleWeights};

/// The 97.5 % quantile of the normal distribution.
pub(super) const Z: f64 = 1.959963984540054;
/// A score this close to 0 or 1 is there but for rounding.
const ROUNDING: f64 = 1e-12;

/// A proportion of m examples, by Wilson's interval: (p + z²/2m ± z·√(p(1−p)/m + z²/4m²)) / (1 + z²/m).
pub(super) fn wilson(p: f64, m: f64) -> Metric {
    let z2 = Z * Z / m;
    let centre = (p + z2 / 2.0) / (1.0 + z2);
    let half = Z * (p * (1.0 - p) / m + z2 / (4.0 * m)).max(0.0).sqrt() / (1.0 + z2);
    // At 0 and 1 the bounds equal p, and rounding must not push them past it.
    Metric { value: p, low: Some((centre - half).clamp(0.0, p)), high: Some((centre + half).min(1.0).max(p)) }
}

/// A mean of one loss per row: value ± z·s/√m, not below 0; no interval from fewer than two rows.
pub(super) fn of_mean(value: f64, rows: &[f64], weights: &SampleWeights) -> Metric {
    let m = weights.effective;
    let centre = weights.mean(rows.iter().copied());
    let variance = weights.mean(rows.iter().map(|x| (x - centre).powi(2))) / (m - 1.0);
    let half = (m > 1.0 && variance.is_finite()).then(|| Z * variance.sqrt());
    Metric { value, low: half.map(|half| (value - half).max(0.0)), high: half.map(|half| value + half) }
}

/// A difference that moves with the rows and with K repetitions at random: value ± z·√(s²/m + s_K²/K), s² the variance of
/// the rows' moves (each a mean over repetitions) and s_K² that of the repetitions' values.
///
/// The rows' variance has a share of what chance did, so that the interval is rather too wide than too narrow.
pub(super) fn of_repeats(rows: &[f64], repeats: &[f64], weights: &SampleWeights) -> Metric {
    let k = repeats.len() as f64;
    let value = repeats.iter().sum::<f64>() / k;
    let between = repeats.iter().map(|x| (x - value).powi(2)).sum::<f64>() / (k - 1.0).max(1.0);
    let (m, centre) = (weights.effective, weights.mean(rows.iter().copied()));
    let within = weights.mean(rows.iter().map(|x| (x - centre).powi(2))) / (m - 1.0);
    let half = (m > 1.0 && within.is_finite()).then(|| Z * (within + between / k).sqrt());
    Metric { value, low: half.map(|half| value - half), high: half.map(|half| value + half) }
}

/// A statistic with its influence function: how far it moves per unit of weight on a row, times the sum of weights.
///
/// The moves' mean is 0, and their variance over m estimates the statistic's (the infinitesimal jackknife, Efron 1982;
/// of a mean it is s²/m, of an AUC DeLong, DeLong and Clarke-Pearson's estimate, 1988).
pub(super) struct Influenced {
    pub(super) value: f64,
    /// One per row.
    pub(super) moves: Vec<f64>,
}

impl Influenced {
    /// The mean of those that are defined: what a row moves is the mean of what it moves in each.
    pub(super) fn mean(parts: impl Iterator<Item = Option<Influenced>>) -> Option<Influenced> {
        let (mut sum, mut count) = (Influenced { value: 0.0, moves: Vec::new() }, 0.0);
        for part in parts.flatten() {
            sum.value += part.value;
            sum.moves.resize(part.moves.len(), 0.0);
            sum.moves.iter_mut().zip(part.moves).for_each(|(sum, part)| *sum += part);
            count += 1.0;
        }
        sum.value /= count;
        sum.moves.iter_mut().for_each(|sum| *sum /= count);
        (count > 0.0).then_some(sum)
    }

    /// Value ± z·s, within bounds.
    pub(super) fn metric(self, [least, most]: [f64; 2], weights: &SampleWeights) -> Metric {
        let half = self.variance(weights).map(|variance| Z * variance.sqrt());
        let Influenced { value, .. } = self;
        let low = half.map(|half| (value - half).max(least));
        Metric { value, low, high: half.map(|half| (value + half).min(most)) }
    }

    /// A score p between 0 and 1: Wilson's interval with n* = p(1−p)/s² for m, as of clustered samples (Korn and
    /// Graubard 1998), `most` at most: few mistakes tell little of s. At 0 and 1, where s is 0 as if p were certain, n* is
    /// `fewest`.
    pub(super) fn score(self, [fewest, most]: [f64; 2], weights: &SampleWeights) -> Metric {
        let p = self.value.clamp(0.0, 1.0);
        let spread = p * (1.0 - p);
        let n = match self.variance(weights) {
            Some(variance) if spread > ROUNDING => (spread / variance).min(most),
            _ => fewest,
        };
        wilson(p, n)
    }

    /// s², the variance of the value; unknown from fewer than two rows.
    fn variance(&self, weights: &SampleWeights) -> Option<f64> {
        let m = weights.effective;
        let variance = weights.mean(self.moves.iter().map(|x| x * x)) / (m - 1.0);
        (m > 1.0 && variance.is_finite()).then_some(variance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(metric: Metric, low: f64, high: f64) {
        let (found_low, found_high) = (metric.low.unwrap(), metric.high.unwrap());
        assert!((found_low - low).abs() < 5e-5 && (found_high - high).abs() < 5e-5, "{found_low} {found_high}");
    }

    #[test]
    fn wilson_agrees_with_published_figures() {
        // 15 of 148 and 0 of 20: Newcombe (1998), table I, method 3.
        near(wilson(15.0 / 148.0, 148.0), 0.0624, 0.1605);
        near(wilson(0.0, 20.0), 0.0, 0.1611);
        assert_eq!(wilson(1.0, 20.0).high, Some(1.0));
    }

    #[test]
    fn a_perfect_score_is_as_certain_as_its_fewest_rows() {
        let perfect = || Influenced { value: 1.0, moves: vec![0.0; 1_000] };
        assert_eq!(perfect().score([20.0, 1_000.0], &SampleWeights::new(1_000, None)), wilson(1.0, 20.0));
        // Of 0s and 1s n* is the number of rows, less the one in m − 1.
        let moves = (0..20).map(|i| if i < 5 { 0.75 } else { -0.25 }).collect();
        let share = Influenced { value: 0.25, moves }.score([2.0, 20.0], &SampleWeights::new(20, None));
        assert_eq!(share, wilson(0.25, 19.0));
    }

    #[test]
    fn a_means_interval_is_by_its_standard_error() {
        // s² = 5/3 over 4 rows.
        near(
            of_mean(2.5, &[1.0, 2.0, 3.0, 4.0], &SampleWeights::new(4, None)),
            2.5 - Z * (5.0_f64 / 12.0).sqrt(),
            2.5 + Z * (5.0_f64 / 12.0).sqrt(),
        );
        assert_eq!(of_mean(1.0, &[1.0], &SampleWeights::new(1, None)).low, None);
    }
}
