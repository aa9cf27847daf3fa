//! Judging a model on data whose answers are known, with a page that shows where it goes wrong.

use super::answers::Gathered;
use crate::config::{self, Precision};
use crate::error::{Error, Result};
use crate::event::{self, Answers, Decision, Event, Splits};
use crate::metrics::Metrics;
use crate::model::{EvaluatedExamples, Model};
use crate::recipe;
use crate::tensor::Dtype;
use crate::tensor::ops::MatmulPrecision;

/// What a model came to on a source.
#[derive(Debug, Clone)]
pub struct Evaluation {
    /// Rows whose answer is known.
    pub rows: usize,
    /// The metrics on them.
    pub metrics: Metrics,
    /// Right and wrong, and the examples that are worth a look.
    pub answers: Answers,
    /// What was decided in reading the source.
    pub decisions: Vec<Decision>,
}

/// Judges a model, which answers in a precision, on the rows of a source whose answer is known.
///
/// # Errors
/// If the source cannot be read, a column is missing or a cell cannot be read.
pub fn evaluate(model: &Model, path: &str, options: &config::Data, precision: MatmulPrecision) -> Result<Evaluation> {
    let mut evaluated = EvaluatedExamples::default();
    let mut gathered = Gathered::new("test", &model.pipeline, &model.target);
    let decisions = model.evaluate_batches(path, options, precision, &mut |examples, outputs| {
        evaluated.extend(&model.target, outputs, &examples);
        gathered.add(&examples, outputs).map(|()| true)
    })?;
    let metrics = evaluated.metrics(&model.target);
    Ok(Evaluation { rows: evaluated.rows, metrics, answers: gathered.answers(), decisions })
}

/// How a model's matrices are multiplied when it answers in a precision, and what was decided about that.
///
/// # Errors
/// If the model's numbers are not those that the precision is of.
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
    /// One self-contained HTML page: the metrics, right and wrong by class, the most mistaken and the least sure examples.
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
