//! The rate of the moment: multiply-adds from registers, in what a precision multiplies with, which nothing but the core's
//! clock and other load on it limit.

use std::time::Instant;

use thalweg::tensor::ops::MatmulPrecision;
use thalweg_kernels::peak;

use crate::median;

/// Iterations in one reading: some 50 µs.
const TURNS: usize = 1 << 14;
/// Readings, of which the median counts: one may be interrupted.
const READINGS: usize = 5;

/// GFLOP/s of a precision's multiply-adds of f32 matrices in the registers of this core now.
pub(crate) fn now(precision: MatmulPrecision) -> f64 {
    let reading = |_| {
        let start = Instant::now();
        let count = peak::multiply_adds(precision, TURNS);
        2e-9 * count as f64 / start.elapsed().as_secs_f64()
    };
    median((0..READINGS).map(reading).collect())
}
