//! Gradient descent.

use super::{Optimizer, Registered, Step};
use crate::tensor::{Tensor, View, ViewMut, update};

/// θ := θ − α dθ.
///
/// ```
/// use thalweg::optimizers::{GradientDescent, Optimizer, Step, new_state};
/// use thalweg::tensor::{Dtype, Tensor};
///
/// let (mut theta, gradient) = (Tensor::from_f64([1], vec![1.0]), Tensor::from_f64([1], vec![4.0]));
/// let mut state = new_state(&GradientDescent, 1, Dtype::F64);
/// GradientDescent.step(Step { t: 1, learning_rate: 0.1 }, theta.view_mut(), gradient.view(), &mut state);
/// assert_eq!(theta.to_f64(), [1.0 - 0.1 * 4.0]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct GradientDescent;

pub(super) const REGISTERED: Registered = Registered {
    name: "gradient_descent",
    usual: &GradientDescent,
    decays: false,
    build: |_| Box::new(GradientDescent),
    learning_rate: |_| Some(0.1),
};

impl Optimizer for GradientDescent {
    fn name(&self) -> &'static str {
        "gradient_descent"
    }

    fn state(&self) -> &'static [&'static str] {
        &[]
    }

    fn step(&self, at: Step, theta: ViewMut, gradient: View, _state: &mut [Tensor]) {
        update::gradient_descent(theta, gradient, at.learning_rate);
    }
}
