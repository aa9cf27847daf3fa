//! What Thalweg decides for clips: the network for images on each frame, and a recurrent layer for their order.

use super::facts::Facts;
use super::{decide, images};
use crate::error::Result;
use crate::event::Decision;
use crate::layers::{Frames, Gru, Layer};

/// The units of the recurrent layer.
const UNITS: usize = 64;

/// The hidden layers for clips: none where the configuration has layers of its own, or the data is no clips.
///
/// # Errors
/// If there is no such activation.
pub(super) fn layers(facts: &Facts, decisions: &mut Vec<Decision>) -> Result<Option<Vec<Box<dyn Layer>>>> {
    if facts.frames == 1 {
        return Ok(None);
    }
    let Some(frame) = images::layers(facts, decisions)? else { return Ok(None) };
    decide(
        decisions,
        format!("a gated recurrent unit (GRU) of {UNITS} states over the {} frames", facts.frames),
        "what moves shows in their order".into(),
        "[[network.layer]]",
    );
    Ok(Some(vec![Box::new(Frames::new(facts.frames, frame)), Box::new(Gru::new(UNITS))]))
}
