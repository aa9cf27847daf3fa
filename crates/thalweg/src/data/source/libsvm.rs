//! The libsvm format, also called svmlight: `label index:value index:value …`, with 0 for indices that are not given.

use std::fs::File;
use std::io::Seek;

use super::lines::Lines;
use super::packed::{Input, Start};
use super::reader::{self, Batches};
use crate::config;
use crate::data::column::Column;
use crate::data::table::Table;
use crate::error::{Error, Result};
use crate::event::Decision;

/// The maximum number of columns: each of them is a cell in every row.
const WIDEST: usize = 100_000;

/// Lines from which the format is detected.
const LOOKED_AT: usize = 20;

const TARGET: &str = "target";

/// Whether the lines are a label followed by pairs of an increasing index and a number.
pub(super) fn is(start: &Start) -> bool {
    let mut lines = start.lines().filter(|line| !line.starts_with('#')).take(LOOKED_AT).map(Row::read).peekable();
    let mut pairs = false;
    lines.peek().is_some() && lines.all(|row| row.map(|row| pairs |= !row.pairs.is_empty()).is_ok()) && pairs
}

/// A parsed line.
struct Row<'a> {
    label: &'a str,
    pairs: Vec<(usize, f64)>,
    grouped: bool,
}

impl<'a> Row<'a> {
    fn read(line: &'a str) -> std::result::Result<Row<'a>, String> {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_ascii_whitespace();
        let is_number = |text: &str| text.parse::<f64>().is_ok();
        let label = words.next().unwrap_or_default();
        if !label.split(',').all(is_number) {
            return Err(format!("found {label:?}, expected a number as label"));
        }
        let mut row = Row { label, pairs: Vec::new(), grouped: false };
        for word in words {
            let pair = word.split_once(':').and_then(|(index, value)| Some((index, value.parse().ok()?)));
            let Some((index, value)) = pair else { return Err(format!("found {word:?}, expected index:value")) };
            if index == "qid" {
                row.grouped = true;
                continue;
            }
            let index = index.parse().map_err(|_| format!("found {word:?}, expected index:value"))?;
            if row.pairs.last().is_some_and(|(before, _)| *before >= index) {
                return Err(format!("the index {index} after {}: they must rise", row.pairs[row.pairs.len() - 1].0));
            }
            row.pairs.push((index, value));
        }
        Ok(row)
    }
}

/// Opens a file, which is read twice: first to count the columns.
pub(super) fn open(source: &str, start: &Start, file: File, options: &config::Data) -> Result<Box<dyn Batches>> {
    let wrong = |error: std::io::Error| super::unreadable(source, &error);
    let again = file.try_clone().map_err(wrong)?;
    let mut lines = Lines::new(source, start, file, options)?;
    let (mut least, mut end, mut grouped, mut rows) = (1, 0, false, 0_u64);
    while let Some(line) = lines.next()? {
        if let Some(row) = row(&lines, &line)? {
            grouped |= row.grouped;
            rows += 1;
            if let (Some((first, _)), Some((last, _))) = (row.pairs.first(), row.pairs.last()) {
                (least, end) = (least.min(*first), end.max(*last + 1));
            }
            check_width(&lines, end)?;
        }
    }
    if rows == 0 {
        return Err(Error::data("the file has no rows").at(source).fix("add rows"));
    }
    (&again).rewind().map_err(wrong)?;
    let lines = Lines::new(source, start, Box::new(again) as Input, options)?;
    let mut decisions = vec![Decision {
        what: format!("read as libsvm's format; columns are called {TARGET}, {least}, {}, …", least + 1),
        why: "its lines are a label and index:value pairs".into(),
        instead: "[delimiter= ]".into(),
    }];
    decisions.extend(grouped.then(|| reader::left_out(&["qid".into()], "it names groups of rows")).flatten());
    let mut svm = Libsvm { lines, rows, empty: reader::typed(source, &[], options), first: least, row: 0, decisions };
    svm.widen(end.max(least + 1));
    // The names that the main file determined, for splits in separate files.
    if !options.names.is_empty() {
        svm.adopt(&options.names);
        if svm.empty.names != options.names {
            return Err(Error::config("names for a libsvm file, whose columns are called by their indexes")
                .at("--names")
                .fix("leave [names] out"));
        }
    }
    Ok(Box::new(svm))
}

/// A line that is not a comment.
fn row<'a, R: std::io::Read>(lines: &Lines<R>, line: &'a str) -> Result<Option<Row<'a>>> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    Row::read(line)
        .map(Some)
        .map_err(|what| lines.error(what, "write LABEL INDEX:VALUE INDEX:VALUE …, the indexes rising"))
}

fn check_width<R: std::io::Read>(lines: &Lines<R>, end: usize) -> Result<()> {
    if end <= WIDEST {
        return Ok(());
    }
    let what = format!("the index {}, where {WIDEST} columns are the most", end - 1);
    Err(lines.error(what, "number the columns that are used from 1 on"))
}

/// The rows of a file.
struct Libsvm {
    lines: Lines,
    rows: u64,
    empty: Table,
    /// The index of the first column after the target.
    first: usize,
    row: u64,
    decisions: Vec<Decision>,
}

impl Libsvm {
    /// Adds columns for the indices up to `end`.
    fn widen(&mut self, end: usize) {
        let columns = std::iter::once((TARGET.to_string(), Column::default()))
            .chain((self.first..end).map(|index| (index.to_string(), Column::of_numbers([]))));
        (self.empty.names, self.empty.columns) = columns.unzip();
    }
}

impl Batches for Libsvm {
    fn names(&self) -> &[String] {
        &self.empty.names
    }

    fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    fn bytes(&self) -> Option<u64> {
        Some(self.rows * self.empty.columns.len() as u64 * 2)
    }

    fn are_names_made_up(&self) -> bool {
        true
    }

    /// A file may end before the last of the training data's columns, or begin after the first.
    fn adopt(&mut self, names: &[String]) {
        let indexes: Vec<usize> = names.iter().filter_map(|name| name.parse().ok()).collect();
        let of_libsvm = names.iter().all(|name| name == TARGET || name.parse::<usize>().is_ok());
        if let (true, Some(least), Some(most)) = (of_libsvm, indexes.iter().min(), indexes.iter().max())
            && *most < WIDEST
        {
            let end = self.first + self.empty.names.len() - 1;
            self.first = self.first.min(*least);
            self.widen(end.max(most + 1));
        }
    }

    fn next(&mut self, most: usize) -> Result<Option<Table>> {
        let mut table = self.empty.clone();
        let mut labels = Column::default();
        let mut numbers = vec![Vec::new(); table.columns.len() - 1];
        while table.rows() < most
            && let Some(line) = self.lines.next()?
        {
            let Some(row) = row(&self.lines, &line)? else { continue };
            numbers.iter_mut().for_each(|column| column.push(0.0));
            for (index, value) in row.pairs {
                let column = index.checked_sub(self.first).and_then(|at| numbers.get_mut(at));
                let cell = column.and_then(|column| column.last_mut());
                *cell.ok_or_else(|| {
                    self.lines.error(format!("the index {index} is new"), "leave the file alone meanwhile")
                })? = value;
            }
            labels.push(row.label.trim_start_matches('+'));
            self.row += 1;
            table.lines.push(self.row);
        }
        table.columns = std::iter::once(labels).chain(numbers.into_iter().map(Column::of_numbers)).collect();
        Ok((table.rows() > 0).then_some(table))
    }
}
