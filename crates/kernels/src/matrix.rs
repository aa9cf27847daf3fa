//! Matrices as products take them.

use crate::Real;

/// A matrix of `rows` × `columns`, stored row by row, or (`transposed`) column by column.
#[derive(Debug, Clone, Copy)]
pub struct Matrix<'a, T> {
    /// The numbers.
    pub data: &'a [T],
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
    /// Whether the numbers are stored column by column.
    pub transposed: bool,
}

impl<'a, T: Real> Matrix<'a, T> {
    /// A matrix stored row by row.
    ///
    /// # Panics
    /// If the number of values is not rows · columns.
    pub fn new(data: &'a [T], rows: usize, columns: usize) -> Self {
        assert_eq!(data.len(), rows * columns, "a {rows} × {columns} matrix");
        Matrix { data, rows, columns, transposed: false }
    }

    /// The transposed matrix, over the same numbers.
    pub fn t(self) -> Self {
        Matrix { rows: self.columns, columns: self.rows, transposed: !self.transposed, ..self }
    }

    pub(crate) fn at(&self, row: usize, column: usize) -> T {
        let (row_stride, column_stride) = self.strides();
        self.data[row * row_stride + column * column_stride]
    }

    pub(crate) fn strides(&self) -> (usize, usize) {
        if self.transposed { (1, self.rows) } else { (self.columns, 1) }
    }
}
