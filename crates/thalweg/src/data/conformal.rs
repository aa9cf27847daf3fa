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
    pub(super) fn of(mut scores: Vec<Vec<f64>>) -> Option<Calibration> {
        let rows = scores.first().map_or(0, Vec::len);
        let quantiles = scores.iter_mut().map(|scores| {
            scores.sort_unstable_by(f64::total_cmp);
            LEVELS[..levels(rows)].iter().map(|level| scores[rank(rows, *level) - 1]).collect()
        });
        let scores: Vec<Vec<f64>> = quantiles.collect();
        (levels(rows) > 0 && scores.iter().flatten().all(possible)).then_some(Calibration { rows, scores })
    }

    /// Q of each target at a level.
    pub(super) fn at(&self, level: f64) -> Result<Vec<f64>> {
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
