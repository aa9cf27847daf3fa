//! A·b for a single column b, as where a layer has one output.
//!
//! The rows of A fill the vectors: squares of A are turned, and met by b, without a panel that is written and read again.

use super::lanes::{Lanes, OnLanes};
use super::{ALONE, Gemm, MOST_LANES};
use crate::pool;

/// The fewest rows and columns of A: a vector's.
pub(super) const LEAST: usize = MOST_LANES;

/// c = A·b for an A of rows as long as b, at least [`LEAST`] of each.
pub(super) fn times_column<T: Gemm>(a: &[T], b: &[T], c: &mut [T]) {
    let k = b.len();
    assert!(a.len() == c.len() * k && c.len() >= LEAST && k >= LEAST, "times_column: shapes do not fit");
    // Whole vectors of rows, and no part too short to be one.
    let rows = if c.len() * k < ALONE { c.len() } else { (ALONE / 8 / k).next_multiple_of(LEAST) };
    let rows = if c.len() % rows < LEAST { rows + LEAST } else { rows };
    pool::for_each_chunk(c, rows, |i, c| {
        let a = &a[i * rows * k..][..c.len() * k];
        // SAFETY: a and c have as many rows, no fewer than a vector's numbers, and a's are as long as b.
        unsafe { T::on_lanes(Rows { a: a.as_ptr(), b, c: c.as_mut_ptr(), m: c.len() }) };
    });
}

/// A vector's numbers squared, where vectors begin with lines of memory.
#[repr(align(64))]
struct Square<T>([T; MOST_LANES * MOST_LANES]);

/// m rows of A, and of c.
struct Rows<'a, T> {
    a: *const T,
    b: &'a [T],
    c: *mut T,
    m: usize,
}

impl<T: Gemm> OnLanes<T> for Rows<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Lanes<T>>(self) {
        let Rows { a, b, c, m } = self;
        let k = b.len();
        let mut square = Square([T::ZERO; MOST_LANES * MOST_LANES]);
        let square = square.0.as_mut_ptr();
        // The last block ends where the rows do, and so may overlap the one before: it computes the same again.
        for row in (0..m).step_by(V::N).map(|row| row.min(m - V::N)) {
            // SAFETY: rows and columns are within A, since both have a vector's numbers at least; the square has room.
            unsafe {
                let mut sums = V::splat(T::ZERO);
                for begin in (0..k).step_by(V::N) {
                    let column = begin.min(k - V::N);
                    V::transpose(|i| a.add((row + i) * k + column), square, V::N);
                    for j in begin - column..V::N {
                        sums = sums.plus_product(V::load(square.add(j * V::N)), V::splat(b[column + j]));
                    }
                }
                sums.store(c.add(row));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_one_chain() {
        for (m, k) in [(16, 16), (17, 28), (31, 65), (40, 16), (LEAST * 700 + 3, 100)] {
            let number = |i: usize| ((i * 37 % 101) as f32 - 50.0) / 7.0;
            let (a, b): (Vec<f32>, Vec<f32>) = ((0..m * k).map(number).collect(), (0..k).map(number).collect());
            let mut c = vec![f32::NAN; m];
            times_column(&a, &b, &mut c);
            for (row, c) in a.chunks_exact(k).zip(c) {
                assert_eq!(c, row.iter().zip(&b).fold(0.0, |sum, (a, b)| a.mul_add(*b, sum)), "{m} × {k}");
            }
        }
    }
}
