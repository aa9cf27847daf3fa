//! The final model of a search on a table: an ensemble of the best trials' networks, weighted as any ensemble's candidates
//! are.

use serde_json::{Value, json};

use super::choice;
use super::record::Trial;
use super::trial::TrialRunner;
use crate::config::{Config, NumberEmbedding};
use crate::data::dataset::Dataset;
use crate::error::Result;
use crate::recipe;

/// How many kinds of networks there are at most.
const CANDIDATES: usize = 3;

/// How many networks of each kind the final model has: as many as one that is not searched for; 1 where the user wants one
/// network, or models are to be small or quick as well.
///
/// # Errors
/// If the configuration asks for an ensemble that cannot be.
pub(super) fn members(base: &Config, data: &Dataset) -> Result<usize> {
    let wanted = base.tune.objective.len() < 2 && base.tune.refit != Some(true) && base.network.ensemble.is_none();
    // Its constraints may be on a network's size.
    if wanted && base.tune.constraints.is_empty() { recipe::members(base, data) } else { Ok(1) }
}

/// Makes the configuration of the best trial that of an ensemble.
///
/// # Errors
/// If a trial's values are no longer valid.
pub(super) fn configure(config: &mut Config, members: usize, runner: &TrialRunner, trials: &[Trial]) -> Result<()> {
    let mut candidates: Vec<Value> = Vec::new();
    for trial in choice::by_value(trials) {
        let found = candidate(&runner.configure(trial)?);
        if !candidates.contains(&found) {
            candidates.push(found);
        }
        if candidates.len() == CANDIDATES {
            break;
        }
    }
    config.network.ensemble = Some(members);
    if candidates.len() > 1 {
        config.network.candidates = candidates;
    }
    // What is best for one network by another metric is chance where several are averaged.
    config.train.monitor = None;
    Ok(())
}

/// What candidates may differ in.
fn candidate(config: &Config) -> Value {
    let network = &config.network;
    let all = json!({
        "layers": network.layers,
        "activation": network.activation,
        "dropout": network.dropout,
        "batch_norm": network.batch_norm,
        "bins": config.preprocess.bins,
        "number_embedding": network.number_embedding,
        "periodic_sigma": (network.number_embedding == Some(NumberEmbedding::Periodic)).then_some(network.periodic_sigma),
        "parametrization": network.parametrization,
    });
    let given = all.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    Value::Object(given.map(|(name, value)| (name.clone(), value.clone())).collect())
}
