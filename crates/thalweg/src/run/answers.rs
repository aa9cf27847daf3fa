//! A network's predictions for the report: confusion or points, the worst mistakes, the least confident predictions.

use crate::data::examples::Examples;
use crate::data::preprocess::Pipeline;
use crate::data::schema::Task;
use crate::data::target::Target;
use crate::error::Result;
use crate::event::{Coverage, Mistake, SplitPredictions};
use crate::metrics;
use crate::metrics::calibration::Calibration;
use crate::metrics::threshold::{Rule, Thresholds};

/// Maximum number of points in a chart, and of examples in a list.
const MOST_POINTS: usize = 2_000;
const MOST_EXAMPLES: usize = 12;

/// Collects the predictions on a split, chunk by chunk.
pub(super) struct Gathered<'a> {
    target: &'a Target,
    shown: Shown,
    /// Whether texts are among the columns.
    texts: bool,
    answers: SplitPredictions,
    calibration: Calibration,
    /// The least sure examples, each with how sure it is.
    unsure: Vec<(f64, Mistake)>,
    /// Of two classes: the rule of the threshold, and each row's probability, truth and weight.
    rule: Option<Rule>,
    probabilities: Vec<f64>,
    positive: Vec<bool>,
    weights: Vec<f64>,
    /// The level of intervals or sets to be measured, and what they reach to.
    level: Option<(f64, Vec<f64>)>,
    rows: usize,
    /// For each target the rows that are covered, and the sum of widths.
    covered: Vec<(usize, f64)>,
}

impl<'a> Gathered<'a> {
    pub(super) fn new(part: &str, pipeline: &Pipeline, target: &'a Target) -> Self {
        Gathered {
            target,
            shown: Shown::new(pipeline),
            texts: !pipeline.texts().is_empty(),
            answers: SplitPredictions { part: part.into(), ..SplitPredictions::default() },
            calibration: Calibration::default(),
            unsure: Vec::new(),
            rule: None,
            probabilities: Vec::new(),
            positive: Vec::new(),
            weights: Vec::new(),
            level: None,
            rows: 0,
            covered: vec![(0, 0.0); target.regions()],
        }
    }

    /// With the rule that the threshold was chosen by.
    pub(super) fn with_rule(self, rule: Option<Rule>) -> Self {
        Gathered { rule, ..self }
    }

    /// Measures how often intervals or sets of a level hold the truth.
    ///
    /// # Errors
    /// If the target knows none of this level.
    pub(super) fn with_level(self, level: f64) -> Result<Self> {
        let margins = self.target.margins(level)?;
        Ok(Gathered { level: Some((level, margins)), ..self })
    }

    /// Adds the outputs of further rows.
    ///
    /// # Errors
    /// If rows on disk cannot be read.
    pub(super) fn add(&mut self, rows: &Examples, outputs: &[f64]) -> Result<()> {
        let (target, k) = (self.target, self.target.outputs());
        match target.task {
            Task::Binary | Task::Multiclass => {
                let truths: Vec<f64> = rows.y.iter().map(|&y| f64::from(y)).collect();
                let confusion = metrics::confusion(outputs, k, &truths, target.threshold(0));
                add_confusion(&mut self.answers.confusion, confusion);
            }
            Task::Regression => {
                let every = rows.rows.div_ceil(MOST_POINTS).max(1);
                let point = |row: usize| {
                    let truth = f64::from(rows.y[row * rows.targets]);
                    (target.unscaled(0, truth), target.points(&target.in_units(&outputs[row * k..][..k]))[0])
                };
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
        if target.task == Task::Binary {
            self.probabilities.extend(outputs);
            self.positive.extend(rows.y.iter().map(|y| *y > 0.5));
            let weight = |row: usize| rows.weights.as_ref().map_or(1.0, |weights| f64::from(weights[row]));
            self.weights.extend((0..rows.rows).map(weight));
        }
        let output = |row: usize| &outputs[row * k..][..k];
        self.rows += rows.rows;
        if let Some((_, margins)) = &self.level {
            for row in 0..rows.rows {
                let covers = target.covers(output(row), &rows.y[row * rows.targets..], margins);
                let widths = target.widths(output(row), margins);
                for ((hits, sum), (covers, width)) in self.covered.iter_mut().zip(covers.into_iter().zip(widths)) {
                    *hits += usize::from(covers);
                    *sum += width;
                }
            }
        }
        let losses: Vec<f64> =
            (0..rows.rows).map(|row| row_loss(target, output(row), &rows.y[row * rows.targets..])).collect();
        let example = |row: usize| self.shown.example(row, rows, (target, self.texts), output(row), losses[row]);
        let gains: Vec<f64> = losses.iter().map(|loss| -loss).collect();
        self.answers.mistakes.extend(lowest(&gains).into_iter().map(example).collect::<Result<Vec<_>>>()?);
        keep_lowest(&mut self.answers.mistakes, |mistake| -mistake.loss);
        if matches!(target.task, Task::Binary | Task::Multiclass) {
            let sure: Vec<f64> = (0..rows.rows).map(|row| sureness(target, output(row))).collect();
            let unsure = lowest(&sure).into_iter().map(|row| Ok((sure[row], example(row)?)));
            self.unsure.extend(unsure.collect::<Result<Vec<_>>>()?);
            keep_lowest(&mut self.unsure, |(sure, _)| *sure);
        }
        Ok(())
    }

    pub(super) fn answers(mut self) -> SplitPredictions {
        self.answers.calibration = self.calibration.bins();
        self.answers.unsure = self.unsure.into_iter().map(|(_, example)| example).collect();
        let thresholds = Thresholds::of(&self.probabilities, &self.positive, Some(&self.weights));
        self.answers.operating = thresholds.map(|all| all.curve(self.target.threshold(0), self.rule));
        if let Some((level, _)) = self.level {
            let (columns, rows) = (&self.target.columns, self.rows);
            let coverage = |(target, &(hits, sum)): (&String, &(usize, f64))| {
                let covered = metrics::share(hits, rows)?;
                Some(Coverage { target: target.clone(), level, covered, width: sum / rows as f64 })
            };
            self.answers.coverage = columns.iter().zip(&self.covered).filter_map(coverage).collect();
        }
        self.answers
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

/// How far a prediction is from another: the distance from the threshold of two classes, else the highest probability.
fn sureness(target: &Target, outputs: &[f64]) -> f64 {
    match target.task {
        Task::Binary => (outputs[0] - target.threshold(0)).abs(),
        _ => outputs.iter().copied().fold(0.0, f64::max),
    }
}

fn keep_lowest<T>(examples: &mut Vec<T>, number: impl Fn(&T) -> f64) {
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
    fn example(
        &self,
        row: usize,
        rows: &Examples,
        (target, texts): (&Target, bool),
        outputs: &[f64],
        loss: f64,
    ) -> Result<Mistake> {
        let x = rows.inputs(row)?;
        Ok(Mistake {
            place: rows.place(row),
            truth: rows.raw.truth(row),
            prediction: target.answers(outputs).join(", "),
            loss,
            confidence: confidence(target, outputs),
            inputs: rows.raw.inputs(row),
            words: Vec::new(),
            picture: self.picture(&x),
            sound: self.sound(&x),
            encoded: if texts { x.into_owned() } else { Vec::new() },
        })
    }
}

/// The probability of what is predicted; of labels the highest.
fn confidence(target: &Target, outputs: &[f64]) -> Option<f64> {
    match target.task {
        Task::Regression => None,
        Task::Multilabel => outputs.iter().copied().reduce(f64::max),
        Task::Binary | Task::Multiclass => Some(target.probabilities(outputs)[target.choice(outputs)]),
    }
}

/// The loss of one row: cross-entropy for classes and labels, half the squared error of the clipped answer for
/// regression.
pub(super) fn row_loss(target: &Target, outputs: &[f64], truths: &[f32]) -> f64 {
    let surprise = |p: f64| -f64::max(p, 1e-12).ln();
    match target.task {
        Task::Multiclass => surprise(outputs[truths[0] as usize]),
        Task::Binary | Task::Multilabel => {
            outputs.iter().zip(truths).map(|(&p, &y)| surprise(if y > 0.5 { p } else { 1.0 - p })).sum()
        }
        Task::Regression => {
            let each = target.quantiles.len().max(1);
            let clipped = outputs.iter().enumerate().map(|(i, output)| target.clipped(i / each, *output));
            let points = target.points(&clipped.collect::<Vec<_>>());
            points.iter().zip(truths).map(|(z, &y)| 0.5 * (z - f64::from(y)).powi(2)).sum()
        }
    }
}
