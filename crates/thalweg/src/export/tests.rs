//! Files of each format are byte for byte those written before: for every layer, and for networks whose layers meet in
//! each order of dimensions.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{ALL, ExportOptions, Exported, Format, Regions, channels, format};
use crate::Result;
use crate::data::cell_format::CellFormat;
use crate::data::preprocess::{ArrayScale, Categories, Embedding, Input, Numeric, Pipeline, Scale, Text, Transform};
use crate::data::schema::{Schema, Task};
use crate::data::target::Target;
use crate::init::Init;
use crate::io::safetensors::Container;
use crate::layers::{
    self, Backward, Configured, Layer, Linear, Mode, Op, ParameterSpec, Parameters, ParametersMut, read_layer,
    write_layer,
};
use crate::model::{Model, Provenance};
use crate::network::Network;
use crate::tensor::{Activation, Shape, Tensor, View, ViewMut};

/// A model with two outputs: these layers, followed by a linear one.
fn model(shape: Shape, mut layers: Vec<Box<dyn Layer>>) -> Model {
    let pipeline = match layers[0].kind() {
        "embedding" => of_codes(&layers[0].config()),
        "text_bag" => of_bags(&layers[0].config(), shape.size()),
        _ => {
            let array = ArrayScale { shape: shape.dimensions().to_vec(), scales: vec![Scale::None], media: None };
            Pipeline { cell_format: CellFormat::default(), inputs: Vec::new(), array: Some(array), grouping: None }
        }
    };
    layers.push(Box::new(Linear::new(2, Activation::Identity)));
    let network = Network::new(shape, layers).unwrap();
    let schema = Schema {
        columns: Vec::new(),
        task: Task::Regression,
        cell_format: CellFormat::default(),
        separator: None,
        classes: Vec::new(),
    };
    let target = Target {
        task: Task::Regression,
        columns: vec!["a".into(), "b".into()],
        classes: Vec::new(),
        scales: vec![(0.0, 1.0); 2],
        separator: None,
        cell_format: CellFormat::default(),
        formats: Vec::new(),
        thresholds: Vec::new(),
        calibration: None,
        quantiles: Vec::new(),
        limits: Vec::new(),
    };
    // Each value differs from its neighbours, and none is negative: they may be variances.
    let numbers = (0..network.layout().len()).map(|i| (i * 37 % 64 + 1) as f32 / 128.0).collect();
    let theta = Tensor::from_f32([network.layout().len()], numbers);
    Model { theta, network, pipeline, schema, target, provenance: Provenance::default(), forecast: None }
}

/// A column of numbers as they are.
fn as_it_is() -> Transform {
    Transform::Numeric(Numeric {
        fill: 0.0,
        indicator: false,
        scale: Scale::None,
        bins: None,
        format: None,
        sentinels: Vec::new(),
        lenient: false,
        range: None,
    })
}

/// Columns of texts, and then of numbers, as bags take them.
fn of_bags(bags: &Value, inputs: usize) -> Pipeline {
    let texts = bags["columns"].as_array().unwrap().iter().map(|bag| {
        let [slots, features] = ["slots", "features"].map(|key| bag[key].as_u64().unwrap() as usize);
        let words: Vec<String> = (0..features).map(|i| format!("word{i}")).collect();
        let idf = (0..features).map(|i| 1.0 + i as f32).collect();
        Transform::Text(Text { vocabulary: words.into(), idf, parts: false, slots })
    });
    let named = |(i, transform)| Input { column: format!("column {i}"), transform };
    let mut all: Vec<Input> = texts.enumerate().map(named).collect();
    let taken: usize = all.iter().map(Input::width).sum();
    all.extend((taken..inputs).map(|i| named((i, as_it_is()))));
    Pipeline { cell_format: CellFormat::default(), inputs: all, array: None, grouping: None }
}

/// Columns of numbers, then of codes, as an embedding takes them.
fn of_codes(embedding: &Value) -> Pipeline {
    let dense = (0..embedding["dense"].as_u64().unwrap()).map(|_| as_it_is());
    let codes = embedding["columns"].as_array().unwrap().iter().map(|column| {
        let values = (1..column["slots"].as_u64().unwrap()).map(|i| format!("value {i}")).collect();
        let categories = Categories { values, missing: false, rare: false };
        Transform::Embedding(Embedding { categories, dimension: column["dimension"].as_u64().unwrap() as usize })
    });
    let named = |(i, transform)| Input { column: format!("column {i}"), transform };
    let inputs = dense.chain(codes).enumerate().map(named).collect();
    Pipeline { cell_format: CellFormat::default(), inputs, array: None, grouping: None }
}

/// Networks whose layers meet with channels first and last, in one, two and three dimensions.
fn networks() -> Vec<(Vec<usize>, Value)> {
    let norms = json!([
        { "kind": "conv2d", "filters": 3, "kernel": 3 }, { "kind": "batch_norm" },
        { "kind": "activation", "activation": "softmax" }, { "kind": "layer_norm" },
        { "kind": "layer_norm", "axes": 2 }, { "kind": "layer_norm", "axes": 3 }, { "kind": "dropout", "rate": 0.25 },
        { "kind": "pool2d", "take": "max", "size": 2 },
    ]);
    let sounds = json!([
        { "kind": "batch_norm" }, { "kind": "layer_norm", "axes": 1 },
        { "kind": "conv1d", "filters": 3, "kernel": 3, "activation": "gelu_tanh" },
        { "kind": "layer_norm", "axes": 1 }, { "kind": "batch_norm" }, { "kind": "layer_norm" },
        { "kind": "activation", "activation": "softmax" },
        { "kind": "conv1d", "filters": 4, "kernel": 2, "stride": 2, "dilation": 2, "padding": [[0, 0], [2, 0]] },
        { "kind": "pool1d", "take": "max", "size": 2, "stride": 1, "padding": "same" },
        { "kind": "pool1d", "take": "average_within", "size": 3, "padding": [[0, 0], [2, 1]] },
    ]);
    let conv = json!({ "kind": "conv1d", "filters": 2, "kernel": 3, "activation": "silu" });
    let blocks = json!([
        { "kind": "residual", "layers": [conv], "activation": "relu" },
        { "kind": "residual", "layers": [conv], "shortcut": [{ "kind": "layer_norm" }, conv] },
        { "kind": "residual", "layers": [{ "kind": "layer_norm", "axes": 1 }], "shortcut": [conv] },
        { "kind": "residual", "layers": [{ "kind": "dropout", "rate": 0.5 }, { "kind": "batch_norm" }] },
    ]);
    let conv2 = json!({ "kind": "conv2d", "filters": 2, "kernel": 3, "bias": false });
    let inner = json!({ "kind": "residual", "layers": [conv2, { "kind": "batch_norm" }], "activation": "softmax" });
    let images = json!([
        { "kind": "residual", "layers": [conv2, inner], "shortcut": [inner, conv2], "activation": "leaky_relu" },
        { "kind": "pool2d", "take": "average", "padding": "valid" },
    ]);
    let turns = json!([
        { "kind": "conv1d", "filters": 4, "kernel": 3 },
        { "kind": "conv2d", "filters": 3, "kernel": [3, 2], "stride": 2, "dilation": 2, "activation": "mish" },
        { "kind": "activation", "activation": "silu" },
    ]);
    let one_row =
        json!([{ "kind": "conv1d", "filters": 4, "kernel": 3, "groups": 2 }, { "kind": "linear", "units": 3 }]);
    let log_mel = |more: Value| {
        let mut layers = vec![json!({ "kind": "log_mel", "sample_rate": 800, "window": 16, "hop": 6, "bands": 5 })];
        layers.extend(more.as_array().unwrap().iter().cloned());
        Value::Array(layers)
    };
    let wide = json!({ "kind": "pool2d", "take": "max", "size": 3, "stride": 2, "padding": [[2, 2], [2, 1]] });
    vec![
        (vec![4, 6, 2], norms),
        (vec![12, 2], sounds),
        (vec![9, 2], blocks),
        (vec![5, 4, 2], images),
        (vec![8, 6], turns),
        (vec![7, 4, 1], one_row),
        (vec![40, 1], log_mel(json!([conv2, { "kind": "pool2d", "take": "max" }]))),
        (vec![40, 1], log_mel(json!([conv, { "kind": "activation", "activation": "tanh" }]))),
        (vec![5, 4, 2], json!([{ "kind": "linear", "units": 4, "activation": "silu(0.5)" }, { "kind": "batch_norm" }])),
        (vec![5, 4, 2], json!([wide])),
    ]
}

/// A file without the version of this library.
fn without_version(format: &str, exported: Exported) -> Vec<u8> {
    match format {
        #[cfg(feature = "onnx")]
        "onnx" => {
            let mut file: super::onnx::proto::Model = prost::Message::decode(&exported.bytes[..]).unwrap();
            file.producer_version.clear();
            file.metadata_props.retain(|entry| entry.key != "thalweg.version");
            prost::Message::encode_to_vec(&file)
        }
        "pytorch" => {
            let module = String::from_utf8(exported.bytes).unwrap().replace(env!("CARGO_PKG_VERSION"), "VERSION");
            let mut weights = Container::from_bytes(&exported.sidecars[0].1, "weights").unwrap();
            weights.metadata.remove("thalweg");
            [module.into_bytes(), weights.to_bytes()].concat()
        }
        _ => exported.bytes,
    }
}

#[test]
fn the_least_probability_of_a_set_is_the_least() {
    for margin in (0..=1000).map(|i| f64::from(i) / 1000.0).chain([1e-9, 0.299_999_999_999, f64::from(0.7f32)]) {
        let least = Regions { level: 0.9, margins: vec![margin] }.least();
        let is_in = |p: f32| 1.0 - f64::from(p) <= margin;
        assert!(is_in(least) && (least == 0.0 || !is_in(least.next_down())), "{margin}: {least}");
    }
}

#[test]
fn files_are_those_that_were_written_before() {
    let examples = layers::ALL.iter().flat_map(|kind| (kind.examples)());
    let mut models: Vec<(String, Model)> = Vec::new();
    for (layer, shape) in examples {
        models.push((format!("{shape} {}", write_layer(layer.as_ref())), model(shape, vec![layer])));
    }
    for (shape, tables) in networks() {
        let shape: Shape = serde_json::from_value(json!(shape)).unwrap();
        let read = |table: &Value| read_layer(table.clone(), &[]).unwrap();
        models.push((format!("{shape} {tables}"), model(shape, tables.as_array().unwrap().iter().map(read).collect())));
    }
    let (mut found, mut refused) = (BTreeMap::new(), Vec::new());
    for (name, model) in &models {
        let written = |format: &Format| {
            let bytes = match (format.write)(model, &ExportOptions { stem: "net".into(), ..ExportOptions::default() }) {
                Ok(exported) => without_version(format.name, exported),
                Err(error) => {
                    refused.push(format!("{}: {error}", format.name));
                    error.to_string().into_bytes()
                }
            };
            (format.name, blake3::hash(&bytes).to_hex()[..16].to_string())
        };
        // MLflow's folder is around the same ONNX graph.
        let formats = ALL.iter().filter(|format| format.folder.is_none());
        found.insert(name.clone(), formats.map(written).collect::<BTreeMap<_, _>>());
    }
    assert!(refused.len() == 1 && refused[0].contains("no maximum of windows within so much padding"), "{refused:?}");
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/exports.json");
    let text = std::fs::read_to_string(&golden).unwrap_or_default();
    let kept: BTreeMap<String, BTreeMap<&str, String>> = serde_json::from_str(&text).unwrap_or_default();
    let others: Vec<_> = found
        .iter()
        .flat_map(|(name, formats)| formats.iter().map(move |(format, hash)| (name, format, hash)))
        .filter(|(name, format, hash)| kept.get(*name).and_then(|formats| formats.get(**format)) != Some(hash))
        .map(|(name, format, _)| format!("{format}: {name}"))
        .collect();
    if !others.is_empty() {
        let path = std::env::temp_dir().join("exports.json");
        std::fs::write(&path, serde_json::to_string_pretty(&found).unwrap() + "\n").unwrap();
        panic!(
            "{} files are others than those kept; run python/tests where PyTorch, Keras and ONNX Runtime are \
             installed, then copy {} to {}:\n{}",
            others.len(),
            path.display(),
            golden.display(),
            others.join("\n")
        );
    }
}

/// A layer that no format knows: y = γ x, twice, with a product in between.
#[derive(Debug)]
struct Twice;

impl Configured for Twice {
    fn kind(&self) -> &'static str {
        "twice"
    }

    fn config(&self) -> Value {
        json!({})
    }
}

impl Layer for Twice {
    fn describe(&self, _input: Shape) -> String {
        "twice".into()
    }

    fn output(&self, _input: Shape) -> Result<Shape> {
        Ok([3].into())
    }

    fn parameters(&self, input: Shape) -> Vec<ParameterSpec> {
        let weight = ParameterSpec::weight("weight", [3, input.size()], Init::Normal(1.0));
        vec![ParameterSpec::bias("first", input.last(), 1.0), weight, ParameterSpec::bias("second", 3, 1.0)]
    }

    fn lower(&self, _name: &str, _input: Shape) -> Result<Vec<Op>> {
        let dense = Op::Dense { factor: 1.0, units: 3, weight: "weight", bias: None };
        Ok(vec![Op::Scale("first"), dense, Op::Activation(Activation::Tanh), Op::Scale("second")])
    }

    fn forward(&self, theta: Parameters, x: View, mut y: ViewMut, _saved: &mut [Tensor], _mode: Mode) {
        let [first, weight, second] = [0, 1, 2].map(|i| theta.get(i));
        let n = x.shape().columns();
        for (row, unit) in (0..x.shape().rows()).flat_map(|row| (0..3).map(move |unit| (row, unit))) {
            let scaled = |i: usize| first.at(i % first.len()) * x.at(row * n + i);
            let z: f64 = (0..n).map(|i| weight.at(unit * n + i) * scaled(i)).sum();
            y.set(row * 3 + unit, second.at(unit) * z.tanh());
        }
    }

    fn backward(&self, _theta: Parameters, _pass: Backward, _gradient: ParametersMut) {}
}

#[test]
fn a_layer_that_lowers_itself_goes_to_every_format() {
    for shape in [Shape::from([4]), [3, 2].into(), [2, 3, 2].into()] {
        let model = model(shape, vec![Box::new(Twice)]);
        for format in ALL {
            let exported =
                (format.write)(&model, &ExportOptions { stem: "net".into(), ..ExportOptions::default() }).unwrap();
            if let Some(verification) = exported.verification {
                assert!(verification.largest_difference <= 1e-5, "{} of {shape}", format.name);
            }
        }
        let mut ours: Vec<String> = model.network.layout().entries().iter().map(|entry| entry.name.clone()).collect();
        let mappings = channels::param_mappings(&model.network.lower().unwrap(), channels::begin_first(shape));
        let mut mapped: Vec<String> = mappings.iter().map(|mapping| mapping.ours.clone()).collect();
        ours.sort();
        mapped.sort();
        assert_eq!(mapped, ours);
    }
}

#[test]
fn shapes_of_operations_are_those_of_layers() {
    for (layer, shape) in layers::ALL.iter().flat_map(|kind| (kind.examples)()) {
        let output = layer.output(shape).unwrap();
        let nodes = layers::lower("layers", &[layer], shape).unwrap();
        assert_eq!(nodes[0].output(), output, "{}", nodes[0].description);
    }
}

#[test]
fn a_format_is_found_by_name_or_extension() {
    for known in ALL {
        let path = PathBuf::from(format!("a.{}", known.extension.to_uppercase()));
        assert_eq!(format(None, &path).unwrap().extension, known.extension);
        assert_eq!(format(Some(known.name), Path::new("a.bin")).unwrap().name, known.name);
        assert_eq!(ALL.iter().filter(|other| other.name == known.name).count(), 1);
    }
    assert!(format(None, Path::new("a.bin")).unwrap_err().remedy.unwrap().to_string().contains("--to"));
    assert!(format(Some("nothing"), Path::new("a.bin")).is_err());
}
