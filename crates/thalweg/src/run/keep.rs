//! Conversion of the training state to a checkpoint and back.

use serde::{Deserialize, Serialize};

use super::checkpoint::Checkpoint;
use crate::average::ParameterAverage;
use crate::error::{Error, Result};
use crate::io::tensors;
use crate::schedule::Plateau;
use crate::train::TrainSettings;
use crate::train::{Best, State};

/// The state's values other than its tensors.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TrainingCounters {
    fingerprint: String,
    epoch: usize,
    step: usize,
    t: u64,
    cost: f64,
    best: Best,
    best_epoch: usize,
    #[serde(rename = "waited")]
    epochs_without_improvement: usize,
    plateau: Plateau,
    learning_rate: f64,
    seconds: f64,
}

/// A state as a checkpoint; `fingerprint` identifies the data and configuration it belongs to.
pub(crate) fn keep(state: &State, fingerprint: &str) -> Checkpoint {
    let mut tensors =
        vec![tensors::store("theta", state.theta.view()), tensors::store("best_theta", state.best_theta.view())];
    tensors.extend(state.average.iter().map(|average| tensors::store("average", average.uncorrected().view())));
    tensors
        .extend(state.optimizer.iter().enumerate().map(|(i, v)| tensors::store(&format!("optimizer.{i}"), v.view())));
    let numbers = TrainingCounters {
        fingerprint: fingerprint.into(),
        epoch: state.epoch,
        step: state.step,
        t: state.t,
        cost: state.cost,
        best: state.best,
        best_epoch: state.best_epoch,
        epochs_without_improvement: state.epochs_without_improvement,
        plateau: state.plateau,
        learning_rate: state.learning_rate,
        seconds: state.seconds,
    };
    Checkpoint { tensors, state: serde_json::to_value(numbers).expect("numbers are plain data") }
}

/// Restores a checkpoint into a fresh state of the same network, unchanged on failure; `by` holds the settings and the
/// number of training rows.
///
/// # Errors
/// If it belongs to other data or another configuration, or no training could have produced it.
pub(crate) fn restore(
    state: &mut State,
    checkpoint: &Checkpoint,
    is_own: &dyn Fn(&str) -> bool,
    (settings, rows): (&TrainSettings, usize),
) -> Result<()> {
    let other = || {
        Error::data("the checkpoint belongs to other data or another configuration")
            .fix("restore the data and config.toml the run began with, or train anew")
    };
    let numbers: TrainingCounters = serde_json::from_value(checkpoint.state.clone()).map_err(|_| other())?;
    if !is_own(&numbers.fingerprint) {
        return Err(other());
    }
    numbers.check(settings, rows).map_err(wrong)?;
    let vectors: Vec<String> = (0..state.optimizer.len()).map(|i| format!("optimizer.{i}")).collect();
    let theta = (state.theta.shape(), state.theta.dtype());
    let mut wanted = vec![("theta", theta.0, theta.1), ("best_theta", theta.0, theta.1)];
    wanted.extend(state.average.iter().map(|_| ("average", theta.0, theta.1)));
    wanted.extend(vectors.iter().zip(&state.optimizer).map(|(name, v)| (name.as_str(), v.shape(), v.dtype())));
    let tensors = tensors::exactly(&checkpoint.tensors, &wanted).map_err(wrong)?;
    for ((name, ..), tensor) in wanted.iter().zip(&tensors) {
        // Squares of gradients may overflow to infinity without stopping training.
        let is_wrong = if vectors.iter().any(|own| own == name) { f64::is_nan } else { |x: f64| !x.is_finite() };
        if let Some(x) = tensors::first(tensor, is_wrong) {
            return Err(wrong(format!("{name} has the number {x}")));
        }
    }
    let mut tensors = tensors.into_iter();
    let mut next = || tensors.next().expect("as many as were wanted");
    (state.theta, state.best_theta) = (next(), next());
    if let Some(average) = &mut state.average {
        let epoch = if numbers.step > 0 { numbers.epoch + 1 } else { numbers.epoch.max(1) };
        let t = numbers.t.saturating_sub(settings.steps_before(epoch, rows));
        *average = ParameterAverage::new(average.beta(), next(), t);
    }
    state.optimizer.iter_mut().for_each(|vector| *vector = next());
    *state = State {
        epoch: numbers.epoch,
        step: numbers.step,
        t: numbers.t,
        cost: numbers.cost,
        best: numbers.best,
        best_epoch: numbers.best_epoch,
        epochs_without_improvement: numbers.epochs_without_improvement,
        plateau: numbers.plateau,
        learning_rate: numbers.learning_rate,
        seconds: numbers.seconds,
        ..state.clone()
    };
    Ok(())
}

/// The error for a checkpoint that no training could have produced.
fn wrong(what: String) -> Error {
    Error::data(format!("the checkpoint cannot be gone on from: {what}"))
        .fix("restore the file from a copy, or train anew")
}

impl TrainingCounters {
    /// Checks that training could have reached these values.
    fn check(&self, settings: &TrainSettings, rows: usize) -> Result<(), String> {
        let TrainingCounters { epoch, step, t, best_epoch, epochs_without_improvement, .. } = *self;
        if epoch > settings.epochs {
            return Err(format!("it is at epoch {epoch} of {}", settings.epochs));
        }
        let steps = rows.div_ceil(settings.batch_size_of(epoch + 1, rows).max(1));
        if step >= steps.max(1) {
            return Err(format!("it is at step {step} of an epoch of {steps}"));
        }
        // An epoch has at least one step, and at most one per row.
        let [least, most] =
            [1, rows as u64].map(|each| (epoch as u64).saturating_mul(each).saturating_add(step as u64));
        if !(least..=most).contains(&t) {
            return Err(format!("it is at epoch {epoch} and step {step} after {t} steps"));
        }
        if best_epoch > epoch || epochs_without_improvement > epoch {
            return Err(format!(
                "its best epoch is {best_epoch}, and {epochs_without_improvement} have been waited for, of {epoch}"
            ));
        }
        if self.learning_rate < 0.0 || self.seconds < 0.0 {
            return Err(format!("its learning rate is {}, after {} seconds", self.learning_rate, self.seconds));
        }
        Ok(())
    }
}
