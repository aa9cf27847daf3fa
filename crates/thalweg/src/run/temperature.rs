//! Temperature scaling (Guo, Pleiss, Sun and Weinberger 2017): logits divided by one number T, fitted on dev.
//!
//! A network is often too certain. Its most probable class stays what it was; its probabilities become those that
//! happen. 1/T is a factor of the last layer's parameters, so that neither models nor exports know of T.

use super::evaluation::evaluate_split;
use crate::data::dataset::Dataset;
use crate::error::Result;
use crate::event::Decision;
use crate::recipe::Plan;
use crate::task::Task;
use crate::tensor::Tensor;

/// The temperatures that are tried.
const RANGE: [f64; 2] = [0.2, 10.0];
/// Steps of the golden-section search: the last interval is 10⁻⁸ of the first.
const STEPS: usize = 40;
/// Probabilities below this are rounding.
const LEAST: f64 = 1e-30;

/// Divides the logits of θ by the temperature of the least dev loss, and says so.
///
/// # Errors
/// If dev cannot be read.
pub(super) fn scale(data: &Dataset, plan: &Plan, theta: &mut Tensor) -> Result<Option<Decision>> {
    let dev = &data.parts.dev;
    if !plan.settings.temperature_scaling || dev.rows == 0 {
        return Ok(None);
    }
    let answers = |theta: &Tensor| -> Result<Dev> {
        let (_, probabilities) = evaluate_split(data, plan, theta, dev)?;
        Ok(Dev { task: data.task, outputs: data.target.outputs(), probabilities, y: &dev.y })
    };
    let before = answers(theta)?;
    let temperature = before.best_temperature();
    let mut scaled = theta.clone();
    if !plan.network.scale_logits(scaled.view_mut(), 1.0 / temperature) {
        return Ok(None);
    }
    // Members' logits are divided one by one, which is not quite what the average's would become.
    if answers(&scaled)?.loss(1.0) >= before.loss(1.0) {
        return Ok(None);
    }
    *theta = scaled;
    let certain = if temperature > 1.0 { "too certain" } else { "too uncertain" };
    Ok(Some(Decision {
        what: format!("logits are divided by the temperature {temperature:.3}"),
        why: format!("probabilities on dev are {certain}"),
        instead: "[temperature_scaling=false]".into(),
    }))
}

/// The dev rows' probabilities and what is true of them.
struct Dev<'a> {
    task: Task,
    outputs: usize,
    probabilities: Vec<f64>,
    y: &'a [f32],
}

impl Dev<'_> {
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

    /// The mean loss with logits divided by T. Logarithms of probabilities are logits but for a constant a row.
    fn loss(&self, temperature: f64) -> f64 {
        let scaled = |p: f64| p.max(LEAST).ln() / temperature;
        let rows = self.probabilities.chunks(self.outputs);
        let total: f64 = match self.task {
            Task::Multiclass => {
                let of_row = |(p, y): (&[f64], &f32)| {
                    let most = p.iter().copied().fold(LEAST, f64::max);
                    let sum: f64 = p.iter().map(|p| (scaled(*p) - scaled(most)).exp()).sum();
                    sum.ln() + scaled(most) - scaled(p[*y as usize])
                };
                rows.zip(self.y).map(of_row).sum()
            }
            _ => {
                // −ln σ(±z/T), z = ln p − ln(1 − p).
                let of_label = |(p, y): (&f64, &f32)| {
                    let z = scaled(*p) - scaled(1.0 - p);
                    let z = if *y > 0.5 { z } else { -z };
                    (-z).max(0.0) + (-z.abs()).exp().ln_1p()
                };
                self.probabilities.iter().zip(self.y).map(of_label).sum()
            }
        };
        total / self.y.len().max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_temperature_makes_probabilities_those_that_happen() {
        // Said to be 0.99, true in three of four: ln(0.99/0.01)/T = ln 3.
        let (probabilities, y) = ([0.99; 4], [1.0, 1.0, 1.0, 0.0]);
        let dev = Dev { task: Task::Binary, outputs: 1, probabilities: probabilities.to_vec(), y: &y };
        assert!((dev.best_temperature() - 99f64.ln() / 3f64.ln()).abs() < 1e-6);
        // The same as two classes of several.
        let two: Vec<f64> = probabilities.iter().flat_map(|p| [*p, 1.0 - p]).collect();
        let dev = Dev { task: Task::Multiclass, outputs: 2, probabilities: two, y: &[0.0, 0.0, 0.0, 1.0] };
        assert!((dev.best_temperature() - 99f64.ln() / 3f64.ln()).abs() < 1e-6);
        assert!((dev.loss(1.0) - (-3.0 * 0.99f64.ln() - 0.01f64.ln()) / 4.0).abs() < 1e-12);
    }

    #[test]
    fn certain_mistakes_have_a_finite_loss() {
        let dev = Dev { task: Task::Multiclass, outputs: 3, probabilities: vec![1.0, 0.0, 0.0], y: &[2.0] };
        assert!(dev.loss(1.0).is_finite() && dev.best_temperature() > 9.9);
    }
}
