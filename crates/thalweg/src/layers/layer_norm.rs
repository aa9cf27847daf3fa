//! Layer normalisation (Ba, Kiros and Hinton 2016).

use serde::{Deserialize, Serialize};

use super::{Backward, Layer, Mode, ParameterSpec, Parameters, ParametersMut, Registered, to_value};
use crate::error::{Error, Result};
use crate::tensor::{Shape, Tensor, View, ViewMut, norm};

/// Over the units of each example, of images over the channels of each pixel: z_norm = (z − μ)/√(σ² + ε),
/// z̃ = γ z_norm + β, with γ and β learned. Examples do not see each other, so training and prediction are alike.
///
/// Backward, with n units and d = γ dz̃: dz = (d − Σ d/n − z_norm Σ d z_norm/n)/√(σ² + ε), dγ = Σ dz̃ z_norm, dβ = Σ dz̃
/// over examples and pixels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LayerNorm {
    /// ε, which keeps the divisor from 0.
    pub epsilon: f64,
}

impl Default for LayerNorm {
    fn default() -> Self {
        LayerNorm { epsilon: 1e-5 }
    }
}

// Positions among the parameters.
const GAMMA: usize = 0;
const BETA: usize = 1;

impl Layer for LayerNorm {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn config(&self) -> serde_json::Value {
        to_value(self)
    }

    fn describe(&self, _input: Shape) -> String {
        "layer norm".into()
    }

    fn output(&self, input: Shape) -> Result<Shape> {
        if self.epsilon > 0.0 {
            return Ok(input);
        }
        Err(Error::config(format!("layer norm with ε = {}", self.epsilon)).fix("use an epsilon above 0"))
    }

    fn parameters(&self, input: Shape) -> Vec<ParameterSpec> {
        let n = input.units();
        vec![ParameterSpec::bias("gamma", n, 1.0), ParameterSpec::bias("beta", n, 0.0)]
    }

    fn saved(&self, input: Shape, m: usize) -> Vec<Shape> {
        vec![[m, input.size()].into()]
    }

    fn forward(&self, theta: Parameters, x: View, y: ViewMut, _saved: &mut [Tensor], _mode: Mode) {
        norm::layer(x, theta.get(GAMMA), theta.get(BETA), self.epsilon, y);
    }

    fn backward(&self, theta: Parameters, pass: Backward, mut gradient: ParametersMut) {
        let z_norm = pass.saved[0].rows_mut(pass.x.shape().rows());
        let (dgamma, dbeta) = gradient.pair(GAMMA);
        norm::layer_backward(pass.x, theta.get(GAMMA), self.epsilon, pass.dy.view(), z_norm, pass.dx, [dgamma, dbeta]);
    }
}

impl Registered for LayerNorm {
    const NAME: &'static str = "layer_norm";

    fn examples() -> Vec<(Self, Shape)> {
        vec![
            (LayerNorm::default(), [5].into()),
            (LayerNorm { epsilon: 1e-3 }, [2, 3].into()),
            (LayerNorm::default(), [2, 3, 4].into()),
        ]
    }
}
