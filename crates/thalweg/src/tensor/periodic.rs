//! Cosines and sines of one input column at several frequencies.

use std::f64::consts::TAU;

use thalweg_kernels::waves as kernel;

use super::ops::{Element, by_dtype, fits};
use super::{Dtype, View, ViewMut};

/// `waves[i] = [cos v, sin v]` with v = 2π c `x[i, column]`: c has k frequencies, a row of waves 2k elements.
pub fn waves(x: View, column: usize, c: View, waves: ViewMut) {
    fits!("waves", x.shape().rows() == waves.shape().rows() && column < x.shape().columns(), x, waves);
    fits!("waves", 2 * c.len() == waves.shape().columns(), c, waves);
    by_dtype!(x, typed(x, column, c, waves));

    fn typed<T: Element>(x: View, column: usize, c: View, waves: ViewMut) {
        kernel::waves(T::read(x), (x.shape().columns(), column), T::read(c), T::write(waves));
    }
}

/// dc of [`waves`] in the order of the rows, and what `x[i, column]` adds to dx: with dv = dsin ∗ cos v − dcos ∗ sin v,
/// dc = Σᵢ 2π dv `x[i, column]` and dx = Σ 2π dv ∗ c.
pub fn waves_backward(
    x: View,
    column: usize,
    c: View,
    (waves, dwaves): (View, View),
    dc: ViewMut,
    dx: Option<ViewMut>,
) {
    fits!("waves_backward", waves.shape() == dwaves.shape(), waves, dwaves);
    fits!("waves_backward", 2 * c.len() == waves.shape().columns() && c.len() == dc.view().len(), c, waves);
    fits!("waves_backward", x.shape().rows() == waves.shape().rows() && column < x.shape().columns(), x, waves);
    by_dtype!(x, typed(x, column, c, (waves, dwaves), dc, dx));

    fn typed<T: Element>(
        x: View,
        column: usize,
        c: View,
        (waves, dwaves): (View, View),
        dc: ViewMut,
        dx: Option<ViewMut>,
    ) {
        let (inputs, k, tau) = (x.shape().columns(), c.len(), T::of(TAU));
        let (c, dc) = (T::read(c), T::write(dc));
        let mut dx = dx.map(|dx| T::write(dx).chunks_exact_mut(inputs));
        dc.fill(T::ZERO);
        let rows = T::read(waves).chunks_exact(2 * k).zip(T::read(dwaves).chunks_exact(2 * k));
        for (x, (waves, dwaves)) in T::read(x).chunks_exact(inputs).zip(rows) {
            let ((cos, sin), (dcos, dsin)) = (waves.split_at(k), dwaves.split_at(k));
            let mut sum = T::ZERO;
            for f in 0..k {
                let dv = tau * (dsin[f] * cos[f] - dcos[f] * sin[f]);
                dc[f] += dv * x[column];
                sum += dv * c[f];
            }
            if let Some(dx) = dx.as_mut().and_then(Iterator::next) {
                dx[column] += sum;
            }
        }
    }
}
