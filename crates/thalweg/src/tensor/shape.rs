//! How many elements a tensor has along each dimension.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Up to four dimensions, the outermost first: `[m, n]`, or `[m, height, width, channels]`.
#[derive(Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(into = "Vec<usize>", try_from = "Vec<usize>")]
pub struct Shape {
    dimensions: [usize; 4],
    rank: usize,
}

impl Shape {
    /// The dimensions.
    pub fn dimensions(&self) -> &[usize] {
        &self.dimensions[..self.rank]
    }

    /// The number of elements, saturated at `usize::MAX` where no memory could hold them.
    pub fn size(&self) -> usize {
        self.dimensions().iter().copied().fold(1, usize::saturating_mul)
    }

    /// The first dimension: examples, or rows of a matrix.
    pub fn rows(&self) -> usize {
        self.dimensions[0]
    }

    /// The number of elements in a row.
    pub fn columns(&self) -> usize {
        self.dimensions().iter().skip(1).copied().fold(1, usize::saturating_mul)
    }

    /// The length of the last dimension, which softmax is over.
    pub fn last(&self) -> usize {
        self.dimensions().last().copied().unwrap_or(1)
    }

    /// The same shape with another first dimension.
    pub fn with_rows(mut self, rows: usize) -> Shape {
        self.dimensions[0] = rows;
        self
    }

    /// The shape of a batch of examples that each have this shape.
    ///
    /// # Panics
    /// If this shape has four dimensions already.
    pub fn batch(self, examples: usize) -> Shape {
        assert!(self.rank < 4, "an example has at most three dimensions");
        let [a, b, c, _] = self.dimensions;
        Shape { dimensions: [examples, a, b, c], rank: self.rank + 1 }
    }

    /// Height, width and channels of an image; two dimensions are one channel. `None` for other examples.
    pub fn image(self) -> Option<[usize; 3]> {
        match *self.dimensions() {
            [height, width] => Some([height, width, 1]),
            [height, width, channels] => Some([height, width, channels]),
            _ => None,
        }
    }

    /// The channels of an image of height × width × channels; the size of any other example.
    pub fn units(self) -> usize {
        match *self.dimensions() {
            [_, _, channels] => channels,
            _ => self.size(),
        }
    }

    /// The shape of one example of a batch of this shape.
    pub fn example(self) -> Shape {
        let [_, a, b, c] = self.dimensions;
        Shape { dimensions: [a, b, c, 1], rank: self.rank - 1 }
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    fn from(dimensions: [usize; N]) -> Self {
        const { assert!(N <= 4, "a shape has at most four dimensions") };
        let mut shape = Shape { dimensions: [1; 4], rank: N };
        shape.dimensions[..N].copy_from_slice(&dimensions);
        shape
    }
}

impl TryFrom<Vec<usize>> for Shape {
    type Error = String;

    fn try_from(dimensions: Vec<usize>) -> Result<Self, String> {
        let rank = dimensions.len();
        if rank > 4 {
            return Err(format!("a shape has at most four dimensions, found {rank}"));
        }
        if dimensions.iter().try_fold(1usize, |n, &d| n.checked_mul(d)).is_none_or(|n| n > isize::MAX as usize / 8) {
            return Err(format!("the shape {dimensions:?} is larger than any memory"));
        }
        let mut shape = Shape { dimensions: [1; 4], rank };
        shape.dimensions[..rank].copy_from_slice(&dimensions);
        Ok(shape)
    }
}

impl From<Shape> for Vec<usize> {
    fn from(shape: Shape) -> Self {
        shape.dimensions().to_vec()
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let dimensions: Vec<String> = self.dimensions().iter().map(usize::to_string).collect();
        f.write_str(&dimensions.join("×"))
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{:?}", self.dimensions())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let shape = Shape::from([28, 28, 1]).batch(5);
        assert_eq!((shape.size(), shape.rows(), shape.columns()), (3920, 5, 784));
        assert_eq!(shape.to_string(), "5×28×28×1");
        assert_eq!(Shape::from([1 << 40, 1 << 40]).size(), usize::MAX);
        assert!(Shape::try_from(vec![usize::MAX, 2]).is_err());
        assert!(Shape::try_from(vec![1; 5]).is_err());
    }
}
