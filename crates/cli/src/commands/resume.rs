//! `thalweg resume RUN`: resumes a stopped run, or several.

use std::path::Path;

use clap::ArgMatches;
use thalweg::run;

use super::argument;
use crate::print::Progress;

/// Runs the verb; returns the exit code.
pub(crate) fn run(matches: &ArgMatches) -> anyhow::Result<u8> {
    let mut progress = Progress::new(matches)?;
    let folder = Path::new(argument(matches, "run"));
    if run::is_series(folder) {
        let series = run::resume_series(folder, &mut progress);
        return super::train::finish_series(series, &progress, matches);
    }
    let outcome = run::resume(folder, &mut progress);
    super::train::finish(outcome, &progress, matches)
}
