//! A·b for a single column b, as in a layer with one output.
//!
//! The rows of A fill the vectors: square blocks of A are transposed and multiplied by b, without a panel that is
//! written and read again.

use super::{Gemm, MAX_LANES, MIN_PARALLEL_WORK};
use crate::lanes::{Lanes, OnLanes};
use crate::pool;

/// The minimum length of b: one vector.
pub(super) const LEAST: usize = MAX_LANES;

/// c = A·b (+ bias), where A's rows are as long as b, which has at least [`LEAST`] elements.
pub(super) fn times_column<T: Gemm>(a: &[T], b: &[T], bias: Option<T>, c: &mut [T]) {
    let k = b.len();
    assert!(a.len() == c.len() * k && k >= LEAST, "times_column: shapes do not fit");
    let rows =
        if a.len() < MIN_PARALLEL_WORK { c.len() } else { (MIN_PARALLEL_WORK / 8 / k).next_multiple_of(MAX_LANES) };
    pool::for_each_chunk(c, rows, |i, c| {
        let a = &a[i * rows * k..][..c.len() * k];
        // SAFETY: a and c have as many rows, and a's are as long as b.
        unsafe { T::on_lanes(RowBlock { a, b, c: &mut *c }) };
        if let Some(bias) = bias {
            c.iter_mut().for_each(|c| *c += bias);
        }
    });
}

/// A square of vector length, aligned to a cache line.
#[repr(align(64))]
struct Square<T>([T; MAX_LANES * MAX_LANES]);

/// Some rows of A and of c.
struct RowBlock<'a, T> {
    a: &'a [T],
    b: &'a [T],
    c: &'a mut [T],
}

impl<T: Gemm> OnLanes<T> for RowBlock<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Lanes<T>>(self) {
        let RowBlock { a, b, c } = self;
        let (m, k) = (c.len(), b.len());
        if m < V::N {
            for (c, a) in c.iter_mut().zip(a.chunks_exact(k)) {
                *c = a.iter().zip(b).fold(T::ZERO, |sum, (a, &b)| a.mul_add(b, sum));
            }
            return;
        }
        let mut square = Square([T::ZERO; MAX_LANES * MAX_LANES]);
        let square = square.0.as_mut_ptr();
        // The last block ends with the rows, and so may overlap the previous one: it computes the same values again.
        for row in (0..m).step_by(V::N).map(|row| row.min(m - V::N)) {
            // SAFETY: rows and columns are within A, since both have at least a vector's length; the square has space.
            unsafe {
                let mut sums = V::splat(T::ZERO);
                for begin in (0..k).step_by(V::N) {
                    let column = begin.min(k - V::N);
                    V::transpose(|i| a.as_ptr().add((row + i) * k + column), square, V::N);
                    for j in begin - column..V::N {
                        sums = sums.plus_product(V::load(square.add(j * V::N)), V::splat(b[column + j]));
                    }
                }
                sums.store(c.as_mut_ptr().add(row));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_one_chain() {
        // The last shape is distributed over tasks, the last of which has three rows.
        let many = if cfg!(miri) { 3 } else { (MIN_PARALLEL_WORK / 8 / 100).next_multiple_of(MAX_LANES) * 9 + 3 };
        for (m, k) in [(0, 16), (1, 20), (16, 16), (17, 28), (31, 65), (40, 16), (many, 100)] {
            let number = |i: usize| ((i * 37 % 101) as f32 - 50.0) / 7.0;
            let (a, b): (Vec<f32>, Vec<f32>) = ((0..m * k).map(number).collect(), (0..k).map(number).collect());
            let mut c = vec![f32::NAN; m];
            times_column(&a, &b, None, &mut c);
            for (row, c) in a.chunks_exact(k).zip(c) {
                assert_eq!(c, row.iter().zip(&b).fold(0.0, |sum, (a, b)| a.mul_add(*b, sum)), "{m} × {k}");
            }
        }
    }
}
