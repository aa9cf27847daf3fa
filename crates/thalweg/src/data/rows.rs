//! The common interface of tables and arrays on their way to examples.

use super::arrays::Arrays;
use super::examples::Examples;
use super::memory;
use super::preprocess::{ArrayScale, Pipeline};
use super::schema::Schema;
use super::shift;
use super::split;
use super::table::Table;
use super::target::Target;
use crate::Result;
use crate::config::Config;
use crate::event::Decision;

/// The common interface of tables and arrays on their way to examples.
pub(super) trait Rows {
    /// The table that holds the targets.
    fn answers(&self) -> &Table;
    fn schema(&self, config: &Config) -> Result<(Schema, Vec<Decision>)>;
    /// Each row's key for the split.
    fn keys(&self, rows: &[usize], schema: &Schema, seed: u64) -> Result<Vec<u64>>;
    /// The preprocessing, fitted on rows; the scales of arrays are those of `like`, if there are any.
    fn fit(
        &self,
        schema: &Schema,
        rows: &[usize],
        config: &Config,
        like: Option<&ArrayScale>,
    ) -> Result<(Pipeline, Vec<Decision>)>;
    fn encode(&self, rows: &[usize], schema: &Schema, pipeline: &Pipeline, target: &Target) -> Result<Examples>;
    /// The number of rows that are in memory at a time, if training rows stay on disk.
    fn at_once(&self, config: &Config) -> Result<Option<usize>>;
    /// The columns whose distribution differs from another source's.
    fn differing(&self, other: &Self, schema: &Schema) -> Vec<String>;
}

impl Rows for Table {
    fn answers(&self) -> &Table {
        self
    }
    fn schema(&self, config: &Config) -> Result<(Schema, Vec<Decision>)> {
        Schema::infer(self, config)
    }
    fn keys(&self, rows: &[usize], schema: &Schema, seed: u64) -> Result<Vec<u64>> {
        Ok(split::row_keys(self, rows, &schema.cell_format, seed))
    }
    fn fit(
        &self,
        schema: &Schema,
        rows: &[usize],
        config: &Config,
        _: Option<&ArrayScale>,
    ) -> Result<(Pipeline, Vec<Decision>)> {
        Pipeline::fit(self, schema, rows, &config.preprocessing())
    }
    fn encode(&self, rows: &[usize], schema: &Schema, pipeline: &Pipeline, target: &Target) -> Result<Examples> {
        Examples::encode(self, rows, schema, pipeline, Some(target))
    }
    // Tables that stay on disk are read in chunks by `stream`.
    fn at_once(&self, _: &Config) -> Result<Option<usize>> {
        Ok(None)
    }
    fn differing(&self, other: &Self, schema: &Schema) -> Vec<String> {
        let differing = shift::differing(self, other, schema).into_iter();
        differing.map(|(distance, name)| format!("{name:?} (distance {distance:.2})")).collect()
    }
}

impl Rows for Arrays {
    fn answers(&self) -> &Table {
        &self.answers
    }
    fn schema(&self, config: &Config) -> Result<(Schema, Vec<Decision>)> {
        self.schema(config)
    }
    fn keys(&self, rows: &[usize], schema: &Schema, seed: u64) -> Result<Vec<u64>> {
        self.keys(rows, schema, seed)
    }
    fn fit(
        &self,
        schema: &Schema,
        rows: &[usize],
        config: &Config,
        like: Option<&ArrayScale>,
    ) -> Result<(Pipeline, Vec<Decision>)> {
        let options = config.preprocessing();
        if let Some(like) = like.filter(|like| options.normalise.is_none() && like.is_for(&self.shape)) {
            let decision = Decision {
                what: "values are scaled as in the model that training starts from".into(),
                why: "its network was trained on such".into(),
                instead: "[normalise=standard]".into(),
            };
            let scales = like.scales.clone();
            let array = ArrayScale { shape: self.shape.clone(), scales, media: self.media };
            return Ok((Pipeline::of_array(schema.cell_format.clone(), array), vec![decision]));
        }
        if self.on_disk.is_none() {
            return Pipeline::fit_arrays(self, schema, rows, &options);
        }
        let sample = memory::spread(rows, memory::examples_at_once(&config.data, self.width())?);
        let (pipeline, mut decisions) = Pipeline::fit_arrays(self, schema, &sample, &options)?;
        if sample.len() < rows.len() {
            decisions.push(Decision {
                what: format!("scales are those of {} sampled training examples", sample.len()),
                why: format!("{} stay on disk", rows.len()),
                instead: "[from_disk=false]".into(),
            });
        }
        Ok((pipeline, decisions))
    }
    fn encode(&self, rows: &[usize], _: &Schema, pipeline: &Pipeline, target: &Target) -> Result<Examples> {
        Examples::encode_arrays(self, rows, pipeline, Some(target))
    }
    fn at_once(&self, config: &Config) -> Result<Option<usize>> {
        let stay = self.on_disk.is_some() || config.data.from_disk == Some(true);
        stay.then(|| memory::examples_at_once(&config.data, self.width())).transpose()
    }
    fn differing(&self, _: &Self, _: &Schema) -> Vec<String> {
        Vec::new()
    }
}
