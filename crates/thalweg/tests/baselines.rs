//! Simple models beside the network: their figures, when a network is said to be no better, and that it stays as it is.

use thalweg::config::Config;
use thalweg::data::arrays::Arrays;
use thalweg::data::dataset::Dataset;
use thalweg::event::{Baseline, Event, Warning};
use thalweg::run::{self, Trained};

fn config(settings: &[(&str, &str)]) -> Config {
    let settings: Vec<_> = settings.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
    Config::load(None, &settings).unwrap()
}

/// The fraction of i·(an irrational number): evenly spread over 0 to 1.
fn unit(i: usize, which: usize) -> f64 {
    (i as f64 * [0.6180339887498949, 0.41421356237309515, 0.7320508075688772][which]).fract()
}

/// Rows of two numbers, and an answer to each.
fn rows(range: std::ops::Range<usize>, answer: impl Fn(f64, f64, usize) -> String) -> Arrays {
    let (mut x, mut answers) = (Vec::new(), Vec::new());
    for i in range {
        let (a, b) = (unit(i, 0), unit(i, 1));
        x.extend([a as f32, b as f32]);
        answers.push(answer(a, b, i));
    }
    Arrays::new("rows", &[2], x).unwrap().with_answers("answer", answers).unwrap()
}

/// Trains on 300 rows, with 100 rows of dev and 100 of test.
fn train(settings: &[(&str, &str)], answer: impl Fn(f64, f64, usize) -> String) -> Trained {
    let config = config(settings);
    let [main, dev, test] = [0..300, 300..400, 400..500].map(|range| rows(range, &answer));
    let data = Dataset::from_arrays(&main, Some(&dev), Some(&test), &config).unwrap();
    run::train_on(&config, &data, None, &mut |_: &Event| ()).unwrap()
}

fn baselines(trained: &Trained) -> Vec<Baseline> {
    let baseline = |event: &Event| if let Event::Baseline(baseline) = event { Some(baseline.clone()) } else { None };
    trained.events.iter().filter_map(baseline).collect()
}

/// The warning that the network is no better than a baseline.
fn unbeaten(trained: &Trained) -> Option<Warning> {
    let warning = |event: &Event| if let Event::Warning(warning) = event { Some(warning.clone()) } else { None };
    trained.events.iter().filter_map(warning).find(|warning| warning.message.contains("not better than"))
}

/// True where both numbers are on the same side of a half: no line tells that.
fn same_side(a: f64, b: f64, _: usize) -> String {
    if (a > 0.5) == (b > 0.5) { "same" } else { "other" }.into()
}

#[test]
fn frequencies_and_means_are_those_of_the_training_rows() {
    // One in five of 300 is rare, and so of the others.
    let class = |_: f64, _: f64, i: usize| if i.is_multiple_of(5) { "rare" } else { "usual" }.to_string();
    let found = baselines(&train(&[("layers", "4"), ("epochs", "2")], class));
    assert_eq!(found[0].name, "class frequencies");
    let (test, dev) = (&found[0].metrics.test, &found[0].metrics.dev);
    let log_loss = -(0.2 * 0.2f64.ln() + 0.8 * 0.8f64.ln());
    assert!((test["log_loss"].value - log_loss).abs() < 1e-6 && (test["accuracy"].value - 0.8).abs() < 1e-12);
    assert_eq!((test["roc_auc"].value, dev["accuracy"].value), (0.5, 0.8));
    assert!(found[0].metrics.train.is_empty());

    // 0 and 10 by turns, but for the last hundred rows, which are 20: the mean is 5, and off by 15.
    let number = |_: f64, _: f64, i: usize| if i < 400 { 10 * (i % 2) } else { 20 }.to_string();
    let settings = [("layers", "4"), ("epochs", "2"), ("task", "regression")];
    let found = baselines(&train(&settings, number));
    assert_eq!(found[0].name, "mean");
    assert!((found[0].metrics.dev["rmse"].value - 5.0).abs() < 1e-5);
    assert!((found[0].metrics.test["mae"].value - 15.0).abs() < 1e-5);
}

#[test]
fn a_network_that_a_line_equals_is_said_to_be_no_better() {
    let settings = [("layers", "8"), ("epochs", "40"), ("task", "regression")];
    // A line but for noise that nothing explains.
    let trained = train(&settings, |a, b, i| format!("{:.4}", 3.0 * a - 2.0 * b + unit(i, 2)));
    let found = baselines(&trained);
    assert_eq!(found[1].name, "linear regression");
    // The noise's variance is 1/12 of 9/12 + 4/12 + 1/12.
    let r2 = found[1].metrics.test["r2"].value;
    assert!((r2 - 13.0 / 14.0).abs() < 0.03, "{r2}");
    let warning = unbeaten(&trained).unwrap();
    assert!(warning.message.contains("\"linear regression\""), "{warning}");
    assert!(warning.remedy.to_string().contains("--layers none"), "{warning}");
}

#[test]
fn a_network_that_learns_what_no_line_can_is_better() {
    let trained = train(&[("layers", "16"), ("epochs", "100"), ("learning_rate", "0.02")], same_side);
    let found = baselines(&trained);
    assert_eq!(found[1].name, "logistic regression");
    assert!(found[1].metrics.test["accuracy"].value < 0.7, "{:?}", found[1].metrics.test["accuracy"]);
    assert!(trained.model.provenance.metrics.test["accuracy"].value > 0.85);
    assert_eq!(unbeaten(&trained), None);
}

#[test]
fn a_network_that_learns_nothing_is_no_better_than_frequencies() {
    let trained = train(&[("layers", "4"), ("epochs", "1"), ("learning_rate", "1e-9")], same_side);
    assert!(unbeaten(&trained).unwrap().message.contains("\"class frequencies\""));
}

#[test]
fn the_network_and_the_baselines_are_the_same_whatever_is_asked_for() {
    let train = |more: &[(&str, &str)]| train(&[&[("epochs", "3"), ("batch_size", "32")], more].concat(), same_side);
    let (with, without) =
        (train(&[("layers", "8"), ("threads", "2")]), train(&[("layers", "8"), ("baselines", "false")]));
    assert_eq!(with.model.to_bytes(), without.model.to_bytes());
    assert_eq!((baselines(&with).len(), baselines(&without).len()), (2, 0));
    assert_eq!(baselines(&with), baselines(&train(&[("layers", "8"), ("threads", "1")])));
    // A network without hidden layers is the linear model.
    let names: Vec<_> = baselines(&train(&[("layers", "none")])).into_iter().map(|baseline| baseline.name).collect();
    assert_eq!(names, ["class frequencies"]);
}
