//! Rows of a matrix, picked by their numbers.

use crate::Real;
use crate::pool;

/// Bytes of rows that make a thread worth waking: the memory answers two cores almost twice as fast as one, but what one
/// picks has yet to come to the other.
const CHUNK: usize = 1 << 17;

/// Rows asked of the memory ahead of their turn: it takes long to answer, but answers many at once.
const AHEAD: usize = 32;

/// `y[i] = x[rows[i]]` for rows of so many columns.
///
/// # Panics
/// If a row is not in x, or y has another number of rows.
pub fn gather<T: Real>(x: &[T], columns: usize, rows: &[u32], y: &mut [T]) {
    assert_eq!(y.len(), rows.len() * columns, "gather: y has a row for each number");
    if columns == 0 {
        return;
    }
    if columns == 1 {
        y.iter_mut().zip(rows).for_each(|(y, &row)| *y = x[row as usize]);
        return;
    }
    let row = |i: u32| &x[i as usize * columns..][..columns];
    let chunk = (CHUNK / (columns * size_of::<T>())).max(1);
    pool::for_each_chunk(y, chunk * columns, |i, y| {
        let rows = &rows[i * chunk..];
        for (j, y) in y.chunks_exact_mut(columns).enumerate() {
            if let Some(&later) = rows.get(j + AHEAD) {
                prefetch(row(later));
            }
            y.copy_from_slice(row(rows[j]));
        }
    });
}

/// Has the memory bring the first lines of a row, and its last; the machine itself sees a long one coming. They come into
/// the second cache, which waits for more lines at a time than the first.
#[inline(always)]
fn prefetch<T>(row: &[T]) {
    #[cfg(target_arch = "x86_64")]
    for number in row.iter().step_by(64 / size_of::<T>()).take(4).chain(row.last()) {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: SSE is part of x86-64, and a prefetch reads nothing into the program.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(std::ptr::from_ref(number).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = row;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_picked_in_order() {
        for (columns, count) in [(0, 3), (1, 1), (3, 0), (5, 40), (1000, 200)] {
            let x: Vec<f32> = (0..50 * columns).map(|i| i as f32).collect();
            let rows: Vec<u32> = (0..count).map(|i| i * 7 % 50).collect();
            let mut y = vec![-1.0; rows.len() * columns];
            gather(&x, columns, &rows, &mut y);
            for (i, &row) in rows.iter().enumerate() {
                let row = row as usize * columns;
                assert_eq!(y[i * columns..(i + 1) * columns], x[row..row + columns], "{columns} columns, row {i}");
            }
        }
    }

    #[test]
    #[should_panic(expected = "out of range")]
    fn a_row_that_is_not_there_is_a_panic() {
        gather(&[1.0f32, 2.0], 2, &[1], &mut [0.0; 2]);
    }
}
