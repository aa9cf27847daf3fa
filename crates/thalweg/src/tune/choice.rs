//! Which trial is best, and how much of that is chance.

use serde::Serialize;

use super::study::{Trial, TrialKind, TrialState};

/// The best trial that went to its end; among equals the one with the lower loss, then the first.
pub fn best(trials: &[Trial]) -> Option<&Trial> {
    trials.iter().filter(|trial| trial.kind != TrialKind::Seed && is_whole(trial)).min_by(|a, b| order(a, b))
}

/// Whether a trial went to its end, with a number to compare.
fn is_whole(trial: &Trial) -> bool {
    trial.state == TrialState::Done && trial.cost.is_some_and(f64::is_finite)
}

/// The better one first. On few rows accuracies are often equal, and the loss still tells which answers are surer.
fn order(a: &Trial, b: &Trial) -> std::cmp::Ordering {
    let costs = |trial: &Trial| {
        let loss = trial.others.get("log_loss").or(trial.others.get("loss"));
        [trial.cost, loss.copied()].map(|cost| cost.unwrap_or(f64::MAX))
    };
    let ([a_cost, a_loss], [b_cost, b_loss]) = (costs(a), costs(b));
    a_cost.total_cmp(&b_cost).then(a_loss.total_cmp(&b_loss)).then(a.number.cmp(&b.number))
}

/// The trials that no other beats in one thing without losing in another: the value, and what is named besides, of
/// which less is better.
pub fn front<'a>(trials: &'a [Trial], besides: &[String]) -> Vec<&'a Trial> {
    let costs = |trial: &Trial| -> Option<Vec<f64>> {
        let others = besides.iter().map(|name| trial.others.get(name).copied());
        std::iter::once(trial.cost).chain(others).collect()
    };
    let all: Vec<(Vec<f64>, &Trial)> = trials
        .iter()
        .filter(|trial| trial.state == TrialState::Done && trial.kind != TrialKind::Seed)
        .filter_map(|trial| Some((costs(trial)?, trial)))
        .collect();
    let beats = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| a <= b) && a != b;
    let unbeaten = all.iter().filter(|(own, _)| !all.iter().any(|(other, _)| beats(other, own)));
    unbeaten.map(|(_, trial)| *trial).collect()
}

/// What the best trial reaches with other seeds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Noise {
    /// Seeds tried besides the trial's own.
    pub seeds: usize,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation.
    pub deviation: f64,
    /// The trials that cannot be told from the best: nearer to it than two trainings of the same are, 19 times of 20.
    pub alike: Vec<usize>,
}

impl Noise {
    /// The noise that the trials of other seeds show; none of fewer than two.
    pub fn measure(trials: &[Trial]) -> Option<Noise> {
        let best = best(trials)?;
        let seeds: Vec<f64> = trials
            .iter()
            .filter(|trial| trial.kind == TrialKind::Seed && trial.state == TrialState::Done)
            .filter_map(|trial| trial.value)
            .collect();
        if seeds.len() < 2 {
            return None;
        }
        let n = seeds.len() as f64;
        let mean = seeds.iter().sum::<f64>() / n;
        let deviation = (seeds.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
        let near = 1.96 * std::f64::consts::SQRT_2 * deviation;
        let alike = trials
            .iter()
            .filter(|trial| trial.kind != TrialKind::Seed && trial.state == TrialState::Done)
            .filter(|trial| trial.number != best.number)
            .filter(|trial| trial.cost.zip(best.cost).is_some_and(|(cost, best)| cost - best < near));
        Some(Noise { seeds: seeds.len(), mean, deviation, alike: alike.map(|trial| trial.number).collect() })
    }
}

/// The training of the best trial that went best: with its own seed, or with another.
pub(super) fn best_seed(trials: &[Trial]) -> Option<&Trial> {
    let seeds = trials.iter().filter(|trial| trial.kind == TrialKind::Seed && is_whole(trial));
    best(trials).into_iter().chain(seeds).min_by(|a, b| order(a, b))
}
