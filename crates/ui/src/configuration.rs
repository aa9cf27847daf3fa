//! A run's options, and which of them are not the defaults.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use thalweg::config::Config;
use toml::Table;

/// Every option that has a value: its key, its value, whether that is the default.
pub(crate) fn options(folder: &Path) -> Vec<(String, String, bool)> {
    let defaults = flat(&Config::default().to_toml());
    let of_run = fs::read_to_string(folder.join("config.toml")).map_or(Vec::new(), |text| flat(&text));
    let default = |key: &str| defaults.iter().find(|(known, _)| known == key).map(|(_, value)| value);
    let option = |(key, value): (String, String)| {
        let is_default = default(&key) == Some(&value);
        (key, value, is_default)
    };
    of_run.into_iter().map(option).collect()
}

/// The same as JSON.
pub(crate) fn listed(folder: &Path) -> Vec<Value> {
    let json = |(key, value, default)| json!({ "key": key, "value": value, "default": default });
    options(folder).into_iter().map(json).collect()
}

/// The keys with their values, such as `train.seed` and `0`.
fn flat(text: &str) -> Vec<(String, String)> {
    let sections = text.parse::<Table>().unwrap_or_default();
    let table = |(section, value): (String, toml::Value)| match value {
        toml::Value::Table(table) => {
            table.into_iter().map(|(key, value)| (format!("{section}.{key}"), value.to_string())).collect()
        }
        value => vec![(section, value.to_string())],
    };
    sections.into_iter().flat_map(table).collect()
}
