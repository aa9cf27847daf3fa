//! Layers that keep their parameters for a while, and rates that fall with depth: how a trained body learns a new task.

use std::ops::Range;

use crate::network::Network;
use crate::tensor::{Tensor, ops};

/// Which layers keep their parameters, and how much slower than the last one the others learn.
///
/// The rate of a layer is α · decay^d, d being the number of layers with weights behind it (Howard and Ruder 2018).
#[derive(Debug, Clone, PartialEq)]
pub struct Freeze {
    /// How many of the first layers keep their parameters and their running statistics.
    pub layers: usize,
    /// The epochs after which these are trained, too; never, if there are none.
    pub epochs: Option<usize>,
    /// The rate of a layer, as a share of that of the next one with weights.
    pub layer_decay: f64,
    /// Parts of the trained parameters that keep their values.
    pub held: Vec<Range<usize>>,
}

impl Default for Freeze {
    /// Every layer is trained at one rate.
    fn default() -> Self {
        Freeze { layers: 0, epochs: None, layer_decay: 1.0, held: Vec::new() }
    }
}

impl Freeze {
    /// How many of the first layers keep their parameters in an epoch (from 1).
    pub(super) fn frozen(&self, epoch: usize) -> usize {
        if self.epochs.is_some_and(|epochs| epoch > epochs) { 0 } else { self.layers }
    }

    /// Whether layers are trained from this epoch (from 1) on that were not before. Training then begins anew: the
    /// optimiser's averages know nothing of them, and its bias correction would take their first gradients for old ones.
    pub(super) fn thaws_in(&self, epoch: usize) -> bool {
        epoch > 1 && self.frozen(epoch) < self.frozen(epoch - 1)
    }

    /// The epochs before the phase that an epoch belongs to, and those of the phase, of so many in all: one phase while
    /// layers are frozen, and one in which all are trained.
    pub(super) fn phase(&self, epoch: usize, epochs: usize) -> (usize, usize) {
        match self.epochs {
            Some(until) if self.layers > 0 && epoch > until => (until, epochs - until),
            Some(until) if self.layers > 0 => (0, until.min(epochs)),
            _ => (0, epochs),
        }
    }

    /// The parts of the trained parameters that learn at less than the whole rate in an epoch, with their share of it.
    pub(super) fn shares(&self, network: &Network, epoch: usize) -> Vec<(Range<usize>, f64)> {
        let (layout, count, frozen) = (network.layout(), network.layers().len(), self.frozen(epoch));
        let mut behind = 0;
        let mut shares: Vec<(Range<usize>, f64)> = self.held.iter().map(|part| (part.clone(), 0.0)).collect();
        for layer in (0..count).rev() {
            let trained = || layout.of_layer(layer).iter().filter(|entry| entry.trained);
            let start = trained().map(|entry| entry.start).min();
            let end = trained().map(|entry| entry.start + entry.shape.size()).max();
            let share = if layer < frozen { 0.0 } else { self.layer_decay.powi(behind) };
            shares.extend(start.zip(end).filter(|_| share < 1.0).map(|(start, end)| (start..end, share)));
            behind += i32::from(trained().any(|entry| entry.decays));
        }
        shares
    }
}

/// The parts of θ that change by less than the optimiser says.
#[derive(Default)]
pub(super) struct Slower {
    /// Each with its share of the change.
    pub(super) shares: Vec<(Range<usize>, f64)>,
    /// θ before a step.
    before: Option<Tensor>,
}

impl Slower {
    /// The L2 term has a gradient for every weight; those of frozen layers do not count in the gradient's norm.
    pub(super) fn leave_out_frozen(&self, gradient: &mut Tensor) {
        for (range, _) in self.shares.iter().filter(|(_, share)| *share == 0.0) {
            ops::fill(gradient.view_mut().part(range.start, [range.len()]), 0.0);
        }
    }

    /// Runs a step: of its change to each part, only the part's share remains. An optimiser's change is proportional to α.
    pub(super) fn around(&mut self, theta: &mut Tensor, step: impl FnOnce(&mut Tensor)) {
        if self.shares.is_empty() {
            return step(theta);
        }
        let before = self.before.get_or_insert_with(|| theta.clone());
        ops::copy(theta.view(), before.view_mut());
        step(theta);
        for (range, share) in &self.shares {
            let (size, start) = ([range.len()], range.start);
            let (old, mut new) = (before.view().part(start, size), theta.view_mut().part(start, size));
            if *share == 0.0 {
                ops::copy(old, new);
            } else {
                ops::scale(new.reborrow(), *share);
                ops::add_scaled(new, 1.0 - share, old);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::{Activate, BatchNorm, Layer, Linear};
    use crate::tensor::Activation;

    #[test]
    fn rates_fall_with_depth_and_frozen_layers_have_none() {
        let linear = |units| Box::new(Linear::new(units, Activation::Identity)) as Box<dyn Layer>;
        let relu = Box::new(Activate { activation: Activation::Relu });
        let network =
            Network::new(2, vec![linear(3), Box::new(BatchNorm::default()), relu, linear(1), linear(1)]).unwrap();
        let freeze = Freeze { layers: 2, epochs: Some(4), layer_decay: 0.5, ..Freeze::default() };
        // W and b of 2 to 3, γ and β of 3, W and b of 3 to 1 and of 1 to 1.
        assert_eq!(freeze.shares(&network, 4), [(15..19, 0.5), (9..15, 0.0), (0..9, 0.0)]);
        assert_eq!(freeze.shares(&network, 5), [(15..19, 0.5), (9..15, 0.25), (0..9, 0.25)]);
        assert_eq!([1, 4, 5, 6].map(|epoch| freeze.thaws_in(epoch)), [false, false, true, false]);
        assert_eq!([4, 5, 6].map(|epoch| freeze.phase(epoch, 10)), [(0, 4), (4, 6), (4, 6)]);
        assert_eq!(Freeze::default().phase(5, 10), (0, 10));
        assert!(Freeze::default().shares(&network, 1).is_empty());
    }
}
