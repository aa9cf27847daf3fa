//! RMSprop (Hinton 2012).

use super::{Epsilon, Optimizer, Registered, Step, vectors};
use crate::tensor::{Tensor, View, ViewMut, update};

/// S := βS + (1−β)dθ², θ := θ − α dθ/(√S + ε), or with ε inside the root as in the course's notes.
///
/// ```
/// use thalweg::optimizers::{RmsProp, Optimizer, Step, new_state};
/// use thalweg::tensor::{Dtype, Tensor};
///
/// let (mut theta, gradient) = (Tensor::from_f64([1], vec![1.0]), Tensor::from_f64([1], vec![4.0]));
/// let mut state = new_state(&RmsProp::USUAL, 1, Dtype::F64);
/// RmsProp::USUAL.step(Step { t: 1, learning_rate: 0.1 }, theta.view_mut(), gradient.view(), &mut state);
/// assert!((theta.to_f64()[0] - (1.0 - 0.1 / 0.1f64.sqrt())).abs() < 1e-8); // √S = √(1−β) |dθ|
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RmsProp {
    /// β; Hinton's and Keras's 0.9 (PyTorch: 0.99).
    pub beta: f64,
    /// ε; PyTorch's 1e-8.
    pub epsilon: f64,
    /// Where ε is added.
    pub placement: Epsilon,
    /// Whether S is divided by 1 − β^t; off in the course.
    pub bias_correction: bool,
}

impl RmsProp {
    /// The usual settings.
    pub const USUAL: RmsProp =
        RmsProp { beta: 0.9, epsilon: 1e-8, placement: Epsilon::Outside, bias_correction: false };
}

pub(super) const REGISTERED: Registered = Registered {
    name: "rmsprop",
    usual: &RmsProp::USUAL,
    decays: false,
    build: |given| {
        let usual = if given.course { Epsilon::Inside } else { Epsilon::Outside };
        Box::new(RmsProp {
            beta: given.beta2.unwrap_or(RmsProp::USUAL.beta),
            epsilon: given.epsilon,
            placement: given.placement.unwrap_or(usual),
            bias_correction: given.bias_correction,
        })
    },
    learning_rate: |_| None,
};

impl Optimizer for RmsProp {
    fn name(&self) -> &'static str {
        "rmsprop"
    }

    fn state(&self) -> &'static [&'static str] {
        &["s"]
    }

    fn step(&self, at: Step, theta: ViewMut, gradient: View, state: &mut [Tensor]) {
        let correction = if self.bias_correction { at.bias_correction(self.beta) } else { 1.0 };
        let RmsProp { beta, epsilon, placement, .. } = *self;
        let rule = update::RmsProp { alpha: at.learning_rate, beta, correction, epsilon, placement };
        update::rmsprop(theta, gradient, vectors(state), &rule);
    }
}
