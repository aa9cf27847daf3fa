//! Which rows are train, dev and test.
//!
//! The default split is by a hash of each row's content, so neither the order of the file nor the number of threads
//! matters. Within a stratum (a class, or all rows) the rows are ordered by hash: the first ⌊n·test + u⌋ are test,
//! those up to ⌊n·(test + dev) + u⌋ are dev, the others train, with u in [0, 1) fixed by the seed and the stratum. The
//! sizes are therefore as requested to within one row per class. Adding a row to a class can move at most one other row
//! of that class across each of the two borders, and none of another class: splits stay almost, not exactly, as they
//! were. Only a change of the fractions themselves (a table growing past 50,000 rows) moves more.

use std::collections::{BTreeMap, HashMap};

use thalweg_kernels::pool;

use super::cell_format::CellFormat;
use super::reading::{Cell, Readings};
use super::table::Table;
use crate::config;
use crate::event::{Decision, Splits};
use crate::{Error, Result};

/// Up to this many rows the course's 60/20/20 applies.
const SMALL: usize = 50_000;
/// Dev and test rows that are enough for evaluation.
const ENOUGH: f64 = 10_000.0;
/// Minimum rows per thread for waking it to pay off.
const CHUNK: usize = 1024;
/// Fewer rows than this are not split.
const FEWEST: usize = 10;

/// The fractions of train, dev and test that are split off `rows` rows; a split from a separate file gets none of them, nor
/// does test where it is a fold.
pub fn fractions(
    rows: usize,
    own_dev: bool,
    own_test: bool,
    options: &config::Split,
) -> Result<(Splits<f64>, Option<Decision>)> {
    let ([_, dev, test], why) = wanted(rows, options)?;
    let fold = options.test_fold.as_deref();
    let (dev, test) = (if own_dev { 0.0 } else { dev }, if own_test || fold.is_some() { 0.0 } else { test });
    // With a test file the rest keeps dev's share: 60/20/20 becomes 80/20.
    let fractions = Splits { train: 1.0 - dev - test, dev, test };
    let needed = if dev + test > 0.0 { FEWEST } else { 1 };
    if rows < needed {
        return Err(Error::data(format!("found {rows} rows with a known answer, expected {needed} or more to divide"))
            .fix("add rows, or train on all of them with [split=1,0,0]"));
    }
    let decision = why.filter(|_| dev + test > 0.0).map(|why| told(fractions, fold, why));
    Ok((fractions, decision))
}

/// What is split off, and what is not because it is a fold or has a file of its own.
fn told(fractions: Splits<f64>, fold: Option<&[usize]>, why: String) -> Decision {
    let percent = |fraction: f64| format!("{}", (fraction * 1000.0).round() / 10.0);
    let Splits { train, dev, test } = fractions;
    let (shares, parts, instead, own) = if test == 0.0 {
        (vec![train, dev], "train and dev", "[split=0.9,0.1,0]", Some("test"))
    } else if dev == 0.0 {
        (vec![train, test], "train and test", "[split=0.9,0,0.1]", Some("dev"))
    } else {
        (vec![train, dev, test], "train, dev and test", "[split=0.8,0.1,0.1]", None)
    };
    let shares = shares.into_iter().map(percent).collect::<Vec<_>>().join("/");
    let why = match (own, fold) {
        (Some("test"), Some(fold)) => format!("{why}; test is fold {} of {}", fold[0], fold[1]),
        (Some(own), _) => format!("{why}; {own} rows have a file of their own"),
        (None, _) => why,
    };
    Decision { what: format!("rows split {shares} % into {parts}"), why, instead: instead.into() }
}

/// The fractions requested, or the default for this many rows, and why.
fn wanted(rows: usize, options: &config::Split) -> Result<([f64; 3], Option<String>)> {
    Ok(match options.fractions()? {
        Some(given) => (given, None),
        None if rows <= SMALL => ([0.6, 0.2, 0.2], Some(format!("{rows} rows are few"))),
        None => {
            let share = (ENOUGH / rows as f64).max(0.01);
            let why = format!("of {rows} rows, {:.0} are enough to judge by", share * rows as f64);
            ([1.0 - 2.0 * share, share, share], Some(why))
        }
    })
}

/// The fractions that leave the test split as it is and give dev's rows to train.
#[cfg(feature = "tune")]
pub(crate) fn without_dev(rows: usize, options: &config::Split) -> Result<Vec<f64>> {
    let ([_, _, test], _) = wanted(rows, options)?;
    Ok(vec![1.0 - test, 0.0, test])
}

/// A key for each row from the seed, the row's content and, among equal rows, its index.
///
/// Cells that are equal as numbers are equal here (`1` and `1.0`), so the same data in another format is split
/// identically.
pub fn row_keys(table: &Table, rows: &[usize], cell_format: &CellFormat, seed: u64) -> Vec<u64> {
    distinguish(contents(table, rows, cell_format, seed))
}

/// The key of a row by its index, for samples.
pub(super) fn sample_key(seed: u64, row: u64) -> u64 {
    hash(seed, &row.to_le_bytes())
}

/// A hash of each row's content and the seed; equal rows have equal hashes.
pub(super) fn contents(table: &Table, rows: &[usize], cell_format: &CellFormat, seed: u64) -> Vec<u64> {
    let mut contents = vec![0; rows.len()];
    let columns: Vec<Readings> = table.columns.iter().map(|column| column.readings(cell_format)).collect();
    pool::for_each_chunk(&mut contents, CHUNK, |i, contents| {
        let mut content = Vec::new();
        for (out, row) in contents.iter_mut().zip(&rows[i * CHUNK..]) {
            content.clear();
            columns.iter().for_each(|column| add_cell(column.get(*row), &mut content));
            *out = hash(seed, &content);
        }
    });
    contents
}

/// Appends a cell as bytes that are unique to it, except for equal numbers.
fn add_cell(cell: Cell, content: &mut Vec<u8>) {
    match cell {
        Cell::Missing => content.push(0),
        Cell::Number(number) => {
            content.push(1);
            content.extend(number.to_bits().to_le_bytes());
        }
        Cell::Text(cell) => {
            content.push(2);
            content.extend((cell.len() as u64).to_le_bytes());
            content.extend(cell.as_bytes());
        }
    }
}

/// Keys of rows given as bytes; see [`row_keys`].
///
/// # Errors
/// If a row cannot be read.
pub fn byte_keys(rows: impl Iterator<Item = Result<Vec<u8>>>, seed: u64) -> Result<Vec<u64>> {
    let contents = rows.map(|row| Ok(hash(seed, &row?)));
    Ok(distinguish(contents.collect::<Result<_>>()?))
}

/// Gives equal rows different keys; the i-th of them always gets the same one.
fn distinguish(contents: Vec<u64>) -> Vec<u64> {
    let key = |content: u64, occurrence: u64| hash(content, &occurrence.to_le_bytes());
    let mut keys = vec![0; contents.len()];
    pool::for_each_chunk(&mut keys, CHUNK, |i, keys| {
        keys.iter_mut().zip(&contents[i * CHUNK..]).for_each(|(out, content)| *out = key(*content, 1));
    });
    let mut seen: HashMap<u64, u64, foldhash::fast::RandomState> = HashMap::default();
    seen.reserve(contents.len());
    for (out, content) in keys.iter_mut().zip(contents) {
        let occurrence = seen.entry(content).or_default();
        *occurrence += 1;
        if *occurrence > 1 {
            *out = key(content, *occurrence);
        }
    }
    keys
}

pub(super) fn hash(seed: u64, content: &[u8]) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    hasher.update(content);
    u64::from_le_bytes(hasher.finalize().as_bytes()[..8].try_into().unwrap_or_default())
}

/// Splits by the order of the keys within each stratum. Returns positions among `keys`, each split in the rows' order.
/// Every stratum keeps at least one row in train, and no split with a fraction above 0 stays empty.
pub fn by_key(keys: &[u64], strata: &[usize], fractions: Splits<f64>, seed: u64) -> Splits<Vec<usize>> {
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (row, stratum) in strata.iter().enumerate() {
        groups.entry(*stratum).or_default().push(row);
    }
    let mut parts = Splits::<Vec<usize>>::default();
    for (stratum, rows) in &mut groups {
        // Both borders grow by at most one when a row is added.
        let u = hash(seed, &(*stratum as u64).to_le_bytes()) as f64 / 2f64.powi(64);
        let border = |fraction: f64| ((rows.len() as f64 * fraction + u) as usize).min(rows.len() - 1);
        let test = if fractions.test > 0.0 { border(fractions.test) } else { 0 };
        let held_out = if fractions.dev > 0.0 { border(fractions.test + fractions.dev) } else { test };
        // Each split is restored to the rows' order in the end: only the borders count.
        rows.select_nth_unstable_by_key(held_out, |row| (keys[*row], *row));
        if test < held_out {
            rows[..held_out].select_nth_unstable_by_key(test, |row| (keys[*row], *row));
        }
        parts.test.extend(&rows[..test]);
        parts.dev.extend(&rows[test..held_out]);
        parts.train.extend(&rows[held_out..]);
    }
    if let Some(largest) = groups.values().max_by_key(|rows| rows.len()) {
        for (fraction, of_test) in [(fractions.test, true), (fractions.dev, false)] {
            let part = if of_test { &mut parts.test } else { &mut parts.dev };
            if fraction > 0.0 && part.is_empty() {
                // The largest class gives up one of its train rows.
                let mut spares: Vec<usize> = largest.iter().copied().filter(|row| parts.train.contains(row)).collect();
                spares.sort_unstable_by_key(|row| (keys[*row], *row));
                let spare = spares.get(1).copied();
                part.extend(spare);
                parts.train.retain(|row| Some(*row) != spare);
            }
        }
    }
    in_row_order(parts)
}

/// Splits by entire groups, in the order of the hash of their names, so that splits are as close to their fractions as
/// groups allow. There must be at least as many groups as splits.
pub fn by_group(groups: &[&str], fractions: Splits<f64>, seed: u64) -> Result<Splits<Vec<usize>>> {
    let mut rows_of: BTreeMap<(u64, &str), Vec<usize>> = BTreeMap::new();
    for (row, group) in groups.iter().enumerate() {
        rows_of.entry((hash(seed, group.as_bytes()), group)).or_default().push(row);
    }
    let wanted = [fractions.test, fractions.dev, fractions.train].map(|fraction| fraction > 0.0);
    let needed = wanted.iter().filter(|wanted| **wanted).count();
    if rows_of.len() < needed {
        return Err(Error::data(format!("found {} groups, expected {needed} or more to divide", rows_of.len()))
            .at("--group")
            .fix("group by another column, or leave [group] out"));
    }
    let (mut parts, mut left, mut done) = (Splits::<Vec<usize>>::default(), rows_of.len(), 0.0);
    for rows in rows_of.into_values() {
        let middle = (done + rows.len() as f64 / 2.0) / groups.len() as f64;
        done += rows.len() as f64;
        // A split that would stay empty takes the group, while enough groups are left for the splits after it.
        let later = |first: usize| wanted[first..].iter().filter(|wanted| **wanted).count();
        let fits_test = middle < fractions.test || (fractions.test > 0.0 && parts.test.is_empty());
        let fits_dev = middle < fractions.test + fractions.dev || (fractions.dev > 0.0 && parts.dev.is_empty());
        if wanted[0] && fits_test && (parts.test.is_empty() || left > later(1)) && parts.dev.is_empty() {
            parts.test.extend(rows);
        } else if wanted[1] && fits_dev && (parts.dev.is_empty() || left > later(2)) {
            parts.dev.extend(rows);
        } else {
            parts.train.extend(rows);
        }
        left -= 1;
    }
    Ok(in_row_order(parts))
}

/// Splits by time: the latest rows are test, those before them dev. Rows less than `gap` before a later split are in none.
pub fn by_time(times: &[f64], fractions: Splits<f64>, gap: f64) -> Splits<Vec<usize>> {
    let mut train = in_time_order(times);
    let size =
        |fraction: f64| if fraction > 0.0 { ((times.len() as f64 * fraction).round() as usize).max(1) } else { 0 };
    let test = train.split_off(train.len().saturating_sub(size(fractions.test)));
    leave_gap(&mut train, &test, times, gap);
    let dev = train.split_off(train.len().saturating_sub(size(fractions.dev)));
    leave_gap(&mut train, &dev, times, gap);
    in_row_order(Splits { train, dev, test })
}

/// The rows in the order of their times.
pub(super) fn in_time_order(times: &[f64]) -> Vec<usize> {
    let mut rows: Vec<usize> = (0..times.len()).collect();
    rows.sort_by(|a, b| times[*a].total_cmp(&times[*b]));
    rows
}

/// Takes those from the end of earlier rows that are less than `gap` before later ones; both are in the order of time.
pub(super) fn leave_gap(earlier: &mut Vec<usize>, later: &[usize], times: &[f64], gap: f64) {
    if let Some(first) = later.first() {
        earlier.truncate(earlier.partition_point(|row| times[*first] - times[*row] >= gap));
    }
}

fn in_row_order(mut parts: Splits<Vec<usize>>) -> Splits<Vec<usize>> {
    for part in [&mut parts.train, &mut parts.dev, &mut parts.test] {
        part.sort_unstable();
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::table_of;

    const COURSE: Splits<f64> = Splits { train: 0.6, dev: 0.2, test: 0.2 };

    fn numbers(range: std::ops::Range<usize>) -> Table {
        let rows: Vec<String> = range.map(|i| format!("{i},{}", i * i % 7)).collect();
        table_of(&format!("x,y\n{}", rows.join("\n")))
    }

    fn keys(table: &Table, seed: u64) -> Vec<u64> {
        row_keys(table, &(0..table.rows()).collect::<Vec<_>>(), &CellFormat::default(), seed)
    }

    #[test]
    fn the_courses_sizes() {
        let sizes = |rows| fractions(rows, false, false, &config::Split::default()).unwrap().0;
        assert_eq!((sizes(50_000).dev, sizes(50_000).test), (0.2, 0.2));
        assert!((sizes(60_000).dev * 60_000.0 - 10_000.0).abs() < 1e-6);
        assert!((sizes(10_000_000).test - 0.01).abs() < 1e-12);
        let (with_test, _) = fractions(1_000, false, true, &config::Split::default()).unwrap();
        assert_eq!((with_test.train, with_test.dev, with_test.test), (0.8, 0.2, 0.0));
        assert!(fractions(9, false, false, &config::Split::default()).unwrap_err().message.contains("10 or more"));
    }

    #[test]
    fn a_part_with_a_file_of_its_own_is_not_said_to_be_split_off() {
        let said = |own_dev, own_test| {
            let (_, decision) = fractions(1_000, own_dev, own_test, &config::Split::default()).unwrap();
            decision.map(|told| (told.what, told.why, told.instead.to_string()))
        };
        let three = |what: &str, why: &str, flag: &str| Some((what.into(), why.into(), flag.into()));
        assert_eq!(
            said(false, false),
            three("rows split 60/20/20 % into train, dev and test", "1000 rows are few", "--split 0.8,0.1,0.1")
        );
        assert_eq!(
            said(false, true),
            three(
                "rows split 80/20 % into train and dev",
                "1000 rows are few; test rows have a file of their own",
                "--split 0.9,0.1,0"
            )
        );
        assert_eq!(
            said(true, false),
            three(
                "rows split 80/20 % into train and test",
                "1000 rows are few; dev rows have a file of their own",
                "--split 0.9,0,0.1"
            )
        );
        assert_eq!(said(true, true), None);
    }

    #[test]
    fn wrong_fractions_are_told() {
        for split in [vec![0.5, 0.5], vec![0.5, 0.4, 0.4], vec![0.0, 0.5, 0.5], vec![f64::NAN, 0.5, 0.5]] {
            let options = config::Split { split: Some(split.clone()), ..Default::default() };
            assert!(fractions(100, false, false, &options).is_err(), "{split:?}");
        }
    }

    #[test]
    fn parts_are_disjoint_exact_and_stratified() {
        let table = numbers(0..1_000);
        let strata: Vec<usize> = (0..1_000).map(|row| usize::from(row % 10 == 0)).collect();
        let parts = by_key(&keys(&table, 1), &strata, COURSE, 1);
        assert_eq!((parts.train.len(), parts.dev.len(), parts.test.len()), (600, 200, 200));
        assert_eq!(parts.dev.iter().filter(|row| strata[**row] == 1).count(), 20);
        let mut all = [parts.train, parts.dev, parts.test].concat();
        all.sort_unstable();
        assert_eq!(all, (0..1_000).collect::<Vec<_>>());
    }

    #[test]
    fn an_added_row_moves_at_most_one_row_across_each_border() {
        let part = |parts: &Splits<Vec<usize>>, row| {
            if parts.test.contains(&row) { 2 } else { usize::from(parts.dev.contains(&row)) }
        };
        let split = |table: &Table| by_key(&keys(table, 3), &vec![0; table.rows()], COURSE, 3);
        let mut before = split(&numbers(0..100));
        for rows in 101..=140 {
            let after = split(&numbers(0..rows));
            let moved = (0..rows - 1).filter(|row| part(&before, *row) != part(&after, *row)).count();
            assert!(moved <= 2, "{moved} of {rows} rows moved");
            before = after;
        }
    }

    #[test]
    fn the_files_order_and_number_format_do_not_matter() {
        let rows = ["1,a", "2,b", "3,c", "4,d", "5,e", "6,f", "7,g", "8,h", "9,i", "10,j"];
        let test_cells = |rows: &[String]| {
            let table = table_of(&format!("x,y\n{}", rows.join("\n")));
            let parts = by_key(&keys(&table, 5), &[0; 10], COURSE, 5);
            let mut cells: Vec<String> = parts.test.iter().map(|row| table.columns[1].get(*row).to_string()).collect();
            cells.sort();
            cells
        };
        let plain = rows.map(String::from);
        let mut reversed: Vec<String> = plain.iter().map(|row| row.replace(',', ".0,")).collect();
        reversed.reverse();
        assert_eq!(test_cells(&plain), test_cells(&reversed));
    }

    #[test]
    fn equal_rows_are_divided_too() {
        let table = table_of(&format!("x,y{}", "\n1,2".repeat(100)));
        let parts = by_key(&keys(&table, 0), &[0; 100], COURSE, 0);
        assert_eq!((parts.dev.len(), parts.test.len()), (20, 20));
    }

    #[test]
    fn every_class_is_in_train_and_no_part_is_empty() {
        for seed in 0..50 {
            // Ten classes of one row, and one of three.
            let strata: Vec<usize> = (0..13).map(|row| row.min(10)).collect();
            let parts = by_key(&keys(&numbers(0..13), seed), &strata, COURSE, seed);
            for class in 0..=10 {
                assert!(parts.train.iter().any(|row| strata[*row] == class), "class {class}, seed {seed}");
            }
            assert!(!parts.dev.is_empty() && !parts.test.is_empty(), "seed {seed}");
        }
    }

    #[test]
    fn groups_are_not_torn_apart() {
        for (count, seed) in [(3, 0), (3, 1), (3, 2), (4, 3), (30, 4), (30, 5)] {
            let names: Vec<String> = (0..300).map(|row| format!("g{}", row % count)).collect();
            let groups: Vec<&str> = names.iter().map(String::as_str).collect();
            let parts = by_group(&groups, COURSE, seed).unwrap();
            let of = |rows: &[usize]| rows.iter().map(|row| row % count).collect::<std::collections::BTreeSet<_>>();
            let (train, dev, test) = (of(&parts.train), of(&parts.dev), of(&parts.test));
            assert!(train.is_disjoint(&dev) && train.is_disjoint(&test) && dev.is_disjoint(&test));
            assert!(!train.is_empty() && !dev.is_empty() && !test.is_empty(), "{count} groups, seed {seed}");
            if count == 30 {
                assert_eq!((train.len(), dev.len(), test.len()), (18, 6, 6));
            }
        }
        assert!(by_group(&["a", "b"], COURSE, 0).is_err());
    }

    #[test]
    fn the_latest_rows_are_test() {
        let times: Vec<f64> = [5, 3, 9, 1, 7, 2, 8, 0, 6, 4].map(f64::from).to_vec();
        let parts = by_time(&times, COURSE, 0.0);
        assert_eq!((parts.test, parts.dev), (vec![2, 6], vec![4, 8]));
        // Times 8 and 9 are test, 6 and 7 would be dev.
        let parts = by_time(&times, COURSE, 1.5);
        assert_eq!((parts.test, parts.dev, parts.train), (vec![2, 6], vec![0, 8], vec![1, 3, 5, 7]));
    }
}
