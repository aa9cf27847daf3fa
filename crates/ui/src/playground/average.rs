//! The exponentially weighted average of a noisy series.

use serde::Deserialize;
use serde_json::{Value, json};
use thalweg::random::Stream;
use thalweg::{Error, Result};

/// The stream of the noise.
const NOISE: u32 = 65;
const MOST: usize = 2_000;

/// What is averaged, and how.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    beta: f64,
    days: usize,
    noise: f64,
    seed: u64,
}

/// Temperatures of some days, θ, and their averages v without and with bias correction.
///
/// # Errors
/// If β is not from 0 to below 1, or there are too many days.
pub(super) fn average(query: &Query) -> Result<Value> {
    let Query { beta, days, noise, seed } = *query;
    if !(0.0..1.0).contains(&beta) {
        return Err(Error::config(format!("found a β of {beta}, expected 0 to below 1")));
    }
    if !(1..=MOST).contains(&days) || !(0.0..=100.0).contains(&noise) {
        return Err(Error::config(format!(
            "found {days} days with noise {noise}, expected up to {MOST}, and up to 100"
        )));
    }
    let mut normal = vec![0.0; days];
    Stream::new(seed, NOISE).fill_normal(0, &mut normal);
    let season = |day: usize| 12.0 - 9.0 * (std::f64::consts::TAU * (day as f64 + 15.0) / 365.0).cos();
    let theta: Vec<f64> = normal.iter().enumerate().map(|(day, normal)| season(day) + noise * normal).collect();
    Ok(json!({
        "theta": theta,
        "plain": thalweg::average::smooth(&theta, beta, false),
        "corrected": thalweg::average::smooth(&theta, beta, true),
        "window": 1.0 / (1.0 - beta),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_averages_are_the_weighted_sums_of_the_formula() {
        let told = average(&Query { beta: 0.9, days: 40, noise: 3.0, seed: 7 }).unwrap();
        let of = |name: &str| told[name].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect::<Vec<_>>();
        let theta = of("theta");
        for t in [1, 2, 10, 40] {
            // v_t = (1−β) Σ β^(t−i) θ_i, and the weights sum to 1 − β^t.
            let v: f64 = (1..=t).map(|i| 0.1 * 0.9f64.powi((t - i) as i32) * theta[i - 1]).sum();
            assert!((of("plain")[t - 1] - v).abs() < 1e-12);
            assert!((of("corrected")[t - 1] - v / (1.0 - 0.9f64.powi(t as i32))).abs() < 1e-12);
        }
        assert!((told["window"].as_f64().unwrap() - 10.0).abs() < 1e-12);
        assert!(average(&Query { beta: 1.0, days: 4, noise: 0.0, seed: 0 }).is_err());
        assert!(average(&Query { beta: 0.5, days: 1 << 40, noise: 0.0, seed: 0 }).is_err());
    }
}
