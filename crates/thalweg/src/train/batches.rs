//! Mini-batches: the examples in a new order every epoch.

use crate::error::{Error, Result};
use crate::random;
use crate::tensor::{Tensor, ops};

/// Examples as the network takes them.
#[derive(Debug, Clone, PartialEq)]
pub struct Examples {
    /// Inputs, m × n.
    pub x: Tensor,
    /// Targets, m × 1 for class numbers, else m × C.
    pub y: Tensor,
    /// A weight for each example.
    pub weights: Option<Tensor>,
}

impl Examples {
    /// Examples from inputs and targets.
    ///
    /// # Errors
    /// If their numbers of rows or their types differ.
    pub fn new(x: Tensor, y: Tensor, weights: Option<Tensor>) -> Result<Examples> {
        let rows = x.shape().rows();
        let fits = |other: &Tensor| other.shape().rows() == rows && other.dtype() == x.dtype();
        if !fits(&y) || !weights.iter().all(fits) {
            return Err(Error::data(format!(
                "inputs of shape {} and {:?} with targets of shape {} and {:?}",
                x.shape(),
                x.dtype(),
                y.shape(),
                y.dtype()
            ))
            .fix("give inputs, targets and weights the same number of rows and one type"));
        }
        Ok(Examples { x, y, weights })
    }

    /// m.
    pub fn rows(&self) -> usize {
        self.x.shape().rows()
    }
}

/// The batches of one epoch. Every example comes once; the last batch may be short.
pub(crate) struct Batches<'a> {
    examples: &'a Examples,
    order: Vec<u32>,
    size: usize,
    next: usize,
}

impl<'a> Batches<'a> {
    /// The batches of an epoch (from 1), the first `skip` of them left out.
    pub(crate) fn new(examples: &'a Examples, size: usize, seed: u64, epoch: usize, skip: usize) -> Self {
        let order = random::shuffle(seed, epoch as u32).permutation(examples.rows());
        Batches { examples, order, size, next: skip }
    }

    /// Batches in the epoch.
    pub(crate) fn count(&self) -> usize {
        self.order.len().div_ceil(self.size)
    }

    /// The share of the epoch that one batch is.
    pub(crate) fn share(&self) -> f64 {
        1.0 / self.count() as f64
    }

    /// Gathers the next batch; gives its examples' numbers.
    pub(crate) fn next(&mut self, x: &mut Tensor, y: &mut Tensor, weights: &mut Option<Tensor>) -> Option<&[u32]> {
        let start = self.next * self.size;
        let rows = self.order.get(start..(start + self.size).min(self.order.len())).filter(|rows| !rows.is_empty())?;
        self.next += 1;
        ops::gather(self.examples.x.view(), rows, x.rows_mut(rows.len()));
        ops::gather(self.examples.y.view(), rows, y.rows_mut(rows.len()));
        if let (Some(from), Some(to)) = (&self.examples.weights, weights) {
            ops::gather(from.view(), rows, to.rows_mut(rows.len()));
        }
        Some(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::Dtype;

    fn epoch(size: usize, epoch: usize) -> Vec<Vec<f64>> {
        let x = Tensor::from_f64([7, 1], (0..7).map(f64::from).collect());
        let examples = Examples::new(x.clone(), x, None).unwrap();
        let mut batches = Batches::new(&examples, size, 0, epoch, 0);
        let (mut x, mut y) = (Tensor::zeros([size, 1], Dtype::F64), Tensor::zeros([size, 1], Dtype::F64));
        let mut found = Vec::new();
        while let Some(m) = batches.next(&mut x, &mut y, &mut None).map(<[u32]>::len) {
            found.push(x.rows(m).to_f64());
        }
        found
    }

    #[test]
    fn every_example_comes_once_and_the_last_short_batch_counts() {
        let batches = epoch(3, 1);
        assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 1]);
        let mut all = batches.concat();
        all.sort_by(f64::total_cmp);
        assert_eq!(all, (0..7).map(f64::from).collect::<Vec<_>>());
    }

    #[test]
    fn each_epoch_has_its_own_order_whatever_the_batches() {
        assert_ne!(epoch(7, 1), epoch(7, 2));
        assert_eq!(epoch(3, 1).concat(), epoch(7, 1).concat());
    }
}
