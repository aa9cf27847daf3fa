//! Forecasts beside simple ones.

use thalweg::event::ForecastScores;
use thalweg::metrics::ForecastErrors;

use super::{line, short, table};

/// The most steps that have a row of their own: others lie evenly between them.
const MOST_STEPS: usize = 14;

/// The errors for each step ahead, and how often the band holds the truth.
pub(crate) fn forecast(scores: &ForecastScores) -> std::io::Result<()> {
    let ForecastScores { part, target, step, season, origins, forecasters, level, covered, .. } = scores;
    let Some((network, simple)) = forecasters.split_first() else { return Ok(()) };
    line("")?;
    line(&format!(
        "{target} forecast from {origins} steps of {part}, one {step} each (errors of simple forecasts: RMSE)"
    ))?;
    line("")?;
    let mut rows = vec![["ahead", "mae", "rmse", "mase", "smape"].map(String::from).to_vec()];
    rows[0].extend(simple.iter().map(|forecaster| match forecaster.name.as_str() {
        "seasonal naive" => format!("seasonal naive ({season})"),
        name => name.into(),
    }));
    rows[0].extend((!covered.is_empty()).then(|| format!("{:.0} % band holds", 100.0 * level)));
    let row = |ahead: usize| {
        let ForecastErrors { mae, rmse, mase, smape, .. } = network.errors(ahead);
        let name = if ahead == 0 { "all".into() } else { ahead.to_string() };
        let mut row = vec![name, short(mae), short(rmse), short(mase), format!("{smape:.1} %")];
        row.extend(simple.iter().map(|forecaster| short(forecaster.errors(ahead).rmse)));
        row.extend(covered.get(ahead).map(|covered| format!("{:.1} %", 100.0 * covered)));
        row
    };
    rows.extend(shown(network.steps.len()).into_iter().chain([0]).map(row));
    table(&rows)
}

/// Steps from 1 to the last, not too many.
fn shown(steps: usize) -> Vec<usize> {
    let count = steps.min(MOST_STEPS);
    (1..=count).map(|i| if count == 1 { 1 } else { 1 + (i - 1) * (steps - 1) / (count - 1) }).collect()
}
