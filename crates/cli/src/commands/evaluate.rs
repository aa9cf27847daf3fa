//! `thalweg evaluate MODEL DATA`: metrics on data whose answers are known.

use std::path::Path;

use clap::ArgMatches;
use thalweg::model::{Model, atomic};

use super::argument;
use crate::{args, print};

/// Runs the verb; gives the exit code.
pub(crate) fn run(matches: &ArgMatches) -> anyhow::Result<u8> {
    let options = args::config(matches)?.data;
    let model = Model::load(argument(matches, "model"))?;
    let data = argument(matches, "data");
    let found = thalweg::run::evaluate(&model, data, &options)?;
    print::notes(&found.decisions);
    if let Some(page) = matches.get_one::<String>("report") {
        atomic::write(Path::new(page), found.page(&model, data).as_bytes())?;
    }
    if matches.get_flag("json") {
        print::json(&serde_json::json!({ "examples": found.rows, "metrics": found.metrics }))?;
    } else {
        print::metrics(found.rows, &found.metrics)?;
    }
    Ok(0)
}
