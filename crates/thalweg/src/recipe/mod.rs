//! What Thalweg decides where the user leaves it open: from a configuration and the data to a network and settings.

mod augment;
mod images;
mod layers;
mod sounds;
mod start;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::config::{ClassWeights, Config, Precision, Quality, Recipe, Weighting};
use crate::data::dataset::Dataset;
use crate::data::schema::Task;
use crate::error::{Error, Result, did_you_mean};
use crate::event::Decision;
use crate::losses::{self, Loss};
use crate::metrics;
use crate::network::Network;
use crate::optimizers::{self, Epsilon, Hyperparameters, MomentumForm, Optimizer, Registered};
use crate::schedule::Schedule;
use crate::tensor::ops::{self, MatmulPrecision};
use crate::tensor::{Dtype, Shape, Tensor};
use crate::train::{Augmentation, Settings, State};

/// Everything that training needs besides the examples.
#[derive(Debug)]
pub struct Plan {
    /// The network.
    pub network: Network,
    /// The parameters that it starts from, where these are not drawn.
    pub start: Option<Tensor>,
    /// Its loss.
    pub loss: Box<dyn Loss>,
    /// The optimiser.
    pub optimizer: Box<dyn Optimizer>,
    /// How it is trained.
    pub settings: Settings,
    /// The type of the numbers.
    pub dtype: Dtype,
    /// How training examples are changed in each epoch.
    pub augmentation: Augmentation,
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
    let mut decisions = Vec::new();
    sounds::check(config, data)?;
    let loss = loss(config, data)?;
    let (network, start) = match &config.train.start_from {
        Some(path) => start::from(path, config, data, &mut decisions)?,
        None => (Network::new(input_shape(data)?, layers::layers(config, data, &mut decisions)?)?, None),
    };
    let (registered, given) = optimizer(config, data)?;
    let optimizer = (registered.build)(&given);
    let usual_rate = (registered.learning_rate)(&given);
    let settings = settings(config, data, (optimizer.name(), usual_rate), &mut decisions)?;
    let augmentation = augment::augmentation(config, data, &mut decisions)?;
    let dtype = if config.train.precision == Precision::F64 { Dtype::F64 } else { Dtype::F32 };
    Ok(Plan { network, start, loss, optimizer, settings, dtype, augmentation, decisions })
}

/// How `who` multiplies f32 matrices; what becomes of a wish for bf16 depends on the machine, and is told.
pub(crate) fn products(precision: Precision, who: &str, decisions: &mut Vec<Decision>) -> MatmulPrecision {
    let parts = match precision {
        Precision::F32 | Precision::F64 => return MatmulPrecision::F32,
        Precision::Bf16 => 1,
        Precision::Bf16x3 => 2,
        Precision::Bf16x6 => 3,
    };
    let (what, why) = match ops::bf16_unit(parts) {
        Some(unit) => (format!("{who} multiplies bf16 numbers with {unit}"), "it is asked for, and faster here"),
        None => (format!("{who} multiplies in f32"), "this machine is not faster at the bf16 asked for"),
    };
    decide(decisions, what, why.into(), "--precision f32");
    MatmulPrecision::Bf16 { parts }
}

fn input_shape(data: &Dataset) -> Result<Shape> {
    Shape::try_from(data.pipeline.shape()).map_err(Error::data)
}

fn decide(decisions: &mut Vec<Decision>, what: String, why: String, flag: &str) {
    decisions.push(Decision { what, why, flag: flag.into() });
}

fn rows(m: usize) -> String {
    format!("{m} training rows")
}

fn loss(config: &Config, data: &Dataset) -> Result<Box<dyn Loss>> {
    let classes = data.task != Task::Regression;
    let name = config.train.loss.as_deref().unwrap_or(if classes { "cross_entropy" } else { "squared" });
    let smoothing = config.train.label_smoothing;
    let multiclass = data.task == Task::Multiclass;
    let registered = losses::named(name).map_err(|error| error.at("train.loss"))?;
    if classes != registered.of_classes {
        let task = if classes { "classes" } else { "numbers" };
        return Err(Error::config(format!("the loss {name:?} for a target of {task}"))
            .at("train.loss")
            .fix("leave --loss out, or set --task"));
    }
    if smoothing > 0.0 && !multiclass {
        return Err(Error::config("label smoothing is for three classes or more")
            .at("train.label_smoothing")
            .fix("leave it out"));
    }
    Ok((registered.build)(&losses::Settings { multiclass, smoothing, delta: config.train.huber_delta }))
}

/// The optimiser that is asked for, else the recipe's, and what is said of it.
fn optimizer(config: &Config, data: &Dataset) -> Result<(&'static Registered, Hyperparameters)> {
    let train = &config.train;
    let course = train.recipe == Recipe::Course;
    let name = train.optimizer.as_deref().unwrap_or(if course { "gradient_descent" } else { "adamw" });
    let registered = optimizers::named(name).map_err(|error| error.at("train.optimizer"))?;
    let form = match train.momentum_form.as_str() {
        "course" => MomentumForm::Course,
        "pytorch" => MomentumForm::Pytorch,
        other => return Err(unknown("train.momentum_form", other, &["course", "pytorch"])),
    };
    let placement = match train.epsilon_placement.as_deref() {
        None => None,
        Some("outside") => Some(Epsilon::Outside),
        Some("inside") => Some(Epsilon::Inside),
        Some(other) => return Err(unknown("train.epsilon_placement", other, &["outside", "inside"])),
    };
    if train.weight_decay.is_some_and(|decay| decay > 0.0) && !registered.decays {
        return Err(Error::config(format!("decoupled weight decay with {name}"))
            .at("train.weight_decay")
            .fix("use --l2, or --optimizer adamw"));
    }
    let given = Hyperparameters {
        beta1: train.momentum,
        beta2: train.beta2,
        epsilon: train.epsilon,
        placement,
        form,
        bias_correction: train.bias_correction,
        weight_decay: train.weight_decay,
        course,
        convolutions: images::has_network(config, data),
    };
    Ok((registered, given))
}

fn unknown(key: &str, found: &str, known: &[&str]) -> Error {
    let message = format!("unknown value {found:?}{}", did_you_mean(found, known.iter().copied()));
    Error::config(message).at(key).fix(format!("use one of {}", known.join(", ")))
}

fn settings(
    config: &Config,
    data: &Dataset,
    (optimizer, usual_rate): (&str, Option<f64>),
    decisions: &mut Vec<Decision>,
) -> Result<Settings> {
    let (train, m) = (&config.train, data.train_rows());
    let course = train.recipe == Recipe::Course;
    let convolutions = images::has_network(config, data);
    let linear = config.network.layer.is_empty() && config.network.layers.as_ref().is_some_and(Vec::is_empty);
    let batch_size = match train.batch_size {
        Some(0) => m,
        Some(size) => size,
        None => {
            let size = if m < 2_000 {
                32
            } else if m < 50_000 {
                64
            } else {
                128
            };
            decide(decisions, format!("mini-batches of {size}"), rows(m), "--batch-size 64");
            size
        }
    };
    let epochs = train.epochs.unwrap_or_else(|| {
        let most = match train.quality {
            Quality::Fast => 500_000,
            Quality::Good => 1_500_000,
            Quality::Best => 5_000_000,
        };
        let m = m.max(1);
        // Convolutions take long for each image or sound, and learn much from each.
        let epochs = if !convolutions {
            (most / m).clamp(20, 300)
        } else if sounds::form(data).is_some() {
            (most / 10 / m).clamp(20, 100)
        } else {
            (most / 15 * 8 / m).clamp(5, if images::are_few_photos(config, data) { 150 } else { 100 })
        };
        decide(decisions, format!("at most {epochs} epochs"), rows(m), "--epochs 100");
        epochs
    });
    let learning_rate = train.learning_rate.unwrap_or_else(|| {
        let rate = usual_rate.unwrap_or(match () {
            () if course => 1e-3,
            () if linear => 2e-2,
            () if convolutions => 3e-3,
            () if m < 5_000 => 2e-3,
            () => 1e-3,
        });
        let why = if linear { " without hidden layers" } else { "" };
        decide(
            decisions,
            format!("a learning rate of {rate}"),
            format!("usual for {optimizer}{why}"),
            "--learning-rate 0.001",
        );
        rate
    });
    let schedule = train.schedule.clone().unwrap_or_else(|| {
        let (name, other) = if course { ("constant", "cosine") } else { ("cosine", "constant") };
        decide(
            decisions,
            format!("the {name} schedule of the learning rate"),
            "the recipe".into(),
            &format!("--schedule {other}"),
        );
        name.into()
    });
    let rates = manual_rates(&train.rates)?;
    let patience = train.patience.unwrap_or_else(|| {
        let patience = if course { 0 } else { (epochs / 3).max(10) };
        if patience > 0 && patience < epochs && data.parts.dev.rows > 0 {
            decide(
                decisions,
                format!("stop after {patience} epochs without a better dev result"),
                format!("{epochs} epochs"),
                "--patience 0",
            );
        }
        patience
    });
    let monitor = train.monitor.clone().unwrap_or_else(|| {
        // On few rows accuracy moves in large steps, and its best epoch is chance.
        let accuracy = data.task.is_classes() && data.parts.dev.rows >= 300;
        let monitor = if accuracy { "accuracy" } else { "loss" };
        if data.parts.dev.rows > 0 {
            let why = format!("{} dev rows", data.parts.dev.rows);
            decide(decisions, format!("the best epoch is the one with the best dev {monitor}"), why, "--monitor loss");
        }
        monitor.into()
    });
    let best_from = train.best_from.unwrap_or_else(|| {
        let dev = data.parts.dev.rows;
        if !convolutions || dev == 0 || dev >= 100 {
            return 1;
        }
        // While the rate is high the dev loss jumps, and the least of so few rows is chance.
        let half = (epochs / 2).max(1);
        decide(
            decisions,
            format!("the best epoch is chosen from epoch {half} on"),
            format!("{dev} dev rows"),
            "--best-from 1",
        );
        half
    });
    let names = metrics::names(data.task);
    if monitor != "loss" && !names.contains(&monitor.as_str()) {
        let mut known = vec!["loss"];
        known.extend(names);
        return Err(unknown("train.monitor", &monitor, &known));
    }
    let average = train.average.unwrap_or_else(|| {
        if !convolutions {
            return 0.0;
        }
        let steps = epochs * m.div_ceil(batch_size.max(1));
        // Three digits: what is printed is what is done.
        let average = ((1.0 - 10.0 / steps.max(1) as f64).clamp(0.9, 0.999) * 1e3).round() / 1e3;
        let what = format!("parameters are averaged with β = {average}, and the average is judged and saved");
        decide(decisions, what, "about a tenth of all steps".into(), "--average 0");
        average
    });
    let higher = monitor != "loss" && metrics::higher_is_better(&monitor);
    Ok(Settings {
        products: products(train.precision, "training", decisions),
        seed: train.seed,
        batch_size,
        epochs,
        full_batch_epochs: train.full_batch_epochs.min(epochs),
        learning_rate,
        schedule: Schedule::named(&schedule, train.decay, train.decay_every, rates).map_err(|error| {
            match error.place {
                None => error.at("train.schedule"),
                Some(_) => error,
            }
        })?,
        warm_up: train.warm_up.unwrap_or(if convolutions { 1.0 } else { 0.0 }),
        l2: train.l2,
        clip_norm: train.clip_norm,
        clip_value: train.clip_value,
        patience,
        monitor: (monitor, higher),
        best_from,
        average,
        time_limit: train.time_limit.map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)),
    })
}

fn manual_rates(rates: &BTreeMap<String, f64>) -> Result<BTreeMap<usize, f64>> {
    let read = |(epoch, &rate): (&String, &f64)| match epoch.parse() {
        Ok(epoch) if epoch > 0 && rate >= 0.0 => Ok((epoch, rate)),
        _ => Err(Error::config(format!("found {epoch}={rate}, expected an epoch from 1 and a rate"))
            .at("train.rates")
            .fix("--rates 1=0.1,50=0.01")),
    };
    rates.iter().map(read).collect()
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

/// Whether the network is one of convolutions, which learns otherwise than one for tables.
#[cfg(feature = "tune")]
pub(crate) fn has_convolutions(config: &Config, data: &Dataset) -> bool {
    images::has_network(config, data)
}
