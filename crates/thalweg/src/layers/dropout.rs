//! Inverted dropout (Srivastava et al. 2014; the course's form).

use serde::{Deserialize, Serialize};

use super::{Backward, Layer, Mode, Op, Parameters, ParametersMut, Registered};
use crate::error::{Error, Result};
use crate::tensor::{Shape, Tensor, View, ViewMut, ops};

/// In training, mask = (rand < p)/p with p = keep_prob = 1 − rate, and a := a ∗ mask; off otherwise.
///
/// Dividing by p keeps the expectation of a, so prediction needs no correction.
///
/// ```
/// use thalweg::layers::{Dropout, Mode, RngContext};
/// use thalweg::network::Network;
/// use thalweg::tensor::{Dtype, Tensor};
///
/// let network = Network::new(1000, vec![Box::new(Dropout { rate: 0.2 })])?;
/// let (theta, x) = (Tensor::zeros([0], Dtype::F64), Tensor::from_f64([1, 1000], vec![1.0; 1000]));
/// let training = Mode::Train(RngContext { seed: 0, epoch: 1, layer: 0, examples: &[0] });
/// let a = network.forward(theta.view(), x.view(), &mut network.workspace(1, Dtype::F64), training)?.to_f64();
/// assert!(a.iter().all(|&a| a == 0.0 || a == 1.0 / 0.8) && (a.iter().sum::<f64>() / 1000.0 - 1.0).abs() < 0.05);
/// # Ok::<(), thalweg::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dropout {
    /// The share of activations that is dropped: 1 − keep_prob.
    pub rate: f64,
}

impl Layer for Dropout {
    fn describe(&self, _input: Shape) -> String {
        format!("dropout {}", self.rate)
    }

    fn output(&self, input: Shape) -> Result<Shape> {
        if !(0.0..1.0).contains(&self.rate) {
            return Err(Error::config(format!("a dropout rate of {}", self.rate)).fix("use a rate from 0 to below 1"));
        }
        Ok(input)
    }

    fn saved(&self, input: Shape, m: usize) -> Vec<Shape> {
        vec![[m, input.size()].into()]
    }

    fn flops_per_example(&self, input: Shape) -> Option<usize> {
        Some(input.size())
    }

    fn lower(&self, _name: &str, _input: Shape) -> Result<Vec<Op>> {
        Ok(vec![Op::Dropout { rate: self.rate }])
    }

    fn forward(&self, _theta: Parameters, x: View, y: ViewMut, saved: &mut [Tensor], mode: Mode) {
        let mut mask = saved[0].rows_mut(x.shape().rows());
        match mode {
            Mode::Predict => return ops::copy(x, y),
            Mode::Check => ops::fill(mask.reborrow(), 1.0),
            Mode::Train(noise) => {
                // Of a clip's frames, a row each, the elements follow each other.
                let each = mask.shape().size() / noise.examples.len().max(1);
                let mask = mask.reborrow().part(0, [noise.examples.len(), each]);
                ops::dropout_mask(noise.stream(), noise.examples, 1.0 - self.rate, mask);
            }
        }
        ops::multiply(x, mask.view(), y);
    }

    fn backward(&self, _theta: Parameters, pass: Backward, _gradient: ParametersMut) {
        if let Some(dx) = pass.dx {
            ops::multiply(pass.dy.view(), pass.saved[0].rows(pass.x.shape().rows()), dx);
        }
    }
}

impl Registered for Dropout {
    const NAME: &'static str = "dropout";

    fn examples() -> Vec<(Self, Shape)> {
        vec![(Dropout { rate: 0.5 }, [5].into()), (Dropout { rate: 0.0 }, [2, 3].into())]
    }
}
