//! Two models on the same rows.

use pyo3::prelude::*;
use serde_json::json;
use thalweg::Error;
use thalweg::config;
use thalweg::run::{self, Contender};

use crate::data::Data;
use crate::errors::released;
use crate::model::Model;
use crate::wording;

/// How two models, each with a name, compare on rows, on data that is named, or else on their runs' test rows; JSON.
#[pyfunction]
#[pyo3(signature = (a, b, rows, path, seed, precision))]
pub(crate) fn compare(
    py: Python<'_>,
    a: (Py<Model>, String),
    b: (Py<Model>, String),
    rows: Option<(PyRef<'_, Data>, PyRef<'_, Data>)>,
    path: Option<&str>,
    seed: u64,
    precision: &str,
) -> PyResult<String> {
    let rows: Option<(&Data, &Data)> = rows.as_ref().map(|(of_a, of_b)| (&**of_a, &**of_b));
    released(py, || {
        let precision = serde_json::from_value(precision.into())
            .map_err(|error| Error::config(error.to_string()).at("precision").fix("leave it out"))?;
        let (first, second) = (&*a.0.get().0, &*b.0.get().0);
        let products = [run::products(first, precision)?.0, run::products(second, precision)?.0];
        let contenders = [Contender { name: &a.1, model: first }, Contender { name: &b.1, model: second }];
        let found = match rows {
            None => {
                let options = config::Data::default();
                run::compare(contenders, path.map(|path| (path, &options)), products, seed)?
            }
            Some((of_a, of_b)) => {
                let of_a = of_a.encoded(first.fitted())?.parts.train;
                let of_b = of_b.encoded(second.fitted())?.parts.train;
                run::compare_rows(contenders, [&of_a, &of_b], products, seed)?
            }
        };
        let mut object = json!(found);
        object["warnings"] = found.warnings.into_iter().map(wording::of_warning).collect();
        Ok(object.to_string())
    })
}
