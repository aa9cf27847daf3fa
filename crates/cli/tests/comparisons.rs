//! `thalweg compare`: two models on the same rows, and what cannot be compared.

use std::process::Output;

use serde_json::Value;

use crate::command;

/// A folder with a table `t.csv` and models of it.
struct TestFolder(tempfile::TempDir);

impl TestFolder {
    /// One number tells the answer, up to noise.
    fn new() -> TestFolder {
        let place = TestFolder(tempfile::tempdir().unwrap());
        let row = |i: usize| {
            let x = i * 37 % 101;
            format!("{x},{},{}\n", i * 53 % 89, if x + i * 7 % 30 > 65 { "high" } else { "low" })
        };
        place.write("t.csv", &(String::from("telling,idle,answer\n") + &(0..400).map(row).collect::<String>()));
        place.train("good", "--epochs 30");
        place
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.path().join(name), text).unwrap();
    }

    fn train(&self, name: &str, options: &str) {
        let usual = "train t.csv -q --layers 4 --learning-rate 0.02 --importance=false";
        let target = if options.contains("--target") { "" } else { "--target answer" };
        self.ok(&format!("{usual} -o {name} {target} {options}"));
    }

    fn run(&self, line: &str) -> Output {
        command::run(self.0.path(), line)
    }

    fn ok(&self, line: &str) -> String {
        command::ok(self.0.path(), line)
    }

    fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.ok(line)).unwrap()
    }

    fn error(&self, line: &str, code: i32) -> String {
        let output = self.run(line);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "thalweg {line}\n{told}");
        told
    }
}

fn value(object: &Value) -> f64 {
    object["value"].as_f64().unwrap_or_else(|| panic!("no value in {object}"))
}

#[test]
fn runs_are_compared_on_their_test_rows() {
    let place = TestFolder::new();
    place.train("poor", "--ignore telling --epochs 5");
    let found = place.json("compare poor good --json");
    let recorded = |run: &str| {
        let model: Value = place.json(&format!("inspect {run} --json"));
        model["provenance"]["metrics"]["test"]["log_loss"]["value"].as_f64().unwrap()
    };
    let log_loss = &found["metrics"]["log_loss"];
    assert!((value(&log_loss["a"]) - recorded("poor")).abs() < 1e-6);
    assert!((value(&log_loss["b"]) - recorded("good")).abs() < 1e-6);
    let difference = value(&log_loss["difference"]);
    assert!((difference - (recorded("good") - recorded("poor"))).abs() < 1e-6 && difference < 0.0);
    assert!(log_loss["difference"]["high"].as_f64().unwrap() < 0.0, "{found}");
    assert!((value(&found["mean_loss"]) - difference).abs() < 1e-9);
    assert!(found["mcnemar"]["p"].as_f64().unwrap() < 0.001 && found["examples"] == 80, "{found}");
    let verdict = found["verdict"].as_str().unwrap();
    assert!(verdict.starts_with("B's log loss is lower by 0.") && verdict.ends_with("the difference is not chance"));
    let text = place.ok("compare poor good");
    assert!(text.contains(verdict) && text.contains("McNemar's exact p"), "{text}");
    // The other way round it is the same, with its signs turned; a model is equal to itself.
    let turned = place.json("compare good poor --json");
    assert_eq!(value(&turned["metrics"]["log_loss"]["difference"]), -difference);
    assert_eq!(turned["mcnemar"]["only_a"], found["mcnemar"]["only_b"]);
    assert_eq!(place.json("compare good good --json")["verdict"], "A and B have the same log loss");
}

#[test]
fn models_are_compared_on_data() {
    let place = TestFolder::new();
    place.train("other", "--seed 3 --epochs 30");
    let text = std::fs::read_to_string(place.0.path().join("t.csv")).unwrap();
    let new: Vec<&str> = text.lines().take(121).collect();
    place.write("new.csv", &new.join("\n"));
    let line = "compare good/model.safetensors other/model.safetensors new.csv --json";
    let found = place.json(line);
    assert_eq!((&found["examples"], &found["warnings"]), (&120.into(), &Value::Array(Vec::new())));
    assert_eq!(found, place.json(line));
    let alone = place.json("evaluate other new.csv --json");
    assert_eq!(found["metrics"]["accuracy"]["b"], alone["metrics"]["accuracy"]);
    let seen = place.json("compare good other t.csv --json");
    assert!(seen["warnings"][0].as_str().unwrap().contains("good was trained on rows of t.csv"), "{seen}");
}

#[test]
fn what_cannot_be_compared_is_said() {
    let place = TestFolder::new();
    place.train("other", "--seed 3 --epochs 1");
    let told = place.error("compare good other", 3);
    assert!(told.contains("differ in their test rows") && told.contains("--split-seed"), "{told}");
    place.train("same", "--seed 3 --split-seed 0 --epochs 1");
    assert_eq!(place.json("compare good same --json")["examples"], 80);
    place.train("untested", "--split 0.8,0.2,0 --epochs 1");
    assert!(place.error("compare good untested", 3).contains("untested: the run has no test rows"));
    let told = place.error("compare good same/model.safetensors", 2);
    assert!(told.contains("which rows it was tested on is not known"), "{told}");
    place.train("numbers", "--target idle --task regression --epochs 1");
    assert!(place.error("compare good numbers", 2).contains("the tasks binary of A and regression of B differ"));
    assert!(place.error("compare good same --delimiter ;", 2).contains("DATA"));
    place.write("t.csv", "telling,idle,answer\n1,2,high\n");
    assert!(place.error("compare good same", 3).contains("fix:"));
}
