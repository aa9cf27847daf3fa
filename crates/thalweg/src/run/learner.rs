//! Incremental learning: rows arrive in portions.

use super::fitted_target::fitted_target;
use super::in_memory::planned;
use super::{Callback, check_settings, evaluation, fit, fresh_state};
use crate::config::Config;
use crate::data::dataset::{Dataset, Fitted};
use crate::error::Result;
use crate::event::Splits;
use crate::model::Model;
use crate::recipe::Plan;
use crate::train::State;

/// A network trained incrementally, one epoch per portion of rows.
///
/// Preprocessing, classes and everything that depends on the number of rows are determined by the first portion. The
/// optimiser keeps its state. There is no dev split. The total length is unknown: unless the configuration says
/// otherwise, the learning rate is constant, and parameters are not averaged.
///
/// # Examples
///
/// ```
/// use thalweg::data::{arrays::Arrays, dataset::Dataset};
/// use thalweg::{run::Learner, config::Config, event::Event};
///
/// // y = 2x, fifty rows at a time.
/// let portion = |from: usize| {
///     let x: Vec<f32> = (from..from + 50).map(|i| (i % 10) as f32).collect();
///     Arrays::new("numbers", &[1], x.clone())?.with_answers("y", x.iter().map(|x| (2.0 * x).to_string()))
/// };
/// let mut config = Config::default();
/// config.set("split", "1,0,0")?;
/// config.set("layers", "none")?;
/// config.set("task", "regression")?;
/// config.set("learning_rate", "0.05")?;
/// let first = Dataset::from_arrays(&portion(0)?, None, None, &config)?;
/// let mut learner = Learner::new(config, first, None)?;
/// for i in 0..100 {
///     let more = learner.fitted().arrays(&portion(50 * i)?)?;
///     learner.learn(&more, &mut |_: &Event| ())?;
/// }
/// let model = learner.model()?;
/// let x = model.pipeline.transform_arrays(&Arrays::new("question", &[1], vec![4.0])?, &[0])?;
/// assert!((model.target.answer(0, model.outputs(&x, Default::default())?[0]) - 8.0).abs() < 0.1);
/// # Ok::<(), thalweg::Error>(())
/// ```
#[derive(Debug)]
pub struct Learner {
    config: Config,
    plan: Plan,
    state: State,
    last: Dataset,
}

impl Learner {
    /// An untrained learner, planned for rows like these; it starts from the parameters of `start`, if given.
    ///
    /// # Errors
    /// If the data or the configuration is invalid.
    pub fn new(mut config: Config, data: Dataset, start: Option<&Model>) -> Result<Learner> {
        config.train.schedule.get_or_insert_with(|| "constant".into());
        config.train.average.get_or_insert(0.0);
        check_settings(&config)?;
        thalweg_kernels::pool::set_threads(config.train.threads);
        let plan = planned(&config, &data, start)?;
        let state = fresh_state(&config, &plan);
        let last = Dataset { parts: Splits::default(), ..data };
        Ok(Learner { config, plan, state, last })
    }

    /// The fitted preprocessing, for encoding further rows.
    pub fn fitted(&self) -> Fitted<'_> {
        Fitted { schema: &self.last.schema, pipeline: &self.last.pipeline, target: &self.last.target }
    }

    /// Trains for one epoch on the training split of some rows.
    ///
    /// # Errors
    /// If training diverges.
    pub fn learn(&mut self, data: &Dataset, callback: &mut dyn Callback) -> Result<()> {
        thalweg_kernels::pool::set_threads(self.config.train.threads);
        // The next rows start at their first batch, even if the previous epoch was interrupted.
        (self.state.step, self.state.cost) = (0, 0.0);
        self.plan.settings.epochs = self.state.epoch + 1;
        fit(&self.config, data, &self.plan, &mut self.state, callback)?;
        self.last.target.widen_to(data.target.limits.iter().copied());
        self.last.name.clone_from(&data.name);
        Ok(())
    }

    /// Epochs done.
    pub fn epochs(&self) -> usize {
        self.state.epoch
    }

    /// The current model.
    ///
    /// # Errors
    /// If a layer is a custom one.
    pub fn model(&self) -> Result<Model> {
        let network = &self.plan.network;
        let network = network.copied(0..network.layers().len())?;
        let (target, _) = fitted_target(&self.config, &self.last, &[])?;
        evaluation::model(&self.config, &self.last, network, target, &self.state, &Splits::default())
    }
}
