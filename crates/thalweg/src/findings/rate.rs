//! Whether the learning rate suits the network, by the share of its weights that a step changes.
//!
//! About 10⁻³ is usual (Karpathy's notes for CS231n, "Ratio of weights:updates"). Adam's first steps change every weight by
//! α, and fresh weights are about 0.1: at its usual 10⁻³ they begin at 10⁻².

use super::facts::{Facts, median};
use super::{Finding, Severity, percent, round, short};
use crate::error::advice;

/// Where weights should be: what a prescribed rate aims at.
const USUAL: f64 = 3e-3;
/// Weights that are turned over within ten steps keep nothing of what they have learned.
const TOO_HIGH: f64 = 0.1;
/// Less than a tenth of the lowest that is usual: 10,000 steps to change a weight by itself.
const TOO_LOW: f64 = 1e-4;

/// A rate that turns the weights over in a few steps, or makes the cost blow up.
pub(super) fn too_high(facts: &Facts) -> Option<Finding> {
    let rate = facts.learning_rate().or_else(|| facts.run.diverged().map(|_| f64::NAN))?;
    let updates = facts.updates();
    let first = updates.first().copied();
    // The first steps of an optimiser that divides by its averages are larger than what follows.
    let typical = median(updates.iter().skip(1).take(updates.len().div_ceil(2)).copied()).or(first)?;
    let diverged = facts.run.diverged();
    let blown_up = facts.run.epochs.iter().any(|epoch| epoch.dev_loss.is_some_and(|loss| loss > 1e3))
        && facts.run.first_cost.is_some_and(|j| j < 100.0);
    let high = typical > TOO_HIGH || first.is_some_and(|first| first > 5.0 * TOO_HIGH);
    if !(high || diverged.is_some() || blown_up) {
        return None;
    }
    let largest = updates.iter().copied().fold(typical, f64::max);
    let factor = if high { (USUAL / typical.max(first.unwrap_or(0.0) / 5.0)).min(0.1) } else { 0.1 };
    let new = round(rate * factor);
    let severe = diverged.is_some() || blown_up || facts.learned_little() || typical > 5.0 * TOO_HIGH;
    let end = diverged.map_or(String::new(), |epoch| format!("; the cost is no finite number in epoch {epoch}"));
    let advice = if rate.is_finite() {
        advice!("lower it: [learning_rate={}]", new)
    } else {
        "lower [learning_rate], or set [clip_norm=1]".into()
    };
    Some(Finding::new(
        if severe { Severity::Severe } else { Severity::Warning },
        format!("the learning rate of {} is too high", short(rate)),
        format!(
            "a step changes weights by up to {} of themselves, half of the steps by {} or more (0.1 % to 1 % is usual){end}",
            percent(largest),
            percent(typical)
        ),
        advice,
        "the cost falls steadily, and ends lower",
    ))
}

/// A rate with which the weights hardly move.
pub(super) fn too_low(facts: &Facts) -> Option<Finding> {
    let rate = facts.learning_rate()?;
    let updates = facts.updates();
    let early = median(updates.iter().take(updates.len().div_ceil(2)).copied())?;
    let costs: Vec<f64> = facts.run.epochs.iter().map(|epoch| epoch.cost).collect();
    let (before, last) = (facts.run.first_cost?, *costs.last()?);
    // One that has learned most of what there is may well have settled.
    let learning = last > 0.5 * before;
    if early > TOO_LOW || !learning || early == 0.0 {
        return None;
    }
    let new = round(rate * USUAL / early);
    Some(Finding::new(
        if last > 0.9 * before || facts.learned_little() { Severity::Severe } else { Severity::Warning },
        format!("the learning rate of {} is too low", short(rate)),
        format!(
            "a step changes weights by {} of themselves (0.1 % is usual), and the cost went from {} to {}",
            percent(early),
            short(before),
            short(last)
        ),
        advice!("raise it: [learning_rate={}]", new),
        "the same epochs reach a much lower cost",
    ))
}

/// A cost that is no finite number: where it began.
pub(super) fn non_finite(facts: &Facts) -> Option<Finding> {
    let epoch = facts.run.diverged()?;
    let bad = facts.run.scales.last().and_then(|(step, scales)| {
        let layer = scales.iter().find(|layer| !layer.activation.is_finite())?;
        Some(format!(
            "; {} is the first whose activations are not finite, in step {step}",
            facts.run.layer_title(&layer.name)
        ))
    });
    Some(Finding::new(
        Severity::Severe,
        "training diverged",
        format!("the cost is no finite number in epoch {epoch}{}", bad.unwrap_or_default()),
        "limit the gradients: [clip_norm=1]",
        "training goes on to the end",
    ))
}
