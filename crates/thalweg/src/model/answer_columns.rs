//! Predictions as the columns of a table.

use super::Predictions;
use crate::data::target::Target;
use crate::error::Result;
use crate::task::Task;

/// The columns that predictions are written in, as `thalweg predict` does.
#[derive(Debug)]
pub struct AnswerColumns<'a> {
    target: &'a Target,
    /// What intervals or sets reach to, if they are asked for.
    margins: Option<Vec<f64>>,
    names: Vec<String>,
}

/// What is in a cell of [`AnswerColumns`].
#[derive(Debug, Clone, PartialEq)]
pub enum AnswerCell {
    /// A class, or labels.
    Text(String),
    /// A number, such as a probability.
    Number(f64),
    /// A set of classes.
    Classes(Vec<String>),
}

impl std::fmt::Display for AnswerCell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            AnswerCell::Text(text) => f.write_str(text),
            // The shortest text that reads back as the same number.
            AnswerCell::Number(x) => write!(f, "{x}"),
            AnswerCell::Classes(classes) => f.write_str(&classes.join(";")),
        }
    }
}

impl<'a> AnswerColumns<'a> {
    /// `prediction` for one target, otherwise one a target; quantiles or probabilities; intervals or the set of a level,
    /// if one is given.
    ///
    /// # Errors
    /// If the target knows no intervals or sets of this level.
    pub fn new(target: &'a Target, level: Option<f64>) -> Result<Self> {
        let margins = level.map(|level| target.margins(level)).transpose()?;
        let mut names = of_targets("prediction", target);
        names.extend(target.quantiles.iter().map(|tau| format!("quantile_{tau}")));
        names.extend(target.classes.iter().map(|class| format!("probability_{class}")));
        if margins.is_some() && target.task == Task::Regression {
            let (low, high) = (of_targets("low", target), of_targets("high", target));
            names.extend(low.into_iter().zip(high).flat_map(|(low, high)| [low, high]));
        } else if margins.is_some() {
            names.push("set".into());
        }
        Ok(AnswerColumns { target, margins, names })
    }

    /// The names of the columns.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The cells of a row, one a name.
    pub fn cells(&self, answers: &Predictions, row: usize) -> Vec<AnswerCell> {
        let target = self.target;
        let numbers = target.task == Task::Regression;
        let prediction = |text: &String| match text.parse() {
            Ok(number) if numbers => AnswerCell::Number(number),
            _ => AnswerCell::Text(text.clone()),
        };
        let mut cells: Vec<AnswerCell> = answers.predictions[row].iter().map(prediction).collect();
        if !target.quantiles.is_empty() {
            cells.extend(target.in_units(&answers.outputs[row]).into_iter().map(AnswerCell::Number));
        }
        cells.extend(answers.probabilities[row].iter().map(|p| AnswerCell::Number(*p)));
        if let Some(margins) = &self.margins {
            let outputs = &answers.outputs[row];
            if numbers {
                cells.extend(target.intervals(outputs, margins).into_iter().flatten().map(AnswerCell::Number));
            } else {
                let set = target.set(outputs, margins).into_iter().map(|class| target.classes[class].clone());
                cells.push(AnswerCell::Classes(set.collect()));
            }
        }
        cells
    }
}

/// The name for one target, otherwise one for each: `prediction_price`.
pub(crate) fn of_targets(name: &str, target: &Target) -> Vec<String> {
    match &target.columns[..] {
        [_] => vec![name.into()],
        several => several.iter().map(|column| format!("{name}_{column}")).collect(),
    }
}
