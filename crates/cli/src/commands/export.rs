//! `thalweg export MODEL -o FILE`: a model in the format of others.

use std::path::Path;

use clap::ArgMatches;
use thalweg::export;
use thalweg::model::Model;

use super::argument;
use crate::print;

/// Runs the verb; gives the exit code.
pub(crate) fn run(matches: &ArgMatches) -> anyhow::Result<u8> {
    let to = matches.get_one::<String>("to").map(String::as_str);
    let out = Path::new(argument(matches, "out"));
    let format = export::format(to, out)?;
    let model = Model::load(argument(matches, "model"))?;
    let written = export::export(&model, out, format)?;
    if matches.get_flag("json") {
        print::json(&serde_json::to_value(&written)?)?;
    } else {
        print::exported(&written)?;
    }
    Ok(0)
}
