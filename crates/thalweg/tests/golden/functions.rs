//! Activations and losses, each with its derivative.

use serde_json::Value;
use thalweg::losses::{Absolute, Cost, Huber, Loss, SigmoidCrossEntropy, SoftmaxCrossEntropy, Squared};
use thalweg::tensor::{Activation, Dtype, Tensor, ops};

use super::numbers::{assert_each, golden, list, number, numbers, size, tensor, text};

#[test]
fn activations_and_their_derivatives() {
    let golden = golden("activations");
    let z = numbers(&golden["z"]);
    for case in list(&golden["elementwise"]) {
        let name = text(&case["name"]);
        let g: Activation = name.parse().unwrap();
        let before = Tensor::from_f64([z.len(), 1], z.clone());
        let mut a = before.clone();
        ops::activate(g, a.view_mut());
        assert_each(name, &a.to_f64(), &numbers(&case["value"]), 1e-12, 1e-300);

        let mut dz = Tensor::from_f64([z.len(), 1], vec![1.0; z.len()]);
        let saved = if g.needs_input() { &before } else { &a };
        ops::activate_backward(g, saved.view(), dz.view_mut());
        // a(1 − a) and 1 − a² cancel where a is near 1: only 1e-15 of the derivative's precision is left.
        assert_each(&format!("{name}'"), &dz.to_f64(), &numbers(&case["derivative"]), 1e-12, 1e-15);
    }
}

#[test]
fn softmax_and_its_product_with_the_jacobian() {
    let softmax = &golden("activations")["softmax"];
    let columns = size(&softmax["columns"]);
    let shape = [list(&softmax["z"]).len() / columns, columns];
    let mut a = tensor(shape, &softmax["z"]);
    ops::activate(Activation::Softmax, a.view_mut());
    assert_each("softmax", &a.to_f64(), &numbers(&softmax["value"]), 1e-12, 1e-300);
    let mut dz = tensor(shape, &softmax["v"]);
    ops::activate_backward(Activation::Softmax, a.view(), dz.view_mut());
    assert_each("Jᵀv", &dz.to_f64(), &numbers(&softmax["dz"]), 1e-12, 1e-15);
}

fn loss(name: &str, settings: &Value) -> Box<dyn Loss> {
    match name {
        "softmax_cross_entropy" => Box::new(SoftmaxCrossEntropy { smoothing: number(&settings["smoothing"]) }),
        "sigmoid_cross_entropy" => Box::new(SigmoidCrossEntropy),
        "squared" => Box::new(Squared),
        "absolute" => Box::new(Absolute),
        "huber" => Box::new(Huber { delta: number(&settings["delta"]) }),
        _ => panic!("no loss {name}"),
    }
}

#[test]
fn losses_and_their_gradients() {
    for case in list(&golden("losses")["cases"]) {
        let name = text(&case["name"]);
        let loss = loss(text(&case["loss"]), &case["settings"]);
        let outputs = size(&case["outputs"]);
        let m = list(&case["z"]).len() / outputs;
        let z = tensor([m, outputs], &case["z"]);
        let y = tensor([m, list(&case["y"]).len() / m], &case["y"]);
        let weights = (!case["weights"].is_null()).then(|| tensor([m], &case["weights"]));

        let mut cost = Cost::new(m, Dtype::F64);
        let mut dz = Tensor::zeros([m, outputs], Dtype::F64);
        let weights = weights.as_ref().map(Tensor::view);
        let j = cost.compute(&*loss, z.view(), y.view(), weights, Some(dz.view_mut()));
        // ln Σ e^z rounds the 1 of the largest class; a single logit has no such sum.
        let rounding = if loss.name().starts_with("softmax") { 1e-15 } else { 1e-300 };
        assert_each(name, &cost.losses(m).to_f64(), &numbers(&case["rows"]), 1e-12, rounding);
        assert_each(name, &[j], &[number(&case["cost"])], 1e-12, 0.0);
        // ŷ − y cancels where ŷ is near y.
        assert_each(&format!("{name}: dz"), &dz.to_f64(), &numbers(&case["dz"]), 1e-12, 1e-15);
    }
}
