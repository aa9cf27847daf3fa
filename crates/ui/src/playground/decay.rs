//! The learning rate by epoch, of every schedule.

use serde::Deserialize;
use serde_json::{Value, json};
use thalweg::schedule::{self, Plateau, Schedule, ScheduleOptions, Time};
use thalweg::{Error, Result};

const MOST: usize = 1_000;

/// α₀, how many epochs, and what schedules leave to be set.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    alpha: f64,
    epochs: usize,
    /// The rate, base, k or factor; the schedule's own without one.
    decay: Option<f64>,
    /// Epochs between steps.
    every: usize,
}

/// α of each epoch; of those that change within one, at its beginning.
///
/// `manual` is given α₀, a third and a tenth of it for a third of the epochs each; `plateau` sees a cost that no longer falls
/// after a third of them.
///
/// # Errors
/// If there are too many epochs, or a number is none.
pub(super) fn decay(query: &Query) -> Result<Value> {
    let Query { alpha, epochs, decay, every } = *query;
    if !(1..=MOST).contains(&epochs) || every == 0 {
        return Err(Error::config(format!("found {epochs} epochs and steps every {every}, expected 1 to {MOST}")));
    }
    if !(alpha.is_finite() && alpha > 0.0) || decay.is_some_and(|decay| !(0.0..=1e6).contains(&decay)) {
        return Err(Error::config("found a rate or decay that is not a number above 0"));
    }
    let third = (epochs / 3).max(1);
    let rates = [(1, alpha), (third + 1, alpha / 3.0), (2 * third + 1, alpha / 10.0)].into();
    let options = ScheduleOptions { decay, every, rates };
    let curves: Result<Vec<Value>> = schedule::ALL
        .iter()
        .map(|registered| {
            let schedule = (registered.build)(options.clone())?;
            let mut plateau = Plateau::default();
            let rate = |epoch: usize| {
                let rate = schedule.rate(alpha, Time { epoch, done: 0.0, epochs, limit: 0.0 }, plateau.reductions);
                if let Schedule::Plateau { patience, .. } = schedule {
                    plateau.observe(1.0 / epoch.min(third) as f64, patience);
                }
                rate
            };
            let rates: Vec<f64> = (1..=epochs).map(rate).collect();
            Ok(json!({ "name": registered.name, "rates": rates }))
        })
        .collect();
    Ok(json!({ "curves": curves? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rates_are_those_of_the_formulas() {
        let told = decay(&Query { alpha: 0.2, epochs: 30, decay: Some(0.5), every: 5 }).unwrap();
        let rate = |name: &str, epoch: usize| {
            let curve = told["curves"].as_array().unwrap().iter().find(|curve| curve["name"] == name).unwrap();
            curve["rates"][epoch - 1].as_f64().unwrap()
        };
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-15, "{a} {b}");
        for epoch in [1, 7, 30] {
            close(rate("constant", epoch), 0.2);
            close(rate("inverse", epoch), 0.2 / (1.0 + 0.5 * epoch as f64));
            close(rate("exponential", epoch), 0.5f64.powi(epoch as i32) * 0.2);
            close(rate("square_root", epoch), 0.5 / (epoch as f64).sqrt() * 0.2);
            close(rate("staircase", epoch), 0.2 * 0.5f64.powi((epoch as i32 - 1) / 5));
        }
        close(rate("manual", 11), 0.2 / 3.0);
        // Ten epochs fall, the eleventh does not; after six in a row without progress the rate is halved for the next.
        close(rate("plateau", 16), 0.2);
        close(rate("plateau", 17), 0.1);
        assert_eq!(told["curves"].as_array().unwrap().len(), schedule::ALL.len());
        assert!(decay(&Query { alpha: 0.1, epochs: 0, decay: None, every: 1 }).is_err());
        assert!(decay(&Query { alpha: f64::NAN, epochs: 3, decay: None, every: 1 }).is_err());
    }
}
