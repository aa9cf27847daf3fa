//! Z = A[l−1] Wᵀ + b, A[l] = g(Z): the course's layer, with examples as rows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Backward, Layer, Mode, Op, ParameterSpec, Parameters, ParametersMut, Registered};
use crate::error::{Error, Result};
use crate::init::Init;
use crate::tensor::ops::{self, PackedWeight};
use crate::tensor::{Activation, Shape, Tensor, View, ViewMut};

/// The most units a layer may have.
const MOST_UNITS: usize = 1 << 24;

/// How W enters a layer of n inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Parametrization {
    /// Z = X Wᵀ + b, and the variance of W depends on n.
    #[default]
    Standard,
    /// Z = X Wᵀ/√n + b with W ~ N(0, 1) (Jacot, Gabriel and Hongler 2018, Neural tangent kernel): steps change layers of
    /// any width alike.
    Ntk,
}

impl Parametrization {
    fn is_standard(&self) -> bool {
        *self == Parametrization::Standard
    }

    /// The factor of X Wᵀ for n inputs.
    fn factor(self, n: usize) -> f64 {
        match self {
            Parametrization::Standard => 1.0,
            Parametrization::Ntk => 1.0 / (n as f64).sqrt(),
        }
    }
}

/// A fully connected layer of n_out units: W is n_out × n_in, b has n_out elements.
///
/// Forward: Z = X Wᵀ + b, A = g(Z).
/// Backward: dZ = dA ∗ g'(Z), dW = dZᵀ X, db = column sums of dZ, dX = dZ W.
/// The 1/m of the course's formulas is already in dA: the cost is a mean, and so is its gradient.
/// With the NTK parametrisation, W/√n_in takes the place of W, and dW = dZᵀ X/√n_in.
///
/// ```
/// use thalweg::layers::Linear;
/// use thalweg::network::{Network, Predictor};
/// use thalweg::tensor::{Activation, Tensor};
///
/// let network = Network::new(2, vec![Box::new(Linear::new(1, Activation::Relu))])?;
/// let theta = Tensor::from_f64([3], vec![2.0, -1.0, 0.5]); // W, then b
/// let x = Tensor::from_f64([1, 2], vec![3.0, 4.0]);
/// let y = Predictor::new(&network, &theta, 1, Default::default())?.forward(x.view())?.to_f64();
/// assert_eq!(y, [2.0 * 3.0 - 1.0 * 4.0 + 0.5]);
/// # Ok::<(), thalweg::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Linear {
    /// n_out.
    pub units: usize,
    /// g.
    #[serde(default)]
    pub activation: Activation,
    /// How W is drawn; by default He for the ReLU kinds, LeCun's 1/n_in for SELU, Glorot otherwise, and N(0, 1) with the NTK
    /// parametrisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init: Option<Init>,
    /// Whether there is a bias b; batch norm after the layer makes it pointless.
    #[serde(default = "yes")]
    pub bias: bool,
    /// How W enters.
    #[serde(default, skip_serializing_if = "Parametrization::is_standard")]
    pub parametrization: Parametrization,
}

fn yes() -> bool {
    true
}

impl Linear {
    /// A layer of n_out units with activation g.
    pub fn new(units: usize, activation: Activation) -> Self {
        Linear { units, activation, init: None, bias: true, parametrization: Parametrization::Standard }
    }

    fn init(&self) -> Init {
        self.init.unwrap_or(match self.activation {
            _ if self.parametrization == Parametrization::Ntk => Init::Normal(1.0),
            g if g.is_rectifier() => Init::HeNormal,
            Activation::Selu => Init::XavierNormal,
            _ => Init::GlorotUniform,
        })
    }
}

impl Layer for Linear {
    fn describe(&self, input: Shape) -> String {
        let ntk = if self.parametrization.is_standard() { "" } else { ", NTK" };
        let bias = if self.bias { ntk.to_string() } else { format!("{ntk}, no bias") };
        match self.activation {
            Activation::Identity => format!("linear {} → {}{bias}", input.size(), self.units),
            g => format!("linear {} → {}{bias}, {g}", input.size(), self.units),
        }
    }

    fn activation(&self) -> Option<Activation> {
        Some(self.activation)
    }

    fn output(&self, input: Shape) -> Result<Shape> {
        let (n_in, n_out) = (input.size(), self.units);
        if n_out == 0 || n_out > MOST_UNITS || n_in.checked_mul(n_out).is_none_or(|n| n > 1 << 40) {
            return Err(Error::config(format!("a linear layer of {n_out} units on {n_in} inputs"))
                .fix(format!("give a layer between 1 and {MOST_UNITS} units")));
        }
        Ok([n_out].into())
    }

    fn parameters(&self, input: Shape) -> Vec<ParameterSpec> {
        let mut parameters = vec![ParameterSpec::weight("weight", [self.units, input.size()], self.init())];
        if self.bias {
            parameters.push(ParameterSpec::bias("bias", self.units, 0.0));
        }
        parameters
    }

    /// Z, and W/√n_in, where these are needed.
    fn saved(&self, input: Shape, m: usize) -> Vec<Shape> {
        let z = self.activation.needs_input().then(|| [m, self.units].into());
        let scaled = (!self.parametrization.is_standard()).then(|| [self.units, input.size()].into());
        z.into_iter().chain(scaled).collect()
    }

    fn flops_per_example(&self, input: Shape) -> Option<usize> {
        Some(input.size() * self.units)
    }

    fn lower(&self, _name: &str, input: Shape) -> Result<Vec<Op>> {
        let factor = self.parametrization.factor(input.size());
        let dense = Op::Dense { factor, units: self.units, weight: "weight", bias: self.bias.then_some("bias") };
        Ok(vec![dense, Op::Activation(self.activation)])
    }

    fn forward(&self, theta: Parameters, x: View, y: ViewMut, saved: &mut [Tensor], _mode: Mode) {
        let (z, scaled) = saved.split_at_mut(usize::from(self.activation.needs_input()));
        let z = z.first_mut().map(|z| z.rows_mut(x.shape().rows()));
        if let Some(scaled) = scaled.first_mut() {
            ops::copy(theta.get(0), scaled.view_mut());
            ops::scale(scaled.view_mut(), self.parametrization.factor(x.shape().columns()));
        }
        let w = scaled.first().map_or(theta.get(0), Tensor::view);
        ops::linear(x, w, self.bias.then(|| theta.get(1)), self.activation, z, y, theta.precision);
    }

    fn backward(&self, theta: Parameters, mut pass: Backward, mut gradient: ParametersMut) {
        let m = pass.x.shape().rows();
        let (z, scaled) = pass.saved.split_at(usize::from(self.activation.needs_input()));
        let z_or_a = z.first().map_or(pass.y, |z| z.rows(m));
        ops::activate_backward(self.activation, z_or_a, pass.dy.reborrow());
        let w = scaled.first().map_or(theta.get(0), Tensor::view);
        let (mut dw, db) = gradient.weight_and_bias();
        ops::linear_backward(pass.x, w, pass.dy.view(), dw.reborrow(), db, pass.dx, theta.precision);
        if !scaled.is_empty() {
            ops::scale(dw, self.parametrization.factor(pass.x.shape().columns()));
        }
    }

    fn scale_output(&self, mut theta: ParametersMut, factor: f64) -> bool {
        let scalable = self.activation == Activation::Identity;
        if scalable {
            let (weight, bias) = theta.weight_and_bias();
            ops::scale(weight, factor);
            bias.into_iter().for_each(|bias| ops::scale(bias, factor));
        }
        scalable
    }

    fn prepare(&self, theta: Parameters) -> Option<PackedWeight> {
        self.parametrization.is_standard().then(|| PackedWeight::new(theta.get(0), theta.precision))
    }

    fn forward_prepared(&self, theta: Parameters, prepared: &PackedWeight, x: View, y: ViewMut) {
        let b = self.bias.then(|| theta.get(1));
        ops::linear_packed(x, theta.get(0), prepared, b, self.activation, y);
    }

    fn kink_sides(&self, _x: View, y: View, _saved: &[Tensor], sides: &mut Vec<bool>) {
        self.activation.kink_sides(y, sides);
    }
}

impl Registered for Linear {
    const NAME: &'static str = "linear";

    fn examples() -> Vec<(Self, Shape)> {
        let with_activation = crate::tensor::activation::ALL.map(|g| (Linear::new(3, g.usual), [4].into()));
        let plain = Linear { bias: false, init: Some(Init::Normal(0.5)), ..Linear::new(1, Activation::Identity) };
        let ntk = |activation| Linear { parametrization: Parametrization::Ntk, ..Linear::new(3, activation) };
        let ntk = [Activation::Tanh, Activation::Silu(1.0)].map(|activation| (ntk(activation), [4].into()));
        with_activation.into_iter().chain([(plain, [2, 2].into())]).chain(ntk).collect()
    }
}
