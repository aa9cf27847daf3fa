//! Column statistics: one pass over a column's cells, from which its kind and role are inferred.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::Hash;

use thalweg_kernels::pool;

use crate::data::boolean_words;
use crate::data::cell_format::CellFormat;
use crate::data::column::{Column, Declared};
use crate::data::dates;
use crate::data::number_format::NumberFormat;
use crate::data::reading::{Cell, Readings};
use crate::data::table::Table;

use super::ColumnKind;
use super::codes::{self, Codes};
use super::sentinels;

/// How often a value occurs, and the row of its first occurrence.
struct ValueCount {
    times: usize,
    first: usize,
}

/// A count for each of several values.
struct ValueCounts<T>(HashMap<T, ValueCount, foldhash::fast::RandomState>);

impl<T: Eq + Hash> ValueCounts<T> {
    /// Counts a value; returns the row of its first occurrence.
    fn add(&mut self, value: T, row: usize) -> usize {
        let count = self.0.entry(value).or_insert(ValueCount { times: 0, first: row });
        count.times += 1;
        count.first
    }
}

/// Up to this many distinct strings are categories in a table of any size.
pub(super) const FEW: usize = 20;
/// Up to this many distinct values are kept however rarely they repeat.
const SHOWN: usize = 5;
/// A text of this many words is rather a sentence than a name.
const WORDS: usize = 4;
/// A column is numeric if this share of its cells are numbers: the others are errors to report, not categories.
const MOSTLY: f64 = 0.95;

/// Statistics of a column's cells.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ColumnStats {
    /// The number of cells, including missing ones.
    pub(crate) rows: usize,
    /// The number of missing cells.
    pub(crate) missing: usize,
    /// How often each marker, in lower case, means "missing"; the empty cell is not included.
    pub(crate) markers: Vec<(String, usize)>,
    /// The number of distinct values.
    pub(crate) distinct: usize,
    /// The most frequent values with their counts, at most 20; none if there are many values that hardly repeat.
    pub(crate) frequent: Vec<(String, usize)>,
    /// Whether words for no, and for yes, occur, if every value is such a word (or 0 or 1).
    pub(crate) words: Option<[bool; 2]>,
    /// The number of cells that are numbers (including infinite ones).
    pub(crate) numbers: usize,
    /// The number of cells that are integers.
    pub(crate) integers: usize,
    /// The smallest finite number.
    pub(crate) low: f64,
    /// The largest finite number.
    pub(crate) high: f64,
    /// The mean of the finite numbers.
    pub(crate) mean: f64,
    /// The first row whose cell is neither missing nor a number.
    pub(crate) first_text: Option<usize>,
    /// Why numeric cells are not treated as numbers, and how many there are.
    pub(crate) codes: Option<(Codes, usize)>,
    /// The number format, if not plain; the numbers are those read in it.
    pub(crate) number_format: Option<NumberFormat>,
    /// Non-numeric cells in a mostly numeric column, if only these kept it from being numeric.
    pub(crate) stray: Vec<(String, usize)>,
    /// Whether most of many distinct values are several words, and occur once.
    pub(crate) prose: bool,
    /// The date format, if nearly every cell is a date.
    pub(crate) dates: Option<dates::DetectedFormat>,
    /// Values far outside all others that mean "missing", with their counts.
    pub(crate) sentinels: Vec<(String, usize)>,
}

impl ColumnStats {
    /// Computes the statistics of every column of a table.
    pub(crate) fn of_table(table: &Table, cell_format: &CellFormat) -> Vec<Self> {
        let cell_format = table.cell_format(cell_format);
        pool::map(table.columns.len(), |i| ColumnStats::named(&table.names[i], &table.columns[i], cell_format))
    }

    /// Computes the statistics of a column without a name.
    #[cfg(test)]
    pub(crate) fn new(column: &Column, cell_format: &CellFormat) -> Self {
        Self::named("", column, cell_format)
    }

    /// Computes the statistics of a column; its name may distinguish instants from other numbers.
    pub(crate) fn named(name: &str, column: &Column, cell_format: &CellFormat) -> Self {
        column.keep_numbers(cell_format);
        let mut tally = Tally::new(column, cell_format, column.declaration() == Declared::Texts, None);
        let mut codes = None;
        if column.declaration() == Declared::Nothing {
            codes = tally.spellings.found(tally.numbers.0.len()).map(|why| (why, tally.stats.numbers));
            let format = if codes.is_some() { None } else { tally.number_format() };
            if codes.is_some() || format.is_some() {
                tally = Tally::new(column, cell_format, codes.is_some(), format);
            }
        }
        let mut stats = tally.finish(name, cell_format);
        stats.codes = codes;
        stats
    }

    /// The number of cells that are not missing.
    pub(crate) fn present(&self) -> usize {
        self.rows - self.missing
    }

    /// The number of cells that could be read as numbers, however they are treated.
    pub(crate) fn readable(&self) -> usize {
        self.codes.map_or(self.numbers, |(_, numbers)| numbers)
    }

    /// Whether the column is numeric: all cells, or nearly all of enough cells, are numbers.
    pub(crate) fn is_numeric(&self) -> bool {
        let enough = self.present() >= FEW && self.numbers as f64 >= MOSTLY * self.present() as f64;
        self.numbers > 0 && (self.numbers == self.present() || enough)
    }

    /// Whether every cell is a word for no or yes (or 0 or 1), and each occurs at least once unless `constant`.
    pub(crate) fn is_boolean(&self, constant: bool) -> bool {
        self.words.is_some_and(|[no, yes]| if constant { no || yes } else { no && yes })
    }

    /// Whether the values are integers counting up from 0 or 1, one per row.
    pub(crate) fn runs_like_an_index(&self) -> bool {
        self.differs_in_every_row()
            && self.integers == self.rows
            && (self.low == 0.0 || self.low == 1.0)
            && self.high - self.low == (self.rows - 1) as f64
    }

    /// Whether there are many rows and no value comes twice or is missing.
    pub(crate) fn differs_in_every_row(&self) -> bool {
        self.rows >= FEW && self.distinct == self.rows
    }

    /// Whether there are too many distinct values for categories.
    pub(crate) fn has_many_values(&self) -> bool {
        self.distinct > FEW.max(self.present() / 2)
    }

    /// The inferred kind.
    pub(crate) fn kind(&self) -> ColumnKind {
        if self.is_boolean(false) {
            ColumnKind::Boolean
        } else if self.dates.is_some() {
            ColumnKind::Datetime
        } else if self.is_numeric() {
            ColumnKind::Numeric
        } else if self.has_many_values() {
            ColumnKind::Text
        } else {
            ColumnKind::Categorical
        }
    }
}

/// The counts of a pass over the cells.
struct Tally<'a> {
    column: &'a Column,
    cells: Readings<'a>,
    stats: ColumnStats,
    texts: ValueCounts<&'a str>,
    numbers: ValueCounts<u64>,
    markers: ValueCounts<String>,
    spellings: codes::Spellings,
}

impl<'a> Tally<'a> {
    /// Counts the cells: all as texts, or those in a format also as numbers.
    fn new(column: &'a Column, cell_format: &'a CellFormat, as_texts: bool, format: Option<NumberFormat>) -> Self {
        let cells = column.readings(cell_format).with_format(format);
        let mut tally = Tally {
            column,
            cells,
            stats: ColumnStats {
                rows: column.len(),
                low: f64::INFINITY,
                high: f64::NEG_INFINITY,
                number_format: format,
                ..ColumnStats::default()
            },
            texts: ValueCounts(HashMap::default()),
            numbers: ValueCounts(HashMap::default()),
            markers: ValueCounts(HashMap::default()),
            spellings: codes::Spellings::default(),
        };
        let written = column.declaration() == Declared::Nothing && format.is_none();
        let (mut sum, mut finite) = (0.0, 0_usize);
        for row in 0..column.len() {
            let cell = match column {
                Column::Texts(texts) if as_texts => texts.category(row, cell_format).map_or(Cell::Missing, Cell::Text),
                _ => cells.get(row),
            };
            let stats = &mut tally.stats;
            let number = match cell {
                Cell::Missing => {
                    stats.missing += 1;
                    let cell = cells.raw(row);
                    let cell = cell.trim();
                    if !cell.is_empty() {
                        tally.markers.add(cell.to_lowercase(), row);
                    }
                    continue;
                }
                Cell::Text(text) => {
                    tally.texts.add(text, row);
                    stats.first_text = stats.first_text.or(Some(row));
                    continue;
                }
                Cell::Number(number) => number,
            };
            // 0 and −0 are the same number.
            let first = tally.numbers.add((number + 0.0).to_bits(), row);
            if written {
                let earlier = (first < row).then(|| cells.raw(first));
                tally.spellings.see(number, &cells.raw(row), earlier.as_deref(), cell_format);
            }
            stats.numbers += 1;
            if number.is_finite() {
                stats.integers += usize::from(number.fract() == 0.0);
                (stats.low, stats.high) = (stats.low.min(number), stats.high.max(number));
                sum += number;
                finite += 1;
            }
        }
        tally.stats.mean = sum / finite.max(1) as f64;
        tally
    }

    /// The distinct texts with their counts, in order of first occurrence.
    fn texts(&self) -> Vec<(&'a str, usize)> {
        let mut texts: Vec<(&str, &ValueCount)> = self.texts.0.iter().map(|(text, count)| (*text, count)).collect();
        texts.sort_unstable_by_key(|(_, count)| count.first);
        texts.into_iter().map(|(text, count)| (text, count.times)).collect()
    }

    /// The format in which nearly all cells are numbers, where plain reading leaves some out.
    fn number_format(&self) -> Option<NumberFormat> {
        let Column::Texts(cells) = self.column else { return None };
        let looks = |text: &str| text.bytes().any(|byte| byte.is_ascii_digit());
        if self.texts.0.is_empty() || !self.texts.0.keys().any(|text| looks(text)) {
            return None;
        }
        let texts = self.texts();
        if texts.iter().take(FEW).all(|(text, _)| !looks(text)) && self.stats.numbers == 0 {
            return None;
        }
        // Plain numbers must be readable in the format as well, or it is not theirs.
        let plain = (0..self.column.len()).filter(|row| matches!(self.cells.get(*row), Cell::Number(_)));
        let plain = plain.map(|row| (cells.get(row).trim(), 1)).take(1000);
        let (format, read) = NumberFormat::detect(texts.iter().copied().chain(plain.clone()))?;
        let plain_read = plain.filter(|(cell, _)| format.read(cell).is_some()).count();
        let (formatted, present) = (read - plain_read, self.stats.rows - self.stats.missing);
        let all = formatted + self.stats.numbers == present;
        let most = present >= FEW && (formatted + self.stats.numbers) as f64 >= MOSTLY * present as f64;
        (formatted > 0 && plain_read == (self.stats.numbers).min(1000) && (all || most)).then_some(format)
    }

    /// The statistics.
    fn finish(mut self, name: &str, cell_format: &CellFormat) -> ColumnStats {
        let texts = self.texts();
        let stats = &mut self.stats;
        stats.distinct = texts.len() + self.numbers.0.len();
        stats.prose = is_prose(&texts);
        let present = stats.rows - stats.missing;
        if stats.numbers == 0 {
            let zeros = texts.iter().filter(|(text, _)| dates::is_zero(text));
            let (zeros, none): (Vec<_>, usize) = zeros.fold((Vec::new(), 0), |(mut all, sum), zero| {
                all.push(*zero);
                (all, sum + zero.1)
            });
            let cells: Vec<_> = texts.iter().filter(|(text, _)| !dates::is_zero(text)).copied().collect();
            let enough = |read: usize| {
                read + none == present || (present >= FEW && (read + none) as f64 >= MOSTLY * present as f64)
            };
            stats.dates = dates::detect(&cells).filter(|found| enough(found.read));
            if stats.dates.is_some() && !zeros.is_empty() {
                stats.sentinels.extend(zeros.into_iter().map(|(zero, times)| (zero.to_string(), times)));
            }
        } else if stats.integers == present && stats.number_format.is_none() {
            let values = self.numbers.0.keys().map(|bits| f64::from_bits(*bits));
            stats.dates = dates::of_numbers(name, stats.low, stats.high, values).map(|format| dates::DetectedFormat {
                format: format.into(),
                read: present,
                ambiguous: false,
            });
        }
        if let Some(found) = &stats.dates {
            stats.sentinels.extend(sentinels::of_dates(&texts, &found.format));
        } else if stats.numbers > 0 {
            let values = self.numbers.0.iter().map(|(bits, count)| (f64::from_bits(*bits), count.times));
            stats.sentinels = sentinels::of_numbers(values.collect());
            // If at least two thirds of the cells are numbers, a word stands for the others.
            if !texts.is_empty() && stats.numbers * 3 >= present * 2 {
                let mut stray = texts.clone();
                stray.sort_by_key(|(_, times)| Reverse(*times));
                stats.stray = stray.iter().take(3).map(|(text, times)| (text.to_string(), *times)).collect();
            }
        }
        let cells = self.cells;
        stats.markers = most_frequent(self.markers.0.into_values(), |row| cells.raw(row).trim().to_lowercase());
        // There may be very many columns whose values hardly repeat: their cells are then not even formatted.
        let repeats = stats.distinct <= SHOWN || stats.distinct * 2 <= present;
        if repeats || stats.distinct <= FEW {
            let counts = self.texts.0.into_values().chain(self.numbers.0.into_values());
            let written = |row| cell_format.category(&cells.raw(row)).unwrap_or_default().into();
            stats.frequent = most_frequent(counts, written);
        }
        stats.words = (stats.distinct <= FEW)
            .then(|| stats.frequent.iter().map(|(value, _)| boolean_words::read(value)).collect::<Option<Vec<_>>>())
            .flatten()
            .map(|words| [words.contains(&false), words.contains(&true)]);
        if !repeats {
            stats.frequent = Vec::new();
        }
        self.stats
    }
}

/// Whether there are many texts, most of several words, and most occur once.
fn is_prose(texts: &[(&str, usize)]) -> bool {
    let once = |texts: &&(&str, usize)| texts.1 == 1;
    let several_words = |texts: &&(&str, usize)| texts.0.split_whitespace().nth(WORDS - 1).is_some();
    let most = |count: usize| count * 2 > texts.len();
    texts.len() > FEW && most(texts.iter().filter(once).count()) && most(texts.iter().filter(several_words).count())
}

/// The most frequent first, equally frequent ones in order of appearance; at most 20.
fn most_frequent(counts: impl Iterator<Item = ValueCount>, name: impl Fn(usize) -> String) -> Vec<(String, usize)> {
    let mut counts: Vec<ValueCount> = counts.collect();
    let order = |count: &ValueCount| (Reverse(count.times), count.first);
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

    fn stats(cells: &[&str]) -> ColumnStats {
        let mut column = Column::default();
        cells.iter().for_each(|cell| column.push(cell));
        ColumnStats::new(&column, &CellFormat::default())
    }

    #[test]
    fn counts_what_is_there() {
        let stats = stats(&["1", "2.5", "NA", "", "1.0", "?"]);
        assert_eq!((stats.rows, stats.missing, stats.present()), (6, 3, 3));
        assert_eq!(stats.markers, [("na".to_string(), 1), ("?".to_string(), 1)]);
        assert_eq!((stats.distinct, stats.numbers, stats.integers), (2, 3, 2));
        assert_eq!((stats.low, stats.high, stats.mean), (1.0, 2.5, 1.5));
        assert_eq!(stats.frequent[0], ("1".to_string(), 2));
    }

    #[test]
    fn kinds_follow_the_cells() {
        assert_eq!(stats(&["yes", "no", "Yes"]).kind(), ColumnKind::Boolean);
        assert_eq!(stats(&["yes", "yes"]).kind(), ColumnKind::Categorical);
        assert_eq!(stats(&["0.0", "1", "0"]).kind(), ColumnKind::Boolean);
        assert_eq!(stats(&["0", "1", "2"]).kind(), ColumnKind::Numeric);
        assert_eq!(stats(&["1e3", "-2", "n/a"]).kind(), ColumnKind::Numeric);
        assert_eq!(stats(&["2024-01-02", "", "2024-02-03"]).kind(), ColumnKind::Datetime);
        assert_eq!(stats(&["red", "blue", "red"]).kind(), ColumnKind::Categorical);
        let names: Vec<String> = (0..30).map(|i| format!("Mrs. No. {i}")).collect();
        assert_eq!(stats(&names.iter().map(String::as_str).collect::<Vec<_>>()).kind(), ColumnKind::Text);
    }

    #[test]
    fn one_stray_cell_does_not_make_a_column_text() {
        let mut cells: Vec<String> = (0..40).map(|i| format!("{}.5", i % 7)).collect();
        cells[9] = "abc".into();
        let stats = stats(&cells.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!((stats.kind(), stats.first_text), (ColumnKind::Numeric, Some(9)));
    }
}
