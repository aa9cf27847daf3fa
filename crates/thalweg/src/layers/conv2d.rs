//! Convolution of images (the course's other kind of network): a linear layer that sees one window at a time.

use serde::{Deserialize, Serialize};

use super::{Backward, Frame, Layer, Mode, Op, ParameterSpec, Parameters, ParametersMut, Registered};
use crate::error::{Error, Result};
use crate::init::Init;
use crate::tensor::conv::{ConvGeometry, Convolution};
use crate::tensor::{Activation, Shape, Tensor, View, ViewMut, ops};
use crate::windows::{self, Padding, Pair};

/// The most filters a layer may have.
const MOST_FILTERS: usize = 1 << 16;

/// A convolution with n filters, each of kh × kw × c/groups weights; images are h × w × c, channels last.
///
/// Forward: `z[p, f] = Σ x · W[f] + b[f]` over the window at p, a = g(z).
/// Backward: dZ = dA ∗ g'(Z), dW = Σ dZᵀ · window over windows and examples, db = Σ dZ, dX = Σ dZ · W over the windows
/// that contain the pixel.
///
/// ```
/// use thalweg::layers::{Conv2d, Padding};
/// use thalweg::network::{Network, Predictor};
/// use thalweg::tensor::{Activation, Shape, Tensor};
///
/// let layer = Conv2d { padding: Padding::Valid, ..Conv2d::new(1, 2, Activation::Identity) };
/// let network = Network::new(Shape::from([2, 3, 1]), vec![Box::new(layer)])?;
/// let theta = Tensor::from_f64([5], vec![1.0, 0.0, 0.0, -1.0, 0.5]); // W, then b
/// let x = Tensor::from_f64([1, 2, 3, 1], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
/// let y = Predictor::new(&network, &theta, 1, Default::default())?.forward(x.view())?.to_f64();
/// assert_eq!(y, [1.0 - 5.0 + 0.5, 2.0 - 6.0 + 0.5]);
/// # Ok::<(), thalweg::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conv2d {
    /// n.
    pub filters: usize,
    /// kh and kw.
    pub kernel: Pair,
    /// Steps from one window to the next.
    #[serde(default)]
    pub stride: Pair,
    /// Zeros around the image.
    #[serde(default)]
    pub padding: Padding,
    /// Steps between the pixels of a window.
    #[serde(default)]
    pub dilation: Pair,
    /// Groups of channels, each with its own filters; one group per channel is a depthwise convolution.
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

impl Conv2d {
    /// n square filters with activation g, one output per pixel.
    pub fn new(filters: usize, kernel: usize, activation: Activation) -> Self {
        Conv2d {
            filters,
            kernel: Pair::Both(kernel),
            stride: Pair::default(),
            padding: Padding::default(),
            dilation: Pair::default(),
            groups: 1,
            activation,
            init: None,
            bias: true,
        }
    }

    fn windows(&self, input: Shape) -> Result<ConvGeometry> {
        let image = windows::image(Self::NAME, input)?;
        windows::windows(Self::NAME, image, [self.kernel, self.stride, self.dilation], self.padding)
    }

    /// W's shape: filters × kh × kw × channels per group.
    fn weight(&self, input: Shape) -> [usize; 4] {
        let [height, width] = self.kernel.each();
        let channels = windows::image(Self::NAME, input).map_or(1, |[.., channels]| channels);
        [self.filters, height, width, channels / self.groups.max(1)]
    }

    fn init(&self, [filters, height, width, channels]: [usize; 4]) -> Init {
        self.init.unwrap_or_else(|| {
            if self.activation.is_rectifier() {
                return Init::HeNormal;
            }
            // Glorot's limit, where n_out counts all outputs that a pixel contributes to.
            let window = (height * width) as f64;
            Init::Uniform((6.0 / (window * (channels + filters / self.groups.max(1)) as f64)).sqrt())
        })
    }

    /// The operations it lowers to; with `line`, those of a sound as an image one pixel high.
    pub(crate) fn ops(&self, image: Shape, line: bool) -> Result<Vec<Op>> {
        let options = [self.kernel, self.stride, self.dilation];
        let convolution = Op::Convolution {
            frame: Frame::new(Self::NAME, image, line, options, self.padding)?,
            filters: self.filters,
            groups: self.groups,
            weight: "weight",
            bias: self.bias.then_some("bias"),
        };
        Ok(vec![convolution, Op::Activation(self.activation)])
    }

    fn convolution<'a>(&self, theta: Parameters<'a>, x: View) -> Convolution<'a> {
        Convolution {
            geometry: self.windows(x.shape().example()).expect("the network has asked for the output's shape"),
            groups: self.groups,
            filters: theta.get(0),
            bias: self.bias.then(|| theta.get(1)),
            precision: theta.precision,
        }
    }
}

impl Layer for Conv2d {
    fn describe(&self, _input: Shape) -> String {
        let groups = if self.groups > 1 { format!(" in {} groups", self.groups) } else { String::new() };
        let bias = if self.bias { "" } else { ", no bias" };
        let activation =
            if self.activation == Activation::Identity { String::new() } else { format!(", {}", self.activation) };
        let windows = windows::describe(self.kernel, self.stride);
        format!("conv {windows}, {} filters{groups}{bias}{activation}", self.filters)
    }

    fn activation(&self) -> Option<Activation> {
        Some(self.activation)
    }

    fn output(&self, input: Shape) -> Result<Shape> {
        let [.., channels] = windows::image(Self::NAME, input)?;
        let (filters, groups) = (self.filters, self.groups);
        if filters == 0 || filters > MOST_FILTERS {
            return Err(Error::config(format!("a convolution of {filters} filters"))
                .fix(format!("give a layer between 1 and {MOST_FILTERS} filters")));
        }
        if groups == 0 || filters % groups > 0 || channels % groups > 0 {
            return Err(Error::config(format!("{groups} groups of {channels} channels and {filters} filters"))
                .fix("use a number of groups that divides both"));
        }
        let [height, width] = self.windows(input)?.output;
        Ok([height, width, filters].into())
    }

    fn parameters(&self, input: Shape) -> Vec<ParameterSpec> {
        let weight = self.weight(input);
        let mut parameters = vec![ParameterSpec::weight("weight", weight, self.init(weight))];
        if self.bias {
            parameters.push(ParameterSpec::bias("bias", self.filters, 0.0));
        }
        parameters
    }

    fn saved(&self, input: Shape, m: usize) -> Vec<Shape> {
        match self.output(input) {
            Ok(output) if self.activation.needs_input() => vec![output.batch(m)],
            _ => Vec::new(),
        }
    }

    fn multiply_adds(&self, input: Shape) -> f64 {
        let windows = self.windows(input).map_or(0, |windows| windows.count());
        windows as f64 * Shape::from(self.weight(input)).size() as f64
    }

    fn lower(&self, _name: &str, input: Shape) -> Result<Vec<Op>> {
        self.ops(input, false)
    }

    fn forward(&self, theta: Parameters, x: View, y: ViewMut, saved: &mut [Tensor], _mode: Mode) {
        let z = saved.first_mut().map(|z| z.rows_mut(x.shape().rows()));
        self.convolution(theta, x).forward(x, self.activation, z, y);
    }

    fn backward(&self, theta: Parameters, mut pass: Backward, mut gradient: ParametersMut) {
        let m = pass.x.shape().rows();
        let z_or_a = pass.saved.first().map_or(pass.y, |z| z.rows(m));
        ops::activate_backward(self.activation, z_or_a, pass.dy.reborrow());
        let (convolution, dz) = (self.convolution(theta, pass.x), pass.dy.view());
        let (dw, db) = gradient.weight_and_bias();
        convolution.backward(pass.x, dz, dw, db, pass.dx);
    }

    fn kink_sides(&self, _x: View, y: View, _saved: &[Tensor], sides: &mut Vec<bool>) {
        self.activation.kink_sides(y, sides);
    }
}

impl Registered for Conv2d {
    const NAME: &'static str = "conv2d";

    fn examples() -> Vec<(Self, Shape)> {
        let plain = |kernel| Conv2d::new(3, kernel, Activation::Tanh);
        let strided = Conv2d {
            stride: Pair::Both(2),
            padding: Padding::Valid,
            bias: false,
            init: Some(Init::Normal(0.5)),
            ..plain(2)
        };
        let oblong = Conv2d {
            kernel: Pair::Each([3, 1]),
            stride: Pair::Each([1, 2]),
            padding: Padding::Zeros(Pair::Each([1, 0])),
            activation: Activation::Silu(1.5),
            ..plain(1)
        };
        let dilated = Conv2d { dilation: Pair::Both(2), ..plain(3) };
        let grouped = Conv2d { filters: 4, groups: 2, activation: Activation::Relu, ..plain(2) };
        let depthwise = Conv2d { filters: 2, groups: 2, activation: Activation::Identity, ..plain(3) };
        vec![
            (plain(3), [4, 3].into()),
            (strided, [5, 4, 2].into()),
            (oblong, [4, 5, 2].into()),
            (dilated, [5, 6, 1].into()),
            (grouped, [3, 3, 4].into()),
            (depthwise, [4, 3, 2].into()),
        ]
    }
}
