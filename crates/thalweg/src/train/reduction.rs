//! How a batch is shared among processes, and in which order their gradients are added up.

use std::ops::Range;

use crate::config::Reduction;

/// The parts of a batch whose gradients are added up in an order of their own.
pub(crate) const PARTS: usize = 8;

/// Which examples of each batch one of several processes takes.
#[derive(Debug, Clone, Copy)]
pub struct Share {
    rank: usize,
    size: usize,
    reduction: Reduction,
}

impl Share {
    /// All of them.
    pub const WHOLE: Share = Share { rank: 0, size: 1, reduction: Reduction::Fast };

    pub(super) fn new(rank: usize, size: usize, reduction: Reduction) -> Share {
        Share { rank, size, reduction }
    }

    /// The share of another process.
    pub(super) fn of(self, rank: usize) -> Share {
        Share { rank, ..self }
    }

    /// Its examples of a batch of m.
    pub fn rows(self, m: usize) -> Range<usize> {
        match self.reduction {
            Reduction::Fast => split(m, self.size, self.rank),
            Reduction::Ordered => {
                let (parts, rows) = (self.parts(m), m.div_ceil(PARTS));
                (parts.start * rows).min(m)..(parts.end * rows).min(m)
            }
        }
    }

    /// The most examples that any process has of a batch of at most m.
    pub(super) fn most_rows(self, m: usize) -> usize {
        match self.reduction {
            Reduction::Fast => m.div_ceil(self.size),
            Reduction::Ordered => (PARTS.div_ceil(self.size) * m.div_ceil(PARTS)).min(m),
        }
    }

    /// Its rows of n, where so many are taken at once.
    pub(super) fn chunks(self, n: usize, at_once: usize) -> Range<usize> {
        let own = split(n.div_ceil(at_once.max(1)), self.size, self.rank);
        (own.start * at_once).min(n)..(own.end * at_once).min(n)
    }

    /// The parts it has of a batch of m, of which the last ones of a short batch may be empty.
    pub(super) fn parts(self, m: usize) -> Range<usize> {
        let own = split(PARTS, self.size, self.rank);
        let all = parts(m);
        own.start.min(all)..own.end.min(all)
    }
}

/// How many parts a batch of m examples has.
pub(super) fn parts(m: usize) -> usize {
    m.div_ceil(m.div_ceil(PARTS).max(1))
}

/// The part of 0..n that is the i-th of several of nearly the same length.
pub(super) fn split(n: usize, count: usize, i: usize) -> Range<usize> {
    n * i / count..n * (i + 1) / count
}

/// The additions that make the sum of some parts: of the second of each pair to the first, with the end of what the first has
/// then. First neighbours are added, then pairs of them, and so on.
pub(super) fn additions(parts: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    let steps = std::iter::successors(Some(1), |step| Some(2 * step)).take_while(move |step| *step < parts);
    steps.flat_map(move |step| {
        let firsts = (0..parts - step).step_by(2 * step);
        firsts.map(move |first| (first, first + step, (first + 2 * step).min(parts)))
    })
}

/// Which of some parts are left when those that a process has are added up among themselves, as far as the order has it.
pub(super) fn left(own: Range<usize>, parts: usize) -> Vec<usize> {
    let mut left: Vec<usize> = own.clone().collect();
    for (first, second, end) in additions(parts) {
        if own.start <= first && end <= own.end {
            left.retain(|part| *part != second);
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_the_batch_one_after_the_other() {
        for reduction in [Reduction::Fast, Reduction::Ordered] {
            for (m, size) in (0..70).flat_map(|m| (1..10).map(move |size| (m, size))) {
                let shares = (0..size).map(|rank| Share::new(rank, size, reduction).rows(m));
                let rows: Vec<usize> = shares.flatten().collect();
                assert_eq!(rows, (0..m).collect::<Vec<_>>(), "{m} of {size}");
                let most = Share::new(0, size, reduction).most_rows(m);
                assert!((0..=m).all(|m| (0..size).all(|rank| Share::new(rank, size, reduction).rows(m).len() <= most)));
            }
        }
        assert_eq!(Share::WHOLE.rows(7), 0..7);
    }

    #[test]
    fn pairs_are_added_before_pairs_of_pairs() {
        let pairs = |parts| additions(parts).map(|(first, second, _)| (first, second)).collect::<Vec<_>>();
        assert!(pairs(1).is_empty());
        assert_eq!(pairs(3), [(0, 1), (0, 2)]);
        assert_eq!(pairs(8), [(0, 1), (2, 3), (4, 5), (6, 7), (0, 2), (4, 6), (0, 4)]);
        assert_eq!(left(3..6, 8), [3, 4]);
        assert_eq!(left(4..8, 8), [4]);
        assert_eq!(left(4..7, 7), [4]);
        assert!(left(2..2, 8).is_empty());
    }
}
