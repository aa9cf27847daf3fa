//! A date column: the time as a number, and where it stands in the year, the week and the day.

use std::f64::consts::TAU;

use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

use super::scale::Scale;
use super::{Cell, Encode};
use crate::data::dates;
use crate::spec::Normalise;

/// What a date becomes: its year with the share of it that has passed, scaled; sin and cos of that share and of
/// the weekday's share of the week (a year's end is next to its beginning); sin and cos of the time of day where
/// training rows have one; 1 where the date was missing, if training rows lacked it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Datetime {
    /// The format of the cells.
    pub format: String,
    /// How the year is scaled.
    pub scale: Scale,
    /// Whether the training rows' dates have a time of day.
    pub clock: bool,
    /// Whether an input says that the date was missing.
    pub indicator: bool,
}

impl Datetime {
    /// Fits the training rows' dates.
    pub fn fit(times: &[DateTime], missing: bool, format: &str) -> Self {
        Datetime {
            format: format.to_string(),
            scale: Scale::fit(times.iter().map(|time| year(*time)), Normalise::Standard),
            clock: times.iter().any(|time| day_share(*time) != 0.0),
            indicator: missing,
        }
    }

    /// Whether the cells are ISO 8601's, in any of its forms; other formats are strptime's.
    pub fn is_iso(&self) -> bool {
        self.format == dates::ISO
    }
}

/// The date that a cell holds, if it is not missing, or what was expected.
pub(super) fn time(cell: Cell, format: &str) -> Result<Option<DateTime>, String> {
    match cell {
        Cell::Text(text) => dates::read(text, format).map(Some).ok_or_else(|| format!("a date like {format}")),
        _ => Ok(None),
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

    fn write(&self, cell: Cell<'_>, out: &mut [f64]) -> Result<(), String> {
        out.fill(0.0);
        let Some(time) = time(cell, &self.format)? else {
            if self.indicator {
                out[out.len() - 1] = 1.0;
            }
            return Ok(());
        };
        out[0] = self.scale.apply(year(time));
        let weekday = f64::from(time.weekday().to_monday_zero_offset());
        let shares = [year(time).fract(), (weekday + day_share(time)) / 7.0, day_share(time)];
        let used = if self.clock { 3 } else { 2 };
        for (pair, share) in out[1..].chunks_exact_mut(2).zip(&shares[..used]) {
            pair.copy_from_slice(&[(TAU * share).sin(), (TAU * share).cos()]);
        }
        Ok(())
    }
}

/// The year with the share of it that has passed: 2024.5 is the middle of 2024.
fn year(time: DateTime) -> f64 {
    let days = f64::from(time.date().days_in_year());
    f64::from(time.year()) + (f64::from(time.date().day_of_year()) - 1.0 + day_share(time)) / days
}

fn day_share(time: DateTime) -> f64 {
    (f64::from(time.hour()) * 3600.0 + f64::from(time.minute()) * 60.0 + f64::from(time.second())) / 86_400.0
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
    fn the_time_of_day_counts_where_there_is_one() {
        let transform = fit(&["2023-01-01T06:00:00", "2025-01-01T00:00:00"]);
        let out = encode(&transform, Some("2024-07-02 06:00:00"));
        assert_eq!(out.len(), 8);
        assert!((out[5] - 1.0).abs() < 1e-12 && out[6].abs() < 1e-12);
    }
}
