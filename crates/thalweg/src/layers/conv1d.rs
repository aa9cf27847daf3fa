//! Convolution of sounds and other sequences of values, as images one pixel high.

use serde::{Deserialize, Serialize};

use super::{Backward, Conv2d, Layer, Mode, Op, ParameterSpec, Parameters, ParametersMut, Registered};
use crate::error::Result;
use crate::init::Init;
use crate::tensor::{Activation, Shape, Tensor, View, ViewMut};
use crate::windows::{self, Padding, Pair};

/// A convolution with n filters, each of k × c/groups weights; sounds are t × c, time first.
///
/// `z[p, f] = Σ x · W[f] + b[f]` over the window at p, a = g(z): [`Conv2d`] on images of 1 × t × c.
///
/// ```
/// use thalweg::layers::{Conv1d, Padding};
/// use thalweg::network::{Network, Predictor};
/// use thalweg::tensor::{Activation, Tensor};
///
/// let layer = Conv1d { padding: Padding::Valid, ..Conv1d::new(1, 2, Activation::Identity) };
/// let network = Network::new(3, vec![Box::new(layer)])?;
/// let theta = Tensor::from_f64([3], vec![1.0, -1.0, 0.5]); // W, then b
/// let x = Tensor::from_f64([1, 3], vec![3.0, 1.0, 5.0]);
/// let y = Predictor::new(&network, &theta, 1, Default::default())?.forward(x.view())?.to_f64();
/// assert_eq!(y, [3.0 - 1.0 + 0.5, 1.0 - 5.0 + 0.5]);
/// # Ok::<(), thalweg::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conv1d {
    /// n.
    pub filters: usize,
    /// k.
    pub kernel: usize,
    /// Steps from one window to the next.
    #[serde(default = "one")]
    pub stride: usize,
    /// Zeros before and after the sound.
    #[serde(default)]
    pub padding: Padding,
    /// Steps between the elements of a window.
    #[serde(default = "one")]
    pub dilation: usize,
    /// Groups of channels, each with its own filters.
    #[serde(default = "one")]
    pub groups: usize,
    /// g.
    #[serde(default)]
    pub activation: Activation,
    /// How W is drawn; by default He for the ReLU kinds, Glorot otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init: Option<Init>,
    /// Whether there is a bias b; batch norm after the layer makes it pointless.
    #[serde(default = "yes")]
    pub bias: bool,
}

fn one() -> usize {
    1
}

fn yes() -> bool {
    true
}

impl Conv1d {
    /// n filters with activation g, one output per step.
    pub fn new(filters: usize, kernel: usize, activation: Activation) -> Self {
        Conv1d {
            filters,
            kernel,
            stride: 1,
            padding: Padding::default(),
            dilation: 1,
            groups: 1,
            activation,
            init: None,
            bias: true,
        }
    }

    /// The same on images one pixel high.
    pub(crate) fn flat(&self) -> Conv2d {
        Conv2d {
            filters: self.filters,
            kernel: Pair::along(self.kernel, 1),
            stride: Pair::along(self.stride, 1),
            padding: self.padding.along(),
            dilation: Pair::along(self.dilation, 1),
            groups: self.groups,
            activation: self.activation,
            init: self.init,
            bias: self.bias,
        }
    }
}

impl Layer for Conv1d {
    fn describe(&self, input: Shape) -> String {
        self.flat().describe(input).replacen("1×", "", 1)
    }

    fn activation(&self) -> Option<Activation> {
        Some(self.activation)
    }

    fn output(&self, input: Shape) -> Result<Shape> {
        let image = self.flat().output(windows::line(Self::NAME, input)?)?;
        Ok([image.dimensions()[1], self.filters].into())
    }

    fn parameters(&self, input: Shape) -> Vec<ParameterSpec> {
        let Ok(image) = windows::line(Self::NAME, input) else { return Vec::new() };
        let mut parameters = self.flat().parameters(image);
        let [filters, _, kernel, channels] = *parameters[0].shape.dimensions() else { return parameters };
        parameters[0].shape = [filters, kernel, channels].into();
        parameters
    }

    fn saved(&self, input: Shape, m: usize) -> Vec<Shape> {
        windows::line(Self::NAME, input).map_or_else(|_| Vec::new(), |image| self.flat().saved(image, m))
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
        self.flat().kink_sides(x, y, saved, sides);
    }
}

impl Registered for Conv1d {
    const NAME: &'static str = "conv1d";

    fn examples() -> Vec<(Self, Shape)> {
        let plain = |kernel| Conv1d::new(3, kernel, Activation::Tanh);
        let strided = Conv1d { stride: 2, padding: Padding::Valid, bias: false, ..plain(3) };
        let padded = Conv1d { padding: Padding::Zeros(Pair::Both(2)), dilation: 2, ..plain(3) };
        let grouped = Conv1d { filters: 4, groups: 2, init: Some(Init::Normal(0.5)), ..plain(2) };
        vec![(plain(3), [6].into()), (strided, [9, 2].into()), (padded, [7, 1].into()), (grouped, [5, 4].into())]
    }
}
