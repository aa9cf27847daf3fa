//! Split-conformal prediction (Papadopoulos et al. 2002; Lei et al. 2018): intervals of numbers and sets of classes that
//! hold the truth as often as is asked for, whatever the network is.
//!
//! On n calibration rows that the network was not trained on, each row has a score: how far the truth is from the
//! prediction. Let Q be the ⌈(n+1)·level⌉-th smallest. A further row from where these came from has a score of at most Q
//! with a probability of at least `level`, so that all answers within it make an interval, or a set:
//!
//! | task | score | answers |
//! | --- | --- | --- |
//! | regression | \|y − ŷ\| | ŷ − Q to ŷ + Q |
//! | quantiles from a to b | max(a − y, y − b) (Romano, Patterson and Candès 2019) | a − Q to b + Q |
//! | classes | 1 − p of the true class (Sadinle, Lei and Wasserman 2019) | each class with p ≥ 1 − Q |

use serde::{Deserialize, Serialize};

use super::examples::Examples;
use super::schema::Task;
use super::target::Target;
use crate::error::advice;
use crate::{Error, Result};

/// The levels that are kept, in thousandths: a level between two is answered by the higher.
const LEVELS: [usize; 101] = {
    let mut levels = [0; 101];
    let mut percent = 1;
    while percent < 100 {
        levels[percent - 1] = percent * 10;
        percent += 1;
    }
    (levels[99], levels[100]) = (995, 999);
    levels
};

/// The quantiles of scores on the rows that a model is calibrated on; data only, saved with the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// n.
    pub rows: usize,
    /// For each target the scores at the levels 1 %, 2 %, …, 99 %, 99.5 % and 99.9 %, as far as n is enough for them.
    pub scores: Vec<Vec<f64>>,
}

/// Which of the scores in order is that of a level: ⌈(n+1)·level⌉, from 1.
fn rank(rows: usize, thousandths: usize) -> usize {
    (rows.saturating_add(1)).saturating_mul(thousandths).div_ceil(1000)
}

/// Whether the ends of intervals are finite.
fn possible(score: &f64) -> bool {
    score.abs() < f64::MAX / 4.0
}

/// How many of the levels so many rows are enough for.
fn levels(rows: usize) -> usize {
    LEVELS.partition_point(|level| rank(rows, *level) <= rows)
}

impl Calibration {
    /// From the scores of each target; none without rows.
    fn of(mut scores: Vec<Vec<f64>>) -> Option<Calibration> {
        let rows = scores.first().map_or(0, Vec::len);
        let quantiles = scores.iter_mut().map(|scores| {
            scores.sort_unstable_by(f64::total_cmp);
            LEVELS[..levels(rows)].iter().map(|level| scores[rank(rows, *level) - 1]).collect()
        });
        let scores: Vec<Vec<f64>> = quantiles.collect();
        (levels(rows) > 0 && scores.iter().flatten().all(possible)).then_some(Calibration { rows, scores })
    }

    /// Q of each target at a level.
    fn at(&self, level: f64) -> Result<Vec<f64>> {
        let wrong = |message: String| Error::config(message).at("--intervals");
        if !(level > 0.0 && level <= 0.999) {
            let error = wrong(format!("found {level}, expected a share of rows above 0 and up to 0.999"));
            return Err(error.fix("[intervals=0.9]"));
        }
        let place = LEVELS.partition_point(|kept| (*kept as f64) < level * 1000.0 - 1e-6);
        if place >= levels(self.rows) {
            // n rows are enough where (n+1)·level ≤ n.
            let needed = LEVELS[place].div_ceil(1000 - LEVELS[place]);
            let most = LEVELS[levels(self.rows) - 1] as f64 / 1000.0;
            let error =
                wrong(format!("{level} needs {needed} dev rows, and the model was calibrated on {}", self.rows));
            return Err(error.fix(advice!("[intervals={}], or train with a larger dev part", most)));
        }
        Ok(self.scores.iter().map(|scores| scores[place]).collect())
    }

    /// Checks that it is one of so many targets.
    pub(crate) fn check(&self, targets: usize) -> Result<(), String> {
        let sorted = |scores: &Vec<f64>| scores.iter().all(possible) && scores.is_sorted();
        let right = self.scores.len() == targets && self.scores.iter().all(|scores| scores.len() == levels(self.rows));
        match right && levels(self.rows) > 0 && self.scores.iter().all(sorted) {
            true => Ok(()),
            false => Err(format!("its calibration on {} rows is none of {targets} targets", self.rows)),
        }
    }
}

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
            0 => [self.unscaled(t, outputs[t]); 2],
            count => [outputs[0], outputs[count - 1]].map(|output| self.unscaled(t, output)),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quantile_is_the_papers() {
        // Lei et al. 2018: with n rows the ⌈(n+1)(1−α)⌉-th smallest residual. Of 1, 2, …, 19: the 18th for 90 %, the
        // 19th for 95 %.
        let calibration = Calibration::of(vec![(1..20).rev().map(f64::from).collect()]).unwrap();
        assert_eq!([0.9, 0.95, 0.5].map(|level| calibration.at(level).unwrap()[0]), [18.0, 19.0, 10.0]);
        // Between two levels the higher: 0.901 is 91 %, ⌈18.2⌉.
        assert_eq!(calibration.at(0.901).unwrap(), [19.0]);
        let error = calibration.at(0.99).unwrap_err().to_string();
        assert!(error.contains("0.99 needs 99 dev rows, and the model was calibrated on 19"), "{error}");
        for level in [0.0, 1.0, f64::NAN, -1.0] {
            assert!(calibration.at(level).unwrap_err().to_string().contains("expected a share of rows"));
        }
    }

    #[test]
    fn so_many_rows_as_are_needed_are_enough() {
        for level in LEVELS {
            let needed = level.div_ceil(1000 - level);
            assert!(rank(needed, level) <= needed, "{level}");
            assert!(needed == 1 || rank(needed - 1, level) > needed - 1, "{level}");
        }
        assert!(Calibration::of(vec![Vec::new()]).is_none());
    }

    /// The mean over draws of how often a further row is covered is from level to level + 1/(n+1) (Lei et al. 2018,
    /// theorem 2.2).
    #[test]
    fn further_rows_are_covered_as_often_as_is_promised() {
        let mut random = 1_u64;
        let mut unit = || {
            // Knuth's MMIX generator.
            random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (random >> 11) as f64 / (1_u64 << 53) as f64
        };
        let (n, draws) = (39, 4000);
        for level in [0.5, 0.8, 0.9] {
            let covered = (0..draws).filter(|_| {
                let calibration = Calibration::of(vec![(0..n).map(|_| unit()).collect()]).unwrap();
                unit() <= calibration.at(level).unwrap()[0]
            });
            let share = covered.count() as f64 / f64::from(draws);
            let error = 4.0 * (level * (1.0 - level) / f64::from(draws)).sqrt();
            assert!(share > level - error && share < level + 1.0 / f64::from(n + 1) + error, "{level}: {share}");
        }
    }
}
