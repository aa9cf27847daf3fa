//! Pictures and sounds: from files of any kind and size to pixels and samples of one form.
//!
//! Nothing here is generic, so that the decoders are compiled here, once, and not wherever they are called.
//! What cannot be read is said in a sentence, to which the caller adds the file's name.

#![forbid(unsafe_code)]

#[cfg(feature = "images")]
pub mod images;
#[cfg(feature = "sounds")]
pub mod sounds;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a picture of another aspect is brought to a size.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// Its middle fills the size; what reaches beyond is cut off.
    #[default]
    Crop,
    /// All of it is within the size; the rest is black.
    Pad,
    /// It is stretched.
    Stretch,
}

/// What every picture of a source is brought to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PictureSpec {
    /// Height in pixels.
    pub height: usize,
    /// Width in pixels.
    pub width: usize,
    /// 1 for grey, 3 for red, green and blue.
    pub channels: usize,
    /// How other aspects are brought to that size.
    pub fit: Fit,
}

/// What every sound of a source is brought to: one channel, so many samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoundSpec {
    /// Samples a second.
    pub sample_rate: usize,
    /// Samples of a sound; longer ones lose their ends, shorter ones get silence around them.
    pub samples: usize,
    /// Whether each sound's root mean square is brought to 1: how near a microphone was says nothing.
    pub equal_loudness: bool,
}
