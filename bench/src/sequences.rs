//! Milliseconds of a layer on sequences, forward and backward, dx included; `bench/sequences.py` does the same in PyTorch.

use std::time::Instant;

use anyhow::Result;
use serde_json::{Value, json};
use thalweg::layers::{Activate, Attention, Gru, Layer, Lstm, Mode, Return, Rnn};
use thalweg::network::Network;
use thalweg::tensor::{Activation, Dtype, Shape, Tensor, ops};

use crate::{data, median};

/// Times each layer on a batch of 64, for 40 passes.
pub(crate) fn run() -> Result<Value> {
    let steps = 100;
    let (mut rnn, mut gru, mut lstm) = (Rnn::new(128), Gru::new(128), Lstm::new(128));
    (rnn.returns, gru.returns, lstm.returns) = (Return::All, Return::All, Return::All);
    let layers: [(&str, usize, Box<dyn Layer>); 4] = [
        ("rnn", steps, Box::new(rnn)),
        ("gru", steps, Box::new(gru)),
        ("lstm", steps, Box::new(lstm)),
        ("attention", 128, Box::new(Attention { heads: 4 })),
    ];
    let mut found = serde_json::Map::new();
    for (name, steps, layer) in layers {
        let (m, shape) = (64, Shape::from([steps, 128]));
        // With a layer before it, it has to give dx.
        let before = Box::new(Activate { activation: Activation::Identity });
        let network = Network::new(shape, vec![before, layer])?;
        let theta = network.initialize(1, Dtype::F32);
        let x = Tensor::from_f32(shape.batch(m), data::normal(0, m * shape.size()));
        let mut workspace = network.workspace(m, Dtype::F32);
        let mut gradient = Tensor::zeros(theta.shape(), Dtype::F32);
        let mut pass = || -> Result<f64> {
            let start = Instant::now();
            network.forward(theta.view(), x.view(), &mut workspace, Mode::Check)?;
            let (y, dy) = workspace.delta(m);
            ops::copy(y, dy);
            network.backward(theta.view(), x.view(), &mut workspace, gradient.view_mut())?;
            Ok(1e3 * start.elapsed().as_secs_f64())
        };
        let times = (0..40).map(|_| pass()).collect::<Result<Vec<f64>>>()?;
        let best = times.iter().copied().fold(f64::INFINITY, f64::min);
        found.insert(name.into(), json!({ "best_ms": best, "median_ms": median(times) }));
    }
    Ok(found.into())
}
