//! Training behind frozen layers: what they make of the examples is computed once, and only the layers behind them run.

use std::time::Instant;

use super::Callback;
use crate::error::Result;
use crate::event::Event;
use crate::layers::Mode;
use crate::metrics::Metrics;
use crate::network::Network;
use crate::ranks::Ranks;
use crate::recipe::Plan;
use crate::tensor::{Tensor, ops};
use crate::train::{Freeze, State, StopReason, TensorDataset, TrainSettings, Trainer, TrainingSet};

/// Whether a state is in epochs in which the same frozen layers see the same examples. Later epochs may change them.
pub(super) fn sees_the_same(plan: &Plan, state: &State) -> bool {
    let Freeze { layers, epochs, .. } = plan.settings.freeze;
    layers > 0 && epochs.map_or(plan.augmentation.is_none(), |epochs| state.epoch < epochs)
}

/// Trains the layers behind the frozen ones until the others are trained, too, or to the end.
///
/// # Errors
/// As for [`Trainer::fit`], and if a layer is a custom one.
pub(super) fn fit(
    ranks: Option<&dyn Ranks>,
    plan: &Plan,
    (train, dev): (&TensorDataset, Option<&TensorDataset>),
    evaluate: &dyn Fn(&[f64]) -> Metrics,
    state: &mut State,
    callback: &mut dyn Callback,
) -> Result<StopReason> {
    let Freeze { layers, epochs, layer_decay, .. } = plan.settings.freeze;
    let (count, network) = (plan.network.layers().len(), &plan.network);
    let (body, body_theta) = network.part(0..layers, &state.theta)?;
    let (head, _) = network.part(layers..count, &state.theta)?;
    let start = Instant::now();
    let features = |examples: &TensorDataset| features(&body, &body_theta, examples, &*callback);
    let Some(train) = features(train)? else { return Ok(StopReason::Interrupted) };
    let dev = match dev.map(features).transpose()? {
        Some(None) => return Ok(StopReason::Interrupted),
        dev => dev.flatten(),
    };
    state.seconds += start.elapsed().as_secs_f64();
    let trainer = Trainer {
        network: &head,
        loss: &*plan.loss,
        optimizer: &*plan.optimizer,
        settings: TrainSettings {
            epochs: epochs.unwrap_or(plan.settings.epochs),
            // The other layers are still to be trained.
            patience: if epochs.is_some() { 0 } else { plan.settings.patience },
            freeze: Freeze { layer_decay, ..Freeze::default() },
            ..plan.settings.clone()
        },
        train: &train,
        dev: dev.as_ref().map(|dev| dev as &dyn TrainingSet),
        evaluate,
    };
    let mut own = part(state, network, &head, layers);
    let mut whole = Whole { callback, state, network, head: &head, layers };
    let end = trainer.fit_among(ranks, &mut own, &mut whole)?;
    whole.put(&own);
    Ok(end)
}

/// What the first layers make of examples; none if a stop is asked for.
fn features(
    body: &Network,
    theta: &Tensor,
    examples: &TensorDataset,
    callback: &dyn Callback,
) -> Result<Option<TensorDataset>> {
    let (rows, width) = (examples.rows(), body.output().size());
    let at_once = body.rows_at_once(rows);
    let mut workspace = body.workspace(at_once, theta.dtype());
    let mut x = Tensor::zeros(body.output().batch(rows), theta.dtype());
    for first in (0..rows).step_by(at_once) {
        if callback.stop() {
            return Ok(None);
        }
        let m = at_once.min(rows - first);
        let y = body.forward(theta.view(), examples.x.view().rows(first, m), &mut workspace, Mode::Predict)?;
        ops::copy(y, x.view_mut().part(first * width, body.output().batch(m)));
    }
    Ok(Some(TensorDataset { x, y: examples.y.clone(), weights: examples.weights.clone(), lengths: None }))
}

/// The part of a state that is about the layers from one on.
fn part(state: &State, network: &Network, head: &Network, layers: usize) -> State {
    let of = |whole: &Tensor, len: usize| {
        let mut own = Tensor::zeros([len], whole.dtype());
        let source = (network.layout(), layers..network.layers().len());
        head.layout().copy_layers(0, source, whole.view(), own.view_mut());
        own
    };
    let (len, trained) = (head.layout().len(), head.layout().trained());
    State {
        theta: of(&state.theta, len),
        best_theta: of(&state.best_theta, len),
        optimizer: state.optimizer.iter().map(|vector| of(vector, trained)).collect(),
        average: state.average.as_ref().map(|average| average.of(of(average.uncorrected(), len))),
        ..state.clone()
    }
}

/// Passes on what is told of the layers behind the frozen ones as what it is of the whole network.
struct Whole<'a> {
    callback: &'a mut dyn Callback,
    state: &'a mut State,
    network: &'a Network,
    head: &'a Network,
    /// How many layers are frozen.
    layers: usize,
}

impl Whole<'_> {
    /// Puts the state of the layers behind the frozen ones into that of the network. Of the average only these count: it
    /// begins anew when the others are trained.
    fn put(&mut self, own: &State) {
        let (layout, layers, count) = (self.network.layout(), self.layers, self.head.layers().len());
        let put = |own: &Tensor, whole: &mut Tensor| {
            layout.copy_layers(layers, (self.head.layout(), 0..count), own.view(), whole.view_mut());
        };
        let mut state = own.clone();
        std::mem::swap(&mut state.theta, &mut self.state.theta);
        std::mem::swap(&mut state.best_theta, &mut self.state.best_theta);
        std::mem::swap(&mut state.optimizer, &mut self.state.optimizer);
        put(&own.theta, &mut state.theta);
        put(&own.best_theta, &mut state.best_theta);
        own.optimizer.iter().zip(&mut state.optimizer).for_each(|(own, whole)| put(own, whole));
        state.average = own.average.as_ref().zip(self.state.average.take()).map(|(own, whole)| {
            let mut v = whole.into_uncorrected();
            put(own.uncorrected(), &mut v);
            own.of(v)
        });
        *self.state = state;
    }
}

impl Callback for Whole<'_> {
    fn event(&mut self, event: &Event) {
        let Event::Scales { step, cost, layers } = event else { return self.callback.event(event) };
        let mut layers = layers.clone();
        for layer in &mut layers {
            let number = layer.name.strip_prefix("layers.").and_then(|number| number.parse::<usize>().ok());
            layer.name = number.map_or_else(|| layer.name.clone(), |number| format!("layers.{}", number + self.layers));
        }
        self.callback.event(&Event::Scales { step: *step, cost: *cost, layers });
    }

    fn stop(&self) -> bool {
        self.callback.stop()
    }

    fn step(&mut self, learning_rate: f64, cost: f64) {
        self.callback.step(learning_rate, cost);
    }

    fn checkpoint(&mut self, state: &State) -> Result<()> {
        self.put(state);
        self.callback.checkpoint(self.state)
    }
}
