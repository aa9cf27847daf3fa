//! Which trials are ended early: those that others have left behind at the same epoch.

use std::collections::BTreeMap;

use crate::spec::Pruner;

/// Of successive halving: one trial in so many goes on from a rung to the next, which has so many times its epochs.
const FACTOR: usize = 3;
/// Ended trials before the median says anything.
const STARTUP: usize = 5;

/// The costs of each trial epoch by epoch (lower is better).
pub(super) type Curves = BTreeMap<usize, Vec<(usize, f64)>>;

/// Whether a trial is compared with others after an epoch.
pub(super) fn looks(pruner: Pruner, trial: usize, epoch: usize, epochs: usize) -> bool {
    match pruner {
        Pruner::None => false,
        // The first tenth of training says little, and a look at each of many epochs no more than at some.
        Pruner::Median => epoch * 10 >= epochs && epoch.is_multiple_of((epochs / 20).max(1)) && epoch < epochs,
        Pruner::Asha => rungs(epochs, 0).any(|rung| rung == epoch),
        // Brackets as in Hyperband: in later ones trials get further before they are compared.
        Pruner::Hyperband => rungs(epochs, trial as u32 % 3).any(|rung| rung == epoch),
    }
}

/// The epochs at which successive halving compares.
fn rungs(epochs: usize, bracket: u32) -> impl Iterator<Item = usize> {
    let first = (epochs / FACTOR.pow(3)).max(1) * FACTOR.pow(bracket);
    std::iter::successors(Some(first), |rung| Some(rung * FACTOR)).take_while(move |rung| *rung < epochs)
}

/// Whether a trial should end after an epoch; `epochs` is how many it would have in all.
pub(super) fn prunes(pruner: Pruner, trial: usize, epoch: usize, epochs: usize, curves: &Curves) -> bool {
    looks(pruner, trial, epoch, epochs)
        && match pruner {
            Pruner::None => false,
            Pruner::Median => median(trial, epoch, curves),
            Pruner::Asha | Pruner::Hyperband => halving(trial, epoch, curves),
        }
}

/// The best cost of a trial up to an epoch, if it got that far.
fn best(curve: &[(usize, f64)], epoch: usize) -> Option<f64> {
    let reached = curve.last().is_some_and(|(last, _)| *last >= epoch);
    let costs = curve.iter().filter(|(at, _)| *at <= epoch).map(|(_, cost)| *cost);
    costs.min_by(f64::total_cmp).filter(|_| reached)
}

fn median(trial: usize, epoch: usize, curves: &Curves) -> bool {
    let mut others: Vec<f64> =
        curves.iter().filter(|(other, _)| **other != trial).filter_map(|(_, curve)| best(curve, epoch)).collect();
    others.sort_by(f64::total_cmp);
    let own = curves.get(&trial).and_then(|curve| best(curve, epoch)).unwrap_or(f64::INFINITY);
    others.len() >= STARTUP && own > others[others.len() / 2]
}

/// Asynchronous successive halving (Li et al. 2020), in the form that stops: at a rung only the best third goes on.
fn halving(trial: usize, epoch: usize, curves: &Curves) -> bool {
    let mut reached: Vec<f64> = curves.values().filter_map(|curve| best(curve, epoch)).collect();
    reached.sort_by(f64::total_cmp);
    let own = curves.get(&trial).and_then(|curve| best(curve, epoch)).unwrap_or(f64::INFINITY);
    let go_on = (reached.len() / FACTOR).max(1);
    reached.len() >= FACTOR && own > reached[go_on - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten trials of 27 epochs whose cost falls from 1 to their number / 10.
    fn ten() -> Curves {
        let curve = |trial: usize| (1..=27).map(|e| (e, 1.0 - (1.0 - trial as f64 / 10.0) * e as f64 / 27.0)).collect();
        (0..10).map(|trial| (trial, curve(trial))).collect()
    }

    #[test]
    fn the_worse_half_or_two_thirds_are_ended() {
        let ended = |pruner, epoch| (0..10).filter(|t| prunes(pruner, *t, epoch, 27, &ten())).collect::<Vec<_>>();
        assert_eq!(ended(Pruner::Median, 5), [5, 6, 7, 8, 9]);
        assert_eq!(ended(Pruner::Median, 2), [0; 0], "too early");
        assert_eq!(ended(Pruner::Asha, 9), [3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(ended(Pruner::Asha, 10), [0; 0], "no rung");
        assert_eq!(ended(Pruner::Asha, 27), [0; 0], "the end");
        assert_eq!(ended(Pruner::Hyperband, 1), [3, 6, 9]);
        assert_eq!(ended(Pruner::None, 9), [0; 0]);
    }

    #[test]
    fn few_others_end_nobody() {
        let few: Curves = ten().into_iter().take(2).collect();
        assert!((0..2).all(|t| !prunes(Pruner::Asha, t, 9, 27, &few) && !prunes(Pruner::Median, t, 9, 27, &few)));
    }
}
