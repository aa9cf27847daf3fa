//! Who looks on while something takes long: a Python function, and whoever presses Ctrl-C.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use thalweg::event::Event;
use thalweg::run::Callback;

use crate::errors::{caught, raised};
use crate::wording;

/// How often Python's signals are looked at.
pub(crate) const PAUSE: Duration = Duration::from_millis(50);

/// Does what a Python function looks on at, while other threads run; gives whether Ctrl-C ended it, too.
pub(crate) fn watched<T: Send>(
    py: Python<'_>,
    callback: Option<Py<PyAny>>,
    work: impl FnOnce(&mut Listener) -> thalweg::Result<T> + Send,
) -> PyResult<(T, bool)> {
    let mut listener = Listener::new(callback);
    let done = py.detach(|| caught(|| work(&mut listener)));
    let interrupted = listener.interrupted(py)?;
    Ok((done.map_err(|error| raised(py, &error))?, interrupted))
}

/// Passes events to a Python function as JSON. Work stops where that gives True or raises, or at Ctrl-C.
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
    fn new(callback: Option<Py<PyAny>>) -> Self {
        Listener { callback, seen: Mutex::new(Seen { stop: false, raised: None, looked: Instant::now() }) }
    }

    /// Whether work was ended by Ctrl-C.
    ///
    /// # Errors
    /// What the function raised.
    fn interrupted(self, py: Python<'_>) -> PyResult<bool> {
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

    /// Tells the function what is said as JSON.
    pub(crate) fn tell(&self, said: impl FnOnce() -> String) {
        let Some(callback) = &self.callback else { return };
        let text = said();
        let answer = Python::attach(|py| callback.call1(py, (text,))?.bind(py).is_truthy());
        self.note(answer);
    }

    /// Looks at Python's signals, which its main thread alone is handed.
    pub(crate) fn look(&self) {
        self.note(Python::attach(|py| py.check_signals()).map(|()| false));
    }

    /// Whether work is to stop, as far as is known.
    pub(crate) fn stopped(&self) -> bool {
        self.seen().stop
    }
}

impl Callback for Listener {
    fn event(&mut self, event: &Event) {
        self.tell(|| serde_json::to_string(&wording::of_event(event.clone())).unwrap_or_default());
    }

    fn stop(&self) -> bool {
        let mut seen = self.seen();
        if seen.stop || seen.looked.elapsed() < PAUSE {
            return seen.stop;
        }
        seen.looked = Instant::now();
        drop(seen);
        self.look();
        self.stopped()
    }
}
