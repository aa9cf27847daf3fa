//! The wrong gradients, and the correct layers and losses into which they are injected.

use thalweg::layers::{
    Activate, Backward, BatchNorm, Configured, Embedded, Embedding, Layer, Linear, Mode, Parameters, ParametersMut,
};
use thalweg::losses::{Absolute, Huber, Loss, SigmoidCrossEntropy, SoftmaxCrossEntropy, Squared};
use thalweg::tensor::ops::{self, LossOutput};
use thalweg::tensor::{Activation, Dtype, Shape, Tensor, View, ViewMut};

use super::wrappers::{Written, rewrite};
use super::{L2, M};

pub(crate) fn linear(units: usize, g: Activation) -> Box<dyn Layer> {
    Box::new(Linear::new(units, g))
}

pub(crate) fn tanh() -> Box<dyn Layer> {
    linear(4, Activation::Tanh)
}

pub(crate) fn leaky() -> Box<dyn Layer> {
    linear(4, Activation::LeakyRelu(0.2))
}

pub(crate) fn gelu() -> Box<dyn Layer> {
    linear(4, Activation::Gelu)
}

pub(crate) fn softmax() -> Box<dyn Layer> {
    Box::new(Activate { activation: Activation::Softmax })
}

pub(crate) fn batch_norm() -> Box<dyn Layer> {
    Box::new(BatchNorm::default())
}

pub(crate) fn fixed_mask() -> Box<dyn Layer> {
    Box::new(FixedMask)
}

/// Two values pass through, two codes become two values each.
pub(crate) fn embedding() -> Box<dyn Layer> {
    let columns = vec![Embedded { slots: 3, dimension: 2 }, Embedded { slots: 3, dimension: 2 }];
    Box::new(Embedding { dense: 2, columns })
}

pub(crate) fn cross_entropy() -> Box<dyn Loss> {
    Box::new(SoftmaxCrossEntropy { smoothing: 0.1 })
}

type Make<T> = fn() -> Box<T>;
pub(crate) type Fault = fn(&mut Written);

/// What is wrong, in which layer, the parameter that must be named, and the fault. A wrong dZ affects dW and db alike.
pub(crate) const IN_LAYERS: &[(&str, Make<dyn Layer>, &str, Fault)] = &[
    ("dW without the 1/m", tanh, "weight", |p| p.parameter(0, |_, dw| M as f64 * dw)),
    ("dW with the wrong sign", tanh, "weight", |p| p.parameter(0, |_, dw| -dw)),
    ("dW transposed", tanh, "weight", |p| {
        let dw = p.gradient.get(0).view().to_f64();
        p.parameter(0, |i, _| dw[i % 4 * 4 + i / 4]);
    }),
    ("dW forgotten", tanh, "weight", |p| p.parameter(0, |_, _| 0.0)),
    ("one entry of dW a thousandth off", tanh, "weight", |p| {
        p.parameter(0, |i, dw| if i == 7 { 1.001 * dw } else { dw });
    }),
    ("the L2 term left out of dW", tanh, "weight", |p| {
        let w = p.theta.get(0);
        p.parameter(0, |i, dw| dw - L2 * w.at(i));
    }),
    ("the L2 term's ½ not cancelled by the square", tanh, "weight", |p| {
        let w = p.theta.get(0);
        p.parameter(0, |i, dw| dw - 0.5 * L2 * w.at(i));
    }),
    ("the L2 term in db too", tanh, "bias", |p| {
        let b = p.theta.get(1);
        p.parameter(1, |i, db| db + L2 * b.at(i));
    }),
    ("db of the last example, not the sum", tanh, "bias", |p| {
        let (dy, y) = (p.dy, p.y);
        p.parameter(1, |i, _| dy.at(4 * (M - 1) + i) * (1.0 - y.at(4 * (M - 1) + i).powi(2)));
    }),
    ("db divided by m once more", tanh, "bias", |p| p.parameter(1, |_, db| db / M as f64)),
    ("dX by W instead of its transpose", tanh, "input", |p| {
        let (w, dy, y) = (p.theta.get(0), p.dy, p.y);
        let dz = |i: usize| dy.at(i) * (1.0 - y.at(i).powi(2));
        p.input(|i, _| (0..4).map(|k| dz(i / 4 * 4 + k) * w.at(i % 4 * 4 + k)).sum());
    }),
    ("dX forgotten", tanh, "input", |p| p.input(|_, _| 0.0)),
    ("dX added to what was there", tanh, "input", |p| p.input(|_, dx| dx + 0.01)),
    ("tanh' forgotten", tanh, "weight or bias", |p| {
        let dy = p.dy;
        p.gradients_by_dz(|i| dy.at(i));
    }),
    ("tanh' of a instead of z", tanh, "weight or bias", |p| {
        let (dy, y) = (p.dy, p.y);
        p.gradients_by_dz(|i| dy.at(i) * (1.0 - y.at(i).tanh().powi(2)));
    }),
    ("σ' in the place of tanh'", tanh, "weight or bias", |p| {
        let (dy, y) = (p.dy, p.y);
        p.gradients_by_dz(|i| dy.at(i) * y.at(i) * (1.0 - y.at(i)));
    }),
    ("leaky ReLU's slope forgotten", leaky, "weight or bias", |p| {
        let (dy, y) = (p.dy, p.y);
        p.gradients_by_dz(|i| if y.at(i) > 0.0 { dy.at(i) } else { 0.0 });
    }),
    ("ReLU's derivative by the sign of dA", leaky, "weight or bias", |p| {
        let dy = p.dy;
        p.gradients_by_dz(|i| dy.at(i).max(0.2 * dy.at(i)));
    }),
    ("GELU's derivative at a instead of z", gelu, "weight or bias", |p| {
        let mut dz = p.dy.to_tensor();
        ops::activate_backward(Activation::Gelu, p.y, dz.view_mut());
        p.gradients_by_dz(|i| dz.view().at(i));
    }),
    ("softmax's derivative without its off-diagonal", softmax, "input", |p| {
        let (dy, y) = (p.dy, p.y);
        p.input(|i, _| dy.at(i) * y.at(i) * (1.0 - y.at(i)));
    }),
    ("batch norm's mean held still", batch_norm, "input", |p| {
        let column = |dx: &[f64], j: usize| (0..M).map(|i| dx[4 * i + j]).sum::<f64>();
        let (gamma, dy, inverse_std) = (p.theta.get(0), p.dy.to_f64(), inverse_std(p.x));
        // The term of dμ in dz is −γ Σ dz̃ / (m √(σ² + ε)).
        p.input(|i, dx| dx + gamma.at(i % 4) * column(&dy, i % 4) * inverse_std[i % 4] / M as f64);
    }),
    ("batch norm's variance held still", batch_norm, "input", |p| {
        let column = |dx: &[f64], j: usize| (0..M).map(|i| dx[4 * i + j]).sum::<f64>();
        let (gamma, dy, inverse_std) = (p.theta.get(0), p.dy.to_f64(), inverse_std(p.x));
        p.input(|i, _| gamma.at(i % 4) * (dy[i] - column(&dy, i % 4) / M as f64) * inverse_std[i % 4]);
    }),
    ("batch norm by stale statistics", batch_norm, "input", |p| {
        let (gamma, variance, dy) = (p.theta.get(0), p.theta.get(3), p.dy);
        p.input(|i, _| gamma.at(i % 4) * dy.at(i) / (variance.at(i % 4) + 1e-5).sqrt());
    }),
    ("γ left out of dX", batch_norm, "input", |p| {
        let gamma = p.theta.get(0);
        p.input(|i, dx| dx / gamma.at(i % 4));
    }),
    ("dγ forgotten", batch_norm, "gamma", |p| p.parameter(0, |_, _| 0.0)),
    ("dγ by z instead of its norm", batch_norm, "gamma", |p| {
        let (x, dy) = (p.x, p.dy);
        p.parameter(0, |j, _| (0..M).map(|i| dy.at(4 * i + j) * x.at(4 * i + j)).sum());
    }),
    ("dβ as a mean", batch_norm, "beta", |p| p.parameter(1, |_, db| db / M as f64)),
    ("dropout's mask not applied to dA", fixed_mask, "input", |p| {
        let dy = p.dy;
        p.input(|i, _| dy.at(i) / KEEP);
    }),
    ("dA not divided by keep_prob", fixed_mask, "input", |p| p.input(|_, dx| dx * KEEP)),
];

/// The same for the embedding, which is layer 0: nothing can precede codes.
pub(crate) const IN_EMBEDDINGS: &[(&str, &str, Fault)] = &[
    ("an embedding's gradient in the wrong row", "table0", |p| {
        let right = p.gradient.get(0).view().to_f64();
        p.parameter(0, |i, _| right[(i + 2) % 6]);
    }),
    ("a repeated code's gradient overwritten", "table1", |p| {
        let (x, dy) = (p.x, p.dy);
        let last = |code: usize| (0..M).rev().find(|&i| x.at(4 * i + 3) == code as f64).unwrap();
        p.parameter(1, |i, _| dy.at(6 * last(i / 2) + 4 + i % 2));
    }),
];

pub(crate) type LossFault = fn(View, View, &mut ViewMut);

/// Faults in a loss's delta.
pub(crate) const IN_LOSSES: &[(&str, Make<dyn Loss>, LossFault)] = &[
    ("softmax's delta halved", cross_entropy, |_, _, dz| rewrite(dz, |_, dz| 0.5 * dz)),
    ("Y − A instead of A − Y", cross_entropy, |_, _, dz| rewrite(dz, |_, dz| -dz)),
    ("no 1/m in the delta", cross_entropy, |_, _, dz| rewrite(dz, |_, dz| M as f64 * dz)),
    ("label smoothing left out of the delta", cross_entropy, |z, y, dz| {
        let mut loss = Tensor::zeros([M], Dtype::F64);
        let own = LossOutput { loss: loss.view_mut(), dz: Some(dz.reborrow()) };
        SoftmaxCrossEntropy { smoothing: 0.0 }.loss(z, y, own);
    }),
    (
        "σ' once more in the delta",
        || Box::new(SigmoidCrossEntropy),
        |z, _, dz| {
            let a = |i: usize| 1.0 / (1.0 + (-z.at(i)).exp());
            rewrite(dz, |i, dz| dz * a(i) * (1.0 - a(i)));
        },
    ),
    (
        "the mean over labels in the delta alone",
        || Box::new(SigmoidCrossEntropy),
        |_, _, dz| {
            rewrite(dz, |_, dz| dz / 3.0);
        },
    ),
    ("the square's ½ forgotten in the delta", || Box::new(Squared), |_, _, dz| rewrite(dz, |_, dz| 2.0 * dz)),
    (
        "the absolute error's delta not a sign",
        || Box::new(Absolute),
        |z, y, dz| {
            rewrite(dz, |i, _| z.at(i) - y.at(i));
        },
    ),
    ("Huber's delta not cut", || Box::new(Huber { delta: 0.5 }), |z, y, dz| rewrite(dz, |i, _| z.at(i) - y.at(i))),
];

pub(crate) fn inverse_std(x: View) -> Vec<f64> {
    let column = |j: usize| (0..M).map(move |i| x.at(4 * i + j));
    let of = |j: usize| {
        let mean = column(j).sum::<f64>() / M as f64;
        let variance = column(j).map(|z| (z - mean).powi(2)).sum::<f64>() / M as f64;
        1.0 / (variance + 1e-5).sqrt()
    };
    (0..4).map(of).collect()
}

/// Dropout with a fixed mask, for the check: real dropout is off in checks.
#[derive(Debug)]
pub(crate) struct FixedMask;

pub(crate) const KEEP: f64 = 0.75;

/// Every fourth unit is dropped.
pub(crate) fn mask(i: usize) -> f64 {
    if i % 4 == 3 { 0.0 } else { 1.0 }
}

impl Configured for FixedMask {
    fn kind(&self) -> &'static str {
        "fixed_mask"
    }

    fn config(&self) -> serde_json::Value {
        serde_json::Value::Null
    }
}

impl Layer for FixedMask {
    fn describe(&self, _input: Shape) -> String {
        "fixed mask".into()
    }

    fn output(&self, input: Shape) -> thalweg::Result<Shape> {
        Ok(input)
    }

    fn forward(&self, _theta: Parameters, x: View, mut y: ViewMut, _saved: &mut [Tensor], _mode: Mode) {
        rewrite(&mut y, |i, _| x.at(i) * mask(i) / KEEP);
    }

    fn backward(&self, _theta: Parameters, pass: Backward, _gradient: ParametersMut) {
        let dy = pass.dy.view();
        if let Some(mut dx) = pass.dx {
            rewrite(&mut dx, |i, _| dy.at(i) * mask(i) / KEEP);
        }
    }
}
