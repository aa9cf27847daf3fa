//! How a network is trained: as the configuration says, and otherwise as suits the data.

use std::collections::BTreeMap;
use std::time::Duration;

use super::facts::Facts;
use super::freeze::{self, HEAD_EPOCHS};
use super::layers::averaged;
use super::{automatic_products, decide, products, texts, unknown};
use crate::config::{Precision, Quality};
use crate::error::{Error, Result};
use crate::event::Decision;
use crate::metrics;
use crate::network::Network;
use crate::schedule::{self, Schedule};
use crate::train::{Folds, TrainSettings};

/// Settings for a network, whose members are of so many candidates, and an optimiser of a name, which usually learns at a rate.
///
/// # Errors
/// If a name is unknown, or rates are not by epochs.
pub(super) fn settings(
    facts: &Facts,
    network: &Network,
    candidates: usize,
    (optimizer, usual_rate): (&str, Option<f64>),
    decisions: &mut Vec<Decision>,
) -> Result<TrainSettings> {
    let train = &facts.config.train;
    let members = network.members();
    let batch_size = batch_size(facts, decisions);
    let epochs = epochs(facts, network, decisions);
    let learning_rate = learning_rate(facts, (optimizer, usual_rate), decisions);
    let schedule = schedule(facts, decisions)?;
    let patience = patience(facts, epochs, decisions);
    let monitor = monitor(facts, decisions)?;
    let best_from = best_from(facts, epochs, decisions);
    let average = average(facts, epochs, batch_size, decisions);
    Ok(TrainSettings {
        products: match train.precision {
            Precision::Auto => automatic_products(train.bf16_unit, network.largest_product(batch_size), decisions)?,
            precision => products(precision, train.bf16_unit, "training", decisions)?,
        },
        reduction: train.reduction,
        seed: train.seed,
        batch_size,
        epochs,
        full_batch_epochs: train.full_batch_epochs.min(epochs),
        learning_rate,
        schedule,
        warm_up: train.warm_up.unwrap_or(if facts.convolutions { 1.0 } else { 0.0 }),
        l2: train.l2,
        clip_norm: train.clip_norm,
        clip_value: train.clip_value,
        patience,
        monitor,
        best_from,
        average,
        temperature_scaling: temperature_scaling(facts),
        folds: facts.data.trains_on_dev.then_some(Folds {
            members: members / candidates,
            // Two answer more like all of them than one does: the best epoch and the temperature are those of an average.
            left_out_by: if members / candidates < 4 { 1 } else { 2 },
            candidates,
            weights: Vec::new(),
            dev_rows: facts.dev_rows,
            seed: train.seed,
            of: averaged(facts.task),
        }),
        freeze: freeze::freeze(facts, network, epochs, decisions)?,
        time_limit: train.time_limit.map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)),
    })
}

/// Frames in a mini-batch of clips.
const FRAMES_AT_ONCE: usize = 128;

fn batch_size(facts: &Facts, decisions: &mut Vec<Decision>) -> usize {
    match facts.config.train.batch_size {
        Some(0) => facts.rows,
        Some(size) => size,
        None => {
            let size = match facts.rows {
                // Of a clip all frames are in memory.
                _ if facts.frames > 1 => (FRAMES_AT_ONCE / facts.frames).clamp(8, 64),
                10_000.. if facts.texts.is_some() => 128,
                // Few sequences take many steps to learn.
                ..1_000 if facts.sequences => 8,
                // Windows of a series overlap: a few of them say little more than one.
                rows if facts.forecast => (rows / 16).next_power_of_two().clamp(32, 256),
                ..2_000 => 32,
                2_000..50_000 => 64,
                _ => 128,
            };
            let why = if facts.frames > 1 { format!("{} frames each", facts.frames) } else { facts.of_rows() };
            decide(decisions, format!("mini-batches of {size}"), why, "[batch_size=64]");
            size
        }
    }
}

/// Multiply-adds of forward passes in a training on few sounds: a minute or two on two cores.
const WORK_ON_FEW_SOUNDS: f64 = 1.75e12;

/// Multiply-adds of forward passes in which a network of convolutions learns another task: some minutes on two cores, as
/// the backward passes take twice as long.
const WORK_ON_ANOTHER_TASK: f64 = 4e12;
/// Epochs in which it does: with more, few examples are known by heart.
const EPOCHS_ON_ANOTHER_TASK: [usize; 2] = [5, 10];

fn epochs(facts: &Facts, network: &Network, decisions: &mut Vec<Decision>) -> usize {
    facts.config.train.epochs.unwrap_or_else(|| {
        if facts.transfers() {
            let work = network.multiply_adds() * facts.rows.max(1) as f64;
            let [fewest, most] = EPOCHS_ON_ANOTHER_TASK;
            let epochs = HEAD_EPOCHS + ((WORK_ON_ANOTHER_TASK / work) as usize).clamp(fewest, most);
            let each = format!("{}, {:.0} million multiply-adds each", facts.of_rows(), network.multiply_adds() / 1e6);
            decide(decisions, format!("at most {epochs} epochs"), each, "[epochs=100]");
            return epochs;
        }
        let thousands = match facts.config.train.quality {
            Quality::Fast => 500,
            Quality::Good => 1_500,
            // Longer was no better on tables.
            Quality::Best if facts.table && !facts.first_edition => 1_500,
            Quality::Best => 5_000,
        };
        // Passes over rows in all. Networks on tables fit soon, and the rate must have fallen by then; convolutions take
        // long for each image or sound, and learn much from each.
        let (rows, range) = match () {
            () if facts.convolutions && facts.sound.is_some() => (thousands * 100, 20..=100),
            () if facts.convolutions => {
                (thousands * 1_000 / 15 * 8 / facts.frames, 5..=if facts.few_photos { 150 } else { 100 })
            }
            () if facts.texts.is_some() && !facts.course => (texts::passes(facts), texts::EPOCHS),
            () if facts.linear || facts.course || facts.first_edition => (thousands * 1_000, 20..=300),
            () if facts.task.is_classes() => (thousands * 100, 12..=300),
            () => (thousands * 500, 20..=300),
        };
        let mut epochs = (rows / facts.rows.max(1)).clamp(*range.start(), *range.end());
        let mut why = facts.of_rows();
        if facts.few_sounds {
            let work = network.multiply_adds() * facts.rows.max(1) as f64;
            let budget = WORK_ON_FEW_SOUNDS * thousands as f64 / 1_500.0;
            epochs = epochs.min((budget / work) as usize).max(*range.start());
            why = format!("{why}, {:.0} million multiply-adds each", network.multiply_adds() / 1e6);
        }
        decide(decisions, format!("at most {epochs} epochs"), why, "[epochs=100]");
        epochs
    })
}

fn learning_rate(facts: &Facts, (optimizer, usual): (&str, Option<f64>), decisions: &mut Vec<Decision>) -> f64 {
    facts.config.train.learning_rate.unwrap_or_else(|| {
        let rate = usual.unwrap_or(match () {
            () if facts.course => 1e-3,
            () if facts.texts.is_some() => {
                if facts.rows < 10_000 {
                    3e-3
                } else {
                    1e-2
                }
            }
            () if facts.linear => 2e-2,
            () if facts.transfers() => 1e-3,
            () if facts.convolutions => 3e-3,
            () if facts.rows < 2_000 => 2e-3,
            () if facts.rows < 5_000 && (facts.first_edition || !facts.task.is_classes()) => 2e-3,
            () => 1e-3,
        });
        let why = format!("usual for {optimizer}{}", if facts.linear { " without hidden layers" } else { "" });
        decide(decisions, format!("a learning rate of {rate}"), why, "[learning_rate=0.001]");
        rate
    })
}

fn schedule(facts: &Facts, decisions: &mut Vec<Decision>) -> Result<Schedule> {
    let train = &facts.config.train;
    let name = train.schedule.clone().unwrap_or_else(|| {
        let (name, other) = if facts.course { ("constant", "cosine") } else { ("cosine", "constant") };
        let what = format!("the {name} schedule of the learning rate");
        decide(decisions, what, "the recipe".into(), &format!("[schedule={other}]"));
        name.into()
    });
    let rates = manual_rates(&train.rates)?;
    let registered = schedule::named(&name).map_err(|error| error.at("train.schedule"))?;
    (registered.build)(schedule::ScheduleOptions { decay: train.decay, every: train.decay_every, rates })
}

fn manual_rates(rates: &BTreeMap<String, f64>) -> Result<BTreeMap<usize, f64>> {
    let read = |(epoch, &rate): (&String, &f64)| match epoch.parse() {
        Ok(epoch) if epoch > 0 && rate >= 0.0 => Ok((epoch, rate)),
        _ => Err(Error::config(format!("found {epoch}={rate}, expected an epoch from 1 and a rate"))
            .at("train.rates")
            .fix("[rates=1=0.1,50=0.01]")),
    };
    rates.iter().map(read).collect()
}

fn patience(facts: &Facts, epochs: usize, decisions: &mut Vec<Decision>) -> usize {
    facts.config.train.patience.unwrap_or_else(|| {
        let patience = if facts.course { 0 } else { (epochs / 3).max(10) };
        if patience > 0 && patience < epochs && facts.dev_rows > 0 {
            let what = format!("stop after {patience} epochs without a better dev result");
            decide(decisions, what, format!("{epochs} epochs"), "[patience=0]");
        }
        patience
    })
}

/// The dev metric that decides which epoch is best, and whether higher is better.
fn monitor(facts: &Facts, decisions: &mut Vec<Decision>) -> Result<(String, bool)> {
    let monitor = facts.config.train.monitor.clone().unwrap_or_else(|| {
        // The most accurate epoch is often one of too certain probabilities. On few rows it is chance, too.
        let others = facts.convolutions || facts.course || facts.first_edition;
        let accuracy = others && facts.task.is_classes() && facts.dev_rows >= 300;
        let monitor = if accuracy { "accuracy" } else { "loss" };
        if facts.dev_rows > 0 {
            let what = format!("the best epoch is the one with the best dev {monitor}");
            decide(decisions, what, format!("{} dev rows", facts.dev_rows), "[monitor=loss]");
        }
        monitor.into()
    });
    let known = [&["loss"], metrics::names(facts.task)].concat();
    if !known.contains(&monitor.as_str()) {
        return Err(unknown("train.monitor", &monitor, &known));
    }
    let higher = monitor != "loss" && metrics::higher_is_better(&monitor);
    Ok((monitor, higher))
}

fn best_from(facts: &Facts, epochs: usize, decisions: &mut Vec<Decision>) -> usize {
    facts.config.train.best_from.unwrap_or_else(|| {
        if !facts.convolutions || facts.dev_rows == 0 || facts.dev_rows >= 100 {
            return 1;
        }
        // While the rate is high the dev loss jumps, and the least of so few rows is chance.
        let half = (epochs / 2).max(1);
        let what = format!("the best epoch is chosen from epoch {half} on");
        decide(decisions, what, format!("{} dev rows", facts.dev_rows), "[best_from=1]");
        half
    })
}

/// A temperature from fewer dev rows would be chance.
fn temperature_scaling(facts: &Facts) -> bool {
    let usual = !facts.course && !facts.first_edition && facts.dev_rows >= 100;
    facts.task.is_classes() && facts.config.train.temperature_scaling.unwrap_or(usual)
}

/// β of the average of the parameters.
fn average(facts: &Facts, epochs: usize, batch_size: usize, decisions: &mut Vec<Decision>) -> f64 {
    facts.config.train.average.unwrap_or_else(|| {
        if !facts.convolutions {
            return 0.0;
        }
        let steps = epochs * facts.rows.div_ceil(batch_size.max(1));
        // Three digits: what is printed is what is done.
        let average = ((1.0 - 10.0 / steps.max(1) as f64).clamp(0.9, 0.999) * 1e3).round() / 1e3;
        let what = format!("parameters are averaged with β = {average}, and the average is judged and saved");
        decide(decisions, what, "about a tenth of all steps".into(), "[average=0]");
        average
    })
}
