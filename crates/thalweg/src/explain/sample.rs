//! Rows spread over all that there are, few enough to keep.

use crate::data::examples::Examples;
use crate::error::Result;

/// Rows that are kept: from this to twice as many of longer data.
const KEPT: usize = 2_000;

/// Encoded rows with their targets, spread evenly over those that were added.
///
/// Every row is kept at first, and every second, fourth, … as they become many: what is kept depends on nothing but the
/// rows and their order.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    /// Inputs, row-major.
    pub(super) x: Vec<f32>,
    /// Targets, row-major; empty where they are unknown.
    pub(super) y: Vec<f32>,
    /// Weights, if the data has them.
    pub(super) weights: Option<Vec<f32>>,
    rows: usize,
    /// Rows that were added.
    seen: usize,
    /// How often every second row was dropped.
    halvings: u32,
}

impl Sample {
    /// A sample of some examples.
    ///
    /// # Errors
    /// If rows on disk cannot be read.
    pub fn of(examples: &Examples) -> Result<Sample> {
        let mut sample = Sample::default();
        sample.add(examples)?;
        Ok(sample)
    }

    /// Adds further examples of the same data.
    ///
    /// # Errors
    /// If rows on disk cannot be read.
    pub fn add(&mut self, examples: &Examples) -> Result<()> {
        let weights = |row: usize| examples.weights.as_ref().map(|weights| weights[row]);
        for row in 0..examples.rows {
            let y =
                if examples.y.is_empty() { &[][..] } else { &examples.y[row * examples.targets..][..examples.targets] };
            self.push(&examples.inputs(row)?, y, weights(row));
        }
        Ok(())
    }

    /// Adds rows of this many inputs without targets.
    pub fn add_inputs(&mut self, x: &[f32], width: usize) {
        x.chunks_exact(width.max(1)).for_each(|row| self.push(row, &[], None));
    }

    /// The inputs of the rows kept, row-major.
    pub fn inputs(&self) -> &[f32] {
        &self.x
    }

    /// The number of rows kept.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The number of rows that were added.
    pub fn rows_in_all(&self) -> usize {
        self.seen
    }

    fn push(&mut self, x: &[f32], y: &[f32], weight: Option<f32>) {
        let skipped = !self.seen.is_multiple_of(1 << self.halvings);
        self.seen += 1;
        if skipped {
            return;
        }
        self.x.extend_from_slice(x);
        self.y.extend_from_slice(y);
        if let Some(weight) = weight {
            self.weights.get_or_insert_default().push(weight);
        }
        self.rows += 1;
        if self.rows == 2 * KEPT {
            let every_second: Vec<usize> = (0..self.rows).step_by(2).collect();
            *self = Sample { halvings: self.halvings + 1, ..self.select(&every_second) };
        }
    }

    /// At most this many of the rows, spread evenly over them.
    pub(super) fn spread(&self, most: usize) -> Sample {
        let count = most.clamp(1, self.rows.max(1));
        let rows: Vec<usize> = (0..count.min(self.rows)).map(|i| i * self.rows / count).collect();
        self.select(&rows)
    }

    fn select(&self, rows: &[usize]) -> Sample {
        let of = |values: &[f32]| {
            let width = values.len() / self.rows.max(1);
            rows.iter().flat_map(|row| &values[row * width..][..width]).copied().collect()
        };
        let weights = self.weights.as_ref().map(|weights| of(weights));
        Sample { x: of(&self.x), y: of(&self.y), weights, rows: rows.len(), seen: self.seen, halvings: self.halvings }
    }

    /// The inputs of a row.
    pub(super) fn row(&self, row: usize) -> &[f32] {
        let width = self.x.len() / self.rows.max(1);
        &self.x[row * width..][..width]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampled(rows: usize) -> Vec<f32> {
        let mut sample = Sample::default();
        let x: Vec<f32> = (0..rows).map(|row| row as f32).collect();
        // Chunks make no difference.
        x.chunks(777).for_each(|x| sample.add_inputs(x, 1));
        assert_eq!((sample.rows(), sample.rows_in_all()), (sample.x.len(), rows));
        sample.x
    }

    #[test]
    fn rows_are_kept_from_all_over() {
        assert_eq!(sampled(3_999).len(), 3_999);
        for rows in [4_000, 4_001, 10_000, 123_456] {
            let kept = sampled(rows);
            assert!((KEPT..=2 * KEPT).contains(&kept.len()), "{rows}: {}", kept.len());
            let step = kept[1];
            assert!(kept.iter().enumerate().all(|(i, row)| *row == i as f32 * step), "{rows}");
            assert!(rows as f32 - kept[kept.len() - 1] <= step, "{rows}");
        }
    }

    #[test]
    fn a_spread_takes_targets_along() {
        let mut sample = Sample::default();
        (0..6).for_each(|i| sample.push(&[i as f32, -1.0], &[10.0 * i as f32], Some(0.5)));
        let few = sample.spread(3);
        assert_eq!(
            (few.x, few.y, few.weights),
            (vec![0.0, -1.0, 2.0, -1.0, 4.0, -1.0], vec![0.0, 20.0, 40.0], Some(vec![0.5; 3]))
        );
        assert_eq!(Sample::default().spread(5).rows(), 0);
    }
}
