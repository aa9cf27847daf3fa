//! Squares of C by the AVX-512 dot products.

#[cfg(target_arch = "x86_64")]
use std::sync::OnceLock;

use super::unit::Panels;

/// Whether the machine supports them.
pub(super) fn is_here() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("avx512bf16");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// Whether the machine does one in the time of an f32 multiply-add; checked once, since virtual machines answer slowly.
pub(super) fn is_fast() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        static AMD: OnceLock<bool> = OnceLock::new();
        *AMD.get_or_init(|| {
            let vendor = std::arch::x86_64::__cpuid(0);
            [vendor.ebx, vendor.edx, vendor.ecx].map(u32::to_le_bytes).concat() == b"AuthenticAMD"
        })
    }
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// Runs so many iterations of dot products in registers; returns their multiply-adds.
pub(super) fn in_registers(turns: usize) -> usize {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the machine has the instructions where the unit is here.
    return unsafe { x86::in_registers(turns) };
    #[cfg(not(target_arch = "x86_64"))]
    unreachable!("no dot products for {turns} iterations")
}

/// As [`Unit::add`](super::Unit), with words stored in pairs in both panels, which are blocks.
///
/// # Safety
/// As there.
pub(super) unsafe fn add(panels: Panels) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: as the caller promises.
    unsafe {
        match panels.parts {
            1 => x86::add::<1>(panels),
            2 => x86::add::<2>(panels),
            _ => x86::add::<3>(panels),
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    unreachable!("no dot products for {panels:?}")
}

/// Makes streaming stores visible to all threads.
pub(super) fn store_fence() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE is part of x86-64.
    unsafe {
        std::arch::x86_64::_mm_sfence();
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;
    use std::hint::black_box;
    use std::mem::transmute;

    use super::super::pack::Block;
    use super::super::unit::{Panels, terms};
    use super::super::{Accumulate, LINES, SIDE};
    use crate::prefetch::prefetch_l1;

    /// Rows whose sums stay in registers.
    const ROWS: usize = 8;

    #[target_feature(enable = "avx512f,avx512bf16")]
    pub(super) fn in_registers(turns: usize) -> usize {
        // Enough of them to hide the latency of a dot product.
        let mut sums = [_mm512_setzero_ps(); 2 * ROWS];
        // SAFETY: both are 512 bits.
        let factor = unsafe { transmute::<__m512i, __m512bh>(black_box(_mm512_setzero_si512())) };
        for _ in 0..turns {
            for sum in &mut sums {
                *sum = _mm512_dpbf16_ps(*sum, factor, factor);
            }
        }
        black_box(sums);
        turns * 2 * ROWS * 2 * LINES
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
    pub(super) unsafe fn add<const PARTS: usize>(Panels { steps, a, b, begin, c, width, far, .. }: Panels) {
        // Streaming stores write full lines.
        let far = far && c.addr().is_multiple_of(size_of::<__m512>()) && width.is_multiple_of(LINES);
        let a = a.first.cast::<Block>();
        for i in 0..SIDE / ROWS {
            let first = i * ROWS % LINES;
            let mut chains = [[_mm512_setzero_ps(); 2]; ROWS];
            for (row, chains) in chains.iter_mut().enumerate() {
                for (half, chain) in chains.iter_mut().enumerate() {
                    // SAFETY: the caller provides a square of C; the row that initialises it has the same length.
                    unsafe {
                        match begin {
                            Accumulate::Zero => {}
                            Accumulate::Row(begin) => *chain = _mm512_loadu_ps(begin.as_ptr().add(half * LINES)),
                            Accumulate::Sums => {
                                *chain = _mm512_loadu_ps(c.add((i * ROWS + row) * width + half * LINES))
                            }
                        }
                    }
                }
            }
            for step in 0..steps {
                for &(part_a, part_b) in terms(PARTS) {
                    // SAFETY: the caller provides panels of this many blocks, and each block has its words.
                    unsafe {
                        let x = (*a.add(2 * (step * PARTS + part_a) + i * ROWS / LINES)).0.as_ptr().add(first);
                        let y = [0, 1].map(|half| (*b.add(2 * (step * PARTS + part_b) + half)).0.as_ptr());
                        for pair in 0..LINES {
                            // One panel comes from L2 each time, the other from farther away.
                            let ahead = 2 * PARTS * Block::WORDS + pair * LINES;
                            prefetch_l1(x.wrapping_add(ahead + 2 * PARTS * Block::WORDS));
                            y.into_iter().for_each(|y| prefetch_l1(y.wrapping_add(ahead)));
                            let y = y.map(|y| _mm512_loadu_si512(y.add(pair * LINES).cast()));
                            for (row, chains) in chains.iter_mut().enumerate() {
                                let x = _mm512_set1_epi32(*x.add(pair * LINES + row) as i32);
                                for (chain, y) in chains.iter_mut().zip(y) {
                                    *chain = _mm512_dpbf16_ps(
                                        *chain,
                                        transmute::<__m512i, __m512bh>(x),
                                        transmute::<__m512i, __m512bh>(y),
                                    );
                                }
                            }
                        }
                    }
                }
            }
            for (row, chains) in chains.into_iter().enumerate() {
                for (half, chain) in chains.into_iter().enumerate() {
                    // SAFETY: the caller provides a square of C.
                    unsafe {
                        let c = c.add((i * ROWS + row) * width + half * LINES);
                        if far { _mm512_stream_ps(c, chain) } else { _mm512_storeu_ps(c, chain) }
                    }
                }
            }
        }
    }
}
