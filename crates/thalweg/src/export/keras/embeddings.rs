//! Embeddings of categories and of numbers.

use std::ops::Range;

use serde_json::json;

use super::Keras;
use super::graph::Symbol;
use crate::export::lowered::LoweredOp;
use crate::layers::{Bag, BinnedInput, Embedded};
use crate::tensor::transposed;

impl Keras<'_> {
    /// Columns passed through unchanged, next to the vectors that codes look up.
    pub(super) fn embedding(
        &mut self,
        lowered: &LoweredOp,
        dense: usize,
        tables: &[(&'static str, Embedded)],
        x: Symbol,
    ) -> Symbol {
        let x = self.flat(lowered, x);
        let n = x.shape[0];
        let line = self.reshaped(lowered, "columns", x, &[n, 1]);
        let mut parts = Vec::new();
        if dense > 0 {
            let config = json!({ "cropping": [0, n - dense] });
            let cropped = self.named("Cropping1D", lowered, "passing", config, &line, &[dense, 1]);
            parts.push(self.reshaped(lowered, "passing.flat", cropped, &[dense]));
        }
        for (j, (own, column)) in tables.iter().enumerate() {
            let name = |what: &str| format!("{own}.{what}");
            let config = json!({ "cropping": [dense + j, n - dense - j - 1] });
            let code = self.named("Cropping1D", lowered, &name("column"), config, &line, &[1, 1]);
            let code = self.reshaped(lowered, &name("code"), code, &[1]);
            let config = json!({ "input_dim": column.slots, "output_dim": column.dimension });
            let table = vec![self.parameter(lowered, own)];
            let shape = [1, column.dimension];
            let found =
                self.graph.push("Embedding", &format!("{}.{own}", lowered.name), config, &[&code], &shape, table);
            parts.push(self.reshaped(lowered, &name("vector"), found, &shape[1..]));
        }
        self.joined(lowered, &parts)
    }

    /// The values behind the bags, and after them the sum of each bag's vectors.
    pub(super) fn text_bag(&mut self, lowered: &LoweredOp, dimension: usize, columns: &[Bag], x: Symbol) -> Symbol {
        let x = self.flat(lowered, x);
        let n = x.shape[0];
        let line = self.reshaped(lowered, "columns", x, &[n, 1]);
        let (mut from, mut vectors) = (0, Vec::new());
        for (j, bag) in columns.iter().enumerate() {
            let own = format!("columns.{j}");
            let mid = from + bag.slots;
            let codes = self.cut(lowered, &format!("{own}.codes"), &line, from..mid);
            let weights = self.cut(lowered, &format!("{own}.weights"), &line, mid..mid + bag.slots);
            from = mid + bag.slots;
            let config = json!({ "input_dim": bag.features, "output_dim": dimension });
            let table = vec![self.parameter(lowered, &format!("{own}.weight"))];
            let name = |what: &str| format!("{}.{own}.{what}", lowered.name);
            let each = [bag.slots, dimension];
            let each = self.graph.push("Embedding", &name("vectors"), config, &[&codes], &each, table);
            let axes = json!({ "axes": [1, 1], "normalize": false });
            vectors.push(self.graph.layer("Dot", &name("sum"), axes, &[&weights, &each], &[dimension]));
        }
        let mut parts = Vec::new();
        if from < n {
            parts.push(self.cut(lowered, "passing", &line, from..n));
        }
        parts.append(&mut vectors);
        self.joined(lowered, &parts)
    }

    /// Some values of a row, which is given as a line of n × 1.
    pub(super) fn cut(&mut self, lowered: &LoweredOp, what: &str, line: &Symbol, values: Range<usize>) -> Symbol {
        let config = json!({ "cropping": [values.start, line.shape[0] - values.end] });
        let cropped = self.named("Cropping1D", lowered, what, config, line, &[values.len(), 1]);
        self.reshaped(lowered, &format!("{what}.flat"), cropped, &[values.len()])
    }

    /// Vectors one after the other.
    pub(super) fn joined(&mut self, lowered: &LoweredOp, parts: &[Symbol]) -> Symbol {
        match parts {
            [one] => one.clone(),
            _ => {
                let (parts, output): (Vec<&Symbol>, _) = (parts.iter().collect(), lowered.output());
                self.graph.layer("Concatenate", &lowered.name, json!({ "axis": -1 }), &parts, output.dimensions())
            }
        }
    }

    /// ReLU(W e + b) for all columns at once, W with zeros where a column has fewer bins; and the inputs.
    pub(super) fn piecewise_linear(
        &mut self,
        lowered: &LoweredOp,
        dimension: usize,
        columns: &[BinnedInput],
        x: Symbol,
    ) -> Symbol {
        let x = self.flat(lowered, x);
        let count = columns.len();
        let bins = columns.iter().map(BinnedInput::bins).max().unwrap_or(0);
        let (mut low, mut rate) = (vec![0.0; count * bins], vec![0.0; count * bins]);
        let (mut weight, mut bias) = (vec![0.0; count * bins * dimension], Vec::with_capacity(count * dimension));
        for (j, column) in columns.iter().enumerate() {
            for (t, edge) in column.edges.windows(2).enumerate() {
                low[j * bins + t] = -edge[0] as f32;
                rate[j * bins + t] = (1.0 / (edge[1] - edge[0])) as f32;
            }
            let (_, own) = self.parameter(lowered, &format!("columns.{j}.weight"));
            let own = transposed(&own, dimension);
            weight[j * bins * dimension..][..own.len()].copy_from_slice(&own);
            bias.extend(self.parameter(lowered, &format!("columns.{j}.bias")).1);
        }
        let own = self.taken(lowered, &x, columns.iter().map(|column| column.input));
        let mut step = |class, own: &str, config, x: &Symbol, shape: &[usize], variables| {
            self.graph.push(class, &format!("{}.{own}", lowered.name), config, &[x], shape, variables)
        };
        let each = [count, bins];
        let config = json!({ "equation": "ab,bc->abc", "output_shape": each, "bias_axes": "bc", "trainable": false });
        let above = vec![(each.to_vec(), vec![1.0; count * bins]), (each.to_vec(), low)];
        let own = step("EinsumDense", "above", config, &own, &each, above);
        let config = json!({ "equation": "abc,bc->abc", "output_shape": each, "trainable": false });
        let own = step("EinsumDense", "fraction", config, &own, &each, vec![(each.to_vec(), rate)]);
        let own = step("ReLU", "bins", json!({ "max_value": 1.0 }), &own, &each, Vec::new());
        self.vectors(lowered, [&x, &own], dimension, (weight, bias))
    }

    /// ReLU(W [cos v, sin v] + b) for all inputs at once, the angles from the parts of turns; and the inputs.
    pub(super) fn periodic(
        &mut self,
        lowered: &LoweredOp,
        dimension: usize,
        frequencies: usize,
        inputs: &[usize],
        x: Symbol,
    ) -> Symbol {
        let x = self.flat(lowered, x);
        let own = self.taken(lowered, &x, inputs.iter().copied());
        let (each, width) = ([inputs.len(), frequencies], 2 * frequencies);
        let config = json!({ "equation": "ab,bc->abc", "output_shape": each });
        let c = vec![self.parameter(lowered, "frequencies")];
        let turns = self.graph.push("EinsumDense", &format!("{}.turns", lowered.name), config, &[&own], &each, c);
        let whole = self.named("Round", lowered, "whole", json!({}), &turns, &each);
        let name = |own: &str| format!("{}.{own}", lowered.name);
        let part = self.graph.layer("Subtract", &name("part"), json!({}), &[&turns, &whole], &each);
        let config = json!({ "scale": std::f64::consts::TAU, "offset": 0.0 });
        let angles = self.named("Rescaling", lowered, "angles", config, &part, &each);
        let [cos, sin] = ["Cos", "Sin"]
            .map(|class| self.graph.layer(class, &name(&class.to_lowercase()), json!({}), &[&angles], &each));
        let shape = [inputs.len(), width];
        let waves = self.graph.layer("Concatenate", &name("waves"), json!({ "axis": -1 }), &[&cos, &sin], &shape);
        let (_, weight) = self.parameter(lowered, "weight");
        let weight = weight.chunks_exact(dimension * width).flat_map(|own| transposed(own, dimension)).collect();
        let (_, bias) = self.parameter(lowered, "bias");
        self.vectors(lowered, [&x, &waves], dimension, (weight, bias))
    }

    /// The inputs at these places.
    fn taken(&mut self, lowered: &LoweredOp, x: &Symbol, inputs: impl ExactSizeIterator<Item = usize>) -> Symbol {
        let (n, count) = (x.shape[0], inputs.len());
        let mut taken = vec![0.0; n * count];
        for (j, input) in inputs.enumerate() {
            taken[input * count + j] = 1.0;
        }
        let config = json!({ "units": count, "use_bias": false, "trainable": false });
        let name = format!("{}.inputs", lowered.name);
        self.graph.push("Dense", &name, config, &[x], &[count], vec![(vec![n, count], taken)])
    }

    /// x, and ReLU(W e + b) for each row of e; W has the rows' widths before `dimension`.
    fn vectors(
        &mut self,
        lowered: &LoweredOp,
        [x, e]: [&Symbol; 2],
        dimension: usize,
        (weight, bias): (Vec<f32>, Vec<f32>),
    ) -> Symbol {
        let (count, width) = (e.shape[0], e.shape[1]);
        let shape = [count, dimension];
        let config = json!({
            "equation": "abc,bcd->abd", "output_shape": shape, "bias_axes": "bd", "activation": "relu",
        });
        let variables = vec![(vec![count, width, dimension], weight), (shape.to_vec(), bias)];
        let name = format!("{}.vectors", lowered.name);
        let own = self.graph.push("EinsumDense", &name, config, &[e], &shape, variables);
        let own = self.named("Flatten", lowered, "vectors.flat", json!({}), &own, &[count * dimension]);
        let (joined, output) = (json!({ "axis": -1 }), lowered.output());
        self.graph.layer("Concatenate", &lowered.name, joined, &[x, &own], output.dimensions())
    }
}
