//! The pinball loss, whose minimum is a quantile (Koenker and Bassett 1978).

use std::borrow::Cow;

use super::{Loss, Registered};
use crate::tensor::ops::{self, LossOutput};
use crate::tensor::{View, ViewMut};

/// With one output z for each quantile τ of a target: L = Σ_τ max(τ(y − z), (τ − 1)(y − z)); dZ = −τ below y, 1 − τ above,
/// and 0 at z = y.
///
/// Nothing keeps the outputs for 0.1 below those for 0.9 in training. Answers are sorted, which never takes them farther from
/// the true quantiles (Chernozhukov, Fernández-Val and Galichon 2010), and needs no layer of its own.
///
/// ```
/// use thalweg::losses::{Cost, Pinball};
/// use thalweg::tensor::{Dtype, Tensor};
///
/// let z = Tensor::from_f64([1, 2], vec![1.0, 5.0]);
/// let y = Tensor::from_f64([1, 1], vec![3.0]);
/// let loss = Pinball { quantiles: vec![0.25, 0.75].into() };
/// let cost = Cost::new(1, Dtype::F64).compute(&loss, z.view(), y.view(), None, None);
/// assert_eq!(cost, 0.25 * 2.0 + (1.0 - 0.75) * 2.0);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Pinball {
    /// τ, ascending.
    pub quantiles: Cow<'static, [f64]>,
}

pub(super) const REGISTERED: Registered = Registered {
    name: "pinball",
    of_classes: false,
    build: |given| {
        let quantiles = if given.quantiles.is_empty() { &[0.5][..] } else { given.quantiles };
        Box::new(Pinball { quantiles: quantiles.to_vec().into() })
    },
    usual: &[(&Pinball { quantiles: Cow::Borrowed(&[0.1, 0.5, 0.75]) }, 1)],
};

impl Loss for Pinball {
    fn name(&self) -> &'static str {
        "pinball"
    }

    fn loss(&self, z: View, y: View, out: LossOutput) {
        ops::pinball_loss(&self.quantiles, z, y, out);
    }

    fn takes(&self, logits: usize, columns: usize) -> bool {
        columns * self.quantiles.len() == logits
    }

    fn answer(&self, z: ViewMut) {
        ops::sort_each(self.quantiles.len(), z);
    }

    fn kink_sides(&self, z: View, y: View, sides: &mut Vec<bool>) {
        sides.extend((0..z.len()).map(|i| z.at(i) > y.at(i / self.quantiles.len())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::losses::Cost;
    use crate::tensor::{Dtype, Tensor};

    #[test]
    fn the_derivative_is_the_share_that_is_wanted_below() {
        // Two targets of two quantiles each.
        let loss = Pinball { quantiles: vec![0.1, 0.9].into() };
        let z = Tensor::from_f64([1, 4], vec![1.0, 3.0, 2.0, 2.0]);
        let y = Tensor::from_f64([1, 2], vec![2.0, 2.0]);
        let mut dz = Tensor::zeros([1, 4], Dtype::F64);
        let cost = Cost::new(1, Dtype::F64).compute(&loss, z.view(), y.view(), None, Some(dz.view_mut()));
        assert!((cost - 0.2).abs() < 1e-15);
        assert_eq!(dz.to_f64(), [-0.1, 1.0 - 0.9, 0.0, 0.0]);
        assert!(loss.takes(4, 2) && !loss.takes(4, 4));
    }

    #[test]
    fn the_best_constant_is_the_quantile() {
        // Of 1, 2, …, 9 the quantile 0.75 is the 7th: ⌈0.75 · 9⌉.
        let loss = Pinball { quantiles: vec![0.75].into() };
        let y = Tensor::from_f64([9, 1], (1..10).map(f64::from).collect());
        let cost = |z: f64| {
            let z = Tensor::from_f64([9, 1], vec![z; 9]);
            Cost::new(9, Dtype::F64).compute(&loss, z.view(), y.view(), None, None)
        };
        assert!((1..10).all(|z| z == 7 || cost(f64::from(z)) > cost(7.0)));
    }

    #[test]
    fn answers_do_not_cross() {
        let mut z = Tensor::from_f32([2, 4], vec![3.0, 1.0, 0.0, 2.0, -1.0, -2.0, 5.0, 5.0]);
        Pinball { quantiles: vec![0.1, 0.9].into() }.answer(z.view_mut());
        assert_eq!(z.to_f64(), [1.0, 3.0, 0.0, 2.0, -2.0, -1.0, 5.0, 5.0]);
    }
}
