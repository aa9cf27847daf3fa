//! Huber's error: squared near the target, absolute far from it (Huber 1964).

use super::{Loss, Registered, sides_of_target};
use crate::tensor::View;
use crate::tensor::ops::{self, LossOutput, RegressionLoss};

/// With e = z − y: L = ½e² where |e| ≤ δ, else δ(|e| − ½δ); dZ = e clipped to ±δ.
///
/// ```
/// use thalweg::losses::{Cost, Huber};
/// use thalweg::tensor::{Dtype, Tensor};
///
/// let z = Tensor::from_f64([2, 1], vec![5.0, 1.5]);
/// let y = Tensor::from_f64([2, 1], vec![2.0, 2.0]);
/// let cost = Cost::new(2, Dtype::F64).compute(&Huber { delta: 1.0 }, z.view(), y.view(), None, None);
/// assert_eq!(cost, (1.0 * (3.0 - 0.5) + 0.5 * 0.25) / 2.0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Huber {
    /// δ.
    pub delta: f64,
}

pub(super) const REGISTERED: Registered = Registered {
    name: "huber",
    of_classes: false,
    build: |given| Box::new(Huber { delta: given.delta }),
    usual: &[(&Huber { delta: 0.5 }, 3)],
};

impl Loss for Huber {
    fn name(&self) -> &'static str {
        "huber"
    }

    fn loss(&self, z: View, y: View, out: LossOutput) {
        ops::regression_loss(RegressionLoss::Huber(self.delta), z, y, out);
    }

    fn kink_sides(&self, z: View, y: View, sides: &mut Vec<bool>) {
        sides_of_target(z, y, self.delta, sides);
        sides_of_target(z, y, -self.delta, sides);
    }
}
