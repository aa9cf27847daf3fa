//! Augmentation (the course's "data augmentation"): training examples changed a little at random in each epoch.
//!
//! What happens to an example depends on the seed, the epoch and the example alone.

mod images;
#[cfg(feature = "sounds")]
mod sounds;

use thalweg_kernels::pool;

pub use self::images::ImageChanges;
#[cfg(feature = "sounds")]
pub use self::sounds::{SoundChanges, SoundStrengths};
use super::batches::{Batch, Epoch, Examples, TrainingSet};
use crate::error::Result;
use crate::random::{self, Stream};
use crate::tensor::{DataMut, Real};

/// How training examples are changed.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Augmentation {
    /// Not at all.
    #[default]
    None,
    /// As images.
    Images(ImageChanges),
    /// As sounds.
    #[cfg(feature = "sounds")]
    Sounds(SoundChanges),
}

/// A change that is made: the name of its option, and how strong it is where that can be said.
pub(crate) type Part = (&'static str, Option<f64>);

impl Augmentation {
    /// The changes that are made.
    pub(crate) fn parts(&self) -> Vec<Part> {
        match self {
            Augmentation::None => Vec::new(),
            Augmentation::Images(changes) => changes.parts(),
            #[cfg(feature = "sounds")]
            Augmentation::Sounds(changes) => changes.parts(),
        }
    }

    /// One example as an epoch shows it; images are height × width × channels.
    pub fn apply<T: Real>(&self, shape: [usize; 3], stream: Stream, example: u32, x: &mut [T]) {
        match self {
            Augmentation::None => (),
            Augmentation::Images(changes) => changes.apply(shape, stream, example, x),
            #[cfg(feature = "sounds")]
            Augmentation::Sounds(changes) => changes.apply(stream, example, x),
        }
    }
}

/// Those of some strengths that are not 0.
fn strong(all: &[(&'static str, f64)]) -> impl Iterator<Item = Part> {
    all.iter().filter(|(_, by)| *by > 0.0).map(|&(name, by)| (name, Some(by)))
}

/// Training examples that come changed.
#[derive(Debug)]
pub struct Augmented {
    examples: Examples,
    augmentation: Augmentation,
    shape: [usize; 3],
}

impl Augmented {
    /// Examples that are images or sounds, changed in each epoch.
    pub fn new(examples: Examples, augmentation: Augmentation) -> Self {
        let example = examples.x.shape().example();
        let shape = example.image().unwrap_or([1, example.size(), 1]);
        Augmented { examples, augmentation, shape }
    }
}

impl TrainingSet for Augmented {
    fn rows(&self) -> usize {
        self.examples.rows()
    }

    fn room(&self, rows: usize) -> Batch {
        self.examples.room(rows)
    }

    fn epoch<'a>(&'a self, size: usize, seed: u64, epoch: usize, skip: usize) -> Box<dyn Epoch + 'a> {
        let stream = random::augment(seed, epoch as u32);
        Box::new(Changed { set: self, batches: self.examples.epoch(size, seed, epoch, skip), stream })
    }
}

/// The batches of one epoch, changed.
struct Changed<'a> {
    set: &'a Augmented,
    batches: Box<dyn Epoch + 'a>,
    stream: Stream,
}

impl Epoch for Changed<'_> {
    fn next(&mut self, batch: &mut Batch) -> Result<Option<&[u32]>> {
        let Some(examples) = self.batches.next(batch)? else { return Ok(None) };
        match batch.x.rows_mut(examples.len()).data() {
            DataMut::F32(x) => change(self.set, self.stream, examples, x),
            DataMut::F64(x) => change(self.set, self.stream, examples, x),
        }
        Ok(Some(examples))
    }
}

fn change<T: Real>(set: &Augmented, stream: Stream, examples: &[u32], x: &mut [T]) {
    let size = set.shape.iter().product();
    pool::for_each_chunk(x, size, |i, x| set.augmentation.apply(set.shape, stream, examples[i], x));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::Tensor;

    #[test]
    fn what_happens_depends_on_the_epoch_and_the_example_alone() {
        let x = Tensor::from_f64([6, 3, 4, 3], (0..216).map(|i| f64::from(i % 13)).collect());
        let y = Tensor::from_f64([6, 1], (0..6).map(f64::from).collect());
        let examples = Examples::new(x, y, None).unwrap();
        let changes = ImageChanges { flip: true, rotate: 20.0, noise: 0.3, ..ImageChanges::default() };
        let set = Augmented::new(examples, Augmentation::Images(changes));
        let run = |size: usize, epoch: usize| {
            let (mut batches, mut room) = (set.epoch(size, 7, epoch, 0), set.room(size));
            let mut found = Vec::new();
            while let Some(examples) = batches.next(&mut room).unwrap() {
                let (m, order) = (examples.len(), examples.to_vec());
                let x = room.x.rows(m).to_f64();
                found.extend(order.into_iter().zip(x.chunks(36).map(<[f64]>::to_vec)));
            }
            found.sort_by_key(|(example, _)| *example);
            found
        };
        assert_eq!(run(2, 1), run(6, 1));
        assert_ne!(run(6, 1), run(6, 2));
    }
}
