//! Checkpoints that no training could have produced.

use std::path::Path;

use serde_json::{Value, json};
use thalweg::ErrorKind;
use thalweg::config::Config;
use thalweg::event::Event;
use thalweg::io::safetensors::{Container, Stored, TensorData};
use thalweg::run::{resume, train};
use thalweg::train::StopReason;

use crate::stop::StopAfter;

/// A run with Adam that was stopped within its third epoch, of six steps each.
fn stopped(folder: &Path) -> (std::path::PathBuf, Container) {
    let run = folder.join("run");
    let out = run.display().to_string();
    let all = [("path", "sample:iris"), ("target", "species"), ("patience", "0"), ("out", &out), ("epochs", "4")];
    let more = [("layers", "4"), ("batch_size", "16"), ("optimizer", "adam"), ("average", "0.9")];
    let all: Vec<(String, String)> = all.iter().chain(&more).map(|&(key, value)| (key.into(), value.into())).collect();
    let outcome = train(&Config::load(None, &all).unwrap(), &mut StopAfter(15.into())).unwrap();
    assert_eq!(outcome.end, StopReason::Interrupted);
    let bytes = std::fs::read(run.join("checkpoint.safetensors")).unwrap();
    (run, Container::from_bytes(&bytes, "").unwrap())
}

fn state(file: &Container) -> Value {
    serde_json::from_str(&file.metadata["state"]).unwrap()
}

#[test]
fn what_no_training_leaves_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (run, good) = stopped(folder.path());
    let found = state(&good);
    let (epoch, step, t) =
        (found["epoch"].as_u64().unwrap(), found["step"].as_u64().unwrap(), found["t"].as_u64().unwrap());
    assert!(epoch > 0 && step > 0 && t > step, "{found}");
    let checkpoint = run.join("checkpoint.safetensors");
    let refused = |file: &Container, words: &str| {
        std::fs::write(&checkpoint, file.to_bytes()).unwrap();
        let error = resume(&run, &mut |_: &Event| {}).map(|_| ()).expect_err(words);
        let told = error.to_string();
        assert!(
            error.kind == ErrorKind::Data && told.contains(words) && told.len() < 2000,
            "expected {words:?} in {told}"
        );
    };
    for (key, other, words) in [
        ("epoch", json!(0), "at epoch 0 and step"),
        ("epoch", json!(1_u64 << 53), "at epoch 9007199254740992 of 4"),
        ("epoch", json!(u64::MAX), "of 4"),
        ("step", json!(1_000_000_000), "at step 1000000000 of an epoch of 6"),
        ("t", json!(0), "after 0 steps"),
        ("t", json!(1_000_000_000), "after 1000000000 steps"),
        ("best_epoch", json!(99), "its best epoch is 99"),
        ("waited", json!(99), "99 have been waited for"),
        ("seconds", json!(-1.0), "-1 seconds"),
        ("learning_rate", json!(-1.0), "learning rate is -1"),
        ("cost", Value::Null, "belongs to other data"),
        ("unknown", json!(1), "belongs to other data"),
    ] {
        let (mut file, mut numbers) = (good.clone(), found.clone());
        numbers[key] = other;
        file.metadata.insert("state".into(), numbers.to_string());
        refused(&file, words);
    }
    for name in ["theta", "best_theta", "average", "optimizer.0", "optimizer.1"] {
        let mut file = good.clone();
        let tensor = file.tensors.iter_mut().find(|tensor| tensor.name == name).unwrap();
        let TensorData::F32(numbers) = &mut tensor.numbers else { unreachable!("32 bits") };
        numbers[3] = f32::NAN;
        refused(&file, &format!("{name} has the number NaN"));
    }
    let mut file = good.clone();
    file.tensors.push(Stored { name: "more".into(), shape: vec![1], numbers: TensorData::U64(vec![1]) });
    refused(&file, "\"more\" belongs to nothing");
    file.tensors.retain(|tensor| tensor.name != "theta" && tensor.name != "more");
    refused(&file, "there is no tensor \"theta\"");

    std::fs::write(&checkpoint, good.to_bytes()).unwrap();
    assert_eq!(resume(&run, &mut |_: &Event| {}).unwrap().epochs, 4);
}
