//! The same layers on each frame of a clip.

use serde::{Deserialize, Serialize};

use super::sequential::{ChainPlan, Planned, Sequential};
use super::{Backward, Layer, Mode, Op, ParameterSpec, Parameters, ParametersMut, Registered};
use super::{lower, one_frame, read_layer};
use crate::error::{Error, Result};
use crate::tensor::{Shape, Tensor, View, ViewMut, ops};

/// The same layers F on each of t frames: a clip of (t·h) × w × c, its frames below each other, becomes the sequence t × n
/// of what F makes of each h × w × c, flattened: `y[i] = F(x[i])`. A batch of m clips is one of m·t frames to F, batch norm
/// included.
///
/// Backward: `dx[i]` is what comes back through F from `dy[i]`, and dθ is the sum over all frames.
///
/// ```
/// use thalweg::layers::{Frames, Linear};
/// use thalweg::network::{Network, Predictor};
/// use thalweg::tensor::{Activation, Shape, Tensor};
///
/// let sum = Linear::new(1, Activation::Identity);
/// let layer = Frames::new(2, vec![Box::new(sum)]);
/// let network = Network::new(Shape::from([2, 2, 1]), vec![Box::new(layer)])?; // two frames of 1 × 2
/// let theta = Tensor::from_f64([3], vec![1.0, 1.0, 0.5]); // W and b
/// let x = Tensor::from_f64([1, 2, 2, 1], vec![1.0, 2.0, 3.0, 4.0]);
/// let y = Predictor::new(&network, &theta, 1, Default::default())?.forward(x.view())?.to_f64();
/// assert_eq!(y, [3.5, 7.5]);
/// # Ok::<(), thalweg::Error>(())
/// ```
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Frames {
    /// t.
    count: usize,
    /// F.
    layers: Sequential,
    #[serde(skip)]
    plan: ChainPlan,
}

impl Frames {
    /// These layers on each of `count` frames.
    pub fn new(count: usize, layers: Vec<Box<dyn Layer>>) -> Self {
        Frames { count, layers: Sequential(layers), plan: ChainPlan::default() }
    }

    /// The shape of one frame.
    fn frame(&self, input: Shape) -> Result<Shape> {
        let (count, rows) = (self.count, input.rows());
        if count == 0 || !rows.is_multiple_of(count) {
            let what = format!("{count} frames of examples of {input}");
            return Err(
                Error::config(what).fix(format!("use a count that divides {rows}: frames lie below each other"))
            );
        }
        Ok(one_frame(input, count))
    }

    /// The plan for batches like x, and x as a batch of frames.
    fn plan<'a>(&self, x: View<'a>) -> (&Planned, View<'a>) {
        let plan = self.plan.of(&self.layers, x, |input| self.frame(input));
        let frame = one_frame(x.shape().example(), self.count);
        (plan, x.part(0, frame.batch(x.shape().rows() * self.count)))
    }
}

impl Layer for Frames {
    fn describe(&self, input: Shape) -> String {
        let frame = self.frame(input).unwrap_or(input);
        format!("each of {} frames of {frame} ({})", self.count, self.layers.describe(frame))
    }

    fn output(&self, input: Shape) -> Result<Shape> {
        Ok([self.count, self.layers.output(self.frame(input)?)?.size()].into())
    }

    fn parameters(&self, input: Shape) -> Vec<ParameterSpec> {
        self.frame(input).map_or_else(|_| Vec::new(), |frame| self.layers.parameters("layers", frame).collect())
    }

    fn saved(&self, input: Shape, m: usize) -> Vec<Shape> {
        let Ok(frame) = self.frame(input) else { return Vec::new() };
        let m = m * self.count;
        let mut saved = self.layers.saved(frame, m);
        saved.extend([Shape::from([m, self.layers.widest(frame)]); 2]);
        saved
    }

    fn flops_per_example(&self, input: Shape) -> Option<usize> {
        let each = self.layers.flops_per_example(self.frame(input).ok()?)?;
        Some(each.saturating_mul(self.count))
    }

    fn multiply_adds(&self, input: Shape) -> f64 {
        self.frame(input).map_or(0.0, |frame| self.count as f64 * self.layers.multiply_adds(frame))
    }

    fn check_parameters(&self, input: Shape, theta: Parameters) -> Result<(), String> {
        let frame = self.frame(input).map_err(|error| error.message)?;
        self.layers.check_parameters(frame, 0, theta).map(|_| ())
    }

    fn lower(&self, name: &str, input: Shape) -> Result<Vec<Op>> {
        let layers = lower(&format!("{name}.layers"), &self.layers.0, self.frame(input)?)?;
        Ok(vec![Op::Frames { count: self.count, layers }])
    }

    fn forward(&self, theta: Parameters, x: View, y: ViewMut, saved: &mut [Tensor], mode: Mode) {
        let (plan, x) = self.plan(x);
        self.layers.forward(&plan.layers, Parameters { lengths: None, ..theta }, x, saved, mode);
        let z = Sequential::outcome(&plan.layers, x, saved);
        ops::copy(z, y.part(0, z.shape()));
    }

    fn backward(&self, theta: Parameters, pass: Backward, gradient: ParametersMut) {
        let Backward { x, dy, saved, dx, .. } = pass;
        let (plan, x) = self.plan(x);
        let (kept, deltas) = saved.split_at_mut(plan.kept);
        let [a, b] = deltas else { unreachable!("two deltas are kept") };
        ops::copy(dy.view(), a.view_mut().part(0, dy.shape()));
        let theta = Parameters { lengths: None, ..theta };
        let back = self.layers.backward(&plan.layers, (theta, x), kept, [a, b], gradient, dx.is_some());
        if let Some(dx) = dx {
            ops::copy(back.view().part(0, x.shape()), dx.part(0, x.shape()));
        }
    }

    fn update_statistics(&self, theta: ParametersMut, saved: &[Tensor]) {
        if let Some(plan) = self.plan.get() {
            self.layers.update_statistics(&plan.layers, theta, saved);
        }
    }

    fn kink_sides(&self, x: View, _y: View, saved: &[Tensor], sides: &mut Vec<bool>) {
        let (plan, x) = self.plan(x);
        self.layers.kink_sides(&plan.layers, x, saved, sides);
    }
}

impl Registered for Frames {
    const NAME: &'static str = "frames";

    fn examples() -> Vec<(Self, Shape)> {
        let of = |count: usize, json: &str| {
            let layers: Vec<serde_json::Value> = serde_json::from_str(json).expect("an example is JSON");
            Frames::new(count, layers.into_iter().map(|table| read_layer(table, &[]).expect("a layer")).collect())
        };
        let conv = r#"{"kind": "conv2d", "filters": 2, "kernel": 2, "activation": "silu"}"#;
        let features = format!(r#"[{conv}, {{"kind": "batch_norm"}}, {{"kind": "pool2d", "take": "average"}}]"#);
        let block = format!(r#"[{{"kind": "residual", "layers": [{conv}], "activation": "tanh"}}]"#);
        let dense = r#"[{"kind": "linear", "units": 3, "activation": "tanh"}, {"kind": "dropout", "rate": 0.5}]"#;
        vec![
            (of(3, &features), [6, 3, 2].into()),
            (of(2, &block), [4, 3, 2].into()),
            (of(2, dense), [4, 3].into()),
            (of(3, dense), [6].into()),
            (of(2, "[]"), [4, 2, 2].into()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::{Dropout, Linear, RngContext};
    use crate::network::Network;
    use crate::tensor::{Activation, Dtype};

    #[test]
    fn each_frame_is_seen_as_it_would_be_alone() {
        let layer = || Box::new(Linear::new(3, Activation::Tanh)) as Box<dyn Layer>;
        let one = Network::new(Shape::from([2, 3, 1]), vec![layer()]).unwrap();
        let clip = Network::new(Shape::from([8, 3, 1]), vec![Box::new(Frames::new(4, vec![layer()]))]).unwrap();
        let theta = one.initialize(3, Dtype::F64);
        let x = Tensor::from_f64([8, 2, 3, 1], (0..48).map(|i| f64::from(i % 7) * 0.3 - 0.9).collect());
        let outputs = |network: &Network, x: View| {
            let mut workspace = network.workspace(x.shape().rows(), Dtype::F64);
            network.forward(theta.view(), x, &mut workspace, Mode::Predict).unwrap().to_f64()
        };
        assert_eq!(outputs(&clip, x.view().part(0, [2, 8, 3, 1])), outputs(&one, x.view()));
        assert_eq!(clip.layout().entries()[0].name, "layers.0.layers.0.weight");
    }

    #[test]
    fn frames_drop_different_units() {
        let layer = Frames::new(2, vec![Box::new(Dropout { rate: 0.5 })]);
        let network = Network::new(64, vec![Box::new(layer)]).unwrap();
        let (theta, x) = (Tensor::zeros([0], Dtype::F64), Tensor::from_f64([2, 64], vec![1.0; 128]));
        let outputs = |examples: &[u32]| {
            let mut workspace = network.workspace(2, Dtype::F64);
            let x = x.rows(examples.len());
            let noise = RngContext { seed: 1, epoch: 1, layer: 0, examples };
            network.forward(theta.view(), x, &mut workspace, Mode::Train(noise)).unwrap().to_f64()
        };
        let both = outputs(&[5, 9]);
        assert!(both[..32] != both[32..64] && both[..64] != both[64..]);
        assert_eq!(outputs(&[9]), both[64..], "an example's noise is its own");
    }

    #[test]
    fn frames_that_are_not_whole_are_refused() {
        let error = Frames::new(3, Vec::new()).output([8, 2, 1].into()).unwrap_err();
        assert!(error.message.contains("3 frames of examples of 8×2×1"), "{error}");
        assert!(Frames::new(0, Vec::new()).output([8, 2, 1].into()).is_err());
    }
}
