//! Which trial is best, and how much of its lead is noise.

use serde::Serialize;

use super::record::{Trial, TrialKind, TrialState};

/// The best completed trial; ties go to the lower loss, then to the first.
pub fn best(trials: &[Trial]) -> Option<&Trial> {
    completed(trials).min_by(|a, b| order(a, b))
}

/// The completed trials with values of their own, not with another seed.
fn completed(trials: &[Trial]) -> impl Iterator<Item = &Trial> {
    trials.iter().filter(|trial| trial.kind != TrialKind::Seed && is_whole(trial))
}

/// Whether a trial completed with a comparable value.
fn is_whole(trial: &Trial) -> bool {
    trial.state == TrialState::Done && trial.cost.is_some_and(f64::is_finite)
}

/// The better trial first. On few rows accuracies often tie; the loss then still tells more confident predictions
/// apart.
fn order(a: &Trial, b: &Trial) -> std::cmp::Ordering {
    let costs = |trial: &Trial| {
        let loss = trial.others.get("log_loss").or(trial.others.get("loss"));
        [trial.cost, loss.copied()].map(|cost| cost.unwrap_or(f64::MAX))
    };
    let ([a_cost, a_loss], [b_cost, b_loss]) = (costs(a), costs(b));
    a_cost.total_cmp(&b_cost).then(a_loss.total_cmp(&b_loss)).then(a.number.cmp(&b.number))
}

/// The Pareto front: the trials that no other dominates in the value and the `secondary` metrics, which are minimised.
pub fn front<'a>(trials: &'a [Trial], secondary: &[String]) -> Vec<&'a Trial> {
    let costs = |trial: &Trial| -> Option<Vec<f64>> {
        let others = secondary.iter().map(|name| trial.others.get(name).copied());
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

/// Student's 97.5 % quantiles for 1 to 10 degrees of freedom.
const STUDENT: [f64; 10] = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228];

/// What the best trial reaches with other seeds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SeedNoise {
    /// Seeds tried in addition to the trial's own.
    pub seeds: usize,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation.
    pub deviation: f64,
    /// Trials indistinguishable from the best: within the 95 % range of one more training of it.
    pub alike: Vec<usize>,
}

impl SeedNoise {
    /// The seed noise; none with fewer than two other seeds.
    pub fn measure(trials: &[Trial]) -> Option<SeedNoise> {
        let best = best(trials)?;
        let seeds: Vec<&Trial> =
            trials.iter().filter(|trial| trial.kind == TrialKind::Seed && is_whole(trial)).collect();
        if seeds.len() < 2 {
            return None;
        }
        let n = seeds.len() as f64;
        let mean_of = |of: fn(&Trial) -> Option<f64>| seeds.iter().filter_map(|trial| of(trial)).sum::<f64>() / n;
        let (mean, mean_cost) = (mean_of(|trial| trial.value), mean_of(|trial| trial.cost));
        let squares = seeds.iter().filter_map(|trial| trial.cost).map(|cost| (cost - mean_cost).powi(2));
        let deviation = (squares.sum::<f64>() / (n - 1.0)).sqrt();
        // The best trial's own value is biased upwards by selection: the mean of the other seeds stands for it.
        let student = STUDENT.get(seeds.len() - 2).copied().unwrap_or(2.2);
        let bound = mean_cost + student * deviation * (1.0 + 1.0 / n).sqrt();
        let alike = completed(trials)
            .filter(|trial| trial.number != best.number && trial.cost.is_some_and(|cost| cost <= bound));
        Some(SeedNoise { seeds: seeds.len(), mean, deviation, alike: alike.map(|trial| trial.number).collect() })
    }
}

/// The completed trials, the best first.
pub(super) fn by_value(trials: &[Trial]) -> Vec<&Trial> {
    let mut completed: Vec<&Trial> = completed(trials).collect();
    completed.sort_by(|a, b| order(a, b));
    completed
}

/// The trainings of the best trial, with its own seed and with others, best first.
pub(super) fn trainings(trials: &[Trial]) -> Vec<&Trial> {
    let seeds = trials.iter().filter(|trial| trial.kind == TrialKind::Seed && is_whole(trial));
    let mut trainings: Vec<&Trial> = best(trials).into_iter().chain(seeds).collect();
    trainings.sort_by(|a, b| order(a, b));
    trainings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(number: usize, kind: TrialKind, value: f64, loss: f64, parameters: f64) -> Trial {
        Trial {
            number,
            kind,
            point: Default::default(),
            seed: 0,
            state: TrialState::Done,
            value: Some(value),
            cost: Some(-value),
            others: [("log_loss".into(), loss), ("parameters".into(), parameters)].into(),
            epochs: 1,
            seconds: 1.0,
            why: None,
            ends: 1,
        }
    }

    fn search(number: usize, value: f64, loss: f64, parameters: f64) -> Trial {
        trial(number, TrialKind::Search, value, loss, parameters)
    }

    #[test]
    fn among_equals_the_surer_one_is_best() {
        let mut trials = vec![search(0, 0.9, 0.3, 1.0), search(1, 0.9, 0.2, 1.0), search(2, 0.8, 0.1, 1.0)];
        assert_eq!(best(&trials).unwrap().number, 1);
        trials[1].state = TrialState::Pruned;
        assert_eq!(best(&trials).unwrap().number, 0);
        trials[0].cost = Some(f64::NAN);
        assert_eq!(best(&trials).unwrap().number, 2);
    }

    #[test]
    fn the_front_is_what_nothing_beats() {
        let trials = [
            search(0, 0.9, 0.0, 100.0),
            search(1, 0.8, 0.0, 10.0),
            search(2, 0.8, 0.0, 20.0),
            search(3, 0.7, 0.0, 200.0),
        ];
        let numbers =
            |secondary: &[String]| front(&trials, secondary).iter().map(|trial| trial.number).collect::<Vec<_>>();
        assert_eq!(numbers(&["parameters".into()]), [0, 1]);
        assert_eq!(numbers(&[]), [0]);
    }

    #[test]
    fn a_lucky_trial_is_measured_by_its_other_seeds() {
        let mut trials = vec![search(0, 0.95, 0.0, 1.0), search(1, 0.90, 0.0, 1.0), search(2, 0.80, 0.0, 1.0)];
        assert_eq!(SeedNoise::measure(&trials), None);
        let seeds = [0.90, 0.91, 0.92].into_iter().enumerate();
        trials.extend(seeds.map(|(i, value)| trial(3 + i, TrialKind::Seed, value, 0.0, 1.0)));
        let noise = SeedNoise::measure(&trials).unwrap();
        assert!((noise.mean - 0.91).abs() < 1e-12 && (noise.deviation - 0.01).abs() < 1e-12);
        // 0.91 − 4.303 · 0.01 · √(4/3) = 0.860.
        assert_eq!(noise.alike, [1]);
    }
}
