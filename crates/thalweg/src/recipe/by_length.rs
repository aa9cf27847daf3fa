//! Whether mini-batches are of sequences of like lengths, so that fewer steps of padding are computed.

use super::decide;
use super::facts::Facts;
use crate::error::{Error, Result};
use crate::event::Decision;
use crate::network::Network;
use crate::tensor::View;
use crate::train::epoch_order;

/// Training examples below which batches by length would be too much alike, and take no time anyway.
const MIN_ROWS: usize = 1_000;
/// The share of steps that it must save.
const WORTHWHILE: f64 = 0.1;

/// The length of each training example, if mini-batches are to be by length.
///
/// # Errors
/// If that is asked for and examples have no lengths, or are not in memory.
pub(super) fn lengths(
    facts: &Facts,
    network: &Network,
    batch_size: usize,
    decisions: &mut Vec<Decision>,
) -> Result<Option<Vec<u32>>> {
    let asked = facts.config.train.group_by_length;
    if asked == Some(false) || asked.is_none() && facts.rows < MIN_ROWS {
        return Ok(None);
    }
    let in_memory = facts.data.on_disk.is_none();
    let rows = &facts.data.parts.train;
    let x = || View::from_f32(network.input().batch(rows.rows), &rows.x);
    let lengths = Some(x).filter(|_| in_memory).and_then(|x| network.lengths(x()));
    let Some(lengths) = lengths else {
        let what = if in_memory { "all examples have the same length" } else { "examples are read from disk" };
        let error = Error::config(format!("mini-batches by length, but {what}")).at("train.group_by_length");
        return if asked.is_some() { Err(error.fix("leave [group_by_length] out")) } else { Ok(None) };
    };
    let computed = |lengths_known| {
        let order = epoch_order((lengths.len(), lengths_known), batch_size, facts.config.train.seed, 1);
        let longest = |batch: &[u32]| batch.iter().map(|&i| lengths[i as usize].max(1)).max().unwrap_or(0);
        order.chunks(batch_size.max(1)).map(|batch| batch.len() as f64 * f64::from(longest(batch))).sum::<f64>()
    };
    let saved = 1.0 - computed(Some(&lengths[..])) / computed(None);
    if asked.is_none() && saved < WORTHWHILE {
        return Ok(None);
    }
    let ends = lengths.iter().min().zip(lengths.iter().max()).unwrap_or((&0, &0));
    let why = format!("{} to {} steps; {:.0} % less of them is computed", ends.0, ends.1, 100.0 * saved);
    decide(decisions, "mini-batches of examples of like lengths".into(), why, "[group_by_length=false]");
    Ok(Some(lengths))
}
