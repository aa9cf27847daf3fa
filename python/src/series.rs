//! Several runs of one configuration: on folds, or with other seeds.

use std::collections::BTreeMap;
use std::path::PathBuf;

use pyo3::prelude::*;
use serde_json::json;
use thalweg::Task;
use thalweg::run::{self, OutOfFold, Summary, Variation};

use crate::data::Data;
use crate::errors::{held, released};
use crate::listener::watched;
use crate::training::{Run, config, open_run};

/// What several runs came to.
#[pyclass(frozen)]
pub(crate) struct Series {
    summary: Summary,
    folder: Option<PathBuf>,
    /// Those in memory, by their position; those in folders are opened when they are asked for.
    runs: Vec<Py<Run>>,
    out_of_fold: Option<OutOfFold>,
    interrupted: bool,
}

#[pymethods]
impl Series {
    /// The metrics over all runs and of each, as JSON.
    fn summary(&self, py: Python<'_>) -> PyResult<String> {
        held(py, || Ok(json!(self.summary).to_string()))
    }

    /// The folder, if there is one.
    #[getter]
    fn folder(&self) -> Option<PathBuf> {
        self.folder.clone()
    }

    /// Whether Ctrl-C ended it.
    #[getter]
    fn interrupted(&self) -> bool {
        self.interrupted
    }

    /// The runs that have ended.
    fn runs(&self, py: Python<'_>) -> PyResult<Vec<Py<Run>>> {
        match &self.folder {
            None => Ok(self.runs.iter().map(|run| run.clone_ref(py)).collect()),
            Some(folder) => {
                let open = |run: &run::SeriesRun| Py::new(py, open_run(py, folder.join(&run.run))?);
                self.summary.runs.iter().map(open).collect()
            }
        }
    }

    /// The rows (from 0, or their lines in a file), their folds, targets and predictions, and their probabilities by class.
    #[expect(clippy::type_complexity, reason = "columns of a table")]
    fn out_of_fold(
        &self,
        py: Python<'_>,
    ) -> PyResult<Option<(Vec<u64>, Vec<usize>, Vec<Vec<String>>, Vec<Vec<String>>, BTreeMap<String, Vec<f64>>)>> {
        let read;
        let found = match (&self.out_of_fold, &self.folder) {
            (Some(found), _) => found,
            (None, Some(folder)) if self.summary.out_of_fold.is_some() => {
                read = released(py, || OutOfFold::of(folder, &self.summary))?;
                &read
            }
            _ => return Ok(None),
        };
        let rows = || found.rows.iter();
        // Rows in memory are counted from 1.
        let from = u64::from(self.folder.is_none());
        let width = found.target.columns.len();
        let classes = found.target.classes.iter().enumerate();
        let probability = |(at, class): (usize, &String)| {
            (class.clone(), rows().map(|row| row.probabilities[at]).collect::<Vec<f64>>())
        };
        let text = |row: &run::OutOfFoldRow, at: usize| row.cells[at].to_string();
        // Numbers that are written otherwise than Python does are as they were read.
        let truth = |row: &run::OutOfFoldRow, at: usize| match found.target.task {
            Task::Regression if row.truths[at].parse::<f64>().is_err() => row.y[at].to_string(),
            _ => row.truths[at].clone(),
        };
        Ok(Some((
            rows().map(|row| row.line - from).collect(),
            rows().map(|row| row.fold).collect(),
            (0..width).map(|at| rows().map(|row| truth(row, at)).collect()).collect(),
            (0..width).map(|at| rows().map(|row| text(row, at)).collect()).collect(),
            classes.map(probability).collect(),
        )))
    }
}

/// Trains as many runs as asked for, on folds or else with seeds: on data in memory, or on what the options name.
#[pyfunction]
#[pyo3(signature = (options, folds=None, seeds=None, data=None, dev=None, callback=None))]
pub(crate) fn train_series(
    py: Python<'_>,
    options: &str,
    folds: Option<usize>,
    seeds: Option<usize>,
    data: Option<&Data>,
    dev: Option<&Data>,
    callback: Option<Py<PyAny>>,
) -> PyResult<Series> {
    let variation = match (folds, seeds) {
        (Some(folds), _) => Variation::Folds(folds),
        (None, seeds) => Variation::Seeds(seeds.unwrap_or(1)),
    };
    let Some(data) = data else {
        let (series, interrupted) =
            watched(py, callback, |listener| run::train_series(&config(options)?, variation, listener))?;
        let run::Series { folder, summary, .. } = series;
        return Ok(Series { summary, folder: Some(folder), runs: Vec::new(), out_of_fold: None, interrupted });
    };
    let (series, interrupted) = watched(py, callback, |listener| {
        let mut config = config(options)?;
        data.freeze(&mut config);
        run::train_series_on(&config, variation, &|config| data.dataset(dev, config), listener)
    })?;
    let run::TrainedSeries { summary, runs, out_of_fold } = series;
    let runs = runs.into_iter().map(|trained| Py::new(py, Run::new(trained.model, trained.events, false, None)));
    let runs = runs.collect::<PyResult<Vec<_>>>()?;
    Ok(Series { summary, folder: None, runs, out_of_fold, interrupted })
}
