//! A layer of one's own: y = s x² with one trained scale s, gradient-checked. `cargo run -p thalweg --example 04_custom_layer`

use thalweg::layers::{Backward, Configured, Layer, Linear, Mode, ParameterSpec, Parameters, ParametersMut};
use thalweg::losses::Squared;
use thalweg::network::{Network, gradient_check};
use thalweg::tensor::{Activation, Dtype, Shape, Tensor, View, ViewMut, ops};

/// Forward: y = s x². Backward: ds = Σ dy x², dx = 2 s x dy.
#[derive(Debug)]
struct ScaledSquare;

impl Configured for ScaledSquare {
    fn kind(&self) -> &'static str {
        "scaled_square"
    }

    fn config(&self) -> serde_json::Value {
        serde_json::json!({})
    }
}

impl Layer for ScaledSquare {
    fn describe(&self, _input: Shape) -> String {
        "s x²".into()
    }

    fn output(&self, input: Shape) -> thalweg::Result<Shape> {
        Ok(input)
    }

    fn parameters(&self, _input: Shape) -> Vec<ParameterSpec> {
        vec![ParameterSpec::bias("scale", 1, 0.5)]
    }

    fn forward(&self, theta: Parameters, x: View, y: ViewMut, _saved: &mut [Tensor], _mode: Mode) {
        let s = theta.get(0).at(0);
        ops::map(x, y, |x| s * x * x);
    }

    fn backward(&self, theta: Parameters, pass: Backward, mut gradient: ParametersMut) {
        let s = theta.get(0).at(0);
        let (x, dy) = (pass.x, pass.dy.view());
        gradient.get(0).set(0, (0..x.len()).map(|i| dy.at(i) * x.at(i) * x.at(i)).sum());
        if let Some(dx) = pass.dx {
            ops::zip(x, dy, dx, |x, dy| 2.0 * s * x * dy);
        }
    }
}

fn main() -> thalweg::Result<()> {
    let linear = |units| Box::new(Linear::new(units, Activation::Identity));
    let network = Network::new(2, vec![linear(3), Box::new(ScaledSquare), linear(1)])?;
    let theta = network.initialize(0, Dtype::F64);
    let x = Tensor::from_f64([3, 2], vec![0.5, -1.0, 2.0, 0.3, -0.7, 1.1]);
    let y = Tensor::from_f64([3, 1], vec![1.0, 0.0, -1.0]);
    let settings = gradient_check::CheckSettings::default();
    let report = gradient_check::check(&network, &Squared, &theta, x.view(), y.view(), None, settings)?;
    for row in &report.layers {
        println!("{} {}: {:.1e}", row.name, row.parameter, row.relative_difference);
    }
    assert!(report.passed, "the backward pass is not the derivative of the forward pass");
    Ok(())
}
