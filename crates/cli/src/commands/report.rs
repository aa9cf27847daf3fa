//! `thalweg report RUN`: the report of a run, and its figures.

use std::path::Path;

use clap::ArgMatches;
use thalweg::report;

use super::{argument, output};
use crate::print;

/// Runs the verb; returns the exit code.
pub(crate) fn run(matches: &ArgMatches) -> anyhow::Result<u8> {
    let run = Path::new(argument(matches, "run"));
    let (events, problems) = report::read_events(run.join("events.jsonl"))?;
    for problem in problems {
        print::warning(&problem);
    }
    let out = matches.get_one::<String>("out").map_or_else(|| run.join("report.html"), Into::into);
    output::refuse_inputs(matches, None, ("-o", &out))?;
    thalweg::io::atomic::write(&out, report::html(&events).as_bytes())?;
    let figures = matches.get_one::<String>("figures");
    if let Some(folder) = figures {
        report::write_figures(&events, Path::new(folder))?;
    }
    if matches.get_flag("json") {
        print::json(&serde_json::json!({ "report": out, "figures": figures }))?;
    } else {
        print::line(&format!("report   {}", out.display()))?;
    }
    Ok(0)
}
