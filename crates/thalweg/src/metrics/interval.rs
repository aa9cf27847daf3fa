//! 95 % confidence intervals: how far a metric would move on other examples of the same kind.

use super::{Metric, Weights};

/// The 97.5 % quantile of the normal distribution.
const Z: f64 = 1.959963984540054;

/// A proportion of m examples, by Wilson's interval: (p + z²/2m ± z·√(p(1−p)/m + z²/4m²)) / (1 + z²/m).
pub(super) fn wilson(p: f64, m: f64) -> Metric {
    let z2 = Z * Z / m;
    let centre = (p + z2 / 2.0) / (1.0 + z2);
    let half = Z * (p * (1.0 - p) / m + z2 / (4.0 * m)).max(0.0).sqrt() / (1.0 + z2);
    // At 0 and 1 the bounds equal p, and rounding must not push them past it.
    Metric { value: p, low: Some((centre - half).clamp(0.0, p)), high: Some((centre + half).min(1.0).max(p)) }
}

/// A mean of one loss per row: value ± z·s/√m, not below 0; no interval from fewer than two rows.
pub(super) fn of_mean(value: f64, rows: &[f64], weights: &Weights) -> Metric {
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
pub(super) fn of_repeats(rows: &[f64], repeats: &[f64], weights: &Weights) -> Metric {
    let k = repeats.len() as f64;
    let value = repeats.iter().sum::<f64>() / k;
    let between = repeats.iter().map(|x| (x - value).powi(2)).sum::<f64>() / (k - 1.0).max(1.0);
    let (m, centre) = (weights.effective, weights.mean(rows.iter().copied()));
    let within = weights.mean(rows.iter().map(|x| (x - centre).powi(2))) / (m - 1.0);
    let half = (m > 1.0 && within.is_finite()).then(|| Z * (within + between / k).sqrt());
    Metric { value, low: half.map(|half| value - half), high: half.map(|half| value + half) }
}

/// An AUC A over P positives and N negatives, by Hanley and McNeil (1982):
/// s² = (A(1−A) + (P−1)(A/(2−A) − A²) + (N−1)(2A²/(1+A) − A²)) / (P·N).
///
/// A perfect AUC has no interval: s would be 0, as if it were certain.
pub(super) fn hanley_mcneil(a: f64, p: f64, n: f64) -> Metric {
    let (q1, q2) = (a / (2.0 - a), 2.0 * a * a / (1.0 + a));
    let variance = (a * (1.0 - a) + (p - 1.0) * (q1 - a * a) + (n - 1.0) * (q2 - a * a)) / (p * n);
    let half = (variance > 0.0).then(|| Z * variance.sqrt());
    Metric { value: a, low: half.map(|half| (a - half).max(0.0)), high: half.map(|half| (a + half).min(1.0)) }
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
    fn hanley_mcneil_has_the_papers_standard_error() {
        // Hanley and McNeil (1982): A = 0.893 over 51 abnormal and 58 normal images has a standard error of 0.032.
        let metric = hanley_mcneil(0.893, 51.0, 58.0);
        assert!(((metric.value - metric.low.unwrap()) / Z - 0.032).abs() < 1e-3);
        assert_eq!(hanley_mcneil(1.0, 5.0, 5.0).low, None);
    }

    #[test]
    fn a_means_interval_is_by_its_standard_error() {
        // s² = 5/3 over 4 rows.
        near(
            of_mean(2.5, &[1.0, 2.0, 3.0, 4.0], &Weights::new(4, None)),
            2.5 - Z * (5.0_f64 / 12.0).sqrt(),
            2.5 + Z * (5.0_f64 / 12.0).sqrt(),
        );
        assert_eq!(of_mean(1.0, &[1.0], &Weights::new(1, None)).low, None);
    }
}
