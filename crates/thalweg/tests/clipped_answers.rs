//! Numeric answers stay within the training rows' targets: y = 3x + 5 is learned by a line, which goes on for ever.

use std::path::PathBuf;

use thalweg::config::Config;
use thalweg::data::dataset::Dataset;
use thalweg::data::row_file::RowFile;
use thalweg::data::{self, arrays::Arrays};
use thalweg::event::Event;
use thalweg::explain::{self, Background, Effort, Explainer, Sample, ShapleySettings};
use thalweg::model::Model;
use thalweg::run::{self, Learner, Trained};

fn config(settings: &[(&str, &str)]) -> Config {
    let usual = [("layers", "none"), ("epochs", "60"), ("learning_rate", "0.05"), ("task", "regression")];
    let settings: Vec<_> =
        usual.iter().chain(settings).map(|(key, text)| (key.to_string(), text.to_string())).collect();
    Config::load(None, &settings).unwrap()
}

/// The rows x = i and y = 3i + 5.
fn line(rows: std::ops::Range<i32>) -> Arrays {
    let x = rows.clone().map(|i| i as f32).collect();
    Arrays::new("a line", &[1], x).unwrap().with_answers("y", rows.map(|i| (3 * i + 5).to_string())).unwrap()
}

fn train(settings: &[(&str, &str)]) -> (Dataset, Trained) {
    let config = config(settings);
    let data = Dataset::from_arrays(&line(0..200), None, None, &config).unwrap();
    let trained = run::train_on(&config, &data, None, &mut |_: &Event| ()).unwrap();
    (data, trained)
}

fn answers(model: &Model, x: &[f32]) -> Vec<f64> {
    let found = model.answer_arrays(&Arrays::new("asked", &[1], x.to_vec()).unwrap(), Default::default()).unwrap();
    found.predictions.iter().map(|row| row[0].parse().unwrap()).collect()
}

/// The smallest and the largest target of the training rows.
fn range(data: &Dataset) -> (f64, f64) {
    let y = data.parts.train.y.iter().map(|y| data.target.unscaled(0, f64::from(*y)).round());
    y.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), y| (low.min(y), high.max(y)))
}

#[test]
fn an_answer_far_from_the_data_is_the_nearest_target() {
    let (data, trained) = train(&[]);
    let (low, high) = range(&data);
    assert_eq!(data.target.limits, [(low, high)]);
    let found = answers(&trained.model, &[-1e6, 100.0, 1e6]);
    assert_eq!((found[0], found[2]), (low, high));
    assert!((found[1] - 305.0).abs() < 15.0, "{found:?}");
    let told = data.decisions.iter().find(|decision| decision.what.contains("clipped")).unwrap();
    assert_eq!(told.what, format!("answers are clipped to the training rows' range: y from {low} to {high}"));
    assert_eq!(told.instead.to_string(), "--clip-answers=false");

    for settings in [[("clip_answers", "false")], [("edition", "1")]] {
        let (data, trained) = train(&settings);
        assert!(answers(&trained.model, &[1e6])[0] > 2e6 && data.target.limits.is_empty(), "{settings:?}");
        assert!(!String::from_utf8_lossy(&trained.model.to_bytes()).contains("limits"));
        assert!(!data.decisions.iter().any(|decision| decision.what.contains("clipped")));
    }
    let (data, _) = train(&[("clip_answers", "true"), ("edition", "1")]);
    assert_eq!(data.target.limits.len(), 1);
    assert!(!data.decisions.iter().any(|decision| decision.what.contains("clipped")), "it was asked for");
}

/// A table's file, in a folder that goes away with it.
fn file(head: &str, rows: impl Iterator<Item = String>) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    std::fs::write(&path, format!("{head}\n{}", rows.map(|row| row + "\n").collect::<String>())).unwrap();
    (folder, path)
}

#[test]
fn a_trend_may_go_on_where_rows_are_split_by_time() {
    let (_folder, path) = file("day,y,weekday", (0..300).map(|day| format!("{day},{},{}", 2 * day, day % 7)));
    let path = path.display().to_string();
    let limits = |settings: &[(&str, &str)]| {
        let config = config(&[&[("data.path", path.as_str()), ("target", "y"), ("time", "day")], settings].concat());
        data::load(&config).unwrap().target.limits
    };
    assert_eq!((limits(&[]).len(), limits(&[("clip_answers", "true")]).len()), (0, 1));
}

#[test]
fn rows_on_disk_give_the_limits_of_all_training_rows() {
    let (_folder, path) = file("x,y", (0..6000).map(|i| format!("{i},{}", 10 * i + 3)));
    let path = path.display().to_string();
    let on_disk = [
        ("data.path", path.as_str()),
        ("target", "y"),
        ("from_disk", "true"),
        ("memory", "64kB"),
        ("split", "0.96,0.02,0.02"),
    ];
    let data = data::load(&config(&on_disk)).unwrap();
    let rows: &RowFile = data.on_disk.as_ref().unwrap();
    let y: Vec<f32> = (0..rows.blocks()).flat_map(|block| rows.read_answers(block).unwrap()).collect();
    let all = |pick: fn(f64, f64) -> f64| {
        y.iter().map(|y| data.target.unscaled(0, f64::from(*y)).round()).reduce(pick).unwrap()
    };
    assert_eq!(data.target.limits, [(all(f64::min), all(f64::max))]);
    let (low, high) = data.target.limits[0];
    let sampled = data.decisions.iter().any(|decision| decision.what.contains("of 1000 sampled rows"));
    assert!(sampled && low < 300.0 && high > 59_700.0, "{:?}", data.decisions);
}

#[test]
fn portions_widen_the_limits() {
    let config = config(&[("split", "1,0,0")]);
    let data = Dataset::from_arrays(&line(0..100), None, None, &config).unwrap();
    let mut learner = Learner::new(config, data, None).unwrap();
    for _ in 0..60 {
        let portion = learner.fitted().arrays(&line(0..100)).unwrap();
        learner.learn(&portion, &mut |_: &Event| ()).unwrap();
    }
    assert_eq!(answers(&learner.model().unwrap(), &[1e6]), [302.0]);
    let higher = learner.fitted().arrays(&line(150..200)).unwrap();
    learner.learn(&higher, &mut |_: &Event| ()).unwrap();
    assert_eq!(answers(&learner.model().unwrap(), &[1e6, -1e6]), [602.0, 5.0]);
}

#[test]
fn metrics_dependence_and_intervals_speak_of_clipped_answers() {
    let (data, trained) = train(&[]);
    let (mut model, (low, high)) = (trained.model, range(&data));
    // Far rows whose truth is the limit: nothing is wrong with the answers, except that one is off by 10.
    let y = [high.to_string(), low.to_string(), (high - 10.0).to_string()];
    let far = Arrays::new("far", &[1], vec![1e4, -1e4, 1e4]).unwrap().with_answers("y", y).unwrap();
    let rows = model.fitted().arrays(&far).unwrap().parts.train;
    let metrics = model.evaluate_rows(&rows, Default::default()).unwrap();
    assert!((metrics["mae"].value - 10.0 / 3.0).abs() < 1e-4, "{metrics:?}");

    let found = explain::dependence(&model, &Sample::of(&rows).unwrap(), 0, Effort::default()).unwrap();
    assert_eq!(found.curves[0].mean, [low, high]);

    // Calibrated on these rows, half of the truths are within 0 of the answers, two in three within 10.
    let outputs = model.outputs(&rows.x, Default::default()).unwrap();
    model.target.calibrate(&outputs, &rows);
    let margins = model.target.margins(0.75).unwrap();
    assert!((margins[0] - 10.0).abs() < 1e-4, "{margins:?}");
    assert_eq!(model.target.intervals(&outputs[..1], &margins), [[high - margins[0], high + margins[0]]]);
}

#[test]
fn contributions_add_up_to_the_answer_before_it_is_clipped() {
    let (_, trained) = train(&[]);
    let x = trained.model.pipeline.transform_arrays(&line(0..20), &(0..20).collect::<Vec<_>>()).unwrap();
    let background = Background::new(&trained.model, &x).unwrap();
    let explainer = Explainer::new(&trained.model, &background, ShapleySettings::default()).unwrap();
    let far = trained.model.pipeline.transform_arrays(&Arrays::new("far", &[1], vec![1e4]).unwrap(), &[0]).unwrap();
    let one = &explainer.explain(&far).unwrap()[0][0];
    let answer = trained.model.target.unscaled(0, trained.model.outputs(&far, Default::default()).unwrap()[0]);
    assert!(answer > 2e4, "{answer}");
    assert!((one.baseline + one.values.iter().sum::<f64>() - answer).abs() < 1e-6 * answer, "{one:?} {answer}");
}
