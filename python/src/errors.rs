//! Errors of the library as Python's exceptions.

use pyo3::prelude::*;
use thalweg::{Error, Kind};

/// Does what may take long while other Python threads run.
pub(crate) fn released<T: Send>(py: Python<'_>, work: impl FnOnce() -> thalweg::Result<T> + Send) -> PyResult<T> {
    py.detach(work).map_err(|error| raised(py, &error))
}

/// The exception of a kind of error; its text has the place and the remedy.
pub(crate) fn raised(py: Python<'_>, error: &Error) -> PyErr {
    let name = match error.kind {
        Kind::Internal => "InternalError",
        Kind::Config => "ConfigError",
        Kind::Data => "DataError",
        Kind::Check => "CheckError",
        Kind::Diverged => "DivergedError",
        Kind::Interrupted => return pyo3::exceptions::PyKeyboardInterrupt::new_err(error.to_string()),
    };
    let made = py.import("thalweg.errors").and_then(|module| {
        module.getattr(name)?.call1((error.to_string(), error.place.as_deref(), error.remedy.as_deref()))
    });
    made.map_or_else(|failure| failure, PyErr::from_value)
}
