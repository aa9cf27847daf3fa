//! The twin of the other units, in plain loops.

use super::pack::Block;
use super::unit::terms;
use super::{LINES, SIDE, Sums};

/// The sums of two panels of A times two of B, words lying in pairs in both.
///
/// # Safety
/// Each panel must be `depth · parts` blocks, and `sums` have room.
pub(super) unsafe fn square(parts: usize, depth: usize, a: [*const Block; 2], b: [*const Block; 2], sums: *mut Sums) {
    // SAFETY: as the caller promises.
    let sums = unsafe {
        sums.write([[0.0; SIDE]; SIDE]);
        &mut *sums
    };
    for step in 0..depth {
        for &(part_a, part_b) in terms(parts) {
            for (row, sums) in sums.iter_mut().enumerate() {
                for (column, sum) in sums.iter_mut().enumerate() {
                    // SAFETY: as the caller promises.
                    let (x, y) = unsafe {
                        (&*a[row / LINES].add(step * parts + part_a), &*b[column / LINES].add(step * parts + part_b))
                    };
                    for pair in 0..LINES {
                        let (x, y) = (x.0[pair * LINES + row % LINES], y.0[pair * LINES + column % LINES]);
                        *sum = high(x).mul_add(high(y), low(x).mul_add(low(y), *sum));
                    }
                }
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
