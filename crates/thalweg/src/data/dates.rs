//! Dates and times as text.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

/// ISO 8601 in all its forms; other formats are strptime's.
pub(crate) const ISO: &str = "iso8601";

/// The formats looked for, in order of preference: where all cells fit two, the first is taken.
const FORMATS: [&str; 16] = [
    ISO,
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y",
    "%d/%m/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%d/%m/%Y",
    "%d-%b-%Y",
    "%d %b %Y",
    "%b %d, %Y",
];

/// Whether cells can be read in a format.
pub(crate) fn is_known(format: &str) -> bool {
    FORMATS.contains(&format)
}

/// Reads a cell in one format; a time with an offset is given on UTC's clock.
pub(crate) fn read(cell: &str, format: &str) -> Option<DateTime> {
    // No date is written without digits, and a plain number is none.
    if cell.len() < 6 || !cell.bytes().any(|b| b.is_ascii_digit()) || cell.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    if format != ISO {
        let time = strtime::parse(format, cell).ok()?;
        return time.to_datetime().ok().or_else(|| time.to_date().ok().map(|date| date.at(0, 0, 0, 0)));
    }
    // With an offset or Z: the instant, read on UTC's clock so that rows of different zones compare.
    if let Ok(instant) = cell.parse::<Timestamp>() {
        return Some(instant.to_zoned(TimeZone::UTC).datetime());
    }
    let date = || cell.parse::<Date>().ok().map(|date| date.at(0, 0, 0, 0));
    cell.parse::<DateTime>().ok().or_else(date)
}

/// The first format that reads every cell, if there is one and there are cells.
pub(crate) fn detect<'a>(cells: impl Iterator<Item = &'a str> + Clone) -> Option<&'static str> {
    cells.clone().next()?;
    FORMATS.into_iter().find(|format| cells.clone().all(|cell| read(cell, format).is_some()))
}

/// Whether day and month could be swapped: the cells fit both the month-first and the day-first format.
pub(crate) fn is_ambiguous<'a>(format: &str, mut cells: impl Iterator<Item = &'a str>) -> bool {
    let Some(rest) = format.strip_prefix("%m/%d/") else { return false };
    let swapped = format!("%d/%m/{rest}");
    cells.all(|cell| read(cell, &swapped).is_some())
}

/// Seconds since 1970-01-01 00:00 on the clock.
pub(crate) fn seconds(time: DateTime) -> f64 {
    time.to_zoned(TimeZone::UTC).map_or(0.0, |zoned| zoned.timestamp().as_second() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_format_that_reads_every_cell() {
        for (cells, format) in [
            (["1981-01-01", "1999-12-31"], ISO),
            (["2024-05-06 07:08:09", "2024-05-06T10:00:00Z"], ISO),
            (["31.12.2020", "1.2.2021"], "%d.%m.%Y"),
            (["12/31/2020", "01/02/2021"], "%m/%d/%Y"),
            (["31/12/2020", "01/02/2021"], "%d/%m/%Y"),
            (["05-Mar-2020", "06-Apr-2021"], "%d-%b-%Y"),
            (["Mar 5, 2020", "Apr 6, 2021"], "%b %d, %Y"),
        ] {
            assert_eq!(detect(cells.into_iter()), Some(format), "{cells:?}");
        }
        assert_eq!(detect(["20200101", "20200102"].into_iter()), None);
        assert_eq!(detect(["2020-01-01", "soon"].into_iter()), None);
    }

    #[test]
    fn says_when_day_and_month_could_be_swapped() {
        assert!(is_ambiguous("%m/%d/%Y", ["01/02/2021", "03/04/2021"].into_iter()));
        assert!(!is_ambiguous("%m/%d/%Y", ["01/02/2021", "03/24/2021"].into_iter()));
    }

    #[test]
    fn instants_compare_across_zones() {
        let utc = read("2024-05-06T10:00:00Z", ISO).unwrap();
        assert_eq!(read("2024-05-06T12:00:00+02:00", ISO), Some(utc));
        assert_eq!(seconds(read("1970-01-02", ISO).unwrap()), 86_400.0);
    }
}
