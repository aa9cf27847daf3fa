//! What Thalweg decides for images: a convolutional network, and how training images are changed.

use serde_json::{Value, json};

use super::{decide, input_shape};
use crate::data::dataset::Dataset;
use crate::spec::{Augment, Config, Quality, Recipe};
use crate::train::Augmentation;
use crate::train::event::Decision;

/// The fewest pixels of a side that windows are worth it for.
const SIDE: usize = 8;

/// Height, width and channels, where examples are images large enough for convolutions.
pub(super) fn shape(data: &Dataset) -> Option<[usize; 3]> {
    let shape = input_shape(data).ok()?.image()?;
    shape[..2].iter().all(|side| *side >= SIDE).then_some(shape)
}

/// Whether the network is the one that images get by themselves.
pub(super) fn has_network(config: &Config, data: &Dataset) -> bool {
    let network = &config.network;
    let free = network.layers.is_none() && network.layer.is_empty() && network.dropout.is_none() && !network.batch_norm;
    free && config.train.recipe == Recipe::Auto && shape(data).is_some()
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
fn init(activation: &str) -> &'static str {
    if activation.contains("relu") { "he_normal" } else { "glorot_uniform" }
}

/// How training images are changed: as the configuration says, and otherwise as suits the kind of data.
pub(super) fn augmentation(config: &Config, data: &Dataset, decisions: &mut Vec<Decision>) -> Augmentation {
    let asked = &config.augment;
    let own = *asked != Augment { augment: asked.augment, ..Augment::default() };
    let auto = config.train.recipe == Recipe::Auto && shape(data).is_some();
    if asked.augment == Some(false) || !(own || asked.augment == Some(true) || auto) {
        return Augmentation::default();
    }
    let colour = shape(data).is_some_and(|[.., channels]| channels == 3);
    let usual = if colour {
        Augmentation {
            flip: true,
            shift: 0.1,
            rotate: 15.0,
            zoom: 0.2,
            brightness: 0.3,
            contrast: 0.3,
            saturation: 0.3,
            erase: 0.3,
            ..Augmentation::default()
        }
    } else {
        Augmentation { shift: 0.05, erase: 0.3, ..Augmentation::default() }
    };
    let chosen = Augmentation {
        flip: asked.flip.unwrap_or(usual.flip),
        flip_vertical: asked.flip_vertical,
        shift: asked.shift.unwrap_or(usual.shift),
        rotate: asked.rotate.unwrap_or(usual.rotate),
        zoom: asked.zoom.unwrap_or(usual.zoom),
        brightness: asked.brightness.unwrap_or(usual.brightness),
        contrast: asked.contrast.unwrap_or(usual.contrast),
        saturation: asked.saturation.unwrap_or(usual.saturation),
        hue: asked.hue,
        blur: asked.blur,
        noise: asked.noise,
        erase: asked.erase.unwrap_or(usual.erase),
    };
    let what = format!("training images are changed in each epoch: {}", described(&chosen));
    let why = if colour { "colour images look alike mirrored" } else { "signs such as digits are not mirrored" };
    decide(decisions, what, why.into(), "--augment=false");
    chosen
}

fn described(a: &Augmentation) -> String {
    let switches = [("flip", a.flip), ("flip-vertical", a.flip_vertical)];
    let strengths = [
        ("shift", a.shift),
        ("rotate", a.rotate),
        ("zoom", a.zoom),
        ("brightness", a.brightness),
        ("contrast", a.contrast),
        ("saturation", a.saturation),
        ("hue", a.hue),
        ("blur", a.blur),
        ("noise", a.noise),
        ("erase", a.erase),
    ];
    let on = switches.into_iter().filter(|(_, on)| *on).map(|(name, _)| name.to_string());
    let strong = strengths.into_iter().filter(|(_, by)| *by > 0.0).map(|(name, by)| format!("{name} {by}"));
    on.chain(strong).collect::<Vec<_>>().join(", ")
}
