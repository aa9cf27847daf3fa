//! CSV and its relatives, a chunk of rows at a time.

use std::collections::{BTreeSet, VecDeque};
use std::io::{Cursor, Read};

use encoding_rs::{Encoding, UTF_8};
use thalweg_kernels::pool;

use super::detect;
use super::packed::Input;
use super::reader::Batches;
use super::records::{self, Records};
use super::text::{Block, Damage, Utf8};
use crate::data::table::{Table, TextColumn};
use crate::error::{Error, Result};
use crate::spec;
use crate::train::event::Decision;

/// Bytes that are looked at before the first row is read.
const SAMPLE: usize = 1 << 18;

/// Bytes that a thread takes apart at a time.
const BLOCK: usize = 1 << 19;

/// A delimited text file, read a chunk at a time: memory does not grow with the file.
pub(super) struct Delimited {
    source: String,
    /// How many bytes it has at least, where that is known.
    bytes: u64,
    names: Vec<String>,
    delimiter: char,
    text: Utf8<Input>,
    /// Rows that have been read and not yet given; of the first, `given` are.
    ready: VecDeque<Records>,
    given: usize,
    decisions: Vec<Decision>,
    decimal_comma: bool,
}

/// What is decided of a file whose first line is like the others.
const HEADERLESS: &str = "the first line is data";

/// The name of a column that has none.
pub(super) fn made_up(column: usize) -> String {
    format!("column_{}", column + 1)
}

impl Delimited {
    /// Opens a source under the name errors call it by; what the options leave open is found in its first bytes.
    ///
    /// # Errors
    /// If it is empty, has no rows, or names its columns wrongly.
    pub(super) fn open(source: &str, mut input: Input, options: &spec::Data) -> Result<Delimited> {
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
        let bytes: Input = Box::new(Cursor::new(start).chain(input));
        let mut table = Delimited {
            source: source.into(),
            bytes: 0,
            names: Vec::new(),
            delimiter,
            text: Utf8::new(bytes, encoding, delimiter as u8),
            ready: VecDeque::new(),
            given: 0,
            decisions,
            decimal_comma,
        };
        table.read_names(header, options)?;
        Ok(table)
    }

    /// Says how many bytes there are, so that a whole table gets its room at once.
    pub(super) fn of_bytes(self, bytes: u64) -> Delimited {
        Delimited { bytes, ..self }
    }

    /// Takes the names from the first record, from the options, or makes them up.
    fn read_names(&mut self, header: bool, options: &spec::Data) -> Result<()> {
        // Blank lines may come first, even blocks of them.
        let (first, line, block) = loop {
            let Some(mut block) = self.block()? else {
                return Err(Error::data("the file has no rows").at(&*self.source).fix("add a header and rows"));
            };
            if let Some((first, line)) = records::first(&mut block, self.delimiter, header) {
                break (first, line, block);
            }
        };
        let fields = first.len();
        if header {
            self.names = first;
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
        self.ready.push_back(Records::read(&block, self.delimiter, fields));
        if !self.fill()? && header {
            return Err(Error::data("the file has a header and no rows")
                .at(&*self.source)
                .fix("add rows, or --header=false if the first line is data"));
        }
        Ok(())
    }

    /// The next rows as text.
    fn block(&mut self) -> Result<Option<Block>> {
        self.text.block(BLOCK).map_err(|error| wrong_text(&self.source, &error))
    }

    /// Sees to it that a row is ready, if there is one left.
    fn fill(&mut self) -> Result<bool> {
        loop {
            match self.ready.front() {
                Some(first) if self.given < first.rows() => return Ok(true),
                Some(first) => {
                    if let Some(wrong) = &first.wrong {
                        return Err(wrong.error(&self.source, self.names.len()));
                    }
                    self.ready.pop_front();
                    self.given = 0;
                }
                None => {
                    let mut blocks = Vec::new();
                    while let Some(block) = self.block()? {
                        blocks.push(block);
                        if blocks.len() == pool::threads() {
                            break;
                        }
                    }
                    if blocks.is_empty() {
                        return Ok(false);
                    }
                    let read = |i: usize| Records::read(&blocks[i], self.delimiter, self.names.len());
                    self.ready.extend(pool::map(blocks.len(), read));
                }
            }
        }
    }
}

impl Batches for Delimited {
    fn adopt(&mut self, names: &[String]) {
        if self.are_names_made_up() && self.names.len() == names.len() && self.names != names {
            self.names = names.to_vec();
            self.decisions.retain(|decision| !decision.what.starts_with(HEADERLESS));
            self.decisions.push(Decision {
                what: format!("{HEADERLESS}; columns are called as in the training data"),
                why: "it looks like the lines below it".into(),
                flag: "--header, or --names a,b,…".into(),
            });
        }
    }

    fn are_names_made_up(&self) -> bool {
        self.names.iter().enumerate().all(|(i, name)| *name == made_up(i))
    }

    fn names(&self) -> &[String] {
        &self.names
    }

    fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    fn decimal_comma(&self) -> bool {
        self.decimal_comma
    }

    fn next(&mut self, most: usize) -> Result<Option<Table>> {
        let mut table = Table {
            source: self.source.clone(),
            names: self.names.clone(),
            columns: vec![TextColumn::default(); self.names.len()],
            lines: Vec::new(),
            notation: None,
        };
        while table.lines.len() < most && self.fill()? {
            let Some(first) = self.ready.front() else { break };
            let rows = self.given..first.rows().min(self.given + most - table.lines.len());
            if table.lines.is_empty() {
                let blocks = (self.bytes as f64 / first.bytes() as f64).min(most as f64 / first.rows() as f64);
                // A little more, for rows later on may be longer.
                table.columns.iter_mut().zip(&first.columns).for_each(|(to, from)| to.reserve(1.02 * blocks, from));
            }
            pool::for_each_chunk(&mut table.columns, 1, |i, column| {
                column[0].extend(&first.columns[i], rows.clone());
            });
            table.lines.extend(&first.lines[rows.clone()]);
            self.given = rows.end;
        }
        Ok((!table.lines.is_empty()).then_some(table))
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

fn wrong_text(source: &str, error: &std::io::Error) -> Error {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Damage>()) {
        Some(Damage { line, what, fix }) => Error::data(what).at(format!("{source}, line {line}")).fix(*fix),
        None => super::unreadable(source, error),
    }
}
