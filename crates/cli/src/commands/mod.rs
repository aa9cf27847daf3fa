//! The verbs, one file each.

mod augment;
mod card;
mod check;
mod compare;
mod completions;
mod config;
mod doctor;
mod embed;
mod evaluate;
mod export;
mod import;
mod inspect;
mod lr_find;
mod output;
mod predict;
mod report;
mod resume;
mod suspects;
mod train;
mod tune;
#[cfg(feature = "ui")]
mod ui;

use clap::ArgMatches;
use thalweg::model::Model;

use crate::print::signals;

/// Runs a verb; returns the exit code.
pub(crate) fn run(verb: &str, matches: &ArgMatches) -> anyhow::Result<u8> {
    signals::outlive_file_limits()?;
    let trains = match verb {
        "doctor" => matches.get_flag("run"),
        verb => matches!(verb, "train" | "resume" | "suspects" | "tune"),
    };
    if !trains {
        signals::end_at_once()?;
    }
    match verb {
        "train" => train::run(matches),
        "tune" => tune::run(matches),
        "resume" => resume::run(matches),
        "suspects" => suspects::run(matches),
        "doctor" => doctor::run(matches),
        "evaluate" => evaluate::run(matches),
        "compare" => compare::run(matches),
        "card" => card::run(matches),
        "export" => export::run(matches),
        "import" => import::run(matches),
        "predict" => predict::run(matches),
        "embed" => embed::run(matches),
        "check" => check::run(matches),
        "completions" => completions::completions(matches),
        "man" => completions::man(),
        "augment" => augment::run(matches),
        "inspect" => inspect::run(matches),
        "lr-find" => lr_find::run(matches),
        "config" => config::run(matches),
        "report" => report::run(matches),
        #[cfg(feature = "ui")]
        "ui" => ui::run(matches),
        other => unreachable!("clap knows no verb {other:?}"),
    }
}

/// The model to predict with, and the threshold that is asked for.
fn model(matches: &ArgMatches) -> thalweg::Result<Model> {
    let mut model = Model::load(argument(matches, "model"))?;
    if let Some(threshold) = matches.get_one("threshold") {
        model.target.set_threshold(*threshold)?;
    }
    Ok(model)
}

/// A required argument.
fn argument<'a>(matches: &'a ArgMatches, name: &str) -> &'a str {
    matches.get_one::<String>(name).expect("clap has asked for it")
}
