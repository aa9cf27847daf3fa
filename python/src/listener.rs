//! Who looks on while a network is trained: a Python function, and whoever presses Ctrl-C.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use thalweg::run::Watch;
use thalweg::train::event::Event;

/// How often Python's signals are looked at.
const PAUSE: Duration = Duration::from_millis(50);

/// Passes events to a Python function as JSON. Training stops where that gives True or raises, or at Ctrl-C.
pub(crate) struct Listener {
    callback: Option<Py<PyAny>>,
    seen: Mutex<Seen>,
}

struct Seen {
    stop: bool,
    raised: Option<PyErr>,
    looked: Instant,
}

impl Listener {
    pub(crate) fn new(callback: Option<Py<PyAny>>) -> Self {
        Listener { callback, seen: Mutex::new(Seen { stop: false, raised: None, looked: Instant::now() }) }
    }

    /// Whether training was ended by Ctrl-C.
    ///
    /// # Errors
    /// What the function raised.
    pub(crate) fn interrupted(self, py: Python<'_>) -> PyResult<bool> {
        match self.seen.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()).raised {
            None => Ok(false),
            Some(error) if error.is_instance_of::<PyKeyboardInterrupt>(py) => Ok(true),
            Some(error) => Err(error),
        }
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn note(&self, answer: PyResult<bool>) {
        let mut seen = self.seen();
        match answer {
            Ok(stop) => seen.stop |= stop,
            Err(error) => {
                seen.stop = true;
                seen.raised.get_or_insert(error);
            }
        }
    }
}

impl Watch for Listener {
    fn event(&mut self, event: &Event) {
        let Some(callback) = &self.callback else { return };
        let text = serde_json::to_string(event).unwrap_or_default();
        let answer = Python::attach(|py| callback.call1(py, (text,))?.bind(py).is_truthy());
        self.note(answer);
    }

    fn stop(&self) -> bool {
        let mut seen = self.seen();
        if seen.stop || seen.looked.elapsed() < PAUSE {
            return seen.stop;
        }
        seen.looked = Instant::now();
        drop(seen);
        self.note(Python::attach(|py| py.check_signals()).map(|()| false));
        self.seen().stop
    }
}
