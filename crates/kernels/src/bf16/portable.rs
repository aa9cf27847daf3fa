//! The reference for the other units, in plain loops.

use super::unit::{Panels, terms};
use super::{Accumulate, LINES, SIDE};

/// As [`Unit::add`](super::Unit), with words stored in lines in A, in pairs in B.
///
/// # Safety
/// As there.
pub(super) unsafe fn add(Panels { parts, steps, a, b, begin, c, width, .. }: Panels) {
    for row in 0..SIDE {
        for column in 0..SIDE {
            // SAFETY: the caller provides a square of C, and panels of as many steps.
            unsafe {
                let c = c.add(row * width + column);
                let mut sum = match begin {
                    Accumulate::Zero => 0.0,
                    Accumulate::Row(begin) => begin[column],
                    Accumulate::Sums => *c,
                };
                for step in 0..steps {
                    for &(part_a, part_b) in terms(parts) {
                        let x = a.step(step).add(part_a * a.part + row / LINES * a.half + row % LINES * a.row);
                        let y = &(*b.add(2 * (step * parts + part_b) + column / LINES)).0;
                        for pair in 0..LINES {
                            // Rows may begin anywhere, even within a word.
                            let x = x.cast::<u32>().add(pair).read_unaligned();
                            let y = y[pair * LINES + column % LINES];
                            sum = high(x).mul_add(high(y), low(x).mul_add(low(y), sum));
                        }
                    }
                }
                *c = sum;
            }
        }
    }
}

/// The first value of a word.
fn low(word: u32) -> f32 {
    f32::from_bits(word << 16)
}

/// The second value of a word.
fn high(word: u32) -> f32 {
    f32::from_bits(word & 0xffff_0000)
}
