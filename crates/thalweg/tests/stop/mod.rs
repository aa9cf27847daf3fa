//! A callback that stops training, for tests.

use std::cell::Cell;

use thalweg::event::Event;
use thalweg::run::Callback;

/// Requests a stop after being polled this many times.
pub(crate) struct StopAfter(pub(crate) Cell<usize>);

impl Callback for StopAfter {
    fn event(&mut self, _: &Event) {}

    fn stop(&self) -> bool {
        self.0.replace(self.0.get().saturating_sub(1)) == 0
    }
}
