//! Models of sequences: the rows of a table are grouped before they are encoded.

use super::{CHUNK, EncodedRows, Model};
use crate::config;
use crate::data::examples;
use crate::data::far::Far;
use crate::data::memory;
use crate::data::sequences::Sequences;
use crate::data::table::Table;
use crate::data::target::Target;
use crate::error::{Error, Result};
use crate::event::Decision;

impl Model {
    /// The sequences of a table, where the model takes such; with their targets, if these are `told`.
    pub(super) fn sequences<'a>(&self, table: &'a Table, told: bool) -> Result<Option<Sequences<'a>>> {
        let grouping = self.pipeline.grouping.as_ref();
        grouping.map(|grouping| Sequences::like(table, &self.schema, grouping, told)).transpose()
    }

    /// Gives some of a table's sequences at a time to `take`, those with a target where these are `told`, until it returns
    /// false; returns what is to be said of them.
    pub(super) fn each_sequence(
        &self,
        table: &Table,
        options: &config::Data,
        told: bool,
        take: &mut dyn FnMut(&Sequences, &[usize]) -> Result<bool>,
    ) -> Result<Vec<Decision>> {
        let Some(sequences) = self.sequences(table, told)? else {
            return Err(Error::internal("the model takes no sequences"));
        };
        let known = match told {
            true => Target::known_rows(&sequences.answers, &self.schema)?,
            false => (0..sequences.count()).collect(),
        };
        for some in known.chunks(memory::examples_at_once(options, self.pipeline.width())?.min(CHUNK)) {
            if !take(&sequences, some)? {
                break;
            }
        }
        let mut far = Far::new(&self.pipeline);
        far.look(table);
        let steps = self.pipeline.shape()[0];
        Ok(sequences.thinned(steps).into_iter().chain(far.decisions()).collect())
    }

    pub(super) fn encode_sequences<T>(
        &self,
        sequences: &Sequences,
        some: &[usize],
        take: &mut dyn FnMut(EncodedRows) -> Result<T>,
    ) -> Result<T> {
        let mut rows = sequences.examples(some, &self.schema, &self.pipeline, None)?;
        let ids = examples::ids(&sequences.answers.select(some), &self.schema);
        let inputs = std::mem::take(&mut rows.x);
        take(EncodedRows { ids, inputs, place: &|row| rows.place(row) })
    }
}
