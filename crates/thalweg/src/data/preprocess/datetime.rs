//! A date column: time as a number, and the position in the year, the week and the day.

use std::f64::consts::TAU;

use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

use super::quantiles::Quantiles;
use super::scale::{self, Scale};
use super::{Cell, Encode, Value};
use crate::config::Normalise;
use crate::data::dates::{self, day_share, year};

/// The encoding of a date: the decimal year, clipped to the training rows' and scaled (robustly if there are far outliers); sin and cos of the fractions
/// of the year and of the week (a year's end is next to its beginning); sin and cos of the time of day if training rows
/// have one; 1 where the date is missing, if it was missing in training rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Datetime {
    /// The format of the cells.
    pub format: String,
    /// How the year is scaled.
    pub scale: Scale,
    /// Whether the training rows' dates have a time of day.
    pub clock: bool,
    /// Whether an input indicates that the date was missing.
    pub indicator: bool,
    /// Dates that mean "missing".
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sentinels: Vec<DateTime>,
    /// Whether a cell that is not a date counts as missing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lenient: bool,
    /// The minimum and maximum decimal year of the training rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<(f64, f64)>,
    /// Whether years beyond the range count as its ends.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub clip: bool,
}

impl Datetime {
    /// Fits the training rows' dates.
    pub fn fit(times: &[DateTime], missing: bool, format: &str) -> Self {
        let mut years = Quantiles::new(times.iter().map(|time| year(*time)).collect());
        let scale = if scale::has_far_outliers(&mut years) {
            Scale::robust(&mut years)
        } else {
            Scale::fit(times.iter().map(|time| year(*time)), Normalise::Standard)
        };
        Datetime {
            format: format.to_string(),
            scale,
            clock: times.iter().any(|time| day_share(*time) != 0.0),
            indicator: missing,
            sentinels: Vec::new(),
            lenient: false,
            range: scale::range(years.values().iter().copied()),
            clip: false,
        }
    }

    /// The years between which dates differ as inputs, if they are clipped.
    pub(crate) fn span(&self) -> Option<(f64, f64)> {
        self.range.filter(|_| self.clip)
    }

    /// The formats of the cells, as strptime formats or names, in the order in which they are tried.
    pub fn formats(&self) -> impl Iterator<Item = &str> {
        self.format.split(dates::BETWEEN)
    }
}

/// The date in a cell, if it is not missing, or what was expected.
pub(super) fn time(
    text: Option<&str>,
    format: &str,
    sentinels: &[DateTime],
    lenient: bool,
) -> Result<Option<DateTime>, String> {
    let Some(text) = text else { return Ok(None) };
    match dates::read(text, format) {
        Some(time) => Ok(Some(time).filter(|time| !sentinels.contains(time))),
        None if lenient || dates::is_zero(text) => Ok(None),
        None => Err(format!("a date like {format}")),
    }
}

impl Encode for Datetime {
    fn names(&self, column: &str) -> Vec<String> {
        let mut parts = vec!["year", "year sin", "year cos", "week sin", "week cos"];
        if self.clock {
            parts.extend(["day sin", "day cos"]);
        }
        if self.indicator {
            parts.push("missing");
        }
        parts.into_iter().map(|part| format!("{column} {part}")).collect()
    }

    fn width(&self) -> usize {
        5 + 2 * usize::from(self.clock) + usize::from(self.indicator)
    }

    fn write(&self, cell: Cell<'_>, out: &mut [f64]) -> Result<(), String> {
        out.fill(0.0);
        let Some(time) = time(cell.text(), &self.format, &self.sentinels, self.lenient)? else {
            if self.indicator {
                out[out.len() - 1] = 1.0;
            }
            return Ok(());
        };
        let elapsed = self.span().map_or(year(time), |(low, high)| year(time).clamp(low, high));
        out[0] = self.scale.apply(elapsed);
        let weekday = f64::from(time.weekday().to_monday_zero_offset());
        let shares = [year(time).fract(), (weekday + day_share(time)) / 7.0, day_share(time)];
        let used = if self.clock { 3 } else { 2 };
        for (pair, share) in out[1..].chunks_exact_mut(2).zip(&shares[..used]) {
            pair.copy_from_slice(&[(TAU * share).sin(), (TAU * share).cos()]);
        }
        Ok(())
    }

    /// The decimal year.
    fn read(&self, inputs: &[f32]) -> Value {
        // A day of the year is a point on a circle, and a missing one is none.
        if inputs[1..3] == [0.0, 0.0] {
            return Value::Missing;
        }
        Value::Number(self.scale.invert(f64::from(inputs[0])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(cells: &[&str]) -> Datetime {
        let times: Vec<DateTime> = cells.iter().map(|cell| dates::read(cell, dates::ISO).unwrap()).collect();
        Datetime::fit(&times, true, dates::ISO)
    }

    fn encode(transform: &Datetime, text: Option<&str>) -> Vec<f64> {
        let mut out = vec![9.0; transform.names("d").len()];
        transform.write(text.map_or(Cell::Missing, Cell::Text), &mut out).unwrap();
        out
    }

    #[test]
    fn a_date_stands_in_its_year_and_week() {
        // 2023-01-01 and 2025-01-01: mean 2024, σ 1. 2024-07-02 is day 184 of 366: half of the year has passed.
        let transform = fit(&["2023-01-01", "2025-01-01"]);
        assert_eq!(transform.names("d").len(), 6);
        let out = encode(&transform, Some("2024-07-02"));
        assert!((out[0] - 0.5).abs() < 1e-12);
        assert!(out[1].abs() < 1e-12 && (out[2] + 1.0).abs() < 1e-12);
        // A Tuesday: one day of seven after Monday; sin and cos of 2π/7.
        assert!((out[3] - 0.781_831_482_468_03).abs() < 1e-12 && (out[4] - 0.623_489_801_858_734).abs() < 1e-12);
        assert_eq!(encode(&transform, None), [0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn a_date_beyond_the_training_rows_is_their_first_or_last() {
        let clipped = Datetime { clip: true, ..fit(&["2023-01-01", "2025-01-01"]) };
        for (date, elapsed) in [("1900-03-05", -1.0), ("2024-01-01", 0.0), ("2035-07-02", 1.0)] {
            let (out, free) = (encode(&clipped, Some(date)), encode(&fit(&["2023-01-01", "2025-01-01"]), Some(date)));
            assert_eq!(out[0], elapsed, "{date}");
            // Its place in the year and week stays.
            assert_eq!(out[1..], free[1..], "{date}");
        }
    }

    #[test]
    fn the_time_of_day_counts_where_there_is_one() {
        let transform = fit(&["2023-01-01T06:00:00", "2025-01-01T00:00:00"]);
        let out = encode(&transform, Some("2024-07-02 06:00:00"));
        assert_eq!(out.len(), 8);
        assert!((out[5] - 1.0).abs() < 1e-12 && out[6].abs() < 1e-12);
    }
}
