//! Everything between a configuration and the matrices that a network is trained on.

use std::collections::{BTreeMap, BTreeSet};

use super::dates;
use super::examples::Examples;
use super::preprocess::{Pipeline, unreadable};
use super::schema::{self, Role, Schema, Task};
use super::shift;
use super::split;
use super::table::Table;
use super::target::Target;
use crate::spec::Config;
use crate::train::event::{Decision, Parts};
use crate::{Error, Result};

/// Data ready for training.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// What the data is called: a path, `-` or `sample:NAME`.
    pub name: String,
    /// The columns.
    pub schema: Schema,
    /// Raw columns to inputs, fitted on the training rows.
    pub pipeline: Pipeline,
    /// Answers to numbers and back.
    pub target: Target,
    /// The task.
    pub task: Task,
    /// The examples of each part.
    pub parts: Parts<Examples>,
    /// What was decided for the user.
    pub decisions: Vec<Decision>,
    /// What the user should know.
    pub warnings: Vec<String>,
    /// BLAKE3 of each source read, by its name.
    pub hashes: BTreeMap<String, String>,
}

impl Dataset {
    /// Infers the schema, splits, fits the pipeline on the training rows and encodes all parts.
    ///
    /// `dev` and `test` are parts that the user has in tables of their own. Kinds of columns are inferred from all
    /// rows of `main`; every number that the model keeps is measured on its training rows alone.
    pub fn from_tables(main: &Table, dev: Option<&Table>, test: Option<&Table>, config: &Config) -> Result<Self> {
        let (schema, mut decisions) = Schema::infer(main, &config.data, &config.split)?;
        let mut warnings = Vec::new();
        let known = known_rows(main, &schema, &mut warnings)?;
        let rows = Rows { table: main, known: &known, schema: &schema };
        let parts = rows.split(dev.is_some(), test.is_some(), config, &mut decisions)?;
        let target = Target::fit(main, &schema, &known, &parts.train, config.preprocess.scale_target)?;
        rows.check_classes(&target, &parts)?;
        let (pipeline, fitted) = Pipeline::fit(main, &schema, &parts.train, &config.preprocess)?;
        decisions.extend(fitted);

        let encode = |table: &Table, rows: &[usize]| Examples::encode(table, rows, &schema, &pipeline, Some(&target));
        let mut encode_own = |table: &Table, part: &str| -> Result<Examples> {
            let known = known_rows(table, &schema, &mut warnings)?;
            if known.is_empty() {
                return Err(Error::data(format!("the {part} part has no rows"))
                    .at(table.source.clone())
                    .fix(format!("add rows, or leave --{part} out")));
            }
            let differing = shift::differing(main, table, &schema);
            if !differing.is_empty() {
                warnings.push(format!(
                    "{} does not come from the training data's distribution; columns that differ: {}; what is measured \
                     on it may not tell how the model does on data like the training data",
                    table.source,
                    schema::shortened(&differing, 8)
                ));
            }
            warnings.extend(target.overlooked_stops(table, &known));
            encode(table, &known)
        };
        let parts = Parts {
            train: encode(main, &parts.train)?,
            dev: dev.map_or_else(|| encode(main, &parts.dev), |table| encode_own(table, "dev"))?,
            test: test.map_or_else(|| encode(main, &parts.test), |table| encode_own(table, "test"))?,
        };
        if parts.train.weights.as_ref().is_some_and(|weights| weights.iter().all(|weight| *weight == 0.0)) {
            return Err(Error::data("every training row's weight is 0")
                .at(main.source.clone())
                .fix("give some rows a weight above 0, or leave --weight out"));
        }
        Ok(Dataset {
            name: main.source.clone(),
            task: schema.task,
            schema,
            pipeline,
            target,
            parts,
            decisions,
            warnings,
            hashes: BTreeMap::new(),
        })
    }
}

/// Reads, splits and encodes the data that a configuration names.
pub fn load(config: &Config) -> Result<Dataset> {
    Err(Error::internal("no source is hooked up yet").at(config.data.path.clone()))
}

/// The rows whose answer is known; the others are left out with a warning.
fn known_rows(table: &Table, schema: &Schema, warnings: &mut Vec<String>) -> Result<Vec<usize>> {
    let known = Target::known_rows(table, schema)?;
    let unknown = table.rows() - known.len();
    if unknown > 0 {
        let first = (0..table.rows()).find(|row| known.get(*row) != Some(row)).unwrap_or_default();
        let columns = schema::shortened(&schema::quoted(&schema.names(Role::Target)), 3);
        warnings.push(format!(
            "{}: {unknown} of {} rows have no {columns} and are left out (the first is line {})",
            table.source,
            table.rows(),
            table.lines[first]
        ));
    }
    Ok(known)
}

/// The rows of the main table whose answer is known.
struct Rows<'a> {
    table: &'a Table,
    known: &'a [usize],
    schema: &'a Schema,
}

impl Rows<'_> {
    /// The parts, as rows of the table.
    fn split(
        &self,
        own_dev: bool,
        own_test: bool,
        config: &Config,
        decisions: &mut Vec<Decision>,
    ) -> Result<Parts<Vec<usize>>> {
        let options = &config.split;
        let (fractions, decision) = split::fractions(self.known.len(), own_dev, own_test, options)
            .map_err(|error| if error.place.is_none() { error.at(self.table.source.clone()) } else { error })?;
        decisions.extend(decision);
        let seed = options.split_seed.unwrap_or(config.train.seed);
        let stratify = options.stratify.unwrap_or(self.schema.task.is_classes());
        if stratify && !self.schema.task.is_classes() {
            return Err(Error::config(format!("the rows of task {} have no classes", self.schema.task))
                .at("--stratify")
                .fix("leave --stratify out"));
        }
        let positions = match (&options.group, &options.time) {
            (Some(_), Some(_)) => {
                return Err(Error::config("rows are split by group or by time, found both")
                    .at("--group, --time")
                    .fix("leave one of them out"));
            }
            (Some(group), None) => {
                let cells = &self.table.columns[schema::positions(self.table, [group.as_str()])?[0]];
                let groups: Vec<&str> = self.known.iter().map(|row| cells.get(*row).trim()).collect();
                split::by_group(&groups, fractions, seed)?
            }
            (None, Some(time)) => split::by_time(&self.times(time)?, fractions),
            (None, None) => {
                let keys = split::row_keys(self.table, self.known, &self.schema.notation, seed);
                let strata = if stratify { self.strata()? } else { vec![0; keys.len()] };
                split::by_key(&keys, &strata, fractions, seed)
            }
        };
        let rows = |part: Vec<usize>| part.into_iter().map(|position| self.known[position]).collect();
        let parts: Parts<Vec<usize>> =
            Parts { train: rows(positions.train), dev: rows(positions.dev), test: rows(positions.test) };
        if parts.train.is_empty() {
            return Err(Error::data("no rows are left to train on")
                .at(self.table.source.clone())
                .fix("add rows, or give train a larger fraction with --split"));
        }
        Ok(parts)
    }

    /// Each row's class.
    fn strata(&self) -> Result<Vec<usize>> {
        let target = Target::fit(self.table, self.schema, self.known, self.known, false)?;
        let classes: Vec<f64> = target.encode(self.table, self.known)?;
        Ok(classes.into_iter().map(|class| class as usize).collect())
    }

    /// Each row's time as a number that rises.
    fn times(&self, name: &str) -> Result<Vec<f64>> {
        let position = schema::positions(self.table, [name])?[0];
        let notation = &self.schema.notation;
        let format = self.schema.with_role(Role::Time).find_map(|column| column.format.as_deref());
        let read = |cell: &str| match format {
            Some(format) => dates::read(cell, format).map(dates::seconds),
            None => notation.number(cell).filter(|time| time.is_finite()),
        };
        let time = |row: &usize| {
            let cell = notation.value(self.table.columns[position].get(*row));
            let wrong = || unreadable(self.table, *row, position, "a date or a number").fix("correct the cell");
            cell.and_then(read).ok_or_else(wrong)
        };
        self.known.iter().map(time).collect()
    }

    /// Every class is among the training rows: a network cannot learn one that it never sees.
    fn check_classes(&self, target: &Target, parts: &Parts<Vec<usize>>) -> Result<()> {
        if !target.task.is_classes() {
            return Ok(());
        }
        let classes: Vec<f64> = target.encode(self.table, &parts.train)?;
        let seen: BTreeSet<usize> = classes.into_iter().map(|class| class as usize).collect();
        match (0..target.classes.len()).find(|class| !seen.contains(class)) {
            None => Ok(()),
            Some(class) => Err(Error::data(format!("no training row is of class {:?}", target.classes[class]))
                .at(self.table.source.clone())
                .fix("divide the rows otherwise: --split-seed, a larger train part, or no --group or --time")),
        }
    }
}
