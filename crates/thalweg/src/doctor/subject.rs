//! What is examined: a configuration, its data and its network, each loaded once and only if a check asks for it.

use std::cell::OnceCell;

use crate::config::Config;
use crate::data::dataset::Dataset;
use crate::data::source::{self, Source};
use crate::data::table::Table;
use crate::error::Result;
use crate::recipe::{self, Plan};
use crate::run;

/// A configuration, and what it leads to.
pub(super) struct Subject {
    pub(super) config: Config,
    data: OnceCell<Result<Dataset>>,
    prepared: OnceCell<Result<(Dataset, Plan)>>,
    table: OnceCell<Result<Option<Table>>>,
}

impl Subject {
    pub(super) fn new(config: Config) -> Subject {
        Subject { config, data: OnceCell::new(), prepared: OnceCell::new(), table: OnceCell::new() }
    }

    /// The data in its splits.
    pub(super) fn data(&self) -> Result<&Dataset> {
        self.data.get_or_init(|| recipe::dataset(&self.config)).as_ref().map_err(Clone::clone)
    }

    /// The data as it is trained on, and the network.
    pub(super) fn prepared(&self) -> Result<&(Dataset, Plan)> {
        self.prepared.get_or_init(|| run::prepare(&self.config)).as_ref().map_err(Clone::clone)
    }

    /// The main source, if it is a table whose rows are examples.
    pub(super) fn table(&self) -> Result<Option<&Table>> {
        if self.config.data.sequence.is_some() {
            return Ok(None);
        }
        let read = || {
            Ok(match source::open(&self.config.data.path, &self.config.data)? {
                Source::Table(mut reader) => Some(reader.read_rest()?),
                Source::Arrays(_) => None,
            })
        };
        self.table.get_or_init(read).as_ref().map(Option::as_ref).map_err(Clone::clone)
    }
}
