//! A series' page: the metrics of each run, their mean and their spread.

use super::{SeriesRun, Spread, Summary, Variation};
use crate::report::chart::{Along, Caption, Drawing, Panel, Point, Points};
use crate::report::page::{card, document, section};
use crate::report::tables::folded;
use crate::report::text::{capital, count, duration, escape, metric_name, metric_value, number, plural};

/// A series as one self-contained page, without network access or scripts.
pub(super) fn html(name: &str, summary: &Summary) -> String {
    let claim = claim(summary);
    let lead = [
        plural(summary.runs.len(), "run"),
        format!("{} of training", duration(summary.runs.iter().map(|run| run.seconds).sum())),
        format!("data {}", summary.data),
    ];
    let header = format!(
        r#"<header><p class="eyebrow">Thalweg {} · {}</p><h1>{}</h1><p class="lead">{}</p></header>"#,
        summary.variation.name(),
        escape(name),
        escape(&claim),
        escape(&lead.join(" · "))
    );
    let figures: String =
        summary.ranked().into_iter().map(|(name, spread)| card(&dots(summary, name, spread))).collect();
    let sections = [
        section("Over all runs", note(summary.variation), &means(summary)),
        section(
            &format!("By {}", summary.variation.word()),
            "A point a run; the line is their mean.",
            &format!(r#"<div class="pair">{figures}</div>"#),
        ),
        section("Runs", "Each has a folder with its own report.", &runs(summary)),
    ];
    let source = format!("Written by Thalweg {} from {}.", env!("CARGO_PKG_VERSION"), summary.variation.record());
    document(name, &claim, &header, &sections.concat(), &source)
}

fn note(variation: Variation) -> &'static str {
    match variation {
        Variation::Folds(_) => {
            "Each row is tested once, by the run that was not trained on it. The spread is the standard deviation over the \
             runs: how much a metric depends on which rows are held out and trained on. It is no interval for the mean, for \
             the runs share training rows (Bengio and Grandvalet 2004)."
        }
        Variation::Seeds(_) => {
            "All runs are trained and tested on the same rows. The spread is the standard deviation over the runs: what \
             chance in training alone does. What other rows would do is not in it."
        }
    }
}

fn claim(summary: &Summary) -> String {
    match summary.ranked().first() {
        Some((name, spread)) => {
            let value = metric_value(name, spread.mean);
            let deviation = spread.spread.map_or(String::new(), |spread| format!(" ± {}", metric_value(name, spread)));
            format!("{} {} {value}{deviation}", capital(&summary.part), metric_name(name))
        }
        None => "No run has ended yet".into(),
    }
}

fn means(summary: &Summary) -> String {
    let row = |(name, spread): (&str, &Spread)| {
        let known = || spread.values.iter().flatten().copied();
        let cells = [Some(spread.mean), spread.spread, known().reduce(f64::min), known().reduce(f64::max)];
        let cells = cells.map(|x| format!(r#"<td class="r">{}</td>"#, x.map_or("–".into(), |x| metric_value(name, x))));
        format!("<tr><td>{}</td>{}</tr>", escape(&capital(metric_name(name))), cells.concat())
    };
    let head = r#"<th>Metric</th><th class="r">Mean</th><th class="r">Spread</th><th class="r">Lowest</th><th class="r">Highest</th>"#;
    in_card(&folded(head, &summary.ranked().into_iter().map(row).collect::<Vec<_>>(), "metrics"))
}

fn dots(summary: &Summary, name: &str, spread: &Spread) -> Drawing {
    let (word, title) = (summary.variation.word(), capital(metric_name(name)));
    let known = || spread.values.iter().flatten().copied();
    let (low, high) = known().fold((f64::MAX, f64::MIN), |(low, high), x| (low.min(x), high.max(x)));
    let room = ((high - low) * 0.1).max(1e-6);
    let last = summary.runs.len().saturating_sub(1).max(1) as f64;
    // Positions, not numbers: seeds may begin anywhere.
    let place = |i: usize| i as f64 / last;
    let point = |(i, (run, value)): (usize, (&SeriesRun, &Option<f64>))| {
        let y = (*value)?;
        let hover = format!("{word} {}: {}", run.number, metric_value(name, y));
        Some(Point { x: place(i), y, class: "train", opacity: 0.85, hover })
    };
    let every = summary.runs.len().div_ceil(12);
    let ticks = summary.runs.iter().enumerate().step_by(every).map(|(i, run)| (place(i), run.number.to_string()));
    let panel = Panel {
        name: word.into(),
        along: Along::Named(ticks.collect()),
        points: summary.runs.iter().zip(&spread.values).enumerate().filter_map(point).collect(),
        steps: vec![(0.0, spread.mean), (1.0, spread.mean)],
    };
    let caption = Caption {
        name: "runs",
        description: format!("{title} of {}, mean {}.", plural(summary.runs.len(), "run"), number(spread.mean, 4)),
        title,
    };
    let y = metric_name(name).into();
    let range = (low - room, high + room);
    Points { caption, size: (460.0, 240.0), columns: 1, y, range, panels: vec![panel] }.draw()
}

fn runs(summary: &Summary) -> String {
    let names: Vec<&str> = summary.ranked().into_iter().map(|(name, _)| name).take(3).collect();
    let heads = names.iter().map(|name| format!(r#"<th class="r">{}</th>"#, capital(metric_name(name))));
    let head = format!(
        r#"<th>{}</th><th class="r">Trained on</th><th class="r">Dev</th><th class="r">Test</th><th class="r">Epochs</th>{}<th>Ended</th>"#,
        capital(summary.variation.word()),
        heads.collect::<String>()
    );
    let row = |run: &SeriesRun| {
        let cells = names.iter().map(|name| {
            let value = run.metrics.get(*name).map_or("–".into(), |metric| metric_value(name, metric.value));
            format!(r#"<td class="r">{value}</td>"#)
        });
        let rows = [run.examples.train, run.examples.dev, run.examples.test, run.epochs].map(count);
        format!(
            r#"<tr><td><a href="{}/report.html">{}</a></td>{}{}<td>{}</td></tr>"#,
            escape(&run.run),
            run.number,
            rows.map(|rows| format!(r#"<td class="r">{rows}</td>"#)).concat(),
            cells.collect::<String>(),
            escape(&run.reason)
        )
    };
    in_card(&folded(&head, &summary.runs.iter().map(row).collect::<Vec<_>>(), "runs"))
}

fn in_card(body: &str) -> String {
    format!(r#"<div class="card">{body}</div>"#)
}
