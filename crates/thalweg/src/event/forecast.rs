//! What a rolling evaluation of forecasts has found.

use serde::{Deserialize, Serialize};

use crate::metrics::ForecastErrors;

/// Forecasts from every step of test (or dev, where there is no test part) beside simple ones, each made from the steps
/// before alone.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ForecastScores {
    /// The part: `test` or `dev`.
    pub part: String,
    /// The column that is forecast.
    pub target: String,
    /// A step in words: `day`.
    pub step: String,
    /// Steps after which series repeat themselves, of the seasonal naive forecast.
    pub season: usize,
    /// How many steps were forecast from.
    pub origins: usize,
    /// The model, and then simple forecasts.
    pub forecasters: Vec<Forecaster>,
    /// The share of truths that the band is to hold.
    pub level: f64,
    /// The share of truths that it holds, in all and for each step; empty where there is no band.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub covered: Vec<f64>,
    /// The mean width of the band in all and for each step, in the target's unit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub widths: Vec<f64>,
    /// The latest forecasts of some series whose truths are known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pictures: Vec<ForecastPicture>,
}

/// One way to forecast, and its errors.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Forecaster {
    /// What it is: `the network`, `seasonal naive`, `drift` or `mean`.
    pub name: String,
    /// Its errors in all.
    pub all: ForecastErrors,
    /// Its errors for each step ahead, from 1.
    pub steps: Vec<ForecastErrors>,
}

impl Forecaster {
    /// Its errors so many steps ahead, or in all (0).
    pub fn errors(&self, ahead: usize) -> ForecastErrors {
        ahead.checked_sub(1).map_or(self.all, |step| self.steps[step])
    }
}

/// A forecast beside the truth.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ForecastPicture {
    /// The series' name; empty for the only one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub series: String,
    /// When its first value shown, its last known and its last forecast value are.
    pub times: [String; 3],
    /// Its values up to the last that the forecast is made from; null where there is none.
    pub history: Vec<Option<f64>>,
    /// The values that came true.
    pub truth: Vec<Option<f64>>,
    /// What was forecast.
    pub forecast: Vec<f64>,
    /// The ends of the band; empty where there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub band: Vec<[f64; 2]>,
}
