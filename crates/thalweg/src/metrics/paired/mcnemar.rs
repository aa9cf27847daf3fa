//! McNemar's exact test.

use serde::{Deserialize, Serialize};

/// McNemar's exact test of two models on the same rows (McNemar 1947; exact by the binomial distribution).
///
/// Only rows that one model has right and the other wrong tell them apart. If both were equally good, each such row would
/// be a fair coin: p = min(1, 2·P(X ≤ min(a, b))) of X ~ Binomial(a + b, ½).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct McNemar {
    /// Rows that only A has right.
    pub only_a: usize,
    /// Rows that only B has right.
    pub only_b: usize,
    /// The two-sided p-value.
    pub p: f64,
}

impl McNemar {
    /// The test of the rows that only A, and only B, has right.
    ///
    /// ```
    /// let test = thalweg::metrics::McNemar::of(3, 11);
    /// assert!((test.p - 0.057373046875).abs() < 1e-15);
    /// ```
    pub fn of(only_a: usize, only_b: usize) -> McNemar {
        let (n, few) = ((only_a + only_b) as f64, only_a.min(only_b));
        // P(X ≤ few) = C(n, few) / 2ⁿ · (1 + few/(n−few+1) + …): the terms fall, and none overflows.
        let (mut sum, mut term) = (1.0, 1.0);
        for k in (1..=few).rev() {
            term *= k as f64 / (n - k as f64 + 1.0);
            sum += term;
            if term < f64::EPSILON * sum / 16.0 {
                break;
            }
        }
        let largest: f64 = (1..=few).map(|k| ((n - (few - k) as f64) / k as f64).ln()).sum();
        let tail = (largest - n * std::f64::consts::LN_2 + f64::ln(sum)).exp();
        McNemar { only_a, only_b, p: (2.0 * tail).min(1.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_counts_are_sums_of_binomials() {
        // P(X ≤ 1) of 6 coins: (1 + 6) / 64.
        assert!((McNemar::of(1, 5).p - 2.0 * 7.0 / 64.0).abs() < 1e-15);
        assert_eq!((McNemar::of(0, 0).p, McNemar::of(4, 4).p), (1.0, 1.0));
        assert_eq!(McNemar::of(5, 1).p, McNemar::of(1, 5).p);
        assert!((McNemar::of(0, 10).p - 2.0 / 1024.0).abs() < 1e-16);
    }
}
