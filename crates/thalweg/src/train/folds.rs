//! Dev rows that are trained on, too: each is left out by some members of an ensemble, which alone answer for it.

use crate::network::Workspace;
use crate::tensor::{Activation, View, ViewMut};

/// Which members of an ensemble leave out which of the first training rows, the dev rows. In an ensemble of several
/// candidates, each has as many members, which leave out the rows that those of the others do.
#[derive(Debug, Clone, PartialEq)]
pub struct Folds {
    /// The members of each candidate, one after the other.
    pub members: usize,
    /// How many of them leave out a dev row.
    pub left_out_by: usize,
    /// The candidates: networks that differ in more than what they begin with.
    pub candidates: usize,
    /// The candidates' weights, 1 in all; none where all weigh the same.
    pub weights: Vec<f64>,
    /// How many of the first training rows are dev rows.
    pub dev_rows: usize,
    /// The seed of the folds.
    pub seed: u64,
    /// What members' logits become before they are averaged.
    pub of: Activation,
}

impl Folds {
    /// The members that a dev row is held out from. Rows next to each other, such as those of one class, are spread evenly.
    fn held_out_from(&self, row: u32) -> impl Iterator<Item = usize> {
        let (members, left_out_by) = (self.members as u64, self.left_out_by as u64);
        let turn = self.seed.wrapping_add(u64::from(row) / members).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let of_candidate =
            move |candidate| (0..left_out_by).map(move |i| candidate * members + (turn + u64::from(row) + i) % members);
        (0..self.candidates as u64).flat_map(of_candidate).map(|member| member as usize)
    }

    /// The members of all candidates.
    pub(super) fn all(&self) -> usize {
        self.candidates * self.members
    }

    /// The weight of each example for each member, example by example: that of the example, or 0 where it is left out.
    pub(super) fn weigh(&self, examples: &[u32], weights: Option<View>, mut out: ViewMut) {
        for (i, &row) in examples.iter().enumerate() {
            let weight = weights.map_or(1.0, |weights| weights.at(i));
            let first = i * self.all();
            (0..self.all()).for_each(|k| out.set(first + k, weight));
            if (row as usize) < self.dev_rows {
                self.held_out_from(row).for_each(|k| out.set(first + k, 0.0));
            }
        }
    }

    /// Makes the logits of dev rows, in the last forward pass, those of the members that have not seen them. One network
    /// alone leaves out all of them.
    pub(super) fn hold_out(&self, rows: &[u32], workspace: &mut Workspace) {
        if self.members > 1 {
            let own = rows.iter().enumerate();
            let own = own.flat_map(|(i, &row)| self.held_out_from(row).map(move |k| (i * self.all() + k) as u32));
            let count = self.candidates * self.left_out_by;
            workspace.average_members(&own.collect::<Vec<u32>>(), count, (self.of, &self.weights));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_left_out_by_two_members_and_neighbours_by_different_ones() {
        let of = Activation::Identity;
        let folds =
            Folds { members: 5, left_out_by: 2, candidates: 1, weights: Vec::new(), dev_rows: 1000, seed: 3, of };
        let mut counts = [0; 5];
        for row in 0..1000 {
            let own: Vec<usize> = folds.held_out_from(row).collect();
            assert!(own.len() == 2 && own[0] != own[1]);
            own.into_iter().for_each(|member| counts[member] += 1);
        }
        assert_eq!(counts, [400; 5]);
        let two = Folds { candidates: 2, ..folds.clone() };
        for row in 0..10 {
            let own: Vec<usize> = folds.held_out_from(row).collect();
            assert_eq!(two.held_out_from(row).collect::<Vec<_>>(), [own[0], own[1], own[0] + 5, own[1] + 5]);
        }
        let first = |folds: &Folds| -> Vec<usize> {
            (0..200).filter_map(|turn| folds.held_out_from(turn * 5).next()).collect()
        };
        let found = first(&folds);
        assert!((0..5).all(|member| found.iter().filter(|found| **found == member).count() > 20), "{found:?}");
        assert_ne!(found, first(&Folds { seed: 4, ..folds }));
    }
}
