//! Whether the answers are among the inputs.

use std::collections::HashSet;

use super::subject::Subject;
use crate::data::alike::{self, Labels};
use crate::data::schema::Role;
use crate::data::target::Target;
use crate::error::{Advice, Result};
use crate::findings::{Finding, Severity, percent};
use crate::task::Task;

/// A column that alone tells the answer.
pub(super) fn leakage(subject: &Subject) -> Result<Option<Finding>> {
    let Some(table) = subject.table()? else { return Ok(None) };
    let data = subject.data()?;
    let known = Target::known_rows(table, &data.schema)?;
    // Each cell of a row tells the answer of the row's own copy.
    let copies: HashSet<usize> = alike::equal_inputs(table, &data.schema, &known)
        .into_iter()
        .flat_map(|rows| rows.into_iter().skip(1))
        .collect();
    let rows: Vec<usize> = known.into_iter().filter(|row| !copies.contains(row)).collect();
    if data.task == Task::Multilabel || data.target.columns.len() > 1 || rows.is_empty() {
        return Ok(None);
    }
    let y: Vec<f64> = data.target.encode(table, &rows)?;
    let classes: Vec<usize> = y.iter().map(|y| *y as usize).collect();
    let answer = if data.task == Task::Regression { Labels::Numbers(&y) } else { Labels::Classes(&classes) };
    let mut telling: Vec<(f64, &str)> = Vec::new();
    for column in data.schema.with_role(Role::Feature) {
        let Some(position) = table.position(&column.name) else { continue };
        let open = alike::left_open(table, &data.schema, position, &rows, answer);
        telling.extend(open.filter(|open| *open <= alike::TELLING).map(|open| (open, &*column.name)));
    }
    telling.sort_by(|a, b| a.0.total_cmp(&b.0));
    let Some((open, column)) = telling.first() else { return Ok(None) };
    let ignored = subject.config.data.ignore.iter().map(String::as_str);
    let ignore: Vec<&str> = ignored.chain(telling.iter().map(|(_, column)| *column)).collect();
    let others = if telling.len() > 1 { format!(" (and {} more)", telling.len() - 1) } else { String::new() };
    Ok(Some(Finding::new(
        Severity::Severe,
        format!("the column {column:?}{others} alone tells the answer: is it known before the answer is?"),
        format!("it leaves {} open of {} rows’ {}", percent(*open), rows.len(), data.target.columns.join(", ")),
        Advice::words("if it is not, leave it out: ").and(Advice::option("ignore", &ignore.join(","))),
        "the metrics fall to what the model will reach on new rows",
    )))
}
