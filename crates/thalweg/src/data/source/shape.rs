//! The role of a row in a file: an example, or one of the rows that programs put between and below them.

use crate::data::column::Texts;
use crate::event::Decision;

/// The shape of a file's rows.
#[derive(Debug, Clone, Default)]
pub(super) struct Shape {
    pub(super) delimiter: char,
    /// The number of cells per row.
    pub(super) fields: usize,
    /// The number of further cells that may follow, all empty.
    pub(super) spare: usize,
    /// The header's cells, if there is one.
    pub(super) header: Vec<String>,
    /// The comment mark; none if there are no comments.
    pub(super) comment: Option<String>,
    /// Whether all lines with this mark are comments, not only those that are not valid rows.
    pub(super) always_comment: bool,
    /// Whether there may be notes and totals below the last row.
    pub(super) footer: bool,
}

/// The role of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowKind {
    Example,
    /// A line of spaces.
    Nothing,
    /// Only empty cells.
    Blank,
    Comment,
    /// The header, repeated.
    Header,
    /// A single cell, as below a table.
    Note,
    /// Too few or too many cells.
    Wrong,
}

impl Shape {
    /// The role of a row with these cells and this many fields; `spilled` says whether further ones are non-empty.
    pub(super) fn kind(&self, cells: &[Texts], row: usize, fields: usize, spilled: bool) -> RowKind {
        let first = cells[0].get(row);
        let is_alone = || !spilled && cells[1..].iter().all(|cell| cell.get(row).is_empty());
        if fields == self.fields || fields > self.fields && fields <= self.fields + self.spare && !spilled {
            return match () {
                () if self.always_comment && self.is_comment(first) => RowKind::Comment,
                () if self.fields < 2 => RowKind::Example,
                () if first.is_empty() && is_alone() => RowKind::Blank,
                () if self.is_header(cells, row) => RowKind::Header,
                () => RowKind::Example,
            };
        }
        match () {
            // A line of spaces or an empty quote in a table of one column is a missing cell; elsewhere it is nothing.
            () if fields == 1 && first.is_empty() => RowKind::Nothing,
            () if self.is_comment(first) => RowKind::Comment,
            () if !(is_alone() || fields < self.fields && is_note(first)) => RowKind::Wrong,
            () if first.is_empty() => RowKind::Blank,
            () if self.comment.is_none() && first.starts_with('#') => RowKind::Comment,
            () if self.footer && self.fields > 1 => RowKind::Note,
            () => RowKind::Wrong,
        }
    }

    fn is_comment(&self, cell: &str) -> bool {
        self.comment.as_deref().is_some_and(|mark| !mark.is_empty() && cell.starts_with(mark))
    }

    /// Whether a row repeats the header, as where files were concatenated.
    fn is_header(&self, cells: &[Texts], row: usize) -> bool {
        let mut names = self.header.iter();
        let Some(first) = names.next() else { return false };
        let cell = cells[0].get(row);
        cell.strip_prefix('\u{feff}').unwrap_or(cell) == first
            && cells[1..].iter().zip(names).all(|(cell, name)| cell.get(row) == name)
    }
}

/// First cells of a total.
const TOTALS: [&str; 7] = ["total", "totals", "grand total", "sum", "summe", "gesamt", "insgesamt"];

/// Prefixes of notes below a table, before a colon.
const NOTES: [&str; 10] =
    ["source", "note", "data from", "last updated", "footnote", "quelle", "hinweis", "stand", "copyright", "exported"];

fn is_note(cell: &str) -> bool {
    let cell = cell.to_lowercase();
    cell.starts_with(['*', '©'])
        || NOTES.iter().any(|note| cell.strip_prefix(note).is_some_and(|rest| rest.contains(':')))
}

/// Whether a row of a table of several columns is a total, or a note before empty cells.
pub(super) fn is_footer(columns: &[Texts], row: usize) -> bool {
    let [first, others @ ..] = columns else { return false };
    let cell = first.get(row);
    if others.is_empty() {
        return false;
    }
    if TOTALS.contains(&cell.to_lowercase().trim_end_matches(':').trim_end()) {
        // A word that recurs is a category.
        return (0..row).all(|above| !first.get(above).eq_ignore_ascii_case(cell));
    }
    is_note(cell) && others.iter().all(|column| column.get(row).is_empty())
}

/// The number of rows of a kind that are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct SkippedRows {
    count: usize,
    /// The line of the first, and its first cell.
    line: u64,
    text: String,
}

impl SkippedRows {
    pub(super) fn add(&mut self, line: u64, text: &str) {
        if self.count == 0 {
            (self.line, self.text) = (line, text.chars().take(SHOWN).collect());
        }
        self.count += 1;
    }

    fn append(&mut self, more: &SkippedRows) {
        if self.count == 0 {
            self.clone_from(more);
        } else {
            self.count += more.count;
        }
    }
}

/// Characters of a line that a message shows.
const SHOWN: usize = 60;

/// The rows that are left out, by kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct LeftOut {
    pub(super) blank: SkippedRows,
    pub(super) comments: SkippedRows,
    pub(super) headers: SkippedRows,
    pub(super) footer: SkippedRows,
}

impl LeftOut {
    pub(super) fn append(&mut self, more: &LeftOut) {
        self.blank.append(&more.blank);
        self.comments.append(&more.comments);
        self.headers.append(&more.headers);
        self.footer.append(&more.footer);
    }

    /// The decisions that report them.
    pub(super) fn decisions(&self) -> Vec<Decision> {
        let kinds = [
            (&self.blank, "lines of empty cells", "nothing is in them", ""),
            (&self.comments, "comments among the rows", "they begin as comments do", "[comment=]"),
            (&self.headers, "rows that repeat the header", "as in files put one below the other", "[header=false]"),
            (&self.footer, "notes or totals below the last row", "they are no rows", "[skip_footer=false]"),
        ];
        let told = kinds.into_iter().filter(|(found, ..)| found.count > 0);
        told.map(|(SkippedRows { count, line, text }, what, why, instead)| {
            let shown = if text.is_empty() { String::new() } else { format!(": {text:?}") };
            Decision {
                what: format!("{what} are left out: {count}"),
                why: format!("{why}; the first is line {line}{shown}"),
                instead: instead.into(),
            }
        })
        .collect()
    }
}
