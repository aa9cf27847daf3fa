//! Examples blended with others: mixup (Zhang et al., 2018) and CutMix (Yun et al., 2019).

use std::ops::Range;

use super::ActiveChange;
use crate::random::Stream;
use crate::tensor::Real;

/// How far other examples are mixed into an example, and their answers in the same share.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Mix {
    /// The largest share of another example that is blended in.
    pub mixup: f64,
    /// The probability that a rectangle of 2 to 50 % of the example comes from another one.
    pub cutmix: f64,
}

/// What is mixed into an example.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Other {
    /// The other example.
    pub(super) example: u32,
    /// Its share of the answer.
    pub(super) share: f64,
    /// The rectangle that comes from it; `None` if all of it is blended in.
    rectangle: Option<[Range<usize>; 2]>,
}

impl Mix {
    /// The kinds of mixing in use.
    pub(super) fn parts(self) -> Vec<ActiveChange> {
        super::strong(&[("mixup", self.mixup), ("cutmix", self.cutmix)])
    }

    /// Whether examples are not mixed.
    pub fn is_none(self) -> bool {
        self == Mix::default()
    }

    /// What is mixed into one of `examples` examples in an epoch.
    pub(super) fn other(self, stream: Stream, example: u32, examples: usize, shape: [usize; 3]) -> Option<Other> {
        if self.is_none() {
            return None;
        }
        let mut draws = [0.0; 8];
        // Elements of the same stream, beyond those of the other changes.
        stream.fill_uniform(example ^ (1 << 30), &mut draws);
        let [which, cut, blended, area, aspect, top, left, _] = draws;
        let example = (which * examples as f64) as u32;
        if cut < self.cutmix {
            let [rows, columns] = rectangle(shape, [0.02, 0.5], [area, aspect, top, left]);
            let share = (rows.len() * columns.len()) as f64 / (shape[0] * shape[1]) as f64;
            return Some(Other { example, share, rectangle: Some([rows, columns]) });
        }
        (self.mixup > 0.0).then_some(Other { example, share: self.mixup * blended, rectangle: None })
    }
}

impl Other {
    /// Mixes the other example into x, both of height × width × channels.
    pub(super) fn blend<T: Real>(&self, [_, width, channels]: [usize; 3], other: &[T], x: &mut [T]) {
        match &self.rectangle {
            None => {
                let share = T::of(self.share);
                x.iter_mut().zip(other).for_each(|(x, &other)| *x += share * (other - *x));
            }
            Some([rows, columns]) => {
                for row in rows.clone() {
                    let line = (row * width + columns.start) * channels..(row * width + columns.end) * channels;
                    x[line.clone()].copy_from_slice(&other[line]);
                }
            }
        }
    }

    /// Gives the other's answer its share of y.
    pub(super) fn answer<T: Real>(&self, other: &[T], y: &mut [T]) {
        let share = T::of(self.share);
        y.iter_mut().zip(other).for_each(|(y, &other)| *y += share * (other - *y));
    }
}

/// Rows and columns of a rectangle within an image, from four draws: its area is between two shares of the image's, its
/// aspect ratio relative to the image's between ½ and 2.
pub(super) fn rectangle(
    [height, width, _]: [usize; 3],
    [least, most]: [f64; 2],
    [area, aspect, top, left]: [f64; 4],
) -> [Range<usize>; 2] {
    let (area, aspect) = (least + (most - least) * area, 4.0_f64.powf(aspect - 0.5));
    let rows = ((area * aspect).sqrt() * height as f64).round().clamp(1.0, height as f64) as usize;
    let columns = ((area / aspect).sqrt() * width as f64).round().clamp(1.0, width as f64) as usize;
    let (top, left) = ((top * (height - rows + 1) as f64) as usize, (left * (width - columns + 1) as f64) as usize);
    [top..top + rows, left..left + columns]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random;

    fn others(mix: Mix) -> Vec<Other> {
        (0..200).filter_map(|example| mix.other(random::augment(1, 1), example, 50, [6, 4, 2])).collect()
    }

    #[test]
    fn others_come_from_all_examples_by_up_to_their_share() {
        let found = others(Mix { mixup: 0.4, cutmix: 0.0 });
        assert_eq!(found.len(), 200);
        assert!(found.iter().all(|other| other.share < 0.4 && other.example < 50 && other.rectangle.is_none()));
        assert!(found.iter().any(|other| other.share > 0.3) && found.iter().any(|other| other.example > 45));
        assert_eq!(others(Mix::default()), []);
    }

    #[test]
    fn rectangles_count_by_their_area() {
        let found = others(Mix { mixup: 0.0, cutmix: 0.5 });
        assert!((60..140).contains(&found.len()), "{}", found.len());
        for other in found {
            let (mut x, mut y) = ([0.0_f64; 48], [1.0, 0.0]);
            other.blend([6, 4, 2], &[1.0; 48], &mut x);
            other.answer(&[0.0, 1.0], &mut y);
            assert!((x.iter().sum::<f64>() / 48.0 - other.share).abs() < 1e-12);
            assert!((y[1] - other.share).abs() < 1e-12 && (y[0] + y[1] - 1.0).abs() < 1e-12);
            assert!(other.share <= 0.6);
        }
    }
}
