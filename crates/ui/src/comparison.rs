//! Runs side by side.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use thalweg::Result;
use thalweg::config::Precision;
use thalweg::event::Splits;
use thalweg::metrics::{Difference, Metric, Metrics, higher_is_better};
use thalweg::model::Model;
use thalweg::report::{metric_name, metric_value};
use thalweg::run::{Contender, compare, products};

use crate::configuration;
use crate::run_list::RunList;

/// The runs' rows, the options in which they differ, their metrics, and a paired test of two of them.
///
/// # Errors
/// If there is no such run.
pub(crate) fn comparison(runs: &RunList, ids: &[&str]) -> Result<Value> {
    let rows = ids.iter().map(|id| runs.row(id)).collect::<Result<Vec<Value>>>()?;
    let metrics = ids
        .iter()
        .map(|id| runs.with_run(id, |run| run.end.as_ref().map_or_else(Splits::default, |end| end.metrics.clone())))
        .collect::<Result<Vec<Splits<Metrics>>>>()?;
    let paired = match ids {
        [a, b] => Some(paired(runs, a, b).unwrap_or_else(|error| json!({ "note": error.message }))),
        _ => None,
    };
    Ok(json!({ "runs": rows, "configuration": differing(runs, ids)?, "metrics": table(&metrics), "paired": paired }))
}

/// The options in which the runs differ, with the value of each.
fn differing(runs: &RunList, ids: &[&str]) -> Result<Vec<Value>> {
    let of_run = |id: &&str| Ok(configuration::options(&runs.folder(id)?));
    let options = ids.iter().map(of_run).collect::<Result<Vec<_>>>()?;
    let keys: BTreeSet<&String> = options.iter().flatten().map(|(key, ..)| key).collect();
    let row = |key: &String| {
        let value =
            |of: &Vec<(String, String, bool)>| of.iter().find(|(k, ..)| k == key).map(|(_, value, _)| value.clone());
        let values: Vec<Option<String>> = options.iter().map(value).collect();
        values.iter().any(|value| *value != values[0]).then(|| json!({ "key": key, "values": values }))
    };
    Ok(keys.into_iter().filter_map(row).collect())
}

/// The metrics on one split.
fn of<'a>(all: &'a Splits<Metrics>, split: &str) -> &'a Metrics {
    match split {
        "test" => &all.test,
        "dev" => &all.dev,
        _ => &all.train,
    }
}

fn table(all: &[Splits<Metrics>]) -> Vec<Value> {
    let mut rows = Vec::new();
    for split in ["test", "dev", "train"] {
        let names: BTreeSet<&String> = all.iter().flat_map(|metrics| of(metrics, split).keys()).collect();
        rows.extend(names.into_iter().map(|name| {
            let value = |metrics: &Splits<Metrics>| {
                of(metrics, split).get(name).map(|metric| {
                    json!({ "value": metric.value, "low": metric.low, "high": metric.high, "text": metric_value(name, metric.value) })
                })
            };
            json!({
                "split": split,
                "name": name,
                "label": metric_name(name),
                "values": all.iter().map(value).collect::<Vec<_>>(),
                "higher_is_better": higher_is_better(name),
            })
        }));
    }
    rows
}

/// A paired test on the test rows that both runs left out of training.
fn paired(runs: &RunList, a: &str, b: &str) -> Result<Value> {
    let folders = [runs.folder(a)?, runs.folder(b)?].map(|folder| folder.display().to_string());
    let [first, second] = [Model::load(&folders[0])?, Model::load(&folders[1])?];
    let precision = [products(&first, Precision::default())?.0, products(&second, Precision::default())?.0];
    let contenders = [Contender { name: &folders[0], model: &first }, Contender { name: &folders[1], model: &second }];
    let found = compare(contenders, None, precision, 0)?;
    let test = |(name, each): (&String, &Difference)| {
        let Metric { value, low, high } = each.difference;
        json!({
            "a": a, "b": b, "metric": name, "label": metric_name(name), "difference": value, "low": low, "high": high,
            "higher_is_better": higher_is_better(name),
        })
    };
    let tests: Vec<Value> = found.paired.metrics.iter().map(test).collect();
    let p = found.paired.mcnemar.as_ref().map(|test| test.p);
    Ok(json!({ "rows": found.paired.rows, "tests": tests, "text": found.verdict, "mcnemar_p": p }))
}
