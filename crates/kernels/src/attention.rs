//! Scaled dot-product attention (Vaswani et al. 2017), example by example and head by head.
//!
//! Scores are computed for a block of queries at a time, and once more in the backward pass: memory is proportional to
//! the steps, not to their square. They are held transposed, a row for each key, so that softmax runs through the keys of
//! all queries of a block side by side.

use crate::Real;
use crate::bf16::MatmulPrecision;
use crate::dispatch::vectorised;
use crate::gemm::{Gemm, Matrix, gemm, gemm_onto};
use crate::pool;
use crate::scratch::with_scratch;

/// Queries whose scores are computed together: those of some hundred keys stay in L1.
const QUERIES: usize = 32;

/// The sizes of an attention.
#[derive(Debug, Clone, Copy)]
pub struct Attention<'a, T> {
    /// T, the steps of each example.
    pub steps: usize,
    /// How many heads there are.
    pub heads: usize,
    /// d, the values of a head.
    pub size: usize,
    /// How many steps of each example count, if not all: the others are not attended to, and attend to nothing.
    pub lengths: Option<&'a [T]>,
}

/// Which of the three values of a step are meant.
#[derive(Clone, Copy)]
enum Of {
    Query,
    Key,
    Value,
}

impl<T: Gemm> Attention<'_, T> {
    fn counted(&self, example: usize) -> usize {
        self.lengths.map_or(self.steps, |lengths| (lengths[example].f64() as usize).min(self.steps))
    }

    /// Values of a step in y, a third of those in the input.
    fn width(&self) -> usize {
        self.heads * self.size
    }

    /// Where the values of a step for a head begin in the input.
    fn start(&self, t: usize, of: Of, head: usize) -> usize {
        t * 3 * self.width() + of as usize * self.width() + head * self.size
    }

    /// A head's values of each counted step, one after the other, times a factor.
    fn collect(&self, x: &[T], of: Of, head: usize, factor: T, to: &mut [T]) {
        for (t, to) in to.chunks_exact_mut(self.size).enumerate() {
            let start = self.start(t, of, head);
            to.iter_mut().zip(&x[start..start + self.size]).for_each(|(to, &from)| *to = factor * from);
        }
    }

    fn scale(&self) -> T {
        T::of(1.0 / (self.size as f64).sqrt())
    }

    /// y = softmax(Q Kᵀ/√d) V for each head, the heads of a step one after the other; a step of x has all heads' queries,
    /// then their keys, then their values.
    ///
    /// # Panics
    /// If the lengths do not match.
    pub fn forward(&self, x: &[T], y: &mut [T]) {
        let (width, d, row) = (self.width(), self.size, self.steps * self.width());
        assert_eq!(x.len(), 3 * y.len(), "attention: shapes do not fit");
        pool::for_each_chunks([(y, row)], |example, [y]| {
            let (x, n) = (&x[3 * example * row..][..3 * row], self.counted(example));
            let block = n.min(QUERIES);
            y[n * width..].fill(T::ZERO);
            with_scratch(3 * n * d + block * (n + d), |all: &mut [T]| {
                let [q, k, v, scores, out] = parts(all, [n * d, n * d, n * d, block * n, block * d]);
                for head in 0..self.heads {
                    self.collect(x, Of::Query, head, self.scale(), q);
                    self.collect(x, Of::Key, head, T::ONE, k);
                    self.collect(x, Of::Value, head, T::ONE, v);
                    for (i, q) in q.chunks(QUERIES * d).enumerate() {
                        let (rows, first) = (q.len() / d, i * QUERIES);
                        let (scores, out) = (&mut scores[..n * rows], &mut out[..rows * d]);
                        weights(Matrix::new(k, n, d), Matrix::new(q, rows, d), scores);
                        product(Matrix::new(scores, n, rows).t(), Matrix::new(v, n, d), out);
                        for (t, out) in out.chunks_exact(d).enumerate() {
                            y[(first + t) * width + head * d..][..d].copy_from_slice(out);
                        }
                    }
                }
            });
        });
    }

    /// dx from dy: with P = softmax(S) and S = Q Kᵀ/√d, dV = Pᵀ dY, dP = dY Vᵀ, dS = P ∗ (dP − Σ dP ∗ P), dQ = dS K/√d
    /// and dK = dSᵀ Q/√d.
    ///
    /// # Panics
    /// If the lengths do not match.
    pub fn backward(&self, x: &[T], dy: &[T], dx: &mut [T]) {
        let (width, d, row) = (self.width(), self.size, self.steps * self.width());
        assert!(x.len() == dx.len() && x.len() == 3 * dy.len(), "attention: shapes do not fit");
        pool::for_each_chunks([(dx, 3 * row)], |example, [dx]| {
            let (x, n) = (&x[3 * example * row..][..3 * row], self.counted(example));
            let dy = &dy[example * row..][..row];
            let block = n.min(QUERIES);
            dx[3 * n * width..].fill(T::ZERO);
            let sizes = [n * d, n * d, n * d, n * d, n * d, block * n, block * n, block * d, block * d];
            with_scratch(sizes.iter().sum(), |all: &mut [T]| {
                let [q, k, v, dk, dv, scores, dscores, dout, dq] = parts(all, sizes);
                for head in 0..self.heads {
                    self.collect(x, Of::Query, head, self.scale(), q);
                    self.collect(x, Of::Key, head, T::ONE, k);
                    self.collect(x, Of::Value, head, T::ONE, v);
                    dk.fill(T::ZERO);
                    dv.fill(T::ZERO);
                    let keys = Matrix::new(k, n, d);
                    for (i, q) in q.chunks(QUERIES * d).enumerate() {
                        let (rows, first) = (q.len() / d, i * QUERIES);
                        let q = Matrix::new(q, rows, d);
                        let (scores, dscores) = (&mut scores[..n * rows], &mut dscores[..n * rows]);
                        let (dout, dq) = (&mut dout[..rows * d], &mut dq[..rows * d]);
                        for (t, dout) in dout.chunks_exact_mut(d).enumerate() {
                            dout.copy_from_slice(&dy[(first + t) * width + head * d..][..d]);
                        }
                        let dout = Matrix::new(dout, rows, d);
                        weights(keys, q, scores);
                        product(Matrix::new(v, n, d), dout.t(), dscores);
                        gemm_onto(Matrix::new(scores, n, rows), dout, dv);
                        softmax_backward(scores, dscores, rows);
                        let dscores = Matrix::new(dscores, n, rows);
                        product(dscores.t(), keys, dq);
                        gemm_onto(dscores, q, dk);
                        for (t, dq) in dq.chunks_exact(d).enumerate() {
                            let start = self.start(first + t, Of::Query, head);
                            let to = &mut dx[start..start + d];
                            to.iter_mut().zip(dq).for_each(|(to, &dq)| *to = self.scale() * dq);
                        }
                    }
                    for (of, from) in [(Of::Key, &*dk), (Of::Value, &*dv)] {
                        for (t, from) in from.chunks_exact(d).enumerate() {
                            let start = self.start(t, of, head);
                            dx[start..start + d].copy_from_slice(from);
                        }
                    }
                }
            });
        });
    }
}

/// Cuts a buffer into parts of these lengths.
fn parts<T, const K: usize>(mut all: &mut [T], lengths: [usize; K]) -> [&mut [T]; K] {
    lengths.map(|length| {
        let (part, rest) = std::mem::take(&mut all).split_at_mut(length);
        all = rest;
        part
    })
}

fn product<T: Gemm>(a: Matrix<T>, b: Matrix<T>, c: &mut [T]) {
    gemm(a, b, None, c, MatmulPrecision::F32);
}

/// Pᵀ, where P = softmax(Q Kᵀ).
fn weights<T: Gemm>(k: Matrix<T>, q: Matrix<T>, scores: &mut [T]) {
    product(k, q.t(), scores);
    softmax_of_columns(scores, q.rows);
}

/// e^z / Σe^z over each of up to `QUERIES` columns, overwriting z; the column's largest z is subtracted first.
fn softmax_of_columns<T: Real>(z: &mut [T], columns: usize) {
    let (mut max, mut total) = ([T::ZERO; QUERIES], [T::ZERO; QUERIES]);
    let (max, total) = (&mut max[..columns], &mut total[..columns]);
    max.copy_from_slice(&z[..columns]);
    vectorised(
        #[inline(always)]
        || {
            for z in z.chunks_exact(columns).skip(1) {
                max.iter_mut().zip(z).for_each(|(max, &z)| *max = max.max(z));
            }
            for z in z.chunks_exact_mut(columns) {
                z.iter_mut().zip(&*max).for_each(|(z, &max)| *z = (*z - max).exp());
                total.iter_mut().zip(&*z).for_each(|(total, &e)| *total += e);
            }
            for z in z.chunks_exact_mut(columns) {
                z.iter_mut().zip(&*total).for_each(|(e, &total)| *e = *e / total);
            }
        },
    );
}

/// dS = P ∗ (dP − Σ dP ∗ P) for each of up to `QUERIES` columns, overwriting dP.
fn softmax_backward<T: Real>(p: &[T], dp: &mut [T], columns: usize) {
    let mut along = [T::ZERO; QUERIES];
    let along = &mut along[..columns];
    vectorised(
        #[inline(always)]
        || {
            for (p, dp) in p.chunks_exact(columns).zip(dp.chunks_exact(columns)) {
                along.iter_mut().zip(p.iter().zip(dp)).for_each(|(along, (&p, &dp))| *along += p * dp);
            }
            for (p, dp) in p.chunks_exact(columns).zip(dp.chunks_exact_mut(columns)) {
                dp.iter_mut().zip(p.iter().zip(&*along)).for_each(|(dp, (&p, &along))| *dp = p * (*dp - along));
            }
        },
    );
}
