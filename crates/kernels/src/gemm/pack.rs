//! Packing: a panel of B, row-major.

use std::ops::Range;

use super::Matrix;
use crate::Real;
use crate::lanes::Lanes;
use crate::prefetch::prefetch_l2;

/// Rows of B prefetched ahead.
const PREFETCH_ROWS: usize = 16;

/// Writes rows `ks` of the columns of B, S vectors wide. Padding beyond the last column is arbitrary: the sums computed
/// from it are never read.
///
/// # Safety
/// `ks` and `columns` must be within B, `columns` not empty, and `panel` must have space for `ks.len()` rows of S
/// vectors, and for at least N rows.
#[inline(always)]
pub(super) unsafe fn pack<T: Real, V: Lanes<T>, const S: usize>(
    b: Matrix<T>,
    ks: Range<usize>,
    columns: Range<usize>,
    panel: *mut T,
) {
    let width = S * V::N;
    let (k_stride, column_stride) = b.strides();
    let data = b.data.as_ptr();
    let (last, end) = (columns.end - 1, b.data.as_ptr_range().end);
    // SAFETY: every row and column read is within B, every element written within the panel.
    unsafe {
        if b.transposed {
            let column = |j: usize| data.wrapping_add((columns.start + j).min(last) * column_stride);
            for s in 0..S {
                let column = |j: usize| column(s * V::N + j).wrapping_add(ks.start);
                let to = panel.add(s * V::N);
                if ks.len() >= V::N {
                    for block in 0..ks.len().div_ceil(V::N) {
                        // The last block ends with k, and so may overlap the previous one.
                        let k = (block * V::N).min(ks.len() - V::N);
                        V::transpose(|j| column(j).add(k), to.add(k * width), width);
                    }
                } else if column(V::N - 1).wrapping_add(V::N) <= end {
                    // Each column is read on into the next ones; the panel has space for the result.
                    V::transpose(column, to, width);
                } else {
                    for j in 0..V::N {
                        for k in 0..ks.len() {
                            *to.add(k * width + j) = *column(j).add(k);
                        }
                    }
                }
            }
        } else if columns.len() == width {
            for k in 0..ks.len() {
                let from = data.add((ks.start + k) * k_stride + columns.start);
                for s in 0..S {
                    prefetch_l2(from.wrapping_add(PREFETCH_ROWS * k_stride + s * V::N));
                }
                for s in 0..S {
                    V::load(from.add(s * V::N)).store(panel.add(k * width + s * V::N));
                }
            }
        } else {
            for k in 0..ks.len() {
                let to = panel.add(k * width);
                data.add((ks.start + k) * k_stride + columns.start).copy_to_nonoverlapping(to, columns.len());
                for j in columns.len()..width {
                    to.add(j).write(T::ZERO);
                }
            }
        }
    }
}

/// Copies rows of a column-major matrix, one after the other, at this row stride.
///
/// # Safety
/// The rows must be within the matrix, and `to` must have space for them.
#[inline(always)]
pub(super) unsafe fn transpose<T: Real, V: Lanes<T>>(a: Matrix<T>, rows: Range<usize>, to: *mut T, stride: usize) {
    let (m, k) = (a.rows, a.columns);
    let from = |row: usize, column: usize| a.data.as_ptr().wrapping_add(column * m + row);
    let whole = [rows.len() / V::N * V::N, k / V::N * V::N];
    // SAFETY: squares and single elements are within the rows and columns of A, and of `to`.
    unsafe {
        for row in (0..whole[0]).step_by(V::N) {
            for column in (0..whole[1]).step_by(V::N) {
                V::transpose(|i| from(rows.start + row, column + i), to.add(row * stride + column), stride);
            }
        }
        for row in 0..rows.len() {
            let first = if row < whole[0] { whole[1] } else { 0 };
            for column in first..k {
                *to.add(row * stride + column) = *from(rows.start + row, column);
            }
        }
    }
}
