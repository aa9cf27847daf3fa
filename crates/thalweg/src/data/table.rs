//! A table as read: named columns of text cells, each row with the line it began on.

/// One column: its cells' text end to end, and where each cell ends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextColumn {
    text: String,
    ends: Vec<usize>,
}

impl TextColumn {
    /// Adds a cell at the bottom.
    pub fn push(&mut self, cell: &str) {
        self.text.push_str(cell);
        self.ends.push(self.text.len());
    }

    /// The text of a row's cell.
    pub fn get(&self, row: usize) -> &str {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.text[start..self.ends[row]]
    }

    /// How many cells there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are no cells.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The cells from top to bottom.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|row| self.get(row))
    }
}

/// Rows of text cells under named columns; a whole file or one chunk of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    /// What errors call the source: a path, `-` or `sample:NAME`.
    pub source: String,
    /// Column names, unique.
    pub names: Vec<String>,
    /// One column a name, all of one length.
    pub columns: Vec<TextColumn>,
    /// The line of the file (from 1) on which each row begins.
    pub lines: Vec<u64>,
}

impl Table {
    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.lines.len()
    }

    /// The position of a column by its exact name.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|n| n == name)
    }

    /// Where a cell is, for errors: `houses.csv, line 7, column "price"`.
    pub fn place(&self, row: usize, column: usize) -> String {
        format!("{}, line {}, column {:?}", self.source, self.lines[row], self.names[column])
    }
}
