//! From files to batches: source → schema → split → pipeline → batches.

pub(crate) mod alike;
pub(crate) mod applicable;
pub mod arrays;
pub(crate) mod boolean_words;
pub mod cell_format;
pub mod column;
pub mod conformal;
pub mod dataset;
pub(crate) mod dates;
mod ends;
pub mod examples;
pub(crate) mod far;
mod folds;
pub mod forecast;
pub mod inspect;
mod intervals;
mod loader;
pub mod media_spec;
pub(crate) mod memory;
pub mod number_format;
mod partition;
pub mod preprocess;
mod reading;
pub mod rejects;
pub mod row_file;
mod rows;
pub mod schema;
pub(crate) mod sequences;
pub(crate) mod shift;
pub mod source;
pub mod split;
mod stream;
pub mod table;
pub mod target;
mod verification;
pub(crate) mod words;

pub use loader::load;
pub(crate) use loader::load_like;

/// A table from a small CSV text without quotes, for tests.
#[cfg(test)]
pub(crate) fn table_of(csv: &str) -> table::Table {
    let mut lines = csv.lines();
    let names: Vec<String> = lines.next().unwrap_or_default().split(',').map(String::from).collect();
    let mut columns = vec![column::Column::default(); names.len()];
    let rows = lines.enumerate().map(|(row, line)| {
        line.split(',').zip(&mut columns).for_each(|(cell, column)| column.push(cell));
        row as u64 + 2
    });
    let lines = rows.collect();
    table::Table { source: "test.csv".into(), names, columns, lines, cell_format: None }
}
