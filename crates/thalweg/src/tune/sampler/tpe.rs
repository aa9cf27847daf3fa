//! Tree-structured Parzen estimators (Bergstra et al. 2011), multivariate over all dimensions as in BOHB (Falkner et
//! al. 2018).
//!
//! The best trials have the density l(x), all others g(x); of several draws from l, the one with the highest l(x)/g(x),
//! and so the largest expected improvement, is tried next.

use super::{STARTUP, allowed, normal_cdf as cdf, random_point, ranked, ranked_by_fronts};
use crate::random;
use crate::tune::record::{Trial, TrialState};
use crate::tune::space::{Point, Scale, Space};

/// Candidates drawn from l.
const CANDIDATES: u32 = 32;

/// The centre of a kernel; inactive dimensions are uniform.
type Centre = Vec<Option<f64>>;

/// The point of trial `index`.
pub(super) fn point(space: &Space, objective: &[String], seed: u64, index: usize, past: &[Trial]) -> Option<Point> {
    let ended = if objective.len() > 1 { ranked_by_fronts(past, &objective[1..]) } else { ranked(past) };
    let known: Vec<&&Trial> = ended.iter().filter(|trial| !trial.point.is_empty()).collect();
    if known.len() < STARTUP {
        return random_point(space, seed, index);
    }
    let good_count = (0.1 * known.len() as f64).ceil().min(25.0) as usize;
    let (good, bad) = known.split_at(good_count.max(2));
    let places = |trial: &Trial| space.places(&trial.point);
    // Running trials count as bad, so that workers spread out.
    let running = past.iter().filter(|trial| trial.state == TrialState::Running && !trial.point.is_empty());
    let good = Density::new(space, good.iter().map(|trial| places(trial)).collect());
    let bad = Density::new(space, bad.iter().map(|trial| places(trial)).chain(running.map(places)).collect());
    let candidates = (0..CANDIDATES).filter_map(|candidate| {
        let stream = random::search(seed, 1 << 16 | candidate);
        let which = stream.uniform::<f64>(index as u32, u32::MAX);
        let point = allowed(space, seed ^ u64::from(candidate + 1) << 32, index, |draws| good.draw(which, draws))?;
        let at = space.places(&point);
        Some((good.log(&at) - bad.log(&at), point))
    });
    candidates.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, point)| point)
}

/// A mixture of one product kernel per trial, and one uniform over the space.
struct Density<'a> {
    space: &'a Space,
    centres: Vec<Centre>,
    /// For each centre and dimension, the logarithm of the kernel's normalising constant.
    norms: Vec<Vec<f64>>,
    /// The bandwidth of numeric kernels, on the unit scale.
    width: f64,
}

impl Density<'_> {
    fn new(space: &Space, centres: Vec<Centre>) -> Density<'_> {
        // Scott's rule (1992) for kernels of a fifth of the range.
        let dimensions = space.dimensions.len() as f64;
        let width = (0.2 * (centres.len().max(1) as f64).powf(-1.0 / (dimensions + 4.0))).max(0.01);
        let norm = |place: &Option<f64>| {
            let inside = place.map_or(1.0, |at| cdf((1.0 - at) / width) - cdf(-at / width));
            -(width * std::f64::consts::TAU.sqrt() * inside).ln()
        };
        let norms = centres.iter().map(|centre| centre.iter().map(norm).collect()).collect();
        Density { space, centres, norms, width }
    }

    /// A sample: positions from uniform draws; `which` picks the kernel.
    fn draw(&self, which: f64, draws: &[f64]) -> Vec<f64> {
        let kernel = self.centres.get((which * (self.centres.len() + 1) as f64) as usize);
        let place =
            |(i, &draw): (usize, &f64)| match (kernel.and_then(|centre| centre[i]), &self.space.dimensions[i].scale) {
                (None, _) => draw,
                (Some(centre), Scale::Choice(choices)) => {
                    // The rest of the draw, rescaled, picks among all choices.
                    let stay = self.stay(choices.len());
                    if draw < stay { centre } else { (draw - stay) / (1.0 - stay) }
                }
                (Some(centre), _) => {
                    let (low, high) = (cdf(-centre / self.width), cdf((1.0 - centre) / self.width));
                    (centre + self.width * quantile(low + draw * (high - low))).clamp(0.0, 1.0)
                }
            };
        draws.iter().enumerate().map(place).collect()
    }

    /// The log density at a point.
    fn log(&self, at: &Centre) -> f64 {
        let mut logs: Vec<f64> = (0..self.centres.len()).map(|kernel| self.log_kernel(kernel, at)).collect();
        // The uniform kernel, on the same scale as the others.
        let even = |(dimension, at): (&crate::tune::space::Dimension, &Option<f64>)| match (&dimension.scale, at) {
            (Scale::Choice(choices), Some(_)) => -(choices.len() as f64).ln(),
            _ => 0.0,
        };
        logs.push(self.space.dimensions.iter().zip(at).map(even).sum());
        let top = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        top + (logs.iter().map(|log| (log - top).exp()).sum::<f64>() / logs.len() as f64).ln()
    }

    fn log_kernel(&self, kernel: usize, at: &Centre) -> f64 {
        let each =
            |(i, at): (usize, &Option<f64>)| match (&self.space.dimensions[i].scale, self.centres[kernel][i], *at) {
                (_, _, None) => 0.0,
                (Scale::Choice(choices), None, Some(_)) => -(choices.len() as f64).ln(),
                (_, None, Some(_)) => 0.0,
                (Scale::Choice(choices), Some(centre), Some(at)) => {
                    let stay = self.stay(choices.len());
                    let other = (1.0 - stay) / choices.len() as f64;
                    (if centre == at { stay + other } else { other }).ln()
                }
                (_, Some(centre), Some(at)) => {
                    let z = (at - centre) / self.width;
                    self.norms[kernel][i] - 0.5 * z * z
                }
            };
        at.iter().enumerate().map(each).sum()
    }

    /// The probability that a kernel over choices keeps its own choice, in excess of uniform.
    fn stay(&self, choices: usize) -> f64 {
        let n = self.centres.len() as f64;
        n / (n + choices as f64)
    }
}

/// The inverse normal CDF, by bisection: a few dozen steps cost nothing compared with a trial.
fn quantile(p: f64) -> f64 {
    let (mut low, mut high) = (-9.0, 9.0);
    for _ in 0..32 {
        let middle = 0.5 * (low + high);
        if cdf(middle) < p { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}
