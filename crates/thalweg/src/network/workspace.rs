//! The memory of a forward and backward pass, planned once: a training step allocates nothing.

use crate::error::{Error, Result};
use crate::layers::Layer;
use crate::tensor::mixture::mixture;
use crate::tensor::ops::{self, MatmulPrecision};
use crate::tensor::{Activation, Dtype, Shape, Tensor, View, ViewMut};

/// Memory for batches of up to [`Workspace::capacity`] examples.
#[derive(Debug)]
pub struct Workspace {
    /// How passes in it compute the products of f32 matrices; by default in f32.
    pub precision: MatmulPrecision,
    /// How many of the first layers are not trained: they answer as in prediction, and a backward pass ends behind them.
    pub(crate) frozen: usize,
    /// Each layer's output.
    pub(super) outputs: Vec<Tensor>,
    /// What each layer saves for its backward pass.
    pub(super) saved: Vec<Vec<Tensor>>,
    /// The gradients with respect to a layer's output and its input, swapped after each layer.
    pub(super) deltas: [Tensor; 2],
    /// The scale of each layer's activations and gradients, while it is sampled.
    pub(super) scales: Option<Vec<ActivationScale>>,
    logits: Shape,
    /// How many members the last layer averages.
    members: usize,
}

impl Workspace {
    pub(super) fn new(layers: &[Box<dyn Layer>], input: Shape, outputs: &[Shape], m: usize, dtype: Dtype) -> Self {
        let widest = outputs.iter().map(|shape| shape.size()).max().unwrap_or(0);
        let inputs = std::iter::once(&input).chain(outputs);
        let zeros = |shape: Shape| Tensor::zeros(shape, dtype);
        Workspace {
            precision: MatmulPrecision::F32,
            frozen: 0,
            outputs: outputs.iter().map(|shape| zeros(shape.batch(m))).collect(),
            saved: layers
                .iter()
                .zip(inputs)
                .map(|(layer, &input)| layer.saved(input, m).into_iter().map(zeros).collect())
                .collect(),
            deltas: [zeros([m, widest].into()), zeros([m, widest].into())],
            scales: None,
            logits: outputs[outputs.len() - 1],
            members: super::averaged_members(layers),
        }
    }

    /// The largest batch it has room for.
    pub fn capacity(&self) -> usize {
        self.outputs[0].shape().rows()
    }

    /// The type of its values.
    pub(super) fn dtype(&self) -> Dtype {
        self.deltas[0].dtype()
    }

    /// Checks that it was made for a network with these outputs.
    pub(super) fn check(&self, operation: &str, outputs: &[Shape]) -> Result<()> {
        let own = || self.outputs.iter().map(|output| output.shape().example());
        if own().eq(outputs.iter().copied()) {
            return Ok(());
        }
        let own: Vec<Shape> = own().collect();
        Err(Error::data(format!("{operation}: a workspace for outputs {own:?}, expected {outputs:?}"))
            .fix("use the network's own workspace"))
    }

    /// Each layer's output in the last forward pass of m examples.
    pub fn layer_output(&self, layer: usize, m: usize) -> View<'_> {
        self.outputs[layer].rows(m)
    }

    /// The logits of the last forward pass of m examples.
    pub fn output(&self, m: usize) -> View<'_> {
        self.outputs[self.outputs.len() - 1].rows(m)
    }

    /// The logits of the last forward pass of m examples, to be turned into answers in place.
    pub fn output_mut(&mut self, m: usize) -> ViewMut<'_> {
        let last = self.outputs.len() - 1;
        self.outputs[last].rows_mut(m)
    }

    /// The logits of the last forward pass of m examples, and where the gradient with respect to them goes.
    pub fn delta(&mut self, m: usize) -> (View<'_>, ViewMut<'_>) {
        let logits = self.outputs[self.outputs.len() - 1].rows(m);
        (logits, self.deltas[0].view_mut().part(0, self.logits.batch(m)))
    }

    /// The logits that the network is trained on, in the last forward pass of m examples, and where the gradient with
    /// respect to them goes: those of each member, m·K × C, where the last layer averages K members, else the network's.
    /// [`crate::losses::Cost::of_members`] computes the cost of them, [`Network::backward_members`] goes on from it.
    ///
    /// [`Network::backward_members`]: super::Network::backward_members
    pub fn member_delta(&mut self, m: usize) -> (View<'_>, ViewMut<'_>) {
        let shape = self.logits.batch(m * self.members);
        let z = self.outputs[self.trained_layers() - 1].view().part(0, shape);
        (z, self.deltas[0].view_mut().part(0, shape))
    }

    /// Makes the logits of the last forward pass the averages of some members: `rows` are rows of
    /// [`Workspace::member_delta`]'s logits, `count` for each example, and `of` is what is averaged; `weights` are those of
    /// groups of equally many of them.
    pub(crate) fn average_members(&mut self, rows: &[u32], count: usize, (of, weights): (Activation, &[f64])) {
        let last = self.outputs.len() - 1;
        let (before, output) = self.outputs.split_at_mut(last);
        let (members, m, width) = (before[last - 1].view(), rows.len() / count, count * self.logits.size());
        let z = members.part(0, self.logits.batch(members.len() / self.logits.size()));
        let mut taken = Tensor::zeros([m, width], z.dtype());
        ops::gather(rows, [(z, taken.view_mut().part(0, self.logits.batch(rows.len())))]);
        let mut log = Tensor::zeros([m, width], z.dtype());
        mixture(of, weights, taken.view(), log.view_mut(), output[0].rows_mut(m));
    }

    /// How many layers a training step goes back through: one that averages members is left out.
    pub(super) fn trained_layers(&self) -> usize {
        self.outputs.len() - usize::from(self.members > 1)
    }

    /// The scales of the layers' outputs in the last forward pass of m examples.
    pub(super) fn output_scales(&self, layers: &[Box<dyn Layer>], m: usize) -> Vec<ActivationScale> {
        let outputs = self.outputs.iter().zip(layers).take(self.trained_layers());
        outputs.map(|(y, layer)| ActivationScale::of(y.rows(m), None, layer.activation(), units(y.shape()))).collect()
    }

    /// Makes the backward passes from now on sample each layer's scales, until they are taken.
    pub fn sample_scales(&mut self) {
        self.scales = Some(vec![ActivationScale::default(); self.trained_layers()]);
    }

    /// The scales sampled by the last backward pass; no more are sampled.
    pub fn take_scales(&mut self) -> Option<Vec<ActivationScale>> {
        self.scales.take()
    }
}

/// The size of the last dimension.
pub(super) fn units(shape: Shape) -> usize {
    shape.dimensions().last().copied().unwrap_or(1)
}

/// How close to an end of its range an activation is saturated.
const NEAR_AN_END: f64 = 0.05;

/// The scale of a layer's activations and of the gradient with respect to them, over examples.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ActivationScale {
    count: usize,
    sum: f64,
    squares: f64,
    zeros: usize,
    gradient_squares: f64,
    /// Whether each unit is other than 0 for some example, behind a ReLU.
    alive: Option<Vec<bool>>,
    /// How many activations are near an end of their range, behind a sigmoid or tanh.
    saturated: Option<usize>,
}

impl ActivationScale {
    /// Of a layer's output behind an activation, and of the gradient with respect to it where there is one; units are
    /// the last dimension of an example.
    pub(super) fn of(y: View, dy: Option<View>, activation: Option<Activation>, units: usize) -> ActivationScale {
        let alive = || {
            let other_than_0 = |unit| (unit..y.len()).step_by(units.max(1)).any(|at| y.at(at) != 0.0);
            (0..units).map(other_than_0).collect()
        };
        let near_an_end = |middle: f64, half: f64| {
            Some((0..y.len()).filter(|&i| (y.at(i) - middle).abs() > half - NEAR_AN_END).count())
        };
        ActivationScale {
            count: y.len(),
            sum: ops::sum(y),
            squares: ops::sum_squares(y),
            zeros: (0..y.len()).filter(|&i| y.at(i) == 0.0).count(),
            gradient_squares: dy.map_or(f64::NAN, ops::sum_squares),
            alive: (activation == Some(Activation::Relu)).then(alive),
            saturated: match activation {
                Some(Activation::Sigmoid) => near_an_end(0.5, 0.5),
                Some(Activation::Tanh) => near_an_end(0.0, 1.0),
                _ => None,
            },
        }
    }

    /// The scale over the examples of both.
    #[must_use]
    pub fn and(self, other: ActivationScale) -> ActivationScale {
        let either = |(a, b): (Vec<bool>, Vec<bool>)| a.into_iter().zip(b).map(|(a, b)| a || b).collect();
        ActivationScale {
            count: self.count + other.count,
            sum: self.sum + other.sum,
            squares: self.squares + other.squares,
            zeros: self.zeros + other.zeros,
            gradient_squares: self.gradient_squares + other.gradient_squares,
            alive: self.alive.zip(other.alive).map(either),
            saturated: self.saturated.zip(other.saturated).map(|(a, b)| a + b),
        }
    }

    /// Whether there were activations.
    pub(crate) fn is_sampled(&self) -> bool {
        self.count > 0
    }

    /// Standard deviation of the activations; NaN if one is not finite.
    pub fn activation(&self) -> f64 {
        let mean = self.mean(self.sum);
        let variance = self.mean(self.squares) - mean * mean;
        if variance < 0.0 { 0.0 } else { variance.sqrt() }
    }

    /// Root mean square of the gradient.
    pub fn gradient(&self) -> f64 {
        self.mean(self.gradient_squares).sqrt()
    }

    /// Share of activations that are exactly 0.
    pub fn zeros(&self) -> f64 {
        self.mean(self.zeros as f64)
    }

    /// Share of units that are 0 for every example, behind a ReLU.
    pub fn dead(&self) -> Option<f64> {
        let alive = self.alive.as_ref()?;
        Some(alive.iter().filter(|alive| !**alive).count() as f64 / alive.len().max(1) as f64)
    }

    /// Share of activations within 0.05 of an end of their range, behind a sigmoid or tanh.
    pub fn saturated(&self) -> Option<f64> {
        self.saturated.map(|count| self.mean(count as f64))
    }

    fn mean(&self, total: f64) -> f64 {
        total / self.count.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dead_units_and_saturated_activations_are_counted_over_all_parts() {
        let of = |values: [f64; 6], activation| {
            let y = Tensor::from_f64([2, 3], values.to_vec());
            ActivationScale::of(y.view(), Some(y.view()), Some(activation), 3)
        };
        let relu = of([0.0, 1.0, 0.0, 0.0, 2.0, 0.0], Activation::Relu);
        assert_eq!((relu.dead(), relu.zeros(), relu.saturated()), (Some(2.0 / 3.0), 4.0 / 6.0, None));
        let both = relu.and(of([0.0, 0.0, 3.0, 0.0, 0.0, 0.0], Activation::Relu));
        assert_eq!((both.dead(), both.zeros()), (Some(1.0 / 3.0), 9.0 / 12.0));
        let sigmoid = of([0.04, 0.5, 0.97, 0.06, 0.94, 1.0], Activation::Sigmoid);
        assert_eq!((sigmoid.saturated(), sigmoid.dead()), (Some(0.5), None));
        assert_eq!(of([-0.96, 0.0, 0.97, 0.9, -0.9, 0.04], Activation::Tanh).saturated(), Some(2.0 / 6.0));
        assert!(of([0.0, f64::NAN, 0.0, 0.0, 0.0, 0.0], Activation::Identity).activation().is_nan());
    }
}
