//! The ends of a column's cells in its text.

use std::ops::Range;

/// Increasing positions in a text: four bytes each, or eight once one does not fit into four.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ends {
    Short(Vec<u32>),
    Long(Vec<u64>),
}

impl Default for Ends {
    fn default() -> Self {
        Ends::Short(Vec::new())
    }
}

impl Ends {
    pub(super) fn with_capacity(cells: usize) -> Self {
        Ends::Short(Vec::with_capacity(cells))
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Ends::Short(ends) => ends.len(),
            Ends::Long(ends) => ends.len(),
        }
    }

    /// The end of a row's cell.
    pub(super) fn get(&self, row: usize) -> usize {
        match self {
            Ends::Short(ends) => ends[row] as usize,
            Ends::Long(ends) => ends[row] as usize,
        }
    }

    /// The range of a row's cell.
    pub(super) fn cell(&self, row: usize) -> Range<usize> {
        self.start(row)..self.get(row)
    }

    /// The start of a row's cell.
    pub(super) fn start(&self, row: usize) -> usize {
        if row == 0 { 0 } else { self.get(row - 1) }
    }

    pub(super) fn push(&mut self, end: usize) {
        match (&mut *self, u32::try_from(end)) {
            (Ends::Short(ends), Ok(end)) => ends.push(end),
            (Ends::Long(ends), _) => ends.push(end as u64),
            (Ends::Short(ends), Err(_)) => {
                let long = ends.iter().map(|end| u64::from(*end)).chain([end as u64]);
                *self = Ends::Long(long.collect());
            }
        }
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        match self {
            Ends::Short(ends) => ends.truncate(rows),
            Ends::Long(ends) => ends.truncate(rows),
        }
    }

    /// Reserves space for this many more, if memory allows.
    pub(super) fn reserve(&mut self, more: usize) {
        let _ = match self {
            Ends::Short(ends) => ends.try_reserve_exact(more),
            Ends::Long(ends) => ends.try_reserve_exact(more),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_past_four_bytes_keep_those_before() {
        let mut ends = Ends::default();
        let positions = [3, u32::MAX as usize, u32::MAX as usize + 1, 1 << 40];
        positions.iter().for_each(|end| ends.push(*end));
        assert!(matches!(ends, Ends::Long(_)));
        assert_eq!((0..4).map(|row| ends.get(row)).collect::<Vec<_>>(), positions);
        assert_eq!((ends.cell(0), ends.cell(2)), (0..3, positions[1]..positions[2]));
        ends.truncate(1);
        assert_eq!(ends.len(), 1);
    }
}
