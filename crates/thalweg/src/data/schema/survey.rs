//! One pass over a column's cells: the facts from which its kind and use are inferred.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::Hash;

use thalweg_kernels::pool;

use crate::data::dates;
use crate::data::notation::Notation;
use crate::data::preprocess::read_boolean;
use crate::data::reading::Cell;
use crate::data::table::{Table, TextColumn};

use super::ColumnKind;

/// How often a value comes, and the row where it comes first.
struct Count {
    times: usize,
    first: usize,
}

/// A count for each of several values.
struct Counts<T>(HashMap<T, Count, foldhash::fast::RandomState>);

impl<T: Eq + Hash> Counts<T> {
    fn add(&mut self, value: T, row: usize) {
        self.0.entry(value).or_insert(Count { times: 0, first: row }).times += 1;
    }
}

/// Up to this many different strings are categories in a table of any size.
pub(super) const FEW: usize = 20;
/// A column is numeric if this share of its cells are numbers: the others are errors to show, not categories.
const MOSTLY: f64 = 0.95;

/// What a column's cells hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Survey {
    /// Cells, missing ones included.
    pub(crate) rows: usize,
    /// Missing cells.
    pub(crate) missing: usize,
    /// How often each marker, in lower case, stands for a missing cell; the empty cell is not among them.
    pub(crate) markers: Vec<(String, usize)>,
    /// Different values.
    pub(crate) distinct: usize,
    /// The most frequent values with their counts, at most 20.
    pub(crate) frequent: Vec<(String, usize)>,
    /// Cells that are numbers (infinite ones included).
    pub(crate) numbers: usize,
    /// Cells that are whole numbers.
    pub(crate) integers: usize,
    /// The least finite number.
    pub(crate) low: f64,
    /// The greatest finite number.
    pub(crate) high: f64,
    /// The mean of the finite numbers.
    pub(crate) mean: f64,
    /// The first row whose cell is neither missing nor a number.
    pub(crate) first_text: Option<usize>,
    /// The format that reads every cell as a date.
    pub(crate) date_format: Option<&'static str>,
    /// Whether day and month could be swapped in every date.
    pub(crate) ambiguous_dates: bool,
}

impl Survey {
    /// Looks at every column of a table.
    pub(crate) fn of_table(table: &Table, notation: &Notation) -> Vec<Self> {
        pool::map(table.columns.len(), |i| Survey::new(&table.columns[i], notation))
    }

    /// Looks at every cell.
    pub(crate) fn new(column: &TextColumn, notation: &Notation) -> Self {
        let mut survey =
            Survey { rows: column.len(), low: f64::INFINITY, high: f64::NEG_INFINITY, ..Survey::default() };
        column.keep_numbers(notation);
        let cells = column.readings(notation);
        let (mut texts, mut numbers, mut markers) =
            (Counts(HashMap::default()), Counts(HashMap::default()), Counts(HashMap::default()));
        let (mut sum, mut finite) = (0.0, 0_usize);
        for row in 0..column.len() {
            let number = match cells.get(row) {
                Cell::Missing => {
                    survey.missing += 1;
                    let cell = cells.raw(row).trim();
                    if !cell.is_empty() {
                        markers.add(cell.to_lowercase(), row);
                    }
                    continue;
                }
                Cell::Text(text) => {
                    texts.add(text, row);
                    survey.first_text = survey.first_text.or(Some(row));
                    continue;
                }
                Cell::Number(number) => number,
            };
            // 0 and −0 are one number.
            numbers.add((number + 0.0).to_bits(), row);
            survey.numbers += 1;
            if number.is_finite() {
                survey.integers += usize::from(number.fract() == 0.0);
                (survey.low, survey.high) = (survey.low.min(number), survey.high.max(number));
                sum += number;
                finite += 1;
            }
        }
        survey.mean = sum / finite.max(1) as f64;
        survey.distinct = texts.0.len() + numbers.0.len();
        survey.markers = most_frequent(markers.0.into_values(), |row| cells.raw(row).trim().to_lowercase());
        if survey.numbers == 0 {
            let texts = texts.0.keys().copied();
            survey.date_format = dates::detect(texts.clone());
            survey.ambiguous_dates = survey.date_format.is_some_and(|format| dates::is_ambiguous(format, texts));
        }
        let counts = texts.0.into_values().chain(numbers.0.into_values());
        let written = |row| notation.category(cells.raw(row)).unwrap_or_default().into();
        survey.frequent = most_frequent(counts, written);
        survey
    }

    /// Cells that are not missing.
    pub(crate) fn present(&self) -> usize {
        self.rows - self.missing
    }

    /// Whether the column is numeric: all cells, or nearly all of enough cells, are numbers.
    pub(crate) fn is_numeric(&self) -> bool {
        let enough = self.present() >= FEW && self.numbers as f64 >= MOSTLY * self.present() as f64;
        self.numbers > 0 && (self.numbers == self.present() || enough)
    }

    /// Whether every cell is a word for no or yes (or 0 or 1), and at least one stands for each unless `constant`.
    pub(crate) fn is_boolean(&self, constant: bool) -> bool {
        let values: Vec<Option<bool>> = self.frequent.iter().map(|(value, _)| read_boolean(value)).collect();
        self.distinct > 0
            && self.distinct <= values.len()
            && values.iter().all(Option::is_some)
            && (constant || (values.contains(&Some(true)) && values.contains(&Some(false))))
    }

    /// Whether the values are whole numbers counted up from 0 or 1, one a row.
    pub(crate) fn runs_like_an_index(&self) -> bool {
        self.rows >= FEW
            && self.integers == self.rows
            && self.distinct == self.rows
            && (self.low == 0.0 || self.low == 1.0)
            && self.high - self.low == (self.rows - 1) as f64
    }

    /// Whether there are too many different values to be categories.
    pub(crate) fn has_many_values(&self) -> bool {
        self.distinct > FEW.max(self.present() / 2)
    }

    /// The kind that the cells suggest.
    pub(crate) fn kind(&self) -> ColumnKind {
        if self.is_boolean(false) {
            ColumnKind::Boolean
        } else if self.is_numeric() {
            ColumnKind::Numeric
        } else if self.date_format.is_some() {
            ColumnKind::Datetime
        } else if self.has_many_values() {
            ColumnKind::Text
        } else {
            ColumnKind::Categorical
        }
    }
}

/// The most frequent first, equally frequent ones in order of appearance; at most 20.
fn most_frequent(counts: impl Iterator<Item = Count>, name: impl Fn(usize) -> String) -> Vec<(String, usize)> {
    let mut counts: Vec<Count> = counts.collect();
    let order = |count: &Count| (Reverse(count.times), count.first);
    if counts.len() > FEW {
        counts.select_nth_unstable_by_key(FEW - 1, order);
        counts.truncate(FEW);
    }
    counts.sort_unstable_by_key(order);
    counts.into_iter().map(|count| (name(count.first), count.times)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn survey(cells: &[&str]) -> Survey {
        let mut column = TextColumn::default();
        cells.iter().for_each(|cell| column.push(cell));
        Survey::new(&column, &Notation::default())
    }

    #[test]
    fn counts_what_is_there() {
        let survey = survey(&["1", "2.5", "NA", "", "1.0", "?"]);
        assert_eq!((survey.rows, survey.missing, survey.present()), (6, 3, 3));
        assert_eq!(survey.markers, [("na".to_string(), 1), ("?".to_string(), 1)]);
        assert_eq!((survey.distinct, survey.numbers, survey.integers), (2, 3, 2));
        assert_eq!((survey.low, survey.high, survey.mean), (1.0, 2.5, 1.5));
        assert_eq!(survey.frequent[0], ("1".to_string(), 2));
    }

    #[test]
    fn kinds_follow_the_cells() {
        assert_eq!(survey(&["yes", "no", "Yes"]).kind(), ColumnKind::Boolean);
        assert_eq!(survey(&["yes", "yes"]).kind(), ColumnKind::Categorical);
        assert_eq!(survey(&["0.0", "1", "0"]).kind(), ColumnKind::Boolean);
        assert_eq!(survey(&["0", "1", "2"]).kind(), ColumnKind::Numeric);
        assert_eq!(survey(&["1e3", "-2", "n/a"]).kind(), ColumnKind::Numeric);
        assert_eq!(survey(&["2024-01-02", "", "2024-02-03"]).kind(), ColumnKind::Datetime);
        assert_eq!(survey(&["red", "blue", "red"]).kind(), ColumnKind::Categorical);
        let names: Vec<String> = (0..30).map(|i| format!("Mrs. No. {i}")).collect();
        assert_eq!(survey(&names.iter().map(String::as_str).collect::<Vec<_>>()).kind(), ColumnKind::Text);
    }

    #[test]
    fn one_stray_cell_does_not_make_a_column_text() {
        let mut cells: Vec<String> = (0..40).map(|i| format!("{}.5", i % 7)).collect();
        cells[9] = "abc".into();
        let survey = survey(&cells.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!((survey.kind(), survey.first_text), (ColumnKind::Numeric, Some(9)));
    }
}
