//! Batch normalisation over the columns of a batch, m × n.

use crate::Real;
use crate::dispatch::vectorised;
use crate::reduce::weighted_column_sums;

/// What the forward pass in training writes besides y.
#[derive(Debug)]
pub struct Kept<'a, T> {
    /// (z − μ)/√(σ² + ε), m × n.
    pub normalised: &'a mut [T],
    /// μ, n numbers.
    pub mean: &'a mut [T],
    /// σ² in the population form, n numbers.
    pub variance: &'a mut [T],
    /// 1/√(σ² + ε), n numbers.
    pub inverse_std: &'a mut [T],
}

/// y = γ (z − μ)/√(σ² + ε) + β with the batch's own μ and σ².
pub fn forward_train<T: Real>(z: &[T], gamma: &[T], beta: &[T], epsilon: T, y: &mut [T], kept: Kept<T>) {
    let n = gamma.len();
    let share = T::of(1.0 / (z.len() / n.max(1)).max(1) as f64);
    let Kept { normalised, mean, variance, inverse_std } = kept;
    weighted_column_sums(z, n, mean, |z| z);
    mean.iter_mut().for_each(|mean| *mean *= share);
    subtract(z, mean, normalised);
    weighted_column_sums(normalised, n, variance, |centred| centred * centred);
    for (variance, inverse) in variance.iter_mut().zip(inverse_std.iter_mut()) {
        *variance *= share;
        *inverse = T::ONE / (*variance + epsilon).sqrt();
    }
    for (y, z_norm) in y.chunks_exact_mut(n).zip(normalised.chunks_exact_mut(n)) {
        vectorised(
            #[inline(always)]
            || {
                for j in 0..n {
                    z_norm[j] *= inverse_std[j];
                    y[j] = gamma[j] * z_norm[j] + beta[j];
                }
            },
        );
    }
}

fn subtract<T: Real>(z: &[T], mean: &[T], out: &mut [T]) {
    let n = mean.len();
    for (z, out) in z.chunks_exact(n).zip(out.chunks_exact_mut(n)) {
        for j in 0..n {
            out[j] = z[j] - mean[j];
        }
    }
}

/// y = γ (z − μ)/√(σ² + ε) + β with given μ and σ².
pub fn forward_predict<T: Real>(z: &[T], [gamma, beta, mean, variance]: [&[T]; 4], epsilon: T, y: &mut [T]) {
    let n = gamma.len();
    for (y, z) in y.chunks_exact_mut(n).zip(z.chunks_exact(n)) {
        vectorised(
            #[inline(always)]
            || {
                for j in 0..n {
                    y[j] = gamma[j] * ((z[j] - mean[j]) / (variance[j] + epsilon).sqrt()) + beta[j];
                }
            },
        );
    }
}

/// dγ = Σ dy z_norm, dβ = Σ dy, dz = γ/√(σ² + ε) · (dy − dβ/m − z_norm dγ/m).
pub fn backward<T: Real>(
    dy: &[T],
    normalised: &[T],
    inverse_std: &[T],
    gamma: &[T],
    dz: Option<&mut [T]>,
    dgamma: &mut [T],
    dbeta: &mut [T],
) {
    let n = gamma.len();
    let share = T::of(1.0 / (dy.len() / n.max(1)).max(1) as f64);
    weighted_column_sums(dy, n, dbeta, |dy| dy);
    dgamma.fill(T::ZERO);
    for (dy, z_norm) in dy.chunks_exact(n).zip(normalised.chunks_exact(n)) {
        vectorised(
            #[inline(always)]
            || {
                for j in 0..n {
                    dgamma[j] += dy[j] * z_norm[j];
                }
            },
        );
    }
    let Some(dz) = dz else { return };
    for ((dz, dy), z_norm) in dz.chunks_exact_mut(n).zip(dy.chunks_exact(n)).zip(normalised.chunks_exact(n)) {
        vectorised(
            #[inline(always)]
            || {
                for j in 0..n {
                    let centred = dy[j] - share * dbeta[j] - z_norm[j] * (share * dgamma[j]);
                    dz[j] = gamma[j] * inverse_std[j] * centred;
                }
            },
        );
    }
}
