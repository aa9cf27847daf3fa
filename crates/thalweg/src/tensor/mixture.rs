//! The mean of several members' answers, as logits. Computed in f64, row by row: it is a small part of a network's work.

use thalweg_kernels::Real;

use super::ops::{Element, by_dtype, fits};
use super::{Activation, Dtype, View, ViewMut};

/// ln σ(z) = min(z, 0) − ln(1 + e^−|z|).
fn log_sigmoid(z: f64) -> f64 {
    z.min(0.0) - Real::ln_1p(Real::exp(-z.abs()))
}

/// ln Σ e^x.
fn log_sum_exp(x: impl Iterator<Item = f64> + Clone) -> f64 {
    let largest = x.clone().fold(f64::NEG_INFINITY, f64::max);
    largest + Real::ln(x.map(|x| Real::exp(x - largest)).sum::<f64>())
}

/// The logits y of the mean of g(zₖ) over the members: z is m × k·C, one member's logits after another's, y is m × C.
///
/// For softmax, `log` keeps ln softmax(zₖ), m × k·C; for other activations it is empty.
pub fn mixture(g: Activation, z: View, log: ViewMut, y: ViewMut) {
    fits!("mixture", z.shape().columns().is_multiple_of(y.shape().columns()), z, y);
    by_dtype!(z, typed(g, z, log, y));

    fn typed<T: Element>(g: Activation, z: View, log: ViewMut, y: ViewMut) {
        let (all, outputs) = (z.shape().columns(), y.shape().columns());
        let members = (all / outputs) as f64;
        let log = T::write(log);
        for (row, (z, y)) in T::read(z).chunks_exact(all).zip(T::write(y).chunks_exact_mut(outputs)).enumerate() {
            let each = |c: usize| z[c..].iter().step_by(outputs).map(|z| z.f64());
            match g {
                Activation::Softmax => {
                    let log = &mut log[row * all..(row + 1) * all];
                    for (z, log) in z.chunks_exact(outputs).zip(log.chunks_exact_mut(outputs)) {
                        let total = log_sum_exp(z.iter().map(|z| z.f64()));
                        log.iter_mut().zip(z).for_each(|(log, z)| *log = T::of(z.f64() - total));
                    }
                    for (c, y) in y.iter_mut().enumerate() {
                        let each = log[c..].iter().step_by(outputs).map(|log| log.f64());
                        *y = T::of(log_sum_exp(each) - Real::ln(members));
                    }
                }
                Activation::Sigmoid => {
                    for (c, y) in y.iter_mut().enumerate() {
                        let (for_it, against) = (each(c).map(log_sigmoid), each(c).map(|z| log_sigmoid(-z)));
                        *y = T::of(log_sum_exp(for_it) - log_sum_exp(against));
                    }
                }
                _ => y.iter_mut().enumerate().for_each(|(c, y)| *y = T::of(each(c).sum::<f64>() / members)),
            }
        }
    }
}

/// dz of [`mixture`] from dy, with what it kept in `log`.
pub fn mixture_backward(g: Activation, z: View, log: View, dy: View, dz: ViewMut) {
    fits!("mixture_backward", z.len() == dz.view().len(), z, dz);
    fits!("mixture_backward", z.shape().columns().is_multiple_of(dy.shape().columns()), z, dy);
    by_dtype!(z, typed(g, z, log, dy, dz));

    fn typed<T: Element>(g: Activation, z: View, log: View, dy: View, dz: ViewMut) {
        let (all, outputs) = (z.shape().columns(), dy.shape().columns());
        let members = (all / outputs) as f64;
        let log = T::read(log);
        let rows = T::read(z).chunks_exact(all).zip(T::read(dy).chunks_exact(outputs));
        for (row, ((z, dy), dz)) in rows.zip(T::write(dz).chunks_exact_mut(all)).enumerate() {
            match g {
                Activation::Softmax => {
                    let log = &log[row * all..(row + 1) * all];
                    // First each logarithm's gradient: dy times the member's share of the sum.
                    for (c, dy) in dy.iter().enumerate() {
                        let total = log_sum_exp(log[c..].iter().step_by(outputs).map(|log| log.f64()));
                        for i in (c..all).step_by(outputs) {
                            dz[i] = T::of(dy.f64() * Real::exp(log[i].f64() - total));
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
                        let for_it = log_sum_exp(each.clone().map(log_sigmoid));
                        let against = log_sum_exp(each.map(|z| log_sigmoid(-z)));
                        for i in (c..all).step_by(outputs) {
                            // d ln σ(z) = σ(−z) and d ln σ(−z) = −σ(z), each times the member's share of its sum.
                            let both = log_sigmoid(z[i].f64()) + log_sigmoid(-z[i].f64());
                            dz[i] = T::of(dy.f64() * (Real::exp(both - for_it) + Real::exp(both - against)));
                        }
                    }
                }
                _ => (0..all).for_each(|i| dz[i] = T::of(dy[i % outputs].f64() / members)),
            }
        }
    }
}
