//! Data from Python: arrays of numbers, or named columns.

use std::collections::BTreeMap;

use numpy::{PyReadonlyArray1, PyReadonlyArrayDyn};
use pyo3::prelude::*;
use thalweg::config::{self, Config, Order};
use thalweg::data::arrays::Arrays;
use thalweg::data::column::{Column, Declared};
use thalweg::data::dataset::{Dataset, Fitted};
use thalweg::data::schema::ColumnKind;
use thalweg::data::table::Table;
use thalweg::{Error, Result};

use crate::errors::held;

/// Rows, with their answers and weights where these are known.
#[pyclass]
pub(crate) struct Data {
    pub(crate) rows: Rows,
    kinds: BTreeMap<String, ColumnKind>,
    /// The orders of categories that have one.
    orders: BTreeMap<String, Order>,
    targets: Vec<String>,
    weight: Option<String>,
}

/// Rows of either form.
pub(crate) enum Rows {
    Arrays(Box<Arrays>),
    Table(Table),
}

/// The numbers of an array of either type.
#[derive(FromPyObject)]
enum Numbers<'py> {
    Single(PyReadonlyArrayDyn<'py, f32>),
    Double(PyReadonlyArrayDyn<'py, f64>),
}

impl Numbers<'_> {
    fn shape(&self) -> &[usize] {
        match self {
            Numbers::Single(x) => numpy::PyUntypedArrayMethods::shape(&**x),
            Numbers::Double(x) => numpy::PyUntypedArrayMethods::shape(&**x),
        }
    }

    /// The numbers, row by row, read from where they lie.
    fn values(&self) -> Vec<f32> {
        match self {
            Numbers::Single(x) => x.as_slice().map_or_else(|_| x.as_array().iter().copied().collect(), <[f32]>::to_vec),
            Numbers::Double(x) => x.as_array().iter().map(|&x| x as f32).collect(),
        }
    }
}

#[pymethods]
impl Data {
    /// Examples of one shape, along the first axis of an array.
    #[staticmethod]
    fn arrays(py: Python<'_>, source: &str, x: Numbers<'_>) -> PyResult<Data> {
        held(py, || {
            let shape = x.shape().to_vec();
            let arrays = Arrays::new(source, shape.get(1..).unwrap_or_default(), x.values())?;
            Ok(Data::new(Rows::Arrays(Box::new(arrays))))
        })
    }

    /// Rows of named columns, which are added one by one.
    #[staticmethod]
    fn table(py: Python<'_>, source: &str, rows: u64) -> PyResult<Data> {
        held(py, || {
            let table = Table { source: source.into(), lines: (1..=rows).collect(), ..Table::default() };
            Ok(Data::new(Rows::Table(table)))
        })
    }

    /// A column of numbers; NaN is missing.
    fn add_numbers(&mut self, py: Python<'_>, name: &str, values: PyReadonlyArray1<'_, f64>) -> PyResult<()> {
        held(py, || {
            self.kinds.insert(name.into(), ColumnKind::Numeric);
            self.add(name, numbers(&values))
        })
    }

    /// A column of texts, of a kind if that is known; None is missing.
    #[pyo3(signature = (name, values, kind=None))]
    fn add_texts(
        &mut self,
        py: Python<'_>,
        name: &str,
        values: Vec<Option<String>>,
        kind: Option<&str>,
    ) -> PyResult<()> {
        held(py, || {
            let kind: Option<ColumnKind> =
                serde_json::from_value(kind.into()).map_err(|error| Error::config(error.to_string()))?;
            self.kinds.extend(kind.map(|kind| (name.to_string(), kind)));
            // Dates and booleans are texts only because a table's cells are.
            let declared = match kind {
                Some(ColumnKind::Datetime | ColumnKind::Boolean) => Declared::Nothing,
                _ => Declared::Texts,
            };
            self.add(name, texts(declared, values.iter().map(|text| text.as_deref().unwrap_or(""))))
        })
    }

    /// A column of texts that are categories, and these from the lowest to the highest; None is missing.
    fn add_ordered(
        &mut self,
        py: Python<'_>,
        name: &str,
        values: Vec<Option<String>>,
        levels: Vec<String>,
    ) -> PyResult<()> {
        held(py, || {
            self.orders.insert(name.into(), Order::new(levels)?);
            self.add(name, texts(Declared::Texts, values.iter().map(|text| text.as_deref().unwrap_or(""))))
        })
    }

    /// A target of numbers.
    fn add_target_numbers(&mut self, py: Python<'_>, name: &str, values: PyReadonlyArray1<'_, f64>) -> PyResult<()> {
        held(py, || self.add_target(name, numbers(&values)))
    }

    /// A target of classes.
    fn add_target_texts(&mut self, py: Python<'_>, name: &str, values: Vec<String>) -> PyResult<()> {
        held(py, || self.add_target(name, texts(Declared::Texts, values.iter().map(String::as_str))))
    }

    /// A weight for each row; a table's become a column of this name.
    fn add_weights(&mut self, py: Python<'_>, name: &str, values: PyReadonlyArray1<'_, f64>) -> PyResult<()> {
        held(py, || {
            if matches!(self.rows, Rows::Arrays(_)) {
                let weights = values.as_array().iter().map(|&weight| weight as f32).collect();
                return self.change(|arrays| arrays.with_weights(weights));
            }
            self.weight = Some(name.into());
            self.add(name, numbers(&values))
        })
    }
}

impl Data {
    fn new(rows: Rows) -> Self {
        Data { rows, kinds: BTreeMap::new(), orders: BTreeMap::new(), targets: Vec::new(), weight: None }
    }

    fn add(&mut self, name: &str, column: Column) -> Result<()> {
        let Rows::Table(table) = &mut self.rows else {
            return Err(Error::internal("arrays have no columns"));
        };
        if column.len() != table.rows() {
            let error = Error::data(format!("found {} cells, expected {}", column.len(), table.rows()));
            return Err(error.at(format!("column {name:?}")).fix("give all columns one length"));
        }
        table.names.push(name.into());
        table.columns.push(column);
        Ok(())
    }

    fn add_target(&mut self, name: &str, column: Column) -> Result<()> {
        self.targets.push(name.into());
        match &self.rows {
            Rows::Table(_) => self.add(name, column),
            Rows::Arrays(_) => self.change(|arrays| arrays.with_column(name, column)),
        }
    }

    /// Changes arrays; after an error there is nothing left of them.
    fn change(&mut self, change: impl FnOnce(Arrays) -> Result<Arrays>) -> Result<()> {
        self.rows = match std::mem::replace(&mut self.rows, Rows::Table(Table::default())) {
            Rows::Arrays(arrays) => Rows::Arrays(Box::new(change(*arrays)?)),
            table => table,
        };
        Ok(())
    }

    /// What the data itself says, where the configuration does not.
    pub(crate) fn freeze(&self, config: &mut Config) {
        if !self.targets.is_empty() {
            config.data.target.clone_from(&self.targets);
        }
        if self.weight.is_some() {
            config.data.weight.clone_from(&self.weight);
        }
        let config::Data { kinds, order, .. } = &mut config.data;
        for (name, kind) in self.kinds.iter().filter(|(name, _)| !order.contains_key(*name)) {
            kinds.entry(name.clone()).or_insert(*kind);
        }
        for (name, levels) in &self.orders {
            if order.contains_key(name) || kinds.contains_key(name) {
                continue;
            }
            // Orders are of the second edition.
            if config.train.edition == 1 {
                kinds.insert(name.clone(), ColumnKind::Categorical);
            } else {
                order.insert(name.clone(), levels.clone());
            }
        }
    }

    /// Split, fitted and encoded.
    pub(crate) fn dataset(&self, dev: Option<&Data>, config: &Config) -> Result<Dataset> {
        match (&self.rows, dev.map(|dev| &dev.rows)) {
            (Rows::Table(main), None) => Dataset::from_tables(main, None, None, config),
            (Rows::Table(main), Some(Rows::Table(dev))) => Dataset::from_tables(main, Some(dev), None, config),
            (Rows::Arrays(main), None) => Dataset::from_arrays(main, None, None, config),
            (Rows::Arrays(main), Some(Rows::Arrays(dev))) => Dataset::from_arrays(main, Some(dev), None, config),
            _ => Err(Error::data("the validation data is of another form than the training data")
                .fix("give both as tables with named columns, or both as arrays")),
        }
    }

    /// Encoded as rows before them were.
    pub(crate) fn encoded(&self, fitted: Fitted<'_>) -> Result<Dataset> {
        match &self.rows {
            Rows::Table(table) => fitted.table(table),
            Rows::Arrays(arrays) => fitted.arrays(arrays),
        }
    }
}

fn numbers(values: &PyReadonlyArray1<'_, f64>) -> Column {
    Column::of_numbers(values.as_array().iter().copied())
}

fn texts<'a>(declared: Declared, values: impl Iterator<Item = &'a str>) -> Column {
    let mut column = Column::declared(declared);
    values.for_each(|text| column.push(text));
    column
}
