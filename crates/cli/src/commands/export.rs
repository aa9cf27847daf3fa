//! `thalweg export MODEL -o FILE`: a model in another format.

use std::path::{Path, PathBuf};

use clap::ArgMatches;
use thalweg::config::Data;
use thalweg::export::{self, ExportOptions, Precision};
use thalweg::model::Model;

use super::{argument, output};
use crate::print;

/// Runs the verb; returns the exit code.
pub(crate) fn run(matches: &ArgMatches) -> anyhow::Result<u8> {
    let to = matches.get_one::<String>("to").map(String::as_str);
    let out = Path::new(argument(matches, "out"));
    let format = export::format(to, out)?;
    output::refuse_inputs(matches, None, ("-o", out))?;
    let model = Model::load(argument(matches, "model"))?;
    let precision = Precision::named(argument(matches, "precision")).expect("clap knows the names");
    // The model determines how its data is read.
    let calibrate = matches.get_one::<String>("calibrate").map(|path| (path.clone(), Data::default()));
    // Files next to the named one may be inputs too: model.safetensors next to model.py.
    let model_file = PathBuf::from(argument(matches, "model"));
    let mut inputs = vec![model_file.join("model.safetensors"), model_file];
    inputs.extend(calibrate.iter().map(|(path, _)| PathBuf::from(path)));
    let intervals = matches.get_one::<f64>("intervals").copied();
    let options = ExportOptions { precision, calibrate, intervals, inputs, ..ExportOptions::default() };
    let written = export::export(&model, out, format, options)?;
    if matches.get_flag("json") {
        print::json(&serde_json::to_value(&written)?)?;
    } else {
        print::exported(&written)?;
    }
    Ok(0)
}
