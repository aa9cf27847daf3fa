//! Residual blocks (He, Zhang, Ren and Sun 2016): layers that learn what to add to their input.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::sequential::{Sequential, Slots};
use super::{Backward, Layer, Mode, Op, ParameterSpec, Parameters, ParametersMut, Registered, lower, read_layer};
use crate::error::{Error, Result};
use crate::tensor::{Activation, Shape, Tensor, View, ViewMut, ops};

/// Layers with a shortcut around them: Z = F(X) + S(X), A = g(Z); F is `layers` in a row, S(X) is `shortcut` on X, or X
/// itself.
///
/// Backward: dZ = dA ∗ g'(Z); dX is the sum of the gradients through F and through S.
///
/// ```
/// use thalweg::layers::{Linear, Residual};
/// use thalweg::network::{Network, Predictor};
/// use thalweg::tensor::{Activation, Tensor};
///
/// let layer = Residual::new(vec![Box::new(Linear::new(1, Activation::Identity))], Vec::new(), Activation::Relu);
/// let network = Network::new(1, vec![Box::new(layer)])?;
/// let theta = Tensor::from_f64([2], vec![-0.5, 0.25]); // F's W and b
/// let x = Tensor::from_f64([1, 1], vec![3.0]);
/// let y = Predictor::new(&network, &theta, 1, Default::default())?.forward(x.view())?.to_f64();
/// assert_eq!(y, [(-0.5 * 3.0 + 0.25) + 3.0]); // F(x) + x
/// # Ok::<(), thalweg::Error>(())
/// ```
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Residual {
    /// F.
    layers: Sequential,
    /// S; without layers S(X) is X itself, and F must preserve X's shape.
    #[serde(default, skip_serializing_if = "Sequential::is_empty")]
    shortcut: Sequential,
    /// g, whose derivative must follow from A alone.
    #[serde(default)]
    activation: Activation,
    /// Where each inner layer's parameters and saved tensors are; planned once, so that a step allocates nothing.
    #[serde(skip)]
    plan: OnceLock<SlotPlan>,
}

#[derive(Debug)]
struct SlotPlan {
    layers: Vec<Slots>,
    shortcut: Vec<Slots>,
    /// How many tensors F and S save; two deltas follow them.
    kept: usize,
}

impl Residual {
    /// A block of F, S (without layers: X itself) and g.
    pub fn new(layers: Vec<Box<dyn Layer>>, shortcut: Vec<Box<dyn Layer>>, activation: Activation) -> Self {
        Residual { layers: Sequential(layers), shortcut: Sequential(shortcut), activation, plan: OnceLock::new() }
    }

    /// The plan for batches like x.
    fn plan(&self, x: View) -> &SlotPlan {
        self.plan.get_or_init(|| {
            let input = x.shape().example();
            let (layers, entries, kept) = self.layers.places(input, 0, 0);
            let (shortcut, _, kept) = self.shortcut.places(input, entries, kept);
            SlotPlan { layers, shortcut, kept }
        })
    }
}

impl Layer for Residual {
    fn describe(&self, input: Shape) -> String {
        let shortcut = if self.shortcut.is_empty() {
            String::new()
        } else {
            format!(" beside ({})", self.shortcut.describe(input))
        };
        let activation =
            if self.activation == Activation::Identity { String::new() } else { format!(", {}", self.activation) };
        format!("residual ({}){shortcut}{activation}", self.layers.describe(input))
    }

    fn activation(&self) -> Option<Activation> {
        Some(self.activation)
    }

    fn output(&self, input: Shape) -> Result<Shape> {
        if self.activation.needs_input() {
            return Err(Error::config(format!("a residual block with the activation {}", self.activation))
                .fix("leave it out, and put a layer of kind \"activation\" after the block"));
        }
        let (output, beside) = (self.layers.output(input)?, self.shortcut.output(input)?);
        if output != beside {
            let what = format!("a residual block's layers make {input} to {output}, its shortcut to {beside}");
            let fix = "make both shapes one: with padding = \"same\", or by a shortcut such as a 1×1 convolution with the stride";
            return Err(Error::config(what).fix(fix));
        }
        Ok(output)
    }

    fn parameters(&self, input: Shape) -> Vec<ParameterSpec> {
        self.layers.parameters("layers", input).chain(self.shortcut.parameters("shortcut", input)).collect()
    }

    fn saved(&self, input: Shape, m: usize) -> Vec<Shape> {
        let mut saved = self.layers.saved(input, m);
        saved.extend(self.shortcut.saved(input, m));
        let widest = self.layers.widest(input).max(self.shortcut.widest(input));
        saved.extend([Shape::from([m, widest]); 2]);
        saved
    }

    fn flops_per_example(&self, input: Shape) -> Option<usize> {
        Some(self.layers.flops_per_example(input)? + self.shortcut.flops_per_example(input)?)
    }

    fn multiply_adds(&self, input: Shape) -> f64 {
        self.layers.multiply_adds(input) + self.shortcut.multiply_adds(input)
    }

    fn check_parameters(&self, input: Shape, theta: Parameters) -> Result<(), String> {
        let entries = self.layers.check_parameters(input, 0, theta)?;
        self.shortcut.check_parameters(input, entries, theta).map(|_| ())
    }

    fn lower(&self, name: &str, input: Shape) -> Result<Vec<Op>> {
        let branch = |own: &str, layers: &Sequential| lower(&format!("{name}.{own}"), &layers.0, input);
        let (layers, shortcut) = (branch("layers", &self.layers)?, branch("shortcut", &self.shortcut)?);
        Ok(vec![Op::Add { layers, shortcut }, Op::Activation(self.activation)])
    }

    fn forward(&self, theta: Parameters, x: View, mut y: ViewMut, saved: &mut [Tensor], mode: Mode) {
        let plan = self.plan(x);
        self.layers.forward(&plan.layers, theta, x, saved, mode);
        self.shortcut.forward(&plan.shortcut, theta, x, saved, mode);
        ops::copy(Sequential::outcome(&plan.layers, x, saved), y.reborrow());
        ops::add_scaled(y.reborrow(), 1.0, Sequential::outcome(&plan.shortcut, x, saved));
        ops::activate(self.activation, y);
    }

    fn backward(&self, theta: Parameters, pass: Backward, mut gradient: ParametersMut) {
        let Backward { x, y, mut dy, saved, mut dx } = pass;
        let plan = self.plan(x);
        ops::activate_backward(self.activation, y, dy.reborrow());
        let (kept, deltas) = saved.split_at_mut(plan.kept);
        let [a, b] = deltas else { unreachable!("two deltas are kept") };
        let dz = dy.view();
        for (i, (chain, places)) in
            [(&self.layers, &plan.layers), (&self.shortcut, &plan.shortcut)].into_iter().enumerate()
        {
            ops::copy(dz, a.view_mut().part(0, dz.shape()));
            let back = chain.backward(places, (theta, x), kept, [&mut *a, &mut *b], gradient.reborrow(), dx.is_some());
            let Some(dx) = &mut dx else { continue };
            let back = back.view().part(0, x.shape());
            if i == 0 { ops::copy(back, dx.reborrow()) } else { ops::add_scaled(dx.reborrow(), 1.0, back) }
        }
    }

    fn update_statistics(&self, mut theta: ParametersMut, saved: &[Tensor]) {
        let Some(plan) = self.plan.get() else { return };
        self.layers.update_statistics(&plan.layers, theta.reborrow(), saved);
        self.shortcut.update_statistics(&plan.shortcut, theta, saved);
    }

    fn kink_sides(&self, x: View, y: View, saved: &[Tensor], sides: &mut Vec<bool>) {
        let plan = self.plan(x);
        self.layers.kink_sides(&plan.layers, x, saved, sides);
        self.shortcut.kink_sides(&plan.shortcut, x, saved, sides);
        self.activation.kink_sides(y, sides);
    }
}

impl Registered for Residual {
    const NAME: &'static str = "residual";

    fn examples() -> Vec<(Self, Shape)> {
        let table = |json: &str| serde_json::from_str(json).expect("an example is JSON");
        let layer = |json: &str| read_layer(table(json), &[]).expect("an example is a layer");
        let conv = |filters: usize, stride: usize| {
            let options = format!(r#""filters": {filters}, "kernel": 3, "stride": {stride}, "bias": false"#);
            layer(&format!(r#"{{"kind": "conv2d", {options}}}"#))
        };
        let tanh = layer(r#"{"kind": "linear", "units": 3, "activation": "tanh"}"#);
        let dropout = layer(r#"{"kind": "dropout", "rate": 0.5}"#);
        let plain = vec![tanh, dropout, layer(r#"{"kind": "linear", "units": 4}"#)];
        let (norm, silu) =
            (layer(r#"{"kind": "batch_norm"}"#), layer(r#"{"kind": "activation", "activation": "silu"}"#));
        let image = vec![conv(2, 1), norm, silu, conv(2, 1)];
        let inner = Residual::new(vec![conv(3, 1)], Vec::new(), Activation::Identity);
        let strided = Residual::new(vec![conv(3, 2), Box::new(inner)], vec![conv(3, 2)], Activation::Relu);
        vec![
            (Residual::new(plain, Vec::new(), Activation::Tanh), [4].into()),
            (Residual::new(image, Vec::new(), Activation::Identity), [3, 4, 2].into()),
            (strided, [4, 3, 2].into()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Network;
    use crate::tensor::Dtype;

    fn linear() -> Box<dyn Layer> {
        read_layer(serde_json::json!({"kind": "linear", "units": 2, "activation": "relu"}), &[]).unwrap()
    }

    fn outputs(network: &Network, theta: &Tensor, x: &Tensor) -> Vec<f64> {
        let mut workspace = network.workspace(x.shape().rows(), Dtype::F64);
        network.forward(theta.view(), x.view(), &mut workspace, Mode::Predict).unwrap().to_f64()
    }

    #[test]
    fn a_block_adds_what_its_layers_make_of_the_input_to_the_shortcut() {
        let x = Tensor::from_f64([2, 2], vec![1.0, -2.0, 0.5, 3.0]);
        let alone = Network::new(2, vec![linear()]).unwrap();
        let theta = alone.initialize(3, Dtype::F64);
        let f = outputs(&alone, &theta, &x);
        let block =
            |shortcut| vec![Box::new(Residual::new(vec![linear()], shortcut, Activation::Relu)) as Box<dyn Layer>];
        let own = Network::new(2, block(Vec::new())).unwrap();
        let sum = f.iter().zip(x.to_f64()).map(|(f, x)| (f + x).max(0.0));
        assert_eq!(outputs(&own, &theta, &x), sum.collect::<Vec<_>>());
        let names: Vec<&str> = own.layout().entries().iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, ["layers.0.layers.0.weight", "layers.0.layers.0.bias"]);
        let twice = Network::new(2, block(vec![linear()])).unwrap();
        let theta = Tensor::from_f64([12], [theta.to_f64(), theta.to_f64()].concat());
        assert_eq!(outputs(&twice, &theta, &x), f.iter().map(|f| 2.0 * f).collect::<Vec<_>>());
    }

    #[test]
    fn shapes_that_do_not_meet_are_refused() {
        let block = Residual::new(vec![linear()], Vec::new(), Activation::Relu);
        let error = block.output([3].into()).unwrap_err().to_string();
        assert!(error.contains("make 3 to 2, its shortcut to 3"), "{error}");
        assert!(Residual::new(vec![linear()], vec![linear()], Activation::Gelu).output([2].into()).is_err());
    }
}
