//! How much a loss grows from some answers to others for the same rows.

use super::classes::clipped;
use super::{Metric, SampleWeights, interval};
use crate::task::Task;

/// The truths of some rows, by which answers are judged with the metric that [`super::objective`] names.
pub(crate) struct RowLosses<'a> {
    task: Task,
    outputs: usize,
    truths: &'a [f64],
    weights: SampleWeights<'a>,
}

impl<'a> RowLosses<'a> {
    /// Truths and weights as [`super::evaluate`] takes them.
    pub(crate) fn new(task: Task, outputs: usize, truths: &'a [f64], weights: Option<&'a [f64]>) -> Self {
        let targets = if task.is_classes() { 1 } else { outputs };
        RowLosses { task, outputs, truths, weights: SampleWeights::new(truths.len() / targets, weights) }
    }

    /// The metric.
    pub(crate) fn value(&self, answers: &[f64]) -> f64 {
        (0..self.parts()).map(|part| self.of_part(part, answers).0).sum::<f64>() / self.parts() as f64
    }

    /// How much the metric is higher with other answers, `after` in several repetitions, with its 95 % interval over rows
    /// and repetitions.
    pub(crate) fn growth(&self, before: &[f64], after: &[Vec<f64>]) -> Metric {
        let (mut rows, mut repeats) = (vec![0.0; before.len() / self.outputs], vec![0.0; after.len()]);
        for part in 0..self.parts() {
            let mut add = |answers: &[f64], share: f64| {
                let (value, moves) = self.of_part(part, answers);
                rows.iter_mut().zip(moves).for_each(|(row, moved)| *row += share * moved);
                value
            };
            let start = add(before, -1.0 / self.parts() as f64);
            for (repeat, answers) in repeats.iter_mut().zip(after) {
                let share = 1.0 / (after.len() * self.parts()) as f64;
                *repeat += (add(answers, share) - start) / self.parts() as f64;
            }
        }
        interval::of_repeats(&rows, &repeats, &self.weights)
    }

    /// The parts whose mean is the metric: an RMSE for each numeric target, else one mean over rows.
    fn parts(&self) -> usize {
        if self.task == Task::Regression { self.outputs } else { 1 }
    }

    /// The loss of each row: the log loss, or the mean of squared errors over targets.
    pub(super) fn of_rows(&self, answers: &[f64]) -> Vec<f64> {
        let row = |row| (0..self.parts()).map(|part| self.loss(part, row, answers)).sum::<f64>() / self.parts() as f64;
        (0..answers.len() / self.outputs).map(row).collect()
    }

    /// A part's loss of one row.
    fn loss(&self, part: usize, row: usize, answers: &[f64]) -> f64 {
        let answers = &answers[row * self.outputs..][..self.outputs];
        let surprise = |p: f64| -clipped(p).ln();
        match self.task {
            Task::Regression => (answers[part] - self.truths[row * self.outputs + part]).powi(2),
            Task::Multiclass => surprise(answers[self.truths[row] as usize]),
            Task::Binary | Task::Multilabel => {
                let truths = &self.truths[row * self.outputs..];
                let each = answers.iter().zip(truths).map(|(p, y)| surprise(if *y > 0.5 { *p } else { 1.0 - p }));
                each.sum::<f64>() / self.outputs as f64
            }
        }
    }

    /// The metric's part, and how each row moves it (the delta method: e² moves √MSE by (e² − MSE) / (2·√MSE)).
    fn of_part(&self, part: usize, answers: &[f64]) -> (f64, Vec<f64>) {
        let mut losses: Vec<f64> = (0..answers.len() / self.outputs).map(|row| self.loss(part, row, answers)).collect();
        let mean = self.weights.mean(losses.iter().copied());
        let (value, slope) = match self.task {
            Task::Regression if mean > 0.0 => (mean.sqrt(), 0.5 / mean.sqrt()),
            Task::Regression => (0.0, 0.0),
            _ => (mean, 1.0),
        };
        losses.iter_mut().for_each(|loss| *loss = slope * (*loss - mean));
        (value, losses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{evaluate, objective};

    #[test]
    fn values_are_those_of_the_metrics() {
        for (task, answers, outputs, truths) in [
            (Task::Binary, vec![0.2, 0.7, 0.4, 0.6], 1, vec![0.0, 1.0, 1.0, 0.0]),
            (Task::Multiclass, vec![0.9, 0.1, 0.3, 0.7], 2, vec![0.0, 0.0]),
            (Task::Multilabel, vec![0.9, 0.1, 0.3, 0.7], 2, vec![1.0, 0.0, 1.0, 1.0]),
            (Task::Regression, vec![1.0, 2.0, 3.5, 7.0], 2, vec![1.5, 2.0, 3.0, 9.0]),
        ] {
            let weights: Vec<f64> = (1..=answers.len() / outputs).map(|w| w as f64).collect();
            let losses = RowLosses::new(task, outputs, &truths, Some(&weights));
            let metric = evaluate(task, &answers, outputs, &truths, Some(&weights))[objective(task)].value;
            assert!((losses.value(&answers) - metric).abs() < 1e-15, "{task}");
        }
    }

    #[test]
    fn a_growth_has_the_error_of_rows_and_of_repeats() {
        // Log losses of p = 1/2 are ln 2; afterwards those of rows 1 and 2 are ln 4 and ln 8, then both ln 4.
        let truths = [1.0, 1.0];
        let losses = RowLosses::new(Task::Binary, 1, &truths, None);
        let growth = losses.growth(&[0.5, 0.5], &[vec![0.25, 0.125], vec![0.25, 0.25]]);
        let ln2 = 2.0_f64.ln();
        assert!((growth.value - 1.25 * ln2).abs() < 1e-15);
        // Rows grow by ln 2 and 1.5 ln 2 on average, repetitions by 1.5 ln 2 and ln 2: s² = ln² 2 / 8 each, over 2.
        let half = 1.959963984540054 * (2.0 * ln2 * ln2 / 16.0).sqrt();
        assert!((growth.high.unwrap() - growth.value - half).abs() < 1e-15);
        // √MSE from 1 to 3: the rows' squares 1 and 1, then 1 and 17.
        let truths = [0.0, 0.0];
        let losses = RowLosses::new(Task::Regression, 1, &truths, None);
        let growth = losses.growth(&[1.0, 1.0], &[vec![1.0, 17.0_f64.sqrt()]]);
        assert!((growth.value - 2.0).abs() < 1e-12);
        // Moves of ∓8/6, over m − 1 = 1: s²/m = 16/9.
        assert!((growth.value - growth.low.unwrap() - 1.959963984540054 * 4.0 / 3.0).abs() < 1e-12);
    }
}
