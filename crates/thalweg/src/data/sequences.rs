//! Sequences: rows of a table that belong together are the steps of one example, with one target.
//!
//! Kinds of columns, and how cells become numbers, are those of the rows, as in any table; what is to be predicted, the
//! split and answers are those of a table with one row a sequence.

use std::borrow::Cow;
use std::collections::HashMap;

use super::cell_format::CellFormat;
use super::examples::{Examples, weights};
use super::memory;
use super::partition::times;
use super::preprocess::{ArrayScale, Grouping, Pipeline, Transform, unreadable};
use super::rows::Rows;
use super::schema::column_stats::ColumnStats;
use super::schema::{self, Inference, Role, Schema};
use super::split;
use super::table::Table;
use super::target::Target;
use crate::config::{Config, Preprocess, TextEncoding};
use crate::error::{Error, Result, advice};
use crate::event::Decision;

/// The most steps of an example by default.
const MOST_STEPS: usize = 500;
/// The most inputs that a column of categories may become at each step.
const MOST_CATEGORIES: usize = 256;

/// A table's rows as the steps of sequences.
#[derive(Debug)]
pub(crate) struct Sequences<'a> {
    /// The rows.
    pub(crate) steps: &'a Table,
    /// One row a sequence: its name and what else has one value in it.
    pub(crate) answers: Table,
    /// What each is called.
    names: Vec<String>,
    /// The rows of each, in order.
    rows: Vec<Vec<usize>>,
    /// The columns that name the sequences and order their rows.
    by: By,
    /// The schema, and what was decided of it, where they are to be trained on.
    inferred: Option<(Schema, Vec<Decision>)>,
}

/// The columns by which rows are grouped: that of the sequences' names, and that of times.
type By = (String, Option<String>);

impl<'a> Sequences<'a> {
    /// The sequences of a table to be trained on.
    ///
    /// # Errors
    /// If a column is missing, a row has no sequence or no time, or rows of one sequence have different targets.
    pub(super) fn inferred(table: &'a Table, config: &Config) -> Result<Self> {
        let data = schema::with_whole_names(table, &config.data);
        schema::check_names(table, &data, &config.split)?;
        let config = of_rows(config);
        let cell_format = CellFormat::new(&data);
        let targets = schema::choose_targets(table, &data, &mut Vec::new());
        let one_value = [&config.data.weight, &config.split.group].into_iter().flatten();
        let one_value = one_value.filter_map(|name| table.position(name)).chain(targets.iter().copied()).collect();
        let by = (data.sequence.clone().unwrap_or_default(), config.split.time.clone());
        for (flag, name) in [("--sequence", Some(&by.0)), ("--time", by.1.as_ref())] {
            if let Some(target) = targets.iter().find(|target| Some(&table.names[**target]) == name) {
                let error = Error::config(format!("{:?} is the target as well", table.names[*target]));
                return Err(error.at(flag).fix("name the column that is to be predicted with [target]"));
            }
        }
        let mut sequences = Self::grouped(table, by, table.cell_format(&cell_format), one_value)?;
        if let [name] = &sequences.names[..] {
            let error = Error::data(format!("all rows are of one sequence, {name:?}")).at(table.source.clone());
            return Err(error.fix(advice!("name the column that tells sequences apart with [sequence]")));
        }
        // A target counts once for each sequence.
        let mut stats = ColumnStats::of_table(table, &cell_format);
        let mut of_sequences = ColumnStats::of_table(&sequences.answers, &cell_format);
        targets.iter().for_each(|target| std::mem::swap(&mut stats[*target], &mut of_sequences[*target]));
        let Inference { schema, decisions, .. } = Schema::infer_surveyed(table, &stats, cell_format, &config)?;
        sequences.order(&schema)?;
        Ok(Sequences { inferred: Some((schema, decisions)), ..sequences })
    }

    /// The sequences of a table for a model; whether the rows of one have one target is looked at where it is `told`.
    ///
    /// # Errors
    /// As for [`Sequences::inferred`].
    pub(crate) fn like(table: &'a Table, schema: &Schema, grouping: &Grouping, told: bool) -> Result<Self> {
        let roles = if told { &[Role::Target, Role::Weight][..] } else { &[] };
        let one_value = schema.columns.iter().filter(|column| roles.contains(&column.role));
        let one_value = one_value.filter_map(|column| table.position(&column.name)).collect();
        let by = (grouping.sequence.clone(), grouping.time.clone());
        let mut sequences = Self::grouped(table, by, table.cell_format(&schema.cell_format), one_value)?;
        sequences.order(schema)?;
        Ok(sequences)
    }

    /// The same of another part's table.
    pub(super) fn alike<'b>(&self, table: &'b Table) -> Result<Sequences<'b>> {
        let (schema, _) = self.known_schema()?;
        Sequences::like(table, schema, &self.grouping(0), true)
    }

    /// How rows are grouped into examples of so many steps.
    fn grouping(&self, steps: usize) -> Grouping {
        let (sequence, time) = self.by.clone();
        Grouping { sequence, time, steps }
    }

    fn known_schema(&self) -> Result<&(Schema, Vec<Decision>)> {
        self.inferred.as_ref().ok_or_else(|| Error::internal("sequences for a model have its schema"))
    }

    /// The sequences in the order of their first rows, each with its rows in the order of the table; their answers have all
    /// columns.
    fn grouped(table: &'a Table, by: By, cell_format: &CellFormat, one_value: Vec<usize>) -> Result<Self> {
        let position = schema::positions(table, [by.0.as_str()])?[0];
        let cells = table.columns[position].readings(cell_format);
        let mut numbers: HashMap<Cow<str>, usize, foldhash::fast::RandomState> = HashMap::default();
        let (mut rows, mut names) = (Vec::<Vec<usize>>::new(), Vec::new());
        for row in 0..table.rows() {
            let name = cells.category(row).ok_or_else(|| {
                let error = unreadable(table, row, position, "the name of a sequence");
                error.fix("add it, or leave the row out")
            })?;
            let number = *numbers.entry(name).or_insert_with_key(|name| {
                names.push(name.clone().into_owned());
                rows.push(Vec::new());
                rows.len() - 1
            });
            rows[number].push(row);
        }
        let firsts: Vec<usize> = rows.iter().map(|rows| rows[0]).collect();
        let mut answers = table.select(&firsts);
        for position in one_value {
            let cells = table.columns[position].readings(cell_format);
            let mut chosen = Vec::with_capacity(rows.len());
            for (rows, name) in rows.iter().zip(&names) {
                let mut known = rows.iter().filter(|row| !cells.is_missing(**row));
                let first = known.next();
                if let Some(first) = first
                    && let Some(other) = known.find(|row| cells.get(**row) != cells.get(*first))
                {
                    return Err(two_values(table, name, position, [*first, *other]));
                }
                chosen.push(first.copied().unwrap_or(rows[0]));
            }
            answers.columns[position] = table.columns[position].empty();
            answers.columns[position].append(&table.columns[position], &chosen);
        }
        Ok(Sequences { steps: table, answers, names, rows, by, inferred: None })
    }

    /// Puts the rows of each sequence into the order of their times, those of one time in the order of the table; answers
    /// keep the columns that are not of steps.
    fn order(&mut self, schema: &Schema) -> Result<()> {
        if let (_, Some(name)) = &self.by {
            let all: Vec<usize> = (0..self.steps.rows()).collect();
            let times = times(self.steps, &all, name, schema)?;
            self.rows.iter_mut().for_each(|rows| rows.sort_by(|a, b| times[*a].total_cmp(&times[*b])));
        }
        let of_steps = |name: &String| {
            let role = schema.columns.iter().find(|column| column.name == *name).map(|column| column.role);
            matches!(role, Some(Role::Feature | Role::Time | Role::Ignored))
        };
        let columns = std::mem::take(&mut self.answers.columns);
        let kept = self.answers.names.drain(..).zip(columns).filter(|(name, _)| !of_steps(name));
        (self.answers.names, self.answers.columns) = kept.unzip();
        Ok(())
    }

    /// The rows of some of them.
    fn rows_of(&self, sequences: &[usize]) -> Vec<&[usize]> {
        sequences.iter().map(|sequence| &self.rows[*sequence][..]).collect()
    }

    /// Encodes some of them; without a target, y is left empty.
    ///
    /// # Errors
    /// If a column is missing, or a cell cannot be read.
    pub(crate) fn examples(
        &self,
        sequences: &[usize],
        schema: &Schema,
        pipeline: &Pipeline,
        target: Option<&Target>,
    ) -> Result<Examples> {
        let x = match &pipeline.grouping {
            Some(grouping) => pipeline.transform_sequences(self.steps, &self.rows_of(sequences), grouping)?,
            None => Vec::new(),
        };
        Ok(Examples {
            rows: sequences.len(),
            columns: pipeline.width(),
            x,
            targets: target.map_or(0, Target::width),
            y: target.map(|target| target.encode(&self.answers, sequences)).transpose()?.unwrap_or_default(),
            weights: target.map(|_| weights(&self.answers, sequences, schema)).transpose()?.flatten(),
            source: self.answers.source.clone(),
            source_lines: sequences.iter().map(|sequence| self.answers.lines[*sequence]).collect(),
            has_lines: true,
            sequences: sequences.iter().map(|sequence| self.names[*sequence].clone()).collect(),
            ..Examples::default()
        })
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.rows.len()
    }

    /// What is told of those that are longer than an example.
    pub(crate) fn thinned(&self, steps: usize) -> Option<Decision> {
        let longer = self.rows.iter().filter(|rows| rows.len() > steps).count();
        let longest = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        (longer > 0).then(|| Decision {
            what: format!(
                "{longer} of {} sequences have more than {steps} steps: so many, spread evenly over each, are kept",
                self.count()
            ),
            why: format!("the longest has {longest}"),
            instead: advice!("[sequence_length={}] in training", longest),
        })
    }

    /// Checks that the examples fit into memory, and that the steps have no column of too many inputs.
    fn check(&self, pipeline: &Pipeline, config: &Config) -> Result<()> {
        for input in &pipeline.inputs {
            if matches!(input.transform, Transform::OneHot(_)) && input.width() > MOST_CATEGORIES {
                let found = format!("{} categories, expected {MOST_CATEGORIES} or fewer at each step", input.width());
                let error = Error::data(found).at(format!("{}, column {:?}", self.steps.source, input.column));
                return Err(error.fix(advice!("leave it out with [ignore={}], or join categories", input.column)));
            }
        }
        let (needed, given) = (memory::needed(self.count(), pipeline.width()), config.data.memory_bytes()?);
        let most = given.or_else(memory::free).unwrap_or(u64::MAX);
        if needed <= most {
            return Ok(());
        }
        let (count, [steps, channels]) = (self.count(), [pipeline.shape()[0], pipeline.shape()[1]]);
        let [needed, most] = [needed, most].map(memory::written);
        let found = format!("{count} sequences of {steps} × {channels} numbers take {needed}, and {most} are there");
        let error = Error::data(found).at(self.steps.source.clone());
        Err(error.fix(advice!("keep fewer steps of each with [sequence_length={}], or leave columns out", steps / 2)))
    }

    /// What was decided of the steps of training sequences.
    fn told(&self, longest: usize, grouping: &Grouping, config: &Config) -> Vec<Decision> {
        let Grouping { sequence, time, steps } = grouping;
        let (what, why, instead) = match time {
            Some(time) => (format!("in the order of {time}"), "it is named".into(), "leave [time] out".into()),
            None => ("in the order of their rows".into(), "no column of times is named".into(), advice!("[time=NAME]")),
        };
        let mut decisions = vec![Decision {
            what: format!("each {sequence} is an example, {} in all, its steps {what}", self.count()),
            why,
            instead,
        }];
        if config.data.sequence_length.is_none() {
            let why = if longest > *steps {
                format!("the longest of the training part has {longest}, and time and memory grow with them")
            } else {
                "as many as the longest of the training part has".into()
            };
            let instead = advice!("[sequence_length={}]", longest.max(2 * steps));
            decisions.push(Decision { what: format!("examples have up to {steps} steps"), why, instead });
        }
        decisions.extend(self.thinned(*steps));
        decisions
    }
}

/// The configuration by which the rows are understood: the sequence's name is no input, and texts are none.
fn of_rows(config: &Config) -> Config {
    let mut config = config.clone();
    config.data.id.extend(config.data.sequence.clone());
    config.preprocess.text = Some(TextEncoding::Off);
    config
}

fn two_values(table: &Table, name: &str, column: usize, rows: [usize; 2]) -> Error {
    let [first, second] =
        rows.map(|row| format!("{:?} in {}", table.columns[column].get(row).trim(), table.row_place(row)));
    let column = &table.names[column];
    Error::data(format!("sequence {name:?} has two values of {column:?}: {first}, and {second}"))
        .at(format!("{}, column {column:?}", table.source))
        .fix(advice!(
            "give all rows of a sequence one value, or name the column that tells sequences apart with [sequence]; to \
             predict the next values of series, use [forecast] with [series]"
        ))
}

impl Rows for Sequences<'_> {
    fn answers(&self) -> &Table {
        &self.answers
    }
    fn schema(&self, _: &Config) -> Result<(Schema, Vec<Decision>)> {
        self.known_schema().cloned()
    }
    fn keys(&self, rows: &[usize], schema: &Schema, seed: u64) -> Result<Vec<u64>> {
        Ok(split::row_keys(&self.answers, rows, &schema.cell_format, seed))
    }
    fn fit(
        &self,
        schema: &Schema,
        rows: &[usize],
        config: &Config,
        _: Option<&ArrayScale>,
    ) -> Result<(Pipeline, Vec<Decision>)> {
        let train = self.rows_of(rows);
        let mut steps = train.concat();
        steps.sort_unstable();
        let options = Preprocess { one_hot_up_to: usize::MAX, ..of_rows(config).preprocessing() };
        let (pipeline, fitted) = Pipeline::fit(self.steps, schema, &steps, &options)?;
        let longest = train.iter().map(|rows| rows.len()).max().unwrap_or_default();
        let grouping = self.grouping(config.data.sequence_length.unwrap_or(longest.min(MOST_STEPS)));
        let told = self.told(longest, &grouping, config);
        let pipeline = Pipeline { grouping: Some(grouping), ..pipeline };
        self.check(&pipeline, config)?;
        Ok((pipeline, [told, fitted].concat()))
    }
    fn encode(&self, rows: &[usize], schema: &Schema, pipeline: &Pipeline, target: &Target) -> Result<Examples> {
        self.examples(rows, schema, pipeline, Some(target))
    }
    fn at_once(&self, _: &Config) -> Result<Option<usize>> {
        Ok(None)
    }
    fn differing(&self, other: &Self, schema: &Schema) -> Vec<String> {
        self.steps.differing(other.steps, schema)
    }
}
