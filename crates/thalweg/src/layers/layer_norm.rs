//! Layer normalisation (Ba, Kiros and Hinton 2016).

use serde::{Deserialize, Serialize};

use super::{Backward, Layer, Mode, Op, ParameterSpec, Parameters, ParametersMut, Registered, is_above_zero};
use crate::error::{Error, Result};
use crate::tensor::{Shape, Tensor, View, ViewMut, norm};

/// z_norm = (z − μ)/√(σ² + ε), z̃ = γ z_norm + β, with γ and β learned, and μ and σ² over the units of an example, the
/// channels of each pixel of images, or the last `axes`. Examples do not see each other, so training and prediction are
/// alike.
///
/// Backward, with n units and d = γ dz̃: dz = (d − Σ d/n − z_norm Σ d z_norm/n)/√(σ² + ε), dγ = Σ dz̃ z_norm, dβ = Σ dz̃
/// over examples and pixels.
///
/// ```
/// use thalweg::layers::LayerNorm;
/// use thalweg::network::{Network, Predictor};
/// use thalweg::tensor::Tensor;
///
/// let network = Network::new(2, vec![Box::new(LayerNorm { epsilon: 1e-12, ..LayerNorm::default() })])?;
/// let theta = Tensor::from_f64([4], vec![1.0, 1.0, 0.0, 0.0]); // γ, β
/// let x = Tensor::from_f64([1, 2], vec![7.0, 3.0]);
/// let y = Predictor::new(&network, &theta, 1, Default::default())?.forward(x.view())?.to_f64();
/// assert!((y[0] - 1.0).abs() < 1e-9 && (y[1] + 1.0).abs() < 1e-9); // μ = 5, σ = 2
/// # Ok::<(), thalweg::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LayerNorm {
    /// ε, which keeps the divisor from 0.
    pub epsilon: f64,
    /// How many of an example's last axes are normalised together. Default: one for images, all for other examples.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub axes: Option<usize>,
}

impl Default for LayerNorm {
    fn default() -> Self {
        LayerNorm { epsilon: 1e-5, axes: None }
    }
}

impl LayerNorm {
    /// The lengths of the axes that are normalised together.
    pub(crate) fn normed(&self, input: &Shape) -> Vec<usize> {
        let dimensions = input.dimensions();
        let default = if dimensions.len() == 3 { 1 } else { dimensions.len() };
        dimensions[dimensions.len().saturating_sub(self.axes.unwrap_or(default))..].to_vec()
    }
}

// Positions among the parameters.
const GAMMA: usize = 0;
const BETA: usize = 1;

impl Layer for LayerNorm {
    fn describe(&self, _input: Shape) -> String {
        match self.axes {
            None => "layer norm".into(),
            Some(1) => "layer norm over the last axis".into(),
            Some(axes) => format!("layer norm over the last {axes} axes"),
        }
    }

    fn output(&self, input: Shape) -> Result<Shape> {
        if !is_above_zero(self.epsilon) {
            return Err(Error::config(format!("layer norm with ε = {}", self.epsilon)).fix("use an epsilon above 0"));
        }
        let rank = input.dimensions().len();
        match self.axes {
            Some(axes) if !(1..=rank).contains(&axes) => {
                Err(Error::config(format!("layer norm over {axes} axes of examples of {input}"))
                    .fix(format!("use a number of axes from 1 to {rank}")))
            }
            _ => Ok(input),
        }
    }

    fn parameters(&self, input: Shape) -> Vec<ParameterSpec> {
        let n = self.normed(&input).iter().product();
        vec![ParameterSpec::bias("gamma", n, 1.0), ParameterSpec::bias("beta", n, 0.0)]
    }

    fn saved(&self, input: Shape, m: usize) -> Vec<Shape> {
        vec![[m, input.size()].into()]
    }

    fn flops_per_example(&self, input: Shape) -> Option<usize> {
        Some(input.size())
    }

    fn lower(&self, _name: &str, input: Shape) -> Result<Vec<Op>> {
        let axes = self.normed(&input).len();
        Ok(vec![Op::LayerNorm { axes, epsilon: self.epsilon, parameters: ["gamma", "beta"] }])
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
            (LayerNorm { epsilon: 1e-3, ..LayerNorm::default() }, [2, 3].into()),
            (LayerNorm::default(), [2, 3, 4].into()),
            (LayerNorm { axes: Some(1), ..LayerNorm::default() }, [2, 3].into()),
            (LayerNorm { axes: Some(2), ..LayerNorm::default() }, [2, 3, 4].into()),
            (LayerNorm { axes: Some(3), ..LayerNorm::default() }, [2, 2, 3].into()),
        ]
    }
}
