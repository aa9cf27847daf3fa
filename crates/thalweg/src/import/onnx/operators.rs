//! Nodes of one input and constants as layers, a function an operator.

use super::flow::Flow;
use super::graph::{Constant, Graph, Options, refused};
use super::piece::{Draft, Piece, activate};
use crate::export::onnx::proto::Node;
use crate::export::onnx::{SELU, transposed};
use crate::layers::{BatchNorm, Conv1d, Conv2d, Layer, LayerNorm, Linear, Pool1d, Pool2d, Pooling};
use crate::tensor::Activation;
use crate::windows::{Padding, Pair};
use crate::{Error, Result};

/// Most numbers that constants of few are repeated to.
const MOST_REPEATED: usize = 1 << 24;

/// What a node is given besides the graph.
pub(super) struct Step<'a> {
    pub(super) graph: &'a Graph,
    pub(super) node: &'a Node,
    pub(super) x: Flow,
    pub(super) pieces: &'a mut Vec<Piece>,
    /// What the user should know.
    pub(super) notes: &'a mut Vec<String>,
}

/// Adds what a node does to the layers; gives what flows out of it.
type Operator = fn(&mut Step) -> Result<Flow>;

/// Each operator of one input.
pub(super) const ALL: &[(&str, Operator)] = &[
    ("Gemm", gemm),
    ("MatMul", mat_mul),
    ("Add", add),
    ("Conv", conv),
    ("BatchNormalization", batch_norm),
    ("LayerNormalization", layer_norm),
    ("MaxPool", |step| pool(step, Pooling::Max)),
    ("AveragePool", |step| pool(step, Pooling::Average)),
    ("GlobalMaxPool", |step| global_pool(step, Pooling::Max)),
    ("GlobalAveragePool", |step| global_pool(step, Pooling::Average)),
    ("Flatten", flatten),
    ("Reshape", reshape),
    ("Squeeze", view),
    ("Unsqueeze", view),
    ("Transpose", transpose),
    ("Identity", |step| Ok(step.x.clone().renamed(step.output()))),
    ("Dropout", dropout),
    ("Relu", |step| step.activate(Activation::Relu)),
    ("Sigmoid", |step| step.activate(Activation::Sigmoid)),
    ("Tanh", |step| step.activate(Activation::Tanh)),
    ("Softplus", |step| step.activate(Activation::Softplus)),
    ("Mish", |step| step.activate(Activation::Mish)),
    ("Swish", swish),
    ("Gelu", gelu),
    ("Elu", elu),
    ("Selu", selu),
    ("LeakyRelu", leaky_relu),
    ("Softmax", softmax),
];

impl<'a> Step<'a> {
    /// The name of what the node makes.
    fn output(&self) -> &'a str {
        self.node.output.first().map_or("", String::as_str)
    }

    fn refuse(&self, what: impl Into<String>) -> Error {
        refused(what).at(self.node.place())
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

    /// A constant of so many numbers.
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

    fn activate(&mut self, g: Activation) -> Result<Flow> {
        activate(self.pieces, g);
        Ok(self.x.clone().renamed(self.output()))
    }

    /// The options, as far as they are said, must be these.
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
        self.pieces.push(Piece::of(Draft::Linear(layer), parameters));
        Ok(Flow::new(self.output(), [units].into(), vec![units]))
    }
}

/// A matrix's numbers, transposed where asked for: rows × columns.
fn matrix(constant: &Constant, turned: bool) -> Option<(Vec<f64>, usize, usize)> {
    let [rows, columns] = *constant.dims.as_slice() else { return None };
    if !turned {
        return Some((constant.numbers.clone(), rows, columns));
    }
    (rows > 0).then(|| (transposed(constant.numbers.clone(), rows), columns, rows))
}

fn gemm(step: &mut Step) -> Result<Flow> {
    step.only(&[("transA", 0)])?;
    let turned = step.node.int("transB").unwrap_or(0) == 0;
    let found = matrix(step.constant(1)?, turned).filter(|&(.., inputs)| step.x.dims == [inputs]);
    let (mut weight, units, _) =
        found.ok_or_else(|| step.refuse(format!("its weight does not take {:?}", step.x.dims)))?;
    let [alpha, beta] = ["alpha", "beta"].map(|name| step.node.float(name).unwrap_or(1.0));
    weight.iter_mut().for_each(|w| *w *= alpha);
    let bias = match step.optional(2)? {
        None => None,
        Some(bias) => {
            let same = bias.numbers.len() == 1 || bias.numbers.len() == units && bias.dims.last() == Some(&units);
            if !same {
                return Err(step.refuse(format!("its bias of {:?} is not one for all rows", bias.dims)));
            }
            Some((0..units).map(|i| beta * bias.numbers[i % bias.numbers.len()]).collect())
        }
    };
    step.linear(weight, units, bias)
}

fn mat_mul(step: &mut Step) -> Result<Flow> {
    let found = step.optional(1)?.and_then(|weight| matrix(weight, true));
    match found {
        Some((weight, units, inputs)) if step.x.dims == [inputs] => step.linear(weight, units, None),
        _ => Err(step.refuse(format!("it does not multiply rows of {:?} by a constant matrix", step.x.dims))),
    }
}

/// The bias of the linear layer before.
fn add(step: &mut Step) -> Result<Flow> {
    let x = step.node.input.iter().position(|input| *input == step.x.name).unwrap_or(0);
    let bias = step.constant(1 - x.min(1))?;
    if let Some(Piece { draft: Draft::Linear(layer), parameters }) = step.pieces.last_mut() {
        let fits = bias.numbers.len() == layer.units && bias.dims.last() == Some(&layer.units);
        if !layer.bias && layer.activation == Activation::Identity && fits {
            layer.bias = true;
            parameters.push(("bias".into(), bias.numbers.clone()));
            return Ok(step.x.clone().renamed(step.output()));
        }
    }
    Err(step.refuse("it adds a constant that is no bias of a linear layer"))
}

/// Numbers for each axis, or the usual one.
fn axes(step: &Step, name: &str, count: usize, usual: usize) -> Result<Vec<usize>> {
    let Some(given) = step.node.ints(name) else { return Ok(vec![usual; count]) };
    let numbers: Option<Vec<usize>> = given.iter().map(|&n| usize::try_from(n).ok()).collect();
    numbers.filter(|numbers| numbers.len() == count).ok_or_else(|| step.refuse(format!("{name} = {given:?}")))
}

/// The padding of windows: the same before and after, or what a stride needs and no more.
fn padding(step: &Step, window: &[Vec<usize>; 3], pixels: &[usize]) -> Result<Padding> {
    let [size, stride, dilation] = window;
    let count = pixels.len();
    let same: Option<Vec<[usize; 2]>> = (0..count)
        .map(|axis| {
            let reach = size[axis].checked_sub(1)?.checked_mul(dilation[axis])?.checked_add(1)?;
            let steps = pixels[axis].div_ceil(stride[axis].max(1)).max(1);
            let around = ((steps - 1) * stride[axis]).checked_add(reach)?.saturating_sub(pixels[axis]);
            Some([around / 2, around - around / 2])
        })
        .collect();
    let same = same.ok_or_else(|| step.refuse("its windows are larger than any image"))?;
    let pads: Vec<[usize; 2]> = match step.node.text("auto_pad").unwrap_or("NOTSET") {
        "VALID" => vec![[0; 2]; count],
        "SAME_UPPER" => same.clone(),
        "SAME_LOWER" => same.iter().map(|&[before, after]| [after, before]).collect(),
        "NOTSET" => {
            let pads = axes(step, "pads", 2 * count, 0)?;
            (0..count).map(|axis| [pads[axis], pads[count + axis]]).collect()
        }
        other => return Err(step.refuse(format!("auto_pad = {other:?}"))),
    };
    if pads.iter().all(|pads| *pads == [0, 0]) {
        return Ok(Padding::Valid);
    }
    if pads.iter().all(|[before, after]| before == after) {
        let each: Vec<usize> = pads.iter().map(|pads| pads[0]).collect();
        return Ok(Padding::Zeros(pair(&each)));
    }
    if pads == same {
        return Ok(Padding::Same);
    }
    Err(step.refuse(format!("padding {pads:?} is neither equal on both sides nor what an output a stride needs")))
}

fn pair(each: &[usize]) -> Pair {
    match *each {
        [a, b] if a == b => Pair::Both(a),
        [a, b] => Pair::Each([a, b]),
        _ => Pair::Both(each[0]),
    }
}

/// Channels and pixels, if channels are first.
fn image(step: &Step) -> Result<(usize, Vec<usize>)> {
    let (channels, _) =
        step.x.as_channels_first().filter(|_| (2..=3).contains(&step.x.dims.len())).ok_or_else(|| {
            step.refuse(format!("it sees {:?}, expected channels × pixels along one axis or two", step.x.dims))
        })?;
    Ok((channels, step.x.dims[1..].to_vec()))
}

/// What a layer of windows gives, channels first, if it sees the example as the node does.
fn windowed(step: &Step, layer: &dyn Layer, channels: usize, pixels: &[usize]) -> Result<Flow> {
    let seen = match pixels {
        [_] => crate::windows::line(layer.kind(), step.x.shape)?,
        _ => step.x.shape,
    };
    let seen = crate::windows::image(layer.kind(), seen).map_err(|error| step.refuse(error.message))?;
    if seen[2] != channels || seen[2 - pixels.len()..2] != *pixels {
        return Err(step.refuse(format!("it sees {:?} where an example is {}", step.x.dims, step.x.shape)));
    }
    let shape = layer.output(step.x.shape).map_err(|error| step.refuse(error.message))?;
    let mut dims = shape.dimensions().to_vec();
    dims.rotate_right(1);
    Ok(Flow::channels_first(step.output(), shape, dims))
}

fn conv(step: &mut Step) -> Result<Flow> {
    let (channels, pixels) = image(step)?;
    let weight = step.constant(1)?;
    let Some(([filters, part], window)) = weight.dims.split_first_chunk::<2>() else {
        return Err(step.refuse(format!("its weight has the dimensions {:?}", weight.dims)));
    };
    let groups = usize::try_from(step.node.int("group").unwrap_or(1)).unwrap_or(0);
    if window.len() != pixels.len() || part.checked_mul(groups) != Some(channels) || weight.numbers.is_empty() {
        return Err(step.refuse(format!("its weight of {:?} does not fit {channels} channels", weight.dims)));
    }
    if axes(step, "kernel_shape", window.len(), 0)? != window && step.node.ints("kernel_shape").is_some() {
        return Err(step.refuse("kernel_shape is not its weight's"));
    }
    let of = |name| axes(step, name, window.len(), 1);
    let (stride, dilation) = (of("strides")?, of("dilations")?);
    let padding = padding(step, &[window.to_vec(), stride.clone(), dilation.clone()], &pixels)?;
    let places: usize = window.iter().product();
    let numbers = weight.numbers.chunks_exact(part * places);
    let ours = numbers.flat_map(|filter| (0..part * places).map(move |i| filter[i % part * places + i / part]));
    let mut parameters = vec![("weight", ours.collect())];
    let bias = step.optional(2)?.map(|_| step.list(2, *filters)).transpose()?;
    let has_bias = bias.is_some();
    parameters.extend(bias.map(|bias| ("bias", bias)));
    let (filters, activation) = (*filters, Activation::Identity);
    let (draft, flow) = if let [kernel] = *window {
        let padding = match padding {
            Padding::Zeros(zeros) => Padding::Zeros(Pair::Both(zeros.each()[1])),
            other => other,
        };
        let layer = Conv1d {
            stride: stride[0],
            padding,
            dilation: dilation[0],
            groups,
            bias: has_bias,
            ..Conv1d::new(filters, kernel, activation)
        };
        let flow = windowed(step, &layer, channels, &pixels)?;
        (Draft::Conv1d(layer), flow)
    } else {
        let layer = Conv2d {
            kernel: pair(window),
            stride: pair(&stride),
            padding,
            dilation: pair(&dilation),
            groups,
            bias: has_bias,
            ..Conv2d::new(filters, 1, activation)
        };
        let flow = windowed(step, &layer, channels, &pixels)?;
        (Draft::Conv2d(layer), flow)
    };
    step.pieces.push(Piece::of(draft, parameters));
    Ok(flow)
}

fn pool(step: &mut Step, take: Pooling) -> Result<Flow> {
    step.only(&[("ceil_mode", 0)])?;
    let (channels, pixels) = image(step)?;
    if step.node.ints("dilations").is_some_and(|dilations| dilations.iter().any(|&n| n != 1)) {
        return Err(step.refuse("its windows are dilated"));
    }
    if step.node.output.len() > 1 && step.node.output[1..].iter().any(|output| !step.graph.users(output).is_empty()) {
        return Err(step.refuse("the places of the largest numbers are used"));
    }
    let (size, stride) = (axes(step, "kernel_shape", pixels.len(), 0)?, axes(step, "strides", pixels.len(), 1)?);
    let padding = padding(step, &[size.clone(), stride.clone(), vec![1; pixels.len()]], &pixels)?;
    if take == Pooling::Average && padding != Padding::Valid {
        let counts = step.node.int("count_include_pad").unwrap_or(0);
        if counts == 0 {
            return Err(step.refuse("its means leave the padding out, ours count it as zeros"));
        }
    }
    if let [size] = size[..] {
        let padding = match padding {
            Padding::Zeros(zeros) => Padding::Zeros(Pair::Both(zeros.each()[1])),
            other => other,
        };
        let layer = Pool1d { take, size: Some(size), stride: Some(stride[0]), padding };
        let flow = windowed(step, &layer, channels, &pixels)?;
        step.pieces.push(Piece::new(layer, Vec::new()));
        return Ok(flow);
    }
    let layer = Pool2d { take, size: Some(pair(&size)), stride: Some(pair(&stride)), padding };
    let flow = windowed(step, &layer, channels, &pixels)?;
    step.pieces.push(Piece::new(layer, Vec::new()));
    Ok(flow)
}

fn global_pool(step: &mut Step, take: Pooling) -> Result<Flow> {
    let (channels, pixels) = image(step)?;
    if pixels.len() == 1 {
        let layer = Pool1d { take, size: None, stride: None, padding: Padding::Valid };
        windowed(step, &layer, channels, &pixels)?;
        step.pieces.push(Piece::new(layer, Vec::new()));
    } else {
        let layer = Pool2d::global(take);
        windowed(step, &layer, channels, &pixels)?;
        step.pieces.push(Piece::new(layer, Vec::new()));
    }
    let mut dims = vec![1; pixels.len() + 1];
    dims[0] = channels;
    Ok(Flow::new(step.output(), [channels].into(), dims))
}

fn batch_norm(step: &mut Step) -> Result<Flow> {
    step.only(&[("training_mode", 0), ("spatial", 1)])?;
    let epsilon = step.node.float("epsilon").unwrap_or(1e-5);
    let momentum = step.node.float("momentum").unwrap_or(0.9);
    let channels = step.x.dims.first().copied().unwrap_or(1);
    let lists = [1, 2, 3, 4].map(|i| step.list(i, channels));
    let mut numbers = Vec::new();
    for list in lists {
        numbers.push(list?);
    }
    let rank = step.x.shape.dimensions().len();
    if step.x.dims.len() <= 1 && (rank < 3) {
        numbers.iter_mut().for_each(|list| *list = step.x.to_own(list));
    } else {
        let channels_first = step.x.as_channels_first();
        let (_, pixels) = channels_first.ok_or_else(|| {
            step.refuse(format!(
                "it norms {channels} numbers apart of an image of {}, ours norms channels",
                step.x.shape
            ))
        })?;
        if rank < 3 {
            // Ours has a scale for every number of such an example: each channel's is repeated.
            if step.x.shape.size() > MOST_REPEATED {
                return Err(step.refuse(format!("an example has {} numbers", step.x.shape.size())));
            }
            numbers.iter_mut().for_each(|list| *list = list.repeat(pixels));
            if pixels > 1 {
                step.notes.push(format!("{}: a scale a channel becomes one a number", step.node.place()));
            }
        } else if step.x.shape.units() != channels {
            return Err(step.refuse(format!("it sees {:?} where an example is {}", step.x.dims, step.x.shape)));
        }
    }
    let parameters = ["gamma", "beta", "mean", "variance"].into_iter().zip(numbers).collect();
    let layer = BatchNorm { epsilon, momentum };
    layer.output(step.x.shape).map_err(|error| step.refuse(error.message))?;
    step.pieces.push(Piece::new(layer, parameters));
    Ok(step.x.clone().renamed(step.output()))
}

fn layer_norm(step: &mut Step) -> Result<Flow> {
    let rank = step.x.dims.len() as i64;
    let axis = step.node.int("axis").unwrap_or(-1);
    // The first dimension is that of examples.
    let axis = if axis < 0 { rank + axis } else { axis - 1 };
    let over: Option<usize> =
        usize::try_from(axis).ok().and_then(|axis| Some(step.x.dims.get(axis..)?.iter().product()));
    let units = step.x.shape.units();
    if !step.x.is_own() || over != Some(units) {
        return Err(step.refuse(format!("it norms over other numbers of {:?} than a layer would", step.x.dims)));
    }
    if step.node.output.iter().skip(1).any(|output| !step.graph.users(output).is_empty()) {
        return Err(step.refuse("its means or deviations are used"));
    }
    let gamma = step.list(1, units)?;
    let beta = step.optional(2)?.map(|_| step.list(2, units)).transpose()?.unwrap_or_else(|| vec![0.0; units]);
    let layer = LayerNorm { epsilon: step.node.float("epsilon").unwrap_or(1e-5) };
    layer.output(step.x.shape).map_err(|error| step.refuse(error.message))?;
    step.pieces.push(Piece::new(layer, vec![("gamma", gamma), ("beta", beta)]));
    Ok(step.x.clone().renamed(step.output()))
}

fn flatten(step: &mut Step) -> Result<Flow> {
    match step.node.int("axis").unwrap_or(1) {
        axis if axis == 1 || axis == -(step.x.dims.len() as i64) => {
            let size = step.x.shape.size();
            Ok(step.x.clone().viewed(step.output(), vec![size]))
        }
        axis => Err(step.refuse(format!("axis = {axis} takes examples apart"))),
    }
}

fn reshape(step: &mut Step) -> Result<Flow> {
    let size = step.x.shape.size();
    let wanted: Vec<i64> = match step.node.ints("shape") {
        Some(shape) => shape.to_vec(),
        None => step.constant(1)?.numbers.iter().map(|&n| n as i64).collect(),
    };
    let copies = step.node.int("allowzero").unwrap_or(0) == 0;
    let wrong = || step.refuse(format!("it makes {wanted:?} of examples of {:?}", step.x.dims));
    // Where whole examples stay whole, the first dimension is still that of examples.
    let (rows, each) = wanted.split_first().ok_or_else(wrong)?;
    let number = |i: usize, n: i64| match n {
        0 if copies => step.x.dims.get(i).copied(),
        n => usize::try_from(n).ok(),
    };
    // One dimension may be what is left.
    let open = each.iter().filter(|&&n| n == -1).count() + usize::from(*rows == -1);
    let known: Option<Vec<usize>> =
        each.iter().enumerate().map(|(i, &n)| if n == -1 { Some(1) } else { number(i, n) }).collect();
    let known = known.ok_or_else(wrong)?;
    let product = known.iter().try_fold(1_usize, |product, &n| product.checked_mul(n)).ok_or_else(wrong)?;
    let left = size.checked_div(product).ok_or_else(wrong)?;
    let dims: Vec<usize> = each.iter().zip(&known).map(|(&n, &known)| if n == -1 { left } else { known }).collect();
    if open > 1 || dims.iter().product::<usize>() != size {
        return Err(wrong());
    }
    Ok(step.x.clone().viewed(step.output(), dims))
}

/// Dimensions of 1 taken away or put in.
fn view(step: &mut Step) -> Result<Flow> {
    let axes: Vec<i64> = match (step.node.ints("axes"), step.optional(1)?) {
        (Some(axes), _) => axes.to_vec(),
        (None, Some(axes)) => axes.numbers.iter().map(|&axis| axis as i64).collect(),
        (None, None) => return Err(step.refuse("it does not say which axes")),
    };
    let mut dims = step.x.dims.clone();
    let squeeze = step.node.op_type == "Squeeze";
    let rank = dims.len() as i64 + 1 + if squeeze { 0 } else { axes.len() as i64 };
    let mut places: Vec<i64> = axes.iter().map(|&axis| if axis < 0 { rank + axis } else { axis } - 1).collect();
    places.sort_unstable();
    if squeeze {
        places.reverse();
    }
    for place in places {
        let place = usize::try_from(place).ok();
        match place {
            Some(place) if squeeze && dims.get(place) == Some(&1) => drop(dims.remove(place)),
            Some(place) if !squeeze && place <= dims.len() => dims.insert(place, 1),
            _ => return Err(step.refuse(format!("axes {axes:?} of examples of {:?}", step.x.dims))),
        }
    }
    Ok(step.x.clone().viewed(step.output(), dims))
}

fn transpose(step: &mut Step) -> Result<Flow> {
    let rank = step.x.dims.len() + 1;
    let order: Vec<usize> = match step.node.ints("perm") {
        Some(order) => order.iter().filter_map(|&axis| usize::try_from(axis).ok()).collect(),
        None => (0..rank).rev().collect(),
    };
    let mut sorted = order.clone();
    sorted.sort_unstable();
    let examples_stay = order.first() == Some(&0) && sorted == (0..rank).collect::<Vec<_>>();
    let inner: Vec<usize> = order.iter().skip(1).map(|&axis| axis.saturating_sub(1)).collect();
    examples_stay
        .then(|| step.x.transposed(step.output(), &inner))
        .flatten()
        .ok_or_else(|| step.refuse(format!("the order {order:?} neither puts channels first nor last")))
}

fn dropout(step: &mut Step) -> Result<Flow> {
    let drops = step.optional(1)?.is_none_or(|rate| rate.numbers != [0.0]);
    if drops && step.optional(2)?.is_some_and(|training| training.numbers != [0.0]) {
        return Err(step.refuse("it drops in prediction"));
    }
    if step.node.output.iter().skip(1).any(|output| !step.graph.users(output).is_empty()) {
        return Err(step.refuse("its mask is used"));
    }
    Ok(step.x.clone().renamed(step.output()))
}

fn gelu(step: &mut Step) -> Result<Flow> {
    match step.node.text("approximate").unwrap_or("none") {
        "none" => step.activate(Activation::Gelu),
        other => Err(step.refuse(format!("approximate = {other:?}, ours is exact"))),
    }
}

fn swish(step: &mut Step) -> Result<Flow> {
    match step.node.float("alpha").unwrap_or(1.0) {
        1.0 => step.activate(Activation::Silu),
        alpha => Err(step.refuse(format!("alpha = {alpha}, ours is 1"))),
    }
}

fn elu(step: &mut Step) -> Result<Flow> {
    match step.node.float("alpha").unwrap_or(1.0) {
        1.0 => step.activate(Activation::Elu),
        alpha => Err(step.refuse(format!("alpha = {alpha}, ours is 1"))),
    }
}

fn selu(step: &mut Step) -> Result<Flow> {
    let usual = |name: &str, usual: f64| step.node.float(name).is_none_or(|x| (x - usual).abs() < 1e-6);
    let [lambda, alpha] = SELU;
    if usual("gamma", lambda) && usual("alpha", alpha) {
        return step.activate(Activation::Selu);
    }
    Err(step.refuse("its alpha and gamma are not SELU's"))
}

fn leaky_relu(step: &mut Step) -> Result<Flow> {
    let slope = step.node.float("alpha").map_or(0.01, |slope| slope as f32 as f64);
    // The nearest short decimal: 32 bits hold 0.2 as 0.200000003.
    let slope = (slope as f32).to_string().parse().unwrap_or(slope);
    if !(0.0..1.0).contains(&slope) {
        return Err(step.refuse(format!("alpha = {slope}, expected a number from 0 to below 1")));
    }
    step.activate(Activation::LeakyRelu(slope))
}

fn softmax(step: &mut Step) -> Result<Flow> {
    let axis = step.node.int("axis").unwrap_or(-1);
    if step.x.dims.len() == 1 && (axis == -1 || axis == 1) {
        return step.activate(Activation::Softmax);
    }
    Err(step.refuse(format!("along axis {axis} of examples of {:?}, expected rows of numbers", step.x.dims)))
}
