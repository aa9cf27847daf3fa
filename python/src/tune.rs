//! The search for better options.

use std::path::PathBuf;

use pyo3::prelude::*;
use serde_json::{Value, json};
use thalweg::run::Callback;
use thalweg::tune::{self, SearchEnd, SearchEvent, Study};

use crate::errors::released;
use crate::listener::{Listener, PAUSE, watched};
use crate::training::config;
use crate::wording;

impl Callback<SearchEvent> for &Listener {
    fn event(&mut self, event: &SearchEvent) {
        self.tell(|| told(event).to_string());
    }

    fn stop(&self) -> bool {
        self.stopped()
    }
}

/// Searches as options say; gives the study's path, and whether the search was stopped before its end.
#[pyfunction]
#[pyo3(signature = (options, callback=None))]
pub(crate) fn search(py: Python<'_>, options: &str, callback: Option<Py<PyAny>>) -> PyResult<(PathBuf, bool)> {
    let (found, _) = watched(py, callback, |listener| {
        let config = config(options)?;
        let listener = &*listener;
        let mut callback = listener;
        std::thread::scope(|scope| {
            let search = scope.spawn(move || tune::tune(&config, &mut callback));
            while !search.is_finished() {
                std::thread::sleep(PAUSE);
                listener.look();
            }
            search.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    })?;
    Ok((found.study, found.end == SearchEnd::Interrupted))
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
    released(py, || thalweg::tune::study_html(&Study::open(&path)?))
}

fn told(event: &SearchEvent) -> Value {
    match event {
        SearchEvent::Started { study, space, trials: (most, ended, workers), objective, decisions, forecast } => {
            json!({
                "event": "search_started", "study": study, "space": space, "trials": most, "ended": ended,
                "workers": workers, "objective": objective,
                "decisions": decisions.iter().cloned().map(wording::of_decision).collect::<Vec<_>>(), "forecast": forecast,
            })
        }
        SearchEvent::Ended { trial, best, ended, pace, left } => json!({
            "event": "trial_ended", "trial": trial, "best": best, "ended": ended, "pace": pace, "left": left,
        }),
        SearchEvent::Chosen { trial, members, refit } => {
            json!({ "event": "chosen", "trial": trial, "members": members, "refit": refit })
        }
        SearchEvent::Warning(warning) => json!({ "event": "warning", "message": wording::of_warning(warning.clone()) }),
    }
}
