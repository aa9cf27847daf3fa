//! Series: the values of a table over time, on a clock's steps.

use std::collections::BTreeMap;

use super::{Clock, Forecast};
use crate::data::cell_format::CellFormat;
use crate::data::dates;
use crate::data::preprocess::unreadable;
use crate::data::schema;
use crate::data::table::Table;
use crate::error::{Error, Result, advice};

/// One series.
#[derive(Debug, Clone, Default)]
pub(crate) struct Series {
    /// What the column of series calls it; empty for the only one.
    pub(crate) name: String,
    /// The number of its first step.
    pub(crate) first: i64,
    /// Its values, from the first known to the last; NaN where there is none.
    pub(crate) values: Vec<f64>,
    /// The same with those between two known ones on the line between them.
    pub(crate) filled: Vec<f64>,
    /// The table's row of each step, those after the last value, too.
    pub(crate) rows: Vec<Option<usize>>,
}

impl Series {
    /// The steps from which a forecast is possible: their value is known, and a whole window.
    pub(crate) fn origins(&self, window: usize) -> impl Iterator<Item = usize> {
        (window.saturating_sub(1)..self.values.len()).filter(|at| !self.values[*at].is_nan())
    }

    /// Its values before a step of the clock, those between known ones, too.
    pub(super) fn trained(&self, before: i64) -> &[f64] {
        let count = usize::try_from(before - self.first).unwrap_or_default();
        &self.filled[..count.min(self.filled.len())]
    }

    /// The mean of its last values up to a step, of so many or of those there are.
    pub(crate) fn mean(&self, at: usize, span: usize) -> f64 {
        let values = &self.filled[(at + 1).saturating_sub(span)..=at];
        values.iter().sum::<f64>() / values.len() as f64
    }
}

/// The cells of a table's times, series and targets, row by row, in the order of series and times.
struct SeriesRow {
    series: String,
    time: f64,
    row: usize,
    value: f64,
}

/// Each row's time as an increasing number.
///
/// # Errors
/// For a cell that is no time.
pub(super) fn times(table: &Table, time: &str, format: Option<&str>, cell_format: &CellFormat) -> Result<Vec<f64>> {
    let position = schema::positions(table, [time])?[0];
    let cells = table.columns[position].readings(cell_format);
    let read = |cell: &str| match format {
        Some(format) => dates::read(cell, format).map(dates::seconds),
        None => cell_format.number(cell).filter(|time| time.abs() < 1e15),
    };
    let expected = if format.is_some() { "a date" } else { "a number" };
    let time = |row| {
        let time = cells.as_text(row).as_deref().and_then(read);
        time.ok_or_else(|| unreadable(table, row, position, expected).fix("correct the cell, or leave the row out"))
    };
    (0..table.rows()).map(time).collect()
}

/// Each row's series: the name of the only one is empty.
///
/// # Errors
/// If a row has none.
pub(super) fn names(table: &Table, series: Option<&str>, cell_format: &CellFormat) -> Result<Vec<String>> {
    let Some(series) = series else { return Ok(vec![String::new(); table.rows()]) };
    let position = schema::positions(table, [series])?[0];
    let cells = table.columns[position].readings(cell_format);
    let name = |row| {
        let name = cells.category(row).map(|name| name.into_owned());
        name.ok_or_else(|| unreadable(table, row, position, "the name of a series").fix("add it, or leave the row out"))
    };
    (0..table.rows()).map(name).collect()
}

/// The times of each series, in order.
pub(super) fn ordered(names: &[String], times: &[f64]) -> Vec<Vec<f64>> {
    let mut by_name: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    names.iter().zip(times).for_each(|(name, time)| by_name.entry(name).or_default().push(*time));
    let mut series: Vec<Vec<f64>> = by_name.into_values().collect();
    series.iter_mut().for_each(|times| times.sort_unstable_by(f64::total_cmp));
    series
}

/// The series of a table, by name; those without a single value are left out.
///
/// # Errors
/// If a column is missing, a cell cannot be read, two rows are of one step, or most steps have no row.
pub(crate) fn read(table: &Table, forecast: &Forecast) -> Result<Vec<Series>> {
    let cell_format = table.cell_format(&forecast.cell_format);
    let names = names(table, forecast.series.as_deref(), cell_format)?;
    let times = times(table, &forecast.time, forecast.clock.format.as_deref(), cell_format)?;
    let position = schema::positions(table, [forecast.target.name.as_str()])?[0];
    let targets = table.columns[position].readings(cell_format).with_format(forecast.target.numbers);
    let mut rows = Vec::with_capacity(table.rows());
    for (row, (series, time)) in names.into_iter().zip(times).enumerate() {
        let number = || targets.get(row).number().filter(|value| value.is_finite());
        let wrong = || unreadable(table, row, position, "a finite number, or an empty cell").fix("correct the cell");
        let value = if targets.is_missing(row) { f64::NAN } else { number().ok_or_else(wrong)? };
        rows.push(SeriesRow { series, time, row, value });
    }
    rows.sort_by(|a, b| a.series.cmp(&b.series).then(a.time.total_cmp(&b.time)));
    let mut all = Vec::new();
    for rows in rows.chunk_by(|a, b| a.series == b.series) {
        all.extend(of_rows(rows, table, forecast)?);
    }
    Ok(all)
}

/// A series of its rows in order; none without a value.
fn of_rows(rows: &[SeriesRow], table: &Table, forecast: &Forecast) -> Result<Option<Series>> {
    let clock = &forecast.clock;
    let steps: Vec<i64> = rows.iter().map(|row| clock.index(row.time)).collect();
    if let Some(second) = (1..rows.len()).find(|row| steps[*row] == steps[row - 1]) {
        return Err(twice(rows, second, table, forecast));
    }
    let known: Vec<usize> = (0..rows.len()).filter(|row| !rows[*row].value.is_nan()).collect();
    let (Some(&from), Some(&to)) = (known.first(), known.last()) else { return Ok(None) };
    let (first, last) = (steps[from], steps[rows.len() - 1]);
    let length = last.abs_diff(first).saturating_add(1);
    if length > 2 * (rows.len() - from) as u64 + 1 {
        return Err(irregular(&rows[0].series, rows.len() - from, length, table, clock));
    }
    let mut series = Series {
        name: rows[0].series.clone(),
        first,
        values: vec![f64::NAN; (steps[to] - first) as usize + 1],
        filled: Vec::new(),
        rows: vec![None; length as usize],
    };
    for (row, step) in rows.iter().zip(&steps).skip(from) {
        let at = (step - first) as usize;
        series.rows[at] = Some(row.row);
        if at < series.values.len() {
            series.values[at] = row.value;
        }
    }
    series.filled = filled(&series.values);
    Ok(Some(series))
}

fn twice(rows: &[SeriesRow], second: usize, table: &Table, forecast: &Forecast) -> Error {
    let [a, b] = [&rows[second - 1], &rows[second]].map(|row| table.row_place(row.row));
    let step = forecast.clock.text(forecast.clock.index(rows[second].time));
    let error =
        Error::data(format!("{a} and {b} are of one step, {step}: expected one row a {}", forecast.clock.words()))
            .at(format!("{}, column {:?}", table.source, forecast.time));
    error.fix(match &forecast.series {
        None => advice!("name the column that tells series apart with [series], or add up the rows of a step"),
        Some(series) => advice!("add up the rows of a step that have one {:?}, or leave all but one out", series),
    })
}

fn irregular(series: &str, rows: usize, length: u64, table: &Table, clock: &Clock) -> Error {
    let of = if series.is_empty() { String::new() } else { format!(" of series {series:?}") };
    let told = format!("{rows} rows{of} are spread over {length} steps of one {}: most have no value", clock.words());
    Error::data(told).at(table.source.clone()).fix("bring the rows to regular steps, such as a sum or a mean a day")
}

/// Values with those between two known ones on the line between them; the first and the last are known.
fn filled(values: &[f64]) -> Vec<f64> {
    let mut filled = values.to_vec();
    let mut last = 0;
    for at in 1..values.len() {
        if values[at].is_nan() {
            continue;
        }
        for (step, between) in (1..).zip(&mut filled[last + 1..at]) {
            let share = f64::from(step) / (at - last) as f64;
            *between = values[last] * (1.0 - share) + values[at] * share;
        }
        last = at;
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_on_the_line_between_their_ends() {
        let gap = f64::NAN;
        assert_eq!(filled(&[1.0, gap, gap, 4.0, 6.0, gap, 4.0]), [1.0, 2.0, 3.0, 4.0, 6.0, 5.0, 4.0]);
        assert_eq!(filled(&[3.0]), [3.0]);
    }
}
