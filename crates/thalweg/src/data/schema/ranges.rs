//! Ranges of numbers that follow one another: `<18`, `18-24`, `25 to 64 years`, `65+`.

use crate::data::cell_format::CellFormat;

/// A range, perhaps open to one side.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Range {
    low: f64,
    high: f64,
}

/// What is before and after the number of a range that is open below, and above.
const BELOW: [(&str, &str); 9] = [
    ("<=", ""),
    ("<", ""),
    ("≤", ""),
    ("under ", ""),
    ("below ", ""),
    ("less than ", ""),
    ("up to ", ""),
    ("", " or less"),
    ("", " and under"),
];
const ABOVE: [(&str, &str); 11] = [
    (">=", ""),
    (">", ""),
    ("≥", ""),
    ("over ", ""),
    ("above ", ""),
    ("more than ", ""),
    ("", "+"),
    ("", " or more"),
    ("", " and over"),
    ("", " and above"),
    ("", " plus"),
];
/// What may be between the ends of a range.
const BETWEEN: [&str; 6] = [" to ", " - ", " – ", "–", "-", ".."];
/// Units that ranges are in.
const UNITS: [&str; 8] = ["years old", "years", "yrs", "year", "y", "employees", "people", "%"];

/// The values in order, if all are ranges of which none reaches into the next, and some have two ends.
pub(super) fn in_order<'a>(values: &[&'a str]) -> Option<Vec<&'a str>> {
    let mut ranges = values.iter().map(|value| Some((read(value)?, *value))).collect::<Option<Vec<_>>>()?;
    ranges.sort_by(|(a, _), (b, _)| a.low.total_cmp(&b.low).then(a.high.total_cmp(&b.high)));
    let apart = |pair: &[(Range, &str)]| pair[0].0.high <= pair[1].0.low;
    let closed = ranges.iter().any(|(range, _)| range.low.is_finite() && range.high.is_finite());
    (closed && ranges.windows(2).all(apart)).then(|| ranges.into_iter().map(|(_, value)| value).collect())
}

fn read(text: &str) -> Option<Range> {
    let text = text.trim().to_lowercase();
    let text = UNITS.iter().find_map(|unit| text.strip_suffix(unit)).unwrap_or(&text).trim();
    let open = |around: &[(&str, &str)]| {
        around.iter().find_map(|(before, after)| number(text.strip_prefix(before)?.strip_suffix(after)?))
    };
    if let Some(high) = open(&BELOW) {
        return Some(Range { low: f64::NEG_INFINITY, high });
    }
    if let Some(low) = open(&ABOVE) {
        return Some(Range { low, high: f64::INFINITY });
    }
    let (low, high) = BETWEEN.iter().find_map(|sign| text.split_once(sign))?;
    let (low, high) = (number(low)?, number(high)?);
    (low < high).then_some(Range { low, high })
}

/// A number of at least 0, perhaps of thousands with a comma, and of money.
fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let text = text.strip_prefix(['$', '€', '£']).unwrap_or(text).replace(',', "");
    let of = |(sign, unit)| Some((text.strip_suffix(sign)?, unit));
    let (digits, unit) = [('k', 1e3), ('m', 1e6)].into_iter().find_map(of).unwrap_or((&text, 1.0));
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    CellFormat::default().number(digits).filter(|number| number.is_finite()).map(|number| number * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_put_in_order() {
        let orders: [&[&str]; 7] = [
            &["0-17", "18-24", "25-34", "35+"],
            &["<18", "18-64", ">=65"],
            &["Under 18", "18 to 24 years", "25 to 64 years", "65 and over"],
            &["1-5", "6-10", "11-100", "101 or more"],
            &["less than $10,000", "$10,000 - $49,999", "$50,000 – $99,999", "$100,000+"],
            &["0-50k", "50k-1m", ">1m"],
            &["0.5-1.5", "1.5-2", "2-2.5"],
        ];
        for order in orders {
            let mut values = order.to_vec();
            values.sort_unstable();
            assert_eq!(in_order(&values).unwrap(), order);
        }
    }

    #[test]
    fn other_texts_are_no_ranges() {
        let sets: [&[&str]; 5] = [
            &["0-17", "15-24", "25+"],
            &["10-5", "6-10", "11-20"],
            &["<1", ">2", ">3"],
            &["555-1234", "555-1235", "555-1240"],
            &["a-b", "b-c", "c-d"],
        ];
        for values in sets {
            assert_eq!(in_order(values), None, "{values:?}");
        }
    }
}
