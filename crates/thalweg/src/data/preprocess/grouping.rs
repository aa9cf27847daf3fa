//! Rows as the steps of sequences: the rows of a sequence, encoded, become one example.

use serde::{Deserialize, Serialize};

use super::Pipeline;
use crate::data::memory;
use crate::data::table::Table;
use crate::error::Result;

/// Sequences encoded at a time.
const AT_ONCE: usize = 64;

/// How the rows of a table are grouped into sequences; data only, saved with the model.
///
/// With C inputs a row, an example is T × (C + 1): the sequence's steps, of which the last channel is 1, and zeros after
/// them. Of more than T steps, T that are spread evenly over the sequence are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grouping {
    /// The column that names each row's sequence.
    pub sequence: String,
    /// The column that the rows of a sequence are in the order of; else it is that of the table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// T.
    pub steps: usize,
}

impl Pipeline {
    /// The number of inputs that a row becomes: C for the steps of sequences, else those of an example.
    pub(crate) fn row_width(&self) -> usize {
        self.inputs.iter().map(super::Input::width).sum()
    }

    /// Sequences of these rows as examples, row-major.
    ///
    /// # Errors
    /// As for [`Pipeline::transform`].
    pub(crate) fn transform_sequences(
        &self,
        table: &Table,
        sequences: &[&[usize]],
        Grouping { steps, .. }: &Grouping,
    ) -> Result<Vec<f32>> {
        let channels = self.row_width();
        let width = steps * (channels + 1);
        let mut x = vec![0.0; sequences.len() * width];
        for (some, x) in sequences.chunks(AT_ONCE).zip(x.chunks_mut(AT_ONCE * width)) {
            let kept: Vec<Vec<usize>> = some.iter().map(|rows| memory::spread(rows, *steps)).collect();
            let values = self.transform_rows::<f32>(table, &kept.concat())?;
            let mut values = values.chunks_exact(channels);
            for (kept, example) in kept.iter().zip(x.chunks_exact_mut(width)) {
                for (step, values) in example.chunks_exact_mut(channels + 1).zip(values.by_ref().take(kept.len())) {
                    step[..channels].copy_from_slice(values);
                    step[channels] = 1.0;
                }
            }
        }
        Ok(x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::data::schema::Schema;
    use crate::data::table_of;

    #[test]
    fn an_example_is_steps_and_a_mask_and_longer_ones_are_thinned_out() {
        let table = table_of("a,y\n2,u\n4,v\n6,u\n8,v");
        let config = Config::default().with([("normalise", "none"), ("target", "y"), ("keep", "a")]).unwrap();
        let (schema, _) = Schema::infer(&table, &config).unwrap();
        let (pipeline, _) = Pipeline::fit(&table, &schema, &[0, 1, 2, 3], &config.preprocessing()).unwrap();
        let grouping = Grouping { sequence: "s".into(), time: None, steps: 2 };
        let x = pipeline.transform_sequences(&table, &[&[2], &[0, 1, 2, 3], &[]], &grouping).unwrap();
        assert_eq!(x, [6.0, 1.0, 0.0, 0.0, 2.0, 1.0, 6.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
        let grouped = Pipeline { grouping: Some(grouping), ..pipeline };
        assert_eq!((grouped.shape(), grouped.width(), grouped.columns()), (vec![2, 2], 4, None));
    }
}
