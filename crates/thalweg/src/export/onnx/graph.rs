//! A graph under construction: nodes and constants with readable names.

use std::collections::HashSet;

use super::proto::{
    Attribute, AttributeType, DataType, Dimension, Node, Tensor, TensorShape, TensorType, Type, ValueInfo,
};

/// Nodes in the order in which they run, and constants.
#[derive(Debug, Default)]
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    pub(super) constants: Vec<Tensor>,
    pub(super) inputs: Vec<ValueInfo>,
    pub(super) outputs: Vec<ValueInfo>,
    /// The names requested for inputs, and for outputs.
    wanted: Vec<String>,
    wanted_outputs: Vec<String>,
    names: HashSet<String>,
}

/// The domain of the classical machine-learning operators; the default domain has no name.
pub(super) const ML: &str = "ai.onnx.ml";

impl Graph {
    /// A name not used yet: the one requested, or the same with a number.
    fn unique(&mut self, wanted: &str) -> String {
        let free = |name: &String| !self.names.contains(name) && !name.is_empty();
        let numbered = (1..).map(|n| format!("{wanted}_{n}"));
        let name = std::iter::once(wanted.to_string()).chain(numbered).find(free).expect("numbers do not end");
        self.names.insert(name.clone());
        name
    }

    /// Adds an input of n rows with these dimensions each; returns its name.
    pub(super) fn input(&mut self, name: &str, kind: DataType, dimensions: &[usize], meaning: &str) -> String {
        self.wanted.push(name.into());
        let name = self.unique(name);
        self.inputs.push(value(&name, kind, dimensions, meaning));
        name
    }

    /// The name and type of the input for which a name was requested.
    pub(super) fn input_of(&self, wanted: &str) -> Option<(&str, DataType)> {
        let input = &self.inputs[self.wanted.iter().position(|name| name == wanted)?];
        let tensor = input.r#type.as_ref()?.tensor_type.as_ref()?;
        Some((&input.name, tensor.elem_type()))
    }

    /// Adds an output of n rows with these dimensions each; returns its name.
    pub(super) fn output(
        &mut self,
        wanted: &str,
        of: &str,
        kind: DataType,
        dimensions: &[usize],
        meaning: &str,
    ) -> String {
        let name = self.unique(wanted);
        match self.nodes.iter_mut().find(|node| node.output[0] == of) {
            Some(node) => node.output[0].clone_from(&name),
            // The output is an input itself.
            None => {
                self.node("Identity", "Identity", [of], Vec::new());
                self.nodes.last_mut().expect("there is one now").output[0].clone_from(&name);
            }
        }
        let is_input = self.inputs.iter().any(|input| input.name == of);
        for input in self.nodes.iter_mut().flat_map(|node| &mut node.input).filter(|input| !is_input && *input == of) {
            input.clone_from(&name);
        }
        self.wanted_outputs.push(wanted.into());
        self.outputs.push(value(&name, kind, dimensions, meaning));
        name
    }

    /// The name of the output for which a name was requested.
    pub(super) fn output_of(&self, wanted: &str) -> Option<&str> {
        Some(&self.outputs[self.wanted_outputs.iter().position(|name| name == wanted)?].name)
    }

    /// Adds a node of the default domain; returns the name of its output, which is its own.
    pub(super) fn node<const N: usize>(
        &mut self,
        name: &str,
        operator: &str,
        inputs: [&str; N],
        attributes: Vec<Attribute>,
    ) -> String {
        self.node_of("", name, operator, &inputs, attributes)
    }

    /// Adds a node of a domain.
    pub(super) fn node_of(
        &mut self,
        domain: &str,
        name: &str,
        operator: &str,
        inputs: &[&str],
        attributes: Vec<Attribute>,
    ) -> String {
        let name = self.unique(name);
        self.nodes.push(Node {
            input: inputs.iter().map(|input| input.to_string()).collect(),
            output: vec![name.clone()],
            name: name.clone(),
            op_type: operator.into(),
            attribute: attributes,
            domain: domain.into(),
        });
        name
    }

    /// Adds a constant of 32-bit floats.
    pub(super) fn floats(
        &mut self,
        name: &str,
        dimensions: &[usize],
        numbers: impl IntoIterator<Item = f64>,
    ) -> String {
        self.numbers(DataType::Float, name, dimensions, numbers)
    }

    /// Adds a constant of 32-bit or 64-bit floats.
    pub(super) fn numbers(
        &mut self,
        kind: DataType,
        name: &str,
        dimensions: &[usize],
        numbers: impl IntoIterator<Item = f64>,
    ) -> String {
        let numbers = numbers.into_iter();
        let bytes = match kind {
            DataType::Double => numbers.flat_map(f64::to_le_bytes).collect(),
            _ => numbers.flat_map(|x| (x as f32).to_le_bytes()).collect(),
        };
        self.raw(name, kind, dimensions, bytes)
    }

    /// Adds a list of integers.
    pub(super) fn integers(&mut self, name: &str, numbers: &[i64]) -> String {
        let bytes = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.raw(name, DataType::Int64, &[numbers.len()], bytes)
    }

    /// Adds an integer scalar.
    pub(super) fn integer(&mut self, name: &str, number: i64) -> String {
        self.raw(name, DataType::Int64, &[], number.to_le_bytes().to_vec())
    }

    /// Concatenates parts along their columns; a single part is returned as it is.
    pub(super) fn joined(&mut self, name: &str, parts: &[String]) -> String {
        match parts {
            [part] => part.clone(),
            _ => {
                let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
                self.node_of("", name, "Concat", &parts, vec![int("axis", 1)])
            }
        }
    }

    /// Adds a list of strings.
    pub(super) fn texts(&mut self, name: &str, texts: &[String]) -> String {
        let name = self.unique(name);
        self.constants.push(Tensor {
            dims: vec![texts.len() as i64],
            data_type: DataType::String.into(),
            string_data: texts.iter().map(|text| text.clone().into_bytes()).collect(),
            name: name.clone(),
            ..Tensor::default()
        });
        name
    }

    /// Adds a constant of 8-bit integers.
    pub(super) fn bytes(&mut self, name: &str, kind: DataType, dimensions: &[usize], bytes: Vec<u8>) -> String {
        self.raw(name, kind, dimensions, bytes)
    }

    fn raw(&mut self, name: &str, kind: DataType, dimensions: &[usize], bytes: Vec<u8>) -> String {
        let name = self.unique(name);
        self.constants.push(Tensor {
            dims: dimensions.iter().map(|&n| n as i64).collect(),
            data_type: kind.into(),
            raw_data: bytes,
            name: name.clone(),
            ..Tensor::default()
        });
        name
    }
}

/// A value of n rows with these dimensions each.
pub(super) fn value(name: &str, kind: DataType, dimensions: &[usize], meaning: &str) -> ValueInfo {
    let rows = Dimension { dim_value: None, dim_param: Some("rows".into()) };
    let each = dimensions.iter().map(|&n| Dimension { dim_value: Some(n as i64), dim_param: None });
    let shape = TensorShape { dim: std::iter::once(rows).chain(each).collect() };
    let tensor = TensorType { elem_type: kind.into(), shape: Some(shape) };
    ValueInfo { name: name.into(), r#type: Some(Type { tensor_type: Some(tensor) }), doc_string: meaning.into() }
}

/// An integer attribute.
pub(super) fn int(name: &str, i: usize) -> Attribute {
    signed(name, i as i64)
}

/// An integer attribute that may be negative.
pub(super) fn signed(name: &str, i: i64) -> Attribute {
    Attribute { i: Some(i), ..attribute(name, AttributeType::Int) }
}

/// A float attribute.
pub(super) fn float(name: &str, f: f64) -> Attribute {
    Attribute { f: Some(f as f32), ..attribute(name, AttributeType::Float) }
}

/// An attribute of several integers.
pub(super) fn ints(name: &str, ints: &[usize]) -> Attribute {
    Attribute { ints: ints.iter().map(|&i| i as i64).collect(), ..attribute(name, AttributeType::Ints) }
}

/// An attribute of several floats.
pub(super) fn floats(name: &str, floats: &[f32]) -> Attribute {
    Attribute { floats: floats.to_vec(), ..attribute(name, AttributeType::Floats) }
}

/// A string attribute.
pub(super) fn text(name: &str, text: &str) -> Attribute {
    Attribute { s: Some(text.as_bytes().to_vec()), ..attribute(name, AttributeType::String) }
}

/// An attribute of several strings.
pub(super) fn strings<T: AsRef<str>>(name: &str, texts: &[T]) -> Attribute {
    let strings = texts.iter().map(|text| text.as_ref().as_bytes().to_vec()).collect();
    Attribute { strings, ..attribute(name, AttributeType::Strings) }
}

/// The target type of a `Cast`.
pub(super) fn to(kind: DataType) -> Vec<Attribute> {
    vec![signed("to", i64::from(i32::from(kind)))]
}

fn attribute(name: &str, kind: AttributeType) -> Attribute {
    Attribute { name: name.into(), r#type: kind.into(), ..Attribute::default() }
}
