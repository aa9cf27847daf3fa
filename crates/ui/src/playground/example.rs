//! Forward and backward through one example, with every number on the way.

use serde::Deserialize;
use serde_json::{Value, json};
use thalweg::layers::{Activate, Layer, Linear, Mode};
use thalweg::losses::{Cost, Loss, SigmoidCrossEntropy};
use thalweg::network::{Network, Workspace};
use thalweg::optimizers::{GradientDescent, Optimizer, Step};
use thalweg::tensor::{Activation, Dtype, Tensor, ops};
use thalweg::{Error, Result};

const MOST_INPUTS: usize = 4;
const MOST_LAYERS: usize = 3;
const MOST_UNITS: usize = 4;
const MOST_STEPS: usize = 500;

/// A small network, an example, and how far it has learned from it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    /// Inputs, such as `1,-2`.
    x: String,
    /// 0 or 1.
    y: f64,
    /// Hidden units, such as `3,2`; none for logistic regression.
    layers: String,
    activation: String,
    alpha: f64,
    /// Steps of gradient descent done.
    steps: usize,
    seed: u64,
}

/// Numbers with commas between them.
fn list<T: std::str::FromStr>(what: &str, text: &str) -> Result<Vec<T>> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let numbers: std::result::Result<Vec<T>, _> = parts.map(str::parse).collect();
    numbers.map_err(|_| Error::config(format!("found {text:?} for {what}, expected numbers such as 1,2")))
}

/// The network at the step asked for: its layers forward, the loss, the gradients backward, and the parameters after one
/// more step.
///
/// For one example ∂J/∂b of a layer is its dz, and for several their mean: here dz is read from db.
///
/// # Errors
/// If the network is too large, or a number is none.
pub(super) fn example(query: &Query) -> Result<Value> {
    let (x, hidden) = (list::<f64>("x", &query.x)?, list::<usize>("layers", &query.layers)?);
    check(query, &x, &hidden)?;
    let network = network(x.len(), &hidden, &query.activation)?;
    let (x, y) = (Tensor::from_f64([1, x.len()], x), Tensor::from_f64([1, 1], vec![query.y]));
    let mut theta = network.initialize(query.seed, Dtype::F64);
    let mut workspace = network.workspace(1, Dtype::F64);
    let mut losses = Vec::new();
    let mut t = 0;
    let (told, gradient) = loop {
        let mut gradient = Tensor::zeros(theta.shape(), Dtype::F64);
        network.forward(theta.view(), x.view(), &mut workspace, Mode::Check)?;
        let outputs: Vec<Vec<f64>> =
            (0..network.layers().len()).map(|i| workspace.layer_output(i, 1).to_f64()).collect();
        let (loss, dz) = loss_and_delta(&mut workspace, &y);
        losses.push(loss);
        network.backward(theta.view(), x.view(), &mut workspace, gradient.view_mut())?;
        if t == query.steps {
            break (layers(&network, (&theta, &gradient), &outputs, dz), gradient);
        }
        step(&mut theta, &gradient, t, query.alpha);
        t += 1;
    };
    let mut after = theta.clone();
    step(&mut after, &gradient, t, query.alpha);
    Ok(json!({
        "x": x.to_f64(),
        "y": query.y,
        "layers": told,
        "losses": losses,
        "loss": losses.last(),
        "after": parameters(&network, &after),
    }))
}

fn check(query: &Query, x: &[f64], hidden: &[usize]) -> Result<()> {
    let fits = (1..=MOST_INPUTS).contains(&x.len())
        && hidden.len() <= MOST_LAYERS
        && hidden.iter().all(|units| (1..=MOST_UNITS).contains(units))
        && query.steps <= MOST_STEPS;
    if !fits {
        return Err(Error::config(format!(
            "expected up to {MOST_INPUTS} inputs, {MOST_LAYERS} hidden layers of {MOST_UNITS} units and {MOST_STEPS} steps"
        )));
    }
    if !(x.iter().chain([&query.alpha]).all(|number| number.abs() <= 1e6) && [0.0, 1.0].contains(&query.y)) {
        return Err(Error::config("expected numbers up to a million, and 0 or 1 for y"));
    }
    Ok(())
}

/// Products and activations as layers of their own, so that z and a are both outputs.
fn network(inputs: usize, hidden: &[usize], activation: &str) -> Result<Network> {
    let activation: Activation = activation.parse()?;
    let mut layers: Vec<Box<dyn Layer>> = Vec::new();
    for &units in hidden {
        layers.push(Box::new(Linear::new(units, Activation::Identity)));
        layers.push(Box::new(Activate { activation }));
    }
    layers.push(Box::new(Linear::new(1, Activation::Identity)));
    Network::new(inputs, layers)
}

/// L and dz of the output.
fn loss_and_delta(workspace: &mut Workspace, y: &Tensor) -> (f64, f64) {
    let (z, mut dz) = workspace.delta(1);
    let loss = Cost::new(1, Dtype::F64).compute(&SigmoidCrossEntropy, z, y.view(), None, Some(dz.reborrow()));
    (loss, dz.view().at(0))
}

fn step(theta: &mut Tensor, gradient: &Tensor, t: usize, alpha: f64) {
    let at = Step { t: t as u64 + 1, learning_rate: alpha };
    GradientDescent.step(at, theta.view_mut(), gradient.view(), &mut []);
}

/// W and b of each layer that has them.
fn parameters(network: &Network, theta: &Tensor) -> Vec<Value> {
    let entries = network.layout().entries().chunks(2);
    let values = |at: &thalweg::network::Entry| theta.view().part(at.start, at.shape).to_f64();
    entries.map(|pair| json!({ "w": rows(values(&pair[0]), pair[0].shape.columns()), "b": values(&pair[1]) })).collect()
}

fn rows(values: Vec<f64>, columns: usize) -> Vec<Vec<f64>> {
    values.chunks(columns).map(<[f64]>::to_vec).collect()
}

/// Each layer's numbers, from the input to the output.
fn layers(network: &Network, (theta, gradient): (&Tensor, &Tensor), outputs: &[Vec<f64>], dz: f64) -> Vec<Value> {
    let [values, gradients] = [theta, gradient].map(|vector| parameters(network, vector));
    let last = values.len() - 1;
    let each = values.into_iter().zip(gradients).enumerate();
    each.map(|(i, (values, gradients))| {
        let z = &outputs[2 * i];
        let mut a = Tensor::from_f64([1, z.len()], z.clone());
        let (a, dz) = if i == last {
            SigmoidCrossEntropy.answer(a.view_mut());
            (a.to_f64(), json!([dz]))
        } else {
            (outputs[2 * i + 1].clone(), gradients["b"].clone())
        };
        let slope = network.layers().get(2 * i + 1).and_then(|layer| layer.activation()).map(|g| slope(g, z, &a));
        json!({
            "w": values["w"], "b": values["b"], "z": z, "a": a,
            "slope": slope, "dz": dz, "dw": gradients["w"], "db": gradients["b"],
        })
    })
    .collect()
}

/// g'(z): what the backward pass makes of ∂J/∂a = 1.
fn slope(g: Activation, z: &[f64], a: &[f64]) -> Vec<f64> {
    let saved = Tensor::from_f64([z.len()], if g.needs_input() { z } else { a }.to_vec());
    let mut ones = Tensor::from_f64([z.len()], vec![1.0; z.len()]);
    ops::activate_backward(g, saved.view(), ones.view_mut());
    ones.to_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(layers: &str, steps: usize) -> Query {
        Query {
            x: "1.5,-2".into(),
            y: 1.0,
            layers: layers.into(),
            activation: "tanh".into(),
            alpha: 0.1,
            steps,
            seed: 4,
        }
    }

    fn at(value: &Value, path: &str) -> f64 {
        value.pointer(path).unwrap_or_else(|| panic!("{path} in {value}")).as_f64().unwrap()
    }

    #[test]
    fn logistic_regression_is_as_the_course_writes_it() {
        let told = example(&query("", 0)).unwrap();
        let [w1, w2, b] = ["w/0/0", "w/0/1", "b/0"].map(|path| at(&told, &format!("/layers/0/{path}")));
        let z = 1.5 * w1 - 2.0 * w2 + b;
        let a = 1.0 / (1.0 + (-z).exp());
        let close = |path: &str, value: f64| assert!((at(&told, path) - value).abs() < 1e-14, "{path}");
        close("/layers/0/z/0", z);
        close("/layers/0/a/0", a);
        close("/loss", -a.ln());
        close("/layers/0/dz/0", a - 1.0);
        close("/layers/0/dw/0/0", 1.5 * (a - 1.0));
        close("/layers/0/dw/0/1", -2.0 * (a - 1.0));
        close("/layers/0/db/0", a - 1.0);
        close("/after/0/w/0/0", w1 - 0.1 * 1.5 * (a - 1.0));
        close("/after/0/b/0", b - 0.1 * (a - 1.0));
    }

    #[test]
    fn the_gradients_of_hidden_layers_follow_from_those_above() {
        let told = example(&query("3", 5)).unwrap();
        let dz2 = at(&told, "/layers/1/dz/0");
        assert!((dz2 - (at(&told, "/layers/1/a/0") - 1.0)).abs() < 1e-14);
        for unit in 0..3 {
            let (a, w) = (at(&told, &format!("/layers/0/a/{unit}")), at(&told, &format!("/layers/1/w/0/{unit}")));
            let dz = w * dz2 * (1.0 - a * a);
            assert!((at(&told, &format!("/layers/0/slope/{unit}")) - (1.0 - a * a)).abs() < 1e-14);
            assert!((at(&told, &format!("/layers/0/dz/{unit}")) - dz).abs() < 1e-14);
            assert!((at(&told, &format!("/layers/0/dw/{unit}/1")) + 2.0 * dz).abs() < 1e-14);
            assert!((at(&told, &format!("/layers/1/dw/0/{unit}")) - dz2 * a).abs() < 1e-14);
        }
        let losses = told["losses"].as_array().unwrap();
        assert_eq!(losses.len(), 6);
        assert!(losses[5].as_f64() < losses[0].as_f64());
    }

    #[test]
    fn the_next_step_is_what_the_step_before_foretold() {
        let (before, after) = (example(&query("2,2", 3)).unwrap(), example(&query("2,2", 4)).unwrap());
        assert_eq!(before["after"][1]["w"], after["layers"][1]["w"]);
        assert!(example(&query("2,x", 0)).unwrap_err().to_string().contains("2,x"));
        assert!(example(&query("2000", 0)).is_err());
        assert!(example(&query("", 1 << 30)).is_err());
        assert!(example(&Query { y: 2.0, ..query("", 0) }).is_err());
        assert!(example(&Query { x: "NaN".into(), ..query("", 0) }).is_err());
    }
}
