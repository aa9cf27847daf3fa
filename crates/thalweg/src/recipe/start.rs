//! Training that goes on from a model: its network and its parameters instead of drawn ones.

use super::{decide, input_shape};
use crate::config::{self, Config};
use crate::data::dataset::Dataset;
use crate::data::preprocess::{Input, Transform};
use crate::error::{Error, Result};
use crate::event::Decision;
use crate::model::Model;
use crate::network::Network;
use crate::tensor::Tensor;

/// The network of a model and its parameters, if they fit the data.
pub(super) fn from(
    path: &str,
    config: &Config,
    data: &Dataset,
    decisions: &mut Vec<Decision>,
) -> Result<(Network, Option<Tensor>)> {
    let Model { network, theta, pipeline, target, .. } = Model::load(path)?;
    let differs = |what: String, fix: &str| Error::config(what).at("train.start_from").fix(fix);
    if config.network != config::Network::default() {
        let message = "the network is the model's own, and options of a network are given too".into();
        return Err(differs(message, "leave out the options of the network, or [start_from]"));
    }
    let (found, wanted) = (input_shape(data)?, network.input());
    if found != wanted {
        let message = format!("the model's network takes {wanted}, the data gives {found}");
        return Err(differs(message, "use data of the shape, or with the columns, that the model was trained on"));
    }
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
            _ => false,
        });
    if let Some((Input { column, .. }, _)) = other {
        let message = format!("the model knows other categories of {column:?} than the data has");
        return Err(differs(message, "use data with the categories that the model was trained on"));
    }
    let (outputs, task) = (network.output().size(), data.task);
    if outputs != data.target.outputs() || target.task != task {
        let (model, found) = (target.task, data.target.outputs());
        let message = format!("the model has {outputs} outputs for {model}, the data needs {found} for {task}");
        return Err(differs(message, "use data with as many classes or numbers to predict, or set [task]"));
    }
    if target.classes != data.target.classes {
        let classes = format!("{:?} and {:?}", target.classes, data.target.classes);
        decide(
            decisions,
            "classes are those of the model in their order, by other names".into(),
            classes,
            "[start_from]",
        );
    }
    decide(
        decisions,
        format!("the network and its first parameters are those of {path}"),
        "they are to be trained further".into(),
        "[start_from]",
    );
    Ok((network, Some(theta)))
}
