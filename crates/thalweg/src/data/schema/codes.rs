//! Columns whose cells look like numbers but are names: 01 and 1, 1.10 and 1.1, ids of twenty digits.

use crate::data::cell_format::CellFormat;

use super::column_stats::FEW;

/// Integers beyond this are not exact in f64.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Why numeric cells are treated as names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codes {
    /// Integers have leading zeros.
    LeadingZeros,
    /// The same number is written in several ways.
    Spellings,
    /// Integers are too large to be distinguished as f64.
    TooLarge,
}

impl Codes {
    /// The reason in words.
    pub(crate) fn why(self) -> &'static str {
        match self {
            Codes::LeadingZeros => "leading zeros",
            Codes::Spellings => "several spellings of one number",
            Codes::TooLarge => "whole numbers with too many digits to be told apart as numbers",
        }
    }
}

/// What the spellings of a column's numbers reveal.
#[derive(Debug, Default)]
pub(super) struct Spellings {
    leading_zeros: bool,
    several: bool,
    too_large: bool,
}

impl Spellings {
    /// Adds a number as written, with an earlier spelling of the same number.
    pub(super) fn see(&mut self, number: f64, cell: &str, earlier: Option<&str>, cell_format: &CellFormat) {
        let cell = cell.trim();
        let digits = cell.strip_prefix(['-', '+']).unwrap_or(cell).as_bytes();
        if digits.first() == Some(&b'0') && digits.len() > 1 {
            self.leading_zeros |= digits.iter().all(u8::is_ascii_digit);
        }
        self.too_large |= number.abs() > EXACT && digits.iter().all(u8::is_ascii_digit);
        if !self.several
            && let Some(earlier) = earlier
            && earlier.trim() != cell
        {
            self.several = cell_format.category(earlier) != cell_format.category(cell);
        }
    }

    /// Why the column, with this many distinct numbers, holds codes, if it does.
    pub(super) fn found(&self, distinct: usize) -> Option<Codes> {
        if self.too_large {
            Some(Codes::TooLarge)
        } else if self.leading_zeros {
            Some(Codes::LeadingZeros)
        } else {
            // Many distinct amounts, some as 2.5 and some as 2.50, are still amounts.
            (self.several && distinct <= FEW).then_some(Codes::Spellings)
        }
    }
}
