//! What two classes are told apart at: precision and recall, and what other thresholds would come to.

use super::chart::{Caption, Drawing, LineChart, Mark, Series, XAxis};
use super::text::{number, percent};
use crate::event::{Run, RunEnd};
use crate::metrics::threshold::{OperatingCurve, OutcomeCounts};

const SIZE: (f64, f64) = (460.0, 300.0);

/// Precision against recall, with the threshold that is used.
pub(super) fn precision_recall(run: &Run, end: &RunEnd) -> Option<Drawing> {
    let curve = end.answers.operating.as_ref()?;
    let used = curve.used();
    let series = line("precision", "test", curve, |counts| (counts.recall() * 100.0, counts.precision() * 100.0))?;
    let caption = Caption {
        name: "precision-recall",
        title: format!("Precision and recall of {}, {} part", positive(run), end.answers.part),
        description: format!(
            "From a probability of {} on: precision {}, recall {}.",
            number(used.threshold, 3),
            percent(used.precision()),
            percent(used.recall())
        ),
    };
    let x = used.recall() * 100.0;
    draw(caption, "recall, %", "precision, %", vec![series], x, &used)
}

/// What each threshold comes to: the cost of a row where it was chosen by one, else precision, recall and F1.
pub(super) fn by_threshold(run: &Run, end: &RunEnd) -> Option<Drawing> {
    let curve = end.answers.operating.as_ref()?;
    let used = curve.used();
    let at =
        |of: fn(&OutcomeCounts) -> f64| move |counts: &OutcomeCounts| (counts.threshold * 100.0, of(counts) * 100.0);
    let (name, y, series) = match curve.rule.filter(|rule| rule.is_cost()) {
        Some(rule) => {
            let cost = |counts: &OutcomeCounts| (counts.threshold * 100.0, rule.value(counts));
            ("Cost of a row", "cost", vec![line("cost", "test", curve, cost)])
        }
        None => (
            "Precision, recall and F1",
            "%",
            vec![
                line("precision", "layer-1", curve, at(OutcomeCounts::precision)),
                line("recall", "layer-5", curve, at(OutcomeCounts::recall)),
                line("F1", "layer-7", curve, at(OutcomeCounts::f1)),
            ],
        ),
    };
    let caption = Caption {
        name: "thresholds",
        title: format!("{name} by threshold, {} part", end.answers.part),
        description: format!("{} is predicted from a probability of {} on.", positive(run), number(used.threshold, 3)),
    };
    draw(caption, "threshold, %", y, series.into_iter().flatten().collect(), used.threshold * 100.0, &used)
}

fn draw(caption: Caption, x: &str, y: &str, series: Vec<Series>, mark: f64, used: &OutcomeCounts) -> Option<Drawing> {
    let text = format!("threshold {}", number(used.threshold, 3));
    let marks = if mark.is_finite() { vec![Mark { x: mark, text, bad: false }] } else { Vec::new() };
    let chart = LineChart {
        caption,
        size: SIZE,
        x: x.into(),
        x_axis: XAxis::Linear,
        y: y.into(),
        log: false,
        series,
        marks,
        behind: Vec::new(),
        rug: Vec::new(),
        band: Vec::new(),
    };
    (!chart.series.is_empty()).then(|| chart.draw())
}

/// A line in order of x; none where a log that was tampered with leaves no point of it.
fn line(
    name: &str,
    class: &'static str,
    curve: &OperatingCurve,
    point: impl Fn(&OutcomeCounts) -> (f64, f64),
) -> Option<Series> {
    let within = |(x, y): &(f64, f64)| (0.0..=100.0).contains(x) && y.is_finite();
    let mut points: Vec<(f64, f64)> = curve.counts().map(|counts| point(&counts)).filter(within).collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    (!points.is_empty()).then(|| Series { name: name.into(), class, points })
}

fn positive(run: &Run) -> String {
    run.classes.get(1).cloned().unwrap_or_else(|| "the second class".into())
}
