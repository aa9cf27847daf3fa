//! Networks of several kinds in an ensemble.

use serde_json::{Value, json};

use super::decide;
use super::facts::Facts;
use super::layers::hidden;
use super::numbers::FEWEST_ROWS;
use crate::config::{self, Config, Quality};
use crate::error::{Error, Result, did_you_mean};
use crate::event::Decision;

/// Windows of series, which overlap, below which a hidden layer has as few units as this.
const FEW_WINDOWS: usize = 5_000;
const FEW_UNITS: usize = 16;

/// The options in which candidates may differ.
const OPTIONS: [&str; 8] =
    ["layers", "activation", "dropout", "batch_norm", "bins", "number_embedding", "periodic_sigma", "parametrization"];

/// The configuration of each candidate; the given one alone where there are none.
///
/// # Errors
/// If a candidate has an option that it cannot, or a value that is none.
pub(super) fn candidates(facts: &Facts, members: usize, decisions: &mut Vec<Decision>) -> Result<Vec<Config>> {
    let config = facts.config;
    let place = |error: Error| {
        let option = error.place.as_ref().map_or_else(String::new, |option| format!(", {option}"));
        error.at(format!("network.candidates{option}"))
    };
    let given = &config.network.candidates;
    let usual = if given.is_empty() { usual(facts, members) } else { Vec::new() };
    if !usual.is_empty() && facts.forecast {
        let what = "members are of two kinds, linear and with hidden layers".into();
        decide(decisions, what, "which carries series on better is for dev to say".into(), "[layers=64]");
    } else if !usual.is_empty() {
        let what = format!("members are of {} kinds, which differ in layers, activation and bins", usual.len());
        decide(decisions, what, "quality best".into(), "[quality=good]");
    }
    let tables = if given.is_empty() { &usual } else { given };
    if tables.is_empty() {
        return Ok(vec![config.clone()]);
    }
    if members < 2 {
        return Err(
            place(Error::config("candidates for one network")).fix("ask for an ensemble of several: [ensemble=5]")
        );
    }
    tables.iter().map(|table| configured(config, table).map_err(place)).collect()
}

/// The candidates of the best quality, if the user has left the network open.
fn usual(facts: &Facts, members: usize) -> Vec<Value> {
    let Config { network, preprocess, train, .. } = facts.config;
    let unset = config::Network { ensemble: network.ensemble, ..config::Network::default() };
    let open = *network == unset && preprocess.bins.is_none() && facts.table && !facts.wide && !facts.first_edition;
    if facts.forecast && *network == unset && members > 1 && !facts.course {
        return of_forecasts(facts);
    }
    if !open || train.quality != Quality::Best || members < 2 || facts.course {
        return Vec::new();
    }
    let units = hidden(facts, &mut Vec::new());
    let wide: Vec<usize> = units.iter().map(|units| 2 * units).collect();
    let deep: Vec<usize> = units.iter().chain(units.last()).copied().collect();
    if facts.rows < FEWEST_ROWS {
        return vec![
            json!({ "layers": units }),
            json!({ "layers": units, "activation": ["silu"] }),
            json!({ "layers": deep }),
            json!({ "layers": [] }),
        ];
    }
    let [fine, other] = if facts.task.is_classes() { [256, 256] } else { [96, 48] };
    vec![
        json!({ "layers": units, "bins": 96 }),
        json!({ "layers": units, "bins": fine, "activation": ["silu"] }),
        json!({ "layers": wide, "bins": 128 }),
        json!({ "layers": wide, "bins": other, "activation": ["silu"] }),
        json!({ "layers": deep, "bins": 96 }),
        json!({ "layers": units, "bins": 0 }),
        json!({ "layers": [] }),
    ]
}

/// The candidates for series: linear ones (Zeng, Chen, Zhang and Xu 2023) and, for what is not linear, small networks
/// where examples are few.
fn of_forecasts(facts: &Facts) -> Vec<Value> {
    let units = if facts.rows < FEW_WINDOWS { vec![FEW_UNITS] } else { hidden(facts, &mut Vec::new()) };
    vec![json!({ "layers": [] }), json!({ "layers": units, "activation": ["silu"], "dropout": [0.1] })]
}

/// The configuration with a candidate's options.
fn configured(config: &Config, table: &Value) -> Result<Config> {
    let mut base = config.clone();
    base.network.candidates.clear();
    let Some(options) = table.as_object() else {
        return Err(
            Error::config(format!("found {table}")).fix("write a table such as { layers = [256, 128], bins = 24 }")
        );
    };
    if let Some(unknown) = options.keys().find(|key| !OPTIONS.contains(&key.as_str())) {
        let error = Error::config(format!("unknown key {unknown:?}{}", did_you_mean(unknown, OPTIONS)));
        return Err(error.fix(format!("use {}", OPTIONS.join(", "))));
    }
    base.with_values(options.iter().map(|(key, value)| (key.clone(), value.clone())))
}
