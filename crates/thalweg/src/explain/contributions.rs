//! Contributions to one answer: Shapley values, sampled by permutations.
//!
//! φ_j is what column j adds to the answer, averaged over all orders in which columns become known: before, a column has the
//! value of a background row, afterwards that of the row explained ("An Efficient Explanation of Individual
//! Classifications using Game Theory", Štrumbelj and Kononenko 2010 and 2014; "Polynomial calculation of the Shapley
//! value based on sampling", Castro, Gómez and Tejada 2009). Each order is also walked backwards, which takes away much of
//! the error ("Sampling Permutations for Shapley Value Estimation", Mitchell, Cooper, Frank and Holmes 2022), and every
//! background row is used equally often, so that with any number of orders
//!
//! baseline + Σ_j φ_j = answer, the baseline being the mean answer to the background rows. A number is the answer before it
//! is clipped to the target's limits.
//!
//! For a linear model φ_j = w_j·(x_j − mean of the background's x_j), whatever the orders.

use std::ops::Range;

use super::columns;
use crate::data::preprocess::InputColumn;
use crate::error::{Error, Result};
use crate::model::Model;
use crate::random;
use crate::task::Task;
use crate::tensor::ops::MatmulPrecision;

/// Inputs of rows that go through the model at a time.
const NUMBERS: usize = 1 << 22;

/// How many orders are sampled, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShapleySettings {
    /// Orders of the columns, each with its reverse among them.
    pub permutations: usize,
    /// The seed of the orders.
    pub seed: u64,
    /// How matrices are multiplied.
    pub precision: MatmulPrecision,
}

impl Default for ShapleySettings {
    fn default() -> Self {
        ShapleySettings { permutations: 200, seed: 0, precision: MatmulPrecision::default() }
    }
}

/// Rows that others are compared with: encoded, and of the kind that the model was trained on.
#[derive(Debug, Clone)]
pub struct Background(Vec<f32>);

impl Background {
    /// The most rows that are used.
    pub const ROWS: usize = 100;

    /// At most [`Background::ROWS`] of some encoded rows, spread evenly over them.
    ///
    /// # Errors
    /// If the model makes forecasts, or there are fewer than two rows, for a row has no contributions beside itself.
    pub fn new(model: &Model, x: &[f32]) -> Result<Background> {
        if model.forecast.is_some() {
            let error =
                Error::config("answers of a forecast are steps to come, and no rows that columns contribute to");
            return Err(error.fix("see in the run's report how much each input matters"));
        }
        let width = model.network.input().size().max(1);
        let rows = x.len() / width;
        if rows < 2 {
            let error = Error::data(format!("found {rows} background rows, expected two or more to compare with"));
            return Err(error.fix("compare with rows like those that the model was trained on"));
        }
        let count = rows.min(Self::ROWS);
        Ok(Background((0..count).flat_map(|i| &x[i * rows / count * width..][..width]).copied().collect()))
    }
}

/// The contributions to one answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Contributions {
    /// The mean answer to the background rows.
    pub baseline: f64,
    /// What each of [`super::columns`] adds.
    pub values: Vec<f64>,
    /// The standard error of each value over orders and background rows: how far other ones might move it.
    pub errors: Vec<f64>,
}

impl Contributions {
    /// The baseline, each contribution, and the largest standard error of these.
    pub fn fields(&self) -> impl Iterator<Item = f64> {
        let error = self.errors.iter().copied().fold(0.0, f64::max);
        std::iter::once(self.baseline).chain(self.values.iter().copied()).chain([error])
    }
}

/// Explains a model's answers to one row at a time.
///
/// What is explained is, for two classes, the logit of the second; for several, ln p/(1 − p) of the predicted class; for
/// labels, each one's logit; for numbers, the answer in its units.
#[derive(Debug)]
pub struct Explainer<'a> {
    model: &'a Model,
    columns: Vec<InputColumn>,
    settings: ShapleySettings,
    /// The background rows that are used, and the model's raw answers to them.
    background: Vec<f32>,
    base: Vec<f64>,
    /// Pairs of an order and its reverse for each background row.
    rounds: usize,
}

impl<'a> Explainer<'a> {
    /// An explainer of answers in comparison with background rows: of as many as there are pairs of orders, where these
    /// are fewer.
    ///
    /// # Errors
    /// If the model takes images or sounds, or fewer than two orders are asked for.
    pub fn new(model: &'a Model, background: &Background, settings: ShapleySettings) -> Result<Self> {
        let columns = columns(model)?;
        let pairs = settings.permutations / 2;
        if pairs == 0 {
            let error = Error::config(format!("found {} permutations, expected 2 or more", settings.permutations));
            return Err(error.fix("200 suit most models"));
        }
        let width = model.network.input().size();
        let rows = background.0.len() / width.max(1);
        let used = rows.min(pairs);
        let background: Vec<f32> =
            (0..used).flat_map(|i| &background.0[i * rows / used * width..][..width]).copied().collect();
        let base = model.logits(&background, settings.precision)?;
        Ok(Explainer { model, columns, settings, background, base, rounds: pairs / used })
    }

    /// The orders that are sampled for a row: as many as asked for, or somewhat fewer, so that every background row is used
    /// equally often.
    pub fn permutations(&self) -> usize {
        2 * self.rounds * (self.background.len() / self.model.network.input().size().max(1))
    }

    /// The names of what [`Contributions::fields`] gives of all answers to a row: `baseline`, `contribution_age` and so on
    /// for each column, `standard_error`; with the target or label, as in `contribution_price_age`, where there are
    /// several answers.
    pub fn names(&self) -> Vec<String> {
        let target = &self.model.target;
        let several = match target.task {
            Task::Multilabel => &target.classes,
            Task::Regression if target.columns.len() > 1 => &target.columns,
            _ => return self.names_of(""),
        };
        several.iter().flat_map(|answer| self.names_of(&format!("_{answer}"))).collect()
    }

    fn names_of(&self, answer: &str) -> Vec<String> {
        let columns = self.columns.iter().map(|column| format!("contribution{answer}_{}", column.name));
        let [baseline, error] = ["baseline", "standard_error"].map(|name| format!("{name}{answer}"));
        std::iter::once(baseline).chain(columns).chain([error]).collect()
    }

    /// The contributions to each encoded row's answers, rows × answers explained.
    ///
    /// # Errors
    /// If the inputs are not whole rows, or an answer is not finite.
    pub fn explain(&self, x: &[f32]) -> Result<Vec<Vec<Contributions>>> {
        let (width, outputs) = (self.model.network.input().size(), self.model.target.outputs());
        let answers = self.model.logits(x, self.settings.precision)?;
        x.chunks_exact(width)
            .zip(answers.chunks_exact(outputs))
            .map(|(x, answer)| self.explain_row(x, answer))
            .collect()
    }

    /// The contributions to the answers to one row, given its raw answer.
    fn explain_row(&self, x: &[f32], raw: &[f64]) -> Result<Vec<Contributions>> {
        let (width, m) = (x.len(), self.columns.len());
        let (outputs, used) = (raw.len(), self.background.len() / width);
        let explained = self.explained(raw);
        let k = explained(raw).len();
        // Each background row's mean of Δ, background × answers × columns.
        let mut deltas = vec![0.0; used * k * m];
        let between = m.saturating_sub(1);
        let pairs: Vec<usize> = (0..used * self.rounds).collect();
        let at_once = (NUMBERS / (2 * between * width).max(1)).max(1);
        for pairs in pairs.chunks(at_once) {
            let orders: Vec<Vec<u32>> =
                pairs.iter().map(|pair| random::explain(self.settings.seed, *pair as u32).permutation(m)).collect();
            let mut hybrids = Vec::with_capacity(pairs.len() * 2 * between * width);
            for (pair, order) in pairs.iter().zip(&orders) {
                let background = &self.background[pair % used * width..][..width];
                self.walk(x, background, order.iter(), &mut hybrids);
                self.walk(x, background, order.iter().rev(), &mut hybrids);
            }
            let found = self.model.logits(&hybrids, self.settings.precision)?;
            let mut found = found.chunks_exact(outputs);
            for (pair, order) in pairs.iter().zip(&orders) {
                let b = pair % used;
                let deltas = &mut deltas[b * k * m..][..k * m];
                let mut add = |order: &mut dyn Iterator<Item = &u32>| {
                    let mut before = explained(&self.base[b * outputs..][..outputs]);
                    for (step, &column) in order.enumerate() {
                        let now = if step < between { found.next().unwrap_or(raw) } else { raw };
                        let now = explained(now);
                        for (answer, (now, before)) in now.iter().zip(&before).enumerate() {
                            deltas[answer * m + column as usize] += (now - before) / (2 * self.rounds) as f64;
                        }
                        before = now;
                    }
                };
                add(&mut order.iter());
                add(&mut order.iter().rev());
            }
        }
        let base: Vec<f64> = self.base.chunks_exact(outputs).flat_map(explained).collect();
        let contributions = |answer: usize| {
            let of = |column: usize| {
                let each = deltas[answer * m + column..].iter().step_by(k * m);
                let mean = each.clone().sum::<f64>() / used as f64;
                let variance = each.map(|x| (x - mean).powi(2)).sum::<f64>() / used.saturating_sub(1).max(1) as f64;
                (mean, (variance / used as f64).sqrt())
            };
            let baseline = base[answer..].iter().step_by(k).sum::<f64>() / used as f64;
            let (values, errors): (Vec<f64>, Vec<f64>) = (0..m).map(of).unzip();
            Contributions { baseline, values, errors }
        };
        let all: Vec<Contributions> = (0..k).map(contributions).collect();
        let finite = |one: &Contributions| one.baseline.is_finite() && one.values.iter().all(|x| x.is_finite());
        if !all.iter().all(finite) {
            let error = Error::data("a contribution is no finite number");
            return Err(error.fix("leave out rows far from those that the model was trained on"));
        }
        Ok(all)
    }

    /// Adds the rows on the way from a background row to x, whose columns are taken in this order; both ends are known.
    fn walk<'o>(&self, x: &[f32], background: &[f32], order: impl Iterator<Item = &'o u32>, hybrids: &mut Vec<f32>) {
        let mut row = background.to_vec();
        for &column in order.take(self.columns.len().saturating_sub(1)) {
            let inputs: Range<usize> = self.columns[column as usize].inputs.clone();
            row[inputs.clone()].copy_from_slice(&x[inputs]);
            hybrids.extend_from_slice(&row);
        }
    }

    /// From raw outputs to what is explained, for the row with these ones.
    fn explained(&self, raw: &[f64]) -> impl Fn(&[f64]) -> Vec<f64> + use<'a> {
        let target = &self.model.target;
        let class = (0..raw.len()).rev().max_by(|a, b| raw[*a].total_cmp(&raw[*b])).unwrap_or(0);
        move |raw: &[f64]| match target.task {
            Task::Binary | Task::Multilabel => raw.to_vec(),
            Task::Regression => {
                let mut outputs = raw.to_vec();
                if !target.quantiles.is_empty() {
                    outputs.sort_by(f64::total_cmp);
                }
                // Not clipped: what is beyond the limits has its contributions, too.
                target.points(&outputs).iter().enumerate().map(|(t, point)| target.unscaled(t, *point)).collect()
            }
            Task::Multiclass => vec![log_odds(raw, class)],
        }
    }
}

/// ln p/(1 − p) = z_c − ln Σ_{k≠c} e^{z_k} of class c.
fn log_odds(z: &[f64], class: usize) -> f64 {
    let others = || z.iter().enumerate().filter(|(k, _)| *k != class).map(|(_, z)| *z);
    let highest = others().fold(f64::NEG_INFINITY, f64::max);
    z[class] - highest - others().map(|z| (z - highest).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_odds_are_those_of_the_probability() {
        let z = [1.0, -0.5, 2.0_f64];
        let sum: f64 = z.iter().map(|z| z.exp()).sum();
        for (class, z_c) in z.iter().enumerate() {
            let p = z_c.exp() / sum;
            assert!((log_odds(&z, class) - (p / (1.0 - p)).ln()).abs() < 1e-14);
        }
        // Certain, but finite.
        assert_eq!(log_odds(&[800.0, 0.0], 0), 800.0);
    }
}
