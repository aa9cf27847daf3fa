//! Normalisation over the examples of a batch, and over the units of an example.

use thalweg_kernels::{batch_norm, layer_norm};

use super::ops::{Element, by_dtype, fits};
use super::{Dtype, View, ViewMut};

/// What batch norm's forward pass in training saves.
pub struct BatchStatistics<'a> {
    /// (z − μ) / √(σ² + ε), m × n.
    pub normalised: ViewMut<'a>,
    /// μ of each column, n elements.
    pub mean: ViewMut<'a>,
    /// σ² of each column (population form), n elements.
    pub variance: ViewMut<'a>,
    /// 1 / √(σ² + ε) of each column, n elements.
    pub inverse_std: ViewMut<'a>,
}

/// z̃ = γ (z − μ)/√(σ² + ε) + β with the batch's own μ and σ²; z is m × n.
pub fn batch(z: View, gamma: View, beta: View, epsilon: f64, y: ViewMut, keep: BatchStatistics) {
    fits!("batch_norm", z.shape().columns().is_multiple_of(gamma.len()), z, gamma);
    by_dtype!(z, typed(z, gamma, beta, epsilon, y, keep));

    fn typed<T: Element>(z: View, gamma: View, beta: View, epsilon: f64, y: ViewMut, keep: BatchStatistics) {
        let kept = batch_norm::BatchNormCache {
            normalised: T::write(keep.normalised),
            mean: T::write(keep.mean),
            variance: T::write(keep.variance),
            inverse_std: T::write(keep.inverse_std),
        };
        batch_norm::forward_train(T::read(z), T::read(gamma), T::read(beta), T::of(epsilon), T::write(y), kept);
    }
}

/// z̃ = γ (z − μ)/√(σ² + ε) + β with given μ and σ².
pub fn batch_predict(z: View, [gamma, beta, mean, variance]: [View; 4], epsilon: f64, y: ViewMut) {
    fits!("batch_norm", z.shape().columns().is_multiple_of(gamma.len()), z, gamma);
    by_dtype!(z, typed(z, [gamma, beta, mean, variance], epsilon, y));

    fn typed<T: Element>(z: View, [gamma, beta, mean, variance]: [View; 4], epsilon: f64, y: ViewMut) {
        let parameters = [gamma, beta, mean, variance].map(T::read);
        batch_norm::forward_predict(T::read(z), parameters, T::of(epsilon), T::write(y));
    }
}

/// The same, with what the backward pass needs: z_norm, m × n, and 1 / √(σ² + ε) of each column.
pub fn batch_fixed(z: View, given: [View; 4], epsilon: f64, y: ViewMut, [normalised, inverse_std]: [ViewMut; 2]) {
    fits!("batch_norm", z.shape().columns().is_multiple_of(given[0].len()), z, given[0]);
    by_dtype!(z, typed(z, given, epsilon, y, normalised, inverse_std));

    fn typed<T: Element>(
        z: View,
        given: [View; 4],
        epsilon: f64,
        y: ViewMut,
        normalised: ViewMut,
        inverse_std: ViewMut,
    ) {
        let (y, normalised, inverse_std) = (T::write(y), T::write(normalised), T::write(inverse_std));
        batch_norm::forward_fixed(T::read(z), given.map(T::read), T::of(epsilon), y, normalised, inverse_std);
    }
}

/// Batch norm's dγ, dβ and, if it is wanted, dz; `fixed`: μ and σ² do not depend on z.
pub fn batch_backward(
    fixed: bool,
    dy: View,
    [normalised, inverse_std, gamma]: [View; 3],
    dx: Option<ViewMut>,
    [dgamma, dbeta]: [ViewMut; 2],
) {
    fits!("batch_norm_backward", dy.len() == normalised.len(), dy, normalised);
    by_dtype!(dy, typed(fixed, dy, [normalised, inverse_std, gamma], dx, [dgamma, dbeta]));

    fn typed<T: Element>(fixed: bool, dy: View, saved: [View; 3], dx: Option<ViewMut>, learned: [ViewMut; 2]) {
        batch_norm::backward(fixed, T::read(dy), saved.map(T::read), dx.map(T::write), learned.map(T::write));
    }
}

/// z̃ = γ (z − μ)/√(σ² + ε) + β over runs of as many elements as γ has, each with its own μ and σ².
pub fn layer(z: View, gamma: View, beta: View, epsilon: f64, y: ViewMut) {
    fits!("layer_norm", z.shape().columns().is_multiple_of(gamma.len()), z, gamma);
    by_dtype!(z, typed(z, gamma, beta, epsilon, y));

    fn typed<T: Element>(z: View, gamma: View, beta: View, epsilon: f64, y: ViewMut) {
        layer_norm::forward(T::read(z), T::read(gamma), T::read(beta), epsilon, T::write(y));
    }
}

/// Layer norm's dγ, dβ and, if it is wanted, dz; `z_norm` is scratch space of z's size.
pub fn layer_backward(
    z: View,
    gamma: View,
    epsilon: f64,
    dy: View,
    z_norm: ViewMut,
    dz: Option<ViewMut>,
    learned: [ViewMut; 2],
) {
    fits!("layer_norm_backward", z.len() == dy.len(), z, dy);
    by_dtype!(z, typed([z, gamma, dy], epsilon, z_norm, dz, learned));

    fn typed<T: Element>(
        [z, gamma, dy]: [View; 3],
        epsilon: f64,
        z_norm: ViewMut,
        dz: Option<ViewMut>,
        learned: [ViewMut; 2],
    ) {
        let [z, gamma, dy] = [z, gamma, dy].map(T::read);
        layer_norm::backward(z, gamma, epsilon, dy, T::write(z_norm), dz.map(T::write), learned.map(T::write));
    }
}
