//! How a search ends: the best trial becomes a run like any other.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::record::Trial;
use super::study::Study;
use super::trial::{BEST_EPOCH, TrialRunner};
use super::worker::Search;
use super::{SearchEnd, SearchEvent, SearchResult, SeedNoise, SharedCallback, begin, choice, ensemble, front};
use crate::config::Config;
use crate::data::{source, split};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::recipe;
use crate::run::RunFolder;
use crate::run::{self, Callback};
use crate::train::StopReason;

/// How often to check whether another process is still training the best trial.
const GLANCE: Duration = Duration::from_millis(50);

/// Whether the final model is trained on all dev rows, if it is one network.
pub(super) fn refits(config: &Config) -> bool {
    config.tune.refit.unwrap_or(!begin::has_own_dev(config) && config.split.fold.is_none())
}

/// Moves the dev rows into train; with none left to select by, everything that was selected on dev is fixed.
fn configure_refit(config: &mut Config, runner: &TrialRunner, trainings: &[&Trial]) -> Result<()> {
    let data = runner.data(config)?;
    let plan = recipe::plan(config, &data)?;
    let parts = &data.parts;
    let own_test = config.data.test.is_some() || source::test_part(&config.data.path).is_some();
    let rows = data.train_rows() + parts.dev.rows + if own_test { 0 } else { parts.test.rows };
    config.split.split = Some(split::without_dev(rows, &config.split)?);
    config.train.batch_size.get_or_insert(plan.settings.batch_size);
    config.train.learning_rate.get_or_insert(plan.settings.learning_rate);
    // The schedule ends at the best dev epoch: stopping at a rate that is still high would leave θ noisy.
    let best: Vec<f64> = trainings.iter().filter_map(|trial| trial.others.get(BEST_EPOCH).copied()).collect();
    let epochs = (best.iter().sum::<f64>() / best.len().max(1) as f64).round().max(1.0) as usize;
    config.train.epochs = Some(epochs);
    config.train.full_batch_epochs = config.train.full_batch_epochs.min(epochs);
    Ok(())
}

/// Who trains the best trial.
enum Taken {
    Here,
    /// Another process is training it, or has done so.
    Elsewhere,
    /// A stop was requested.
    Interrupted,
}

/// Claims the training of the best trial. A process that has claimed it but stopped its heartbeat was killed.
fn take(study: &Study, search: &Search, callback: &SharedCallback) -> Result<Taken> {
    let beat = study.finisher_beat()?;
    loop {
        if study.run()?.is_some() {
            return Ok(Taken::Elsewhere);
        }
        if study.finish(&search.name)? {
            return Ok(Taken::Here);
        }
        if callback.stop() {
            return Ok(Taken::Interrupted);
        }
        if study.finisher_beat()? != beat {
            return Ok(Taken::Elsewhere);
        }
        std::thread::sleep(GLANCE);
    }
}

/// The folder of the best trial's run, stored in the study before anything is written there, so that a resumed search
/// finds it.
fn folder(base: &Config, study: &Study) -> Result<PathBuf> {
    if let Some(folder) = study.folder()? {
        return Ok(folder);
    }
    let folder = match &base.output.out {
        Some(out) => {
            RunFolder::check_free(Path::new(out))?;
            out.into()
        }
        None => RunFolder::reserve(&run::short_name(&base.data.path))?,
    };
    study.keep_folder(&folder)?;
    Ok(folder)
}

/// Trains the best trial once more, as an ordinary run, and only now evaluates on the test split.
pub(super) fn finish(
    base: &Config,
    study: &Study,
    runner: &TrialRunner,
    search: &Search,
    end: SearchEnd,
    callback: &SharedCallback,
) -> Result<SearchResult> {
    let found = |end, outcome| -> Result<SearchResult> {
        let trials = study.trials()?;
        Ok(SearchResult {
            study: study.path().into(),
            noise: SeedNoise::measure(&trials),
            front: if runner.secondary.is_empty() {
                Vec::new()
            } else {
                front(&trials, &runner.secondary).iter().map(|trial| trial.number).collect()
            },
            trials,
            objective: (study.objective.clone(), study.higher),
            outcome,
            end,
        })
    };
    if end == SearchEnd::Interrupted {
        return found(end, None);
    }
    let trials = study.trials()?;
    let trainings = choice::trainings(&trials);
    let Some(chosen) = trainings.first() else {
        let why = trials.iter().find_map(|trial| trial.why.clone()).unwrap_or_else(|| "none went to its end".into());
        let error = Error::new(crate::ErrorKind::Check, format!("no trial succeeded: {why}"));
        return Err(error.at(study.path().display().to_string()).fix("search other values, or allow more time"));
    };
    match take(study, search, callback)? {
        Taken::Here => {}
        Taken::Elsewhere => return found(SearchEnd::Elsewhere, None),
        Taken::Interrupted => return found(SearchEnd::Interrupted, None),
    }
    let mut config = runner.configure(chosen)?;
    let members = ensemble::members(base, &*runner.data(base)?)?;
    let refit = members == 1 && refits(base);
    if members > 1 {
        ensemble::configure(&mut config, members, runner, &trials)?;
    } else if refit {
        configure_refit(&mut config, runner, &trainings)?;
    }
    let members = members * config.network.candidates.len().max(1);
    callback.event(&SearchEvent::Chosen { trial: Box::new((*chosen).clone()), members, refit });
    config.output = base.output.clone();
    let folder = folder(base, study)?;
    config.output.out = Some(folder.display().to_string());
    thalweg_kernels::pool::set_threads(base.train.threads);
    struct WarningsOnly<'a, 'b>(&'a SharedCallback<'b>);
    impl Callback for WarningsOnly<'_, '_> {
        fn event(&mut self, event: &Event) {
            if let Event::Warning(warning) = event {
                self.0.event(&SearchEvent::Warning(warning.clone()));
            }
        }
        fn stop(&self) -> bool {
            self.0.stop()
        }
    }
    let trained = search.while_alive(study, || run::finish_study(&config, &folder, &mut WarningsOnly(callback)));
    let outcome = match trained {
        Ok(outcome) if outcome.end != StopReason::Interrupted => outcome,
        stopped => {
            // A process that resumes the study then need not wait until this one counts as dead.
            study.leave(&search.name)?;
            return match stopped {
                Err(error) if error.kind != crate::ErrorKind::Interrupted => Err(error),
                stopped => found(SearchEnd::Interrupted, stopped.ok()),
            };
        }
    };
    study.keep_run(&outcome.run)?;
    _ = std::fs::remove_dir(&runner.folder);
    found(end, Some(outcome))
}
