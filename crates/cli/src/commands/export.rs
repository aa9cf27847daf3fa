//! `thalweg export MODEL -o FILE`: a model in the format of others.

use std::path::Path;

use clap::ArgMatches;
use thalweg::export::{self, Options, Precision};
use thalweg::model::Model;
use thalweg::spec::Data;

use super::argument;
use crate::print;

/// Runs the verb; gives the exit code.
pub(crate) fn run(matches: &ArgMatches) -> anyhow::Result<u8> {
    let to = matches.get_one::<String>("to").map(String::as_str);
    let out = Path::new(argument(matches, "out"));
    let format = export::format(to, out)?;
    let model = Model::load(argument(matches, "model"))?;
    let precision = Precision::named(argument(matches, "precision")).expect("clap knows the names");
    // The model knows how its data is read.
    let calibrate = matches.get_one::<String>("calibrate").map(|path| (path.clone(), Data::default()));
    let options = Options { precision, calibrate, ..Options::default() };
    let written = export::export(&model, out, format, options)?;
    if matches.get_flag("json") {
        print::json(&serde_json::to_value(&written)?)?;
    } else {
        print::exported(&written)?;
    }
    Ok(0)
}
