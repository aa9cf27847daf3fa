//! Parameters as PyTorch names and lays them out: channels first, where ours are last.

use super::lowered::{LoweredOp, lowered};
use crate::layers::{Embedded, Node, Op};
use crate::tensor::Shape;

/// A parameter of ours beside the same in a PyTorch `state_dict`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ParamMapping {
    /// `layers.1.gamma`.
    pub(crate) ours: String,
    /// `layers.1.weight`.
    pub(crate) theirs: String,
    /// The shape there.
    pub(crate) shape: Vec<usize>,
    /// Our dimensions; a weight of flattened images has theirs one by one.
    dimensions: Vec<usize>,
    /// Which of our dimensions each of theirs is.
    axes: Vec<usize>,
}

impl ParamMapping {
    /// A parameter whose numbers lie alike.
    fn same(lowered: &LoweredOp, ours: &str, theirs: &str, shape: &[usize]) -> ParamMapping {
        ParamMapping::turned(lowered, (ours, theirs), shape.to_vec(), (0..shape.len()).collect())
    }

    fn turned(
        lowered: &LoweredOp,
        (ours, theirs): (&str, &str),
        dimensions: Vec<usize>,
        axes: Vec<usize>,
    ) -> ParamMapping {
        let shape = axes.iter().map(|&axis| dimensions[axis]).collect();
        let theirs = format!("{}.{theirs}", lowered.name);
        ParamMapping { ours: lowered.parameter(ours), theirs, shape, dimensions, axes }
    }

    /// The same numbers under another shape.
    fn shaped(self, shape: Vec<usize>) -> ParamMapping {
        ParamMapping { shape, ..self }
    }

    /// Our numbers in their order.
    pub(crate) fn to_theirs<T: Copy>(&self, numbers: &[T]) -> Vec<T> {
        self.places().into_iter().map(|place| numbers[place]).collect()
    }

    /// Their numbers in our order.
    pub(crate) fn to_ours<T: Copy + Default>(&self, numbers: &[T]) -> Vec<T> {
        let mut ours = vec![T::default(); numbers.len()];
        for (place, number) in self.places().into_iter().zip(numbers) {
            ours[place] = *number;
        }
        ours
    }

    /// Where each of their numbers stands in ours.
    fn places(&self) -> Vec<usize> {
        let mut places = vec![0];
        for &axis in &self.axes {
            let stride: usize = self.dimensions[axis + 1..].iter().product();
            let along = (0..self.dimensions[axis]).map(|i| i * stride).collect::<Vec<_>>();
            places = places.iter().flat_map(|place| along.iter().map(move |more| place + more)).collect();
        }
        places
    }
}

/// The last dimension before all others but the first `kept`.
fn channels_after(kept: usize, rank: usize) -> Vec<usize> {
    (0..kept).chain([rank - 1]).chain(kept..rank - 1).collect()
}

/// Whether examples of a shape enter a network with channels first: images do.
pub(crate) fn begin_first(input: Shape) -> bool {
    input.dimensions().len() == 3
}

/// Whether an operation leaves channels first: always in images, in rows of numbers never, in sounds (or plain
/// matrices) where they come from windows in time.
pub(crate) fn leaves_first(lowered: &LoweredOp, channels_first: bool) -> bool {
    match (lowered.output().dimensions().len(), lowered.op) {
        (3, _) => true,
        (2, Op::Convolution { .. } | Op::Pool { .. }) => true,
        (2, Op::Add { layers, shortcut }) => [layers, shortcut].iter().all(|branch| all_leave(branch, channels_first)),
        (2, _) => channels_first,
        _ => false,
    }
}

fn all_leave(nodes: &[Node], channels_first: bool) -> bool {
    nodes.iter().flat_map(lowered).fold(channels_first, |first, lowered| leaves_first(&lowered, first))
}

/// Every parameter of nodes in a row, in order; `channels_first` is how the first of them is entered.
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
        Op::Dense { units, weight, bias } => {
            let flat = vec![*units, lowered.input.size()];
            let weight = if channels_first {
                let dimensions = [&[*units], input].concat();
                let axes = channels_after(1, dimensions.len());
                ParamMapping::turned(lowered, (weight, "weight"), dimensions, axes).shaped(flat)
            } else {
                ParamMapping::same(lowered, weight, "weight", &flat)
            };
            with_bias(weight, *bias, *units)
        }
        Op::Convolution { frame, filters, groups, weight, bias } => {
            let channels = frame.windows.input[2] / groups;
            let dimensions = [&[*filters][..], &frame.each(frame.windows.size), &[channels]].concat();
            let axes = channels_after(1, dimensions.len());
            with_bias(ParamMapping::turned(lowered, (weight, "weight"), dimensions, axes), *bias, *filters)
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
        Op::Add { layers, shortcut } => {
            [layers, shortcut].into_iter().flat_map(|branch| param_mappings(branch, channels_first)).collect()
        }
        Op::Activation(_) | Op::Dropout { .. } | Op::Pool { .. } | Op::LogMel(_) => Vec::new(),
    }
}

/// A number for each unit of a norm; channels are first only where all of an example is normed together.
fn of_units(lowered: &LoweredOp, names: (&str, &str), dimensions: &[usize], channels_first: bool) -> ParamMapping {
    let rank = dimensions.len();
    let turned = channels_first && rank == lowered.input.dimensions().len();
    let axes = if turned { channels_after(0, rank) } else { (0..rank).collect() };
    ParamMapping::turned(lowered, names, dimensions.to_vec(), axes)
}

/// Each channel of an image, else each number of an example.
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
        // Images of 1×2 pixels and 3 channels: pixel by pixel ours, channel by channel theirs.
        let twin = linear([1, 2, 3], true);
        assert_eq!(twin.shape, [2, 6]);
        let ours: Vec<usize> = (0..12).collect();
        let theirs = twin.to_theirs(&ours);
        assert_eq!(theirs, [0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11]);
        assert_eq!(twin.to_ours(&theirs), ours);
        assert_eq!(linear([6], false).to_theirs(&ours), ours);
    }
}
