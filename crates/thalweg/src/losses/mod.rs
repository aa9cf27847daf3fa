//! Losses: they take logits, know how to turn them into answers, and own the paired delta dZ.
//!
//! A loss gives L for each example; the cost J = Σ wᵢLᵢ / Σ wᵢ (the plain mean where there are no weights) is computed
//! in [`Cost`] alone. A new loss is one file and one line in [`ALL`].

mod absolute;
mod cross_entropy;
mod huber;
mod pinball;
mod squared;

use std::fmt::Debug;

pub use absolute::Absolute;
pub use cross_entropy::{SigmoidCrossEntropy, SoftmaxCrossEntropy};
pub use huber::Huber;
pub use pinball::Pinball;
pub use squared::Squared;

use crate::error::{Error, Result, did_you_mean};
use crate::tensor::ops::{self, LossOutput};
use crate::tensor::{Dtype, Shape, Tensor, View, ViewMut};

/// A loss L(z, y) of logits z, m × C, and targets y.
pub trait Loss: Debug + Send + Sync {
    /// Its name in configurations and model files.
    fn name(&self) -> &'static str;

    /// L of each row and, if requested, ∂L/∂z.
    fn loss(&self, z: View, y: View, out: LossOutput);

    /// Whether it accepts targets of this many columns for this many logits.
    fn takes(&self, logits: usize, columns: usize) -> bool {
        columns == logits
    }

    /// Checks that it accepts the values of y.
    ///
    /// # Errors
    /// If not: what was found, and what is expected.
    fn check_values(&self, _outputs: usize, _y: View) -> Result<()> {
        Ok(())
    }

    /// Turns logits into answers in place: probabilities for classes; regression values stay as they are.
    fn answer(&self, _z: ViewMut) {}

    /// Appends, for each output with a kink in the loss, which side of the kink it is on.
    fn kink_sides(&self, _z: View, _y: View, _sides: &mut Vec<bool>) {}
}

/// Checks that a loss accepts targets from outside the library, for logits of this shape.
///
/// # Errors
/// If not, naming the operation and both shapes.
pub(crate) fn check_targets(operation: &str, loss: &dyn Loss, z: Shape, y: View, dtype: Dtype) -> Result<()> {
    let columns = y.shape().columns();
    let fitting = if loss.takes(z.columns(), columns) { [z.rows(), columns].into() } else { z };
    y.expect(operation, "y", fitting, dtype)
}

/// The settings of a loss in a configuration, and its task.
#[derive(Debug, Clone, Copy)]
pub struct LossSettings<'a> {
    /// Whether each row has one of several classes; otherwise several labels, or one of two classes.
    pub multiclass: bool,
    /// The share of a class's probability that is spread over all classes.
    pub smoothing: f64,
    /// Where Huber's loss becomes linear.
    pub delta: f64,
    /// The quantiles of the pinball loss; none are the median.
    pub quantiles: &'a [f64],
}

/// A loss by name, and how it is built.
#[derive(Debug)]
pub struct Registered {
    /// Its name in configurations.
    pub name: &'static str,
    /// Whether it is for classes; otherwise for regression.
    pub of_classes: bool,
    /// Builds it.
    pub build: fn(&LossSettings) -> Box<dyn Loss>,
    /// Instances with the usual settings, each with the number of target columns for three outputs.
    pub usual: &'static [(&'static dyn Loss, usize)],
}

/// Every loss; the task decides between the two cross-entropies.
pub const ALL: &[Registered] =
    &[cross_entropy::REGISTERED, squared::REGISTERED, absolute::REGISTERED, huber::REGISTERED, pinball::REGISTERED];

/// The names in configurations.
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|registered| registered.name)
}

/// The loss with this name in configurations.
///
/// # Errors
/// If there is none with that name.
pub fn named(name: &str) -> Result<&'static Registered> {
    ALL.iter().find(|registered| registered.name == name).ok_or_else(|| {
        Error::config(format!("unknown loss {name:?}{}", did_you_mean(name, names())))
            .fix(format!("use one of {}", names().collect::<Vec<_>>().join(", ")))
    })
}

/// The cost of a batch, with the buffers it needs.
#[derive(Debug)]
pub struct Cost {
    loss: Tensor,
    factors: Tensor,
    /// What is repeated for the members, if there are several.
    repeated: Option<Repeated>,
}

/// The targets and weights of a batch, each once per member.
#[derive(Debug)]
struct Repeated {
    members: usize,
    /// The example of each row of logits.
    rows: Vec<u32>,
    /// Allocated with the first batch, which says how many columns there are.
    y: Tensor,
    weights: Tensor,
}

impl Cost {
    /// Buffers for batches of up to m examples.
    pub fn new(m: usize, dtype: Dtype) -> Self {
        Cost::of_members(m, 1, dtype)
    }

    /// Buffers for batches of up to m examples with the logits of several members: z then has their rows for the first
    /// example, their rows for the second, and so on. J is the mean of the members' costs, and dZ is for each member what
    /// it would be alone: the gradient of the sum of their costs.
    pub fn of_members(m: usize, members: usize, dtype: Dtype) -> Self {
        let rows = m * members;
        let repeated = (members > 1).then(|| Repeated {
            members,
            rows: (0..rows).map(|row| (row / members) as u32).collect(),
            y: Tensor::zeros([rows, 0], dtype),
            weights: Tensor::zeros([rows], dtype),
        });
        Cost { loss: Tensor::zeros([rows], dtype), factors: Tensor::zeros([rows], dtype), repeated }
    }

    /// J = Σ wᵢLᵢ / Σ wᵢ and, if requested, dZ = ∂J/∂z: the loss's delta with each row times wᵢ / Σ w.
    pub fn compute(&mut self, loss: &dyn Loss, z: View, y: View, weights: Option<View>, dz: Option<ViewMut>) -> f64 {
        let total = weights.map_or(y.shape().rows() as f64, ops::sum);
        self.compute_share(loss, z, y, weights, total, dz)
    }

    /// On which side of each kink of the loss the logits are.
    pub(crate) fn kink_sides(&mut self, loss: &dyn Loss, z: View, y: View, sides: &mut Vec<bool>) {
        match &mut self.repeated {
            None => loss.kink_sides(z, y, sides),
            Some(repeated) => loss.kink_sides(z, repeated.fill(y, None).0, sides),
        }
    }

    /// The same for some examples of a batch whose weights sum to `total`: their share of J, and of dZ. There may be a
    /// weight for each member of each example.
    pub(crate) fn compute_share(
        &mut self,
        loss: &dyn Loss,
        z: View,
        y: View,
        weights: Option<View>,
        total: f64,
        dz: Option<ViewMut>,
    ) -> f64 {
        // Taken out for as long as the rest is written to.
        let Some(mut repeated) = self.repeated.take() else {
            return self.of_rows(loss, z, (y, weights), total, dz);
        };
        let cost = self.of_rows(loss, z, repeated.fill(y, weights), total, dz) / repeated.members as f64;
        self.repeated = Some(repeated);
        cost
    }

    /// Σ wᵢLᵢ / total over the rows of z, and dZ.
    fn of_rows(
        &mut self,
        loss: &dyn Loss,
        z: View,
        (y, weights): (View, Option<View>),
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

    /// L of each row of z in the last [`Cost::compute`].
    pub fn losses(&self, m: usize) -> View<'_> {
        self.loss.rows(m)
    }
}

impl Repeated {
    /// Repeats the targets and weights of a batch.
    fn fill(&mut self, y: View, weights: Option<View>) -> (View<'_>, Option<View<'_>>) {
        let (rows, columns) = (y.shape().rows() * self.members, y.shape().columns());
        if self.y.shape().columns() != columns {
            self.y = Tensor::zeros([self.rows.len(), columns], y.dtype());
        }
        let examples = &self.rows[..rows];
        ops::gather(examples, [(y, self.y.rows_mut(rows))]);
        if let Some(weights) = weights {
            match weights.len() == rows {
                true => ops::copy(weights, self.weights.rows_mut(rows)),
                false => ops::gather(examples, [(weights, self.weights.rows_mut(rows))]),
            }
        }
        (self.y.rows(rows), weights.map(|_| self.weights.rows(rows)))
    }
}

/// Appends the sides of a kink at z − y = `shift`.
fn sides_of_target(z: View, y: View, shift: f64, sides: &mut Vec<bool>) {
    sides.extend((0..z.len()).map(|i| z.at(i) - y.at(i) > shift));
}
