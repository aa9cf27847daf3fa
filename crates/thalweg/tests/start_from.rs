//! Runs that start from a model.

use std::path::Path;

use thalweg::config::Config;
use thalweg::event::Event;
use thalweg::model::Model;
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

/// Two columns of numbers, and a class by the sign of their sum or of their quadrant.
fn points(folder: &Path, name: &str, rows: usize, class: fn(f64, f64) -> &'static str) -> String {
    let coordinate = |i: usize, step: usize| ((i * step) % 101) as f64 / 50.0 - 1.0;
    let row = |i: usize| (coordinate(i, 37), coordinate(i, 59));
    let line = |(x, y): (f64, f64)| format!("{x},{y},{}\n", class(x, y));
    let path = folder.join(name);
    std::fs::write(&path, String::from("x,y,class\n") + &(0..rows).map(row).map(line).collect::<String>()).unwrap();
    path.display().to_string()
}

fn by_sum(x: f64, y: f64) -> &'static str {
    if x + y > 0.0 { "above" } else { "below" }
}

fn by_quadrant(x: f64, y: f64) -> &'static str {
    ["a", "b", "c", "d"][usize::from(x > 0.0) + 2 * usize::from(y > 0.0)]
}

/// Trains on a file in a folder of its own.
fn run_on(folder: &Path, data: &str, out: &str, more: &[(&str, &str)]) -> Result<Model, String> {
    let out = folder.join(out).display().to_string();
    let all = [("path", data), ("target", "class"), ("patience", "0"), ("out", &out)];
    let all: Vec<(String, String)> = all.iter().chain(more).map(|&(key, value)| (key.into(), value.into())).collect();
    let config = Config::load(None, &all).map_err(|error| error.to_string())?;
    train(&config, &mut |_: &Event| {}).map_err(|error| error.to_string())?;
    Ok(Model::load(&out).unwrap())
}

/// The parameters of the first layers with weights, bit by bit.
fn parameters(model: &Model, layers: usize) -> Vec<u64> {
    let weighted = |layer: &usize| !model.network.layout().of_layer(*layer).is_empty();
    let layers = (0..model.network.layers().len()).filter(weighted).take(layers);
    let entries = layers.flat_map(|layer| model.network.layout().of_layer(layer).to_vec());
    entries.flat_map(|entry| model.theta.view().part(entry.start, entry.shape).to_f64()).map(f64::to_bits).collect()
}

#[test]
fn a_new_head_learns_other_classes_on_what_the_layers_before_it_know() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (two, four) = (points(folder, "two.csv", 300, by_sum), points(folder, "four.csv", 300, by_quadrant));
    let begun = run_on(folder, &two, "two", &[("layers", "16,8"), ("ensemble", "1"), ("epochs", "20")]).unwrap();
    let start = folder.join("two").display().to_string();
    let from = |out: &str, more: &[(&str, &str)]| {
        run_on(folder, &four, out, &[&[("start_from", &*start), ("epochs", "40")], more].concat()).unwrap()
    };
    let frozen = from("frozen", &[("freeze", "all")]);
    assert_eq!(frozen.target.classes, ["a", "b", "c", "d"]);
    assert_eq!(parameters(&frozen, 2), parameters(&begun, 2));
    let stem = from("stem", &[("freeze", "stem")]);
    assert_eq!(parameters(&stem, 1), parameters(&begun, 1));
    assert_ne!(parameters(&stem, 2), parameters(&begun, 2));
    let thawed = from("thawed", &[("learning_rate", "0.01")]);
    assert_ne!(parameters(&thawed, 1), parameters(&begun, 1));
    let accuracy = |model: &Model| model.provenance.metrics.test["accuracy"].value;
    assert!(accuracy(&thawed) > 0.85, "{}", accuracy(&thawed));
    // The same classes keep their last layer.
    let kept =
        run_on(folder, &two, "kept", &[("start_from", &start), ("epochs", "1"), ("learning_rate", "1e-9")]).unwrap();
    assert_eq!(kept.network.layers().len(), begun.network.layers().len());
    let renamed = points(folder, "renamed.csv", 300, |x, y| if by_sum(x, y) == "above" { "high" } else { "low" });
    let renamed = |out: &str, more: &[(&str, &str)]| {
        let more = [&[("start_from", &*start), ("epochs", "1")], more].concat();
        run_on(folder, &renamed, out, &more).unwrap().network.layers().len()
    };
    assert_eq!(renamed("named", &[("head", "keep")]), begun.network.layers().len());
    assert!(renamed("drawn", &[]) > begun.network.layers().len());
}

/// The running statistics of the batch norms, one after the other.
fn statistics(model: &Model) -> Vec<f64> {
    let entries = (0..model.network.layers().len()).flat_map(|layer| model.network.layout().of_layer(layer).to_vec());
    let statistics = entries.filter(|entry| !entry.trained);
    statistics.flat_map(|entry| model.theta.view().part(entry.start, entry.shape).to_f64()).collect()
}

#[test]
fn batch_norm_keeps_its_statistics_with_a_new_head() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (two, four) = (points(folder, "two.csv", 300, by_sum), points(folder, "four.csv", 300, by_quadrant));
    let network = [("layers", "16,8"), ("batch_norm", "true"), ("ensemble", "1"), ("epochs", "20")];
    let begun = run_on(folder, &two, "two", &network).unwrap();
    let start = folder.join("two").display().to_string();
    let from = |data: &str, out: &str, more: &[(&str, &str)]| {
        let all = [&[("start_from", &*start), ("epochs", "40"), ("unfreeze_after", "5")], more].concat();
        run_on(folder, data, out, &all).unwrap()
    };
    let kept = from(&four, "kept", &[]);
    assert_eq!(statistics(&kept), statistics(&begun));
    assert_ne!(parameters(&kept, 1), parameters(&begun, 1));
    assert!(kept.provenance.metrics.test["accuracy"].value > 0.8);
    // A model of such layers is read back, and is begun from in turn.
    let again = [("start_from", &*folder.join("kept").display().to_string()), ("epochs", "2")];
    assert_eq!(statistics(&run_on(folder, &four, "again", &again).unwrap()), statistics(&begun));
    for (data, out, more) in [(&four, "own", [("fixed_statistics", "false")]), (&two, "same", [("seed", "0")])] {
        assert_ne!(statistics(&from(data, out, &more)), statistics(&begun), "{out}");
    }
}

#[test]
fn what_cannot_be_kept_or_frozen_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (two, four) = (points(folder, "two.csv", 120, by_sum), points(folder, "four.csv", 120, by_quadrant));
    for (out, options) in
        [("deep", [("layers", "4"), ("epochs", "1")]), ("flat", [("layers", "none"), ("epochs", "1")])]
    {
        run_on(folder, &two, out, &[&options[..], &[("ensemble", "1")]].concat()).unwrap();
    }
    run_on(folder, &two, "several", &[("ensemble", "3"), ("epochs", "1")]).unwrap();
    let start = |name: &str| folder.join(name).display().to_string();
    let (deep, flat, several) = (start("deep"), start("flat"), start("several"));
    let refused = [
        (vec![("freeze", "all")], "for a network that has learned before"),
        (vec![("layer_decay", "0.5")], "for a network that has learned before"),
        (vec![("start_from", &*deep), ("head", "keep")], "1 outputs for binary, the data needs 4 for multiclass"),
        (
            vec![("start_from", &deep), ("freeze", "99")],
            "found 99, expected none, stem, all or a number of layers up to",
        ),
        (vec![("start_from", &deep), ("freeze", "half")], "found \"half\""),
        (vec![("start_from", &flat)], "nothing is left"),
        (vec![("start_from", &several)], "an ensemble of 3"),
        (vec![("start_from", &deep), ("layers", "9")], "options of a network are given too"),
    ];
    for (options, expected) in refused {
        let error = run_on(folder, &four, "never", &[&options[..], &[("epochs", "1")]].concat()).err().unwrap();
        assert!(error.contains(expected) && error.contains("fix:"), "{error}");
    }
}

#[test]
fn a_run_with_frozen_layers_is_gone_on_with_to_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (two, four) = (points(folder, "two.csv", 200, by_sum), points(folder, "four.csv", 200, by_quadrant));
    run_on(folder, &two, "start", &[("layers", "8,8"), ("ensemble", "1"), ("epochs", "5")]).unwrap();
    let start = folder.join("start").display().to_string();
    let options = |out: &str| {
        let out = folder.join(out).display().to_string();
        let all = [
            ("path", &*four),
            ("target", "class"),
            ("patience", "0"),
            ("out", &out),
            ("start_from", &start),
            ("epochs", "6"),
            ("unfreeze_after", "3"),
            ("average", "0.9"),
            ("threads", "1"),
        ];
        let all: Vec<(String, String)> = all.iter().map(|&(key, value)| (key.into(), value.into())).collect();
        Config::load(None, &all).unwrap()
    };
    train(&options("whole"), &mut |_: &Event| {}).unwrap();
    // Of 200 rows 128 are for training: 4 steps an epoch.
    for steps in [2, 6, 11, 13, 14, 18, 21] {
        let out = format!("after{steps}");
        let stopped = train(&options(&out), &mut StopAfter(steps.into())).unwrap();
        assert_eq!(stopped.end, StopReason::Interrupted, "{steps}");
        resume(&folder.join(&out), &mut |_: &Event| {}).unwrap();
        assert!(bytes(folder, &out) == bytes(folder, "whole"), "{steps}: other bits after going on");
    }
}
