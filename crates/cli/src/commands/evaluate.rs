//! `thalweg evaluate MODEL DATA`: metrics on labelled data.

use std::path::Path;

use clap::ArgMatches;
use thalweg::io::atomic;
use thalweg::metrics::{Gate, GateResult};
use thalweg::run::EvaluationOptions;

use super::{argument, output};
use crate::{args, print};

/// Runs the verb; returns the exit code.
pub(crate) fn run(matches: &ArgMatches) -> anyhow::Result<u8> {
    let config = args::config(matches)?;
    let page = matches.get_one::<String>("report").map(Path::new);
    if let Some(page) = page {
        output::refuse_inputs(matches, Some(&config), ("--report", page))?;
    }
    let model = super::model(matches)?;
    let (data, level) = (argument(matches, "data"), matches.get_one("intervals").copied());
    let gates = matches.get_many::<String>("gate").into_iter().flatten();
    let gates: Vec<Gate> = gates.map(|gate| Gate::parse(gate, model.target.task)).collect::<thalweg::Result<_>>()?;
    let (products, decisions) = thalweg::run::products(&model, config.train.precision)?;
    print::notes(&decisions);
    let options = EvaluationOptions {
        importance: matches.get_flag("importance"),
        dependence: matches.get_many("dependence").into_iter().flatten().cloned().collect(),
        intervals: level,
        seed: config.train.seed,
    };
    let found = thalweg::run::evaluate(&model, data, &config.data, products, &options)?;
    print::notes(&found.decisions);
    if let Some(page) = page {
        atomic::write(page, found.page(&model, data).as_bytes())?;
    }
    let gates: Vec<GateResult> = gates.iter().map(|gate| gate.check(&found.metrics)).collect();
    if matches.get_flag("json") {
        let mut object = serde_json::json!({ "examples": found.rows, "metrics": found.metrics });
        if let Some(importance) = &found.importance {
            object["importance"] = serde_json::to_value(importance)?;
        }
        if !found.dependences.is_empty() {
            object["dependence"] = serde_json::to_value(&found.dependences)?;
        }
        if let Some(scores) = &found.forecast {
            object["forecast"] = serde_json::to_value(scores)?;
        }
        if level.is_some() {
            object["coverage"] = serde_json::json!(found.answers.coverage);
        }
        if !gates.is_empty() {
            object["gates"] = serde_json::to_value(&gates)?;
        }
        print::json(&object)?;
    } else {
        match &found.forecast {
            Some(scores) => print::forecast::forecast(scores)?,
            None => print::metrics(found.rows, &found.metrics)?,
        }
        print::coverage(&found.answers.coverage)?;
        found.importance.iter().try_for_each(print::explanation::importance)?;
        found.dependences.iter().try_for_each(print::explanation::dependence)?;
    }
    let failed: Vec<_> = gates.iter().filter_map(|gate| gate.error(&found.metrics)).collect();
    let code = failed.first().map_or(0, |error| error.kind.exit_code());
    failed.into_iter().for_each(|error| print::error(&error.into()));
    Ok(code as u8)
}
