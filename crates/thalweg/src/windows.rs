//! The options of convolutions and pooling that define windows: size, stride, padding.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::tensor::Shape;
use crate::tensor::conv::ConvGeometry;

/// One value for both height and width, or one for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Pair {
    /// The same for both.
    Both(usize),
    /// Height, then width.
    Each([usize; 2]),
}

impl Pair {
    /// Height and width.
    pub fn each(self) -> [usize; 2] {
        match self {
            Pair::Both(n) => [n, n],
            Pair::Each(each) => each,
        }
    }
}

impl Pair {
    /// One value along the second dimension, another along the first.
    pub(crate) fn along(number: usize, other: usize) -> Self {
        Pair::Each([other, number])
    }
}

impl Default for Pair {
    fn default() -> Self {
        Pair::Both(1)
    }
}

/// Padding around an image: zeros for a convolution.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Padding {
    /// As much as gives one output per stride, the odd one below and to the right of the image.
    #[default]
    Same,
    /// None: windows stay within the image.
    Valid,
    /// This many on each side.
    #[serde(untagged)]
    Zeros(Pair),
    /// This many above and below, then left and right; in time the latter: `[[0, 0], [2, 0]]` is causal.
    #[serde(untagged)]
    Around([[usize; 2]; 2]),
}

impl Padding {
    /// The same along the second dimension only.
    pub(crate) fn along(self) -> Self {
        match self {
            Padding::Zeros(zeros) => Padding::Zeros(Pair::along(zeros.each()[1], 0)),
            Padding::Around([_, time]) => Padding::Around([[0; 2], time]),
            other => other,
        }
    }
}

/// Images one pixel high from sounds of time × channels (or spectrograms × 1); one dimension is one channel.
///
/// # Errors
/// If the shape is not that of a sound.
pub(crate) fn line(layer: &str, input: Shape) -> Result<Shape> {
    match *input.dimensions() {
        [time] => Ok([1, time, 1].into()),
        [time, channels] | [time, channels, 1] => Ok([1, time, channels].into()),
        _ => Err(Error::config(format!("{layer} takes sounds of time × channels, found {input}"))
            .fix("use the layers for images, or train on sounds")),
    }
}

/// A batch of such images from a batch of sounds that the layer has accepted.
pub(crate) fn lines(layer: &str, x: Shape) -> Shape {
    line(layer, x.example()).expect("the network has asked for the output's shape").batch(x.rows())
}

/// Height, width and channels of an image shape; two dimensions are one channel.
///
/// # Errors
/// If the shape is not that of an image.
pub(crate) fn image(layer: &str, input: Shape) -> Result<[usize; 3]> {
    input.image().ok_or_else(|| {
        Error::config(format!("{layer} takes images of height × width × channels, found {input}"))
            .fix("put it before layers that make rows of numbers, and train on images")
    })
}

/// The maximum number of values in a padded image, where that exceeds this multiple of the image's own.
const MOST_PADDED: (usize, usize) = (1 << 26, 16);

/// The windows over images.
///
/// # Errors
/// If a size or stride is 0, no window fits, or padding is out of proportion.
pub(crate) fn windows(
    layer: &str,
    input: [usize; 3],
    [size, stride, dilation]: [Pair; 3],
    padding: Padding,
) -> Result<ConvGeometry> {
    let [size, stride, dilation] = [size.each(), stride.each(), dilation.each()];
    let wrong = |what: String| Error::config(format!("{layer}: {what}"));
    if [size, stride, dilation].iter().flatten().any(|n| !(1..=1 << 16).contains(n)) {
        return Err(wrong(format!("windows of {size:?}, stride {stride:?} and dilation {dilation:?}"))
            .fix("use numbers from 1 to 65536"));
    }
    let mut found = ConvGeometry { input, size, stride, padding: [0; 2], dilation, output: [0; 2] };
    let mut padded = input;
    for axis in 0..2 {
        let reach = (size[axis] - 1) * dilation[axis] + 1;
        let [before, after] = match padding {
            Padding::Valid => [0; 2],
            Padding::Zeros(zeros) => [zeros.each()[axis]; 2],
            Padding::Around(around) => around[axis],
            Padding::Same => {
                let steps = input[axis].div_ceil(stride[axis]);
                let around = ((steps - 1) * stride[axis] + reach).saturating_sub(input[axis]);
                [around / 2, around - around / 2]
            }
        };
        if before.max(after) >= reach {
            return Err(wrong(format!("windows of {reach} pixels within {} of padding", before.max(after)))
                .fix("use less padding: windows must see some of the image"));
        }
        let pixels = before + input[axis] + after;
        if pixels < reach {
            return Err(wrong(format!("a window reaches over {reach} of {pixels} pixels"))
                .fix("use a smaller window, or padding"));
        }
        padded[axis] = pixels;
        found.padding[axis] = before;
        found.output[axis] = (pixels - reach) / stride[axis] + 1;
    }
    let (own, padded_size) = (Shape::from(input).size(), Shape::from(padded).size());
    if padded_size > MOST_PADDED.0.max(own.saturating_mul(MOST_PADDED.1)) {
        let [height, width, _] = padded;
        return Err(wrong(format!("images of {} with padding are {height}×{width}", Shape::from(input)))
            .fix("use less padding, or smaller windows and dilation"));
    }
    Ok(found)
}

/// `3×3`, or `3×3/2` with a stride.
pub(crate) fn describe(size: Pair, stride: Pair) -> String {
    let [height, width] = size.each();
    match stride.each() {
        [1, 1] => format!("{height}×{width}"),
        [down, across] if down == across => format!("{height}×{width}/{down}"),
        [down, across] => format!("{height}×{width}/{down}×{across}"),
    }
}
