//! From logits to answers: probabilities and labels, or values in the data's units.

use super::graph::{Graph, int, signed, to};
use super::proto::DataType;
use crate::data::schema::Task;
use crate::data::target::Target;

/// Where the answers are in the graph.
#[derive(Debug)]
pub(super) struct Answers {
    /// The tensor of probabilities, or of scaled values.
    pub(super) numbers: String,
    /// The number of nodes up to that tensor; those after it compute labels, or values in the data's units.
    pub(super) nodes: usize,
}

/// Adds the nodes that turn logits into answers, and the outputs.
pub(super) fn write(graph: &mut Graph, target: &Target, z: &str, needs_double: impl Fn(f64, f64) -> bool) -> Answers {
    let count = target.classes.len();
    match target.task {
        Task::Regression => {
            let double = target.scales.iter().any(|&(mean, deviation)| needs_double(mean, deviation));
            let kind = if double { DataType::Double } else { DataType::Float };
            let nodes = graph.nodes.len();
            let y = unscaled(graph, target, z, kind);
            let numbers = graph.output("prediction", &y, kind, &[target.columns.len()], "numbers in the data's units");
            Answers { numbers: if y == z { numbers } else { z.into() }, nodes }
        }
        Task::Multilabel => {
            let p = graph.node("answers.Sigmoid", "Sigmoid", [z], Vec::new());
            let numbers = graph.output("probabilities", &p, DataType::Float, &[count], "of each label");
            let nodes = graph.nodes.len();
            let half = graph.floats("answers.half", &[], [0.5]);
            let likely = graph.node("answers.GreaterOrEqual", "GreaterOrEqual", [&numbers, &half], Vec::new());
            let likely = graph.node("answers.Cast", "Cast", [&likely], to(DataType::Int64));
            graph.output(
                "label",
                &likely,
                DataType::Int64,
                &[count],
                "1 for each label of a probability of a half or more",
            );
            Answers { numbers, nodes }
        }
        Task::Binary | Task::Multiclass => {
            let p = if target.task == Task::Binary {
                let p = graph.node("answers.Sigmoid", "Sigmoid", [z], Vec::new());
                let one = graph.floats("answers.one", &[], [1.0]);
                let other = graph.node("answers.Sub", "Sub", [&one, &p], Vec::new());
                graph.joined("answers.Concat", &[other, p])
            } else {
                graph.node("answers.Softmax", "Softmax", [z], vec![signed("axis", -1)])
            };
            let numbers = graph.output("probabilities", &p, DataType::Float, &[count], "of each class");
            let nodes = graph.nodes.len();
            // In a tie the second of two classes wins, but the first of more.
            let last = int("select_last_index", usize::from(target.task == Task::Binary));
            let options = vec![int("axis", 1), int("keepdims", 0), last];
            let best = graph.node("answers.ArgMax", "ArgMax", [&numbers], options);
            let (kind, classes) = classes(graph, &target.classes);
            let label = graph.node("answers.Gather", "Gather", [&classes, &best], vec![int("axis", 0)]);
            graph.output("label", &label, kind, &[], "the likeliest class");
            Answers { numbers, nodes }
        }
    }
}

fn unscaled(graph: &mut Graph, target: &Target, z: &str, kind: DataType) -> String {
    let count = target.scales.len();
    let mut y = z.to_string();
    if kind == DataType::Double {
        y = graph.node("answers.Cast", "Cast", [&y], to(kind));
    }
    let (means, deviations): (Vec<f64>, Vec<f64>) = target.scales.iter().copied().unzip();
    for (operator, constant, numbers, nothing) in [("Mul", "deviation", deviations, 1.0), ("Add", "mean", means, 0.0)] {
        if numbers.iter().any(|&x| x != nothing) {
            let numbers = graph.numbers(kind, &format!("answers.{constant}"), &[count], numbers);
            y = graph.node(&format!("answers.{operator}"), operator, [&y, &numbers], Vec::new());
        }
    }
    y
}

/// The classes, as integers if all of them are, otherwise as strings.
fn classes(graph: &mut Graph, classes: &[String]) -> (DataType, String) {
    let whole = |class: &String| class.parse::<i64>().ok().filter(|n| n.to_string() == *class);
    match classes.iter().map(whole).collect::<Option<Vec<i64>>>() {
        Some(numbers) => (DataType::Int64, graph.integers("answers.classes", &numbers)),
        None => (DataType::String, graph.texts("answers.classes", classes)),
    }
}
