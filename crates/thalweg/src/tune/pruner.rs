//! Early stopping of trials that are behind others at the same epoch.

use crate::config::Pruner;

/// η of successive halving: one in η trials is promoted to the next rung, which has η times the epochs.
const FACTOR: usize = 3;
/// Ended trials before the median is used.
const STARTUP: usize = 5;

/// Whether a trial is compared with others after an epoch.
pub(super) fn looks(pruner: Pruner, trial: usize, epoch: usize, epochs: usize) -> bool {
    match pruner {
        Pruner::None => false,
        // The first tenth of training says little, and comparing at every one of many epochs gains nothing.
        Pruner::Median => epoch * 10 >= epochs && epoch.is_multiple_of((epochs / 20).max(1)) && epoch < epochs,
        Pruner::Asha => rungs(epochs, 0).any(|rung| rung == epoch),
        // Brackets as in Hyperband: in later ones trials run longer before they are compared.
        Pruner::Hyperband => rungs(epochs, trial as u32 % 3).any(|rung| rung == epoch),
    }
}

/// The epochs of the rungs of successive halving.
fn rungs(epochs: usize, bracket: u32) -> impl Iterator<Item = usize> {
    let first = (epochs / FACTOR.pow(3)).max(1) * FACTOR.pow(bracket);
    std::iter::successors(Some(first), |rung| Some(rung * FACTOR)).take_while(move |rung| *rung < epochs)
}

/// Whether a trial should end after an epoch at which it is compared; `bests` are the lowest costs up to that epoch of
/// all trials that reached it, including this one.
pub(super) fn prunes(pruner: Pruner, trial: usize, bests: &[(usize, f64)]) -> bool {
    let own = bests.iter().find(|(number, _)| *number == trial).map_or(f64::INFINITY, |(_, cost)| *cost);
    let sorted = |but: Option<usize>| {
        let others = bests.iter().filter(|(number, _)| Some(*number) != but);
        let mut costs: Vec<f64> = others.map(|(_, cost)| *cost).collect();
        costs.sort_by(f64::total_cmp);
        costs
    };
    match pruner {
        Pruner::None => false,
        Pruner::Median => {
            let others = sorted(Some(trial));
            others.len() >= STARTUP && own > others[others.len() / 2]
        }
        // Asynchronous successive halving (Li et al. 2020), stopping variant: only the best third continues.
        Pruner::Asha | Pruner::Hyperband => {
            let all = sorted(None);
            all.len() >= FACTOR && own > all[(all.len() / FACTOR).max(1) - 1]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Trials whose cost equals their number.
    fn bests(trials: usize) -> Vec<(usize, f64)> {
        (0..trials).map(|trial| (trial, trial as f64)).collect()
    }

    #[test]
    fn the_worse_half_or_two_thirds_are_ended() {
        let ended = |pruner| (0..10).filter(|trial| prunes(pruner, *trial, &bests(10))).collect::<Vec<_>>();
        assert_eq!(ended(Pruner::Median), [5, 6, 7, 8, 9]);
        assert_eq!(ended(Pruner::Asha), [3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(ended(Pruner::None), [0; 0]);
        // NaN is worse than any value.
        assert!(prunes(Pruner::Asha, 99, &bests(10)));
        assert!(!prunes(Pruner::Asha, 1, &bests(2)) && !prunes(Pruner::Median, 4, &bests(5)), "too few to tell");
    }

    #[test]
    fn trials_are_compared_on_a_ladder() {
        let looks = |pruner, trial| (1..=27).filter(|epoch| looks(pruner, trial, *epoch, 27)).collect::<Vec<_>>();
        assert_eq!(looks(Pruner::Asha, 1), [1, 3, 9]);
        assert_eq!([0, 1, 2].map(|trial| looks(Pruner::Hyperband, trial).len()), [3, 2, 1]);
        assert_eq!(looks(Pruner::Median, 0).first(), Some(&3));
        assert_eq!(looks(Pruner::None, 0), [0; 0]);
    }
}
