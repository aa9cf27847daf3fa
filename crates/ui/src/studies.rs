//! The studies of a folder: searches for better options.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use thalweg::report;
use thalweg::tune::{self, Study, TrialState};
use thalweg::{Error, Result};

/// What an SQLite file begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// A row for each study in a folder, by name.
pub(crate) fn list(root: &Path) -> Vec<Value> {
    let mut rows: Vec<Value> = files(root).iter().filter_map(|path| row(path).ok()).collect();
    rows.sort_by(|a, b| a["id"].as_str().cmp(&b["id"].as_str()));
    rows
}

/// What a study has found so far.
///
/// # Errors
/// If there is no such study, or it cannot be read.
pub(crate) fn shown(root: &Path, id: &str) -> Result<Value> {
    let path = files(root).into_iter().find(|path| name(path) == Some(id));
    let path = path.ok_or_else(|| Error::config("there is no such study").at(id.to_string()))?;
    Ok(json!({ "html": tune::study_sections(&Study::open(&path)?)?, "css": report::css() }))
}

fn files(root: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    let plain = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
    plain.map(|entry| entry.path()).filter(|path| is_database(path)).collect()
}

fn is_database(path: &Path) -> bool {
    let mut beginning = [0; 16];
    File::open(path).and_then(|mut file| file.read_exact(&mut beginning)).is_ok() && beginning == *MAGIC
}

fn name(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()
}

fn row(path: &Path) -> Result<Value> {
    let study = Study::open(path)?;
    let trials = study.trials()?;
    let state = match () {
        () if trials.iter().any(|trial| trial.state == TrialState::Running) => "running",
        () if trials.iter().all(|trial| trial.state.is_ended()) => "finished",
        () => "waiting",
    };
    Ok(json!({
        "id": name(path),
        "path": path,
        "trials": trials.len(),
        "best": tune::best(&trials).and_then(|best| best.value),
        "metric": report::metric_name(&study.objective),
        "state": state,
    }))
}
