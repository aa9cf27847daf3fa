//! `thalweg doctor`: findings of a run and of data, and what becomes of what is prescribed.

use std::path::Path;

use crate::command::{ok, run};
use serde_json::Value;

/// A table whose column `refund` is there only where the answer is yes.
fn place() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let row = |i: usize| {
        let (a, b) = (i * 37 % 101, i * 53 % 89);
        let answer = a + b > 95;
        format!("{a},{b},{},{}\n", if answer { 40 + i % 9 } else { i % 9 }, if answer { "yes" } else { "no" })
    };
    let text = String::from("age,size,refund,answer\n") + &(0..400).map(row).collect::<String>();
    std::fs::write(folder.path().join("t.csv"), text).unwrap();
    folder
}

fn json(folder: &Path, arguments: &str) -> Value {
    serde_json::from_str(&ok(folder, arguments)).unwrap()
}

#[test]
fn a_rate_that_is_too_high_is_named_and_mended() {
    let folder = place();
    let folder = folder.path();
    let told = ok(folder, "train t.csv --ignore refund --layers 16,16,16 --epochs 12 --learning-rate 3 -q -o run");
    assert!(told.contains("found (thalweg doctor run tells more):"), "{told}");
    assert!(told.contains("(learning-rate-too-high): lower it: --learning-rate 0.0"), "{told}");
    let report = std::fs::read_to_string(folder.join("run/report.html")).unwrap();
    assert!(report.contains("<h2>Findings</h2>") && report.contains("learning-rate-too-high"));
    let first = json(folder, "doctor run --json")["findings"][0].clone();
    assert_eq!(first["code"], "learning-rate-too-high");
    let prescribed = first["prescription"]["command"].as_str().unwrap().strip_prefix("thalweg ").unwrap().to_string();
    // The command runs as it stands, into a folder of its own.
    let mended = json(folder, &format!("{prescribed} -q --json"));
    assert!(mended["run"].as_str().unwrap().ends_with("run-again"));
    assert!(mended["metrics"]["dev"]["accuracy"]["value"].as_f64().unwrap() > 0.8, "{mended}");
    let fixed = json(folder, "doctor run --fix --run -q --json");
    assert!(folder.join("run-fixed.toml").exists());
    assert_eq!(fixed["changes"][0][0], "learning_rate");
    let value = |part: &str| fixed[part]["dev"]["log_loss"]["value"].as_f64().unwrap();
    assert!(value("after") < value("before"));
    // A code that was not found names what was.
    let output = run(folder, "doctor run --fix=learning-rate-to-high");
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && error.contains("did you mean \"learning-rate-too-high\""), "{error}");
    // Without the data there are still the events.
    std::fs::remove_file(folder.join("t.csv")).unwrap();
    let found = json(folder, "doctor run --json");
    assert_eq!(found["findings"][0]["code"], "learning-rate-too-high");
    assert!(found["notes"][0].as_str().unwrap().starts_with("the data was not looked at"));
}

#[test]
fn data_is_examined_before_training() {
    let folder = place();
    let folder = folder.path();
    let found = json(folder, "doctor t.csv --layers 8 --json");
    let leak = &found["findings"][0];
    assert_eq!(leak["code"], "leakage");
    assert_eq!(leak["prescription"]["command"], "thalweg train t.csv --layers 8 --ignore refund");
    assert_eq!(ok(folder, "doctor t.csv --layers 8 --ignore refund"), "nothing is found to be wrong\n");
    assert!(!folder.join("runs").exists());
}
