//! Batch and layer normalisation.

use super::NodeContext;
use crate::Result;
use crate::import::onnx::flow::Flow;
use crate::import::onnx::graph::NodeAttributes;
use crate::import::onnx::layer_builder::ImportedLayer;
use crate::layers::{BatchNorm, Layer, LayerNorm};

/// Maximum elements that broadcast constants are expanded to.
const MOST_REPEATED: usize = 1 << 24;

pub(super) fn batch_norm(step: &mut NodeContext) -> Result<Flow> {
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
            // Our layer has a scale for every element of such an example: each channel's is repeated.
            if step.x.shape.size() > MOST_REPEATED {
                return Err(step.refuse(format!("an example has {} numbers", step.x.shape.size())));
            }
            step.makes(numbers.len() * step.x.shape.size())?;
            numbers.iter_mut().for_each(|list| *list = list.repeat(pixels));
            if pixels > 1 {
                step.note(
                    "a scale a channel becomes one a number",
                    "batch norm of series is so here",
                    "conv2d instead",
                );
            }
        } else if step.x.shape.units() != channels {
            return Err(step.refuse(format!("it sees {:?} where an example is {}", step.x.dims, step.x.shape)));
        }
    }
    let parameters = ["gamma", "beta", "mean", "variance"].into_iter().zip(numbers).collect();
    let layer = BatchNorm { epsilon, momentum, fixed_statistics: false };
    layer.output(step.x.shape).map_err(|error| step.refuse(error.message))?;
    step.imported.push(ImportedLayer::new(layer, parameters));
    Ok(step.x.clone().renamed(step.output()))
}

pub(super) fn layer_norm(step: &mut NodeContext) -> Result<Flow> {
    let rank = step.x.dims.len() as i64;
    let axis = step.node.int("axis").unwrap_or(-1);
    // The first dimension is the batch.
    let axis = usize::try_from(if axis < 0 { rank + axis } else { axis - 1 });
    let axis = axis.map_err(|_| step.refuse("it norms over examples"))?;
    let over: usize = step.x.dims.get(axis..).map_or(0, |over| over.iter().product());
    let layer = LayerNorm { epsilon: step.node.float("epsilon").unwrap_or(1e-5), axes: None };
    let sides = step.x.shape.dimensions();
    // The default axes, or the number of axes that normalises the same elements together.
    let mut layers = std::iter::once(layer.clone())
        .chain((1..=sides.len()).map(|axes| LayerNorm { axes: Some(axes), ..layer.clone() }));
    let found = layers.find(|layer| layer.normed(&step.x.shape).iter().product::<usize>() == over);
    let whole = over == step.x.shape.size();
    let Some(layer) = found.filter(|_| step.x.is_own() || whole) else {
        return Err(step.refuse(format!("it norms over other numbers of {:?} than a layer would", step.x.dims)));
    };
    step.gives_one("its means or deviations are used")?;
    let learned = |numbers: Vec<f64>| if whole { step.x.to_own(&numbers) } else { numbers };
    let gamma = learned(step.list(1, over)?);
    let beta = step.optional(2)?.map(|_| step.list(2, over)).transpose()?;
    let beta = beta.map_or_else(|| vec![0.0; over], learned);
    layer.output(step.x.shape).map_err(|error| step.refuse(error.message))?;
    step.imported.push(ImportedLayer::new(layer, vec![("gamma", gamma), ("beta", beta)]));
    Ok(step.x.clone().renamed(step.output()))
}
