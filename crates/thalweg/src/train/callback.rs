//! Callbacks: how a caller follows training as it runs, and requests a stop.

use super::State;
use crate::error::Result;
use crate::event::Event;

/// Receives the events of training (or, with another `E`, of another long task), and may request a stop.
///
/// ```
/// use thalweg::event::Event;
/// use thalweg::run::Callback;
///
/// struct StopAtEpoch(usize, usize);
///
/// impl Callback for StopAtEpoch {
///     fn event(&mut self, event: &Event) {
///         if let Event::EpochEnded { epoch, .. } = event {
///             self.1 = *epoch;
///         }
///     }
///
///     fn stop(&self) -> bool {
///         self.1 >= self.0
///     }
/// }
/// ```
pub trait Callback<E = Event> {
    /// Receives an event.
    fn event(&mut self, event: &E);

    /// Whether to stop now; a run can be resumed, a search continued.
    fn stop(&self) -> bool {
        false
    }

    /// Receives the learning rate and the cost of a step.
    fn step(&mut self, _learning_rate: f64, _cost: f64) {}

    /// Saves the state at the end of an epoch, or where training was interrupted.
    ///
    /// # Errors
    /// If it cannot be saved; training then stops with that error.
    fn checkpoint(&mut self, _state: &State) -> Result<()> {
        Ok(())
    }
}

/// A function of events is a callback that never requests a stop.
impl<E, F: FnMut(&E)> Callback<E> for F {
    fn event(&mut self, event: &E) {
        self(event);
    }
}
