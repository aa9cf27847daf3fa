//! CSV and its relatives, a chunk of rows at a time.

use std::collections::BTreeSet;
use std::io::{Cursor, Read};

use encoding_rs::{Encoding, UTF_8};

use super::detect;
use super::text::{Damage, Utf8};
use crate::data::table::{Table, TextColumn};
use crate::error::{Error, Result};
use crate::spec;
use crate::train::event::Decision;

/// Bytes that are looked at before the first row is read.
const SAMPLE: usize = 1 << 18;

/// A delimited text file, read a chunk at a time: memory does not grow with the file.
pub struct TableReader {
    source: String,
    names: Vec<String>,
    reader: csv::Reader<Utf8<Box<dyn Read + Send>>>,
    record: csv::StringRecord,
    /// The line of the record that has been read and not yet given.
    pending: Option<u64>,
    decisions: Vec<Decision>,
    decimal_comma: bool,
}

/// What is decided of a file whose first line is like the others.
const HEADERLESS: &str = "the first line is data";

/// The name of a column that has none.
fn made_up(column: usize) -> String {
    format!("column_{}", column + 1)
}

/// How records are told apart.
pub(super) fn builder(delimiter: char) -> csv::ReaderBuilder {
    let mut builder = csv::ReaderBuilder::new();
    builder.has_headers(false).flexible(true).delimiter(delimiter as u8);
    builder
}

impl TableReader {
    /// Opens a source under the name errors call it by; what the options leave open is found in its first bytes.
    ///
    /// # Errors
    /// If it is empty, has no rows, or names its columns wrongly.
    pub fn open(source: &str, mut input: Box<dyn Read + Send>, options: &spec::Data) -> Result<TableReader> {
        let mut start = Vec::new();
        let read = input.by_ref().take(SAMPLE as u64).read_to_end(&mut start);
        read.map_err(|error| super::unreadable(source, &error))?;
        let whole = start.len() < SAMPLE;
        let mut decisions = Vec::new();
        let encoding = encoding(&start, whole, source, options, &mut decisions)?;
        let (text, _) = encoding.decode_with_bom_removal(&start);
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        if text.trim().is_empty() {
            return Err(Error::data("the file is empty").at(source).fix("name a file with a header and rows"));
        }
        let delimiter = match options.delimiter {
            Some(delimiter) if delimiter.is_ascii() && !['"', '\n', '\r', '\0'].contains(&delimiter) => delimiter,
            Some(delimiter) => {
                let error = Error::config(format!("{delimiter:?} cannot be the delimiter"));
                return Err(error.at("--delimiter").fix("use , ; | or a tab"));
            }
            None => detect::delimiter(&text),
        };
        if delimiter != ',' && options.delimiter.is_none() {
            let what = format!("fields are separated by {delimiter:?}");
            decisions.push(Decision { what, why: "found in the file".into(), flag: "--delimiter ,".into() });
        }
        let records = detect::records(&text, delimiter, 200);
        let header = options.header.unwrap_or_else(|| detect::header(&records));
        let decimal_comma = options.decimal_comma.unwrap_or_else(|| detect::decimal_comma(&records, delimiter));
        if decimal_comma && options.decimal_comma.is_none() {
            let what = "numbers have a decimal comma".into();
            decisions.push(Decision { what, why: "found in the file".into(), flag: "--decimal-comma=false".into() });
        }
        let bytes: Box<dyn Read + Send> = Box::new(Cursor::new(start).chain(input));
        let reader = builder(delimiter).from_reader(Utf8::new(bytes, encoding, delimiter as u8));
        let mut table = TableReader {
            source: source.into(),
            names: Vec::new(),
            reader,
            record: csv::StringRecord::new(),
            pending: None,
            decisions,
            decimal_comma,
        };
        table.read_names(header, options)?;
        Ok(table)
    }

    /// Takes the names from the first record, from the options, or makes them up.
    fn read_names(&mut self, header: bool, options: &spec::Data) -> Result<()> {
        let Some(line) = self.advance()? else {
            return Err(Error::data("the file has no rows").at(&*self.source).fix("add a header and rows"));
        };
        let fields = self.record.len();
        if header {
            self.pending = None;
            self.names = self.record.iter().map(|name| name.trim().to_string()).collect();
            if options.names.is_empty() {
                check_header(&self.names, &self.source, line)?;
            } else if options.header.is_none() {
                self.decisions.push(Decision {
                    what: format!("the first line is a header, and --names replaces {:?}", self.names.join(",")),
                    why: "it does not look like the lines below it".into(),
                    flag: "--header=false".into(),
                });
            }
        } else {
            self.names = (0..fields).map(made_up).collect();
            if options.header.is_none() && options.names.is_empty() {
                self.decisions.push(Decision {
                    what: format!("{HEADERLESS}; columns are called column_1 to column_{fields}"),
                    why: "it looks like the lines below it".into(),
                    flag: "--header, or --names a,b,…".into(),
                });
            }
        }
        if !options.names.is_empty() {
            if options.names.len() != fields {
                return Err(Error::config(format!("{} names for {fields} columns", options.names.len()))
                    .at("--names")
                    .fix("give one name a column"));
            }
            let mut seen = BTreeSet::new();
            if let Some(name) = options.names.iter().find(|name| !seen.insert(*name)) {
                return Err(Error::config(format!("the column name {name:?} comes twice"))
                    .at("--names")
                    .fix("give each column a name of its own"));
            }
            self.names.clone_from(&options.names);
        }
        if header && self.advance()?.is_none() {
            return Err(Error::data("the file has a header and no rows")
                .at(&*self.source)
                .fix("add rows, or --header=false if the first line is data"));
        }
        Ok(())
    }

    /// Reads the next record that is not blank; gives its line.
    fn advance(&mut self) -> Result<Option<u64>> {
        loop {
            let more = self.reader.read_record(&mut self.record).map_err(|error| wrong_text(&self.source, &error))?;
            if !more {
                self.pending = None;
                return Ok(None);
            }
            // The reader takes blank lines before a record as part of it, so its first line is counted from its end.
            let within = self.record.as_slice().matches('\n').count() as u64;
            let after = self.reader.position().line();
            let line = (after - within - 1).max(self.record.position().map_or(1, csv::Position::line));
            // A line of spaces or an empty quote in a table of one column is a missing cell; elsewhere it is nothing.
            if self.record.len() == 1 && self.record[0].trim().is_empty() && self.names.len() != 1 {
                continue;
            }
            self.pending = Some(line);
            return Ok(Some(line));
        }
    }

    /// Gives columns without names of their own these names, if there is one for each.
    pub(crate) fn adopt(&mut self, names: &[String]) {
        let made_up = self.names.iter().enumerate().all(|(i, name)| *name == made_up(i));
        if made_up && self.names.len() == names.len() && self.names != names {
            self.names = names.to_vec();
            self.decisions.retain(|decision| !decision.what.starts_with(HEADERLESS));
            self.decisions.push(Decision {
                what: format!("{HEADERLESS}; columns are called as in the training data"),
                why: "it looks like the lines below it".into(),
                flag: "--header, or --names a,b,…".into(),
            });
        }
    }

    /// The column names.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// What was found in the file, and the flags that say otherwise.
    pub fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    /// Whether numbers have a decimal comma.
    pub fn decimal_comma(&self) -> bool {
        self.decimal_comma
    }

    /// The next rows, at most so many; none at the end.
    ///
    /// # Errors
    /// If a row has another number of fields than the header, or the text is damaged.
    pub fn next_chunk(&mut self, most: usize) -> Result<Option<Table>> {
        let mut table = Table {
            source: self.source.clone(),
            names: self.names.clone(),
            columns: vec![TextColumn::default(); self.names.len()],
            lines: Vec::new(),
        };
        while let Some(line) = self.pending.filter(|_| table.lines.len() < most) {
            let (found, expected) = (self.record.len(), self.names.len());
            if found != expected {
                let blank_first = self.record.iter().any(|cell| cell.starts_with(' ') && cell.trim().starts_with('"'));
                return Err(Error::data(format!("found {found} fields, expected {expected}"))
                    .at(format!("{}, line {line}", self.source))
                    .fix(if blank_first {
                        "remove the blanks before quotes: a quoted field begins with its quote"
                    } else {
                        "give the line one field a column; quote fields that hold the delimiter"
                    }));
            }
            for (cell, column) in self.record.iter().zip(&mut table.columns) {
                column.push(cell.trim_matches([' ', '\t']));
            }
            table.lines.push(line);
            self.advance()?;
        }
        Ok((!table.lines.is_empty()).then_some(table))
    }

    /// All rows that are left.
    ///
    /// # Errors
    /// As for [`TableReader::next_chunk`].
    pub fn read_all(mut self) -> Result<Table> {
        self.next_chunk(usize::MAX)?.ok_or_else(|| Error::data("the file has no rows").at(&*self.source))
    }
}

fn encoding(
    start: &[u8],
    whole: bool,
    source: &str,
    options: &spec::Data,
    decisions: &mut Vec<Decision>,
) -> Result<&'static Encoding> {
    if let Some(label) = &options.encoding {
        return Encoding::for_label(label.as_bytes()).ok_or_else(|| {
            Error::config(format!("unknown encoding {label:?}")).at("--encoding").fix("use utf-8, utf-16le or latin1")
        });
    }
    let (encoding, guessed) = detect::encoding(start, whole);
    if encoding != UTF_8 {
        decisions.push(Decision {
            what: format!("{source} is read as {}", encoding.name()),
            why: if guessed { "it is not UTF-8" } else { "its first bytes say so" }.into(),
            flag: "--encoding latin1".into(),
        });
    }
    Ok(encoding)
}

/// Each name must be there, once.
fn check_header(names: &[String], source: &str, line: u64) -> Result<()> {
    let mut seen = BTreeSet::new();
    for (i, name) in names.iter().enumerate() {
        let place = format!("{source}, line {line}, column {}", i + 1);
        if name.is_empty() {
            return Err(Error::data("the column has no name")
                .at(place)
                .fix("name it in the header, or add --header=false if the first line is data"));
        }
        if !seen.insert(name) {
            return Err(Error::data(format!("the column name {name:?} comes twice"))
                .at(place)
                .fix("give each column a name of its own in the header"));
        }
    }
    Ok(())
}

fn wrong_text(source: &str, error: &csv::Error) -> Error {
    let csv::ErrorKind::Io(error) = error.kind() else {
        return Error::data(error.to_string()).at(source).fix("save the file as UTF-8 text, or name its --encoding");
    };
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Damage>()) {
        Some(Damage { line, what, fix }) => Error::data(what).at(format!("{source}, line {line}")).fix(*fix),
        None => super::unreadable(source, error),
    }
}
