//! Coarse to fine, as in the course: search everywhere, then again in smaller regions around the best points.

use super::{Proposal, allowed, ranked};
use crate::config::Tune;
use crate::tune::record::Trial;
use crate::tune::space::{Scale, Space};

/// The factor by which regions shrink from round to round.
const SHRINK: f64 = 0.4;

/// The point of trial `index`; waits until the earlier rounds have ended.
pub(super) fn propose(space: &Space, tune: &Tune, seed: u64, index: usize, past: &[Trial]) -> Proposal {
    let size = tune.trials.div_ceil(tune.rounds).max(1);
    let round = index / size;
    let past = &past[..(round * size).min(past.len())];
    if past.len() < round * size || !past.iter().all(|trial| trial.state.is_ended()) {
        return Proposal::Wait;
    }
    let best: Vec<Vec<Option<f64>>> =
        ranked(past).into_iter().take(tune.regions).map(|trial| space.places(&trial.point)).collect();
    let region = best.get(index % best.len().max(1));
    let width = SHRINK.powi(round as i32);
    let point = allowed(space, seed, index, |draws| {
        let around = |(i, &draw): (usize, &f64)| match region.and_then(|region| region[i]) {
            Some(centre) => near(&space.dimensions[i].scale, centre, width, draw),
            None => draw,
        };
        draws.iter().enumerate().map(around).collect()
    });
    point.map_or(Proposal::Exhausted, Proposal::Point)
}

/// A position within a region of a given width around a centre; for choices, another than the centre's with probability
/// `width`.
fn near(scale: &Scale, centre: f64, width: f64, draw: f64) -> f64 {
    if let Scale::Choice(_) = scale {
        return if draw < width { draw / width } else { centre };
    }
    let low = (centre - 0.5 * width).clamp(0.0, 1.0 - width);
    low + draw * width
}
