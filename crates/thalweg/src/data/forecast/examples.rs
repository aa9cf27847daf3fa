//! Examples of a forecast: a row for each step that is carried on from.

use std::f64::consts::TAU;

use jiff::civil::DateTime;

use super::{CalendarPart, Covariate, Forecast, Series};
use crate::config::ColumnKind;
use crate::data::column::Column;
use crate::data::dates;
use crate::data::reading::Readings;
use crate::data::schema;
use crate::data::source::twice;
use crate::data::table::Table;
use crate::error::{Error, Result};

/// Last values of other columns that are inputs.
const LAST: usize = 7;

/// A step that is carried on from: the last that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Which series.
    pub(crate) series: usize,
    /// Which of its steps.
    pub(crate) at: usize,
}

/// The table of examples as it grows, column by column.
struct Columns<'a> {
    series: &'a [Series],
    origins: &'a [Origin],
    /// Of each origin: the mean that values are relative to, and their unit.
    levels: Vec<(f64, f64)>,
    names: Vec<String>,
    columns: Vec<Column>,
}

impl Columns<'_> {
    fn numbers(&mut self, name: String, of: impl Fn(&Series, usize) -> f64) {
        let cells = self.origins.iter().map(|origin| of(&self.series[origin.series], origin.at));
        self.columns.push(Column::of_numbers(cells));
        self.names.push(name);
    }

    /// The same relative to the level.
    fn relative(&mut self, name: String, of: impl Fn(&Series, usize) -> f64) {
        let origins = self.origins.iter().zip(&self.levels);
        let cells = origins.map(|(origin, (mean, unit))| (of(&self.series[origin.series], origin.at) - mean) / unit);
        self.columns.push(Column::of_numbers(cells));
        self.names.push(name);
    }

    fn texts(&mut self, name: String, of: impl Fn(&Series, usize) -> String) {
        let cells = self.origins.iter().map(|origin| of(&self.series[origin.series], origin.at));
        self.columns.push(Column::of_texts(cells));
        self.names.push(name);
    }
}

impl Forecast {
    /// The names of the examples' targets, step by step: `amount[t+1]`.
    pub(crate) fn target_names(&self) -> Vec<String> {
        (1..=self.horizon).map(|step| self.ahead(&self.target.name, step)).collect()
    }

    fn ahead(&self, name: &str, step: usize) -> String {
        format!("{name}[t+{step}]")
    }

    /// The mean that an example's values are relative to, and their unit.
    pub(crate) fn level(&self, series: &Series, at: usize) -> (f64, f64) {
        (series.mean(at, self.window), self.unit(series))
    }

    /// The date of the step after an origin, where times are dates.
    fn next(&self, series: &Series, at: usize) -> DateTime {
        self.clock.date(series.first + at as i64 + 1).unwrap_or_default()
    }

    /// The examples of some origins as a table, with truths where these are known.
    ///
    /// # Errors
    /// If a column is missing, or two inputs have one name.
    pub(crate) fn examples(&self, table: &Table, series: &[Series], origins: &[Origin], truths: bool) -> Result<Table> {
        let levels = origins.iter().map(|origin| self.level(&series[origin.series], origin.at)).collect();
        let mut columns = Columns { series, origins, levels, names: Vec::new(), columns: Vec::new() };
        let target = &self.target.name;
        columns.names.push(format!("mean {target}"));
        columns.columns.push(Column::of_numbers(columns.levels.iter().map(|(mean, unit)| mean / unit)));
        for lag in 0..self.window {
            columns.relative(before(target, lag), |series, at| series.filled[at - lag]);
        }
        for &span in &self.spans {
            columns.relative(format!("mean {target} of {span}"), |series, at| series.mean(at, span));
        }
        for part in &self.calendar {
            let cycle = |name: &str, times: u8, fraction: fn(DateTime) -> f64, columns: &mut Columns| {
                let angle = |series: &Series, at| TAU * f64::from(times) * fraction(self.next(series, at));
                columns.numbers(format!("{name} sin {times}"), |series, at| angle(series, at).sin());
                columns.numbers(format!("{name} cos {times}"), |series, at| angle(series, at).cos());
            };
            match part {
                CalendarPart::Year(times) => cycle("year", *times, |time| dates::year(time).fract(), &mut columns),
                CalendarPart::Day(times) => cycle("day", *times, dates::day_share, &mut columns),
                CalendarPart::Weekday => columns
                    .texts(self.ahead("weekday", 1), |series, at| format!("{:?}", self.next(series, at).weekday())),
            }
        }
        if let Some(name) = &self.series {
            columns.texts(name.clone(), |series, _| series.name.clone());
        }
        let cell_format = table.cell_format(&self.cell_format);
        for covariate in &self.covariates {
            let position = schema::positions(table, [covariate.column.name.as_str()])?[0];
            let cells = table.columns[position].readings(cell_format).with_format(covariate.column.numbers);
            self.add(covariate, &cells, &mut columns);
        }
        if truths {
            for (step, name) in self.target_names().into_iter().enumerate() {
                let value = |series: &Series, at: usize| series.filled.get(at + 1 + step).copied();
                columns.relative(name, |series, at| value(series, at).unwrap_or(f64::NAN));
            }
        }
        if let Some(name) = twice(&columns.names) {
            let error = Error::data(format!("two inputs of the forecast are called {name:?}")).at(table.source.clone());
            return Err(error.fix("rename the column"));
        }
        let line = |origin: &Origin| {
            let row = series[origin.series].rows[origin.at];
            row.map_or(0, |row| table.lines[row])
        };
        Ok(Table {
            source: table.source.clone(),
            names: columns.names,
            columns: columns.columns,
            lines: origins.iter().map(line).collect(),
            cell_format: None,
        })
    }

    /// The inputs from another column.
    fn add(&self, Covariate { column, known }: &Covariate, cells: &Readings, columns: &mut Columns) {
        let numeric = column.kind == ColumnKind::Numeric;
        let number = |series: &Series, at: usize| {
            let row = series.rows.get(at).copied().flatten();
            row.and_then(|row| cells.get(row).number()).filter(|number| number.is_finite()).unwrap_or(f64::NAN)
        };
        let text = |series: &Series, at: usize| {
            let row = series.rows.get(at).copied().flatten();
            row.and_then(|row| cells.category(row)).unwrap_or_default().into_owned()
        };
        let steps = if *known { 1..=self.horizon } else { 0..=0 };
        match (known, numeric) {
            (true, true) => steps.for_each(|step| {
                columns.numbers(self.ahead(&column.name, step), |series, at| number(series, at + step));
            }),
            (false, true) => (0..self.window.min(LAST)).for_each(|lag| {
                columns.numbers(before(&column.name, lag), |series, at| number(series, at - lag));
            }),
            (true, false) => steps.for_each(|step| {
                columns.texts(self.ahead(&column.name, step), |series, at| text(series, at + step));
            }),
            (false, false) => columns.texts(before(&column.name, 0), text),
        }
    }

    /// Checks that what is to be known ahead is known in every step of the horizon.
    ///
    /// # Errors
    /// For the first step in which it is not.
    pub(crate) fn check_known(&self, table: &Table, series: &[Series], origins: &[Origin]) -> Result<()> {
        let cell_format = table.cell_format(&self.cell_format);
        let known = self.covariates.iter().filter(|covariate| covariate.known);
        for (covariate, origin) in known.flat_map(|covariate| origins.iter().map(move |origin| (covariate, origin))) {
            let position = schema::positions(table, [covariate.column.name.as_str()])?[0];
            let cells = table.columns[position].readings(cell_format);
            let series = &series[origin.series];
            let unknown = |step: &usize| {
                let row = series.rows.get(origin.at + step).copied().flatten();
                row.is_none_or(|row| cells.is_missing(row))
            };
            let Some(step) = (1..=self.horizon).find(unknown) else { continue };
            let time = self.clock.text(series.first + (origin.at + step) as i64);
            let of = if series.name.is_empty() { String::new() } else { format!(" of series {:?}", series.name) };
            let name = &covariate.column.name;
            return Err(Error::data(format!("{name:?}{of} is to be known ahead, and has no value for {time}"))
                .at(table.source.clone())
                .fix(format!(
                    "add a row for each of the {} steps to come, with {name:?} and an empty {:?}",
                    self.horizon, self.target.name
                )));
        }
        Ok(())
    }
}

/// A value before: `amount[t]`, `amount[t-3]`.
fn before(name: &str, lag: usize) -> String {
    let at = if lag == 0 { "t".into() } else { format!("t-{lag}") };
    format!("{name}[{at}]")
}
