//! Delimited text (CSV and its relatives), a chunk of rows at a time.

use std::collections::VecDeque;
use std::io::{Cursor, Read};

use encoding_rs::{Encoding, UTF_8};
use thalweg_kernels::pool;

use super::detect;
use super::head::Dialect;
use super::names::{self, HEADERLESS, made_up};
use super::packed::Input;
use super::reader::Batches;
use super::records::{self, Records, Wrong};
use super::shape::{LeftOut, Shape};
use super::text::{Block, Damage, Utf8};
use crate::config;
use crate::data::column::{Column, Texts};
use crate::data::table::Table;
use crate::error::{Error, Result};
use crate::event::Decision;

/// Bytes that are examined before the first row is read.
const SAMPLE: usize = 1 << 18;

/// Bytes that a thread parses at a time.
const BLOCK: usize = 1 << 19;

/// A delimited text file, read a chunk at a time: memory does not grow with the file.
pub(super) struct Delimited {
    source: String,
    /// The minimum size in bytes, if known.
    bytes: u64,
    names: Vec<String>,
    shape: Shape,
    text: Utf8<Input>,
    /// The block after those that have been read; if there is none, these are the last.
    ahead: Option<std::io::Result<Option<Block>>>,
    /// Rows that have been read but not yet returned; of the first block, `given` have been.
    ready: VecDeque<Records>,
    given: usize,
    /// Lines that are an error if a row follows them.
    note: Option<Wrong>,
    left_out: LeftOut,
    decisions: Vec<Decision>,
    decimal_comma: bool,
}

impl Delimited {
    /// Opens a source under the name that errors call it by; what the options leave open is detected from its first
    /// bytes.
    ///
    /// # Errors
    /// If it is empty, has no rows, or its column names are invalid.
    pub(super) fn open(source: &str, mut input: Input, options: &config::Data) -> Result<Delimited> {
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
        let head = Dialect::find(&text, whole, source, options, &mut decisions)?;
        let found = || detect::decimal_comma(&head.records, head.delimiter);
        let decimal_comma = options.decimal_comma.unwrap_or_else(found);
        if decimal_comma && options.decimal_comma.is_none() {
            let what = "numbers have a decimal comma".into();
            decisions.push(Decision { what, why: "found in the file".into(), instead: "[decimal_comma=false]".into() });
        }
        let bytes: Input = Box::new(Cursor::new(start).chain(input));
        let mut table = Delimited {
            source: source.into(),
            bytes: 0,
            names: Vec::new(),
            shape: Shape {
                delimiter: head.delimiter,
                always_comment: options.comment.is_some(),
                footer: options.skip_footer.unwrap_or(true),
                ..Shape::default()
            },
            text: Utf8::new(bytes, encoding, head.delimiter as u8, head.lines as u64),
            ahead: None,
            ready: VecDeque::new(),
            given: 0,
            note: None,
            left_out: LeftOut::default(),
            decisions,
            decimal_comma,
        };
        table.read_names(head, options)?;
        Ok(table)
    }

    /// Sets the size in bytes, so that space for an entire table is reserved in advance.
    pub(super) fn of_bytes(self, bytes: u64) -> Delimited {
        Delimited { bytes, ..self }
    }

    /// Takes the names from the first record or from the options, or makes them up.
    fn read_names(&mut self, head: Dialect, options: &config::Data) -> Result<()> {
        // Blank lines may come first, even blocks of them.
        let (first, line, block) = loop {
            let Some(mut block) = self.block()? else {
                return Err(Error::data("the file has no rows").at(&*self.source).fix("add a header and rows"));
            };
            if let Some((first, line)) = records::first(&mut block, head.delimiter, head.header) {
                break (first, line, block);
            }
        };
        if head.header {
            self.shape.header.clone_from(&first);
        }
        let before = first.len();
        self.names = names::of_columns(first, (&self.source, line), &head, options, &mut self.decisions)?;
        self.shape.fields = self.names.len();
        self.shape.header.truncate(self.shape.fields);
        self.shape.spare = head.spare(before, self.names.len());
        self.shape.comment = head.comment;
        self.take(&[block]);
        if !self.fill()? && head.header {
            return Err(Error::data("the file has a header and no rows")
                .at(&*self.source)
                .fix("add rows, or [header=false] if the first line is data"));
        }
        Ok(())
    }

    /// The next rows as text.
    fn block(&mut self) -> Result<Option<Block>> {
        let block = self.ahead.take().unwrap_or_else(|| self.text.block(BLOCK));
        let block = block.map_err(|error| wrong_text(&self.source, &error))?;
        if block.is_some() {
            self.ahead = Some(self.text.block(BLOCK));
        }
        Ok(block)
    }

    /// Parses rows; those below the last row are left out.
    fn take(&mut self, blocks: &[Block]) {
        let shape = &self.shape;
        self.ready.extend(pool::map(blocks.len(), |i| Records::read(&blocks[i], shape)));
        let is_last = matches!(self.ahead, Some(Ok(None)));
        if let Some(last) = self.ready.back_mut().filter(|last| is_last && last.wrong.is_none() && shape.footer) {
            last.drop_footer();
        }
    }

    /// Ensures that a row is ready, if there is one left.
    fn fill(&mut self) -> Result<bool> {
        loop {
            match self.ready.front() {
                Some(first) if self.given < first.rows() => {
                    return match self.note.take() {
                        Some(note) => Err(note.error(&self.source, self.names.len())),
                        None => Ok(true),
                    };
                }
                Some(first) => {
                    if let Some(wrong) = &first.wrong {
                        return Err(wrong.error(&self.source, self.names.len()));
                    }
                    let done = self.ready.pop_front().unwrap_or_default();
                    self.left_out.append(&done.left_out);
                    self.note = self.note.take().or(done.note);
                    self.given = 0;
                }
                None => {
                    // Where rows are so wide that a block holds few, the columns themselves dominate its memory.
                    let wide = self.shape.fields * size_of::<Texts>() > 4 * BLOCK;
                    let most = if wide { 1 } else { pool::threads() };
                    let mut blocks = Vec::new();
                    while let Some(block) = self.block()? {
                        blocks.push(block);
                        if blocks.len() == most {
                            break;
                        }
                    }
                    if blocks.is_empty() {
                        self.decisions.extend(std::mem::take(&mut self.left_out).decisions());
                        return Ok(false);
                    }
                    self.take(&blocks);
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
                instead: "[header=true], or [names=a,b,…]".into(),
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
            columns: Vec::new(),
            lines: Vec::new(),
            cell_format: None,
        };
        let mut columns = vec![Texts::default(); self.names.len()];
        while table.lines.len() < most && self.fill()? {
            let Some(first) = self.ready.front() else { break };
            let rows = self.given..first.rows().min(self.given + most - table.lines.len());
            if table.lines.is_empty() {
                let blocks = (self.bytes as f64 / first.bytes() as f64).min(most as f64 / first.rows() as f64);
                // A little more, since later rows may be longer.
                columns.iter_mut().zip(&first.columns).for_each(|(to, from)| to.reserve(1.02 * blocks, from));
            }
            pool::for_each_chunk(&mut columns, 1, |i, column| {
                column[0].extend(&first.columns[i], rows.clone());
            });
            table.lines.extend(&first.lines[rows.clone()]);
            self.given = rows.end;
        }
        table.columns = columns.into_iter().map(Column::Texts).collect();
        Ok((!table.lines.is_empty()).then_some(table))
    }
}

fn encoding(
    start: &[u8],
    whole: bool,
    source: &str,
    options: &config::Data,
    decisions: &mut Vec<Decision>,
) -> Result<&'static Encoding> {
    if let Some(label) = &options.encoding {
        return detect::named(label, "use utf-8, utf-16le or latin1");
    }
    let (encoding, guessed) = detect::encoding(start, whole);
    if encoding != UTF_8 {
        decisions.push(Decision {
            what: format!("{source} is read as {}", encoding.name()),
            why: if guessed { "it is not UTF-8" } else { "its first bytes say so" }.into(),
            instead: "[encoding=latin1]".into(),
        });
    }
    Ok(encoding)
}

fn wrong_text(source: &str, error: &std::io::Error) -> Error {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Damage>()) {
        Some(Damage { line, what, fix }) => Error::data(what).at(format!("{source}, line {line}")).fix(*fix),
        None => super::unreadable(source, error),
    }
}
