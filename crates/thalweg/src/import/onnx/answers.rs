//! The meaning of a graph's output: classes by softmax or sigmoid, or values and their scale.

use super::graph::{Graph, NodeAttributes};
use crate::data::schema::Task;
use crate::export::onnx::proto::Node;

/// An output traced back to logits.
#[derive(Debug, PartialEq)]
pub(super) struct TracedOutput {
    /// The tensor of logits.
    pub(super) logits: String,
    /// What is computed from them; for a sigmoid their number decides between binary and multilabel.
    pub(super) task: Task,
    /// The factors of regression values.
    pub(super) deviation: Option<Vec<f64>>,
    /// The offsets added to them.
    pub(super) mean: Option<Vec<f64>>,
    /// The bounds that they are clipped to, if to both.
    pub(super) limits: Option<[Vec<f64>; 2]>,
    /// Whether the output is log-probabilities; the model then predicts probabilities.
    pub(super) logarithm: bool,
}

/// The output with the predictions: by the name our export uses, else the first.
pub(super) fn output(graph: &Graph) -> Option<&str> {
    let own = |name: &&String| ["probabilities", "prediction"].contains(&name.as_str());
    graph.outputs.iter().find(own).or(graph.outputs.first()).map(String::as_str)
}

impl TracedOutput {
    /// An output taken as plain values.
    pub(super) fn numbers(output: &str) -> Self {
        TracedOutput {
            logits: output.into(),
            task: Task::Regression,
            deviation: None,
            mean: None,
            limits: None,
            logarithm: false,
        }
    }

    /// Whether more is done to them than a softmax or sigmoid.
    pub(super) fn are_in_units(&self) -> bool {
        self.deviation.is_some() || self.mean.is_some() || self.limits.is_some()
    }
}

/// Traces an output back to its logits.
pub(super) fn trace(graph: &Graph, output: &str) -> TracedOutput {
    let mut answers = TracedOutput::numbers(output);
    if let Some(p) = two_classes(graph, output) {
        answers.logits = p.into();
    }
    if let Some((limits, numbers)) = clipped(graph, output) {
        (answers.limits, answers.logits) = (Some(limits), numbers.into());
    }
    // A scale has three nodes at most: a cast to 64 bits, a product, a sum.
    for _ in 0..3 {
        let Some(node) = graph.maker(&answers.logits) else { break };
        let Some(input) = node.given(0) else { break };
        // Operations on the graph's input belong to its scaling.
        let of_input = graph.maker(input).is_none();
        let scaled = answers.are_in_units();
        match node.op_type.as_str() {
            // Along any other axis it is not a prediction for one example.
            "Softmax" | "LogSoftmax" if !matches!(node.int("axis"), None | Some(-1 | 1)) => break,
            operator @ ("Softmax" | "LogSoftmax" | "Sigmoid") if !scaled => {
                answers.task = if operator == "Sigmoid" { Task::Multilabel } else { Task::Multiclass };
                answers.logarithm = operator == "LogSoftmax";
                answers.logits = input.into();
                break;
            }
            // To 32 or 64 bits; a cast to integers changes the values.
            "Cast" if matches!(node.int("to"), Some(1 | 11)) => answers.logits = input.into(),
            // A summand of a matrix product is its bias.
            "Add"
                if answers.deviation.is_none()
                    && answers.mean.is_none()
                    && graph.maker(input).is_some_and(|node| node.op_type != "MatMul") =>
            {
                let Some(mean) = constant(graph, node) else { break };
                (answers.mean, answers.logits) = (Some(mean), input.into());
            }
            "Mul" if answers.deviation.is_none() && !of_input => {
                let Some(deviation) = constant(graph, node) else { break };
                (answers.deviation, answers.logits) = (Some(deviation), input.into());
            }
            _ => break,
        }
    }
    answers
}

/// What is clipped from below and then from above by a number for each answer, and these.
fn clipped<'a>(graph: &'a Graph, output: &str) -> Option<([Vec<f64>; 2], &'a str)> {
    let bounded = |output: &str, operator: &str| {
        let node = graph.maker(output).filter(|node| node.op_type == operator && node.input.len() == 2)?;
        Some((constant(graph, node)?, node.given(0)?))
    };
    let (highs, from_below) = bounded(output, "Min")?;
    let (lows, numbers) = bounded(from_below, "Max")?;
    Some(([lows, highs], numbers))
}

/// A constant list that is a node's second input.
fn constant(graph: &Graph, node: &Node) -> Option<Vec<f64>> {
    let constant = graph.constant(node.given(1)?)?;
    (constant.dims.len() == 1).then(|| constant.numbers.clone())
}

/// p, where the output is [1 − p, p].
fn two_classes<'a>(graph: &'a Graph, output: &str) -> Option<&'a str> {
    let [other, p] = graph.maker(output).filter(|node| node.op_type == "Concat")?.input.as_slice() else { return None };
    let other = graph.maker(other).filter(|node| node.op_type == "Sub")?;
    let from_one = matches!(graph.constant(other.given(0)?)?.numbers[..], [1.0]) && other.given(1) == Some(p);
    from_one.then_some(p.as_str())
}
