//! A boolean column: 0 or 1.

use serde::{Deserialize, Serialize};

use super::{Cell, Encode, Value};
use crate::data::boolean_words::read;

/// The encoding of a boolean column: 0 or 1, then, if it was missing in training rows, 1 where it is missing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Boolean {
    /// The share of ones in the training rows, which replaces a missing cell.
    pub fill: f64,
    /// Whether an input indicates that the cell was missing.
    pub indicator: bool,
}

/// The value of a boolean cell, if it is not missing, or what was expected: words for no and yes, or any number, since
/// what looked boolean in the training rows may be a count.
pub(super) fn number(cell: Cell) -> Result<Option<f64>, String> {
    let number = match cell {
        Cell::Missing => return Ok(None),
        Cell::Number(x) => Some(x).filter(|x| x.is_finite()),
        Cell::Text(word) => read(word).map(|yes| f64::from(u8::from(yes))),
    };
    number.map(Some).ok_or_else(|| "yes or no, true or false, 0 or 1".into())
}

impl Encode for Boolean {
    fn names(&self, column: &str) -> Vec<String> {
        let mut names = vec![column.to_string()];
        names.extend(self.indicator.then(|| format!("{column} missing")));
        names
    }

    fn width(&self) -> usize {
        1 + usize::from(self.indicator)
    }

    fn write(&self, cell: Cell<'_>, out: &mut [f64]) -> Result<(), String> {
        out[0] = number(cell)?.unwrap_or(self.fill);
        if self.indicator {
            out[1] = f64::from(u8::from(cell == Cell::Missing));
        }
        Ok(())
    }

    fn read(&self, inputs: &[f32]) -> Value {
        let filled = inputs[0] == self.fill as f32 && ![0.0, 1.0].contains(&inputs[0]);
        if filled || (self.indicator && inputs[1] == 1.0) {
            return Value::Missing;
        }
        Value::Category(inputs[0].to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_are_read() {
        assert_eq!(number(Cell::Text("on")), Ok(Some(1.0)));
        assert_eq!(number(Cell::Number(2.0)), Ok(Some(2.0)));
        assert!(number(Cell::Text("2x")).is_err());
    }
}
