//! The state of training as a checkpoint, and back.

use serde::{Deserialize, Serialize};

use super::checkpoint::Checkpoint;
use super::state::{Best, State};
use crate::average::ParameterAverage;
use crate::error::{Error, Result};
use crate::model::tensors;
use crate::schedule::Plateau;
use crate::tensor::Tensor;

/// What a state has besides its vectors.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Numbers {
    fingerprint: String,
    epoch: usize,
    step: usize,
    t: u64,
    cost: f64,
    best: Best,
    best_epoch: usize,
    waited: usize,
    plateau: Plateau,
    learning_rate: f64,
    seconds: f64,
}

/// A state as a checkpoint; `fingerprint` tells the data and configuration it belongs to.
pub(crate) fn keep(state: &State, fingerprint: &str) -> Checkpoint {
    let mut tensors =
        vec![tensors::store("theta", state.theta.view()), tensors::store("best_theta", state.best_theta.view())];
    tensors.extend(state.average.iter().map(|average| tensors::store("average", average.uncorrected().view())));
    tensors
        .extend(state.optimizer.iter().enumerate().map(|(i, v)| tensors::store(&format!("optimizer.{i}"), v.view())));
    let numbers = Numbers {
        fingerprint: fingerprint.into(),
        epoch: state.epoch,
        step: state.step,
        t: state.t,
        cost: state.cost,
        best: state.best,
        best_epoch: state.best_epoch,
        waited: state.waited,
        plateau: state.plateau,
        learning_rate: state.learning_rate,
        seconds: state.seconds,
    };
    Checkpoint { tensors, state: serde_json::to_value(numbers).expect("numbers are plain data") }
}

/// Puts a checkpoint into a fresh state of the same network.
///
/// # Errors
/// If it belongs to other data or another configuration.
pub(crate) fn restore(state: &mut State, checkpoint: &Checkpoint, fingerprint: &str) -> Result<()> {
    let other = || {
        Error::data("the checkpoint belongs to other data or another configuration")
            .fix("restore the data and config.toml the run began with, or train anew")
    };
    let numbers: Numbers = serde_json::from_value(checkpoint.state.clone()).map_err(|_| other())?;
    if numbers.fingerprint != fingerprint {
        return Err(other());
    }
    let find = |name: &str, like: &Tensor| {
        let stored = checkpoint.tensors.iter().find(|stored| stored.name == name).ok_or_else(other)?;
        tensors::load(stored, like.shape(), like.dtype()).ok_or_else(other)
    };
    state.best_theta = find("best_theta", &state.theta)?;
    state.theta = find("theta", &state.theta)?;
    if let Some(average) = &mut state.average {
        *average = ParameterAverage::new(average.beta(), find("average", &state.theta)?, numbers.t);
    }
    for (i, vector) in state.optimizer.iter_mut().enumerate() {
        *vector = find(&format!("optimizer.{i}"), vector)?;
    }
    let Numbers { epoch, step, t, cost, best, best_epoch, waited, plateau, learning_rate, seconds, .. } = numbers;
    *state = State { epoch, step, t, cost, best, best_epoch, waited, plateau, learning_rate, seconds, ..state.clone() };
    Ok(())
}
