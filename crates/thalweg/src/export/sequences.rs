//! Models of sequences in other formats: the network alone, on examples that are encoded already, and a description of what
//! these are.

use serde_json::json;

use super::{ExportOptions, Exported, Format};
use crate::data::preprocess::{ArrayScale, Grouping, Pipeline, Scale};
use crate::error::{Error, Result};
use crate::event::Decision;
use crate::model::Model;

/// The extension of the description.
const DESCRIPTION: &str = "inputs.json";

/// Writes the network of a model of sequences, which takes T × (C + 1) numbers an example.
///
/// # Errors
/// As for other models, and if the model is to be calibrated.
pub(super) fn write(model: &Model, grouping: &Grouping, format: &Format, options: &ExportOptions) -> Result<Exported> {
    if options.calibrate.is_some() {
        let error = Error::config("the exported network takes sequences that are encoded, and reads no table of them");
        return Err(error.at("--calibrate").fix("leave it out"));
    }
    let mut alone = Model::from_bytes(&model.to_bytes(), "the model")?;
    let array = ArrayScale { shape: model.pipeline.shape(), scales: vec![Scale::None], media: None };
    alone.pipeline = Pipeline::of_array(model.pipeline.cell_format.clone(), array);
    let mut exported = (format.write)(&alone, options)?;
    let Grouping { sequence, time, steps } = grouping;
    let channels: Vec<String> = model.pipeline.features().into_iter().chain(["mask".to_string()]).collect();
    let description = json!({
        "what": format!(
            "An example is {steps} × {} numbers: a row for each step of a sequence, its columns encoded as the pipeline \
             says and a mask of 1, and rows of 0 after the last step.",
            channels.len()
        ),
        "sequence": sequence,
        "time": time,
        "steps": steps,
        "channels": channels,
        "pipeline": model.pipeline,
    });
    exported.sidecars.push((DESCRIPTION, format!("{description:#}\n").into_bytes()));
    exported.decisions.push(Decision {
        what: "the network takes sequences that are encoded already".into(),
        why: format!("other formats group no rows; .{DESCRIPTION} says what an example is"),
        instead: "use thalweg predict".into(),
    });
    Ok(exported)
}
