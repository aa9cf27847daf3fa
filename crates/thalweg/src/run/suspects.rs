//! What is suspicious in data, found by the answers of runs that were not trained on a row: labels that these contradict,
//! equal rows, and columns that tell the answer.

use std::path::Path;

use serde::Serialize;

use super::resume::written;
use super::series::{OutOfFold, OutOfFoldRow, Summary, Variation};
use crate::config::Config;
use crate::data::alike::{self, Labels};
use crate::data::schema::Role;
use crate::data::source::{self, Source};
use crate::data::table::Table;
use crate::data::target::Target;
use crate::error::{Error, Result};
use crate::io::csv;
use crate::metrics::{contradicting_classes, modified_z_scores, normalised_margin};
use crate::model::Model;
use crate::task::Task;

/// Residuals of more than so many units are suspicious.
const OUTLIER_DEVIATIONS: f64 = 3.5;

/// What is suspicious in the data of a series of folds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Suspects {
    /// Rows that were held out and looked at.
    pub rows: usize,
    /// Answers that are perhaps wrong, the most suspicious first.
    pub answers: Vec<SuspectAnswer>,
    /// Rows with equal inputs that have different answers, or are in different folds.
    pub equal: Vec<EqualRows>,
    /// Columns that alone tell the answer, or nearly.
    pub columns: Vec<TellingColumn>,
    /// Why equal rows and columns were not looked at, if so.
    pub not_looked_at: Option<String>,
}

/// An answer that is perhaps wrong.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SuspectAnswer {
    /// The row's line in the source, or its number.
    pub line: u64,
    /// Its file, for images and sounds; its name, for sequences.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The target or the label.
    pub target: String,
    /// What the data says.
    pub given: String,
    /// What the model says that was not trained on the row.
    pub expected: String,
    /// For classes the normalised margin: 0 where another class is certain. For numbers how many units the answer is from
    /// what is expected: more than 3.5.
    pub score: f64,
}

/// Rows that cannot be told from one another by their inputs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EqualRows {
    /// Their lines in the source.
    pub lines: Vec<u64>,
    /// The different answers that they have.
    pub answers: Vec<String>,
    /// Whether one was trained on where another was tested.
    pub across_folds: bool,
}

/// A column that alone tells the answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TellingColumn {
    /// The column.
    pub column: String,
    /// The target or the label.
    pub target: String,
    /// The share of wrong answers over that of the most frequent class, or of the variance, that it leaves open.
    pub left_open: f64,
}

/// Looks through the data of a series of folds, whose runs have ended.
///
/// # Errors
/// If the folder has no finished folds, or the data is gone or has changed.
pub fn suspects(folder: &Path) -> Result<Suspects> {
    let summary = Summary::read(folder)?;
    let place = folder.display().to_string();
    if !matches!(summary.variation, Variation::Folds(_)) {
        let error = Error::config("the runs differ in their seeds: no row is left out by one of them").at(place);
        return Err(error.fix("name a folder of runs that were trained with [folds]"));
    }
    if !summary.complete {
        let error = Error::config("not all folds are trained").at(&place);
        return Err(error.fix(format!("go on with thalweg resume {place}")));
    }
    let found = OutOfFold::of(folder, &summary)?;
    let config = written(&folder.join("config.toml"))?;
    let questions = questions(&found);
    let mut suspects = Suspects {
        rows: found.rows.len(),
        answers: questions.iter().flat_map(|question| question.suspects(&found.rows)).collect(),
        equal: Vec::new(),
        columns: Vec::new(),
        not_looked_at: None,
    };
    // Of classes 0 is the most suspicious, of numbers the farthest.
    let order = |suspect: &SuspectAnswer| match found.target.task {
        Task::Regression => -suspect.score.abs(),
        _ => suspect.score,
    };
    suspects.answers.sort_by(|a, b| order(a).total_cmp(&order(b)).then(a.line.cmp(&b.line)));
    match table(&config)? {
        Some(_) if config.data.sequence.is_some() => {
            suspects.not_looked_at = Some("the rows of sequences are steps, and no examples to compare".into());
        }
        Some(table) => {
            let model = Model::load(folder.join(&summary.runs[0].run))?;
            suspects.look_at(&table, &model, &found, &questions)?;
        }
        None => suspects.not_looked_at = Some("images, sounds and arrays have no columns to compare".into()),
    }
    Ok(suspects)
}

/// The data, if it is a table.
fn table(config: &Config) -> Result<Option<Table>> {
    Ok(match source::open(&config.data.path, &config.data)? {
        Source::Table(mut reader) => Some(reader.read_rest()?),
        Source::Arrays(_) => None,
    })
}

impl Suspects {
    fn look_at(&mut self, table: &Table, model: &Model, found: &OutOfFold, questions: &[SuspectTarget]) -> Result<()> {
        let (schema, known) = (&model.schema, Target::known_rows(table, &model.schema)?);
        let fold_of = |row: usize| {
            let line = table.lines[row];
            found.rows.binary_search_by_key(&line, |row| row.line).ok().map(|at| found.rows[at].fold)
        };
        for rows in alike::equal_inputs(table, schema, &known) {
            let mut answers: Vec<String> = rows.iter().map(|row| model.target.truths(table, *row).join(", ")).collect();
            answers.sort();
            answers.dedup();
            let fold = fold_of(rows[0]);
            let across_folds = rows.iter().any(|row| fold_of(*row) != fold);
            if answers.len() > 1 || across_folds {
                let lines = rows.iter().map(|row| table.lines[*row]).collect();
                self.equal.push(EqualRows { lines, answers, across_folds });
            }
        }
        let rows: Vec<usize> = found.rows.iter().filter_map(|row| table.lines.binary_search(&row.line).ok()).collect();
        if rows.len() < found.rows.len() {
            return Err(Error::data("the data has changed since the folds were trained on it").at(&table.source));
        }
        for column in schema.with_role(Role::Feature) {
            let Some(position) = table.position(&column.name) else { continue };
            for question in questions {
                let answer = match &question.answers {
                    Given::Classes { labels, .. } => Labels::Classes(labels),
                    Given::Numbers { y, .. } => Labels::Numbers(y),
                };
                let left_open = alike::left_open(table, schema, position, &rows, answer);
                self.columns.extend(left_open.filter(|open| *open <= alike::TELLING).map(|left_open| TellingColumn {
                    column: column.name.clone(),
                    target: question.target.clone(),
                    left_open,
                }));
            }
        }
        Ok(())
    }

    /// A table: what is suspicious, where, what the data says and what is expected, how sure that is, and what else.
    pub fn to_csv(&self) -> String {
        let mut text = csv::line(["suspicion", "line", "file", "target", "given", "expected", "score", "why"]);
        let empty = String::new;
        for suspect in &self.answers {
            let SuspectAnswer { line, file, target, given, expected, score } = suspect;
            let file = file.clone().unwrap_or_default();
            let fields = ["answer".into(), line.to_string(), file, target.clone(), given.clone(), expected.clone()];
            text += &csv::line(fields.into_iter().chain([score.to_string(), empty()]));
        }
        for EqualRows { lines, answers, across_folds } in &self.equal {
            let why = match (answers.len() > 1, across_folds) {
                (true, true) => "equal inputs, different answers, in different folds",
                (true, false) => "equal inputs, different answers",
                (false, _) => "equal inputs in different folds",
            };
            let all: Vec<String> = lines.iter().map(u64::to_string).collect();
            let why = format!("{why}: lines {}", all.join(" "));
            for line in all {
                let fields = ["equal rows".into(), line, empty(), empty(), answers.join(" or "), empty(), empty()];
                text += &csv::line(fields.into_iter().chain([why.clone()]));
            }
        }
        for TellingColumn { column, target, left_open } in &self.columns {
            let why = format!("the column {column} alone tells the answer");
            let fields = ["column".into(), empty(), empty(), target.clone(), empty(), empty(), left_open.to_string()];
            text += &csv::line(fields.into_iter().chain([why]));
        }
        text
    }
}

/// One thing that is asked of all rows: the class, whether a label applies, or a number.
struct SuspectTarget {
    target: String,
    answers: Given,
}

/// What the data says, and what the models do that were not trained on it.
enum Given {
    Classes { names: Vec<String>, labels: Vec<usize>, probabilities: Vec<f64> },
    Numbers { written: Vec<String>, y: Vec<f64>, points: Vec<f64> },
}

fn questions(found: &OutOfFold) -> Vec<SuspectTarget> {
    let target = &found.target;
    let rows = &found.rows;
    match target.task {
        Task::Binary | Task::Multiclass => {
            let labels = rows.iter().map(|row| row.y[0] as usize).collect();
            let probabilities = rows.iter().flat_map(|row| row.probabilities.iter().copied()).collect();
            let answers = Given::Classes { names: target.classes.clone(), labels, probabilities };
            vec![SuspectTarget { target: target.columns[0].clone(), answers }]
        }
        Task::Multilabel => {
            let label = |(l, name): (usize, &String)| {
                let labels = rows.iter().map(|row| usize::from(row.y[l] > 0.5)).collect();
                let probabilities =
                    rows.iter().flat_map(|row| [1.0 - row.probabilities[l], row.probabilities[l]]).collect();
                let answers = Given::Classes { names: ["0", "1"].map(String::from).to_vec(), labels, probabilities };
                SuspectTarget { target: name.clone(), answers }
            };
            target.classes.iter().enumerate().map(label).collect()
        }
        Task::Regression => {
            let number = |(t, name): (usize, &String)| {
                let y = rows.iter().map(|row| row.y[t]).collect();
                let points = rows.iter().map(|row| row.points[t]).collect();
                let written = rows.iter().map(|row| row.truths[t].clone()).collect();
                SuspectTarget { target: name.clone(), answers: Given::Numbers { written, y, points } }
            };
            target.columns.iter().enumerate().map(number).collect()
        }
    }
}

impl SuspectTarget {
    fn suspects(&self, rows: &[OutOfFoldRow]) -> Vec<SuspectAnswer> {
        let suspect = |i: usize, given: String, expected: String, score: f64| SuspectAnswer {
            line: rows[i].line,
            file: rows[i].file.clone(),
            target: self.target.clone(),
            given,
            expected,
            score,
        };
        match &self.answers {
            Given::Classes { names, labels, probabilities } => {
                let others = contradicting_classes(labels, probabilities, names.len());
                let contradicted = others.into_iter().enumerate().filter_map(|(i, other)| Some((i, other?)));
                contradicted
                    .map(|(i, other)| {
                        let p = &probabilities[i * names.len()..][..names.len()];
                        let score = normalised_margin(labels[i], p);
                        suspect(i, names[labels[i]].clone(), names[other].clone(), score)
                    })
                    .collect()
            }
            Given::Numbers { written, y, points } => {
                let residuals: Vec<f64> = y.iter().zip(points).map(|(y, point)| y - point).collect();
                let far =
                    modified_z_scores(&residuals).into_iter().enumerate().filter(|(_, z)| z.abs() > OUTLIER_DEVIATIONS);
                far.map(|(i, z)| suspect(i, written[i].clone(), points[i].to_string(), z)).collect()
            }
        }
    }
}
