//! Gradient descent with momentum.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Hyperparameters, Optimizer, Registered, Step, vectors};
use crate::tensor::{Tensor, View, ViewMut, update};

/// How the velocity V accumulates gradients. The two forms are equivalent if α is scaled by 1 − β.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MomentumForm {
    /// V := βV + (1−β)dθ, an exponentially weighted average.
    #[default]
    Course,
    /// V := βV + dθ.
    Pytorch,
}

/// V := βV + (1−β)dθ (or the other form), θ := θ − αV.
///
/// Nesterov's variant steps by βV + (1−β)dθ with the new V: the gradient counts a second time (Nesterov 1983, in the
/// form of Sutskever et al. 2013).
///
/// ```
/// use thalweg::optimizers::{Momentum, Optimizer, Step, new_state};
/// use thalweg::tensor::{Dtype, Tensor};
///
/// let (mut theta, gradient) = (Tensor::from_f64([1], vec![1.0]), Tensor::from_f64([1], vec![4.0]));
/// let mut state = new_state(&Momentum::COURSE, 1, Dtype::F64);
/// Momentum::COURSE.step(Step { t: 1, learning_rate: 0.1 }, theta.view_mut(), gradient.view(), &mut state);
/// assert!((theta.to_f64()[0] - (1.0 - 0.1 * (0.1 * 4.0))).abs() < 1e-15); // V = (1−β) dθ
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Momentum {
    /// β; the course's 0.9.
    pub beta: f64,
    /// The form of V.
    pub form: MomentumForm,
    /// Whether the step is Nesterov's.
    pub nesterov: bool,
    /// Whether V is divided by 1 − β^t (course form only); off in the course.
    pub bias_correction: bool,
}

impl Momentum {
    /// The course's settings.
    pub const COURSE: Momentum =
        Momentum { beta: 0.9, form: MomentumForm::Course, nesterov: false, bias_correction: false };
    /// The course's settings with Nesterov's step.
    pub const NESTEROV: Momentum = Momentum { nesterov: true, ..Momentum::COURSE };
}

pub(super) const REGISTERED: Registered = Registered {
    name: "momentum",
    usual: &Momentum::COURSE,
    decays: false,
    build: |given| Box::new(Momentum::of(given)),
    learning_rate: usual_rate,
};

pub(super) const REGISTERED_NESTEROV: Registered = Registered {
    name: "nesterov",
    usual: &Momentum::NESTEROV,
    build: |given| Box::new(Momentum { nesterov: true, ..Momentum::of(given) }),
    ..REGISTERED
};

/// PyTorch's velocity is 1 / (1 − β) times as large as the course's.
fn usual_rate(given: &Hyperparameters) -> Option<f64> {
    Some(match given.form {
        MomentumForm::Course => 0.1,
        MomentumForm::Pytorch => 0.01,
    })
}

impl Momentum {
    fn of(given: &Hyperparameters) -> Self {
        Momentum { beta: given.beta1, form: given.form, nesterov: false, bias_correction: given.bias_correction }
    }
}

impl Optimizer for Momentum {
    fn name(&self) -> &'static str {
        if self.nesterov { "nesterov" } else { "momentum" }
    }

    fn state(&self) -> &'static [&'static str] {
        &["v"]
    }

    fn step(&self, at: Step, theta: ViewMut, gradient: View, state: &mut [Tensor]) {
        let share = match self.form {
            MomentumForm::Course => 1.0 - self.beta,
            MomentumForm::Pytorch => 1.0,
        };
        let correction = if self.bias_correction { at.bias_correction(self.beta) } else { 1.0 };
        let alpha = at.learning_rate / correction;
        let rule = update::Momentum { alpha, beta: self.beta, share, nesterov: self.nesterov };
        update::momentum(theta, gradient, vectors(state), &rule);
    }
}
