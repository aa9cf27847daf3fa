//! Sentinel values for missing cells: −999, 9999-12-31, 1900-01-01.
//!
//! A sentinel occurs more than once and is farther from all other values than their range.

use jiff::civil::DateTime;

use super::column_stats::FEW;
use crate::data::dates;

/// With fewer other cells than this, nothing counts as far.
const ENOUGH: usize = FEW;

/// The numeric sentinels among distinct values with their counts.
pub(super) fn of_numbers(values: Vec<(f64, usize)>) -> Vec<(String, usize)> {
    far(values, is_like_a_sentinel).into_iter().map(|(value, times)| (value.to_string(), times)).collect()
}

/// The same for dates as texts.
pub(super) fn of_dates(texts: &[(&str, usize)], format: &str) -> Vec<(String, usize)> {
    let mut times: Vec<(DateTime, &str, usize)> =
        texts.iter().filter_map(|&(text, count)| Some((dates::read(text, format)?, text, count))).collect();
    times.sort_by_key(|(time, ..)| *time);
    let values: Vec<(f64, usize)> = times.iter().map(|(time, _, count)| (dates::seconds(*time), *count)).collect();
    let is_round = |seconds: f64| {
        times.iter().any(|(time, ..)| {
            dates::seconds(*time) == seconds && matches!((time.month(), time.day()), (1, 1) | (12, 30 | 31))
        })
    };
    let found = far(values, is_round);
    let text_of =
        |seconds: f64| times.iter().find(|(time, ..)| dates::seconds(*time) == seconds).map(|(_, text, _)| *text);
    found.into_iter().filter_map(|(seconds, count)| Some((text_of(seconds)?.to_string(), count))).collect()
}

/// All nines, or the limits of common numeric types.
fn is_like_a_sentinel(value: f64) -> bool {
    let size = value.abs();
    let nines =
        (99.0..1e15).contains(&size) && size.fract() == 0.0 && format!("{size}").bytes().all(|digit| digit == b'9');
    nines
        || [32_767.0, 32_768.0, 65_535.0, 2_147_483_647.0, 2_147_483_648.0, 4_294_967_295.0].contains(&size)
        || size >= 1e30
}

/// The values that look like a sentinel, recur, and are far outside the others.
fn far(values: Vec<(f64, usize)>, is_like: impl Fn(f64) -> bool) -> Vec<(f64, usize)> {
    let may = |(value, times): &(f64, usize)| *times > 1 && value.is_finite() && is_like(*value);
    let (candidates, others): (Vec<_>, Vec<_>) = values.into_iter().partition(may);
    let others = others.into_iter().filter(|(value, _)| value.is_finite());
    let (mut low, mut high, mut count) = (f64::INFINITY, f64::NEG_INFINITY, 0);
    for (value, times) in others {
        (low, high, count) = (low.min(value), high.max(value), count + times);
    }
    if count < ENOUGH || low == high || candidates.iter().map(|(_, times)| times).sum::<usize>() > count {
        return Vec::new();
    }
    let range = high - low;
    let mut far: Vec<(f64, usize)> =
        candidates.into_iter().filter(|(value, _)| low - value > range || value - high > range).collect();
    far.sort_by(|a, b| a.0.total_cmp(&b.0));
    far
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(sentinels: &[(f64, usize)]) -> Vec<(String, usize)> {
        of_numbers((0..40).map(|i| (f64::from(i), 1)).chain(sentinels.iter().copied()).collect())
    }

    #[test]
    fn only_what_recurs_far_outside_and_looks_so_stands_for_missing() {
        assert_eq!(numbers(&[(-999.0, 3), (9999.0, 2)]), [("-999".into(), 3), ("9999".into(), 2)]);
        assert_eq!(numbers(&[(-999.0, 1)]), []);
        assert_eq!(numbers(&[(-1000.0, 3)]), []);
        // 99 is 60 beyond 39, which is more than the range of these; 50 is not like a sentinel.
        assert_eq!(numbers(&[(99.0, 2)]), [("99".into(), 2)]);
        assert_eq!(numbers(&[(-999.0, 41)]), []);
        assert_eq!(of_numbers((0..80).map(|i| (f64::from(i), 1)).chain([(99.0, 4)]).collect()), []);
        assert_eq!(numbers(&[(2_147_483_647.0, 2)]), [("2147483647".into(), 2)]);
    }

    #[test]
    fn dates_far_outside_stand_for_missing() {
        let days: Vec<String> = (1..29).map(|day| format!("2020-02-{day:02}")).collect();
        let with = |extra: &[(&'static str, usize)]| {
            let cells: Vec<(&str, usize)> =
                days.iter().map(|day| (day.as_str(), 1)).chain(extra.iter().copied()).collect();
            of_dates(&cells, dates::ISO)
        };
        assert_eq!(with(&[("9999-12-31", 3), ("1900-01-01", 2)]), [("1900-01-01".into(), 2), ("9999-12-31".into(), 3)]);
        assert_eq!(with(&[("9999-12-31", 1)]), []);
        assert_eq!(with(&[("2031-05-17", 3)]), []);
    }
}
