//! Bags: weighted sums of rows of a table, those that codes name.

use super::ops::{Element, by_dtype, code, fits};
use super::{Dtype, View, ViewMut};

/// `y[i, to..] = Σₖ wₖ E[cₖ]`, the codes c being `x[i, from..from + slots]` and their weights w the next `slots` inputs.
///
/// What has the weight 0 is not looked up.
pub fn sum_bag(x: View, (from, slots): (usize, usize), table: View, y: ViewMut, to: usize) {
    fits!("sum_bag", x.shape().rows() == y.shape().rows() && from + 2 * slots <= x.shape().columns(), x, y);
    fits!("sum_bag", to + table.shape().columns() <= y.shape().columns(), table, y);
    by_dtype!(x, typed(x, (from, slots), table, y, to));

    fn typed<T: Element>(x: View, (from, slots): (usize, usize), table: View, y: ViewMut, to: usize) {
        let (inputs, outputs) = (x.shape().columns(), y.shape().columns());
        let (rows, d) = (table.shape().rows(), table.shape().columns());
        let table = T::read(table);
        for (x, y) in T::read(x).chunks_exact(inputs).zip(T::write(y).chunks_exact_mut(outputs)) {
            let (y, (codes, weights)) = (&mut y[to..to + d], x[from..from + 2 * slots].split_at(slots));
            y.fill(T::ZERO);
            for (&c, &weight) in codes.iter().zip(weights).filter(|(_, weight)| **weight != T::ZERO) {
                let vector = &table[code(c, rows) * d..][..d];
                y.iter_mut().zip(vector).for_each(|(y, e)| *y += weight * *e);
            }
        }
    }
}

/// `dE[c] = Σ w dy[i, to..]` over all bags in which c has the weight w, in the order of the rows, and `dwₖ = dy · E[cₖ]`.
pub fn sum_bag_backward(
    x: View,
    (from, slots): (usize, usize),
    table: View,
    (dy, to): (View, usize),
    dtable: ViewMut,
    dx: Option<ViewMut>,
) {
    fits!("sum_bag_backward", x.shape().rows() == dy.shape().rows() && from + 2 * slots <= x.shape().columns(), x, dy);
    fits!("sum_bag_backward", to + table.shape().columns() <= dy.shape().columns(), table, dy);
    by_dtype!(x, typed(x, (from, slots), table, (dy, to), dtable, dx));

    fn typed<T: Element>(
        x: View,
        (from, slots): (usize, usize),
        table: View,
        (dy, to): (View, usize),
        dtable: ViewMut,
        dx: Option<ViewMut>,
    ) {
        let (inputs, outputs) = (x.shape().columns(), dy.shape().columns());
        let (rows, d) = (table.shape().rows(), table.shape().columns());
        let (table, dtable) = (T::read(table), T::write(dtable));
        let mut dx = dx.map(|dx| T::write(dx).chunks_exact_mut(inputs));
        dtable.fill(T::ZERO);
        for (x, dy) in T::read(x).chunks_exact(inputs).zip(T::read(dy).chunks_exact(outputs)) {
            let (dy, (codes, weights)) = (&dy[to..to + d], x[from..from + 2 * slots].split_at(slots));
            for (&c, &weight) in codes.iter().zip(weights).filter(|(_, weight)| **weight != T::ZERO) {
                let sum = &mut dtable[code(c, rows) * d..][..d];
                sum.iter_mut().zip(dy).for_each(|(sum, dy)| *sum += weight * *dy);
            }
            let Some(dx) = dx.as_mut().and_then(Iterator::next) else { continue };
            for (dw, &c) in dx[from + slots..from + 2 * slots].iter_mut().zip(codes) {
                let vector = &table[code(c, rows) * d..][..d];
                *dw = vector.iter().zip(dy).fold(T::ZERO, |sum, (e, dy)| sum + *e * *dy);
            }
        }
    }
}
