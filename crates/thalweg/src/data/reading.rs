//! Cells as numbers, each read once: parsing is most of the work of taking in a large table.

use std::borrow::Cow;

use super::cell_format::CellFormat;
use super::column::{Column, Parsed, Texts};
use super::number_format::NumberFormat;

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

    /// The number, if it is one.
    pub fn number(self) -> Option<f64> {
        if let Cell::Number(number) = self { Some(number) } else { None }
    }
}

impl Column {
    /// What the cells say under a notation.
    pub(crate) fn readings<'a>(&'a self, cell_format: &'a CellFormat) -> Readings<'a> {
        Readings::new(self, cell_format)
    }

    /// Reads every text cell as a number and keeps them, for all readings under the same notation to come.
    pub fn keep_numbers(&self, cell_format: &CellFormat) {
        if let Column::Texts(texts) = self {
            texts.parsed.get_or_init(|| Parsed::read(texts, cell_format));
        }
    }
}

impl Parsed {
    pub(super) fn read(texts: &Texts, cell_format: &CellFormat) -> Parsed {
        // Where no marker is a number, what is one need not be looked for among the markers.
        let finite = |cell: &str| cell_format.number(cell).filter(|number| number.is_finite());
        let unmarked = cell_format.missing.iter().all(|marker| finite(marker).is_none());
        let mut numbers = Vec::with_capacity(texts.len());
        let mut others = 0;
        for cell in texts.iter() {
            let plain = if unmarked { finite(cell) } else { None };
            numbers.push(match plain.map_or_else(|| read(cell, None, cell_format), Cell::Number) {
                Cell::Number(number) => number,
                Cell::Missing => f64::NAN,
                Cell::Text(_) => {
                    others += 1;
                    f64::NAN
                }
            });
            if others * 2 > texts.len() {
                numbers = Vec::new();
                break;
            }
        }
        Parsed { cell_format: cell_format.hash(), numbers }
    }
}

/// What a text says.
fn read<'a>(cell: &'a str, format: Option<NumberFormat>, cell_format: &CellFormat) -> Cell<'a> {
    let Some(cell) = cell_format.value(cell) else { return Cell::Missing };
    let formatted = format.and_then(|format| format.read(cell));
    formatted.or_else(|| cell_format.number(cell)).map_or(Cell::Text(cell), Cell::Number)
}

/// A column's cells under a notation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Readings<'a> {
    column: &'a Column,
    /// The cells as numbers where they are known; NaN where the cell is to be looked at.
    numbers: &'a [f64],
    cell_format: &'a CellFormat,
    /// How texts of numbers are written that are not plain.
    format: Option<NumberFormat>,
}

impl<'a> Readings<'a> {
    pub(super) fn new(column: &'a Column, cell_format: &'a CellFormat) -> Self {
        let is_text = |marker: &String| cell_format.number(marker).is_none_or(f64::is_nan);
        let numbers = match column {
            Column::Numbers(numbers) => cell_format.missing.iter().all(is_text).then_some(&numbers[..]),
            Column::Texts(texts) => texts.parsed(cell_format),
        };
        Readings { column, numbers: numbers.unwrap_or_default(), cell_format, format: None }
    }

    /// The same with texts of numbers read in a format; plain ones are too, where it does not read them.
    pub(crate) fn with_format(self, format: Option<NumberFormat>) -> Self {
        match self.column {
            Column::Texts(_) if format.is_some() => Readings { numbers: &[], format, ..self },
            _ => self,
        }
    }

    /// What a row's cell says.
    pub(crate) fn get(&self, row: usize) -> Cell<'a> {
        match (self.numbers.get(row), self.column) {
            (Some(number), _) if !number.is_nan() => Cell::Number(*number),
            (_, Column::Texts(texts)) => read(texts.get(row), self.format, self.cell_format),
            (_, Column::Numbers(numbers)) => self.as_text(row).map_or(Cell::Missing, |_| Cell::Number(numbers[row])),
        }
    }

    /// Whether a row's cell is missing.
    pub(crate) fn is_missing(&self, row: usize) -> bool {
        self.numbers.get(row).is_none_or(|number| number.is_nan()) && self.as_text(row).is_none()
    }

    /// A row's cell as a text, numbers too; none where it is missing.
    pub(crate) fn as_text(&self, row: usize) -> Option<Cow<'a, str>> {
        match self.column.get(row) {
            Cow::Borrowed(cell) => self.cell_format.value(cell).map(Cow::Borrowed),
            Cow::Owned(cell) => self.cell_format.value(&cell).is_some().then_some(Cow::Owned(cell)),
        }
    }

    /// A row's cell as a category; none where it is missing.
    pub(crate) fn category(&self, row: usize) -> Option<Cow<'a, str>> {
        match self.column {
            Column::Texts(texts) => texts.category(row, self.cell_format).map(Cow::Borrowed),
            Column::Numbers(_) => self.as_text(row),
        }
    }

    /// A row's cell as it is written.
    pub(crate) fn raw(&self, row: usize) -> Cow<'a, str> {
        self.column.get(row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_numbers_say_what_the_cells_say() {
        let mut column = Column::default();
        let cells = ["1.5", "NA", "", " x ", "inf", "-inf", "1e999", "-0", "+nan", "7", "8"];
        cells.iter().for_each(|cell| column.push(cell));
        let cell_format = CellFormat::default();
        let read = |column: &Column| -> Vec<String> {
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
        let mut column = Column::default();
        ["-999", "1", "-999.0"].iter().for_each(|cell| column.push(cell));
        let cell_format = CellFormat { missing: vec!["-999".into()], decimal_comma: false };
        column.keep_numbers(&cell_format);
        let cells = column.readings(&cell_format);
        assert_eq!([0, 1, 2].map(|row| cells.get(row)), [Cell::Missing, Cell::Number(1.0), Cell::Number(-999.0)]);
    }
}
