//! A = g(Z) as a layer of its own, for batch norm between a product and its activation.

use serde::{Deserialize, Serialize};

use super::{Backward, Layer, Mode, Op, Parameters, ParametersMut, Registered};
use crate::error::Result;
use crate::tensor::{Activation, Shape, Tensor, View, ViewMut, activation, ops};

/// Forward: A = g(Z). Backward: dZ = dA ∗ g'(Z).
///
/// ```
/// use thalweg::layers::Activate;
/// use thalweg::network::{Network, Predictor};
/// use thalweg::tensor::{Activation, Tensor};
///
/// let network = Network::new(2, vec![Box::new(Activate { activation: Activation::LeakyRelu(0.1) })])?;
/// let theta = Tensor::from_f64([0], vec![]);
/// let x = Tensor::from_f64([1, 2], vec![3.0, -4.0]);
/// let y = Predictor::new(&network, &theta, 1, Default::default())?.forward(x.view())?.to_f64();
/// assert_eq!(y, [3.0, -0.4]);
/// # Ok::<(), thalweg::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Activate {
    /// g.
    pub activation: Activation,
}

impl Layer for Activate {
    fn describe(&self, _input: Shape) -> String {
        self.activation.to_string()
    }

    fn activation(&self) -> Option<Activation> {
        Some(self.activation)
    }

    fn output(&self, input: Shape) -> Result<Shape> {
        Ok(input)
    }

    fn flops_per_example(&self, input: Shape) -> Option<usize> {
        Some(input.size())
    }

    fn lower(&self, _name: &str, _input: Shape) -> Result<Vec<Op>> {
        Ok(vec![Op::Activation(self.activation)])
    }

    fn forward(&self, _theta: Parameters, x: View, y: ViewMut, _saved: &mut [Tensor], _mode: Mode) {
        ops::activate_to(self.activation, x, y);
    }

    fn backward(&self, _theta: Parameters, pass: Backward, _gradient: ParametersMut) {
        let z_or_a = if self.activation.needs_input() { pass.x } else { pass.y };
        if let Some(dx) = pass.dx {
            ops::activate_backward_to(self.activation, z_or_a, pass.dy.view(), dx);
        }
    }

    fn kink_sides(&self, _x: View, y: View, _saved: &[Tensor], sides: &mut Vec<bool>) {
        self.activation.kink_sides(y, sides);
    }
}

impl Registered for Activate {
    const NAME: &'static str = "activation";

    fn examples() -> Vec<(Self, Shape)> {
        let numbers = [Activation::LeakyRelu(0.3), Activation::Elu(2.0), Activation::Silu(1.5)];
        let each = activation::ALL.map(|g| g.usual).into_iter().chain(numbers);
        let rows = each.map(|activation| (Activate { activation }, [4].into()));
        rows.chain([(Activate { activation: Activation::Softmax }, [2, 2, 3].into())]).collect()
    }
}
