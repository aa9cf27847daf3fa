//! The pipeline: raw columns to the network's inputs, fitted on training rows only, part of the model.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use thalweg_kernels::pool;

mod array;
mod bins;
mod boolean;
mod categories;
mod columns;
mod datetime;
mod fit;
mod grouping;
mod numeric;
mod ordered;
mod quantiles;
mod scale;
mod text;
mod tokenizer;
mod tokens;
mod vocabulary;

pub use array::ArrayScale;
pub use bins::Bins;
pub use boolean::Boolean;
pub use categories::{Categories, Embedding, OneHot};
pub use columns::{InputColumn, Value};
pub use datetime::Datetime;
pub use grouping::Grouping;
pub use numeric::Numeric;
pub use ordered::Ordered;
pub use scale::Scale;
pub(crate) use scale::mean_deviation;
pub use text::Text;
pub use tokenizer::{Tokenizer, TokenizerFile};
pub use tokens::Tokens;
pub use vocabulary::Vocabulary;

use super::arrays::Arrays;
use super::cell_format::CellFormat;
use super::media_spec::MediaSpec;
use super::number_format::NumberFormat;
pub use super::reading::Cell;
use super::schema::{self, Schema};
use super::table::Table;
use crate::config;
use crate::error::{advice, beginning};
use crate::event::Decision;
use crate::{Error, Result};

/// Rows that a thread writes at a time, of few inputs and of many: the results stay in its cache.
const CHUNK: [usize; 2] = [1024, 16];
const NUMBERS: usize = 1 << 16;

/// The interface of all fitted column transforms.
pub trait Encode: Sync {
    /// The names of the inputs that the column becomes.
    fn names(&self, column: &str) -> Vec<String>;

    /// The number of these inputs.
    fn width(&self) -> usize;

    /// Writes the inputs of one cell, as many as there are names; an error says what was expected.
    fn write(&self, cell: Cell<'_>, out: &mut [f64]) -> Result<(), String>;

    /// What the inputs of one cell stand for.
    fn read(&self, inputs: &[f32]) -> Value;
}

/// A fitted transform of one column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Transform {
    /// A scaled number.
    Numeric(Numeric),
    /// 0 or 1.
    Boolean(Boolean),
    /// A date's position in time, year, week and day.
    Datetime(Datetime),
    /// One input per category.
    OneHot(OneHot),
    /// A code that an embedding layer looks up.
    Embedding(Embedding),
    /// One input per step between ordered categories.
    Ordered(Ordered),
    /// Codes of what is in a text, and their weights.
    Text(Text),
    /// The tokens of a text.
    Tokens(Tokens),
}

impl Transform {
    fn encoder(&self) -> &dyn Encode {
        match self {
            Transform::Numeric(transform) => transform,
            Transform::Boolean(transform) => transform,
            Transform::Datetime(transform) => transform,
            Transform::OneHot(transform) => transform,
            Transform::Embedding(transform) => transform,
            Transform::Ordered(transform) => transform,
            Transform::Text(transform) => transform,
            Transform::Tokens(transform) => transform,
        }
    }
}

/// A column of the data and its transform.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// The column's name.
    pub column: String,
    /// Its transform.
    pub transform: Transform,
}

impl Input {
    /// The names of the network's inputs that the column becomes.
    pub fn features(&self) -> Vec<String> {
        self.transform.encoder().names(&self.column)
    }

    /// The number of the network's inputs that the column becomes.
    pub fn width(&self) -> usize {
        self.transform.encoder().width()
    }
}

/// A column of texts, each of which is a bag of codes with weights, or tokens in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextColumn {
    /// The column's name in the data.
    pub name: String,
    /// The codes or tokens that a row has at most.
    pub slots: usize,
    /// How many codes or tokens there are.
    pub features: usize,
    /// Whether they are tokens in their order, and have no weights.
    pub ordered: bool,
}

impl TextColumn {
    /// The inputs that the column becomes: codes and then their weights, or tokens.
    pub fn width(&self) -> usize {
        if self.ordered { self.slots } else { 2 * self.slots }
    }
}

/// A categorical column with a learned embedding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddedColumn {
    /// The column's name in the data.
    pub name: String,
    /// The index of its code among the network's inputs.
    pub position: usize,
    /// The number of codes, including 0 (unseen or rare).
    pub slots: usize,
    /// The suggested embedding dimension.
    pub dimension: usize,
}

/// The floating-point type of inputs: f32 or f64.
pub trait Number: Copy + Default + Send {
    /// The nearest value of this type.
    fn nearest(value: f64) -> Self;
}

impl Number for f32 {
    fn nearest(value: f64) -> Self {
        value as f32
    }
}

impl Number for f64 {
    fn nearest(value: f64) -> Self {
        value
    }
}

/// Raw columns to network inputs; data only, saved with the model.
///
/// The inputs of texts come first; then those of the dense transforms, in the data's column order; then one code for each
/// embedded column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pipeline {
    /// How cells are read.
    #[serde(rename = "notation")]
    pub cell_format: CellFormat,
    /// The columns and their transforms, in the order of the network's inputs.
    pub inputs: Vec<Input>,
    /// The scaling of an array source (images, plain matrices), which has no named columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub array: Option<ArrayScale>,
    /// How rows are grouped, where examples are sequences of them: the inputs are then those of each step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grouping: Option<Grouping>,
}

impl Pipeline {
    /// The names of the network's input columns; of sequences those of a step.
    pub fn features(&self) -> Vec<String> {
        match &self.array {
            Some(array) => array.names(),
            None => self.inputs.iter().flat_map(Input::features).collect(),
        }
    }

    /// The number of inputs per example.
    pub fn width(&self) -> usize {
        self.shape().iter().product()
    }

    /// The shape of one example's inputs: `[features]`, that of an array source, such as `[28, 28]`, or steps × channels.
    pub fn shape(&self) -> Vec<usize> {
        match (&self.array, &self.grouping) {
            (Some(array), _) => array.shape.clone(),
            (None, Some(grouping)) => vec![grouping.steps, self.row_width() + 1],
            (None, None) => vec![self.row_width()],
        }
    }

    /// The shape of one example's inputs, or of those of one frame of a clip.
    pub fn frame(&self) -> Vec<usize> {
        let mut shape = self.shape();
        shape[0] /= self.media().map_or(1, |spec| spec.frames());
        shape
    }

    /// The columns of texts; their inputs are the network's first ones.
    pub fn texts(&self) -> Vec<TextColumn> {
        let text = |input: &Input| {
            let (slots, features, ordered) = match &input.transform {
                Transform::Text(text) => (text.slots, text.vocabulary.pieces().len(), false),
                Transform::Tokens(tokens) => (tokens.length, tokens.tokenizer.count(), true),
                _ => return None,
            };
            Some(TextColumn { name: input.column.clone(), slots, features, ordered })
        };
        self.inputs.iter().filter_map(text).collect()
    }

    /// The columns with a learned embedding; their codes are the network's last inputs.
    pub fn embeddings(&self) -> Vec<EmbeddedColumn> {
        let mut position = 0;
        let mut embedded = Vec::new();
        for input in &self.inputs {
            if let Transform::Embedding(embedding) = &input.transform {
                embedded.push(EmbeddedColumn {
                    name: input.column.clone(),
                    position,
                    slots: embedding.categories.slots(),
                    dimension: embedding.dimension,
                });
            }
            position += input.width();
        }
        embedded
    }

    /// Texts of a column as exports take them, row-major: for each the codes of its bag and then their weights, or its tokens.
    ///
    /// # Errors
    /// If the column is no column of texts.
    pub fn bags(&self, column: &str, texts: &[impl AsRef<str>]) -> Result<Vec<f32>> {
        let found = self.inputs.iter().find_map(|input| match &input.transform {
            Transform::Text(_) | Transform::Tokens(_) if input.column == column => Some(input.transform.encoder()),
            _ => None,
        });
        let Some(text) = found else {
            let names: Vec<String> = self.texts().into_iter().map(|text| format!("{:?}", text.name)).collect();
            let fix = if names.is_empty() {
                "the model has none".into()
            } else {
                format!("name one of {}", names.join(", "))
            };
            return Err(Error::config(format!("the model takes no texts in a column {column:?}")).fix(fix));
        };
        let mut numbers = vec![0.0; text.width()];
        let mut x = Vec::with_capacity(texts.len() * text.width());
        for cell in texts {
            text.write(Cell::Text(cell.as_ref()), &mut numbers).map_err(Error::data)?;
            x.extend(numbers.iter().map(|number| *number as f32));
        }
        Ok(x)
    }

    /// All rows of a table as inputs, row-major (rows × features).
    ///
    /// Columns are found by name: their order does not matter and others are ignored. A column that is missing or
    /// renamed is an error that suggests the nearest name; so is a cell that cannot be read, with its line and column.
    pub fn transform<T: Number>(&self, table: &Table) -> Result<Vec<T>> {
        let rows: Vec<usize> = (0..table.rows()).collect();
        self.transform_rows(table, &rows)
    }

    /// The given rows of a table as inputs, row-major (rows × features); see [`Pipeline::transform`].
    pub fn transform_rows<T: Number>(&self, table: &Table, rows: &[usize]) -> Result<Vec<T>> {
        if self.array.is_some() {
            return Err(Error::data("the model takes arrays such as images, not a table's columns")
                .at(table.source.clone())
                .fix("give files of the kind the model was trained on (IDX, NPY, NPZ)"));
        }
        let positions = schema::positions(table, self.inputs.iter().map(|input| input.column.as_str()))?;
        let width = self.row_width();
        let mut x = vec![T::default(); rows.len() * width];
        let unread = Mutex::new(BTreeMap::new());
        let at_once = (NUMBERS / width.max(1)).clamp(CHUNK[1], CHUNK[0]);
        pool::for_each_chunk(&mut x, at_once * width.max(1), |chunk, x| {
            let rows = &rows[chunk * at_once..][..x.len() / width.max(1)];
            if let Err(error) = self.write_rows(table, &positions, rows, x) {
                unread.lock().unwrap_or_else(PoisonError::into_inner).insert(chunk, error);
            }
        });
        // The first of the chunks that have an error, whichever thread was first.
        match unread.into_inner().unwrap_or_else(PoisonError::into_inner).pop_first() {
            Some((_, error)) => Err(error),
            None => Ok(x),
        }
    }

    /// The inputs of some rows, from columns at these positions of the table.
    fn write_rows<T: Number>(&self, table: &Table, positions: &[usize], rows: &[usize], x: &mut [T]) -> Result<()> {
        let width = x.len() / rows.len().max(1);
        let (mut offset, mut out) = (0, Vec::new());
        for (input, &position) in self.inputs.iter().zip(positions) {
            let encoder = input.transform.encoder();
            out.resize(encoder.width(), 0.0);
            let cells = table.columns[position].readings(table.cell_format(&self.cell_format));
            let cells = cells.with_format(if let Transform::Numeric(numeric) = &input.transform {
                numeric.format
            } else {
                None
            });
            for (i, row) in rows.iter().enumerate() {
                let text;
                let cell = match input.transform {
                    Transform::Numeric(_) | Transform::Boolean(_) => cells.get(*row),
                    // Categories match a cell as it is, or as tools write it.
                    _ => {
                        text = cells.as_text(*row);
                        text.as_deref().map_or(Cell::Missing, Cell::Text)
                    }
                };
                encoder.write(cell, &mut out).map_err(|expected| unreadable(table, *row, position, &expected))?;
                let from = i * width + offset;
                for (to, value) in x[from..from + out.len()].iter_mut().zip(&out) {
                    *to = T::nearest(*value);
                }
            }
            offset += out.len();
        }
        Ok(())
    }
}

impl Pipeline {
    /// Fits the scaling of an array source to its training rows.
    ///
    /// # Errors
    /// If rows on disk cannot be read.
    pub fn fit_arrays(
        arrays: &Arrays,
        schema: &Schema,
        train_rows: &[usize],
        options: &config::Preprocess,
    ) -> Result<(Pipeline, Vec<Decision>)> {
        let normalise = options.normalise.unwrap_or_default();
        let mut array = if arrays.on_disk.is_some() {
            let mut x = Vec::with_capacity(train_rows.len() * arrays.width());
            for row in train_rows {
                x.extend_from_slice(&arrays.example(*row)?);
            }
            let rows: Vec<usize> = (0..train_rows.len()).collect();
            ArrayScale::fit(&x, &arrays.shape, &rows, normalise)
        } else {
            ArrayScale::fit(&arrays.x, &arrays.shape, train_rows, normalise)
        };
        array.media = arrays.media;
        let decision = options.normalise.is_none().then(|| Decision {
            what: match array.scales.len() {
                1 => "all positions scaled by one mean and deviation".into(),
                _ => "each column scaled by its own mean and deviation".into(),
            },
            why: format!("examples have shape {:?}", arrays.shape),
            instead: "[normalise=min_max]".into(),
        });
        Ok((Pipeline::of_array(schema.cell_format.clone(), array), decision.into_iter().collect()))
    }

    /// Examples without named columns.
    pub(crate) fn of_array(cell_format: CellFormat, array: ArrayScale) -> Pipeline {
        Pipeline { cell_format, inputs: Vec::new(), array: Some(array), grouping: None }
    }

    /// The common form that files are converted to before scaling.
    pub fn media(&self) -> Option<MediaSpec> {
        self.array.as_ref().and_then(|array| array.media)
    }

    /// The given examples of an array source as inputs, row-major (rows × features).
    pub fn transform_arrays<T: Number>(&self, arrays: &Arrays, rows: &[usize]) -> Result<Vec<T>> {
        let wrong = |message: String| {
            Error::data(message)
                .at(arrays.answers.source.clone())
                .fix("give data of the kind and shape that the model was trained on")
        };
        match &self.array {
            None => Err(wrong("the model takes a table with named columns, found arrays".into())),
            Some(scale) if scale.shape != arrays.shape => {
                Err(wrong(format!("found examples of shape {:?}, expected {:?}", arrays.shape, scale.shape)))
            }
            Some(scale) => {
                let mut x = Vec::with_capacity(rows.len() * arrays.width());
                for row in rows {
                    x.extend(scale.transform::<T>(&arrays.example(*row)?));
                }
                Ok(x)
            }
        }
    }
}

/// The error for a cell that does not hold what its column should.
pub(crate) fn unreadable(table: &Table, row: usize, column: usize, expected: &str) -> Error {
    let (cell, name) = (table.columns[column].get(row), &table.names[column]);
    Error::data(format!("found \"{}\", expected {expected}", beginning(cell.trim()))).at(table.place(row, column)).fix(advice!(
        "correct the cell; if it means \"missing\", empty it or train with [missing]; if all such cells do, train with \
         [kinds={}=numeric] or [max_bad=0.01]; if the column holds categories, with [kinds={}=categorical]",
        name,
        name
    ))
}
