//! Activations that are one node.

use super::Step;
use crate::Result;
use crate::export::onnx::SELU;
use crate::import::onnx::flow::Flow;
use crate::import::onnx::graph::Options;
use crate::import::onnx::patterns::short;
use crate::tensor::Activation;

pub(super) fn gelu(step: &mut Step) -> Result<Flow> {
    match step.node.text("approximate").unwrap_or("none") {
        "none" => step.activate(Activation::Gelu),
        "tanh" => step.activate(Activation::GeluTanh),
        other => Err(step.refuse(format!("approximate = {other:?}"))),
    }
}

pub(super) fn swish(step: &mut Step) -> Result<Flow> {
    let beta = number(step, "alpha", 1.0, f64::MIN_POSITIVE..f64::INFINITY)?;
    step.activate(Activation::Silu(beta))
}

pub(super) fn elu(step: &mut Step) -> Result<Flow> {
    let alpha = number(step, "alpha", 1.0, f64::MIN_POSITIVE..f64::INFINITY)?;
    step.activate(Activation::Elu(alpha))
}

pub(super) fn leaky_relu(step: &mut Step) -> Result<Flow> {
    let slope = number(step, "alpha", 0.01, 0.0..1.0)?;
    step.activate(Activation::LeakyRelu(slope))
}

/// An activation's number, which must be within a range.
fn number(step: &Step, name: &str, usual: f64, range: std::ops::Range<f64>) -> Result<f64> {
    let x = step.node.float(name).map_or(usual, short);
    if range.contains(&x) {
        return Ok(x);
    }
    Err(step.refuse(format!("{name} = {x}, expected a number from {:?} to below {:?}", range.start, range.end)))
}

pub(super) fn selu(step: &mut Step) -> Result<Flow> {
    let usual = |name: &str, usual: f64| step.node.float(name).is_none_or(|x| (x - usual).abs() < 1e-6);
    let [lambda, alpha] = SELU;
    if usual("gamma", lambda) && usual("alpha", alpha) {
        return step.activate(Activation::Selu);
    }
    Err(step.refuse("its alpha and gamma are not SELU's"))
}

pub(super) fn softmax(step: &mut Step) -> Result<Flow> {
    let axis = step.node.int("axis").unwrap_or(-1);
    if step.x.dims.len() == 1 && (axis == -1 || axis == 1) {
        return step.activate(Activation::Softmax);
    }
    if axis == 0 || axis == -1 - step.x.dims.len() as i64 {
        return Err(step.refuse("its axis is that of examples"));
    }
    Err(step.refuse(format!("along axis {axis} of examples of {:?}, expected rows of numbers", step.x.dims)))
}
