//! What a machine multiplies bf16 numbers with.

use std::fmt;
use std::sync::OnceLock;

use super::pack::{Block, BlockLayout};
use super::{Accumulate, LINES, dot, portable, tiles};
use crate::dispatch::{Instructions, instructions};

/// What multiplies bf16 numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Any processor, slowly: the twin of the others.
    Portable,
    /// The dot products of AVX-512 (VDPBF16PS).
    Dot,
    /// Matrix tiles (AMX).
    Tiles,
}

/// The machine's best unit, asked once; none where `THALWEG_KERNEL` allows no AVX-512.
pub fn unit() -> Option<Unit> {
    static FOUND: OnceLock<Option<Unit>> = OnceLock::new();
    *FOUND.get_or_init(|| {
        [Unit::Tiles, Unit::Dot].into_iter().find(|unit| instructions() == Instructions::Avx512 && unit.is_here())
    })
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Unit::Portable => "plain loops",
            Unit::Dot => "AVX-512's dot products",
            Unit::Tiles => "AMX tiles",
        })
    }
}

impl Unit {
    /// Whether the machine has it.
    pub fn is_here(self) -> bool {
        match self {
            Unit::Portable => true,
            Unit::Dot => dot::is_here(),
            Unit::Tiles => dot::is_here() && tiles::is_here(),
        }
    }

    /// Whether products of so many parts are faster than those of f32. Tiles are, at three products and at six. The dot
    /// products of AMD's processors (Zen 4 and later) do two multiply-adds in the time of one in f32, which pays for one
    /// product; Intel's do as many as in f32.
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

    /// Makes this thread ready for squares.
    pub(super) fn ready(self) -> Ready {
        if self == Unit::Tiles {
            tiles::configure();
        }
        Ready(self)
    }

    /// Adds the products of a panel of A and one of B to a square of C.
    ///
    /// # Safety
    /// The unit must be [`Ready`], the panels have so many steps of so many parts, and nobody else use the square.
    /// [`Unit::Dot`] takes whole blocks alone.
    pub(super) unsafe fn add(self, panels: Panels) {
        // SAFETY: as the caller promises.
        unsafe {
            match self {
                Unit::Portable => portable::add(panels),
                Unit::Dot => dot::add(panels),
                Unit::Tiles => tiles::add(panels),
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
    pub(super) a: Rows<'a>,
    pub(super) b: *const Block,
    pub(super) begin: Accumulate<'a>,
    pub(super) c: *mut f32,
    /// Elements from a row of C to the next.
    pub(super) width: usize,
    /// Whether C is written with streaming stores, where the unit can.
    pub(super) far: bool,
}

/// The addresses of a panel of A, in bytes: two times sixteen rows of 64 for each step and part.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows<'a> {
    pub(super) first: *const u8,
    pub(super) steps: Steps<'a>,
    pub(super) row: usize,
    pub(super) half: usize,
    pub(super) part: usize,
}

/// Where steps along k begin, from the first one on.
#[derive(Debug, Clone, Copy)]
pub(super) enum Steps<'a> {
    Every(usize),
    At(&'a [usize]),
}

impl Rows<'_> {
    /// A panel of blocks.
    pub(super) fn of(blocks: *const Block, parts: usize) -> Self {
        let size = size_of::<Block>();
        Rows {
            first: blocks.cast(),
            steps: Steps::Every(2 * parts * size),
            row: size / LINES,
            half: size,
            part: 2 * size,
        }
    }

    /// Where a step begins.
    #[inline(always)]
    pub(super) fn step(&self, step: usize) -> *const u8 {
        self.first.wrapping_add(match self.steps {
            Steps::Every(bytes) => step * bytes,
            Steps::At(places) => places[step],
        })
    }
}

/// A unit whose squares this thread may compute.
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

/// The products of parts that count, 0 being the largest part of a number: neighbours share one, so that it need not be
/// read again. What is left out is smaller than what is rounded away.
pub(super) const fn terms(parts: usize) -> &'static [(usize, usize)] {
    match parts {
        1 => &[(0, 0)],
        2 => &[(0, 1), (1, 0), (0, 0)],
        _ => &[(0, 2), (0, 1), (1, 1), (1, 0), (2, 0), (0, 0)],
    }
}
