//! What is made of the best parameters once training has ended, before the model is written.

use super::baselines::{self, Compared};
use super::evaluation::{SplitsEvaluation, evaluate_splits, outputs};
use super::fitted_target::fitted_target;
use super::{Callback, selection, temperature};
use crate::config::Config;
use crate::data::dataset::Dataset;
use crate::data::target::Target;
use crate::error::Result;
use crate::event::{Decision, Event, SplitPredictions, Splits};
use crate::metrics::Metrics;
use crate::recipe::Plan;
use crate::train::State;

/// A calibrated network's target, metrics and predictions, and what was decided and found on the way.
pub(super) struct Conclusion {
    /// The target, with its thresholds and the scores of dev.
    pub(super) target: Target,
    /// The metrics on each split.
    pub(super) results: Splits<Metrics>,
    /// The predictions on test, or on dev where there is no test split.
    pub(super) answers: SplitPredictions,
    /// The candidates' weights, the temperature and the thresholds.
    pub(super) decisions: Vec<Decision>,
    /// Simple models on the same rows.
    pub(super) compared: Compared,
}

/// Weights the candidates of an ensemble, calibrates the best parameters and chooses thresholds on dev, evaluates them on every split beside simple models, and
/// reports what was decided and found.
///
/// # Errors
/// If rows on disk cannot be read.
pub(super) fn conclude(
    config: &Config,
    data: &Dataset,
    plan: &mut Plan,
    state: &mut State,
    callback: &mut dyn Callback,
) -> Result<Conclusion> {
    let mut decisions = Vec::new();
    let mut decided = |decision: Decision| {
        callback.event(&Event::Decision(decision.clone()));
        decisions.push(decision);
    };
    selection::select(data, plan, state)?.map(&mut decided);
    let plan = &*plan;
    let dev = &data.parts.dev;
    let mut on_dev = match dev.rows {
        0 => Vec::new(),
        _ => outputs(data, plan, &state.best_theta, dev, plan.settings.folds.as_ref())?,
    };
    temperature::scale(data, plan, &mut state.best_theta, &mut on_dev)?.map(&mut decided);
    let (target, thresholds) = fitted_target(config, data, &on_dev)?;
    thresholds.into_iter().for_each(decided);
    let evaluation = evaluate_splits(config, data, plan, &target, &state.best_theta, on_dev)?;
    let compared = baselines::compare(config, data, plan, state, &evaluation, &*callback)?;
    compared.tell(callback);
    let SplitsEvaluation { results, answers, .. } = evaluation;
    Ok(Conclusion { target, results, answers, decisions, compared })
}
