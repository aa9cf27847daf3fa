//! What a model file must satisfy before it is used: each part valid by itself, and all parts consistent.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{FORECAST, FORMAT, Model};
use crate::data::memory;
use crate::data::schema::Task;
use crate::error::{Error, beginning};
use crate::io::safetensors::Container;
use crate::layers::{Embedding, Parameters, Registered, read_layer, write_layer};
use crate::network::{Network, weights};
use crate::tensor::ops::MatmulPrecision;
use crate::tensor::{Dtype, Shape, Tensor};

/// The metadata keys of a model file.
pub(super) const TEXTS: [&str; 7] = ["format", "input", "layers", "pipeline", "schema", "target", "provenance"];

/// The model in a file, or what is wrong with it.
pub(super) fn read(Container { tensors, metadata }: &Container) -> Result<Model, String> {
    let format = text(metadata, "format")?;
    if *format != FORMAT.to_string() {
        return Err(format!("it has format {:?}, this version reads {FORMAT}", beginning(format)));
    }
    if let Some(name) = metadata.keys().find(|name| !TEXTS.contains(&name.as_str()) && *name != FORECAST) {
        return Err(format!("it has {:?}, which no model has", beginning(name)));
    }
    let tables: Vec<Value> =
        serde_json::from_str(text(metadata, "layers")?).map_err(|error| unreadable("layers", &error))?;
    let input: Shape = part(metadata, "input")?;
    let network = network(input, tables)?;
    let theta = weights::from_stored(&network, tensors)?;
    let model = Model {
        network,
        theta,
        pipeline: part(metadata, "pipeline")?,
        schema: part(metadata, "schema")?,
        target: part(metadata, "target")?,
        provenance: part(metadata, "provenance")?,
        forecast: metadata.contains_key(FORECAST).then(|| part(metadata, FORECAST)).transpose()?,
    };
    check(&model)?;
    Ok(model)
}

fn text<'a>(metadata: &'a BTreeMap<String, String>, name: &str) -> Result<&'a String, String> {
    metadata.get(name).ok_or_else(|| format!("it has no {name:?}: it is not a Thalweg model"))
}

fn unreadable(name: &str, error: &serde_json::Error) -> String {
    format!("its {name} cannot be read: {error}")
}

/// Parses a part of the model from its metadata.
fn part<T: DeserializeOwned + Serialize>(metadata: &BTreeMap<String, String>, name: &str) -> Result<T, String> {
    let text = text(metadata, name)?;
    let part: T = serde_json::from_str(text).map_err(|error| unreadable(name, &error))?;
    let found: Value = serde_json::from_str(text).map_err(|error| unreadable(name, &error))?;
    let known = serde_json::to_value(&part).map_err(|error| unreadable(name, &error))?;
    same_form(name, &found, &known)?;
    Ok(part)
}

/// Checks that nothing found was dropped by parsing: unknown keys are rejected at any depth.
fn same_form(place: &str, found: &Value, known: &Value) -> Result<(), String> {
    match (found, known) {
        (Value::Object(found), Value::Object(known)) => found.iter().try_for_each(|(key, value)| {
            let shown = beginning(key);
            let own = known.get(key).ok_or_else(|| format!("{place} has {shown:?}, which is not known"))?;
            same_form(&format!("{place}.{shown}"), value, own)
        }),
        (Value::Array(found), Value::Array(known)) if found.len() == known.len() => {
            let mut each = found.iter().zip(known).enumerate();
            each.try_for_each(|(i, (found, known))| same_form(&format!("{place}[{i}]"), found, known))
        }
        (Value::Object(_) | Value::Array(_), _) | (_, Value::Object(_) | Value::Array(_)) => {
            Err(format!("{place} is not in the form that Thalweg writes"))
        }
        _ => Ok(()),
    }
}

fn network(input: Shape, tables: Vec<Value>) -> Result<Network, String> {
    let read = |(i, table): (usize, Value)| {
        let layer = read_layer(table.clone(), &[]).map_err(|error| format!("layers.{i}: {}", whole(&error)))?;
        same_form(&format!("layers[{i}]"), &table, &write_layer(layer.as_ref()))?;
        Ok(layer)
    };
    let layers = tables.into_iter().enumerate().map(read).collect::<Result<_, String>>()?;
    Network::new(input, layers).map_err(|error| whole(&error))
}

/// An error's location and message.
fn whole(error: &Error) -> String {
    error.place.iter().chain([&error.message]).map(String::as_str).collect::<Vec<_>>().join(": ")
}

/// Checks that the parts of a model are consistent.
pub(crate) fn check(model: &Model) -> Result<(), String> {
    let Model { network, theta, pipeline, schema, target, provenance: _, forecast } = model;
    schema.check()?;
    pipeline.check(schema)?;
    target.check(schema, pipeline.array.is_some())?;
    let (takes, gives) = (network.input(), pipeline.shape());
    if takes.dimensions() != gives {
        return Err(format!("its network takes examples of {takes}, its pipeline gives {gives:?}"));
    }
    check_embeddings(model)?;
    let (output, answers) = (network.output(), target.outputs());
    if output.size() != answers || (target.task == Task::Multiclass && output.last() != answers) {
        return Err(format!("its network has {output} outputs, its target needs {answers} for {}", target.task));
    }
    check_parameters(network, theta)?;
    if let Some(forecast) = forecast {
        forecast.check(answers)?;
    }
    let numbers = network.numbers_per_row().saturating_add(network.input().size());
    let needed = 2 * numbers as u64 * if theta.dtype() == Dtype::F64 { 8 } else { 4 };
    match memory::free() {
        Some(free) if needed > free => {
            let [needed, free] = [needed, free].map(memory::written);
            Err(format!("its network takes {needed} of memory for an example, and {free} are free"))
        }
        _ => Ok(()),
    }
}

/// Checks that the network's embeddings are applied to the pipeline's code columns, with tables of matching size.
fn check_embeddings(model: &Model) -> Result<(), String> {
    let columns = model.pipeline.embeddings();
    let Some(first) = columns.first() else { return Ok(()) };
    let layer = &model.network.layers()[0];
    let looked_up: Option<Embedding> =
        if layer.kind() == Embedding::NAME { serde_json::from_value(layer.config()).ok() } else { None };
    let Some(layer) = looked_up else {
        return Err(format!(
            "its pipeline gives codes for {:?}, and its network looks up none",
            beginning(&first.name)
        ));
    };
    if (layer.dense, layer.columns.len()) != (first.position, columns.len()) {
        let found = format!("{} codes after {} inputs", layer.columns.len(), layer.dense);
        return Err(format!(
            "its network looks up {found}, its pipeline gives {} after {}",
            columns.len(),
            first.position
        ));
    }
    match columns.iter().zip(&layer.columns).find(|(column, table)| column.slots != table.slots) {
        Some((column, table)) => Err(format!(
            "its pipeline gives {} codes for {:?}, its network has vectors for {}",
            column.slots,
            beginning(&column.name),
            table.slots
        )),
        None => Ok(()),
    }
}

/// Checks each layer's parameter values.
fn check_parameters(network: &Network, theta: &Tensor) -> Result<(), String> {
    for entry in network.layout().entries() {
        let values = theta.view().part(entry.start, entry.shape);
        if (0..values.len()).any(|i| !values.at(i).is_finite()) {
            return Err(format!("the tensor {:?} has a number that is not finite", entry.name));
        }
    }
    let mut input = network.input();
    for (i, layer) in network.layers().iter().enumerate() {
        let (theta, entries) = (theta.view(), network.layout().of_layer(i));
        let parameters = Parameters { theta, entries, precision: MatmulPrecision::F32, lengths: None };
        layer.check_parameters(input, parameters).map_err(|wrong| format!("layers.{i}: {wrong}"))?;
        input = network.outputs()[i];
    }
    Ok(())
}
