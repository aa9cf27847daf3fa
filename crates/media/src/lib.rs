//! Images and sounds: from files of any format and size to pixels and samples of one form.
//!
//! Nothing here is generic, so that the decoders are compiled once, in this crate, and not in every caller. Errors are
//! single sentences, to which the caller adds the file's name.

#![forbid(unsafe_code)]

#[cfg(feature = "images")]
pub mod images;
#[cfg(feature = "sounds")]
pub mod sounds;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How an image of another aspect ratio is resized.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// Scaled to cover the size and centre-cropped.
    #[default]
    Crop,
    /// Scaled to fit within the size; the rest is black.
    Pad,
    /// Stretched to the size.
    Stretch,
}

/// The form to which every image of a source is converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PictureSpec {
    /// Height in pixels.
    pub height: usize,
    /// Width in pixels.
    pub width: usize,
    /// 1 for grey, 3 for RGB.
    pub channels: usize,
    /// How other aspect ratios are resized.
    pub fit: Fit,
}

/// The form to which every clip of a source is converted: frames below each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClipSpec {
    /// How many frames are kept, spread evenly over the clip; those of a clip that has fewer are repeated.
    pub frames: usize,
    /// The form of each.
    pub frame: PictureSpec,
}

impl ClipSpec {
    /// Which of a clip's frames are kept, in order: the middle one of each of as many equal parts.
    pub fn spread(self, found: usize) -> impl Iterator<Item = usize> {
        (0..self.frames).map(move |i| (2 * i + 1) * found / (2 * self.frames))
    }
}

/// The form to which every sound of a source is converted: one channel of fixed length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoundSpec {
    /// Samples per second.
    pub sample_rate: usize,
    /// Samples per sound; longer ones are cropped at both ends, shorter ones are padded with silence.
    pub samples: usize,
    /// Whether each sound is normalised to a root mean square of 1, since the distance to a microphone is irrelevant.
    pub equal_loudness: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_spread_evenly_and_repeated_where_there_are_too_few() {
        let frame = PictureSpec { height: 1, width: 1, channels: 1, fit: Fit::Crop };
        let spread = |frames: usize, found: usize| ClipSpec { frames, frame }.spread(found).collect::<Vec<_>>();
        assert_eq!(spread(4, 4), [0, 1, 2, 3]);
        assert_eq!(spread(4, 16), [2, 6, 10, 14]);
        assert_eq!((spread(3, 4), spread(2, 5)), (vec![0, 2, 3], vec![1, 3]));
        assert_eq!((spread(4, 2), spread(3, 1)), (vec![0, 0, 1, 1], vec![0, 0, 0]));
    }
}
