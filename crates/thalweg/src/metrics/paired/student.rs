//! The 97.5 % quantile of Student's t distribution, and the paired t interval.

use crate::metrics::interval::Z;
use crate::metrics::{Metric, SampleWeights};

/// Degrees of freedom from which the expansion about the normal quantile is exact to 10⁻⁹.
const MANY: usize = 100;

/// The mean of differences, one per row, with its 95 % interval: d̄ ± t·s/√n, t of n − 1 degrees of freedom (Student
/// 1908); no interval from fewer than two rows. Weighted rows count as (Σw)²/Σw² rows.
pub(super) fn of_mean(differences: &[f64], weights: Option<&[f64]>) -> Metric {
    let weights = SampleWeights::new(differences.len(), weights);
    let value = weights.mean(differences.iter().copied());
    let n = weights.effective;
    // An effective number of rows is rounded down, which makes the interval rather too wide.
    let freedom = (n - 1.0 + 1e-9).floor() as usize;
    let half = (freedom > 0).then(|| {
        let variance = weights.mean(differences.iter().map(|d| (d - value).powi(2))) * n / (n - 1.0);
        quantile(freedom) * (variance / n).sqrt()
    });
    Metric { value, low: half.map(|half| value - half), high: half.map(|half| value + half) }
}

/// t with P(|T| ≤ t) = 0.95.
fn quantile(freedom: usize) -> f64 {
    let v = freedom as f64;
    if freedom >= MANY {
        // Abramowitz and Stegun (1964), 26.7.5.
        let z2 = Z * Z;
        let terms = [
            (z2 + 1.0) / 4.0,
            ((5.0 * z2 + 16.0) * z2 + 3.0) / 96.0,
            (((3.0 * z2 + 19.0) * z2 + 17.0) * z2 - 15.0) / 384.0,
            ((((79.0 * z2 + 776.0) * z2 + 1482.0) * z2 - 1920.0) * z2 - 945.0) / 92160.0,
        ];
        return Z * (1.0 + terms.iter().rev().fold(0.0, |sum, term| (sum + term) / v));
    }
    // By bisection: one degree of freedom has the largest quantile, 12.7.
    let (mut low, mut high) = (Z, 13.0);
    while high - low > 1e-12 {
        let middle = (low + high) / 2.0;
        if within(middle, freedom) < 0.95 { low = middle } else { high = middle }
    }
    low
}

/// P(|T| ≤ t), as a finite sum in θ = atan(t/√ν) (Abramowitz and Stegun 1964, 26.7.3 and 26.7.4).
fn within(t: f64, freedom: usize) -> f64 {
    let angle = (t / (freedom as f64).sqrt()).atan();
    let (sin, cos2) = (angle.sin(), angle.cos().powi(2));
    let odd = freedom % 2;
    // cos^k·(2·4·…)/(3·5·…) for odd ν, cos^k·(1·3·…)/(2·4·…) for even ν.
    let (mut sum, mut term) = (0.0, if odd == 1 { angle.cos() } else { 1.0 });
    for k in 0..freedom / 2 {
        sum += term;
        let k = (2 * k + 1 + odd) as f64;
        term *= cos2 * k / (k + 1.0);
    }
    if odd == 1 { (angle + sin * sum) * std::f64::consts::FRAC_2_PI } else { sin * sum }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_agree_with_scipy() {
        // scipy.stats.t.ppf(0.975, freedom), SciPy 1.17.1.
        for (freedom, expected) in [
            (1, 12.706204736174694),
            (2, 4.302652729749462),
            (3, 3.1824463052837078),
            (4, 2.7764451051977934),
            (9, 2.262157162798205),
            (30, 2.0422724563012378),
            (57, 2.002465459291007),
            (98, 1.9844674545084815),
            (99, 1.9842169515864174),
            (100, 1.9839715185235518),
            (101, 1.983731002955606),
            (500, 1.9647198374673676),
            (10000, 1.960201239890626),
            (1000000, 1.959966356814107),
        ] {
            let found = quantile(freedom);
            assert!((found - expected).abs() < 1e-9 * expected, "{freedom}: {found} {expected}");
        }
    }

    #[test]
    fn one_row_has_no_interval_and_a_weight_of_two_is_the_row_twice() {
        assert_eq!(of_mean(&[1.5], None), Metric { value: 1.5, low: None, high: None });
        let (whole, weighted) = (of_mean(&[1.0, 2.0, 4.0], None), of_mean(&[1.0, 2.0, 4.0], Some(&[2.0; 3])));
        assert_eq!(whole, weighted);
        // s² = 7/3 over 3 rows, and t of 2 degrees of freedom.
        let half = 4.302652729749462 * (7.0_f64 / 9.0).sqrt();
        assert!((whole.high.unwrap() - 7.0 / 3.0 - half).abs() < 1e-10);
        assert_eq!(of_mean(&[1.0, 2.0, 9.0], Some(&[1.0, 1.0, 0.0])).value, 1.5);
    }
}
