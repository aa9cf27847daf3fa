//! Cells far outside the training rows' range, where a network's predictions are guesses.

use super::dates;
use super::preprocess::{Datetime, Numeric, Pipeline, Transform};
use super::reading::Cell;
use super::table::Table;
use crate::error::Advice;
use crate::error::beginning;
use crate::event::Decision;

/// Cells of a source that are beyond the training rows' range by more than its width.
pub(crate) struct Far<'a> {
    pipeline: &'a Pipeline,
    /// How many there are in each column, and the first.
    found: Vec<(usize, String)>,
}

impl<'a> Far<'a> {
    pub(crate) fn new(pipeline: &'a Pipeline) -> Self {
        Far { pipeline, found: vec![Default::default(); pipeline.inputs.len()] }
    }

    /// Checks the rows of a table.
    pub(crate) fn look(&mut self, table: &Table) {
        let names = self.pipeline.inputs.iter().map(|input| input.column.as_str());
        let Ok(positions) = super::schema::positions(table, names) else { return };
        for ((input, position), found) in self.pipeline.inputs.iter().zip(positions).zip(&mut self.found) {
            let cells = table.columns[position].readings(table.cell_format(&self.pipeline.cell_format));
            let beyond: Box<dyn Fn(usize) -> bool> = match &input.transform {
                Transform::Numeric(Numeric { range: Some(range), format, sentinels, .. }) => {
                    let cells = cells.with_format(*format);
                    Box::new(move |row| match cells.get(row) {
                        Cell::Number(x) => is_far(x, *range) && !sentinels.contains(&x),
                        _ => false,
                    })
                }
                Transform::Datetime(Datetime { range: Some(range), format, sentinels, .. }) => Box::new(move |row| {
                    let time = cells.as_text(row).and_then(|cell| dates::read(&cell, format));
                    time.is_some_and(|time| is_far(dates::year(time), *range) && !sentinels.contains(&time))
                }),
                _ => continue,
            };
            for row in (0..table.rows()).filter(|row| beyond(*row)) {
                if found.0 == 0 {
                    let cell = beginning(table.columns[position].get(row).trim());
                    found.1 = format!("{cell} in {}", table.place(row, position));
                }
                found.0 += 1;
            }
        }
    }

    /// What is reported of them, the first few columns by name.
    pub(crate) fn decisions(&self) -> Vec<Decision> {
        let columns = self.pipeline.inputs.iter().zip(&self.found).filter(|(_, (count, _))| *count > 0);
        let told =
            columns.map(|(input, (count, first))| format!("{:?} ({count} cells, such as {first})", input.column));
        let told: Vec<String> = told.collect();
        let decision = |told: String| Decision {
            what: format!("far outside the training rows' range: {told}"),
            why: "answers are guesses there".into(),
            instead: Advice::default(),
        };
        (!told.is_empty()).then(|| decision(super::schema::shortened(&told, 4))).into_iter().collect()
    }
}

/// Whether a number is beyond a range by more than the range's width.
fn is_far(x: f64, (low, high): (f64, f64)) -> bool {
    let width = high - low;
    width > 0.0 && (low - x > width || x - high > width)
}
