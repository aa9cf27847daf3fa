//! Convolutions and pooling.

use super::NodeContext;
use crate::Result;
use crate::import::onnx::flow::Flow;
use crate::import::onnx::graph::NodeAttributes;
use crate::import::onnx::layer_builder::{ImportedLayer, LayerBuilder};
use crate::layers::{Conv1d, Conv2d, Layer, Pool1d, Pool2d, Pooling};
use crate::tensor::{Activation, transposed};
use crate::windows::{Padding, Pair};

/// Maximum weights of a convolution that replaces average pooling.
const MOST_NUMBERS: usize = 1 << 20;

/// An attribute's value for each axis, or the default.
fn axes(step: &NodeContext, name: &str, count: usize, usual: usize) -> Result<Vec<usize>> {
    let Some(given) = step.node.ints(name) else { return Ok(vec![usual; count]) };
    let numbers: Option<Vec<usize>> = given.iter().map(|&n| usize::try_from(n).ok()).collect();
    numbers.filter(|numbers| numbers.len() == count).ok_or_else(|| step.refuse(format!("{name} = {given:?}")))
}

/// Padding before and after on each axis. With `ceil_mode`, windows may start on the last pixels and extend past the
/// declared padding: it is then increased, and the flag returned.
fn padding(step: &NodeContext, window: &[Vec<usize>; 3], pixels: &[usize]) -> Result<(Padding, bool)> {
    let [size, stride, dilation] = window;
    let count = pixels.len();
    let too_large = || step.refuse("its windows are larger than any image");
    let reach: Option<Vec<usize>> =
        (0..count).map(|axis| size[axis].checked_sub(1)?.checked_mul(dilation[axis])?.checked_add(1)).collect();
    let reach = reach.ok_or_else(too_large)?;
    let stride: Vec<usize> = stride.iter().map(|&stride| stride.max(1)).collect();
    let same: Option<Vec<[usize; 2]>> = (0..count)
        .map(|axis| {
            let steps = pixels[axis].div_ceil(stride[axis]).max(1);
            let around = ((steps - 1) * stride[axis]).checked_add(reach[axis])?.saturating_sub(pixels[axis]);
            Some([around / 2, around - around / 2])
        })
        .collect();
    let same = same.ok_or_else(too_large)?;
    let mut pads: Vec<[usize; 2]> = match step.node.text("auto_pad").unwrap_or("NOTSET") {
        "VALID" => vec![[0; 2]; count],
        "SAME_UPPER" => same.clone(),
        "SAME_LOWER" => same.iter().map(|&[before, after]| [after, before]).collect(),
        "NOTSET" => {
            let pads = axes(step, "pads", 2 * count, 0)?;
            (0..count).map(|axis| [pads[axis], pads[count + axis]]).collect()
        }
        other => return Err(step.refuse(format!("auto_pad = {other:?}"))),
    };
    let (ceil, mut beyond) = (step.node.int("ceil_mode").unwrap_or(0) != 0, false);
    for axis in (0..count).filter(|_| ceil) {
        let [before, after] = pads[axis];
        let left = [before, pixels[axis], after].iter().try_fold(0_usize, |sum, &n| sum.checked_add(n));
        let left = left.and_then(|all| all.checked_sub(reach[axis])).ok_or_else(too_large)?;
        let last = left.checked_next_multiple_of(stride[axis]).ok_or_else(too_large)?;
        // No window starts beyond the image.
        if last < before + pixels[axis] {
            pads[axis][1] += last - left;
            beyond |= last > left;
        }
    }
    let padding = if pads.iter().all(|pads| *pads == [0, 0]) {
        Padding::Valid
    } else if pads.iter().all(|[before, after]| before == after) {
        let each: Vec<usize> = pads.iter().map(|pads| pads[0]).collect();
        Padding::Zeros(pair(&each))
    } else if pads == same {
        Padding::Same
    } else {
        Padding::Around(match pads[..] {
            [down, across] => [down, across],
            _ => [[0; 2], pads[0]],
        })
    };
    Ok((padding, beyond))
}

fn pair(each: &[usize]) -> Pair {
    match *each {
        [a, b] if a == b => Pair::Both(a),
        [a, b] => Pair::Each([a, b]),
        _ => Pair::Both(each[0]),
    }
}

/// Channels and pixels, if channels come first.
fn image(step: &NodeContext) -> Result<(usize, Vec<usize>)> {
    let (channels, _) =
        step.x.as_channels_first().filter(|_| (2..=3).contains(&step.x.dims.len())).ok_or_else(|| {
            step.refuse(format!("it sees {:?}, expected channels × pixels along one axis or two", step.x.dims))
        })?;
    Ok((channels, step.x.dims[1..].to_vec()))
}

/// The output of a windowed layer, channels first, if it sees the example as the node does.
fn windowed(step: &NodeContext, layer: &dyn Layer, channels: usize, pixels: &[usize]) -> Result<Flow> {
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

pub(super) fn conv(step: &mut NodeContext) -> Result<Flow> {
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
    let (padding, _) = padding(step, &[window.to_vec(), stride.clone(), dilation.clone()], &pixels)?;
    let filters_of = weight.numbers.chunks_exact(weight.numbers.len() / filters);
    let mut parameters = vec![("weight", filters_of.flat_map(|filter| transposed(filter, *part)).collect())];
    let bias = step.optional(2)?.map(|_| step.list(2, *filters)).transpose()?;
    let has_bias = bias.is_some();
    parameters.extend(bias.map(|bias| ("bias", bias)));
    let layer = Conv2d {
        kernel: pair(window),
        stride: pair(&stride),
        padding,
        dilation: pair(&dilation),
        groups,
        bias: has_bias,
        ..Conv2d::new(*filters, 1, Activation::Identity)
    };
    convolve(step, layer, parameters, channels, &pixels)
}

/// A 1-D or 2-D convolution.
fn convolve(
    step: &mut NodeContext,
    layer: Conv2d,
    parameters: Vec<(&str, Vec<f64>)>,
    channels: usize,
    pixels: &[usize],
) -> Result<Flow> {
    let (builder, flow) = if pixels.len() == 1 {
        let [kernel, stride, dilation] = [layer.kernel, layer.stride, layer.dilation].map(|pair| pair.each()[0]);
        let Conv2d { filters, padding, groups, activation, bias, .. } = layer;
        let layer = Conv1d { stride, padding, dilation, groups, bias, ..Conv1d::new(filters, kernel, activation) };
        let flow = windowed(step, &layer, channels, pixels)?;
        (LayerBuilder::Conv1d(layer), flow)
    } else {
        let flow = windowed(step, &layer, channels, pixels)?;
        (LayerBuilder::Conv2d(layer), flow)
    };
    step.imported.push(ImportedLayer::of(builder, parameters));
    Ok(flow)
}

pub(super) fn pool(step: &mut NodeContext, take: Pooling) -> Result<Flow> {
    let (channels, pixels) = image(step)?;
    step.gives_one("the places of the largest numbers are used")?;
    let (size, stride) = (axes(step, "kernel_shape", pixels.len(), 0)?, axes(step, "strides", pixels.len(), 1)?);
    let dilation = axes(step, "dilations", pixels.len(), 1)?;
    let (padding, beyond) = padding(step, &[size.clone(), stride.clone(), dilation.clone()], &pixels)?;
    let take = match take {
        Pooling::Average => mean(step, padding, beyond)?,
        other => other,
    };
    if dilation.iter().any(|&n| n != 1) {
        let places = size.iter().try_fold(channels, |all, &n| all.checked_mul(n)).filter(|&n| n <= MOST_NUMBERS);
        // Dilated average pooling is a depthwise convolution.
        let (Pooling::Average, Some(places)) = (take, places) else {
            return Err(step.refuse("its windows are dilated"));
        };
        let [kernel, stride, dilation] = [size, stride, dilation].map(|each| pair(&each));
        let layer = Conv2d {
            kernel,
            stride,
            padding,
            dilation,
            groups: channels,
            bias: false,
            ..Conv2d::new(channels, 1, Activation::Identity)
        };
        step.makes(places)?;
        let share = channels as f64 / places as f64;
        return convolve(step, layer, vec![("weight", vec![share; places])], channels, &pixels);
    }
    let layer: Box<dyn Layer> = match size[..] {
        [size] => Box::new(Pool1d { stride: Some(stride[0]), padding, ..Pool1d::new(take, Some(size)) }),
        _ => Box::new(Pool2d { take, size: Some(pair(&size)), stride: Some(pair(&stride)), padding }),
    };
    let flow = windowed(step, &*layer, channels, &pixels)?;
    step.imported.push(ImportedLayer::of(LayerBuilder::Other(layer), Vec::new()));
    Ok(flow)
}

/// What a mean counts; never positions beyond the declared padding.
fn mean(step: &NodeContext, padding: Padding, beyond: bool) -> Result<Pooling> {
    let counts = step.node.int("count_include_pad").unwrap_or(0) != 0;
    let declared = step.node.ints("pads").is_some_and(|pads| pads.iter().any(|&n| n != 0));
    match (counts, beyond) {
        _ if padding == Padding::Valid => Ok(Pooling::Average),
        (true, true) if declared => Err(step.refuse("its means count some of the places beyond the image, not all")),
        (true, false) => Ok(Pooling::Average),
        _ => Ok(Pooling::AverageWithin),
    }
}

/// Global pooling along one axis or two.
fn of_all(take: Pooling, axes: usize) -> Box<dyn Layer> {
    if axes == 1 { Box::new(Pool1d::new(take, None)) } else { Box::new(Pool2d::global(take)) }
}

pub(super) fn global_pool(step: &mut NodeContext, take: Pooling) -> Result<Flow> {
    let (channels, pixels) = image(step)?;
    let layer = of_all(take, pixels.len());
    windowed(step, &*layer, channels, &pixels)?;
    step.imported.push(ImportedLayer::of(LayerBuilder::Other(layer), Vec::new()));
    let mut dims = vec![1; pixels.len() + 1];
    dims[0] = channels;
    Ok(Flow::new(step.output(), [channels].into(), dims))
}

/// The maximum or the mean over all pixels, wherever the channels are.
pub(super) fn reduce(step: &mut NodeContext, take: Pooling) -> Result<Flow> {
    let rank = step.x.dims.len();
    let given = step.integers("axes")?.unwrap_or_default();
    let from_first = |axis: &i64| if *axis < 0 { axis.saturating_add(rank as i64 + 1) } else { *axis };
    let mut axes: Vec<i64> = given.iter().map(from_first).collect();
    axes.sort_unstable();
    // Without axes it reduces over all of them.
    if axes.first().is_none_or(|&axis| axis == 0) {
        return Err(step.refuse("it reduces over examples"));
    }
    let over = |first: i64| rank > 1 && axes.iter().copied().eq(first..first + rank as i64 - 1);
    let own = step.x.is_own() && step.x.dims == step.x.shape.dimensions();
    let channels_at =
        if over(2) && step.x.as_channels_first().is_some() { Some(0) } else { (over(1) && own).then(|| rank - 1) };
    let layer = of_all(take, rank.saturating_sub(1));
    let one_each = |at: &usize| layer.output(step.x.shape).is_ok_and(|shape| shape == [step.x.dims[*at]].into());
    let Some(channels_at) = channels_at.filter(one_each) else {
        let what = format!("it reduces over axes {given:?} of examples of {:?}, expected all pixels", step.x.dims);
        return Err(step.refuse(what));
    };
    let channels = step.x.dims[channels_at];
    let mut dims = vec![1; rank];
    dims[channels_at] = channels;
    if step.node.int("keepdims") == Some(0) {
        dims = vec![channels];
    }
    step.imported.push(ImportedLayer::of(LayerBuilder::Other(layer), Vec::new()));
    Ok(Flow::new(step.output(), [channels].into(), dims))
}
