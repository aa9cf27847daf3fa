//! The layers of a network: as the configuration says, and otherwise as suits the data.

use super::candidates::candidates;
use super::facts::Facts;
use super::numbers::NumberLayer;
use super::texts::TextHead;
use super::{clips, decide, images, numbers, sequences, sounds, texts};
use crate::config::{Config, Quality, Recipe};
use crate::error::{Error, Result};
use crate::event::Decision;
use crate::init::Init;
use crate::layers::{
    Activate, Average, BatchNorm, Dropout, Embedded, Embedding, Ensemble, Layer, Linear, Parametrization, Residual,
    read_layer,
};
use crate::task::Task;
use crate::tensor::Activation;

/// Hidden units by the number of training rows m.
pub(super) fn hidden(facts: &Facts, decisions: &mut Vec<Decision>) -> Vec<usize> {
    if let Some(layers) = &facts.config.network.layers {
        return layers.clone();
    }
    let m = facts.rows;
    let units: &[usize] = match (facts.config.train.recipe, facts.config.train.quality) {
        (Recipe::Course, _) => &[16],
        (_, Quality::Fast) => &[64],
        _ if m < 1_000 => &[64, 32],
        _ if m < 5_000 => &[128, 64],
        (_, Quality::Best) if facts.wide => &[1024, 512, 256],
        _ => &[256, 128],
    };
    decide(decisions, format!("hidden layers of {units:?} units"), facts.of_rows(), "[layers=128,64]");
    units.to_vec()
}

/// The fewest units a layer must have for dropout to leave it enough of them.
const DROPOUT_UNITS: usize = 16;

/// The rate of dropout after each hidden layer, of the units given.
fn dropout_rates(facts: &Facts, hidden: &[usize], decisions: &mut Vec<Decision>) -> Result<Vec<f64>> {
    let config = facts.config;
    let layers = hidden.len();
    match config.network.dropout.as_deref() {
        Some([rate]) => Ok(vec![*rate; layers]),
        Some(rates) if rates.len() == layers => Ok(rates.to_vec()),
        Some([]) => Ok(vec![0.0; layers]),
        Some(rates) => Err(Error::config(format!("{} rates for {layers} hidden layers", rates.len()))
            .at("network.dropout")
            .fix("give one rate for all hidden layers, or one a layer")),
        None => {
            let (m, wide) = (facts.rows, facts.wide);
            let rate = match config.train.recipe {
                Recipe::Course => 0.0,
                // Batch norm's noise regularises already, and dropout changes the variances it stores.
                Recipe::Auto if config.network.batch_norm => 0.0,
                // Dropout changes the variance of what the output layer sees, and with it the scale of its numbers.
                Recipe::Auto if !facts.first_edition && !facts.task.is_classes() && m >= 1_000 => 0.0,
                Recipe::Auto if wide && m >= 5_000 && config.train.quality == Quality::Best => 0.3,
                Recipe::Auto if wide || m < 5_000 => 0.2,
                Recipe::Auto => 0.1,
            };
            // A deep network drops as much in all as one of two hidden layers, or nothing would be left of its input.
            let rate = (rate * f64::min(1.0, 2.0 / layers.max(1) as f64) * 1e3).round() / 1e3;
            let rates: Vec<f64> = hidden.iter().map(|&n| if n < DROPOUT_UNITS { 0.0 } else { rate }).collect();
            let dropped = rates.iter().filter(|&&rate| rate > 0.0).count();
            if dropped > 0 {
                let which =
                    if dropped == layers { "each hidden layer" } else { "the hidden layers of 16 units or more" };
                decide(decisions, format!("dropout of {rate} after {which}"), facts.of_rows(), "[dropout=0]");
            }
            Ok(rates)
        }
    }
}

fn activations(config: &Config, hidden: usize) -> Result<Vec<Activation>> {
    let names = &config.network.activation;
    let activations = names.iter().map(|name| name.parse()).collect::<Result<Vec<Activation>>>();
    let activations = activations.map_err(|error| error.at("network.activation"))?;
    match activations[..] {
        [one] => Ok(vec![one; hidden]),
        _ if activations.len() == hidden => Ok(activations),
        _ => Err(Error::config(format!("{} activations for {hidden} hidden layers", names.len()))
            .at("network.activation")
            .fix("give one activation for all hidden layers, or one a layer")),
    }
}

/// Embeddings where there are any, and a network for the task, or the members of an ensemble and their average; and how
/// many candidates the members are of.
pub(super) fn layers(facts: &Facts, decisions: &mut Vec<Decision>) -> Result<(Vec<Box<dyn Layer>>, usize)> {
    let data = facts.data;
    let mut layers: Vec<Box<dyn Layer>> = Vec::new();
    let embedded = data.pipeline.embeddings();
    if !embedded.is_empty() {
        let columns = embedded.iter().map(|e| Embedded { slots: e.slots, dimension: e.dimension }).collect();
        layers.push(Box::new(Embedding { dense: data.parts.train.columns - embedded.len(), columns }));
    }
    let members = members(facts, decisions)?;
    let candidates = candidates(facts, members, decisions)?;
    let mut all = Vec::with_capacity(members * candidates.len());
    for config in &candidates {
        let facts = Facts { start: facts.start, vectors: facts.vectors, ..Facts::new(config, data) };
        let mut own = Vec::new();
        let numbers = numbers::embedding(&facts, &mut own)?;
        for _ in 0..members {
            all.push(member(&facts, numbers.as_ref(), &mut own)?);
            // What is decided for one is decided for all.
            if all.len() == 1 {
                decisions.append(&mut own);
            }
        }
    }
    if all.len() == 1 {
        layers.extend(all.remove(0));
    } else {
        let average = Average::new(all.len(), averaged(facts.task));
        layers.push(Box::new(Ensemble::new(all)));
        layers.push(Box::new(average));
    }
    Ok((layers, candidates.len()))
}

/// What logits become before they are averaged: answers.
pub(super) fn averaged(task: Task) -> Activation {
    match task {
        Task::Multiclass => Activation::Softmax,
        Task::Binary | Task::Multilabel => Activation::Sigmoid,
        Task::Regression => Activation::Identity,
    }
}

/// Members of an ensemble by default, and the training rows beyond which one network is enough.
const MEMBERS: usize = 5;
const ENSEMBLE_ROWS: usize = 100_000;

/// How many networks' answers are averaged (Lakshminarayanan, Pritzel and Blundell 2017).
pub(super) fn members(facts: &Facts, decisions: &mut Vec<Decision>) -> Result<usize> {
    let config = facts.config;
    let (network, train) = (&config.network, &config.train);
    if let Some(members) = network.ensemble {
        if members > 1 && facts.sound.is_some() {
            let error = Error::config("an ensemble on sounds").at("network.ensemble");
            return Err(error.fix("leave it out: ensembles are for tables and images"));
        }
        return Ok(members);
    }
    let free = network.layers.is_none() && network.layer.is_empty() && train.recipe == Recipe::Auto;
    if !(free && facts.table) || facts.first_edition || facts.fast || facts.rows > ENSEMBLE_ROWS {
        return Ok(1);
    }
    let what = format!("an ensemble of {MEMBERS} networks, whose answers are averaged");
    decide(decisions, what, "members err in different ways".into(), "[ensemble=1]");
    Ok(MEMBERS)
}

/// The embedding of numbers, the hidden layers, and the output layer for the task.
fn member(facts: &Facts, numbers: Option<&NumberLayer>, decisions: &mut Vec<Decision>) -> Result<Vec<Box<dyn Layer>>> {
    let (options, data) = (&facts.config.network, facts.data);
    let init = options.init.as_deref().map(|name| Init::named(name, options.init_scale)).transpose();
    let init = init.map_err(|error| error.at("network.init"))?;
    let parametrization = options.parametrization;
    let output = || {
        let linear = Linear::new(data.target.outputs(), Activation::Identity);
        boxed(Linear { init, parametrization, ..linear })
    };
    let mut layers: Vec<Box<dyn Layer>> = Vec::new();
    if !options.layer.is_empty() {
        layers.extend(texts::layers(facts));
        for table in &options.layer {
            layers.push(read_layer(table.clone(), &[])?);
        }
    } else if let Some(hidden) = clips::layers(facts, decisions)? {
        layers.extend(hidden);
    } else if let Some(hidden) = sequences::layers(facts, decisions)? {
        layers.extend(hidden);
    } else if let Some(hidden) = images::layers(facts, decisions)? {
        layers.extend(hidden);
    } else if let Some(hidden) = sounds::layers(facts, decisions)? {
        layers.extend(hidden);
    } else {
        layers.extend(sounds::features(facts, decisions));
        layers.extend(numbers.map(NumberLayer::layer));
        layers.extend(texts::layers(facts));
        match texts::head(facts, decisions) {
            TextHead::Wide => {}
            TextHead::Deep => layers.extend(dense(facts, init, decisions)?),
            TextHead::WideAndDeep => {
                let mut deep = dense(facts, init, decisions)?;
                deep.push(output());
                layers.push(Box::new(Residual::new(deep, vec![output()], Activation::Identity)));
                return Ok(layers);
            }
        }
    }
    layers.push(output());
    Ok(layers)
}

fn boxed(layer: impl Layer + 'static) -> Box<dyn Layer> {
    Box::new(layer)
}

/// Hidden layers in which every unit sees all inputs.
fn dense(facts: &Facts, init: Option<Init>, decisions: &mut Vec<Decision>) -> Result<Vec<Box<dyn Layer>>> {
    let hidden = hidden(facts, decisions);
    let rates = dropout_rates(facts, &hidden, decisions)?;
    let parametrization = facts.config.network.parametrization;
    let mut layers: Vec<Box<dyn Layer>> = Vec::new();
    for ((&units, activation), rate) in hidden.iter().zip(activations(facts.config, hidden.len())?).zip(rates) {
        if facts.config.network.batch_norm {
            let linear = Linear {
                bias: false,
                init: init.or_else(|| default_init(activation, parametrization)),
                parametrization,
                ..Linear::new(units, Activation::Identity)
            };
            layers.push(Box::new(linear));
            layers.push(Box::new(BatchNorm::default()));
            layers.push(Box::new(Activate { activation }));
        } else {
            layers.push(Box::new(Linear { init, parametrization, ..Linear::new(units, activation) }));
        }
        if rate > 0.0 {
            layers.push(Box::new(Dropout { rate }));
        }
    }
    Ok(layers)
}

/// The initialiser for a linear layer whose activation is a layer of its own, unless its parametrisation has one.
fn default_init(activation: Activation, parametrization: Parametrization) -> Option<Init> {
    let usual = if activation.is_rectifier() { Init::HeNormal } else { Init::GlorotUniform };
    (parametrization == Parametrization::Standard).then_some(usual)
}
