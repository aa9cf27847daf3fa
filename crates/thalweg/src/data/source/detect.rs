//! Detection for text files: encoding, delimiter, header, decimal comma.

use std::collections::BTreeMap;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use crate::error::{Error, Result};

/// The delimiters that are tried.
const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];

/// The encoding that the options name.
///
/// # Errors
/// If it is unknown; `fix` names some.
pub(super) fn named(label: &str, fix: &str) -> Result<&'static Encoding> {
    Encoding::for_label(label.as_bytes())
        .ok_or_else(|| Error::config(format!("unknown encoding {label:?}")).at("--encoding").fix(fix))
}

/// The encoding of a file that begins with these bytes, and whether it is a guess.
pub(super) fn encoding(start: &[u8], whole: bool) -> (&'static Encoding, bool) {
    if let Some((encoding, _)) = Encoding::for_bom(start) {
        return (encoding, false);
    }
    let zeros = |offset: usize| start.iter().skip(offset).step_by(2).take(512).filter(|&&byte| byte == 0).count();
    let pairs = (start.len() / 2).min(512);
    if pairs >= 2 && zeros(1) * 2 > pairs && zeros(0) == 0 {
        return (UTF_16LE, false);
    }
    if pairs >= 2 && zeros(0) * 2 > pairs && zeros(1) == 0 {
        return (UTF_16BE, false);
    }
    match std::str::from_utf8(start) {
        Ok(_) => (UTF_8, false),
        // Only the last character may be truncated.
        Err(error) if error.error_len().is_none() && !whole => (UTF_8, false),
        // A file that is UTF-8 for long and then is not is damaged rather than Latin-1.
        Err(error) if start[..error.valid_up_to()].iter().any(|byte| !byte.is_ascii()) => (UTF_8, false),
        Err(_) => {
            let mut detector = chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Deny);
            detector.feed(start, whole);
            let guess = detector.guess(None, chardetng::Utf8Detection::Deny);
            (if guess.is_single_byte() { guess } else { WINDOWS_1252 }, true)
        }
    }
}

/// The first records of a text, split at a delimiter.
pub(super) fn records(text: &str, delimiter: char, most: usize) -> Vec<Vec<String>> {
    let mut reader = super::records::builder(delimiter).from_reader(text.as_bytes());
    let cells = |record: csv::StringRecord| record.iter().map(|cell| cell.trim().to_string()).collect();
    reader.records().map_while(Result::ok).take(most).map(cells).collect()
}

/// The most common number of fields per record; of equally common ones, that of the first record.
pub(super) fn width(records: &[Vec<String>]) -> usize {
    let mut counts = BTreeMap::<usize, usize>::new();
    records.iter().for_each(|record| *counts.entry(record.len()).or_default() += 1);
    let first = records.first().map_or(0, Vec::len);
    counts.into_iter().max_by_key(|(fields, count)| (*count, *fields == first)).map_or(0, |(fields, _)| fields)
}

/// The delimiter with which most lines have the same number of fields, and the most of them.
pub(super) fn delimiter(text: &str) -> char {
    let score = |delimiter: char| {
        let records = records(text, delimiter, 100);
        let width = width(&records);
        let alike = records.iter().filter(|record| record.len() == width).count();
        // All candidates see the same lines; an additional field counts less than a line that fits.
        (width > 1).then(|| (alike * 1000 / records.len(), width))
    };
    let scored = DELIMITERS.into_iter().filter_map(|delimiter| Some((score(delimiter)?, delimiter)));
    scored.rev().max_by_key(|(score, _)| *score).map_or(',', |(_, delimiter)| delimiter)
}

/// Whether the first record is a header: none of its cells is a number, and a column below it holds numbers, or else
/// none of its cells recurs in its column.
pub(super) fn header(records: &[Vec<String>]) -> bool {
    let Some((first, rest)) = records.split_first() else { return false };
    let again = |(i, name): (usize, &String)| column(rest, i).any(|cell| cell == name);
    !first.iter().any(|cell| is_number(cell)) && (heads_numbers(records) || !first.iter().enumerate().any(again))
}

/// Whether the first record is certainly a header: none of its cells is a number, and a column below it holds numbers.
pub(super) fn heads_numbers(records: &[Vec<String>]) -> bool {
    let Some((first, rest)) = records.split_first() else { return false };
    let numeric = |i: usize| {
        let (cells, numbers) =
            column(rest, i).fold((0, 0), |(cells, numbers), cell| (cells + 1, numbers + usize::from(is_number(cell))));
        numbers * 2 > cells
    };
    !first.iter().any(|cell| is_number(cell)) && (0..first.len()).any(numeric)
}

/// The non-empty cells of a column.
fn column(rows: &[Vec<String>], i: usize) -> impl Iterator<Item = &String> {
    rows.iter().filter_map(move |row| row.get(i)).filter(|cell| !cell.is_empty())
}

fn is_number(cell: &str) -> bool {
    let plain = cell.replace(',', ".");
    plain.parse::<f64>().is_ok() && !plain.eq_ignore_ascii_case("nan")
}

/// Whether numbers are written with a decimal comma: more cells look like 1,5 than like 1.5.
pub(super) fn decimal_comma(records: &[Vec<String>], delimiter: char) -> bool {
    let looks = |cell: &str, point: char| {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let cell = cell.strip_prefix(['-', '+']).unwrap_or(cell);
        cell.split_once(point).is_some_and(|(whole, part)| digits(whole) && digits(part))
    };
    let count = |point| records.iter().flatten().filter(|cell| looks(cell, point)).count();
    delimiter != ',' && count(',') > count('.')
}
