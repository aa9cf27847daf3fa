//! Mini-batches: the examples in a new order every epoch.

use super::reduction::Share;
use crate::error::{Error, Result};
use crate::random;
use crate::tensor::{Tensor, View, ViewMut, ops};

/// Examples as the network takes them.
#[derive(Debug, Clone, PartialEq)]
pub struct TensorDataset {
    /// Inputs, m × n.
    pub x: Tensor,
    /// Targets, m × 1 for class indices, else m × C.
    pub y: Tensor,
    /// A weight for each example.
    pub weights: Option<Tensor>,
    /// The length of each example, if mini-batches are of examples of like lengths.
    pub lengths: Option<Vec<u32>>,
}

impl TensorDataset {
    /// Examples from inputs and targets.
    ///
    /// # Errors
    /// If their numbers of rows or their types differ.
    pub fn new(x: Tensor, y: Tensor, weights: Option<Tensor>) -> Result<TensorDataset> {
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
        Ok(TensorDataset { x, y, weights, lengths: None })
    }

    /// m.
    pub fn rows(&self) -> usize {
        self.x.shape().rows()
    }

    /// The same with one-hot targets instead of class indices.
    #[must_use]
    pub fn one_hot(self, classes: usize) -> TensorDataset {
        TensorDataset { y: one_hot(&self.y, classes), ..self }
    }
}

/// One-hot targets from class indices.
pub(super) fn one_hot(indices: &Tensor, classes: usize) -> Tensor {
    let mut y = Tensor::zeros([indices.shape().rows(), classes], indices.dtype());
    for row in 0..indices.shape().rows() {
        y.view_mut().set(row * classes + indices.view().at(row) as usize, 1.0);
    }
    y
}

/// Memory for a batch.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Inputs.
    pub x: Tensor,
    /// Targets.
    pub y: Tensor,
    /// Weights, where examples have them.
    pub weights: Option<Tensor>,
}

impl Batch {
    /// Copies rows of inputs, targets and weights into the batch, from its row `start` on.
    pub(super) fn put(&mut self, start: usize, rows: &[u32], [x, y]: [&Tensor; 2], weights: Option<&Tensor>) {
        let m = rows.len();
        let (x, y) = (pair(x, &mut self.x, start, m), pair(y, &mut self.y, start, m));
        match (weights, &mut self.weights) {
            (Some(from), Some(to)) => ops::gather(rows, [x, y, pair(from, to, start, m)]),
            _ => ops::gather(rows, [x, y]),
        }

        fn pair<'a>(from: &'a Tensor, to: &'a mut Tensor, start: usize, m: usize) -> (View<'a>, ViewMut<'a>) {
            let shape = from.shape();
            (from.view(), to.view_mut().part(start * shape.columns(), shape.with_rows(m)))
        }
    }
}

/// What a network is trained or evaluated on, wherever it is stored.
pub trait TrainingSet {
    /// How many examples there are, m.
    fn rows(&self) -> usize;

    /// Memory for a batch of this many examples.
    fn new_batch(&self, rows: usize) -> Batch;

    /// Copies the examples with these indices into a batch, one after the other.
    ///
    /// # Errors
    /// If they cannot be read.
    fn fetch(&self, numbers: &[u32], batch: &mut Batch) -> Result<()>;

    /// The batches of an epoch. Every example comes once per epoch; the last batch may be short.
    fn epoch<'a>(&'a self, batches: EpochBatches) -> Box<dyn Epoch + 'a>;
}

/// Which examples of an epoch are taken.
#[derive(Debug, Clone, Copy)]
pub struct EpochBatches {
    /// The most examples in a batch.
    pub size: usize,
    /// The seed of the order.
    pub seed: u64,
    /// The epoch, from 1.
    pub epoch: usize,
    /// How many of the first batches are left out.
    pub skip: usize,
    /// Which examples of each batch.
    pub share: Share,
}

/// The batches of one epoch.
pub trait Epoch {
    /// Fills the next batch with the share of its examples, of which there may be none; returns their indices, or `None` at
    /// the end.
    ///
    /// # Errors
    /// If the examples cannot be read.
    fn next(&mut self, batch: &mut Batch) -> Result<Option<&[u32]>>;
}

impl TrainingSet for TensorDataset {
    fn rows(&self) -> usize {
        self.x.shape().rows()
    }

    fn new_batch(&self, rows: usize) -> Batch {
        let zeros = |like: &Tensor| Tensor::zeros(like.shape().with_rows(rows), like.dtype());
        Batch { x: zeros(&self.x), y: zeros(&self.y), weights: self.weights.as_ref().map(zeros) }
    }

    fn fetch(&self, numbers: &[u32], batch: &mut Batch) -> Result<()> {
        batch.put(0, numbers, [&self.x, &self.y], self.weights.as_ref());
        Ok(())
    }

    fn epoch<'a>(&'a self, batches: EpochBatches) -> Box<dyn Epoch + 'a> {
        Box::new(InMemoryBatches::new(self, batches))
    }
}

/// Mini-batches among whose examples those of like lengths are found: more would make batches too much alike.
const WINDOW: usize = 50;

/// The order of examples in an epoch (from 1): a random one; where they have lengths, sorted by these within windows of many
/// batches, whose order is then random.
pub(crate) fn epoch_order((rows, lengths): (usize, Option<&[u32]>), size: usize, seed: u64, epoch: usize) -> Vec<u32> {
    let mut order = random::shuffle(seed, epoch as u32).permutation(rows);
    let Some(lengths) = lengths else { return order };
    for (i, window) in order.chunks_mut(WINDOW * size.max(1)).enumerate() {
        window.sort_by_key(|&example| lengths[example as usize]);
        let sorted = window.to_vec();
        // A short batch at the end of the epoch remains there.
        let batches = random::shuffle_window(seed, epoch as u32, i as u32).permutation(window.len() / size);
        for (batch, &from) in window.chunks_exact_mut(size).zip(&batches) {
            batch.copy_from_slice(&sorted[from as usize * size..][..size]);
        }
    }
    order
}

/// The batches of one epoch of examples in memory.
struct InMemoryBatches<'a> {
    examples: &'a TensorDataset,
    order: Vec<u32>,
    size: usize,
    share: Share,
    next: usize,
}

impl<'a> InMemoryBatches<'a> {
    fn new(examples: &'a TensorDataset, EpochBatches { size, seed, epoch, skip, share }: EpochBatches) -> Self {
        let order = epoch_order((examples.rows(), examples.lengths.as_deref()), size, seed, epoch);
        InMemoryBatches { examples, order, size, share, next: skip }
    }
}

impl Epoch for InMemoryBatches<'_> {
    fn next(&mut self, batch: &mut Batch) -> Result<Option<&[u32]>> {
        let start = self.next * self.size;
        let rows = self.order.get(start..(start + self.size).min(self.order.len())).filter(|rows| !rows.is_empty());
        let Some(rows) = rows else { return Ok(None) };
        self.next += 1;
        let rows = &rows[self.share.rows(rows.len())];
        self.examples.fetch(rows, batch)?;
        Ok(Some(rows))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(size: usize, epoch: usize) -> Vec<Vec<f64>> {
        let x = Tensor::from_f64([7, 1], (0..7).map(f64::from).collect());
        let examples = TensorDataset::new(x.clone(), x, None).unwrap();
        let batches = EpochBatches { size, seed: 0, epoch, skip: 0, share: Share::WHOLE };
        let (mut batches, mut batch) = (examples.epoch(batches), examples.new_batch(size));
        let mut found = Vec::new();
        while let Some(m) = batches.next(&mut batch).unwrap().map(<[u32]>::len) {
            found.push(batch.x.rows(m).to_f64());
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
    fn batches_by_length_have_each_example_once_and_differ_by_epoch() {
        let lengths: Vec<u32> = (0..1_003).map(|i| i * 7_919 % 97).collect();
        let order = |epoch| epoch_order((lengths.len(), Some(&lengths)), 10, 3, epoch);
        let first = order(1);
        assert_ne!(first, order(2));
        let mut all = first.clone();
        all.sort_unstable();
        assert_eq!(all, (0..1_003).collect::<Vec<_>>());
        let lengths_of = |batch: &[u32]| batch.iter().map(|&i| lengths[i as usize]).collect::<Vec<_>>();
        let spreads: Vec<u32> = first
            .chunks(10)
            .map(|batch| {
                let of = lengths_of(batch);
                of.iter().max().unwrap() - of.iter().min().unwrap()
            })
            .collect();
        assert!(spreads.iter().sum::<u32>() < 5 * spreads.len() as u32, "{spreads:?}");
        // Batches themselves come in any order.
        let firsts: Vec<u32> = first.chunks(10).map(|batch| lengths[batch[0] as usize]).collect();
        assert!(!firsts[..50].is_sorted());
    }

    #[test]
    fn each_epoch_has_its_own_order_whatever_the_batches() {
        assert_ne!(epoch(7, 1), epoch(7, 2));
        assert_eq!(epoch(3, 1).concat(), epoch(7, 1).concat());
    }
}
