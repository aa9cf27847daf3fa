//! Z = A[l−1] Wᵀ + b, A[l] = g(Z): the course's layer, with examples as rows.

use serde::{Deserialize, Serialize};

use super::{Backward, Layer, Mode, Op, ParameterSpec, Parameters, ParametersMut, Registered};
use crate::error::{Error, Result};
use crate::init::Init;
use crate::tensor::ops::{self, PackedWeight};
use crate::tensor::{Activation, Shape, Tensor, View, ViewMut};

/// The most units a layer may have.
const MOST_UNITS: usize = 1 << 24;

/// A fully connected layer of n_out units: W is n_out × n_in, b has n_out elements.
///
/// Forward: Z = X Wᵀ + b, A = g(Z).
/// Backward: dZ = dA ∗ g'(Z), dW = dZᵀ X, db = column sums of dZ, dX = dZ W.
/// The 1/m of the course's formulas is already in dA: the cost is a mean, and so is its gradient.
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
    /// How W is drawn; by default He for the ReLU kinds, LeCun's 1/n_in for SELU, Glorot otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init: Option<Init>,
    /// Whether there is a bias b; batch norm after the layer makes it pointless.
    #[serde(default = "yes")]
    pub bias: bool,
}

fn yes() -> bool {
    true
}

impl Linear {
    /// A layer of n_out units with activation g.
    pub fn new(units: usize, activation: Activation) -> Self {
        Linear { units, activation, init: None, bias: true }
    }

    fn init(&self) -> Init {
        self.init.unwrap_or(match self.activation {
            g if g.is_rectifier() => Init::HeNormal,
            Activation::Selu => Init::XavierNormal,
            _ => Init::GlorotUniform,
        })
    }
}

impl Layer for Linear {
    fn describe(&self, input: Shape) -> String {
        let bias = if self.bias { "" } else { ", no bias" };
        match self.activation {
            Activation::Identity => format!("linear {} → {}{bias}", input.size(), self.units),
            g => format!("linear {} → {}{bias}, {g}", input.size(), self.units),
        }
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

    fn saved(&self, _input: Shape, m: usize) -> Vec<Shape> {
        if self.activation.needs_input() { vec![[m, self.units].into()] } else { Vec::new() }
    }

    fn flops_per_example(&self, input: Shape) -> Option<usize> {
        Some(input.size() * self.units)
    }

    fn lower(&self, _name: &str, _input: Shape) -> Result<Vec<Op>> {
        let dense = Op::Dense { units: self.units, weight: "weight", bias: self.bias.then_some("bias") };
        Ok(vec![dense, Op::Activation(self.activation)])
    }

    fn forward(&self, theta: Parameters, x: View, y: ViewMut, saved: &mut [Tensor], _mode: Mode) {
        let z = saved.first_mut().map(|z| z.rows_mut(x.shape().rows()));
        ops::linear(x, theta.get(0), self.bias.then(|| theta.get(1)), self.activation, z, y, theta.precision);
    }

    fn backward(&self, theta: Parameters, mut pass: Backward, mut gradient: ParametersMut) {
        let m = pass.x.shape().rows();
        let z_or_a = pass.saved.first().map_or(pass.y, |z| z.rows(m));
        ops::activate_backward(self.activation, z_or_a, pass.dy.reborrow());
        let (dw, db) = gradient.weight_and_bias();
        ops::linear_backward(pass.x, theta.get(0), pass.dy.view(), dw, db, pass.dx, theta.precision);
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
        Some(PackedWeight::new(theta.get(0)))
    }

    fn forward_prepared(&self, theta: Parameters, prepared: &PackedWeight, x: View, y: ViewMut) {
        let b = self.bias.then(|| theta.get(1));
        ops::linear_packed(x, theta.get(0), prepared, b, self.activation, y, theta.precision);
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
        with_activation.into_iter().chain([(plain, [2, 2].into())]).collect()
    }
}
