//! Everything that training changes: what a checkpoint saves.

use serde::{Deserialize, Serialize};

use crate::average::ParameterAverage;
use crate::metrics::Metrics;
use crate::network::Network;
use crate::optimizers::{self, Optimizer};
use crate::schedule::Plateau;
use crate::tensor::{Dtype, Tensor, ops};

/// The state of training between two steps. With the data and the settings it determines every later bit.
#[derive(Debug, Clone)]
pub struct State {
    /// θ.
    pub theta: Tensor,
    /// The optimiser's vectors.
    pub optimizer: Vec<Tensor>,
    /// The average of θ, if one is kept.
    pub average: Option<ParameterAverage>,
    /// The best parameters so far.
    pub best_theta: Tensor,
    /// Epochs done.
    pub epoch: usize,
    /// Steps done in the next epoch.
    pub step: usize,
    /// Steps done in all.
    pub t: u64,
    /// Sum of the costs of the steps done in the next epoch.
    pub cost: f64,
    /// The result of the best parameters.
    pub best: Best,
    /// Their epoch.
    pub best_epoch: usize,
    /// Epochs since then.
    pub epochs_without_improvement: usize,
    /// The plateau schedule's count.
    pub plateau: Plateau,
    /// α of the last step.
    pub learning_rate: f64,
    /// Seconds of training.
    pub seconds: f64,
}

impl State {
    /// The state before the first step, at random initialisation.
    pub fn new(network: &Network, optimizer: &dyn Optimizer, seed: u64, average: f64, dtype: Dtype) -> State {
        Self::from_theta(network, optimizer, network.initialize(seed, dtype), average)
    }

    /// Empties the optimiser's vectors and the average of θ, and forgets how long it has been without improvement.
    pub(super) fn begin_anew(&mut self) {
        (self.epochs_without_improvement, self.plateau) = (0, Plateau::default());
        self.optimizer.iter_mut().for_each(|vector| ops::fill(vector.view_mut(), 0.0));
        if let Some(average) = &mut self.average {
            *average = ParameterAverage::new(average.beta(), Tensor::zeros(self.theta.shape(), self.theta.dtype()), 0);
        }
    }

    /// The state before the first step, from given parameters.
    pub fn from_theta(network: &Network, optimizer: &dyn Optimizer, theta: Tensor, average: f64) -> State {
        let dtype = theta.dtype();
        let zeros = || Tensor::zeros(theta.shape(), dtype);
        State {
            optimizer: optimizers::new_state(optimizer, network.layout().trained(), dtype),
            average: (average > 0.0).then(|| ParameterAverage::new(average, zeros(), 0)),
            best_theta: theta.clone(),
            theta,
            epoch: 0,
            step: 0,
            t: 0,
            cost: 0.0,
            best: Best::default(),
            best_epoch: 0,
            epochs_without_improvement: 0,
            plateau: Plateau::default(),
            learning_rate: 0.0,
            seconds: 0.0,
        }
    }
}

/// A dev result by which epochs are compared; lower is better.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// The monitored metric, negated if higher is better.
    pub value: f64,
    /// The dev loss, which breaks ties.
    pub loss: f64,
}

impl Default for Best {
    fn default() -> Self {
        Best { value: f64::MAX, loss: f64::MAX }
    }
}

impl Best {
    /// An epoch's result; the loss stands in for a metric that is undefined on the dev part.
    pub(crate) fn candidate((monitor, higher): &(String, bool), dev_loss: Option<f64>, dev: &Metrics) -> Best {
        let loss = dev_loss.filter(|loss| loss.is_finite()).unwrap_or(f64::MAX);
        let value = match dev.get(monitor) {
            Some(metric) if *higher => -metric.value,
            Some(metric) => metric.value,
            None => loss,
        };
        Best { value, loss }
    }

    /// Whether it is better than another.
    pub(crate) fn beats(&self, other: &Best) -> bool {
        (self.value, self.loss) < (other.value, other.loss)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::Linear;
    use crate::optimizers::Momentum;
    use crate::tensor::Activation;

    #[test]
    fn a_new_beginning_keeps_the_parameters_alone() {
        let network = Network::new(2, vec![Box::new(Linear::new(1, Activation::Identity))]).unwrap();
        let mut state = State::new(&network, &Momentum::COURSE, 1, 0.9, Dtype::F64);
        let theta = state.theta.clone();
        let fresh = state.clone();
        state.optimizer.iter_mut().for_each(|vector| ops::fill(vector.view_mut(), 1.0));
        state.average.as_mut().unwrap().observe(theta.view());
        (state.epochs_without_improvement, state.plateau.reductions) = (3, 2);
        state.begin_anew();
        assert_eq!((state.optimizer, state.theta), (fresh.optimizer, theta));
        assert_eq!(state.plateau, fresh.plateau);
        let averages = [&state.average, &fresh.average].map(|average| average.as_ref().unwrap().uncorrected());
        assert_eq!(averages[0], averages[1]);
        assert_eq!(state.epochs_without_improvement, 0);
    }
}
