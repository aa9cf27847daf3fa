//! C = A·B (+ bias): the three products of a linear layer.
//!
//! Each element of C is one chain of fused multiply-adds over k, from 0, then the bias. That order does not depend on
//! tiles, threads, instructions or the other rows, so neither do the bits. C is cut into strips as wide as a tile,
//! which are distributed over threads. A strip packs its panel of B and computes its tiles, which stay in registers
//! throughout k; where k is longer than a panel, C holds the partial sums, exactly. An A that exceeds L2 is read block by
//! block (Goto and van de Geijn 2008).

mod column;
mod lhs;
mod naive;
mod pack;
mod tile;

use std::ops::Range;

#[doc(hidden)]
pub use crate::lanes::{Lanes, OnLanes};
use lhs::PaddedRows;
pub use lhs::{Axis, Lhs, Strided};
pub use naive::gemm as naive;
use tile::{MAX_LANES, PANELS_PER_ROW};

use crate::Real;
use crate::aligned_buf::AlignedBuf;
use crate::bf16::{self, MatmulPrecision, PackedInBf16};
pub use crate::matrix::Matrix;
use crate::pool::{self, Shared};
use crate::scratch::with_scratch;

/// Multiply-adds below which waking a worker does not pay off.
const MIN_PARALLEL_WORK: usize = 1 << 19;

/// Minimum rows of A for repacking it to pay off: their multiply-adds take about as long as packing B.
const MIN_REPACK_ROWS: usize = 8;

/// Minimum column stride of a column-major A for repacking: each element of a row is then on a page of its own.
const MIN_PAGE_STRIDE: usize = 512;

/// Bytes of A's rows that are multiplied by all of B before the next ones, which stay in L2; a smaller A is not blocked.
const LHS_BYTES: usize = 3 << 18;

/// Columns of those rows at a time (KC): as many as a packed panel holds.
const LHS_DEPTH: usize = 512;

/// Rows that a task repacks.
const REPACK_ROWS: usize = 64;

/// C = A·B (+ bias on each row); C is m × n, row-major, and overwritten. Large products of f32 matrices use the precision,
/// where the machine has a unit for it.
///
/// # Panics
/// If the shapes do not match.
pub fn gemm<T: Gemm>(a: Matrix<T>, b: Matrix<T>, bias: Option<&[T]>, c: &mut [T], precision: MatmulPrecision) {
    T::gemm(a, b, bias, c, precision);
}

fn any_gemm<T: Gemm>(a: Matrix<T>, b: Matrix<T>, bias: Option<&[T]>, c: &mut [T], precision: MatmulPrecision) {
    let (m, n) = (a.rows, b.columns);
    assert!(
        b.rows == a.columns && c.len() == m * n && bias.is_none_or(|bias| bias.len() == n),
        "gemm: shapes do not fit"
    );
    if let (Some(a), Some(b), Some(c)) = (a.single(), b.single(), T::single_mut(c))
        && bf16::try_gemm(a, b, bias.and_then(T::single), c, precision)
    {
        return;
    }
    // With few columns, Cᵀ = Bᵀ·Aᵀ: there the many rows fill the vectors.
    if n <= T::width() / 4 && n < m {
        if n == 1 && !a.transposed && a.columns >= column::LEAST {
            column::times_column(a.data, b.data, bias.map(|bias| bias[0]), c);
            return;
        }
        product(b.t(), a.t(), None, None, c, [1, n], false);
        if let Some(bias) = bias {
            for row in c.chunks_exact_mut(n.max(1)) {
                row.iter_mut().zip(bias).for_each(|(c, &bias)| *c += bias);
            }
        }
    } else if should_repack_lhs(a, n) {
        with_repacked_lhs(a, |a| product(a, b, None, bias, c, [n, 1], false));
    } else {
        product(a, b, None, bias, c, [n, 1], false);
    }
}

/// Whether repacking A pays off for a product with this many columns.
fn should_repack_lhs<T: Gemm>(a: Matrix<T>, n: usize) -> bool {
    let strided_badly = if a.transposed {
        a.rows >= MIN_PAGE_STRIDE
    } else {
        a.rows >= MIN_REPACK_ROWS && has_set_conflicts::<T>(a.columns)
    };
    strided_badly && n >= 8 * T::width()
}

/// Whether consecutive rows of this many elements conflict: addresses 4,096 bytes apart map to the same set of L1,
/// which has only a few ways.
fn has_set_conflicts<T>(columns: usize) -> bool {
    columns > 0 && (columns * size_of::<T>()).is_multiple_of(4096)
}

/// Runs a product with A repacked row-major, with padding where its rows would conflict for sets of L1.
fn with_repacked_lhs<T: Gemm>(a: Matrix<T>, f: impl FnOnce(PaddedRows<T>)) {
    let stride = if has_set_conflicts::<T>(a.columns) { a.columns + MAX_LANES } else { a.columns };
    with_scratch(a.rows * stride, |rows| {
        repack_rows(a, rows, stride);
        f(PaddedRows::new(rows, a.columns, stride));
    });
}

/// Repacks a matrix row-major with this row stride.
fn repack_rows<T: Gemm>(a: Matrix<T>, rows: &mut [T], stride: usize) {
    pool::for_each_chunk(rows, REPACK_ROWS * stride, |i, rows| {
        let first = i * REPACK_ROWS;
        if a.transposed {
            // SAFETY: the rows are A's, and there is space for them.
            unsafe { T::transpose(a, first..first + rows.len() / stride.max(1), rows.as_mut_ptr(), stride) };
        } else {
            for (to, from) in rows.chunks_exact_mut(stride).zip(a.data[first * a.columns..].chunks_exact(a.columns)) {
                to[..a.columns].copy_from_slice(from);
            }
        }
    });
}

/// B packed once for products with many A, in the panels that strips read, and as a unit for bf16 reads it where products
/// are computed there.
#[derive(Debug, Clone)]
pub struct Packed<T: Real> {
    panels: AlignedBuf<T>,
    in_bf16: Option<PackedInBf16>,
    rows: usize,
    columns: usize,
}

impl<T: Gemm> Packed<T> {
    /// Packs B for products in a precision.
    pub fn new(b: Matrix<T>, precision: MatmulPrecision) -> Self {
        let mut panels = AlignedBuf::zeros(packed_size::<T>(b.rows, b.columns));
        pack_columns(b, 0..b.columns, &mut panels);
        let in_bf16 = b.single().and_then(|b| PackedInBf16::of(b, precision));
        Packed { panels, in_bf16, rows: b.rows, columns: b.columns }
    }
}

/// Elements of a panel with this many rows.
fn panel_size<T: Gemm>(rows: usize) -> usize {
    T::width() * rows.max(MAX_LANES)
}

/// Elements of the panels for this many rows and columns.
pub(crate) fn packed_size<T: Gemm>(rows: usize, columns: usize) -> usize {
    columns.div_ceil(T::width()) * panel_size::<T>(rows)
}

/// Packs columns of B into as many panels as they fill.
pub(crate) fn pack_columns<T: Gemm>(b: Matrix<T>, columns: Range<usize>, panels: &mut [T]) {
    assert!(columns.end <= b.columns && panels.len() == packed_size::<T>(b.rows, columns.len()));
    let (width, panel) = (T::width(), panel_size::<T>(b.rows));
    pool::for_each_chunk(panels, panel, |i, panel| {
        let first = columns.start + i * width;
        // SAFETY: the columns are within B, and the panel has space for its rows, and always for those of one vector.
        unsafe { T::pack(b, first..columns.end.min(first + width), panel.as_mut_ptr()) };
    });
}

/// C = A·B (+ bias on each row) with B packed, bit-identical to [`gemm`] in the precision it was packed for.
///
/// # Panics
/// If the shapes do not match.
pub fn gemm_packed<T: Gemm>(a: Matrix<T>, b: Matrix<T>, packed: &Packed<T>, bias: Option<&[T]>, c: &mut [T]) {
    T::gemm_packed(a, b, packed, bias, c);
}

fn any_gemm_packed<T: Gemm>(a: Matrix<T>, b: Matrix<T>, packed: &Packed<T>, bias: Option<&[T]>, c: &mut [T]) {
    assert!(
        [packed.rows, packed.columns] == [b.rows, b.columns] && b.rows == a.columns && c.len() == a.rows * b.columns,
        "gemm_packed: shapes do not fit"
    );
    if let (Some(packed), Some(a), Some(c)) = (&packed.in_bf16, a.single(), T::single_mut(c))
        && packed.try_gemm(a, bias.and_then(T::single), c)
    {
        return;
    }
    let n = b.columns;
    if should_repack_lhs(a, n) {
        with_repacked_lhs(a, |a| gemm_panels(a, &packed.panels, bias, c, 0..n, n));
    } else {
        gemm_panels(a, &packed.panels, bias, c, 0..n, n);
    }
}

/// C = A·B (+ bias on each row) for packed panels of B; C's columns are a range of the columns of wider rows.
///
/// # Panics
/// If the shapes do not match.
pub(crate) fn gemm_panels<T: Gemm>(
    a: impl Lhs<T>,
    panels: &[T],
    bias: Option<&[T]>,
    c: &mut [T],
    columns: Range<usize>,
    width: usize,
) {
    let (k, n) = (a.columns(), columns.len());
    assert!(
        panels.len() == packed_size::<T>(k, n)
            && c.len() == a.rows() * width
            && columns.end <= width
            && bias.is_none_or(|bias| bias.len() == n),
        "gemm_panels: shapes do not fit"
    );
    if c.is_empty() {
        return;
    }
    let shape = Matrix { data: &[], rows: k, columns: n, transposed: false };
    product(a, shape, Some(panels), bias, &mut c[columns.start..], [width, 1], false);
}

/// C = C + A·B for packed panels of B; where C = 0 + A·B before, each element continues as one chain.
///
/// # Panics
/// If the shapes do not match.
pub(crate) fn gemm_panels_onto<T: Gemm>(a: Matrix<T>, panels: &[T], c: &mut [T]) {
    let (m, k) = (a.rows, a.columns);
    let n = c.len() / m.max(1);
    assert!(panels.len() == packed_size::<T>(k, n) && c.len() == m * n, "gemm_panels_onto: shapes do not fit");
    product(a, Matrix { data: &[], rows: k, columns: n, transposed: false }, Some(panels), None, c, [n, 1], true);
}

/// C = A·B for a strided A.
///
/// # Panics
/// If the shapes do not match.
pub(crate) fn gemm_strided<T: Gemm>(a: Strided<T>, b: Matrix<T>, c: &mut [T]) {
    assert!(b.rows == a.columns() && c.len() == a.rows() * b.columns, "gemm_strided: shapes do not fit");
    product(a, b, None, None, c, [b.columns, 1], false);
}

/// C = C + A·B; where C = 0 + A·B before, each element continues as one chain.
///
/// # Panics
/// If the shapes do not match.
pub(crate) fn gemm_onto<T: Gemm>(a: Matrix<T>, b: Matrix<T>, c: &mut [T]) {
    assert!(b.rows == a.columns && c.len() == a.rows * b.columns, "gemm_onto: shapes do not fit");
    product(a, b, None, None, c, [b.columns, 1], true);
}

/// The product, distributed over threads by strips of C; `strides` are C's row and column strides. If B is already
/// packed, `b` only provides the shape. `onto`: each chain starts from the contents of C.
fn product<T: Gemm, L: Lhs<T>>(
    a: L,
    b: Matrix<T>,
    packed: Option<&[T]>,
    bias: Option<&[T]>,
    c: &mut [T],
    strides: [usize; 2],
    onto: bool,
) {
    let (m, n, k) = (a.rows(), b.columns, a.columns());
    if m * n == 0 {
        return;
    }
    let width = T::width();
    let panels = n.div_ceil(width);
    let threads = pool::threads_here();
    let alone = threads == 1 || (m + MIN_REPACK_ROWS) * n * k < MIN_PARALLEL_WORK;
    // What strips read of A stays in L2 from one strip to the next: some rows, and some of k, at a time.
    let blocked = m * k * size_of::<T>() > LHS_BYTES && panels > 1;
    let depth = if blocked { k.div_ceil(k.div_ceil(LHS_DEPTH)) } else { k.max(1) };
    let most_rows = if blocked { LHS_BYTES / (depth * size_of::<T>()) } else { m };
    // Strips are cut into blocks of rows, too, where they are too few to go round; each packs its panel again.
    let shares = if alone { 1 } else { (4 * threads).div_ceil(panels).min(m / (6 * MIN_REPACK_ROWS)).max(1) };
    let blocks = shares.max(m.div_ceil(most_rows));
    let height = m.div_ceil(blocks).next_multiple_of(12);
    let blocks = m.div_ceil(height);
    let across = if m == 1 && packed.is_some() { (panels / threads).clamp(1, PANELS_PER_ROW) } else { 1 };
    let strips = panels.div_ceil(across);
    let out = Shared(c.as_mut_ptr());
    for start in (0..k.max(1)).step_by(depth) {
        let ks = start..k.min(start + depth);
        let task = |task: usize| {
            let (block, panel) = (task / strips, task % strips * across);
            let rows = block * height..m.min((block + 1) * height);
            let columns = panel * width..n.min((panel + across) * width);
            let packed = packed.map(|panels| &panels[panel * panel_size::<T>(k)..]);
            let ks = ks.clone();
            let strip = Strip { a, b, packed, bias, c: out.get(), c_strides: strides, rows, columns, ks, onto };
            // SAFETY: the strip is within A, B and C, whose shapes match, and no two tasks share an element of C.
            unsafe { T::compute(strip) };
        };
        if alone { (0..strips * blocks).for_each(task) } else { pool::for_each(strips * blocks, task) }
    }
}

/// Some rows of C, a panel wide, and the operands they are computed from.
#[derive(Debug)]
pub struct Strip<'a, T, L> {
    a: L,
    b: Matrix<'a, T>,
    packed: Option<&'a [T]>,
    bias: Option<&'a [T]>,
    c: *mut T,
    c_strides: [usize; 2],
    rows: Range<usize>,
    columns: Range<usize>,
    /// The part of k; C holds the sums over what comes before it.
    ks: Range<usize>,
    onto: bool,
}

/// An element type whose products can be computed. Everything called from other crates is a method of f32 and of f64,
/// so that it is compiled once, here, rather than in each calling crate.
pub trait Gemm: Real {
    /// As [`gemm`].
    #[doc(hidden)]
    fn gemm(a: Matrix<Self>, b: Matrix<Self>, bias: Option<&[Self]>, c: &mut [Self], precision: MatmulPrecision);

    /// As [`gemm_packed`].
    #[doc(hidden)]
    fn gemm_packed(a: Matrix<Self>, b: Matrix<Self>, packed: &Packed<Self>, bias: Option<&[Self]>, c: &mut [Self]);

    /// Columns of a strip on this machine.
    #[doc(hidden)]
    fn width() -> usize;

    /// Computes a strip of C.
    ///
    /// # Safety
    /// The strip must be within A, B and C, and nothing else may use its part of C.
    #[doc(hidden)]
    unsafe fn compute<L: Lhs<Self>>(strip: Strip<Self, L>);

    /// Runs work on the machine's vectors.
    ///
    /// # Safety
    /// The work's pointers must be valid.
    #[doc(hidden)]
    unsafe fn on_lanes(work: impl OnLanes<Self>);

    /// Packs columns of B, at most a strip's width of them.
    ///
    /// # Safety
    /// The columns must be within B and not empty, and the panel must have space for `panel_size` elements.
    #[doc(hidden)]
    unsafe fn pack(b: Matrix<Self>, columns: Range<usize>, panel: *mut Self);

    /// Copies some rows of a column-major matrix, one after the other, at this row stride.
    ///
    /// # Safety
    /// The rows must be within the matrix, and `to` must have space for them.
    #[doc(hidden)]
    unsafe fn transpose(a: Matrix<Self>, rows: Range<usize>, to: *mut Self, stride: usize);
}

macro_rules! gemm {
    ($type:ty, $avx512:ty, $avx2:ty) => {
        impl Gemm for $type {
            fn gemm(
                a: Matrix<Self>,
                b: Matrix<Self>,
                bias: Option<&[Self]>,
                c: &mut [Self],
                precision: MatmulPrecision,
            ) {
                any_gemm(a, b, bias, c, precision);
            }

            fn gemm_packed(
                a: Matrix<Self>,
                b: Matrix<Self>,
                packed: &Packed<Self>,
                bias: Option<&[Self]>,
                c: &mut [Self],
            ) {
                any_gemm_packed(a, b, packed, bias, c);
            }

            fn width() -> usize {
                tile::width::<$type, $avx512, $avx2>()
            }

            unsafe fn compute<L: Lhs<Self>>(strip: Strip<Self, L>) {
                // SAFETY: as the caller promises.
                unsafe { tile::compute::<$type, L, $avx512, $avx2>(strip) }
            }

            unsafe fn pack(b: Matrix<Self>, columns: Range<usize>, panel: *mut Self) {
                // SAFETY: as the caller promises.
                unsafe { tile::pack::<$type, $avx512, $avx2>(b, columns, panel) }
            }

            unsafe fn on_lanes(work: impl OnLanes<Self>) {
                // SAFETY: as the caller promises.
                unsafe { crate::lanes::on_lanes::<$type, $avx512, $avx2>(work) }
            }

            unsafe fn transpose(a: Matrix<Self>, rows: Range<usize>, to: *mut Self, stride: usize) {
                // SAFETY: as the caller promises.
                unsafe { tile::transpose::<$type, $avx512, $avx2>(a, rows, to, stride) }
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
