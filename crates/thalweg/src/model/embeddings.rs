//! Embeddings as a table, in the formats that other tools read.

use super::{Embedder, EncodedRows};
use crate::error::Result;
use crate::io::csv;

/// The embeddings of rows, with the cells of their id columns.
///
/// ```
/// use thalweg::model::Embeddings;
///
/// let table = Embeddings { ids: vec![("file".into(), vec!["a.png".into()])], width: 2, numbers: vec![0.5, -1.0] };
/// assert_eq!(table.to_csv(), "file,f0,f1\na.png,0.5,-1\n");
/// assert_eq!(&table.to_npy()[128..], [0.5_f32.to_le_bytes(), (-1.0_f32).to_le_bytes()].concat());
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Embeddings {
    /// The id columns, each with its cells.
    pub ids: Vec<(String, Vec<String>)>,
    /// How many numbers there are for a row.
    pub width: usize,
    /// The numbers, row-major.
    pub numbers: Vec<f32>,
}

impl Embeddings {
    /// None yet.
    pub fn new(width: usize) -> Embeddings {
        Embeddings { ids: Vec::new(), width, numbers: Vec::new() }
    }

    /// Adds rows.
    ///
    /// # Errors
    /// If the rows are not the embedder's.
    pub fn add(&mut self, rows: &EncodedRows, embedder: &Embedder) -> Result<()> {
        let embedded = embedder.embed(&rows.inputs)?;
        let count = embedded.len() / self.width.max(1);
        self.numbers.extend(embedded);
        if self.ids.is_empty() {
            self.ids = rows.ids.iter().map(|(name, _)| (name.clone(), Vec::new())).collect();
        }
        for ((_, all), (_, cells)) in self.ids.iter_mut().zip(&rows.ids) {
            all.extend((0..count).map(|row| cells.get(row).into_owned()));
        }
        Ok(())
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.numbers.len() / self.width.max(1)
    }

    /// The names of the numbers: f0, f1 …
    fn names(&self) -> impl Iterator<Item = String> {
        (0..self.width).map(|i| format!("f{i}"))
    }

    /// A table with the id columns and a column for each number.
    pub fn to_csv(&self) -> String {
        let header = self.ids.iter().map(|(name, _)| name.clone()).chain(self.names());
        let row = |(row, numbers): (usize, &[f32])| {
            let ids = self.ids.iter().map(|(_, cells)| cells[row].clone());
            csv::line(ids.chain(numbers.iter().map(f32::to_string)))
        };
        let rows = self.numbers.chunks_exact(self.width.max(1)).enumerate().map(row);
        std::iter::once(csv::line(header)).chain(rows).collect()
    }

    /// The numbers alone, rows × width, as NumPy's `load` reads them.
    pub fn to_npy(&self) -> Vec<u8> {
        /// The length of magic, version and header together, which is a multiple of 64.
        const HEADER: usize = 128;
        let shape = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", self.rows(), self.width);
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend(((HEADER - 10) as u16).to_le_bytes());
        bytes.extend(format!("{shape:<width$}\n", width = HEADER - 11).as_bytes());
        bytes.extend(self.numbers.iter().flat_map(|x| x.to_le_bytes()));
        bytes
    }

    /// A Parquet file with the id columns as strings and a column for each number.
    ///
    /// # Errors
    /// If two columns have the same name.
    #[cfg(feature = "parquet")]
    pub fn to_parquet(&self) -> Result<Vec<u8>> {
        use std::sync::Arc;

        use arrow_array::{ArrayRef, Float32Array, RecordBatch, StringArray};

        use crate::error::Error;

        let number = |column: usize| -> ArrayRef {
            let numbers = self.numbers.iter().skip(column).step_by(self.width.max(1));
            Arc::new(Float32Array::from_iter_values(numbers.copied()))
        };
        let text = |(name, cells): &(String, Vec<String>)| -> (String, ArrayRef) {
            (name.clone(), Arc::new(StringArray::from_iter_values(cells)))
        };
        let columns = self.ids.iter().map(text).chain(self.names().enumerate().map(|(i, name)| (name, number(i))));
        let failed = |error: &dyn std::fmt::Display| {
            Error::data(format!("the embeddings are no Parquet file: {error}")).fix("write CSV or NPY")
        };
        let batch = RecordBatch::try_from_iter(columns).map_err(|error| failed(&error))?;
        let mut bytes = Vec::new();
        let written = parquet::arrow::ArrowWriter::try_new(&mut bytes, batch.schema(), None).and_then(|mut writer| {
            writer.write(&batch)?;
            writer.close()
        });
        written.map_err(|error| failed(&error))?;
        Ok(bytes)
    }
}

#[cfg(all(test, feature = "parquet"))]
mod tests {
    use super::*;

    #[test]
    fn parquet_files_are_read_back() {
        let table = Embeddings {
            ids: vec![("file".into(), vec!["a".into(), "b".into()])],
            width: 2,
            numbers: vec![1.0, 2.0, 3.0, 4.5],
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("e.parquet");
        std::fs::write(&path, table.to_parquet().unwrap()).unwrap();
        let source = crate::data::source::open(&path.display().to_string(), &crate::config::Data::default()).unwrap();
        let crate::data::source::Source::Table(reader) = source else { panic!("expected a table") };
        let read = reader.read_all().unwrap();
        assert_eq!(read.names, ["file", "f0", "f1"]);
        assert_eq!(read.columns[2].get(1), "4.5");
    }
}
