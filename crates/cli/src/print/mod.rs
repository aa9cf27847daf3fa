//! User output: progress on standard error, results on standard output.

pub(crate) mod comparison;
pub(crate) mod doctor;
pub(crate) mod explanation;
pub(crate) mod forecast;
mod progress;
pub(crate) mod search;
pub(crate) mod series;
pub(crate) mod signals;
pub(crate) mod suspects;

use std::io::{IsTerminal, Write};
use std::path::Path;

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};
use thalweg::brief;
use thalweg::config::Config;
use thalweg::data::inspect::Profile;
use thalweg::data::preprocess::Grouping;
use thalweg::event::{Coverage, Decision, LayerRow, Splits, Warning};
use thalweg::export::{Loss, Verification, Written};
use thalweg::metrics::{Metric, Metrics};
use thalweg::model::Model;
use thalweg::network::gradient_check::Report;
use thalweg::run::{Outcome, Preview};
use thalweg::task::Task;
use thalweg::tune::learning_rate::Rates;

pub(crate) use progress::Progress;

/// Maximum characters of a message, and of a table cell.
const LONGEST: usize = 500;
const WIDEST: usize = 80;

const BOLD: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();
const RED: Style = AnsiColor::Red.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();

/// Prints an error with its remedy.
pub(crate) fn error(error: &anyhow::Error) {
    note(&format!("{RED}error{RED:#}: {error:#}"));
}

/// Prints a warning.
pub(crate) fn warning(message: &str) {
    note(&format!("{YELLOW}warning{YELLOW:#}: {}", brief(message, LONGEST)));
}

fn texts(warnings: &[Warning]) -> Vec<String> {
    warnings.iter().map(Warning::to_string).collect()
}

/// Prints a line to standard error; write errors are ignored.
pub(crate) fn note(text: &str) {
    _ = writeln!(anstream::stderr(), "{text}");
}

/// Prints the decisions made for the user, where the result goes elsewhere.
pub(crate) fn notes(decisions: &[Decision]) {
    for Decision { what, why, instead } in decisions {
        let told = format!("note: {} ({})  {instead}", brief(what, LONGEST), brief(why, LONGEST));
        note(&format!("{FAINT}{}{FAINT:#}", told.trim_end()));
    }
}

/// Prints a line of the result.
pub(crate) fn line(text: &str) -> std::io::Result<()> {
    writeln!(anstream::stdout(), "{text}")
}

/// Prints one JSON object.
pub(crate) fn json(value: &serde_json::Value) -> std::io::Result<()> {
    line(&value.to_string())
}

/// A progress bar, if standard error is a terminal.
fn bar(quiet: bool, template: &str) -> Option<ProgressBar> {
    (!quiet && std::io::stderr().is_terminal()).then(|| {
        let bar = ProgressBar::new(1);
        bar.set_style(ProgressStyle::with_template(template).expect("the template is right"));
        bar
    })
}

/// Prints a line of progress, above the bar if there is one.
fn say(bar: Option<&ProgressBar>, text: &str) {
    match bar {
        Some(bar) => bar.suspend(|| note(text)),
        None => note(text),
    }
}

/// The end of a run: metrics, decisions, paths, and the next commands.
pub(crate) fn outcome(outcome: &Outcome) -> std::io::Result<()> {
    let Outcome { run, epochs, best_epoch, seconds, examples, metrics, .. } = outcome;
    line("")?;
    match &outcome.forecast {
        // The metrics of its examples are those of all steps together, relative to the values before.
        Some(scores) => forecast::forecast(scores)?,
        None => {
            table(&metrics_rows(metrics, examples))?;
            baselines(outcome)?;
        }
    }
    line("")?;
    if outcome.forecast.is_none() {
        coverage(&outcome.coverage)?;
    }
    line(&format!("epochs   {epochs}, best {best_epoch}, {seconds:.1} s"))?;
    line(&format!("model    {}", outcome.model.display()))?;
    line(&format!("report   {}", run.join("report.html").display()))?;
    decisions(&outcome.decisions)?;
    doctor::most_important(&outcome.findings, run)?;
    line("")?;
    line("next:")?;
    if outcome.end == thalweg::train::StopReason::Interrupted {
        return line(&format!("  thalweg resume {}", run.display()));
    }
    line(&format!("  thalweg inspect {}", run.display()))?;
    let new = if outcome.files { "NEW/" } else { "NEW.csv" };
    line(&format!("  thalweg predict {} {new}", run.display()))
}

/// How often intervals or sets hold the truth, a line a target.
pub(crate) fn coverage(each: &[Coverage]) -> std::io::Result<()> {
    for Coverage { target, level, covered, .. } in each {
        line(&format!(
            "covered  {:.1} % of rows by predictions of {target} with --intervals {level}",
            100.0 * covered.value
        ))?;
    }
    Ok(())
}

/// What was exported, and how it was verified.
pub(crate) fn exported(written: &Written) -> std::io::Result<()> {
    line(&format!("{BOLD}{}{BOLD:#}  {}", written.path.display(), written.format))?;
    written.sidecars.iter().try_for_each(|path| line(&format!("{}", path.display())))?;
    if let Some(verification) = &written.verification {
        let Verification { runtime, rows, largest_difference, tolerance, in_32_bits } = verification;
        let bits = if *in_32_bits { ", still in 32 bits" } else { "" };
        line(&format!(
            "run by {runtime} on {rows} rows{bits}: differs from the model by {largest_difference:.1e} at most (let pass: {tolerance:.0e})"
        ))?;
    }
    if let Some(Loss { rows, before, after, .. }) = &written.loss {
        let mut table_rows = vec![["", "model", "written"].map(String::from).to_vec()];
        let both = before.iter().filter_map(|(name, metric)| Some((name, metric, after.get(name)?)));
        table_rows.extend(both.map(|(name, a, b)| vec![name.clone(), short(a.value), short(b.value)]));
        table_rows.push(vec!["rows".into(), grouped(*rows), grouped(*rows)]);
        table(&table_rows)?;
    }
    decisions(&written.decisions)
}

/// A model imported from another format.
pub(crate) fn imported(path: &Path, model: &Model, made: &[Decision]) -> std::io::Result<()> {
    let parameters = model.network.layout().trained();
    line(&format!("{BOLD}{}{BOLD:#}  {parameters} parameters", path.display()))?;
    decisions(made)
}

fn decisions(decisions: &[Decision]) -> std::io::Result<()> {
    if decisions.is_empty() {
        return Ok(());
    }
    line("")?;
    line("decided for you (and the flag that decides otherwise):")?;
    for Decision { what, why, instead } in decisions {
        let (what, why) = (brief(what, LONGEST), brief(why, LONGEST));
        line(&format!("  {what} {FAINT}({why}){FAINT:#}  {instead}"))?;
    }
    Ok(())
}

fn metrics_rows(metrics: &Splits<Metrics>, examples: &Splits) -> Vec<Vec<String>> {
    let parts = [
        ("train", &metrics.train, examples.train),
        ("dev", &metrics.dev, examples.dev),
        ("test", &metrics.test, examples.test),
    ];
    let parts: Vec<_> = parts.into_iter().filter(|(_, metrics, _)| !metrics.is_empty()).collect();
    let mut rows =
        vec![std::iter::once(String::new()).chain(parts.iter().map(|(name, ..)| name.to_string())).collect()];
    let names = metrics.train.keys();
    rows.extend(names.map(|name| {
        let values = parts.iter().map(|(_, metrics, _)| metrics.get(name).map_or(String::new(), interval));
        std::iter::once(name.clone()).chain(values).collect()
    }));
    rows.push(std::iter::once("rows".to_string()).chain(parts.iter().map(|(.., rows)| grouped(*rows))).collect());
    rows
}

/// The network beside simple models, on test or else on dev.
fn baselines(outcome: &Outcome) -> std::io::Result<()> {
    if outcome.baselines.is_empty() {
        return Ok(());
    }
    let names = if outcome.task == Task::Regression { ["rmse", "r2"] } else { ["accuracy", "log_loss"] };
    let (part, of): (_, fn(&Splits<Metrics>) -> &Metrics) =
        if outcome.examples.test > 0 { ("test", |parts| &parts.test) } else { ("dev", |parts| &parts.dev) };
    let row = |name: &str, parts: &Splits<Metrics>| {
        let values = names.map(|name| of(parts).get(name).map_or(String::new(), interval));
        std::iter::once(name.to_string()).chain(values).collect()
    };
    let mut rows = vec![[&format!("on {part}"), names[0], names[1]].map(String::from).to_vec()];
    rows.extend(outcome.baselines.iter().map(|baseline| row(&baseline.name, &baseline.metrics)));
    rows.push(row("the network", &outcome.metrics));
    line("")?;
    table(&rows)
}

/// 0.972 (0.95–0.98).
fn interval(metric: &Metric) -> String {
    match (metric.low, metric.high) {
        (Some(low), Some(high)) => format!("{} ({}–{})", short(metric.value), short(low), short(high)),
        _ => short(metric.value),
    }
}

/// Four significant digits; integers from 10,000 with grouped thousands.
fn short(x: f64) -> String {
    match x.abs() {
        a if a >= 1e15 => format!("{x:.2e}"),
        a if a >= 10_000.0 => format!("{}{}", if x < 0.0 { "-" } else { "" }, grouped(a.round() as usize)),
        a if a >= 100.0 => format!("{x:.1}"),
        a if a >= 10.0 => format!("{x:.2}"),
        a if a >= 0.001 || a == 0.0 => format!("{x:.4}"),
        _ => format!("{x:.2e}"),
    }
}

fn grouped(n: usize) -> String {
    let digits = n.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).expect("digits are ASCII")).collect();
    groups.join(",")
}

/// A string from the data, shortened to fit a line.
fn on_a_line(text: &str) -> String {
    brief(text, WIDEST).chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A table with aligned columns, the first to the left and the others to the right.
fn table(rows: &[Vec<String>]) -> std::io::Result<()> {
    table_with(rows, 0)
}

/// A table with aligned columns, the one at index `left` to the left and the others to the right.
fn table_with(rows: &[Vec<String>], left: usize) -> std::io::Result<()> {
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| on_a_line(cell)).collect()).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| Some(row.get(column)?.chars().count())).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    for row in &rows {
        let cells = row.iter().enumerate().map(|(i, cell)| match i {
            _ if i == left => format!("{cell:<width$}", width = widths[i]),
            _ => format!("{cell:>width$}", width = widths[i]),
        });
        line(cells.collect::<Vec<_>>().join("   ").trim_end())?;
    }
    Ok(())
}

/// The machine-readable summary.
pub(crate) fn outcome_json(outcome: &Outcome) -> serde_json::Value {
    serde_json::json!({
        "run": outcome.run,
        "model": outcome.model,
        "task": outcome.task,
        "classes": outcome.classes,
        "thresholds": outcome.thresholds,
        "examples": outcome.examples,
        "parameters": outcome.parameters,
        "epochs": outcome.epochs,
        "best_epoch": outcome.best_epoch,
        "seconds": outcome.seconds,
        "metrics": outcome.metrics,
        "baselines": outcome.baselines,
        "coverage": outcome.coverage,
        "forecast": outcome.forecast,
        "decisions": outcome.decisions,
        "warnings": texts(&outcome.warnings),
        "findings": outcome.findings.iter().map(|finding| finding.to_json(&train_again(outcome))).collect::<Vec<_>>(),
    })
}

/// The command that trains a run once more.
fn train_again(outcome: &Outcome) -> String {
    format!("thalweg train --config {}", outcome.run.join("config.toml").display())
}

/// The plan of a run.
pub(crate) fn preview(preview: &Preview, config: &Config, as_json: bool) -> std::io::Result<()> {
    if as_json {
        return json(&serde_json::json!({
            "task": preview.task,
            "examples": preview.examples,
            "layers": preview.layers,
            "decisions": preview.decisions,
            "warnings": texts(&preview.warnings),
        }));
    }
    let Splits { train, dev, test } = preview.examples;
    line(&format!("{}: {} on {train} rows (dev {dev}, test {test})", config.data.path, name_of(&preview.task)))?;
    line("")?;
    layer_table(&preview.layers)?;
    decisions(&preview.decisions)?;
    preview.warnings.iter().for_each(|told| warning(&told.to_string()));
    Ok(())
}

fn layer_table(layers: &[LayerRow]) -> std::io::Result<()> {
    let mut rows = vec![["layer", "", "output", "parameters"].map(String::from).to_vec()];
    rows.extend(layers.iter().map(|layer| {
        let output: Vec<String> = layer.output.iter().map(usize::to_string).collect();
        vec![
            format!("{}  {}", layer.name, layer.description),
            String::new(),
            output.join("×"),
            grouped(layer.parameters),
        ]
    }));
    rows.push(vec![String::new(), String::new(), "total".into(), grouped(layers.iter().map(|l| l.parameters).sum())]);
    table(&rows)
}

/// Metrics of one source.
pub(crate) fn metrics(examples: usize, metrics: &Metrics) -> std::io::Result<()> {
    let mut rows: Vec<Vec<String>> =
        metrics.iter().map(|(name, metric)| vec![name.clone(), interval(metric)]).collect();
    rows.push(vec!["rows".into(), grouped(examples)]);
    table(&rows)
}

/// The result of a gradient check.
pub(crate) fn gradient_report(steps: usize, report: &Report, tolerance: f64) -> std::io::Result<()> {
    let when = if steps == 0 { "at random initialisation".into() } else { format!("after {steps} steps") };
    line(&format!(
        "{BOLD}{when}{BOLD:#}: relative difference {:.2e}, {} parameters checked, {} skipped at kinks",
        report.relative_difference, report.parameters_checked, report.kinks_skipped
    ))?;
    let mut rows = vec![["layer", "parameter", "relative difference", "checked", ""].map(String::from).to_vec()];
    rows.extend(report.layers.iter().map(|row| {
        let verdict = if row.relative_difference <= tolerance { "ok" } else { "WRONG" };
        vec![
            row.name.clone(),
            row.parameter.clone(),
            format!("{:.2e}", row.relative_difference),
            row.checked.to_string(),
            verdict.to_string(),
        ]
    }));
    table(&rows)?;
    match report.culprit(tolerance) {
        Some(row) => line(&format!("{RED}the mistake is in {} {}{RED:#}", row.name, row.parameter))?,
        None => line("every gradient agrees")?,
    }
    line("")
}

/// The result of a learning-rate range test.
pub(crate) fn rates(rates: &Rates, picture: Option<&std::path::Path>) -> std::io::Result<()> {
    let mut rows = vec![["seed", "cost falls fastest at"].map(String::from).to_vec()];
    rows.extend(rates.curves.iter().map(|curve| vec![curve.seed.to_string(), short(curve.suggestion)]));
    table(&rows)?;
    line("")?;
    line(&format!("{BOLD}--learning-rate {}{BOLD:#}", rates.suggestion))?;
    match picture {
        Some(path) => line(&format!("picture  {}", path.display())),
        None => line(&format!("{FAINT}--picture rates.svg draws it{FAINT:#}")),
    }
}

/// A model: layers, preprocessing and provenance.
pub(crate) fn model(model: &Model, as_json: bool) -> std::io::Result<()> {
    let layers = model.network.summary();
    if as_json {
        return json(&serde_json::json!({
            "layers": layers,
            "parameters": model.network.layout().trained(),
            "task": model.target.task,
            "classes": model.target.classes,
            "thresholds": model.target.thresholds,
            "features": model.pipeline.features(),
            "sequences": model.pipeline.grouping,
            "provenance": model.provenance,
        }));
    }
    layer_table(&layers)?;
    line("")?;
    let provenance = &model.provenance;
    if let Some(Grouping { sequence, time, steps }) = &model.pipeline.grouping {
        let order = time.as_ref().map_or(String::new(), |time| format!(" in the order of {time}"));
        line(&format!("examples   the rows of each {sequence}{order}, up to {steps} steps"))?;
    }
    line(&format!("task       {}, predicts {}", name_of(&model.target.task), model.target.columns.join(", ")))?;
    if !model.target.classes.is_empty() {
        line(&format!("classes    {}", model.target.classes.join(", ")))?;
    }
    if !model.target.thresholds.is_empty() {
        let from: Vec<String> = model.target.thresholds.iter().map(f64::to_string).collect();
        line(&format!("threshold  {}", from.join(", ")))?;
    }
    line(&format!("trained    on {}, seed {}, by version {}", provenance.data, provenance.seed, provenance.thalweg))?;
    line(&format!("epochs     {}, best {}", provenance.epochs, provenance.best_epoch))?;
    line("")?;
    let mut rows = vec![vec!["column".to_string(), "becomes".to_string()]];
    rows.extend(model.pipeline.inputs.iter().map(|input| vec![input.column.clone(), name_of(&input.transform)]));
    if rows.len() > 1 {
        table(&rows)?;
        line("")?;
    }
    table(&metrics_rows(&provenance.metrics, &provenance.examples))
}

/// A data file: its columns and how they would be used.
pub(crate) fn profile(profile: &Profile, as_json: bool) -> std::io::Result<()> {
    if as_json {
        return json(&serde_json::to_value(profile).expect("a profile is plain data"));
    }
    line(&format!(
        "{BOLD}{}{BOLD:#}: {} rows, {} columns",
        profile.name,
        grouped(profile.rows),
        profile.columns.len()
    ))?;
    line("")?;
    let mut rows =
        vec![["column", "kind", "role", "missing", "distinct", "range", "most frequent"].map(String::from).to_vec()];
    rows.extend(profile.columns.iter().map(|column| {
        let range = match (column.low, column.high) {
            (Some(low), Some(high)) => format!("{} … {}", short(low), short(high)),
            _ => String::new(),
        };
        let frequent: Vec<String> =
            column.frequent.iter().take(3).map(|(value, count)| format!("{} ({count})", on_a_line(value))).collect();
        vec![
            column.name.clone(),
            name_of(&column.kind),
            column.left_out.as_ref().map_or(name_of(&column.role), |why| format!("{} ({why})", name_of(&column.role))),
            column.missing.to_string(),
            grouped(column.distinct),
            range,
            frequent.join(", "),
        ]
    }));
    table(&rows)?;
    if let Some(task) = &profile.task {
        line("")?;
        line(&format!("task     {}", name_of(task)))?;
    }
    if !profile.classes.is_empty() {
        let shown = |(class, count): &(String, usize)| format!("{} ({count})", on_a_line(class));
        let classes: Vec<String> = profile.classes.iter().map(shown).collect();
        line(&format!("classes  {}", classes.join(", ")))?;
    }
    decisions(&profile.decisions)?;
    if let Some(problem) = &profile.problem {
        warning(problem);
    }
    Ok(())
}

/// A value's name in configurations: its serialised form, or the kind of a table.
fn name_of(value: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    let name = value.as_str().or_else(|| value["kind"].as_str()).unwrap_or_default();
    name.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!(
            [0.97222, 54321.7, 123.456, 0.0, 1e-5].map(short),
            ["0.9722", "54,322", "123.5", "0.0000", "1.00e-5"]
        );
        assert_eq!([1e300, -1e308, f64::NAN].map(short), ["1.00e300", "-1.00e308", "NaN"]);
        assert_eq!(grouped(1_234_567), "1,234,567");
    }
}
