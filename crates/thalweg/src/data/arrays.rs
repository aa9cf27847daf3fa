//! Examples without named columns: images, sounds, plain matrices, with their answers.

use std::borrow::Cow;
use std::sync::Arc;

use super::column::Column;
use super::media_spec::MediaSpec;
use super::rejects::Reject;
use super::row_file::RowFile;
use super::schema::{self, ColumnKind, Role, Schema, task};
use super::split;
use super::table::Table;
use crate::config::Config;
use crate::event::Decision;
use crate::{Error, Result};

/// Examples of one shape, row-major, and a table of their answers.
#[derive(Debug, Clone)]
pub struct Arrays {
    /// The shape of one example, such as `[28, 28]`; `[n]` for the rows of a plain matrix.
    pub shape: Vec<usize>,
    /// The examples' numbers, one example after another; empty where they are on disk.
    pub x: Vec<f32>,
    /// The examples' numbers, where they are on disk.
    pub on_disk: Option<Arc<RowFile>>,
    /// One column a target, one row an example; without columns where the answers are not known. Its source is what
    /// errors call the data, its lines are the examples' numbers from 1.
    pub answers: Table,
    /// The columns of the answers that are to be learned.
    pub targets: Vec<String>,
    /// The weight of each example, if they have weights.
    pub weights: Option<Vec<f32>>,
    /// The file of each example, for pictures and sounds; empty for others.
    pub files: Vec<String>,
    /// What files were brought to.
    pub media: Option<MediaSpec>,
    /// What was decided in reading them.
    pub decisions: Vec<Decision>,
    /// What went wrong in reading them.
    pub warnings: Vec<Decision>,
    /// Files that could not be read and are left out.
    pub rejects: Vec<Reject>,
}

impl Arrays {
    /// Examples without answers.
    ///
    /// Errors: an empty shape, numbers that are not whole examples, a number that is not finite.
    pub fn new(source: &str, shape: &[usize], x: Vec<f32>) -> Result<Self> {
        let width = shape.iter().try_fold(1_usize, |width, size| width.checked_mul(*size)).unwrap_or(0);
        if shape.is_empty() || width == 0 || !x.len().is_multiple_of(width) {
            return Err(Error::data(format!("found {} numbers, expected whole examples of shape {shape:?}", x.len()))
                .at(source)
                .fix("give an array whose first axis counts the examples"));
        }
        check_finite(source, width, 0, &x)?;
        let rows = x.len() / width;
        Ok(Arrays { x, ..Arrays::of_shape(source, shape, rows) })
    }

    /// Examples without answers whose finite numbers are on disk.
    pub(crate) fn on_disk(source: &str, shape: &[usize], file: RowFile) -> Self {
        let rows = file.rows();
        Arrays { on_disk: Some(Arc::new(file)), ..Arrays::of_shape(source, shape, rows) }
    }

    fn of_shape(source: &str, shape: &[usize], rows: usize) -> Self {
        let lines = (1..=rows as u64).collect();
        Arrays {
            shape: shape.to_vec(),
            x: Vec::new(),
            on_disk: None,
            answers: Table { source: source.into(), lines, ..Table::default() },
            targets: Vec::new(),
            weights: None,
            files: Vec::new(),
            media: None,
            decisions: Vec::new(),
            warnings: Vec::new(),
            rejects: Vec::new(),
        }
    }

    /// The same examples with one more target: a class's name or a number for each, as text.
    pub fn with_answers(self, name: &str, answers: impl IntoIterator<Item = String>) -> Result<Self> {
        self.with_column(name, Column::of_texts(answers))
    }

    /// The same with a target of a source that has types.
    pub fn with_column(mut self, name: &str, column: Column) -> Result<Self> {
        if column.len() != self.rows() {
            return Err(Error::data(format!("found {} answers for {} examples", column.len(), self.rows()))
                .at(self.answers.source.clone())
                .fix("give one answer an example"));
        }
        self.targets.push(name.into());
        self.answers.names.push(name.into());
        self.answers.columns.push(column);
        Ok(self)
    }

    /// The same examples with a weight each.
    pub fn with_weights(self, weights: Vec<f32>) -> Result<Self> {
        let wrong = |found: String| {
            let error = Error::data(found).at(self.answers.source.clone());
            error.fix("give one finite weight of 0 or more an example")
        };
        if weights.len() != self.rows() {
            return Err(wrong(format!("found {} weights for {} examples", weights.len(), self.rows())));
        }
        if let Some(at) = weights.iter().position(|weight| !(weight.is_finite() && *weight >= 0.0)) {
            return Err(wrong(format!("found a weight of {} for example {}", weights[at], at + 1)));
        }
        Ok(Arrays { weights: Some(weights), ..self })
    }

    /// What one who reads them for a model there is should know: what was decided, and what went wrong.
    pub(crate) fn notes(&self) -> Vec<Decision> {
        self.decisions.iter().chain(&self.warnings).cloned().collect()
    }

    /// How many examples there are.
    pub fn rows(&self) -> usize {
        self.answers.rows()
    }

    /// How many numbers an example has.
    pub fn width(&self) -> usize {
        self.shape.iter().product()
    }

    /// The numbers of an example.
    pub(crate) fn example(&self, row: usize) -> Result<Cow<'_, [f32]>> {
        let width = self.width();
        let Some(file) = &self.on_disk else { return Ok(Cow::Borrowed(&self.x[row * width..(row + 1) * width])) };
        file.inputs(row).map(Cow::Owned)
    }

    /// Each row's key for the split, from the bytes of its numbers and its answers.
    pub(crate) fn keys(&self, rows: &[usize], schema: &Schema, seed: u64) -> Result<Vec<u64>> {
        let answers = split::contents(&self.answers, rows, &schema.cell_format, seed);
        let content = |(row, answer): (&usize, u64)| {
            let x = self.example(*row)?;
            Ok(x.iter().flat_map(|x| x.to_le_bytes()).chain(answer.to_le_bytes()).collect())
        };
        split::byte_keys(rows.iter().zip(answers).map(content), seed)
    }

    /// A feature called `x`, the targets, and the task that their answers decide.
    pub(crate) fn schema(&self, config: &Config) -> Result<(Schema, Vec<Decision>)> {
        if self.targets.is_empty() {
            return Err(Error::data("the examples have no answers")
                .at(self.answers.source.clone())
                .fix("name the file of the labels, or an archive that holds them"));
        }
        let (mut schema, decisions) = task::schema_of_answers(&self.answers, &self.targets, &config.data)?;
        let x = schema::Column::new("x", ColumnKind::Numeric, Role::Feature);
        schema.columns.insert(0, x);
        Ok((schema, decisions))
    }
}

/// Whether all numbers of examples are finite, so many examples having come before them.
pub(crate) fn check_finite(source: &str, width: usize, before: usize, x: &[f32]) -> Result<()> {
    let Some(at) = x.iter().position(|x| !x.is_finite()) else { return Ok(()) };
    Err(Error::data(format!("found {}, expected a finite number", x[at]))
        .at(format!("{source}, example {}, number {}", before + at / width + 1, at % width + 1))
        .fix("correct the number, or leave the example out"))
}
