//! Exclusive or, which no single neuron can tell: build, train, predict. `cargo run -p thalweg --example 01_xor`

use thalweg::Sequential;
use thalweg::losses::SigmoidCrossEntropy;
use thalweg::tensor::{Activation, Tensor};

fn main() -> thalweg::Result<()> {
    // Examples are rows.
    let x = Tensor::from_f64([4, 2], vec![0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0]);
    let y = Tensor::from_f64([4, 1], vec![0.0, 1.0, 1.0, 0.0]);

    // Losses take logits, so the last layer has no activation.
    let xor = Sequential::new(2)
        .linear(8, Activation::Tanh)
        .linear(1, Activation::Identity)
        .loss(SigmoidCrossEntropy)
        .learning_rate(0.05)
        .epochs(300)
        .fit(&x, &y)?;

    for (row, answer) in xor.predict(&x)?.to_f64().into_iter().enumerate() {
        println!("{} xor {}: {answer:.3}", row / 2, row % 2);
    }
    Ok(())
}
