//! Excel and OpenDocument workbooks: the first sheet with data, or the requested one.

use std::fs::File;
use std::io::{BufReader, Seek};

use calamine::{Data, Ods, Reader, Xls, Xlsb, Xlsx};

use super::packed::Start;
use super::reader::{self, Batches, number};
use super::{names, zip};
use crate::config;
use crate::data::column::{self, Declared};
use crate::data::table::Table;
use crate::error::{Error, Result, did_you_mean};
use crate::event::Decision;

/// Maximum ratio of a workbook's unpacked to its packed size, and the size that is always allowed.
const PACKED: u64 = 200;
const FREELY: u64 = 256 << 20;

/// Opens a workbook; its entire sheet is in memory, as the format requires.
pub(super) fn open(source: &str, start: &Start, mut file: File, options: &config::Data) -> Result<Box<dyn Batches>> {
    let wrong = |error: &dyn std::fmt::Display| {
        let what = format!("the workbook cannot be read: {error}");
        Error::data(what).at(source).fix("open it, save it anew without a password, or export the sheet as CSV")
    };
    if zip::is_zip(start) {
        file = checked(source, file)?;
    }
    let file = BufReader::new(file);
    let has = |name: &str| start.members.iter().any(|member| member == name);
    let mut book = if has("xl/workbook.bin") {
        Book::Others(Box::new(calamine::Sheets::Xlsb(Xlsb::new(file).map_err(|error| wrong(&error))?)))
    } else if has("xl/workbook.xml") {
        Book::Xlsx(Box::new(Xlsx::new(file).map_err(|error| wrong(&error))?))
    } else if zip::is_zip(start) {
        Book::Others(Box::new(calamine::Sheets::Ods(Ods::new(file).map_err(|error| wrong(&error))?)))
    } else {
        Book::Others(Box::new(calamine::Sheets::Xls(Xls::new(file).map_err(|error| wrong(&error))?)))
    };
    let names = book.names();
    if let Some(wanted) = &options.sheet
        && !names.contains(wanted)
    {
        let near = did_you_mean(wanted, names.iter().map(String::as_str));
        let error = Error::config(format!("there is no sheet {wanted:?}{near}; found {}", names.join(", ")));
        return Err(error.at("--sheet").fix("name one of the sheets"));
    }
    for name in names.iter().filter(|name| options.sheet.as_ref().is_none_or(|wanted| wanted == *name)) {
        let mut sheet = Sheet::new(source, options.header);
        book.cells(name, &mut |row, column, cell| sheet.add(row, column, cell)).map_err(|failure| match failure {
            Failure::Format(error) => wrong(&error),
            Failure::Data(error) => error,
        })?;
        let others = names.iter().filter(|other| *other != name).map(|name| format!("{name:?}")).collect::<Vec<_>>();
        if let Some(table) = sheet.finish(options)? {
            let (rest, mut decisions) = table;
            if !others.is_empty() && options.sheet.is_none() {
                decisions.insert(
                    0,
                    Decision {
                        what: format!("the sheet {name:?} is read"),
                        why: format!("it is the first with data; the others are {}", others.join(", ")),
                        instead: "[sheet=NAME]".into(),
                    },
                );
            }
            let bytes = rest.columns.iter().map(|column| column.bytes() as u64).sum();
            return Ok(Box::new(Read { names: rest.names.clone(), rest, given: 0, decisions, bytes }));
        }
    }
    Err(Error::data("no sheet has a header and rows").at(source).fix("name a workbook with data"))
}

/// The file, if its unpacked size is plausible.
fn checked(source: &str, file: File) -> Result<File> {
    let size = file.metadata().map_or(0, |file| file.len());
    let archive = zip::open(source, file)?;
    let unpacked = archive.decompressed_size().unwrap_or_default();
    if unpacked > u128::from(size.saturating_mul(PACKED).max(FREELY)) {
        return Err(Error::data(format!("a workbook of {size} bytes that unpacks to {unpacked}"))
            .at(source)
            .fix("export the sheet as CSV"));
    }
    let mut file = archive.into_inner();
    file.rewind().map_err(|error| super::unreadable(source, &error))?;
    Ok(file)
}

/// A workbook; Excel's own format is read cell by cell, whatever its sheet claims as its size.
enum Book {
    Xlsx(Box<Xlsx<BufReader<File>>>),
    Others(Box<calamine::Sheets<BufReader<File>>>),
}

enum Failure {
    Format(calamine::Error),
    Data(Error),
}

impl Book {
    fn names(&self) -> Vec<String> {
        match self {
            Book::Xlsx(book) => book.sheet_names(),
            Book::Others(book) => book.sheet_names(),
        }
    }

    /// Calls `take` with the row, the column and the content of each cell of a sheet.
    fn cells(
        &mut self,
        name: &str,
        take: &mut dyn FnMut(u32, u32, Data) -> Result<()>,
    ) -> std::result::Result<(), Failure> {
        let format = |error: calamine::XlsxError| Failure::Format(calamine::Error::Xlsx(error));
        match self {
            Book::Xlsx(book) => {
                let mut cells = match book.worksheet_cells_reader(name) {
                    // A chart sheet has no cells.
                    Err(calamine::XlsxError::NotAWorksheet(_)) => return Ok(()),
                    cells => cells.map_err(format)?,
                };
                while let Some(cell) = cells.next_cell().map_err(format)? {
                    let (row, column) = cell.get_position();
                    take(row, column, cell.get_value().clone().into()).map_err(Failure::Data)?;
                }
            }
            Book::Others(book) => {
                let range = book.worksheet_range(name).map_err(Failure::Format)?;
                let (top, left) = range.start().unwrap_or_default();
                for (row, column, cell) in range.cells() {
                    take(top + row as u32, left + column as u32, cell.clone()).map_err(Failure::Data)?;
                }
            }
        }
        Ok(())
    }
}

/// A sheet under construction: its first non-empty row is a header, or data like the others.
struct Sheet {
    source: String,
    has_header: Option<bool>,
    /// The column where it begins.
    left: u32,
    columns: Vec<(String, Column)>,
    /// The current row, and its cells.
    row: u32,
    cells: Vec<Data>,
    lines: Vec<u64>,
    begun: bool,
    errors: usize,
    decisions: Vec<Decision>,
}

#[derive(Default)]
struct Column {
    cells: column::Column,
    numbers: bool,
    texts: bool,
    others: bool,
}

impl Column {
    fn declared(&self) -> Declared {
        match (self.numbers, self.texts, self.others) {
            (true, false, false) => Declared::Numbers,
            (false, true, false) => Declared::Texts,
            _ => Declared::Nothing,
        }
    }
}

impl Sheet {
    fn new(source: &str, has_header: Option<bool>) -> Sheet {
        Sheet {
            source: source.into(),
            has_header,
            left: 0,
            columns: Vec::new(),
            row: 0,
            cells: Vec::new(),
            lines: Vec::new(),
            begun: false,
            errors: 0,
            decisions: Vec::new(),
        }
    }

    fn add(&mut self, row: u32, column: u32, cell: Data) -> Result<()> {
        if matches!(&cell, Data::Empty) || matches!(&cell, Data::String(text) if text.trim().is_empty()) {
            return Ok(());
        }
        if row != self.row {
            self.end_row()?;
            self.row = row;
        }
        if !self.begun && self.cells.is_empty() {
            self.left = column;
        }
        let at = column.checked_sub(self.left).map(|at| at as usize);
        let at = at.filter(|at| !self.begun || *at < self.columns.len()).ok_or_else(|| {
            Error::data("a cell beside the columns that the first row has")
                .at(format!("{}, row {}, column {}", self.source, row + 1, column + 1))
                .fix("give each column a name in the first row, and leave nothing beside the table")
        })?;
        if self.cells.len() <= at {
            self.cells.resize(at + 1, Data::Empty);
        }
        self.cells[at] = cell;
        Ok(())
    }

    /// Adds the completed row.
    fn end_row(&mut self) -> Result<()> {
        if self.cells.is_empty() {
            return Ok(());
        }
        let mut cells = std::mem::take(&mut self.cells);
        if !self.begun {
            self.begun = true;
            let texts = cells.iter().all(|cell| matches!(cell, Data::String(_) | Data::Empty));
            let name = |i: usize| match &cells[i] {
                Data::String(text) if self.has_header.unwrap_or(texts) => text.trim().to_string(),
                Data::Empty | Data::String(_) => names::made_up(i),
                other if self.has_header.unwrap_or(texts) => other.to_string(),
                _ => names::made_up(i),
            };
            self.columns = (0..cells.len()).map(|i| (name(i), Column::default())).collect();
            if self.has_header.unwrap_or(texts) {
                return Ok(());
            }
            if self.has_header.is_none() {
                self.decisions.push(Decision {
                    what: format!("the first row is data; columns are called column_1 to column_{}", cells.len()),
                    why: "not all of its cells are texts".into(),
                    instead: "[header=true], or [names=a,b,…]".into(),
                });
            }
        }
        cells.resize(self.columns.len(), Data::Empty);
        for ((_, column), cell) in self.columns.iter_mut().zip(cells) {
            let text = match cell {
                Data::Empty => String::new(),
                Data::Error(_) => {
                    self.errors += 1;
                    String::new()
                }
                Data::Int(x) => {
                    column.numbers = true;
                    x.to_string()
                }
                Data::Float(x) => {
                    column.numbers = true;
                    number(x)
                }
                Data::DateTime(time) if time.is_duration() => {
                    column.numbers = true;
                    // A day is 1; the resolution is milliseconds.
                    number((time.as_f64() * 86_400_000.0).round() / 1000.0)
                }
                Data::DateTime(time) => {
                    column.others = true;
                    written(&time)
                }
                Data::Bool(truth) => {
                    column.others = true;
                    truth.to_string()
                }
                Data::DateTimeIso(text) => {
                    column.others = true;
                    text
                }
                Data::String(text) | Data::DurationIso(text) => {
                    column.texts = true;
                    text
                }
            };
            column.cells.push(&text);
        }
        self.lines.push(u64::from(self.row) + 1);
        Ok(())
    }

    /// The table, if it has rows, and the decisions.
    fn finish(mut self, options: &config::Data) -> Result<Option<(Table, Vec<Decision>)>> {
        self.end_row()?;
        if self.lines.is_empty() {
            return Ok(None);
        }
        let mut columns: Vec<_> = self.columns.iter().map(|(name, column)| (name.clone(), column.declared())).collect();
        names::rename(&self.source, &mut columns, options)?;
        let mut table = reader::typed(&self.source, &columns, options);
        for (to, (_, column)) in table.columns.iter_mut().zip(self.columns) {
            to.extend(&column.cells, 0..column.cells.len());
        }
        table.lines = self.lines;
        if self.errors > 0 {
            self.decisions.push(Decision {
                what: format!("{} cells that hold an error, such as #N/A, are missing", self.errors),
                why: "the workbook says so".into(),
                instead: "values in the workbook".into(),
            });
        }
        Ok(Some((table, self.decisions)))
    }
}

/// A date, a time of day, or both.
fn written(time: &calamine::ExcelDateTime) -> String {
    let (year, month, day, hour, minute, second, milli) = time.to_ymd_hms_milli();
    let mut clock = format!("{hour:02}:{minute:02}:{second:02}");
    if milli > 0 {
        clock += &format!(".{milli:03}");
    }
    match (time.as_f64() < 1.0, &*clock) {
        (true, _) => clock,
        (false, "00:00:00") => format!("{year:04}-{month:02}-{day:02}"),
        _ => format!("{year:04}-{month:02}-{day:02}T{clock}"),
    }
}

/// A sheet that has been read.
struct Read {
    names: Vec<String>,
    rest: Table,
    given: usize,
    decisions: Vec<Decision>,
    bytes: u64,
}

impl Batches for Read {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    fn bytes(&self) -> Option<u64> {
        Some(self.bytes)
    }

    fn next(&mut self, most: usize) -> Result<Option<Table>> {
        let rows = self.given..self.rest.rows().min(self.given.saturating_add(most));
        if rows.is_empty() {
            return Ok(None);
        }
        self.given = rows.end;
        if rows == (0..self.rest.rows()) {
            self.given = 0;
            return Ok(Some(std::mem::take(&mut self.rest)));
        }
        Ok(Some(self.rest.select(&rows.collect::<Vec<_>>())))
    }
}
