//! Cells as numbers, each read once: parsing is most of the work of taking in a large table.

use super::cell_format::CellFormat;
use super::number_format::NumberFormat;
use super::table::{Declared, TextColumn};

/// What a cell says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// Nothing.
    Missing,
    /// A number, perhaps infinite or NaN.
    Number(f64),
    /// Something else, without the blanks around it.
    Text(&'a str),
}

impl<'a> Cell<'a> {
    /// The text, if it is one.
    pub fn text(self) -> Option<&'a str> {
        if let Cell::Text(text) = self { Some(text) } else { None }
    }
}

/// The bits of the NaN that stands for a missing cell among numbers; reading a number never gives them.
const MISSING: u64 = f64::NAN.to_bits() | 1;
/// The bits of the NaN that stands for a cell that is no number.
const TEXT: u64 = f64::NAN.to_bits() | 2;

/// A column's cells read as numbers.
#[derive(Debug, Clone)]
pub(crate) struct Numbers {
    /// The hash of the notation that they were read under (there may be very many columns); none where the source has them
    /// as numbers.
    cell_format: Option<u64>,
    /// A number each, or one of the two NaNs; empty where most cells are no numbers, and not worth the memory.
    values: Vec<f64>,
}

impl Numbers {
    pub(super) fn read(column: &TextColumn, cell_format: &CellFormat) -> Numbers {
        let cells = Readings { column, numbers: &[], cell_format, format: None };
        // Where no marker is a number, what is one need not be looked for among the markers.
        let finite = |cell: &str| cell_format.number(cell).filter(|number| number.is_finite());
        let unmarked = cell_format.missing.iter().all(|marker| finite(marker).is_none());
        let mut values = Vec::with_capacity(column.len());
        let mut texts = 0;
        for (row, cell) in column.iter().enumerate() {
            let plain = if unmarked { finite(cell) } else { None };
            values.push(match plain.map_or_else(|| cells.get(row), Cell::Number) {
                Cell::Missing => f64::from_bits(MISSING),
                Cell::Number(number) => number,
                Cell::Text(_) => {
                    texts += 1;
                    f64::from_bits(TEXT)
                }
            });
            if texts * 2 > column.len() {
                values = Vec::new();
                break;
            }
        }
        Numbers { cell_format: Some(cell_format.hash()), values }
    }

    /// Numbers of a source that has them as such; NaN is a missing cell, and 0 and −0 are one.
    pub(super) fn typed(values: impl Iterator<Item = f64>) -> Numbers {
        let missing = |value: f64| if value.is_nan() { f64::from_bits(MISSING) } else { value + 0.0 };
        Numbers { cell_format: None, values: values.map(missing).collect() }
    }

    pub(super) fn values(&self) -> &[f64] {
        &self.values
    }

    /// Whether they are what a notation says of the cells.
    fn fit(&self, cell_format: &CellFormat) -> bool {
        let is_text = |marker: &String| cell_format.number(marker).is_none_or(f64::is_nan);
        self.cell_format
            .as_ref()
            .map_or_else(|| cell_format.missing.iter().all(is_text), |read_by| *read_by == cell_format.hash())
    }
}

/// A column's cells under a notation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Readings<'a> {
    column: &'a TextColumn,
    numbers: &'a [f64],
    cell_format: &'a CellFormat,
    /// How numbers are written that are not plain.
    format: Option<NumberFormat>,
}

impl<'a> Readings<'a> {
    pub(super) fn new(column: &'a TextColumn, kept: Option<&'a Numbers>, cell_format: &'a CellFormat) -> Self {
        let numbers = kept.filter(|kept| kept.fit(cell_format)).map_or(&[][..], |kept| &kept.values);
        Readings { column, numbers, cell_format, format: None }
    }

    /// The same with numbers read in a format; plain ones are too, where it does not read them.
    pub(crate) fn with_format(self, format: Option<NumberFormat>) -> Self {
        Readings { numbers: if format.is_some() { &[] } else { self.numbers }, format, ..self }
    }

    /// What a row's cell says.
    pub(crate) fn get(&self, row: usize) -> Cell<'a> {
        match self.numbers.get(row).map(|number| (number.to_bits(), *number)) {
            Some((MISSING, _)) => Cell::Missing,
            Some((TEXT, _)) => Cell::Text(self.column.get(row).trim()),
            Some((_, number)) => Cell::Number(number),
            None => match self.cell_format.value(self.column.get(row)) {
                None => Cell::Missing,
                Some(cell) => {
                    let formatted = self.format.and_then(|format| format.read(cell));
                    formatted.or_else(|| self.cell_format.number(cell)).map_or(Cell::Text(cell), Cell::Number)
                }
            },
        }
    }

    /// A row's cell as a text, numbers too.
    pub(crate) fn as_text(&self, row: usize) -> Cell<'a> {
        self.cell_format.value(self.column.get(row)).map_or(Cell::Missing, Cell::Text)
    }

    /// A row's cell as a category: texts that the source says are such stay as they are.
    pub(crate) fn category(&self, row: usize) -> Cell<'a> {
        let cell = self.column.get(row);
        let texts = self.column.declaration() == Declared::Texts;
        let category = if texts { self.cell_format.value(cell) } else { self.cell_format.category(cell) };
        category.map_or(Cell::Missing, Cell::Text)
    }

    /// A row's cell as it is written.
    pub(crate) fn raw(&self, row: usize) -> &'a str {
        self.column.get(row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_numbers_say_what_the_cells_say() {
        let mut column = TextColumn::default();
        let cells = ["1.5", "NA", "", " x ", "inf", "-inf", "1e999", "-0", "+nan", "7", "8"];
        cells.iter().for_each(|cell| column.push(cell));
        let cell_format = CellFormat::default();
        let read = |column: &TextColumn| -> Vec<String> {
            let cells = column.readings(&cell_format);
            (0..column.len()).map(|row| format!("{:?}", cells.get(row))).collect()
        };
        let fresh = read(&column);
        column.keep_numbers(&cell_format);
        assert!(!column.readings(&cell_format).numbers.is_empty());
        assert_eq!(read(&column), fresh);

        let other = CellFormat { missing: vec!["7".into()], decimal_comma: false };
        assert_eq!(column.readings(&other).get(9), Cell::Missing);
        assert_eq!(column.readings(&cell_format).get(9), Cell::Number(7.0));
        column.push("9");
        assert_eq!(column.readings(&cell_format).get(11), Cell::Number(9.0));
    }

    #[test]
    fn a_number_that_is_a_marker_is_missing() {
        let mut column = TextColumn::default();
        ["-999", "1", "-999.0"].iter().for_each(|cell| column.push(cell));
        let cell_format = CellFormat { missing: vec!["-999".into()], decimal_comma: false };
        column.keep_numbers(&cell_format);
        let cells = column.readings(&cell_format);
        assert_eq!([0, 1, 2].map(|row| cells.get(row)), [Cell::Missing, Cell::Number(1.0), Cell::Number(-999.0)]);
    }
}
