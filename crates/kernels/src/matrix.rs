//! Matrices as operands of products.

use crate::Real;

/// A matrix of `rows` × `columns`, stored row-major or (`transposed`) column-major.
#[derive(Debug, Clone, Copy)]
pub struct Matrix<'a, T> {
    /// The elements.
    pub data: &'a [T],
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
    /// Whether the elements are stored column-major.
    pub transposed: bool,
}

impl<'a, T: Real> Matrix<'a, T> {
    /// A row-major matrix.
    ///
    /// # Panics
    /// If the number of values is not rows · columns.
    pub fn new(data: &'a [T], rows: usize, columns: usize) -> Self {
        assert_eq!(data.len(), rows * columns, "a {rows} × {columns} matrix");
        Matrix { data, rows, columns, transposed: false }
    }

    /// The transposed matrix, over the same data.
    pub fn t(self) -> Self {
        Matrix { rows: self.columns, columns: self.rows, transposed: !self.transposed, ..self }
    }

    /// The same matrix, if its elements are f32.
    pub(crate) fn single(self) -> Option<Matrix<'a, f32>> {
        let Matrix { data, rows, columns, transposed } = self;
        T::single(data).map(|data| Matrix { data, rows, columns, transposed })
    }

    pub(crate) fn at(&self, row: usize, column: usize) -> T {
        let (row_stride, column_stride) = self.strides();
        self.data[row * row_stride + column * column_stride]
    }

    pub(crate) fn strides(&self) -> (usize, usize) {
        if self.transposed { (1, self.rows) } else { (self.columns, 1) }
    }
}
