//! The start of a graph's network: its input, the scaling of values, and the position of channels.

use super::flow::Flow;
use super::graph::{Graph, NodeAttributes, refused};
use crate::Result;
use crate::data::preprocess::Scale;
use crate::export::onnx::proto::{DataType, ValueInfo};
use crate::tensor::Shape;

/// The network's input, and how the graph scales it first; without scaling for columns of a table.
pub(super) fn find(graph: &Graph) -> Result<(Flow, Option<Vec<Scale>>)> {
    let [input] = graph.inputs.as_slice() else { return of_columns(graph) };
    let tensor = input.r#type.as_ref().and_then(|kind| kind.tensor_type.as_ref());
    if !tensor.is_some_and(|tensor| matches!(tensor.elem_type(), DataType::Float | DataType::Double)) {
        return of_columns(graph);
    }
    let start = flow(graph, &input.name, dimensions(input)?)?;
    let (name, scales) = scaled(graph, &start);
    // A column of numbers, dates or scales other than mean and deviation.
    let own = graph.metadata.get("thalweg.network_input");
    if own.is_some_and(|own| *own != name && !graph.users(own).is_empty()) {
        return of_columns(graph);
    }
    for scale in &scales {
        if let Scale::Standard { mean, deviation } = scale
            && !(mean.is_finite() && deviation.is_normal())
        {
            return Err(refused(format!("numbers are scaled by {mean} and {deviation}")));
        }
    }
    Ok((start.renamed(&name), Some(scales)))
}

/// The scaling applied first, (x − mean)/deviation, and the name of the resulting tensor.
fn scaled(graph: &Graph, start: &Flow) -> (String, Vec<Scale>) {
    let (mut name, mut scales) = (start.name.as_str(), vec![(0.0, 1.0)]);
    while let [user] = *graph.users(name) {
        let node = &graph.nodes[user];
        let turned = matches!(node.op_type.as_str(), "Add" | "Mul");
        let second = match (node.given(0), node.given(1)) {
            (Some(x), Some(second)) if x == name => second,
            (Some(first), Some(x)) if x == name && turned => first,
            _ => break,
        };
        let constant = graph.constant(second).and_then(|constant| start.by_unit(constant));
        let (Some(constant), Some(output)) = (constant, node.output.first()) else { break };
        let apply: fn((f64, f64), f64) -> (f64, f64) = match node.op_type.as_str() {
            "Sub" => |(mean, deviation), x| (mean + x * deviation, deviation),
            "Add" => |(mean, deviation), x| (mean - x * deviation, deviation),
            "Div" => |(mean, deviation), x| (mean, deviation * x),
            "Mul" => |(mean, deviation), x| (mean, deviation / x),
            _ => break,
        };
        let count = scales.len().max(constant.len());
        scales = scales.iter().cycle().zip(constant.iter().cycle()).take(count).map(|(&s, &x)| apply(s, x)).collect();
        name = output;
    }
    let as_scale = |(mean, deviation)| match (mean, deviation) {
        (0.0, 1.0) => Scale::None,
        (mean, deviation) => Scale::Standard { mean, deviation },
    };
    (name.into(), scales.into_iter().map(as_scale).collect())
}

/// The network's input in a graph of our export that takes table columns.
fn of_columns(graph: &Graph) -> Result<(Flow, Option<Vec<Scale>>)> {
    let several = || {
        let names: Vec<&str> = graph.inputs.iter().map(|input| input.name.as_str()).take(8).collect();
        refused(format!("the graph has the inputs {names:?}, expected one of numbers"))
    };
    let name = graph.metadata.get("thalweg.network_input").ok_or_else(several)?;
    let shape = graph.metadata.get("thalweg.network_shape").and_then(|shape| serde_json::from_str::<Shape>(shape).ok());
    let shape = shape.filter(|shape| shape.size() > 0 && shape.dimensions().len() < 4).ok_or_else(several)?;
    Ok((Flow::new(name, shape, shape.dimensions().to_vec()), None))
}

/// The dimensions of an input, without the batch.
fn dimensions(input: &ValueInfo) -> Result<Vec<usize>> {
    let wrong = || {
        refused("it needs a dimension of examples and up to three that are known")
            .at(format!("the input {:?}", input.name))
    };
    let shape = input.r#type.as_ref().and_then(|kind| kind.tensor_type.as_ref()?.shape.as_ref()).ok_or_else(wrong)?;
    let each = shape.dim.iter().skip(1).map(|n| n.dim_value.and_then(|n| usize::try_from(n).ok()).filter(|&n| n > 0));
    let dims: Vec<usize> = each.collect::<Option<_>>().ok_or_else(wrong)?;
    if shape.dim.is_empty() || dims.len() > 3 { Err(wrong()) } else { Ok(dims) }
}

/// Examples with their channels last, wherever the graph has them.
fn flow(graph: &Graph, name: &str, dims: Vec<usize>) -> Result<Flow> {
    let shape = |dims: Vec<usize>| Shape::try_from(dims).map_err(refused);
    if dims.len() >= 2 && wants_channels_first(graph, name) {
        let mut own = dims.clone();
        own.rotate_left(1);
        // Grey images have no channel axis.
        if own.len() == 3 && own[2] == 1 {
            own.pop();
        }
        return Ok(Flow::channels_first(name, shape(own)?, dims));
    }
    let own = if dims.is_empty() { vec![1] } else { dims.clone() };
    Ok(Flow::new(name, shape(own)?, dims))
}

/// Whether the first layout-dependent node takes channels first.
fn wants_channels_first(graph: &Graph, name: &str) -> bool {
    let mut name = name;
    for _ in 0..graph.nodes.len() {
        let Some(node) = graph.users(name).first().map(|&user| &graph.nodes[user]) else { return false };
        match node.op_type.as_str() {
            "Conv" | "BatchNormalization" | "MaxPool" | "AveragePool" | "GlobalMaxPool" | "GlobalAveragePool" => {
                return true;
            }
            "Softmax" if node.int("axis") == Some(1) => return true,
            "Transpose" | "Reshape" | "Flatten" | "Gemm" | "MatMul" | "LayerNormalization" => return false,
            _ => match node.output.first() {
                Some(output) => name = output,
                None => return false,
            },
        }
    }
    false
}
