//! A boolean column: 0 or 1.

use serde::{Deserialize, Serialize};

use super::{Cell, Encode};

/// Words for no and yes, in lower case.
pub(crate) const WORDS: [(&str, &str); 6] =
    [("false", "true"), ("no", "yes"), ("f", "t"), ("n", "y"), ("off", "on"), ("0", "1")];

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

/// The number that a cell of a boolean column stands for, if it is not missing, or what was expected: words for no and
/// yes, or any number, since what looked boolean in the training rows may be a count.
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_no_and_yes_are_read_in_any_case() {
        assert_eq!(read("TRUE"), Some(true));
        assert_eq!(read("No"), Some(false));
        assert_eq!(read("maybe"), None);
        assert_eq!(number(Cell::Text("on")), Ok(Some(1.0)));
        assert_eq!(number(Cell::Number(2.0)), Ok(Some(2.0)));
        assert!(number(Cell::Text("2x")).is_err());
    }
}
