//! Scaling of one numeric column, fitted on the training rows' observed numbers.

use serde::{Deserialize, Serialize};

use super::quantiles::Quantiles;
use crate::config::Normalise;

/// A column whose farthest number is more than this many robust standard deviations from its median has far outliers.
const FAR_OUTLIER: f64 = 20.0;
/// Fewer values than this say nothing about outliers.
const ENOUGH_FOR_OUTLIERS: usize = 20;
/// The interquartile range of the standard normal distribution.
const NORMAL_IQR: f64 = 1.349;

/// A scaling with its fitted parameters.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// (x − μ) / σ, σ² the population variance (1 for a constant column).
    Standard {
        /// μ.
        mean: f64,
        /// σ.
        deviation: f64,
    },
    /// r / √(1 + (r/3)²) of r = (x − median) / spread, which bounds every input by ±3.
    Robust {
        /// The median.
        median: f64,
        /// The interquartile range / 1.349.
        spread: f64,
    },
    /// (x − low) / (high − low).
    MinMax {
        /// The minimum.
        low: f64,
        /// The maximum.
        high: f64,
    },
    /// x.
    None,
}

impl Scale {
    /// Fits one kind of scaling to the numbers.
    pub fn fit(values: impl Iterator<Item = f64> + Clone, normalise: Normalise) -> Self {
        match normalise {
            Normalise::None => Scale::None,
            Normalise::Standard => {
                let (mean, deviation) = mean_deviation(values);
                Scale::Standard { mean, deviation }
            }
            Normalise::MinMax => {
                let (low, high) = range(values).unwrap_or_default();
                Scale::MinMax { low, high }
            }
            Normalise::Robust => Scale::robust(&mut Quantiles::new(values.collect())),
        }
    }

    /// The robust scaling of the numbers.
    pub(super) fn robust(values: &mut Quantiles) -> Self {
        let spread = robust_spread(values);
        // If half the numbers or more are equal, σ is used as the spread.
        let spread = if spread > 0.0 { spread } else { mean_deviation(values.values().iter().copied()).1 };
        Scale::Robust { median: values.at(0.5), spread }
    }

    /// The number to subtract, and the number to divide by afterwards.
    pub(crate) fn affine(&self) -> (f64, f64) {
        match *self {
            Scale::Standard { mean, deviation } => (mean, deviation),
            Scale::Robust { median, spread } => (median, spread),
            Scale::MinMax { low, high } => (low, if high > low { high - low } else { 1.0 }),
            Scale::None => (0.0, 1.0),
        }
    }

    /// The scaled number.
    pub fn apply(&self, x: f64) -> f64 {
        let (shift, unit) = self.affine();
        let r = (x - shift) / unit;
        if let Scale::Robust { .. } = self { r / (1.0 + (r / 3.0) * (r / 3.0)).sqrt() } else { r }
    }

    /// The number that is scaled to this: x of `apply(x)`.
    pub fn invert(&self, scaled: f64) -> f64 {
        let (shift, unit) = self.affine();
        let r = match self {
            // Rounding may put the farthest numbers at the bound itself.
            Scale::Robust { .. } => scaled / (1.0 - (scaled / 3.0).powi(2)).max(f64::EPSILON).sqrt(),
            _ => scaled,
        };
        shift + unit * r
    }
}

/// Whether one of the numbers is a far outlier: more than 20 robust standard deviations from the median.
pub(super) fn has_far_outliers(values: &mut Quantiles) -> bool {
    if values.len() < ENOUGH_FOR_OUTLIERS {
        return false;
    }
    let (median, spread) = (values.at(0.5), robust_spread(values));
    let (low, high) = range(values.values().iter().copied()).unwrap_or_default();
    spread > 0.0 && (high - median).max(median - low) / spread > FAR_OUTLIER
}

/// μ and σ (population form); σ is 1 for a constant column (or no numbers), so that dividing by it is safe.
pub(crate) fn mean_deviation(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let (low, high) = range(values.clone()).unwrap_or_default();
    if low == high {
        // Exact; the rounded mean of equal numbers would leave a tiny σ.
        return (low, 1.0);
    }
    let m = values.clone().count() as f64;
    let mean = values.clone().map(|x| x / m).sum::<f64>();
    let variance = values.map(|x| (x - mean) * (x - mean) / m).sum::<f64>();
    (mean, if variance > 0.0 { variance.sqrt() } else { 1.0 })
}

fn robust_spread(values: &mut Quantiles) -> f64 {
    (values.at(0.75) - values.at(0.25)) / NORMAL_IQR
}

/// The minimum and maximum, if there are any numbers.
pub(super) fn range(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.fold(None, |range, x| range.map_or(Some((x, x)), |(low, high)| Some((f64::min(low, x), f64::max(high, x)))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() <= 1e-12 * b.abs().max(1.0), "{a} is not {b}");
    }

    #[test]
    fn standard_is_the_population_form() {
        // mean 5, squared distances 9+1+1+1+0+0+4+16 = 32, over 8: σ = 2.
        let scale = Scale::fit([2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0].into_iter(), Normalise::Standard);
        assert_eq!(scale, Scale::Standard { mean: 5.0, deviation: 2.0 });
        close(scale.apply(9.0), 2.0);
    }

    #[test]
    fn a_constant_column_becomes_zeros() {
        for normalise in [Normalise::Standard, Normalise::Robust, Normalise::MinMax] {
            let scale = Scale::fit([0.1; 7].into_iter(), normalise);
            assert_eq!(scale.apply(0.1), 0.0, "{normalise:?}");
            assert!(scale.apply(0.3).is_finite(), "{normalise:?}");
        }
    }

    #[test]
    fn robust_clips_smoothly() {
        // quartiles of 0..=8 are 2, 4, 6: spread 4 / 1.349.
        let scale = Scale::fit((0..=8).map(f64::from), Normalise::Robust);
        let r: f64 = 4.0 / (4.0 / 1.349);
        close(scale.apply(8.0), r / (1.0 + r * r / 9.0).sqrt());
        assert!(scale.apply(1e12) <= 3.0 && scale.apply(-1e12) >= -3.0);
    }

    #[test]
    fn what_is_scaled_comes_back() {
        for normalise in [Normalise::Standard, Normalise::Robust, Normalise::MinMax, Normalise::None] {
            let scale = Scale::fit((0..=8).map(f64::from), normalise);
            for x in [-3.0, 0.0, 2.5, 8.0, 20.0] {
                let back = scale.invert(scale.apply(x));
                assert!((back - x).abs() < 1e-9, "{normalise:?}: {back} is not {x}");
            }
        }
        assert!(Scale::fit((0..=8).map(f64::from), Normalise::Robust).invert(3.0).is_finite());
    }

    #[test]
    fn only_far_outliers_count() {
        let mut values: Vec<f64> = (0..100).map(f64::from).collect();
        assert!(!has_far_outliers(&mut Quantiles::new(values.clone())));
        values.push(5_000.0);
        assert!(has_far_outliers(&mut Quantiles::new(values)));
    }
}
