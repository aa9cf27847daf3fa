//! The Halton sequence (1960) with a random shift (Cranley and Patterson 1976): points that fill the space evenly.

use crate::random;
use crate::tune::space::{Point, Space};

/// The base of each dimension.
const PRIMES: [u32; 32] = [
    2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109,
    113, 127, 131,
];

/// Point number `index` of those that satisfy the constraints.
pub(super) fn point(space: &Space, seed: u64, index: usize) -> Option<Point> {
    let mut shifts = vec![0.0; space.dimensions.len()];
    random::search(seed, 0).fill_uniform(u32::MAX, &mut shifts);
    let most = (index as u32).saturating_add(super::TRIES);
    let points = (1..=most).map(|i| {
        let place = |(d, shift): (usize, &f64)| match PRIMES.get(d) {
            Some(&base) => (radical_inverse(i, base) + shift).fract(),
            None => random::search(seed, 1).uniform(i, d as u32),
        };
        space.point(&shifts.iter().enumerate().map(place).collect::<Vec<_>>())
    });
    points.filter(|point| space.allows(point)).nth(index)
}

/// The digits of i mirrored at the radix point.
fn radical_inverse(mut i: u32, base: u32) -> f64 {
    let (mut inverse, mut share) = (0.0, 1.0);
    while i > 0 {
        share /= f64::from(base);
        inverse += share * f64::from(i % base);
        i /= base;
    }
    inverse
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_beginning() {
        let base = |b: u32| (1..=6).map(|i| radical_inverse(i, b)).collect::<Vec<_>>();
        assert_eq!(base(2), [0.5, 0.25, 0.75, 0.125, 0.625, 0.375]);
        let thirds = base(3).iter().map(|x| (x * 9.0).round() as u32).collect::<Vec<_>>();
        assert_eq!(thirds, [3, 6, 1, 4, 7, 2]);
    }
}
