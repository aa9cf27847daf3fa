//! How the cells of a column are read: the format of its dates and numbers, values that stand for missing ones, and what
//! becomes of cells that cannot be read.

use super::column_stats::ColumnStats;
use super::rejects::unreadable;
use super::{Column, ColumnKind, Role, shortened};
use crate::config;
use crate::data::cell_format::CellFormat;
use crate::data::dates;
use crate::data::number_format::NumberFormat;
use crate::data::reading::Cell;
use crate::data::table::Table;
use crate::error::{advice, beginning};
use crate::event::Decision;
use crate::{Error, Result};

/// A column and what was found in it.
pub(super) struct Cells<'a> {
    pub(super) table: &'a Table,
    pub(super) position: usize,
    pub(super) cell_format: &'a CellFormat,
    pub(super) stats: &'a ColumnStats,
}

/// What is told of columns that are read alike: what, why, and what decides otherwise.
struct Told {
    what: String,
    why: String,
    instead: &'static str,
    columns: Vec<String>,
}

/// Columns that are read in a way worth telling.
#[derive(Default)]
pub(super) struct Reasons(Vec<Told>);

impl Reasons {
    fn note(&mut self, what: &str, why: &str, instead: &'static str, column: String) {
        match self.0.iter_mut().find(|told| told.what == what && told.why == why && told.instead == instead) {
            Some(told) => told.columns.push(column),
            None => self.0.push(Told { what: what.into(), why: why.into(), instead, columns: vec![column] }),
        }
    }

    /// One decision for all columns that are read alike.
    pub(super) fn decisions(self) -> impl Iterator<Item = Decision> {
        self.0.into_iter().map(|told| Decision {
            what: format!("{}: {}", told.what, shortened(&told.columns, 8)),
            why: told.why,
            instead: told.instead.into(),
        })
    }
}

impl Cells<'_> {
    /// Decides how the column's cells are read; `given` says whether its kind is the user's word.
    ///
    /// # Errors
    /// If more of its cells cannot be read than may be.
    pub(super) fn fix_format(
        &self,
        column: &mut Column,
        given: bool,
        data: &config::Data,
        reasons: &mut Reasons,
    ) -> Result<()> {
        let stats = self.stats;
        let name = column.name.clone();
        if matches!(column.role, Role::Ignored | Role::Id | Role::Group) {
            return Ok(());
        }
        match column.kind {
            ColumnKind::Numeric => column.numbers = self.number_format(given),
            ColumnKind::Datetime => column.format = self.date_format(given),
            _ => {}
        }
        if let Some(format) = column.numbers
            && let Some(example) = self.example(format)
        {
            reasons.note(
                "numbers with signs around or between digits",
                "nearly every cell is one",
                "[kinds=NAME=categorical]",
                format!("{name} (such as {example:?})"),
            );
        }
        if column.kind == ColumnKind::Datetime && stats.dates.as_ref().is_some_and(|found| found.ambiguous) {
            reasons.note("dates read month first", "they fit both ways", "write them as 2026-01-31", name.clone());
        }
        if column.kind == ColumnKind::Datetime && stats.numbers > 0 && !given {
            reasons.note("numbers that are dates", "their name and their size", "[kinds=NAME=numeric]", name.clone());
        }
        let codes = stats.codes.filter(|_| !given && column.kind != ColumnKind::Numeric);
        if let Some((codes, _)) = codes {
            reasons.note("codes rather than numbers", codes.why(), "[kinds=NAME=numeric]", name.clone());
        }
        let stray = stats.stray.first().filter(|_| !matches!(column.kind, ColumnKind::Numeric | ColumnKind::Datetime));
        if let Some((word, times)) = stray {
            let word = beginning(word);
            reasons.note(
                "taken for categories, and most cells are numbers",
                "a few are not",
                "[missing=WORD], or [kinds=NAME=numeric]",
                format!("{name} (but for {word:?} in {times} cells)"),
            );
        }
        self.settle_sentinels(column, data, reasons);
        self.mark_strays_missing(column, given, data, reasons)
    }

    fn number_format(&self, given: bool) -> Option<NumberFormat> {
        if self.stats.number_format.is_some() || !given || self.stats.readable() == self.stats.present() {
            return self.stats.number_format;
        }
        let cells = self.table.columns[self.position].readings(self.cell_format);
        let texts = (0..self.stats.rows).filter_map(|row| match cells.get(row) {
            Cell::Text(text) => Some((text, 1)),
            _ => None,
        });
        NumberFormat::detect(texts).map(|(format, _)| format)
    }

    fn date_format(&self, given: bool) -> Option<String> {
        if let Some(found) = &self.stats.dates {
            return Some(found.format.clone());
        }
        let cells = self.table.columns[self.position].readings(self.cell_format);
        let texts: Vec<_> = (0..self.stats.rows).filter_map(|row| cells.as_text(row)).collect();
        let texts: Vec<(&str, usize)> =
            texts.iter().filter(|text| !dates::is_zero(text)).map(|text| (&**text, 1)).collect();
        let numbers = || (self.stats.numbers > 0).then(|| dates::unix_unit(self.stats.high).to_string());
        dates::detect(&texts).map(|found| found.format).or_else(numbers).filter(|_| given)
    }

    /// A cell that is written in a format and not plainly.
    fn example(&self, format: NumberFormat) -> Option<String> {
        let signed = |cell: &str| format.read(cell).is_some() && self.cell_format.number(cell) != format.read(cell);
        let mut cells = self.table.columns[self.position].iter();
        cells.find(|cell| signed(cell.trim())).map(|cell| beginning(cell.trim()))
    }

    fn settle_sentinels(&self, column: &mut Column, data: &config::Data, reasons: &mut Reasons) {
        let found = &self.stats.sentinels;
        if found.is_empty() || !matches!(column.kind, ColumnKind::Numeric | ColumnKind::Datetime) {
            return;
        }
        let told: Vec<String> = found.iter().map(|(value, times)| format!("{value} in {times} cells")).collect();
        let told = format!("{} ({})", column.name, shortened(&told, 4));
        let zeros = column.kind == ColumnKind::Datetime && found.iter().all(|(value, _)| dates::is_zero(value));
        if zeros {
            reasons.note("taken as missing", "a date of zeros", "[kinds=NAME=categorical]", told);
        } else if column.role != Role::Feature {
            reasons.note("values far outside all others", "they may stand for missing ones", "[missing=VALUE]", told);
        } else if data.sentinels != Some(false) {
            column.sentinels = found.iter().map(|(value, _)| value.clone()).collect();
            reasons.note("taken as missing", "it recurs far outside all other values", "[sentinels=false]", told);
        }
    }

    /// Cells that cannot be read are missing where the user gave the column's kind or a share of bad cells.
    fn mark_strays_missing(
        &self,
        column: &mut Column,
        given: bool,
        data: &config::Data,
        reasons: &mut Reasons,
    ) -> Result<()> {
        let may = given || data.max_bad.is_some();
        if !may || column.role != Role::Feature {
            return Ok(());
        }
        let cells = &self.table.columns[self.position];
        let bad = unreadable(self.table, self.position, column, self.cell_format);
        let Some(&first) = bad.first() else { return Ok(()) };
        let present = self.stats.present();
        if bad.len() == present {
            return Ok(());
        }
        if let Some(most) = data.max_bad.filter(|most| bad.len() as f64 > most * present as f64) {
            return Err(Error::data(format!(
                "{} of {present} cells cannot be read, the first is {:?}",
                bad.len(),
                beginning(cells.get(first).trim())
            ))
            .at(self.table.place(first, self.position))
            .fix(advice!("correct the cells, or allow more than a share of {} with [max_bad]", most)));
        }
        column.lenient = true;
        let told = format!(
            "{} ({} cells, the first {:?} on line {})",
            column.name,
            bad.len(),
            beginning(cells.get(first).trim()),
            self.table.lines[first]
        );
        reasons.note(
            "taken as missing what cannot be read",
            if given { "the kind is given" } else { "few cells" },
            "[kinds=NAME=categorical]",
            told,
        );
        Ok(())
    }
}
