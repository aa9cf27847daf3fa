//! Why a model answers as it does: which columns matter to it, how answers change with a column, and what each column
//! contributes to one answer.
//!
//! A column is one of the data's, with all inputs that come from it: a category's inputs change together. All three are of
//! the model, not of the world: where columns tell the same, a model may use either.
//!
//! ```
//! use thalweg::data::{arrays::Arrays, examples::Examples};
//! use thalweg::explain::{self, Effort, Sample};
//! use thalweg::{Training, data::preprocess::InputColumn};
//!
//! // The first number is what is asked for, the second tells nothing.
//! let x: Vec<f32> = (0..400).map(|i| (i * 37 % 101) as f32).collect();
//! let answers = x.chunks(2).map(|pair| if pair[0] > 50.0 { "high" } else { "low" }.to_string());
//! let pairs = Arrays::new("pairs", &[2], x.clone())?.with_answers("first", answers)?;
//! let model = Training::new().layers([8]).learning_rate(0.05).fit(&pairs)?.model;
//!
//! let rows = model.fitted().arrays(&pairs)?.parts.train;
//! let importance = explain::importance(&model, &Sample::of(&rows)?, Effort::default())?;
//! assert_eq!(importance.columns[0].column, "x[0]");
//! # Ok::<(), thalweg::Error>(())
//! ```

mod contributions;
mod dependence;
mod importance;
mod sample;
mod timed;
mod words;

pub use contributions::{Background, Contributions, Explainer, ShapleySettings};
pub use dependence::dependence;
pub use importance::importance;
pub use sample::Sample;
pub use timed::TimedExplainer;
pub(crate) use words::tell_words;
pub use words::words;

use crate::data::preprocess::InputColumn;
use crate::data::schema::shortened;
use crate::error::{Error, Result, did_you_mean};
use crate::model::Model;
use crate::tensor::ops::MatmulPrecision;

/// How much an explanation may cost, and the seed of its random numbers.
///
/// Costs are counted, not timed, so that the same rows are shuffled whatever the machine does besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    /// Multiply-adds that it may take.
    pub operations: u64,
    /// The most shuffles of a column.
    pub repeats: usize,
    /// The seed.
    pub seed: u64,
    /// How matrices are multiplied.
    pub precision: MatmulPrecision,
}

impl Default for Effort {
    /// About half a minute of one core.
    fn default() -> Self {
        Effort { operations: 100_000_000_000, repeats: 10, seed: 0, precision: MatmulPrecision::default() }
    }
}

impl Effort {
    /// Rows that may go through a model.
    fn rows(self, model: &Model) -> usize {
        // What is no matrix product costs about as much as some tens of multiply-adds for each input.
        let row = model.network.multiply_adds() + 32.0 * model.network.input().size() as f64;
        (self.operations as f64 / row.max(1.0)) as usize
    }
}

/// The columns of a model's data.
///
/// # Errors
/// If the model takes images or sounds, which have none, or sequences, where columns have a value at each step.
pub fn columns(model: &Model) -> Result<Vec<InputColumn>> {
    model.pipeline.columns().ok_or_else(|| {
        let why = match model.pipeline.grouping {
            Some(_) => "sequences, whose columns have a value at each step: answers are not explained by these",
            None => "images or sounds, and these have no columns to explain answers by",
        };
        Error::config(format!("the model takes {why}")).fix("explain models of tables or of matrices")
    })
}

/// The index of a column among [`columns`].
///
/// # Errors
/// If there is none of this name, suggesting the nearest.
pub fn column(model: &Model, name: &str) -> Result<usize> {
    let columns = columns(model)?;
    let names = || columns.iter().map(|column| column.name.as_str());
    names().position(|other| other == name).ok_or_else(|| {
        let near = did_you_mean(name, names());
        let known: Vec<String> = names().map(|name| format!("{name:?}")).collect();
        Error::config(format!("the model takes no column {name:?}{near}"))
            .fix(format!("name one of {}", shortened(&known, 10)))
    })
}
