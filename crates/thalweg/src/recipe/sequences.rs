//! What Thalweg decides for sequences of a table's rows: convolutions that see patterns of some steps, a recurrent layer that
//! sees what comes before and after each, and a mean of its states by learned weights.

use super::facts::Facts;
use super::{decide, images};
use crate::error::Result;
use crate::event::Decision;
use crate::layers::{Activate, Conv1d, Gathering, Gru, Layer, LayerNorm, PoolOverTime, Return, Sequence};
use crate::tensor::Activation;

/// Filters and steps of each convolution.
const CONVOLUTIONS: [(usize, usize); 2] = [(32, 7), (64, 5)];

/// The units of the recurrent layer, in each direction.
const UNITS: usize = 48;

/// The hidden layers for sequences: none where the configuration has layers of its own, or the data is no sequences.
///
/// # Errors
/// If there is no such activation.
pub(super) fn layers(facts: &Facts, decisions: &mut Vec<Decision>) -> Result<Option<Vec<Box<dyn Layer>>>> {
    if !(facts.sequences && facts.convolutions) {
        return Ok(None);
    }
    let activation = images::activation(facts.config)?;
    let mut layers: Vec<Box<dyn Layer>> = Vec::new();
    for (filters, kernel) in CONVOLUTIONS {
        let init = Some(images::init(activation));
        layers.push(Box::new(Conv1d { init, ..Conv1d::new(filters, kernel, Activation::Identity) }));
        layers.push(Box::new(LayerNorm { axes: Some(1), ..LayerNorm::default() }));
        layers.push(Box::new(Activate { activation }));
    }
    layers.push(Box::new(Gru { bidirectional: true, returns: Return::All, ..Gru::new(UNITS) }));
    layers.push(Box::new(PoolOverTime { take: Gathering::Attention }));
    decide(
        decisions,
        format!(
            "convolutions over the steps, a recurrent layer (GRU) of {UNITS} units each way, and attention pooling"
        ),
        "patterns of steps and their order may tell".into(),
        "[layers=128,64] (a dense network), or [[network.layer]]",
    );
    Ok(Some(vec![Box::new(Sequence::new(layers))]))
}
