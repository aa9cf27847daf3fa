//! The target codec: cells to the values a network is trained on, and its outputs back to predictions.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::boolean_words;
use super::cell_format::{CellFormat, without_zero};
use super::conformal::Calibration;
use super::number_format::NumberFormat;
use super::preprocess::{self, Number, unreadable};
use super::reading::Readings;
use super::schema::{self, Role, Schema, Task};
use super::table::Table;
use crate::config::{Config, Preprocess};
use crate::event::Decision;
use crate::metrics::threshold::HALF;
use crate::{Error, Result, did_you_mean};

/// What is predicted, and how it is encoded; data only, saved with the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// The task.
    pub task: Task,
    /// The target columns.
    pub columns: Vec<String>,
    /// The classes or labels in output order; of two classes, the second is the positive one. Empty for regression.
    pub classes: Vec<String>,
    /// μ and σ of each numeric target in the training rows; (0, 1) where targets are not scaled.
    pub scales: Vec<(f64, f64)>,
    /// The separator between the labels of one cell, where a single column holds several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub separator: Option<char>,
    /// How cells are read.
    #[serde(rename = "notation")]
    pub cell_format: CellFormat,
    /// The number format of each numeric target, if not plain.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub formats: Vec<Option<NumberFormat>>,
    /// From which probability on the second of two classes, or each label, is predicted; empty for a half.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub thresholds: Vec<f64>,
    /// What intervals and sets follow from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
    /// The quantiles of the numeric target that are predicted, ascending; empty for the mean.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quantiles: Vec<f64>,
    /// The smallest and the largest value of each numeric target in the training rows, which answers are clipped to;
    /// empty where they are not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<(f64, f64)>,
}

impl Target {
    /// Collects the classes of `rows` (all rows whose target is known), or fits the scales and the limits of numeric
    /// targets to the training rows.
    ///
    /// # Errors
    /// If a target is missing or cannot be read, or there are not as many classes as the task requires.
    pub fn fit(
        table: &Table,
        schema: &Schema,
        rows: &[usize],
        train_rows: &[usize],
        options: &Preprocess,
    ) -> Result<Self> {
        let mut target = Target {
            task: schema.task,
            columns: schema.names(Role::Target),
            classes: Vec::new(),
            scales: Vec::new(),
            separator: schema.separator,
            cell_format: schema.cell_format.clone(),
            formats: schema.with_role(Role::Target).map(|column| column.numbers).collect(),
            thresholds: Vec::new(),
            calibration: None,
            quantiles: Vec::new(),
            limits: Vec::new(),
        };
        if target.formats.iter().all(Option::is_none) {
            target.formats.clear();
        }
        let positions = target.positions(table)?;
        match target.task {
            Task::Regression => {
                target.scales = vec![(0.0, 1.0); positions.len()];
                if options.scale_target {
                    let y: Vec<f64> = target.encode(table, train_rows)?;
                    let column = |t: usize| y.iter().skip(t).step_by(positions.len()).copied();
                    target.scales = (0..positions.len()).map(|t| preprocess::mean_deviation(column(t))).collect();
                }
                if options.clip_answers == Some(true) {
                    target.limits = vec![(f64::INFINITY, f64::NEG_INFINITY); positions.len()];
                    target.widen(table, train_rows)?;
                }
            }
            Task::Multilabel if target.separator.is_none() => target.classes.clone_from(&target.columns),
            Task::Binary | Task::Multiclass if !schema.classes.is_empty() => target.classes.clone_from(&schema.classes),
            Task::Binary | Task::Multiclass | Task::Multilabel => {
                let cells = table.columns[positions[0]].readings(table.cell_format(&target.cell_format));
                let mut labels = HashSet::default();
                for cell in rows.iter().filter_map(|row| cells.category(*row)) {
                    for label in target.labels(&cell) {
                        if !labels.contains(label) {
                            labels.insert(label.to_string());
                        }
                    }
                }
                target.classes = sorted_classes(labels, &target.cell_format);
            }
        }
        target.check_count(&table.source)?;
        Ok(target)
    }

    /// Checks that there are as many classes as the task requires.
    pub(crate) fn check_count(&self, source: &str) -> Result<()> {
        let count = self.classes.len();
        let fits = match self.task {
            Task::Binary => count == 2,
            Task::Multiclass => count > 1,
            Task::Multilabel => count > 0,
            Task::Regression => true,
        };
        if fits {
            return Ok(());
        }
        Err(Error::data(format!("task {} with {count} different answers", self.task))
            .at(format!("{source}, column {:?}", self.columns.first().map_or("", String::as_str)))
            .fix("name another task with [task], or all classes with [classes]"))
    }

    /// Widens the limits, if there are any, to the targets of further training rows.
    ///
    /// # Errors
    /// If a target is missing or cannot be read.
    pub(crate) fn widen(&mut self, table: &Table, rows: &[usize]) -> Result<()> {
        if self.limits.is_empty() {
            return Ok(());
        }
        let unscaled = Target { scales: Vec::new(), ..self.clone() };
        for row in unscaled.encode::<f64>(table, rows)?.chunks_exact(self.limits.len()) {
            self.widen_to(row.iter().map(|y| (*y, *y)));
        }
        Ok(())
    }

    /// Widens the limits, if there are any, to others.
    pub(crate) fn widen_to(&mut self, others: impl Iterator<Item = (f64, f64)>) {
        for ((low, high), (lower, higher)) in self.limits.iter_mut().zip(others) {
            (*low, *high) = (low.min(lower), high.max(higher));
        }
    }

    /// What is said of the limits where the configuration leaves open whether there are any.
    pub(crate) fn clipping(&self, config: &Config) -> Option<Decision> {
        if self.limits.is_empty() || config.preprocess.clip_answers.is_some() {
            return None;
        }
        let range = |(name, (low, high)): (&String, &(f64, f64))| format!("{name} from {low} to {high}");
        let ranges: Vec<String> = self.columns.iter().zip(&self.limits).map(range).collect();
        Some(Decision {
            what: format!("answers are clipped to the training rows' range: {}", schema::shortened(&ranges, 8)),
            why: "what is beyond it was never trained on".into(),
            instead: "[clip_answers=false]".into(),
        })
    }

    /// The number of network outputs: 1 for two classes, otherwise one per class, label or numeric target.
    pub fn outputs(&self) -> usize {
        match self.task {
            Task::Binary => 1,
            Task::Multiclass | Task::Multilabel => self.classes.len(),
            Task::Regression => self.columns.len() * self.quantiles.len().max(1),
        }
    }

    /// Predicts the quantiles that a configuration asks for.
    ///
    /// # Errors
    /// If they are not of one number.
    pub(crate) fn set_quantiles(&mut self, config: &Config) -> Result<()> {
        let Some(quantiles) = &config.train.quantiles else { return Ok(()) };
        if self.task != Task::Regression || self.columns.len() != 1 {
            let found = format!("quantiles of {} targets for {}", self.columns.len(), self.task);
            let error = Error::config(found).at("--quantiles");
            return Err(error.fix("leave [quantiles] out, or name one numeric target with [target]"));
        }
        self.quantiles.clone_from(quantiles);
        Ok(())
    }

    /// Columns of y: the class index for classes (0 or 1 for two), 0 or 1 for each label, a scaled number for each
    /// numeric target.
    pub fn width(&self) -> usize {
        match self.task {
            Task::Binary | Task::Multiclass => 1,
            Task::Multilabel => self.classes.len(),
            Task::Regression => self.columns.len(),
        }
    }

    /// The rows of a table whose target is known: no target cell is missing.
    pub fn known_rows(table: &Table, schema: &Schema) -> Result<Vec<usize>> {
        let names = schema.names(Role::Target);
        let positions = schema::positions(table, names.iter().map(String::as_str))?;
        let cell_format = table.cell_format(&schema.cell_format);
        let columns: Vec<_> = positions.iter().map(|position| table.columns[*position].readings(cell_format)).collect();
        // A cell of several labels may well be empty.
        let known = |row: &usize| schema.separator.is_some() || !columns.iter().any(|cells| cells.is_missing(*row));
        Ok((0..table.rows()).filter(known).collect())
    }

    /// The targets of rows as y, row-major (rows × width).
    pub fn encode<T: Number>(&self, table: &Table, rows: &[usize]) -> Result<Vec<T>> {
        let positions = self.positions(table)?;
        let cell_format = table.cell_format(&self.cell_format);
        let format = |t: usize| self.formats.get(t).copied().flatten();
        let readings =
            |(t, position): (usize, &usize)| table.columns[*position].readings(cell_format).with_format(format(t));
        let columns: Vec<Readings> = positions.iter().enumerate().map(readings).collect();
        let mut y = Vec::with_capacity(rows.len() * self.width());
        for row in rows {
            for (t, (cells, position)) in columns.iter().zip(&positions).enumerate() {
                let wrong = |expected: &str| unreadable(table, *row, *position, expected).fix("correct the cell");
                match (self.task, self.separator) {
                    (Task::Regression, _) => {
                        let number = cells.get(*row).number();
                        let number = number.filter(|x| x.is_finite()).ok_or_else(|| wrong("a finite number"))?;
                        y.push(T::nearest(self.scaled(t, number)));
                    }
                    (Task::Multilabel, None) => {
                        let cell = cells.as_text(*row);
                        let is = cell.and_then(|cell| boolean_words::read(cell_format.category(&cell)?));
                        y.push(T::nearest(f64::from(u8::from(is.ok_or_else(|| wrong("0 or 1"))?))));
                    }
                    (Task::Multilabel, Some(_)) => {
                        let start = y.len();
                        y.resize(start + self.width(), T::default());
                        for label in self.labels(&cells.as_text(*row).unwrap_or_default()) {
                            let class = self.class(label).ok_or_else(|| self.unseen(table, *row, *position, label))?;
                            y[start + class] = T::nearest(1.0);
                        }
                    }
                    (Task::Binary | Task::Multiclass, _) => {
                        let label = cells.as_text(*row).ok_or_else(|| wrong("a class"))?;
                        let class = self.class(&label).ok_or_else(|| self.unseen(table, *row, *position, &label))?;
                        y.push(T::nearest(class as f64));
                    }
                }
            }
        }
        Ok(y)
    }

    /// The index of a class; a trailing ".0" of an integer, and a trailing full stop, are ignored if only that prevents
    /// a match.
    pub fn class(&self, label: &str) -> Option<usize> {
        let find = |label: &str| self.classes.iter().position(|class| class == label);
        let without = || [".0", ",0"].into_iter().find_map(|zero| find(without_zero(label, zero)?));
        find(label).or_else(without).or_else(|| find(label.strip_suffix('.')?.trim_end()))
    }

    /// A sentence about the rows whose class only matches without its full stop, if there are any.
    pub fn overlooked_stops(&self, table: &Table, rows: &[usize]) -> Option<String> {
        let position = table.position(self.columns.first().filter(|_| self.task.is_classes())?)?;
        let cells = table.columns[position].readings(table.cell_format(&self.cell_format));
        let stops = |label: &str| label.ends_with('.') && !self.classes.iter().any(|class| class == label);
        let count = rows.iter().filter_map(|row| cells.category(*row)).filter(|label| stops(label)).count();
        (count > 0).then(|| {
            format!(
                "{}: the full stop at the end of {count} cells of {:?} is overlooked",
                table.source, self.columns[0]
            )
        })
    }

    /// A network output of a numeric target in the data's units, as it is: an answer is [`Target::answer`].
    pub fn unscaled(&self, target: usize, output: f64) -> f64 {
        let (mean, deviation) = self.scales[target];
        mean + deviation * output
    }

    /// The answer that a network output of a numeric target is: in the data's units, and clipped to the limits.
    pub fn answer(&self, target: usize, output: f64) -> f64 {
        let value = self.unscaled(target, output);
        match self.limits.get(target) {
            Some((low, _)) if value < *low => *low,
            Some((_, high)) if value > *high => *high,
            _ => value,
        }
    }

    /// A network output of a numeric target, clipped to the limits, in the units that the network is trained on.
    pub(crate) fn clipped(&self, target: usize, output: f64) -> f64 {
        let answer = self.answer(target, output);
        // Within the limits, an output keeps its bits.
        if answer == self.unscaled(target, output) { output } else { self.scaled(target, answer) }
    }

    /// A numeric target in the units that the network is trained on.
    pub fn scaled(&self, target: usize, value: f64) -> f64 {
        let (mean, deviation) = self.scales.get(target).copied().unwrap_or((0.0, 1.0));
        (value - mean) / deviation
    }

    /// The probability of each class or label from one example's outputs as probabilities (one for two classes); empty
    /// for regression.
    pub fn probabilities(&self, outputs: &[f64]) -> Vec<f64> {
        match self.task {
            Task::Regression => Vec::new(),
            Task::Binary => vec![1.0 - outputs[0], outputs[0]],
            Task::Multiclass | Task::Multilabel => outputs.to_vec(),
        }
    }

    /// The prediction of each numeric target from one example's outputs, scaled or in the data's units: of quantiles the
    /// median, or else the mean of the one or two in the middle.
    pub fn points(&self, outputs: &[f64]) -> Vec<f64> {
        let count = self.quantiles.len();
        if count == 0 {
            return outputs.to_vec();
        }
        let middle = match self.quantiles.iter().position(|tau| *tau == 0.5) {
            Some(median) => outputs[median],
            None => f64::midpoint(outputs[(count - 1) / 2], outputs[count / 2]),
        };
        vec![middle]
    }

    /// How many numbers [`Target::points`] are: the outputs, but one for each numeric target, whatever its quantiles.
    pub(crate) fn points_per_row(&self) -> usize {
        if self.quantiles.is_empty() { self.outputs() } else { self.columns.len() }
    }

    /// All answers of numeric targets for one example in the data's units, clipped to the limits: numbers, or the quantiles
    /// of one.
    pub fn in_units(&self, outputs: &[f64]) -> Vec<f64> {
        let each = self.quantiles.len().max(1);
        outputs.iter().enumerate().map(|(i, output)| self.answer(i / each, *output)).collect()
    }

    /// From which probability on an output's class or label is predicted.
    pub fn threshold(&self, output: usize) -> f64 {
        self.thresholds.get(output).copied().unwrap_or(HALF)
    }

    /// Predicts the second of two classes, or each label, from this probability on.
    ///
    /// # Errors
    /// If it is not from 0 to 1, or the task is another.
    pub fn set_threshold(&mut self, threshold: f64) -> Result<()> {
        let wrong = |message: String| Err(Error::config(message).at("--threshold"));
        if !matches!(self.task, Task::Binary | Task::Multilabel) {
            return wrong(format!("a {} model predicts from no threshold on", self.task))
                .map_err(|error| error.fix("leave [threshold] out: it is for two classes, or labels"));
        }
        if !(0.0..=1.0).contains(&threshold) {
            return wrong(format!("found {threshold}, expected a probability from 0 to 1"))
                .map_err(|error| error.fix("[threshold=0.3]"));
        }
        self.thresholds = if threshold == HALF { Vec::new() } else { vec![threshold; self.outputs()] };
        Ok(())
    }

    /// The class that is predicted from one example's outputs as probabilities: the likeliest, the first of equally
    /// likely ones; of two the second from its threshold on.
    pub fn choice(&self, outputs: &[f64]) -> usize {
        match self.task {
            Task::Binary => usize::from(outputs[0] >= self.threshold(0)),
            _ => (1..outputs.len()).fold(0, |best, class| if outputs[class] > outputs[best] { class } else { best }),
        }
    }

    /// The prediction for one example, one text per target column: the class of [`Target::choice`], the labels from
    /// their thresholds on (0 or 1 for a label column), or the number in the data's units.
    pub fn answers(&self, outputs: &[f64]) -> Vec<String> {
        match self.task {
            Task::Regression => self.points(&self.in_units(outputs)).iter().map(f64::to_string).collect(),
            Task::Binary | Task::Multiclass => vec![self.classes[self.choice(outputs)].clone()],
            Task::Multilabel => {
                let likely = (0..outputs.len()).map(|label| outputs[label] >= self.threshold(label));
                match self.separator {
                    None => likely.map(|likely| if likely { "1" } else { "0" }.to_string()).collect(),
                    Some(separator) => {
                        let labels = self.classes.iter().zip(likely).filter(|(_, likely)| *likely);
                        let labels: Vec<&str> = labels.map(|(label, _)| label.as_str()).collect();
                        vec![labels.join(&separator.to_string())]
                    }
                }
            }
        }
    }

    /// A row's targets as written in the data.
    pub fn truths(&self, table: &Table, row: usize) -> Vec<String> {
        let cells = self.columns.iter().filter_map(|name| table.position(name));
        cells.map(|position| table.columns[position].get(row).trim().to_string()).collect()
    }

    fn positions(&self, table: &Table) -> Result<Vec<usize>> {
        schema::positions(table, self.columns.iter().map(String::as_str))
    }

    /// The labels of one cell.
    fn labels<'a>(&self, cell: &'a str) -> impl Iterator<Item = &'a str> + use<'a> {
        let separator = self.separator;
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

/// Labels in order: by value if all are numbers, else in byte order.
pub(crate) fn sorted_classes(
    labels: HashSet<String, foldhash::fast::RandomState>,
    cell_format: &CellFormat,
) -> Vec<String> {
    let mut classes: Vec<String> = labels.into_iter().collect();
    classes.sort_unstable();
    let numbers: Option<Vec<f64>> = classes.iter().map(|class| cell_format.number(class)).collect();
    if numbers.is_some() {
        let number = |class: &String| cell_format.number(class).unwrap_or(0.0);
        classes.sort_by(|a, b| number(a).total_cmp(&number(b)));
    }
    classes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, Config};
    use crate::data::table_of;

    fn fit(csv: &str, targets: &[&str], task: Option<Task>) -> (Table, Target) {
        let table = table_of(csv);
        let data = config::Data {
            target: targets.iter().map(|name| name.to_string()).collect(),
            task,
            keep: vec!["x".into()],
            ..Default::default()
        };
        let (schema, _) = Schema::infer(&table, &Config { data, ..Config::default() }).unwrap();
        let rows: Vec<usize> = (0..table.rows()).collect();
        let target = Target::fit(&table, &schema, &rows, &rows[..3], &Preprocess::default()).unwrap();
        (table, target)
    }

    #[test]
    fn numeric_targets_are_scaled_by_the_training_rows_and_back() {
        // Training rows 1, 2, 6: mean 3, variance (4 + 1 + 9) / 3.
        let (table, target) = fit("x,t\n1,1\n2,2\n3,6\n4,100.5", &["t"], Some(Task::Regression));
        let deviation = (14.0_f64 / 3.0).sqrt();
        let y: Vec<f64> = target.encode(&table, &[3]).unwrap();
        assert!((y[0] - 97.5 / deviation).abs() < 1e-12);
        assert!((target.unscaled(0, y[0]) - 100.5).abs() < 1e-12);
        assert_eq!(target.answers(&[0.0]), ["3"]);
    }

    #[test]
    fn classes_are_sorted_by_value_and_found_again() {
        let (table, target) = fit("x,t\n1,10\n2,9.0\n3,10\n4,9\n5,9\n6,2", &["t"], Some(Task::Multiclass));
        assert_eq!(target.classes, ["2", "9", "10"]);
        assert_eq!(target.encode::<f32>(&table, &[0, 1, 5]).unwrap(), [2.0, 1.0, 0.0]);
        assert_eq!(target.answers(&[0.2, 0.5, 0.3]), ["9"]);
    }

    #[test]
    fn a_full_stop_is_overlooked_only_where_it_helps() {
        let (_, target) = fit("x,t\n1,<=50K\n2,>50K\n3,>50K", &["t"], None);
        assert_eq!(target.class(">50K."), Some(1));
        assert_eq!(target.class("50K."), None);
        let test = table_of("x,t\n1,<=50K.\n2,>50K");
        assert!(target.overlooked_stops(&test, &[0, 1]).unwrap().contains("1 cells"));
        assert_eq!((target.outputs(), target.probabilities(&[0.25])), (1, vec![0.75, 0.25]));
        assert_eq!((target.answers(&[0.5]), target.answers(&[0.4])), (vec![">50K".into()], vec!["<=50K".to_string()]));
    }

    #[test]
    fn a_threshold_decides_between_two_classes_and_for_each_label() {
        let (_, mut target) = fit("x,t\n1,no\n2,yes\n3,no", &["t"], None);
        target.set_threshold(0.3).unwrap();
        assert_eq!([0.29, 0.3].map(|p| target.choice(&[p])), [0, 1]);
        assert_eq!(target.answers(&[0.3]), ["yes"]);
        assert!(target.set_threshold(1.5).unwrap_err().to_string().contains("expected a probability from 0 to 1"));
        let (_, mut target) = fit("x,t\n1,a; b\n2,\n3,b", &["t"], Some(Task::Multilabel));
        target.thresholds = vec![0.8, 0.2];
        assert_eq!(target.answers(&[0.7, 0.3]), ["b"]);
        let (_, mut target) = fit("x,t\n1,1\n2,2\n3,6", &["t"], Some(Task::Regression));
        assert!(target.set_threshold(0.3).is_err());
    }

    #[test]
    fn the_prediction_of_quantiles_is_the_median_or_the_middle() {
        let (_, mut target) = fit("x,t\n1,1\n2,2\n3,6", &["t"], Some(Task::Regression));
        target.scales = vec![(10.0, 2.0)];
        for (quantiles, expected) in
            [(vec![0.5, 0.9], "12"), (vec![0.1, 0.9], "14"), (vec![0.1, 0.2, 0.9], "16"), (vec![0.3], "12")]
        {
            target.quantiles = quantiles;
            let outputs = &[1.0, 3.0, 5.0][..target.outputs()];
            assert_eq!(target.answers(outputs), [expected]);
        }
        assert_eq!(target.in_units(&[1.0]), [12.0]);
    }

    #[test]
    fn answers_are_clipped_to_the_training_rows() {
        let (table, mut target) = fit("x,t\n1,0.1\n2,2\n3,6\n4,100.5", &["t"], Some(Task::Regression));
        target.limits = vec![(f64::INFINITY, f64::NEG_INFINITY)];
        target.widen(&table, &[0, 1, 2]).unwrap();
        assert_eq!(target.limits, [(0.1, 6.0)]);
        assert_eq!([-9.0, 9.0].map(|output| target.answers(&[output])), [["0.1"], ["6"]]);
        assert!(target.answer(0, f64::NAN).is_nan());
        // Outputs within the limits keep their bits, others become the limits' own.
        assert_eq!(target.clipped(0, 0.25).to_bits(), 0.25f64.to_bits());
        assert_eq!(target.clipped(0, 9.0), target.scaled(0, 6.0));
        // The middle of two quantiles is that of the clipped ones.
        (target.quantiles, target.scales) = (vec![0.1, 0.9], vec![(0.0, 1.0)]);
        assert_eq!(target.answers(&[2.0, 100.0]), ["4"]);
        assert_eq!(target.in_units(&[-1.0, 3.0]), [0.1, 3.0]);
        target.widen_to([(1.0, 7.0)].into_iter());
        assert_eq!(target.limits, [(0.1, 7.0)]);
    }

    #[test]
    fn an_unseen_class_is_an_error_with_its_place() {
        let (_, target) = fit("x,t\n1,cat\n2,dog\n3,cat", &["t"], None);
        let error = target.encode::<f32>(&table_of("x,t\n1,catt"), &[0]).unwrap_err().to_string();
        assert!(error.contains("line 2, column \"t\"") && error.contains("did you mean \"cat\""), "{error}");
    }

    #[test]
    fn labels_of_one_cell_become_columns() {
        let (table, target) = fit("x,t\n1,a; b\n2,\n3,b\n4,c;a", &["t"], Some(Task::Multilabel));
        assert_eq!(target.classes, ["a", "b", "c"]);
        let y: Vec<f32> = target.encode(&table, &[0, 1, 3]).unwrap();
        assert_eq!(y, [1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0]);
        assert_eq!(target.answers(&[0.9, 0.1, 0.5]), ["a;c"]);
    }
}
