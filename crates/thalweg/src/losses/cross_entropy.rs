//! Cross-entropy from logits, for classes and for labels.

use super::{Loss, Registered};
use crate::tensor::ops::{self, LossOutput};
use crate::tensor::{Activation, View, ViewMut};

/// L = −Σ_c y_c ln ŷ_c with ŷ = softmax(z), for one of C classes; dZ = ŷ − y.
///
/// y is a class number 0…C−1 in one column, or a probability for each class. A smoothing s moves the share s of a
/// class number's 1 evenly to all classes (Szegedy et al. 2016).
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

    fn answer(&self, z: ViewMut) {
        let shape = z.shape();
        ops::activate(Activation::Softmax, z.part(0, [shape.rows(), shape.columns()]));
    }
}

/// L = Σ_j −y_j ln ŷ_j − (1−y_j) ln(1−ŷ_j) with ŷ = σ(z), for yes-or-no labels; dZ = ŷ − y.
///
/// Computed as max(z,0) − z·y + ln(1 + e^−|z|), which cannot overflow.
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
