//! The proof: what was written is run on rows like the training data's, and must give the model's own answers.

use std::collections::HashMap;

use prost::Message;
use rten::ValueOrView;

use super::graph::value;
use super::interpret::{self, Value};
use super::proto::DataType;
use super::rows::{self, Rows};
use super::{Written, of_graph};
use crate::data::schema::Task;
use crate::export::Proof;
use crate::model::Model;
use crate::{Error, Kind, Result};

/// The largest difference that is let pass.
const TOLERANCE: f64 = 1e-5;

/// Runs what was written; an error if its answers differ.
pub(super) fn prove(model: &Model, written: &Written) -> Result<Proof> {
    let Rows { count, values, expected } = rows::draw(model, &written.graph)?;
    let graph = &written.graph;
    let mut values: HashMap<String, Value> = values;
    interpret::run(&graph.nodes[..written.preprocess], &graph.constants, &mut values)?;
    let x = values.get(&written.x.name).ok_or_else(|| Error::internal("the preprocessing makes no input"))?;
    let outputs = network(written, x.numbers()?)?;

    let target = &model.target;
    let each = outputs.len() / count;
    let kind = if written.answers.double { DataType::Double } else { DataType::Float };
    values.insert(written.answers.numbers.clone(), Value::Numbers { kind, columns: each, numbers: outputs.clone() });
    interpret::run(&graph.nodes[written.answers.nodes..], &graph.constants, &mut values)?;

    let ours: Vec<f64> = match target.task {
        Task::Regression => expected.clone(),
        _ => expected.chunks_exact(target.outputs()).flat_map(|row| target.probabilities(row)).collect(),
    };
    let theirs = match target.task {
        Task::Regression => outputs.iter().enumerate().map(|(i, &y)| target.scaled(i % each, y)).collect(),
        _ => outputs,
    };
    if ours.len() != theirs.len() {
        return Err(Error::internal(format!("the graph gives {} numbers, expected {}", theirs.len(), ours.len())));
    }
    let difference = |(a, b): (&f64, &f64)| (a - b).abs() / a.abs().max(1.0);
    // A NaN is no small difference.
    let largest =
        ours.iter().zip(&theirs).map(difference).fold(0.0, |a: f64, b| if b > a || b.is_nan() { b } else { a });
    if largest.is_nan() || largest > TOLERANCE {
        return Err(Error::new(
            Kind::Check,
            format!(
                "the graph's answers differ from the model's by {largest:.2e}, at most {TOLERANCE:.0e} is let pass"
            ),
        )
        .fix("report this model; nothing was written"));
    }
    labels(model, written, &values, &expected)?;
    Ok(Proof { runtime: "rten", rows: count, largest_difference: largest, tolerance: TOLERANCE })
}

/// The answers for the network's inputs.
fn network(written: &Written, x: &[f64]) -> Result<Vec<f64>> {
    let failed = |error: String| Error::internal(format!("the graph cannot be run: {error}"));
    let graph = &written.graph;
    let nodes = graph.nodes[written.preprocess..written.answers.nodes].to_vec();
    let used = |name: &String| nodes.iter().any(|node| node.input.contains(name));
    let constants = graph.constants.iter().filter(|constant| used(&constant.name)).cloned().collect();
    let dimensions = written.x.shape.dimensions();
    let input = value(&written.x.name, DataType::Float, dimensions, "");
    let kind = if written.answers.double { DataType::Double } else { DataType::Float };
    let output = value(&written.answers.numbers, kind, &[], "");
    let output = super::proto::ValueInfo { r#type: None, ..output };
    let bytes = of_graph(nodes, constants, vec![input], vec![output]).encode_to_vec();
    let model = rten::Model::load(bytes).map_err(|error| failed(error.to_string()))?;

    let each: usize = dimensions.iter().product();
    let shape: Vec<usize> = std::iter::once(x.len() / each).chain(dimensions.iter().copied()).collect();
    let x = x.iter().map(|&x| x as f32).collect();
    let x = rten::Value::from_shape(&shape, x).map_err(|error| failed(format!("{error:?}")))?;
    let y = model.run_one(ValueOrView::from(x), None).map_err(|error| failed(error.to_string()))?;
    let (_, y) = y.into_shape_vec::<f32, 2>().map_err(|error| failed(error.to_string()))?;
    Ok(y.into_iter().map(f64::from).collect())
}

/// The labels must be those of the model, where no other is as likely.
fn labels(model: &Model, written: &Written, values: &HashMap<String, Value>, expected: &[f64]) -> Result<()> {
    let target = &model.target;
    let Some(label) = written.graph.outputs.get(1) else { return Ok(()) };
    let labels: Vec<String> = match values.get(&label.name) {
        Some(Value::Texts { texts, .. }) => texts.clone(),
        Some(Value::Numbers { numbers, .. }) => numbers.iter().map(f64::to_string).collect(),
        None => return Err(Error::internal("the graph gives no label")),
    };
    let rows = expected.chunks_exact(target.outputs());
    for (row, labels) in rows.zip(labels.chunks_exact(labels.len() / (expected.len() / target.outputs()))) {
        let p = target.probabilities(row);
        let sure = |p: f64| (p - 0.5).abs() > TOLERANCE;
        let (ours, clear): (Vec<String>, bool) = match target.task {
            Task::Multilabel => {
                (row.iter().map(|&p| u8::from(p >= 0.5).to_string()).collect(), row.iter().all(|&p| sure(p)))
            }
            _ => {
                let mut sorted = p.clone();
                sorted.sort_by(|a, b| b.total_cmp(a));
                (target.answers(row), sorted[0] - sorted[1] > TOLERANCE)
            }
        };
        if clear && ours != labels {
            let message = format!("the graph answers {labels:?} where the model answers {ours:?}");
            return Err(Error::new(Kind::Check, message).fix("report this model; nothing was written"));
        }
    }
    Ok(())
}
