//! Scaling of an array source: one mean and deviation for all its numbers.

use serde::{Deserialize, Serialize};

/// (x − μ) / σ with one μ and σ for every position: all pixels of an image, or samples of a sound, are measured
/// in one unit, and a position that hardly varies (an image's border) is not blown up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArrayScale {
    /// The shape of one example, such as `[28, 28]`.
    pub shape: Vec<usize>,
    /// μ.
    pub mean: f64,
    /// σ, in population form.
    pub deviation: f64,
}

impl ArrayScale {
    /// The names of the inputs: their positions, `x[3,4]`.
    pub fn names(&self) -> Vec<String> {
        (0..self.shape.iter().product()).map(|flat| self.name(flat)).collect()
    }

    fn name(&self, flat: usize) -> String {
        let (mut rest, mut place) = (flat, Vec::new());
        for size in self.shape.iter().rev() {
            place.push((rest % size).to_string());
            rest /= size;
        }
        place.reverse();
        format!("x[{}]", place.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_positions_in_the_shape() {
        let array = ArrayScale { shape: vec![2, 3], mean: 0.0, deviation: 1.0 };
        assert_eq!(array.names(), ["x[0,0]", "x[0,1]", "x[0,2]", "x[1,0]", "x[1,1]", "x[1,2]"]);
    }
}
