//! How files of any size become examples of one size; a model keeps this for files to come.

use serde::{Deserialize, Serialize};

use crate::config;
pub use thalweg_media::{Fit, PictureSpec, SoundSpec};

/// The common form of all files of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaSpec {
    /// Image files.
    Pictures(PictureSpec),
    /// Sound files.
    Sounds(SoundSpec),
}

impl MediaSpec {
    /// The shape of an example; grey images have no channel axis.
    pub fn shape(&self) -> Vec<usize> {
        match *self {
            MediaSpec::Pictures(PictureSpec { height, width, channels: 1, .. }) => vec![height, width],
            MediaSpec::Pictures(PictureSpec { height, width, channels, .. }) => vec![height, width, channels],
            MediaSpec::Sounds(SoundSpec { samples, .. }) => vec![samples, 1],
        }
    }

    /// Sets the options so that later files are converted to this form as well.
    pub(crate) fn adopt(&self, options: &mut config::Data) {
        match *self {
            MediaSpec::Pictures(spec) => {
                options.image_size = Some(vec![spec.height, spec.width]);
                (options.channels, options.fit) = (Some(spec.channels), Some(spec.fit));
            }
            MediaSpec::Sounds(spec) => {
                options.sample_rate = Some(spec.sample_rate);
                options.seconds = Some(spec.samples as f64 / spec.sample_rate as f64);
                options.equal_loudness = Some(spec.equal_loudness);
            }
        }
    }
}
