//! Learning-rate schedules.
//!
//! The course counts epochs from 1, and so do these formulas. All but `plateau` depend on the time alone.
//! A new one is a variant of [`Schedule`] with its formula, and one line in [`ALL`].

use std::collections::BTreeMap;

use crate::error::{Error, Result, did_you_mean};

/// The point in a run for which a rate is computed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Time {
    /// The current epoch, from 1.
    pub epoch: usize,
    /// The share of the epoch that is done, from 0 to below 1.
    pub done: f64,
    /// The total number of epochs.
    pub epochs: usize,
    /// The share of the time limit that has passed; 0 without a limit.
    pub limit: f64,
}

impl Time {
    /// The share of the whole run that is done, from 0 to 1: a run that its time limit ends has fallen as far as one that
    /// its epochs end.
    fn progress(&self) -> f64 {
        (self.passed() / self.epochs.max(1) as f64).max(self.limit).min(1.0)
    }

    /// Epochs that have passed, including fractions.
    fn passed(&self) -> f64 {
        (self.epoch - 1) as f64 + self.done
    }
}

/// How the learning rate α follows from α₀ and the time.
///
/// ```
/// use thalweg::schedule::{Schedule, Time};
///
/// let third = Time { epoch: 3, done: 0.0, epochs: 4, limit: 0.0 }; // Two of four epochs have passed: progress is ½.
/// let rate = |schedule: Schedule| schedule.rate(0.2, third, 0);
/// assert_eq!(rate(Schedule::Constant), 0.2);
/// assert_eq!(rate(Schedule::Inverse(1.0)), 0.2 / (1.0 + 3.0));
/// assert_eq!(rate(Schedule::Exponential(0.5)), 0.2 * 0.125);
/// assert_eq!(rate(Schedule::Staircase { factor: 0.1, every: 2 }), 0.2 * 0.1);
/// assert_eq!(rate(Schedule::Manual([(2, 0.05)].into())), 0.05);
/// assert!((rate(Schedule::SquareRoot(1.0)) - 0.2 / 3f64.sqrt()).abs() < 1e-15);
/// assert!((rate(Schedule::Cosine) - 0.1).abs() < 1e-15);
/// let waves = std::f64::consts::TAU * (1.0 + 15.0 * 0.5_f64).log2();
/// assert!((rate(Schedule::Coslog) - 0.2 * 0.5 * (1.0 - waves.cos())).abs() < 1e-15);
/// assert!((rate(Schedule::Rise { factor: 100.0 }) - 0.2 * 10.0).abs() < 1e-15);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum Schedule {
    /// α₀.
    Constant,
    /// α₀ / (1 + decay_rate · epoch).
    Inverse(f64),
    /// base^epoch · α₀; the course's base is 0.95.
    Exponential(f64),
    /// k/√epoch · α₀.
    SquareRoot(f64),
    /// α₀ · factor^⌊(epoch − 1)/every⌋.
    Staircase {
        /// The factor of each step.
        factor: f64,
        /// Epochs between steps.
        every: usize,
    },
    /// By hand: the rate of the last listed epoch that is not after this one; α₀ before the first.
    Manual(BTreeMap<usize, f64>),
    /// α₀ · ½(1 + cos(π · progress)), step by step (Loshchilov and Hutter 2017).
    Cosine,
    /// α₀ · ½(1 − cos(2π · log₂(1 + 15 · progress))), step by step: four waves from 0 to α₀ and back, each twice as long as
    /// the one before (Holzmüller, Grinsztajn and Steinwart 2024: RealMLP).
    Coslog,
    /// From α₀/25 up to α₀ over the first 30 % of the run, then down to α₀/250,000, both along half cosines
    /// (Smith and Topin 2018, with PyTorch's settings).
    OneCycle,
    /// α₀ · factor^progress, step by step: the learning-rate range test (Smith 2017).
    Rise {
        /// The ratio of the last rate to the first.
        factor: f64,
    },
    /// α₀ · factor^k, where k is the number of times the monitored value has stalled for `patience` epochs.
    Plateau {
        /// The factor of each reduction.
        factor: f64,
        /// Epochs without progress before a reduction.
        patience: usize,
    },
}

/// The settings of a schedule in a configuration; the schedule itself chooses those left open.
#[derive(Debug, Clone, Default)]
pub struct ScheduleOptions {
    /// Its decay: a rate, base, k or factor.
    pub decay: Option<f64>,
    /// Epochs between steps, or without progress before one.
    pub every: usize,
    /// The manual rates, by the epoch in which they start.
    pub rates: BTreeMap<usize, f64>,
}

/// A schedule by name, and how it is built.
#[derive(Debug)]
pub struct Registered {
    /// Its name in configurations.
    pub name: &'static str,
    /// Builds it.
    pub build: fn(ScheduleOptions) -> Result<Schedule>,
}

/// Every schedule of configurations.
pub const ALL: &[Registered] = &[
    Registered { name: "constant", build: |_| Ok(Schedule::Constant) },
    Registered { name: "inverse", build: |given| Ok(Schedule::Inverse(given.decay.unwrap_or(1.0))) },
    Registered { name: "exponential", build: |given| Ok(Schedule::Exponential(given.decay.unwrap_or(0.95))) },
    Registered { name: "square_root", build: |given| Ok(Schedule::SquareRoot(given.decay.unwrap_or(1.0))) },
    Registered {
        name: "staircase",
        build: |given| Ok(Schedule::Staircase { factor: given.decay.unwrap_or(0.5), every: given.every }),
    },
    Registered { name: "manual", build: manual },
    Registered { name: "cosine", build: |_| Ok(Schedule::Cosine) },
    Registered { name: "coslog", build: |_| Ok(Schedule::Coslog) },
    Registered { name: "one_cycle", build: |_| Ok(Schedule::OneCycle) },
    Registered {
        name: "plateau",
        build: |given| Ok(Schedule::Plateau { factor: given.decay.unwrap_or(0.5), patience: given.every }),
    },
];

fn manual(given: ScheduleOptions) -> Result<Schedule> {
    if given.rates.is_empty() {
        let error = Error::config("the manual schedule has no rates").at("train.rates");
        return Err(error.fix("[rates=1=0.1,50=0.01]"));
    }
    Ok(Schedule::Manual(given.rates))
}

/// The names in configurations.
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|registered| registered.name)
}

/// The schedule with this name in configurations.
///
/// # Errors
/// If there is none with that name.
pub fn named(name: &str) -> Result<&'static Registered> {
    ALL.iter().find(|registered| registered.name == name).ok_or_else(|| {
        Error::config(format!("unknown schedule {name:?}{}", did_you_mean(name, names())))
            .fix(format!("use one of {}", names().collect::<Vec<_>>().join(", ")))
    })
}

const WARM_SHARE: f64 = 0.3;
const FIRST: f64 = 1.0 / 25.0;
const LAST: f64 = FIRST / 1e4;

impl Schedule {
    /// α at a time; `reductions` is the number of reductions by `plateau` so far.
    pub fn rate(&self, alpha0: f64, at: Time, reductions: u32) -> f64 {
        let epoch = at.epoch as f64;
        match self {
            Schedule::Constant => alpha0,
            Schedule::Inverse(decay_rate) => alpha0 / (1.0 + decay_rate * epoch),
            Schedule::Exponential(base) => base.powf(epoch) * alpha0,
            Schedule::SquareRoot(k) => k / epoch.sqrt() * alpha0,
            Schedule::Staircase { factor, every } => alpha0 * factor.powf(((at.epoch - 1) / every) as f64),
            Schedule::Manual(rates) => rates.range(..=at.epoch).next_back().map_or(alpha0, |(_, &rate)| rate),
            Schedule::Cosine => alpha0 * half_cosine(1.0, 0.0, at.progress()),
            Schedule::Coslog => alpha0 * half_cosine(0.0, 1.0, 2.0 * (1.0 + 15.0 * at.progress()).log2()),
            Schedule::OneCycle if at.progress() < WARM_SHARE => {
                alpha0 * half_cosine(FIRST, 1.0, at.progress() / WARM_SHARE)
            }
            Schedule::OneCycle => alpha0 * half_cosine(1.0, LAST, (at.progress() - WARM_SHARE) / (1.0 - WARM_SHARE)),
            Schedule::Rise { factor } => alpha0 * factor.powf(at.progress()),
            Schedule::Plateau { factor, .. } => alpha0 * factor.powf(f64::from(reductions)),
        }
    }
}

/// The factor of a warm-up over `epochs` epochs: rises linearly from 0 to 1, which it reaches at the last step.
pub fn warm_up(epochs: f64, at: Time, step_share: f64) -> f64 {
    if epochs > 0.0 { ((at.passed() + step_share) / epochs).min(1.0) } else { 1.0 }
}

/// From `a` to `b` along half a cosine.
fn half_cosine(a: f64, b: f64, share: f64) -> f64 {
    b + (a - b) * 0.5 * (1.0 + (std::f64::consts::PI * share).cos())
}

/// Counts epochs without progress for [`Schedule::Plateau`].
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Plateau {
    best: f64,
    #[serde(rename = "waited")]
    epochs_without_improvement: usize,
    /// Reductions so far.
    pub reductions: u32,
}

impl Default for Plateau {
    fn default() -> Self {
        Plateau { best: f64::MAX, epochs_without_improvement: 0, reductions: 0 }
    }
}

impl Plateau {
    /// Records an epoch's value (lower is better); progress is a fall of more than 1e-4 of the best one, as in PyTorch.
    pub fn observe(&mut self, value: f64, patience: usize) {
        if value < self.best - 1e-4 * self.best.abs() {
            (self.best, self.epochs_without_improvement) = (value, 0);
        } else {
            self.epochs_without_improvement += 1;
            if self.epochs_without_improvement > patience {
                (self.epochs_without_improvement, self.reductions) = (0, self.reductions + 1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(epoch: usize) -> Time {
        Time { epoch, done: 0.0, epochs: 10, limit: 0.0 }
    }

    #[test]
    fn rates_have_fallen_when_the_time_is_up() {
        let rate = |schedule: Schedule, limit| schedule.rate(0.2, Time { limit, ..at(1) }, 0);
        assert!((rate(Schedule::Cosine, 0.5) - 0.1).abs() < 1e-15 && rate(Schedule::Cosine, 1.0) < 1e-15);
        assert_eq!(rate(Schedule::Cosine, 1.5), rate(Schedule::Cosine, 1.0));
        // A limit that is not reached changes nothing.
        let seventh = |limit| Schedule::Cosine.rate(0.2, Time { limit, ..at(7) }, 0);
        assert_eq!(seventh(0.3), seventh(0.0));
    }

    #[test]
    fn coslog_s_four_waves_begin_at_0_and_are_twice_as_long_each() {
        let rate = |progress| Schedule::Coslog.rate(0.2, Time { limit: progress, ..at(1) }, 0);
        for wave in 0..=4 {
            let begin = 2f64.powi(wave);
            assert!(rate((begin - 1.0) / 15.0).abs() < 1e-14, "wave {wave} begins");
            if wave < 4 {
                let [quarter, half] = [0.25, 0.5].map(|share| (begin * 2f64.powf(share) - 1.0) / 15.0);
                assert!((rate(quarter) - 0.1).abs() < 1e-14 && (rate(half) - 0.2).abs() < 1e-14, "wave {wave}");
            }
        }
    }

    #[test]
    fn the_course_s_example_of_inverse_decay() {
        let rates: Vec<f64> = (1..=4).map(|epoch| Schedule::Inverse(1.0).rate(0.2, at(epoch), 0)).collect();
        assert_eq!(rates, [0.1, 0.2 / 3.0, 0.05, 0.04]);
    }

    #[test]
    fn a_manual_rate_holds_until_the_next() {
        let schedule = Schedule::Manual([(3, 0.1), (5, 0.01)].into());
        let rates: Vec<f64> = (1..=6).map(|epoch| schedule.rate(1.0, at(epoch), 0)).collect();
        assert_eq!(rates, [1.0, 1.0, 0.1, 0.1, 0.01, 0.01]);
    }

    #[test]
    fn warm_up_reaches_one_with_its_last_step() {
        let factors: Vec<f64> = (0..5)
            .map(|step| warm_up(1.0, Time { epoch: 1, done: step as f64 / 4.0, epochs: 9, limit: 0.0 }, 0.25))
            .collect();
        assert_eq!(factors, [0.25, 0.5, 0.75, 1.0, 1.0]);
    }
}
