//! Evaluation of a model on labelled data, with a page that shows where it goes wrong.

use super::answers::Gathered;
use crate::config::{self, Precision};
use crate::error::{Error, Result};
use crate::event::{self, Answers, Decision, Event, Splits};
use crate::metrics::Metrics;
use crate::model::{EvaluatedExamples, Model};
use crate::recipe;
use crate::tensor::Dtype;
use crate::tensor::ops::MatmulPrecision;

/// The evaluation of a model on a source.
#[derive(Debug, Clone)]
pub struct Evaluation {
    /// Rows with known targets.
    pub rows: usize,
    /// The metrics on them.
    pub metrics: Metrics,
    /// Confusion, and the examples worth inspecting.
    pub answers: Answers,
    /// Decisions made in reading the source.
    pub decisions: Vec<Decision>,
}

/// Evaluates a model on the rows of a source whose targets are known, and its intervals or sets of a level, if one is
/// given.
///
/// # Errors
/// If the source cannot be read, a column is missing or a cell cannot be read, or the model knows no such intervals.
pub fn evaluate(
    model: &Model,
    path: &str,
    options: &config::Data,
    precision: MatmulPrecision,
    level: Option<f64>,
) -> Result<Evaluation> {
    let mut evaluated = EvaluatedExamples::default();
    let mut gathered = Gathered::new("test", &model.pipeline, &model.target);
    if let Some(level) = level {
        gathered = gathered.with_level(level)?;
    }
    let decisions = model.evaluate_batches(path, options, precision, &mut |examples, outputs| {
        evaluated.extend(&model.target, outputs, &examples);
        gathered.add(&examples, outputs).map(|()| true)
    })?;
    let metrics = evaluated.metrics(&model.target);
    Ok(Evaluation { rows: evaluated.rows, metrics, answers: gathered.answers(), decisions })
}

/// The matmul precision for predicting with a model at a requested precision, and the decisions made about it.
///
/// # Errors
/// If the model's dtype does not match the precision.
pub fn products(model: &Model, precision: Precision) -> Result<(MatmulPrecision, Vec<Decision>)> {
    let wanted = if precision == Precision::F64 { Dtype::F64 } else { Dtype::F32 };
    let found = model.theta.dtype();
    if precision != Precision::default() && wanted != found {
        let numbers = format!("{found:?}").to_lowercase();
        let error = Error::config(format!("the model's numbers are {numbers}")).at("--precision");
        return Err(error.fix("leave it out: a model answers in the numbers that it was trained in"));
    }
    let mut decisions = Vec::new();
    Ok((recipe::products(precision, "prediction", &mut decisions), decisions))
}

impl Evaluation {
    /// One self-contained HTML page: metrics, confusion by class, the worst mistakes and the least confident
    /// predictions.
    pub fn page(&self, model: &Model, path: &str) -> String {
        let (target, provenance) = (&model.target, &model.provenance);
        let started = Event::RunStarted {
            version: event::VERSION,
            thalweg: env!("CARGO_PKG_VERSION").into(),
            run: format!("a model of {}, evaluated on {path}", provenance.data),
            data: path.into(),
            task: target.task,
            targets: target.columns.clone(),
            classes: target.classes.clone(),
            examples: Splits { test: self.rows, ..Splits::default() },
            features: model.network.input().size(),
            layers: model.network.summary(),
            parameters: model.network.layout().trained(),
            steps_per_epoch: 0,
            epochs: provenance.epochs,
            from_epoch: 0,
            monitor: ("loss".into(), false),
        };
        let finished = Event::Finished {
            reason: "the model was evaluated".into(),
            epochs: provenance.epochs,
            best_epoch: provenance.best_epoch,
            seconds: 0.0,
            metrics: Splits { test: self.metrics.clone(), ..Splits::default() },
            answers: self.answers.clone(),
        };
        crate::report::html(&[started, finished])
    }
}
