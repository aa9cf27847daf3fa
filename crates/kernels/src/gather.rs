//! Gathering the rows of a matrix by index.

use crate::Real;
use crate::pool::{self, Shared};
use crate::prefetch::prefetch_l2;

/// Bytes of rows that are worth a worker: two cores gather almost twice as fast as one.
const CHUNK: usize = 48 << 10;

/// Rows prefetched ahead: memory latency is long, but many misses can be outstanding.
const PREFETCH_ROWS: usize = 32;

/// Rows to gather from one matrix into another with the same number of columns.
#[derive(Debug)]
pub struct Pick<'a, T> {
    /// The source matrix.
    pub from: &'a [T],
    /// The row length in elements.
    pub columns: usize,
    /// The destination, filled row after row.
    pub to: &'a mut [T],
}

/// `to[i] = from[rows[i]]` for each pick, such as the inputs and targets of the same examples.
///
/// # Panics
/// If a row index is out of range, or `to` does not have exactly this many rows.
pub fn gather<T: Real, const K: usize>(rows: &[u32], picks: [Pick<T>; K]) {
    let bytes: usize = picks.iter().map(|pick| size_of_val(&*pick.to)).sum();
    let chunk = rows.len().div_ceil((bytes / CHUNK).max(1)).max(1);
    let picks = picks.map(|Pick { from, columns, to }| {
        assert_eq!(to.len(), rows.len() * columns, "gather: there is room for each row");
        (Source { data: from, columns }, Shared(to.as_mut_ptr()))
    });
    pool::for_each(rows.len().div_ceil(chunk), |i| {
        let first = i * chunk;
        let rows = &rows[first..rows.len().min(first + chunk)];
        for (source, to) in &picks {
            // SAFETY: the rows of different tasks do not overlap, and there is space for all of them.
            let to = unsafe {
                std::slice::from_raw_parts_mut(to.get().add(first * source.columns), rows.len() * source.columns)
            };
            if source.columns == 1 {
                to.iter_mut().zip(rows).for_each(|(to, &row)| *to = source.data[row as usize]);
                continue;
            }
            for (j, to) in to.chunks_exact_mut(source.columns.max(1)).enumerate() {
                if let Some(&later) = rows.get(j + PREFETCH_ROWS) {
                    prefetch(source.row(later));
                }
                to.copy_from_slice(source.row(rows[j]));
            }
        }
    });
}

/// A matrix that rows are gathered from.
struct Source<'a, T> {
    data: &'a [T],
    columns: usize,
}

impl<T> Source<'_, T> {
    #[inline(always)]
    fn row(&self, row: u32) -> &[T] {
        &self.data[row as usize * self.columns..][..self.columns]
    }
}

/// Prefetches the first lines of a row and its last; the hardware prefetches the rest of a long one.
#[inline(always)]
fn prefetch<T>(row: &[T]) {
    row.iter().step_by(64 / size_of::<T>()).take(4).chain(row.last()).for_each(|number| prefetch_l2(number));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_picked_in_order() {
        for (columns, count) in [(0, 3), (1, 1), (3, 0), (5, 40), (1000, 200)] {
            let x: Vec<f32> = (0..50 * columns).map(|i| i as f32).collect();
            let answers: Vec<f32> = (0..50).map(|i| -(i as f32)).collect();
            let rows: Vec<u32> = (0..count).map(|i| i * 7 % 50).collect();
            let (mut y, mut picked) = (vec![-1.0; rows.len() * columns], vec![1.0; rows.len()]);
            let both = [Pick { from: &x, columns, to: &mut y }, Pick { from: &answers, columns: 1, to: &mut picked }];
            gather(&rows, both);
            for (i, &row) in rows.iter().enumerate() {
                assert_eq!(picked[i], answers[row as usize], "{columns} columns, row {i}");
                let row = row as usize * columns;
                assert_eq!(y[i * columns..(i + 1) * columns], x[row..row + columns], "{columns} columns, row {i}");
            }
        }
    }

    #[test]
    #[should_panic(expected = "out of range")]
    fn a_row_that_is_not_there_is_a_panic() {
        gather(&[1], [Pick { from: &[1.0f32, 2.0], columns: 2, to: &mut [0.0; 2] }]);
    }
}
