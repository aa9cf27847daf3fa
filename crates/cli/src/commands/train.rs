//! `thalweg train DATA`: from data to a model.

use clap::ArgMatches;
use thalweg::Kind;
use thalweg::run::{self, Outcome};
use thalweg::train::StopReason;

use crate::args;
use crate::print::{self, Progress};

/// Runs the verb; returns the exit code.
pub(crate) fn run(matches: &ArgMatches) -> anyhow::Result<u8> {
    let config = args::config_with_data(matches)?;
    if matches.get_flag("dry-run") {
        print::preview(&run::preview(&config)?, &config, matches.get_flag("json"))?;
        return Ok(0);
    }
    let mut progress = Progress::new(matches)?;
    let outcome = run::train(&config, &mut progress);
    finish(outcome, &progress, matches)
}

/// Prints the result of a run; returns the exit code.
pub(super) fn finish(
    outcome: thalweg::Result<Outcome>,
    progress: &Progress,
    matches: &ArgMatches,
) -> anyhow::Result<u8> {
    let outcome = match outcome {
        Err(error) if error.kind == Kind::Interrupted => {
            print::error(&error.into());
            return Ok(progress.signal_exit_code());
        }
        outcome => outcome?,
    };
    if matches.get_flag("json") {
        print::json(&print::outcome_json(&outcome))?;
    } else {
        print::outcome(&outcome)?;
    }
    Ok(match outcome.end {
        StopReason::Done | StopReason::Patience => 0,
        StopReason::TimeLimit => 6,
        StopReason::Interrupted => progress.signal_exit_code(),
    })
}
