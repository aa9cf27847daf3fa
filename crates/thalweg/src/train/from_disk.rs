//! Training on rows that are stored on disk: blocks in a new order every epoch, read in windows of many blocks by a
//! background thread, with rows shuffled within each window. Memory is bounded by two windows.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use super::batches::{self, Batch, Epoch, EpochBatches, TrainingSet};
use super::reduction::Share;
use crate::data::row_file::{RowFile, unreadable};
use crate::error::Result;
use crate::random;
use crate::tensor::{Dtype, Tensor, ops};

/// Examples on disk as the network takes them.
#[derive(Debug, Clone)]
pub struct FromDisk {
    file: Arc<RowFile>,
    dtype: Dtype,
    /// Blocks per window.
    window: usize,
    /// A weight for each class.
    class_weights: Option<Vec<f64>>,
    /// The number of classes, if targets are one-hot instead of class indices.
    classes: Option<usize>,
}

impl FromDisk {
    /// Examples from a file, read in windows of about this many bytes.
    pub fn new(file: Arc<RowFile>, dtype: Dtype, window: usize) -> FromDisk {
        let bytes = file.block(0).len() * file.shape().columns * size_of::<f32>();
        let window = (window / bytes.max(1)).max(1);
        FromDisk { file, dtype, window, class_weights: None, classes: None }
    }

    /// The same with a weight for each class, and with one-hot targets instead of class indices, if these are given.
    #[must_use]
    pub fn with_classes(self, weights: Option<&[f64]>, columns: Option<usize>) -> FromDisk {
        FromDisk { class_weights: weights.map(<[f64]>::to_vec), classes: columns, ..self }
    }

    fn has_weights(&self) -> bool {
        self.file.shape().weighted || self.class_weights.is_some()
    }

    /// Rows as the network takes them, from the values in the file.
    fn batch(&self, rows: usize, x: Vec<f32>, y: Vec<f32>, mut weights: Vec<f32>) -> Batch {
        if let Some(of_class) = &self.class_weights {
            weights.resize(rows, 1.0);
            weights.iter_mut().zip(&y).for_each(|(weight, &class)| *weight *= of_class[class as usize] as f32);
        }
        let tensor = |columns: usize, values| Tensor::from_f32([rows, columns], values).into_dtype(self.dtype);
        let y = tensor(self.file.shape().targets, y);
        Batch {
            x: tensor(self.file.shape().columns, x),
            y: match self.classes {
                Some(classes) => batches::one_hot(&y, classes),
                None => y,
            },
            weights: self.has_weights().then(|| Tensor::from_f32([rows], weights).into_dtype(self.dtype)),
        }
    }

    /// Reads a window's blocks and puts their rows into a random order.
    fn read(&self, blocks: &[u32], seed: u64, epoch: usize, window: usize) -> std::io::Result<Window> {
        let [mut x, mut y, mut weights] = [const { Vec::new() }; 3];
        let mut numbers = Vec::new();
        let rows: usize = blocks.iter().map(|&block| self.file.block(block as usize).len()).sum();
        x.reserve_exact(rows * self.file.shape().columns);
        for &block in blocks {
            self.file.read(block as usize, [&mut x, &mut y, &mut weights])?;
            numbers.extend(self.file.block(block as usize).map(|row| row as u32));
        }
        Ok(Window {
            rows: self.batch(rows, x, y, weights),
            numbers,
            order: random::shuffle_window(seed, epoch as u32, window as u32).permutation(rows),
        })
    }
}

/// Rows in memory, and the order in which they are taken.
#[derive(Debug)]
struct Window {
    rows: Batch,
    /// Each row's index in the file.
    numbers: Vec<u32>,
    order: Vec<u32>,
}

impl TrainingSet for FromDisk {
    fn rows(&self) -> usize {
        self.file.rows()
    }

    fn new_batch(&self, rows: usize) -> Batch {
        Batch {
            x: Tensor::zeros([rows, self.file.shape().columns], self.dtype),
            y: Tensor::zeros([rows, self.classes.unwrap_or(self.file.shape().targets)], self.dtype),
            weights: self.has_weights().then(|| Tensor::zeros([rows], self.dtype)),
        }
    }

    fn fetch(&self, numbers: &[u32], batch: &mut Batch) -> Result<()> {
        let [mut x, mut y, mut weights] = [const { Vec::new() }; 3];
        x.reserve_exact(numbers.len() * self.file.shape().columns);
        // Consecutive rows within a block are one read.
        let of_block = self.file.block(0).len();
        for rows in numbers.chunk_by(|a, b| a + 1 == *b && !(*b as usize).is_multiple_of(of_block)) {
            let (first, count) = (rows[0] as usize, rows.len());
            let read = self.file.read_rows(first..first + count, [&mut x, &mut y, &mut weights]);
            read.map_err(|error| unreadable(&error))?;
        }
        let read = self.batch(numbers.len(), x, y, weights);
        let parts = [(&mut batch.x, &read.x), (&mut batch.y, &read.y)].into_iter();
        for (to, from) in parts.chain(batch.weights.as_mut().zip(read.weights.as_ref())) {
            ops::copy(from.view(), to.rows_mut(numbers.len()));
        }
        Ok(())
    }

    fn epoch<'a>(&'a self, EpochBatches { size, seed, epoch, skip, share }: EpochBatches) -> Box<dyn Epoch + 'a> {
        let blocks = random::shuffle(seed, epoch as u32).permutation(self.file.blocks());
        let windows: Vec<Vec<u32>> = blocks.chunks(self.window).map(<[u32]>::to_vec).collect();
        // Windows before the first batch are not even read.
        let mut done = (skip * size).min(self.rows());
        let left = self.rows() - done;
        let mut first = 0;
        while let Some(window) = windows.get(first) {
            let rows: usize = window.iter().map(|&block| self.file.block(block as usize).len()).sum();
            if rows > done {
                break;
            }
            (done, first) = (done - rows, first + 1);
        }
        // The thread hands a window over when the next one is needed, and then reads ahead.
        let (sender, windows_read) = sync_channel(0);
        let all = self.clone();
        std::thread::spawn(move || {
            for (i, blocks) in windows.iter().enumerate().skip(first) {
                if sender.send(all.read(blocks, seed, epoch, i)).is_err() {
                    return;
                }
            }
        });
        Box::new(DiskBatches {
            windows: windows_read,
            window: None,
            next: done,
            left,
            size,
            share,
            numbers: Vec::new(),
        })
    }
}

struct DiskBatches {
    windows: Receiver<std::io::Result<Window>>,
    window: Option<Window>,
    /// Rows of the window that have been taken.
    next: usize,
    /// Rows of the epoch that have not been taken.
    left: usize,
    size: usize,
    share: Share,
    numbers: Vec<u32>,
}

impl Epoch for DiskBatches {
    fn next(&mut self, batch: &mut Batch) -> Result<Option<&[u32]>> {
        let m = self.size.min(self.left);
        let own = self.share.rows(m);
        self.numbers.clear();
        let mut taken = 0;
        // A batch may begin in one window and end in the next.
        while taken < m {
            let window = match self.window.take() {
                Some(window) => window,
                None => self
                    .windows
                    .recv()
                    .unwrap_or_else(|_| Err(std::io::ErrorKind::BrokenPipe.into()))
                    .map_err(|error| unreadable(&error))?,
            };
            let rows = &window.order[self.next..(self.next + m - taken).min(window.order.len())];
            let [start, end] = [own.start, own.end].map(|row| row.clamp(taken, taken + rows.len()) - taken);
            let (own, filled) = (&rows[start..end], self.numbers.len());
            batch.put(filled, own, [&window.rows.x, &window.rows.y], window.rows.weights.as_ref());
            self.numbers.extend(own.iter().map(|&row| window.numbers[row as usize]));
            (self.next, taken) = (self.next + rows.len(), taken + rows.len());
            if self.next < window.order.len() {
                self.window = Some(window);
            } else {
                self.next = 0;
            }
        }
        self.left -= m;
        Ok((m > 0).then_some(&self.numbers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Reduction;
    use crate::data::row_file::{RowShape, RowWriter};

    /// Rows whose only input is their index and whose answer is 0 or 1, in windows of two blocks.
    fn rows(rows: usize, class_weights: Option<Vec<f64>>) -> FromDisk {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = RowWriter::new(folder.path(), RowShape { columns: 1, targets: 1, weighted: false }).unwrap();
        let x: Vec<f32> = (0..rows).map(|row| row as f32).collect();
        let y: Vec<f32> = x.iter().map(|x| x % 2.0).collect();
        writer.push(rows, [&x, &y, &[]]).unwrap();
        let file = Arc::new(writer.finish().unwrap());
        FromDisk { window: 2, class_weights, ..FromDisk::new(file, Dtype::F32, 0) }
    }

    fn epoch(all: &FromDisk, size: usize, epoch: usize, skip: usize) -> Vec<Vec<u32>> {
        shares(all, size, epoch, (skip, Share::WHOLE))
    }

    fn shares(all: &FromDisk, size: usize, epoch: usize, (skip, share): (usize, Share)) -> Vec<Vec<u32>> {
        let batches = EpochBatches { size, seed: 3, epoch, skip, share };
        let (mut batches, mut batch) = (all.epoch(batches), all.new_batch(size));
        let mut found = Vec::new();
        while let Some(numbers) = batches.next(&mut batch).unwrap() {
            for (i, &number) in numbers.iter().enumerate() {
                assert_eq!((batch.x.view().at(i), batch.y.view().at(i)), (f64::from(number), f64::from(number % 2)));
            }
            found.push(numbers.to_vec());
        }
        found
    }

    #[test]
    fn every_row_comes_once_in_each_epoch_s_own_order() {
        // Blocks of 32,768 rows: four windows, the last of them short.
        let all = rows(220_000, None);
        let first = epoch(&all, 7_001, 1, 0);
        assert!(first[..first.len() - 1].iter().all(|batch| batch.len() == 7_001));
        let mut sorted = first.concat();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..220_000).collect::<Vec<u32>>());
        assert_ne!(first.concat(), epoch(&all, 7_001, 2, 0).concat());
        assert_eq!(first.concat(), epoch(&all, 512, 1, 0).concat(), "the order does not depend on the batches");
        for skip in [1, 9, 10, 20, 31, 32, 100] {
            assert_eq!(epoch(&all, 7_001, 1, skip), first[skip.min(first.len())..], "{skip} batches skipped");
        }
    }

    #[test]
    fn shares_are_the_batches_between_them() {
        let all = rows(220_000, None);
        let whole = epoch(&all, 7_001, 1, 0);
        for reduction in [Reduction::Fast, Reduction::Ordered] {
            let share = |rank| shares(&all, 7_001, 1, (0, Share::new(rank, 3, reduction)));
            let [first, second, third] = [0, 1, 2].map(share);
            let together = first.into_iter().zip(second).zip(third).map(|((a, b), c)| [a, b, c].concat());
            assert_eq!(together.collect::<Vec<_>>(), whole);
        }
    }

    #[test]
    fn classes_weigh_what_they_should() {
        let all = rows(10, Some(vec![0.5, 3.0]));
        let mut batch = all.new_batch(10);
        let batches = EpochBatches { size: 10, seed: 0, epoch: 1, skip: 0, share: Share::WHOLE };
        all.epoch(batches).next(&mut batch).unwrap();
        let weights = batch.weights.unwrap();
        assert!((0..10).all(|i| weights.view().at(i) == if batch.y.view().at(i) == 0.0 { 0.5 } else { 3.0 }));
    }
}
