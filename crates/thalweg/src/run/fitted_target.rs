//! What the target codec learns once training has ended: thresholds and scores, from dev.

use crate::config::{Config, Threshold};
use crate::data::dataset::Dataset;
use crate::data::target::Target;
use crate::error::{Result, advice};
use crate::event::Decision;
use crate::metrics::threshold::{HALF, OutcomeCounts, Rule, Thresholds};
use crate::task::Task;

/// The target, calibrated by the outputs on dev, with its thresholds, and what is said of each.
///
/// # Errors
/// If there can be no such threshold.
pub(super) fn fitted_target(config: &Config, data: &Dataset, on_dev: &[f64]) -> Result<(Target, Vec<Decision>)> {
    let mut target = data.target.clone();
    target.calibration = None;
    if data.parts.dev.rows > 0 {
        target.calibrate(on_dev, &data.parts.dev);
    }
    let decisions = match &config.train.threshold {
        None => Vec::new(),
        Some(Threshold::At(threshold)) => {
            target.set_threshold(*threshold)?;
            Vec::new()
        }
        Some(Threshold::By(rule)) => choose(&mut target, rule.parse()?, on_dev, data),
    };
    Ok((target, decisions))
}

/// Chooses the best threshold of each output on dev.
fn choose(target: &mut Target, rule: Rule, probabilities: &[f64], data: &Dataset) -> Vec<Decision> {
    let (dev, width) = (&data.parts.dev, target.outputs());
    let weights = dev.wide_weights();
    let mut decisions = Vec::new();
    let mut thresholds = vec![HALF; width];
    for (output, threshold) in thresholds.iter_mut().enumerate() {
        let p: Vec<f64> = probabilities.iter().skip(output).step_by(width).copied().collect();
        let positive: Vec<bool> = dev.y.iter().skip(output).step_by(width).map(|y| *y > 0.5).collect();
        // A label of which dev has one kind alone keeps the usual one.
        let Some(all) = Thresholds::of(&p, &positive, weights.as_deref()) else { continue };
        let best = all.best(rule);
        *threshold = best.threshold;
        let name = if target.task == Task::Binary { &target.classes[1] } else { &target.classes[output] };
        decisions.push(decision(name, rule, &best, &all.at(HALF), dev.rows));
    }
    if thresholds.iter().any(|threshold| *threshold != HALF) {
        target.thresholds = thresholds;
    }
    decisions
}

fn decision(name: &str, rule: Rule, best: &OutcomeCounts, half: &OutcomeCounts, rows: usize) -> Decision {
    let value = |counts: &OutcomeCounts| format!("{:.3}", rule.value(counts));
    Decision {
        what: format!("{name:?} is predicted from a probability of {} on", best.threshold),
        why: format!(
            "the best {} on {rows} dev rows, {} ({} at 0.5), with precision {:.3} and recall {:.3}",
            rule.name(),
            value(best),
            value(half),
            best.precision(),
            best.recall()
        ),
        instead: advice!("[threshold={}]", HALF),
    }
}
