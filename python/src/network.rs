//! Networks as functions of θ and x, and the check of their gradients.

use numpy::{PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use serde_json::{Value, json};
use thalweg::Error;
use thalweg::layers::{Mode, read_layer};
use thalweg::losses::{self, Cost, Loss};
use thalweg::network::gradient_check::{self, CheckSettings};
use thalweg::tensor::{Dtype, Shape, Tensor};

use crate::errors::{held, released};

/// Layers in a row: a function of θ and x, in 64-bit numbers. It holds no parameters.
#[pyclass(frozen)]
pub(crate) struct Network(thalweg::network::Network);

/// θ, x and y, with their shapes checked.
struct Batch {
    theta: Tensor,
    x: Tensor,
    y: Tensor,
    loss: Box<dyn Loss>,
}

#[pymethods]
impl Network {
    /// Layers, a JSON list of tables with a kind, on examples of a shape.
    #[new]
    fn new(py: Python<'_>, input: Vec<usize>, layers: &str) -> PyResult<Network> {
        released(py, || {
            let input = Shape::try_from(input).map_err(Error::config)?;
            let layers: Vec<Value> = serde_json::from_str(layers).map_err(|error| Error::config(error.to_string()))?;
            let layers = layers.into_iter().map(|layer| read_layer(layer, &[])).collect::<Result<_, _>>()?;
            Ok(Network(thalweg::network::Network::new(input, layers)?))
        })
    }

    /// Its layers and where each parameter is in θ, as JSON.
    fn describe(&self, py: Python<'_>) -> PyResult<String> {
        let entry = |entry: &thalweg::network::Entry| json!({ "name": entry.name, "shape": entry.shape, "start": entry.start, "trained": entry.trained });
        held(py, || {
            let layout = self.0.layout();
            let entries: Vec<Value> = layout.entries().iter().map(entry).collect();
            let all = json!({ "layers": self.0.summary(), "entries": entries, "parameters": layout.len() });
            Ok(all.to_string())
        })
    }

    /// θ at random initialisation.
    fn initialize<'py>(&self, py: Python<'py>, seed: u64) -> PyResult<Bound<'py, PyArray1<f64>>> {
        Ok(PyArray1::from_vec(py, released(py, || Ok(self.0.initialize(seed, Dtype::F64).to_f64()))?))
    }

    /// The logits of the rows of x.
    fn forward<'py>(
        &self,
        py: Python<'py>,
        theta: PyReadonlyArray1<'_, f64>,
        x: PyReadonlyArray2<'_, f64>,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let (theta, x) = held(py, || self.inputs(&theta, &x))?;
        let m = x.shape().rows();
        let logits = released(py, || {
            let mut workspace = self.0.workspace(m.max(1), Dtype::F64);
            Ok(self.0.forward(theta.view(), x.view(), &mut workspace, Mode::Predict)?.to_f64())
        })?;
        PyArray1::from_vec(py, logits).reshape([m, self.0.output().size()])
    }

    /// The cost of a batch and its gradient dθ, without randomness.
    fn gradients<'py>(
        &self,
        py: Python<'py>,
        theta: PyReadonlyArray1<'_, f64>,
        x: PyReadonlyArray2<'_, f64>,
        y: PyReadonlyArray2<'_, f64>,
        loss: &str,
    ) -> PyResult<(f64, Bound<'py, PyArray1<f64>>)> {
        let batch = held(py, || self.batch(&theta, &x, &y, loss))?;
        let (cost, gradient) = released(py, || {
            let m = batch.x.shape().rows();
            let mut workspace = self.0.workspace(m, Dtype::F64);
            let mut gradient = Tensor::zeros([self.0.layout().len()], Dtype::F64);
            self.0.forward(batch.theta.view(), batch.x.view(), &mut workspace, Mode::Check)?;
            let (z, dz) = workspace.member_delta(m);
            let cost = Cost::of_members(m, self.0.members(), Dtype::F64).compute(
                &*batch.loss,
                z,
                batch.y.view(),
                None,
                Some(dz),
            );
            self.0.backward_members(batch.theta.view(), batch.x.view(), &mut workspace, gradient.view_mut())?;
            Ok((cost, gradient))
        })?;
        Ok((cost, PyArray1::from_vec(py, gradient.to_f64())))
    }

    /// The gradient check on a batch, as JSON.
    fn check(
        &self,
        py: Python<'_>,
        theta: PyReadonlyArray1<'_, f64>,
        x: PyReadonlyArray2<'_, f64>,
        y: PyReadonlyArray2<'_, f64>,
        loss: &str,
        epsilon: f64,
    ) -> PyResult<String> {
        let batch = held(py, || self.batch(&theta, &x, &y, loss))?;
        let settings = CheckSettings { epsilon, ..CheckSettings::default() };
        let report = released(py, || {
            let (x, y) = (batch.x.view(), batch.y.view());
            gradient_check::check(&self.0, &*batch.loss, &batch.theta, x, y, None, settings)
        })?;
        Ok(json!(report).to_string())
    }
}

impl Network {
    fn inputs(
        &self,
        theta: &PyReadonlyArray1<'_, f64>,
        x: &PyReadonlyArray2<'_, f64>,
    ) -> thalweg::Result<(Tensor, Tensor)> {
        let theta: Vec<f64> = theta.as_array().iter().copied().collect();
        let (found, expected) = (theta.len(), self.0.layout().len());
        if found != expected {
            let error = Error::config(format!("found {found} parameters, expected {expected}"));
            return Err(error.fix("begin with network.initialize()"));
        }
        let x = matrix(x);
        let (found, expected) = (x.shape().columns(), self.0.input().size());
        if found != expected {
            let error = Error::data(format!("found {found} columns in x, expected {expected}"));
            return Err(error.fix("give x as rows of the network's inputs"));
        }
        Ok((Tensor::from_f64([theta.len()], theta), x))
    }

    fn batch(
        &self,
        theta: &PyReadonlyArray1<'_, f64>,
        x: &PyReadonlyArray2<'_, f64>,
        y: &PyReadonlyArray2<'_, f64>,
        loss: &str,
    ) -> thalweg::Result<Batch> {
        let ((theta, x), y) = (self.inputs(theta, x)?, matrix(y));
        let outputs = self.0.output().size();
        let columns = y.shape().columns();
        let classes = loss == "cross_entropy" && columns == 1 && outputs > 1;
        let settings = losses::LossSettings { multiclass: classes, smoothing: 0.0, delta: 1.0, quantiles: &[] };
        let loss = (losses::named(loss)?.build)(&settings);
        let fits = x.shape().rows() > 0 && x.shape().rows() == y.shape().rows() && (classes || columns == outputs);
        if !fits {
            let found = format!("x of shape {} and y of shape {}", x.shape(), y.shape());
            let error = Error::data(format!("found {found}, with {outputs} outputs"));
            return Err(error.fix("give a row of y for each row of x: class numbers, or a column an output"));
        }
        if classes && !y.to_f64().iter().all(|class| (0.0..outputs as f64).contains(class) && class.fract() == 0.0) {
            let error = Error::data(format!("found classes that are not whole numbers from 0 to {}", outputs - 1));
            return Err(error.fix("number the classes from 0"));
        }
        Ok(Batch { theta, x, y, loss })
    }
}

fn matrix(values: &PyReadonlyArray2<'_, f64>) -> Tensor {
    let values = values.as_array();
    Tensor::from_f64([values.nrows(), values.ncols()], values.iter().copied().collect())
}
