//! The absolute error, which is less sensitive to outliers than the squared error.

use super::{Loss, Registered, sides_of_target};
use crate::tensor::View;
use crate::tensor::ops::{self, LossOutput, RegressionLoss};

/// L = Σ_j |z_j − y_j|; dZ = sign(z − y), and 0 at z = y.
///
/// ```
/// use thalweg::losses::{Cost, Absolute};
/// use thalweg::tensor::{Dtype, Tensor};
///
/// let z = Tensor::from_f64([2, 1], vec![3.0, 1.0]);
/// let y = Tensor::from_f64([2, 1], vec![1.0, 2.0]);
/// let cost = Cost::new(2, Dtype::F64).compute(&Absolute, z.view(), y.view(), None, None);
/// assert_eq!(cost, (2.0 + 1.0) / 2.0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Absolute;

pub(super) const REGISTERED: Registered =
    Registered { name: "absolute", of_classes: false, build: |_| Box::new(Absolute), usual: &[(&Absolute, 3)] };

impl Loss for Absolute {
    fn name(&self) -> &'static str {
        "absolute"
    }

    fn loss(&self, z: View, y: View, out: LossOutput) {
        ops::regression_loss(RegressionLoss::Absolute, z, y, out);
    }

    fn kink_sides(&self, z: View, y: View, sides: &mut Vec<bool>) {
        sides_of_target(z, y, 0.0, sides);
    }
}
