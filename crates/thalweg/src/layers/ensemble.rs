//! Ensembles of networks (Lakshminarayanan, Pritzel and Blundell 2017), side by side in one.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::sequential::{Sequential, Slots};
use super::{
    Backward, Layer, Mode, Op, ParameterSpec, Parameters, ParametersMut, Registered, lower, read_layer, to_value,
};
use crate::error::{Error, Result};
use crate::tensor::{Shape, Tensor, View, ViewMut, ops};

/// Members side by side, each with parameters of its own: y = (F₁(x), …, F_K(x)), their outputs one after the other, K·C
/// in all.
///
/// With a layer of kind `average` after it, a network is a deep ensemble ("Simple and Scalable Predictive Uncertainty
/// Estimation using Deep Ensembles", Lakshminarayanan, Pritzel and Blundell 2017): each member begins elsewhere and is
/// trained on its own answers, and their answers are averaged.
///
/// Backward: member k has the gradient dyₖ, and dx is the sum of what comes back through all members.
///
/// ```
/// use thalweg::layers::{Ensemble, Layer, Linear};
/// use thalweg::network::{Network, Predictor};
/// use thalweg::tensor::{Activation, Tensor};
///
/// let member = || vec![Box::new(Linear::new(1, Activation::Identity)) as Box<dyn Layer>];
/// let network = Network::new(1, vec![Box::new(Ensemble::new(vec![member(), member()]))])?;
/// let theta = Tensor::from_f64([4], vec![2.0, 0.5, -1.0, 0.25]); // W and b of the first, W and b of the second
/// let x = Tensor::from_f64([1, 1], vec![3.0]);
/// let y = Predictor::new(&network, &theta, 1, Default::default())?.forward(x.view())?.to_f64();
/// assert_eq!(y, [6.5, -2.75]);
/// # Ok::<(), thalweg::Error>(())
/// ```
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ensemble {
    /// F₁ … F_K.
    members: Vec<Sequential>,
    /// Where each member's parameters and saved tensors are; planned once, so that a step allocates nothing.
    #[serde(skip)]
    plan: OnceLock<Plan>,
}

#[derive(Debug)]
struct Plan {
    input: Shape,
    members: Vec<Vec<Slots>>,
    /// How many tensors the members save; two deltas follow them.
    kept: usize,
}

impl Ensemble {
    /// An ensemble of members, each of layers in a row.
    pub fn new(members: Vec<Vec<Box<dyn Layer>>>) -> Self {
        Ensemble { members: members.into_iter().map(Sequential).collect(), plan: OnceLock::new() }
    }

    /// The plan for batches like x.
    fn plan(&self, x: View) -> &Plan {
        let input = x.shape().example();
        let plan = self.plan.get_or_init(|| {
            let (mut entry, mut kept) = (0, 0);
            let places = |member: &Sequential| {
                let places;
                (places, entry, kept) = member.places(input, entry, kept);
                places
            };
            let members = self.members.iter().map(places).collect();
            Plan { input, members, kept }
        });
        assert_eq!(plan.input, input, "an ensemble is part of one network");
        plan
    }
}

impl Layer for Ensemble {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn config(&self) -> serde_json::Value {
        to_value(self)
    }

    fn describe(&self, input: Shape) -> String {
        let each: Vec<String> = self.members.iter().map(|member| member.describe(input)).collect();
        match &each[..] {
            [first, ..] if each.iter().all(|other| other == first) => {
                format!("ensemble of {} × ({first})", each.len())
            }
            _ => format!("ensemble of ({})", each.join(") and (")),
        }
    }

    fn output(&self, input: Shape) -> Result<Shape> {
        let outputs = self.members.iter().map(|member| member.output(input)).collect::<Result<Vec<_>>>()?;
        let Some(first) = outputs.first() else {
            return Err(Error::config("an ensemble without members").fix("give it at least one"));
        };
        if let Some(other) = outputs.iter().find(|&output| output != first) {
            let what = format!("an ensemble's members make {input} to {first} and to {other}");
            return Err(Error::config(what).fix("give all members as many outputs"));
        }
        if first.dimensions().len() != 1 {
            let what = format!("an ensemble whose members have outputs of {first}");
            return Err(Error::config(what).fix("end each member with a layer of kind \"linear\""));
        }
        Ok([outputs.len().saturating_mul(first.size())].into())
    }

    fn parameters(&self, input: Shape) -> Vec<ParameterSpec> {
        let each = self.members.iter().enumerate();
        each.flat_map(|(k, member)| member.parameters(&format!("members.{k}"), input).collect::<Vec<_>>()).collect()
    }

    fn saved(&self, input: Shape, m: usize) -> Vec<Shape> {
        let widest = self.members.iter().map(|member| member.widest(input)).fold(0, usize::max);
        let each = self.members.iter().flat_map(|member| member.saved(input, m));
        each.chain([Shape::from([m, widest]); 2]).collect()
    }

    fn flops_per_example(&self, input: Shape) -> Option<usize> {
        self.members.iter().map(|member| member.flops_per_example(input)).sum()
    }

    fn multiply_adds(&self, input: Shape) -> f64 {
        self.members.iter().map(|member| member.multiply_adds(input)).sum()
    }

    fn check_parameters(&self, input: Shape, theta: Parameters) -> Result<(), String> {
        let check = |entry, member: &Sequential| member.check_parameters(input, entry, theta);
        self.members.iter().try_fold(0, check).map(|_| ())
    }

    fn lower(&self, name: &str, input: Shape) -> Result<Vec<Op>> {
        let each = self.members.iter().enumerate();
        let members = each.map(|(k, member)| lower(&format!("{name}.members.{k}"), &member.0, input));
        Ok(vec![Op::Branches { members: members.collect::<Result<_>>()? }])
    }

    fn forward(&self, theta: Parameters, x: View, mut y: ViewMut, saved: &mut [Tensor], mode: Mode) {
        let plan = self.plan(x);
        let mut start = 0;
        for (k, (member, places)) in self.members.iter().zip(&plan.members).enumerate() {
            // Each member has noise of its own.
            member.forward(places, theta, x, saved, mode.of_inner_layer(k));
            let z = Sequential::outcome(places, x, saved);
            ops::copy_columns(z, 0..z.shape().columns(), y.reborrow(), start);
            start += z.shape().columns();
        }
    }

    fn backward(&self, theta: Parameters, pass: Backward, mut gradient: ParametersMut) {
        let Backward { x, dy, saved, mut dx, .. } = pass;
        let plan = self.plan(x);
        let (kept, deltas) = saved.split_at_mut(plan.kept);
        let [a, b] = deltas else { unreachable!("two deltas are kept") };
        let dy = dy.view();
        let (m, outputs) = (x.shape().rows(), dy.shape().columns() / self.members.len());
        for (k, (member, places)) in self.members.iter().zip(&plan.members).enumerate() {
            let own = k * outputs..(k + 1) * outputs;
            ops::copy_columns(dy, own, a.view_mut().part(0, [m, outputs]), 0);
            let back = member.backward(places, (theta, x), kept, [&mut *a, &mut *b], gradient.reborrow(), dx.is_some());
            let Some(dx) = &mut dx else { continue };
            let back = back.view().part(0, x.shape());
            if k == 0 { ops::copy(back, dx.reborrow()) } else { ops::add_scaled(dx.reborrow(), 1.0, back) }
        }
    }

    fn scale_output(&self, mut theta: ParametersMut, factor: f64) -> bool {
        let Some(plan) = self.plan.get() else { return false };
        let mut each = self.members.iter().zip(&plan.members);
        each.all(|(member, places)| member.scale_output(places, theta.reborrow(), factor))
    }

    fn update_statistics(&self, mut theta: ParametersMut, saved: &[Tensor]) {
        let Some(plan) = self.plan.get() else { return };
        for (member, places) in self.members.iter().zip(&plan.members) {
            member.update_statistics(places, theta.reborrow(), saved);
        }
    }

    fn kink_sides(&self, x: View, _y: View, saved: &[Tensor], sides: &mut Vec<bool>) {
        for (member, places) in self.members.iter().zip(&self.plan(x).members) {
            member.kink_sides(places, x, saved, sides);
        }
    }
}

impl Registered for Ensemble {
    const NAME: &'static str = "ensemble";

    fn examples() -> Vec<(Self, Shape)> {
        let table = |json: &str| serde_json::from_str(json).expect("an example is JSON");
        let layer = |json: &str| read_layer(table(json), &[]).expect("an example is a layer");
        let tanh = || layer(r#"{"kind": "linear", "units": 3, "activation": "tanh"}"#);
        let linear = || layer(r#"{"kind": "linear", "units": 2}"#);
        let dropout = layer(r#"{"kind": "dropout", "rate": 0.5}"#);
        let norm = || layer(r#"{"kind": "batch_norm"}"#);
        let block = layer(r#"{"kind": "residual", "layers": [{"kind": "linear", "units": 4}], "activation": "tanh"}"#);
        let conv = || layer(r#"{"kind": "conv2d", "filters": 2, "kernel": 2, "activation": "silu"}"#);
        let pool = layer(r#"{"kind": "pool2d", "take": "average"}"#);
        vec![
            (Ensemble::new(vec![vec![tanh(), dropout, linear()], vec![tanh(), linear()]]), [4].into()),
            (Ensemble::new(vec![vec![block, linear()], vec![linear()], vec![norm(), linear()]]), [4].into()),
            (Ensemble::new(vec![vec![conv(), linear()], vec![conv(), pool]]), [3, 4, 2].into()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::RngContext;
    use crate::network::Network;
    use crate::tensor::Dtype;

    fn layer(table: serde_json::Value) -> Box<dyn Layer> {
        read_layer(table, &[]).unwrap()
    }

    fn linear(units: usize) -> Box<dyn Layer> {
        layer(serde_json::json!({"kind": "linear", "units": units, "activation": "relu"}))
    }

    fn dropout() -> Box<dyn Layer> {
        layer(serde_json::json!({"kind": "dropout", "rate": 0.5}))
    }

    #[test]
    fn members_answer_side_by_side_with_parameters_of_their_own() {
        let layers = vec![vec![linear(1)], vec![linear(1)]];
        let network = Network::new(2, vec![Box::new(Ensemble::new(layers))]).unwrap();
        let names: Vec<&str> = network.layout().entries().iter().map(|entry| entry.name.as_str()).collect();
        let members = ["layers.0.members.0.0.weight", "layers.0.members.0.0.bias", "layers.0.members.1.0.weight"];
        assert_eq!((&names[..3], names.len()), (&members[..], 4));
        let theta = network.initialize(1, Dtype::F64).to_f64();
        assert_ne!(theta[..2], theta[3..5], "each member begins elsewhere");
        let theta = Tensor::from_f64([6], vec![1.0, 2.0, 0.5, -1.0, 0.0, 3.0]);
        let x = Tensor::from_f64([2, 2], vec![1.0, 1.0, 2.0, -1.0]);
        let mut workspace = network.workspace(2, Dtype::F64);
        let y = network.forward(theta.view(), x.view(), &mut workspace, Mode::Predict).unwrap().to_f64();
        assert_eq!(y, [3.5, 2.0, 0.5, 1.0]);
        assert_eq!(network.summary()[0].description, "ensemble of 2 × (linear 2 → 1, relu)");
    }

    #[test]
    fn members_drop_different_units() {
        let nested = || layer(serde_json::json!({"kind": "residual", "layers": [{"kind": "dropout", "rate": 0.5}]}));
        for inner in [dropout, nested] as [fn() -> Box<dyn Layer>; 2] {
            let network =
                Network::new(32, vec![Box::new(Ensemble::new((0..3).map(|_| vec![inner()]).collect()))]).unwrap();
            let (theta, x) = (Tensor::zeros([0], Dtype::F64), Tensor::from_f64([1, 32], vec![1.0; 32]));
            let mut workspace = network.workspace(1, Dtype::F64);
            let noise = RngContext { seed: 1, epoch: 1, layer: 0, examples: &[0] };
            let y = network.forward(theta.view(), x.view(), &mut workspace, Mode::Train(noise)).unwrap().to_f64();
            assert!(y[..32] != y[32..64] && y[32..64] != y[64..] && y[..32] != y[64..], "{y:?}");
        }
    }

    #[test]
    fn members_that_do_not_fit_together_are_refused() {
        let refused = |members: Vec<Vec<Box<dyn Layer>>>, input: Shape| {
            let error = Ensemble::new(members).output(input).unwrap_err();
            (error.message, error.remedy.unwrap().to_string())
        };
        let (message, fix) = refused(vec![vec![linear(2)], vec![linear(3)]], [4].into());
        assert!(message.contains("make 4 to 2 and to 3") && fix.contains("as many outputs"), "{message}: {fix}");
        let (message, fix) = refused(vec![vec![dropout()], vec![dropout()]], [4, 2].into());
        assert!(message.contains("outputs of 4×2") && fix.contains("\"linear\""), "{message}: {fix}");
        assert!(refused(Vec::new(), [4].into()).0.contains("without members"));
    }
}
