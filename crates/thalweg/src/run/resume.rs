//! Resuming a stopped run: from its checkpoint, or from the beginning if it has none.

use std::path::Path;

use super::announce::INTERRUPTED;
use super::folder::taken;
use super::series::is_series;
use super::{
    Callback, Outcome, begin, fingerprint, former_fingerprint, fresh_state, identity, prepare_watched, run, with_start,
};
use super::{Checkpoint, EventLog, RunFolder, keep};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result, advice};
use crate::event::Event;

/// Resumes a stopped run, with bitwise the same result as if it had not been stopped; one that was stopped before its
/// first checkpoint starts over.
///
/// # Errors
/// If the folder has no configuration, the run is complete, or the data has changed.
pub fn resume(folder: &Path, callback: &mut dyn Callback) -> Result<Outcome> {
    if is_series(folder) {
        let error = Error::config("this is the folder of several runs").at(folder.display().to_string());
        return Err(error.fix("go on with all of them, or name the folder of one"));
    }
    let folder = RunFolder::open(folder)?;
    let place = folder.path().display().to_string();
    if !folder.has_checkpoint() && !folder.config().exists() {
        let error = Error::config("the run was stopped before it had read its data: there is no checkpoint yet");
        return Err(error.at(&place).fix(advice!("train again with [out={}]", place)));
    }
    if let Some((epochs, reason)) = ended(&folder)? {
        return Err(Error::config(format!("the run is finished after {epochs} epochs: {reason}"))
            .at(place)
            .fix("train longer with [config], its config.toml and [epochs], into a new folder"));
    }
    go_on(&written(&folder.config())?, folder, callback)
}

/// Resumes the run in a folder, if it began with this configuration and is not complete.
pub(super) fn again(config: &Config, path: &Path, callback: &mut dyn Callback) -> Result<Outcome> {
    if is_series(path) {
        return Err(taken(path));
    }
    let folder = RunFolder::open(path)?;
    match same(config, &folder)? {
        Some(same) if ended(&folder)?.is_none() => {
            let message = format!("{}: going on with the run in this folder, which was stopped", path.display());
            callback.event(&Event::Warning(message.into()));
            go_on(&same, folder, callback)
        }
        _ => Err(taken(path)),
    }
}

/// Trains a study's best trial in the folder that the study has for it, whatever its state.
#[cfg(feature = "tune")]
pub(crate) fn finish_study(config: &Config, path: &Path, callback: &mut dyn Callback) -> Result<Outcome> {
    if !RunFolder::has_begun(path) {
        return begin_in(config, path, callback);
    }
    let folder = RunFolder::open(path)?;
    match same(config, &folder)? {
        // A complete run is evaluated and written once more: to the same model.
        Some(same) => go_on(&same, folder, callback),
        None => begin(config, folder.cleared()?, callback),
    }
}

/// Trains one run of a series in the folder that it has, whatever its state; none where it is finished.
pub(super) fn go_to_end(config: &Config, path: &Path, callback: &mut dyn Callback) -> Result<Option<Outcome>> {
    thalweg_kernels::pool::set_threads(config.train.threads);
    if !RunFolder::has_begun(path) {
        return begin_in(config, path, callback).map(Some);
    }
    let folder = RunFolder::open(path)?;
    match same(config, &folder)? {
        Some(_) if ended(&folder)?.is_some() => Ok(None),
        Some(same) => go_on(&same, folder, callback).map(Some),
        None => Err(taken(path)),
    }
}

/// Trains in this folder, which has no run yet.
fn begin_in(config: &Config, path: &Path, callback: &mut dyn Callback) -> Result<Outcome> {
    let name = path.to_str().ok_or_else(|| {
        let error = Error::config("the folder's name is not UTF-8").at(path.display().to_string());
        error.fix("name another folder with [out]")
    })?;
    begin(config, RunFolder::create(Some(name), "")?, callback)
}

/// The configuration to resume a folder's run with, if it began with the given one.
fn same(config: &Config, folder: &RunFolder) -> Result<Option<Config>> {
    let kept = written(&folder.config())?;
    let identity_of = |config: &Config| {
        let mut config = config.clone();
        // Whether to train from disk was decided when the run began.
        config.data.from_disk = config.data.from_disk.or(kept.data.from_disk);
        // So was what multiplies bf16 values.
        if config.train.precision.may_be_bf16() {
            config.train.bf16_unit = config.train.bf16_unit.or(kept.train.bf16_unit);
        }
        config.output.out = None;
        identity(&config).to_toml()
    };
    let same = identity_of(config) == identity_of(&kept);
    let threads = config.train.threads;
    Ok(same.then(|| Config { train: crate::config::Train { threads, ..kept.train.clone() }, ..kept.clone() }))
}

/// The configuration that the run in a folder began with.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn configuration(folder: &Path) -> Result<Config> {
    written(&folder.join("config.toml"))
}

/// The configuration that a run began with, from its file.
pub(super) fn written(path: &Path) -> Result<Config> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Error::io(ErrorKind::Config, path, "read the run's configuration", &error))?;
    Config::from_written(&text, &path.display().to_string())
}

/// The epochs and stop reason of a run that completed and has all its files.
fn ended(folder: &RunFolder) -> Result<Option<(usize, String)>> {
    if !folder.model().exists() || !folder.report().exists() {
        return Ok(None);
    }
    let (events, _) = crate::event::read_events(folder.events())?;
    Ok(match events.last() {
        Some(Event::Finished { reason, epochs, .. }) if reason != INTERRUPTED => Some((*epochs, reason.clone())),
        _ => None,
    })
}

/// Resumes the run in the folder, which began with this configuration.
fn go_on(config: &Config, folder: RunFolder, callback: &mut dyn Callback) -> Result<Outcome> {
    thalweg_kernels::pool::set_threads(config.train.threads);
    let (data, plan) = prepare_watched(&with_start(config, &folder), &|| callback.stop())?;
    let mut state = fresh_state(config, &plan);
    if !folder.has_checkpoint() {
        // Events from before it was stopped are repeated.
        _ = std::fs::remove_file(folder.events());
        let log = EventLog::create(&folder)?;
        return run(config, &data, plan, state, folder, log, callback);
    }
    let (checkpoint, notice) = Checkpoint::load(&folder)?;
    let written = std::fs::read_to_string(folder.config()).unwrap_or_default();
    let own = fingerprint(config, &data)?;
    let is_own = |known: &str| known == own || known == former_fingerprint(&written, &data);
    let restored = keep::restore(&mut state, &checkpoint, &is_own, (&plan.settings, data.train_rows()));
    restored.map_err(|error| error.at(folder.checkpoint().display().to_string()))?;
    let log = EventLog::resume(&folder, state.epoch, state.step)?;
    if let Some(message) = notice {
        callback.event(&Event::Warning(message.into()));
    }
    run(config, &data, plan, state, folder, log, callback)
}
