//! Log-mel spectra in graphs of our own export: a convolution with sinusoids, squared and weighted by triangles and
//! cosines.
//!
//! The options are in the graph's metadata; the graph's constants must match them value by value.

use super::flow::Flow;
use super::graph::{Constant, Graph, NodeAttributes};
use super::layer_builder::ImportedLayer;
use crate::export::onnx::proto::Node;
use crate::layers::{Layer, LogMel, LogMelOptions};

/// The metadata key of the options.
const KEY: &str = "thalweg.log_mel";

/// The spectrum formed by the users of a sound, its output, and the nodes it covers.
pub(super) fn read(graph: &Graph, x: &Flow, users: &[usize]) -> Option<(ImportedLayer, Flow, Vec<usize>)> {
    let [_] = *users else { return None };
    let options: LogMelOptions = serde_json::from_str(graph.metadata.get(KEY)?).ok()?;
    let layer = LogMel::from(options.clone());
    let shape = layer.output(x.shape).ok()?;
    let (bands, [frames, width, _]) = (options.bands(), *shape.dimensions().first_chunk()?);
    let (waves, numbers) = (2 * bands.bins().len(), bands.window);

    let mut path = Path { graph, nodes: Vec::new(), at: x.name.as_str() };
    let transform = path.step("Conv")?;
    let filters = path.constant(transform, 1);
    // The file has as many values as are computed here.
    let large_enough = filters.is_some_and(|filters| filters.dims == [waves, 1, numbers]);
    let plain = transform.ints("strides") == Some(&[bands.hop as i64]) && transform.input.len() == 2;
    if !large_enough || !plain || !same(filters, bands.waves()) {
        return None;
    }
    path.step("Mul")?;
    let power = path.step("Conv")?;
    let offsets = vec![options.offset; bands.bands];
    if !same(path.constant(power, 1), bands.triangles_of_squares()) || !same(path.constant(power, 2), offsets) {
        return None;
    }
    path.step("Log")?;
    if bands.coefficients.is_some() {
        let cosines = path.step("Conv")?;
        if !same(path.constant(cosines, 1), bands.cosines()) {
            return None;
        }
    }
    path.step("Transpose")?;
    path.step("Reshape")?;
    let flow = Flow::channels_first(path.at, shape, vec![1, frames, width]);
    Some((ImportedLayer::new(layer, Vec::new()), flow, path.nodes))
}

/// Whether a constant has these values, in 32 bits.
fn same(constant: Option<&Constant>, numbers: Vec<f64>) -> bool {
    let in_32_bits = numbers.iter().map(|&x| f64::from(x as f32));
    constant.is_some_and(|constant| constant.numbers.iter().copied().eq(in_32_bits))
}

/// A chain of nodes.
struct Path<'a> {
    graph: &'a Graph,
    nodes: Vec<usize>,
    at: &'a str,
}

impl<'a> Path<'a> {
    /// Advances over the next node, if it is of the given kind.
    fn step(&mut self, kind: &str) -> Option<&'a Node> {
        let (&user, others) = self.graph.users(self.at).split_first()?;
        let node = &self.graph.nodes[user];
        if node.op_type != kind || others.iter().any(|&other| other != user) {
            return None;
        }
        self.nodes.push(user);
        self.at = node.output.first()?;
        Some(node)
    }

    /// One of a node's constants.
    fn constant(&self, node: &Node, i: usize) -> Option<&'a Constant> {
        self.graph.constant(node.given(i)?)
    }
}
