//! Augmentation (the course's "data augmentation"): training examples changed a little at random in each epoch.
//!
//! What happens to an example depends on the seed, the epoch and the example alone.

mod images;
mod mix;
#[cfg(feature = "sounds")]
mod sounds;

use thalweg_kernels::pool;

pub use self::images::ImageChanges;
pub use self::mix::Mix;
use self::mix::Other;
#[cfg(feature = "sounds")]
pub use self::sounds::{SoundChanges, SoundStrengths};
use super::batches::{Batch, Epoch, EpochBatches, TrainingSet};
use crate::error::Result;
use crate::random::{self, Stream};
use crate::tensor::ops::Element;
use crate::tensor::{Dtype, Real, Shape, ViewMut};

/// How training examples are changed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Augmentation {
    /// Changes of each example by itself.
    pub changes: Changes,
    /// Mixing with other examples.
    pub mix: Mix,
}

/// How each training example is changed by itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Changes {
    /// Not at all.
    #[default]
    None,
    /// As images.
    Images(ImageChanges),
    /// As sounds.
    #[cfg(feature = "sounds")]
    Sounds(SoundChanges),
}

/// A change in use: the name of its option, and its strength if it has one.
pub(crate) type ActiveChange = (&'static str, Option<f64>);

impl Augmentation {
    /// Whether examples stay as they are.
    pub fn is_none(&self) -> bool {
        self.parts().is_empty()
    }

    /// The changes in use.
    pub(crate) fn parts(&self) -> Vec<ActiveChange> {
        let mut parts = match &self.changes {
            Changes::None => Vec::new(),
            Changes::Images(changes) => changes.parts(),
            #[cfg(feature = "sounds")]
            Changes::Sounds(changes) => changes.parts(),
        };
        parts.extend(self.mix.parts());
        parts
    }

    /// Changes one of all examples as an epoch does: an image of height × width × channels, or each frame of such a shape of
    /// a clip in the same way.
    pub fn apply<T: Real>(&self, all: &[T], shape: [usize; 3], stream: Stream, example: u32, x: &mut [T]) {
        self.changes.apply(shape, stream, example, x);
        if let Some(other) = self.mix.other(stream, example, all.len() / x.len(), shape) {
            let mut other_x = all[other.example as usize * x.len()..][..x.len()].to_vec();
            self.blend(&other, &mut other_x, shape, stream, x);
        }
    }

    /// Mixes another example into x, after changing it as the epoch does.
    fn blend<T: Real>(&self, other: &Other, other_x: &mut [T], shape: [usize; 3], stream: Stream, x: &mut [T]) {
        self.changes.apply(shape, stream, other.example, other_x);
        let size = shape.iter().product();
        for (other_x, x) in other_x.chunks_exact(size).zip(x.chunks_exact_mut(size)) {
            other.blend(shape, other_x, x);
        }
    }
}

impl Changes {
    /// Changes an example, all frames of a clip in the same way.
    fn apply<T: Real>(&self, shape: [usize; 3], stream: Stream, example: u32, x: &mut [T]) {
        match self {
            Changes::None => (),
            Changes::Images(changes) => {
                let frames = x.chunks_exact_mut(shape.iter().product());
                frames.for_each(|frame| changes.apply(shape, stream, example, frame));
            }
            #[cfg(feature = "sounds")]
            Changes::Sounds(changes) => changes.apply(stream, example, x),
        }
    }
}

/// The strengths that are not 0.
fn strong(all: &[(&'static str, f64)]) -> Vec<ActiveChange> {
    all.iter().filter(|(_, by)| *by > 0.0).map(|&(name, by)| (name, Some(by))).collect()
}

/// Training examples with augmentation.
pub struct Augmented {
    examples: Box<dyn TrainingSet>,
    augmentation: Augmentation,
    shape: [usize; 3],
}

impl Augmented {
    /// Images, clips with frames or sounds of a shape, changed in each epoch. If they are mixed, y must have a column per class.
    pub fn new(examples: Box<dyn TrainingSet>, one: Shape, augmentation: Augmentation) -> Self {
        let shape = one.image().unwrap_or([1, one.size(), 1]);
        Augmented { examples, augmentation, shape }
    }
}

impl TrainingSet for Augmented {
    fn rows(&self) -> usize {
        self.examples.rows()
    }

    fn new_batch(&self, rows: usize) -> Batch {
        self.examples.new_batch(rows)
    }

    fn fetch(&self, numbers: &[u32], batch: &mut Batch) -> Result<()> {
        self.examples.fetch(numbers, batch)
    }

    fn epoch<'a>(&'a self, batches: EpochBatches) -> Box<dyn Epoch + 'a> {
        let stream = random::augment(batches.seed, batches.epoch as u32);
        let others = (!self.augmentation.mix.is_none()).then(|| self.new_batch(batches.size));
        Box::new(Changed { set: self, batches: self.examples.epoch(batches), stream, others })
    }
}

/// The batches of one epoch, changed.
struct Changed<'a> {
    set: &'a Augmented,
    batches: Box<dyn Epoch + 'a>,
    stream: Stream,
    /// Memory for what is mixed into a batch.
    others: Option<Batch>,
}

impl Epoch for Changed<'_> {
    fn next(&mut self, batch: &mut Batch) -> Result<Option<&[u32]>> {
        let Some(examples) = self.batches.next(batch)? else { return Ok(None) };
        let dtype = batch.x.dtype();
        let (x, y) = (batch.x.rows_mut(examples.len()), batch.y.rows_mut(examples.len()));
        match dtype {
            Dtype::F32 => change::<f32>(self.set, self.stream, examples, self.others.as_mut(), x, y)?,
            Dtype::F64 => change::<f64>(self.set, self.stream, examples, self.others.as_mut(), x, y)?,
        }
        Ok(Some(examples))
    }
}

fn change<T: Element>(
    set: &Augmented,
    stream: Stream,
    examples: &[u32],
    others: Option<&mut Batch>,
    x: ViewMut,
    y: ViewMut,
) -> Result<()> {
    let Augmented { augmentation, shape, .. } = set;
    let (m, size) = (examples.len(), x.shape().columns());
    let alone = |i: usize, x: &mut [T]| augmentation.changes.apply(*shape, stream, examples[i], x);
    let Some(room) = others else {
        pool::for_each_chunk(T::write(x), size, alone);
        return Ok(());
    };
    let other = |&example: &u32| augmentation.mix.other(stream, example, set.rows(), *shape);
    let others: Vec<Option<Other>> = examples.iter().map(other).collect();
    let number = |(other, &example): (&Option<Other>, &u32)| other.as_ref().map_or(example, |other| other.example);
    let numbers: Vec<u32> = others.iter().zip(examples).map(number).collect();
    set.fetch(&numbers, room)?;
    pool::for_each_pair(T::write(x), T::write(room.x.rows_mut(m)), size, |i, x, other_x| {
        alone(i, x);
        if let Some(other) = &others[i] {
            augmentation.blend(other, other_x, *shape, stream, x);
        }
    });
    let width = y.shape().columns();
    let answers = T::read(room.y.rows(m)).chunks_exact(width);
    for ((y, other_y), other) in T::write(y).chunks_exact_mut(width).zip(answers).zip(&others) {
        if let Some(other) = other {
            other.answer(other_y, y);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::Tensor;
    use crate::train::{Share, TensorDataset};

    #[test]
    fn frames_of_a_clip_are_changed_alike() {
        let frame: Vec<f64> = (0..24).map(|i| f64::from(i % 7)).collect();
        let changes = ImageChanges {
            flip: true,
            flip_vertical: true,
            shift: 0.3,
            rotate: 20.0,
            zoom: 0.3,
            brightness: 0.3,
            contrast: 0.3,
            noise: 0.3,
            erase: 0.5,
            ..ImageChanges::default()
        };
        let mix = Mix { mixup: 0.3, cutmix: 0.5 };
        let augmentation = Augmentation { changes: Changes::Images(changes), mix };
        let all: Vec<f64> = (0..5).flat_map(|i| frame.repeat(3).into_iter().map(move |x| x + f64::from(i))).collect();
        for example in 0..5_u32 {
            let mut clip = all[example as usize * 72..][..72].to_vec();
            let before = clip.clone();
            augmentation.apply(&all, [4, 3, 2], random::augment(1, 1), example, &mut clip);
            assert!(clip != before && clip[..24] == clip[24..48] && clip[..24] == clip[48..]);
        }
    }

    #[test]
    fn what_happens_depends_on_the_epoch_and_the_example_alone() {
        let x = Tensor::from_f64([6, 3, 4, 3], (0..216).map(|i| f64::from(i % 13)).collect());
        let y = Tensor::from_f64([6, 1], (0..6).map(f64::from).collect());
        let examples = TensorDataset::new(x, y, None).unwrap();
        let changes = ImageChanges { flip: true, rotate: 20.0, noise: 0.3, ..ImageChanges::default() };
        let set = Augmented::new(
            Box::new(examples),
            [3, 4, 3].into(),
            Augmentation { changes: Changes::Images(changes), mix: Mix { mixup: 0.3, cutmix: 0.3 } },
        );
        let run = |size: usize, epoch: usize| {
            let batches = EpochBatches { size, seed: 7, epoch, skip: 0, share: Share::WHOLE };
            let (mut batches, mut room) = (set.epoch(batches), set.new_batch(size));
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
