//! What `evaluate` and `predict` say of why a model answers as it does.

use std::process::Output;

use serde_json::Value;

use crate::command;

/// A folder with a table `t.csv` of two numbers, one of them telling, and a model `run` of it.
struct TestFolder(tempfile::TempDir);

impl TestFolder {
    fn new(answer: impl Fn(usize) -> String, options: &str) -> TestFolder {
        let place = TestFolder(tempfile::tempdir().unwrap());
        let row = |i: usize| format!("{i},{},{},{}\n", i * 37 % 101, i * 53 % 89, answer(i * 37 % 101));
        let text = String::from("id,telling,idle,answer\n") + &(0..200).map(row).collect::<String>();
        std::fs::write(place.0.path().join("t.csv"), text).unwrap();
        let train = "train t.csv --target answer --id id -q -o run --learning-rate 0.02";
        place.ok(&format!("{train} {options}"));
        place
    }

    fn run(&self, line: &str) -> Output {
        command::run(self.0.path(), line)
    }

    fn ok(&self, line: &str) -> String {
        command::ok(self.0.path(), line)
    }

    fn error(&self, line: &str) -> String {
        let output = self.run(line);
        assert_eq!(output.status.code(), Some(2), "thalweg {line}");
        String::from_utf8(output.stderr).unwrap()
    }

    fn lines(&self, line: &str) -> Vec<Value> {
        self.ok(line).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn binary() -> TestFolder {
    TestFolder::new(|x| if x > 50 { "high" } else { "low" }.into(), "--layers 8 --epochs 30")
}

fn number(object: &Value, name: &str) -> f64 {
    object[name].as_f64().unwrap_or_else(|| panic!("no {name} in {object}"))
}

#[test]
fn evaluate_tells_which_columns_matter_and_how() {
    let place = binary();
    let told = &place.lines("evaluate run t.csv --importance --dependence telling --json")[0];
    let importance = &told["importance"];
    assert_eq!((&importance["rows"], &importance["metric"]), (&200.into(), &"log_loss".into()));
    let loss = number(&told["metrics"]["log_loss"], "value");
    assert!((number(importance, "value") - loss).abs() < 1e-9);
    let columns = importance["columns"].as_array().unwrap();
    assert_eq!(columns[0]["column"], "telling");
    assert!(number(&columns[0], "low") > 10.0 * number(&columns[1], "value").abs(), "{importance}");
    let curve = &told["dependence"][0]["curves"][0];
    let means: Vec<f64> = curve["mean"].as_array().unwrap().iter().map(|y| y.as_f64().unwrap()).collect();
    assert_eq!(curve["output"], "low");
    assert!(means[0] > 0.9 && means[means.len() - 1] < 0.1, "{means:?}");

    let told = place.ok("evaluate run t.csv --importance --dependence telling --report page.html");
    assert!(told.contains("growth of log_loss") && told.contains("mean answer over 200 rows, by telling:"), "{told}");
    let page = std::fs::read_to_string(place.0.path().join("page.html")).unwrap();
    assert!(page.contains("Columns that matter") && page.contains("How answers change"));
    let error = place.error("evaluate run t.csv --dependence teling");
    assert!(error.contains("no column \"teling\" (did you mean \"telling\"?)"), "{error}");
}

#[test]
fn predict_explains_logits_exactly() {
    let place = binary();
    let answers = place.lines("predict run t.csv --explain --permutations 20 --format jsonl");
    assert_eq!(answers.len(), 200);
    for answer in &answers {
        let p = number(answer, "probability_low");
        let sum = ["baseline", "contribution_telling", "contribution_idle"]
            .map(|name| number(answer, name))
            .iter()
            .sum::<f64>();
        assert!((sum - (p / (1.0 - p)).ln()).abs() < 1e-4 * sum.abs().max(1.0), "{answer}");
        assert!(number(answer, "standard_error") > 0.0);
    }
    assert_eq!(answers, place.lines("predict run t.csv --explain --permutations 20 --format jsonl"));
}

#[test]
fn predict_explains_numbers_beside_other_rows() {
    let place = TestFolder::new(|x| format!("{}", 3 * x + 1000), "--task regression --layers none --epochs 300");
    place.ok("predict run t.csv --explain --background t.csv -o explained.csv");
    let text = std::fs::read_to_string(place.0.path().join("explained.csv")).unwrap();
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(
        rows[0],
        ["id", "prediction", "baseline", "contribution_telling", "contribution_idle", "standard_error"]
    );
    for row in &rows[1..] {
        let of = |i: usize| row[i].parse::<f64>().unwrap();
        assert!((of(2) + of(3) + of(4) - of(1)).abs() < 1e-6, "{row:?}");
        // 3 · (x − the mean of 0, …, 100), as far as the line was learned.
        let x = (of(0) as usize * 37 % 101) as f64;
        assert!((of(3) - 3.0 * (x - 50.0)).abs() < 15.0 && of(4).abs() < 15.0, "{row:?}");
    }
}

#[test]
fn what_cannot_be_explained_is_said() {
    let place = binary();
    std::fs::write(place.0.path().join("one.csv"), "id,telling,idle\n1,2,3\n").unwrap();
    let lone = place.run("predict run one.csv --explain");
    let told = String::from_utf8_lossy(&lone.stderr).into_owned();
    assert_eq!(lone.status.code(), Some(3));
    assert!(told.contains("found 1 background rows, expected two or more") && told.contains("--background"), "{told}");
    assert!(place.ok("predict run one.csv --explain --background t.csv").lines().count() == 2);
    assert!(place.error("predict run t.csv --explain --permutations 1").contains("expected 2 or more"));
    assert!(place.error("predict run t.csv --background t.csv").contains("--explain"));
}
