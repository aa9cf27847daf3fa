//! W1, W2, W3, W5 and W6: seconds per training epoch, with shuffling, after an untimed warm-up epoch.

use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use thalweg::event::Event;
use thalweg::init::Init;
use thalweg::layers::{Conv2d, Layer, Linear, Padding, Pool2d, Pooling};
use thalweg::losses::{Loss, SigmoidCrossEntropy, SoftmaxCrossEntropy, Squared};
use thalweg::metrics::Metrics;
use thalweg::network::Network;
use thalweg::optimizers::{Adam, GradientDescent, Optimizer};
use thalweg::tensor::{Activation, Dtype, Shape};
use thalweg::train::{State, TrainSettings, Trainer};

use crate::data::{self, Answers};
use crate::{Options, median, rate};

struct Workload<'a> {
    name: &'static str,
    sizes: &'a [usize],
    rows: usize,
    batch: usize,
    answers: Answers,
    learning_rate: f64,
}

const WORKLOADS: [Workload<'static>; 5] = [
    Workload {
        name: "w1",
        sizes: &[784, 512, 512, 10],
        rows: 60_000,
        batch: 128,
        answers: Answers::Classes,
        learning_rate: 1e-3,
    },
    Workload {
        name: "w2",
        sizes: &[8, 64, 64, 1],
        rows: 16_512,
        batch: 64,
        answers: Answers::Number,
        learning_rate: 1e-3,
    },
    Workload {
        name: "w3",
        sizes: &[1024, 4096, 4096, 4096, 10],
        rows: 4096,
        batch: 256,
        answers: Answers::Classes,
        learning_rate: 1e-4,
    },
    Workload {
        name: "w5",
        sizes: &[28, 1],
        rows: 1_000_000,
        batch: 1024,
        answers: Answers::YesOrNo,
        learning_rate: 0.1,
    },
    Workload {
        name: CONVOLUTIONS,
        sizes: &[28 * 28, 10],
        rows: 12_800,
        batch: 128,
        answers: Answers::Classes,
        learning_rate: 1e-3,
    },
];

/// The workload whose network is [`convolutions`].
const CONVOLUTIONS: &str = "w6";

/// Two convolutions, a pooling layer and two dense layers on 28 × 28 images.
fn convolutions() -> thalweg::Result<Network> {
    let conv = |filters, inputs: f64| Conv2d {
        padding: Padding::Valid,
        init: Some(Init::Uniform(inputs.sqrt().recip())),
        ..Conv2d::new(filters, 3, Activation::Relu)
    };
    let dense = |units, activation, inputs: f64| Linear {
        init: Some(Init::Uniform(inputs.sqrt().recip())),
        ..Linear::new(units, activation)
    };
    let layers: Vec<Box<dyn Layer>> = vec![
        Box::new(conv(32, 9.0)),
        Box::new(conv(64, 288.0)),
        Box::new(Pool2d::new(Pooling::Max, 2)),
        Box::new(dense(128, Activation::Relu, 9216.0)),
        Box::new(dense(10, Activation::Identity, 128.0)),
    ];
    Network::new(Shape::from([28, 28]), layers)
}

/// A network with these layer sizes and ReLU in between.
pub(crate) fn network(sizes: &[usize]) -> thalweg::Result<Network> {
    let last = sizes.len() - 2;
    let layer = |(i, &units): (usize, &usize)| {
        let activation = if i < last { Activation::Relu } else { Activation::Identity };
        // As the peers initialise them.
        let init = Some(Init::Uniform((sizes[i] as f64).sqrt().recip()));
        Box::new(Linear { init, ..Linear::new(units, activation) }) as Box<dyn Layer>
    };
    Network::new(sizes[0], sizes[1..].iter().enumerate().map(layer).collect())
}

/// Floating-point operations of an epoch's matrix products: forward, and backward except for the inputs' gradient.
fn operations(work: &Workload) -> f64 {
    if work.name == CONVOLUTIONS {
        let (first, others) = (26 * 26 * 32 * 9, 24 * 24 * 64 * 288 + 9216 * 128 + 128 * 10);
        return (work.rows * (4 * first + 6 * others)) as f64;
    }
    let weights: usize = work.sizes.windows(2).map(|pair| pair[0] * pair[1]).sum();
    (work.rows * (6 * weights - 2 * work.sizes[0] * work.sizes[1])) as f64
}

/// Peak resident memory of this process so far, in MiB.
fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? / 1024.0)
}

/// Trains and reports.
pub(crate) fn run(name: &str, options: &Options) -> Result<Value> {
    let work = WORKLOADS.iter().find(|work| work.name == name).with_context(|| format!("no workload {name:?}"))?;
    let Trained { seconds, costs, rates } = train(work, options)?;
    let middle = median(seconds.clone());
    // Inputs and targets, θ with its gradient and Adam's two moments, and each layer's outputs and their gradients.
    let planned = (work.name != CONVOLUTIONS).then(|| {
        let (theta, activations) = (parameters(work.sizes), work.sizes.iter().sum::<usize>() * work.batch);
        4.0 * (work.rows * (work.sizes[0] + 1) + 2 * activations + 5 * theta) as f64 / (1024.0 * 1024.0)
    });
    Ok(json!({
        "workload": name, "unit": "s/epoch", "threads": options.threads, "precision": options.precision, "seconds": seconds,
        "median": middle, "gflops": operations(work) / middle / 1e9, "loss": [costs[0], costs[costs.len() - 1]],
        "peak_mib": peak_memory(), "planned_mib": planned, "rates": rates,
    }))
}

/// The time of a W1 epoch as a function of its rows, and of the units of its hidden layers.
pub(crate) fn scaling(options: &Options) -> Result<Value> {
    let point = |rows: usize, units: usize| -> Result<Value> {
        let sizes = [784, units, units, 10];
        let Trained { seconds, .. } = train(&Workload { sizes: &sizes, rows, ..WORKLOADS[0] }, options)?;
        Ok(json!({ "rows": rows, "parameters": parameters(&sizes), "seconds": median(seconds) }))
    };
    let by_rows: Vec<Value> = [1, 2, 4, 8, 16, 32].into_iter().map(|n| point(1920 * n, 512)).collect::<Result<_>>()?;
    let units = [32, 64, 128, 256, 512, 1024];
    let by_parameters: Vec<Value> = units.into_iter().map(|units| point(15_360, units)).collect::<Result<_>>()?;
    Ok(json!({ "workload": "scaling", "threads": options.threads, "rows": by_rows, "parameters": by_parameters }))
}

fn parameters(sizes: &[usize]) -> usize {
    sizes.windows(2).map(|pair| (pair[0] + 1) * pair[1]).sum()
}

/// What a training took.
struct Trained {
    /// Of each epoch but the first.
    seconds: Vec<f64>,
    /// Of all epochs.
    costs: Vec<f64>,
    /// The rates of the moment around these epochs.
    rates: Vec<f64>,
}

fn train(work: &Workload, options: &Options) -> Result<Trained> {
    let network = if work.name == CONVOLUTIONS { convolutions()? } else { network(work.sizes)? };
    let train = data::examples(work.rows, work.sizes[0], work.sizes[work.sizes.len() - 1], work.answers)?;
    let train = if work.name == CONVOLUTIONS { data::as_images(train, [28, 28])? } else { train };
    let loss: Box<dyn Loss> = match work.answers {
        Answers::Classes => Box::new(SoftmaxCrossEntropy::default()),
        Answers::Number => Box::new(Squared),
        Answers::YesOrNo => Box::new(SigmoidCrossEntropy),
    };
    let optimizer: Box<dyn Optimizer> =
        if work.answers == Answers::YesOrNo { Box::new(GradientDescent) } else { Box::new(Adam::USUAL) };
    let products = crate::products(&options.precision)?;
    let settings = TrainSettings {
        batch_size: work.batch,
        epochs: options.epochs + 1,
        learning_rate: work.learning_rate,
        products,
        ..TrainSettings::default()
    };
    let trainer = Trainer {
        network: &network,
        loss: &*loss,
        optimizer: &*optimizer,
        settings,
        train: &train,
        dev: None,
        evaluate: &|_| Metrics::new(),
    };
    let mut state = State::new(&network, &*optimizer, 0, 0.0, Dtype::F32);
    let (mut seconds, mut costs, mut rates, mut start) = (Vec::new(), Vec::new(), Vec::new(), Instant::now());
    let mut record = |event: &Event| {
        if let Event::EpochEnded { cost, .. } = event {
            seconds.push(start.elapsed().as_secs_f64());
            // The peers' squared error is not halved.
            costs.push(if work.answers == Answers::Number { 2.0 * cost } else { *cost });
            rates.push(rate::now(products));
            start = Instant::now();
        }
    };
    trainer.fit(&mut state, &mut record)?;
    Ok(Trained { seconds: seconds.split_off(1), costs, rates })
}
