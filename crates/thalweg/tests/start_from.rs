//! Runs that start from a model.

use std::path::Path;

use thalweg::config::Config;
use thalweg::event::Event;
use thalweg::run::{resume, train};
use thalweg::train::StopReason;

use crate::stop::StopAfter;

fn config(folder: &Path, out: &str, more: &[(&str, &str)]) -> Config {
    let out = folder.join(out).display().to_string();
    let all = [("path", "sample:iris"), ("target", "species"), ("patience", "0"), ("out", &out)];
    let all: Vec<(String, String)> = all.iter().chain(more).map(|&(key, value)| (key.into(), value.into())).collect();
    Config::load(None, &all).unwrap()
}

/// The model file's bytes of a run.
fn bytes(folder: &Path, run: &str) -> Vec<u8> {
    std::fs::read(folder.join(run).join("model.safetensors")).unwrap()
}

#[test]
fn a_run_is_gone_on_with_when_the_model_it_started_from_is_gone_or_another() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let begun = |layers: &str| {
        train(&config(folder, layers, &[("epochs", "2"), ("layers", layers)]), &mut |_: &Event| {}).unwrap();
        bytes(folder, layers)
    };
    let (begun, other) = (begun("5"), begun("7"));
    let start = folder.join("start.safetensors");
    std::fs::write(&start, &begun).unwrap();
    let start_from = [("epochs", "4"), ("start_from", start.to_str().unwrap())];
    train(&config(folder, "whole", &start_from), &mut |_: &Event| {}).unwrap();
    for (run, then) in [("gone", None), ("other", Some(&other))] {
        std::fs::write(&start, &begun).unwrap();
        let stopped = train(&config(folder, run, &start_from), &mut StopAfter(10.into())).unwrap();
        assert_eq!(stopped.end, StopReason::Interrupted);
        match then {
            Some(other) => std::fs::write(&start, other).unwrap(),
            None => std::fs::remove_file(&start).unwrap(),
        }
        assert_eq!(resume(&folder.join(run), &mut |_: &Event| {}).unwrap().epochs, 4);
        assert!(bytes(folder, run) == bytes(folder, "whole"), "{run}: other bits after going on");
    }
}
