//! How pictures of any size become examples of one size.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::spec;

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

/// What every picture of a source is brought to; a model keeps it for those to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PictureForm {
    /// Height in pixels.
    pub height: usize,
    /// Width in pixels.
    pub width: usize,
    /// 1 for grey, 3 for red, green and blue.
    pub channels: usize,
    /// How other aspects are brought to that size.
    pub fit: Fit,
}

impl PictureForm {
    /// The shape of an example; grey pictures have no axis of channels.
    pub fn shape(&self) -> Vec<usize> {
        match self.channels {
            1 => vec![self.height, self.width],
            channels => vec![self.height, self.width, channels],
        }
    }

    /// Has pictures to come brought to this form as well.
    pub(crate) fn adopt(&self, options: &mut spec::Data) {
        options.image_size = Some(vec![self.height, self.width]);
        (options.channels, options.fit) = (Some(self.channels), Some(self.fit));
    }
}
