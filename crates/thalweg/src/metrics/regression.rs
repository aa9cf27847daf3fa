//! Regression metrics.

use super::interval::{self, Influenced};
use super::{Metric, Metrics, SampleWeights};

/// RMSE, MAE, R² and MAPE; for several targets the mean over targets.
pub(super) fn evaluate(answers: &[f64], outputs: usize, truths: &[f64], weights: &SampleWeights) -> Metrics {
    let target = |j: usize| OneTarget {
        answers: answers[j..].iter().step_by(outputs).copied().collect(),
        truths: truths[j..].iter().step_by(outputs).copied().collect(),
        weights,
    };
    let targets: Vec<OneTarget> = (0..outputs).map(target).collect();
    let mut metrics = Metrics::from([("mae".into(), mae(answers, outputs, truths, weights))]);
    for (name, bounds, found) in [
        ("rmse", [0.0, f64::INFINITY], Influenced::mean(targets.iter().map(OneTarget::rmse))),
        ("r2", [f64::NEG_INFINITY, 1.0], Influenced::mean(targets.iter().map(OneTarget::r2))),
        ("mape", [0.0, f64::INFINITY], Influenced::mean(targets.iter().map(OneTarget::mape))),
    ] {
        metrics.extend(found.map(|found| (name.into(), found.metric(bounds, weights))));
    }
    metrics
}

/// The mean of max(τe, (τ − 1)e), e = truth − quantile, for each τ, and how many truths are between the outer quantiles.
pub(super) fn of_quantiles(quantiles: &[f64], answers: &[f64], truths: &[f64], weights: &SampleWeights) -> Metrics {
    let pinball = |(k, tau): (usize, &f64)| {
        let errors = truths.iter().zip(answers[k..].iter().step_by(quantiles.len())).map(|(truth, z)| truth - z);
        let rows: Vec<f64> = errors.map(|e| (tau * e).max((tau - 1.0) * e)).collect();
        let mean = weights.mean(rows.iter().copied());
        (format!("pinball_{tau}"), interval::of_mean(mean, &rows, weights))
    };
    let mut metrics: Metrics = quantiles.iter().enumerate().map(pinball).collect();
    if let count @ 2.. = quantiles.len() {
        let rows = answers.chunks_exact(count).zip(truths);
        let within = weights.mean(rows.map(|(row, truth)| f64::from(row[0] <= *truth && *truth <= row[count - 1])));
        metrics.insert("coverage".into(), interval::wilson(within.min(1.0), weights.effective));
    }
    metrics
}

/// The rows of one target.
struct OneTarget<'a> {
    answers: Vec<f64>,
    truths: Vec<f64>,
    weights: &'a SampleWeights<'a>,
}

impl OneTarget<'_> {
    /// The squared error of each row.
    fn squared(&self) -> Vec<f64> {
        self.answers.iter().zip(&self.truths).map(|(answer, truth)| (answer - truth).powi(2)).collect()
    }

    /// √MSE: a row moves it by (e² − MSE) / (2·√MSE).
    fn rmse(&self) -> Option<Influenced> {
        let squared = self.squared();
        let mse = self.weights.mean(squared.iter().copied());
        let slope = if mse > 0.0 { 0.5 / mse.sqrt() } else { 0.0 };
        Some(Influenced { value: mse.sqrt(), moves: squared.iter().map(|e2| (e2 - mse) * slope).collect() })
    }

    /// 1 − MSE/V, V the truths' variance: a row moves it by −(e² − MSE)/V + (d² − V)·MSE/V², d its distance to the mean.
    fn r2(&self) -> Option<Influenced> {
        let squared = self.squared();
        let mse = self.weights.mean(squared.iter().copied());
        let mean = self.weights.mean(self.truths.iter().copied());
        let distances = || self.truths.iter().map(|truth| (truth - mean).powi(2));
        let variance = self.weights.mean(distances());
        let moved = |(e2, d2): (&f64, f64)| ((d2 - variance) * (mse / variance) - (e2 - mse)) / variance;
        // Rounding may give constant truths a tiny variance.
        (variance > (mean * f64::EPSILON).powi(2)).then(|| Influenced {
            value: 1.0 - mse / variance,
            moves: squared.iter().zip(distances()).map(moved).collect(),
        })
    }

    /// The mean of |e / truth|; undefined with a 0 among the truths.
    fn mape(&self) -> Option<Influenced> {
        let shares = self.answers.iter().zip(&self.truths).map(|(answer, truth)| ((answer - truth) / truth).abs());
        let shares: Vec<f64> = shares.collect();
        let value = self.weights.mean(shares.iter().copied());
        value.is_finite().then(|| Influenced { value, moves: shares.iter().map(|share| share - value).collect() })
    }
}

fn mae(answers: &[f64], outputs: usize, truths: &[f64], weights: &SampleWeights) -> Metric {
    let row = |(answers, truths): (&[f64], &[f64])| {
        answers.iter().zip(truths).map(|(answer, truth)| (answer - truth).abs()).sum::<f64>() / outputs as f64
    };
    let rows: Vec<f64> = answers.chunks(outputs).zip(truths.chunks(outputs)).map(row).collect();
    interval::of_mean(weights.mean(rows.iter().copied()), &rows, weights)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worked_by_hand() {
        let metrics = evaluate(&[1.0, 2.0, 6.0], 1, &[2.0, 2.0, 4.0], &SampleWeights::new(3, None));
        // Errors 1, 0, 2 around the mean 8/3, whose squares sum to 8/3.
        let expected =
            [("rmse", (5.0_f64 / 3.0).sqrt()), ("mae", 1.0), ("r2", 1.0 - 5.0 / (8.0 / 3.0)), ("mape", 1.0 / 3.0)];
        for (name, value) in expected {
            assert!((metrics[name].value - value).abs() < 1e-15, "{name}: {}", metrics[name].value);
        }
        // Squares 1, 0, 4 have s² = 13/3; the RMSE's standard error is √(s²/3) / (2·RMSE).
        let error = (13.0_f64 / 9.0).sqrt() / (2.0 * expected[0].1);
        assert!((metrics["rmse"].high.unwrap() - expected[0].1 - 1.959963984540054 * error).abs() < 1e-12);
    }

    #[test]
    fn quantiles_are_judged_by_what_is_below_them() {
        // Truths 1, 4 between quantiles 0–2 and 5–6: the first is covered.
        let metrics = of_quantiles(&[0.1, 0.9], &[0.0, 2.0, 5.0, 6.0], &[1.0, 4.0], &SampleWeights::new(2, None));
        assert!((metrics["pinball_0.1"].value - (0.1 * 1.0 + 0.9 * 1.0) / 2.0).abs() < 1e-15);
        assert!((metrics["pinball_0.9"].value - (0.1 * 1.0 + 0.1 * 2.0) / 2.0).abs() < 1e-15);
        assert_eq!(metrics["coverage"].value, 0.5);
    }

    #[test]
    fn a_row_that_weighs_nothing_takes_no_metric_away() {
        let metrics = evaluate(&[1.0, 3.0, 5.0], 1, &[0.0, 2.0, 4.0], &SampleWeights::new(3, Some(&[0.0, 1.0, 1.0])));
        assert_eq!(metrics["mape"].value, 0.375);
    }

    #[test]
    fn a_constant_that_is_no_binary_fraction_has_no_r2() {
        assert!(!evaluate(&[1.0; 7], 1, &[0.1; 7], &SampleWeights::new(7, None)).contains_key("r2"));
        assert!(evaluate(&[1e-9, 1.0], 1, &[1e-9, 2e-9], &SampleWeights::new(2, None)).contains_key("r2"));
    }
}
