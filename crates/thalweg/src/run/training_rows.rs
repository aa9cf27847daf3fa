//! What the training rows hold, counted for the run's log.

use crate::data::dataset::Dataset;
use crate::data::preprocess::Value;
use crate::error::Result;
use crate::event::TrainingRows;

/// Cells looked at for missing ones; of more, rows spread over all are.
const MOST_CELLS: usize = 10_000_000;

/// Counts the training rows of each class and the missing cells of each column.
///
/// # Errors
/// If rows on disk cannot be read.
pub(super) fn count(data: &Dataset) -> Result<TrainingRows> {
    let classes = if data.task.is_classes() { data.class_counts()? } else { Vec::new() };
    let rows = &data.parts.train;
    let columns = data.pipeline.columns().unwrap_or_default();
    let every = (rows.rows * columns.len()).div_ceil(MOST_CELLS).max(1);
    let looked_at = || rows.x.chunks_exact(rows.columns.max(1)).step_by(every);
    let count = looked_at().len();
    let missing = columns.into_iter().enumerate().map(|(at, column)| {
        let lacks = |x: &&[f32]| data.pipeline.value(at, &x[column.inputs.clone()]) == Value::Missing;
        (column.name, looked_at().filter(lacks).count() as f64 / count.max(1) as f64)
    });
    let mut missing: Vec<_> = missing.filter(|(_, share)| *share > 0.0).collect();
    missing.sort_by(|a, b| b.1.total_cmp(&a.1));
    Ok(TrainingRows { classes, rows: count, missing })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::data::table_of;

    #[test]
    fn classes_and_missing_cells_are_counted() {
        let line = |i: usize| {
            let age = if i.is_multiple_of(4) { String::new() } else { format!("{}", i % 50) };
            let town = if i.is_multiple_of(10) { "" } else { ["Ulm", "Bonn", "Kiel"][i % 3] };
            format!("\n{age},{town},{}.5,{}", i * 7 % 31, if i.is_multiple_of(5) { "yes" } else { "no" })
        };
        let csv = String::from("age,town,size,answer") + &(0..200).map(line).collect::<String>();
        let mut config = Config::default();
        config.set("split", "1,0,0").unwrap();
        let data = Dataset::from_tables(&table_of(&csv), None, None, &config).unwrap();
        let found = count(&data).unwrap();
        assert_eq!((found.classes, found.rows), (vec![160, 40], 200));
        assert_eq!(found.missing, [("age".into(), 0.25), ("town".into(), 0.1)]);
    }
}
