//! Training curves: cost and dev loss, the dev metric, the learning rate.

use super::chart::{Caption, Drawing, LineChart, Mark, Series, XAxis};
use super::text::{capital, fixed, metric_name, metric_value, number};
use crate::event::Run;

const SIZE: (f64, f64) = (460.0, 300.0);
const WIDE: (f64, f64) = (960.0, 320.0);
const SMALL: (f64, f64) = (960.0, 220.0);

/// The cost on the training rows and the loss on the dev rows, epoch by epoch.
pub(super) fn losses(run: &Run) -> Option<Drawing> {
    let cost = line(run, "train cost", "train", |epoch| Some(epoch.cost));
    let dev = line(run, "dev loss", "dev", |epoch| epoch.dev_loss);
    let series: Vec<Series> = [cost, dev].into_iter().flatten().collect();
    let ends: Vec<String> = series.iter().filter_map(summary).collect();
    let log = wide(&series);
    let caption = Caption {
        name: "learning-curves",
        title: "Cost and loss by epoch".into(),
        description: format!("{}.{}", ends.join("; "), best_sentence(run)),
    };
    let y = if log { "cost, loss (log scale)" } else { "cost, loss" };
    chart(run, caption, y, log, series, if metric(run).is_some() { SIZE } else { WIDE })
}

/// The dev metric that early stopping watches, or else the headline metric.
pub(super) fn metric(run: &Run) -> Option<Drawing> {
    let has = |name: &str| run.epochs.iter().any(|epoch| epoch.dev.contains_key(name));
    let watched = run.monitor.0.as_str();
    let name = [watched, "accuracy", "rmse", "r2", "roc_auc"]
        .into_iter()
        .find(|name| has(name) && !matches!(*name, "loss" | "log_loss"))?;
    let words = format!("dev {}", metric_name(name));
    let percent = matches!(name, "accuracy" | "mape");
    let factor = if percent { 100.0 } else { 1.0 };
    let series = line(run, &words, "dev", |epoch| epoch.dev.get(name).map(|value| value * factor))?;
    let best = series.points.iter().map(|p| p.1).filter(|v| v.is_finite());
    let (low, high) = best.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    let caption = Caption {
        name: "dev-metric",
        title: format!("{} by epoch", capital(&words)),
        description: format!(
            "Between {} and {}.{}",
            metric_value(name, low / factor),
            metric_value(name, high / factor),
            best_sentence(run)
        ),
    };
    let y = if percent { format!("{words}, %") } else { words };
    chart(run, caption, &y, false, vec![series], SIZE)
}

/// The learning rate, epoch by epoch.
pub(super) fn learning_rate(run: &Run) -> Option<Drawing> {
    let series = line(run, "learning rate", "train", |epoch| Some(epoch.learning_rate))?;
    let log = wide(std::slice::from_ref(&series));
    let caption = Caption {
        name: "learning-rate",
        title: "Learning rate by epoch".into(),
        description: summary(&series).unwrap_or_default() + ".",
    };
    chart(run, caption, if log { "learning rate (log scale)" } else { "learning rate" }, log, vec![series], SMALL)
}

fn chart(run: &Run, caption: Caption, y: &str, log: bool, series: Vec<Series>, size: (f64, f64)) -> Option<Drawing> {
    if series.is_empty() {
        return None;
    }
    let marks = marks(run);
    let (x, y, x_axis) = ("epoch".into(), y.into(), XAxis::Whole);
    Some(
        LineChart {
            caption,
            size,
            x,
            x_axis,
            y,
            log,
            series,
            marks,
            behind: Vec::new(),
            rug: Vec::new(),
            band: Vec::new(),
        }
        .draw(),
    )
}

/// A line of a per-epoch value, if any epoch has one; a missing value breaks it.
fn line(
    run: &Run,
    name: &str,
    class: &'static str,
    value: impl Fn(&crate::event::Epoch) -> Option<f64>,
) -> Option<Series> {
    let points: Vec<(f64, f64)> =
        run.epochs.iter().map(|epoch| (epoch.number as f64, value(epoch).unwrap_or(f64::NAN))).collect();
    points.iter().any(|p| p.1.is_finite()).then(|| Series { name: name.into(), class, points })
}

/// Marks: the best epoch, where the run was resumed, where it diverged.
fn marks(run: &Run) -> Vec<Mark> {
    let mark = |epoch: usize, text: String, bad: bool| Mark { x: epoch as f64, text, bad };
    let best = run.best_epoch().map(|epoch| mark(epoch, format!("best epoch {}", fixed(epoch as f64, 0)), false));
    let diverged = run.diverged().map(|epoch| mark(epoch, "diverged".into(), true));
    let resumed = run.resumed.iter().map(|&epoch| mark(epoch, format!("resumed after {epoch}"), false));
    best.into_iter().chain(diverged).chain(resumed).collect()
}

/// Whether positive values span so many decades that they need a log scale.
fn wide(series: &[Series]) -> bool {
    let values: Vec<f64> = series.iter().flat_map(|s| &s.points).map(|p| p.1).filter(|v| v.is_finite()).collect();
    let (low, high) = values.iter().fold((f64::INFINITY, 0.0f64), |(l, h), &v| (l.min(v), h.max(v)));
    low > 0.0 && high > 12.0 * low
}

fn summary(series: &Series) -> Option<String> {
    let finite: Vec<f64> = series.points.iter().map(|p| p.1).filter(|v| v.is_finite()).collect();
    let (first, last) = (finite.first()?, finite.last()?);
    Some(format!("{} from {} to {}", capital(&series.name), number(*first, 3), number(*last, 3)))
}

fn best_sentence(run: &Run) -> String {
    run.best_epoch().map_or(String::new(), |epoch| format!(" Best epoch: {epoch}."))
}
