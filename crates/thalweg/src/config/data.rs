//! The options of the data and its columns.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thalweg_media::Fit;

use super::Order;
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
    /// One of a few values that have an order, such as small, medium, large.
    Ordered,
    /// A date, or a date with a time.
    Datetime,
    /// Free text.
    Text,
}

/// The data and its columns.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Data {
    /// The data: a CSV, JSON Lines, Parquet, Arrow, Excel, SQLite, ARFF or libsvm file, a folder of images, clips or
    /// sounds (one class per subfolder), IDX or NPY/NPZ files, `-` for standard input, or `sample:NAME`.
    pub path: String,
    /// The columns to predict. Default: a column called target, label, class or y, else the last one.
    pub target: Vec<String>,
    /// The task. Default: inferred from the target's values.
    pub task: Option<Task>,
    /// The classes in output order, where the data may not contain all of them. Default: those found, sorted.
    pub classes: Vec<String>,
    /// A file of dev rows; dev is then not split off.
    pub dev: Option<String>,
    /// A file of test rows; test is then not split off.
    pub test: Option<String>,
    /// The field delimiter. Default: detected.
    pub delimiter: Option<char>,
    /// Whether the first line is a header. Default: detected.
    pub header: Option<bool>,
    /// Column names for a file without a header.
    pub names: Vec<String>,
    /// The prefix of comment lines, such as #; empty for none. Default: # % or // where such lines precede the header.
    pub comment: Option<String>,
    /// Lines to skip at the top. Default: those above the header, such as comments and titles.
    pub skip_lines: Option<usize>,
    /// Whether notes and totals below the last row are skipped. Default: yes.
    pub skip_footer: Option<bool>,
    /// The text encoding, such as utf-8, utf-16le or latin1. Default: detected.
    pub encoding: Option<String>,
    /// The sheet of a workbook to read. Default: the first with data.
    pub sheet: Option<String>,
    /// The rows of an SQLite database to read, as a SELECT statement. Default: those of its table, if it has one alone.
    pub query: Option<String>,
    /// Whether numbers are written with a decimal comma. Default: detected.
    pub decimal_comma: Option<bool>,
    /// Cells that mean "missing", in addition to the empty cell. Default: those found among NA, N/A, NaN, null,
    /// none, #N/A, #DIV/0!, ?, -, -- and similar markers.
    pub missing: Vec<String>,
    /// Whether recurring values far outside all others, such as -999 or 9999-12-31, mean "missing". Default: yes.
    pub sentinels: Option<bool>,
    /// Column kinds by name, where inference is wrong; non-numeric cells of a numeric column are then missing.
    pub kinds: BTreeMap<String, ColumnKind>,
    /// The categories of columns from the lowest to the highest, such as size=small<medium<large. Default: well-known
    /// scales are recognised.
    pub order: BTreeMap<String, Order>,
    /// Columns that identify rows: left out of the inputs, kept in predictions.
    pub id: Vec<String>,
    /// Columns to leave out.
    pub ignore: Vec<String>,
    /// Columns to keep that would otherwise be left out as id-like.
    pub keep: Vec<String>,
    /// The column of sample weights.
    pub weight: Option<String>,
    /// The column of file names, where a table lists images or sounds. Default: one named file, path, image, sound or
    /// similar.
    pub files: Option<String>,
    /// The arrays of examples and targets in an HDF5 or NPZ file. Default: x and y, or those whose names end in them.
    #[schemars(length(equal = 2))]
    pub arrays: Option<Vec<String>>,
    /// Height and width that images are resized to, such as 64,64. Default: from the images, 64 at most.
    #[schemars(length(equal = 2), inner(range(min = 1, max = 4096)))]
    pub image_size: Option<Vec<usize>>,
    /// How images of another aspect ratio are fitted to that size. Default: crop.
    pub fit: Option<Fit>,
    /// Channels that images are read with: 1 for grey, 3 for colour. Default: 3 where any image has colour.
    #[schemars(range(min = 1, max = 3))]
    pub channels: Option<usize>,
    /// Frames kept of each clip, spread evenly over it: an animated image or a folder of images (1: these are images, as any
    /// others). Default: as many as most clips have, 16 at most.
    #[schemars(range(min = 1, max = 1000))]
    pub frames: Option<usize>,
    /// Sample rate in Hz that sounds are resampled to. Default: the median, 16000 at most.
    #[schemars(range(min = 100, max = 768000))]
    pub sample_rate: Option<usize>,
    /// Length of sounds in seconds: longer ones are cropped to the middle, shorter ones padded with silence on both
    /// sides. Default: enough for 95 % of them, 10 at most.
    #[schemars(range(min = 0.001, max = 3600.0))]
    pub seconds: Option<f64>,
    /// Whether sounds are normalised to equal loudness. Default: yes.
    pub equal_loudness: Option<bool>,
    /// Share of a folder's files that may be unreadable; these are left out and listed. Default: 0.01. In a table,
    /// share of a column's cells; these are missing. Default: 0.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_bad: Option<f64>,
    /// Maximum memory for the data, such as 512MB or 4GB; beyond it examples stay on disk. Default: the memory that is
    /// free.
    pub memory: Option<String>,
    /// Whether examples stay on disk; a table is then read twice and never held in memory. Default: only where memory
    /// is short.
    pub from_disk: Option<bool>,
    /// The folder for temporary files of decoded and encoded examples. Default: the current one.
    pub cache: Option<String>,
    /// Whether rows are put into a canonical order before training, so that their order in the data makes no
    /// difference.
    pub any_order: bool,
    /// The column that names the sequence of each row, where many rows have one target, such as recording: each sequence is
    /// an example, whose steps are its rows in the order of time, if that is named.
    pub sequence: Option<String>,
    /// For sequences: steps kept of each, spread evenly over those that have more. Default: as many as the longest training
    /// sequence has, 500 at most.
    #[schemars(range(min = 1, max = 100_000))]
    pub sequence_length: Option<usize>,
    /// Steps to forecast: how many of the target's next values are predicted from its past, with time the column that
    /// orders the rows.
    #[schemars(range(min = 1, max = 1000))]
    pub forecast: Option<usize>,
    /// For a forecast: how many of the last values it is made from. Default: two seasons, 8 at least and 200 at most, or one
    /// longer season, but no more than a quarter of the longest series.
    #[schemars(range(min = 1, max = 10_000))]
    pub window: Option<usize>,
    /// For a forecast: the column that tells series apart, where the data has several, such as store.
    pub series: Option<String>,
    /// For a forecast: columns whose values are known ahead, such as holidays.
    pub known: Vec<String>,
    /// For a forecast: steps after which the series repeat themselves (1: they do not). Default: by the step, such as 7 for
    /// days and 12 for months; of hours and minutes a day or a week, whichever repeats itself better.
    #[schemars(range(min = 1, max = 10_000))]
    pub season: Option<usize>,
}
