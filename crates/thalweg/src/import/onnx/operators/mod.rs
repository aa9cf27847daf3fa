//! Nodes with one input and constants as layers, one function per operator.

mod activation;
mod conv_pool;
mod linear;
mod norm;
mod shape;

use super::flow::Flow;
use super::graph::{Constant, Graph, NodeAttributes, refused};
use super::layer_builder::{ImportedLayer, LayerBuilder, activate};
use crate::event::Decision;
use crate::export::onnx::proto::Node;
use crate::layers::{Conv1d, Conv2d, Linear, Pooling};
use crate::tensor::Activation;
use crate::{Error, Result};

/// The context of a node.
pub(super) struct NodeContext<'a> {
    pub(super) graph: &'a Graph,
    pub(super) node: &'a Node,
    pub(super) x: Flow,
    pub(super) imported: &'a mut Vec<ImportedLayer>,
    /// Notes for the user.
    pub(super) notes: &'a mut Vec<Decision>,
    /// Remaining budget of expanded parameters.
    pub(super) left: &'a mut usize,
}

/// Maximum units of a row to scale by a diagonal matrix.
const MOST_UNITS: usize = 1 << 11;

/// Appends the layers of a node; returns its output.
type Operator = fn(&mut NodeContext) -> Result<Flow>;

/// All operators of one input.
pub(super) const ALL: &[(&str, Operator)] = &[
    ("Gemm", linear::gemm),
    ("MatMul", linear::mat_mul),
    ("Add", linear::arithmetic),
    ("Sub", linear::arithmetic),
    ("Mul", linear::arithmetic),
    ("Div", linear::arithmetic),
    ("Conv", conv_pool::conv),
    ("BatchNormalization", norm::batch_norm),
    ("LayerNormalization", norm::layer_norm),
    ("MaxPool", |step| conv_pool::pool(step, Pooling::Max)),
    ("AveragePool", |step| conv_pool::pool(step, Pooling::Average)),
    ("GlobalMaxPool", |step| conv_pool::global_pool(step, Pooling::Max)),
    ("GlobalAveragePool", |step| conv_pool::global_pool(step, Pooling::Average)),
    ("ReduceMax", |step| conv_pool::reduce(step, Pooling::Max)),
    ("ReduceMean", |step| conv_pool::reduce(step, Pooling::Average)),
    ("Flatten", shape::flatten),
    ("Reshape", shape::reshape),
    ("Squeeze", shape::view),
    ("Unsqueeze", shape::view),
    ("Transpose", shape::transpose),
    ("Identity", |step| Ok(step.x.clone().renamed(step.output()))),
    ("Dropout", dropout),
    ("Relu", |step| step.activate(Activation::Relu)),
    ("Clip", activation::clip),
    ("Sigmoid", |step| step.activate(Activation::Sigmoid)),
    ("Tanh", |step| step.activate(Activation::Tanh)),
    ("Softplus", |step| step.activate(Activation::Softplus)),
    ("Mish", |step| step.activate(Activation::Mish)),
    ("Swish", activation::swish),
    ("Gelu", activation::gelu),
    ("Elu", activation::elu),
    ("Selu", activation::selu),
    ("LeakyRelu", activation::leaky_relu),
    ("Softmax", activation::softmax),
];

impl<'a> NodeContext<'a> {
    /// The name of the node's output.
    fn output(&self) -> &'a str {
        self.node.output.first().map_or("", String::as_str)
    }

    fn refuse(&self, what: impl Into<String>) -> Error {
        refused(what).at(self.node.place())
    }

    /// Notes for the user how the node was imported.
    fn note(&mut self, what: &str, why: &str, instead: &str) {
        let what = format!("{}: {what}", self.node.place());
        self.notes.push(Decision { what, why: why.into(), instead: instead.into() });
    }

    /// Charges expanded parameters to the budget.
    fn makes(&mut self, numbers: usize) -> Result<()> {
        let left = self.left.checked_sub(numbers);
        *self.left = left.ok_or_else(|| self.refuse(format!("{numbers} numbers would stand for fewer of the file")))?;
        Ok(())
    }

    /// A constant input.
    fn constant(&self, i: usize) -> Result<&'a Constant> {
        let name = self.node.given(i).ok_or_else(|| self.refuse(format!("it has no input {}", i + 1)))?;
        self.graph.constant(name).ok_or_else(|| self.refuse(format!("{name:?} is no constant of numbers in the file")))
    }

    /// A constant input that may be absent.
    fn optional(&self, i: usize) -> Result<Option<&'a Constant>> {
        self.node.given(i).map(|_| self.constant(i)).transpose()
    }

    /// A constant with `count` elements.
    fn list(&self, i: usize, count: usize) -> Result<Vec<f64>> {
        let constant = self.constant(i)?;
        if constant.numbers.len() != count {
            return Err(self.refuse(format!(
                "input {} has {} numbers, expected {count}",
                i + 1,
                constant.numbers.len()
            )));
        }
        Ok(constant.numbers.clone())
    }

    /// Integers: an attribute or, in newer operators, the second input.
    fn integers(&self, name: &str) -> Result<Option<Vec<i64>>> {
        match self.node.ints(name) {
            Some(numbers) => Ok(Some(numbers.to_vec())),
            None => Ok(self.optional(1)?.map(|numbers| numbers.numbers.iter().map(|&n| n as i64).collect())),
        }
    }

    /// Rejects uses of any output but the first.
    fn gives_one(&self, else_what: &str) -> Result<()> {
        let used = |output: &String| !self.graph.users(output).is_empty();
        if self.node.output.iter().skip(1).any(used) { Err(self.refuse(else_what)) } else { Ok(()) }
    }

    fn activate(&mut self, g: Activation) -> Result<Flow> {
        activate(self.imported, g);
        Ok(self.x.clone().renamed(self.output()))
    }

    /// A factor and an offset per unit, or scalar: folded into the preceding product if possible, otherwise as a
    /// diagonal matrix or depthwise convolution.
    fn scaled(&mut self, by: &[(f64, f64)]) -> Result<Flow> {
        let x = self.x.clone().renamed(self.output());
        if self.imported.last_mut().is_some_and(|layer| layer.scaled(by)) {
            return Ok(x);
        }
        let (units, identity) = (x.shape.last(), Activation::Identity);
        let bias = by.iter().any(|&(_, summand)| summand != 0.0);
        let (mut weight, summands): (Vec<f64>, Vec<f64>) = by.iter().copied().cycle().take(units).unzip();
        let builder = match *x.shape.dimensions() {
            [_, _, _] => LayerBuilder::Conv2d(Conv2d { bias, groups: units, ..Conv2d::new(units, 1, identity) }),
            [_, _] => LayerBuilder::Conv1d(Conv1d { bias, groups: units, ..Conv1d::new(units, 1, identity) }),
            _ if units > MOST_UNITS => {
                return Err(self.refuse(format!("it scales {units} numbers that are made by no product")));
            }
            _ => {
                self.makes(units * units)?;
                let factors = std::mem::replace(&mut weight, vec![0.0; units * units]);
                factors.into_iter().enumerate().for_each(|(i, factor)| weight[i * (units + 1)] = factor);
                LayerBuilder::Linear(Linear { bias, ..Linear::new(units, identity) })
            }
        };
        let mut parameters = vec![("weight", weight)];
        parameters.extend(bias.then_some(("bias", summands)));
        self.imported.push(ImportedLayer::of(builder, parameters));
        Ok(x)
    }

    /// Attributes, where present, must have these values.
    fn only(&self, usual: &[(&str, i64)]) -> Result<()> {
        for &(name, usual) in usual {
            if let Some(found) = self.node.int(name).filter(|&found| found != usual) {
                return Err(self.refuse(format!("{name} = {found}, only {usual} is read")));
            }
        }
        Ok(())
    }

    fn linear(&mut self, weight: Vec<f64>, units: usize, bias: Option<Vec<f64>>) -> Result<Flow> {
        let inputs = self.x.shape.size();
        let weight = if self.x.is_own() {
            weight
        } else {
            weight.chunks_exact(inputs).flat_map(|row| self.x.to_own(row)).collect()
        };
        let layer = Linear { bias: bias.is_some(), ..Linear::new(units, Activation::Identity) };
        let mut parameters = vec![("weight", weight)];
        parameters.extend(bias.map(|bias| ("bias", bias)));
        self.imported.push(ImportedLayer::of(LayerBuilder::Linear(layer), parameters));
        Ok(Flow::new(self.output(), [units].into(), vec![units]))
    }
}

fn dropout(step: &mut NodeContext) -> Result<Flow> {
    let drops = step.optional(1)?.is_none_or(|rate| rate.numbers != [0.0]);
    if drops && step.optional(2)?.is_some_and(|training| training.numbers != [0.0]) {
        return Err(step.refuse("it drops in prediction"));
    }
    step.gives_one("its mask is used")?;
    Ok(step.x.clone().renamed(step.output()))
}
