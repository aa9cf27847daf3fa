//! A network that a learner trains step by step.

use serde::Serialize;
use thalweg::event::Event;
use thalweg::train::{Callback, State};
use thalweg::{Error, Result};

use super::experiment::Experiment;
use super::settings::Settings;

/// Steps in one request.
const MOST_STEPS: usize = 2_000;

/// A training, as far as it has come.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) experiment: Experiment,
    pub(super) state: State,
    /// The losses after each epoch, and before the first.
    pub(super) history: Vec<Judged>,
    /// Why it cannot go on, if training has diverged.
    pub(super) diverged: Option<Error>,
}

/// How good the network is after an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Judged {
    pub(super) epoch: usize,
    /// The loss and the headline metric on train, and on test.
    pub(super) train: (f64, f64),
    pub(super) test: (f64, f64),
}

impl Session {
    /// Before its first step.
    ///
    /// # Errors
    /// If a setting is refused.
    pub(super) fn new(settings: &Settings) -> Result<Session> {
        let experiment = Experiment::new(settings)?;
        let state = experiment.start();
        let history = vec![judged(&experiment, &state)?];
        Ok(Session { experiment, state, history, diverged: None })
    }

    /// Takes some steps, or those that are left.
    ///
    /// # Errors
    /// If more are asked for than one request may take.
    pub(super) fn advance(&mut self, steps: usize) -> Result<()> {
        if steps > MOST_STEPS {
            let error = Error::config(format!("found {steps} steps, expected at most {MOST_STEPS}"));
            return Err(error.fix("ask for them a part at a time"));
        }
        if self.diverged.is_some() {
            return Ok(());
        }
        let mut stepper = Stepper { experiment: &self.experiment, history: &mut self.history, left: steps };
        self.diverged = self.experiment.fit(&mut self.state, &mut stepper).err();
        Ok(())
    }

    /// How good the network is now.
    ///
    /// # Errors
    /// If it cannot be judged, which is a bug.
    pub(super) fn now(&self) -> Result<Judged> {
        judged(&self.experiment, &self.state)
    }
}

fn judged(experiment: &Experiment, state: &State) -> Result<Judged> {
    let [train, test] = [&experiment.train, &experiment.test].map(|part| experiment.judge(&state.theta, part));
    Ok(Judged { epoch: state.epoch, train: train?, test: test? })
}

/// Stops after some steps, and judges after each epoch.
struct Stepper<'a> {
    experiment: &'a Experiment,
    history: &'a mut Vec<Judged>,
    left: usize,
}

impl Callback for Stepper<'_> {
    fn event(&mut self, _: &Event) {}

    fn stop(&self) -> bool {
        self.left == 0
    }

    fn step(&mut self, _learning_rate: f64, _cost: f64) {
        self.left -= 1;
    }

    fn checkpoint(&mut self, state: &State) -> Result<()> {
        // A stop within an epoch is one, too.
        if state.step == 0 && self.history.last().is_some_and(|last| last.epoch < state.epoch) {
            self.history.push(judged(self.experiment, state)?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One step at a time or many at once, the bits are those of a whole training.
    #[test]
    fn steps_add_up_to_the_training_of_the_same_seed() {
        let settings = Settings { epochs: 3, dropout: 0.2, layers: vec![4, 3], ..Settings::default() };
        let mut by_one = Session::new(&settings).unwrap();
        while by_one.state.epoch < 3 {
            by_one.advance(1).unwrap();
        }
        let mut at_once = Session::new(&settings).unwrap();
        at_once.advance(2_000).unwrap();
        assert_eq!(by_one.state.theta, at_once.state.theta);
        assert_eq!((by_one.history.len(), &by_one.history), (4, &at_once.history));
        assert_eq!(at_once.state.t, 3 * 21, "210 rows in batches of 10");
        let other = Session::new(&Settings { seed: 1, ..settings }).unwrap();
        assert_ne!(other.experiment.train, at_once.experiment.train);
        assert!(at_once.advance(MOST_STEPS + 1).is_err());
    }

    #[test]
    fn a_training_that_diverges_says_so_and_stays_where_it_is() {
        let settings =
            Settings { data: "plane".into(), learning_rate: 1e6, activation: "identity".into(), ..Settings::default() };
        let mut session = Session::new(&settings).unwrap();
        session.advance(1_000).unwrap();
        let told = session.diverged.as_ref().unwrap().to_string();
        assert!(told.contains("diverged") && told.contains("learning"), "{told}");
        let t = session.state.t;
        session.advance(10).unwrap();
        assert_eq!(session.state.t, t);
    }
}
