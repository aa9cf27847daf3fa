//! A table as read: named columns of text cells, each row with the line it began on.

use std::ops::Range;
use std::sync::OnceLock;

use super::reading::{Numbers, Readings};
use crate::data::notation::Notation;

/// What a source that has types, such as Parquet or a data frame, says of a column's cells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Declared {
    /// Nothing: the cells themselves say what they are, as in CSV.
    #[default]
    Nothing,
    /// They are numbers.
    Numbers,
    /// They are texts, whatever they look like: "01" and "1" are two.
    Texts,
}

/// One column: its cells' text end to end, and where each cell ends.
#[derive(Debug, Clone, Default)]
pub struct TextColumn {
    text: String,
    ends: Vec<usize>,
    declared: Declared,
    numbers: OnceLock<Numbers>,
}

impl PartialEq for TextColumn {
    fn eq(&self, other: &Self) -> bool {
        (&self.text, &self.ends) == (&other.text, &other.ends)
    }
}

impl Eq for TextColumn {}

impl TextColumn {
    /// An empty column with room for so many bytes in so many cells.
    pub(crate) fn with_capacity(bytes: usize, cells: usize) -> Self {
        TextColumn {
            text: String::with_capacity(bytes),
            ends: Vec::with_capacity(cells),
            declared: Declared::Nothing,
            numbers: OnceLock::new(),
        }
    }

    /// An empty column of a source that has types.
    pub fn declared(declared: Declared) -> Self {
        TextColumn { declared, ..TextColumn::default() }
    }

    /// What its source says of its cells.
    pub fn declaration(&self) -> Declared {
        self.declared
    }

    /// An empty column whose source says the same of its cells.
    pub(crate) fn empty(&self) -> Self {
        TextColumn::declared(self.declared)
    }

    /// Makes room for so many times what another column holds, where the memory has it.
    pub(crate) fn reserve(&mut self, times: f64, other: &TextColumn) {
        let room = |len: usize| (times * len as f64) as usize;
        let _ = self.text.try_reserve_exact(room(other.text.len()));
        let _ = self.ends.try_reserve_exact(room(other.ends.len()));
    }

    /// Bytes of its cells in a file, each with what follows it.
    pub(crate) fn bytes(&self) -> usize {
        self.text.len() + self.len()
    }

    /// Adds a cell at the bottom.
    pub fn push(&mut self, cell: &str) {
        self.text.push_str(cell);
        self.ends.push(self.text.len());
        self.forget_numbers();
    }

    /// Leaves that many cells from the top.
    pub(crate) fn truncate(&mut self, rows: usize) {
        self.ends.truncate(rows);
        self.text.truncate(self.ends.last().copied().unwrap_or_default());
        self.forget_numbers();
    }

    fn forget_numbers(&mut self) {
        if self.numbers.get().is_some() {
            self.numbers.take();
        }
    }

    /// Adds rows of another column at the bottom.
    pub(crate) fn extend(&mut self, other: &TextColumn, rows: Range<usize>) {
        let start = |row: usize| if row == 0 { 0 } else { other.ends[row - 1] };
        let (from, to) = (start(rows.start), start(rows.end));
        let base = self.text.len();
        self.text.push_str(&other.text[from..to]);
        self.ends.extend(other.ends[rows].iter().map(|end| base + end - from));
        self.forget_numbers();
    }

    /// What the cells say under a notation.
    pub(crate) fn readings<'a>(&'a self, notation: &'a Notation) -> Readings<'a> {
        Readings::new(self, self.numbers.get(), notation)
    }

    /// Reads every cell as a number and keeps them, for all readings under the same notation to come.
    pub fn keep_numbers(&self, notation: &Notation) {
        self.numbers.get_or_init(|| Numbers::read(self, notation));
    }

    /// The text of a row's cell.
    pub fn get(&self, row: usize) -> &str {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.text[start..self.ends[row]]
    }

    /// How many cells there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are no cells.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The cells from top to bottom.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let mut start = 0;
        self.ends.iter().map(move |&end| &self.text[std::mem::replace(&mut start, end)..end])
    }
}

/// Rows of text cells under named columns; a whole file or one chunk of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    /// What errors call the source: a path, `-` or `sample:NAME`.
    pub source: String,
    /// Column names, unique.
    pub names: Vec<String>,
    /// One column a name, all of one length.
    pub columns: Vec<TextColumn>,
    /// The line of the file (from 1) on which each row begins.
    pub lines: Vec<u64>,
    /// How its source writes numbers and missing cells, where it is known to do so in a way of its own; else as the schema
    /// says.
    pub notation: Option<Notation>,
}

impl Table {
    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.lines.len()
    }

    /// Adds some rows of a table with the same columns.
    pub(crate) fn append(&mut self, other: &Table, rows: &[usize]) {
        for (column, from) in self.columns.iter_mut().zip(&other.columns) {
            rows.iter().for_each(|row| column.push(from.get(*row)));
        }
        self.lines.extend(rows.iter().map(|row| other.lines[*row]));
    }

    /// Adds the rows of a table with the same columns. What is a column of texts in one of them is one in both.
    pub(crate) fn join(&mut self, other: Table) {
        for (column, from) in self.columns.iter_mut().zip(&other.columns) {
            if from.declared == Declared::Texts {
                column.declared = Declared::Texts;
            }
            column.extend(from, 0..from.len());
        }
        self.lines.extend(other.lines);
    }

    /// Some of the rows as a table.
    pub(crate) fn select(&self, rows: &[usize]) -> Table {
        let mut selected = Table {
            source: self.source.clone(),
            names: self.names.clone(),
            columns: self.columns.iter().map(TextColumn::empty).collect(),
            lines: Vec::new(),
            notation: self.notation.clone(),
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
        let typed = self.columns.iter().any(|column| column.declared != Declared::Nothing);
        format!("{} {}", if typed { "row" } else { "line" }, self.lines[row])
    }
}
