//! The options of augmentation.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Random augmentation of training images and sounds in each epoch. Strengths are maxima; pixels are already scaled.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Augment {
    /// Whether training images or sounds are augmented at random in each epoch. Default: yes.
    pub augment: Option<bool>,
    /// Whether images are flipped left to right, with probability 1/2. Default: yes for colour images.
    pub flip: Option<bool>,
    /// Whether images are flipped top to bottom, with probability 1/2.
    pub flip_vertical: bool,
    /// Maximum shift, as a share of an image's height and width or of a sound's length. Default: 0.1 for colour images
    /// and sounds, else 0.05.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub shift: Option<f64>,
    /// Maximum rotation of images, in degrees. Default: 15 for colour images, else 0.
    #[schemars(range(min = 0.0, max = 180.0))]
    pub rotate: Option<f64>,
    /// Maximum share by which images are enlarged or shrunk. Default: 0.2 for colour images, else 0.
    #[schemars(range(min = 0.0, max = 4.0))]
    pub zoom: Option<f64>,
    /// Maximum change of brightness, in standard deviations of the pixels. Default: 0.3 for colour images.
    #[schemars(range(min = 0.0, max = 4.0))]
    pub brightness: Option<f64>,
    /// Maximum change of contrast: the share by which differences from an image's mean change. Default: 0.3 for colour
    /// images.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub contrast: Option<f64>,
    /// Maximum change of saturation: the share by which differences from grey change. Default: 0.3 for colour images.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub saturation: Option<f64>,
    /// Maximum rotation of the hue, as a share of a half circle.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub hue: f64,
    /// Maximum share of its blurred copy that an image is blended with.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub blur: f64,
    /// Maximum standard deviation of Gaussian noise, in standard deviations of the pixels.
    #[schemars(range(min = 0.0, max = 4.0))]
    pub noise: f64,
    /// Probability that a rectangle of 2 to 20 % of the image is replaced by its mean (random erasing). Default: 0.3.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub erase: Option<f64>,
    /// Maximum share of another training example that is blended in, with its target (mixup).
    #[schemars(range(min = 0.0, max = 0.5))]
    pub mixup: f64,
    /// Probability that a rectangle of 2 to 50 % comes from another training example, with its target (CutMix).
    /// Default: 0.5 for few colour images in classes, else 0.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub cutmix: Option<f64>,
    /// Maximum change of loudness, in decibels. Default: 6 for sounds.
    #[schemars(range(min = 0.0, max = 60.0))]
    pub gain: Option<f64>,
    /// Maximum share by which sounds are sped up or slowed down at constant pitch. Default: 0.1 for 1,000
    /// training sounds or more.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub stretch: Option<f64>,
    /// Maximum pitch shift in semitones, at constant speed. Default: 2 for 1,000 training sounds or more.
    #[schemars(range(min = 0.0, max = 24.0))]
    pub pitch: Option<f64>,
    /// Minimum signal-to-noise ratio of added noise, in decibels; up to 30 more.
    #[schemars(range(min = -20.0, max = 100.0))]
    pub snr: Option<f64>,
    /// Probability that a sound's steady noise is suppressed (spectral gating).
    #[schemars(range(min = 0.0, max = 1.0))]
    pub suppress: f64,
    /// Maximum share of a sound's length that is silenced. Default: 0.2 for sounds, 0.1 for fewer than 1,000.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub mask_time: Option<f64>,
    /// Maximum share of a sound's frequencies that is masked. Default: 0.4 for sounds, 0.2 for fewer than 1,000.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub mask_frequency: Option<f64>,
    /// A folder of background sounds, one of which is mixed in with probability 1/2.
    pub background: Option<String>,
    /// Minimum ratio of a sound to its background, in decibels; up to 30 more. Default: 5.
    #[schemars(range(min = -20.0, max = 100.0))]
    pub background_snr: Option<f64>,
    /// Whether the network is retrained without each augmentation in turn, to report what each contributes on dev.
    pub ablate_augment: bool,
}

impl Augment {
    /// The same without one augmentation, given by its option's name.
    pub(crate) fn without(&self, change: &str) -> Augment {
        let off = match change {
            "flip" | "flip_vertical" => false.into(),
            "snr" | "background" => serde_json::Value::Null,
            _ => 0.0.into(),
        };
        let mut table = serde_json::to_value(self).expect("options are plain data");
        table[change] = off;
        serde_json::from_value(table).expect("options of these types")
    }
}
