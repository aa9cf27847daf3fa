//! The target codec: cells to the numbers a network is trained on, and its outputs back to answers.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::notation::Notation;
use super::preprocess::{self, Number, read_boolean, unreadable};
use super::schema::{self, Role, Schema, Task};
use super::table::Table;
use crate::{Error, Result, did_you_mean};

/// What is predicted, and how it is written as numbers; data only, saved with the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// The task.
    pub task: Task,
    /// The target columns.
    pub columns: Vec<String>,
    /// The classes or labels in the order of the outputs; of two classes, the second is the positive one. Empty
    /// for regression.
    pub classes: Vec<String>,
    /// μ and σ of each numeric target in the training rows; (0, 1) where targets are not scaled.
    pub scales: Vec<(f64, f64)>,
    /// What stands between the labels of one cell, where a single column holds several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub separator: Option<char>,
    /// How cells are read.
    pub notation: Notation,
}

impl Target {
    /// Collects the classes of `rows` (all rows whose answer is known), or measures the numeric targets of the
    /// training rows.
    pub fn fit(table: &Table, schema: &Schema, rows: &[usize], train_rows: &[usize], scale: bool) -> Result<Self> {
        let mut target = Target {
            task: schema.task,
            columns: schema.names(Role::Target),
            classes: Vec::new(),
            scales: Vec::new(),
            separator: schema.separator,
            notation: schema.notation.clone(),
        };
        let positions = target.positions(table)?;
        match target.task {
            Task::Regression => {
                target.scales = vec![(0.0, 1.0); positions.len()];
                if scale {
                    let y: Vec<f64> = target.encode(table, train_rows)?;
                    let column = |t: usize| y.iter().skip(t).step_by(positions.len()).copied().collect::<Vec<f64>>();
                    target.scales = (0..positions.len()).map(|t| preprocess::mean_deviation(&column(t))).collect();
                }
            }
            Task::Multilabel if target.separator.is_none() => target.classes.clone_from(&target.columns),
            Task::Binary | Task::Multiclass | Task::Multilabel => {
                let cells = rows.iter().map(|row| table.columns[positions[0]].get(*row));
                target.classes = sorted_classes(cells.flat_map(|cell| target.labels(cell)), &target.notation);
            }
        }
        Ok(target)
    }

    /// Outputs of the network: 1 for two classes, one a class, label or numeric target otherwise.
    pub fn outputs(&self) -> usize {
        match self.task {
            Task::Binary => 1,
            Task::Multiclass | Task::Multilabel => self.classes.len(),
            Task::Regression => self.columns.len(),
        }
    }

    /// Columns of y: the class's index for classes (0 or 1 for two), 0 or 1 a label, a scaled number a numeric target.
    pub fn width(&self) -> usize {
        match self.task {
            Task::Binary | Task::Multiclass => 1,
            Task::Multilabel => self.classes.len(),
            Task::Regression => self.columns.len(),
        }
    }

    /// The rows whose answer is known.
    pub fn known_rows(&self, table: &Table) -> Result<Vec<usize>> {
        let positions = self.positions(table)?;
        // A cell of several labels may well have none.
        let known = |row: &usize| {
            self.separator.is_some()
                || positions.iter().all(|position| self.notation.value(table.columns[*position].get(*row)).is_some())
        };
        Ok((0..table.rows()).filter(known).collect())
    }

    /// The answers of rows as y, row-major (rows × width).
    pub fn encode<T: Number>(&self, table: &Table, rows: &[usize]) -> Result<Vec<T>> {
        let positions = self.positions(table)?;
        let mut y = Vec::with_capacity(rows.len() * self.width());
        for row in rows {
            for (t, position) in positions.iter().enumerate() {
                let raw = table.columns[*position].get(*row);
                let wrong = |expected: &str| unreadable(table, *row, *position, expected).fix("correct the cell");
                match (self.task, self.separator) {
                    (Task::Regression, _) => {
                        let number = self.notation.value(raw).and_then(|cell| self.notation.number(cell));
                        let number = number.filter(|x| x.is_finite()).ok_or_else(|| wrong("a finite number"))?;
                        y.push(T::nearest(self.scaled(t, number)));
                    }
                    (Task::Multilabel, None) => {
                        let is = self.notation.category(raw).and_then(read_boolean);
                        y.push(T::nearest(f64::from(u8::from(is.ok_or_else(|| wrong("0 or 1"))?))));
                    }
                    (Task::Multilabel, Some(_)) => {
                        let start = y.len();
                        y.resize(start + self.width(), T::default());
                        for label in self.labels(raw) {
                            let class = self.class(label).ok_or_else(|| self.unseen(table, *row, *position, label))?;
                            y[start + class] = T::nearest(1.0);
                        }
                    }
                    (Task::Binary | Task::Multiclass, _) => {
                        let label = self.notation.category(raw).ok_or_else(|| wrong("a class"))?;
                        let class = self.class(label).ok_or_else(|| self.unseen(table, *row, *position, label))?;
                        y.push(T::nearest(class as f64));
                    }
                }
            }
        }
        Ok(y)
    }

    /// The index of a class; a full stop at its end is overlooked where only that keeps it from matching.
    pub fn class(&self, label: &str) -> Option<usize> {
        let find = |label: &str| self.classes.iter().position(|class| class == label);
        find(label).or_else(|| find(label.strip_suffix('.')?.trim_end()))
    }

    /// A network output of a numeric target in the data's units.
    pub fn unscaled(&self, target: usize, output: f64) -> f64 {
        let (mean, deviation) = self.scales[target];
        mean + deviation * output
    }

    /// A numeric target in the units the network is trained on.
    pub fn scaled(&self, target: usize, value: f64) -> f64 {
        let (mean, deviation) = self.scales.get(target).copied().unwrap_or((0.0, 1.0));
        (value - mean) / deviation
    }

    /// The probability of each class or label from one example's probabilities as the network gives them (one for
    /// two classes); empty for regression.
    pub fn probabilities(&self, outputs: &[f64]) -> Vec<f64> {
        match self.task {
            Task::Regression => Vec::new(),
            Task::Binary => vec![1.0 - outputs[0], outputs[0]],
            Task::Multiclass | Task::Multilabel => outputs.to_vec(),
        }
    }

    /// The answer to one example, one text a target column: the likeliest class, the likely labels (probability of
    /// a half or more; 0 or 1 a label column), or the number in the data's units.
    pub fn answers(&self, outputs: &[f64]) -> Vec<String> {
        match self.task {
            Task::Regression => (0..outputs.len()).map(|t| self.unscaled(t, outputs[t]).to_string()).collect(),
            Task::Binary | Task::Multiclass => {
                let probabilities = self.probabilities(outputs);
                // Of equally likely classes the first, but the positive one at exactly a half.
                let later_wins = self.task == Task::Binary;
                let mut best = 0;
                for (class, p) in probabilities.iter().enumerate() {
                    if *p > probabilities[best] || (later_wins && *p == probabilities[best]) {
                        best = class;
                    }
                }
                vec![self.classes[best].clone()]
            }
            Task::Multilabel => match self.separator {
                None => outputs.iter().map(|p| if *p >= 0.5 { "1" } else { "0" }.to_string()).collect(),
                Some(separator) => {
                    let likely = self.classes.iter().zip(outputs).filter(|(_, p)| **p >= 0.5);
                    let labels: Vec<&str> = likely.map(|(label, _)| label.as_str()).collect();
                    vec![labels.join(&separator.to_string())]
                }
            },
        }
    }

    /// A row's answer as the data writes it.
    pub fn truth(&self, table: &Table, row: usize) -> String {
        let cells = self.columns.iter().filter_map(|name| table.position(name));
        cells.map(|position| table.columns[position].get(row).trim()).collect::<Vec<_>>().join(", ")
    }

    fn positions(&self, table: &Table) -> Result<Vec<usize>> {
        schema::positions(table, self.columns.iter().map(String::as_str))
    }

    /// The labels of one cell.
    fn labels<'a>(&'a self, cell: &'a str) -> impl Iterator<Item = &'a str> {
        let separator = self.separator;
        let cell = self.notation.category(cell).unwrap_or("");
        let split = move |c: char| Some(c) == separator;
        cell.split(split).map(str::trim).filter(|label| !label.is_empty())
    }

    fn unseen(&self, table: &Table, row: usize, column: usize, label: &str) -> Error {
        let near = did_you_mean(label, self.classes.iter().map(String::as_str));
        let classes = schema::shortened(&schema::quoted(&self.classes), 10);
        Error::data(format!(
            "found the class {label:?}{near}, which the training data does not have; expected one of {classes}"
        ))
        .at(table.place(row, column))
        .fix("correct the cell, leave the row out, or train with data that has this class")
    }
}

/// The distinct labels: by value if all are numbers, else in byte order.
pub(crate) fn sorted_classes<'a>(labels: impl Iterator<Item = &'a str>, notation: &Notation) -> Vec<String> {
    let distinct: BTreeSet<&str> = labels.collect();
    let mut classes: Vec<String> = distinct.into_iter().map(String::from).collect();
    let numbers: Option<Vec<f64>> = classes.iter().map(|class| notation.number(class)).collect();
    if numbers.is_some() {
        let number = |class: &String| notation.number(class).unwrap_or(0.0);
        classes.sort_by(|a, b| number(a).total_cmp(&number(b)));
    }
    classes
}
