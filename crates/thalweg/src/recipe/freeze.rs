//! Which layers of a model that training starts from keep their parameters, and for how long.

use super::decide;
use super::facts::Facts;
use crate::config;
use crate::error::{Error, Result};
use crate::event::Decision;
use crate::network::Network;
use crate::train::Freeze;

/// The layers that are frozen, and the rates of the others.
///
/// # Errors
/// If there is no model to start from, or there are no such layers.
pub(super) fn freeze(facts: &Facts, network: &Network, epochs: usize, decisions: &mut Vec<Decision>) -> Result<Freeze> {
    let (train, body) = (&facts.config.train, facts.body);
    if train.start_from.is_none() {
        return no_model(train).map(|()| Freeze::default());
    }
    let asked = train.freeze.clone();
    let layers = match (&asked, body) {
        (None, None) => 0,
        (None, Some(body)) => body,
        (Some(asked), _) => frozen(asked, network, body)?,
    };
    let usual = match asked {
        None if facts.transfers() && train.epochs.is_none() => HEAD_EPOCHS,
        None if facts.transfers() => HEAD_EPOCHS.min(epochs / 2).max(1),
        None => (epochs / HEAD_SHARE).max(1),
        Some(_) => 0,
    };
    let until = train.unfreeze_after.unwrap_or(usual);
    let later = layers > 0 && until > 0 && until < epochs;
    let layer_decay = train.layer_decay.unwrap_or(if later { LAYER_DECAY } else { 1.0 });
    if layers > 0 {
        let what = match later {
            true => format!("the first {layers} layers are frozen for {until} epochs"),
            false => format!("the first {layers} layers are frozen"),
        };
        let why =
            if asked.is_some() { "it is asked for" } else { "a new last layer would spoil what they have learned" };
        decide(decisions, what, why.into(), if later { "[unfreeze_after=0], [freeze=none]" } else { "[freeze=none]" });
    }
    if layer_decay < 1.0 {
        let what = format!("each layer learns at {layer_decay} times the rate of the next one");
        decide(decisions, what, "the first layers suit other tasks as well".into(), "[layer_decay=1]");
    }
    Ok(Freeze { layers, epochs: later.then_some(until), layer_decay, ..Freeze::default() })
}

/// Whether only the last layer with weights is ever trained.
pub(super) fn trains_head_alone(freeze: &Freeze, network: &Network) -> bool {
    let trained = weighted(network).filter(|layer| *layer >= freeze.layers);
    freeze.layers > 0 && freeze.epochs.is_none() && trained.count() <= 1
}

/// The layers with weights.
fn weighted(network: &Network) -> impl DoubleEndedIterator<Item = usize> {
    let has_weights = |layer: &usize| network.layout().of_layer(*layer).iter().any(|entry| entry.decays);
    (0..network.layers().len()).filter(has_weights)
}

/// The epochs for which a new head of convolutions is trained alone: few seconds on features that are computed once.
pub(super) const HEAD_EPOCHS: usize = 30;

/// The share of the epochs for which a new head is trained alone: one of so many.
const HEAD_SHARE: usize = 4;

/// The rate of a layer as a share of the next one's, where layers are trained later.
const LAYER_DECAY: f64 = 0.9;

/// Refuses options that are about a model to start from.
fn no_model(train: &config::Train) -> Result<()> {
    let given = [
        ("freeze", train.freeze.is_some()),
        ("unfreeze_after", train.unfreeze_after.is_some()),
        ("fixed_statistics", train.fixed_statistics.is_some()),
        ("layer_decay", train.layer_decay.is_some()),
        ("head", train.head.is_some()),
    ];
    match given.iter().find(|(_, given)| *given) {
        Some((name, _)) => Err(Error::config("this is for a network that has learned before")
            .at(format!("train.{name}"))
            .fix("name a model with [start_from], or leave it out")),
        None => Ok(()),
    }
}

/// How many layers are asked for.
fn frozen(asked: &config::Freeze, network: &Network, body: Option<usize>) -> Result<usize> {
    let all = body.or(weighted(network).next_back()).unwrap_or(0);
    let count = match asked {
        config::Freeze::Layers(count) => Some(*count as usize).filter(|whole| *whole as f64 == *count),
        config::Freeze::Part(part) => match part.as_str() {
            "none" => Some(0),
            "stem" => weighted(network).nth(1),
            "all" => Some(all),
            _ => None,
        },
    };
    count.filter(|count| *count <= all).ok_or_else(|| {
        let found = match asked {
            config::Freeze::Layers(count) => count.to_string(),
            config::Freeze::Part(part) => format!("{part:?}"),
        };
        Error::config(format!("found {found}, expected none, stem, all or a number of layers up to {all}"))
            .at("train.freeze")
            .fix("choose one: the last layer is always trained")
    })
}
