//! A table as read: named columns, each row with the line it began on.

use super::column::{Column, Declared};
use crate::data::cell_format::CellFormat;

/// Rows of cells under named columns; a whole file or one chunk of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    /// What errors call the source: a path, `-` or `sample:NAME`.
    pub source: String,
    /// Column names, unique.
    pub names: Vec<String>,
    /// One column a name, all of one length.
    pub columns: Vec<Column>,
    /// The line of the file (from 1) on which each row begins.
    pub lines: Vec<u64>,
    /// How its source writes numbers and missing cells, where it is known to do so in a way of its own; else as the schema
    /// says.
    pub cell_format: Option<CellFormat>,
}

impl Table {
    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.lines.len()
    }

    /// How its cells are read: as its source writes them, else as usual.
    pub(crate) fn cell_format<'a>(&'a self, usual: &'a CellFormat) -> &'a CellFormat {
        self.cell_format.as_ref().unwrap_or(usual)
    }

    /// Adds some rows of a table with the same columns.
    pub(crate) fn append(&mut self, other: &Table, rows: &[usize]) {
        for (column, from) in self.columns.iter_mut().zip(&other.columns) {
            column.append(from, rows);
        }
        self.lines.extend(rows.iter().map(|row| other.lines[*row]));
    }

    /// Adds the rows of a table with the same columns.
    pub(crate) fn join(&mut self, other: Table) {
        for (column, from) in self.columns.iter_mut().zip(&other.columns) {
            column.join(from);
        }
        self.lines.extend(other.lines);
    }

    /// Some of the rows as a table.
    pub(crate) fn select(&self, rows: &[usize]) -> Table {
        let mut selected = Table {
            source: self.source.clone(),
            names: self.names.clone(),
            columns: self.columns.iter().map(Column::empty).collect(),
            lines: Vec::new(),
            cell_format: self.cell_format.clone(),
        };
        selected.append(self, rows);
        selected
    }

    /// The position of a column by its exact name.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|n| n == name)
    }

    /// Where a cell is, for errors: `houses.csv, line 7, column "price"`.
    pub fn place(&self, row: usize, column: usize) -> String {
        format!("{}, {}, column {:?}", self.source, self.row_place(row), self.names[column])
    }

    /// Where a row is: `line 7`, or `row 7` where the source has types, and so no lines that anybody sees.
    pub fn row_place(&self, row: usize) -> String {
        let typed = self.columns.iter().any(|column| column.declaration() != Declared::Nothing);
        format!("{} {}", if typed { "row" } else { "line" }, self.lines[row])
    }
}
