//! The rate of the moment: multiply-adds from registers, which nothing but the core's clock and other load on it limit.

use std::time::Instant;

use thalweg_kernels::peak;

use crate::median;

/// Iterations in one reading: some 50 µs.
const TURNS: usize = 1 << 14;
/// Readings, of which the median counts: one may be interrupted.
const READINGS: usize = 5;

/// GFLOP/s of f32 multiply-adds in the registers of this core now.
pub(crate) fn now() -> f64 {
    let reading = |_| {
        let start = Instant::now();
        let count = peak::multiply_adds(TURNS);
        2e-9 * count as f64 / start.elapsed().as_secs_f64()
    };
    median((0..READINGS).map(reading).collect())
}
