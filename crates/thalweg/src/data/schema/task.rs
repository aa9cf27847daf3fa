//! Inferring the task from the target's values.

use std::borrow::Cow;

use crate::config;
use crate::data::cell_format::CellFormat;
use crate::data::column;
use crate::data::table::Table;
use crate::error::{Advice, beginning};
use crate::event::Decision;
use crate::{Error, Result};

use super::column_stats::{ColumnStats, FEW};
use super::{Column, ColumnKind, Role, Schema, Task, shortened};
use crate::data::schema;

/// Integers with fewer examples per value than this are amounts rather than classes.
const EXAMPLES_A_CLASS: usize = 10;
/// Names of ordinal integers, which are treated as regression targets.
const ORDERED_NAMES: [&str; 7] = ["quality", "score", "rating", "stars", "grade", "count", "age"];
/// Possible separators between the labels of one cell.
const SEPARATORS: [char; 3] = [';', '|', ','];

/// The task, and its consequences for the target columns.
pub(super) struct Chosen {
    pub(super) task: Task,
    pub(super) kind: ColumnKind,
    pub(super) separator: Option<char>,
    pub(super) decision: Option<Decision>,
}

/// The schema of a table of labels, some of whose columns are targets.
pub(crate) fn schema_of_answers(
    table: &Table,
    targets: &[String],
    data: &config::Data,
) -> Result<(Schema, Vec<Decision>)> {
    let cell_format = CellFormat::new(data);
    let stats = ColumnStats::of_table(table, &cell_format);
    let positions = schema::positions(table, targets.iter().map(String::as_str))?;
    let chosen = decide(table, data, &positions, &stats)?;
    let column = |name: &String| {
        let is_target = targets.contains(name);
        let (kind, role) =
            if is_target { (chosen.kind, Role::Target) } else { (ColumnKind::Categorical, Role::Ignored) };
        Column::new(name, kind, role)
    };
    let columns = table.names.iter().map(column).collect();
    let (task, separator, classes) = (chosen.task, chosen.separator, data.classes.clone());
    let schema = Schema { columns, task, cell_format, separator, classes };
    Ok((schema, chosen.decision.into_iter().collect()))
}

/// Infers the task, or checks that the requested one is possible.
pub(super) fn decide(table: &Table, data: &config::Data, targets: &[usize], stats: &[ColumnStats]) -> Result<Chosen> {
    for position in targets {
        let (name, stats) = (&table.names[*position], &stats[*position]);
        let error = |message: String| Err(Error::data(message).at(format!("{}, column {name:?}", table.source)));
        if stats.present() == 0 {
            return error("the target is missing in every row".into())
                .map_err(|error| error.fix("fill it in, or name another column with [target]"));
        }
        let may_be_one = !data.classes.is_empty() || data.task == Some(Task::Regression);
        if stats.distinct == 1 && targets.len() == 1 && !may_be_one {
            return error(format!("the target has one value only: {:?}", stats.frequent[0].0))
                .map_err(|error| error.fix("add rows with another value, or name another column with [target]"));
        }
    }
    match targets {
        [one] => TargetColumn { table, data, position: *one, stats: &stats[*one] }.decide(),
        several => decide_several(table, data.task, several, stats),
    }
}

/// A single target column.
struct TargetColumn<'a> {
    table: &'a Table,
    data: &'a config::Data,
    position: usize,
    stats: &'a ColumnStats,
}

impl TargetColumn<'_> {
    fn decide(&self) -> Result<Chosen> {
        let stats = self.stats;
        let kind = self.data.kinds.get(&self.table.names[self.position]).copied();
        let numeric = match kind {
            Some(kind) => kind == ColumnKind::Numeric,
            None => stats.is_numeric(),
        };
        if let Some(task) = self.data.task {
            return self.check(task);
        }
        let (count, rows) = (stats.distinct, stats.present());
        if let given @ 1.. = self.data.classes.len() {
            return self.check(if given == 2 { Task::Binary } else { Task::Multiclass });
        }
        let (task, why, instead) = if count == 2 && kind != Some(ColumnKind::Numeric) {
            (Task::Binary, "two values".to_string(), if numeric { "[task=regression]" } else { "[task=multiclass]" })
        } else if numeric && kind.is_none() && self.looks_like_classes() {
            (Task::Multiclass, format!("{count} different whole numbers in {rows} rows"), "[task=regression]")
        } else if numeric {
            let why =
                if stats.integers == rows && count <= FEW { "whole numbers whose order matters" } else { "numbers" };
            (Task::Regression, format!("{why}, {count} different ones"), "[task=multiclass]")
        } else {
            let instead = if self.separator().is_some() { "[task=multilabel]" } else { "[target=NAME]" };
            (Task::Multiclass, format!("{count} different values"), instead)
        };
        let mut chosen = self.check(task)?;
        chosen.decision = Some(Decision { what: format!("task: {task}"), why, instead: instead.into() });
        Ok(chosen)
    }

    fn looks_like_classes(&self) -> bool {
        let (stats, name) = (self.stats, self.table.names[self.position].to_lowercase());
        stats.integers == stats.present()
            && stats.distinct <= FEW
            && stats.present() >= EXAMPLES_A_CLASS * stats.distinct
            && !name.split(|c: char| !c.is_alphanumeric()).any(|word| ORDERED_NAMES.contains(&word))
    }

    /// The separator between the labels of a cell, if some cell seems to hold several.
    fn separator(&self) -> Option<char> {
        let cells @ column::Column::Texts(_) = &self.table.columns[self.position] else { return None };
        SEPARATORS.into_iter().find(|separator| cells.iter().any(|cell| cell.contains(*separator)))
    }

    /// Whether the cells are compatible with a task.
    fn check(&self, task: Task) -> Result<Chosen> {
        let stats = self.stats;
        let classes = Chosen { task, kind: ColumnKind::Categorical, separator: None, decision: None };
        match (task, self.data.classes.len()) {
            (Task::Binary, 2) | (Task::Multiclass, 2..) => return Ok(classes),
            (Task::Binary | Task::Multiclass, given @ 1..) => {
                return Err(Error::config(format!("{task} with {given} classes"))
                    .at("--classes")
                    .fix("name two classes for binary, two or more for multiclass"));
            }
            _ => {}
        }
        match task {
            Task::Regression if stats.is_numeric() || (stats.present() > 0 && stats.readable() == stats.present()) => {
                Ok(Chosen { kind: ColumnKind::Numeric, ..classes })
            }
            Task::Regression => Err(self.impossible(task, "the target must be numbers", "[task=multiclass]")),
            Task::Binary if stats.distinct == 2 => Ok(classes),
            Task::Binary => Err(self.impossible(task, "the target must have two values", "[task=multiclass]")),
            Task::Multiclass if !stats.has_many_values() => Ok(classes),
            Task::Multiclass => Err(self.impossible(
                task,
                "classes must repeat, in half of the rows at least",
                if stats.codes.is_some() { "[kinds=NAME=numeric]" } else { "another [target]" },
            )),
            Task::Multilabel => {
                let separator = self.separator().ok_or_else(|| {
                    self.impossible(
                        task,
                        "cells must hold labels with ; or | between, or several targets be named",
                        "[task=multiclass]",
                    )
                })?;
                Ok(Chosen { separator: Some(separator), ..classes })
            }
        }
    }

    fn impossible(&self, task: Task, needed: &str, instead: &str) -> Error {
        let stats = self.stats;
        let values = examples(self.table, self.position, stats);
        let mut place = format!("{}, column {:?}", self.table.source, self.table.names[self.position]);
        if let (Task::Regression, Some(row)) = (task, stats.first_text) {
            place = self.table.place(row, self.position);
        }
        let found = format!("found {} different values such as {}", stats.distinct, shortened(&values, 5));
        Error::data(format!("task {task} is not possible: {needed}; {found}"))
            .at(place)
            .fix(Advice::from("correct the cells, or try ").and(instead))
    }
}

/// Some values of a column: the most frequent, or the first if none repeats.
fn examples(table: &Table, position: usize, stats: &ColumnStats) -> Vec<String> {
    let first = || table.columns[position].iter().filter(|cell| !cell.trim().is_empty()).take(FEW).map(Cow::into_owned);
    let values: Vec<String> = stats.frequent.iter().map(|(value, _)| value.clone()).collect();
    let values = if values.is_empty() { first().collect() } else { values };
    values.iter().map(|value| format!("{:?}", beginning(value))).collect()
}

fn decide_several(table: &Table, asked: Option<Task>, targets: &[usize], stats: &[ColumnStats]) -> Result<Chosen> {
    let all = |is: fn(&ColumnStats) -> bool| targets.iter().find(|position| !is(&stats[**position]));
    let (boolean, numeric) = (|stats: &ColumnStats| stats.is_boolean(true), ColumnStats::is_numeric);
    let task = match asked {
        Some(task) => task,
        None if all(boolean).is_none() => Task::Multilabel,
        None => Task::Regression,
    };
    let (odd, needed) = match task {
        Task::Multilabel => (all(boolean), "0 or 1 in every cell"),
        Task::Regression => (all(numeric), "numbers"),
        Task::Binary | Task::Multiclass => {
            return Err(Error::config(format!("task {task} has one target column, found {}", targets.len()))
                .at("--target")
                .fix("name one target, or use [task=multilabel] or [task=regression]"));
        }
    };
    if let Some(position) = odd {
        let values = examples(table, *position, &stats[*position]);
        return Err(Error::data(format!(
            "several targets of task {task} must hold {needed}; found {}",
            shortened(&values, 5)
        ))
        .at(format!("{}, column {:?}", table.source, table.names[*position]))
        .fix("correct the cells, or leave this column out of [target]"));
    }
    let kind = if task == Task::Multilabel { ColumnKind::Boolean } else { ColumnKind::Numeric };
    let decision = asked.is_none().then(|| Decision {
        what: format!("task: {task} of {} targets", targets.len()),
        why: format!("they hold {needed}"),
        instead: "[task=regression]".into(),
    });
    Ok(Chosen { task, kind, separator: None, decision })
}
