//! Layers as nodes, a function a kind.

use serde::de::DeserializeOwned;

use super::activation::activate;
use super::graph::{Graph, float, int, ints, signed, to};
use super::proto::DataType;
use super::value::Value;
use crate::layers::{
    BatchNorm, Conv1d, Conv2d, Embedding, Layer, LayerNorm, Linear, LogMelOptions, Pool1d, Pool2d, Pooling, read_layer,
};
use crate::network::Entry;
use crate::tensor::conv::ConvGeometry;
use crate::tensor::{Activation, Shape, View, transposed};
use crate::windows::{self, Padding, Pair};
use crate::{Error, Result};

/// Writes a layer after x.
type Writer = fn(&mut Graph, Place, Value) -> Result<Value>;

/// Each kind of layer.
pub(super) const ALL: &[(&str, Writer)] = &[
    ("linear", linear),
    ("activation", activation),
    ("batch_norm", batch_norm),
    ("layer_norm", layer_norm),
    ("dropout", dropout),
    ("embedding", embedding),
    ("conv1d", conv1d),
    ("conv2d", conv2d),
    ("pool1d", pool1d),
    ("pool2d", pool2d),
    ("residual", residual),
    ("log_mel", log_mel),
];

/// A layer with what is its own.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// Its name: `layers.0`.
    pub(super) scope: &'a str,
    pub(super) layer: &'a dyn Layer,
    pub(super) theta: View<'a>,
    /// Its part of θ.
    pub(super) entries: &'a [Entry],
}

impl Place<'_> {
    /// The layer's options.
    fn options<L: DeserializeOwned>(&self) -> Result<L> {
        serde_json::from_value(self.layer.config()).map_err(|error| Error::internal(error.to_string()).at(self.scope))
    }

    /// The name of a node.
    fn name(&self, operator: &str) -> String {
        format!("{}.{operator}", self.scope)
    }

    /// One of its parameters, as it is.
    fn parameter(&self, graph: &mut Graph, i: usize) -> String {
        let entry = &self.entries[i];
        let view = self.theta.part(entry.start, entry.shape);
        graph.floats(&entry.name, entry.shape.dimensions(), (0..view.len()).map(|i| view.at(i)))
    }

    /// Filters, channels brought from the last place to the second.
    fn filters(&self, graph: &mut Graph) -> String {
        let entry = &self.entries[0];
        let view = self.theta.part(entry.start, entry.shape);
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

/// Writes a layer of any kind.
pub(super) fn write(graph: &mut Graph, place: Place, x: Value) -> Result<Value> {
    let kind = place.layer.kind();
    let Some((_, writer)) = ALL.iter().find(|(name, _)| *name == kind) else {
        return Err(Error::config(format!("ONNX export knows no layer of kind {kind:?}"))
            .at(place.scope)
            .fix("export networks of the library's own layers"));
    };
    writer(graph, place, x)
}

fn linear(graph: &mut Graph, place: Place, x: Value) -> Result<Value> {
    let Linear { units, activation, bias, .. } = place.options()?;
    let x = graph.row(place.scope, &x);
    let weight = place.parameter(graph, 0);
    let transposed = vec![int("transB", 1)];
    let z = if bias {
        let bias = place.parameter(graph, 1);
        graph.node(&place.name("Gemm"), "Gemm", [&x, &weight, &bias], transposed)
    } else {
        graph.node(&place.name("Gemm"), "Gemm", [&x, &weight], transposed)
    };
    let a = activate(graph, place.scope, activation, &z, false);
    Ok(Value::new(a, [units].into()))
}

fn activation(graph: &mut Graph, place: Place, x: Value) -> Result<Value> {
    let crate::layers::Activate { activation } = place.options()?;
    let name = activate(graph, place.scope, activation, &x.name, x.channels_first);
    Ok(x.with(name))
}

/// Over the channels of images, and over all numbers of other examples.
fn batch_norm(graph: &mut Graph, place: Place, x: Value) -> Result<Value> {
    let BatchNorm { epsilon, .. } = place.options()?;
    let images = x.shape.dimensions().len() == 3;
    let seen = if images { graph.channels_first(place.scope, &x, x.shape) } else { graph.row(place.scope, &x) };
    let [gamma, beta, mean, variance] = [0, 1, 2, 3].map(|i| place.parameter(graph, i));
    let inputs = [seen.as_str(), &gamma, &beta, &mean, &variance];
    let options = vec![float("epsilon", epsilon)];
    let mut y = graph.node(&place.name("BatchNormalization"), "BatchNormalization", inputs, options);
    if x.shape.dimensions().len() == 2 {
        y = graph.reshape(&place.name("Reshape"), &y, x.shape.dimensions());
    }
    Ok(Value { name: y, channels_first: images, ..x })
}

fn layer_norm(graph: &mut Graph, place: Place, x: Value) -> Result<Value> {
    let layer: LayerNorm = place.options()?;
    let (sides, normed) = (x.shape.dimensions(), layer.normed(&x.shape));
    // The axes that are normed together are seen as one.
    let kept = &sides[..sides.len() - normed.len()];
    let rows = match (kept.len(), normed.len()) {
        (0, _) => graph.row(place.scope, &x),
        (_, 1) => graph.own(place.scope, &x),
        _ => {
            let own = graph.own(place.scope, &x);
            graph.reshape(&place.name("together"), &own, &[kept, &[normed.iter().product()]].concat())
        }
    };
    let [gamma, beta] = [0, 1].map(|i| place.parameter(graph, i));
    let options = vec![signed("axis", -1), float("epsilon", layer.epsilon)];
    let mut y = graph.node(&place.name("LayerNormalization"), "LayerNormalization", [&rows, &gamma, &beta], options);
    if normed.len() > 1 {
        y = graph.reshape(&place.name("Reshape"), &y, sides);
    }
    Ok(Value::new(y, x.shape))
}

/// Prediction drops nothing.
fn dropout(_graph: &mut Graph, _place: Place, x: Value) -> Result<Value> {
    Ok(x)
}

fn embedding(graph: &mut Graph, place: Place, x: Value) -> Result<Value> {
    let options: Embedding = place.options()?;
    let (dense, columns) = (options.dense, options.columns.len());
    let row = graph.row(place.scope, &x);
    let mut part = |from: usize, to: usize, what: &str| {
        let bounds = [from, to, 1].map(|n| graph.integers(&place.name(&format!("{what}.bound")), &[n as i64]));
        let [from, to, axis] = bounds.each_ref().map(String::as_str);
        graph.node(&place.name(what), "Slice", [&row, from, to, axis], Vec::new())
    };
    let mut parts = Vec::new();
    if dense > 0 {
        parts.push(part(0, dense, "dense"));
    }
    let codes = part(dense, dense + columns, "codes");
    let codes = graph.node(&place.name("Cast"), "Cast", [&codes], to(DataType::Int64));
    for j in 0..columns {
        let table = place.parameter(graph, j);
        let position = graph.integer(&format!("{table}.column"), j as i64);
        let code = graph.node(&format!("{table}.code"), "Gather", [&codes, &position], vec![int("axis", 1)]);
        parts.push(graph.node(&format!("{table}.Gather"), "Gather", [&table, &code], vec![int("axis", 0)]));
    }
    let y = graph.joined(&place.name("Concat"), &parts);
    Ok(Value::new(y, place.layer.output(x.shape)?))
}

/// Zeros before and after on each axis, as many as the windows reach.
fn pads(windows: &ConvGeometry, axes: usize) -> Vec<usize> {
    let axes = 2 - axes..2;
    let after = |axis: usize| {
        let reach =
            (windows.output[axis] - 1) * windows.stride[axis] + (windows.size[axis] - 1) * windows.dilation[axis] + 1;
        reach.saturating_sub(windows.input[axis] + windows.padding[axis])
    };
    axes.clone().map(|axis| windows.padding[axis]).chain(axes.map(after)).collect()
}

/// A convolution along one axis or two; 1-D layers are images one pixel high.
fn convolve(
    graph: &mut Graph,
    place: Place,
    x: Value,
    layer: &Conv2d,
    image: [usize; 3],
    axes: usize,
) -> Result<Value> {
    let windows =
        windows::windows(place.layer.kind(), image, [layer.kernel, layer.stride, layer.dilation], layer.padding)?;
    let x_name = graph.channels_first(place.scope, &x, seen(image, axes));
    let of_axes = |pair: Pair| pair.each()[2 - axes..].to_vec();
    let mut options = vec![ints("kernel_shape", &of_axes(layer.kernel)), ints("strides", &of_axes(layer.stride))];
    options.push(ints("pads", &pads(&windows, axes)));
    if layer.dilation.each() != [1, 1] {
        options.push(ints("dilations", &of_axes(layer.dilation)));
    }
    if layer.groups > 1 {
        options.push(int("group", layer.groups));
    }
    let weight = place.filters(graph);
    let z = if layer.bias {
        let bias = place.parameter(graph, 1);
        graph.node(&place.name("Conv"), "Conv", [&x_name, &weight, &bias], options)
    } else {
        graph.node(&place.name("Conv"), "Conv", [&x_name, &weight], options)
    };
    let y = Value { name: z.clone(), shape: place.layer.output(x.shape)?, channels_first: true };
    let a = activate(graph, place.scope, layer.activation, &z, true);
    Ok(y.with(a))
}

/// How windows along so many axes see an image.
fn seen([height, width, channels]: [usize; 3], axes: usize) -> Shape {
    if axes == 2 { [height, width, channels].into() } else { [width, channels].into() }
}

fn line(place: Place, x: Shape) -> Result<[usize; 3]> {
    windows::image(place.layer.kind(), windows::line(place.layer.kind(), x)?)
}

fn conv2d(graph: &mut Graph, place: Place, x: Value) -> Result<Value> {
    let image = windows::image(place.layer.kind(), x.shape)?;
    let layer: Conv2d = place.options()?;
    convolve(graph, place, x, &layer, image, 2)
}

fn conv1d(graph: &mut Graph, place: Place, x: Value) -> Result<Value> {
    let image = line(place, x.shape)?;
    let layer: Conv1d = place.options()?;
    convolve(graph, place, x, &layer.flat(), image, 1)
}

/// Pooling along one axis or two.
fn pool(graph: &mut Graph, place: Place, x: Value, layer: &Pool2d, image: [usize; 3], axes: usize) -> Result<Value> {
    let shape = place.layer.output(x.shape)?;
    let name = graph.channels_first(place.scope, &x, seen(image, axes));
    let (take, global) = match layer.take {
        Pooling::Max => ("MaxPool", "GlobalMaxPool"),
        Pooling::Average | Pooling::AverageWithin => ("AveragePool", "GlobalAveragePool"),
    };
    let Some(size) = layer.size else {
        let y = graph.node(&place.name(global), global, [&name], Vec::new());
        let y = graph.node(&place.name("Flatten"), "Flatten", [&y], vec![int("axis", 1)]);
        return Ok(Value::new(y, shape));
    };
    let stride = layer.stride.unwrap_or(size);
    let windows = windows::windows(place.layer.kind(), image, [size, stride, Pair::default()], layer.padding)?;
    let of_axes = |pair: Pair| pair.each()[2 - axes..].to_vec();
    let mut options = vec![ints("kernel_shape", &of_axes(size)), ints("strides", &of_axes(stride))];
    options.push(ints("pads", &pads(&windows, axes)));
    if layer.take == Pooling::Average && layer.padding != Padding::Valid {
        options.push(int("count_include_pad", 1));
    }
    let name = graph.node(&place.name(take), take, [&name], options);
    Ok(Value { name, shape, channels_first: true })
}

fn pool2d(graph: &mut Graph, place: Place, x: Value) -> Result<Value> {
    let image = windows::image(place.layer.kind(), x.shape)?;
    let layer: Pool2d = place.options()?;
    pool(graph, place, x, &layer, image, 2)
}

fn pool1d(graph: &mut Graph, place: Place, x: Value) -> Result<Value> {
    let image = line(place, x.shape)?;
    let layer: Pool1d = place.options()?;
    pool(graph, place, x, &layer.flat(), image, 1)
}

fn residual(graph: &mut Graph, place: Place, x: Value) -> Result<Value> {
    let options = place.layer.config();
    let mut entries = place.entries;
    let mut branch = |graph: &mut Graph, name: &str| -> Result<Value> {
        let mut y = x.clone();
        let tables = options.get(name).and_then(|tables| tables.as_array()).cloned().unwrap_or_default();
        for (i, table) in tables.into_iter().enumerate() {
            let layer = read_layer(table, &[])?;
            let own;
            (own, entries) = entries.split_at(layer.parameters(y.shape).len());
            let scope = format!("{}.{name}.{i}", place.scope);
            let inner = Place { scope: &scope, layer: layer.as_ref(), theta: place.theta, entries: own };
            y = write(graph, inner, y)?;
        }
        Ok(y)
    };
    let (a, b) = (branch(graph, "layers")?, branch(graph, "shortcut")?);
    let beside = place.name("shortcut");
    let b = if a.channels_first { graph.channels_first(&beside, &b, b.shape) } else { graph.own(&beside, &b) };
    let sum = graph.node(&place.name("Add"), "Add", [&a.name, &b], Vec::new());
    let sum = a.with(sum);
    let g = match options.get("activation").and_then(|g| g.as_str()) {
        Some(text) => text.parse()?,
        None => Activation::default(),
    };
    let name = activate(graph, place.scope, g, &sum.name, sum.channels_first);
    Ok(sum.with(name))
}

/// A convolution with waves, whose squares triangles and cosines weigh. They are convolutions over one frame: a runtime
/// that joins a transposition and the product after it refuses a batch of nothing.
fn log_mel(graph: &mut Graph, place: Place, x: Value) -> Result<Value> {
    let options: LogMelOptions = place.options()?;
    let (bands, samples) = (options.bands(), x.shape.size());
    let (frames, waves) = (bands.frames(samples), 2 * bands.bins().len());
    let x_name = graph.channels_first(place.scope, &x, [samples, 1].into());
    let filters = graph.floats(&place.name("waves"), &[waves, 1, bands.window], bands.waves());
    let window = vec![ints("kernel_shape", &[bands.window]), ints("strides", &[bands.hop])];
    let transform = graph.node(&place.name("Conv"), "Conv", [&x_name, &filters], window);
    let squares = graph.node(&place.name("Mul"), "Mul", [&transform, &transform], Vec::new());
    let frame = || vec![ints("kernel_shape", &[1])];
    let weights = graph.floats(&place.name("triangles"), &[bands.bands, waves, 1], bands.triangles_of_squares());
    let offset = graph.floats(&place.name("offset"), &[bands.bands], vec![options.offset; bands.bands]);
    let power = graph.node(&place.name("power"), "Conv", [&squares, &weights, &offset], frame());
    let mut y = graph.node(&place.name("Log"), "Log", [&power], Vec::new());
    let mut width = bands.bands;
    if let Some(coefficients) = bands.coefficients {
        let cosines = graph.floats(&place.name("cosines"), &[coefficients, width, 1], bands.cosines());
        y = graph.node(&place.name("coefficients"), "Conv", [&y, &cosines], frame());
        width = coefficients;
    }
    let y = Value { name: y, shape: [frames, width].into(), channels_first: true };
    let y = graph.own(place.scope, &y);
    // One channel, first.
    let name = graph.reshape(&place.name("image"), &y, &[1, frames, width]);
    Ok(Value { name, shape: [frames, width, 1].into(), channels_first: true })
}
