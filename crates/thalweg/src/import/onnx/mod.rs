//! ONNX graphs as networks: from input to output, each node is a layer or part of one.

mod answers;
mod embedding;
mod flow;
mod graph;
mod graph_reader;
mod layer_builder;
mod log_mel;
mod operators;
mod patterns;
mod start;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::Path;

use self::flow::Flow;
use self::graph::{Graph, refused};
use self::graph_reader::unfit;
use self::layer_builder::{ImportedLayer, activate};
use crate::data::cell_format::CellFormat;
use crate::data::preprocess::{ArrayScale, Pipeline, Scale};
use crate::data::schema::{Column, ColumnKind, Role, Schema, Task};
use crate::data::target::Target;
use crate::event::Decision;
use crate::io::atomic;
use crate::model::{Model, Provenance};
use crate::network::Network;
use crate::tensor::{Activation, Dtype, Shape, Tensor, ops};
use crate::{Error, Result};

/// A model of a graph's network and the decisions made, for prediction and further training. The task is for graphs that
/// end in logits; those with a softmax or sigmoid tell it themselves.
///
/// # Errors
/// If the file cannot be read, is damaged, uses an operation that no layer supports, or is of another task.
pub fn onnx(path: &Path, task: Option<Task>) -> Result<(Model, Vec<Decision>)> {
    let bytes = atomic::read(path)
        .map_err(|error| Error::io(crate::ErrorKind::Data, path, "read the graph", &error).fix("name an ONNX file"))?;
    read(&bytes, task).map_err(|error| {
        let within = error.place.as_ref().map_or_else(String::new, |place| format!(", {place}"));
        error.at(format!("{}{within}", path.display()))
    })
}

/// A parsed network, and the order of elements at its ends.
#[derive(Debug)]
struct Parsed {
    network: Network,
    theta: Tensor,
    /// Scales of the graph's inputs; none where it takes table columns, and only the network is imported.
    scales: Option<Vec<Scale>>,
    answers: answers::TracedOutput,
    start: Flow,
    end: Flow,
    notes: Vec<Decision>,
    metadata: HashMap<String, String>,
}

pub(crate) fn read(bytes: &[u8], task: Option<Task>) -> Result<(Model, Vec<Decision>)> {
    let parsed = parse(bytes, task)?;
    let mut decisions = decisions(&parsed);
    // Our own graphs of numbers say so.
    if parsed.answers.task == Task::Regression && task.is_none() && !parsed.metadata.contains_key("thalweg.task") {
        decisions.push(Decision {
            what: "answers are numbers".into(),
            why: "the graph ends in no softmax or sigmoid".into(),
            instead: "[task=multiclass], if they are logits".into(),
        });
    }
    let target = target(&parsed)?;
    let cell_format = CellFormat::default();
    let column = |name: &str, role| Column::new(name, ColumnKind::Numeric, role);
    let targets = target.columns.iter().map(|name| column(name, Role::Target));
    let columns = std::iter::once(column("x", Role::Feature)).chain(targets).collect();
    let schema =
        Schema { columns, task: target.task, cell_format: cell_format.clone(), separator: None, classes: Vec::new() };
    let shape = parsed.network.input().dimensions().to_vec();
    let array = ArrayScale { shape, scales: parsed.scales.unwrap_or_else(|| vec![Scale::None]), media: None };
    let pipeline = Pipeline::of_array(cell_format, array);
    let provenance = Provenance {
        thalweg: env!("CARGO_PKG_VERSION").into(),
        data: parsed.metadata.get("thalweg.data").cloned().unwrap_or_else(|| "an ONNX graph".into()),
        hashes: [("onnx".to_string(), blake3::hash(bytes).to_hex().to_string())].into(),
        ..Provenance::default()
    };
    let Parsed { network, theta, .. } = parsed;
    Ok((Model { network, theta, pipeline, schema, target, provenance, forecast: None }.proved()?, decisions))
}

fn parse(bytes: &[u8], task: Option<Task>) -> Result<Parsed> {
    let graph = Graph::read(bytes)?;
    let (start, scales) = start::find(&graph)?;
    let output = answers::output(&graph).ok_or_else(|| refused("the graph has no output"))?;
    let mut answers = answers::trace(&graph, output);
    let (mut end, mut imported, mut notes) = graph_reader::layers(&graph, start.clone(), &answers.logits)?;
    if answers.task == Task::Multiclass && end.dims.len() != 1 {
        // A class per pixel is not one per example: the softmax becomes the last layer.
        answers = answers::TracedOutput::numbers(output);
        (end, imported, notes) = graph_reader::layers(&graph, start.clone(), output)?;
    }
    if answers.task == Task::Multilabel && end.shape.size() == 1 {
        answers.task = Task::Binary;
    }
    if let Some(task) = task.filter(|task| *task != answers.task) {
        of_task(&mut answers, task, &end)?;
    }
    if imported.is_empty() {
        activate(&mut imported, Activation::Identity);
    }
    let (network, theta) = network(start.shape, imported)?;
    Ok(Parsed { network, theta, scales, answers, start, end, notes, metadata: graph.metadata })
}

/// Takes outputs that the graph leaves as they are for the logits of a task.
fn of_task(answers: &mut answers::TracedOutput, task: Task, end: &Flow) -> Result<()> {
    let wrong = |message: String, fix: &str| Err(Error::config(message).at("--task").fix(fix));
    if answers.task != Task::Regression || answers.are_in_units() {
        return wrong(format!("the graph's answers are {}, not {task}", answers.task), "leave it out");
    }
    let (flat, outputs) = (end.dims.len() == 1, end.shape.size());
    let fits = match task {
        Task::Binary => flat && outputs == 1,
        Task::Multiclass => flat && outputs > 1,
        Task::Regression | Task::Multilabel => flat,
    };
    if !fits {
        let fix = "a binary model has one logit, a multiclass one as many as classes";
        return wrong(format!("found outputs of {} for task {task}", end.shape), fix);
    }
    answers.task = task;
    Ok(())
}

/// Layers with their parameters as a network and its θ.
fn network(input: Shape, imported: Vec<ImportedLayer>) -> Result<(Network, Tensor)> {
    let (mut layers, mut found) = (Vec::new(), HashMap::new());
    for (i, layer) in imported.into_iter().enumerate() {
        let (layer, parameters) = layer.finish();
        layers.push(layer);
        found.extend(parameters.into_iter().map(|(name, numbers)| (format!("layers.{i}.{name}"), numbers)));
    }
    let network = Network::new(input, layers).map_err(unfit)?;
    // No more memory is allocated than the file fills.
    for entry in network.layout().entries() {
        let numbers = found.get(&entry.name).map_or(&[][..], Vec::as_slice);
        if numbers.len() != entry.shape.size() {
            return Err(refused(format!("{} has {} numbers, expected {}", entry.name, numbers.len(), entry.shape)));
        }
        if let Some(x) = numbers.iter().find(|x| !(**x as f32).is_finite()) {
            return Err(refused(format!("{} has the number {x}", entry.name)));
        }
    }
    let mut theta = Tensor::zeros([network.layout().len()], Dtype::F32);
    for entry in network.layout().entries() {
        let numbers = Tensor::from_f64(entry.shape, found[&entry.name].clone()).to(Dtype::F32);
        ops::copy(numbers.view(), theta.view_mut().part(entry.start, entry.shape));
    }
    Ok((network, theta))
}

fn decisions(parsed: &Parsed) -> Vec<Decision> {
    let mut decisions = Vec::new();
    let mut say = |what: String, why: &str, instead: &str| {
        decisions.push(Decision { what, why: why.into(), instead: instead.into() });
    };
    let (start, end) = (&parsed.start, &parsed.end);
    if !start.is_own() || start.dims != start.shape.dimensions() {
        say(
            format!("an example is {}, channels last; in the graph it is {:?}", start.shape, start.dims),
            "images and sounds are so here",
            "transpose arrays that have channels first",
        );
    }
    if !end.is_own() {
        let what = format!("answers are {}, channels last", end.shape);
        say(what, "images and sounds are so here", "transpose them back");
    }
    if parsed.scales.is_none() {
        say(
            format!("the network alone is read: it takes {} numbers, not columns", start.shape),
            "what a graph does to columns is not read",
            "keep the model's own file",
        );
    }
    if parsed.answers.logarithm {
        say("answers are probabilities".into(), "the graph's are their logarithms", "take the logarithm");
    }
    decisions.extend(parsed.notes.iter().cloned());
    decisions
}

/// The target: classes by the names that our export stores, else by number.
fn target(parsed: &Parsed) -> Result<Target> {
    let answers = &parsed.answers;
    let outputs = parsed.network.output().size();
    let list = |key: &str, count: usize| -> Option<Vec<String>> {
        serde_json::from_str(parsed.metadata.get(key)?).ok().filter(|names: &Vec<String>| names.len() == count)
    };
    let count = match answers.task {
        Task::Regression => 0,
        Task::Binary => 2,
        Task::Multiclass | Task::Multilabel => outputs,
    };
    let classes = list("thalweg.classes", count).unwrap_or_else(|| (0..count).map(|class| class.to_string()).collect());
    let numbered = |count: usize| (0..count).map(|i| if count == 1 { "y".into() } else { format!("y{i}") }).collect();
    let columns = match answers.task {
        Task::Regression => list("thalweg.targets", outputs).unwrap_or_else(|| numbered(outputs)),
        Task::Multilabel => classes.clone(),
        Task::Binary | Task::Multiclass => list("thalweg.targets", 1).unwrap_or_else(|| numbered(1)),
    };
    let (mut scales, mut limits) = (Vec::new(), Vec::new());
    if answers.task == Task::Regression {
        let each = |numbers: &Option<Vec<f64>>, usual: f64| numbers.clone().unwrap_or_else(|| vec![usual; outputs]);
        let (means, deviations) = (each(&answers.mean, 0.0), each(&answers.deviation, 1.0));
        if means.len() != outputs || deviations.len() != outputs {
            return Err(refused(format!("{} and {} scales for {outputs} numbers", means.len(), deviations.len())));
        }
        scales = means.into_iter().zip(deviations).collect();
        if let Some((mean, deviation)) = scales.iter().find(|(m, d)| !(m.is_finite() && d.is_normal())) {
            return Err(refused(format!("answers are scaled by {mean} and {deviation}")));
        }
        if let Some([lows, highs]) = &answers.limits {
            limits = lows.iter().copied().zip(highs.iter().copied()).collect();
            if [lows, highs].iter().any(|bounds| bounds.len() != outputs) || limits.iter().any(|(low, high)| low > high)
            {
                return Err(refused(format!("answers are clipped to {lows:?} and {highs:?}")));
            }
        }
    }
    let cell_format = CellFormat::default();
    Ok(Target {
        task: answers.task,
        columns,
        classes,
        scales,
        separator: None,
        cell_format,
        formats: Vec::new(),
        thresholds: Vec::new(),
        calibration: None,
        quantiles: Vec::new(),
        limits,
    })
}
