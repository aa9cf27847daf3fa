//! Forecasts: a table's target carried on in time.
//!
//! A forecast from step t on of a series y, with horizon H and window w, is direct (one output for each of the H steps;
//! Ben Taieb, Bontempi, Atiya and Sorjamaa 2012): from an example of the last values relative to their mean ȳ,
//!
//! ```text
//! x = (y[t−w+1] − ȳ)/s, …, (y[t] − ȳ)/s, ȳ/s, means of longer pasts, calendar of t+1, other columns
//! z = (y[t+1] − ȳ)/s, …, (y[t+H] − ȳ)/s
//! ```
//!
//! with the series' scale s, or 1 where there is one series. Examples are rows of a table like any other: schema, pipeline,
//! network and training know nothing of time. Those whose last step is before dev are train, those whose steps are all in
//! dev are dev, and so on: no example is trained on that tells a step of dev or test.

mod calendar;
mod clock;
mod examples;
mod fit;
mod series;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use clock::{Clock, TimeStep};
pub(crate) use examples::Origin;
pub(super) use fit::prepare;
pub(crate) use series::Series;

use super::cell_format::CellFormat;
use super::schema::Column;
use super::table::Table;
use crate::error::Result;

/// The quantiles that a forecast's band is of.
pub const QUANTILES: [f64; 3] = [0.1, 0.5, 0.9];

/// What a calendar tells of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CalendarPart {
    /// The day of the week.
    Weekday,
    /// Sine and cosine of so many times the fraction of the year.
    Year(u8),
    /// Sine and cosine of so many times the fraction of the day.
    Day(u8),
}

/// A column beside the target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Covariate {
    /// The column.
    pub column: Column,
    /// Whether its values are known ahead: then those of the horizon's steps are inputs, else the last ones.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub known: bool,
}

/// How a table is carried on; data only, saved with the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// The column that is forecast.
    pub target: Column,
    /// The column of times.
    pub time: String,
    /// The column that tells series apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<String>,
    /// How times are counted.
    pub clock: Clock,
    /// Steps that are forecast, H.
    pub horizon: usize,
    /// Last values that a forecast is made from, w.
    pub window: usize,
    /// Steps after which series repeat themselves.
    pub season: usize,
    /// How many values the means of longer pasts are of.
    pub spans: Vec<usize>,
    /// The calendar's parts among the inputs.
    pub calendar: Vec<CalendarPart>,
    /// The other columns.
    pub covariates: Vec<Covariate>,
    /// How cells are read.
    pub cell_format: CellFormat,
    /// The step after the last that it was made from.
    pub until: i64,
    /// The scale of each series: the mean absolute error of the seasonal naive forecast over its training steps.
    pub scales: BTreeMap<String, f64>,
    /// For each step of the horizon how far truths were from forecasts on dev, in units of the scale, at each of
    /// [`QUANTILES`]; empty where dev has too few.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub band: Vec<[f64; 3]>,
}

/// The series that a dataset's examples are of.
#[derive(Debug, Clone)]
pub struct ForecastData {
    /// How they are carried on.
    pub forecast: Forecast,
    /// The table as read.
    pub(crate) table: Table,
    /// Its series.
    pub(crate) series: Vec<Series>,
    /// The first step of dev, and of test; the step after the last where there is none.
    pub(crate) first: [i64; 2],
}

impl Forecast {
    /// The series of a table.
    pub(crate) fn series_of(&self, table: &Table) -> Result<Vec<Series>> {
        series::read(table, self)
    }

    /// The unit of a series' examples: 1 where there is one series, else its scale; for a series that was not trained on,
    /// that of its own values.
    pub(crate) fn unit(&self, series: &Series) -> f64 {
        match (&self.series, self.scales.get(&series.name)) {
            (None, _) => 1.0,
            (Some(_), Some(scale)) => *scale,
            (Some(_), None) => naive_error(&series.values, self.season),
        }
    }

    /// The scale that errors of a series are compared with, as in MASE.
    pub(crate) fn scale(&self, series: &Series) -> f64 {
        self.scales.get(&series.name).copied().unwrap_or_else(|| naive_error(&series.values, self.season))
    }

    /// Checks that it is one, for a network of so many outputs.
    pub(crate) fn check(&self, outputs: usize) -> Result<(), String> {
        let wrong = |what: &str| Err(format!("its forecast has {what}"));
        self.clock.check()?;
        let lengths = [self.horizon, self.window, self.season];
        if lengths.iter().chain(&self.spans).any(|length| !(1..=10_000_000).contains(length)) || self.spans.len() > 64 {
            return wrong("a horizon, a window or a season that cannot be");
        }
        if self.horizon != outputs {
            return wrong("another horizon than its network has outputs");
        }
        if self.scales.values().any(|scale| !scale.is_finite() || *scale <= 0.0) {
            return wrong("scales that are not above 0");
        }
        let finite = self.band.iter().all(|step| step.is_sorted() && step.iter().all(|end| end.abs() < f64::MAX / 4.0));
        if !(self.band.is_empty() || self.band.len() == outputs) || !finite {
            return wrong("a band that is none");
        }
        Ok(())
    }
}

/// The mean absolute error of the seasonal naive forecast of one step (Hyndman and Koehler 2006), or of the naive one
/// where values are too few or repeat themselves; the mean absolute value, or 1, where they are all equal.
fn naive_error(values: &[f64], season: usize) -> f64 {
    let mean = |distances: &mut dyn Iterator<Item = f64>| {
        let (mut sum, mut count) = (0.0, 0.0);
        distances.filter(|distance| !distance.is_nan()).for_each(|distance| {
            sum += distance;
            count += 1.0;
        });
        if count > 0.0 { sum / count } else { 0.0 }
    };
    let after = |lag: usize| mean(&mut values.iter().zip(values.iter().skip(lag)).map(|(a, b)| (a - b).abs()));
    let usable = |scale: &f64| scale.is_finite() && *scale > 0.0;
    let size = || mean(&mut values.iter().map(|value| value.abs()));
    [after(season), after(1), size()].into_iter().find(usable).unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_is_the_error_of_the_seasonal_naive_forecast() {
        // |3 − 1|, |5 − 2|, |4 − 3|.
        assert_eq!(naive_error(&[1.0, 2.0, 3.0, 5.0, 4.0], 2), 2.0);
        assert_eq!(naive_error(&[1.0, 2.0, f64::NAN, 5.0], 2), 3.0);
        // It repeats itself: |2 − 1| each.
        assert_eq!(naive_error(&[1.0, 2.0, 1.0, 2.0], 2), 1.0);
        assert_eq!((naive_error(&[-4.0, -4.0], 1), naive_error(&[0.0], 7)), (4.0, 1.0));
    }
}
