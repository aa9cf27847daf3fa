//! Trained models.

use std::path::PathBuf;
use std::sync::Arc;

use numpy::{PyArray1, PyArray2, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use serde_json::json;
use thalweg::Error;
use thalweg::config;
use thalweg::data::schema::{Role, Task};
use thalweg::explain::{self, Background, Effort, Explainer, Sample, Settings};
use thalweg::run::Explained;
use thalweg::tensor::ops::MatmulPrecision;

use crate::data::{Data, Rows};
use crate::errors::{held, released};

/// For each row one text a target, and the probability of each class or label.
type Answers = (Vec<Vec<String>>, Vec<Vec<f64>>);

/// Names of columns, and the columns side by side.
type Columns<'py> = (Vec<String>, Bound<'py, PyArray2<f64>>);

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

    /// What it is and where it comes from, as JSON.
    fn describe(&self, py: Python<'_>) -> PyResult<String> {
        held(py, || {
            let model = &self.0;
            let features = || model.schema.columns.iter().filter(|column| column.role == Role::Feature);
            let columns: Option<Vec<&str>> =
                model.pipeline.array.is_none().then(|| features().map(|column| column.name.as_str()).collect());
            Ok(json!({
                "task": model.target.task,
                "targets": model.target.columns,
                "classes": model.target.classes,
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
                Task::Regression => row.iter().enumerate().map(|(t, &y)| target.unscaled(t, y)).collect(),
                _ => target.probabilities(row),
            });
            Ok((answers.collect(), columns))
        })?;
        let rows = numbers.len() / columns.max(1);
        PyArray1::from_vec(py, numbers).reshape([rows, columns])
    }

    /// The metrics on rows whose answers are known, and how many rows there are, as JSON.
    fn evaluate(&self, py: Python<'_>, data: &Data, precision: &str) -> PyResult<String> {
        self.in_precision(py, precision, |precision| {
            let rows = data.encoded(self.0.fitted())?.parts.train;
            Ok(json!({ "rows": rows.rows, "metrics": self.0.evaluate_rows(&rows, precision)? }).to_string())
        })
    }

    /// The same for data that is named.
    fn evaluate_path(&self, py: Python<'_>, path: &str, precision: &str) -> PyResult<String> {
        self.in_precision(py, precision, |precision| {
            let (rows, metrics, _) = self.0.evaluate(path, &config::Data::default(), precision)?;
            Ok(json!({ "rows": rows, "metrics": metrics }).to_string())
        })
    }

    /// The answers to the rows of data that is named, one text a target each, and their probabilities.
    fn predict_path(&self, py: Python<'_>, path: &str, precision: &str) -> PyResult<Answers> {
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
            let explained = Explained { importance: true, seed, ..Explained::default() };
            let found = thalweg::run::evaluate(&self.0, path, &config::Data::default(), precision, &explained)?;
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
            let explainer = Explainer::new(&self.0, &background, Settings { permutations, seed, precision })?;
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

    fn encoded(&self, data: &Data) -> thalweg::Result<Vec<f32>> {
        let pipeline = &self.0.pipeline;
        match &data.rows {
            Rows::Table(table) => pipeline.transform(table),
            Rows::Arrays(arrays) => pipeline.transform_arrays(arrays, &(0..arrays.rows()).collect::<Vec<_>>()),
        }
    }
}
