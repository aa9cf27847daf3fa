//! The weighted mean of several members' answers, as logits. Computed in f64, row by row: it is a small part of a
//! network's work.

use thalweg_kernels::Real;

use super::ops::{Element, by_dtype, fits};
use super::{Activation, Dtype, View, ViewMut};

/// ln σ(z) = min(z, 0) − ln(1 + e^−|z|).
fn log_sigmoid(z: f64) -> f64 {
    z.min(0.0) - Real::ln_1p(Real::exp(-z.abs()))
}

/// ln Σ w e^x.
fn log_sum_exp(terms: impl Iterator<Item = (f64, f64)> + Clone) -> f64 {
    let largest = terms.clone().fold(f64::NEG_INFINITY, |largest, (_, x)| largest.max(x));
    largest + Real::ln(terms.map(|(w, x)| w * Real::exp(x - largest)).sum::<f64>())
}

/// The weights of K members in a mean, times K: one for each of several groups of equally many members, or 1 for all.
#[derive(Clone, Copy)]
struct MemberWeights<'a> {
    members: usize,
    groups: &'a [f64],
}

impl MemberWeights<'_> {
    fn of(self, member: usize) -> f64 {
        let groups = self.groups.len();
        if groups == 0 { 1.0 } else { self.groups[member * groups / self.members] * groups as f64 }
    }

    /// Each member's weight and its value.
    fn with<'a>(self, values: impl Iterator<Item = f64> + Clone + 'a) -> impl Iterator<Item = (f64, f64)> + Clone + 'a
    where
        Self: 'a,
    {
        values.enumerate().map(move |(k, x)| (self.of(k), x))
    }
}

/// The logits y of the mean of g(zₖ) over the members: z is m × k·C, one member's logits after another's, y is m × C.
/// `weights` are those of groups of equally many members, 1 in all; none where all weigh the same.
///
/// For softmax, `log` keeps ln softmax(zₖ), m × k·C; for other activations it is empty.
pub fn mixture(g: Activation, weights: &[f64], z: View, log: ViewMut, y: ViewMut) {
    fits!("mixture", z.shape().columns().is_multiple_of(y.shape().columns()), z, y);
    by_dtype!(z, typed(g, weights, z, log, y));

    fn typed<T: Element>(g: Activation, weights: &[f64], z: View, log: ViewMut, y: ViewMut) {
        let (all, outputs) = (z.shape().columns(), y.shape().columns());
        let weights = MemberWeights { members: all / outputs, groups: weights };
        let log = T::write(log);
        for (row, (z, y)) in T::read(z).chunks_exact(all).zip(T::write(y).chunks_exact_mut(outputs)).enumerate() {
            let each = |c: usize| z[c..].iter().step_by(outputs).map(|z| z.f64());
            match g {
                Activation::Softmax => {
                    let log = &mut log[row * all..(row + 1) * all];
                    for (z, log) in z.chunks_exact(outputs).zip(log.chunks_exact_mut(outputs)) {
                        let total = log_sum_exp(z.iter().map(|z| (1.0, z.f64())));
                        log.iter_mut().zip(z).for_each(|(log, z)| *log = T::of(z.f64() - total));
                    }
                    for (c, y) in y.iter_mut().enumerate() {
                        let each = log[c..].iter().step_by(outputs).map(|log| log.f64());
                        *y = T::of(log_sum_exp(weights.with(each)) - Real::ln(weights.members as f64));
                    }
                }
                Activation::Sigmoid => {
                    for (c, y) in y.iter_mut().enumerate() {
                        let for_it = log_sum_exp(weights.with(each(c).map(log_sigmoid)));
                        let against = log_sum_exp(weights.with(each(c).map(|z| log_sigmoid(-z))));
                        *y = T::of(for_it - against);
                    }
                }
                _ => {
                    for (c, y) in y.iter_mut().enumerate() {
                        let sum: f64 = weights.with(each(c)).map(|(w, z)| w * z).sum();
                        *y = T::of(sum / weights.members as f64);
                    }
                }
            }
        }
    }
}

/// dz of [`mixture`] from dy, with what it kept in `log`.
pub fn mixture_backward(g: Activation, weights: &[f64], z: View, log: View, dy: View, dz: ViewMut) {
    fits!("mixture_backward", z.len() == dz.view().len(), z, dz);
    fits!("mixture_backward", z.shape().columns().is_multiple_of(dy.shape().columns()), z, dy);
    by_dtype!(z, typed(g, weights, z, log, dy, dz));

    fn typed<T: Element>(g: Activation, weights: &[f64], z: View, log: View, dy: View, dz: ViewMut) {
        let (all, outputs) = (z.shape().columns(), dy.shape().columns());
        let weights = MemberWeights { members: all / outputs, groups: weights };
        let log = T::read(log);
        let rows = T::read(z).chunks_exact(all).zip(T::read(dy).chunks_exact(outputs));
        for (row, ((z, dy), dz)) in rows.zip(T::write(dz).chunks_exact_mut(all)).enumerate() {
            match g {
                Activation::Softmax => {
                    let log = &log[row * all..(row + 1) * all];
                    // First each logarithm's gradient: dy times the member's share of the sum.
                    for (c, dy) in dy.iter().enumerate() {
                        let each = log[c..].iter().step_by(outputs).map(|log| log.f64());
                        let total = log_sum_exp(weights.with(each));
                        for i in (c..all).step_by(outputs) {
                            let share = weights.of(i / outputs) * Real::exp(log[i].f64() - total);
                            dz[i] = T::of(dy.f64() * share);
                        }
                    }
                    for (log, dz) in log.chunks_exact(outputs).zip(dz.chunks_exact_mut(outputs)) {
                        let sum: f64 = dz.iter().map(|dz| dz.f64()).sum();
                        let each = dz.iter_mut().zip(log);
                        each.for_each(|(dz, log)| *dz = T::of(dz.f64() - Real::exp(log.f64()) * sum));
                    }
                }
                Activation::Sigmoid => {
                    for (c, dy) in dy.iter().enumerate() {
                        let each = z[c..].iter().step_by(outputs).map(|z| z.f64());
                        let for_it = log_sum_exp(weights.with(each.clone().map(log_sigmoid)));
                        let against = log_sum_exp(weights.with(each.map(|z| log_sigmoid(-z))));
                        for i in (c..all).step_by(outputs) {
                            // d ln σ(z) = σ(−z) and d ln σ(−z) = −σ(z), each times the member's share of its sum.
                            let both = log_sigmoid(z[i].f64()) + log_sigmoid(-z[i].f64());
                            let shares = Real::exp(both - for_it) + Real::exp(both - against);
                            dz[i] = T::of(dy.f64() * (weights.of(i / outputs) * shares));
                        }
                    }
                }
                _ => {
                    let members = weights.members as f64;
                    (0..all).for_each(|i| dz[i] = T::of(weights.of(i / outputs) * dy[i % outputs].f64() / members));
                }
            }
        }
    }
}
