//! The tensors between layers, with channels last, as our layers have them, or first, as ONNX's convolutions require.

use super::graph::{Graph, int, ints};
use crate::tensor::Shape;

/// A tensor that a layer takes or returns.
#[derive(Debug, Clone)]
pub(super) struct Value {
    /// The tensor's name.
    pub(super) name: String,
    /// The shape of an example, in our layers' order.
    pub(super) shape: Shape,
    /// Whether the tensor has the shape's last dimension, its channels, first.
    pub(super) channels_first: bool,
}

impl Value {
    /// A tensor with the shape's own order of dimensions.
    pub(super) fn new(name: String, shape: Shape) -> Self {
        Value { name, shape, channels_first: false }
    }

    /// The dimensions of the tensor, without the batch.
    pub(super) fn dimensions(&self) -> Vec<usize> {
        let mut dimensions = self.shape.dimensions().to_vec();
        if self.channels_first {
            dimensions.rotate_right(1);
        }
        dimensions
    }

    /// The tensor after an elementwise operation.
    pub(super) fn with(self, name: String) -> Self {
        Value { name, ..self }
    }
}

/// Whether the elements have the same order with channels first and last.
fn either_way(shape: Shape) -> bool {
    let channels = shape.last();
    channels == 1 || channels == shape.size()
}

/// The permutation that moves the last dimension to the front, or the first to the end; the batch stays.
fn order(rank: usize, to_first: bool) -> Vec<usize> {
    let mut order: Vec<usize> = (1..=rank).collect();
    if to_first {
        order.rotate_right(1)
    } else {
        order.rotate_left(1)
    }
    order.insert(0, 0);
    order
}

impl Graph {
    /// The same elements in other dimensions, for any batch size.
    pub(super) fn reshape(&mut self, name: &str, x: &str, dimensions: &[usize]) -> String {
        self.reshaped(name, x, 0, dimensions)
    }

    /// The same elements in examples of other dimensions, of which there are more or fewer.
    pub(super) fn regrouped(&mut self, name: &str, x: &str, dimensions: &[usize]) -> String {
        self.reshaped(name, x, -1, dimensions)
    }

    fn reshaped(&mut self, name: &str, x: &str, first: i64, dimensions: &[usize]) -> String {
        let shape: Vec<i64> = std::iter::once(first).chain(dimensions.iter().map(|&n| n as i64)).collect();
        let shape = self.integers(&format!("{name}.shape"), &shape);
        self.node(name, "Reshape", [x, &shape], Vec::new())
    }

    /// The tensor in the shape's own order.
    pub(super) fn own(&mut self, scope: &str, x: &Value) -> String {
        if !x.channels_first {
            return x.name.clone();
        }
        self.turned(scope, &x.name, x.shape, false)
    }

    /// The tensor as one row per example, in the shape's own order.
    pub(super) fn row(&mut self, scope: &str, x: &Value) -> String {
        if x.shape.dimensions().len() == 1 {
            return x.name.clone();
        }
        let name = if either_way(x.shape) { x.name.clone() } else { self.own(scope, x) };
        self.node(&format!("{scope}.Flatten"), "Flatten", [&name], vec![int("axis", 1)])
    }

    /// The tensor with channels first, its examples viewed in the shape `seen`.
    pub(super) fn channels_first(&mut self, scope: &str, x: &Value, seen: Shape) -> String {
        if x.channels_first && x.shape == seen {
            return x.name.clone();
        }
        let mut name = self.own(scope, x);
        if x.shape != seen && !either_way(seen) {
            name = self.reshape(&format!("{scope}.Reshape"), &name, seen.dimensions());
        }
        self.turned(scope, &name, seen, true)
    }

    /// The tensor with its channels moved to the other end.
    fn turned(&mut self, scope: &str, x: &str, shape: Shape, to_first: bool) -> String {
        let turned = Value { name: String::new(), shape, channels_first: to_first };
        if either_way(shape) {
            return self.reshape(&format!("{scope}.Reshape"), x, &turned.dimensions());
        }
        let order = ints("perm", &order(shape.dimensions().len(), to_first));
        self.node(&format!("{scope}.Transpose"), "Transpose", [x], vec![order])
    }
}
