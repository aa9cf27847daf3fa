//! Layers on sequences and on the frames of clips: outputs, and every gradient.

use serde::de::DeserializeOwned;
use thalweg::layers::{
    Attention, First, Frames, Gathering, Gru, Layer, Lstm, Mode, PoolOverTime, Rnn, Sequence, Tokens, read_layer,
};
use thalweg::network::Network;
use thalweg::tensor::{Dtype, Shape, Tensor, ops};

use super::layers::pass;
use super::numbers::{assert_near, golden, list, numbers, tensor};

#[test]
fn sequences_of_several_lengths() {
    for case in list(&golden("sequences")["layers"]) {
        let name = case["layer"].to_string();
        let layer = Sequence::new(vec![read_layer(case["layer"].clone(), &[]).unwrap()]);
        let shape: Shape = serde_json::from_value(case["shape"].clone()).unwrap();
        let x = tensor(shape.batch(4), &case["x"]);
        let found = pass(layer, &numbers(&case["theta"]), &x, &numbers(&case["dy"]), Mode::Check);
        assert_near(&format!("{name}: y"), &found.y, &numbers(&case["y"]), 1e-14);
        assert_near(&format!("{name}: dx"), &found.dx, &numbers(&case["dx"]), 1e-14);
        assert_near(&format!("{name}: dθ"), &found.gradient, &numbers(&case["dtheta"]), 1e-14);
    }
}

/// The outputs and gradients of each case of a file, of batches of so many examples.
fn check<L: Layer + DeserializeOwned + 'static>(file: &str, m: usize) {
    for case in list(&golden(file)["layers"]) {
        let name = case["layer"].to_string();
        let mut options = case["layer"].clone();
        options.as_object_mut().unwrap().remove("kind");
        let layer: L = serde_json::from_value(options).unwrap();
        let shape: Shape = serde_json::from_value(case["shape"].clone()).unwrap();
        let x = tensor(shape.batch(m), &case["x"]);
        let found = pass(layer, &numbers(&case["theta"]), &x, &numbers(&case["dy"]), Mode::Check);
        assert_near(&format!("{name}: y"), &found.y, &numbers(&case["y"]), 1e-14);
        assert_near(&format!("{name}: dx"), &found.dx, &numbers(&case["dx"]), 1e-14);
        assert_near(&format!("{name}: dθ"), &found.gradient, &numbers(&case["dtheta"]), 1e-14);
    }
}

#[test]
fn frames_of_clips() {
    check::<Frames>("frames", 2);
}

#[test]
fn the_first_inputs_of_rows() {
    check::<First>("first", 4);
}

#[test]
fn vectors_of_tokens() {
    let golden = &golden("sequences")["tokens"];
    let x = Tensor::from_f64([4, 6], numbers(&golden["x"]));
    let layer = Tokens { tokens: 5, dimension: 3 };
    let found = pass(layer, &numbers(&golden["theta"]), &x, &numbers(&golden["dy"]), Mode::Check);
    assert_eq!(found.y, numbers(&golden["y"]));
    assert_eq!(found.gradient, numbers(&golden["dtheta"]));
}

/// Memory and time grow with the steps alone, but for attention, which says so.
#[test]
fn a_hundred_thousand_steps() {
    let shape: Shape = [100_000, 1].into();
    let mut both = Lstm::new(1);
    both.bidirectional = true;
    let layers: [Box<dyn Layer>; 4] = [
        Box::new(Rnn::new(2)),
        Box::new(Gru::new(2)),
        Box::new(both),
        Box::new(PoolOverTime { take: Gathering::Attention }),
    ];
    let x = Tensor::from_f32([1, 100_000, 1], (0..100_000).map(|i| (i % 7) as f32 - 3.0).collect());
    for layer in layers {
        let network = Network::new(shape, vec![layer]).unwrap();
        let theta = network.initialize(1, Dtype::F32);
        let mut workspace = network.workspace(1, Dtype::F32);
        network.forward(theta.view(), x.view(), &mut workspace, Mode::Check).unwrap();
        ops::fill(workspace.delta(1).1, 1.0);
        let mut gradient = Tensor::zeros(theta.shape(), Dtype::F32);
        network.backward(theta.view(), x.view(), &mut workspace, gradient.view_mut()).unwrap();
        let gradient = gradient.to_f64();
        assert!(gradient.iter().all(|g| g.is_finite()) && gradient.iter().any(|&g| g != 0.0), "{gradient:?}");
    }
    let error = Network::new(shape, vec![Box::new(Attention { heads: 1 })]).unwrap_err();
    assert!(error.message.contains("100000 steps") && error.remedy.unwrap().to_string().contains("gru"));
}
