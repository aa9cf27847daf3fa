//! Piecewise-linear encoding of a number (Gorishniy et al., 2022).
//!
//! With bin edges b₀ < b₁ < … < b_T at the training rows' quantiles, bin t of x is clip((x − b_{t−1}) / (b_t −
//! b_{t−1}), 0, 1): 1 for the bins below x, 0 for those above, a fraction for its own.

use serde::{Deserialize, Serialize};

use super::quantiles::Quantiles;

/// The edges of the bins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bins {
    /// b₀ … b_T, increasing.
    pub edges: Vec<f64>,
}

impl Bins {
    /// Up to `count` bins with equal numbers of values in each; `None` if there are not even two distinct ones.
    pub(super) fn fit(values: &mut Quantiles, count: usize) -> Option<Self> {
        let mut edges: Vec<f64> = (0..=count).map(|t| values.at(t as f64 / count.max(1) as f64)).collect();
        edges.dedup();
        (edges.len() > 2).then_some(Bins { edges })
    }

    /// The number of bins, T.
    pub fn count(&self) -> usize {
        self.edges.len() - 1
    }

    /// Writes the T inputs of a number.
    pub fn write(&self, x: f64, out: &mut [f64]) {
        for (bin, edge) in out.iter_mut().zip(self.edges.windows(2)) {
            *bin = ((x - edge[0]) / (edge[1] - edge[0])).clamp(0.0, 1.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_below_are_one_and_bins_above_zero() {
        let values: Vec<f64> = (0..=100).map(f64::from).collect();
        let bins = Bins::fit(&mut Quantiles::new(values), 4).unwrap();
        assert_eq!(bins.edges, [0.0, 25.0, 50.0, 75.0, 100.0]);
        let mut out = [9.0; 4];
        bins.write(60.0, &mut out);
        assert_eq!(out, [1.0, 1.0, 0.4, 0.0]);
        bins.write(-7.0, &mut out);
        assert_eq!(out, [0.0; 4]);
    }

    #[test]
    fn equal_quantiles_are_merged() {
        assert_eq!(Bins::fit(&mut Quantiles::new(vec![1.0; 10]), 4), None);
        let values = vec![0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 2.0];
        assert!(Bins::fit(&mut Quantiles::new(values), 4).unwrap().edges.windows(2).all(|edge| edge[0] < edge[1]));
    }
}
