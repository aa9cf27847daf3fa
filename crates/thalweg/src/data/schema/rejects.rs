//! Cells that cannot be read as their column's kind says.

use super::{Column, ColumnKind, Role, Schema};
use crate::data::cell_format::CellFormat;
use crate::data::column::Declared;
use crate::data::dates;
use crate::data::reading::Cell;
use crate::data::rejects::Reject;
use crate::data::table::Table;
use crate::error::beginning;

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
pub(in crate::data) fn rejects_of(table: &Table, schema: &Schema) -> Vec<Reject> {
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
