//! Strips of C, a panel wide, computed in tiles that stay in registers.

use std::mem::MaybeUninit;
use std::ops::Range;

use super::lhs::Lhs;
use super::{Matrix, Strip, pack};
use crate::Real;
use crate::dispatch::{Instructions, instructions};
use crate::lanes::Lanes;

/// Vectors side by side in a tile.
const SIDE: usize = 2;

/// Packed panels that a single row is multiplied by at a time: one panel has too few chains to hide the latency of
/// FMAs.
pub(super) const PANELS_PER_ROW: usize = 4;

/// Bytes of a packed panel: it stays in L2 with the rows of A that are multiplied by it.
const PANEL_BYTES: usize = 1 << 16;

/// Bytes of a B that fits into L1 together with the rows of A that are multiplied by it.
const L1_BYTES: usize = 1 << 14;

/// The maximum number of elements in a vector.
pub(super) const MAX_LANES: usize = 16;

/// The maximum number of elements in a tile: 12 rows of two such vectors.
const MAX_TILE: usize = 12 * SIDE * MAX_LANES;

#[repr(align(64))]
struct Panel(MaybeUninit<[u8; PANEL_BYTES]>);

/// Columns of a strip on this machine.
pub(super) fn width<T: Real, A: Lanes<T>, B: Lanes<T>>() -> usize {
    match instructions() {
        Instructions::Avx512 => SIDE * A::N,
        Instructions::Avx2 => SIDE * B::N,
        Instructions::Portable => SIDE,
    }
}

/// Computes a strip with the machine's instructions.
///
/// # Safety
/// The strip must be within A, B and C, and nothing else may use its part of C.
pub(super) unsafe fn compute<T: Real, L: Lhs<T>, A: Lanes<T>, B: Lanes<T>>(strip: Strip<T, L>) {
    // SAFETY: the instructions were detected; the strip is as the caller promises.
    unsafe {
        match instructions() {
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => avx512::<T, L, A>(strip),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => avx2::<T, L, B>(strip),
            _ => compute_with::<T, L, T, 4>(strip),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
unsafe fn avx512<T: Real, L: Lhs<T>, V: Lanes<T>>(strip: Strip<T, L>) {
    // SAFETY: as the caller promises.
    unsafe { compute_with::<T, L, V, 12>(strip) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<T: Real, L: Lhs<T>, V: Lanes<T>>(strip: Strip<T, L>) {
    // SAFETY: as the caller promises.
    unsafe { compute_with::<T, L, V, 6>(strip) }
}

/// Packs a panel of B with the machine's instructions.
///
/// # Safety
/// As for `pack::pack`, with space for at least `MAX_LANES` rows.
pub(super) unsafe fn pack<T: Real, A: Lanes<T>, B: Lanes<T>>(b: Matrix<T>, columns: Range<usize>, panel: *mut T) {
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    unsafe fn avx512<T: Real, V: Lanes<T>>(b: Matrix<T>, columns: Range<usize>, panel: *mut T) {
        // SAFETY: as the caller promises.
        unsafe { pack::pack::<T, V, SIDE>(b, 0..b.rows, columns, panel) }
    }
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn avx2<T: Real, V: Lanes<T>>(b: Matrix<T>, columns: Range<usize>, panel: *mut T) {
        // SAFETY: as the caller promises.
        unsafe { pack::pack::<T, V, SIDE>(b, 0..b.rows, columns, panel) }
    }
    // SAFETY: the instructions were detected; the rest is as the caller promises.
    unsafe {
        match instructions() {
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => avx512::<T, A>(b, columns, panel),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => avx2::<T, B>(b, columns, panel),
            _ => pack::pack::<T, T, SIDE>(b, 0..b.rows, columns, panel),
        }
    }
}

/// Copies rows of a column-major matrix with the machine's instructions.
///
/// # Safety
/// As for `pack::transpose`.
pub(super) unsafe fn transpose<T: Real, A: Lanes<T>, B: Lanes<T>>(
    a: Matrix<T>,
    rows: Range<usize>,
    to: *mut T,
    stride: usize,
) {
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    unsafe fn avx512<T: Real, V: Lanes<T>>(a: Matrix<T>, rows: Range<usize>, to: *mut T, stride: usize) {
        // SAFETY: as the caller promises.
        unsafe { pack::transpose::<T, V>(a, rows, to, stride) }
    }
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn avx2<T: Real, V: Lanes<T>>(a: Matrix<T>, rows: Range<usize>, to: *mut T, stride: usize) {
        // SAFETY: as the caller promises.
        unsafe { pack::transpose::<T, V>(a, rows, to, stride) }
    }
    // SAFETY: the instructions were detected; the rest is as the caller promises.
    unsafe {
        match instructions() {
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => avx512::<T, A>(a, rows, to, stride),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => avx2::<T, B>(a, rows, to, stride),
            _ => pack::transpose::<T, T>(a, rows, to, stride),
        }
    }
}

#[inline(always)]
unsafe fn compute_with<T: Real, L: Lhs<T>, V: Lanes<T>, const ROWS: usize>(strip: Strip<T, L>) {
    // SAFETY: as the caller promises.
    unsafe {
        if strip.columns.len() > SIDE * V::N {
            compute_across::<T, L, V, ROWS>(strip)
        } else {
            compute_panel::<T, L, V, ROWS>(strip)
        }
    }
}

#[inline(always)]
unsafe fn compute_panel<T: Real, L: Lhs<T>, V: Lanes<T>, const ROWS: usize>(strip: Strip<T, L>) {
    // SAFETY: as the caller promises.
    unsafe {
        if strip.columns.len() > V::N {
            compute_wide::<T, L, V, ROWS, SIDE>(strip)
        } else {
            compute_wide::<T, L, V, ROWS, 1>(strip)
        }
    }
}

/// A strip of one row and several packed panels: all at a time if there are `PANELS_PER_ROW` of them.
#[inline(always)]
unsafe fn compute_across<T: Real, L: Lhs<T>, V: Lanes<T>, const ROWS: usize>(strip: Strip<T, L>) {
    /// Vectors of all panels, side by side.
    const ALL: usize = PANELS_PER_ROW * SIDE;
    let (width, k) = (SIDE * V::N, strip.a.columns());
    let panels = strip.packed.expect("rows alone that meet several panels meet packed ones");
    let size = width * k.max(MAX_LANES);
    // SAFETY: the panels were packed for these columns; the strip is a row of C.
    unsafe {
        if strip.columns.len() == ALL * V::N {
            let panel = Panels { first: panels.as_ptr().add(strip.ks.start * width), row: width, next: size };
            tile::<T, L, V, 1, ALL>(&strip, strip.rows.start, panel, strip.ks.clone());
            return;
        }
        for (start, panel) in strip.columns.clone().step_by(width).zip(panels.chunks(size)) {
            let columns = start..strip.columns.end.min(start + width);
            let (rows, ks) = (strip.rows.clone(), strip.ks.clone());
            compute_panel::<T, L, V, ROWS>(Strip { packed: Some(panel), columns, rows, ks, ..strip });
        }
    }
}

/// The location of packed panels.
#[derive(Clone, Copy)]
struct Panels<T> {
    first: *const T,
    /// The row stride within a panel.
    row: usize,
    /// The stride between panels.
    next: usize,
}

impl<T> Panels<T> {
    /// A single panel.
    fn one(first: *const T, row: usize) -> Self {
        Panels { first, row, next: 0 }
    }
}

/// The strip with a panel of `S` vectors: as much of k at a time as the panel holds, with partial sums kept in C.
#[inline(always)]
unsafe fn compute_wide<T: Real, L: Lhs<T>, V: Lanes<T>, const ROWS: usize, const S: usize>(strip: Strip<T, L>) {
    let width = S * V::N;
    if let Some(panel) = strip.packed {
        // Packed panels have full rows, however much of them is used.
        // SAFETY: the panel was packed for these columns; the strip is within A and C.
        return unsafe {
            let panel = Panels::one(panel.as_ptr().add(strip.ks.start * SIDE * V::N), SIDE * V::N);
            rows::<T, L, V, ROWS, S>(&strip, panel, strip.ks.clone())
        };
    }
    let mut buffer = Panel(MaybeUninit::uninit());
    let packed = buffer.0.as_mut_ptr().cast::<T>();
    let depth = PANEL_BYTES / (size_of::<T>() * width);
    let ks = strip.ks.clone();
    // Packing does not pay off for what only a few rows read, nor for what fits into L1, where it can be read in place:
    // a row of B, and what follows it up to the panel's width.
    let unpacked = if strip.b.transposed || (strip.rows.len() > ROWS && size_of_val(strip.b.data) > L1_BYTES) {
        ks.start
    } else {
        let beyond = (strip.columns.start + width).saturating_sub(strip.b.columns).div_ceil(strip.b.columns);
        ks.end.min(strip.b.rows.saturating_sub(beyond)).max(ks.start)
    };
    // SAFETY: the first `unpacked` rows of B have `width` elements from `columns.start` on before B ends; the panel has
    // space for `depth` rows; the strip is within A, B and C.
    unsafe {
        if unpacked > ks.start {
            let b = strip.b.data.as_ptr().wrapping_add(ks.start * strip.b.columns + strip.columns.start);
            rows::<T, L, V, ROWS, S>(&strip, Panels::one(b, strip.b.columns), ks.start..unpacked);
        }
        // With an empty k, one pass writes the bias.
        for start in (unpacked..ks.end.max(1)).step_by(depth) {
            let ks = start..ks.end.min(start + depth);
            pack::pack::<T, V, S>(strip.b, ks.clone(), strip.columns.clone(), packed);
            rows::<T, L, V, ROWS, S>(&strip, Panels::one(packed, width), ks);
        }
    }
}

/// All rows of the strip over a range of k, in blocks of `ROWS` while enough are left.
#[inline(always)]
unsafe fn rows<T: Real, L: Lhs<T>, V: Lanes<T>, const ROWS: usize, const S: usize>(
    strip: &Strip<T, L>,
    panel: Panels<T>,
    ks: Range<usize>,
) {
    let mut row = strip.rows.start;
    while row < strip.rows.end {
        let ks = ks.clone();
        // SAFETY: there are as many rows left as each tile takes.
        row += unsafe {
            match strip.rows.end - row {
                left if left >= ROWS => tile::<T, L, V, ROWS, S>(strip, row, panel, ks),
                left if left >= 8 => tile::<T, L, V, 8, S>(strip, row, panel, ks),
                left if left >= 4 => tile::<T, L, V, 4, S>(strip, row, panel, ks),
                left if left >= 2 => tile::<T, L, V, 2, S>(strip, row, panel, ks),
                _ => tile::<T, L, V, 1, S>(strip, row, panel, ks),
            }
        };
    }
}

/// R rows of the strip over a range of k; returns R. Where C's columns are fewer than the panel's, or not contiguous,
/// the tile is computed on the stack.
#[inline(always)]
unsafe fn tile<T: Real, L: Lhs<T>, V: Lanes<T>, const R: usize, const S: usize>(
    strip: &Strip<T, L>,
    row: usize,
    panel: Panels<T>,
    ks: Range<usize>,
) -> usize {
    let (width, columns) = (S * V::N, strip.columns.len());
    let (first, last) = (ks.start == 0 && !strip.onto, ks.end == strip.a.columns());
    let bias = strip.bias.filter(|_| last).map(|bias| bias[strip.columns.clone()].as_ptr());
    let [row_stride, column_stride] = strip.c_strides;
    // SAFETY: the tile is within A and C, and the panel has `ks.len()` rows of `width` elements.
    unsafe {
        let c = strip.c.add(row * row_stride + strip.columns.start * column_stride);
        let at = |r: usize, j: usize| c.add(r * row_stride + j * column_stride);
        let in_place = columns == width && column_stride == 1;
        let mut buffer = MaybeUninit::<[T; MAX_TILE]>::uninit();
        let stacked = buffer.as_mut_ptr().cast::<T>();
        if !in_place && !first {
            for r in 0..R {
                for j in 0..width {
                    stacked.add(r * width + j).write(if j < columns { *at(r, j) } else { T::ZERO });
                }
            }
        }
        // One call for both: each is compiled for every shape of tile.
        let (to, stride, added) = if in_place { (c, row_stride, bias) } else { (stacked, width, None) };
        sums::<T, L, V, R, S>(strip.a, row, panel, ks, to, stride, first, added);
        if !in_place {
            for r in 0..R {
                for j in 0..columns {
                    let sum = *stacked.add(r * width + j);
                    *at(r, j) = bias.map_or(sum, |bias| sum + *bias.add(j));
                }
            }
        }
    }
    R
}

/// The tile itself: C = (0 or C) + A·panel over `ks` (+ bias), each element one chain in a register.
#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "a tile is its operands")]
unsafe fn sums<T: Real, L: Lhs<T>, V: Lanes<T>, const R: usize, const S: usize>(
    a: L,
    row: usize,
    panel: Panels<T>,
    ks: Range<usize>,
    c: *mut T,
    c_stride: usize,
    first: bool,
    bias: Option<*const T>,
) {
    // SAFETY: rows `row..row + R` and `ks` are within A; the panel has `ks.len()` rows of S vectors; C has R rows of
    // the same width, and the bias one.
    unsafe {
        let mut sums = [[V::splat(T::ZERO); S]; R];
        if !first {
            for (r, sums) in sums.iter_mut().enumerate() {
                for (s, sum) in sums.iter_mut().enumerate() {
                    *sum = V::load(c.add(r * c_stride + s * V::N));
                }
            }
        }
        let mut b = panel.first;
        let (begin, step) = (a.rows_from::<R>(row), a.step());
        for (start, n) in a.runs(ks) {
            let mut at = start;
            for _ in 0..n {
                let mut columns = [V::splat(T::ZERO); S];
                for (s, column) in columns.iter_mut().enumerate() {
                    *column = V::load(b.add(s / SIDE * panel.next + s % SIDE * V::N));
                }
                for (r, sums) in sums.iter_mut().enumerate() {
                    let x = V::splat(*L::element(&begin, r).wrapping_add(at));
                    for (sum, &column) in sums.iter_mut().zip(&columns) {
                        *sum = sum.plus_product(x, column);
                    }
                }
                at += step;
                b = b.wrapping_add(panel.row);
            }
        }
        for (r, sums) in sums.iter().enumerate() {
            for (s, &sum) in sums.iter().enumerate() {
                let sum = bias.map_or(sum, |bias| sum.plus(V::load(bias.add(s * V::N))));
                sum.store(c.add(r * c_stride + s * V::N));
            }
        }
    }
}
