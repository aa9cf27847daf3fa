//! The search for better options.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pyo3::prelude::*;
use serde_json::{Value, json};
use thalweg::tune::{self, Fact, Found, Onlooker, SearchEnd, Study};

use crate::errors::{raised, released};
use crate::training::config;

/// How often Python's signals are looked at.
const PAUSE: Duration = Duration::from_millis(50);

/// Passes facts to a Python function as JSON; stops where that gives True or raises.
struct Listener {
    callback: Option<Py<PyAny>>,
    stop: AtomicBool,
    raised: Mutex<Option<PyErr>>,
}

impl Listener {
    fn note(&self, answer: PyResult<bool>) {
        match answer {
            Ok(false) => return,
            Ok(true) => {}
            Err(error) => {
                self.raised.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).get_or_insert(error);
            }
        }
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl Onlooker for Listener {
    fn fact(&self, fact: &Fact) {
        let Some(callback) = &self.callback else { return };
        let text = told(fact).to_string();
        self.note(Python::attach(|py| callback.call1(py, (text,))?.bind(py).is_truthy()));
    }

    fn stop(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// Searches as options say; gives what was found as JSON. Ctrl-C stops the search, which can be gone on with.
#[pyfunction]
#[pyo3(signature = (options, callback=None))]
pub(crate) fn search(py: Python<'_>, options: &str, callback: Option<Py<PyAny>>) -> PyResult<String> {
    let config = config(options).map_err(|error| raised(py, &error))?;
    let listener = Listener { callback, stop: AtomicBool::new(false), raised: Mutex::new(None) };
    let searched = py.detach(|| {
        std::thread::scope(|scope| {
            let search = scope.spawn(|| tune::tune(&config, &listener));
            // Python hands signals to this thread alone.
            while !search.is_finished() {
                std::thread::sleep(PAUSE);
                listener.note(Python::attach(|py| py.check_signals()).map(|()| false));
            }
            search.join()
        })
    });
    let searched = searched.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    if let Some(error) = listener.raised.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()) {
        return Err(error);
    }
    Ok(found(&searched.map_err(|error| raised(py, &error))?).to_string())
}

/// The trials of a study, and which options mattered, as JSON.
#[pyfunction]
pub(crate) fn study(py: Python<'_>, path: PathBuf) -> PyResult<String> {
    released(py, || {
        let study = Study::open(&path)?;
        let trials = study.trials()?;
        let importance = tune::importance(&tune::Space::new(&study.config()?)?, &trials);
        let best = tune::best(&trials).map(|best| best.number);
        let objective = (&study.objective, study.higher);
        let run = study.run()?;
        Ok(json!({ "objective": objective, "trials": trials, "best": best, "importance": importance, "run": run })
            .to_string())
    })
}

/// A page of a study.
#[pyfunction]
pub(crate) fn study_report(py: Python<'_>, path: PathBuf) -> PyResult<String> {
    released(py, || thalweg::report::study_html(&Study::open(&path)?))
}

fn found(found: &Found) -> Value {
    let end = match found.end {
        SearchEnd::Done => "done",
        SearchEnd::Stalled => "stalled",
        SearchEnd::Budget => "budget",
        SearchEnd::Interrupted => "interrupted",
        SearchEnd::Elsewhere => "elsewhere",
    };
    json!({
        "study": found.study,
        "noise": found.noise,
        "front": found.front,
        "end": end,
        "run": found.outcome.as_ref().map(|outcome| &outcome.run),
    })
}

fn told(fact: &Fact) -> Value {
    match fact {
        Fact::Started { study, space, trials: (most, ended, workers), objective, decisions, forecast } => json!({
            "event": "search_started", "study": study, "space": space, "trials": most, "ended": ended,
            "workers": workers, "objective": objective, "decisions": decisions, "forecast": forecast,
        }),
        Fact::Ended { trial, best, ended, pace, left } => json!({
            "event": "trial_ended", "trial": trial, "best": best, "ended": ended, "pace": pace, "left": left,
        }),
        Fact::Chosen { trial, refit } => json!({ "event": "chosen", "trial": trial, "refit": refit }),
        Fact::Warning(message) => json!({ "event": "warning", "message": message }),
    }
}
