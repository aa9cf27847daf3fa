//! Sums, each in one fixed order.

use crate::Real;
use crate::dispatch::vectorised;

/// Sums of neighbours are kept apart in this many lanes, then added as a tree.
const LANES: usize = 16;

/// Rows whose sum is taken at once, before it is added to the total.
const ROWS: usize = 64;

/// Σ f(x), in f64.
#[inline(always)]
fn total<T: Real>(x: &[T], f: impl Fn(f64) -> f64) -> f64 {
    let mut lanes = [0.0; LANES];
    vectorised(
        #[inline(always)]
        || {
            let mut blocks = x.chunks_exact(LANES);
            for block in &mut blocks {
                for (lane, x) in lanes.iter_mut().zip(block) {
                    *lane += f(x.f64());
                }
            }
            for (lane, x) in lanes.iter_mut().zip(blocks.remainder()) {
                *lane += f(x.f64());
            }
        },
    );
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] += lanes[i + width];
        }
        width /= 2;
    }
    lanes[0]
}

/// Σ x.
pub fn sum<T: Real>(x: &[T]) -> f64 {
    total(x, |x| x)
}

/// Σ x².
pub fn sum_squares<T: Real>(x: &[T]) -> f64 {
    total(x, |x| x * x)
}

/// The sum of each column of x, rows × columns: a bias's gradient.
///
/// # Panics
/// If `out` is not as long as a row.
pub fn column_sums<T: Real>(x: &[T], columns: usize, out: &mut [T]) {
    weighted_column_sums(x, columns, out, |x| x);
}

/// The sum of f(x) down each column, in blocks of rows so that rounding grows with their number's root alone.
pub(crate) fn weighted_column_sums<T: Real>(x: &[T], columns: usize, out: &mut [T], f: impl Fn(T) -> T) {
    /// Columns summed at once, on the stack.
    const WIDTH: usize = 64;
    assert_eq!(out.len(), columns);
    out.fill(T::ZERO);
    if columns == 0 {
        return;
    }
    // Narrow rows are summed side by side, as one wide row, whose parts are added at the end.
    let side = (WIDTH / columns).max(1);
    for rows in x.chunks(ROWS * side * columns) {
        for (start, out) in (0..columns).step_by(WIDTH).zip(out.chunks_mut(WIDTH)) {
            let (wide, columns_here) = (side * columns, if side > 1 { side * columns } else { out.len() });
            let mut block = [T::ZERO; WIDTH];
            vectorised(
                #[inline(always)]
                || {
                    let mut lines = rows.chunks_exact(wide);
                    for row in &mut lines {
                        for (sum, &x) in block[..columns_here].iter_mut().zip(&row[start..]) {
                            *sum += f(x);
                        }
                    }
                    for (sum, &x) in block.iter_mut().zip(lines.remainder()) {
                        *sum += f(x);
                    }
                },
            );
            for part in block[..columns_here].chunks_exact(out.len()) {
                out.iter_mut().zip(part).for_each(|(out, &sum)| *out += sum);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_odd_lengths() {
        for n in [0usize, 1, 15, 16, 17, if cfg!(miri) { 40 } else { 1009 }] {
            let x: Vec<f32> = (0..n).map(|i| i as f32).collect();
            assert_eq!(sum(&x), (n * n.saturating_sub(1) / 2) as f64);
            assert_eq!(sum_squares(&x), (0..n).map(|i| (i * i) as f64).sum::<f64>());
        }
    }

    #[test]
    fn columns_of_odd_shapes() {
        for (rows, columns) in [(0, 3), (1, 1), (65, 1), (7, 130), if cfg!(miri) { (2, 67) } else { (200, 67) }] {
            let x: Vec<f64> = (0..rows * columns).map(|i| i as f64).collect();
            let mut sums = vec![9.0; columns];
            column_sums(&x, columns, &mut sums);
            let naive = |j| (0..rows).map(|i| (i * columns + j) as f64).sum::<f64>();
            assert!((0..columns).all(|j| sums[j] == naive(j)), "{rows}×{columns}");
        }
    }
}
