//! Distribution shift between two files, column by column.
//!
//! Numbers: the two-sample Kolmogorov-Smirnov distance D = sup |F₁(x) − F₂(x)|, whose probability under one
//! distribution is at most about 2 exp(−2 D² n₁n₂/(n₁+n₂)). Categories (and whether a number is missing): the total
//! variation distance ½ Σ|p₁ − p₂| less its expectation under one distribution, with McDiarmid's bound exp(−2 t²
//! n₁n₂/(n₁+n₂)). Both are tested at a level of 0.001 divided by the number of columns. A distance below 0.1 is not
//! reported, however significant.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::f64::consts::PI;

use super::cell_format::CellFormat;
use super::column::Column;
use super::reading::Readings;
use super::schema::{ColumnKind, Role, Schema};
use super::table::Table;

const LEVEL: f64 = 0.001;
const WORTH_A_WORD: f64 = 0.1;

/// The feature columns that differ between two tables, each with its distance, in descending order.
pub(crate) fn differing(one: &Table, other: &Table, schema: &Schema) -> Vec<(f64, String)> {
    let features: Vec<_> = schema.with_role(Role::Feature).collect();
    let level = LEVEL / features.len().max(1) as f64;
    let mut differing = Vec::new();
    for column in features {
        let (Some(a), Some(b)) = (one.position(&column.name), other.position(&column.name)) else { continue };
        let (a, b) = (&one.columns[a], &other.columns[b]);
        let distance = if column.kind == ColumnKind::Numeric {
            let numbers = |table: &Table, cells: &Column| {
                finite_numbers(
                    cells.readings(table.cell_format(&schema.cell_format)).with_format(column.numbers),
                    cells.len(),
                )
            };
            kolmogorov_smirnov(numbers(one, a), numbers(other, b), level)
        } else {
            let (in_one, in_other) = (one.cell_format(&schema.cell_format), other.cell_format(&schema.cell_format));
            total_variation(&category_counts(a, in_one), &category_counts(b, in_other), level)
        };
        differing.extend(distance.filter(|d| *d >= WORTH_A_WORD).map(|distance| (distance, column.name.clone())));
    }
    differing.sort_by(|a, b| b.0.total_cmp(&a.0));
    differing
}

/// D, if it is significant at this level.
fn kolmogorov_smirnov(mut a: Vec<f64>, mut b: Vec<f64>, level: f64) -> Option<f64> {
    let (m, n) = (a.len() as f64, b.len() as f64);
    a.sort_by(f64::total_cmp);
    b.sort_by(f64::total_cmp);
    let (mut i, mut j, mut distance) = (0, 0, 0.0_f64);
    while i < a.len() && j < b.len() {
        let x = a[i].min(b[j]);
        i += a[i..].iter().take_while(|value| **value == x).count();
        j += b[j..].iter().take_while(|value| **value == x).count();
        distance = distance.max((i as f64 / m - j as f64 / n).abs());
    }
    let chance = 2.0 * (-2.0 * distance * distance * m * n / (m + n)).exp();
    (m > 0.0 && n > 0.0 && chance < level).then_some(distance)
}

/// The total variation distance, if it is significant at this level.
fn total_variation<K: Ord>(a: &BTreeMap<K, f64>, b: &BTreeMap<K, f64>, level: f64) -> Option<f64> {
    let (m, n): (f64, f64) = (a.values().sum(), b.values().sum());
    if m == 0.0 || n == 0.0 {
        return None;
    }
    let (mut distance, mut expected) = (0.0, 0.0);
    for category in a.keys().chain(b.keys().filter(|category| !a.contains_key(*category))) {
        let count = |counts: &BTreeMap<K, f64>| counts.get(category).copied().unwrap_or(0.0);
        let (in_a, in_b) = (count(a), count(b));
        distance += 0.5 * (in_a / m - in_b / n).abs();
        // E|p̂₁ − p̂₂| of a common p, by the normal approximation.
        let p = (in_a + in_b) / (m + n);
        expected += 0.5 * (2.0 * p * (1.0 - p) * (1.0 / m + 1.0 / n) / PI).sqrt();
    }
    let excess = (distance - expected).max(0.0);
    let chance = (-2.0 * excess * excess * m * n / (m + n)).exp();
    (chance < level).then_some(distance)
}

fn finite_numbers(cells: Readings, rows: usize) -> Vec<f64> {
    (0..rows).filter_map(|row| cells.get(row).number()).filter(|number| number.is_finite()).collect()
}

fn category_counts<'a>(column: &'a Column, cell_format: &'a CellFormat) -> BTreeMap<Cow<'a, str>, f64> {
    let mut counts = BTreeMap::new();
    let cells = column.readings(cell_format);
    for row in 0..column.len() {
        *counts.entry(cells.category(row).unwrap_or_default()).or_default() += 1.0;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A fixed sequence, evenly spread over [0, 1).
    fn spread(n: usize, offset: f64) -> Vec<f64> {
        (0..n).map(|i| (i as f64 * 0.618_033_988_749_895 + offset).fract()).collect()
    }

    #[test]
    fn equal_distributions_pass_and_shifted_ones_do_not() {
        assert_eq!(kolmogorov_smirnov(spread(1_000, 0.0), spread(700, 0.3), LEVEL), None);
        let shifted: Vec<f64> = spread(700, 0.3).iter().map(|x| x + 0.25).collect();
        let distance = kolmogorov_smirnov(spread(1_000, 0.0), shifted, LEVEL).unwrap();
        assert!((distance - 0.25).abs() < 0.01, "{distance}");
        // Too few rows to be significant.
        assert_eq!(kolmogorov_smirnov(vec![0.0, 1.0], vec![5.0, 6.0], LEVEL), None);
    }

    #[test]
    fn categories_that_change_their_share_are_found() {
        let counts = |a: f64, b: f64| BTreeMap::from([("a", a), ("b", b)]);
        assert_eq!(total_variation(&counts(500.0, 500.0), &counts(260.0, 240.0), LEVEL), None);
        let distance = total_variation(&counts(500.0, 500.0), &counts(400.0, 100.0), LEVEL).unwrap();
        assert!((distance - 0.3).abs() < 1e-12, "{distance}");
    }
}
