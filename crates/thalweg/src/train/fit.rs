//! The training loop.

use std::time::{Duration, Instant};

use super::batches::{Batch, EpochBatches, TrainingSet};
use super::callback::Callback;
use super::data_parallel::{DataParallel, Pass};
use super::folds::Folds;
use super::freeze::{Freeze, Slower};
use super::reduction::Share;
use super::state::{Best, State};
use super::team::{Asked, Team};
use crate::config::Reduction;
use crate::error::{Error, ErrorKind, Result, advice};
use crate::event::{Event, LayerScale, Phases};
use crate::layers::{Mode, RngContext};
use crate::losses::{self, Cost, Loss};
use crate::metrics::Metrics;
use crate::network::{ActivationScale, Entry, Network, Workspace};
use crate::optimizers::{Optimizer, Step};
use crate::ranks::Ranks;
use crate::schedule::{self, Schedule, Time};
use crate::tensor::ops::{self, MatmulPrecision};
use crate::tensor::{Tensor, View};

/// How a network is trained, with everything decided.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainSettings {
    /// Seed of everything random.
    pub seed: u64,
    /// Examples in a mini-batch.
    pub batch_size: usize,
    /// In which order the gradients of a batch's parts are added up.
    pub reduction: Reduction,
    /// The most epochs.
    pub epochs: usize,
    /// Epochs at the end that use all examples as one batch.
    pub full_batch_epochs: usize,
    /// α₀.
    pub learning_rate: f64,
    /// How α follows from α₀ and the time.
    pub schedule: Schedule,
    /// Epochs over which α rises from 0.
    pub warm_up: f64,
    /// λ of the L2 term λ/(2m) Σ‖W‖².
    pub l2: f64,
    /// The largest norm of a gradient (0: any).
    pub clip_norm: f64,
    /// The largest absolute value in a gradient (0: any).
    pub clip_value: f64,
    /// Epochs without a better dev result before training stops (0: never).
    pub patience: usize,
    /// The dev metric that decides which epoch is best (`loss` for the loss), and whether higher is better.
    pub monitor: (String, bool),
    /// The first epoch that counts for the best: an earlier best gives way to it, and patience does not run out before.
    pub best_from: usize,
    /// β of the average of the parameters (0: none).
    pub average: f64,
    /// Whether logits are divided by the temperature of the least dev loss in the end.
    pub temperature_scaling: bool,
    /// Which members leave out which of the first training rows, if these are the dev rows.
    pub folds: Option<Folds>,
    /// Which layers keep their parameters, and which learn at a lower rate.
    pub freeze: Freeze,
    /// The longest that training may take.
    pub time_limit: Option<Duration>,
    /// How steps compute the products of f32 matrices.
    pub products: MatmulPrecision,
}

impl Default for TrainSettings {
    /// Adam's usual rate on mini-batches of 64 for 100 epochs, the best by dev loss.
    fn default() -> Self {
        TrainSettings {
            seed: 0,
            batch_size: 64,
            reduction: Reduction::Fast,
            epochs: 100,
            full_batch_epochs: 0,
            learning_rate: 1e-3,
            schedule: Schedule::Constant,
            warm_up: 0.0,
            l2: 0.0,
            clip_norm: 0.0,
            clip_value: 0.0,
            patience: 0,
            monitor: ("loss".into(), false),
            best_from: 1,
            average: 0.0,
            temperature_scaling: false,
            folds: None,
            freeze: Freeze::default(),
            time_limit: None,
            products: MatmulPrecision::F32,
        }
    }
}

impl TrainSettings {
    /// Examples per batch in an epoch (from 1) over this many rows.
    pub(crate) fn batch_size_of(&self, epoch: usize, rows: usize) -> usize {
        let full = epoch + self.full_batch_epochs > self.epochs;
        if full { rows } else { self.batch_size.min(rows) }
    }

    /// The steps that were done when the optimiser and the average began that an epoch (from 1) goes on with.
    pub(crate) fn steps_before(&self, epoch: usize, rows: usize) -> u64 {
        let steps = |epoch: usize| rows.div_ceil(self.batch_size_of(epoch, rows).max(1)) as u64;
        (1..=self.freeze.phase(epoch, self.epochs).0).map(steps).sum()
    }
}

/// What is trained, how and on what.
pub struct Trainer<'a> {
    /// The network.
    pub network: &'a Network,
    /// Its loss.
    pub loss: &'a dyn Loss,
    /// The optimiser.
    pub optimizer: &'a dyn Optimizer,
    /// The settings.
    pub settings: TrainSettings,
    /// The examples that it is trained on.
    pub train: &'a dyn TrainingSet,
    /// The examples that decide which epoch is best.
    pub dev: Option<&'a dyn TrainingSet>,
    /// Metrics on the dev part, from the answers (m × C, row by row).
    pub evaluate: &'a dyn Fn(&[f64]) -> Metrics,
}

/// Why training ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// All epochs are done.
    Done,
    /// The dev result has not improved for `patience` epochs.
    Patience,
    /// The time is up.
    TimeLimit,
    /// The callback requested a stop; training can be resumed from the state.
    Interrupted,
}

impl Trainer<'_> {
    /// Trains from a state (a new one, or one from a checkpoint) to the end; the state then has the best parameters.
    ///
    /// # Errors
    /// If the state or the examples do not fit the network and the loss, the cost is no longer a finite number, or a
    /// checkpoint cannot be saved.
    pub fn fit(&self, state: &mut State, callback: &mut dyn Callback) -> Result<StopReason> {
        self.fit_among(None, state, callback)
    }

    /// The same by several processes, each with a trainer of the same settings and examples and with the same state, which
    /// share every batch. All have the same parameters in the end; each has the events of its own share.
    ///
    /// # Errors
    /// As for [`Trainer::fit`]. Where examples cannot be read by one process, the others wait for it.
    pub fn fit_among(
        &self,
        ranks: Option<&dyn Ranks>,
        state: &mut State,
        callback: &mut dyn Callback,
    ) -> Result<StopReason> {
        let team = Team::new(ranks, self.settings.reduction);
        let clock = Clock::start(state.seconds, self.settings.time_limit);
        let mut buffers = TrainingBuffers::new(self, team);
        self.check(state, &buffers.batch)?;
        loop {
            // One process alone asks before each step.
            let stop = !team.is_alone() && callback.stop();
            let mut asked = team.agree(Asked { stop, time: clock.share() });
            // Checked before each epoch, so that a run stopped after its last one does no more.
            if let Some(end) = self.end(state, asked.time >= 1.0) {
                return Ok(end);
            }
            let epoch = state.epoch + 1;
            let size = self.batch_size(epoch);
            buffers.begin_epoch(self, epoch, size);
            if self.settings.freeze.thaws_in(epoch) && state.step == 0 {
                state.begin_anew();
            }
            let (seed, skip) = (self.settings.seed, state.step);
            let mut batches = self.train.epoch(EpochBatches { size, seed, epoch, skip, share: team.share() });
            let (rows, steps) = (self.train.rows(), self.train.rows().div_ceil(size));
            let share = 1.0 / steps as f64;
            let sampling = self.samples_scales(epoch) && state.step == 0;
            let mut progress = Instant::now();
            loop {
                let waiting = Instant::now();
                let Some(examples) = batches.next(&mut buffers.batch)? else { break };
                buffers.phases.data += waiting.elapsed().as_secs_f64();
                let own = Asked { stop: callback.stop(), time: clock.share() };
                // Several processes know of each other what was so in the step before.
                asked = if team.is_alone() { own } else { asked };
                if asked.stop {
                    state.seconds = clock.seconds();
                    callback.checkpoint(state)?;
                    return Ok(StopReason::Interrupted);
                }
                let before = (sampling && state.step == 0).then(|| {
                    buffers.parts.sample_scales();
                    state.theta.clone()
                });
                let m = size.min(rows - state.step * size);
                let cost =
                    self.step(state, &mut buffers, (examples, m), (share, asked.time, own)).inspect_err(|_| {
                        if let Some(scales) = buffers.parts.output_scales(self.network, examples.len()) {
                            let layers = self.layer_scales(&scales, &state.theta, None);
                            callback.event(&Event::Scales { step: state.t as usize + 1, cost: None, layers });
                        }
                    })?;
                state.cost += cost;
                state.step += 1;
                callback.step(state.learning_rate, cost);
                if let Some((before, scales)) = before.zip(buffers.parts.take_scales()) {
                    let layers = self.layer_scales(&scales, &before, Some(&state.theta));
                    let cost = Some(cost - self.l2_cost(before.view()));
                    callback.event(&Event::Scales { step: state.t as usize, cost, layers });
                }
                if progress.elapsed() > Duration::from_millis(200) {
                    progress = Instant::now();
                    let step = state.step;
                    callback.event(&Event::Progress { epoch, step, steps, cost: state.cost / step as f64 });
                }
                asked = buffers.parts.take_asked().unwrap_or(asked);
                if asked.time >= 1.0 {
                    break;
                }
            }
            self.end_epoch(state, &mut buffers, &clock, callback)?;
            callback.checkpoint(state)?;
        }
    }

    /// Checks that the state and the batches have the shapes of the network and the loss, and one type.
    fn check(&self, state: &State, batch: &Batch) -> Result<()> {
        const FIT: &str = "Trainer::fit";
        let (network, dtype, trained) = (self.network, batch.x.dtype(), self.network.layout().trained());
        let z = network.output().batch(batch.x.shape().rows());
        state.theta.view().expect(FIT, "θ", [network.layout().len()], dtype)?;
        let (vectors, wanted) = (state.optimizer.len(), self.optimizer.state().len());
        if vectors != wanted {
            let found = format!("{FIT}: the optimiser's state has {vectors} vectors, expected {wanted}");
            return Err(Error::data(found).fix("make the state with the optimiser that trains it"));
        }
        for vector in &state.optimizer {
            vector.view().expect(FIT, "the optimiser's state", [trained], dtype)?;
        }
        batch.x.view().expect(FIT, "x", network.input().batch(z.rows()), dtype)?;
        losses::check_targets(FIT, self.loss, z, batch.y.view(), dtype)
    }

    /// Why training ends here, between epochs, if it does.
    fn end(&self, state: &State, time_is_up: bool) -> Option<StopReason> {
        let TrainSettings { epochs, patience, best_from, .. } = self.settings;
        let (before, in_phase) = self.settings.freeze.phase(state.epoch, epochs);
        let last_phase = before + in_phase >= epochs;
        let between = state.step == 0 && state.epoch > 0;
        let out_of_patience = self.dev.is_some()
            && patience > 0
            && state.epochs_without_improvement >= patience
            && state.epoch >= best_from
            && last_phase;
        match () {
            () if between && time_is_up => Some(StopReason::TimeLimit),
            () if between && out_of_patience => Some(StopReason::Patience),
            () if state.epoch >= epochs => Some(StopReason::Done),
            () => None,
        }
    }

    /// One step: forward, backward, clip, update. Returns the batch's cost J.
    fn step(
        &self,
        state: &mut State,
        buffers: &mut TrainingBuffers,
        (examples, m): (&[u32], usize),
        (share, limit, asked): (f64, f64, Asked),
    ) -> Result<f64> {
        let TrainingBuffers { batch, parts, phases, slower, steps_before, .. } = buffers;
        let start = Instant::now();
        let (j, gradient) = self.forward_backward(state, batch, parts, (examples, m, asked));
        let update = Instant::now();
        phases.passes += (update - start).as_secs_f64();
        if !j.is_finite() {
            return Err(self.diverged(state, j));
        }
        slower.leave_out_frozen(gradient);
        self.clip(gradient);
        state.t += 1;
        state.learning_rate = self.learning_rate(state, (share, limit));
        let at = Step { t: state.t.saturating_sub(*steps_before), learning_rate: state.learning_rate };
        slower.around(&mut state.theta, |theta| self.update(theta, &mut state.optimizer, at, gradient));
        parts.update_statistics(self.network, state.theta.view_mut());
        if let Some(average) = &mut state.average {
            average.observe(state.theta.view());
        }
        phases.update += update.elapsed().as_secs_f64();
        Ok(j)
    }

    /// J of a batch and dJ/dθ, both with the L2 term; each part of the batch runs both passes on a thread of its own.
    fn forward_backward<'p>(
        &self,
        state: &State,
        batch: &Batch,
        parts: &'p mut DataParallel,
        (examples, m, asked): (&[u32], usize, Asked),
    ) -> (f64, &'p mut Tensor) {
        let settings = &self.settings;
        let theta = state.theta.view();
        let noise = RngContext { seed: settings.seed, epoch: state.epoch as u32 + 1, layer: 0, examples };
        let (folds, products) = (settings.folds.as_ref(), settings.products);
        let frozen = settings.freeze.frozen(state.epoch + 1);
        let pass =
            Pass { network: self.network, loss: self.loss, theta, batch, m, noise, asked, folds, products, frozen };
        let j = parts.compute(&pass) + self.l2_cost(theta);
        let gradient = parts.gradient();
        self.network.add_l2_gradient(theta, self.l2_factor(), gradient.view_mut());
        (j, gradient)
    }

    /// λ/m.
    fn l2_factor(&self) -> f64 {
        self.settings.l2 / self.train.rows() as f64
    }

    /// The L2 term of J: each member's weights decay as if it were alone, and J is the mean of the members'.
    fn l2_cost(&self, theta: View) -> f64 {
        self.network.l2_cost(theta, self.l2_factor()) / self.network.members() as f64
    }

    /// α of the current step, which is this share of an epoch, after this share of the time limit.
    fn learning_rate(&self, state: &State, (share, limit): (f64, f64)) -> f64 {
        let settings = &self.settings;
        let (before, epochs) = settings.freeze.phase(state.epoch + 1, settings.epochs);
        let at = Time { epoch: state.epoch + 1 - before, done: state.step as f64 * share, epochs, limit };
        settings.schedule.rate(settings.learning_rate, at, state.plateau.reductions)
            * schedule::warm_up(settings.warm_up, at, share)
    }

    /// Updates θ by dθ: the optimiser sees only the trained part; decoupled decay shrinks the weights first.
    fn update(&self, theta: &mut Tensor, optimizer: &mut [Tensor], at: Step, gradient: &Tensor) {
        let decay = self.optimizer.weight_decay();
        for entry in self.network.layout().decayed().filter(|_| decay > 0.0) {
            let weight = theta.view_mut().part(entry.start, entry.shape);
            ops::scale(weight, 1.0 - at.learning_rate * decay);
        }
        let trained = [self.network.layout().trained()];
        let theta = theta.view_mut().part(0, trained);
        self.optimizer.step(at, theta, gradient.view().part(0, trained), optimizer);
    }

    fn clip(&self, gradient: &mut Tensor) {
        if self.settings.clip_value > 0.0 {
            ops::clamp(gradient.view_mut(), self.settings.clip_value);
        }
        if self.settings.clip_norm > 0.0 {
            let norm = ops::sum_squares(gradient.view()).sqrt();
            if norm > self.settings.clip_norm {
                ops::scale(gradient.view_mut(), self.settings.clip_norm / norm);
            }
        }
    }

    /// Evaluates the epoch on the dev part and keeps the parameters if they are the best.
    fn end_epoch(
        &self,
        state: &mut State,
        buffers: &mut TrainingBuffers,
        clock: &Clock,
        callback: &mut dyn Callback,
    ) -> Result<()> {
        let cost = state.cost / state.step.max(1) as f64;
        (state.epoch, state.step, state.cost) = (state.epoch + 1, 0, 0.0);
        let theta = state.average.as_ref().map(|average| average.corrected());
        let theta = theta.as_ref().unwrap_or(&state.theta);
        let (mut dev_loss, mut dev) = (None, Metrics::new());
        let evaluation = Instant::now();
        if let Some(examples) = self.dev {
            let (team, folds) = (buffers.team, self.settings.folds.as_ref());
            let workspace = buffers.parts.workspace();
            workspace.precision = MatmulPrecision::F32;
            let (loss, answers) =
                predict_in_shares(team, self.network, self.loss, theta, (examples, folds), workspace)?;
            dev_loss = Some(loss);
            dev = (self.evaluate)(&answers);
        }
        if state.epoch == self.settings.best_from {
            state.best = Best::default();
        }
        let candidate = Best::candidate(&self.settings.monitor, dev_loss, &dev);
        let best = self.dev.is_none() || candidate.beats(&state.best);
        if best {
            (state.best, state.best_epoch, state.epochs_without_improvement) = (candidate, state.epoch, 0);
            ops::copy(theta.view(), state.best_theta.view_mut());
        } else {
            state.epochs_without_improvement += 1;
        }
        if let Schedule::Plateau { patience, .. } = self.settings.schedule {
            state.plateau.observe(dev_loss.unwrap_or(cost), patience);
        }
        buffers.phases.evaluation = evaluation.elapsed().as_secs_f64();
        state.seconds = clock.seconds();
        callback.event(&Event::EpochEnded {
            epoch: state.epoch,
            cost,
            dev_loss,
            dev: dev.into_iter().map(|(name, metric)| (name, metric.value)).collect(),
            learning_rate: state.learning_rate,
            seconds: state.seconds,
            best,
            phases: Some(std::mem::take(&mut buffers.phases)),
        });
        Ok(())
    }

    fn batch_size(&self, epoch: usize) -> usize {
        self.settings.batch_size_of(epoch, self.train.rows())
    }

    /// Scales are sampled in about 60 epochs of a run, including the first.
    fn samples_scales(&self, epoch: usize) -> bool {
        (epoch - 1).is_multiple_of(self.settings.epochs.div_ceil(60).max(1))
    }

    /// The layers' scales, with those of their weights before a step and of its change, from θ after it.
    fn layer_scales(&self, scales: &[ActivationScale], before: &Tensor, after: Option<&Tensor>) -> Vec<LayerScale> {
        let change = after.map(|after| {
            let mut change = after.clone();
            ops::add_scaled(change.view_mut(), -1.0, before.view());
            change
        });
        let layer = |(i, scale): (usize, &ActivationScale)| {
            let weights = self.network.layout().of_layer(i).iter().filter(|entry| entry.decays);
            let rms = |theta: &Tensor| {
                let add = |(squares, count), entry: &Entry| {
                    (
                        squares + ops::sum_squares(theta.view().part(entry.start, entry.shape)),
                        count + entry.shape.size(),
                    )
                };
                let (squares, count) = weights.clone().fold((0.0, 0), add);
                (count > 0).then(|| (squares / count as f64).sqrt())
            };
            let weight = rms(before);
            let change = change.as_ref().and_then(rms).zip(weight.filter(|weight| *weight > 0.0));
            LayerScale {
                name: format!("layers.{i}"),
                activation: scale.activation(),
                gradient: scale.gradient(),
                zeros: scale.zeros(),
                weight,
                update: change.map(|(change, weight)| change / weight),
                dead: scale.dead(),
                saturated: scale.saturated(),
            }
        };
        scales.iter().enumerate().filter(|(_, scale)| scale.is_sampled()).map(layer).collect()
    }

    fn diverged(&self, state: &State, j: f64) -> Error {
        let place = format!("epoch {}, step {}", state.epoch + 1, state.step + 1);
        Error::new(ErrorKind::Diverged, format!("the cost became {j}: training diverged"))
            .at(place)
            .fix(advice!("lower [learning_rate] (now {}), or set [clip_norm=1]", self.settings.learning_rate))
    }
}

/// The memory of training, allocated once.
struct TrainingBuffers<'a> {
    team: Team<'a>,
    /// This process's share of a batch.
    batch: Batch,
    parts: DataParallel<'a>,
    /// What the seconds of the epoch went to so far.
    phases: Phases,
    slower: Slower,
    /// The steps that were done when the optimiser began.
    steps_before: u64,
}

impl<'a> TrainingBuffers<'a> {
    fn new(trainer: &Trainer, team: Team<'a>) -> TrainingBuffers<'a> {
        let (train, network) = (trainer.train, trainer.network);
        let sizes = [trainer.batch_size(1), trainer.batch_size(trainer.settings.epochs)];
        let batch = train.new_batch(team.share().most_rows(sizes[0].max(sizes[1])));
        let parts = DataParallel::new(network, &sizes, batch.x.dtype(), team);
        TrainingBuffers { team, batch, parts, phases: Phases::default(), slower: Slower::default(), steps_before: 0 }
    }

    fn begin_epoch(&mut self, trainer: &Trainer, epoch: usize, batch_size: usize) {
        self.parts.plan(trainer.network, batch_size);
        self.slower.shares = trainer.settings.freeze.shares(trainer.network, epoch);
        self.steps_before = trainer.settings.steps_before(epoch, trainer.train.rows());
    }
}

/// The mean loss and the answers (m × C, row by row) on examples, in evaluation mode.
///
/// # Errors
/// If examples cannot be read, or do not fit the network and the loss.
pub fn predict(
    network: &Network,
    loss: &dyn Loss,
    theta: &Tensor,
    examples: &dyn TrainingSet,
    workspace: &mut Workspace,
) -> Result<(f64, Vec<f64>)> {
    predict_held_out(network, loss, theta, (examples, None), workspace)
}

/// The same on dev rows that are trained on, too: each is answered by the member that has not seen it.
pub(crate) fn predict_held_out(
    network: &Network,
    loss: &dyn Loss,
    theta: &Tensor,
    (examples, folds): (&dyn TrainingSet, Option<&Folds>),
    workspace: &mut Workspace,
) -> Result<(f64, Vec<f64>)> {
    predict_in_shares(Team::ALONE, network, loss, theta, (examples, folds), workspace)
}

/// The same by several processes, each of which predicts a share of the examples, and has all in the end.
fn predict_in_shares(
    team: Team,
    network: &Network,
    loss: &dyn Loss,
    theta: &Tensor,
    (examples, folds): (&dyn TrainingSet, Option<&Folds>),
    workspace: &mut Workspace,
) -> Result<(f64, Vec<f64>)> {
    let mut cost = Cost::new(workspace.capacity(), theta.dtype());
    let (rows, at_once, width) = (examples.rows(), workspace.capacity(), network.output().size());
    let own = |share: Share| share.chunks(rows, at_once);
    let mut answers = Vec::with_capacity(own(team.share()).len() * width);
    // The weighted cost and the weight of each portion.
    let mut totals = Vec::new();
    let all: Vec<u32> = (0..rows as u32).collect();
    let mut batch = examples.new_batch(workspace.capacity().min(all.len()));
    let logits = network.output().batch(batch.y.shape().rows());
    losses::check_targets("predict", loss, logits, batch.y.view(), theta.dtype())?;
    for numbers in all[own(team.share())].chunks(at_once) {
        examples.fetch(numbers, &mut batch)?;
        let m = numbers.len();
        let (x, y) = (batch.x.rows(m), batch.y.rows(m));
        let weights = batch.weights.as_ref().map(|weights| weights.rows(m));
        let weight = weights.map_or(m as f64, ops::sum);
        network.forward(theta.view(), x, workspace, Mode::Predict)?;
        if let Some(folds) = folds {
            folds.hold_out(numbers, workspace);
        }
        totals.extend([weight * cost.compute(loss, workspace.output(m), y, weights, None), weight]);
        loss.answer(workspace.output_mut(m));
        answers.extend(workspace.output(m).to_f64());
    }
    let totals = team.gather(totals, |share| 2 * own(share).len().div_ceil(at_once));
    let answers = team.gather(answers, |share| own(share).len() * width);
    let sum = |which: usize| totals.iter().skip(which).step_by(2).sum::<f64>();
    Ok((sum(0) / f64::max(sum(1), f64::MIN_POSITIVE), answers))
}

/// Seconds of training, including those before it was resumed.
struct Clock {
    start: Instant,
    before: f64,
    limit: Option<Duration>,
}

impl Clock {
    fn start(before: f64, limit: Option<Duration>) -> Clock {
        Clock { start: Instant::now(), before, limit }
    }

    fn seconds(&self) -> f64 {
        self.before + self.start.elapsed().as_secs_f64()
    }

    /// The share of the limit that has passed; 0 without one.
    fn share(&self) -> f64 {
        self.limit.map_or(0.0, |limit| self.seconds() / limit.as_secs_f64().max(f64::MIN_POSITIVE))
    }
}
