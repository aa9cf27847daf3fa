//! `thalweg train DATA`: from data to a model.

use clap::ArgMatches;
use thalweg::ErrorKind;
use thalweg::run::{self, Outcome, Series, Variation};
use thalweg::train::StopReason;

use crate::args::{self, FOLDS, SEEDS};
use crate::print::{self, Progress};

/// Runs the verb; returns the exit code.
pub(crate) fn run(matches: &ArgMatches) -> anyhow::Result<u8> {
    let config = args::config_with_data(matches)?;
    if matches.get_flag("dry-run") {
        print::preview(&run::preview(&config)?, &config, matches.get_flag("json"))?;
        return Ok(0);
    }
    let mut progress = Progress::new(matches)?;
    #[cfg(feature = "ui")]
    let page = super::ui::beside_training(matches, &config)?;
    let count = |id| matches.get_one::<usize>(id).copied();
    let code = match count(FOLDS).map(Variation::Folds).or(count(SEEDS).map(Variation::Seeds)) {
        Some(variation) => {
            let series = run::train_series(&config, variation, &mut progress);
            finish_series(series, &progress, matches)?
        }
        None => {
            let outcome = run::train(&config, &mut progress);
            finish(outcome, &progress, matches)?
        }
    };
    #[cfg(feature = "ui")]
    super::ui::stay(page, &progress);
    Ok(code)
}

/// Prints the result of several runs; returns the exit code.
pub(super) fn finish_series(
    series: thalweg::Result<Series>,
    progress: &Progress,
    matches: &ArgMatches,
) -> anyhow::Result<u8> {
    let Some(series) = unless_interrupted(series)? else { return Ok(progress.signal_exit_code()) };
    if matches.get_flag("json") {
        let mut object = serde_json::to_value(&series.summary)?;
        object["folder"] = serde_json::json!(series.folder);
        print::json(&object)?;
    } else {
        print::series::series(&series)?;
    }
    Ok(exit_code(series.end, progress))
}

/// What there is; none where a signal came before anything was there, which is told.
pub(super) fn unless_interrupted<T>(result: thalweg::Result<T>) -> anyhow::Result<Option<T>> {
    match result {
        Err(error) if error.kind == ErrorKind::Interrupted => {
            print::error(&error.into());
            Ok(None)
        }
        result => Ok(Some(result?)),
    }
}

fn exit_code(end: StopReason, progress: &Progress) -> u8 {
    match end {
        StopReason::Done | StopReason::Patience => 0,
        StopReason::TimeLimit => 6,
        StopReason::Interrupted => progress.signal_exit_code(),
    }
}

/// Prints the result of a run; returns the exit code.
pub(super) fn finish(
    outcome: thalweg::Result<Outcome>,
    progress: &Progress,
    matches: &ArgMatches,
) -> anyhow::Result<u8> {
    let Some(outcome) = unless_interrupted(outcome)? else { return Ok(progress.signal_exit_code()) };
    if matches.get_flag("json") {
        print::json(&print::outcome_json(&outcome))?;
    } else {
        print::outcome(&outcome)?;
    }
    Ok(exit_code(outcome.end, progress))
}
