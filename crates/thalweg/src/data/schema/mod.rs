//! The schema: the kind and role of each column, and the task.

pub(crate) use infer::{Inference, check_names, choose_targets, with_whole_names};
use std::cell::LazyCell;
use std::collections::HashMap;

use serde::{Deserialize, Serialize};

mod codes;
pub(crate) mod column_stats;
mod infer;
mod ranges;
mod reading;
mod rejects;
mod scales;
mod sentinels;
pub(crate) mod task;

pub(super) use rejects::rejects_of;

pub use crate::config::ColumnKind;
pub use crate::task::Task;

use super::cell_format::CellFormat;
use super::number_format::NumberFormat;
use super::table::Table;
use crate::{Error, Result, did_you_mean};

/// The role of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// An input of the network.
    Feature,
    /// What the network predicts.
    Target,
    /// Identifies the row: left out of the inputs, kept in predictions.
    Id,
    /// A sample weight.
    Weight,
    /// All rows of one group go to the same split.
    Group,
    /// Orders the rows in time for the split.
    Time,
    /// Left out.
    Ignored,
}

/// One column of the data: its name, kind, role and format.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// The name in the header.
    pub name: String,
    /// What its cells hold.
    pub kind: ColumnKind,
    /// Its role.
    pub role: Role,
    /// The format of a date column's cells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// The order of its categories, the lowest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub order: Vec<String>,
    /// The number format of its cells, if not plain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numbers: Option<NumberFormat>,
    /// Values that mean "missing".
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sentinels: Vec<String>,
    /// Whether cells that cannot be read count as missing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lenient: bool,
}

impl Column {
    /// A column with plain cells.
    pub fn new(name: impl Into<String>, kind: ColumnKind, role: Role) -> Self {
        Column {
            name: name.into(),
            kind,
            role,
            format: None,
            order: Vec::new(),
            numbers: None,
            sentinels: Vec::new(),
            lenient: false,
        }
    }
}

/// The columns of the data, their cell format, and the task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Schema {
    /// All columns, in the data's order.
    pub columns: Vec<Column>,
    /// The task.
    pub task: Task,
    /// How numbers and missing cells are written.
    #[serde(rename = "notation")]
    pub cell_format: CellFormat,
    /// The separator between the labels of one cell, where a single column holds several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub separator: Option<char>,
    /// The classes in output order, if the user gave them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
}

impl Schema {
    /// The columns with one role, in the data's order.
    pub fn with_role(&self, role: Role) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(move |column| column.role == role)
    }

    /// The names of the columns with one role.
    pub fn names(&self, role: Role) -> Vec<String> {
        self.with_role(role).map(|column| column.name.clone()).collect()
    }
}

/// Up to this many names are searched linearly.
const FEW: usize = 8;

/// The positions of columns in a table, by name; an error lists every missing one, with the nearest name.
pub fn positions<'a>(table: &Table, names: impl IntoIterator<Item = &'a str>) -> Result<Vec<usize>> {
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    // There may be very many of both, mostly in the same order.
    let places = LazyCell::new(|| -> HashMap<&str, usize> {
        table.names.iter().enumerate().map(|(i, name)| (name.as_str(), i)).collect()
    });
    let (mut next, mut elsewhere) = (0, 0);
    for name in names {
        let position = if table.names.get(next).is_some_and(|there| there == name) {
            Some(next)
        } else {
            elsewhere += 1;
            if elsewhere <= FEW { table.position(name) } else { places.get(name).copied() }
        };
        match position {
            Some(position) => {
                found.push(position);
                next = position + 1;
            }
            None => missing.push(format!("{name:?}{}", did_you_mean(name, table.names.iter().map(String::as_str)))),
        }
    }
    if missing.is_empty() {
        return Ok(found);
    }
    let (noun, listed) = (if missing.len() == 1 { "column" } else { "columns" }, shortened(&missing, 8));
    Err(Error::data(format!("{noun} {listed} not found; the columns are {}", shortened(&quoted(&table.names), 20)))
        .at(table.source.clone())
        .fix("rename the column in the file, or add it"))
}

/// The first items, separated by commas, and how many more there are.
pub(crate) fn shortened(items: &[String], most: usize) -> String {
    let shown = items[..items.len().min(most)].join(", ");
    if items.len() > most { format!("{shown} and {} more", items.len() - most) } else { shown }
}

/// The names, quoted.
pub(crate) fn quoted(names: &[String]) -> Vec<String> {
    names.iter().map(|name| format!("{name:?}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::table_of;

    #[test]
    fn columns_are_found_in_any_order() {
        let names: Vec<String> = (0..30).map(|i| format!("c{i}")).collect();
        let table = table_of(&names.join(","));
        for step in [1, 29, 7] {
            let asked: Vec<usize> = (0..30).map(|i| i * step % 30).collect();
            assert_eq!(positions(&table, asked.iter().map(|i| names[*i].as_str())).unwrap(), asked);
        }
        let told = positions(&table, ["c3", "c4", "d", "c30"]).unwrap_err().to_string();
        assert!(told.contains("\"d\"") && told.contains("\"c30\" (did you mean \"c3"), "{told}");
    }
}
