//! The answers of a trained network, as a report shows them: confusion or points, and the worst mistakes.

use crate::data::dataset::Dataset;
use crate::data::examples::Examples as Rows;
use crate::data::schema::Task;
use crate::metrics;
use crate::train::event::{Answers, Mistake};

/// Confusion or points, and the examples with the highest loss.
pub(super) fn describe(part: &str, data: &Dataset, rows: &Rows, outputs: &[f64]) -> Answers {
    const MOST_POINTS: usize = 2_000;
    const MOST_MISTAKES: usize = 12;
    let (target, k) = (&data.target, data.target.outputs());
    let mut answers = Answers { part: part.into(), ..Answers::default() };
    match data.task {
        Task::Binary | Task::Multiclass => {
            let truths: Vec<f64> = rows.y.iter().map(|&y| f64::from(y)).collect();
            answers.confusion = metrics::confusion(outputs, k, &truths);
        }
        Task::Regression => {
            let every = rows.rows.div_ceil(MOST_POINTS).max(1);
            let point =
                |row: usize| (target.unscaled(0, f64::from(rows.y[row * k])), target.unscaled(0, outputs[row * k]));
            answers.points = (0..rows.rows).step_by(every).map(point).collect();
        }
        Task::Multilabel => {}
    }
    let shown = Shown::new(data);
    let losses: Vec<f64> = (0..rows.rows)
        .map(|row| row_loss(data.task, &outputs[row * k..][..k], &rows.y[row * rows.targets..]))
        .collect();
    let mut order: Vec<usize> = (0..rows.rows).collect();
    order.sort_by(|&a, &b| losses[b].total_cmp(&losses[a]).then(a.cmp(&b)));
    answers.mistakes = order
        .into_iter()
        .take(MOST_MISTAKES)
        .map(|row| {
            let outputs = &outputs[row * k..(row + 1) * k];
            Mistake {
                place: rows.place(row),
                truth: rows.raw.truth(row).into(),
                prediction: target.answers(outputs).join(", "),
                loss: losses[row],
                confidence: target.probabilities(outputs).into_iter().reduce(f64::max),
                inputs: rows.raw.inputs(row),
                picture: shown.picture(&rows.x[row * rows.columns..][..rows.columns]),
                sound: shown.sound(&rows.x[row * rows.columns..][..rows.columns]),
            }
        })
        .collect();
    answers
}

/// How the report shows an example that is an image or a sound.
#[cfg(feature = "images")]
struct Shown(Option<super::look::Look>);

#[cfg(feature = "images")]
impl Shown {
    fn new(data: &Dataset) -> Self {
        Shown(super::look::Look::new(data))
    }

    fn picture(&self, x: &[f32]) -> Option<String> {
        self.0.as_ref()?.png(x)
    }

    fn sound(&self, x: &[f32]) -> Option<String> {
        self.0.as_ref()?.wav(x, super::look::peak(x))
    }
}

#[cfg(not(feature = "images"))]
struct Shown;

#[cfg(not(feature = "images"))]
impl Shown {
    fn new(_: &Dataset) -> Self {
        Shown
    }

    fn picture(&self, _: &[f32]) -> Option<String> {
        None
    }

    fn sound(&self, _: &[f32]) -> Option<String> {
        None
    }
}

/// The loss of one row from its outputs: cross-entropy for classes and labels, half the squared error for numbers.
fn row_loss(task: Task, outputs: &[f64], truths: &[f32]) -> f64 {
    let surprise = |p: f64| -f64::max(p, 1e-12).ln();
    match task {
        Task::Multiclass => surprise(outputs[truths[0] as usize]),
        Task::Binary | Task::Multilabel => {
            outputs.iter().zip(truths).map(|(&p, &y)| surprise(if y > 0.5 { p } else { 1.0 - p })).sum()
        }
        Task::Regression => outputs.iter().zip(truths).map(|(z, &y)| 0.5 * (z - f64::from(y)).powi(2)).sum(),
    }
}
