//! A table that is never completely in memory: it is read twice, its training rows encoded into a file.
//!
//! The first pass counts the rows and keeps a random sample, from which the schema is inferred and the pipeline fitted
//! (on the sample's training rows only); the second encodes every row. A row's split is chosen by the hash of its
//! content, so equal rows end up in the same split, and adding rows moves others only as far as the fractions change.

use std::collections::HashSet;
use std::sync::Arc;

use super::cell_format::CellFormat;
use super::dataset::{self, Dataset, Fitted, SHOWN};
use super::examples::Examples;
use super::memory;
use super::preprocess::Pipeline;
use super::rejects::Reject;
use super::row_file::{self, RowFile, RowShape, RowWriter};
use super::schema::{self, Role, Schema};
use super::source::{self, Source, TableReader};
use super::split;
use super::table::Table;
use super::target::{self, Target};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::event::{Decision, Splits};

/// Rows that are read at a time: maximum and minimum.
const CHUNK: [usize; 2] = [1 << 15, 1 << 8];

/// Bytes of a cell: its text, its end, and its value as a number.
const CELL: usize = 32;

/// Rows of the sample, and its cells where rows are wide.
const SAMPLE_ROWS: usize = 50_000;
const SAMPLE_CELLS: usize = 5_000_000;

/// Maximum number of distinct labels that are collected.
const LABELS: usize = 100_000;

/// Copies of a table's file in memory: its text, its numbers and its inputs.
const COPIES: u64 = 4;

/// Whether the rows of the configured table stay on disk.
pub(super) fn wanted(reader: &TableReader, config: &Config, decisions: &mut Vec<Decision>) -> Result<bool> {
    let needed = reader.bytes().unwrap_or_default().saturating_mul(COPIES);
    memory::stay_on_disk(&config.data, needed, decisions)
}

/// Splits and encodes a table that stays on disk, reading its rows once more; `config` names its dev and test files,
/// too, and `comma` is the user's setting for decimal commas.
pub(super) fn load(reader: TableReader, config: Config, comma: Option<bool>) -> Result<Dataset> {
    check(&config)?;
    let sampled = SampledTable::new(reader, &config)?;
    let (schema, inferred) = Schema::infer(&sampled.sample, &config)?;
    let mut decisions = sampled.decisions.clone();
    decisions.extend(inferred);
    decisions.push(Decision {
        what: format!("columns' kinds and scales are those of {} sampled rows", sampled.sample.rows()),
        why: format!("{} rows stay on disk", sampled.rows),
        instead: "[from_disk=false]".into(),
    });
    let (own_dev, own_test) = (config.data.dev.is_some(), config.data.test.is_some());
    let (fractions, decision) = split::fractions(sampled.rows, own_dev, own_test, &config.split)?;
    decisions.extend(decision);
    let split = HashSplit { fractions, seed: split_seed(&config) };

    let mut warnings = Vec::new();
    let known = dataset::known_rows(&sampled.sample, &schema, &mut Vec::new())?;
    let train = split.divide(&sampled.sample, &known, &schema.cell_format).train;
    let mut target = Target::fit(&sampled.sample, &schema, &known, &train, &config.preprocessing())?;
    target.set_quantiles(&config)?;
    let found = schema.classes.is_empty() && schema.separator.is_none();
    if schema.task.is_classes() && found && sampled.target.as_ref() == target.columns.first() {
        target.classes = target::sorted_classes(sampled.labels, &schema.cell_format);
        target.check_count(&config.data.path)?;
    }
    let (pipeline, fitted) = Pipeline::fit(&sampled.sample, &schema, &train, &config.preprocessing())?;
    decisions.extend(fitted);
    drop(sampled.sample);

    let fitted = Fitted { schema: &schema, pipeline: &pipeline, target: &target };
    let mut widened = target.clone();
    let (mut parts, file, mut rejects) = fitted.encode_all(&config, &split, &mut widened, &mut warnings)?;
    decisions.extend(widened.clipping(&config));
    for (own, part) in [(&config.data.dev, &mut parts.dev), (&config.data.test, &mut parts.test)] {
        if let Some(path) = own {
            let table = dataset::table(path, &config, comma, &mut decisions)?;
            rejects.extend(schema::rejects_of(&table, &schema));
            *part = fitted.encode_own(&table, &mut warnings)?;
        }
    }
    Ok(Dataset {
        name: config.data.path.clone(),
        task: schema.task,
        schema,
        pipeline,
        target: widened,
        parts,
        own_dev: config.data.dev.is_some(),
        trains_on_dev: false,
        on_disk: Some(Arc::new(file)),
        decisions,
        warnings,
        rejects,
        hashes: Default::default(),
        forecast: None,
    })
}

/// Rejects what cannot be done one row at a time.
fn check(config: &Config) -> Result<()> {
    let refuse = |what: &str, fix: &str| Err(Error::config(what).at("--from-disk").fix(fix));
    if !std::path::Path::new(&config.data.path).is_file() {
        return refuse("rows that stay on disk come from a file, which is read twice", "name a file");
    }
    for (asked, flag) in [
        (config.split.group.is_some(), "--group"),
        (config.split.time.is_some(), "--time"),
        (config.split.stratify == Some(true), "--stratify"),
        (config.split.fold.is_some(), "--fold"),
        (config.split.test_fold.is_some(), "--test-fold"),
        (config.data.any_order, "--any-order"),
    ] {
        if asked {
            let what = format!("{flag} needs all rows at once; rows that stay on disk are split by their hash");
            return refuse(&what, "divide the file yourself, and name the parts with [dev] and [test]");
        }
    }
    dataset::refuse_full_batches(config)
}

fn open(config: &Config) -> Result<Box<TableReader>> {
    match source::open(&config.data.path, &config.data)? {
        Source::Table(reader) => Ok(reader),
        Source::Arrays(_) => {
            Err(Error::data("the file has become another").at(&*config.data.path).fix("leave it alone during training"))
        }
    }
}

/// The number of rows, of this many columns, that are read at a time.
fn chunk_rows(config: &Config, columns: usize) -> Result<usize> {
    let [most, least] = CHUNK;
    Ok((memory::at_once(&config.data)? / (CELL * columns.max(1))).clamp(least, most))
}

fn split_seed(config: &Config) -> u64 {
    config.split.split_seed.unwrap_or(config.train.seed)
}

/// The results of the first pass.
struct SampledTable {
    rows: usize,
    sample: Table,
    /// The target suggested by its first rows, and its labels.
    target: Option<String>,
    labels: HashSet<String, foldhash::fast::RandomState>,
    /// Decisions made while reading.
    decisions: Vec<Decision>,
}

impl SampledTable {
    fn new(mut reader: TableReader, config: &Config) -> Result<SampledTable> {
        let cell_format = CellFormat::new(&config.data);
        let columns = reader.names().len().max(1);
        let cells = config.data.memory_bytes()?.map_or(SAMPLE_CELLS, |most| SAMPLE_CELLS.min(most as usize / 2 / CELL));
        let most = SAMPLE_ROWS.min(cells / columns).max(1000);
        let chunk_rows = chunk_rows(config, columns)?;
        let mut sampled = SampledTable {
            rows: 0,
            sample: Table::default(),
            target: None,
            labels: HashSet::default(),
            decisions: Vec::new(),
        };
        // The sample is the rows with the smallest keys, which are as good as random.
        let (mut keys, mut limit) = (Vec::new(), u64::MAX);
        while let Some(chunk) = reader.next_chunk(chunk_rows)? {
            if sampled.rows == 0 {
                let schema = Schema::infer(&chunk, config);
                sampled.target = schema.ok().and_then(|(schema, _)| schema.names(Role::Target).into_iter().next());
                sampled.sample = chunk.select(&[]);
            }
            sampled.collect_labels(&chunk, &cell_format);
            let numbers: Vec<u64> = (sampled.rows as u64..)
                .take(chunk.rows())
                .map(|row| split::sample_key(split_seed(config), row))
                .collect();
            let picked: Vec<usize> = (0..chunk.rows()).filter(|row| numbers[*row] < limit).collect();
            sampled.sample.append(&chunk, &picked);
            keys.extend(picked.iter().map(|row| numbers[*row]));
            sampled.rows += chunk.rows();
            if keys.len() > 2 * most {
                sampled.shrink(&mut keys, most);
                limit = keys.iter().copied().max().unwrap_or(u64::MAX);
            }
        }
        sampled.shrink(&mut keys, most);
        sampled.decisions = reader.decisions().to_vec();
        Ok(sampled)
    }

    /// Keeps the rows of the sample with the smallest keys, at most this many.
    fn shrink(&mut self, keys: &mut Vec<u64>, most: usize) {
        if keys.len() > most {
            let limit = *keys.clone().select_nth_unstable(most).1;
            let kept: Vec<usize> = (0..keys.len()).filter(|row| keys[*row] < limit).collect();
            self.sample = self.sample.select(&kept);
            *keys = kept.iter().map(|row| keys[*row]).collect();
        }
    }

    fn collect_labels(&mut self, chunk: &Table, cell_format: &CellFormat) {
        let Some(position) = self.target.as_ref().and_then(|name| chunk.position(name)) else { return };
        let cells = chunk.columns[position].readings(cell_format);
        for label in (0..chunk.rows()).filter_map(|row| cells.category(row)) {
            if self.labels.len() < LABELS && !self.labels.contains(&*label) {
                self.labels.insert(label.into_owned());
            }
        }
    }
}

/// Splits by the hash of each row's content.
struct HashSplit {
    fractions: Splits<f64>,
    seed: u64,
}

impl HashSplit {
    /// Assigns rows of a table to splits.
    fn divide(&self, table: &Table, rows: &[usize], cell_format: &CellFormat) -> Splits<Vec<usize>> {
        let mut parts = Splits::<Vec<usize>>::default();
        let Splits { dev, test, .. } = self.fractions;
        for (row, key) in rows.iter().zip(split::contents(table, rows, cell_format, self.seed)) {
            let share = key as f64 / 2f64.powi(64);
            let part = match share {
                share if share < test => &mut parts.test,
                share if share < test + dev => &mut parts.dev,
                _ => &mut parts.train,
            };
            part.push(*row);
        }
        parts
    }
}

impl Fitted<'_> {
    /// The second pass: training rows go into a file, the first of them and the other splits stay in memory. The limits of
    /// `widened` become those of all training rows.
    fn encode_all(
        &self,
        config: &Config,
        split: &HashSplit,
        widened: &mut Target,
        warnings: &mut Vec<String>,
    ) -> Result<(Splits<Examples>, RowFile, Vec<Reject>)> {
        let shape = RowShape {
            columns: self.pipeline.width(),
            targets: self.target.width(),
            weighted: self.schema.with_role(Role::Weight).next().is_some(),
        };
        let mut writer = RowWriter::new(row_file::folder(&config.data), shape)?;
        let mut parts = Splits::<Examples>::default();
        let (mut unknown, mut rows, mut rejects) = (0, 0, Vec::new());
        let mut reader = open(config)?;
        let chunk_rows = chunk_rows(config, reader.names().len())?;
        while let Some(chunk) = reader.next_chunk(chunk_rows)? {
            let known = dataset::known_rows(&chunk, self.schema, &mut Vec::new())?;
            (unknown, rows) = (unknown + chunk.rows() - known.len(), rows + chunk.rows());
            rejects.extend(schema::rejects_of(&chunk, self.schema));
            let divided = split.divide(&chunk, &known, &self.schema.cell_format);
            let train = self.examples(&chunk, &divided.train)?;
            widened.widen(&chunk, &divided.train)?;
            writer.push(train.rows, train.vectors())?;
            if parts.train.rows < SHOWN.min(chunk_rows) {
                parts.train.append(train);
            }
            for (rows, part) in [(&divided.dev, &mut parts.dev), (&divided.test, &mut parts.test)] {
                part.append(self.examples(&chunk, rows)?.with_cells(&chunk, rows, self.schema, self.target));
            }
            let held = ["rows of dev and test", "hold fewer back, such as [split=0.98,0.01,0.01]"];
            memory::check_held(&config.data, held, parts.dev.rows + parts.test.rows, shape.columns)?;
        }
        if unknown > 0 {
            warnings.push(format!("{}: {unknown} of {rows} rows have no answer and are left out", config.data.path));
        }
        let file = writer.finish()?;
        if file.rows() == 0 {
            return Err(Error::data("no rows are left to train on").at(&*config.data.path).fix("add rows"));
        }
        Ok((parts, file, rejects))
    }

    /// A split in a separate file, which is read into memory.
    fn encode_own(&self, table: &Table, warnings: &mut Vec<String>) -> Result<Examples> {
        let known = dataset::known_rows(table, self.schema, warnings)?;
        warnings.extend(self.target.overlooked_stops(table, &known));
        Ok(self.examples(table, &known)?.with_cells(table, &known, self.schema, self.target))
    }

    fn examples(&self, table: &Table, rows: &[usize]) -> Result<Examples> {
        Examples::encode(table, rows, self.schema, self.pipeline, Some(self.target))
    }
}
