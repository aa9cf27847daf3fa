//! Whether an ensemble is trained on dev's rows, too.

use super::facts::Facts;
use super::layers::members;
use crate::config::Config;
use crate::data::dataset::Dataset;
use crate::error::{Error, Result};
use crate::event::Decision;

/// The data as it is trained on: with dev's rows among those of train, where each is left out by some members of the ensemble.
///
/// # Errors
/// If that is asked for where it cannot be done.
pub(crate) fn for_training(config: &Config, mut data: Dataset) -> Result<Dataset> {
    let facts = Facts::new(config, &data);
    let members = if config.train.start_from.is_none() { members(&facts, &mut Vec::new())? } else { 1 };
    let split = &config.split;
    let in_memory = data.on_disk.is_none() && data.parts.dev.on_disk.is_none();
    let possible = members > 1 && in_memory && data.parts.dev.rows > 0 && !data.own_dev;
    let random = split.group.is_none() && split.time.is_none() && split.fold.is_none();
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
    if config.train.train_on_dev.is_none() {
        data.decisions.push(Decision {
            what: format!(
                "dev's {} rows are trained on, too, each by all networks but those that answer for it",
                data.parts.dev.rows
            ),
            why: format!("an ensemble of {members} networks"),
            instead: "[train_on_dev=false]".into(),
        });
    }
    Ok(data.training_on_dev())
}
