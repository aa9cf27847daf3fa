//! Rows that are alike: with the same inputs, and how much one column alone tells of the answer.

use std::collections::HashMap;

use super::reading::{Cell, Readings};
use super::schema::{Role, Schema};
use super::split;
use super::table::Table;

/// Rows that one column is judged on, at most.
const ROWS: usize = 100_000;

/// A column that leaves less than this share open is suspicious.
pub(crate) const TELLING: f64 = 0.02;

/// What rows are to be told by their columns: classes, or numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Labels<'a> {
    Classes(&'a [usize]),
    Numbers(&'a [f64]),
}

/// Groups of two or more of these rows with equal cells in all input columns, in the order of the data.
pub(crate) fn equal_inputs(table: &Table, schema: &Schema, rows: &[usize]) -> Vec<Vec<usize>> {
    let inputs = schema.with_role(Role::Feature).filter_map(|column| table.position(&column.name));
    let columns: Vec<usize> = inputs.collect();
    let inputs = Table {
        names: columns.iter().map(|column| table.names[*column].clone()).collect(),
        columns: columns.iter().map(|column| table.columns[*column].clone()).collect(),
        ..table.select(&[])
    };
    let hashes = split::contents(&inputs, rows, table.cell_format(&schema.cell_format), 0);
    let mut groups: HashMap<u64, Vec<usize>, foldhash::fast::RandomState> = HashMap::default();
    rows.iter().zip(hashes).for_each(|(row, hash)| groups.entry(hash).or_default().push(*row));
    let mut groups: Vec<Vec<usize>> = groups.into_values().filter(|rows| rows.len() > 1).collect();
    groups.sort_unstable();
    groups
}

/// The share of what is to be explained that a column alone leaves open: each row is answered from the others with the
/// same value or, if there are none, from those with the next lower and the next higher number. Of classes it is the share
/// of wrong answers over that of the most frequent class, of numbers Σ(y − ŷ)² / Σ(y − ȳ)²: from 0, where the column tells
/// all, to 1 and more. None where all answers are equal.
pub(crate) fn left_open(table: &Table, schema: &Schema, column: usize, rows: &[usize], answer: Labels) -> Option<f64> {
    let cells = table.columns[column].readings(table.cell_format(&schema.cell_format));
    let every = rows.len().div_ceil(ROWS).max(1);
    let at: Vec<usize> = (0..rows.len()).step_by(every).collect();
    let groups = by_value(&cells, rows, &at);
    match answer {
        Labels::Classes(classes) => classes_left_open(&groups, at.len(), classes),
        Labels::Numbers(numbers) => numbers_left_open(&groups, &at, numbers),
    }
}

/// Positions with one value, in order; the value of numbers.
type Group = (Option<f64>, Vec<usize>);

fn by_value(cells: &Readings, rows: &[usize], at: &[usize]) -> Vec<Group> {
    let mut numbers: Vec<(f64, usize)> = Vec::new();
    let mut others: HashMap<Option<&str>, Vec<usize>, foldhash::fast::RandomState> = HashMap::default();
    for &position in at {
        match cells.get(rows[position]) {
            Cell::Number(x) if x.is_finite() => numbers.push((x, position)),
            Cell::Text(text) => others.entry(Some(text)).or_default().push(position),
            _ => others.entry(None).or_default().push(position),
        }
    }
    numbers.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let groups = numbers.chunk_by(|a, b| a.0 == b.0);
    let groups = groups.map(|group| (Some(group[0].0), group.iter().map(|(_, position)| *position).collect()));
    groups.chain(others.into_values().map(|positions| (None, positions))).collect()
}

/// The neighbours of a group among numbers.
fn neighbours(groups: &[Group], i: usize) -> impl Iterator<Item = (f64, &[usize])> {
    let of = |i: Option<usize>| {
        let (value, positions) = groups.get(i?)?;
        Some(((*value)?, &positions[..]))
    };
    let is_number = groups[i].0.is_some();
    [of(i.checked_sub(1)), of(Some(i + 1))].into_iter().flatten().filter(move |_| is_number)
}

fn classes_left_open(groups: &[Group], rows: usize, classes: &[usize]) -> Option<f64> {
    let count = classes.iter().max()? + 1;
    let counts = |positions: &[usize]| {
        let mut counts = vec![0_usize; count];
        positions.iter().for_each(|position| counts[classes[*position]] += 1);
        counts
    };
    let most = |counts: &[usize]| (0..count).rev().max_by_key(|class| counts[*class]).unwrap_or_default();
    let all: Vec<usize> = groups.iter().flat_map(|(_, positions)| positions.iter().copied()).collect();
    let all = counts(&all);
    let usual = most(&all);
    let mut wrong = 0;
    for (i, (value, positions)) in groups.iter().enumerate() {
        let mut own = counts(positions);
        for position in positions {
            let class = classes[*position];
            let answer = if positions.len() > 1 {
                own[class] -= 1;
                let answer = most(&own);
                own[class] += 1;
                answer
            } else {
                let distance = |(other, _): &(f64, &[usize])| (other - value.unwrap_or_default()).abs();
                let nearest = neighbours(groups, i).min_by(|a, b| distance(a).total_cmp(&distance(b)));
                nearest.map_or(usual, |(_, positions)| most(&counts(positions)))
            };
            wrong += usize::from(answer != class);
        }
    }
    let baseline = rows - all[usual];
    (baseline > 0).then(|| wrong as f64 / baseline as f64)
}

fn numbers_left_open(groups: &[Group], at: &[usize], numbers: &[f64]) -> Option<f64> {
    let sum = |positions: &[usize]| positions.iter().map(|position| numbers[*position]).sum::<f64>();
    let mean = sum(at) / at.len().max(1) as f64;
    let mut squares = 0.0;
    for (i, (value, positions)) in groups.iter().enumerate() {
        let own = sum(positions);
        for position in positions {
            let y = numbers[*position];
            let answer = if positions.len() > 1 {
                (own - y) / (positions.len() - 1) as f64
            } else {
                let x = value.unwrap_or_default();
                let near: Vec<(f64, f64)> =
                    neighbours(groups, i).map(|(x, positions)| (x, sum(positions) / positions.len() as f64)).collect();
                match near[..] {
                    [(low, from), (high, to)] => from + (to - from) * (x - low) / (high - low),
                    [(_, only)] => only,
                    _ => mean,
                }
            };
            squares += (y - answer).powi(2);
        }
    }
    let total: f64 = at.iter().map(|position| (numbers[*position] - mean).powi(2)).sum();
    (total > 0.0).then(|| squares / total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, Config};
    use crate::data::table_of;

    fn read(csv: &str) -> (Table, Schema, Vec<usize>) {
        let table = table_of(csv);
        let data = config::Data { target: vec!["y".into()], id: vec!["id".into()], ..Default::default() };
        let (schema, _) = Schema::infer(&table, &Config { data, ..Config::default() }).unwrap();
        let rows = (0..table.rows()).collect();
        (table, schema, rows)
    }

    #[test]
    fn rows_are_alike_whatever_their_id_and_answer() {
        let (table, schema, rows) =
            read("id,a,b,y\n1,5,x,p\n2,5.0,x,q\n3,6,x,p\n4,5,,p\n5,6,x,p\n6,7,z,q\n7,8,z,p\n8,5,x,p");
        assert_eq!(equal_inputs(&table, &schema, &rows), [vec![0, 1, 7], vec![2, 4]]);
    }

    #[test]
    fn a_column_that_tells_the_answer_leaves_nothing_open() {
        let line = |i: usize| {
            let y = i * 37 % 101;
            // A number, a class, the number in other units, letters for classes, and noise.
            let (class, letter) = (if y > 40 { "high" } else { "low" }, ["u", "v"][usize::from(y > 40)]);
            format!("\n{i},{},{letter},{},{class}", 3 * y + 1, i * 53 % 89)
        };
        let csv = String::from("id,scaled,letter,noise,y") + &(0..101).map(line).collect::<String>();
        let (table, schema, rows) = read(&csv);
        let numbers: Vec<f64> = rows.iter().map(|i| (i * 37 % 101) as f64).collect();
        let classes: Vec<usize> = numbers.iter().map(|y| usize::from(*y > 40.0)).collect();
        let of = |name: &str, answer| left_open(&table, &schema, table.position(name).unwrap(), &rows, answer).unwrap();
        // One row beside the border between the classes may be taken for the other one.
        assert!(of("scaled", Labels::Classes(&classes)) <= 2.0 / 41.0);
        assert_eq!(of("letter", Labels::Classes(&classes)), 0.0);
        assert!(of("noise", Labels::Classes(&classes)) > 0.5);
        // Only the ends are not between two others.
        assert!(of("scaled", Labels::Numbers(&numbers)) < 1e-4);
        assert!(of("noise", Labels::Numbers(&numbers)) > 0.5);
        assert_eq!(left_open(&table, &schema, 1, &rows, Labels::Numbers(&[2.0; 101])), None);
    }
}
