//! Images at another size: what lets a network take pictures of other sizes than those it was made for.

use serde::{Deserialize, Serialize};

use super::{Backward, Layer, Mode, Op, Parameters, ParametersMut, Registered};
use crate::error::{Error, Result};
use crate::tensor::{Shape, Tensor, View, ViewMut, ops};
use crate::windows;

/// The largest height or width.
const LARGEST: usize = 1 << 13;

/// Bilinear interpolation of images: pixel i of N along an axis is at (i + ½) n/N − ½ of the n that there are, between
/// two of them. Smaller images are interpolated as well, not averaged.
///
/// Backward: each dy goes to the four pixels that y is made of, in their shares.
///
/// ```
/// use thalweg::layers::Resize;
/// use thalweg::network::{Network, Predictor};
/// use thalweg::tensor::{Shape, Tensor};
///
/// let network = Network::new(Shape::from([1, 2, 1]), vec![Box::new(Resize { height: 1, width: 4 })])?;
/// let x = Tensor::from_f64([1, 1, 2, 1], vec![0.0, 4.0]);
/// let theta = Tensor::from_f64([0], vec![]);
/// let y = Predictor::new(&network, &theta, 1, Default::default())?.forward(x.view())?.to_f64();
/// assert_eq!(y, [0.0, 1.0, 3.0, 4.0]);
/// # Ok::<(), thalweg::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resize {
    /// The height of the result.
    pub height: usize,
    /// Its width.
    pub width: usize,
}

impl Resize {
    fn to(&self) -> [usize; 2] {
        [self.height, self.width]
    }

    fn image(x: Shape) -> [usize; 3] {
        windows::image(Self::NAME, x.example()).expect("the network has asked for the output's shape")
    }
}

impl Layer for Resize {
    fn describe(&self, _input: Shape) -> String {
        format!("resize to {} × {}", self.height, self.width)
    }

    fn output(&self, input: Shape) -> Result<Shape> {
        let [_, _, channels] = windows::image(Self::NAME, input)?;
        if self.to().into_iter().any(|side| side == 0 || side > LARGEST) {
            let error = Error::config(format!("found {} × {} pixels", self.height, self.width));
            return Err(error.fix(format!("use heights and widths from 1 to {LARGEST}")));
        }
        Ok([self.height, self.width, channels].into())
    }

    fn multiply_adds(&self, input: Shape) -> f64 {
        self.output(input).map_or(0.0, |output| 4.0 * output.size() as f64)
    }

    fn flops_per_example(&self, input: Shape) -> Option<usize> {
        self.output(input).ok().map(|output| 4 * output.size())
    }

    fn lower(&self, _name: &str, input: Shape) -> Result<Vec<Op>> {
        windows::image(Self::NAME, input)?;
        Ok(vec![Op::Resize { height: self.height, width: self.width }])
    }

    fn forward(&self, _theta: Parameters, x: View, y: ViewMut, _saved: &mut [Tensor], _mode: Mode) {
        ops::resize(Self::image(x.shape()), self.to(), x, y);
    }

    fn backward(&self, _theta: Parameters, pass: Backward, _gradient: ParametersMut) {
        if let Some(dx) = pass.dx {
            ops::resize_backward(Self::image(pass.x.shape()), self.to(), pass.dy.view(), dx);
        }
    }
}

impl Registered for Resize {
    const NAME: &'static str = "resize";

    fn examples() -> Vec<(Self, Shape)> {
        vec![
            (Resize { height: 5, width: 7 }, [3, 4, 2].into()),
            (Resize { height: 2, width: 9 }, [4, 3, 3].into()),
            (Resize { height: 3, width: 3 }, [5, 5].into()),
            (Resize { height: 1, width: 1 }, [2, 3, 1].into()),
            (Resize { height: 4, width: 2 }, [1, 1, 2].into()),
        ]
    }
}
