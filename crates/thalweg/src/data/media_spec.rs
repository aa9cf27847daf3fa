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
            MediaSpec::Pictures(form) => {
                options.image_size = Some(vec![form.height, form.width]);
                (options.channels, options.fit) = (Some(form.channels), Some(form.fit));
            }
            MediaSpec::Sounds(form) => {
                options.sample_rate = Some(form.sample_rate);
                options.seconds = Some(form.samples as f64 / form.sample_rate as f64);
                options.equal_loudness = Some(form.equal_loudness);
            }
        }
    }
}
