//! Intervals of differences of metrics, by resampling rows.

use std::collections::BTreeMap;

use thalweg_kernels::pool;

use crate::metrics::Metrics;
use crate::random::{self, Stream};

/// Resamples at most, and at least.
const MOST: usize = 2_000;
const LEAST: usize = 200;
/// Answers looked at in all resamples together.
const WORK: usize = 40_000_000;
/// The share of resamples in which a metric must be defined.
const ENOUGH: f64 = 0.9;

/// The number of resamples for rows of this many outputs.
pub(super) fn resamples(rows: usize, outputs: usize) -> usize {
    (WORK / (rows * outputs).max(1)).clamp(LEAST, MOST)
}

/// The 2.5 % and 97.5 % quantiles of each metric's difference over resamples of the rows with replacement (Efron 1979),
/// the percentile interval. `difference` is given the times that each row was drawn.
///
/// Row i of resample r depends on the seed, r and i alone.
pub(super) fn intervals(
    rows: usize,
    resamples: usize,
    seed: u64,
    difference: impl Fn(&[f64]) -> Vec<(String, f64)> + Sync,
) -> BTreeMap<String, (f64, f64)> {
    let mut found = vec![Vec::new(); resamples];
    pool::for_each_chunk(&mut found, 1, |r, found| {
        found[0] = difference(&drawn(rows, random::resample(seed, r as u32)));
    });
    let mut by_name: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    found.into_iter().flatten().for_each(|(name, value)| by_name.entry(name).or_default().push(value));
    by_name.retain(|_, values| values.len() as f64 >= ENOUGH * resamples as f64);
    by_name.into_iter().map(|(name, values)| (name, middle(values))).collect()
}

/// How often each row is drawn in `rows` draws.
fn drawn(rows: usize, stream: Stream) -> Vec<f64> {
    let mut times = vec![0.0; rows];
    for draw in 0..rows {
        let word = stream.bits(0, (draw / 4) as u32)[draw % 4];
        times[((u64::from(word) * rows as u64) >> 32) as usize] += 1.0;
    }
    times
}

/// The 2.5 % and 97.5 % quantiles, interpolated linearly.
fn middle(mut values: Vec<f64>) -> (f64, f64) {
    values.sort_unstable_by(f64::total_cmp);
    let at = |q: f64| {
        let place = q * (values.len() - 1) as f64;
        let (below, share) = (place as usize, place.fract());
        let above = values[(below + 1).min(values.len() - 1)];
        values[below] + share * (above - values[below])
    };
    (at(0.025), at(0.975))
}

/// What each metric that both have grows by from the first to the second.
pub(super) fn differences(a: &Metrics, b: &Metrics) -> Vec<(String, f64)> {
    a.iter().filter_map(|(name, a)| Some((name.clone(), b.get(name)?.value - a.value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_means_interval_is_that_of_its_standard_error() {
        // The bootstrap's standard error of a mean is σ/√n exactly, and the mean of 400 rows is nearly normal.
        let values: Vec<f64> = (0..400).map(|i| f64::from(i * 37 % 101)).collect();
        let mean = |times: &[f64]| times.iter().zip(&values).map(|(n, x)| n * x).sum::<f64>() / 400.0;
        let found = intervals(400, 2_000, 0, |times| vec![("mean".into(), mean(times))]);
        let (low, high) = found["mean"];
        let centre = mean(&[1.0; 400]);
        let variance = values.iter().map(|x| (x - centre).powi(2)).sum::<f64>() / 400.0;
        let half = 1.959963984540054 * (variance / 400.0).sqrt();
        assert!((low - (centre - half)).abs() < 0.1 * half && (high - (centre + half)).abs() < 0.1 * half);
        assert_ne!(found, intervals(400, 2_000, 1, |times| vec![("mean".into(), mean(times))]));
    }

    #[test]
    fn rows_are_drawn_as_often_as_there_are_rows() {
        for rows in [1, 2, 5, 1_000] {
            assert_eq!(drawn(rows, random::resample(3, 4)).iter().sum::<f64>(), rows as f64);
        }
        assert_eq!(resamples(360, 10), 2_000);
        assert_eq!(resamples(10_000_000, 10), LEAST);
    }

    #[test]
    fn what_is_seldom_defined_has_no_interval() {
        let seldom = |times: &[f64]| if times[0] > 1.0 { vec![("x".into(), 1.0)] } else { Vec::new() };
        assert!(intervals(10, 200, 0, seldom).is_empty());
    }
}
