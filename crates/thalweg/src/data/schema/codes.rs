//! Columns whose cells look like numbers and are names: 01 and 1, 1.10 and 1.1, ids of twenty digits.

use crate::data::cell_format::CellFormat;

use super::column_stats::FEW;

/// Whole numbers beyond this are not exact as 64-bit floating-point numbers.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Why cells that are numbers are taken as names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codes {
    /// Whole numbers begin with zeros.
    LeadingZeros,
    /// One number is written in several ways.
    Spellings,
    /// Whole numbers are too large to be told apart as numbers.
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

/// What the spellings of a column's numbers show.
#[derive(Debug, Default)]
pub(super) struct Spellings {
    leading_zeros: bool,
    several: bool,
    too_large: bool,
}

impl Spellings {
    /// Takes in a number as it is written, beside an earlier spelling of the same one.
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

    /// Why the column, of so many different numbers, is one of codes, if it is.
    pub(super) fn found(&self, distinct: usize) -> Option<Codes> {
        if self.too_large {
            Some(Codes::TooLarge)
        } else if self.leading_zeros {
            Some(Codes::LeadingZeros)
        } else {
            // Many different amounts, some as 2.5 and some as 2.50, are amounts all the same.
            (self.several && distinct <= FEW).then_some(Codes::Spellings)
        }
    }
}
