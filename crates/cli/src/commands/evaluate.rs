//! `thalweg evaluate MODEL DATA`: metrics on labelled data.

use std::path::Path;

use clap::ArgMatches;
use thalweg::io::atomic;
use thalweg::model::Model;

use super::{argument, output};
use crate::{args, print};

/// Runs the verb; returns the exit code.
pub(crate) fn run(matches: &ArgMatches) -> anyhow::Result<u8> {
    let config = args::config(matches)?;
    let page = matches.get_one::<String>("report").map(Path::new);
    if let Some(page) = page {
        output::refuse_inputs(matches, Some(&config), ("--report", page))?;
    }
    let model = Model::load(argument(matches, "model"))?;
    let data = argument(matches, "data");
    let (products, decisions) = thalweg::run::products(&model, config.train.precision)?;
    print::notes(&decisions);
    let found = thalweg::run::evaluate(&model, data, &config.data, products)?;
    print::notes(&found.decisions);
    if let Some(page) = page {
        atomic::write(page, found.page(&model, data).as_bytes())?;
    }
    if matches.get_flag("json") {
        print::json(&serde_json::json!({ "examples": found.rows, "metrics": found.metrics }))?;
    } else {
        print::metrics(found.rows, &found.metrics)?;
    }
    Ok(0)
}
