//! A Gaussian process fitted to the trials so far; proposes the point of highest expected improvement (Mockus 1975;
//! Snoek, Larochelle and Adams 2012).

use super::{STARTUP, allowed, normal_cdf, random_point, winsorised};
use crate::tune::record::Trial;
use crate::tune::space::{Point, Scale, Space};
use crate::{cholesky, random};

/// Maximum number of trials fitted, the latest ones: the cost is cubic in it.
const MOST: usize = 256;
/// Candidates: random points, and points near the best trial.
const ANYWHERE: u32 = 512;
const NEAR: u32 = 128;
/// Grid of length scales and noises.
const LENGTHS: [f64; 4] = [0.2, 0.4, 0.8, 1.6];
const NOISES: [f64; 3] = [1e-4, 1e-2, 1e-1];

type UnitPoint = Vec<Option<f64>>;

/// The point of trial `index`.
pub(super) fn point(space: &Space, seed: u64, index: usize, past: &[Trial]) -> Option<Point> {
    let known: Vec<&Trial> = past.iter().filter(|trial| trial.cost.is_some() && !trial.point.is_empty()).collect();
    if known.len() < STARTUP {
        return random_point(space, seed, index);
    }
    let known = &known[known.len().saturating_sub(MOST)..];
    let costs = winsorised(known);
    let places: Vec<UnitPoint> = known.iter().map(|trial| space.places(&trial.point)).collect();
    let process = Process::fit(space, places, &costs)?;
    let best = (0..costs.len()).min_by(|a, b| costs[*a].total_cmp(&costs[*b]))?;
    let (centre, lowest) = (&process.places[best], process.lowest());
    let candidates = (0..ANYWHERE + NEAR).filter_map(|candidate| {
        let own = seed ^ u64::from(candidate + 1) << 32;
        let width = 0.02 + 0.2 * random::search(own, 1 << 17).uniform::<f64>(index as u32, 0);
        let near = |(i, &draw): (usize, &f64)| match (centre[i], &space.dimensions[i].scale) {
            (Some(at), Scale::Choice(_)) => {
                if draw < 0.3 {
                    draw / 0.3
                } else {
                    at
                }
            }
            (Some(at), _) => (at + width * (2.0 * draw - 1.0)).clamp(0.0, 1.0),
            (None, _) => draw,
        };
        let point = allowed(space, own, index, |draws| match candidate {
            n if n < ANYWHERE => draws.to_vec(),
            _ => draws.iter().enumerate().map(near).collect(),
        })?;
        Some((process.improvement(&space.places(&point), lowest), point))
    });
    candidates.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, point)| point)
}

/// A fitted process.
struct Process {
    places: Vec<UnitPoint>,
    lengths: Vec<f64>,
    /// The lower triangle L of K + σ²I = L Lᵀ, row by row.
    lower: Vec<Vec<f64>>,
    /// (K + σ²I)⁻¹ y.
    weights: Vec<f64>,
    /// Standardised costs: mean 0, variance 1.
    y: Vec<f64>,
}

impl Process {
    /// Fits length scales and noise by maximum likelihood.
    fn fit(space: &Space, places: Vec<UnitPoint>, costs: &[f64]) -> Option<Process> {
        let n = costs.len() as f64;
        let mean = costs.iter().sum::<f64>() / n;
        let deviation = (costs.iter().map(|cost| (cost - mean).powi(2)).sum::<f64>() / n).sqrt().max(1e-12);
        let y: Vec<f64> = costs.iter().map(|cost| (cost - mean) / deviation).collect();
        let mut best: Option<(f64, f64, Process)> = None;
        let consider = |best: &mut Option<(f64, f64, Process)>, lengths: Vec<f64>, noise: f64| {
            let Some((likelihood, process)) = Process::with(&places, lengths, noise, &y) else { return };
            if best.as_ref().is_none_or(|(most, ..)| likelihood > *most) {
                *best = Some((likelihood, noise, process));
            }
        };
        for length in LENGTHS {
            for noise in NOISES {
                consider(&mut best, vec![length; space.dimensions.len()], noise);
            }
        }
        // Each option has its own length scale: long for those that do not matter.
        for i in 0..space.dimensions.len() {
            for factor in [0.5, 2.0, 8.0] {
                let (_, noise, process) = best.as_ref()?;
                let (mut lengths, noise) = (process.lengths.clone(), *noise);
                lengths[i] *= factor;
                consider(&mut best, lengths, noise);
            }
        }
        best.map(|(.., process)| process)
    }

    /// The process of given length scales and noise, with its log-likelihood; none where K is singular.
    fn with(places: &[UnitPoint], lengths: Vec<f64>, noise: f64, y: &[f64]) -> Option<(f64, Process)> {
        let covariance = |i, j| matern(&places[i], &places[j], &lengths) + if i == j { noise } else { 0.0 };
        let lower = cholesky::factor(places.len(), covariance)?;
        let half = cholesky::forward(&lower, y);
        let likelihood = -0.5 * half.iter().map(|x| x * x).sum::<f64>()
            - lower.iter().map(|row| row[row.len() - 1].ln()).sum::<f64>();
        let weights = cholesky::backward(&lower, half);
        Some((likelihood, Process { places: places.to_vec(), lengths, lower, weights, y: y.to_vec() }))
    }

    /// The lowest predicted cost of any trial: because of noise the lowest observed one is too low.
    fn lowest(&self) -> f64 {
        self.places
            .iter()
            .map(|at| self.expect(at).0)
            .fold(f64::INFINITY, f64::min)
            .max(self.y.iter().copied().fold(f64::INFINITY, f64::min))
    }

    /// Mean and standard deviation of the cost at a position.
    fn expect(&self, at: &UnitPoint) -> (f64, f64) {
        let k: Vec<f64> = self.places.iter().map(|place| matern(place, at, &self.lengths)).collect();
        let mean = k.iter().zip(&self.weights).map(|(k, weight)| k * weight).sum();
        let variance = 1.0 - cholesky::forward(&self.lower, &k).iter().map(|x| x * x).sum::<f64>();
        (mean, variance.max(1e-12).sqrt())
    }

    /// E max(lowest − cost, 0).
    fn improvement(&self, at: &UnitPoint, lowest: f64) -> f64 {
        let (mean, deviation) = self.expect(at);
        let z = (lowest - mean) / deviation;
        let density = (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt();
        deviation * (z * normal_cdf(z) + density)
    }
}

/// The Matérn kernel with ν = 5/2; where an option is active in only one point, their distance is that of a scale's
/// ends.
fn matern(a: &UnitPoint, b: &UnitPoint, lengths: &[f64]) -> f64 {
    let apart = |((a, b), length): ((&Option<f64>, &Option<f64>), &f64)| {
        let distance = match (a, b) {
            (Some(a), Some(b)) => a - b,
            (None, None) => 0.0,
            _ => 1.0,
        };
        (distance / length).powi(2)
    };
    let squared: f64 = a.iter().zip(b).zip(lengths).map(apart).sum();
    let r = (5.0 * squared).sqrt();
    (1.0 + r + r * r / 3.0) * (-r).exp()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    /// Ten points on a line, with costs that dip in the middle.
    fn dip() -> (Space, Vec<UnitPoint>, Vec<f64>) {
        let mut config = Config::default();
        config.tune.search = [("dropout".to_string(), "linear:0..0.9".to_string())].into();
        let places: Vec<UnitPoint> = (0..10).map(|i| vec![Some(f64::from(i) / 9.0)]).collect();
        let costs = places.iter().map(|place| (place[0].unwrap() - 0.6).powi(2)).collect();
        (Space::new(&config).unwrap(), places, costs)
    }

    #[test]
    fn it_goes_through_what_it_knows_and_is_unsure_elsewhere() {
        let (space, places, costs) = dip();
        let process = Process::fit(&space, places.clone(), &costs).unwrap();
        for (place, y) in places.iter().zip(&process.y) {
            let (mean, deviation) = process.expect(place);
            assert!((mean - y).abs() < 0.05 && deviation < 0.1, "{mean} {y} {deviation}");
        }
        let between = process.expect(&vec![Some(0.5 / 9.0)]).1;
        assert!(between > process.expect(&places[0]).1);
    }

    #[test]
    fn improvement_is_expected_in_the_dip() {
        let (space, places, costs) = dip();
        let process = Process::fit(&space, places, &costs).unwrap();
        let at = |x: f64| process.improvement(&vec![Some(x)], process.lowest());
        let best = (0..=100).map(|i| f64::from(i) / 100.0).max_by(|a, b| at(*a).total_cmp(&at(*b))).unwrap();
        assert!((best - 0.6).abs() < 0.08, "{best}");
    }
}
