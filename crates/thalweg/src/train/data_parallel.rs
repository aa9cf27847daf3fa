//! Data parallelism: a batch is split into parts, each with its passes on a thread of its own.
//!
//! This is for small networks, whose products are too short to be shared among threads. How a batch is split follows
//! from shapes alone, and the parts' gradients are added in order, so bits do not depend on the number of threads.

use thalweg_kernels::pool;

use super::batches::Batch;
use super::folds::Folds;
use super::reduction::PARTS;
use super::team::{Asked, Buffers, Team};
use crate::layers::{Mode, RngContext};
use crate::losses::{Cost, Loss};
use crate::network::{ActivationScale, Network, Workspace};
use crate::tensor::ops::{self, MatmulPrecision};
use crate::tensor::{Dtype, Tensor, View, ViewMut};

/// The most parts of a batch.
const MOST: usize = 4;

/// Multiply-adds of a forward pass that make a thread worthwhile.
const MIN_WORK: usize = 150_000;

/// The most parameters: larger networks share products among threads instead.
const SMALL: usize = 1 << 17;

/// How many times the work of adding up the parts' gradients the passes must be: about the number of examples per part.
const OUTWEIGHS: usize = 60;

/// Examples per part, for a batch of m.
fn rows_of_part(network: &Network, m: usize, team: Team) -> usize {
    let rows = if team.is_ordered() { m.div_ceil(PARTS) } else { rows_by_work(network, team.share().most_rows(m)) };
    rows.max(1)
}

/// The same for a share of m, each part of which is worth a thread.
fn rows_by_work(network: &Network, m: usize) -> usize {
    /// The work of fetching and evaluating an example, in multiply-adds: a constant, and an amount per input.
    const EXAMPLE: usize = 256;
    const INPUT: usize = 4;
    let parameters = network.layout().len();
    let Some(work) = network.flops_per_example().filter(|_| parameters <= SMALL) else { return m };
    let whole = m * (work + EXAMPLE + INPUT * network.input().size());
    let parts = (whole / MIN_WORK).min(m * work / (OUTWEIGHS * parameters.max(1))).clamp(1, MOST);
    m.div_ceil(parts)
}

/// What a step's passes are computed from.
pub(super) struct Pass<'a> {
    pub(super) network: &'a Network,
    pub(super) loss: &'a dyn Loss,
    pub(super) theta: View<'a>,
    /// This process's share of a batch.
    pub(super) batch: &'a Batch,
    /// How many examples the whole batch has.
    pub(super) m: usize,
    pub(super) noise: RngContext<'a>,
    /// What this process has been asked for.
    pub(super) asked: Asked,
    pub(super) folds: Option<&'a Folds>,
    pub(super) products: MatmulPrecision,
    /// How many of the first layers are not trained.
    pub(super) frozen: usize,
}

/// Memory for the passes of a step, allocated once.
pub(super) struct DataParallel<'a> {
    team: Team<'a>,
    /// Examples per part.
    rows: usize,
    parts: Vec<BatchPart>,
    buffers: Buffers,
    /// What processes have been asked for, as they agreed in the last step.
    asked: Option<Asked>,
    /// How the last pass changes the statistics that layers keep, where several parts have their own.
    statistics: Option<Tensor>,
}

struct BatchPart {
    workspace: Workspace,
    cost: Cost,
    gradient: Tensor,
    /// The weight of each example for each member.
    weights: Tensor,
    /// The part's share of J.
    j: f64,
}

impl<'a> DataParallel<'a> {
    /// Memory for batches of any of these sizes.
    pub(super) fn new(network: &Network, sizes: &[usize], dtype: Dtype, team: Team<'a>) -> DataParallel<'a> {
        let of_part = |&m: &usize| rows_of_part(network, m, team);
        let rows = sizes.iter().map(of_part).max().unwrap_or(1);
        let count = sizes.iter().map(|m| team.share().most_rows(*m).div_ceil(of_part(m))).max().unwrap_or(1).max(1);
        // Dev rows go through the first workspace, as many at once in any number of processes.
        let whole = sizes.iter().copied().max().filter(|_| team.reduces());
        let part = |i| BatchPart {
            workspace: network.workspace(whole.filter(|_| i == 0).unwrap_or(rows), dtype),
            cost: Cost::of_members(rows, network.members(), dtype),
            gradient: Tensor::zeros([network.layout().len()], dtype),
            weights: Tensor::zeros([rows * network.members()], dtype),
            j: 0.0,
        };
        DataParallel {
            team,
            rows,
            parts: (0..count).map(part).collect(),
            buffers: Buffers::default(),
            asked: None,
            statistics: None,
        }
    }

    /// Splits batches of a size, and the shorter one at the end of an epoch, into parts of one size.
    pub(super) fn plan(&mut self, network: &Network, size: usize) {
        self.rows = rows_of_part(network, size, self.team);
    }

    /// J of a batch, without its L2 term; [`DataParallel::gradient`] is then its gradient. For members, J is the mean of
    /// theirs, and each has the gradient of its own.
    pub(super) fn compute(&mut self, pass: &Pass) -> f64 {
        let (team, m) = (self.team, pass.noise.examples.len());
        if team.is_ordered() {
            self.plan(pass.network, pass.m);
        }
        let rows = self.rows;
        let (x, y) = (pass.batch.x.rows(m), pass.batch.y.rows(m));
        let weights = pass.batch.weights.as_ref().map(|weights| weights.rows(m));
        let total = match weights {
            None => pass.m as f64,
            Some(weights) if team.reduces() => {
                let of_part = |start| ops::sum(weights.rows(start, rows.min(m - start)));
                team.sum((0..m).step_by(rows).map(of_part).collect(), pass.m)
            }
            Some(weights) => ops::sum(weights),
        };
        let count = m.div_ceil(rows);
        let parts = &mut self.parts[..count];
        pool::for_each_chunk(parts, 1, |i, part| {
            let BatchPart { workspace, cost, gradient, weights: own, j } = &mut part[0];
            let (start, m) = (i * rows, rows.min(m - i * rows));
            let (x, y, weights) = (x.rows(start, m), y.rows(start, m), weights.map(|weights| weights.rows(start, m)));
            let noise = RngContext { examples: &pass.noise.examples[start..start + m], ..pass.noise };
            let weights = match pass.folds {
                Some(folds) => {
                    let rows = m * folds.all();
                    folds.weigh(noise.examples, weights, own.rows_mut(rows));
                    Some(own.rows(rows))
                }
                None => weights,
            };
            (workspace.precision, workspace.frozen) = (pass.products, pass.frozen);
            pass.network.run_forward(pass.theta, x, workspace, Mode::Train(noise));
            let (z, dz) = workspace.member_delta(m);
            *j = cost.compute_share(pass.loss, z, y, weights, total, Some(dz));
            pass.network.run_backward_members(pass.theta, x, workspace, gradient.view_mut());
        });
        if team.reduces() {
            return self.reduce(pass, count);
        }
        let (first, others) = parts.split_first_mut().expect("a batch is not empty");
        others.iter().fold(first.j, |j, other| {
            ops::add_scaled(first.gradient.view_mut(), 1.0, other.gradient.view());
            j + other.j
        })
    }

    /// Adds up what the first parts of this process and the others' have: J and the gradient, with the change of the
    /// statistics that layers keep, which are those of each part.
    fn reduce(&mut self, pass: &Pass, count: usize) -> f64 {
        let (len, trained) = (pass.network.layout().len(), pass.network.layout().trained());
        for (i, part) in self.parts[..count].iter_mut().enumerate().filter(|_| trained < len) {
            let mut kept = pass.theta.to_tensor();
            pass.network.update_statistics(kept.view_mut(), &part.workspace);
            let share = self.rows.min(pass.noise.examples.len() - i * self.rows) as f64 / pass.m as f64;
            let part = part.gradient.view_mut().part(trained, [len - trained]);
            change(pass.theta, &kept, share, part);
        }
        if count == 0 {
            ops::fill(self.parts[0].gradient.view_mut(), 0.0);
        }
        let costs = self.parts[..count].iter().map(|part| part.j).collect();
        let mut gradients: Vec<&mut Tensor> =
            self.parts[..count.max(1)].iter_mut().map(|part| &mut part.gradient).collect();
        self.team.sum_gradients(&mut gradients, &mut self.buffers, pass.m);
        if trained < len {
            let mut change = self.parts[0].gradient.view_mut().part(trained, [len - trained]);
            self.statistics = Some(change.view().to_tensor());
            ops::fill(change.reborrow(), 0.0);
        }
        let (asked, j) = self.team.agree_and_sum(pass.asked, costs, pass.m);
        self.asked = Some(asked);
        j
    }

    /// What processes have been asked for, if they have agreed on that since this was last called.
    pub(super) fn take_asked(&mut self) -> Option<Asked> {
        self.asked.take()
    }

    /// Updates the statistics that layers keep from the last pass.
    pub(super) fn update_statistics(&self, network: &Network, mut theta: ViewMut) {
        match &self.statistics {
            Some(change) => {
                let own = theta.reborrow().part(network.layout().trained(), change.shape());
                ops::add_scaled(own, 1.0, change.view());
            }
            None => network.update_statistics(theta, &self.parts[0].workspace),
        }
    }

    /// dJ/dθ of the last batch.
    pub(super) fn gradient(&mut self) -> &mut Tensor {
        &mut self.parts[0].gradient
    }

    /// The memory of the first part; a batch with batch statistics usually has no other.
    pub(super) fn workspace(&mut self) -> &mut Workspace {
        &mut self.parts[0].workspace
    }

    /// Makes the next step sample each layer's scales.
    pub(super) fn sample_scales(&mut self) {
        self.parts.iter_mut().for_each(|part| part.workspace.sample_scales());
    }

    /// The scales that the last step sampled.
    pub(super) fn take_scales(&mut self) -> Option<Vec<ActivationScale>> {
        self.parts.iter_mut().filter_map(|part| part.workspace.take_scales()).reduce(over_both)
    }

    /// The scales of the layers' outputs in the last step, on m examples.
    pub(super) fn output_scales(&self, network: &Network, m: usize) -> Option<Vec<ActivationScale>> {
        let parts = self.parts.iter().zip((0..m).step_by(self.rows));
        let scales =
            |(part, start): (&BatchPart, usize)| network.output_scales(&part.workspace, self.rows.min(m - start));
        parts.map(scales).reduce(over_both)
    }
}

/// What a part makes of the statistics at the end of θ, as their change, times its share of the batch.
fn change(theta: View, kept: &Tensor, share: f64, mut to: ViewMut) {
    let (start, shape) = (theta.shape().size() - to.shape().size(), to.shape());
    ops::copy(kept.view().part(start, shape), to.reborrow());
    ops::add_scaled(to.reborrow(), -1.0, theta.part(start, shape));
    ops::scale(to, share);
}

fn over_both(all: Vec<ActivationScale>, part: Vec<ActivationScale>) -> Vec<ActivationScale> {
    all.into_iter().zip(part).map(|(all, part)| all.and(part)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::{BatchNorm, Dropout, Layer, LayerNorm, Linear, Residual};
    use crate::losses::SigmoidCrossEntropy;
    use crate::tensor::Activation;

    fn linear(units: usize) -> Box<dyn Layer> {
        Box::new(Linear::new(units, Activation::Tanh))
    }

    fn parts(network: &Network, m: usize) -> usize {
        m.div_ceil(rows_by_work(network, m))
    }

    #[test]
    fn small_networks_and_many_examples_are_taken_apart() {
        let logistic = Network::new(28, vec![linear(1)]).unwrap();
        assert_eq!([16, 256, 1024, 1 << 20].map(|m| parts(&logistic, m)), [1, 1, 2, 4]);
        let hidden = Network::new(100, vec![linear(256), linear(128), linear(1)]).unwrap();
        assert_eq!([1, 32, 64, 128, 200, 256].map(|m| parts(&hidden, m)), [1, 1, 1, 2, 3, 4]);
        let wide = Network::new(784, vec![linear(512), linear(512), linear(10)]).unwrap();
        assert_eq!(parts(&wide, 4096), 1);
    }

    #[test]
    fn batches_whose_examples_depend_on_one_another_stay_whole() {
        let count = |layers| parts(&Network::new(64, layers).unwrap(), 1024);
        assert_eq!(count(vec![linear(64), linear(1)]), 4);
        assert_eq!(count(vec![linear(64), Box::new(BatchNorm::default()), linear(1)]), 1);
        let block = |inner| Box::new(Residual::new(inner, Vec::new(), Activation::Relu)) as Box<dyn Layer>;
        assert_eq!(count(vec![block(vec![linear(64)]), linear(1)]), 4);
        assert_eq!(count(vec![block(vec![linear(64), Box::new(BatchNorm::default())]), linear(1)]), 1);
    }

    #[test]
    fn the_parts_cost_and_gradient_are_the_batch_s() {
        let layers = || vec![linear(64), Box::new(LayerNorm::default()), Box::new(Dropout { rate: 0.3 }), linear(2)];
        let network = Network::new(30, layers()).unwrap();
        let (size, dtype) = (512, Dtype::F64);
        let theta = network.initialize(1, dtype);
        let number = |i: usize| ((i * 7919 % 1009) as f64 / 1009.0 - 0.5) * 2.0;
        let batch = Batch {
            x: Tensor::from_f64([size, 30], (0..size * 30).map(number).collect()),
            y: Tensor::from_f64([size, 2], (0..size * 2).map(|i| (i % 3 % 2) as f64).collect()),
            weights: Some(Tensor::from_f64([size], (0..size).map(|i| (3 - i % 4) as f64).collect())),
        };
        let numbers: Vec<u32> = (0..size as u32).collect();
        let mut parts = DataParallel::new(&network, &[size], dtype, Team::ALONE);
        assert_eq!(parts.parts.len(), 4);
        for m in [size, 300, 1] {
            let noise = RngContext { seed: 1, epoch: 1, layer: 0, examples: &numbers[..m] };
            let (loss, products) = (&SigmoidCrossEntropy, MatmulPrecision::F32);
            let pass = Pass {
                network: &network,
                loss,
                theta: theta.view(),
                batch: &batch,
                m,
                noise,
                asked: Asked { stop: false, time: 0.0 },
                folds: None,
                products,
                frozen: 0,
            };
            let mut whole = DataParallel { rows: m, ..DataParallel::new(&network, &[size], dtype, Team::ALONE) };
            whole.parts[0].workspace = network.workspace(m, dtype);
            whole.parts[0].cost = Cost::new(m, dtype);
            for parts in [&mut parts, &mut whole] {
                parts.sample_scales();
            }
            let (j, expected) = (parts.compute(&pass), whole.compute(&pass));
            assert!((j - expected).abs() < 1e-14, "{j}, {expected}");
            let pairs = parts.gradient().to_f64().into_iter().zip(whole.gradient().to_f64());
            assert!(pairs.clone().all(|(a, b)| (a - b).abs() < 1e-14) && pairs.clone().any(|(a, _)| a != 0.0));
            let scales = [parts.take_scales(), whole.take_scales()].map(Option::unwrap);
            for (part, all) in scales[0].iter().zip(&scales[1]) {
                assert!((part.activation() - all.activation()).abs() < 1e-12 && part.zeros() == all.zeros());
                assert!((part.gradient() - all.gradient()).abs() < 1e-14);
            }
        }
    }
}
