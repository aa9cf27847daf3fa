//! The clock of a series: its step, and the number of each step.

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime};
use serde::{Deserialize, Serialize};

use crate::data::dates;

const DAY: f64 = 86_400.0;
/// 1970-01-01 was a Thursday, the fourth day of its week.
const THURSDAY: i64 = 3;

/// What lies between a value of a series and the next.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeStep {
    /// So many seconds: minutes, hours, days and weeks are that, too.
    Seconds(f64),
    /// A day from Monday to Friday.
    Weekdays,
    /// So many months: quarters and years are that, too.
    Months(i64),
    /// So much of a number that counts time in another way.
    Units(f64),
}

/// How times are counted in steps; data only, saved with the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Clock {
    /// The step.
    pub step: TimeStep,
    /// The time of step 0: seconds since 1970, months since year 0, or units.
    pub phase: f64,
    /// The day of the month on which steps of months are written.
    pub day: i8,
    /// The format of dates; none where times are numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
}

impl Clock {
    /// The clock by which most times of some series follow each other, each in order; none where no two differ.
    pub(crate) fn detect(series: &[Vec<f64>], format: Option<&str>) -> Option<Clock> {
        let gap = most_frequent(series, |time| time)?;
        let clock = |step, phase, day| Clock { step, phase, day, format: format.map(String::from) };
        let all = || series.iter().flatten().copied();
        let first = all().fold(f64::INFINITY, f64::min);
        if format.is_none() {
            return Some(clock(TimeStep::Units(gap), first, 1));
        }
        if gap >= 28.0 * DAY && all().all(|time| date_time(time).is_some()) {
            let of = |time| month(date_time(time).unwrap_or_default());
            let day = all().filter_map(date_time).map(|time| time.day()).max().unwrap_or(1);
            // Weeks by the four are 28 days; months are of different lengths.
            if let Some(months) = most_frequent(series, of)
                && gap % (7.0 * DAY) != 0.0
                && all().filter_map(date_time).all(|time| time.day() == day || time.day() == time.days_in_month())
            {
                return Some(clock(TimeStep::Months(months as i64), of(first), day));
            }
        }
        let midnight = all().all(|time| time.rem_euclid(DAY) == 0.0);
        if gap == DAY && midnight && all().all(|time| weekday(time) < 5) && all().count() > 5 {
            return Some(clock(TimeStep::Weekdays, 0.0, 1));
        }
        Some(clock(TimeStep::Seconds(gap), first.rem_euclid(gap), 1))
    }

    /// The number of the step that a time belongs to.
    pub(crate) fn index(&self, time: f64) -> i64 {
        match self.step {
            TimeStep::Seconds(step) => ((time - self.phase) / step).floor() as i64,
            TimeStep::Weekdays => {
                let days = (time / DAY).floor() as i64 + THURSDAY;
                days.div_euclid(7) * 5 + days.rem_euclid(7).min(4)
            }
            TimeStep::Months(step) => {
                let months = date_time(time).map_or(0.0, month) - self.phase;
                (months as i64).div_euclid(step)
            }
            TimeStep::Units(step) => ((time - self.phase) / step).round() as i64,
        }
    }

    /// The time of a step, as a number.
    fn time(&self, index: i64) -> f64 {
        match self.step {
            TimeStep::Seconds(step) | TimeStep::Units(step) => self.phase + index as f64 * step,
            TimeStep::Weekdays => (index.div_euclid(5) * 7 + index.rem_euclid(5) - THURSDAY) as f64 * DAY,
            TimeStep::Months(step) => {
                let months = self.phase as i64 + index.saturating_mul(step);
                let year = i16::try_from(months.div_euclid(12)).unwrap_or(i16::MAX);
                let first = Date::new(year, months.rem_euclid(12) as i8 + 1, 1);
                let date = first.map(|first| first.with().day(self.day.min(first.days_in_month())).build());
                date.and_then(|date| date).map_or(f64::NAN, |date| dates::seconds(date.at(0, 0, 0, 0)))
            }
        }
    }

    /// The date of a step, where times are dates.
    pub(crate) fn date(&self, index: i64) -> Option<DateTime> {
        self.format.as_ref().and_then(|_| date_time(self.time(index)))
    }

    /// The time of a step, as the data writes times.
    pub(crate) fn text(&self, index: i64) -> String {
        match (&self.format, self.date(index)) {
            (Some(format), Some(time)) => dates::write(time, format, self.has_time_of_day()),
            (Some(_), None) => "beyond the calendar".into(),
            (None, _) => format!("{}", rounded(self.time(index))),
        }
    }

    /// Whether a time lies between two steps.
    pub(crate) fn is_between(&self, time: f64) -> bool {
        match self.step {
            TimeStep::Seconds(_) | TimeStep::Units(_) => {
                (self.time(self.index(time)) - time).abs() > 1e-6 * time.abs().max(1.0)
            }
            TimeStep::Weekdays | TimeStep::Months(_) => false,
        }
    }

    fn has_time_of_day(&self) -> bool {
        matches!(self.step, TimeStep::Seconds(step) if step % DAY != 0.0 || self.phase % DAY != 0.0)
    }

    /// Seconds in a step of dates.
    pub(crate) fn seconds(&self) -> Option<f64> {
        match self.step {
            TimeStep::Seconds(step) => Some(step),
            TimeStep::Weekdays => Some(DAY),
            TimeStep::Months(months) => Some(months as f64 * 365.25 / 12.0 * DAY),
            TimeStep::Units(_) => None,
        }
    }

    /// Steps after which series usually repeat themselves: days after a week, hours after a day, months after a year.
    pub(crate) fn season(&self) -> usize {
        match self.step {
            TimeStep::Weekdays => 5,
            TimeStep::Months(months) if 12 % months == 0 => (12 / months) as usize,
            TimeStep::Seconds(step) if step == 7.0 * DAY => 52,
            TimeStep::Seconds(step) if step == DAY => 7,
            // Hours and minutes after a day, seconds after an hour.
            TimeStep::Seconds(step) if (60.0..DAY).contains(&step) => (DAY / step).round() as usize,
            TimeStep::Seconds(step) if step < 60.0 => (3600.0 / step.max(1.0)).round() as usize,
            TimeStep::Seconds(_) | TimeStep::Months(_) | TimeStep::Units(_) => 1,
        }
    }

    /// A week, where the usual season is a day.
    pub(super) fn longer_season(&self) -> Option<usize> {
        match self.step {
            TimeStep::Seconds(step) if (60.0..DAY).contains(&step) => Some((7.0 * DAY / step).round() as usize),
            _ => None,
        }
    }

    /// The step in words: `day`, `2 hours`.
    pub(crate) fn words(&self) -> String {
        let counted = |count: f64, unit: &str| match count {
            1.0 => unit.to_string(),
            _ => format!("{count} {unit}s"),
        };
        match self.step {
            TimeStep::Weekdays => "weekday".into(),
            TimeStep::Months(months) => match months {
                3 => "quarter".into(),
                _ if months % 12 == 0 => counted((months / 12) as f64, "year"),
                _ => counted(months as f64, "month"),
            },
            TimeStep::Seconds(step) => {
                let units = [("week", 7.0 * DAY), ("day", DAY), ("hour", 3600.0), ("minute", 60.0), ("second", 1.0)];
                let (unit, seconds) = units.into_iter().find(|(_, unit)| step % unit == 0.0).unwrap_or(units[4]);
                counted(step / seconds, unit)
            }
            TimeStep::Units(step) => counted(step, "unit"),
        }
    }

    /// Checks that it is a clock.
    pub(crate) fn check(&self) -> Result<(), String> {
        let positive = match self.step {
            TimeStep::Seconds(step) | TimeStep::Units(step) => step.is_finite() && step > 0.0,
            TimeStep::Months(months) => (1..=120_000).contains(&months),
            TimeStep::Weekdays => true,
        };
        let known = self.format.as_ref().is_none_or(|format| dates::is_known(format));
        match positive && known && self.phase.is_finite() && (1..=31).contains(&self.day) {
            true => Ok(()),
            false => Err("its series have no clock".into()),
        }
    }
}

/// The difference that lies between most times and the next; of several the least.
fn most_frequent(series: &[Vec<f64>], of: impl Fn(f64) -> f64) -> Option<f64> {
    let differences = |times: &Vec<f64>| -> Vec<f64> { times.windows(2).map(|two| of(two[1]) - of(two[0])).collect() };
    let mut gaps: Vec<f64> = series.iter().flat_map(differences).map(rounded).filter(|gap| *gap > 0.0).collect();
    gaps.sort_unstable_by(f64::total_cmp);
    let runs = gaps.chunk_by(|a, b| a == b);
    runs.reduce(|best, run| if run.len() > best.len() { run } else { best }).map(|run| run[0])
}

/// To twelve digits: differences of decimal numbers are not exact.
fn rounded(x: f64) -> f64 {
    format!("{x:.11e}").parse().unwrap_or(x)
}

fn date_time(seconds: f64) -> Option<DateTime> {
    let since = SignedDuration::try_from_secs_f64(seconds).ok()?;
    Date::constant(1970, 1, 1).at(0, 0, 0, 0).checked_add(since).ok()
}

/// Months since year 0.
fn month(time: DateTime) -> f64 {
    f64::from(time.year()) * 12.0 + f64::from(time.month()) - 1.0
}

/// From 0 for Monday.
fn weekday(time: f64) -> i64 {
    ((time / DAY).floor() as i64 + THURSDAY).rem_euclid(7)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(cells: &[&str]) -> Clock {
        let times = cells.iter().map(|cell| dates::seconds(dates::read(cell, dates::ISO).unwrap())).collect();
        Clock::detect(&[times], Some(dates::ISO)).unwrap()
    }

    fn after(cells: &[&str], steps: i64) -> String {
        let clock = clock(cells);
        let last = dates::seconds(dates::read(cells[cells.len() - 1], dates::ISO).unwrap());
        clock.text(clock.index(last) + steps)
    }

    #[test]
    fn the_step_is_the_most_frequent_one_and_is_carried_on_in_the_calendar() {
        // Dates by hand, from a calendar.
        for (cells, words, season, steps, next) in [
            (&["2024-02-26", "2024-02-27", "2024-02-28"][..], "day", 7, 2, "2024-03-01"),
            (&["2024-01-01", "2024-01-02", "2024-01-05", "2024-01-06"], "day", 7, 1, "2024-01-07"),
            (&["2023-12-31", "2024-01-31", "2024-02-29"], "month", 12, 1, "2024-03-31"),
            (&["2023-11-01", "2023-12-01", "2024-01-01"], "month", 12, 3, "2024-04-01"),
            (&["2023-01-01", "2023-04-01", "2023-07-01"], "quarter", 4, 1, "2023-10-01"),
            (&["2019-06-30", "2020-06-30", "2021-06-30"], "year", 1, 2, "2023-06-30"),
            (&["2024-01-07", "2024-01-14", "2024-01-21"], "week", 52, 1, "2024-01-28"),
            (&["2024-01-01T22:00", "2024-01-01T23:00"], "hour", 24, 1, "2024-01-02T00:00:00"),
            (&["2024-01-01T00:15", "2024-01-01T00:30"], "15 minutes", 96, 1, "2024-01-01T00:45:00"),
        ] {
            let found = clock(cells);
            assert_eq!((found.words().as_str(), found.season()), (words, season), "{cells:?}");
            assert_eq!(after(cells, steps), next, "{cells:?}");
            found.check().unwrap();
        }
        let weekdays = ["2024-01-03", "2024-01-04", "2024-01-05", "2024-01-08", "2024-01-09", "2024-01-10"];
        assert_eq!(after(&weekdays, 3), "2024-01-15");
    }

    #[test]
    fn numbers_count_time_too() {
        let clock = Clock::detect(&[vec![0.1, 0.2, 0.30000000000000004, 0.5]], None).unwrap();
        assert_eq!(clock.step, TimeStep::Units(0.1));
        assert_eq!([0.1, 0.2, 0.5].map(|time| clock.index(time)), [0, 1, 4]);
        assert_eq!(clock.text(5), "0.6");
        assert!(Clock::detect(&[vec![1.0], vec![1.0]], None).is_none());
    }

    #[test]
    fn every_step_is_found_again() {
        for cells in
            [["2024-01-01", "2024-01-02"], ["2024-01-31", "2024-03-31"], ["1969-12-31T23:59", "1970-01-01T00:00"]]
        {
            let clock = clock(&cells);
            for index in -30..30 {
                assert_eq!(clock.index(clock.time(index)), index, "{cells:?}");
            }
        }
    }
}
