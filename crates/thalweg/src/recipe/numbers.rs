//! Embeddings of numbers: where a network gets them, and where the pieces of their functions meet.

use thalweg_kernels::pool;

use super::decide;
use super::facts::Facts;
use crate::config::NumberEmbedding;
use crate::data::preprocess::{Bins, Transform};
use crate::error::{Error, Result};
use crate::event::Decision;
use crate::layers::{BinnedInput, Layer, Node, Op, Periodic, PiecewiseLinear, lower};
use crate::model::Model;

/// The bins of each number by default, for classes and for numbers; and the training rows below which they hold too few
/// rows each.
const BINS: [usize; 2] = [256, 96];
pub(super) const FEWEST_ROWS: usize = 1_000;
/// The values that each number becomes; fewer where numbers are many, and none below the least.
const DIMENSION: usize = 16;
const LEAST_DIMENSION: usize = 4;
const MOST_VALUES: usize = 512;
/// Training rows whose quantiles are those of all.
const SAMPLE: usize = 100_000;
/// The frequencies of a periodic embedding, as in RealMLP.
const FREQUENCIES: usize = 16;

/// The layer that embeds numbers.
pub(super) enum NumberLayer {
    PiecewiseLinear(PiecewiseLinear),
    Periodic(Periodic),
}

impl NumberLayer {
    pub(super) fn layer(&self) -> Box<dyn Layer> {
        match self {
            NumberLayer::PiecewiseLinear(layer) => Box::new(layer.clone()),
            NumberLayer::Periodic(layer) => Box::new(layer.clone()),
        }
    }
}

/// The embedding of a table's numbers, if they get one.
///
/// # Errors
/// If training rows on disk cannot be read, or the network is one that has no numbers to embed.
pub(super) fn embedding(facts: &Facts, decisions: &mut Vec<Decision>) -> Result<Option<NumberLayer>> {
    let config = facts.config;
    let network = &config.network;
    if network.number_embedding.is_some() && !facts.table {
        let error =
            Error::config("images, sounds and sequences have no numbers to embed").at("network.number_embedding");
        return Err(error.fix("leave it out: it is for the columns of tables"));
    }
    match network.number_embedding {
        // Of values relative to those before, functions of bins would have no trend beyond the outermost.
        None if facts.forecast && config.preprocess.bins.is_none() => Ok(None),
        None if facts.first_edition || facts.linear || !network.layer.is_empty() => Ok(None),
        Some(NumberEmbedding::None) => Ok(None),
        Some(NumberEmbedding::Periodic) => Ok(periodic(facts).map(NumberLayer::Periodic)),
        None | Some(NumberEmbedding::PiecewiseLinear) => {
            Ok(piecewise_linear(facts, decisions)?.map(NumberLayer::PiecewiseLinear))
        }
    }
}

/// The values that each of so many numbers becomes, where that is not below the least.
fn dimension(inputs: &[usize]) -> usize {
    DIMENSION.min(MOST_VALUES / inputs.len().max(1))
}

fn periodic(facts: &Facts) -> Option<Periodic> {
    let inputs = numbers(facts);
    (!inputs.is_empty()).then(|| Periodic {
        dimension: dimension(&inputs).max(LEAST_DIMENSION),
        frequencies: FREQUENCIES,
        sigma: facts.config.network.periodic_sigma,
        inputs,
    })
}

fn piecewise_linear(facts: &Facts, decisions: &mut Vec<Decision>) -> Result<Option<PiecewiseLinear>> {
    let config = facts.config;
    if let Some(model) = facts.start {
        return Ok(known(model));
    }
    let inputs = numbers(facts);
    let dimension = dimension(&inputs);
    let usual = facts.rows >= FEWEST_ROWS && dimension >= LEAST_DIMENSION && !facts.course && !facts.fast;
    let some = usual || config.network.number_embedding.is_some();
    let bins = config.preprocess.bins.unwrap_or(if some { BINS[usize::from(!facts.task.is_classes())] } else { 0 });
    if bins == 0 || inputs.is_empty() {
        return Ok(None);
    }
    let rows = sample(facts)?;
    let width = facts.data.pipeline.width();
    let columns = pool::map(inputs.len(), |i| {
        let values: Vec<f64> = rows.iter().skip(inputs[i]).step_by(width).map(|x| f64::from(*x)).collect();
        // Inputs are numbers of 32 bits: so are the edges, or a frequent value would lie beside its own.
        let fitted = Bins::fit_values(&values, bins)?;
        let mut edges: Vec<f64> = fitted.edges.iter().map(|edge| f64::from(*edge as f32)).collect();
        edges.dedup();
        (edges.len() > 1).then_some(BinnedInput { input: inputs[i], edges })
    });
    let columns: Vec<BinnedInput> = columns.into_iter().flatten().collect();
    if columns.is_empty() {
        return Ok(None);
    }
    if config.preprocess.bins.is_none() {
        let most = columns.iter().map(BinnedInput::bins).max().unwrap_or_default();
        let what = format!(
            "{} numeric inputs become piecewise-linear functions of up to {most} bins, {dimension} values each",
            columns.len()
        );
        decide(decisions, what, facts.of_rows(), "[bins=0]");
    }
    Ok(Some(PiecewiseLinear { dimension: dimension.max(LEAST_DIMENSION), columns }))
}

/// The embedding of a model's numbers: its parameters belong to these edges.
fn known(model: &Model) -> Option<PiecewiseLinear> {
    fn first(nodes: &[Node]) -> Option<PiecewiseLinear> {
        nodes.iter().flat_map(|node| &node.ops).find_map(|op| match op {
            Op::PiecewiseLinear { dimension, columns } => {
                Some(PiecewiseLinear { dimension: *dimension, columns: columns.clone() })
            }
            Op::Branches { members } => members.first().and_then(|member| first(member)),
            _ => None,
        })
    }
    first(&lower("layers", model.network.layers(), model.network.input()).ok()?)
}

/// The inputs that are scaled numbers: the first of each numeric column, and all of a matrix.
fn numbers(facts: &Facts) -> Vec<usize> {
    let pipeline = &facts.data.pipeline;
    let is_number = |at: usize| {
        let input = pipeline.inputs.get(at);
        input.is_none_or(|input| matches!(input.transform, Transform::Numeric(_)))
    };
    let columns = pipeline.columns().unwrap_or_default().into_iter().enumerate();
    columns.filter(|(at, _)| is_number(*at)).map(|(_, column)| column.inputs.start).collect()
}

/// The inputs of evenly spaced training rows, row by row.
fn sample(facts: &Facts) -> Result<Vec<f32>> {
    let every = facts.rows.div_ceil(SAMPLE).max(1);
    let mut sample = Vec::new();
    for row in (0..facts.rows).step_by(every) {
        match &facts.data.on_disk {
            Some(file) => sample.extend(file.inputs(row)?),
            None => sample.extend_from_slice(&facts.data.parts.train.inputs(row)?),
        }
    }
    Ok(sample)
}
