//! One pass of an optimiser over all parameters.

use crate::Real;
use crate::dispatch::vectorised;
use crate::pool::{self, Shared};

/// Parameters a thread must have to be worth waking.
const CHUNK: usize = 1 << 14;

/// (θ, state) := f(θ, dθ, state), number by number, with K state vectors as long as θ.
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
            || {
                for (j, (theta, &gradient)) in theta.iter_mut().zip(gradient).enumerate() {
                    let (new, new_state) = f(*theta, gradient, std::array::from_fn(|k| state[k][j]));
                    *theta = new;
                    for k in 0..K {
                        state[k][j] = new_state[k];
                    }
                }
            },
        );
    });
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_number_is_updated_once_with_its_own_state() {
        let n = 40_000;
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
