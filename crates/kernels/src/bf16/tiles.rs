//! Squares of C by matrix tiles (Intel AMX), through inline assembly: the intrinsics are not stable yet. A tile is a
//! block: of A the sixteen pairs of sixteen rows, of B sixteen columns of sixteen pairs.

use super::Sums;
use super::pack::Block;

/// Whether the machine has them, the system lets this process use them, and they multiply as their twin does.
pub(super) fn is_here() -> bool {
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    return amx::is_here();
    #[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
    false
}

/// The sums of two panels of A, words lying in lines, times two of B, words lying in pairs.
///
/// # Safety
/// [`is_here`] must have said so, each panel be `depth · parts` blocks, and `sums` have room.
pub(super) unsafe fn square(parts: usize, depth: usize, a: [*const Block; 2], b: [*const Block; 2], sums: *mut Sums) {
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    // SAFETY: as the caller promises.
    unsafe {
        amx::square(parts, depth, a, b, sums)
    }
    #[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
    unreachable!("no tiles for {parts} parts, {depth} blocks, {a:?}, {b:?} and {sums:?}")
}

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod amx {
    use std::arch::asm;
    use std::arch::x86_64::{__cpuid_count, _xgetbv};

    use super::super::pack::{Block, Lie, pack};
    use super::super::unit::terms;
    use super::super::{DEPTH, LINES, SIDE, Sums, Unit, portable};
    use crate::gemm::Matrix;
    use crate::random::Stream;

    pub(super) fn is_here() -> bool {
        has_instructions() && permitted() && multiplies_like_its_twin()
    }

    fn has_instructions() -> bool {
        const BF16_AND_TILES: u32 = 1 << 22 | 1 << 24;
        const TILE_STATE: u64 = 1 << 17 | 1 << 18;
        #[target_feature(enable = "xsave")]
        fn saved() -> u64 {
            // SAFETY: the machine saves extended states.
            unsafe { _xgetbv(0) }
        }
        __cpuid_count(7, 0).edx & BF16_AND_TILES == BF16_AND_TILES
            && is_x86_feature_detected!("xsave")
            // SAFETY: the machine saves extended states.
            && unsafe { saved() } & TILE_STATE == TILE_STATE
    }

    /// Asks Linux for the tiles' state: arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA).
    fn permitted() -> bool {
        let mut result: i64 = 158;
        // SAFETY: the call changes nothing but this process's permission; the kernel clobbers rcx and r11 alone.
        unsafe {
            asm!("syscall", inout("rax") result, in("rdi") 0x1023_u64, in("rsi") 18_u64, out("rcx") _, out("r11") _);
        }
        result == 0
    }

    fn multiplies_like_its_twin() -> bool {
        const K: usize = 3 * DEPTH - 5;
        let mut numbers = vec![0.0; 2 * SIDE * K];
        Stream::new(1, 0).fill_normal(0, &mut numbers);
        let (a, b) = numbers.split_at(SIDE * K);
        (1..=3).all(|parts| {
            let [mut in_lines, mut in_pairs, mut columns] = [const { Vec::new() }; 3];
            pack(Unit::Portable, parts, Matrix::new(a, SIDE, K), Lie::Lines, &mut in_lines);
            pack(Unit::Portable, parts, Matrix::new(a, SIDE, K), Lie::Pairs, &mut in_pairs);
            pack(Unit::Portable, parts, Matrix::new(b, SIDE, K), Lie::Pairs, &mut columns);
            let panels = |blocks: &[Block]| [0, K.div_ceil(DEPTH) * parts].map(|first| blocks[first..].as_ptr());
            let (mut fast, mut twin): (Sums, Sums) = ([[f32::NAN; SIDE]; SIDE], [[0.0; SIDE]; SIDE]);
            // SAFETY: the machine has the instructions and permits them; each matrix is two panels.
            unsafe {
                square(parts, K.div_ceil(DEPTH), panels(&in_lines), panels(&columns), &mut fast);
                portable::square(parts, K.div_ceil(DEPTH), panels(&in_pairs), panels(&columns), &mut twin);
            }
            // Sums of K products of standard normal numbers, added up in another order.
            fast.iter().flatten().zip(twin.iter().flatten()).all(|(fast, twin)| (fast - twin).abs() < 1e-4)
        })
    }

    /// Eight tiles of sixteen rows of 64 bytes.
    #[repr(C, align(64))]
    struct Configuration {
        palette: u8,
        start_row: u8,
        reserved: [u8; 14],
        bytes: [u16; 16],
        rows: [u8; 16],
    }

    static CONFIGURATION: Configuration = Configuration {
        palette: 1,
        start_row: 0,
        reserved: [0; 14],
        bytes: [64, 64, 64, 64, 64, 64, 64, 64, 0, 0, 0, 0, 0, 0, 0, 0],
        rows: [16, 16, 16, 16, 16, 16, 16, 16, 0, 0, 0, 0, 0, 0, 0, 0],
    };

    /// Tiles 0 to 3 keep the sums, 4 and 5 take blocks of A, 6 and 7 blocks of B.
    pub(super) unsafe fn square(
        parts: usize,
        depth: usize,
        a: [*const Block; 2],
        b: [*const Block; 2],
        sums: *mut Sums,
    ) {
        const STRIDE: usize = size_of::<Block>() / LINES;
        // SAFETY: the caller has found the tiles. Panels have as many blocks as are read, `sums` four blocks of rows
        // SIDE numbers long. The compiler never uses tiles, so they keep their contents from one block to the next.
        unsafe {
            asm!(
                "ldtilecfg [{configuration}]", "tilezero tmm0", "tilezero tmm1", "tilezero tmm2", "tilezero tmm3",
                configuration = in(reg) &raw const CONFIGURATION,
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            );
            for step in 0..depth {
                for &(part_a, part_b) in terms(parts) {
                    asm!(
                        "tileloadd tmm4, [{a0} + {stride}*1]",
                        "tileloadd tmm6, [{b0} + {stride}*1]",
                        "tdpbf16ps tmm0, tmm4, tmm6",
                        "tileloadd tmm7, [{b1} + {stride}*1]",
                        "tdpbf16ps tmm1, tmm4, tmm7",
                        "tileloadd tmm5, [{a1} + {stride}*1]",
                        "tdpbf16ps tmm2, tmm5, tmm6",
                        "tdpbf16ps tmm3, tmm5, tmm7",
                        a0 = in(reg) a[0].add(step * parts + part_a),
                        a1 = in(reg) a[1].add(step * parts + part_a),
                        b0 = in(reg) b[0].add(step * parts + part_b),
                        b1 = in(reg) b[1].add(step * parts + part_b),
                        stride = in(reg) STRIDE,
                        options(nostack, preserves_flags),
                    );
                }
            }
            let upper = sums.cast::<f32>();
            asm!(
                "tilestored [{upper} + {stride}*1], tmm0",
                "tilestored [{upper} + {stride}*1 + 64], tmm1",
                "tilestored [{lower} + {stride}*1], tmm2",
                "tilestored [{lower} + {stride}*1 + 64], tmm3",
                "tilerelease",
                upper = in(reg) upper,
                lower = in(reg) upper.add(LINES * SIDE),
                stride = in(reg) SIDE * size_of::<f32>(),
                options(nostack, preserves_flags),
            );
        }
    }
}
