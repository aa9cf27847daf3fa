//! Members of an ensemble are trained as each would be alone.

use thalweg::event::Event;
use thalweg::layers::{Average, BatchNorm, Dropout, Ensemble, Layer, Linear, Mode};
use thalweg::losses::{self, Cost, Loss, SoftmaxCrossEntropy, Squared};
use thalweg::metrics::Metrics;
use thalweg::network::Network;
use thalweg::network::gradient_check::{self, CheckSettings};
use thalweg::optimizers::{Adam, GradientDescent, Optimizer};
use thalweg::tensor::{Activation, Dtype, Shape, Tensor, ops};
use thalweg::train::{Folds, State, TensorDataset, TrainSettings, Trainer, predict};
use thalweg_kernels::{pool, random::Stream};

fn random(shape: impl Into<Shape>, purpose: u32) -> Tensor {
    let shape = shape.into();
    let mut x = vec![0.0; shape.size()];
    Stream::new(5, purpose).fill_normal(0, &mut x);
    Tensor::from_f64(shape, x)
}

/// A member, with as many hidden units as its number suggests.
fn member(k: usize) -> Vec<Box<dyn Layer>> {
    vec![
        Box::new(Linear::new(5 + k, Activation::Tanh)),
        Box::new(BatchNorm::default()),
        Box::new(Linear::new(3, Activation::Identity)),
    ]
}

fn ensemble(members: usize, of: Activation) -> Network {
    let layers: Vec<Box<dyn Layer>> =
        vec![Box::new(Ensemble::new((0..members).map(member).collect())), Box::new(Average::new(members, of))];
    Network::new(4, layers).unwrap()
}

/// The parts of a member in the ensemble's θ, in the order of its own.
fn parts(whole: &Network, k: usize) -> Vec<std::ops::Range<usize>> {
    let prefix = format!("layers.0.members.{k}.");
    whole.layout().entries().iter().filter(|entry| entry.name.starts_with(&prefix)).map(|e| e.range()).collect()
}

fn part(whole: &Network, k: usize, theta: &Tensor) -> Vec<f64> {
    let theta = theta.to_f64();
    parts(whole, k).into_iter().flat_map(|range| theta[range].to_vec()).collect()
}

/// Targets for three outputs.
fn targets(m: usize, columns: usize) -> Tensor {
    let y = match columns {
        1 => (0..m).map(|i| (i * 7 % 3) as f64).collect(),
        _ => (0..m).flat_map(|i| [0.2, 0.5, 0.3].map(|y| y * (1 + i % 2) as f64 / (1 + i % 2) as f64)).collect(),
    };
    Tensor::from_f64([m, columns], y)
}

/// J and dθ of a network on its members' logits.
fn gradient(
    network: &Network,
    theta: &Tensor,
    x: &Tensor,
    y: &Tensor,
    w: Option<&Tensor>,
    loss: &dyn Loss,
) -> (f64, Tensor) {
    let m = x.shape().rows();
    let mut workspace = network.workspace(m, Dtype::F64);
    let mut gradient = Tensor::zeros(theta.shape(), Dtype::F64);
    network.forward(theta.view(), x.view(), &mut workspace, Mode::Check).unwrap();
    let (z, dz) = workspace.member_delta(m);
    let mut cost = Cost::of_members(m, network.members(), Dtype::F64);
    let j = cost.compute(loss, z, y.view(), w.map(Tensor::view), Some(dz));
    network.backward_members(theta.view(), x.view(), &mut workspace, gradient.view_mut()).unwrap();
    (j, gradient)
}

#[test]
fn each_member_has_the_gradient_that_it_would_have_alone() {
    const MEMBERS: usize = 3;
    let m = 11;
    let whole = ensemble(MEMBERS, Activation::Softmax);
    assert_eq!((whole.members(), whole.output().size()), (MEMBERS, 3));
    let theta = whole.initialize(3, Dtype::F64);
    let x = random([m, 4], 1);
    let weights = Tensor::from_f64([m], (0..m).map(|i| [1.0, 0.0, 2.5, 0.3][i % 4]).collect());
    for &(loss, columns) in losses::ALL.iter().flat_map(|registered| registered.usual) {
        let y = targets(m, columns);
        for weights in [None, Some(&weights)] {
            let (j, together) = gradient(&whole, &theta, &x, &y, weights, loss);
            let mut sum = 0.0;
            for k in 0..MEMBERS {
                let alone = Network::new(4, member(k)).unwrap();
                let own = part(&whole, k, &theta);
                // Statistics come last in a network's θ.
                let mut own = Tensor::from_f64([own.len()], own);
                let order: Vec<usize> = alone.layout().entries().iter().map(|e| e.start).collect();
                assert_eq!(order.len(), parts(&whole, k).len());
                for (entry, range) in alone.layout().entries().iter().zip(parts(&whole, k)) {
                    ops::copy(
                        theta.view().part(range.start, entry.shape),
                        own.view_mut().part(entry.start, entry.shape),
                    );
                }
                let (j, gradient) = gradient(&alone, &own, &x, &y, weights, loss);
                sum += j;
                for (entry, range) in alone.layout().entries().iter().zip(parts(&whole, k)) {
                    let [a, b] = [(&gradient, entry.start), (&together, range.start)]
                        .map(|(dtheta, start)| dtheta.view().part(start, entry.shape).to_f64());
                    assert_eq!(a, b, "{} of member {k} with {}", entry.name, loss.name());
                }
            }
            assert!((j - sum / MEMBERS as f64).abs() < 1e-14, "{j} {sum}");
        }
    }
}

/// Trains with weights and an L2 term; returns the state and each epoch's J.
fn train(network: &Network, optimizer: &dyn Optimizer, theta: Option<Tensor>, dtype: Dtype) -> (State, Vec<f64>) {
    let m = 90;
    let weights = Tensor::from_f64([m], (0..m).map(|i| 1.0 + (i % 3) as f64).collect()).to(dtype);
    let examples =
        TensorDataset::new(random([m, network.input().size()], 2).to(dtype), targets(m, 1).to(dtype), Some(weights))
            .unwrap();
    let mut state = State::new(network, optimizer, 0, 0.0, dtype);
    if let Some(theta) = theta {
        state.theta = theta;
    }
    let settings =
        TrainSettings { batch_size: 32, epochs: 3, learning_rate: 0.05, l2: 0.5, ..TrainSettings::default() };
    let loss = SoftmaxCrossEntropy::default();
    let trainer = Trainer {
        network,
        loss: &loss,
        optimizer,
        settings,
        train: &examples,
        dev: Some(&examples),
        evaluate: &|_| Metrics::new(),
    };
    let mut costs = Vec::new();
    trainer
        .fit(&mut state, &mut |event: &Event| {
            if let Event::EpochEnded { cost, .. } = event {
                costs.push(*cost);
            }
            if let Event::Scales { layers, .. } = event {
                assert!(layers.iter().all(|layer| layer.gradient > 0.0), "{layers:?}");
            }
        })
        .unwrap();
    (state, costs)
}

#[test]
fn training_together_is_training_each_alone() {
    const MEMBERS: usize = 2;
    let whole = ensemble(MEMBERS, Activation::Softmax);
    let before = whole.initialize(0, Dtype::F64);
    let (state, costs) = train(&whole, &GradientDescent, None, Dtype::F64);
    let mut mean = vec![0.0; costs.len()];
    for k in 0..MEMBERS {
        let alone = Network::new(4, member(k)).unwrap();
        let mut own = alone.initialize(0, Dtype::F64);
        for (entry, range) in alone.layout().entries().iter().zip(parts(&whole, k)) {
            ops::copy(before.view().part(range.start, entry.shape), own.view_mut().part(entry.start, entry.shape));
        }
        let (trained, own) = train(&alone, &GradientDescent, Some(own), Dtype::F64);
        mean.iter_mut().zip(own).for_each(|(mean, j)| *mean += j / MEMBERS as f64);
        for (entry, range) in alone.layout().entries().iter().zip(parts(&whole, k)) {
            let [a, b] = [(&trained, entry.start), (&state, range.start)]
                .map(|(state, start)| state.theta.view().part(start, entry.shape).to_f64());
            let furthest = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(furthest < 1e-13, "{} of member {k}: {furthest}", entry.name);
        }
    }
    assert!(mean.iter().zip(&costs).all(|(a, b)| (a - b).abs() < 1e-12), "{mean:?} {costs:?}");
}

#[test]
fn answers_are_the_mean_of_the_members() {
    let whole = ensemble(2, Activation::Softmax);
    let theta = whole.initialize(4, Dtype::F64);
    let x = random([6, 4], 3);
    let examples = TensorDataset::new(x.clone(), targets(6, 1), None).unwrap();
    let loss = SoftmaxCrossEntropy::default();
    let answers = |network: &Network, theta: &Tensor| {
        predict(network, &loss, theta, &examples, &mut network.workspace(6, Dtype::F64)).unwrap().1
    };
    let mut mean = vec![0.0; 18];
    for k in 0..2 {
        let alone = Network::new(4, member(k)).unwrap();
        let mut own = alone.initialize(0, Dtype::F64);
        for (entry, range) in alone.layout().entries().iter().zip(parts(&whole, k)) {
            ops::copy(theta.view().part(range.start, entry.shape), own.view_mut().part(entry.start, entry.shape));
        }
        mean.iter_mut().zip(answers(&alone, &own)).for_each(|(mean, p)| *mean += p / 2.0);
    }
    let together = answers(&whole, &theta);
    assert!(together.iter().zip(&mean).all(|(a, b)| (a - b).abs() < 1e-14), "{together:?} {mean:?}");
}

#[test]
fn gradients_of_the_members_costs_pass_the_check() {
    let m = 7;
    let weights = Tensor::from_f64([m], (0..m).map(|i| 0.5 + (i % 3) as f64).collect());
    for of in [Activation::Identity, Activation::Softmax, Activation::Sigmoid] {
        let network = ensemble(3, of);
        let theta = network.initialize(3, Dtype::F64);
        for &(loss, columns) in losses::ALL.iter().flat_map(|registered| registered.usual) {
            let settings = CheckSettings { epsilon: 1e-5, l2: 0.3, tolerance: 1e-7, ..CheckSettings::default() };
            let (x, y) = (random([m, 4], 1), targets(m, columns));
            let weights = Some(weights.view());
            let report = gradient_check::check(&network, loss, &theta, x.view(), y.view(), weights, settings).unwrap();
            assert!(report.passed, "{of} {}: {report:#?}", loss.name());
        }
    }
}

#[test]
fn training_has_the_same_bits_for_any_number_of_threads() {
    let wide = || -> Vec<Box<dyn Layer>> {
        vec![
            Box::new(Linear::new(96, Activation::Relu)),
            Box::new(Dropout { rate: 0.25 }),
            Box::new(Linear::new(3, Activation::Identity)),
        ]
    };
    let members = vec![wide(), wide(), wide()];
    let average = Average::new(3, Activation::Softmax);
    let network = Network::new(40, vec![Box::new(Ensemble::new(members)), Box::new(average)]).unwrap();
    let pass = |threads| {
        pool::set_threads(threads);
        train(&network, &Adam::USUAL, None, Dtype::F32).0.theta.to_f64()
    };
    let one = pass(1);
    for threads in [2, 3, 7] {
        assert_eq!(pass(threads), one, "{threads} threads");
    }
}

#[test]
fn a_network_without_members_is_trained_on_its_output() {
    let plain = Network::new(4, member(0)).unwrap();
    assert_eq!(plain.members(), 1);
    let alone = Network::new(4, vec![Box::new(Average::new(2, Activation::Identity))]).unwrap();
    assert_eq!(alone.members(), 1, "there is nothing before it to train");
    let theta = plain.initialize(1, Dtype::F64);
    let (x, y) = (random([5, 4], 1), targets(5, 3));
    let mut workspace = plain.workspace(5, Dtype::F64);
    let mut by_hand = Tensor::zeros(theta.shape(), Dtype::F64);
    plain.forward(theta.view(), x.view(), &mut workspace, Mode::Check).unwrap();
    let (z, dz) = workspace.delta(5);
    let j = Cost::new(5, Dtype::F64).compute(&Squared, z, y.view(), None, Some(dz));
    plain.backward(theta.view(), x.view(), &mut workspace, by_hand.view_mut()).unwrap();
    assert_eq!(gradient(&plain, &theta, &x, &y, None, &Squared), (j, by_hand));
}

#[test]
fn dev_rows_are_left_out_by_one_member_which_answers_for_them() {
    const MEMBERS: usize = 3;
    let (m, dev_rows) = (12, 8);
    let whole = ensemble(MEMBERS, Activation::Softmax);
    let (loss, optimizer) = (SoftmaxCrossEntropy::default(), GradientDescent);
    let trained = |flipped: Option<usize>| {
        let mut y: Vec<f64> = (0..m).map(|i| (i * 7 % 3) as f64).collect();
        if let Some(row) = flipped {
            y[row] = (y[row] + 1.0) % 3.0;
        }
        let x = random([m, 4], 2);
        let all = TensorDataset::new(x.clone(), Tensor::from_f64([m, 1], y.clone()), None).unwrap();
        let part =
            |values: Vec<f64>, columns| Tensor::from_f64([dev_rows, columns], values[..dev_rows * columns].to_vec());
        let dev = TensorDataset::new(part(x.to_f64(), 4), part(y, 1), None).unwrap();
        let folds = Some(Folds {
            members: MEMBERS,
            left_out_by: 1,
            candidates: 1,
            weights: Vec::new(),
            dev_rows,
            seed: 0,
            of: Activation::Softmax,
        });
        let mut state = State::new(&whole, &optimizer, 0, 0.0, Dtype::F64);
        let settings =
            TrainSettings { batch_size: m, epochs: 1, learning_rate: 0.5, folds, ..TrainSettings::default() };
        let evaluate: &dyn Fn(&[f64]) -> Metrics = &|_| Metrics::new();
        let trainer = Trainer {
            network: &whole,
            loss: &loss,
            optimizer: &optimizer,
            settings,
            train: &all,
            dev: Some(&dev),
            evaluate,
        };
        let mut dev_loss = None;
        trainer
            .fit(&mut state, &mut |event: &Event| {
                if let Event::EpochEnded { dev_loss: found, .. } = event {
                    dev_loss = *found;
                }
            })
            .unwrap();
        (state.theta, dev_loss.unwrap(), dev)
    };
    let (theta, dev_loss, dev) = trained(None);
    let unchanged = |row: usize| -> Vec<usize> {
        let (other, ..) = trained(Some(row));
        (0..MEMBERS).filter(|k| part(&whole, *k, &theta) == part(&whole, *k, &other)).collect()
    };
    assert!((dev_rows..m).all(|row| unchanged(row).is_empty()), "rows of train alone are everyone's");
    let left_out: Vec<Vec<usize>> = (0..dev_rows).map(unchanged).collect();
    assert!(left_out.iter().all(|members| members.len() == 1), "{left_out:?}");
    // The members' own losses, by their networks alone.
    let mut sum = 0.0;
    for (k, row) in left_out.iter().map(|members| members[0]).zip(0..) {
        let alone = Network::new(4, member(k)).unwrap();
        let mut own = Tensor::zeros([alone.layout().len()], Dtype::F64);
        for (entry, range) in alone.layout().entries().iter().zip(parts(&whole, k)) {
            ops::copy(theta.view().part(range.start, entry.shape), own.view_mut().part(entry.start, entry.shape));
        }
        let at = TensorDataset::new(dev.x.rows(row + 1).to_tensor(), dev.y.rows(row + 1).to_tensor(), None).unwrap();
        let (mean, _) = predict(&alone, &loss, &own, &at, &mut alone.workspace(m, Dtype::F64)).unwrap();
        // The loss of the last of these rows is what it adds to their sum.
        let before = match row {
            0 => 0.0,
            _ => {
                let at = TensorDataset::new(dev.x.rows(row).to_tensor(), dev.y.rows(row).to_tensor(), None).unwrap();
                let workspace = &mut alone.workspace(m, Dtype::F64);
                predict(&alone, &loss, &own, &at, workspace).unwrap().0 * row as f64
            }
        };
        sum += mean * (row + 1) as f64 - before;
    }
    assert!((sum / dev_rows as f64 - dev_loss).abs() < 1e-12, "{sum} {dev_loss}");
}
