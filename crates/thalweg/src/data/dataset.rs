//! Everything between a configuration and the matrices that a network is trained on.

use std::collections::BTreeMap;

use super::examples::Examples;
use super::partition::Rows;
use super::preprocess::Pipeline;
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
        let keys = |seed| split::row_keys(main, &known, &schema.notation, seed);
        let rows = Rows { table: main, known: &known, schema: &schema, keys: &keys };
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
