//! Samplers: the next trial from the space, the trials so far, and its number.
//!
//! Grid, random and Halton points are functions of (seed, number) alone. A round of coarse to fine also depends on the
//! trials of earlier rounds, and waits for them. TPE and the Gaussian process depend on all trials that have ended.

mod coarse_to_fine;
mod gp;
mod grid;
mod halton;
mod tpe;

use super::choice::front;
use super::record::{Trial, TrialState};
use super::space::{Point, Space};
use crate::config::{Sampler, Tune};
use crate::random;

/// A sampler's proposal.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Proposal {
    /// The next trial's values.
    Point(Point),
    /// None until other trials have ended.
    Wait,
    /// None left.
    Exhausted,
}

/// Random trials before a model is fitted.
const STARTUP: usize = 10;
/// Attempts at satisfying the constraints.
const TRIES: u32 = 10_000;

/// The point of trial `index` of the sampler, from 0; `past` holds its earlier trials, in order.
pub(super) fn propose(space: &Space, tune: &Tune, seed: u64, index: usize, past: &[Trial]) -> Proposal {
    let point = match tune.sampler {
        Sampler::Random => random_point(space, seed, index),
        Sampler::Halton => halton::point(space, seed, index),
        Sampler::Grid => grid::point(space, tune, index),
        Sampler::CoarseToFine => return coarse_to_fine::propose(space, tune, seed, index, past),
        Sampler::Gp => gp::point(space, seed, index, past),
        Sampler::Tpe => tpe::point(space, &tune.objective, seed, index, past),
    };
    point.map_or(Proposal::Exhausted, Proposal::Point)
}

/// The sampler's number of trials, where it is finite.
pub(super) fn count(space: &Space, tune: &Tune) -> Option<usize> {
    (tune.sampler == Sampler::Grid).then(|| grid::count(space, tune))
}

/// A point drawn uniformly from those that satisfy the constraints.
fn random_point(space: &Space, seed: u64, index: usize) -> Option<Point> {
    allowed(space, seed, index, |draws| draws.to_vec())
}

/// The first point that satisfies the constraints, from repeated random draws.
fn allowed(space: &Space, seed: u64, index: usize, places: impl Fn(&[f64]) -> Vec<f64>) -> Option<Point> {
    let mut draws = vec![0.0; space.dimensions.len()];
    (0..TRIES).find_map(|attempt| {
        random::search(seed, attempt).fill_uniform(index as u32, &mut draws);
        Some(space.point(&places(&draws))).filter(|point| space.allows(point))
    })
}

/// Trials from best to worst: completed ones by value, then pruned ones, latest first, then failed ones. Running trials
/// are left out.
fn ranked(past: &[Trial]) -> Vec<&Trial> {
    let mut trials: Vec<&Trial> = past.iter().filter(|trial| trial.state.is_ended()).collect();
    let key = |trial: &Trial| match trial.state {
        TrialState::Done => (0, 0, trial.cost.unwrap_or(f64::INFINITY)),
        TrialState::Pruned => (1, usize::MAX - trial.epochs, trial.cost.unwrap_or(f64::INFINITY)),
        _ => (2, 0, 0.0),
    };
    trials.sort_by(|a, b| {
        let (a, b) = (key(a), key(b));
        (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.total_cmp(&b.2))
    });
    trials
}

/// The same with secondary objectives: non-dominated sorting into successive Pareto fronts.
fn ranked_by_fronts<'a>(past: &'a [Trial], secondary: &[String]) -> Vec<&'a Trial> {
    let (mut left, rest): (Vec<Trial>, Vec<&Trial>) = (
        past.iter().filter(|trial| trial.state == TrialState::Done).cloned().collect(),
        ranked(past).into_iter().filter(|trial| trial.state != TrialState::Done).collect(),
    );
    let mut order: Vec<usize> = Vec::new();
    loop {
        let numbers: Vec<usize> = front(&left, secondary).iter().map(|trial| trial.number).collect();
        if numbers.is_empty() {
            break;
        }
        left.retain(|trial| !numbers.contains(&trial.number));
        order.extend(numbers);
    }
    let of = |number: &usize| past.iter().find(|trial| trial.number == *number);
    order.iter().filter_map(of).chain(rest).collect()
}

/// Costs with outliers clipped to the worst usual cost: a diverged trial would otherwise dominate the scale.
pub(super) fn winsorised(trials: &[&Trial]) -> Vec<f64> {
    let costs: Vec<f64> = trials.iter().map(|trial| trial.cost.unwrap_or(f64::MAX)).collect();
    let mut sorted = costs.clone();
    sorted.sort_by(f64::total_cmp);
    let (Some(quarter), Some(most)) = (sorted.get(sorted.len() / 4), sorted.get(sorted.len() * 3 / 4)) else {
        return costs;
    };
    let worst = most + 3.0 * (most - quarter);
    costs.into_iter().map(|cost| cost.min(worst)).collect()
}

/// The cumulative distribution function of the standard normal distribution.
fn normal_cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2)
}
