//! A categorical column: one-hot inputs, or a code that an embedding layer looks up.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{Cell, Encode, Value};
use crate::data::cell_format;

/// The categories seen often enough in the training rows, in byte order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Categories {
    /// The categories; slot i + 1 is the i-th.
    pub values: Vec<String>,
    /// Whether the cell was missing in training rows: "missing" is then the last slot.
    pub missing: bool,
    /// Whether some training categories were too rare for a slot of their own.
    pub rare: bool,
}

impl Categories {
    /// The training rows' categories that occur at least `rare_below` times.
    pub fn fit<'a>(cells: impl Iterator<Item = Option<impl Into<Cow<'a, str>>>>, rare_below: usize) -> Self {
        let (mut counts, mut missing) = (HashMap::<Cow<str>, usize>::new(), false);
        for cell in cells {
            match cell {
                Some(text) => *counts.entry(text.into()).or_default() += 1,
                None => missing = true,
            }
        }
        let seen = counts.len();
        let mut values: Vec<String> =
            counts.into_iter().filter(|(_, count)| *count >= rare_below).map(|(text, _)| text.into_owned()).collect();
        values.sort_unstable();
        Categories { rare: values.len() < seen, values, missing }
    }

    /// The number of slots: slot 0 for unseen and rare categories, one per category, then "missing" if training rows
    /// had it.
    pub fn slots(&self) -> usize {
        1 + self.values.len() + usize::from(self.missing)
    }

    /// The slot of a cell; a missing one counts as unseen if it was never missing in training rows.
    pub fn slot(&self, cell: Option<&str>) -> usize {
        match cell {
            None => {
                if self.missing {
                    self.slots() - 1
                } else {
                    0
                }
            }
            Some(text) => {
                let find = |text: &str| self.values.binary_search_by(|value| value.as_str().cmp(text)).ok();
                let without = || [".0", ",0"].into_iter().find_map(|zero| find(cell_format::without_zero(text, zero)?));
                find(text).or_else(without).map_or(0, |i| i + 1)
            }
        }
    }

    /// What a slot stands for.
    fn value(&self, slot: usize) -> Value {
        match slot.checked_sub(1) {
            None => Value::Category("(other)".into()),
            Some(i) => self.values.get(i).map_or(Value::Missing, |value| Value::Category(value.clone())),
        }
    }
}

/// One input per slot, 1 in the cell's slot. Slot 0 only gets an input if training rows used it (rare categories);
/// otherwise an unseen category is all zeros, rather than a weight that was never trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OneHot {
    /// The categories.
    pub categories: Categories,
}

impl Encode for OneHot {
    fn names(&self, column: &str) -> Vec<String> {
        let Categories { values, missing, rare } = &self.categories;
        let mut names: Vec<String> = rare.then(|| format!("{column} = (rare)")).into_iter().collect();
        names.extend(values.iter().map(|value| format!("{column} = {value}")));
        names.extend(missing.then(|| format!("{column} missing")));
        names
    }

    fn width(&self) -> usize {
        let Categories { values, missing, rare } = &self.categories;
        values.len() + usize::from(*missing) + usize::from(*rare)
    }

    fn write(&self, cell: Cell<'_>, out: &mut [f64]) -> Result<(), String> {
        out.fill(0.0);
        let skipped = usize::from(!self.categories.rare);
        if let Some(hot) = self.categories.slot(cell.text()).checked_sub(skipped) {
            out[hot] = 1.0;
        }
        Ok(())
    }

    fn read(&self, inputs: &[f32]) -> Value {
        let skipped = usize::from(!self.categories.rare);
        self.categories.value(inputs.iter().position(|x| *x == 1.0).map_or(0, |hot| hot + skipped))
    }
}

/// One input, the cell's slot as a number; the network looks up a learned vector of `dimension` elements.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Embedding {
    /// The categories.
    pub categories: Categories,
    /// The suggested length of a slot's vector: min(50, ⌈1.6 · slots^0.56⌉).
    pub dimension: usize,
}

impl Embedding {
    /// An embedding of these categories with the suggested dimension.
    pub fn new(categories: Categories) -> Self {
        let dimension = (1.6 * (categories.slots() as f64).powf(0.56)).ceil() as usize;
        Embedding { categories, dimension: dimension.min(50) }
    }
}

impl Encode for Embedding {
    fn names(&self, column: &str) -> Vec<String> {
        vec![format!("{column} (code)")]
    }

    fn width(&self) -> usize {
        1
    }

    fn write(&self, cell: Cell<'_>, out: &mut [f64]) -> Result<(), String> {
        out[0] = self.categories.slot(cell.text()) as f64;
        Ok(())
    }

    fn read(&self, inputs: &[f32]) -> Value {
        self.categories.value(inputs[0] as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_hot(cells: &[Option<&str>], rare_below: usize) -> OneHot {
        OneHot { categories: Categories::fit(cells.iter().copied(), rare_below) }
    }

    fn encode(transform: &dyn Encode, text: Option<&str>) -> Vec<f64> {
        let mut out = vec![9.0; transform.names("c").len()];
        transform.write(text.map_or(Cell::Missing, Cell::Text), &mut out).unwrap();
        out
    }

    #[test]
    fn unseen_categories_are_all_zeros_where_none_was_rare() {
        let transform = one_hot(&[Some("b"), Some("a"), None, Some("a"), Some("b")], 2);
        assert_eq!(transform.names("c"), ["c = a", "c = b", "c missing"]);
        assert_eq!(encode(&transform, Some("a")), [1.0, 0.0, 0.0]);
        assert_eq!(encode(&transform, None), [0.0, 0.0, 1.0]);
        assert_eq!(encode(&transform, Some("z")), [0.0, 0.0, 0.0]);
    }

    #[test]
    fn rare_categories_share_the_unseen_slot() {
        let transform = one_hot(&[Some("a"), Some("a"), Some("once")], 2);
        assert_eq!(transform.names("c"), ["c = (rare)", "c = a"]);
        assert_eq!(encode(&transform, Some("once")), [1.0, 0.0]);
        assert_eq!(encode(&transform, Some("z")), [1.0, 0.0]);
        assert_eq!(encode(&transform, None), [1.0, 0.0]);
    }

    #[test]
    fn codes_start_at_the_reserved_slot() {
        let transform = Embedding::new(Categories::fit([Some("a"), Some("b"), None].into_iter(), 1));
        assert_eq!(transform.categories.slots(), 4);
        let codes = [Some("z"), Some("a"), Some("b"), None].map(|cell| encode(&transform, cell)[0]);
        assert_eq!(codes, [0.0, 1.0, 2.0, 3.0]);
        // 1.6 · 4^0.56 = 3.48
        assert_eq!(transform.dimension, 4);
    }
}
