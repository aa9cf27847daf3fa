//! A model's answer to what was typed into its form, or to a file dropped on it.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde_json::{Map, Value, json};
use thalweg::config::Config;
use thalweg::data::arrays::Arrays;
use thalweg::explain::{Background, Contributions, Explainer, ShapleySettings};
use thalweg::io::csv;
use thalweg::model::{Model, Predictions};
use thalweg::task::Task;
use thalweg::tensor::ops::MatmulPrecision;
use thalweg::{Error, ErrorKind, Result};

use crate::file_version::FileVersion;
use crate::form::{self, FILES};

/// Models that are kept in memory.
const KEPT: usize = 4;
/// The level of intervals.
const LEVEL: f64 = 0.9;
/// Orders of columns sampled for contributions: an answer must come at once.
const PERMUTATIONS: usize = 30;

/// A model in memory, and the rows that its answers are compared with once they are explained.
#[derive(Debug)]
pub(crate) struct Loaded {
    model: Model,
    background: OnceLock<Option<Background>>,
}

/// The models asked last.
#[derive(Debug, Default)]
pub(crate) struct Models(Mutex<Vec<(PathBuf, FileVersion, Arc<Loaded>)>>);

impl Models {
    /// The model of a run.
    ///
    /// # Errors
    /// If there is none, or it is damaged.
    pub(crate) fn of_run(&self, folder: &Path) -> Result<Arc<Loaded>> {
        let path = folder.join("model.safetensors");
        let version = FileVersion::of(&path);
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((.., known)) = lock().iter().find(|(at, known, _)| *at == path && *known == version) {
            return Ok(known.clone());
        }
        let loaded = Arc::new(Loaded { model: Model::load(&path)?, background: OnceLock::new() });
        let mut models = lock();
        models.retain(|(at, ..)| *at != path);
        models.push((path, version, loaded.clone()));
        let over = models.len().saturating_sub(KEPT);
        models.drain(..over);
        Ok(loaded)
    }
}

impl Loaded {
    /// Its form.
    pub(crate) fn form(&self) -> Value {
        form::form(&self.model)
    }

    /// Rows of the training data; none where these are gone.
    fn background(&self) -> Option<&Background> {
        let read = || {
            let mut rows = Vec::new();
            // The first rows are enough, and an error ends the reading.
            _ = self.model.predict(
                &self.model.provenance.data,
                &Config::default().data,
                MatmulPrecision::default(),
                &mut |answers| {
                    rows.extend_from_slice(&answers.inputs);
                    Err(Error::internal("these are enough"))
                },
            );
            Background::new(&self.model, &rows).ok()
        };
        self.background.get_or_init(read).as_ref()
    }
}

/// The answer to typed values, by the names of columns; what is absent or empty is missing.
///
/// # Errors
/// If a value cannot be read, or a name is no column's.
pub(crate) fn of_row(loaded: &Loaded, inputs: &HashMap<String, String>) -> Result<Value> {
    let model = &loaded.model;
    let columns = model.pipeline.columns().unwrap_or_default();
    if let Some(name) = inputs.keys().find(|name| columns.iter().all(|column| column.name != **name)) {
        thalweg::explain::column(model, name)?;
    }
    let typed = |name: &str| inputs.get(name).map_or("", String::as_str);
    let answers = if model.pipeline.array.is_some() {
        let number = |name: &String| {
            typed(name)
                .trim()
                .parse()
                .map_err(|_| Error::data(format!("found {:?}, expected a number", typed(name))).at(name.clone()))
        };
        let x = columns.iter().map(|column| number(&column.name)).collect::<Result<Vec<f32>>>()?;
        model.answer_arrays(&Arrays::new("the form", &[x.len()], x)?, MatmulPrecision::default())?
    } else {
        // Through a file, so that cells are read as those of any table.
        let names = columns.iter().map(|column| column.name.as_str());
        let table = csv::line(names.clone()) + &csv::line(names.map(typed));
        in_file("form.csv", table.as_bytes(), |path| predicted(model, path, &[("delimiter", ",")]))?
    };
    Ok(shown(loaded, &answers))
}

/// The answer to a picture or a sound.
///
/// # Errors
/// If its type is none of those known, or it cannot be read.
pub(crate) fn of_file(loaded: &Loaded, kind: &str, bytes: &[u8]) -> Result<Value> {
    let Some((_, end)) = FILES.iter().find(|(known, _)| *known == kind) else {
        let known: Vec<&str> = FILES.iter().map(|(_, end)| *end).collect();
        return Err(Error::data(format!("files of type {kind:?} are not known"))
            .fix(format!("drop a file of one of {}", known.join(", "))));
    };
    let answers = in_file(&format!("dropped.{end}"), bytes, |path| {
        // A folder of this one file.
        predicted(&loaded.model, path.parent().unwrap_or(path), &[])
    })?;
    Ok(shown(loaded, &answers))
}

/// Puts bytes into a file of their own for as long as they are read.
fn in_file<T>(name: &str, bytes: &[u8], read: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
    let unwritable = |error: &std::io::Error| Error::io(ErrorKind::Internal, name, "write the file to predict", error);
    let folder = tempfile::tempdir().map_err(|error| unwritable(&error))?;
    let path = folder.path().join(name);
    fs::write(&path, bytes).map_err(|error| unwritable(&error))?;
    // The place of errors is the form, and not a file that nobody knows.
    read(&path).map_err(|error| Error {
        place: error.place.map(|place| place.replace(&*path.to_string_lossy(), "the form")),
        ..error
    })
}

fn predicted(model: &Model, path: &Path, options: &[(&str, &str)]) -> Result<Predictions> {
    let options = Config::default().with(options.iter().copied())?;
    let mut first = None;
    model.predict(&path.to_string_lossy(), &options.data, MatmulPrecision::default(), &mut |answers| {
        first.get_or_insert_with(|| answers.clone());
        Ok(())
    })?;
    first.ok_or_else(|| Error::data("there is nothing to predict"))
}

/// The first row of answers, as the page shows it.
fn shown(loaded: &Loaded, answers: &Predictions) -> Value {
    let target = &loaded.model.target;
    let outputs = &answers.outputs[0];
    let intervals = (target.task == Task::Regression)
        .then(|| target.margins(LEVEL).ok().map(|margins| target.intervals(outputs, &margins)))
        .flatten();
    let explained = contributions(loaded, &answers.inputs);
    let of_target = |(at, answer): (usize, &String)| {
        let interval = intervals.as_ref().and_then(|all| all.get(at));
        // Of labels each column is one; of classes there is one target with all of them.
        let probabilities: Vec<Value> = match target.task {
            Task::Regression | Task::Multilabel => Vec::new(),
            _ => named(&target.classes, &answers.probabilities[0]),
        };
        json!({
            "target": target.columns[at],
            "answer": answer,
            "probabilities": (!probabilities.is_empty()).then_some(probabilities),
            "interval": interval.map(|[low, high]| json!({ "low": low, "high": high, "level": LEVEL })),
            "contributions": explained.as_ref().and_then(|all| all.get(at)),
        })
    };
    let mut shown = Map::new();
    let predictions: Vec<Value> = answers.predictions[0].iter().enumerate().map(of_target).collect();
    shown.insert("predictions".into(), predictions.into());
    if target.task == Task::Multilabel {
        shown.insert("labels".into(), named(&target.classes, &answers.probabilities[0]).into());
    }
    shown.into()
}

fn named(classes: &[String], probabilities: &[f64]) -> Vec<Value> {
    let pairs = classes.iter().zip(probabilities);
    pairs.map(|(class, p)| json!({ "class": class, "probability": p })).collect()
}

/// What each column contributes to each answer.
fn contributions(loaded: &Loaded, x: &[f32]) -> Option<Vec<Value>> {
    let columns = loaded.model.pipeline.columns()?;
    let settings = ShapleySettings { permutations: PERMUTATIONS, ..ShapleySettings::default() };
    let explained = Explainer::new(&loaded.model, loaded.background()?, settings).ok()?.explain(x).ok()?;
    let of_answer = |one: &Contributions| {
        let each = columns.iter().zip(&one.values);
        let each = each.map(|(column, value)| json!({ "name": column.name, "contribution": value }));
        Value::from(each.collect::<Vec<_>>())
    };
    Some(explained.first()?.iter().map(of_answer).collect())
}
