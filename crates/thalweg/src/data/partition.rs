//! Splitting the rows of one source, as configured.

use std::collections::BTreeSet;

use super::dates;
use super::folds::{self, HeldOut};
use super::preprocess::unreadable;
use super::schema::{self, ColumnKind, Role, Schema};
use super::split;
use super::table::Table;
use super::target::Target;
use crate::config::{self, Config, Preprocess};
use crate::error::Advice;
use crate::event::{Decision, Splits};
use crate::{Error, Result};

/// The rows of the main source whose target is known.
pub(crate) struct Partition<'a> {
    /// The table, or for an array source the table of its labels.
    pub(crate) table: &'a Table,
    /// The rows.
    pub(crate) known: &'a [usize],
    /// The columns.
    pub(crate) schema: &'a Schema,
    /// Each row's key, given the split's seed.
    pub(crate) keys: &'a dyn Fn(u64) -> Result<Vec<u64>>,
}

/// What rows are divided by.
enum Order {
    Groups { groups: Vec<String>, strata: Vec<usize> },
    Times { times: Vec<f64>, gap: f64 },
    Random { keys: Vec<u64>, strata: Vec<usize> },
}

impl Order {
    /// A fold, and the rows that may be trained on where it is held out.
    fn held_out(&self, fold: [usize; 2], seed: u64) -> Result<HeldOut> {
        match self {
            Order::Groups { groups, strata } => {
                let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
                folds::by_group(&groups, strata, fold, seed)
            }
            Order::Times { times, gap } => folds::by_time(times, fold, *gap),
            Order::Random { keys, strata } => folds::by_key(keys, strata, (0..keys.len()).collect(), fold),
        }
    }

    /// Splits some of the rows.
    fn split(&self, rows: &[usize], fractions: Splits<f64>, seed: u64) -> Result<Splits<Vec<usize>>> {
        fn of<T: Copy>(values: &[T], rows: &[usize]) -> Vec<T> {
            rows.iter().map(|row| values[*row]).collect()
        }
        let positions = match self {
            Order::Groups { groups, .. } => {
                let groups: Vec<&str> = rows.iter().map(|row| groups[*row].as_str()).collect();
                split::by_group(&groups, fractions, seed)?
            }
            Order::Times { times, gap } => split::by_time(&of(times, rows), fractions, *gap),
            Order::Random { keys, strata } => split::by_key(&of(keys, rows), &of(strata, rows), fractions, seed),
        };
        let Splits { train, dev, test } = positions;
        Ok(Splits { train: of(rows, &train), dev: of(rows, &dev), test: of(rows, &test) })
    }
}

impl Partition<'_> {
    /// The splits, as rows of the table.
    pub(crate) fn split(
        &self,
        own_dev: bool,
        own_test: bool,
        config: &Config,
        decisions: &mut Vec<Decision>,
    ) -> Result<Splits<Vec<usize>>> {
        let options = &config.split;
        let seed = options.split_seed.unwrap_or(config.train.seed);
        let stratify = options.stratify.unwrap_or(self.schema.task.is_classes());
        if stratify && !self.schema.task.is_classes() {
            return Err(Error::config(format!("the rows of task {} have no classes", self.schema.task))
                .at("--stratify")
                .fix("leave [stratify] out"));
        }
        if options.fold.is_some() && (options.group.is_some() || options.time.is_some() || own_dev) {
            let error = Error::config("folds are drawn at random, and the dev part is asked for otherwise");
            return Err(error.at("--fold").fix("leave out [fold], or [group], [time] and [dev]"));
        }
        let order = self.order(options, stratify, seed)?;
        let HeldOut { fold, rest } = match options.test_fold.as_deref() {
            Some(&[fold, folds]) => order.held_out([fold, folds], seed).map_err(|error| self.placed(error))?,
            _ => HeldOut { fold: Vec::new(), rest: (0..self.known.len()).collect() },
        };
        let fractions = split::fractions(rest.len(), own_dev, own_test, options);
        let (fractions, decision) = fractions.map_err(|error| self.placed(error))?;
        decisions.extend(decision);
        if matches!(order, Order::Random { .. }) && fractions.dev + fractions.test > 0.0 {
            let dated = self
                .schema
                .columns
                .iter()
                .find(|column| column.kind == ColumnKind::Datetime && column.role != Role::Time);
            decisions.extend(dated.map(|column| Decision {
                what: "rows split at random, not by time".into(),
                why: format!("{} holds dates, but not every dated table is a forecast", column.name),
                instead: Advice::option("time", &column.name),
            }));
        }
        let mut positions = order.split(&rest, fractions, seed)?;
        positions.test.extend(fold);
        if let (Order::Random { keys, strata }, Some(&[fold, folds])) = (&order, options.fold.as_deref()) {
            let rest = [positions.train, positions.dev].concat();
            let HeldOut { fold, rest } = folds::by_key(keys, strata, rest, [fold, folds])?;
            (positions.train, positions.dev) = (rest, fold);
        }
        let rows = |part: Vec<usize>| part.into_iter().map(|position| self.known[position]).collect();
        let parts: Splits<Vec<usize>> =
            Splits { train: rows(positions.train), dev: rows(positions.dev), test: rows(positions.test) };
        if parts.train.is_empty() {
            return Err(Error::data("no rows are left to train on")
                .at(self.table.source.clone())
                .fix("add rows, or give train a larger fraction with [split]"));
        }
        Ok(parts)
    }

    /// What the rows are divided by.
    fn order(&self, options: &config::Split, stratify: bool, seed: u64) -> Result<Order> {
        let strata = || if stratify { self.strata() } else { Ok(vec![0; self.known.len()]) };
        Ok(match (&options.group, &options.time) {
            (Some(_), Some(_)) => {
                return Err(Error::config("rows are split by group or by time, found both")
                    .at("--group, --time")
                    .fix("leave one of them out"));
            }
            (Some(group), None) => {
                let cells = &self.table.columns[schema::positions(self.table, [group.as_str()])?[0]];
                let groups = self.known.iter().map(|row| cells.get(*row).trim().to_string()).collect();
                // Only folds of groups are stratified.
                let strata = if options.test_fold.is_some() { strata()? } else { Vec::new() };
                Order::Groups { groups, strata }
            }
            (None, Some(time)) => {
                Order::Times { times: times(self.table, self.known, time, self.schema)?, gap: self.gap(options) }
            }
            (None, None) => Order::Random { keys: (self.keys)(seed)?, strata: strata()? },
        })
    }

    /// The gap in the unit of [`times`].
    fn gap(&self, options: &config::Split) -> f64 {
        const SECONDS_OF_A_DAY: f64 = 86_400.0;
        let dated = self.schema.with_role(Role::Time).any(|column| column.format.is_some());
        options.gap.unwrap_or(0.0) * if dated { SECONDS_OF_A_DAY } else { 1.0 }
    }

    fn placed(&self, error: Error) -> Error {
        if error.place.is_none() { error.at(self.table.source.clone()) } else { error }
    }

    /// Each row's class.
    fn strata(&self) -> Result<Vec<usize>> {
        let target = Target::fit(self.table, self.schema, self.known, self.known, &Preprocess::default())?;
        let classes: Vec<f64> = target.encode(self.table, self.known)?;
        Ok(classes.into_iter().map(|class| class as usize).collect())
    }

    /// Checks that every class is among the training rows: a network cannot learn one that it never sees.
    pub(crate) fn check_classes(&self, target: &Target, parts: &Splits<Vec<usize>>) -> Result<()> {
        if !target.task.is_classes() || !self.schema.classes.is_empty() {
            return Ok(());
        }
        let classes: Vec<f64> = target.encode(self.table, &parts.train)?;
        let seen: BTreeSet<usize> = classes.into_iter().map(|class| class as usize).collect();
        match (0..target.classes.len()).find(|class| !seen.contains(class)) {
            None => Ok(()),
            Some(class) => Err(Error::data(format!("no training row is of class {:?}", target.classes[class]))
                .at(self.table.source.clone())
                .fix("divide the rows otherwise: [split_seed], a larger train part, or no [group] or [time]")),
        }
    }
}

/// Each row's time as an increasing number.
///
/// # Errors
/// For a cell that is no time.
pub(super) fn times(table: &Table, rows: &[usize], name: &str, schema: &Schema) -> Result<Vec<f64>> {
    let position = schema::positions(table, [name])?[0];
    let cell_format = table.cell_format(&schema.cell_format);
    let format = schema.with_role(Role::Time).find_map(|column| column.format.as_deref());
    let read = |cell: &str| match format {
        Some(format) => dates::read(cell, format).map(dates::seconds),
        None => cell_format.number(cell).filter(|time| time.is_finite()),
    };
    let cells = table.columns[position].readings(cell_format);
    let time = |row: &usize| {
        let wrong = || unreadable(table, *row, position, "a date or a number").fix("correct the cell");
        cells.as_text(*row).as_deref().and_then(read).ok_or_else(wrong)
    };
    rows.iter().map(time).collect()
}
