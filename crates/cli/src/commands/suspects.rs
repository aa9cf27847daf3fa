//! `thalweg suspects FOLDER|DATA`: what is suspicious in data, by the answers of runs that were not trained on a row.

use std::path::Path;

use clap::ArgMatches;
use thalweg::io::atomic;
use thalweg::run::{self, Variation};
use thalweg::train::StopReason;

use crate::args::{self, FOLDS};
use crate::print::{self, Progress};

/// Folds that are trained where only data is named.
const USUAL: usize = 5;

/// Runs the verb; returns the exit code.
pub(crate) fn run(matches: &ArgMatches) -> anyhow::Result<u8> {
    let config = args::config_with_data(matches)?;
    let mut progress = Progress::new(matches)?;
    let (named, folds) = (Path::new(&config.data.path), matches.get_one(FOLDS).copied());
    let folder = if run::is_series(named) {
        named.to_path_buf()
    } else {
        let variation = Variation::Folds(folds.unwrap_or(USUAL));
        let series = run::train_series(&config, variation, &mut progress);
        let Some(series) = super::train::unless_interrupted(series)? else { return Ok(progress.signal_exit_code()) };
        if series.end == StopReason::Interrupted {
            print::series::series(&series)?;
            return Ok(progress.signal_exit_code());
        }
        series.folder
    };
    let found = run::suspects(&folder)?;
    let file = folder.join("suspects.csv");
    atomic::write(&file, found.to_csv().as_bytes())?;
    if matches.get_flag("json") {
        let mut object = serde_json::to_value(&found)?;
        object["folder"] = serde_json::json!(folder);
        object["file"] = serde_json::json!(file);
        print::json(&object)?;
    } else {
        print::suspects::suspects(&found, &file)?;
    }
    Ok(0)
}
