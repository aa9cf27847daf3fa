//! Tiles of C that stay in registers over all of k.

use std::ops::Range;

use super::Matrix;
use crate::Real;
use crate::dispatch::{Instructions, instructions};

/// A block of rows of one panel of C.
#[derive(Debug)]
pub struct Tiled<'a, T> {
    /// A, m × k.
    pub(super) a: Matrix<'a, T>,
    /// The packed panel of B, k × width.
    pub(super) panel: &'a [T],
    /// The bias of the panel's columns.
    pub(super) bias: Option<&'a [T]>,
    /// Rows of A and C.
    pub(super) rows: Range<usize>,
    /// Columns of the panel that C has.
    pub(super) columns: usize,
    /// Numbers in a row of C.
    pub(super) row_stride: usize,
}

/// Several numbers handled as one.
pub(super) trait Lanes<T>: Copy {
    /// How many.
    const N: usize;
    /// The same number in each.
    unsafe fn splat(x: T) -> Self;
    /// Reads N numbers.
    unsafe fn load(from: *const T) -> Self;
    /// Writes N numbers.
    unsafe fn store(self, to: *mut T);
    /// a · b + self.
    unsafe fn plus_product(self, a: Self, b: Self) -> Self;
}

impl<T: Real> Lanes<T> for T {
    const N: usize = 1;
    #[inline(always)]
    unsafe fn splat(x: T) -> Self {
        x
    }
    #[inline(always)]
    unsafe fn load(from: *const T) -> Self {
        // SAFETY: the caller gives a number.
        unsafe { *from }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut T) {
        // SAFETY: the caller gives room for a number.
        unsafe { *to = self }
    }
    #[inline(always)]
    unsafe fn plus_product(self, a: Self, b: Self) -> Self {
        a.mul_add(b, self)
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::Lanes;

    macro_rules! lanes {
        ($vector:ty, $number:ty, $n:literal, $splat:ident, $load:ident, $store:ident, $fma:ident) => {
            impl Lanes<$number> for $vector {
                const N: usize = $n;
                #[inline(always)]
                unsafe fn splat(x: $number) -> Self {
                    // SAFETY: only called where the instructions were found.
                    unsafe { $splat(x) }
                }
                #[inline(always)]
                unsafe fn load(from: *const $number) -> Self {
                    // SAFETY: the caller gives N numbers.
                    unsafe { $load(from) }
                }
                #[inline(always)]
                unsafe fn store(self, to: *mut $number) {
                    // SAFETY: the caller gives room for N numbers.
                    unsafe { $store(to, self) }
                }
                #[inline(always)]
                unsafe fn plus_product(self, a: Self, b: Self) -> Self {
                    // SAFETY: only called where the instructions were found.
                    unsafe { $fma(a, b, self) }
                }
            }
        };
    }

    lanes!(__m512, f32, 16, _mm512_set1_ps, _mm512_loadu_ps, _mm512_storeu_ps, _mm512_fmadd_ps);
    lanes!(__m512d, f64, 8, _mm512_set1_pd, _mm512_loadu_pd, _mm512_storeu_pd, _mm512_fmadd_pd);
    lanes!(__m256, f32, 8, _mm256_set1_ps, _mm256_loadu_ps, _mm256_storeu_ps, _mm256_fmadd_ps);
    lanes!(__m256d, f64, 4, _mm256_set1_pd, _mm256_loadu_pd, _mm256_storeu_pd, _mm256_fmadd_pd);
}

/// Vectors side by side in a tile.
const SIDE: usize = 2;

/// The most numbers a tile can hold: 12 rows of two 16-lane vectors.
const MOST: usize = 12 * SIDE * 16;

/// Columns of a panel on this machine.
pub(super) fn width<T: Real, A: Lanes<T>, B: Lanes<T>>() -> usize {
    match instructions() {
        Instructions::Avx512 => SIDE * A::N,
        Instructions::Avx2 => SIDE * B::N,
        Instructions::Portable => SIDE,
    }
}

/// Computes the block with the machine's instructions.
///
/// # Safety
/// `c` must be valid for the block's rows and columns.
pub(super) unsafe fn compute<T: Real, A: Lanes<T>, B: Lanes<T>>(tiled: Tiled<T>, c: *mut T) {
    // SAFETY: the instructions were found; `c` as the caller promises.
    unsafe {
        match instructions() {
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => avx512::<T, A>(tiled, c),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => avx2::<T, B>(tiled, c),
            _ => rows::<T, T, 4>(tiled, c),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
unsafe fn avx512<T: Real, V: Lanes<T>>(tiled: Tiled<T>, c: *mut T) {
    // SAFETY: as the caller promises.
    unsafe { rows::<T, V, 12>(tiled, c) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<T: Real, V: Lanes<T>>(tiled: Tiled<T>, c: *mut T) {
    // SAFETY: as the caller promises.
    unsafe { rows::<T, V, 6>(tiled, c) }
}

/// The block's rows, `MOST_ROWS` of them at a time while they last.
#[inline(always)]
unsafe fn rows<T: Real, V: Lanes<T>, const MOST_ROWS: usize>(tiled: Tiled<T>, c: *mut T) {
    let start = tiled.rows.start;
    let mut row = start;
    while row < tiled.rows.end {
        // SAFETY: the row is one of the block's.
        let c = unsafe { c.add((row - start) * tiled.row_stride) };
        let left = tiled.rows.end - row;
        // SAFETY: there are as many rows left as each tile takes.
        row += unsafe {
            match left {
                _ if left >= MOST_ROWS => tile::<T, V, MOST_ROWS>(&tiled, row, c),
                _ if left >= 4 => tile::<T, V, 4>(&tiled, row, c),
                _ if left >= 2 => tile::<T, V, 2>(&tiled, row, c),
                _ => tile::<T, V, 1>(&tiled, row, c),
            }
        };
    }
}

/// R rows of the panel's columns; gives R.
#[inline(always)]
unsafe fn tile<T: Real, V: Lanes<T>, const R: usize>(tiled: &Tiled<T>, row: usize, c: *mut T) -> usize {
    let (row_stride, k_stride) = tiled.a.strides();
    let width = SIDE * V::N;
    let k = tiled.panel.len() / width;
    // SAFETY: `row + R` is within A, the panel holds k rows of `width` numbers, and C is valid for the block; where C
    // has fewer columns than the panel, whole vectors go to the stack first.
    unsafe {
        let mut sums = [[V::splat(T::ZERO); SIDE]; R];
        let mut b = tiled.panel.as_ptr();
        let mut a = tiled.a.data.as_ptr().wrapping_add(row * row_stride);
        for _ in 0..k {
            let columns: [V; SIDE] = [V::load(b), V::load(b.add(V::N))];
            for (r, sums) in sums.iter_mut().enumerate() {
                let x = V::splat(*a.add(r * row_stride));
                for (sum, &column) in sums.iter_mut().zip(&columns) {
                    *sum = sum.plus_product(x, column);
                }
            }
            a = a.wrapping_add(k_stride);
            b = b.add(width);
        }
        let mut buffer = [T::ZERO; MOST];
        for (r, sums) in sums.iter().enumerate() {
            for (s, &sum) in sums.iter().enumerate() {
                sum.store(buffer.as_mut_ptr().add(r * width + s * V::N));
            }
            let out = std::slice::from_raw_parts_mut(c.add(r * tiled.row_stride), tiled.columns);
            let sums = &buffer[r * width..r * width + tiled.columns];
            match tiled.bias {
                Some(bias) => out.iter_mut().zip(sums).zip(bias).for_each(|((out, &sum), &bias)| *out = sum + bias),
                None => out.copy_from_slice(sums),
            }
        }
    }
    R
}
