//! Single-node activations.

use super::NodeContext;
use crate::Result;
use crate::export::onnx::SELU;
use crate::import::onnx::flow::Flow;
use crate::import::onnx::graph::NodeAttributes;
use crate::import::onnx::patterns::short;
use crate::tensor::Activation;

pub(super) fn gelu(step: &mut NodeContext) -> Result<Flow> {
    match step.node.text("approximate").unwrap_or("none") {
        "none" => step.activate(Activation::Gelu),
        "tanh" => step.activate(Activation::GeluTanh),
        other => Err(step.refuse(format!("approximate = {other:?}"))),
    }
}

pub(super) fn swish(step: &mut NodeContext) -> Result<Flow> {
    let beta = number(step, "alpha", 1.0, f64::MIN_POSITIVE..f64::INFINITY)?;
    step.activate(Activation::Silu(beta))
}

pub(super) fn elu(step: &mut NodeContext) -> Result<Flow> {
    let alpha = number(step, "alpha", 1.0, f64::MIN_POSITIVE..f64::INFINITY)?;
    step.activate(Activation::Elu(alpha))
}

pub(super) fn leaky_relu(step: &mut NodeContext) -> Result<Flow> {
    let slope = number(step, "alpha", 0.01, 0.0..1.0)?;
    step.activate(Activation::LeakyRelu(slope))
}

/// An activation's attribute, which must be within a range.
fn number(step: &NodeContext, name: &str, usual: f64, range: std::ops::Range<f64>) -> Result<f64> {
    let x = step.node.float(name).map_or(usual, short);
    if range.contains(&x) {
        return Ok(x);
    }
    Err(step.refuse(format!("{name} = {x}, expected a number from {:?} to below {:?}", range.start, range.end)))
}

/// With non-standard constants it is an ELU times a factor.
pub(super) fn selu(step: &mut NodeContext) -> Result<Flow> {
    let above_zero = f64::MIN_POSITIVE..f64::INFINITY;
    let (lambda, alpha) =
        (number(step, "gamma", SELU[0], above_zero.clone())?, number(step, "alpha", SELU[1], above_zero)?);
    if (lambda - SELU[0]).abs() < 1e-6 && (alpha - SELU[1]).abs() < 1e-6 {
        return step.activate(Activation::Selu);
    }
    step.activate(Activation::Elu(alpha))?;
    step.scaled(&[(lambda, 0.0)])
}

/// Bounds are attributes before opset 11.
pub(super) fn clip(step: &mut NodeContext) -> Result<Flow> {
    let bound = |name: &str, i: usize| match step.node.float(name) {
        Some(bound) => Ok(Some(short(bound))),
        None => step.optional(i)?.map(|_| Ok(step.list(i, 1)?[0])).transpose(),
    };
    match (bound("min", 1)?, bound("max", 2)?) {
        (Some(0.0), None) => step.activate(Activation::Relu),
        (Some(0.0), Some(6.0)) => step.activate(Activation::Relu6),
        (min, max) => Err(step.refuse(format!("from {min:?} to {max:?}, expected from 0 to 6 or without end"))),
    }
}

pub(super) fn softmax(step: &mut NodeContext) -> Result<Flow> {
    let (dims, older) = (&step.x.dims, step.graph.opset < 13);
    let rank = dims.len() as i64 + 1;
    let given = step.node.int("axis").unwrap_or(if older { 1 } else { -1 });
    let axis = if given < 0 { given.saturating_add(rank) } else { given };
    if axis == 0 {
        return Err(step.refuse("its axis is that of examples"));
    }
    // Before opset 13 it was over all dimensions from its axis on.
    let alone = !older || axis + 1 == rank;
    let last = axis + 1 == rank && step.x.is_own() && dims.last() == Some(&step.x.shape.last());
    let channels = axis == 1 && step.x.as_channels_first().is_some_and(|(channels, _)| channels == step.x.shape.last());
    if alone && (last || channels) {
        return step.activate(Activation::Softmax);
    }
    Err(step.refuse(format!("along axis {given} of examples of {dims:?}, expected that of channels")))
}
