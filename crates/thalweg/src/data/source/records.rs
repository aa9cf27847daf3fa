//! A block of text taken apart into rows of cells.

use memchr::{memchr, memchr2_iter};

use super::text::Block;
use crate::data::table::TextColumn;
use crate::error::Error;

/// The rows of a block, up to one with a wrong number of fields.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Records {
    pub(super) columns: Vec<TextColumn>,
    /// The line on which each row begins.
    pub(super) lines: Vec<u64>,
    /// The row after these, if it does not fit.
    pub(super) wrong: Option<Wrong>,
}

/// A row with a wrong number of fields.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    line: u64,
    fields: usize,
    /// Whether a cell has blanks before its quote, which then is none.
    blank_first: bool,
}

impl Wrong {
    pub(super) fn error(&self, source: &str, expected: usize) -> Error {
        Error::data(format!("found {} fields, expected {expected}", self.fields))
            .at(format!("{source}, line {}", self.line))
            .fix(if self.blank_first {
                "remove the blanks before quotes: a quoted field begins with its quote"
            } else {
                "give the line one field a column; quote fields that hold the delimiter"
            })
    }
}

impl Records {
    /// Takes a block apart; each row has so many fields.
    pub(super) fn read(block: &Block, delimiter: char, fields: usize) -> Records {
        // About as much text in each, and room for more, so that they seldom move while they grow.
        let text = block.text.len() / fields.max(1) * 3 / 2;
        let columns = (0..fields).map(|_| TextColumn::with_capacity(text, text / 4)).collect();
        let mut reading = Reading { records: Records { columns, ..Records::default() }, fields: 0 };
        if memchr(b'"', block.text.as_bytes()).is_none() {
            reading.plain(block, delimiter as u8);
        } else {
            reading.quoted(block, delimiter);
        }
        reading.records
    }

    /// About how many bytes of the file they were.
    pub(super) fn bytes(&self) -> usize {
        self.columns.iter().map(TextColumn::bytes).sum()
    }

    /// How many rows there are.
    pub(super) fn rows(&self) -> usize {
        self.lines.len()
    }
}

/// Records in the making.
struct Reading {
    records: Records,
    /// Fields of the row so far.
    fields: usize,
}

impl Reading {
    /// Without quotes a line is a row and every delimiter ends a cell.
    fn plain(&mut self, block: &Block, delimiter: u8) {
        let (text, bytes) = (&block.text, block.text.as_bytes());
        let (mut line, mut row, mut cell) = (block.line, 0, 0);
        for at in memchr2_iter(delimiter, b'\n', bytes) {
            if bytes[at] == delimiter {
                self.cell(&text[cell..at]);
            } else {
                if row < at {
                    self.cell(&text[cell..at]);
                    if !self.end_row(line, || text[row..at].split(char::from(delimiter)).any(has_blank_before_quote)) {
                        return;
                    }
                }
                (line, row) = (line + 1, at + 1);
            }
            cell = at + 1;
        }
    }

    fn quoted(&mut self, block: &Block, delimiter: char) {
        let mut reader = builder(delimiter).from_reader(block.text.as_bytes());
        let mut record = csv::StringRecord::new();
        while reader.read_record(&mut record).unwrap_or(false) {
            record.iter().for_each(|cell| self.cell(cell));
            if !self.end_row(line_of(&record, &reader, block), || record.iter().any(has_blank_before_quote)) {
                return;
            }
        }
    }

    fn cell(&mut self, cell: &str) {
        if let Some(column) = self.records.columns.get_mut(self.fields) {
            column.push(without_blanks(cell));
        }
        self.fields += 1;
    }

    /// Ends a row; false if it does not fit.
    fn end_row(&mut self, line: u64, blank_first: impl FnOnce() -> bool) -> bool {
        let Records { columns, lines, wrong } = &mut self.records;
        let fields = std::mem::take(&mut self.fields);
        if fields == columns.len() {
            lines.push(line);
            return true;
        }
        // A line of spaces or an empty quote in a table of one column is a missing cell; elsewhere it is nothing.
        let blank = fields == 1 && columns[0].get(lines.len()).is_empty();
        columns.iter_mut().for_each(|column| column.truncate(lines.len()));
        if !blank {
            *wrong = Some(Wrong { line, fields, blank_first: blank_first() });
        }
        blank
    }
}

/// The cell without the blanks around it; most have none, which their ends show.
fn without_blanks(cell: &str) -> &str {
    let is_blank = |end: Option<&u8>| matches!(end, Some(b' ' | b'\t'));
    let bytes = cell.as_bytes();
    if is_blank(bytes.first()) || is_blank(bytes.last()) { cell.trim_matches([' ', '\t']) } else { cell }
}

fn has_blank_before_quote(cell: &str) -> bool {
    cell.starts_with(' ') && cell.trim().starts_with('"')
}

/// The first record that is not blank and the line it begins on; the block then begins with it, or, if it is a header,
/// after it.
pub(super) fn first(block: &mut Block, delimiter: char, header: bool) -> Option<(Vec<String>, u64)> {
    let mut reader = builder(delimiter).from_reader(block.text.as_bytes());
    let mut record = csv::StringRecord::new();
    let mut start = reader.position().clone();
    while reader.read_record(&mut record).unwrap_or(false) {
        let blank = record.len() == 1 && record[0].trim().is_empty();
        let line = line_of(&record, &reader, block);
        if blank || header {
            start = reader.position().clone();
        }
        if !blank {
            *block = Block { text: block.text[start.byte() as usize..].into(), line: block.line - 1 + start.line() };
            return Some((record.iter().map(|cell| cell.trim().into()).collect(), line));
        }
    }
    None
}

/// How records are told apart.
pub(super) fn builder(delimiter: char) -> csv::ReaderBuilder {
    let mut builder = csv::ReaderBuilder::new();
    builder.has_headers(false).flexible(true).delimiter(delimiter as u8);
    builder
}

/// The line that a record begins on. The reader takes blank lines before a record as part of it, so this is counted
/// from its end.
fn line_of(record: &csv::StringRecord, reader: &csv::Reader<&[u8]>, block: &Block) -> u64 {
    let within = record.as_slice().matches('\n').count() as u64;
    let counted = reader.position().line() - within - 1;
    block.line - 1 + counted.max(record.position().map_or(1, csv::Position::line))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Without quotes both ways of reading give the same rows, lines and errors.
        #[test]
        fn plain_rows_are_the_csv_readers(text in "([aé, \t]{0,4}[,\n]){0,12}", fields in 1_usize..4) {
            let block = Block { text: format!("{text}\n"), line: 7 };
            let empty = || Records { columns: vec![TextColumn::default(); fields], ..Records::default() };
            let mut plain = Reading { records: empty(), fields: 0 };
            plain.plain(&block, b',');
            let mut quoted = Reading { records: empty(), fields: 0 };
            quoted.quoted(&block, ',');
            prop_assert_eq!(plain.records, quoted.records);
        }
    }
}
