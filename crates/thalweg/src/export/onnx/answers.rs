//! From logits to answers: probabilities and labels, or values in the data's units.

use super::graph::{Graph, int, signed, to};
use super::proto::DataType;
use crate::data::schema::Task;
use crate::data::target::Target;
use crate::export::Regions;
use crate::metrics::threshold::HALF;

/// Where the answers are in the graph.
#[derive(Debug)]
pub(super) struct GraphOutputs {
    /// The tensor of probabilities, or of scaled values.
    pub(super) numbers: String,
    /// The number of nodes up to that tensor; those after it compute labels, or values in the data's units.
    pub(super) nodes: usize,
}

/// Adds the nodes that turn logits into answers, and the outputs.
pub(super) fn write(
    graph: &mut Graph,
    target: &Target,
    z: &str,
    needs_double: impl Fn(f64, f64) -> bool,
    regions: Option<&Regions>,
) -> GraphOutputs {
    let count = target.classes.len();
    match target.task {
        Task::Regression => {
            let double = target.scales.iter().any(|&(mean, deviation)| needs_double(mean, deviation));
            let kind = if double { DataType::Double } else { DataType::Float };
            let z = if target.quantiles.is_empty() { z.into() } else { sorted(graph, z, target.quantiles.len()) };
            let nodes = graph.nodes.len();
            let y = unscaled(graph, target, &z, kind);
            let y = clipped(graph, target, y, kind);
            let meaning = match &target.quantiles[..] {
                [] => "numbers in the data's units".into(),
                quantiles => format!("the quantiles {quantiles:?} in the data's units"),
            };
            let prediction = graph.output("prediction", &y, kind, &[target.outputs()], &meaning);
            if let Some(regions) = regions {
                intervals(graph, target, &prediction, kind, regions);
            }
            GraphOutputs { numbers: if y == z { prediction } else { z }, nodes }
        }
        Task::Multilabel => {
            let p = graph.node("answers.Sigmoid", "Sigmoid", [z], Vec::new());
            let numbers = graph.output("probabilities", &p, DataType::Float, &[count], "of each label");
            let nodes = graph.nodes.len();
            let threshold = match &target.thresholds[..] {
                [] => graph.floats("answers.half", &[], [HALF]),
                each => graph.floats("answers.thresholds", &[count], each.iter().map(|t| in_32_bits(*t))),
            };
            let likely = graph.node("answers.GreaterOrEqual", "GreaterOrEqual", [&numbers, &threshold], Vec::new());
            let likely = graph.node("answers.Cast", "Cast", [&likely], to(DataType::Int64));
            graph.output(
                "label",
                &likely,
                DataType::Int64,
                &[count],
                "1 for each label from its threshold on, a half unless there are others",
            );
            GraphOutputs { numbers, nodes }
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
            let mut chosen = numbers.clone();
            if let [threshold] = target.thresholds[..] {
                // The first class is never from its threshold on, so that the second is the largest where it is.
                let never = 2.0;
                let thresholds = graph.floats("answers.thresholds", &[count], [never, in_32_bits(threshold)]);
                chosen = graph.node("answers.GreaterOrEqual", "GreaterOrEqual", [&chosen, &thresholds], Vec::new());
                chosen = graph.node("answers.Cast", "Cast", [&chosen], to(DataType::Float));
            }
            // In a tie the second of two classes wins, but the first of more, and of two below the threshold.
            let last = target.task == Task::Binary && target.thresholds.is_empty();
            let options = vec![int("axis", 1), int("keepdims", 0), int("select_last_index", usize::from(last))];
            let best = graph.node("answers.ArgMax", "ArgMax", [&chosen], options);
            let (kind, classes) = classes(graph, &target.classes);
            let label = graph.node("answers.Gather", "Gather", [&classes, &best], vec![int("axis", 0)]);
            let meaning = match target.thresholds[..] {
                [threshold] => {
                    format!("the second class where its probability is at least {threshold}, else the first")
                }
                _ => "the likeliest class".into(),
            };
            graph.output("label", &label, kind, &[], &meaning);
            if let Some(regions) = regions {
                set(graph, &numbers, count, regions);
            }
            GraphOutputs { numbers, nodes }
        }
    }
}

/// Adds the ends of each number's interval as outputs.
fn intervals(graph: &mut Graph, target: &Target, prediction: &str, kind: DataType, regions: &Regions) {
    let targets = regions.margins.len();
    let margin = graph.numbers(kind, "answers.margin", &[targets], regions.margins.iter().copied());
    let mut end = |name: &str, operator: &str, quantile: usize| {
        let mut from = prediction.to_string();
        if !target.quantiles.is_empty() {
            let place = graph.integers(&format!("answers.{name}.place"), &[quantile as i64]);
            from = graph.node(&format!("answers.{name}.Gather"), "Gather", [&from, &place], vec![int("axis", 1)]);
        }
        graph.node(&format!("answers.{name}.{operator}"), operator, [&from, &margin], Vec::new())
    };
    let mut low = end("low", "Sub", 0);
    let mut high = end("high", "Add", target.quantiles.len().saturating_sub(1));
    if !target.quantiles.is_empty() {
        // Where a negative margin turns the ends around, both are their middle.
        let half = graph.numbers(kind, "answers.middle.half", &[], [0.5]);
        let sum = graph.node("answers.middle.Add", "Add", [&low, &high], Vec::new());
        let middle = graph.node("answers.middle.Mul", "Mul", [&sum, &half], Vec::new());
        low = graph.node("answers.low.Min", "Min", [&low, &middle], Vec::new());
        high = graph.node("answers.high.Max", "Max", [&high, &middle], Vec::new());
    }
    for (name, end) in [("low", low), ("high", high)] {
        graph.output(name, &end, kind, &[targets], &format!("the {name} ends of intervals {}", regions.hold()));
    }
}

/// Adds the classes that are likely enough for a row's set as an output.
fn set(graph: &mut Graph, probabilities: &str, count: usize, regions: &Regions) {
    let least = graph.floats("answers.least", &[], [f64::from(regions.least())]);
    let is_in = graph.node("answers.set.GreaterOrEqual", "GreaterOrEqual", [probabilities, &least], Vec::new());
    let is_in = graph.node("answers.set.Cast", "Cast", [&is_in], to(DataType::Int64));
    graph.output("set", &is_in, DataType::Int64, &[count], &format!("1 for each class {}", regions.set()));
}

/// The numbers of each row in order.
fn sorted(graph: &mut Graph, z: &str, count: usize) -> String {
    let k = graph.integers("answers.count", &[count as i64]);
    let options = vec![signed("axis", -1), int("largest", 0), int("sorted", 1)];
    let sorted = graph.node("answers.TopK", "TopK", [z, &k], options);
    // TopK has a second output that nothing reads.
    let node = graph.nodes.last_mut().expect("there is one now");
    node.output.push(format!("{sorted}.indices"));
    sorted
}

/// The least number of 32 bits from a threshold on: probabilities of 32 bits are on the same side of both.
fn in_32_bits(threshold: f64) -> f64 {
    let nearest = threshold as f32;
    f64::from(if f64::from(nearest) < threshold { nearest.next_up() } else { nearest })
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

/// Values in the data's units, clipped to the target's limits if it has any.
fn clipped(graph: &mut Graph, target: &Target, mut y: String, kind: DataType) -> String {
    let (lows, highs): (Vec<f64>, Vec<f64>) = target.limits.iter().copied().unzip();
    for (operator, constant, numbers) in [("Max", "smallest", lows), ("Min", "largest", highs)] {
        if !numbers.is_empty() {
            let numbers = graph.numbers(kind, &format!("answers.{constant}"), &[numbers.len()], numbers);
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
