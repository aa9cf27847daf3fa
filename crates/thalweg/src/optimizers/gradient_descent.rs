//! Gradient descent.

use super::{Optimizer, Registered, Step, vectors};
use crate::tensor::ops::{self, Formula};
use crate::tensor::{Real, Tensor, View, ViewMut};

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

    fn step(&self, at: Step, theta: ViewMut, gradient: View, state: &mut [Tensor]) {
        ops::update(theta, gradient, vectors(state), &Descent { alpha: at.learning_rate });
    }
}

struct Descent {
    alpha: f64,
}

impl Formula<0> for Descent {
    fn apply<T: Real>(&self, theta: T, d: T, _: [T; 0]) -> (T, [T; 0]) {
        (theta - T::of(self.alpha) * d, [])
    }
}
