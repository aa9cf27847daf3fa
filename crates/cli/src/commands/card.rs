//! `thalweg card RUN|MODEL`: a model card in Markdown.

use std::io::Write;
use std::path::Path;

use clap::ArgMatches;
use thalweg::model::Model;
use thalweg::report;

use super::argument;
use super::output::{self, Output};
use crate::print;

/// Runs the verb; returns the exit code.
pub(crate) fn run(matches: &ArgMatches) -> anyhow::Result<u8> {
    let place = argument(matches, "model");
    let out = matches.get_one::<String>("out");
    if let Some(out) = out {
        output::refuse_inputs(matches, None, ("-o", Path::new(out)))?;
    }
    let model = Model::load(place)?;
    let events = Path::new(place).join("events.jsonl");
    let (events, problems) = if events.is_file() { report::read_events(events)? } else { Default::default() };
    problems.iter().for_each(|problem| print::warning(problem));
    let card = report::card(&model, &events, Some(place));
    if matches.get_flag("json") {
        if let Some(out) = out {
            thalweg::io::atomic::write(Path::new(out), card.as_bytes())?;
        }
        print::json(&serde_json::json!({ "card": card, "file": out }))?;
        return Ok(0);
    }
    let mut output = Output::open(out)?;
    output.write_all(card.as_bytes())?;
    output.finish()?;
    Ok(0)
}
