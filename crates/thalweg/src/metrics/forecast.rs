//! How good forecasts are.
//!
//! With errors e = y − ŷ of n truths, and the scale s of a series, the mean absolute error of its seasonal naive forecast
//! on the training steps:
//!
//! ```text
//! MAE = Σ |e| / n   RMSE = √(Σ e² / n)   MASE = Σ (|e| / s) / n   sMAPE = 200 Σ (|e| / (|y| + |ŷ|)) / n
//! ```
//!
//! MASE is below 1 where forecasts are better than the naive one is of a step that was trained on (Hyndman and Koehler
//! 2006); sMAPE is in percent, and 0 where truth and forecast are 0 (Makridakis 1993).

use serde::{Deserialize, Serialize};

/// The errors of some forecasts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct ForecastErrors {
    /// Truths that forecasts were compared with.
    pub truths: usize,
    /// The mean absolute error, in the target's unit.
    pub mae: f64,
    /// The root mean squared error, in the target's unit.
    pub rmse: f64,
    /// The mean absolute scaled error.
    pub mase: f64,
    /// The symmetric mean absolute percentage error.
    pub smape: f64,
}

/// Sums of errors, which add up.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ErrorSums {
    truths: usize,
    absolute: f64,
    squared: f64,
    scaled: f64,
    symmetric: f64,
}

impl ErrorSums {
    /// Adds a forecast of a truth, in a series of a scale.
    pub(crate) fn add(&mut self, forecast: f64, truth: f64, scale: f64) {
        let error = (truth - forecast).abs();
        let size = truth.abs() + forecast.abs();
        self.truths += 1;
        self.absolute += error;
        self.squared += error * error;
        self.scaled += error / scale;
        self.symmetric += if size > 0.0 { 200.0 * error / size } else { 0.0 };
    }

    /// Adds those of other forecasts.
    pub(crate) fn join(&mut self, other: &ErrorSums) {
        self.truths += other.truths;
        self.absolute += other.absolute;
        self.squared += other.squared;
        self.scaled += other.scaled;
        self.symmetric += other.symmetric;
    }

    /// The mean errors; 0 without truths.
    pub(crate) fn errors(&self) -> ForecastErrors {
        let n = self.truths.max(1) as f64;
        ForecastErrors {
            truths: self.truths,
            mae: self.absolute / n,
            rmse: (self.squared / n).sqrt(),
            mase: self.scaled / n,
            smape: self.symmetric / n,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_by_their_formulas() {
        let mut sums = ErrorSums::default();
        sums.add(1.0, 4.0, 2.0);
        let mut more = ErrorSums::default();
        more.add(-5.0, -1.0, 4.0);
        more.add(0.0, 0.0, 1.0);
        sums.join(&more);
        // Errors 3, 4 and 0: (3 + 4)/3, √(25/3), (3/2 + 4/4)/3, 200·(3/5 + 4/6)/3.
        let errors = sums.errors();
        assert_eq!((errors.truths, errors.mase), (3, 2.5 / 3.0));
        assert!((errors.mae - 7.0 / 3.0).abs() < 1e-15 && (errors.rmse - (25.0_f64 / 3.0).sqrt()).abs() < 1e-15);
        assert!((errors.smape - 200.0 * (0.6 + 4.0 / 6.0) / 3.0).abs() < 1e-12);
        assert_eq!(ErrorSums::default().errors(), ForecastErrors::default());
    }
}
