//! Training that goes on from a model: its network and its parameters instead of drawn ones, with a new last layer where
//! the task is another.

use std::path::Path;

use serde_json::Value;

use super::facts::Facts;
use super::{decide, input_shape};
use crate::config::{self, Config, Head};
use crate::data;
use crate::data::dataset::Dataset;
use crate::data::preprocess::{Input, Transform};
use crate::data::target::Target;
use crate::error::{Error, Result};
use crate::event::Decision;
use crate::layers::{BatchNorm, Dropout, Layer, Linear, Registered, Resize, read_layer, write_layer};
use crate::model::Model;
use crate::network::Network;
use crate::tensor::{Activation, Shape, Tensor};

/// The share of the features that a new last layer does not see of an example in training.
const DROPPED: f64 = 0.2;

/// What training starts from.
pub(super) struct Start {
    pub(super) network: Network,
    pub(super) theta: Tensor,
    /// How many layers there are before a new head, if there is one.
    pub(super) body: Option<usize>,
}

/// The model that training starts from: a model file, a run's folder or an ONNX graph.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn model(path: &str) -> Result<Model> {
    #[cfg(feature = "onnx")]
    if Path::new(path).extension().is_some_and(|ending| ending.eq_ignore_ascii_case("onnx")) {
        return crate::import::onnx(Path::new(path), None).map(|(model, _)| model);
    }
    Model::load(Path::new(path))
}

/// The data of a configuration, in the form and with the scales that the model is for which training starts from, if any.
///
/// # Errors
/// If a source or the model cannot be read, or rows cannot be trained on.
pub(crate) fn dataset(config: &Config) -> Result<Dataset> {
    let Some(path) = &config.train.start_from else { return data::load(config) };
    data::load_like(config, model(path)?.pipeline.array.as_ref())
}

/// The network of a model and its parameters, if they fit the data.
///
/// # Errors
/// If they do not, or options of a network are given, too.
pub(super) fn from(path: &str, facts: &Facts, decisions: &mut Vec<Decision>) -> Result<Start> {
    let Facts { config, data, .. } = *facts;
    let model = model(path)?;
    if config.network != config::Network::default() {
        let message = "the network is the model's own, and options of a network are given too".into();
        return Err(differs(message, "leave out the options of the network, or [start_from]"));
    }
    let input = input_shape(data)?;
    let resize = resize(input, model.network.input(), facts, decisions)?;
    check_columns(&model, data)?;
    decide(
        decisions,
        format!("the network and its first parameters are those of {path}"),
        "they are to be trained further".into(),
        "[start_from]",
    );
    let new_head = new_head(config, &model.target, data, decisions)?;
    let Model { network, theta, .. } = model;
    let (layout, count) = (network.layout().clone(), network.layers().len());
    let body = if new_head { body(&network)? } else { count };
    let first = usize::from(resize.is_some());
    let mut own: Vec<Box<dyn Layer>> = network.into_layers().into_iter().take(body).collect();
    if config.train.fixed_statistics.unwrap_or(new_head) {
        own = fix_statistics(own, decisions)?;
    }
    let mut layers: Vec<Box<dyn Layer>> = resize.into_iter().map(|resize| Box::new(resize) as _).chain(own).collect();
    if new_head {
        layers.push(Box::new(Dropout { rate: DROPPED }));
        layers.push(Box::new(Linear::new(data.target.outputs(), Activation::Identity)));
    }
    let network = Network::new(input, layers)?;
    let mut start = network.initialize(config.train.seed, theta.dtype());
    network.layout().copy_layers(first, (&layout, 0..body), theta.view(), start.view_mut());
    Ok(Start { network, theta: start, body: new_head.then_some(first + body) })
}

fn differs(what: String, fix: &str) -> Error {
    Error::config(what).at("train.start_from").fix(fix)
}

/// Checks that the columns of a table are those of the model.
fn check_columns(model: &Model, data: &Dataset) -> Result<()> {
    let pipeline = &model.pipeline;
    let (features, known) = (data.pipeline.features(), pipeline.features());
    if pipeline.array.is_none()
        && let Some((found, known)) = features.iter().zip(&known).find(|(found, known)| found != known)
    {
        let message = format!("an input of the network is {known:?} in the model and {found:?} in the data");
        return Err(differs(message, "use data with the columns and the categories that the model was trained on"));
    }
    let other =
        data.pipeline.inputs.iter().zip(&pipeline.inputs).find(|pair| match (&pair.0.transform, &pair.1.transform) {
            (Transform::Embedding(found), Transform::Embedding(known)) => found.categories != known.categories,
            (Transform::Ordered(found), Transform::Ordered(known)) => found.levels != known.levels,
            (Transform::Tokens(found), Transform::Tokens(known)) => found.tokenizer != known.tokenizer,
            _ => false,
        });
    match other {
        Some((Input { column, .. }, _)) => {
            let message = format!("the model knows other categories or words of {column:?} than the data has");
            Err(differs(message, "use data with the categories and words that the model was trained on"))
        }
        None => Ok(()),
    }
}

/// The layer that brings the data's images to the size that the network takes, if they have another.
fn resize(found: Shape, wanted: Shape, facts: &Facts, decisions: &mut Vec<Decision>) -> Result<Option<Resize>> {
    if found == wanted {
        return Ok(None);
    }
    match (facts.image, wanted.image()) {
        (Some([.., channels]), Some([height, width, known])) if channels == known && facts.frames == 1 => {
            decide(
                decisions,
                format!("the network brings images to {height} × {width} pixels first"),
                format!("it was trained on such, and the data has {found}"),
                "[start_from]",
            );
            Ok(Some(Resize { height, width }))
        }
        _ => {
            let message = format!("the model's network takes {wanted}, the data gives {found}");
            Err(differs(message, "use data of the shape, or with the columns, that the model was trained on"))
        }
    }
}

/// Whether the last layer is drawn for the data's task, and not the model's.
fn new_head(config: &Config, model: &Target, data: &Dataset, decisions: &mut Vec<Decision>) -> Result<bool> {
    let (outputs, needed) = (model.outputs(), data.target.outputs());
    let fits = outputs == needed && model.task == data.task;
    // A graph from elsewhere numbers its classes.
    let numbered = model.classes.iter().enumerate().all(|(i, class)| *class == i.to_string());
    let same = model.classes == data.target.classes || numbered;
    let why = match fits {
        false => {
            format!("the model has {outputs} outputs for {}, the data needs {needed} for {}", model.task, data.task)
        }
        true => format!("classes are {:?} in the model and {:?} in the data", model.classes, data.target.classes),
    };
    match config.train.head {
        Some(Head::Keep) if !fits => {
            Err(differs(why, "use data with as many classes or numbers to predict, or [head=new]"))
        }
        Some(Head::Keep) => Ok(false),
        None if fits && same => Ok(false),
        Some(Head::New) | None => {
            let why = if fits && same { "it is asked for".into() } else { why };
            decide(decisions, format!("a new last layer of {needed} units"), why, "[head=keep]");
            Ok(true)
        }
    }
}

/// The layers, with batch norm by the statistics that it has learned.
fn fix_statistics(layers: Vec<Box<dyn Layer>>, decisions: &mut Vec<Decision>) -> Result<Vec<Box<dyn Layer>>> {
    /// Sets the option of every batch norm in a layer's options; whether there was one.
    fn fix(options: &mut Value) -> bool {
        let is_norm = options["kind"] == BatchNorm::NAME;
        if is_norm {
            options["fixed_statistics"] = true.into();
        }
        let within: Vec<bool> = match options {
            Value::Array(all) => all.iter_mut().map(fix).collect(),
            Value::Object(all) => all.values_mut().map(fix).collect(),
            _ => Vec::new(),
        };
        is_norm || within.contains(&true)
    }
    let mut any = false;
    let fixed = layers.into_iter().map(|layer| {
        let mut options = write_layer(&*layer);
        let norms = fix(&mut options);
        any |= norms;
        if norms { read_layer(options, &[]) } else { Ok(layer) }
    });
    let fixed = fixed.collect::<Result<_>>()?;
    if any {
        let what = "batch norm keeps the statistics that it has learned".into();
        decide(
            decisions,
            what,
            "those of mini-batches would undo what the layers expect".into(),
            "[fixed_statistics=false]",
        );
    }
    Ok(fixed)
}

/// How many layers there are before the one that a new head replaces.
fn body(network: &Network) -> Result<usize> {
    network.body().ok_or_else(|| match network.members() {
        1 => {
            let message = "nothing is left of the model's network with another last layer".into();
            differs(message, "leave out [start_from], or start from a model with hidden layers")
        }
        members => {
            let message = format!("the model is an ensemble of {members}, which have no layer in common");
            differs(message, "start from a model that was trained with [ensemble=1]")
        }
    })
}
