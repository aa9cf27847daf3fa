//! Batch normalisation over the columns of an m × n batch.

use crate::Real;
use crate::dispatch::vectorised;
use crate::elementwise::CHUNK;
use crate::pool::{self, whole_rows};
use crate::reduce::{column_sums, weighted_column_sums};
use crate::scratch::with_scratch;

/// What the training forward pass writes in addition to y.
#[derive(Debug)]
pub struct BatchNormCache<'a, T> {
    /// (z − μ)/√(σ² + ε), m × n.
    pub normalised: &'a mut [T],
    /// μ, n values.
    pub mean: &'a mut [T],
    /// σ², the population variance, n values.
    pub variance: &'a mut [T],
    /// 1/√(σ² + ε), n values.
    pub inverse_std: &'a mut [T],
}

/// y = γ (z − μ)/√(σ² + ε) + β with the batch's own μ and σ².
pub fn forward_train<T: Real>(z: &[T], gamma: &[T], beta: &[T], epsilon: T, y: &mut [T], kept: BatchNormCache<T>) {
    let n = gamma.len();
    let (chunk, share) = (whole_rows(CHUNK, n), T::of(1.0 / (z.len() / n.max(1)).max(1) as f64));
    let BatchNormCache { normalised, mean, variance, inverse_std } = kept;
    column_sums(z, n, mean);
    mean.iter_mut().for_each(|mean| *mean *= share);
    let mean = &*mean;
    pool::for_each_chunk(normalised, chunk, |i, centred| {
        rows([z, z], i * chunk, centred, [mean; 4], |z, _, [mean, ..]| z - mean);
    });
    weighted_column_sums(normalised, normalised, n, variance, |centred, _| centred * centred);
    for (variance, inverse) in variance.iter_mut().zip(inverse_std.iter_mut()) {
        *variance *= share;
        *inverse = T::ONE / (*variance + epsilon).sqrt();
    }
    let inverse_std = &*inverse_std;
    pool::for_each_pair(y, normalised, chunk, |_, y, z_norm| {
        vectorised(
            #[inline(always)]
            || {
                // Equal lengths, so that bounds checks are elided.
                let (inverse_std, gamma, beta) = (&inverse_std[..n], &gamma[..n], &beta[..n]);
                for (y, z_norm) in y.chunks_exact_mut(n).zip(z_norm.chunks_exact_mut(n)) {
                    for j in 0..n {
                        z_norm[j] *= inverse_std[j];
                        y[j] = gamma[j] * z_norm[j] + beta[j];
                    }
                }
            },
        );
    });
}

/// The same with given μ and σ², which [`backward`] then takes for `fixed`; writes (z − μ)/√(σ² + ε) and 1/√(σ² + ε), too.
pub fn forward_fixed<T: Real>(
    z: &[T],
    [gamma, beta, mean, variance]: [&[T]; 4],
    epsilon: T,
    y: &mut [T],
    normalised: &mut [T],
    inverse_std: &mut [T],
) {
    let n = gamma.len();
    let chunk = whole_rows(CHUNK, n);
    inverse_std.iter_mut().zip(variance).for_each(|(to, &variance)| *to = T::ONE / (variance + epsilon).sqrt());
    let inverse_std = &*inverse_std;
    pool::for_each_pair(y, normalised, chunk, |i, y, z_norm| {
        rows([z, z], i * chunk, z_norm, [mean, inverse_std, mean, mean], |z, _, [mean, inverse, ..]| {
            (z - mean) * inverse
        });
        rows([z_norm, z_norm], 0, y, [gamma, beta, gamma, gamma], |z_norm, _, [gamma, beta, ..]| gamma * z_norm + beta);
    });
}

/// Writes f(a, b, the column's four values) for rows of a and b, from element `start` on.
#[inline(always)]
fn rows<T: Real>([a, b]: [&[T]; 2], start: usize, out: &mut [T], columns: [&[T]; 4], f: impl Fn(T, T, [T; 4]) -> T) {
    let (a, b) = (&a[start..][..out.len()], &b[start..][..out.len()]);
    let [p, q, r, s] = columns;
    vectorised(
        #[inline(always)]
        || {
            let n = p.len();
            // Equal lengths, so that bounds checks are elided.
            let (q, r, s) = (&q[..n], &r[..n], &s[..n]);
            for ((out, a), b) in out.chunks_exact_mut(n).zip(a.chunks_exact(n)).zip(b.chunks_exact(n)) {
                for j in 0..n {
                    out[j] = f(a[j], b[j], [p[j], q[j], r[j], s[j]]);
                }
            }
        },
    );
}

/// y = γ (z − μ)/√(σ² + ε) + β with given μ and σ².
pub fn forward_predict<T: Real>(z: &[T], [gamma, beta, mean, variance]: [&[T]; 4], epsilon: T, y: &mut [T]) {
    let n = gamma.len();
    let chunk = whole_rows(CHUNK, n);
    with_scratch(n, |deviation| {
        deviation.iter_mut().zip(variance).for_each(|(to, &variance)| *to = (variance + epsilon).sqrt());
        let deviation = &*deviation;
        pool::for_each_chunk(y, chunk, |i, y| {
            let columns = [gamma, beta, mean, deviation];
            rows([z, z], i * chunk, y, columns, |z, _, [gamma, beta, mean, deviation]| {
                gamma * ((z - mean) / deviation) + beta
            });
        });
    });
}

/// dγ = Σ dy z_norm, dβ = Σ dy, dz = γ/√(σ² + ε) · (dy − dβ/m − z_norm dγ/m); if μ and σ² are `fixed`, dz = γ/√(σ² + ε) · dy.
pub fn backward<T: Real>(
    fixed: bool,
    dy: &[T],
    [normalised, inverse_std, gamma]: [&[T]; 3],
    dz: Option<&mut [T]>,
    [dgamma, dbeta]: [&mut [T]; 2],
) {
    let n = gamma.len();
    let (chunk, share) = (whole_rows(CHUNK, n), T::of(1.0 / (dy.len() / n.max(1)).max(1) as f64));
    column_sums(dy, n, dbeta);
    weighted_column_sums(dy, normalised, n, dgamma, |dy, z_norm| dy * z_norm);
    let (Some(dz), dgamma, dbeta) = (dz, &*dgamma, &*dbeta) else { return };
    with_scratch(3 * n, |room| {
        let (factor, rest) = room.split_at_mut(n);
        let (mean, slope) = rest.split_at_mut(n);
        for j in 0..n {
            (factor[j], mean[j], slope[j]) = (gamma[j] * inverse_std[j], share * dbeta[j], share * dgamma[j]);
        }
        let columns = [&*factor, mean, slope, slope];
        pool::for_each_chunk(dz, chunk, |i, dz| match fixed {
            true => rows([dy, dy], i * chunk, dz, columns, |dy, _, [factor, ..]| factor * dy),
            false => rows([dy, normalised], i * chunk, dz, columns, |dy, z_norm, [factor, mean, slope, _]| {
                factor * (dy - mean - z_norm * slope)
            }),
        });
    });
}
