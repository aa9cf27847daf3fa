//! What the model's answers depend on: which columns matter, and how answers change with the most important ones.

use super::chart::{Caption, Drawing, LineChart, Range, Ranges, Series, XAxis};
use super::text::{capital, count, escape, metric_name, number, plural, shorten};
use super::theme::LAYERS;
use crate::event::Run;
use crate::event::{Dependence, DependenceCurve, Grid, Importance};
use crate::task::Task;

/// Columns, and curves of classes, that are drawn.
const COLUMNS: usize = 20;
const CURVES: usize = 8;
/// Names of the figures of dependence.
const NAMES: [&str; 6] =
    ["dependence-1", "dependence-2", "dependence-3", "dependence-4", "dependence-5", "dependence-6"];

/// How much the loss grows where each column's values are shuffled.
pub(super) fn importance(run: &Run) -> Option<Drawing> {
    let Importance { part, metric, columns, .. } = run.importance.as_ref()?;
    let first = columns.first()?;
    let range = |column: &crate::event::ColumnImportance| Range {
        name: column.column.clone(),
        values: vec![column.growth.value],
        whisker: column.growth.low.zip(column.growth.high),
        others: Vec::new(),
    };
    let metric = metric_name(metric);
    let of =
        if columns.len() > COLUMNS { format!("; the first {COLUMNS} of {}", count(columns.len())) } else { "".into() };
    let caption = Caption {
        name: "importance",
        title: format!("Growth of the {part} {metric} with a column shuffled{of}"),
        description: format!("Most by {}: {}.", first.column, number(first.growth.value, 3)),
    };
    let x = format!("growth of the {metric}");
    let rows = columns.iter().take(COLUMNS).map(range).collect();
    Some(Ranges { caption, width: 960.0, x, bars: true, kinds: vec![(String::new(), "train")], rows }.draw())
}

/// What the chart of importance shows.
pub(super) fn note(importance: &Importance) -> String {
    let Importance { part, rows, rows_in_all, repeats, metric, value, columns_left_out, .. } = importance;
    let rows = match rows < rows_in_all {
        true => format!("{} of {}", count(*rows), plural(*rows_in_all, "row")),
        false => plural(*rows, "row"),
    };
    let left_out = match columns_left_out {
        0 => String::new(),
        n => format!(" {} more would have taken too long.", capital(&plural(*n, "column"))),
    };
    escape(&format!(
        "How much the {} grows from {} where one column’s values are shuffled among {rows} of the {part} part, so that they \
         tell nothing (Breiman 2001): the mean of {}, with 95\u{a0}% intervals. Columns that tell the same can stand in \
         for one another, and each then looks less important than it is.{left_out}",
        metric_name(metric),
        number(*value, 3),
        plural(*repeats, "shuffle"),
    ))
}

/// The answers along the values of each of the most important columns.
pub(super) fn dependences(run: &Run) -> Vec<Drawing> {
    run.dependences.iter().zip(NAMES).map(|(dependence, name)| one(run, dependence, name)).collect()
}

fn one(run: &Run, dependence: &Dependence, name: &'static str) -> Drawing {
    let answer = match (run.task, dependence.curves.as_slice()) {
        (Some(Task::Regression), [curve]) => curve.output.clone(),
        (Some(Task::Regression), _) => "answer".into(),
        (_, [curve]) => format!("probability of {}", curve.output),
        _ => "probability".into(),
    };
    let curves = shown(&dependence.curves);
    let class = |i: usize| match curves.len() {
        1 => "train",
        n => LAYERS[i * (LAYERS.len() - 1) / (n - 1)],
    };
    let title = |curve: &DependenceCurve| if curves.len() == 1 { String::new() } else { curve.output.clone() };
    let caption = Caption {
        name,
        title: shorten(&dependence.column, 40),
        description: format!("The mean {answer} over {} at each value.", plural(dependence.rows, "row")),
    };
    let answer = shorten(&answer, 60);
    match &dependence.grid {
        Grid::Numbers(xs) => {
            let line = |ys: &mut dyn Iterator<Item = f64>| xs.iter().copied().zip(ys).collect::<Vec<_>>();
            let series = |(i, curve): (usize, &&DependenceCurve)| Series {
                name: title(curve),
                class: class(i),
                points: line(&mut curve.mean.iter().copied()),
            };
            let rows = curves.iter().flat_map(|curve| &curve.rows);
            LineChart {
                caption,
                size: (460.0, 260.0),
                x: shorten(&dependence.column, 40),
                x_axis: XAxis::Linear,
                y: answer,
                log: false,
                series: curves.iter().enumerate().map(series).collect(),
                marks: Vec::new(),
                behind: rows.map(|row| line(&mut row.iter().map(|y| f64::from(*y)))).collect(),
                rug: dependence.deciles.clone(),
                band: Vec::new(),
            }
            .draw()
        }
        Grid::Categories(names) => {
            let range = |(at, name): (usize, &String)| Range {
                name: name.clone(),
                values: curves.iter().filter_map(|curve| curve.mean.get(at).copied()).collect(),
                whisker: None,
                others: curves
                    .iter()
                    .flat_map(|curve| &curve.rows)
                    .filter_map(|row| row.get(at).map(|y| f64::from(*y)))
                    .collect(),
            };
            Ranges {
                caption,
                width: 460.0,
                x: answer,
                bars: false,
                kinds: curves.iter().enumerate().map(|(i, curve)| (title(curve), class(i))).collect(),
                rows: names.iter().enumerate().map(range).collect(),
            }
            .draw()
        }
    }
}

/// The curves that change most, in their order.
fn shown(curves: &[DependenceCurve]) -> Vec<&DependenceCurve> {
    let change = |curve: &DependenceCurve| {
        let ends = curve.mean.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), y| (l.min(*y), h.max(*y)));
        ends.1 - ends.0
    };
    let mut order: Vec<usize> = (0..curves.len()).collect();
    order.sort_by(|a, b| change(&curves[*b]).total_cmp(&change(&curves[*a])));
    order.truncate(CURVES);
    order.sort_unstable();
    order.into_iter().map(|i| &curves[i]).collect()
}
