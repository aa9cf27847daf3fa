//! Optimisers: each has state vectors and one update rule, which [`crate::tensor::update`] computes.
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

use crate::error::{Error, Result, did_you_mean};
pub use crate::tensor::update::Epsilon;
use crate::tensor::{Dtype, Tensor, View, ViewMut};

/// When a step is taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// t: the step number, from 1.
    pub t: u64,
    /// α at this step.
    pub learning_rate: f64,
}

impl Step {
    /// 1 − β^t, by which an exponentially weighted average that started at 0 is divided.
    pub fn bias_correction(&self, beta: f64) -> f64 {
        1.0 - beta.powf(self.t as f64)
    }
}

/// An update rule for θ.
pub trait Optimizer: Debug + Send + Sync {
    /// Its name in configurations.
    fn name(&self) -> &'static str;

    /// The names of its state vectors, each as long as θ and initially 0.
    fn state(&self) -> &'static [&'static str];

    /// Updates θ from dθ.
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

/// The settings of an optimiser in a configuration, and what it is for; the optimiser itself chooses those left open.
#[derive(Debug, Clone, Copy)]
pub struct Hyperparameters {
    /// β of momentum, β₁ of Adam.
    pub beta1: f64,
    /// β of RMSprop, β₂ of Adam.
    pub beta2: Option<f64>,
    /// ε.
    pub epsilon: f64,
    /// Where ε is added.
    pub placement: Option<Epsilon>,
    /// How momentum accumulates gradients.
    pub form: MomentumForm,
    /// Whether averages are divided by 1 − β^t, where that is optional.
    pub bias_correction: bool,
    /// Decoupled weight decay.
    pub weight_decay: Option<f64>,
    /// Whether to use the course's forms.
    pub course: bool,
    /// Whether the network is convolutional.
    pub convolutions: bool,
}

/// An optimiser by name: how it is built, and how fast it usually learns.
#[derive(Debug)]
pub struct Registered {
    /// Its name in configurations.
    pub name: &'static str,
    /// The optimiser with its usual settings.
    pub usual: &'static dyn Optimizer,
    /// Whether it supports decoupled weight decay.
    pub decays: bool,
    /// Builds it.
    pub build: fn(&Hyperparameters) -> Box<dyn Optimizer>,
    /// Its usual learning rate, where that does not depend on the data.
    pub learning_rate: fn(&Hyperparameters) -> Option<f64>,
}

/// Every optimiser.
pub const ALL: &[Registered] = &[
    gradient_descent::REGISTERED,
    momentum::REGISTERED,
    momentum::REGISTERED_NESTEROV,
    rmsprop::REGISTERED,
    adam::REGISTERED,
    adam::REGISTERED_DECAYING,
];

/// The optimiser with this name in configurations.
///
/// # Errors
/// If there is none with that name.
pub fn named(name: &str) -> Result<&'static Registered> {
    let names = || ALL.iter().map(|registered| registered.name);
    ALL.iter().find(|registered| registered.name == name).ok_or_else(|| {
        Error::config(format!("unknown optimiser {name:?}{}", did_you_mean(name, names())))
            .fix(format!("use one of {}", names().collect::<Vec<_>>().join(", ")))
    })
}

/// The state vectors as an array of known length.
fn vectors<const K: usize>(state: &mut [Tensor]) -> &mut [Tensor; K] {
    state.try_into().expect("the state was made by `new_state`")
}
