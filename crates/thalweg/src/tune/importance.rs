//! Which options mattered: how much worse a forest fitted to the trials predicts with one option's values permuted
//! (permutation importance, Breiman 2001).

use serde::Serialize;
use smartcore::ensemble::random_forest_regressor::{RandomForestRegressor, RandomForestRegressorParameters};
use smartcore::linalg::basic::matrix::DenseMatrix;

use super::record::{Trial, TrialKind};
use super::sampler::winsorised;
use super::space::Space;
use crate::random;

/// Minimum number of trials for fitting a forest.
const LEAST: usize = 10;
/// Permutations of each option's values.
const SHUFFLES: u32 = 8;

/// The importance of one option.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Importance {
    /// The option.
    pub name: String,
    /// Its share of the total importance, from 0 to 1.
    pub share: f64,
}

/// A forest that predicts costs from points of the unit cube.
#[derive(Debug)]
pub(crate) struct Surrogate {
    forest: RandomForestRegressor<f64, f64, DenseMatrix<f64>, Vec<f64>>,
    rows: Vec<Vec<f64>>,
    costs: Vec<f64>,
}

impl Surrogate {
    /// A forest fitted to the trials that have a value; none where there are too few.
    pub(crate) fn fit(space: &Space, trials: &[Trial]) -> Option<Surrogate> {
        let known: Vec<&Trial> = trials
            .iter()
            .filter(|trial| trial.kind == TrialKind::Search && !trial.point.is_empty())
            .filter(|trial| trial.cost.is_some_and(f64::is_finite))
            .collect();
        if known.len() < LEAST {
            return None;
        }
        // A value below all others encodes an inactive option.
        let row = |trial: &Trial| space.places(&trial.point).into_iter().map(|place| place.unwrap_or(-0.5)).collect();
        let rows: Vec<Vec<f64>> = known.iter().map(|trial| row(trial)).collect();
        let costs = winsorised(&known);
        let parameters = RandomForestRegressorParameters::default().with_n_trees(100).with_seed(1).with_max_depth(12);
        let x = DenseMatrix::from_2d_vec(&rows).ok()?;
        let forest = RandomForestRegressor::fit(&x, &costs, parameters).ok()?;
        Some(Surrogate { forest, rows, costs })
    }

    /// Predicted costs.
    pub(crate) fn predict(&self, rows: &Vec<Vec<f64>>) -> Option<Vec<f64>> {
        self.forest.predict(&DenseMatrix::from_2d_vec(rows).ok()?).ok()
    }

    fn error(&self, rows: &Vec<Vec<f64>>) -> Option<f64> {
        let predicted = self.predict(rows)?;
        Some(predicted.iter().zip(&self.costs).map(|(p, y)| (p - y).powi(2)).sum::<f64>() / self.costs.len() as f64)
    }
}

/// The importance of each option, highest first; empty where there are too few trials.
pub fn importance(space: &Space, trials: &[Trial]) -> Vec<Importance> {
    let Some(surrogate) = Surrogate::fit(space, trials) else { return Vec::new() };
    let Some(own) = surrogate.error(&surrogate.rows) else { return Vec::new() };
    let rise = |column: usize| {
        let shuffled = (0..SHUFFLES).filter_map(|shuffle| {
            let mut order: Vec<(f64, usize)> = (0..surrogate.rows.len())
                .map(|i| (random::search(shuffle.into(), 1 << 20).uniform(column as u32, i as u32), i))
                .collect();
            order.sort_by(|a, b| a.0.total_cmp(&b.0));
            let mut rows = surrogate.rows.clone();
            rows.iter_mut().zip(&order).for_each(|(row, (_, from))| row[column] = surrogate.rows[*from][column]);
            surrogate.error(&rows)
        });
        (shuffled.sum::<f64>() / f64::from(SHUFFLES) - own).max(0.0)
    };
    let rises: Vec<f64> = (0..space.dimensions.len()).map(rise).collect();
    let all: f64 = rises.iter().sum();
    let share = |(dimension, rise): (&super::space::Dimension, &f64)| Importance {
        name: dimension.name.clone(),
        share: if all > 0.0 { rise / all } else { 0.0 },
    };
    let mut importance: Vec<Importance> = space.dimensions.iter().zip(&rises).map(share).collect();
    importance.sort_by(|a, b| b.share.total_cmp(&a.share));
    importance
}
