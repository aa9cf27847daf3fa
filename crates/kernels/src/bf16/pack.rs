//! Packing: f32 numbers as bf16 parts, two to a word, in blocks as the units read them.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::{DEPTH, LINES, SIDE, Unit};
use crate::gemm::Matrix;
use crate::pool;

/// Sixteen lines × sixteen pairs of numbers along k: one part of each number.
#[derive(Clone)]
#[repr(C, align(64))]
pub(super) struct Block(pub(super) [u32; LINES * LINES]);

impl Block {
    pub(super) const EMPTY: Block = Block([0; LINES * LINES]);
}

/// Numbers below which waking a thread does not pay.
const ALONE: usize = 1 << 15;

/// How the words of a block lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lie {
    /// The sixteen lines' words of a pair side by side.
    Pairs,
    /// The sixteen pairs of a line side by side.
    Lines,
}

/// Packs a matrix of lines × k: panels of two times sixteen lines, each one pair of blocks after the other along k, its
/// parts side by side. Beyond the last line and the last number of a line lie zeros. False where a number that is to be
/// split is not finite.
pub(super) fn pack(unit: Unit, parts: usize, x: Matrix<f32>, lie: Lie, blocks: &mut Vec<Block>) -> bool {
    let size = 2 * parts * x.columns.div_ceil(DEPTH);
    blocks.resize(x.rows.div_ceil(SIDE) * size, Block::EMPTY);
    let finite = AtomicBool::new(true);
    let one = |i: usize, blocks: &mut [Block]| {
        if !panel(unit, parts, x, [i * SIDE, 0], lie, blocks) {
            finite.store(false, Relaxed);
        }
    };
    if x.rows * x.columns < ALONE {
        blocks.chunks_mut(size.max(1)).enumerate().for_each(|(i, blocks)| one(i, blocks));
    } else {
        pool::for_each_chunk(blocks, size, one);
    }
    finite.into_inner()
}

/// Packs as much of a panel as there are blocks for, from a corner of the matrix on; false as for [`pack`].
pub(super) fn panel(
    unit: Unit,
    parts: usize,
    x: Matrix<f32>,
    corner: [usize; 2],
    lie: Lie,
    blocks: &mut [Block],
) -> bool {
    let mut finite = true;
    for (step, blocks) in blocks.chunks_exact_mut(2 * parts).enumerate() {
        for half in 0..2 {
            let corner = [corner[0] + half * LINES, corner[1] + step * DEPTH];
            finite &= block(unit, parts, x, corner, lie, &mut blocks[half..]);
        }
    }
    parts == 1 || finite
}

/// Packs the parts of one block, every other of `blocks`; false where a number is not finite.
fn block(unit: Unit, parts: usize, x: Matrix<f32>, corner: [usize; 2], lie: Lie, blocks: &mut [Block]) -> bool {
    #[cfg(target_arch = "x86_64")]
    if unit != Unit::Portable {
        // SAFETY: the machine has the unit, and so these instructions.
        return unsafe {
            match (parts, lie) {
                (1, Lie::Pairs) => x86::block::<1, true>(x, corner, blocks),
                (1, Lie::Lines) => x86::block::<1, false>(x, corner, blocks),
                (2, Lie::Pairs) => x86::block::<2, true>(x, corner, blocks),
                (2, Lie::Lines) => x86::block::<2, false>(x, corner, blocks),
                (_, Lie::Pairs) => x86::block::<3, true>(x, corner, blocks),
                (_, Lie::Lines) => x86::block::<3, false>(x, corner, blocks),
            }
        };
    }
    portable(parts, x, corner, lie, blocks)
}

fn portable(parts: usize, x: Matrix<f32>, corner: [usize; 2], lie: Lie, blocks: &mut [Block]) -> bool {
    let number = |line: usize, k: usize| {
        let (line, k) = (corner[0] + line, corner[1] + k);
        if line < x.rows && k < x.columns { x.at(line, k) } else { 0.0 }
    };
    let mut finite = true;
    for line in 0..LINES {
        for pair in 0..LINES {
            let mut rest = [number(line, 2 * pair), number(line, 2 * pair + 1)];
            finite &= rest.iter().all(|x| x.is_finite());
            let at = if lie == Lie::Pairs { pair * LINES + line } else { line * LINES + pair };
            for part in 0..parts {
                let kept = rest.map(|x| if part + 1 == parts { rounded(x) } else { x.to_bits() & 0xffff_0000 });
                rest = [0, 1].map(|i| rest[i] - f32::from_bits(kept[i]));
                blocks[2 * part].0[at] = kept[0] >> 16 | kept[1];
            }
        }
    }
    finite
}

/// The nearest bf16 as the upper half of the bits, an even one if two are as near; no number stays none.
fn rounded(x: f32) -> u32 {
    let bits = x.to_bits();
    if x.is_nan() {
        return (bits | 0x0040_0000) & 0xffff_0000;
    }
    bits.wrapping_add(0x7fff + (bits >> 16 & 1)) & 0xffff_0000
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;
    use std::array::from_fn;
    use std::mem::transmute;

    use super::{Block, DEPTH, LINES};
    use crate::gemm::{Matrix, turn};

    /// Lines that memory is asked for ahead of their turn, where those of a k lie side by side: each k's are far from the
    /// next one's, and nothing else sees them coming.
    const AHEAD: usize = 64;

    /// Packs the parts of one block; its words lie in pairs or in lines.
    #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
    pub(super) unsafe fn block<const PARTS: usize, const PAIRS: bool>(
        x: Matrix<f32>,
        corner: [usize; 2],
        blocks: &mut [Block],
    ) -> bool {
        // SAFETY: as the caller promises; the block is whole where it is said to be.
        unsafe {
            if corner[0] + LINES <= x.rows && corner[1] + DEPTH <= x.columns {
                any_block::<PARTS, PAIRS, true>(x, corner, blocks)
            } else {
                any_block::<PARTS, PAIRS, false>(x, corner, blocks)
            }
        }
    }

    /// Sixteen numbers from a place on, of which so many are there if it is not `WHOLE`; zeros for the others.
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn load<const WHOLE: bool>(from: *const f32, there: usize) -> __m512 {
        let mask = if there >= LINES { u16::MAX } else { (1 << there) - 1 };
        // SAFETY: the numbers are there; what the mask leaves out is not read.
        unsafe { if WHOLE { _mm512_loadu_ps(from) } else { _mm512_maskz_loadu_ps(mask, from) } }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
    unsafe fn any_block<const PARTS: usize, const PAIRS: bool, const WHOLE: bool>(
        x: Matrix<f32>,
        corner: [usize; 2],
        blocks: &mut [Block],
    ) -> bool {
        let [lines, ks] = [x.rows.saturating_sub(corner[0]).min(LINES), (x.columns - corner[1]).min(DEPTH)];
        let [line_stride, k_stride] = if x.transposed { [1, x.rows] } else { [x.columns, 1] };
        let from = x.data.as_ptr().wrapping_add(corner[0] * line_stride + corner[1] * k_stride);
        // Row i is two vectors: numbers 2i and 2i + 1 of the lines, or the numbers of line i below 16 and from there on.
        let lying = |i: usize| {
            // SAFETY: so many numbers of the row are there.
            unsafe {
                if x.transposed {
                    let (k, from) = (2 * i, from.wrapping_add(2 * i * k_stride));
                    for from in [from, from.wrapping_add(k_stride)] {
                        _mm_prefetch::<_MM_HINT_T1>(from.wrapping_add(AHEAD).cast());
                    }
                    let there = |k: usize| if k < ks { lines } else { 0 };
                    [load::<WHOLE>(from, there(k)), load::<WHOLE>(from.wrapping_add(k_stride), there(k + 1))]
                } else {
                    let (from, ks) = (from.wrapping_add(i * line_stride), if i < lines { ks } else { 0 });
                    [load::<WHOLE>(from, ks), load::<WHOLE>(from.wrapping_add(LINES), ks.saturating_sub(LINES))]
                }
            }
        };
        let mut largest = _mm512_setzero_si512();
        if x.transposed == PAIRS {
            for i in 0..LINES {
                largest = row::<PARTS, PAIRS>(blocks, i, lying(i), largest);
            }
        } else {
            let mut turned = [[_mm512_setzero_ps(); LINES]; 2];
            for i in 0..LINES {
                let [first, second] = lying(i);
                if x.transposed {
                    (turned[2 * i / LINES][2 * i % LINES], turned[2 * i / LINES][2 * i % LINES + 1]) = (first, second);
                } else {
                    (turned[0][i], turned[1][i]) = (first, second);
                }
            }
            let turned = [turn(turned[0]), turn(turned[1])];
            for i in 0..LINES {
                let vectors = if PAIRS {
                    [turned[2 * i / LINES][2 * i % LINES], turned[2 * i / LINES][2 * i % LINES + 1]]
                } else {
                    [turned[0][i], turned[1][i]]
                };
                largest = row::<PARTS, PAIRS>(blocks, i, vectors, largest);
            }
        }
        _mm512_cmple_epu32_mask(largest, _mm512_set1_epi32(f32::MAX.to_bits() as i32)) == u16::MAX
    }

    /// Writes a row of each part; gives the largest bits so far, without signs.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
    fn row<const PARTS: usize, const PAIRS: bool>(
        blocks: &mut [Block],
        i: usize,
        [mut first, mut second]: [__m512; 2],
        mut largest: __m512i,
    ) -> __m512i {
        let size = |x| _mm512_and_si512(_mm512_castps_si512(x), _mm512_set1_epi32(0x7fff_ffff));
        if PARTS > 1 {
            largest = _mm512_max_epu32(largest, _mm512_max_epu32(size(first), size(second)));
        }
        for part in 0..PARTS {
            let words = if part + 1 == PARTS {
                // SAFETY: both are 512 bits.
                let all = unsafe { transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(second, first)) };
                if PAIRS { _mm512_permutexvar_epi16(order(|i| i % 2 * 16 + i / 2), all) } else { all }
            } else {
                let cut = [cut(first), cut(second)];
                (first, second) = (rest(first, cut[0]), rest(second, cut[1]));
                if PAIRS {
                    _mm512_or_si512(_mm512_srli_epi32::<16>(cut[0]), cut[1])
                } else {
                    _mm512_permutex2var_epi16(cut[0], order(|i| 2 * i + 1), cut[1])
                }
            };
            let to = &mut blocks[2 * part].0[i * LINES..][..LINES];
            // SAFETY: there is room for sixteen words.
            unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), words) };
        }
        largest
    }

    /// Places of half words for a permutation.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn order(at: impl Fn(usize) -> usize) -> __m512i {
        let places: [u16; 32] = from_fn(|i| at(i) as u16);
        // SAFETY: the array is as long as a vector.
        unsafe { _mm512_loadu_si512(places.as_ptr().cast()) }
    }

    /// The upper halves of lanes, the lower ones zero.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn cut(x: __m512) -> __m512i {
        _mm512_and_si512(_mm512_castps_si512(x), _mm512_set1_epi32(0xffff_0000_u32 as i32))
    }

    /// What cutting takes away.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn rest(x: __m512, cut: __m512i) -> __m512 {
        _mm512_sub_ps(x, _mm512_castsi512_ps(cut))
    }
}
