//! Layers on sequences of several lengths.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::sequential::{ChainPlan, Planned, Sequential};
use super::{Backward, Layer, Mode, Node, Op, ParameterSpec, Parameters, ParametersMut, Registered};
use super::{lower, read_layer, write_layer};
use crate::error::{Error, Result};
use crate::tensor::{Shape, Tensor, View, ViewMut, ops, sequence};

/// Layers in a row on sequences of up to T steps, of which those after an example's length are padding: whatever is there
/// changes no bit of the answer.
///
/// The input says which steps count. A row of T numbers is tokens, with 0 after the last; an input of T × (C + 1) has a
/// mask as its last channel, 1 at each step and 0 after the last, which the layers do not see. The length is that of the
/// sequence up to its last step with a token or mask of ½ or more.
///
/// After each of the layers, and of the layers within them, the steps beyond the length are 0: what a convolution sees
/// there is the zeros around an example. Layers of kinds `rnn`, `gru`, `lstm`, `attention` and `pool_over_time` leave them
/// out. The layers run on as many steps as the longest example of a batch has.
///
/// ```
/// use thalweg::layers::{Gathering, PoolOverTime, Sequence};
/// use thalweg::network::{Network, Predictor};
/// use thalweg::tensor::{Shape, Tensor};
///
/// let mean = PoolOverTime { take: Gathering::Mean };
/// let network = Network::new(Shape::from([3, 2]), vec![Box::new(Sequence::new(vec![Box::new(mean)]))])?;
/// let theta = Tensor::from_f64([0], vec![]);
/// let x = Tensor::from_f64([1, 3, 2], vec![4.0, 1.0, 8.0, 1.0, 99.0, 0.0]); // two steps, and padding
/// let y = Predictor::new(&network, &theta, 1, Default::default())?.forward(x.view())?.to_f64();
/// assert_eq!(y, [6.0]);
/// # Ok::<(), thalweg::Error>(())
/// ```
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sequence {
    layers: Sequential,
    #[serde(skip)]
    plan: ChainPlan,
    /// Whether the layers make of fewer steps what they make of the same steps with padding.
    #[serde(skip)]
    can_shorten: OnceLock<bool>,
}

// Positions among the saved tensors.
const LENGTHS: usize = 0;
const VALUES: usize = 1;
/// What the layers save follows.
const OWN: usize = 2;

impl Sequence {
    /// These layers on sequences.
    pub fn new(layers: Vec<Box<dyn Layer>>) -> Self {
        Sequence { layers: Sequential(layers), plan: ChainPlan::default(), can_shorten: OnceLock::new() }
    }

    /// What the layers see of an input: tokens, or the channels before the mask.
    fn values(input: Shape) -> Result<Shape> {
        match *input.dimensions() {
            [steps] => Ok([steps].into()),
            [steps, channels] if channels > 1 => Ok([steps, channels - 1].into()),
            _ => Err(Error::config(format!("a layer of kind \"sequence\" on examples of {input}"))
                .fix("give it rows of tokens, or steps × channels of which the last is the mask, 1 or 0")),
        }
    }

    /// The plan for batches like x, and how many steps their examples have.
    fn plan(&self, x: View) -> (&Planned, usize) {
        (self.plan.of(&self.layers, x, Self::values), x.shape().example().dimensions()[0])
    }

    /// The steps that the layers run on, of examples whose longest has so many, and what is saved for as many. A layer that
    /// has parameters for each step needs all of them.
    fn shorten(&self, x: View, longest: usize, saved: &mut [Tensor]) -> usize {
        let example = x.shape().example();
        let can = *self.can_shorten.get_or_init(|| {
            let of = |input| (self.parameters(input), self.output(input).ok());
            let ((parameters, output), (of_one, output_of_one)) = (of(example), of(example.with_rows(1)));
            let by_step = |shape: Shape| if shape.dimensions().len() == 2 { shape.with_rows(1) } else { shape };
            parameters == of_one && output.map(by_step) == output_of_one
        });
        let steps = if can { longest.max(1) } else { example.rows() };
        if saved[VALUES].shape().example().rows() != steps {
            let shapes = self.saved(example.with_rows(steps), saved[LENGTHS].shape().rows());
            saved.iter_mut().zip(shapes).for_each(|(saved, shape)| saved.reshape(shape));
        }
        steps
    }
}

/// What a layer, or one within it, would do with padding, if it were in a sequence; none if it leaves it out.
fn harm(layer: &serde_json::Value) -> Option<(&str, &'static str)> {
    let inner = match layer {
        serde_json::Value::Array(all) => all.iter().find_map(harm),
        serde_json::Value::Object(options) => options.values().find_map(harm),
        _ => None,
    };
    let fix = match layer["kind"].as_str().unwrap_or_default() {
        "batch_norm" => "use \"layer_norm\" with axes = 1, whose mean is of one step",
        "layer_norm" if layer["axes"] != 1 => "give it axes = 1, so that its mean is of one step",
        "pool1d" | "pool2d" => "use \"pool_over_time\", which leaves padding out",
        _ => return inner,
    };
    layer["kind"].as_str().zip(Some(fix))
}

impl Layer for Sequence {
    fn describe(&self, input: Shape) -> String {
        let values = Self::values(input).unwrap_or(input);
        format!("sequence of up to {} ({})", input.dimensions()[0], self.layers.describe(values))
    }

    fn output(&self, input: Shape) -> Result<Shape> {
        let values = Self::values(input)?;
        for layer in &self.layers.0 {
            if let Some((kind, fix)) = harm(&write_layer(layer.as_ref())) {
                return Err(Error::config(format!("{kind:?} within a sequence would count padding")).fix(fix));
            }
        }
        let output = self.layers.output(values)?;
        let steps = input.dimensions()[0];
        for (layer, before, after) in self.layers.with_shapes(values) {
            if let [found, _] = *after.dimensions()
                && found != steps
            {
                let what = format!("{} makes {before} to {after} within a sequence of {steps} steps", layer.kind());
                return Err(Error::config(what).fix("keep the number of steps: stride 1, and padding = \"same\""));
            }
        }
        Ok(output)
    }

    fn parameters(&self, input: Shape) -> Vec<ParameterSpec> {
        Self::values(input).map_or_else(|_| Vec::new(), |values| self.layers.parameters("layers", values).collect())
    }

    fn saved(&self, input: Shape, m: usize) -> Vec<Shape> {
        let Ok(values) = Self::values(input) else { return Vec::new() };
        let mut saved = vec![[m, 1].into(), values.batch(m)];
        saved.extend(self.layers.saved(values, m));
        saved.extend([Shape::from([m, self.layers.widest(values)]); 2]);
        saved
    }

    fn flops_per_example(&self, input: Shape) -> Option<usize> {
        self.layers.flops_per_example(Self::values(input).ok()?)
    }

    fn multiply_adds(&self, input: Shape) -> f64 {
        Self::values(input).map_or(0.0, |values| self.layers.multiply_adds(values))
    }

    fn lengths(&self, x: View) -> Option<Vec<u32>> {
        let mut lengths = Tensor::zeros([x.shape().rows(), 1], x.dtype());
        sequence::lengths(x, x.shape().example().rows(), lengths.view_mut());
        Some(lengths.to_f64().into_iter().map(|length| length as u32).collect())
    }

    fn check_parameters(&self, input: Shape, theta: Parameters) -> Result<(), String> {
        let values = Self::values(input).map_err(|error| error.message)?;
        self.layers.check_parameters(values, 0, theta).map(|_| ())
    }

    fn lower(&self, name: &str, input: Shape) -> Result<Vec<Op>> {
        let mut layers = lower(&format!("{name}.layers"), &self.layers.0, Self::values(input)?)?;
        layers.iter_mut().for_each(clear_padding);
        Ok(vec![Op::Sequence { layers }])
    }

    fn forward(&self, theta: Parameters, x: View, y: ViewMut, saved: &mut [Tensor], mode: Mode) {
        let ((plan, steps), m) = (self.plan(x), x.shape().rows());
        let longest = sequence::lengths(x, steps, saved[LENGTHS].rows_mut(m));
        let longest = self.shorten(x, longest, saved);
        let [lengths, values, kept @ ..] = saved else { unreachable!("lengths and values are saved") };
        let lengths = lengths.rows(m);
        sequence::copy_counted((x, steps), lengths, (values.rows_mut(m), longest));
        let theta = Parameters { lengths: Some(lengths), ..theta };
        self.layers.forward(&plan.layers, theta, values.rows(m), kept, mode);
        let outcome = Sequential::outcome(&plan.layers, values.rows(m), kept);
        match outcome.shape().example().dimensions() {
            [_, _] => sequence::copy_counted((outcome, longest), lengths, (y, steps)),
            _ => ops::copy(outcome, y),
        }
    }

    fn backward(&self, theta: Parameters, pass: Backward, gradient: ParametersMut) {
        let Backward { x, dy, saved, dx, .. } = pass;
        let ((plan, steps), m) = (self.plan(x), x.shape().rows());
        let [lengths, values, kept @ ..] = saved else { unreachable!("lengths and values are saved") };
        let (kept, deltas) = kept.split_at_mut(plan.kept);
        let [a, b] = deltas else { unreachable!("two deltas are kept") };
        let (lengths, values) = (lengths.rows(m), values.rows(m));
        let theta = Parameters { lengths: Some(lengths), ..theta };
        let longest = values.shape().example().rows();
        let outcome = Sequential::outcome(&plan.layers, values, kept).shape();
        let dz = a.view_mut().part(0, outcome);
        match outcome.example().dimensions() {
            [_, _] => sequence::copy_counted((dy.view(), steps), lengths, (dz, longest)),
            _ => ops::copy(dy.view(), dz),
        }
        let back = self.layers.backward(&plan.layers, (theta, values), kept, [a, b], gradient, dx.is_some());
        if let Some(dx) = dx {
            sequence::copy_counted((back.view().part(0, values.shape()), longest), lengths, (dx, steps));
        }
    }

    fn update_statistics(&self, theta: ParametersMut, saved: &[Tensor]) {
        if let Some(plan) = self.plan.get() {
            self.layers.update_statistics(&plan.layers, theta, &saved[OWN..]);
        }
    }

    fn kink_sides(&self, x: View, _y: View, saved: &[Tensor], sides: &mut Vec<bool>) {
        let ((plan, steps), m) = (self.plan(x), x.shape().rows());
        let length = saved[LENGTHS].rows(m);
        (0..m).for_each(|row| sides.extend((0..steps).map(|t| (t as f64) < length.at(row))));
        self.layers.kink_sides(&plan.layers, saved[VALUES].rows(m), &saved[OWN..], sides);
    }
}

/// Adds to a layer's operations, and to those of the layers within it, that steps which do not count are 0 after it.
fn clear_padding(node: &mut Node) {
    for op in &mut node.ops {
        match op {
            Op::Add { layers, shortcut } => layers.iter_mut().chain(shortcut).for_each(clear_padding),
            Op::Branches { members } => members.iter_mut().flatten().for_each(clear_padding),
            _ => {}
        }
    }
    if node.output().dimensions().len() == 2 {
        node.ops.push(Op::ClearPadding);
    }
}

impl Registered for Sequence {
    const NAME: &'static str = "sequence";

    fn examples() -> Vec<(Self, Shape)> {
        let read = |json: &str| {
            let layers: Vec<serde_json::Value> = serde_json::from_str(json).expect("an example is JSON");
            Sequence::new(layers.into_iter().map(|table| read_layer(table, &[]).expect("a layer")).collect())
        };
        let tokens = r#"{"kind": "tokens", "tokens": 4, "dimension": 4}"#;
        let ends = |end: &str| read(&format!("[{tokens}, {end}]"));
        let norm = r#"{"kind": "layer_norm", "axes": 1}"#;
        let attention = r#"{"kind": "attention", "heads": 2}"#;
        let encoder = format!(
            r#"[{{"kind": "positions"}},
                {{"kind": "residual", "layers": [{norm}, {attention}]}},
                {{"kind": "residual", "layers": [{norm}, {{"kind": "conv1d", "filters": 4, "kernel": 3, "activation": "tanh"}}]}},
                {{"kind": "dropout", "rate": 0.5}},
                {{"kind": "pool_over_time", "take": "attention"}}]"#
        );
        let stacked = r#"[{"kind": "conv1d", "filters": 3, "kernel": 3, "dilation": 2},
            {"kind": "lstm", "units": 2, "bidirectional": true, "return": "all"}, {"kind": "gru", "units": 3}]"#;
        vec![
            (ends(r#"{"kind": "rnn", "units": 3}"#), [5].into()),
            (ends(r#"{"kind": "gru", "units": 2, "bidirectional": true}"#), [5].into()),
            (ends(r#"{"kind": "lstm", "units": 1}"#), [5].into()),
            (ends(r#"{"kind": "pool_over_time", "take": "mean"}"#), [5].into()),
            (ends(r#"{"kind": "pool_over_time", "take": "max"}"#), [5].into()),
            (read(&encoder), [5, 5].into()),
            (read(stacked), [6, 3].into()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Network;
    use crate::tensor::Dtype;

    /// What a network makes of an example beside another one.
    fn outputs(network: &Network, theta: &Tensor, x: &[f64], other: &[f64]) -> Vec<f64> {
        let both = Tensor::from_f64([2, x.len()], [x, other].concat()).into_dtype(theta.dtype());
        let mut workspace = network.workspace(2, theta.dtype());
        let y = network.forward(theta.view(), both.view(), &mut workspace, Mode::Predict).unwrap().to_f64();
        y[..y.len() / 2].into()
    }

    /// An example of so many steps of T; the last channel is the token, or the mask.
    fn example([steps, channels]: [usize; 2], length: usize) -> Vec<f64> {
        let mut x: Vec<f64> = (0..steps * channels).map(|i| (i % 5) as f64 * 0.7 - 1.1).collect();
        for (t, step) in x.chunks_exact_mut(channels).enumerate() {
            step[channels - 1] = if t < length { 1.0 + (t % 3) as f64 } else { 0.0 };
        }
        x
    }

    #[test]
    fn padding_changes_no_bit() {
        for (layer, shape) in Sequence::examples() {
            let [steps, channels] = super::super::steps("", shape).unwrap();
            let longer: Shape = match *shape.dimensions() {
                [steps] => [steps + 4].into(),
                _ => [steps + 4, channels].into(),
            };
            let again = read_layer(write_layer(&layer), &[]).unwrap();
            let name = layer.describe(shape);
            let (short, long) = (Network::new(shape, vec![Box::new(layer)]), Network::new(longer, vec![again]));
            let (short, long) = (short.unwrap(), long.unwrap());
            let theta = short.initialize(3, Dtype::F64);
            for length in 0..=steps {
                let sizes = [steps, channels];
                let (mut x, whole) = (example(sizes, length), example(sizes, steps));
                // The longest of a batch says how many steps are computed.
                let expected = outputs(&short, &theta, &x, &x);
                assert!(expected.iter().all(|y| y.is_finite()), "{name}");
                for (t, step) in x.chunks_exact_mut(channels).enumerate().filter(|(t, _)| *t >= length) {
                    step[..channels - 1].fill(if t == length { f64::NAN } else { 1e30 });
                }
                assert_eq!(outputs(&short, &theta, &x, &whole), expected, "{name}: other padding");
                x.extend((0..4 * channels).map(|i| if (i + 1) % channels == 0 { 0.0 } else { 7.0 }));
                let whole = example([steps + 4, channels], steps + 4);
                assert_eq!(outputs(&long, &theta, &x, &whole), expected, "{name}: more padding");
            }
        }
    }

    #[test]
    fn an_answer_does_not_depend_on_the_longest_of_a_batch_in_32_bits() {
        let layers = r#"[{"kind": "conv1d", "filters": 32, "kernel": 7}, {"kind": "positions"},
            {"kind": "residual", "layers": [{"kind": "layer_norm", "axes": 1}, {"kind": "attention", "heads": 4}]},
            {"kind": "conv1d", "filters": 64, "kernel": 3, "activation": "relu"},
            {"kind": "gru", "units": 48, "bidirectional": true, "return": "all"},
            {"kind": "pool_over_time", "take": "attention"}]"#;
        let layers: Vec<serde_json::Value> = serde_json::from_str(layers).unwrap();
        let layers = layers.into_iter().map(|layer| read_layer(layer, &[]).unwrap()).collect();
        let sizes = [150, 3];
        let network = Network::new(Shape::from(sizes), vec![Box::new(Sequence::new(layers))]).unwrap();
        let theta = network.initialize(1, Dtype::F32);
        for length in [1, 2, 17, 64, 100] {
            let x = example(sizes, length);
            let expected = outputs(&network, &theta, &x, &x);
            for longest in [length + 1, length + 31, 150] {
                assert_eq!(outputs(&network, &theta, &x, &example(sizes, longest)), expected, "{length}, {longest}");
            }
        }
    }

    #[test]
    fn layers_with_parameters_for_each_step_are_given_all_steps() {
        let dense = crate::layers::Linear::new(2, crate::tensor::Activation::Identity);
        let network = Network::new(Shape::from([4, 2]), vec![Box::new(Sequence::new(vec![Box::new(dense)]))]).unwrap();
        let theta = network.initialize(1, Dtype::F64);
        let x = example([4, 2], 2);
        assert_eq!(outputs(&network, &theta, &x, &x), outputs(&network, &theta, &x, &example([4, 2], 4)));
    }

    #[test]
    fn layers_that_would_count_padding_are_refused() {
        let refused = |layer: &str, shape: &[usize]| {
            let layer = read_layer(serde_json::from_str(layer).unwrap(), &[]).unwrap();
            let layer = Sequence::new(vec![layer]);
            let error = Network::new(Shape::try_from(shape.to_vec()).unwrap(), vec![Box::new(layer)]).unwrap_err();
            format!("{}: {}", error.message, error.remedy.unwrap())
        };
        assert!(refused(r#"{"kind": "layer_norm"}"#, &[5, 3]).contains("axes = 1"));
        let within = r#"{"kind": "residual", "layers": [{"kind": "batch_norm"}]}"#;
        assert!(refused(within, &[5, 3]).contains("layer_norm"));
        assert!(refused(r#"{"kind": "pool1d", "take": "max", "size": 2}"#, &[6, 3]).contains("pool_over_time"));
        let strided = r#"{"kind": "conv1d", "filters": 2, "kernel": 3, "stride": 2}"#;
        assert!(refused(strided, &[6, 3]).contains("6×2 to 3×2"));
        assert!(refused(strided, &[6, 1]).contains("mask"));
    }
}
