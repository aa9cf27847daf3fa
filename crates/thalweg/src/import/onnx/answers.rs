//! What a graph's output says: classes by softmax or sigmoid, or numbers and their scale.

use super::graph::{Graph, Options};
use crate::data::schema::Task;
use crate::export::onnx::proto::Node;

/// An output traced back to logits.
#[derive(Debug, PartialEq)]
pub(super) struct Answers {
    /// The tensor of logits.
    pub(super) logits: String,
    /// What is made of them; of a sigmoid it depends on their number whether they are two classes or labels.
    pub(super) task: Task,
    /// What numbers are multiplied by.
    pub(super) deviation: Option<Vec<f64>>,
    /// What is then added.
    pub(super) mean: Option<Vec<f64>>,
    /// Whether the output is the logarithm of probabilities, which are then what is answered.
    pub(super) logarithm: bool,
}

/// The output that answers: of our own names, else the first.
pub(super) fn output(graph: &Graph) -> Option<&str> {
    let own = |name: &&String| ["probabilities", "prediction"].contains(&name.as_str());
    graph.outputs.iter().find(own).or(graph.outputs.first()).map(String::as_str)
}

impl Answers {
    /// An output that says no more than its numbers.
    pub(super) fn numbers(output: &str) -> Self {
        Answers { logits: output.into(), task: Task::Regression, deviation: None, mean: None, logarithm: false }
    }
}

/// Traces an output back.
pub(super) fn trace(graph: &Graph, output: &str) -> Answers {
    let mut answers = Answers::numbers(output);
    if let Some(p) = two_classes(graph, output) {
        answers.logits = p.into();
    }
    // A scale has three nodes at most: 64 bits, a product, a sum.
    for _ in 0..3 {
        let Some(node) = graph.maker(&answers.logits) else { break };
        let Some(input) = node.given(0) else { break };
        // What is done to the graph's input is a scale of that.
        let of_input = graph.maker(input).is_none();
        let scaled = answers.deviation.is_some() || answers.mean.is_some();
        match node.op_type.as_str() {
            // Along another axis it is no answer of an example.
            "Softmax" | "LogSoftmax" if !matches!(node.int("axis"), None | Some(-1 | 1)) => break,
            operator @ ("Softmax" | "LogSoftmax" | "Sigmoid") if !scaled => {
                answers.task = if operator == "Sigmoid" { Task::Multilabel } else { Task::Multiclass };
                answers.logarithm = operator == "LogSoftmax";
                answers.logits = input.into();
                break;
            }
            // To 32 or 64 bits; a cast to whole numbers changes them.
            "Cast" if matches!(node.int("to"), Some(1 | 11)) => answers.logits = input.into(),
            // What is added to a product of matrices is a bias.
            "Add" if !scaled && graph.maker(input).is_some_and(|node| node.op_type != "MatMul") => {
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

/// A list of numbers that is a node's second input.
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
