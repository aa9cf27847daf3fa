//! Quantiles by partial sorting.

/// Numbers whose quantiles are computed.
pub(super) struct Quantiles {
    values: Vec<f64>,
}

impl Quantiles {
    pub(super) fn new(values: Vec<f64>) -> Self {
        Quantiles { values }
    }

    /// The number of values.
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// The values, in any order.
    pub(super) fn values(&self) -> &[f64] {
        &self.values
    }

    /// The q-quantile, linear between neighbours (NumPy's default); 0 if there are no values.
    pub(super) fn at(&mut self, q: f64) -> f64 {
        let Some(last) = self.values.len().checked_sub(1) else { return 0.0 };
        let position = q * last as f64;
        let below = position as usize;
        let share = position - below as f64;
        let (_, &mut value, greater) = self.values.select_nth_unstable_by(below, f64::total_cmp);
        if share == 0.0 {
            return value;
        }
        let next = greater.iter().copied().min_by(f64::total_cmp).unwrap_or(value);
        value * (1.0 - share) + next * share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_numpys() {
        // numpy.quantile([1, 2, 3, 4], [0, 0.25, 0.5, 0.75, 1]) = 1, 1.75, 2.5, 3.25, 4
        let mut quantiles = Quantiles::new(vec![3.0, 1.0, 4.0, 2.0]);
        for (q, expected) in [(0.5, 2.5), (0.25, 1.75), (1.0, 4.0), (0.75, 3.25), (0.0, 1.0)] {
            assert_eq!(quantiles.at(q), expected, "{q}");
        }
        assert_eq!(Quantiles::new(Vec::new()).at(0.5), 0.0);
        assert_eq!(Quantiles::new(vec![7.0]).at(0.9), 7.0);
    }
}
