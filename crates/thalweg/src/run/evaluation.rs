//! Evaluation of a trained network, and the model it becomes.

use super::{answers, counts, judged_on};
use crate::config::{Config, Threshold};
use crate::data::dataset::Dataset;
use crate::data::examples::Examples;
use crate::data::target::Target;
use crate::error::Result;
use crate::event::{SplitPredictions, Splits};
use crate::metrics::Metrics;
use crate::model::{EvaluatedExamples, Model, Provenance};
use crate::network::Network;
use crate::recipe::Plan;
use crate::task::Task;
use crate::tensor::Tensor;
use crate::train::{Folds, State, predict_held_out};

/// The level of the intervals and sets that are measured on test.
const LEVEL: f64 = 0.9;

/// The evaluation of the best parameters.
pub(super) struct SplitsEvaluation {
    /// The metrics on each split.
    pub(super) results: Splits<Metrics>,
    /// The predictions on test, or on dev where there is no test split.
    pub(super) answers: SplitPredictions,
    /// The outputs on the same rows.
    pub(super) outputs: Vec<f64>,
}

/// Evaluates θ on every split, with the answers of a target; `on_dev` are its outputs on dev.
pub(super) fn evaluate_splits(
    config: &Config,
    data: &Dataset,
    plan: &Plan,
    target: &Target,
    theta: &Tensor,
    on_dev: Vec<f64>,
) -> Result<SplitsEvaluation> {
    let rule = config.train.threshold.as_ref().map(Threshold::rule).transpose()?.flatten();
    let (train, _) = evaluate_split(data, target, plan, theta, &data.parts.train)?;
    let results = Splits { train, ..Splits::default() };
    let mut evaluation = SplitsEvaluation { results, answers: SplitPredictions::default(), outputs: Vec::new() };
    let test = &data.parts.test;
    let on_test = if test.rows > 0 { outputs(data, plan, theta, test, None)? } else { Vec::new() };
    for (name, rows, outputs) in [("dev", &data.parts.dev, on_dev), ("test", test, on_test)] {
        if rows.rows == 0 {
            continue;
        }
        let metrics = metrics(data, target, rows, &outputs);
        let mut gathered = answers::Gathered::new(name, &data.pipeline, target).with_rule(rule);
        // Dev is what the intervals are from: it cannot tell whether they hold.
        if name == "test" && target.task == Task::Regression && target.margins(LEVEL).is_ok() {
            gathered = gathered.with_level(LEVEL)?;
        }
        gathered.add(rows, &outputs)?;
        (evaluation.answers, evaluation.outputs) = (gathered.answers(), outputs);
        if name == "dev" { evaluation.results.dev = metrics } else { evaluation.results.test = metrics }
    }
    Ok(evaluation)
}

/// The metrics and the outputs of θ on a split, with the answers of a target.
pub(crate) fn evaluate_split(
    data: &Dataset,
    target: &Target,
    plan: &Plan,
    theta: &Tensor,
    rows: &Examples,
) -> Result<(Metrics, Vec<f64>)> {
    let outputs = outputs(data, plan, theta, rows, None)?;
    Ok((metrics(data, target, rows, &outputs), outputs))
}

fn metrics(data: &Dataset, target: &Target, rows: &Examples, outputs: &[f64]) -> Metrics {
    let mut evaluated = EvaluatedExamples::default();
    evaluated.extend(target, outputs, rows);
    let mut metrics = evaluated.metrics(target);
    if data.forecast.is_some() {
        // Examples are relative to the values before them: their share of nearly 0 says nothing.
        metrics.remove("mape");
    }
    metrics
}

/// The outputs of θ on a split, m × C, row by row; with folds, those of the members that have not seen the row.
pub(super) fn outputs(
    data: &Dataset,
    plan: &Plan,
    theta: &Tensor,
    rows: &Examples,
    folds: Option<&Folds>,
) -> Result<Vec<f64>> {
    outputs_of(&plan.network, data, plan, theta, rows, folds)
}

/// The same of another network.
pub(super) fn outputs_of(
    network: &Network,
    data: &Dataset,
    plan: &Plan,
    theta: &Tensor,
    rows: &Examples,
    folds: Option<&Folds>,
) -> Result<Vec<f64>> {
    let part = judged_on(rows, None, data, plan.dtype)?;
    // Rows on disk are read in batches of training's size.
    let most = if rows.on_disk.is_some() { plan.settings.batch_size.max(1) } else { usize::MAX };
    let mut workspace = network.workspace(network.rows_at_once(rows.rows).min(most), plan.dtype);
    Ok(predict_held_out(network, &*plan.loss, theta, (&*part, folds), &mut workspace)?.1)
}

/// The model with the best parameters; that of a forecast has its band.
///
/// # Errors
/// If dev's examples are not the network's.
pub(super) fn model(
    config: &Config,
    data: &Dataset,
    network: Network,
    target: Target,
    state: &State,
    results: &Splits<Metrics>,
) -> Result<Model> {
    Model {
        network,
        theta: state.best_theta.clone(),
        pipeline: data.pipeline.clone(),
        schema: data.schema.clone(),
        target,
        provenance: Provenance {
            thalweg: env!("CARGO_PKG_VERSION").into(),
            data: data.name.clone(),
            hashes: data.hashes.clone(),
            seed: config.train.seed,
            examples: counts(data),
            epochs: state.epoch,
            best_epoch: state.best_epoch,
            metrics: results.clone(),
        },
        forecast: data.forecast.as_ref().map(|data| data.forecast.clone()),
    }
    .with_band(&data.parts.dev)
}
