//! Answers to rows by runs that were not trained on them.

use std::path::Path;

use super::Summary;
use crate::data::examples::Examples;
use crate::data::schema::Task;
use crate::data::target::Target;
use crate::error::{Error, Result};
use crate::io::csv;
use crate::model::{AnswerCell, AnswerColumns, Model, of_targets, points_in_units};
use crate::recipe;
use crate::run::resume::written;
use crate::tensor::ops::MatmulPrecision;

/// The answers to every row of the data that is in a fold, in the order of the data.
#[derive(Debug, Clone)]
pub struct OutOfFold {
    /// What is predicted, as the first fold's model knows it.
    pub target: Target,
    /// The rows.
    pub rows: Vec<OutOfFoldRow>,
    /// What the number of a row is called: `line`, or `row` where the source has no lines.
    unit: &'static str,
    /// The names of the answers' columns.
    names: Vec<String>,
}

/// A row, and what the model says of it that was not trained on it.
#[derive(Debug, Clone)]
pub struct OutOfFoldRow {
    /// Its line in the source, or its number from 1.
    pub line: u64,
    /// Its file, for images and sounds; its name, for sequences.
    pub file: Option<String>,
    /// The fold that it is in.
    pub fold: usize,
    /// Its targets as written in the data.
    pub truths: Vec<String>,
    /// The class, 0 or 1 for each label, or the numbers in the data's units.
    pub y: Vec<f64>,
    /// The probability of each class or label; empty for numbers.
    pub probabilities: Vec<f64>,
    /// The predicted numbers in the data's units; probabilities for classes.
    pub points: Vec<f64>,
    /// What is predicted, as `thalweg predict` writes it.
    pub cells: Vec<AnswerCell>,
}

impl OutOfFold {
    /// The answers of a series' models, each to the rows of its fold.
    ///
    /// # Errors
    /// If the data is gone or has changed, or a model cannot be read.
    pub fn of(folder: &Path, summary: &Summary) -> Result<OutOfFold> {
        let mut all: Option<OutOfFold> = None;
        for run in &summary.runs {
            let path = folder.join(&run.run);
            let (model, config) = (Model::load(&path)?, written(&path.join("config.toml"))?);
            let data = recipe::dataset(&config)?;
            if data.hashes != model.provenance.hashes {
                let error = Error::data("the data has changed since the folds were trained on it");
                return Err(error.at(config.data.path).fix("restore it, or train the folds again"));
            }
            let fold = OutOfFold::answered(&model, &data.parts.test, run.number as usize)?;
            fold.add_to(&mut all);
        }
        let mut all = all.ok_or_else(|| {
            let error = Error::config("no fold is trained yet").at(folder.display().to_string());
            error.fix("go on with thalweg resume")
        })?;
        all.sort();
        Ok(all)
    }

    /// The answers of one fold's model to its rows.
    pub(super) fn answered(model: &Model, rows: &Examples, fold: usize) -> Result<OutOfFold> {
        let target = &model.target;
        let columns = AnswerColumns::new(target, None)?;
        let width = rows.targets;
        let mut answered = OutOfFold {
            target: target.clone(),
            rows: Vec::with_capacity(rows.rows),
            unit: if rows.has_lines { "line" } else { "row" },
            names: columns.names().to_vec(),
        };
        model.answer_examples(rows, MatmulPrecision::default(), &mut |first, answers| {
            for (i, outputs) in answers.outputs.iter().enumerate() {
                let row = first + i;
                let y = rows.y[row * width..][..width].iter().map(|y| f64::from(*y));
                answered.rows.push(OutOfFoldRow {
                    line: rows.source_lines[row],
                    file: rows.files.get(row).or(rows.sequences.get(row)).cloned(),
                    fold,
                    truths: rows.raw.truths(row),
                    y: match target.task {
                        Task::Regression => y.enumerate().map(|(t, y)| target.unscaled(t, y)).collect(),
                        _ => y.collect(),
                    },
                    probabilities: answers.probabilities[i].clone(),
                    points: points_in_units(target, outputs),
                    cells: columns.cells(answers, i),
                });
            }
            Ok(())
        })?;
        Ok(answered)
    }

    /// Adds a fold to those before it.
    pub(super) fn add_to(self, all: &mut Option<OutOfFold>) {
        match all {
            Some(all) => all.rows.extend(self.rows),
            None => *all = Some(self),
        }
    }

    pub(super) fn sort(&mut self) {
        self.rows.sort_by_key(|row| row.line);
    }

    /// A table: the line (and the file), the fold, the target, and what `thalweg predict` writes.
    pub fn to_csv(&self) -> String {
        let files = self.rows.iter().any(|row| row.file.is_some());
        // Rows of tables have no files, but sequences are made of them.
        let file = files.then(|| if self.unit == "line" { "sequence" } else { "file" }.to_string());
        let names = [self.unit, "fold"].map(String::from).into_iter();
        let names = file.into_iter().chain(names).chain(of_targets("target", &self.target));
        let mut text = csv::line(names.chain(self.names.iter().cloned()));
        for row in &self.rows {
            let file = files.then(|| row.file.clone().unwrap_or_default());
            let fields = [row.line.to_string(), row.fold.to_string()].into_iter().chain(row.truths.iter().cloned());
            text += &csv::line(file.into_iter().chain(fields).chain(row.cells.iter().map(AnswerCell::to_string)));
        }
        text
    }
}
