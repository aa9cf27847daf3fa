//! Exponentially weighted averages: V_t = βV_{t−1} + (1−β)θ_t with V_0 = 0.
//!
//! The window is about 1/(1−β) values. Dividing by 1 − β^t corrects the bias towards 0 of the first values; the
//! recursion itself keeps the uncorrected V.

use crate::tensor::{Tensor, View, ops};

/// Smooths a series.
///
/// ```
/// let smooth = thalweg::average::smooth(&[10.0, 20.0], 0.9, true);
/// assert!((smooth[0] - 10.0).abs() < 1e-12 && (smooth[1] - 2.9 / 0.19).abs() < 1e-12);
/// ```
pub fn smooth(series: &[f64], beta: f64, bias_correction: bool) -> Vec<f64> {
    let (mut v, mut power) = (0.0, 1.0);
    let step = |&x: &f64| {
        v = beta * v + (1.0 - beta) * x;
        power *= beta;
        if bias_correction { v / (1.0 - power) } else { v }
    };
    series.iter().map(step).collect()
}

/// The exponential moving average of a network's parameters over training steps (Polyak and Juditsky 1992, with
/// forgetting).
#[derive(Debug, Clone)]
pub struct ParameterAverage {
    beta: f64,
    v: Tensor,
    t: u64,
}

impl ParameterAverage {
    /// An average with window 1/(1 − β), from V = 0 and t = 0 or a saved state.
    pub fn new(beta: f64, v: Tensor, t: u64) -> Self {
        ParameterAverage { beta, v, t }
    }

    /// Updates the average with θ after a step.
    pub fn observe(&mut self, theta: View) {
        ops::average(self.v.view_mut(), self.beta, theta);
        self.t += 1;
    }

    /// β.
    pub fn beta(&self) -> f64 {
        self.beta
    }

    /// The uncorrected V, as stored in checkpoints.
    pub fn uncorrected(&self) -> &Tensor {
        &self.v
    }

    /// An average of other parameters, with the same β and t.
    pub(crate) fn of(&self, v: Tensor) -> Self {
        ParameterAverage { v, ..*self }
    }

    /// The same, and nothing of the average is left.
    pub(crate) fn into_uncorrected(self) -> Tensor {
        self.v
    }

    /// V/(1 − β^t), the bias-corrected average.
    pub fn corrected(&self) -> Tensor {
        let mut theta = self.v.clone();
        ops::scale(theta.view_mut(), 1.0 / (1.0 - self.beta.powf(self.t as f64)));
        theta
    }
}
