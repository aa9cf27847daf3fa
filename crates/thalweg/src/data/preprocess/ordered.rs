//! A column of ordered categories: a step up for each category that is passed.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{Cell, Encode, Value};
use crate::data::cell_format;

/// The encoding of categories l₀ < l₁ < … < l_T: input t is 1 if the category is above l_{t−1}, else 0 (a thermometer);
/// then, if it was missing in training rows, 1 where it is missing.
///
/// A missing or unknown category has the training rows' means as inputs. Neighbours differ in one input, so that what is
/// learned of one category holds for the next ones unless the data says otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ordered {
    /// The categories, the lowest first; case makes no difference.
    pub levels: Vec<String>,
    /// The share of training rows above each level but the last, which replaces a missing or unknown category.
    pub fill: Vec<f64>,
    /// Whether an input indicates that the cell was missing.
    pub indicator: bool,
}

impl Ordered {
    /// Fits to the training rows' cells.
    pub fn fit<'a>(cells: impl Iterator<Item = Option<impl Into<Cow<'a, str>>>>, levels: &[String]) -> Self {
        let mut ordered =
            Ordered { levels: levels.to_vec(), fill: vec![0.0; levels.len().saturating_sub(1)], indicator: false };
        let mut counts = vec![0.0; levels.len()];
        for cell in cells {
            match cell.map(Into::into) {
                Some(text) => ordered.rank(&text).into_iter().for_each(|rank| counts[rank] += 1.0),
                None => ordered.indicator = true,
            }
        }
        let known: f64 = counts.iter().sum();
        for (t, share) in ordered.fill.iter_mut().enumerate() {
            *share = counts[t + 1..].iter().sum::<f64>() / known.max(1.0);
        }
        ordered
    }

    /// The position of a category among the levels.
    pub fn rank(&self, text: &str) -> Option<usize> {
        let exactly = |text: &str| self.levels.iter().position(|level| level == text);
        let in_any_case = |text: &str| {
            let lower = text.to_lowercase();
            self.levels.iter().position(|level| level.to_lowercase() == lower)
        };
        let find = |text: &str| exactly(text).or_else(|| in_any_case(text));
        find(text).or_else(|| [".0", ",0"].into_iter().find_map(|zero| find(cell_format::without_zero(text, zero)?)))
    }
}

impl Encode for Ordered {
    fn names(&self, column: &str) -> Vec<String> {
        let below = self.levels.iter().take(self.fill.len());
        let mut names: Vec<String> = below.map(|level| format!("{column} > {level}")).collect();
        names.extend(self.indicator.then(|| format!("{column} missing")));
        names
    }

    fn width(&self) -> usize {
        self.fill.len() + usize::from(self.indicator)
    }

    fn write(&self, cell: Cell<'_>, out: &mut [f64]) -> Result<(), String> {
        let (steps, missing) = out.split_at_mut(self.fill.len());
        match cell.text().and_then(|text| self.rank(text)) {
            Some(rank) => steps.iter_mut().enumerate().for_each(|(t, step)| *step = f64::from(u8::from(rank > t))),
            None => steps.copy_from_slice(&self.fill),
        }
        missing.fill(f64::from(u8::from(cell == Cell::Missing)));
        Ok(())
    }

    fn read(&self, inputs: &[f32]) -> Value {
        let (steps, missing) = inputs.split_at(self.fill.len());
        if missing == [1.0] {
            return Value::Missing;
        }
        let rank = steps.iter().take_while(|step| **step == 1.0).count();
        let known = steps[rank..].iter().all(|step| *step == 0.0);
        Value::Category(if known { self.levels[rank].clone() } else { "(other)".into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(transform: &Ordered, cell: Cell) -> Vec<f64> {
        let mut out = vec![9.0; transform.width()];
        transform.write(cell, &mut out).unwrap();
        out
    }

    #[test]
    fn each_category_is_a_step_above_the_one_below() {
        let levels = ["small", "medium", "large"].map(String::from);
        let cells = [Some("small"), Some("Large"), None, Some("large"), Some("medium"), Some("huge")];
        let sizes = Ordered::fit(cells.into_iter(), &levels);
        assert_eq!(sizes.names("size"), ["size > small", "size > medium", "size missing"]);
        // Of four known cells three are above small, two above medium.
        assert_eq!(sizes.fill, [0.75, 0.5]);
        let rows = [
            (Cell::Text("small"), [0.0, 0.0, 0.0], Value::Category("small".into())),
            (Cell::Text("MEDIUM"), [1.0, 0.0, 0.0], Value::Category("medium".into())),
            (Cell::Text("large"), [1.0, 1.0, 0.0], Value::Category("large".into())),
            (Cell::Text("huge"), [0.75, 0.5, 0.0], Value::Category("(other)".into())),
            (Cell::Missing, [0.75, 0.5, 1.0], Value::Missing),
        ];
        for (cell, inputs, value) in rows {
            assert_eq!(encode(&sizes, cell), inputs, "{cell:?}");
            assert_eq!(sizes.read(&inputs.map(|x| x as f32)), value);
        }
    }

    #[test]
    fn whole_numbers_are_found_however_written() {
        let grades = Ordered::fit(["1", "2"].into_iter().map(Some), &["1", "2", "3"].map(String::from));
        assert_eq!(encode(&grades, Cell::Text("3.0")), [1.0, 1.0]);
        assert_eq!(encode(&grades, Cell::Missing), grades.fill[..]);
    }
}
