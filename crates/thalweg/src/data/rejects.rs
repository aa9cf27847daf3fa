//! Cells and files that could not be read and are left out, one record each.

use serde::{Deserialize, Serialize};

use super::cell_format::CellFormat;
use super::column::Declared;
use super::dates;
use super::reading::Cell;
use super::schema::{Column, ColumnKind, Role, Schema};
use super::table::Table;
use crate::error::beginning;

/// A cell that counts as missing since it cannot be read, or a file that is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reject {
    /// The file, as the user named it or within the folder that was.
    pub file: String,
    /// The line of the file, from 1 and with its header, or the row where a source has none; none for a file as a whole.
    pub line: Option<u64>,
    /// The column's name.
    pub column: Option<String>,
    /// The beginning of what is there.
    pub found: Option<String>,
    /// What was expected, or what is wrong.
    pub reason: String,
}

impl Reject {
    /// A file as a whole.
    pub(crate) fn file(name: String, reason: String) -> Reject {
        Reject { file: name, line: None, column: None, found: None, reason }
    }
}

/// The rows whose cell in a column of numbers or dates cannot be read.
pub(super) fn unreadable(table: &Table, position: usize, column: &Column, cell_format: &CellFormat) -> Vec<usize> {
    let cells = &table.columns[position];
    if cells.declaration() == Declared::Numbers {
        return Vec::new();
    }
    let readings = cells.readings(cell_format).with_format(column.numbers);
    let is_date = |text: &str| column.format.as_deref().is_some_and(|format| dates::read(text, format).is_some());
    let is_bad = |row: &usize| match column.kind {
        ColumnKind::Numeric => matches!(readings.get(*row), Cell::Text(_)),
        ColumnKind::Datetime => readings.as_text(*row).is_some_and(|text| !dates::is_zero(&text) && !is_date(&text)),
        _ => false,
    };
    (0..cells.len()).filter(is_bad).collect()
}

/// The cells of a table's inputs that count as missing since they cannot be read, column by column.
pub(super) fn of_table(table: &Table, schema: &Schema) -> Vec<Reject> {
    let mut rejects = Vec::new();
    for column in schema.with_role(Role::Feature).filter(|column| column.lenient) {
        let Some(position) = table.position(&column.name) else { continue };
        let reason = match &column.format {
            Some(format) => format!("expected a date like {format}"),
            None => "expected a number".into(),
        };
        for row in unreadable(table, position, column, table.cell_format(&schema.cell_format)) {
            rejects.push(Reject {
                file: table.source.clone(),
                line: Some(table.lines[row]),
                column: Some(column.name.clone()),
                found: Some(beginning(table.columns[position].get(row).trim())),
                reason: reason.clone(),
            });
        }
    }
    rejects
}

/// The records as comma-separated values under a header.
pub fn to_csv(rejects: &[Reject]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for reject in rejects {
        writer.serialize(reject).expect("texts are written to memory");
    }
    writer.into_inner().expect("texts are written to memory")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_lines_of_a_table() {
        let cell = Reject {
            file: "a.csv".into(),
            line: Some(7),
            column: Some("size, m".into()),
            found: Some("a \"b\"".into()),
            reason: "expected a number".into(),
        };
        let file = Reject::file("cats/1.png".into(), "no image".into());
        let expected = "file,line,column,found,reason\n\
            a.csv,7,\"size, m\",\"a \"\"b\"\"\",expected a number\n\
            cats/1.png,,,,no image\n";
        assert_eq!(String::from_utf8(to_csv(&[cell, file])).unwrap(), expected);
    }
}
