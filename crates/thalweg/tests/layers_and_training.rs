//! Properties of every layer on the list, and of training as a whole.

use thalweg::event::Event;
use thalweg::layers::{self, Dropout, Layer, Linear, Mode, RngContext, read_layer, write_layer};
use thalweg::losses::{Loss, SoftmaxCrossEntropy, Squared};
use thalweg::metrics::Metrics;
use thalweg::network::{Network, Predictor};
use thalweg::optimizers::{self, Adam, GradientDescent, Optimizer};
use thalweg::tensor::ops::MatmulPrecision;
use thalweg::tensor::{Activation, Dtype, Shape, Tensor};
use thalweg::train::{Callback, State, TensorDataset, TrainSettings, Trainer, predict};
use thalweg_kernels::{pool, random::Stream};

fn random(shape: impl Into<Shape>, purpose: u32, dtype: Dtype) -> Tensor {
    let shape = shape.into();
    let mut x = vec![0.0; shape.size()];
    Stream::new(5, purpose).fill_normal(0, &mut x);
    Tensor::from_f64(shape, x).to(dtype)
}

/// Each example of each kind of layer, alone in a network.
fn each_layer(check: impl Fn(&str, Network, Shape)) {
    for kind in layers::ALL {
        for (layer, shape) in (kind.examples)() {
            let name = format!("{} {}", kind.name, layer.config());
            check(&name, Network::new(shape, vec![layer]).unwrap(), shape);
        }
    }
}

#[test]
fn a_layer_read_back_from_its_description_is_the_same() {
    each_layer(|name, network, shape| {
        let layer = &network.layers()[0];
        let back = read_layer(write_layer(layer.as_ref()), &[]).unwrap();
        assert_eq!(write_layer(back.as_ref()), write_layer(layer.as_ref()), "{name}");
        assert_eq!(back.parameters(shape), layer.parameters(shape), "{name}");
        assert_eq!(back.describe(shape), layer.describe(shape), "{name}");
    });
}

#[test]
fn an_unknown_option_of_a_layer_is_an_error() {
    for kind in layers::ALL {
        let table = serde_json::json!({ "kind": kind.name, "no_such_option": 1 });
        assert!(read_layer(table, &[]).is_err(), "{}", kind.name);
    }
}

#[test]
fn prediction_does_not_depend_on_how_rows_are_batched() {
    each_layer(|name, network, shape| {
        for dtype in [Dtype::F32, Dtype::F64] {
            let theta = network.initialize(1, dtype);
            let x = random(shape.batch(7), 1, dtype);
            let mut workspace = network.workspace(7, dtype);
            let mut rows = |start: usize, m: usize| {
                network.forward(theta.view(), x.view().rows(start, m), &mut workspace, Mode::Predict).unwrap().to_f64()
            };
            let together = rows(0, 7);
            assert_eq!(together.len(), 7 * network.output().size(), "{name}");
            assert_eq!([rows(0, 1), rows(1, 4), rows(5, 2)].concat(), together, "{name}");
            assert!(rows(3, 0).is_empty(), "{name}");
            let mut predictor = Predictor::new(&network, &theta, 7, MatmulPrecision::F32).unwrap();
            assert_eq!(predictor.forward(x.view()).unwrap().to_f64(), together, "{name}: made ready");
            assert_eq!(predictor.forward(x.view().rows(2, 1)).unwrap().to_f64(), rows(2, 1), "{name}: made ready");
        }
    });
}

#[test]
fn prediction_in_bf16_is_near_and_the_same_made_ready() {
    let layers: [Box<dyn Layer>; 2] =
        [Box::new(Linear::new(48, Activation::Tanh)), Box::new(Linear::new(16, Activation::Identity))];
    let network = Network::new(64, layers.into()).unwrap();
    let theta = network.initialize(1, Dtype::F32);
    let x = random([40, 64], 1, Dtype::F32);
    let mut workspace = network.workspace(40, Dtype::F32);
    let mut predicted = |precision| {
        let mut predictor = Predictor::new(&network, &theta, 40, precision).unwrap();
        let found = predictor.forward(x.view()).unwrap().to_f64();
        workspace.precision = precision;
        let same = network.forward(theta.view(), x.view(), &mut workspace, Mode::Predict).unwrap().to_f64();
        assert_eq!(found, same, "{precision:?}: made ready");
        found
    };
    let exact = predicted(MatmulPrecision::F32);
    for (parts, tolerance) in [(1, 0.05), (2, 1e-3), (3, 1e-5)] {
        let found = predicted(MatmulPrecision::fastest(parts));
        let furthest = exact.iter().zip(&found).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(furthest < tolerance, "{parts} parts: {furthest}");
        assert_eq!(
            furthest > 0.0,
            MatmulPrecision::fastest(parts) != MatmulPrecision::F32,
            "{parts} parts: {furthest}"
        );
    }
    assert_eq!(predicted(MatmulPrecision::F32), exact);
}

#[test]
fn training_has_the_same_bits_for_any_number_of_threads_and_precision_agrees() {
    each_layer(|name, network, shape| {
        let pass = |dtype: Dtype| {
            let m = 300;
            let theta = network.initialize(1, dtype);
            let x = random(shape.batch(m), 1, dtype);
            let mut workspace = network.workspace(m, dtype);
            let examples: Vec<u32> = (0..m as u32).collect();
            let noise = RngContext { seed: 3, epoch: 1, layer: 0, examples: &examples };
            network.forward(theta.view(), x.view(), &mut workspace, Mode::Train(noise)).unwrap();
            let (z, mut dz) = workspace.delta(m);
            thalweg::tensor::ops::copy(z, dz.reborrow());
            let mut gradient = Tensor::zeros(theta.shape(), dtype);
            network.backward(theta.view(), x.view(), &mut workspace, gradient.view_mut()).unwrap();
            gradient.to_f64()
        };
        pool::set_threads(1);
        let one = pass(Dtype::F32);
        for threads in [2, 3, 7] {
            pool::set_threads(threads);
            assert_eq!(pass(Dtype::F32), one, "{name} on {threads} threads");
        }
        let exact = pass(Dtype::F64);
        let norm = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>().sqrt();
        let difference: Vec<f64> = one.iter().zip(&exact).map(|(a, b)| a - b).collect();
        assert!(norm(&difference) <= 1e-4 * norm(&exact), "{name}: {} of {}", norm(&difference), norm(&exact));
    });
}

#[test]
fn a_layer_that_lets_batches_be_taken_apart_computes_each_example_alone() {
    let found = std::cell::Cell::new(0);
    each_layer(|name, network, shape| {
        if network.layers()[0].flops_per_example(shape).is_none() {
            return;
        }
        found.set(found.get() + 1);
        let theta = network.initialize(1, Dtype::F32);
        let x = random(shape.batch(7), 1, Dtype::F32);
        let mut workspace = network.workspace(7, Dtype::F32);
        let examples: Vec<u32> = (3..10).collect();
        let mut rows = |start: usize, m: usize| {
            let noise = RngContext { seed: 3, epoch: 1, layer: 0, examples: &examples[start..start + m] };
            let x = x.view().rows(start, m);
            network.forward(theta.view(), x, &mut workspace, Mode::Train(noise)).unwrap().to_f64()
        };
        let together = rows(0, 7);
        assert_eq!([rows(0, 1), rows(1, 4), rows(5, 2)].concat(), together, "{name}");
    });
    assert!(found.get() > 20, "{} examples of layers say what there is to compute", found.get());
}

#[test]
fn batches_that_are_taken_apart_give_the_same_bits_for_any_number_of_threads() {
    let layers: Vec<Box<dyn Layer>> = vec![
        Box::new(Linear::new(64, Activation::Relu)),
        Box::new(Dropout { rate: 0.25 }),
        Box::new(Linear::new(3, Activation::Identity)),
    ];
    let network = Network::new(40, layers).unwrap();
    let (x, y) = (random([700, 40], 1, Dtype::F32), (0..700).map(|i| (i % 3) as f32).collect());
    let examples = TensorDataset::new(x, Tensor::from_f32([700, 1], y), None).unwrap();
    let loss = SoftmaxCrossEntropy::default();
    let train = |threads| {
        pool::set_threads(threads);
        let settings = TrainSettings { batch_size: 256, epochs: 3, ..TrainSettings::default() };
        let mut state = State::new(&network, &Adam::USUAL, 0, 0.0, Dtype::F32);
        let evaluate = |_: &[f64]| Metrics::new();
        let (network, dev) = (&network, None);
        Trainer { network, loss: &loss, optimizer: &Adam::USUAL, settings, train: &examples, dev, evaluate: &evaluate }
            .fit(&mut state, &mut ignore)
            .unwrap();
        state.theta.to_f64()
    };
    let one = train(1);
    for threads in [2, 3, 7] {
        assert_eq!(train(threads), one, "{threads} threads");
    }
}

/// A small classification task.
fn task(weights: Option<Vec<f64>>, rows: &[usize]) -> TensorDataset {
    let x = random([60, 4], 7, Dtype::F64);
    let pick: Vec<f64> = rows.iter().flat_map(|&row| x.view().rows(row, 1).to_f64()).collect();
    let y = rows.iter().map(|row| (row % 3) as f64).collect();
    let m = rows.len();
    let weights = weights.map(|weights| Tensor::from_f64([m], weights));
    TensorDataset::new(Tensor::from_f64([m, 4], pick), Tensor::from_f64([m, 1], y), weights).unwrap()
}

fn network() -> Network {
    let layers: Vec<Box<dyn Layer>> = vec![
        Box::new(Linear::new(8, Activation::Tanh)),
        Box::new(Dropout { rate: 0.25 }),
        Box::new(Linear::new(3, Activation::Identity)),
    ];
    Network::new(4, layers).unwrap()
}

fn train(
    examples: &TensorDataset,
    optimizer: &dyn Optimizer,
    settings: TrainSettings,
    callback: &mut dyn Callback,
) -> State {
    let network = network();
    let mut state = State::new(&network, optimizer, 0, 0.0, Dtype::F64);
    fit(examples, optimizer, settings, &mut state, callback);
    state
}

fn fit(
    examples: &TensorDataset,
    optimizer: &dyn Optimizer,
    settings: TrainSettings,
    state: &mut State,
    callback: &mut dyn Callback,
) {
    let (network, loss) = (network(), SoftmaxCrossEntropy::default());
    let evaluate = |_: &[f64]| Metrics::new();
    let trainer = Trainer {
        network: &network,
        loss: &loss,
        optimizer,
        settings,
        train: examples,
        dev: Some(examples),
        evaluate: &evaluate,
    };
    trainer.fit(state, callback).unwrap();
}

fn all() -> Vec<usize> {
    (0..60).collect()
}

fn ignore(_: &Event) {}

#[test]
fn a_learning_rate_of_zero_changes_nothing() {
    let examples = task(None, &all());
    for optimizers::Registered { name, usual: optimizer, .. } in optimizers::ALL {
        let settings = TrainSettings { learning_rate: 0.0, epochs: 2, ..TrainSettings::default() };
        let state = train(&examples, *optimizer, settings, &mut ignore);
        assert_eq!(state.theta, network().initialize(0, Dtype::F64), "{name}");
    }
}

#[test]
fn every_optimiser_lowers_the_cost() {
    let examples = task(None, &all());
    for optimizers::Registered { name, usual: optimizer, .. } in optimizers::ALL {
        let mut losses: Vec<f64> = Vec::new();
        let settings = TrainSettings { learning_rate: 0.01, epochs: 60, batch_size: 8, ..TrainSettings::default() };
        train(&examples, *optimizer, settings, &mut |event: &Event| {
            if let Event::EpochEnded { dev_loss, .. } = event {
                losses.extend(*dev_loss);
            }
        });
        assert!(losses[59] < losses[0], "{name}: {} → {}", losses[0], losses[59]);
    }
}

#[test]
fn a_weight_of_two_is_the_row_twice_and_a_weight_of_zero_no_row() {
    let once: Vec<usize> = (0..10).collect();
    let mut weights = vec![1.0; 10];
    (weights[3], weights[7]) = (2.0, 0.0);
    let mut twice: Vec<usize> = once.iter().copied().filter(|&row| row != 7).collect();
    twice.push(3);
    let layers: Vec<Box<dyn Layer>> = vec![Box::new(Linear::new(3, Activation::Identity))];
    let network = Network::new(4, layers).unwrap();
    let theta = |examples: &TensorDataset| {
        let mut state = State::new(&network, &GradientDescent, 0, 0.0, Dtype::F64);
        let trainer = Trainer {
            network: &network,
            loss: &SoftmaxCrossEntropy::default(),
            optimizer: &GradientDescent,
            settings: TrainSettings { batch_size: 100, epochs: 20, learning_rate: 0.1, ..TrainSettings::default() },
            train: examples,
            dev: None,
            evaluate: &|_| Metrics::new(),
        };
        trainer.fit(&mut state, &mut ignore).unwrap();
        state.theta.to_f64()
    };
    let (weighted, repeated) = (theta(&task(Some(weights), &once)), theta(&task(None, &twice)));
    let difference = weighted.iter().zip(&repeated).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(difference < 1e-12, "{difference}");
}

/// Stops after a number of steps.
struct StopAfter(std::cell::Cell<usize>);

impl Callback for StopAfter {
    fn event(&mut self, _: &Event) {}

    fn stop(&self) -> bool {
        let left = self.0.get();
        self.0.set(left.saturating_sub(1));
        left == 0
    }
}

#[test]
fn a_run_stopped_at_any_step_goes_on_to_the_same_bits() {
    let examples = task(None, &all());
    let settings = TrainSettings { epochs: 4, batch_size: 16, warm_up: 1.0, ..TrainSettings::default() };
    let whole = train(&examples, &Adam::DECAYING, settings.clone(), &mut ignore);
    for steps in [0, 1, 5, 11] {
        let mut state = train(&examples, &Adam::DECAYING, settings.clone(), &mut StopAfter(steps.into()));
        fit(&examples, &Adam::DECAYING, settings.clone(), &mut state, &mut ignore);
        assert_eq!(state.theta, whole.theta, "stopped after {steps} steps");
        assert_eq!(state.best_theta, whole.best_theta, "stopped after {steps} steps");
        assert_eq!((state.t, state.epoch, state.best_epoch), (whole.t, whole.epoch, whole.best_epoch));
    }
}

#[test]
fn scales_are_sampled_in_the_first_step_of_an_epoch() {
    let mut sampled = Vec::new();
    let settings = TrainSettings { epochs: 3, batch_size: 16, ..TrainSettings::default() };
    let rate = settings.learning_rate;
    train(&task(None, &all()), &Adam::USUAL, settings, &mut |event: &Event| {
        match event {
            Event::Scales { step, layers, cost } => {
                sampled.push(*step);
                assert!(cost.is_some() && layers.iter().all(|layer| layer.gradient > 0.0));
                for layer in layers.iter().filter(|layer| *step == 1 && layer.weight.is_some()) {
                    // The first step of Adam changes every weight by α: V̂/√Ŝ is the gradient's sign.
                    let (weight, update) = (layer.weight.unwrap(), layer.update.unwrap());
                    assert!((weight * update / rate - 1.0).abs() < 1e-4, "{layer:?}");
                }
            }
            Event::EpochEnded { phases, seconds, .. } => {
                let phases = phases.unwrap();
                assert!(phases.passes > 0.0 && phases.update > 0.0 && phases.total() <= *seconds);
            }
            _ => {}
        }
    });
    // 60 examples are 4 steps per epoch.
    assert_eq!(sampled, [1, 5, 9]);
}

#[test]
fn permuting_rows_permutes_predictions() {
    let (network, loss): (_, &dyn Loss) = (network(), &Squared);
    let theta = network.initialize(2, Dtype::F32);
    let mut reversed = all();
    reversed.reverse();
    let predictions = |rows: &[usize]| {
        let examples = task(None, rows);
        let x = examples.x.to(Dtype::F32);
        let y = Tensor::zeros([60, 3], Dtype::F32);
        let examples = TensorDataset::new(x, y, None).unwrap();
        predict(&network, loss, &theta, &examples, &mut network.workspace(16, Dtype::F32)).unwrap().1
    };
    let forward = predictions(&all());
    let backward = predictions(&reversed);
    let turned: Vec<f64> = backward.chunks(3).rev().flatten().copied().collect();
    assert_eq!(turned, forward);
}
