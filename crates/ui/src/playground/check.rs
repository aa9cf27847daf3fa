//! Gradient checking with a planted mistake: the learner finds which gradient is wrong, and how.

use serde::Deserialize;
use serde_json::{Value, json};
use thalweg::layers::{Layer, Linear, Mode};
use thalweg::losses::{Cost, SigmoidCrossEntropy};
use thalweg::network::gradient_check::{one_sided, two_sided};
use thalweg::network::{Entry, Network, Workspace};
use thalweg::random::Stream;
use thalweg::tensor::{Activation, Dtype, Tensor, View};
use thalweg::{Error, Result};

/// The streams of the examples and of the mistake.
const EXAMPLES: u32 = 68;
const MISTAKE: u32 = 69;
const ROWS: usize = 12;
/// λ of the L2 term.
const LAMBDA: f64 = 3.0;

/// Which puzzle, how large the differences are, and whether to tell the mistake.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    seed: u64,
    epsilon: f64,
    #[serde(default)]
    reveal: bool,
}

/// What is wrong with a gradient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mistake {
    Nothing,
    MissingMean,
    WrongSign,
    ForgottenL2,
    Transposed,
}

impl Mistake {
    const ALL: [Mistake; 5] =
        [Mistake::Nothing, Mistake::MissingMean, Mistake::WrongSign, Mistake::ForgottenL2, Mistake::Transposed];

    fn name(self) -> &'static str {
        match self {
            Mistake::Nothing => "nothing",
            Mistake::MissingMean => "missing_mean",
            Mistake::WrongSign => "wrong_sign",
            Mistake::ForgottenL2 => "forgotten_l2",
            Mistake::Transposed => "transposed",
        }
    }
}

/// Each parameter's gradient by the backward pass, with a mistake in one of them, beside the two-sided differences of the
/// cost; and both kinds of differences of f(θ) = θ³ at 1.
///
/// # Errors
/// If ε is not a small number above 0.
pub(super) fn check(query: &Query) -> Result<Value> {
    let Query { seed, epsilon, reveal } = *query;
    if !(1e-12..=0.1).contains(&epsilon) {
        return Err(Error::config(format!("found an ε of {epsilon}, expected 1e-12 to 0.1")));
    }
    let mut probe = Probe::new(seed)?;
    let theta = probe.network.initialize(seed, Dtype::F64);
    let mut gradient = probe.gradient(&theta)?;
    let (mistake, entry) = planted(&probe.network, seed);
    plant(mistake, &entry, &theta, &mut gradient);
    let numeric = probe.differences(&theta, epsilon)?;
    let parameters: Vec<Value> = probe
        .network
        .layout()
        .entries()
        .iter()
        .map(|entry| {
            let [numeric, backward] = [&numeric, &gradient].map(|vector| part(vector.view(), entry));
            json!({
                "name": entry.name,
                "rows": if entry.name.ends_with("weight") { entry.shape.rows() } else { entry.shape.size() },
                "columns": if entry.name.ends_with("weight") { entry.shape.columns() } else { 1 },
                "relative": relative(&numeric, &backward),
                "numeric": numeric,
                "backward": backward,
            })
        })
        .collect();
    let cube = |theta: f64| theta.powi(3);
    let answer = reveal.then(|| json!({ "mistake": mistake.name(), "parameter": entry.name }));
    Ok(json!({
        "relative": relative(&numeric.to_f64(), &gradient.to_f64()),
        "parameters": parameters,
        "mistakes": Mistake::ALL.map(Mistake::name),
        "rows": ROWS,
        "lambda": LAMBDA,
        "cube": { "one_sided": one_sided(cube, 1.0, epsilon), "two_sided": two_sided(cube, 1.0, epsilon) },
        "answer": answer,
    }))
}

fn part(vector: View, entry: &Entry) -> Vec<f64> {
    vector.part(entry.start, entry.shape).to_f64()
}

/// ‖dθ≈ − dθ‖ / (‖dθ≈‖ + ‖dθ‖).
fn relative(numeric: &[f64], backward: &[f64]) -> f64 {
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>().sqrt();
    let difference = norm(&mut numeric.iter().zip(backward).map(|(a, b)| a - b));
    difference / (norm(&mut numeric.iter().copied()) + norm(&mut backward.iter().copied())).max(f64::MIN_POSITIVE)
}

/// The mistake of a seed, and the parameter whose gradient has it.
fn planted(network: &Network, seed: u64) -> (Mistake, Entry) {
    let [kind, place, ..] = Stream::new(seed, MISTAKE).bits(0, 0);
    let mistake = Mistake::ALL[kind as usize % Mistake::ALL.len()];
    let fits = |entry: &&Entry| match mistake {
        Mistake::Nothing | Mistake::MissingMean => true,
        Mistake::WrongSign => entry.name.ends_with("bias"),
        Mistake::ForgottenL2 => entry.decays,
        Mistake::Transposed => entry.decays && entry.shape.rows() == entry.shape.columns(),
    };
    let places: Vec<&Entry> = network.layout().entries().iter().filter(fits).collect();
    (mistake, places[place as usize % places.len()].clone())
}

/// Makes the mistake in one parameter's gradient.
fn plant(mistake: Mistake, entry: &Entry, theta: &Tensor, gradient: &mut Tensor) {
    let (weight, right) = (part(theta.view(), entry), part(gradient.view(), entry));
    let decay = |i: usize| if entry.decays { LAMBDA / ROWS as f64 * weight[i] } else { 0.0 };
    let wrong = |i: usize| match mistake {
        Mistake::Nothing => right[i],
        Mistake::MissingMean => ROWS as f64 * (right[i] - decay(i)) + decay(i),
        Mistake::WrongSign => -right[i],
        Mistake::ForgottenL2 => right[i] - decay(i),
        Mistake::Transposed => {
            let n = entry.shape.columns();
            right[i % n * n + i / n]
        }
    };
    let wrong: Vec<f64> = (0..right.len()).map(wrong).collect();
    gradient.view_mut().part(entry.start, entry.shape).set_all(&wrong);
}

/// A small network and its examples.
struct Probe {
    network: Network,
    workspace: Workspace,
    cost: Cost,
    x: Tensor,
    y: Tensor,
}

impl Probe {
    fn new(seed: u64) -> Result<Probe> {
        let hidden = || Box::new(Linear::new(3, Activation::Tanh)) as Box<dyn Layer>;
        let network = Network::new(2, vec![hidden(), hidden(), Box::new(Linear::new(1, Activation::Identity))])?;
        let mut x = vec![0.0; 2 * ROWS];
        Stream::new(seed, EXAMPLES).fill_normal(0, &mut x);
        let y = x.chunks(2).map(|x| f64::from(x[0] * x[1] < 0.0)).collect();
        let (x, y) = (Tensor::from_f64([ROWS, 2], x), Tensor::from_f64([ROWS, 1], y));
        Ok(Probe { workspace: network.workspace(ROWS, Dtype::F64), cost: Cost::new(ROWS, Dtype::F64), network, x, y })
    }

    /// J(θ), with the L2 term.
    fn cost(&mut self, theta: &Tensor) -> Result<f64> {
        self.network.forward(theta.view(), self.x.view(), &mut self.workspace, Mode::Check)?;
        let z = self.workspace.output(ROWS);
        let cost = self.cost.compute(&SigmoidCrossEntropy, z, self.y.view(), None, None);
        Ok(cost + self.network.l2_cost(theta.view(), LAMBDA / ROWS as f64))
    }

    /// dθ by the backward pass.
    fn gradient(&mut self, theta: &Tensor) -> Result<Tensor> {
        let mut gradient = Tensor::zeros(theta.shape(), Dtype::F64);
        self.network.forward(theta.view(), self.x.view(), &mut self.workspace, Mode::Check)?;
        let (z, dz) = self.workspace.delta(ROWS);
        self.cost.compute(&SigmoidCrossEntropy, z, self.y.view(), None, Some(dz));
        self.network.backward(theta.view(), self.x.view(), &mut self.workspace, gradient.view_mut())?;
        self.network.add_l2_gradient(theta.view(), LAMBDA / ROWS as f64, gradient.view_mut());
        Ok(gradient)
    }

    /// dθ≈: (J(θ + εe) − J(θ − εe)) / 2ε for each coordinate.
    fn differences(&mut self, theta: &Tensor, epsilon: f64) -> Result<Tensor> {
        let mut theta = theta.clone();
        let mut numeric = Tensor::zeros(theta.shape(), Dtype::F64);
        for i in 0..theta.view().len() {
            let value = theta.view().at(i);
            let mut at = |shift: f64| {
                theta.view_mut().set(i, value + shift);
                self.cost(&theta)
            };
            let (above, below) = (at(epsilon)?, at(-epsilon)?);
            theta.view_mut().set(i, value);
            numeric.view_mut().set(i, (above - below) / (2.0 * epsilon));
        }
        Ok(numeric)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(seed: u64) -> Query {
        Query { seed, epsilon: 1e-6, reveal: true }
    }

    /// Every mistake occurs, and the differences are large exactly where it is.
    #[test]
    fn the_parameter_with_the_mistake_is_the_one_that_differs() {
        let mut seen = Vec::new();
        for seed in 0..40 {
            let told = check(&query(seed)).unwrap();
            let answer = &told["answer"];
            let mistake = answer["mistake"].as_str().unwrap().to_string();
            for parameter in told["parameters"].as_array().unwrap() {
                let differs = parameter["relative"].as_f64().unwrap() > 1e-3;
                let planted = mistake != "nothing" && parameter["name"] == answer["parameter"];
                assert_eq!(differs, planted, "seed {seed}: {mistake} {parameter}");
            }
            assert_eq!(told["relative"].as_f64().unwrap() > 1e-3, mistake != "nothing");
            seen.push(mistake);
        }
        for mistake in Mistake::ALL {
            assert!(seen.iter().any(|name| name == mistake.name()), "{mistake:?}");
        }
    }

    #[test]
    fn the_answer_is_told_only_when_asked_for() {
        let hidden = check(&Query { reveal: false, ..query(3) }).unwrap();
        let mut shown = check(&query(3)).unwrap();
        assert!(hidden["answer"].is_null() && !shown["answer"].is_null());
        shown["answer"] = Value::Null;
        assert_eq!(hidden, shown);
    }

    #[test]
    fn differences_of_a_cube_err_as_the_course_says() {
        let told = check(&Query { epsilon: 0.01, ..query(0) }).unwrap();
        assert!((told["cube"]["one_sided"].as_f64().unwrap() - 3.0301).abs() < 1e-10);
        assert!((told["cube"]["two_sided"].as_f64().unwrap() - 3.0001).abs() < 1e-10);
        assert!(check(&Query { epsilon: 0.0, ..query(0) }).is_err());
        assert!(check(&Query { epsilon: f64::NAN, ..query(0) }).is_err());
    }
}
