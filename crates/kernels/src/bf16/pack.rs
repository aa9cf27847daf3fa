//! Packing: f32 numbers as bf16 parts, two to a word, in blocks as the units read them.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::{DEPTH, LINES, Unit};
use crate::gemm::Matrix;
use crate::pool;

/// Sixteen lines × sixteen pairs of numbers along k: one part of each number.
#[derive(Clone)]
#[repr(C, align(64))]
pub(super) struct Block(pub(super) [u32; LINES * LINES]);

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

/// Packs a matrix of lines × k: panels of sixteen lines, each one block after the other along k, its parts side by side.
/// Beyond the last line and the last number of a line lie zeros. False where a number that is to be split is not finite.
pub(super) fn pack(unit: Unit, parts: usize, x: Matrix<f32>, lie: Lie, blocks: &mut Vec<Block>) -> bool {
    let depth = x.columns.div_ceil(DEPTH);
    blocks.resize(x.rows.div_ceil(LINES) * depth * parts, Block([0; LINES * LINES]));
    let finite = AtomicBool::new(true);
    let panel = |i: usize, panel: &mut [Block]| {
        for (step, parts) in panel.chunks_exact_mut(parts).enumerate() {
            if !block(unit, x, [i * LINES, step * DEPTH], lie, parts) {
                finite.store(false, Relaxed);
            }
        }
    };
    if x.rows * x.columns < ALONE {
        blocks.chunks_mut((depth * parts).max(1)).enumerate().for_each(|(i, blocks)| panel(i, blocks));
    } else {
        pool::for_each_chunk(blocks, depth * parts, panel);
    }
    parts == 1 || finite.into_inner()
}

/// Packs the parts of one block; false where a number is not finite.
fn block(unit: Unit, x: Matrix<f32>, corner: [usize; 2], lie: Lie, parts: &mut [Block]) -> bool {
    #[cfg(target_arch = "x86_64")]
    if unit != Unit::Portable {
        // SAFETY: the machine has the unit, and so these instructions; the corner is within the matrix.
        return unsafe { x86::block(x, corner, lie, parts) };
    }
    portable(x, corner, lie, parts)
}

fn portable(x: Matrix<f32>, corner: [usize; 2], lie: Lie, parts: &mut [Block]) -> bool {
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
            let last = parts.len() - 1;
            for (part, block) in parts.iter_mut().enumerate() {
                let kept = rest.map(|x| if part == last { rounded(x) } else { x.to_bits() & 0xffff_0000 });
                rest = [0, 1].map(|i| rest[i] - f32::from_bits(kept[i]));
                block.0[at] = kept[0] >> 16 | kept[1];
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

    use super::{Block, DEPTH, LINES, Lie};
    use crate::gemm::{Matrix, turn};

    /// Sixteen numbers from a place on, of which so many are there; zeros for the others.
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn load(from: *const f32, there: usize) -> __m512 {
        let mask = if there >= LINES { u16::MAX } else { (1 << there) - 1 };
        // SAFETY: what the mask leaves out is not read.
        unsafe { _mm512_maskz_loadu_ps(mask, from) }
    }

    #[target_feature(enable = "avx512f,avx512bw")]
    pub(super) unsafe fn block(x: Matrix<f32>, corner: [usize; 2], lie: Lie, parts: &mut [Block]) -> bool {
        let [lines, ks] = [(x.rows - corner[0]).min(LINES), (x.columns - corner[1]).min(DEPTH)];
        let corner = x.data.as_ptr().wrapping_add(if x.transposed {
            corner[1] * x.rows + corner[0]
        } else {
            corner[0] * x.columns + corner[1]
        });
        let largest = _mm512_set1_ps(f32::MAX);
        let mut finite = u16::MAX;
        let last = parts.len() - 1;
        for (part, block) in parts.iter_mut().enumerate() {
            // Rows of sixteen words: the lines of a pair, or the pairs of a line, as the matrix lies.
            for (row, to) in block.0.chunks_exact_mut(LINES).enumerate() {
                // SAFETY: so many numbers of this row are there, and there is room for sixteen words.
                unsafe {
                    let (mut first, mut second) = if x.transposed {
                        let there = |k: usize| if k < ks { lines } else { 0 };
                        let from = corner.wrapping_add(2 * row * x.rows);
                        (load(from, there(2 * row)), load(from.wrapping_add(x.rows), there(2 * row + 1)))
                    } else {
                        let there = if row < lines { ks } else { 0 };
                        let from = corner.wrapping_add(row * x.columns);
                        (load(from, there), load(from.wrapping_add(LINES), there.saturating_sub(LINES)))
                    };
                    finite &= _mm512_cmp_ps_mask::<_CMP_LE_OQ>(_mm512_abs_ps(first), largest)
                        & _mm512_cmp_ps_mask::<_CMP_LE_OQ>(_mm512_abs_ps(second), largest);
                    for _ in 0..part {
                        first = _mm512_sub_ps(first, _mm512_castsi512_ps(cut(first)));
                        second = _mm512_sub_ps(second, _mm512_castsi512_ps(cut(second)));
                    }
                    let (first, second) =
                        if part == last { (rounded(first), rounded(second)) } else { (cut(first), cut(second)) };
                    let words = if x.transposed {
                        _mm512_or_si512(_mm512_srli_epi32::<16>(first), second)
                    } else {
                        upper_halves(first, second)
                    };
                    _mm512_storeu_si512(to.as_mut_ptr().cast(), words);
                }
            }
            if x.transposed == (lie == Lie::Lines) {
                // SAFETY: a block is as many words.
                unsafe { turn(block.0.as_mut_ptr().cast()) };
            }
        }
        finite == u16::MAX
    }

    /// The upper halves of thirty-two lanes, in order.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    fn upper_halves(first: __m512i, second: __m512i) -> __m512i {
        let odd: [u16; 32] = from_fn(|i| 2 * i as u16 + 1);
        // SAFETY: the array is as long as a vector.
        let odd = unsafe { _mm512_loadu_si512(odd.as_ptr().cast()) };
        _mm512_permutex2var_epi16(first, odd, second)
    }

    /// The upper halves of lanes, the lower ones zero.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn cut(x: __m512) -> __m512i {
        _mm512_and_si512(_mm512_castps_si512(x), _mm512_set1_epi32(0xffff_0000_u32 as i32))
    }

    /// The nearest bf16 in the upper half of each lane.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn rounded(x: __m512) -> __m512i {
        let bits = _mm512_castps_si512(x);
        let even = _mm512_and_si512(_mm512_srli_epi32::<16>(bits), _mm512_set1_epi32(1));
        let up = _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff)), even);
        let quiet = _mm512_or_si512(bits, _mm512_set1_epi32(0x0040_0000));
        let nan = _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(x, x);
        cut(_mm512_castsi512_ps(_mm512_mask_mov_epi32(up, nan, quiet)))
    }
}
