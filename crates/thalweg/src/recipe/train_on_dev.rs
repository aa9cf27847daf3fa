//! Whether an ensemble is trained on dev's rows, too.

use std::borrow::Cow;

use super::decide;
use super::facts::Facts;
use super::layers::members;
use crate::config::Config;
use crate::data::dataset::Dataset;
use crate::error::{Error, Result};

/// The data as it is trained on: with dev's rows among those of train, where each is left out by some members of the ensemble.
///
/// # Errors
/// If that is asked for where it cannot be done.
pub(crate) fn for_training<'a>(config: &Config, data: Cow<'a, Dataset>) -> Result<Cow<'a, Dataset>> {
    let facts = Facts::new(config, &data);
    let members = if config.train.start_from.is_none() { members(&facts, &mut Vec::new())? } else { 1 };
    let split = &config.split;
    let in_memory = data.on_disk.is_none() && data.parts.dev.on_disk.is_none();
    let possible = members > 1 && in_memory && data.parts.dev.rows > 0 && !data.own_dev;
    let random = split.group.is_none() && !config.splits_by_time() && split.fold.is_none();
    let usual = random && facts.table && !facts.first_edition && !facts.course;
    match config.train.train_on_dev {
        Some(true) if !possible => {
            return Err(Error::config("dev's rows cannot be trained on")
                .at("train.train_on_dev")
                .fix("leave it out: it is for ensembles on data in memory that dev is split from"));
        }
        asked if possible && asked.unwrap_or(usual) => {}
        _ => return Ok(data),
    }
    let mut data = data.into_owned().training_on_dev();
    if config.train.train_on_dev.is_none() {
        let rows = data.parts.dev.rows;
        let what = format!("dev's {rows} rows are trained on, too, each by all networks but those that answer for it");
        decide(&mut data.decisions, what, format!("an ensemble of {members} networks"), "[train_on_dev=false]");
    }
    Ok(Cow::Owned(data))
}
