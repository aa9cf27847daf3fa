//! The left operand of a product (lhs): a plain, a padded or a strided matrix.

use std::ops::Range;

use super::Matrix;
use crate::Real;

/// The left operand of a product, read element by element.
///
/// # Safety
/// Element k of row i must be at the row's start + the start of its run of k + `step` times its index in that run.
pub unsafe trait Lhs<T>: Copy + Sync {
    /// The starts of some rows.
    type RowStarts<const R: usize>;

    /// The number of rows.
    fn rows(&self) -> usize;

    /// The number of columns.
    fn columns(&self) -> usize;

    /// The starts of R rows from `row` on.
    fn rows_from<const R: usize>(&self, row: usize) -> Self::RowStarts<R>;

    /// The start of one of them.
    fn element<const R: usize>(rows: &Self::RowStarts<R>, r: usize) -> *const T;

    /// The stride between elements of a run.
    fn step(&self) -> usize;

    /// The runs of some columns: the offset of each from the start of a row, and its length.
    fn runs(&self, ks: Range<usize>) -> impl Iterator<Item = (usize, usize)>;
}

// SAFETY: rows and columns each have a constant stride.
unsafe impl<T: Real> Lhs<T> for Matrix<'_, T> {
    type RowStarts<const R: usize> = (*const T, usize);

    fn rows(&self) -> usize {
        self.rows
    }

    fn columns(&self) -> usize {
        self.columns
    }

    #[inline(always)]
    fn rows_from<const R: usize>(&self, row: usize) -> (*const T, usize) {
        let (row_stride, _) = self.strides();
        (self.data.as_ptr().wrapping_add(row * row_stride), row_stride)
    }

    #[inline(always)]
    fn element<const R: usize>(&(first, stride): &(*const T, usize), r: usize) -> *const T {
        first.wrapping_add(r * stride)
    }

    #[inline(always)]
    fn step(&self) -> usize {
        self.strides().1
    }

    #[inline(always)]
    fn runs(&self, ks: Range<usize>) -> impl Iterator<Item = (usize, usize)> {
        std::iter::once((ks.start * self.step(), ks.len()))
    }
}

/// A row-major matrix with a row stride greater than its width.
#[derive(Debug, Clone, Copy)]
pub(super) struct PaddedRows<'a, T> {
    data: &'a [T],
    columns: usize,
    stride: usize,
}

impl<'a, T> PaddedRows<'a, T> {
    /// The matrix over the data, each row of which is followed by padding.
    ///
    /// # Panics
    /// If the data is not a multiple of the stride.
    pub(super) fn new(data: &'a [T], columns: usize, stride: usize) -> Self {
        assert!(stride >= columns && data.len().is_multiple_of(stride), "rows of {columns} elements, {stride} apart");
        PaddedRows { data, columns, stride }
    }
}

// SAFETY: rows have a constant stride, and columns are contiguous.
unsafe impl<T: Real> Lhs<T> for PaddedRows<'_, T> {
    type RowStarts<const R: usize> = (*const T, usize);

    fn rows(&self) -> usize {
        self.data.len() / self.stride
    }

    fn columns(&self) -> usize {
        self.columns
    }

    #[inline(always)]
    fn rows_from<const R: usize>(&self, row: usize) -> (*const T, usize) {
        (self.data.as_ptr().wrapping_add(row * self.stride), self.stride)
    }

    #[inline(always)]
    fn element<const R: usize>(&(first, stride): &(*const T, usize), r: usize) -> *const T {
        first.wrapping_add(r * stride)
    }

    #[inline(always)]
    fn step(&self) -> usize {
        1
    }

    #[inline(always)]
    fn runs(&self, ks: Range<usize>) -> impl Iterator<Item = (usize, usize)> {
        std::iter::once((ks.start, ks.len()))
    }
}

/// The offsets of the rows, or the columns, of a [`Strided`] matrix: those of three nested loops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Axis {
    counts: [usize; 3],
    steps: [usize; 3],
}

impl Axis {
    /// Loops with these trip counts and strides; the last one is innermost.
    pub fn new(counts: [usize; 3], steps: [usize; 3]) -> Self {
        let (mut counts, mut steps) = (counts, steps);
        // A loop that continues where the loop within it ends is merged with it.
        for _ in 0..2 {
            for outer in [1, 0] {
                let inner = outer + 1;
                if counts[inner] == 1 || steps[outer] == counts[inner] * steps[inner] {
                    let step = if counts[inner] == 1 { steps[outer] } else { steps[inner] };
                    (counts[inner], steps[inner]) = (counts[outer] * counts[inner], step);
                    (counts[outer], steps[outer]) = (1, 0);
                }
            }
        }
        Axis { counts, steps }
    }

    fn len(&self) -> usize {
        self.counts.iter().product()
    }

    /// The offset of element i.
    #[inline(always)]
    fn offset(&self, i: usize) -> usize {
        let [_, middle, inner] = self.counts;
        i / inner / middle * self.steps[0] + i / inner % middle * self.steps[1] + i % inner * self.steps[2]
    }

    /// The offset of the last element.
    fn reach(&self) -> usize {
        self.counts.iter().zip(&self.steps).map(|(count, step)| (count - 1) * step).sum()
    }
}

/// A matrix whose element (i, k) is at the sum of its row's and its column's offsets.
#[derive(Debug, Clone, Copy)]
pub struct Strided<'a, T> {
    data: &'a [T],
    rows: Axis,
    columns: Axis,
}

impl<'a, T: Real> Strided<'a, T> {
    /// The matrix over the data.
    ///
    /// # Panics
    /// If it is empty, or extends beyond the data.
    pub fn new(data: &'a [T], rows: Axis, columns: Axis) -> Self {
        assert!(rows.len() * columns.len() > 0 && rows.reach() + columns.reach() < data.len(), "a strided matrix");
        Strided { data, rows, columns }
    }

    /// Copies the matrix, row-major.
    pub fn copy_to(&self, to: &mut [T]) {
        let (step, columns) = (self.step(), self.columns.len());
        for (i, row) in to.chunks_exact_mut(columns).enumerate() {
            let (from, mut at) = (&self.data[self.rows.offset(i)..], 0);
            for (start, n) in self.runs(0..columns) {
                let run = &mut row[at..at + n];
                if step == 1 {
                    run.copy_from_slice(&from[start..start + n]);
                } else {
                    run.iter_mut().zip(from[start..].iter().step_by(step)).for_each(|(to, &from)| *to = from);
                }
                at += n;
            }
        }
    }
}

// SAFETY: an axis' innermost loop is a run.
unsafe impl<T: Real> Lhs<T> for Strided<'_, T> {
    type RowStarts<const R: usize> = [*const T; R];

    fn rows(&self) -> usize {
        self.rows.len()
    }

    fn columns(&self) -> usize {
        self.columns.len()
    }

    #[inline(always)]
    fn rows_from<const R: usize>(&self, row: usize) -> [*const T; R] {
        // A loop: `from_fn` is not inlined here.
        let mut rows = [self.data.as_ptr(); R];
        for (r, begin) in rows.iter_mut().enumerate() {
            *begin = begin.wrapping_add(self.rows.offset(row + r));
        }
        rows
    }

    #[inline(always)]
    fn element<const R: usize>(rows: &[*const T; R], r: usize) -> *const T {
        rows[r]
    }

    #[inline(always)]
    fn step(&self) -> usize {
        self.columns.steps[2]
    }

    #[inline(always)]
    fn runs(&self, ks: Range<usize>) -> impl Iterator<Item = (usize, usize)> {
        let (axis, run) = (self.columns, self.columns.counts[2]);
        let mut k = ks.start;
        std::iter::from_fn(move || {
            let n = (run - k % run).min(ks.end - k);
            let start = axis.offset(k);
            k += n;
            (n > 0).then_some((start, n))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_joins_loops_that_go_on() {
        let joined = Axis::new([2, 3, 4], [12, 4, 1]);
        assert_eq!((joined.counts, joined.steps), ([1, 1, 24], [0, 0, 1]));
        let pixels = Axis::new([3, 1, 5], [40, 7, 7]);
        assert_eq!((pixels.len(), pixels.counts[2]), (15, 5));
        assert_eq!(pixels.offset(7), 40 + 2 * 7);
        let column = Axis::new([3, 5, 1], [40, 7, 0]);
        assert_eq!((column.offset(7), column.counts[2]), (40 + 2 * 7, 5));
    }

    #[test]
    fn a_strided_matrix_is_read_where_its_axes_say() {
        let data: Vec<f64> = (0..60).map(f64::from).collect();
        let (rows, columns) = (Axis::new([1, 3, 2], [0, 20, 5]), Axis::new([1, 2, 2], [0, 10, 1]));
        let matrix = Strided::new(&data, rows, columns);
        let mut copy = [0.0; 24];
        matrix.copy_to(&mut copy);
        let expected: Vec<f64> =
            [0, 5, 20, 25, 40, 45].iter().flat_map(|row| [0, 1, 10, 11].map(|k| f64::from(row + k))).collect();
        assert_eq!(copy.to_vec(), expected);
        let runs: Vec<_> = matrix.runs(1..4).collect();
        assert_eq!(runs, [(1, 1), (10, 2)]);
    }
}
