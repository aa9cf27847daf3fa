//! What the other ranks do for the first one's runs: train with it, on their shares of each batch.
//!
//! The first rank alone has a run's folder, its events and its files. It sends the others what it trains with, in the form of a
//! checkpoint: they read the same data themselves, and plan the same from it.

use super::keep;
use super::{Callback, Checkpoint, fingerprint, fit_among, fresh_state, prepare};
use crate::config::{Config, Reduction};
use crate::error::{Error, ErrorKind, Result};
use crate::event::Decision;
use crate::io::safetensors::Container;
use crate::ranks::{self, Ranks};
use crate::recipe::Plan;
use crate::train::State;

/// The configuration, in what is sent.
const CONFIG: &str = "config";
/// The same with the file of the model that training starts from, if it does.
const PREPARED_WITH: &str = "prepared_with";
/// The state's values other than tensors, and what the data and the options are known by.
const STATE: &str = "state";

/// Sends the other ranks what this one is about to train; they are waiting for it.
pub(super) fn send(ranks: &dyn Ranks, config: &Config, prepared_with: &Config, state: &State, fingerprint: &str) {
    let Checkpoint { tensors, state: counters } = keep::keep(state, fingerprint);
    let configs = [(CONFIG.into(), config.to_toml()), (PREPARED_WITH.into(), prepared_with.to_toml())];
    let metadata = configs.into_iter().chain([(STATE.into(), counters.to_string())]).collect();
    // A new state is the same everywhere.
    let tensors = if state.t > 0 { tensors } else { Vec::new() };
    ranks.broadcast(&mut Container { tensors, metadata }.to_bytes());
}

/// Tells the other ranks that there is nothing more to train.
pub fn dismiss(ranks: &dyn Ranks) {
    ranks.broadcast(&mut Vec::new());
}

/// Trains with the first rank whatever it trains, until it has [dismissed](dismiss) the others.
///
/// # Errors
/// If this rank cannot read the data, or reads other data than the first. The first then waits in vain: end all ranks.
pub fn assist(ranks: &dyn Ranks, callback: &mut dyn Callback) -> Result<()> {
    loop {
        let mut bytes = Vec::new();
        ranks.broadcast(&mut bytes);
        if bytes.is_empty() {
            return Ok(());
        }
        let Container { tensors, metadata } = Container::from_bytes(&bytes, "what the first rank has sent")?;
        let counters: serde_json::Value =
            serde_json::from_str(&metadata[STATE]).map_err(|error| Error::internal(error.to_string()))?;
        let config_of = |name| Config::from_written(&metadata[name], "the first rank's configuration");
        let config = config_of(CONFIG)?;
        thalweg_kernels::pool::set_threads(threads(ranks, &config));
        let (data, plan) = prepare(&config_of(PREPARED_WITH)?)?;
        let own = fingerprint(&config, &data)?;
        if counters["fingerprint"].as_str() != Some(own.as_str()) {
            let error = Error::data(format!("rank {} reads other data than the first rank", ranks.rank()));
            return Err(error.at(config.data.path).fix("give all machines the same files, under the same paths"));
        }
        let mut state = fresh_state(&config, &plan);
        if !tensors.is_empty() {
            let checkpoint = Checkpoint { tensors, state: counters };
            keep::restore(&mut state, &checkpoint, &|known| known == own, (&plan.settings, data.train_rows()))?;
        }
        match fit_among(Some(ranks), &config, (&data, &plan), &mut state, callback) {
            // The first rank has the same cost, and reports it.
            Ok(_) | Err(Error { kind: ErrorKind::Diverged, .. }) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Checks that what is trained on can be read by several ranks, if there are several.
pub(super) fn check(config: &Config) -> Result<()> {
    if ranks::joined().is_some() && config.data.path == "-" {
        let error = Error::config("several processes cannot all read standard input").at("-");
        return Err(error.fix("put standard input into a file"));
    }
    Ok(())
}

/// How this rank and the others share the batches; from then on it has its share of the threads.
pub(super) fn shares(ranks: &dyn Ranks, config: &Config, plan: &Plan) -> Decision {
    let threads = threads(ranks, config);
    thalweg_kernels::pool::set_threads(threads);
    let order = match plan.settings.reduction {
        Reduction::Fast => "in the same order for the same number of processes",
        Reduction::Ordered => "in the same order for any number of processes",
    };
    Decision {
        what: format!(
            "each batch of {} is shared by {} processes, of {threads} thread{} each",
            plan.settings.batch_size,
            ranks.size(),
            if threads == 1 { "" } else { "s" },
        ),
        why: format!("they were started together; gradients are added up {order}"),
        instead: "[threads=2] [reduction=ordered]".into(),
    }
}

/// How many threads a rank has: as many as are asked for, or its share of its machine's.
fn threads(ranks: &dyn Ranks, config: &Config) -> usize {
    if config.train.threads > 0 { config.train.threads } else { ranks.threads() }
}
