//! Optimisers' updates, each a named operation: one pass over θ, dθ and the state.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thalweg_kernels::{Real, update};

use super::ops::{Element, fits};
use super::{Dtype, Tensor, View, ViewMut};

/// Where ε is added in RMSprop's and Adam's divisor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Epsilon {
    /// √S + ε: PyTorch's form, and the course's for Adam.
    #[default]
    Outside,
    /// √(S + ε): the course's form for RMSprop.
    Inside,
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

/// θ := θ − α dθ.
pub fn gradient_descent(theta: ViewMut, gradient: View, alpha: f64) {
    apply(theta, gradient, &mut [], &Descent { alpha });
}

/// V := βV + s dθ, θ := θ − αV.
#[derive(Debug, Clone, Copy)]
pub struct Momentum {
    /// α.
    pub alpha: f64,
    /// β.
    pub beta: f64,
    /// s: 1 − β, or 1.
    pub share: f64,
    /// Nesterov's step: along βV + s dθ with the new V.
    pub nesterov: bool,
}

/// Gradient descent with momentum.
pub fn momentum(theta: ViewMut, gradient: View, v: &mut [Tensor; 1], rule: &Momentum) {
    apply(theta, gradient, v, rule);
}

/// S := βS + (1−β)dθ², θ := θ − α dθ/√(S/c), with ε inside or outside the root.
#[derive(Debug, Clone, Copy)]
pub struct RmsProp {
    /// α.
    pub alpha: f64,
    /// β.
    pub beta: f64,
    /// c: 1 − β^t, or 1.
    pub correction: f64,
    /// ε.
    pub epsilon: f64,
    /// Where ε is added.
    pub placement: Epsilon,
}

/// RMSprop.
pub fn rmsprop(theta: ViewMut, gradient: View, s: &mut [Tensor; 1], rule: &RmsProp) {
    apply(theta, gradient, s, rule);
}

/// V := β₁V + (1−β₁)dθ, S := β₂S + (1−β₂)dθ², V̂ = V/c₁, Ŝ = S/c₂, θ := θ − α V̂/√Ŝ, with ε
/// inside or outside the root.
#[derive(Debug, Clone, Copy)]
pub struct Adam {
    /// α.
    pub alpha: f64,
    /// β₁ and β₂.
    pub betas: [f64; 2],
    /// c₁ = 1 − β₁^t and c₂ = 1 − β₂^t.
    pub corrections: [f64; 2],
    /// ε.
    pub epsilon: f64,
    /// Where ε is added.
    pub placement: Epsilon,
}

/// Adam.
pub fn adam(theta: ViewMut, gradient: View, v_and_s: &mut [Tensor; 2], rule: &Adam) {
    apply(theta, gradient, v_and_s, rule);
}

/// One step of an optimiser with K state vectors, elementwise: (θ, dθ, state) → (θ, state).
pub trait Formula<const K: usize>: Sync {
    /// The new parameter and the new state.
    fn apply<T: Real>(&self, theta: T, gradient: T, state: [T; K]) -> (T, [T; K]);
}

/// Applies a formula to all of θ: for custom optimisers.
pub fn apply<const K: usize>(theta: ViewMut, gradient: View, state: &mut [Tensor; K], formula: &impl Formula<K>) {
    fits!("update", theta.view().len() == gradient.len(), theta, gradient);
    match gradient.dtype() {
        Dtype::F32 => typed::<f32, K>(theta, gradient, state, formula),
        Dtype::F64 => typed::<f64, K>(theta, gradient, state, formula),
    }

    fn typed<T: Element, const K: usize>(
        theta: ViewMut,
        gradient: View,
        state: &mut [Tensor; K],
        formula: &impl Formula<K>,
    ) {
        let state = state.each_mut().map(|tensor| T::write(tensor.view_mut()));
        update::apply(T::write(theta), T::read(gradient), state, |theta, gradient, state| {
            formula.apply(theta, gradient, state)
        });
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

impl Formula<1> for Momentum {
    fn apply<T: Real>(&self, theta: T, d: T, [v]: [T; 1]) -> (T, [T; 1]) {
        let (alpha, beta, share) = (T::of(self.alpha), T::of(self.beta), T::of(self.share));
        let v = beta * v + share * d;
        let direction = if self.nesterov { beta * v + share * d } else { v };
        (theta - alpha * direction, [v])
    }
}

impl Formula<1> for RmsProp {
    fn apply<T: Real>(&self, theta: T, d: T, [s]: [T; 1]) -> (T, [T; 1]) {
        let (beta, rest) = (T::of(self.beta), T::of(1.0 - self.beta));
        let s = beta * s + rest * (d * d);
        let root = self.placement.root(s / T::of(self.correction), self.epsilon);
        (theta - T::of(self.alpha) * (d / root), [s])
    }
}

impl Formula<2> for Adam {
    fn apply<T: Real>(&self, theta: T, d: T, [v, s]: [T; 2]) -> (T, [T; 2]) {
        let [beta1, beta2] = self.betas;
        let v = T::of(beta1) * v + T::of(1.0 - beta1) * d;
        let s = T::of(beta2) * s + T::of(1.0 - beta2) * (d * d);
        // Multiplied by the inverse: divisions take longest here.
        let v_hat = v * T::of(1.0 / self.corrections[0]);
        let s_hat = s * T::of(1.0 / self.corrections[1]);
        (theta - T::of(self.alpha) * (v_hat / self.placement.root(s_hat, self.epsilon)), [v, s])
    }
}
