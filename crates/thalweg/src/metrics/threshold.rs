//! From which probability on a class is predicted: one number, or the best one on rows whose answers are known.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::SampleWeights;
use crate::error::{Error, Result, did_you_mean};

/// The threshold of models that were not given another: the likelier of two classes is predicted.
pub const HALF: f64 = 0.5;
/// The most points of a curve.
const MOST_POINTS: usize = 200;

/// How a threshold is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The highest F1 = 2TP / (2TP + FP + FN).
    F1,
    /// The highest J = TP/P − FP/N (Youden 1950).
    Youden,
    /// The lowest cost FN·c_FN + FP·c_FP.
    Cost {
        /// c_FN, what a positive that is missed costs.
        missed: f64,
        /// c_FP, what a false alarm costs.
        false_alarm: f64,
    },
}

impl FromStr for Rule {
    type Err = Error;

    /// Reads `f1`, `youden` or `cost:FN=5,FP=1`.
    fn from_str(text: &str) -> Result<Rule> {
        let wrong = |message: String| Error::config(message).fix("[threshold=0.3], f1, youden or cost:FN=5,FP=1");
        let costs = match text.split_once(':') {
            None if text == "f1" => return Ok(Rule::F1),
            None if text == "youden" => return Ok(Rule::Youden),
            Some(("cost", costs)) => costs,
            _ => {
                let near = did_you_mean(text.split(':').next().unwrap_or(text), ["f1", "youden", "cost"]);
                return Err(wrong(format!("found {text:?}{near}, expected a number from 0 to 1 or a rule")));
            }
        };
        let (mut missed, mut false_alarm) = (None, None);
        for part in costs.split(',') {
            let (name, cost) = part.split_once('=').unwrap_or((part, ""));
            let place = match name.trim() {
                "FN" => &mut missed,
                "FP" => &mut false_alarm,
                other => {
                    let near = did_you_mean(other, ["FN", "FP"]);
                    return Err(wrong(format!("found {other:?}{near} in {text:?}, expected FN and FP")));
                }
            };
            let cost = cost.trim().parse().ok().filter(|cost: &f64| cost.is_finite() && *cost >= 0.0);
            let cost = cost.ok_or_else(|| wrong(format!("found {part:?} in {text:?}, expected a cost from 0")))?;
            if place.replace(cost).is_some() {
                return Err(wrong(format!("found {name} twice in {text:?}")));
            }
        }
        match (missed, false_alarm) {
            (Some(missed), Some(false_alarm)) if missed + false_alarm > 0.0 => Ok(Rule::Cost { missed, false_alarm }),
            _ => Err(wrong(format!("found {text:?}, expected the costs of FN and FP, one of them above 0"))),
        }
    }
}

impl Rule {
    /// What it makes best, in words.
    pub fn name(self) -> &'static str {
        match self {
            Rule::F1 => "F1",
            Rule::Youden => "Youden's J",
            Rule::Cost { .. } => "mean cost",
        }
    }

    /// Whether lower values are better.
    pub fn is_cost(self) -> bool {
        matches!(self, Rule::Cost { .. })
    }

    /// F1, J, or the mean cost of a row.
    pub fn value(self, counts: &OutcomeCounts) -> f64 {
        let &OutcomeCounts { found, false_alarms, positives, negatives, .. } = counts;
        match self {
            Rule::F1 => counts.f1(),
            Rule::Youden => found / positives - false_alarms / negatives,
            Rule::Cost { missed, false_alarm } => {
                ((positives - found) * missed + false_alarms * false_alarm) / (positives + negatives)
            }
        }
    }
}

/// What becomes of rows at a threshold, by weight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OutcomeCounts {
    /// The threshold: rows of this probability and above are predicted as positive.
    pub threshold: f64,
    /// TP, the positives that are predicted as such.
    pub found: f64,
    /// FP, the negatives that are predicted as positive.
    pub false_alarms: f64,
    /// P, all positives.
    pub positives: f64,
    /// N, all negatives.
    pub negatives: f64,
}

impl OutcomeCounts {
    /// TP / (TP + FP); 1 where nothing is predicted as positive.
    pub fn precision(&self) -> f64 {
        let predicted = self.found + self.false_alarms;
        if predicted > 0.0 { self.found / predicted } else { 1.0 }
    }

    /// TP / P.
    pub fn recall(&self) -> f64 {
        self.found / self.positives
    }

    /// 2TP / (2TP + FP + FN), the harmonic mean of precision and recall.
    pub fn f1(&self) -> f64 {
        2.0 * self.found / (self.found + self.false_alarms + self.positives)
    }
}

/// What becomes of rows at every threshold that makes a difference.
#[derive(Debug, Clone, PartialEq)]
pub struct Thresholds {
    /// From the highest threshold to the lowest: it, TP and FP.
    cuts: Vec<(f64, f64, f64)>,
    positives: f64,
    negatives: f64,
}

impl Thresholds {
    /// Of probabilities and whether each row is positive. None unless both kinds occur.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn of(probabilities: &[f64], positive: &[bool], weights: Option<&[f64]>) -> Option<Thresholds> {
        assert_eq!(probabilities.len(), positive.len(), "a truth for every row");
        let weights = SampleWeights::new(positive.len(), weights);
        let mut rows: Vec<usize> = (0..positive.len()).filter(|&row| weights.of(row) > 0.0).collect();
        rows.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
        let (mut found, mut false_alarms) = (0.0, 0.0);
        // Above every probability: nothing is predicted as positive.
        let mut cuts = vec![(f64::INFINITY, 0.0, 0.0)];
        for tied in rows.chunk_by(|&a, &b| probabilities[a] == probabilities[b]) {
            for &row in tied {
                *if positive[row] { &mut found } else { &mut false_alarms } += weights.of(row);
            }
            cuts.push((probabilities[tied[0]], found, false_alarms));
        }
        (found > 0.0 && false_alarms > 0.0).then_some(Thresholds { cuts, positives: found, negatives: false_alarms })
    }

    /// What becomes of the rows at a threshold.
    pub fn at(&self, threshold: f64) -> OutcomeCounts {
        let (_, found, false_alarms) = self.cuts[self.cuts.partition_point(|cut| cut.0 >= threshold) - 1];
        OutcomeCounts { threshold, found, false_alarms, positives: self.positives, negatives: self.negatives }
    }

    /// The threshold that is best by a rule; of equally good ones that nearest to a half. Between two probabilities it
    /// is a half or else a number of few digits.
    pub fn best(&self, rule: Rule) -> OutcomeCounts {
        let lower = self.cuts[1..].iter().map(|cut| cut.0).chain([0.0]);
        let candidates = self.cuts.iter().zip(lower).filter_map(|(cut, lower)| between(lower, cut.0.min(1.0)));
        let sign = if rule.is_cost() { -1.0 } else { 1.0 };
        let key = |counts: &OutcomeCounts| (sign * rule.value(counts), -(counts.threshold - HALF).abs());
        let all = candidates.map(|threshold| self.at(threshold));
        all.max_by(|a, b| {
            let (a, b) = (key(a), key(b));
            a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))
        })
        .unwrap_or_else(|| self.at(HALF))
    }

    /// The curve of a report, with the threshold that was chosen.
    pub fn curve(&self, threshold: f64, rule: Option<Rule>) -> OperatingCurve {
        let cuts = &self.cuts[1..];
        let count = cuts.len().min(MOST_POINTS);
        let point = |i: usize| cuts[if count > 1 { i * (cuts.len() - 1) / (count - 1) } else { 0 }];
        let chosen = self.at(threshold);
        OperatingCurve {
            threshold,
            rule,
            positives: self.positives,
            negatives: self.negatives,
            chosen: (chosen.found, chosen.false_alarms),
            points: (0..count).map(point).collect(),
        }
    }
}

/// A threshold t with lower < t ≤ upper: a half, or the middle rounded to as few digits as stay between them; none where
/// there is no number between them.
fn between(lower: f64, upper: f64) -> Option<f64> {
    let within = |x: &f64| lower < *x && *x <= upper;
    let middle = f64::midpoint(lower, upper);
    let rounded = (1..17).map(|digits| {
        let unit = 10f64.powi(digits);
        (middle * unit).round() / unit
    });
    // Rows of probability 0 are positive from 0 on alone.
    let lowest = (upper == 0.0).then_some(0.0);
    std::iter::once(HALF).chain(rounded).find(within).or_else(|| Some(upper).filter(within)).or(lowest)
}

/// What becomes of the rows of a split at up to 200 thresholds, and at the one chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OperatingCurve {
    /// The threshold that is used.
    pub threshold: f64,
    /// The rule by which it was chosen, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<Rule>,
    /// P, all positives.
    pub positives: f64,
    /// N, all negatives.
    pub negatives: f64,
    /// TP and FP at the threshold that is used.
    pub chosen: (f64, f64),
    /// Thresholds from high to low, each with TP and FP.
    pub points: Vec<(f64, f64, f64)>,
}

impl OperatingCurve {
    /// The points of the curve.
    pub fn counts(&self) -> impl Iterator<Item = OutcomeCounts> {
        let counts = |&(threshold, found, false_alarms)| self.at(threshold, (found, false_alarms));
        self.points.iter().map(counts)
    }

    /// The threshold that is used.
    pub fn used(&self) -> OutcomeCounts {
        self.at(self.threshold, self.chosen)
    }

    fn at(&self, threshold: f64, (found, false_alarms): (f64, f64)) -> OutcomeCounts {
        OutcomeCounts { threshold, found, false_alarms, positives: self.positives, negatives: self.negatives }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scikit-learn's example of `precision_recall_curve`: precisions 1/2, 2/3, 1/2, 1 and recalls 1, 1, 1/2, 1/2.
    fn example() -> Thresholds {
        Thresholds::of(&[0.1, 0.4, 0.35, 0.8], &[false, false, true, true], None).unwrap()
    }

    #[test]
    fn counts_are_those_of_a_published_curve() {
        let expected = [(0.1, 0.5, 1.0), (0.35, 2.0 / 3.0, 1.0), (0.4, 0.5, 0.5), (0.8, 1.0, 0.5)];
        for (threshold, precision, recall) in expected {
            let counts = example().at(threshold);
            assert_eq!((counts.precision(), counts.recall()), (precision, recall), "{threshold}");
        }
        assert_eq!(example().at(0.9).recall(), 0.0);
    }

    #[test]
    fn the_best_threshold_is_between_two_probabilities() {
        // F1 is 4/5 from above 0.1 to 0.35, and 2/3 from above 0.4: the middle of the first is 0.225.
        let best = example().best(Rule::F1);
        assert_eq!((best.threshold, best.f1()), (0.2, 0.8));
        // J is 1/2 there as well, and at 0.5, which is preferred.
        assert_eq!(example().best(Rule::Youden).threshold, 0.5);
        // Misses that cost much: 1 false alarm at most is cheaper than a miss. Alarms that cost much: none is made.
        assert_eq!(example().best(Rule::Cost { missed: 10.0, false_alarm: 1.0 }).threshold, 0.2);
        let best = example().best(Rule::Cost { missed: 1.0, false_alarm: 10.0 });
        assert_eq!((best.threshold, best.found, best.false_alarms), (0.5, 1.0, 0.0));
    }

    #[test]
    fn weights_count_rows_and_one_kind_alone_has_no_threshold() {
        let (p, y) = ([0.2, 0.6, 0.7, 0.9], [false, true, false, true]);
        let weighted = Thresholds::of(&p, &y, Some(&[1.0, 2.0, 0.0, 1.0])).unwrap();
        let counts = weighted.at(0.5);
        assert_eq!((counts.found, counts.false_alarms, counts.positives, counts.negatives), (3.0, 0.0, 3.0, 1.0));
        assert_eq!(Thresholds::of(&[0.1, 0.2], &[true, true], None), None);
        assert_eq!(Thresholds::of(&[], &[], None), None);
    }

    #[test]
    fn the_best_is_no_worse_than_any_other() {
        let p: Vec<f64> = (0..60).map(|i| f64::from(i * 37 % 50) / 50.0).collect();
        let y: Vec<bool> = (0..60).map(|i| (i * 37 % 50 + i * 17 % 23) % 64 > 30).collect();
        let thresholds = Thresholds::of(&p, &y, None).unwrap();
        for rule in [Rule::F1, Rule::Youden, Rule::Cost { missed: 5.0, false_alarm: 1.0 }] {
            let best = thresholds.best(rule);
            assert!((0.0..=1.0).contains(&best.threshold));
            for i in 0..=1000 {
                let other = rule.value(&thresholds.at(f64::from(i) / 1000.0));
                let best = rule.value(&best);
                assert!(if rule.is_cost() { best <= other } else { best >= other }, "{rule:?} {i}");
            }
        }
    }

    #[test]
    fn a_certain_network_can_be_trusted_in_nothing() {
        // Every probability is 1, and nothing may be predicted as positive above it.
        let certain = Thresholds::of(&[1.0, 1.0], &[true, false], None).unwrap();
        assert_eq!(certain.best(Rule::Cost { missed: 1.0, false_alarm: 9.0 }).false_alarms, 1.0);
        let none = Thresholds::of(&[0.0, 0.0], &[true, false], None).unwrap();
        assert_eq!(none.best(Rule::Cost { missed: 9.0, false_alarm: 1.0 }).found, 1.0);
    }

    #[test]
    fn rules_are_read_or_explained() {
        let cost = Rule::Cost { missed: 5.0, false_alarm: 0.5 };
        assert_eq!("cost:FN=5,FP=0.5".parse::<Rule>().unwrap(), cost);
        assert_eq!("cost:FP=0.5,FN=5".parse::<Rule>().unwrap(), cost);
        for (text, expected) in [
            ("youdem", "did you mean \"youden\""),
            ("cost", "expected a number"),
            ("cost:FN=5", "expected the costs of FN and FP"),
            ("cost:FN=5,FQ=1", "found \"FQ\""),
            ("cost:FN=-5,FP=1", "expected a cost from 0"),
            ("cost:FN=0,FP=0", "one of them above 0"),
            ("cost:FN=1,FN=2", "found FN twice"),
        ] {
            let error = text.parse::<Rule>().unwrap_err();
            assert!(error.to_string().contains(expected) && error.remedy.is_some(), "{error}");
        }
    }
}
