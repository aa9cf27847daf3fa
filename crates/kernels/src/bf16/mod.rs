//! C = A·B (+ bias) through bf16: f32 numbers are rounded to bf16, or split into two or three bf16 parts whose products
//! are added, and the sums are kept in f32.
//!
//! | parts | products | relative error of a product |
//! | --- | --- | --- |
//! | 1 | 1 | 2⁻⁸: a mixed precision, with f32 weights and sums |
//! | 2 | 3 | about 2⁻¹⁶ |
//! | 3 | 6 | about 2⁻²³, that of f32 |
//!
//! Operands are packed in blocks of 16 lines (rows of A, columns of B) × 32 numbers along k, two of them to a word. Each
//! number of C is one chain over k, whose order depends on nothing else, as in [`crate::gemm`]; its bits depend on the
//! unit that computes it, though.

mod dot;
mod pack;
mod portable;
mod tiles;
mod unit;

use std::cell::{Cell, RefCell};
use std::mem::MaybeUninit;

use crate::gemm::Matrix;
use crate::pool::{self, Shared};
use pack::Block;
pub use unit::{Unit, unit};

/// Lines of a block.
const LINES: usize = 16;

/// Numbers along k of a block.
const DEPTH: usize = 32;

/// Lines of A and of B that are multiplied at a time: two blocks each.
const SIDE: usize = 2 * LINES;

/// The sums of a square of C.
type Sums = [[f32; SIDE]; SIDE];

/// Blocks of squares below which waking a thread does not pay.
const ALONE: usize = 16;

/// Fewest rows, columns and terms that are worth packing.
const WORTH: usize = 16;

/// How the products of f32 matrices are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Products {
    /// In f32.
    #[default]
    Single,
    /// Through so many bf16 parts of each number: 1, 2 or 3.
    Parts(usize),
}

thread_local! {
    static WANTED: Cell<Products> = const { Cell::new(Products::Single) };
    static ROOM: RefCell<[Vec<Block>; 2]> = const { RefCell::new([Vec::new(), Vec::new()]) };
}

/// Runs `f` with the products of f32 matrices that this thread asks for computed in this way, where the machine has a
/// unit for it that is faster than f32 ([`Unit::is_faster`]); in f32 otherwise.
pub fn with_products<R>(products: Products, f: impl FnOnce() -> R) -> R {
    struct Restore(Products);
    impl Drop for Restore {
        fn drop(&mut self) {
            WANTED.set(self.0);
        }
    }
    let _restore = Restore(WANTED.replace(products));
    f()
}

/// How this thread wants its products, for others that compute some of them.
pub(crate) fn wanted() -> Products {
    WANTED.get()
}

/// Computes a product if this thread wants it in bf16, the machine can and it is large enough.
pub(crate) fn try_gemm(a: Matrix<f32>, b: Matrix<f32>, bias: Option<&[f32]>, c: &mut [f32]) -> bool {
    let Products::Parts(parts) = WANTED.get() else { return false };
    let Some(unit) = unit().filter(|unit| unit.is_faster(parts)) else { return false };
    if a.rows.min(b.columns).min(a.columns) < WORTH {
        return false;
    }
    gemm(unit, parts, a, b, bias, c)
}

/// C = A·B (+ bias on each row) on a unit of this machine; C is m × n, row by row, and overwritten. False, and C as it
/// was, where a number that is to be split is infinite or NaN.
///
/// # Panics
/// If the shapes do not fit, or the parts are not 1, 2 or 3.
pub fn gemm(unit: Unit, parts: usize, a: Matrix<f32>, b: Matrix<f32>, bias: Option<&[f32]>, c: &mut [f32]) -> bool {
    let (m, n) = (a.rows, b.columns);
    assert!((1..=3).contains(&parts), "{parts} parts");
    assert!(
        b.rows == a.columns && c.len() == m * n && bias.is_none_or(|bias| bias.len() == n),
        "bf16::gemm: shapes do not fit"
    );
    ROOM.with_borrow_mut(|[room_a, room_b]| {
        let a_fits = pack::pack(unit, parts, a, unit.a_lies(), room_a);
        if !(a_fits && pack::pack(unit, parts, b.t(), pack::Lie::Pairs, room_b)) {
            return false;
        }
        multiply(unit, parts, a.columns.div_ceil(DEPTH), [m, n], [room_a, room_b], bias, c);
        true
    })
}

/// The product of packed operands, shared out among threads by squares of C.
fn multiply(
    unit: Unit,
    parts: usize,
    depth: usize,
    [m, n]: [usize; 2],
    [a, b]: [&[Block]; 2],
    bias: Option<&[f32]>,
    c: &mut [f32],
) {
    let out = Shared(c.as_mut_ptr());
    let panel = depth * parts;
    let across = m.div_ceil(SIDE);
    let square = |task: usize| {
        // Squares below each other come one after the other: their panels of B stay in the cache.
        let (i, j) = (task % across, task / across);
        // Where the second panel is beyond the last one, the first stands in for it, and nobody reads its sums.
        let pair = |blocks: &[Block], first: usize, lines: usize| {
            let second = if (first + 1) * LINES < lines { first + 1 } else { first };
            [first, second].map(|p| blocks[p * panel..(p + 1) * panel].as_ptr())
        };
        let mut sums = MaybeUninit::<Sums>::uninit();
        // SAFETY: the machine has the unit, each panel is as many blocks as are read, and all sums are written.
        let sums = unsafe {
            unit.square(parts, depth, pair(a, 2 * i, m), pair(b, 2 * j, n), sums.as_mut_ptr());
            sums.assume_init_mut()
        };
        let columns = j * SIDE..n.min((j + 1) * SIDE);
        for (row, sums) in (i * SIDE..m.min((i + 1) * SIDE)).zip(sums) {
            if let Some(bias) = bias {
                sums.iter_mut().zip(&bias[columns.clone()]).for_each(|(sum, bias)| *sum += bias);
            }
            // SAFETY: the columns are within the row of C, and no two tasks share a square.
            unsafe {
                let to = out.get().add(row * n + columns.start);
                // A whole row is a few vectors; only the others need a call.
                if columns.len() == SIDE {
                    to.copy_from_nonoverlapping(sums.as_ptr(), SIDE);
                } else {
                    to.copy_from_nonoverlapping(sums.as_ptr(), columns.len());
                }
            }
        }
    };
    let squares = across * n.div_ceil(SIDE);
    if squares * depth < ALONE { (0..squares).for_each(square) } else { pool::for_each(squares, square) }
}
