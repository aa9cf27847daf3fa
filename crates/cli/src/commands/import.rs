//! `thalweg import FILE -o MODEL`: a model from another format.

use std::path::Path;

use clap::ArgMatches;
use thalweg::import;
use thalweg::model::Model;

use super::{argument, output};
use crate::print;

/// Runs the verb; returns the exit code.
pub(crate) fn run(matches: &ArgMatches) -> anyhow::Result<u8> {
    let (file, out) = (Path::new(argument(matches, "file")), Path::new(argument(matches, "out")));
    output::refuse_inputs(matches, None, ("-o", out))?;
    let extension = file.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
    let (model, decisions) = match extension.as_deref() {
        Some("safetensors") => {
            if matches.contains_id("task") {
                let error = thalweg::Error::config("the model of --like has a task").at("--task");
                return Err(error.fix("leave it out").into());
            }
            let like = matches.get_one::<String>("like").ok_or_else(|| {
                thalweg::Error::config("a safetensors file has parameters alone, and no network")
                    .at("--like")
                    .fix("name a model of the same network with --like, such as a run of one epoch")
            })?;
            import::safetensors(file, Model::load(like)?, &map(matches)?)?
        }
        Some("onnx") => {
            if let Some(flag) = ["like", "map"].into_iter().find(|flag| matches.contains_id(flag)) {
                let error = thalweg::Error::config("a graph has a network of its own").at(format!("--{flag}"));
                return Err(error.fix("leave it out").into());
            }
            let task = matches.get_one::<String>("task").map(|name| name.parse()).transpose()?;
            import::onnx(file, task)?
        }
        _ => {
            let message = format!("no format is read from {}", file.display());
            return Err(thalweg::Error::config(message).fix("give an .onnx or a .safetensors file").into());
        }
    };
    model.save(out)?;
    if matches.get_flag("json") {
        print::json(&serde_json::json!({
            "path": out,
            "task": model.target.task,
            "classes": model.target.classes,
            "input": model.network.input(),
            "parameters": model.network.layout().trained(),
            "decisions": decisions,
        }))?;
    } else {
        print::imported(out, &model, &decisions)?;
    }
    Ok(0)
}

/// Names in the file, each paired with one of ours.
fn map(matches: &ArgMatches) -> anyhow::Result<Vec<(String, String)>> {
    let text = matches.get_one::<String>("map").map_or("", String::as_str);
    let pair = |pair: &str| {
        let pair = pair.split_once('=').ok_or_else(|| {
            thalweg::Error::config(format!("found {pair:?}, expected MODULE=LAYER"))
                .at("--map")
                .fix("--map fc1=layers.0")
        })?;
        Ok((pair.0.trim().to_string(), pair.1.trim().to_string()))
    };
    text.split(',').filter(|pair| !pair.trim().is_empty()).map(pair).collect()
}
