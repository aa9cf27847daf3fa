//! Gradient descent.

use super::{Optimizer, Registered, Step};
use crate::tensor::{Tensor, View, ViewMut, update};

/// θ := θ − α dθ.
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
