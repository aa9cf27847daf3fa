//! A network's predictions for the report: confusion or points, the worst mistakes, the least confident predictions.

use crate::data::examples::Examples as Rows;
use crate::data::preprocess::Pipeline;
use crate::data::schema::Task;
use crate::data::target::Target;
use crate::error::Result;
use crate::event::{Answers, Mistake};
use crate::metrics;
use crate::metrics::calibration::Calibration;

/// Maximum number of points in a chart, and of examples in a list.
const MOST_POINTS: usize = 2_000;
const MOST_EXAMPLES: usize = 12;

/// Collects the predictions on a split, chunk by chunk.
pub(super) struct Gathered<'a> {
    target: &'a Target,
    shown: Shown,
    answers: Answers,
    calibration: Calibration,
}

impl<'a> Gathered<'a> {
    pub(super) fn new(part: &str, pipeline: &Pipeline, target: &'a Target) -> Self {
        let answers = Answers { part: part.into(), ..Answers::default() };
        Gathered { target, shown: Shown::new(pipeline), answers, calibration: Calibration::default() }
    }

    /// Adds the outputs of further rows.
    ///
    /// # Errors
    /// If rows on disk cannot be read.
    pub(super) fn add(&mut self, rows: &Rows, outputs: &[f64]) -> Result<()> {
        let (target, k) = (self.target, self.target.outputs());
        match target.task {
            Task::Binary | Task::Multiclass => {
                let truths: Vec<f64> = rows.y.iter().map(|&y| f64::from(y)).collect();
                add_confusion(&mut self.answers.confusion, metrics::confusion(outputs, k, &truths));
            }
            Task::Regression => {
                let every = rows.rows.div_ceil(MOST_POINTS).max(1);
                let point =
                    |row: usize| (target.unscaled(0, f64::from(rows.y[row * k])), target.unscaled(0, outputs[row * k]));
                let room = MOST_POINTS.saturating_sub(self.answers.points.len());
                self.answers.points.extend((0..rows.rows).step_by(every).map(point).take(room));
            }
            Task::Multilabel => {}
        }
        if target.task != Task::Regression {
            let truths: Vec<f64> = rows.y.iter().map(|&y| f64::from(y)).collect();
            let weight = |row: usize| rows.weights.as_ref().map_or(1.0, |weights| f64::from(weights[row]));
            self.calibration.add(target.task, outputs, k, &truths, weight);
        }
        let output = |row: usize| &outputs[row * k..][..k];
        let losses: Vec<f64> =
            (0..rows.rows).map(|row| row_loss(target.task, output(row), &rows.y[row * rows.targets..])).collect();
        let example = |row: usize| self.shown.example(row, rows, target, output(row), losses[row]);
        let gains: Vec<f64> = losses.iter().map(|loss| -loss).collect();
        self.answers.mistakes.extend(lowest(&gains).into_iter().map(example).collect::<Result<Vec<_>>>()?);
        keep_lowest(&mut self.answers.mistakes, |mistake| -mistake.loss);
        if matches!(target.task, Task::Binary | Task::Multiclass) {
            let sure = |row: usize| target.probabilities(output(row)).into_iter().fold(0.0, f64::max);
            let sure: Vec<f64> = (0..rows.rows).map(sure).collect();
            self.answers.unsure.extend(lowest(&sure).into_iter().map(example).collect::<Result<Vec<_>>>()?);
            keep_lowest(&mut self.answers.unsure, |example| example.confidence.unwrap_or(1.0));
        }
        Ok(())
    }

    pub(super) fn answers(self) -> Answers {
        Answers { calibration: self.calibration.bins(), ..self.answers }
    }
}

/// The few rows with the lowest values; ties keep the order of the data.
fn lowest(numbers: &[f64]) -> Vec<usize> {
    let mut rows: Vec<usize> = (0..numbers.len()).collect();
    let order = |a: &usize, b: &usize| numbers[*a].total_cmp(&numbers[*b]).then(a.cmp(b));
    if MOST_EXAMPLES < rows.len() {
        rows.select_nth_unstable_by(MOST_EXAMPLES, order);
        rows.truncate(MOST_EXAMPLES);
    }
    rows.sort_unstable_by(order);
    rows
}

fn keep_lowest(examples: &mut Vec<Mistake>, number: impl Fn(&Mistake) -> f64) {
    examples.sort_by(|a, b| number(a).total_cmp(&number(b)));
    examples.truncate(MOST_EXAMPLES);
}

fn add_confusion(sum: &mut Vec<Vec<usize>>, more: Vec<Vec<usize>>) {
    if sum.is_empty() {
        *sum = more;
        return;
    }
    sum.iter_mut().flatten().zip(more.into_iter().flatten()).for_each(|(sum, more)| *sum += more);
}

/// How the report shows an image or a sound.
#[cfg(feature = "images")]
struct Shown(Option<super::example_preview::ExamplePreview>);

#[cfg(feature = "images")]
impl Shown {
    fn new(pipeline: &Pipeline) -> Self {
        Shown(super::example_preview::ExamplePreview::new(pipeline))
    }

    fn picture(&self, x: &[f32]) -> Option<String> {
        self.0.as_ref()?.png(x)
    }

    fn sound(&self, x: &[f32]) -> Option<String> {
        self.0.as_ref()?.wav(x, super::example_preview::peak(x))
    }
}

#[cfg(not(feature = "images"))]
struct Shown;

#[cfg(not(feature = "images"))]
impl Shown {
    fn new(_: &Pipeline) -> Self {
        Shown
    }

    fn picture(&self, _: &[f32]) -> Option<String> {
        None
    }

    fn sound(&self, _: &[f32]) -> Option<String> {
        None
    }
}

impl Shown {
    /// A row's entry in a list.
    fn example(&self, row: usize, rows: &Rows, target: &Target, outputs: &[f64], loss: f64) -> Result<Mistake> {
        let x = rows.inputs(row)?;
        Ok(Mistake {
            place: rows.place(row),
            truth: rows.raw.truth(row).into(),
            prediction: target.answers(outputs).join(", "),
            loss,
            confidence: target.probabilities(outputs).into_iter().reduce(f64::max),
            inputs: rows.raw.inputs(row),
            picture: self.picture(&x),
            sound: self.sound(&x),
        })
    }
}

/// The loss of one row: cross-entropy for classes and labels, half the squared error for regression.
pub(super) fn row_loss(task: Task, outputs: &[f64], truths: &[f32]) -> f64 {
    let surprise = |p: f64| -f64::max(p, 1e-12).ln();
    match task {
        Task::Multiclass => surprise(outputs[truths[0] as usize]),
        Task::Binary | Task::Multilabel => {
            outputs.iter().zip(truths).map(|(&p, &y)| surprise(if y > 0.5 { p } else { 1.0 - p })).sum()
        }
        Task::Regression => outputs.iter().zip(truths).map(|(z, &y)| 0.5 * (z - f64::from(y)).powi(2)).sum(),
    }
}
