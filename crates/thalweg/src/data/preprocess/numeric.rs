//! A numeric column: impute, indicate, scale and, if asked, cut into piecewise-linear bins.

use serde::{Deserialize, Serialize};

use super::bins::Bins;
use super::quantiles::Quantiles;
use super::scale::{self, Scale};
use super::{Cell, Encode};
use crate::spec::{Impute, Normalise, Preprocess};

/// Inputs beyond this can only come from a number far outside the training data's range, and would overflow.
const LARGEST_INPUT: f64 = 1e30;

/// What a numeric column becomes: its scaled number, then 1 where it was missing, then its bins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Numeric {
    /// The number that stands in for a missing one.
    pub fill: f64,
    /// Whether an input says that the number was missing.
    pub indicator: bool,
    /// How the number is scaled.
    pub scale: Scale,
    /// The bins, if any.
    pub bins: Option<Bins>,
}

impl Numeric {
    /// Fits the training rows' observed numbers; `missing` says whether any training row lacks one.
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
            bins: Bins::fit(&mut quantiles, options.bins.unwrap_or(0)),
        }
    }
}

/// The finite number that a cell holds, if it is not missing, or what was expected.
pub(super) fn number(cell: Cell) -> Result<Option<f64>, String> {
    match cell {
        Cell::Missing => Ok(None),
        Cell::Number(x) if x.is_finite() => Ok(Some(x)),
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

    fn write(&self, cell: Cell<'_>, out: &mut [f64]) -> Result<(), String> {
        let x = number(cell)?.unwrap_or(self.fill);
        let scaled = self.scale.apply(x);
        if scaled.is_nan() || scaled.abs() > LARGEST_INPUT {
            return Err("a number nearer to the training rows' range".into());
        }
        out[0] = scaled;
        let mut next = 1;
        if self.indicator {
            out[next] = f64::from(u8::from(cell == Cell::Missing));
            next += 1;
        }
        if let Some(bins) = &self.bins {
            bins.write(x, &mut out[next..]);
        }
        Ok(())
    }
}
