//! Two models compared on the same rows: those of a source, or the test rows that both runs left out of training.

use std::collections::HashSet;
use std::path::Path;

use serde::Serialize;

use super::resume::written;
use super::training_data;

use crate::config;
use crate::data::dataset::Dataset;
use crate::data::examples::Examples;
use crate::data::{schema, source};
use crate::error::{Advice, Error, Result, advice};
use crate::event::Warning;
use crate::metrics::{self, Metric, Paired};
use crate::model::{EvaluatedExamples, Model};
use crate::report::text::{metric_name, number};
use crate::task::Task;
use crate::tensor::ops::MatmulPrecision;

/// Rows predicted at a time.
const CHUNK: usize = 4096;
/// A run's test metric is found again to within this share, whatever the precision of its products.
const SAME: f64 = 0.01;
const NAME_DATA: &str = "name data whose answers are known and that neither was trained on";

/// A model that is compared.
#[derive(Debug, Clone, Copy)]
pub struct Contender<'a> {
    /// What it is called: its file or its run's folder.
    pub name: &'a str,
    /// The model.
    pub model: &'a Model,
}

/// How two models compare on the same rows.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// What A is called.
    pub a: String,
    /// What B is called.
    pub b: String,
    /// The differences.
    #[serde(flatten)]
    pub paired: Paired,
    /// The difference of the log loss, or of the RMSE, in a sentence.
    pub verdict: String,
    /// What makes the comparison doubtful.
    #[serde(skip)]
    pub warnings: Vec<Warning>,
}

/// Compares two models on the rows of a source whose targets are known or, without one, on the test rows of both runs:
/// these must have been trained from the same data with the same test rows.
///
/// # Errors
/// If the models predict different things, the source cannot be read, or there are no test rows that both runs left out.
pub fn compare(
    [a, b]: [Contender; 2],
    source: Option<(&str, &config::Data)>,
    precision: [MatmulPrecision; 2],
    seed: u64,
) -> Result<Comparison> {
    check_alike(a, b)?;
    let Some((path, options)) = source else {
        let (first, second) = (dataset_of_run(a)?, dataset_of_run(b)?);
        check_same_rows([a, b], [&first, &second])?;
        let answered = [answers_as_recorded(a, &first, precision[0])?, answers_as_recorded(b, &second, precision[1])?];
        return judge([a, b], answered, seed);
    };
    let answered = |contender: Contender, precision| {
        let mut answered = Answered::default();
        contender.model.evaluate_batches(path, options, precision, &mut |examples, outputs| {
            answered.add(contender.model, &examples, outputs);
            Ok(true)
        })?;
        Ok::<_, Error>(answered)
    };
    let found = judge([a, b], [answered(a, precision[0])?, answered(b, precision[1])?], seed)?;
    let hash = source::hash(path)?;
    let seen = |contender: &Contender| {
        let provenance = &contender.model.provenance;
        match (&hash, provenance.hashes.get(&provenance.data)) {
            (Some(hash), Some(known)) => hash == known,
            _ => path == provenance.data,
        }
    };
    let warning = |contender: Contender| Warning {
        message: format!("{} was trained on rows of {path}: it is too good here", contender.name),
        remedy: "leave the data out, where both are runs with the same test rows".into(),
    };
    Ok(Comparison { warnings: [a, b].into_iter().filter(seen).map(warning).collect(), ..found })
}

/// Compares two models on rows that each has encoded, in the same order.
///
/// # Errors
/// If the models predict different things, or the rows differ.
pub fn compare_rows(
    [a, b]: [Contender; 2],
    rows: [&Examples; 2],
    precision: [MatmulPrecision; 2],
    seed: u64,
) -> Result<Comparison> {
    check_alike(a, b)?;
    let answered = [Answered::of(a.model, rows[0], precision[0])?, Answered::of(b.model, rows[1], precision[1])?];
    judge([a, b], answered, seed)
}

/// Checks that both predict the same.
fn check_alike(a: Contender, b: Contender) -> Result<()> {
    let (first, second) = (&a.model.target, &b.model.target);
    let differ = |what: &str, of_a: String, of_b: String| {
        let error = Error::config(format!("{what} {of_a} of A and {of_b} of B differ"));
        error.at(format!("{} and {}", a.name, b.name))
    };
    let names = |names: &[String]| schema::shortened(&schema::quoted(names), 5);
    if first.task != second.task {
        let error = differ("the tasks", first.task.to_string(), second.task.to_string());
        return Err(error.fix("compare models of one task, trained with the same [task]"));
    }
    if first.columns != second.columns {
        let error = differ("the targets", names(&first.columns), names(&second.columns));
        return Err(error.fix("compare models of the same columns, trained with the same [target]"));
    }
    if first.classes != second.classes {
        let error = differ("the classes", names(&first.classes), names(&second.classes));
        return Err(error.fix("train both with the same [classes]"));
    }
    Ok(())
}

/// A model's answers to rows, in the data's units.
#[derive(Debug, Default)]
struct Answered {
    examples: EvaluatedExamples,
    /// The line of each row in its source.
    lines: Vec<u64>,
}

impl Answered {
    fn of(model: &Model, rows: &Examples, precision: MatmulPrecision) -> Result<Answered> {
        let mut outputs = Vec::new();
        for start in (0..rows.rows).step_by(CHUNK) {
            let mut x = Vec::new();
            for row in start..(start + CHUNK).min(rows.rows) {
                x.extend_from_slice(&rows.inputs(row)?);
            }
            outputs.extend(model.outputs(&x, precision)?);
        }
        let mut answered = Answered::default();
        answered.add(model, rows, &outputs);
        Ok(answered)
    }

    fn add(&mut self, model: &Model, rows: &Examples, outputs: &[f64]) {
        self.examples.extend(&model.target, outputs, rows);
        self.lines.extend_from_slice(&rows.source_lines);
    }
}

/// Judges answers to the same rows.
fn judge([a, b]: [Contender; 2], [first, second]: [Answered; 2], seed: u64) -> Result<Comparison> {
    let target = &a.model.target;
    let (of_a, of_b) = (&first.examples, &second.examples);
    // Truths were scaled and back in f32.
    let spread = |i: usize| target.scales.get(i % target.scales.len().max(1)).map_or(0.0, |(mean, s)| mean.abs() + s);
    let near = |i: usize| (of_a.truths[i] - of_b.truths[i]).abs() <= 1e-5 * (of_a.truths[i].abs() + spread(i));
    if first.lines != second.lines || !(0..of_a.truths.len()).all(near) {
        let error = Error::data(format!(
            "A has {} rows whose answer is known, B {}, and they are not the same rows with the same answers",
            of_a.rows, of_b.rows
        ));
        return Err(error.at(format!("{} and {}", a.name, b.name)).fix(NAME_DATA));
    }
    for (contender, outputs) in [(a, &of_a.outputs), (b, &of_b.outputs)] {
        if let Some(at) = outputs.iter().position(|x| !x.is_finite()) {
            let error = Error::data("the model's answer is no finite number");
            return Err(error
                .at(format!("{}, line {}", contender.name, first.lines[at / target.points_per_row()]))
                .fix("give numbers nearer to those that the model was trained on, or leave the row out"));
        }
    }
    let answers = [of_a.outputs.as_slice(), &of_b.outputs];
    let weights = of_a.weights.as_deref();
    let paired = metrics::paired(target.task, answers, target.points_per_row(), &of_a.truths, weights, seed);
    let verdict = verdict(target.task, &paired);
    Ok(Comparison { a: a.name.into(), b: b.name.into(), paired, verdict, warnings: Vec::new() })
}

/// The difference of the metric that training lowers, in a sentence.
fn verdict(task: Task, paired: &Paired) -> String {
    let name = metrics::objective(task);
    let Some(found) = paired.metrics.get(name) else { return "there is nothing to compare".into() };
    let Metric { value, low, high } = found.difference;
    let metric = metric_name(name);
    if value == 0.0 {
        return format!("A and B have the same {metric}");
    }
    let direction = if value < 0.0 { "lower" } else { "higher" };
    let amount = number(value.abs(), 3);
    let (Some(low), Some(high)) = (low, high) else {
        return format!("B's {metric} is {direction} by {amount}: too few rows tell whether that is chance");
    };
    let (from, to) = if value < 0.0 { (-high, -low) } else { (low, high) };
    let chance = if from > 0.0 { "the difference is not chance" } else { "the difference may be chance" };
    format!("B's {metric} is {direction} by {amount} ({} to {}): {chance}", number(from, 3), number(to, 3))
}

/// A run's data, read and split once more as its configuration says.
fn dataset_of_run(contender: Contender) -> Result<Dataset> {
    let place = contender.name;
    let path = Path::new(place).join("config.toml");
    if !path.is_file() {
        let error = Error::config("this is no run's folder: which rows it was tested on is not known").at(place);
        return Err(error.fix(format!("name runs' folders, such as runs/digits-1, or {NAME_DATA}")));
    }
    let config = written(&path)?;
    if config.data.path == "-" {
        let error = Error::config("the run read its data from standard input, which is gone").at(place);
        return Err(error.fix(NAME_DATA));
    }
    let data = training_data(&config)?;
    if data.hashes != contender.model.provenance.hashes {
        let error = Error::data(format!("{} has changed since the run was trained on it", config.data.path));
        return Err(error.at(place).fix(NAME_DATA));
    }
    if data.parts.test.rows == 0 {
        let error = Error::data("the run has no test rows").at(place);
        return Err(error.fix(advice!("{}, or train with test rows: [split=0.6,0.2,0.2]", NAME_DATA)));
    }
    Ok(data)
}

/// Checks that both runs have the same data and the same test rows, which neither was trained on.
fn check_same_rows([a, b]: [Contender; 2], [first, second]: [&Dataset; 2]) -> Result<()> {
    let place = format!("{} and {}", a.name, b.name);
    let contents = |data: &Dataset| {
        let mut hashes: Vec<String> = data.hashes.values().cloned().collect();
        hashes.sort_unstable();
        if hashes.is_empty() { vec![data.name.clone()] } else { hashes }
    };
    if contents(first) != contents(second) {
        let found = format!("A was trained on {}, B on {}, which are not the same data", first.name, second.name);
        return Err(Error::data(found).at(place).fix(NAME_DATA));
    }
    let (of_a, of_b) = (&first.parts.test.source_lines, &second.parts.test.source_lines);
    if of_a == of_b {
        return Ok(());
    }
    let tested: HashSet<&u64> = of_a.iter().collect();
    let seen = second.parts.train.source_lines.iter().filter(|line| tested.contains(line)).count();
    let found = format!("the runs differ in their test rows: B was trained on {seen} of A's {}", of_a.len());
    let split =
        "train B with A's split: the same [split], [test] and [split_seed], which is the [seed] by default; or ";
    Err(Error::data(found).at(place).fix(Advice::from(split).and(NAME_DATA)))
}

/// The answers to a run's test rows, checked against the metric that the run recorded of them.
fn answers_as_recorded(contender: Contender, data: &Dataset, precision: MatmulPrecision) -> Result<Answered> {
    let answered = Answered::of(contender.model, &data.parts.test, precision)?;
    let target = &contender.model.target;
    let name = metrics::objective(target.task);
    let (found, known) = (answered.examples.metrics(target), &contender.model.provenance.metrics.test);
    match (found.get(name), known.get(name)) {
        (Some(found), Some(known)) if (found.value - known.value).abs() > SAME * known.value.abs() => {
            let error = Error::data(format!(
                "the {} on its test rows is {}, but the run recorded {}: the data has changed, or is read otherwise",
                metric_name(name),
                number(found.value, 4),
                number(known.value, 4)
            ));
            Err(error.at(contender.name).fix(NAME_DATA))
        }
        _ => Ok(answered),
    }
}
