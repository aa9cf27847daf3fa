//! Batch normalisation (Ioffe and Szegedy 2015; the course's "batch norm").

use serde::{Deserialize, Serialize};

use super::{Backward, Layer, Mode, Op, ParameterSpec, Parameters, ParametersMut, Registered, is_above_zero};
use crate::error::{Error, Result};
use crate::tensor::{Shape, Tensor, View, ViewMut, norm, ops};

/// z_norm = (z − μ)/√(σ² + ε), z̃ = γ z_norm + β, with γ and β learned, and μ and σ² per unit over the mini-batch or,
/// in images, per channel over its pixels.
///
/// Prediction uses exponentially weighted averages of μ and σ²: μ̄ := momentum·μ̄ + (1 − momentum)·μ. σ² is the
/// population form in both (PyTorch's running variance is the sample form, m/(m−1) times as large).
///
/// With fixed statistics, μ̄ and σ̄² stay as they are and are used in training, too: a network that has learned elsewhere
/// keeps what its layers expect. dz is then γ dz̃ / √(σ̄² + ε).
///
/// Backward, with m examples and dz_norm = γ dz̃:
/// dz = (m dz_norm − Σ dz_norm − z_norm Σ dz_norm z_norm) / (m √(σ² + ε)), dγ = Σ dz̃ z_norm, dβ = Σ dz̃.
///
/// ```
/// use thalweg::layers::BatchNorm;
/// use thalweg::network::{Network, Predictor};
/// use thalweg::tensor::Tensor;
///
/// let network = Network::new(1, vec![Box::new(BatchNorm { epsilon: 1e-12, ..BatchNorm::default() })])?;
/// let theta = Tensor::from_f64([4], vec![2.0, 1.0, 10.0, 4.0]); // γ, β, μ̄ and σ̄²
/// let x = Tensor::from_f64([1, 1], vec![13.0]);
/// let y = Predictor::new(&network, &theta, 1, Default::default())?.forward(x.view())?.to_f64();
/// assert!((y[0] - (2.0 * (13.0 - 10.0) / 2.0 + 1.0)).abs() < 1e-9);
/// # Ok::<(), thalweg::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BatchNorm {
    /// ε, which keeps the divisor from 0.
    pub epsilon: f64,
    /// The weight of the past in the running averages.
    pub momentum: f64,
    /// Whether training uses the running averages, and leaves them as they are.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub fixed_statistics: bool,
}

impl Default for BatchNorm {
    fn default() -> Self {
        BatchNorm { epsilon: 1e-5, momentum: 0.9, fixed_statistics: false }
    }
}

// Positions among the parameters.
const GAMMA: usize = 0;
const BETA: usize = 1;
const MEAN: usize = 2;
const VARIANCE: usize = 3;

// Positions among the saved tensors.
const Z_NORM: usize = 0;
const BATCH_MEAN: usize = 1;
const BATCH_VARIANCE: usize = 2;
const INVERSE_STD: usize = 3;

impl Layer for BatchNorm {
    fn describe(&self, _input: Shape) -> String {
        if self.fixed_statistics { "norm by fixed statistics" } else { "batch norm" }.into()
    }

    fn output(&self, input: Shape) -> Result<Shape> {
        if !(is_above_zero(self.epsilon) && (0.0..1.0).contains(&self.momentum)) {
            return Err(Error::config(format!("batch norm with ε = {} and momentum {}", self.epsilon, self.momentum))
                .fix("use an epsilon above 0 and a momentum from 0 to below 1"));
        }
        Ok(input)
    }

    fn parameters(&self, input: Shape) -> Vec<ParameterSpec> {
        let n = input.units();
        vec![
            ParameterSpec::bias("gamma", n, 1.0),
            ParameterSpec::bias("beta", n, 0.0),
            ParameterSpec::statistic("mean", n, 0.0),
            ParameterSpec::statistic("variance", n, 1.0),
        ]
    }

    fn saved(&self, input: Shape, m: usize) -> Vec<Shape> {
        let n = input.units();
        vec![[m, input.size()].into(), [n].into(), [n].into(), [n].into()]
    }

    fn check_parameters(&self, _input: Shape, theta: Parameters) -> Result<(), String> {
        let variance = theta.get(VARIANCE);
        match (0..variance.len()).map(|i| variance.at(i)).find(|&variance| variance < 0.0) {
            Some(variance) => Err(format!("a variance of {variance}, expected 0 or more")),
            None => Ok(()),
        }
    }

    fn lower(&self, _name: &str, _input: Shape) -> Result<Vec<Op>> {
        let parameters = ["gamma", "beta", "mean", "variance"];
        Ok(vec![Op::BatchNorm { epsilon: self.epsilon, momentum: self.momentum, parameters }])
    }

    fn forward(&self, theta: Parameters, x: View, y: ViewMut, saved: &mut [Tensor], mode: Mode) {
        let (m, given) = (x.shape().rows(), [GAMMA, BETA, MEAN, VARIANCE].map(|i| theta.get(i)));
        match mode {
            Mode::Predict => norm::batch_predict(x, given, self.epsilon, y),
            _ if self.fixed_statistics => {
                let [z_norm, _, _, inverse_std] = saved else { unreachable!("four tensors are saved") };
                norm::batch_fixed(x, given, self.epsilon, y, [z_norm.rows_mut(m), inverse_std.view_mut()]);
            }
            Mode::Train(_) | Mode::Check => {
                let [z_norm, mean, variance, inverse_std] = saved else { unreachable!("four tensors are saved") };
                let keep = norm::BatchStatistics {
                    normalised: z_norm.rows_mut(m),
                    mean: mean.view_mut(),
                    variance: variance.view_mut(),
                    inverse_std: inverse_std.view_mut(),
                };
                norm::batch(x, theta.get(GAMMA), theta.get(BETA), self.epsilon, y, keep);
            }
        }
    }

    fn backward(&self, theta: Parameters, pass: Backward, mut gradient: ParametersMut) {
        let m = pass.x.shape().rows();
        let saved = [pass.saved[Z_NORM].rows(m), pass.saved[INVERSE_STD].view(), theta.get(GAMMA)];
        let (dgamma, dbeta) = gradient.pair(GAMMA);
        norm::batch_backward(self.fixed_statistics, pass.dy.view(), saved, pass.dx, [dgamma, dbeta]);
    }

    fn update_statistics(&self, mut theta: ParametersMut, saved: &[Tensor]) {
        if self.fixed_statistics {
            return;
        }
        ops::average(theta.get(MEAN), self.momentum, saved[BATCH_MEAN].view());
        ops::average(theta.get(VARIANCE), self.momentum, saved[BATCH_VARIANCE].view());
    }
}

impl Registered for BatchNorm {
    const NAME: &'static str = "batch_norm";

    fn examples() -> Vec<(Self, Shape)> {
        vec![
            (BatchNorm::default(), [5].into()),
            (BatchNorm { epsilon: 1e-3, momentum: 0.99, ..BatchNorm::default() }, [3].into()),
            (BatchNorm { fixed_statistics: true, ..BatchNorm::default() }, [4].into()),
            (BatchNorm::default(), [2, 3, 2].into()),
        ]
    }
}
