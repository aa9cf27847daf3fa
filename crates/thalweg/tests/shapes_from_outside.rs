//! Tensors of one's own whose shapes do not fit are errors that name the operation and both shapes.

use thalweg::layers::{Linear, Mode};
use thalweg::losses::{SoftmaxCrossEntropy, Squared};
use thalweg::metrics::Metrics;
use thalweg::network::{Network, Predictor, gradient_check};
use thalweg::optimizers::{Adam, GradientDescent, Optimizer};
use thalweg::tensor::ops::MatmulPrecision;
use thalweg::tensor::{Activation, Dtype, Shape, Tensor};
use thalweg::train::{State, TensorDataset, TrainSettings, Trainer, predict};

fn network(inputs: usize) -> Network {
    Network::new(inputs, vec![Box::new(Linear::new(3, Activation::Identity))]).unwrap()
}

fn zeros(shape: impl Into<Shape>) -> Tensor {
    Tensor::zeros(shape, Dtype::F64)
}

/// Whether it is an error with these texts in it.
fn names<T>(result: thalweg::Result<T>, texts: &[&str]) {
    let Err(error) = result else { panic!("accepted, expected an error with {texts:?}") };
    let told = error.to_string();
    assert!(texts.iter().all(|text| told.contains(text)) && told.contains("fix:"), "{told}");
}

#[test]
fn a_network_s_passes() {
    let network = network(2);
    let (theta, x) = (network.initialize(0, Dtype::F64), zeros([4, 2]));
    let mut workspace = network.workspace(4, Dtype::F64);
    let mut forward = |theta: &Tensor, x: &Tensor| {
        network.forward(theta.view(), x.view(), &mut workspace, Mode::Predict).map(|z| z.to_f64())
    };
    assert_eq!(forward(&theta, &x).unwrap(), [0.0; 12]);
    names(forward(&theta, &zeros([4, 3])), &["Network::forward: x is 4×3 of f64, expected 4×2 of f64"]);
    names(forward(&theta, &zeros([5, 2])), &["x is 5×2", "expected 4×2"]);
    names(forward(&zeros([8]), &x), &["Network::forward: θ is 8 of f64, expected 9 of f64"]);
    names(forward(&theta, &x.to(Dtype::F32)), &["x is 4×2 of f32, expected 4×2 of f64"]);
    let mut backward =
        |gradient: &mut Tensor| network.backward(theta.view(), x.view(), &mut workspace, gradient.view_mut());
    names(backward(&mut zeros([8])), &["Network::backward: dθ is 8", "expected 9"]);
    assert!(backward(&mut zeros([9])).is_ok());
    let other = Network::new(2, vec![Box::new(Linear::new(4, Activation::Identity))]).unwrap();
    let mut workspace = other.workspace(4, Dtype::F64);
    names(network.forward(theta.view(), x.view(), &mut workspace, Mode::Predict), &["workspace", "[[4]]", "[[3]]"]);
}

#[test]
fn a_predictor() {
    let network = network(2);
    let theta = network.initialize(0, Dtype::F64);
    names(Predictor::new(&network, &zeros([3]), 4, MatmulPrecision::F32), &["Predictor::new: θ is 3", "expected 9"]);
    let mut predictor = Predictor::new(&network, &theta, 4, MatmulPrecision::F32).unwrap();
    names(predictor.forward(zeros([2, 5]).view()), &["Predictor::forward: x is 2×5", "expected 2×2"]);
}

#[test]
fn a_gradient_check() {
    let (network, x) = (network(2), zeros([4, 2]));
    let theta = network.initialize(0, Dtype::F64);
    let check = |y: Tensor, weights: Option<&Tensor>| {
        let (weights, settings) = (weights.map(Tensor::view), gradient_check::CheckSettings::default());
        gradient_check::check(&network, &Squared, &theta, x.view(), y.view(), weights, settings)
    };
    assert!(check(zeros([4, 3]), Some(&Tensor::from_f64([4], vec![1.0; 4]))).is_ok());
    names(check(zeros([4, 1]), None), &["gradient_check::check: y is 4×1", "expected 4×3"]);
    names(check(zeros([4, 3]), Some(&zeros([3]))), &["weights is 3", "expected 4"]);
}

#[test]
fn training_and_prediction() {
    let (network, settings) = (network(2), TrainSettings { epochs: 1, ..TrainSettings::default() });
    let fit = |inputs: usize, targets: usize, optimizer: &dyn Optimizer| {
        let train = TensorDataset::new(zeros([4, inputs]), zeros([4, targets]), None).unwrap();
        let mut state = State::new(&network, &GradientDescent, 0, 0.0, Dtype::F64);
        let (settings, evaluate) = (settings.clone(), &|_: &[f64]| Metrics::new());
        let trainer =
            Trainer { network: &network, loss: &Squared, optimizer, settings, train: &train, dev: None, evaluate };
        trainer.fit(&mut state, &mut |_: &thalweg::event::Event| {})
    };
    assert!(fit(2, 3, &GradientDescent).is_ok());
    names(fit(5, 3, &GradientDescent), &["Trainer::fit: x is 4×5", "expected 4×2"]);
    names(fit(2, 1, &GradientDescent), &["Trainer::fit: y is 4×1", "expected 4×3"]);
    names(fit(2, 3, &Adam::USUAL), &["Trainer::fit: the optimiser's state has 0 vectors, expected 2"]);
    let examples = TensorDataset::new(zeros([4, 2]), zeros([4, 2]), None).unwrap();
    let theta = network.initialize(0, Dtype::F64);
    let mut workspace = network.workspace(4, Dtype::F64);
    let found = predict(&network, &SoftmaxCrossEntropy::default(), &theta, &examples, &mut workspace);
    names(found, &["predict: y is 4×2", "expected 4×3"]);
}
