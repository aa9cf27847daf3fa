//! Half the squared error, the cost of linear regression.

use super::{Loss, Registered};
use crate::tensor::View;
use crate::tensor::ops::{self, LossOutput, RegressionLoss};

/// L = ½ Σ_j (z_j − y_j)²; dZ = z − y, the same paired delta as cross-entropy's.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Squared;

pub(super) const REGISTERED: Registered =
    Registered { name: "squared", of_classes: false, build: |_| Box::new(Squared), usual: &[(&Squared, 3)] };

impl Loss for Squared {
    fn name(&self) -> &'static str {
        "squared"
    }

    fn loss(&self, z: View, y: View, out: LossOutput) {
        ops::regression_loss(RegressionLoss::Squared, z, y, out);
    }
}
