//! Sums, each in one fixed order.

use std::ops::Range;

use crate::Real;
use crate::dispatch::vectorised;
use crate::pool::{self, whole_rows};
use crate::scratch::with_scratch;

/// Adjacent elements are summed in this many separate lanes, which are then added as a tree.
const LANES: usize = 16;

/// Rows that are summed at a time, before the sum is added to the total.
const ROWS: usize = 64;

/// Elements whose sum is one task.
const BLOCK: usize = 1 << 16;

/// Adds up the results of `f` for each block of this many elements, one task each; a block is complete rows.
fn in_blocks<T: Real>(len: usize, columns: usize, out: &mut [T], f: impl Fn(Range<usize>, &mut [T]) + Sync) {
    let block = whole_rows(BLOCK, columns);
    if len <= block {
        f(0..len, out);
        return;
    }
    with_scratch(len.div_ceil(block) * out.len(), |parts: &mut [T]| {
        pool::for_each_chunk(parts, out.len(), |i, part| f(i * block..len.min((i + 1) * block), part));
        add_parts(parts, out);
    });
}

/// The sum of `parts`, consecutive vectors as long as `out`, in order.
pub(crate) fn add_parts<T: Real>(parts: &[T], out: &mut [T]) {
    out.fill(T::ZERO);
    for part in parts.chunks_exact(out.len()) {
        out.iter_mut().zip(part).for_each(|(out, &part)| *out += part);
    }
}

/// Σ f(x), in f64.
#[inline(always)]
fn total<T: Real>(x: &[T], f: impl Fn(f64) -> f64 + Sync) -> f64 {
    let mut sum = [0.0];
    in_blocks(x.len(), 1, &mut sum, |range, sum| sum[0] = block_total(&x[range], &f));
    sum[0]
}

#[inline(always)]
fn block_total<T: Real>(x: &[T], f: impl Fn(f64) -> f64) -> f64 {
    let mut lanes = vectorised(
        #[inline(always)]
        || {
            let mut lanes = [0.0; LANES];
            let mut blocks = x.chunks_exact(LANES);
            for block in &mut blocks {
                for (lane, x) in lanes.iter_mut().zip(block) {
                    *lane += f(x.f64());
                }
            }
            for (lane, x) in lanes.iter_mut().zip(blocks.remainder()) {
                *lane += f(x.f64());
            }
            lanes
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
    weighted_column_sums(x, x, columns, out, |x, _| x);
}

/// The sum of f(a, b) down each column, in blocks of rows so that rounding errors grow only with the square root of
/// their number.
pub(crate) fn weighted_column_sums<T: Real>(
    a: &[T],
    b: &[T],
    columns: usize,
    out: &mut [T],
    f: impl Fn(T, T) -> T + Sync,
) {
    assert!(out.len() == columns && a.len() == b.len());
    if columns > 0 {
        in_blocks(a.len(), columns, out, |range, out| {
            block_column_sums(&a[range.clone()], &b[range], columns, out, &f);
        });
    }
}

fn block_column_sums<T: Real>(a: &[T], b: &[T], columns: usize, out: &mut [T], f: impl Fn(T, T) -> T) {
    /// Columns summed at a time.
    const WIDTH: usize = 64;
    out.fill(T::ZERO);
    // Narrow rows are summed side by side, as one wide row, whose parts are added at the end.
    let side = (WIDTH / columns).max(1);
    for (a, b) in a.chunks(ROWS * side * columns).zip(b.chunks(ROWS * side * columns)) {
        for (start, out) in (0..columns).step_by(WIDTH).zip(out.chunks_mut(WIDTH)) {
            let (wide, columns_here) = (side * columns, if side > 1 { side * columns } else { out.len() });
            let whole = a.len() / wide * wide;
            let block = vectorised(
                #[inline(always)]
                || {
                    let mut block = [T::ZERO; WIDTH];
                    let lines = a[..whole].chunks_exact(wide).zip(b[..whole].chunks_exact(wide));
                    if columns_here == WIDTH {
                        // Sums of a width known at compile time stay in registers.
                        for (a, b) in lines {
                            add(&mut block, &a[start..][..WIDTH], &b[start..][..WIDTH], &f);
                        }
                    } else {
                        for (a, b) in lines {
                            add(&mut block[..columns_here], &a[start..], &b[start..], &f);
                        }
                    }
                    add(&mut block, &a[whole..], &b[whole..], &f);
                    block
                },
            );
            for part in block[..columns_here].chunks_exact(out.len()) {
                out.iter_mut().zip(part).for_each(|(out, &sum)| *out += sum);
            }
        }
    }
}

/// Adds f(a, b) to sums, elementwise.
#[inline(always)]
fn add<T: Real>(sums: &mut [T], a: &[T], b: &[T], f: impl Fn(T, T) -> T) {
    for ((sum, &a), &b) in sums.iter_mut().zip(a).zip(b) {
        *sum += f(a, b);
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
