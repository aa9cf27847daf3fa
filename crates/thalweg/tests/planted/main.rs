//! Gradients that are wrong on purpose: the gradient check must catch each one and name the place.

mod faults;
mod wrappers;

use faults::{
    IN_EMBEDDINGS, IN_LAYERS, IN_LOSSES, batch_norm, cross_entropy, embedding, fixed_mask, gelu, leaky, linear,
    softmax, tanh,
};
use thalweg::layers::Layer;
use thalweg::losses::Loss;
use thalweg::network::Network;
use thalweg::network::gradient_check::{Report, Settings, check};
use thalweg::tensor::{Activation, Dtype, Tensor};
use wrappers::{Faulty, FaultyLoss};

/// Examples in the batch.
const M: usize = 6;
/// λ/m of the L2 term.
const L2: f64 = 0.3;
/// What a right gradient must reach.
const TOLERANCE: f64 = 1e-7;

/// Linear layers around the one to be checked, which is number 1 and takes and gives four numbers.
fn around(layer: Box<dyn Layer>) -> Vec<Box<dyn Layer>> {
    vec![linear(4, Activation::Tanh), layer, linear(3, Activation::Identity)]
}

/// Checks at a θ where no bias is 0 and no γ is 1, with L2 in, on examples with weights; x holds two numbers, two codes.
fn report(layers: Vec<Box<dyn Layer>>, loss: &dyn Loss, epsilon: f64) -> Report {
    let network = Network::new(4, layers).unwrap();
    let mut theta = network.initialize(11, Dtype::F64);
    for entry in network.layout().entries().iter().filter(|entry| !entry.decays) {
        entry.range().for_each(|i| {
            let value = theta.view().at(i);
            theta.view_mut().set(i, value + 0.3 * (i as f64).sin());
        });
    }
    let (codes, dense) = ([[1, 0], [2, 2], [1, 2], [0, 1], [2, 2], [1, 1]], |i: usize| (2.3 * i as f64).sin() * 1.5);
    let x = (0..M).flat_map(|i| [dense(2 * i), dense(2 * i + 1), f64::from(codes[i][0]), f64::from(codes[i][1])]);
    let x = Tensor::from_f64([M, 4], x.collect());
    let y = match loss.name() {
        "softmax_cross_entropy" => Tensor::from_f64([M, 1], vec![0.0, 2.0, 1.0, 1.0, 0.0, 2.0]),
        "sigmoid_cross_entropy" => Tensor::from_f64([M, 3], (0..3 * M).map(|i| f64::from(i % 5 < 2)).collect()),
        _ => Tensor::from_f64([M, 3], (0..3 * M).map(|i| 2.0 * (1.7 * i as f64).cos()).collect()),
    };
    let weights = Tensor::from_f64([M], vec![1.0, 0.5, 2.0, 1.0, 1.5, 1.0]);
    let settings = Settings { epsilon, l2: L2, tolerance: TOLERANCE, ..Settings::default() };
    check(&network, loss, &theta, x.view(), y.view(), Some(weights.view()), settings)
}

fn assert_caught(what: &str, found: &Report, layer: &str, parameter: &str) {
    assert!(!found.passed, "{what}: not caught\n{found:#?}");
    let culprit = found.culprit(TOLERANCE).unwrap();
    let named = culprit.name == layer && parameter.split(" or ").any(|parameter| parameter == culprit.parameter);
    assert!(named, "{what}: expected {layer} {parameter}, named {culprit:?}\n{found:#?}");
}

fn assert_right(what: &str, found: &Report, smooth: bool) {
    let most = if smooth { 1e-8 } else { TOLERANCE };
    assert!(found.passed && found.relative_difference < most, "{what}: {}\n{found:#?}", found.relative_difference);
    let share_skipped = found.kinks_skipped as f64 / (found.parameters_checked + found.kinks_skipped) as f64;
    assert!(share_skipped < 0.05, "{what}: {share_skipped} of the coordinates were skipped");
}

#[test]
fn every_wrong_layer_is_caught_and_named() {
    for &(what, layer, parameter, fault) in IN_LAYERS {
        let faulty = Box::new(Faulty { layer: layer(), fault });
        assert_caught(what, &report(around(faulty), &*cross_entropy(), 1e-5), "layers.1", parameter);
    }
    for &(what, table, fault) in IN_EMBEDDINGS {
        let faulty: Box<dyn Layer> = Box::new(Faulty { layer: embedding(), fault });
        let found = report(vec![faulty, linear(3, Activation::Identity)], &*cross_entropy(), 1e-5);
        assert_caught(what, &found, "layers.0", table);
    }
}

#[test]
fn every_wrong_loss_is_caught_and_named() {
    for &(what, loss, fault) in IN_LOSSES {
        let loss = FaultyLoss { loss: loss(), fault };
        assert_caught(what, &report(around(tanh()), &loss, 1e-5), "loss", "logits");
    }
}

/// The wrappers without a fault: what they wrap is right, so that it is the fault that is caught.
#[test]
fn the_right_ones_pass() {
    for layer in [tanh, leaky, gelu, softmax, batch_norm, fixed_mask] {
        let right = Box::new(Faulty { layer: layer(), fault: |_| {} });
        let (what, smooth) =
            (right.describe([4].into()), right.layer.describe([4].into()) != leaky().describe([4].into()));
        let epsilon = if smooth { 1e-5 } else { 1e-6 };
        assert_right(&what, &report(around(right), &*cross_entropy(), epsilon), smooth);
    }
    let found = report(vec![embedding(), linear(3, Activation::Identity)], &*cross_entropy(), 1e-5);
    assert_right("embedding", &found, true);
    for (_, loss, _) in IN_LOSSES {
        let right = FaultyLoss { loss: loss(), fault: |_, _, _| {} };
        assert_right(right.name(), &report(around(tanh()), &right, 1e-5), true);
    }
}
