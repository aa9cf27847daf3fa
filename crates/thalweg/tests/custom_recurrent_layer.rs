//! A recurrent layer that uses only the public trait, as proof that the trait supports one: weights shared over time,
//! states kept for the backward pass, gradients summed over steps. It passes the gradient checker, and it learns.

use thalweg::event::Event;
use thalweg::init::Init;
use thalweg::layers::{Backward, Configured, Layer, Linear, Mode, ParameterSpec, Parameters, ParametersMut};
use thalweg::losses::{SigmoidCrossEntropy, Squared};
use thalweg::metrics::Metrics;
use thalweg::network::{Network, gradient_check};
use thalweg::optimizers::Adam;
use thalweg::tensor::{Activation, Dtype, Shape, Tensor, View, ViewMut, ops};
use thalweg::train::{State, TensorDataset, TrainSettings, Trainer};

/// h_t = tanh(x_t Wᵀ + h_{t−1} Uᵀ + b) over the steps of a T × n input, h_0 = 0; the output is h_T.
///
/// Backward, from the last step to the first: dZ_t = dh_t ∗ (1 − h_t²), dW = Σ dZ_tᵀ x_t, dU = Σ dZ_tᵀ h_{t−1},
/// db = Σ dZ_t, dx_t = dZ_t W, dh_{t−1} = dZ_t U.
#[derive(Debug)]
struct Recurrent {
    units: usize,
}

/// The layer's buffers: a step's input, all states, a step's product, and from the third on buffers for gradients.
const STEP: usize = 0;
const STATES: usize = 1;
const SCRATCH: usize = 2;

impl Recurrent {
    fn sizes(&self, input: Shape) -> (usize, usize) {
        (input.dimensions()[0], input.dimensions()[1])
    }
}

impl Configured for Recurrent {
    fn kind(&self) -> &'static str {
        "recurrent"
    }

    fn config(&self) -> serde_json::Value {
        serde_json::json!({ "units": self.units })
    }
}

impl Layer for Recurrent {
    fn describe(&self, input: Shape) -> String {
        format!("recurrent {input} → {}", self.units)
    }

    fn output(&self, _input: Shape) -> thalweg::Result<Shape> {
        Ok([self.units].into())
    }

    fn parameters(&self, input: Shape) -> Vec<ParameterSpec> {
        let (_, n) = self.sizes(input);
        vec![
            ParameterSpec::weight("input_weight", [self.units, n], Init::GlorotUniform),
            ParameterSpec::weight("state_weight", [self.units, self.units], Init::GlorotUniform),
            ParameterSpec::bias("bias", self.units, 0.0),
        ]
    }

    fn saved(&self, input: Shape, m: usize) -> Vec<Shape> {
        let ((steps, n), h) = (self.sizes(input), self.units);
        let states = [m, (steps + 1) * h];
        vec![[m, n].into(), states.into(), [m, h].into(), [m, n].into(), [h, n].into(), [h, h].into()]
    }

    fn forward(&self, theta: Parameters, x: View, mut y: ViewMut, saved: &mut [Tensor], _mode: Mode) {
        let (m, h) = (x.shape().rows(), self.units);
        let n = saved[STEP].shape().columns();
        let steps = x.shape().columns() / n;
        ops::scale(y.reborrow(), 0.0);
        for t in 0..=steps {
            ops::copy_columns(y.view(), 0..h, saved[STATES].rows_mut(m), t * h);
            if t == steps {
                break;
            }
            ops::copy_columns(x, t * n..(t + 1) * n, saved[STEP].rows_mut(m), 0);
            let product = saved[SCRATCH].rows_mut(m);
            ops::linear(
                y.view(),
                theta.get(1),
                Some(theta.get(2)),
                Activation::Identity,
                None,
                product,
                theta.precision,
            );
            ops::linear(
                saved[STEP].rows(m),
                theta.get(0),
                None,
                Activation::Identity,
                None,
                y.reborrow(),
                theta.precision,
            );
            ops::add_scaled(y.reborrow(), 1.0, saved[SCRATCH].rows(m));
            ops::activate(Activation::Tanh, y.reborrow());
        }
    }

    fn backward(&self, theta: Parameters, mut pass: Backward, mut gradient: ParametersMut) {
        let (m, h) = (pass.x.shape().rows(), self.units);
        let n = pass.saved[STEP].shape().columns();
        let steps = pass.x.shape().columns() / n;
        (0..3).for_each(|i| ops::scale(gradient.get(i), 0.0));
        let mut bias = Tensor::zeros([h], pass.x.dtype());
        for t in (0..steps).rev() {
            let [step, states, scratch, dx, dw, du] = &mut pass.saved[..] else { unreachable!("as in `saved`") };
            // dZ_t, overwriting dh_t.
            ops::copy_columns(states.rows(m), (t + 1) * h..(t + 2) * h, scratch.rows_mut(m), 0);
            ops::activate_backward(Activation::Tanh, scratch.rows(m), pass.dy.reborrow());
            ops::copy_columns(pass.x, t * n..(t + 1) * n, step.rows_mut(m), 0);
            let dz = pass.dy.view();
            ops::linear_backward(
                step.rows(m),
                theta.get(0),
                dz,
                dw.view_mut(),
                Some(bias.view_mut()),
                Some(dx.rows_mut(m)),
                theta.precision,
            );
            if let Some(all) = &mut pass.dx {
                ops::copy_columns(dx.rows(m), 0..n, all.reborrow(), t * n);
            }
            ops::copy_columns(states.rows(m), t * h..(t + 1) * h, scratch.rows_mut(m), 0);
            let mut before = Tensor::zeros([m, h], dz.dtype());
            let dh = Some(before.view_mut());
            ops::linear_backward(scratch.rows(m), theta.get(1), dz, du.view_mut(), None, dh, theta.precision);
            for (i, part) in [dw.view(), du.view(), bias.view()].into_iter().enumerate() {
                ops::add_scaled(gradient.get(i), 1.0, part);
            }
            ops::copy(before.view(), pass.dy.reborrow());
        }
    }
}

fn network(steps: usize, n: usize) -> Network {
    let output = Linear::new(1, Activation::Identity);
    let shape: Shape = [steps, n].into();
    Network::new(shape, vec![Box::new(Recurrent { units: 6 }), Box::new(output)]).unwrap()
}

#[test]
fn its_gradients_through_time_agree() {
    let network = network(4, 3);
    let theta = network.initialize(1, Dtype::F64);
    let x = Tensor::from_f64([5, 4, 3], (0..60).map(|i| f64::from(i * 7 % 11) / 5.0 - 1.0).collect());
    let y = Tensor::from_f64([5, 1], vec![0.3, -0.8, 1.0, 0.0, -0.2]);
    let settings = gradient_check::CheckSettings::default();
    let report = gradient_check::check(&network, &Squared, &theta, x.view(), y.view(), None, settings).unwrap();
    assert!(report.passed && report.relative_difference < 1e-8, "{report:?}");
}

#[test]
fn it_learns_which_of_two_signals_came_first() {
    // One step of +1 and one of −1 among eight: a network without memory of the order cannot tell them apart.
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for (a, b) in (0..8).flat_map(|a| (0..8).map(move |b| (a, b))).filter(|(a, b)| a != b) {
        x.extend((0..8).map(|t| {
            if t == a {
                1.0
            } else if t == b {
                -1.0
            } else {
                0.0
            }
        }));
        y.push(f32::from(u8::from(a < b)));
    }
    let m = y.len();
    let train = TensorDataset::new(Tensor::from_f32([m, 8, 1], x), Tensor::from_f32([m, 1], y), None).unwrap();
    let network = network(8, 1);
    let optimizer = Adam::USUAL;
    let settings = TrainSettings { batch_size: 14, epochs: 150, learning_rate: 0.02, ..TrainSettings::default() };
    let trainer = Trainer {
        network: &network,
        loss: &SigmoidCrossEntropy,
        optimizer: &optimizer,
        settings,
        train: &train,
        dev: None,
        evaluate: &|_| Metrics::new(),
    };
    let mut state = State::new(&network, &optimizer, 0, 0.0, Dtype::F32);
    let mut costs = Vec::new();
    let mut record = |event: &Event| {
        if let Event::EpochEnded { cost, .. } = event {
            costs.push(*cost);
        }
    };
    trainer.fit(&mut state, &mut record).unwrap();
    assert!(costs[0] > 0.6 && costs[149] < 0.05, "from {} to {}", costs[0], costs[149]);
}
