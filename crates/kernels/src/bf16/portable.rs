//! The twin of the tiles, equal to them bit for bit, on any processor: what TDPBF16PS computes (Intel 64 and IA-32
//! Architectures Software Developer's Manual, volume 2). For each element of C and each 32 elements along k, two chains of
//! fused multiply-adds from zero, one over the even elements and one over the odd ones, whose sum is added to the element.
//! Subnormal numbers count as zero, as factors and as results.

use super::unit::{Panels, terms};
use super::{Accumulate, LINES, SIDE};
use crate::dispatch::vectorised;

/// As [`Unit::add`](super::Unit), with words stored in lines in A, in pairs in B.
///
/// # Safety
/// As there.
pub(super) unsafe fn add(panels: Panels) {
    vectorised(
        #[inline(always)]
        || {
            for row in 0..SIDE {
                for half in 0..SIDE / LINES {
                    // SAFETY: as the caller promises.
                    unsafe { add_line(&panels, row, half) };
                }
            }
        },
    );
}

/// Half a row of the square.
#[inline(always)]
unsafe fn add_line(&Panels { parts, steps, a, b, begin, c, width, .. }: &Panels, row: usize, half: usize) {
    // SAFETY: the caller provides a square of C, and panels of as many steps.
    unsafe {
        let c = c.add(row * width + half * LINES).cast::<[f32; LINES]>();
        let mut sums = match begin {
            Accumulate::Zero => [0.0; LINES],
            Accumulate::Row(begin) => std::array::from_fn(|i| begin[half * LINES + i]),
            Accumulate::Sums => c.read_unaligned(),
        };
        for step in 0..steps {
            for &(part_a, part_b) in terms(parts) {
                let x = a.step(step).add(part_a * a.part + row / LINES * a.half + row % LINES * a.row);
                let y = &(*b.add(2 * (step * parts + part_b) + half)).0;
                let [mut even, mut odd] = [[0.0; LINES]; 2];
                for (pair, y) in y.chunks_exact(LINES).enumerate() {
                    // Rows may begin anywhere, even within a word.
                    let x = x.cast::<u32>().add(pair).read_unaligned();
                    for i in 0..LINES {
                        even[i] = flushed(low(x).mul_add(low(y[i]), even[i]));
                        odd[i] = flushed(high(x).mul_add(high(y[i]), odd[i]));
                    }
                }
                for i in 0..LINES {
                    sums[i] = flushed(flushed(sums[i]) + flushed(even[i] + odd[i]));
                }
            }
        }
        c.write_unaligned(sums);
    }
}

/// The first value of a word.
#[inline(always)]
fn low(word: u32) -> f32 {
    flushed(f32::from_bits(word << 16))
}

/// The second value of a word.
#[inline(always)]
fn high(word: u32) -> f32 {
    flushed(f32::from_bits(word & 0xffff_0000))
}

/// Zero of the same sign for a subnormal number.
#[inline(always)]
fn flushed(x: f32) -> f32 {
    if x.abs() < f32::MIN_POSITIVE { f32::from_bits(x.to_bits() & 0x8000_0000) } else { x }
}
