//! `thalweg evaluate MODEL DATA`: metrics on labelled data.

use std::path::Path;

use clap::ArgMatches;
use thalweg::io::atomic;
use thalweg::metrics::{Gate, GateResult};
use thalweg::model::Model;

use super::{argument, output};
use crate::{args, print};

/// Runs the verb; returns the exit code.
pub(crate) fn run(matches: &ArgMatches) -> anyhow::Result<u8> {
    let config = args::config(matches)?;
    let page = matches.get_one::<String>("report").map(Path::new);
    if let Some(page) = page {
        output::refuse_inputs(matches, Some(&config), ("--report", page))?;
    }
    let model = Model::load(argument(matches, "model"))?;
    let data = argument(matches, "data");
    let gates = matches.get_many::<String>("gate").into_iter().flatten();
    let gates: Vec<Gate> = gates.map(|gate| Gate::parse(gate, model.target.task)).collect::<thalweg::Result<_>>()?;
    let (products, decisions) = thalweg::run::products(&model, config.train.precision)?;
    print::notes(&decisions);
    let found = thalweg::run::evaluate(&model, data, &config.data, products)?;
    print::notes(&found.decisions);
    if let Some(page) = page {
        atomic::write(page, found.page(&model, data).as_bytes())?;
    }
    let gates: Vec<GateResult> = gates.iter().map(|gate| gate.check(&found.metrics)).collect();
    if matches.get_flag("json") {
        let mut result = serde_json::json!({ "examples": found.rows, "metrics": found.metrics });
        if !gates.is_empty() {
            result["gates"] = serde_json::to_value(&gates)?;
        }
        print::json(&result)?;
    } else {
        print::metrics(found.rows, &found.metrics)?;
    }
    let failed: Vec<_> = gates.iter().filter_map(|gate| gate.error(&found.metrics)).collect();
    let code = failed.first().map_or(0, |error| error.kind.exit_code());
    failed.into_iter().for_each(|error| print::error(&error.into()));
    Ok(code as u8)
}
