//! Partial dependence: a model's mean answer along the values of one column.
//!
//! PD_j(v) = 1/n Σᵢ f(xᵢ with x_j = v) ("Greedy Function Approximation", Friedman 2001). The terms of the sum, each row's own
//! answers, are its ICE lines ("Peeking Inside the Black Box", Goldstein, Kapelner, Bleich and Pitkin 2015): where these
//! are not parallel, the column's effect depends on other columns, and the mean hides it.

use std::collections::BTreeMap;

use super::{Effort, Sample, columns};
use crate::data::preprocess::Value;
use crate::error::{Error, Result};
use crate::event::{Dependence, DependenceCurve, Grid};
use crate::model::{Model, points_in_units};
use crate::task::Task;

/// Values of a column of numbers, and of one of categories.
const POINTS: usize = 20;
const CATEGORIES: usize = 12;
/// The most rows that answers are averaged over, the fewest, and those whose own answers are kept.
const MOST_ROWS: usize = 500;
const FEWEST_ROWS: usize = 50;
const LINES: usize = 30;

/// The mean answer, and some rows' own, where the column at this index of [`super::columns`] has each of its values and
/// all else is as it is.
///
/// Values are the sample's own: of numbers and dates its quantiles, of categories the most frequent. Answers are
/// probabilities (of the second class, where there are two), or numbers in the target's units. Rows' own answers are kept
/// where there is one answer a row.
///
/// # Errors
/// If the model takes images or sounds, the sample has no value of the column, or an answer is not finite.
pub fn dependence(model: &Model, sample: &Sample, column: usize, effort: Effort) -> Result<Dependence> {
    let column_of = &columns(model)?[column];
    let inputs = column_of.inputs.clone();
    let values: Vec<Value> =
        (0..sample.rows()).map(|row| model.pipeline.value(column, &sample.row(row)[inputs.clone()])).collect();
    let numbers = numbers(&values);
    let (grid, from) = if numbers.is_empty() { categories(&values) } else { quantiles(&numbers) };
    if from.is_empty() {
        let error = Error::data(format!("no row has a value of the column {:?}", column_of.name));
        return Err(error.fix("give rows that have one"));
    }
    let most = (effort.rows(model) / from.len()).clamp(FEWEST_ROWS, MOST_ROWS);
    let rows = sample.spread(most);
    let (target, outputs) = (&model.target, model.target.points_per_row());
    let mut x = rows.x.clone();
    let width = x.len() / rows.rows();
    // Answers, grid × rows × outputs.
    let mut answers = Vec::with_capacity(from.len());
    for row in from {
        let value = &sample.row(row)[inputs.clone()];
        x.chunks_exact_mut(width).for_each(|x| x[inputs.clone()].copy_from_slice(value));
        let found = model.finite_outputs(&x, effort.precision, &|row| format!("sampled row {}", row + 1))?;
        answers.push(points_in_units(target, &found));
    }
    let names: Vec<&String> = match target.task {
        Task::Binary => target.classes.iter().skip(1).collect(),
        Task::Multiclass | Task::Multilabel => target.classes.iter().collect(),
        Task::Regression => target.columns.iter().collect(),
    };
    let lines = if outputs == 1 { LINES.min(rows.rows()) } else { 0 };
    let curve = |(k, name): (usize, &String)| DependenceCurve {
        output: name.clone(),
        mean: answers.iter().map(|all| all[k..].iter().step_by(outputs).sum::<f64>() / rows.rows() as f64).collect(),
        rows: (0..lines)
            .map(|line| answers.iter().map(|all| all[line * rows.rows() / lines * outputs + k] as f32).collect())
            .collect(),
    };
    Ok(Dependence {
        column: column_of.name.clone(),
        rows: rows.rows(),
        grid,
        curves: names.into_iter().enumerate().map(curve).collect(),
        deciles: (1..10).filter_map(|tenth| Some(numbers.get(tenth * numbers.len().checked_sub(1)? / 10)?.0)).collect(),
    })
}

/// The numbers in ascending order, each with the first row that has it; as often as there are rows with it.
fn numbers(values: &[Value]) -> Vec<(f64, usize)> {
    let number = |(row, value): (usize, &Value)| match value {
        Value::Number(x) => Some((rounded(*x), row)),
        _ => None,
    };
    let mut numbers: Vec<(f64, usize)> = values.iter().enumerate().filter_map(number).collect();
    numbers.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    numbers
}

/// A number without the noise of inputs' 24 bits: 37, and not 37.000001.
fn rounded(x: f64) -> f64 {
    format!("{x:.5e}").parse().unwrap_or(x)
}

/// Values at evenly spaced quantiles, or all where they are few, and a row that has each.
fn quantiles(numbers: &[(f64, usize)]) -> (Grid, Vec<usize>) {
    let mut distinct = numbers.to_vec();
    distinct.dedup_by(|b, a| a.0 == b.0);
    if distinct.len() > POINTS {
        let last = numbers.len() - 1;
        distinct = (0..POINTS).map(|i| numbers[(i * last + (POINTS - 1) / 2) / (POINTS - 1)]).collect();
        distinct.dedup_by(|b, a| a.0 == b.0);
    }
    let (values, rows) = distinct.into_iter().unzip();
    (Grid::Numbers(values), rows)
}

/// The most frequent categories, and a row that has each.
fn categories(values: &[Value]) -> (Grid, Vec<usize>) {
    let mut found = BTreeMap::<&str, (usize, usize)>::new();
    for (row, value) in values.iter().enumerate() {
        let name = match value {
            Value::Category(name) => name.as_str(),
            Value::Missing => "(missing)",
            Value::Number(_) | Value::Text => continue,
        };
        found.entry(name).or_insert((0, row)).0 += 1;
    }
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
    found.truncate(CATEGORIES);
    let (names, rows) = found.into_iter().map(|(name, (_, row))| (name.to_string(), row)).unzip();
    (Grid::Categories(names), rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grids_are_quantiles_of_numbers_and_frequent_categories() {
        let all: Vec<Value> =
            (0..=190).rev().map(|x| Value::Number(f64::from(x) / 3.0)).chain([Value::Missing]).collect();
        let (Grid::Numbers(grid), rows) = quantiles(&numbers(&all)) else { panic!("numbers") };
        assert_eq!((grid.len(), grid[0], grid[1], grid[19]), (20, 0.0, 3.33333, 63.3333));
        assert_eq!((rows[0], rows[19]), (190, 0));
        let few = [2.0, 1.0, 2.0, 37.000_001].map(Value::Number);
        assert_eq!(quantiles(&numbers(&few)), (Grid::Numbers(vec![1.0, 2.0, 37.0]), vec![1, 0, 3]));
        let category = |name: &str| Value::Category(name.into());
        let (grid, rows) = categories(&[category("b"), category("a"), Value::Missing, category("b")]);
        assert_eq!(grid, Grid::Categories(["b", "(missing)", "a"].map(String::from).into()));
        assert_eq!(rows, [0, 2, 1]);
    }
}
