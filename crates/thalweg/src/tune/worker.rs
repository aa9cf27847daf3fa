//! Workers: each claims a trial, runs it, and ends it, until none is left.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::record::{Ending, Trial, TrialKind, TrialState};
use super::sampler::{self, Proposal};
use super::study::{Claim, Next, Study};
use super::trial::TrialRunner;
use super::{SearchEnd, SearchEvent, SharedCallback, choice, lock};
use crate::error::{Error, Result};
use crate::random;

/// Interval of the workers' heartbeats.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// How long an idle worker sleeps, at first and at most.
const NAPS: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(50));

/// A search within one process.
pub(super) struct Search<'a> {
    runner: &'a TrialRunner,
    callback: &'a SharedCallback<'a>,
    /// Maximum number of trials.
    most: usize,
    start: Instant,
    /// A name unique among processes.
    pub(super) name: String,
    /// Trials ended in this process.
    done: AtomicUsize,
    /// Each worker's trial and stop flag.
    slots: Mutex<Vec<WorkerSlot>>,
    ending: Mutex<SearchEnd>,
}

/// A worker's trial, seen from outside.
struct WorkerSlot {
    worker: String,
    trial: Option<usize>,
    stop: std::sync::Arc<AtomicBool>,
}

impl<'a> Search<'a> {
    pub(super) fn new(runner: &'a TrialRunner, callback: &'a SharedCallback<'a>, most: usize) -> Search<'a> {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Search {
            runner,
            callback,
            most,
            start: Instant::now(),
            name: format!("{}-{}", std::process::id(), since.as_nanos()),
            done: AtomicUsize::new(0),
            slots: Mutex::new(Vec::new()),
            ending: Mutex::new(SearchEnd::Done),
        }
    }

    /// Works until no trial is left; returns why the search ended.
    pub(super) fn run(&self, study: &Study, workers: usize) -> Result<SearchEnd> {
        let results = Mutex::new(Vec::new());
        let working = AtomicUsize::new(workers);
        let watcher = std::thread::current();
        std::thread::scope(|scope| {
            for i in 0..workers {
                let (results, working, watcher) = (&results, &working, &watcher);
                let own = study.again();
                scope.spawn(move || {
                    let result = own.and_then(|own| self.work(own, format!("{}-{i}", self.name)));
                    working.fetch_sub(1, Ordering::SeqCst);
                    watcher.unpark();
                    lock(results).push(result);
                });
            }
            self.watch(study, &working)
        })?;
        results
            .into_inner()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .into_iter()
            .collect::<Result<Vec<()>>>()?;
        if self.callback.stop() {
            return Ok(SearchEnd::Interrupted);
        }
        Ok(*lock(&self.ending))
    }

    /// Refreshes heartbeats, and forwards stop requests.
    fn watch(&self, study: &Study, working: &AtomicUsize) -> Result<()> {
        let mut beaten = Instant::now();
        let result = loop {
            if working.load(Ordering::SeqCst) == 0 {
                break Ok(());
            }
            std::thread::park_timeout(Duration::from_millis(10));
            if self.callback.stop() {
                lock(&self.slots).iter().for_each(|desk| desk.stop.store(true, Ordering::Relaxed));
            }
            if beaten.elapsed() > HEARTBEAT {
                beaten = Instant::now();
                if let Err(error) = self.beat(study) {
                    break Err(error);
                }
            }
        };
        lock(&self.slots).iter().for_each(|desk| {
            if result.is_err() {
                desk.stop.store(true, Ordering::Relaxed)
            }
        });
        result
    }

    fn beat(&self, study: &Study) -> Result<()> {
        for desk in lock(&self.slots).iter() {
            let Some(trial) = desk.trial else { continue };
            if !study.beat(&desk.worker, trial)? {
                // Another worker has reclaimed it: this one slept too long.
                desk.stop.store(true, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    /// Runs a long operation while keeping this process's heartbeat fresh.
    pub(super) fn while_alive<T>(&self, study: &Study, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let done = AtomicBool::new(false);
        let other = study.again()?;
        std::thread::scope(|scope| {
            let heart = scope.spawn(|| {
                // A SQLite connection belongs to one thread at a time.
                let other = other;
                while !done.load(Ordering::SeqCst) {
                    std::thread::park_timeout(HEARTBEAT);
                    _ = other.finish(&self.name);
                }
            });
            let result = catch_unwind(AssertUnwindSafe(work));
            done.store(true, Ordering::SeqCst);
            heart.thread().unpark();
            result.unwrap_or_else(|panic| resume_unwind(panic))
        })
    }

    /// One worker's loop.
    fn work(&self, mut study: Study, worker: String) -> Result<()> {
        let stop = std::sync::Arc::new(AtomicBool::new(false));
        let desk = {
            let mut slots = lock(&self.slots);
            slots.push(WorkerSlot { worker: worker.clone(), trial: None, stop: stop.clone() });
            slots.len() - 1
        };
        let mut nap = NAPS.0;
        loop {
            if self.callback.stop() {
                return Ok(());
            }
            let trial = match study.claim(&worker, |past| self.next(past))? {
                Claim::Trial(trial) => trial,
                Claim::Wait => {
                    std::thread::sleep(nap);
                    nap = (nap * 2).min(NAPS.1);
                    continue;
                }
                Claim::Over => return Ok(()),
            };
            nap = NAPS.0;
            stop.store(false, Ordering::Relaxed);
            lock(&self.slots)[desk].trial = Some(trial.number);
            let attempt = catch_unwind(AssertUnwindSafe(|| self.runner.attempt(&trial, &mut study, &stop)));
            lock(&self.slots)[desk].trial = None;
            let ending = match attempt {
                Ok(ending) => ending?,
                Err(panic) => Some(panicked(&*panic)),
            };
            match ending {
                None => study.release(&worker, trial.number)?,
                Some(ending) => {
                    if study.end(&worker, trial.number, &ending)? {
                        remove(&self.runner.folder_of(trial.number));
                        self.tell(&study, trial.number)?;
                    }
                }
            }
        }
    }

    /// Reports the result of a trial.
    fn tell(&self, study: &Study, number: usize) -> Result<()> {
        let trials = study.trials()?;
        let done = self.done.fetch_add(1, Ordering::SeqCst) + 1;
        let ended = trials.iter().filter(|trial| trial.state.is_ended()).count();
        let minutes = self.start.elapsed().as_secs_f64() / 60.0;
        let pace = done as f64 / minutes.max(1e-6);
        let left = (self.most + self.runner.base.tune.seeds).saturating_sub(ended) as f64 / pace * 60.0;
        let best = choice::best(&trials).and_then(|best| Some((best.number, best.value?)));
        let trial = Box::new(trials[number].clone());
        self.callback.event(&SearchEvent::Ended { trial, best, ended, pace, left });
        Ok(())
    }

    /// The next trial, given the past ones.
    fn next(&self, past: &[Trial]) -> Next {
        let tune = &self.runner.base.tune;
        let seed = self.runner.base.train.seed;
        let search: Vec<Trial> = past.iter().filter(|trial| trial.kind == TrialKind::Search).cloned().collect();
        let baseline = past.iter().any(|trial| trial.kind == TrialKind::Baseline);
        let first = usize::from(tune.baseline);
        let over = self.is_over(past);
        if !over && tune.baseline && !baseline {
            return Next::Trial(TrialKind::Baseline, Default::default(), seed);
        }
        let seeds = past.iter().filter(|trial| trial.kind == TrialKind::Seed).count();
        if !over && seeds == 0 && search.len() + first < self.most {
            let (space, index) = (&self.runner.space, search.len());
            match sampler::propose(space, tune, seed, index, &search) {
                // Trials of one search share their seed: they differ only in their values.
                Proposal::Point(point) => return Next::Trial(TrialKind::Search, point, seed),
                Proposal::Wait => return Next::Wait,
                Proposal::Exhausted => {}
            }
        }
        if past.iter().any(|trial| trial.kind != TrialKind::Seed && !trial.state.is_ended()) {
            return Next::Wait;
        }
        match choice::best(past) {
            Some(best) if seeds < tune.seeds && !self.is_late(past) => {
                Next::Trial(TrialKind::Seed, best.point.clone(), random::other_seed(seed, seeds as u64 + 1))
            }
            _ => Next::Over,
        }
    }

    /// Whether no further search trial should begin.
    fn is_over(&self, past: &[Trial]) -> bool {
        let tune = &self.runner.base.tune;
        let best = choice::best(past);
        let since = |best: &Trial| {
            let later = past.iter().filter(|trial| trial.number > best.number && trial.kind == TrialKind::Search);
            later.filter(|trial| trial.state.is_ended()).count()
        };
        let end = if tune.stall > 0 && best.is_some_and(|best| since(best) >= tune.stall) {
            SearchEnd::Stalled
        } else if tune.budget.is_some_and(|budget| {
            // Time is reserved for the seeds and the final run.
            let one = best.map_or(0.0, |best| best.seconds);
            self.start.elapsed().as_secs_f64() + one * (1.0 + tune.seeds as f64) > budget
        }) {
            SearchEnd::Budget
        } else {
            return false;
        };
        *lock(&self.ending) = end;
        true
    }

    /// Whether another trial would leave too little time for the final run.
    fn is_late(&self, past: &[Trial]) -> bool {
        let one = choice::best(past).map_or(0.0, |best| best.seconds);
        let budget = self.runner.base.tune.budget;
        budget.is_some_and(|budget| self.start.elapsed().as_secs_f64() + 2.0 * one > budget)
    }
}

/// The ending of a trial that panicked.
fn panicked(panic: &(dyn std::any::Any + Send)) -> Ending {
    let said = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    let why = Error::internal(format!("a fault of Thalweg: {}", said.unwrap_or("it panicked"))).to_string();
    Ending { why: Some(why), ..Ending::new(TrialState::Failed) }
}

/// Removes the files of a running trial.
fn remove(folder: &Path) {
    if folder.is_dir() {
        _ = std::fs::remove_dir_all(folder);
    }
}
