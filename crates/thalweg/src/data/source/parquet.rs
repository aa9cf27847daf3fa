//! Parquet files, a batch of rows at a time.

use std::fs::File;

use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::arrow::Columns;
use super::packed::Start;
use super::reader::Batches;
use crate::config;
use crate::error::{Error, Result};

/// Rows that are decoded at a time.
const AT_ONCE: usize = 1 << 13;

/// Approximate bytes of a number as text.
const CELL: u64 = 8;

pub(super) fn open(source: &str, _: &Start, file: File, options: &config::Data) -> Result<Box<dyn Batches>> {
    let named = source.to_string();
    let wrong = move |error: &dyn std::fmt::Display| {
        Error::data(format!("the Parquet file cannot be read: {error}"))
            .at(&*named)
            .fix("copy it again from where it came from, or write it anew (with snappy or zstd)")
    };
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| wrong(&error))?;
    let columns = Columns::of(source, builder.schema(), options)?;
    let rows = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or_default();
    if rows == 0 {
        return Err(Error::data("the file has no rows").at(source).fix("add rows"));
    }
    let bytes = rows.saturating_mul(columns.kept.len() as u64).saturating_mul(CELL);
    let mask = ProjectionMask::roots(builder.parquet_schema(), columns.kept.iter().copied());
    let reader = builder.with_projection(mask).with_batch_size(AT_ONCE).build().map_err(|error| wrong(&error))?;
    let batches = reader.map(move |batch| batch.map_err(|error| wrong(&error)));
    Ok(columns.projected().read(Box::new(batches), Some(bytes)))
}
