//! A model card in Markdown: what a model is, what it was trained on, how well it does, and what limits it (Mitchell,
//! Wu, Zaldivar et al. 2019, *Model Cards for Model Reporting*).

mod forecast;
mod inputs;
mod markdown;

use super::text::{capital, count, duration, metric_name, metric_value, number, percent, plural};
use crate::data::schema::Role;
use crate::event::{Event, SplitPredictions, Splits};
use crate::event::{Run, RunEnd};
use crate::metrics::{Metric, Metrics};
use crate::model::Model;
use crate::task::Task;
use markdown::{block, code, codes, list, plain, shell, table};

/// Classes in a table, and columns in the table of those that matter.
const MOST_CLASSES: usize = 100;
const MOST_COLUMNS: usize = 10;
/// A class of fewer training rows, or of a smaller share of them, is named as rare.
const RARE: (usize, f64) = (30, 0.01);
/// Fewer evaluated rows than this are named as few.
const FEW: usize = 200;
/// Groups of rows by size of the true value, for numbers.
const GROUPS: usize = 4;

/// The model card of a model, from its file and, where it has a run, the run's events; nothing is in it that these do
/// not say. `place` names the model in commands: its file or its run's folder.
///
/// # Examples
///
/// ```
/// use thalweg::{Training, report};
/// use thalweg::data::arrays::Arrays;
///
/// let x: Vec<f32> = (0..400).map(|i| (i * 37 % 101) as f32).collect();
/// let larger = x.chunks(2).map(|pair| if pair[0] > pair[1] { "first" } else { "second" }.to_string());
/// let data = Arrays::new("pairs", &[2], x.clone())?.with_answers("larger", larger)?;
/// let trained = Training::new().layers([8]).epochs(2).fit(&data)?;
///
/// let card = report::card(&trained.model, &trained.events, None);
/// assert!(card.starts_with("# Model card: `larger`"));
/// # Ok::<(), thalweg::Error>(())
/// ```
pub fn card(model: &Model, events: &[Event], place: Option<&str>) -> String {
    let run = Run::new(events);
    let end = run.end.as_ref();
    let targets = codes(model.answered().columns.iter().map(String::as_str), 8);
    let sections = [
        ("Model", about(model, &run)),
        ("Inputs", columns(model, &run)),
        ("Data", data(model, &run)),
        ("Training", training(model, &run)),
        ("Metrics", run.forecast.as_ref().map_or_else(|| metrics(model), forecast::metrics)),
        ("Errors", end.filter(|_| run.forecast.is_none()).map_or_else(String::new, |end| errors(model, end))),
        ("Columns that matter", importance(&run)),
        ("Limits", limits(model, &run)),
        ("Use", usage(place)),
    ];
    let sections = sections.into_iter().filter(|(_, text)| !text.is_empty());
    let sections = sections.map(|(title, text)| format!("\n## {title}\n\n{text}"));
    format!("# Model card: {targets}\n") + &sections.collect::<String>()
}

/// What it predicts, and the network that does so.
fn about(model: &Model, run: &Run) -> String {
    let target = &model.target;
    let predicts = codes(target.columns.iter().map(String::as_str), 8);
    let classes = codes(target.classes.iter().map(String::as_str), 20);
    let predicts = match target.task {
        _ if model.forecast.is_some() => model.forecast.as_ref().map_or_else(String::new, forecast::predicts),
        Task::Regression => format!("Predicts numbers: {predicts}."),
        Task::Binary | Task::Multiclass => format!("Predicts the class {predicts}, one of {classes}."),
        Task::Multilabel => format!("Predicts which labels a row has, of {classes}."),
    };
    let layers: Vec<Vec<String>> = model
        .network
        .summary()
        .iter()
        .map(|layer| {
            let output: Vec<String> = layer.output.iter().map(usize::to_string).collect();
            vec![code(&layer.name), plain(&layer.description), output.join(" × "), count(layer.parameters)]
        })
        .collect();
    let name = if run.name.is_empty() { String::new() } else { format!(" Run: {}.", code(&run.name)) };
    format!(
        "{predicts} A neural network of {} trained parameters, made by Thalweg {}.{name}\n\n{}",
        count(model.network.layout().trained()),
        plain(&model.provenance.thalweg),
        table(&["layer", "what it is", "output", "parameters"], &layers)
    )
}

fn columns(model: &Model, run: &Run) -> String {
    let table = inputs::section(&model.pipeline, run.training_rows.as_ref());
    let roles = [
        ("identify rows", Role::Id),
        ("weight of a row", Role::Weight),
        ("groups of the split", Role::Group),
        ("order in time of the split", Role::Time),
        ("left out", Role::Ignored),
    ];
    let roles = roles.map(|(what, role)| (what, model.schema.names(role)));
    inputs::left_out(&roles).map_or(table.clone(), |told| format!("{table}\n{told}\n"))
}

/// The data, its hashes, and the rows of each split and class.
fn data(model: &Model, run: &Run) -> String {
    let provenance = &model.provenance;
    let Splits { train, dev, test } = provenance.examples;
    let mut facts = vec![
        format!("Trained on {}.", code(&provenance.data)),
        format!("Rows: {} train, {} dev, {} test.", count(train), count(dev), count(test)),
    ];
    facts.extend(provenance.hashes.iter().map(|(name, hash)| format!("BLAKE3 of {}: `{hash}`.", code(name))));
    if provenance.hashes.is_empty() {
        facts.push("No hash of the data is known.".into());
    }
    let mut text = list(&facts);
    let counts = run.training_rows.as_ref().map(|rows| rows.classes.as_slice()).unwrap_or_default();
    if !counts.is_empty() {
        let rows = model.target.classes.iter().zip(counts).take(MOST_CLASSES);
        let share = |n: usize| percent(n as f64 / train.max(1) as f64);
        let rows: Vec<_> = rows.map(|(class, &n)| vec![code(class), count(n), share(n)]).collect();
        text += &format!("\n{}", table(&["class", "training rows", "share"], &rows));
    }
    text
}

/// How it was trained, and how to do it again.
fn training(model: &Model, run: &Run) -> String {
    let provenance = &model.provenance;
    let mut facts = vec![
        format!("{}, of which the model has number {}.", plural(provenance.epochs, "epoch"), provenance.best_epoch),
        format!("Seed {}.", provenance.seed),
    ];
    if let Some(end) = &run.end {
        facts.push(format!("Ended: {}, after {}.", plain(&end.reason), duration(end.seconds)));
    }
    let mut text = list(&facts);
    if !run.decisions.is_empty() {
        let decided = run.decisions.iter().map(|decision| {
            let otherwise = if decision.instead.is_empty() { String::new() } else { code(&decision.flag()) };
            vec![plain(&decision.what), plain(&decision.why), otherwise]
        });
        let decided: Vec<_> = decided.collect();
        text += &format!("\nDecided by default:\n\n{}", table(&["what", "why", "otherwise"], &decided));
    }
    if !run.command.is_empty() {
        text += &format!("\nTo train it again:\n\n{}", block("sh", std::slice::from_ref(&run.command)));
    }
    text
}

fn metrics(model: &Model) -> String {
    let Splits { train, dev, test } = &model.provenance.metrics;
    let rows = &model.provenance.examples;
    let parts = [("train", train, rows.train), ("dev", dev, rows.dev), ("test", test, rows.test)];
    let parts: Vec<(&str, &Metrics, usize)> = parts.into_iter().filter(|(_, metrics, _)| !metrics.is_empty()).collect();
    if parts.is_empty() {
        return String::new();
    }
    let head: Vec<&str> = std::iter::once("metric").chain(parts.iter().map(|(name, ..)| *name)).collect();
    let mut names: Vec<&String> = parts.iter().flat_map(|(_, metrics, _)| metrics.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let cells = |name: &String| {
        let values = parts.iter().map(|(_, metrics, _)| metrics.get(name).map_or("".into(), |m| interval(name, m)));
        std::iter::once(metric_name(name).to_string()).chain(values).collect()
    };
    let mut lines: Vec<Vec<String>> = names.into_iter().map(cells).collect();
    lines.push(std::iter::once("rows".into()).chain(parts.iter().map(|(.., rows)| count(*rows))).collect());
    format!("In parentheses: 95 % intervals over rows.\n\n{}", table(&head, &lines))
}

/// `0.0312 (0.0251 to 0.0373)`.
fn interval(name: &str, metric: &Metric) -> String {
    let value = |x: f64| metric_value(name, x);
    match (metric.low, metric.high) {
        (Some(low), Some(high)) => format!("{} ({} to {})", value(metric.value), value(low), value(high)),
        _ => value(metric.value),
    }
}

/// What was mistaken for what, by class, or how far answers are off, by size.
fn errors(model: &Model, end: &RunEnd) -> String {
    let part = plain(&end.answers.part);
    if !end.answers.confusion.is_empty() {
        return format!("On {part}, by true class:\n\n{}", by_class(&model.target.classes, &end.answers.confusion));
    }
    let first = model.target.columns.first().map_or("", String::as_str);
    by_size(&end.answers).map_or_else(String::new, |table| {
        let rows = plural(end.answers.points.len(), "row");
        format!("On {rows} of {part}, by size of the true {}:\n\n{table}", code(first))
    })
}

/// For each class: recall, precision, and what it was most often taken for.
fn by_class(classes: &[String], confusion: &[Vec<usize>]) -> String {
    let ratio = |a: usize, b: usize| if b == 0 { String::new() } else { percent(a as f64 / b as f64) };
    let rows = classes.iter().zip(confusion).enumerate().take(MOST_CLASSES).map(|(class, (name, row))| {
        let right = row.get(class).copied().unwrap_or(0);
        let (total, chosen) = (row.iter().sum(), confusion.iter().filter_map(|row| row.get(class)).sum());
        let others = row.iter().enumerate().filter(|(other, n)| *other != class && **n > 0);
        let worst = others.max_by_key(|(other, n)| (**n, std::cmp::Reverse(*other)));
        let worst = worst.and_then(|(other, n)| Some(format!("{} ({})", code(classes.get(other)?), count(*n))));
        vec![code(name), count(total), ratio(right, total), ratio(right, chosen), worst.unwrap_or_default()]
    });
    table(&["class", "rows", "recall", "precision", "most often taken for"], &rows.collect::<Vec<_>>())
}

/// For each quarter of the rows, by true value: the mean error and the mean absolute error.
fn by_size(answers: &SplitPredictions) -> Option<String> {
    let mut points = answers.points.clone();
    points.retain(|(truth, answer)| truth.is_finite() && answer.is_finite());
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let rows: Vec<Vec<String>> = (0..GROUPS)
        .filter_map(|group| {
            let rows = &points[group * points.len() / GROUPS..(group + 1) * points.len() / GROUPS];
            let ((low, _), (high, _)) = (rows.first()?, rows.last()?);
            let mean = |of: &dyn Fn(f64) -> f64| rows.iter().map(|(t, y)| of(y - t)).sum::<f64>() / rows.len() as f64;
            let range = format!("{} to {}", number(*low, 4), number(*high, 4));
            Some(vec![range, count(rows.len()), number(mean(&|e| e), 3), number(mean(&f64::abs), 3)])
        })
        .collect();
    let head = ["true value", "rows", "mean of prediction − truth", "mean absolute error"];
    (!rows.is_empty()).then(|| table(&head, &rows))
}

fn importance(run: &Run) -> String {
    let Some(importance) = &run.importance else { return String::new() };
    let rows = importance.columns.iter().take(MOST_COLUMNS).map(|column| {
        let growth = &column.growth;
        let each = [Some(growth.value), growth.low, growth.high].map(|x| x.map_or_else(String::new, |x| number(x, 3)));
        std::iter::once(code(&column.column)).chain(each).collect()
    });
    format!(
        "How much the {} grows on {} where a column's values are shuffled among rows (Breiman 2001):\n\n{}",
        metric_name(&importance.metric),
        plain(&importance.part),
        table(&["column", "growth", "from", "to"], &rows.collect::<Vec<_>>())
    )
}

/// What was not tested or is known to be weak, as far as the files say.
fn limits(model: &Model, run: &Run) -> String {
    let provenance = &model.provenance;
    let Splits { train, dev, test } = provenance.examples;
    let mut limits = Vec::new();
    match (dev, test) {
        (0, 0) => limits.push("No row was held out: nothing here tells how the model does on other rows.".into()),
        (_, 0) => limits.push("There are no test rows: dev chose the model, so its metrics are optimistic.".into()),
        (_, test) if test < FEW => limits.push(format!("Test has only {}: its intervals tell.", plural(test, "row"))),
        _ => {}
    }
    if test > 0 {
        let sources: Vec<&str> = provenance.hashes.keys().map(String::as_str).collect();
        let sources = if sources.is_empty() { vec![provenance.data.as_str()] } else { sources };
        limits.push(format!("It was tested on rows of {} alone.", codes(sources, 8)));
    }
    let counts = run.training_rows.as_ref().map(|rows| rows.classes.as_slice()).unwrap_or_default();
    let rare = |n: usize| n < RARE.0 || (n as f64) < RARE.1 * train as f64;
    let rare = model.target.classes.iter().zip(counts).filter(|(_, n)| rare(**n));
    let rare: Vec<String> = rare.map(|(class, n)| format!("{} ({})", code(class), plural(*n, "row"))).collect();
    if !rare.is_empty() {
        let more = rare.len().saturating_sub(MOST_COLUMNS);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        limits.push(format!("Classes rare in training: {}{more}.", rare[..rare.len().min(MOST_COLUMNS)].join(", ")));
    }
    limits.extend(inputs::limits(&model.pipeline, run.training_rows.as_ref()));
    let first = |warning: &String| plain(&capital(warning.lines().next().unwrap_or_default()));
    limits.extend(run.warnings.iter().map(|warning| format!("Warning of the run: {}.", first(warning))));
    limits.push(
        "What it is meant for, whom its answers affect and how the data was collected is not in the model's files: \
         whoever publishes it should say."
            .into(),
    );
    list(&limits)
}

fn usage(place: Option<&str>) -> String {
    let place = place.unwrap_or("MODEL.safetensors");
    let path = shell(place);
    let commands =
        [format!("thalweg predict {path} NEW.csv -o answers.csv"), format!("thalweg evaluate {path} KNOWN.csv")];
    let python =
        ["import thalweg", "", &format!("model = thalweg.Model.load({place:?})"), "model.predict(\"NEW.csv\")"];
    block("sh", &commands) + "\n" + &block("python", &python.map(String::from))
}
