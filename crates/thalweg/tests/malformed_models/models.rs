//! Valid models, and their predictions.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use thalweg::data::arrays::Arrays;
use thalweg::data::cell_format::CellFormat;
use thalweg::data::column;
use thalweg::data::media_spec::{ClipSpec, Fit, MediaSpec, PictureSpec, SoundSpec};
use thalweg::data::preprocess::{ArrayScale, Pipeline, Scale};
use thalweg::data::schema::{Column, ColumnKind, Role, Schema, Task};
use thalweg::data::table::Table;
use thalweg::data::target::Target;
use thalweg::event::Splits;
use thalweg::io::safetensors::Container;
use thalweg::layers::read_layer;
use thalweg::metrics::Metric;
use thalweg::model::{Model, Provenance};
use thalweg::network::Network;
use thalweg::tensor::{Dtype, Shape};

/// The name of a model file in errors.
pub(crate) const PLACE: &str = "runs/a/model.safetensors";

/// Two models of tables with a column of each kind, written by version 0.1.0.
pub(crate) const CLASSES: &[u8] = include_bytes!("models/classes.safetensors");
pub(crate) const NUMBERS: &[u8] = include_bytes!("models/numbers.safetensors");

const ROWS: &str = "size,far,old,city,built,street,price,kind
,0,no,Ulm,2000-01-10 10:00:00,s0,100.0,a
71.5,1000000.0,yes,Bonn,2007-08-17 17:00:00,s7,110.5,b
74.5,8,yes,Kiel,2008-09-18 18:00:00,s8,112.0,c
77.5,9,no,Ulm,2009-01-19 19:00:00,s9,113.5,a";

pub(crate) fn table() -> Table {
    let mut lines = ROWS.lines().map(|line| line.split(','));
    let names: Vec<String> = lines.next().unwrap().map(String::from).collect();
    let mut columns = vec![column::Column::default(); names.len()];
    lines.for_each(|line| columns.iter_mut().zip(line).for_each(|(column, cell)| column.push(cell)));
    Table { source: "rows.csv".into(), names, columns, lines: (2..6).collect(), ..Table::default() }
}

pub(crate) fn open(bytes: &[u8]) -> Container {
    Container::from_bytes(bytes, PLACE).unwrap()
}

/// A part of a model file's metadata as JSON.
pub(crate) fn part(file: &Container, name: &str) -> Value {
    serde_json::from_str(&file.metadata[name]).unwrap()
}

/// The file with one part replaced, with a valid checksum.
pub(crate) fn with(file: &Container, name: &str, value: &Value) -> Vec<u8> {
    let mut file = file.clone();
    file.metadata.insert(name.into(), value.to_string());
    file.to_bytes()
}

/// A model of three classes that takes arrays.
fn of_arrays(shape: Shape, form: Option<MediaSpec>, layers: &Value) -> Vec<u8> {
    let layers = layers.as_array().unwrap().iter().map(|layer| read_layer(layer.clone(), &[]).unwrap());
    let network = Network::new(shape, layers.collect()).unwrap();
    let scale = Scale::Standard { mean: 0.25, deviation: 0.5 };
    let array = ArrayScale { shape: shape.dimensions().to_vec(), scales: vec![scale], media: form };
    let column = |name: &str, kind, role| Column::new(name, kind, role);
    let cell_format = CellFormat::default();
    let metrics = BTreeMap::from([("accuracy".to_string(), Metric { value: 0.5, low: Some(0.25), high: None })]);
    Model {
        forecast: None,
        theta: network.initialize(3, Dtype::F32),
        network,
        pipeline: Pipeline { cell_format: cell_format.clone(), inputs: Vec::new(), array: Some(array), grouping: None },
        schema: Schema {
            columns: vec![
                column("x", ColumnKind::Numeric, Role::Feature),
                column("label", ColumnKind::Categorical, Role::Target),
            ],
            task: Task::Multiclass,
            cell_format: cell_format.clone(),
            separator: None,
            classes: vec!["a".into(), "b".into(), "c".into()],
        },
        target: Target {
            task: Task::Multiclass,
            columns: vec!["label".into()],
            classes: vec!["a".into(), "b".into(), "c".into()],
            scales: Vec::new(),
            separator: None,
            cell_format,
            formats: Vec::new(),
            thresholds: Vec::new(),
            calibration: None,
            quantiles: Vec::new(),
            limits: Vec::new(),
        },
        provenance: Provenance { metrics: Splits { train: metrics, ..Splits::default() }, ..Provenance::default() },
    }
    .to_bytes()
}

pub(crate) fn pictures() -> Vec<u8> {
    let form = PictureSpec { height: 6, width: 5, channels: 3, fit: Fit::Pad };
    let inner =
        json!([{"kind": "conv2d", "filters": 4, "kernel": 3, "activation": "tanh"}, {"kind": "dropout", "rate": 0.5}]);
    let layers = json!([
        {"kind": "conv2d", "filters": 4, "kernel": [3, 2], "activation": "silu(1.5)", "bias": false, "padding": 1},
        {"kind": "batch_norm"},
        {"kind": "activation", "activation": "leaky_relu(0.1)"},
        {"kind": "residual", "layers": inner, "activation": "relu"},
        {"kind": "pool2d", "take": "max", "size": 2, "stride": 2, "padding": "same"},
        {"kind": "conv2d", "filters": 4, "kernel": 2, "groups": 2, "dilation": 2, "padding": [[1, 1], [1, 0]]},
        {"kind": "layer_norm", "axes": 1},
        {"kind": "pool2d", "take": "average"},
        {"kind": "linear", "units": 3},
    ]);
    of_arrays([6, 5, 3].into(), Some(MediaSpec::Pictures(form)), &layers)
}

pub(crate) fn clips() -> Vec<u8> {
    let frame = PictureSpec { height: 3, width: 4, channels: 1, fit: Fit::Stretch };
    let form = ClipSpec { frames: 3, frame };
    let layers = json!([
        {"kind": "frames", "count": 3, "layers": [
            {"kind": "conv2d", "filters": 2, "kernel": 2, "activation": "tanh"},
            {"kind": "batch_norm"},
            {"kind": "pool2d", "take": "average", "size": 2},
        ]},
        {"kind": "gru", "units": 2},
        {"kind": "linear", "units": 3},
    ]);
    of_arrays([9, 4].into(), Some(MediaSpec::Clips(form)), &layers)
}

pub(crate) fn sounds() -> Vec<u8> {
    let form = SoundSpec { sample_rate: 800, samples: 60, equal_loudness: true };
    let layers = json!([
        {"kind": "log_mel", "sample_rate": 800, "window": 16, "hop": 6, "bands": 5, "low": 10.0, "high": 390.0, "coefficients": 4},
        {"kind": "conv1d", "filters": 4, "kernel": 3, "stride": 2, "dilation": 1, "groups": 1, "activation": "elu(0.5)"},
        {"kind": "pool1d", "take": "average_within", "size": 2, "stride": 1, "padding": "same"},
        {"kind": "pool1d", "take": "max"},
        {"kind": "linear", "units": 3},
    ]);
    of_arrays([60, 1].into(), Some(MediaSpec::Sounds(form)), &layers)
}

/// The predictions of a model for a few rows, checked to be numbers or classes; errors are data errors.
pub(crate) fn answers(model: &Model) -> thalweg::Result<Vec<Vec<String>>> {
    model.network.summary();
    let outputs = if model.pipeline.array.is_some() {
        let shape = model.pipeline.shape();
        let x = (0..2 * model.network.input().size()).map(|i| (i % 7) as f32 / 7.0).collect();
        let x = model.pipeline.transform_arrays(&Arrays::new("x", &shape, x)?, &[0, 1])?;
        model.finite_outputs(&x, Default::default(), &|row| format!("row {row}"))?
    } else {
        model.finite_outputs(&model.pipeline.transform(&table())?, Default::default(), &|row| format!("row {row}"))?
    };
    let numbers = model.target.task == Task::Regression;
    let rows = outputs.chunks_exact(model.target.outputs());
    assert_eq!(rows.len(), if model.pipeline.array.is_some() { 2 } else { 4 });
    Ok(rows
        .map(|row| {
            let answers = model.target.answers(row);
            assert_eq!(answers.len(), model.target.columns.len());
            assert!(!numbers || answers.iter().all(|x| x.parse::<f64>().unwrap().is_finite()), "{answers:?}");
            answers
        })
        .collect())
}

#[test]
fn models_of_version_0_1_0_answer_as_they_did() {
    let model = Model::from_bytes(CLASSES, PLACE).unwrap();
    let found = model.answer(&table(), Default::default()).unwrap();
    assert_eq!(found.predictions.concat(), ["a", "a", "a", "a"]);
    let expected = [0.594141, 0.330085, 0.075773, 0.690418, 0.211939, 0.097643];
    for (found, expected) in found.probabilities.concat().iter().zip(expected) {
        assert!((found - expected).abs() < 1e-5, "{found}, {expected}");
    }
    let model = Model::from_bytes(NUMBERS, PLACE).unwrap();
    let numbers = answers(&model).unwrap().concat();
    let expected = [72.49190365289621, 287.0320265208295, 72.4832692280014, 385.7613650294061];
    for (found, expected) in numbers.iter().zip(expected) {
        let found: f64 = found.parse().unwrap();
        assert!((found / expected - 1.0).abs() < 1e-5, "{found}, {expected}");
    }
}

#[test]
fn a_model_is_the_same_bytes_after_it_was_read() {
    for bytes in [CLASSES.to_vec(), NUMBERS.to_vec(), pictures(), clips(), sounds()] {
        let model = Model::from_bytes(&bytes, PLACE).unwrap();
        assert!(model.to_bytes() == bytes);
        answers(&model).unwrap();
    }
}
