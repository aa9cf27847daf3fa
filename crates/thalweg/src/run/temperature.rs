//! Temperature scaling (Guo, Pleiss, Sun and Weinberger 2017): logits divided by one number T, fitted on dev.
//!
//! A network is often too certain. Its most probable class stays what it was; its probabilities become those that
//! happen. 1/T is a factor of the last layer's parameters, so that neither models nor exports know of T.

use super::evaluation::outputs;
use crate::data::dataset::Dataset;
use crate::error::Result;
use crate::event::Decision;
use crate::losses::{Cost, Loss, SigmoidCrossEntropy, SoftmaxCrossEntropy};
use crate::recipe::Plan;
use crate::task::Task;
use crate::tensor::{Dtype, Tensor, ops};

/// The temperatures that are tried.
const RANGE: [f64; 2] = [0.2, 10.0];
/// Steps of the golden-section search: the last interval is 10⁻⁸ of the first.
const STEPS: usize = 40;
/// Probabilities below this are rounding.
const LEAST: f64 = 1e-30;

/// Divides the logits of θ by the temperature of the least dev loss, and says so; `on_dev` are the outputs on dev, before
/// and after.
///
/// # Errors
/// If dev cannot be read.
pub(super) fn scale(
    data: &Dataset,
    plan: &Plan,
    theta: &mut Tensor,
    on_dev: &mut Vec<f64>,
) -> Result<Option<Decision>> {
    let dev = &data.parts.dev;
    if !plan.settings.temperature_scaling || dev.rows == 0 {
        return Ok(None);
    }
    let of = |probabilities: &[f64]| Dev::new(data.task, data.target.outputs(), probabilities, &dev.y);
    let before = of(on_dev);
    let temperature = before.best_temperature();
    let mut scaled = theta.clone();
    if !plan.network.scale_logits(scaled.view_mut(), 1.0 / temperature) {
        return Ok(None);
    }
    // Members' logits are divided one by one, which is not quite what the average's would become.
    let after = outputs(data, plan, &scaled, dev, plan.settings.folds)?;
    if of(&after).loss(1.0) >= before.loss(1.0) {
        return Ok(None);
    }
    (*theta, *on_dev) = (scaled, after);
    let certain = if temperature > 1.0 { "too certain" } else { "too uncertain" };
    Ok(Some(Decision {
        what: format!("logits are divided by the temperature {temperature:.3}"),
        why: format!("probabilities on dev are {certain}"),
        instead: "[temperature_scaling=false]".into(),
    }))
}

/// The dev rows' logits, but for a constant a row, and their targets.
struct Dev {
    loss: Box<dyn Loss>,
    z: Tensor,
    y: Tensor,
}

impl Dev {
    /// From the probabilities, m × `outputs`: z = ln ŷ, or ln ŷ − ln(1 − ŷ) for yes-or-no labels.
    fn new(task: Task, outputs: usize, probabilities: &[f64], y: &[f32]) -> Dev {
        let ln = |p: f64| p.max(LEAST).ln();
        let (loss, logit): (Box<dyn Loss>, &dyn Fn(f64) -> f64) = match task {
            Task::Multiclass => (Box::new(SoftmaxCrossEntropy::default()), &ln),
            _ => (Box::new(SigmoidCrossEntropy), &|p| ln(p) - ln(1.0 - p)),
        };
        let m = probabilities.len() / outputs;
        let z = Tensor::from_f64([m, outputs], probabilities.iter().map(|p| logit(*p)).collect());
        let y = Tensor::from_f64([m, y.len() / m], y.iter().map(|y| f64::from(*y)).collect());
        Dev { loss, z, y }
    }

    /// The temperature of the least loss: by golden section over its logarithm, for the loss is convex in 1/T.
    fn best_temperature(&self) -> f64 {
        let golden = (5f64.sqrt() - 1.0) / 2.0;
        let [mut low, mut high] = RANGE.map(f64::ln);
        let inner = |low: f64, high: f64| [high - golden * (high - low), low + golden * (high - low)];
        let [mut left, mut right] = inner(low, high);
        let (mut at_left, mut at_right) = (self.loss(left.exp()), self.loss(right.exp()));
        for _ in 0..STEPS {
            if at_left <= at_right {
                (high, right, at_right) = (right, left, at_left);
                left = inner(low, high)[0];
                at_left = self.loss(left.exp());
            } else {
                (low, left, at_left) = (left, right, at_right);
                right = inner(low, high)[1];
                at_right = self.loss(right.exp());
            }
        }
        f64::midpoint(low, high).exp()
    }

    /// The mean loss with logits divided by T.
    fn loss(&self, temperature: f64) -> f64 {
        let mut z = self.z.clone();
        ops::scale(z.view_mut(), 1.0 / temperature);
        Cost::new(z.shape().rows(), Dtype::F64).compute(&*self.loss, z.view(), self.y.view(), None, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_temperature_makes_probabilities_those_that_happen() {
        // Said to be 0.99, true in three of four: ln(0.99/0.01)/T = ln 3.
        let (probabilities, y) = ([0.99; 4], [1.0, 1.0, 1.0, 0.0]);
        let dev = Dev::new(Task::Binary, 1, &probabilities, &y);
        assert!((dev.best_temperature() - 99f64.ln() / 3f64.ln()).abs() < 1e-6);
        // The same as two classes of several.
        let two: Vec<f64> = probabilities.iter().flat_map(|p| [*p, 1.0 - p]).collect();
        let dev = Dev::new(Task::Multiclass, 2, &two, &[0.0, 0.0, 0.0, 1.0]);
        assert!((dev.best_temperature() - 99f64.ln() / 3f64.ln()).abs() < 1e-6);
        assert!((dev.loss(1.0) - (-3.0 * 0.99f64.ln() - 0.01f64.ln()) / 4.0).abs() < 1e-12);
    }

    #[test]
    fn certain_mistakes_have_a_finite_loss() {
        let dev = Dev::new(Task::Multiclass, 3, &[1.0, 0.0, 0.0], &[2.0]);
        assert!(dev.loss(1.0).is_finite() && dev.best_temperature() > 9.9);
    }
}
