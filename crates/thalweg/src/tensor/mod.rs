//! Values in memory: a tensor knows its shape and its storage, f32 or f64, at run time.
//!
//! Examples are rows. A batch of m examples with n features is a row-major m × n matrix: the transpose of the course's
//! X, which holds one example per column, and byte for byte the same memory.
//!
//! Only this module knows where values are stored. Other code cuts views into parts (`part`, `rows`, `split`), calls
//! operations on them, and copies values in and out: all of them (`to_f64`, `to_values`, `to_tensor`, `set_all`) or one
//! (`at`, `set`), as tests, gradient checks and statistics of a few values do. Only augmentation takes slices
//! (`Element`): it runs where the data is, before a batch goes to where the network is.

pub mod activation;
pub mod bag;
pub mod conv;
pub mod mixture;
pub mod norm;
pub mod ops;
pub mod periodic;
pub mod piecewise;
pub mod sequence;
mod shape;
pub mod spectrum;
pub mod update;

pub use activation::Activation;
pub use shape::Shape;
pub use thalweg_kernels::Real;
use thalweg_kernels::aligned_buf::AlignedBuf;

use crate::error::{Error, Result};

/// The transpose of a row-major matrix with this many rows.
pub(crate) fn transposed<T: Copy>(matrix: &[T], rows: usize) -> Vec<T> {
    let columns = matrix.len() / rows.max(1);
    (0..matrix.len()).map(|i| matrix[i % rows * columns + i / rows]).collect()
}

/// The type of a tensor's values.
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

/// Owned values with a shape, the first of those that there is memory for.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    shape: Shape,
    storage: Storage,
}

/// Where a tensor's values are stored; a device's memory would be one more variant.
#[derive(Debug, Clone, PartialEq)]
enum Storage {
    F32(AlignedBuf<f32>),
    F64(AlignedBuf<f64>),
}

/// Borrowed values with a shape.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    shape: Shape,
    data: Data<'a>,
}

/// Mutably borrowed values with a shape.
#[derive(Debug)]
pub struct ViewMut<'a> {
    shape: Shape,
    data: DataMut<'a>,
}

/// Where a [`View`]'s values are stored.
#[derive(Debug, Clone, Copy)]
enum Data<'a> {
    F32(&'a [f32]),
    F64(&'a [f64]),
}

/// Where a [`ViewMut`]'s values are stored.
#[derive(Debug)]
enum DataMut<'a> {
    F32(&'a mut [f32]),
    F64(&'a mut [f64]),
}

/// A copy of a tensor's values, in their own type.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// 32-bit values.
    F32(Vec<f32>),
    /// 64-bit values.
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

    /// A tensor of 32-bit values.
    ///
    /// # Panics
    /// If the number of values isn't the shape's size.
    pub fn from_f32(shape: impl Into<Shape>, values: Vec<f32>) -> Self {
        let shape = sized(shape, values.len());
        Tensor { shape, storage: Storage::F32(values.into()) }
    }

    /// A tensor of 64-bit values.
    ///
    /// # Panics
    /// If the number of values isn't the shape's size.
    pub fn from_f64(shape: impl Into<Shape>, values: Vec<f64>) -> Self {
        let shape = sized(shape, values.len());
        Tensor { shape, storage: Storage::F64(values.into()) }
    }

    /// The same values in another type.
    pub fn to(&self, dtype: Dtype) -> Self {
        match (dtype, self.view().data) {
            (Dtype::F32, Data::F64(x)) => Self::from_f32(self.shape, x.iter().map(|&x| x as f32).collect()),
            (Dtype::F64, Data::F32(x)) => Self::from_f64(self.shape, x.iter().map(|&x| f64::from(x)).collect()),
            _ => self.clone(),
        }
    }

    /// The same values in another type; the tensor itself if it has that type already.
    #[must_use]
    pub fn into_dtype(self, dtype: Dtype) -> Self {
        if self.dtype() == dtype { self } else { self.to(dtype) }
    }

    /// Gives the first values another shape, of at most as many as the tensor was made for.
    ///
    /// # Panics
    /// If it was made for fewer.
    pub(crate) fn reshape(&mut self, shape: Shape) {
        let made_for = match &self.storage {
            Storage::F32(x) => x.len(),
            Storage::F64(x) => x.len(),
        };
        assert!(shape.size() <= made_for, "the shape {shape} has {} values, at most {made_for} fit", shape.size());
        self.shape = shape;
    }

    /// The shape; the first dimension counts examples where there are any.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The type of the values.
    pub fn dtype(&self) -> Dtype {
        self.view().dtype()
    }

    /// All values, to read.
    pub fn view(&self) -> View<'_> {
        let size = self.shape.size();
        let data = match &self.storage {
            Storage::F32(x) => Data::F32(&x[..size]),
            Storage::F64(x) => Data::F64(&x[..size]),
        };
        View { shape: self.shape, data }
    }

    /// All values, to write.
    pub fn view_mut(&mut self) -> ViewMut<'_> {
        let size = self.shape.size();
        let data = match &mut self.storage {
            Storage::F32(x) => DataMut::F32(&mut x[..size]),
            Storage::F64(x) => DataMut::F64(&mut x[..size]),
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

    /// All values as f64.
    pub fn to_f64(&self) -> Vec<f64> {
        self.view().to_f64()
    }
}

impl<'a> View<'a> {
    /// A view of 32-bit values.
    ///
    /// # Panics
    /// If the number of values isn't the shape's size.
    pub fn from_f32(shape: impl Into<Shape>, values: &'a [f32]) -> Self {
        View { shape: sized(shape, values.len()), data: Data::F32(values) }
    }

    /// A view of 64-bit values.
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

    /// Checks that it has this shape's size and this type, as an operation expects of an argument from outside.
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

    /// The number of values.
    pub fn len(&self) -> usize {
        self.shape.size()
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The type of the values.
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

    /// The values from `start` on, in another shape.
    pub fn part(self, start: usize, shape: impl Into<Shape>) -> View<'a> {
        let shape = shape.into();
        let range = start..start + shape.size();
        let data = match self.data {
            Data::F32(x) => Data::F32(&x[range]),
            Data::F64(x) => Data::F64(&x[range]),
        };
        View { shape, data }
    }

    /// One value.
    pub fn at(&self, index: usize) -> f64 {
        match self.data {
            Data::F32(x) => x[index].f64(),
            Data::F64(x) => x[index],
        }
    }

    /// All values as f64.
    pub fn to_f64(&self) -> Vec<f64> {
        (0..self.len()).map(|i| self.at(i)).collect()
    }

    /// All values in their own type.
    pub fn to_values(&self) -> Values {
        match self.data {
            Data::F32(x) => Values::F32(x.to_vec()),
            Data::F64(x) => Values::F64(x.to_vec()),
        }
    }

    /// A copy that owns its values.
    pub fn to_tensor(&self) -> Tensor {
        let mut copy = Tensor::zeros(self.shape, self.dtype());
        ops::copy(*self, copy.view_mut());
        copy
    }
}

impl<'a> ViewMut<'a> {
    /// A mutable view of 32-bit values.
    ///
    /// # Panics
    /// If the number of values isn't the shape's size.
    pub fn from_f32(shape: impl Into<Shape>, values: &'a mut [f32]) -> Self {
        ViewMut { shape: sized(shape, values.len()), data: DataMut::F32(values) }
    }

    /// A mutable view of 64-bit values.
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

    /// The same values, to read.
    pub fn view(&self) -> View<'_> {
        let data = match &self.data {
            DataMut::F32(x) => Data::F32(x),
            DataMut::F64(x) => Data::F64(x),
        };
        View { shape: self.shape, data }
    }

    /// The same values for a shorter lifetime, so that this view can be used again.
    pub fn reborrow(&mut self) -> ViewMut<'_> {
        let data = match &mut self.data {
            DataMut::F32(x) => DataMut::F32(x),
            DataMut::F64(x) => DataMut::F64(x),
        };
        ViewMut { shape: self.shape, data }
    }

    /// The values from `start` on, in another shape.
    pub fn part(self, start: usize, shape: impl Into<Shape>) -> ViewMut<'a> {
        let shape = shape.into();
        let range = start..start + shape.size();
        let data = match self.data {
            DataMut::F32(x) => DataMut::F32(&mut x[range]),
            DataMut::F64(x) => DataMut::F64(&mut x[range]),
        };
        ViewMut { shape, data }
    }

    /// The values before `middle` and those from it on, each in one dimension.
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

    /// Sets all values, rounded to their type.
    ///
    /// # Panics
    /// If there are more or fewer values.
    pub fn set_all(&mut self, values: &[f64]) {
        sized(self.shape, values.len());
        match &mut self.data {
            DataMut::F32(x) => x.iter_mut().zip(values).for_each(|(x, &value)| *x = value as f32),
            DataMut::F64(x) => x.copy_from_slice(values),
        }
    }

    /// Sets one value.
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
