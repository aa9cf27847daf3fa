//! A numeric column: impute, indicate, scale and, if requested, encode in piecewise-linear bins.

use serde::{Deserialize, Serialize};

use super::bins::Bins;
use super::quantiles::Quantiles;
use super::scale::{self, Scale};
use super::{Cell, Encode, NumberFormat, Value};
use crate::config::{Impute, Normalise, Preprocess};

/// Inputs beyond this can only come from a number far outside the training data's range, and would overflow.
const LARGEST_INPUT: f64 = 1e30;

/// The encoding of a numeric column: the scaled number, then 1 where it is missing, then its bins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Numeric {
    /// The number that replaces a missing one.
    pub fill: f64,
    /// Whether an input indicates that the number was missing.
    pub indicator: bool,
    /// How the number is scaled.
    pub scale: Scale,
    /// The bins, if any.
    pub bins: Option<Bins>,
    /// The number format of the cells, if not plain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<NumberFormat>,
    /// Numbers that mean "missing".
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sentinels: Vec<f64>,
    /// Whether a cell that is not a number counts as missing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lenient: bool,
    /// The minimum and maximum of the training rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<(f64, f64)>,
}

impl Numeric {
    /// Fits to the training rows' observed numbers; `missing` says whether any training row lacks one.
    pub fn fit(values: &[f64], missing: bool, options: &Preprocess) -> Self {
        let mut quantiles = Quantiles::new(values.to_vec());
        let automatic = if scale::has_far_outliers(&mut quantiles) { Normalise::Robust } else { Normalise::Standard };
        let fill = match options.impute {
            Impute::Mean => scale::mean_deviation(values.iter().copied()).0,
            Impute::Median => quantiles.at(0.5),
        };
        let scale = match options.normalise.unwrap_or(automatic) {
            Normalise::Robust => Scale::robust(&mut quantiles),
            other => Scale::fit(values.iter().copied(), other),
        };
        Numeric {
            fill,
            indicator: missing && options.missing_indicator,
            scale,
            bins: Bins::fit(values, options.bins.unwrap_or(0)),
            format: None,
            sentinels: Vec::new(),
            lenient: false,
            range: scale::range(values.iter().copied()),
        }
    }

    /// The same for cells in this format.
    #[must_use]
    pub(super) fn reading(self, cells: &Reading) -> Self {
        let Reading { format, sentinels, lenient } = cells.clone();
        Numeric { format, sentinels, lenient, ..self }
    }
}

/// How cells are read as numbers.
#[derive(Debug, Clone, Default)]
pub(super) struct Reading {
    pub(super) format: Option<NumberFormat>,
    pub(super) sentinels: Vec<f64>,
    pub(super) lenient: bool,
}

/// The finite number in a cell, if it is not missing, or what was expected.
pub(super) fn number(cell: Cell, sentinels: &[f64], lenient: bool) -> Result<Option<f64>, String> {
    match cell {
        Cell::Missing => Ok(None),
        Cell::Number(x) if sentinels.contains(&x) => Ok(None),
        Cell::Number(x) if x.is_finite() => Ok(Some(x)),
        Cell::Text(_) if lenient => Ok(None),
        _ => Err("a finite number".into()),
    }
}

impl Encode for Numeric {
    fn names(&self, column: &str) -> Vec<String> {
        let mut names = vec![column.to_string()];
        names.extend(self.indicator.then(|| format!("{column} missing")));
        if let Some(bins) = &self.bins {
            names.extend((1..=bins.count()).map(|bin| format!("{column} bin {bin}")));
        }
        names
    }

    fn width(&self) -> usize {
        1 + usize::from(self.indicator) + self.bins.as_ref().map_or(0, Bins::count)
    }

    fn write(&self, cell: Cell<'_>, out: &mut [f64]) -> Result<(), String> {
        let found = number(cell, &self.sentinels, self.lenient)?;
        let x = found.unwrap_or(self.fill);
        let scaled = self.scale.apply(x);
        if scaled.is_nan() || scaled.abs() > LARGEST_INPUT {
            return Err("a number nearer to the training rows' range".into());
        }
        out[0] = scaled;
        let mut next = 1;
        if self.indicator {
            out[next] = f64::from(u8::from(found.is_none()));
            next += 1;
        }
        if let Some(bins) = &self.bins {
            bins.write(x, &mut out[next..]);
        }
        Ok(())
    }

    fn read(&self, inputs: &[f32]) -> Value {
        if self.indicator && inputs[1] == 1.0 {
            return Value::Missing;
        }
        Value::Number(self.scale.invert(f64::from(inputs[0])))
    }
}
