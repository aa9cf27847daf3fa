//! Inferring the schema of a table.

use std::collections::HashSet;

use crate::config;
use crate::data::cell_format::CellFormat;
use crate::data::table::Table;
use crate::event::Decision;
use crate::{Error, Result, did_you_mean};

use super::column_stats::ColumnStats;
use super::reading;
use super::task;
use super::{Column, ColumnKind, Role, Schema, quoted, shortened};

/// The maximum number of parts that commas split one column's name into.
const MOST_COMMAS: usize = 8;
/// The names that mark a target column, in order of preference.
const TARGET_NAMES: [&str; 4] = ["target", "label", "class", "y"];

impl Schema {
    /// Infers the kind and role of each column, and the task. The options override inference; every choice that could
    /// be made otherwise is among the decisions.
    ///
    /// Errors: no rows, a name in the options that is not a column, no usable feature, a target that fits no task or
    /// not the requested one.
    pub fn infer(table: &Table, data: &config::Data, split: &config::Split) -> Result<(Schema, Vec<Decision>)> {
        let cell_format = CellFormat::new(data);
        let stats = ColumnStats::of_table(table, &cell_format);
        Self::infer_surveyed(table, &stats, cell_format, data, split)
    }

    /// [`Schema::infer`] from existing statistics.
    pub(crate) fn infer_surveyed(
        table: &Table,
        stats: &[ColumnStats],
        cell_format: CellFormat,
        data: &config::Data,
        split: &config::Split,
    ) -> Result<(Schema, Vec<Decision>)> {
        if table.rows() == 0 {
            return Err(Error::data("there are no rows under the header")
                .at(table.source.clone())
                .fix("add rows, one example a line"));
        }
        let data = &with_whole_names(table, data);
        check_names(table, data, split)?;
        let mut decisions = Vec::new();
        let targets = choose_targets(table, data, &mut decisions);
        let chosen = task::decide(table, data, &targets, stats)?;
        decisions.extend(chosen.decision);

        let mut columns = Vec::with_capacity(table.names.len());
        let mut reasons = Reasons::default();
        for (position, (name, stats)) in table.names.iter().zip(stats).enumerate() {
            let given = data.kinds.get(name).copied();
            let kind = given.unwrap_or_else(|| stats.kind());
            let is = |column: &Option<String>| column.as_deref() == Some(name);
            let mut column = Column::new(name, kind, Role::Feature);
            if targets.contains(&position) {
                column.role = Role::Target;
                column.kind = chosen.kind;
            } else if is(&data.weight) {
                column.role = Role::Weight;
            } else if is(&split.group) {
                column.role = Role::Group;
            } else if is(&split.time) {
                column.role = Role::Time;
            } else if data.id.contains(name) {
                column.role = Role::Id;
            } else if data.ignore.contains(name) || given == Some(ColumnKind::Text) {
                column.role = Role::Ignored;
            } else if given.is_none() {
                infer_use(&mut column, stats, data.keep.contains(name), &mut reasons);
            }
            let cells = reading::Cells { table, position, cell_format: table.cell_format(&cell_format), stats };
            cells.fix_format(&mut column, given.is_some(), data, &mut reasons.reading)?;
            columns.push(column);
        }
        ensure_a_feature(table, &mut columns, &mut reasons)?;
        decisions.extend(reasons.decisions());
        decisions.extend(found_markers(stats, data));
        let (task, separator, classes) = (chosen.task, chosen.separator, data.classes.clone());
        Ok((Schema { columns, task, cell_format, separator, classes }, decisions))
    }
}

/// Columns treated in a way worth reporting, by the reason.
#[derive(Default)]
struct Reasons {
    empty: Vec<String>,
    text: Vec<String>,
    named_id: Vec<String>,
    index: Vec<String>,
    /// How cells are read.
    reading: reading::Reasons,
}

impl Reasons {
    fn decisions(self) -> impl Iterator<Item = Decision> {
        [
            (self.text, "left out as free text", "nearly every value differs", "[keep=NAME], or [kinds=NAME=numeric]"),
            (self.named_id, "left out of the inputs, kept in predictions", "named like an id", "[keep=NAME]"),
            (self.index, "left out of the inputs, kept in predictions", "numbered like an index", "[keep=NAME]"),
            (self.empty, "left out as empty", "every cell is missing", "[missing=MARKER]"),
        ]
        .into_iter()
        .filter(|(names, ..)| !names.is_empty())
        .map(|(names, what, why, instead)| Decision {
            what: format!("{what}: {}", shortened(&names, 8)),
            why: why.into(),
            instead: instead.into(),
        })
        .chain(self.reading.decisions())
    }
}

/// Whether a column without options is a feature, an id, or left out.
fn infer_use(column: &mut Column, stats: &ColumnStats, keep: bool, reasons: &mut Reasons) {
    let name = column.name.clone();
    let named_id = is_named_like_an_id(&name)
        && matches!(column.kind, ColumnKind::Numeric | ColumnKind::Text | ColumnKind::Categorical);
    if keep {
        // Text that the user wants to keep is treated as categories.
        if column.kind == ColumnKind::Text {
            column.kind = ColumnKind::Categorical;
        }
    } else if stats.present() == 0 {
        column.role = Role::Ignored;
        reasons.empty.push(name);
    } else if is_an_unnamed_index(&name) && stats.integers == stats.present() {
        // It may restart where tables were concatenated.
        column.role = Role::Id;
        reasons.index.push(name);
    } else if named_id && stats.integers + (stats.present() - stats.numbers) == stats.present() {
        if stats.distinct * 2 > stats.present() {
            column.role = Role::Id;
            reasons.named_id.push(name);
        } else {
            // The numbers of an id that repeats are names, not amounts.
            column.kind = ColumnKind::Categorical;
        }
    } else if stats.runs_like_an_index() {
        column.role = Role::Id;
        reasons.index.push(name);
    } else if column.kind == ColumnKind::Text {
        column.role = Role::Ignored;
        reasons.text.push(name);
    }
}

/// Ensures that at least one feature is left, if need be a column that merely counts like an index.
fn ensure_a_feature(table: &Table, columns: &mut [Column], reasons: &mut Reasons) -> Result<()> {
    if columns.iter().any(|column| column.role == Role::Feature) {
        return Ok(());
    }
    if reasons.index.is_empty() {
        return Err(Error::data(format!(
            "no column is left as an input; the columns are {}",
            shortened(&quoted(&table.names), 20)
        ))
        .at(table.source.clone())
        .fix("add a column of numbers or categories, or keep one that was left out with [keep=NAME]"));
    }
    for column in columns.iter_mut().filter(|column| reasons.index.contains(&column.name)) {
        column.role = Role::Feature;
    }
    reasons.index.clear();
    Ok(())
}

/// The name that pandas gives to an unnamed index written with its table, possibly several times.
fn is_an_unnamed_index(name: &str) -> bool {
    let lower = name.to_lowercase();
    lower.strip_prefix("unnamed: 0").is_some_and(|rest| rest.chars().all(|c| c == '.' || c.is_ascii_digit()))
}

/// `id`, `customer_id`, `PassengerId`, `ID`, `index`.
fn is_named_like_an_id(name: &str) -> bool {
    let lower = name.to_lowercase();
    let usual = ["id", "index", "idx", "uuid", "guid", "rowid", "row_number"].contains(&lower.as_str());
    if usual || is_an_unnamed_index(name) {
        return true;
    }
    let Some(rest) = lower.strip_suffix("id").and_then(|rest| name.get(..rest.len())) else { return false };
    let end = &name[rest.len()..];
    rest.ends_with(['_', '-', ' ', '.']) || (end.starts_with('I') && rest.ends_with(|c: char| c.is_lowercase()))
}

/// The target columns' positions.
pub(crate) fn choose_targets(table: &Table, data: &config::Data, decisions: &mut Vec<Decision>) -> Vec<usize> {
    if !data.target.is_empty() {
        let mut positions: Vec<usize> = data.target.iter().filter_map(|name| table.position(name)).collect();
        positions.sort_unstable();
        positions.dedup();
        return positions;
    }
    let named = TARGET_NAMES.iter().find_map(|name| table.names.iter().position(|n| n.eq_ignore_ascii_case(name)));
    let position = named.unwrap_or(table.names.len() - 1);
    decisions.push(Decision {
        what: format!("target column: {}", table.names[position]),
        why: if named.is_some() { "its name".into() } else { "the last column".into() },
        instead: "[target=NAME]".into(),
    });
    vec![position]
}

/// The markers that were found and treated as missing.
fn found_markers(stats: &[ColumnStats], data: &config::Data) -> Option<Decision> {
    let mut counts: std::collections::BTreeMap<&str, usize> = Default::default();
    for (marker, count) in stats.iter().flat_map(|stats| &stats.markers) {
        *counts.entry(marker).or_default() += count;
    }
    let found: Vec<String> = counts.iter().map(|(marker, count)| format!("{marker:?} ({count} cells)")).collect();
    (!found.is_empty() && data.missing.is_empty()).then(|| Decision {
        what: format!("taken as missing: {}", found.join(", ")),
        why: "a usual marker".into(),
        instead: "[missing=MARKER]".into(),
    })
}

/// The options with names that contain commas rejoined, if only then there are such columns: the command line splits
/// names at commas.
pub(crate) fn with_whole_names(table: &Table, data: &config::Data) -> config::Data {
    let mut data = data.clone();
    let is_column = |name: &String| table.position(name).is_some();
    for names in [&mut data.target, &mut data.id, &mut data.ignore, &mut data.keep] {
        if names.iter().all(is_column) {
            continue;
        }
        let mut whole = Vec::with_capacity(names.len());
        let mut rest = &names[..];
        while !rest.is_empty() {
            let joined = |count: usize| {
                let parts = &rest[..count];
                [parts.join(","), parts.join(", ")].into_iter().find(|name| table.position(name).is_some())
            };
            let found = (1..=rest.len().min(MOST_COMMAS)).rev().find_map(|count| Some((joined(count)?, count)));
            let (name, count) = found.unwrap_or_else(|| (rest[0].clone(), 1));
            whole.push(name);
            rest = &rest[count..];
        }
        *names = whole;
    }
    data
}

/// Checks that every column named in an option exists.
pub(crate) fn check_names(table: &Table, data: &config::Data, split: &config::Split) -> Result<()> {
    let lists = [("target", &data.target), ("id", &data.id), ("ignore", &data.ignore), ("keep", &data.keep)];
    let single = [("weight", &data.weight), ("group", &split.group), ("time", &split.time)];
    let listed = lists.into_iter().flat_map(|(option, names)| names.iter().map(move |name| (option, name)));
    let named = listed
        .chain(single.into_iter().filter_map(|(option, name)| name.as_ref().map(|name| (option, name))))
        .chain(data.kinds.keys().map(|name| ("kinds", name)));
    // There may be very many of both.
    let columns: HashSet<&String> = table.names.iter().collect();
    for (option, name) in named {
        if !columns.contains(name) {
            let near = did_you_mean(name, table.names.iter().map(String::as_str));
            return Err(Error::config(format!("no column is called {name:?}{near}"))
                .at(format!("--{option}"))
                .fix(format!("name one of {}'s columns: {}", table.source, shortened(&quoted(&table.names), 20))));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
