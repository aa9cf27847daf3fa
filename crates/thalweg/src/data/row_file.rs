//! Rows in a file, for data that does not fit into memory: blocks of rows, each its inputs, then its targets, then its
//! weights, as native-endian f32. The file is unnamed, so that the system removes it when the process ends.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::config;
use crate::error::{Error, ErrorKind, Result};

/// Bytes of a block: large enough for random reads to cost little.
const BLOCK: usize = 1 << 18;

/// The layout of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowShape {
    /// The number of inputs.
    pub columns: usize,
    /// The number of targets.
    pub targets: usize,
    /// Whether there is a weight.
    pub weighted: bool,
}

impl RowShape {
    fn numbers(self) -> usize {
        self.columns + self.targets + usize::from(self.weighted)
    }

    fn rows_of_block(self) -> usize {
        (BLOCK / (size_of::<f32>() * self.numbers())).max(1)
    }
}

/// Rows in a file, read a block at a time.
#[derive(Debug)]
pub struct RowFile {
    file: Mutex<File>,
    shape: RowShape,
    rows: usize,
    hash: blake3::Hash,
}

impl RowFile {
    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The layout of a row.
    pub fn shape(&self) -> RowShape {
        self.shape
    }

    /// BLAKE3 of everything in the file.
    pub fn hash(&self) -> blake3::Hash {
        self.hash
    }

    /// The number of blocks.
    pub fn blocks(&self) -> usize {
        self.rows.div_ceil(self.shape.rows_of_block())
    }

    /// The row indices of a block.
    pub fn block(&self, block: usize) -> Range<usize> {
        let rows = self.shape.rows_of_block();
        block * rows..((block + 1) * rows).min(self.rows)
    }

    /// Appends a block's inputs, targets and weights to vectors.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn read(&self, block: usize, vectors: [&mut Vec<f32>; 3]) -> io::Result<()> {
        self.read_rows(self.block(block), vectors)
    }

    /// Appends one row's inputs, targets and weight to vectors.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn read_row(&self, row: usize, vectors: [&mut Vec<f32>; 3]) -> io::Result<()> {
        self.read_rows(row..row + 1, vectors)
    }

    /// One row's inputs.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(crate) fn inputs(&self, row: usize) -> Result<Vec<f32>> {
        let mut x = Vec::with_capacity(self.shape.columns);
        let read = self.read_row(row, [&mut x, &mut Vec::new(), &mut Vec::new()]);
        read.map_err(|error| unreadable(&error))?;
        Ok(x)
    }

    /// Appends the inputs, targets and weights of some rows of one block to vectors.
    pub(crate) fn read_rows(&self, rows: Range<usize>, [x, y, weights]: [&mut Vec<f32>; 3]) -> io::Result<()> {
        let shape = self.shape;
        let all = self.block(rows.start / shape.rows_of_block());
        let mut start = all.start * shape.numbers();
        for (numbers, width) in [(x, shape.columns), (y, shape.targets), (weights, usize::from(shape.weighted))] {
            self.read_numbers(start + (rows.start - all.start) * width, rows.len() * width, numbers)?;
            start += all.len() * width;
        }
        Ok(())
    }

    /// The targets of a block.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn read_answers(&self, block: usize) -> io::Result<Vec<f32>> {
        let (rows, shape, mut y) = (self.block(block), self.shape, Vec::new());
        let start = rows.start * shape.numbers() + rows.len() * shape.columns;
        self.read_numbers(start, rows.len() * shape.targets, &mut y)?;
        Ok(y)
    }

    /// Appends this many of the file's floats to a vector.
    fn read_numbers(&self, start: usize, count: usize, numbers: &mut Vec<f32>) -> io::Result<()> {
        let filled = numbers.len();
        numbers.resize(filled + count, 0.0);
        if count == 0 {
            return Ok(());
        }
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start((start * size_of::<f32>()) as u64))?;
        file.read_exact(bytemuck::cast_slice_mut(&mut numbers[filled..]))
    }
}

/// A file of rows under construction.
#[derive(Debug)]
pub struct RowWriter {
    file: File,
    folder: String,
    shape: RowShape,
    rows: usize,
    hasher: blake3::Hasher,
    /// Rows that do not fill a block yet.
    x: Vec<f32>,
    y: Vec<f32>,
    weights: Vec<f32>,
}

impl RowWriter {
    /// An unnamed file on the disk of a folder.
    ///
    /// # Errors
    /// If the folder cannot be written to.
    pub fn new(folder: &Path, shape: RowShape) -> Result<RowWriter> {
        let name = folder.display().to_string();
        let file = tempfile::tempfile_in(folder).map_err(|error| unwritable(&name, &error))?;
        let [x, y, weights] = [const { Vec::new() }; 3];
        Ok(RowWriter { file, folder: name, shape, rows: 0, hasher: blake3::Hasher::new(), x, y, weights })
    }

    /// Appends rows, given their inputs, targets and weights.
    ///
    /// # Errors
    /// If the disk is full or fails, or there are more rows than can be indexed.
    pub fn push(&mut self, rows: usize, [x, y, weights]: [&[f32]; 3]) -> Result<()> {
        self.x.extend(x);
        self.y.extend(y);
        self.weights.extend(weights);
        self.rows += rows;
        if self.rows > u32::MAX as usize {
            return Err(Error::data(format!("more than {} training rows", u32::MAX)).fix("train on fewer rows"));
        }
        let rows = self.shape.rows_of_block();
        while self.x.len() >= rows * self.shape.columns && self.y.len() >= rows * self.shape.targets {
            self.write(rows)?;
        }
        Ok(())
    }

    /// Writes the first pending rows as a block.
    fn write(&mut self, rows: usize) -> Result<()> {
        let RowShape { columns, targets, weighted } = self.shape;
        let waiting = [(&mut self.x, columns), (&mut self.y, targets), (&mut self.weights, usize::from(weighted))];
        for (numbers, width) in waiting {
            let block: Vec<f32> = numbers.drain(..rows * width).collect();
            let bytes = bytemuck::cast_slice(&block);
            self.hasher.update(bytes);
            self.file.write_all(bytes).map_err(|error| unwritable(&self.folder, &error))?;
        }
        Ok(())
    }

    /// Writes the last block and returns the file.
    ///
    /// # Errors
    /// If the disk is full or fails.
    pub fn finish(mut self) -> Result<RowFile> {
        let left = self.rows % self.shape.rows_of_block();
        self.write(left)?;
        Ok(RowFile { file: Mutex::new(self.file), shape: self.shape, rows: self.rows, hash: self.hasher.finalize() })
    }
}

/// The folder on whose disk rows are stored.
pub(crate) fn folder(options: &config::Data) -> &Path {
    Path::new(options.cache.as_deref().unwrap_or("."))
}

/// The error for a file of rows that cannot be read.
pub(crate) fn unreadable(error: &io::Error) -> Error {
    Error::io(ErrorKind::Data, "the file of rows on disk", "read rows", error).fix("look after the disk, and try again")
}

fn unwritable(folder: &str, error: &io::Error) -> Error {
    Error::io(ErrorKind::Data, folder, "keep rows on disk", error).fix("name a folder with room for them: [cache=DIR]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_give_back_the_rows_in_order() {
        let shape = RowShape { columns: 7, targets: 2, weighted: true };
        let folder = tempfile::tempdir().unwrap();
        let mut writer = RowWriter::new(folder.path(), shape).unwrap();
        let total = 2 * shape.rows_of_block() + 5;
        let number = |row: usize, i: usize| (row * 10 + i) as f32;
        let mut next = 0;
        for rows in [1, 4000, 3000].into_iter().chain(std::iter::repeat(5000)) {
            let rows = rows.min(total - next);
            let all = |from: usize, to: usize| -> Vec<f32> {
                (next..next + rows).flat_map(|row| (from..to).map(move |i| number(row, i))).collect()
            };
            writer.push(rows, [&all(0, 7), &all(7, 9), &all(9, 10)]).unwrap();
            next += rows;
            if next == total {
                break;
            }
        }
        let file = writer.finish().unwrap();
        assert_eq!((file.rows(), file.blocks(), file.block(2).len()), (total, 3, 5));
        for block in [2, 0, 1] {
            let [mut x, mut y, mut weights] = [vec![-1.0], Vec::new(), Vec::new()];
            file.read(block, [&mut x, &mut y, &mut weights]).unwrap();
            for (i, row) in file.block(block).enumerate() {
                assert_eq!(
                    (x[1 + i * 7 + 6], y[i * 2 + 1], weights[i]),
                    (number(row, 6), number(row, 8), number(row, 9))
                );
            }
            assert_eq!(file.read_answers(block).unwrap(), y);
        }
        for row in [0, shape.rows_of_block() + 3, total - 1] {
            let [mut x, mut y, mut weights] = [const { Vec::new() }; 3];
            file.read_row(row, [&mut x, &mut y, &mut weights]).unwrap();
            let found = [&x[..], &y, &weights].concat();
            assert_eq!(found, (0..10).map(|i| number(row, i)).collect::<Vec<f32>>());
            assert_eq!(file.inputs(row).unwrap(), x);
        }
    }
}
