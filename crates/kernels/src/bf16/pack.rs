//! Packing: f32 values as bf16 parts, two to a word, in blocks in the layout that the units read.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::{DEPTH, LINES, SIDE, Unit};
use crate::matrix::Matrix;
use crate::pool;

/// Sixteen lines × sixteen pairs of elements along k: one part of each element.
#[derive(Debug, Clone)]
#[repr(C, align(64))]
pub(super) struct Block(pub(super) [u32; Block::WORDS]);

impl Block {
    pub(super) const WORDS: usize = LINES * LINES;
    pub(super) const EMPTY: Block = Block([0; Block::WORDS]);
}

/// Elements along k of half a block.
const HALF: usize = DEPTH / 2;

/// Elements below which waking a worker does not pay off.
const MIN_PARALLEL_WORK: usize = 1 << 15;

/// Panels that are packed together: runs of four cache lines stream twice as fast as runs of two.
const PANELS_AT_ONCE: usize = 2;

/// The layout of a block's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BlockLayout {
    /// For each pair, the words of the sixteen lines, contiguous.
    Pairs,
    /// For each line, the words of the sixteen pairs, contiguous.
    Lines,
}

/// How values are packed: for which unit, in how many parts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packing {
    pub(super) unit: Unit,
    pub(super) parts: usize,
    pub(super) layout: BlockLayout,
}

/// Packs a matrix of lines × k into panels of two times sixteen lines, each a sequence of block pairs along k with
/// their parts side by side. Zero-padded beyond the last line and the end of each line. False if a value to be split is
/// not finite.
pub(super) fn pack(packing: Packing, x: Matrix<f32>, blocks: &mut Vec<Block>) -> bool {
    let size = 2 * packing.parts * x.columns.div_ceil(DEPTH);
    blocks.resize(x.rows.div_ceil(SIDE) * size, Block::EMPTY);
    let finite = AtomicBool::new(true);
    let some = |i: usize, blocks: &mut [Block]| {
        if !panels(packing, x, [i * PANELS_AT_ONCE * SIDE, 0], size, blocks) {
            finite.store(false, Relaxed);
        }
    };
    let chunk = (PANELS_AT_ONCE * size).max(1);
    if x.rows * x.columns < MIN_PARALLEL_WORK {
        blocks.chunks_mut(chunk).enumerate().for_each(|(i, blocks)| some(i, blocks));
    } else {
        pool::for_each_chunk(blocks, chunk, some);
    }
    finite.into_inner()
}

/// Packs adjacent panels from a corner of the matrix on, `size` blocks of each; false as for [`pack`].
pub(super) fn panels(packing: Packing, x: Matrix<f32>, corner: [usize; 2], size: usize, blocks: &mut [Block]) -> bool {
    // Where the elements of a k are contiguous, those of all panels are read before the next k.
    let chunk = if x.transposed { blocks.len() } else { size };
    let mut finite = true;
    for (i, blocks) in blocks.chunks_mut(chunk.max(1)).enumerate() {
        for (j, first) in (0..size).step_by(2 * packing.parts).enumerate() {
            let corner = [corner[0] + i * SIDE, corner[1] + j * DEPTH];
            finite &= step(packing, x, corner, DEPTH, size, &mut blocks[first..]);
        }
    }
    finite
}

/// Packs a step of panels that begin `size` blocks apart, at most this many elements of each line; false as for
/// [`pack`].
pub(super) fn step(
    packing: Packing,
    x: Matrix<f32>,
    corner: [usize; 2],
    len: usize,
    size: usize,
    blocks: &mut [Block],
) -> bool {
    let panels = blocks.len().div_ceil(size);
    assert!((panels - 1) * size + 2 * packing.parts <= blocks.len(), "all parts of all panels");
    let source = SubMatrix::new(x, corner, 2 * panels).up_to(len);
    let (to, words) = (blocks.as_mut_ptr().cast(), Block::WORDS);
    let dst = PackDst { to, row: LINES, part: 2 * words, half: words, panel: size * words };
    // SAFETY: there is space for all parts of a step of this many panels.
    let finite = unsafe { self::blocks(packing, source, dst) };
    packing.parts == 1 || finite
}

/// Packs a panel in pairs, a half of a block at a time, so that tiles are multiplied between.
pub(super) struct PanelPacker<'a> {
    unit: Unit,
    parts: usize,
    x: Matrix<'a, f32>,
    line: usize,
    blocks: &'a mut [Block],
    halves: Range<usize>,
    finite: bool,
}

impl<'a> PanelPacker<'a> {
    /// For the panel that begins at this line of a matrix, and as many blocks as it takes.
    pub(super) fn new(unit: Unit, parts: usize, x: Matrix<'a, f32>, line: usize, blocks: &'a mut [Block]) -> Self {
        let halves = 0..4 * x.columns.div_ceil(DEPTH);
        assert_eq!(2 * blocks.len(), parts * halves.len(), "all parts of all steps");
        PanelPacker { unit, parts, x, line, blocks, halves, finite: true }
    }

    /// Halves of blocks that are left.
    pub(super) fn left(&self) -> usize {
        self.halves.len()
    }

    /// Packs this many more halves of blocks, or what is left.
    pub(super) fn pack(&mut self, halves: usize) {
        for half in self.halves.by_ref().take(halves) {
            let (step, block, half) = (half / 4, half / 2 % 2, half % 2);
            let corner = [self.line + block * LINES, step * DEPTH + half * HALF];
            let source = SubMatrix::new(self.x, corner, 1).up_to(HALF);
            let block = self.blocks[2 * self.parts * step + block..].as_mut_ptr().cast::<u32>();
            let to = block.wrapping_add(half * Block::WORDS / 2);
            let dst = PackDst { to, row: LINES, part: 2 * Block::WORDS, half: 0, panel: 0 };
            // SAFETY: there is space for all parts of all steps.
            self.finite &= unsafe { half_block(self.unit, self.parts, source, dst) };
        }
    }

    /// Packs what is left; false as for [`pack`].
    pub(super) fn finish(mut self) -> bool {
        self.pack(self.left());
        self.parts == 1 || self.finite
    }
}

/// A sub-matrix of lines × k that adjacent blocks cover: from a corner on, a number of lines and of elements in each.
#[derive(Debug, Clone, Copy)]
pub(super) struct SubMatrix<'a> {
    x: Matrix<'a, f32>,
    corner: [usize; 2],
    size: [usize; 2],
    blocks: usize,
}

impl<'a> SubMatrix<'a> {
    /// As much of the matrix as there is for this many blocks.
    pub(super) fn new(x: Matrix<'a, f32>, corner: [usize; 2], blocks: usize) -> Self {
        let most = [blocks * LINES, DEPTH];
        let size = [x.rows.saturating_sub(corner[0]).min(most[0]), x.columns.saturating_sub(corner[1]).min(most[1])];
        SubMatrix { x, corner, size, blocks }
    }

    /// Limited to this many elements of each line.
    pub(super) fn up_to(mut self, len: usize) -> Self {
        self.size[1] = self.size[1].min(len);
        self
    }
}

/// The destination of packed words, with strides between the sixteen rows of a block, its parts, the halves of a panel,
/// and panels.
#[derive(Debug, Clone, Copy)]
pub(super) struct PackDst {
    pub(super) to: *mut u32,
    pub(super) row: usize,
    pub(super) part: usize,
    pub(super) half: usize,
    pub(super) panel: usize,
}

impl PackDst {
    /// The address of a row of a block.
    fn row(&self, block: usize, row: usize) -> *mut u32 {
        self.to.wrapping_add(block / 2 * self.panel + block % 2 * self.half + row * self.row)
    }
}

/// Packs the parts of adjacent blocks, with zeros beyond the end of the source; false if a value is not finite.
///
/// # Safety
/// There must be space for the words.
pub(super) unsafe fn blocks(packing: Packing, source: SubMatrix, dst: PackDst) -> bool {
    let Packing { unit, parts, layout } = packing;
    // SAFETY: the machine has the unit, and so these instructions; there is space, as the caller promises.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        if unit != Unit::Portable {
            return match (parts, layout) {
                (1, BlockLayout::Pairs) => x86::blocks::<1, true>(source, dst),
                (1, BlockLayout::Lines) => x86::blocks::<1, false>(source, dst),
                (2, BlockLayout::Pairs) => x86::blocks::<2, true>(source, dst),
                (2, BlockLayout::Lines) => x86::blocks::<2, false>(source, dst),
                (_, BlockLayout::Pairs) => x86::blocks::<3, true>(source, dst),
                (_, BlockLayout::Lines) => x86::blocks::<3, false>(source, dst),
            };
        }
        portable(packing, source, LINES, dst)
    }
}

/// Packs the parts of the first or the second half of a block in pairs: sixteen lines of sixteen elements, or what there is
/// of them, and zeros; false if a value is not finite.
///
/// # Safety
/// As for [`blocks`].
unsafe fn half_block(unit: Unit, parts: usize, source: SubMatrix, dst: PackDst) -> bool {
    // SAFETY: as for whole blocks.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        if unit != Unit::Portable {
            return match parts {
                1 => x86::half_block::<1>(source, dst),
                2 => x86::half_block::<2>(source, dst),
                _ => x86::half_block::<3>(source, dst),
            };
        }
        portable(Packing { unit, parts, layout: BlockLayout::Pairs }, source, HALF / 2, dst)
    }
}

/// Packs so many pairs of each line.
///
/// # Safety
/// As for [`blocks`].
unsafe fn portable(
    Packing { parts, layout, .. }: Packing,
    SubMatrix { x, corner, size, blocks }: SubMatrix,
    pairs: usize,
    dst: PackDst,
) -> bool {
    let number =
        |line: usize, k: usize| if line < size[0] && k < size[1] { x.at(corner[0] + line, corner[1] + k) } else { 0.0 };
    let mut finite = true;
    for line in 0..blocks * LINES {
        for pair in 0..pairs {
            let mut rest = [number(line, 2 * pair), number(line, 2 * pair + 1)];
            finite &= rest.iter().all(|x| x.is_finite());
            let [row, column] = if layout == BlockLayout::Pairs { [pair, line % LINES] } else { [line % LINES, pair] };
            for part in 0..parts {
                let kept = rest.map(|x| if part + 1 == parts { rounded(x) } else { x.to_bits() & 0xffff_0000 });
                rest = [0, 1].map(|i| rest[i] - f32::from_bits(kept[i]));
                // SAFETY: as the caller promises.
                unsafe {
                    let to = dst.row(line / LINES, row).add(column + part * dst.part);
                    to.write_unaligned(kept[0] >> 16 | kept[1]);
                }
            }
        }
    }
    finite
}

/// The nearest bf16 as the upper half of the bits, ties to even, as VCVTNE2PS2BF16 rounds: NaN stays NaN, and subnormal
/// numbers count as zero.
fn rounded(x: f32) -> u32 {
    let bits = x.to_bits();
    if x.is_subnormal() {
        return bits & 0x8000_0000;
    }
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

    use super::{DEPTH, HALF, LINES, PackDst, SubMatrix};
    use crate::lanes::transpose;
    use crate::prefetch::{prefetch_l1, prefetch_l2};

    /// # Safety
    /// As for [`blocks`](super::blocks); the words are laid out in pairs or in lines.
    #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
    pub(super) unsafe fn blocks<const PARTS: usize, const PAIRS: bool>(source: SubMatrix, dst: PackDst) -> bool {
        // SAFETY: as the caller promises.
        unsafe {
            if source.size == [source.blocks * LINES, DEPTH] {
                any_blocks::<PARTS, PAIRS, true>(source, dst)
            } else {
                any_blocks::<PARTS, PAIRS, false>(source, dst)
            }
        }
    }

    /// # Safety
    /// As for [`half_block`](super::half_block).
    #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
    pub(super) unsafe fn half_block<const PARTS: usize>(
        SubMatrix { x, corner, size: [lines, ks], .. }: SubMatrix,
        dst: PackDst,
    ) -> bool {
        let [line_stride, k_stride] = if x.transposed { [1, x.rows] } else { [x.columns, 1] };
        let from = x.data.as_ptr().wrapping_add(corner[0] * line_stride + corner[1] * k_stride);
        // Vectors of lines are turned into those of elements along k.
        let (stride, vectors, there) = if x.transposed { (k_stride, ks, lines) } else { (line_stride, lines, ks) };
        // SAFETY: this many elements exist.
        let vectors: [__m512; LINES] = from_fn(|i| unsafe {
            let from = from.wrapping_add(i * stride);
            prefetch_l1(from.wrapping_add(if x.transposed { HALF * k_stride } else { DEPTH }));
            load::<false>(from, if i < vectors { there } else { 0 })
        });
        let vectors = if x.transposed { vectors } else { transpose(vectors) };
        let mut largest = _mm512_setzero_si512();
        for i in 0..HALF / 2 {
            let pair = [vectors[2 * i], vectors[2 * i + 1]];
            // SAFETY: there is space, as the caller promises.
            largest = unsafe { row::<PARTS, true>(dst.row(0, i), dst.part, pair, largest) };
        }
        are_finite(largest)
    }

    /// Whether the largest bits, without signs, are those of a finite number.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn are_finite(largest: __m512i) -> bool {
        _mm512_cmple_epu32_mask(largest, _mm512_set1_epi32(f32::MAX.to_bits() as i32)) == u16::MAX
    }

    /// Loads sixteen elements from an address, of which only `there` exist unless `WHOLE`; zeros for the others.
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn load<const WHOLE: bool>(from: *const f32, there: usize) -> __m512 {
        let mask = if there >= LINES { u16::MAX } else { (1 << there) - 1 };
        // SAFETY: the elements exist; masked ones are not read.
        unsafe { if WHOLE { _mm512_loadu_ps(from) } else { _mm512_maskz_loadu_ps(mask, from) } }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
    unsafe fn any_blocks<const PARTS: usize, const PAIRS: bool, const WHOLE: bool>(
        SubMatrix { x, corner, size: [lines, ks], blocks }: SubMatrix,
        dst: PackDst,
    ) -> bool {
        let [line_stride, k_stride] = if x.transposed { [1, x.rows] } else { [x.columns, 1] };
        let from = x.data.as_ptr().wrapping_add(corner[0] * line_stride + corner[1] * k_stride);
        // Prefetches what is read next: the elements of lines, or of a k, are far apart, and the hardware prefetcher
        // does not anticipate them.
        let prefetch_next = |number: *const f32| match (x.transposed, PAIRS) {
            (true, true) => prefetch_l1(number.wrapping_add(8 * k_stride)),
            (true, false) => prefetch_l2(number.wrapping_add(4 * LINES)),
            (false, _) => prefetch_l2(number.wrapping_add(4 * DEPTH)),
        };
        // Row i of a block is two vectors: elements 2i and 2i + 1 of its lines, or the elements of line i below 16 and
        // from there on.
        let vectors_of = |block: usize, i: usize| {
            let lines = lines.saturating_sub(block * LINES);
            let from = from.wrapping_add(block * LINES * line_stride);
            let (first, second, there) = if x.transposed {
                let (k, first) = (2 * i, from.wrapping_add(2 * i * k_stride));
                let there = |k: usize| if k < ks { lines } else { 0 };
                (first, first.wrapping_add(k_stride), [there(k), there(k + 1)])
            } else {
                let (first, ks) = (from.wrapping_add(i * line_stride), if i < lines { ks } else { 0 });
                (first, first.wrapping_add(LINES), [ks, ks.saturating_sub(LINES)])
            };
            prefetch_next(first);
            prefetch_next(second);
            // SAFETY: this many elements exist.
            unsafe { [load::<WHOLE>(first, there[0]), load::<WHOLE>(second, there[1])] }
        };
        let mut largest = _mm512_setzero_si512();
        if x.transposed == PAIRS {
            for i in 0..LINES {
                for block in 0..blocks {
                    // SAFETY: there is space, as the caller promises.
                    largest =
                        unsafe { row::<PARTS, PAIRS>(dst.row(block, i), dst.part, vectors_of(block, i), largest) };
                }
            }
        } else {
            for block in 0..blocks {
                let mut transposed = [[_mm512_setzero_ps(); LINES]; 2];
                for i in 0..LINES {
                    let [first, second] = vectors_of(block, i);
                    if x.transposed {
                        (transposed[2 * i / LINES][2 * i % LINES], transposed[2 * i / LINES][2 * i % LINES + 1]) =
                            (first, second);
                    } else {
                        (transposed[0][i], transposed[1][i]) = (first, second);
                    }
                }
                let transposed = [transpose(transposed[0]), transpose(transposed[1])];
                for i in 0..LINES {
                    let vectors = if PAIRS {
                        [transposed[2 * i / LINES][2 * i % LINES], transposed[2 * i / LINES][2 * i % LINES + 1]]
                    } else {
                        [transposed[0][i], transposed[1][i]]
                    };
                    // SAFETY: there is space, as the caller promises.
                    largest = unsafe { row::<PARTS, PAIRS>(dst.row(block, i), dst.part, vectors, largest) };
                }
            }
        }
        are_finite(largest)
    }

    /// Writes a row of each part; returns the largest bits so far, without signs.
    ///
    /// # Safety
    /// There must be space for the row.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
    unsafe fn row<const PARTS: usize, const PAIRS: bool>(
        to: *mut u32,
        part_stride: usize,
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
            // SAFETY: there is space, as the caller promises.
            unsafe { _mm512_storeu_si512(to.add(part * part_stride).cast(), words) };
        }
        largest
    }

    /// Half-word indices for a permutation.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn order(at: impl Fn(usize) -> usize) -> __m512i {
        let indices: [u16; 32] = from_fn(|i| at(i) as u16);
        // SAFETY: the array is as long as a vector.
        unsafe { _mm512_loadu_si512(indices.as_ptr().cast()) }
    }

    /// The upper halves of lanes, the lower ones zeroed.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn cut(x: __m512) -> __m512i {
        _mm512_and_si512(_mm512_castps_si512(x), _mm512_set1_epi32(0xffff_0000_u32 as i32))
    }

    /// The remainder after truncation.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn rest(x: __m512, cut: __m512i) -> __m512 {
        _mm512_sub_ps(x, _mm512_castsi512_ps(cut))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    #[test]
    fn halves_of_blocks_make_the_panels_that_are_packed_at_once() {
        for unit in [Unit::Portable, Unit::Dot].into_iter().filter(|unit| unit.is_here()) {
            for [lines, k] in [[32, 64], [40, 33], [5, 97], [17, 16]] {
                let mut numbers = vec![0.0; lines * k];
                Stream::new(1, 2).fill_normal(0, &mut numbers);
                for value in [1e-40, f32::NAN] {
                    numbers[lines * k - 1] = value;
                    for x in [Matrix::new(&numbers, lines, k), Matrix::new(&numbers, k, lines).t()] {
                        for parts in 1..=3 {
                            let mut blocks = Vec::new();
                            let finite = pack(Packing { unit, parts, layout: BlockLayout::Pairs }, x, &mut blocks);
                            let size = 2 * parts * k.div_ceil(DEPTH);
                            let mut found = true;
                            for (panel, expected) in blocks.chunks(size).enumerate() {
                                let mut blocks = vec![Block([u32::MAX; Block::WORDS]); size];
                                let mut packer = PanelPacker::new(unit, parts, x, panel * SIDE, &mut blocks);
                                packer.pack(3);
                                found &= packer.finish();
                                assert!(blocks.iter().zip(expected).all(|(a, b)| a.0 == b.0), "{unit:?} {parts} {x:?}");
                            }
                            assert_eq!(found, finite);
                        }
                    }
                }
            }
        }
    }
}
