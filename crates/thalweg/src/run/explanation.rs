//! What a finished model's answers depend on, told in events at the end of a run.

use crate::config::Config;
use crate::data::dataset::Dataset;
use crate::data::examples::Examples;
use crate::error::Result;
use crate::event::{Event, Importance, SplitPredictions};
use crate::explain::{self, Effort, Sample};
use crate::model::Model;
use crate::tensor::ops::MatmulPrecision;
use crate::train::{Callback, State, StopReason};

/// Multiply-adds that explanations may take of any run (about a second of one core), and as a share of training's.
const LEAST: u64 = 20_000_000_000;
const SHARE: f64 = 0.1;
/// Columns whose dependence is told.
const MOST_COLUMNS: usize = 6;

/// Tells how much each column matters on test (or dev, where there is no test split), and how answers change with the most
/// important ones, unless the configuration says otherwise or there are no columns or no such rows.
pub(super) fn explain(
    config: &Config,
    data: &Dataset,
    model: &Model,
    (state, end): (&State, StopReason),
    callback: &mut dyn Callback,
) {
    let parts = [("test", &data.parts.test), ("dev", &data.parts.dev)];
    let part = parts.into_iter().find(|(_, rows)| rows.rows > 0);
    let wanted = config.output.importance && end != StopReason::Interrupted && model.pipeline.columns().is_some();
    let Some((part, rows)) = part.filter(|_| wanted) else { return };
    let effort = Effort { operations: allowed(data, model, state) / 2, seed: config.train.seed, ..Effort::default() };
    // The run has its model: what cannot be explained is left out of the report.
    _ = tell(data, model, (part, rows), effort, callback);
}

fn tell(
    data: &Dataset,
    model: &Model,
    (part, rows): (&str, &Examples),
    effort: Effort,
    callback: &mut dyn Callback,
) -> Result<()> {
    let sample = Sample::of(rows)?;
    let importance = explain::importance(model, &sample, effort)?;
    let important = importance.columns.iter().filter(|column| column.growth.value > 0.0).take(MOST_COLUMNS);
    let texts = model.pipeline.texts();
    let important = important.filter(|column| texts.iter().all(|text| text.name != column.column));
    let important = important.map(|column| explain::column(model, &column.column)).collect::<Result<Vec<_>>>()?;
    callback.event(&Event::Importance(Importance { part: part.into(), ..importance }));
    let each = Effort { operations: effort.operations / MOST_COLUMNS as u64, ..effort };
    let train = Sample::of(&data.parts.train)?;
    for column in important {
        callback.event(&Event::Dependence(explain::dependence(model, &train, column, each)?));
    }
    // Words are told of bags, from which one can be left out.
    for text in texts.iter().filter(|text| !text.ordered) {
        let column = explain::column(model, &text.name)?;
        callback.event(&Event::Words(explain::words(model, &sample, column, effort)?));
    }
    Ok(())
}

/// Tells which words pulled the wrong and the unsure answers; without them where an answer is no number.
pub(super) fn tell_words(config: &Config, model: &Model, mut answers: SplitPredictions) -> SplitPredictions {
    if config.output.importance {
        _ = explain::tell_words(model, &mut answers, MatmulPrecision::F32);
    }
    answers
}

/// Multiply-adds that explanations may take: a backward pass takes twice what a forward one does.
fn allowed(data: &Dataset, model: &Model, state: &State) -> u64 {
    let training = 3.0 * model.network.multiply_adds() * data.train_rows() as f64 * state.epoch as f64;
    LEAST.max((training * SHARE) as u64)
}
