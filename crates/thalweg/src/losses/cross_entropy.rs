//! Cross-entropy from logits, for classes and for labels.

use super::{Loss, Registered};
use crate::error::{Error, Result};
use crate::tensor::ops::{self, LossOutput};
use crate::tensor::{Activation, View, ViewMut};

/// L = −Σ_c y_c ln ŷ_c with ŷ = softmax(z), for one of C classes; dZ = ŷ − y.
///
/// y is a class index 0…C−1 in one column, or a probability for each class. Label smoothing spreads a share s of a
/// class index's probability of 1 evenly over all classes (Szegedy et al. 2016).
///
/// ```
/// use thalweg::losses::{Cost, SoftmaxCrossEntropy};
/// use thalweg::tensor::{Dtype, Tensor};
///
/// let z = Tensor::from_f64([2, 2], vec![0.0, 3f64.ln(), 0.0, 0.0]);
/// let y = Tensor::from_f64([2, 1], vec![1.0, 0.0]);
/// let cost = Cost::new(2, Dtype::F64).compute(&SoftmaxCrossEntropy::default(), z.view(), y.view(), None, None);
/// assert!((cost - (-0.75f64.ln() - 0.5f64.ln()) / 2.0).abs() < 1e-15); // ŷ is ¼, ¾ and ½, ½.
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SoftmaxCrossEntropy {
    /// s.
    pub smoothing: f64,
}

pub(super) const REGISTERED: Registered = Registered {
    name: "cross_entropy",
    of_classes: true,
    build: |given| match given.multiclass {
        true => Box::new(SoftmaxCrossEntropy { smoothing: given.smoothing }),
        false => Box::new(SigmoidCrossEntropy),
    },
    usual: &[
        (&SoftmaxCrossEntropy { smoothing: 0.1 }, 1),
        (&SoftmaxCrossEntropy { smoothing: 0.0 }, 3),
        (&SigmoidCrossEntropy, 3),
    ],
};

impl Loss for SoftmaxCrossEntropy {
    fn name(&self) -> &'static str {
        "softmax_cross_entropy"
    }

    fn loss(&self, z: View, y: View, out: LossOutput) {
        ops::softmax_cross_entropy(z, y, self.smoothing, out);
    }

    fn takes(&self, logits: usize, columns: usize) -> bool {
        columns == logits || columns == 1
    }

    fn check_values(&self, outputs: usize, y: View) -> Result<()> {
        let class = |y: f64| (0.0..outputs as f64).contains(&y) && y.fract() == 0.0;
        if y.shape().columns() == 1 && outputs > 1 && !y.to_f64().into_iter().all(class) {
            let error = Error::data(format!("found classes that are not whole numbers from 0 to {}", outputs - 1));
            return Err(error.fix("number the classes from 0"));
        }
        Ok(())
    }

    fn answer(&self, z: ViewMut) {
        let shape = z.shape();
        ops::activate(Activation::Softmax, z.part(0, [shape.rows(), shape.columns()]));
    }
}

/// L = Σ_j −y_j ln ŷ_j − (1−y_j) ln(1−ŷ_j) with ŷ = σ(z), for yes-or-no labels; dZ = ŷ − y.
///
/// Computed as max(z,0) − z·y + ln(1 + e^−|z|), which cannot overflow.
///
/// ```
/// use thalweg::losses::{Cost, SigmoidCrossEntropy};
/// use thalweg::tensor::{Dtype, Tensor};
///
/// let z = Tensor::from_f64([2, 1], vec![3f64.ln(), 0.0]);
/// let y = Tensor::from_f64([2, 1], vec![1.0, 0.0]);
/// let cost = Cost::new(2, Dtype::F64).compute(&SigmoidCrossEntropy, z.view(), y.view(), None, None);
/// assert!((cost - (-0.75f64.ln() - 0.5f64.ln()) / 2.0).abs() < 1e-15); // ŷ is ¾ and ½.
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SigmoidCrossEntropy;

impl Loss for SigmoidCrossEntropy {
    fn name(&self) -> &'static str {
        "sigmoid_cross_entropy"
    }

    fn loss(&self, z: View, y: View, out: LossOutput) {
        ops::sigmoid_cross_entropy(z, y, out);
    }

    fn answer(&self, z: ViewMut) {
        ops::activate(Activation::Sigmoid, z);
    }
}
