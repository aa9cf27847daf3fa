//! Dev rows that are trained on, too: each is left out by one member of an ensemble, which alone answers for it.

use crate::network::Workspace;
use crate::tensor::{View, ViewMut};

/// Which member of an ensemble leaves out which of the first training rows, the dev rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Folds {
    /// The members.
    pub members: usize,
    /// How many of the first training rows are left out by one member each.
    pub dev_rows: usize,
    /// The seed of the folds.
    pub seed: u64,
}

impl Folds {
    /// The member that a dev row is held out from. Rows next to each other, such as those of one class, are spread evenly.
    fn member(self, row: u32) -> usize {
        let turn = u64::from(row) / self.members as u64;
        let first = self.seed.wrapping_add(turn).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        ((first + u64::from(row)) % self.members as u64) as usize
    }

    /// The weight of each example for each member, example by example: that of the example, or 0 where it is left out.
    pub(super) fn weights(self, examples: &[u32], weights: Option<View>, mut out: ViewMut) {
        for (i, &row) in examples.iter().enumerate() {
            let weight = weights.map_or(1.0, |weights| weights.at(i));
            let held_out = ((row as usize) < self.dev_rows).then(|| self.member(row));
            for k in 0..self.members {
                out.set(i * self.members + k, if held_out == Some(k) { 0.0 } else { weight });
            }
        }
    }

    /// Makes the logits of dev rows, in the last forward pass, those of the members that have not seen them. One network
    /// alone leaves out all of them.
    pub(super) fn hold_out(self, rows: &[u32], workspace: &mut Workspace) {
        if self.members == 1 {
            return;
        }
        let own: Vec<u32> =
            rows.iter().enumerate().map(|(i, &row)| (i * self.members + self.member(row)) as u32).collect();
        workspace.take_members(&own);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_left_out_by_one_member_and_neighbours_by_different_ones() {
        let folds = Folds { members: 5, dev_rows: 1000, seed: 3 };
        let mut counts = [0; 5];
        for five in (0..1000).collect::<Vec<u32>>().chunks(5) {
            let mut members: Vec<usize> = five.iter().map(|row| folds.member(*row)).collect();
            members.iter().for_each(|member| counts[*member] += 1);
            members.sort_unstable();
            assert_eq!(members, [0, 1, 2, 3, 4]);
        }
        assert_eq!(counts, [200; 5]);
        let first: Vec<usize> = (0..200).map(|turn| folds.member(turn * 5)).collect();
        assert!((0..5).all(|member| first.iter().filter(|first| **first == member).count() > 20), "{first:?}");
        assert_ne!(first, (0..200).map(|turn| Folds { seed: 4, ..folds }.member(turn * 5)).collect::<Vec<_>>());
    }
}
