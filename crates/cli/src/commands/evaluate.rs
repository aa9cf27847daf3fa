//! `thalweg evaluate MODEL DATA`: metrics on data whose answers are known.

use clap::ArgMatches;
use thalweg::model::Model;

use super::argument;
use crate::{args, print};

/// Runs the verb; gives the exit code.
pub(crate) fn run(matches: &ArgMatches) -> anyhow::Result<u8> {
    let options = args::config(matches)?.data;
    let model = Model::load(argument(matches, "model"))?;
    let (examples, metrics, decisions) = model.evaluate(argument(matches, "data"), &options)?;
    print::notes(&decisions);
    if matches.get_flag("json") {
        print::json(&serde_json::json!({ "examples": examples, "metrics": metrics }))?;
    } else {
        print::metrics(examples, &metrics)?;
    }
    Ok(0)
}
