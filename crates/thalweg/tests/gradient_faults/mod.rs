//! Gradients that are wrong on purpose: the gradient check must catch each one and name its location.

mod faults;
mod wrappers;

use faults::{
    IN_EMBEDDINGS, IN_LAYERS, IN_LOSSES, batch_norm, cross_entropy, embedding, fixed_mask, gelu, leaky, linear,
    softmax, tanh,
};
use thalweg::layers::{self, Activate, Layer};
use thalweg::losses::{self, Loss};
use thalweg::network::Network;
use thalweg::network::gradient_check::{CheckSettings, Report, check};
use thalweg::tensor::{Activation, Dtype, Shape, Tensor};
use wrappers::{Faulty, FaultyLoss};

/// Examples in the batch.
const M: usize = 6;
/// λ/m of the L2 term.
const L2: f64 = 0.3;
/// The error that a correct gradient must stay below.
const TOLERANCE: f64 = 1e-7;

/// Linear layers around the one to be checked, which has index 1 and four inputs and outputs.
fn around(layer: Box<dyn Layer>) -> Vec<Box<dyn Layer>> {
    vec![linear(4, Activation::Tanh), layer, linear(3, Activation::Identity)]
}

/// Checks at a θ where no bias is 0 and no γ is 1, with an L2 term, on weighted examples.
fn report(layers: Vec<Box<dyn Layer>>, loss: &dyn Loss, epsilon: f64) -> Report {
    let classes = loss.name() == "softmax_cross_entropy";
    report_of(Network::new(4, layers).unwrap(), loss, if classes { 1 } else { 3 }, epsilon)
}

/// The same for a network of three outputs with any inputs: floats, but codes 0, 1, 2 from the third column on for an
/// embedding.
fn report_of(network: Network, loss: &dyn Loss, target_columns: usize, epsilon: f64) -> Report {
    let mut theta = network.initialize(11, Dtype::F64);
    for entry in network.layout().entries().iter().filter(|entry| !entry.decays) {
        entry.range().for_each(|i| {
            let value = theta.view().at(i);
            theta.view_mut().set(i, value + 0.3 * (i as f64).sin());
        });
    }
    let table = |columns: usize, cell: &dyn Fn(usize, usize) -> f64| {
        let cells = (0..M).flat_map(|i| (0..columns).map(move |j| cell(i, j)));
        Tensor::from_f64([M, columns], cells.collect())
    };
    let any = |i: usize, j: usize| 1.5 * (2.3 * (5 * i + j) as f64 + 0.1).sin();
    let code = |i: usize, j: usize| ((i * 7 / 4 + j) % 3) as f64;
    let embeds = network.layers().iter().any(|layer| layer.kind() == "embedding");
    let x = table(network.input().size(), &|i, j| if embeds && j >= 2 { code(i, j) } else { any(i, j) });
    let y = table(target_columns, &|i, j| match (loss.name(), target_columns) {
        ("softmax_cross_entropy", 1) => code(i, 1),
        ("softmax_cross_entropy", _) => [0.2, 0.5, 0.3][(i + j) % 3],
        ("sigmoid_cross_entropy", _) => f64::from(code(i, j) < 1.0),
        _ => 2.0 * (1.7 * (3 * i + j) as f64).cos(),
    });
    let weights = Tensor::from_f64([M], vec![1.0, 0.5, 2.0, 1.0, 1.5, 1.0]);
    let settings = CheckSettings { epsilon, l2: L2, tolerance: TOLERANCE, ..CheckSettings::default() };
    check(&network, loss, &theta, x.view(), y.view(), Some(weights.view()), settings).unwrap()
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

/// The wrappers without a fault: what they wrap is correct, so that it is the fault that is caught.
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

/// Every layer, in every form that its registry line shows, with every loss.
#[test]
fn every_layer_passes_with_every_loss() {
    let mut pairs = 0;
    for kind in layers::ALL {
        let shapes: Vec<Shape> = (kind.examples)().into_iter().map(|(_, shape)| shape).collect();
        for (at, shape) in shapes.into_iter().enumerate() {
            for &(loss, target_columns) in losses::ALL.iter().flat_map(|registered| registered.usual) {
                // The identity before it has its dX checked; the tanh after it makes the cost depend on every output.
                let (layer, _) = (kind.examples)().swap_remove(at);
                let identity = Box::new(Activate { activation: Activation::Identity });
                let around = vec![identity, layer, linear(4, Activation::Tanh), linear(3, Activation::Identity)];
                let network = Network::new(shape, around).unwrap();
                let what = format!("{} with {}", network.layers()[1].describe(shape), loss.name());
                assert_right(&what, &report_of(network, loss, target_columns, 1e-5), true);
                pairs += 1;
            }
        }
    }
    assert!(pairs >= 100, "{pairs} pairs");
}
