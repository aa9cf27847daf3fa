//! How the next trial is chosen: from the space, the trials so far, and its number.
//!
//! Grid, random and Halton's points are functions of (seed, number) alone. A round from coarse to fine also depends on
//! the trials of the rounds before it, and waits for them. TPE depends on all trials that have ended.

mod grid;
mod halton;
mod tpe;
mod zoom;

use super::space::{Point, Space};
use super::study::{Trial, TrialState};
use crate::random;
use crate::spec::{Sampler, Tune};

/// What a sampler says.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Proposal {
    /// The next trial's values.
    Point(Point),
    /// Nothing before other trials have ended.
    Wait,
    /// Nothing any more.
    Exhausted,
}

/// How often a sampler tries to meet the constraints.
const TRIES: u32 = 10_000;

/// The values of trial number `index` of the sampler, from 0; `past` are its trials before that one, in order.
pub(super) fn propose(space: &Space, tune: &Tune, seed: u64, index: usize, past: &[Trial]) -> Proposal {
    let point = match tune.sampler {
        Sampler::Random => random_point(space, seed, index),
        Sampler::Halton => halton::point(space, seed, index),
        Sampler::Grid => grid::point(space, tune, index),
        Sampler::Zoom => return zoom::propose(space, tune, seed, index, past),
        Sampler::Tpe => tpe::point(space, seed, index, past),
    };
    point.map_or(Proposal::Exhausted, Proposal::Point)
}

/// How many trials the sampler has, where there is an end.
pub(super) fn count(space: &Space, tune: &Tune) -> Option<usize> {
    (tune.sampler == Sampler::Grid).then(|| grid::count(space, tune))
}

/// A point drawn evenly from all that the constraints allow.
fn random_point(space: &Space, seed: u64, index: usize) -> Option<Point> {
    allowed(space, seed, index, |draws| draws.to_vec())
}

/// The first point that the constraints allow, of places made of fresh random draws.
fn allowed(space: &Space, seed: u64, index: usize, places: impl Fn(&[f64]) -> Vec<f64>) -> Option<Point> {
    let mut draws = vec![0.0; space.dimensions.len()];
    (0..TRIES).find_map(|attempt| {
        random::search(seed, attempt).fill_uniform(index as u32, &mut draws);
        Some(space.point(&places(&draws))).filter(|point| space.allows(point))
    })
}

/// Trials from the best to the worst: those that ended by their value, then those ended early, the latest first; those
/// that failed last. Trials that still run are left out.
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
