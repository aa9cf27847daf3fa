//! What a model's answers depend on.

use thalweg::event::{Dependence, Grid, Importance};

use super::{grouped, interval, line, short, table};

/// How much the loss grows with each column shuffled.
pub(crate) fn importance(importance: &Importance) -> std::io::Result<()> {
    let Importance { rows, rows_in_all, repeats, metric, value, columns, columns_left_out, .. } = importance;
    line("")?;
    let all = if rows < rows_in_all { format!(" of {}", grouped(*rows_in_all)) } else { String::new() };
    line(&format!(
        "growth of {metric} (from {}) with a column shuffled, {repeats} times among {}{all} rows:",
        short(*value),
        grouped(*rows)
    ))?;
    let rows: Vec<Vec<String>> =
        columns.iter().map(|column| vec![column.column.clone(), interval(&column.growth)]).collect();
    table(&rows)?;
    if *columns_left_out > 0 {
        line(&format!("{} more columns would have taken too long", grouped(*columns_left_out)))?;
    }
    Ok(())
}

/// The mean answers along a column's values.
pub(crate) fn dependence(dependence: &Dependence) -> std::io::Result<()> {
    let Dependence { column, rows, grid, curves, .. } = dependence;
    line("")?;
    line(&format!("mean answer over {} rows, by {column}:", grouped(*rows)))?;
    let mut cells =
        vec![std::iter::once(column.clone()).chain(curves.iter().map(|curve| curve.output.clone())).collect()];
    let values: Vec<String> = match grid {
        Grid::Numbers(values) => values.iter().map(f64::to_string).collect(),
        Grid::Categories(values) => values.clone(),
    };
    cells.extend(values.into_iter().enumerate().map(|(i, value)| {
        std::iter::once(value).chain(curves.iter().map(|curve| short(curve.mean[i]))).collect::<Vec<String>>()
    }));
    table(&cells)
}
