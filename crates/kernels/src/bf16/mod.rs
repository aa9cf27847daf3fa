//! C = A·B (+ bias) through bf16: f32 values are rounded to bf16, or split into two or three bf16 parts whose products
//! are added; sums are accumulated in f32.
//!
//! | parts | products | relative error of a product |
//! | --- | --- | --- |
//! | 1 | 1 | 2⁻⁸: a mixed precision, with f32 weights and sums |
//! | 2 | 3 | about 2⁻¹⁶ |
//! | 3 | 6 | about 2⁻²³, that of f32 |
//!
//! Operands are packed in blocks of 16 lines (rows of A, columns of B) × 32 elements along k, two to a word: first all
//! of the smaller operand, then as much of the other at a time as stays in a core's cache, by the thread that
//! multiplies it. Each element of C is one chain over k, starting from the bias. Its order depends on nothing else, as
//! in [`crate::gemm`]; its bits, however, depend on the unit that computes it.

pub(crate) mod conv;
mod dot;
mod pack;
mod portable;
mod tiles;
mod unit;

use std::cell::RefCell;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use crate::matrix::Matrix;
use crate::pool::{self, Shared};
use pack::{Block, BlockLayout, Packing, PanelPacker};
use unit::{LhsPanel, Panels};
pub use unit::{Unit, unit};

/// Lines of a block.
const LINES: usize = 16;

/// Elements along k of a block.
const DEPTH: usize = 32;

/// Lines of a panel, two adjacent blocks: what is multiplied at a time of A and of B.
const SIDE: usize = 2 * LINES;

/// The sums of a square of C, row by row.
type Sums = [f32; SIDE * SIDE];

/// K-blocks of a panel that are packed at a time, so that they stay in L2 with what they are multiplied by (KC).
const KC_BLOCKS: usize = 160;

/// Blocks of adjacent panels that are packed at a time (NC).
const NC_BLOCKS: usize = 320;

/// Blocks of the whole of A that stay in L2 beside two panels of B: these are then packed between the products of tiles.
const BETWEEN_BLOCKS: usize = 640;

/// Panels of B for each thread from which packing between pays off: the first is packed before.
const MIN_BETWEEN: usize = 4;

/// Size of C in bytes from which it is written with streaming stores: the caches would not hold it until it is read.
const STREAMING_STORE_BYTES: usize = 32 << 20;

/// Block-pair products below which waking a worker does not pay off.
const MIN_PARALLEL_WORK: usize = 16;

/// Minimum rows, columns and terms for packing to bf16 to pay off.
const MIN_PACK_DIM: usize = 16;

/// Multiply-adds from which six bf16 products on matrix tiles take less time than one in f32: packing no longer counts.
pub const LARGE_PRODUCT: usize = 1 << 24;

/// How products of f32 matrices are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MatmulPrecision {
    /// In f32.
    #[default]
    F32,
    /// Through bf16.
    Bf16(Bf16),
}

impl MatmulPrecision {
    /// As products of windows are computed: in f32 where only large products are through bf16, for Winograd's and those
    /// without unfolded windows are as fast.
    pub(crate) fn of_windows(self) -> Self {
        match self {
            MatmulPrecision::Bf16(Bf16 { large_only: true, .. }) => MatmulPrecision::F32,
            of_all => of_all,
        }
    }

    /// Through bf16 in as many parts on this machine's unit, if that is faster than in f32; otherwise in f32.
    ///
    /// # Panics
    /// If the number of parts is not 1, 2 or 3.
    pub fn fastest(parts: usize) -> Self {
        let faster = unit().filter(|unit| unit.is_faster(parts));
        faster.and_then(|unit| Bf16::on(unit, parts)).map_or(MatmulPrecision::F32, MatmulPrecision::Bf16)
    }
}

/// How products are computed through bf16: on which unit, in how many parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bf16 {
    unit: Unit,
    parts: usize,
    large_only: bool,
}

impl Bf16 {
    /// On a unit, if this machine has it, with each value split into so many bf16 parts.
    ///
    /// # Panics
    /// If the number of parts is not 1, 2 or 3.
    pub fn on(unit: Unit, parts: usize) -> Option<Self> {
        assert!((1..=3).contains(&parts), "{parts} parts");
        unit.is_here().then_some(Bf16 { unit, parts, large_only: false })
    }

    /// The same for products of at least [`LARGE_PRODUCT`] multiply-adds; others, and convolutions, are in f32.
    pub fn large_only(self) -> Self {
        Bf16 { large_only: true, ..self }
    }

    /// Multiply-adds of f32 matrices that so many iterations of bf16 products in registers amount to.
    pub(crate) fn in_registers(self, turns: usize) -> usize {
        self.unit.in_registers(turns) / unit::terms(self.parts).len()
    }

    /// Whether a product with these numbers of rows, terms and columns is computed so.
    fn suits(self, [rows, terms, columns]: [usize; 3]) -> bool {
        is_worth_packing(rows.min(columns), terms) && (!self.large_only || rows * terms * columns >= LARGE_PRODUCT)
    }

    /// The unit.
    pub fn unit(self) -> Unit {
        self.unit
    }

    /// Whether its bits are those of matrix tiles.
    fn is_in_tiles(self) -> bool {
        matches!(self.unit, Unit::Tiles | Unit::Portable)
    }
}

thread_local! {
    static WHOLE: RefCell<Vec<Block>> = const { RefCell::new(Vec::new()) };
    static PANELS: RefCell<Vec<Block>> = const { RefCell::new(Vec::new()) };
}

/// Whether matrices with these numbers of rows or columns are large enough for packing to pay off.
pub(crate) fn is_worth_packing(a: usize, b: usize) -> bool {
    a.min(b) >= MIN_PACK_DIM
}

/// How products of windows are computed, if it is with tiles, or with their bits, and there are enough channels and
/// filters.
pub(crate) fn tiles_for(precision: MatmulPrecision, channels: usize, filters: usize) -> Option<(Unit, usize)> {
    match precision {
        MatmulPrecision::Bf16(bf16)
            if bf16.is_in_tiles() && !bf16.large_only && is_worth_packing(channels, filters) =>
        {
            Some((bf16.unit, bf16.parts))
        }
        _ => None,
    }
}

/// Computes a product through bf16 if that is its precision and it is large enough; false as for [`gemm()`].
pub(crate) fn try_gemm(
    a: Matrix<f32>,
    b: Matrix<f32>,
    bias: Option<&[f32]>,
    c: &mut [f32],
    precision: MatmulPrecision,
) -> bool {
    match precision {
        MatmulPrecision::Bf16(bf16) if bf16.suits([a.rows, a.columns, b.columns]) => {
            gemm(bf16.unit, bf16.parts, a, b, bias, c)
        }
        _ => false,
    }
}

/// B packed once for products with many A.
#[derive(Debug, Clone)]
pub(crate) struct PackedInBf16 {
    how: Bf16,
    blocks: Vec<Block>,
    columns: usize,
}

impl PackedInBf16 {
    /// Packs B, unless products with it are in f32: as [`try_gemm`] decides.
    pub(crate) fn of(b: Matrix<f32>, precision: MatmulPrecision) -> Option<Self> {
        // How many rows an A will have is not known.
        let MatmulPrecision::Bf16(how @ Bf16 { large_only: false, .. }) = precision else { return None };
        let packing = Packing { unit: how.unit, parts: how.parts, layout: BlockLayout::Pairs };
        let mut blocks = Vec::new();
        let fits = is_worth_packing(b.columns, b.rows) && pack::pack(packing, b.t(), &mut blocks);
        fits.then_some(PackedInBf16 { how, blocks, columns: b.columns })
    }

    /// As [`try_gemm`], bit-identical: each element of C is the same chain, whichever operand was packed first.
    pub(crate) fn try_gemm(&self, a: Matrix<f32>, bias: Option<&[f32]>, c: &mut [f32]) -> bool {
        let &PackedInBf16 { how: Bf16 { unit, parts, .. }, ref blocks, columns } = self;
        a.rows >= MIN_PACK_DIM && {
            let shape = [a.rows, columns];
            let c = Shared(c.as_mut_ptr());
            Product { unit, parts, unpacked: a, rows_pass: true, whole: blocks, shape, bias, c }.compute()
        }
    }
}

/// C = A·B (+ bias on each row) on a unit of this machine; C is m × n, row-major, and overwritten. Returns false, with
/// C unspecified, if a value to be split is infinite or NaN.
///
/// # Panics
/// If the shapes do not match, or the number of parts is not 1, 2 or 3.
pub fn gemm(unit: Unit, parts: usize, a: Matrix<f32>, b: Matrix<f32>, bias: Option<&[f32]>, c: &mut [f32]) -> bool {
    let (m, n) = (a.rows, b.columns);
    assert!((1..=3).contains(&parts), "{parts} parts");
    assert!(
        b.rows == a.columns && c.len() == m * n && bias.is_none_or(|bias| bias.len() == n),
        "bf16::gemm: shapes do not fit"
    );
    // The smaller operand is packed completely; if in doubt, B: threads then have rows of C to themselves, which are
    // contiguous, and which for a gradient are what the optimiser has them update.
    let rows_pass = 2 * m > n;
    let (unpacked, kept, layout) = if rows_pass { (a, b.t(), BlockLayout::Pairs) } else { (b.t(), a, unit.a_layout()) };
    WHOLE.with_borrow_mut(|whole| {
        pack::pack(Packing { unit, parts, layout }, kept, whole) && {
            let c = Shared(c.as_mut_ptr());
            Product { unit, parts, unpacked, rows_pass, whole, shape: [m, n], bias, c }.compute()
        }
    })
}

/// A product with one operand packed and the other still to be packed.
struct Product<'a> {
    unit: Unit,
    parts: usize,
    /// The unpacked operand: lines × k.
    unpacked: Matrix<'a, f32>,
    /// Whether its lines are A's rows; otherwise B's columns.
    rows_pass: bool,
    whole: &'a [Block],
    /// Rows and columns of C.
    shape: [usize; 2],
    bias: Option<&'a [f32]>,
    c: Shared<f32>,
}

/// The initial value of a square of C.
#[derive(Debug, Clone, Copy)]
enum Accumulate<'a> {
    Zero,
    /// The same row for all rows of the square.
    Row(&'a [f32; SIDE]),
    /// Its current contents.
    Sums,
}

impl Product<'_> {
    /// Distributes the product over threads; false if a value to be split is not finite.
    fn compute(&self) -> bool {
        let panels = |lines: usize| lines.div_ceil(SIDE);
        let (lines, depth) = (panels(self.unpacked.rows), self.unpacked.columns.div_ceil(DEPTH));
        let others = if self.rows_pass { panels(self.shape[1]) } else { panels(self.shape[0]) };
        let size = 2 * self.parts * depth;
        let passes = size.div_ceil(KC_BLOCKS).max(1);
        let steps = depth.div_ceil(passes).max(1);
        let threads = pool::threads_here();
        let alone = threads == 1 || lines * others * depth < MIN_PARALLEL_WORK;
        // Where a panel meets few of the other operand's, which stay in L2, packing takes as long as multiplying.
        let few = passes == 1 && (1..=BETWEEN_BLOCKS).contains(&(size * others)) && lines >= MIN_BETWEEN * threads;
        if self.unit != Unit::Dot && !self.rows_pass && few {
            let next = AtomicUsize::new(0);
            let claim = || Some(next.fetch_add(1, Relaxed)).filter(|panel| *panel < lines);
            return are_all_finite(if alone { 1 } else { threads }, alone, |_, panels| {
                self.pipelined(&claim, others, panels)
            });
        }
        // Adjacent panels are multiplied by the same blocks of the other operand, yet each thread should get several
        // groups of them. If there are too few panels to go round, each is packed again for several parts of the other
        // operand.
        let tasks = if alone { 1 } else { 4 * threads };
        let adjacent = (NC_BLOCKS / (2 * self.parts * steps)).min(lines / tasks).max(1);
        let groups = lines.div_ceil(adjacent);
        let shares = tasks.div_ceil(groups.max(1)).min(others / 8).max(1);
        are_all_finite(groups * shares, alone, |task, panels| {
            let (group, share) = (task / shares, task % shares);
            let lines = group * adjacent..lines.min((group + 1) * adjacent);
            let others = others * share / shares..others * (share + 1) / shares;
            self.strip(lines, others, steps, panels)
        })
    }

    /// Columns of squares of C, each from a panel of B that is packed while the one before is multiplied.
    fn pipelined(&self, claim: &impl Fn() -> Option<usize>, rows: usize, panels: &mut Vec<Block>) -> bool {
        let Product { unit, parts, unpacked, .. } = *self;
        let depth = unpacked.columns.div_ceil(DEPTH);
        let size = 2 * parts * depth;
        panels.resize(2 * size, Block::EMPTY);
        let (mut packed, mut free) = panels.split_at_mut(size);
        let Some(mut column) = claim() else { return true };
        let _ready = unit.ready();
        let mut finite = PanelPacker::new(unit, parts, unpacked, column * SIDE, packed).finish();
        loop {
            let following = claim();
            let mut packer = following.map(|panel| PanelPacker::new(unit, parts, unpacked, panel * SIDE, free));
            let calls = rows * depth * unit::terms(parts).len();
            let halves = packer.as_ref().map_or(0, PanelPacker::left).div_ceil(calls);
            for row in 0..rows {
                let both = [self.whole[row * size..].as_ptr(), packed.as_ptr()];
                let between = || packer.iter_mut().for_each(|packer| packer.pack(halves));
                // SAFETY: the unit is ready, and both panels have as many blocks as there are steps.
                unsafe { self.square([row, column], true, depth, both, between) };
            }
            finite &= packer.is_none_or(PanelPacker::finish);
            let Some(panel) = following else { return finite };
            column = panel;
            std::mem::swap(&mut packed, &mut free);
        }
    }

    /// Squares of C from some panels of each operand, `steps` steps along k at a time.
    fn strip(&self, lines: Range<usize>, others: Range<usize>, steps: usize, panels: &mut Vec<Block>) -> bool {
        let Product { unit, parts, unpacked, rows_pass, .. } = *self;
        let depth = unpacked.columns.div_ceil(DEPTH);
        panels.resize(lines.len() * 2 * parts * steps, Block::EMPTY);
        let packing = Packing { unit, parts, layout: if rows_pass { unit.a_layout() } else { BlockLayout::Pairs } };
        let _ready = unit.ready();
        let mut finite = true;
        // With an empty k, one pass writes the bias.
        for first in (0..depth.max(1)).step_by(steps) {
            let steps = steps.min(depth - first);
            let size = 2 * parts * steps;
            let packed = &mut panels[..lines.len() * size];
            finite &= pack::panels(packing, unpacked, [lines.start * SIDE, first * DEPTH], size, packed);
            let panel = |line: usize| panels[(line - lines.start) * size..].as_ptr();
            let other = |other: usize| self.whole[2 * parts * (other * depth + first)..].as_ptr();
            // As many of the others at a time as stay in the cache.
            let adjacent = (NC_BLOCKS / size.max(1)).max(1);
            for start in others.clone().step_by(adjacent) {
                let others = start..others.end.min(start + adjacent);
                let (rows, columns) = if rows_pass { (&lines, &others) } else { (&others, &lines) };
                for row in rows.clone() {
                    for column in columns.clone() {
                        let both = if rows_pass { [panel(row), other(column)] } else { [other(row), panel(column)] };
                        // SAFETY: the unit is ready, and both panels have as many blocks as there are steps.
                        unsafe { self.square([row, column], first == 0, steps, both, || ()) };
                    }
                }
            }
        }
        finite
    }

    /// Adds the products of two panels to a square of C, or initialises it with them; `between` as in [`Unit::add`].
    ///
    /// # Safety
    /// The unit must be ready, the panels must have blocks for all steps, and no other thread may use the square.
    unsafe fn square(
        &self,
        [row, column]: [usize; 2],
        first: bool,
        steps: usize,
        [a, b]: [*const Block; 2],
        between: impl FnMut(),
    ) {
        let ([height, width], from) = (self.shape, column * SIDE);
        let c = self.c.get().wrapping_add(row * SIDE * width + from);
        let once = first && steps * DEPTH >= self.unpacked.columns;
        let far = once && size_of::<f32>() * height * width >= STREAMING_STORE_BYTES;
        let square = Square { c, width, rows: height - row * SIDE, columns: width - from, holds: !first, far };
        let begin = if first { self.bias.map(|bias| &bias[from..]) } else { None };
        // SAFETY: the square is within C; the rest is as the caller promises.
        unsafe { square.add(self.unit, [self.parts, steps], LhsPanel::of(a, self.parts), b, begin, between) };
    }
}

/// Runs tasks with memory for panels, on this thread alone or on the pool's; false if one of them is.
fn are_all_finite(tasks: usize, alone: bool, task: impl Fn(usize, &mut Vec<Block>) -> bool + Sync) -> bool {
    let finite = AtomicBool::new(true);
    let task = |i: usize| {
        if !PANELS.with_borrow_mut(|panels| task(i, panels)) {
            finite.store(false, Relaxed);
        }
    };
    if alone {
        (0..tasks).for_each(task)
    } else {
        pool::for_each(tasks, task)
    }
    finite.into_inner()
}

/// A square of C: its start, its row stride, and how many rows and columns remain from there on.
struct Square {
    c: *mut f32,
    width: usize,
    rows: usize,
    columns: usize,
    /// Whether products are added to its contents.
    holds: bool,
    /// Whether rows are written with streaming stores.
    far: bool,
}

impl Square {
    /// Adds the products of two panels to its contents, or else to a bias or zero; `between` as in [`Unit::add`].
    ///
    /// # Safety
    /// The unit must be ready, the panels must have blocks for all steps, and no other thread may use the square.
    unsafe fn add(
        &self,
        unit: Unit,
        [parts, steps]: [usize; 2],
        a: LhsPanel,
        b: *const Block,
        bias: Option<&[f32]>,
        between: impl FnMut(),
    ) {
        let Square { c, width, holds, far, .. } = *self;
        let (rows, columns) = (self.rows.min(SIDE), self.columns.min(SIDE));
        let mut first = [0.0; SIDE];
        let begin = match bias {
            _ if holds => Accumulate::Sums,
            Some(bias) => {
                first[..columns].copy_from_slice(&bias[..columns]);
                Accumulate::Row(&first)
            }
            None => Accumulate::Zero,
        };
        let panels = Panels { parts, steps, a, b, begin, c, width, far };
        // SAFETY: the square is within C, or in temporary sums where C ends within it.
        unsafe {
            if [rows, columns] == [SIDE, SIDE] {
                return unit.add(panels, between);
            }
            let mut sums: Sums = [0.0; SIDE * SIDE];
            let sums = sums.as_mut_ptr();
            if holds {
                (0..rows).for_each(|i| sums.add(i * SIDE).copy_from_nonoverlapping(c.add(i * width), columns));
            }
            unit.add(Panels { c: sums, width: SIDE, far: false, ..panels }, between);
            (0..rows).for_each(|i| c.add(i * width).copy_from_nonoverlapping(sums.add(i * SIDE), columns));
        }
    }
}
