//! Forecasts: beside what came true, and beside simple ones.

use super::chart::{Caption, Drawing, LineChart, Mark, Series, XAxis};
use super::text::{escape, number, percent, plural, shorten};
use crate::event::{ForecastPicture, ForecastScores};

const WIDE: (f64, f64) = (960.0, 320.0);
const HALF: (f64, f64) = (460.0, 300.0);

/// Each picture: history, forecast with its band, and truth.
pub(super) fn pictures(scores: &ForecastScores) -> Vec<Drawing> {
    let size = if scores.pictures.len() > 1 { HALF } else { WIDE };
    let names = ["forecast", "forecast-2", "forecast-3", "forecast-4"];
    names.into_iter().zip(&scores.pictures).map(|(name, picture)| draw(name, scores, picture, size)).collect()
}

fn draw(name: &'static str, scores: &ForecastScores, picture: &ForecastPicture, size: (f64, f64)) -> Drawing {
    let ForecastPicture { series, times: [from, until, last], history, truth, forecast, band } = picture;
    // Steps ahead: 0 is the last that the forecast is made from.
    let start = 1.0 - history.len() as f64;
    let points = |first: f64, values: &mut dyn Iterator<Item = f64>| -> Vec<(f64, f64)> {
        values.enumerate().map(|(i, value)| (first + i as f64, value)).collect()
    };
    let known = |values: &[Option<f64>]| values.iter().map(|value| value.unwrap_or(f64::NAN)).collect::<Vec<_>>();
    let line = |name: &str, class, points| Series { name: name.into(), class, points };
    let now = history.last().copied().flatten();
    let after = |values: Vec<f64>| points(if now.is_some() { 0.0 } else { 1.0 }, &mut now.into_iter().chain(values));
    let of = if series.is_empty() { String::new() } else { format!(" of {}", shorten(series, 30)) };
    let ends = band.iter().enumerate().map(|(i, [low, high])| (i as f64 + 1.0, *low, *high));
    LineChart {
        caption: Caption {
            name,
            title: format!("{}{of} from {until} on", shorten(&scores.target, 40)),
            description: format!(
                "Values from {from} to {until}, and {} forecast to {last} beside what came true.",
                plural(forecast.len(), "step")
            ),
        },
        size,
        x: format!("steps of one {} after {until}", scores.step),
        x_axis: XAxis::Whole,
        y: shorten(&scores.target, 30),
        log: false,
        series: vec![
            line("past", "train", points(start, &mut known(history).into_iter())),
            line("truth", "test", after(known(truth))),
            line("forecast", "dev", after(forecast.clone())),
        ],
        marks: vec![Mark { x: 0.0, text: until.clone(), bad: false }],
        behind: Vec::new(),
        rug: Vec::new(),
        band: now.map(|now| (0.0, now, now)).filter(|_| !band.is_empty()).into_iter().chain(ends).collect(),
    }
    .draw()
}

/// The errors of each step ahead, beside the RMSE of simple forecasts.
pub(super) fn table(scores: &ForecastScores) -> String {
    let Some((network, simple)) = scores.forecasters.split_first() else { return String::new() };
    let right = |text: &str| format!(r#"<th class="r">{text}</th>"#);
    let mut head: String = ["Ahead", "MAE", "RMSE", "MASE", "sMAPE"].map(right).concat();
    head.extend(simple.iter().map(|forecaster| right(&escape(&format!("{}, RMSE", forecaster.name)))));
    if !scores.covered.is_empty() {
        head += &right("Within the band");
        head += &right("Its width");
    }
    let cells = |ahead: usize| {
        let errors = network.errors(ahead);
        let mut cells = vec![if ahead == 0 { "all".into() } else { ahead.to_string() }];
        cells.extend([errors.mae, errors.rmse, errors.mase].map(|error| number(error, 4)));
        cells.push(percent(errors.smape / 100.0));
        cells.extend(simple.iter().map(|forecaster| number(forecaster.errors(ahead).rmse, 4)));
        if let (Some(covered), Some(width)) = (scores.covered.get(ahead), scores.widths.get(ahead)) {
            cells.extend([percent(*covered), number(*width, 4)]);
        }
        let cells: String = cells.into_iter().map(|cell| format!(r#"<td class="r">{cell}</td>"#)).collect();
        format!("<tr>{cells}</tr>")
    };
    let steps: Vec<String> = (1..=network.steps.len()).chain([0]).map(cells).collect();
    super::tables::folded(&head, &steps, "steps")
}
