//! Baselines beside the network: what the training targets' frequencies or means alone predict, and a linear model.
//!
//! They are evaluated on the network's rows. The linear model is a network without hidden layers on the same inputs,
//! trained as the recipe trains one, for at most a tenth of the network's work or some hundredths of a second, and after
//! it: the network's bits do not depend on it. Of sounds it has the mean and the deviation of each band of their spectra.

use super::answers::row_loss;
use super::evaluation::{SplitsEvaluation, evaluate_split};
use super::spectra::spectra;
use super::{Callback, fit, fresh_state};
use crate::config::{self, Config, Precision};
use crate::data::dataset::Dataset;
use crate::data::examples::Examples;
use crate::error::{ErrorKind, Result};
use crate::event::{Baseline, Event, Splits, Warning};
use crate::metrics::{self, Metrics};
use crate::model::EvaluatedExamples;
use crate::recipe::{self, Plan};
use crate::task::Task;
use crate::train::{State, StopReason};

/// The linear model's share of the network's work.
const SHARE: f64 = 0.1;
/// Work that takes no time to speak of, in multiplications by a parameter.
const FREE: f64 = 3e7;
/// What a row costs besides its multiplications, in these.
const PER_ROW: f64 = 500.0;

const LINEAR: &str = "linear regression";
const LOGISTIC: &str = "logistic regression";
const OF_SPECTRA: &str = "linear model of mean spectra";

/// The baselines, and what is to be said of them.
#[derive(Default)]
pub(super) struct Compared {
    pub(super) baselines: Vec<Baseline>,
    pub(super) warning: Option<Warning>,
}

impl Compared {
    /// Reports them as events.
    pub(super) fn tell(&self, callback: &mut dyn Callback) {
        for baseline in &self.baselines {
            callback.event(&Event::Baseline(baseline.clone()));
        }
        if let Some(warning) = &self.warning {
            callback.event(&Event::Warning(warning.clone()));
        }
    }
}

/// A baseline, and its outputs on the rows it is judged by.
struct EvaluatedBaseline {
    baseline: Baseline,
    outputs: Vec<f64>,
}

/// Evaluates the baselines on dev and test, and compares the network's loss with theirs.
///
/// # Errors
/// If rows on disk cannot be read, or the linear model cannot be planned.
pub(super) fn compare(
    config: &Config,
    data: &Dataset,
    plan: &Plan,
    state: &State,
    evaluation: &SplitsEvaluation,
    callback: &dyn Callback,
) -> Result<Compared> {
    let evaluated = if data.parts.test.rows > 0 { &data.parts.test } else { &data.parts.dev };
    let asked = config.output.baselines;
    // Forecasts have simple ones of their own beside them.
    if asked == Some(false) || evaluated.rows == 0 || data.forecast.is_some() || callback.stop() {
        return Ok(Compared::default());
    }
    let mut judged = vec![constant(data)?];
    // Images and sounds have many inputs, and rows on disk are read again in every epoch.
    let dear = data.pipeline.media().is_some() || data.on_disk.is_some() || evaluated.on_disk.is_some();
    let name = if data.task == Task::Regression { LINEAR } else { LOGISTIC };
    if let Some(spectra) = spectra(data, plan)? {
        judged.extend(linear(config, &spectra, OF_SPECTRA, plan, state, callback)?);
    } else if !config.network.is_linear() && (!dear || asked == Some(true)) {
        judged.extend(linear(config, data, name, plan, state, callback)?);
    }
    let unbeaten = judged.iter().find_map(|judged| unbeaten(data, evaluated, evaluation, judged));
    let baselines = judged.into_iter().map(|judged| judged.baseline).collect();
    Ok(Compared { baselines, warning: unbeaten })
}

/// What predicts each class with its share of the training rows, each number with its mean.
fn constant(data: &Dataset) -> Result<EvaluatedBaseline> {
    let (train, k) = (&data.parts.train, data.target.outputs());
    let (mut means, mut total) = (vec![0.0; k], 0.0);
    for row in 0..train.rows {
        let weight = train.weights.as_ref().map_or(1.0, |weights| f64::from(weights[row]));
        let y = &train.y[row * train.targets..][..train.targets];
        match data.task {
            Task::Multiclass => means[y[0] as usize] += weight,
            _ => means.iter_mut().zip(y).for_each(|(mean, y)| *mean += weight * f64::from(*y)),
        }
        total += weight;
    }
    means.iter_mut().for_each(|mean| *mean /= total);
    let name = match data.task {
        Task::Regression => "mean",
        Task::Multilabel => "label frequencies",
        Task::Binary | Task::Multiclass => "class frequencies",
    };
    judged(name, data, |rows| {
        let outputs = means.repeat(rows.rows);
        let mut evaluated = EvaluatedExamples::default();
        evaluated.extend(&data.target, &outputs, rows);
        Ok((evaluated.metrics(&data.target), outputs))
    })
}

/// A network without hidden layers; none where its training was interrupted or diverged.
fn linear(
    config: &Config,
    data: &Dataset,
    name: &str,
    plan: &Plan,
    state: &State,
    callback: &dyn Callback,
) -> Result<Option<EvaluatedBaseline>> {
    let config = linear_config(config);
    let mut linear = recipe::plan(&config, data)?;
    let per_epoch = |plan: &Plan| data.train_rows() as f64 * (plan.network.layout().trained() as f64 + PER_ROW);
    let work = FREE.max(SHARE * state.epoch as f64 * per_epoch(plan));
    linear.settings.epochs = ((work / per_epoch(&linear)) as usize).clamp(1, linear.settings.epochs.max(1));
    let mut state = fresh_state(&config, &linear);
    match fit(&config, data, &linear, &mut state, &mut StopOnly(callback)) {
        Ok(StopReason::Interrupted) => return Ok(None),
        Err(error) if error.kind == ErrorKind::Diverged => return Ok(None),
        end => end?,
    };
    judged(name, data, |rows| evaluate_split(data, &data.target, &linear, &state.best_theta, rows)).map(Some)
}

/// The configuration of the linear model: the run's data, loss and weights; its own network and training.
fn linear_config(config: &Config) -> Config {
    let train = config.train.clone();
    Config {
        network: config::Network { layers: Some(Vec::new()), ..Default::default() },
        augment: config::Augment { augment: Some(false), ..Default::default() },
        train: config::Train {
            edition: train.edition,
            seed: train.seed,
            threads: train.threads,
            // In f32, its figures are the same wherever the run is resumed.
            precision: if train.precision == Precision::F64 { Precision::F64 } else { Precision::F32 },
            loss: train.loss,
            huber_delta: train.huber_delta,
            label_smoothing: train.label_smoothing,
            class_weights: train.class_weights,
            monitor: Some("loss".into()),
            ..Default::default()
        },
        ..config.clone()
    }
}

/// Evaluates a baseline on dev and test; the outputs are those on test, or on dev where there is no test split.
fn judged(
    name: &str,
    data: &Dataset,
    evaluate: impl Fn(&Examples) -> Result<(Metrics, Vec<f64>)>,
) -> Result<EvaluatedBaseline> {
    let mut judged =
        EvaluatedBaseline { baseline: Baseline { name: name.into(), metrics: Splits::default() }, outputs: Vec::new() };
    let Splits { dev, test, .. } = &mut judged.baseline.metrics;
    for (rows, metrics) in [(&data.parts.dev, dev), (&data.parts.test, test)] {
        if rows.rows > 0 {
            (*metrics, judged.outputs) = evaluate(rows)?;
        }
    }
    Ok(judged)
}

/// A warning, where the network's loss is not below the baseline's beyond the interval of their difference, row by row.
fn unbeaten(
    data: &Dataset,
    rows: &Examples,
    evaluation: &SplitsEvaluation,
    judged: &EvaluatedBaseline,
) -> Option<Warning> {
    let k = data.target.outputs();
    let loss = |outputs: &[f64], row: usize| {
        row_loss(&data.target, &outputs[row * k..][..k], &rows.y[row * rows.targets..][..rows.targets])
    };
    let gained: Vec<f64> =
        (0..rows.rows).map(|row| loss(&judged.outputs, row) - loss(&evaluation.outputs, row)).collect();
    let gained = metrics::mean(&gained, rows.wide_weights().as_deref());
    let (low, high) = (gained.low?, gained.high?);
    (low <= 0.0).then(|| Warning {
        message: format!(
            "the network is not better than {:?}, for all that {} {} rows can tell: its mean loss less the other's is \
             {:.4} (95 % interval {:.4} to {:.4})",
            judged.baseline.name, rows.rows, evaluation.answers.part, -gained.value, -high, -low
        ),
        remedy: match judged.baseline.name.as_str() {
            LOGISTIC | LINEAR => {
                "train the simpler one with [layers=none], or tell them apart on more test rows".into()
            }
            OF_SPECTRA => "collect more sounds, or train for more epochs: [epochs=200]".into(),
            _ => "see whether the columns can tell the answer: ids and constants cannot".into(),
        },
    })
}

/// Forwards stop requests, and nothing else.
pub(super) struct StopOnly<'a>(pub(super) &'a dyn Callback);

impl Callback for StopOnly<'_> {
    fn event(&mut self, _: &Event) {}

    fn stop(&self) -> bool {
        self.0.stop()
    }
}
