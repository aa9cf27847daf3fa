//! A column of a table: numbers where its source has them as such, else cells of text.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::OnceLock;

use super::cell_format::CellFormat;
use super::ends::Ends;

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

/// One column; equal to another where their cells are written alike.
#[derive(Debug, Clone)]
pub enum Column {
    /// Numbers of a source that has them as such; NaN is a missing cell.
    Numbers(Vec<f64>),
    /// Cells as they are written.
    Texts(Texts),
}

impl Default for Column {
    fn default() -> Self {
        Column::declared(Declared::Nothing)
    }
}

impl PartialEq for Column {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl Eq for Column {}

impl Column {
    /// An empty column of text cells of which their source says this.
    pub fn declared(declared: Declared) -> Self {
        Column::Texts(Texts { declared, ..Texts::default() })
    }

    /// A column of numbers; NaN is a missing cell, and 0 and −0 are one.
    pub fn of_numbers(numbers: impl IntoIterator<Item = f64>) -> Self {
        Column::Numbers(numbers.into_iter().map(|number| number + 0.0).collect())
    }

    /// A column of text cells, which say themselves what they are.
    pub fn of_texts(cells: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let mut texts = Texts::default();
        cells.into_iter().for_each(|cell| texts.push(cell.as_ref()));
        Column::Texts(texts)
    }

    /// What its source says of its cells.
    pub fn declaration(&self) -> Declared {
        match self {
            Column::Numbers(_) => Declared::Numbers,
            Column::Texts(texts) => texts.declared,
        }
    }

    /// An empty column of the same type.
    pub(crate) fn empty(&self) -> Self {
        match self {
            Column::Numbers(_) => Column::Numbers(Vec::new()),
            Column::Texts(texts) => Column::declared(texts.declared),
        }
    }

    /// Bytes that its cells take.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Column::Numbers(numbers) => size_of_val(&numbers[..]),
            Column::Texts(texts) => texts.bytes(),
        }
    }

    /// Adds a cell at the bottom as it is written; numbers become text before.
    pub fn push(&mut self, cell: &str) {
        match self {
            Column::Texts(texts) => texts.push(cell),
            Column::Numbers(numbers) => {
                let mut texts = Texts { declared: Declared::Numbers, ..Texts::default() };
                numbers.iter().for_each(|number| texts.push(&written(*number)));
                texts.push(cell);
                *self = Column::Texts(texts);
            }
        }
    }

    /// Adds rows of another column at the bottom, one after another.
    pub(crate) fn extend(&mut self, other: &Column, rows: Range<usize>) {
        match (&mut *self, other) {
            (Column::Numbers(to), Column::Numbers(from)) => to.extend_from_slice(&from[rows]),
            (Column::Texts(to), Column::Texts(from)) => to.extend(from, rows),
            _ => rows.for_each(|row| self.push(&other.get(row))),
        }
    }

    /// Adds some rows of another column at the bottom.
    pub(crate) fn append(&mut self, other: &Column, rows: &[usize]) {
        match (&mut *self, other) {
            (Column::Numbers(to), Column::Numbers(from)) => to.extend(rows.iter().map(|row| from[*row])),
            _ => rows.iter().for_each(|row| self.push(&other.get(*row))),
        }
    }

    /// Adds another chunk of the same column. What is a column of texts in one of them is one in both.
    pub(crate) fn join(&mut self, other: &Column) {
        self.extend(other, 0..other.len());
        if let (Column::Texts(texts), Declared::Texts) = (self, other.declaration()) {
            texts.declared = Declared::Texts;
        }
    }

    /// The text of a row's cell: as it is written, or the shortest that reads as its number.
    pub fn get(&self, row: usize) -> Cow<'_, str> {
        match self {
            Column::Numbers(numbers) => written(numbers[row]),
            Column::Texts(texts) => texts.get(row).into(),
        }
    }

    /// How many cells there are.
    pub fn len(&self) -> usize {
        match self {
            Column::Numbers(numbers) => numbers.len(),
            Column::Texts(texts) => texts.len(),
        }
    }

    /// Whether there are no cells.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The cells' texts from top to bottom.
    pub fn iter(&self) -> impl Iterator<Item = Cow<'_, str>> {
        (0..self.len()).map(|row| self.get(row))
    }
}

/// A number as a cell; whole ones are written as such, so that they are the categories that texts of them are.
fn written(number: f64) -> Cow<'static, str> {
    if number.is_nan() {
        "".into()
    } else if number.fract() == 0.0 && number.abs() <= EXACT {
        (number as i64).to_string().into()
    } else {
        // 1e300: the sign says nothing.
        zmij::Buffer::new().format(number).replace("e+", "e").into()
    }
}

/// Cells of text end to end, and where each ends.
#[derive(Debug, Clone, Default)]
pub struct Texts {
    text: String,
    ends: Ends,
    declared: Declared,
    pub(super) parsed: OnceLock<Parsed>,
}

impl PartialEq for Texts {
    fn eq(&self, other: &Self) -> bool {
        (&self.text, &self.ends) == (&other.text, &other.ends)
    }
}

impl Eq for Texts {}

impl Texts {
    /// No cells, with room for so many bytes in so many cells.
    pub(super) fn with_capacity(bytes: usize, cells: usize) -> Self {
        Texts { text: String::with_capacity(bytes), ends: Ends::with_capacity(cells), ..Texts::default() }
    }

    /// Makes room for so many times what others hold, where the memory has it.
    pub(super) fn reserve(&mut self, times: f64, other: &Texts) {
        let room = |len: usize| (times * len as f64) as usize;
        let _ = self.text.try_reserve_exact(room(other.text.len()));
        self.ends.reserve(room(other.ends.len()));
    }

    /// Bytes of its cells in a file, each with what follows it.
    pub(super) fn bytes(&self) -> usize {
        self.text.len() + self.len()
    }

    /// Adds a cell at the bottom.
    pub(super) fn push(&mut self, cell: &str) {
        self.text.push_str(cell);
        self.ends.push(self.text.len());
        self.forget_numbers();
    }

    /// Leaves that many cells from the top.
    pub(super) fn truncate(&mut self, rows: usize) {
        self.ends.truncate(rows);
        self.text.truncate(self.ends.start(self.ends.len()));
        self.forget_numbers();
    }

    /// Adds cells of others at the bottom.
    pub(super) fn extend(&mut self, other: &Texts, rows: Range<usize>) {
        let (from, to) = (other.ends.start(rows.start), other.ends.start(rows.end));
        let base = self.text.len();
        self.text.push_str(&other.text[from..to]);
        rows.for_each(|row| self.ends.push(base + other.ends.get(row) - from));
        self.forget_numbers();
    }

    fn forget_numbers(&mut self) {
        if self.parsed.get().is_some() {
            self.parsed.take();
        }
    }

    /// The numbers that were read under a notation and kept, if they were.
    pub(super) fn parsed(&self, cell_format: &CellFormat) -> Option<&[f64]> {
        self.parsed.get().and_then(|parsed| parsed.under(cell_format))
    }

    /// A row's cell as a category: texts that the source says are such stay as they are.
    pub(super) fn category(&self, row: usize, cell_format: &CellFormat) -> Option<&str> {
        let cell = self.get(row);
        if self.declared == Declared::Texts { cell_format.value(cell) } else { cell_format.category(cell) }
    }

    /// The text of a row's cell.
    pub(super) fn get(&self, row: usize) -> &str {
        &self.text[self.ends.cell(row)]
    }

    /// How many cells there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The cells from top to bottom.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|row| self.get(row))
    }
}

/// A text column's cells read as numbers.
#[derive(Debug, Clone)]
pub(super) struct Parsed {
    /// The hash of the notation that they were read under: there may be very many columns.
    pub(super) cell_format: u64,
    /// A number each, NaN where the text itself says what it is; empty where most cells are no numbers, and not worth the
    /// memory.
    pub(super) numbers: Vec<f64>,
}

impl Parsed {
    /// The numbers, if they are what a notation says of the cells.
    pub(super) fn under(&self, cell_format: &CellFormat) -> Option<&[f64]> {
        (self.cell_format == cell_format.hash()).then_some(&self.numbers[..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_so_that_they_are_read_back() {
        let numbers = [5.0, -0.0, 0.1, -2.5e-9, 1e300, 9_007_199_254_740_994.0, f64::INFINITY, f64::MIN_POSITIVE];
        let column = Column::of_numbers(numbers);
        assert_eq!((column.len(), column.declaration()), (8, Declared::Numbers));
        assert_eq!(column.iter().take(3).collect::<Vec<_>>(), ["5", "0", "0.1"]);
        assert!(column.iter().zip(numbers).all(|(cell, number)| cell.parse() == Ok(number)), "{column:?}");
        assert_eq!(Column::of_numbers([f64::NAN]).get(0), "");
    }

    #[test]
    fn a_column_of_numbers_is_one_of_their_texts() {
        let cell_format = CellFormat::default();
        let typed = Column::of_numbers([1.5, f64::NAN, -0.0, f64::INFINITY, 1e-7]);
        let mut texts = Column::declared(Declared::Numbers);
        ["1.5", "", "0", "inf", "1e-7"].iter().for_each(|cell| texts.push(cell));
        let read = |column: &Column, cell_format| -> Vec<String> {
            let cells = column.readings(cell_format);
            (0..column.len()).map(|row| format!("{:?} {:?}", cells.get(row), cells.category(row))).collect()
        };
        assert_eq!(typed, texts);
        assert_eq!(read(&typed, &cell_format), read(&texts, &cell_format));
        // A marker that is a number means missing among numbers, too.
        let marked = CellFormat { missing: vec!["1.5".into()], ..cell_format.clone() };
        typed.keep_numbers(&marked);
        assert_eq!(read(&typed, &marked)[0], "Missing None");
        assert_eq!(read(&typed, &marked), read(&texts, &marked));

        let mut more = typed.clone();
        more.extend(&typed, 0..2);
        assert!(matches!(&more, Column::Numbers(numbers) if numbers.len() == 7));
        more.push("7");
        assert_eq!((more.len(), &*more.get(5), &*more.get(7), more.declaration()), (8, "1.5", "7", Declared::Numbers));
        assert_eq!(read(&more, &cell_format)[..5], read(&typed, &cell_format));
        more.append(&typed, &[4, 0]);
        assert_eq!((&*more.get(8), &*more.get(9)), ("1e-7", "1.5"));
    }

    #[test]
    fn chunks_of_numbers_and_of_texts_are_texts() {
        let mut texts = Column::declared(Declared::Texts);
        texts.push("9007199254740993");
        let mut column = Column::of_numbers([5.0]);
        column.join(&texts);
        assert_eq!(column.iter().collect::<Vec<_>>(), ["5", "9007199254740993"]);
        assert_eq!(column.declaration(), Declared::Texts);
        texts.join(&Column::of_numbers([5.0]));
        assert_eq!((&*texts.get(1), texts.declaration()), ("5", Declared::Texts));
    }

    /// A table may have a hundred thousand columns of twenty rows.
    #[test]
    fn a_column_itself_is_small() {
        assert!(size_of::<Column>() <= 104, "{}", size_of::<Column>());
    }
}
