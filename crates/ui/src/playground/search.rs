//! Grid against random search, over two hyperparameters of which one matters.

use serde::Deserialize;
use serde_json::{Value, json};
use thalweg::event::Event;
use thalweg::random::Stream;
use thalweg::{Error, Result};

use super::experiment::Experiment;
use super::settings::Settings;

/// The stream of random trials.
const TRIALS: u32 = 67;
const MOST_SIDE: usize = 6;
/// The exponents r of α = 10^r, and of Adam's ε = 10^r.
const ALPHA: [f64; 2] = [-4.0, 0.0];
const EPSILON: [f64; 2] = [-10.0, -6.0];

/// How many values of each are on the grid.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    side: usize,
    seed: u64,
}

/// As many trials of either kind: the test loss of a small network on the moons after 20 epochs of Adam.
///
/// # Errors
/// If there are too many trials.
pub(super) fn search(query: &Query) -> Result<Value> {
    let Query { side, seed } = *query;
    if !(2..=MOST_SIDE).contains(&side) {
        return Err(Error::config(format!("found a grid of {side} × {side}, expected 2 to {MOST_SIDE}")));
    }
    let stream = Stream::new(seed, TRIALS);
    // The middles of equal parts, as far apart as a grid's values are.
    let on_grid = |i: usize| (i as f64 + 0.5) / side as f64;
    let grid = (0..side * side).map(|i| [on_grid(i % side), on_grid(i / side)]);
    let random = (0..side * side).map(|i| [stream.uniform(i as u32, 0), stream.uniform(i as u32, 1)]);
    let tried = |shares: &mut dyn Iterator<Item = [f64; 2]>| -> Result<Vec<Value>> {
        shares.map(|share| trial(share, seed)).collect()
    };
    let (grid, random) = (tried(&mut { grid })?, tried(&mut { random })?);
    let command = settings(1.0, 1e-8, seed).command(&[])?;
    let (start, _) = command.split_once(" --optimizer").unwrap_or((&command, ""));
    let tune = start.replacen("thalweg train", "thalweg tune", 1);
    let trials = side * side;
    let searched = "--search learning_rate=log:1e-4..1 --search epsilon=log:1e-10..1e-6";
    Ok(json!({
        "grid": grid,
        "random": random,
        "ranges": { "alpha": ALPHA, "epsilon": EPSILON },
        "command": format!(
            "{tune} --optimizer adam --batch-size 16 --epochs 20 --sampler random --trials {trials} {searched} --seed {seed}"
        ),
    }))
}

fn settings(alpha: f64, epsilon: f64, seed: u64) -> Settings {
    Settings {
        data: "moons".into(),
        rows: 200,
        noise: 0.2,
        layers: vec![4],
        optimizer: "adam".into(),
        learning_rate: alpha,
        epsilon: Some(epsilon),
        batch_size: 16,
        epochs: 20,
        seed,
        ..Settings::default()
    }
}

/// α = 10^r with r so far along its range, ε likewise; and how good a network is that was trained with them.
fn trial([a, e]: [f64; 2], seed: u64) -> Result<Value> {
    let power = |[low, high]: [f64; 2], share: f64| 10f64.powf(low + (high - low) * share);
    let (alpha, epsilon) = (power(ALPHA, a), power(EPSILON, e));
    let experiment = Experiment::new(&settings(alpha, epsilon, seed))?;
    let mut state = experiment.start();
    let loss = match experiment.fit(&mut state, &mut |_: &Event| ()) {
        Ok(_) => experiment.judge(&state.theta, &experiment.test)?.0,
        Err(_) => f64::NAN,
    };
    Ok(json!({ "alpha": alpha, "epsilon": epsilon, "loss": loss }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_search_tries_as_many_values_of_what_matters_as_trials() {
        let told = search(&Query { side: 3, seed: 1 }).unwrap();
        let of = |kind: &str, what: &str| -> Vec<f64> {
            told[kind].as_array().unwrap().iter().map(|trial| trial[what].as_f64().unwrap()).collect()
        };
        let different = |mut values: Vec<f64>| {
            values.sort_by(f64::total_cmp);
            values.dedup();
            values.len()
        };
        assert_eq!((different(of("grid", "alpha")), different(of("random", "alpha"))), (3, 9));
        assert!(of("random", "alpha").iter().all(|alpha| (1e-4..1.0).contains(alpha)));
        // α matters, ε does not: on the grid, losses differ between columns and not between rows.
        let loss = of("grid", "loss");
        assert!((loss[0] - loss[1]).abs() > 20.0 * (loss[1] - loss[4]).abs(), "{loss:?}");
        assert_eq!(told, search(&Query { side: 3, seed: 1 }).unwrap());
        assert!(search(&Query { side: 1_000, seed: 1 }).is_err());
    }
}
