//! A complete network's cost and gradient, and complete training runs.

use serde_json::Value;
use thalweg::event::Event;
use thalweg::layers::{Layer, Linear, Mode};
use thalweg::losses::{Cost, SoftmaxCrossEntropy};
use thalweg::metrics::Metrics;
use thalweg::network::Network;
use thalweg::optimizers::{Adam, GradientDescent, Momentum, MomentumForm, Optimizer};
use thalweg::schedule::Schedule;
use thalweg::tensor::{Activation, Dtype, Tensor};
use thalweg::train::{State, TensorDataset, TrainSettings, Trainer};

use super::numbers::{assert_each, assert_near, golden, list, number, numbers, size, tensor};

fn tanh_network(sizes: &[usize]) -> Network {
    let layer = |i: usize, &units: &usize| -> Box<dyn Layer> {
        let last = i + 2 == sizes.len();
        Box::new(Linear::new(units, if last { Activation::Identity } else { Activation::Tanh }))
    };
    Network::new(sizes[0], sizes[1..].iter().enumerate().map(|(i, units)| layer(i, units)).collect()).unwrap()
}

fn sizes(value: &Value) -> Vec<usize> {
    list(value).iter().map(size).collect()
}

#[test]
fn a_whole_network_with_the_l2_term() {
    let golden = golden("network");
    let network = tanh_network(&sizes(&golden["sizes"]));
    let m = size(&golden["m"]);
    let l2 = number(&golden["l2"]) / m as f64;
    let theta = tensor([network.layout().len()], &golden["theta"]);
    let (x, y) = (tensor([m, 20], &golden["x"]), tensor([m, 1], &golden["y"]));
    let mut gradient = Tensor::zeros(theta.shape(), Dtype::F64);
    let mut workspace = network.workspace(m, Dtype::F64);
    network.forward(theta.view(), x.view(), &mut workspace, Mode::Predict).unwrap();
    let (z, dz) = workspace.delta(m);
    assert_near("z", &z.to_f64(), &numbers(&golden["z"]), 1e-14);
    let data_cost = Cost::new(m, Dtype::F64).compute(&CROSS_ENTROPY, z, y.view(), None, Some(dz));
    assert_each("cost without L2", &[data_cost], &[number(&golden["data_cost"])], 1e-14, 0.0);
    assert_each("cost", &[data_cost + network.l2_cost(theta.view(), l2)], &[number(&golden["cost"])], 1e-14, 0.0);
    network.backward(theta.view(), x.view(), &mut workspace, gradient.view_mut()).unwrap();
    network.add_l2_gradient(theta.view(), l2, gradient.view_mut());
    assert_near("dθ", &gradient.to_f64(), &numbers(&golden["gradient"]), 1e-13);
}

const CROSS_ENTROPY: SoftmaxCrossEntropy = SoftmaxCrossEntropy { smoothing: 0.0 };

/// Trains on all of iris as a single batch, and compares every cost and the result.
fn train(name: &str, optimizer: &dyn Optimizer, settings: TrainSettings, weighted: bool) {
    let golden = golden("training");
    let expected = &golden[name];
    let network = tanh_network(&sizes(&golden["sizes"]));
    let (x, y) = (tensor([150, 4], &golden["x"]), tensor([150, 1], &golden["y"]));
    let weights = weighted.then(|| tensor([150], &golden["weights"]));
    let examples = TensorDataset::new(x, y, weights).unwrap();
    let theta = tensor([network.layout().len()], &golden["theta"]);
    let averaged = settings.average > 0.0;
    let mut state = State::from_theta(&network, optimizer, theta, settings.average);
    let epochs = size(&golden["steps"]);
    let settings = TrainSettings { epochs, batch_size: 150, ..settings };
    let evaluate = |_: &[f64]| Metrics::new();
    let trainer = Trainer {
        network: &network,
        loss: &CROSS_ENTROPY,
        optimizer,
        settings,
        train: &examples,
        dev: None,
        evaluate: &evaluate,
    };
    let mut costs = Vec::new();
    let mut record = |event: &Event| {
        if let Event::EpochEnded { cost, .. } = event {
            costs.push(*cost);
        }
    };
    trainer.fit(&mut state, &mut record).unwrap();
    assert_each(&format!("{name}: costs"), &costs, &numbers(&expected["costs"]), 1e-10, 0.0);
    assert_near(&format!("{name}: θ"), &state.theta.to_f64(), &numbers(&expected["theta"]), 1e-10);
    let kept = if averaged { "average" } else { "theta" };
    assert_near(&format!("{name}: the {kept} is kept"), &state.best_theta.to_f64(), &numbers(&expected[kept]), 1e-10);
}

#[test]
fn gradient_descent_on_iris() {
    train(
        "gradient_descent",
        &GradientDescent,
        TrainSettings { learning_rate: 0.1, ..TrainSettings::default() },
        false,
    );
}

#[test]
fn momentum_on_iris_with_a_clipped_gradient() {
    let momentum = Momentum { form: MomentumForm::Pytorch, ..Momentum::COURSE };
    train(
        "momentum",
        &momentum,
        TrainSettings { learning_rate: 0.05, clip_norm: 0.1, ..TrainSettings::default() },
        false,
    );
}

#[test]
fn adamw_on_iris_with_weights_l2_cosine_and_an_average() {
    let adamw = Adam { weight_decay: 0.1, ..Adam::USUAL };
    let settings = TrainSettings {
        learning_rate: 0.03,
        schedule: Schedule::Cosine,
        l2: 2.0,
        average: 0.9,
        ..TrainSettings::default()
    };
    train("adamw", &adamw, settings, true);
}
