//! Optimisers: state, and one formula each.
//!
//! An optimiser sees slices of θ and dθ and knows nothing of layers. A new one is one file and one line in [`ALL`].

mod adam;
mod gradient_descent;
mod momentum;
mod rmsprop;

use std::fmt::Debug;

pub use adam::Adam;
pub use gradient_descent::GradientDescent;
pub use momentum::{Momentum, MomentumForm};
pub use rmsprop::RmsProp;
use serde::{Deserialize, Serialize};

use crate::tensor::{Dtype, Real, Tensor, View, ViewMut};

/// When a step is taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// t: the number of the step, from 1.
    pub t: u64,
    /// α at this step.
    pub learning_rate: f64,
}

impl Step {
    /// 1 − β^t: what an exponentially weighted average that began at 0 is divided by.
    pub fn bias_correction(&self, beta: f64) -> f64 {
        1.0 - beta.powf(self.t as f64)
    }
}

/// An update rule for θ.
pub trait Optimizer: Debug + Send + Sync {
    /// Its name in configurations.
    fn name(&self) -> &'static str;

    /// The names of its state vectors, each as long as θ and 0 at first.
    fn state(&self) -> &'static [&'static str];

    /// Changes θ by dθ.
    fn step(&self, at: Step, theta: ViewMut, gradient: View, state: &mut [Tensor]);

    /// Decoupled weight decay: weights also shrink by α times this each step.
    fn weight_decay(&self) -> f64 {
        0.0
    }
}

/// Zeros for an optimiser's state over n parameters.
pub fn new_state(optimizer: &dyn Optimizer, n: usize, dtype: Dtype) -> Vec<Tensor> {
    optimizer.state().iter().map(|_| Tensor::zeros([n], dtype)).collect()
}

/// Where ε stands in RMSprop's and Adam's divisor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Epsilon {
    /// √S + ε: PyTorch's form, and the course's for Adam.
    #[default]
    Outside,
    /// √(S + ε): the course's form for RMSprop.
    Inside,
}

/// Every optimiser with its usual settings, by name.
pub const ALL: &[(&str, &dyn Optimizer)] = &[
    ("gradient_descent", &GradientDescent),
    ("momentum", &Momentum::COURSE),
    ("nesterov", &Momentum::NESTEROV),
    ("rmsprop", &RmsProp::USUAL),
    ("adam", &Adam::USUAL),
    ("adamw", &Adam::DECAYING),
];

/// The state vectors as an array of known length.
fn vectors<const K: usize>(state: &mut [Tensor]) -> &mut [Tensor; K] {
    state.try_into().expect("the state was made by `new_state`")
}

impl Epsilon {
    /// √S + ε or √(S + ε).
    fn root<T: Real>(self, s: T, epsilon: f64) -> T {
        match self {
            Epsilon::Outside => s.sqrt() + T::of(epsilon),
            Epsilon::Inside => (s + T::of(epsilon)).sqrt(),
        }
    }
}
