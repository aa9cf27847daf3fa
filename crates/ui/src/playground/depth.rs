//! How activations and gradients grow or shrink from layer to layer, by the first weights.

use serde::Deserialize;
use serde_json::{Value, json};
use thalweg::init::Init;
use thalweg::layers::{Layer, Linear, Mode};
use thalweg::network::Network;
use thalweg::random::Stream;
use thalweg::tensor::{Activation, Dtype, Tensor};
use thalweg::{Error, Result};

/// The streams of the inputs, and of the gradient at the output.
const INPUTS: u32 = 66;
const MOST_LAYERS: usize = 100;
const MOST_UNITS: usize = 128;
/// Examples over which scales are taken.
const ROWS: usize = 64;

/// A deep network.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    layers: usize,
    units: usize,
    activation: String,
    /// The factors of the identity matrix in the two networks whose W is one.
    above: f64,
    below: f64,
    seed: u64,
}

/// First weights: a name, and how they are drawn or, for a multiple of the identity matrix, its factor.
struct Start {
    name: String,
    weights: Weights,
}

enum Weights {
    Drawn(Init),
    Multiple(f64),
}

/// The standard deviation of activations after each layer, and the root mean square of ∂J/∂a, where at the output it is 1.
///
/// # Errors
/// If the network would be too large, or there is no such activation.
pub(super) fn depth(query: &Query) -> Result<Value> {
    let Query { layers, units, above, below, .. } = *query;
    if !(1..=MOST_LAYERS).contains(&layers) || !(1..=MOST_UNITS).contains(&units) {
        let found =
            format!("found {layers} layers of {units} units, expected up to {MOST_LAYERS} of up to {MOST_UNITS}");
        return Err(Error::config(found));
    }
    if ![above, below].iter().all(|factor| factor.is_finite()) {
        return Err(Error::config("found a factor that is not a number"));
    }
    let drawn = |name: &str, init| Start { name: name.into(), weights: Weights::Drawn(init) };
    let multiple = |factor: f64| Start { name: format!("W = {factor} I"), weights: Weights::Multiple(factor) };
    let starts = [
        multiple(above),
        multiple(below),
        drawn("zeros", Init::Constant(0.0)),
        drawn("small: N(0, 0.01²)", Init::Normal(0.01)),
        drawn("large: N(0, 1)", Init::Normal(1.0)),
        drawn("Xavier: Var 1/n", Init::XavierNormal),
        drawn("He: Var 2/n", Init::HeNormal),
    ];
    let curves: Result<Vec<Value>> = starts.into_iter().map(|start| scales(query, start)).collect();
    Ok(json!({ "layers": (1..=layers).collect::<Vec<_>>(), "curves": curves? }))
}

fn scales(query: &Query, start: Start) -> Result<Value> {
    let Query { layers, units, activation, seed, .. } = query;
    let activation: Activation = activation.parse()?;
    let init = match start.weights {
        Weights::Drawn(init) => init,
        Weights::Multiple(_) => Init::Constant(0.0),
    };
    let layer = || Box::new(Linear { init: Some(init), ..Linear::new(*units, activation) }) as Box<dyn Layer>;
    let network = Network::new(*units, (0..*layers).map(|_| layer()).collect())?;
    let mut theta = network.initialize(*seed, Dtype::F64);
    if let Weights::Multiple(factor) = start.weights {
        for entry in network.layout().decayed() {
            (0..*units).for_each(|i| theta.view_mut().set(entry.start + i * units + i, factor));
        }
    }
    let stream = Stream::new(*seed, INPUTS);
    let normal = |epoch: u32| {
        let mut values = vec![0.0; ROWS * units];
        stream.epoch(epoch).fill_normal(0, &mut values);
        values
    };
    let x = Tensor::from_f64([ROWS, *units], normal(0));
    let mut workspace = network.workspace(ROWS, Dtype::F64);
    network.forward(theta.view(), x.view(), &mut workspace, Mode::Check)?;
    let mut at_output = normal(1);
    let size = (at_output.iter().map(|x| x * x).sum::<f64>() / at_output.len() as f64).sqrt();
    at_output.iter_mut().for_each(|x| *x /= size);
    workspace.delta(ROWS).1.set_all(&at_output);
    let mut gradient = Tensor::zeros(theta.shape(), Dtype::F64);
    workspace.sample_scales();
    network.backward(theta.view(), x.view(), &mut workspace, gradient.view_mut())?;
    let scales = workspace.take_scales().unwrap_or_default();
    Ok(json!({
        "name": start.name,
        "activations": scales.iter().map(|scale| scale.activation()).collect::<Vec<_>>(),
        "gradients": scales.iter().map(|scale| scale.gradient()).collect::<Vec<_>>(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(activation: &str) -> Query {
        Query { layers: 20, units: 64, activation: activation.into(), above: 1.5, below: 0.5, seed: 0 }
    }

    fn curve(told: &Value, at: usize, what: &str) -> Vec<f64> {
        told["curves"][at][what].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
    }

    #[test]
    fn multiples_of_the_identity_grow_and_shrink_as_powers() {
        let told = depth(&query("identity")).unwrap();
        for (at, factor) in [(0, 1.5f64), (1, 0.5)] {
            let (a, da) = (curve(&told, at, "activations"), curve(&told, at, "gradients"));
            for l in 1..20 {
                assert!((a[l] / a[0] / factor.powi(l as i32) - 1.0).abs() < 1e-9, "layer {l}");
                assert!((da[19 - l] / factor.powi(l as i32) - 1.0).abs() < 1e-9, "gradient {l}");
            }
        }
        assert_eq!(curve(&told, 2, "activations"), [0.0; 20]);
    }

    #[test]
    fn he_keeps_the_scale_of_relu_and_xavier_halves_its_square() {
        // Over each layer of ReLUs, E a² changes by n Var(W)/2: 1 with He, ½ with Xavier. Layers of finite width vary.
        let told = depth(&Query { layers: 10, units: 128, ..query("relu") }).unwrap();
        let over = |at: usize| curve(&told, at, "gradients")[0].powi(2);
        assert!((0.3..3.0).contains(&over(6)), "He: {}", over(6));
        assert!((0.3..3.0).contains(&(over(5) * 512.0)), "Xavier: {}", over(5));
        assert!(depth(&query("rel")).unwrap_err().to_string().contains("relu"));
        assert!(depth(&Query { layers: 100_000, ..query("relu") }).is_err());
    }
}
