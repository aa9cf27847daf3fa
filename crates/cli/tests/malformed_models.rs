//! The same malformed model files through every verb that takes a model: refused alike.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use thalweg::io::safetensors::{Container, TensorData};

fn thalweg(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_thalweg")).args(arguments).current_dir(folder).output().unwrap()
}

/// A good model's file with a value of a text changed, or with a number of θ changed.
fn changed(file: &Container, text: &str, place: &str, other: &Value) -> Container {
    let mut file = file.clone();
    if text.is_empty() {
        let TensorData::F32(numbers) = &mut file.tensors[0].numbers else { unreachable!("32 bits") };
        numbers[0] = f32::NAN;
        return file;
    }
    let mut value: Value = serde_json::from_str(&file.metadata[text]).unwrap();
    *value.pointer_mut(place).unwrap() = other.clone();
    file.metadata.insert(text.into(), value.to_string());
    file
}

#[test]
fn every_verb_refuses_a_model_whose_parts_disagree() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let trained = thalweg(folder, &["train", "sample:iris", "-q", "--epochs", "1", "--layers", "3", "-o", "good"]);
    assert!(trained.status.success(), "{}", String::from_utf8_lossy(&trained.stderr));
    let file = Container::from_bytes(&std::fs::read(folder.join("good/model.safetensors")).unwrap(), "").unwrap();
    let verbs: [&[&str]; 6] = [
        &["inspect", "bad.safetensors"],
        &["predict", "bad.safetensors", "sample:iris"],
        &["evaluate", "bad.safetensors", "sample:iris"],
        &["export", "bad.safetensors", "-o", "x.onnx"],
        &["export", "bad.safetensors", "-o", "x.py"],
        &["train", "sample:iris", "--start-from", "bad.safetensors", "-q", "-o", "new"],
    ];
    for (text, place, other, words) in [
        ("target", "/classes", json!(["a", "b"]), "its network has 3 outputs, its target needs 2"),
        ("input", "/0", json!(1_u64 << 41), "linear layer of 3 units"),
        ("layers", "/0/units", json!(u64::MAX), "linear layer of"),
        ("pipeline", "/inputs/0/column", json!("x".repeat(20_000)), "which is no feature of the schema"),
        ("pipeline", "/inputs/0/transform/bins", json!({"edges": [1.0]}), "bins of 1 edges"),
        ("schema", "/task", json!("regression"), "the target's task is multiclass, the schema's regression"),
        ("", "", Value::Null, "not finite"),
    ] {
        std::fs::write(folder.join("bad.safetensors"), changed(&file, text, place, &other).to_bytes()).unwrap();
        let mut each = Vec::new();
        for verb in verbs {
            let output = thalweg(folder, verb);
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(3), "{verb:?}, {words}: {told}");
            let error =
                told.lines().find(|line| line.starts_with("error: ")).unwrap_or_else(|| panic!("{verb:?}: {told}"));
            assert!(error.contains("bad.safetensors: ") && error.contains(words), "{verb:?}, {words}: {told}");
            assert!(error.len() < 1500 && output.stdout.len() < 1500, "{verb:?}, {words}");
            each.push(error.to_string());
        }
        each.dedup();
        assert_eq!(each.len(), 1, "one error for all verbs: {each:?}");
        assert!(!folder.join("x.onnx").exists() && !folder.join("x.py").exists() && !folder.join("new").exists());
    }
}
