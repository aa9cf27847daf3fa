//! A functional Keras model: layers that refer to their inputs by name, and the paths of its variables.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::hdf5::Node;

/// A shape, and the values of an array.
pub(super) type Variable = (Vec<usize>, Vec<f32>);

/// The output of a layer: its index in the graph, and the shape of one example.
#[derive(Debug, Clone)]
pub(super) struct Symbol {
    layer: usize,
    pub(super) shape: Vec<usize>,
}

#[derive(Debug)]
struct Layer {
    class: &'static str,
    name: String,
    config: Value,
    inputs: Vec<Symbol>,
    output: Vec<usize>,
    variables: Vec<Variable>,
}

impl Layer {
    fn is_operation(&self) -> bool {
        OPERATIONS.contains(&self.class) || self.config.get(NEW_SHAPE).is_some()
    }
}

/// Layers, each after its inputs.
#[derive(Debug, Default)]
pub(super) struct Graph {
    layers: Vec<Layer>,
}

/// Operations that are not layers: they have neither variables nor a dtype.
const OPERATIONS: [&str; 11] =
    ["Log", "Sort", "Round", "Cos", "Sin", "Floor", "Sign", "Flip", "Cumsum", "Matmul", "Divide"];

/// What the operation `Reshape` is told, which regroups a batch; the layer of that name keeps examples apart.
const NEW_SHAPE: &str = "newshape";

/// Layers whose variables are those of the cell within them.
const RECURRENT: [&str; 3] = ["SimpleRNN", "GRU", "LSTM"];

impl Graph {
    /// The model's input.
    pub(super) fn input(&mut self, shape: &[usize]) -> Symbol {
        let config = json!({ "batch_shape": batch(shape), "dtype": "float32" });
        self.push("InputLayer", "inputs", config, &[], shape, Vec::new())
    }

    /// A layer on other layers' outputs; `config` has the options that differ from their defaults.
    pub(super) fn layer(
        &mut self,
        class: &'static str,
        name: &str,
        config: Value,
        inputs: &[&Symbol],
        output: &[usize],
    ) -> Symbol {
        self.push(class, name, config, inputs, output, Vec::new())
    }

    /// A layer with variables.
    pub(super) fn push(
        &mut self,
        class: &'static str,
        name: &str,
        config: Value,
        inputs: &[&Symbol],
        output: &[usize],
        variables: Vec<Variable>,
    ) -> Symbol {
        let inputs = inputs.iter().map(|symbol| (*symbol).clone()).collect();
        // With PyTorch as the backend, Keras does not allow dots in names.
        let name = name.replace('.', "_");
        self.layers.push(Layer { class, name, config, inputs, output: output.to_vec(), variables });
        Symbol { layer: self.layers.len() - 1, shape: output.to_vec() }
    }

    /// The natural logarithm of each element.
    pub(super) fn logarithm(&mut self, name: &str, x: &Symbol) -> Symbol {
        self.layer("Log", name, json!({}), &[x], &x.shape)
    }

    /// The same elements in examples of another shape, of which there are more or fewer.
    pub(super) fn regrouped(&mut self, name: &str, x: &Symbol, shape: &[usize]) -> Symbol {
        let all: Vec<i64> = std::iter::once(-1).chain(shape.iter().map(|&side| side as i64)).collect();
        self.layer("Reshape", name, json!({ NEW_SHAPE: all }), &[x], shape)
    }

    /// The elements in order along the last axis.
    pub(super) fn sorted(&mut self, name: &str, x: &Symbol) -> Symbol {
        self.layer("Sort", name, json!({ "axis": -1 }), &[x], &x.shape)
    }

    /// The model's description and its variables. Where there are further outputs than the first, the model answers with
    /// all of them by name.
    pub(super) fn model(&self, output: &Symbol, further: &[(&str, Symbol)]) -> (Value, Node) {
        let mut variables = Node::Group(BTreeMap::new());
        let mut seen = BTreeMap::new();
        let mut layers = Vec::new();
        for place in self.order(output, further) {
            let layer = &self.layers[place];
            let count = seen.entry(layer.class).and_modify(|count| *count += 1).or_insert(0_usize);
            let own =
                if *count == 0 { snake_case(layer.class) } else { format!("{}_{count}", snake_case(layer.class)) };
            for (i, (shape, numbers)) in layer.variables.iter().enumerate() {
                let cell = if RECURRENT.contains(&layer.class) { "cell/" } else { "" };
                variables.insert(&format!("layers/{own}/{cell}vars/{i}"), Node::Array(shape.clone(), numbers.clone()));
            }
            layers.push(self.describe(layer));
        }
        let end = |layer: usize| json!([self.layers[layer].name, 0, 0]);
        let mut ends = end(output.layer);
        if !further.is_empty() {
            let further = further.iter().map(|(name, symbol)| (name.to_string(), end(symbol.layer)));
            ends = std::iter::once((self.layers[output.layer].name.clone(), ends)).chain(further).collect();
        }
        let config = json!({
            "name": "thalweg", "trainable": true, "layers": layers,
            "input_layers": end(0), "output_layers": ends,
        });
        (
            json!({
                "module": "keras.src.models.functional", "class_name": "Functional", "config": config,
                "registered_name": "Functional",
            }),
            variables,
        )
    }

    /// The layers in Keras's order, by which it finds their variables: those farther from the output first and, at the
    /// same distance, in the order of a depth-first walk from the outputs.
    fn order(&self, output: &Symbol, further: &[(&str, Symbol)]) -> Vec<usize> {
        let mut depths = vec![0; self.layers.len()];
        for (place, layer) in self.layers.iter().enumerate().rev() {
            for input in &layer.inputs {
                depths[input.layer] = depths[input.layer].max(depths[place] + 1);
            }
        }
        let further = further.iter().map(|(_, symbol)| symbol.layer);
        let (mut met, mut ahead) = (Vec::new(), further.chain([output.layer]).collect::<Vec<_>>());
        while let Some(place) = ahead.pop() {
            if !met.contains(&place) {
                met.push(place);
                ahead.extend(self.layers[place].inputs.iter().rev().map(|input| input.layer));
            }
        }
        met.sort_by_key(|&place| std::cmp::Reverse(depths[place]));
        met
    }

    fn describe(&self, layer: &Layer) -> Value {
        let Layer { class, name, config, inputs, .. } = layer;
        let mut config = config.clone();
        config["name"] = json!(name);
        let tensors: Vec<Value> = inputs.iter().map(|symbol| self.tensor(symbol)).collect();
        let arguments = match &tensors[..] {
            [] => json!([]),
            [one] => json!([{ "args": [one], "kwargs": {} }]),
            several if layer.is_operation() => json!([{ "args": several, "kwargs": {} }]),
            _ => json!([{ "args": [tensors], "kwargs": {} }]),
        };
        if layer.is_operation() {
            return json!({
                "module": "keras.src.ops.numpy", "class_name": class, "config": config, "registered_name": class,
                "name": name, "inbound_nodes": arguments,
            });
        }
        config["dtype"] = json!("float32");
        let shapes: Vec<Value> = inputs.iter().map(|symbol| batch(&symbol.shape)).collect();
        let built = if let [one] = &shapes[..] { one.clone() } else { json!(shapes) };
        json!({
            "module": "keras.layers", "class_name": class, "config": config, "registered_name": null,
            "build_config": { "input_shape": built }, "name": name, "inbound_nodes": arguments,
        })
    }

    fn tensor(&self, symbol: &Symbol) -> Value {
        let Layer { name, output, .. } = &self.layers[symbol.layer];
        json!({
            "class_name": "__keras_tensor__",
            "config": { "shape": batch(output), "dtype": "float32", "keras_history": [name, 0, 0] },
        })
    }
}

/// The shape of a batch of any size.
fn batch(shape: &[usize]) -> Value {
    let sides = std::iter::once(Value::Null).chain(shape.iter().map(|&side| json!(side)));
    Value::Array(sides.collect())
}

/// The name of a class as Keras writes it in variable paths: `LayerNormalization` is `layer_normalization`.
fn snake_case(class: &str) -> String {
    let mut name = String::new();
    let mut before = '_';
    for letter in class.chars() {
        if letter.is_ascii_uppercase() && before.is_ascii_lowercase() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
        before = letter;
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_classes_are_those_of_keras() {
        let names = ["Conv2D", "Dense", "BatchNormalization", "LayerNormalization", "Embedding"].map(snake_case);
        assert_eq!(names, ["conv2d", "dense", "batch_normalization", "layer_normalization", "embedding"]);
    }

    #[test]
    fn layers_farther_from_the_output_come_first() {
        let mut graph = Graph::default();
        let x = graph.input(&[2]);
        let dense = |graph: &mut Graph, name: &str, x: &Symbol, value: f32| {
            graph.push("Dense", name, json!({ "units": 2 }), &[x], &[2], vec![(vec![1], vec![value])])
        };
        let beside = dense(&mut graph, "beside", &x, 0.0);
        let first = dense(&mut graph, "first", &x, 1.0);
        let second = dense(&mut graph, "second", &first, 2.0);
        let sum = graph.layer("Add", "sum", json!({}), &[&second, &beside], &[2]);
        let (_, Node::Group(mut root)) = graph.model(&sum, &[]) else { panic!("a group") };
        let Some(Node::Group(layers)) = root.remove("layers") else { panic!("layers") };
        let first_value = |name: &str| match &layers[name] {
            Node::Group(own) => match &own["vars"] {
                Node::Group(all) => match &all["0"] {
                    Node::Array(_, numbers) => numbers[0],
                    Node::Group(_) => panic!("an array"),
                },
                Node::Array(..) => panic!("a group"),
            },
            Node::Array(..) => panic!("a group"),
        };
        assert_eq!(["dense", "dense_1", "dense_2"].map(first_value), [1.0, 2.0, 0.0]);
    }
}
