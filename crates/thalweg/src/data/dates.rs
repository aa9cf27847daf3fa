//! Parsing dates and times.
//!
//! A column's format is a strptime format, one of the names below, or several of them separated by ` | `: each cell is
//! read by the first that matches. A time of day alone is on 1970-01-01.

use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::fmt::{rfc2822, strtime};
use jiff::tz::TimeZone;

/// ISO 8601 in all its forms.
pub(crate) const ISO: &str = "iso8601";
/// Such as `Wed, 18 Apr 2018 10:00:00 GMT`.
pub(crate) const RFC2822: &str = "rfc2822";
/// Seconds since 1970-01-01 00:00 UTC.
pub(crate) const UNIX: &str = "unix";
/// Milliseconds since then.
pub(crate) const UNIX_MS: &str = "unix_ms";
/// Compact dates such as 20240131.
pub(crate) const COMPACT: &str = "%Y%m%d";
/// The separator between the formats of one column.
pub(crate) const BETWEEN: &str = " | ";

/// Date formats, in order of preference: if two match all cells, the first is used.
const DATES: [&str; 24] = [
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%d.%m.%Y",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%m-%d-%Y",
    "%d-%m-%Y",
    "%d.%m.%y",
    "%m/%d/%y",
    "%d/%m/%y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%d %b %Y",
    "%d %B %Y",
    "%d/%b/%Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%b %d %Y",
    "%B %d %Y",
    "%a %b %d %Y",
    "%a, %d %b %Y",
    "%A, %B %d, %Y",
    "%A, %d %B %Y",
    "%Y-%b-%d",
];
/// Times of day.
const TIMES: [&str; 5] = ["%H:%M:%S%.f", "%H:%M", "%I:%M:%S %p", "%I:%M %p", "%I %p"];
/// Separators between a date and a time.
const JOINTS: [&str; 3] = [" ", ", ", "T"];
/// The maximum number of formats in one column.
const MOST_MIXED: usize = 4;
/// Cells on which a format is tried before it is tried on all.
const GLANCE: usize = 32;

/// All formats that detection tries.
static FORMATS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let with_time = |date: &str| {
        let date = date.to_string();
        JOINTS.into_iter().flat_map(move |joint| {
            let date = date.clone();
            TIMES.into_iter().map(move |time| format!("{date}{joint}{time}"))
        })
    };
    let mut formats = vec![ISO.to_string(), RFC2822.to_string()];
    // ISO dates with 12-hour clocks, or with the name of a time zone.
    formats.extend(TIMES[2..].iter().map(|time| format!("%Y-%m-%d {time}")));
    formats.extend(
        ["%Y-%m-%d %H:%M:%S%.f UTC", "%a %b %d %H:%M:%S %Y", "%a %b %d %Y %H:%M:%S GMT%z", "%Y-%m"].map(String::from),
    );
    formats.extend(DATES.into_iter().flat_map(|date| std::iter::once(date.to_string()).chain(with_time(date))));
    formats.extend(["%d/%b/%Y:%H:%M:%S %z", "%b %Y", "%B %Y"].map(String::from));
    formats.extend(TIMES.map(String::from));
    formats
});

/// The detected format of a date column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DetectedFormat {
    /// The format.
    pub(crate) format: String,
    /// The number of cells that it reads.
    pub(crate) read: usize,
    /// Whether day and month could be swapped in every cell.
    pub(crate) ambiguous: bool,
}

/// Whether this is a valid format of a column.
pub(crate) fn is_known(format: &str) -> bool {
    let is_one = |one: &str| [UNIX, UNIX_MS, COMPACT].contains(&one) || FORMATS.iter().any(|known| known == one);
    format.split(BETWEEN).count() <= MOST_MIXED && format.split(BETWEEN).all(is_one)
}

/// Reads a cell in a column's format; a time with an offset is converted to UTC.
pub(crate) fn read(cell: &str, format: &str) -> Option<DateTime> {
    format.split(BETWEEN).find_map(|format| read_one(cell, format))
}

fn read_one(cell: &str, format: &str) -> Option<DateTime> {
    match format {
        UNIX => unix(cell, 1000.0),
        UNIX_MS => unix(cell, 1.0),
        // Exactly eight digits: fewer or more are ambiguous.
        COMPACT => (cell.len() == 8).then(|| strtime::parse(format, cell).ok()?.to_date().ok())?.map(at_midnight),
        // No other date is written without digits, or with digits only.
        _ if cell.len() < 4 || cell.len() > 64 || !has_digits(cell) || cell.bytes().all(|b| b.is_ascii_digit()) => None,
        ISO => iso(cell),
        RFC2822 => {
            let parser = rfc2822::DateTimeParser::new().relaxed_weekday(true);
            Some(parser.parse_timestamp(cell).ok()?.to_zoned(TimeZone::UTC).datetime())
        }
        _ => {
            let time = strtime::parse(format, cell).ok()?;
            if time.offset().is_some() {
                return Some(time.to_timestamp().ok()?.to_zoned(TimeZone::UTC).datetime());
            }
            let alone = || time.to_time().ok().map(|time| Date::constant(1970, 1, 1).to_datetime(time));
            let month = || Date::new(time.year()?, time.month()?, 1).ok();
            let date = time.to_date().ok().or_else(|| month().filter(|_| time.day().is_none()));
            date.map_or_else(alone, |date| Some(date.to_datetime(time.to_time().unwrap_or(Time::midnight()))))
        }
    }
}

/// Writes a time in a column's format, the first of several; in ISO 8601 where that is not possible, such as with the
/// offset of a zone.
pub(crate) fn write(time: DateTime, format: &str, clock: bool) -> String {
    let iso = || if clock { time.strftime("%Y-%m-%dT%H:%M:%S").to_string() } else { time.date().to_string() };
    match format.split(BETWEEN).next().unwrap_or(ISO) {
        ISO | RFC2822 => iso(),
        UNIX => format!("{}", seconds(time)),
        UNIX_MS => format!("{}", seconds(time) * 1e3),
        format => strtime::format(format, time).unwrap_or_else(|_| iso()),
    }
}

/// Whether a cell is an instant: a time with an offset.
pub(crate) fn has_offset(cell: &str) -> bool {
    cell.trim().parse::<Timestamp>().is_ok()
}

fn has_digits(cell: &str) -> bool {
    cell.bytes().any(|b| b.is_ascii_digit())
}

fn at_midnight(date: Date) -> DateTime {
    date.at(0, 0, 0, 0)
}

fn iso(cell: &str) -> Option<DateTime> {
    // Times alone are left to the other formats.
    if cell.len() < 8 || cell.as_bytes()[2] == b':' {
        return None;
    }
    // With an offset or Z: the instant, in UTC so that rows of different zones are comparable.
    if let Ok(instant) = cell.parse::<Timestamp>() {
        return Some(instant.to_zoned(TimeZone::UTC).datetime());
    }
    cell.parse::<DateTime>().ok().or_else(|| cell.parse::<Date>().ok().map(at_midnight))
}

/// Units of this many milliseconds since 1970-01-01 00:00 UTC.
fn unix(cell: &str, milliseconds: f64) -> Option<DateTime> {
    let units: f64 = fast_float2::parse(cell).ok()?;
    let instant =
        Timestamp::from_millisecond((units.is_finite().then_some(units * milliseconds)?).round() as i64).ok()?;
    Some(instant.to_zoned(TimeZone::UTC).datetime())
}

/// Whether a cell is a date of all zeros, which databases write for a missing one: `0000-00-00`.
pub(crate) fn is_zero(cell: &str) -> bool {
    cell.len() >= 8
        && cell.bytes().filter(|&b| b == b'0').count() >= 8
        && cell.bytes().all(|b| b == b'0' || b"-/.: T".contains(&b))
        && cell.contains(['-', '/', '.'])
}

/// The format, or the few formats, that read the most of some cells, each given with its count; none if that is less
/// than half of them.
///
/// A format that reads every cell is preferred to several that do, and those to one that reads the most.
pub(crate) fn detect(cells: &[(&str, usize)]) -> Option<DetectedFormat> {
    let total: usize = cells.iter().map(|(_, times)| times).sum();
    let glance = &cells[..cells.len().min(GLANCE)];
    // Single formats that match some of the first cells.
    let likely: Vec<&String> =
        FORMATS.iter().filter(|format| glance.iter().any(|(cell, _)| read_one(cell, format).is_some())).collect();
    if likely.is_empty() {
        return None;
    }
    let count = |format: &str, cells: &[(&str, usize)]| {
        cells.iter().filter(|(cell, _)| read_one(cell, format).is_some()).map(|(_, times)| times).sum::<usize>()
    };
    // The first of the best.
    let best = |formats: &[&String], cells: &[(&str, usize)]| {
        let counted = formats.iter().rev().map(|format| (count(format, cells), format.to_string()));
        counted.max_by_key(|(read, _)| *read).filter(|(read, _)| *read > 0)
    };
    let (read, first) = best(&likely, cells)?;
    let found = |formats: &[String], read| DetectedFormat {
        format: formats.join(BETWEEN),
        read,
        ambiguous: formats.iter().any(|format| is_ambiguous(format, cells)),
    };
    if read == total {
        return Some(found(&[first], read));
    }
    let (mut mixed, mut sum) = (vec![first.clone()], read);
    let mut left = cells.to_vec();
    while sum < total && mixed.len() < MOST_MIXED {
        let last = mixed.last().cloned().unwrap_or_default();
        left.retain(|(cell, _)| read_one(cell, &last).is_none());
        // Day and month must have the same order in all cells.
        let others: Vec<&String> =
            FORMATS.iter().filter(|format| !mixed.iter().any(|one| swapped(one).as_ref() == Some(*format))).collect();
        let Some((more, next)) = best(&others, &left) else { break };
        (sum, mixed) = (sum + more, [mixed, vec![next]].concat());
    }
    // The cells that several formats add must be worth their ambiguity.
    let found = if sum == total || (mixed.len() > 1 && (sum - read) * 20 > total) {
        found(&mixed, sum)
    } else {
        found(&[first], read)
    };
    (found.read * 2 > total).then_some(found)
}

/// The format with day and month swapped, where they are adjacent numbers.
fn swapped(format: &str) -> Option<String> {
    for sign in ['/', '-', '.'] {
        let (month_first, day_first) = (format!("%m{sign}%d{sign}"), format!("%d{sign}%m{sign}"));
        if let Some(rest) = format.strip_prefix(&month_first) {
            return Some(day_first + rest);
        }
        if let Some(rest) = format.strip_prefix(&day_first) {
            return Some(month_first + rest);
        }
    }
    None
}

/// Whether day and month could be swapped in every cell that a format reads.
fn is_ambiguous(format: &str, cells: &[(&str, usize)]) -> bool {
    // Dates with full stops are German ones, day first.
    let Some(swapped) = swapped(format).filter(|_| !format.contains("%d.%m")) else { return false };
    cells
        .iter()
        .filter(|(cell, _)| read_one(cell, format).is_some())
        .all(|(cell, _)| read_one(cell, &swapped).is_some())
}

/// The format of a column of integers, by its name and values, if all are instants or compact dates from 1990 to 2100:
/// seconds or milliseconds since 1970, or days such as 20240131.
pub(crate) fn of_numbers(
    name: &str,
    low: f64,
    high: f64,
    mut cells: impl Iterator<Item = f64>,
) -> Option<&'static str> {
    if !is_named_like_a_date(name) {
        return None;
    }
    for (format, unit) in [(UNIX, 1.0), (UNIX_MS, 1e3)] {
        if 631_152_000.0 * unit <= low && high <= 4_102_444_800.0 * unit {
            return Some(format);
        }
    }
    let is_day = |x: f64| read_one(&format!("{x}"), COMPACT).is_some();
    (19_000_101.0 <= low && high <= 21_001_231.0 && cells.all(is_day)).then_some(COMPACT)
}

/// Seconds or milliseconds, for numbers that the user says are dates.
pub(crate) fn unix_unit(high: f64) -> &'static str {
    if high.abs() > 1e11 { UNIX_MS } else { UNIX }
}

fn is_named_like_a_date(name: &str) -> bool {
    const WORDS: [&str; 14] = [
        "time",
        "timestamp",
        "date",
        "datetime",
        "epoch",
        "unix",
        "ts",
        "created",
        "updated",
        "modified",
        "at",
        "day",
        "when",
        "since",
    ];
    let mut separated = String::new();
    for c in name.chars() {
        if c.is_uppercase() {
            separated.push(' ');
        }
        separated.extend(c.to_lowercase());
    }
    let ends = ["timestamp", "date", "datetime"];
    separated
        .split(|c: char| !c.is_alphanumeric())
        .any(|word| WORDS.contains(&word) || ends.iter().any(|end| word.ends_with(end)))
}

/// Seconds since 1970-01-01 00:00 in civil time, without a zone.
pub(crate) fn seconds(time: DateTime) -> f64 {
    let days = time.date().duration_since(Date::constant(1970, 1, 1)).as_secs() as f64;
    days + f64::from(time.hour()) * 3600.0 + f64::from(time.minute()) * 60.0 + f64::from(time.second())
}

/// The year as a decimal number: 2024.5 is the middle of 2024.
pub(crate) fn year(time: DateTime) -> f64 {
    let days = f64::from(time.date().days_in_year());
    f64::from(time.year()) + (f64::from(time.date().day_of_year()) - 1.0 + day_share(time)) / days
}

/// The day of the week, from 0 for Monday.
pub(crate) fn weekday(time: DateTime) -> usize {
    time.weekday().to_monday_zero_offset() as usize
}

/// The fraction of the day that has passed.
pub(crate) fn day_share(time: DateTime) -> f64 {
    (f64::from(time.hour()) * 3600.0 + f64::from(time.minute()) * 60.0 + f64::from(time.second())) / 86_400.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detected(cells: &[&str]) -> Option<(String, usize)> {
        let cells: Vec<(&str, usize)> = cells.iter().map(|cell| (*cell, 1)).collect();
        detect(&cells).map(|found| (found.format, found.read))
    }

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
            (["05/31/2022 02:10 PM", "6/1/2022 12:05 AM"], "%m/%d/%Y %I:%M %p"),
            (["5/31/2022, 2:10:09 PM", "6/1/2022, 12:05:00 AM"], "%m/%d/%Y, %I:%M:%S %p"),
            (["December 03, 2021", "May 4, 2022"], "%B %d, %Y"),
            (["Wed, 18 Apr 2018 10:00:00 GMT", "Thu, 19 Apr 2018 10:00:00 +0200"], RFC2822),
            (["Wed Apr 18 10:00:00 2018", "Thu Apr 19 11:00:00 2018"], "%a %b %d %H:%M:%S %Y"),
            (["2022-05-31 02:10 PM", "2022-06-01 12:05 AM"], "%Y-%m-%d %I:%M %p"),
            (["14:30", "00:05"], "%H:%M"),
            (["2:10 PM", "12:05 AM"], "%I:%M %p"),
            (["2021-03", "2021-12"], "%Y-%m"),
            (["2022-05-31", "05/31/2022"], "iso8601 | %m/%d/%Y"),
        ] {
            assert_eq!(detected(&cells), Some((format.to_string(), 2)), "{cells:?}");
        }
        assert_eq!(detected(&["20200101", "20200102"]), None);
        assert_eq!(detected(&["red", "blue"]), None);
        assert_eq!(detected(&["2020-01-01", "2020-01-02", "soon"]), Some((ISO.into(), 2)));
        assert_eq!(detected(&["2015-02-28", "2015-02-30", "2015-03-01"]), Some((ISO.into(), 2)));
    }

    #[test]
    fn cells_say_what_they_mean() {
        for (cell, format, expected) in [
            ("05/31/2022 02:10 PM", "%m/%d/%Y %I:%M %p", "2022-05-31T14:10:00"),
            ("Thu, 19 Apr 2018 10:00:00 +0200", RFC2822, "2018-04-19T08:00:00"),
            ("1690000000", UNIX, "2023-07-22T04:26:40"),
            ("1690000000123", UNIX_MS, "2023-07-22T04:26:40.123"),
            ("20240131", "%Y%m%d", "2024-01-31T00:00:00"),
            ("14:30", "%H:%M", "1970-01-01T14:30:00"),
            ("2021-03", "%Y-%m", "2021-03-01T00:00:00"),
            ("10/Oct/2000:13:55:36 -0700", "%d/%b/%Y:%H:%M:%S %z", "2000-10-10T20:55:36"),
            ("31.12.99", "%d.%m.%y", "1999-12-31T00:00:00"),
            ("12/24/2020", "iso8601 | %m/%d/%Y", "2020-12-24T00:00:00"),
            ("0001-01-01", ISO, "0001-01-01T00:00:00"),
            ("9999-12-31", ISO, "9999-12-31T00:00:00"),
        ] {
            assert_eq!(read(cell, format), Some(expected.parse().unwrap()), "{cell}");
        }
        assert_eq!(read("2015-02-30", ISO), None);
    }

    #[test]
    fn times_are_written_so_that_they_are_read_back() {
        for (cell, format) in [
            ("31.12.2020", "%d.%m.%Y"),
            ("05/31/2022 02:10 PM", "%m/%d/%Y %I:%M %p"),
            ("Mar 05, 2020", "%b %d, %Y"),
            ("2021-03", "%Y-%m"),
            ("1690000000", UNIX),
            ("20240131", COMPACT),
            ("2024-05-06", ISO),
        ] {
            assert_eq!(write(read(cell, format).unwrap(), format, false), cell);
        }
        let zoned = read("2024-05-06T12:00:00+02:00", ISO).unwrap();
        assert_eq!(write(zoned, ISO, true), "2024-05-06T10:00:00");
        // A format with an offset cannot be written without one.
        assert_eq!(write(zoned, "%d/%b/%Y:%H:%M:%S %z", true), "2024-05-06T10:00:00");
    }

    #[test]
    fn says_when_day_and_month_could_be_swapped() {
        let ambiguous =
            |cells: &[&str]| detect(&cells.iter().map(|cell| (*cell, 1)).collect::<Vec<_>>()).unwrap().ambiguous;
        assert!(ambiguous(&["01/02/2021", "03/04/2021"]));
        assert!(!ambiguous(&["01/02/2021", "03/24/2021"]));
        assert!(!ambiguous(&["01.02.2021", "03.04.2021"]));
    }

    #[test]
    fn instants_compare_across_zones_and_all_years() {
        let utc = read("2024-05-06T10:00:00Z", ISO).unwrap();
        assert_eq!(read("2024-05-06T12:00:00+02:00", ISO), Some(utc));
        assert_eq!(seconds(read("1970-01-02", ISO).unwrap()), 86_400.0);
        // Python: (datetime(9999, 12, 31) - datetime(1970, 1, 1)).total_seconds(), and of year 1.
        assert_eq!(seconds(read("9999-12-31", ISO).unwrap()), 253_402_214_400.0);
        assert_eq!(seconds(read("0001-01-01", ISO).unwrap()), -62_135_596_800.0);
    }

    #[test]
    fn numbers_are_instants_only_under_such_a_name() {
        let of = |name: &str, x: f64| of_numbers(name, x, x, std::iter::once(x));
        assert_eq!(of("created_at", 1.69e9), Some(UNIX));
        assert_eq!(of("eventTime", 1.69e12), Some(UNIX_MS));
        assert_eq!(of("saledate", 20_240_131.0), Some("%Y%m%d"));
        assert_eq!(of("saledate", 20_240_231.0), None);
        assert_eq!(of("population", 1.69e9), None);
        assert_eq!(of("time", 12.0), None);
    }

    #[test]
    fn dates_of_zeros_are_missing_ones() {
        assert!(is_zero("0000-00-00") && is_zero("0000-00-00 00:00:00") && is_zero("00/00/0000"));
        assert!(!is_zero("00000000") && !is_zero("00:00:00") && !is_zero("0.00000000001"));
    }
}
