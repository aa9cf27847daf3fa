//! Training on data in memory.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use pyo3::prelude::*;
use serde_json::Value;
use thalweg::Advice;
use thalweg::config::Config;
use thalweg::doctor;
use thalweg::event::{Decision, Event};
use thalweg::findings::Finding;
use thalweg::run::{self, Trained};

use crate::data::Data;
use crate::errors::{held, released};
use crate::listener::watched;
use crate::model::Model;
use crate::wording;

/// What training came to.
#[pyclass(frozen)]
pub(crate) struct Run {
    model: Arc<thalweg::model::Model>,
    events: Vec<Event>,
    interrupted: bool,
    folder: Option<PathBuf>,
}

#[pymethods]
impl Run {
    /// The model with the best parameters.
    #[getter]
    fn model(&self) -> Model {
        Model(self.model.clone())
    }

    /// Everything told on the way, as a JSON list.
    fn events(&self, py: Python<'_>) -> PyResult<String> {
        held(py, || Ok(serde_json::to_string(&self.events).unwrap_or_default()))
    }

    /// Whether Ctrl-C ended it.
    #[getter]
    fn interrupted(&self) -> bool {
        self.interrupted
    }

    /// Its folder, if it has one.
    #[getter]
    fn folder(&self) -> Option<PathBuf> {
        self.folder.clone()
    }

    /// The names and the SVG of the report's figures.
    fn figures(&self, py: Python<'_>) -> PyResult<Vec<(String, String)>> {
        let figures = released(py, || Ok(thalweg::report::figures(&self.events)))?;
        Ok(figures.into_iter().map(|figure| (figure.name, figure.svg)).collect())
    }

    /// The model card, in Markdown.
    fn card(&self, py: Python<'_>) -> PyResult<String> {
        held(py, || {
            let place = self.folder.as_ref().map(|folder| folder.display().to_string());
            Ok(thalweg::report::card(&self.model, &self.events, place.as_deref()))
        })
    }

    /// What is wrong, by its events and, where it has a folder, its data: a JSON list.
    #[pyo3(signature = (human_level=None))]
    fn findings(&self, py: Python<'_>, human_level: Option<f64>) -> PyResult<String> {
        released(py, || {
            let found = match &self.folder {
                Some(folder) => doctor::examine(folder, doctor::DoctorOptions { human_level })?.findings,
                None => thalweg::findings::of_events(&self.events, human_level),
            };
            let each: Vec<Value> = found.iter().map(finding).collect::<thalweg::Result<_>>()?;
            Ok(Value::from(each).to_string())
        })
    }

    /// The report: one self-contained HTML page.
    fn report(&self, py: Python<'_>) -> PyResult<String> {
        released(py, || Ok(thalweg::report::html(&self.events)))
    }
}

impl Run {
    pub(crate) fn new(
        model: thalweg::model::Model,
        events: Vec<Event>,
        interrupted: bool,
        folder: Option<PathBuf>,
    ) -> Self {
        let events = events.into_iter().map(wording::of_event).collect();
        Run { model: Arc::new(model), events, interrupted, folder }
    }
}

/// A finding with its options as keywords and their values.
fn finding(found: &Finding) -> thalweg::Result<Value> {
    let prescription = &found.prescription;
    let options = prescription.options();
    // Each value as its option has it.
    let config = serde_json::json!(Config::default().with(options.iter().copied())?);
    let value = |name: &str| config.as_object()?.values().find_map(|section| section.get(name)).cloned();
    let options: serde_json::Map<String, Value> =
        options.iter().filter_map(|(name, _)| Some((name.to_string(), value(name)?))).collect();
    let mut object = found.to_json("");
    object["prescription"] = serde_json::json!({
        "advice": wording::of_advice(&prescription.advice).to_string(),
        "options": options,
        "expected": prescription.expected,
    });
    Ok(object)
}

/// Trains on data in memory. `options` are JSON; `decisions` are told with those made here.
#[pyfunction]
#[pyo3(signature = (options, data, dev=None, start=None, callback=None, decisions=Vec::new()))]
pub(crate) fn train(
    py: Python<'_>,
    options: &str,
    data: &Data,
    dev: Option<&Data>,
    start: Option<&Model>,
    callback: Option<Py<PyAny>>,
    decisions: Vec<(String, String, String)>,
) -> PyResult<Run> {
    let (Trained { model, events, .. }, interrupted) = watched(py, callback, |listener| {
        let mut config = config(options)?;
        data.freeze(&mut config);
        let mut dataset = data.dataset(dev, &config)?;
        let given =
            decisions.into_iter().map(|(what, why, instead)| Decision { what, why, instead: Advice::words(instead) });
        dataset.decisions.splice(0..0, given);
        run::train_on(&config, &dataset, start.map(|model| &*model.0), listener)
    })?;
    Ok(Run::new(model, events, interrupted, None))
}

/// A network that learns from one portion of rows after another.
#[pyclass(frozen)]
pub(crate) struct Learner(Mutex<run::Learner>);

#[pymethods]
impl Learner {
    /// Plans for rows like these, or goes on with a model.
    #[new]
    #[pyo3(signature = (options, data, start=None))]
    fn new(py: Python<'_>, options: &str, data: &Data, start: Option<&Model>) -> PyResult<Learner> {
        let learner = released(py, || {
            let mut config = config(options)?;
            data.freeze(&mut config);
            match start.map(|model| &model.0) {
                None => run::Learner::new(config.clone(), data.dataset(None, &config)?, None),
                Some(model) => run::Learner::new(config, data.encoded(model.fitted())?, Some(model)),
            }
        })?;
        Ok(Learner(Mutex::new(learner)))
    }

    /// One epoch on these rows; gives whether Ctrl-C ended it.
    fn learn(&self, py: Python<'_>, data: &Data) -> PyResult<bool> {
        let ((), interrupted) = watched(py, None, |listener| {
            let mut learner = self.learner();
            let rows = data.encoded(learner.fitted())?;
            learner.learn(&rows, listener)
        })?;
        Ok(interrupted)
    }

    /// The model as it is now.
    fn model(&self, py: Python<'_>) -> PyResult<Model> {
        Ok(Model(Arc::new(released(py, || self.learner().model())?)))
    }
}

impl Learner {
    fn learner(&self) -> MutexGuard<'_, run::Learner> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Trains on data that the options name, in a run folder.
#[pyfunction]
#[pyo3(signature = (options, callback=None))]
pub(crate) fn train_path(py: Python<'_>, options: &str, callback: Option<Py<PyAny>>) -> PyResult<Run> {
    let (run, interrupted) = watched(py, callback, |listener| {
        let outcome = run::train(&config(options)?, listener)?;
        opened(&outcome.run)
    })?;
    Ok(Run { interrupted, ..run })
}

/// A run from its folder.
#[pyfunction]
pub(crate) fn open_run(py: Python<'_>, folder: PathBuf) -> PyResult<Run> {
    released(py, || opened(&folder))
}

fn opened(folder: &Path) -> thalweg::Result<Run> {
    let (events, _) = thalweg::report::read_events(folder.join("events.jsonl"))?;
    let model = thalweg::model::Model::load(folder)?;
    Ok(Run::new(model, events, false, Some(folder.to_path_buf())))
}

/// Checks the gradients of the network that options give, on the data that they name; JSON.
#[pyfunction]
pub(crate) fn check_path(py: Python<'_>, options: &str, after_steps: usize, epsilon: f64) -> PyResult<String> {
    /// Rows that a check looks at, as on the command line.
    const MOST_ROWS: usize = 64;
    released(py, || {
        let reports = run::check(&config(options)?, after_steps, epsilon, MOST_ROWS)?;
        Ok(serde_json::json!(reports).to_string())
    })
}

/// A configuration from options as JSON.
pub(crate) fn config(options: &str) -> thalweg::Result<Config> {
    let options: serde_json::Map<String, Value> =
        serde_json::from_str(options).map_err(|error| thalweg::Error::config(error.to_string()))?;
    Config::from_values(options)
}
