//! ONNX: the whole model as a graph, raw columns in and answers out.
//!
//! The graph is run before it is returned: if its answers differ from the model's, no file is written.

mod activation;
mod answers;
mod categories;
mod dates;
mod graph;
mod interpret;
mod operations;
mod preprocess;
pub(crate) mod proto;
mod reduce;
mod rows;
mod sequence;
#[cfg(test)]
mod tests;
mod value;
mod verify;

use prost::Message;

pub(crate) use self::activation::SELU;

use self::graph::{Graph, ML};
use super::{ExportOptions, Exported, Format, Precision, Regions};
use crate::Result;
use crate::event::Decision;
use crate::layers::{Node, Op};
use crate::model::Model;

/// The entry in the registry.
pub(super) const FORMAT: Format = Format {
    name: "onnx",
    extension: "onnx",
    meaning: "ONNX, with all preprocessing, for ONNX Runtime and others",
    fewer_bits: true,
    folder: None,
    write,
};

/// The version of the default operators: the first with a `Gelu`.
const OPERATORS: i64 = 20;
/// The version of the classical machine-learning operators.
const ML_OPERATORS: i64 = 3;
/// The version of the format released with those.
const IR: i64 = 9;

/// A model as a graph.
struct Written {
    graph: Graph,
    /// The number of nodes that compute the network's input.
    preprocess: usize,
    /// The network's input.
    x: value::Value,
    answers: answers::GraphOutputs,
    /// The intervals or sets that it answers with, too.
    regions: Option<Regions>,
}

fn write(model: &Model, options: &ExportOptions) -> Result<Exported> {
    let nodes = model.network.lower()?;
    let (mut written, mut decisions) = graph(model, &nodes, options.regions(&model.target)?)?;
    let mut verification = verify::verify(model, &written)?;
    verification.in_32_bits = options.precision != Precision::F32;
    let (reduced, loss) = reduce::reduce(model, &mut written, options)?;
    decisions.extend(reduced);
    let bytes = file(model, &nodes, written.graph, written.x.name).encode_to_vec();
    Ok(Exported { bytes, sidecars: Vec::new(), decisions, verification: Some(verification), loss })
}

/// The graph of a model's nodes, and the decisions made.
fn graph(model: &Model, nodes: &[Node], regions: Option<Regions>) -> Result<(Written, Vec<Decision>)> {
    let mut graph = Graph::default();
    let (x, decisions) = preprocess::write(&mut graph, &model.pipeline, model.network.input())?;
    let preprocess = graph.nodes.len();
    let y = operations::write(&mut graph, model, None, nodes, x.clone());
    let z = graph.row("answers", &y);
    let answers = answers::write(&mut graph, &model.target, &z, preprocess::needs_double, regions.as_ref());
    Ok((Written { graph, preprocess, x, answers, regions }, decisions))
}

/// The file of a graph whose network begins at x.
fn file(model: &Model, nodes: &[Node], graph: Graph, x: String) -> proto::Model {
    let provenance = &model.provenance;
    fn json(value: &impl serde::Serialize) -> String {
        serde_json::to_string(value).expect("it is plain data")
    }
    let mut metadata = vec![
        ("thalweg.version", env!("CARGO_PKG_VERSION").to_string()),
        ("thalweg.trained_by", provenance.thalweg.clone()),
        ("thalweg.task", model.target.task.to_string()),
        ("thalweg.targets", json(&model.target.columns)),
        ("thalweg.classes", json(&model.target.classes)),
        ("thalweg.data", provenance.data.clone()),
        ("thalweg.hashes", json(&provenance.hashes)),
        ("thalweg.seed", provenance.seed.to_string()),
    ];
    metadata.push(("thalweg.network_input", x));
    metadata.push(("thalweg.network_shape", json(&model.network.input())));
    // On import, a sample rate cannot be recovered from the constants.
    let log_mel = |op: &Op| if let Op::LogMel(options) = op { Some(serde_json::json!(options)) } else { None };
    if let Some(options) = nodes.iter().flat_map(|node| &node.ops).find_map(log_mel) {
        metadata.push(("thalweg.log_mel", options.to_string()));
    }
    if let Some(spec) = model.pipeline.media() {
        metadata.push(("thalweg.form", json(&spec)));
    }
    let entry = |(key, value): (&str, String)| proto::StringEntry { key: key.into(), value };
    proto::Model {
        metadata_props: metadata.into_iter().map(entry).collect(),
        ..of_graph(graph.nodes, graph.constants, graph.inputs, graph.outputs)
    }
}

/// Nodes and constants as a file.
fn of_graph(
    node: Vec<proto::Node>,
    initializer: Vec<proto::Tensor>,
    input: Vec<proto::ValueInfo>,
    output: Vec<proto::ValueInfo>,
) -> proto::Model {
    let operators = |domain: &str, version| proto::OperatorSet { domain: domain.into(), version };
    let mut opset_import = vec![operators("", OPERATORS)];
    if node.iter().any(|node| node.domain == ML) {
        opset_import.push(operators(ML, ML_OPERATORS));
    }
    proto::Model {
        ir_version: IR,
        producer_name: "thalweg".into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        graph: Some(proto::Graph { node, name: "thalweg".into(), initializer, input, output, ..Default::default() }),
        opset_import,
        metadata_props: Vec::new(),
    }
}
