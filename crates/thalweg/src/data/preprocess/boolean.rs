//! A boolean column: 0 or 1.

use serde::{Deserialize, Serialize};

use super::{Cell, Encode};
use crate::data::notation::Notation;

/// Words for no and yes, in lower case.
const WORDS: [(&str, &str); 6] = [("false", "true"), ("no", "yes"), ("f", "t"), ("n", "y"), ("off", "on"), ("0", "1")];

/// What a boolean column becomes: 0 or 1, then, if training rows lacked it, 1 where it was missing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Boolean {
    /// The share of ones in the training rows, which stands in for a missing cell.
    pub fill: f64,
    /// Whether an input says that the cell was missing.
    pub indicator: bool,
}

/// The cell as 0 or 1, if it is a word for no or yes.
pub(crate) fn read(cell: &str) -> Option<bool> {
    WORDS.iter().find_map(|(no, yes)| {
        let is = |word: &str| word.eq_ignore_ascii_case(cell);
        is(no).then_some(false).or(is(yes).then_some(true))
    })
}

/// The number that a cell of a boolean column stands for: words for no and yes, or any number, since what looked
/// boolean in the training rows may be a count.
pub(crate) fn number(cell: &str, notation: &Notation) -> Option<f64> {
    read(cell).map(|yes| f64::from(u8::from(yes))).or_else(|| notation.number(cell)).filter(|x| x.is_finite())
}

impl Encode for Boolean {
    fn names(&self, column: &str) -> Vec<String> {
        let mut names = vec![column.to_string()];
        names.extend(self.indicator.then(|| format!("{column} missing")));
        names
    }

    fn write(&self, cell: Cell<'_>, out: &mut [f64]) -> Result<(), String> {
        out[0] = match cell.text {
            None => self.fill,
            Some(text) => number(text, cell.notation).ok_or("yes or no, true or false, 0 or 1")?,
        };
        if self.indicator {
            out[1] = f64::from(u8::from(cell.text.is_none()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_no_and_yes_are_read_in_any_case() {
        assert_eq!(read("TRUE"), Some(true));
        assert_eq!(read("No"), Some(false));
        assert_eq!(read("maybe"), None);
        assert_eq!(number("2", &Notation::default()), Some(2.0));
    }
}
