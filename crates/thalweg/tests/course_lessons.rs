//! The course's small lessons, each as a self-contained test.

use thalweg::average::smooth;
use thalweg::init::Init;
use thalweg::layers::{BatchNorm, Dropout, Gru, Layer, Linear, Lstm, Mode, RngContext, Rnn};
use thalweg::losses::{Cost, Loss, SigmoidCrossEntropy, Squared};
use thalweg::network::Network;
use thalweg::network::gradient_check::{one_sided, two_sided};
use thalweg::optimizers::{Adam, GradientDescent, Momentum, MomentumForm, Optimizer, Step, new_state};
use thalweg::tensor::{Activation, Dtype, Shape, Tensor, ops};

/// A row-major matrix of f64.
fn matrix<const M: usize, const N: usize>(rows: [[f64; N]; M]) -> Tensor {
    Tensor::from_f64([M, N], rows.concat())
}

fn linear(units: usize, g: Activation) -> Box<dyn Layer> {
    Box::new(Linear::new(units, g))
}

fn drawn(units: usize, g: Activation, init: Init) -> Box<dyn Layer> {
    Box::new(Linear { init: Some(init), ..Linear::new(units, g) })
}

/// The network's outputs for x, as in prediction.
fn outputs(network: &Network, theta: &Tensor, x: &Tensor) -> Vec<f64> {
    let mut workspace = network.workspace(x.shape().rows(), Dtype::F64);
    network.forward(theta.view(), x.view(), &mut workspace, Mode::Predict).unwrap().to_f64()
}

/// J and dθ on all examples.
fn cost_and_gradient(network: &Network, loss: &dyn Loss, theta: &Tensor, x: &Tensor, y: &Tensor) -> (f64, Tensor) {
    let m = x.shape().rows();
    let mut workspace = network.workspace(m, Dtype::F64);
    let mut gradient = Tensor::zeros(theta.shape(), Dtype::F64);
    network.forward(theta.view(), x.view(), &mut workspace, Mode::Check).unwrap();
    let (z, dz) = workspace.delta(m);
    let j = Cost::new(m, Dtype::F64).compute(loss, z, y.view(), None, Some(dz));
    network.backward(theta.view(), x.view(), &mut workspace, gradient.view_mut()).unwrap();
    (j, gradient)
}

/// `steps` times θ := θ − α dθ; returns the last J.
fn descend(
    network: &Network,
    loss: &dyn Loss,
    theta: &mut Tensor,
    x: &Tensor,
    y: &Tensor,
    alpha: f64,
    steps: u64,
) -> f64 {
    for t in 1..=steps {
        let (_, gradient) = cost_and_gradient(network, loss, theta, x, y);
        GradientDescent.step(Step { t, learning_rate: alpha }, theta.view_mut(), gradient.view(), &mut []);
    }
    cost_and_gradient(network, loss, theta, x, y).0
}

fn assert_close(a: f64, b: f64, tolerance: f64) {
    assert!((a - b).abs() <= tolerance * b.abs().max(1.0), "{a} is not {b}");
}

fn exclusive_or() -> (Tensor, Tensor) {
    (matrix([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), matrix([[0.0], [1.0], [1.0], [0.0]]))
}

/// f(θ) = θ³ at 1 has slope 3. With ε = 0.01 the one-sided difference is 0.03 off, the two-sided 0.0001: O(ε), O(ε²).
#[test]
fn two_sided_differences_are_far_better() {
    let cube = |theta: f64| theta.powi(3);
    assert_close(one_sided(cube, 1.0, 0.01), 3.0301, 1e-12);
    assert_close(two_sided(cube, 1.0, 0.01), 3.0001, 1e-12);
    // A tenth of ε: a tenth of one error, a hundredth of the other.
    assert_close(one_sided(cube, 1.0, 0.001) - 3.0, 0.003_001, 1e-9);
    assert_close(two_sided(cube, 1.0, 0.001) - 3.0, 0.000_001, 1e-9);
}

/// A neuron with ReLU is the smallest network: a price from a size, never below 0.
#[test]
fn one_neuron_prices_a_house() {
    let network = Network::new(1, vec![linear(1, Activation::Relu)]).unwrap();
    let theta = Tensor::from_f64([2], vec![3.0, -60.0]); // w = 3 thousand per square metre, b = −60 thousand
    assert_eq!(outputs(&network, &theta, &matrix([[10.0], [20.0], [100.0]])), [0.0, 0.0, 240.0]);
}

/// The course's loop over examples and its vectorised form, dZ = A − Y, dw = X dZᵀ / m, db = mean dZ, agree.
#[test]
fn logistic_regression_by_loop_and_by_matrix() {
    let x = matrix([[0.5, -1.0, 2.0], [1.5, 0.3, -0.7], [-0.2, 0.8, 0.1], [1.0, 1.0, -1.0], [0.0, -0.4, 0.6]]);
    let y = matrix([[1.0], [0.0], [1.0], [1.0], [0.0]]);
    let (w, b) = ([0.2, -0.5, 0.9], 0.1);

    let (mut j, mut dw, mut db) = (0.0, [0.0; 3], 0.0);
    for i in 0..5 {
        let x: Vec<f64> = (0..3).map(|k| x.view().at(3 * i + k)).collect();
        let y = y.view().at(i);
        let z = w.iter().zip(&x).map(|(w, x)| w * x).sum::<f64>() + b;
        let a = 1.0 / (1.0 + (-z).exp());
        j += -(y * a.ln() + (1.0 - y) * (1.0 - a).ln());
        let dz = a - y;
        (0..3).for_each(|k| dw[k] += x[k] * dz);
        db += dz;
    }

    let network = Network::new(3, vec![linear(1, Activation::Identity)]).unwrap();
    let theta = Tensor::from_f64([4], vec![w[0], w[1], w[2], b]);
    let (cost, gradient) = cost_and_gradient(&network, &SigmoidCrossEntropy, &theta, &x, &y);
    assert_close(cost, j / 5.0, 1e-14);
    for (k, by_loop) in dw.into_iter().chain([db]).enumerate() {
        assert_close(gradient.view().at(k), by_loop / 5.0, 1e-14);
    }
}

/// The course's X is n_x × m with one example per column. Stored column-major, that is our m × n_x row-major: the same
/// bytes, and Z[i, j] of Z = W X + b is at the same index as our Z[j, i].
#[test]
fn the_course_s_columns_are_our_rows() {
    const M: usize = 3;
    const N_X: usize = 2;
    const N: usize = 2;
    let x = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]; // examples (1, 2), (3, 4), (5, 6)
    let (w, b) = ([[0.5, -1.0], [2.0, 0.25]], [0.1, -0.2]);
    let mut z = [0.0; N * M];
    for j in 0..M {
        for i in 0..N {
            // Entry (i, j) of a column-major matrix with n rows is at index i + n·j.
            z[i + N * j] = (0..N_X).map(|k| w[i][k] * x[k + N_X * j]).sum::<f64>() + b[i];
        }
    }
    let network = Network::new(N_X, vec![linear(N, Activation::Identity)]).unwrap();
    let theta = Tensor::from_f64([6], [w[0], w[1], b].concat());
    let ours = outputs(&network, &theta, &Tensor::from_f64([M, N_X], x.to_vec()));
    ours.iter().zip(z).for_each(|(&ours, z)| assert_close(ours, z, 1e-15));
}

/// A chain of identities is one linear map: f(x) = f(0) + Σ_k x_k (f(e_k) − f(0)). With tanh in between it isn't.
#[test]
fn a_network_of_identities_collapses() {
    let x = matrix([[0.3, -2.0, 1.1]]);
    let collapsed = |g: Activation| -> f64 {
        let network = Network::new(3, vec![linear(8, g), linear(8, g), linear(1, Activation::Identity)]).unwrap();
        let theta = network.initialize(1, Dtype::F64);
        let f = |x: Tensor| outputs(&network, &theta, &x)[0];
        let constant = f(matrix([[0.0, 0.0, 0.0]]));
        let slopes = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]].map(|e| f(matrix([e])) - constant);
        let one_layer = constant + (0..3).map(|k| x.view().at(k) * slopes[k]).sum::<f64>();
        (one_layer - f(x.clone())).abs()
    };
    assert!(collapsed(Activation::Identity) < 1e-14);
    assert!(collapsed(Activation::Tanh) > 1e-2);
}

/// Logistic regression cannot learn XOR: its best prediction is ½ for all, J = ln 2. One hidden layer can.
#[test]
fn exclusive_or_needs_a_hidden_layer() {
    let (x, y) = exclusive_or();
    let flat = Network::new(2, vec![linear(1, Activation::Identity)]).unwrap();
    let mut theta = flat.initialize(0, Dtype::F64);
    assert_close(descend(&flat, &SigmoidCrossEntropy, &mut theta, &x, &y, 1.0, 2000), 2f64.ln(), 1e-6);

    let deep = Network::new(2, vec![linear(4, Activation::Tanh), linear(1, Activation::Identity)]).unwrap();
    let mut theta = deep.initialize(0, Dtype::F64);
    assert!(descend(&deep, &SigmoidCrossEntropy, &mut theta, &x, &y, 1.0, 2000) < 0.02);
}

/// From zeros, or any one value, the hidden units of a layer get equal gradients and stay copies of each other: a layer
/// of four is worth a layer of one. Random weights break the symmetry.
#[test]
fn equal_weights_never_break_their_symmetry() {
    let (x, y) = exclusive_or();
    let trained = |init: Init| -> (f64, Vec<f64>) {
        let layers = vec![drawn(4, Activation::Tanh, init), drawn(1, Activation::Identity, init)];
        let network = Network::new(2, layers).unwrap();
        let mut theta = network.initialize(3, Dtype::F64);
        let j = descend(&network, &SigmoidCrossEntropy, &mut theta, &x, &y, 1.0, 2000);
        (j, theta.to_f64())
    };
    let units = |theta: &[f64]| -> Vec<[f64; 2]> { (0..4).map(|i| [theta[2 * i], theta[2 * i + 1]]).collect() };

    let (j, theta) = trained(Init::Constant(0.0));
    assert_eq!(units(&theta), [[0.0; 2]; 4], "W is still 0: each layer's gradient is held at 0 by the other's weights");
    assert_close(j, 2f64.ln(), 1e-12);

    let (_, theta) = trained(Init::Constant(0.5));
    let w = units(&theta);
    assert!(w.iter().all(|unit| unit == &w[0]), "four copies of one unit: {w:?}");
    assert_ne!(w[0], [0.5; 2], "it did learn something");

    let (j, theta) = trained(Init::GlorotUniform);
    let w = units(&theta);
    assert!(w.iter().any(|unit| unit != &w[0]) && j < 0.02, "J = {j}, {w:?}");
}

/// 50 layers that each multiply by 1.5 or by ½: activations and gradients explode like 1.5^L or vanish like 0.5^L.
#[test]
fn depth_makes_scales_explode_or_vanish() {
    const L: i32 = 50;
    for factor in [1.5f64, 0.5] {
        let layers = (0..L).map(|_| linear(2, Activation::Identity)).collect();
        let network = Network::new(2, layers).unwrap();
        let one_layer = [factor, 0.0, 0.0, factor, 0.0, 0.0]; // W = factor · I, b = 0
        let theta = Tensor::from_f64([6 * L as usize], one_layer.repeat(L as usize));
        let (x, y) = (matrix([[1.0, 0.0]]), matrix([[0.0, 0.0]]));
        let a = outputs(&network, &theta, &x)[0];
        assert_close(a / factor.powi(L), 1.0, 1e-13);
        // Half squared error: dZ[L] = A[L], and dW[1] = factor^(L−1) · dZ[L].
        let (_, gradient) = cost_and_gradient(&network, &Squared, &theta, &x, &y);
        assert_close(gradient.view().at(0) / (factor.powi(L - 1) * a), 1.0, 1e-13);
    }
}

/// He's variance 2/n keeps ReLU's activations at their scale through 50 layers; 0.01² lets them vanish.
#[test]
fn he_initialisation_keeps_the_scale() {
    let scale_after_50_layers = |init: Init| {
        let layers = (0..50).map(|_| drawn(100, Activation::Relu, init)).collect();
        let network = Network::new(100, layers).unwrap();
        let x = Tensor::from_f64([1, 100], (0..100).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect());
        let a = outputs(&network, &network.initialize(0, Dtype::F64), &x);
        (a.iter().map(|a| a * a).sum::<f64>() / 100.0).sqrt()
    };
    let he = scale_after_50_layers(Init::HeNormal);
    assert!((0.03..30.0).contains(&he), "{he}");
    assert!(scale_after_50_layers(Init::Normal(0.01)) < 1e-40);
}

/// ReLU has no derivative at 0; it is taken as 0 there, and leaky ReLU's as its slope s.
#[test]
fn the_derivative_of_relu_at_zero_is_zero() {
    for (g, at_zero) in [(Activation::Relu, 0.0), (Activation::LeakyRelu(0.01), 0.01)] {
        for zero in [0.0, -0.0] {
            let mut a = matrix([[zero, 1e-300]]);
            ops::activate(g, a.view_mut());
            let mut dz = matrix([[1.0, 1.0]]);
            ops::activate_backward(g, a.view(), dz.view_mut());
            assert_eq!(dz.to_f64(), [at_zero, 1.0], "{g} at {zero}, and just above");
        }
    }
}

/// Dividing by keep_prob p keeps the mean of a: a unit gives a/p with probability p. Prediction drops nothing.
#[test]
fn inverted_dropout_keeps_the_expectation() {
    let (rate, m, n) = (0.2, 1000, 20);
    let network = Network::new(n, vec![Box::new(Dropout { rate })]).unwrap();
    let (theta, x) = (Tensor::zeros([0], Dtype::F64), Tensor::from_f64([m, n], vec![1.0; m * n]));
    let examples: Vec<u32> = (0..m as u32).collect();
    let noise = RngContext { seed: 0, epoch: 1, layer: 0, examples: &examples };
    let mut workspace = network.workspace(m, Dtype::F64);
    let a = network.forward(theta.view(), x.view(), &mut workspace, Mode::Train(noise)).unwrap().to_f64();
    assert!(a.iter().all(|&a| a == 0.0 || (a - 1.25).abs() < 1e-15), "0 or 1/0.8");
    let share_kept = a.iter().filter(|&&a| a > 0.0).count() as f64 / (m * n) as f64;
    assert_close(share_kept, 0.8, 0.015); // five standard deviations
    assert_close(a.iter().sum::<f64>() / (m * n) as f64, 1.0, 0.018);
    assert_eq!(outputs(&network, &theta, &x), vec![1.0; m * n]);
}

/// Batch norm subtracts the mean, and with it any bias b of the layer before: γ and β replace it.
#[test]
fn a_bias_before_batch_norm_does_nothing() {
    let layers = vec![linear(2, Activation::Identity), Box::new(BatchNorm::default()) as Box<dyn Layer>];
    let network = Network::new(2, layers).unwrap();
    let x = matrix([[1.0, 2.0], [0.0, -1.0], [3.0, 0.5], [-2.0, 1.0]]);
    let normed = |b: f64| {
        let mut theta = network.initialize(0, Dtype::F64);
        network.layout().of_layer(0)[1].range().for_each(|i| theta.view_mut().set(i, b));
        let mut workspace = network.workspace(4, Dtype::F64);
        network.forward(theta.view(), x.view(), &mut workspace, Mode::Check).unwrap().to_f64()
    };
    normed(0.0).iter().zip(normed(100.0)).for_each(|(&without, with)| assert_close(with, without, 1e-12));
}

/// V = βV + (1−β)θ from V = 0 starts too low; V/(1 − β^t) starts at the first value.
#[test]
fn bias_correction_mends_the_first_averages() {
    let plain = smooth(&[40.0, 49.0], 0.98, false);
    assert_close(plain[0], 0.8, 1e-14);
    assert_close(plain[1], 0.98 * 0.8 + 0.02 * 49.0, 1e-14);
    let corrected = smooth(&[40.0, 49.0], 0.98, true);
    assert_close(corrected[0], 40.0, 1e-13);
    assert_close(corrected[1], (0.98 * 0.02 * 40.0 + 0.02 * 49.0) / (1.0 - 0.98 * 0.98), 1e-13);
}

/// V = βV + (1−β)dθ with α is V = βV + dθ with α(1−β).
#[test]
fn both_forms_of_momentum_are_one() {
    let walk = |form: MomentumForm, learning_rate: f64| {
        let momentum = Momentum { form, ..Momentum::COURSE };
        let (mut theta, mut state) = (matrix([[1.0, -2.0]]), new_state(&momentum, 2, Dtype::F64));
        for t in 1..=20 {
            let slope = theta.clone(); // of J = ½‖θ‖²
            momentum.step(Step { t, learning_rate }, theta.view_mut(), slope.view(), &mut state);
        }
        theta.to_f64()
    };
    let (course, pytorch) = (walk(MomentumForm::Course, 0.3), walk(MomentumForm::Pytorch, 0.03));
    course.iter().zip(pytorch).for_each(|(&a, b)| assert_close(a, b, 1e-13));
}

/// Adam's first step is α in every direction, however large or small the gradient: V̂/√Ŝ = dθ/|dθ|.
#[test]
fn adam_s_first_step_is_alpha() {
    let (mut theta, mut state) = (matrix([[0.0, 0.0, 0.0]]), new_state(&Adam::USUAL, 3, Dtype::F64));
    let gradient = matrix([[1e3, -1.0, 1e-3]]);
    Adam::USUAL.step(Step { t: 1, learning_rate: 0.01 }, theta.view_mut(), gradient.view(), &mut state);
    theta.to_f64().iter().zip([-0.01, 0.01, -0.01]).for_each(|(&step, alpha)| assert_close(step / alpha, 1.0, 1e-4));
}

/// The derivative of the last state of one unit with respect to each of twenty inputs, where all of them are 0.
fn by_step(layer: impl Layer + 'static, theta: Vec<f64>) -> Vec<f64> {
    let network = Network::new(Shape::from([20, 1]), vec![Box::new(layer)]).unwrap();
    let theta = Tensor::from_f64([theta.len()], theta);
    let state = |step: usize, value: f64| {
        let mut x = Tensor::zeros([1, 20, 1], Dtype::F64);
        x.view_mut().set(step, value);
        outputs(&network, &theta, &x)[0]
    };
    (0..20).map(|step| two_sided(|value| state(step, value), 0.0, 1e-5)).collect()
}

/// From step to step the state of an rnn is multiplied by U: its gradient vanishes or explodes (Bengio, Simard and
/// Frasconi 1994). That of a GRU is multiplied by z, of an LSTM by f, and these gates may stay open.
#[test]
fn a_gradient_through_time_vanishes_or_explodes_unless_a_gate_keeps_it() {
    let sigmoid = |z: f64| 1.0 / (1.0 + (-z).exp());
    // W, U, b and c.
    let rnn = |u: f64| by_step(Rnn::new(1), vec![1.0, u, 0.0, 0.0]);
    for (step, (small, large)) in rnn(0.5).into_iter().zip(rnn(1.5)).enumerate() {
        let back = 19 - step as i32;
        assert!((small - 0.5f64.powi(back)).abs() < 1e-8, "step {step}: {small}");
        assert!((large / 1.5f64.powi(back) - 1.0).abs() < 1e-3, "step {step}: {large}");
    }
    assert!(rnn(0.5)[0] < 2e-6 && rnn(1.5)[0] > 2000.0);

    // Gates r, z and n, or i, f, g and o: W is 1 for n and g alone, U is 0, and the biases hold z or f open.
    let gru = by_step(Gru::new(1), [[0.0, 0.0, 1.0], [0.0; 3], [0.0, 4.0, 0.0], [0.0; 3]].concat());
    let lstm = by_step(Lstm::new(1), [[0.0, 0.0, 1.0, 0.0], [0.0; 4], [0.0, 4.0, 0.0, 0.0], [0.0; 4]].concat());
    let open = sigmoid(4.0);
    for step in 0..20 {
        let kept = open.powi(19 - step as i32);
        assert_close(gru[step], (1.0 - open) * kept, 1e-8);
        assert_close(lstm[step], 0.25 * kept, 1e-8);
    }
    assert!(gru[0] > 0.7 * gru[19] && lstm[0] > 0.7 * lstm[19]);
}

/// With U = 1.5 and inputs of 0, the last state's derivative with respect to a bias is 1 + U + … + U¹⁹ = (U²⁰ − 1)/(U − 1). A
/// step along that gradient saturates the unit for ever; with a norm of at most 1, training goes on.
#[test]
fn clipping_cures_an_exploding_gradient() {
    let network = Network::new(Shape::from([20, 1]), vec![Box::new(Rnn::new(1))]).unwrap();
    let (x, y) = (Tensor::zeros([1, 20, 1], Dtype::F64), matrix([[0.5]]));
    let descend = |most: f64| {
        let mut theta = Tensor::from_f64([4], vec![1.0, 1.5, 0.0, 0.0]);
        for t in 1..=500 {
            let (_, mut gradient) = cost_and_gradient(&network, &Squared, &theta, &x, &y);
            let norm = ops::sum_squares(gradient.view()).sqrt();
            if t == 1 {
                // Both biases have it, times h − y = −½.
                let expected = 0.5 * 2f64.sqrt() * (1.5f64.powi(20) - 1.0) / 0.5;
                assert_close(norm, expected, 1e-12);
            }
            if norm > most {
                ops::scale(gradient.view_mut(), most / norm);
            }
            GradientDescent.step(Step { t, learning_rate: 0.1 }, theta.view_mut(), gradient.view(), &mut []);
        }
        cost_and_gradient(&network, &Squared, &theta, &x, &y).0
    };
    assert_close(descend(f64::INFINITY), 0.125, 1e-12);
    assert!(descend(1.0) < 1e-6);
}
