//! Evaluation of a model on labelled data, with a page that shows where it goes wrong.

use super::answers::Gathered;
use crate::config::{self, Precision};
use crate::error::{Error, Result};
use crate::event::{self, Decision, Dependence, Event, ForecastScores, Importance, SplitPredictions, Splits};
use crate::explain::{self, Effort, Sample};
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
    pub answers: SplitPredictions,
    /// How much each column matters, if asked for.
    pub importance: Option<Importance>,
    /// How answers change with each column asked for.
    pub dependences: Vec<Dependence>,
    /// How good forecasts of the steps after those trained on are, where the model makes any.
    pub forecast: Option<ForecastScores>,
    /// Decisions made in reading the source.
    pub decisions: Vec<Decision>,
}

/// What an evaluation measures besides metrics.
#[derive(Debug, Clone, Default)]
pub struct EvaluationOptions {
    /// Whether it measures how much each column matters.
    pub importance: bool,
    /// The columns along whose values it follows the answers.
    pub dependence: Vec<String>,
    /// The level of the intervals or sets of classes whose coverage it measures.
    pub intervals: Option<f64>,
    /// The seed of shuffles.
    pub seed: u64,
}

/// Evaluates a model on the rows of a source whose targets are known, with what else is asked for.
///
/// # Errors
/// If the source cannot be read, a column is missing or a cell cannot be read, what is to be explained cannot be, or the
/// model knows no such intervals.
pub fn evaluate(
    model: &Model,
    path: &str,
    data: &config::Data,
    precision: MatmulPrecision,
    options: &EvaluationOptions,
) -> Result<Evaluation> {
    if model.forecast.is_some() {
        return of_series(model, path, data, options);
    }
    let columns = options.dependence.iter().map(|name| explain::column(model, name)).collect::<Result<Vec<_>>>()?;
    if options.importance {
        explain::columns(model)?;
    }
    let wanted = options.importance || !columns.is_empty();
    let mut sample = Sample::default();
    let mut evaluated = EvaluatedExamples::default();
    let mut gathered = Gathered::new("test", &model.pipeline, &model.target);
    if let Some(level) = options.intervals {
        gathered = gathered.with_level(level)?;
    }
    let decisions = model.evaluate_batches(path, data, precision, &mut |examples, outputs| {
        evaluated.extend(&model.target, outputs, &examples);
        if wanted {
            sample.add(&examples)?;
        }
        gathered.add(&examples, outputs).map(|()| true)
    })?;
    let mut answers = gathered.answers();
    explain::tell_words(model, &mut answers, precision)?;
    let effort = Effort { seed: options.seed, precision, ..Effort::default() };
    let importance = options.importance.then(|| explain::importance(model, &sample, effort)).transpose()?;
    let dependences = columns.into_iter().map(|column| explain::dependence(model, &sample, column, effort));
    Ok(Evaluation {
        rows: evaluated.rows,
        metrics: evaluated.metrics(&model.target),
        answers,
        importance: importance.map(|importance| Importance { part: "test".into(), ..importance }),
        dependences: dependences.collect::<Result<_>>()?,
        forecast: None,
        decisions,
    })
}

/// The evaluation of forecasts.
fn of_series(model: &Model, path: &str, data: &config::Data, options: &EvaluationOptions) -> Result<Evaluation> {
    if options.importance || options.intervals.is_some() || !options.dependence.is_empty() {
        let error = Error::config("forecasts are judged step by step, with their band");
        return Err(error.fix("ask for neither importance, dependence nor intervals"));
    }
    let (scores, metrics, decisions) = model.judge_source(path, data)?;
    Ok(Evaluation {
        rows: scores.origins,
        metrics,
        answers: SplitPredictions { part: "test".into(), ..SplitPredictions::default() },
        importance: None,
        dependences: Vec::new(),
        forecast: Some(scores),
        decisions,
    })
}

/// The matmul precision for predicting with a model at a requested precision, and the decisions made about it.
///
/// # Errors
/// If the model's dtype does not match the precision.
pub fn products(model: &Model, precision: Precision) -> Result<(MatmulPrecision, Vec<Decision>)> {
    let wanted = match precision {
        Precision::Auto | Precision::F32 => None,
        Precision::F64 => Some(Dtype::F64),
        Precision::Bf16 | Precision::Bf16x3 | Precision::Bf16x6 => Some(Dtype::F32),
    };
    let found = model.theta.dtype();
    if wanted.is_some_and(|wanted| wanted != found) {
        let numbers = format!("{found:?}").to_lowercase();
        let error = Error::config(format!("the model's numbers are {numbers}")).at("--precision");
        return Err(error.fix("leave it out: a model answers in the numbers that it was trained in"));
    }
    let mut decisions = Vec::new();
    Ok((recipe::products(precision, None, "prediction", &mut decisions)?, decisions))
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
        let explained = self.importance.iter().cloned().map(Event::Importance);
        let explained = explained.chain(self.forecast.iter().cloned().map(Event::Forecast));
        let explained = explained.chain(self.dependences.iter().cloned().map(Event::Dependence));
        crate::report::html(&[started].into_iter().chain(explained).chain([finished]).collect::<Vec<_>>())
    }
}
