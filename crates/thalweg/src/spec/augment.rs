//! The options of augmentation.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How training images are changed in each epoch. Strengths are the most that happens; pixels are scaled before.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Augment {
    /// Whether training images are changed at random in each epoch. Default: yes for images.
    pub augment: Option<bool>,
    /// Whether images are mirrored left to right, every other time. Default: yes for colour images.
    pub flip: Option<bool>,
    /// Whether images are mirrored top to bottom, every other time.
    pub flip_vertical: bool,
    /// Share of the height and width by which images are moved. Default: 0.1 for colour images, else 0.05.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub shift: Option<f64>,
    /// Degrees by which images are turned. Default: 15 for colour images, else 0.
    #[schemars(range(min = 0.0, max = 180.0))]
    pub rotate: Option<f64>,
    /// Share by which images are made larger or smaller. Default: 0.2 for colour images, else 0.
    #[schemars(range(min = 0.0, max = 4.0))]
    pub zoom: Option<f64>,
    /// How much brighter or darker images become, in deviations of the pixels. Default: 0.3 for colour images.
    #[schemars(range(min = 0.0, max = 4.0))]
    pub brightness: Option<f64>,
    /// Share by which differences from an image's mean change. Default: 0.3 for colour images.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub contrast: Option<f64>,
    /// Share by which differences from grey change. Default: 0.3 for colour images.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub saturation: Option<f64>,
    /// Share of a half circle by which colours turn.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub hue: f64,
    /// Share by which images are blended with their blurred selves.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub blur: f64,
    /// Deviation of normal noise, in deviations of the pixels.
    #[schemars(range(min = 0.0, max = 4.0))]
    pub noise: f64,
    /// Probability that a rectangle of 2 to 20 % of the image is replaced by its mean. Default: 0.3.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub erase: Option<f64>,
}
