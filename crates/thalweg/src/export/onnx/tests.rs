//! Every layer is exported as a graph, run, and imported again.

use super::*;
use crate::data::cell_format::CellFormat;
use crate::data::conformal::Calibration;
use crate::data::preprocess::{ArrayScale, Pipeline, Scale};
use crate::data::schema::{Schema, Task};
use crate::data::target::Target;
use crate::layers::{self, Layer, Linear};
use crate::model::Provenance;
use crate::network::Network;
use crate::tensor::{Activation, Dtype, Shape};

/// A model of the given layers with random parameters and three outputs, of two classes one.
fn model(shape: Shape, mut layers: Vec<Box<dyn Layer>>, task: Task) -> Model {
    let (outputs, count) = if task == Task::Binary { (1, 2) } else { (3, 3) };
    layers.push(Box::new(Linear::new(outputs, Activation::Identity)));
    let network = Network::new(shape, layers).unwrap();
    let theta = network.initialize(7, Dtype::F32);
    let scale = Scale::Standard { mean: 0.5, deviation: 2.0 };
    let array = ArrayScale { shape: shape.dimensions().to_vec(), scales: vec![scale], media: None };
    let names = || ["a", "b", "c"][..count].iter().map(|name| name.to_string()).collect::<Vec<_>>();
    let regression = task == Task::Regression;
    let target = Target {
        task,
        columns: if regression { names() } else { vec!["answer".into()] },
        classes: if regression { Vec::new() } else { names() },
        scales: if regression { vec![(1.0, 2.0), (0.0, 1.0), (-1.0, 0.5)] } else { Vec::new() },
        separator: None,
        cell_format: CellFormat::default(),
        formats: Vec::new(),
        thresholds: Vec::new(),
        calibration: None,
        quantiles: Vec::new(),
        limits: Vec::new(),
    };
    let schema =
        Schema { columns: Vec::new(), task, cell_format: CellFormat::default(), separator: None, classes: Vec::new() };
    let pipeline =
        Pipeline { cell_format: CellFormat::default(), inputs: Vec::new(), array: Some(array), grouping: None };
    Model { network, theta, pipeline, schema, target, provenance: Provenance::default(), forecast: None }
}

/// Random inputs of a network.
fn inputs(shape: Shape) -> Vec<f32> {
    let mut x = vec![0.0; 5 * shape.size()];
    crate::random::export(3).fill_normal(0, &mut x);
    x
}

/// Layers that graphs have and that are not read from graphs.
const GO_OUT_ALONE: [&str; 15] = [
    "ensemble",
    "average",
    "piecewise_linear",
    "periodic",
    "sequence",
    "tokens",
    "positions",
    "rnn",
    "gru",
    "lstm",
    "attention",
    "pool_over_time",
    "resize",
    "frames",
    "first",
];

#[test]
fn every_layer_is_written_run_and_read_again() {
    // Codes are columns of tables.
    let kinds = layers::ALL.iter().filter(|kind| !["embedding", "text_bag"].contains(&kind.name));
    for (name, layer, shape) in kinds.flat_map(|kind| (kind.examples)().into_iter().map(|(l, s)| (kind.name, l, s))) {
        let what = format!("{name}: {}", layer.describe(shape));
        for task in [Task::Multiclass, Task::Regression] {
            let again = layers::read_layer(layers::write_layer(layer.as_ref()), &[]).unwrap();
            let model = model(shape, vec![again], task);
            let exported = write(&model, &ExportOptions::default()).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert!(exported.verification.unwrap().largest_difference <= 1e-5, "{what}");
            let read = match crate::import::onnx::read(&exported.bytes, None) {
                // These go out alone, in all of their forms or in some.
                Err(error) if GO_OUT_ALONE.contains(&name) => {
                    assert!(error.remedy.is_some(), "{what}");
                    continue;
                }
                read => read.unwrap_or_else(|error| panic!("{what}: {error}")).0,
            };
            let x = inputs(shape);
            let [ours, again] = [&model, &read].map(|model| model.outputs(&x, Default::default()).unwrap());
            let near = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-6 * a.abs().max(1.0);
            assert!(ours.len() == again.len() && ours.iter().zip(&again).all(near), "{what}: {ours:?} {again:?}");
            assert_eq!((&read.target.classes, &read.target.columns), (&model.target.classes, &model.target.columns));
        }
    }
}

#[test]
fn clipped_answers_are_written_run_and_read_again() {
    // In 64 bits where a mean is far from 0.
    for scales in [[(1.0, 2.0), (0.0, 1.0), (-1.0, 0.5)], [(1e6, 2.0), (0.0, 1.0), (-1.0, 0.5)]] {
        let linear: Box<dyn Layer> = Box::new(Linear::new(4, Activation::Relu));
        let mut model = model([3].into(), vec![linear], Task::Regression);
        model.target.scales = scales.to_vec();
        model.target.limits = scales.map(|(mean, deviation)| (mean - 0.2 * deviation, mean + 0.1 * deviation)).to_vec();
        let exported = write(&model, &ExportOptions::default()).unwrap();
        assert!(exported.verification.unwrap().largest_difference <= 1e-5);
        let (read, _) = crate::import::onnx::read(&exported.bytes, None).unwrap();
        let x = inputs([3].into());
        let answers = |model: &Model| {
            let outputs = model.outputs(&x, Default::default()).unwrap();
            outputs.chunks(3).flat_map(|row| model.target.in_units(row)).collect::<Vec<f64>>()
        };
        let (ours, again) = (answers(&model), answers(&read));
        let near = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-6 * a.abs().max(1.0);
        assert!(ours.iter().zip(&again).all(near), "{ours:?} {again:?}");
        let at_a_limit = ours.iter().enumerate().filter(|(i, y)| {
            let (low, high) = model.target.limits[i % 3];
            **y == low || **y == high
        });
        assert!(at_a_limit.count() > 5, "{ours:?}");
    }
}

#[test]
fn clipped_answers_are_no_logits() {
    let mut model = model([3].into(), Vec::new(), Task::Regression);
    model.target.limits = vec![(-0.2, 0.1); model.target.scales.len()];
    model.target.scales.fill((0.0, 1.0));
    let bytes = write(&model, &ExportOptions::default()).unwrap().bytes;
    let error = crate::import::onnx::read(&bytes, Some(Task::Multilabel)).unwrap_err().to_string();
    assert!(error.contains("are regression, not multilabel"), "{error}");
}

/// Models that know intervals or sets.
fn calibrated() -> Vec<Model> {
    let quantiles = |mut model: Model| {
        (model.target.columns, model.target.scales) = (vec!["a".into()], vec![(1.0, 2.0)]);
        model.target.quantiles = vec![0.1, 0.5, 0.9];
        model.target.limits = vec![(-1.0, 4.0)];
        model
    };
    let scores = |from: f64| (0..95).map(|i| from + f64::from(i) / 95.0).collect::<Vec<f64>>();
    let of = |task| model([3].into(), vec![Box::new(Linear::new(4, Activation::Relu)) as Box<dyn Layer>], task);
    let models = [of(Task::Regression), quantiles(of(Task::Regression)), of(Task::Binary), of(Task::Multiclass)];
    let calibrate = |mut model: Model| {
        // Some margins of quantiles are so negative that ends meet.
        let from = if model.target.quantiles.is_empty() { 0.0 } else { -1.5 };
        let each = vec![scores(from); model.target.regions()];
        model.target.calibration = Some(Calibration { rows: 19, scores: each });
        model
    };
    models.map(calibrate).into()
}

#[test]
fn intervals_and_sets_are_written_and_run() {
    for model in calibrated() {
        let what = format!("{} of {:?}", model.target.task, model.target.quantiles);
        let nodes = model.network.lower().unwrap();
        for level in [0.3, 0.5, 0.8] {
            let options = ExportOptions { intervals: Some(level), ..ExportOptions::default() };
            let exported = write(&model, &options).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert!(exported.verification.unwrap().largest_difference <= 1e-5, "{what}");
            let (mut written, _) = graph(&model, &nodes, options.regions(&model.target).unwrap()).unwrap();
            let names: Vec<&str> = written.graph.outputs.iter().map(|output| output.name.as_str()).collect();
            match model.target.task {
                Task::Regression => assert_eq!(names, ["prediction", "low", "high"]),
                _ => assert_eq!(names, ["probabilities", "label", "set"]),
            }
            // Other intervals or sets than the model's are found out.
            written.regions.as_mut().unwrap().margins[0] = 0.45;
            assert_eq!(verify::verify(&model, &written).unwrap_err().kind, crate::ErrorKind::Check, "{what} {level}");
        }
        if model.target.quantiles.is_empty() {
            let options = ExportOptions { intervals: Some(0.8), ..ExportOptions::default() };
            let (read, _) = crate::import::onnx::read(&write(&model, &options).unwrap().bytes, None).unwrap();
            assert_eq!(read.target.columns, model.target.columns);
        }
    }
    let without = model([3].into(), Vec::new(), Task::Multiclass);
    for (model, level, words) in
        [(&without, 0.9, "was not calibrated"), (&calibrated()[0], 0.99, "0.99 needs 99 dev rows")]
    {
        let error = write(model, &ExportOptions { intervals: Some(level), ..ExportOptions::default() })
            .unwrap_err()
            .to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn a_graph_that_answers_otherwise_is_refused() {
    let linear: Box<dyn Layer> = Box::new(Linear::new(4, Activation::Relu));
    let mut model = model([3].into(), vec![linear], Task::Multiclass);
    // The graph is written in 32 bits, whose range these parameters exceed.
    let theta = model.theta.to_f64().into_iter().map(|x| 1e25 * x).collect();
    model.theta = crate::tensor::Tensor::from_f64(model.theta.shape(), theta);
    let error = write(&model, &ExportOptions::default()).unwrap_err();
    assert_eq!((error.kind, error.message.contains("differ")), (crate::ErrorKind::Check, true), "{error}");
}
