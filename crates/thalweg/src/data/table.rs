//! A table as read: named columns of text cells, each row with the line it began on.

use std::fmt::Write;
use std::ops::Range;
use std::sync::OnceLock;

use super::ends::Ends;
use super::reading::{Numbers, Readings};
use crate::data::cell_format::CellFormat;

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

/// Up to here a whole number's digits are all its own.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// One column: its cells' text end to end, and where each cell ends.
#[derive(Debug, Clone, Default)]
pub struct TextColumn {
    text: String,
    ends: Ends,
    declared: Declared,
    numbers: OnceLock<Numbers>,
    /// Of a column that has its numbers: the cells as text, written when somebody asks for it.
    unwritten: Option<Box<OnceLock<TextColumn>>>,
}

impl PartialEq for TextColumn {
    fn eq(&self, other: &Self) -> bool {
        let (one, other) = (self.written(), other.written());
        (&one.text, &one.ends) == (&other.text, &other.ends)
    }
}

impl Eq for TextColumn {}

impl TextColumn {
    /// An empty column with room for so many bytes in so many cells.
    pub(crate) fn with_capacity(bytes: usize, cells: usize) -> Self {
        TextColumn { text: String::with_capacity(bytes), ends: Ends::with_capacity(cells), ..TextColumn::default() }
    }

    /// An empty column of a source that has types.
    pub fn declared(declared: Declared) -> Self {
        TextColumn { declared, ..TextColumn::default() }
    }

    /// A column of a source that has its numbers as such; NaN is a missing cell.
    pub fn of_numbers(values: impl Iterator<Item = f64>) -> Self {
        TextColumn {
            declared: Declared::Numbers,
            numbers: Numbers::typed(values).into(),
            unwritten: Some(Box::default()),
            ..TextColumn::default()
        }
    }

    /// The column with its cells as text.
    fn written(&self) -> &TextColumn {
        let Some(unwritten) = &self.unwritten else { return self };
        unwritten.get_or_init(|| {
            let numbers = self.numbers.get().map_or(&[][..], Numbers::values);
            let mut column = TextColumn::with_capacity(8 * numbers.len(), numbers.len());
            let mut buffer = zmij::Buffer::new();
            for number in numbers {
                // Whole numbers are written as such, so that they are the categories that texts of them are.
                if number.fract() == 0.0 && number.abs() <= EXACT {
                    // Writing to a string cannot fail.
                    _ = write!(column.text, "{}", *number as i64);
                } else if !number.is_nan() {
                    column.text.push_str(buffer.format(*number));
                }
                column.ends.push(column.text.len());
            }
            TextColumn { declared: self.declared, ..column }
        })
    }

    /// Makes the cells text before they change.
    fn write(&mut self) {
        if self.unwritten.is_some() {
            *self = self.written().clone();
        }
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
        let other = other.written();
        let _ = self.text.try_reserve_exact(room(other.text.len()));
        self.ends.reserve(room(other.ends.len()));
    }

    /// Bytes of its cells in a file, each with what follows it.
    pub(crate) fn bytes(&self) -> usize {
        self.written().text.len() + self.len()
    }

    /// Adds a cell at the bottom.
    pub fn push(&mut self, cell: &str) {
        self.write();
        self.text.push_str(cell);
        self.ends.push(self.text.len());
        self.forget_numbers();
    }

    /// Leaves that many cells from the top.
    pub(crate) fn truncate(&mut self, rows: usize) {
        self.write();
        self.ends.truncate(rows);
        self.text.truncate(self.ends.start(self.ends.len()));
        self.forget_numbers();
    }

    fn forget_numbers(&mut self) {
        if self.numbers.get().is_some() {
            self.numbers.take();
        }
    }

    /// Adds rows of another column at the bottom.
    pub(crate) fn extend(&mut self, other: &TextColumn, rows: Range<usize>) {
        self.write();
        let other = other.written();
        let (from, to) = (other.ends.start(rows.start), other.ends.start(rows.end));
        let base = self.text.len();
        self.text.push_str(&other.text[from..to]);
        rows.for_each(|row| self.ends.push(base + other.ends.get(row) - from));
        self.forget_numbers();
    }

    /// What the cells say under a notation.
    pub(crate) fn readings<'a>(&'a self, cell_format: &'a CellFormat) -> Readings<'a> {
        Readings::new(self, self.numbers.get(), cell_format)
    }

    /// Reads every cell as a number and keeps them, for all readings under the same notation to come.
    pub fn keep_numbers(&self, cell_format: &CellFormat) {
        self.numbers.get_or_init(|| Numbers::read(self, cell_format));
    }

    /// The text of a row's cell.
    pub fn get(&self, row: usize) -> &str {
        let TextColumn { text, ends, .. } = self.written();
        &text[ends.cell(row)]
    }

    /// How many cells there are.
    pub fn len(&self) -> usize {
        match (&self.unwritten, self.numbers.get()) {
            (Some(_), Some(numbers)) => numbers.values().len(),
            _ => self.ends.len(),
        }
    }

    /// Whether there are no cells.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The cells from top to bottom.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let TextColumn { text, ends, .. } = self.written();
        (0..ends.len()).map(|row| &text[ends.cell(row)])
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
        let typed = self.columns.iter().any(|column| column.declared != Declared::Nothing);
        format!("{} {}", if typed { "row" } else { "line" }, self.lines[row])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_so_that_they_are_read_back() {
        let numbers = [5.0, -0.0, 0.1, -2.5e-9, 1e300, 9_007_199_254_740_994.0, f64::INFINITY, f64::MIN_POSITIVE];
        let column = TextColumn::of_numbers(numbers.into_iter());
        assert_eq!((column.len(), column.declaration()), (8, Declared::Numbers));
        assert_eq!(column.iter().take(3).collect::<Vec<_>>(), ["5", "0", "0.1"]);
        assert!(column.iter().zip(numbers).all(|(cell, number)| cell.parse() == Ok(number)), "{column:?}");
        assert_eq!(TextColumn::of_numbers([f64::NAN].into_iter()).get(0), "");
    }

    #[test]
    fn a_column_of_numbers_is_one_of_their_texts() {
        let cell_format = CellFormat::default();
        let typed = TextColumn::of_numbers([1.5, f64::NAN, -0.0, f64::INFINITY, 1e-7].into_iter());
        let mut texts = TextColumn::declared(Declared::Numbers);
        ["1.5", "", "0", "inf", "1e-7"].iter().for_each(|cell| texts.push(cell));
        let read = |column: &TextColumn, cell_format| -> Vec<String> {
            let cells = column.readings(cell_format);
            (0..column.len()).map(|row| format!("{:?}", cells.get(row))).collect()
        };
        assert_eq!(typed, texts);
        assert_eq!(read(&typed, &cell_format), read(&texts, &cell_format));
        // A marker that is a number means missing among numbers, too.
        let marked = CellFormat { missing: vec!["1.5".into()], ..cell_format.clone() };
        typed.keep_numbers(&marked);
        assert_eq!(read(&typed, &marked)[0], "Missing");
        assert_eq!(read(&typed, &marked), read(&texts, &marked));

        let mut more = typed.clone();
        more.extend(&typed, 0..2);
        more.push("7");
        assert_eq!((more.len(), more.get(5), more.get(7), more.declaration()), (8, "1.5", "7", Declared::Numbers));
        assert_eq!(read(&more, &cell_format)[..5], read(&typed, &cell_format));
        more.truncate(1);
        assert_eq!((more.len(), more.get(0), more.bytes()), (1, "1.5", 4));
    }
}
