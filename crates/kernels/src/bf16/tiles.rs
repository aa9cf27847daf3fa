//! Squares of C by matrix tiles (Intel AMX), through inline assembly: the intrinsics are not stable yet. A tile is one
//! block: of A, the sixteen pairs of sixteen rows; of B, sixteen columns of sixteen pairs.

use super::unit::Panels;

/// Whether the machine has them, the system lets this process use them, and they agree with their twin; checked once.
pub(super) fn is_here() -> bool {
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    return amx::is_here();
    #[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
    false
}

/// Configures eight tiles of sixteen rows of 64 bytes for this thread; [`is_here`] must have returned true.
pub(super) fn configure() {
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    amx::configure();
}

/// Releases them.
pub(super) fn release() {
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    amx::release();
}

/// Runs products of tiles in registers for about as long as so many iterations of vectors take; returns their multiply-adds.
pub(super) fn in_registers(turns: usize) -> usize {
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    return amx::in_registers(turns / 16);
    #[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
    unreachable!("no tiles for {turns} iterations")
}

/// As [`Unit::add`](super::Unit), with words stored in lines in A, in pairs in B. After every four products of tiles, which the
/// processor has then only begun, `between` is called.
///
/// # Safety
/// As there.
pub(super) unsafe fn add(panels: Panels, between: impl FnMut()) {
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    // SAFETY: as the caller promises.
    unsafe {
        match panels.parts {
            1 => amx::add::<1>(panels, between),
            2 => amx::add::<2>(panels, between),
            _ => amx::add::<3>(panels, between),
        }
    }
    #[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
    {
        let _ = between;
        unreachable!("no tiles for {panels:?}")
    }
}

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod amx {
    use std::arch::asm;
    use std::arch::x86_64::{__cpuid_count, _xgetbv};
    use std::sync::OnceLock;

    use super::super::pack::{Block, BlockLayout, Packing, pack};
    use super::super::unit::{LhsPanel, Panels, terms};
    use super::super::{Accumulate, DEPTH, LINES, SIDE, Sums, Unit};
    use crate::matrix::Matrix;
    use crate::random::Stream;

    pub(super) fn is_here() -> bool {
        static FOUND: OnceLock<bool> = OnceLock::new();
        *FOUND.get_or_init(|| has_instructions() && permitted() && multiplies_like_its_twin())
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

    /// Requests the tile state from Linux: arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA).
    fn permitted() -> bool {
        let mut result: i64 = 158;
        // SAFETY: the call changes only this process's permission; the kernel clobbers only rcx and r11.
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
            let [mut rows, mut columns] = [const { Vec::new() }; 2];
            let packing = |layout| Packing { unit: Unit::Portable, parts, layout };
            pack(packing(BlockLayout::Lines), Matrix::new(a, SIDE, K), &mut rows);
            pack(packing(BlockLayout::Pairs), Matrix::new(b, SIDE, K), &mut columns);
            let (mut fast, mut reference): (Sums, Sums) = ([f32::NAN; SIDE * SIDE], [f32::NAN; SIDE * SIDE]);
            let panels = |c: &mut Sums| Panels {
                parts,
                steps: K.div_ceil(DEPTH),
                a: LhsPanel::of(rows.as_ptr(), parts),
                b: columns.as_ptr(),
                begin: Accumulate::Row(&[0.5; SIDE]),
                c: c.as_mut_ptr(),
                width: SIDE,
                far: false,
            };
            // SAFETY: the machine has the instructions and permits them; each matrix is a panel.
            unsafe {
                let _ready = Unit::Tiles.ready();
                Unit::Tiles.add(panels(&mut fast), || ());
                Unit::Portable.add(panels(&mut reference), || ());
            }
            fast == reference
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

    /// The compiler never uses tiles for the surrounding code, so they keep their contents.
    pub(super) fn configure() {
        // SAFETY: the process has tiles and may use them.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &raw const CONFIGURATION, options(nostack, preserves_flags)) };
    }

    pub(super) fn release() {
        // SAFETY: as above.
        unsafe { asm!("tilerelease", options(nostack, preserves_flags)) };
    }

    /// Four products of tiles an iteration; the thread's tiles are configured.
    pub(super) fn in_registers(turns: usize) -> usize {
        // SAFETY: the process has tiles and may use them.
        unsafe {
            asm!("tilezero tmm4", "tilezero tmm5", "tilezero tmm6", "tilezero tmm7", options(nostack, preserves_flags));
            for _ in 0..turns {
                multiply();
            }
        }
        turns * 4 * LINES * LINES * DEPTH
    }

    /// Adds the products of tiles 4 and 5 with 6 and 7 to tiles 0 to 3.
    ///
    /// # Safety
    /// The process must have tiles, and the thread have configured them.
    #[inline(always)]
    unsafe fn multiply() {
        // SAFETY: as the caller promises.
        unsafe {
            asm!(
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tdpbf16ps tmm1, tmm4, tmm7",
                "tdpbf16ps tmm2, tmm5, tmm6",
                "tdpbf16ps tmm3, tmm5, tmm7",
                options(nostack, preserves_flags),
            );
        }
    }

    /// Tiles 0 to 3 hold the sums, 4 and 5 blocks of A, 6 and 7 blocks of B.
    pub(super) unsafe fn add<const PARTS: usize>(
        Panels { steps, a, mut b, begin, c, width, .. }: Panels,
        mut between: impl FnMut(),
    ) {
        // SAFETY: the caller provides a square of C, and panels of as many blocks as are read. A square's initial value
        // is one row for all rows of a tile: a stride of zero bytes.
        unsafe {
            let (from, step) = match begin {
                Accumulate::Row(begin) => (begin.as_ptr(), 0),
                _ => (c.cast_const(), 4 * width),
            };
            if let Accumulate::Zero = begin {
                asm!(
                    "tilezero tmm0",
                    "tilezero tmm1",
                    "tilezero tmm2",
                    "tilezero tmm3",
                    options(nostack, preserves_flags),
                );
            } else {
                asm!(
                    "tileloadd tmm0, [{upper} + {step}*1]", "tileloadd tmm1, [{upper} + {step}*1 + 64]",
                    "tileloadd tmm2, [{lower} + {step}*1]", "tileloadd tmm3, [{lower} + {step}*1 + 64]",
                    upper = in(reg) from, lower = in(reg) from.byte_add(LINES * step), step = in(reg) step,
                    options(nostack, preserves_flags),
                );
            }
            for step in 0..steps {
                let a_step = a.step(step);
                let mut held = (usize::MAX, usize::MAX);
                for &(part_a, part_b) in terms(PARTS) {
                    if part_a != held.0 {
                        let first = a_step.add(part_a * a.part);
                        asm!(
                            "tileloadd tmm4, [{first} + {row}*1]", "tileloadd tmm5, [{second} + {row}*1]",
                            first = in(reg) first, second = in(reg) first.add(a.half), row = in(reg) a.row,
                            options(nostack, preserves_flags),
                        );
                    }
                    if part_b != held.1 {
                        asm!(
                            "tileloadd tmm6, [{b} + {row}*1]", "tileloadd tmm7, [{b} + {row}*1 + 1024]",
                            b = in(reg) b.add(2 * part_b), row = in(reg) size_of::<Block>() / LINES,
                            options(nostack, preserves_flags),
                        );
                    }
                    held = (part_a, part_b);
                    multiply();
                    between();
                }
                b = b.add(2 * PARTS);
            }
            asm!(
                "tilestored [{upper} + {step}*1], tmm0", "tilestored [{upper} + {step}*1 + 64], tmm1",
                "tilestored [{lower} + {step}*1], tmm2", "tilestored [{lower} + {step}*1 + 64], tmm3",
                upper = in(reg) c, lower = in(reg) c.add(LINES * width), step = in(reg) 4 * width,
                options(nostack, preserves_flags),
            );
        }
    }
}
