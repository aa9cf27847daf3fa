//! Errors of the library as Python's exceptions.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Mutex, MutexGuard};

use pyo3::prelude::*;
use thalweg::{Error, ErrorKind};

use crate::wording;

/// Where the last panic was: nothing but the hook is told.
static PLACE: Mutex<String> = Mutex::new(String::new());

/// Does what may take long while other Python threads run.
pub(crate) fn released<T: Send>(py: Python<'_>, work: impl FnOnce() -> thalweg::Result<T> + Send) -> PyResult<T> {
    py.detach(|| caught(work)).map_err(|error| raised(py, &error))
}

/// Does what is quick, or reads what Python holds.
pub(crate) fn held<T>(py: Python<'_>, work: impl FnOnce() -> thalweg::Result<T>) -> PyResult<T> {
    caught(work).map_err(|error| raised(py, &error))
}

/// Does work whose panic becomes an error: PyO3 would raise what `except Exception` does not catch.
pub(crate) fn caught<T>(work: impl FnOnce() -> thalweg::Result<T>) -> thalweg::Result<T> {
    panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(fault(&*panic)))
}

/// Keeps panics from standard error, as they are raised; with RUST_BACKTRACE set they are printed, too.
pub(crate) fn quiet_panics() {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        *place() = info.location().map(ToString::to_string).unwrap_or_default();
        if std::env::var_os("RUST_BACKTRACE").is_some_and(|set| set != "0") {
            usual(info);
        }
    }));
}

/// The exception of a kind of error; its text has the place and the remedy, in words of Python.
pub(crate) fn raised(py: Python<'_>, error: &Error) -> PyErr {
    let name = match error.kind {
        ErrorKind::Internal => "InternalError",
        ErrorKind::Config => "ConfigError",
        ErrorKind::Data => "DataError",
        ErrorKind::Check => "CheckError",
        ErrorKind::Diverged => "DivergedError",
        ErrorKind::Interrupted => return pyo3::exceptions::PyKeyboardInterrupt::new_err(error.to_string()),
    };
    let error = wording::of_error(error);
    let made = py.import("thalweg.errors").and_then(|module| {
        module.getattr(name)?.call1((
            error.to_string(),
            error.place.as_deref(),
            error.remedy.as_ref().map(ToString::to_string),
        ))
    });
    made.map_or_else(|failure| failure, PyErr::from_value)
}

fn fault(panic: &(dyn Any + Send)) -> Error {
    let message = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    Error::internal(message.unwrap_or("a panic without a message"))
        .at(std::mem::take(&mut *place()))
        .fix("this is a fault of Thalweg: please report it, with what led to it")
}

fn place() -> MutexGuard<'static, String> {
    PLACE.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
