//! Piecewise-linear functions of one input column: a vector at each edge, and straight lines between them.

use super::ops::{Element, by_dtype, fits};
use super::{Dtype, View, ViewMut};

/// The bin that x is in, and the fraction of it that lies below x: 0 before the first edge, 1 after the last.
fn place(edges: &[f64], x: f64) -> (usize, f64) {
    let bin = edges.partition_point(|edge| *edge <= x).clamp(1, edges.len() - 1) - 1;
    (bin, ((x - edges[bin]) / (edges[bin + 1] - edges[bin])).clamp(0.0, 1.0))
}

/// The vectors at the edges, c₀ = b and cₜ = cₜ₋₁ + wₜ: W is d × T with one column per bin, C is (T + 1) × d.
pub fn tabulate(weight: View, bias: View, table: ViewMut) {
    fits!("tabulate", weight.shape().columns() + 1 == table.shape().rows(), weight, table);
    fits!("tabulate", bias.len() == table.shape().columns(), bias, table);
    by_dtype!(weight, typed(weight, bias, table));

    fn typed<T: Element>(weight: View, bias: View, table: ViewMut) {
        let (bins, d) = (weight.shape().columns(), bias.len());
        let (weight, table) = (T::read(weight), T::write(table));
        for (k, (&bias, weight)) in T::read(bias).iter().zip(weight.chunks_exact(bins)).enumerate() {
            let mut c = bias;
            table[k] = c;
            for (row, &w) in table[d..].chunks_exact_mut(d).zip(weight) {
                c += w;
                row[k] = c;
            }
        }
    }
}

/// dW and db of [`tabulate`] from dC: db = Σ dcₜ, and dwₜ is the sum of dc from edge t on.
pub fn tabulate_backward(dtable: View, dweight: ViewMut, dbias: ViewMut) {
    fits!("tabulate_backward", dweight.shape().columns() + 1 == dtable.shape().rows(), dweight, dtable);
    by_dtype!(dtable, typed(dtable, dweight, dbias));

    fn typed<T: Element>(dtable: View, dweight: ViewMut, dbias: ViewMut) {
        let bins = dweight.shape().columns();
        let (dtable, dweight, dbias) = (T::read(dtable), T::write(dweight), T::write(dbias));
        let d = dbias.len();
        for (k, (dw, db)) in dweight.chunks_exact_mut(bins).zip(dbias).enumerate() {
            let mut sum = T::ZERO;
            for (t, dw) in dw.iter_mut().enumerate().rev() {
                sum += dtable[(t + 1) * d + k];
                *dw = sum;
            }
            *db = sum + dtable[k];
        }
    }
}

/// `y[i, start..] = max(0, (1 − f) cₜ + f cₜ₊₁)`, where `x[i, column]` is at the fraction f of bin t.
pub fn interpolate(x: View, (column, edges): (usize, &[f64]), table: View, y: ViewMut, start: usize) {
    fits!("interpolate", x.shape().rows() == y.shape().rows() && column < x.shape().columns(), x, y);
    fits!("interpolate", start + table.shape().columns() <= y.shape().columns(), table, y);
    by_dtype!(x, typed(x, (column, edges), table, y, start));

    fn typed<T: Element>(x: View, (column, edges): (usize, &[f64]), table: View, y: ViewMut, start: usize) {
        let (inputs, outputs, d) = (x.shape().columns(), y.shape().columns(), table.shape().columns());
        let table = T::read(table);
        for (x, y) in T::read(x).chunks_exact(inputs).zip(T::write(y).chunks_exact_mut(outputs)) {
            let (bin, fraction) = place(edges, x[column].f64());
            let (fraction, rest) = (T::of(fraction), T::of(1.0 - fraction));
            let (low, high) = table[bin * d..(bin + 2) * d].split_at(d);
            for ((y, low), high) in y[start..start + d].iter_mut().zip(low).zip(high) {
                let z = rest * *low + fraction * *high;
                // Written so that a NaN stays one.
                *y = if z < T::ZERO { T::ZERO } else { z };
            }
        }
    }
}

/// dC of [`interpolate`] from dy, in the order of the rows, and what `x[i, column]` adds to dx.
pub fn interpolate_backward(
    x: View,
    (column, edges): (usize, &[f64]),
    table: View,
    (y, dy, start): (View, View, usize),
    dtable: ViewMut,
    dx: Option<ViewMut>,
) {
    fits!("interpolate_backward", x.shape().rows() == dy.shape().rows() && column < x.shape().columns(), x, dy);
    fits!("interpolate_backward", start + table.shape().columns() <= dy.shape().columns(), table, dy);
    by_dtype!(x, typed(x, (column, edges), table, (y, dy, start), dtable, dx));

    fn typed<T: Element>(
        x: View,
        (column, edges): (usize, &[f64]),
        table: View,
        (y, dy, start): (View, View, usize),
        dtable: ViewMut,
        dx: Option<ViewMut>,
    ) {
        let (inputs, outputs, d) = (x.shape().columns(), y.shape().columns(), table.shape().columns());
        let (table, dtable) = (T::read(table), T::write(dtable));
        let mut dx = dx.map(|dx| T::write(dx).chunks_exact_mut(inputs));
        dtable.fill(T::ZERO);
        let rows = T::read(y).chunks_exact(outputs).zip(T::read(dy).chunks_exact(outputs));
        for (x, (y, dy)) in T::read(x).chunks_exact(inputs).zip(rows) {
            let x = x[column].f64();
            let (bin, fraction) = place(edges, x);
            let (f, rest) = (T::of(fraction), T::of(1.0 - fraction));
            let passed = |k: usize| if y[start + k] > T::ZERO { dy[start + k] } else { T::ZERO };
            let (low, high) = dtable[bin * d..(bin + 2) * d].split_at_mut(d);
            for (k, (low, high)) in low.iter_mut().zip(high).enumerate() {
                *low += rest * passed(k);
                *high += f * passed(k);
            }
            let Some(dx) = dx.as_mut().and_then(Iterator::next) else { continue };
            if (edges[0]..edges[edges.len() - 1]).contains(&x) {
                let rise = |k: usize| (table[(bin + 1) * d + k] - table[bin * d + k]).f64();
                let sum: f64 = (0..d).map(|k| passed(k).f64() * rise(k)).sum();
                dx[column] += T::of(sum / (edges[bin + 1] - edges[bin]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_placed_in_its_bin() {
        let edges = [0.0, 1.0, 3.0];
        let places = [-1.0, 0.0, 0.5, 1.0, 2.5, 3.0, 9.0].map(|x| place(&edges, x));
        assert_eq!(places, [(0, 0.0), (0, 0.0), (0, 0.5), (1, 0.0), (1, 0.75), (1, 1.0), (1, 1.0)]);
        assert!(place(&edges, f64::NAN).1.is_nan());
    }
}
