//! C = A·B (+ bias): the three products of a linear layer.
//!
//! Each number of C is one chain of fused multiply-adds over k, from 0, then the bias. That order does not depend on
//! tiles, threads, instructions or the other rows, so neither do the bits. B is packed into panels as wide as a tile;
//! tiles of C stay in registers over all of k; panels × blocks of rows are shared out among threads.

mod naive;
mod tile;

use std::cell::RefCell;

pub use naive::gemm as naive;
use tile::Tiled;

use crate::Real;
use crate::pool::{self, Shared};

/// A matrix of `rows` × `columns`, stored row by row, or (`transposed`) column by column.
#[derive(Debug, Clone, Copy)]
pub struct Matrix<'a, T> {
    /// The numbers.
    pub data: &'a [T],
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
    /// Whether the numbers are stored column by column.
    pub transposed: bool,
}

impl<'a, T: Real> Matrix<'a, T> {
    /// A matrix stored row by row.
    ///
    /// # Panics
    /// If the number of values is not rows · columns.
    pub fn new(data: &'a [T], rows: usize, columns: usize) -> Self {
        assert_eq!(data.len(), rows * columns, "a {rows} × {columns} matrix");
        Matrix { data, rows, columns, transposed: false }
    }

    /// The transposed matrix, over the same numbers.
    pub fn t(self) -> Self {
        Matrix { rows: self.columns, columns: self.rows, transposed: !self.transposed, ..self }
    }

    fn at(&self, row: usize, column: usize) -> T {
        let (row_stride, column_stride) = self.strides();
        self.data[row * row_stride + column * column_stride]
    }

    fn strides(&self) -> (usize, usize) {
        if self.transposed { (1, self.rows) } else { (self.columns, 1) }
    }
}

/// Multiply-adds below which waking a thread does not pay.
const ALONE: usize = 1 << 17;

/// Rows of C that one task computes.
const BLOCK: usize = 48;

/// C = A·B (+ bias on each row); C is m × n, row by row, and overwritten.
///
/// # Panics
/// If the shapes do not fit.
pub fn gemm<T: Gemm>(a: Matrix<T>, b: Matrix<T>, bias: Option<&[T]>, c: &mut [T]) {
    let (m, n, k) = (a.rows, b.columns, a.columns);
    assert!(b.rows == k && c.len() == m * n && bias.is_none_or(|bias| bias.len() == n), "gemm: shapes do not fit");
    if c.is_empty() {
        return;
    }
    let width = T::width();
    let panels = n.div_ceil(width);
    let alone = m * n * k < ALONE;
    T::with_buffer(|buffer| {
        buffer.resize(buffer.len().max(panels * k * width), T::ZERO);
        let packed = &mut buffer[..panels * k * width];
        if k > 0 {
            each(alone, panels, Shared(packed.as_mut_ptr()), k * width, |panel, out| {
                pack(b, panel * width, width, out)
            });
        }
        let (packed, out) = (&*packed, Shared(c.as_mut_ptr()));
        let blocks = m.div_ceil(BLOCK);
        let task = |task: usize| {
            let (panel, block) = (task / blocks, task % blocks);
            let (row, column) = (block * BLOCK, panel * width);
            let tiled = Tiled {
                a,
                panel: &packed[panel * k * width..(panel + 1) * k * width],
                bias: bias.map(|bias| &bias[column..n.min(column + width)]),
                rows: row..m.min(row + BLOCK),
                columns: width.min(n - column),
                row_stride: n,
            };
            // SAFETY: the tile's rows and columns are within C, and no two tasks share one.
            unsafe { T::compute(tiled, out.get().add(row * n + column)) };
        };
        if alone { (0..panels * blocks).for_each(task) } else { pool::for_each(panels * blocks, task) }
    });
}

/// f(i, part i) for parts of equal length, on one thread or several.
fn each<T: Real>(alone: bool, parts: usize, start: Shared<T>, len: usize, f: impl Fn(usize, &mut [T]) + Sync) {
    let task = |i: usize| {
        // SAFETY: the buffer holds `parts` parts of this length, and each task has its own.
        f(i, unsafe { std::slice::from_raw_parts_mut(start.get().add(i * len), len) });
    };
    if alone { (0..parts).for_each(task) } else { pool::for_each(parts, task) }
}

/// Columns `start..start + width` of B, a row of them after the other, with zeros beyond the last column.
fn pack<T: Real>(b: Matrix<T>, start: usize, width: usize, out: &mut [T]) {
    let columns = width.min(b.columns - start);
    if b.transposed {
        /// Rows of the panel written at once, so that they stay in the fastest cache.
        const STRIPE: usize = 16;
        for (stripe, out) in out.chunks_mut(STRIPE * width).enumerate() {
            let (first, rows) = (stripe * STRIPE, out.len() / width);
            for j in 0..columns {
                let column = &b.data[(start + j) * b.rows + first..][..rows];
                for (k, &x) in column.iter().enumerate() {
                    out[k * width + j] = x;
                }
            }
            if columns < width {
                out.chunks_exact_mut(width).for_each(|row| row[columns..].fill(T::ZERO));
            }
        }
    } else {
        for (k, out) in out.chunks_exact_mut(width).enumerate() {
            out[..columns].copy_from_slice(&b.data[k * b.columns + start..][..columns]);
            out[columns..].fill(T::ZERO);
        }
    }
}

/// A type of number whose products can be computed.
pub trait Gemm: Real {
    /// Columns of a panel on this machine.
    #[doc(hidden)]
    fn width() -> usize;

    /// Computes a block of rows of one panel of C.
    ///
    /// # Safety
    /// `c` must be valid for the tile's rows and columns.
    #[doc(hidden)]
    unsafe fn compute(tiled: Tiled<Self>, c: *mut Self);

    /// Calls f with this thread's buffer for packing, which only grows.
    #[doc(hidden)]
    fn with_buffer(f: impl FnOnce(&mut Vec<Self>));
}

macro_rules! gemm {
    ($type:ty, $avx512:ty, $avx2:ty) => {
        impl Gemm for $type {
            fn width() -> usize {
                tile::width::<$type, $avx512, $avx2>()
            }

            unsafe fn compute(tiled: Tiled<Self>, c: *mut Self) {
                // SAFETY: as the caller promises.
                unsafe { tile::compute::<$type, $avx512, $avx2>(tiled, c) }
            }

            fn with_buffer(f: impl FnOnce(&mut Vec<Self>)) {
                thread_local! {
                    static BUFFER: RefCell<Vec<$type>> = const { RefCell::new(Vec::new()) };
                }
                BUFFER.with_borrow_mut(f);
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod vectors {
    pub(super) use std::arch::x86_64::{__m256, __m256d, __m512, __m512d};
}
#[cfg(target_arch = "x86_64")]
gemm!(f32, vectors::__m512, vectors::__m256);
#[cfg(target_arch = "x86_64")]
gemm!(f64, vectors::__m512d, vectors::__m256d);
#[cfg(not(target_arch = "x86_64"))]
gemm!(f32, f32, f32);
#[cfg(not(target_arch = "x86_64"))]
gemm!(f64, f64, f64);
