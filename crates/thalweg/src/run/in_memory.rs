//! Training on data in memory, without a run folder.

use std::borrow::Cow;

use super::announce::{DivergenceMonitor, announce, finished, reason};
use super::conclusion::{Conclusion, conclude};
use super::{Callback, check_settings, evaluation, explanation, fit, fresh_state, judge_forecasts};
use crate::config::Config;
use crate::data::dataset::Dataset;
use crate::error::Result;
use crate::event::Event;
use crate::model::Model;
use crate::recipe::{self, Plan};
use crate::train::StopReason;

/// The result of training in memory.
#[derive(Debug)]
pub struct Trained {
    /// The network with its best parameters and its preprocessing.
    pub model: Model,
    /// All events except progress within epochs; [`crate::report::html`] renders them as a page.
    pub events: Vec<Event>,
    /// Why training ended.
    pub end: StopReason,
}

/// Trains on data in memory as a configuration says, ignoring its `data.path` and the files of `output`. Training starts
/// from the parameters of `start`, if given.
///
/// # Errors
/// If the data or the configuration is invalid, or training diverges.
///
/// # Examples
///
/// ```
/// use thalweg::data::{arrays::Arrays, dataset::Dataset};
/// use thalweg::{run, config::Config, event::Event};
///
/// // Which of two numbers is larger?
/// let x: Vec<f32> = (0..400).map(|i| (i * 37 % 101) as f32).collect();
/// let larger = x.chunks(2).map(|pair| if pair[0] > pair[1] { "first" } else { "second" }.to_string());
/// let data = Arrays::new("pairs", &[2], x.clone())?.with_answers("larger", larger)?;
///
/// let mut config = Config::default();
/// config.set("layers", "8")?;
/// config.set("learning_rate", "0.05")?;
/// let data = Dataset::from_arrays(&data, None, None, &config)?;
/// let trained = run::train_on(&config, &data, None, &mut |_: &Event| ())?;
///
/// assert_eq!(trained.model.target.classes, ["first", "second"]);
/// assert!(trained.model.provenance.metrics.test["accuracy"].value > 0.9);
/// # Ok::<(), thalweg::Error>(())
/// ```
pub fn train_on(
    config: &Config,
    data: &Dataset,
    start: Option<&Model>,
    callback: &mut dyn Callback,
) -> Result<Trained> {
    check_settings(config)?;
    thalweg_kernels::pool::set_threads(config.train.threads);
    let data = &*match start {
        Some(_) => Cow::Borrowed(data),
        None => recipe::for_training(config, Cow::Borrowed(data))?,
    };
    let mut plan = planned(config, data, start)?;
    let mut state = fresh_state(config, &plan);
    let mut collector =
        EventCollector { callback, events: Vec::new(), divergence: DivergenceMonitor::new(config, data) };
    announce(config, data, &plan, data.name.clone(), String::new(), &mut collector)?;
    let end = fit(config, data, &plan, &mut state, &mut collector)?;
    if state.best_epoch == 0 {
        // Stopped in the first epoch: the current parameters are all there is.
        state.best_theta = state.theta.clone();
    }
    let Conclusion { target, results, answers, .. } = conclude(config, data, &mut plan, &mut state, &mut collector)?;
    let reason = reason(end, &plan);
    let model = evaluation::model(config, data, plan.network, target, &state, &results)?;
    judge_forecasts(data, &model, &mut collector)?;
    explanation::explain(config, data, &model, (&state, end), &mut collector);
    let answers = explanation::tell_words(config, &model, answers);
    collector.event(&finished(reason, &state, &results, answers));
    Ok(Trained { model, events: collector.events, end })
}

/// A plan that starts from a model's parameters, if there is one.
pub(super) fn planned(config: &Config, data: &Dataset, start: Option<&Model>) -> Result<Plan> {
    match start {
        Some(model) => recipe::plan_from(config, data, model),
        None => recipe::plan(config, data),
    }
}

/// Collects events, and forwards them.
struct EventCollector<'a> {
    callback: &'a mut dyn Callback,
    events: Vec<Event>,
    divergence: DivergenceMonitor,
}

impl Callback for EventCollector<'_> {
    fn event(&mut self, event: &Event) {
        self.callback.event(event);
        let warning = self.divergence.see(event);
        if !matches!(event, Event::Progress { .. }) {
            self.events.push(event.clone());
        }
        if let Some(warning) = warning {
            self.event(&warning);
        }
    }

    fn stop(&self) -> bool {
        self.callback.stop()
    }
}
