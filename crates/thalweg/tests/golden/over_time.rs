//! Learning-rate schedules, exponentially weighted averages and initialisers.

use thalweg::average;
use thalweg::init::Init;
use thalweg::layers::Linear;
use thalweg::network::Network;
use thalweg::schedule::{self, Plateau, Schedule, Time};
use thalweg::tensor::{Activation, Dtype};

use super::numbers::{assert_each, golden, list, number, numbers, size, text};

/// The rates of epochs 1, 2, … from α₀ = 0.2.
fn by_epoch(schedule: &Schedule, epochs: usize) -> Vec<f64> {
    (1..=epochs).map(|epoch| schedule.rate(0.2, Time { epoch, done: 0.0, epochs, limit: 0.0 }, 0)).collect()
}

#[test]
fn schedules_by_epoch() {
    let golden = golden("schedules");
    let of = |schedule: &str, key: &str| number(&golden[schedule][key]);
    let staircase =
        Schedule::Staircase { factor: of("staircase", "factor"), every: size(&golden["staircase"]["every"]) };
    for (name, schedule) in [
        ("inverse", Schedule::Inverse(of("inverse", "decay_rate"))),
        ("exponential", Schedule::Exponential(of("exponential", "base"))),
        ("square_root", Schedule::SquareRoot(of("square_root", "k"))),
        ("staircase", staircase),
        ("cosine", Schedule::Cosine),
    ] {
        assert_each(name, &by_epoch(&schedule, 40), &numbers(&golden[name]["rates"]), 1e-14, 0.0);
    }
}

/// 40 steps as 10 epochs of 4, with two epochs of warm-up.
#[test]
fn a_warm_up_before_a_cosine() {
    let golden = &golden("schedules")["warm_cosine"];
    let warm_epochs = number(&golden["warm"]) / 4.0;
    let rate = |step: usize| {
        let at = Time { epoch: step / 4 + 1, done: (step % 4) as f64 / 4.0, epochs: 10, limit: 0.0 };
        Schedule::Cosine.rate(0.2, at, 0) * schedule::warm_up(warm_epochs, at, 0.25)
    };
    let ours: Vec<f64> = (0..size(&golden["steps"])).map(rate).collect();
    assert_each("warm-up and cosine", &ours, &numbers(&golden["rates"]), 1e-13, 0.0);
}

/// PyTorch reaches the peak at step 0.3·T − 1 and the floor at T − 1; our curve is a function of the completed fraction
/// of the run, so it is compared at the fractions that these steps correspond to.
#[test]
fn one_cycle_is_pytorch_s_curve() {
    let golden = &golden("schedules")["one_cycle"];
    let steps = number(&golden["steps"]);
    let peak = 0.3 * steps - 1.0;
    for (step, rate) in numbers(&golden["rates"]).into_iter().enumerate() {
        let step = step as f64;
        let done = if step <= peak { 0.3 * step / peak } else { 0.3 + 0.7 * (step - peak) / (steps - 1.0 - peak) };
        let ours = Schedule::OneCycle.rate(0.2, Time { epoch: 1, done, epochs: 1, limit: 0.0 }, 0);
        assert_each(&format!("one cycle, step {step}"), &[ours], &[rate], 1e-9, 1e-15);
    }
}

#[test]
fn a_plateau_steps_down() {
    let golden = &golden("schedules")["plateau"];
    let patience = size(&golden["patience"]);
    let schedule = Schedule::Plateau { factor: number(&golden["factor"]), patience };
    let mut plateau = Plateau::default();
    let values = numbers(&golden["values"]);
    let epochs = values.len();
    let rate = |(i, value): (usize, f64)| {
        let rate = schedule.rate(0.2, Time { epoch: i + 1, done: 0.0, epochs, limit: 0.0 }, plateau.reductions);
        plateau.observe(value, patience);
        rate
    };
    let ours: Vec<f64> = values.into_iter().enumerate().map(rate).collect();
    let theirs = numbers(&golden["rates"]);
    assert_each("plateau", &ours, &theirs, 1e-14, 0.0);
    assert!(theirs.last() < theirs.first(), "the series has a plateau");
}

#[test]
fn averages_of_melbourne_s_temperatures() {
    let golden = golden("temperatures");
    let series = numbers(&golden["series"]);
    let on_days =
        |smooth: Vec<f64>| -> Vec<f64> { list(&golden["days"]).iter().map(|day| smooth[size(day) - 1]).collect() };
    for case in list(&golden["cases"]) {
        let beta = number(&case["beta"]);
        for (key, corrected) in [("plain", false), ("corrected", true)] {
            let ours = on_days(average::smooth(&series, beta, corrected));
            assert_each(&format!("β = {beta}, {key}"), &ours, &numbers(&case[key]), 1e-13, 0.0);
        }
    }
}

/// The formulas, and the sample variance of ten draws: for n values its relative deviation is about √(2/n).
#[test]
fn initialisers_draw_with_the_variance_of_their_formula() {
    for case in list(&golden("initializers")["cases"]) {
        let (name, n_in, n_out) = (text(&case["name"]), size(&case["n_in"]), size(&case["n_out"]));
        let variance = number(&case["variance"]);
        let init = Init::named(name, 0.01).unwrap();
        assert_each(name, &[init.variance(n_in, n_out)], &[variance], 1e-15, 0.0);

        let layer = Linear { init: Some(init), bias: false, ..Linear::new(n_out, Activation::Identity) };
        let network = Network::new(n_in, vec![Box::new(layer)]).unwrap();
        let drawn: Vec<f64> = (0..10).flat_map(|seed| network.initialize(seed, Dtype::F64).to_f64()).collect();
        let n = drawn.len() as f64;
        let mean = drawn.iter().sum::<f64>() / n;
        let found = drawn.iter().map(|w| (w - mean).powi(2)).sum::<f64>() / n;
        assert!(mean.abs() < 5.0 * (variance / n).sqrt(), "{name} {n_in} → {n_out}: mean {mean}");
        assert!(
            (found / variance - 1.0).abs() < 5.0 * (2.0 / n).sqrt(),
            "{name} {n_in} → {n_out}: {found}, not {variance}"
        );
        if name.ends_with("uniform") {
            let limit = (3.0 * variance).sqrt();
            let largest = drawn.iter().fold(0.0f64, |most, w| most.max(w.abs()));
            assert!(largest <= limit && largest > 0.9 * limit, "{name}: the largest is {largest}, the limit {limit}");
        }
    }
}
