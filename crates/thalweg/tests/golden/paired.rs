//! Two models on the same rows, against SciPy; `make_paired.py` wrote the numbers.

use serde_json::Value;
use thalweg::data::schema::Task;
use thalweg::metrics::{self, McNemar, Metric};

use super::numbers::{assert_each, golden, list, number, numbers, size};

/// The difference, and an interval whose ends are within this share of its width.
fn assert_interval(what: &str, found: &Metric, theirs: &Value, share: f64) {
    assert_each(what, &[found.value], &[number(&theirs["value"])], 1e-10, 1e-14);
    let (low, high) = (number(&theirs["low"]), number(&theirs["high"]));
    for (ours, theirs) in [(found.low.unwrap(), low), (found.high.unwrap(), high)] {
        assert!((ours - theirs).abs() <= share * (high - low), "{what}: {found:?}, golden {low} to {high}");
    }
}

#[test]
fn differences_of_models_and_their_intervals() {
    for case in list(&golden("paired")["cases"]) {
        let task: Task = serde_json::from_value(case["task"].clone()).unwrap();
        let [y, a, b] = ["y", "a", "b"].map(|name| numbers(&case[name]));
        let found = metrics::paired(task, [&a, &b], 1, &y, None, 0);
        for (name, theirs) in case["metrics"].as_object().unwrap() {
            // Two bootstraps of 2,000 and 20,000 resamples differ by chance; accuracies differ in steps of 1/240.
            assert_interval(&format!("{task} {name}"), &found.metrics[name].difference, theirs, 0.07);
        }
        assert_interval(&format!("{task} mean loss"), &found.mean_loss, &case["mean_loss"], 1e-9);
        assert_eq!(found.mcnemar.is_some(), case["mcnemar"].is_object());
        if let Some(test) = found.mcnemar {
            let theirs = &case["mcnemar"];
            assert_eq!((test.only_a, test.only_b), (size(&theirs["only_a"]), size(&theirs["only_b"])));
            assert_each("p", &[test.p], &[number(&theirs["p"])], 1e-12, 0.0);
        }
        assert_eq!(found, metrics::paired(task, [&a, &b], 1, &y, None, 0));
    }
}

#[test]
fn mcnemars_exact_test() {
    for case in list(&golden("paired")["mcnemar"]) {
        let found = McNemar::of(size(&case["only_a"]), size(&case["only_b"]));
        assert_each(&format!("{found:?}"), &[found.p], &[number(&case["p"])], 1e-7, 0.0);
    }
}
