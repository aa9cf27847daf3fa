//! Layers on sequences as nodes.

use super::graph::{Graph, int, ints, signed, text, to};
use super::operations::{self, Context};
use super::proto::DataType;
use super::value::Value;
use crate::layers::Node;
use crate::tensor::sequence::{Cell, Gathering, PRESENT};
use crate::tensor::transposed;

/// A score that no step beside one with a usual score has a share with.
const MASKED: f64 = -1e9;

/// Which steps of each example count.
pub(super) struct Mask {
    /// Whether each does, rows × T × 1.
    counts: String,
    /// How many do, rows × 1.
    length: String,
    /// 1 … T.
    numbers: String,
}

/// The layers of a sequence, and which of its steps count.
pub(super) fn sequence(graph: &mut Graph, ctx: Context, layers: &[Node], x: Value) -> Value {
    let input = x.shape.dimensions().to_vec();
    let own = graph.own(ctx.scope(), &x);
    let values = crate::layers::sequence_values(x.shape);
    let mut part = |what: &str, from: usize, to: usize| {
        let bounds = [from, to, 2].map(|n| graph.integers(&ctx.name(&format!("{what}.bound")), &[n as i64]));
        let [from, to, axis] = bounds.each_ref().map(String::as_str);
        graph.node(&ctx.name(what), "Slice", [&own, from, to, axis], Vec::new())
    };
    let (last, inner) = match input[..] {
        [_, channels] => (part("mask", channels - 1, channels), part("values", 0, channels - 1)),
        _ => (own.clone(), own.clone()),
    };
    let last = graph.reshape(&ctx.name("last"), &last, &input[..1]);
    let numbers = graph.floats(&ctx.name("numbers"), &input[..1], (1..=input[0]).map(|t| t as f64));
    let present = graph.floats(&ctx.name("present"), &[], [PRESENT]);
    let axis = graph.integers(&ctx.name("axis"), &[1]);
    let there = graph.node(&ctx.name("GreaterOrEqual"), "GreaterOrEqual", [&last, &present], Vec::new());
    let there = graph.node(&ctx.name("Cast"), "Cast", [&there], to(DataType::Float));
    let numbered = graph.node(&ctx.name("Mul"), "Mul", [&there, &numbers], Vec::new());
    let length = graph.node(&ctx.name("ReduceMax"), "ReduceMax", [&numbered, &axis], vec![int("keepdims", 1)]);
    let counts = graph.node(&ctx.name("LessOrEqual"), "LessOrEqual", [&numbers, &length], Vec::new());
    let mask = Mask { counts: graph.reshape(&ctx.name("counts"), &counts, &[input[0], 1]), length, numbers };
    let zero = graph.floats(&ctx.name("zero"), &[], [0.0]);
    let counts = if values.dimensions().len() == 1 { &counts } else { &mask.counts };
    let inner = graph.node(&ctx.name("Where"), "Where", [counts, &inner, &zero], Vec::new());
    let y = operations::write(graph, ctx.model, Some(&mask), layers, Value::new(inner, values));
    Value::new(graph.own(&ctx.name("own"), &y), y.shape)
}

/// x as rows × T × C.
fn steps(graph: &mut Graph, ctx: Context, x: &Value) -> (String, [usize; 2]) {
    match *x.shape.dimensions() {
        [steps, channels] => (graph.own(ctx.scope(), x), [steps, channels]),
        _ => (graph.reshape(&ctx.name("steps"), &x.name, &[x.shape.size(), 1]), [x.shape.size(), 1]),
    }
}

pub(super) fn clear_padding(graph: &mut Graph, ctx: Context, x: Value) -> Value {
    let Some(mask) = ctx.mask else { return x };
    let own = graph.own(&ctx.name("padding"), &x);
    Value::new(cleared(graph, ctx, mask, &own), x.shape)
}

/// x, rows × T × C, with 0 where steps do not count.
fn cleared(graph: &mut Graph, ctx: Context, mask: &Mask, x: &str) -> String {
    let zero = graph.floats(&ctx.name("zero"), &[], [0.0]);
    graph.node(&ctx.name("Where"), "Where", [&mask.counts, x, &zero], Vec::new())
}

pub(super) fn tokens(graph: &mut Graph, ctx: Context, x: Value, sizes: [usize; 2], weight: &str) -> Value {
    let [half, count] = [("half", 0.5), ("tokens", sizes[0] as f64)].map(|(n, x)| graph.floats(&ctx.name(n), &[], [x]));
    let above = graph.node(&ctx.name("Add"), "Add", [&x.name, &half], Vec::new());
    let whole = graph.node(&ctx.name("Floor"), "Floor", [&above], Vec::new());
    let known = graph.node(&ctx.name("Less"), "Less", [&whole, &count], Vec::new());
    let known = graph.node(&ctx.name("known"), "Cast", [&known], to(DataType::Float));
    let token = graph.node(&ctx.name("Mul"), "Mul", [&whole, &known], Vec::new());
    let token = graph.node(&ctx.name("Relu"), "Relu", [&token], Vec::new());
    let token = graph.node(&ctx.name("Cast"), "Cast", [&token], to(DataType::Int64));
    let (entry, table) = ctx.entry(weight);
    // Token 0 is 0.
    let vectors = (0..table.len()).map(|i| if i < sizes[1] { 0.0 } else { table.at(i) });
    let table = graph.floats(&entry.name, &sizes, vectors);
    let y = graph.node(&ctx.name("Gather"), "Gather", [&table, &token], vec![int("axis", 0)]);
    Value::new(y, ctx.lowered.output())
}

pub(super) fn positions(graph: &mut Graph, ctx: Context, x: Value, table: &[f64]) -> Value {
    let own = graph.own(ctx.scope(), &x);
    let table = graph.floats(&ctx.name("table"), x.shape.dimensions(), table.iter().copied());
    Value::new(graph.node(&ctx.name("Add"), "Add", [&own, &table], Vec::new()), x.shape)
}

/// A GRU or an LSTM for each direction. Runtimes differ in what they make of `sequence_lens`, so that it isn't used: states
/// after the last step are computed and left out, and from the last step to the first a reversed sequence is read. There
/// are runtimes without an RNN: it is a GRU whose gates are constant.
pub(super) fn recurrent(
    graph: &mut Graph,
    ctx: Context,
    x: Value,
    (cell, units): (Cell, usize),
    bidirectional: bool,
    every: bool,
) -> Value {
    let (x, [steps, channels]) = steps(graph, ctx, &x);
    let length = ctx.mask.map(|mask| {
        let length = graph.node(&ctx.name("length"), "Cast", [&mask.length], to(DataType::Int64));
        graph.reshape(&ctx.name("lengths"), &length, &[])
    });
    let reversed = |graph: &mut Graph, name: &str, x: &str, length: &str| {
        let axes = vec![int("batch_axis", 0), int("time_axis", 1)];
        graph.node(&ctx.name(name), "ReverseSequence", [x, length], axes)
    };
    let mut ways = Vec::new();
    for way in ["", "reverse_"].into_iter().take(1 + usize::from(bidirectional)) {
        let reverse = !way.is_empty();
        let given = match &length {
            Some(length) if reverse => reversed(graph, "reversed", &x, length),
            _ => x.clone(),
        };
        let by_time = graph.node(&ctx.name("by_time"), "Transpose", [&given], vec![ints("perm", &[1, 0, 2])]);
        let own = |own: &str| ctx.entry(&format!("{way}{own}")).1.to_f64();
        let weights = [("input_weight", channels), ("state_weight", units)]
            .map(|(name, columns)| (name, columns, gates(cell, own(name), units * columns, 0.0)));
        let named = |name: &str| format!("{}.{way}{name}", ctx.lowered.node.name);
        let [w, r] = weights.map(|(name, columns, numbers)| {
            graph.floats(&named(name), &[1, numbers.len() / columns, columns], numbers)
        });
        let mut bias = gates(cell, own("input_bias"), units, CLOSED);
        bias.extend(gates(cell, own("state_bias"), units, 0.0));
        let bias = graph.floats(&named("bias"), &[1, bias.len()], bias);
        let mut options = vec![int("hidden_size", units)];
        let operator = if cell == Cell::Lstm { "LSTM" } else { "GRU" };
        options.extend((cell != Cell::Lstm).then(|| int("linear_before_reset", 1)));
        options.extend((reverse && length.is_none()).then(|| text("direction", "reverse")));
        let y = graph.node(&ctx.name(operator), operator, [&by_time, &w, &r, &bias], options);
        let y = graph.node(&ctx.name("Transpose"), "Transpose", [&y], vec![ints("perm", &[2, 0, 1, 3])]);
        let y = graph.reshape(&ctx.name("states"), &y, &[steps, units]);
        ways.push(match (every, &length) {
            (true, Some(length)) if reverse => reversed(graph, "in_order", &y, length),
            (true, _) => y,
            (false, None) => {
                let last = graph.integer(&ctx.name("last"), if reverse { 0 } else { steps as i64 - 1 });
                graph.node(&ctx.name("Gather"), "Gather", [&y, &last], vec![int("axis", 1)])
            }
            (false, Some(_)) => last_of(graph, ctx, &y, steps),
        });
    }
    let y = match &ways[..] {
        [one] => one.clone(),
        _ => {
            let axis = if every { 2 } else { 1 };
            graph.node(&ctx.name("Concat"), "Concat", [&ways[0], &ways[1]], vec![int("axis", axis)])
        }
    };
    Value::new(y, ctx.lowered.output())
}

/// y, rows × T × H, at the last step that counts; 0 where none does.
fn last_of(graph: &mut Graph, ctx: Context, y: &str, steps: usize) -> String {
    let mask = ctx.mask.expect("there are lengths");
    let is_last = graph.node(&ctx.name("Equal"), "Equal", [&mask.numbers, &mask.length], Vec::new());
    let is_last = graph.node(&ctx.name("is_last"), "Cast", [&is_last], to(DataType::Float));
    let is_last = graph.reshape(&ctx.name("at"), &is_last, &[steps, 1]);
    let alone = graph.node(&ctx.name("alone"), "Mul", [y, &is_last], Vec::new());
    let axis = graph.integers(&ctx.name("axis"), &[1]);
    graph.node(&ctx.name("ReduceSum"), "ReduceSum", [&alone, &axis], vec![int("keepdims", 0)])
}

/// The bias with which a gate's sigmoid is 0 in 32 bits, and its negative with which it is 1.
const CLOSED: f64 = -200.0;

/// Our gates, of so many numbers each, in ONNX's order: z, r, n of a GRU, and i, o, f, g of an LSTM. An RNN is the n of a GRU
/// whose z is 0 and whose r is 1, with z's bias.
fn gates(cell: Cell, numbers: Vec<f64>, each: usize, closed: f64) -> Vec<f64> {
    let pick = |order: &[usize]| order.iter().flat_map(|gate| numbers[gate * each..][..each].to_vec()).collect();
    match cell {
        Cell::Gru => pick(&[1, 0, 2]),
        Cell::Lstm => pick(&[0, 3, 1, 2]),
        Cell::Tanh => [vec![closed; each], vec![-closed; each], numbers].concat(),
    }
}

pub(super) fn attention(graph: &mut Graph, ctx: Context, x: Value, heads: usize, parameters: &[&str; 4]) -> Value {
    let shape = x.shape;
    let (x, [steps, channels]) = steps(graph, ctx, &x);
    let size = channels / heads;
    let [weight, bias, output_weight, output_bias] = parameters.map(|own| ctx.entry(own));
    let (weights, biases) = (weight.1.to_f64(), bias.1.to_f64());
    // Queries are divided by √d beforehand.
    let scale = 1.0 / (size as f64).sqrt();
    let each = [("queries", scale, [0, 2, 1, 3]), ("keys", 1.0, [0, 2, 3, 1]), ("values", 1.0, [0, 2, 1, 3])];
    let mut parts = each.into_iter().enumerate().map(|(i, (what, factor, order))| {
        let own = transposed(&weights[i * channels * channels..][..channels * channels], channels);
        let scaled = |numbers: &[f64]| numbers.iter().map(|x| factor * x).collect::<Vec<_>>();
        let w = graph.floats(&format!("{}.{what}", weight.0.name), &[channels, channels], scaled(&own));
        let b =
            graph.floats(&format!("{}.{what}", bias.0.name), &[channels], scaled(&biases[i * channels..][..channels]));
        let y = graph.node(&ctx.name(&format!("{what}.MatMul")), "MatMul", [&x, &w], Vec::new());
        let y = graph.node(&ctx.name(&format!("{what}.Add")), "Add", [&y, &b], Vec::new());
        let y = graph.reshape(&ctx.name(&format!("{what}.heads")), &y, &[steps, heads, size]);
        graph.node(&ctx.name(what), "Transpose", [&y], vec![ints("perm", &order)])
    });
    let [q, k, v] = std::array::from_fn(|_| parts.next().expect("there are three"));
    drop(parts);
    let mut scores = graph.node(&ctx.name("scores"), "MatMul", [&q, &k], Vec::new());
    if let Some(mask) = ctx.mask {
        let away = away(graph, ctx, mask, &[1, 1, steps]);
        scores = graph.node(&ctx.name("counted"), "Add", [&scores, &away], Vec::new());
    }
    let shares = graph.node(&ctx.name("Softmax"), "Softmax", [&scores], vec![signed("axis", -1)]);
    let y = graph.node(&ctx.name("mixed"), "MatMul", [&shares, &v], Vec::new());
    let y = graph.node(&ctx.name("Transpose"), "Transpose", [&y], vec![ints("perm", &[0, 2, 1, 3])]);
    let y = graph.reshape(&ctx.name("joined"), &y, &[steps, channels]);
    let w = transposed(&output_weight.1.to_f64(), channels);
    let w = graph.floats(&output_weight.0.name, &[channels, channels], w);
    let b = graph.floats(&output_bias.0.name, &[channels], output_bias.1.to_f64());
    let y = graph.node(&ctx.name("MatMul"), "MatMul", [&y, &w], Vec::new());
    let mut y = graph.node(&ctx.name("Add"), "Add", [&y, &b], Vec::new());
    if shape.dimensions().len() == 1 {
        y = graph.reshape(&ctx.name("row"), &y, &[steps]);
    }
    Value::new(y, shape)
}

/// What is added to scores in these dimensions: 0 where steps count, so little elsewhere that nothing is left of them.
fn away(graph: &mut Graph, ctx: Context, mask: &Mask, dimensions: &[usize]) -> String {
    let [zero, far] = [("zero", 0.0), ("far", MASKED)].map(|(name, x)| graph.floats(&ctx.name(name), &[], [x]));
    let away = graph.node(&ctx.name("away"), "Where", [&mask.counts, &zero, &far], Vec::new());
    graph.reshape(&ctx.name("away_of"), &away, dimensions)
}

pub(super) fn pool_over_time(graph: &mut Graph, ctx: Context, x: Value, take: Gathering, weight: &str) -> Value {
    let (x, [steps, channels]) = steps(graph, ctx, &x);
    let axis = graph.integers(&ctx.name("axis"), &[1]);
    let over_time = || vec![int("keepdims", 0)];
    let y = match (take, ctx.mask) {
        (Gathering::Mean, None) => graph.node(&ctx.name("ReduceMean"), "ReduceMean", [&x, &axis], over_time()),
        (Gathering::Mean, Some(mask)) => {
            let sum = graph.node(&ctx.name("ReduceSum"), "ReduceSum", [&x, &axis], over_time());
            let one = graph.floats(&ctx.name("one"), &[], [1.0]);
            let count = graph.node(&ctx.name("Max"), "Max", [&mask.length, &one], Vec::new());
            graph.node(&ctx.name("Div"), "Div", [&sum, &count], Vec::new())
        }
        (Gathering::Max, None) => graph.node(&ctx.name("ReduceMax"), "ReduceMax", [&x, &axis], over_time()),
        (Gathering::Max, Some(mask)) => {
            let [zero, least] = [("zero", 0.0), ("least", f64::from(f32::MIN))]
                .map(|(name, x)| graph.floats(&ctx.name(name), &[], [x]));
            let counted = graph.node(&ctx.name("counted"), "Where", [&mask.counts, &x, &least], Vec::new());
            let largest = graph.node(&ctx.name("ReduceMax"), "ReduceMax", [&counted, &axis], over_time());
            let any = graph.node(&ctx.name("any"), "Greater", [&mask.length, &zero], Vec::new());
            graph.node(&ctx.name("Where"), "Where", [&any, &largest, &zero], Vec::new())
        }
        (Gathering::Attention, mask) => {
            let w = ctx.entry(weight);
            let w = graph.floats(&w.0.name, &[channels, 1], w.1.to_f64());
            let mut score = graph.node(&ctx.name("MatMul"), "MatMul", [&x, &w], Vec::new());
            if let Some(mask) = mask {
                let away = away(graph, ctx, mask, &[steps, 1]);
                score = graph.node(&ctx.name("counted"), "Add", [&score, &away], Vec::new());
            }
            let shares = graph.node(&ctx.name("Softmax"), "Softmax", [&score], vec![int("axis", 1)]);
            let shared = graph.node(&ctx.name("Mul"), "Mul", [&x, &shares], Vec::new());
            graph.node(&ctx.name("ReduceSum"), "ReduceSum", [&shared, &axis], over_time())
        }
    };
    Value::new(y, ctx.lowered.output())
}
