//! A target's intervals and sets, from what was kept of its calibration.

use super::conformal::Calibration;
use super::examples::Examples;
use super::schema::Task;
use super::target::Target;
use crate::{Error, Result};

impl Target {
    /// Keeps the scores of rows, for intervals or sets.
    ///
    /// # Panics
    /// If there are not outputs for every row.
    pub fn calibrate(&mut self, outputs: &[f64], rows: &Examples) {
        let outputs: Vec<&[f64]> = outputs.chunks_exact(self.outputs()).collect();
        assert_eq!(outputs.len(), rows.rows, "outputs of every row");
        let each = |t: usize| outputs.iter().enumerate().map(move |(row, outputs)| (row, *outputs, t));
        let score = |(row, outputs, t): (usize, &[f64], usize)| self.score(outputs, &rows.y[row * rows.targets..], t);
        self.calibration = Calibration::of((0..self.regions()).map(|t| each(t).map(score).collect()).collect());
    }

    /// How many intervals or sets there are for a row: one for each numeric target, one for its class.
    pub(crate) fn regions(&self) -> usize {
        match self.task {
            Task::Regression => self.columns.len(),
            Task::Binary | Task::Multiclass => 1,
            Task::Multilabel => 0,
        }
    }

    /// How far the truth of a row is from its prediction.
    fn score(&self, outputs: &[f64], truths: &[f32], t: usize) -> f64 {
        match self.task {
            Task::Regression => {
                let ([low, high], y) = (self.ends(outputs, t), self.unscaled(t, f64::from(truths[t])));
                (low - y).max(y - high)
            }
            _ => 1.0 - self.probabilities(outputs)[truths[0] as usize],
        }
    }

    /// The lowest and the highest quantile in the data's units, or twice the prediction where there are none.
    fn ends(&self, outputs: &[f64], t: usize) -> [f64; 2] {
        match self.quantiles.len() {
            0 => [self.answer(t, outputs[t]); 2],
            count => [outputs[0], outputs[count - 1]].map(|output| self.answer(t, output)),
        }
    }

    /// The score Q of each interval or set that holds the truth of a share of rows.
    ///
    /// # Errors
    /// If the level is none, too few rows were there for it, or the model was not calibrated.
    pub fn margins(&self, level: f64) -> Result<Vec<f64>> {
        match &self.calibration {
            Some(calibration) => calibration.at(level),
            None => {
                let why = if self.task == Task::Multilabel { "predicts several labels" } else { "was not calibrated" };
                Err(Error::config(format!("the model {why}: it knows no intervals"))
                    .at("--intervals")
                    .fix("leave [intervals] out, or train numbers or classes with a dev part, by this version"))
            }
        }
    }

    /// The interval of each numeric target in the data's units, from one row's outputs and [`Target::margins`].
    pub fn intervals(&self, outputs: &[f64], margins: &[f64]) -> Vec<[f64; 2]> {
        let interval = |(t, margin): (usize, &f64)| {
            let [low, high] = self.ends(outputs, t);
            let [low, high] = [low - margin, high + margin];
            // Quantiles that are too far apart have a negative margin.
            if low <= high { [low, high] } else { [f64::midpoint(low, high); 2] }
        };
        margins.iter().enumerate().map(interval).collect()
    }

    /// The indices of the classes that are in a row's set, likely enough by [`Target::margins`]. It may be empty.
    pub fn set(&self, outputs: &[f64], margins: &[f64]) -> Vec<usize> {
        let least = |p: f64| margins.first().is_some_and(|margin| 1.0 - p <= *margin);
        self.probabilities(outputs).into_iter().enumerate().filter(|(_, p)| least(*p)).map(|(class, _)| class).collect()
    }

    /// The width of each interval, or the number of classes in the set.
    pub(crate) fn widths(&self, outputs: &[f64], margins: &[f64]) -> Vec<f64> {
        match self.task {
            Task::Regression => self.intervals(outputs, margins).into_iter().map(|[low, high]| high - low).collect(),
            _ => vec![self.set(outputs, margins).len() as f64],
        }
    }

    /// Whether each interval, or the set, of a row holds its truth.
    pub(crate) fn covers(&self, outputs: &[f64], truths: &[f32], margins: &[f64]) -> Vec<bool> {
        margins.iter().enumerate().map(|(t, margin)| self.score(outputs, truths, t) <= *margin).collect()
    }
}
