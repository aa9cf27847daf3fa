//! Reading tables of any format, a chunk of rows at a time.

use super::packed::Input;
use crate::config;
use crate::data::cell_format::CellFormat;
use crate::data::column::{Column, Declared};
use crate::data::memory;
use crate::data::table::Table;
use crate::error::{Error, Result};
use crate::event::Decision;

/// Rows that are read at a time when all are requested.
const CHUNK: usize = 1 << 15;

/// The interface of a format: named columns, and their rows a batch at a time.
pub(super) trait Batches: Send {
    /// The column names.
    fn names(&self) -> &[String];

    /// The next rows, at most this many; none at the end.
    fn next(&mut self, most: usize) -> Result<Option<Table>>;

    /// What was detected in the file, and the flags that override it.
    fn decisions(&self) -> &[Decision] {
        &[]
    }

    /// The approximate size of its cells in bytes, if known.
    fn bytes(&self) -> Option<u64> {
        None
    }

    /// Whether numbers have a decimal comma.
    fn decimal_comma(&self) -> bool {
        false
    }

    /// Whether the names are made up rather than from the file.
    fn are_names_made_up(&self) -> bool {
        false
    }

    /// Adopts the names of the training data's columns, if the file has none.
    fn adopt(&mut self, _names: &[String]) {}
}

/// A table that is read a chunk at a time: memory does not grow with the file.
pub struct TableReader {
    source: String,
    batches: Box<dyn Batches>,
    /// The approximate size of its cells in bytes, if known.
    bytes: Option<u64>,
    /// The maximum size of its cells in bytes.
    most: u64,
}

impl TableReader {
    /// Opens a stream of bytes under the name that errors call it by; its format, and what the options leave open, are
    /// detected from its first bytes.
    ///
    /// # Errors
    /// If it is empty, has no rows, its column names are invalid, or its format is not supported.
    pub fn open(source: &str, input: Input, options: &config::Data) -> Result<TableReader> {
        super::formats::open(source, input, None, options)
    }

    pub(super) fn new(source: &str, batches: Box<dyn Batches>, options: &config::Data) -> Result<TableReader> {
        let most = options.memory_bytes()?.or_else(memory::free).unwrap_or(u64::MAX);
        Ok(TableReader { source: source.into(), bytes: batches.bytes(), batches, most })
    }

    /// Sets the size of the file in bytes, if it is read as stored.
    pub(super) fn of_bytes(self, bytes: Option<u64>) -> TableReader {
        TableReader { bytes: self.bytes.or(bytes), ..self }
    }

    /// Gives columns without names these names, if there is one for each.
    pub(crate) fn adopt(&mut self, names: &[String]) {
        self.batches.adopt(names);
    }

    /// The column names.
    pub fn names(&self) -> &[String] {
        self.batches.names()
    }

    /// Whether the names are made up rather than from the file, so that splits in separate files must be given them.
    pub(crate) fn are_names_made_up(&self) -> bool {
        self.batches.are_names_made_up()
    }

    /// The approximate size of its cells in bytes, if known.
    pub(crate) fn bytes(&self) -> Option<u64> {
        self.bytes
    }

    /// What was detected in the file so far, and the flags that override it; after the last row also what was left out.
    pub fn decisions(&self) -> &[Decision] {
        self.batches.decisions()
    }

    /// Whether numbers have a decimal comma.
    pub fn decimal_comma(&self) -> bool {
        self.batches.decimal_comma()
    }

    /// The next rows, at most this many; none at the end.
    ///
    /// # Errors
    /// If a row's number of fields differs from the header's, or the data is damaged.
    pub fn next_chunk(&mut self, most: usize) -> Result<Option<Table>> {
        self.batches.next(most)
    }

    /// All remaining rows.
    ///
    /// # Errors
    /// As for [`TableReader::next_chunk`], and if they do not fit into memory.
    pub fn read_all(mut self) -> Result<Table> {
        self.read_rest()
    }

    /// The same, keeping the reader so that its decisions can be read afterwards.
    pub(crate) fn read_rest(&mut self) -> Result<Table> {
        let none = || Error::data("the file has no rows").at(&*self.source).fix("add rows below the header");
        // A file that is read as stored fits into memory, or would stay on disk.
        let at_once = if self.bytes.is_some() { usize::MAX } else { CHUNK };
        let mut table = self.batches.next(at_once)?.ok_or_else(none)?;
        while let Some(chunk) = self.batches.next(CHUNK)? {
            table.join(chunk);
            let held: usize = table.columns.iter().map(Column::bytes).sum();
            if held as u64 > self.most {
                return Err(Error::data(format!("its first {} rows fill the memory", table.rows()))
                    .at(&*self.source)
                    .fix("let the rows stay on disk with [from_disk=true], or allow more with [memory]"));
            }
        }
        Ok(table)
    }
}

/// An empty table of columns with kinds declared by their format, which also determines the cell format.
pub(super) fn typed(source: &str, columns: &[(String, Declared)], options: &config::Data) -> Table {
    let missing = options.missing.iter().map(|marker| marker.trim().to_lowercase()).collect();
    Table {
        source: source.into(),
        names: columns.iter().map(|(name, _)| name.clone()).collect(),
        columns: columns.iter().map(|(_, declared)| Column::declared(*declared)).collect(),
        lines: Vec::new(),
        cell_format: Some(CellFormat { missing, ..CellFormat::default() }),
    }
}

/// A number (f32 or f64) as the shortest text that parses to it, a missing one as the empty cell.
#[cfg(any(feature = "excel", feature = "sqlite"))]
pub(super) fn number(x: f64) -> String {
    let text = format!("{x:?}");
    if x.is_nan() { String::new() } else { text.strip_suffix(".0").unwrap_or(&text).into() }
}

/// The decision that reports the columns that a format leaves out.
pub(super) fn left_out(names: &[String], what: &str) -> Option<Decision> {
    let shown: Vec<String> = names.iter().take(5).map(|name| format!("{name:?}")).collect();
    let more =
        if names.len() > shown.len() { format!(" and {} more", names.len() - shown.len()) } else { String::new() };
    (!names.is_empty()).then(|| Decision {
        what: format!("left out: {}{more}", shown.join(", ")),
        why: what.into(),
        instead: "columns of plain values in the file".into(),
    })
}
