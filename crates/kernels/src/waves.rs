//! Cosines and sines of one column of numbers at several frequencies.

use crate::Real;
use crate::dispatch::vectorised;
use crate::pool;

/// Elements that are worth a thread: each takes a polynomial.
const CHUNK: usize = 1 << 13;

/// `waves[i] = [cos 2πt₁ … cos 2πt_k, sin 2πt₁ … sin 2πt_k]` with tⱼ = cⱼ `x[i, column]`; x has rows of `inputs` numbers.
///
/// # Panics
/// If there is no such column, or `waves` does not have 2k elements for each row of x.
pub fn waves<T: Real>(x: &[T], (inputs, column): (usize, usize), c: &[T], waves: &mut [T]) {
    let width = 2 * c.len();
    assert!(column < inputs && waves.len() == x.len() / inputs * width, "waves: there is room for each row");
    let chunk = pool::whole_rows(CHUNK, width);
    pool::for_each_chunk(waves, chunk, |i, waves| {
        let x = x.chunks_exact(inputs).skip(i * chunk / width);
        vectorised(
            #[inline(always)]
            || {
                for (waves, x) in waves.chunks_exact_mut(width).zip(x) {
                    let (x, (cos, sin)) = (x[column], waves.split_at_mut(c.len()));
                    for ((cos, sin), &c) in cos.iter_mut().zip(sin).zip(c) {
                        (*sin, *cos) = (c * x).sin_cos_turns();
                    }
                }
            },
        );
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_has_the_cosines_and_then_the_sines_of_its_number() {
        let (inputs, c) = (3, [0.25, -0.125]);
        let rows = CHUNK / 4 + 5;
        let x: Vec<f64> = (0..rows * inputs).map(|i| (i % 17) as f64 - 8.0).collect();
        let mut found = vec![0.0; rows * 4];
        waves(&x, (inputs, 1), &c, &mut found);
        for (x, found) in x.chunks_exact(inputs).zip(found.chunks_exact(4)) {
            let v = c.map(|c| std::f64::consts::TAU * c * x[1]);
            let expected = [libm::cos(v[0]), libm::cos(v[1]), libm::sin(v[0]), libm::sin(v[1])];
            assert!(
                found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-14),
                "{x:?}: {found:?}, not {expected:?}"
            );
        }
    }
}
