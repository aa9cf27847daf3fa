//! Exclusive or, which no single neuron can tell: build, train, predict. `cargo run -p thalweg --example 01_xor`

use thalweg::event::Event;
use thalweg::layers::{Linear, Mode};
use thalweg::losses::SigmoidCrossEntropy;
use thalweg::metrics::Metrics;
use thalweg::network::Network;
use thalweg::optimizers::Adam;
use thalweg::tensor::{Activation, Dtype, Tensor};
use thalweg::train::{Examples, Settings, State, Trainer};

fn main() -> thalweg::Result<()> {
    // Examples are rows.
    let x = Tensor::from_f64([4, 2], vec![0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0]);
    let y = Tensor::from_f64([4, 1], vec![0.0, 1.0, 1.0, 0.0]);
    let train = Examples::new(x.clone(), y, None)?;

    // Losses take logits, so the last layer has no activation.
    let hidden = Box::new(Linear::new(8, Activation::Tanh));
    let network = Network::new(2, vec![hidden, Box::new(Linear::new(1, Activation::Identity))])?;
    let optimizer = Adam::USUAL;
    let settings = Settings { learning_rate: 0.05, epochs: 300, ..Settings::default() };
    let mut state = State::new(&network, &optimizer, settings.seed, 0.0, Dtype::F64);
    let loss = &SigmoidCrossEntropy;
    let evaluate = &|_: &[f64]| Metrics::new();
    let trainer =
        Trainer { network: &network, loss, optimizer: &optimizer, settings, train: &train, dev: None, evaluate };
    trainer.fit(&mut state, &mut |_: &Event| {})?;

    let mut workspace = network.workspace(4, Dtype::F64);
    let logits = network.forward(state.theta.view(), x.view(), &mut workspace, Mode::Predict)?;
    for (row, z) in logits.to_f64().into_iter().enumerate() {
        println!("{} xor {}: {:.3}", row / 2, row % 2, 1.0 / (1.0 + (-z).exp()));
    }
    Ok(())
}
