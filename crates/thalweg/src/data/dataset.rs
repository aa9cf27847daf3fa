//! From a configuration to the matrices that a network is trained on.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::arrays::Arrays;
use super::cell_format::CellFormat;
use super::examples::{Examples, Raw};
use super::forecast::{self, ForecastData};
use super::memory;
use super::partition::Partition;
use super::preprocess::{ArrayScale, Pipeline};
use super::rejects::Reject;
use super::row_file::{self, RowFile, RowShape, RowWriter};
use super::rows::Rows;
use super::schema::{self, Role, Schema, Task};
use super::sequences::Sequences;
use super::source::{self, Source};
use super::table::Table;
use super::target::Target;
use crate::config::{self, Config};
use crate::error::{Advice, advice};
use crate::event::{Decision, Splits};
use crate::{Error, Result};

/// The seed of the canonical row order, used where the order in the data must make no difference; any value will do.
const ORDER_SEED: u64 = 0;

/// Data ready for training.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// The data's name: a path, `-` or `sample:NAME`.
    pub name: String,
    /// The columns.
    pub schema: Schema,
    /// Raw columns to inputs, fitted on the training rows.
    pub pipeline: Pipeline,
    /// Cells to target values, and outputs to predictions.
    pub target: Target,
    /// The task.
    pub task: Task,
    /// The examples of each split; where training rows are on disk, only some of them are here.
    pub parts: Splits<Examples>,
    /// Whether dev came as data of its own.
    pub own_dev: bool,
    /// Whether the first training rows are those of dev.
    pub trains_on_dev: bool,
    /// All training rows, where they are on disk.
    pub on_disk: Option<Arc<RowFile>>,
    /// Decisions made for the user.
    pub decisions: Vec<Decision>,
    /// What the user should know.
    pub warnings: Vec<String>,
    /// Cells and files that could not be read and are left out.
    pub rejects: Vec<Reject>,
    /// BLAKE3 of each source read, by its name.
    pub hashes: BTreeMap<String, String>,
    /// The series that the examples are of, where they are a forecast's.
    pub forecast: Option<Arc<ForecastData>>,
}

impl Dataset {
    /// The number of training rows, in memory or on disk.
    pub fn train_rows(&self) -> usize {
        self.on_disk.as_ref().map_or(self.parts.train.rows, |file| file.rows())
    }

    /// The same with dev's rows before those of train: they are in both splits then.
    #[must_use]
    pub(crate) fn training_on_dev(mut self) -> Dataset {
        let mut train = Examples { raw: Raw::default(), ..self.parts.dev.clone() };
        train.append(std::mem::take(&mut self.parts.train));
        self.parts.train = train;
        self.trains_on_dev = true;
        self
    }

    /// The number of training rows of each class, for a single-label classification task.
    ///
    /// # Errors
    /// If rows on disk cannot be read.
    pub fn class_counts(&self) -> Result<Vec<usize>> {
        let mut counts = vec![0; self.target.classes.len()];
        let mut count = |y: &[f32]| y.iter().for_each(|&class| counts[class as usize] += 1);
        match &self.on_disk {
            None => count(&self.parts.train.y),
            Some(file) => {
                for block in 0..file.blocks() {
                    count(&file.read_answers(block).map_err(|error| row_file::unreadable(&error))?);
                }
            }
        }
        Ok(counts)
    }

    /// Infers the schema, splits, fits the pipeline on the training rows and encodes all splits.
    ///
    /// `dev` and `test` are splits that the user provides as separate tables. Kinds of columns are inferred from all
    /// rows of `main`; every value that the model keeps is fitted on its training rows only.
    ///
    /// A configuration that asks for a forecast makes the examples from the series of `main`, one that names sequences an
    /// example of the rows of each.
    pub fn from_tables(main: &Table, dev: Option<&Table>, test: Option<&Table>, config: &Config) -> Result<Self> {
        if let Some(horizon) = config.data.forecast {
            config.validate()?;
            return match dev.or(test) {
                None => of_series(main, horizon, config),
                Some(_) => Err(Error::config("dev and test of a forecast are the latest steps of its series")
                    .at("--forecast")
                    .fix("give all rows as one table")),
            };
        }
        if config.data.sequence.is_some() {
            config.validate()?;
            return of_sequences(main, dev, test, config);
        }
        build(main, dev, test, config, None)
    }

    /// The same for examples without named columns, such as images.
    pub fn from_arrays(main: &Arrays, dev: Option<&Arrays>, test: Option<&Arrays>, config: &Config) -> Result<Self> {
        build(main, dev, test, config, None)
    }
}

/// Schema, pipeline and target fitted on the first rows, for encoding later ones.
#[derive(Debug, Clone, Copy)]
pub struct Fitted<'a> {
    /// The columns.
    pub schema: &'a Schema,
    /// Raw columns to inputs.
    pub pipeline: &'a Pipeline,
    /// Cells to target values.
    pub target: &'a Target,
}

impl Fitted<'_> {
    /// All rows of a table as training rows.
    ///
    /// # Errors
    /// If a column is missing, a cell cannot be read, or no row has a target.
    pub fn table(&self, table: &Table) -> Result<Dataset> {
        match &self.pipeline.grouping {
            Some(grouping) => self.encode(&Sequences::like(table, self.schema, grouping, true)?),
            None => self.encode(table),
        }
    }

    /// The same for examples without named columns.
    ///
    /// # Errors
    /// If their shape differs, a target cannot be read, or no example has one.
    pub fn arrays(&self, arrays: &Arrays) -> Result<Dataset> {
        self.encode(arrays)
    }

    fn encode<R: Rows>(&self, rows: &R) -> Result<Dataset> {
        let Fitted { schema, pipeline, target } = *self;
        let mut warnings = Vec::new();
        let source = &rows.answers().source;
        let known = known_rows(rows.answers(), schema, &mut warnings)?;
        if known.is_empty() {
            return Err(Error::data("no row has a known answer").at(source.clone()).fix("add rows that have one"));
        }
        let train = rows.encode(&known, schema, pipeline, target)?;
        let mut target = target.clone();
        target.widen(rows.answers(), &known)?;
        Ok(Dataset {
            name: source.clone(),
            task: schema.task,
            schema: schema.clone(),
            pipeline: pipeline.clone(),
            target,
            parts: Splits { train, ..Splits::default() },
            own_dev: false,
            trains_on_dev: false,
            on_disk: None,
            decisions: Vec::new(),
            warnings,
            rejects: Vec::new(),
            hashes: BTreeMap::new(),
            forecast: None,
        })
    }
}

/// Training rows on disk that are also kept in memory: enough for the metrics of the training split.
pub(super) const SHOWN: usize = 10_000;

/// Rejects full-batch training: examples on disk come in batches that fit into memory.
pub(super) fn refuse_full_batches(config: &Config) -> Result<()> {
    let full = [
        ("--full-batch-epochs", config.train.full_batch_epochs > 0),
        ("--batch-size", config.train.batch_size == Some(0)),
    ];
    let Some((flag, _)) = full.into_iter().find(|(_, full)| *full) else { return Ok(()) };
    let error = Error::config("a batch of all rows needs them in memory, and they stay on disk").at(flag);
    Err(error.fix(advice!("leave it out, or hold them in memory with [from_disk=false]")))
}

/// Encodes rows, a limited number at a time, into a file that then has their inputs.
fn encode_to_disk(
    rows: &[usize],
    at_once: usize,
    encode: impl Fn(&[usize]) -> Result<Examples>,
    config: &Config,
) -> Result<Examples> {
    let mut all = encode(&[])?;
    let shape = RowShape { columns: all.columns, targets: all.targets, weighted: all.weights.is_some() };
    let mut writer = RowWriter::new(row_file::folder(&config.data), shape)?;
    for rows in rows.chunks(at_once) {
        let some = encode(rows)?;
        writer.push(some.rows, some.vectors())?;
        all.append(Examples { x: Vec::new(), ..some });
    }
    Ok(Examples { on_disk: Some(Arc::new(writer.finish()?)), ..all })
}

/// What [`Dataset::from_tables`] and [`Dataset::from_arrays`] do, with the scales of other arrays, if there are any that fit.
pub(super) fn build<R: Rows>(
    main: &R,
    dev: Option<&R>,
    test: Option<&R>,
    config: &Config,
    like: Option<&ArrayScale>,
) -> Result<Dataset> {
    let (schema, mut decisions) = main.schema(config)?;
    let mut warnings = Vec::new();
    let answers = main.answers();
    let known = known_rows(answers, &schema, &mut warnings)?;
    let keys = |seed| main.keys(&known, &schema, seed);
    let partition = Partition { table: answers, known: &known, schema: &schema, keys: &keys };
    let own_dev = dev.is_some();
    let mut parts = partition.split(own_dev, test.is_some(), config, &mut decisions)?;
    if config.data.any_order {
        let Splits { train, dev, test } = &mut parts;
        [train, dev, test].into_iter().try_for_each(|part| put_in_order(main, part, &schema))?;
    }
    let mut target = Target::fit(answers, &schema, &known, &parts.train, &config.preprocessing())?;
    target.set_quantiles(config)?;
    decisions.extend(target.clipping(config));
    partition.check_classes(&target, &parts)?;
    let (pipeline, fitted) = main.fit(&schema, &parts.train, config, like)?;
    decisions.extend(fitted);

    let at_once = main.at_once(config)?;
    if at_once.is_some() {
        refuse_full_batches(config)?;
    }
    let encode = |from: &R, rows: &[usize]| {
        let encode = |rows: &[usize]| from.encode(rows, &schema, &pipeline, &target);
        match at_once {
            Some(at_once) => encode_to_disk(rows, at_once, encode, config),
            None => encode(rows),
        }
    };
    let encode_shown = |from: &R, rows: &[usize]| {
        Ok::<_, Error>(encode(from, rows)?.with_cells(from.answers(), rows, &schema, &target))
    };
    let mut encode_own = |own: &R, part: &str| -> Result<Examples> {
        let mut known = known_rows(own.answers(), &schema, &mut warnings)?;
        if config.data.any_order {
            put_in_order(own, &mut known, &schema)?;
        }
        let source = &own.answers().source;
        if known.is_empty() {
            let error = Error::data(format!("the {part} part has no rows")).at(source.clone());
            return Err(error.fix(Advice::from("add rows, or leave out the file named with ").and(Advice::of(part))));
        }
        // Later steps of a series differ from earlier ones.
        let differing = if config.data.forecast.is_some() { Vec::new() } else { main.differing(own, &schema) };
        if !differing.is_empty() {
            warnings.push(format!(
                "{source} does not come from the training data's distribution; columns that differ: {}; what is \
                 measured on it may not tell how the model does on data like the training data",
                schema::shortened(&differing, 8)
            ));
        }
        warnings.extend(target.overlooked_stops(own.answers(), &known));
        encode_shown(own, &known)
    };
    let tables = [Some(main), dev, test].into_iter().flatten();
    let rejects = tables.flat_map(|rows| schema::rejects_of(rows.answers(), &schema)).collect();
    let mut train = encode(main, &parts.train)?;
    if train.weights.as_ref().is_some_and(|weights| weights.iter().all(|weight| *weight == 0.0)) {
        return Err(Error::data("every training row's weight is 0")
            .at(answers.source.clone())
            .fix("give some rows a weight above 0, or leave [weight] out"));
    }
    let on_disk = train.on_disk.take();
    if let Some(at_once) = at_once {
        let shown = memory::spread(&parts.train, at_once.min(SHOWN));
        train = main.encode(&shown, &schema, &pipeline, &target)?;
    }
    let parts = Splits {
        train,
        dev: dev.map_or_else(|| encode_shown(main, &parts.dev), |own| encode_own(own, "dev"))?,
        test: test.map_or_else(|| encode_shown(main, &parts.test), |own| encode_own(own, "test"))?,
    };
    Ok(Dataset {
        name: answers.source.clone(),
        task: schema.task,
        schema,
        pipeline,
        target,
        parts,
        own_dev,
        trains_on_dev: false,
        on_disk,
        decisions,
        warnings,
        rejects,
        hashes: BTreeMap::new(),
        forecast: None,
    })
}

/// The examples of a forecast.
fn of_series(table: &Table, horizon: usize, config: &Config) -> Result<Dataset> {
    let prepared = forecast::prepare(table, horizon, config)?;
    let mut data = build(&prepared.train, prepared.dev.as_ref(), prepared.test.as_ref(), &prepared.config, None)?;
    // What is decided of the examples' columns is told of the table's.
    data.decisions = prepared.decisions;
    data.warnings.extend(prepared.warnings);
    data.own_dev = true;
    data.forecast = Some(Arc::new(prepared.data));
    Ok(data)
}

/// Examples of which each is the rows of a sequence.
fn of_sequences(main: &Table, dev: Option<&Table>, test: Option<&Table>, config: &Config) -> Result<Dataset> {
    let main = Sequences::inferred(main, config)?;
    let [dev, test] = [dev, test].map(|own| own.map(|own| main.alike(own)).transpose());
    let (dev, test) = (dev?, test?);
    // Times order the rows of a sequence, and not the sequences.
    let mut config = config.clone();
    config.split.time = None;
    let mut data = build(&main, dev.as_ref(), test.as_ref(), &config, None)?;
    let parts = [Some(&main), dev.as_ref(), test.as_ref()].into_iter().flatten();
    data.rejects = parts.flat_map(|part| schema::rejects_of(part.steps, &data.schema)).collect();
    Ok(data)
}

/// Puts rows into an order that does not depend on their order in the data.
fn put_in_order<R: Rows>(data: &R, rows: &mut Vec<usize>, schema: &Schema) -> Result<()> {
    let keys = data.keys(rows, schema, ORDER_SEED)?;
    let mut keyed: Vec<(u64, usize)> = keys.into_iter().zip(rows.drain(..)).collect();
    keyed.sort_unstable();
    rows.extend(keyed.into_iter().map(|(_, row)| row));
    Ok(())
}

/// Records in the configuration whether its data is on disk, so that a resumed run does the same.
pub(crate) fn freeze(config: &mut Config, data: &Dataset) {
    config.data.from_disk = Some(data.on_disk.is_some());
}

/// A split in a separate file, which may write its numbers differently from the main data: `given` is what the user
/// says about that. What was detected in it is reported where it differs from the main data.
pub(super) fn table(path: &str, config: &Config, given: Option<bool>, decisions: &mut Vec<Decision>) -> Result<Table> {
    match source::open(path, &config::Data { decimal_comma: given, ..config.data.clone() })? {
        Source::Table(mut reader) => {
            let cell_format = CellFormat { decimal_comma: reader.decimal_comma(), ..CellFormat::new(&config.data) };
            let mut table = reader.read_rest()?;
            table.cell_format.get_or_insert(cell_format);
            let own = reader.decisions().iter().filter(|own| !decisions.contains(own)).cloned();
            let own: Vec<Decision> = own.map(|own| Decision { what: format!("{path}: {}", own.what), ..own }).collect();
            decisions.extend(own);
            Ok(table)
        }
        Source::Arrays(_) => Err(other_form(path, "a table", "arrays")),
    }
}

pub(super) fn other_form(path: &str, expected: &str, found: &str) -> Error {
    Error::data(format!("found {found}, expected {expected} as in the main data"))
        .at(path)
        .fix("give all parts one form")
}

/// The rows whose target is known; the others are dropped with a warning.
pub(super) fn known_rows(table: &Table, schema: &Schema, warnings: &mut Vec<String>) -> Result<Vec<usize>> {
    let known = Target::known_rows(table, schema)?;
    let unknown = table.rows() - known.len();
    if unknown > 0 {
        let first = (0..table.rows()).find(|row| known.get(*row) != Some(row)).unwrap_or_default();
        let columns = schema::shortened(&schema::quoted(&schema.names(Role::Target)), 3);
        warnings.push(format!(
            "{}: {unknown} of {} rows have no {columns} and are left out (the first is {})",
            table.source,
            table.rows(),
            table.row_place(first)
        ));
    }
    Ok(known)
}
