//! Metrics, with ties and weights.

use thalweg::data::schema::Task;
use thalweg::metrics;

use super::numbers::{assert_each, golden, list, number, numbers, size, text};

#[test]
fn metrics_of_every_task() {
    for case in list(&golden("metrics")["cases"]) {
        let name = text(&case["name"]);
        let task: Task = serde_json::from_value(case["task"].clone()).unwrap();
        let (answers, truths) = (numbers(&case["answers"]), numbers(&case["y"]));
        let weights = (!case["weights"].is_null()).then(|| numbers(&case["weights"]));
        let ours = metrics::evaluate(task, &answers, size(&case["outputs"]), &truths, weights.as_deref());
        let expected = case["metrics"].as_object().unwrap();
        assert_eq!(ours.len(), expected.len(), "{name}: {:?}", ours.keys());
        for (metric, theirs) in expected {
            assert_each(&format!("{name}: {metric}"), &[ours[metric].value], &[number(theirs)], 1e-12, 1e-15);
        }
    }
}
