//! `thalweg resume RUN`: resumes a stopped run.

use std::path::Path;

use clap::ArgMatches;

use super::argument;
use crate::print::Progress;

/// Runs the verb; returns the exit code.
pub(crate) fn run(matches: &ArgMatches) -> anyhow::Result<u8> {
    let mut progress = Progress::new(matches)?;
    let outcome = thalweg::run::resume(Path::new(argument(matches, "run")), &mut progress);
    super::train::finish(outcome, &progress, matches)
}
