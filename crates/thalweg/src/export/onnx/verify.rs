//! Verification: the graph is run on rows like those of the training data, and must give the model's answers.

use std::collections::HashMap;

use prost::Message;
use rten::{ModelOptions, ValueOrView};

use super::graph::value;
use super::interpret::{self, Value};
use super::proto::{DataType, ValueInfo};
use super::rows::{self, SampleRows};
use super::{Written, of_graph};
use crate::data::schema::Task;
use crate::data::target::Target;
use crate::export::{Regions, Verification};
use crate::model::Model;
use crate::{Error, ErrorKind, Result};

/// The largest difference accepted.
const TOLERANCE: f64 = 1e-5;

/// Runs the graph; an error if its answers differ.
pub(super) fn verify(model: &Model, written: &Written) -> Result<Verification> {
    let SampleRows { count, mut values, expected } = rows::draw(model, &written.graph)?;
    let graph = &written.graph;
    interpret::run(&graph.nodes[..written.preprocess], &graph.constants, &mut values)?;
    let x = values.get(&written.x.name).ok_or_else(|| Error::internal("the preprocessing makes no input"))?;
    let x: Vec<f32> = x.numbers()?.iter().map(|&x| x as f32).collect();
    let numbers = Runner::new(written, true)?.run(&x)?;
    let columns = numbers.len() / count;
    let numbers = Value::Numbers { kind: DataType::Float, columns, numbers };
    values.insert(written.answers.numbers.clone(), numbers);
    interpret::run(&graph.nodes[written.answers.nodes..], &graph.constants, &mut values)?;

    let target = &model.target;
    let output = |wanted: &str| {
        let output = graph.output_of(wanted).and_then(|name| values.get(name));
        output.ok_or_else(|| Error::internal(format!("the graph gives no {wanted}")))
    };
    let (mut ours, mut theirs): (Vec<f64>, Vec<f64>) = match target.task {
        Task::Regression => {
            let (each, output) = (target.quantiles.len().max(1), output("prediction")?.numbers()?);
            let clipped = expected.iter().enumerate().map(|(i, &z)| target.clipped(i % columns / each, z));
            let scaled = output.iter().enumerate().map(|(i, &y)| target.scaled(i % columns / each, y));
            (clipped.collect(), scaled.collect())
        }
        _ => {
            let ours = expected.chunks_exact(target.outputs()).flat_map(|row| target.probabilities(row));
            (ours.collect(), output("probabilities")?.numbers()?.to_vec())
        }
    };
    if let Some(Regions { margins, .. }) = written.regions.as_ref().filter(|_| target.task == Task::Regression) {
        let rows = expected.chunks_exact(target.outputs()).map(|row| target.intervals(row, margins));
        let ends: Vec<[f64; 2]> = rows.flatten().collect();
        for (name, end) in [("low", 0), ("high", 1)] {
            let scaled = |(i, y): (usize, f64)| target.scaled(i % margins.len(), y);
            ours.extend(ends.iter().map(|ends| ends[end]).enumerate().map(scaled));
            theirs.extend(output(name)?.numbers()?.iter().copied().enumerate().map(scaled));
        }
    }
    if ours.len() != theirs.len() {
        return Err(Error::internal(format!("the graph gives {} numbers, expected {}", theirs.len(), ours.len())));
    }
    let difference = |(a, b): (&f64, &f64)| (a - b).abs() / a.abs().max(1.0);
    // A NaN counts as a difference.
    let largest =
        ours.iter().zip(&theirs).map(difference).fold(0.0, |a: f64, b| if b > a || b.is_nan() { b } else { a });
    if largest.is_nan() || largest > TOLERANCE {
        return Err(Error::new(
            ErrorKind::Check,
            format!(
                "the graph's answers differ from the model's by {largest:.2e}, at most {TOLERANCE:.0e} is let pass"
            ),
        )
        .fix("report this model; nothing was written"));
    }
    labels(model, written, &values, &expected)?;
    if let Some(Regions { margins, .. }) = written.regions.as_ref().filter(|_| target.task.is_classes()) {
        sets(target, margins, output("set")?.numbers()?, &expected)?;
    }
    Ok(Verification {
        runtime: "rten",
        rows: count,
        largest_difference: largest,
        tolerance: TOLERANCE,
        in_32_bits: false,
    })
}

/// The network of a graph, loaded in a runtime.
pub(super) struct Runner {
    model: rten::Model,
    /// The dimensions of an example.
    dimensions: Vec<usize>,
    answers: String,
}

impl Runner {
    /// Loads the network; unless `faster`, it is not optimised, so that all tensors between layers exist.
    pub(super) fn new(written: &Written, faster: bool) -> Result<Runner> {
        let graph = &written.graph;
        let nodes = graph.nodes[written.preprocess..written.answers.nodes].to_vec();
        let used = |name: &String| nodes.iter().any(|node| node.input.contains(name));
        let constants = graph.constants.iter().filter(|constant| used(&constant.name)).cloned().collect();
        let dimensions = written.x.shape.dimensions().to_vec();
        let input = value(&written.x.name, DataType::Float, &dimensions, "");
        let answers = written.answers.numbers.clone();
        let output = ValueInfo { name: answers.clone(), ..ValueInfo::default() };
        let bytes = of_graph(nodes, constants, vec![input], vec![output]).encode_to_vec();
        let mut options = ModelOptions::with_all_ops();
        let model = options.enable_optimization(faster).load(bytes).map_err(|error| failed(error.to_string()))?;
        Ok(Runner { model, dimensions, answers })
    }

    /// The answers for inputs of the network.
    pub(super) fn run(&self, x: &[f32]) -> Result<Vec<f64>> {
        let y = self.tensors(x, &[&self.answers])?.remove(0);
        Ok(y.into_iter().map(f64::from).collect())
    }

    /// The minimum and maximum of each of some tensors, 0 included.
    pub(super) fn ranges<'a>(
        &self,
        batches: impl Iterator<Item = &'a [f32]>,
        names: &[String],
    ) -> Result<HashMap<String, (f32, f32)>> {
        let wanted: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut ranges = HashMap::new();
        for x in batches {
            for (name, tensor) in names.iter().zip(self.tensors(x, &wanted)?) {
                let range = ranges.entry(name.clone()).or_insert((0.0_f32, 0.0_f32));
                *range = tensor.iter().fold(*range, |(low, high), &x| (low.min(x), high.max(x)));
            }
        }
        Ok(ranges)
    }

    fn tensors(&self, x: &[f32], names: &[&str]) -> Result<Vec<Vec<f32>>> {
        let each: usize = self.dimensions.iter().product();
        let mut tensors = vec![Vec::new(); names.len()];
        for x in x.chunks(each * AT_ONCE) {
            let shape: Vec<usize> = std::iter::once(x.len() / each).chain(self.dimensions.iter().copied()).collect();
            let x = rten::Value::from_shape(&shape, x.to_vec()).map_err(|error| failed(error.to_string()))?;
            let id = |name: &&str| self.model.node_id(name).map_err(|error| failed(error.to_string()));
            let ids = names.iter().map(id).collect::<Result<Vec<_>>>()?;
            let input = self.model.input_ids()[0];
            let made = self.model.run(vec![(input, ValueOrView::from(x))], &ids, None);
            for (tensor, made) in tensors.iter_mut().zip(made.map_err(|error| failed(error.to_string()))?) {
                let made = made.into_tensor::<f32>().ok_or_else(|| failed("it gives other numbers".into()))?;
                tensor.extend(made.into_data());
            }
        }
        Ok(tensors)
    }
}

/// Rows run at a time.
const AT_ONCE: usize = 256;

fn failed(error: String) -> Error {
    Error::internal(format!("the graph cannot be run: {error}"))
}

/// Checks that sets have the classes of the model's, except where one is almost as likely as the least likely of a set.
fn sets(target: &Target, margins: &[f64], theirs: &[f64], expected: &[f64]) -> Result<()> {
    let rows = expected.chunks_exact(target.outputs());
    for (row, theirs) in rows.zip(theirs.chunks_exact(target.classes.len())) {
        let (ours, probabilities) = (target.set(row, margins), target.probabilities(row));
        for (class, (p, theirs)) in probabilities.iter().zip(theirs).enumerate() {
            let clear = margins.iter().all(|margin| (1.0 - p - margin).abs() > TOLERANCE);
            if clear && ours.contains(&class) != (*theirs == 1.0) {
                let message =
                    format!("the graph's set of a row is another than the model's in {:?}", target.classes[class]);
                return Err(Error::new(ErrorKind::Check, message).fix("report this model; nothing was written"));
            }
        }
    }
    Ok(())
}

/// Checks that labels are those of the model, except where another is almost as likely.
fn labels(model: &Model, written: &Written, values: &HashMap<String, Value>, expected: &[f64]) -> Result<()> {
    let target = &model.target;
    let Some(label) = written.graph.output_of("label") else { return Ok(()) };
    let labels: Vec<String> = match values.get(label) {
        Some(Value::Texts { texts, .. }) => texts.clone(),
        Some(Value::Numbers { numbers, .. }) => numbers.iter().map(f64::to_string).collect(),
        None => return Err(Error::internal("the graph gives no label")),
    };
    let rows = expected.chunks_exact(target.outputs());
    for (row, labels) in rows.zip(labels.chunks_exact(labels.len() / (expected.len() / target.outputs()))) {
        let from = |label: usize| row[label] >= target.threshold(label);
        let clear = || (0..row.len()).all(|label| (row[label] - target.threshold(label)).abs() > TOLERANCE);
        let (ours, clear): (Vec<String>, bool) = match target.task {
            Task::Multilabel => ((0..row.len()).map(|label| u8::from(from(label)).to_string()).collect(), clear()),
            Task::Binary => (target.answers(row), clear()),
            _ => {
                let mut sorted = row.to_vec();
                sorted.sort_by(|a, b| b.total_cmp(a));
                (target.answers(row), sorted[0] - sorted[1] > TOLERANCE)
            }
        };
        if clear && ours != labels {
            let message = format!("the graph answers {labels:?} where the model answers {ours:?}");
            return Err(Error::new(ErrorKind::Check, message).fix("report this model; nothing was written"));
        }
    }
    Ok(())
}
