//! `thalweg augment DATA --preview FILE`: training images beside what becomes of them.

use clap::ArgMatches;

use super::argument;
use crate::{args, print};

/// Runs the verb; gives the exit code.
pub(crate) fn run(matches: &ArgMatches) -> anyhow::Result<u8> {
    let config = args::config_with_data(matches)?;
    let path = argument(matches, "preview");
    let decisions = thalweg::run::preview_augmentation(&config, std::path::Path::new(path))?;
    if matches.get_flag("json") {
        print::json(&serde_json::json!({ "preview": path, "decisions": decisions }))?;
    } else {
        print::notes(&decisions);
        println!("{path}: on the left training images as they are, beside each what epochs 1 to 9 make of it");
    }
    Ok(0)
}
