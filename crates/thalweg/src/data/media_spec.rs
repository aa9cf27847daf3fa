//! How files of any size become examples of one size; a model keeps this for files to come.

use serde::{Deserialize, Serialize};

use crate::config;
pub use thalweg_media::{ClipSpec, Fit, PictureSpec, SoundSpec};

/// The common form of all files of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaSpec {
    /// Image files.
    Pictures(PictureSpec),
    /// Animated image files, and folders of images.
    Clips(ClipSpec),
    /// Sound files.
    Sounds(SoundSpec),
}

impl MediaSpec {
    /// The shape of an example; grey images have no channel axis, a clip's frames lie below each other.
    pub fn shape(&self) -> Vec<usize> {
        match *self {
            MediaSpec::Pictures(PictureSpec { height, width, channels: 1, .. }) => vec![height, width],
            MediaSpec::Pictures(PictureSpec { height, width, channels, .. }) => vec![height, width, channels],
            MediaSpec::Clips(ClipSpec { frames, frame }) => {
                let mut shape = MediaSpec::Pictures(frame).shape();
                shape[0] *= frames;
                shape
            }
            MediaSpec::Sounds(SoundSpec { samples, .. }) => vec![samples, 1],
        }
    }

    /// The number of frames of an example; images have one.
    pub fn frames(&self) -> usize {
        if let MediaSpec::Clips(spec) = self { spec.frames } else { 1 }
    }

    /// Sets the options so that later files are converted to this form as well.
    pub(crate) fn adopt(&self, options: &mut config::Data) {
        match *self {
            MediaSpec::Pictures(spec) => {
                options.image_size = Some(vec![spec.height, spec.width]);
                (options.channels, options.fit) = (Some(spec.channels), Some(spec.fit));
                options.frames = Some(1);
            }
            MediaSpec::Clips(spec) => {
                MediaSpec::Pictures(spec.frame).adopt(options);
                options.frames = Some(spec.frames);
            }
            MediaSpec::Sounds(spec) => {
                options.sample_rate = Some(spec.sample_rate);
                options.seconds = Some(spec.samples as f64 / spec.sample_rate as f64);
                options.equal_loudness = Some(spec.equal_loudness);
            }
        }
    }
}
