//! `thalweg inspect DATA|MODEL`: columns of a file, or the parts of a model.

use std::path::Path;

use clap::ArgMatches;
use thalweg::data::inspect;
use thalweg::model::Model;

use super::argument;
use crate::{args, print};

/// Runs the verb; returns the exit code.
pub(crate) fn run(matches: &ArgMatches) -> anyhow::Result<u8> {
    let path = argument(matches, "data");
    let json = matches.get_flag("json");
    if is_model(Path::new(path)) {
        print::model(&Model::load(path)?, json)?;
    } else {
        let mut config = args::config(matches)?;
        config.data.path = path.into();
        let profile = inspect::profile(&config)?;
        print::profile(&profile, json)?;
        if profile.problem.is_some() {
            // The exit code that training would end with.
            return Ok(thalweg::ErrorKind::Data.exit_code() as u8);
        }
    }
    Ok(0)
}

fn is_model(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "safetensors") || path.join("model.safetensors").is_file()
}
