//! What Thalweg decides for clips: the network for images on each frame, and a recurrent layer over the frames.

use super::facts::Facts;
use super::{decide, images};
use crate::error::Result;
use crate::event::Decision;
use crate::layers::{Frames, Gru, Layer, Padding, Pair, Pool2d, Pooling};
use crate::tensor::Shape;

/// The units of the recurrent layer.
const UNITS: usize = 64;

/// The most places along a side of a frame that the recurrent layer tells apart.
const GRID: usize = 4;

/// The hidden layers for clips: none where the configuration has layers of its own, or the data is no clips.
///
/// # Errors
/// If there is no such activation.
pub(super) fn layers(facts: &Facts, decisions: &mut Vec<Decision>) -> Result<Option<Vec<Box<dyn Layer>>>> {
    let (Some(frame), true) = (facts.image, facts.frames > 1) else { return Ok(None) };
    let Some(mut layers) = images::layers(facts, decisions)? else { return Ok(None) };
    // Where something is must be left for how it moves: a grid of means in place of the mean of all.
    layers.pop();
    let end = layers.iter().try_fold(Shape::from(frame), |shape, layer| layer.output(shape))?;
    let windows = [0, 1].map(|axis| end.dimensions()[axis].div_ceil(GRID));
    if windows != [1, 1] {
        let size = Some(Pair::Each(windows));
        layers.push(Box::new(Pool2d { take: Pooling::AverageWithin, size, stride: None, padding: Padding::Same }));
    }
    decide(
        decisions,
        format!("a recurrent layer (GRU) of {UNITS} units over {} frames", facts.frames),
        "the order of frames tells what moves where".into(),
        "[[network.layer]]",
    );
    Ok(Some(vec![Box::new(Frames::new(facts.frames, layers)), Box::new(Gru::new(UNITS))]))
}
