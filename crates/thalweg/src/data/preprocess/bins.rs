//! Piecewise-linear encoding of a number (Gorishniy et al., 2022).
//!
//! With bin edges b₀ < b₁ < … < b_T, bin t of x is clip((x − b_{t−1}) / (b_t − b_{t−1}), 0, 1): 1 for the bins below x, 0
//! for those above, a fraction for its own. The edges are at the training rows' quantiles, but a value so frequent that
//! it fills a bin is an edge of its own: where most values are 0, quantiles alone would leave the others one bin.

use serde::{Deserialize, Serialize};

use super::quantiles::Quantiles;

/// The edges of the bins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bins {
    /// b₀ … b_T, increasing.
    pub edges: Vec<f64>,
}

impl Bins {
    /// Up to `count` bins; `None` if there are not three distinct values.
    ///
    /// A value of a share of 1/`count` or more is an edge; the bins that are left have equal numbers of the other values.
    pub(crate) fn fit(values: &[f64], count: usize) -> Option<Self> {
        if count == 0 {
            return None;
        }
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let (first, last) = (*sorted.first()?, *sorted.last()?);
        let (mut edges, mut rest) = (vec![first, last], Vec::with_capacity(sorted.len()));
        for equal in sorted.chunk_by(|a, b| a == b) {
            if equal.len() * count >= sorted.len() { edges.push(equal[0]) } else { rest.extend_from_slice(equal) }
        }
        if let Some(left) = count.checked_sub(edges.len() - 2).filter(|left| *left > 0 && !rest.is_empty()) {
            let mut rest = Quantiles::new(rest);
            edges.extend((0..=left).map(|t| rest.at(t as f64 / left as f64)));
        }
        edges.sort_unstable_by(f64::total_cmp);
        edges.dedup();
        (edges.len() > 2).then_some(Bins { edges })
    }

    /// The same, but with an edge at each value where these are few enough: quantiles of rare ones would lie between them,
    /// where no row is.
    pub(crate) fn fit_values(values: &[f64], count: usize) -> Option<Self> {
        let mut distinct = values.to_vec();
        distinct.sort_unstable_by(f64::total_cmp);
        distinct.dedup();
        if distinct.len() > count + 1 {
            return Self::fit(values, count);
        }
        (distinct.len() > 2).then_some(Bins { edges: distinct })
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
        let bins = Bins::fit(&values, 4).unwrap();
        assert_eq!(bins.edges, [0.0, 25.0, 50.0, 75.0, 100.0]);
        let mut out = [9.0; 4];
        bins.write(60.0, &mut out);
        assert_eq!(out, [1.0, 1.0, 0.4, 0.0]);
        bins.write(-7.0, &mut out);
        assert_eq!(out, [0.0; 4]);
    }

    #[test]
    fn a_frequent_value_is_an_edge_of_its_own() {
        // Nine of ten are 0; the quantiles of the others are 1, 3.25, 5.5, 7.75, 10 (as numpy.quantile has them).
        let values: Vec<f64> = [vec![0.0; 90], (1..=10).map(f64::from).collect()].concat();
        assert_eq!(Bins::fit(&values, 5).unwrap().edges, [0.0, 1.0, 3.25, 5.5, 7.75, 10.0]);
        // Each fills a bin.
        assert_eq!(Bins::fit(&[3.0, 1.0, 2.0, 1.0], 48).unwrap().edges, [1.0, 2.0, 3.0]);
    }

    #[test]
    fn few_values_are_edges_however_rare() {
        let values: Vec<f64> = [vec![0.0; 90], (1..=10).map(f64::from).collect()].concat();
        for count in [10, 64] {
            let edges = Bins::fit_values(&values, count).unwrap().edges;
            assert_eq!(edges, (0..=10).map(f64::from).collect::<Vec<_>>());
        }
        assert_eq!(Bins::fit_values(&values, 5), Bins::fit(&values, 5));
        // The first edition's bins: 0, and 64 quantiles of the ten others.
        assert_eq!(Bins::fit(&values, 64).unwrap().edges.len(), 65);
        assert_eq!(Bins::fit_values(&[0.0, 1.0, 1.0], 64), None);
    }

    #[test]
    fn few_values_have_no_bins() {
        assert_eq!(Bins::fit(&[], 4), None);
        assert_eq!(Bins::fit(&[1.0; 10], 4), None);
        assert_eq!(Bins::fit(&[0.0, 1.0, 1.0], 4), None);
        assert_eq!(Bins::fit(&[0.0, 1.0, 2.0], 0), None);
    }
}
