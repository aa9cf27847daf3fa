//! A parsed graph, with lookup by tensor and verified constants.

use std::collections::HashMap;

use prost::Message;

use crate::export::onnx::proto::{self, DataType};
use crate::{Error, Result};

/// Maximum number of nodes.
const MOST_NODES: usize = 100_000;

/// A graph in which each tensor has one producer.
#[derive(Debug)]
pub(super) struct Graph {
    pub(super) nodes: Vec<proto::Node>,
    pub(super) inputs: Vec<proto::ValueInfo>,
    pub(super) outputs: Vec<String>,
    pub(super) metadata: HashMap<String, String>,
    /// The operator set version.
    pub(super) opset: i64,
    constants: HashMap<String, Constant>,
    makers: HashMap<String, usize>,
    users: HashMap<String, Vec<usize>>,
}

/// A constant tensor.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Constant {
    pub(super) dims: Vec<usize>,
    pub(super) numbers: Vec<f64>,
}

/// An error about the contents of a file.
pub(super) fn refused(what: impl Into<String>) -> Error {
    Error::data(what)
        .fix("import feed-forward and convolutional graphs made of the library's layers, whole in one file")
}

impl Graph {
    /// Parses a file.
    pub(super) fn read(bytes: &[u8]) -> Result<Graph> {
        let model = proto::Model::decode(bytes)
            .map_err(|error| refused(format!("the file is damaged, or is no ONNX model: {error}")))?;
        let opset = model.opset_import.iter().find(|set| set.domain.is_empty() || set.domain == "ai.onnx");
        let opset = opset.map_or(1, |set| set.version);
        let graph = model.graph.ok_or_else(|| refused("the file has no graph: it is damaged, or is no ONNX model"))?;
        if graph.node.len() > MOST_NODES {
            return Err(refused(format!("the graph has {} nodes, at most {MOST_NODES} are read", graph.node.len())));
        }
        let mut read = Graph {
            nodes: Vec::new(),
            inputs: Vec::new(),
            outputs: graph.output.into_iter().map(|output| output.name).collect(),
            metadata: model.metadata_props.into_iter().map(|entry| (entry.key, entry.value)).collect(),
            opset,
            constants: HashMap::new(),
            makers: HashMap::new(),
            users: HashMap::new(),
        };
        for tensor in &graph.initializer {
            read.add_constant(&tensor.name, tensor)?;
        }
        // Older files list initialisers among the inputs.
        read.inputs = graph.input.into_iter().filter(|input| !read.constants.contains_key(&input.name)).collect();
        for node in graph.node {
            match node.attribute.iter().find_map(|attribute| attribute.t.as_ref()) {
                Some(tensor) if node.op_type == "Constant" && node.output.len() == 1 => {
                    read.add_constant(&node.output[0], tensor)?;
                }
                _ => read.nodes.push(node),
            }
        }
        for (i, node) in read.nodes.iter().enumerate() {
            for output in node.output.iter().filter(|output| !output.is_empty()) {
                let taken =
                    read.constants.contains_key(output) || read.inputs.iter().any(|input| input.name == *output);
                if taken || read.makers.insert(output.clone(), i).is_some() {
                    return Err(refused(format!("the tensor {output:?} is made twice")));
                }
            }
            for input in &node.input {
                read.users.entry(input.clone()).or_default().push(i);
            }
        }
        Ok(read)
    }

    fn add_constant(&mut self, name: &str, tensor: &proto::Tensor) -> Result<()> {
        let wrong = |what: String| refused(format!("the constant {name:?} {what}"));
        if tensor.data_location != 0 || !tensor.external_data.is_empty() {
            return Err(wrong("is in another file, and nothing in a file is taken for a path".into()));
        }
        let dims: Option<Vec<usize>> = tensor.dims.iter().map(|&n| usize::try_from(n).ok()).collect();
        let size = dims.as_ref().and_then(|dims| dims.iter().try_fold(1_usize, |size, &n| size.checked_mul(n)));
        let (Some(dims), Some(size)) = (dims, size) else {
            return Err(wrong(format!("has the dimensions {:?}", tensor.dims)));
        };
        // Strings, such as class names, are ignored.
        let Some(numbers) = numbers(tensor) else { return Ok(()) };
        if numbers.len() != size {
            return Err(wrong(format!("has {} numbers, its dimensions {dims:?} say {size}", numbers.len())));
        }
        if self.constants.insert(name.into(), Constant { dims, numbers }).is_some() {
            return Err(wrong("is there twice".into()));
        }
        Ok(())
    }

    /// A constant by name.
    pub(super) fn constant(&self, name: &str) -> Option<&Constant> {
        self.constants.get(name)
    }

    /// The node that produces a tensor.
    pub(super) fn maker(&self, tensor: &str) -> Option<&proto::Node> {
        Some(&self.nodes[*self.makers.get(tensor)?])
    }

    /// The indices of the nodes that use a tensor; one that uses it twice is listed twice.
    pub(super) fn users(&self, tensor: &str) -> &[usize] {
        self.users.get(tensor).map_or(&[], Vec::as_slice)
    }
}

fn numbers(tensor: &proto::Tensor) -> Option<Vec<f64>> {
    let raw = &tensor.raw_data;
    let four = || raw.as_chunks::<4>().0.iter();
    let eight = || raw.as_chunks::<8>().0.iter();
    Some(match DataType::try_from(tensor.data_type).ok()? {
        DataType::Float if raw.is_empty() => tensor.float_data.iter().map(|&x| f64::from(x)).collect(),
        DataType::Float if raw.len().is_multiple_of(4) => four().map(|x| f64::from(f32::from_le_bytes(*x))).collect(),
        DataType::Double if raw.is_empty() => tensor.double_data.clone(),
        DataType::Double if raw.len().is_multiple_of(8) => eight().map(|x| f64::from_le_bytes(*x)).collect(),
        DataType::Int64 if raw.is_empty() => tensor.int64_data.iter().map(|&x| x as f64).collect(),
        DataType::Int64 if raw.len().is_multiple_of(8) => eight().map(|x| i64::from_le_bytes(*x) as f64).collect(),
        DataType::Int32 if raw.is_empty() => tensor.int32_data.iter().map(|&x| f64::from(x)).collect(),
        DataType::Int32 if raw.len().is_multiple_of(4) => four().map(|x| f64::from(i32::from_le_bytes(*x))).collect(),
        DataType::Bool if raw.is_empty() => tensor.int32_data.iter().map(|&x| f64::from(x)).collect(),
        DataType::Bool => raw.iter().map(|&x| f64::from(x)).collect(),
        _ => return None,
    })
}

/// Attributes of a node.
pub(super) trait NodeAttributes {
    /// An integer.
    fn int(&self, name: &str) -> Option<i64>;
    /// A float.
    fn float(&self, name: &str) -> Option<f64>;
    /// Integers.
    fn ints(&self, name: &str) -> Option<&[i64]>;
    /// A string.
    fn text(&self, name: &str) -> Option<&str>;
    /// The name of an input that is present.
    fn given(&self, i: usize) -> Option<&str>;
    /// Its name in errors.
    fn place(&self) -> String;
}

impl NodeAttributes for proto::Node {
    fn int(&self, name: &str) -> Option<i64> {
        self.attribute.iter().find(|attribute| attribute.name == name)?.i
    }

    fn float(&self, name: &str) -> Option<f64> {
        self.attribute.iter().find(|attribute| attribute.name == name)?.f.map(f64::from)
    }

    fn ints(&self, name: &str) -> Option<&[i64]> {
        Some(self.attribute.iter().find(|attribute| attribute.name == name)?.ints.as_slice())
    }

    fn text(&self, name: &str) -> Option<&str> {
        let attribute = self.attribute.iter().find(|attribute| attribute.name == name)?;
        std::str::from_utf8(attribute.s.as_deref()?).ok()
    }

    fn given(&self, i: usize) -> Option<&str> {
        self.input.get(i).map(String::as_str).filter(|name| !name.is_empty())
    }

    fn place(&self) -> String {
        match self.name.as_str() {
            "" => format!("the {} that makes {:?}", self.op_type, self.output.first().map_or("", String::as_str)),
            name => format!("the {} {name:?}", self.op_type),
        }
    }
}
