//! Every layer is exported as a graph, run, and imported again.

use super::*;
use crate::data::cell_format::CellFormat;
use crate::data::preprocess::{ArrayScale, Pipeline, Scale};
use crate::data::schema::{Schema, Task};
use crate::data::target::Target;
use crate::layers::{self, Layer, Linear};
use crate::model::Provenance;
use crate::network::Network;
use crate::tensor::{Activation, Dtype, Shape};

/// A model of the given layers with random parameters and three outputs.
fn model(shape: Shape, mut layers: Vec<Box<dyn Layer>>, task: Task) -> Model {
    layers.push(Box::new(Linear::new(3, Activation::Identity)));
    let network = Network::new(shape, layers).unwrap();
    let theta = network.initialize(7, Dtype::F32);
    let scale = Scale::Standard { mean: 0.5, deviation: 2.0 };
    let array = ArrayScale { shape: shape.dimensions().to_vec(), scales: vec![scale], media: None };
    let names = || ["a", "b", "c"].map(String::from).to_vec();
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
    };
    let schema =
        Schema { columns: Vec::new(), task, cell_format: CellFormat::default(), separator: None, classes: Vec::new() };
    let pipeline = Pipeline { cell_format: CellFormat::default(), inputs: Vec::new(), array: Some(array) };
    Model { network, theta, pipeline, schema, target, provenance: Provenance::default() }
}

/// Random inputs of a network.
fn inputs(shape: Shape) -> Vec<f32> {
    let mut x = vec![0.0; 5 * shape.size()];
    crate::random::export(3).fill_normal(0, &mut x);
    x
}

#[test]
fn every_layer_is_written_run_and_read_again() {
    // An embedding's codes are columns of tables.
    let kinds = layers::ALL.iter().filter(|kind| kind.name != "embedding");
    for (name, layer, shape) in kinds.flat_map(|kind| (kind.examples)().into_iter().map(|(l, s)| (kind.name, l, s))) {
        let what = format!("{name}: {}", layer.describe(shape));
        for task in [Task::Multiclass, Task::Regression] {
            let again = layers::read_layer(layers::write_layer(layer.as_ref()), &[]).unwrap();
            let model = model(shape, vec![again], task);
            let exported = write(&model, &Options::default()).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert!(exported.verification.unwrap().largest_difference <= 1e-5, "{what}");
            // These go out alone.
            if ["ensemble", "average", "piecewise_linear", "periodic"].contains(&name) {
                assert!(crate::import::onnx::read(&exported.bytes).unwrap_err().remedy.is_some(), "{what}");
                continue;
            }
            let (read, _) =
                crate::import::onnx::read(&exported.bytes).unwrap_or_else(|error| panic!("{what}: {error}"));
            let x = inputs(shape);
            let [ours, again] = [&model, &read].map(|model| model.outputs(&x, Default::default()).unwrap());
            let near = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-6 * a.abs().max(1.0);
            assert!(ours.len() == again.len() && ours.iter().zip(&again).all(near), "{what}: {ours:?} {again:?}");
            assert_eq!((&read.target.classes, &read.target.columns), (&model.target.classes, &model.target.columns));
        }
    }
}

#[test]
fn a_graph_that_answers_otherwise_is_refused() {
    let linear: Box<dyn Layer> = Box::new(Linear::new(4, Activation::Relu));
    let mut model = model([3].into(), vec![linear], Task::Multiclass);
    // The graph is written in 32 bits, whose range these parameters exceed.
    let theta = model.theta.to_f64().into_iter().map(|x| 1e25 * x).collect();
    model.theta = crate::tensor::Tensor::from_f64(model.theta.shape(), theta);
    let error = write(&model, &Options::default()).unwrap_err();
    assert_eq!((error.kind, error.message.contains("differ")), (crate::Kind::Check, true), "{error}");
}
