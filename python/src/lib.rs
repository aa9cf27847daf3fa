//! Thalweg's Python package: what the library does, with NumPy arrays and Python's exceptions. Estimators, tables and
//! displays are written in Python, on top of this.
#![forbid(unsafe_code)]

mod compare;
mod data;
mod errors;
mod listener;
mod model;
mod network;
mod series;
mod training;
mod tune;
mod wording;

use pyo3::prelude::*;

/// The compiled part of the package.
#[pymodule]
mod _native {
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::compare::compare;
    #[pymodule_export]
    use super::data::Data;
    #[pymodule_export]
    use super::model::Model;
    #[pymodule_export]
    use super::network::Network;
    #[pymodule_export]
    use super::series::{Series, train_series};
    #[pymodule_export]
    use super::training::{Learner, Run, check_path, open_run, train, train_path};
    #[pymodule_export]
    use super::tune::{search, study, study_report};

    /// The version of the package.
    #[pymodule_export]
    const VERSION: &str = env!("CARGO_PKG_VERSION");

    #[pymodule_init]
    fn init(_module: &Bound<'_, PyModule>) -> PyResult<()> {
        super::errors::quiet_panics();
        Ok(())
    }

    /// Panics with a message, for the tests of what a fault comes to; in a build for development alone.
    #[cfg(debug_assertions)]
    #[pyfunction(name = "_panic")]
    fn panics(py: Python<'_>, message: &str, in_a_thread: bool) -> PyResult<()> {
        let fault = || -> thalweg::Result<()> { panic!("{message}") };
        if !in_a_thread {
            return super::errors::held(py, fault);
        }
        super::errors::released(py, || {
            std::thread::scope(|scope| {
                let thread = scope.spawn(fault);
                thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
        })
    }

    /// Advice as the library writes it, its options as keywords: for tests, too.
    #[cfg(debug_assertions)]
    #[pyfunction(name = "_in_python")]
    fn in_python(text: &str) -> String {
        super::wording::of_advice(&text.into()).to_string()
    }

    /// Every option as JSON: section, name, default and meaning.
    #[pyfunction]
    fn options() -> String {
        let option_specs = thalweg::config::option_specs().iter().map(|option| {
            serde_json::json!({
                "section": option.section,
                "name": option.name,
                "default": option.default,
                "doc": option.doc,
                "choices": option.choices,
            })
        });
        serde_json::Value::from_iter(option_specs).to_string()
    }
}
