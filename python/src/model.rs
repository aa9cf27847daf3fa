//! Trained models.

use std::path::PathBuf;
use std::sync::Arc;

use numpy::{PyArray1, PyArray2, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use serde_json::json;
use thalweg::Error;
use thalweg::config;
use thalweg::data::preprocess::TextColumn;
use thalweg::data::schema::{Role, Task};
use thalweg::explain::{self, Background, Effort, Explainer, Sample, ShapleySettings};
use thalweg::export;
use thalweg::metrics::{Gate, Metrics};
use thalweg::model::{AnswerCell, AnswerColumns, Embedder, Embeddings, EncodedRows};
use thalweg::run::EvaluationOptions;
use thalweg::tensor::ops::MatmulPrecision;

use crate::data::{Data, Rows};
use crate::errors::{held, released};
use crate::wording::of_decision;

/// For each row one text a target, and the probability of each class or label.
type Predictions = (Vec<Vec<String>>, Vec<Vec<f64>>);

/// Names of columns, and the columns side by side.
type Columns<'py> = (Vec<String>, Bound<'py, PyArray2<f64>>);
/// An interval for each numeric target, or 0 and 1 for each class that is in the set, by row; the numbers in a row.
type Regions = (Vec<f64>, usize);
/// The columns that say which step an answer is of: names with texts.
type Steps = Vec<(String, Vec<String>)>;

/// A network with its parameters and its preprocessing.
#[pyclass(frozen)]
pub(crate) struct Model(pub(crate) Arc<thalweg::model::Model>);

#[pymethods]
impl Model {
    /// Loads a model from its file, or from its run's folder.
    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Model> {
        Ok(Model(Arc::new(released(py, || thalweg::model::Model::load(path))?)))
    }

    /// Reads a model from a file's bytes.
    #[staticmethod]
    fn from_bytes(py: Python<'_>, bytes: &[u8]) -> PyResult<Model> {
        let model = released(py, || thalweg::model::Model::from_bytes(bytes, "the model's bytes"))?;
        Ok(Model(Arc::new(model)))
    }

    /// The model file's bytes.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &released(py, || Ok(self.0.to_bytes()))?))
    }

    /// Writes the model file: whole, or not at all.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        released(py, || self.0.save(path))
    }

    /// The same model with another threshold of its two classes or its labels.
    fn with_threshold(&self, py: Python<'_>, threshold: f64) -> PyResult<Model> {
        let model = released(py, || {
            let mut model = thalweg::model::Model::from_bytes(&self.0.to_bytes(), "the model")?;
            model.target.set_threshold(threshold)?;
            Ok(model)
        })?;
        Ok(Model(Arc::new(model)))
    }

    /// What it is and where it comes from, as JSON.
    fn describe(&self, py: Python<'_>) -> PyResult<String> {
        held(py, || {
            let model = &self.0;
            let features = || model.schema.columns.iter().filter(|column| column.role == Role::Feature);
            let columns: Option<Vec<&str>> =
                model.pipeline.array.is_none().then(|| features().map(|column| column.name.as_str()).collect());
            Ok(json!({
                "task": model.target.task,
                "targets": model.answered().columns,
                "classes": model.target.classes,
                "thresholds": model.target.thresholds,
                "quantiles": model.answered().quantiles,
                "forecast": model.forecast.as_ref().map(|forecast| json!({
                    "time": forecast.time,
                    "series": forecast.series,
                    "horizon": forecast.horizon,
                    "window": forecast.window,
                    "season": forecast.season,
                })),
                "sequences": model.pipeline.grouping,
                "shape": model.pipeline.shape(),
                "columns": columns,
                "layers": model.network.summary(),
                "parameters": model.network.layout().trained(),
                "provenance": model.provenance,
            })
            .to_string())
        })
    }

    /// The model card, in Markdown.
    fn card(&self, py: Python<'_>) -> PyResult<String> {
        held(py, || Ok(thalweg::report::card(&self.0, &[], None)))
    }

    /// The bags or tokens of a column's texts, as exports take them.
    fn bags<'py>(&self, py: Python<'py>, column: &str, texts: Vec<String>) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let numbers = held(py, || self.0.pipeline.bags(column, &texts))?;
        let columns = self.0.pipeline.texts().iter().find(|text| text.name == column).map_or(0, TextColumn::width);
        PyArray1::from_vec(py, numbers).reshape([texts.len(), columns])
    }

    /// For each row the probability of each class or label, or each number in the data's units; or the logits.
    #[pyo3(signature = (data, logits=false, precision="f32"))]
    fn outputs<'py>(
        &self,
        py: Python<'py>,
        data: &Data,
        logits: bool,
        precision: &str,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let target = &self.0.target;
        let (numbers, columns) = self.in_precision(py, precision, |precision| {
            let x = self.encoded(data)?;
            if logits {
                return Ok((self.0.logits(&x, precision)?, target.outputs()));
            }
            let outputs = self.0.finite_outputs(&x, precision, &|row| format!("row {row}"))?;
            let columns = if target.task == Task::Binary { 2 } else { target.outputs() };
            let answers = outputs.chunks_exact(target.outputs()).flat_map(|row| match target.task {
                Task::Regression => target.in_units(row),
                _ => target.probabilities(row),
            });
            Ok((answers.collect(), columns))
        })?;
        let rows = numbers.len() / columns.max(1);
        PyArray1::from_vec(py, numbers).reshape([rows, columns])
    }

    /// For each row the low and high end of each target's interval of a level, or 1 for each class in its set, else 0.
    fn regions<'py>(
        &self,
        py: Python<'py>,
        data: &Data,
        level: f64,
        precision: &str,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let (numbers, columns) = self.in_precision(py, precision, |precision| {
            let margins = self.0.target.margins(level)?;
            let outputs = self.0.finite_outputs(&self.encoded(data)?, precision, &|row| format!("row {row}"))?;
            Ok(self.regions_of(outputs.chunks_exact(self.0.target.outputs()), &margins))
        })?;
        let rows = numbers.len() / columns.max(1);
        PyArray1::from_vec(py, numbers).reshape([rows, columns])
    }

    /// The same for data that is named.
    fn regions_path<'py>(
        &self,
        py: Python<'py>,
        path: &str,
        level: f64,
        precision: &str,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let (numbers, columns) = self.in_precision(py, precision, |precision| {
            let margins = self.0.target.margins(level)?;
            let outputs = self.outputs_of(path, precision)?;
            Ok(self.regions_of(outputs.iter().map(Vec::as_slice), &margins))
        })?;
        let rows = numbers.len() / columns.max(1);
        PyArray1::from_vec(py, numbers).reshape([rows, columns])
    }

    /// The quantiles of the rows of data that is named.
    fn quantiles_path<'py>(&self, py: Python<'py>, path: &str, precision: &str) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let target = &self.0.target;
        let outputs = self.in_precision(py, precision, |precision| self.outputs_of(path, precision))?;
        let rows = outputs.len();
        let numbers = outputs.iter().flat_map(|row| target.in_units(row)).collect();
        PyArray1::from_vec(py, numbers).reshape([rows, target.outputs()])
    }

    /// What the last layer is given of each row, or of each row of data that is named.
    #[pyo3(signature = (data, path))]
    fn embed<'py>(
        &self,
        py: Python<'py>,
        data: Option<&Data>,
        path: Option<&str>,
    ) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let (numbers, width) = released(py, || {
            let embedder = Embedder::new(&self.0)?;
            let mut embeddings = Embeddings::new(embedder.width());
            match (data, path) {
                (Some(data), _) => embeddings.numbers = embedder.embed(&self.encoded(data)?)?,
                (None, Some(path)) => {
                    let add = &mut |rows: EncodedRows| embeddings.add(&rows, &embedder);
                    drop(self.0.encode(path, &config::Data::default(), add)?);
                }
                (None, None) => {}
            }
            Ok((embeddings.numbers, embeddings.width))
        })?;
        let rows = numbers.len() / width.max(1);
        PyArray1::from_vec(py, numbers).reshape([rows, width])
    }

    /// The series of rows, or of data that is named, carried on: the columns that say which step each answer is of, and the
    /// answers with their quantiles.
    #[pyo3(signature = (data, path, precision))]
    fn carry_on<'py>(
        &self,
        py: Python<'py>,
        data: Option<&Data>,
        path: Option<&str>,
        precision: &str,
    ) -> PyResult<(Steps, Bound<'py, PyArray2<f64>>)> {
        let (steps, numbers, columns) = self.in_precision(py, precision, |precision| {
            let (mut steps, mut numbers) = (Vec::new(), Vec::new());
            let answered = self.0.answered();
            let written = AnswerColumns::new(&answered, None)?;
            let mut take = |answers: &thalweg::model::Predictions| {
                steps = answers
                    .ids
                    .iter()
                    .map(|(name, cells)| (name.clone(), cells.iter().map(String::from).collect()))
                    .collect();
                let cells = (0..answers.predictions.len()).flat_map(|row| written.cells(answers, row));
                numbers = cells.map(|cell| if let AnswerCell::Number(x) = cell { x } else { f64::NAN }).collect();
                Ok(())
            };
            match (data.map(|data| &data.rows), path) {
                (Some(Rows::Table(table)), _) => take(&self.0.answer(table, precision)?)?,
                (None, Some(path)) => drop(self.0.predict(path, &config::Data::default(), precision, &mut take)?),
                _ => {
                    let error = Error::data("a forecast carries the rows of a table on");
                    return Err(error.fix("give a data frame, or the path of a file"));
                }
            }
            Ok((steps, numbers, written.names().len()))
        })?;
        let rows = numbers.len() / columns.max(1);
        Ok((steps, PyArray1::from_vec(py, numbers).reshape([rows, columns])?))
    }

    /// Writes the model in another format; gives what was written, as JSON.
    fn export(
        &self,
        py: Python<'_>,
        path: PathBuf,
        to: Option<&str>,
        intervals: Option<f64>,
        precision: &str,
        calibrate: Option<String>,
    ) -> PyResult<String> {
        released(py, || {
            let format = export::format(to, &path)?;
            let precision = export::Precision::named(precision).ok_or_else(|| {
                let near = thalweg::did_you_mean(precision, export::Precision::NAMES);
                Error::config(format!("unknown precision {precision:?}{near}"))
                    .fix(format!("use one of {}", export::Precision::NAMES.join(", ")))
            })?;
            let inputs = calibrate.iter().map(PathBuf::from).collect();
            let calibrate = calibrate.map(|path| (path, config::Data::default()));
            let options =
                export::ExportOptions { precision, calibrate, intervals, inputs, ..export::ExportOptions::default() };
            let mut written = export::export(&self.0, &path, format, options)?;
            written.decisions = written.decisions.into_iter().map(of_decision).collect();
            Ok(json!(written).to_string())
        })
    }

    /// The metrics on rows whose answers are known, and how many rows there are, as JSON; an error where a gate is not
    /// passed.
    fn evaluate(&self, py: Python<'_>, data: &Data, precision: &str, gates: Vec<String>) -> PyResult<String> {
        self.in_precision(py, precision, |precision| {
            let gates = self.gates(&gates)?;
            if let (Some(_), Rows::Table(table)) = (&self.0.forecast, &data.rows) {
                let (scores, metrics) = self.0.judge_table(table)?;
                return gated(scores.origins, metrics, &gates);
            }
            let rows = data.encoded(self.0.fitted())?.parts.train;
            gated(rows.rows, self.0.evaluate_rows(&rows, precision)?, &gates)
        })
    }

    /// The same for data that is named.
    fn evaluate_path(&self, py: Python<'_>, path: &str, precision: &str, gates: Vec<String>) -> PyResult<String> {
        self.in_precision(py, precision, |precision| {
            let gates = self.gates(&gates)?;
            let (rows, metrics, _) = self.0.evaluate(path, &config::Data::default(), precision)?;
            gated(rows, metrics, &gates)
        })
    }

    /// The answers to the rows of data that is named, one text a target each, and their probabilities.
    fn predict_path(&self, py: Python<'_>, path: &str, precision: &str) -> PyResult<Predictions> {
        self.in_precision(py, precision, |precision| {
            let (mut predictions, mut probabilities) = (Vec::new(), Vec::new());
            self.0.predict(path, &config::Data::default(), precision, &mut |answers| {
                predictions.extend_from_slice(&answers.predictions);
                probabilities.extend_from_slice(&answers.probabilities);
                Ok(())
            })?;
            Ok((predictions, probabilities))
        })
    }

    /// How much each column matters on rows whose answers are known, as JSON.
    fn importance(&self, py: Python<'_>, data: &Data, seed: u64, precision: &str) -> PyResult<String> {
        self.in_precision(py, precision, |precision| {
            let sample = Sample::of(&data.encoded(self.0.fitted())?.parts.train)?;
            let found = explain::importance(&self.0, &sample, Effort { seed, precision, ..Effort::default() })?;
            Ok(json!(found).to_string())
        })
    }

    /// The same for data that is named.
    fn importance_path(&self, py: Python<'_>, path: &str, seed: u64, precision: &str) -> PyResult<String> {
        self.in_precision(py, precision, |precision| {
            let besides = EvaluationOptions { importance: true, seed, ..EvaluationOptions::default() };
            let found = thalweg::run::evaluate(&self.0, path, &config::Data::default(), precision, &besides)?;
            Ok(json!(found.importance).to_string())
        })
    }

    /// The mean answers along a column's values in rows, or in data that is named, as JSON.
    #[pyo3(signature = (data, path, column, precision))]
    fn dependence(
        &self,
        py: Python<'_>,
        data: Option<&Data>,
        path: Option<&str>,
        column: &str,
        precision: &str,
    ) -> PyResult<String> {
        self.in_precision(py, precision, |precision| {
            let column = explain::column(&self.0, column)?;
            let mut sample = Sample::default();
            sample.add_inputs(&self.inputs(data, path, precision)?, self.0.network.input().size());
            let effort = Effort { precision, ..Effort::default() };
            Ok(json!(explain::dependence(&self.0, &sample, column, effort)?).to_string())
        })
    }

    /// What each column contributes to the answers to rows, or to data that is named, in comparison with others.
    #[pyo3(signature = (data, path, background, background_path, permutations, seed, precision))]
    #[expect(clippy::too_many_arguments, reason = "keywords of a Python method")]
    fn explain<'py>(
        &self,
        py: Python<'py>,
        data: Option<&Data>,
        path: Option<&str>,
        background: Option<&Data>,
        background_path: Option<&str>,
        permutations: usize,
        seed: u64,
        precision: &str,
    ) -> PyResult<Columns<'py>> {
        let (names, numbers) = self.in_precision(py, precision, |precision| {
            let x = self.inputs(data, path, precision)?;
            let others = self.inputs(background, background_path, precision)?;
            let background = Background::new(&self.0, &others)?;
            let explainer = Explainer::new(&self.0, &background, ShapleySettings { permutations, seed, precision })?;
            let rows = explainer.explain(&x)?;
            let numbers: Vec<f64> = rows.iter().flatten().flat_map(|answer| answer.fields()).collect();
            Ok((explainer.names(), numbers))
        })?;
        let shape = [numbers.len() / names.len(), names.len()];
        Ok((names, PyArray1::from_vec(py, numbers).reshape(shape)?))
    }
}

impl Model {
    /// Does work whose matrices are multiplied in a precision.
    fn in_precision<R: Send>(
        &self,
        py: Python<'_>,
        precision: &str,
        work: impl FnOnce(MatmulPrecision) -> thalweg::Result<R> + Send,
    ) -> PyResult<R> {
        released(py, || {
            let precision = serde_json::from_value(precision.into())
                .map_err(|error| Error::config(error.to_string()).at("precision").fix("leave it out"))?;
            let (products, _) = thalweg::run::products(&self.0, precision)?;
            work(products)
        })
    }

    /// The inputs of rows, or of data that is named.
    fn inputs(&self, data: Option<&Data>, path: Option<&str>, precision: MatmulPrecision) -> thalweg::Result<Vec<f32>> {
        let mut inputs = data.map_or_else(|| Ok(Vec::new()), |data| self.encoded(data))?;
        if let Some(path) = path {
            self.0.predict(path, &config::Data::default(), precision, &mut |answers| {
                inputs.extend_from_slice(&answers.inputs);
                Ok(())
            })?;
        }
        Ok(inputs)
    }

    fn gates(&self, gates: &[String]) -> thalweg::Result<Vec<Gate>> {
        gates.iter().map(|gate| Gate::parse(gate, self.0.target.task)).collect()
    }

    /// The outputs of the rows of data that is named.
    fn outputs_of(&self, path: &str, precision: MatmulPrecision) -> thalweg::Result<Vec<Vec<f64>>> {
        let mut outputs = Vec::new();
        self.0.predict(path, &config::Data::default(), precision, &mut |answers| {
            outputs.extend_from_slice(&answers.outputs);
            Ok(())
        })?;
        Ok(outputs)
    }

    /// Intervals or sets from the outputs of rows.
    fn regions_of<'a>(&self, outputs: impl Iterator<Item = &'a [f64]>, margins: &[f64]) -> Regions {
        let target = &self.0.target;
        match target.task {
            Task::Regression => {
                let ends = outputs.flat_map(|row| target.intervals(row, margins)).flatten();
                (ends.collect(), 2 * margins.len())
            }
            _ => {
                let is_in = |row: &[f64]| {
                    let set = target.set(row, margins);
                    (0..target.classes.len()).map(move |class| f64::from(u8::from(set.contains(&class))))
                };
                (outputs.flat_map(is_in).collect(), target.classes.len())
            }
        }
    }

    fn encoded(&self, data: &Data) -> thalweg::Result<Vec<f32>> {
        match &data.rows {
            Rows::Table(table) => self.0.inputs(table),
            Rows::Arrays(arrays) => self.0.pipeline.transform_arrays(arrays, &(0..arrays.rows()).collect::<Vec<_>>()),
        }
    }
}

/// Metrics as JSON, or one error of all the gates that they do not pass.
fn gated(rows: usize, metrics: Metrics, gates: &[Gate]) -> thalweg::Result<String> {
    let failed = gates.iter().filter_map(|gate| gate.check(&metrics).error(&metrics));
    let all = failed.reduce(|first, next| Error { message: format!("{}; {}", first.message, next.message), ..first });
    match all {
        Some(error) => Err(error),
        None => Ok(json!({ "rows": rows, "metrics": metrics }).to_string()),
    }
}
