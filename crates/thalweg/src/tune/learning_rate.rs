//! The learning-rate range test (Smith 2017): the rate rises step by step from far too low to far too high, and the
//! cost shows where learning is fastest.
//!
//! Nothing is kept: parameters are initialised anew for each seed, and no run folder is touched.

use serde::Serialize;

use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Event;
use crate::run;
use crate::schedule::Schedule;
use crate::train::Callback;

/// β of the exponential average that smooths the cost.
const BETA: f64 = 0.95;
/// The test ends once the cost exceeds the lowest by this factor.
const TOO_HIGH: f64 = 4.0;

/// The range of rates and its resolution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RangeTest {
    /// The first rate.
    pub low: f64,
    /// The last rate.
    pub high: f64,
    /// Steps from the lowest to the highest rate.
    pub steps: usize,
    /// Number of trainings, each with its own seed.
    pub seeds: usize,
}

impl Default for RangeTest {
    /// From 10⁻⁶ to 10 in 200 steps, with five seeds.
    fn default() -> Self {
        RangeTest { low: 1e-6, high: 10.0, steps: 200, seeds: 5 }
    }
}

/// The curve of one seed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Curve {
    /// The seed.
    pub seed: u64,
    /// (rate, smoothed cost), step by step.
    pub points: Vec<(f64, f64)>,
    /// The rate at which the cost falls fastest.
    pub suggestion: f64,
}

/// The result of the test.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rates {
    /// The rate to train with: the median over the seeds.
    pub suggestion: f64,
    /// The lowest and the highest suggestion of any seed.
    pub band: (f64, f64),
    /// The curve of each seed.
    pub curves: Vec<Curve>,
}

/// Suggests a learning rate for a configuration.
///
/// # Errors
/// If the data or the configuration is invalid, the range is empty, or the cost never falls.
pub fn find(config: &Config, test: RangeTest) -> Result<Rates> {
    if !(test.low > 0.0 && test.low < test.high && test.high.is_finite() && test.steps >= 20 && test.seeds > 0) {
        let message = format!("{} steps from {} to {} with {} seeds", test.steps, test.low, test.high, test.seeds);
        let error = Error::config(message).at("--lowest, --highest, --steps, --seeds");
        return Err(error.fix("use a range that rises from above 0, at least 20 steps and one seed"));
    }
    thalweg_kernels::pool::set_threads(config.train.threads);
    let mut config = config.clone();
    config.split.split_seed.get_or_insert(config.train.seed);
    config.network.ensemble.get_or_insert(1);
    let (data, mut plan) = run::prepare(&config)?;
    let an_epoch = data.train_rows().div_ceil(plan.settings.batch_size.clamp(1, data.train_rows().max(1))).max(1);
    let settings = &mut plan.settings;
    settings.epochs = test.steps.div_ceil(an_epoch);
    settings.full_batch_epochs = 0;
    settings.learning_rate = test.low;
    // The rate reaches its maximum at the last step, which may fall within an epoch.
    let share = (settings.epochs * an_epoch) as f64 / test.steps as f64;
    settings.schedule = Schedule::Rise { factor: (test.high / test.low).powf(share) };
    (settings.warm_up, settings.patience, settings.average) = (0.0, 0, 0.0);
    let curves = (0..test.seeds as u64)
        .map(|n| {
            plan.settings.seed = crate::random::other_seed(config.train.seed, n);
            let mut costs = Costs { points: Vec::new(), steps: test.steps, v: 0.0, lowest: f64::MAX };
            let mut state = plan.state(plan.settings.seed, 0.0, plan.dtype);
            match run::fit(&config, &data, &plan, &mut state, &mut costs) {
                Ok(_) => {}
                // Too high a rate is expected to diverge.
                Err(error) if error.kind == ErrorKind::Diverged && costs.points.len() > 1 => {}
                Err(error) => return Err(error),
            }
            let suggestion = costs.steepest().ok_or_else(|| {
                Error::new(ErrorKind::Check, "the cost never falls, whatever the learning rate")
                    .fix("look at the data with thalweg inspect, and at the network with thalweg check")
            })?;
            Ok(Curve { seed: plan.settings.seed, points: costs.points, suggestion })
        })
        .collect::<Result<Vec<Curve>>>()?;
    let mut suggestions: Vec<f64> = curves.iter().map(|curve| curve.suggestion).collect();
    suggestions.sort_by(f64::total_cmp);
    let suggestion = format!("{:.1e}", suggestions[suggestions.len() / 2]).parse().expect("it was written as a number");
    Ok(Rates { suggestion, band: (suggestions[0], suggestions[suggestions.len() - 1]), curves })
}

/// The smoothed cost of each step.
struct Costs {
    points: Vec<(f64, f64)>,
    steps: usize,
    /// The average before bias correction.
    v: f64,
    lowest: f64,
}

impl Callback for Costs {
    fn event(&mut self, _: &Event) {}

    fn step(&mut self, learning_rate: f64, cost: f64) {
        self.v = BETA * self.v + (1.0 - BETA) * cost;
        let smooth = self.v / (1.0 - BETA.powi(self.points.len() as i32 + 1));
        self.points.push((learning_rate, smooth));
        self.lowest = self.lowest.min(smooth);
    }

    fn stop(&self) -> bool {
        let blown_up = self.points.last().is_some_and(|(_, smooth)| *smooth > TOO_HIGH * self.lowest);
        self.points.len() >= self.steps || (self.points.len() > self.steps / 10 && blown_up)
    }
}

impl Costs {
    /// The rate at which the smoothed cost falls fastest over a tenth of the steps, before its minimum.
    fn steepest(&self) -> Option<f64> {
        let window = (self.steps / 10).max(4);
        let lowest = (0..self.points.len()).min_by(|a, b| self.points[*a].1.total_cmp(&self.points[*b].1))?;
        let fall = |i: usize| self.points[i].1 - self.points[i + window].1;
        let starts = 0..(lowest + 1).saturating_sub(window);
        let start = starts.filter(|i| fall(*i) > 0.0).max_by(|a, b| fall(*a).total_cmp(&fall(*b)))?;
        Some(self.points[start + window / 2].0)
    }
}
