//! Squares of C by the dot products of AVX-512.

#[cfg(target_arch = "x86_64")]
use std::sync::OnceLock;

use super::Sums;
use super::pack::Block;

/// Whether the machine has them.
pub(super) fn is_here() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("avx512bf16");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// Whether the machine does one in the time of a multiply-add in f32; asked once, since virtual machines take long to say.
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

/// The sums of two panels of A times two of B, words lying in pairs in both.
///
/// # Safety
/// The machine must have the instructions, each panel be `depth · parts` blocks, and `sums` have room.
pub(super) unsafe fn square(parts: usize, depth: usize, a: [*const Block; 2], b: [*const Block; 2], sums: *mut Sums) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: as the caller promises.
    unsafe {
        match parts {
            1 => x86::square::<1>(depth, a, b, sums),
            2 => x86::square::<2>(depth, a, b, sums),
            _ => x86::square::<3>(depth, a, b, sums),
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    // SAFETY: as the caller promises.
    unsafe {
        super::portable::square(parts, depth, a, b, sums)
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;
    use std::mem::transmute;

    use super::super::pack::Block;
    use super::super::unit::terms;
    use super::super::{LINES, SIDE, Sums};

    /// Rows whose sums stay in registers.
    const ROWS: usize = 8;

    #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
    pub(super) unsafe fn square<const PARTS: usize>(
        depth: usize,
        a: [*const Block; 2],
        b: [*const Block; 2],
        sums: *mut Sums,
    ) {
        for i in 0..SIDE / ROWS {
            let first = i * ROWS % LINES;
            let mut chains = [[_mm512_setzero_ps(); 2]; ROWS];
            for step in 0..depth {
                for &(part_a, part_b) in terms(PARTS) {
                    // SAFETY: the caller gives panels of this many blocks, and each block has its words.
                    unsafe {
                        let x = (*a[i * ROWS / LINES].add(step * PARTS + part_a)).0.as_ptr().add(first);
                        let y = b.map(|b| (*b.add(step * PARTS + part_b)).0.as_ptr());
                        for pair in 0..LINES {
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
                    let at = (i * ROWS + row) * SIDE + half * LINES;
                    // SAFETY: the caller has room for all rows.
                    unsafe { _mm512_storeu_ps(sums.cast::<f32>().add(at), chain) };
                }
            }
        }
    }
}
