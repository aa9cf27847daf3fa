//! One pass of an optimiser over all parameters.

use crate::Real;
use crate::dispatch::vectorised;
use crate::pool::{self, Shared};

/// Minimum parameters per thread for waking it to pay off.
const CHUNK: usize = 1 << 14;

/// Parameters computed at a time.
const BLOCK: usize = 16;

/// (θ, state) := f(θ, dθ, state), elementwise, with K state vectors as long as θ.
///
/// # Panics
/// If the lengths differ.
pub fn apply<T: Real, const K: usize>(
    theta: &mut [T],
    gradient: &[T],
    state: [&mut [T]; K],
    f: impl Fn(T, T, [T; K]) -> (T, [T; K]) + Sync,
) {
    assert!(gradient.len() == theta.len() && state.iter().all(|s| s.len() == theta.len()));
    let state = state.map(|s| Shared(s.as_mut_ptr()));
    pool::for_each_chunk(theta, CHUNK, |i, theta| {
        let gradient = &gradient[i * CHUNK..][..theta.len()];
        // SAFETY: each chunk is within the vectors, whose lengths were checked, and no two chunks overlap.
        let mut state: [&mut [T]; K] = std::array::from_fn(|k| unsafe {
            std::slice::from_raw_parts_mut(state[k].get().add(i * CHUNK), theta.len())
        });
        vectorised(
            #[inline(always)]
            || pass(theta, gradient, &mut state, &f),
        );
    });
}

/// Averages of gradients that have stopped, as those of a dead unit, decay towards 0 and would become denormal on the
/// way, which is slow on some machines.
#[inline(always)]
fn flush_denormal<T: Real>(x: T) -> T {
    if x.abs() < T::SMALLEST { T::ZERO } else { x }
}

/// The pass over a chunk. Blocks are copied to the stack first, where the compiler knows that no two vectors overlap.
#[inline(always)]
fn pass<T: Real, const K: usize>(
    theta: &mut [T],
    gradient: &[T],
    state: &mut [&mut [T]; K],
    f: &impl Fn(T, T, [T; K]) -> (T, [T; K]),
) {
    let state = state.each_mut().map(|state| state.as_chunks_mut::<BLOCK>());
    let (theta, rest) = theta.as_chunks_mut::<BLOCK>();
    let (gradient, gradient_rest) = gradient.as_chunks::<BLOCK>();
    for (n, (theta, gradient)) in theta.iter_mut().zip(gradient).enumerate() {
        let (mut t, g) = (*theta, *gradient);
        let mut s: [[T; BLOCK]; K] = std::array::from_fn(|k| state[k].0[n]);
        for i in 0..BLOCK {
            let (new, new_state) = f(t[i], g[i], std::array::from_fn(|k| s[k][i]));
            t[i] = new;
            for k in 0..K {
                s[k][i] = flush_denormal(new_state[k]);
            }
        }
        *theta = t;
        for k in 0..K {
            state[k].0[n] = s[k];
        }
    }
    for (i, (theta, &gradient)) in rest.iter_mut().zip(gradient_rest).enumerate() {
        let (new, new_state) = f(*theta, gradient, std::array::from_fn(|k| state[k].1[i]));
        *theta = new;
        for k in 0..K {
            state[k].1[i] = flush_denormal(new_state[k]);
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    #[cfg_attr(miri, ignore = "long")]
    fn an_average_of_nothing_ends_at_zero() {
        let (mut theta, mut average) = (vec![0.0f32; 40], vec![1.0f32; 40]);
        for _ in 0..1000 {
            super::apply(&mut theta, &[0.0; 40], [&mut average], |theta, d, [v]| (theta, [0.9 * v + 0.1 * d]));
        }
        assert_eq!(average, [0.0; 40]);
    }

    #[test]
    fn every_number_is_updated_once_with_its_own_state() {
        let n = if cfg!(miri) { 50 } else { 40_000 };
        let mut theta: Vec<f64> = (0..n).map(f64::from).collect();
        let gradient = theta.clone();
        let (mut a, mut b) = (theta.clone(), vec![1.0; n as usize]);
        super::apply(&mut theta, &gradient, [&mut a, &mut b], |t, g, [a, b]| (t + g + a, [a * 2.0, b + g]));
        assert!((0..n as usize).all(|i| {
            let x = i as f64;
            theta[i] == 3.0 * x && a[i] == 2.0 * x && b[i] == 1.0 + x
        }));
    }
}
