//! Parameters as PyTorch names them and lays them out: channels first, where ours are last.

use super::lowered::{LoweredOp, lowered};
use crate::layers::{Embedded, Node, Op, one_frame};
use crate::tensor::Shape;
use crate::tensor::sequence::Gathering;

/// A parameter of ours and its counterpart in a PyTorch `state_dict`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ParamMapping {
    /// `layers.1.gamma`.
    pub(crate) ours: String,
    /// `layers.1.weight`.
    pub(crate) theirs: String,
    /// Its shape in PyTorch.
    pub(crate) shape: Vec<usize>,
    /// Our dimensions; for a weight of flattened images, those of the images are separate.
    dimensions: Vec<usize>,
    /// For each of their dimensions, its index among ours.
    axes: Vec<usize>,
}

impl ParamMapping {
    /// A parameter whose elements have the same order in both.
    fn same(lowered: &LoweredOp, ours: &str, theirs: &str, shape: &[usize]) -> ParamMapping {
        ParamMapping::permuted(lowered, (ours, theirs), shape.to_vec(), (0..shape.len()).collect())
    }

    fn permuted(
        lowered: &LoweredOp,
        (ours, theirs): (&str, &str),
        dimensions: Vec<usize>,
        axes: Vec<usize>,
    ) -> ParamMapping {
        let shape = axes.iter().map(|&axis| dimensions[axis]).collect();
        let theirs = format!("{}.{theirs}", lowered.name);
        ParamMapping { ours: lowered.parameter(ours), theirs, shape, dimensions, axes }
    }

    /// The same elements in another shape.
    fn shaped(self, shape: Vec<usize>) -> ParamMapping {
        ParamMapping { shape, ..self }
    }

    /// Our elements in their order.
    pub(crate) fn to_theirs<T: Copy>(&self, numbers: &[T]) -> Vec<T> {
        self.indices().into_iter().map(|index| numbers[index]).collect()
    }

    /// Their elements in our order.
    pub(crate) fn to_ours<T: Copy + Default>(&self, numbers: &[T]) -> Vec<T> {
        let mut ours = vec![T::default(); numbers.len()];
        for (index, number) in self.indices().into_iter().zip(numbers) {
            ours[index] = *number;
        }
        ours
    }

    /// The index among our elements of each of theirs.
    fn indices(&self) -> Vec<usize> {
        let mut indices = vec![0];
        for &axis in &self.axes {
            let stride: usize = self.dimensions[axis + 1..].iter().product();
            let along = (0..self.dimensions[axis]).map(|i| i * stride).collect::<Vec<_>>();
            indices = indices.iter().flat_map(|index| along.iter().map(move |more| index + more)).collect();
        }
        indices
    }
}

/// The order of dimensions that puts the last one after the first `kept`.
fn channels_after(kept: usize, rank: usize) -> Vec<usize> {
    (0..kept).chain([rank - 1]).chain(kept..rank - 1).collect()
}

/// Whether examples of a shape enter PyTorch's network with channels first: images do.
pub(crate) fn begin_first(input: Shape) -> bool {
    input.dimensions().len() == 3
}

/// Whether an operation's output has channels first: always for images, never for rows, and for sounds (or plain
/// matrices) if they come from windows in time.
pub(crate) fn leaves_first(lowered: &LoweredOp, channels_first: bool) -> bool {
    match (lowered.output().dimensions().len(), lowered.op) {
        (3, _) => true,
        (2, Op::Convolution { .. } | Op::Pool { .. }) => true,
        (
            2,
            Op::Sequence { .. } | Op::Frames { .. } | Op::Positions(_) | Op::Recurrent { .. } | Op::Attention { .. },
        ) => false,
        (2, Op::Add { layers, shortcut }) => [layers, shortcut].iter().all(|branch| all_leave(branch, channels_first)),
        (2, _) => channels_first,
        _ => false,
    }
}

fn all_leave(nodes: &[Node], channels_first: bool) -> bool {
    nodes.iter().flat_map(lowered).fold(channels_first, |first, lowered| leaves_first(&lowered, first))
}

/// Every parameter of a sequence of nodes, in order; `channels_first` applies to the input of the first.
pub(crate) fn param_mappings(nodes: &[Node], mut channels_first: bool) -> Vec<ParamMapping> {
    let mut mappings = Vec::new();
    for lowered in nodes.iter().flat_map(lowered) {
        mappings.extend(mappings_of(&lowered, channels_first));
        channels_first = leaves_first(&lowered, channels_first);
    }
    mappings
}

fn mappings_of(lowered: &LoweredOp, channels_first: bool) -> Vec<ParamMapping> {
    let input = lowered.input.dimensions();
    let with_bias = |weight: ParamMapping, bias: Option<&str>, n: usize| {
        [weight].into_iter().chain(bias.map(|bias| ParamMapping::same(lowered, bias, "bias", &[n]))).collect()
    };
    match lowered.op {
        Op::Dense { units, weight, bias, .. } => {
            let flat = vec![*units, lowered.input.size()];
            let weight = if channels_first {
                let dimensions = [&[*units], input].concat();
                let axes = channels_after(1, dimensions.len());
                ParamMapping::permuted(lowered, (weight, "weight"), dimensions, axes).shaped(flat)
            } else {
                ParamMapping::same(lowered, weight, "weight", &flat)
            };
            with_bias(weight, *bias, *units)
        }
        Op::Convolution { frame, filters, groups, weight, bias } => {
            let channels = frame.windows.input[2] / groups;
            let dimensions = [&[*filters][..], &frame.each(frame.windows.size), &[channels]].concat();
            let axes = channels_after(1, dimensions.len());
            with_bias(ParamMapping::permuted(lowered, (weight, "weight"), dimensions, axes), *bias, *filters)
        }
        Op::BatchNorm { parameters, .. } => {
            let theirs = ["weight", "bias", "running_mean", "running_var"];
            let dimensions = norm_dimensions(lowered.input);
            let mapping = |(ours, theirs): (&&str, &str)| {
                of_units(lowered, (ours, theirs), &dimensions, channels_first).shaped(vec![lowered.input.units()])
            };
            parameters.iter().zip(theirs).map(mapping).collect()
        }
        Op::LayerNorm { axes, parameters, .. } => {
            let normed = &input[input.len() - axes..];
            let mapping = |(ours, theirs): (&&str, &str)| of_units(lowered, (ours, theirs), normed, channels_first);
            parameters.iter().zip(["weight", "bias"]).map(mapping).collect()
        }
        Op::Scale(gamma) => vec![ParamMapping::same(lowered, gamma, gamma, &[lowered.input.last()])],
        Op::Embedding { tables, .. } => {
            let table = |(j, (name, table)): (usize, &(&str, Embedded))| {
                ParamMapping::same(lowered, name, &format!("{j}.weight"), &[table.slots, table.dimension])
            };
            tables.iter().enumerate().map(table).collect()
        }
        Op::PiecewiseLinear { dimension, columns } => {
            let each = columns.iter().enumerate().flat_map(|(j, column)| {
                let [weight, bias] = ["weight", "bias"].map(|own| format!("columns.{j}.{own}"));
                [(weight, vec![*dimension, column.bins()]), (bias, vec![*dimension])]
            });
            each.map(|(name, shape)| ParamMapping::same(lowered, &name, &name, &shape)).collect()
        }
        Op::Periodic { dimension, frequencies, inputs } => {
            let n = inputs.len();
            let all = [
                ("frequencies", vec![n, *frequencies]),
                ("weight", vec![n, *dimension, 2 * frequencies]),
                ("bias", vec![n, *dimension]),
            ];
            all.iter().map(|(name, shape)| ParamMapping::same(lowered, name, name, shape)).collect()
        }
        Op::TextBag { dimension, columns } => {
            let each = columns.iter().enumerate().map(|(j, bag)| {
                let name = format!("columns.{j}.weight");
                ParamMapping::same(lowered, &name, &name, &[bag.features, *dimension])
            });
            each.collect()
        }
        Op::Add { layers, shortcut } => {
            [layers, shortcut].into_iter().flat_map(|branch| param_mappings(branch, channels_first)).collect()
        }
        Op::Branches { members } => members.iter().flat_map(|nodes| param_mappings(nodes, channels_first)).collect(),
        Op::Sequence { layers } | Op::First { layers, .. } => param_mappings(layers, false),
        Op::Frames { count, layers } => param_mappings(layers, begin_first(one_frame(lowered.input, *count))),
        Op::Tokens { tokens, dimension, weight } => {
            vec![ParamMapping::same(lowered, weight, "weight", &[*tokens, *dimension])]
        }
        Op::Recurrent { cell, units, bidirectional, .. } => {
            let (rows, channels) = (cell.gates() * units, input.get(1).copied().unwrap_or(1));
            let all = [
                ("input_weight", "weight_ih", vec![rows, channels]),
                ("state_weight", "weight_hh", vec![rows, *units]),
                ("input_bias", "bias_ih", vec![rows]),
                ("state_bias", "bias_hh", vec![rows]),
            ];
            let ways = [("", ""), ("reverse_", "_reverse")].into_iter().take(1 + usize::from(*bidirectional));
            let own = ways.flat_map(|(before, after)| {
                all.each_ref().map(|(ours, theirs, shape)| {
                    let (ours, theirs) = (format!("{before}{ours}"), format!("{theirs}_l0{after}"));
                    ParamMapping::same(lowered, &ours, &theirs, shape)
                })
            });
            own.collect()
        }
        Op::Attention { parameters, .. } => {
            let c = lowered.input.last();
            let shapes = [vec![3 * c, c], vec![3 * c], vec![c, c], vec![c]];
            let theirs = ["input.weight", "input.bias", "output.weight", "output.bias"];
            let all = parameters.iter().zip(theirs).zip(shapes);
            all.map(|((ours, theirs), shape)| ParamMapping::same(lowered, ours, theirs, &shape)).collect()
        }
        Op::PoolOverTime { take: Gathering::Attention, weight } => {
            vec![ParamMapping::same(lowered, weight, "weight", &[1, input.get(1).copied().unwrap_or(1)])]
        }
        Op::ClearPadding | Op::Positions(_) | Op::PoolOverTime { .. } => Vec::new(),
        Op::Activation(_)
        | Op::Dropout { .. }
        | Op::Pool { .. }
        | Op::Resize { .. }
        | Op::Average { .. }
        | Op::LogMel(_) => Vec::new(),
    }
}

/// One value per unit of a norm; channels come first only if the norm is over the whole example.
fn of_units(lowered: &LoweredOp, names: (&str, &str), dimensions: &[usize], channels_first: bool) -> ParamMapping {
    let rank = dimensions.len();
    let permuted = channels_first && rank == lowered.input.dimensions().len();
    let axes = if permuted { channels_after(0, rank) } else { (0..rank).collect() };
    ParamMapping::permuted(lowered, names, dimensions.to_vec(), axes)
}

/// The channels of an image, or all elements of other examples.
fn norm_dimensions(input: Shape) -> Vec<usize> {
    match *input.dimensions() {
        [_, _, channels] => vec![channels],
        ref all => all.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers;
    use crate::layers::Linear;
    use crate::tensor::Activation;

    fn linear(input: impl Into<Shape>, channels_first: bool) -> ParamMapping {
        let linear = Box::new(Linear::new(2, Activation::Identity));
        let nodes = layers::lower("layers", &[linear], input.into()).unwrap();
        param_mappings(&nodes, channels_first).swap_remove(0)
    }

    #[test]
    fn the_columns_of_a_weight_follow_the_flattened_image() {
        // Images of 1×2 pixels and 3 channels: ours are pixel by pixel, theirs channel by channel.
        let mapping = linear([1, 2, 3], true);
        assert_eq!(mapping.shape, [2, 6]);
        let ours: Vec<usize> = (0..12).collect();
        let theirs = mapping.to_theirs(&ours);
        assert_eq!(theirs, [0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11]);
        assert_eq!(mapping.to_ours(&theirs), ours);
        assert_eq!(linear([6], false).to_theirs(&ours), ours);
    }
}
