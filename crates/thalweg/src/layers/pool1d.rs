//! Pooling of sounds and other sequences of values, as images one pixel high.

use serde::{Deserialize, Serialize};

use super::{Backward, Layer, Mode, Op, Parameters, ParametersMut, Pool2d, Registered};
use crate::error::Result;
use crate::tensor::conv::Pooling;
use crate::tensor::{Shape, Tensor, View, ViewMut};
use crate::windows::{self, Padding, Pair};

/// Pooling over windows in time, channel by channel, or over the whole sound if no size is given. Sounds are t × c.
///
/// ```
/// use thalweg::layers::{Pool1d, Pooling};
/// use thalweg::network::{Network, Predictor};
/// use thalweg::tensor::Tensor;
///
/// let network = Network::new(4, vec![Box::new(Pool1d::new(Pooling::Average, Some(2)))])?;
/// let theta = Tensor::from_f64([0], vec![]);
/// let x = Tensor::from_f64([1, 4], vec![1.0, 3.0, 5.0, 9.0]);
/// let y = Predictor::new(&network, &theta, 1, Default::default())?.forward(x.view())?.to_f64();
/// assert_eq!(y, [2.0, 7.0]);
/// # Ok::<(), thalweg::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pool1d {
    /// What a window is reduced to.
    pub take: Pooling,
    /// Length of a window. Default: the sound's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<usize>,
    /// Steps from one window to the next. Default: the window's size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stride: Option<usize>,
    /// Padding around the sound, which never holds the maximum.
    #[serde(default = "none")]
    pub padding: Padding,
}

fn none() -> Padding {
    Padding::Valid
}

impl Pool1d {
    /// Adjacent windows of a size, or one over the whole sound.
    pub fn new(take: Pooling, size: Option<usize>) -> Self {
        Pool1d { take, size, stride: None, padding: Padding::Valid }
    }

    /// The same on images one pixel high.
    pub(crate) fn flat(&self) -> Pool2d {
        Pool2d {
            take: self.take,
            size: self.size.map(|size| Pair::along(size, 1)),
            stride: self.stride.map(|stride| Pair::along(stride, 1)),
            padding: self.padding.along(),
        }
    }
}

impl Layer for Pool1d {
    fn describe(&self, input: Shape) -> String {
        self.flat().describe(input).replacen("1×", "", 1).replace("image", "sound")
    }

    fn output(&self, input: Shape) -> Result<Shape> {
        let image = self.flat().output(windows::line(Self::NAME, input)?)?;
        Ok(match *image.dimensions() {
            [_, time, channels] => [time, channels].into(),
            _ => image,
        })
    }

    fn multiply_adds(&self, input: Shape) -> f64 {
        windows::line(Self::NAME, input).map_or(0.0, |image| self.flat().multiply_adds(image))
    }

    fn lower(&self, _name: &str, input: Shape) -> Result<Vec<Op>> {
        self.flat().ops(windows::line(Self::NAME, input)?, true)
    }

    fn forward(&self, theta: Parameters, x: View, y: ViewMut, saved: &mut [Tensor], mode: Mode) {
        self.flat().forward(theta, x.part(0, windows::lines(Self::NAME, x.shape())), y, saved, mode);
    }

    fn backward(&self, theta: Parameters, pass: Backward, gradient: ParametersMut) {
        let x = pass.x.part(0, windows::lines(Self::NAME, pass.x.shape()));
        self.flat().backward(theta, Backward { x, ..pass }, gradient);
    }

    fn kink_sides(&self, x: View, y: View, saved: &[Tensor], sides: &mut Vec<bool>) {
        self.flat().kink_sides(x.part(0, windows::lines(Self::NAME, x.shape())), y, saved, sides);
    }
}

impl Registered for Pool1d {
    const NAME: &'static str = "pool1d";

    fn examples() -> Vec<(Self, Shape)> {
        let plain = Pool1d::new;
        let overlapping = Pool1d { stride: Some(1), padding: Padding::Same, ..plain(Pooling::Max, Some(3)) };
        let past = Padding::Around([[0; 2], [1, 0]]);
        let past = Pool1d { padding: past, stride: Some(1), ..plain(Pooling::AverageWithin, Some(2)) };
        vec![
            (past, [5, 2].into()),
            (plain(Pooling::Average, Some(2)), [5, 2].into()),
            (plain(Pooling::Max, None), [4, 2].into()),
            (plain(Pooling::Average, None), [5].into()),
            (overlapping, [6, 2].into()),
        ]
    }
}
