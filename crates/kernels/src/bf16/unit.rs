//! The hardware units that multiply bf16 values.

use std::fmt;

use super::pack::{Block, BlockLayout};
use super::{Accumulate, LINES, dot, portable, tiles};
use crate::dispatch::{Instructions, instructions};

/// A unit that multiplies bf16 values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Any processor, slowly, with the bits of the tiles.
    Portable,
    /// The dot products of AVX-512 (VDPBF16PS).
    Dot,
    /// Matrix tiles (AMX).
    Tiles,
}

/// The machine's best unit.
pub fn unit() -> Option<Unit> {
    [Unit::Tiles, Unit::Dot].into_iter().find(|unit| unit.is_here())
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Unit::Portable => "plain loops that have the bits of AMX tiles",
            Unit::Dot => "AVX-512's dot products",
            Unit::Tiles => "AMX tiles",
        })
    }
}

impl Unit {
    /// Whether the machine has it, and `THALWEG_KERNEL` does not exclude AVX-512.
    pub fn is_here(self) -> bool {
        let avx512 = || instructions() == Instructions::Avx512 && dot::is_here();
        match self {
            Unit::Portable => true,
            Unit::Dot => avx512(),
            Unit::Tiles => avx512() && tiles::is_here(),
        }
    }

    /// Whether products in this many parts are faster than in f32. Tiles are, with three products and with six. The dot
    /// products of AMD's processors (Zen 4 and later) do two multiply-adds in the time of one in f32, which pays off
    /// for one product; Intel's do as many as in f32.
    pub fn is_faster(self, parts: usize) -> bool {
        match self {
            Unit::Portable => false,
            Unit::Dot => parts == 1 && dot::is_fast(),
            Unit::Tiles => true,
        }
    }

    /// The layout of A's blocks.
    pub(super) fn a_layout(self) -> BlockLayout {
        if self == Unit::Dot { BlockLayout::Pairs } else { BlockLayout::Lines }
    }

    /// Runs so many iterations of bf16 products in registers; returns their multiply-adds.
    pub(super) fn in_registers(self, turns: usize) -> usize {
        let _ready = self.ready();
        match self {
            Unit::Portable => 0,
            Unit::Dot => dot::in_registers(turns),
            Unit::Tiles => tiles::in_registers(turns),
        }
    }

    /// Prepares this thread to compute squares.
    pub(super) fn ready(self) -> Ready {
        if self == Unit::Tiles {
            tiles::configure();
        }
        Ready(self)
    }

    /// Adds the products of a panel of A and one of B to a square of C. While tiles are multiplied, `between` is called for
    /// vectors to be computed.
    ///
    /// # Safety
    /// The unit must be [`Ready`], the panels must have the given steps and parts, and nothing else may use the square.
    /// [`Unit::Dot`] requires contiguous blocks.
    pub(super) unsafe fn add(self, panels: Panels, mut between: impl FnMut()) {
        // SAFETY: as the caller promises.
        unsafe {
            match self {
                Unit::Portable => {
                    between();
                    portable::add(panels);
                }
                Unit::Dot => dot::add(panels),
                Unit::Tiles => tiles::add(panels, between),
            }
        }
    }
}

/// A panel of A, one of B, and the square of C that their products are added to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Panels<'a> {
    pub(super) parts: usize,
    /// Blocks along k.
    pub(super) steps: usize,
    pub(super) a: LhsPanel<'a>,
    pub(super) b: *const Block,
    pub(super) begin: Accumulate<'a>,
    pub(super) c: *mut f32,
    /// Row stride of C in elements.
    pub(super) width: usize,
    /// Whether C is written with streaming stores, where the unit supports them.
    pub(super) far: bool,
}

/// The addresses of a panel of A, in bytes: two times sixteen rows of 64 for each step and part.
#[derive(Debug, Clone, Copy)]
pub(super) struct LhsPanel<'a> {
    pub(super) first: *const u8,
    pub(super) steps: Steps<'a>,
    pub(super) row: usize,
    pub(super) half: usize,
    pub(super) part: usize,
}

/// The addresses of the steps along k, starting with the first.
#[derive(Debug, Clone, Copy)]
pub(super) enum Steps<'a> {
    Every(usize),
    At(&'a [usize]),
}

impl LhsPanel<'_> {
    /// A panel of blocks.
    pub(super) fn of(blocks: *const Block, parts: usize) -> Self {
        let size = size_of::<Block>();
        LhsPanel {
            first: blocks.cast(),
            steps: Steps::Every(2 * parts * size),
            row: size / LINES,
            half: size,
            part: 2 * size,
        }
    }

    /// The address of a step.
    #[inline(always)]
    pub(super) fn step(&self, step: usize) -> *const u8 {
        self.first.wrapping_add(match self.steps {
            Steps::Every(bytes) => step * bytes,
            Steps::At(offsets) => offsets[step],
        })
    }
}

/// A unit that this thread is prepared to use.
pub(super) struct Ready(Unit);

impl Drop for Ready {
    fn drop(&mut self) {
        match self.0 {
            Unit::Portable => {}
            Unit::Dot => dot::store_fence(),
            Unit::Tiles => tiles::release(),
        }
    }
}

/// The products of parts that are computed, part 0 being the largest: consecutive ones share a factor, so that it need
/// not be read again. What is left out is below the rounding error.
pub(super) const fn terms(parts: usize) -> &'static [(usize, usize)] {
    match parts {
        1 => &[(0, 0)],
        2 => &[(0, 1), (1, 0), (0, 0)],
        _ => &[(0, 2), (0, 1), (1, 1), (1, 0), (2, 0), (0, 0)],
    }
}
