//! Parsing a block of text into rows of cells.

use memchr::{memchr, memchr2_iter};

use super::shape::{self, LeftOut, RowKind, Shape};
use super::text::Block;
use crate::data::column::Texts;
use crate::error::Error;

/// The rows of a block, up to one with a wrong number of fields.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Records {
    pub(super) columns: Vec<Texts>,
    /// The line where each row begins.
    pub(super) lines: Vec<u64>,
    /// The row after these, if its number of fields is wrong.
    pub(super) wrong: Option<Wrong>,
    /// Lines after these that are a note if no row follows them, else an error.
    pub(super) note: Option<Wrong>,
    pub(super) left_out: LeftOut,
}

/// A row with a wrong number of fields.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    line: u64,
    fields: usize,
    fix: &'static str,
}

impl Wrong {
    pub(super) fn error(&self, source: &str, expected: usize) -> Error {
        Error::data(format!("found {} fields, expected {expected}", self.fields))
            .at(format!("{source}, line {}", self.line))
            .fix(self.fix)
    }
}

impl Records {
    /// Parses a block.
    pub(super) fn read(block: &Block, shape: &Shape) -> Records {
        // About the same amount of text in each, with spare capacity, so that they are seldom reallocated.
        let text = block.text.len() / shape.fields.max(1) * 3 / 2;
        let columns = (0..shape.fields).map(|_| Texts::with_capacity(text, text / 4)).collect();
        let mut reading = Reading::new(shape, columns);
        if memchr(b'"', block.text.as_bytes()).is_none() {
            reading.plain(block, shape.delimiter as u8);
        } else {
            reading.quoted(block, shape.delimiter);
        }
        reading.records
    }

    /// Their approximate size in the file in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.columns.iter().map(Texts::bytes).sum()
    }

    /// The number of rows.
    pub(super) fn rows(&self) -> usize {
        self.lines.len()
    }

    /// Drops the last rows if they are notes or a total; none follow after these.
    pub(super) fn drop_footer(&mut self) {
        let mut rows = self.rows();
        while rows > 1 && shape::is_footer(&self.columns, rows - 1) {
            rows -= 1;
        }
        for row in rows..self.rows() {
            self.left_out.footer.add(self.lines[row], self.columns[0].get(row));
        }
        self.lines.truncate(rows);
        self.columns.iter_mut().for_each(|column| column.truncate(rows));
    }
}

/// Records under construction.
struct Reading<'a> {
    shape: &'a Shape,
    records: Records,
    /// Fields of the current row so far.
    fields: usize,
    /// Whether a field beyond the columns is non-empty.
    spilled: bool,
}

impl Reading<'_> {
    fn new(shape: &Shape, columns: Vec<Texts>) -> Reading<'_> {
        Reading { shape, records: Records { columns, ..Records::default() }, fields: 0, spilled: false }
    }

    /// Without quotes, each line is a row and each delimiter ends a cell.
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
        let cell = without_blanks(cell);
        match self.records.columns.get_mut(self.fields) {
            Some(column) => column.push(cell),
            None => self.spilled |= !cell.is_empty(),
        }
        self.fields += 1;
    }

    /// Ends a row; false if its number of fields is wrong.
    fn end_row(&mut self, line: u64, blank_first: impl FnOnce() -> bool) -> bool {
        let (fields, spilled) = (std::mem::take(&mut self.fields), std::mem::take(&mut self.spilled));
        let Records { columns, lines, wrong, note, left_out } = &mut self.records;
        let row = lines.len();
        let kind = self.shape.kind(&columns[..fields.min(columns.len())], row, fields, spilled);
        if kind == RowKind::Example && note.is_none() {
            lines.push(line);
            return true;
        }
        let leave_out = |kind: &mut shape::SkippedRows| kind.add(line, columns[0].get(row));
        match kind {
            RowKind::Nothing => {}
            RowKind::Blank => leave_out(&mut left_out.blank),
            RowKind::Comment => leave_out(&mut left_out.comments),
            RowKind::Header => leave_out(&mut left_out.headers),
            RowKind::Note => {
                leave_out(&mut left_out.footer);
                note.get_or_insert(Wrong { line, fields, fix: NO_NOTE });
            }
            RowKind::Example | RowKind::Wrong => {
                let this = || {
                    let fix = match (blank_first(), spilled && fields <= columns.len() + self.shape.spare) {
                        (true, _) => "remove the blanks before quotes: a quoted field begins with its quote",
                        (_, true) => {
                            "name the last column in the header, or with [names]; all cells above are empty in it"
                        }
                        _ => "give the line one field a column; quote fields that hold the delimiter",
                    };
                    Wrong { line, fields, fix }
                };
                *wrong = Some(note.take().unwrap_or_else(this));
            }
        }
        columns.iter_mut().for_each(|column| column.truncate(row));
        wrong.is_none()
    }
}

/// The remedy for a note followed by rows.
const NO_NOTE: &str = "give the line one field a column, or begin it with a mark and name that with [comment]";

/// The cell without surrounding blanks; most have none, as their first and last bytes show.
fn without_blanks(cell: &str) -> &str {
    let is_blank = |end: Option<&u8>| matches!(end, Some(b' ' | b'\t'));
    let bytes = cell.as_bytes();
    if is_blank(bytes.first()) || is_blank(bytes.last()) { cell.trim_matches([' ', '\t']) } else { cell }
}

fn has_blank_before_quote(cell: &str) -> bool {
    cell.starts_with(' ') && cell.trim().starts_with('"')
}

/// The first record that is not blank and the line where it begins; the block is advanced to it or, if it is a header,
/// past it.
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

/// The configuration of the record parser.
pub(super) fn builder(delimiter: char) -> csv::ReaderBuilder {
    let mut builder = csv::ReaderBuilder::new();
    builder.has_headers(false).flexible(true).delimiter(delimiter as u8);
    builder
}

/// The line where a record begins. The reader counts blank lines before a record as part of it, so this is counted from
/// its end.
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
        /// Without quotes, both parsers give the same rows, lines and errors.
        #[test]
        fn plain_rows_are_the_csv_readers(text in "([aé, \t]{0,4}[,\n]){0,12}", fields in 1_usize..4) {
            let block = Block { text: format!("{text}\n"), line: 7 };
            let shape = Shape { delimiter: ',', fields, spare: 1, header: vec!["a".into(); fields], footer: true, ..Shape::default() };
            let empty = || vec![Texts::default(); fields];
            let mut plain = Reading::new(&shape, empty());
            plain.plain(&block, b',');
            let mut quoted = Reading::new(&shape, empty());
            quoted.quoted(&block, ',');
            prop_assert_eq!(plain.records, quoted.records);
        }
    }
}
