//! How much each candidate of an ensemble weighs: what is best on dev, found greedily ("Ensemble Selection from Libraries
//! of Models", Caruana, Niculescu-Mizil, Crew and Ksikes 2004).

use super::dev_loss::DevLoss;
use super::evaluation::outputs_of;
use crate::data::dataset::Dataset;
use crate::error::Result;
use crate::event::Decision;
use crate::recipe::Plan;
use crate::train::{Folds, State};

/// How often a candidate is added; each may be added again.
const ROUNDS: usize = 20;
/// Losses of forecasts up to this many times the least are near it.
const NEAR: f64 = 1.1;
/// Weights from fewer dev rows would be chance.
const LEAST_DEV_ROWS: usize = 100;

/// Weights the candidates of a plan's network by what is best on dev; those that do not help leave the network.
///
/// # Errors
/// If dev cannot be read.
pub(super) fn select(data: &Dataset, plan: &mut Plan, state: &mut State) -> Result<Option<Decision>> {
    let (count, dev) = (plan.candidates, &data.parts.dev);
    let least = if data.forecast.is_some() { 1 } else { LEAST_DEV_ROWS };
    if count < 2 || dev.rows < least {
        return Ok(None);
    }
    let members = plan.network.members() / count;
    let of = |candidate: usize| candidate * members..(candidate + 1) * members;
    let alone = plan.settings.folds.clone().map(|folds| Folds { candidates: 1, ..folds });
    let mut answers = Vec::with_capacity(count);
    for candidate in 0..count {
        let kept: Vec<usize> = of(candidate).collect();
        let (network, theta) = plan.network.of_members(&state.best_theta, &kept, Vec::new())?;
        answers.push(outputs_of(&network, data, plan, &theta, dev, alone.as_ref())?);
    }
    let loss = DevLoss::new(data, plan);
    let loss = |mean: &[f64]| loss.mean(&loss.logits(mean));
    let (weights, why) = match data.forecast {
        None => (greedy(&answers, loss), "the least loss on dev, found greedily"),
        Some(_) => (alike(&answers, loss), "kinds whose loss on dev is near the least weigh the same"),
    };
    let chosen: Vec<usize> = (0..count).filter(|&candidate| weights[candidate] > 0.0).collect();
    let kept: Vec<usize> = chosen.iter().flat_map(|&candidate| of(candidate)).collect();
    let own: Vec<f64> = chosen.iter().map(|&candidate| weights[candidate]).collect();
    (plan.network, state.best_theta) = plan.network.of_members(&state.best_theta, &kept, own.clone())?;
    plan.candidates = chosen.len();
    if let Some(folds) = &mut plan.settings.folds {
        (folds.candidates, folds.weights) = (chosen.len(), own);
    }
    let percent: Vec<String> = weights.iter().map(|weight| format!("{:.0}", 100.0 * weight)).collect();
    Ok(Some(Decision {
        what: format!("the {count} kinds of networks weigh {} %", percent.join(", ")),
        why: why.into(),
        instead: "[quality=good]".into(),
    }))
}

/// The weights of answers whose mean has the least loss: again and again, those are added that lower the loss of the mean
/// most.
fn greedy(answers: &[Vec<f64>], loss: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    let mut sum = vec![0.0; answers[0].len()];
    let mut counts = vec![0.0; answers.len()];
    let mut best = (f64::INFINITY, counts.clone());
    for round in 1..=ROUNDS {
        let with = |one: &[f64]| -> Vec<f64> { sum.iter().zip(one).map(|(a, b)| (a + b) / round as f64).collect() };
        let losses = answers.iter().map(|one| loss(&with(one)));
        let (added, least) = losses.enumerate().min_by(|a, b| a.1.total_cmp(&b.1)).expect("there are candidates");
        counts[added] += 1.0;
        sum.iter_mut().zip(&answers[added]).for_each(|(a, b)| *a += b);
        if least < best.0 {
            best = (least, counts.iter().map(|count| count / round as f64).collect());
        }
    }
    best.1
}

/// Equal weights of the answers whose loss is near the least, 0 of the others: dev is one stretch of time, and combinations
/// with weights fitted on one are seldom better on the next ("The forecast combination puzzle", Claeskens, Magnus, Vasnev and
/// Wang 2016).
fn alike(answers: &[Vec<f64>], loss: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    let losses: Vec<f64> = answers.iter().map(|one| loss(one)).collect();
    let least = losses.iter().copied().fold(f64::INFINITY, f64::min);
    let mut near: Vec<bool> = losses.iter().map(|loss| *loss <= NEAR * least).collect();
    if near.iter().all(|near| !near) {
        // No loss is a number.
        near.fill(true);
    }
    let count = near.iter().filter(|near| **near).count() as f64;
    near.into_iter().map(|near| if near { 1.0 / count } else { 0.0 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn squared(y: &[f64]) -> impl Fn(&[f64]) -> f64 {
        move |mean| mean.iter().zip(y).map(|(a, b)| (a - b).powi(2)).sum()
    }

    #[test]
    fn weights_are_those_of_the_least_loss() {
        // A quarter of the first and three quarters of the second are right; the third only harms.
        let (y, a, b) = ([1.0, 2.0, 3.0], vec![4.0, -1.0, 6.0], vec![0.0, 3.0, 2.0]);
        assert_eq!(greedy(&[a, b, vec![9.0; 3]], squared(&y)), [0.25, 0.75, 0.0]);
    }

    #[test]
    fn forecasts_that_are_nearly_as_good_weigh_the_same() {
        // Losses 100, 104.04 and 144; and of a series that is known exactly, all but 0 are worse.
        let y = [0.0];
        assert_eq!(alike(&[vec![10.0], vec![10.2], vec![12.0]], squared(&y)), [0.5, 0.5, 0.0]);
        assert_eq!(alike(&[vec![0.0], vec![1.0]], squared(&y)), [1.0, 0.0]);
        assert_eq!(alike(&[vec![f64::NAN], vec![f64::NAN]], squared(&y)), [0.5, 0.5]);
    }

    #[test]
    fn one_that_is_right_alone_is_chosen_alone() {
        let y = [1.0, 2.0];
        assert_eq!(greedy(&[vec![1.0, 1.0], y.to_vec(), vec![2.0, 2.0]], squared(&y)), [0.0, 1.0, 0.0]);
    }
}
