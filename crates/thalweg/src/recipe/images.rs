//! What Thalweg decides for images: a convolutional network, and how training images are changed.

use super::decide;
use super::facts::Facts;
use crate::config::{Config, Quality};
use crate::data::dataset::Dataset;
use crate::error::{Error, Result};
use crate::event::Decision;
use crate::init::Init;
use crate::layers::{Activate, BatchNorm, Conv2d, Layer, Pair, Pool2d, Pooling, Residual};
use crate::tensor::{Activation, Shape};

/// The fewest pixels of a side that windows are worth it for.
const SIDE: usize = 8;

/// Height, width and channels, where examples are images, or clips of them, large enough for convolutions.
pub(super) fn shape(data: &Dataset) -> Option<[usize; 3]> {
    if data.pipeline.grouping.is_some() {
        return None;
    }
    let shape = Shape::try_from(data.pipeline.frame()).ok()?.image()?;
    shape[..2].iter().all(|side| *side >= SIDE).then_some(shape)
}

/// The hidden layers for images: none where the configuration has layers of its own, or the data is no images.
///
/// # Errors
/// If there is no such activation.
pub(super) fn layers(facts: &Facts, decisions: &mut Vec<Decision>) -> Result<Option<Vec<Box<dyn Layer>>>> {
    let Some([height, width, channels]) = facts.image.filter(|_| facts.convolutions) else { return Ok(None) };
    let widths: &[usize] = match facts.config.train.quality {
        Quality::Fast => &[16, 32],
        Quality::Good if height.min(width) <= 40 => &[32, 64],
        Quality::Good => &[32, 64, 128],
        Quality::Best if height.min(width) <= 40 => &[64, 128],
        Quality::Best => &[48, 96, 192],
    };
    let described: Vec<String> = widths.iter().map(usize::to_string).collect();
    decide(
        decisions,
        format!("a convolutional network with residual blocks of {} filters", described.join(", ")),
        format!(
            "{} are images of {height} × {width} × {channels}",
            if facts.frames > 1 { "frames" } else { "the examples" }
        ),
        "[layers=128,64] (a dense network), or [[network.layer]]",
    );
    let activation = activation(facts.config)?;
    let conv = |filters: usize, stride: usize| -> Box<dyn Layer> {
        let stride = Pair::Both(stride);
        let init = Some(init(activation));
        Box::new(Conv2d { stride, init, bias: false, ..Conv2d::new(filters, 3, Activation::Identity) })
    };
    let norm = || -> Box<dyn Layer> { Box::new(BatchNorm::default()) };
    let g = || -> Box<dyn Layer> { Box::new(Activate { activation }) };
    let mut layers = Vec::new();
    for (i, &filters) in widths.iter().enumerate() {
        // The first pixels are told apart at full size, and soon made fewer: there are most of them.
        let stride = if i == 0 { 1 } else { 2 };
        layers.extend([conv(filters, stride), norm(), g()]);
        if i == 0 {
            layers.push(Box::new(Pool2d::new(Pooling::Max, 2)));
        }
        let block = vec![conv(filters, 1), norm(), g(), conv(filters, 1), norm()];
        layers.push(Box::new(Residual::new(block, Vec::new(), Activation::Identity)));
        layers.push(g());
    }
    layers.push(Box::new(Pool2d::global(Pooling::Average)));
    Ok(Some(layers))
}

/// The activation of a network of convolutions.
pub(super) fn activation(config: &Config) -> Result<Activation> {
    let named = config.network.activation.first().map_or(Ok(Activation::Relu), |name| name.parse());
    named.map_err(|error: Error| error.at("network.activation"))
}

/// The initialiser of convolutions whose activation comes two layers later.
pub(super) fn init(activation: Activation) -> Init {
    match activation {
        Activation::Relu | Activation::LeakyRelu(_) => Init::HeNormal,
        _ => Init::GlorotUniform,
    }
}
