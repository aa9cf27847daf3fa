//! `thalweg compare A B [DATA]`: two models on the same rows.

use clap::ArgMatches;
use thalweg::model::Model;
use thalweg::run::Contender;

use super::argument;
use crate::{args, print};

/// Runs the verb; returns the exit code.
pub(crate) fn run(matches: &ArgMatches) -> anyhow::Result<u8> {
    let config = args::config(matches)?;
    let names = [argument(matches, "a"), argument(matches, "b")];
    let (a, b) = (Model::load(names[0])?, Model::load(names[1])?);
    let (of_a, notes) = thalweg::run::products(&a, config.train.precision)?;
    let (of_b, _) = thalweg::run::products(&b, config.train.precision)?;
    print::notes(&notes);
    let contenders = [Contender { name: names[0], model: &a }, Contender { name: names[1], model: &b }];
    let source = matches.get_one::<String>("data").map(|path| (path.as_str(), &config.data));
    let found = thalweg::run::compare(contenders, source, [of_a, of_b], config.train.seed)?;
    found.warnings.iter().for_each(|warning| print::warning(&warning.to_string()));
    if matches.get_flag("json") {
        let mut object = serde_json::to_value(&found)?;
        object["warnings"] = found.warnings.iter().map(ToString::to_string).collect();
        print::json(&object)?;
    } else {
        print::comparison::comparison(&found)?;
    }
    Ok(0)
}
