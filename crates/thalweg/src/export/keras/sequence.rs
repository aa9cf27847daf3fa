//! Layers on sequences.

use serde_json::{Value, json};

use super::Keras;
use super::graph::{Symbol, Variable};
use crate::Result;
use crate::export::lowered::LoweredOp;
use crate::layers::{Node, sequence_values};
use crate::tensor::sequence::{Cell, Gathering};
use crate::tensor::transposed;

/// A score that no step beside one with a usual score has a share with.
const MASKED: f64 = 1e9;

/// Moves between ours and Keras's order of a GRU's gates: r, z, n there is z, r, n.
fn swapped(numbers: &[f32], each: usize) -> Vec<f32> {
    let (r, rest) = numbers.split_at(each);
    let (z, n) = rest.split_at(each);
    [z, r, n].concat()
}

impl Keras<'_> {
    fn step_named(&mut self, class: &'static str, lowered: &LoweredOp, own: &str, config: Value, x: &Symbol) -> Symbol {
        self.named(class, lowered, own, config, x, &x.shape.clone())
    }

    /// 1 for the steps up to the last whose number rounds to 1 or more, 0 for those after it.
    fn counted(&mut self, lowered: &LoweredOp, last: &Symbol) -> Symbol {
        let half = self.step_named("Rescaling", lowered, "half", json!({ "scale": 1.0, "offset": 0.5 }), last);
        let whole = self.step_named("Floor", lowered, "whole", json!({}), &half);
        let there = self.step_named("ReLU", lowered, "there", json!({ "max_value": 1.0 }), &whole);
        let back = self.step_named("Flip", lowered, "back", json!({ "axis": 1 }), &there);
        let after = self.step_named("Cumsum", lowered, "after", json!({ "axis": 1 }), &back);
        let forth = self.step_named("Flip", lowered, "forth", json!({ "axis": 1 }), &after);
        self.step_named("Sign", lowered, "mask", json!({}), &forth)
    }

    /// The layers of a sequence, with a mask of the steps that count.
    pub(super) fn sequence(&mut self, lowered: &LoweredOp, layers: &[Node], x: Symbol) -> Result<Symbol> {
        let values = sequence_values(lowered.input);
        let steps = x.shape[0];
        let (last, inner) = if let [_, channels] = x.shape[..] {
            let pick = |rows: usize, first: usize, columns: usize| {
                let at = |i: usize| if i / columns == first + i % columns { 1.0 } else { 0.0 };
                (vec![rows, columns], (0..rows * columns).map(at).collect::<Vec<f32>>())
            };
            let mut part = |own: &str, first: usize, columns: usize| {
                let config = json!({ "units": columns, "use_bias": false, "trainable": false });
                let name = format!("{}.{own}", lowered.name);
                let variables = vec![pick(channels, first, columns)];
                self.graph.push("Dense", &name, config, &[&x], &[steps, columns], variables)
            };
            let (last, inner) = (part("last", channels - 1, 1), part("values", 0, channels - 1));
            (self.reshaped(lowered, "last.flat", last, &[steps]), inner)
        } else {
            (x.clone(), x)
        };
        let mask = self.counted(lowered, &last);
        let outer = self.mask.replace(mask);
        let inner = match values.dimensions().len() {
            1 => {
                let mask = self.mask.clone().expect("there is one now");
                let name = format!("{}.counted", lowered.name);
                self.graph.layer("Multiply", &name, json!({}), &[&inner, &mask], &inner.shape)
            }
            _ => self.clear_padding(lowered, inner),
        };
        let y = self.chain(layers, inner);
        self.mask = outer;
        y
    }

    /// The mask in other dimensions.
    fn mask_as(&mut self, lowered: &LoweredOp, own: &str, dimensions: &[usize]) -> Option<Symbol> {
        let mask = self.mask.clone()?;
        Some(self.reshaped(lowered, own, mask, dimensions))
    }

    pub(super) fn clear_padding(&mut self, lowered: &LoweredOp, x: Symbol) -> Symbol {
        let Some(mask) = self.mask_as(lowered, "padding", &[x.shape[0], 1]) else { return x };
        self.graph.layer("Multiply", &format!("{}.cleared", lowered.name), json!({}), &[&x, &mask], &x.shape)
    }

    /// The vectors of tokens; what is no token has a row of 0 after the last.
    pub(super) fn tokens(
        &mut self,
        lowered: &LoweredOp,
        [tokens, dimension]: [usize; 2],
        weight: &str,
        x: &Symbol,
    ) -> Symbol {
        let half = self.step_named("Rescaling", lowered, "half", json!({ "scale": 1.0, "offset": 0.5 }), x);
        let whole = self.step_named("Floor", lowered, "whole", json!({}), &half);
        let token = self.step_named("ReLU", lowered, "token", json!({ "max_value": tokens }), &whole);
        let (_, mut table) = self.parameter(lowered, weight);
        table[..dimension].fill(0.0);
        table.extend(vec![0.0; dimension]);
        let config = json!({ "input_dim": tokens + 1, "output_dim": dimension });
        let table = vec![(vec![tokens + 1, dimension], table)];
        self.graph.push("Embedding", &lowered.name, config, &[&token], &[x.shape[0], dimension], table)
    }

    /// x as T × C.
    fn steps(&mut self, lowered: &LoweredOp, x: Symbol) -> Symbol {
        let shape = if x.shape.len() == 1 { vec![x.shape[0], 1] } else { x.shape.clone() };
        self.reshaped(lowered, "steps", x, &shape)
    }

    pub(super) fn positions(&mut self, lowered: &LoweredOp, table: &[f64], x: Symbol) -> Symbol {
        let shape = x.shape.clone();
        let x = self.steps(lowered, x);
        let at = x.shape.clone();
        let config = json!({ "equation": "abc,bc->abc", "output_shape": at, "bias_axes": "bc", "trainable": false });
        let table = table.iter().map(|&x| x as f32).collect();
        let variables = vec![(at.clone(), vec![1.0; at[0] * at[1]]), (at.clone(), table)];
        let y = self.graph.push("EinsumDense", &lowered.name, config, &[&x], &at, variables);
        self.reshaped(lowered, "shape", y, &shape)
    }

    /// A layer for each direction. Steps that do not count are left out by Keras, which finds them by their being 0, the mask
    /// included that follows the channels.
    pub(super) fn recurrent(
        &mut self,
        lowered: &LoweredOp,
        (cell, units): (Cell, usize),
        bidirectional: bool,
        every: bool,
        x: Symbol,
    ) -> Symbol {
        let mut x = self.steps(lowered, x);
        let (steps, channels) = (x.shape[0], x.shape[1]);
        if let Some(mask) = self.mask_as(lowered, "counts", &[steps, 1]) {
            let (name, shape) = (format!("{}.with_mask", lowered.name), [steps, channels + 1]);
            x = self.graph.layer("Concatenate", &name, json!({ "axis": -1 }), &[&x, &mask], &shape);
            x = self.step_named("Masking", lowered, "masked", json!({ "mask_value": 0.0 }), &x);
        }
        let class = match cell {
            Cell::Tanh => "SimpleRNN",
            Cell::Gru => "GRU",
            Cell::Lstm => "LSTM",
        };
        let mut ways = Vec::new();
        for (way, own) in [("", "forth"), ("reverse_", "back")].into_iter().take(1 + usize::from(bidirectional)) {
            let reverse = !way.is_empty();
            let mut variables = self.cell_variables(lowered, (cell, units), way, x.shape[1] - channels);
            if cell != Cell::Gru {
                let [.., (_, a), (_, b)] = &variables[..] else { unreachable!("there are two biases") };
                let sum = a.iter().zip(b).map(|(a, b)| a + b).collect();
                variables.truncate(2);
                variables.push((vec![cell.gates() * units], sum));
            } else {
                let biases: Vec<f32> = variables.drain(2..).flat_map(|(_, bias)| bias).collect();
                variables.push((vec![2, biases.len() / 2], biases));
            }
            let config = json!({ "units": units, "return_sequences": every, "go_backwards": reverse });
            let shape = if every { vec![steps, units] } else { vec![units] };
            let name = format!("{}.{own}", lowered.name);
            let mut y = self.graph.push(class, &name, config, &[&x], &shape, variables);
            if every && reverse {
                y = self.step_named("Flip", lowered, "in_order", json!({ "axis": 1 }), &y);
            }
            ways.push(y);
        }
        match &ways[..] {
            [one] => one.clone(),
            _ => {
                let (ways, output): (Vec<&Symbol>, _) = (ways.iter().collect(), lowered.output());
                self.graph.layer("Concatenate", &lowered.name, json!({ "axis": -1 }), &ways, output.dimensions())
            }
        }
    }

    /// Both weights as Keras has them, columns for units, with further inputs that have no weight, and both biases.
    fn cell_variables(
        &self,
        lowered: &LoweredOp,
        (cell, units): (Cell, usize),
        way: &str,
        further: usize,
    ) -> Vec<Variable> {
        let rows = cell.gates() * units;
        let own = |name: &str| {
            let (_, numbers) = self.parameter(lowered, &format!("{way}{name}"));
            let each = numbers.len() / 3;
            if cell == Cell::Gru { swapped(&numbers, each) } else { numbers }
        };
        let weight = |name: &str, further: usize| {
            let mut numbers = transposed(&own(name), rows);
            numbers.extend(vec![0.0; further * rows]);
            (vec![numbers.len() / rows, rows], numbers)
        };
        let bias = |name: &str| (vec![rows], own(name));
        vec![weight("input_weight", further), weight("state_weight", 0), bias("input_bias"), bias("state_bias")]
    }

    pub(super) fn attention(
        &mut self,
        lowered: &LoweredOp,
        heads: usize,
        parameters: &[&'static str; 4],
        x: Symbol,
    ) -> Symbol {
        let shape = x.shape.clone();
        let x = self.steps(lowered, x);
        let (steps, channels) = (x.shape[0], x.shape[1]);
        let size = channels / heads;
        let [weight, bias, output_weight, output_bias] = parameters.map(|own| self.parameter(lowered, own).1);
        let name = |own: &str| format!("{}.{own}", lowered.name);
        let scale = (1.0 / (size as f64).sqrt()) as f32;
        let each = [
            ("queries", scale, "abc,cde->adbe", [heads, steps, size], [heads, 1, size]),
            ("keys", 1.0, "abc,cde->adeb", [heads, size, steps], [heads, size, 1]),
            ("values", 1.0, "abc,cde->adbe", [heads, steps, size], [heads, 1, size]),
        ];
        let mut parts = each.into_iter().enumerate().map(|(i, (what, factor, equation, output, bias_shape))| {
            let own = transposed(&weight[i * channels * channels..][..channels * channels], channels);
            let scaled = |numbers: &[f32]| numbers.iter().map(|x| factor * x).collect::<Vec<f32>>();
            let variables = vec![
                (vec![channels, heads, size], scaled(&own)),
                (bias_shape.to_vec(), scaled(&bias[i * channels..][..channels])),
            ];
            let config = json!({ "equation": equation, "output_shape": output, "bias_axes": "de" });
            self.graph.push("EinsumDense", &name(what), config, &[&x], &output, variables)
        });
        let [q, k, v] = std::array::from_fn(|_| parts.next().expect("there are three"));
        drop(parts);
        let square = [heads, steps, steps];
        let mut scores = self.graph.layer("Matmul", &name("scores"), json!({}), &[&q, &k], &square);
        if let Some(mask) = self.mask_as(lowered, "keys.counts", &[1, 1, steps]) {
            let away = json!({ "scale": MASKED, "offset": -MASKED });
            let away = self.step_named("Rescaling", lowered, "away", away, &mask);
            scores = self.graph.layer("Add", &name("counted"), json!({}), &[&scores, &away], &square);
        }
        let shares = self.step_named("Activation", lowered, "shares", json!({ "activation": "softmax" }), &scores);
        let mixed = self.graph.layer("Matmul", &name("mixed"), json!({}), &[&shares, &v], &[heads, steps, size]);
        let config = json!({ "equation": "adbe,def->abf", "output_shape": [steps, channels], "bias_axes": "f" });
        let output = transposed(&output_weight, channels);
        let variables = vec![(vec![heads, size, channels], output), (vec![channels], output_bias)];
        let y = self.graph.push("EinsumDense", &lowered.name, config, &[&mixed], &[steps, channels], variables);
        self.reshaped(lowered, "shape", y, &shape)
    }

    pub(super) fn pool_over_time(&mut self, lowered: &LoweredOp, take: Gathering, weight: &str, x: Symbol) -> Symbol {
        let x = self.steps(lowered, x);
        let (steps, channels) = (x.shape[0], x.shape[1]);
        let name = |own: &str| format!("{}.{own}", lowered.name);
        let config = || json!({ "data_format": "channels_last", "keepdims": false });
        let shares = match (take, self.mask.clone()) {
            (Gathering::Mean, None) => {
                return self.graph.layer("GlobalAveragePooling1D", &lowered.name, config(), &[&x], &[channels]);
            }
            (Gathering::Max, None) => {
                return self.graph.layer("GlobalMaxPooling1D", &lowered.name, config(), &[&x], &[channels]);
            }
            (Gathering::Max, Some(mask)) => {
                let away = json!({ "scale": MASKED, "offset": -MASKED });
                let counts = self.reshaped(lowered, "counts", mask.clone(), &[steps, 1]);
                let away = self.step_named("Rescaling", lowered, "away", away, &counts);
                let counted = self.graph.layer("Add", &name("counted"), json!({}), &[&x, &away], &x.shape);
                let largest =
                    self.graph.layer("GlobalMaxPooling1D", &name("largest"), config(), &[&counted], &[channels]);
                let length = self.length(lowered, &mask);
                let any = self.step_named("Sign", lowered, "any", json!({}), &length);
                return self.graph.layer("Multiply", &lowered.name, json!({}), &[&largest, &any], &[channels]);
            }
            (Gathering::Mean, Some(mask)) => {
                let length = self.length(lowered, &mask);
                let before =
                    self.step_named("Rescaling", lowered, "before", json!({ "scale": 1.0, "offset": -1.0 }), &length);
                let above = self.step_named("ReLU", lowered, "above", json!({}), &before);
                let count =
                    self.step_named("Rescaling", lowered, "count", json!({ "scale": 1.0, "offset": 1.0 }), &above);
                self.graph.layer("Divide", &name("shares"), json!({}), &[&mask, &count], &[steps])
            }
            (Gathering::Attention, mask) => {
                let (_, w) = self.parameter(lowered, weight);
                let config = json!({ "units": 1, "use_bias": false });
                let variables = vec![(vec![channels, 1], w)];
                let score = self.graph.push("Dense", &name("score"), config, &[&x], &[steps, 1], variables);
                let mut score = self.reshaped(lowered, "scores", score, &[steps]);
                if let Some(mask) = mask {
                    let away = json!({ "scale": MASKED, "offset": -MASKED });
                    let away = self.step_named("Rescaling", lowered, "away", away, &mask);
                    score = self.graph.layer("Add", &name("counted"), json!({}), &[&score, &away], &[steps]);
                }
                self.step_named("Activation", lowered, "shares", json!({ "activation": "softmax" }), &score)
            }
        };
        let shares = self.reshaped(lowered, "row", shares, &[1, steps]);
        let y = self.graph.layer("Matmul", &lowered.name, json!({}), &[&shares, &x], &[1, channels]);
        self.reshaped(lowered, "shape", y, &[channels])
    }

    /// How many steps count.
    fn length(&mut self, lowered: &LoweredOp, mask: &Symbol) -> Symbol {
        let config = json!({ "units": 1, "use_bias": false, "trainable": false });
        let ones = vec![(vec![mask.shape[0], 1], vec![1.0; mask.shape[0]])];
        self.graph.push("Dense", &format!("{}.length", lowered.name), config, &[mask], &[1], ones)
    }
}
