//! Permutation importance: how much worse a model answers where one column tells it nothing.
//!
//! A column's values are shuffled among the rows, which keeps their distribution and takes away what they tell of the
//! answer: I_j = E[L(y, f(x with x_j of another row))] − E[L(y, f(x))] ("Random Forests", Breiman 2001; the model reliance
//! of "All Models are Wrong, but Many are Useful", Fisher, Rudin and Dominici 2019, as a difference).

use std::ops::Range;

use super::{Effort, Sample, columns};
use crate::data::preprocess::InputColumn;
use crate::error::{Error, Result};
use crate::event::{ColumnImportance, Importance};
use crate::metrics::{self, RowLosses};
use crate::model::{Model, in_units, points_in_units};
use crate::random;

/// The most rows whose values are shuffled, and the fewest rows and shuffles that are worth it.
const MOST_ROWS: usize = 2_000;
const FEWEST_ROWS: usize = 200;
const FEWEST_REPEATS: usize = 3;

/// How much the log loss (classes, labels) or the RMSE (numbers, in their units) grows where each column's values are
/// shuffled among rows with known answers.
///
/// Where all columns are more than the effort allows, there are fewer shuffles, then rows, then columns.
///
/// # Errors
/// If the model takes images or sounds, there is no row with a known answer, or an answer is not finite.
pub fn importance(model: &Model, sample: &Sample, effort: Effort) -> Result<Importance> {
    let columns = columns(model)?;
    if sample.rows() == 0 || sample.y.is_empty() {
        let error = Error::data("there is no row whose answer is known, and importance is measured on such rows");
        return Err(error.fix("give rows with their answers"));
    }
    let plan = ShufflePlan::new(sample.rows(), columns.len(), effort.repeats, effort.rows(model));
    let rows = sample.spread(plan.rows);
    let (target, outputs) = (&model.target, model.target.points_per_row());
    let truths: Vec<f64> = in_units(target, rows.y.iter().map(|y| f64::from(*y))).collect();
    let weights: Option<Vec<f64>> = rows.weights.as_ref().map(|all| all.iter().map(|w| f64::from(*w)).collect());
    let losses = RowLosses::new(target.task, outputs, &truths, weights.as_deref());
    let answers = |x: &[f32]| -> Result<Vec<f64>> {
        let outputs = model.finite_outputs(x, effort.precision, &|row| format!("sampled row {}", row + 1))?;
        Ok(points_in_units(target, &outputs))
    };
    let before = answers(&rows.x)?;
    let mut shuffled = rows.x.clone();
    let mut found = Vec::with_capacity(plan.columns);
    for (j, InputColumn { name, inputs }) in columns.iter().take(plan.columns).enumerate() {
        let mut after = Vec::with_capacity(plan.repeats);
        for repeat in 0..plan.repeats {
            let order = random::explain(effort.seed, (j * plan.repeats + repeat) as u32).permutation(plan.rows);
            take(&mut shuffled, &rows, inputs, |row| order[row] as usize);
            after.push(answers(&shuffled)?);
        }
        take(&mut shuffled, &rows, inputs, |row| row);
        found.push(ColumnImportance { column: name.clone(), growth: losses.growth(&before, &after) });
    }
    // Equally important columns stay in the data's order.
    found.sort_by(|a, b| b.growth.value.total_cmp(&a.growth.value));
    Ok(Importance {
        part: String::new(),
        rows: plan.rows,
        rows_in_all: sample.rows_in_all(),
        repeats: plan.repeats,
        metric: metrics::objective(target.task).into(),
        value: losses.value(&before),
        columns: found,
        columns_left_out: columns.len() - plan.columns,
    })
}

/// Gives each row of x the inputs at these positions of another row.
fn take(x: &mut [f32], rows: &Sample, inputs: &Range<usize>, from: impl Fn(usize) -> usize) {
    let width = x.len() / rows.rows().max(1);
    for (row, x) in x.chunks_exact_mut(width.max(1)).enumerate() {
        x[inputs.clone()].copy_from_slice(&rows.row(from(row))[inputs.clone()]);
    }
}

/// What is shuffled.
#[derive(Debug, PartialEq)]
struct ShufflePlan {
    rows: usize,
    columns: usize,
    repeats: usize,
}

impl ShufflePlan {
    /// As much as may be, if `affordable` rows may go through the model.
    fn new(rows: usize, columns: usize, most_repeats: usize, affordable: usize) -> ShufflePlan {
        let rows = rows.min(MOST_ROWS);
        let few = FEWEST_REPEATS.min(most_repeats).max(1);
        let repeats = (affordable / (rows * columns).max(1)).clamp(few, most_repeats.max(1));
        let rows = (affordable / (repeats * columns).max(1)).clamp(FEWEST_ROWS.min(rows), rows);
        let columns = (affordable / (repeats * rows)).clamp(1.min(columns), columns);
        ShufflePlan { rows, columns, repeats }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_effort_is_kept_by_fewer_shuffles_then_rows_then_columns() {
        let plan = |rows, columns, affordable| {
            let ShufflePlan { rows, columns, repeats } = ShufflePlan::new(rows, columns, 10, affordable);
            (rows, columns, repeats)
        };
        assert_eq!(plan(360, 64, usize::MAX), (360, 64, 10));
        assert_eq!(plan(1_000_000, 5, usize::MAX), (2_000, 5, 10));
        assert_eq!(plan(1_000, 10, 50_000), (1_000, 10, 5));
        assert_eq!(plan(1_000, 10, 15_000), (500, 10, 3));
        assert_eq!(plan(1_000, 100, 15_000), (200, 25, 3));
        assert_eq!(plan(50, 100, 0), (50, 1, 3));
        assert_eq!(ShufflePlan::new(1_000, 10, 1, 15_000).repeats, 1);
    }
}
