//! What Thalweg decides where the user leaves it open: from a configuration and the data to a network and settings.

mod augment;
mod by_length;
mod candidates;
mod clips;
mod facts;
mod freeze;
mod images;
mod layers;
mod numbers;
mod ridge;
mod sequences;
mod settings;
mod sounds;
mod start;
mod texts;
mod threshold;
mod train_on_dev;
mod vectors;

use self::facts::Facts;
use crate::config::{Bf16Unit, ClassWeights, Config, Precision, Weighting};
use crate::data::dataset::Dataset;
use crate::data::schema::Task;
use crate::error::{Error, Result, did_you_mean};
use crate::event::Decision;
use crate::losses::{self, Loss};
use crate::model::Model;
use crate::network::Network;
use crate::optimizers::{self, Hyperparameters, Optimizer, Registered};
use crate::tensor::ops::{Bf16, LARGE_PRODUCT, MatmulPrecision, Unit};
use crate::tensor::{Dtype, Shape, Tensor};
use crate::train::{Augmentation, State, TrainSettings};
pub(crate) use start::{dataset, model as start_model};
pub(crate) use train_on_dev::for_training;

/// Everything that training needs besides the examples.
#[derive(Debug)]
pub struct Plan {
    /// The network.
    pub network: Network,
    /// How many kinds of networks its members are.
    pub candidates: usize,
    /// The parameters that it starts from, where these are not drawn.
    pub start: Option<Tensor>,
    /// Its loss.
    pub loss: Box<dyn Loss>,
    /// The optimiser.
    pub optimizer: Box<dyn Optimizer>,
    /// How it is trained.
    pub settings: TrainSettings,
    /// The type of the numbers.
    pub dtype: Dtype,
    /// How training examples are changed in each epoch.
    pub augmentation: Augmentation,
    /// The length of each training example, if mini-batches are of examples of like lengths.
    pub lengths: Option<Vec<u32>>,
    /// What was decided, and the flags that decide otherwise.
    pub decisions: Vec<Decision>,
}

impl Plan {
    /// The state before the first step: at the parameters to start from, or at random initialisation.
    pub(crate) fn state(&self, seed: u64, average: f64, dtype: Dtype) -> State {
        let theta = self.start.as_ref().map_or_else(|| self.network.initialize(seed, dtype), |start| start.to(dtype));
        State::from_theta(&self.network, &*self.optimizer, theta, average)
    }
}

/// Decides everything for a configuration and its data.
///
/// # Errors
/// If a name is unknown, or a choice does not fit the task.
pub fn plan(config: &Config, data: &Dataset) -> Result<Plan> {
    decided(Facts::new(config, data))
}

/// The same for a network that starts from a model's parameters.
///
/// # Errors
/// As for [`plan`], and if the network has not as many parameters as the model's.
pub(crate) fn plan_from(config: &Config, data: &Dataset, model: &Model) -> Result<Plan> {
    let mut plan = decided(Facts { start: Some(model), ..Facts::new(config, data) })?;
    let (found, expected) = (model.theta.view().len(), plan.network.layout().len());
    if found != expected {
        let error = Error::config(format!("found {found} parameters to begin with, expected {expected}"));
        return Err(error.fix("keep the layers and the data's columns as they were, or begin anew"));
    }
    plan.start = Some(model.theta.clone());
    Ok(plan)
}

fn decided(facts: Facts) -> Result<Plan> {
    let Facts { config, data, .. } = facts;
    let mut decisions = Vec::new();
    sounds::check(&facts)?;
    threshold::check(&facts)?;
    if config.leaves_inputs() {
        let why = "the first layer reads tokens, or a mask, from them".into();
        decide(&mut decisions, "inputs stay as they are".into(), why, "[normalise=standard]");
    }
    let loss = loss(&facts)?;
    let dtype = if config.train.precision == Precision::F64 { Dtype::F64 } else { Dtype::F32 };
    let vectors = vectors::read(&facts, &mut decisions)?;
    let facts = Facts { vectors: vectors.as_ref().map(|vectors| vectors.dimension), ..facts };
    let (network, candidates, start, body, held) = match &config.train.start_from {
        Some(path) => {
            let start = start::from(path, &facts, &mut decisions)?;
            (start.network, 1, Some(start.theta), start.body, Vec::new())
        }
        None => {
            let (layers, candidates) = layers::layers(&facts, &mut decisions)?;
            let network = Network::new(input_shape(data)?, layers)?;
            let solved = ridge::solved(&facts, &network, dtype, &mut decisions);
            let (solved, held) = solved.map_or((None, Vec::new()), |solved| (Some(solved.theta), solved.held));
            let start = vectors.map(|vectors| vectors.start(&network, config.train.seed, dtype)).or(solved);
            (network, candidates, start, None, held)
        }
    };
    let facts = facts.with_body(body);
    let (registered, given) = optimizer(&facts)?;
    let optimizer = (registered.build)(&given);
    let usual_rate = (registered.learning_rate)(&given);
    let optimizers = (optimizer.name(), usual_rate);
    let mut settings = settings::settings(&facts, &network, candidates, optimizers, &mut decisions)?;
    settings.freeze.held = held;
    let head_alone = freeze::trains_head_alone(&settings.freeze, &network);
    let augmentation = augment::augmentation(&facts, head_alone, &mut decisions)?;
    let lengths = by_length::lengths(&facts, &network, settings.batch_size, &mut decisions)?;
    Ok(Plan { network, candidates, start, loss, optimizer, settings, dtype, augmentation, lengths, decisions })
}

const WITHOUT_TILES: &str =
    "the bits of tiles are asked for, which this machine does not have: it takes many times as long";

/// How `who` multiplies f32 matrices; what becomes of a wish for bf16 depends on the machine, and is told.
///
/// # Errors
/// If the machine does not have the unit asked for, nor its bits.
pub(crate) fn products(
    precision: Precision,
    unit: Option<Bf16Unit>,
    who: &str,
    decisions: &mut Vec<Decision>,
) -> Result<MatmulPrecision> {
    let Some(parts) = precision.bf16_parts() else {
        if unit.is_some() {
            let found = "a unit for bf16 values, but products are not of these";
            return Err(Error::config(found).at("--bf16-unit").fix("leave out [bf16_unit], or set [precision=bf16x6]"));
        }
        return Ok(MatmulPrecision::F32);
    };
    let on = |unit| Bf16::on(unit, parts).map(MatmulPrecision::Bf16);
    let (products, why) = match unit {
        None => {
            let fastest = MatmulPrecision::fastest(parts);
            let slower = fastest == MatmulPrecision::F32;
            let why =
                if slower { "this machine is not faster at the bf16 asked for" } else { "asked for, and faster here" };
            (fastest, why)
        }
        Some(Bf16Unit::None) => (MatmulPrecision::F32, "no unit is to be used"),
        Some(Bf16Unit::DotProducts) => (on(Unit::Dot).ok_or_else(no_dot_products)?, "asked for"),
        Some(Bf16Unit::Tiles) => match on(Unit::Tiles) {
            Some(tiles) => (tiles, "asked for"),
            None => (on(Unit::Portable).expect("any machine has loops"), WITHOUT_TILES),
        },
    };
    let what = match products {
        MatmulPrecision::Bf16(bf16) => format!("{who} multiplies bf16 numbers with {}", bf16.unit()),
        MatmulPrecision::F32 => format!("{who} multiplies in f32"),
    };
    decide(decisions, what, why.into(), "[precision=f32]");
    Ok(products)
}

/// How training multiplies where nothing is asked for: on tiles if the machine has them, or a run began with them, and
/// the largest product of a step, in multiply-adds, is large enough for them.
///
/// # Errors
/// If another unit is asked for.
fn automatic_products(
    unit: Option<Bf16Unit>,
    largest: usize,
    decisions: &mut Vec<Decision>,
) -> Result<MatmulPrecision> {
    let tiles = match unit {
        Some(Bf16Unit::DotProducts) => {
            let found = "dot products of bf16 values, which are not as accurate as f32 in less time";
            return Err(Error::config(found).at("--bf16-unit").fix("leave out [bf16_unit], or set [precision=bf16]"));
        }
        Some(Bf16Unit::Tiles) if largest < LARGE_PRODUCT => {
            let why = "this network's products are too small to gain from tiles";
            decide(decisions, "training multiplies in f32".into(), why.into(), "[precision=bf16x6]");
            None
        }
        _ if largest < LARGE_PRODUCT => None,
        Some(Bf16Unit::Tiles) => Bf16::on(Unit::Tiles, 3).or(Bf16::on(Unit::Portable, 3)),
        Some(Bf16Unit::None) => None,
        None => match MatmulPrecision::fastest(3) {
            MatmulPrecision::Bf16(bf16) => Some(bf16),
            MatmulPrecision::F32 => None,
        },
    };
    let Some(tiles) = tiles else { return Ok(MatmulPrecision::F32) };
    let why = if tiles.unit() == Unit::Portable {
        WITHOUT_TILES
    } else {
        "errors are as in f32, in less time; f32 has the same bits on every machine"
    };
    let what = format!("training multiplies large matrices with {}, as six products of bf16 parts", tiles.unit());
    decide(decisions, what, why.into(), "[precision=f32]");
    Ok(MatmulPrecision::Bf16(tiles.large_only()))
}

fn no_dot_products() -> Error {
    Error::config("AVX-512's dot products of bf16 values, which this machine does not have")
        .at("--bf16-unit")
        .fix("use a machine that has them: no other has their bits; or train anew without [bf16_unit]")
}

/// What multiplies bf16 values for a precision, as a run records it.
pub(crate) fn bf16_unit(products: MatmulPrecision) -> Bf16Unit {
    match products {
        MatmulPrecision::F32 => Bf16Unit::None,
        MatmulPrecision::Bf16(bf16) if bf16.unit() == Unit::Dot => Bf16Unit::DotProducts,
        MatmulPrecision::Bf16(_) => Bf16Unit::Tiles,
    }
}

fn input_shape(data: &Dataset) -> Result<Shape> {
    Shape::try_from(data.pipeline.shape()).map_err(Error::data)
}

fn decide(decisions: &mut Vec<Decision>, what: String, why: String, instead: &str) {
    decisions.push(Decision { what, why, instead: instead.into() });
}

fn loss(facts: &Facts) -> Result<Box<dyn Loss>> {
    let train = &facts.config.train;
    let (classes, multiclass) = (facts.task != Task::Regression, facts.task == Task::Multiclass);
    let quantiles = &facts.data.target.quantiles[..];
    let name = train.loss.as_deref().unwrap_or(match (classes, quantiles) {
        (true, _) => "cross_entropy",
        (false, []) => "squared",
        (false, _) => "pinball",
    });
    if !quantiles.is_empty() && name != "pinball" {
        let error = Error::config(format!("quantiles are trained by the pinball loss, found {name}"));
        return Err(error.at("train.loss").fix("leave out [loss] or [quantiles]"));
    }
    let smoothing = train.label_smoothing;
    let registered = losses::named(name).map_err(|error| error.at("train.loss"))?;
    if classes != registered.of_classes {
        let task = if classes { "classes" } else { "numbers" };
        return Err(Error::config(format!("the loss {name:?} for a target of {task}"))
            .at("train.loss")
            .fix("leave [loss] out, or set [task]"));
    }
    if smoothing > 0.0 && !multiclass {
        return Err(Error::config("label smoothing is for three classes or more")
            .at("train.label_smoothing")
            .fix("leave it out"));
    }
    Ok((registered.build)(&losses::LossSettings { multiclass, smoothing, delta: train.huber_delta, quantiles }))
}

/// The optimiser that is asked for, else the recipe's, and what is said of it.
fn optimizer(facts: &Facts) -> Result<(&'static Registered, Hyperparameters)> {
    let train = &facts.config.train;
    let name = train.optimizer.as_deref().unwrap_or(if facts.course { "gradient_descent" } else { "adamw" });
    let registered = optimizers::named(name).map_err(|error| error.at("train.optimizer"))?;
    if train.weight_decay.is_some_and(|decay| decay > 0.0) && !registered.decays {
        return Err(Error::config(format!("decoupled weight decay with {name}"))
            .at("train.weight_decay")
            .fix("use [l2], or [optimizer=adamw]"));
    }
    let given = Hyperparameters {
        beta1: train.momentum,
        beta2: train.beta2,
        epsilon: train.epsilon,
        placement: train.epsilon_placement,
        form: train.momentum_form,
        bias_correction: train.bias_correction,
        weight_decay: train.weight_decay,
        course: facts.course,
        convolutions: facts.convolutions,
    };
    Ok((registered, given))
}

fn unknown(key: &str, found: &str, known: &[&str]) -> Error {
    let message = format!("unknown value {found:?}{}", did_you_mean(found, known.iter().copied()));
    Error::config(message).at(key).fix(format!("use one of {}", known.join(", ")))
}

/// The weight of each class in the cost, in the order of the classes; none where all are 1.
///
/// # Errors
/// If a class is unknown, or classes are weighted in a task without them.
pub fn class_weights(config: &Config, data: &Dataset) -> Result<Option<Vec<f64>>> {
    let Some(weights) = &config.train.class_weights else { return Ok(None) };
    let classes = &data.target.classes;
    let place = |error: Error| error.at("train.class_weights");
    let single = matches!(data.task, Task::Binary | Task::Multiclass);
    match weights {
        ClassWeights::Named(Weighting::None) => Ok(None),
        _ if !single => {
            Err(place(Error::config("class weights need a target of one class a row").fix("leave them out")))
        }
        ClassWeights::Named(Weighting::Balanced) => {
            // m / (C · m_c): every class then weighs the same in the cost.
            let counts = data.class_counts()?;
            let m = data.train_rows() as f64;
            Ok(Some(counts.iter().map(|count| m / (classes.len() as f64 * f64::max(*count as f64, 1.0))).collect()))
        }
        ClassWeights::Each(each) => {
            let mut weights = vec![1.0; classes.len()];
            for (class, &weight) in each {
                let Some(i) = classes.iter().position(|name| name == class) else {
                    return Err(unknown(
                        "train.class_weights",
                        class,
                        &classes.iter().map(String::as_str).collect::<Vec<_>>(),
                    ));
                };
                if !(weight >= 0.0 && weight.is_finite()) {
                    return Err(place(
                        Error::config(format!("a weight of {weight} for {class:?}")).fix("use weights from 0"),
                    ));
                }
                weights[i] = weight;
            }
            Ok(Some(weights))
        }
    }
}

/// How many networks' answers are averaged.
///
/// # Errors
/// If the configuration asks for an ensemble that cannot be.
#[cfg(feature = "tune")]
pub(crate) fn members(config: &Config, data: &Dataset) -> Result<usize> {
    layers::members(&Facts::new(config, data), &mut Vec::new())
}

/// Whether the network is one of convolutions, which learns otherwise than one for tables.
#[cfg(feature = "tune")]
pub(crate) fn has_convolutions(config: &Config, data: &Dataset) -> bool {
    Facts::new(config, data).convolutions
}
