//! `thalweg augment DATA --preview FILE`: training examples next to their augmentations.

use std::path::Path;

use clap::ArgMatches;

use super::{argument, output};
use crate::{args, print};

/// Runs the verb; returns the exit code.
pub(crate) fn run(matches: &ArgMatches) -> anyhow::Result<u8> {
    let config = args::config_with_data(matches)?;
    let path = argument(matches, "preview");
    output::refuse_inputs(matches, Some(&config), ("--preview", Path::new(path)))?;
    let decisions = thalweg::run::preview_augmentation(&config, Path::new(path))?;
    if matches.get_flag("json") {
        print::json(&serde_json::json!({ "preview": path, "decisions": decisions }))?;
    } else {
        print::notes(&decisions);
        print::line(&format!(
            "{path}: on the left training images as they are, beside each what epochs 1 to 9 make of it"
        ))?;
    }
    Ok(0)
}
