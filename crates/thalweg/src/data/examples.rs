//! Examples: rows as a network takes them.

use std::borrow::Cow;
use std::sync::Arc;

use super::arrays::Arrays;
use super::column::Column;
use super::preprocess::{Pipeline, unreadable};
use super::row_file::RowFile;
use super::schema::{self, Role, Schema};
use super::table::Table;
use super::target::Target;
use crate::Result;

/// Maximum number of input columns that reports show for a row.
const SHOWN: usize = 12;

/// Examples: rows as a network takes them.
#[derive(Debug, Clone, Default)]
pub struct Examples {
    /// The number of rows, m.
    pub rows: usize,
    /// The number of inputs per row, n_x.
    pub columns: usize,
    /// Inputs, row-major (rows × columns); empty where they are on disk.
    pub x: Vec<f32>,
    /// The rows in a file, where their inputs are on disk.
    pub on_disk: Option<Arc<RowFile>>,
    /// The number of columns of y.
    pub targets: usize,
    /// Targets, row-major (rows × targets): class indices, 0/1, or scaled numbers; empty if unknown.
    pub y: Vec<f32>,
    /// Sample weights, if the data has them.
    pub weights: Option<Vec<f32>>,
    /// The name of the source in errors and reports.
    pub source: String,
    /// The line of each row in its source, or its 1-based index where the source has no lines.
    pub source_lines: Vec<u64>,
    /// Whether `source_lines` are lines.
    pub has_lines: bool,
    /// The file of each row, for images and sounds; empty for others.
    pub files: Vec<String>,
    /// What each is called, where they are sequences; empty for others.
    pub sequences: Vec<String>,
    /// The cells as read, for reports, if requested.
    pub raw: Raw,
}

impl Examples {
    /// Inputs, targets and weights; those that do not exist are empty.
    pub fn vectors(&self) -> [&[f32]; 3] {
        [&self.x, &self.y, self.weights.as_deref().unwrap_or_default()]
    }

    /// Encodes rows of a table; without a target, y is left empty, and the target column may be absent.
    ///
    /// Evaluation and prediction call this for each chunk of a large file.
    pub fn encode(
        table: &Table,
        rows: &[usize],
        schema: &Schema,
        pipeline: &Pipeline,
        target: Option<&Target>,
    ) -> Result<Self> {
        Ok(Examples {
            rows: rows.len(),
            columns: pipeline.width(),
            x: pipeline.transform_rows(table, rows)?,
            on_disk: None,
            targets: target.map_or(0, Target::width),
            y: target.map(|target| target.encode(table, rows)).transpose()?.unwrap_or_default(),
            weights: target.map(|_| weights(table, rows, schema)).transpose()?.flatten(),
            source: table.source.clone(),
            source_lines: rows.iter().map(|row| table.lines[*row]).collect(),
            has_lines: true,
            files: Vec::new(),
            sequences: Vec::new(),
            raw: Raw::default(),
        })
    }

    /// Encodes examples of an array source; without a target, y is left empty.
    pub fn encode_arrays(
        arrays: &Arrays,
        rows: &[usize],
        pipeline: &Pipeline,
        target: Option<&Target>,
    ) -> Result<Self> {
        Ok(Examples {
            rows: rows.len(),
            columns: arrays.width(),
            x: pipeline.transform_arrays(arrays, rows)?,
            on_disk: None,
            targets: target.map_or(0, Target::width),
            y: target.map(|target| target.encode(&arrays.answers, rows)).transpose()?.unwrap_or_default(),
            weights: target.and(arrays.weights.as_ref()).map(|weights| rows.iter().map(|row| weights[*row]).collect()),
            source: arrays.answers.source.clone(),
            source_lines: rows.iter().map(|row| arrays.answers.lines[*row]).collect(),
            has_lines: false,
            files: rows.iter().filter_map(|row| arrays.files.get(*row).cloned()).collect(),
            sequences: Vec::new(),
            raw: Raw::default(),
        })
    }

    /// Appends further examples of the same source.
    pub(crate) fn append(&mut self, other: Examples) {
        if self.rows == 0 {
            *self = other;
            return;
        }
        self.rows += other.rows;
        self.x.extend(other.x);
        self.y.extend(other.y);
        if let (Some(weights), Some(others)) = (&mut self.weights, other.weights) {
            weights.extend(others);
        }
        self.source_lines.extend(other.source_lines);
        self.files.extend(other.files);
        self.sequences.extend(other.sequences);
        self.raw.append(&other.raw);
    }

    /// The weights, as metrics take them.
    pub(crate) fn wide_weights(&self) -> Option<Vec<f64>> {
        self.weights.as_ref().map(|weights| weights.iter().map(|w| f64::from(*w)).collect())
    }

    /// The inputs of a row.
    pub(crate) fn inputs(&self, row: usize) -> Result<Cow<'_, [f32]>> {
        match &self.on_disk {
            Some(file) => file.inputs(row).map(Cow::Owned),
            None => Ok(Cow::Borrowed(&self.x[row * self.columns..][..self.columns])),
        }
    }

    /// The same with the cells that reports show; these examples are `rows` of the table.
    #[must_use]
    pub(crate) fn with_cells(self, table: &Table, rows: &[usize], schema: &Schema, target: &Target) -> Self {
        Examples { raw: Raw::new(table, rows, schema, target), ..self }
    }

    /// The location of a row: `digits.csv, line 73`, its file, or its sequence.
    pub fn place(&self, row: usize) -> String {
        if let Some(file) = self.files.get(row) {
            return file.clone();
        }
        if let Some(name) = self.sequences.get(row) {
            return format!("{}, sequence {name:?}", self.source);
        }
        let unit = if self.has_lines { "line" } else { "example" };
        format!("{}, {unit} {}", self.source, self.source_lines[row])
    }
}

/// The cells of examples as written in the data: the first input columns and the target.
#[derive(Debug, Clone, Default)]
pub struct Raw {
    names: Vec<String>,
    columns: Vec<Column>,
    /// A column for each target.
    truths: Vec<Column>,
}

impl Raw {
    fn new(table: &Table, rows: &[usize], schema: &Schema, target: &Target) -> Self {
        let mut raw = Raw::default();
        let shown = schema.with_role(Role::Feature).take(SHOWN);
        for (column, position) in shown.filter_map(|column| Some((column, table.position(&column.name)?))) {
            let mut cells = table.columns[position].empty();
            cells.append(&table.columns[position], rows);
            raw.names.push(column.name.clone());
            raw.columns.push(cells);
        }
        raw.truths = vec![Column::default(); target.columns.len()];
        for row in rows {
            raw.truths.iter_mut().zip(target.truths(table, *row)).for_each(|(column, truth)| column.push(&truth));
        }
        raw
    }

    fn append(&mut self, other: &Raw) {
        for (column, others) in self.columns.iter_mut().zip(&other.columns) {
            column.extend(others, 0..others.len());
        }
        for (column, others) in self.truths.iter_mut().zip(&other.truths) {
            column.extend(others, 0..others.len());
        }
    }

    /// The first input columns of a row, by name.
    pub fn inputs(&self, row: usize) -> Vec<(String, String)> {
        let cell = |column: &Column| column.get(row).trim().to_string();
        self.names.iter().zip(&self.columns).map(|(name, column)| (name.clone(), cell(column))).collect()
    }

    /// The targets as written in the data.
    pub fn truth(&self, row: usize) -> String {
        self.truths(row).join(", ")
    }

    /// Each target as written in the data.
    pub fn truths(&self, row: usize) -> Vec<String> {
        self.truths.iter().map(|column| column.get(row).into_owned()).collect()
    }
}

/// The id columns present in a table, with all their cells, for predictions.
pub fn ids(table: &Table, schema: &Schema) -> Vec<(String, Column)> {
    let ids = schema.with_role(Role::Id).filter_map(|column| Some((column, table.position(&column.name)?)));
    ids.map(|(column, position)| (column.name.clone(), table.columns[position].clone())).collect()
}

/// The sample weights of rows, if the schema has a weight column.
pub(super) fn weights(table: &Table, rows: &[usize], schema: &Schema) -> Result<Option<Vec<f32>>> {
    let Some(column) = schema.with_role(Role::Weight).next() else { return Ok(None) };
    let position = schema::positions(table, [column.name.as_str()])?[0];
    let cells = table.columns[position].readings(table.cell_format(&schema.cell_format)).with_format(column.numbers);
    let mut weights = Vec::with_capacity(rows.len());
    for row in rows {
        let weight = cells.get(*row).number().filter(|w| w.is_finite() && *w >= 0.0);
        let wrong = || unreadable(table, *row, position, "a weight of 0 or more").fix("correct the cell");
        weights.push(weight.ok_or_else(wrong)? as f32);
    }
    Ok(Some(weights))
}
