//! Layers on the first inputs alone.

use serde::{Deserialize, Serialize};

use super::sequential::{ChainPlan, Planned, Sequential};
use super::{Backward, Layer, Mode, Op, ParameterSpec, Parameters, ParametersMut, Registered};
use super::{lower, read_layer};
use crate::error::{Error, Result};
use crate::tensor::{Shape, Tensor, View, ViewMut, ops};

/// Layers F on the first n inputs of a row, such as the tokens of a text; the other inputs pass unchanged, and what F makes
/// of the first ones, flattened, comes after them: `y = [x[n..], F(x[..n])]`.
///
/// Backward: `dx[n..]` is dy of what passes, and `dx[..n]` is what comes back through F.
///
/// ```
/// use thalweg::layers::{First, Linear};
/// use thalweg::network::{Network, Predictor};
/// use thalweg::tensor::{Activation, Tensor};
///
/// let sum = Linear::new(1, Activation::Identity);
/// let network = Network::new(3, vec![Box::new(First::new(2, vec![Box::new(sum)]))])?;
/// let theta = Tensor::from_f64([3], vec![1.0, 1.0, 0.5]); // W and b
/// let x = Tensor::from_f64([1, 3], vec![1.0, 2.0, 7.0]);
/// let y = Predictor::new(&network, &theta, 1, Default::default())?.forward(x.view())?.to_f64();
/// assert_eq!(y, [7.0, 3.5]);
/// # Ok::<(), thalweg::Error>(())
/// ```
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct First {
    /// n.
    inputs: usize,
    /// F.
    layers: Sequential,
    #[serde(skip)]
    plan: ChainPlan,
}

impl First {
    /// These layers on the first `inputs` inputs.
    pub fn new(inputs: usize, layers: Vec<Box<dyn Layer>>) -> Self {
        First { inputs, layers: Sequential(layers), plan: ChainPlan::default() }
    }

    /// The shape of what F is given.
    fn own(&self) -> Shape {
        [self.inputs].into()
    }

    /// The plan for batches like x.
    fn plan(&self, x: View) -> &Planned {
        self.plan.of(&self.layers, x, |_| Ok(self.own()))
    }
}

impl Layer for First {
    fn describe(&self, _input: Shape) -> String {
        format!("the first {} inputs ({})", self.inputs, self.layers.describe(self.own()))
    }

    fn output(&self, input: Shape) -> Result<Shape> {
        let passing = match *input.dimensions() {
            [inputs] if self.inputs > 0 => inputs.checked_sub(self.inputs),
            _ => None,
        };
        let Some(passing) = passing else {
            let what = format!("layers on the first {} inputs of examples of {input}", self.inputs);
            return Err(Error::config(what).fix("use them on rows of at least as many numbers, and on 1 or more"));
        };
        Ok([self.layers.output(self.own())?.size().saturating_add(passing)].into())
    }

    fn parameters(&self, _input: Shape) -> Vec<ParameterSpec> {
        self.layers.parameters("layers", self.own()).collect()
    }

    fn saved(&self, _input: Shape, m: usize) -> Vec<Shape> {
        let mut saved = vec![self.own().batch(m)];
        saved.extend(self.layers.saved(self.own(), m));
        saved.extend([Shape::from([m, self.layers.widest(self.own())]); 2]);
        saved
    }

    fn flops_per_example(&self, input: Shape) -> Option<usize> {
        Some(self.layers.flops_per_example(self.own())?.saturating_add(input.size()))
    }

    fn multiply_adds(&self, input: Shape) -> f64 {
        self.layers.multiply_adds(self.own()) + input.size() as f64
    }

    fn lengths(&self, x: View) -> Option<Vec<u32>> {
        let mut own = Tensor::zeros(self.own().batch(x.shape().rows()), x.dtype());
        ops::copy_columns(x, 0..self.inputs, own.view_mut(), 0);
        self.layers.0.first()?.lengths(own.view())
    }

    fn check_parameters(&self, _input: Shape, theta: Parameters) -> Result<(), String> {
        self.layers.check_parameters(self.own(), 0, theta).map(|_| ())
    }

    fn lower(&self, name: &str, _input: Shape) -> Result<Vec<Op>> {
        let layers = lower(&format!("{name}.layers"), &self.layers.0, self.own())?;
        Ok(vec![Op::First { inputs: self.inputs, layers }])
    }

    fn forward(&self, theta: Parameters, x: View, mut y: ViewMut, saved: &mut [Tensor], mode: Mode) {
        let (plan, m, n) = (self.plan(x), x.shape().rows(), x.shape().columns());
        let [own, kept @ ..] = saved else { unreachable!("the first inputs are saved") };
        ops::copy_columns(x, 0..self.inputs, own.rows_mut(m), 0);
        let own = own.rows(m);
        self.layers.forward(&plan.layers, Parameters { lengths: None, ..theta }, own, kept, mode);
        let z = Sequential::outcome(&plan.layers, own, kept);
        ops::copy_columns(x, self.inputs..n, y.reborrow(), 0);
        ops::copy_columns(z, 0..z.shape().columns(), y, n - self.inputs);
    }

    fn backward(&self, theta: Parameters, pass: Backward, gradient: ParametersMut) {
        let Backward { x, dy, saved, dx, .. } = pass;
        let (plan, m, dy) = (self.plan(x), x.shape().rows(), dy.view());
        let [own, kept @ ..] = saved else { unreachable!("the first inputs are saved") };
        let (kept, deltas) = kept.split_at_mut(plan.kept);
        let [a, b] = deltas else { unreachable!("two deltas are kept") };
        let passing = x.shape().columns() - self.inputs;
        let made = passing..dy.shape().columns();
        ops::copy_columns(dy, made.clone(), a.view_mut().part(0, [m, made.len()]), 0);
        let theta = Parameters { lengths: None, ..theta };
        let back = self.layers.backward(&plan.layers, (theta, own.rows(m)), kept, [a, b], gradient, dx.is_some());
        if let Some(mut dx) = dx {
            ops::copy_columns(back.view().part(0, [m, self.inputs]), 0..self.inputs, dx.reborrow(), 0);
            ops::copy_columns(dy, 0..passing, dx, self.inputs);
        }
    }

    fn update_statistics(&self, theta: ParametersMut, saved: &[Tensor]) {
        if let Some(plan) = self.plan.get() {
            self.layers.update_statistics(&plan.layers, theta, &saved[1..]);
        }
    }

    fn kink_sides(&self, x: View, _y: View, saved: &[Tensor], sides: &mut Vec<bool>) {
        let (plan, m) = (self.plan(x), x.shape().rows());
        self.layers.kink_sides(&plan.layers, saved[0].rows(m), &saved[1..], sides);
    }
}

impl Registered for First {
    const NAME: &'static str = "first";

    fn examples() -> Vec<(Self, Shape)> {
        let of = |inputs: usize, json: &str| {
            let layers: Vec<serde_json::Value> = serde_json::from_str(json).expect("an example is JSON");
            First::new(inputs, layers.into_iter().map(|table| read_layer(table, &[]).expect("a layer")).collect())
        };
        let dense = r#"[{"kind": "linear", "units": 3, "activation": "tanh"}, {"kind": "dropout", "rate": 0.5}]"#;
        let text = r#"[{"kind": "sequence", "layers": [{"kind": "tokens", "tokens": 4, "dimension": 2},
            {"kind": "conv1d", "filters": 3, "kernel": 3, "activation": "tanh"},
            {"kind": "pool_over_time", "take": "attention"}]}]"#;
        vec![
            (of(2, dense), [5].into()),
            (of(4, text), [6].into()),
            (of(4, text), [4].into()),
            (of(1, "[]"), [3].into()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_that_are_not_there_are_refused() {
        let refused = |inputs: usize, shape: Shape| First::new(inputs, Vec::new()).output(shape).unwrap_err().message;
        assert!(refused(4, [3].into()).contains("the first 4 inputs of examples of 3"));
        assert!(refused(0, [3].into()).contains("the first 0 inputs"));
        assert!(refused(1, [3, 2].into()).contains("examples of 3×2"));
    }
}
