//! Intervals of metrics, beside SciPy's bootstrap over rows.

use thalweg::data::schema::Task;
use thalweg::metrics;

use super::numbers::{golden, list, number, numbers, size, text};

/// The ratio of two standard errors: a bootstrap of 1,000 draws has its own to within 2 or 3 %.
const LIKE: std::ops::Range<f64> = 0.9..1.1;
/// How far an end may lie from the percentile's, in widths of the interval.
const FAR: f64 = 0.12;

#[test]
fn intervals_are_those_of_a_bootstrap() {
    for case in list(&golden("intervals")["cases"]) {
        let name = text(&case["name"]);
        let task: Task = serde_json::from_value(case["task"].clone()).unwrap();
        let (answers, truths) = (numbers(&case["answers"]), numbers(&case["y"]));
        let weights = (!case["weights"].is_null()).then(|| numbers(&case["weights"]));
        let ours = metrics::evaluate(task, &answers, size(&case["outputs"]), &truths, weights.as_deref());
        for (metric, theirs) in case["metrics"].as_object().unwrap() {
            // Labels of a row count as one for accuracy, however little they have to do with one another.
            if task == Task::Multilabel && metric == "accuracy" {
                continue;
            }
            let (low, high) = (ours[metric].low.unwrap(), ours[metric].high.unwrap());
            let ratio = (high - low) / 2.0 / 1.959963984540054 / number(&theirs["error"]);
            assert!(LIKE.contains(&ratio), "{name}: {metric}: {ratio}");
            let width = number(&theirs["high"]) - number(&theirs["low"]);
            for (end, ours) in [("low", low), ("high", high)] {
                let off = (ours - number(&theirs[end])) / width;
                assert!(off.abs() < FAR, "{name}: {metric}: {end} {ours} is {off} of the width away");
            }
        }
    }
}
