//! The cell format: how the data writes numbers and missing cells.

use std::hash::BuildHasher;

use serde::{Deserialize, Serialize};

use crate::config;

/// Cells that mean "missing" unless the user names others; compared case-insensitively. Spreadsheets write those with
/// `#`, databases `\N`, pandas `<NA>`.
const MARKERS: [&str; 25] = [
    "na", "n/a", "nan", "null", "none", "?", "-", ".", "--", "---", "#n/a", "#n/a n/a", "#na", "#div/0!", "#value!",
    "#ref!", "#name?", "#num!", "#null!", "#error!", "\\n", "<na>", "n.a.", "-nan", "(null)",
];

/// How cells are read: which mean "missing", and how numbers are written.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CellFormat {
    /// Cells that mean "missing", in lower case; the empty cell always does.
    pub missing: Vec<String>,
    /// Whether numbers are written with a decimal comma.
    pub decimal_comma: bool,
}

impl Default for CellFormat {
    fn default() -> Self {
        CellFormat { missing: MARKERS.map(String::from).to_vec(), decimal_comma: false }
    }
}

impl CellFormat {
    /// The format that the options specify, with the usual markers by default.
    pub fn new(options: &config::Data) -> Self {
        let mut cell_format = CellFormat::default();
        if !options.missing.is_empty() {
            cell_format.missing = options.missing.iter().map(|marker| marker.trim().to_lowercase()).collect();
        }
        cell_format.decimal_comma = options.decimal_comma.unwrap_or(false);
        cell_format
    }

    /// The cell without surrounding blanks, or `None` if it means "missing".
    pub fn value<'a>(&self, cell: &'a str) -> Option<&'a str> {
        let cell = cell.trim();
        (!cell.is_empty() && !self.is_marker(cell)).then_some(cell)
    }

    /// The cell as a number, if it is one; it may be infinite or NaN where that is not a marker.
    pub fn number(&self, cell: &str) -> Option<f64> {
        if self.decimal_comma && cell.contains(',') {
            fast_float2::parse(cell.replace('.', "").replace(',', ".")).ok()
        } else {
            fast_float2::parse(cell).ok()
        }
    }

    /// The cell as a category: integers with a trailing ".0", as tools write them in columns with missing cells, are
    /// the same category as without.
    pub fn category<'a>(&self, cell: &'a str) -> Option<&'a str> {
        let cell = self.value(cell)?;
        Some(without_zero(cell, self.zero()).unwrap_or(cell))
    }

    /// A hash of the format.
    pub(super) fn hash(&self) -> u64 {
        foldhash::quality::FixedState::default().hash_one(self)
    }

    /// What tools append to integers in columns with missing cells.
    pub(crate) fn zero(&self) -> &'static str {
        if self.decimal_comma { ",0" } else { ".0" }
    }

    fn is_marker(&self, cell: &str) -> bool {
        self.missing.iter().any(|marker| marker.len() == cell.len() && marker.eq_ignore_ascii_case(cell))
    }
}

/// An integer that tools have written with a zero after the decimal point, without it.
pub(super) fn without_zero<'a>(cell: &'a str, zero: &str) -> Option<&'a str> {
    let digits = cell.strip_suffix(zero)?;
    digits.trim_start_matches('-').bytes().all(|b| b.is_ascii_digit()).then_some(digits)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Parses as the standard library does, bit for bit.
        #[test]
        fn numbers_are_the_standard_library_s(
            cell in "[-+]?[0-9]{0,20}(\\.[0-9]{0,20})?([eE][-+]?[0-9]{0,3})?|[-+]?(inf|NaN|Infinity)|[-+.eE_ 0-9a-f]{0,5}",
        ) {
            let expected = cell.parse().ok().map(f64::to_bits);
            prop_assert_eq!(CellFormat::default().number(&cell).map(f64::to_bits), expected);
        }
    }

    #[test]
    fn the_usual_markers_are_missing_in_any_case() {
        let cell_format = CellFormat::default();
        for cell in ["", "  ", "NA", "n/a", "NaN", "NULL", "None", " ? ", "-", "."] {
            assert_eq!(cell_format.value(cell), None, "{cell:?}");
        }
        assert_eq!(cell_format.value(" -1 "), Some("-1"));
    }

    #[test]
    fn given_markers_replace_the_usual_ones() {
        let cell_format = CellFormat::new(&config::Data { missing: vec!["-999".into()], ..Default::default() });
        assert_eq!(cell_format.value("-999"), None);
        assert_eq!(cell_format.value("?"), Some("?"));
        assert_eq!(cell_format.value(""), None);
    }

    #[test]
    fn whole_numbers_are_one_category_however_written() {
        let cell_format = CellFormat::default();
        assert_eq!(cell_format.category(" 3.0"), Some("3"));
        assert_eq!(cell_format.category("v3.0"), Some("v3.0"));
        assert_eq!(cell_format.category("3.10"), Some("3.10"));
    }

    #[test]
    fn reads_decimal_commas() {
        let cell_format = CellFormat { decimal_comma: true, ..Default::default() };
        assert_eq!(cell_format.number("1.234,5"), Some(1234.5));
        assert_eq!(cell_format.number("2.5"), Some(2.5));
    }
}
