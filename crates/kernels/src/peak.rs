//! A core's peak performance, for products to be compared with.

use std::hint::black_box;

use crate::bf16::MatmulPrecision;
use crate::dispatch::{Instructions, instructions, vectorised};

/// Accumulator vectors in each of two groups: together enough to hide the latency of a multiply-add. The compiler does
/// not keep a larger group in registers.
const GROUP: usize = 4;

/// Runs `turns` iterations of what products of f32 matrices consist of, in registers; returns the number of their
/// multiply-adds: of f32 vectors, or of bf16 parts, of which each takes several.
pub fn multiply_adds(precision: MatmulPrecision, turns: usize) -> usize {
    match (precision, instructions()) {
        (MatmulPrecision::Bf16(bf16), _) => bf16.in_registers(turns),
        (MatmulPrecision::F32, Instructions::Avx512) => of_vectors::<16>(turns),
        (MatmulPrecision::F32, _) => of_vectors::<8>(turns),
    }
}

fn of_vectors<const LANES: usize>(turns: usize) -> usize {
    let [factor, term] = black_box([0.5, 1.0]);
    let sums = vectorised(
        #[inline(always)]
        || {
            let [mut a, mut b] = [[[0.0; LANES]; GROUP]; 2];
            for _ in 0..turns {
                step(&mut a, factor, term);
                step(&mut b, factor, term);
            }
            [a, b]
        },
    );
    black_box(sums);
    turns * 2 * GROUP * LANES
}

#[inline(always)]
fn step<const LANES: usize>(sums: &mut [[f32; LANES]; GROUP], factor: f32, term: f32) {
    for sum in sums {
        for sum in sum {
            *sum = sum.mul_add(factor, term);
        }
    }
}
