//! A graph in the making: nodes and constants with names that can be read.

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
    /// What inputs wanted to be called.
    wanted: Vec<String>,
    names: HashSet<String>,
}

/// The domain of the operators of classical machine learning; the default one has no name.
pub(super) const ML: &str = "ai.onnx.ml";

impl Graph {
    /// A name that nothing has yet: the wanted one, or the same with a number.
    fn unique(&mut self, wanted: &str) -> String {
        let free = |name: &String| !self.names.contains(name) && !name.is_empty();
        let numbered = (1..).map(|n| format!("{wanted}_{n}"));
        let name = std::iter::once(wanted.to_string()).chain(numbered).find(free).expect("numbers do not end");
        self.names.insert(name.clone());
        name
    }

    /// An input of n rows with these dimensions each.
    pub(super) fn input(&mut self, name: &str, kind: DataType, dimensions: &[usize], meaning: &str) -> String {
        self.wanted.push(name.into());
        let name = self.unique(name);
        self.inputs.push(value(&name, kind, dimensions, meaning));
        name
    }

    /// The name and type of the input that wanted a name.
    pub(super) fn input_of(&self, wanted: &str) -> Option<(&str, DataType)> {
        let input = &self.inputs[self.wanted.iter().position(|name| name == wanted)?];
        let tensor = input.r#type.as_ref()?.tensor_type.as_ref()?;
        Some((&input.name, tensor.elem_type()))
    }

    /// An output of n rows with these dimensions each, under a name of its own.
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
            // Nothing is done to an input.
            None => {
                self.node("Identity", "Identity", [of], Vec::new());
                self.nodes.last_mut().expect("there is one now").output[0].clone_from(&name);
            }
        }
        let is_input = self.inputs.iter().any(|input| input.name == of);
        for input in self.nodes.iter_mut().flat_map(|node| &mut node.input).filter(|input| !is_input && *input == of) {
            input.clone_from(&name);
        }
        self.outputs.push(value(&name, kind, dimensions, meaning));
        name
    }

    /// Adds a node of the default operators; gives the name of its output, which is its own.
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

    /// Adds numbers as 32-bit ones.
    pub(super) fn floats(
        &mut self,
        name: &str,
        dimensions: &[usize],
        numbers: impl IntoIterator<Item = f64>,
    ) -> String {
        self.numbers(DataType::Float, name, dimensions, numbers)
    }

    /// Adds numbers of 32 bits, or of 64.
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

    /// Adds whole numbers, as a list.
    pub(super) fn integers(&mut self, name: &str, numbers: &[i64]) -> String {
        let bytes = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.raw(name, DataType::Int64, &[numbers.len()], bytes)
    }

    /// Adds a whole number.
    pub(super) fn integer(&mut self, name: &str, number: i64) -> String {
        self.raw(name, DataType::Int64, &[], number.to_le_bytes().to_vec())
    }

    /// Adds parts side by side; one part is its own.
    pub(super) fn joined(&mut self, name: &str, parts: &[String]) -> String {
        match parts {
            [part] => part.clone(),
            _ => {
                let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
                self.node_of("", name, "Concat", &parts, vec![int("axis", 1)])
            }
        }
    }

    /// Adds texts, as a list.
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

    /// Adds small whole numbers.
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

/// An option that is a whole number.
pub(super) fn int(name: &str, i: usize) -> Attribute {
    signed(name, i as i64)
}

/// An option that is a whole number, which may be negative.
pub(super) fn signed(name: &str, i: i64) -> Attribute {
    Attribute { i: Some(i), ..attribute(name, AttributeType::Int) }
}

/// An option that is a number.
pub(super) fn float(name: &str, f: f64) -> Attribute {
    Attribute { f: Some(f as f32), ..attribute(name, AttributeType::Float) }
}

/// An option that is several whole numbers.
pub(super) fn ints(name: &str, ints: &[usize]) -> Attribute {
    Attribute { ints: ints.iter().map(|&i| i as i64).collect(), ..attribute(name, AttributeType::Ints) }
}

/// An option that is several numbers.
pub(super) fn floats(name: &str, floats: &[f32]) -> Attribute {
    Attribute { floats: floats.to_vec(), ..attribute(name, AttributeType::Floats) }
}

/// An option that is a text.
pub(super) fn text(name: &str, text: &str) -> Attribute {
    Attribute { s: Some(text.as_bytes().to_vec()), ..attribute(name, AttributeType::String) }
}

/// An option that is several texts.
pub(super) fn strings<T: AsRef<str>>(name: &str, texts: &[T]) -> Attribute {
    let strings = texts.iter().map(|text| text.as_ref().as_bytes().to_vec()).collect();
    Attribute { strings, ..attribute(name, AttributeType::Strings) }
}

/// The type that `Cast` makes of its input.
pub(super) fn to(kind: DataType) -> Vec<Attribute> {
    vec![signed("to", i64::from(i32::from(kind)))]
}

fn attribute(name: &str, kind: AttributeType) -> Attribute {
    Attribute { name: name.into(), r#type: kind.into(), ..Attribute::default() }
}
