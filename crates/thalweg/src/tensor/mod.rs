//! Numbers in memory: a tensor knows its shape and its storage, f32 or f64, at run time.
//!
//! Examples are rows. A batch of m examples with n features is a row-major m × n matrix: the course's X,
//! which holds an example a column, read transposed and byte for byte the same memory.
//!
//! Where numbers are is known here alone. Others cut views into parts (`part`, `rows`, `split`), have operations work on them,
//! and copy numbers in and out: all of them (`to_f64`, `to_values`, `to_tensor`, `set_all`) or one (`at`, `set`), which tests,
//! gradient checks and statistics of a few numbers do. Only the changes of examples in training take slices (`Element`):
//! they are made where the data is, before a batch goes to where the network is.

pub mod activation;
pub mod conv;
pub mod norm;
pub mod ops;
mod shape;
pub mod spectrum;
pub mod update;

pub use activation::Activation;
pub use shape::Shape;
pub use thalweg_kernels::Real;
use thalweg_kernels::aligned_buf::AlignedBuf;

use crate::error::{Error, Result};

/// A matrix of so many rows, its columns as rows.
pub(crate) fn transposed<T: Copy>(matrix: &[T], rows: usize) -> Vec<T> {
    let columns = matrix.len() / rows.max(1);
    (0..matrix.len()).map(|i| matrix[i % rows * columns + i / rows]).collect()
}

/// The type of a tensor's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dtype {
    /// 32-bit floating point.
    F32,
    /// 64-bit floating point.
    F64,
}

impl std::fmt::Display for Dtype {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(match self {
            Dtype::F32 => "f32",
            Dtype::F64 => "f64",
        })
    }
}

/// Owned numbers with a shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    shape: Shape,
    storage: Storage,
}

/// Where a tensor's numbers are; a device's memory would be one more variant.
#[derive(Debug, Clone, PartialEq)]
enum Storage {
    F32(AlignedBuf<f32>),
    F64(AlignedBuf<f64>),
}

/// Borrowed numbers with a shape.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    shape: Shape,
    data: Data<'a>,
}

/// Mutably borrowed numbers with a shape.
#[derive(Debug)]
pub struct ViewMut<'a> {
    shape: Shape,
    data: DataMut<'a>,
}

/// Where a [`View`]'s numbers are.
#[derive(Debug, Clone, Copy)]
enum Data<'a> {
    F32(&'a [f32]),
    F64(&'a [f64]),
}

/// Where a [`ViewMut`]'s numbers are.
#[derive(Debug)]
enum DataMut<'a> {
    F32(&'a mut [f32]),
    F64(&'a mut [f64]),
}

/// A copy of a tensor's numbers, in their own type.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// 32-bit numbers.
    F32(Vec<f32>),
    /// 64-bit numbers.
    F64(Vec<f64>),
}

impl Tensor {
    /// Zeros of a shape and type.
    pub fn zeros(shape: impl Into<Shape>, dtype: Dtype) -> Self {
        let shape = shape.into();
        let storage = match dtype {
            Dtype::F32 => Storage::F32(AlignedBuf::zeros(shape.size())),
            Dtype::F64 => Storage::F64(AlignedBuf::zeros(shape.size())),
        };
        Tensor { shape, storage }
    }

    /// A tensor of 32-bit numbers.
    ///
    /// # Panics
    /// If the number of values isn't the shape's size.
    pub fn from_f32(shape: impl Into<Shape>, values: Vec<f32>) -> Self {
        let shape = sized(shape, values.len());
        Tensor { shape, storage: Storage::F32(values.into()) }
    }

    /// A tensor of 64-bit numbers.
    ///
    /// # Panics
    /// If the number of values isn't the shape's size.
    pub fn from_f64(shape: impl Into<Shape>, values: Vec<f64>) -> Self {
        let shape = sized(shape, values.len());
        Tensor { shape, storage: Storage::F64(values.into()) }
    }

    /// The same numbers in another type.
    pub fn to(&self, dtype: Dtype) -> Self {
        match (dtype, &self.storage) {
            (Dtype::F32, Storage::F64(x)) => Self::from_f32(self.shape, x.iter().map(|&x| x as f32).collect()),
            (Dtype::F64, Storage::F32(x)) => Self::from_f64(self.shape, x.iter().map(|&x| f64::from(x)).collect()),
            _ => self.clone(),
        }
    }

    /// The same numbers as another type, itself where they have it.
    #[must_use]
    pub fn into_dtype(self, dtype: Dtype) -> Self {
        if self.dtype() == dtype { self } else { self.to(dtype) }
    }

    /// The shape; the first dimension counts examples where there are any.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The type of the numbers.
    pub fn dtype(&self) -> Dtype {
        self.view().dtype()
    }

    /// All numbers, to read.
    pub fn view(&self) -> View<'_> {
        let data = match &self.storage {
            Storage::F32(x) => Data::F32(x),
            Storage::F64(x) => Data::F64(x),
        };
        View { shape: self.shape, data }
    }

    /// All numbers, to write.
    pub fn view_mut(&mut self) -> ViewMut<'_> {
        let data = match &mut self.storage {
            Storage::F32(x) => DataMut::F32(x),
            Storage::F64(x) => DataMut::F64(x),
        };
        ViewMut { shape: self.shape, data }
    }

    /// The first rows, to read.
    pub fn rows(&self, rows: usize) -> View<'_> {
        self.view().rows(0, rows)
    }

    /// The first rows, to write.
    pub fn rows_mut(&mut self, rows: usize) -> ViewMut<'_> {
        let shape = self.shape.with_rows(rows);
        self.view_mut().part(0, shape)
    }

    /// All numbers as f64.
    pub fn to_f64(&self) -> Vec<f64> {
        self.view().to_f64()
    }
}

impl<'a> View<'a> {
    /// A view of 32-bit numbers.
    ///
    /// # Panics
    /// If the number of values isn't the shape's size.
    pub fn from_f32(shape: impl Into<Shape>, values: &'a [f32]) -> Self {
        View { shape: sized(shape, values.len()), data: Data::F32(values) }
    }

    /// A view of 64-bit numbers.
    ///
    /// # Panics
    /// If the number of values isn't the shape's size.
    pub fn from_f64(shape: impl Into<Shape>, values: &'a [f64]) -> Self {
        View { shape: sized(shape, values.len()), data: Data::F64(values) }
    }

    /// The shape.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Whether it has as many numbers as a shape, of a type: what an operation expects of an argument from outside.
    ///
    /// # Errors
    /// If not, naming the operation, the argument and both shapes.
    pub(crate) fn expect(&self, operation: &str, name: &str, shape: impl Into<Shape>, dtype: Dtype) -> Result<()> {
        let shape = shape.into();
        if (self.len(), self.dtype()) == (shape.size(), dtype) {
            return Ok(());
        }
        let (found, own) = (self.shape, self.dtype());
        Err(Error::data(format!("{operation}: {name} is {found} of {own}, expected {shape} of {dtype}"))
            .fix("give tensors of the shapes and of the type that go with the network"))
    }

    /// How many numbers there are.
    pub fn len(&self) -> usize {
        self.shape.size()
    }

    /// Whether there are no numbers.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The type of the numbers.
    pub fn dtype(&self) -> Dtype {
        match self.data {
            Data::F32(_) => Dtype::F32,
            Data::F64(_) => Dtype::F64,
        }
    }

    /// Rows `start..start + rows`.
    pub fn rows(self, start: usize, rows: usize) -> View<'a> {
        self.part(start * self.shape.columns(), self.shape.with_rows(rows))
    }

    /// The numbers from `start` on, as another shape.
    pub fn part(self, start: usize, shape: impl Into<Shape>) -> View<'a> {
        let shape = shape.into();
        let range = start..start + shape.size();
        let data = match self.data {
            Data::F32(x) => Data::F32(&x[range]),
            Data::F64(x) => Data::F64(&x[range]),
        };
        View { shape, data }
    }

    /// One number.
    pub fn at(&self, index: usize) -> f64 {
        match self.data {
            Data::F32(x) => x[index].f64(),
            Data::F64(x) => x[index],
        }
    }

    /// All numbers as f64.
    pub fn to_f64(&self) -> Vec<f64> {
        (0..self.len()).map(|i| self.at(i)).collect()
    }

    /// All numbers in their own type.
    pub fn to_values(&self) -> Values {
        match self.data {
            Data::F32(x) => Values::F32(x.to_vec()),
            Data::F64(x) => Values::F64(x.to_vec()),
        }
    }

    /// A copy that owns its numbers.
    pub fn to_tensor(&self) -> Tensor {
        let mut copy = Tensor::zeros(self.shape, self.dtype());
        ops::copy(*self, copy.view_mut());
        copy
    }
}

impl<'a> ViewMut<'a> {
    /// A mutable view of 32-bit numbers.
    ///
    /// # Panics
    /// If the number of values isn't the shape's size.
    pub fn from_f32(shape: impl Into<Shape>, values: &'a mut [f32]) -> Self {
        ViewMut { shape: sized(shape, values.len()), data: DataMut::F32(values) }
    }

    /// A mutable view of 64-bit numbers.
    ///
    /// # Panics
    /// If the number of values isn't the shape's size.
    pub fn from_f64(shape: impl Into<Shape>, values: &'a mut [f64]) -> Self {
        ViewMut { shape: sized(shape, values.len()), data: DataMut::F64(values) }
    }

    /// The shape.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The same numbers, to read.
    pub fn view(&self) -> View<'_> {
        let data = match &self.data {
            DataMut::F32(x) => Data::F32(x),
            DataMut::F64(x) => Data::F64(x),
        };
        View { shape: self.shape, data }
    }

    /// The same numbers for a shorter time, so that this view can be used again.
    pub fn reborrow(&mut self) -> ViewMut<'_> {
        let data = match &mut self.data {
            DataMut::F32(x) => DataMut::F32(x),
            DataMut::F64(x) => DataMut::F64(x),
        };
        ViewMut { shape: self.shape, data }
    }

    /// The numbers from `start` on, as another shape.
    pub fn part(self, start: usize, shape: impl Into<Shape>) -> ViewMut<'a> {
        let shape = shape.into();
        let range = start..start + shape.size();
        let data = match self.data {
            DataMut::F32(x) => DataMut::F32(&mut x[range]),
            DataMut::F64(x) => DataMut::F64(&mut x[range]),
        };
        ViewMut { shape, data }
    }

    /// The numbers before `middle` and those from it on, each as one dimension.
    pub fn split(self, middle: usize) -> (ViewMut<'a>, ViewMut<'a>) {
        match self.data {
            DataMut::F32(x) => {
                let (a, b) = x.split_at_mut(middle);
                (ViewMut::from_f32([a.len()], a), ViewMut::from_f32([b.len()], b))
            }
            DataMut::F64(x) => {
                let (a, b) = x.split_at_mut(middle);
                (ViewMut::from_f64([a.len()], a), ViewMut::from_f64([b.len()], b))
            }
        }
    }

    /// Sets all numbers, rounded to their type.
    ///
    /// # Panics
    /// If there are more or fewer.
    pub fn set_all(&mut self, values: &[f64]) {
        sized(self.shape, values.len());
        match &mut self.data {
            DataMut::F32(x) => x.iter_mut().zip(values).for_each(|(x, &value)| *x = value as f32),
            DataMut::F64(x) => x.copy_from_slice(values),
        }
    }

    /// Sets one number.
    pub fn set(&mut self, index: usize, value: f64) {
        match &mut self.data {
            DataMut::F32(x) => x[index] = value as f32,
            DataMut::F64(x) => x[index] = value,
        }
    }
}

fn sized(shape: impl Into<Shape>, values: usize) -> Shape {
    let shape = shape.into();
    assert_eq!(shape.size(), values, "the shape {shape} has {} values, found {values}", shape.size());
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_parts_share_memory() {
        let mut x = Tensor::from_f64([3, 2], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(x.view().rows(1, 1).to_f64(), [3.0, 4.0]);
        x.rows_mut(2).part(2, [2]).set(1, 9.0);
        assert_eq!(x.to_f64(), [1.0, 2.0, 3.0, 9.0, 5.0, 6.0]);
        assert_eq!(x.to(Dtype::F32).to(Dtype::F64), x);
    }

    #[test]
    #[should_panic(expected = "the shape 2×2 has 4 values, found 1")]
    fn a_wrong_number_of_values_is_refused() {
        Tensor::from_f32([2, 2], vec![1.0]);
    }
}
