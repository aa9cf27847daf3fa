//! Batches of 1, of some and of all examples, side by side.

use serde::Deserialize;
use serde_json::{Value, json};
use thalweg::event::Event;
use thalweg::train::{Callback, State};
use thalweg::{Error, Result};

use super::experiment::Experiment;
use super::settings::Settings;

const MOST_EPOCHS: usize = 100;
const MOST_ROWS: usize = 500;
/// Steps whose costs are told.
const TOLD: usize = 600;

/// What is trained on, and how.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    data: String,
    rows: usize,
    learning_rate: f64,
    /// The size between 1 and all.
    size: usize,
    epochs: usize,
    seed: u64,
}

/// The cost of each batch by the epochs passed before its step, of three trainings that differ in the size of their batches.
///
/// # Errors
/// If it would take too long, or a setting is refused.
pub(super) fn batches(query: &Query) -> Result<Value> {
    if query.epochs > MOST_EPOCHS || query.rows > MOST_ROWS || query.size < 2 {
        return Err(Error::config(format!(
            "expected up to {MOST_EPOCHS} epochs, up to {MOST_ROWS} rows, and a batch of 2 or more"
        )));
    }
    let curves: Result<Vec<Value>> = [1, query.size, 0].into_iter().map(|size| training(query, size)).collect();
    Ok(json!({ "curves": curves? }))
}

fn training(query: &Query, batch_size: usize) -> Result<Value> {
    let Query { data, rows, learning_rate, epochs, seed, .. } = query;
    let settings = Settings {
        data: data.clone(),
        rows: *rows,
        noise: 0.15,
        layers: vec![6],
        learning_rate: *learning_rate,
        batch_size,
        epochs: *epochs,
        seed: *seed,
        ..Settings::default()
    };
    let experiment = Experiment::new(&settings)?;
    let m = experiment.train.rows();
    let size = if batch_size == 0 { m } else { batch_size.min(m) };
    let mut recorder = Recorder { experiment: &experiment, costs: Vec::new(), whole: Vec::new() };
    let mut state = experiment.start();
    recorder.whole.push(experiment.judge(&state.theta, &experiment.train)?.0);
    let diverged = experiment.fit(&mut state, &mut recorder).err().map(|error| error.message);
    let Recorder { costs, whole, .. } = recorder;
    let steps = m.div_ceil(size);
    let every = costs.len().div_ceil(TOLD).max(1);
    let told: Vec<usize> = (0..costs.len()).step_by(every).collect();
    Ok(json!({
        "batch_size": batch_size,
        "size": size,
        "steps": costs.len(),
        "epochs": told.iter().map(|&i| i as f64 / steps as f64).collect::<Vec<_>>(),
        "costs": told.iter().map(|&i| costs[i]).collect::<Vec<_>>(),
        "whole": whole,
        "diverged": diverged,
        "command": experiment.command,
    }))
}

/// Keeps each batch's cost, and the loss on all training rows after each epoch.
struct Recorder<'a> {
    experiment: &'a Experiment,
    costs: Vec<f64>,
    whole: Vec<f64>,
}

impl Callback for Recorder<'_> {
    fn event(&mut self, _: &Event) {}

    fn step(&mut self, _learning_rate: f64, cost: f64) {
        self.costs.push(cost);
    }

    fn checkpoint(&mut self, state: &State) -> Result<()> {
        self.whole.push(self.experiment.judge(&state.theta, &self.experiment.train)?.0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_has_as_many_steps_as_batches_and_full_batches_always_descend() {
        let query = Query { data: "moons".into(), rows: 200, learning_rate: 0.1, size: 64, epochs: 6, seed: 2 };
        let told = batches(&query).unwrap();
        let curve = |at: usize, what: &str| -> Vec<f64> {
            told["curves"][at][what].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
        };
        let steps = [0, 1, 2].map(|at| told["curves"][at]["steps"].as_u64().unwrap());
        assert_eq!(steps, [140 * 6, 3 * 6, 6]);
        let descends = |values: Vec<f64>| values.windows(2).all(|pair| pair[1] < pair[0]);
        assert!(descends(curve(2, "costs")) && !descends(curve(0, "costs")));
        // The cost of a batch of all is the loss on all before its step.
        for (cost, whole) in curve(2, "costs").iter().zip(curve(2, "whole")) {
            assert!((cost - whole).abs() < 1e-6, "{cost} {whole}");
        }
        assert!(batches(&Query { epochs: 1 << 40, ..query }).is_err());
    }
}
