//! Numbers as people and spreadsheets write them: digit grouping, decimal commas, currency and percent signs.
//!
//! `$5,983`, `1 234,5 €`, `12.5 %`, `19M` and `(1,200)`. One format is detected for an entire column, so that a cell
//! such as `1,234` is read consistently with the others.

use serde::{Deserialize, Serialize};

/// Currency signs and codes.
const MONEY: [&str; 24] = [
    "US$", "$", "€", "£", "¥", "₹", "₽", "₩", "₺", "₫", "₴", "R$", "kr", "zł", "Kč", "Fr.", "CHF", "EUR", "USD", "GBP",
    "JPY", "CNY", "INR", "SEK",
];

/// Suffixes for thousands and more.
const MAGNITUDES: [(&str, f64); 5] = [("k", 1e3), ("K", 1e3), ("M", 1e6), ("bn", 1e9), ("B", 1e9)];

/// The decimal separator and the group separator, in the order in which they are tried.
const CANDIDATES: [(char, Option<char>); 7] = [
    ('.', Some(',')),
    ('.', None),
    (',', Some('.')),
    (',', None),
    (',', Some(' ')),
    ('.', Some(' ')),
    ('.', Some('\'')),
];

/// The number format of a column whose numbers are not written plainly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumberFormat {
    /// The decimal separator.
    pub decimal: char,
    /// The separator of groups of three digits, if any; a blank stands for any kind of blank.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<char>,
}

/// A number and the signs around it.
struct Signed<'a> {
    value: f64,
    money: Option<&'a str>,
    percent: bool,
}

impl NumberFormat {
    /// The number in a cell: 12.5 for `12.5 %`, 19,000,000 for `19M`, −1,200 for `(1,200)`.
    pub fn read(&self, cell: &str) -> Option<f64> {
        self.signed(cell).map(|signed| signed.value)
    }

    /// The format that reads the most of some cells, each given with its count, and how many of them it reads; no
    /// format reads cells of two currencies, or percentages among other numbers.
    pub(crate) fn detect<'a>(cells: impl Iterator<Item = (&'a str, usize)> + Clone) -> Option<(Self, usize)> {
        let readable = |(decimal, group)| {
            let format = NumberFormat { decimal, group };
            let (mut read, mut money, mut several, mut percents, mut others) = (0, None, false, false, false);
            for (cell, times) in cells.clone() {
                let Some(signed) = format.signed(cell) else { continue };
                read += times;
                several |= signed.money.is_some() && *money.get_or_insert(signed.money) != signed.money;
                percents |= signed.percent;
                others |= !signed.percent && signed.value != 0.0;
            }
            let alike = !(several || percents && others);
            (format, read, alike)
        };
        // The first of equally good ones.
        let best = CANDIDATES.into_iter().map(readable).rev().max_by_key(|(_, read, _)| *read);
        best.filter(|(_, read, alike)| *read > 0 && *alike).map(|(format, read, _)| (format, read))
    }

    fn signed<'a>(&self, cell: &'a str) -> Option<Signed<'a>> {
        let mut rest = cell.trim_matches(is_blank);
        let mut negative = false;
        if let Some(inner) = rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
            (rest, negative) = (inner, true);
        }
        let (mut money, mut percent, mut magnitude) = (None, false, 1.0);
        let minus = |rest: &mut &'a str, negative: &mut bool| {
            if let Some(after) = rest.strip_prefix(['-', '\u{2212}']) {
                (*rest, *negative) = (after.trim_start_matches(is_blank), true);
            } else {
                *rest = rest.strip_prefix('+').unwrap_or(rest);
            }
        };
        minus(&mut rest, &mut negative);
        if let Some(sign) = MONEY.into_iter().find(|sign| rest.starts_with(sign)) {
            money = Some(&rest[..sign.len()]);
            rest = rest[sign.len()..].trim_start_matches(is_blank);
            minus(&mut rest, &mut negative);
        }
        if money.is_none()
            && let Some(sign) = MONEY.into_iter().find(|sign| rest.ends_with(sign))
        {
            let at = rest.len() - sign.len();
            money = Some(&rest[at..]);
            rest = rest[..at].trim_end_matches(is_blank);
        }
        if let Some(before) = rest.strip_suffix('%').filter(|_| money.is_none()) {
            (rest, percent) = (before.trim_end_matches(is_blank), true);
        } else if let Some((before, factor)) =
            MAGNITUDES.into_iter().find_map(|(sign, factor)| Some((rest.strip_suffix(sign)?, factor)))
        {
            (rest, magnitude) = (before.trim_end_matches(is_blank), factor);
        }
        let value = self.digits(rest)? * magnitude;
        Some(Signed { value: if negative { -value } else { value }, money, percent })
    }

    /// The value of digits with a decimal separator and groups; the text must match completely.
    fn digits(&self, text: &str) -> Option<f64> {
        let (whole, decimals) = text.split_once(self.decimal).map_or((text, None), |(whole, rest)| (whole, Some(rest)));
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        // Exponents are left to plain numbers.
        if !decimals.is_none_or(|decimals| is_digits(decimals) && !(decimals.is_empty() && whole.is_empty())) {
            return None;
        }
        let mut plain = String::with_capacity(text.len());
        let mut groups = whole.split(|c| self.group.is_some_and(|group| is_group(group, c)));
        let first = groups.next().unwrap_or_default();
        if !is_digits(first) || (first.is_empty() && decimals.is_none()) {
            return None;
        }
        plain.push_str(first);
        for group in groups {
            if group.len() != 3 || !is_digits(group) || !(1..=3).contains(&first.len()) || first == "0" {
                return None;
            }
            plain.push_str(group);
        }
        plain.push('.');
        plain.push_str(decimals.unwrap_or_default());
        if plain == "." { None } else { fast_float2::parse(plain).ok() }
    }
}

fn is_group(group: char, found: char) -> bool {
    match group {
        ' ' => is_blank(found),
        '\'' => matches!(found, '\'' | '’'),
        other => other == found,
    }
}

/// Blanks of all widths, including non-breaking ones.
fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{a0}' | '\u{202f}' | '\u{2009}' | '\u{2007}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detect(cells: &[&str]) -> Option<(NumberFormat, usize)> {
        NumberFormat::detect(cells.iter().map(|cell| (*cell, 1)))
    }

    fn read(cells: &[&str]) -> Vec<Option<f64>> {
        let (format, _) = detect(cells).expect("a format");
        cells.iter().map(|cell| format.read(cell)).collect()
    }

    #[test]
    fn numbers_are_read_as_their_column_writes_them() {
        let all = |cells: &[&str], expected: &[f64]| {
            assert_eq!(read(cells), expected.iter().map(|x| Some(*x)).collect::<Vec<_>>(), "{cells:?}");
        };
        all(&["5,983.21", "1,234", "17"], &[5983.21, 1234.0, 17.0]);
        all(&["$5,983", "-$12.50", "$ 7", "($1,200)"], &[5983.0, -12.5, 7.0, -1200.0]);
        all(&["1 234,5 €", "12,25 €", "1\u{202f}000\u{a0}€"], &[1234.5, 12.25, 1000.0]);
        all(&["12.5%", "3 %", "-0.25%", "0"], &[12.5, 3.0, -0.25, 0.0]);
        all(&["10k", "19M", "2.5M", "900"], &[10e3, 19e6, 2.5e6, 900.0]);
        all(&["1.234,5", "1.234", "0,5"], &[1234.5, 1234.0, 0.5]);
        all(&["1'234.50", "12"], &[1234.5, 12.0]);
        all(&["12,5", "3,25"], &[12.5, 3.25]);
        all(&["1,234", "0,123"], &[1.234, 0.123]);
        all(&["\u{2212}5", "+7", "5 kr"], &[-5.0, 7.0, 5.0]);
        all(&["EUR 1.000,00", "EUR 3,50"], &[1000.0, 3.5]);
    }

    #[test]
    fn what_is_no_number_is_left_alone() {
        let format = NumberFormat { decimal: '.', group: Some(',') };
        for cell in
            ["", "$", "%", ".", "-", "k", "12,34", "1,2345", "1.2.3", "12 monkeys", "1e5k", "0,123", "()", "$%", "5%M"]
        {
            assert_eq!(format.read(cell), None, "{cell:?}");
        }
    }

    #[test]
    fn amounts_of_two_currencies_and_percents_among_numbers_are_not_one_kind() {
        assert_eq!(detect(&["$5", "€5"]), None);
        assert_eq!(detect(&["5%", "0.05"]), None);
        assert_eq!(detect(&["red", "blue"]), None);
        assert_eq!(detect(&["$5", "n/a"]).map(|(_, read)| read), Some(1));
    }
}
