//! The mean loss of answers on dev, where something is fitted on it after training.

use crate::data::dataset::Dataset;
use crate::losses::{Cost, Loss, SigmoidCrossEntropy, SoftmaxCrossEntropy};
use crate::recipe::Plan;
use crate::task::Task;
use crate::tensor::{Dtype, Tensor};

/// Probabilities below this are rounding.
const LEAST: f64 = 1e-30;

/// The dev rows' targets and their loss: of classes, the cross-entropy, whatever is trained on.
pub(super) struct DevLoss<'a> {
    task: Task,
    outputs: usize,
    loss: &'a dyn Loss,
    y: Tensor,
}

impl<'a> DevLoss<'a> {
    pub(super) fn new(data: &Dataset, plan: &'a Plan) -> DevLoss<'a> {
        DevLoss::of(data.task, data.target.outputs(), &*plan.loss, &data.parts.dev.y)
    }

    /// For m rows of targets.
    pub(super) fn of(task: Task, outputs: usize, trained: &'a dyn Loss, y: &[f32]) -> DevLoss<'a> {
        let (loss, columns): (&dyn Loss, usize) = match task {
            Task::Multiclass => (&SoftmaxCrossEntropy { smoothing: 0.0 }, 1),
            Task::Binary | Task::Multilabel => (&SigmoidCrossEntropy, outputs),
            // Quantiles are several outputs for one target.
            Task::Regression => (trained, if trained.takes(outputs, outputs) { outputs } else { 1 }),
        };
        let y = y.iter().map(|y| f64::from(*y)).collect::<Vec<_>>();
        DevLoss { task, outputs, loss, y: Tensor::from_f64([y.len() / columns, columns], y) }
    }

    /// The logits of answers, m × C row by row, but for a constant a row: ln ŷ, or ln ŷ − ln(1 − ŷ) for yes-or-no labels.
    pub(super) fn logits(&self, answers: &[f64]) -> Tensor {
        let ln = |p: f64| p.max(LEAST).ln();
        let logit = |p: &f64| match self.task {
            Task::Multiclass => ln(*p),
            Task::Binary | Task::Multilabel => ln(*p) - ln(1.0 - p),
            Task::Regression => *p,
        };
        Tensor::from_f64([answers.len() / self.outputs, self.outputs], answers.iter().map(logit).collect())
    }

    /// The mean loss of logits.
    pub(super) fn mean(&self, z: &Tensor) -> f64 {
        Cost::new(z.shape().rows(), Dtype::F64).compute(self.loss, z.view(), self.y.view(), None, None)
    }
}
