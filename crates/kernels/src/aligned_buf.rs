//! Buffers aligned to a cache line.
//!
//! An AVX-512 vector fills a cache line. A load that straddles two lines fetches both, and only full lines can be
//! written with streaming stores. Allocators place large vectors 16 bytes after the start of a page, so that every one
//! of their vectors would straddle two lines.

use std::ops::{Deref, DerefMut};

use crate::Real;
use crate::huge_pages::advise_huge_pages;

/// Bytes of a cache line, which is also the width of the widest vectors.
const LINE: usize = 64;

/// A buffer aligned to a cache line, which dereferences to a slice.
///
/// ```
/// use thalweg_kernels::aligned_buf::AlignedBuf;
///
/// let mut numbers = AlignedBuf::<f32>::zeros(3);
/// numbers[1] = 2.0;
/// assert_eq!(*numbers, [0.0, 2.0, 0.0]);
/// ```
#[derive(Debug)]
pub struct AlignedBuf<T> {
    values: Vec<T>,
    start: usize,
}

impl<T: Real> AlignedBuf<T> {
    /// A buffer of `n` zeros, aligned to a cache line; large buffers are backed by huge pages.
    pub fn zeros(n: usize) -> Self {
        let spare = LINE / size_of::<T>() - 1;
        let mut values = vec![T::ZERO; n + spare];
        advise_huge_pages(&mut values);
        let start = values.as_ptr().align_offset(LINE).min(spare);
        values.truncate(start + n);
        AlignedBuf { values, start }
    }
}

impl<T> From<Vec<T>> for AlignedBuf<T> {
    /// Takes ownership of the vector without copying or aligning it.
    fn from(values: Vec<T>) -> Self {
        AlignedBuf { values, start: 0 }
    }
}

impl<T> Deref for AlignedBuf<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.values[self.start..]
    }
}

impl<T> DerefMut for AlignedBuf<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.values[self.start..]
    }
}

impl<T: Real> Clone for AlignedBuf<T> {
    fn clone(&self) -> Self {
        let mut copy = AlignedBuf::zeros(self.len());
        copy.copy_from_slice(self);
        copy
    }
}

impl<T: PartialEq> PartialEq for AlignedBuf<T> {
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
            let zeros = AlignedBuf::<f32>::zeros(n);
            assert!(zeros.iter().eq(&vec![0.0; n]), "{n}");
            let copy = AlignedBuf::from(vec![1.5; n]).clone();
            assert!(copy.iter().eq(&vec![1.5; n]), "{n}");
            if !cfg!(miri) {
                assert_eq!([zeros.as_ptr().addr() % LINE, copy.as_ptr().addr() % LINE], [0, 0], "{n}");
            }
        }
    }

    #[test]
    fn equal_numbers_are_equal_wherever_they_begin() {
        let mut zeros = AlignedBuf::zeros(3);
        zeros[1] = 2.0;
        assert_eq!(zeros, AlignedBuf::from(vec![0.0, 2.0, 0.0]));
        assert_ne!(zeros, AlignedBuf::from(vec![0.0, 2.0]));
    }
}
