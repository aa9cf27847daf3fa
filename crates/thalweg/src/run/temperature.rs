//! Temperature scaling (Guo, Pleiss, Sun and Weinberger 2017): logits divided by one number T, fitted on dev.
//!
//! A network is often too certain. Its most probable class stays what it was; its probabilities become those that
//! happen. 1/T is a factor of the last layer's parameters, so that neither models nor exports know of T.

use super::dev_loss::DevLoss;
use super::evaluation::outputs;
use crate::data::dataset::Dataset;
use crate::error::Result;
use crate::event::Decision;
use crate::recipe::Plan;
use crate::tensor::{Tensor, ops};

/// The temperatures that are tried.
const RANGE: [f64; 2] = [0.2, 10.0];
/// Steps of the golden-section search: the last interval is 10⁻⁸ of the first.
const STEPS: usize = 40;

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
    let loss = DevLoss::new(data, plan);
    let before = loss.logits(on_dev);
    let temperature = best_temperature(&loss, &before);
    let mut scaled = theta.clone();
    if !plan.network.scale_logits(scaled.view_mut(), 1.0 / temperature) {
        return Ok(None);
    }
    // Members' logits are divided one by one, which is not quite what the average's would become.
    let after = outputs(data, plan, &scaled, dev, plan.settings.folds.as_ref())?;
    if loss.mean(&loss.logits(&after)) >= loss.mean(&before) {
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

/// The temperature of the least loss: by golden section over its logarithm, for the loss is convex in 1/T.
fn best_temperature(dev: &DevLoss, z: &Tensor) -> f64 {
    let golden = (5f64.sqrt() - 1.0) / 2.0;
    let [mut low, mut high] = RANGE.map(f64::ln);
    let inner = |low: f64, high: f64| [high - golden * (high - low), low + golden * (high - low)];
    let at = |ln: f64| {
        let mut z = z.clone();
        ops::scale(z.view_mut(), (-ln).exp());
        dev.mean(&z)
    };
    let [mut left, mut right] = inner(low, high);
    let (mut at_left, mut at_right) = (at(left), at(right));
    for _ in 0..STEPS {
        if at_left <= at_right {
            (high, right, at_right) = (right, left, at_left);
            left = inner(low, high)[0];
            at_left = at(left);
        } else {
            (low, left, at_left) = (left, right, at_right);
            right = inner(low, high)[1];
            at_right = at(right);
        }
    }
    f64::midpoint(low, high).exp()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::losses::Squared;
    use crate::task::Task;

    #[test]
    fn the_temperature_makes_probabilities_those_that_happen() {
        // Said to be 0.99, true in three of four: ln(0.99/0.01)/T = ln 3.
        let (probabilities, y) = ([0.99; 4], [1.0, 1.0, 1.0, 0.0]);
        let dev = DevLoss::of(Task::Binary, 1, &Squared, &y);
        let z = dev.logits(&probabilities);
        assert!((best_temperature(&dev, &z) - 99f64.ln() / 3f64.ln()).abs() < 1e-6);
        // The same as two classes of several.
        let two: Vec<f64> = probabilities.iter().flat_map(|p| [*p, 1.0 - p]).collect();
        let dev = DevLoss::of(Task::Multiclass, 2, &Squared, &[0.0, 0.0, 0.0, 1.0]);
        let z = dev.logits(&two);
        assert!((best_temperature(&dev, &z) - 99f64.ln() / 3f64.ln()).abs() < 1e-6);
        assert!((dev.mean(&z) - (-3.0 * 0.99f64.ln() - 0.01f64.ln()) / 4.0).abs() < 1e-12);
    }

    #[test]
    fn certain_mistakes_have_a_finite_loss() {
        let dev = DevLoss::of(Task::Multiclass, 3, &Squared, &[2.0]);
        let z = dev.logits(&[1.0, 0.0, 0.0]);
        assert!(dev.mean(&z).is_finite() && best_temperature(&dev, &z) > 9.9);
    }
}
