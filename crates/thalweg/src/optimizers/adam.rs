//! Adam (Kingma and Ba 2015) and AdamW (Loshchilov and Hutter 2019).

use super::{Epsilon, Hyperparameters, Optimizer, Registered, Step, vectors};
use crate::tensor::{Tensor, View, ViewMut, update};

/// V := β₁V + (1−β₁)dθ, S := β₂S + (1−β₂)dθ², V̂ = V/(1−β₁^t), Ŝ = S/(1−β₂^t), θ := θ − α V̂/(√Ŝ + ε).
///
/// With a weight decay it is AdamW: weights first shrink by the factor 1 − α·decay.
///
/// ```
/// use thalweg::optimizers::{Adam, Optimizer, Step, new_state};
/// use thalweg::tensor::{Dtype, Tensor};
///
/// let (mut theta, gradient) = (Tensor::from_f64([1], vec![1.0]), Tensor::from_f64([1], vec![4.0]));
/// let mut state = new_state(&Adam::USUAL, 1, Dtype::F64);
/// Adam::USUAL.step(Step { t: 1, learning_rate: 0.1 }, theta.view_mut(), gradient.view(), &mut state);
/// assert!((theta.to_f64()[0] - (1.0 - 0.1)).abs() < 1e-9); // V̂/√Ŝ = dθ/|dθ|: the first step is α long.
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Adam {
    /// β₁; the paper's 0.9.
    pub beta1: f64,
    /// β₂; the paper's 0.999.
    pub beta2: f64,
    /// ε; the paper's 1e-8 (Keras: 1e-7).
    pub epsilon: f64,
    /// Where ε is added; outside the root in the paper.
    pub placement: Epsilon,
    /// Decoupled weight decay; PyTorch's AdamW has 0.01.
    pub weight_decay: f64,
}

impl Adam {
    /// The paper's settings.
    pub const USUAL: Adam =
        Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, placement: Epsilon::Outside, weight_decay: 0.0 };
    /// AdamW with PyTorch's settings.
    pub const DECAYING: Adam = Adam { weight_decay: 0.01, ..Adam::USUAL };
}

pub(super) const REGISTERED: Registered = Registered {
    name: "adam",
    usual: &Adam::USUAL,
    decays: true,
    build: |given| Box::new(Adam::of(given, 0.0)),
    learning_rate: |_| None,
};

pub(super) const REGISTERED_DECAYING: Registered = Registered {
    name: "adamw",
    usual: &Adam::DECAYING,
    build: |given| Box::new(Adam::of(given, if given.convolutions { 0.05 } else { Adam::DECAYING.weight_decay })),
    ..REGISTERED
};

impl Adam {
    fn of(given: &Hyperparameters, weight_decay: f64) -> Self {
        Adam {
            beta1: given.beta1,
            beta2: given.beta2.unwrap_or(Adam::USUAL.beta2),
            epsilon: given.epsilon,
            placement: given.placement.unwrap_or_default(),
            weight_decay: given.weight_decay.unwrap_or(weight_decay),
        }
    }
}

impl Optimizer for Adam {
    fn name(&self) -> &'static str {
        if self.weight_decay > 0.0 { "adamw" } else { "adam" }
    }

    fn state(&self) -> &'static [&'static str] {
        &["v", "s"]
    }

    fn step(&self, at: Step, theta: ViewMut, gradient: View, state: &mut [Tensor]) {
        let betas = [self.beta1, self.beta2];
        let rule = update::Adam {
            alpha: at.learning_rate,
            betas,
            corrections: betas.map(|beta| at.bias_correction(beta)),
            epsilon: self.epsilon,
            placement: self.placement,
        };
        update::adam(theta, gradient, vectors(state), &rule);
    }

    fn weight_decay(&self) -> f64 {
        self.weight_decay
    }
}
