//! Optimisers side by side: their paths down a ravine, and down a slice of a network's own cost.

use serde::Deserialize;
use serde_json::{Value, json};
use thalweg::config::Config;
use thalweg::data;
use thalweg::layers::{Layer, Linear, Mode};
use thalweg::losses::{Cost, SigmoidCrossEntropy};
use thalweg::network::{Network, Workspace};
use thalweg::optimizers::{Adam, Epsilon, GradientDescent, Momentum, Optimizer, RmsProp, Step, new_state};
use thalweg::tensor::{Activation, Dtype, Tensor};
use thalweg::train::TensorDataset;
use thalweg::{Error, Result};

use super::experiment::tensors;

/// Points of the surface along each axis.
const SIDE: usize = 61;
const MOST_STEPS: usize = 500;
/// J of the ravine is ½ (w₁² + 20 w₂²).
const STEEPNESS: f64 = 20.0;
/// Steps that the network is trained before two of its weights are taken out.
const TRAINED: u64 = 400;

/// Where the optimisers go down, and their hyperparameters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    /// `ravine` or `network`.
    surface: String,
    alpha: f64,
    beta1: f64,
    beta2: f64,
    steps: usize,
    seed: u64,
}

/// A cost J of two weights.
trait Surface {
    /// J and its gradient.
    fn cost(&mut self, w: [f64; 2]) -> Result<(f64, [f64; 2])>;
    /// The range of both weights.
    fn ranges(&self) -> [[f64; 2]; 2];
    /// Where paths begin.
    fn start(&self) -> [f64; 2];
}

/// The surface over a grid, and the path of each optimiser.
///
/// # Errors
/// If a hyperparameter is out of its range.
pub(super) fn optimizers(query: &Query) -> Result<Value> {
    let Query { surface, alpha, beta1, beta2, steps, seed } = query;
    let share = |beta: &f64| (0.0..1.0).contains(beta);
    if !(alpha.is_finite() && *alpha > 0.0 && share(beta1) && share(beta2)) {
        return Err(Error::config("expected α above 0, and β₁ and β₂ from 0 to below 1"));
    }
    if *steps > MOST_STEPS {
        return Err(Error::config(format!("found {steps} steps, expected at most {MOST_STEPS}")));
    }
    let mut surface: Box<dyn Surface> = match surface.as_str() {
        "ravine" => Box::new(Ravine),
        "network" => Box::new(Slice::new(*seed)?),
        other => return Err(Error::config(format!("unknown surface {other:?}")).fix("use ravine or network")),
    };
    let ranges = surface.ranges();
    let at =
        |axis: usize, i: usize| ranges[axis][0] + (ranges[axis][1] - ranges[axis][0]) * i as f64 / (SIDE - 1) as f64;
    // From the top to the bottom, as pictures are drawn.
    let grid: Result<Vec<f64>> =
        (0..SIDE * SIDE).map(|i| Ok(surface.cost([at(0, i % SIDE), at(1, SIDE - 1 - i / SIDE)])?.0)).collect();
    let (momentum, rmsprop, adam) = (
        Momentum { beta: *beta1, ..Momentum::COURSE },
        RmsProp { beta: *beta2, placement: Epsilon::Inside, ..RmsProp::USUAL },
        Adam { beta1: *beta1, beta2: *beta2, ..Adam::USUAL },
    );
    let all: [&dyn Optimizer; 4] = [&GradientDescent, &momentum, &rmsprop, &adam];
    let paths: Result<Vec<Value>> = all
        .iter()
        .map(|optimizer| {
            let path = path(&mut *surface, *optimizer, *alpha, *steps)?;
            Ok(json!({ "name": optimizer.name(), "points": path }))
        })
        .collect();
    Ok(json!({ "side": SIDE, "ranges": ranges, "grid": grid?, "paths": paths? }))
}

/// w₁, w₂ and J at each step.
fn path(surface: &mut dyn Surface, optimizer: &dyn Optimizer, alpha: f64, steps: usize) -> Result<Vec<[f64; 3]>> {
    let mut theta = Tensor::from_f64([2], surface.start().to_vec());
    let mut state = new_state(optimizer, 2, Dtype::F64);
    let mut path = Vec::with_capacity(steps + 1);
    for t in 1..=steps as u64 + 1 {
        let w = [theta.view().at(0), theta.view().at(1)];
        let (cost, gradient) = surface.cost(w)?;
        path.push([w[0], w[1], cost]);
        let gradient = Tensor::from_f64([2], gradient.to_vec());
        optimizer.step(Step { t, learning_rate: alpha }, theta.view_mut(), gradient.view(), &mut state);
    }
    Ok(path)
}

/// A valley that is long one way and steep the other.
struct Ravine;

impl Surface for Ravine {
    fn cost(&mut self, [a, b]: [f64; 2]) -> Result<(f64, [f64; 2])> {
        Ok(((a * a + STEEPNESS * b * b) / 2.0, [a, STEEPNESS * b]))
    }

    fn ranges(&self) -> [[f64; 2]; 2] {
        [[-4.0, 4.0], [-1.5, 1.5]]
    }

    fn start(&self) -> [f64; 2] {
        [-3.6, 1.1]
    }
}

/// The cost of a small network on the moons, of both weights of its first unit; the other parameters stay as they were
/// learned.
struct Slice {
    network: Network,
    workspace: Workspace,
    cost: Cost,
    theta: Tensor,
    examples: TensorDataset,
}

impl Slice {
    fn new(seed: u64) -> Result<Slice> {
        let mut config = Config::default();
        config.data.path = format!("sample:moons,rows=160,noise=0.15,seed={seed}");
        config.train.seed = seed;
        let data = data::load(&config)?;
        let examples = tensors(&data.parts.train, Dtype::F64)?;
        let layers: Vec<Box<dyn Layer>> =
            vec![Box::new(Linear::new(3, Activation::Tanh)), Box::new(Linear::new(1, Activation::Identity))];
        let network = Network::new(2, layers)?;
        let mut theta = network.initialize(seed, Dtype::F64);
        let mut state = new_state(&Adam::USUAL, theta.view().len(), Dtype::F64);
        let (m, trained) = (examples.rows(), network.layout().trained());
        let mut slice = Slice {
            workspace: network.workspace(m, Dtype::F64),
            cost: Cost::new(m, Dtype::F64),
            theta: theta.clone(),
            network,
            examples,
        };
        for t in 1..=TRAINED {
            let (_, gradient) = slice.whole(&theta)?;
            let gradient = gradient.view().part(0, [trained]);
            Adam::USUAL.step(
                Step { t, learning_rate: 0.05 },
                theta.view_mut().part(0, [trained]),
                gradient,
                &mut state,
            );
        }
        slice.theta = theta;
        Ok(slice)
    }

    /// J and dθ.
    fn whole(&mut self, theta: &Tensor) -> Result<(f64, Tensor)> {
        let (x, y, m) = (self.examples.x.view(), self.examples.y.view(), self.examples.rows());
        let mut gradient = Tensor::zeros(theta.shape(), Dtype::F64);
        self.network.forward(theta.view(), x, &mut self.workspace, Mode::Check)?;
        let (z, dz) = self.workspace.delta(m);
        let cost = self.cost.compute(&SigmoidCrossEntropy, z, y, None, Some(dz));
        self.network.backward(theta.view(), x, &mut self.workspace, gradient.view_mut())?;
        Ok((cost, gradient))
    }
}

impl Surface for Slice {
    fn cost(&mut self, w: [f64; 2]) -> Result<(f64, [f64; 2])> {
        let mut theta = self.theta.clone();
        // The first layer's weights come first: the first row of W is the first unit's.
        theta.view_mut().set(0, w[0]);
        theta.view_mut().set(1, w[1]);
        let (cost, gradient) = self.whole(&theta)?;
        Ok((cost, [gradient.view().at(0), gradient.view().at(1)]))
    }

    fn ranges(&self) -> [[f64; 2]; 2] {
        let start = self.start();
        [0, 1].map(|i| {
            let best = self.theta.view().at(i);
            let room = 1.5 + 0.35 * (best - start[i]).abs();
            [best.min(start[i]) - room, best.max(start[i]) + room]
        })
    }

    fn start(&self) -> [f64; 2] {
        // Beyond 0, with the other sign: the unit has to turn round. Where weights are large its tanh would be flat.
        [0, 1].map(|i| -0.3 * self.theta.view().at(i))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use thalweg::network::gradient_check::two_sided;

    fn query(surface: &str) -> Query {
        Query { surface: surface.into(), alpha: 0.05, beta1: 0.9, beta2: 0.99, steps: 40, seed: 0 }
    }

    fn points(told: &Value, name: &str) -> Vec<[f64; 3]> {
        let path = told["paths"].as_array().unwrap().iter().find(|path| path["name"] == name).unwrap();
        serde_json::from_value(path["points"].clone()).unwrap()
    }

    #[test]
    fn on_the_ravine_paths_are_those_of_the_formulas() {
        let told = optimizers(&query("ravine")).unwrap();
        let descent = points(&told, "gradient_descent");
        for (t, [a, b, cost]) in descent.iter().enumerate() {
            // θ_t = (1 − α λ)^t θ_0 for each direction's curvature λ.
            let [x, y] = [-3.6 * 0.95f64.powi(t as i32), 1.1 * 0.0f64.powi(t as i32)];
            assert!((a - x).abs() < 1e-12 && (b - y).abs() < 1e-12, "{t}");
            assert!((cost - (x * x + 20.0 * y * y) / 2.0).abs() < 1e-12);
        }
        let momentum = points(&told, "momentum");
        let (mut w, mut v) = (-3.6, 0.0);
        for [a, ..] in momentum {
            assert!((a - w).abs() < 1e-12);
            v = 0.9 * v + 0.1 * w;
            w -= 0.05 * v;
        }
        // Adam's first step is α in each direction, RMSprop's α/√(1 − β₂).
        let adam = points(&told, "adam");
        assert!((adam[1][0] + 3.55).abs() < 1e-6 && (adam[1][1] - 1.05).abs() < 1e-6);
        assert!((points(&told, "rmsprop")[1][0] + 3.6 - 0.5).abs() < 1e-6);
    }

    #[test]
    fn the_slice_s_gradient_is_that_of_its_cost() {
        let mut slice = Slice::new(3).unwrap();
        let w = [0.7, -1.3];
        let (_, gradient) = slice.cost(w).unwrap();
        let cost = std::cell::RefCell::new(&mut slice);
        let along = |i: usize| {
            two_sided(
                |at| {
                    let mut w = w;
                    w[i] = at;
                    cost.borrow_mut().cost(w).unwrap().0
                },
                w[i],
                1e-5,
            )
        };
        assert!((along(0) - gradient[0]).abs() < 1e-8 && (along(1) - gradient[1]).abs() < 1e-8);
        assert_eq!(optimizers(&query("network")).unwrap(), optimizers(&query("network")).unwrap());
    }

    #[test]
    fn what_is_out_of_range_is_refused() {
        assert!(optimizers(&query("sea")).unwrap_err().to_string().contains("ravine or network"));
        assert!(optimizers(&Query { beta1: 1.0, ..query("ravine") }).is_err());
        assert!(optimizers(&Query { alpha: f64::NAN, ..query("ravine") }).is_err());
        assert!(optimizers(&Query { steps: 1 << 40, ..query("ravine") }).is_err());
    }
}
