//! The options of augmentation.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How training images and sounds are changed in each epoch. Strengths are the most that happens; pixels are scaled before.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Augment {
    /// Whether training images or sounds are changed at random in each epoch. Default: yes.
    pub augment: Option<bool>,
    /// Whether images are mirrored left to right, every other time. Default: yes for colour images.
    pub flip: Option<bool>,
    /// Whether images are mirrored top to bottom, every other time.
    pub flip_vertical: bool,
    /// Share of the height and width by which images are moved, of the length by which sounds are. Default: 0.1 for colour images and sounds, else 0.05.
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
    /// Share by which another training example is blended in, with its answer (mixup).
    #[schemars(range(min = 0.0, max = 0.5))]
    pub mixup: f64,
    /// Probability that a rectangle of 2 to 50 % comes from another training example, with its answer (CutMix). Default: 0.5 for few colour images in classes, else 0.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub cutmix: Option<f64>,
    /// Decibels by which sounds become louder or softer. Default: 6 for sounds.
    #[schemars(range(min = 0.0, max = 60.0))]
    pub gain: Option<f64>,
    /// Share by which sounds become faster or slower, at the same pitch. Default: 0.1 for sounds.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub stretch: Option<f64>,
    /// Semitones by which sounds become higher or lower, at the same speed. Default: 2 for sounds.
    #[schemars(range(min = 0.0, max = 24.0))]
    pub pitch: Option<f64>,
    /// Decibels by which a sound is louder than the noise added to it, at least; up to 30 more.
    #[schemars(range(min = -20.0, max = 100.0))]
    pub snr: Option<f64>,
    /// Probability that a sound's steady noise is suppressed (spectral gating).
    #[schemars(range(min = 0.0, max = 1.0))]
    pub suppress: f64,
    /// Share of a sound's length that is silenced. Default: 0.2 for sounds.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub mask_time: Option<f64>,
    /// Share of a sound's frequencies that is taken out. Default: 0.4 for sounds.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub mask_frequency: Option<f64>,
    /// A folder of sounds, one of which is mixed into every other sound.
    pub background: Option<String>,
    /// Decibels by which a sound is louder than its background, at least; up to 30 more. Default: 5.
    #[schemars(range(min = -20.0, max = 100.0))]
    pub background_snr: Option<f64>,
    /// Whether the network is trained again without each of the changes in turn, to tell what each brings on dev.
    pub ablate_augment: bool,
}

impl Augment {
    /// The same without one of the changes, by its option's name.
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
