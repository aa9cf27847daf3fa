//! The chart of a learning-rate range test.

use super::learning_rate::Rates;
use crate::report::Figure;
use crate::report::chart::{Caption, LineChart, Mark, Series, XAxis};
use crate::report::text::number;
use crate::report::theme::LAYERS;

/// The cost over the learning rate, one line per seed, with the suggestion marked.
pub fn rates_figure(rates: &Rates) -> Figure {
    // Costs far above the initial one only show that the rate is too high.
    let start = rates.curves.iter().filter_map(|curve| curve.points.first()).map(|(_, cost)| *cost).fold(0.0, f64::max);
    let series = rates.curves.iter().enumerate().map(|(i, curve)| Series {
        name: format!("seed {}", curve.seed),
        class: LAYERS[i * 5 % LAYERS.len()],
        points: curve.points.iter().copied().filter(|(_, cost)| *cost < 1.3 * start).collect(),
    });
    let suggestion = number(rates.suggestion, 2);
    let mark = |x: f64, text: String| Mark { x, text, bad: false };
    let (low, high) = rates.band;
    let mut marks = vec![mark(rates.suggestion, suggestion.clone())];
    if low < high {
        marks.extend([mark(low, String::new()), mark(high, String::new())]);
    }
    let chart = LineChart {
        caption: Caption {
            name: "learning-rate",
            title: format!("Cost over the learning rate: it falls fastest at {suggestion}"),
            description: format!("Seeds suggest from {} to {}.", number(low, 2), number(high, 2)),
        },
        size: (900.0, 420.0),
        x: "learning rate".into(),
        x_axis: XAxis::Log,
        y: "smoothed cost".into(),
        log: false,
        series: series.collect(),
        marks,
        behind: Vec::new(),
        rug: Vec::new(),
        band: Vec::new(),
    };
    Figure::new(chart.draw())
}
