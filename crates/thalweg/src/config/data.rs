//! What is read, and what its columns are.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thalweg_media::Fit;

use crate::task::Task;

/// What a column's cells hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ColumnKind {
    /// Numbers.
    Numeric,
    /// Two values such as yes/no, true/false, 0/1.
    Boolean,
    /// One of a limited set of values.
    Categorical,
    /// A date, or a date with a time.
    Datetime,
    /// Free text.
    Text,
}

/// What is read, and what its columns are.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Data {
    /// The data: a CSV, JSON Lines, Parquet, Arrow, Excel, ARFF or libsvm file, a folder of pictures or sounds (a class per subfolder), IDX or NPY/NPZ files, `-` for standard input, or `sample:NAME`.
    pub path: String,
    /// The columns to predict. Default: a column called target, label, class or y, else the last one.
    pub target: Vec<String>,
    /// The task. Default: what the target's values say.
    pub task: Option<Task>,
    /// The classes in the order of the outputs, where the data may not hold all of them. Default: those found, sorted.
    pub classes: Vec<String>,
    /// A file of dev rows; no rows are then split off for dev.
    pub dev: Option<String>,
    /// A file of test rows; no rows are then split off for test.
    pub test: Option<String>,
    /// The character between fields. Default: found in the file.
    pub delimiter: Option<char>,
    /// Whether the first line names the columns. Default: found in the file.
    pub header: Option<bool>,
    /// Names for the columns of a file without a header.
    pub names: Vec<String>,
    /// What begins a line that is a comment, such as #; an empty text for nothing. Default: # % or // where such lines stand above the header.
    pub comment: Option<String>,
    /// Lines at the top that are left out. Default: what stands above the header, such as comments and titles.
    pub skip_lines: Option<usize>,
    /// Whether notes and totals below the last row are left out. Default: yes.
    pub skip_footer: Option<bool>,
    /// The text encoding, such as utf-8, utf-16le or latin1. Default: found in the file.
    pub encoding: Option<String>,
    /// The sheet of a workbook that is read. Default: the first with data.
    pub sheet: Option<String>,
    /// Whether numbers are written with a decimal comma. Default: found in the file.
    pub decimal_comma: Option<bool>,
    /// Cells that mean "missing", besides the empty cell. Default: found among NA, N/A, NaN, null, none, #N/A, #DIV/0!, ?, -, -- and the like.
    pub missing: Vec<String>,
    /// Whether values such as -999 or 9999-12-31 that recur far outside all others mean "missing". Default: yes.
    pub sentinels: Option<bool>,
    /// Kinds of columns, by name, where inference is wrong; cells of a numeric one that are no numbers are then missing.
    pub kinds: BTreeMap<String, ColumnKind>,
    /// Columns that name the row: left out of the inputs, kept in predictions.
    pub id: Vec<String>,
    /// Columns to leave out.
    pub ignore: Vec<String>,
    /// Columns to keep that would be left out as id-like.
    pub keep: Vec<String>,
    /// The column of sample weights.
    pub weight: Option<String>,
    /// The column that names files of pictures or sounds, where a table lists them. Default: one called file, path, image, sound or the like.
    pub files: Option<String>,
    /// The arrays of examples and of answers in an HDF5 or NPZ file. Default: x and y, or those whose names end so.
    #[schemars(length(equal = 2))]
    pub arrays: Option<Vec<String>>,
    /// Height and width that pictures are brought to, such as 64,64. Default: by the pictures, 64 at most.
    #[schemars(length(equal = 2), inner(range(min = 1, max = 4096)))]
    pub image_size: Option<Vec<usize>>,
    /// How a picture of another aspect is brought to that size. Default: crop.
    pub fit: Option<Fit>,
    /// Channels that pictures are read with: 1 is grey, 3 is colour. Default: 3 where any has colours.
    #[schemars(range(min = 1, max = 3))]
    pub channels: Option<usize>,
    /// Samples a second that sounds are brought to. Default: as most have, 16000 at most.
    #[schemars(range(min = 100, max = 768000))]
    pub sample_rate: Option<usize>,
    /// Seconds that sounds are brought to: the middle of longer ones, silence around shorter. Default: as 95 % have, 10 at most.
    #[schemars(range(min = 0.001, max = 3600.0))]
    pub seconds: Option<f64>,
    /// Whether sounds are brought to one loudness. Default: yes.
    pub equal_loudness: Option<bool>,
    /// Share of a folder's files that may be unreadable; these are left out and named. Default: 0.01. In a table, share of a column's cells; these are missing. Default: 0.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_bad: Option<f64>,
    /// Most memory that the data may take, such as 512MB or 4GB; beyond it examples stay on disk. Default: what is free.
    pub memory: Option<String>,
    /// Whether examples stay on disk; a table is then read twice and never held in memory. Default: where memory is short.
    pub from_disk: Option<bool>,
    /// The folder on whose disk decoded and encoded examples are kept meanwhile. Default: the current one.
    pub cache: Option<String>,
    /// Whether rows are put into an order of their own before training, so that theirs in the data makes no difference.
    pub any_order: bool,
}
