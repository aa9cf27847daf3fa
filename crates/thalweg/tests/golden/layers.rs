//! Layers: outputs, and every gradient.

use std::sync::{Arc, Mutex};

use serde_json::Value;
use thalweg::layers::{
    Activate, Backward, BatchNorm, Configured, Conv2d, Dropout, Embedded, Embedding, Layer, LayerNorm, Linear, LogMel,
    LogMelOptions, Mode, Padding, Pair, Parameters, ParametersMut, Parametrization, Periodic, Pool2d, Pooling, Resize,
    RngContext,
};
use thalweg::network::Network;
use thalweg::tensor::{Activation, Dtype, Shape, Tensor, View, ViewMut, ops};

use super::numbers::{assert_each, assert_near, golden, joined, list, number, numbers, size, tensor, text};

/// An identity layer that records the gradient that reaches it: the dX of the following layer.
#[derive(Debug, Default)]
struct Spy(Arc<Mutex<Vec<f64>>>);

impl Configured for Spy {
    fn kind(&self) -> &'static str {
        "spy"
    }

    fn config(&self) -> Value {
        Value::Null
    }
}

impl Layer for Spy {
    fn describe(&self, _input: Shape) -> String {
        "spy".into()
    }

    fn output(&self, input: Shape) -> thalweg::Result<Shape> {
        Ok(input)
    }

    fn forward(&self, _theta: Parameters, x: View, y: ViewMut, _saved: &mut [Tensor], _mode: Mode) {
        ops::copy(x, y);
    }

    fn backward(&self, _theta: Parameters, pass: Backward, _gradient: ParametersMut) {
        *self.0.lock().unwrap() = pass.dy.view().to_f64();
    }
}

/// The results of one pass through a layer.
pub(super) struct Pass {
    pub(super) y: Vec<f64>,
    pub(super) dx: Vec<f64>,
    /// Gradients of the trained parameters, concatenated.
    pub(super) gradient: Vec<f64>,
    /// θ, statistics last, after `update_statistics`.
    pub(super) theta: Vec<f64>,
}

/// One layer, forward on x and backward on dy; θ is its parameters, statistics last.
pub(super) fn pass(layer: impl Layer + 'static, theta: &[f64], x: &Tensor, dy: &[f64], mode: Mode) -> Pass {
    let m = x.shape().rows();
    let spy = Spy::default();
    let noted = spy.0.clone();
    let example = Shape::try_from(x.shape().dimensions()[1..].to_vec()).unwrap();
    let network = Network::new(example, vec![Box::new(spy), Box::new(layer)]).unwrap();
    let mut theta = Tensor::from_f64([network.layout().len()], theta.to_vec());
    let mut gradient = Tensor::zeros(theta.shape(), Dtype::F64);
    let mut workspace = network.workspace(m, Dtype::F64);
    let y = network.forward(theta.view(), x.view(), &mut workspace, mode).unwrap().to_f64();
    let (_, mut dz) = workspace.delta(m);
    dy.iter().enumerate().for_each(|(i, &dy)| dz.set(i, dy));
    network.backward(theta.view(), x.view(), &mut workspace, gradient.view_mut()).unwrap();
    network.update_statistics(theta.view_mut(), &workspace);
    let dx = noted.lock().unwrap().clone();
    Pass { y, dx, gradient: gradient.view().part(0, [network.layout().trained()]).to_f64(), theta: theta.to_f64() }
}

#[test]
fn linear_with_every_activation() {
    for case in list(&golden("layers")["linear"]) {
        let name = text(&case["activation"]);
        let g: Activation = name.parse().unwrap();
        let x = tensor([size(&case["m"]), size(&case["n_in"])], &case["x"]);
        let theta = joined(case, &["weight", "bias"]);
        let found = pass(Linear::new(size(&case["n_out"]), g), &theta, &x, &numbers(&case["dy"]), Mode::Predict);
        assert_near(&format!("{name}: y"), &found.y, &numbers(&case["y"]), 1e-14);
        assert_near(&format!("{name}: dx"), &found.dx, &numbers(&case["dx"]), 1e-14);
        assert_near(&format!("{name}: dθ"), &found.gradient, &joined(case, &["dweight", "dbias"]), 1e-14);

        // The same as two layers: the product, then the activation.
        let plain = pass(Linear::new(3, Activation::Identity), &theta, &x, &numbers(&case["dy"]), Mode::Predict);
        let z = Tensor::from_f64([size(&case["m"]), 3], plain.y);
        let apart = pass(Activate { activation: g }, &[], &z, &numbers(&case["dy"]), Mode::Predict);
        assert_near(&format!("{name}, apart"), &apart.y, &numbers(&case["y"]), 1e-14);
    }
}

#[test]
fn batch_norm_in_training_and_prediction() {
    let golden = &golden("layers")["batch_norm"];
    let (epsilon, momentum) = (number(&golden["epsilon"]), number(&golden["momentum"]));
    let layer = BatchNorm { epsilon, momentum, fixed_statistics: false };
    let shape = [size(&golden["m"]), size(&golden["n"])];
    let learned = joined(golden, &["gamma", "beta"]);
    let mut theta: Vec<f64> = learned.iter().copied().chain([0.0; 3]).chain([1.0; 3]).collect();
    for (case, running) in list(&golden["train"]).iter().zip(list(&golden["running"])) {
        let x = tensor(shape, &case["x"]);
        let found = pass(layer.clone(), &theta, &x, &numbers(&case["dy"]), Mode::Check);
        assert_near("y", &found.y, &numbers(&case["y"]), 1e-12);
        assert_near("dx", &found.dx, &numbers(&case["dx"]), 1e-12);
        assert_near("dγ, dβ", &found.gradient, &joined(case, &["dgamma", "dbeta"]), 1e-12);
        theta = found.theta;
        assert_near("running μ and σ²", &theta[6..], &joined(running, &["mean", "variance"]), 1e-14);
    }
    let x = tensor(shape, &golden["predict"]["x"]);
    let found = pass(layer, &theta, &x, &vec![0.0; x.view().len()], Mode::Predict);
    assert_near("prediction", &found.y, &numbers(&golden["predict"]["y"]), 1e-13);
}

/// Images are normalised as if each pixel were an example.
#[test]
fn batch_norm_of_images_is_per_channel() {
    let golden = &golden("layers")["batch_norm"]["train"][0];
    let (x, dy) = (numbers(&golden["x"]), numbers(&golden["dy"]));
    let theta: Vec<f64> = joined(&self::golden("layers")["batch_norm"], &["gamma", "beta"])
        .into_iter()
        .chain([0.0; 3])
        .chain([1.0; 3])
        .collect();
    let of = |shape: Shape| pass(BatchNorm::default(), &theta, &Tensor::from_f64(shape, x.clone()), &dy, Mode::Check);
    let (rows, images) = (of([6, 3].into()), of([1, 2, 3, 3].into()));
    assert_eq!((rows.y, rows.dx, rows.gradient, rows.theta), (images.y, images.dx, images.gradient, images.theta));
}

#[test]
fn layer_norm_over_the_channels_of_each_pixel_and_over_more_axes() {
    for golden in list(&golden("images")["layer_norms"]) {
        let axes = size(&golden["axes"]);
        let x = Tensor::from_f64([2, 3, 2, 4], numbers(&golden["x"]));
        let learned = joined(golden, &["gamma", "beta"]);
        let layer = LayerNorm { axes: (axes > 1).then_some(axes), ..LayerNorm::default() };
        for mode in [Mode::Check, Mode::Predict] {
            let found = pass(layer.clone(), &learned, &x, &numbers(&golden["dy"]), mode);
            assert_near(&format!("{axes}: y"), &found.y, &numbers(&golden["y"]), 1e-13);
            assert_near(&format!("{axes}: dx"), &found.dx, &numbers(&golden["dx"]), 1e-12);
            assert_near(&format!("{axes}: dγ, dβ"), &found.gradient, &joined(golden, &["dgamma", "dbeta"]), 1e-12);
        }
    }
}

/// The outputs and every gradient of a layer on rows of numbers.
fn assert_passes(layer: impl Layer + 'static, golden: &Value) {
    let x = tensor([size(&golden["m"]), size(&golden["n"])], &golden["x"]);
    let found = pass(layer, &numbers(&golden["theta"]), &x, &numbers(&golden["dy"]), Mode::Check);
    assert_near("y", &found.y, &numbers(&golden["y"]), 1e-14);
    assert_near("dx", &found.dx, &numbers(&golden["dx"]), 1e-14);
    assert_near("dθ", &found.gradient, &numbers(&golden["gradient"]), 1e-14);
}

#[test]
fn a_periodic_embedding_of_numbers() {
    let golden = &golden("tabular")["periodic"];
    let layer = Periodic {
        dimension: size(&golden["dimension"]),
        frequencies: size(&golden["frequencies"]),
        sigma: Periodic::SIGMA,
        inputs: list(&golden["inputs"]).iter().map(size).collect(),
    };
    assert_passes(layer, golden);
}

#[test]
fn linear_with_the_ntk_parametrisation() {
    let golden = &golden("tabular")["ntk"];
    let g = text(&golden["activation"]).parse().unwrap();
    let layer = Linear { parametrization: Parametrization::Ntk, ..Linear::new(size(&golden["units"]), g) };
    assert_passes(layer, golden);
}

/// Our masks differ from PyTorch's, so each element is compared under masks that agree with the golden one there.
#[test]
fn dropout_given_the_mask() {
    let golden = &golden("layers")["dropout"];
    let (m, n) = (size(&golden["m"]), size(&golden["n"]));
    let keep = number(&golden["keep"]);
    let x = tensor([m, n], &golden["x"]);
    let [mask, y, dx] = ["mask", "y", "dx"].map(|key| numbers(&golden[key]));
    let examples: Vec<u32> = (0..m as u32).collect();
    let mut seen = vec![false; m * n];
    for epoch in 1..=50 {
        let noise = RngContext { seed: 1, epoch, layer: 0, examples: &examples };
        let found = pass(Dropout { rate: 1.0 - keep }, &[], &x, &numbers(&golden["dy"]), Mode::Train(noise));
        for i in (0..m * n).filter(|&i| (found.y[i] != 0.0) == (mask[i] != 0.0)) {
            assert_each("y, dx", &[found.y[i], found.dx[i]], &[y[i], dx[i]], 1e-15, 0.0);
            seen[i] = true;
        }
    }
    assert!(seen.iter().all(|&seen| seen), "a mask of 50 epochs never agreed somewhere: {seen:?}");
}

#[test]
fn embedded_codes_beside_dense_columns() {
    let golden = &golden("layers")["embedding"];
    let columns = vec![Embedded { slots: 4, dimension: 2 }, Embedded { slots: 3, dimension: 3 }];
    let x = tensor([size(&golden["m"]), 4], &golden["x"]);
    let theta = joined(golden, &["table0", "table1"]);
    let found = pass(Embedding { dense: 2, columns }, &theta, &x, &numbers(&golden["dy"]), Mode::Predict);
    assert_eq!(found.y, numbers(&golden["y"]));
    assert_near("dE", &found.gradient, &joined(golden, &["dtable0", "dtable1"]), 1e-15);
    let ddense: Vec<f64> = found.dx.chunks(4).flat_map(|row| &row[..2]).copied().collect();
    assert_eq!(ddense, numbers(&golden["ddense"]));
}

/// Two images of a case.
fn images(case: &Value) -> Tensor {
    let [height, width, channels] = [0, 1, 2].map(|i| size(&case["image"][i]));
    tensor([2, height, width, channels], &case["x"])
}

fn pair(value: &Value) -> Pair {
    Pair::Each([0, 1].map(|i| size(&value[i])))
}

#[test]
fn convolutions_of_all_kinds() {
    for (i, case) in list(&golden("images")["convolutions"]).iter().enumerate() {
        let layer = Conv2d {
            kernel: pair(&case["kernel"]),
            stride: pair(&case["stride"]),
            padding: Padding::Zeros(pair(&case["padding"])),
            dilation: pair(&case["dilation"]),
            groups: size(&case["groups"]),
            ..Conv2d::new(size(&case["filters"]), 1, Activation::Identity)
        };
        let theta = joined(case, &["weight", "bias"]);
        let found = pass(layer, &theta, &images(case), &numbers(&case["dy"]), Mode::Predict);
        assert_near(&format!("{i}: y"), &found.y, &numbers(&case["y"]), 1e-14);
        assert_near(&format!("{i}: dx"), &found.dx, &numbers(&case["dx"]), 1e-14);
        assert_near(&format!("{i}: dθ"), &found.gradient, &joined(case, &["dweight", "dbias"]), 1e-14);
    }
}

#[test]
fn pooling_of_all_kinds() {
    for (i, case) in list(&golden("images")["pools"]).iter().enumerate() {
        let read = |name: &str| serde_json::from_value(case[name].clone()).unwrap();
        let padding: Padding = serde_json::from_value(case["padding"].clone()).unwrap();
        let take: Pooling = serde_json::from_value(case["take"].clone()).unwrap();
        let layer = Pool2d { take, size: Some(read("size")), stride: Some(read("stride")), padding };
        let found = pass(layer, &[], &images(case), &numbers(&case["dy"]), Mode::Predict);
        assert_near(&format!("{i}: y"), &found.y, &numbers(&case["y"]), 1e-15);
        assert_near(&format!("{i}: dx"), &found.dx, &numbers(&case["dx"]), 1e-15);
    }
}

#[test]
fn images_of_another_size() {
    for (i, case) in list(&golden("images")["resized"]).iter().enumerate() {
        let [height, width] = [0, 1].map(|axis| size(&case["to"][axis]));
        let found = pass(Resize { height, width }, &[], &images(case), &numbers(&case["dy"]), Mode::Predict);
        assert_near(&format!("{i}: y"), &found.y, &numbers(&case["y"]), 1e-14);
        assert_near(&format!("{i}: dx"), &found.dx, &numbers(&case["dx"]), 1e-14);
    }
}

#[test]
fn spectra_of_sounds() {
    let golden = golden("sounds");
    let x = numbers(&golden["x"]);
    for (i, case) in list(&golden["cases"]).iter().enumerate() {
        let count = |name: &str| case[name].as_u64().map(|n| n as usize);
        let options = LogMelOptions {
            sample_rate: 8_000,
            window: count("window").unwrap(),
            hop: count("hop").unwrap(),
            bands: count("bands").unwrap(),
            low: case["low"].as_f64().unwrap(),
            high: case["high"].as_f64(),
            offset: case["offset"].as_f64().unwrap(),
            coefficients: count("coefficients"),
        };
        let layer = LogMel::from(options);
        let expected = numbers(&case["y"]);
        let sound = Tensor::from_f64([1, x.len(), 1], x.clone());
        let found = pass(layer.clone(), &[], &sound, &vec![0.0; expected.len()], Mode::Predict);
        assert_near(&format!("case {i}"), &found.y, &expected, 1e-11);

        let network = Network::new(Shape::from([x.len(), 1]), vec![Box::new(layer) as Box<dyn Layer>]).unwrap();
        let mut workspace = network.workspace(1, Dtype::F32);
        let (theta, sound) = (Tensor::zeros([0], Dtype::F32), sound.to(Dtype::F32));
        let single = network.forward(theta.view(), sound.view(), &mut workspace, Mode::Predict).unwrap().to_f64();
        let worst = single.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(worst < 1e-4, "case {i} in f32: {worst}");
    }
}
