//! Losses: they take logits, know how to turn them into answers, and own the paired delta dZ.
//!
//! A loss gives L for each example; the cost J = Σ wᵢLᵢ / Σ wᵢ (the plain mean where there are no weights) is taken in
//! [`Cost`] alone. A new loss is one file and one line in [`ALL`].

mod absolute;
mod cross_entropy;
mod huber;
mod squared;

use std::fmt::Debug;

pub use absolute::Absolute;
pub use cross_entropy::{SigmoidCrossEntropy, SoftmaxCrossEntropy};
pub use huber::Huber;
pub use squared::Squared;

use crate::error::{Error, Result, did_you_mean};
use crate::tensor::ops::{self, LossOutput};
use crate::tensor::{Dtype, Shape, Tensor, View, ViewMut};

/// A loss L(z, y) of logits z, m × C, and targets y.
pub trait Loss: Debug + Send + Sync {
    /// Its name in configurations and model files.
    fn name(&self) -> &'static str;

    /// L of each row and, where it is wanted, ∂L/∂z.
    fn loss(&self, z: View, y: View, out: LossOutput);

    /// Whether it takes targets of this many columns for this many logits.
    fn takes(&self, logits: usize, columns: usize) -> bool {
        columns == logits
    }

    /// Whether the values of y are ones that it takes.
    ///
    /// # Errors
    /// If not: what was found, and what is expected.
    fn check_values(&self, _outputs: usize, _y: View) -> Result<()> {
        Ok(())
    }

    /// Turns logits into answers in place: probabilities for classes, numbers as they are.
    fn answer(&self, _z: ViewMut) {}

    /// Adds, for each output with a kink in the loss, on which side of the kink it is.
    fn kink_sides(&self, _z: View, _y: View, _sides: &mut Vec<bool>) {}
}

/// Whether targets from outside are ones that a loss takes for logits of a shape.
///
/// # Errors
/// If not, naming the operation and both shapes.
pub(crate) fn check_targets(operation: &str, loss: &dyn Loss, z: Shape, y: View, dtype: Dtype) -> Result<()> {
    let columns = y.shape().columns();
    let fitting = if loss.takes(z.columns(), columns) { [z.rows(), columns].into() } else { z };
    y.expect(operation, "y", fitting, dtype)
}

/// What a configuration and its task say of a loss.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Whether each row has one of several classes; else several labels, or one of two classes.
    pub multiclass: bool,
    /// The share of a class's probability that all others are given.
    pub smoothing: f64,
    /// Where Huber's loss becomes linear.
    pub delta: f64,
}

/// A loss by name, and how it is built.
#[derive(Debug)]
pub struct Registered {
    /// Its name in configurations.
    pub name: &'static str,
    /// Whether it is for classes; else for numbers.
    pub of_classes: bool,
    /// Builds it.
    pub build: fn(&Settings) -> Box<dyn Loss>,
    /// It with usual settings, each with the columns of targets that three outputs take.
    pub usual: &'static [(&'static dyn Loss, usize)],
}

/// Every loss; the task decides between the two cross-entropies.
pub const ALL: &[Registered] =
    &[cross_entropy::REGISTERED, squared::REGISTERED, absolute::REGISTERED, huber::REGISTERED];

/// The names in configurations.
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|registered| registered.name)
}

/// The loss of a name in configurations.
///
/// # Errors
/// If there is none of that name.
pub fn named(name: &str) -> Result<&'static Registered> {
    ALL.iter().find(|registered| registered.name == name).ok_or_else(|| {
        Error::config(format!("unknown loss {name:?}{}", did_you_mean(name, names())))
            .fix(format!("use one of {}", names().collect::<Vec<_>>().join(", ")))
    })
}

/// The cost of a batch, with the memory it needs.
#[derive(Debug)]
pub struct Cost {
    loss: Tensor,
    factors: Tensor,
}

impl Cost {
    /// Memory for batches of up to m examples.
    pub fn new(m: usize, dtype: Dtype) -> Self {
        Cost { loss: Tensor::zeros([m], dtype), factors: Tensor::zeros([m], dtype) }
    }

    /// J = Σ wᵢLᵢ / Σ wᵢ and, where it is wanted, dZ = ∂J/∂z: the loss's delta with each row times wᵢ / Σ w.
    pub fn compute(&mut self, loss: &dyn Loss, z: View, y: View, weights: Option<View>, dz: Option<ViewMut>) -> f64 {
        let total = weights.map_or(z.shape().rows() as f64, ops::sum);
        self.compute_share(loss, z, y, weights, total, dz)
    }

    /// The same for some examples of a batch, all of whose weights have a total: their share of J, and of dZ.
    pub(crate) fn compute_share(
        &mut self,
        loss: &dyn Loss,
        z: View,
        y: View,
        weights: Option<View>,
        total: f64,
        mut dz: Option<ViewMut>,
    ) -> f64 {
        let m = z.shape().rows();
        loss.loss(z, y, LossOutput { loss: self.loss.rows_mut(m), dz: dz.as_mut().map(ViewMut::reborrow) });
        if total <= 0.0 {
            if let Some(dz) = dz {
                ops::scale(dz, 0.0);
            }
            return 0.0;
        }
        let Some(weights) = weights else {
            if let Some(dz) = dz {
                ops::scale(dz, 1.0 / total);
            }
            return ops::sum(self.loss.rows(m)) / total;
        };
        ops::multiply(self.loss.rows(m), weights, self.factors.rows_mut(m));
        let cost = ops::sum(self.factors.rows(m)) / total;
        if let Some(dz) = dz {
            ops::divide(weights, total, self.factors.rows_mut(m));
            ops::scale_rows(dz, self.factors.rows(m));
        }
        cost
    }

    /// L of each of the rows of the last [`Cost::compute`].
    pub fn losses(&self, m: usize) -> View<'_> {
        self.loss.rows(m)
    }
}

/// The sides of a kink at z = y, for losses that have one there.
fn sides_of_target(z: View, y: View, shift: f64, sides: &mut Vec<bool>) {
    sides.extend((0..z.len()).map(|i| z.at(i) - y.at(i) > shift));
}
