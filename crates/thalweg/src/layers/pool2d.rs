//! Pooling: the maximum or the mean of each window of an image.

use serde::{Deserialize, Serialize};

use super::{Backward, Frame, Layer, Mode, Op, Parameters, ParametersMut, Registered};
use crate::error::Result;
use crate::tensor::conv::{self, ConvGeometry, Pooling};
use crate::tensor::{Shape, Tensor, View, ViewMut};
use crate::windows::{self, Padding, Pair};

/// Pooling over windows, channel by channel, or over the whole image if no size is given.
///
/// Max: y = the maximum; its dy goes to the first position that holds it. Average: y = the mean; dy/n goes to each
/// position, where n includes the padding (`average`) or does not (`average_within`).
///
/// ```
/// use thalweg::layers::{Pool2d, Pooling};
/// use thalweg::network::{Network, Predictor};
/// use thalweg::tensor::{Shape, Tensor};
///
/// let network = Network::new(Shape::from([2, 4, 1]), vec![Box::new(Pool2d::new(Pooling::Max, 2))])?;
/// let theta = Tensor::from_f64([0], vec![]);
/// let x = Tensor::from_f64([1, 2, 4, 1], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
/// let y = Predictor::new(&network, &theta, 1, Default::default())?.forward(x.view())?.to_f64();
/// assert_eq!(y, [6.0, 8.0]);
/// # Ok::<(), thalweg::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pool2d {
    /// What a window is reduced to.
    pub take: Pooling,
    /// Height and width of a window. Default: the image's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Pair>,
    /// Steps from one window to the next. Default: the window's size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stride: Option<Pair>,
    /// Padding around the image, which never holds the maximum.
    #[serde(default = "none")]
    pub padding: Padding,
}

fn none() -> Padding {
    Padding::Valid
}

impl Pool2d {
    /// Adjacent square windows.
    pub fn new(take: Pooling, size: usize) -> Self {
        Pool2d { size: Some(Pair::Both(size)), ..Pool2d::global(take) }
    }

    /// One window: the whole image.
    pub fn global(take: Pooling) -> Self {
        Pool2d { take, size: None, stride: None, padding: Padding::Valid }
    }

    /// Window size, stride and dilation.
    fn options(&self, [height, width, _]: [usize; 3]) -> [Pair; 3] {
        let size = self.size.unwrap_or(Pair::Each([height, width]));
        [size, self.stride.unwrap_or(size), Pair::default()]
    }

    fn windows(&self, input: Shape) -> Result<ConvGeometry> {
        let image = windows::image(Self::NAME, input)?;
        windows::windows(Self::NAME, image, self.options(image), self.padding)
    }

    /// The operations it lowers to; with `line`, those of a sound as an image one pixel high.
    pub(crate) fn ops(&self, image: Shape, line: bool) -> Result<Vec<Op>> {
        let options = self.options(windows::image(Self::NAME, image)?);
        let frame = Frame::new(Self::NAME, image, line, options, self.padding)?;
        Ok(vec![Op::Pool { frame, take: self.take, global: self.size.is_none() }])
    }

    fn of_batch(&self, x: Shape) -> ConvGeometry {
        self.windows(x.example()).expect("the network has asked for the output's shape")
    }
}

impl Layer for Pool2d {
    fn describe(&self, _input: Shape) -> String {
        let take = match self.take {
            Pooling::Max => "max",
            Pooling::Average | Pooling::AverageWithin => "average",
        };
        match self.size {
            Some(size) => format!("{take} pool {}", windows::describe(size, self.stride.unwrap_or(size))),
            None => format!("{take} pool of the whole image"),
        }
    }

    fn output(&self, input: Shape) -> Result<Shape> {
        let [.., channels] = windows::image(Self::NAME, input)?;
        let [height, width] = self.windows(input)?.output;
        Ok(if self.size.is_none() { [channels].into() } else { [height, width, channels].into() })
    }

    fn multiply_adds(&self, input: Shape) -> f64 {
        let each = |windows: ConvGeometry| windows.count() as f64 * windows.size.iter().product::<usize>() as f64;
        self.windows(input).map_or(0.0, |windows| each(windows) * windows.input[2] as f64)
    }

    fn lower(&self, _name: &str, input: Shape) -> Result<Vec<Op>> {
        self.ops(input, false)
    }

    fn forward(&self, _theta: Parameters, x: View, y: ViewMut, _saved: &mut [Tensor], _mode: Mode) {
        conv::pool(&self.of_batch(x.shape()), self.take, x, y);
    }

    fn backward(&self, _theta: Parameters, pass: Backward, _gradient: ParametersMut) {
        if let Some(dx) = pass.dx {
            conv::pool_backward(&self.of_batch(pass.x.shape()), self.take, [pass.x, pass.y, pass.dy.view()], dx);
        }
    }

    /// Beyond a kink, a window's maximum is at another position.
    fn kink_sides(&self, x: View, y: View, _saved: &[Tensor], sides: &mut Vec<bool>) {
        if self.take == Pooling::Max {
            conv::places_of_largest(&self.of_batch(x.shape()), x, y, sides);
        }
    }
}

impl Registered for Pool2d {
    const NAME: &'static str = "pool2d";

    fn examples() -> Vec<(Self, Shape)> {
        let overlapping = |take| Pool2d { stride: Some(Pair::Both(1)), padding: Padding::Same, ..Pool2d::new(take, 3) };
        let around = Padding::Around([[0, 1], [2, 1]]);
        let uneven = Pool2d { padding: around, stride: Some(Pair::Both(2)), ..Pool2d::new(Pooling::AverageWithin, 3) };
        vec![
            (uneven, [4, 5, 2].into()),
            (overlapping(Pooling::AverageWithin), [4, 3].into()),
            (Pool2d::new(Pooling::Average, 2), [4, 5, 2].into()),
            (overlapping(Pooling::Average), [4, 3, 2].into()),
            (Pool2d::global(Pooling::Average), [3, 4, 2].into()),
            (Pool2d::new(Pooling::Max, 2), [4, 5, 2].into()),
            (overlapping(Pooling::Max), [3, 3, 1].into()),
            (Pool2d::global(Pooling::Max), [3, 2].into()),
        ]
    }
}
