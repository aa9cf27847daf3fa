//! Ensembles of networks (Lakshminarayanan, Pritzel and Blundell 2017), side by side in one.

use std::array::from_fn;
use std::ops::Range;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use thalweg_kernels::pool;

use super::sequential::{Sequential, Slots};
use super::{Backward, Layer, Mode, Op, ParameterSpec, Parameters, ParametersMut, Registered, lower, read_layer};
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
    plan: OnceLock<Vec<MemberLayout>>,
}

/// The most members that run on threads of their own at once, and the multiply-adds of all that make it worthwhile.
const AT_ONCE: usize = 8;
const MIN_PARALLEL_WORK: f64 = 1e5;

/// Where a member's parameters and saved tensors are within its ensemble.
#[derive(Debug)]
struct MemberLayout {
    /// Its parameters among the ensemble's.
    entries: Range<usize>,
    slots: Vec<Slots>,
    /// How many tensors its layers save; two deltas follow them.
    kept: usize,
}

impl MemberLayout {
    /// All its saved tensors.
    fn tensors(&self) -> usize {
        self.kept + 2
    }
}

/// A member, and what its pass writes.
struct Task<'a> {
    k: usize,
    member: &'a Sequential,
    layout: &'a MemberLayout,
    saved: &'a mut [Tensor],
    gradient: Option<ParametersMut<'a>>,
}

/// Runs each task, on threads of their own where they are long enough; allocates nothing.
fn run<'a>(mut tasks: impl Iterator<Item = Task<'a>>, multiply_adds: f64, pass: impl Fn(&mut Task) + Sync) {
    let at_once = if multiply_adds < MIN_PARALLEL_WORK { 1 } else { AT_ONCE };
    loop {
        let mut group: [Option<Task>; AT_ONCE] = from_fn(|i| if i < at_once { tasks.next() } else { None });
        if group[0].is_none() {
            return;
        }
        pool::for_each_chunk(&mut group[..at_once], 1, |_, task| task.iter_mut().flatten().for_each(&pass));
    }
}

impl Ensemble {
    /// An ensemble of members, each of layers in a row.
    pub fn new(members: Vec<Vec<Box<dyn Layer>>>) -> Self {
        Ensemble { members: members.into_iter().map(Sequential).collect(), plan: OnceLock::new() }
    }

    /// The plan for batches like x.
    fn plan(&self, x: View) -> &[MemberLayout] {
        self.plan.get_or_init(|| {
            let mut entry = 0;
            let layout = |member: &Sequential| {
                let (slots, count, kept) = member.places(x.shape().example(), 0, 0);
                let entries = entry..entry + count;
                entry = entries.end;
                MemberLayout { entries, slots, kept }
            };
            self.members.iter().map(layout).collect()
        })
    }

    fn with_layouts<'a>(
        &'a self,
        plan: &'a [MemberLayout],
    ) -> impl Iterator<Item = (&'a Sequential, &'a MemberLayout)> {
        self.members.iter().zip(plan)
    }

    /// A task for each member, with its own share of the saved tensors and of the gradient.
    fn tasks<'a>(
        &'a self,
        plan: &'a [MemberLayout],
        mut saved: &'a mut [Tensor],
        mut gradient: Option<ParametersMut<'a>>,
    ) -> impl Iterator<Item = Task<'a>> {
        self.with_layouts(plan).enumerate().map(move |(k, (member, layout))| {
            let (own, rest) = std::mem::take(&mut saved).split_at_mut(layout.tensors());
            saved = rest;
            let own_gradient;
            (own_gradient, gradient) = gradient.take().map(|all| all.split_trained(layout.entries.len())).unzip();
            Task { k, member, layout, saved: own, gradient: own_gradient }
        })
    }
}

impl Layer for Ensemble {
    fn describe(&self, input: Shape) -> String {
        let each: Vec<String> = self.members.iter().map(|member| member.describe(input)).collect();
        let alike = each.chunk_by(|a, b| a == b).map(|alike| match alike.len() {
            1 => format!("({})", alike[0]),
            count => format!("{count} × ({})", alike[0]),
        });
        format!("ensemble of {}", alike.collect::<Vec<_>>().join(" and "))
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
        let each = self.members.iter();
        each.flat_map(|member| [member.saved(input, m), vec![[m, member.widest(input)].into(); 2]].concat()).collect()
    }

    fn flops_per_example(&self, input: Shape) -> Option<usize> {
        self.members.iter().map(|member| member.flops_per_example(input)).sum()
    }

    fn multiply_adds(&self, input: Shape) -> f64 {
        self.members.iter().map(|member| member.multiply_adds(input)).sum()
    }

    fn lengths(&self, x: View) -> Option<Vec<u32>> {
        self.members.first()?.0.first()?.lengths(x)
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
        let (plan, m) = (self.plan(x), x.shape().rows());
        run(self.tasks(plan, saved, None), m as f64 * self.multiply_adds(x.shape().example()), |task| {
            let Task { k, member, layout, saved, .. } = task;
            // Each member has noise of its own.
            member.forward(&layout.slots, theta.of(layout.entries.clone()), x, saved, mode.of_inner_layer(*k));
        });
        let mut start = 0;
        for Task { layout, saved, .. } in self.tasks(plan, saved, None) {
            let z = Sequential::outcome(&layout.slots, x, saved);
            ops::copy_columns(z, 0..z.shape().columns(), y.reborrow(), start);
            start += z.shape().columns();
        }
    }

    fn backward(&self, theta: Parameters, pass: Backward, gradient: ParametersMut) {
        let Backward { x, dy, saved, mut dx, .. } = pass;
        let (plan, needs_dx, dy) = (self.plan(x), dx.is_some(), dy.view());
        let (m, outputs) = (x.shape().rows(), dy.shape().columns() / self.members.len());
        let work = 2.0 * m as f64 * self.multiply_adds(x.shape().example());
        run(self.tasks(plan, saved, Some(gradient)), work, |task| {
            let Task { k, member, layout, saved, gradient } = task;
            let (kept, deltas) = saved.split_at_mut(layout.kept);
            let [a, b] = deltas else { unreachable!("two deltas are kept") };
            ops::copy_columns(dy, *k * outputs..(*k + 1) * outputs, a.view_mut().part(0, [m, outputs]), 0);
            let gradient = gradient.as_mut().expect("a backward pass has a gradient").reborrow();
            let theta = theta.of(layout.entries.clone());
            member.backward(&layout.slots, (theta, x), kept, [a, b], gradient, needs_dx);
        });
        let Some(dx) = &mut dx else { return };
        for Task { k, member, layout, saved, .. } in self.tasks(plan, saved, None) {
            // Each layer reads one delta and writes the other.
            let back = saved[layout.kept + member.0.len() % 2].view().part(0, x.shape());
            if k == 0 { ops::copy(back, dx.reborrow()) } else { ops::add_scaled(dx.reborrow(), 1.0, back) }
        }
    }

    fn scale_output(&self, mut theta: ParametersMut, factor: f64) -> bool {
        let Some(plan) = self.plan.get() else { return false };
        let mut each = self.with_layouts(plan);
        each.all(|(member, layout)| member.scale_output(&layout.slots, theta.of(layout.entries.clone()), factor))
    }

    fn update_statistics(&self, mut theta: ParametersMut, saved: &[Tensor]) {
        let Some(plan) = self.plan.get() else { return };
        let mut start = 0;
        for (member, layout) in self.with_layouts(plan) {
            member.update_statistics(&layout.slots, theta.of(layout.entries.clone()), &saved[start..]);
            start += layout.tensors();
        }
    }

    fn kink_sides(&self, x: View, _y: View, saved: &[Tensor], sides: &mut Vec<bool>) {
        let mut start = 0;
        for (member, layout) in self.with_layouts(self.plan(x)) {
            member.kink_sides(&layout.slots, x, &saved[start..], sides);
            start += layout.tensors();
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
