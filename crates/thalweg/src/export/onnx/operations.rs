//! Operations of layers as nodes, one function per kind.

use super::activation::activate;
use super::graph::{Graph, float, int, ints, signed, to};
use super::preprocess::selected;
use super::proto::DataType;
use super::sequence::{self, Mask};
use super::value::Value;
use crate::export::lowered::{LoweredOp, lowered};
use crate::layers::{Bag, BinnedInput, Embedded, Frame, LogMelOptions, Node, Op, Padding, Pooling, one_frame};
use crate::model::Model;
use crate::network::Entry;
use crate::tensor::{Activation, View, ops, transposed};

/// An operation, with the model that has its parameters.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) model: &'a Model,
    pub(super) lowered: &'a LoweredOp<'a>,
    /// Which steps count, within a sequence.
    pub(super) mask: Option<&'a Mask>,
}

impl<'a> Context<'a> {
    /// The prefix of its nodes' names, such as `layers.0`.
    pub(super) fn scope(self) -> &'a str {
        &self.lowered.name
    }

    /// The name of a node.
    pub(super) fn name(self, operator: &str) -> String {
        format!("{}.{operator}", self.scope())
    }

    pub(super) fn entry(self, own: &str) -> (&'a Entry, View<'a>) {
        let name = self.lowered.parameter(own);
        let entry = self.model.network.layout().named(&name).expect("a step's parameters are the network's");
        (entry, self.model.theta.view().part(entry.start, entry.shape))
    }

    /// One of the layer's parameters, unchanged.
    pub(super) fn parameter(self, graph: &mut Graph, own: &str) -> String {
        self.scaled(graph, own, 1.0)
    }

    /// One of the layer's parameters, times a factor.
    fn scaled(self, graph: &mut Graph, own: &str, factor: f64) -> String {
        let (entry, view) = self.entry(own);
        graph.floats(&entry.name, entry.shape.dimensions(), (0..view.len()).map(|i| factor * view.at(i)))
    }

    /// Filters, with channels moved from the last dimension to the second.
    fn filters(self, graph: &mut Graph, own: &str) -> String {
        let (entry, view) = self.entry(own);
        let own = entry.shape.dimensions();
        let (filters, channels) = (own[0], own[own.len() - 1]);
        let window: usize = own[1..own.len() - 1].iter().product();
        let numbers = view.to_f64();
        let numbers = numbers.chunks_exact(window * channels).flat_map(|filter| transposed(filter, window));
        let mut dimensions = vec![filters, channels];
        dimensions.extend(&own[1..own.len() - 1]);
        graph.floats(&entry.name, &dimensions, numbers)
    }
}

/// Writes a sequence of layers after x.
pub(super) fn write(graph: &mut Graph, model: &Model, mask: Option<&Mask>, nodes: &[Node], x: Value) -> Value {
    let all = nodes.iter().flat_map(lowered);
    all.fold(x, |x, lowered| operation(graph, Context { model, lowered: &lowered, mask }, x))
}

fn operation(graph: &mut Graph, ctx: Context, x: Value) -> Value {
    match ctx.lowered.op {
        Op::Dense { factor, weight, bias, .. } => dense(graph, ctx, x, (*factor, weight), *bias),
        Op::Convolution { frame, groups, weight, bias, .. } => {
            convolution(graph, ctx, x, (frame, *groups), weight, *bias)
        }
        Op::Pool { frame, take, global } => pool(graph, ctx, x, (frame, *take, *global)),
        Op::Resize { height, width } => {
            let seen = x.shape.image().expect("the layer has checked that it is one");
            let image = graph.channels_first(ctx.scope(), &x, seen.into());
            // Two products, as runtimes differ in what sizes they take.
            let [from_height, from_width, _] = seen;
            let down = ops::interpolation(from_height, *height);
            let down = graph.floats(&ctx.name("down"), &[*height, from_height], down);
            let across = transposed(&ops::interpolation(from_width, *width), *width);
            let across = graph.floats(&ctx.name("across"), &[from_width, *width], across);
            let rows = graph.node(&ctx.name("rows"), "MatMul", [&down, &image], Vec::new());
            let name = graph.node(&ctx.name("MatMul"), "MatMul", [&rows, &across], Vec::new());
            Value { name, shape: ctx.lowered.output(), channels_first: true }
        }
        Op::BatchNorm { epsilon, parameters, .. } => batch_norm(graph, ctx, x, *epsilon, parameters),
        Op::LayerNorm { axes, epsilon, parameters } => layer_norm(graph, ctx, x, *axes, *epsilon, parameters),
        Op::Scale(gamma) => {
            let own = graph.own(ctx.scope(), &x);
            let gamma = ctx.parameter(graph, gamma);
            Value::new(graph.node(&ctx.name("Mul"), "Mul", [&own, &gamma], Vec::new()), x.shape)
        }
        Op::Activation(g) => {
            let name = activate(graph, ctx.scope(), *g, &x.name, x.channels_first);
            x.with(name)
        }
        // Dropout does nothing in prediction.
        Op::Dropout { .. } => x,
        Op::Embedding { dense, tables } => embedding(graph, ctx, x, *dense, tables),
        Op::PiecewiseLinear { dimension, columns } => piecewise_linear(graph, ctx, x, *dimension, columns),
        Op::Periodic { frequencies, inputs, .. } => periodic(graph, ctx, x, *frequencies, inputs),
        Op::TextBag { columns, .. } => text_bag(graph, ctx, x, columns),
        Op::Add { layers, shortcut } => add(graph, ctx, x, [layers, shortcut]),
        Op::Branches { members } => {
            let each = members.iter().enumerate().map(|(k, nodes)| {
                let y = write(graph, ctx.model, ctx.mask, nodes, x.clone());
                graph.row(&ctx.name(&format!("members.{k}")), &y)
            });
            let each: Vec<String> = each.collect();
            Value::new(graph.joined(&ctx.name("Concat"), &each), ctx.lowered.output())
        }
        Op::Average { members, of, weights } => average(graph, ctx, x, (*members, weights), *of),
        Op::LogMel(options) => log_mel(graph, ctx, x, options),
        Op::Sequence { layers } => sequence::sequence(graph, ctx, layers, x),
        Op::Frames { count, layers } => frames(graph, ctx, x, *count, layers),
        Op::First { inputs, layers } => first(graph, ctx, x, *inputs, layers),
        Op::ClearPadding => sequence::clear_padding(graph, ctx, x),
        Op::Tokens { tokens, dimension, weight } => sequence::tokens(graph, ctx, x, [*tokens, *dimension], weight),
        Op::Positions(table) => sequence::positions(graph, ctx, x, table),
        Op::Recurrent { cell, units, bidirectional, every } => {
            sequence::recurrent(graph, ctx, x, (*cell, *units), *bidirectional, *every)
        }
        Op::Attention { heads, parameters } => sequence::attention(graph, ctx, x, *heads, parameters),
        Op::PoolOverTime { take, weight } => sequence::pool_over_time(graph, ctx, x, *take, weight),
    }
}

fn dense(graph: &mut Graph, ctx: Context, x: Value, (factor, weight): (f64, &str), bias: Option<&str>) -> Value {
    let x = graph.row(ctx.scope(), &x);
    let weight = ctx.scaled(graph, weight, factor);
    let transposed = vec![int("transB", 1)];
    let y = if let Some(bias) = bias {
        let bias = ctx.parameter(graph, bias);
        graph.node(&ctx.name("Gemm"), "Gemm", [&x, &weight, &bias], transposed)
    } else {
        graph.node(&ctx.name("Gemm"), "Gemm", [&x, &weight], transposed)
    };
    Value::new(y, ctx.lowered.output())
}

/// Per channel of images, and per element of other examples.
fn batch_norm(graph: &mut Graph, ctx: Context, x: Value, epsilon: f64, parameters: &[&str; 4]) -> Value {
    let images = x.shape.dimensions().len() == 3;
    let seen = if images { graph.channels_first(ctx.scope(), &x, x.shape) } else { graph.row(ctx.scope(), &x) };
    let [gamma, beta, mean, variance] = parameters.map(|own| ctx.parameter(graph, own));
    let inputs = [seen.as_str(), &gamma, &beta, &mean, &variance];
    let options = vec![float("epsilon", epsilon)];
    let mut y = graph.node(&ctx.name("BatchNormalization"), "BatchNormalization", inputs, options);
    if x.shape.dimensions().len() == 2 {
        y = graph.reshape(&ctx.name("Reshape"), &y, x.shape.dimensions());
    }
    Value { name: y, channels_first: images, ..x }
}

fn layer_norm(graph: &mut Graph, ctx: Context, x: Value, axes: usize, epsilon: f64, parameters: &[&str; 2]) -> Value {
    let sides = x.shape.dimensions();
    // The axes that are normalised together are merged into one.
    let (kept, normed) = sides.split_at(sides.len() - axes);
    let rows = match (kept.len(), normed.len()) {
        (0, _) => graph.row(ctx.scope(), &x),
        (_, 1) => graph.own(ctx.scope(), &x),
        _ => {
            let own = graph.own(ctx.scope(), &x);
            graph.reshape(&ctx.name("together"), &own, &[kept, &[normed.iter().product()]].concat())
        }
    };
    let [gamma, beta] = parameters.map(|own| ctx.parameter(graph, own));
    let options = vec![signed("axis", -1), float("epsilon", epsilon)];
    let mut y = graph.node(&ctx.name("LayerNormalization"), "LayerNormalization", [&rows, &gamma, &beta], options);
    if normed.len() > 1 {
        y = graph.reshape(&ctx.name("Reshape"), &y, sides);
    }
    Value::new(y, x.shape)
}

/// Some of a row's values.
fn part(graph: &mut Graph, ctx: Context, row: &str, values: std::ops::Range<usize>, what: &str) -> String {
    let bounds = [values.start, values.end, 1];
    let bounds = bounds.map(|n| graph.integers(&ctx.name(&format!("{what}.bound")), &[n as i64]));
    let [from, to, axis] = bounds.each_ref().map(String::as_str);
    graph.node(&ctx.name(what), "Slice", [row, from, to, axis], Vec::new())
}

fn embedding(graph: &mut Graph, ctx: Context, x: Value, dense: usize, tables: &[(&'static str, Embedded)]) -> Value {
    let columns = tables.len();
    let row = graph.row(ctx.scope(), &x);
    let mut parts = Vec::new();
    if dense > 0 {
        parts.push(part(graph, ctx, &row, 0..dense, "dense"));
    }
    let codes = part(graph, ctx, &row, dense..dense + columns, "codes");
    let codes = graph.node(&ctx.name("Cast"), "Cast", [&codes], to(DataType::Int64));
    for (j, (table, _)) in tables.iter().enumerate() {
        let table = ctx.parameter(graph, table);
        let position = graph.integer(&format!("{table}.column"), j as i64);
        let code = graph.node(&format!("{table}.code"), "Gather", [&codes, &position], vec![int("axis", 1)]);
        parts.push(graph.node(&format!("{table}.Gather"), "Gather", [&table, &code], vec![int("axis", 0)]));
    }
    let y = graph.joined(&ctx.name("Concat"), &parts);
    Value::new(y, ctx.lowered.output())
}

/// The values behind the bags, and after them each bag's w E[c].
fn text_bag(graph: &mut Graph, ctx: Context, x: Value, columns: &[Bag]) -> Value {
    let row = graph.row(ctx.scope(), &x);
    let (mut from, mut vectors) = (0, Vec::new());
    for (j, bag) in columns.iter().enumerate() {
        let name = |what: &str| format!("columns.{j}.{what}");
        let codes = part(graph, ctx, &row, from..from + bag.slots, &name("codes"));
        let weights = part(graph, ctx, &row, from + bag.slots..from + 2 * bag.slots, &name("weights"));
        from += 2 * bag.slots;
        let table = ctx.parameter(graph, &name("weight"));
        let codes = graph.node(&ctx.name(&name("Cast")), "Cast", [&codes], to(DataType::Int64));
        let each = graph.node(&ctx.name(&name("Gather")), "Gather", [&table, &codes], vec![int("axis", 0)]);
        let weights = graph.reshape(&ctx.name(&name("row")), &weights, &[1, bag.slots]);
        let sum = graph.node(&ctx.name(&name("MatMul")), "MatMul", [&weights, &each], Vec::new());
        let d = ctx.entry(&name("weight")).1.shape().columns();
        vectors.push(graph.reshape(&ctx.name(&name("vector")), &sum, &[d]));
    }
    let mut parts = Vec::new();
    if from < x.shape.size() {
        parts.push(part(graph, ctx, &row, from..x.shape.size(), "rest"));
    }
    parts.append(&mut vectors);
    let y = graph.joined(&ctx.name("Concat"), &parts);
    Value::new(y, ctx.lowered.output())
}

/// ReLU(W e + b) for all columns at once, W with zeros where a column has fewer bins.
fn piecewise_linear(graph: &mut Graph, ctx: Context, x: Value, dimension: usize, columns: &[BinnedInput]) -> Value {
    let row = graph.row(ctx.scope(), &x);
    let (count, bins) = (columns.len(), columns.iter().map(BinnedInput::bins).max().unwrap_or(0));
    let padded = |of: fn(&[f64]) -> f64, beyond: f64| {
        let each = move |column: &BinnedInput| {
            let own: Vec<f64> = column.edges.windows(2).map(of).collect();
            own.into_iter().chain(std::iter::repeat(beyond)).take(bins)
        };
        columns.iter().flat_map(each).collect::<Vec<f64>>()
    };
    let low = graph.floats(&ctx.name("low"), &[count, bins], padded(|edge| edge[0], 0.0));
    let width = graph.floats(&ctx.name("width"), &[count, bins], padded(|edge| edge[1] - edge[0], 1.0));
    let [zero, one] = [("zero", 0.0), ("one", 1.0)].map(|(name, x)| graph.floats(&ctx.name(name), &[], [x]));
    let of: Vec<usize> = columns.iter().map(|column| column.input).collect();
    let own = selected(graph, &ctx.name("inputs"), &row, &of, x.shape.size());
    let own = graph.reshape(&ctx.name("columns"), &own, &[count, 1]);
    let own = graph.node(&ctx.name("Sub"), "Sub", [&own, &low], Vec::new());
    let own = graph.node(&ctx.name("Div"), "Div", [&own, &width], Vec::new());
    let own = graph.node(&ctx.name("Clip"), "Clip", [&own, &zero, &one], Vec::new());
    let own = graph.reshape(&ctx.name("bins"), &own, &[count * bins, 1]);
    let mut weight = vec![0.0; count * dimension * bins];
    let mut bias = Vec::with_capacity(count * dimension);
    for (j, column) in columns.iter().enumerate() {
        let (_, own) = ctx.entry(&format!("columns.{j}.weight"));
        let rows = weight[j * dimension * bins..].chunks_exact_mut(bins);
        for (row, own) in rows.zip(own.to_f64().chunks_exact(column.bins())) {
            row[..own.len()].copy_from_slice(own);
        }
        bias.extend(ctx.entry(&format!("columns.{j}.bias")).1.to_f64());
    }
    vectors(graph, ctx, [row, own], count, (weight, bias))
}

/// ReLU(W [cos v, sin v] + b) for all inputs at once. The angles are of the parts of turns, exact in 32 bits.
fn periodic(graph: &mut Graph, ctx: Context, x: Value, frequencies: usize, inputs: &[usize]) -> Value {
    let row = graph.row(ctx.scope(), &x);
    let count = inputs.len();
    let c = ctx.parameter(graph, "frequencies");
    let turn = graph.floats(&ctx.name("turn"), &[], [std::f64::consts::TAU]);
    let own = selected(graph, &ctx.name("inputs"), &row, inputs, x.shape.size());
    let own = graph.reshape(&ctx.name("columns"), &own, &[count, 1]);
    let turns = graph.node(&ctx.name("Mul"), "Mul", [&own, &c], Vec::new());
    let whole = graph.node(&ctx.name("Round"), "Round", [&turns], Vec::new());
    let part = graph.node(&ctx.name("Sub"), "Sub", [&turns, &whole], Vec::new());
    let angles = graph.node(&ctx.name("angles"), "Mul", [&part, &turn], Vec::new());
    let [cos, sin] = ["Cos", "Sin"].map(|operator| graph.node(&ctx.name(operator), operator, [&angles], Vec::new()));
    let waves = graph.node(&ctx.name("waves"), "Concat", [&cos, &sin], vec![int("axis", 2)]);
    let waves = graph.reshape(&ctx.name("rows"), &waves, &[count * 2 * frequencies, 1]);
    let [weight, bias] = ["weight", "bias"].map(|own| ctx.entry(own).1.to_f64());
    vectors(graph, ctx, [row, waves], count, (weight, bias))
}

/// The row, and ReLU(W e + b) for each of so many columns' parts of e: a product for each column is a convolution of one
/// place, in groups.
fn vectors(
    graph: &mut Graph,
    ctx: Context,
    [row, e]: [String; 2],
    columns: usize,
    (weight, bias): (Vec<f64>, Vec<f64>),
) -> Value {
    let units = bias.len();
    let weight = graph.floats(&ctx.name("columns.weight"), &[units, weight.len() / units, 1], weight);
    let bias = graph.floats(&ctx.name("columns.bias"), &[units], bias);
    let options = vec![ints("kernel_shape", &[1]), int("group", columns)];
    let own = graph.node(&ctx.name("Conv"), "Conv", [&e, &weight, &bias], options);
    let own = graph.node(&ctx.name("Relu"), "Relu", [&own], Vec::new());
    let own = graph.reshape(&ctx.name("vectors"), &own, &[units]);
    Value::new(graph.joined(&ctx.name("Concat"), &[row, own]), ctx.lowered.output())
}

/// Padding before and after on each axis, as much as the windows reach.
fn pads(frame: &Frame) -> Vec<usize> {
    let around = frame.each(frame.around());
    [0, 1].into_iter().flat_map(|end| around.iter().map(move |ends| ends[end])).collect()
}

/// A convolution along one axis or two; 1-D layers are images one pixel high.
fn convolution(
    graph: &mut Graph,
    ctx: Context,
    x: Value,
    (frame, groups): (&Frame, usize),
    weight: &str,
    bias: Option<&str>,
) -> Value {
    let windows = &frame.windows;
    let x_name = graph.channels_first(ctx.scope(), &x, frame.seen());
    let mut options =
        vec![ints("kernel_shape", &frame.each(windows.size)), ints("strides", &frame.each(windows.stride))];
    options.push(ints("pads", &pads(frame)));
    if windows.dilation != [1, 1] {
        options.push(ints("dilations", &frame.each(windows.dilation)));
    }
    if groups > 1 {
        options.push(int("group", groups));
    }
    let weight = ctx.filters(graph, weight);
    let name = if let Some(bias) = bias {
        let bias = ctx.parameter(graph, bias);
        graph.node(&ctx.name("Conv"), "Conv", [&x_name, &weight, &bias], options)
    } else {
        graph.node(&ctx.name("Conv"), "Conv", [&x_name, &weight], options)
    };
    Value { name, shape: ctx.lowered.output(), channels_first: true }
}

/// Pooling along one axis or two.
fn pool(graph: &mut Graph, ctx: Context, x: Value, (frame, take, of_all): (&Frame, Pooling, bool)) -> Value {
    let shape = ctx.lowered.output();
    let name = graph.channels_first(ctx.scope(), &x, frame.seen());
    let (take_name, global) = match take {
        Pooling::Max => ("MaxPool", "GlobalMaxPool"),
        Pooling::Average | Pooling::AverageWithin => ("AveragePool", "GlobalAveragePool"),
    };
    if of_all {
        let y = graph.node(&ctx.name(global), global, [&name], Vec::new());
        let y = graph.node(&ctx.name("Flatten"), "Flatten", [&y], vec![int("axis", 1)]);
        return Value::new(y, shape);
    }
    let windows = &frame.windows;
    let mut options =
        vec![ints("kernel_shape", &frame.each(windows.size)), ints("strides", &frame.each(windows.stride))];
    options.push(ints("pads", &pads(frame)));
    if take == Pooling::Average && frame.padding != Padding::Valid {
        options.push(int("count_include_pad", 1));
    }
    let name = graph.node(&ctx.name(take_name), take_name, [&name], options);
    Value { name, shape, channels_first: true }
}

/// The sum of two branches, with the dimensions in the order of the first.
fn add(graph: &mut Graph, ctx: Context, x: Value, [layers, shortcut]: [&[Node]; 2]) -> Value {
    let a = write(graph, ctx.model, ctx.mask, layers, x.clone());
    let b = write(graph, ctx.model, ctx.mask, shortcut, x);
    let beside = ctx.name("shortcut");
    let b = if a.channels_first { graph.channels_first(&beside, &b, b.shape) } else { graph.own(&beside, &b) };
    let sum = graph.node(&ctx.name("Add"), "Add", [&a.name, &b], Vec::new());
    a.with(sum)
}

/// The layers on a batch of all frames.
fn frames(graph: &mut Graph, ctx: Context, x: Value, count: usize, layers: &[Node]) -> Value {
    let (frame, own) = (one_frame(x.shape, count), graph.own(ctx.scope(), &x));
    let each = graph.regrouped(&ctx.name("frames"), &own, frame.dimensions());
    let y = write(graph, ctx.model, None, layers, Value::new(each, frame));
    let row = graph.row(ctx.scope(), &y);
    let output = ctx.lowered.output();
    Value::new(graph.regrouped(&ctx.name("clips"), &row, output.dimensions()), output)
}

/// The values after the first ones, and what the layers make of these.
fn first(graph: &mut Graph, ctx: Context, x: Value, inputs: usize, layers: &[Node]) -> Value {
    let (row, size) = (graph.row(ctx.scope(), &x), x.shape.size());
    let own = part(graph, ctx, &row, 0..inputs, "first");
    let y = write(graph, ctx.model, None, layers, Value::new(own, [inputs].into()));
    let mut parts = Vec::new();
    if inputs < size {
        parts.push(part(graph, ctx, &row, inputs..size, "rest"));
    }
    parts.push(graph.row(&ctx.name("layers"), &y));
    Value::new(graph.joined(&ctx.name("Concat"), &parts), ctx.lowered.output())
}

/// The logits of the members' mean answers; a mean of 0 in 32 bits counts as the smallest number, so that logits are finite.
fn average(graph: &mut Graph, ctx: Context, x: Value, (members, weights): (usize, &[f64]), of: Activation) -> Value {
    let output = ctx.lowered.output();
    let x = graph.reshape(&ctx.name("members"), &x.name, &[members, output.size()]);
    let axis = graph.integers(&ctx.name("axis"), &[1]);
    // Times their number, since a mean is taken of them.
    let relative = weights.iter().map(|weight| weight * members as f64);
    let weights = (!weights.is_empty()).then(|| graph.floats(&ctx.name("weights"), &[members, 1], relative));
    let mean = |graph: &mut Graph, name: &str, x: &str| {
        let own = ctx.name(&name.replace("ReduceMean", "Mul"));
        let weighted = weights.as_ref().map(|weights| graph.node(&own, "Mul", [x, weights], Vec::new()));
        let x = weighted.as_deref().unwrap_or(x);
        graph.node(&ctx.name(name), "ReduceMean", [x, &axis], vec![int("keepdims", 0)])
    };
    if of == Activation::Identity {
        return Value::new(mean(graph, "ReduceMean", &x), output);
    }
    let smallest = graph.floats(&ctx.name("smallest"), &[], [f64::from(f32::MIN_POSITIVE)]);
    let logarithm = |graph: &mut Graph, name: &str, z: &str| {
        let answers = match of {
            Activation::Sigmoid => graph.node(&ctx.name(&format!("{name}Sigmoid")), "Sigmoid", [z], Vec::new()),
            _ => graph.node(&ctx.name(&format!("{name}Softmax")), "Softmax", [z], vec![signed("axis", -1)]),
        };
        let mean = mean(graph, &format!("{name}ReduceMean"), &answers);
        let above = graph.node(&ctx.name(&format!("{name}Add")), "Add", [&mean, &smallest], Vec::new());
        graph.node(&ctx.name(&format!("{name}Log")), "Log", [&above], Vec::new())
    };
    let mut y = logarithm(graph, "", &x);
    if of == Activation::Sigmoid {
        let negative = graph.node(&ctx.name("Neg"), "Neg", [&x], Vec::new());
        let against = logarithm(graph, "against.", &negative);
        y = graph.node(&ctx.name("Sub"), "Sub", [&y, &against], Vec::new());
    }
    Value::new(y, output)
}

/// A convolution with sinusoids, whose squares are weighted by triangles and cosines. These are convolutions over one
/// frame rather than products: a runtime that fuses a transposition with the product after it rejects an empty batch.
fn log_mel(graph: &mut Graph, ctx: Context, x: Value, options: &LogMelOptions) -> Value {
    let (bands, samples) = (options.bands(), x.shape.size());
    let (frames, waves) = (bands.frames(samples), 2 * bands.bins().len());
    let x_name = graph.channels_first(ctx.scope(), &x, [samples, 1].into());
    let filters = graph.floats(&ctx.name("waves"), &[waves, 1, bands.window], bands.waves());
    let window = vec![ints("kernel_shape", &[bands.window]), ints("strides", &[bands.hop])];
    let transform = graph.node(&ctx.name("Conv"), "Conv", [&x_name, &filters], window);
    let squares = graph.node(&ctx.name("Mul"), "Mul", [&transform, &transform], Vec::new());
    let frame = || vec![ints("kernel_shape", &[1])];
    let weights = graph.floats(&ctx.name("triangles"), &[bands.bands, waves, 1], bands.triangles_of_squares());
    let offset = graph.floats(&ctx.name("offset"), &[bands.bands], vec![options.offset; bands.bands]);
    let power = graph.node(&ctx.name("power"), "Conv", [&squares, &weights, &offset], frame());
    let mut y = graph.node(&ctx.name("Log"), "Log", [&power], Vec::new());
    let mut width = bands.bands;
    if let Some(coefficients) = bands.coefficients {
        let cosines = graph.floats(&ctx.name("cosines"), &[coefficients, width, 1], bands.cosines());
        y = graph.node(&ctx.name("coefficients"), "Conv", [&y, &cosines], frame());
        width = coefficients;
    }
    let y = Value { name: y, shape: [frames, width].into(), channels_first: true };
    let y = graph.own(ctx.scope(), &y);
    // One channel, first.
    let name = graph.reshape(&ctx.name("image"), &y, &[1, frames, width]);
    Value { name, shape: [frames, width, 1].into(), channels_first: true }
}
