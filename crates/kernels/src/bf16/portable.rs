//! The twin of the other units, in plain loops.

use super::pack::Block;
use super::unit::terms;
use super::{Begin, LINES, SIDE};

/// As [`Unit::square`](super::Unit), words lying in pairs in both panels.
///
/// # Safety
/// As there.
pub(super) unsafe fn square(
    parts: usize,
    depth: usize,
    [a, b]: [*const Block; 2],
    begin: Begin,
    c: *mut f32,
    width: usize,
) {
    for row in 0..SIDE {
        for column in 0..SIDE {
            // SAFETY: the caller gives a square of C, and panels of as many blocks.
            unsafe {
                let c = c.add(row * width + column);
                let mut sum = match begin {
                    Begin::Zero => 0.0,
                    Begin::Row(begin) => begin[column],
                    Begin::Sums => *c,
                };
                for step in 0..depth {
                    for &(part_a, part_b) in terms(parts) {
                        let block = |x: *const Block, part: usize, line: usize| {
                            &(*x.add(2 * (step * parts + part) + line / LINES)).0
                        };
                        let (x, y) = (block(a, part_a, row), block(b, part_b, column));
                        for pair in 0..LINES {
                            let (x, y) = (x[pair * LINES + row % LINES], y[pair * LINES + column % LINES]);
                            sum = high(x).mul_add(high(y), low(x).mul_add(low(y), sum));
                        }
                    }
                }
                *c = sum;
            }
        }
    }
}

/// The first number of a word.
fn low(word: u32) -> f32 {
    f32::from_bits(word << 16)
}

/// The second number of a word.
fn high(word: u32) -> f32 {
    f32::from_bits(word & 0xffff_0000)
}
