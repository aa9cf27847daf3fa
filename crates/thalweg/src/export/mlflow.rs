//! MLflow: a folder that `mlflow models serve` and `mlflow.pyfunc.load_model` take.
//!
//! It holds the ONNX graph, which takes and gives a table here: MLflow hands over each column as a vector and makes a table
//! of vectors, where the graph alone has matrices of one column and of all probabilities.

use prost::Message;

use super::onnx::proto::{self, Dimension, Graph, Node, Tensor, TensorShape, ValueInfo};
use super::{ExportOptions, Exported, Format, onnx};
use crate::error::{Error, Result};
use crate::model::Model;

/// The entry in the registry.
pub(super) const FORMAT: Format = Format {
    name: "mlflow",
    extension: "mlflow",
    meaning: "a folder for MLflow, around the ONNX graph",
    fewer_bits: true,
    folder: Some("MLmodel"),
    write,
};

const GRAPH: &str = "model.onnx";
/// Versions that the graph was tried with.
const REQUIREMENTS: &str = "mlflow\nonnx>=1.16\nonnxruntime>=1.18\npandas\n";
const ENVIRONMENT: &str = "python: \">=3.10\"\nbuild_dependencies:\n- pip\ndependencies:\n- -r requirements.txt\n";

fn write(model: &Model, options: &ExportOptions) -> Result<Exported> {
    let exported = (onnx::FORMAT.write)(model, options)?;
    let mut file = proto::Model::decode(&exported.bytes[..]).map_err(|error| Error::internal(error.to_string()))?;
    if let Some(graph) = &mut file.graph {
        by_columns(graph, &model.target.classes);
    }
    let sidecars = vec![
        (GRAPH, file.encode_to_vec()),
        ("requirements.txt", REQUIREMENTS.into()),
        ("python_env.yaml", ENVIRONMENT.into()),
    ];
    Ok(Exported { bytes: describe().into_bytes(), sidecars, ..exported })
}

/// What MLflow reads first.
fn describe() -> String {
    format!(
        "flavors:\n  onnx:\n    data: {GRAPH}\n    onnx_version: '1.16'\n    providers:\n    - CPUExecutionProvider\n  \
         python_function:\n    data: {GRAPH}\n    env:\n      virtualenv: python_env.yaml\n    loader_module: \
         mlflow.onnx\n    python_version: '3.11'\nmlflow_version: '2.0'\n"
    )
}

/// Makes vectors of inputs and outputs that are matrices of one column, and a vector of each column of the others.
///
/// A lone input stays: MLflow hands the whole table over as one matrix then.
fn by_columns(graph: &mut Graph, classes: &[String]) {
    let column = constant("one column", vec![-1, 1]);
    let row = constant("one row", vec![-1]);
    graph.initializer.extend([column, row]);
    if graph.input.len() > 1 {
        let mut reshaped = Vec::new();
        for input in &mut graph.input {
            let matrix = format!("{} as a column", input.name);
            let uses = graph.node.iter_mut().flat_map(|node| &mut node.input).filter(|name| **name == input.name);
            uses.for_each(|name| name.clone_from(&matrix));
            reshaped.push(node("Reshape", &[&input.name, "one column"], &[&matrix]));
            as_vector(input);
        }
        graph.node.splice(0..0, reshaped);
    }
    let mut outputs = Vec::new();
    for mut output in std::mem::take(&mut graph.output) {
        let columns = width(&output);
        if columns.is_none_or(|n| n == 1) {
            let matrix = format!("{} as a matrix", output.name);
            rename(graph, &output.name, &matrix);
            graph.node.push(node("Reshape", &[&matrix, "one row"], &[&output.name]));
            as_vector(&mut output);
            outputs.push(output);
            continue;
        }
        for at in 0..columns.unwrap_or(0) {
            let of = classes.get(at).map_or_else(|| at.to_string(), Clone::clone);
            let (index, name) = (format!("column {at}"), format!("{}_{of}", output.name));
            graph.initializer.push(Tensor { dims: Vec::new(), ..constant(&index, vec![at as i64]) });
            let mut gather = node("Gather", &[&output.name, &index], &[&name]);
            gather.attribute.push(proto::Attribute {
                name: "axis".into(),
                i: Some(1),
                r#type: proto::AttributeType::Int.into(),
                ..Default::default()
            });
            graph.node.push(gather);
            let mut one = ValueInfo { name, ..output.clone() };
            as_vector(&mut one);
            outputs.push(one);
        }
    }
    graph.output = outputs;
}

/// Whatever is computed or used by a name has another one from now on.
fn rename(graph: &mut Graph, name: &str, new: &str) {
    for node in &mut graph.node {
        for place in node.input.iter_mut().chain(&mut node.output).filter(|place| *place == name) {
            *place = new.into();
        }
    }
}

/// The columns of a matrix; none for what is no matrix.
fn width(value: &ValueInfo) -> Option<usize> {
    let shape = value.r#type.as_ref()?.tensor_type.as_ref()?.shape.as_ref()?;
    match &shape.dim[..] {
        [_, Dimension { dim_value: Some(width), .. }] => usize::try_from(*width).ok(),
        _ => None,
    }
}

fn as_vector(value: &mut ValueInfo) {
    let tensor = value.r#type.as_mut().and_then(|kind| kind.tensor_type.as_mut());
    if let Some(TensorShape { dim }) = tensor.and_then(|tensor| tensor.shape.as_mut()) {
        dim.truncate(1);
    }
}

fn constant(name: &str, int64_data: Vec<i64>) -> Tensor {
    let data_type = proto::DataType::Int64.into();
    Tensor { name: name.into(), dims: vec![int64_data.len() as i64], data_type, int64_data, ..Default::default() }
}

fn node(operator: &str, input: &[&str], output: &[&str]) -> Node {
    let named = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    Node { op_type: operator.into(), input: named(input), output: named(output), ..Default::default() }
}
