//! Sequences of a table's rows from the command line: trained on, predicted by name, judged, and taken elsewhere.

use std::fmt::Write;
use std::fs;

use serde_json::Value;

use crate::command::{ok, run};

/// Sequences of 5 steps that rise or fall from anywhere.
fn slopes(count: usize) -> String {
    let mut text = String::from("recording,t,x,way\n");
    for i in 0..count {
        for t in 0..5 {
            let x = (i * 37 % 20) as f64 + if i % 2 == 1 { t as f64 } else { -(t as f64) };
            writeln!(text, "r{i},{t},{x},{}", ["down", "up"][i % 2]).unwrap();
        }
    }
    text
}

#[test]
fn sequences_are_answered_by_their_names() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    fs::write(place.join("motion.csv"), slopes(60)).unwrap();
    fs::write(place.join("new.csv"), slopes(10).replace("r1,", "\"a, b\",")).unwrap();
    let line = "train motion.csv --target way --sequence recording --time t --epochs 12 --json -q -o run";
    let trained: Value = serde_json::from_str(&ok(place, line)).unwrap();
    assert_eq!((&trained["task"], &trained["examples"]["train"]), (&"binary".into(), &36.into()), "{trained}");
    let page = fs::read_to_string(place.join("run/report.html")).unwrap();
    assert!(page.contains("motion.csv, sequence &quot;r") || page.contains("motion.csv, sequence \"r"));

    let answers = ok(place, "predict run new.csv");
    let lines: Vec<&str> = answers.lines().collect();
    assert_eq!((lines[0], lines.len()), ("recording,prediction,probability_down,probability_up", 11), "{answers}");
    assert!(lines[1].starts_with("r0,") && lines[2].starts_with("\"a, b\","), "{answers}");

    let judged: Value = serde_json::from_str(&ok(place, "evaluate run new.csv --json --report page.html")).unwrap();
    assert_eq!(judged["examples"], 10, "{judged}");
    assert!(fs::read_to_string(place.join("page.html")).unwrap().contains("new.csv, sequence"));

    assert!(ok(place, "inspect run").contains("recording"));
    assert!(ok(place, "card run").contains("a sequence of up to 5 rows"));
    for name in ["net.onnx", "net.py", "net.keras"] {
        let told = ok(place, &format!("export run -o {name}"));
        assert!(told.contains("encoded already"), "{told}");
        let beside = fs::read_to_string(place.join("net.inputs.json")).unwrap();
        let beside: Value = serde_json::from_str(&beside).unwrap();
        assert_eq!((&beside["steps"], &beside["channels"]), (&5.into(), &serde_json::json!(["x", "mask"])));
        fs::remove_file(place.join("net.inputs.json")).unwrap();
    }
    let refused = run(place, "predict run new.csv --explain");
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{told}");
    assert!(told.contains("at each step"), "{told}");
}
