//! What a model of forecasts is, and how good its forecasts were.

use super::markdown::{code, plain, table};
use crate::data::forecast::Forecast;
use crate::event::ForecastScores;
use crate::report::text::{number, percent, plural};

/// What is forecast, and from what.
pub(super) fn predicts(forecast: &Forecast) -> String {
    let (horizon, window) = (plural(forecast.horizon, "step"), plural(forecast.window, "value"));
    let series = forecast.series.as_ref().map_or_else(String::new, |series| format!(" of each {}", code(series)));
    format!(
        "Forecasts {}{series} for {horizon} by {}, from {window} before.",
        code(&forecast.target.name),
        code(&forecast.time)
    )
}

/// The errors of each step ahead, beside the RMSE of simple forecasts.
pub(super) fn metrics(scores: &ForecastScores) -> String {
    let Some((network, simple)) = scores.forecasters.split_first() else { return String::new() };
    let mut head = vec!["ahead".to_string(), "MAE".into(), "RMSE".into(), "MASE".into()];
    head.extend(simple.iter().map(|forecaster| format!("{}, RMSE", plain(&forecaster.name))));
    let banded = !scores.covered.is_empty();
    head.extend(banded.then(|| "within the band".into()));
    let row = |ahead: usize| {
        let errors = network.errors(ahead);
        let mut cells = vec![if ahead == 0 { "all".into() } else { ahead.to_string() }];
        cells.extend([errors.mae, errors.rmse, errors.mase].map(|error| number(error, 4)));
        cells.extend(simple.iter().map(|forecaster| number(forecaster.errors(ahead).rmse, 4)));
        cells.extend(scores.covered.get(ahead).filter(|_| banded).map(|covered| percent(*covered)));
        cells
    };
    let rows: Vec<Vec<String>> = (1..=network.steps.len()).chain([0]).map(row).collect();
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    format!(
        "Forecasts from {} of {}, each from the values before it alone.\n\n{}",
        plural(scores.origins, &scores.step),
        plain(&scores.part),
        table(&head, &rows)
    )
}
