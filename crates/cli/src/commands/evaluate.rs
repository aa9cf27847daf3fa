//! `thalweg evaluate MODEL DATA`: metrics on labelled data.

use std::path::Path;

use clap::ArgMatches;
use thalweg::io::atomic;

use super::{argument, output};
use crate::{args, print};

/// Runs the verb; returns the exit code.
pub(crate) fn run(matches: &ArgMatches) -> anyhow::Result<u8> {
    let config = args::config(matches)?;
    let page = matches.get_one::<String>("report").map(Path::new);
    if let Some(page) = page {
        output::refuse_inputs(matches, Some(&config), ("--report", page))?;
    }
    let model = super::model(matches)?;
    let (data, level) = (argument(matches, "data"), matches.get_one("intervals").copied());
    let (products, decisions) = thalweg::run::products(&model, config.train.precision)?;
    print::notes(&decisions);
    let found = thalweg::run::evaluate(&model, data, &config.data, products, level)?;
    print::notes(&found.decisions);
    if let Some(page) = page {
        atomic::write(page, found.page(&model, data).as_bytes())?;
    }
    if matches.get_flag("json") {
        let mut json = serde_json::json!({ "examples": found.rows, "metrics": found.metrics });
        if level.is_some() {
            json["coverage"] = serde_json::json!(found.answers.coverage);
        }
        print::json(&json)?;
    } else {
        print::metrics(found.rows, &found.metrics)?;
        print::coverage(&found.answers.coverage)?;
    }
    Ok(0)
}
