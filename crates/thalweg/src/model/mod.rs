//! A trained model: raw rows in, predictions out.
//!
//! The model file is a safetensors file that any loader can read. Its metadata holds the network, the pipeline, the
//! schema and the target codec as data, never as paths or code.

mod answer_columns;
mod embedder;
mod embeddings;
mod forecast;
mod sequences;
mod verification;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::config;
use crate::data::applicable::{self, DataKind};
use crate::data::arrays::Arrays;
use crate::data::cell_format::CellFormat;
use crate::data::column;
use crate::data::dataset::Fitted;
use crate::data::examples::{self, Examples};
use crate::data::far::Far;
use crate::data::forecast::Forecast;
use crate::data::memory;
use crate::data::preprocess::Pipeline;
use crate::data::schema::{Column, Role, Schema, Task};
use crate::data::source::{self, Source, TableReader};
use crate::data::table::Table;
use crate::data::target::Target;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Decision, Splits};
use crate::io::atomic;
use crate::io::safetensors::Container;
use crate::layers::write_layer;
use crate::losses::{Loss, Pinball, SigmoidCrossEntropy, SoftmaxCrossEntropy, Squared};
use crate::metrics::{self, Metrics};
use crate::network::{Network, weights};
use crate::tensor::ops::MatmulPrecision;
use crate::tensor::{Tensor, ViewMut};

pub(crate) use answer_columns::of_targets;
pub use answer_columns::{AnswerCell, AnswerColumns};
pub use embedder::Embedder;
pub use embeddings::Embeddings;

/// The version of the model file's format.
pub const FORMAT: u32 = 1;
/// The metadata key of what only models of forecasts have.
const FORECAST: &str = "forecast";

/// Rows read and predicted at a time.
const CHUNK: usize = 4096;

/// A network with its parameters, preprocessing and provenance.
#[derive(Debug)]
pub struct Model {
    /// The network.
    pub network: Network,
    /// Its parameters.
    pub theta: Tensor,
    /// The preprocessing: raw columns to inputs.
    pub pipeline: Pipeline,
    /// The columns of the training data.
    pub schema: Schema,
    /// The target codec: outputs to predictions.
    pub target: Target,
    /// Its provenance.
    pub provenance: Provenance,
    /// How a table is carried on, where that is what it does: its rows are then made of a table's series.
    pub forecast: Option<Forecast>,
}

/// The provenance of a model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// The version of Thalweg that trained it.
    pub thalweg: String,
    /// The data it was trained on.
    pub data: String,
    /// BLAKE3 hash of each source, by its name.
    pub hashes: BTreeMap<String, String>,
    /// The seed.
    pub seed: u64,
    /// Rows in each split.
    pub examples: Splits,
    /// Epochs run.
    pub epochs: usize,
    /// The epoch whose parameters it has.
    pub best_epoch: usize,
    /// Metrics on each split.
    pub metrics: Splits<Metrics>,
}

/// Some rows as the network takes them.
pub struct EncodedRows<'a> {
    /// The id columns of the rows, with their cells.
    pub ids: Vec<(String, column::Column)>,
    /// The inputs, row-major.
    pub inputs: Vec<f32>,
    /// The name of a row in errors.
    pub place: &'a dyn Fn(usize) -> String,
}

/// The predictions for some rows.
#[derive(Debug, Clone)]
pub struct Predictions {
    /// The id columns of the rows, with their cells.
    pub ids: Vec<(String, column::Column)>,
    /// The prediction for each row, one string per target column.
    pub predictions: Vec<Vec<String>>,
    /// The probability of each class or label, per row; empty rows for regression.
    pub probabilities: Vec<Vec<f64>>,
    /// The rows as the network takes them, row-major.
    pub inputs: Vec<f32>,
    /// The outputs of each row, which [`Target::intervals`] and [`Target::set`] are from.
    pub outputs: Vec<Vec<f64>>,
}

impl Model {
    /// Loads a model from its file, or from a run folder.
    ///
    /// # Errors
    /// If the file is missing, damaged, or not a Thalweg model.
    pub fn load(path: impl AsRef<Path>) -> Result<Model> {
        let path = file_of(path.as_ref());
        let place = path.display().to_string();
        let bytes = atomic::read(path.as_ref()).map_err(|error| {
            Error::io(ErrorKind::Data, &path, "read the model", &error).fix("name a model file or a run's folder")
        })?;
        Self::from_bytes(&bytes, &place)
    }

    /// Reads a model from the bytes of a file; `place` names it in errors.
    ///
    /// # Errors
    /// If the bytes are damaged, are not a Thalweg model, or have inconsistent parts: a model that is returned is safe
    /// to use.
    pub fn from_bytes(bytes: &[u8], place: &str) -> Result<Model> {
        let container = Container::from_bytes(bytes, place)?;
        verification::read(&container).map_err(|wrong| {
            Error::data(format!("the model file cannot be used: {wrong}"))
                .at(place)
                .fix("use the file as Thalweg wrote it, or train the model again with this version")
        })
    }

    /// The same model, once its parts are verified as consistent.
    ///
    /// # Errors
    /// If they are not, naming those that disagree.
    pub(crate) fn proved(self) -> Result<Model> {
        match verification::check(&self) {
            Ok(()) => Ok(self),
            Err(wrong) => Err(Error::data(format!("this makes no model: {wrong}"))
                .fix("use the file as it was written, or other parameters")),
        }
    }

    /// The bytes of the model file, deterministically.
    pub fn to_bytes(&self) -> Vec<u8> {
        let json = |value: serde_json::Result<String>| value.expect("a model is plain data");
        let layers: Vec<_> = self.network.layers().iter().map(|layer| write_layer(layer.as_ref())).collect();
        let metadata = [
            ("format", FORMAT.to_string()),
            ("input", json(serde_json::to_string(&self.network.input()))),
            ("layers", json(serde_json::to_string(&layers))),
            ("pipeline", json(serde_json::to_string(&self.pipeline))),
            ("schema", json(serde_json::to_string(&self.schema))),
            ("target", json(serde_json::to_string(&self.target))),
            ("provenance", json(serde_json::to_string(&self.provenance))),
        ];
        let forecast = self.forecast.iter().map(|forecast| (FORECAST, json(serde_json::to_string(forecast))));
        Container {
            tensors: weights::to_stored(&self.network, &self.theta),
            metadata: metadata.into_iter().chain(forecast).map(|(name, text)| (name.to_string(), text)).collect(),
        }
        .to_bytes()
    }

    /// Writes the model file atomically.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        atomic::write(path.as_ref(), &self.to_bytes())
    }

    /// The loss by which examples are ranked: that of the task.
    pub fn loss(&self) -> Box<dyn Loss> {
        match self.target.task {
            Task::Multiclass => Box::new(SoftmaxCrossEntropy::default()),
            Task::Binary | Task::Multilabel => Box::new(SigmoidCrossEntropy),
            Task::Regression if self.target.quantiles.is_empty() => Box::new(Squared),
            Task::Regression => Box::new(Pinball { quantiles: self.target.quantiles.clone().into() }),
        }
    }

    /// The outputs for preprocessed inputs, row-major: probabilities for classes, scaled values for regression.
    ///
    /// # Errors
    /// If the inputs are not whole rows.
    pub fn outputs(&self, x: &[f32], precision: MatmulPrecision) -> Result<Vec<f64>> {
        let loss = self.loss();
        self.run(x, precision, |outputs| loss.answer(outputs))
    }

    /// The same, but all outputs are finite; `place` names a row in the error.
    ///
    /// # Errors
    /// If an output is not finite: that row's inputs are far outside the training data.
    pub fn finite_outputs(
        &self,
        x: &[f32],
        precision: MatmulPrecision,
        place: &dyn Fn(usize) -> String,
    ) -> Result<Vec<f64>> {
        let outputs = self.outputs(x, precision)?;
        match outputs.iter().position(|x| !x.is_finite()) {
            Some(at) => Err(Error::data("the model's answer is no finite number")
                .at(place(at / self.target.outputs()))
                .fix("give numbers nearer to those that the model was trained on, or leave the row out")),
            None => Ok(outputs),
        }
    }

    /// The raw outputs of the last layer, row-major, from which [`Model::outputs`] are computed.
    ///
    /// # Errors
    /// If the inputs are not whole rows.
    pub fn logits(&self, x: &[f32], precision: MatmulPrecision) -> Result<Vec<f64>> {
        self.run(x, precision, |_| ())
    }

    fn run(&self, x: &[f32], precision: MatmulPrecision, answer: impl Fn(ViewMut)) -> Result<Vec<f64>> {
        let mut outputs = Vec::new();
        self.network.predict_rows("Model::outputs", (&self.theta, precision), x, |mut z| {
            answer(z.reborrow());
            outputs.extend(z.view().to_f64());
        })?;
        Ok(outputs)
    }

    /// Predicts a table's rows; the target columns may be absent. A forecast carries the table's series on instead: its
    /// answers are the steps after their last values.
    ///
    /// # Errors
    /// If an input column is missing, a cell cannot be read, or a prediction is not finite.
    pub fn answer(&self, table: &Table, precision: MatmulPrecision) -> Result<Predictions> {
        if let Some(forecast) = &self.forecast {
            return self.carry_on(forecast, table, precision);
        }
        self.encode_table(table, &mut |rows| self.answers(rows, precision))
    }

    /// The rows of a table as the network takes them, row-major; of sequences of rows an example each, in the order of their
    /// first rows.
    ///
    /// # Errors
    /// If an input column is missing, or a cell cannot be read.
    pub fn inputs(&self, table: &Table) -> Result<Vec<f32>> {
        self.encode_table(table, &mut |rows| Ok(rows.inputs))
    }

    fn encode_table<T>(&self, table: &Table, take: &mut dyn FnMut(EncodedRows) -> Result<T>) -> Result<T> {
        if let Some(sequences) = self.sequences(table, false)? {
            let all: Vec<usize> = (0..sequences.count()).collect();
            return self.encode_sequences(&sequences, &all, take);
        }
        let place = |row: usize| format!("{}, line {}", table.source, table.lines[row]);
        let inputs = self.pipeline.transform::<f32>(table)?;
        take(EncodedRows { ids: examples::ids(table, &self.schema), inputs, place: &place })
    }

    /// Predicts examples without named columns.
    ///
    /// # Errors
    /// If their shape differs from the model's input, or a prediction is not finite.
    pub fn answer_arrays(&self, arrays: &Arrays, precision: MatmulPrecision) -> Result<Predictions> {
        self.encode_arrays(arrays, &(0..arrays.rows()).collect::<Vec<_>>(), &mut |rows| self.answers(rows, precision))
    }

    fn encode_arrays<T>(
        &self,
        arrays: &Arrays,
        rows: &[usize],
        take: &mut dyn FnMut(EncodedRows) -> Result<T>,
    ) -> Result<T> {
        let files = column::Column::of_texts(rows.iter().filter_map(|row| arrays.files.get(*row)));
        let ids = if files.is_empty() { Vec::new() } else { vec![("file".into(), files)] };
        let inputs = self.pipeline.transform_arrays(arrays, rows)?;
        let place = |row: usize| format!("{}, example {}", arrays.answers.source, rows[row] + 1);
        take(EncodedRows { ids, inputs, place: &place })
    }

    /// Predicts encoded rows.
    fn answers(&self, rows: EncodedRows, precision: MatmulPrecision) -> Result<Predictions> {
        let EncodedRows { ids, inputs, place } = rows;
        let outputs = self.finite_outputs(&inputs, precision, place)?;
        let rows = || outputs.chunks_exact(self.target.outputs());
        Ok(Predictions {
            ids,
            predictions: rows().map(|row| self.target.answers(row)).collect(),
            probabilities: rows().map(|row| self.target.probabilities(row)).collect(),
            inputs,
            outputs: rows().map(<[f64]>::to_vec).collect(),
        })
    }

    /// Predicts encoded rows, chunk by chunk; `take` gets the first row of each chunk and the answers to it.
    ///
    /// # Errors
    /// If rows on disk cannot be read, a prediction is not finite, or `take` fails.
    pub(crate) fn answer_examples(
        &self,
        rows: &Examples,
        precision: MatmulPrecision,
        take: &mut dyn FnMut(usize, &Predictions) -> Result<()>,
    ) -> Result<()> {
        for first in (0..rows.rows).step_by(CHUNK) {
            let mut x = Vec::new();
            for row in first..(first + CHUNK).min(rows.rows) {
                x.extend_from_slice(&rows.inputs(row)?);
            }
            let place = |row: usize| rows.place(first + row);
            take(first, &self.answers(EncodedRows { ids: Vec::new(), inputs: x, place: &place }, precision)?)?;
        }
        Ok(())
    }

    /// Predicts every row of a source in bounded memory, chunk by chunk; returns the decisions made in reading it.
    ///
    /// # Errors
    /// If the source cannot be read, a column is missing, a cell cannot be read, or `write` fails.
    pub fn predict(
        &self,
        path: &str,
        options: &config::Data,
        precision: MatmulPrecision,
        write: &mut dyn FnMut(&Predictions) -> Result<()>,
    ) -> Result<Vec<Decision>> {
        if self.forecast.is_none() {
            return self.encode(path, options, &mut |rows| write(&self.answers(rows, precision)?));
        }
        let Source::Table(mut reader) = self.open(path, options, false)? else {
            return Err(Error::data("a forecast carries on a table").at(path).fix("name a table"));
        };
        let table = self.read_whole(&mut reader, options)?;
        write(&self.answer(&table, precision)?)?;
        Ok(reader.decisions().to_vec())
    }

    /// Reads every row of a source in bounded memory, as the network takes them, chunk by chunk; returns the decisions made in
    /// reading it.
    ///
    /// # Errors
    /// If the source cannot be read, a column is missing, a cell cannot be read, or `take` fails.
    pub fn encode(
        &self,
        path: &str,
        options: &config::Data,
        take: &mut dyn FnMut(EncodedRows) -> Result<()>,
    ) -> Result<Vec<Decision>> {
        match self.open(path, options, false)? {
            Source::Table(mut reader) if self.pipeline.grouping.is_some() => {
                let table = self.read_whole(&mut reader, options)?;
                let notes = self.each_sequence(&table, options, false, &mut |sequences, some| {
                    self.encode_sequences(sequences, some, take).map(|()| true)
                })?;
                Ok(reader.decisions().iter().cloned().chain(notes).collect())
            }
            Source::Table(mut reader) => {
                let cell_format = self.cell_format(&reader, options);
                let mut far = Far::new(&self.pipeline);
                while let Some(mut table) = reader.next_chunk(CHUNK)? {
                    table.cell_format.get_or_insert_with(|| cell_format.clone());
                    self.encode_table(&table, take)?;
                    far.look(&table);
                }
                Ok(reader.decisions().iter().cloned().chain(far.decisions()).collect())
            }
            Source::Arrays(arrays) => {
                let rows: Vec<usize> = (0..arrays.rows()).collect();
                for rows in rows.chunks(at_once(&arrays, options)?) {
                    self.encode_arrays(&arrays, rows, take)?;
                }
                Ok(arrays.notes())
            }
        }
    }

    /// Evaluates on a source (a forecast on the steps after those it was made from): the number of rows with known targets, the metrics on them, and the decisions made in
    /// reading it.
    ///
    /// # Errors
    /// If the source cannot be read, a column is missing or a cell cannot be read.
    pub fn evaluate(
        &self,
        path: &str,
        options: &config::Data,
        precision: MatmulPrecision,
    ) -> Result<(usize, Metrics, Vec<Decision>)> {
        if self.forecast.is_some() {
            let (scores, metrics, decisions) = self.judge_source(path, options)?;
            return Ok((scores.origins, metrics, decisions));
        }
        let mut evaluated = EvaluatedExamples::default();
        let decisions = self.evaluate_batches(path, options, precision, &mut |examples, outputs| {
            evaluated.extend(&self.target, outputs, &examples);
            Ok(true)
        })?;
        Ok((evaluated.rows, evaluated.metrics(&self.target), decisions))
    }

    /// The metrics on encoded rows with known targets.
    ///
    /// # Errors
    /// If the inputs are not whole rows.
    pub fn evaluate_rows(&self, rows: &Examples, precision: MatmulPrecision) -> Result<Metrics> {
        let mut evaluated = EvaluatedExamples::default();
        evaluated.extend(&self.target, &self.outputs(&rows.x, precision)?, rows);
        Ok(evaluated.metrics(&self.target))
    }

    /// The fitted preprocessing, for encoding further rows.
    pub fn fitted(&self) -> Fitted<'_> {
        Fitted { schema: &self.schema, pipeline: &self.pipeline, target: &self.target }
    }

    /// Calls `take` with the rows of a source that have known targets and their outputs, chunk by chunk, until it
    /// returns false; returns the decisions made in reading the source.
    pub(crate) fn evaluate_batches(
        &self,
        path: &str,
        options: &config::Data,
        precision: MatmulPrecision,
        take: &mut dyn FnMut(Examples, &[f64]) -> Result<bool>,
    ) -> Result<Vec<Decision>> {
        if self.forecast.is_some() {
            let error = Error::config("a forecast is of series, and not of rows with answers");
            return Err(error.fix("judge it with thalweg evaluate on a file that goes on after the training data"));
        }
        let mut rows = 0;
        let mut take = |examples: Examples| {
            rows += examples.rows;
            let outputs = self.outputs(&examples.x, precision)?;
            take(examples, &outputs)
        };
        let (schema, target) = (&self.schema, &self.target);
        let decisions = match self.open(path, options, true)? {
            Source::Table(mut reader) if self.pipeline.grouping.is_some() => {
                let table = self.read_whole(&mut reader, options)?;
                let notes = self.each_sequence(&table, options, true, &mut |sequences, some| {
                    let examples = sequences.examples(some, schema, &self.pipeline, Some(target))?;
                    take(examples.with_cells(&sequences.answers, some, schema, target))
                })?;
                reader.decisions().iter().cloned().chain(notes).collect()
            }
            Source::Table(mut reader) => {
                let cell_format = self.cell_format(&reader, options);
                let mut far = Far::new(&self.pipeline);
                while let Some(mut table) = reader.next_chunk(CHUNK)? {
                    table.cell_format.get_or_insert_with(|| cell_format.clone());
                    far.look(&table);
                    let known = Target::known_rows(&table, schema)?;
                    let examples = Examples::encode(&table, &known, schema, &self.pipeline, Some(target))?;
                    if !take(examples.with_cells(&table, &known, schema, target))? {
                        break;
                    }
                }
                reader.decisions().iter().cloned().chain(far.decisions()).collect()
            }
            Source::Arrays(arrays) => {
                let known = Target::known_rows(&arrays.answers, schema)?;
                for rows in known.chunks(at_once(&arrays, options)?) {
                    let examples = Examples::encode_arrays(&arrays, rows, &self.pipeline, Some(target))?;
                    if !take(examples.with_cells(&arrays.answers, rows, schema, target))? {
                        break;
                    }
                }
                arrays.notes()
            }
        };
        if rows == 0 {
            let error = Error::data(format!("no row has a known {:?}", self.target.columns));
            return Err(error.at(path).fix("evaluate on rows whose answer is known"));
        }
        Ok(decisions)
    }

    /// All rows of a table, with the cell format that they are read with.
    fn read_whole(&self, reader: &mut TableReader, options: &config::Data) -> Result<Table> {
        let cell_format = self.cell_format(reader, options);
        let mut table = reader.read_rest()?;
        table.cell_format.get_or_insert(cell_format);
        Ok(table)
    }

    /// The cell format of a table: as specified by the user or detected, plus the missing-value markers of the training
    /// data.
    fn cell_format(&self, reader: &TableReader, options: &config::Data) -> CellFormat {
        let missing = if options.missing.is_empty() {
            self.pipeline.cell_format.missing.clone()
        } else {
            CellFormat::new(options).missing
        };
        CellFormat { missing, decimal_comma: reader.decimal_comma() }
    }

    /// Opens a source like the training data, unless the user specifies otherwise: unnamed columns get the names of the
    /// training data, with or without the targets. Arrays need targets only if they are requested.
    fn open(&self, path: &str, given: &config::Data, wants_answers: bool) -> Result<Source> {
        let mut options = given.clone();
        if let Some(spec) = self.pipeline.media() {
            spec.adopt(&mut options);
            if path == "-" {
                return source::open_list(&options);
            }
        }
        let shape = self.pipeline.shape();
        let mut source = source::open_for(path, &options, (!wants_answers).then_some(&shape))?;
        if let Source::Arrays(arrays) = &source {
            applicable::check(given, DataKind::of(arrays))?;
        }
        if let Source::Table(reader) = &mut source {
            applicable::check(given, DataKind::Table)?;
            if given.max_bad.is_some() {
                let error = Error::config("cells that cannot be read are missing ones only where training says so");
                return Err(error.at("--max-bad").fix("correct the cells, or train with [max_bad]"));
            }
            let named = |wanted: &dyn Fn(&&Column) -> bool| {
                self.schema.columns.iter().filter(wanted).map(|column| column.name.clone()).collect::<Vec<_>>()
            };
            for names in [named(&|_| true), named(&|column| column.role != Role::Target)] {
                reader.adopt(&names);
            }
        }
        Ok(source)
    }
}

/// Examples predicted at a time.
fn at_once(arrays: &Arrays, options: &config::Data) -> Result<usize> {
    Ok(memory::examples_at_once(options, arrays.width())?.min(CHUNK))
}

/// Outputs and targets collected from examples, in the data's units.
#[derive(Debug, Default)]
pub(crate) struct EvaluatedExamples {
    pub(crate) rows: usize,
    pub(crate) outputs: Vec<f64>,
    /// The quantiles of each row, where these are predicted.
    quantiles: Vec<f64>,
    pub(crate) truths: Vec<f64>,
    pub(crate) weights: Option<Vec<f64>>,
}

impl EvaluatedExamples {
    /// Adds the outputs for some examples.
    pub(crate) fn extend(&mut self, target: &Target, outputs: &[f64], examples: &Examples) {
        self.rows += examples.rows;
        self.outputs.extend(points_in_units(target, outputs));
        if !target.quantiles.is_empty() {
            self.quantiles.extend(outputs.chunks_exact(target.outputs()).flat_map(|row| target.in_units(row)));
        }
        self.truths.extend(in_units(target, examples.y.iter().map(|&y| f64::from(y))));
        if let Some(weights) = &examples.weights {
            self.weights.get_or_insert_default().extend(weights.iter().map(|&w| f64::from(w)));
        }
    }

    pub(crate) fn metrics(&self, target: &Target) -> Metrics {
        let (weights, thresholds) = (self.weights.as_deref(), &target.thresholds[..]);
        let outputs = target.points_per_row();
        let mut metrics = metrics::evaluate_at(target.task, &self.outputs, outputs, &self.truths, weights, thresholds);
        if !target.quantiles.is_empty() {
            metrics.extend(metrics::of_quantiles(&target.quantiles, &self.quantiles, &self.truths, weights));
        }
        metrics
    }
}

/// The predictions from the outputs of rows, clipped to the limits, in the data's units, or probabilities; of quantiles
/// the middle.
pub(crate) fn points_in_units(target: &Target, outputs: &[f64]) -> Vec<f64> {
    let rows = outputs.chunks_exact(target.outputs());
    let point = |row: &[f64]| match target.task {
        Task::Regression => target.points(&target.in_units(row)),
        _ => row.to_vec(),
    };
    rows.flat_map(point).collect()
}

/// Scaled targets in the data's units; classes unchanged.
pub(crate) fn in_units(target: &Target, values: impl Iterator<Item = f64>) -> impl Iterator<Item = f64> {
    let targets = target.scales.len().max(1);
    let numbers = target.task == Task::Regression;
    values.enumerate().map(move |(i, value)| if numbers { target.unscaled(i % targets, value) } else { value })
}

/// The model file at a path that may be a run folder.
fn file_of(path: &Path) -> PathBuf {
    if path.is_dir() { path.join("model.safetensors") } else { path.to_path_buf() }
}
