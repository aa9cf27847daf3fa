//! The way back: from the network's inputs to the columns that they come from, and to what their cells were.

use std::ops::Range;

use super::Pipeline;

/// A raw column, and the inputs of the network that come from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputColumn {
    /// Its name in the data; its index, such as `x[3]`, in a matrix.
    pub name: String,
    /// Its inputs' positions in an example.
    pub inputs: Range<usize>,
}

/// What a column's inputs stand for.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A missing cell.
    Missing,
    /// A number, up to the rounding of inputs; a date is its decimal year.
    Number(f64),
    /// A category; rare and unseen ones are `(other)`, and what is false and true is 0 and 1.
    Category(String),
    /// A text with something in it that training rows had, too.
    Text,
}

impl Pipeline {
    /// The raw columns of a table or a matrix, in the order of the network's inputs; `None` for examples of another shape,
    /// such as images, for sounds and for sequences.
    pub fn columns(&self) -> Option<Vec<InputColumn>> {
        match &self.array {
            _ if self.grouping.is_some() => None,
            Some(array) if !array.is_matrix() => None,
            Some(array) => {
                let column = |at: usize| InputColumn { name: array.name(at), inputs: at..at + 1 };
                Some((0..array.shape[0]).map(column).collect())
            }
            None => {
                let mut end = 0;
                let columns = self.inputs.iter().map(|input| {
                    let start = end;
                    end += input.width();
                    InputColumn { name: input.column.clone(), inputs: start..end }
                });
                Some(columns.collect())
            }
        }
    }

    /// What the inputs of the column at this index of [`Pipeline::columns`] stand for.
    pub fn value(&self, column: usize, inputs: &[f32]) -> Value {
        match &self.array {
            Some(array) => Value::Number(array.scales[column % array.scales.len()].invert(f64::from(inputs[0]))),
            None => self.inputs[column].transform.encoder().read(inputs),
        }
    }
}
