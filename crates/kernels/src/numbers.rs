//! Numbers that begin where a line of memory does.
//!
//! A vector of AVX-512 fills a line. Where it lies on two, each is fetched for it, and a line that is written whole cannot
//! go past the caches. Allocators put large vectors 16 bytes behind the beginning of a page, so all of theirs lie on two.

use std::ops::{Deref, DerefMut};

use crate::Real;
use crate::pages::prefer_large;

/// Bytes of a line of memory, which a processor's widest vectors fill.
const LINE: usize = 64;

/// Numbers in memory that is theirs, as a slice of them.
///
/// ```
/// use thalweg_kernels::numbers::Numbers;
///
/// let mut numbers = Numbers::<f32>::zeros(3);
/// numbers[1] = 2.0;
/// assert_eq!(*numbers, [0.0, 2.0, 0.0]);
/// ```
#[derive(Debug)]
pub struct Numbers<T> {
    values: Vec<T>,
    start: usize,
}

impl<T: Real> Numbers<T> {
    /// Zeros, of which the first begins a line. Where there are many, they lie in large pages.
    pub fn zeros(n: usize) -> Self {
        let spare = LINE / size_of::<T>() - 1;
        let mut values = vec![T::ZERO; n + spare];
        prefer_large(&mut values);
        let start = values.as_ptr().align_offset(LINE).min(spare);
        values.truncate(start + n);
        Numbers { values, start }
    }
}

impl<T> From<Vec<T>> for Numbers<T> {
    /// The vector's numbers where they lie.
    fn from(values: Vec<T>) -> Self {
        Numbers { values, start: 0 }
    }
}

impl<T> Deref for Numbers<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.values[self.start..]
    }
}

impl<T> DerefMut for Numbers<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.values[self.start..]
    }
}

impl<T: Real> Clone for Numbers<T> {
    fn clone(&self) -> Self {
        let mut copy = Numbers::zeros(self.len());
        copy.copy_from_slice(self);
        copy
    }
}

impl<T: PartialEq> PartialEq for Numbers<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_and_copies_begin_a_line() {
        for n in [0, 1, 16, 1000] {
            let zeros = Numbers::<f32>::zeros(n);
            assert!(zeros.iter().eq(&vec![0.0; n]), "{n}");
            let copy = Numbers::from(vec![1.5; n]).clone();
            assert!(copy.iter().eq(&vec![1.5; n]), "{n}");
            if !cfg!(miri) {
                assert_eq!([zeros.as_ptr().addr() % LINE, copy.as_ptr().addr() % LINE], [0, 0], "{n}");
            }
        }
    }

    #[test]
    fn equal_numbers_are_equal_wherever_they_begin() {
        let mut zeros = Numbers::zeros(3);
        zeros[1] = 2.0;
        assert_eq!(zeros, Numbers::from(vec![0.0, 2.0, 0.0]));
        assert_ne!(zeros, Numbers::from(vec![0.0, 2.0]));
    }
}
