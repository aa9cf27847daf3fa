//! What Thalweg decides for images: a convolutional network, and how training images are changed.

use serde_json::{Value, json};

use super::{decide, input_shape, sounds};
use crate::config::{Config, Quality, Recipe};
use crate::data::dataset::Dataset;
use crate::event::Decision;

/// The fewest pixels of a side that windows are worth it for.
const SIDE: usize = 8;

/// Height, width and channels, where examples are images large enough for convolutions.
pub(super) fn shape(data: &Dataset) -> Option<[usize; 3]> {
    let shape = input_shape(data).ok()?.image()?;
    shape[..2].iter().all(|side| *side >= SIDE).then_some(shape)
}

/// Training images below which a network learns them by heart, whatever is done to each alone.
const FEW: usize = 5_000;

/// Whether the data is of few colour images in classes, which are mixed for a longer training.
pub(super) fn are_few_photos(config: &Config, data: &Dataset) -> bool {
    let colour = shape(data).is_some_and(|[.., channels]| channels == 3);
    let few = data.task.is_classes() && data.train_rows() < FEW && config.augment.augment != Some(false);
    let train = &config.train;
    colour && few && train.recipe == Recipe::Auto && train.quality != Quality::Fast && train.label_smoothing == 0.0
}

/// Whether the network is the one of convolutions that images and sounds get by themselves.
pub(super) fn has_network(config: &Config, data: &Dataset) -> bool {
    let network = &config.network;
    let free = network.layers.is_none() && network.layer.is_empty() && network.dropout.is_none() && !network.batch_norm;
    free && config.train.recipe == Recipe::Auto && (shape(data).is_some() || sounds::form(data).is_some())
}

/// The hidden layers for images, as tables: none where the configuration has layers of its own, or the data is no images.
pub(super) fn layers(config: &Config, data: &Dataset, decisions: &mut Vec<Decision>) -> Option<Vec<Value>> {
    let [height, width, channels] = shape(data).filter(|_| has_network(config, data))?;
    let widths: &[usize] = match config.train.quality {
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
        format!("the examples are images of {height} × {width} × {channels}"),
        "--layers 128,64 (a dense network), or [[network.layer]]",
    );
    let activation = config.network.activation.first().map_or("relu", String::as_str);
    let conv = |filters: usize, stride: usize| json!({ "kind": "conv2d", "filters": filters, "kernel": 3, "stride": stride, "bias": false, "init": init(activation) });
    let norm = || json!({ "kind": "batch_norm" });
    let g = || json!({ "kind": "activation", "activation": activation });
    let mut layers = Vec::new();
    for (i, &filters) in widths.iter().enumerate() {
        // The first pixels are told apart at full size, and soon made fewer: there are most of them.
        let stride = if i == 0 { 1 } else { 2 };
        layers.extend([conv(filters, stride), norm(), g()]);
        if i == 0 {
            layers.push(json!({ "kind": "pool2d", "take": "max", "size": 2 }));
        }
        let block = [conv(filters, 1), norm(), g(), conv(filters, 1), norm()];
        layers.push(json!({ "kind": "residual", "layers": block }));
        layers.push(g());
    }
    layers.push(json!({ "kind": "pool2d", "take": "average" }));
    Some(layers)
}

/// The initialiser of convolutions whose activation comes two layers later.
pub(super) fn init(activation: &str) -> &'static str {
    if activation.contains("relu") { "he_normal" } else { "glorot_uniform" }
}
