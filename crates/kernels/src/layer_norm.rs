//! Layer normalisation over the rows of a matrix, m × n.

use crate::Real;
use crate::dispatch::vectorised;
use crate::elementwise::CHUNK;
use crate::pool::{self, whole_rows};
use crate::reduce::{column_sums, sum, sum_squares, weighted_column_sums};

/// z̃ = γ (z − μ)/√(σ² + ε) + β with each row's own μ and σ² (population variance).
///
/// # Panics
/// If the lengths do not match.
pub fn forward<T: Real>(z: &[T], gamma: &[T], beta: &[T], epsilon: f64, y: &mut [T]) {
    let n = gamma.len();
    assert!(z.len() == y.len() && z.len().is_multiple_of(n) && beta.len() == n, "layer_norm: shapes do not fit");
    let chunk = whole_rows(CHUNK, n);
    pool::for_each_chunk(y, chunk, |i, y| {
        let z = &z[i * chunk..][..y.len()];
        for (y, z) in y.chunks_exact_mut(n).zip(z.chunks_exact(n)) {
            let inverse = normalise(z, epsilon, y);
            vectorised(
                #[inline(always)]
                || {
                    for j in 0..n {
                        y[j] = gamma[j] * (y[j] * inverse) + beta[j];
                    }
                },
            );
        }
    });
}

/// Writes z − μ; returns 1/√(σ² + ε).
fn normalise<T: Real>(z: &[T], epsilon: f64, centred: &mut [T]) -> T {
    let n = z.len() as f64;
    let mean = T::of(sum(z) / n);
    centred.iter_mut().zip(z).for_each(|(centred, &z)| *centred = z - mean);
    T::of(1.0 / (sum_squares(centred) / n + epsilon).sqrt())
}

/// dγ = Σ dy z_norm and dβ = Σ dy over rows, and, if requested, dz = (d − mean of d − z_norm · mean of d z_norm)/√(σ² +
/// ε) with d = γ dy, row by row. `z_norm` is a buffer as long as z.
///
/// # Panics
/// If the lengths do not match.
pub fn backward<T: Real>(
    z: &[T],
    gamma: &[T],
    epsilon: f64,
    dy: &[T],
    z_norm: &mut [T],
    dz: Option<&mut [T]>,
    [dgamma, dbeta]: [&mut [T]; 2],
) {
    let n = gamma.len();
    assert!(z.len() == dy.len() && z.len() == z_norm.len() && z.len().is_multiple_of(n));
    let chunk = whole_rows(CHUNK, n);
    let row = |z: &[T], dy: &[T], z_norm: &mut [T], dz: Option<&mut [T]>| {
        let inverse = normalise(z, epsilon, z_norm);
        z_norm.iter_mut().for_each(|z_norm| *z_norm *= inverse);
        let Some(dz) = dz else { return };
        dz.iter_mut().zip(dy).zip(gamma).for_each(|((dz, &dy), &gamma)| *dz = gamma * dy);
        let mean = T::of(sum(dz) / n as f64);
        let products: f64 = dz.iter().zip(&*z_norm).map(|(d, z_norm)| d.f64() * z_norm.f64()).sum();
        let along = T::of(products / n as f64);
        dz.iter_mut().zip(&*z_norm).for_each(|(dz, &z_norm)| *dz = inverse * (*dz - mean - z_norm * along));
    };
    match dz {
        Some(dz) => pool::for_each_pair(z_norm, dz, chunk, |i, z_norm, dz| {
            let rows = z[i * chunk..].chunks_exact(n).zip(dy[i * chunk..].chunks_exact(n));
            for ((z_norm, dz), (z, dy)) in z_norm.chunks_exact_mut(n).zip(dz.chunks_exact_mut(n)).zip(rows) {
                row(z, dy, z_norm, Some(dz));
            }
        }),
        None => pool::for_each_chunk(z_norm, chunk, |i, z_norm| {
            for (z_norm, z) in z_norm.chunks_exact_mut(n).zip(z[i * chunk..].chunks_exact(n)) {
                row(z, &[], z_norm, None);
            }
        }),
    }
    weighted_column_sums(dy, z_norm, n, dgamma, |dy, z_norm| dy * z_norm);
    column_sums(dy, n, dbeta);
}
