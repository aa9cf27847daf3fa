//! A profile of a data file: what its columns hold and how they would be used.

use serde::{Deserialize, Serialize};

use super::cell_format::CellFormat;
use super::dataset::Dataset;
use super::rejects::Reject;
use super::schema::column_stats::ColumnStats;
use super::schema::{self, ColumnKind, Inference, Role, Schema, Task, task};
use super::source::{self, Source};
use super::table::Table;
use crate::Result;
use crate::config::Config;
use crate::event::Decision;

/// The maximum number of frequent values that a profile shows of a column.
const SHOWN: usize = 5;

/// What a data file holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// The data's name.
    pub name: String,
    /// The number of rows.
    pub rows: usize,
    /// The columns, in the data's order.
    pub columns: Vec<ColumnProfile>,
    /// The task, if the target allows one.
    pub task: Option<Task>,
    /// The classes with their counts, the most frequent first; at most 20.
    pub classes: Vec<(String, usize)>,
    /// The decisions made, with the flags that override them.
    pub decisions: Vec<Decision>,
    /// Cells that count as missing, and files that are left out, since they cannot be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rejects: Vec<Reject>,
    /// Why the data cannot be trained on as it is, if it cannot.
    pub problem: Option<String>,
}

/// What one column holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnProfile {
    /// Its name.
    pub name: String,
    /// What its cells hold.
    pub kind: ColumnKind,
    /// What it would be used for.
    pub role: Role,
    /// Why it is not an input, where that is not the user's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<String>,
    /// Missing cells.
    pub missing: usize,
    /// The number of distinct values.
    pub distinct: usize,
    /// The minimum.
    pub low: Option<f64>,
    /// The maximum.
    pub high: Option<f64>,
    /// The mean.
    pub mean: Option<f64>,
    /// The most frequent values with their counts; empty for numbers that hardly repeat.
    pub frequent: Vec<(String, usize)>,
}

/// Profiles the data that a configuration names.
///
/// # Errors
/// If it cannot be read, or is not a table.
pub fn profile(config: &Config) -> Result<Profile> {
    let path = &config.data.path;
    match source::open(path, &config.data)? {
        Source::Table(mut reader) => {
            let mut config = config.clone();
            config.data.decimal_comma = Some(reader.decimal_comma());
            let table = reader.read_rest()?;
            let mut profile = profile_table(&table, &config);
            if profile.problem.is_none() {
                // What is only found while rows are split and encoded.
                let training = Dataset::from_tables(&table, None, None, &config);
                profile.problem = training.err().map(|error| error.to_string());
            }
            profile.decisions.splice(0..0, reader.decisions().to_vec());
            Ok(profile)
        }
        Source::Arrays(arrays) => {
            let stats = ColumnStats::of_table(&arrays.answers, &CellFormat::new(&config.data));
            let known = !arrays.targets.is_empty();
            let inferred = known.then(|| {
                let (schema, decisions) = task::schema_of_answers(&arrays.answers, &arrays.targets, &config.data)?;
                Ok(Inference { schema, decisions, left_out: Default::default() })
            });
            let mut profile = profiled(&arrays.answers, &stats, inferred);
            profile.decisions.splice(0..0, arrays.notes());
            profile.rejects.clone_from(&arrays.rejects);
            let shape: Vec<String> = arrays.shape.iter().map(usize::to_string).collect();
            profile.name = format!("{path} (examples of {} numbers)", shape.join("×"));
            Ok(profile)
        }
    }
}

/// Profiles a table under a configuration's options. Data that cannot be trained on gets a profile too.
pub fn profile_table(table: &Table, config: &Config) -> Profile {
    let cell_format = CellFormat::new(&config.data);
    let stats = ColumnStats::of_table(table, &cell_format);
    profiled(table, &stats, Some(Schema::infer_surveyed(table, &stats, cell_format, config)))
}

/// The profile of a table's columns and of what was inferred from them, if anything could be.
fn profiled(table: &Table, stats: &[ColumnStats], inferred: Option<Result<Inference>>) -> Profile {
    let (schema, decisions, left_out, problem) = match inferred {
        Some(Ok(Inference { schema, decisions, left_out })) => (Some(schema), decisions, left_out, None),
        Some(Err(error)) => (None, Vec::new(), Default::default(), Some(error.to_string())),
        None => (None, Vec::new(), Default::default(), None),
    };
    let columns = table.names.iter().zip(stats).enumerate().map(|(i, (name, stats))| {
        let column = schema.as_ref().map(|schema| &schema.columns[i]);
        let kind = column.map_or_else(|| stats.kind(), |column| column.kind);
        let number = |value: f64| (stats.is_numeric() && value.is_finite()).then_some(value);
        let repeats = stats.distinct * 2 <= stats.present() || stats.distinct <= SHOWN;
        ColumnProfile {
            name: name.clone(),
            kind,
            role: column.map_or(Role::Ignored, |column| column.role),
            left_out: left_out.get(name).map(|why| why.to_string()),
            missing: stats.missing,
            distinct: stats.distinct,
            low: number(stats.low),
            high: number(stats.high),
            mean: number(stats.mean),
            frequent: stats.frequent.iter().take(if repeats { SHOWN } else { 0 }).cloned().collect(),
        }
    });
    let columns = columns.collect();
    let rejects = schema.as_ref().map(|schema| schema::rejects_of(table, schema)).unwrap_or_default();
    let classes = schema.as_ref().filter(|schema| schema.task.is_classes()).and_then(|schema| {
        let target = schema.columns.iter().position(|column| column.role == Role::Target)?;
        Some(stats[target].frequent.clone())
    });
    Profile {
        name: table.source.clone(),
        rows: table.rows(),
        columns,
        task: schema.map(|schema| schema.task),
        classes: classes.unwrap_or_default(),
        decisions,
        rejects,
        problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::table_of;

    #[test]
    fn a_profile_counts_and_measures() {
        let table = table_of("age,town,label\n20,a,x\n30,b,y\nNA,a,x\n40,,y\n20,a,x");
        let profile = profile_table(&table, &Config::default());
        let (age, town) = (&profile.columns[0], &profile.columns[1]);
        assert_eq!((age.low, age.high, age.mean, age.missing), (Some(20.0), Some(40.0), Some(27.5), 1));
        assert_eq!((town.kind, town.distinct, town.missing), (ColumnKind::Categorical, 2, 1));
        assert_eq!(town.frequent, [("a".to_string(), 3), ("b".to_string(), 1)]);
        assert_eq!((profile.rows, profile.task), (5, Some(Task::Binary)));
        assert_eq!(profile.classes, [("x".to_string(), 3), ("y".to_string(), 2)]);
    }

    #[test]
    fn a_profile_says_why_a_column_is_left_out() {
        let profile = profile_table(&table_of("age,unit,label\n20,kg,x\n30,kg,y\n25,kg,x"), &Config::default());
        let reasons: Vec<_> = profile.columns.iter().map(|column| column.left_out.as_deref()).collect();
        assert_eq!(reasons, [None, Some("one value in every row"), None]);
    }

    #[test]
    fn data_that_cannot_be_trained_on_has_a_profile_and_a_problem() {
        let profile = profile_table(&table_of("age,label\n20,x\n30,x"), &Config::default());
        assert_eq!(profile.columns.len(), 2);
        assert!(profile.problem.unwrap().contains("one value only"));
    }
}
